"""What a limit is, and the protocol by which its state is shared between processes. The mechanism is `governor`."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

import msgspec


class Window(msgspec.Struct, frozen=True):
    """At most `calls` in any `seconds` of world time; `reserve` of them are kept for people.

    A window with a `key` of its own is counted there, together with every other key that names it: the limit of a
    whole app beside those of its organisations.
    """

    name: str
    calls: int
    seconds: int
    reserve: int = 0
    key: str = ""


class Limits(msgspec.Struct, frozen=True):
    """The windows that one key is held to, and how many of its calls may be on their way at once.

    Answers to paths that end with one of `unmetered` don't count in the volume that the vendor bills.
    """

    windows: tuple[Window, ...]
    in_flight: int = 4
    unmetered: tuple[str, ...] = ()

    def metered(self, path: str) -> bool:
        """Whether the vendor counts what it answers to this path."""
        return not path.endswith(self.unmetered) if self.unmetered else True


class Throttled(msgspec.Struct, frozen=True):
    """A throttle answer, read: which window, and for how many world seconds (None = the answer doesn't say).

    `calls` in `span` world seconds is the limit that the answer itself states; 0 where it states none.
    """

    window: str
    seconds: float | None = None
    calls: int = 0
    span: int = 0


class Wait(msgspec.Struct, frozen=True):
    """No permit now: try again in `seconds` of world time; `window` says which limit (in_flight included)."""

    window: str
    seconds: float


class Budget(msgspec.Struct, frozen=True):
    """How much of one window is used; its oldest call leaves it in `resets_in` world seconds.

    `until` is the world instant before which the other side lets nothing through, None while it does.
    """

    window: str
    limit: int
    used: int
    resets_in: float = 0.0
    until: dt.datetime | None = None


class Spent(msgspec.Struct, frozen=True):
    """What one call cost: bytes of its body and of its answer as they crossed the wire, headers not counted.

    `status` is 0 where no answer came; `metered` says whether the vendor bills the answer.
    """

    sent: int
    received: int
    status: int = 0
    metered: bool = True


class Permits(Protocol):
    """The shared log of calls, by key. Kept in the ledger so that all processes see one window."""

    async def take(self, key: str, limits: Limits, now: dt.datetime, *, urgent: bool, lapse: float) -> str | Wait:
        """A permit's id, recorded at `now`, or how long to wait.

        `urgent` may use the reserves, and is first where all slots in flight are taken. A slot that is never given
        back lapses after `lapse` machine seconds (the call's time-out).
        """
        ...

    async def give_back(self, permit: str, spent: Spent | None = None) -> None:
        """End the in-flight slot, and note what the call cost; the call itself stays counted."""
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
