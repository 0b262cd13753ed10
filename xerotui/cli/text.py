"""Text from outside on its way to a terminal, and the few formats of numbers and times. Pure."""

import datetime as dt
import unicodedata
from decimal import Decimal

# Controls of the first block have pictures of their own in Unicode.
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡", 0x09: " ", 0x0A: "⏎", 0x0D: "␍"}
# Joiners and variation selectors that well-formed emoji and scripts need.
_KEPT = {0x200C, 0x200D, 0xFE0E, 0xFE0F}
LONGEST = 2000


def safe(value: object, longest: int = LONGEST) -> str:
    """`value` as text that can't act on a terminal: control, bidi and other invisible characters become marks.

    Cut with an ellipsis beyond `longest` characters. The result is never to be read as markup.
    """
    text = "" if value is None else str(value)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isprintable():
        return text
    return "".join(_visible(c) for c in text)


def _visible(character: str) -> str:
    code = ord(character)
    if code in _PICTURES:
        return _PICTURES[code]
    if character.isprintable() or code in _KEPT:
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    return f"‹{code:04x}›"


def money(amount: Decimal | None, currency: str = "") -> str:
    """An amount with thousands separated, its currency after it; blank for None."""
    if amount is None:
        return ""
    return f"{amount:,f} {safe(currency)}".rstrip()


def when(instant: dt.datetime | None) -> str:
    """An instant in this machine's zone, to the minute; blank for None."""
    return instant.astimezone().strftime("%Y-%m-%d %H:%M") if instant else ""


def counts(numbers: dict[str, int]) -> str:
    """Counts as one line: `3 create, 2 update`; zeroes are left out."""
    return ", ".join(f"{n:,} {safe(word)}" for word, n in numbers.items() if n)
