"""Records: what a side said, normalised, in its own ids; amounts are `Decimal`, dates calendar dates."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Union

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.money import AmountsAre

# Raise when a record's fields change meaning: stored snapshots of another shape are read again, never converted.
SHAPE = 4


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """A postal address in Xero's division; any part may be blank."""

    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


class Terms(msgspec.Struct, frozen=True):
    """Payment terms: a number of days or a day of the month, and Xero's name of the rule."""

    days: int
    rule: str = "DAYSAFTERBILLDATE"


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="is"):
    """What every record has. `tenant` is the Xero tenant id the side itself names, blank for none."""

    id: str
    kind: Kind
    name: str = ""
    tenant: str = ""
    xero_id: str = ""
    modified: dt.datetime | None = None
    # Why this one must not be synced ("" = it may): the side's own switch, in words.
    excluded: str = ""
    # Why this one is not finished yet ("" = it is): unapproved, unnumbered…
    unfinished: str = ""
    # Named texts that a person may choose from or that a plugin needs later; never money.
    facts: dict[str, str] = {}


class Party(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="party"):
    """A customer or a supplier."""

    number: str = ""
    active: bool = True
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    tax_number: str = ""
    address: Address | None = None
    sales_tax: str = ""
    purchase_tax: str = ""
    terms: Terms | None = None
    currency: str = ""
    # Xero side only.
    status: str = ""
    contact_number: str = ""
    is_customer: bool = False
    is_supplier: bool = False
    balance: Decimal | None = None
    merged_into: str = ""


class Item(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="item"):
    """A product, or a service sold by the hour when the source calls that a charge rate."""

    code: str = ""
    active: bool = True
    parent: str = ""
    group: str = ""
    description: str = ""
    purchase_description: str = ""
    sold: bool = True
    purchased: bool = True
    sales_price: Decimal | None = None
    purchase_price: Decimal | None = None
    sales_account: str = ""
    purchase_account: str = ""
    sales_tax: str = ""
    purchase_tax: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a document. `texts` are the source's named texts for it, most telling first."""

    id: str = ""
    texts: dict[str, str] = {}
    quantity: Decimal = Decimal(0)
    unit_price: Decimal = Decimal(0)
    discount_percent: Decimal = Decimal(0)
    net: Decimal | None = None
    tax: Decimal | None = None
    item: str = ""
    item_code: str = ""
    account: str = ""
    tax_rate: str = ""
    # Xero side: option ids. Source side: `tracked`, options by the placeholder that the source keeps them under.
    tracking: tuple[str, ...] = ()
    tracked: dict[str, str] = {}
    heading: bool = False
    # Values of the source's own mapping specs, by spec id: {"charge_rate": "7"}.
    keys: dict[str, str] = {}


class Settled(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What settles a part of a document in Xero: `how` is payment, credit_note, prepayment or overpayment.

    `id` is that of the payment, note or prepayment; `allocation` that of laying a credit on it.
    """

    how: str
    id: str
    amount: Decimal
    date: dt.date | None = None
    number: str = ""
    allocation: str = ""


class Document(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="document"):
    """An invoice, credit note or purchase order."""

    number: str = ""
    party: str = ""
    date: dt.date | None = None
    due_date: dt.date | None = None
    currency: str = ""
    # So many units of the currency for one of `rate_base`; blank: of the organisation's own.
    currency_rate: Decimal | None = None
    rate_base: str = ""
    amounts: AmountsAre = AmountsAre.EXCLUSIVE
    reference: str = ""
    status: str = ""
    theme: str = ""
    # The recurring template that it was made from, by the source's id; `plain`: the contact's own theme always applies.
    template: str = ""
    plain: bool = False
    lines: tuple[Line, ...] = ()
    subtotal: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal | None = None
    # Xero side only.
    amount_paid: Decimal | None = None
    amount_due: Decimal | None = None
    amount_credited: Decimal | None = None
    paid_on: dt.date | None = None
    # Of a credit note: the documents it is laid on, by their id.
    settled: tuple[Settled, ...] = ()
    url: str = ""
    sent: bool = False
    # Source side, of a credit note: the source id of the invoice that it credits.
    credits: str = ""


class Payment(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="payment"):
    """Money laid on a document, or taken back with status DELETED; `document` is that document's id on its side.

    `for_kind` says what the document is; prepayments and overpayments of Xero's have no kind here. `method` is the
    source's way of paying, `account` the Xero account's id. `reference` is what ours are found again by.
    """

    document: str = ""
    for_kind: Kind | None = None
    number: str = ""
    date: dt.date | None = None
    amount: Decimal | None = None
    currency: str = ""
    currency_rate: Decimal | None = None
    reference: str = ""
    method: str = ""
    account: str = ""
    account_code: str = ""
    status: str = "AUTHORISED"
    # Xero side only: its PaymentType, and what forbids taking it back by the API.
    type: str = ""
    reconciled: bool = False
    batch: str = ""


class TaxComponent(msgspec.Struct, frozen=True):
    """One part of a tax rate, in percent."""

    name: str
    rate: Decimal
    compound: bool = False


class TaxRate(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="tax_rate"):
    """A tax rate; `code` is what documents carry (Xero's TaxType), `rate` the effective percent."""

    code: str = ""
    rate: Decimal = Decimal(0)
    components: tuple[TaxComponent, ...] = ()
    status: str = "ACTIVE"
    # Xero only: the account classes it may be used with (ASSET, EQUITY, EXPENSE, LIABILITY, REVENUE).
    classes: tuple[str, ...] = ()
    # A source's own idea of the linked Xero tax type, a proposal only.
    linked_code: str = ""


class Account(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="account"):
    """A ledger account of Xero's chart."""

    code: str = ""
    type: str = ""
    class_: str = ""
    status: str = "ACTIVE"
    tax_type: str = ""
    system: str = ""
    takes_payments: bool = False


class Tracking(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="tracking"):
    """A tracking category with its options as (id, name, status)."""

    status: str = "ACTIVE"
    options: tuple[tuple[str, str, str], ...] = ()


class Theme(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="theme"):
    """A branding theme."""

    sort: int = 0


class Currency(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="currency"):
    """A currency, `id` being its ISO code at Xero and the source's own id at a source."""

    code: str = ""


class Repeating(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="repeating"):
    """A template by which Xero makes sales invoices itself; `party` is the contact's Xero id.

    `status` is that of the invoices it makes (DRAFT, AUTHORISED), or DELETED. It makes one every `period` of `unit`
    (WEEKLY, MONTHLY), the next on `next`, none after `end`.
    """

    party: str = ""
    reference: str = ""
    status: str = ""
    currency: str = ""
    total: Decimal | None = None
    period: int = 1
    unit: str = ""
    next: dt.date | None = None
    end: dt.date | None = None

    def runs(self, today: dt.date) -> bool:
        """Whether it still makes invoices on or after this day."""
        return self.status in ("DRAFT", "AUTHORISED") and (self.end is None or self.end >= today)


class Choice(_Record, frozen=True, kw_only=True, omit_defaults=True, tag="choice"):
    """A value of one of the source's own mapping specs (a charge rate, an item group)."""

    spec: str = ""
    code: str = ""
    price: Decimal | None = None


Record = Union[  # noqa: UP007
    Party, Item, Document, Payment, TaxRate, Account, Tracking, Theme, Currency, Repeating, Choice
]


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A contact group of a Xero organisation; `contacts` are ids with names, known when it was read alone."""

    id: str
    name: str
    status: str = "ACTIVE"
    contacts: tuple[tuple[str, str], ...] = ()


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry of a Xero record's history."""

    at: dt.datetime | None
    who: str = ""
    what: str = ""
    details: str = ""


class Organisation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a Xero organisation says of itself. `edition` is Xero's Class, the plan it is on: an open list."""

    tenant: str
    name: str
    base_currency: str = ""
    country: str = ""
    version: str = ""
    short_code: str = ""
    is_demo: bool = False
    timezone: str = ""
    period_lock: dt.date | None = None
    year_lock: dt.date | None = None
    id: str = ""
    legal_name: str = ""
    status: str = ""
    edition: str = ""
    type: str = ""
    tax_number: str = ""
    pays_tax: bool | None = None
    created: dt.datetime | None = None
    # Day and month of the financial year's end; 0 where Xero doesn't say.
    year_end: tuple[int, int] = (0, 0)

    def locked_until(self) -> dt.date | None:
        """The later of the two lock dates; documents dated on or before it are refused."""
        dates = [d for d in (self.period_lock, self.year_lock) if d]
        return max(dates) if dates else None


_encoder = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    """A record as the snapshot stores it: deterministic JSON, decimals as exact numbers."""
    return _encoder.encode(record)


def decode(body: bytes | str) -> Record:
    """A record from its snapshot.

    Raises msgspec.ValidationError when the text is not of this shape.
    """
    return _decoder.decode(body)


def fingerprint(record: Record) -> str:
    """A digest of everything a record says except when it was touched."""
    from hashlib import sha256

    still = msgspec.structs.replace(record, modified=None)
    return sha256(_encoder.encode(still)).hexdigest()[:32]


# What linking a record writes into it at its source: the last two of documents alone.
LINKED = ("xero_id", "status", "number")


def unlinked(record: Record) -> Iterator[Record]:
    """What a source's record may have said before its link was written into it, beginning with what it says now."""
    yield record
    for name in LINKED if isinstance(record, Document) else LINKED[:1]:
        record = msgspec.structs.replace(record, **{name: ""})
        yield record
