"""The way of the documents: plan, apply, verify, write back; a fixed cause releases what waited for it."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

from tests.engine.sync_kit import (
    SOURCE,
    UNMAPPED_TAX,
    Rig,
    all_well,
    everything_arrived,
    halo,
    held_one,
    in_xero,
    leave,
    linked,
    made_plan,
    map_tax,
    operations,
    plans,
    problems,
    seeded,
    small,
    sound,
    stopped,
    the_plan,
    writes,
)
from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.work import Plan, PlanKind, PlanState, State, Verb


async def test_every_sound_document_arrives_once_and_a_second_plan_is_empty(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        assert await writes(bench) == [], "a plan writes nothing"
        assert await writes(bench, "halo") == []
        assert await stopped(bench) == seeded(bench)
        blocked = sum(t.documents for t in plan.totals if t.verb == "blocked")
        assert blocked == sum(len(n) for n in sound(bench, blocked=True).values())
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        await everything_arrived(bench)
        await all_well(bench)
        await _links_on_both_sides(bench)
        await _few_calls(bench, plan)
        done = await operations(bench, plan=plan.id)
        states = Counter((o.side, o.state) for o in done)
        assert set(states) == {(Side.XERO, State.VERIFIED), (Side.SOURCE, State.CONFIRMED)}
        assert (await the_plan(bench, plan.id)).state is PlanState.DONE
        predicted = {(t.tenant, t.currency, t.kind): t.total for t in plan.totals if t.verb == "create"}
        xero = await bench.control("xero", "/totals")
        for (tenant, currency, kind), total in predicted.items():
            assert Decimal(xero[tenant][currency][kind.value]["total"]) == total, "the plan said so beforehand"
        before = len(await writes(bench)), len(await writes(bench, "halo"))
        again = await made_plan(bench)
        assert await operations(bench, plan=again.id) == []
        await bench.done("apply", plan=again.id, hash=again.hash)
        assert (len(await writes(bench)), len(await writes(bench, "halo"))) == before
        assert await stopped(bench) == seeded(bench), "what is stopped stays stopped, and nothing else is"


async def _links_on_both_sides(bench: Rig) -> None:
    for kind, entity, field in (
        (Kind.INVOICE, "invoice", "xeroid"),
        (Kind.PURCHASE_ORDER, "purchaseorder", "xero_id"),
        (Kind.CUSTOMER, "client", "xeroid"),
        (Kind.SUPPLIER, "supplier", "xero_id"),
    ):
        rows = {str(r["id"]): r for r in await bench.control("halo", f"/state/{entity}")}
        links = await linked(bench, kind)
        assert links
        assert {i for i, (_, xero_id) in links.items() if rows[i][field] != xero_id} == set()
        assert {i for i, r in rows.items() if r[field] and i not in links} == set(), (
            "only what was linked carries an id"
        )
    number, (tenant, xero_id) = next(iter((await linked(bench, Kind.INVOICE)).items()))
    row = await halo(bench, "invoice", number)
    theirs = await held_one(bench, tenant, "Invoices", InvoiceID=xero_id)
    assert theirs["InvoiceNumber"] == row["invoicenumber"]
    assert Decimal(str(theirs["Total"])) == Decimal(str(row["total"]))
    assert theirs["Status"] == "DRAFT"


async def _few_calls(bench: Rig, plan: Plan) -> None:
    created = await operations(bench, plan=plan.id, verb=Verb.CREATE)
    assert max(Counter((o.tenant, o.kind) for o in created).values()) <= 50
    assert plan.calls == len({(o.tenant, o.kind) for o in created}) > 8
    assert len({w["call"] for w in await writes(bench)}) == plan.calls


async def test_a_saved_mapping_releases_exactly_the_dozen_and_waits_for_approval(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        await bench.sync()
        before = await in_xero(bench)
        dozen = {str(t.id) for t in bench.world.trouble if t.kind == "tax_unmapped" and t.record == "invoice"}
        assert len(dozen) == 12
        await map_tax(bench)
        await bench.work()
        follow = (await plans(bench))[-1]
        assert (follow.kind, follow.state) == (PlanKind.SYNC, PlanState.READY)
        assert follow.follows
        planned = await operations(bench, plan=follow.id)
        assert {o.record for o in planned if o.kind in DOCUMENTS} == dozen
        assert {o.kind for o in planned} <= {Kind.INVOICE, Kind.CUSTOMER, Kind.ITEM}
        assert all(f"tax:{UNMAPPED_TAX}:sales" in o.basis.mappings for o in planned if o.kind is Kind.INVOICE)
        assert await in_xero(bench) == before, "nothing goes before a person has said so"
        assert not [p for p in await problems(bench) if p.code == "core.tax_unmapped"]
        await bench.done("apply", plan=follow.id, hash=follow.hash)
        now = await in_xero(bench)
        assert sum(map(len, now.values())) == sum(map(len, before.values())) + 12
        await all_well(bench)


async def test_follow_ups_approved_in_advance_go_by_themselves_in_each_organisation(tmp_path: Path) -> None:
    async with small(tmp_path, mapped=False) as bench:
        await bench.done("refresh")
        standard = {"1": "OUTPUT2", "7": "OUTPUT"}
        await bench.map_taxes(but=lambda rate: rate.id in standard)
        first = await bench.sync(follow=True)
        waiting = {p.record.id for p in await problems(bench, code="core.tax_unmapped", kind=Kind.INVOICE)}
        british, australian = bench.tenants
        await map_tax(bench, "1", british, standard["1"])
        await map_tax(bench, "7", australian, standard["7"])
        await bench.work()
        follows = [p for p in await plans(bench) if p.follows]
        assert {p.tenants for p in follows} == {(british,), (australian,)}
        assert {(p.follows, p.state) for p in follows} == {(first, PlanState.DONE)}
        await everything_arrived(bench)
        assert len(waiting) > 12
        await all_well(bench)


async def test_a_follow_up_of_more_than_was_listed_waits_for_a_person(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        await bench.sync(follow=True)
        before = await in_xero(bench)
        # A thirteenth invoice of the same rate, made after the plan was approved: nobody has seen it.
        one = next(t.id for t in bench.world.trouble if t.kind == "tax_unmapped" and t.record == "invoice")
        row = next(r for r in await bench.control("halo", "/state/invoice") if r["id"] == one)
        new = {k: v for k, v in row.items() if k not in ("id", "invoicenumber", "xeroid")}
        new["lines"] = [{k: v for k, v in line.items() if k not in ("id", "ihid")} for line in row["lines"]]
        await bench.control("halo", "/clock", {"jump_seconds": 5})
        await bench.control("halo", "/create/invoice", new)
        await bench.done("refresh", connection=SOURCE)
        await made_plan(bench)
        await map_tax(bench)
        await bench.work()
        follow = (await plans(bench))[-1]
        assert follow.state is PlanState.READY
        assert len([o for o in await operations(bench, plan=follow.id) if o.kind is Kind.INVOICE]) == 13
        assert await in_xero(bench) == before


async def test_a_plan_that_was_seen_is_the_one_that_goes(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        refused = await bench.ask("apply", plan=plan.id, hash="0" * 16)
        assert refused.error
        assert refused.answer["exit"] == "4"
        assert await writes(bench) == []
        await leave(bench, "discard", plan=plan.id)
        await bench.work()
        assert {o.state for o in await operations(bench, plan=plan.id)} == {State.CANCELLED}
        assert (await bench.ask("apply", plan=plan.id)).error
        assert await writes(bench) == []
