"""Polling: what changed in Xero is read every few minutes while a worker lives, and everything once a day.

It is the base; webhooks only make it quicker. Reading twice what didn't change changes nothing.
"""

import datetime as dt

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.work import PlanState
from xerotui.store import Db, Ledger, TenantDoc
from xerotui.sync.ports import Ports
from xerotui.sync.pull import TENANT_KINDS, pull_tenant

# What people change in Xero and wait for; the rest is read by the daily walk and before each plan. Two calls every
# quarter of an hour are a fifth of the smallest day's allowance.
POLLED = (Kind.CUSTOMER, Kind.INVOICE)
# Some changes aren't told by Xero's own time (xero-api section 6.4): a whole walk a day finds them.
WALK = dt.timedelta(days=1)
_POLL, _WALK = "poll:", "walk:"


class Due(msgspec.Struct, frozen=True):
    """An organisation that is to be read; `whole` where everything is."""

    tenant: str
    whole: bool


async def due(ports: Ports) -> list[Due]:
    """Organisations whose time has come (world time), a walk before a poll.

    Left out are those that nobody has read yet (a person begins), those not connected, and those that a run is
    writing to, which reads back at its end.
    """
    db = await ports.book.read()
    documents = [t for t in db.tenants() if t.connection and t.poll_minutes > 0]
    if not documents:
        return []
    saved = {x.id for x in db.xeros() if x.saved}
    ledger = ports.ledger
    now = ports.clock.now()
    found: list[Due] = []
    first: list[str] = []
    async with ledger.read() as tx:
        busy = {t for plan in await ledger.plans.list(tx, 20, states=(PlanState.APPLYING,)) for t in plan.tenants}
        cursors = [c for c in await ledger.snapshots.cursors(tx) if c.side is Side.XERO]
        for document in documents:
            tenant = document.tenant
            read = [c.at for c in cursors if c.connection == tenant and c.kind in POLLED]
            if not read or document.connection not in saved or tenant in busy:
                continue
            last = max([min(read), *_moment(await ledger.marks.get(tx, _POLL + tenant))])
            walked = _moment(await ledger.marks.get(tx, _WALK + tenant))
            if not walked:
                first.append(tenant)
            elif now - walked[0] >= WALK:
                found.append(Due(tenant, True))
                continue
            if now - last >= _every(document):
                found.append(Due(tenant, False))
    if first:
        # The first reading was whole: the day begins now.
        async with ledger.write() as tx:
            for tenant in first:
                await ledger.marks.set(tx, _WALK + tenant, now.isoformat())
    return sorted(found, key=lambda one: not one.whole)


async def poll(ports: Ports, one: Due) -> None:
    """Read one organisation. Raises SyncError when Xero can't be read."""
    began = ports.clock.now().isoformat()
    await pull_tenant(ports, one.tenant, TENANT_KINDS if one.whole else POLLED, whole=one.whole)
    async with ports.ledger.write() as tx:
        await ports.ledger.marks.set(tx, _POLL + one.tenant, began)
        if one.whole:
            await ports.ledger.marks.set(tx, _WALK + one.tenant, began)


class PolledRow(msgspec.Struct, frozen=True):
    """How an organisation is polled: every so many minutes (0 = never), when last read, when last read whole."""

    tenant: str
    name: str
    minutes: int
    last: dt.datetime | None
    walked: dt.datetime | None


async def polled(ledger: Ledger, db: Db) -> tuple[PolledRow, ...]:
    """How each connected organisation is polled, by name; instants are world time."""
    rows: list[PolledRow] = []
    async with ledger.read() as tx:
        cursors = [c for c in await ledger.snapshots.cursors(tx) if c.side is Side.XERO and c.kind in POLLED]
        for document in db.tenants():
            if not document.connection:
                continue
            read = [c.at for c in cursors if c.connection == document.tenant]
            last = _moment(await ledger.marks.get(tx, _POLL + document.tenant))
            walked = _moment(await ledger.marks.get(tx, _WALK + document.tenant))
            rows.append(
                PolledRow(
                    document.tenant,
                    document.name,
                    document.poll_minutes,
                    max([min(read), *last]) if read else None,
                    walked[0] if walked else None,
                )
            )
    return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.tenant)))


def _every(document: TenantDoc) -> dt.timedelta:
    return dt.timedelta(minutes=document.poll_minutes)


def _moment(text: str) -> list[dt.datetime]:
    return [dt.datetime.fromisoformat(text)] if text else []
