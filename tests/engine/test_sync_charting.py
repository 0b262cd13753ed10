"""Mappings whose other side changes in Xero are told before documents fail (M13); they leave and return as a sheet."""

import csv
import io
from pathlib import Path

import msgspec

from tests.engine.sync_kit import SOURCE, held, jump, problems, small, the_plan
from xerotui.model.paging import View
from xerotui.workspace.door import Workspace
from xerotui.workspace.map_sheet import HEAD


def _text(rows: list[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([HEAD, *rows])
    return out.getvalue()


async def test_what_changes_in_xero_under_a_mapping_is_told_and_sheets_show_their_diff_first(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60, scale=0.01, mapped=False) as bench:
        british = bench.tenants[0]
        space = Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)
        await bench.done("refresh", connection=SOURCE)
        taken = await space.map_accept("tax", SOURCE, british)
        accounts = {a["Code"]: a for a in await held(bench, british, "Accounts") if a.get("Code")}
        await space.map_set("account", SOURCE, british, "*", "200", "sales")
        assert taken > 3
        # A purchase rate that is mapped on the sales side alone serves purchases: nothing is wrong with it.
        bought = next(m for m in (await bench.wiring.book.read()).mappings(SOURCE, british) if m.target == "INPUT2")
        async with bench.wiring.book.edit() as db:
            db.drop_mapping("tax", SOURCE, bought.value, bought.trade, british)
            db.put_mapping(msgspec.structs.replace(bought, trade="sales"))
        await bench.done("refresh", connection=SOURCE)
        assert (bought.trade, await problems(bench, phase="chart")) == ("purchase", [])
        # Each side says how it stands: none is broken, and the one that has no rate of its own says that.
        sides = [r for r in await space.mapping_rows(SOURCE, british, "tax") if r.value == bought.value]
        said = {r.trade: (r.state, r.target, r.changed) for r in sides}
        assert said["purchase"] == ("mapped", "INPUT2", "")
        assert said["sales"] == ("mapped", "INPUT2", "")
        assert {r.trade: r.note for r in sides} == {
            "purchase": "by the mapping of the sales side, which Xero allows here alone",
            "sales": "serves purchase documents: Xero allows it there alone",
        }
        async with bench.wiring.book.edit() as db:
            db.drop_mapping("tax", SOURCE, bought.value, "sales", british)
            db.put_mapping(bought)
        # A rate is renamed, another archived, an account renamed: nothing was planned yet.
        rates = {r["TaxType"]: r for r in await held(bench, british, "TaxRates")}
        mapped = {r.target: r for r in await space.mapping_rows(SOURCE, british, "tax") if r.state == "mapped"}
        renamed, archived = "INPUT2", "OUTPUT2"
        assert {renamed, archived} <= mapped.keys()
        tax = f"/patch/{british}/TaxRates"
        await bench.control("xero", f"{tax}/{renamed}", {"Name": "VAT that we pay"})
        await bench.control("xero", f"{tax}/{archived}", {"Status": "ARCHIVED"})
        await bench.control("xero", f"/patch/{british}/Accounts/{accounts['200']['AccountID']}", {"Name": "Turnover"})
        await jump(bench)
        await bench.done("refresh", connection=SOURCE)
        # The sentence with the documents last: the archived rate is mapped on both sides of the books.
        charted = sorted(await problems(bench, phase="chart"), key=lambda p: "to be sent" in p.sentence)
        told = {p.code: p for p in charted if p.record.id.startswith("mapping:tax")}
        assert told["core.mapping_renamed"].sentence.startswith(f"{rates[renamed]['Name']} is called VAT that we pay")
        gone = told["core.mapping_gone"]
        assert "archived in Xero" in gone.sentence
        assert "documents to be sent use it" in gone.sentence
        assert gone.place is not None
        assert gone.place.args["value"] == mapped[archived].value
        (account,) = [p for p in await problems(bench, phase="chart") if p.record.id.startswith("mapping:account")]
        assert "Turnover" in account.sentence
        changed = {(r.spec, r.value): r for r in await space.mapping_rows(SOURCE, british) if r.changed}
        assert set(changed) == {("tax", mapped[renamed].value), ("tax", mapped[archived].value), ("account", "*")}
        assert changed["tax", mapped[archived].value].state == "broken"
        plan = await the_plan(bench, (await bench.done("plan", connection=SOURCE, tenant=british))["plan"])
        listed = await space.plan_rows(plan.id, View(fields={"verb": "mapping"}))
        assert {(row.verb, row.code) for row in listed.rows} == {("mapping", p.code) for p in (*told.values(), account)}
        # Taken again, a new name is no news any more; what is gone stays until it is mapped to something else.
        assert await space.map_accept("account", SOURCE, british) == 1
        await space.map_accept("tax", SOURCE, british)
        await bench.work()
        await bench.done("refresh", connection=SOURCE)
        assert {p.code for p in await problems(bench, phase="chart")} == {"core.mapping_gone"}
        await _sheets(space, british, mapped[archived].value)


async def _sheets(space: Workspace, tenant: str, broken: str) -> None:
    rows = await space.mapping_sheet(await space.mapping_rows(SOURCE, tenant))
    assert await space.mapping_diff(_text(rows)) == (), "what left comes back as it was"
    edited = [list(row) for row in rows]
    target = HEAD.index("target")
    mine = next(r for r in edited if r[2] == "tax" and r[3] != broken and r[target])
    other = next(r for r in edited if r[2:5] == ["account", "*", "sales"])
    wrong = next(r for r in edited if r[2] == "tax" and r not in (mine,) and r[3] != broken and r[target])
    mine[target], other[target], wrong[target] = "", "260", "NO-SUCH-RATE"
    text = _text([*(tuple(r) for r in edited), ("halo", "Nobody Ltd", "tax", "1", "sales", "", "X", "")])
    changes = await space.mapping_diff(text)
    assert {(c.spec, c.value, c.after, bool(c.refused)) for c in changes} == {
        ("tax", mine[3], "", False),
        ("account", "*", "260", False),
        ("tax", wrong[3], "NO-SUCH-RATE", True),
        ("tax", "1", "X", True),
    }
    assert len(changes) == 4
    before = (await space.wiring.book.read()).revision
    assert await space.mapping_save(changes) == 2
    book = await space.wiring.book.read()
    assert book.revision > before
    found = book.mapping("account", SOURCE, "*", "sales", tenant)
    assert found is not None
    assert found.target == "260"
    assert book.mapping("tax", SOURCE, mine[3], mine[4], tenant) is None
