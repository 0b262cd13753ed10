"""How fast a lane may go: slower where its side is silent, not at all before a limit lets calls through again.

A circuit breaker: after a few calls in a row that brought no answer one call at a time tries whether the side is back,
later each time. Nothing is given up for it: what was on its way stays of unknown outcome, what waits goes on waiting.
"""

import datetime as dt
import time

from xerotui.net.clock import Clock
from xerotui.net.errors import SOON

# Calls in a row without an answer after which the lane slows down.
SILENT = 3
# Machine seconds between two tries then: the first, and the longest.
FIRST, LONGEST = 1.0, 30.0
# Machine seconds of silence after which the lane is let go, to be tried again when it has rested.
GIVE_UP = 60.0


class Pace:
    """One lane's pace. Machine time for silence, world time for limits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent = 0
        self._since = 0.0
        self._pause = 0.0
        self._again_at = 0.0
        self.said = ""
        # The world instant before which a limit lets nothing through, and the limit in words.
        self.held_until: dt.datetime | None = None
        self.limit = ""

    def heard(self) -> bool:
        """The side answered; True when it had been silent."""
        slow = self.slow
        self._silent = 0
        self.said = ""
        return slow

    def unheard(self, said: str) -> None:
        """A call brought no answer."""
        now = time.monotonic()
        if not self._silent:
            self._since = now
        self._silent += 1
        self.said = said
        if self._silent == SILENT:
            self._pause = FIRST
            self._again_at = now + self._pause
        elif self.slow and now >= self._again_at:
            # Calls that were on their way when it became slow say nothing new.
            self._pause = min(2 * self._pause, LONGEST)
            self._again_at = now + self._pause

    def hold(self, until: dt.datetime, said: str) -> None:
        """A limit lets nothing through before a world instant; a short wait is no reason to stop."""
        if (until - self._clock.now()).total_seconds() >= SOON and (not self.held_until or until > self.held_until):
            self.held_until, self.limit = until, said

    @property
    def held(self) -> bool:
        """True while a limit lets nothing through."""
        if self.held_until is not None and self._clock.now() >= self.held_until:
            self.held_until, self.limit = None, ""
        return self.held_until is not None

    @property
    def slow(self) -> bool:
        """True while the side is silent."""
        return self._silent >= SILENT

    @property
    def given_up(self) -> bool:
        """True when it has been silent for so long that the lane is better let go."""
        return self.slow and time.monotonic() - self._since >= GIVE_UP and time.monotonic() < self._again_at

    @property
    def wait(self) -> float:
        """Machine seconds until the next call may try, 0 when one may."""
        return max(0.0, self._again_at - time.monotonic()) if self.slow else 0.0

    def room(self, flying: int, most: int) -> int:
        """How many more calls may leave."""
        if self.held or self.wait:
            return 0
        return (1 if self.slow else most) - flying
