"""Which tax rate may become which: the promise is that unequal rates are never mapped to each other (FEATURES L7)."""

from decimal import Decimal

import pytest

from xerotui.model.kinds import Kind, Trade
from xerotui.model.records import TaxComponent, TaxRate
from xerotui.sync.rates import compare, described, named_alike, proposed, trades_of


def rate(percent: str, code: str = "", *parts: tuple[str, bool], **more: object) -> TaxRate:
    components = tuple(TaxComponent(f"part {n}", Decimal(p), compound) for n, (p, compound) in enumerate(parts))
    return TaxRate(
        id=code or "9",
        kind=Kind.TAX_RATE,
        name=str(more.pop("name", code)),
        code=code,
        rate=Decimal(percent),
        components=components,
        **more,  # type: ignore[arg-type]
    )


SALES, PURCHASE = Trade.SALES, Trade.PURCHASE
OUT20 = rate("20", "OUTPUT2", classes=("REVENUE",), name="20% (VAT on Income)")
IN20 = rate("20.00", "INPUT2", classes=("EXPENSE", "ASSET"), name="20% (VAT on Expenses)")


def test_equal_percentage_of_the_right_side_is_allowed() -> None:
    assert compare(rate("20.0"), OUT20, SALES).allowed
    assert compare(rate("20"), IN20, PURCHASE).allowed


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (rate("17.5"), OUT20, "17.5 % is not 20 %"),
        (rate("20"), IN20, "sales documents"),
        (rate("20"), rate("20", "OLD", status="ARCHIVED"), "archived"),
    ],
)
def test_refusals_say_why(source: TaxRate, target: TaxRate, words: str) -> None:
    verdict = compare(source, target, SALES)
    assert not verdict.allowed
    assert words in verdict.reason


def test_components_are_compared_one_by_one() -> None:
    split = rate("12", "CA", ("5", False), ("7", False))
    assert compare(rate("12", "", ("7", False), ("5", False)), split, SALES).allowed
    assert not compare(rate("12", "", ("6", False), ("6", False)), split, SALES).allowed
    assert not compare(rate("12", "", ("5", False), ("7", True)), split, SALES).allowed
    assert not compare(rate("12", "", ("12", False)), split, SALES).allowed
    assert compare(rate("12"), split, SALES).allowed
    assert "part 0 5 % + part 1 7 %" in described(split)


def test_proposals_take_the_own_link_else_the_only_fit() -> None:
    twin = rate("20", "TAX001", classes=("REVENUE",))
    assert proposed(rate("20"), [OUT20, IN20], SALES) is OUT20
    assert proposed(rate("20"), [OUT20, twin], SALES) is None
    assert proposed(rate("20", linked_code="TAX001"), [OUT20, twin], SALES) is twin
    assert proposed(rate("5", linked_code="OUTPUT2"), [OUT20], SALES) is None


def test_names_only_sort() -> None:
    assert named_alike(rate("20", name="VAT on Expenses"), [OUT20, IN20])[0] is IN20


def test_sides_of_a_rate() -> None:
    assert trades_of(rate("20", linked_code="INPUT2"), [OUT20, IN20]) == (PURCHASE,)
    assert trades_of(rate("20"), [OUT20, IN20]) == (SALES, PURCHASE)
