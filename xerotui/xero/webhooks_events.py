"""What a webhook delivery says: whose key signed it, and the events in it (xero-api section 10). Pure.

Nothing in a delivery is believed beyond "something changed there".
"""

import base64
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from xerotui.xero.dates import instant

ORGANISATION = "ORGANISATION"
# Categories that lead to a reading; others (SUBSCRIPTION, and what Xero may invent) are counted and no more.
KNOWN = ("CONTACT", "INVOICE", "CREDITNOTE", "PREPAYMENT", "OVERPAYMENT")
TYPES = ("CREATE", "UPDATE")
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Event(msgspec.Struct, frozen=True):
    """One event that can be followed; `tenant` and `resource` in lower case, `category` and `type` in upper case."""

    tenant: str
    category: str
    type: str
    resource: str
    at: dt.datetime | None


class Delivery(msgspec.Struct, frozen=True):
    """One signed body. `app` is the Xero connection whose key signed it.

    `first` and `last` are its sequence numbers, 0 where it has none. `unknown` counts what isn't followed, by
    reason. `unread` is True when a part of it can't be read: then anything may have changed.
    """

    app: str
    events: tuple[Event, ...] = ()
    first: int = 0
    last: int = 0
    unknown: dict[str, int] = {}
    unread: bool = False

    @property
    def intent(self) -> bool:
        """True for Xero's question whether somebody listens: it brings no event."""
        return not self.events and not self.unknown and not self.unread


def sign(key: str, body: bytes) -> str:
    """The signature that a body has under a key: base64 of HMAC-SHA256 over the raw bytes, the key as UTF-8 text."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def signer(keys: Mapping[str, str], body: bytes, signature: str) -> str:
    """The name of the key, of those by name, that signed a body; blank for none.

    Every key is tried, in constant time each, so that the time taken tells nothing about any of them.
    """
    given = signature.strip().encode("utf-8", "replace")
    found = ""
    for name, key in keys.items():
        if hmac.compare_digest(sign(key, body).encode(), given) and key:
            found = name
    return found


def read(app: str, body: bytes) -> Delivery:
    """The delivery of a body whose signature was good; what can't be read of it is told, never raised."""
    try:
        whole = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Delivery(app, unread=True)
    listed = whole.get("events") if isinstance(whole, dict) else None
    if not isinstance(listed, list):
        return Delivery(app, unread=True)
    events: list[Event] = []
    unknown: dict[str, int] = {}
    unread = False
    for raw in listed:
        event = _event(raw)
        if isinstance(event, Event):
            events.append(event)
        elif event:
            unknown[event] = unknown.get(event, 0) + 1
        else:
            unread = True
    first, last = _number(whole.get("firstEventSequence")), _number(whole.get("lastEventSequence"))
    if not listed or not 0 < first <= last:
        first = last = 0
    return Delivery(app, tuple(events), first, last, unknown, unread)


def _event(raw: Any) -> Event | str:
    """The event, or the reason why it is none to follow; blank for one that can't be read."""
    if not isinstance(raw, dict):
        return ""
    tenant, category = _text(raw, "tenantId").lower(), _text(raw, "eventCategory").upper()
    kind, resource = _text(raw, "eventType").upper(), _text(raw, "resourceId").lower()
    if _text(raw, "tenantType").upper() not in ("", ORGANISATION) or (category and category not in KNOWN):
        return "category"
    if kind and kind not in TYPES:
        return "type"
    if not (category and kind and _GUID.fullmatch(tenant) and _GUID.fullmatch(resource)):
        return ""
    return Event(tenant, category, kind, resource, instant(_text(raw, "eventDateUtc")))


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    return value.strip()[:100] if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**62 else 0
