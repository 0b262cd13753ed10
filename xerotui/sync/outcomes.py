"""What a call came to, operation by operation, before anything of it is written down."""

import datetime as dt
from dataclasses import dataclass, field

from xerotui.model.problems import Place
from xerotui.model.records import Record
from xerotui.model.work import Call, Operation

# Tries after which a person is asked.
ATTEMPTS = 6


@dataclass(frozen=True)
class Done:
    """An operation's effect is proved: the id and number on the side that was written to, and its version.

    `xero_id` is Xero's id, for a record created in the source the source's own.
    """

    operation: Operation
    xero_id: str
    number: str = ""
    version: str = ""
    held: Record | None = None
    warnings: tuple[str, ...] = ()
    # What of it the other side can't hold, as sentences.
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failed:
    """An operation surely had no effect and must not be tried again as it is."""

    operation: Operation
    code: str
    said: str
    remedy: str = ""
    correlation: str = ""
    parked: bool = False
    cause: str = ""
    place: Place | None = None


@dataclass
class Outcome:
    """A call's outcome by operation.

    `again` may be formed anew at once or from `not_before`, with `halve` in two calls; `unclear` is unknown. `silent`
    when no answer came, `held` is the world instant until which a limit lets nothing of the lane through.
    """

    done: list[Done] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    again: list[Operation] = field(default_factory=list)
    unclear: list[Operation] = field(default_factory=list)
    status: int = 0
    not_before: dt.datetime | None = None
    halve: bool = False
    reason: str = ""
    silent: bool = False
    held: dt.datetime | None = None

    def only(self, ids: set[str]) -> "Outcome":
        """The part of it that is about these operations' ends."""
        done = [d for d in self.done if d.operation.id in ids]
        failed = [f for f in self.failed if f.operation.id in ids]
        return Outcome(done=done, failed=failed, status=self.status, reason=self.reason)


def tired(outcome: Outcome, call: Call, now: dt.datetime) -> Outcome:
    """The outcome of a failed call with patience: what had no effect goes again, later each time.

    After six tries that the other side itself answered with a failure (5xx; cut lines and kills don't count) calls
    are halved until the culprit is alone, and that one waits for a person.
    """
    if not outcome.again or call.status < 500:
        return outcome
    tries = max(o.attempts for o in outcome.again)
    outcome.not_before = now + dt.timedelta(seconds=2.0 ** min(tries, 6))
    if tries >= ATTEMPTS and len(call.operations) == 1:
        said = f"answered with a failure ({call.status}) {tries} times"
        outcome.failed += [Failed(o, "core.parked", said, parked=True) for o in outcome.again]
        outcome.again = []
    outcome.halve = tries >= ATTEMPTS
    return outcome


__all__ = ["ATTEMPTS", "Done", "Failed", "Outcome", "tired"]
