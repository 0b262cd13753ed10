"""What one emulated organisation holds, with the indexes by which it is looked up.

Records are dictionaries under Xero's field names: money as Decimal, document dates as date, instants as aware
datetime; keys that begin with an underscore are the emulator's own and never leave it. No rule may live here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.xero.behaviour import Behaviour

Record = dict[str, Any]

_ZONES = {
    "GMTSTANDARDTIME": "Europe/London",
    "AUSEASTERNSTANDARDTIME": "Australia/Sydney",
    "NEWZEALANDSTANDARDTIME": "Pacific/Auckland",
    "EASTERNSTANDARDTIME": "America/New_York",
    "WEUROPESTANDARDTIME": "Europe/Berlin",
}


def new_id() -> str:
    """Return a fresh GUID."""
    return str(uuid.uuid4())


def folded(text: Any) -> str:
    """Return text as Xero compares it: without regard to case."""
    return str(text).casefold()


class Table:
    """Records of one collection by id, and by the text of each indexed field regardless of case."""

    def __init__(self, id_field: str, *indexed: str) -> None:
        self.id_field = id_field
        self.indexed = indexed
        self.rows: dict[str, Record] = {}
        self._index: dict[str, dict[str, dict[str, None]]] = {field: {} for field in indexed}
        self._keys: dict[str, dict[str, str]] = {}

    def __iter__(self) -> Iterator[Record]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, id: str) -> Record | None:
        """Return the record of that id, or None."""
        return self.rows.get(id)

    def find(self, field: str, value: Any) -> list[Record]:
        """Return the records whose indexed ``field`` equals ``value`` regardless of case, oldest first."""
        return [self.rows[id] for id in self._index[field].get(folded(value), {})]

    def put(self, record: Record) -> Record:
        """Store a record under its id, in place of what was there."""
        id = str(record[self.id_field])
        self._forget(id)
        self.rows[id] = record
        keys = {field: folded(key) for field in self.indexed if (key := _reach(record, field))}
        for field, key in keys.items():
            self._index[field].setdefault(key, {})[id] = None
        self._keys[id] = keys
        return record

    def delete(self, id: str) -> None:
        """Remove the record of that id for good."""
        self._forget(id)
        del self.rows[id]

    def _forget(self, id: str) -> None:
        for field, key in self._keys.pop(id, {}).items():
            self._index[field][key].pop(id, None)


def _reach(record: Record, field: str) -> Any:
    name, _, rest = field.partition(".")
    return _reach(record.get(name) or {}, rest) if rest else record.get(name)


class Organisation:
    """One organisation: its own facts and its collections under their plural names."""

    def __init__(
        self, tenant_id: str, connection_id: str, info: Record, clock: WorldClock, behaviour: Behaviour | None = None
    ) -> None:
        self.tenant_id = tenant_id
        self.connection_id = connection_id
        self.info = info
        self.clock = clock
        self.behaviour = behaviour or Behaviour()
        self.tables = {
            "Accounts": Table("AccountID", "Code", "Name"),
            "TaxRates": Table("TaxType", "Name"),
            "TrackingCategories": Table("TrackingCategoryID", "Name"),
            "BrandingThemes": Table("BrandingThemeID"),
            "Currencies": Table("Code"),
            "Contacts": Table("ContactID", "Name", "ContactNumber", "AccountNumber"),
            "ContactGroups": Table("ContactGroupID"),
            "Items": Table("ItemID", "Code"),
            "Invoices": Table("InvoiceID", "InvoiceNumber", "Contact.ContactID"),
            "CreditNotes": Table("CreditNoteID", "CreditNoteNumber", "Contact.ContactID"),
            "PurchaseOrders": Table("PurchaseOrderID", "PurchaseOrderNumber", "Contact.ContactID"),
            "Payments": Table("PaymentID", "_document"),
            "BatchPayments": Table("BatchPaymentID"),
            "RepeatingInvoices": Table("RepeatingInvoiceID"),
        }
        self.history: dict[str, list[Record]] = {}
        # Told of every stored record: the organisation, the collection, the record, whether it is new.
        self.watchers: list[Callable[[Organisation, str, Record, bool], None]] = []

    def __getitem__(self, plural: str) -> Table:
        return self.tables[plural]

    @property
    def name(self) -> str:
        """The name of the organisation."""
        return str(self.info["Name"])

    @property
    def currency(self) -> str:
        """The base currency."""
        return str(self.info["BaseCurrency"])

    def today(self) -> date:
        """Return the calendar date in the organisation's own time zone."""
        zone: tzinfo | None = None
        try:
            zone = ZoneInfo(_ZONES.get(self.info.get("Timezone", ""), "UTC"))
        except ZoneInfoNotFoundError:
            zone = None
        now = self.clock.now()
        return (now.astimezone(zone) if zone else now).date()

    def now(self) -> datetime:
        """Return world time."""
        return self.clock.now()

    def save(self, plural: str, record: Record) -> Record:
        """Store a record and stamp it as updated now."""
        record["UpdatedDateUTC"] = self.now()
        table = self.tables[plural]
        created = str(record[table.id_field]) not in table.rows
        table.put(record)
        for watcher in self.watchers:
            watcher(self, plural, record, created)
        return record

    def denied(self, action: str) -> bool:
        """Tell whether the role of the consenting user forbids this action of /Organisation/Actions."""
        return action in self.info.get("_denied", ())

    def unsubscribed(self, currency: str) -> str:
        """Return the refusal of a currency: it wasn't added, or the plan knows none but the organisation's own."""
        whose = "Users Organisation" if self.denied("UseMulticurrency") else "Organisation"
        return f"{whose} is not subscribed to currency {currency}"

    def account(self, code: Any = None, id: Any = None) -> Record | None:
        """Return the account of that code or id, or None."""
        if id:
            return self["Accounts"].get(str(id))
        found = self["Accounts"].find("Code", code) if code else []
        return found[0] if found else None

    def next_number(self, plural: str, field: str, prefix: str) -> str:
        """Return the next free number of the form PREFIX-0001."""
        table = self[plural]
        n = self.info.setdefault("_next", {}).get(prefix, 1)
        while table.find(field, f"{prefix}-{n:04d}"):
            n += 1
        self.info["_next"][prefix] = n + 1
        return f"{prefix}-{n:04d}"
