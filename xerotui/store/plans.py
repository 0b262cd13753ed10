"""Plans and the records that stay out of them. Writes `plans` and `blocked`."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, select

from xerotui.model.kinds import Kind
from xerotui.model.paging import Page, View
from xerotui.model.problems import RecordRef
from xerotui.model.work import Plan, PlanState, Topic
from xerotui.store import tables
from xerotui.store.keys import amount, clip, micros, millionths, money, name_key
from xerotui.store.paging import Listing, exactly, holds
from xerotui.store.tx import Tx

_table = tables.plans
_rows = tables.blocked
_FIELDS: dict[str, ColumnElement[Any]] = {n: _rows.c[n] for n in ("code", "subject", "kind", "tenant", "connection")}
_SORTS: dict[str, ColumnElement[Any]] = {
    "position": _rows.c.position,
    "title": _rows.c.search,
    "code": _rows.c.code,
    "total": _rows.c.units,
}


class BlockedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record that a plan lists but leaves alone, and the cause."""

    record: RecordRef
    code: str
    subject: str
    sentence: str
    currency: str = ""
    total: Decimal | None = None


class Plans:
    """Saved plans. Their operations are the work area's."""

    async def add(self, tx: Tx, plan: Plan, blocked: Sequence[BlockedRow] = ()) -> None:
        """Save a plan with the records that it leaves alone, in their order."""
        row = {
            "id": plan.id,
            "connection": plan.connection,
            "state": plan.state.value,
            "actor": plan.actor,
            "created": micros(plan.created),
            "moved": msgspec.json.encode(plan.moved).decode(),
            "body": msgspec.json.encode(plan).decode(),
        }
        await tx.many(_table.insert(), [row])
        await tx.many(_rows.insert(), [_values(plan.id, i, b) for i, b in enumerate(blocked)])
        tx.bump(Topic.PLANS)

    async def get(self, tx: Tx, id: str) -> Plan | None:
        """One plan."""
        row = await tx.one(select(_table).where(_table.c.id == id))
        return _plan(row) if row else None

    async def latest(
        self, tx: Tx, connection: str | None = None, states: Sequence[PlanState] | None = None
    ) -> Plan | None:
        """The newest plan, of a connection or in one of these states."""
        query = select(_table)
        if connection is not None:
            query = query.where(_table.c.connection == connection)
        if states is not None:
            query = query.where(_table.c.state.in_([state.value for state in states]))
        row = await tx.one(query.order_by(_table.c.created.desc(), _table.c.id.desc()).limit(1))
        return _plan(row) if row else None

    async def list(
        self, tx: Tx, limit: int = 50, states: Sequence[PlanState] | None = None, connection: str | None = None
    ) -> Sequence[Plan]:
        """Plans, newest first, of a source connection where one is named."""
        query = select(_table).order_by(_table.c.created.desc(), _table.c.id.desc()).limit(limit)
        if states is not None:
            query = query.where(_table.c.state.in_([state.value for state in states]))
        if connection is not None:
            query = query.where(_table.c.connection == connection)
        return [_plan(row) for row in await tx.all(query)]

    async def set_state(
        self,
        tx: Tx,
        id: str,
        state: PlanState,
        frm: Sequence[PlanState] | None = None,
        actor: str | None = None,
        moved: Sequence[str] = (),
        follow: bool | None = None,
    ) -> bool:
        """Put a plan into a state; False, changing nothing, when it is in none of the states `frm`.

        `follow` says whether follow-ups are approved in advance.
        """
        where = [_table.c.id == id]
        if frm is not None:
            where.append(_table.c.state.in_([s.value for s in frm]))
        values: dict[str, str] = {"state": state.value, "moved": msgspec.json.encode(tuple(moved)).decode()}
        if actor is not None:
            values["actor"] = actor
        if follow is not None and (plan := await self.get(tx, id)) is not None:
            values["body"] = msgspec.json.encode(msgspec.structs.replace(plan, follow=follow)).decode()
        done = await tx.run(_table.update().where(*where).values(**values)) > 0
        if done:
            tx.bump(Topic.PLANS)
        return done

    async def blocked(self, tx: Tx, plan: str) -> Sequence[BlockedRow]:
        """Every record that a plan leaves alone, in its order."""
        query = select(_rows).where(_rows.c.plan == plan).order_by(_rows.c.position)
        return [_blocked(row) for row in await tx.all(query)]

    async def blocked_page(self, tx: Tx, plan: str, view: View) -> Page[BlockedRow]:
        """A page of the records that a plan leaves alone.

        Text in title and sentence's subject; fields code, subject, kind, tenant, connection; sort by position
        (the plan's own order, the default), title, code, total.
        """
        where = [_rows.c.plan == plan, *exactly(view, _FIELDS)]
        if view.text:
            where.append(holds(_rows.c.search, view.text))
        listing = Listing(select(_rows).where(*where), _rows.c.position, _SORTS, "position")
        return await listing.page(tx, view, _blocked)


def _plan(row: Any) -> Plan:
    plan = msgspec.json.decode(row.body, type=Plan)
    moved = msgspec.json.decode(row.moved, type=tuple[str, ...])
    return msgspec.structs.replace(plan, state=PlanState(row.state), actor=row.actor, moved=moved)


def _values(plan: str, position: int, row: BlockedRow) -> dict[str, Any]:
    return {
        "plan": plan,
        "position": position,
        "connection": row.record.connection,
        "kind": row.record.kind.value,
        "record": row.record.id,
        "tenant": row.record.tenant,
        "title": row.record.title,
        "search": clip(name_key(f"{row.record.title} {row.subject}")),
        "code": row.code,
        "subject": row.subject,
        "sentence": row.sentence,
        "currency": row.currency,
        "total": money(row.total),
        "units": millionths(row.total),
    }


def _blocked(row: Any) -> BlockedRow:
    ref = RecordRef(connection=row.connection, kind=Kind(row.kind), id=row.record, title=row.title, tenant=row.tenant)
    return BlockedRow(
        record=ref,
        code=row.code,
        subject=row.subject,
        sentence=row.sentence,
        currency=row.currency,
        total=amount(row.total),
    )
