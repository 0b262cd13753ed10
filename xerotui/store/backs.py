"""What comes back from Xero. Writes `apart` (where the two sides differ), `told` (what a source was told of payments)
and `taken` (which side a person chose)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, select

from xerotui.model import settling
from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import Page, View
from xerotui.model.settling import Settlement
from xerotui.model.work import Topic
from xerotui.store import tables
from xerotui.store.keys import amount, chunks, clip, millionths, money, name_key
from xerotui.store.paging import Listing, exactly, holds
from xerotui.store.tx import Tx

_apart, _told, _taken = tables.apart, tables.told, tables.taken
# The sorts of differences: see `Apart`.
DRIFT, VOIDED, LOST, BORN = "drift", "voided", "lost", "born"
_KEY = ("connection", "tenant", "what", "kind", "record", "field")


class Apart(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in which the sides stand apart.

    `what` is drift (a field that the other side changed), voided (in Xero, not at the source), lost (something of
    Xero's that the source can't hold) or born (in Xero alone). `record` is the source's id, `xero:<id>` where it has
    none; `field` and the two values are those of a drift. `owner` is the side that owns the field.
    """

    connection: str
    tenant: str
    what: str
    kind: Kind
    record: str
    field: str = ""
    title: str = ""
    party: str = ""
    source: str = ""
    xero: str = ""
    owner: str = ""
    why: str = ""
    currency: str = ""
    total: Decimal | None = None
    xero_id: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by."""
        return (self.connection, self.tenant, self.what, self.kind.value, self.record, self.field)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A person's choice between the sides for a record, or for one `field` of it, while Xero's is of that version."""

    connection: str
    tenant: str
    kind: Kind
    record: str
    field: str = ""
    side: Side
    version: str
    actor: str = ""


_SORTS: dict[str, ColumnElement[Any]] = {
    "title": _apart.c.search,
    "what": _apart.c.what,
    "field": _apart.c.field,
    "kind": _apart.c.kind,
    "total": _apart.c.units,
}
_FIELDS: dict[str, ColumnElement[Any]] = {
    name: _apart.c[name] for name in ("connection", "tenant", "what", "kind", "record", "field", "owner")
}


class Backs:
    """Differences, what was told, and what was chosen."""

    async def replace(self, tx: Tx, connection: str, tenant: str, rows: Sequence[Apart]) -> int:
        """Let these be the pair's differences; only what changed is written. How many rows that was."""
        mine = (_apart.c.connection == connection, _apart.c.tenant == tenant)
        have = {tuple(getattr(row, n) for n in _KEY): _row(row) for row in await tx.all(select(_apart).where(*mine))}
        wanted = {row.key: row for row in rows}
        news = [_values(row) for key, row in wanted.items() if have.get(key) != row]
        over = [key for key in have if key not in wanted]
        for key in over:
            await tx.run(_apart.delete().where(*(_apart.c[n] == v for n, v in zip(_KEY, key, strict=True))))
        for some in chunks(news):
            await tx.upsert(_apart, some)
        if news or over:
            tx.bump(Topic.APART)
        return len(news) + len(over)

    async def add(self, tx: Tx, rows: Sequence[Apart]) -> None:
        """Note differences beside those that are known."""
        await tx.upsert(_apart, [_values(row) for row in rows])
        if rows:
            tx.bump(Topic.APART)

    async def drop(
        self,
        tx: Tx,
        connection: str,
        tenant: str,
        what: str,
        kind: Kind,
        record: str,
        fields: Sequence[str] | None = None,
    ) -> None:
        """Take away what is no difference any more: of one sort and record, of these fields or all."""
        given = {"connection": connection, "tenant": tenant, "what": what, "kind": kind.value, "record": record}
        where = [_apart.c[name] == value for name, value in given.items()]
        if fields is not None:
            where.append(_apart.c.field.in_(list(fields)))
        if await tx.run(_apart.delete().where(*where)):
            tx.bump(Topic.APART)

    async def page(self, tx: Tx, view: View) -> Page[Apart]:
        """A page of differences.

        Filter on title and party; fields connection, tenant, what, kind, record, field, owner; sort by title (the
        default), what, field, kind, total.
        """
        where = exactly(view, _FIELDS)
        if view.text:
            where.append(holds(_apart.c.search, view.text))
        tie = _apart.c.tie
        return await Listing(select(_apart).where(*where), tie, _SORTS, "title").page(tx, view, _row)

    async def of(self, tx: Tx, connection: str, tenant: str, kind: Kind, record: str) -> list[Apart]:
        """The differences of one record."""
        where = (_apart.c.connection == connection, _apart.c.kind == kind.value, _apart.c.record == record)
        query = select(_apart).where(*where, *([_apart.c.tenant == tenant] if tenant else []))
        return [_row(row) for row in await tx.all(query.order_by(_apart.c.what, _apart.c.field))]

    async def voided(self, tx: Tx) -> dict[tuple[str, str, Kind, str], str]:
        """Why documents that are over in Xero still stand at their source, by connection, tenant, kind and record."""
        rows = await tx.all(select(_apart).where(_apart.c.what == VOIDED))
        return {(row.connection, row.tenant, Kind(row.kind), row.record): row.why for row in rows}

    async def counts(self, tx: Tx, connection: str = "", tenant: str = "") -> dict[str, int]:
        """How many differences there are of each sort."""
        query = select(_apart.c.what, func.count().label("n")).group_by(_apart.c.what)
        for name, value in (("connection", connection), ("tenant", tenant)):
            query = query.where(_apart.c[name] == value) if value else query
        return {row.what: int(row.n) for row in await tx.all(query)}

    async def stamp(self, tx: Tx, tenant: str) -> str:
        """A text that is another one whenever what Xero says of contacts, items or invoices of a tenant changed."""
        snapshots = tables.snapshots.c
        kinds = (Kind.CUSTOMER.value, Kind.ITEM.value, Kind.INVOICE.value)
        mine = (snapshots.side == Side.XERO.value, snapshots.connection == tenant, snapshots.kind.in_(kinds))
        # Thousandths of seconds: the sum of microseconds would be too great an integer.
        row = await tx.one(
            select(func.count().label("n"), func.coalesce(func.sum(snapshots.modified // 1000), 0).label("at")).where(
                *mine
            )
        )
        return f"{row.n} {int(row.at)}" if row is not None else ""

    async def told(self, tx: Tx, connection: str, tenant: str) -> dict[tuple[Kind, str], tuple[Settlement, str]]:
        """What a source was last told of each document's payments, and what of it it couldn't hold (in words)."""
        where = (_told.c.connection == connection, _told.c.tenant == tenant)
        rows = await tx.all(select(_told).where(*where))
        return {(Kind(row.kind), row.record): (settling.decode(row.body), row.lost) for row in rows}

    async def tell(
        self, tx: Tx, connection: str, tenant: str, kind: Kind, record: str, settlement: Settlement, lost: str
    ) -> None:
        """Remember what the source knows now."""
        values = {
            "connection": connection,
            "tenant": tenant,
            "kind": kind.value,
            "record": record,
            "body": settling.encode(settlement),
            "lost": lost,
            "at": tx.now(),
        }
        await tx.upsert(_told, [values])
        tx.bump(Topic.APART)

    async def taken(self, tx: Tx, connection: str, tenant: str) -> dict[tuple[Kind, str, str], Taken]:
        """The choices of a pair by kind, record and field."""
        where = (_taken.c.connection == connection, _taken.c.tenant == tenant)
        found = [_choice(row) for row in await tx.all(select(_taken).where(*where))]
        return {(one.kind, one.record, one.field): one for one in found}

    async def take(self, tx: Tx, choices: Sequence[Taken]) -> None:
        """Keep choices, each in place of an older one."""
        rows = [{**_plain(one), "at": tx.now()} for one in choices]
        await tx.upsert(_taken, rows)
        if rows:
            tx.bump(Topic.APART)


def _plain(one: Taken) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in one.__struct_fields__}
    return values | {"kind": one.kind.value, "side": one.side.value}


def _choice(row: Any) -> Taken:
    return Taken(
        connection=row.connection,
        tenant=row.tenant,
        kind=Kind(row.kind),
        record=row.record,
        field=row.field,
        side=Side(row.side),
        version=row.version,
        actor=row.actor,
    )


_TEXTS = ("connection", "tenant", "what", "record", "field", "title", "party", "source", "xero", "owner", "why")


def _values(row: Apart) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*_TEXTS, "currency", "xero_id")} | {
        "kind": row.kind.value,
        "search": clip(name_key(f"{row.title} {row.party}")),
        "total": money(row.total),
        "units": millionths(row.total),
        # One column that no two rows share, to page by.
        "tie": "\x1f".join(row.key),
    }


def _row(row: Any) -> Apart:
    texts = {name: getattr(row, name) for name in (*_TEXTS, "currency", "xero_id")}
    return Apart(**texts, kind=Kind(row.kind), total=amount(row.total))
