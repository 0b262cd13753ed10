"""An organisation that was made read-only gets no call: not by a new approval, and not by a run that is under way."""

import asyncio
from pathlib import Path

import msgspec

from tests.engine.sync_kit import Rig, everything_arrived, made_plan, operations, small, the_plan, writes
from xerotui.model.work import PlanState, RequestState, State
from xerotui.sync.applying import apply
from xerotui.sync.lane import LaneRunner
from xerotui.sync.plan import xero_lane


async def switch(bench: Rig, tenant: str, *, read_only: bool) -> None:
    """As a person does on Tenants."""
    async with bench.wiring.book.edit() as db:
        document = db.tenant(tenant)
        assert document is not None
        db.put_tenant(msgspec.structs.replace(document, read_only=read_only))


async def test_a_plan_for_a_read_only_organisation_is_refused_and_stays(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        await switch(bench, bench.tenants[0], read_only=True)
        refused = await bench.ask("apply", plan=plan.id, hash=plan.hash)
        assert refused.state is RequestState.FAILED
        assert "read-only" in refused.error
        assert refused.answer["code"] == "core.read_only"
        assert (await the_plan(bench, plan.id)).state is PlanState.READY
        assert await writes(bench) == []


async def test_a_run_stops_before_its_next_call_and_goes_on_when_it_may(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        ports = bench.wiring.ports()
        await apply(ports, plan.id, plan.hash, "tester")
        for tenant in bench.tenants:
            await switch(bench, tenant, read_only=True)
        for tenant in bench.tenants:
            runner = LaneRunner(ports, xero_lane(tenant))
            assert await runner.run(asyncio.Event())
            assert "read-only" in runner.trouble
        assert await writes(bench) == []
        states = {o.state for o in await operations(bench, plan=plan.id)}
        assert states <= {State.APPROVED, State.READY}
        for tenant in bench.tenants:
            await switch(bench, tenant, read_only=False)
        await bench.work()
        await everything_arrived(bench)
