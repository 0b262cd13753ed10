"""Xero's arithmetic: rounding, line amounts, tax per line, document totals. Pure; `Decimal` only.

The rules are those of Xero's rounding guide (xero-api section 8): every line is rounded to the currency's
decimals, tax is worked out and rounded line by line, and the rounded lines are added up. How a tie is broken is
undocumented; half away from zero is assumed, as the reference does.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from enum import StrEnum

import msgspec

ZERO = Decimal(0)
HUNDRED = Decimal(100)
# Digits enough for every product of two long numbers: what another system sends is never cut in silence.
_EXACT = Context(prec=120)
# Currencies whose amounts don't have two decimals (ISO 4217); everything else has two.
_EXPONENTS = dict.fromkeys(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0
)
_EXPONENTS |= dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)


class AmountsAre(StrEnum):
    """Whether line amounts hold tax: Xero's LineAmountTypes."""

    EXCLUSIVE = "Exclusive"
    INCLUSIVE = "Inclusive"
    NO_TAX = "NoTax"


def exponent(currency: str) -> int:
    """How many decimals an amount of the ISO currency has."""
    return _EXPONENTS.get(currency.upper(), 2)


def quantum(decimals: int) -> Decimal:
    """The smallest step with that many decimals: 2 gives 0.01."""
    return Decimal(1).scaleb(-decimals)


def rounded(value: Decimal, decimals: int = 2) -> Decimal:
    """`value` to that many decimals, ties away from zero."""
    return value.quantize(quantum(decimals), ROUND_HALF_UP, _EXACT)


def minor_units(value: Decimal, currency: str) -> int:
    """An amount as an integer of the currency's smallest unit, as SQL keeps it.

    Raises ValueError when the amount is finer than the currency allows.
    """
    scaled = value.scaleb(exponent(currency), _EXACT)
    whole = scaled.to_integral_value()
    if whole != scaled:
        raise ValueError(f"{value} {currency} has more decimals than the currency")
    return int(whole)


def from_minor(units: int, currency: str) -> Decimal:
    """The amount that `minor_units` made an integer of."""
    return Decimal(units).scaleb(-exponent(currency), _EXACT)


class LineSum(msgspec.Struct, frozen=True):
    """One line's net or gross amount (as typed) and its tax, both at the currency's decimals."""

    amount: Decimal
    tax: Decimal


class Totals(msgspec.Struct, frozen=True):
    """A document's totals as Xero will state them, with the lines that make them."""

    subtotal: Decimal
    tax: Decimal
    total: Decimal
    lines: tuple[LineSum, ...] = ()


class PricedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the arithmetic needs of a line: quantity (4 decimals), unit amount (4), discount and tax in percent."""

    quantity: Decimal
    unit_amount: Decimal
    discount_percent: Decimal = ZERO
    tax_percent: Decimal = ZERO
    tax_amount: Decimal | None = None


def line_amount(line: PricedLine, decimals: int = 2) -> Decimal:
    """Quantity by unit amount less discount, rounded to the currency's decimals."""
    with localcontext(_EXACT):
        gross = rounded(line.quantity, 4) * rounded(line.unit_amount, 4)
        return rounded(gross * (HUNDRED - line.discount_percent) / HUNDRED, decimals)


def line_tax(line: PricedLine, amounts: AmountsAre, decimals: int = 2) -> Decimal:
    """The line's tax; an explicit tax amount overrides the rate, as Xero accepts it."""
    if amounts is AmountsAre.NO_TAX:
        return ZERO
    if line.tax_amount is not None:
        return rounded(line.tax_amount, decimals)
    base = line_amount(line, decimals)
    with localcontext(_EXACT):
        divisor = HUNDRED + line.tax_percent if amounts is AmountsAre.INCLUSIVE else HUNDRED
        return rounded(base * line.tax_percent / divisor, decimals)


def totals(lines: Sequence[PricedLine], amounts: AmountsAre, currency: str) -> Totals:
    """What Xero will compute for a document of these lines."""
    decimals = exponent(currency)
    sums = tuple(LineSum(line_amount(x, decimals), line_tax(x, amounts, decimals)) for x in lines)
    with localcontext(_EXACT):
        net = sum((s.amount for s in sums), ZERO)
        tax = sum((s.tax for s in sums), ZERO)
        if amounts is AmountsAre.INCLUSIVE:
            return Totals(net - tax, tax, net, sums)
        return Totals(net, tax, net + tax, sums)
