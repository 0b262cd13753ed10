"""The closed list of what is synced or read."""

from enum import StrEnum


class Kind(StrEnum):
    """What a record is; customer and supplier are two kinds on one Xero endpoint."""

    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    ITEM = "item"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PURCHASE_ORDER = "purchase_order"
    PAYMENT = "payment"
    ACCOUNT = "account"
    TAX_RATE = "tax_rate"
    TRACKING = "tracking"
    BRANDING_THEME = "branding_theme"
    CURRENCY = "currency"
    # A template by which Xero makes invoices by itself.
    REPEATING_INVOICE = "repeating_invoice"
    # A value of one of a source's own mapping specs, such as a charge rate.
    CHOICE = "choice"

    @property
    def label(self) -> str:
        """The word for one of them, as a person reads it."""
        return self.value.replace("_", " ")

    @property
    def plural(self) -> str:
        """The word for several of them."""
        return {"currency": "currencies", "tracking": "tracking categories"}.get(self.value, self.label + "s")


SYNCED = (
    Kind.CUSTOMER,
    Kind.SUPPLIER,
    Kind.ITEM,
    Kind.INVOICE,
    Kind.CREDIT_NOTE,
    Kind.PURCHASE_ORDER,
    Kind.PAYMENT,
)
READ_ONLY = (
    Kind.ACCOUNT,
    Kind.TAX_RATE,
    Kind.TRACKING,
    Kind.BRANDING_THEME,
    Kind.CURRENCY,
    Kind.REPEATING_INVOICE,
    Kind.CHOICE,
)
PARTIES = (Kind.CUSTOMER, Kind.SUPPLIER)
DOCUMENTS = (Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PURCHASE_ORDER)
# What must be in Xero before what: DESIGN section 4 and the engine page, section 3.6.
WRITE_ORDER = (
    Kind.CUSTOMER,
    Kind.SUPPLIER,
    Kind.ITEM,
    Kind.INVOICE,
    Kind.CREDIT_NOTE,
    Kind.PURCHASE_ORDER,
    Kind.PAYMENT,
)


class Side(StrEnum):
    """Which system said a thing, or is written to."""

    SOURCE = "source"
    XERO = "xero"


class Trade(StrEnum):
    """Which side of the books a mapping serves."""

    SALES = "sales"
    PURCHASE = "purchase"
