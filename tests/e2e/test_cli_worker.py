"""The worker as a process: one starter wins, a dead one is replaced, SIGTERM drains, a failed start says why."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xerotui.cli.codes import Exit
from xerotui.model.problems import SyncError
from xerotui.model.work import RequestState
from xerotui.workspace.door import Workspace


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
