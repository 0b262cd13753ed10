"""Verdicts: what an answer to a write means for every element that was sent, by the rule of xero-api section 5.2."""

from collections.abc import Sequence
from typing import Any, Union

import msgspec

from xerotui.model.kinds import PARTIES, Kind
from xerotui.model.records import Document, Item, Party, Payment
from xerotui.model.work import Verb
from xerotui.net.http import BadAnswer, Response, Throttle
from xerotui.xero.dates import version
from xerotui.xero.errors import auth_trouble, correlation_of, words_of
from xerotui.xero.limits import throttled
from xerotui.xero.wire import ALLOCATIONS, ENDPOINTS, ZERO_ID, Endpoint, messages, opened, tree
from xerotui.xero.wire_contacts import contact
from xerotui.xero.wire_documents import document
from xerotui.xero.wire_items import item
from xerotui.xero.wire_payments import payment

Written = Party | Item | Document | Payment


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """Saved: its id, number (code of an item, account number of a contact), version, and what Xero now has."""

    xero_id: str
    number: str = ""
    version: str = ""
    record: Written | None = None
    warnings: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True):
    """Surely not saved, for Xero's own reasons; `messages.read_message` reads them."""

    messages: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class Unclear(msgspec.Struct, frozen=True):
    """Neither: look the element up before it is sent again."""

    reason: str


Verdict = Union[Confirmed, Refused, Unclear]  # noqa: UP007


class Verdicts(msgspec.Struct, frozen=True):
    """One verdict for every element, in the order sent."""

    elements: tuple[Verdict, ...]
    correlation: str = ""


class WholeRefusal(msgspec.Struct, frozen=True):
    """The call was refused as one. `code`: bad_request, key_reused, not_found, too_large or not_offered.

    `partial` warns that elements beside the bad one may have been saved all the same: look up before sending again.
    """

    messages: tuple[str, ...]
    status: int
    code: str = "bad_request"
    partial: bool = False
    correlation: str = ""


class Uncertain(msgspec.Struct, frozen=True):
    """The answer says nothing about what was done: every element is unknown."""

    reason: str
    status: int = 0
    correlation: str = ""


Answer = Union[Verdicts, WholeRefusal, Uncertain]  # noqa: UP007


def read_answer(
    kind: Kind, verb: Verb, response: Response, n: int, sent_keys: Sequence[str], tenant: str = ""
) -> Answer:
    """What an answer means for the `n` elements of the call, whose keys by `calls.sent_key` are checked too.

    Raises AuthTrouble for 401 and 403 and Throttle for 429: both mean that surely nothing was done.
    """
    correlation = correlation_of(response)
    if response.status in (401, 403):
        raise auth_trouble(response)
    if limit := throttled(response):
        raise Throttle(limit.window, limit.seconds or 1.0)
    if response.status in (400, 404, 405, 409, 411, 412, 413, 414, 415, 422, 501):
        return _whole(response, n, correlation)
    if not response.ok:
        return _uncertain(response, correlation)
    if verb is Verb.DEALLOCATE or (kind is Kind.ITEM and verb is Verb.DELETE):
        return Verdicts((_removed(response, sent_keys[0]),), correlation)
    if verb is Verb.NOTE:
        return Verdicts((_noted(response, sent_keys[0]),), correlation)
    endpoint = ALLOCATIONS if verb is Verb.ALLOCATE else ENDPOINTS[kind]
    try:
        raws = opened(response, endpoint.name).elements
    except BadAnswer as error:
        return Uncertain(error.sentence, response.status, correlation)
    if len(raws) != n:
        return Uncertain(f"Xero answered {len(raws)} elements for {n} sent", response.status, correlation)
    verdicts = tuple(_verdict(kind, endpoint, raw, key, tenant) for raw, key in zip(raws, sent_keys, strict=True))
    return Verdicts(verdicts, correlation)


def _uncertain(response: Response, correlation: str) -> Uncertain:
    words = words_of(response)
    reason = f"Xero answered {response.status}" + (f": {words[:200]}" if words else "")
    return Uncertain(reason, response.status, correlation)


def _removed(response: Response, key: str) -> Verdict:
    """A removal is answered with nothing, or with the thing and whether it is gone."""
    try:
        body = response.json() if response.body else {}
    except BadAnswer:
        return Unclear("Xero's answer to a removal can't be read")
    if errors := messages(body):
        return Refused(errors)
    if _kept(body):
        return Unclear("Xero doesn't say that it is gone")
    return Confirmed(xero_id=key)


def _noted(response: Response, key: str) -> Verdict:
    """A history note has no id of its own: it is answered with itself."""
    try:
        body = response.json()
    except BadAnswer:
        return Unclear("Xero's answer to a history note can't be read")
    if errors := messages(body):
        return Refused(errors)
    listed = body.get("HistoryRecords") if isinstance(body, dict) else None
    return Confirmed(xero_id=key) if listed else Unclear("Xero's answer holds no history note")


def _kept(body: Any) -> bool:
    if isinstance(body, list):
        return any(_kept(part) for part in body)
    if isinstance(body, dict):
        return body.get("IsDeleted") is False or any(_kept(part) for part in body.values())
    return False


def _verdict(kind: Kind, endpoint: Endpoint, raw: msgspec.Raw, key: str, tenant: str) -> Verdict:
    try:
        plain = tree(raw)
    except BadAnswer as error:
        return Unclear(error.sentence)
    if not isinstance(plain, dict):
        return Unclear("an element that is no object")
    errors, warnings = messages(plain), messages(plain, "Warnings")
    status = str(plain.get("StatusAttributeString") or "").upper()
    xero_id = str(plain.get(endpoint.id) or "")
    zero = xero_id in ("", ZERO_ID)
    if errors or (status == "ERROR" and zero):
        return Refused(errors or ("Xero gave no reason.",), warnings)
    if zero:
        return Unclear("Xero named no error and gave no id")
    if status not in ("", "OK", "WARNING"):
        return Unclear(f"Xero answered the status {status[:20]} without a reason")
    if plain.get("HasErrors") is True or plain.get("HasValidationErrors") is True:
        return Unclear("Xero marked the element as faulty without a reason")
    if key and not _carries(kind, plain, key):
        return Unclear("Xero's answer to this element carries another one's key")
    return _confirmed(kind, endpoint, raw, plain, xero_id, warnings, tenant)


def _confirmed(
    kind: Kind,
    endpoint: Endpoint,
    raw: msgspec.Raw,
    plain: dict[str, Any],
    xero_id: str,
    warnings: tuple[str, ...],
    tenant: str,
) -> Verdict:
    record: Written | None = None
    try:
        if kind in PARTIES:
            record = contact(raw, tenant)
        elif kind is Kind.ITEM:
            record = item(raw, tenant)
        elif kind is Kind.PAYMENT:
            record = payment(raw, tenant)
        elif endpoint is not ALLOCATIONS:
            record = document(raw, kind, tenant)
    except BadAnswer:
        # The id counts; what Xero stored is read again when it is verified.
        record = None
    return Confirmed(
        xero_id=xero_id,
        number=str(plain.get(endpoint.number) or ""),
        version=version(str(plain.get("UpdatedDateUTC") or "")),
        record=record,
        warnings=warnings,
    )


def _carries(kind: Kind, plain: dict[str, Any], key: str) -> bool:
    names = [ENDPOINTS[kind].id, ENDPOINTS[kind].number]
    if kind in PARTIES:
        names += ["ContactNumber", "Name"]
    # Payments and allocations are known by what they are laid on.
    inner = [part for name in ("Invoice", "CreditNote") if isinstance(part := plain.get(name), dict)]
    carried = [plain.get(name) for name in names]
    carried += [part.get(name) for part in inner for name in ("InvoiceID", "CreditNoteID")]
    return _same(key) in {_same(str(value)) for value in carried if value}


def _same(text: str) -> str:
    """Xero compares without regard to case and may tidy blanks."""
    return " ".join(text.split()).casefold()


def _whole(response: Response, n: int, correlation: str) -> WholeRefusal:
    code = {404: "not_found", 413: "too_large", 405: "not_offered", 501: "not_offered"}.get(
        response.status, "bad_request"
    )
    found: tuple[str, ...] = ()
    elements = 0
    try:
        body = response.json()
        found = messages(body) or messages(body, "Errors")
        if isinstance(body, dict) and isinstance(body.get("Elements"), list):
            elements = len(body["Elements"])
    except BadAnswer:
        pass
    words = words_of(response)
    if code == "bad_request" and "idempotency key" in words.lower():
        code = "key_reused"
    if not found:
        found = (words or f"Xero answered {response.status} without a reason.",)
    return WholeRefusal(found, response.status, code, elements > 0 and n > 1, correlation)
