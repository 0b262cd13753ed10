"""Reading single values of Halo's JSON: texts, numbers, ids, dates, addresses. Nothing raises but `number`."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from xerotui.model.records import Address, Terms

Row = Mapping[str, Any]
# Halo's column defaults are zero, which SQL Server shows as 1900-01-01 (halo-api section 7).
_FIRST_YEAR = 1902
_RULES = ("DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFFOLLOWINGMONTH", "OFCURRENTMONTH")


class Unreadable(Exception):
    """A record lacks something without which it can't be understood; the words say what."""


def text(row: Row, *names: str) -> str:
    """The first of these properties that holds text, stripped; "" when none does."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int | Decimal) and not isinstance(value, bool) and value:
            return str(value)
    return ""


def flag(row: Row, name: str) -> bool:
    """True only where the property says so."""
    value = row.get(name)
    return value is True or (isinstance(value, str) and value.lower() == "true")


def integer(row: Row, name: str) -> int | None:
    """A whole number, also where it came as text; None for anything else."""
    value = row.get(name)
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(Decimal(str(value)))
    except (InvalidOperation, ValueError, OverflowError):
        return None


def ident(row: Row, *names: str) -> str:
    """The first of these properties that is an id above zero, as text; 0, -1 and -2 stand for none."""
    for name in names:
        value = integer(row, name)
        if value is not None and value > 0:
            return str(value)
    return ""


def number(row: Row, name: str) -> Decimal | None:
    """An exact number; None when the property is missing or null.

    Raises Unreadable when it is there but no number.
    """
    value = row.get(name)
    if value is None:
        return None
    try:
        found = Decimal(str(value)) if not isinstance(value, bool | float | list | dict) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise Unreadable(f"{name} holds no number")
    return found


def amount(row: Row, name: str) -> Decimal:
    """Like `number`, zero for none."""
    return number(row, name) or Decimal(0)


def date(row: Row, *names: str) -> dt.date | None:
    """The first of these properties that is a calendar date; a year before 1902 is none."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str):
            try:
                found = dt.date.fromisoformat(value[:10])
            except ValueError:
                continue
            if found.year >= _FIRST_YEAR:
                return found
    return None


def instant(row: Row, name: str) -> dt.datetime | None:
    """An instant in UTC; what carries no zone is taken as UTC (halo-api section 7)."""
    value = row.get(name)
    if not isinstance(value, str):
        return None
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    found = found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
    return found if found.year >= _FIRST_YEAR else None


def rows_of(row: Row, name: str) -> list[Row]:
    """A list of objects; anything else in it is left out."""
    value = row.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def address(store: Any, country: str = "") -> Address | None:
    """An AddressStore in Xero's division: line 3 is the city and line 4 the region; None when it is empty."""
    if not isinstance(store, dict):
        return None
    lines = tuple(line for line in (text(store, "line1"), text(store, "line2")) if line)
    found = Address(lines, text(store, "line3"), text(store, "line4"), text(store, "postcode"))
    return Address(found.lines, found.city, found.region, found.postcode, country) if found != Address() else None


def address_block(block: str) -> Address | None:
    """A supplier's address, one block of lines: the last three of four or more are city, region, postcode."""
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    if len(lines) >= 4:
        return Address(tuple(lines[:-3]), *lines[-3:])
    if len(lines) == 3 and any(c.isdigit() for c in lines[-1]):
        return Address((lines[0],), lines[1], "", lines[2])
    return Address(tuple(lines)) if lines else None


def terms(rule: int | None, days: int | None) -> Terms | None:
    """Payment terms by Halo's due date type (halo-api section 8.2); None when nothing is set."""
    if not days or days < 0:
        return None
    kind = rule if rule is not None and 0 <= rule < len(_RULES) else 0
    return Terms(days, _RULES[kind])


def person(name: str) -> tuple[str, str]:
    """First and last name of a name in one piece."""
    first, _, last = name.strip().rpartition(" ")
    return (first, last) if first else (last, "")
