"""Payments and credit allocations: what they may be laid on, and how they settle a document.

Rules of xero-api sections 7.1, 9.10 and 9.11 live here.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from starlette.responses import Response

from xerotui.sandbox.service import json_reply
from xerotui.sandbox.xero.call import Call, Verdict, answer_batch, answer_one
from xerotui.sandbox.xero.currency import NO_RATE, day_rate, in_account
from xerotui.sandbox.xero.errors import ZERO_GUID, Refused, invalid, not_found
from xerotui.sandbox.xero.render import shape
from xerotui.sandbox.xero.schema import Clean
from xerotui.sandbox.xero.store import Organisation, Record, new_id
from xerotui.sandbox.xero.tax import ZERO, rounded

FLAG = "HasValidationErrors"
_SIDES = {"ACCRECCREDIT": "ACCREC", "ACCPAYCREDIT": "ACCPAY"}
LOCKED = "The document date cannot be before the {name} lock date, currently set at {day} {rest}"
NOT_PERMITTED = "The User specified does not have the correct permissions to perform this action."
_PAYMENT_TYPES = {
    "ACCREC": "ACCRECPAYMENT",
    "ACCPAY": "ACCPAYPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
    "ACCPAYCREDIT": "APCREDITPAYMENT",
}


def put_many(call: Call) -> Response:
    """PUT /Payments: create each."""
    cleans = call.elements("Payments", "Payment")
    for clean in cleans:
        _known(call, clean)
    return answer_batch(call, "Payments", cleans, _create, FLAG)


def post_one(call: Call) -> Response:
    """POST /Payments: create one."""
    clean = call.one("Payments", "Payment")
    _known(call, clean)
    return answer_one(call, "Payments", _create(call, clean), FLAG)


def delete(call: Call) -> Response:
    """POST /Payments/{PaymentID} with Status DELETED: take the payment back."""
    payment = call.target("Payments", call.args[0])
    clean = call.one("Payments", "Payment")
    if clean.values.get("Status") != "DELETED":
        raise Refused(invalid(["Payments can't be edited, only deleted"]), "payment edit")
    if payment["Status"] == "DELETED":
        raise Refused(invalid(["Payment has already been deleted"]))
    if payment.get("BatchPayment"):
        raise Refused(invalid(["A payment of a batch can only be deleted with its batch"]))
    unlocked(call.org, payment["Date"])
    take_back(call.org, payment)
    call.write("payment", "delete", payment["PaymentID"], payment.get("Reference", ""))
    return answer_one(call, "Payments", Verdict(payment), FLAG)


def take_back(org: Organisation, payment: Record) -> Record:
    """Delete a payment and settle its document anew; no rule is applied."""
    payment["Status"] = "DELETED"
    org.save("Payments", payment)
    _settle(org, payment)
    return payment


def pay(
    org: Organisation, document: Record, account: Record, amount: Decimal, day: date, rate: Decimal | None = None
) -> Record:
    """Store a payment on a document and settle it; no rule is applied. ``rate`` is the day's unless given."""
    code = document["CurrencyCode"]
    rate = rate or day_rate(org.currency, code) or document["CurrencyRate"]
    plural = "Invoices" if "InvoiceID" in document else "CreditNotes"
    what, id, number = (
        ("Invoice", "InvoiceID", "InvoiceNumber")
        if plural == "Invoices"
        else ("CreditNote", "CreditNoteID", "CreditNoteNumber")
    )
    payment: Record = {
        "PaymentID": new_id(),
        "Date": day,
        "Amount": amount,
        "BankAmount": in_account(amount, code, rate, org.currency, account.get("CurrencyCode") or org.currency),
        "Reference": "",
        "CurrencyRate": rate,
        "PaymentType": _PAYMENT_TYPES[document["Type"]],
        "Status": "AUTHORISED",
        "IsReconciled": False,
        "HasAccount": True,
        "Account": {"AccountID": account["AccountID"], "Code": account.get("Code")},
        what: {id: document[id], number: document.get(number), "Type": document["Type"]},
        "_document": document[id],
        "_plural": plural,
    }
    org.save("Payments", payment)
    _settle(org, payment)
    return payment


def _known(call: Call, clean: Clean) -> None:
    for what, plural in (("Invoice", "Invoices"), ("CreditNote", "CreditNotes")):
        call.known(plural, clean.values.get(what, {}).get(f"{what}ID"))


def document_of(org: Organisation, values: Record) -> Record | None:
    """Return the invoice or credit note that a payment names by id or number, or None."""
    for what, plural in (("Invoice", "Invoices"), ("CreditNote", "CreditNotes")):
        block = values.get(what, {})
        if id := block.get(f"{what}ID"):
            return org[plural].get(id)
        if number := block.get(f"{what}Number") or values.get(f"{what}Number"):
            return next(iter(org[plural].find(f"{what}Number", number)), None)
    return None


def payable(org: Organisation, values: Record) -> Record | None:
    """Return the account that a payment names, where payments may be made to it."""
    reference = values.get("Account", {})
    account = org.account(reference.get("Code") or values.get("Code"), reference.get("AccountID"))
    if account is None or account["Status"] != "ACTIVE":
        return None
    return account if account["Type"] == "BANK" or account.get("EnablePaymentsToAccount") else None


def against(document: Record | None, amount: Decimal, before: Decimal = ZERO) -> list[str]:
    """Return the messages against paying so much of a document, of which ``before`` is paid by the same request."""
    errors = []
    if document is None:
        errors.append("Payment must be made against an invoice or a credit note")
    elif document["Status"] != "AUTHORISED":
        errors.append("Payments can only be made against authorised documents")
    elif amount + before > outstanding(document):
        errors.append("Payment amount exceeds the amount outstanding on this document")
    if amount <= 0:
        errors.append("Payment amount must be greater than zero")
    return errors


def exchanged(call: Call, values: Record, document: Record | None, account: Record | None) -> tuple[Decimal, list[str]]:
    """Return the rate of a payment and the messages against it (xero-api sections 8 and 9.11)."""
    org, sent = call.org, values.get("CurrencyRate")
    code = (document or {}).get("CurrencyCode", org.currency)
    if code == org.currency:
        if sent not in (None, 1):
            call.violation("field", f"CurrencyRate is ignored: {code} is the organisation's own")
        return Decimal(1), []
    rate = day_rate(org.currency, code) if sent is None else rounded(sent, 6)
    if not rate or rate <= 0:
        return Decimal(1), [NO_RATE]
    own = (account or {}).get("CurrencyCode") or org.currency
    if in_account(ZERO, code, rate, org.currency, own) is None:
        call.violation("not known of Xero", f"a document in {code} paid from an account in {own}")
        return rate, ["Account could not be found"]
    return rate, []


def _create(call: Call, clean: Clean) -> Verdict:
    org, values = call.org, clean.values
    document, account = document_of(org, values), payable(org, values)
    day = values.get("Date") or org.today()
    amount = rounded(values.get("Amount", ZERO))
    errors = [*clean.errors, *against(document, amount)]
    if account is None:
        errors.append("Account could not be found")
    rate, wrong = exchanged(call, values, document, account)
    errors += [*wrong, *locked(org, day)]
    if org.denied("CreateInvoicePayment"):
        errors.append(NOT_PERMITTED)
    if errors or document is None or account is None:
        return Verdict({**values, "PaymentID": ZERO_GUID}, errors)
    payment = pay(org, document, account, amount, day, rate)
    payment["Reference"] = values.get("Reference", "")
    payment["IsReconciled"] = values.get("IsReconciled", False)
    payment["_api"] = True
    call.write(
        "payment",
        "create",
        payment["PaymentID"],
        payment["Reference"],
        total=amount,
        currency=document["CurrencyCode"],
        document=payment["_document"],
    )
    return Verdict(payment)


def locked(org: Organisation, day: date) -> list[str]:
    """Return the message against a date in a locked period."""
    for field, name in (("EndOfYearLockDate", "end of year"), ("PeriodLockDate", "period")):
        lock = org.info.get(field)
        if lock and day <= lock:
            return [LOCKED.format(name=name, day=lock.day, rest=f"{lock:%B %Y}")]
    return []


def unlocked(org: Organisation, day: date) -> None:
    """Refuse the request where it would take back something of a locked period."""
    if messages := locked(org, day):
        raise Refused(invalid(messages))


def outstanding(document: Record) -> Decimal:
    """Return what may still be paid or credited on a document."""
    return Decimal(document["AmountDue"] if "InvoiceID" in document else document["RemainingCredit"])


def _settle(org: Organisation, payment: Record) -> None:
    settle(org, payment["_plural"], payment["_document"])


def settle(org: Organisation, plural: str, document_id: str) -> None:
    """Work out anew what is paid, credited and due, and whether the document is PAID."""
    document = org[plural].rows[document_id]
    live = [p for p in org["Payments"].find("_document", document_id) if p["Status"] == "AUTHORISED"]
    paid = sum((p["Amount"] for p in live), ZERO)
    days = [p["Date"] for p in live]
    if plural == "Invoices":
        credits = [a for note in _notes(org, document) for a in note["Allocations"]]
        mine = [a for a in credits if a["Invoice"]["InvoiceID"] == document_id]
        credited = sum((a["Amount"] for a in mine), ZERO)
        days += [a["Date"] for a in mine]
        document.update(AmountPaid=paid, AmountCredited=credited, AmountDue=document["Total"] - paid - credited)
    else:
        applied = paid + sum((a["Amount"] for a in document["Allocations"]), ZERO)
        document.update(_applied=applied, RemainingCredit=document["Total"] - applied)
        days += [a["Date"] for a in document["Allocations"]]
    if document["Status"] in ("AUTHORISED", "PAID"):
        full = outstanding(document) == 0 and bool(days)
        document["Status"] = "PAID" if full else "AUTHORISED"
        document["FullyPaidOnDate"] = max(days) if full else None
    org.save(plural, document)


def _notes(org: Organisation, invoice: Record) -> list[Record]:
    return [org["CreditNotes"].rows[id] for id in invoice.get("_notes", [])]


# ---------------------------------------------------------------- allocations of credit notes


def allocate(call: Call) -> Response:
    """PUT /CreditNotes/{id}/Allocations: lay a credit on invoices of the same contact."""
    note = call.target("CreditNotes", call.args[0], "CreditNoteNumber")
    cleans = call.elements("Allocations", "Allocation")
    for clean in cleans:
        call.known("Invoices", clean.values.get("Invoice", {}).get("InvoiceID"))
    return answer_batch(call, "Allocations", cleans, lambda c, clean: _allocate(c, note, clean), "")


def _allocate(call: Call, note: Record, clean: Clean) -> Verdict:
    org, values = call.org, clean.values
    errors = list(clean.errors)
    invoice = document_of(org, {"Invoice": values.get("Invoice", {})})
    amount = rounded(values.get("Amount", ZERO))
    if invoice is None:
        errors.append("An invoice must be specified")
    elif note["Status"] != "AUTHORISED" or invoice["Status"] != "AUTHORISED":
        errors.append("Credit can only be allocated between authorised documents")
    elif _SIDES[note["Type"]] != invoice["Type"]:
        errors.append("The invoice is of another type than the credit note")
    elif note["Contact"]["ContactID"] != invoice["Contact"]["ContactID"]:
        errors.append("The invoice belongs to another contact than the credit note")
    elif note["CurrencyCode"] != invoice["CurrencyCode"]:
        errors.append("The invoice is in another currency than the credit note")
        call.violation("not known of Xero", f"credit in {note['CurrencyCode']} for {invoice['CurrencyCode']}")
    elif amount <= 0 or amount > min(note["RemainingCredit"], invoice["AmountDue"]):
        errors.append("The amount is not within what is outstanding on both documents")
    day = values.get("Date") or org.today()
    errors += locked(org, day)
    if errors or invoice is None:
        return Verdict({"AllocationID": ZERO_GUID, **values}, errors)
    allocation = lay(org, note, invoice, amount, day)
    call.write(
        "allocation",
        "create",
        allocation["AllocationID"],
        note["CreditNoteNumber"],
        total=amount,
        currency=note["CurrencyCode"],
        document=invoice["InvoiceID"],
    )
    return Verdict(allocation)


def lay(org: Organisation, note: Record, invoice: Record, amount: Decimal, day: date) -> Record:
    """Store an allocation and settle both documents; no rule is applied."""
    allocation: Record = {
        "AllocationID": new_id(),
        "Amount": amount,
        "Date": day,
        "Invoice": {"InvoiceID": invoice["InvoiceID"], "InvoiceNumber": invoice.get("InvoiceNumber")},
    }
    note["Allocations"] = [*note["Allocations"], allocation]
    invoice["_notes"] = list(dict.fromkeys([*invoice.get("_notes", []), note["CreditNoteID"]]))
    settle(org, "CreditNotes", note["CreditNoteID"])
    settle(org, "Invoices", invoice["InvoiceID"])
    return allocation


def deallocate(call: Call) -> Response:
    """DELETE /CreditNotes/{id}/Allocations/{AllocationID}: take an allocation back."""
    note = call.target("CreditNotes", call.args[0], "CreditNoteNumber")
    allocation = next((a for a in note["Allocations"] if a["AllocationID"] == call.args[1].lower()), None)
    if allocation is None:
        raise Refused(not_found())
    unlocked(call.org, allocation["Date"])
    note["Allocations"] = [a for a in note["Allocations"] if a is not allocation]
    settle(call.org, "CreditNotes", note["CreditNoteID"])
    settle(call.org, "Invoices", allocation["Invoice"]["InvoiceID"])
    call.write("allocation", "delete", allocation["AllocationID"], note["CreditNoteNumber"])
    # Alone, without envelope or list: so Xero's own file has it, and its SDKs read it.
    return json_reply(shape({**allocation, "IsDeleted": True}, "Allocations"))
