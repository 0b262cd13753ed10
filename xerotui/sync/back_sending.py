"""Writing into a source what happened in Xero: payments and voids, sent, found out, and remembered."""

from collections.abc import Sequence

from xerotui.model import settling
from xerotui.model.work import Operation, Verb
from xerotui.source.contract import Source
from xerotui.store import Tx
from xerotui.sync import back_documents, back_parties, back_voids
from xerotui.sync.back import from_xero
from xerotui.sync.ports import Ports
from xerotui.sync.settle import Done, Outcome

# Both are looked up at the source before anything is made, so that they may be sent again.
VERBS = (Verb.SETTLE, Verb.VOID)


async def send(source: Source, operation: Operation) -> Outcome:
    """Let the source have it; the source itself looks first whether it has it already."""
    if operation.verb is Verb.VOID:
        await source.void(operation.kind, operation.record)
        return Outcome(done=[Done(operation, operation.target)], status=200)
    lost = await source.settle(operation.kind, operation.record, settling.decode(operation.body))
    return Outcome(done=[Done(operation, operation.target, lost=tuple(lost))], status=200)


async def remember(ports: Ports, tx: Tx, done: Sequence[Done]) -> None:
    """Keep what the source knows now, in the transaction that settles the call: nothing is told it twice."""
    backs = ports.ledger.backs
    for d in done:
        o = d.operation
        if not from_xero(o):
            continue
        if o.verb is Verb.SETTLE:
            settlement = settling.decode(o.body)
            words = " ".join(d.lost)
            await backs.tell(tx, o.connection, o.tenant, o.kind, o.record, settlement, words)
            row = back_documents.lost_row(o, settlement, words)
            await backs.drop(tx, o.connection, o.tenant, back_documents.LOST, o.kind, o.record)
            await backs.add(tx, [row] if words else [])
        else:
            what = back_voids.VOIDED if o.verb is Verb.VOID else back_parties.DRIFT
            fields = [change.path for change in o.changes] if o.verb is Verb.UPDATE else None
            await backs.drop(tx, o.connection, o.tenant, what, o.kind, o.record, fields)


__all__ = ["VERBS", "remember", "send"]
