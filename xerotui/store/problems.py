"""Problems of records, and their causes. Writes `problems`."""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, case, func, or_, select

from xerotui.model.kinds import WRITE_ORDER, Kind, Side
from xerotui.model.paging import Page, View
from xerotui.model.problems import Place, Problem, RecordRef
from xerotui.model.work import Topic
from xerotui.store import tables
from xerotui.store.keys import chunks, clip, from_millionths, instant, micros, name_key
from xerotui.store.paging import Listing, exactly, holds
from xerotui.store.tx import Tx

_table = tables.problems
_OPEN, _RESOLVED = "open", "resolved"
_FIELDS: dict[str, ColumnElement[Any]] = {
    name: _table.c[name] for name in ("connection", "kind", "tenant", "code", "subject", "phase", "record")
} | {"blocks": _table.c.blocks}
_SORTS: dict[str, ColumnElement[Any]] = {"title": _table.c.search, "at": _table.c.at, "kind": _table.c.kind}


class CauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cause: what a fix mends. `totals` are the amounts of the documents that wait for it, by currency."""

    code: str
    subject: str
    sentence: str
    remedy: str
    place: Place | None
    blocks: bool
    records: int
    kinds: tuple[Kind, ...]
    tenants: tuple[str, ...]
    oldest: dt.datetime | None
    totals: dict[str, Decimal] = {}


class Problems:
    """Open problems, and those resolved since, by record, phase ("resolve", "send"…) and cause."""

    async def replace(
        self,
        tx: Tx,
        connection: str,
        tenant: str,
        kind: Kind,
        record_ids: Sequence[str],
        problems: Sequence[Problem],
        phase: str,
    ) -> None:
        """The problems of exactly these records in this phase are now these: others are resolved, known ones keep
        their instant.

        Raises ValueError for a problem of another record.
        """
        # One instant for all that is told at once: their order must not depend on how fast this machine is.
        now = tx.now()
        rows = {row["id"]: row for p in problems for row in [_values(connection, tenant, kind, p, phase, now)]}
        if strange := {row["record"] for row in rows.values()} - set(record_ids):
            raise ValueError(f"a problem of a record that isn't replaced: {sorted(strange)[0]}")
        scope = (
            _table.c.connection == connection,
            _table.c.tenant == tenant,
            _table.c.kind == kind.value,
            _table.c.phase == phase,
        )
        have: dict[str, dict[str, Any]] = {}
        for some in chunks(list(dict.fromkeys(record_ids))):
            found = await tx.all(select(_table).where(*scope, _table.c.record.in_(some)))
            have |= {row.id: dict(row._mapping) for row in found}
        for id, row in rows.items():
            if id in have and have[id]["state"] == _OPEN:
                row["at"] = have[id]["at"]
        news = [row for id, row in rows.items() if row != have.get(id)]
        over = [id for id, row in have.items() if row["state"] == _OPEN and id not in rows]
        await tx.upsert(_table, news)
        for some in chunks(over):
            await tx.run(_table.update().where(_table.c.id.in_(some)).values(state=_RESOLVED, resolved_at=tx.now()))
        if news or over:
            tx.bump(Topic.PROBLEMS)

    async def open(
        self,
        tx: Tx,
        *,
        connection: str | None = None,
        tenant: str | None = None,
        kind: Kind | None = None,
        record: str | None = None,
        code: str | None = None,
        subject: str | None = None,
        phase: str | None = None,
        blocks: bool | None = None,
        limit: int | None = None,
    ) -> list[Problem]:
        """Open problems, oldest first."""
        given = {
            "connection": connection,
            "tenant": tenant,
            "kind": kind.value if kind else None,
            "record": record,
            "code": code,
            "subject": subject,
            "phase": phase,
            "blocks": blocks,
        }
        where = [_table.c[name] == value for name, value in given.items() if value is not None]
        query = select(_table).where(_table.c.state == _OPEN, *where).order_by(_table.c.at, _table.c.id).limit(limit)
        return [_problem(row) for row in await tx.all(query)]

    async def causes(self, tx: Tx, view: View) -> Page[CauseRow]:
        """A page of causes, those of the most records first.

        Text in titles and sentences' subjects; fields connection, kind, tenant, code, subject, phase; sort by
        records (the default, falling), code, oldest.
        """
        where = _where(view)
        records = func.count(func.distinct(_key()))
        grouped = (
            select(
                _table.c.code,
                _table.c.subject,
                records.label("records"),
                func.min(_table.c.at).label("oldest"),
                func.min(_table.c.id).label("sample"),
            )
            .where(*where)
            .group_by(_table.c.code, _table.c.subject)
            .subquery()
        )
        sorts: dict[str, ColumnElement[Any]] = {
            "records": grouped.c.records,
            "code": grouped.c.code,
            "oldest": grouped.c.oldest,
        }
        listing = Listing(select(grouped), grouped.c.sample, sorts, "records", descending=True)
        page = await listing.page(tx, view, lambda row: row)
        about = await _about(tx, where, [(row.code, row.subject) for row in page.rows])
        samples = await _samples(tx, view, list(about))
        return page.map(lambda row: _cause(row, samples[(row.code, row.subject)], about[(row.code, row.subject)]))

    async def of_cause(self, tx: Tx, code: str, subject: str, view: View) -> Page[Problem]:
        """A page of the open problems of a cause; sort by title (the default), at, kind."""
        where = [*_where(view), _table.c.code == code, _table.c.subject == subject]
        listing = Listing(select(_table).where(*where), _table.c.id, _SORTS, "title")
        return await listing.page(tx, view, _problem)

    async def page(self, tx: Tx, view: View) -> Page[Problem]:
        """A page of all open problems, oldest first; text and fields as for causes, sort by at, title, kind."""
        listing = Listing(select(_table).where(*_where(view)), _table.c.id, _SORTS, "at")
        return await listing.page(tx, view, _problem)

    async def counts(self, tx: Tx, tenant: str | None = None) -> dict[str, int]:
        """How many records have an open problem of each code."""
        query = select(_table.c.code, func.count(func.distinct(_key())).label("records"))
        query = query.where(_table.c.state == _OPEN)
        if tenant is not None:
            query = query.where(_table.c.tenant == tenant)
        return {row.code: row.records for row in await tx.all(query.group_by(_table.c.code))}

    async def records_of_causes(self, tx: Tx, causes: Iterable[tuple[str, str]]) -> list[RecordRef]:
        """The records that have an open problem of one of these causes."""
        columns = (_table.c.connection, _table.c.kind, _table.c.record, _table.c.tenant, _table.c.title)
        found: dict[RecordRef, None] = {}
        for some in chunks(sorted(set(causes)), 200):
            query = select(*columns).where(_table.c.state == _OPEN, _of(some)).order_by(*columns)
            found |= dict.fromkeys(_ref(row) for row in await tx.all(query))
        return list(found)

    async def drop_resolved(self, tx: Tx, before: dt.datetime) -> int:
        """Forget problems that are resolved since before that instant; how many."""
        return await tx.run(_table.delete().where(_table.c.state == _RESOLVED, _table.c.resolved_at < micros(before)))


def _where(view: View) -> list[ColumnElement[bool]]:
    fields = {name: value for name, value in view.fields.items() if name != "blocks"}
    where = [_table.c.state == _OPEN, *exactly(msgspec.structs.replace(view, fields=fields), _FIELDS)]
    if "blocks" in view.fields:
        where.append(_table.c.blocks == (view.fields["blocks"] in ("1", "true", "yes")))
    if view.text:
        where.append(holds(_table.c.search, view.text))
    return where


def _key() -> ColumnElement[str]:
    # One text for one record: counting distinct tuples is not in every SQL.
    c = _table.c
    return c.connection + "\x1f" + c.tenant + "\x1f" + c.kind + "\x1f" + c.record


def _of(causes: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    return or_(*((_table.c.code == code) & (_table.c.subject == subject) for code, subject in causes))


async def _samples(tx: Tx, view: View, causes: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """The problem that speaks for each cause: of the record that is written first, for which the others wait.

    Nothing but its place decides whether it is among them, so that no filter leaves a cause without its own words.
    """
    if not causes:
        return {}
    whose = {name: value for name, value in view.fields.items() if name in ("connection", "tenant", "blocks")}
    order = case({kind.value: chr(ord("a") + n) for n, kind in enumerate(WRITE_ORDER)}, value=_table.c.kind, else_="z")
    first = func.min(order + _table.c.id).label("first")
    where = (*_where(View(fields=whose)), _of(causes))
    ids = [row.first[1:] for row in await tx.all(select(first).where(*where).group_by(_table.c.code, _table.c.subject))]
    return {(row.code, row.subject): row for row in await tx.all(select(_table).where(_table.c.id.in_(ids)))}


class _About:
    def __init__(self) -> None:
        self.kinds: set[Kind] = set()
        self.tenants: set[str] = set()
        self.totals: dict[str, Decimal] = {}


async def _about(
    tx: Tx, where: Sequence[ColumnElement[bool]], causes: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], _About]:
    """Kinds, tenants and sums of the documents of a page's causes, in two queries for all of them."""
    about = {cause: _About() for cause in causes}
    if not causes:
        return about
    by = (_table.c.code, _table.c.subject, _table.c.kind, _table.c.tenant)
    for row in await tx.all(select(*by).where(*where, _of(causes)).distinct()):
        about[(row.code, row.subject)].kinds.add(Kind(row.kind))
        about[(row.code, row.subject)].tenants.add(row.tenant)
    mine = (_table.c.connection, _table.c.kind, _table.c.record, _table.c.code, _table.c.subject)
    hit = select(*mine).where(*where, _of(causes)).distinct().subquery()
    snap = tables.snapshots
    same = (snap.c.connection == hit.c.connection) & (snap.c.kind == hit.c.kind) & (snap.c.id == hit.c.record)
    sums = (
        select(hit.c.code, hit.c.subject, snap.c.currency, func.sum(snap.c.units).label("units"))
        .join_from(hit, snap, same & (snap.c.side == Side.SOURCE.value))
        .where(snap.c.total != "")
        .group_by(hit.c.code, hit.c.subject, snap.c.currency)
    )
    for row in await tx.all(sums):
        about[(row.code, row.subject)].totals[row.currency] = from_millionths(int(row.units))
    return about


def _cause(row: Any, sample: Any, about: _About) -> CauseRow:
    return CauseRow(
        code=row.code,
        subject=row.subject,
        sentence=sample.sentence,
        remedy=sample.remedy,
        place=_place(sample.place),
        blocks=sample.blocks,
        records=row.records,
        kinds=tuple(sorted(about.kinds)),
        tenants=tuple(sorted(about.tenants)),
        oldest=instant(row.oldest),
        totals=dict(sorted(about.totals.items())),
    )


def _values(connection: str, tenant: str, kind: Kind, p: Problem, phase: str, now: int) -> dict[str, Any]:
    named = [connection, tenant, kind.value, p.record.id, phase, p.code, p.subject]
    return {
        "id": sha256(msgspec.json.encode(named)).hexdigest()[:32],
        "connection": connection,
        "kind": kind.value,
        "record": p.record.id,
        "tenant": tenant,
        "phase": phase,
        "code": p.code,
        "subject": p.subject,
        "state": _OPEN,
        "blocks": p.blocks,
        "title": p.record.title,
        "search": clip(name_key(f"{p.record.title} {p.subject}")),
        "sentence": p.sentence,
        "remedy": p.remedy,
        "place": msgspec.json.encode(p.place).decode() if p.place else "",
        "said": p.said,
        "correlation": p.correlation,
        "at": micros(p.at) or now,
        "resolved_at": 0,
    }


def _ref(row: Any) -> RecordRef:
    return RecordRef(connection=row.connection, kind=Kind(row.kind), id=row.record, title=row.title, tenant=row.tenant)


def _place(text: str) -> Place | None:
    return msgspec.json.decode(text, type=Place) if text else None


def _problem(row: Any) -> Problem:
    return Problem(
        code=row.code,
        subject=row.subject,
        record=_ref(row),
        sentence=row.sentence,
        remedy=row.remedy,
        place=_place(row.place),
        blocks=row.blocks,
        said=row.said,
        correlation=row.correlation,
        at=instant(row.at),
    )
