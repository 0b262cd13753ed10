"""Import of tax rates into the source (H7): added, mapped, and where a person asks cleaned up; never one in use."""

from pathlib import Path
from typing import Any

from tests.engine.sync_kit import SOURCE, Rig, edit, fault, held, operations, small, the_plan, writes
from xerotui.model.kinds import Kind, Side
from xerotui.model.work import Plan, State, Verb


async def _plan(bench: Rig, tenant: str, **more: str) -> Plan:
    answer = await bench.done("import", connection=SOURCE, tenant=tenant, kind="tax_rate", **more)
    return await the_plan(bench, answer["plan"])


async def _taxes(bench: Rig) -> dict[str, dict[str, Any]]:
    return {str(r["id"]): r for r in await bench.control("halo", "/state/tax")}


async def _made_by_hand(bench: Rig) -> dict[str, str]:
    """Rates of no organisation: one that nothing uses, and four that must stay; id by what they are."""
    rows = {"old": 12, "grouped": 9, "sold": 8, "ruled": 3, "zero": 0}
    made = {n: await bench.control("halo", "/create/tax", {"name": f"Our {n}", "value": v}) for n, v in rows.items()}
    ids = {n: str(row["id"]) for n, row in made.items()}
    group = (await bench.control("halo", "/state/assetgroup"))[0]
    await edit(bench, "assetgroup", group["id"], tax_id=int(ids["grouped"]))
    item = (await bench.control("halo", "/state/item"))[0]
    await edit(bench, "item", item["id"], taxcode=int(ids["sold"]))
    await bench.control("halo", "/create/taxrule", {"name": "Exports", "taxid": int(ids["ruled"])})
    return ids


async def test_rates_are_added_and_mapped_and_only_what_nothing_uses_is_removed(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60, scale=0.01) as bench:
        british = bench.tenants[0]
        mine = await _made_by_hand(bench)
        before = await _taxes(bench)
        active = {r["TaxType"]: r for r in await held(bench, british, "TaxRates") if r["Status"] == "ACTIVE"}
        told = {m.target for m in (await bench.wiring.book.read()).mappings(SOURCE, british) if m.spec == "tax"}
        # An import alone removes nothing (psa-sync-pain section 6, test 2).
        plain = await _plan(bench, british)
        assert plain.counts["create"] == len(active.keys() - told) > 0
        assert not plain.counts.get("delete")
        assert await writes(bench, "halo") == [], "a preview writes nothing"
        plan = await _plan(bench, british, clean_up="1")
        ops = await operations(bench, plan=plan.id)
        assert [o.record for o in ops if o.verb is Verb.DELETE] == [mine["old"]]
        async with bench.wiring.ledger.read() as tx:
            listed = {row.record.id: row.sentence for row in await bench.wiring.ledger.plans.blocked(tx, plan.id)}
        assert "item group" in listed[mine["grouped"]]
        assert "1 item" in listed[mine["sold"]]
        assert "tax rule" in listed[mine["ruled"]]
        assert "zero rate" in listed[mine["zero"]]
        assert set(listed) - set(mine.values()) - set(before) == {f"xero:{code}" for code in told & active.keys()}
        # One that came into use since is no part of what was approved.
        item = (await bench.control("halo", "/state/item"))[1]
        await edit(bench, "item", item["id"], taxcode=int(mine["old"]))
        refused = await bench.ask("apply", plan=plan.id, hash=plan.hash)
        assert "Our old" in refused.error
        assert await writes(bench, "halo") == []
        await edit(bench, "item", item["id"], taxcode=item["taxcode"])
        plan = await _plan(bench, british, clean_up="1")
        # An answer that is lost makes no second rate, nor does a removal fail that had happened.
        for method, at in (("POST", "(?i)/api/tax$"), ("DELETE", "(?i)/api/tax/")):
            await fault(bench, "halo", method=method, path=at, times=1, do="cut_after")
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        assert {o.state for o in await operations(bench, plan=plan.id)} == {State.CONFIRMED}
        after = await _taxes(bench)
        new = {id: row for id, row in after.items() if id not in before}
        assert before.keys() - after.keys() == {mine["old"]}
        assert sorted(row["xerotaxrate"]["value"] for row in new.values()) == sorted(active.keys() - told)
        assert {row["xero_tenant_id"] for row in new.values()} == {british}
        mapped = {
            (m.value, m.trade): m.target for m in (await bench.wiring.book.read()).mappings(SOURCE, british)
        }  # fmt: skip
        for id, row in new.items():
            held_ = active[row["xerotaxrate"]["value"]]
            purchase = held_["CanApplyToExpenses"] or held_["CanApplyToAssets"]
            trades = [t for t, may in (("sales", held_["CanApplyToRevenue"]), ("purchase", purchase)) if may]
            assert [t for t in ("sales", "purchase") if mapped.get((id, t)) == held_["TaxType"]] == trades
        async with bench.wiring.ledger.read() as tx:
            known = await bench.wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.TAX_RATE)
        assert {r.id for r in known} == after.keys()
        # A Halo that keeps no links, and lets no rate go: the mapping tells what is there, its words why one stays.
        await bench.control("halo", "/switches", {"deletes": "refused"})
        for id in new:
            await edit(bench, "tax", id, xerotaxrate=None)
        stubborn = await bench.control("halo", "/create/tax", {"name": "Our last", "value": 11})
        again = await _plan(bench, british, clean_up="1")
        assert not again.counts.get("create")
        await bench.done("apply", plan=again.id, hash=again.hash)
        (last,) = await operations(bench, plan=again.id)
        assert (last.record, last.state) == (str(stubborn["id"]), State.PARKED)
        assert "can't be deleted" in last.error
        assert await bench.control("halo", "/violations") == []
