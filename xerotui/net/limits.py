"""What a limit is, and the protocol by which its state is shared between processes. The mechanism is `governor`."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

import msgspec


class Window(msgspec.Struct, frozen=True):
    """At most `calls` in any `seconds` of world time; `reserve` of them are kept for people."""

    name: str
    calls: int
    seconds: int
    reserve: int = 0


class Limits(msgspec.Struct, frozen=True):
    """The windows that one key is held to, and how many of its calls may be on their way at once."""

    windows: tuple[Window, ...]
    in_flight: int = 4


class Throttled(msgspec.Struct, frozen=True):
    """A throttle answer, read: which window, and for how many world seconds (None = the answer doesn't say)."""

    window: str
    seconds: float | None = None


class Wait(msgspec.Struct, frozen=True):
    """No permit now: try again in `seconds` of world time; `window` says which limit (in_flight included)."""

    window: str
    seconds: float


class Budget(msgspec.Struct, frozen=True):
    """How much of one window is used."""

    window: str
    limit: int
    used: int
    resets_in: float = 0.0


class Permits(Protocol):
    """The shared log of calls, by key. Kept in the ledger so that all processes see one window."""

    async def take(self, key: str, limits: Limits, now: dt.datetime, *, urgent: bool, lapse: float) -> str | Wait:
        """A permit's id, recorded at `now`, or how long to wait.

        `urgent` may use the reserves. An in-flight slot that is never given back lapses after `lapse` machine
        seconds (the call's time-out).
        """
        ...

    async def give_back(self, permit: str) -> None:
        """End the in-flight slot; the call itself stays counted."""
        ...

    async def hold(self, key: str, window: str, until: dt.datetime) -> None:
        """Let nothing through for this key before the world instant `until`."""
        ...

    async def correct(self, key: str, window: Window, remaining: int, now: dt.datetime) -> None:
        """Take the other side's word that only `remaining` calls are left: counts only ever go up by it."""
        ...

    async def budgets(self, key: str, windows: Sequence[Window], now: dt.datetime) -> tuple[Budget, ...]:
        """How much of each window is used."""
        ...
