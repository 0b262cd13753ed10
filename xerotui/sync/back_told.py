"""What a source knows of Xero once it was told, kept in the transaction that settles the call: none is told twice."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xerotui.model import settling
from xerotui.model.kinds import Side
from xerotui.model.work import Operation, Verb
from xerotui.store import Tx
from xerotui.store.backs import DRIFT, LOST, VOIDED
from xerotui.sync.back_documents import lost_row
from xerotui.sync.ports import Ports

if TYPE_CHECKING:
    from xerotui.sync.outcomes import Done

# The writes into a source that come from Xero.
VERBS = (Verb.SETTLE, Verb.VOID, Verb.UPDATE)


def from_xero(operation: Operation) -> bool:
    """Whether an operation writes something of Xero's into the source."""
    return operation.side is Side.SOURCE and operation.verb in VERBS and bool(operation.basis.xero_version)


async def remember(ports: Ports, tx: Tx, done: "Sequence[Done]") -> None:
    """Keep what the source knows now, and take away what was shown as a difference until then."""
    backs = ports.ledger.backs
    for d in done:
        o = d.operation
        if not from_xero(o):
            continue
        if o.verb is Verb.SETTLE:
            settlement, words = settling.decode(o.body), " ".join(d.lost)
            await backs.tell(tx, o.connection, o.tenant, o.kind, o.record, settlement, words)
            await backs.drop(tx, o.connection, o.tenant, LOST, o.kind, o.record)
            await backs.add(tx, [lost_row(o, settlement, words)] if words else [])
        elif o.verb is Verb.VOID:
            await backs.drop(tx, o.connection, o.tenant, VOIDED, o.kind, o.record)
        else:
            fields = [change.path for change in o.changes]
            await backs.drop(tx, o.connection, o.tenant, DRIFT, o.kind, o.record, fields)


__all__ = ["VERBS", "from_xero", "remember"]
