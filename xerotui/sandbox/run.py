"""Starting a whole sandbox: Xero and every source on one event loop and one world clock.

Only starting, describing and stopping may live here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Protocol

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import Service
from xerotui.sandbox.world import World
from xerotui.sandbox.xero import XeroEmulator


class Emulator(Protocol):
    """What an emulated source brings to the sandbox."""

    name: str
    source: str

    @property
    def service(self) -> Service:
        """The HTTP service, once started."""

    def load(self, world: World) -> None:
        """Take the world whose half shall be served."""

    async def start(self, clock: WorldClock) -> None:
        """Begin to serve."""

    def settings(self) -> dict[str, str]:
        """Return what a connection needs."""

    def totals(self) -> dict[str, Any]:
        """Return documents and totals as the emulator counts them."""

    def expected(self) -> list[dict[str, Any]]:
        """Return the trouble seeded in it: code, kind, id, and whether the demo mends it."""

    async def stop(self) -> None:
        """Stop serving."""


class Sandbox:
    """A running sandbox; `serve` makes one."""

    def __init__(self, clock: WorldClock, xero: XeroEmulator, sources: Sequence[Emulator]) -> None:
        self.clock = clock
        self.xero = xero
        self.sources = list(sources)

    def describe(self) -> dict[str, Any]:
        """Return addresses and settings of each service, of which source it is, and the path of the clock."""
        found: dict[str, Any] = {"xero": self.xero.describe()}
        for source in self.sources:
            found[source.name] = {
                **source.settings(),
                "emulates": source.source,
                "control_url": source.service.control_url,
            }
        return {**found, "clock": str(self.clock.path)}

    def services(self) -> list[Service]:
        """Return the running services."""
        return [self.xero.service, *(source.service for source in self.sources)]

    def last_request_at(self) -> float | None:
        """Return the world time (unix seconds) of the last request to any service, or None before the first."""
        times = [s.journal.last_request_at for s in self.services() if s.journal.last_request_at is not None]
        return max(times, default=None)

    def violations(self) -> list[dict[str, Any]]:
        """Return every broken rule that any service noted."""
        return [entry for service in self.services() for entry in service.journal.violations]

    def totals(self) -> dict[str, Any]:
        """Return each service's own count of documents and totals."""
        return {"xero": self.xero.totals(), **{source.name: source.totals() for source in self.sources}}

    async def stop(self) -> None:
        """Stop every service."""
        await asyncio.gather(*(source.stop() for source in self.sources), self.xero.stop())

    async def __aenter__(self) -> Sandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


async def serve(
    world: World,
    emulators: Sequence[Emulator] = (),
    *,
    home: Path | str,
    clock_rate: float = 1.0,
    start: datetime | None = None,
    xero_port: int = 0,
    redirect_uris: tuple[str, ...] | None = None,
) -> Sandbox:
    """Start Xero and ``emulators`` on ``world`` in the running event loop and return the sandbox.

    The clock file is made in ``home``; the world begins at ``start``, by default at nine in the
    morning (UTC) of the world's own day. OSError where a port can't be had; nothing is left running then.
    """
    began = start or datetime.combine(world.today, time(9), UTC)
    clock = WorldClock.create(Path(home) / "clock.json", began, clock_rate)
    xero = XeroEmulator(port=xero_port, redirect_uris=redirect_uris) if redirect_uris else XeroEmulator(port=xero_port)
    sandbox = Sandbox(clock, xero, [])
    try:
        xero.load(world)
        await xero.start(clock)
        for emulator in emulators:
            emulator.load(world)
            await emulator.start(clock)
            emulator.service.expected = emulator.expected
            sandbox.sources.append(emulator)
    except BaseException:
        await sandbox.stop()
        raise
    return sandbox
