"""Xero's arithmetic of lines and documents, written for the judge alone (xero-api section 8).

Pure functions of Decimals; nothing else may live here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

HUNDRED = Decimal(100)
ZERO = Decimal("0.00")
Round = Callable[[Decimal], Decimal]


def rounded(amount: Decimal, places: int = 2) -> Decimal:
    """Return ``amount`` with ``places`` decimals, half away from zero."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def line_amount(
    quantity: Decimal, unit: Decimal, rate: Decimal | None, amount: Decimal | None, half: Round = rounded
) -> Decimal:
    """Return the amount of a line after its discount, given as a percentage or as an amount."""
    if rate is not None:
        return half(quantity * unit * (HUNDRED - rate) / HUNDRED)
    return half(quantity * unit) - (amount or Decimal(0))


def line_tax(amount: Decimal, rate: Decimal, types: str, half: Round = rounded) -> Decimal:
    """Return the tax of a line whose amount excludes tax, includes it, or bears none."""
    if types == "NoTax":
        return ZERO
    if types == "Inclusive":
        return half(amount * rate / (HUNDRED + rate))
    return half(amount * rate / HUNDRED)


def totals(lines: Iterable[dict[str, Any]], types: str) -> tuple[Decimal, Decimal, Decimal]:
    """Return (sub-total, tax, total) of lines that carry LineAmount and TaxAmount."""
    amount = tax = ZERO
    for line in lines:
        amount += line.get("LineAmount", ZERO)
        tax += line.get("TaxAmount", ZERO)
    if types == "Inclusive":
        return amount - tax, tax, amount
    return amount, tax, amount + tax
