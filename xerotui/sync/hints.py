"""Following webhook hints: what Xero said has changed is read again, unless it was read since or is our own echo.

A hint is never believed: nothing is done because of one but reading.
"""

import datetime as dt
from collections.abc import Sequence

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.records import Record
from xerotui.store import Db, Hint, Tx
from xerotui.sync.ports import Ports
from xerotui.sync.pull import TENANT_KINDS, pull_tenant
from xerotui.xero.webhooks_read import FEW_NOTES, batches, by_ids

# The categories whose records are read by id; every other one has its pile read.
CATEGORIES = {"CONTACT": Kind.CUSTOMER, "INVOICE": Kind.INVOICE, "CREDITNOTE": Kind.CREDIT_NOTE}
# What a pile of other categories touches: money laid on invoices shows on the invoices (xero-api section 6.4).
PILES = {"PREPAYMENT": Kind.INVOICE, "OVERPAYMENT": Kind.INVOICE}
# World time that numbers an app left out are waited for: they may just be on their way.
PATIENCE = dt.timedelta(seconds=60)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# What is counted: events that told nothing new, and events that were read.
ECHOES = "echoes"
READ = "read"


async def follow(ports: Ports, tenant: str) -> bool:
    """Read what one organisation's hints are about, and take them out of the inbox; False when there were none.

    What was read is stored in the transaction that takes its hints away. Raises SyncError when Xero can't be read:
    then the rest stays.
    """
    ledger = ports.ledger
    async with ledger.read() as tx:
        waiting = await ledger.inbox.waiting(tx, tenant)
    if not waiting:
        return False
    document = (await ports.book.read()).tenant(tenant)
    if document is None or not document.connection:
        # Disconnected since: nobody may read there any more.
        async with ledger.write() as tx:
            await ledger.inbox.drop(tx, tenant)
        return True
    piles = [hint for hint in waiting if not hint.resource or hint.category not in CATEGORIES]
    if piles:
        await _read_piles(ports, tenant, piles)
    for category, kind in CATEGORIES.items():
        mine = [hint for hint in waiting if hint.resource and hint.category == category]
        if mine:
            await _read_records(ports, tenant, kind, mine)
    return True


async def _read_piles(ports: Ports, tenant: str, piles: Sequence[Hint]) -> None:
    """Read what changed of the kinds that the piles are about; a pile of no category is about all of them."""
    kinds: list[Kind] = []
    for hint in piles:
        one = CATEGORIES.get(hint.category) or PILES.get(hint.category)
        kinds += [one] if one else TENANT_KINDS
    await pull_tenant(ports, tenant, tuple(dict.fromkeys(kinds)))
    async with ports.ledger.write() as tx:
        await ports.ledger.inbox.done(tx, piles)
        await ports.ledger.inbox.count(tx, {READ: sum(hint.events for hint in piles)})


async def _read_records(ports: Ports, tenant: str, kind: Kind, hints: Sequence[Hint]) -> None:
    ledger = ports.ledger
    async with ledger.read() as tx:
        seen = await _seen(ports, tx, tenant, kind, [hint.resource for hint in hints])
    known = [hint for hint in hints if hint.at is not None and _at(hint.at) <= seen.get(hint.resource, 0)]
    if known:
        async with ledger.write() as tx:
            await ledger.inbox.done(tx, known)
            await ledger.inbox.count(tx, {ECHOES: sum(hint.events for hint in known)})
    news = [hint for hint in hints if hint not in known]
    if kind is Kind.CREDIT_NOTE and len(news) > FEW_NOTES:
        await _read_piles(ports, tenant, news)
        return
    client = await ports.xero(tenant)
    by_id = {hint.resource: hint for hint in news}
    for batch in batches(list(by_id)):
        found: list[Record] = []
        async for records in by_ids(client, kind, batch):
            found += records
        async with ledger.write() as tx:
            await ledger.snapshots.put(tx, Side.XERO, tenant, found, ports.clock.now())
            await ledger.inbox.done(tx, [by_id[id] for id in batch])
            await ledger.inbox.count(tx, {READ: sum(by_id[id].events for id in batch)})


async def _seen(ports: Ports, tx: Tx, tenant: str, kind: Kind, ids: Sequence[str]) -> dict[str, int]:
    """The newest state known of each record by Xero's own time: as last read, or as our last write was answered.

    A link's version is only as good as the answer that brought it, which is enough: that was our own doing.
    """
    found: dict[str, int] = {}
    for id, record in (await ports.ledger.snapshots.many(tx, Side.XERO, tenant, kind, ids)).items():
        if record.modified is not None:
            found[id] = _at(record.modified)
    kinds = PARTIES if kind in PARTIES else (kind,)
    for source in (await ports.book.read()).sources():
        for one in kinds:
            for id, link in (await ports.ledger.links.by_xero(tx, source.id, tenant, one, ids)).items():
                if link.version:
                    found[id] = max(found.get(id, 0), _at(dt.datetime.fromisoformat(link.version)))
    return found


def _at(moment: dt.datetime) -> int:
    """Whole milliseconds, the fineness that Xero tells instants in."""
    return (moment - _EPOCH) // dt.timedelta(milliseconds=1)


async def heap_up_gaps(ports: Ports) -> bool:
    """Where an app left events out for good, let everything that its organisations changed be read."""
    ledger = ports.ledger
    async with ledger.read() as tx:
        apps = await ledger.inbox.gaps(tx, ports.clock.now() - PATIENCE)
    if not apps:
        return False
    db = await ports.book.read()
    async with ledger.write() as tx:
        for app in apps:
            await ledger.inbox.add(tx, [Hint(tenant=tenant, category="") for tenant in told_by(db, app)])
            await ledger.inbox.mended(tx, app)
            await ledger.inbox.count(tx, {"gaps": 1})
    return True


def told_by(db: Db, connection: str) -> tuple[str, ...]:
    """The organisations of which the app of a Xero connection may tell: all that any login of that app reaches."""
    known = db.xero(connection)
    client = known.settings.get("client_id") if known is not None else None
    logins = {x.id for x in db.xeros() if client and x.saved and x.settings.get("client_id") == client}
    return tuple(t.tenant for t in db.tenants() if t.connection in logins)
