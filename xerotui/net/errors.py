"""What can go wrong between us and another system. Their words hold no query strings, headers or secrets."""

import datetime as dt

from xerotui.model.problems import SyncError

LIMIT = "core.throttled"
# World seconds under which a wait is told by its length, over it by its end.
SOON = 120.0


class NetError(SyncError):
    """A request that brought no usable answer; like every SyncError it has a sentence and a remedy for a person.

    `effect_possible` tells whether the other side may have acted on it; `where` is method, host and path.
    """

    effect_possible = True
    remedy = "Check address and network, then try again."

    def __init__(self, sentence: str, where: str = "", *, code: str = "core.unreachable") -> None:
        super().__init__(sentence[:1].upper() + sentence[1:], self.remedy, code=code, exit_code=3)
        self.where = where

    def __str__(self) -> str:
        return f"{self.sentence} ({self.where})" if self.where else self.sentence


class NotSent(NetError):
    """Surely without effect: no connection, no TLS, no permit; the request never arrived whole."""

    effect_possible = False


class Throttle(NotSent):
    """Refused for its rate: surely not done. `seconds` of world time until `window` lets calls through again.

    `until` is that instant of world time where it is known.
    """

    remedy = "Wait: the work goes on by itself when the limit allows."

    def __init__(self, window: str, seconds: float, where: str = "", *, until: dt.datetime | None = None) -> None:
        super().__init__(f"the limit '{window}' is reached and free again {_when(seconds, until)}", where, code=LIMIT)
        self.window = window
        self.seconds = seconds
        self.until = until


def _when(seconds: float, until: dt.datetime | None) -> str:
    """How long for what is soon over, by the clock for what a person will look at again."""
    if until is None or seconds < SOON:
        return f"in {max(1, round(seconds))} s"
    return f"at {until.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


class Unanswered(NetError):
    """Cut off or timed out after sending had begun: the outcome is unknown."""


class BadAnswer(NetError):
    """An answer came that can't be read: for a write the outcome is unknown."""

    remedy = "Check that the address is the right system's and that nothing between answers in its place."
