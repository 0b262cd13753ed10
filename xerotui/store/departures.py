"""Records that a source itself answered to be gone: the proof that a removal rests on. Writes `departures`."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from xerotui.model.kinds import Kind
from xerotui.model.work import Topic
from xerotui.store import tables
from xerotui.store.keys import chunks, instant, micros, moment
from xerotui.store.tx import Tx

_table = tables.departures


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is gone: since when that is known (world time), in which words, and who approved its removal."""

    connection: str
    kind: Kind
    record: str
    at: dt.datetime
    how: str = "deleted at the source"
    actor: str = ""
    reason: str = ""
    approved: dt.datetime | None = None


class Departures:
    """One row a record; it goes when the source has the record again."""

    async def add(self, tx: Tx, departures: Sequence[Departure]) -> None:
        """Note departures; those that are known already stay as they are."""
        for one in departures:
            known = await self.of(tx, one.connection, one.kind, [one.record])
            if not known:
                await tx.upsert(_table, [_values(one)])
                tx.bump(Topic.SNAPSHOTS)

    async def of(self, tx: Tx, connection: str, kind: Kind, records: Sequence[str]) -> dict[str, Departure]:
        """The departures among some records, by record id."""
        found: dict[str, Departure] = {}
        for some in chunks(list(dict.fromkeys(records))):
            query = select(_table).where(*_of(connection, kind), _table.c.record.in_(some))
            found |= {row.record: _departure(row) for row in await tx.all(query)}
        return found

    async def all(self, tx: Tx, connection: str) -> dict[tuple[Kind, str], Departure]:
        """Every departure of a source connection."""
        rows = await tx.all(select(_table).where(_table.c.connection == connection))
        return {(Kind(row.kind), row.record): _departure(row) for row in rows}

    async def back(self, tx: Tx, connection: str, kind: Kind, records: Sequence[str]) -> int:
        """Forget departures of records that the source has again; how many there were."""
        count = 0
        for some in chunks(list(dict.fromkeys(records))):
            count += await tx.run(_table.delete().where(*_of(connection, kind), _table.c.record.in_(some)))
        if count:
            tx.bump(Topic.SNAPSHOTS)
        return count

    async def approve(
        self, tx: Tx, connection: str, kind: Kind, records: Sequence[str], actor: str, reason: str, now: dt.datetime
    ) -> None:
        """Note who approved that these are removed in Xero, and why."""
        for some in chunks(list(dict.fromkeys(records))):
            values = {"actor": actor, "reason": reason, "approved": micros(now)}
            await tx.run(_table.update().where(*_of(connection, kind), _table.c.record.in_(some)).values(**values))


def _of(connection: str, kind: Kind) -> tuple[Any, ...]:
    return (_table.c.connection == connection, _table.c.kind == kind.value)


def _values(one: Departure) -> dict[str, Any]:
    return {
        "connection": one.connection,
        "kind": one.kind.value,
        "record": one.record,
        "how": one.how,
        "at": micros(one.at),
        "actor": one.actor,
        "reason": one.reason,
        "approved": micros(one.approved),
    }


def _departure(row: Any) -> Departure:
    return Departure(
        connection=row.connection,
        kind=Kind(row.kind),
        record=row.record,
        how=row.how,
        at=moment(row.at),
        actor=row.actor,
        reason=row.reason,
        approved=instant(row.approved),
    )
