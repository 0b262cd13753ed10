"""The governor: asks the shared log of calls for a permit before each call, and takes the other side's word."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from xerotui.net.clock import Clock
from xerotui.net.errors import Throttle
from xerotui.net.limits import Budget, Limits, Permits, Wait, Window

# World seconds that a call waits for its permit; a longer wait is the caller's to plan.
PATIENCE = 120.0


class NoLimits:
    """Permits that are always given: for keys without limits, and to prove what the governor is good for."""

    async def take(self, key: str, limits: Limits, now: dt.datetime, *, urgent: bool, lapse: float) -> str | Wait:
        """A permit, at once."""
        return "unlimited"

    async def give_back(self, permit: str) -> None:
        """Nothing is counted."""

    async def hold(self, key: str, window: str, until: dt.datetime) -> None:
        """Nothing is held."""

    async def correct(self, key: str, window: Window, remaining: int, now: dt.datetime) -> None:
        """Nothing is counted."""

    async def budgets(self, key: str, windows: Sequence[Window], now: dt.datetime) -> tuple[Budget, ...]:
        """Every window empty."""
        return tuple(Budget(w.name, w.calls, 0) for w in windows)


class Governor:
    """Holds one key to its limits, together with every other process that uses the same `Permits`."""

    def __init__(self, permits: Permits, key: str, limits: Limits, clock: Clock) -> None:
        self.permits = permits
        self.key = key
        self.limits = limits
        self.clock = clock

    @asynccontextmanager
    async def permit(
        self,
        *,
        urgent: bool = False,
        lapse: float = 30.0,
        patience: float = PATIENCE,
        latest: dt.datetime | None = None,
    ) -> AsyncIterator[None]:
        """Hold an in-flight slot while the block runs.

        `lapse` is the call's time-out in machine seconds. Raises Throttle when a permit is more than `patience`
        world seconds away, or when the world instant `latest` would be past before there is one.
        """
        while isinstance(
            taken := await self.permits.take(self.key, self.limits, self.clock.now(), urgent=urgent, lapse=lapse), Wait
        ):
            if taken.seconds > patience or self._late(latest, taken.seconds):
                raise Throttle(taken.window, taken.seconds)
            # A little apart from the others that wait, and never a spin when the wait is said to be over.
            await self.clock.sleep(max(taken.seconds, 0.02) + random.uniform(0, 0.1))
        try:
            if self._late(latest):
                raise Throttle("deadline", 1.0)
            yield
        finally:
            await self.permits.give_back(taken)

    def _late(self, latest: dt.datetime | None, seconds: float = 0.0) -> bool:
        return latest is not None and self.clock.now() + dt.timedelta(seconds=seconds) >= latest

    async def hold(self, window: str, seconds: float) -> None:
        """Let nothing through for `seconds` of world time: the other side said so."""
        await self.permits.hold(self.key, window, self.clock.now() + dt.timedelta(seconds=seconds))

    async def correct(self, window: str, remaining: int) -> None:
        """Take the other side's count for the named window; an unknown name is ignored."""
        for known in self.limits.windows:
            if known.name == window:
                await self.permits.correct(self.key, known, remaining, self.clock.now())

    async def budgets(self) -> tuple[Budget, ...]:
        """How much of each window is used."""
        return await self.permits.budgets(self.key, self.limits.windows, self.clock.now())
