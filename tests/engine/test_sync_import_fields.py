"""What an imported record gets: chosen rows alone, both tax sides, accounts, group; it goes on after a stop."""

import asyncio
from pathlib import Path
from typing import Any

from tests.engine.sync_kit import SOURCE, Rig, held, leave, operations, small, the_plan, until, writes
from xerotui.model.kinds import Kind
from xerotui.model.work import Operation, Plan, State
from xerotui.store import Mapping
from xerotui.sync.owning import at_source
from xerotui.sync.pair import load
from xerotui.sync.worker import serve


async def _plan(bench: Rig, kind: Kind, **more: str) -> tuple[Plan, dict[str, Operation]]:
    answer = await bench.done("import", connection=SOURCE, tenant=bench.tenants[0], kind=kind.value, **more)
    plan = await the_plan(bench, answer["plan"])
    return plan, {o.title: o for o in await operations(bench, plan=plan.id)}


async def _born(bench: Rig, collection: str, **fields: Any) -> dict[str, Any]:
    like = (await held(bench, bench.tenants[0], collection))[0]
    kept = {k: v for k, v in like.items() if k not in ("ContactID", "ItemID", "UpdatedDateUTC", "ContactNumber")}
    made: dict[str, Any] = await bench.control("xero", f"/create/{bench.tenants[0]}/{collection}", kept | fields)
    return made


async def _row(bench: Rig, table: str, **where: str) -> dict[str, Any]:
    (row,) = [r for r in await bench.control("halo", f"/state/{table}") if all(r[k] == v for k, v in where.items())]
    return dict(row)


async def test_an_import_takes_the_chosen_rows_with_both_tax_sides_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60, scale=0.01) as bench:
        british = bench.tenants[0]
        # Xero's own words for both sides, other than the usual rates; mapped from rates 2 and 5 of Halo.
        rates = {m.target: m.value for m in (await bench.wiring.book.read()).mappings(SOURCE, british)}
        sold, bought = "ZERORATEDOUTPUT", "INPUT2"
        assert {sold, bought} <= rates.keys()
        async with bench.wiring.book.edit() as db:
            account = Mapping(spec="account", connection=SOURCE, value="4000", tenant=british, target="200")
            db.put_mapping(account)
            db.put_mapping(Mapping(spec="account", connection=SOURCE, value="310", tenant=british, target="400"))
            # The default for what names no account is no account of the source.
            db.put_mapping(Mapping(spec="account", connection=SOURCE, value="*", tenant=british, target="299"))
        # Back at the source an account is the code that comes here again: 310 has none, as there it means 400.
        data = await load(bench.wiring.ports(), SOURCE, british)
        assert [at_source(data, "sales_account", x) for x in ("200", "400", "310", "299")] == [
            "4000",
            "310",
            None,
            "299",
        ]
        assert at_source(data, "purchase_account", "310") == "310"
        flags = {"IsCustomer": True, "IsSupplier": False}
        taxes = {"AccountsReceivableTaxType": sold, "AccountsPayableTaxType": bought}
        one = await _born(bench, "Contacts", Name="Born Ltd", AccountNumber="BORN1", **flags, **taxes)
        two = await _born(bench, "Contacts", Name="Other Ltd", AccountNumber="BORN2", **flags)
        plan, rows = await _plan(bench, Kind.CUSTOMER)
        shown = {c.path: (c.before, c.after) for c in rows["Born Ltd"].changes}
        named = {str(r["id"]): r["name"] for r in await bench.control("halo", "/state/tax")}
        assert shown["name"] == ("", "Born Ltd")
        assert shown["sales_tax"] == ("", named[rates[sold]])
        assert shown["purchase_tax"] == ("", named[rates[bought]])
        # Only what was chosen goes, the rest is left out and offered again.
        await bench.done("apply", plan=plan.id, hash=plan.hash, only=rows["Born Ltd"].id)
        states = {o.title: (o.state, o.error) for o in await operations(bench, plan=plan.id)}
        assert states.pop("Born Ltd")[0] is State.CONFIRMED
        assert set(states.values()) == {(State.CANCELLED, "left out")}
        (made,) = await writes(bench, "halo")
        row = await _row(bench, "client", xeroid=one["ContactID"])
        assert made["id"] == str(row["id"])
        assert (str(row["sales_tax_code"]), str(row["purchase_tax_code"])) == (rates[sold], rates[bought])
        # Renamed on both sides: a second import goes by the stored id alone (H9).
        await bench.control("halo", f"/edit/client/{row['id']}", {"name": "Renamed here", "accountsid": "X1"})
        await bench.control("xero", f"/patch/{british}/Contacts/{one['ContactID']}", {"Name": "Renamed there"})
        plan, rows = await _plan(bench, Kind.CUSTOMER)
        assert one["ContactID"] not in {o.target for o in rows.values()}
        assert two["ContactID"] in {o.target for o in rows.values()}
        # Stopped in the middle, the import goes on where it was.
        await leave(bench, "apply", plan=plan.id, hash=plan.hash)
        stop = asyncio.Event()
        going = asyncio.create_task(serve(bench.wiring.ports(), stop, until_idle=True))
        await until(lambda: _some(bench, 2))
        stop.set()
        await going
        left = [o for o in await operations(bench, plan=plan.id) if o.state is not State.CONFIRMED]
        await bench.work()
        assert {o.state for o in await operations(bench, plan=plan.id)} == {State.CONFIRMED}
        assert len([w for w in await writes(bench, "halo") if w["verb"] == "create"]) <= len(rows) + 1
        assert left == [] or len(left) < len(rows)
        await _items(bench, rates[bought])


async def _some(bench: Rig, most: int) -> bool:
    return len(await writes(bench, "halo")) >= most


async def _items(bench: Rig, purchase_tax: str) -> None:
    sales = {"UnitPrice": 12, "AccountCode": "200", "TaxType": "OUTPUT2"}
    bought = {"UnitPrice": 7, "AccountCode": "310", "TaxType": "INPUT2"}
    item = await _born(bench, "Items", Code="BORN-9", Name="Born item", SalesDetails=sales, PurchaseDetails=bought)
    groups = await bench.control("halo", "/state/assetgroup")
    unknown = await bench.ask("import", connection=SOURCE, tenant=bench.tenants[0], kind="item", group="Nowhere")
    assert "no item group Nowhere" in unknown.error
    plan, rows = await _plan(bench, Kind.ITEM, group=groups[-1]["name"].upper())
    assert {c.path: c.after for c in rows["Born item"].changes}["group"] == groups[-1]["name"]
    await bench.done("apply", plan=plan.id, hash=plan.hash, only=rows["Born item"].id)
    row = await _row(bench, "item", third_party_id=item["ItemID"])
    assert (row["assetgroup_id"], row["nominalcode"], row["purchasenominalcode"]) == (groups[-1]["id"], "4000", "310")
    assert str(row["taxcodeother"]) == purchase_tax
    assert await bench.control("halo", "/duplicates") == []
    assert await bench.control("halo", "/violations") == []
