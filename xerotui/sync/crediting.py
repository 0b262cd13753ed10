"""Credit notes and the invoices that they credit: what can be laid on what now, what waits, what rests (X10).

Only planning lives here; how an allocation is sent and found out is `sending_credit`'s.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import AllocationPosting, Change, DocumentPosting, encode
from xerotui.model.problems import Place
from xerotui.model.records import Document, fingerprint
from xerotui.model.work import DONE, FAILED, OPEN, Basis, Operation, Verb
from xerotui.sync import drift
from xerotui.sync.findings import Findings
from xerotui.sync.originals import UNALLOCATED
from xerotui.sync.pair import PairData
from xerotui.sync.plan import Draft, new_id, xero_lane
from xerotui.sync.ports import Ports
from xerotui.sync.resolve import Resolved

READY = "AUTHORISED"


@dataclass(frozen=True)
class Standing:
    """A document as it will stand in Xero after this plan: its id (blank: to be made), status, what is due or left.

    `needs` are the operations that make it so.
    """

    xero_id: str
    number: str
    status: str
    amount: Decimal
    contact: str
    currency: str
    date: dt.date
    needs: tuple[str, ...] = ()
    version: str = ""


async def tried(ports: Ports, data: PairData) -> dict[str, list[Operation]]:
    """The allocations of this pair that are on their way, went through or were refused, by the credit's source id."""
    if not any(d.kind is Kind.CREDIT_NOTE for d in data.documents.values()):
        return {}
    async with ports.ledger.read() as tx:
        known = await ports.ledger.work.find(
            tx,
            connection=data.connection,
            tenant=data.tenant,
            kind=Kind.CREDIT_NOTE,
            verb=Verb.ALLOCATE,
            states=(*OPEN, *DONE, *FAILED),
        )
    found: dict[str, list[Operation]] = {}
    for operation in known:
        found.setdefault(operation.record, []).append(operation)
    return found


def add(draft: Draft, resolved: Resolved, before: dict[str, list[Operation]], now: dt.datetime) -> None:
    """Plan the allocations that can be made, and list what of each credit stays unallocated, with the reason."""
    data = resolved.data
    if not data.policy.syncs(Kind.CREDIT_NOTE):
        return
    planned = {
        (o.kind, o.record): o
        for o in draft.operations
        if o.side is Side.XERO and o.tenant == data.tenant and o.verb in (Verb.CREATE, Verb.UPDATE)
    }
    laid = _going(data, before)
    listed = {(row.record.kind, row.record.id) for row in draft.rows}
    for (kind, id), found in resolved.documents.items():
        document = data.documents[(kind, id)]
        if kind is not Kind.CREDIT_NOTE or found.skip or (kind, id) in listed:
            continue
        note = _standing(resolved, planned, kind, id)
        if note is None or note.amount <= 0 or note.status in ("VOIDED", "DELETED", "PAID"):
            continue
        if any(o.state in OPEN for o in before.get(id, [])):
            continue
        rest = _allocate(draft, resolved, document, found, note, planned, laid, before.get(id, []), now)
        if rest is not None:
            _rests(draft, found, note, *rest)


def _going(data: PairData, before: dict[str, list[Operation]]) -> dict[str, Decimal]:
    """What is on its way to be laid on each invoice, by its source id; what this plan lays is added."""
    laid: dict[str, Decimal] = defaultdict(Decimal)
    for record, operations in before.items():
        note = data.documents.get((Kind.CREDIT_NOTE, record))
        if note is not None:
            laid[note.credits] += sum((o.total or Decimal(0) for o in operations if o.state in OPEN), Decimal(0))
    return laid


def _standing(resolved: Resolved, planned: dict[tuple[Kind, str], Operation], kind: Kind, id: str) -> Standing | None:
    """How a document will stand in Xero; None when it isn't there and isn't made by this plan."""
    data = resolved.data
    link, operation = data.link(kind, id), planned.get((kind, id))
    found = resolved.documents.get((kind, id))
    posting = found.posting if found is not None else None
    xero_id = link.xero_id if link is not None else resolved.adopt.get((kind, id), "")
    needs = (operation.id,) if operation is not None else ()
    if xero_id:
        held = data.xero_documents[kind].get(xero_id)
        if held is None or held.date is None:
            return None
        amount = held.amount_due if held.amount_due is not None else held.total or Decimal(0)
        status = held.status
        if operation is not None and isinstance(posting, DocumentPosting):
            amount += posting.total - (held.total or Decimal(0))
            status = posting.status
        version = drift.version(held)
        return Standing(
            xero_id, held.number, status, amount, held.party, held.currency, held.date, needs, version
        )  # fmt: skip
    if operation is None or operation.verb is not Verb.CREATE or not isinstance(posting, DocumentPosting):
        return None
    return Standing(
        "", posting.number, posting.status, posting.total, posting.contact, posting.currency, posting.date, needs
    )  # fmt: skip


def _allocate(
    draft: Draft,
    resolved: Resolved,
    document: Document,
    found: Findings,
    note: Standing,
    planned: dict[tuple[Kind, str], Operation],
    laid: dict[str, Decimal],
    before: Sequence[Operation],
    now: dt.datetime,
) -> tuple[Decimal, str] | None:
    """Plan one allocation; what stays of the credit and why, None when nothing does.

    `laid` is what other credits take of each invoice that isn't off its sum yet; this one's share is added.
    """
    original = _standing(resolved, planned, Kind.INVOICE, document.credits) if document.credits else None
    if original is not None:
        original = replace(original, amount=original.amount - laid[document.credits])
    why = _why_not(resolved, document, note, original, before)
    if why or original is None:
        return note.amount, why
    amount = min(note.amount, original.amount)
    operation = _operation(draft, resolved, document, found, note, original, amount, now)
    refused = next((o for o in before if o.state in FAILED and _same(o, operation)), None)
    if refused is not None:
        return note.amount, f"Xero refused to lay it on invoice {original.number}: {refused.error[:120]}"
    draft.operations.append(operation)
    laid[document.credits] += amount
    draft.counts[Verb.ALLOCATE.value] += 1
    rest = note.amount - amount
    return (rest, f"no more than {amount} is due on invoice {original.number}") if rest else None


def _why_not(
    resolved: Resolved, document: Document, note: Standing, original: Standing | None, before: Sequence[Operation]
) -> str:
    """Why a credit can't be laid on its original now, "" when it can."""
    if not document.credits:
        return "it names no invoice that it credits"
    source = resolved.data.documents.get((Kind.INVOICE, document.credits))
    if original is None:
        if source is None:
            return "the invoice that it credits isn't at the source"
        return f"invoice {source.number}, which it credits, isn't in Xero"
    named = f"invoice {original.number}"
    if original.status in ("VOIDED", "DELETED"):
        return f"{named} is {original.status.lower()} in Xero"
    if not resolved.data.policy.allocate_credit:
        return "allocating is switched off for this pair"
    if any(o.state in DONE for o in before):
        return f"what was due on {named} was credited before; lay the rest on another invoice in Xero"
    if note.status != READY:
        return f"the credit note is {_status(note.status)} in Xero"
    if original.status != READY and original.status != "PAID":
        return f"{named} is {_status(original.status)} in Xero"
    if original.amount <= 0:
        return f"nothing is due on {named}"
    if note.contact and original.contact and note.contact != original.contact:
        return f"{named} is of another contact"
    return f"{named} is in another currency" if note.currency != original.currency else ""


def _status(status: str) -> str:
    return {"DRAFT": "a draft", "SUBMITTED": "waiting for approval"}.get(status, status.lower())


def _operation(
    draft: Draft,
    resolved: Resolved,
    document: Document,
    found: Findings,
    note: Standing,
    original: Standing,
    amount: Decimal,
    now: dt.datetime,
) -> Operation:
    data = resolved.data
    posting = AllocationPosting(
        note=note.xero_id, invoice=original.xero_id, amount=amount, date=_date(data, note, original, now)
    )  # fmt: skip
    return Operation(
        id=new_id("op"),
        plan=draft.plan,
        side=Side.XERO,
        lane=xero_lane(data.tenant),
        kind=Kind.CREDIT_NOTE,
        verb=Verb.ALLOCATE,
        connection=data.connection,
        tenant=data.tenant,
        record=document.id,
        title=found.ref.title,
        party=found.posting.contact_name if isinstance(found.posting, DocumentPosting) else "",
        target=note.xero_id,
        body=encode(posting),
        basis=Basis(fingerprint=fingerprint(document), xero_version=f"{note.version} {original.version}".strip()),
        changes=(
            Change("invoice", "", original.number),
            Change("amount", "", f"{amount} {note.currency}"),
        ),
        rungs={"invoice": "source"},
        currency=note.currency,
        total=amount,
        needs=(*note.needs, *original.needs),
    )


def _date(data: PairData, note: Standing, original: Standing, now: dt.datetime) -> dt.date:
    """The later one of the two; where that is in a locked period, today."""
    date = max(note.date, original.date)
    limits = [d for d in (data.organisation.locked_until(), data.policy.closed_through) if d]
    return now.date() if limits and date <= max(limits) else date


def _same(before: Operation, now: Operation) -> bool:
    """Whether this very allocation was refused, and nothing of either document has moved since."""
    return (before.body, before.basis.xero_version) == (now.body, now.basis.xero_version)


def _rests(draft: Draft, found: Findings, note: Standing, rest: Decimal, why: str) -> None:
    """List what of a credit isn't laid on an invoice; of one that is a draft yet it is no trouble."""
    ref = found.ref
    sentence = f"{rest} {note.currency} of credit note {ref.title[:60]} isn't allocated: {why}."
    if note.status == READY:
        args = {"connection": ref.connection, "kind": ref.kind.value, "record": ref.id}
        subject = f"{ref.kind}:{ref.id}"
        found.problem(UNALLOCATED, subject, sentence, place=Place("go.errors", args), blocks=False)
        draft.problems.append(found.problems[-1])
    draft.stays(found, UNALLOCATED, f"{ref.kind}:{ref.id}", sentence)
    draft.counts["unallocated"] += 1
    draft.rows[-1] = msgspec.structs.replace(draft.rows[-1], currency=note.currency, total=rest)


__all__ = ["add", "tried"]
