"""Postings: the exact Xero record or document that a source record becomes. Encoded for the wire only by `xero`."""

import datetime as dt
from decimal import Decimal
from typing import Union

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.money import AmountsAre, PricedLine
from xerotui.model.records import Address, Terms


class ContactPosting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="contact", tag_field="is"):
    """A Xero contact; `number` is AccountNumber, `contact_number` the source's own id as ContactNumber.

    `unsent` names the fields that Xero didn't have when the contact was linked and that weren't sent since; never sent.
    """

    kind: Kind
    name: str
    number: str = ""
    contact_number: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    tax_number: str = ""
    address: Address | None = None
    sales_tax: str = ""
    purchase_tax: str = ""
    terms: Terms | None = None
    unsent: frozenset[str] = frozenset()


class PriceSide(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item's sales or purchase details."""

    price: Decimal | None = None
    account: str = ""
    tax: str = ""


class ItemPosting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="item", tag_field="is"):
    """A Xero item; `unsent` as of a contact, by the names that an item's record has for them."""

    kind: Kind = Kind.ITEM
    code: str
    name: str = ""
    description: str = ""
    purchase_description: str = ""
    sold: bool = True
    purchased: bool = True
    sales: PriceSide | None = None
    purchase: PriceSide | None = None
    unsent: frozenset[str] = frozenset()


class PostingLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document line in Xero's words; `tax_percent` is for the prediction and is never sent."""

    description: str = ""
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    item_code: str = ""
    account: str = ""
    tax: str = ""
    tax_percent: Decimal = Decimal(0)
    tax_amount: Decimal | None = None
    discount_percent: Decimal | None = None
    # (category id, option id, category name, option name)
    tracking: tuple[tuple[str, str, str, str], ...] = ()
    line_id: str = ""

    @property
    def heading(self) -> bool:
        """True for a line of text alone."""
        return self.quantity is None

    def priced(self) -> PricedLine:
        """The line as the arithmetic reads it."""
        return PricedLine(
            quantity=self.quantity or Decimal(0),
            unit_amount=self.unit_amount or Decimal(0),
            discount_percent=self.discount_percent or Decimal(0),
            tax_percent=self.tax_percent,
            tax_amount=self.tax_amount,
        )


class DocumentPosting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="document", tag_field="is"):
    """A Xero sales invoice, credit note or purchase order. `total` is the prediction; it is never sent."""

    kind: Kind
    number: str = ""
    contact: str = ""
    contact_name: str = ""
    date: dt.date
    due_date: dt.date | None = None
    currency: str
    currency_rate: Decimal | None = None
    amounts: AmountsAre = AmountsAre.EXCLUSIVE
    reference: str = ""
    status: str = "DRAFT"
    theme: str = ""
    lines: tuple[PostingLine, ...] = ()
    subtotal: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    total: Decimal = Decimal(0)


class PaymentPosting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="payment", tag_field="is"):
    """Money laid on a sales invoice, or paid out on a credit note (`for_kind`), by the document's Xero id.

    `account` is the Xero account's id, or its code where only that is known. `reference` is what it is found again
    by, so it is never blank. `currency_rate` goes with documents in a foreign currency.
    """

    kind: Kind = Kind.PAYMENT
    document: str
    for_kind: Kind = Kind.INVOICE
    account: str
    account_is_code: bool = False
    date: dt.date
    amount: Decimal
    reference: str
    currency_rate: Decimal | None = None


class AllocationPosting(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="allocation", tag_field="is"
):
    """A part of a credit note laid on an invoice of the same contact, both by their Xero ids."""

    kind: Kind = Kind.CREDIT_NOTE
    note: str
    invoice: str
    amount: Decimal
    date: dt.date


class NotePosting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="note", tag_field="is"):
    """A line for the history of a document in Xero, by the document's Xero id; at most 2,500 characters."""

    kind: Kind
    document: str
    text: str


Posting = Union[  # noqa: UP007
    ContactPosting, ItemPosting, DocumentPosting, PaymentPosting, AllocationPosting, NotePosting
]


class DocumentEdit(msgspec.Struct, frozen=True, kw_only=True):
    """Of a document that is in Xero only some fields, by their names here: what isn't named keeps its value there.

    With `lines` every line goes along by its id, with its text, account and tracking alone. Never stored.
    """

    posting: DocumentPosting
    fields: frozenset[str]
    lines: bool = False


_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_decoder: msgspec.json.Decoder[Posting] = msgspec.json.Decoder(Posting)


def encode(posting: Posting) -> bytes:
    """A posting as the ledger keeps it."""
    return _encoder.encode(posting)


def decode(body: bytes | str) -> Posting:
    """A posting from the ledger.

    Raises msgspec.ValidationError when the text is not of this shape.
    """
    return _decoder.decode(body)


class Change(msgspec.Struct, frozen=True):
    """One field's difference, `before` and `after` as a person reads them; path like `lines.2.quantity`."""

    path: str
    before: str
    after: str


def _flat(value: object, path: str, out: dict[str, str]) -> None:
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            _flat(getattr(value, field), f"{path}.{field}" if path else field, out)
    elif isinstance(value, tuple):
        for index, item in enumerate(value, 1):
            _flat(item, f"{path}.{index}", out)
    elif isinstance(value, Decimal):
        # 2 and 2.00 are one number; Xero gives back its own scale.
        out[path] = format(value.normalize() + 0, "f")
    elif value not in (None, ""):
        out[path] = str(value)


# Predictions, names that ride along and ids that only Xero gives are no part of a comparison.
_UNCOMPARED = {"contact_name", "line_id", "tax_percent", "unsent"}


def differences(before: Posting | None, after: Posting) -> tuple[Change, ...]:
    """Field-by-field difference of two postings; of a creation when `before` is None."""
    old: dict[str, str] = {}
    new: dict[str, str] = {}
    if before is not None:
        _flat(before, "", old)
    _flat(after, "", new)
    paths = [*new, *(p for p in old if p not in new)]
    return tuple(
        Change(p, old.get(p, ""), new.get(p, ""))
        for p in paths
        if old.get(p, "") != new.get(p, "") and p.rsplit(".", 1)[-1] not in _UNCOMPARED
    )
