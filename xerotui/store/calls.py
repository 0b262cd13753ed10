"""Calls: what went over the wire, stored before it left, and what came of it. Writes `calls` and `call_operations`."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from xerotui.model.kinds import Kind
from xerotui.model.work import Call, CallState, State, Topic, Verb
from xerotui.store import lanes, operations, tables
from xerotui.store.errors import IllegalMove
from xerotui.store.identity import Fence
from xerotui.store.keys import chunks, micros, moment
from xerotui.store.tx import Tx

_table = tables.calls
_members = tables.call_operations
MOST = 50
# Verbs that a source answers without an id of its own.
_WITHOUT_ID = (Verb.ATTACH, Verb.SETTLE)
_UNDER_WAY = (State.SENDING.value, State.UNKNOWN.value)


class Calls:
    """Calls and the operations they carry: DESIGN section 5."""

    async def open_call(self, tx: Tx, call: Call, fence: Fence) -> None:
        """Store a call with its exact body and mark its operations sending; then it may leave.

        Raises IllegalMove unless every operation is ready, of the call's lane, kind and verb, and at most 50;
        Fenced when the lane is another's. Let the exception roll the transaction back.
        """
        await lanes.check(tx, fence)
        if not 0 < len(set(call.operations)) == len(call.operations) <= MOST or call.lane != fence.lane:
            raise IllegalMove(f"call {call.id}: 1 to {MOST} different operations of the holder's lane")
        members = await _operations(tx, call.operations)
        like = (call.lane, call.kind.value, call.verb.value, State.READY.value)
        if len(members) != len(call.operations) or any((m.lane, m.kind, m.verb, m.state) != like for m in members):
            raise IllegalMove(f"call {call.id}: its operations aren't all ready, of its lane, kind and verb")
        row = {**_values(call), "fence": fence.number, "last_sent": micros(call.first_sent), "settled_at": 0}
        await tx.many(_table.insert(), [row])
        pairs = enumerate(call.operations)
        await tx.many(_members.insert(), [{"call": call.id, "position": i, "operation": id} for i, id in pairs])
        tried = {"call": call.id, "attempts": tables.operations.c.attempts + 1, "error": "", "not_before": 0}
        await operations.move(tx, call.operations, State.SENDING, frm=[State.READY], values=tried)

    async def calls(self, tx: Tx, lane: str, states: Sequence[CallState]) -> list[Call]:
        """The calls of a lane in these states, first sent first."""
        wanted = (_table.c.lane == lane, _table.c.state.in_([state.value for state in states]))
        return await _read(tx, select(_table).where(*wanted).order_by(_table.c.first_sent, _table.c.id))

    async def get_call(self, tx: Tx, id: str) -> Call | None:
        """One call with its body."""
        found = await _read(tx, select(_table).where(_table.c.id == id))
        return found[0] if found else None

    async def calls_made(self, tx: Tx, plan: str) -> int:
        """How many calls carried operations of a plan; a repeated one counts once."""
        c = tables.operations.c
        query = select(func.count(func.distinct(_members.c.call))).where(_members.c.operation == c.id, c.plan == plan)
        return int(await tx.scalar(query) or 0)

    async def resend(self, tx: Tx, call_id: str, fence: Fence, now: dt.datetime) -> Call:
        """Mark a call of unknown outcome as sending once more, whole: same key, same bytes.

        What of it is settled stays so. Raises IllegalMove when nothing of it is unknown; Fenced when the lane is
        another's.
        """
        call = await self._mine(tx, call_id, fence)
        members = await _operations(tx, call.operations)
        unknown = [m.id for m in members if m.call == call.id and m.state == State.UNKNOWN.value]
        if not unknown:
            raise IllegalMove(f"call {call.id} can't be repeated: nothing of it is unknown")
        attempts = call.attempts + 1
        values = {
            "attempts": attempts,
            "state": CallState.SENDING.value,
            "fence": fence.number,
            "last_sent": micros(now),
        }
        await tx.run(_table.update().where(_table.c.id == call.id).values(**values))
        tried = {"attempts": tables.operations.c.attempts + 1}
        await operations.move(tx, unknown, State.SENDING, values=tried)
        tx.bump(Topic.QUEUE)
        return msgspec.structs.replace(call, attempts=attempts, state=CallState.SENDING)

    async def settle_call(
        self,
        tx: Tx,
        call_id: str,
        fence: Fence,
        *,
        status: int,
        confirmed: Sequence[tuple[str, str, str, str]] = (),
        rejected: Sequence[tuple[str, str]] = (),
        unknown: Sequence[str] = (),
        ready: Sequence[str] = (),
        parked: Sequence[tuple[str, str]] = (),
        not_before: dt.datetime | None = None,
        reason: str = "",
        untried: bool = False,
    ) -> tuple[str, ...]:
        """Store what came of a call, element by element; it is settled when nothing of it is unknown.

        `confirmed` holds (operation, Xero id, number, version), `rejected` and `parked` (operation, error); what
        is `ready` goes into another call, no earlier than `not_before` and, where the call was `untried`, without
        having been counted as a try; `reason` says why, as it says why others are unknown. Returns the operations
        that were settled now: those of a repeated call that were settled before stay as they are. Raises IllegalMove
        when one that is still open is missing, one is named twice or strange to the call, or confirmed without an
        id; Fenced when the lane is another's.
        """
        call = await self._mine(tx, call_id, fence)
        members = {m.id: m for m in await _operations(tx, call.operations)}
        open_ = {id for id, m in members.items() if m.call == call.id and m.state in _UNDER_WAY}
        named = [*(c[0] for c in confirmed), *(r[0] for r in rejected), *unknown, *ready, *(p[0] for p in parked)]
        if len(named) != len(set(named)) or not open_ <= set(named) <= set(members):
            raise IllegalMove(f"call {call.id}: its open operations, each once, have to be settled")
        if call.verb not in _WITHOUT_ID and any(not xero_id.strip("0-") for _, xero_id, _, _ in confirmed):
            raise IllegalMove(f"call {call.id}: nothing is confirmed without an id")
        await operations.confirm(tx, [c for c in confirmed if c[0] in open_])
        await operations.fail(tx, State.REJECTED, [r for r in rejected if r[0] in open_])
        await operations.fail(tx, State.PARKED, [p for p in parked if p[0] in open_])
        again: dict[str, Any] = {"not_before": micros(not_before), "error": reason}
        if untried:
            again["attempts"] = tables.operations.c.attempts - 1
        await operations.move(tx, [id for id in ready if id in open_], State.READY, values=again)
        unclear = [id for id in unknown if id in open_]
        await operations.move(tx, unclear, State.UNKNOWN, frm=[State.SENDING], values={})
        if unclear and reason:
            said = tables.operations.c.id.in_(unclear)
            await tx.run(tables.operations.update().where(said).values(error=reason))
        state = CallState.UNKNOWN if unclear else CallState.SETTLED
        values = {"state": state.value, "status": status, "settled_at": 0 if unclear else tx.now()}
        await tx.run(_table.update().where(_table.c.id == call.id).values(**values))
        tx.bump(Topic.QUEUE)
        return tuple(id for id in call.operations if id in open_ and id not in unclear)

    async def void_sending(self, tx: Tx, lane: str, fence: Fence) -> list[Call]:
        """On taking a lane: what was being sent has an unknown outcome now. The calls that this befell."""
        await lanes.check(tx, fence)
        sending = await self.calls(tx, lane, [CallState.SENDING])
        table = tables.operations
        where = (table.c.lane == lane, table.c.state == State.SENDING.value)
        rows = await tx.all(select(table.c.id).where(*where))
        await operations.move(tx, [row.id for row in rows], State.UNKNOWN, fence=fence, values={})
        mine = (_table.c.lane == lane, _table.c.state == CallState.SENDING.value)
        await tx.run(_table.update().where(*mine).values(state=CallState.UNKNOWN.value))
        if sending:
            tx.bump(Topic.QUEUE)
        return [msgspec.structs.replace(call, state=CallState.UNKNOWN) for call in sending]

    async def drop_bodies(self, tx: Tx, before: dt.datetime, limit: int) -> int:
        """Empty the bodies of calls settled, and of operations over, since before that instant: at most `limit` of
        each; how many."""
        settled = (_table.c.state == CallState.SETTLED.value, _table.c.settled_at < micros(before))
        some = select(_table.c.id).where(*settled, _table.c.body != b"").limit(limit)
        calls = await tx.run(_table.update().where(_table.c.id.in_(some)).values(body=b""))
        return calls + await operations.drop_bodies(tx, micros(before), limit)

    async def _mine(self, tx: Tx, call_id: str, fence: Fence) -> Call:
        await lanes.check(tx, fence)
        call = await self.get_call(tx, call_id)
        if call is None or call.lane != fence.lane or call.state is CallState.SETTLED:
            raise IllegalMove(f"call {call_id} is no open call of the lane {fence.lane}")
        return call


async def _operations(tx: Tx, ids: Sequence[str]) -> Sequence[Any]:
    c = tables.operations.c
    return await tx.all(select(c.id, c.lane, c.kind, c.verb, c.state, c.call).where(c.id.in_(ids)))


async def _read(tx: Tx, query: Any) -> list[Call]:
    rows = await tx.all(query)
    members: dict[str, list[str]] = {row.id: [] for row in rows}
    for some in chunks(list(members)):
        pairs = select(_members).where(_members.c.call.in_(some)).order_by(_members.c.call, _members.c.position)
        for pair in await tx.all(pairs):
            members[pair.call].append(pair.operation)
    return [_call(row, members[row.id]) for row in rows]


def _values(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "lane": call.lane,
        "kind": call.kind.value,
        "verb": call.verb.value,
        "method": call.method,
        "path": call.path,
        "key": call.key,
        "body": call.body,
        "state": call.state.value,
        "first_sent": micros(call.first_sent),
        "attempts": call.attempts,
        "status": call.status,
    }


def _call(row: Any, members: Sequence[str]) -> Call:
    return Call(
        id=row.id,
        lane=row.lane,
        kind=Kind(row.kind),
        verb=Verb(row.verb),
        method=row.method,
        path=row.path,
        key=row.key,
        body=row.body,
        operations=tuple(members),
        state=CallState(row.state),
        first_sent=moment(row.first_sent),
        attempts=row.attempts,
        status=row.status,
    )
