"""Whose number a document gets (M7): the source's, a template's, or the one that Xero gives.

A document without a number can't be found again by one. So it travels in a call of its own: the answer can only be
about it, and where none came, what was made since can be told from all else by what it says. A mark in its reference
would do as well, but customers read references.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Collection, Sequence

import msgspec

from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.postings import DocumentPosting, Posting, decode, encode
from xerotui.model.records import Document, Record
from xerotui.model.work import Call, Operation, Verb
from xerotui.store import Db, Pair
from xerotui.sync.drift import moved
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData, code_key
from xerotui.xero.client import TenantClient

SOURCE, XERO = "source", "xero"
BY_XERO = "given by Xero"
# Xero's clock and ours may differ by so much.
OVERLAP = dt.timedelta(minutes=5)
_PLACE = re.compile(r"\{(number|id)\}")


def fault(template: str) -> str:
    """What is wrong with a template; "" when nothing is."""
    bare, places = _PLACE.subn("", template)
    if not places:
        return "source, xero, or a template with {number} or {id}"
    return "it holds {number} and {id} alone" if "{" in bare or "}" in bare else ""


def rendered(template: str, document: Document) -> str:
    """A template's number; blank where it needs the source's number and there is none."""
    if "{number}" in template and not document.number.strip():
        return ""
    values = {"number": document.number.strip(), "id": document.id}
    return _PLACE.sub(lambda match: values[match[1]], template).strip()


def planned(data: PairData, document: Document) -> tuple[str, str]:
    """A document's number and its rung. In Xero already, a number of a template or of Xero's stays as it is."""
    override = next((o for o in data.overrides.get((document.kind, document.id), ()) if o.path == ("", "number")), None)
    if override is not None and data.policy.number_overrides:
        return override.value, f"override by {override.actor}" if override.actor else "override"
    policy = data.policy.numbers.get(document.kind.value) or SOURCE
    if policy == SOURCE:
        return document.number.strip(), ""
    link = data.link(document.kind, document.id)
    if link is not None and link.number:
        return link.number, "as in Xero"
    if policy == XERO:
        return "", BY_XERO
    return rendered(policy, document), f"template {policy}"


def number_of(data: PairData, document: Document, found: Findings) -> str:
    """The number that a document is posted under, blank where Xero gives it; a missing one is a problem."""
    number, rung = planned(data, document)
    if rung:
        found.value("number", rung)
    if not number and rung != BY_XERO:
        found.problem(
            "core.number_missing", f"{document.kind}:{document.id}", "The document has no number at the source."
        )
    return number


def repeated(data: PairData) -> dict[tuple[Kind, str], int]:
    """How many live source documents of this tenant get each number; more than one is a problem of all."""
    counts: Counter[tuple[Kind, str]] = Counter()
    for (kind, _), document in data.documents.items():
        if kind in DOCUMENTS and not document.excluded and data.mine(document):
            number, _rung = planned(data, document)
            if number:
                counts[kind, code_key(number)] += 1
    return dict(counts)


# ------------------------------------------------------------------------------------ documents without a number


def unnumbered(operation: Operation) -> bool:
    """True for a document that is made without a number."""
    return operation.verb is Verb.CREATE and operation.rungs.get("number") == BY_XERO


def apart(batch: Sequence[Operation]) -> list[Operation]:
    """A call's operations, of which one without a number has the call for itself."""
    if batch and unnumbered(batch[0]):
        return [batch[0]]
    return [o for o in batch if not unnumbered(o)]


def alike(
    data: PairData,
    posting: DocumentPosting,
    contact: str,
    taken: Collection[str] = (),
) -> Document | None:
    """What Xero holds unlinked that says all that this posting without a number says; None for nothing."""
    wanted = msgspec.structs.replace(posting, contact=contact or posting.contact)
    candidates = data.free.get((wanted.kind, wanted.contact, wanted.date, wanted.total), ())
    found = [d for d in candidates if d.id not in taken and same(wanted, d)]
    return min(found, key=lambda d: (d.number, d.id), default=None)


def same(posting: DocumentPosting, held: Document) -> bool:
    """True when a document of Xero's says all that a posting without a number says: to its lines and reference."""
    return (
        bool(posting.contact)
        and held.currency == posting.currency
        and held.status not in ("VOIDED", "DELETED")
        and (posting.kind is not Kind.CREDIT_NOTE or held.reference == posting.reference)
        and not moved(posting, held)
    )


async def since(client: TenantClient, call: Call) -> list[Record]:
    """The documents of a call's kind that changed in Xero since it left: one that it made is among them."""
    walk = client.walk(call.kind, call.first_sent - OVERLAP)
    return [record async for page in walk for record in page]


def settled(operation: Operation, number: str) -> bytes:
    """An operation's posting with the number that Xero gave it: what is compared later, and told to the source."""
    posting: Posting | None = decode(operation.body) if operation.body else None
    if not number or operation.side is not Side.XERO or not isinstance(posting, DocumentPosting) or posting.number:
        return operation.body
    return encode(msgspec.structs.replace(posting, number=number))


# --------------------------------------------------------------------------------------------------- at set-up


class Collision(msgspec.Struct, frozen=True):
    """Two source connections whose numbers of a kind may meet in one organisation."""

    tenant: str
    kind: Kind
    connections: tuple[str, ...]
    template: str


def collisions(db: Db, instead: Pair | None = None) -> list[Collision]:
    """The pairs of one organisation that number the same kind alike: two of theirs may get one number (M7).

    `instead` is a pair as it would be after a change.
    """
    groups: dict[tuple[str, Kind, str], list[str]] = {}
    pairs = [instead if instead is not None and p.key == instead.key else p for p in db.all_pairs()]
    for pair in pairs:
        source = db.source(pair.source)
        if source is None or not source.enabled:
            continue
        for kind in DOCUMENTS:
            policy = pair.numbers.get(kind.value) or SOURCE
            if policy != XERO and pair.syncs(kind):
                bare = "{number}" if policy == SOURCE else policy
                groups.setdefault((pair.tenant, kind, bare), []).append(pair.source)
    return [
        Collision(tenant, kind, tuple(sorted(connections)), template)
        for (tenant, kind, template), connections in groups.items()
        if len(connections) > 1
    ]


__all__ = [
    "BY_XERO",
    "SOURCE",
    "XERO",
    "Collision",
    "alike",
    "apart",
    "collisions",
    "fault",
    "number_of",
    "planned",
    "rendered",
    "repeated",
    "same",
    "settled",
    "since",
    "unnumbered",
]
