"""Fields of a source record set to what a plan says: looked at before, and looked at again when no answer came."""

from typing import Any

from xerotui.model import records
from xerotui.model.records import Record
from xerotui.model.work import Operation
from xerotui.source.contract import Gone, Source
from xerotui.sync.outcomes import Done, Failed, Outcome
from xerotui.sync.owning import same, spoken


def values(operation: Operation) -> dict[str, Any]:
    """The fields that an operation sets, with the values that they get."""
    record = records.decode(operation.body)
    return {change.path: getattr(record, change.path) for change in operation.changes}


async def look(source: Source, operation: Operation) -> Done | Failed | None:
    """What the source says of an amendment now: done, in the way of another change, or (None) still to be done."""
    try:
        held = await source.get(operation.kind, operation.record)
    except Gone:
        return Failed(operation, "core.rejected", "it isn't at the source any more")
    return _judged(operation, held)


async def amend(source: Source, operation: Operation) -> Outcome:
    """Set the fields, unless they are set already or somebody else changed them since the plan was made."""
    found = await look(source, operation)
    if found is None:
        held = await source.amend(operation.kind, operation.record, values(operation))
        found = _judged(operation, held) or Failed(operation, "core.rejected", "the source didn't keep it", parked=True)
    outcome = Outcome(status=200)
    tell(outcome, operation, found)
    return outcome


def tell(outcome: Outcome, operation: Operation, found: Done | Failed | None) -> None:
    """Note what became of one amendment; what is still to be done goes again."""
    match found:
        case Done():
            outcome.done.append(found)
        case Failed():
            outcome.failed.append(found)
        case None:
            outcome.again.append(operation)


def _judged(operation: Operation, held: Record) -> Done | Failed | None:
    wanted = values(operation)
    if all(same(getattr(held, name), value) for name, value in wanted.items()):
        return Done(operation, operation.target or operation.record, held=held)
    before = {change.path: change.before for change in operation.changes}
    moved = [name for name in wanted if spoken(getattr(held, name)) not in (before[name], spoken(wanted[name]))]
    if moved:
        said = f"{', '.join(moved)} changed at the source since the plan was made"
        return Failed(operation, "core.conflict", said)
    return None
