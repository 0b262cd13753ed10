"""Two workers on one home: a lane has one holder, and who was replaced writes nothing more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.engine.sync_kit import (
    SOURCE,
    Rig,
    all_well,
    everything_arrived,
    fault,
    leave,
    made_plan,
    operations,
    other_process,
    small,
    until,
    writes,
)
from xerotui.model.kinds import Kind, Side
from xerotui.model.work import State
from xerotui.store import Fenced, WorkerIdentity
from xerotui.sync.lane import LaneRunner
from xerotui.sync.plan import xero_lane
from xerotui.sync.worker import serve
from xerotui.workspace.home import prepare
from xerotui.workspace.wiring import Wiring


@asynccontextmanager
async def second(bench: Rig, identity: WorkerIdentity) -> AsyncIterator[Wiring]:
    """A second installation process over the same home."""
    wiring = await Wiring.open(prepare(bench.wiring.home.root))
    wiring.identity = identity
    try:
        yield wiring
    finally:
        await wiring.close()


async def _lane(bench: Rig, tenant: str) -> tuple[int, str]:
    async with bench.wiring.ledger.read() as tx:
        row = next(r for r in await bench.wiring.ledger.lanes.list(tx) if r.lane == xero_lane(tenant))
    return row.fence, row.worker.key if row.worker else ""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are told apart by /proc")
async def test_a_held_lane_isnt_taken_by_a_living_neighbour(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        await fault(bench, method="PUT", path="/Invoices", do="delay", seconds=0.8, times=4)
        with other_process() as (identity, _):
            async with second(bench, identity) as wiring:
                going = asyncio.create_task(bench.done("apply", plan=plan.id))
                await until(lambda: operations(bench, kind=Kind.INVOICE, states=(State.SENDING,)))
                british = bench.tenants[0]
                before = await _lane(bench, british)
                assert await LaneRunner(wiring.ports(), xero_lane(british)).run(asyncio.Event()) is False
                assert await _lane(bench, british) == before
                assert before[1] == bench.wiring.identity.key
                await going
        await everything_arrived(bench)
        await all_well(bench)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are told apart by /proc")
async def test_a_worker_that_was_replaced_writes_nothing_more_and_can_work_again(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        with other_process() as (identity, process):
            async with second(bench, identity) as zombie:
                stop = asyncio.Event()
                sleeper = asyncio.create_task(serve(zombie.ports(), stop))
                # All calls of the sleeper come back only after another worker has taken its lanes.
                await fault(bench, method="PUT", path="/Invoices", do="delay", seconds=1.2, times=2)
                await fault(bench, method="PUT", path="/PurchaseOrders", do="delay", seconds=2.0, times=2)
                await leave(bench, "apply", plan=plan.id)
                await until(lambda: _all_sending(bench))
                fences = {t: await _lane(bench, t) for t in bench.tenants}
                assert {worker for _, worker in fences.values()} == {identity.key}
                process.kill()
                process.wait()
                await bench.work()
                assert all([(await _lane(bench, t))[0] > fences[t][0] for t in bench.tenants])
                await everything_arrived(bench)
                await asyncio.sleep(0.5)
                assert not sleeper.done(), sleeper
                await all_well(bench)
                log = len(await writes(bench)), len(await writes(bench, "halo"))
                # The lanes are free again: the one that was replaced works them like any other.
                await bench.control("halo", "/clock", {"jump_seconds": 5})
                row = (await operations(bench, kind=Kind.INVOICE, side=Side.XERO))[0]
                await bench.control("halo", f"/edit/invoice/{row.record}", {"reference": "After the change of guard"})
                again = await leave(bench, "plan", connection=SOURCE)
                next_plan = await until(lambda: _answer(bench, again))
                await leave(bench, "apply", plan=next_plan["plan"])
                await until(lambda: _verified(bench, next_plan["plan"]))
                assert (len(await writes(bench)), len(await writes(bench, "halo"))) == (log[0] + 1, log[1])
                stop.set()
                assert await sleeper == 0
        await all_well(bench)


async def _all_sending(bench: Rig) -> bool:
    found = await operations(bench, states=(State.SENDING,), side=Side.XERO)
    return len({(o.tenant, o.kind) for o in found}) == 4


async def _answer(bench: Rig, request: str) -> dict[str, str]:
    async with bench.wiring.ledger.read() as tx:
        found = await bench.wiring.ledger.requests.get(tx, request)
    assert found is not None
    assert not found.error, found.error
    return found.answer


async def _verified(bench: Rig, plan: str) -> bool:
    found = await operations(bench, plan=plan)
    return bool(found) and {o.state for o in found} == {State.VERIFIED}


async def test_an_old_fence_opens_nothing(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        ledger, lane = bench.wiring.ledger, xero_lane(bench.tenants[0])
        plan = await made_plan(bench)
        async with ledger.write() as tx:
            mine = [o for o in await ledger.work.find(tx, plan=plan.id, kind=Kind.INVOICE) if o.lane == lane]
            await ledger.work.move(tx, [o.id for o in mine], State.APPROVED)
            await ledger.work.move(tx, [o.id for o in mine], State.READY)
            old = await ledger.lanes.take(tx, lane, bench.wiring.identity, 60)
            new = await ledger.lanes.take(tx, lane, bench.wiring.identity, 60)
        assert old is not None
        assert new is not None
        runner = LaneRunner(bench.wiring.ports(), lane)
        call = runner.sender.form(mine[:3])
        with pytest.raises(Fenced):
            async with ledger.write() as tx:
                await ledger.work.open_call(tx, call, old)
        assert {o.state for o in await operations(bench, lane=lane, kind=Kind.INVOICE)} == {State.READY}
        async with ledger.write() as tx:
            await ledger.work.open_call(tx, call, new)
        with pytest.raises(Fenced):
            async with ledger.write() as tx:
                await ledger.work.settle_call(tx, call.id, old, status=200, unknown=[o.id for o in mine[:3]])
