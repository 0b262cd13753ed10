"""The shapes of the demo world: what Xero already holds and what the PSA holds, in neutral words.

Pure data only: no generator, no service, no vendor field names. Money is `Decimal`, document dates are
`datetime.date`, instants are aware UTC datetimes. Ids of the PSA are integers, ids of Xero GUID text.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import msgspec

CENT = Decimal("0.01")

# Fields called `date` hide the type inside their classes.
Day = date


def cents(amount: Decimal) -> Decimal:
    """Round to two decimals, half away from zero (xero-api section 8)."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


class Address(msgspec.Struct, frozen=True):
    """A postal address; `country` is its English name."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


# ---------------------------------------------------------------- the Xero half


class XeroAccount(msgspec.Struct, frozen=True):
    """One row of a chart of accounts (xero-api section 9.5); `status` is ACTIVE or ARCHIVED."""

    account_id: str
    code: str
    name: str
    type: str
    account_class: str
    tax_type: str
    status: str = "ACTIVE"
    system_account: str = ""
    enable_payments: bool = False


class XeroTaxRate(msgspec.Struct, frozen=True):
    """One tax rate (xero-api section 9.4); `applies` holds letters of A E X L R, as in section 11."""

    name: str
    tax_type: str
    rate: Decimal
    applies: str
    status: str = "ACTIVE"
    report_tax_type: str = ""


class XeroOption(msgspec.Struct, frozen=True):
    """One option of a tracking category."""

    option_id: str
    name: str
    status: str = "ACTIVE"


class XeroTracking(msgspec.Struct, frozen=True):
    """One tracking category with its options."""

    category_id: str
    name: str
    options: tuple[XeroOption, ...]
    status: str = "ACTIVE"


class XeroTheme(msgspec.Struct, frozen=True):
    """One branding theme; `sort_order` 0 is the organisation's default."""

    theme_id: str
    name: str
    sort_order: int


class XeroContact(msgspec.Struct, frozen=True):
    """One contact that Xero holds before anything is synced; `status` is ACTIVE or ARCHIVED."""

    contact_id: str
    name: str
    account_number: str = ""
    contact_number: str = ""
    status: str = "ACTIVE"
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    tax_number: str = ""
    address: Address = Address()
    is_customer: bool = False
    is_supplier: bool = False
    default_currency: str = ""
    updated: datetime | None = None


class XeroItem(msgspec.Struct, frozen=True):
    """One item that Xero holds; an empty account or tax type means that the field is not set."""

    item_id: str
    code: str
    name: str
    description: str = ""
    purchase_description: str = ""
    sales_price: Decimal | None = None
    sales_account: str = ""
    sales_tax: str = ""
    purchase_price: Decimal | None = None
    purchase_account: str = ""
    purchase_tax: str = ""
    is_sold: bool = True
    is_purchased: bool = True
    updated: datetime | None = None


class XeroLine(msgspec.Struct, frozen=True):
    """One line of a document that Xero holds; amounts are exclusive of tax."""

    line_id: str
    description: str
    quantity: Decimal
    unit_amount: Decimal
    account: str
    tax_type: str
    line_amount: Decimal
    tax_amount: Decimal
    item_code: str = ""


class XeroDocument(msgspec.Struct, frozen=True):
    """One invoice (`ACCREC`) or bill (`ACCPAY`) that Xero holds before anything is synced."""

    document_id: str
    type: str
    number: str
    contact_id: str
    date: Day
    due_date: Day
    status: str
    currency: str
    lines: tuple[XeroLine, ...]
    reference: str = ""
    updated: datetime | None = None

    @property
    def subtotal(self) -> Decimal:
        """Sum of the line amounts."""
        return sum((line.line_amount for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        """Sum of the tax of the lines."""
        return sum((line.tax_amount for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        """What the document asks for, tax included."""
        return self.subtotal + self.tax


class Tenant(msgspec.Struct, frozen=True):
    """One Xero organisation and everything that it holds at the start."""

    key: str
    tenant_id: str
    connection_id: str
    organisation_id: str
    name: str
    legal_name: str
    country: str
    currency: str
    version: str
    timezone: str
    short_code: str
    tax_number: str
    is_demo: bool
    period_lock_date: date | None
    end_of_year_lock_date: date | None
    currencies: tuple[str, ...]
    accounts: tuple[XeroAccount, ...]
    tax_rates: tuple[XeroTaxRate, ...]
    tracking: tuple[XeroTracking, ...]
    themes: tuple[XeroTheme, ...]
    contacts: tuple[XeroContact, ...]
    items: tuple[XeroItem, ...]
    documents: tuple[XeroDocument, ...]


# ---------------------------------------------------------------- the PSA half


class Currency(msgspec.Struct, frozen=True):
    """One currency of the PSA; `rate` is foreign units for one unit of the PSA's own currency."""

    id: int
    name: str
    symbol: str
    code: str
    rate: Decimal


class Tax(msgspec.Struct, frozen=True):
    """One tax rate of the PSA; `rate` is a percentage, an empty `tax_type` is a rate not linked to Xero."""

    id: int
    name: str
    tenant: str
    rate: Decimal
    tax_type: str
    purchases: bool


class ItemGroup(msgspec.Struct, frozen=True):
    """One group of items; `tracking_option` names an option of the category Region, or is empty."""

    id: int
    name: str
    sales_account: str
    purchase_account: str
    tracking_option: str = ""


class Item(msgspec.Struct, frozen=True):
    """One product; an empty `tenant` is offered to every tenant, `parent` 0 is a product of its own."""

    id: int
    tenant: str
    group: int
    code: str
    name: str
    description: str
    purchase_description: str
    price: Decimal
    cost: Decimal
    sales_account: str
    purchase_account: str
    sales_tax: int
    purchase_tax: int
    parent: int
    supplier: int
    recurring: bool
    updated: datetime


class ChargeRate(msgspec.Struct, frozen=True):
    """One kind of labour; `code` equals an item's code, or is empty for the one that nobody coded."""

    id: int
    name: str
    code: str
    rate: Decimal


class Site(msgspec.Struct, frozen=True):
    """One address of a customer; the first one of a customer is its main site."""

    id: int
    customer: int
    name: str
    address: Address
    phone: str
    updated: datetime


class Customer(msgspec.Struct, frozen=True):
    """One customer; `due_type` 0 to 3 as in halo-api section 8.2, `due_days` is its number."""

    id: int
    tenant: str
    name: str
    account_number: str
    active: bool
    first_name: str
    last_name: str
    email: str
    phone: str
    tax_number: str
    currency: int
    sales_tax: int
    purchase_tax: int
    due_type: int
    due_days: int
    main_site: int
    address: Address
    updated: datetime


class Supplier(msgspec.Struct, frozen=True):
    """One supplier."""

    id: int
    tenant: str
    name: str
    account_number: str
    active: bool
    contact_name: str
    email: str
    phone: str
    currency: int
    purchase_tax: int
    due_days: int
    address: Address
    updated: datetime


class Line(msgspec.Struct, frozen=True):
    """One line of a document: `kind` is item, labour or text; a text line has no amounts.

    `item` and `charge_rate` are ids, 0 for none. `discount` and `tax_rate` are percentages.
    """

    id: int
    kind: str
    description: str
    detail: str = ""
    item: int = 0
    charge_rate: int = 0
    code: str = ""
    account: str = ""
    quantity: Decimal = Decimal(0)
    unit_price: Decimal = Decimal(0)
    discount: Decimal = Decimal(0)
    tax: int = 0
    tax_rate: Decimal = Decimal(0)
    net: Decimal = Decimal(0)
    tax_amount: Decimal = Decimal(0)
    tracking_option: str = ""


class Invoice(msgspec.Struct, frozen=True):
    """One invoice of the PSA.

    `kind` is invoice, bill (a supplier's, `supplier` is set) or template (recurring, id below zero).
    `state` is open, voided, hidden or unapproved; only an open invoice is meant to be synced.
    """

    id: int
    tenant: str
    kind: str
    state: str
    number: str
    customer: int
    supplier: int
    site: int
    date: Day
    due_date: Day
    due_type: int
    due_days: int
    reference: str
    customer_order: str
    currency: int
    lines: tuple[Line, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    created: datetime
    updated: datetime


class PurchaseOrder(msgspec.Struct, frozen=True):
    """One order to a supplier; `state` is approved, unapproved or rejected."""

    id: int
    tenant: str
    state: str
    number: str
    supplier: int
    date: Day
    delivery_date: Day
    reference: str
    currency: int
    deliver_to: Address
    lines: tuple[Line, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    updated: datetime


class Trouble(msgspec.Struct, frozen=True):
    """One thing seeded wrong: `record` is the kind of the record at fault, `id` its id in the PSA.

    `blocks` is false where Xero takes the record all the same (names that are only ugly).
    """

    kind: str
    record: str
    id: int
    detail: str
    blocks: bool = True


class Psa(msgspec.Struct, frozen=True):
    """Everything that the PSA holds at the start."""

    currencies: tuple[Currency, ...]
    taxes: tuple[Tax, ...]
    item_groups: tuple[ItemGroup, ...]
    items: tuple[Item, ...]
    charge_rates: tuple[ChargeRate, ...]
    customers: tuple[Customer, ...]
    sites: tuple[Site, ...]
    suppliers: tuple[Supplier, ...]
    invoices: tuple[Invoice, ...]
    purchase_orders: tuple[PurchaseOrder, ...]


class World(msgspec.Struct, frozen=True):
    """A whole demo world, made from one seed."""

    seed: int
    today: date
    tenants: tuple[Tenant, ...]
    psa: Psa
    trouble: tuple[Trouble, ...]

    def tenant(self, key: str) -> Tenant:
        """The tenant of that key (`uk`, `au`) or of that tenant id; raises KeyError when there is none."""
        for tenant in self.tenants:
            if key in (tenant.key, tenant.tenant_id):
                return tenant
        raise KeyError(key)

    def troubled(self, record: str, *, blocking_only: bool = False) -> dict[int, str]:
        """Ids of the records of that kind that have trouble, each with the kind of its trouble."""
        return {t.id: t.kind for t in self.trouble if t.record == record and (t.blocks or not blocking_only)}


def document_totals(lines: Iterable[Line]) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and total of lines that are already rounded, each in the document's currency."""
    net = tax = Decimal(0)
    for line in lines:
        net += line.net
        tax += line.tax_amount
    return net, tax, net + tax
