"""What can go wrong between us and another system. Their words hold no query strings, headers or secrets."""

from xerotui.model.problems import SyncError


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
    """Refused for its rate: surely not done. `seconds` of world time until `window` lets calls through again."""

    remedy = "Wait: the work goes on by itself when the limit allows."

    def __init__(self, window: str, seconds: float, where: str = "") -> None:
        words = f"the limit '{window}' is reached and free again in {max(1, round(seconds))} s"
        super().__init__(words, where, code="core.throttled")
        self.window = window
        self.seconds = seconds


class Unanswered(NetError):
    """Cut off or timed out after sending had begun: the outcome is unknown."""


class BadAnswer(NetError):
    """An answer came that can't be read: for a write the outcome is unknown."""

    remedy = "Check that the address is the right system's and that nothing between answers in its place."
