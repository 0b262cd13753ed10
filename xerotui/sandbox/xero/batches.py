"""Batch payments: several documents paid at once, and all of it taken back (xero-api sections 2 and 9.11)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from starlette.responses import Response

from xerotui.sandbox.xero import payments
from xerotui.sandbox.xero.call import Call, Verdict, answer_batch, answer_one
from xerotui.sandbox.xero.errors import ZERO_GUID, Refused, invalid, not_found
from xerotui.sandbox.xero.schema import Clean
from xerotui.sandbox.xero.store import Organisation, Record, new_id
from xerotui.sandbox.xero.tax import ZERO, rounded

FLAG = ""
# A document, how much of it is paid, the rate.
Part = tuple[Record, Decimal, Decimal]


def put_many(call: Call) -> Response:
    """PUT /BatchPayments: create each."""
    cleans = call.elements("BatchPayments", "BatchPayment")
    for clean in cleans:
        for part in clean.values.get("Payments", []):
            call.known("Invoices", part.get("Invoice", {}).get("InvoiceID"))
    return answer_batch(call, "BatchPayments", cleans, _create, FLAG)


def delete(call: Call) -> Response:
    """POST /BatchPayments[/{BatchPaymentID}] with Status DELETED: take the whole batch back."""
    clean = call.one("BatchPayments", "BatchPayment")
    id = call.args[0] if call.args else clean.values.get("BatchPaymentID", "")
    batch = call.org["BatchPayments"].get(id.lower())
    if batch is None:
        raise Refused(not_found())
    if clean.values.get("Status") != "DELETED":
        raise Refused(invalid(["Batch payments can't be edited, only deleted"]), "payment edit")
    if batch["Status"] == "DELETED":
        raise Refused(invalid(["Batch payment has already been deleted"]))
    payments.unlocked(call.org, batch["Date"])
    for part in batch["_payments"]:
        payments.take_back(call.org, call.org["Payments"].rows[part])
    batch["Status"] = "DELETED"
    call.org.save("BatchPayments", batch)
    call.write("batch_payment", "delete", batch["BatchPaymentID"], batch.get("Reference", ""))
    return answer_one(call, "BatchPayments", Verdict(whole(call.org, batch)), FLAG)


def whole(org: Organisation, record: Record) -> Record:
    """Return a batch with its payments."""
    parts = [org["Payments"].rows[id] for id in record.get("_payments", [])]
    shown = [
        {"PaymentID": p["PaymentID"], "Amount": p["Amount"], "Invoice": {"InvoiceID": p["_document"]}} for p in parts
    ]
    return {**record, "Payments": shown}


def _create(call: Call, clean: Clean) -> Verdict:
    org, values = call.org, clean.values
    account = payments.payable(org, values)
    day = values.get("Date") or org.today()
    errors = [*clean.errors, *payments.locked(org, day)]
    if account is None:
        errors.append("Account could not be found")
    parts: list[Part] = []
    for part in values.get("Payments", []):
        invoice = payments.document_of(org, part)
        amount = rounded(part.get("Amount", ZERO))
        # A document may be named more than once: together the parts may pay no more than is due.
        before = sum((paid for other, paid, _ in parts if other is invoice), ZERO)
        rate, wrong = payments.exchanged(call, part, invoice, account)
        errors += [*payments.against(invoice, amount, before), *wrong]
        if invoice is not None:
            parts.append((invoice, amount, rate))
    if not values.get("Payments"):
        errors.append("A batch payment needs at least one payment")
    if len({(invoice["Type"], invoice["CurrencyCode"]) for invoice, _, _ in parts}) > 1:
        errors.append("The payments of a batch must be for documents of one type and currency")
    if errors or account is None:
        return Verdict({**values, "BatchPaymentID": ZERO_GUID}, list(dict.fromkeys(errors)))
    return Verdict(whole(org, _store(call, values, account, day, parts)))


def _store(call: Call, values: Record, account: Record, day: Any, parts: list[Part]) -> Record:
    org, id = call.org, new_id()
    made = [payments.pay(org, invoice, account, amount, day, rate) for invoice, amount, rate in parts]
    for payment in made:
        payment.update(_api=True, Reference=values.get("Reference", ""), BatchPayment={"BatchPaymentID": id})
    sale = parts[0][0]["Type"] == "ACCREC"
    batch: Record = {
        "BatchPaymentID": id,
        "Account": {"AccountID": account["AccountID"]},
        "Reference": values.get("Reference", ""),
        "Date": day,
        "Type": "RECBATCH" if sale else "PAYBATCH",
        "Status": "AUTHORISED",
        "TotalAmount": sum((amount for _, amount, _ in parts), ZERO),
        "IsReconciled": False,
        "_payments": [payment["PaymentID"] for payment in made],
    }
    org.save("BatchPayments", batch)
    call.write(
        "batch_payment",
        "create",
        id,
        batch["Reference"],
        total=batch["TotalAmount"],
        currency=parts[0][0]["CurrencyCode"],
    )
    return batch
