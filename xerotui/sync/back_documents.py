"""Documents as they differ: edited in Xero since they were sent, born there, or with what the source can't hold."""

from collections.abc import Collection, Iterator, Mapping

import msgspec

from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind, Side
from xerotui.model.postings import DocumentPosting, PostingLine, decode, encode
from xerotui.model.records import Document, Party, Record
from xerotui.model.settling import Settlement
from xerotui.model.work import Operation
from xerotui.store import Apart
from xerotui.store.backs import BORN, DRIFT, LOST
from xerotui.sync import drift, owning
from xerotui.sync.findings import Findings
from xerotui.sync.owning import Choices
from xerotui.sync.pair import PairData
from xerotui.sync.resolve import Resolved

_OVER = ("VOIDED", "DELETED")
# The field of a choice that is about a document as a whole.
WHOLE = ""


def edited(
    resolved: Resolved, kind: Kind, record: str
) -> tuple[DocumentPosting, Document, DocumentPosting, tuple[str, ...]] | None:
    """A linked document that somebody edited in Xero: as sent, as held, as the source has it now, the fields."""
    data = resolved.data
    link, found = data.link(kind, record), resolved.documents.get((kind, record))
    held = drift.held_record(data, kind, link.xero_id) if link is not None else None
    if link is None or not link.posting or found is None or not isinstance(held, Document) or held.status in _OVER:
        return None
    sent, now = decode(link.posting), found.posting
    if not isinstance(sent, DocumentPosting) or not isinstance(now, DocumentPosting):
        return None
    fields = drift.moved(sent, held)
    return (sent, held, now, fields) if fields else None


def chosen(choices: Choices, kind: Kind, record: str, held: Document, now: DocumentPosting) -> Side | None:
    """The side that a person chose for a document, while neither has changed since."""
    return owning.chosen(choices, kind, record, WHOLE, said(held), encode(now))


def taken(resolved: Resolved, found: Findings, held: Record | None) -> Side | None:
    """The side that a person chose for the document that these findings are of; None for other kinds."""
    if not isinstance(found.posting, DocumentPosting) or not isinstance(held, Document):
        return None
    return chosen(resolved.choices, found.ref.kind, found.ref.id, held, found.posting)


def said(held: Document) -> str:
    """What Xero holds of a document, without what payments and mailing change."""
    still = msgspec.structs.replace(
        held, modified=None, facts={}, status="", amount_paid=None, amount_due=None, amount_credited=None, paid_on=None,
        settled=(), sent=False, url="",
    )  # fmt: skip
    return repr(still)


def as_held(sent: DocumentPosting, held: Document) -> DocumentPosting:
    """What was sent, with what Xero holds instead: the base of an update that takes Xero's edits back."""
    same = len(sent.lines) == len(held.lines)
    lines = tuple(_line(mine, theirs) for mine, theirs in zip(sent.lines, held.lines, strict=False))
    return msgspec.structs.replace(
        sent,
        number=held.number,
        contact=held.party or sent.contact,
        date=held.date or sent.date,
        due_date=held.due_date if sent.due_date and held.due_date else sent.due_date,
        reference=held.reference,
        theme=held.theme if sent.theme else "",
        lines=lines if same else lines[: len(held.lines)],
        total=held.total if held.total is not None else sent.total,
    )


def _line(mine: PostingLine, theirs: object) -> PostingLine:
    text = next(iter(getattr(theirs, "texts", {}).values()), "")
    if mine.heading:
        return msgspec.structs.replace(mine, description=text if mine.description else "")
    return msgspec.structs.replace(
        mine,
        description=text if mine.description else "",
        quantity=getattr(theirs, "quantity", mine.quantity),
        unit_amount=getattr(theirs, "unit_price", mine.unit_amount),
        account=getattr(theirs, "account", "") if mine.account else "",
        tax=getattr(theirs, "tax_rate", "") if mine.tax else "",
        item_code=getattr(theirs, "item_code", "") if mine.item_code else "",
    )


def drifted(resolved: Resolved, choices: Choices) -> Iterator[Apart]:
    """Linked documents that were edited in Xero, unless a person took Xero's side."""
    data = resolved.data
    for kind in DOCUMENTS:
        for record in sorted(r for of, r in data.links if of is kind):
            found = edited(resolved, kind, record)
            if found is None:
                continue
            sent, held, now, fields = found
            choice = chosen(choices, kind, record, held, now)
            if choice is Side.XERO:
                continue
            why = "Edited in Xero since it was sent; it is left alone until a person takes a side."
            if choice is Side.SOURCE:
                why = "A person took the source's side: the next plan sends it to Xero."
            yield Apart(
                connection=data.connection,
                tenant=data.tenant,
                what=DRIFT,
                kind=kind,
                record=record,
                field=", ".join(fields)[:200],
                title=now.number or held.number,
                party=now.contact_name,
                source=shown(now, fields),
                xero=shown(as_held(sent, held), fields),
                owner=Side.SOURCE.value,
                why=why,
                currency=now.currency,
                total=now.total,
                xero_id=held.id,
            )


_SHOWN = {"number": "number", "date": "date", "total": "total", "due date": "due_date", "reference": "reference"}


def shown(posting: DocumentPosting, fields: Collection[str]) -> str:
    """These fields of a document in a line; what has no short form is left out."""
    values = [f"{name} {getattr(posting, _SHOWN[name])}" for name in fields if name in _SHOWN]
    return ", ".join(values)[:200] or f"total {posting.total}"


def lost(data: PairData, told: Mapping[tuple[Kind, str], tuple[Settlement, str]]) -> Iterator[Apart]:
    """What the source was told of payments and can't hold."""
    for (kind, record), (settlement, words) in sorted(told.items()):
        document = data.documents.get((kind, record))
        if words and document is not None:
            party = data.party_of(document)
            title, name = document.number or settlement.number, party.name if party else document.name
            yield _lost(data.connection, data.tenant, kind, record, title, name, settlement, words)


def lost_row(o: Operation, settlement: Settlement, words: str) -> Apart:
    """The same of an operation that has just told it."""
    return _lost(o.connection, o.tenant, o.kind, o.record, o.title, o.party, settlement, words)


def _lost(
    connection: str, tenant: str, kind: Kind, record: str, title: str, party: str, settlement: Settlement, words: str
) -> Apart:
    credit = f", {format(settlement.credited, 'f')} credited" if settlement.by_credit else ""
    return Apart(
        connection=connection,
        tenant=tenant,
        what=LOST,
        kind=kind,
        record=record,
        title=title,
        party=party,
        xero=f"{settlement.status}, {format(settlement.paid, 'f')} paid{credit}",
        why=words,
        currency=settlement.currency,
        total=settlement.total,
        xero_id=settlement.xero_id,
    )


def born(
    data: PairData, elsewhere: Mapping[Kind, Collection[str]], adopted: Collection[str], *, can: str
) -> Iterator[Apart]:
    """Invoices that are in Xero alone, from the pair's start date on: `elsewhere` are ids linked by other sources.

    `can` says what the source can do about them.
    """
    start = data.policy.start.get(Kind.INVOICE.value)
    linked = data.linked(Kind.INVOICE)
    for held in sorted(data.xero_documents[Kind.INVOICE].values(), key=lambda d: d.id):
        if held.id in linked or held.id in adopted or held.id in elsewhere.get(Kind.INVOICE, ()):
            continue
        if held.status in _OVER or (start is not None and held.date is not None and held.date < start):
            continue
        contact = data.contacts.by_id.get(held.party)
        yield _born(data, held.kind, held.id, held.number, contact.name if contact else "", can, held)


def born_contacts(
    data: PairData, elsewhere: Mapping[Kind, Collection[str]], adopted: Collection[str], *, can: str
) -> Iterator[Apart]:
    """Active contacts that are in Xero alone, where the switch for contacts is on: they are proposed on Imports."""
    linked = {link.xero_id for (kind, _), link in data.links.items() if kind in PARTIES}
    others = {id for kind in PARTIES for id in elsewhere.get(kind, ())}
    for held in sorted(data.contacts.by_id.values(), key=lambda c: c.id):
        if held.status == "ARCHIVED" or held.id in linked | others or held.id in adopted:
            continue
        kind = Kind.SUPPLIER if held.is_supplier and not held.is_customer else Kind.CUSTOMER
        yield _born(data, kind, held.id, held.name, held.number, can, held)


def _born(data: PairData, kind: Kind, id: str, title: str, party: str, why: str, held: Document | Party) -> Apart:
    document = held if isinstance(held, Document) else None
    return Apart(
        connection=data.connection,
        tenant=data.tenant,
        what=BORN,
        kind=kind,
        record=f"xero:{id}",
        title=title or id,
        party=party,
        xero=held.status.lower(),
        why=why,
        currency=document.currency if document else "",
        total=document.total if document else None,
        xero_id=id,
    )


__all__ = [
    "as_held",
    "born",
    "born_contacts",
    "chosen",
    "drifted",
    "edited",
    "lost",
    "lost_row",
    "said",
]
