"""Texts as keys, and instants and amounts as SQL keeps them. Pure: no database here."""

import datetime as dt
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

T = TypeVar("T")

# Indexed texts are cut here: PostgreSQL refuses index rows over 2,700 bytes, and the names are not ours.
KEY_LENGTH = 300
BATCH = 500
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICRO = dt.timedelta(microseconds=1)
_BIGGEST = 2**63 - 1


def name_key(text: str) -> str:
    """A name as it is compared: compatibility forms folded, case folded, invisible characters out, spaces single."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = unicodedata.normalize("NFKC", folded)
    # Tabs and line ends are controls and spaces at once: they part words, other controls vanish.
    kept = (c for c in folded if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc"))
    return " ".join("".join(kept).split())


def clip(text: str) -> str:
    """A text cut to what may be indexed."""
    return text[:KEY_LENGTH]


def micros(at: dt.datetime | None) -> int:
    """An aware instant as microseconds since 1970 in UTC, 0 for none.

    Raises ValueError for a naive instant: nobody knows when that was.
    """
    if at is None:
        return 0
    if at.tzinfo is None:
        raise ValueError("instants carry their zone")
    return (at - _EPOCH) // _MICRO


def instant(value: int) -> dt.datetime | None:
    """The instant that `micros` made an integer of; None for 0."""
    return _EPOCH + dt.timedelta(microseconds=value) if value else None


def moment(value: int) -> dt.datetime:
    """As `instant`, where there always is one."""
    return _EPOCH + dt.timedelta(microseconds=value)


def money(value: Decimal | None) -> str:
    """An amount as exact text, blank for none."""
    return "" if value is None else format(value, "f")


def amount(text: str) -> Decimal | None:
    """The amount that `money` made a text of."""
    return Decimal(text) if text else None


def millionths(value: Decimal | None) -> int:
    """An amount as an integer of millionths, for sorting and summing in SQL; finer parts are rounded off."""
    if value is None or not value.is_finite():
        return 0
    if abs(value) >= Decimal(_BIGGEST).scaleb(-6):
        return _BIGGEST if value > 0 else -_BIGGEST
    return int(value.scaleb(6).to_integral_value(rounding=ROUND_HALF_UP))


def from_millionths(units: int) -> Decimal:
    """The amount that `millionths` made an integer of, with two decimals at least."""
    value = Decimal(units).scaleb(-6)
    short = value.quantize(Decimal("0.01"))
    return short if short == value else value.normalize()


def chunks(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """The sequence in pieces that fit one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
