"""Reading both sides into snapshots: a source by its cursors, a tenant by what was modified since."""

import datetime as dt
from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.problems import CORE, Problem, RecordRef, SyncError
from xerotui.model.records import SHAPE, Record
from xerotui.source.contract import Page, Source, SourceLocked, SourceRefused, SourceUnreachable
from xerotui.store import Tx
from xerotui.sync import unreadable
from xerotui.sync.ports import Ports
from xerotui.xero.client import TenantClient

# xero-api section 6.4: the watermark goes back by a few minutes, because some changes land late.
OVERLAP = dt.timedelta(minutes=3)
# What is read of a tenant unless something else is asked for.
TENANT_KINDS = (Kind.CUSTOMER, Kind.ITEM, Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PURCHASE_ORDER)
# What mappings are made to and documents are checked with; read together, so that they have one age.
REFERENCE = (
    Kind.ACCOUNT,
    Kind.TAX_RATE,
    Kind.TRACKING,
    Kind.BRANDING_THEME,
    Kind.CURRENCY,
    Kind.REPEATING_INVOICE,
)
# What a command ends with when a side can't be had: "not connected" of the command line.
NO_WAY = 3
# Stands for all records of a kind where a problem names one.
WHOLE_LIST = "*"
# Begins the ledger's mark of what a source connection's plugin failed with last.
FAILED = "source.failed:"


def words(error: Exception, who: str) -> SyncError:
    """A side's failure as a sentence with a remedy; `core.plugin` where it is the plugin that failed."""
    if isinstance(error, SyncError):
        return error
    if isinstance(error, SourceLocked):
        code, sentence, remedy = "core.login", str(error) or f"{who} refuses the login", "Connect it again on Tenants."
    elif isinstance(error, SourceUnreachable):
        code, sentence = "core.unreachable", f"{who} can't be reached: {error.said}"
        remedy = "Check address and network, then retry."
    elif isinstance(error, SourceRefused):
        code, sentence, remedy = "core.source_refused", f"{who} refuses: {error.said}", "See `xerotui doctor`."
    else:
        code, sentence = "core.plugin", f"{who} failed ({type(error).__name__})"
        remedy = "See Plugins and `xerotui doctor`."
    return SyncError(sentence, remedy, code=code, exit_code=NO_WAY)


async def pull_source(ports: Ports, connection: str, kinds: Sequence[Kind] = ()) -> dict[Kind, int]:
    """Stream what changed at a source since its cursors; records and cursor go into one transaction.

    Returns the number of changed records by kind. Raises SyncError when the source fails; what was read by then
    stays.
    """
    try:
        changed = await _pull_kinds(ports, connection, kinds)
    except SyncError as error:
        await _failed(ports, connection, error.sentence if error.code == "core.plugin" else "")
        raise
    await _failed(ports, connection, "")
    return changed


async def _failed(ports: Ports, connection: str, sentence: str) -> None:
    """Keep what the source's plugin failed with last; blank when it goes again."""
    name = FAILED + connection
    async with ports.ledger.read() as tx:
        kept = await ports.ledger.marks.get(tx, name)
    if kept != sentence:
        async with ports.ledger.write() as tx:
            await ports.ledger.marks.set(tx, name, sentence)


async def _pull_kinds(ports: Ports, connection: str, kinds: Sequence[Kind]) -> dict[Kind, int]:
    # Before the source is made, once for all kinds: settings saved meanwhile then have a mark that nothing read by.
    mark = await _mark(ports, connection)
    source = await ports.source(connection)
    changed: dict[Kind, int] = {}
    try:
        for kind in kinds or source.kinds:
            changed[kind] = await _pull_kind(ports, source, connection, kind, mark)
        if not kinds:
            await _pull_choices(ports, source, connection)
    except SyncError:
        raise
    except Exception as error:
        ports.log.warning("source failed", connection=connection, error=type(error).__name__)
        raise words(error, source.title) from None
    return changed


async def _pull_kind(ports: Ports, source: Source, connection: str, kind: Kind, mark: str) -> int:
    ledger = ports.ledger
    async with ledger.read() as tx:
        shape, _, cursor = (await ledger.snapshots.get_cursor(tx, Side.SOURCE, connection, kind)).partition(" ")
    if shape != mark:
        # What was stored in another shape isn't seen any more: it is read again from the beginning.
        cursor = ""
    count = 0
    async for page in source.pages(kind, cursor):
        now = ports.clock.now()
        async with ledger.write() as tx:
            by_kind: dict[Kind, list[Record]] = {}
            for record in page.records:
                by_kind.setdefault(record.kind, []).append(record)
            for records in by_kind.values():
                count += len(await ledger.snapshots.put(tx, Side.SOURCE, connection, records, now))
            if page.gone:
                await ledger.snapshots.gone(tx, Side.SOURCE, connection, kind, page.gone, now)
            if page.cursor:
                await ledger.snapshots.set_cursor(tx, Side.SOURCE, connection, kind, f"{mark} {page.cursor}", now)
            await _unreadable(ports, tx, connection, kind, page)
    return count


async def _mark(ports: Ports, connection: str) -> str:
    """The shape of records and a digest of the settings that they were read by: other settings read other records."""
    document = (await ports.book.read()).source(connection)
    settings = sorted(document.settings.items()) if document is not None else []
    return f"{SHAPE}.{sha256(repr(settings).encode()).hexdigest()[:12]}"


async def _unreadable(ports: Ports, tx: Tx, connection: str, kind: Kind, page: Page) -> None:
    """Records that can't be read are problems, and what was known of them before no longer counts.

    So is a listing that came incomplete, until one comes whole.
    """
    if not page.skipped and not page.records and not page.cursor:
        return
    ids = [id for id, _ in page.skipped]
    problems = [
        Problem(
            code="core.unreadable",
            subject=f"{kind}:{id}",
            record=RecordRef(connection=connection, kind=kind, id=id, title=id),
            sentence=f"{kind.label.capitalize()} {id[:60]} can't be read: {reason[:200]}",
            remedy=CORE["core.unreadable"].remedy,
        )
        for id, reason in page.skipped
    ]
    if page.trouble:
        problems.append(_incomplete(connection, kind, page.trouble))
    lists = [WHOLE_LIST] if page.cursor else []
    read = [r.id for r in page.records if r.kind is kind]
    await ports.ledger.problems.replace(tx, connection, "", kind, [*ids, *read, *lists], problems, phase="read")
    if ids:
        await ports.ledger.snapshots.gone(tx, Side.SOURCE, connection, kind, ids, ports.clock.now())


def _incomplete(connection: str, kind: Kind, words: str) -> Problem:
    return Problem(
        code="core.list_incomplete",
        subject=f"list:{kind}",
        record=RecordRef(connection=connection, kind=kind, id=WHOLE_LIST, title=f"all {kind.plural}"),
        sentence=f"The list of {kind.plural} came incomplete: {words[:200]}.",
        remedy=CORE["core.list_incomplete"].remedy,
        blocks=False,
    )


async def _pull_choices(ports: Ports, source: Source, connection: str) -> None:
    """The source values of its own mapping specs, and its item groups, kept as records named `spec:value`."""
    groups = (source.can.item_groups,) if source.can.item_groups else ()
    for spec in (*(spec.id for spec in source.specs), *groups):
        records = [
            msgspec.structs.replace(r, kind=Kind.CHOICE, id=f"{spec}:{r.id}") for r in await source.choices(spec)
        ]
        async with ports.ledger.write() as tx:
            await ports.ledger.snapshots.put(tx, Side.SOURCE, connection, records, ports.clock.now())


async def pull_reference(ports: Ports, tenant: str, fresh: dt.timedelta = dt.timedelta(0)) -> None:
    """Organisation, accounts, tax rates, tracking, themes, currencies, repeating invoices: short lists, always whole.

    What is no longer listed is marked gone: deleted accounts and options vanish from Xero's lists (xero-api 6.4).
    Nothing is read when the last reading is younger than `fresh` of world time; the organisation, whose lock dates
    decide, always is.
    """
    client = await ports.xero(tenant)
    organisation = await client.organisation()
    lists: dict[Kind, Sequence[Record]] = {}
    if not await _young(ports, tenant, fresh):
        lists = {
            Kind.ACCOUNT: await client.accounts(),
            Kind.TAX_RATE: await client.tax_rates(),
            Kind.TRACKING: await client.tracking(),
            Kind.BRANDING_THEME: await client.themes(),
            Kind.CURRENCY: await client.currencies(),
            Kind.REPEATING_INVOICE: await client.repeating_invoices(),
        }
    now = ports.clock.now()
    async with ports.ledger.write() as tx:
        await ports.ledger.snapshots.put_organisation(tx, tenant, organisation, now)
        for kind, records in lists.items():
            before = await ports.ledger.snapshots.fingerprints(tx, Side.XERO, tenant, kind)
            await ports.ledger.snapshots.put(tx, Side.XERO, tenant, records, now)
            await _vanished(ports, tx, tenant, kind, set(before) - {r.id for r in records}, now)


async def _young(ports: Ports, tenant: str, fresh: dt.timedelta) -> bool:
    """Whether all of the reference data was read by this shape within `fresh` of world time, and not in the future."""
    now = ports.clock.now()
    for kind in REFERENCE:
        async with ports.ledger.read() as tx:
            read = _until(await ports.ledger.snapshots.get_cursor(tx, Side.XERO, tenant, kind))
        if read is None or not dt.timedelta(0) <= now - read < fresh:
            return False
    return True


async def _vanished(ports: Ports, tx: Tx, tenant: str, kind: Kind, ids: Iterable[str], now: dt.datetime) -> None:
    """End the reading of a whole list: what it no longer has is gone, and its age begins."""
    if vanished := sorted(ids):
        await ports.ledger.snapshots.gone(tx, Side.XERO, tenant, kind, vanished, now)
    await ports.ledger.snapshots.set_cursor(tx, Side.XERO, tenant, kind, _cursor(now), now)


def _cursor(moment: dt.datetime) -> str:
    """A watermark with the shape of what was stored up to it: another shape is read again from the beginning."""
    return f"{SHAPE} {moment.isoformat()}"


def _until(cursor: str) -> dt.datetime | None:
    shape, _, moment = cursor.partition(" ")
    return dt.datetime.fromisoformat(moment) if shape == str(SHAPE) and moment else None


async def pull_tenant(
    ports: Ports,
    tenant: str,
    kinds: Sequence[Kind] = TENANT_KINDS,
    *,
    whole: bool = False,
) -> None:
    """What changed in a tenant since the last read, with overlap; items whole, because deleted ones vanish.

    With `whole` everything is read, also what changed without Xero's saying so (xero-api section 6.4).
    """
    client = await ports.xero(tenant)
    for kind in kinds:
        if kind is Kind.ITEM:
            await _pull_items(ports, client, tenant)
        else:
            await _pull_walk(ports, client, tenant, kind, whole=whole)


async def _pull_items(ports: Ports, client: TenantClient, tenant: str) -> None:
    snapshots = ports.ledger.snapshots
    async with ports.ledger.read() as tx:
        left = set(await snapshots.fingerprints(tx, Side.XERO, tenant, Kind.ITEM))
    async for records in client.items():
        left -= {r.id for r in records}
        async with ports.ledger.write() as tx:
            await snapshots.put(tx, Side.XERO, tenant, records, ports.clock.now())
    async with ports.ledger.write() as tx:
        await _vanished(ports, tx, tenant, Kind.ITEM, left, ports.clock.now())


async def _pull_walk(ports: Ports, client: TenantClient, tenant: str, kind: Kind, *, whole: bool) -> None:
    snapshots = ports.ledger.snapshots
    async with ports.ledger.read() as tx:
        since = _until(await snapshots.get_cursor(tx, Side.XERO, tenant, kind))
    walk = client.walk(kind, None if whole else since)
    async for records in walk:
        # Mostly nothing has changed.
        if records:
            async with ports.ledger.write() as tx:
                await snapshots.put(tx, Side.XERO, tenant, records, ports.clock.now())
    await unreadable.keep(ports, tenant, walk)
    # Xero's own time as the walk began, never ours, and never that of what was read: a clock that runs fast, or a
    # change to a page already read, would stay unread for good.
    until = max([t for t in (since, walk.began and walk.began - OVERLAP) if t], default=None)
    if until is not None:
        async with ports.ledger.write() as tx:
            await snapshots.set_cursor(tx, Side.XERO, tenant, kind, _cursor(until), ports.clock.now())


__all__ = ["FAILED", "REFERENCE", "TENANT_KINDS", "pull_reference", "pull_source", "pull_tenant", "words"]
