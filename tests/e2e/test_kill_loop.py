"""The kill loop: the worker dies by SIGKILL at random moments, and in the end everything is there exactly once.

The sandbox answers 300 ms late, so that a kill finds calls on their way. The moments are drawn from fixed seeds.
"""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.rig import SOURCE, Rig, rig
from xerotui.model.work import Request, State
from xerotui.sync.plan import new_id

LATE = {"do": "delay", "seconds": 0.3}
# World seconds in a machine second: keys lapse after 13 s here, so that both ways out of *unknown* are walked.
RATE = 25.0


class Worker:
    """The real command, started and killed."""

    def __init__(self, r: Rig, log: Path) -> None:
        self.r = r
        self.log = log

    async def start(self) -> asyncio.subprocess.Process:
        env = {
            **os.environ,
            "XEROTUI_HOME": str(self.r.wiring.home.root),
            "XEROTUI_CLOCK": str(self.r.sandbox.clock.path),
        }
        with self.log.open("ab") as out:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "xerotui", "worker", "--until-idle", stdout=out, stderr=out, env=env
            )

    async def life(self, seconds: float, *, working: bool) -> bool:
        """One life: until `seconds` after the start, or after it holds a lane (`working`); then SIGKILL.

        True when the kill hit it at work.
        """
        process = await self.start()
        if working:
            await self._holds_lane(process)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), seconds)
        if process.returncode is not None:
            return False
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        return True

    async def _holds_lane(self, process: asyncio.subprocess.Process) -> None:
        for _ in range(1500):
            async with self.r.wiring.ledger.read() as tx:
                rows = await self.r.wiring.ledger.lanes.list(tx)
            if any(row.worker and row.worker.pid == process.pid for row in rows) or process.returncode is not None:
                return
            await asyncio.sleep(0.02)

    async def finish(self) -> None:
        """The last life, until there is nothing left to do."""
        process = await self.start()
        code = await asyncio.wait_for(process.wait(), 150)
        assert code == 0, self.log.read_text()[-2000:]


async def leave(r: Rig, verb: str, **args: str) -> str:
    """Leave a request for whichever worker lives long enough."""
    id = new_id("req")
    async with r.wiring.ledger.write() as tx:
        request = Request(id=id, verb=verb, args=args, actor="tester", created=r.wiring.clock.now())
        await r.wiring.ledger.requests.add(tx, request)
    return id


async def late(r: Rig) -> None:
    """Both sides answer 300 ms late."""
    for service in ("xero", "halo"):
        await r.control(service, "/faults", LATE)


async def states(r: Rig) -> Counter[State]:
    """How many operations are in each state."""
    async with r.wiring.ledger.read() as tx:
        counts = await r.wiring.ledger.work.counts(tx)
    found: Counter[State] = Counter()
    for (_, _, _, state), n in counts.items():
        found[state] += n
    return found


async def check_whole(r: Rig) -> None:
    """The judges' word: nothing twice, nothing lost, nothing undecided, the ledger whole."""
    now = await states(r)
    assert not now[State.SENDING], now
    assert not now[State.UNKNOWN], now
    assert await r.wiring.ledger.integrity() == []
    writes: list[dict[str, Any]] = await r.control("xero", "/writes")
    made = Counter((w["tenant"], w["kind"], w["id"]) for w in writes if w["verb"] == "create")
    assert not [key for key, n in made.items() if n > 1]
    async with r.wiring.ledger.read() as tx:
        counts = await r.wiring.ledger.work.counts(tx)
    confirmed = sum(
        n for (side, _, verb, state), n in counts.items() if side == "xero" and state in ("confirmed", "verified")
    )
    assert len(writes) == confirmed
    assert await r.control("xero", "/violations") == []
    assert await r.control("halo", "/violations") == []


async def test_a_sync_survives_25_kills(tmp_path: Path) -> None:
    chance = random.Random(20261121)
    async with rig(tmp_path, rate=RATE, scale=2.0) as r:
        plan = (await r.done("plan", connection=SOURCE))["plan"]
        await late(r)
        worker = Worker(r, tmp_path / "worker.log")
        await leave(r, "apply", plan=plan)
        hits = [await worker.life(chance.uniform(0.3, 3.0), working=False) for _ in range(5)]
        hits += [await worker.life(chance.uniform(0.0, 1.5), working=True) for _ in range(20)]
        assert all(hits), hits
        for service in ("xero", "halo"):
            await r.control(service, "/faults", {"clear": True})
        await worker.finish()
        await check_whole(r)
        xero, halo = await r.control("xero", "/totals"), await r.control("halo", "/totals")
        assert halo["sent"] == xero
        assert sum(n["documents"] for n in leaves(halo["blocked"])) == len(
            r.world.troubled("invoice", blocking_only=True)
        )


def leaves(totals: dict[str, Any]) -> list[dict[str, Any]]:
    """The innermost counts of an emulator's totals."""
    if "documents" in totals:
        return [totals]
    return [leaf for inner in totals.values() for leaf in leaves(inner)]


async def test_an_import_survives_10_kills(tmp_path: Path) -> None:
    chance = random.Random(42)
    async with rig(tmp_path, rate=RATE) as r:
        plans = [
            (await r.done("import", connection=SOURCE, tenant=tenant, kind=kind))["plan"]
            for tenant in r.tenants
            for kind in ("customer", "supplier", "item")
            # Items that belong to no organisation are linked by the first import, which dates the second's plan.
            if kind != "item" or tenant == r.tenants[0]
        ]
        await late(r)
        worker = Worker(r, tmp_path / "worker.log")
        for plan in plans:
            await leave(r, "apply", plan=plan)
        hits = [await worker.life(chance.uniform(0.0, 1.5), working=True) for _ in range(10)]
        assert all(hits), hits
        for service in ("xero", "halo"):
            await r.control(service, "/faults", {"clear": True})
        await worker.finish()
        await check_whole(r)
        assert await r.control("halo", "/duplicates") == []
        async with r.wiring.ledger.read() as tx:
            for plan in plans:
                operations = await r.wiring.ledger.work.find(tx, plan=plan)
                assert operations
                assert {o.state for o in operations} == {State.CONFIRMED}
