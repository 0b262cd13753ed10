"""What a person does in Xero's own pages: pay, refund, allocate, void, merge, archive, and what a role may do.

Each act names its record by id and raises KeyError or ValueError where it can't be done. Only what the pages do, which
may be more than the API offers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from xerotui.sandbox.xero import payments
from xerotui.sandbox.xero.store import Organisation, Record

Act = Callable[[Organisation, dict[str, Any]], Record]
_DOCUMENTS = {"InvoiceID": "Invoices", "CreditNoteID": "CreditNotes", "PurchaseOrderID": "PurchaseOrders"}
_ARCHIVED = {"ContactID": "Contacts", "AccountID": "Accounts", "TrackingCategoryID": "TrackingCategories"}


def _named(org: Organisation, body: dict[str, Any], places: dict[str, str]) -> tuple[str, Record]:
    for id_field, plural in places.items():
        if id_field in body:
            record = org[plural].get(str(body[id_field]).lower())
            if record is None:
                raise KeyError(f"no such record in {plural}")
            return plural, record
    raise KeyError(f"one of {', '.join(places)} is needed")


def pay(org: Organisation, body: dict[str, Any]) -> Record:
    """Pay an invoice, or refund a credit note: all that is due, or ``Amount``, today or on ``Date``."""
    _, document = _named(org, body, {"InvoiceID": "Invoices", "CreditNoteID": "CreditNotes"})
    bank = next((a for a in org["Accounts"] if a["Type"] == "BANK" and a["Status"] == "ACTIVE"), None)
    if bank is None or document["Status"] != "AUTHORISED":
        raise ValueError("nothing to pay, or no bank account to pay from")
    amount = Decimal(str(body.get("Amount", payments.outstanding(document))))
    day: date = body.get("Date") or org.today()
    return payments.pay(org, document, bank, amount, day)


def unpay(org: Organisation, body: dict[str, Any]) -> Record:
    """Remove a payment."""
    _, payment = _named(org, body, {"PaymentID": "Payments"})
    return payments.take_back(org, payment)


def allocate(org: Organisation, body: dict[str, Any]) -> Record:
    """Lay a credit note on an invoice: as much as both have left, or ``Amount``."""
    _, note = _named(org, body, {"CreditNoteID": "CreditNotes"})
    _, invoice = _named(org, body, {"InvoiceID": "Invoices"})
    amount = Decimal(str(body.get("Amount", min(note["RemainingCredit"], invoice["AmountDue"]))))
    return payments.lay(org, note, invoice, amount, body.get("Date") or org.today())


def void(org: Organisation, body: dict[str, Any]) -> Record:
    """Void an approved document or delete a draft, where nothing is laid on it."""
    plural, document = _named(org, body, _DOCUMENTS)
    if document.get("AmountPaid") or document.get("AmountCredited") or document.get("_applied"):
        raise ValueError("remove payments and credits first")
    draft = plural == "PurchaseOrders" or document["Status"] in ("DRAFT", "SUBMITTED")
    return org.save(plural, {**document, "Status": "DELETED" if draft else "VOIDED"})


def archive(org: Organisation, body: dict[str, Any]) -> Record:
    """Archive a contact, an account or a tracking category, or bring it back with ``restore``."""
    plural, record = _named(org, body, _ARCHIVED)
    field = "ContactStatus" if plural == "Contacts" else "Status"
    changed = {**record, field: "ACTIVE" if body.get("restore") else "ARCHIVED"}
    return org[plural].put(changed) if plural == "TrackingCategories" else org.save(plural, changed)


def merge(org: Organisation, body: dict[str, Any]) -> Record:
    """Merge the contact ``ContactID`` into ``into``: its documents move, it stays behind archived."""
    _, gone = _named(org, body, {"ContactID": "Contacts"})
    kept = org["Contacts"].get(str(body["into"]).lower())
    if kept is None or kept is gone:
        raise KeyError("no other contact to merge into")
    for plural in _DOCUMENTS.values():
        for document in org[plural].find("Contact.ContactID", gone["ContactID"]):
            org.save(plural, {**document, "Contact": {"ContactID": kept["ContactID"]}})
    for name in ("IsCustomer", "IsSupplier"):
        kept[name] = bool(kept.get(name) or gone.get(name))
    merged = {"ContactStatus": "ARCHIVED", "MergedToContactID": kept["ContactID"]}
    return org.save("Contacts", {**gone, **merged})


def role(org: Organisation, body: dict[str, Any]) -> Record:
    """Take actions of /Organisation/Actions from the consenting user, and limit approvals of a month."""
    org.info["_denied"] = tuple(body.get("denied", ()))
    org.info["_approvals"] = body.get("approvals")
    return {"denied": list(org.info["_denied"]), "approvals": org.info["_approvals"]}


ACTS: dict[str, Act] = {
    "payments": pay,
    "unpay": unpay,
    "allocate": allocate,
    "void": void,
    "archive": archive,
    "merge": merge,
    "role": role,
}
