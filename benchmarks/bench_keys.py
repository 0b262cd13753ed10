"""Median time from a key to the next paint, while a run goes on and when nothing does, as a ratio.

Everything is real and in processes of its own: the emulated Xero and HaloPSA, the worker that carries out a sync of the
demo world, and this console (headless, 80x24) on the sync queue, whose cursor moves up and down. Counted is the time
until the screen that shows the moved cursor has been composed and handed to the terminal driver. Budget: 50 ms.
"""

import asyncio
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from textual import events
from textual.screen import Screen

from xerotui.cli import demo_connect, demo_sandbox
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.console import app as console
from xerotui.console.app import XeroTUI
from xerotui.console.widgets.paged_table import PagedTable
from xerotui.workspace.door import Workspace

PAUSE = 0.05
IDLE_KEYS = 120
BUDGET_MS = 50
RATE = 30.0
LONGEST = 40.0


class Watched(XeroTUI):
    """The console, with a stop-watch at the place where frames leave for the driver."""

    # A subclass elsewhere would look for it beside itself.
    CSS_PATH = str(Path(console.__file__).parent / str(XeroTUI.CSS_PATH))
    waits: "tuple[PagedTable, int, asyncio.Event] | None" = None

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, renderable)
        if self.waits is not None and renderable is not None:
            table, cursor, painted = self.waits
            if table.cursor != cursor:
                painted.set()


async def key(app: Watched, table: PagedTable, name: str) -> float:
    """Milliseconds from this key to the paint of the moved cursor."""
    painted = asyncio.Event()
    app.waits = (table, table.cursor, painted)
    began = time.perf_counter()
    app.post_message(events.Key(name, None))
    try:
        await asyncio.wait_for(painted.wait(), 5)
    finally:
        app.waits = None
    return (time.perf_counter() - began) * 1000


async def keys(app: Watched, table: PagedTable, go_on: Any) -> list[float]:
    """Keys up and down with a pause between, as long as `go_on` says so."""
    taken: list[float] = []
    for name in itertools.cycle(("down", "down", "up", "up")):
        if not await go_on(len(taken)):
            return taken
        taken.append(await key(app, table, name))
        await asyncio.sleep(PAUSE)
    raise AssertionError


async def measured(home: Path) -> tuple[list[float], list[float]]:
    """Key times during the run, and afterwards."""
    out = Output(quiet=True)
    served = await demo_sandbox.ensure(home, out, seed=1, rate=RATE, child=True)
    space = await Workspace.open(home, attached=True)
    try:
        await demo_connect.connect(space, served, out)
        source = (await space.sources())[0]
        made = (await followed(space, out, "plan", connection=source.id)).answer

        async def opener() -> Workspace:
            return await Workspace.open(home)

        app = Watched(opener, home=home)
        async with app.run_test(size=(80, 24)) as pilot:
            return await in_front(app, pilot, space, made)
    finally:
        await space.close()
        if served.started is not None:
            await served.started.release()


async def in_front(app: Watched, pilot: Any, space: Workspace, made: dict[str, str]) -> tuple[list[float], list[float]]:
    """Approve the plan, press keys on the queue until it is done, then press them in silence."""
    until = time.monotonic() + LONGEST
    while app.workspace is None:
        await pilot.pause(0.05)
    await space.ask("apply", plan=made["plan"], hash=made["hash"])
    await pilot.press("6")
    while not (table := pilot.app.screen.query_one(PagedTable)).rows:
        assert time.monotonic() < until, "the queue stays empty"
        await pilot.pause(0.05)

    async def running(n: int) -> bool:
        if n % 10:
            return True
        plan = await space.plan(made["plan"])
        return plan is not None and plan.state.value in ("ready", "applying") and time.monotonic() < until

    async def some(n: int) -> bool:
        return n < IDLE_KEYS

    during = await keys(app, table, running)
    while not await space.settled():
        await pilot.pause(0.1)
    await pilot.pause(1.5)
    return during, await keys(app, table, some)


def main() -> None:
    """Measure and print the ratio."""
    os.environ["XEROTUI_THEME"] = "textual-dark"
    with tempfile.TemporaryDirectory(prefix="xerotui-bench-") as home:
        during, idle = asyncio.run(measured(Path(home)))
    run, rest = statistics.median(during), statistics.median(idle)
    worst = statistics.quantiles(during, n=20)[-1]
    words = f"{run:.1f} ms during a run ({len(during)} keys, 95 % within {worst:.0f} ms), {rest:.1f} ms idle"
    print(f"keys: {words}, budget {BUDGET_MS} ms; ratio {run / rest:.2f}")


if __name__ == "__main__":
    main()
