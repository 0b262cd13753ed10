"""What can go wrong between us and another system. Their words hold no query strings, headers or secrets."""


class NetError(Exception):
    """A request that brought no usable answer.

    `effect_possible` tells whether the other side may have acted on it; `where` is method, host and path.
    """

    effect_possible = True

    def __init__(self, sentence: str, where: str = "") -> None:
        super().__init__(f"{sentence} ({where})" if where else sentence)
        self.sentence = sentence
        self.where = where


class NotSent(NetError):
    """Surely without effect: no connection, no TLS, no permit; the request never arrived whole."""

    effect_possible = False


class Throttle(NotSent):
    """Refused for its rate: surely not done. `seconds` of world time until `window` lets calls through again."""

    def __init__(self, window: str, seconds: float, where: str = "") -> None:
        super().__init__(f"limit '{window}' reached, free again in {max(1, round(seconds))} s", where)
        self.window = window
        self.seconds = seconds


class Unanswered(NetError):
    """Cut off or timed out after sending had begun: the outcome is unknown."""


class BadAnswer(NetError):
    """An answer came that can't be read: for a write the outcome is unknown."""
