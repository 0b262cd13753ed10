"""What Xero's validation messages mean, by the catalogue of what is known of them.

Wording can change (xero-api section 7.1): beginnings are matched without regard to case, the original text stays with
the problem, and what isn't known is `core.rejected` with Xero's own words.
"""

import re
from collections.abc import Sequence

import msgspec

from xerotui.model.problems import Place
from xerotui.xero.catalogue import CATALOGUE
from xerotui.xero.catalogue_rows import QUEUE

UNKNOWN = "core.rejected"
_ASK = "Read what Xero said, correct the record in the source, then retry."


class Reading(msgspec.Struct, frozen=True):
    """A message understood: code, subject hint (`account:200`, blank = the record itself), remedy, original words.

    `cause` is blank and `known` false for wording that isn't in the catalogue. `place` lacks what only the caller
    knows: organisation, connection, kind and record.
    """

    code: str
    subject: str
    remedy: str
    said: str
    cause: str = ""
    place: Place = QUEUE
    known: bool = False


def _pattern(wording: str) -> re.Pattern[str]:
    parts = re.split(r"(<x>|<y>)", wording)
    last = parts[-1] == "" and parts[-2:-1] == ["<x>"]
    found = ""
    for part in parts:
        if part == "<x>":
            # Quotation marks and angles around a value belong to the wording, not to the value.
            found += r"['‘\"<]?(.+?)['’\">]?"
        elif part == "<y>":
            found += r".{0,60}?"
        else:
            found += re.escape(part)
    return re.compile(found + (r"\s*\.?$" if last else ""), re.IGNORECASE | re.DOTALL)


_PATTERNS = tuple((_pattern(wording), entry) for entry in CATALOGUE for wording in entry.says.split(" | "))


def read_message(message: str) -> Reading:
    """A message as a problem code with cause, subject hint, remedy and place; unknown wording is `core.rejected`."""
    text = " ".join(message.split())
    for pattern, entry in _PATTERNS:
        if found := pattern.match(text):
            value = next((group for group in found.groups() if group), "").strip(" <>'\"")
            subject = entry.subject.format(x=value) if value or "{x}" not in entry.subject else ""
            return Reading(entry.code, subject, entry.remedy, message, entry.cause, entry.place, known=True)
    return Reading(UNKNOWN, "", _ASK, message)


def read_messages(messages: Sequence[str]) -> Reading:
    """Several messages about one element: the first that is understood explains it, the words of all are kept."""
    readings = [read_message(message) for message in messages]
    best = next((reading for reading in readings if reading.known), None) or read_message("; ".join(messages))
    return msgspec.structs.replace(best, said="; ".join(messages))
