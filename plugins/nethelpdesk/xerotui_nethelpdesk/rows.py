"""Canonical rows: what the database or a CSV folder says, cleaned, in the help desk's own words; no rule is applied.

Both readers make these, `records` makes records of them. Amounts are exact Decimals, blank texts "", missing numbers
None or 0 where 0 is "none" for the help desk, dates calendar dates, instants aware UTC.
"""

import datetime as dt
from decimal import Decimal

import msgspec

ZERO = Decimal(0)


class PartyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A customer (AREA) or a supplier (COMPANY).

    `address` are its lines without the postcode; where there are three or more, the last two are city and region,
    blank ones included.

    `top_level` is the name of the client's top level, `due_type` and `due_days` as in reference section 7.4, None
    where the help desk says nothing. The taxes are codes or ids as text, "" for none, "-2" for the item's;
    `labour_tax` is the sales tax of labour, where it is another.
    """

    id: str
    name: str
    account_code: str = ""
    active: bool = True
    top_level: str = ""
    tenant: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    website: str = ""
    tax_number: str = ""
    address: tuple[str, ...] = ()
    postcode: str = ""
    country: str = ""
    currency: str = ""
    sales_tax: str = ""
    labour_tax: str = ""
    purchase_tax: str = ""
    due_type: int | None = None
    due_days: int | None = None
    terms_days: int | None = None
    excluded: str = ""
    xero_id: str = ""
    modified: dt.datetime | None = None


class ItemRow(msgspec.Struct, frozen=True, kw_only=True):
    """An item (ITEM) with its two tax fields."""

    id: str
    name: str
    code: str = ""
    description: str = ""
    active: bool = True
    group: str = ""
    group_account: str = ""
    sales_price: Decimal | None = None
    cost_price: Decimal | None = None
    sales_account: str = ""
    purchase_account: str = ""
    sales_tax: str = ""
    purchase_tax: str = ""
    tenant: str = ""
    excluded: str = ""
    modified: dt.datetime | None = None


class TaxRow(msgspec.Struct, frozen=True, kw_only=True):
    """A tax; `rate` in percent. Documents name it by `id` or by `code`."""

    id: str
    code: str
    name: str
    rate: Decimal
    tenant: str = ""


class ChargeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of labour and its accounts code."""

    id: str
    name: str
    code: str = ""
    rate: Decimal | None = None


class CurrencyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A currency by its ISO `code`; `symbol` is what documents may carry instead, `rate` is 1 for the own one."""

    id: str
    code: str
    symbol: str = ""
    name: str = ""
    rate: Decimal | None = None


class LineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an invoice or purchase order; `tax` is the code or id that the line itself carries.

    `net` and `tax_amount` have every decimal that is kept: the help desk adds them up before it rounds.
    Of an order `tax_amount` may be an amount or a rate: the help desk doesn't say which (nethelpdesk section 7.5).
    """

    id: str
    order: int = 0
    item: str = ""
    item_code: str = ""
    nominal_code: str = ""
    account: str = ""
    text: str = ""
    long_text: str = ""
    quantity: Decimal = ZERO
    unit_price: Decimal = ZERO
    net: Decimal | None = None
    tax_amount: Decimal | None = None
    tax: str = ""
    tax_rate: Decimal | None = None
    charge: str = ""
    heading: bool = False


class DocumentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice (INVOICEHEADER) or purchase order (SUPPLIERORDERHEADER) with its lines.

    `currency` is an ISO code, a currency's id or a symbol. `excluded` and `unfinished` say why it isn't posted, in
    words. `credits` is the id of an invoice that it credits. `posted` is the help desk's own mark, `third_party_number`
    the number under which it was posted. `carriage` is a charge of the whole order.
    """

    id: str
    party: str
    party_name: str = ""
    number: str = ""
    date: dt.date | None = None
    due_date: dt.date | None = None
    due_type: int | None = None
    due_days: int | None = None
    terms_days: int | None = None
    delivery_date: dt.date | None = None
    reference: str = ""
    customer_order: str = ""
    currency: str = ""
    currency_rate: Decimal | None = None
    lines: tuple[LineRow, ...] = ()
    carriage: Decimal = ZERO
    carriage_text: str = ""
    credits: str = ""
    tenant: str = ""
    excluded: str = ""
    voided: bool = False
    unfinished: str = ""
    posted: bool = False
    third_party_number: str = ""
    xero_id: str = ""
    xero_status: str = ""
    modified: dt.datetime | None = None
