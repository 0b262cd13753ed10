"""Reading single values of NetHelpDesk's rows: money kept as FLOAT, keys kept as FLOAT, dates that mean none, texts.

The line rule of FLOAT money, stated here once: **a float is the decimal of 15 digits nearest to it**, which is what a
person typed, since a FLOAT keeps every decimal of so many digits and the noise of sums lies behind them; **and that
decimal is rounded half away from zero**, unit prices and quantities to 4 places, amounts to 2. So 0.1 + 0.2 is 0.30,
19.995 is 20.00 and not the 19.99 of its binary value, 1234567.885 is 1234567.89. Nothing is calculated in floats.

What may live here: pure functions of one value. Those that can't make sense of it raise Unreadable.
"""

import datetime as dt
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

from xerotui.model.money import rounded

# DATETIME columns default to zero, which is 1900-01-01 (nethelpdesk section 5.1).
FIRST_YEAR = 1902
PLACES, CENTS = 4, 2
# Beyond this a FLOAT can't tell two cents apart any more, and Xero takes no such amount.
_MOST = Decimal(10) ** 13
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TRUE = ("1", "-1", "true", "yes", "y", "t", "on")
_FALSE = ("", "0", "false", "no", "n", "f", "off")


class Unreadable(Exception):
    """A record lacks something without which it can't be understood; the words say what."""


def text(value: Any) -> str:
    """A text without outer blanks; "" for none. Bytes are UTF-8, or else the code page of Western Windows."""
    if value is None:
        return ""
    if isinstance(value, bytes | bytearray | memoryview):
        value = decoded(bytes(value))
    if isinstance(value, float | Decimal):
        return key(value)
    return str(value).replace("\x00", "").strip()


def decoded(raw: bytes) -> str:
    """Bytes as text, whichever of the two code pages they are in; what neither knows is replaced."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def number(value: Any, what: str) -> Decimal | None:
    """An exact number by the line rule, not rounded yet; None for none.

    Raises Unreadable, naming the column as `what`, for what is no number.
    """
    if value is None:
        return None
    if isinstance(value, str | bytes):
        value = text(value)
        if not value:
            return None
    try:
        found = _exact(value)
    except (InvalidOperation, TypeError, ValueError):
        raise Unreadable(f"{what} holds no number") from None
    if not found.is_finite() or abs(found) >= _MOST:
        raise Unreadable(f"{what} holds no number that an amount can have")
    return found


def _exact(value: Any) -> Decimal:
    return Decimal(format(value, ".15g")) if isinstance(value, float) else Decimal(value)


def price(value: Any, what: str) -> Decimal | None:
    """A unit price or quantity: 4 places, half away from zero. Raises Unreadable."""
    return _to(value, what, PLACES)


def amount(value: Any, what: str) -> Decimal | None:
    """An amount of money: 2 places, half away from zero. Raises Unreadable."""
    return _to(value, what, CENTS)


def percent(value: Any, what: str) -> Decimal | None:
    """A percentage: 4 places, without idle zeros. Raises Unreadable."""
    found = _to(value, what, PLACES)
    return None if found is None else plain(found)


def plain(value: Decimal) -> Decimal:
    """The same number without idle zeros, never with an exponent: 20.0000 is 20."""
    return Decimal(format(value.normalize(), "f"))


def _to(value: Any, what: str, places: int) -> Decimal | None:
    found = number(value, what)
    return None if found is None else rounded(found, places)


def key(value: Any) -> str:
    """A key as text, whatever its type: FLOAT 12.0 is "12"; "" for none."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str | bytes):
        value = text(value)
    try:
        found = _exact(value)
    except (InvalidOperation, TypeError, ValueError):
        return text(value) if isinstance(value, str) else ""
    if not found.is_finite():
        return ""
    return str(int(found)) if found == found.to_integral_value() else format(found.normalize(), "f")


def link(value: Any) -> str:
    """A key that points to another row: "" for none, which the help desk writes as null, 0, -1 or -2."""
    found = key(value)
    return "" if found in ("", "0") or found.startswith("-") else found


def integer(value: Any) -> int | None:
    """A whole number; None for none, and for what isn't one."""
    found = key(value)
    try:
        return int(found) if found else None
    except ValueError:
        return None


def flag(value: Any) -> bool:
    """A bit; null is false (nethelpdesk section 5.1). Raises Unreadable for what is neither."""
    if value is None or isinstance(value, bool):
        return bool(value)
    found = (key(value) if not isinstance(value, str | bytes) else text(value)).casefold()
    if found in _TRUE or found in _FALSE:
        return found in _TRUE
    if isinstance(value, int):
        return True
    raise Unreadable(f"a switch holds {found[:20]}")


def moment(value: Any) -> dt.datetime | None:
    """A point in time as the database has it, mostly without a zone; None for none and before 1902.

    Raises Unreadable for a text that is no date.
    """
    if isinstance(value, dt.datetime):
        found = value
    elif isinstance(value, dt.date):
        found = dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001
    else:
        words = text(value)
        if not words or words == "0":
            return None
        try:
            found = dt.datetime.fromisoformat(words)
        except ValueError:
            raise Unreadable(f"{words[:30]} is no date") from None
    return found if found.year >= FIRST_YEAR else None


def date(value: Any) -> dt.date | None:
    """A calendar date, never converted to another time zone; as `moment`."""
    found = moment(value)
    return found.date() if found else None


def instant(value: Any, zone: dt.tzinfo) -> dt.datetime | None:
    """An instant in UTC; what carries no zone is in that of the database. None for what is no date."""
    try:
        found = moment(value)
    except Unreadable:
        return None
    if found is None:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(dt.UTC)
    except (OverflowError, ValueError):
        return None


def guid(value: Any) -> str:
    """A Xero id, lower case; "" for anything else, and for the id of zeros."""
    found = text(value)
    return found.lower() if _GUID.fullmatch(found) and found.strip("0-") else ""


def name_key(name: str) -> str:
    """What two names have to share to be the same: NFKC, no invisible marks, single blanks, folded case."""
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", name))
    return " ".join(visible.split()).casefold()


def first_email(value: Any) -> str:
    """The first address of a list parted by semicolons or commas."""
    return re.split(r"[;,]", text(value))[0].strip()


def block(value: Any) -> tuple[tuple[str, ...], str]:
    """An address in one text as lines, of which the last two are city and region, and the postcode.

    A last line that looks like a postcode is one; without it nobody can tell the city from the street.
    """
    lines = tuple(one.strip(" ,\t") for one in text(value).splitlines() if one.strip(" ,\t"))
    last = lines[-1] if lines else ""
    if not (len(lines) > 1 and len(last) <= 12 and any(c.isdigit() for c in last)):
        return ((*lines, "", "") if lines else ()), ""
    rest = lines[:-1]
    if len(rest) > 2:
        return rest, last
    return ((*rest[:1], rest[1], "") if len(rest) == 2 else (*rest, "", "")), last


def person(name: str) -> tuple[str, str]:
    """First and last name of a name in one piece."""
    first, _, last = name.strip().rpartition(" ")
    return (first, last) if first else (last, "")
