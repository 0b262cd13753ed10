"""Links between source records and Xero ids. Writes `links`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from xerotui.model.kinds import Kind
from xerotui.model.work import Link, Topic
from xerotui.store import tables
from xerotui.store.errors import LinkTaken
from xerotui.store.keys import chunks, instant, micros
from xerotui.store.tx import Tx, violates

_table = tables.links


class Links:
    """Which record is which in Xero: one link a record and tenant; one record a Xero item or document."""

    async def put(self, tx: Tx, links: Sequence[Link]) -> None:
        """Store links, each in place of an older one of the same record and tenant.

        Raises LinkTaken when the Xero item or document belongs to another record of the connection.
        """
        now = tx.now()
        rows = [_values(link, now) for link in links]
        try:
            await tx.upsert(_table, rows)
        except IntegrityError as error:
            columns = "links.connection, links.tenant, links.kind, links.xero_id"
            if violates(error, "ux_links_xero", columns):
                raise LinkTaken(
                    "The record in Xero is already linked with another record of this source.",
                    "Open both records, decide which one it is, and unlink the other.",
                    code="core.link_taken",
                ) from error
            raise
        if rows:
            tx.bump(Topic.LINKS)

    async def get(self, tx: Tx, connection: str, kind: Kind, record: str, tenant: str) -> Link | None:
        """The link of one record in one tenant."""
        found = await self.many(tx, connection, kind, [record], tenant)
        return found.get(record)

    async def many(self, tx: Tx, connection: str, kind: Kind, records: Sequence[str], tenant: str) -> dict[str, Link]:
        """The links of several records in one tenant, by record id."""
        found: dict[str, Link] = {}
        for some in chunks(list(dict.fromkeys(records))):
            query = select(_table).where(*_of(connection, tenant, kind), _table.c.record.in_(some))
            found |= {row.record: _link(row) for row in await tx.all(query)}
        return found

    async def for_pair(self, tx: Tx, connection: str, tenant: str, kind: Kind | None = None) -> list[Link]:
        """All links of a pair, by kind and record."""
        query = select(_table).where(*_of(connection, tenant, kind)).order_by(_table.c.kind, _table.c.record)
        return [_link(row) for row in await tx.all(query)]

    async def by_xero(
        self, tx: Tx, connection: str, tenant: str, kind: Kind, xero_ids: Sequence[str]
    ) -> dict[str, Link]:
        """Links by Xero id; of several parties on one contact, the one linked first."""
        found: dict[str, Link] = {}
        for some in chunks(list(dict.fromkeys(xero_ids))):
            query = select(_table).where(*_of(connection, tenant, kind), _table.c.xero_id.in_(some))
            for row in await tx.all(query.order_by(_table.c.at, _table.c.record)):
                found.setdefault(row.xero_id, _link(row))
        return found

    async def drop(self, tx: Tx, connection: str, kind: Kind, records: Sequence[str], tenant: str) -> int:
        """Take links away; how many there were."""
        count = 0
        for some in chunks(list(records)):
            where = (*_of(connection, tenant, kind), _table.c.record.in_(some))
            count += await tx.run(_table.delete().where(*where))
        if count:
            tx.bump(Topic.LINKS)
        return count

    async def mark_attached(self, tx: Tx, connection: str, kind: Kind, records: Sequence[str], tenant: str) -> None:
        """Note that the source knows the Xero ids of these records now."""
        for some in chunks(list(records)):
            where = (*_of(connection, tenant, kind), _table.c.record.in_(some))
            await tx.run(_table.update().where(*where).values(attached=True))
        if records:
            tx.bump(Topic.LINKS)

    async def unattached(self, tx: Tx, connection: str, limit: int) -> list[Link]:
        """Links that the source doesn't know yet, oldest first."""
        query = select(_table).where(_table.c.connection == connection, ~_table.c.attached)
        return [_link(row) for row in await tx.all(query.order_by(_table.c.at, _table.c.record).limit(limit))]

    async def elsewhere(self, tx: Tx, connection: str, tenant: str, kind: Kind) -> list[tuple[str, str, str]]:
        """The records of a kind that are linked in other tenants: each with that tenant and its Xero id."""
        query = select(_table.c.record, _table.c.tenant, _table.c.xero_id).where(
            _table.c.connection == connection, _table.c.tenant != tenant, _table.c.kind == kind.value
        )
        return [(row.record, row.tenant, row.xero_id) for row in await tx.all(query.order_by(_table.c.record))]

    async def counts(self, tx: Tx, connection: str, tenant: str) -> dict[Kind, int]:
        """How many links of each kind a pair has."""
        query = select(_table.c.kind, func.count().label("links")).where(*_of(connection, tenant, None))
        return {Kind(row.kind): row.links for row in await tx.all(query.group_by(_table.c.kind))}


def _of(connection: str, tenant: str, kind: Kind | None) -> tuple[Any, ...]:
    pair = (_table.c.connection == connection, _table.c.tenant == tenant)
    return pair if kind is None else (*pair, _table.c.kind == kind.value)


def _values(link: Link, now: int) -> dict[str, Any]:
    return {
        "connection": link.connection,
        "kind": link.kind.value,
        "record": link.record,
        "tenant": link.tenant,
        "xero_id": link.xero_id,
        "number": link.number,
        "fingerprint": link.fingerprint,
        "version": link.version,
        "how": link.how,
        "attached": link.attached,
        "at": micros(link.at) or now,
        "posting": link.posting,
    }


def _link(row: Any) -> Link:
    return Link(
        connection=row.connection,
        kind=Kind(row.kind),
        record=row.record,
        tenant=row.tenant,
        xero_id=row.xero_id,
        number=row.number,
        posting=row.posting,
        fingerprint=row.fingerprint,
        version=row.version,
        how=row.how,
        attached=row.attached,
        at=instant(row.at),
    )
