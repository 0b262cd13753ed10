"""What is in Xero already on the first day: documents taken over without a write, or held back with both sides named.

Only documents that no link ties yet are judged here; contacts and items are `match`'s.
"""

from collections.abc import Iterable, Mapping

from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind, Side
from xerotui.model.postings import DocumentPosting
from xerotui.model.problems import Place
from xerotui.model.records import Document
from xerotui.model.work import OPEN, Verb
from xerotui.sync.duplicates import loose_name, tax_key
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData, code_key
from xerotui.sync.ports import Ports

ENDED = ("VOIDED", "DELETED")
LOCKED = "core.period_locked"
# What tells two documents apart that are alike but for their number.
Likeness = tuple[object, ...]


def same_document(posting: DocumentPosting, held: Document, contact: str = "") -> bool:
    """True when what Xero holds is this very document: contact, date, currency, total (M4, M16)."""
    return not other_in(posting, held, contact) and held.status not in ENDED


def other_in(posting: DocumentPosting, held: Document, contact: str = "") -> tuple[str, ...]:
    """In what Xero's document is another one than this."""
    pairs = (
        ("contact", contact or posting.contact, held.party),
        ("date", posting.date, held.date),
        ("currency", posting.currency, held.currency),
        ("total", posting.total, held.total),
    )
    return tuple(name for name, mine, theirs in pairs if mine != theirs)


def already_in_xero(data: PairData, document: Document, posting: DocumentPosting, contact: str, found: Findings) -> str:
    """The Xero id of the document that this unlinked one already is; "" for none, or with a problem recorded.

    The id that the source itself keeps comes first (a native sync, a ledger restored), proved by what its organisation
    was read to hold under it; then the number. `contact` is the Xero id of its contact, also where this very plan
    links it.
    """
    if document.xero_id:
        own = data.xero_documents[posting.kind].get(document.xero_id)
        if own is not None and same_document(posting, own, contact):
            return _unlinked(data, posting, own, found)
        found.problem(
            "core.already_posted",
            f"{document.kind}:{document.id}",
            f"The source says that {document.kind.label} {document.number} is in Xero already; "
            + _instead(data, posting, own, document.xero_id),
            place=_place(data, posting.kind, found),
        )
        return ""
    held = data.xero_numbers[posting.kind].get(code_key(posting.number), [])
    if not held:
        return ""
    same = next((d for d in held if contact and same_document(posting, d, contact)), None)
    if same is not None:
        return _unlinked(data, posting, same, found)
    found.problem(
        "core.number_taken",
        f"number:{posting.kind}:{posting.number}",
        f"Xero already has {posting.kind.label} {posting.number}: {_both(data, posting, held[0])}.",
        place=_place(data, posting.kind, found),
    )
    return ""


def _instead(data: PairData, posting: DocumentPosting, own: Document | None, id: str) -> str:
    """What is found under an id that the source keeps, where it isn't this document."""
    if own is not None:
        return f"Xero has {own.number}: {_both(data, posting, own)}."
    if other := data.elsewhere.get(id):
        return f"its id is that of a document in {other}, not in {data.organisation.name}."
    return f"{data.organisation.name} has no document of that id."


def _both(data: PairData, posting: DocumentPosting, held: Document) -> str:
    """Both sides in one line: what Xero holds, then what the source asks for."""
    who = data.contacts.by_id.get(held.party)
    name = who.name[:60] if who else held.name[:60] or "nobody"
    there = f"{held.total} {held.currency}, {held.status.lower()}, {held.date} for {name}"
    return f"{there}; the source has {posting.total} {posting.currency}, {posting.date} for {posting.contact_name[:60]}"


def _unlinked(data: PairData, posting: DocumentPosting, held: Document, found: Findings) -> str:
    other = data.linked(posting.kind).get(held.id)
    if other is None:
        return held.id
    found.problem(
        "core.number_taken",
        f"number:{posting.kind}:{posting.number}",
        f"{posting.kind.label.capitalize()} {held.number} in Xero is linked with another record of the source "
        f"({other.record}).",
        place=_place(data, posting.kind, found),
    )
    return ""


def _place(data: PairData, kind: Kind, found: Findings) -> Place:
    return Place("go.errors", {"connection": data.connection, "kind": kind.value, "record": found.ref.id})


def unlock(found: Findings) -> None:
    """Take a lock date off a document of which nothing has to be written: what is there already is only linked."""
    found.problems = [p for p in found.problems if p.code != LOCKED]


class Alike:
    """Documents of Xero by all that they are but their number: those that no link and no number ties to the source."""

    def __init__(self, data: PairData) -> None:
        numbers = {(kind, code_key(d.number)) for (kind, _), d in data.documents.items() if d.number}
        self._by: dict[Likeness, Document] = {}
        for kind, documents in data.xero_documents.items():
            linked = data.linked(kind)
            for held in documents.values():
                known = held.id in linked or (kind, code_key(held.number)) in numbers
                if not known and held.status not in ENDED:
                    self._by[kind, held.party, held.date, held.currency, held.total] = held

    def warn(self, posting: DocumentPosting, contact: str, found: Findings) -> None:
        """Note beside a document that is to be made that Xero has one like it under another number."""
        key = (posting.kind, contact, posting.date, posting.currency, posting.total)
        held = self._by.get(key) if contact and posting.total else None
        if held is not None:
            found.problem(
                "core.looks_alike",
                f"{posting.kind}:{found.ref.id}",
                f"Xero has {posting.kind.label} {held.number or held.id} for the same contact, of the same day over "
                f"the same {held.total} {held.currency}.",
                blocks=False,
            )


def near_contacts(
    data: PairData, parties: Mapping[tuple[Kind, str], Findings], adopt: Mapping[tuple[Kind, str], str]
) -> None:
    """Note beside each contact that is to be made that Xero has one that may be it, linked with nobody.

    Names but for their legal form, and tax numbers: too little to link by, enough to look before there are two.
    """
    taken = {link.xero_id for (kind, _), link in data.links.items() if kind in PARTIES} | set(adopt.values())
    free = [p for p in data.contacts.by_id.values() if p.status != "ARCHIVED" and p.id not in taken]
    names = {loose_name(p.name): p for p in free}
    taxed = {tax_key(p.tax_number): p for p in free if p.tax_number}
    for (kind, id), found in parties.items():
        if data.link(kind, id) or (kind, id) in adopt or found.blocked or found.skip:
            continue
        party = data.parties[(kind, id)]
        near = names.get(loose_name(party.name)) or taxed.get(tax_key(party.tax_number) or "-")
        if near is not None:
            found.problem(
                "core.contact_near",
                f"{kind}:{id}",
                f"Xero has the contact {near.name[:80]}, which may be {kind.label} {party.name[:80]}; without a link a "
                "new one is made.",
                place=Place("go.imports", {"connection": data.connection, "tenant": data.tenant, "kind": kind.value}),
                blocks=False,
            )


async def elsewhere(ports: Ports, data: PairData) -> dict[str, str]:
    """The organisation of each Xero id that the source keeps on an unlinked document and this organisation hasn't."""
    strange = {kind: _strange(data, kind) for kind in DOCUMENTS}
    if not any(strange.values()):
        return {}
    names = {t.tenant: t.name for t in (await ports.book.read()).tenants() if t.tenant != data.tenant}
    found: dict[str, str] = {}
    async with ports.ledger.read() as tx:
        for kind, ids in strange.items():
            for tenant, name in names.items() if ids else ():
                there = await ports.ledger.snapshots.many(tx, Side.XERO, tenant, kind, ids)
                found.update(dict.fromkeys(there, name))
    return found


async def billed(ports: Ports, data: PairData) -> dict[tuple[Kind, str], str]:
    """The organisation that each unlinked document of this one was sent to by us, or is on its way to.

    A customer's organisation may change, and the source needn't have kept our word of what was sent: the links know.
    What was voided or deleted there may be billed here.
    """
    open_ = {key for key, d in data.documents.items() if key not in data.links and data.mine(d)}
    if not open_:
        return {}
    names = {t.tenant: t.name or t.tenant for t in (await ports.book.read()).tenants()}
    found: dict[tuple[Kind, str], str] = {}
    async with ports.ledger.read() as tx:
        for kind in DOCUMENTS:
            rows = await ports.ledger.links.elsewhere(tx, data.connection, data.tenant, kind)
            mine = [row for row in rows if (kind, row[0]) in open_]
            for tenant in {row[1] for row in mine}:
                ids = [id for _, where, id in mine if where == tenant]
                held = await ports.ledger.snapshots.many(tx, Side.XERO, tenant, kind, ids)
                ended = {id for id, d in held.items() if isinstance(d, Document) and d.status in ENDED}
                found |= {
                    (kind, record): names.get(where, where)
                    for record, where, id in mine
                    if where == tenant and id not in ended
                }
        for o in await ports.ledger.work.find(
            tx, connection=data.connection, side=Side.XERO, verb=Verb.CREATE, states=OPEN
        ):
            if o.tenant != data.tenant and (o.kind, o.record) in open_:
                found[(o.kind, o.record)] = names.get(o.tenant, o.tenant)
    return found


def sent_elsewhere(data: PairData, document: Document, found: Findings) -> bool:
    """Whether a document was sent to another organisation, which is a problem: it would be billed twice."""
    other = data.billed.get((document.kind, document.id))
    if other is None:
        return False
    found.problem(
        "core.already_posted",
        f"{document.kind}:{document.id}",
        f"{document.kind.label.capitalize()} {document.number} was sent to {other} from here, or is on its way; it "
        f"isn't made in {data.organisation.name} as well. Void it in {other} first.",
        place=_place(data, document.kind, found),
    )
    return True


def _strange(data: PairData, kind: Kind) -> list[str]:
    def kept() -> Iterable[str]:
        for (of, id), document in data.documents.items():
            if of is kind and document.xero_id and data.mine(document) and not data.link(kind, id):
                yield document.xero_id

    return sorted(set(kept()) - set(data.xero_documents[kind]))


__all__ = [
    "LOCKED",
    "Alike",
    "already_in_xero",
    "billed",
    "elsewhere",
    "near_contacts",
    "other_in",
    "same_document",
    "sent_elsewhere",
    "unlock",
]
