"""Operations as the ledger keeps them: an operation and its row, and the queries over those rows. Writes nothing."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError

from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import Change
from xerotui.model.work import DONE, Basis, Operation, State, Verb
from xerotui.store import tables
from xerotui.store.errors import DuplicateWork
from xerotui.store.keys import amount, clip, instant, micros, millionths, money, name_key
from xerotui.store.tx import Tx, violates

table = tables.operations
needs = tables.needs
_needed = table.alias("needed")
_other = table.alias("other")
# A need in one of these will never be met by itself.
_HOPELESS = (State.REJECTED, State.PARKED, State.CANCELLED, State.BLOCKED, State.SUPERSEDED)


def unmet() -> ColumnElement[bool]:
    """Whether an operation of the outer query needs one that isn't done."""
    return (
        select(needs.c.need)
        .where(needs.c.operation == table.c.id, needs.c.need == _needed.c.id)
        .where(_needed.c.state.not_in([state.value for state in DONE]))
        .correlate(table)
        .exists()
    )


def ready_query(tx: Tx, lane: str, kind: Kind, verb: Verb, limit: int) -> Any:
    """The query of `ready_batch`, apart so that its plan can be looked at."""
    same = [_other.c[n] == table.c[n] for n in ("connection", "kind", "record", "tenant", "side")]
    under_way = _other.c.state.in_((State.SENDING.value, State.UNKNOWN.value))
    older = (_other.c.state == State.READY.value) & (_other.c.seq < table.c.seq)
    busy = select(_other.c.id).where(*same, _other.c.id != table.c.id, under_way | older)
    target = select(_other.c.id).where(
        _other.c.lane == table.c.lane, _other.c.target == table.c.target, _other.c.target != "", under_way
    )
    return (
        select(table)
        .where(table.c.lane == lane, table.c.state == State.READY.value)
        .where(table.c.kind == kind.value, table.c.verb == verb.value, table.c.not_before <= tx.now())
        .where(~busy.correlate(table).exists(), ~target.correlate(table).exists())
        .order_by(table.c.seq)
        .limit(limit)
    )


def hopeless(scope: list[ColumnElement[bool]]) -> Any:
    """The approved operations of a scope whose needs will never be met, with the need at fault."""
    return (
        select(table.c.id, _needed.c.title, _needed.c.kind, _needed.c.state, _needed.c.error)
        .where(*scope, table.c.state == State.APPROVED.value)
        .where(needs.c.operation == table.c.id, needs.c.need == _needed.c.id)
        .where(_needed.c.state.in_([state.value for state in _HOPELESS]))
    )


def waits_for(row: Any) -> str:
    """What a row of `hopeless` waits for, in words."""
    what = f"Waits for the {Kind(row.kind).label} {row.title}".rstrip()
    return f"{what}, which was {row.state}: {row.error}" if row.error else f"{what}, which was {row.state}"


def equal(given: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
    """The conditions that the given columns hold the given values; None asks for nothing."""
    return [table.c[name] == str(value) for name, value in given.items() if value is not None]


def duplicate(error: IntegrityError) -> DuplicateWork | None:
    """The error in words where two operations would be live on one record, None for any other."""
    columns = ", ".join(f"operations.{n}" for n in ("connection", "kind", "record", "tenant", "side", "verb"))
    if not violates(error, "ux_operations_live", columns):
        return None
    return DuplicateWork(
        "There already is work under way for this record.",
        "Wait for it, or cancel it on the sync queue, then plan again.",
        code="core.duplicate_work",
    )


def row_of(operation: Operation, seq: int) -> dict[str, Any]:
    """The row of a new operation."""
    return {
        "id": operation.id,
        "seq": seq,
        "plan": operation.plan,
        "side": operation.side.value,
        "lane": operation.lane,
        "kind": operation.kind.value,
        "verb": operation.verb.value,
        "state": operation.state.value,
        "connection": operation.connection,
        "tenant": operation.tenant,
        "record": operation.record,
        "title": operation.title,
        "search": clip(name_key(f"{operation.title} {operation.party} {operation.record}")),
        "party": operation.party,
        "target": operation.target,
        "currency": operation.currency,
        "total": money(operation.total),
        "units": millionths(operation.total),
        "call": operation.call,
        "attempts": operation.attempts,
        "not_before": micros(operation.not_before),
        "error": operation.error,
        "updated": micros(operation.updated) or seq,
        "done_number": "",
        "done_version": "",
        "basis": msgspec.json.encode(operation.basis).decode(),
        "changes": msgspec.json.encode(operation.changes).decode(),
        "rungs": msgspec.json.encode(operation.rungs).decode(),
        "needs": msgspec.json.encode(operation.needs).decode(),
        "body": operation.body,
    }


def read(row: Any) -> Operation:
    """An operation of its row, with or without the body."""
    return Operation(
        id=row.id,
        plan=row.plan,
        side=Side(row.side),
        lane=row.lane,
        kind=Kind(row.kind),
        verb=Verb(row.verb),
        state=State(row.state),
        connection=row.connection,
        tenant=row.tenant,
        record=row.record,
        title=row.title,
        party=row.party,
        target=row.target,
        body=getattr(row, "body", b""),
        basis=msgspec.json.decode(row.basis, type=Basis),
        changes=msgspec.json.decode(row.changes, type=tuple[Change, ...]),
        rungs=msgspec.json.decode(row.rungs, type=dict[str, str]),
        needs=msgspec.json.decode(row.needs, type=tuple[str, ...]),
        currency=row.currency,
        total=amount(row.total),
        call=row.call,
        attempts=row.attempts,
        not_before=instant(row.not_before),
        error=row.error,
        updated=instant(row.updated),
    )
