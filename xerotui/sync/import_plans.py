"""Plans of imports: what each kind's import reads, drafts and stores."""

from collections.abc import Mapping

from msgspec.json import decode as json_decode
from msgspec.json import encode as json_encode

from xerotui.model.kinds import Kind
from xerotui.model.problems import SyncError
from xerotui.model.work import Plan, PlanKind, Verb
from xerotui.sync import generating, import_taxes, promising
from xerotui.sync import pair as pairs
from xerotui.sync.importing import IMPORTABLE, draft_import
from xerotui.sync.pair import PairData
from xerotui.sync.plan import Draft, new_id
from xerotui.sync.planning import Progress, quiet, read_sides, store_plan
from xerotui.sync.ports import Ports
from xerotui.sync.promising import Promised
from xerotui.sync.pull import pull_reference, pull_source

# An import's options as a plan keeps them: `kind`, for items `group`, for tax rates `clean_up` ("1"). With `numbers`
# ("1") nothing is imported: records without a number get those `given`, by id as JSON; `every` asks for all of them.
Options = Mapping[str, str]
KINDS = (*IMPORTABLE, Kind.TAX_RATE)


def kind_of(options: Options) -> Kind:
    """The kind that is imported.

    Raises SyncError for one that can't be.
    """
    try:
        kind = Kind(options.get("kind", ""))
    except ValueError:
        raise SyncError(
            f"There is no kind {options.get('kind', '')}", "Use tax_rate, customer, supplier or item."
        ) from None
    if kind not in KINDS:
        raise SyncError(
            f"{kind.plural.capitalize()} can't be imported", "Tax rates, customers, suppliers and items can."
        )
    return kind


async def read(ports: Ports, connection: str, tenant: str, options: Options, progress: Progress) -> None:
    """Bring up to date what the import is worked out from; a clean-up needs all that may use a rate."""
    kind = kind_of(options)
    if options.get("numbers"):
        # Whether a record is billed is part of it.
        await read_sides(ports, connection, (tenant,), progress)
        return
    if kind is not Kind.TAX_RATE:
        await read_sides(ports, connection, (tenant,), progress, kind=kind)
        return
    await progress(f"reading {connection}")
    await pull_source(ports, connection, () if options.get("clean_up") else (kind,))
    await progress("reading Xero's tax rates")
    await pull_reference(ports, tenant)


async def draft(ports: Ports, data: PairData, options: Options, plan: str, promised: Promised | None = None) -> Draft:
    """The import drafted from the snapshots as they are; a clean-up also asks the source what uses its rates.

    Numbers that other plans `promised` are given to nothing of this one.
    """
    kind = kind_of(options)
    if options.get("numbers"):
        given = json_decode(options.get("given", "{}"), type=dict[str, str])
        return generating.draft(data, kind, plan, given, promised)
    source = await ports.source(data.connection)
    verb = Verb.HAND_OVER if source.can.hands_over(kind) else Verb.CREATE
    if kind is not Kind.TAX_RATE:
        return draft_import(data, kind, plan, options.get("group", ""), verb)
    if not options.get("clean_up"):
        return import_taxes.draft_taxes(data, plan, verb=verb)
    if not import_taxes.cleans(source):
        raise SyncError(f"{source.title} lets no tax rates be removed", "Remove them there by hand.")
    return import_taxes.draft_taxes(data, plan, await import_taxes.used(ports, source, data), verb)


async def make_import(
    ports: Ports,
    connection: str,
    tenant: str,
    options: Options,
    actor: str,
    progress: Progress = quiet,
    *,
    fresh: bool = True,
) -> Plan:
    """An import plan: what Xero has of a kind, linked with, created in or handed over to the source.

    Both sides are read anew if `fresh`. Raises SyncError for a kind or group that the source doesn't take.
    """
    kind = kind_of(options)
    source = await ports.source(connection)
    if options.get("numbers"):
        generating.check(source, kind)
    elif not (source.can.creates(kind) or source.can.hands_over(kind)):
        remedy = source.can.closed or "Create them there by hand."
        raise SyncError(f"{source.title} can't take {kind.plural}", f"{remedy} The next plan links them.")
    if fresh:
        await read(ports, connection, tenant, options, progress)
    await progress("working out the import")
    data = await pairs.load(ports, connection, tenant)
    promised: Promised | None = None
    kept = {name: value for name, value in options.items() if value and name in ("kind", "group", "clean_up")}
    if options.get("numbers"):
        promised = await _promised(ports, data)
        given = await generating.numbers(ports, data, kind, every=bool(options.get("every")), promised=promised)
        kept |= {"numbers": "1", "given": json_encode(given).decode()}
    if kept.get("group"):
        kept["group"] = _group(data, source.can.item_groups, kept["group"])
    id = new_id("plan")
    drafted = await draft(ports, data, kept, id, promised)
    if not kept.get("numbers"):
        await _problems(ports, data, kind, drafted)
    title = f"Import {kind.plural} from {data.organisation.name}"
    if kept.get("numbers"):
        title = f"{'Codes' if kind is Kind.ITEM else 'Numbers'} for {kind.plural} of {data.organisation.name}"
    if kept.get("clean_up"):
        title += ", with clean-up"
    return await store_plan(ports, drafted, PlanKind.IMPORT, connection, (tenant,), actor, title, options=kept)


async def _promised(ports: Ports, data: PairData) -> Promised:
    """What other plans hold: every number, and the records that are getting one.

    A record whose number only waits for approval in another plan gets one here as well, for a person asks for it:
    whichever of the two is approved first goes.
    """
    promised = await promising.held(ports, data.connection, beside=data.tenant)
    promised.records = (await promising.held(ports, data.connection)).records
    return promised


def _group(data: PairData, spec: str, wanted: str) -> str:
    """The name of an item group, as records have it, given by id or name; the id where two share the name."""
    groups = {id: choice.name for (of, id), choice in data.choices.items() if spec and of == spec}
    for id, name in groups.items():
        if wanted == id or wanted.strip().casefold() == name.strip().casefold():
            return name if list(groups.values()).count(name) == 1 else id
    known = ", ".join(sorted(groups.values())[:12]) or "none was read yet"
    raise SyncError(f"The source has no item group {wanted[:60]}", f"It has: {known}.", exit_code=4)


async def _problems(ports: Ports, data: PairData, kind: Kind, drafted: Draft) -> None:
    if kind is Kind.TAX_RATE:
        return
    ids = [f"xero:{c.id}" for c in data.contacts.by_id.values()] if kind is not Kind.ITEM else []
    ids = ids or [f"xero:{i.id}" for i in data.xero_items.values()]
    async with ports.ledger.write() as tx:
        await ports.ledger.problems.replace(
            tx, data.connection, data.tenant, kind, ids, drafted.problems, phase="import"
        )


__all__ = ["KINDS", "Options", "draft", "kind_of", "make_import", "read"]
