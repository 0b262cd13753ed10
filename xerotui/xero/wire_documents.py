"""Invoices, credit notes and purchase orders on the wire."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.money import AmountsAre
from xerotui.model.postings import DocumentEdit, DocumentPosting, PostingLine
from xerotui.model.records import Document, Line, Settled
from xerotui.xero.dates import day, instant, version
from xerotui.xero.wire import ENDPOINTS, Wire, plain, read

SALES_TYPES = {Kind.INVOICE: "ACCREC", Kind.CREDIT_NOTE: "ACCRECCREDIT"}
_AMOUNTS = {"exclusive": AmountsAre.EXCLUSIVE, "inclusive": AmountsAre.INCLUSIVE, "notax": AmountsAre.NO_TAX}


class TrackingWire(Wire):
    """A tracking option on a line: ids in answers, names beside them."""

    TrackingCategoryID: str | None = None
    TrackingOptionID: str | None = None
    Name: str | None = None
    Option: str | None = None


class LineWire(Wire):
    """One line of a document (xero-api section 9.8)."""

    LineItemID: str | None = None
    Description: str | None = None
    Quantity: Decimal | None = None
    UnitAmount: Decimal | None = None
    ItemCode: str | None = None
    AccountCode: str | None = None
    TaxType: str | None = None
    TaxAmount: Decimal | None = None
    LineAmount: Decimal | None = None
    DiscountRate: Decimal | None = None
    DiscountAmount: Decimal | None = None
    Tracking: list[TrackingWire] | None = None


class ContactRefWire(Wire):
    """The contact of a document, by its id."""

    ContactID: str | None = None


class PaidWire(Wire):
    """A payment as a document lists it."""

    PaymentID: str | None = None
    Date: str | None = None
    Amount: Decimal | None = None
    Reference: str | None = None


class CreditedWire(Wire):
    """A credit note, prepayment or overpayment as the invoice lists it that it is laid on."""

    CreditNoteID: str | None = None
    CreditNoteNumber: str | None = None
    PrepaymentID: str | None = None
    OverpaymentID: str | None = None
    AppliedAmount: Decimal | None = None
    Date: str | None = None


class InvoiceRefWire(Wire):
    """An invoice by its id and number."""

    InvoiceID: str | None = None
    InvoiceNumber: str | None = None


class AllocationWire(Wire):
    """A part of a credit note laid on an invoice (xero-api section 9.10)."""

    AllocationID: str | None = None
    Amount: Decimal | None = None
    Date: str | None = None
    Invoice: InvoiceRefWire | None = None


class DocumentWire(Wire):
    """Xero's Invoice, CreditNote or PurchaseOrder (xero-api sections 9.8 to 9.10): each fills its own id and number."""

    Type: str | None = None
    InvoiceID: str | None = None
    CreditNoteID: str | None = None
    PurchaseOrderID: str | None = None
    InvoiceNumber: str | None = None
    CreditNoteNumber: str | None = None
    PurchaseOrderNumber: str | None = None
    Reference: str | None = None
    Contact: ContactRefWire | None = None
    Date: str | None = None
    DateString: str | None = None
    DueDate: str | None = None
    DueDateString: str | None = None
    DeliveryDate: str | None = None
    DeliveryDateString: str | None = None
    Status: str | None = None
    LineAmountTypes: str | None = None
    LineItems: list[LineWire] | None = None
    SubTotal: Decimal | None = None
    TotalTax: Decimal | None = None
    Total: Decimal | None = None
    CurrencyCode: str | None = None
    CurrencyRate: Decimal | None = None
    BrandingThemeID: str | None = None
    AmountDue: Decimal | None = None
    AmountPaid: Decimal | None = None
    AmountCredited: Decimal | None = None
    RemainingCredit: Decimal | None = None
    FullyPaidOnDate: str | None = None
    Payments: list[PaidWire] | None = None
    CreditNotes: list[CreditedWire] | None = None
    Prepayments: list[CreditedWire] | None = None
    Overpayments: list[CreditedWire] | None = None
    Allocations: list[AllocationWire] | None = None
    Url: str | None = None
    SentToContact: bool | None = None
    UpdatedDateUTC: str | None = None


def document(raw: msgspec.Raw | bytes, kind: Kind, tenant: str) -> Document:
    """A document of that kind; facts hold `type` (ACCPAY tells a bill) and `version`.

    The due date of an order is its delivery date; what is left of a credit note is its amount due.
    """
    wire = read(raw, DocumentWire)
    contact = wire.Contact or ContactRefWire()
    due = (wire.DueDateString, wire.DueDate)
    if kind is Kind.PURCHASE_ORDER:
        due = (wire.DeliveryDateString, wire.DeliveryDate)
    number: str | None = getattr(wire, ENDPOINTS[kind].number)
    facts = {"type": wire.Type or "", "version": version(wire.UpdatedDateUTC)}
    return Document(
        id=getattr(wire, ENDPOINTS[kind].id) or "",
        kind=kind,
        name=number or "",
        tenant=tenant,
        modified=instant(wire.UpdatedDateUTC),
        facts={name: value for name, value in facts.items() if value},
        number=number or "",
        party=contact.ContactID or "",
        date=day(wire.DateString, wire.Date),
        due_date=day(*due),
        currency=wire.CurrencyCode or "",
        currency_rate=wire.CurrencyRate,
        amounts=_AMOUNTS.get((wire.LineAmountTypes or "").lower(), AmountsAre.EXCLUSIVE),
        reference=wire.Reference or "",
        status=wire.Status or "",
        theme=wire.BrandingThemeID or "",
        lines=tuple(_line(line) for line in wire.LineItems or []),
        subtotal=wire.SubTotal,
        tax=wire.TotalTax,
        total=wire.Total,
        amount_paid=wire.AmountPaid,
        amount_due=wire.AmountDue if wire.RemainingCredit is None else wire.RemainingCredit,
        amount_credited=wire.AmountCredited,
        paid_on=day(wire.FullyPaidOnDate),
        settled=tuple(_settled(wire)),
        url=wire.Url or "",
        sent=bool(wire.SentToContact),
    )


def _settled(wire: DocumentWire) -> Iterator[Settled]:
    """What the document was paid and credited with; short lists leave it out (xero-api section 6.1)."""
    for paid in wire.Payments or []:
        if paid.PaymentID and paid.Amount is not None:
            yield Settled(
                how="payment", id=paid.PaymentID, amount=paid.Amount, date=day(paid.Date), number=paid.Reference or ""
            )
    for how, listed in (
        ("credit_note", wire.CreditNotes),
        ("prepayment", wire.Prepayments),
        ("overpayment", wire.Overpayments),
    ):
        for credit in listed or []:
            id = credit.CreditNoteID or credit.PrepaymentID or credit.OverpaymentID
            if id and credit.AppliedAmount is not None:
                number = credit.CreditNoteNumber or ""
                yield Settled(how=how, id=id, amount=credit.AppliedAmount, date=day(credit.Date), number=number)
    for laid in wire.Allocations or []:
        invoice = laid.Invoice or InvoiceRefWire()
        if invoice.InvoiceID and laid.Amount is not None:
            yield Settled(
                how="credit_note",
                id=invoice.InvoiceID,
                amount=laid.Amount,
                date=day(laid.Date),
                number=invoice.InvoiceNumber or "",
                allocation=laid.AllocationID or "",
            )


def _line(wire: LineWire) -> Line:
    tracked = tuple(
        t.TrackingOptionID or f"{t.Name}={t.Option}" for t in wire.Tracking or [] if t.TrackingOptionID or t.Option
    )
    bare = not wire.Quantity and not wire.UnitAmount and not wire.LineAmount
    return Line(
        id=wire.LineItemID or "",
        texts={"description": wire.Description} if wire.Description else {},
        quantity=wire.Quantity or Decimal(0),
        unit_price=wire.UnitAmount or Decimal(0),
        discount_percent=wire.DiscountRate or Decimal(0),
        net=wire.LineAmount,
        tax=wire.TaxAmount,
        item_code=wire.ItemCode or "",
        account=wire.AccountCode or "",
        tax_rate=wire.TaxType or "",
        tracking=tracked,
        heading=bare and not wire.ItemCode and not wire.AccountCode,
    )


def document_body(posting: DocumentPosting, *, update: bool = False) -> dict[str, Any]:
    """A document as Xero takes it: the contact by id alone, dates as calendar dates, never a total.

    More than the id inside Contact would change the contact (xero-api section 5.1). An update sends an emptied
    reference too, since a missing key keeps its value.
    """
    order = posting.kind is Kind.PURCHASE_ORDER
    body: dict[str, Any] = {
        "Type": SALES_TYPES.get(posting.kind),
        ENDPOINTS[posting.kind].number: posting.number,
        "Contact": {"ContactID": posting.contact},
        "Date": posting.date.isoformat(),
        "DeliveryDate" if order else "DueDate": posting.due_date.isoformat() if posting.due_date else None,
        "LineAmountTypes": posting.amounts.value,
        "CurrencyCode": posting.currency,
        "BrandingThemeID": posting.theme,
        "Status": posting.status,
        "Reference": posting.reference,
    }
    if posting.kind is Kind.CREDIT_NOTE:
        # A credit note has no due date.
        del body["DueDate"]
    if posting.currency_rate is not None and not order:
        body["CurrencyRate"] = plain(posting.currency_rate)
    kept = {name: value for name, value in body.items() if value or (update and name == "Reference")}
    return kept | {"LineItems": [_line_body(line) for line in posting.lines]}


def document_edit(edit: DocumentEdit) -> dict[str, Any]:
    """Of a document only what is named: all that Xero still takes of one that is paid or credited (xero-api 9.8)."""
    posting = edit.posting
    values: dict[str, tuple[str, Any]] = {
        "number": (ENDPOINTS[posting.kind].number, posting.number),
        "contact": ("Contact", {"ContactID": posting.contact}),
        "due_date": ("DueDate", posting.due_date.isoformat() if posting.due_date else None),
        "reference": ("Reference", posting.reference),
        "theme": ("BrandingThemeID", posting.theme or None),
    }
    named = {name: value for field, (name, value) in values.items() if field in edit.fields and value is not None}
    return named | ({"LineItems": [_line_edit(line) for line in posting.lines]} if edit.lines else {})


def _line_edit(line: PostingLine) -> dict[str, Any]:
    kept = ("LineItemID", "Description", "AccountCode", "Tracking")
    return {name: value for name, value in _line_body(line).items() if name in kept}


def _line_body(line: PostingLine) -> dict[str, Any]:
    known = {"LineItemID": line.line_id} if line.line_id else {}
    if line.heading:
        return known | {"Description": line.description}
    body: dict[str, Any] = {
        "Description": line.description or None,
        "Quantity": _number(line.quantity),
        "UnitAmount": _number(line.unit_amount),
        "ItemCode": line.item_code or None,
        "AccountCode": line.account or None,
        "TaxType": line.tax or None,
        "TaxAmount": _number(line.tax_amount),
        "DiscountRate": _number(line.discount_percent) if line.discount_percent else None,
        "Tracking": [_tracking(*entry) for entry in line.tracking] or None,
    }
    return known | {name: value for name, value in body.items() if value is not None}


def _tracking(category: str, option: str, category_name: str, option_name: str) -> dict[str, str]:
    if category and option:
        return {"TrackingCategoryID": category, "TrackingOptionID": option}
    return {"Name": category_name, "Option": option_name}


def _number(value: Decimal | None) -> Decimal | None:
    return None if value is None else plain(value)
