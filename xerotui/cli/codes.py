"""Exit codes: a promise to scripts. Nothing else lives here."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command ends with; the numbers never change their meaning."""

    DONE = 0
    USAGE = 1
    PROBLEMS = 2
    NOT_CONNECTED = 3
    REFUSED = 4
    WORKER = 5
    INTERNAL = 70
    INTERRUPTED = 130


MEANING: dict[Exit, str] = {
    Exit.DONE: "done",
    Exit.USAGE: "wrong usage",
    Exit.PROBLEMS: "problems found",
    Exit.NOT_CONNECTED: "not connected",
    Exit.REFUSED: "refused, or the plan is stale",
    Exit.WORKER: "trouble with the worker",
    Exit.INTERNAL: "internal error",
    Exit.INTERRUPTED: "interrupted",
}


def table() -> str:
    """The codes as the help shows them."""
    return "Exit codes: " + ", ".join(f"{int(code)} {words}" for code, words in MEANING.items()) + "."
