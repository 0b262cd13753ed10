"""The governor: asks the shared log of calls for a permit before each call, and takes the other side's word."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

import msgspec

from xerotui.net.clock import Clock
from xerotui.net.errors import Throttle
from xerotui.net.limits import Budget, Limits, Permits, Spent, Wait, Window

# World seconds that a call waits for its permit; a longer wait is the caller's to plan.
PATIENCE = 120.0
_urgent: ContextVar[bool] = ContextVar("urgent", default=False)


@contextmanager
def for_people() -> Iterator[None]:
    """Somebody waits for what is called in here, tasks begun in it included: it may use the reserves and goes first."""
    before = _urgent.set(True)
    try:
        yield
    finally:
        _urgent.reset(before)


class NoLimits:
    """Permits that are always given: for keys without limits, and to prove what the governor is good for."""

    async def take(self, key: str, limits: Limits, now: dt.datetime, *, urgent: bool, lapse: float) -> str | Wait:
        """A permit, at once."""
        return "unlimited"

    async def give_back(self, permit: str, spent: Spent | None = None) -> None:
        """Nothing is counted."""

    async def hold(self, key: str, window: str, until: dt.datetime) -> None:
        """Nothing is held."""

    async def correct(self, key: str, window: Window, remaining: int, now: dt.datetime) -> None:
        """Nothing is counted."""

    async def budgets(self, key: str, windows: Sequence[Window], now: dt.datetime) -> tuple[Budget, ...]:
        """Every window empty."""
        return tuple(Budget(w.name, w.calls, 0) for w in windows)


class Slot:
    """One call's place among those on their way; who makes the call notes in `spent` what it cost."""

    def __init__(self) -> None:
        self.spent: Spent | None = None


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
    ) -> AsyncIterator[Slot]:
        """Hold an in-flight slot while the block runs; urgent also inside `for_people`.

        `lapse` is the call's time-out in machine seconds. Raises Throttle when a permit is more than `patience`
        world seconds away, or when the world instant `latest` would be past before there is one.
        """
        urgent = urgent or _urgent.get()
        while isinstance(
            taken := await self.permits.take(self.key, self.limits, self.clock.now(), urgent=urgent, lapse=lapse), Wait
        ):
            if taken.seconds > patience or self._late(latest, taken.seconds):
                raise self.throttle(taken.window, taken.seconds)
            # A little apart from the others that wait, and never a spin when the wait is said to be over.
            await self.clock.sleep(max(taken.seconds, 0.02) + random.uniform(0, 0.1))
        slot = Slot()
        try:
            if self._late(latest):
                raise self.throttle("deadline", 1.0)
            yield slot
        finally:
            await self.permits.give_back(taken, slot.spent)

    def throttle(self, window: str, seconds: float, where: str = "") -> Throttle:
        """The error of a limit that is reached for so many world seconds."""
        return Throttle(window, seconds, where, until=self.clock.now() + dt.timedelta(seconds=seconds))

    def _late(self, latest: dt.datetime | None, seconds: float = 0.0) -> bool:
        return latest is not None and self.clock.now() + dt.timedelta(seconds=seconds) >= latest

    def _window(self, name: str) -> Window | None:
        return next((window for window in self.limits.windows if window.name == name), None)

    async def hold(self, window: str, seconds: float) -> None:
        """Let nothing through for `seconds` of world time: the other side said so. A window that others share is
        held for all of them."""
        known = self._window(window)
        key = known.key if known and known.key else self.key
        await self.permits.hold(key, window, self.clock.now() + dt.timedelta(seconds=seconds))

    def adopt(self, window: str, calls: int, span: int) -> None:
        """Keep to a limit that the other side states, while this governor lives, where it is the narrower one.

        A fifteenth is left free: what others call isn't known here. 0 states nothing.
        """
        known = self._window(window)
        if known is None or calls <= 0 or span <= 0 or calls * known.seconds >= known.calls * span:
            return
        kept = max(1, calls * 14 // 15)
        narrower = msgspec.structs.replace(known, calls=kept, seconds=span, reserve=min(known.reserve, kept // 10))
        windows = tuple(narrower if one is known else one for one in self.limits.windows)
        self.limits = msgspec.structs.replace(self.limits, windows=windows)

    async def correct(self, window: str, remaining: int) -> None:
        """Take the other side's count for the named window; an unknown name is ignored."""
        if known := self._window(window):
            await self.permits.correct(known.key or self.key, known, remaining, self.clock.now())

    async def budgets(self) -> tuple[Budget, ...]:
        """How much of each window is used."""
        return await self.permits.budgets(self.key, self.limits.windows, self.clock.now())
