"""`xerotui demo`: the whole job without a screen, children that end with their parent, and a demo that is joined."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xerotui.cli import control, demo_connect, demo_expect, demo_report, demo_sandbox
from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.model.problems import SyncError
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.world import DEMO_START, build
from xerotui.sandbox.world_xero import lock_dates
from xerotui.workspace import process
from xerotui.workspace.door import Workspace
from xerotui.workspace.home import Home
from xerotui_halo.emulator import HaloEmulator

KEYS = {
    "tenants",
    "imported",
    "operations",
    "blocked_at_first",
    "blocked_at_end",
    "source",
    "xero",
    "differences",
    "violations",
    "calls",
    "second_run_writes",
    "seconds",
}


def run(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """One command in a home of its own."""
    command = [sys.executable, "-m", "xerotui", "--home", str(home), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def summed(totals: dict[str, Any]) -> dict[str, tuple[int, Decimal]]:
    """Documents and amounts by currency and kind."""
    return {
        f"{currency} {kind}": (entry["documents"], Decimal(entry["total"]))
        for currencies in totals.values()
        for currency, kinds in currencies.items()
        for kind, entry in kinds.items()
    }


def test_the_whole_job_without_a_screen(tmp_path: Path) -> None:
    done = run("demo", "--headless", "--json", "--rate", "60", home=tmp_path / "home")
    assert done.returncode == Exit.DONE, done.stderr
    said = json.loads(done.stdout)
    assert set(said) == KEYS
    world = build(1)
    assert {t["name"] for t in said["tenants"]} == {t.name for t in world.tenants}
    assert said["differences"] == []
    assert said["violations"] == []
    assert said["second_run_writes"] == 0
    emulator = HaloEmulator()
    emulator.load(world)
    for when, mended in (("first", False), ("end", True)):
        seeded = demo_expect.expected(emulator.expected(), mended=mended)
        assert said[f"blocked_at_{when}"] == demo_expect.by_code(seeded)
    assert set(said["operations"]) == {"confirmed", "verified"}
    assert summed(said["source"]["sent"]) == summed(said["xero"])
    assert sum(n for n, _ in summed(said["xero"]).values()) > 400
    # One at most for each organisation's rest that couldn't wait for more of its kind.
    assert said["calls"]["least"] <= said["calls"]["made"] <= said["calls"]["least"] + 2
    assert set(said["imported"]) == {"customer", "supplier", "item"}


def test_differences_and_broken_rules_are_told_in_words() -> None:
    sides = [{"t": {"GBP": {"invoice": {"documents": n, "total": total}}}} for n, total in ((2, "10.00"), (1, "4.00"))]
    differing = demo_report.differences(sides[0], sides[1])
    broken = {"at": "2026-01-01", "service": "xero", "what": "limit", "detail": "minute: GET /Invoices"}
    words = demo_report.worded(differing, [broken])
    assert words == [
        "invoice GBP of t: the source has 2 over 10.00, Xero 1 over 4.00",
        "xero: a rule was broken: limit minute: GET /Invoices",
    ]
    assert demo_report.worded([], []) == []


def test_children_end_with_their_parent_however_it_ends(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "xerotui", "--home", str(home), "demo", "--headless", "--json"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as parent:
        until = time.monotonic() + 60
        while (record := _record(home)) is None and time.monotonic() < until:
            time.sleep(0.05)
        assert record is not None
        os.kill(parent.pid, signal.SIGKILL)
    while process.lives(record) and time.monotonic() < until:
        time.sleep(0.05)
    assert not process.lives(record)


def _record(home: Path) -> dict[str, Any] | None:
    return demo_sandbox.read(Home(home))


async def test_a_running_demo_is_joined_stopped_and_begun_anew(tmp_path: Path) -> None:
    home, out = tmp_path / "home", Output(quiet=True)
    before = os.environ.get("XEROTUI_CLOCK")
    try:
        first = await demo_sandbox.ensure(home, out, seed=1, rate=60.0, child=False)
        # Its day and its hour are always the same, as are the pictures that are taken of it.
        assert WorldClock(first.services["clock"]).now() - DEMO_START < timedelta(hours=10)
        assert WorldClock(first.services["clock"]).now() >= DEMO_START
        space = await Workspace.open(home)
        await demo_connect.connect(space, first, out)
        waiting = [
            r for s in await space.sources() for t in await space.tenants() for r in await _unmapped(space, s, t)
        ]
        assert {r.value for r in waiting} == {
            str(t.id) for t in build(1).trouble if t.kind == "tax_unmapped" and t.record == "tax"
        }
        await space.close()
        again = await demo_sandbox.ensure(home, out, seed=1, rate=60.0, child=False, source="halo")
        assert again.joined
        assert again.services == first.services
        with pytest.raises(SyncError, match="A demo of halo runs in this home, not of other"):
            await demo_sandbox.ensure(home, out, seed=1, rate=60.0, child=False, source="other")
        assert await demo_sandbox.stop(home, out) is demo_sandbox.Ended.RUNNING
        assert await demo_sandbox.stop(home, out) is demo_sandbox.Ended.NOTHING
        fresh = await demo_sandbox.ensure(home, out, seed=1, rate=60.0, child=False)
        assert not fresh.joined
        space = await Workspace.open(home)
        # What the former demo knew went with its sandbox.
        assert await space.sources() == ()
        await space.close()
        # One that was killed leaves its record behind: that is cleared up, and told once.
        assert fresh.started is not None
        os.kill(fresh.started.pid, signal.SIGKILL)
        fresh.started.process.wait()
        assert await demo_sandbox.stop(home, out) is demo_sandbox.Ended.LEFT
        assert not Home(home).sandbox.exists()
        assert await demo_sandbox.stop(home, out) is demo_sandbox.Ended.NOTHING
    finally:
        await demo_sandbox.stop(home, out)
        os.environ.pop("XEROTUI_CLOCK", None)
        if before is not None:
            os.environ["XEROTUI_CLOCK"] = before


async def _unmapped(space: Workspace, source: Any, tenant: Any) -> list[Any]:
    from xerotui.model.paging import View

    page = await space.mapping("tax", source.id, tenant.tenant, View(limit=500))
    return [row for row in page.rows if row.state != "mapped"]


@pytest.mark.parametrize("start", [[], ["--start", "2027-03-01T08:30"]])
def test_the_sandbox_of_others_begins_now_or_when_told(tmp_path: Path, start: list[str]) -> None:
    command = [sys.executable, "-m", "xerotui", "sandbox", "--json", "--scale", "0.02", *start]
    before = datetime.now(UTC)
    with subprocess.Popen([*command, "--directory", str(tmp_path)], stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        try:
            services = json.loads(served.stdout.readline())
            url = services["xero"]["control_url"]
            clock = datetime.fromisoformat(asyncio.run(control.get(f"{url}/clock"))["now"])
            after = datetime.now(UTC)
            tenant = services["xero"]["tenants"][0]["id"]
            held = asyncio.run(control.get(f"{url}/state/{tenant}/organisation"))
        finally:
            served.terminate()
    took = after - before + timedelta(seconds=1)
    begin = datetime(2027, 3, 1, 8, 30, tzinfo=UTC) if start else before
    assert begin - timedelta(seconds=1) <= clock <= begin + took
    locks = {str(lock_dates(day)[0]) for day in (begin.date(), (begin + took).date())}
    assert held["PeriodLockDate"] in locks


def test_a_home_that_is_no_demo_is_never_emptied(tmp_path: Path) -> None:
    precious = tmp_path / "home"
    precious.mkdir()
    (precious / "book.json").write_text("mine")
    done = run("demo", "--headless", "--json", home=precious)
    assert done.returncode == Exit.REFUSED
    assert json.loads(done.stdout)["error"]["code"] == "demo.home"
    assert (precious / "book.json").read_text() == "mine"


def test_stop_without_a_demo(tmp_path: Path) -> None:
    done = run("demo", "--stop", home=tmp_path / "none")
    assert done.returncode == Exit.DONE
    assert "No demo runs" in done.stderr
