"""The webhook inbox: hints that something changed in Xero, folded by resource; what was counted of deliveries; the
sequence numbers seen. Writes `inbox`, `inbox_counts`, `inbox_sequences`. What a hint leads to is decided elsewhere.
"""

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select, tuple_

from xerotui.store import house_tables
from xerotui.store.keys import chunks, clip, instant, micros
from xerotui.store.tx import Tx

_table = house_tables.inbox
_counts = house_tables.inbox_counts
_sequences = house_tables.inbox_sequences
# Resources kept apart for one organisation; what comes beyond them is one pile a category: "read what changed".
MOST = 5_000
# Stretches of sequence numbers kept behind a gap; more of them say no more than the last one.
MOST_AHEAD = 50
# A stretch that begins lower than what was seen, with events so much newer, comes of a webhook that was made anew.
ANEW = 60_000_000


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """Something changed: `resource` is Xero's id, blank for "anything of the category"; a blank category is any.

    `at` is the instant that the event names (world time), None where it names none. `turn` and `events` are the
    inbox's own: which state of the row this is, and how many events were folded into it.
    """

    tenant: str
    category: str
    resource: str = ""
    type: str = ""
    at: dt.datetime | None = None
    events: int = 1
    turn: int = 0


class Count(msgspec.Struct, frozen=True):
    """How often a thing happened, and when last (world time)."""

    count: int
    at: dt.datetime | None


class Inbox:
    """What the receiver leaves for the worker."""

    async def add(self, tx: Tx, hints: Iterable[Hint]) -> int:
        """Store hints, folding those of one resource; how many rows are new. Any number of times the same is one."""
        new = 0
        by_tenant: dict[str, dict[tuple[str, str], Hint]] = {}
        for hint in hints:
            mine = by_tenant.setdefault(clip(hint.tenant), {})
            key = (clip(hint.category), clip(hint.resource))
            mine[key] = _folded(mine.get(key), hint)
        for tenant, found in by_tenant.items():
            new += await self._add(tx, tenant, found)
        return new

    async def _add(self, tx: Tx, tenant: str, found: dict[tuple[str, str], Hint]) -> int:
        here = _table.c.tenant == tenant
        held = int(await tx.scalar(select(func.count()).select_from(_table).where(here)))
        there: dict[tuple[str, str], Hint] = {}
        for some in chunks([resource for _, resource in found] + [""]):
            rows = await tx.all(select(_table).where(here, _table.c.resource.in_(list(dict.fromkeys(some)))))
            there |= {(row.category, row.resource): _hint(row) for row in rows}
        wanted: dict[tuple[str, str], Hint] = {}
        new = 0
        for (category, resource), hint in found.items():
            key = (category, resource)
            if key not in there and key not in wanted:
                if resource and held + new >= MOST:
                    key = (category, "")
                if key not in there and key not in wanted:
                    new += 1
            wanted[key] = _folded(wanted.get(key, there.get(key)), hint)
        now = tx.now()
        rows_ = [
            {
                "tenant": tenant,
                "category": category,
                "resource": resource,
                "type": clip(hint.type),
                "at": micros(hint.at),
                "received": now,
                "events": hint.events,
                # Drawn, not counted: a row that was read and came again must not look like the one that was read.
                "turn": secrets.randbits(62),
            }
            for (category, resource), hint in wanted.items()
        ]
        await tx.upsert(_table, rows_)
        return new

    async def tenants(self, tx: Tx) -> list[str]:
        """Organisations with something in the inbox, the longest waiting first."""
        query = select(_table.c.tenant).group_by(_table.c.tenant).order_by(func.min(_table.c.received), _table.c.tenant)
        return [row.tenant for row in await tx.all(query)]

    async def waiting(self, tx: Tx, tenant: str, limit: int = 400) -> list[Hint]:
        """Hints of one organisation, piles first, then by age."""
        query = select(_table).where(_table.c.tenant == tenant)
        order = (_table.c.resource != "", _table.c.received, _table.c.category, _table.c.resource)
        return [_hint(row) for row in await tx.all(query.order_by(*order).limit(limit))]

    async def done(self, tx: Tx, hints: Sequence[Hint]) -> None:
        """Take hints away that were followed; one that came again meanwhile stays."""
        mine = tuple_(_table.c.tenant, _table.c.category, _table.c.resource, _table.c.turn)
        for some in chunks([(h.tenant, h.category, h.resource, h.turn) for h in hints]):
            await tx.run(_table.delete().where(mine.in_(some)))

    async def drop(self, tx: Tx, tenant: str) -> int:
        """Forget everything about one organisation; how many rows there were."""
        return await tx.run(_table.delete().where(_table.c.tenant == tenant))

    async def backlog(self, tx: Tx) -> dict[str, tuple[int, dt.datetime | None]]:
        """How much waits for each organisation, and since when (world time)."""
        query = select(_table.c.tenant, func.count().label("rows"), func.min(_table.c.received).label("oldest"))
        rows = await tx.all(query.group_by(_table.c.tenant))
        return {row.tenant: (int(row.rows), instant(int(row.oldest))) for row in rows}

    # ---- counts

    async def count(self, tx: Tx, numbers: Mapping[str, int]) -> None:
        """Add to counters by name, as of now."""
        names = [name for name, n in numbers.items() if n]
        if not names:
            return
        rows = await tx.all(select(_counts).where(_counts.c.name.in_(names)))
        have = {row.name: int(row.total) for row in rows}
        await tx.upsert(_counts, [{"name": n, "total": have.get(n, 0) + numbers[n], "at": tx.now()} for n in names])

    async def counts(self, tx: Tx) -> dict[str, Count]:
        """Every counter by name."""
        return {str(row.name): Count(int(row.total), instant(row.at)) for row in await tx.all(select(_counts))}

    # ---- sequence numbers, by app

    async def sequence(self, tx: Tx, app: str, first: int, last: int, at: dt.datetime | None) -> None:
        """Note that the events from `first` to `last` of an app came, the newest of them of `at`."""
        row = await tx.one(select(_sequences).where(_sequences.c.app == app))
        seen = micros(at)
        if row is None:
            high, ahead, since, latest = last, [], 0, seen
        else:
            high, since, latest = int(row.high), int(row.since), max(int(row.latest), seen)
            ahead = msgspec.json.decode(row.ahead, type=list[tuple[int, int]])
            top = max([high, *(b for _, b in ahead)])
            if last <= high and seen > int(row.latest) + ANEW and last < top:
                high, ahead = last, []
            elif last > high:
                high, ahead = _joined(high, [*ahead, (first, last)])
        since = (since or tx.now()) if ahead else 0
        text = msgspec.json.encode(ahead[-MOST_AHEAD:]).decode()
        values = {"app": app, "high": high, "ahead": text, "since": since, "latest": latest}
        await tx.upsert(_sequences, [values])

    async def gaps(self, tx: Tx, before: dt.datetime) -> list[str]:
        """Apps that left numbers out, which haven't come since `before`."""
        query = select(_sequences.c.app).where(_sequences.c.since > 0, _sequences.c.since <= micros(before))
        return [row.app for row in await tx.all(query.order_by(_sequences.c.app))]

    async def mended(self, tx: Tx, app: str) -> None:
        """Wait no longer for numbers that an app left out: what they told of was read."""
        row = await tx.one(select(_sequences).where(_sequences.c.app == app))
        if row is not None:
            ahead = msgspec.json.decode(row.ahead, type=list[tuple[int, int]])
            high = max([int(row.high), *(b for _, b in ahead)])
            mine = _sequences.c.app == app
            await tx.run(_sequences.update().where(mine).values(high=high, ahead="[]", since=0))


def _joined(high: int, stretches: list[tuple[int, int]]) -> tuple[int, list[tuple[int, int]]]:
    """The greatest number up to which nothing is missing, and the stretches behind a gap."""
    ahead: list[tuple[int, int]] = []
    for first, last in sorted(stretches):
        if first <= high + 1:
            high = max(high, last)
        elif ahead and first <= ahead[-1][1] + 1:
            ahead[-1] = (ahead[-1][0], max(ahead[-1][1], last))
        else:
            ahead.append((first, last))
    return high, ahead


def _folded(old: Hint | None, new: Hint) -> Hint:
    """Two hints of one resource as one: of the newer instant, and of no instant when one of them has none."""
    if old is None:
        return new
    if old.at is None or new.at is None:
        newer, at = new, None
    else:
        newer, at = (new, new.at) if new.at >= old.at else (old, old.at)
    return msgspec.structs.replace(newer, at=at, events=old.events + new.events, turn=old.turn)


def _hint(row: Any) -> Hint:
    return Hint(
        tenant=row.tenant,
        category=row.category,
        resource=row.resource,
        type=row.type,
        at=instant(row.at),
        events=row.events,
        turn=row.turn,
    )
