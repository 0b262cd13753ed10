"""The demo's sandbox process: joined where it lives, else started anew in an emptied demo home; stopped."""

import asyncio
import json
import os
import shutil
import signal
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.model.problems import SyncError
from xerotui.workspace import process
from xerotui.workspace.home import Home, prepare

# Marks a directory as a demo's home: only such a one is ever emptied.
MARK = "demo.json"
IDLE_MINUTES = 15
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass
class Served:
    """A sandbox that runs: its addresses as `xerotui sandbox --json` tells them, and whether it was there before."""

    services: dict[str, Any]
    seed: int
    joined: bool
    started: process.Started | None = None

    def sources(self) -> list[dict[str, Any]]:
        """What is said of each emulated source: `emulates`, its control address, and a connection's settings."""
        return [about for about in self.services.values() if isinstance(about, dict) and "emulates" in about]

    def controls(self) -> dict[str, str]:
        """The control address of every service."""
        return {name: about["control_url"] for name, about in self.services.items() if isinstance(about, dict)}


def read(home: Home) -> dict[str, Any] | None:
    """The record of a sandbox that still runs, None where there is none."""
    try:
        record = json.loads(home.sandbox.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and process.lives(record) else None


async def ensure(
    root: Path, out: Output, *, seed: int, rate: float, child: bool, world: str = "demo", source: str = ""
) -> Served:
    """The running sandbox of a demo home, or a fresh one in an emptied home, with the emulator that `source` names.

    A `child` ends with this process and is never joined. Raises SyncError when it doesn't come up, when the home
    holds something that isn't a demo, or a running one of another source.
    """
    home = prepare(root)
    record = read(home)
    if record is not None and not child:
        _same(record, source)
        os.environ["XEROTUI_CLOCK"] = record["services"]["clock"]
        return Served(record["services"], int(record["seed"]), joined=True)
    if record is not None:
        raise SyncError(
            "A demo runs in this home already",
            "End it first: xerotui demo --stop.",
            code="demo.running",
            exit_code=Exit.REFUSED,
        )
    await _empty(home, out)
    (home.root / MARK).write_text(json.dumps({"seed": seed}), encoding="utf-8")
    out.say("Starting an emulated Xero and PSA …")
    from xerotui.sandbox.world import DEMO_START

    log = home.logs / "sandbox.log"
    arguments = ["sandbox", "--directory", str(home.root), "--record", str(home.sandbox)]
    arguments += ["--seed", str(seed), "--world", world, "--rate", str(rate), "--start", f"{DEMO_START:%Y-%m-%dT%H:%M}"]
    arguments += ["--source", source] if source else []
    arguments += [] if child else ["--idle-minutes", str(IDLE_MINUTES)]
    started = process.start(arguments, log, child=child)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and started.ended() is None:
        record = read(home)
        if record is not None and record["pid"] == started.pid:
            os.environ["XEROTUI_CLOCK"] = record["services"]["clock"]
            return Served(record["services"], seed, joined=False, started=started)
        await asyncio.sleep(0.05)
    raise SyncError(
        f"The sandbox doesn't come up: {process.last_line(log) or 'it said nothing'}",
        f"The whole log is {log}.",
        code="demo.sandbox",
        exit_code=Exit.WORKER,
    )


def _same(record: dict[str, Any], source: str) -> None:
    runs = [name for name, about in record["services"].items() if isinstance(about, dict) and "emulates" in about]
    if source and source not in runs:
        raise SyncError(
            f"A demo of {', '.join(runs) or 'Xero alone'} runs in this home, not of {source}",
            "End it first: xerotui demo --stop; or join it: xerotui demo.",
            code="demo.running",
            exit_code=Exit.REFUSED,
        )


async def _empty(home: Home, out: Output) -> None:
    """Take a former demo away: its sandbox is gone, so what it left refers to nothing."""
    left = [path for path in home.root.iterdir() if path != home.logs]
    if not left:
        return
    if not (home.root / MARK).exists():
        raise SyncError(
            f"{home.root} isn't empty and holds no demo",
            "Name another directory: xerotui --home DIRECTORY demo.",
            code="demo.home",
            exit_code=Exit.REFUSED,
        )
    out.say("The former demo has ended; starting anew.")
    await _stop_worker(home)
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


async def _stop_worker(home: Home) -> None:
    from xerotui.workspace.door import Workspace

    if not home.ledger.exists():
        return
    try:
        space = await Workspace.open(home.root, wake=False)
    except SyncError:
        # What can't be opened has no worker that could be asked.
        return
    try:
        await space.stop_worker()
    finally:
        await space.close()


class Ended(StrEnum):
    """What `stop` found."""

    NOTHING = "nothing"
    RUNNING = "running"
    LEFT = "left"


async def stop(root: Path, out: Output) -> Ended:
    """End the demo of a home, worker then sandbox; where the sandbox was gone already, clear up what it left.

    Raises SyncError when one of them doesn't end.
    """
    home = Home(root)
    record = read(home)
    left = record is None and home.sandbox.exists()
    if (root / MARK).exists():
        await _stop_worker(home)
    if left:
        # It was killed: nobody else takes back what says that it serves.
        home.sandbox.unlink(missing_ok=True)
        out.say("The demo's sandbox was gone already. Its record is removed, no worker of it is left.")
        return Ended.LEFT
    if record is None:
        return Ended.NOTHING
    os.kill(int(record["pid"]), signal.SIGTERM)
    for _ in range(int(STOP_SECONDS / 0.1)):
        if not process.lives(record):
            out.say("The demo has ended.")
            return Ended.RUNNING
        await asyncio.sleep(0.1)
    raise SyncError("The sandbox doesn't end", code="demo.sandbox", exit_code=Exit.WORKER)
