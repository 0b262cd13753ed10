"""Calls as bytes: what is asked of Xero for a list of postings. The engine stores these bytes before they leave.

The verdicts on what comes back are in `answers` and can be had from here too.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind
from xerotui.model.postings import ContactPosting, DocumentPosting, ItemPosting, Posting
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
from xerotui.xero.wire import ENDPOINTS, wrapped
from xerotui.xero.wire_contacts import contact_body
from xerotui.xero.wire_documents import document_body
from xerotui.xero.wire_items import item_body

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

MAX_ELEMENTS = 50
# Xero's pages name 3.5 and 10 MB; the smaller one with room to spare (xero-api section 5.2).
MAX_BYTES = 3_000_000
_STATUS: dict[Verb, str] = {Verb.VOID: "VOIDED", Verb.DELETE: "DELETED"}


class Encoded(msgspec.Struct, frozen=True):
    """One request: method, path below the accounting address with its query, and the exact body."""

    method: str
    path: str
    body: bytes


def supports(kind: Kind, verb: Verb) -> bool:
    """Whether there is such a call at Xero."""
    if verb in (Verb.CREATE, Verb.UPDATE):
        return kind in ENDPOINTS
    if verb is Verb.ARCHIVE:
        return kind in PARTIES
    if verb is Verb.VOID:
        return kind in (Kind.INVOICE, Kind.CREDIT_NOTE)
    return verb is Verb.DELETE and (kind in DOCUMENTS or kind is Kind.ITEM)


def most(kind: Kind, verb: Verb) -> int:
    """How many elements one call may carry."""
    return 1 if kind is Kind.ITEM and verb is Verb.DELETE else MAX_ELEMENTS


def encode_call(kind: Kind, verb: Verb, elements: Sequence[tuple[Posting | None, str]]) -> Encoded:
    """The request for an ordered list of (posting, Xero id): create with PUT, everything else by POST with ids.

    The posting may be None for archive, void and delete. Raises TooLarge when the body must be split, XeroError for
    what Xero has no call for, ValueError for an empty or overlong list or a missing id.
    """
    if not supports(kind, verb):
        raise XeroError(f"Xero can't {verb.value} {kind.plural}.", code="xero.unsupported")
    if not 0 < len(elements) <= most(kind, verb):
        raise ValueError(f"{len(elements)} elements in one call")
    if verb is not Verb.CREATE and not all(target for _, target in elements):
        raise ValueError(f"{verb.value} needs the Xero id of every element")
    endpoint = ENDPOINTS[kind]
    if kind is Kind.ITEM and verb is Verb.DELETE:
        return Encoded("DELETE", f"/Items/{quote(elements[0][1], safe='')}", b"")
    body = wrapped(endpoint.name, [_element(kind, verb, posting, target) for posting, target in elements])
    if len(body) > MAX_BYTES:
        raise TooLarge(
            f"A call of {len(elements)} {kind.plural} is over {MAX_BYTES // 1_000_000} MB.", code="xero.too_large"
        )
    query = "?summarizeErrors=false" + ("&unitdp=4" if endpoint.unitdp else "")
    return Encoded("PUT" if verb is Verb.CREATE else "POST", f"/{endpoint.name}{query}", body)


def sent_key(kind: Kind, verb: Verb, posting: Posting | None, target: str) -> str:
    """What an element of the answer must carry to be the one that was sent: its id, else its number, code or name.

    Blank when Xero gives the number.
    """
    if target and verb is not Verb.CREATE:
        return target
    if isinstance(posting, ContactPosting):
        return posting.contact_number or posting.name
    if isinstance(posting, ItemPosting):
        return posting.code
    return posting.number if isinstance(posting, DocumentPosting) else ""


def _element(kind: Kind, verb: Verb, posting: Posting | None, target: str) -> dict[str, Any]:
    identity = {ENDPOINTS[kind].id: target} if target and verb is not Verb.CREATE else {}
    if verb is Verb.ARCHIVE:
        return identity | {"ContactStatus": "ARCHIVED"}
    if verb in _STATUS:
        return identity | {"Status": _STATUS[verb]}
    match posting:
        case ContactPosting():
            return identity | contact_body(posting)
        case ItemPosting():
            return identity | item_body(posting)
        case DocumentPosting():
            return identity | document_body(posting, update=verb is Verb.UPDATE)
    raise ValueError(f"{verb.value} needs a posting")
