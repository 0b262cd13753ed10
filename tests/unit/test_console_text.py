"""The console's formatters: what is foreign is made harmless, what is money is exact."""

import shlex
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from xerotui.console import text

HOSTILE = (
    "Acme [/b] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 "
    "\x9b31m \u202egnp.exe\u202c 👩\u200d👩 \x00 \ud800 漢字\r\n\ttwo"
)


@given(st.text(alphabet=st.characters(), max_size=200))
def test_clean_lets_nothing_through_that_a_terminal_obeys(value: str) -> None:
    """For any text at all: one printable line that can be encoded."""
    shown = text.clean(value)
    assert shown.isprintable()
    shown.encode("utf-8")


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=100))
def test_a_name_is_one_word_of_a_command_whatever_is_in_it(value: str) -> None:
    """A shell reads it back whole, and finds nothing in it to carry out."""
    shown = text.argument(value)
    assert shlex.split(shown) == [value]
    if shown.startswith('"'):
        assert not set("$`\\!") & set(shown)


def test_a_long_name_is_not_cut_in_a_command() -> None:
    long = "Northgate Managed Information Technology Services (Holdings) Ltd"
    assert text.argument(long) == f'"{long}"'
    assert text.argument("") == '""'
    assert text.argument("7b-x") == "7b-x"
    assert text.argument('A" $(reboot)') == "'A\" $(reboot)'"


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x202A, 0x202E, 0x2066, 0x2069, 0x200F, 0xFEFF])
def test_every_control_is_visible_or_gone(code: int) -> None:
    """C0, DEL, C1, bidi and joiners, each by itself."""
    shown = text.clean(f"a{chr(code)}b")
    assert chr(code) not in shown
    assert shown.startswith("a")
    assert shown.endswith("b")


def test_the_hostile_name_keeps_its_letters() -> None:
    """Harmless isn't unreadable: letters, brackets, wide characters and both emoji are still there."""
    shown = text.clean(HOSTILE)
    assert "[@click=app.quit]x[/]" in shown
    assert "漢字" in shown
    assert shown.count("👩") == 2
    assert "␛" in shown
    assert text.safe(HOSTILE).spans == []


def test_a_long_name_is_capped() -> None:
    """Ten thousand letters cost no more than the limit."""
    assert len(text.clean("x" * 10_000)) == text.LIMIT + 1


@given(st.text(max_size=80), st.integers(min_value=4, max_value=40))
def test_short_and_middle_fit_their_cells(value: str, width: int) -> None:
    """Measured in cells, not characters: wide letters count as two."""
    assert cell_len(text.short(value, width)) <= width
    assert cell_len(text.middle(value, width)) <= width


def test_middle_tells_companies_of_one_group_apart() -> None:
    """Their names differ at the end."""
    first, second = "Northgate Managed IT Ltd", "Northgate Managed IT Pty Ltd"
    assert text.short(first, 16) == text.short(second, 16)
    assert text.middle(first, 16) != text.middle(second, 16)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (Decimal("182331.2"), "GBP", "182,331.20 GBP"),
        (Decimal("-0.005"), "GBP", "-0.005 GBP"),
        (Decimal("1200"), "JPY", "1,200 JPY"),
        (Decimal("1.5"), "KWD", "1.500 KWD"),
        (Decimal("12345678901234567.89"), "AUD", "12,345,678,901,234,567.89 AUD"),
        (Decimal("1E+3"), "GBP", "1,000.00 GBP"),
        (None, "GBP", ""),
    ],
)
def test_money_is_shown_exactly(amount: Decimal | None, currency: str, shown: str) -> None:
    """At the currency's decimals, never rounded away."""
    assert text.money(amount, currency) == shown


def test_instants_are_shown_in_utc() -> None:
    """Whatever zone they come in."""
    east = timezone(timedelta(hours=10))
    assert text.when(datetime(2026, 11, 21, 0, 3, tzinfo=east)) == "20 Nov 14:03"
    assert text.when(datetime(2026, 11, 20, 14, 3, tzinfo=UTC)) == "20 Nov 14:03"


@pytest.mark.parametrize(("used", "limit", "full"), [(0, 10, 0), (1, 1000, 1), (10, 10, 20), (50, 10, 20), (5, 0, 0)])
def test_a_bar_never_overflows_and_never_hides_the_first_call(used: int, limit: int, full: int) -> None:
    """One call is one block; more than all is all."""
    shown = text.bar(used, limit)
    assert len(shown) == 20
    assert shown.count("█") == full


@pytest.mark.parametrize(
    ("sentence", "remedy", "expected"),
    [
        ("Closed: a date", "Correct it.", "Closed: a date. Correct it."),
        ("Nobody answered.", "Try again.", "Nobody answered. Try again."),
        ("Which one?", "", "Which one?"),
        ("Nothing to do about it", "", "Nothing to do about it"),
        ("", "Do this.", "Do this."),
    ],
)
def test_a_failure_and_its_remedy_are_two_sentences(sentence: str, remedy: str, expected: str) -> None:
    assert text.told(sentence, remedy) == expected
