"""Where records stand: found by number, name or id wherever the ledger knows them, with what holds each. Only reads."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, case, select

from xerotui.model.kinds import SYNCED, Kind, Side
from xerotui.model.work import PlanKind
from xerotui.store import tables
from xerotui.store.keys import chunks, instant, name_key
from xerotui.store.paging import holds
from xerotui.store.plans import Plans
from xerotui.store.tx import Tx

_snap, _links, _problems = tables.snapshots, tables.links, tables.problems
_operations, _blocked = tables.operations, tables.blocked
# How far back a plan is looked for that covers an organisation.
_PLANS = 50

Key = tuple[str, Kind, str]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A source record that was read, or that a problem or an operation names; `at` is when it was last read."""

    connection: str
    kind: Kind
    id: str
    title: str = ""
    tenant: str = ""
    gone: bool = False
    at: dt.datetime | None = None

    @property
    def key(self) -> Key:
        """Connection, kind and id."""
        return (self.connection, self.kind, self.id)


class Standing(msgspec.Struct, kw_only=True):
    """What the ledger holds of one record in one tenant; `stays` is why the newest plan left it alone."""

    xero_id: str = ""
    how: str = ""
    problem: str = ""
    state: str = ""
    said: str = ""
    plan: str = ""
    stays: str = ""
    code: str = ""


async def find(tx: Tx, connections: Sequence[str], text: str, limit: int) -> list[Known]:
    """Source records whose name, number or id fits the text, those that fit to the letter first.

    Gone ones are among them, and those that only a problem or an operation knows; also by the number in Xero.
    """
    found: dict[Key, Known] = {}
    for one in (_read, _in_xero, _troubled, _worked):
        if len(found) < limit:
            for known in await one(tx, connections, text.strip(), limit):
                found.setdefault(known.key, known)
    wanted = name_key(text)

    def rank(known: Known) -> tuple[bool, bool, bool, str]:
        title = name_key(known.title)
        exact = wanted in (title, name_key(known.id))
        return (not exact, not title.startswith(wanted), known.gone, title)

    return sorted(found.values(), key=rank)[:limit]


def _fits(text: str) -> ColumnElement[bool]:
    return holds(_snap.c.name_key, text) | holds(_snap.c.number, text, fold=False) | (_snap.c.id == text)


def _best(text: str) -> ColumnElement[int]:
    exact = (_snap.c.name_key == name_key(text)) | (_snap.c.number == text) | (_snap.c.id == text)
    return case((exact, 0), else_=1)


def _known(row: Any) -> Known:
    return Known(
        connection=row.connection,
        kind=Kind(row.kind),
        id=row.id,
        title=row.title,
        tenant=row.tenant,
        gone=row.gone,
        at=instant(row.seen_at),
    )


_COLUMNS = (_snap.c.connection, _snap.c.kind, _snap.c.id, _snap.c.title, _snap.c.tenant, _snap.c.gone, _snap.c.seen_at)
_RECORDS = tuple(kind.value for kind in SYNCED)


async def _read(tx: Tx, connections: Sequence[str], text: str, limit: int) -> list[Known]:
    mine = (_snap.c.side == Side.SOURCE.value, _snap.c.connection.in_(connections), _snap.c.kind.in_(_RECORDS))
    query = select(*_COLUMNS).where(*mine, _fits(text)).order_by(_best(text), _snap.c.name_key, _snap.c.id)
    return [_known(row) for row in await tx.all(query.limit(limit))]


async def _in_xero(tx: Tx, connections: Sequence[str], text: str, limit: int) -> list[Known]:
    """By what the record is called in Xero, or by its id there; its own snapshot may be of another shape or none."""
    ours = _snap.alias("ours")
    theirs = (_snap.c.side == Side.XERO.value, _snap.c.kind.in_(_RECORDS), _fits(text))
    linked = (_links.c.tenant == _snap.c.connection) & (_links.c.xero_id == _snap.c.id)
    mine = (
        (ours.c.side == Side.SOURCE.value)
        & (ours.c.connection == _links.c.connection)
        & (ours.c.kind == _links.c.kind)
        & (ours.c.id == _links.c.record)
    )
    query = (
        select(
            *(_links.c.connection, _links.c.kind, _links.c.record, _links.c.tenant.label("linked")),
            *(_snap.c.title.label("there"), ours.c.title, ours.c.tenant, ours.c.gone, ours.c.seen_at),
        )
        .select_from(_snap.join(_links, linked).outerjoin(ours, mine))
        .where(*theirs, _links.c.connection.in_(connections))
        .order_by(_best(text), _snap.c.name_key, _links.c.record)
        .limit(limit)
    )
    return [
        Known(
            connection=row.connection,
            kind=Kind(row.kind),
            id=row.record,
            title=row.title or row.there,
            tenant=row.linked if row.tenant is None else row.tenant,
            gone=bool(row.gone),
            at=instant(row.seen_at or 0),
        )
        for row in await tx.all(query)
    ]


async def _troubled(tx: Tx, connections: Sequence[str], text: str, limit: int) -> list[Known]:
    p = _problems.c
    fits = holds(p.search, text) | (p.record == text)
    columns = (p.connection, p.kind, p.record, p.title)
    query = select(*columns).where(p.state == "open", p.connection.in_(connections), fits).distinct().limit(limit)
    return [
        Known(connection=row.connection, kind=Kind(row.kind), id=row.record, title=row.title)
        for row in await tx.all(query)
    ]


async def _worked(tx: Tx, connections: Sequence[str], text: str, limit: int) -> list[Known]:
    o = _operations.c
    fits = holds(o.search, text) | (o.id == text)
    query = select(o.connection, o.kind, o.record, o.title).where(o.connection.in_(connections), fits)
    return [
        Known(connection=row.connection, kind=Kind(row.kind), id=row.record, title=row.title)
        for row in await tx.all(query.distinct().limit(limit))
    ]


async def one(tx: Tx, connection: str, kind: Kind, id: str) -> Known:
    """One source record by its id; without `at` when it was never read."""
    mine = (_snap.c.side == Side.SOURCE.value, _snap.c.connection == connection, _snap.c.kind == kind.value)
    row = await tx.one(select(*_COLUMNS).where(*mine, _snap.c.id == id))
    return _known(row) if row else Known(connection=connection, kind=kind, id=id)


async def standing(tx: Tx, records: Sequence[Known]) -> dict[Key, dict[str, Standing]]:
    """What holds each record, by tenant: a blank one where it belongs to none."""
    out: dict[Key, dict[str, Standing]] = {known.key: {} for known in records}
    groups: dict[tuple[str, Kind], list[str]] = {}
    for known in records:
        groups.setdefault((known.connection, known.kind), []).append(known.id)
    newest = await covering(tx)
    for (connection, kind), ids in groups.items():
        for some in chunks(ids):
            await _group(tx, connection, kind, some, newest, out)
    return out


async def covering(tx: Tx) -> dict[tuple[str, str], tuple[str, dt.datetime]]:
    """The newest sync plan that looked at every record of a pair, and when it was made."""
    newest: dict[tuple[str, str], tuple[str, dt.datetime]] = {}
    for plan in await Plans().list(tx, _PLANS):
        if plan.kind is PlanKind.SYNC and not plan.follows:
            # What belongs to no organisation stands in every plan of its source.
            for tenant in (*plan.tenants, ""):
                newest.setdefault((plan.connection, tenant), (plan.id, plan.created))
    return newest


async def _group(
    tx: Tx,
    connection: str,
    kind: Kind,
    ids: Sequence[str],
    newest: dict[tuple[str, str], tuple[str, dt.datetime]],
    out: dict[Key, dict[str, Standing]],
) -> None:
    def of(record: str, tenant: str) -> Standing:
        return out[(connection, kind, record)].setdefault(tenant, Standing())

    def mine(table: Any) -> tuple[ColumnElement[bool], ...]:
        return (table.c.connection == connection, table.c.kind == kind.value, table.c.record.in_(ids))

    for row in await tx.all(select(_links).where(*mine(_links))):
        at = of(row.record, row.tenant)
        at.xero_id, at.how = row.xero_id, row.how
    open_ = (_problems.c.state == "open", _problems.c.blocks)
    for row in await tx.all(select(_problems).where(*mine(_problems), *open_).order_by(_problems.c.at.desc())):
        of(row.record, row.tenant).problem = row.sentence
    o = _operations.c
    work = select(o.record, o.tenant, o.state, o.error, o.plan).where(*mine(_operations))
    for row in await tx.all(work.order_by(o.updated, o.seq)):
        at = of(row.record, row.tenant)
        at.state, at.said, at.plan = row.state, row.error, row.plan
    plans = {plan for (of_connection, _), (plan, _) in newest.items() if of_connection == connection}
    for row in await tx.all(select(_blocked).where(_blocked.c.plan.in_(plans), *mine(_blocked))):
        if newest.get((connection, row.tenant), ("",))[0] == row.plan:
            at = of(row.record, row.tenant)
            at.stays, at.code = row.sentence, row.code
