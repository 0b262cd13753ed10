"""The shared log of calls behind every governor. Writes `permit_log`, `permit_flights`, `permit_holds`.

Windows roll in world time; a slot in flight lapses in machine time. Each method is a short transaction of its own.
"""

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, select

from xerotui.model.work import Topic
from xerotui.net.limits import Budget, Limits, Wait, Window
from xerotui.store import tables
from xerotui.store.identity import WorkerIdentity, gone, me
from xerotui.store.keys import micros
from xerotui.store.tx import Tx, machine

if TYPE_CHECKING:
    from xerotui.store.ledger import Ledger

_log = tables.permit_log
_flights = tables.permit_flights
_holds = tables.permit_holds
_SECOND = 1_000_000
# World seconds until somebody who found all slots taken looks again; slots come back without notice.
_LOOK = 0.2
IN_FLIGHT = "in_flight"
# Machine seconds for which a call of a process that was killed is taken to be still under way at the other side.
ORPHANED = 2


class LedgerPermits:
    """`net.limits.Permits` kept in the ledger, so that all processes see one window."""

    def __init__(self, ledger: "Ledger") -> None:
        self._ledger = ledger

    async def take(self, key: str, limits: Limits, now: dt.datetime, *, urgent: bool, lapse: float) -> str | Wait:
        """See `Permits.take`."""
        at = micros(now)
        # Taken beside `now`: others may be written for a good while before it is our turn.
        started = machine()
        async with self._ledger.write() as tx:
            await self._tidy(tx, key, limits.windows, at)
            waits = [*await self._held(tx, key, at), *await self._flying(tx, key, limits)]
            for window in limits.windows:
                waits += await self._full(tx, key, window, at, urgent)
            if waits:
                return max(waits, key=lambda wait: wait.seconds)
            permit = secrets.token_hex(12)
            await tx.many(_log.insert(), [{"id": permit, "key": key, "window": "", "at": at, "calls": 1}])
            lapses = machine() + int(lapse * _SECOND)
            row = {"id": permit, "key": key, "taken": started, "lapses": lapses, "holder": me().key}
            await tx.many(_flights.insert(), [row])
            tx.bump(Topic.BUDGET)
            return permit

    async def give_back(self, permit: str) -> None:
        """See `Permits.give_back`. The call counts from its end on: the other side saw it some time before that,
        and a window may only be left later than theirs, never earlier."""
        async with self._ledger.write() as tx:
            row = await tx.one(select(_flights).where(_flights.c.id == permit))
            if row is None:
                return
            rate = float(getattr(self._ledger.clock, "rate", 1.0))
            lasted = int(max(0, machine() - row.taken) * rate)
            await tx.run(_flights.delete().where(_flights.c.id == permit))
            await tx.run(_log.update().where(_log.c.id == permit).values(at=_log.c.at + lasted))

    async def hold(self, key: str, window: str, until: dt.datetime) -> None:
        """See `Permits.hold`; a longer hold that is there stays."""
        async with self._ledger.write() as tx:
            mine = (_holds.c.key == key, _holds.c.window == window)
            there = await tx.scalar(select(_holds.c.until).where(*mine))
            if there is None or there < micros(until):
                await tx.upsert(_holds, [{"key": key, "window": window, "until": micros(until)}])
                tx.bump(Topic.BUDGET)

    async def correct(self, key: str, window: Window, remaining: int, now: dt.datetime) -> None:
        """See `Permits.correct`: calls that somebody else made are added, as made now."""
        async with self._ledger.write() as tx:
            await self._tidy(tx, key, (window,), micros(now))
            missing = window.calls - remaining - await _used(tx, key, window, micros(now))
            if missing > 0:
                row = {"id": secrets.token_hex(12), "key": key, "window": window.name}
                await tx.many(_log.insert(), [{**row, "at": micros(now), "calls": missing}])
                tx.bump(Topic.BUDGET)

    async def budgets(self, key: str, windows: Sequence[Window], now: dt.datetime) -> tuple[Budget, ...]:
        """See `Permits.budgets`; `resets_in` is when the oldest call leaves the window."""
        at = micros(now)
        found = []
        async with self._ledger.read() as tx:
            for window in windows:
                oldest = await tx.scalar(select(func.min(_log.c.at)).where(*_within(key, window, at)))
                leaves = (oldest + window.seconds * _SECOND - at) / _SECOND if oldest else 0.0
                found.append(Budget(window.name, window.calls, await _used(tx, key, window, at), leaves))
        return tuple(found)

    async def _tidy(self, tx: Tx, key: str, windows: Sequence[Window], at: int) -> None:
        """Drop what is past; what lies ahead, because the clock went back, counts as of now."""
        longest = max((window.seconds for window in windows), default=0)
        # `correct` knows one window only: a row is dropped once no window kept here is that long.
        keep = max(longest, 86_400) * _SECOND
        await tx.run(_log.delete().where(_log.c.key == key, _log.c.at < at - keep))
        await tx.run(_log.update().where(_log.c.key == key, _log.c.at > at + 60 * _SECOND).values(at=at))
        await self._cut_off(tx, at, _flights.c.key == key, _flights.c.lapses <= machine())
        await self._orphans(tx, key, at)
        await tx.run(_holds.delete().where(_holds.c.key == key, _holds.c.until <= at))

    async def _cut_off(self, tx: Tx, at: int, *which: ColumnElement[bool]) -> None:
        """Free slots that nobody gave back; when those calls were counted over there isn't known, at the latest now."""
        lost = select(_flights.c.id).where(*which)
        await tx.run(_log.update().where(_log.c.id.in_(lost), _log.c.at < at).values(at=at))
        await tx.run(_flights.delete().where(*which))

    async def _orphans(self, tx: Tx, key: str, at: int) -> None:
        """Free the slots of processes that are provably gone: their calls were cut off, and soon are over there too."""
        old = (_flights.c.key == key, _flights.c.taken <= machine() - ORPHANED * _SECOND)
        holders = await tx.all(select(_flights.c.holder).where(*old, _flights.c.holder != me().key).distinct())
        dead = [row.holder for row in holders if row.holder and gone(WorkerIdentity.parse(row.holder))]
        if dead:
            await self._cut_off(tx, at, *old, _flights.c.holder.in_(dead))

    async def _held(self, tx: Tx, key: str, at: int) -> list[Wait]:
        rows = await tx.all(select(_holds).where(_holds.c.key == key, _holds.c.until > at))
        return [Wait(row.window, (row.until - at) / _SECOND) for row in rows]

    async def _flying(self, tx: Tx, key: str, limits: Limits) -> list[Wait]:
        flying = int(await tx.scalar(select(func.count()).select_from(_flights).where(_flights.c.key == key)))
        return [Wait(IN_FLIGHT, _LOOK)] if flying >= limits.in_flight else []

    async def _full(self, tx: Tx, key: str, window: Window, at: int, urgent: bool) -> list[Wait]:
        """How long until the window has room for one more: until as many old calls have left as are too many."""
        room = window.calls if urgent else window.calls - window.reserve
        over = await _used(tx, key, window, at) - room + 1
        if over <= 0:
            return []
        rows = select(_log.c.at, _log.c.calls).where(*_within(key, window, at)).order_by(_log.c.at).limit(over)
        leaves = at
        for row in await tx.all(rows):
            leaves, over = row.at, over - row.calls
            if over <= 0:
                break
        return [Wait(window.name, max(0.001, (leaves + window.seconds * _SECOND - at) / _SECOND))]


def _within(key: str, window: Window, at: int) -> tuple[ColumnElement[bool], ...]:
    return (
        _log.c.key == key,
        _log.c.at > at - window.seconds * _SECOND,
        _log.c.window.in_(("", window.name)),
    )


async def _used(tx: Tx, key: str, window: Window, at: int) -> int:
    return int(await tx.scalar(select(func.coalesce(func.sum(_log.c.calls), 0)).where(*_within(key, window, at))))
