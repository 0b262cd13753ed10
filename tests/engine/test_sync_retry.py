"""Trying again, and what happens meanwhile: never a document twice, never one that nobody would plan any more."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.sync_kit import (
    SOURCE,
    Rig,
    all_well,
    asked,
    edit,
    everything_arrived,
    fault,
    heal,
    held,
    invoiced_in_xero,
    made_plan,
    map_tax,
    operations,
    plans,
    problems,
    small,
    the_plan,
    unknown_calls,
    until,
    writes,
)
from xerotui.model.kinds import Kind, Side
from xerotui.model.problems import SyncError
from xerotui.model.work import Operation, PlanState, State, Verb
from xerotui.source.contract import Source
from xerotui.sync import lane, send_source, settle, worker
from xerotui.sync.applying import apply
from xerotui.sync.lane import LaneRunner
from xerotui.sync.outcomes import Failed
from xerotui.sync.plan import source_lane, xero_lane
from xerotui.sync.planning import read_sides
from xerotui.sync.verify import verify_run


async def _quiet(_: str) -> None:
    return None


async def _parked(bench: Rig) -> Operation:
    """An invoice that Xero refused alone and as a whole, after everything else went."""
    await bench.sync()
    row = next(r for r in await bench.control("halo", "/state/invoice") if r["xeroid"])
    new = {k: v for k, v in row.items() if k not in ("id", "xeroid", "xero_status", "invoicenumber")}
    new["lines"] = [{k: v for k, v in line.items() if k not in ("id", "ihid")} for line in row["lines"]]
    new |= {"xeroid": "", "posted": False, "dont_sync_to_3rd_party": False}
    await bench.control("halo", "/clock", {"jump_seconds": 5})
    made = await bench.control("halo", "/create/invoice", new)
    await edit(bench, "invoice", made["id"], invoicenumber="NEW-1")
    await fault(bench, method="PUT", path="/Invoices", do="status", status=400, times=1)
    await bench.sync()
    (parked,) = await operations(bench, states=(State.PARKED,))
    assert (parked.title, parked.record) == ("NEW-1", str(made["id"]))
    return parked


async def _numbers(bench: Rig, tenant: str) -> list[str]:
    """Numbers in Xero that begin with NEW-1."""
    numbers = [i.get("InvoiceNumber", "") for i in await held(bench, tenant, "Invoices")]
    return sorted(n for n in numbers if n.startswith("NEW-1"))


async def test_a_parked_create_never_goes_beside_what_was_planned_anew(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        parked = await _parked(bench)
        await edit(bench, "invoice", parked.record, invoicenumber="NEW-1A")
        await bench.sync()
        assert await _numbers(bench, parked.tenant) == ["NEW-1A"]
        (old,) = await operations(bench, record=parked.record, states=(State.PARKED, State.SUPERSEDED))
        assert (old.id, old.state) == (parked.id, State.SUPERSEDED)
        assert await problems(bench, record=parked.record, kind=Kind.INVOICE) == []
        await bench.done("retry")
        await bench.done("retry", operation=parked.id)
        assert await _numbers(bench, parked.tenant) == ["NEW-1A"], "a retry brings no second one"
        await all_well(bench)


async def test_a_parked_create_of_a_changed_record_is_resolved_anew(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        parked = await _parked(bench)
        # As after repeated failures: nothing was said against the document itself.
        async with bench.wiring.ledger.write() as tx:
            said = settle.failure(Failed(parked, "core.parked", "no answer, six times", parked=True))
            await settle.tell(bench.wiring.ports(), tx, [(parked, [said])])
        await edit(bench, "invoice", parked.record, invoicenumber="NEW-1A")
        answer = await bench.done("retry", operation=parked.id)
        assert answer["parked"] == "0", "what the source says now counts, read for this"
        assert await _numbers(bench, parked.tenant) == []
        (old,) = await operations(bench, plan=parked.plan, record=parked.record)
        assert old.state is State.CANCELLED
        assert "changed" in old.error
        (new,) = await operations(bench, plan=answer["plan"])
        assert (new.record, new.title) == (parked.record, "NEW-1A")
        await bench.done("apply", plan=answer["plan"])
        assert await _numbers(bench, parked.tenant) == ["NEW-1A"]
        await all_well(bench)


async def test_drift_after_the_first_call_supersedes_only_that_operation(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan, ports = await made_plan(bench), bench.wiring.ports()
        await apply(ports, plan.id, plan.hash, "tester")
        creates = await operations(bench, plan=plan.id, kind=Kind.INVOICE, verb=Verb.CREATE)
        edited = creates[2]
        await edit(bench, "invoice", edited.record, cust_order_number="Another reference")
        await read_sides(ports, SOURCE, bench.tenants, _quiet)
        await bench.work()
        (stale,) = await operations(bench, states=(State.SUPERSEDED,))
        assert stale.id == edited.id
        assert "changed" in stale.error
        assert edited.title not in {w["number"] for w in await writes(bench)}
        await bench.sync()
        await everything_arrived(bench)
        await all_well(bench)


async def test_a_throttled_look_up_of_one_element_leaves_the_others_confirmed(tmp_path: Path) -> None:
    async with small(tmp_path, rate=10) as bench:
        plan = await made_plan(bench)
        mine = [o for o in await operations(bench, plan=plan.id, kind=Kind.INVOICE) if o.tenant == bench.tenants[0]]
        await fault(bench, method="PUT", path="/Invoices", do="delay", seconds=1.0, times=2)
        headers = {"retry-after": "200", "x-rate-limit-problem": "day"}
        await fault(bench, method="GET", path="InvoiceNumbers=", do="status", status=429, headers=headers, times=1)
        going = asyncio.create_task(bench.done("apply", plan=plan.id))
        await until(lambda: operations(bench, plan=plan.id, kind=Kind.INVOICE, states=(State.SENDING,)))
        await invoiced_in_xero(bench, bench.tenants[0], mine[0].title)
        unclear = await until(lambda: operations(bench, kind=Kind.INVOICE, side=Side.XERO, states=(State.UNKNOWN,)))
        assert [o.id for o in unclear] == [mine[0].id]

        async def the_rest_is_done() -> bool:
            # The other organisation goes its own way, at its own speed.
            return not await operations(bench, kind=Kind.INVOICE, side=Side.XERO, states=(State.READY, State.SENDING))

        await until(the_rest_is_done)
        saved = {w["number"] for w in await writes(bench) if w["kind"] == "invoice"}
        assert saved >= {o.title for o in mine[1:]}
        await bench.control("xero", "/clock", {"jump_seconds": 190})
        await asyncio.wait_for(going, 60)
        (rejected,) = await operations(bench, plan=plan.id, states=(State.REJECTED,))
        assert rejected.id == mine[0].id
        await all_well(bench)


async def test_a_repeat_that_would_leave_after_its_key_lapsed_is_looked_up_instead(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(lane, "PATIENCE", (0.0, 2.0, 1.0))
    async with small(tmp_path, rate=10) as bench:
        plan = await made_plan(bench)
        await fault(bench, method="PUT", path="/Invoices", times=1, do="cut_after")
        going = asyncio.create_task(bench.done("apply", plan=plan.id))
        (call,) = await until(lambda: unknown_calls(bench, Kind.INVOICE))
        async with bench.wiring.ledger.read() as tx:
            lost = await bench.wiring.ledger.work.get_call(tx, call)
        assert lost is not None
        # Xero is full for a while: the key lives when the repeat's turn comes, and no more when it could leave.
        client: Any = await bench.wiring.xero(lost.lane.partition(":")[2])
        age = (bench.wiring.clock.now() - lost.first_sent).total_seconds()
        await client._http.governor.hold("minute", 110)
        await bench.control("xero", "/clock", {"jump_seconds": 270 - age})
        await client._http.governor.hold("minute", 110)
        await asyncio.wait_for(going, 60)
        puts = await asked(bench, "PUT", "/Invoices")
        calls = {w["call"] for w in await writes(bench) if w["kind"] == "invoice"}
        assert len(puts) == len(calls), "it wasn't repeated"
        assert await asked(bench, "GET", "InvoiceNumbers=")
        await everything_arrived(bench)
        await all_well(bench)


async def test_a_plugin_that_fails_over_a_record_stops_neither_worker_nor_lane(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(lane, "PATIENCE", (0.0, 0.1))
    monkeypatch.setattr(send_source, "ATTEMPTS", 3)
    async with small(tmp_path, rate=60) as bench:
        answer = await bench.done("import", connection=SOURCE, tenant=bench.tenants[0], kind="supplier")
        source: Source = await bench.wiring.source(SOURCE)
        first = (await operations(bench, plan=answer["plan"], verb=Verb.CREATE))[0]
        good = source.find

        async def failing(kind: Kind, keys: Any) -> Any:
            if keys.xero_id == first.target:
                raise KeyError("a field that isn't there")
            return await good(kind, keys)

        monkeypatch.setattr(source, "find", failing)
        await asyncio.wait_for(bench.done("apply", plan=answer["plan"]), 60)
        (parked,) = await operations(bench, states=(State.PARKED,))
        assert parked.id == first.id
        (problem,) = await problems(bench, phase="send")
        assert problem.code == "core.plugin_failed"
        assert "KeyError" in problem.said
        rest = await operations(bench, plan=answer["plan"])
        assert {o.state for o in rest if o.id != first.id} == {State.CONFIRMED}
        monkeypatch.setattr(source, "find", good)
        await bench.done("retry", operation=first.id)
        assert await problems(bench, phase="send") == []
        assert await bench.control("halo", "/duplicates") == []


@contextlib.asynccontextmanager
async def _apart(bench: Rig, tenant: str) -> AsyncIterator[None]:
    """An organisation that isn't connected for so long."""
    async with bench.wiring.book.edit() as db:
        document = db.tenant(tenant)
        assert document is not None
        db.put_tenant(msgspec.structs.replace(document, connection=""))
    yield
    async with bench.wiring.book.edit() as db:
        db.put_tenant(document)


async def test_a_lost_link_or_record_is_told_by_the_proof_and_over_when_it_is_back(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan, ports, ledger = await made_plan(bench), bench.wiring.ports(), bench.wiring.ledger
        await apply(ports, plan.id, plan.hash, "tester")
        for lane in (*map(xero_lane, bench.tenants), source_lane(SOURCE)):
            await LaneRunner(ports, lane).run(asyncio.Event())
        unlinked, edited = await operations(bench, plan=plan.id, kind=Kind.INVOICE, states=(State.CONFIRMED,), limit=2)
        async with ledger.write() as tx:
            link = await ledger.links.get(tx, SOURCE, Kind.INVOICE, unlinked.record, unlinked.tenant)
            await ledger.links.drop(tx, SOURCE, Kind.INVOICE, [unlinked.record], unlinked.tenant)
        assert link is not None
        (was,) = [i for i in await held(bench, edited.tenant, "Invoices") if i["InvoiceID"] == edited.target]
        await bench.control("xero", f"/patch/{edited.tenant}/Invoices/{edited.target}", {"Reference": "Else"})
        # One that can't be read keeps the other one's proof from nothing.
        other = next(t for t in bench.tenants if t != edited.tenant)
        async with _apart(bench, other):
            with pytest.raises(SyncError, match="isn't connected"):
                await verify_run(ports, plan)
        said = {p.record.id: p for p in await problems(bench, phase="verify")}
        assert set(said) == {unlinked.record, edited.record}
        assert {(p.code, p.blocks) for p in said.values()} == {("core.mismatch_after", False)}
        assert "linked" in said[unlinked.record].sentence

        # Where it stays so the run ends with words; before that it keeps no worker from leaving that only has this.
        serving, now = worker.Worker(ports, asyncio.Event()), ports.clock.now()
        async with _apart(bench, other):
            serving.put_off[plan.id] = (time.monotonic() + 60, worker.PAUSE, now)
            assert await serving._runs()
            assert serving.held_up()
            assert (await the_plan(bench, plan.id)).state is PlanState.APPLYING
            serving.put_off.clear()
            await serving._runs()
        async with ledger.read() as tx:
            run = await ledger.runs.of_plan(tx, plan.id)
        assert run is not None
        assert (run.ended is None, run.error.startswith("Not read back: This organisation isn't")) == (False, True)
        async with ledger.write() as tx:
            await ledger.links.put(tx, [link])
        back = {"Reference": was.get("Reference", "")}
        await bench.control("xero", "/clock", {"jump_seconds": 5})
        await bench.control("xero", f"/patch/{edited.tenant}/Invoices/{edited.target}", back)
        await verify_run(ports, plan)
        assert await problems(bench, phase="verify") == []
        assert {o.state for o in await operations(bench, plan=plan.id, side=Side.XERO)} == {State.VERIFIED}


async def test_a_worker_outlives_what_it_stumbles_over_and_says_so(tmp_path: Path, monkeypatch: Any) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(worker, "REST", 0.2)
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        monkeypatch.setattr(worker, "follow_up", fails)
        await map_tax(bench, "no-such-rate")
        await fault(bench, method="PUT", path="/Invoices", do="delay", seconds=1.0, times=2)
        going = asyncio.create_task(bench.done("apply", plan=plan.id))
        told = await until(lambda: _troubled(bench, plan.id))
        assert "KeyError" in told
        monkeypatch.undo()
        await heal(bench)
        await going
        await everything_arrived(bench)
        assert [p for p in await plans(bench) if p.follows] == []


async def _troubled(bench: Rig, plan: str) -> str:
    async with bench.wiring.ledger.read() as tx:
        run = await bench.wiring.ledger.runs.of_plan(tx, plan)
    return run.error if run else ""
