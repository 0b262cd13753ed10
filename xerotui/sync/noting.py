"""Our own id in the history of documents in Xero: which get a line, and when it is left out (M16).

A line costs a call each, so that it is asked for by the pair's setting. It never un-confirms the document.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.postings import NotePosting, encode
from xerotui.model.work import Operation, State, Verb
from xerotui.store import Db, Tx
from xerotui.sync.plan import new_id
from xerotui.sync.ports import Ports
from xerotui.xero.client import TenantClient

if TYPE_CHECKING:
    from xerotui.sync.outcomes import Done

# From so little of a day's calls on they are kept for documents: one in so many.
KEPT = 4
SHORT = "left out: only {left} calls of the day are left, and documents come first"


def words(db: Db, operation: Operation) -> str:
    """The line for a document's history: the source, its id there, and the operation that made it."""
    source = db.source(operation.connection)
    name = source.name if source is not None else operation.connection
    o = operation
    return f"XeroTUI: made of {o.kind.label} {o.title[:80]}, id {o.record[:80]} in {name[:80]}; operation {o.id}."


async def add(ports: Ports, tx: Tx, db: Db, done: "Sequence[Done]") -> None:
    """A line for each new document of the pairs that ask for it, born in the transaction that made its link."""
    groups: dict[tuple[str, str, Kind], list[Done]] = {}
    for d in done:
        o = d.operation
        if o.side is not Side.XERO or o.verb is not Verb.CREATE or o.kind not in DOCUMENTS:
            continue
        pair = db.pair(o.connection, o.tenant)
        if pair is not None and pair.history_notes:
            groups.setdefault((o.connection, o.tenant, o.kind), []).append(d)
    for (connection, tenant, kind), some in groups.items():
        records = [d.operation.record for d in some]
        live = await ports.ledger.work.live(tx, Side.XERO, connection, tenant, kind, Verb.NOTE, records)
        await ports.ledger.work.add(tx, [_note(db, d) for d in some if d.operation.record not in live])


def _note(db: Db, done: "Done") -> Operation:
    o = done.operation
    posting = NotePosting(kind=o.kind, document=done.xero_id, text=words(db, o))
    return Operation(
        id=new_id("op"),
        plan=o.plan,
        side=Side.XERO,
        lane=o.lane,
        kind=o.kind,
        verb=Verb.NOTE,
        state=State.READY,
        connection=o.connection,
        tenant=o.tenant,
        record=o.record,
        title=o.title,
        party=o.party,
        target=done.xero_id,
        body=encode(posting),
        basis=o.basis,
    )


async def too_dear(client: TenantClient) -> str:
    """Why no line is written now, "" when the day has calls enough."""
    left, limit = await client.day_left()
    return SHORT.format(left=left) if limit and left < limit // KEPT else ""


__all__ = ["add", "too_dear", "words"]
