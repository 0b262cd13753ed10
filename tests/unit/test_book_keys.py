"""Texts, instants and amounts as the store keeps them."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from xerotui.store import keys, name_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Ltd", "  ACME\u00a0 \tLtd\n"),
        ("Acme", "Ac\u200bme\ufeff"),
        ("Straße", "STRASSE"),
        ("ﬁne", "FINE"),
        ("Zoë", "Zoe\u0308"),
        ("a\x00b\x1b", "ab"),
        ("İ", "i\u0307"),
    ],
)
def test_names_that_people_take_for_one_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)
    assert name_key(name_key(one)) == name_key(one)


def test_names_that_differ_keep_apart() -> None:
    assert len({name_key(n) for n in ("Acme", "Acmé", "Ac me", "Acme.", "Acme 2", "")}) == 6


def test_instants_survive_to_the_microsecond_and_naive_ones_are_refused() -> None:
    at = dt.datetime(2026, 11, 21, 23, 59, 59, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=13)))
    assert keys.instant(keys.micros(at)) == at
    assert keys.instant(keys.micros(None)) is None
    with pytest.raises(ValueError, match="zone"):
        keys.micros(dt.datetime(2026, 11, 21))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["0", "-0.01", "1234567890123.4567891", "1E+2", "0.10"])
def test_amounts_survive_as_text(text: str) -> None:
    value = Decimal(text)
    assert keys.amount(keys.money(value)) == value
    assert "E" not in keys.money(value)


def test_millionths_sum_exactly_and_bear_anything() -> None:
    assert sum(keys.millionths(Decimal("0.1")) for _ in range(10)) == keys.millionths(Decimal(1))
    assert keys.from_millionths(keys.millionths(Decimal("-12.34"))) == Decimal("-12.34")
    assert str(keys.from_millionths(1_500_000)) == "1.50"
    assert keys.from_millionths(1) == Decimal("0.000001")
    assert keys.millionths(Decimal("0.0000005")) == 1
    assert keys.millionths(Decimal("-1e40")) == -(2**63 - 1)
    assert keys.millionths(Decimal("NaN")) == keys.millionths(None) == 0


LIGHT = """
import sys
from xerotui.store import DuplicateWork, Fence, Fenced, Mapping, Pair, me, name_key
print(sorted({"sqlalchemy", "tinydb", "alembic", "cryptography", "filelock"} & set(sys.modules)))
"""

OPEN = """
import asyncio, sys
from pathlib import Path
from xerotui.store import Ledger

async def main():
    ledger = await Ledger.open(Path(sys.argv[1]))
    await ledger.close()
    print("alembic" in sys.modules)

asyncio.run(main())
"""


def said(code: str, *words: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_light_names_load_no_heavy_library_and_a_current_ledger_no_migrations(tmp_path: Path) -> None:
    assert said(LIGHT) == "[]"
    assert [said(OPEN, str(tmp_path / "ledger.db")) for _ in range(2)] == ["True", "False"]
