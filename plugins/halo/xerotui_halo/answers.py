"""What Halo answers: error texts in all their shapes (halo-api section 6), lists however they are wrapped."""

import json
import re
from typing import Any

from xerotui.net.http import Response
from xerotui.net.limits import Throttled
from xerotui.source.contract import SourceRefused
from xerotui_halo.values import Row

WINDOW = "five minutes"
_LIMIT = 300
_KEYS = ("error_description", "errormessage", "message", "error", "title", "detail")
_STATED = re.compile(r"(\d{1,6})\s+requests?\b.{0,40}?(\d{1,4})\s*min", re.IGNORECASE | re.DOTALL)


def said(response: Response) -> str:
    """Halo's own words in an error answer, at most 300 characters; "" when it has none."""
    body = response.text().strip()
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = body
    return " ".join(_words(value).split())[:_LIMIT]


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(one) for one in value[:5])))
    if not isinstance(value, dict):
        return ""
    lower = {str(key).lower(): one for key, one in value.items()}
    for key in _KEYS:
        if isinstance(lower.get(key), str) and lower[key].strip():
            return str(lower[key])
    return "; ".join(f"{key}: {_words(one)}" for key, one in value.items() if isinstance(one, list) and one)


def throttled(response: Response) -> Throttled | None:
    """A 429, read: Retry-After where it is given, else by the minutes in its words (halo-api section 3).

    The window rolls, so a fifth of it is waited at a time; where no minutes are told, of five. A limit told in its
    words is handed on, so that it is kept from then on.
    """
    if response.status != 429:
        return None
    stated = _STATED.search(response.text()[:2000])
    calls, minutes = (int(stated.group(1)), int(stated.group(2))) if stated else (0, 5)
    after = response.headers.get("retry-after", "").strip()
    seconds = float(after) if after.isdigit() else max(5.0, min(minutes * 60 / 5, 300.0))
    return Throttled(WINDOW, seconds, calls, minutes * 60 if stated else 0)


def unwrap(body: Any, key: str) -> list[Row]:
    """The rows of a list answer: bare, under its key, or under the only key that holds a list.

    Raises SourceRefused when no list is to be found.
    """
    return [row for row in elements(body, key) if isinstance(row, dict)]


def elements(body: Any, key: str) -> list[Any]:
    """Whatever the list of an answer holds, rows or not; as `unwrap`."""
    found = body
    if isinstance(body, dict):
        lists = [value for value in body.values() if isinstance(value, list)]
        found = body.get(key) if isinstance(body.get(key), list) else lists[0] if len(lists) == 1 else None
    if not isinstance(found, list):
        keys = ", ".join(sorted(map(str, body))[:8]) if isinstance(body, dict) else type(body).__name__
        raise SourceRefused(f"Halo's answer holds no list of {key or 'rows'} (it holds: {keys[:200]})")
    return found


def single(body: Any) -> Row:
    """The object of a single GET or of a write, also when it comes in a list or wrapped alone.

    Raises SourceRefused when there is none.
    """
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if isinstance(body, dict) and len(body) == 1 and isinstance(inner := next(iter(body.values())), dict | list):
        return single(inner)
    if not isinstance(body, dict) or not body:
        raise SourceRefused("Halo's answer holds no record")
    return body


def record_count(body: Any) -> int | None:
    """How many rows there are in all, where the envelope says so."""
    count = body.get("record_count") if isinstance(body, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None
