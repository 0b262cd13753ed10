"""Payments and allocations of credit on the wire (xero-api sections 9.10 and 9.11)."""

from decimal import Decimal
from typing import Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.postings import AllocationPosting, PaymentPosting
from xerotui.model.records import Payment
from xerotui.xero.dates import day, instant, version
from xerotui.xero.wire import Wire, plain, read

_TARGETS = {Kind.INVOICE: ("Invoice", "InvoiceID"), Kind.CREDIT_NOTE: ("CreditNote", "CreditNoteID")}


class PaidForWire(Wire):
    """What a payment is laid on; each family fills its own id and number."""

    InvoiceID: str | None = None
    InvoiceNumber: str | None = None
    CreditNoteID: str | None = None
    CreditNoteNumber: str | None = None
    PrepaymentID: str | None = None
    OverpaymentID: str | None = None
    CurrencyCode: str | None = None


class AccountRefWire(Wire):
    """The account of a payment; a bank account may have no code."""

    AccountID: str | None = None
    Code: str | None = None


class BatchWire(Wire):
    """The batch that a payment was made in."""

    BatchPaymentID: str | None = None


class PaymentWire(Wire):
    """Xero's Payment (xero-api section 9.11)."""

    PaymentID: str | None = None
    Date: str | None = None
    Amount: Decimal | None = None
    CurrencyRate: Decimal | None = None
    Reference: str | None = None
    PaymentType: str | None = None
    Status: str | None = None
    IsReconciled: bool | None = None
    UpdatedDateUTC: str | None = None
    Invoice: PaidForWire | None = None
    CreditNote: PaidForWire | None = None
    Prepayment: PaidForWire | None = None
    Overpayment: PaidForWire | None = None
    Account: AccountRefWire | None = None
    BatchPayment: BatchWire | None = None
    BatchPaymentID: str | None = None


def payment(raw: msgspec.Raw | bytes, tenant: str) -> Payment:
    """A payment of either side of the books; facts hold `version`, and `on` where it is laid on no document of ours.

    `on` is prepayment or overpayment. A deleted payment stays readable with its status.
    """
    wire = read(raw, PaymentWire)
    facts = {"version": version(wire.UpdatedDateUTC)}
    kind, target, document, number = None, PaidForWire(), "", ""
    if wire.Invoice:
        kind, target = Kind.INVOICE, wire.Invoice
        document, number = target.InvoiceID or "", target.InvoiceNumber or ""
    elif wire.CreditNote:
        kind, target = Kind.CREDIT_NOTE, wire.CreditNote
        document, number = target.CreditNoteID or "", target.CreditNoteNumber or ""
    elif wire.Prepayment:
        target, facts["on"] = wire.Prepayment, "prepayment"
        document = target.PrepaymentID or ""
    elif wire.Overpayment:
        target, facts["on"] = wire.Overpayment, "overpayment"
        document = target.OverpaymentID or ""
    account = wire.Account or AccountRefWire()
    batch = wire.BatchPayment or BatchWire()
    return Payment(
        id=wire.PaymentID or "",
        kind=Kind.PAYMENT,
        name=number or wire.Reference or "",
        tenant=tenant,
        modified=instant(wire.UpdatedDateUTC),
        facts={name: value for name, value in facts.items() if value},
        document=document,
        for_kind=kind,
        number=number,
        date=day(wire.Date),
        amount=wire.Amount,
        currency=target.CurrencyCode or "",
        currency_rate=wire.CurrencyRate,
        reference=wire.Reference or "",
        account=account.AccountID or "",
        account_code=account.Code or "",
        status=wire.Status or "AUTHORISED",
        type=wire.PaymentType or "",
        reconciled=bool(wire.IsReconciled),
        batch=batch.BatchPaymentID or wire.BatchPaymentID or "",
    )


def payment_body(posting: PaymentPosting) -> dict[str, Any]:
    """A payment as Xero takes it: document and account by id, so that nothing is found by a number that moved."""
    name, id = _TARGETS[posting.for_kind]
    body: dict[str, Any] = {
        name: {id: posting.document},
        "Account": {"Code" if posting.account_is_code else "AccountID": posting.account},
        "Date": posting.date.isoformat(),
        "Amount": plain(posting.amount),
        "Reference": posting.reference,
    }
    if posting.currency_rate is not None:
        body["CurrencyRate"] = plain(posting.currency_rate)
    return body


def allocation_body(posting: AllocationPosting) -> dict[str, Any]:
    """A part of a credit note laid on an invoice; the note itself stands in the address."""
    return {
        "Invoice": {"InvoiceID": posting.invoice},
        "Amount": plain(posting.amount),
        "Date": posting.date.isoformat(),
    }
