"""The only way for text from other systems onto the screen, and the only formatters of money and time.

A terminal obeys control characters and a widget obeys markup; both are taken out here, so nothing else in the
console may turn a foreign string into something that is painted.
"""

import datetime as dt
import re
import shlex
import unicodedata
from decimal import Decimal

from rich.cells import cell_len
from rich.text import Text

from xerotui.model.money import exponent

LIMIT = 2000
NEWLINE = "↵"
UNSEEN = "\ufffd"
# Joiners only glue glyphs together; terminals disagree about the width of the result, so the parts are shown.
_PLAIN = re.compile(r"[\w@%+=:,./][\w@%+=:,./-]*")
_DROPPED = {"\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"}


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if char in "\n\r\u2028\u2029\u0085":
        return NEWLINE
    if char == "\t":
        return " "
    if code < 0x20:
        # The control pictures: one visible cell for each of the 32.
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if char in _DROPPED:
        return ""
    if unicodedata.category(char) == "Zs":
        return " "
    return UNSEEN


def clean(value: object, limit: int = LIMIT) -> str:
    """One line of plain text: every control, bidi and private character made visible, at most `limit` characters."""
    text = value if isinstance(value, str) else str(value)
    if len(text) > limit:
        text = text[:limit] + "…"
    if text.isprintable():
        return text
    return "".join(map(_visible, text.replace("\r\n", "\n")))


def safe(value: object, style: str = "", limit: int = LIMIT) -> Text:
    """`clean` as a `Text`, which no widget reads as markup."""
    return Text(clean(value, limit), style=style, end="")


def lines(value: object, style: str = "", limit: int = 8 * LIMIT) -> Text:
    """Like `safe`, with line breaks kept: for what another system said, to the letter."""
    parts = str(value)[:limit].replace("\r\n", "\n").split("\n")
    return Text("\n".join(clean(part, limit) for part in parts), style=style, end="")


def join(*parts: object) -> Text:
    """One `Text` from parts: a `Text` as it is, anything else through `safe`."""
    out = Text(end="")
    for part in parts:
        out.append_text(part if isinstance(part, Text) else safe(part))
    return out


def stack(*parts: object) -> Text:
    """Parts one below the other."""
    out = Text(end="")
    for index, part in enumerate(parts):
        if index:
            out.append("\n")
        out.append_text(part if isinstance(part, Text) else safe(part))
    return out


def argument(value: object) -> str:
    """A value as one word of a command line that is shown: whole, and so quoted that no shell takes it apart."""
    text = clean(value)
    if _PLAIN.fullmatch(text):
        return text
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'


def short(value: object, width: int) -> str:
    """`clean`, cut to that many terminal cells with an ellipsis; wide characters count as two."""
    text = clean(value, max(width * 2, 16))
    if cell_len(text) <= width:
        return text
    out = ""
    used = 0
    for char in text:
        used += cell_len(char)
        if used > width - 1:
            break
        out += char
    return out + "…"


def middle(value: object, width: int) -> str:
    """`clean`, cut in the middle: names of one group of companies differ at their ends."""
    text = clean(value, max(width * 2, 400))
    if cell_len(text) <= width:
        return text
    tail = ""
    for char in reversed(text):
        if cell_len(tail) + cell_len(char) > width // 2 - 1:
            break
        tail = char + tail
    return short(text, width - cell_len(tail)) + tail


def told(sentence: str, remedy: str) -> str:
    """A failure and what to do about it as two sentences, whether or not the first ends with its full stop."""
    said = sentence.strip()
    if said and remedy and said[-1] not in ".!?:…":
        said += "."
    return " ".join(part for part in (said, remedy.strip()) if part)


def money(amount: Decimal | None, currency: str = "", *, code: bool = True) -> str:
    """An amount with thousands separators at its currency's decimals: `182,331.20 GBP`; "" for none.

    An amount finer than the currency keeps its decimals: nothing is rounded for display.
    """
    if amount is None:
        return ""
    places = exponent(currency) if currency else 2
    finer = -int(amount.as_tuple().exponent) if isinstance(amount.as_tuple().exponent, int) else 0
    text = f"{amount:,.{max(places, finer)}f}"
    return f"{text} {clean(currency, 8)}" if currency and code else text


def count(number: int, one: str, several: str = "") -> str:
    """A number with its noun: `1 call`, `1,204 calls`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def when(instant: dt.datetime | None) -> str:
    """An instant in UTC as `20 Nov 14:03`; "" for none."""
    if instant is None:
        return ""
    return f"{instant.astimezone(dt.UTC):%d %b %H:%M}"


def day(date: dt.date | None) -> str:
    """A calendar date as `2026-11-20`; "" for none."""
    return "" if date is None else date.isoformat()


def bar(used: int, limit: int, width: int = 20) -> str:
    """A bar of that many cells; the numbers belong beside it."""
    share = 0 if limit <= 0 else min(width, -(-used * width // limit))
    return "█" * share + "░" * (width - share)
