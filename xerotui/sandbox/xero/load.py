"""Filling an organisation from the demo world.

The translation of the world's words into Xero's fields lives here, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.world import Tenant, XeroContact, XeroDocument, XeroItem, XeroLine, XeroRepeating
from xerotui.sandbox.xero.behaviour import Behaviour
from xerotui.sandbox.xero.payments import pay
from xerotui.sandbox.xero.rates import applies
from xerotui.sandbox.xero.store import Organisation, Record
from xerotui.sandbox.xero.tax import ZERO, totals

_PLACE = {"GB": "GMTSTANDARDTIME", "AU": "AUSEASTERNSTANDARDTIME", "NZ": "NEWZEALANDSTANDARDTIME"}


def organisation(tenant: Tenant, clock: WorldClock, behaviour: Behaviour | None = None) -> Organisation:
    """Return the organisation that a tenant of the world describes."""
    created = clock.now() - timedelta(days=900)
    org = Organisation(tenant.tenant_id, tenant.connection_id, _info(tenant, created), clock, behaviour)
    _settings(org, tenant, created)
    for contact in tenant.contacts:
        org["Contacts"].put(_contact(contact, created))
    for item in tenant.items:
        org["Items"].put(_item(item, created))
    for document in tenant.documents:
        record = _document(org, document, created)
        org["Invoices"].put(record)
        contact_record = org["Contacts"].rows[document.contact_id]
        contact_record["IsCustomer" if document.type == "ACCREC" else "IsSupplier"] = True
        if document.status == "PAID":
            _paid(org, record, document)
    for template in tenant.repeating:
        org["RepeatingInvoices"].put(_repeating(org, template))
    return org


def _info(tenant: Tenant, created: datetime) -> Record:
    return {
        "OrganisationID": tenant.organisation_id,
        "Name": tenant.name,
        "LegalName": tenant.legal_name,
        "PaysTax": True,
        "Version": tenant.version,
        "OrganisationType": "COMPANY",
        "OrganisationEntityType": "COMPANY",
        "BaseCurrency": tenant.currency,
        "CountryCode": tenant.country,
        "IsDemoCompany": tenant.is_demo,
        "OrganisationStatus": "ACTIVE",
        "TaxNumber": tenant.tax_number or None,
        "FinancialYearEndDay": 31 if tenant.country == "GB" else 30,
        "FinancialYearEndMonth": 3 if tenant.country == "GB" else 6,
        "SalesTaxBasis": "ACCRUALS",
        "SalesTaxPeriod": "QUARTERLY",
        "DefaultSalesTax": "Tax Exclusive",
        "DefaultPurchasesTax": "Tax Exclusive",
        "PeriodLockDate": tenant.period_lock_date,
        "EndOfYearLockDate": tenant.end_of_year_lock_date,
        "CreatedDateUTC": created,
        "Timezone": tenant.timezone or _PLACE.get(tenant.country, "UTC"),
        "ShortCode": tenant.short_code,
        "Edition": "BUSINESS",
        "Class": "DEMO" if tenant.is_demo else "PREMIUM",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
    }


def _settings(org: Organisation, tenant: Tenant, created: datetime) -> None:
    for account in tenant.accounts:
        org["Accounts"].put(
            {
                "AccountID": account.account_id,
                "Code": account.code or None,
                "Name": account.name,
                "Status": account.status,
                "Type": account.type,
                "Class": account.account_class,
                "TaxType": account.tax_type or None,
                "EnablePaymentsToAccount": account.enable_payments,
                "ShowInExpenseClaims": False,
                "SystemAccount": account.system_account or None,
                "BankAccountType": "BANK" if account.type == "BANK" else None,
                "CurrencyCode": tenant.currency if account.type == "BANK" else None,
                "AddToWatchlist": False,
                "HasAttachments": False,
                "UpdatedDateUTC": created,
            }
        )
    for rate in tenant.tax_rates:
        org["TaxRates"].put(
            {
                "Name": rate.name,
                "TaxType": rate.tax_type,
                "ReportTaxType": rate.report_tax_type or _side(rate.applies),
                **applies(rate.applies),
                "DisplayTaxRate": rate.rate,
                "EffectiveRate": rate.rate,
                "Status": rate.status,
                "TaxComponents": [
                    {"Name": rate.name, "Rate": rate.rate, "IsCompound": False, "IsNonRecoverable": False}
                ],
            }
        )
    for category in tenant.tracking:
        options = [
            {
                "TrackingOptionID": option.option_id,
                "Name": option.name,
                "Status": option.status,
                "HasValidationErrors": False,
                "IsDeleted": False,
                "IsArchived": option.status == "ARCHIVED",
                "IsActive": option.status == "ACTIVE",
            }
            for option in category.options
        ]
        org["TrackingCategories"].put(
            {
                "TrackingCategoryID": category.category_id,
                "Name": category.name,
                "Status": category.status,
                "Options": options,
            }
        )
    for theme in tenant.themes:
        org["BrandingThemes"].put(
            {
                "BrandingThemeID": theme.theme_id,
                "Name": theme.name,
                "Type": "INVOICE",
                "SortOrder": theme.sort_order,
                "CreatedDateUTC": created,
            }
        )
    for code in dict.fromkeys((tenant.currency, *tenant.currencies)):
        org["Currencies"].put({"Code": code, "Description": code})


def _side(letters: str) -> str:
    """Return the plainest report type of a rate that was given none."""
    return "NONE" if {"R", "X"} <= set(letters) else "OUTPUT" if "R" in letters else "INPUT"


def _contact(contact: XeroContact, created: datetime) -> Record:
    place = contact.address
    address = {
        "AddressType": "POBOX",
        "AddressLine1": place.line1,
        "AddressLine2": place.line2,
        "City": place.city,
        "Region": place.region,
        "PostalCode": place.postcode,
        "Country": place.country,
    }
    return {
        "ContactID": contact.contact_id,
        "ContactNumber": contact.contact_number or None,
        "AccountNumber": contact.account_number or None,
        "ContactStatus": contact.status,
        "Name": contact.name,
        "FirstName": contact.first_name or None,
        "LastName": contact.last_name or None,
        "EmailAddress": contact.email or None,
        "TaxNumber": contact.tax_number or None,
        "DefaultCurrency": contact.default_currency or None,
        "Addresses": [{name: text for name, text in address.items() if text}],
        "Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": contact.phone}] if contact.phone else [],
        "IsCustomer": contact.is_customer,
        "IsSupplier": contact.is_supplier,
        "UpdatedDateUTC": _instant(contact.updated, created),
    }


def _item(item: XeroItem, created: datetime) -> Record:
    sales = {"UnitPrice": item.sales_price, "AccountCode": item.sales_account, "TaxType": item.sales_tax}
    purchase = {
        "UnitPrice": item.purchase_price,
        "AccountCode": item.purchase_account,
        "TaxType": item.purchase_tax,
    }
    return {
        "ItemID": item.item_id,
        "Code": item.code,
        "Name": item.name,
        "Description": item.description or None,
        "PurchaseDescription": item.purchase_description or None,
        "SalesDetails": {name: value for name, value in sales.items() if value not in (None, "")},
        "PurchaseDetails": {name: value for name, value in purchase.items() if value not in (None, "")},
        "IsTrackedAsInventory": False,
        "IsSold": item.is_sold,
        "IsPurchased": item.is_purchased,
        "UpdatedDateUTC": _instant(item.updated, created),
    }


def _lines(org: Organisation, lines: Iterable[XeroLine]) -> list[Record]:
    return [
        {
            "LineItemID": line.line_id,
            "Description": line.description,
            "Quantity": line.quantity,
            "UnitAmount": line.unit_amount,
            "LineAmount": line.line_amount,
            "ItemCode": line.item_code or None,
            "AccountCode": line.account,
            "AccountID": (org.account(line.account) or {}).get("AccountID"),
            "TaxType": line.tax_type,
            "TaxAmount": line.tax_amount,
            "Tracking": [],
        }
        for line in lines
    ]


def _paid(org: Organisation, record: Record, document: XeroDocument) -> None:
    """Pay a document in full on the day it was due, long before anybody looks."""
    changed = record["UpdatedDateUTC"]
    bank = next(account for account in org["Accounts"] if account["Type"] == "BANK")
    payment = pay(org, {**record, "Status": "AUTHORISED"}, bank, record["Total"], document.due_date)
    payment["UpdatedDateUTC"] = org["Invoices"].rows[document.document_id]["UpdatedDateUTC"] = changed


def _repeating(org: Organisation, template: XeroRepeating) -> Record:
    lines = _lines(org, template.lines)
    sub, tax, total = totals(lines, "Exclusive")
    schedule = {
        "Period": template.period,
        "Unit": template.unit,
        "DueDate": 20,
        "DueDateType": "OFFOLLOWINGMONTH",
        "StartDate": template.start,
        "NextScheduledDate": template.next,
        "EndDate": template.end,
    }
    return {
        "RepeatingInvoiceID": template.repeating_id,
        "Type": template.type,
        "Contact": {"ContactID": template.contact_id},
        "Schedule": schedule,
        "LineItems": lines,
        "LineAmountTypes": "Exclusive",
        "Reference": template.reference or None,
        "CurrencyCode": template.currency,
        "Status": template.status,
        "SubTotal": sub,
        "TotalTax": tax,
        "Total": total,
        "ApprovedForSending": False,
        "SendCopy": False,
        "MarkAsSent": False,
        "IncludePDF": False,
    }


def _document(org: Organisation, document: XeroDocument, created: datetime) -> Record:
    lines = _lines(org, document.lines)
    sub, tax, total = totals(lines, "Exclusive")
    theme = next((t for t in org["BrandingThemes"] if t["SortOrder"] == 0), {})
    return {
        "InvoiceID": document.document_id,
        "Type": document.type,
        "InvoiceNumber": document.number,
        "Reference": document.reference if document.type == "ACCREC" else None,
        "Contact": {"ContactID": document.contact_id},
        "Date": document.date,
        "DueDate": document.due_date,
        "Status": document.status,
        "CurrencyCode": document.currency,
        "CurrencyRate": Decimal(1),
        "LineAmountTypes": "Exclusive",
        "LineItems": lines,
        "SubTotal": sub,
        "TotalTax": tax,
        "Total": total,
        "TotalDiscount": ZERO,
        "IsDiscounted": False,
        "AmountPaid": ZERO,
        "AmountCredited": ZERO,
        "AmountDue": total,
        "SentToContact": False,
        "BrandingThemeID": theme.get("BrandingThemeID"),
        "UpdatedDateUTC": _instant(document.updated, created),
    }


def _instant(moment: datetime | None, default: datetime) -> datetime:
    return (moment or default).astimezone(UTC)
