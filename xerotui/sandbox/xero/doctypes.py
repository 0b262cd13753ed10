"""The three families of documents and what sets them apart: names, types, statuses, words of refusal.

Facts only (xero-api sections 5.1, 7.1, 9.8, 9.9, 9.10); the work is done in `documents`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Family:
    """One family of documents.

    ``types`` maps a type to (kind in the journal, whether it is a sale). ``moves`` maps a status to those that
    may follow it. ``unique`` are the types whose number is unique and by which a POST finds its document.
    """

    plural: str
    singular: str
    id: str
    number: str
    prefix: str
    types: dict[str, tuple[str, bool]]
    moves: dict[str, tuple[str, ...]]
    unique: tuple[str, ...]
    number_taken: str
    bad_move: str
    approved: tuple[str, ...] = ("AUTHORISED",)
    final: tuple[str, ...] = ("VOIDED", "DELETED")
    ledger: bool = True
    creates_contacts: bool = True
    discounts: tuple[str, ...] = ()
    due_date: bool = False
    sent_warning: str = ""
    verbs: dict[str, str] = field(default_factory=lambda: {"VOIDED": "void", "DELETED": "delete"})


_LEDGER_MOVES = {
    "DRAFT": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
    "SUBMITTED": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
    "AUTHORISED": ("AUTHORISED", "VOIDED"),
    "PAID": ("PAID",),
}

INVOICES = Family(
    plural="Invoices",
    singular="Invoice",
    id="InvoiceID",
    number="InvoiceNumber",
    prefix="INV",
    types={"ACCREC": ("invoice", True), "ACCPAY": ("bill", False)},
    moves=_LEDGER_MOVES,
    unique=("ACCREC",),
    number_taken="Invoice # must be unique.",
    bad_move="Invoice not of valid status for modification",
    discounts=("ACCREC",),
    due_date=True,
    sent_warning="Only AUTHORISED invoices may have SentToContact updated.",
)

CREDIT_NOTES = Family(
    plural="CreditNotes",
    singular="CreditNote",
    id="CreditNoteID",
    number="CreditNoteNumber",
    prefix="CN",
    types={"ACCRECCREDIT": ("credit_note", True), "ACCPAYCREDIT": ("credit_note", False)},
    moves=_LEDGER_MOVES,
    unique=("ACCRECCREDIT",),
    number_taken="Credit note number must be unique.",
    bad_move="Credit note not of valid status for modification",
    sent_warning="Only AUTHORISED credit notes may have SentToContact updated.",
)

PURCHASE_ORDERS = Family(
    plural="PurchaseOrders",
    singular="PurchaseOrder",
    id="PurchaseOrderID",
    number="PurchaseOrderNumber",
    prefix="PO",
    types={"PURCHASEORDER": ("purchase_order", False)},
    moves={
        "DRAFT": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
        "SUBMITTED": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
        "AUTHORISED": ("AUTHORISED", "BILLED", "DELETED"),
        "BILLED": ("BILLED", "DELETED"),
    },
    unique=("PURCHASEORDER",),
    number_taken="Order number must be unique",
    bad_move="PurchaseOrder status change is invalid",
    approved=("AUTHORISED", "BILLED"),
    final=("DELETED",),
    ledger=False,
    creates_contacts=False,
    sent_warning="Only AUTHORISED and BILLED purchase orders may have SentToContact updated.",
)

FAMILIES = {family.plural: family for family in (INVOICES, CREDIT_NOTES, PURCHASE_ORDERS)}
