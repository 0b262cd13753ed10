"""Who may write: lanes, leases, workers, and requests of workers that are gone."""

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.engine.store_kit import FAR, LANE, NOW, OTHER, opened
from xerotui.model.work import Request, RequestState
from xerotui.store import Fenced, WorkerIdentity, gone, me


def child() -> tuple["subprocess.Popen[bytes]", WorkerIdentity]:
    """A process that lives until it is killed, and who it is by its own word."""
    code = "import time; from xerotui.store.identity import me; print(me().key, flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, WorkerIdentity.parse(process.stdout.readline().decode().strip())


def test_a_process_is_gone_when_killed_even_before_it_is_reaped() -> None:
    process, identity = child()
    assert not gone(identity)
    assert not gone(me())
    assert gone(msgspec.structs.replace(identity, started="1"))
    assert gone(msgspec.structs.replace(identity, boot="another-boot:1"))
    assert not gone(msgspec.structs.replace(identity, host="elsewhere", started="1"))
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert gone(identity)
    process.communicate()
    assert gone(identity)


async def test_a_lane_has_one_holder_whose_fence_only_grows(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            first = await ledger.lanes.take(tx, LANE, FAR, 60)
            assert first is not None
            assert await ledger.lanes.take(tx, LANE, OTHER, 60) is None
            await ledger.lanes.check(tx, first)
            await ledger.lanes.release(tx, first)
            second = await ledger.lanes.take(tx, LANE, OTHER, 60)
            assert second is not None
            assert second.number == first.number + 1
            with pytest.raises(Fenced):
                await ledger.lanes.check(tx, first)
            # The same process may begin anew; what it held before is void.
            third = await ledger.lanes.take(tx, LANE, OTHER, 60)
            assert third is not None
            with pytest.raises(Fenced):
                await ledger.lanes.check(tx, second)
            [row] = await ledger.lanes.list(tx)
        assert (row.fence, row.worker) == (3, OTHER)
        assert 50 < row.seconds_left <= 60


async def test_a_lapsed_lease_is_taken_and_a_beat_lengthens_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger, ledger.write() as tx:
        short = await ledger.lanes.take(tx, LANE, FAR, 0.0)
        assert short is not None
        # Lapsed, but nobody's yet: the holder may still write.
        await ledger.lanes.beat(tx, short)
        assert await ledger.lanes.take(tx, LANE, OTHER, 60) is None
        await ledger.lanes.beat(tx, short, 0.0)
        assert await ledger.lanes.take(tx, LANE, OTHER, 60) is not None
        with pytest.raises(Fenced):
            await ledger.lanes.beat(tx, short)


async def test_a_killed_holder_is_replaced_at_once(tmp_path: Path) -> None:
    process, identity = child()
    async with opened(tmp_path) as ledger, ledger.write() as tx:
        assert await ledger.lanes.take(tx, LANE, identity, 600)
        assert await ledger.leases.take(tx, "token", identity, 600) == 1
        assert await ledger.lanes.take(tx, LANE, me(), 600) is None
        process.kill()
        process.communicate()
        assert await ledger.lanes.take(tx, LANE, me(), 600) is not None
        assert await ledger.leases.take(tx, "token", me(), 600) == 2


async def test_a_lease_excludes_its_own_holder_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger, ledger.write() as tx:
        assert await ledger.leases.take(tx, "token", me(), 60) == 1
        assert await ledger.leases.take(tx, "token", me(), 60) is None
        await ledger.leases.check(tx, "token", 1)
        await ledger.leases.release(tx, "token", 1)
        with pytest.raises(Fenced):
            await ledger.leases.check(tx, "token", 1)
        assert await ledger.leases.take(tx, "token", "a text", 0.0) == 2
        assert await ledger.leases.take(tx, "token", "another", 60) == 3
        await ledger.leases.release(tx, "token", 2)
        await ledger.leases.check(tx, "token", 3)


async def test_workers_that_live_are_listed(tmp_path: Path) -> None:
    process, identity = child()
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            await ledger.workers.register(tx, identity, "1.0")
            await ledger.workers.register(tx, FAR, "0.9")
            await ledger.workers.set_state(tx, identity, "draining")
            alive = await ledger.workers.alive(tx)
        assert [(w.identity, w.version, w.state) for w in alive] == [
            (identity, "1.0", "draining"),
            (FAR, "0.9", "running"),
        ]
        assert alive[0].silent < 30
        process.kill()
        process.communicate()
        async with ledger.write() as tx:
            await ledger.workers.end(tx, FAR)
            assert await ledger.workers.alive(tx) == []


async def test_requests_go_to_one_worker_and_come_back_when_it_dies(tmp_path: Path) -> None:
    process, identity = child()
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            for n in (2, 1):
                made = NOW + dt.timedelta(minutes=-n)
                await ledger.requests.add(tx, Request(id=f"r{n}", verb="plan", args={"a": "b"}, created=made))
            taken = await ledger.requests.take(tx, identity)
            assert taken is not None
            assert (taken.id, taken.args, taken.state) == ("r2", {"a": "b"}, RequestState.TAKEN)
            await ledger.requests.progress(tx, "r2", "half")
            assert await ledger.requests.retake(tx, me()) == 0
            assert [r.id for r in await ledger.requests.open(tx)] == ["r2", "r1"]
        process.kill()
        process.communicate()
        async with ledger.write() as tx:
            assert await ledger.requests.retake(tx, me()) == 1
            again = await ledger.requests.take(tx, me())
            assert again is not None
            assert (again.id, again.progress) == ("r2", "half")
            assert await ledger.requests.retake(tx, me()) == 0
            await ledger.requests.finish(tx, "r2", answer={"plan": "p"})
            assert (await ledger.requests.take(tx, me())) is not None
            await ledger.requests.finish(tx, "r1", error="no", remedy="yes")
            assert await ledger.requests.take(tx, me()) is None
            found = await ledger.requests.many(tx, ["r1", "r2"])
        assert (found["r2"].state, found["r2"].answer) == (RequestState.DONE, {"plan": "p"})
        assert (found["r1"].state, found["r1"].error, found["r1"].remedy) == (RequestState.FAILED, "no", "yes")
