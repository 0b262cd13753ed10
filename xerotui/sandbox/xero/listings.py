"""How each collection is read: its fields, parameters, pages and forms (xero-api sections 2 and 6).

Facts only; the reading is done in `listing`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xerotui.sandbox.xero import batches, groups, render
from xerotui.sandbox.xero.store import Organisation, Record

Show = Callable[[Organisation, Record], Record]


def _fields(**kinds: str) -> dict[str, str]:
    return {name: kind for kind, names in kinds.items() for name in names.split()}


def _same(org: Organisation, record: Record) -> Record:
    return record


@dataclass(frozen=True)
class Listing:
    """How one collection is read. ``paged`` is always, asked or never; ``by`` names it besides its id."""

    plural: str
    fields: dict[str, str]
    paged: str = "never"
    by: str = ""
    params: tuple[str, ...] = ("where", "order")
    since: bool = False
    full: Show = _same
    in_list: Show | None = None
    bare: Show | None = None
    summary: Show | None = None


_CONTACT = {
    "Contact.ContactID": "guid",
    "Contact.Name": "text",
    "Contact.ContactNumber": "text",
}
_MONEY = "SubTotal TotalTax Total CurrencyRate"

INVOICES = Listing(
    "Invoices",
    {
        **_fields(
            guid="InvoiceID BrandingThemeID",
            text="Type InvoiceNumber Reference Status CurrencyCode LineAmountTypes Url",
            date="Date DueDate UpdatedDateUTC FullyPaidOnDate ExpectedPaymentDate PlannedPaymentDate",
            number=f"AmountDue AmountPaid AmountCredited {_MONEY}",
            bool="SentToContact",
        ),
        **_CONTACT,
    },
    paged="asked",
    by="InvoiceNumber",
    params=(
        "where", "order", "IDs", "InvoiceNumbers", "ContactIDs", "Statuses", "page", "pageSize", "createdByMyApp",
        "summaryOnly", "searchTerm", "includeArchived", "unitdp",
    ),
    since=True,
    full=render.document_whole,
    bare=render.document_bare,
    summary=render.document_summary,
)  # fmt: skip

LISTINGS = {
    "Invoices": INVOICES,
    "CreditNotes": Listing(
        "CreditNotes",
        {
            **_fields(
                guid="CreditNoteID BrandingThemeID",
                text="Type CreditNoteNumber Reference Status CurrencyCode LineAmountTypes",
                date="Date UpdatedDateUTC FullyPaidOnDate",
                number=f"RemainingCredit {_MONEY}",
            ),
            **_CONTACT,
        },
        paged="asked",
        by="CreditNoteNumber",
        params=("where", "order", "page", "pageSize", "unitdp"),
        since=True,
        full=render.document_whole,
        bare=render.document_bare,
    ),
    "PurchaseOrders": Listing(
        "PurchaseOrders",
        _fields(
            guid="PurchaseOrderID",
            text="PurchaseOrderNumber Reference Status CurrencyCode",
            date="Date DeliveryDate UpdatedDateUTC",
            number=_MONEY,
        ),
        paged="always",
        by="PurchaseOrderNumber",
        params=("Status", "DateFrom", "DateTo", "order", "page", "pageSize"),
        since=True,
        full=render.document_whole,
        in_list=lambda org, record: render.document_whole(org, record, full_contact=False),
    ),
    "RepeatingInvoices": Listing(
        "RepeatingInvoices",
        {
            **_fields(
                guid="RepeatingInvoiceID BrandingThemeID",
                text="Type Reference Status CurrencyCode LineAmountTypes",
                number="SubTotal TotalTax Total",
            ),
            **_CONTACT,
        },
        full=render.repeating,
    ),
    "Contacts": Listing(
        "Contacts",
        _fields(
            guid="ContactID",
            text="ContactNumber AccountNumber ContactStatus Name FirstName LastName CompanyNumber TaxNumber "
            "EmailAddress DefaultCurrency",
            date="UpdatedDateUTC",
            bool="IsCustomer IsSupplier",
        ),
        paged="asked",
        by="ContactNumber",
        params=("where", "order", "IDs", "page", "pageSize", "includeArchived", "summaryOnly", "searchTerm"),
        since=True,
        full=render.contact_whole,
        bare=render.contact_bare,
        summary=render.contact_summary,
    ),
    "Payments": Listing(
        "Payments",
        _fields(
            guid="PaymentID Invoice.InvoiceID CreditNote.CreditNoteID Account.AccountID",
            text="PaymentType Status Reference Invoice.InvoiceNumber Account.Code",
            date="Date UpdatedDateUTC",
            number="Amount CurrencyRate",
            bool="IsReconciled",
        ),
        paged="asked",
        params=("where", "order", "page", "pageSize"),
        since=True,
    ),
    "Items": Listing(
        "Items",
        _fields(
            guid="ItemID",
            text="Code Name Description PurchaseDescription",
            date="UpdatedDateUTC",
            bool="IsSold IsPurchased IsTrackedAsInventory",
        ),
        by="Code",
        params=("where", "order", "unitdp"),
        since=True,
    ),
    "Accounts": Listing(
        "Accounts",
        _fields(
            guid="AccountID",
            text="Code Name Type Class Status TaxType SystemAccount BankAccountNumber CurrencyCode",
            date="UpdatedDateUTC",
            bool="EnablePaymentsToAccount ShowInExpenseClaims",
        ),
        since=True,
    ),
    "TaxRates": Listing(
        "TaxRates",
        _fields(
            text="Name TaxType ReportTaxType Status",
            number="EffectiveRate DisplayTaxRate",
            bool="CanApplyToAssets CanApplyToEquity CanApplyToExpenses CanApplyToLiabilities CanApplyToRevenue",
        ),
    ),
    "TrackingCategories": Listing(
        "TrackingCategories",
        _fields(guid="TrackingCategoryID", text="Name Status"),
        params=("where", "order", "includeArchived"),
    ),
    "BrandingThemes": Listing("BrandingThemes", {}, params=()),
    "Currencies": Listing("Currencies", _fields(text="Code Description")),
    "ContactGroups": Listing(
        "ContactGroups", _fields(guid="ContactGroupID", text="Name Status"), full=groups.whole, bare=_same
    ),
    "BatchPayments": Listing(
        "BatchPayments",
        _fields(
            guid="BatchPaymentID Account.AccountID",
            text="Reference Status Type",
            date="Date UpdatedDateUTC",
            number="TotalAmount",
            bool="IsReconciled",
        ),
        since=True,
        full=batches.whole,
    ),
}
