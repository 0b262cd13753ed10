"""Proof by reading back: what a run confirmed is read again from Xero and compared, to the penny."""

from collections.abc import Sequence

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.postings import AllocationPosting, DocumentPosting, Posting, decode
from xerotui.model.problems import Problem, SyncError
from xerotui.model.records import Document, Item, Party, Record
from xerotui.model.work import Link, Operation, Plan, State, Verb
from xerotui.store import Tx
from xerotui.sync.drift import HEIGHT, field_of, moved, touched
from xerotui.sync.ports import Ports
from xerotui.sync.pull import pull_tenant
from xerotui.sync.sending_credit import laid
from xerotui.sync.settle import ENDED, problem_of, tell


def _kind_read(kind: Kind) -> Kind:
    return Kind.CUSTOMER if kind in PARTIES else kind


def _kinds_read(done: Sequence[Operation]) -> tuple[Kind, ...]:
    """What to read for these: an allocation shows on the invoice as well, a history note on nothing that is listed."""
    kinds = {_kind_read(o.kind) for o in done if o.verb is not Verb.NOTE}
    return tuple(kinds | ({Kind.INVOICE} if any(o.verb is Verb.ALLOCATE for o in done) else set()))


def differs(posting: Posting, held: Record) -> tuple[str, ...]:
    """In what a record that Xero holds isn't what was planned."""
    fields = list(moved(posting, held))
    if isinstance(posting, DocumentPosting) and isinstance(held, Document):
        if held.tax is not None and held.tax != posting.tax:
            fields.append("tax")
        if HEIGHT.get(held.status, -1) < HEIGHT.get(posting.status, 0):
            fields.append("status")
    return tuple(fields)


def _differs(operation: Operation, posting: Posting, held: Record) -> tuple[str, ...]:
    """As `differs`; of an update of a contact or item only what it sent is compared."""
    if operation.verb in ENDED:
        return () if getattr(held, "status", "") in ENDED[operation.verb] else ("status",)
    fields = differs(posting, held)
    if operation.verb is not Verb.UPDATE or isinstance(posting, DocumentPosting):
        return fields
    return tuple(name for name in fields if field_of(name) in touched(operation.changes))


def _words(posting: Posting, held: Record, fields: Sequence[str]) -> str:
    if isinstance(posting, DocumentPosting) and isinstance(held, Document) and "total" in fields:
        return f"Xero holds {held.total} {held.currency}, planned were {posting.total}."
    return f"Xero holds other values than planned: {', '.join(fields)}."


async def verify_run(ports: Ports, plan: Plan) -> int:
    """Read back what the plan's run confirmed in Xero; the number of operations that are now verified.

    A difference becomes a problem on the record, whose operation stays confirmed. An organisation that can't be read
    keeps no other one waiting; raises SyncError for it in the end.
    """
    ledger = ports.ledger
    verified = 0
    trouble: SyncError | None = None
    for tenant in plan.tenants:
        async with ledger.read() as tx:
            done = await ledger.work.find(tx, plan=plan.id, tenant=tenant, side=Side.XERO, states=(State.CONFIRMED,))
        if not done:
            continue
        try:
            await pull_tenant(ports, tenant, _kinds_read(done))
        except SyncError as error:
            trouble = error
            continue
        verified += await _compare(ports, tenant, done)
    if trouble is not None:
        raise trouble
    return verified


async def _compare(ports: Ports, tenant: str, done: Sequence[Operation]) -> int:
    ledger = ports.ledger
    good: list[Operation] = []
    bad: list[tuple[Operation, str]] = []
    async with ledger.read() as tx:
        links = await _links(ports, tx, tenant, done)
        held = await _held(ports, tx, tenant, done, links)
    for o in done:
        link = links.get((o.connection, o.kind, o.record))
        record = held.get((o.kind, link.xero_id)) if link else None
        if o.verb is Verb.NOTE:
            # Xero answered it; reading each history back would cost a call more.
            good.append(o)
        elif o.verb is Verb.ALLOCATE and link is not None:
            (good.append(o) if _laid(o, record) else bad.append((o, "Xero doesn't show its allocation.")))
        elif link is None:
            bad.append((o, "it was confirmed, but isn't linked with a record in Xero any more."))
        elif not isinstance(record, Document | Party | Item):
            bad.append((o, "it was confirmed, but Xero doesn't list it."))
        elif fields := _differs(o, posting := decode(link.posting), record):
            bad.append((o, _words(posting, record, fields)))
        else:
            good.append(o)
    said: list[tuple[Operation, list[Problem]]] = [(o, []) for o in good]
    for o, words in bad:
        sentence = f"{o.kind.label.capitalize()} {o.title}: {words}"
        said.append((o, [problem_of(o, "core.mismatch_after", sentence, blocks=False)]))
    async with ledger.write() as tx:
        await ledger.work.move(tx, [o.id for o in good], State.VERIFIED, frm=(State.CONFIRMED,))
        await tell(ports, tx, said, phase="verify")
    return len(good)


def _laid(operation: Operation, held: Record | None) -> bool:
    """Whether a credit note shows the allocation."""
    posting = decode(operation.body)
    return held is not None and isinstance(posting, AllocationPosting) and bool(laid(posting, held))


async def _links(ports: Ports, tx: Tx, tenant: str, done: Sequence[Operation]) -> dict[tuple[str, Kind, str], Link]:
    groups: dict[tuple[str, Kind], list[str]] = {}
    for o in done:
        groups.setdefault((o.connection, o.kind), []).append(o.record)
    found: dict[tuple[str, Kind, str], Link] = {}
    for (connection, kind), records in groups.items():
        links = await ports.ledger.links.many(tx, connection, kind, records, tenant)
        found |= {(connection, kind, record): link for record, link in links.items()}
    return found


async def _held(
    ports: Ports, tx: Tx, tenant: str, done: Sequence[Operation], links: dict[tuple[str, Kind, str], Link]
) -> dict[tuple[Kind, str], Record]:
    """What Xero has now under the linked ids; what is gone there isn't among it."""
    found: dict[tuple[Kind, str], Record] = {}
    for kind in {o.kind for o in done}:
        ids = [link.xero_id for (_, of, _), link in links.items() if of is kind]
        read = _kind_read(kind)
        records = await ports.ledger.snapshots.many(tx, Side.XERO, tenant, read, ids, include_gone=False)
        found |= {(kind, id): record for id, record in records.items()}
    return found


__all__ = ["differs", "verify_run"]
