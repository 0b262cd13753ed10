"""From stored records to the JSON that Xero shows: both date forms, twins, no nulls (xero-api section 8).

Only the form of an answer may live here.
"""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from xerotui.sandbox.xero.store import Organisation, Record
from xerotui.sandbox.xero.tax import ZERO, rounded

_TWINS = (
    "Date",
    "DueDate",
    "DeliveryDate",
    "ExpectedArrivalDate",
    "ExpectedPaymentDate",
    "PlannedPaymentDate",
)
_TWINNED = ("Invoices", "CreditNotes", "PurchaseOrders", "BatchPayments")
_UPDATED_TWIN = ("Invoices", "CreditNotes", "Payments")
_BARE_INSTANT = ("Items", "Organisations")


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def instant(moment: datetime, zone: bool = True) -> str:
    """Return an instant as /Date(ms+0000)/, or without the offset as some fields have it."""
    return f"/Date({milliseconds(moment)}{'+0000' if zone else ''})/"


def day(value: date) -> str:
    """Return a calendar date as /Date(ms+0000)/ at midnight UTC."""
    return instant(datetime(value.year, value.month, value.day, tzinfo=UTC))


def envelope(now: datetime, app: str, plural: str, records: list[Record], pagination: Record | None = None) -> Record:
    """Return the wrapper of every successful answer."""
    wrapped: Record = {
        "Id": str(uuid.uuid4()),
        "Status": "OK",
        "ProviderName": app,
        "DateTimeUTC": instant(now, zone=False),
    }
    if pagination is not None:
        wrapped["pagination"] = pagination
    return {**wrapped, plural: records}


def shape(record: Record, plural: str, places: int = 2) -> Record:
    """Return a record as JSON values: private keys and nulls left out, dates in Xero's forms."""
    shown: Record = {}
    for name, value in record.items():
        if name.startswith("_") or value is None:
            continue
        if name in _TWINS and plural in _TWINNED and isinstance(value, date):
            shown[f"{name}String"] = f"{value.isoformat()}T00:00:00"
        shown[name] = _plain(name, value, plural, places)
        if name == "UpdatedDateUTC" and plural in _UPDATED_TWIN:
            shown["UpdatedDateUTCString"] = value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return shown


def _plain(name: str, value: Any, plural: str, places: int) -> Any:
    if isinstance(value, dict):
        return shape(value, plural if plural == "Items" else "", 4 if plural == "PurchaseOrders" else places)
    if isinstance(value, list):
        inner = 4 if plural == "PurchaseOrders" else places
        return [shape(part, "", inner) if isinstance(part, dict) else part for part in value]
    if isinstance(value, datetime):
        return instant(value, zone=plural not in _BARE_INSTANT)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Decimal):
        return rounded(value, places) if name in ("UnitAmount", "UnitPrice") else value
    return value


# ---------------------------------------------------------------- contacts and documents


def contact_whole(org: Organisation, record: Record) -> Record:
    """Return a contact with the slots that Xero always shows."""
    shown = dict(record)
    by_type = {a.get("AddressType"): a for a in record.get("Addresses", [])}
    shown["Addresses"] = [{"AddressType": kind, **by_type.get(kind, {})} for kind in ("STREET", "POBOX")]
    phones = {p.get("PhoneType"): p for p in record.get("Phones", [])}
    blank = {"PhoneNumber": "", "PhoneAreaCode": "", "PhoneCountryCode": ""}
    shown["Phones"] = [
        {"PhoneType": kind, **blank, **phones.get(kind, {})} for kind in ("DDI", "DEFAULT", "FAX", "MOBILE")
    ]
    shown["ContactGroups"] = [
        {"ContactGroupID": g["ContactGroupID"], "Name": g["Name"], "Status": g["Status"]}
        for g in org["ContactGroups"]
        if record["ContactID"] in g.get("_members", ())
    ]
    shown.setdefault("ContactPersons", [])
    if balances := _balances(org, record["ContactID"]):
        shown["Balances"] = balances
    shown["HasAttachments"] = False
    shown["HasValidationErrors"] = False
    return shown


def _balances(org: Organisation, contact_id: str) -> Record:
    """Return what the approved documents of a contact leave open on each side; nothing where there are none.

    In the organisation's own currency: amounts of several can't be added.
    """
    today, found = org.today(), Record()
    for invoice in org["Invoices"].find("Contact.ContactID", contact_id):
        if invoice["Status"] not in ("AUTHORISED", "PAID"):
            continue
        side = "AccountsReceivable" if invoice["Type"] == "ACCREC" else "AccountsPayable"
        sums = found.setdefault(side, {"Outstanding": ZERO, "Overdue": ZERO})
        due = rounded(invoice["AmountDue"] / invoice["CurrencyRate"])
        sums["Outstanding"] += due
        if invoice.get("DueDate") and invoice["DueDate"] < today:
            sums["Overdue"] += due
    return found


def contact_bare(org: Organisation, record: Record) -> Record:
    """Return a contact as an unpaged list shows it: without the one that it was merged into (section 6.4)."""
    return {name: value for name, value in contact_whole(org, record).items() if name != "MergedToContactID"}


_CONTACT_SUMMARY = [
    "ContactID",
    "ContactNumber",
    "AccountNumber",
    "ContactStatus",
    "Name",
    "FirstName",
    "LastName",
    "EmailAddress",
    "CompanyNumber",
    "TaxNumber",
    "UpdatedDateUTC",
]


def contact_summary(org: Organisation, record: Record) -> Record:
    """Return a contact with what summaryOnly leaves of it."""
    return {name: record[name] for name in _CONTACT_SUMMARY if name in record}


def document_contact(org: Organisation, record: Record, full: bool) -> Record:
    """Return the contact inside a document: two fields, or with its addresses."""
    id = record.get("Contact", {}).get("ContactID")
    contact = org["Contacts"].get(id) if id else None
    if contact is None:
        return {"HasValidationErrors": False, "ValidationErrors": [], **record.get("Contact", {})}
    if not full:
        return {
            "ContactID": contact["ContactID"],
            "Name": contact["Name"],
            "Addresses": [],
            "Phones": [],
            "ContactGroups": [],
            "ContactPersons": [],
            "HasValidationErrors": False,
        }
    return contact_whole(org, contact)


def document_whole(org: Organisation, record: Record, full_contact: bool = True) -> Record:
    """Return a document with lines, contact, payments and allocations."""
    shown = dict(record)
    shown["Contact"] = document_contact(org, record, full_contact)
    shown["HasAttachments"] = False
    shown["HasErrors"] = False
    if record["Status"] in ("VOIDED", "DELETED") and "CreditNoteID" in record:
        shown["RemainingCredit"] = ZERO
    if "InvoiceID" in record:
        shown["Payments"] = _payments(org, record["InvoiceID"])
        shown["CreditNotes"] = _credits(org, record)
        shown["Prepayments"] = []
        shown["Overpayments"] = []
    elif "CreditNoteID" in record:
        shown["Payments"] = _payments(org, record["CreditNoteID"])
    return shown


def document_bare(org: Organisation, record: Record) -> Record:
    """Return a document as an unpaged list shows it: no lines, two fields of its contact."""
    shown = document_whole(org, record, full_contact=False)
    contact = shown["Contact"]
    shown["Contact"] = {name: contact[name] for name in ("ContactID", "Name") if name in contact}
    shown["LineItems"] = []
    return shown


def repeating(org: Organisation, record: Record) -> Record:
    """Return a template of repeating invoices: its contact in short, its id under two names."""
    return {
        **record,
        "Contact": document_contact(org, record, full=False),
        "ID": record["RepeatingInvoiceID"],
        "HasAttachments": False,
    }


def document_summary(org: Organisation, record: Record) -> Record:
    """Return an invoice with what summaryOnly leaves of it."""
    shown = document_whole(org, record, full_contact=False)
    for name in ("Payments", "HasAttachments", "LineItems", "CISDeduction"):
        shown.pop(name, None)
    return shown


def _payments(org: Organisation, document_id: str) -> list[Record]:
    return [_short_payment(p) for p in org["Payments"].find("_document", document_id) if p["Status"] != "DELETED"]


def _short_payment(payment: Record) -> Record:
    shown = {name: payment.get(name) for name in ("PaymentID", "Date", "Amount", "Reference", "CurrencyRate")}
    return {**shown, "HasAccount": True, "HasValidationErrors": False}


def _credits(org: Organisation, invoice: Record) -> list[Record]:
    found = []
    for note_id in invoice.get("_notes", []):
        note = org["CreditNotes"].rows[note_id]
        for allocation in note.get("Allocations", []):
            if allocation["Invoice"]["InvoiceID"] == invoice["InvoiceID"]:
                found.append(
                    {
                        "CreditNoteID": note["CreditNoteID"],
                        "CreditNoteNumber": note["CreditNoteNumber"],
                        "AppliedAmount": allocation["Amount"],
                        "Date": allocation["Date"],
                        "Total": note["Total"],
                    }
                )
    return found
