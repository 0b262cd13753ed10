"""Snapshots: what each side last said, with the cursors it was read by. Writes `snapshots`, `cursors`, `organisations`.

A cache: a row of another shape is left out and read again, never converted.
"""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, select

from xerotui.model import records as shapes
from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import Page, View
from xerotui.model.records import SHAPE, Document, Organisation, Record
from xerotui.model.work import Topic
from xerotui.store import tables
from xerotui.store.keys import chunks, clip, micros, millionths, moment, money, name_key
from xerotui.store.paging import Listing, exactly, holds
from xerotui.store.tx import Tx

_table = tables.snapshots
_SORTS: dict[str, ColumnElement[Any]] = {
    "title": _table.c.name_key,
    "number": _table.c.number,
    "date": _table.c.date,
    "total": _table.c.units,
    "modified": _table.c.modified,
    "status": _table.c.status,
}
_FIELDS: dict[str, ColumnElement[Any]] = {
    "tenant": _table.c.tenant,
    "status": _table.c.status,
    "party": _table.c.party,
    "currency": _table.c.currency,
    "date": _table.c.date,
}


class CursorRow(msgspec.Struct, frozen=True):
    """How far a kind was read, and when (world time)."""

    side: Side
    connection: str
    kind: Kind
    cursor: str
    at: dt.datetime


class Snapshots:
    """Records by side, connection (the tenant id on Xero's side), kind and id."""

    async def put(
        self, tx: Tx, side: Side, connection: str, records: Sequence[Record], now: dt.datetime
    ) -> tuple[str, ...]:
        """Store records; the ids of those that are new, say something else, were gone, or had another shape."""
        changed: list[str] = []
        latest = {(record.kind, record.id): record for record in records}
        for kind in {record.kind for record in latest.values()}:
            mine = [record for record in latest.values() if record.kind is kind]
            for some in chunks(mine):
                changed += await self._put(tx, side, connection, kind, some, micros(now))
        if changed:
            tx.bump(Topic.SNAPSHOTS)
        return tuple(changed)

    async def _put(
        self, tx: Tx, side: Side, connection: str, kind: Kind, records: Sequence[Record], now: int
    ) -> list[str]:
        where = (*_of(side, connection, kind), _table.c.id.in_([record.id for record in records]))
        columns = (_table.c.id, _table.c.fingerprint, _table.c.gone, _table.c.shape, _table.c.modified)
        have = {row.id: row for row in await tx.all(select(*columns).where(*where))}
        changed, stored, same = [], [], []
        for record in records:
            print_ = shapes.fingerprint(record)
            old = have.get(record.id)
            if old is not None and _overtaken(side, record, old):
                continue
            news = old is None or old.fingerprint != print_ or old.gone or old.shape != SHAPE
            if news:
                changed.append(record.id)
            if news or (old is not None and old.modified != micros(record.modified)):
                stored.append(_values(side, connection, record, print_, now))
            else:
                same.append(record.id)
        await tx.upsert(_table, stored)
        if same:
            await tx.run(_table.update().where(*_of(side, connection, kind), _table.c.id.in_(same)).values(seen_at=now))
        return changed

    async def gone(
        self, tx: Tx, side: Side, connection: str, kind: Kind, ids: Sequence[str], now: dt.datetime
    ) -> tuple[str, ...]:
        """Note that the side says these are gone; the ids that were there until now."""
        were: list[str] = []
        for some in chunks(list(dict.fromkeys(ids))):
            there = (*_of(side, connection, kind), _table.c.id.in_(some), ~_table.c.gone)
            were += [row.id for row in await tx.all(select(_table.c.id).where(*there))]
            await tx.run(_table.update().where(*there).values(gone=True, seen_at=micros(now)))
        if were:
            tx.bump(Topic.SNAPSHOTS)
        return tuple(were)

    async def get(self, tx: Tx, side: Side, connection: str, kind: Kind, id: str) -> Record | None:
        """One record, also when it is gone since; None for unknown ones and other shapes."""
        return (await self.many(tx, side, connection, kind, [id])).get(id)

    async def many(
        self, tx: Tx, side: Side, connection: str, kind: Kind, ids: Sequence[str], *, include_gone: bool = True
    ) -> dict[str, Record]:
        """Several records by id, gone ones included unless told otherwise."""
        found: dict[str, Record] = {}
        for some in chunks(list(dict.fromkeys(ids))):
            where = (*_present(side, connection, kind, gone=include_gone), _table.c.id.in_(some))
            rows = await tx.all(select(_table.c.id, _table.c.body).where(*where))
            found |= {row.id: shapes.decode(row.body) for row in rows}
        return found

    async def all(
        self,
        tx: Tx,
        side: Side,
        connection: str,
        kind: Kind,
        *,
        tenant: str | None = None,
        include_gone: bool = False,
    ) -> list[Record]:
        """Every record of a kind, by id; `tenant` leaves in those the side itself names it for."""
        batches = self.stream(tx, side, connection, kind, tenant=tenant, include_gone=include_gone)
        return [record async for batch in batches for record in batch]

    async def stream(
        self,
        tx: Tx,
        side: Side,
        connection: str,
        kind: Kind,
        *,
        tenant: str | None = None,
        include_gone: bool = False,
        batch: int = 500,
    ) -> AsyncIterator[list[Record]]:
        """As `all`, in batches, for kinds too big to hold at once."""
        where = _present(side, connection, kind, gone=include_gone)
        if tenant is not None:
            where = (*where, _table.c.tenant == tenant)
        after = ""
        query = select(_table.c.id, _table.c.body).where(*where).order_by(_table.c.id).limit(batch)
        while rows := await tx.all(query.where(_table.c.id > after)):
            yield [shapes.decode(row.body) for row in rows]
            after = rows[-1].id

    async def by_number(self, tx: Tx, side: Side, connection: str, kind: Kind, numbers: Sequence[str]) -> list[Record]:
        """The records that carry one of these numbers or codes, to the letter; gone ones are left out."""
        found: list[Record] = []
        for some in chunks(list({number for number in numbers if number})):
            cut = [clip(number) for number in some]
            where = (*_present(side, connection, kind, gone=False), _table.c.number.in_(cut))
            rows = await tx.all(select(_table.c.body).where(*where).order_by(_table.c.number, _table.c.id))
            found += [record for row in rows if _number(record := shapes.decode(row.body)) in set(some)]
        return found

    async def fingerprints(self, tx: Tx, side: Side, connection: str, kind: Kind) -> dict[str, str]:
        """The fingerprint of every present record of a kind, by id."""
        where = _present(side, connection, kind, gone=False)
        return {
            row.id: row.fingerprint for row in await tx.all(select(_table.c.id, _table.c.fingerprint).where(*where))
        }

    async def page(self, tx: Tx, side: Side, connection: str, kind: Kind, view: View) -> Page[Record]:
        """A page of present records.

        Filter on name and number; fields tenant, status, party, currency, date; sort by title (the default),
        number, date, total, modified, status.
        """
        where = [*_present(side, connection, kind, gone=False), *exactly(view, _FIELDS)]
        if view.text:
            where.append(holds(_table.c.name_key, view.text) | holds(_table.c.number, view.text, fold=False))
        listing = Listing(select(_table.c.body).where(*where), _table.c.id, _SORTS, "title")
        return await listing.page(tx, view, lambda row: shapes.decode(row.body))

    async def get_cursor(self, tx: Tx, side: Side, connection: str, kind: Kind) -> str:
        """How far the kind was read, in the side's own words; blank for not at all."""
        where = _of_cursor(side, connection, kind)
        return str(await tx.scalar(select(tables.cursors.c.cursor).where(*where)) or "")

    async def set_cursor(self, tx: Tx, side: Side, connection: str, kind: Kind, cursor: str, now: dt.datetime) -> None:
        """Note how far the kind was read; belongs into the transaction that stores what was read."""
        row = {"side": side.value, "connection": connection, "kind": kind.value, "cursor": cursor, "at": micros(now)}
        await tx.upsert(tables.cursors, [row])
        tx.bump(Topic.SNAPSHOTS)

    async def cursors(self, tx: Tx) -> list[CursorRow]:
        """Every cursor, by side, connection and kind."""
        table = tables.cursors
        rows = await tx.all(select(table).order_by(table.c.side, table.c.connection, table.c.kind))
        return [CursorRow(Side(r.side), r.connection, Kind(r.kind), r.cursor, moment(r.at)) for r in rows]

    async def forget(self, tx: Tx, side: Side, connection: str) -> None:
        """Drop all that is known of a connection, so that it is read anew."""
        for table in (_table, tables.cursors):
            await tx.run(table.delete().where(table.c.side == side.value, table.c.connection == connection))
        if side is Side.XERO:
            await tx.run(tables.organisations.delete().where(tables.organisations.c.tenant == connection))
        tx.bump(Topic.SNAPSHOTS)

    async def put_organisation(self, tx: Tx, tenant: str, organisation: Organisation, now: dt.datetime) -> None:
        """Store what an organisation says of itself."""
        body = msgspec.json.encode(organisation).decode()
        await tx.upsert(tables.organisations, [{"tenant": tenant, "body": body, "seen_at": micros(now)}])
        tx.bump(Topic.SNAPSHOTS)

    async def organisation(self, tx: Tx, tenant: str) -> Organisation | None:
        """What an organisation last said of itself."""
        table = tables.organisations
        body = await tx.scalar(select(table.c.body).where(table.c.tenant == tenant))
        return msgspec.json.decode(body, type=Organisation) if body else None

    async def organisations(self, tx: Tx) -> dict[str, Organisation]:
        """Every organisation that was read, by tenant id."""
        rows = await tx.all(select(tables.organisations).order_by(tables.organisations.c.tenant))
        return {row.tenant: msgspec.json.decode(row.body, type=Organisation) for row in rows}


def _overtaken(side: Side, record: Record, old: Any) -> bool:
    """Whether a newer state of the record is kept already: readings of an organisation overlap, and the slower one
    may have been asked first. Xero's own times only grow; a source's may not."""
    if side is not Side.XERO or record.modified is None or old.gone or old.shape != SHAPE:
        return False
    return bool(micros(record.modified) < old.modified)


def _of(side: Side, connection: str, kind: Kind) -> tuple[ColumnElement[bool], ...]:
    return (_table.c.side == side.value, _table.c.connection == connection, _table.c.kind == kind.value)


def _of_cursor(side: Side, connection: str, kind: Kind) -> tuple[ColumnElement[bool], ...]:
    c = tables.cursors.c
    return (c.side == side.value, c.connection == connection, c.kind == kind.value)


def _present(side: Side, connection: str, kind: Kind, *, gone: bool) -> tuple[ColumnElement[bool], ...]:
    where = (*_of(side, connection, kind), _table.c.shape == SHAPE)
    return where if gone else (*where, ~_table.c.gone)


def _number(record: Record) -> str:
    return getattr(record, "number", "") or getattr(record, "code", "")


def _status(record: Record) -> str:
    status: str = getattr(record, "status", "")
    return status or ("active" if getattr(record, "active", True) else "inactive")


def _values(side: Side, connection: str, record: Record, fingerprint: str, now: int) -> dict[str, Any]:
    document = record if isinstance(record, Document) else None
    number = _number(record)
    title = (number or record.name) if document else (record.name or number)
    total = document.total if document else None
    return {
        "side": side.value,
        "connection": connection,
        "kind": record.kind.value,
        "id": record.id,
        "shape": SHAPE,
        "fingerprint": fingerprint,
        "gone": False,
        "title": title,
        "name_key": clip(name_key(title)),
        "number": clip(number),
        "tenant": record.tenant,
        "party": document.party if document else "",
        "date": document.date.isoformat() if document and document.date else "",
        "total": money(total),
        "units": millionths(total),
        "currency": getattr(record, "currency", ""),
        "xero_id": record.xero_id,
        "status": _status(record),
        "modified": micros(record.modified),
        "seen_at": now,
        "body": shapes.encode(record),
    }
