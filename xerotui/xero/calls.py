"""Calls as bytes: what is asked of Xero for a list of postings. The engine stores these bytes before they leave.

The verdicts on what comes back are in `answers` and can be had from here too.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind
from xerotui.model.postings import (
    AllocationPosting,
    ContactPosting,
    DocumentEdit,
    DocumentPosting,
    ItemPosting,
    NotePosting,
    PaymentPosting,
    Posting,
)
from xerotui.model.work import Verb
from xerotui.xero.answers import (
    Answer,
    Confirmed,
    Refused,
    Uncertain,
    Unclear,
    Verdict,
    Verdicts,
    WholeRefusal,
    read_answer,
)
from xerotui.xero.errors import TooLarge, XeroError
from xerotui.xero.wire import ALLOCATIONS, ENDPOINTS, wrapped
from xerotui.xero.wire_contacts import contact_body
from xerotui.xero.wire_documents import document_body, document_edit
from xerotui.xero.wire_items import item_body
from xerotui.xero.wire_payments import allocation_body, payment_body

__all__ = [
    "Answer",
    "Confirmed",
    "Encoded",
    "Refused",
    "Uncertain",
    "Unclear",
    "Verdict",
    "Verdicts",
    "WholeRefusal",
    "encode_call",
    "most",
    "read_answer",
    "sent_key",
    "supports",
]

# What an element is made of; None for what needs no more than an id.
Sent = Posting | DocumentEdit | None
MAX_ELEMENTS = 50
# Xero's pages name 3.5 and 10 MB; the smaller one with room to spare (xero-api section 5.2).
MAX_BYTES = 3_000_000
# What is deleted by its own address, one a call.
_ALONE = (Kind.ITEM, Kind.PAYMENT)
_STATUS: dict[Verb, str] = {Verb.VOID: "VOIDED", Verb.DELETE: "DELETED"}


class Encoded(msgspec.Struct, frozen=True):
    """One request: method, path below the accounting address with its query, and the exact body."""

    method: str
    path: str
    body: bytes


def supports(kind: Kind, verb: Verb) -> bool:
    """Whether there is such a call at Xero.

    A payment is made with PAY and taken back with DELETE, never edited; a credit note's ALLOCATE lays it on invoices
    and DEALLOCATE takes one of these back.
    """
    if kind is Kind.PAYMENT:
        return verb in (Verb.PAY, Verb.DELETE)
    if verb in (Verb.CREATE, Verb.UPDATE):
        return kind in ENDPOINTS
    if verb is Verb.ARCHIVE:
        return kind in PARTIES
    if verb is Verb.VOID:
        return kind in (Kind.INVOICE, Kind.CREDIT_NOTE)
    if verb in (Verb.ALLOCATE, Verb.DEALLOCATE):
        return kind is Kind.CREDIT_NOTE
    if verb is Verb.NOTE:
        return kind in DOCUMENTS
    return verb is Verb.DELETE and (kind in DOCUMENTS or kind is Kind.ITEM)


def most(kind: Kind, verb: Verb) -> int:
    """How many elements one call may carry."""
    return 1 if verb in (Verb.DEALLOCATE, Verb.NOTE) or (kind in _ALONE and verb is Verb.DELETE) else MAX_ELEMENTS


def encode_call(kind: Kind, verb: Verb, elements: Sequence[tuple[Sent, str]]) -> Encoded:
    """The request for an ordered list of (posting, Xero id): create with PUT, everything else by POST with ids.

    The posting may be None for archive, void and delete. Allocations of one call belong to one credit note, whose id
    is their target; the target of DEALLOCATE is the allocation's id, its posting names the note. Raises TooLarge when
    the body must be split, XeroError for what Xero has no call for, ValueError for an empty or overlong list or a
    missing id.
    """
    if not supports(kind, verb):
        raise XeroError(f"Xero can't {verb.value} {kind.plural}.", code="xero.unsupported")
    if not 0 < len(elements) <= most(kind, verb):
        raise ValueError(f"{len(elements)} elements in one call")
    if verb not in (Verb.CREATE, Verb.PAY) and not all(target for _, target in elements):
        raise ValueError(f"{verb.value} needs the Xero id of every element")
    if verb is Verb.DEALLOCATE or (kind in _ALONE and verb is Verb.DELETE):
        return _alone(kind, verb, *elements[0])
    if verb is Verb.NOTE:
        return _note(kind, *elements[0])
    endpoint, path = ENDPOINTS[kind], ENDPOINTS[kind].name
    if verb is Verb.ALLOCATE:
        notes = {target for _, target in elements}
        if len(notes) != 1:
            raise ValueError("allocations of several credit notes in one call")
        endpoint, path = ALLOCATIONS, f"CreditNotes/{quote(notes.pop(), safe='')}/Allocations"
    body = wrapped(endpoint.name, [_element(kind, verb, posting, target) for posting, target in elements])
    if len(body) > MAX_BYTES:
        raise TooLarge(
            f"A call of {len(elements)} {kind.plural} is over {MAX_BYTES // 1_000_000} MB.", code="xero.too_large"
        )
    query = "?summarizeErrors=false" + ("&unitdp=4" if endpoint.unitdp else "")
    method = "PUT" if verb in (Verb.CREATE, Verb.PAY, Verb.ALLOCATE) else "POST"
    return Encoded(method, f"/{path}{query}", body)


def _alone(kind: Kind, verb: Verb, posting: Sent, target: str) -> Encoded:
    """What Xero takes back one at a time, by its address."""
    id = quote(target, safe="")
    if kind is Kind.ITEM:
        return Encoded("DELETE", f"/Items/{id}", b"")
    if kind is Kind.PAYMENT:
        return Encoded("POST", f"/Payments/{id}", b'{"Status":"DELETED"}')
    if not isinstance(posting, AllocationPosting):
        raise ValueError(f"{verb.value} needs a posting")
    return Encoded("DELETE", f"/CreditNotes/{quote(posting.note, safe='')}/Allocations/{id}", b"")


def _note(kind: Kind, posting: Sent, target: str) -> Encoded:
    """A line into the history of one document (xero-api section 9.12)."""
    if not isinstance(posting, NotePosting):
        raise ValueError("a history note needs a posting")
    path = f"/{ENDPOINTS[kind].name}/{quote(target, safe='')}/History"
    return Encoded("PUT", path, wrapped("HistoryRecords", [{"Details": posting.text}]))


def sent_key(kind: Kind, verb: Verb, posting: Posting | None, target: str) -> str:
    """What an element of the answer must carry to be the one that was sent: its id, else its number, code or name.

    Of a payment or an allocation the id of the document that it is laid on. Blank when Xero gives the number.
    """
    match posting:
        case AllocationPosting() if verb is Verb.ALLOCATE:
            return posting.invoice
        case PaymentPosting() if verb is Verb.PAY:
            return posting.document
    if target and verb is not Verb.CREATE:
        return target
    match posting:
        case ContactPosting():
            return posting.contact_number or posting.name
        case ItemPosting():
            return posting.code
        case DocumentPosting():
            return posting.number
    return ""


def _element(kind: Kind, verb: Verb, posting: Sent, target: str) -> dict[str, Any]:
    identity = {ENDPOINTS[kind].id: target} if target and verb not in (Verb.CREATE, Verb.PAY) else {}
    if verb is Verb.ARCHIVE:
        return identity | {"ContactStatus": "ARCHIVED"}
    if verb in _STATUS:
        return identity | {"Status": _STATUS[verb]}
    match posting:
        case ContactPosting():
            return identity | contact_body(posting)
        case ItemPosting():
            return identity | item_body(posting)
        case DocumentEdit():
            return identity | document_edit(posting)
        case DocumentPosting():
            return identity | document_body(posting, update=verb is Verb.UPDATE)
        case PaymentPosting():
            return payment_body(posting)
        case AllocationPosting():
            return allocation_body(posting)
    raise ValueError(f"{verb.value} needs a posting")
