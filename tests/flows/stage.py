"""The stage of the flow tests: sandbox and worker in a thread of their own, one home, a world clock that barely moves.

The console runs in the test's own loop and meets the worker in the ledger alone, as it does in two processes.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from textual import events
from textual.pilot import Pilot

import xerotui.sync.planning  # the modules that make ids are loaded before ids are counted
import xerotui.sync.worker
from xerotui.console.app import XeroTUI
from xerotui.console.forms import Form
from xerotui.console.screens.base import AreaScreen
from xerotui.console.screens.listing import ListScreen
from xerotui.console.widgets.bars import AskBar
from xerotui.console.widgets.picker import Picker
from xerotui.sandbox.run import Sandbox, serve
from xerotui.sandbox.world import World, build
from xerotui.workspace.door import Workspace
from xerotui.workspace.home import prepare
from xerotui.workspace.wiring import Wiring
from xerotui_halo.emulator import HaloEmulator

T = TypeVar("T")
BEGAN = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
# So slow that no minute passes within a test; between tests it jumps, so that the limits' windows are empty.
RATE = 0.001
STEP = timedelta(minutes=10)
# A twentieth of the ordinary records; the troubled ones are all there.
SCALE = 0.05
SMALL, LARGE = (80, 24), (140, 40)
# Costs nothing when the machine is idle; a busy one is slow, not wrong.
PATIENCE = 60.0


def counted_ids(patch: pytest.MonkeyPatch) -> None:
    """Ids of plans and operations count up instead of being random, so that pictures can show them."""
    import sys

    numbers: defaultdict[str, int] = defaultdict(int)
    lock = threading.Lock()
    real = xerotui.sync.plan.new_id

    def new_id(prefix: str) -> str:
        with lock:
            numbers[prefix] += 1
            return f"{prefix}-{numbers[prefix]:06d}"

    for name, module in list(sys.modules.items()):
        if name.startswith("xerotui.") and getattr(module, "new_id", None) is real:
            patch.setattr(module, "new_id", new_id)


class Stage:
    """Sandbox, worker and home of one module of tests."""

    def __init__(self, root: Path, *, world: World | None = None) -> None:
        self.home = root / "home"
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="stage", daemon=True)
        self.thread.start()
        prepare(self.home)
        self.sandbox: Sandbox = self.do(self._serve(world or build(1, scale=SCALE)))
        self._stop: asyncio.Event | None = None
        self._worker: Future[None] | None = None
        self._space: Workspace | None = None

    async def space(self) -> Workspace:
        """The stage's own way in, beside those of the consoles; it is opened once and starts no worker."""
        if self._space is None:
            self._space = await Workspace.open(self.home, attached=True, wake=False)
        return self._space

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the stage's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(2 * PATIENCE)

    async def _serve(self, world: World) -> Sandbox:
        return await serve(world, [HaloEmulator()], home=self.home, clock_rate=RATE, start=BEGAN)

    def jump(self) -> None:
        """Some minutes later in the world."""
        self.sandbox.clock.jump(STEP.total_seconds())

    def start_worker(self) -> None:
        """Host the worker here; consoles find it by its row and start no other."""
        started: Future[None] = Future()
        self._worker = asyncio.run_coroutine_threadsafe(self._work(started), self.loop)
        started.result(PATIENCE)

    async def _work(self, started: "Future[None]") -> None:
        self._stop = asyncio.Event()
        wiring = await Wiring.open(prepare(self.home))
        try:
            task = asyncio.create_task(xerotui.sync.worker.serve(wiring.ports(), self._stop))
            while not task.done():
                async with wiring.ledger.read() as tx:
                    if await wiring.ledger.workers.alive(tx):
                        break
                await asyncio.sleep(0.02)
            started.set_result(None)
            await task
        finally:
            await wiring.close()

    def stop_worker(self) -> None:
        """End the hosted worker."""
        if self._worker is not None and self._stop is not None:
            self.loop.call_soon_threadsafe(self._stop.set)
            self._worker.result(PATIENCE)
            self._worker = None

    def app(self, *, read_only: bool = False, home: Path | None = None) -> XeroTUI:
        """A console on this home, or on a copy of it."""
        place = home or self.home

        async def opener() -> Workspace:
            return await Workspace.open(place, read_only=read_only, attached=True)

        return XeroTUI(opener, read_only=read_only, banner="sandbox", home=place)

    def watch(self, run: Callable[[Pilot[Any]], Coroutine[Any, Any, None]], size: tuple[int, int] = SMALL) -> None:
        """Do something in front of a console, without a picture."""

        async def shown() -> None:
            app = self.app()
            async with app.run_test(size=size) as pilot:
                await run(pilot)

        asyncio.run(shown())

    def request(self, verb: str, **args: str) -> dict[str, str]:
        """Ask the worker as a command would, and wait for its answer."""
        return self.do(self._request(verb, args))

    async def _request(self, verb: str, args: dict[str, str]) -> dict[str, str]:
        space = await self.space()
        id = await space.ask(verb, **args)
        async for request in space.follow(id):
            if request.error:
                raise AssertionError(request.error)
            answer = request.answer
        return answer

    def see(self, look: Callable[[Workspace], Coroutine[Any, Any, T]]) -> T:
        """What the workspace says, without a console."""

        async def looked() -> T:
            return await look(await self.space())

        return self.do(looked())

    def finish(self, plan: str) -> None:
        """Wait until a plan has been carried out."""
        self.do(self._until(lambda ws: _ended(ws, plan), f"the end of {plan}"))

    def idle(self) -> None:
        """Wait until the worker has drawn all consequences."""
        self.do(self._until(quiet, "the worker to be idle"))

    async def _until(self, true: Callable[[Workspace], Coroutine[Any, Any, bool]], what: str) -> None:
        space = await self.space()
        end = self.loop.time() + PATIENCE
        while not await true(space):
            assert self.loop.time() < end, f"waited in vain for {what}: {await space.queue_counts()}"
            await asyncio.sleep(0.02)

    def close(self) -> None:
        """End worker, sandbox and thread."""
        self.stop_worker()
        if self._space is not None:
            self.do(self._space.close())
        self.do(self.sandbox.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


async def _ended(space: Workspace, plan: str) -> bool:
    found = await space.plan(plan)
    assert found is not None
    assert found.state.value != "refused", found.moved
    return found.state.value in ("done", "expired", "discarded")


async def came_true(true: Callable[[], Coroutine[Any, Any, bool]], what: str) -> None:
    """Wait, on the console's own loop, until the workspace says so."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while not await true():
        assert asyncio.get_running_loop().time() < end, f"waited in vain for: {what}"
        await asyncio.sleep(0.05)


async def quiet(space: Workspace) -> bool:
    """Whether the worker has drawn all consequences of what people did."""
    from xerotui.sync.worker import DRAWN

    revision = str((await space.wiring.book.read()).revision)
    async with space.wiring.ledger.read() as tx:
        drawn = await space.wiring.ledger.marks.get(tx, DRAWN)
        waiting = await space.wiring.ledger.requests.open(tx)
    if drawn != revision or waiting:
        return False
    return all(plan.state.value not in ("approved", "applying") for plan in await space.plans())


# --- what a person does in front of the console


def console(pilot: Pilot[Any]) -> XeroTUI:
    """The app, by its own type."""
    app = pilot.app
    assert isinstance(app, XeroTUI)
    return app


async def until(pilot: Pilot[Any], true: Callable[[], bool], what: str) -> None:
    """Wait for something to come true on the screen."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while not true():
        if loop.time() > end:
            raise AssertionError(f"waited in vain for: {what}\n{text_of(pilot)}")
        await pilot.pause(0.02)


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the workspace is open, all news has been heard, and nothing is being loaded."""
    app = console(pilot)
    await until(pilot, lambda: isinstance(app.screen, AreaScreen), "the workspace to open")

    def still() -> bool:
        screen = app.screen
        if not isinstance(screen, AreaScreen) or not screen.query(Picker) or not screen.query(AskBar):
            return False  # just switched to, not composed yet
        # A command that asked waits for a person.
        asking = screen.query_one(Picker).is_open or screen.query_one(AskBar).asking
        quiet = ("feed", "requests", "command") if asking else ("feed", "requests")
        loading = isinstance(screen, ListScreen) and not screen.loaded and not screen.fault
        return not loading and not screen.stale and all(w.is_finished or w.group in quiet for w in app.workers)

    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        await until(pilot, still, "loading to end")
        await pilot.pause()
        if still() and app.heard == await app.opened.pulse():
            return
        assert loop.time() < end, f"news without end\n{text_of(pilot)}"
        await pilot.pause(0.05)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, each when the one before has had its effect."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def choose_source(pilot: Pilot[Any], title: str) -> None:
    """Take one of the sources that can be connected, and wait for its form."""
    await until(pilot, lambda: pilot.app.screen.query_one(Picker).is_open, "the sources to choose from")
    await press(pilot, *title.lower(), "enter")
    await until(pilot, lambda: bool(pilot.app.screen.query(Form)), "its form")
    await settled(pilot)


async def go(pilot: Pilot[Any], key: str) -> None:
    """Go to an area by its digit and wait for it."""
    await settled(pilot)
    await press(pilot, key)
    await settled(pilot)


async def paste(pilot: Pilot[Any], words: str) -> None:
    """Paste into what has the focus, in place of what is there."""
    app = pilot.app
    await pilot.press("end", "ctrl+u")
    target = app.focused or app.screen
    target.post_message(events.Paste(words))
    await pilot.pause()


def text_of(pilot: Pilot[Any]) -> str:
    """What is on the screen, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def lines_with(pilot: Pilot[Any], words: str) -> list[str]:
    """The lines of the screen that hold these words."""
    return [line for line in text_of(pilot).splitlines() if words in line]


def harmless(pilot: Pilot[Any]) -> None:
    """Nothing on the screen can act: every line is printable, no text carries an action, the app still runs."""
    for strip in pilot.app.screen._compositor.render_strips():
        for segment in strip:
            assert segment.text.isprintable(), segment.text
            meta = segment.style.meta if segment.style is not None else {}
            assert "@click" not in meta
    assert pilot.app.return_code is None
