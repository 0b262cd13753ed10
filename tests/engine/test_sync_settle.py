"""Settling and forming over a real ledger, without a network: what can't be stored or sent holds up nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.engine.store_kit import NOW
from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import DocumentPosting, ItemPosting, PostingLine, decode, encode
from xerotui.model.problems import Problem, SyncError
from xerotui.model.records import Document, Item, Record, fingerprint
from xerotui.model.work import Basis, Call, Link, Operation, Plan, PlanKind, PlanState, State, Verb
from xerotui.store import Fence, SourceConnection
from xerotui.sync import lane as lanes
from xerotui.sync.applying import begin
from xerotui.sync.lane import LaneRunner
from xerotui.sync.outcomes import Done, Outcome
from xerotui.sync.plan import source_lane, xero_lane
from xerotui.sync.settle import Settler
from xerotui.workspace.home import prepare
from xerotui.workspace.wiring import Wiring
from xerotui.xero import calls as xero_calls

TENANT = "tenant-1"
LANE = xero_lane(TENANT)


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[Wiring]:
    """A workspace with one source that keeps links, and nothing connected."""
    wiring = await Wiring.open(prepare(home / "home"))
    try:
        async with wiring.book.edit() as db:
            db.put_source(SourceConnection(id="halo", name="HaloPSA", source="halo"))
        yield wiring
    finally:
        await wiring.close()


def work(id: str, record: str, **more: Any) -> Operation:
    """The creation of an item."""
    given: dict[str, Any] = {
        "id": id,
        "plan": "plan-1",
        "side": Side.XERO,
        "lane": LANE,
        "kind": Kind.ITEM,
        "verb": Verb.CREATE,
        "state": State.READY,
        "connection": "halo",
        "tenant": TENANT,
        "record": record,
        "title": f"Item {record}",
        "body": encode(ItemPosting(code=f"CODE-{record}", name="Thing")),
    }
    return Operation(**{**given, **more})


def link(record: str, xero_id: str, **more: Any) -> Link:
    """The link of an item."""
    given: dict[str, Any] = {"connection": "halo", "kind": Kind.ITEM, "record": record, "tenant": TENANT}
    return Link(**{**given, "xero_id": xero_id, "at": NOW, **more})


async def settled(wiring: Wiring, operations: list[Operation], outcome: Outcome) -> None:
    """A call with these operations, settled."""
    ledger = wiring.ledger
    first = operations[0]
    async with ledger.write() as tx:
        await ledger.work.add(tx, operations)
        fence = await ledger.lanes.take(tx, first.lane, wiring.identity, 60)
        assert fence is not None
        call = Call(
            id=f"call-{first.id}",
            lane=first.lane,
            kind=first.kind,
            verb=first.verb,
            method="PUT",
            path="/Items",
            key=f"key-{first.id}",
            body=b"{}",
            operations=tuple(o.id for o in operations),
            first_sent=NOW,
        )
        await ledger.work.open_call(tx, call, fence)
    await Settler(wiring.ports(), fence).settle(call, outcome)


async def found(wiring: Wiring, **where: Any) -> dict[str, Operation]:
    """Operations by id."""
    async with wiring.ledger.read() as tx:
        return {o.id: o for o in await wiring.ledger.work.find(tx, **where)}


async def problems(wiring: Wiring, **where: Any) -> list[Problem]:
    """Open problems."""
    async with wiring.ledger.read() as tx:
        return await wiring.ledger.problems.open(tx, **where)


async def test_what_belongs_to_another_record_fails_with_words_and_the_rest_is_confirmed(tmp_path: Path) -> None:
    async with opened(tmp_path) as wiring:
        async with wiring.ledger.write() as tx:
            await wiring.ledger.links.put(tx, [link("7", "x-7")])
        some = [work(f"op-{i}", str(i)) for i in (1, 2, 3, 4)]
        ids = ("x-1", "x-7", "x-3", "x-3")
        await settled(wiring, some, Outcome(status=200, done=[Done(o, i) for o, i in zip(some, ids, strict=True)]))
        now = await found(wiring, side=Side.XERO)
        assert [now[o.id].state for o in some] == [State.CONFIRMED, State.REJECTED, State.CONFIRMED, State.REJECTED]
        assert {p.record.id: p.code for p in await problems(wiring)} == {
            "2": "core.number_taken",
            "4": "core.number_taken",
        }
        async with wiring.ledger.read() as tx:
            links = await wiring.ledger.links.for_pair(tx, "halo", TENANT)
        assert {one.record: one.xero_id for one in links} == {"1": "x-1", "3": "x-3", "7": "x-7"}


async def test_a_record_whose_link_is_being_written_back_gets_no_second_attachment(tmp_path: Path) -> None:
    async with opened(tmp_path) as wiring:
        waiting = work("op-a", "1", side=Side.SOURCE, lane=source_lane("halo"), verb=Verb.ATTACH, target="x-0")
        async with wiring.ledger.write() as tx:
            await wiring.ledger.work.add(tx, [waiting])
        some = [work("op-1", "1"), work("op-2", "2")]
        await settled(wiring, some, Outcome(status=200, done=[Done(some[0], "x-1"), Done(some[1], "x-2")]))
        attached = await found(wiring, side=Side.SOURCE)
        assert sorted(o.record for o in attached.values()) == ["1", "2"]
        assert {o.state for o in (await found(wiring, side=Side.XERO)).values()} == {State.CONFIRMED}


@pytest.mark.parametrize("known", [True, False])
async def test_an_update_leaves_open_what_the_source_knows(tmp_path: Path, known: bool) -> None:
    async with opened(tmp_path) as wiring:
        async with wiring.ledger.write() as tx:
            await wiring.ledger.links.put(tx, [link("1", "x-1", attached=known)])
        change = work("op-1", "1", verb=Verb.UPDATE, target="x-1")
        await settled(wiring, [change], Outcome(status=200, done=[Done(change, "x-1", version="v2")]))
        async with wiring.ledger.read() as tx:
            now = await wiring.ledger.links.get(tx, "halo", Kind.ITEM, "1", TENANT)
        assert now is not None
        assert (now.attached, now.version) == (known, "v2")


async def test_settling_fifty_costs_no_more_statements_than_settling_five(tmp_path: Path) -> None:
    async with opened(tmp_path) as wiring:
        counted = []
        for first, many in ((100, 5), (200, 50)):
            some = [work(f"op-{i}", str(i)) for i in range(first, first + many)]
            statements: list[str] = []

            def note(*args: Any, statements: list[str] = statements) -> None:
                statements.append(args[2])

            engine = wiring.ledger._engine.sync_engine
            event.listen(engine, "before_cursor_execute", note)
            await settled(wiring, some, Outcome(status=200, done=[Done(o, f"x-{o.record}") for o in some]))
            event.remove(engine, "before_cursor_execute", note)
            counted.append(len(statements))
        assert counted[1] <= counted[0] + 2, counted
        async with wiring.ledger.read() as tx:
            assert await wiring.ledger.audit.verify(tx) == []
            assert len(await wiring.ledger.audit.list(tx, limit=100)) == 55


# ------------------------------------------------------------------------------------------ before a call leaves


def item(id: str, name: str = "Thing") -> Item:
    """An item of the source."""
    return Item(kind=Kind.ITEM, id=id, name=name, code=f"CODE-{id}")


INVOICE = Document(kind=Kind.INVOICE, id="9", number="INV-9", party="77")


def invoice_work() -> Operation:
    """The creation of that invoice, planned before its customer was linked."""
    posting = DocumentPosting(
        kind=Kind.INVOICE,
        number="INV-9",
        date=NOW.date(),
        currency="GBP",
        total=Decimal("1.00"),
        lines=(PostingLine(description="x"),),
    )
    basis = Basis(fingerprint=fingerprint(INVOICE))
    return work("op-9", "9", kind=Kind.INVOICE, body=encode(posting), basis=basis)


async def known(wiring: Wiring, *records: Record) -> None:
    """What the source says."""
    async with wiring.ledger.write() as tx:
        await wiring.ledger.snapshots.put(tx, Side.SOURCE, "halo", records, NOW)


async def queued(wiring: Wiring, *operations: Operation) -> None:
    """Operations in the queue."""
    async with wiring.ledger.write() as tx:
        await wiring.ledger.work.add(tx, operations)


async def turned(wiring: Wiring) -> LaneRunner:
    """One turn of the tenant's lane, in a workspace without a connection to Xero."""
    runner = LaneRunner(wiring.ports(), LANE)
    assert await runner.run(asyncio.Event())
    return runner


def planned(record: Item, id: str, **more: Any) -> Operation:
    """A create with that basis."""
    return work(id, record.id, basis=Basis(fingerprint=fingerprint(record)), **more)


async def test_a_create_of_a_record_that_changed_vanished_or_was_linked_is_superseded(tmp_path: Path) -> None:
    async with opened(tmp_path) as wiring:
        was = {id: item(id) for id in ("1", "2", "3", "4")}
        await known(wiring, item("1", "Renamed"), was["2"], was["3"], was["4"])
        async with wiring.ledger.write() as tx:
            await wiring.ledger.snapshots.gone(tx, Side.SOURCE, "halo", Kind.ITEM, ["2"], NOW)
            await wiring.ledger.links.put(tx, [link("3", "x-3")])
        some = [planned(was[id], f"op-{id}") for id in was]
        mapped = planned(item("5"), "op-5")
        await known(wiring, item("5"))
        basis = Basis(fingerprint=mapped.basis.fingerprint, mappings={"tax:1:sales": 1})
        await queued(wiring, *some, work("op-5", "5", basis=basis))
        await turned(wiring)
        now = await found(wiring)
        stale = {id: now[id].error for id in now if now[id].state is State.SUPERSEDED}
        assert set(stale) == {"op-1", "op-2", "op-3", "op-5"}
        assert all(stale.values()), "each says why"
        assert now["op-4"].call, "the one that still holds left, alone"


async def test_a_call_too_large_is_split_and_its_culprit_set_aside(tmp_path: Path, monkeypatch: Any) -> None:
    async with opened(tmp_path) as wiring:
        things = [item(str(i)) for i in range(5)]
        await known(wiring, *things)
        some = [planned(thing, f"op-{thing.id}") for thing in things]
        large = encode(ItemPosting(code="CODE-2", name="Thing", description="x" * 3000))
        await queued(wiring, *(o if o.record != "2" else planned(things[2], "op-2", body=large) for o in some))
        monkeypatch.setattr(xero_calls, "MAX_BYTES", 2000)
        runner = await turned(wiring)
        assert runner.trouble, "nothing is connected: what could be formed failed for that reason"
        now = await found(wiring)
        assert now["op-2"].state is State.PARKED
        assert {id for id in now if now[id].call} >= {"op-0", "op-1"}
        (problem,) = await problems(wiring)
        assert (problem.code, problem.record.id, problem.blocks) == ("core.parked", "2", True)
        assert "MB" in problem.said


async def test_a_document_whose_contact_has_no_link_is_set_aside_with_a_problem(tmp_path: Path) -> None:
    async with opened(tmp_path) as wiring:
        await known(wiring, INVOICE)
        await queued(wiring, invoice_work())
        await turned(wiring)
        assert (await found(wiring))["op-9"].state is State.PARKED
        (problem,) = await problems(wiring)
        assert (problem.code, problem.record.id, problem.blocks) == ("core.dependency", "9", True)
        assert "contact" in problem.sentence


async def test_a_contact_known_only_now_is_stored_with_what_is_sent(tmp_path: Path) -> None:
    async with opened(tmp_path) as wiring:
        await known(wiring, INVOICE)
        customer = link("77", "contact-77", kind=Kind.CUSTOMER)
        async with wiring.ledger.write() as tx:
            await wiring.ledger.links.put(tx, [customer])
        await queued(wiring, invoice_work())
        await turned(wiring)
        sent = (await found(wiring))["op-9"]
        assert sent.call
        posting = decode(sent.body)
        assert isinstance(posting, DocumentPosting)
        assert posting.contact == "contact-77", "the outcome is judged by what was sent, whatever is linked then"


async def test_a_fault_of_the_program_is_told_and_the_lane_tried_again_later(tmp_path: Path, monkeypatch: Any) -> None:
    async with opened(tmp_path) as wiring:
        await queued(wiring, planned(item("1"), "op-1"))

        async def fails(self: LaneRunner, fence: Fence) -> bool:
            raise KeyError("surprise")

        monkeypatch.setattr(LaneRunner, "_unknown", fails)
        runner = await turned(wiring)
        assert "KeyError" in runner.trouble
        assert runner.retry_at > 0
        async with wiring.ledger.read() as tx:
            (row,) = await wiring.ledger.lanes.list(tx)
        assert row.worker is None, "the lane was given back"


async def test_a_lane_of_which_nothing_can_go_isnt_looked_at_without_end(tmp_path: Path) -> None:
    async with opened(tmp_path) as wiring:
        other = work("op-0", "0", lane=xero_lane("tenant-2"), tenant="tenant-2", state=State.READY)
        await queued(wiring, other, work("op-1", "1", state=State.APPROVED, needs=("op-0",)))
        runner = await turned(wiring)
        assert runner.retry_at >= time.monotonic() + lanes.NOTHING - 0.2


# ------------------------------------------------------------------------------------------ approval


async def test_a_plan_that_waits_no_more_is_not_begun(tmp_path: Path) -> None:
    async with opened(tmp_path) as wiring:
        plan = Plan(
            id="plan-1",
            kind=PlanKind.SYNC,
            connection="halo",
            tenants=(TENANT,),
            state=PlanState.READY,
            hash="",
            created=NOW,
            expires=NOW,
        )
        async with wiring.ledger.write() as tx:
            await wiring.ledger.plans.add(tx, plan)
            await wiring.ledger.plans.set_state(tx, plan.id, PlanState.DISCARDED)
        some = [work("op-1", "1", state=State.PLANNED)]
        await queued(wiring, *some)
        with pytest.raises(SyncError, match="wait"):
            await begin(wiring.ports(), plan, some, "tester", follow=False)
        assert (await found(wiring))["op-1"].state is State.PLANNED
        async with wiring.ledger.read() as tx:
            assert await wiring.ledger.runs.of_plan(tx, plan.id) is None


async def test_failed_and_waiting_operations_give_way_to_what_is_approved_now(tmp_path: Path) -> None:
    async with opened(tmp_path) as wiring:
        states = (State.BLOCKED, State.PARKED, State.REJECTED)
        old = [work(f"old-{i}", str(i), state=state) for i, state in enumerate(states)]
        old.append(work("old-3", "3", state=State.PARKED))
        old.append(work("other", "4", state=State.PARKED))
        plan = Plan(
            id="plan-2",
            kind=PlanKind.SYNC,
            connection="halo",
            tenants=(TENANT,),
            state=PlanState.READY,
            hash="",
            created=NOW,
            expires=NOW,
        )
        new = [work(f"new-{i}", str(i), plan="plan-2", state=State.PLANNED) for i in range(3)]
        adopted = {"side": Side.SOURCE, "lane": source_lane("halo"), "verb": Verb.ATTACH, "target": "x-3"}
        new.append(work("new-3", "3", plan="plan-2", state=State.PLANNED, **adopted))
        async with wiring.ledger.write() as tx:
            await wiring.ledger.plans.add(tx, plan)
        await queued(wiring, *old, *new)
        await begin(wiring.ports(), plan, new, "tester", follow=False)
        now = await found(wiring)
        assert {id for id in now if now[id].state is State.SUPERSEDED} == {"old-0", "old-1", "old-2", "old-3"}
        assert now["other"].state is State.PARKED
        assert {now[o.id].state for o in new} == {State.APPROVED}
