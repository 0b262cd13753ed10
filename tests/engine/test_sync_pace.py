"""What stops a lane for a while: a side that is silent, a limit of the day. Nothing is given up, others go on."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

from tests.engine.sync_kit import (
    Rig,
    all_well,
    asked,
    everything_arrived,
    fault,
    heal,
    in_xero,
    jump,
    leave,
    made_plan,
    operations,
    seeded,
    small,
    sound,
    stopped,
    xero_setting,
)
from xerotui.model.kinds import Side
from xerotui.model.work import Plan, Run, State
from xerotui.sync import lane, pace
from xerotui.sync.worker import HELD_UP, serve
from xerotui.xero import limits as xero_limits

GIVEN_UP = (State.PARKED, State.REJECTED)


async def work(bench: Rig) -> int:
    """Let a worker do what there is; its exit code."""
    return await asyncio.wait_for(serve(bench.wiring.ports(), asyncio.Event(), until_idle=True), 120)


async def run_of(bench: Rig, plan: str) -> Run:
    """The run of a plan."""
    async with bench.wiring.ledger.read() as tx:
        run = await bench.wiring.ledger.runs.of_plan(tx, plan)
    assert run is not None
    return run


async def test_silence_and_a_day_limit_stop_lanes_for_a_while_and_give_nothing_up(
    tmp_path: Path, monkeypatch: Any
) -> None:
    for name, seconds in (("FIRST", 0.1), ("LONGEST", 0.4), ("GIVE_UP", 0.7)):
        monkeypatch.setattr(pace, name, seconds)
    monkeypatch.setattr(lane, "REST", 1.5)
    async with small(tmp_path, rate=30) as bench:
        plan = await made_plan(bench)
        await _silence(bench, plan)
        await _day_limit(bench, plan)
        assert await work(bench) == 0
        await everything_arrived(bench)
        await all_well(bench)
        assert await stopped(bench) == seeded(bench)


async def _silence(bench: Rig, plan: Plan) -> None:
    """Every line is cut, then nobody listens: a few calls, then one now and then, and nothing set aside."""
    await fault(bench, method="PUT", do="cut_before")
    await leave(bench, "apply", plan=plan.id, hash=plan.hash)
    assert await work(bench) == HELD_UP
    puts = len(await asked(bench, "PUT", "/"))
    assert 0 < puts <= 24, "a few calls a lane, then one now and then"
    assert (await run_of(bench, plan.id)).error
    tried = {o.id: o.attempts for o in await operations(bench, plan=plan.id, side=Side.XERO)}
    await xero_setting(bench, api_url="http://127.0.0.1:9")
    assert await work(bench) == HELD_UP
    left = await operations(bench, plan=plan.id, side=Side.XERO)
    assert not [o for o in left if o.state in GIVEN_UP]
    assert any(o.state is State.UNKNOWN for o in left)
    ready = [o for o in left if o.state is State.READY]
    assert {o.id: o.attempts for o in ready} == {o.id: tried[o.id] for o in ready}, "what never left was no try"
    await xero_setting(bench, api_url=bench.sandbox.describe()["xero"]["api_url"])
    await heal(bench)


async def _day_limit(bench: Rig, plan: Plan) -> None:
    """One organisation's day is used up: until when is said everywhere, the other one goes on."""
    headers = {"retry-after": "18000", "x-rate-limit-problem": "Day"}
    await fault(bench, method="PUT", times=1, do="status", status=429, headers=headers)
    before = bench.wiring.clock.now()
    assert await work(bench) == HELD_UP
    [refused] = [r for r in await asked(bench, "PUT", "/") if r["status"] == 429]
    mine = refused["tenant"]
    arrived, wanted = await in_xero(bench), sound(bench)
    assert [sorted(n) == arrived.get(key) for key, n in wanted.items() if key[0] != mine and n] == [True, True]
    assert not all(sorted(n) == arrived.get(key) for key, n in wanted.items() if key[0] == mine)
    settings = await bench.wiring.xero_settings("xero")
    key, limits = xero_limits.limits(settings, mine)
    budgets = await bench.wiring.permits.budgets(key, limits.windows, bench.wiring.clock.now())
    until = next(b.until for b in budgets if b.window == xero_limits.DAY)
    assert until is not None
    assert until >= before + dt.timedelta(seconds=18_000)
    told = (await run_of(bench, plan.id)).error
    # A later refusal may have moved it on by some seconds, over a minute's end.
    near = (until + dt.timedelta(minutes=n) for n in (-1, 0, 1))
    said = next(s for s in (f"free again at {moment:%Y-%m-%d %H:%M} UTC" for moment in near) if s in told)
    name = next(t.name for t in bench.world.tenants if t.tenant_id == mine)
    assert f"{name}: the limit 'day' is reached and {said}" in told
    waiting = await operations(bench, plan=plan.id, tenant=mine, states=(State.READY, State.UNKNOWN))
    assert any("free again at" in o.error for o in waiting)
    # Another worker knows of it as well, and doesn't ask.
    calls = len(await bench.control("xero", "/requests"))
    assert await work(bench) == HELD_UP
    assert len(await bench.control("xero", "/requests")) == calls
    assert said in (await run_of(bench, plan.id)).error
    await jump(bench, 18_100)
