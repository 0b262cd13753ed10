"""Automatic pairs: what their policy lets go by itself, what a ceiling stops, what always waits for a person."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.engine.sync_kit import (
    SOURCE,
    Rig,
    all_well,
    edit,
    jump,
    linked,
    made_plan,
    operations,
    policy,
    problems,
    small,
    writes,
)
from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import DocumentPosting, encode
from xerotui.model.settling import Laid, Settlement
from xerotui.model.work import CallState, Operation, Plan, PlanState, Request, Verb
from xerotui.net.clock import machine_now
from xerotui.store import Ceilings
from xerotui.sync.back_payments import changes
from xerotui.sync.plan import Draft
from xerotui.sync.policy_runs import POLICY, due, for_a_person, over, part_of, run


async def _plans(bench: Rig) -> list[Plan]:
    async with bench.wiring.ledger.read() as tx:
        return list(await bench.wiring.ledger.plans.list(tx, 50))


@pytest.mark.soak
async def test_an_automatic_pair_goes_by_itself_within_its_ceilings(tmp_path: Path) -> None:
    async with small(tmp_path, rate=10, scale=0.02) as bench:
        tenant = bench.tenants[0]
        await policy(bench, tenant, mode="automatic")
        await bench.work()
        assert await _plans(bench) == [], "before a first approved plan no pair is automatic"
        await bench.sync()
        await bench.work()
        (first,) = await _plans(bench)
        mine = [(r, x) for r, (t, x) in sorted((await linked(bench, Kind.INVOICE)).items()) if t == tenant]
        (changed, _), (gone, _), *_ = mine
        before = len(await writes(bench))

        # A ceiling leaves the plan waiting, once, and says which it is.
        await policy(bench, tenant, ceilings=Ceilings(documents=0))
        await edit(bench, "invoice", changed, cust_order_number="By policy")
        await bench.work()
        await bench.work()
        waiting, *rest = await _plans(bench)
        assert rest == [first]
        assert (waiting.state, waiting.actor, waiting.tenants) == (PlanState.READY, POLICY, (tenant,))
        assert len(await writes(bench)) == before
        (problem,) = await problems(bench, code="core.ceiling")
        assert "1 document, at most 0" in problem.sentence

        # Within it the policy approves, and the audit says so. What left the source waits all the same.
        await policy(bench, tenant, ceilings=Ceilings())
        await bench.control("halo", f"/remove/invoice/{gone}", {})
        await bench.work()
        assert [w["verb"] for w in (await writes(bench))[before:]] == ["update"]
        assert await problems(bench, code="core.ceiling") == []
        apart = next(p for p in await _plans(bench) if p.state is PlanState.READY)
        assert {(o.verb, o.record) for o in await operations(bench, plan=apart.id)} == {(Verb.DELETE, gone)}
        async with bench.wiring.ledger.read() as tx:
            log = await bench.wiring.ledger.audit.list(tx, 500)
        assert {row.actor for row in log if row.action == "approved"} == {"tester", POLICY}

        # What waits keeps its id while other things go; while somebody has asked for it no pass begins.
        await edit(bench, "invoice", changed, cust_order_number="By policy again")
        asked = Request(id="req-seen", verb="discard", args={"plan": apart.id}, actor="tester", created=machine_now())
        async with bench.wiring.ledger.write() as tx:
            await bench.wiring.ledger.requests.add(tx, asked)
        assert await run(bench.wiring.ports(), SOURCE, tenant) == {}
        async with bench.wiring.ledger.write() as tx:
            await bench.wiring.ledger.requests.finish(tx, asked.id)
        await bench.work()
        assert [w["verb"] for w in (await writes(bench))[before:]] == ["update", "update"]
        before += 1
        assert next(p.id for p in await _plans(bench) if p.state is PlanState.READY) == apart.id

        # A person's plan isn't pulled away from under them; nor is anything done before its time.
        seen = await made_plan(bench)
        assert await due(bench.wiring.ports(), at_once=True) == []
        await bench.done("discard", plan=seen.id)
        assert await due(bench.wiring.ports()) == []
        await jump(bench, 16 * 60)
        assert [p.tenant for p in await due(bench.wiring.ports())] == [tenant]

        # Removals go unasked only by their own switch, and within its ceiling.
        await policy(bench, tenant, removals="automatic", ceilings=Ceilings(voids=1))
        await bench.work()
        assert [w["verb"] for w in (await writes(bench))[before:]] == ["update", "delete"]
        async with bench.wiring.ledger.read() as tx:
            departed = await bench.wiring.ledger.departures.of(tx, SOURCE, Kind.INVOICE, [gone])
        assert (departed[gone].actor, departed[gone].reason) == (POLICY, "by policy: automatic, 1 of at most 1")
        left = [p.id for p in await _plans(bench)]
        await bench.work()
        assert [p.id for p in await _plans(bench)] == left, "where there is nothing to do no plan is made"
        await all_well(bench)

        # The exact bytes of what was settled go after their time; what is known by them stays.
        async def bodies() -> list[bytes]:
            async with bench.wiring.ledger.read() as tx:
                return [
                    c.body for c in await bench.wiring.ledger.work.calls(tx, f"xero:{tenant}", (CallState.SETTLED,))
                ]

        sent = await bodies()
        assert all(sent)
        await policy(bench, tenant, mode="manual")
        await jump(bench, 29 * 24 * 3600)
        await bench.work()
        assert await bodies() == sent
        await jump(bench, 2 * 24 * 3600)
        await bench.work()
        assert await bodies() == [b""] * len(sent)


def _made(n: int, currency: str = "GBP") -> Operation:
    posting = DocumentPosting(kind=Kind.INVOICE, number=str(n), date=dt.date(2026, 9, 1), currency=currency)
    return Operation(
        id=f"op-{n}",
        plan="plan",
        side=Side.XERO,
        lane="xero:t",
        kind=Kind.INVOICE,
        verb=Verb.CREATE,
        connection=SOURCE,
        tenant="t",
        record=str(n),
        body=encode(posting),
        currency=currency,
        total=Decimal("100.10") * n,
    )


def test_a_part_of_a_plan_still_needs_what_a_run_under_way_makes() -> None:
    one, other = (msgspec.structs.replace(_made(n), needs=("op-running", "op-2", "op-3")) for n in (1, 3))
    draft = Draft("plan", operations=[one, _made(2), other])
    (kept, _) = part_of(draft, [one, _made(2)]).operations
    assert kept.needs == ("op-running", "op-2")


def test_each_ceiling_is_named_and_a_sum_without_a_rate_is_never_taken_for_small() -> None:
    made = [_made(n) for n in (1, 2, 3)]
    assert over(Ceilings(documents=3, updates_percent=0, total=Decimal("600.60")), made, 10, "GBP") == []
    (said,) = over(Ceilings(total=Decimal("600.59")), made, 10, "GBP")
    assert "600.60 GBP" in said
    (said,) = over(Ceilings(total=Decimal(10**9)), [_made(1, "USD")], 10, "GBP")
    assert "USD without a rate" in said
    updates = [msgspec.structs.replace(o, verb=Verb.UPDATE) for o in made]
    assert over(Ceilings(updates_percent=30), updates, 10, "GBP") == []
    (said,) = over(Ceilings(updates_percent=29), updates, 10, "GBP")
    assert "3 updates of 10" in said
    # What goes back into the source is counted for itself.
    settled = [msgspec.structs.replace(o, verb=Verb.SETTLE, side=Side.SOURCE, kind=Kind.INVOICE) for o in made]
    assert over(Ceilings(updates_percent=30), [*updates, *settled], 10, "GBP") == []
    (said,) = over(Ceilings(updates_percent=29), settled, 10, "GBP")
    assert "3 changes at the source of 10" in said
    for verb, rungs, waits in (
        (Verb.ATTACH, {"contact": "found by name"}, True),
        (Verb.ATTACH, {"contact": "found by account number"}, False),
        *((v, {}, True) for v in (Verb.VOID, Verb.DELETE, Verb.ARCHIVE)),
        *((v, {}, False) for v in (Verb.CREATE, Verb.UPDATE, Verb.SETTLE, Verb.ALLOCATE)),
    ):
        one = msgspec.structs.replace(made[0], verb=verb, rungs=rungs)
        assert for_a_person(one) is waits, (verb, rungs)
    less = Settlement(xero_id="x", taken_back=(Laid(id="p", amount=Decimal(5), date=None),))
    for told, waits in ((None, True), (less, False)):
        one = msgspec.structs.replace(settled[0], changes=changes(told, less))
        assert for_a_person(one) is waits, "a payment that is newly taken back"
