"""Which values the parameters of an address take (xero-api section 6.2).

Only those whose values are few or of one form; expressions, dates and pages are judged where they are read.
"""

from __future__ import annotations

from collections.abc import Callable

from xerotui.sandbox.xero.schema import is_guid


def _words(*words: str) -> Callable[[str], bool]:
    return lambda value: value in words


def _each(test: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda value: all(test(part.strip()) for part in value.split(","))


_TRUTH = _words("true", "false", "True", "False")
_VALUES: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(("summarizeErrors", "includeArchived", "summaryOnly", "createdByMyApp"), _TRUTH),
    "unitdp": _words("2", "4"),
    **dict.fromkeys(("IDs", "ContactIDs"), _each(is_guid)),
    "Statuses": _each(_words("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED")),
    "Status": _words("DRAFT", "SUBMITTED", "AUTHORISED", "BILLED", "DELETED"),
}


def judge(name: str, value: str) -> str:
    """Return what is wrong with the value of a parameter, or nothing."""
    test = _VALUES.get(name)
    return "" if test is None or test(value) else f"The parameter {name} can't be '{value[:50]}'"
