"""The worker as a process: one starter wins, a dead one is replaced, SIGTERM drains, a failed start says why."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rig import SOURCE, Rig, rig
from xerotui.cli.codes import Exit
from xerotui.model.problems import SyncError
from xerotui.model.work import PlanState, RequestState
from xerotui.workspace.door import Workspace

# World seconds in a machine second, so that a key of the killed worker lapses soon.
RATE = 25.0


def command(home: Path, *arguments: str) -> list[str]:
    """The command line of one call."""
    return [sys.executable, "-m", "xerotui", "--home", str(home), *arguments]


async def test_of_two_starters_one_wins(tmp_path: Path) -> None:
    spaces = [await Workspace.open(tmp_path, attached=True) for _ in range(2)]
    try:
        seen = await asyncio.gather(*(space.ensure_worker() for space in spaces))
        assert {status.state for status in seen} == {"running"}
        assert len({status.pid for status in seen}) == 1
        assert (await spaces[1].ensure_worker()).pid == seen[0].pid
        await spaces[0].stop_worker()
        assert (await spaces[1].worker()).state == "none"
    finally:
        for space in spaces:
            await space.close()


async def test_a_killed_worker_is_replaced_for_a_request_that_waits(tmp_path: Path) -> None:
    space = await Workspace.open(tmp_path, attached=True)
    try:
        first = await space.ensure_worker()
        os.kill(first.pid, signal.SIGKILL)
        id = await space.ask("refresh")
        last = [request async for request in space.follow(id)][-1]
        assert last.state is RequestState.DONE
        assert (await space.worker()).pid != first.pid
    finally:
        await space.close()


async def test_a_worker_that_fails_at_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = await Workspace.open(tmp_path, attached=True)
    try:
        # A pipe that isn't there: no key, so the worker can't open the vault.
        monkeypatch.setattr(space, "_key", lambda: ([], {"XEROTUI_VAULT_KEY_FD": "999"}))
        with pytest.raises(SyncError) as caught:
            await space.ensure_worker()
        assert caught.value.exit_code == Exit.WORKER
        assert "vault" in caught.value.sentence
        assert "worker.log" in caught.value.remedy
    finally:
        await space.close()


def test_until_idle_does_what_there_is_and_ends(tmp_path: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(command(tmp_path, "worker", "--until-idle"), capture_output=True, timeout=60, check=False)
    assert done.returncode == Exit.DONE, done.stderr
    assert time.monotonic() - began < 30


def test_sigterm_drains_and_a_closed_terminal_does_not_stop_it(tmp_path: Path) -> None:
    with subprocess.Popen(command(tmp_path, "worker"), stderr=subprocess.DEVNULL) as process:
        _state(tmp_path, "running")
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == Exit.DONE
    assert "none" in _state(tmp_path, "none")


def _state(home: Path, wanted: str) -> str:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        done = subprocess.run(command(home, "worker", "status"), capture_output=True, text=True, check=False)
        if wanted in done.stdout:
            return done.stdout
        time.sleep(0.1)
    raise AssertionError(f"the worker isn't {wanted}: {done.stdout}{done.stderr}")


def test_a_worker_of_a_worker_less_home_is_none(tmp_path: Path) -> None:
    done = subprocess.run(command(tmp_path, "worker", "status"), capture_output=True, text=True, check=False)
    assert done.returncode == Exit.DONE
    assert "none" in done.stdout


async def test_a_run_whose_worker_was_killed_goes_on_for_whoever_looks(tmp_path: Path) -> None:
    async with rig(tmp_path, rate=RATE, scale=0.2) as r:
        plan = (await r.done("plan", connection=SOURCE))["plan"]
        for service in ("xero", "halo"):
            await r.control(service, "/faults", {"do": "delay", "seconds": 0.3})
        await _kill_amid(r, plan)
        for service in ("xero", "halo"):
            await r.control(service, "/faults", {"clear": True})
        reader = await Workspace.open(r.wiring.home.root, read_only=True)
        try:
            seen = (await reader.status()).worker
            assert seen.state == "lost"
            assert "unfinished" in seen.detail
        finally:
            await reader.close()
        space = await Workspace.open(r.wiring.home.root, attached=True)
        try:
            assert (await space.status()).worker.state == "lost"
            assert [f.level for f in await space.doctor() if f.area == "worker"] == ["warn"]
            until = time.monotonic() + 60
            while not await _ended(space, plan):
                assert time.monotonic() < until
                await space.status()
                await asyncio.sleep(0.2)
            states = await space.queue_counts(plan)
            assert set(states) <= {"confirmed", "verified"}
            await space.stop_worker()
            log = [json.loads(line) for line in (space.place.worker_log).read_text().splitlines()]
            ended = next(line for line in log if line["event"] == "run ended")
            assert (ended["plan"], ended["calls"] > 0) == (plan, True)
            assert {word: ended[word] for word in states} == states
            assert sum(line["operations"] for line in log if line["event"] == "unknown resolved") > 0
            told = [line["event"] for line in log]
            assert told[0] == "worker started"
            assert told[-1] == "worker ended"
            assert told.count("run begun") == 1
        finally:
            await space.close()


async def test_a_worker_that_was_stopped_stays_stopped_for_those_who_only_look(tmp_path: Path) -> None:
    async with rig(tmp_path, rate=RATE, scale=0.2) as r:
        plan = (await r.done("plan", connection=SOURCE))["plan"]
        for service in ("xero", "halo"):
            await r.control(service, "/faults", {"do": "delay", "seconds": 0.3})
        await _kill_amid(r, plan)
        for service in ("xero", "halo"):
            await r.control(service, "/faults", {"clear": True})
        for _ in range(2):
            # Opened anew, a worker comes; stopped, none.
            space = await Workspace.open(r.wiring.home.root, attached=True)
            try:
                await space.stop_worker()
                seen = await space.worker()
                assert (seen.state, "stopped" in seen.detail) == ("none", True)
            finally:
                await space.close()


async def _kill_amid(r: Rig, plan: str) -> None:
    """Approve the plan, and kill the worker that carries it out as soon as a call is on its way."""
    # The worker has to be a process of its own.
    await r.stand_down()
    space = await Workspace.open(r.wiring.home.root, attached=True)
    try:
        found = await space.plan(plan)
        assert found is not None
        id = await space.ask("apply", plan=plan, hash=found.hash)
        async for request in space.follow(id):
            assert not request.error, request.error
        while not (await space.queue_counts(plan)).get("sending"):
            await asyncio.sleep(0.02)
        os.kill((await space.worker()).pid, signal.SIGKILL)
    finally:
        await space.close()


async def _ended(space: Workspace, plan: str) -> bool:
    found = await space.plan(plan)
    return found is not None and found.state is PlanState.DONE
