"""Writing into a source what happened in Xero: payments and voids."""

from xerotui.model import settling
from xerotui.model.records import Record
from xerotui.model.work import Operation, Verb
from xerotui.source.contract import Gone, Source, SourceRefused
from xerotui.sync.outcomes import Done, Outcome

# Both are looked up at the source before anything is made, so that they may be sent again.
VERBS = (Verb.SETTLE, Verb.VOID)


async def send(source: Source, operation: Operation) -> Outcome:
    """Let the source have it; the source itself looks first whether it has it already."""
    if operation.verb is Verb.VOID:
        await source.void(operation.kind, operation.record)
        try:
            # Read back, so that it counts as void before the source is read the next time; it is so either way.
            held: Record | None = await source.get(operation.kind, operation.record)
        except (Gone, SourceRefused):
            held = None
        return Outcome(done=[Done(operation, operation.target, held=held)], status=200)
    lost = await source.settle(operation.kind, operation.record, settling.decode(operation.body))
    return Outcome(done=[Done(operation, operation.target, lost=tuple(lost))], status=200)


__all__ = ["VERBS", "send"]
