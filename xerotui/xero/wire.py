"""What all of Xero's JSON has in common: envelopes, verdicts on elements, and decoding into typed structs.

Fields carry Xero's own names. Unknown fields are ignored, missing ones default, numbers may come as text; amounts are
Decimal from the first byte. Texts stay as sent.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from xerotui.model.kinds import Kind
from xerotui.net.http import BadAnswer, Response
from xerotui.xero.dates import instant

T = TypeVar("T", bound=msgspec.Struct)
ZERO_ID = "00000000-0000-0000-0000-000000000000"


class Endpoint(msgspec.Struct, frozen=True):
    """Where a kind lives: path and wrapper key, its id's name, its number's name, and whether `unitdp` is known."""

    name: str
    id: str
    number: str
    unitdp: bool = False


_CONTACTS = Endpoint("Contacts", "ContactID", "AccountNumber")
ENDPOINTS: dict[Kind, Endpoint] = {
    Kind.CUSTOMER: _CONTACTS,
    Kind.SUPPLIER: _CONTACTS,
    Kind.ITEM: Endpoint("Items", "ItemID", "Code", unitdp=True),
    Kind.INVOICE: Endpoint("Invoices", "InvoiceID", "InvoiceNumber", unitdp=True),
    Kind.CREDIT_NOTE: Endpoint("CreditNotes", "CreditNoteID", "CreditNoteNumber", unitdp=True),
    # Orders always have four decimals and refuse nothing without the parameter.
    Kind.PURCHASE_ORDER: Endpoint("PurchaseOrders", "PurchaseOrderID", "PurchaseOrderNumber"),
    # A payment has no number: its reference is what we give it.
    Kind.PAYMENT: Endpoint("Payments", "PaymentID", "Reference"),
}
ALLOCATIONS = Endpoint("Allocations", "AllocationID", "AllocationID")


class Wire(msgspec.Struct, kw_only=True):
    """The base of every struct that Xero sends; what it leaves out or sends as null is None."""


class Pagination(Wire):
    """The paging part of an envelope; the only names of the accounting API that begin small."""

    page: int | None = None
    pageSize: int | None = None
    pageCount: int | None = None
    itemCount: int | None = None


class Envelope(Wire):
    """An answer around a list: the list itself stays undecoded, under the endpoint's own name.

    `at` is Xero's own clock as it answered.
    """

    elements: list[msgspec.Raw] = []
    pagination: Pagination | None = None
    at: dt.datetime | None = None


def opened(response: Response, name: str) -> Envelope:
    """The envelope of an answer and its elements.

    Raises BadAnswer when the answer isn't JSON or holds no such list.
    """
    parts = response.json(dict[str, msgspec.Raw])
    if name not in parts:
        raise BadAnswer(f"an answer without {name}")
    # The elements stay where they are in the body: a page of documents is megabytes.
    try:
        elements = msgspec.json.decode(parts[name], type=list[msgspec.Raw] | None)
    except msgspec.MsgspecError as error:
        raise BadAnswer(f"an answer whose {name} is no list: {error}") from None
    envelope = Envelope(elements=elements or [], at=_stamp(parts.get("DateTimeUTC")))
    paging = parts.get("pagination")
    if paging is not None and bytes(paging) != b"null":
        envelope.pagination = read(paging, Pagination)
    return envelope


def _stamp(raw: msgspec.Raw | None) -> dt.datetime | None:
    said = tree(raw) if raw is not None else None
    return instant(said) if isinstance(said, str) else None


def read(raw: msgspec.Raw | bytes, shape: type[T]) -> T:
    """One element as its struct.

    Raises BadAnswer naming the field that doesn't fit.
    """
    try:
        return msgspec.json.decode(raw, type=shape, strict=False)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadAnswer(f"an answer that can't be read: {error}") from None


def tree(raw: msgspec.Raw | bytes) -> Any:
    """One element as plain values, decimals exact: for walking where the shape isn't known."""
    return Response(200, {}, bytes(raw)).json()


def messages(value: Any, key: str = "ValidationErrors") -> tuple[str, ...]:
    """The texts of every list of that name anywhere in the tree, in order, each once.

    Messages sit under Message, in older answers under Description (xero-api section 7).
    """
    return tuple(dict.fromkeys(_messages(value, key)))


def _messages(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _messages(item, key)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name == key and isinstance(inner, list):
                for entry in inner:
                    yield _text_of(entry)
            else:
                yield from _messages(inner, key)


def _text_of(entry: Any) -> str:
    if isinstance(entry, dict):
        return str(entry.get("Message") or entry.get("Description") or "no reason given")
    return str(entry)


def plain(value: Decimal) -> Decimal:
    """The same number without an exponent, as JSON readers like it."""
    return Decimal(format(value, "f"))


_encoder = msgspec.json.Encoder(decimal_format="number")


def wrapped(name: str, elements: list[dict[str, Any]]) -> bytes:
    """A request body: the elements under the endpoint's name, decimals as exact numbers, keys in the given order."""
    return _encoder.encode({name: elements})
