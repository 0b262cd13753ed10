"""Reading the database: pages by key, narrowed by stamps where there are any; single rows; looking records up.

Everything is read through `selects`; what it means is told by `converting` and `records`.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from xerotui.model.kinds import Kind
from xerotui.model.records import Document, Record
from xerotui.source.contract import Context, Fact, Gone, Keys, Page, SourceRefused
from xerotui_nethelpdesk import converting, preview, probing, records, selects
from xerotui_nethelpdesk.database import Database, TableFault
from xerotui_nethelpdesk.lists import Lists
from xerotui_nethelpdesk.mapping import Found
from xerotui_nethelpdesk.marks import Mark, Seen, mark_of
from xerotui_nethelpdesk.reader import CHARGE_RATE, DOCUMENTS
from xerotui_nethelpdesk.records import Desk
from xerotui_nethelpdesk.selects import Raw
from xerotui_nethelpdesk.settings import NetHelpDeskSettings
from xerotui_nethelpdesk.values import Unreadable, guid, key, link, name_key, text
from xerotui_nethelpdesk.writing import ENTITY, SqlWriter

# A record with its row's stamp, in the database's own time.
Stamped = tuple[Record, dt.datetime | None]
_LINES = {Kind.INVOICE: "invoice_line", Kind.PURCHASE_ORDER: "order_line"}


class Batch(msgspec.Struct):
    """Rows of one entity with what belongs to them: lines by document; sites by client, and addresses."""

    rows: list[Raw]
    parts: dict[str, list[Raw]] = {}
    more: list[Raw] = []


class SqlReader:
    """NetHelpDesk read from its database; a `Reader`."""

    def __init__(self, settings: NetHelpDeskSettings, context: Context) -> None:
        self.settings = settings
        self.context = context
        self.database = Database(settings)
        self.lists = Lists(settings, context, self.database)
        self.writer = SqlWriter(settings, context, self.database, self.lists)

    async def check(self) -> tuple[Fact, ...]:
        """Login, version, what is found and what isn't, rows, own sync."""
        self.lists.forget()
        told = (*await probing.facts(self.settings, self.database, self.lists), *await self._sample())
        return (*told, *preview.facts(self.settings, self.database.url, await self.lists.mapping()))

    async def _sample(self) -> tuple[Fact, ...]:
        """The newest invoice as it is understood, with its sums."""
        found = (await self.lists.mapping())["invoice"]
        if found.absent or (await self.lists.mapping())["invoice_line"].absent:
            return ()
        try:
            batch = await self._batch(Kind.INVOICE, found, selects.newest(found))
            good, bad = await self._records(Kind.INVOICE, await self.lists.desk(Kind.INVOICE), batch)
        except TableFault:
            return ()
        if bad:
            return (Fact("Newest invoice", f"{bad[0][0]}: {bad[0][1]}", False, "Correct it in NetHelpDesk."),)
        made = next((record for record, _ in good if isinstance(record, Document)), None)
        if made is None:
            return ()
        sums = (
            f"net {made.subtotal}, tax {made.tax}" if made.subtotal is not None else made.facts.get("line_faults", "")
        )
        return (Fact("Newest invoice", f"{made.number}, {made.name[:60]}, {len(made.lines)} lines, {sums}"),)

    async def native_sync(self) -> Mapping[str, tuple[Kind, ...]]:
        """What the tick boxes of NetHelpDesk say that it posts itself."""
        return await probing.own_sync(self.lists)

    async def choices(self, spec: str) -> tuple[Record, ...]:
        """The kinds of labour."""
        if spec != CHARGE_RATE:
            return ()
        return tuple(records.charge(row) for row in await self.lists.charges())

    async def pages(self, kind: Kind, cursor: str) -> AsyncGenerator[Page, None]:
        """What changed since the cursor, which comes with the last page alone.

        An entity that can't be read is told as the listing's trouble, so that the others go on.
        """
        mark = mark_of(cursor)
        try:
            if kind is Kind.TAX_RATE:
                yield await self._taxes()
                return
            async for page in self._changed(kind, mark):
                yield page
        except TableFault as error:
            self.lists.forget()
            yield Page(cursor=mark.text(), trouble=error.said.rstrip("."))

    async def _changed(self, kind: Kind, mark: Mark) -> AsyncGenerator[Page, None]:
        found = await self.lists.found(ENTITY[kind])
        lines = [_LINES[kind]] if kind in _LINES else []
        for name in lines:
            await self.lists.found(name)
        now, stamped = self.context.now(), found.has("modified")
        desk = await self.lists.desk(kind)
        digest = await asyncio.to_thread(desk.digest)
        shape = await self.lists.shape(kind, ENTITY[kind], *lines)
        if mark.against.partition(".")[0] != shape:
            # A stamp of another column says nothing of this one.
            mark = msgspec.structs.replace(mark, since="")
        against = f"{shape}.{digest}"
        whole = mark.stale(now) or not stamped or mark.against != against
        since, dated = mark.floor() if stamped else None, None
        if whole and (mark.first or kind not in DOCUMENTS):
            since = None
        elif whole and (since is not None or not stamped):
            # The window is compared on top of what changed since the mark, which may be a document of any date.
            today = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
            dated = today - dt.timedelta(days=self.settings.days)
        seen = Seen(mark, now)
        after: Any = None
        while True:
            batch = await self._batch(kind, found, selects.page(found, after=after, since=since, dated=dated))
            good, bad = await self._records(kind, desk, batch)
            fresh = await asyncio.to_thread(seen.fresh, good)
            if fresh or bad:
                yield Page(records=fresh, skipped=tuple(bad))
            if len(batch.rows) < selects.SIZE:
                break
            after = batch.rows[-1]["id"]
        yield Page(cursor=seen.mark(now, full=whole, stamped=stamped, against=against).text())

    async def _taxes(self) -> Page:
        self.lists.forget_list("tax")
        mapping = await self.lists.mapping()
        if all(mapping[name].absent for name in ("tax", "tax_slots", "tax_slots_more")):
            raise TableFault(f"Taxes can't be read: {mapping['tax'].absent}, and the old slots aren't there either")
        good, bad = await self.lists.tax_rows()
        return Page(records=tuple(records.tax(row) for row in good), skipped=tuple(bad), cursor=Mark().text())

    async def get(self, kind: Kind, id: str) -> Record:
        """One record as it is now. Raises Gone only when the table answers and this id alone isn't in it."""
        if kind is Kind.TAX_RATE:
            tax = (await self.lists.taxes()).get(id)
            if tax is None:
                raise Gone(f"NetHelpDesk has no tax {id[:40]}")
            return records.tax(tax)
        found = await self.lists.found(ENTITY[kind])
        value = self._key(found, kind, id)
        batch = await self._batch(kind, found, selects.equal(found, "id", value))
        if not batch.rows:
            raise Gone(f"NetHelpDesk has no {kind.label} {id[:40]}")
        good, bad = await self._records(kind, await self.lists.desk(kind), batch)
        if bad:
            raise SourceRefused(f"{kind.label.capitalize()} {id[:40]} can't be read: {bad[0][1]}")
        if not good:
            raise Gone(f"What NetHelpDesk has under {id[:40]} is a template")
        return good[0][0]

    def _key(self, found: Found, kind: Kind, id: str) -> Any:
        if _whole(id):
            return int(id)
        if found.query:
            return id
        raise SourceRefused(f"NetHelpDesk has no {kind.label} {id[:40]}: its ids are numbers")

    async def vanished(self, kind: Kind, ids: Sequence[str]) -> tuple[str, ...]:
        """Those of the ids whose row isn't there any more."""
        if kind is Kind.TAX_RATE:
            taxes = await self.lists.taxes()
            return tuple(id for id in ids if id not in taxes)
        found = await self.lists.found(ENTITY[kind])
        wanted = [int(id) if _whole(id) else id for id in ids if _whole(id) or found.query]
        statements = selects.among(found, "id", wanted, ("id",))
        there = {key(raw["id"]) for raw in await self.database.read(lambda c: selects.fetched(c, statements))}
        return tuple(id for id in ids if id not in there)

    async def find(self, kind: Kind, keys: Keys) -> tuple[Record, ...]:
        """Every row of that Xero id, accounts code or name; compared here, by the rule for names."""
        if kind is Kind.TAX_RATE:
            # Before a create nothing that was read a while ago is relied on.
            self.lists.forget_list("tax")
            taxes = (await self.lists.taxes()).values()
            names = {name_key(one) for one in (keys.name, keys.number, keys.xero_id) if one.strip()}
            return tuple(records.tax(t) for t in taxes if {name_key(t.name), name_key(t.code)} & names)
        if kind in DOCUMENTS:
            raise SourceRefused(f"NetHelpDesk's {kind.plural} are never created by XeroTUI, so they aren't looked up")
        found = await self.lists.found(ENTITY[kind])
        wanted = tuple(one for one in ("id", "name", _CODE[kind], "xero_id") if found.has(one))
        rows = await self.database.read(lambda c: selects.fetched(c, selects.whole(found, wanted)))
        ids = [key(raw["id"]) for raw in rows if _fits(kind, raw, keys)]
        made: list[Record] = []
        for id in ids:
            try:
                made.append(await self.get(kind, id))
            except Gone:
                continue
        return tuple(made)

    async def _batch(self, kind: Kind, found: Found, statement: selects.Statement) -> Batch:
        """Rows with what belongs to them, all over one connection."""
        mapping = await self.lists.mapping()

        def job(connection: Connection) -> Batch:
            batch = Batch(selects.fetched(connection, statement))
            ids = [raw["id"] for raw in batch.rows]
            if kind in _LINES and ids:
                lines = selects.fetched(connection, selects.among(mapping[_LINES[kind]], "document", ids))
                batch.parts = _grouped(lines, "document")
            if kind is Kind.CUSTOMER and ids and mapping["site"].has("id", "customer"):
                sites = selects.fetched(connection, selects.among(mapping["site"], "customer", ids))
                batch.parts = _grouped(sites, "customer")
                if sites and mapping["address"].has("id", "site"):
                    wanted = [site["id"] for site in sites]
                    batch.more = selects.fetched(connection, selects.among(mapping["address"], "site", wanted))
            return batch

        return await self.database.read(job)

    async def _records(self, kind: Kind, desk: Desk, batch: Batch) -> tuple[list[Stamped], list[tuple[str, str]]]:
        zone = await self.lists.zone()
        tops = await self.lists.tops() if kind is Kind.CUSTOMER else {}
        groups = await self.lists.groups() if kind is Kind.ITEM else {}
        addresses = _grouped(batch.more, "site")

        def record(raw: Raw) -> Record:
            own = batch.parts.get(key(raw["id"]), [])
            if kind is Kind.CUSTOMER:
                at = [one for site in own for one in addresses.get(key(site["id"]), [])]
                return records.party(desk, kind, converting.customer(raw, tops, own, at, zone))
            if kind is Kind.SUPPLIER:
                return records.party(desk, kind, converting.supplier(raw, zone))
            if kind is Kind.ITEM:
                return records.item(desk, converting.item(raw, groups, zone))
            if kind is Kind.INVOICE:
                return records.invoice(desk, converting.invoice(raw, own, zone))
            return records.order(desk, converting.order(raw, own, zone, self.settings.po_min_approval))

        def made() -> tuple[list[Stamped], list[tuple[str, str]]]:
            good: list[Stamped] = []
            bad: list[tuple[str, str]] = []
            for raw in batch.rows:
                if not link(raw["id"]):
                    # Ids below zero are templates; a table leaves them out itself, a query of one's own may not.
                    continue
                try:
                    good.append((record(raw), converting.stamp(raw)))
                except Unreadable as error:
                    bad.append((key(raw["id"]) or "?", str(error)))
            return good, bad

        return await asyncio.to_thread(made)


_CODE = {Kind.CUSTOMER: "account_code", Kind.SUPPLIER: "account_code", Kind.ITEM: "code"}


def _whole(id: str) -> bool:
    return id.isascii() and id.isdecimal() and len(id) <= 18


def _grouped(raws: Sequence[Raw], by: str) -> dict[str, list[Raw]]:
    """Rows by the key that points to what they belong to, FLOAT or not."""
    found: dict[str, list[Raw]] = {}
    for raw in raws:
        found.setdefault(key(raw[by]), []).append(raw)
    return found


def _fits(kind: Kind, raw: Raw, keys: Keys) -> bool:
    code = text(raw.get(_CODE[kind]))
    if keys.xero_id and guid(raw.get("xero_id")) == keys.xero_id.lower():
        return True
    if keys.number.strip() and code.casefold() == keys.number.strip().casefold():
        return True
    return bool(keys.name.strip()) and name_key(text(raw["name"])) == name_key(keys.name)
