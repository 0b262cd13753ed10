"""Halo's credits: invoices of a negative total, or such as are linked to the invoice that they credit.

How a credit is told, and on which side of nought its amounts stand, nobody says for sure (halo-api section 7.8); here
alone it is decided. As records credits have positive amounts, as Xero's credit notes have.
"""

from decimal import Decimal

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Document, Line
from xerotui_halo.values import Row, Unreadable, amount, ident


def is_credit(row: Row) -> bool:
    """True for a credit. What can't be read counts as an invoice, of which its amount is then said to be wrong."""
    try:
        return bool(ident(row, "creditlinkedtoinvoiceid")) or amount(row, "total") < 0
    except Unreadable:
        return False


def credited(document: Document, row: Row) -> Document:
    """The credit note that a credit read as an invoice is: its own number, amounts above nought, the original named."""
    negative = sum((_amount(line) for line in document.lines), Decimal(0)) < 0
    lines = tuple(_turned(line) for line in document.lines) if negative else document.lines
    return msgspec.structs.replace(
        document,
        kind=Kind.CREDIT_NOTE,
        credits=ident(row, "creditlinkedtoinvoiceid"),
        # A credit falls due on no day.
        due_date=None,
        lines=lines,
        subtotal=_positive(document.subtotal),
        tax=_positive(document.tax),
        total=_positive(document.total),
    )


def _amount(line: Line) -> Decimal:
    return line.quantity * line.unit_price


def _turned(line: Line) -> Line:
    """The line on the other side of nought: its quantity is turned where that is negative, else its price."""
    if line.heading or not _amount(line):
        return line
    factor = {"quantity": -line.quantity} if line.quantity < 0 else {"unit_price": -line.unit_price}
    return msgspec.structs.replace(line, net=_negated(line.net), tax=_negated(line.tax), **factor)


def _negated(value: Decimal | None) -> Decimal | None:
    return None if value is None else -value


def _positive(value: Decimal | None) -> Decimal | None:
    return None if value is None else abs(value)
