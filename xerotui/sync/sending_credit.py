"""Allocations of credit and history notes: completing them, and finding out what became of one of unknown outcome.

Both hang on documents that are in Xero already, and neither ever un-confirms one.
"""

from collections.abc import Sequence

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import AllocationPosting, NotePosting, decode, encode
from xerotui.model.records import Document, Record
from xerotui.model.work import Operation, Verb
from xerotui.sync.outcomes import Done, Outcome
from xerotui.sync.ports import Ports
from xerotui.xero.client import TenantClient
from xerotui.xero.errors import NotFound


def lacking(operation: Operation) -> bool:
    """Whether an allocation doesn't know yet which documents it is about."""
    posting = decode(operation.body) if operation.verb is Verb.ALLOCATE else None
    return isinstance(posting, AllocationPosting) and not (posting.note and posting.invoice)


def target_of(operation: Operation) -> str:
    """The Xero id that an operation's call is addressed to: of an allocation that of its credit note."""
    posting = decode(operation.body) if operation.verb is Verb.ALLOCATE else None
    return posting.note if isinstance(posting, AllocationPosting) else operation.target


async def completed(ports: Ports, operations: Sequence[Operation], tenant: str) -> dict[str, Operation]:
    """Allocations with the ids that their own plan has made since, by operation id; what still lacks one is left out.

    The ids come from the links of the credit and of the invoice that it credits at the source.
    """
    found: dict[str, Operation] = {}
    ledger = ports.ledger
    for connection in {o.connection for o in operations}:
        mine = [o for o in operations if o.connection == connection]
        ids = [o.record for o in mine]
        async with ledger.read() as tx:
            records = await ledger.snapshots.many(tx, Side.SOURCE, connection, Kind.CREDIT_NOTE, ids)
            notes = await ledger.links.many(tx, connection, Kind.CREDIT_NOTE, ids, tenant)
            credits = {id: r.credits for id, r in records.items() if isinstance(r, Document) and r.credits}
            invoices = await ledger.links.many(tx, connection, Kind.INVOICE, list(set(credits.values())), tenant)
        for o in mine:
            note, invoice = notes.get(o.record), invoices.get(credits.get(o.record, ""))
            posting = decode(o.body)
            if note is None or invoice is None or not isinstance(posting, AllocationPosting):
                continue
            posting = msgspec.structs.replace(posting, note=note.xero_id, invoice=invoice.xero_id)
            found[o.id] = msgspec.structs.replace(o, body=encode(posting))
    return found


def laid(posting: AllocationPosting, held: Record) -> str:
    """The id of the allocation that a credit note holds and that is this one; "" where it holds none."""
    for part in held.settled if isinstance(held, Document) else ():
        if part.allocation and part.id == posting.invoice and part.amount == posting.amount:
            return part.allocation
    return ""


async def find_out(client: TenantClient, operations: Sequence[Operation]) -> Outcome:
    """Look whether the effects of these are there: the note's allocations, the document's history.

    What isn't goes again. Raises what the client raises.
    """
    outcome = Outcome()
    for operation in operations:
        posting = decode(operation.body)
        id = ""
        if isinstance(posting, AllocationPosting):
            try:
                id = laid(posting, await client.get(Kind.CREDIT_NOTE, posting.note))
            except NotFound:
                id = ""
        elif isinstance(posting, NotePosting):
            notes = await client.history(posting.kind, posting.document)
            id = posting.document if any(note.details == posting.text for note in notes) else ""
        if id:
            outcome.done.append(Done(operation, id))
        else:
            outcome.again.append(operation)
    return outcome


__all__ = ["completed", "find_out", "lacking", "laid", "target_of"]
