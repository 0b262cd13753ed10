"""The shapes of the demo world in neutral words: what the PSA holds, and the world as a whole.

Pure data only: no generator, no service, no vendor field names. Money is `Decimal`, document dates are
`datetime.date`, instants are aware UTC datetimes. Ids of the PSA are integers. The Xero half is
in `world_xero_types`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from xerotui.sandbox.world_xero_types import Address, Day, Tenant

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round to two decimals, half away from zero (xero-api section 8)."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


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
    # What a sync of the PSA's own has left here.
    xero_id: str = ""


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

    `kind` is invoice, credit, bill (a supplier's, `supplier` is set) or template (recurring, id below zero).
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
    # What a sync of the PSA's own has left here: right or wrong.
    xero_id: str = ""
    # Of a credit: the invoice that it credits, 0 for none. Its amounts stand above nought.
    credits: int = 0


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
