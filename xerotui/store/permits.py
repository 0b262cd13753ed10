"""The shared log of calls behind every governor. Writes `permit_log`, `permit_flights`, `permit_holds`.

Windows roll in world time; a slot in flight lapses in machine time. Each method is a short transaction of its own.
What a call cost goes into `usage` with the end of its slot, so that counting it takes no transaction of its own.
"""

import datetime as dt
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Select, Text, and_, bindparam, func, or_, select

from xerotui.model.work import Topic
from xerotui.net.limits import Budget, Limits, Spent, Wait, Window
from xerotui.store import house_tables, usage
from xerotui.store.identity import WorkerIdentity, gone, me
from xerotui.store.keys import instant, micros
from xerotui.store.tx import Rows, Tx, machine

if TYPE_CHECKING:
    from xerotui.store.ledger import Ledger

_log = house_tables.permit_log
_flights = house_tables.permit_flights
_holds = house_tables.permit_holds
_SECOND = 1_000_000
# World seconds until somebody who found all slots taken looks again; slots come back without notice.
_LOOK = 0.2
IN_FLIGHT = "in_flight"
# A call so far ahead of the clock was counted before the clock went back.
_AHEAD = 60 * _SECOND
# Somebody waits for a slot: who isn't urgent leaves it to them. World seconds for which each look renews that.
PEOPLE, PEOPLE_SECONDS = "people", 1.0
# World seconds after which calls that somebody else is said to have made are no evidence (xero-api section 3).
EVIDENCE = 1_800
# Machine seconds for which a call of a process that was killed is taken to be still under way at the other side.
ORPHANED = 2
# Made once: every call of every process ends with these.
_LANDED = _flights.delete().where(_flights.c.id == bindparam("permit")).returning(_flights)
_LASTED = (
    _log.update()
    .where(_log.c.id.in_([bindparam(f"id{i}") for i in range(4)]))
    .values(at=_log.c.at + bindparam("lasted"))
)


class LedgerPermits:
    """`net.limits.Permits` kept in the ledger, so that all processes see one window."""

    def __init__(self, ledger: "Ledger") -> None:
        self._ledger = ledger

    async def take(self, key: str, limits: Limits, now: dt.datetime, *, urgent: bool, lapse: float) -> str | Wait:
        """See `Permits.take`."""
        at = micros(now)
        # Taken beside `now`: others may be written for a good while before it is our turn.
        started = machine()
        keys = _keys(key, limits.windows)
        async with self._ledger.write() as tx:
            seen = await self._seen(tx, keys, limits.windows, at)
            if seen.untidy:
                for one in keys:
                    await self._tidy(tx, one, limits.windows, at)
                seen = await self._seen(tx, keys, limits.windows, at)
            full = [Wait(IN_FLIGHT, _LOOK)] if seen.flying >= limits.in_flight else []
            waits = [*_held(seen.holds, at, urgent), *full]
            for window, used in zip(limits.windows, seen.used, strict=True):
                waits += await self._full(tx, window.key or key, window, at, urgent, used)
            if waits:
                if urgent and full:
                    rows = [{"key": key, "window": PEOPLE, "until": at + int(PEOPLE_SECONDS * self._rate * _SECOND)}]
                    await tx.upsert(_holds, rows)
                return max(waits, key=lambda wait: wait.seconds)
            permit = secrets.token_hex(12)
            ids = zip(_ids(permit), keys, strict=False)
            await tx.many(
                _log.insert(), [{"id": id, "key": one, "window": "", "at": at, "calls": 1} for id, one in ids]
            )
            lapses = machine() + int(lapse * _SECOND)
            row = {"id": permit, "key": key, "taken": started, "lapses": lapses, "holder": me().key}
            await tx.many(_flights.insert(), [row])
            tx.bump(Topic.BUDGET)
            return permit

    @property
    def _rate(self) -> float:
        """World seconds in a machine second."""
        return float(getattr(self._ledger.clock, "rate", 1.0))

    async def give_back(self, permit: str, spent: Spent | None = None) -> None:
        """See `Permits.give_back`. The call counts from its end on: the other side saw it some time before that,
        and a window may only be left later than theirs, never earlier."""
        async with self._ledger.write() as tx:
            row = await tx.one(_LANDED, {"permit": permit})
            if row is None:
                return
            lasted = int(max(0, machine() - row.taken) * self._rate)
            ids = {f"id{i}": id for i, id in enumerate(_ids(permit))}
            await tx.run(_LASTED, {"lasted": lasted, **ids})
            if spent is not None:
                await usage.add(tx, row.key, spent)

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
        at = micros(now)
        async with self._ledger.read() as tx:
            # Mostly both counts agree: then nothing need be written.
            if window.calls - remaining <= await _used(tx, key, window, at):
                return
        async with self._ledger.write() as tx:
            await self._tidy(tx, key, (window,), at)
            missing = window.calls - remaining - await _used(tx, key, window, at)
            if missing > 0:
                row = {"id": secrets.token_hex(12), "key": key, "window": window.name}
                await tx.many(_log.insert(), [{**row, "at": at, "calls": missing}])
                tx.bump(Topic.BUDGET)

    async def budgets(self, key: str, windows: Sequence[Window], now: dt.datetime) -> tuple[Budget, ...]:
        """See `Permits.budgets`; `resets_in` is when the oldest call leaves the window."""
        at = micros(now)
        found = []
        async with self._ledger.read() as tx:
            for window in windows:
                of = window.key or key
                oldest = await tx.scalar(select(func.min(_log.c.at)).where(*_within(of, window, at)))
                leaves = (oldest + window.seconds * _SECOND - at) / _SECOND if oldest else 0.0
                mine = (_holds.c.key == of, _holds.c.window == window.name, _holds.c.until > at)
                until = instant(int(await tx.scalar(select(_holds.c.until).where(*mine)) or 0))
                found.append(Budget(window.name, window.calls, await _used(tx, of, window, at), leaves, until))
        return tuple(found)

    async def _seen(self, tx: Tx, keys: Sequence[str], windows: tuple[Window, ...], at: int) -> "_Seen":
        """What is there of these keys, the call's own first, in three looks: every call of every process asks."""
        flights = await tx.all(select(_flights).where(_flights.c.key.in_(keys)))
        holds = await tx.all(select(_holds).where(_holds.c.key.in_(keys)))
        values = {f"key{i}": key for i, key in enumerate(keys)} | {"told": at - EVIDENCE * _SECOND}
        values |= {f"since{i}": at - window.seconds * _SECOND for i, window in enumerate(windows)}
        of = tuple((keys.index(window.key) if window.key else 0, window.name) for window in windows)
        row = await tx.one(_counted(len(keys), of), values)
        assert row is not None
        ends, used = row[: 2 * len(keys)], row[2 * len(keys) :]
        now, mine = machine(), me().key
        return _Seen(
            flying=sum(flight.key == keys[0] for flight in flights),
            holds=holds,
            used=tuple(int(n) for n in used),
            untidy=any(end is not None and not at - _kept(windows) <= end <= at + _AHEAD for end in ends)
            or any(hold.until <= at for hold in holds)
            or any(f.lapses <= now or (f.holder != mine and f.taken <= now - ORPHANED * _SECOND) for f in flights),
        )

    async def _tidy(self, tx: Tx, key: str, windows: Sequence[Window], at: int) -> None:
        """Drop what is past; what lies ahead, because the clock went back, counts as of now."""
        await tx.run(_log.delete().where(_log.c.key == key, _log.c.at < at - _kept(windows)))
        await tx.run(_log.update().where(_log.c.key == key, _log.c.at > at + _AHEAD).values(at=at))
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

    async def _full(self, tx: Tx, key: str, window: Window, at: int, urgent: bool, used: int) -> list[Wait]:
        """How long until the window has room for one more: until as many old calls have left as are too many."""
        room = window.calls if urgent else window.calls - window.reserve
        over = used - room + 1
        if over <= 0:
            return []
        rows = select(_log.c.at, _log.c.calls).where(*_within(key, window, at)).order_by(_log.c.at).limit(over)
        leaves = at
        for row in await tx.all(rows):
            leaves, over = row.at, over - row.calls
            if over <= 0:
                break
        return [Wait(window.name, max(0.001, (leaves + window.seconds * _SECOND - at) / _SECOND))]


class _Seen(msgspec.Struct, frozen=True):
    """What one look at the log, the slots and the holds of some keys found.

    `used` has a number for each window; `untidy` says that something there is past, ahead of the clock, or lost.
    """

    flying: int
    holds: Rows
    used: tuple[int, ...]
    untidy: bool


@lru_cache(maxsize=64)
def _counted(keys: int, windows: tuple[tuple[int, str], ...]) -> Select[Any]:
    """Oldest and newest of so many keys' calls, and the calls within each window (of which key, and its name).

    Made once for each kind of limits: making it takes longer than asking it.
    """
    names = [bindparam(f"key{i}", type_=Text) for i in range(keys)]
    told = bindparam("told", type_=BigInteger)
    columns: list[Any] = []
    for name in names:
        # Each end by itself is one step in the index; both in one query would read all of the key's calls.
        columns += [select(end(_log.c.at)).where(_log.c.key == name).scalar_subquery() for end in (func.min, func.max)]
    for i, (of, window) in enumerate(windows):
        evidence = or_(_log.c.window == "", and_(_log.c.window == window, _log.c.at > told))
        since = bindparam(f"since{i}", type_=BigInteger)
        within = select(func.coalesce(func.sum(_log.c.calls), 0)).where(
            _log.c.key == names[of], _log.c.at > since, evidence
        )
        columns.append(within.scalar_subquery())
    return select(*columns)


def _kept(windows: Sequence[Window]) -> int:
    """For how long a call is kept: `correct` knows one window only, so a day at least, as no window here is longer."""
    return max([86_400, *(window.seconds for window in windows)]) * _SECOND


def _held(holds: Rows, at: int, urgent: bool) -> list[Wait]:
    held = [row for row in holds if row.until > at and not (urgent and row.window == PEOPLE)]
    return [Wait(row.window, (row.until - at) / _SECOND) for row in held]


def _keys(key: str, windows: Sequence[Window]) -> list[str]:
    """Where a call is counted: under its own key, and once under each that a window brings."""
    return list(dict.fromkeys((key, *(window.key for window in windows if window.key))))


def _ids(permit: str) -> tuple[str, ...]:
    """The log's rows of one call, in the order of `_keys`: more shared windows than that nobody has."""
    return (permit, f"{permit}+1", f"{permit}+2", f"{permit}+3")


def _within(key: str, window: Window, at: int) -> tuple[ColumnElement[bool], ...]:
    told = and_(_log.c.window == window.name, _log.c.at > at - EVIDENCE * _SECOND)
    return (
        _log.c.key == key,
        _log.c.at > at - window.seconds * _SECOND,
        or_(_log.c.window == "", told),
    )


async def _used(tx: Tx, key: str, window: Window, at: int) -> int:
    return int(await tx.scalar(select(func.coalesce(func.sum(_log.c.calls), 0)).where(*_within(key, window, at))))
