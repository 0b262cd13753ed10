"""Records taken away at a source on a person's word: looked at before, and looked at again when no answer came."""

from xerotui.model import records
from xerotui.model.records import Record
from xerotui.model.work import Operation
from xerotui.source.contract import Gone, Source
from xerotui.sync.outcomes import Done, Failed, Outcome


async def remove(source: Source, operation: Operation) -> Outcome:
    """Take the record away, unless it is gone already or isn't any more what the plan showed."""
    found = await look(source, operation)
    if found is None:
        await source.remove(operation.kind, operation.record)
        found = Done(operation, operation.record)
    outcome = Outcome(status=200)
    tell(outcome, operation, found)
    return outcome


async def look(source: Source, operation: Operation) -> Done | Failed | None:
    """What the source says of a removal now: done, not to be done any more, or (None) still to be done."""
    try:
        held = await source.get(operation.kind, operation.record)
    except Gone:
        return Done(operation, operation.record)
    return None if _same(held, operation) else Failed(operation, "core.conflict", "it changed since the plan was made")


def _same(held: Record, operation: Operation) -> bool:
    return records.fingerprint(held) == records.fingerprint(records.decode(operation.body))


def tell(outcome: Outcome, operation: Operation, found: Done | Failed | None) -> None:
    """Note what became of one removal; what is still to be done goes again."""
    match found:
        case Done():
            outcome.done.append(found)
        case Failed():
            outcome.failed.append(found)
        case None:
            outcome.again.append(operation)
