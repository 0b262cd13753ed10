"""Which fields a request body may carry, of what type and how long (xero-api section 9).

Reading a body into clean values lives here; what the values mean does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

# s<n> text of at most n letters, n number, d date, b true or false, g GUID, r read only and ignored,
# e:A|B one of these words, o:X an object, l:X a list of objects.
_RESULT = "HasErrors HasValidationErrors ValidationErrors Warnings StatusAttributeString HasAttachments Attachments"


def _fields(text: str, **more: str) -> dict[str, str]:
    found = dict(part.rsplit("=", 1) for part in text.split())
    return {**found, **dict.fromkeys(_RESULT.split(), "r"), **more}


def _read_only(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "r")


_DOCUMENT = _fields(
    "Contact=o:Contact Date=d DueDate=d Status=s50 LineAmountTypes=s50 LineItems=l:LineItem Reference=s255 "
    "CurrencyCode=s3 CurrencyRate=n BrandingThemeID=g SentToContact=b SubTotal=n TotalTax=n Total=n",
    **_read_only(
        "UpdatedDateUTC UpdatedDateUTCString DateString DueDateString FullyPaidOnDate Payments TotalDiscount "
        "IsDiscounted InvoiceAddresses CISDeduction CISRate AmountDue AmountPaid AmountCredited"
    ),
)

SCHEMAS: dict[str, dict[str, str]] = {
    "Contact": _fields(
        "ContactID=g ContactNumber=s50 AccountNumber=s50 ContactStatus=s50 Name=s FirstName=s255 LastName=s255 "
        "CompanyNumber=s50 TaxNumber=s50 TaxNumberType=e:SSN|EIN|ITIN|ATIN "
        "EmailAddress=s255 ContactPersons=l:ContactPerson "
        "Addresses=l:Address Phones=l:Phone AccountsReceivableTaxType=s50 AccountsPayableTaxType=s50 "
        "PaymentTerms=o:PaymentTerms DefaultCurrency=s3 SalesDefaultAccountCode=s10 "
        "PurchasesDefaultAccountCode=s10 SalesDefaultLineAmountType=e:INCLUSIVE|EXCLUSIVE|NONE "
        "PurchasesDefaultLineAmountType=e:INCLUSIVE|EXCLUSIVE|NONE "
        "BankAccountDetails=s255 XeroNetworkKey=s255 Website=s2000 TrackingCategoryName=s100 "
        "TrackingCategoryOption=s100 "
        "SalesTrackingCategories=l:ContactTracking PurchasesTrackingCategories=l:ContactTracking",
        **_read_only(
            "IsCustomer IsSupplier Balances ContactGroups BrandingTheme BatchPayments Discount "
            "MergedToContactID UpdatedDateUTC"
        ),
    ),
    "ContactPerson": _fields("FirstName=s255 LastName=s255 EmailAddress=s255 IncludeInEmails=b"),
    "ContactTracking": _fields("TrackingCategoryName=s100 TrackingOptionName=s100"),
    "Address": _fields(
        "AddressType=s50 AddressLine1=s500 AddressLine2=s500 AddressLine3=s500 AddressLine4=s500 City=s255 "
        "Region=s255 PostalCode=s50 Country=s50 AttentionTo=s255"
    ),
    "Phone": _fields("PhoneType=s50 PhoneNumber=s50 PhoneAreaCode=s10 PhoneCountryCode=s20"),
    "PaymentTerms": _fields("Bills=o:PaymentTerm Sales=o:PaymentTerm"),
    "PaymentTerm": _fields("Day=n Type=s50"),
    "Item": _fields(
        "ItemID=g Code=s Name=s50 Description=s4000 PurchaseDescription=s4000 IsSold=b IsPurchased=b "
        "SalesDetails=o:ItemDetails PurchaseDetails=o:ItemDetails InventoryAssetAccountCode=s10",
        **_read_only("IsTrackedAsInventory QuantityOnHand TotalCostPool UpdatedDateUTC"),
    ),
    "ItemDetails": _fields("UnitPrice=n AccountCode=s10 COGSAccountCode=s10 TaxType=s50"),
    "LineItem": _fields(
        "LineItemID=g Description=s4000 Quantity=n UnitAmount=n ItemCode=s30 AccountCode=s10 AccountID=g "
        "TaxType=s50 TaxAmount=n LineAmount=n DiscountRate=n DiscountAmount=n Tracking=l:Tracking",
        **_read_only("Item RepeatingInvoiceID SalesTaxCodeId TaxBreakdown Taxability"),
    ),
    "Tracking": _fields("TrackingCategoryID=g TrackingOptionID=g Name=s100 Option=s100"),
    "Invoice": {
        **_DOCUMENT,
        **_fields(
            "Type=s50 InvoiceID=g InvoiceNumber=s255 Url=s2000 ExpectedPaymentDate=d PlannedPaymentDate=d",
            **_read_only(
                "CreditNotes Prepayments Overpayments RepeatingInvoiceID ExpectedPaymentDateString "
                "PlannedPaymentDateString"
            ),
        ),
    },
    "CreditNote": {
        **_DOCUMENT,
        **_fields(
            "Type=s50 CreditNoteID=g CreditNoteNumber=s255", **_read_only("RemainingCredit Allocations AppliedAmount")
        ),
    },
    "PurchaseOrder": {
        **{name: code for name, code in _DOCUMENT.items() if name not in ("DueDate", "CurrencyRate")},
        **_fields(
            "PurchaseOrderID=g PurchaseOrderNumber=s255 DeliveryDate=d ExpectedArrivalDate=d "
            "DeliveryAddress=s2000 AttentionTo=s255 Telephone=s255 DeliveryInstructions=s500",
            **_read_only("Type CurrencyRate DeliveryDateString ExpectedArrivalDateString"),
        ),
    },
    "Allocation": _fields("Invoice=o:InvoiceNamed Amount=n Date=d", **_read_only("AllocationID IsDeleted CreditNote")),
    "Payment": _fields(
        "PaymentID=g Invoice=o:InvoiceNamed CreditNote=o:CreditNoteNamed InvoiceNumber=s255 CreditNoteNumber=s255 "
        "Account=o:AccountNamed Code=s10 Date=d Amount=n Reference=s255 CurrencyRate=n IsReconciled=b Status=s50 "
        "BankAccountNumber=s50 Particulars=s12 Details=s18",
        **_read_only(
            "PaymentType BankAmount BatchPayment BatchPaymentID UpdatedDateUTC UpdatedDateUTCString HasAccount"
        ),
    ),
    "BatchPayment": _fields(
        "BatchPaymentID=g Account=o:AccountNamed Reference=s255 Particulars=s12 Code=s12 Details=s18 Narrative=s18 "
        "Date=d Payments=l:Payment Status=s50",
        **_read_only("DateString Amount Type TotalAmount UpdatedDateUTC IsReconciled"),
    ),
    "ContactGroup": _fields("ContactGroupID=g Name=s255 Status=s50", Contacts="r"),
    "Account": _fields(
        "AccountID=g Code=s10 Name=s150 Type=s50 Status=s50 Description=s4000 TaxType=s50 "
        "EnablePaymentsToAccount=b ShowInExpenseClaims=b BankAccountNumber=s50 "
        "BankAccountType=e:BANK|CREDITCARD|PAYPAL|NONE| CurrencyCode=s3 "
        "AddToWatchlist=b",
        **_read_only("Class SystemAccount ReportingCode ReportingCodeName UpdatedDateUTC"),
    ),
    "TaxRate": _fields(
        "Name=s50 TaxType=s50 ReportTaxType=s50 Status=s50 TaxComponents=l:TaxComponent",
        **_read_only(
            "CanApplyToAssets CanApplyToEquity CanApplyToExpenses CanApplyToLiabilities CanApplyToRevenue "
            "DisplayTaxRate EffectiveRate"
        ),
    ),
    "TaxComponent": _fields("Name=s50 Rate=n IsCompound=b IsNonRecoverable=b"),
    "TrackingCategory": _fields(
        "TrackingCategoryID=g Name=s100 Status=e:ACTIVE|ARCHIVED|DELETED",
        **_read_only("Options Option TrackingOptionID"),
    ),
    "TrackingOption": _fields(
        "TrackingOptionID=g Name=s100 Status=e:ACTIVE|ARCHIVED|DELETED",
        **_read_only("IsDeleted IsArchived IsActive TrackingCategoryID"),
    ),
    "Currency": _fields("Code=s3 Description=s100"),
    "HistoryRecord": _fields("Details=s2500", **_read_only("Changes User DateUTC DateUTCString")),
}

# Where a record is only named, the rest of it may come along and means nothing.
for _kind, _names in (
    ("Invoice", "InvoiceID InvoiceNumber"),
    ("CreditNote", "CreditNoteID CreditNoteNumber"),
    ("Account", "AccountID Code"),
):
    _whole = SCHEMAS[_kind]
    SCHEMAS[f"{_kind}Named"] = {**dict.fromkeys(_whole, "r"), **{_name: _whole[_name] for _name in _names.split()}}

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_XERO_DATE = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/")
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BAD_GUID = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."


class WrongType(Exception):
    """A value has a JSON type that Xero can't read into its field; the whole body is lost."""


@dataclass
class Clean:
    """The values of one element, the messages against it, the names that Xero doesn't know."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def is_guid(text: str) -> bool:
    """Tell whether ``text`` has the form of a GUID."""
    return _GUID.fullmatch(text) is not None


def read(kind: str, element: Any) -> Clean:
    """Read one element of a body by the schema ``kind``; null counts as left out. Raises WrongType."""
    if not isinstance(element, dict):
        raise WrongType(f"{kind} is not an object")
    clean = Clean()
    schema = SCHEMAS[kind]
    for name, value in element.items():
        code = schema.get(name)
        if code is None:
            clean.unknown.append(f"{kind}.{name}")
        elif code != "r" and value is not None:
            clean.values[name] = _value(f"{kind}.{name}", code, value, clean)
    return clean


def _value(where: str, code: str, value: Any, clean: Clean) -> Any:
    if code[0] == "o":
        return _nested(code[2:], value, clean)
    if code[0] == "l":
        if not isinstance(value, list):
            raise WrongType(f"{where} is not a list")
        return [_nested(code[2:], part, clean) for part in value]
    if code == "n":
        return _number(where, value)
    if code == "b":
        if not isinstance(value, bool):
            raise WrongType(f"{where} is not true or false")
        return value
    if not isinstance(value, str):
        raise WrongType(f"{where} is not text")
    if code == "d":
        return read_date(where, value)
    if code[0] == "e":
        if value not in code[2:].split("|"):
            clean.errors.append(f"{where.rsplit('.', 1)[-1]} must be valid.")
        return value
    if code == "g":
        if not is_guid(value):
            clean.errors.append(BAD_GUID)
        return value.lower()
    limit = int(code[1:] or 0)
    if limit and len(value) > limit:
        label = where.rsplit(".", 1)[-1]
        clean.errors.append(f"{label} must not be more than {limit} characters long")
    return value


def _nested(kind: str, value: Any, clean: Clean) -> dict[str, Any]:
    inner = read(kind, value)
    clean.errors.extend(inner.errors)
    clean.unknown.extend(inner.unknown)
    return inner.values


def _number(where: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise WrongType(f"{where} is not a number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise WrongType(f"{where} is not a number") from None
    if not number.is_finite() or number.adjusted() > 15:
        raise WrongType(f"{where} is not a number in range")
    return number


def read_date(where: str, text: str) -> date:
    """Read a calendar date as Xero takes it: ISO with or without a time, or /Date(ms)/. Raises WrongType."""
    found = _XERO_DATE.fullmatch(text)
    try:
        if found:
            return (_EPOCH + timedelta(milliseconds=int(found[1]))).date()
        if not _ISO_DAY.match(text):
            raise ValueError(text)
        return datetime.fromisoformat(text).date()
    except (ValueError, OverflowError):
        raise WrongType(f"{where} is not a date") from None
