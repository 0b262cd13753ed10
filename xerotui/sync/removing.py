"""What left the source: proved by the source's own answer, then planned for removal in Xero, or words why not (H35).

Absence from a list is only a reason to ask; the answer to that very id alone counts (DESIGN section 5).
"""

import asyncio
import bisect
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.postings import Change, DocumentPosting, decode, encode
from xerotui.model.problems import Place, RecordRef
from xerotui.model.records import Document, Record, fingerprint
from xerotui.model.work import Basis, Link, Operation, Verb
from xerotui.source.contract import Gone, Source, SourceRefused
from xerotui.store import Departure, Tx
from xerotui.sync import drift
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData
from xerotui.sync.plan import Draft, new_id, xero_lane
from xerotui.sync.ports import Ports
from xerotui.sync.pull import words
from xerotui.sync.resolve import Resolved
from xerotui.sync.settle import REMOVED

REMOVALS = (Verb.VOID, Verb.DELETE)
GONE_STATUSES = ("VOIDED", "DELETED")
DELETED, VOIDED = "deleted at the source", "voided at the source"
# Ids asked for in one reading; the rest is asked for the next time.
MOST = 200
_ASKED = "removals.asked:"
AT_ONCE = 4
_ZERO = Decimal(0)
# Xero gives every document a date; a posting can't be without one.
_UNDATED = dt.date(1900, 1, 1)


def removes(operation: Operation) -> bool:
    """True for what voids or deletes a document in Xero."""
    return operation.side is Side.XERO and operation.verb in REMOVALS


# ------------------------------------------------------------------------------------------ asking the source


async def look(ports: Ports, connection: str) -> None:
    """Ask the source for the linked documents that its lists no longer show, and keep what it answers.

    Raises SyncError when the source can't be reached.
    """
    source = await ports.source(connection)
    try:
        for kind in (k for k in DOCUMENTS if k in source.kinds):
            await _look_kind(ports, source, connection, kind)
    except Exception as error:
        raise words(error, source.title) from None


async def _look_kind(ports: Ports, source: Source, connection: str, kind: Kind) -> None:
    linked = await _linked(ports, connection, kind)
    if not linked:
        return
    async with ports.ledger.read() as tx:
        present = set(await ports.ledger.snapshots.fingerprints(tx, Side.SOURCE, connection, kind))
        departed = await ports.ledger.departures.of(tx, connection, kind, linked)
    try:
        away = set(await source.vanished(kind, [id for id in linked if id in present]))
    except SourceRefused as error:
        ports.log.warning("what left the source can't be told", connection=connection, kind=kind, reason=error.said)
        away = set()
    # What is only void there is at the source all the same: that it was is kept, but it proves no absence.
    proved = {id for id, departure in departed.items() if departure.how != VOIDED}
    suspects = [id for id in linked if id in away or (id not in present and id not in proved)]
    if back := [id for id in departed if id in present and id not in away]:
        async with ports.ledger.write() as tx:
            await _are_back(ports, tx, connection, kind, back)
    await prove(ports, source, connection, kind, await in_turn(ports, connection, kind, suspects))


async def _are_back(ports: Ports, tx: Tx, connection: str, kind: Kind, ids: Sequence[str]) -> None:
    """Forget that these, which the source has, had left it; what was void and still is keeps who let it go."""
    departed = await ports.ledger.departures.of(tx, connection, kind, ids)
    void = [id for id, departure in departed.items() if departure.how == VOIDED]
    held = await ports.ledger.snapshots.many(tx, Side.SOURCE, connection, kind, void, include_gone=False)
    still = {id for id, record in held.items() if isinstance(record, Document) and record.status in GONE_STATUSES}
    await ports.ledger.departures.back(tx, connection, kind, [id for id in departed if id not in still])


async def in_turn(ports: Ports, connection: str, kind: Kind, suspects: Sequence[str]) -> list[str]:
    """Those of which the source is asked this time: the next ones of more than `MOST`, so that none is left out."""
    if len(suspects) <= MOST:
        return list(suspects)
    name, ordered = f"{_ASKED}{connection}:{kind.value}", sorted(suspects)
    async with ports.ledger.write() as tx:
        begin = bisect.bisect_right(ordered, await ports.ledger.marks.get(tx, name) or "")
        chosen = [*ordered[begin:], *ordered[:begin]][:MOST]
        await ports.ledger.marks.set(tx, name, chosen[-1])
    return chosen


async def _linked(ports: Ports, connection: str, kind: Kind) -> list[str]:
    """The source ids of a kind that are linked in any organisation and not removed there."""
    found: dict[str, None] = {}
    db = await ports.book.read()
    async with ports.ledger.read() as tx:
        for pair in db.pairs(connection):
            links = await ports.ledger.links.for_pair(tx, connection, pair.tenant, kind)
            found |= {link.record: None for link in links if link.how != REMOVED}
    return list(found)


async def prove(ports: Ports, source: Source, connection: str, kind: Kind, ids: Sequence[str]) -> set[str]:
    """Ask for each of these ids: what the source says is gone departs, what it still has is read anew.

    Returns those that it says are gone; of what it refuses nothing is known.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(id: str) -> Record | None:
        async with gate:
            return await source.get(kind, id)

    answers = await asyncio.gather(*(one(id) for id in ids), return_exceptions=True)
    gone = [id for id, answer in zip(ids, answers, strict=True) if isinstance(answer, Gone)]
    records = [answer for answer in answers if answer is not None and not isinstance(answer, BaseException)]
    now = ports.clock.now()
    ledger = ports.ledger
    async with ledger.write() as tx:
        await ledger.snapshots.gone(tx, Side.SOURCE, connection, kind, gone, now)
        known = await ledger.departures.of(tx, connection, kind, gone)
        # That it was void says less than that it is gone.
        await ledger.departures.back(tx, connection, kind, [id for id, one in known.items() if one.how == VOIDED])
        new = {id: Departure(connection=connection, kind=kind, record=id, at=now) for id in gone}
        departures = [msgspec.structs.replace(known.get(id, one), at=now, how=DELETED) for id, one in new.items()]
        await ledger.departures.add(tx, departures)
        if records:
            await ledger.snapshots.put(tx, Side.SOURCE, connection, records, now)
            await _are_back(ports, tx, connection, kind, [r.id for r in records])
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Gone | SourceRefused):
            raise answer
    return set(gone)


async def prove_again(ports: Ports, operations: Sequence[Operation]) -> None:
    """Before a removal is let go the source is asked once more for that very record.

    What it doesn't say is gone counts as departed no more, so that nothing is removed on an answer of long ago.

    Raises SyncError when the source can't be reached.
    """
    groups: dict[tuple[str, Kind], list[str]] = {}
    for o in operations:
        if removes(o) and not o.basis.fingerprint:
            groups.setdefault((o.connection, o.kind), []).append(o.record)
    for (connection, kind), ids in groups.items():
        source = await ports.source(connection)
        try:
            gone = await prove(ports, source, connection, kind, ids)
        except Exception as error:
            raise words(error, source.title) from None
        if unproved := [id for id in ids if id not in gone]:
            async with ports.ledger.write() as tx:
                await ports.ledger.departures.back(tx, connection, kind, unproved)


# ------------------------------------------------------------------------------------------ into the plan


@dataclass(frozen=True)
class Leaving:
    """A linked document that left the source, or (`how` is REMOVED) is there again after its removal in Xero.

    `record` is what the source says of one that it only voided, or has again.
    """

    link: Link
    how: str
    record: Document | None = None


def take_out(resolved: Resolved) -> list[Leaving]:
    """The linked documents that left the source, taken out of what is planned as usual."""
    data = resolved.data
    found: list[Leaving] = []
    for (kind, id), link in data.links.items():
        if kind not in DOCUMENTS:
            continue
        record = data.documents.get((kind, id))
        if link.how == REMOVED:
            usual = resolved.documents.get((kind, id))
            if record is not None and record.status not in GONE_STATUSES and usual is not None and not usual.skip:
                del resolved.documents[(kind, id)]
                found.append(Leaving(link, REMOVED, record))
            continue
        departure = data.departed.get((kind, id))
        if record is None and departure is not None and departure.how != VOIDED:
            found.append(Leaving(link, departure.how))
        elif record is not None and record.status in GONE_STATUSES and data.mine(record):
            resolved.documents.pop((kind, id), None)
            found.append(Leaving(link, VOIDED, record))
    return found


def add(draft: Draft, resolved: Resolved, leaving: Sequence[Leaving], live: dict[tuple[Kind, str], str]) -> None:
    """Plan what left the source: an operation, words why Xero doesn't allow it, or nothing where it is done."""
    data = resolved.data
    for one in leaving:
        kind, id = one.link.kind, one.link.record
        if not data.policy.syncs(kind) or (kind, id) in live:
            continue
        held = drift.held_record(data, kind, one.link.xero_id)
        number = one.link.number or (held.number if isinstance(held, Document) else "") or id
        ref = RecordRef(connection=data.connection, kind=kind, id=id, title=number, tenant=data.tenant)
        # Among the findings, so that what was said of it before is closed when it no longer holds.
        found = resolved.documents[(kind, id)] = Findings(ref)
        if one.how == REMOVED:
            _came_back(draft, found, one)
            continue
        if not isinstance(held, Document) or held.status in GONE_STATUSES:
            draft.counts["unchanged"] += 1
            continue
        if _refused(data, held, found, one.how):
            problem = found.problems[-1]
            draft.problems.append(problem)
            draft.stays(found, problem.code, problem.subject, problem.sentence, held)
            draft.counts["blocked"] += 1
            continue
        operation = _operation(draft, data, one, held, ref)
        draft.operations.append(operation)
        draft.counts[operation.verb.value] += 1


def _came_back(draft: Draft, found: Findings, one: Leaving) -> None:
    label = f"{found.ref.kind.label.capitalize()} {found.ref.title}"
    sentence = f"{label} is at the source again, but was removed in Xero since; it isn't made there a second time."
    subject = f"{found.ref.kind}:{found.ref.id}"
    found.problem("core.came_back", subject, sentence)
    draft.problems.append(found.problems[-1])
    draft.stays(found, "core.came_back", subject, sentence, one.record)
    draft.counts["conflict"] += 1


async def note_done(ports: Ports, data: PairData, leaving: Sequence[Leaving]) -> None:
    """Mark the links of documents that are gone on both sides: nothing is left to be removed."""
    done = []
    for one in leaving:
        held = drift.held_record(data, one.link.kind, one.link.xero_id)
        if one.how != REMOVED and isinstance(held, Document) and held.status in GONE_STATUSES:
            done.append(msgspec.structs.replace(one.link, how=REMOVED, version=drift.version(held)))
    if done:
        async with ports.ledger.write() as tx:
            await ports.ledger.links.put(tx, done)


def _refused(data: PairData, held: Document, found: Findings, how: str) -> bool:
    """Record why Xero doesn't allow the removal; False when it does."""
    label = f"{found.ref.kind.label.capitalize()} {found.ref.title}"
    place = Place("go.errors", {"connection": data.connection, "kind": held.kind.value, "record": found.ref.id})
    why = drift.closed(held) or ("it is laid on an invoice in Xero" if held.settled else "")
    if why:
        sentence = f"{label} was {how}, but {why}."
        found.problem("core.removal_refused", f"{held.kind}:{found.ref.id}", sentence, place=place)
        return True
    limits = [d for d in (data.organisation.locked_until(), data.policy.closed_through) if d]
    if limits and held.date and held.kind is not Kind.PURCHASE_ORDER and held.date <= max(limits):
        day = max(limits).isoformat()
        sentence = f"{label} was {how}, but {data.organisation.name} is locked through {day}."
        place = Place("go.tenants", {"tenant": data.tenant})
        found.problem("core.period_locked", f"period:{data.tenant}:{day}", sentence, place=place)
        return True
    return False


def verb_of(held: Document) -> Verb:
    """How a document is removed: drafts and purchase orders are deleted, what is approved is voided (section 9.8)."""
    draft = held.status in ("DRAFT", "SUBMITTED") or held.kind is Kind.PURCHASE_ORDER
    return Verb.DELETE if draft else Verb.VOID


def _operation(draft: Draft, data: PairData, one: Leaving, held: Document, ref: RecordRef) -> Operation:
    link, verb = one.link, verb_of(held)
    contact = data.contacts.by_id.get(held.party)
    name = contact.name if contact is not None else ""
    edited = drift.moved(decode(link.posting), held) if link.posting else ()
    reason = one.how + (f"; edited in Xero since: {', '.join(edited)}" if edited else "")
    # What is removed, as Xero has it: the approval is about that.
    posting = DocumentPosting(
        kind=held.kind,
        number=held.number,
        contact=held.party,
        contact_name=name,
        date=held.date or _UNDATED,
        currency=held.currency,
        status=held.status,
        subtotal=held.subtotal or held.total or _ZERO,
        tax=held.tax or _ZERO,
        total=held.total or _ZERO,
    )
    return Operation(
        id=new_id("op"),
        plan=draft.plan,
        side=Side.XERO,
        lane=xero_lane(data.tenant),
        kind=held.kind,
        verb=verb,
        connection=data.connection,
        tenant=data.tenant,
        record=link.record,
        title=ref.title,
        party=name,
        target=link.xero_id,
        body=encode(posting),
        # Of a record that is gone there is nothing left to compare; the source is asked again instead.
        basis=Basis(
            fingerprint=fingerprint(one.record) if one.record is not None else "", xero_version=drift.version(held)
        ),
        changes=(Change("status", held.status, "VOIDED" if verb is Verb.VOID else "DELETED"),),
        rungs={"status": reason},
        currency=held.currency,
        total=held.total,
        error=reason,
    )


async def approved(ports: Ports, tx: Tx, operations: Sequence[Operation], actor: str, reason: str) -> None:
    """Note who let these removals go, and why, for the records' stories."""
    now = ports.clock.now()
    groups: dict[tuple[str, Kind], list[Operation]] = {}
    for o in operations:
        groups.setdefault((o.connection, o.kind), []).append(o)
    for (connection, kind), some in groups.items():
        departures = [
            Departure(
                connection=connection,
                kind=kind,
                record=o.record,
                at=now,
                how=DELETED if not o.basis.fingerprint else VOIDED,
            )
            for o in some
        ]
        await ports.ledger.departures.add(tx, departures)
        await ports.ledger.departures.approve(tx, connection, kind, [o.record for o in some], actor, reason, now)
