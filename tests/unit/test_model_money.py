"""Xero's arithmetic against its own examples (xero-api section 8), and against exact fractions for everything else."""

from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xerotui.model import postings, records
from xerotui.model.kinds import Kind
from xerotui.model.money import (
    AmountsAre,
    PricedLine,
    exponent,
    from_minor,
    line_amount,
    line_tax,
    minor_units,
    quantum,
    rounded,
    totals,
)
from xerotui.model.records import Document, Item, Line, Party, TaxComponent, TaxRate

D = Decimal
EXCLUSIVE, INCLUSIVE, NO_TAX = AmountsAre.EXCLUSIVE, AmountsAre.INCLUSIVE, AmountsAre.NO_TAX
# ISO 4217: the currencies without decimals and with three.
NONE = ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
THREE = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]


def line(quantity: str, price: str, tax: str = "0", discount: str = "0", fixed: str = "") -> PricedLine:
    return PricedLine(
        quantity=D(quantity),
        unit_amount=D(price),
        tax_percent=D(tax),
        discount_percent=D(discount),
        tax_amount=D(fixed) if fixed else None,
    )


# ---- golden vectors


def test_tax_is_rounded_line_by_line() -> None:
    found = totals([line("1", p, "15") for p in ("25.06", "25.61", "25.63")], EXCLUSIVE, "NZD")
    assert [s.tax for s in found.lines] == [D("3.76"), D("3.84"), D("3.84")]
    assert (found.subtotal, found.tax, found.total) == (D("76.30"), D("11.44"), D("87.74"))
    # On the sum it would have been a penny more, which is what the rule is about.
    assert rounded(D("76.30") * 15 / 100) == D("11.45")


def test_four_decimals_of_a_price_count() -> None:
    assert line_amount(line("100", "5.2456")) == D("524.56")
    assert line_amount(line("3", "0.3333")) == D("1.00")
    assert line_amount(line("1", "5.24565")) == line_amount(line("1", "5.2457")) == D("5.25")


@pytest.mark.parametrize(
    ("price", "percent", "subtotal", "tax", "total"),
    [
        ("115.00", "15", "100.00", "15.00", "115.00"),
        ("120.00", "20", "100.00", "20.00", "120.00"),
        ("9.99", "20", "8.32", "1.67", "9.99"),
        ("110.00", "10", "100.00", "10.00", "110.00"),
        ("0.01", "20", "0.01", "0.00", "0.01"),
    ],
)
def test_inclusive(price: str, percent: str, subtotal: str, tax: str, total: str) -> None:
    found = totals([line("1", price, percent)], INCLUSIVE, "GBP")
    assert (found.subtotal, found.tax, found.total) == (D(subtotal), D(tax), D(total))


def test_no_tax_ignores_rate_and_given_tax() -> None:
    found = totals([line("2", "10.00", "20", fixed="4.00")], NO_TAX, "GBP")
    assert (found.subtotal, found.tax, found.total) == (D("20.00"), D(0), D("20.00"))


@pytest.mark.parametrize(
    ("quantity", "price", "discount", "amount"),
    [
        ("1", "100.00", "10", "90.00"),
        ("3", "9.99", "12.5", "26.22"),
        ("1", "19.99", "33.3333", "13.33"),
        ("1", "50.00", "100", "0.00"),
    ],
)
def test_discounts(quantity: str, price: str, discount: str, amount: str) -> None:
    assert line_amount(line(quantity, price, discount=discount)) == D(amount)


def test_a_given_tax_amount_wins_over_the_rate() -> None:
    assert line_tax(line("1", "100.00", "20", fixed="19.99"), EXCLUSIVE) == D("19.99")
    assert line_tax(line("1", "100.00", "20", fixed="0"), EXCLUSIVE) == 0


@pytest.mark.parametrize(
    ("value", "decimals", "result"),
    [
        ("0.005", 2, "0.01"),
        ("-0.005", 2, "-0.01"),
        ("2.675", 2, "2.68"),
        ("1.005", 2, "1.01"),
        ("0.125", 2, "0.13"),
        ("0.5", 0, "1"),
        ("1.5", 0, "2"),
        ("-2.5", 0, "-3"),
        ("0.0005", 3, "0.001"),
        ("0.00499999999999999999", 2, "0.00"),
    ],
)
def test_ties_go_away_from_zero(value: str, decimals: int, result: str) -> None:
    assert rounded(D(value), decimals) == D(result)


@pytest.mark.parametrize(("currency", "amount", "tax"), [("JPY", "1000", "100"), ("GBP", "999.99", "100.00")])
def test_lines_have_the_decimals_of_their_currency(currency: str, amount: str, tax: str) -> None:
    found = totals([line("1", "999.99", "10")], EXCLUSIVE, currency)
    assert (str(found.subtotal), str(found.tax)) == (amount, tax)


def test_three_decimals() -> None:
    found = totals([line("3", "1.2345", "5")], EXCLUSIVE, "KWD")
    assert (str(found.subtotal), str(found.tax), str(found.total)) == ("3.704", "0.185", "3.889")


def test_exponents_are_those_of_iso_4217() -> None:
    assert [c for c in NONE if exponent(c) != 0] == []
    assert [c for c in THREE if exponent(c) != 3] == []
    assert {exponent(c) for c in ("GBP", "AUD", "EUR", "usd", "XXX")} == {2}
    assert exponent("jpy") == 0
    assert (quantum(2), quantum(0), quantum(3)) == (D("0.01"), D(1), D("0.001"))


def test_credit_lines_mirror_their_twins() -> None:
    found = totals([line("1", "25.06", "15"), line("-1", "25.06", "15")], EXCLUSIVE, "NZD")
    assert (found.subtotal, found.tax, found.total) == (D(0), D(0), D(0))
    assert line_amount(line("-1", "0.005")) == -line_amount(line("1", "0.005"))


def test_huge_amounts_are_exact() -> None:
    # The largest line that Xero keeps, and two of its longest numbers with a discount of four decimals.
    assert line_amount(line("1", "9999999999.99")) == D("9999999999.99")
    longest = line("999999999.9999", "999999999.9999", "20", "33.3333")
    exact = Fraction("999999999.9999") ** 2 * (100 - Fraction("33.3333")) / 100
    assert Fraction(line_amount(longest)) == half_away(exact, 2)
    found = totals([line("1", "9999999999.99", "20")] * 1000, EXCLUSIVE, "GBP")
    assert found.total == 1000 * (D("9999999999.99") + D("2000000000.00"))


def test_numbers_longer_than_the_arithmetic_default_are_exact_too() -> None:
    # Twenty-eight digits are Python's default; another system may send more, and nothing may be cut in silence.
    long = D("12345678901234567890123456789012345.675")
    assert rounded(long) == D("12345678901234567890123456789012345.68")
    assert minor_units(rounded(long), "GBP") == 1234567890123456789012345678901234568


def test_a_document_without_lines_is_zero() -> None:
    found = totals([], EXCLUSIVE, "GBP")
    assert (found.subtotal, found.tax, found.total, found.lines) == (D(0), D(0), D(0), ())


# ---- minor units


def test_minor_units_refuse_what_the_currency_has_not() -> None:
    assert minor_units(D("12.3400"), "GBP") == 1234
    assert (minor_units(D("12"), "JPY"), minor_units(D("1.234"), "KWD")) == (12, 1234)
    for value, currency in (("12.345", "GBP"), ("0.1", "JPY"), ("1.2345", "KWD")):
        with pytest.raises(ValueError, match=currency):
            minor_units(D(value), currency)


CURRENCIES = st.sampled_from(["GBP", "AUD", "JPY", "KWD"])


@given(st.integers(-(10**24), 10**24), CURRENCIES)
def test_minor_units_round_trip(units: int, currency: str) -> None:
    assert minor_units(from_minor(units, currency), currency) == units


# ---- properties, judged by exact fractions


def half_away(value: Fraction, decimals: int) -> Fraction:
    """Rounding written a second time, in whole numbers."""
    scaled = abs(value) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**decimals)


def decimals_of(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low * 10**places, high * 10**places).map(lambda n: D(n).scaleb(-places))


LINES = st.builds(
    PricedLine,
    quantity=decimals_of(-100_000, 100_000, 4),
    unit_amount=decimals_of(-100_000, 100_000, 4),
    discount_percent=decimals_of(0, 100, 4),
    tax_percent=decimals_of(0, 100, 4),
)
AMOUNTS = st.sampled_from(list(AmountsAre))


@given(LINES, AMOUNTS, CURRENCIES)
def test_a_line_is_what_the_formula_says(priced: PricedLine, amounts: AmountsAre, currency: str) -> None:
    places = exponent(currency)
    rate, discount = Fraction(priced.tax_percent), Fraction(priced.discount_percent)
    product = Fraction(priced.quantity) * Fraction(priced.unit_amount) * (100 - discount) / 100
    amount = half_away(product, places)
    assert Fraction(line_amount(priced, places)) == amount
    base = {EXCLUSIVE: Fraction(100), INCLUSIVE: 100 + rate}.get(amounts)
    tax = half_away(amount * rate / base, places) if base else Fraction(0)
    assert Fraction(line_tax(priced, amounts, places)) == tax


@given(st.lists(LINES, max_size=8), AMOUNTS, CURRENCIES)
def test_totals_are_the_sum_of_their_lines(lines: list[PricedLine], amounts: AmountsAre, currency: str) -> None:
    found = totals(lines, amounts, currency)
    assert found.subtotal + found.tax == found.total
    assert found.tax == sum((s.tax for s in found.lines), D(0))
    whole = found.total if amounts is INCLUSIVE else found.subtotal
    assert whole == sum((s.amount for s in found.lines), D(0))
    for value in (found.subtotal, found.tax, found.total):
        assert from_minor(minor_units(value, currency), currency) == value


@given(st.lists(LINES, max_size=8), AMOUNTS, CURRENCIES)
def test_a_credit_is_its_invoice_with_the_sign_turned(
    lines: list[PricedLine], amounts: AmountsAre, currency: str
) -> None:
    turned = [msgspec.structs.replace(x, quantity=-x.quantity) for x in lines]
    there, back = totals(lines, amounts, currency), totals(turned, amounts, currency)
    assert (back.subtotal, back.tax, back.total) == (-there.subtotal, -there.tax, -there.total)


@given(LINES)
def test_the_callers_decimal_context_changes_nothing(priced: PricedLine) -> None:
    usual = totals([priced], EXCLUSIVE, "GBP")
    with localcontext() as context:
        context.prec, context.rounding = 6, ROUND_DOWN
        assert totals([priced], EXCLUSIVE, "GBP") == usual


# ---- no float, anywhere


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from leaves(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


AMOUNT = st.none() | decimals_of(-(10**9), 10**9, 4)
RECORDS = st.one_of(
    st.builds(
        Document,
        id=st.just("1"),
        kind=st.just(Kind.INVOICE),
        currency_rate=AMOUNT,
        total=AMOUNT,
        amount_due=AMOUNT,
        lines=st.lists(st.builds(Line, quantity=decimals_of(-99, 99, 4), net=AMOUNT, tax=AMOUNT), max_size=3).map(
            tuple
        ),
    ),
    st.builds(Item, id=st.just("1"), kind=st.just(Kind.ITEM), sales_price=AMOUNT, purchase_price=AMOUNT),
    st.builds(Party, id=st.just("1"), kind=st.just(Kind.CUSTOMER), balance=AMOUNT),
    st.builds(
        TaxRate,
        id=st.just("1"),
        kind=st.just(Kind.TAX_RATE),
        rate=decimals_of(0, 100, 4),
        components=st.tuples(st.builds(TaxComponent, name=st.just("a"), rate=decimals_of(0, 100, 4))),
    ),
)


@given(RECORDS)
def test_a_stored_record_comes_back_exact_and_without_floats(record: records.Record) -> None:
    back = records.decode(records.encode(record))
    assert back == record
    assert [x for x in leaves(back) if isinstance(x, float)] == []


def test_numbers_of_another_system_never_pass_through_binary() -> None:
    body = b'{"is":"document","id":"1","kind":"invoice","total":0.1,"amount_due":1e-3,"currency_rate":1.10}'
    back = records.decode(body)
    assert isinstance(back, Document)
    assert (str(back.total), back.amount_due, str(back.currency_rate)) == ("0.1", D("0.001"), "1.10")
    with pytest.raises(msgspec.ValidationError):
        records.decode(b'{"is":"document","id":"1","kind":"invoice","total":"a lot"}')


def hints(shape: Any, seen: set[Any]) -> Iterator[Any]:
    if shape in seen:
        return
    seen.add(shape)
    yield shape
    for inner in get_args(shape):
        yield from hints(inner, seen)
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        for inner in get_type_hints(shape).values():
            yield from hints(inner, seen)


@pytest.mark.parametrize("shape", [records.Record, records.Organisation, postings.Posting, PricedLine])
def test_no_shape_has_room_for_a_float(shape: Any) -> None:
    found = set(hints(shape, set()))
    assert Decimal in found or shape is records.Organisation
    assert float not in found
