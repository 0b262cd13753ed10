"""Operations: rows, their states, what is due. Writes `operations` and `needs`; calls move theirs through here."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.exc import IntegrityError

from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import Page, View
from xerotui.model.work import DONE, OPEN, TRANSITIONS, Operation, State, Topic, Verb
from xerotui.store import lanes, tables
from xerotui.store.errors import Fenced, IllegalMove
from xerotui.store.identity import Fence
from xerotui.store.keys import chunks, instant, micros
from xerotui.store.operation_rows import (
    duplicate,
    equal,
    hopeless,
    needs,
    read,
    ready_query,
    row_of,
    table,
    unmet,
    waits_for,
)
from xerotui.store.paging import Listing, exactly, holds
from xerotui.store.tx import Tx

_PAST = (State.VERIFIED, State.CANCELLED, State.SUPERSEDED)
_COLUMNS = [column for column in table.c if column.name != "body"]
_FIELDS: dict[str, ColumnElement[Any]] = {
    name: table.c[name]
    for name in ("state", "kind", "verb", "side", "tenant", "connection", "lane", "plan", "record", "currency")
}
_SORTS: dict[str, ColumnElement[Any]] = {
    "created": table.c.seq,
    "updated": table.c.updated,
    "title": table.c.search,
    "state": table.c.state,
    "kind": table.c.kind,
    "total": table.c.units,
}
_LISTING_ORDER = "created"


class Promoted(msgspec.Struct, frozen=True):
    """What `promote` did: operations made ready, and operations that can't go before another is mended."""

    ready: int
    blocked: int


class Result(msgspec.Struct, frozen=True):
    """What the other side answered to a confirmed operation."""

    xero_id: str
    number: str
    version: str


class Operations:
    """The queue's rows."""

    async def add(self, tx: Tx, operations: Sequence[Operation]) -> None:
        """Store new operations, in their order, with what they need.

        Raises DuplicateWork when one is live while another of its verb on its record is; ValueError when an id
        is taken or a need is unknown.
        """
        if not operations:
            return
        newest = int(await tx.scalar(select(func.coalesce(func.max(table.c.seq), 0))))
        first = max(newest + 1, tx.now())
        new = [row_of(operation, first + i) for i, operation in enumerate(operations)]
        needed = [{"operation": o.id, "need": need} for o in operations for need in dict.fromkeys(o.needs)]
        try:
            await tx.many(table.insert(), new)
            await tx.many(needs.insert(), needed)
        except IntegrityError as error:
            raise duplicate(error) or ValueError(f"operations that can't be stored: {error.orig}") from error
        tx.bump(Topic.QUEUE)

    async def get(self, tx: Tx, ids: Sequence[str]) -> list[Operation]:
        """Operations by id, in the order asked for; unknown ones are left out."""
        found: dict[str, Operation] = {}
        for some in chunks(list(dict.fromkeys(ids))):
            found |= {row.id: read(row) for row in await tx.all(select(table).where(table.c.id.in_(some)))}
        return [found[id] for id in ids if id in found]

    async def find(
        self,
        tx: Tx,
        *,
        plan: str | None = None,
        lane: str | None = None,
        states: Sequence[State] | None = None,
        kind: Kind | None = None,
        verb: Verb | None = None,
        record: str | None = None,
        connection: str | None = None,
        tenant: str | None = None,
        side: Side | None = None,
        limit: int | None = None,
        order: str = "created",
    ) -> list[Operation]:
        """Operations with their bodies, oldest first; with order "updated", the last changed first."""
        given = {
            "plan": plan,
            "lane": lane,
            "kind": kind,
            "verb": verb,
            "record": record,
            "connection": connection,
            "tenant": tenant,
            "side": side,
        }
        query = select(table).where(*equal(given)).limit(limit)
        if states is not None:
            query = query.where(table.c.state.in_([state.value for state in states]))
        orders = {"created": (table.c.seq,), "updated": (table.c.updated.desc(), table.c.seq.desc())}
        return [read(row) for row in await tx.all(query.order_by(*orders[order]))]

    async def page(self, tx: Tx, view: View) -> Page[Operation]:
        """A page of the queue or, by the field `plan`, of a plan; without bodies.

        Filter on title, party and record; fields state, kind, verb, side, tenant, connection, lane, plan, record,
        currency; sort by created (the default), updated, title, state, kind, total.
        """
        where = exactly(view, _FIELDS)
        if view.text:
            where.append(holds(table.c.search, view.text))
        listing = Listing(select(*_COLUMNS).where(*where), table.c.seq, _SORTS, _LISTING_ORDER)
        return await listing.page(tx, view, read)

    async def move(
        self,
        tx: Tx,
        ids: Sequence[str],
        to: State,
        *,
        frm: Sequence[State] | None = None,
        fence: Fence | None = None,
        error: str = "",
        not_before: dt.datetime | None = None,
        attempts: int | None = None,
    ) -> int:
        """Put operations into another state; how many were moved.

        With `frm`, operations in other states are passed over. Raises IllegalMove for a move outside
        `TRANSITIONS` or an unknown id, Fenced when the lane is another's, DuplicateWork when two would be live.
        """
        values: dict[str, Any] = {"error": error, "not_before": micros(not_before)}
        if attempts is not None:
            values["attempts"] = attempts
        return await move(tx, ids, to, frm=frm, fence=fence, values=values)

    async def move_plan(self, tx: Tx, plan: str, to: State, *, frm: Sequence[State]) -> int:
        """As `move`, for all operations of a plan that are in one of the states `frm`."""
        states = [state.value for state in frm]
        rows = await tx.all(select(table.c.id).where(table.c.plan == plan, table.c.state.in_(states)))
        return await self.move(tx, [row.id for row in rows], to, frm=frm)

    async def counts(
        self,
        tx: Tx,
        *,
        plan: str | None = None,
        lane: str | None = None,
        connection: str | None = None,
        tenant: str | None = None,
        states: Sequence[State] | None = None,
    ) -> dict[tuple[Side, Kind, Verb, State], int]:
        """How many operations there are by side, kind, verb and state; of a few `states` it costs but those."""
        by = (table.c.side, table.c.kind, table.c.verb, table.c.state)
        given = {"plan": plan, "lane": lane, "connection": connection, "tenant": tenant}
        query = select(*by, func.count().label("rows_")).where(*equal(given)).group_by(*by)
        if states is not None:
            query = query.where(table.c.state.in_([state.value for state in states]))
        rows = await tx.all(query)
        return {(Side(r.side), Kind(r.kind), Verb(r.verb), State(r.state)): r.rows_ for r in rows}

    async def ready_batch(
        self, tx: Tx, lane: str, kind: Kind, verb: Verb, limit: int, but: Collection[str] = ()
    ) -> list[Operation]:
        """What a call may take now, oldest first: ready, not put off, and no other operation on the same record
        (or Xero target) on its way or older and ready; nothing of the source connections `but`."""
        query = ready_query(tx, lane, kind, verb, limit)
        if but:
            query = query.where(table.c.connection.not_in(sorted(but)))
        return [read(row) for row in await tx.all(query)]

    async def promote(self, tx: Tx, plan: str | None = None, lane: str | None = None) -> Promoted:
        """Let operations go whose needs are met, and block those whose needs failed, naming the need.

        Approved becomes ready or blocked; blocked becomes ready when what it waited for went through after all.
        """
        scope = equal({"plan": plan, "lane": lane})
        blocked = 0
        # One round for each link of a chain of needs, not for each operation.
        while stuck := await tx.all(hopeless(scope)):
            reasons = {row.id: waits_for(row) for row in stuck}
            await _update_each(tx, State.BLOCKED, [{"id_": id, "error": text} for id, text in reasons.items()])
            blocked += len(reasons)
        waits = select(needs.c.need).where(needs.c.operation == table.c.id).correlate(table).exists()
        # Both states in one list first: an index finds those few among all that ever was.
        states = table.c.state.in_((State.APPROVED.value, State.BLOCKED.value))
        free = (table.c.state == State.APPROVED.value) | waits
        freed = table.update().where(*scope, states, free, ~unmet())
        ready = await tx.run(freed.values(state=State.READY.value, error="", updated=tx.now()))
        if ready or blocked:
            tx.bump(Topic.QUEUE)
        return Promoted(ready, blocked)

    async def put_off(self, tx: Tx, lane: str) -> tuple[dt.datetime, str] | None:
        """The world instant at which the first ready operation of a lane may go, and why not before; None when one
        may go now, or none is ready."""
        first = select(table.c.not_before, table.c.error).where(table.c.lane == lane)
        row = await tx.one(first.where(table.c.state == State.READY.value).order_by(table.c.not_before).limit(1))
        at = instant(row.not_before) if row is not None and row.not_before > tx.now() else None
        return (at, row.error) if row is not None and at is not None else None

    async def lanes(self, tx: Tx, but: Collection[str] = ()) -> list[str]:
        """The lanes with operations that may go or whose outcome isn't known; of no source connection among `but`."""
        query = select(table.c.lane).where(table.c.state.in_([state.value for state in OPEN]))
        if but:
            query = query.where(table.c.connection.not_in(sorted(but)))
        rows = await tx.all(query.distinct().order_by(table.c.lane))
        return [row.lane for row in rows]

    async def rewrite(self, tx: Tx, bodies: Sequence[tuple[str, bytes]]) -> None:
        """Put other bodies into ready operations, (operation, body): ids that were only known after the plan.

        Raises IllegalMove for one that isn't ready: what may have left already is what it was.
        """
        if not bodies:
            return
        ids = [id for id, _ in bodies]
        for some in chunks(ids):
            ready = (table.c.id.in_(some), table.c.state == State.READY.value)
            if await tx.scalar(select(func.count()).where(*ready)) != len(set(some)):
                raise IllegalMove("only what is ready can be completed")
        change = table.update().where(table.c.id == bindparam("id_")).values(body=bindparam("text"))
        await tx.many(change, [{"id_": id, "text": body} for id, body in bodies])

    async def live(
        self, tx: Tx, side: Side, connection: str, tenant: str, kind: Kind, verb: Verb, records: Sequence[str]
    ) -> set[str]:
        """Those of the records that have live work of this verb: another one can't be added."""
        given = {"side": side, "connection": connection, "tenant": tenant, "kind": kind, "verb": verb}
        states = table.c.state.in_([state.value for state in tables.LIVE])
        found: set[str] = set()
        for some in chunks(list(dict.fromkeys(records))):
            rows = await tx.all(select(table.c.record).where(*equal(given), states, table.c.record.in_(some)))
            found |= {row.record for row in rows}
        return found

    async def results(self, tx: Tx, ids: Sequence[str]) -> dict[str, Result]:
        """What was answered to confirmed operations, by operation id."""
        found: dict[str, Result] = {}
        columns = (table.c.id, table.c.target, table.c.done_number, table.c.done_version)
        for some in chunks(list(ids)):
            done = table.c.state.in_([state.value for state in DONE])
            rows = await tx.all(select(*columns).where(table.c.id.in_(some), done))
            found |= {row.id: Result(row.target, row.done_number, row.done_version) for row in rows}
        return found


async def move(
    tx: Tx,
    ids: Iterable[str],
    to: State,
    *,
    frm: Sequence[State] | None = None,
    fence: Fence | None = None,
    values: Mapping[str, Any],
) -> int:
    """Change states and other columns of operations under the rules of `Operations.move`."""
    if fence is not None:
        await lanes.check(tx, fence)
    moved = 0
    for some in chunks(list(dict.fromkeys(ids))):
        rows = await tx.all(select(table.c.id, table.c.state, table.c.lane).where(table.c.id.in_(some)))
        if len(rows) != len(some):
            raise IllegalMove(f"unknown operation: {sorted(set(some) - {row.id for row in rows})[0]}")
        wanted = [row for row in rows if frm is None or row.state in frm]
        for row in wanted:
            # What is ready may be put off: the state stays, reason and instant are new.
            if to not in TRANSITIONS[State(row.state)] and not to == row.state == State.READY:
                raise IllegalMove(f"operation {row.id}: {row.state} can't become {to}")
            if fence is not None and row.lane != fence.lane:
                raise Fenced(f"operation {row.id} belongs to the lane {row.lane}")
        moved += await _update(tx, [row.id for row in wanted], to, values)
    if moved:
        tx.bump(Topic.QUEUE)
    return moved


async def _update(tx: Tx, ids: Sequence[str], to: State, values: Mapping[str, Any]) -> int:
    if not ids:
        return 0
    change = table.update().where(table.c.id.in_(ids)).values(state=to.value, updated=tx.now(), **values)
    try:
        return await tx.run(change)
    except IntegrityError as error:
        raise duplicate(error) or error from error


async def _update_each(tx: Tx, to: State, rows: Sequence[dict[str, Any]]) -> None:
    """Set a state and, row by row, further columns; a row names its operation as `id_`."""
    if not rows:
        return
    columns: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "id_"}
    change = table.update().where(table.c.id == bindparam("id_"))
    await tx.many(change.values(state=to.value, updated=tx.now(), **columns), rows)


async def confirm(tx: Tx, confirmed: Sequence[tuple[str, str, str, str]]) -> None:
    """Store what was answered: (operation, Xero id, number, version)."""
    rows = [
        {"id_": id, "target": xero_id, "done_number": number, "done_version": version, "error": ""}
        for id, xero_id, number, version in confirmed
    ]
    await _update_each(tx, State.CONFIRMED, rows)


async def fail(tx: Tx, to: State, failed: Sequence[tuple[str, str]]) -> None:
    """Store why operations failed: (operation, error)."""
    await _update_each(tx, to, [{"id_": id, "error": error} for id, error in failed])


async def drop_bodies(tx: Tx, before: int, limit: int) -> int:
    """Empty the bodies of operations that are over since before that instant, at most `limit` of them."""
    over = table.c.state.in_([state.value for state in _PAST])
    some = select(table.c.id).where(over, table.c.updated < before, table.c.body != b"").limit(limit)
    return await tx.run(table.update().where(table.c.id.in_(some)).values(body=b""))
