"""Which filters Xero answers from an index (xero-api section 6.3): facts as data, and one question about them."""

from __future__ import annotations

# By collection: fields that may be compared with ==, and fields that may be compared by range besides.
_EQUAL = {
    "Invoices": "Status Contact.ContactID Contact.Name Contact.ContactNumber Reference InvoiceNumber InvoiceID Type "
    "AmountPaid Date DueDate AmountDue",
    "Contacts": "Name EmailAddress AccountNumber",
    "CreditNotes": "Status Reference Contact.ContactID Contact.Name Contact.ContactNumber Type Date",
    "Payments": "PaymentType Status Invoice.InvoiceID Reference PaymentID Date",
}
_RANGE = {"Invoices": "Date DueDate AmountDue", "CreditNotes": "Date", "Payments": "Date"}
_ALTERNATIVES = {"Invoices": "InvoiceID", "Payments": "Invoice.InvoiceID PaymentID"}


def optimised(plural: str, uses: frozenset[tuple[str, str, bool]]) -> bool:
    """Tell whether an expression that uses these (field, operator, under OR) is answered from an index."""
    equal, ranges = _EQUAL.get(plural, "").split(), _RANGE.get(plural, "").split()
    either = _ALTERNATIVES.get(plural, "").split()
    for field, operator, alternatives in uses:
        allowed = equal if operator == "==" else ranges if operator in (">", ">=", "<", "<=") else []
        if field not in allowed or (alternatives and field not in either):
            return False
    return True
