"""The shapes of the Xero half of the demo world: one organisation and what it holds at the start.

Pure data only: no generator, no service. Money is `Decimal`, document dates are `datetime.date`, instants are aware
UTC datetimes, ids GUID text. The address is here because both halves have addresses.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec

# Fields called `date` hide the type inside their classes.
Day = date


class Address(msgspec.Struct, frozen=True):
    """A postal address; `country` is its English name."""

    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


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


class XeroRepeating(msgspec.Struct, frozen=True):
    """A template by which Xero itself makes invoices (`ACCREC`) or bills; amounts are exclusive of tax.

    `status` is that of the documents it makes, DRAFT or AUTHORISED, or DELETED; `unit` is WEEKLY or MONTHLY.
    """

    repeating_id: str
    type: str
    contact_id: str
    status: str
    currency: str
    period: int
    unit: str
    start: Day
    next: Day
    lines: tuple[XeroLine, ...]
    end: Day | None = None
    reference: str = ""


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
    repeating: tuple[XeroRepeating, ...] = ()
