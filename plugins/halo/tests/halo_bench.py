"""What the tests of the Halo source share: the emulator, a source that speaks to it, and a count of its calls."""

import datetime as dt
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from xerotui.model.kinds import Kind
from xerotui.model.settings import fill
from xerotui.net.clock import WorldClock
from xerotui.net.http import Exchange, HttpClient
from xerotui.sandbox.clock import WorldClock as SandboxClock
from xerotui.sandbox.world import build
from xerotui.sandbox.world_credits import with_credits
from xerotui.source.contract import Page
from xerotui_halo.emulator import HaloEmulator
from xerotui_halo.source import HaloSource

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
WORLD = build(scale=0.4)
GUID = "5b1c7a10-8d5b-4a63-9b0e-3f2d5c1a7e44"
UK = WORLD.tenant("uk").tenant_id


class Bench:
    """The emulator, a source that speaks to it, and a count of calls by route; it is the source's context."""

    connection = "halo-1"
    secrets: Any = None

    def __init__(self, emulator: HaloEmulator, sandbox: SandboxClock, clock: WorldClock) -> None:
        self.emulator, self.sandbox, self.clock = emulator, sandbox, clock
        self.calls: Counter[str] = Counter()
        self.http = HttpClient(None, HaloSource.throttled, clock=clock, log=self._count)
        self.log = structlog.wrap_logger(logging.getLogger("halo-tests"))
        self.stopped = False
        self.source = self.make()

    def _count(self, exchange: Exchange) -> None:
        head, _, last = exchange.path.rpartition("/")
        self.calls[f"{exchange.method} {f'{head}/#' if last.isdigit() else exchange.path}"] += 1

    def now(self) -> dt.datetime:
        return self.clock.now()

    def cancelled(self) -> bool:
        return self.stopped

    def make(self, **changed: str) -> HaloSource:
        return HaloSource(fill(HaloSource.settings_type, {**self.emulator.settings(), **changed}), self)

    async def control(self, path: str, body: Any = None) -> Any:
        url = f"{self.emulator.service.control_url}/{path}"
        reply = await self.http.send("POST" if body is not None else "GET", url, json=body)
        self.calls.clear()
        assert reply.ok, reply.text()
        return reply.json()

    async def pull(self, kind: Kind, cursor: str = "") -> tuple[dict[str, Any], str, list[Page]]:
        """Records by id, the last cursor, and the pages; no page but the last carries a cursor."""
        pages = [page async for page in self.source.pages(kind, cursor)]
        assert all(not page.cursor for page in pages[:-1])
        return {r.id: r for page in pages for r in page.records}, pages[-1].cursor, pages

    def edit(self, entity: str, id: int, **patch: Any) -> None:
        """What a person changes at Halo's own screens, an hour later."""
        self.sandbox.jump(3600)
        self.emulator.store.edit(entity, id, patch)

    @property
    def violations(self) -> list[dict[str, Any]]:
        return self.emulator.service.journal.violations


@asynccontextmanager
async def running(home: Path, *, scale: float = 0.0) -> AsyncIterator[Bench]:
    """A bench whose emulator runs, its clock in `home`; with a world of its own where a scale is given."""
    sandbox = SandboxClock.create(home / "clock.json", NOW)
    emulator = HaloEmulator()
    emulator.load(with_credits(build(scale=scale)) if scale else WORLD)
    await emulator.start(sandbox)
    bench = Bench(emulator, sandbox, WorldClock(home / "clock.json"))
    yield bench
    await bench.http.aclose()
    await emulator.stop()
