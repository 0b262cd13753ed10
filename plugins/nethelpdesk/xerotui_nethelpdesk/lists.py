"""The short lists that records are read against, and the mapping of the installation; each is kept for a while.

Read when first needed, and again when older than a minute of world time; the mapping is found out anew after an hour.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeVar

from xerotui.model.kinds import Kind
from xerotui.source.contract import Context, SourceRefused
from xerotui_nethelpdesk import converting, selects
from xerotui_nethelpdesk.database import Database, TableFault
from xerotui_nethelpdesk.dialects import OFFSET
from xerotui_nethelpdesk.mapping import Found, load, resolve
from xerotui_nethelpdesk.records import Desk
from xerotui_nethelpdesk.rows import ChargeRow, CurrencyRow, ItemRow, PartyRow, TaxRow
from xerotui_nethelpdesk.selects import Raw
from xerotui_nethelpdesk.settings import CODE_FIELDS, NetHelpDeskSettings, zone_of
from xerotui_nethelpdesk.values import Unreadable, integer, key, text

T = TypeVar("T")
FRESH = dt.timedelta(seconds=60)
MAPPED = dt.timedelta(hours=1)
_CHARGE_TYPES = 17


class Lists:
    """The lists of one database."""

    def __init__(self, settings: NetHelpDeskSettings, context: Context, database: Database) -> None:
        self._settings = settings
        self._context = context
        self._database = database
        self._held: dict[str, tuple[dt.datetime, Any]] = {}

    def forget(self) -> None:
        """Nothing that was read is relied on any more."""
        self._held.clear()

    def forget_list(self, name: str) -> None:
        """One list is read anew when it is next needed."""
        self._held.pop(name, None)

    async def mapping(self) -> Mapping[str, Found]:
        """Every entity as it is in this database."""
        return await self._fresh("mapping", self._mapping, MAPPED)

    async def found(self, name: str) -> Found:
        """One entity. Raises TableFault, naming what lacks, where it can't be read."""
        found = (await self.mapping())[name]
        if found.absent:
            raise TableFault(
                f"{found.entity.title.capitalize()} can't be read: {found.absent}. Name it in the mapping file, or "
                "grant SELECT on it: what the login may not read isn't seen"
            )
        return found

    async def zone(self) -> dt.tzinfo:
        """The time zone of what the database writes."""
        known: dt.tzinfo | None = zone_of(self._settings)
        return known if known is not None else await self._fresh("zone", self._offset, MAPPED)

    async def desk(self, kind: Kind) -> Desk:
        """What records of a kind are read against."""
        desk = Desk(self._settings, taxes=await self._known_taxes(kind))
        desk.currencies = await self._fresh("currency", self._currencies)
        if kind is Kind.PURCHASE_ORDER:
            desk.suppliers = await self._fresh("supplier", self._suppliers)
        if kind is Kind.INVOICE:
            desk.customers = await self._fresh("customer", self._customers)
            desk.due_days = await self._fresh("defaults", self._due_days)
        if kind in (Kind.INVOICE, Kind.PURCHASE_ORDER):
            desk.items = await self.items()
        return desk

    async def _known_taxes(self, kind: Kind) -> Mapping[str, TaxRow]:
        """The taxes; none where they can't be read and records name them by id alone, as all but documents do."""
        try:
            return await self.taxes()
        except TableFault:
            if kind in (Kind.INVOICE, Kind.PURCHASE_ORDER):
                raise
            return {}

    async def shape(self, kind: Kind, *names: str) -> str:
        """A digest of what these entities are read from, and of the short lists that go into the records of a kind."""
        mapping = await self.mapping()
        said: list[Any] = [(f.table, f.schema, f.query, sorted(f.columns.items())) for f in (mapping[n] for n in names)]
        said += [sorted((await self.tops()).items())] if kind is Kind.CUSTOMER else []
        said += [sorted((await self.groups()).items())] if kind is Kind.ITEM else []
        return sha256(repr(said).encode()).hexdigest()[:16]

    async def taxes(self) -> Mapping[str, TaxRow]:
        """Taxes by id; one that can't be read is left out here and named by the reading of taxes."""
        return {row.id: row for row in (await self.tax_rows())[0]}

    async def tax_rows(self) -> tuple[list[TaxRow], list[tuple[str, str]]]:
        """The taxes, and those that can't be read with the reason."""
        return await self._fresh("tax", self._taxes)

    async def items(self) -> Mapping[str, ItemRow]:
        """Items by id."""
        return await self._fresh("item", self._items)

    async def charges(self) -> list[ChargeRow]:
        """The kinds of labour."""
        return await self._fresh("charge", self._charges)

    async def tops(self) -> Mapping[str, str]:
        """Names of top levels by id."""
        return await self._fresh("top_level", self._tops)

    async def groups(self) -> Mapping[str, tuple[str, str]]:
        """Name and nominal code of item groups by id."""
        return await self._fresh("group", self._groups)

    async def rows(self, name: str) -> list[Raw]:
        """Every row of an entity; none where it isn't there, or may not be read."""
        found = (await self.mapping())[name]
        if found.absent:
            return []
        try:
            return await self.strict(found)
        except TableFault as error:
            if found.entity.required:
                raise
            self._context.log.warning("nethelpdesk_table_left_out", table=found.where, why=error.said)
            return []

    async def strict(self, found: Found) -> list[Raw]:
        """Every row of an entity. Raises TableFault where it may not be read."""
        return await self._database.read(lambda c: selects.fetched(c, selects.whole(found)))

    async def _fresh(self, name: str, read: Callable[[], Awaitable[T]], age: dt.timedelta = FRESH) -> T:
        held, now = self._held.get(name), self._context.now()
        if held is None or not dt.timedelta(0) <= now - held[0] <= age:
            self._held[name] = held = (now, await read())
        found: T = held[1]
        return found

    async def _mapping(self) -> Mapping[str, Found]:
        changes = load(self._settings.mapping_file)
        tables = await self._database.tables()
        queries: dict[str, tuple[str, ...]] = {}
        broken: dict[str, str] = {}
        for name, change in changes.items():
            try:
                queries[name] = await self._database.columns(change.query) if change.query else ()
            except SourceRefused as error:
                broken[name] = f"its query in the mapping file fails: {error.said}"
        return resolve(changes, tables, queries, broken)

    async def _offset(self) -> dt.tzinfo:
        statement = OFFSET.get(self._database.dialect)
        minutes = integer(await self._database.scalar(statement)) if statement else 0
        return dt.timezone(dt.timedelta(minutes=minutes or 0))

    async def _taxes(self) -> tuple[list[TaxRow], list[tuple[str, str]]]:
        good: list[TaxRow] = []
        bad: list[tuple[str, str]] = []
        found = (await self.mapping())["tax"]
        for raw in [] if found.absent else await self.strict(found):
            try:
                good.append(converting.tax(raw))
            except Unreadable as error:
                bad.append((key(raw.get("id")), str(error)))
        if not good and not bad:
            slots = [*(await self.rows("tax_slots"))[:1], *(await self.rows("tax_slots_more"))[:1]]
            good = converting.tax_slots(slots)
        return good, bad

    async def _currencies(self) -> Mapping[str, CurrencyRow]:
        rows = [converting.currency(raw) for raw in await self.rows("currency") if key(raw.get("id"))]
        return {row.id: row for row in rows}

    async def _customers(self) -> Mapping[str, PartyRow]:
        tops, zone, rows = await self.tops(), await self.zone(), await self.rows("customer")
        return await _readable(rows, lambda raw: converting.customer(raw, tops, (), (), zone))

    async def _suppliers(self) -> Mapping[str, PartyRow]:
        zone = await self.zone()
        return await _readable(await self.rows("supplier"), lambda raw: converting.supplier(raw, zone))

    async def _items(self) -> Mapping[str, ItemRow]:
        groups, zone = await self.groups(), await self.zone()
        return await _readable(await self.rows("item"), lambda raw: converting.item(raw, groups, zone))

    async def _due_days(self) -> int:
        rows = await self.rows("defaults")
        return max(integer(rows[0].get("due_days")) or 0, 0) if rows else 0

    async def _tops(self) -> Mapping[str, str]:
        return {key(raw["id"]): text(raw["name"]) for raw in await self.rows("top_level")}

    async def _groups(self) -> Mapping[str, tuple[str, str]]:
        return {key(r["id"]): (text(r["name"]), text(r.get("account"))) for r in await self.rows("group")}

    async def _charges(self) -> list[ChargeRow]:
        found = (await self.mapping())["charge_type"]
        if found.absent:
            return []
        try:
            types = await self._database.read(lambda c: selects.fetched(c, selects.equal(found, "list", _CHARGE_TYPES)))
        except TableFault as error:
            self._context.log.warning("nethelpdesk_table_left_out", table=found.where, why=error.said)
            return []
        rates = await self.rows("charge_rate")
        field = self._settings.charge_code_field
        if field == CODE_FIELDS[0]:
            field = converting.code_field(types, [one.code for one in (await self.items()).values()])
        return converting.charges(types, rates, field, self._context.now().date())


Row = TypeVar("Row", PartyRow, ItemRow)


async def _readable(raws: Sequence[Raw], read: Callable[[Raw], Row]) -> dict[str, Row]:
    """Rows by id; one that can't be read is left out here and named by the reading of its kind."""

    def made() -> dict[str, Row]:
        found: dict[str, Row] = {}
        for raw in raws:
            try:
                row = read(raw)
            except Unreadable:
                continue
            found[row.id] = row
        return found

    # Thousands of rows would hold up everything else of this process.
    return await asyncio.to_thread(made)
