"""Making plans from what both sides say now: read, load, resolve, draft, store. Follow-ups are plans as well."""

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import msgspec

from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind, Side
from xerotui.model.postings import encode
from xerotui.model.problems import Problem, RecordRef, SyncError
from xerotui.model.records import Document, fingerprint
from xerotui.model.work import OPEN, Link, Operation, Plan, PlanKind, PlanState, State, Verb
from xerotui.store import Tx
from xerotui.sync import (
    adoption,
    archiving,
    back,
    charting,
    crediting,
    drift,
    generating,
    native,
    owning,
    promising,
    removing,
    repeating,
)
from xerotui.sync import pair as pairs
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData
from xerotui.sync.plan import Draft, draft_sync, finish, new_id, xero_lane
from xerotui.sync.ports import Ports
from xerotui.sync.pull import pull_reference, pull_source, pull_tenant
from xerotui.sync.resolve import Resolved, resolve_pair
from xerotui.sync.superseding import BESIDE, partial, supersede
from xerotui.sync.switched import refuse_off

Progress = Callable[[str], Awaitable[None]]


async def quiet(_: str) -> None:
    """Progress that nobody follows."""


async def tenants_of(ports: Ports, connection: str, tenant: str = "") -> tuple[str, ...]:
    """The tenants that a connection is paired with, or the one asked for.

    Raises SyncError when there is none.
    """
    db = await ports.book.read()
    document = db.source(connection)
    if document is None:
        raise SyncError(f"There is no source connection {connection}", "See `xerotui tenants`.", exit_code=3)
    refuse_off(document)
    known = ((p.tenant, db.tenant(p.tenant)) for p in db.pairs(connection))
    # What was disconnected stays paired, but nothing is asked of it.
    paired = tuple(tenant for tenant, document in known if document is not None and document.connection)
    if tenant:
        if tenant not in paired:
            raise SyncError(f"{connection} isn't paired with {tenant}", "See `xerotui tenants`.", exit_code=3)
        return (tenant,)
    if not paired:
        raise SyncError("No Xero organisation is connected", "Connect one: `xerotui connect xero`.", exit_code=3)
    return paired


async def read_sides(
    ports: Ports, connection: str, tenants: Sequence[str], progress: Progress, *, kind: Kind | None = None
) -> None:
    """Bring the snapshots of both sides up to date; of one kind alone where an import needs no more."""
    await progress(f"reading {connection}")
    await pull_source(ports, connection, (kind,) if kind else ())
    for tenant in tenants:
        await progress(f"reading Xero {await _name(ports, tenant)}")
        await pull_reference(ports, tenant, await _may_be(ports, tenant))
        if kind is None:
            await pull_tenant(ports, tenant)
        else:
            await pull_tenant(ports, tenant, (Kind.CUSTOMER if kind in PARTIES else kind,))


async def _may_be(ports: Ports, tenant: str) -> dt.timedelta:
    """How old reference data may be, by the organisation's own setting."""
    document = (await ports.book.read()).tenant(tenant)
    return dt.timedelta(minutes=document.reread_minutes if document else 0)


async def _name(ports: Ports, tenant: str) -> str:
    document = (await ports.book.read()).tenant(tenant)
    return document.name if document else tenant


async def _refused(ports: Ports, data: PairData) -> dict[tuple[Kind, str], Problem]:
    """Records that Xero refused and of which nothing has moved since, with the problem that says why."""
    ledger = ports.ledger
    async with ledger.read() as tx:
        failed = await ledger.work.find(
            tx, connection=data.connection, tenant=data.tenant, states=(State.REJECTED, State.PARKED)
        )
        problems = await ledger.problems.open(tx, connection=data.connection, tenant=data.tenant, phase="send")
    by_record = {(p.record.kind, p.record.id): p for p in problems if p.blocks}
    out: dict[tuple[Kind, str], Problem] = {}
    for o in failed:
        key = (o.kind, o.record)
        if o.side is not Side.XERO or key not in by_record:
            continue
        record = data.record(o.kind, o.record)
        if record is None or by_record[key].code == "core.period_locked":
            # A lock date may have moved; resolving looks at it itself.
            continue
        now = {f"{m.spec}:{m.value}:{m.trade}": m.revision for m in data.mappings.values()}
        same = all(now.get(k) == v for k, v in o.basis.mappings.items())
        if same and fingerprint(record) == o.basis.fingerprint:
            out[key] = by_record[key]
    return out


async def _live(ports: Ports, data: PairData) -> dict[tuple[Kind, str], str]:
    """Records with work under way on the Xero side, and the operation that does it."""
    async with ports.ledger.read() as tx:
        operations = await ports.ledger.work.find(
            tx, connection=data.connection, tenant=data.tenant, side=Side.XERO, states=OPEN
        )
    return {(o.kind, o.record): o.id for o in operations}


async def draft_pair(
    ports: Ports,
    connection: str,
    tenant: str,
    plan: str,
    vouched: Mapping[tuple[Kind, str], str] | None = None,
    promised: promising.Promised | None = None,
) -> tuple[Draft, Resolved]:
    """One pair resolved and drafted from its snapshots as they are; the `vouched` records needn't settle again.

    `promised` are the numbers that other plans and the drafts of other organisations hold; this one's are added.
    """
    data = await pairs.load(ports, connection, tenant)
    data.vouched = vouched or {}
    data.elsewhere = await adoption.elsewhere(ports, data)
    data.billed = await adoption.billed(ports, data)
    now = ports.clock.now()
    resolved = await resolve_pair(ports.registry, data, now, await _refused(ports, data))
    repeating.note(resolved, now.date())
    live = await _live(ports, data)
    leaving = removing.take_out(resolved)
    inactive = archiving.take_out(resolved, now.date())
    about = await back.known(ports, data)
    resolved.choices = about.choices
    draft = draft_sync(resolved, plan, live)
    if data.policy.history_notes:
        draft.noted.add(xero_lane(tenant))
    crediting.add(draft, resolved, await crediting.tried(ports, data), now)
    removing.add(draft, resolved, leaving, live)
    archiving.add(draft, resolved, inactive, live, now.date())
    repeating.list_in(draft, resolved)
    charting.list_in(draft, data, await charting.note(ports, data))
    await removing.note_done(ports, data, leaving)
    await back.add(ports, draft, resolved, about)
    await generating.unasked(ports, data, draft, promised or promising.Promised())
    return draft, resolved


async def _store_problems(ports: Ports, resolved: Resolved) -> None:
    """What stops or accompanies each record is now exactly what resolving said; fixed ones are closed."""
    data = resolved.data
    by_kind: dict[Kind, tuple[list[str], list[Problem]]] = {}
    for kind, id, found in resolved.findings():
        ids, problems = by_kind.setdefault(kind, ([], []))
        ids.append(id)
        # What Xero said of this very record is kept in the phase of sending; what waits for it has it here.
        problems.extend(p for p in found.problems if p is not resolved.refused.get((kind, id)))
    async with ports.ledger.write() as tx:
        for kind, (ids, problems) in by_kind.items():
            await ports.ledger.problems.replace(tx, data.connection, data.tenant, kind, ids, problems, phase="resolve")


async def _baselines(ports: Ports, resolved: Resolved) -> None:
    """Give links made by an import, which sent nothing, the posting that later changes are compared with."""
    links: list[Link] = []
    for kind, id, found in resolved.findings():
        link = resolved.data.link(kind, id)
        if link is not None and not link.posting and found.posting is not None and not found.blocked:
            held = drift.held_record(resolved.data, kind, link.xero_id)
            posting = encode(owning.adopted(found.posting, held))
            links.append(msgspec.structs.replace(link, posting=posting, version=link.version or drift.version(held)))
    if links:
        async with ports.ledger.write() as tx:
            await ports.ledger.links.put(tx, links)


def _merge(drafts: Sequence[Draft], plan: str) -> Draft:
    whole = Draft(plan)
    for draft in drafts:
        whole.operations += draft.operations
        whole.rows += draft.rows
        whole.problems += draft.problems
        whole.counts.update(draft.counts)
        whole.noted |= draft.noted
    return whole


async def make_plan(
    ports: Ports, connection: str, tenants: Sequence[str], actor: str, progress: Progress = quiet, *, read: bool = True
) -> Plan:
    """A sync plan of a source with some tenants, stored; nothing is written to either side."""
    draft = await work_out(ports, connection, tenants, progress, read=read)
    return await store_sync(ports, draft, connection, tenants, actor)


async def store_sync(
    ports: Ports, draft: Draft, connection: str, tenants: Sequence[str], actor: str, *, beside: str = ""
) -> Plan:
    """A worked out sync plan, stored; the plan `beside` it goes on waiting."""
    options = {BESIDE: beside} if beside else None
    title = f"Sync {connection}"
    return await store_plan(ports, draft, PlanKind.SYNC, connection, tuple(tenants), actor, title, options=options)


async def work_out(
    ports: Ports,
    connection: str,
    tenants: Sequence[str],
    progress: Progress = quiet,
    *,
    read: bool = True,
    seen: list[Resolved] | None = None,
) -> Draft:
    """What a sync plan would say; its problems are stored, the plan isn't. `seen` gets what each pair came to."""
    if read:
        await read_sides(ports, connection, tenants, progress)
        await removing.look(ports, connection)
        await native.look(ports, connection)
    await progress("working out the plan")
    id = new_id("plan")
    drafts = []
    promised = await promising.held(ports, connection)
    for tenant in tenants:
        draft, resolved = await draft_pair(ports, connection, tenant, id, promised=promised)
        await _store_problems(ports, resolved)
        await _baselines(ports, resolved)
        await back.keep(ports, resolved)
        drafts.append(draft)
        if seen is not None:
            seen.append(resolved)
    drafts.append(await _unclaimed(ports, connection, id))
    return _merge(drafts, id)


async def _unclaimed(ports: Ports, connection: str, plan: str) -> Draft:
    """The source's documents that belong to no organisation that is paired: listed, never left out in silence."""
    draft = Draft(plan)
    db = await ports.book.read()
    paired = {p.tenant for p in db.pairs(connection)}
    if any(p.default_tenant for p in db.pairs(connection)):
        paired.add("")
    tenants: dict[tuple[Kind, str], str] = {}
    by_kind: dict[Kind, list[str]] = {kind: [] for kind in DOCUMENTS}
    async with ports.ledger.read() as tx:
        for kind in PARTIES:
            for party in await ports.ledger.snapshots.all(tx, Side.SOURCE, connection, kind):
                tenants[(kind, party.id)] = party.tenant
        for kind in DOCUMENTS:
            party_kind = Kind.SUPPLIER if kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER
            for record in await ports.ledger.snapshots.all(tx, Side.SOURCE, connection, kind):
                if not isinstance(record, Document) or record.excluded:
                    continue
                by_kind[kind].append(record.id)
                tenant = record.tenant or tenants.get((party_kind, record.party), "")
                if tenant not in paired:
                    _unclaimed_one(draft, connection, record, tenant)
    async with ports.ledger.write() as tx:
        for kind, ids in by_kind.items():
            mine = [p for p in draft.problems if p.record.kind is kind]
            await ports.ledger.problems.replace(tx, connection, "", kind, ids, mine, phase="resolve")
    return draft


def _unclaimed_one(draft: Draft, connection: str, record: Document, tenant: str) -> None:
    found = Findings(RecordRef(connection=connection, kind=record.kind, id=record.id, title=record.number))
    if tenant:
        draft.stays(
            found, "core.excluded", f"tenant:{tenant}", "belongs to an organisation that isn't connected", record
        )
        draft.counts["skip"] += 1
        return
    party = f"{record.kind}:{record.id}"
    sentence = f"{record.kind.label.capitalize()} {record.number} names no Xero organisation, nor does its customer."
    found.problem("core.tenant_missing", party, sentence)
    draft.problems += found.problems
    draft.stays(found, "core.tenant_missing", party, sentence, record)
    draft.counts["blocked"] += 1


async def store_plan(
    ports: Ports,
    draft: Draft,
    kind: PlanKind,
    connection: str,
    tenants: tuple[str, ...],
    actor: str,
    title: str,
    follows: Plan | None = None,
    options: dict[str, str] | None = None,
) -> Plan:
    """A finished draft as a plan that waits for approval; its row, its operations and what it leaves alone."""
    plan = finish(
        draft,
        kind=kind,
        connection=connection,
        tenants=tenants,
        now=ports.clock.now(),
        actor=actor,
        title=title,
        follows=follows.id if follows else "",
        follow=bool(follows and follows.follow),
        options=options,
    )
    async with ports.ledger.write() as tx:
        await supersede(ports, tx, plan)
        await ports.ledger.plans.add(tx, plan, draft.rows)
        await ports.ledger.work.add(tx, draft.operations)
    return plan


async def follow_up(ports: Ports, connection: str, tenant: str, actor: str, *, read: bool = False) -> Plan | None:
    """Resolve a pair again after a fix: what was blocked and now can go becomes a follow-up plan (B5).

    Only records that had an open problem are taken; the rest waits for a plan of its own. None when nothing was
    released.
    """
    ledger = ports.ledger
    async with ledger.read() as tx:
        before = await ledger.problems.open(tx, connection=connection, tenant=tenant)
        last = await _continued(ports, tx, connection, tenant)
        waiting = await ledger.work.find(tx, connection=connection, tenant=tenant, states=(State.BLOCKED,))
    waited = {(p.record.kind, p.record.id) for p in before if p.blocks} | {(o.kind, o.record) for o in waiting}
    if not waited:
        return None
    if read:
        await read_sides(ports, connection, (tenant,), quiet)
    id = new_id("plan")
    # Whoever says "try again" has just mended it: waiting for it to lie still would only look broken.
    promised = await promising.held(ports, connection, beside=tenant)
    draft, resolved = await draft_pair(ports, connection, tenant, id, dict.fromkeys(waited, ""), promised)
    await _store_problems(ports, resolved)
    kept = _released(draft.operations, waited)
    if not kept:
        return None
    whole = Draft(id, operations=kept, noted=draft.noted)
    for o in kept:
        whole.counts["link" if o.verb is Verb.ATTACH else o.verb.value] += 1
    await _supersede(ports, connection, tenant)
    title = f"Follow-up of {connection}"
    return await store_plan(ports, whole, PlanKind.SYNC, connection, (tenant,), actor, title, last)


async def _continued(ports: Ports, tx: Tx, connection: str, tenant: str) -> Plan | None:
    """The plan that a follow-up of this pair continues: the newest approved sync plan, else one that waits.

    Never another follow-up, an import or a plan of a part: they list nothing as blocked, so nothing of theirs was
    approved in advance.
    """
    for states in ((PlanState.APPLYING, PlanState.DONE, PlanState.APPROVED), (PlanState.READY,)):
        for plan in await ports.ledger.plans.list(tx, 500, states=states):
            mine = plan.connection == connection and tenant in plan.tenants
            if mine and plan.kind is PlanKind.SYNC and not plan.follows and not partial(plan):
                return plan
    return None


def _released(operations: Sequence[Operation], waited: set[tuple[Kind, str]]) -> list[Operation]:
    """The operations of records that had waited, with those that they need."""
    return with_needs(operations, {o.id for o in operations if (o.kind, o.record) in waited})


def with_needs(operations: Sequence[Operation], wanted: Collection[str]) -> list[Operation]:
    """The wanted ones of these operations with all that they need of them, in their order."""
    needs = {o.id: o.needs for o in operations}
    keep: set[str] = set()
    ahead = [id for id in needs if id in wanted]
    while ahead:
        id = ahead.pop()
        keep.add(id)
        ahead += [n for n in needs[id] if n in needs and n not in keep]
    return [o for o in operations if o.id in keep]


async def _supersede(ports: Ports, connection: str, tenant: str) -> None:
    """An earlier follow-up that nobody approved is replaced, so that its records aren't planned twice."""
    ledger = ports.ledger
    async with ledger.write() as tx:
        for plan in await ledger.plans.list(tx, 20):
            stale = plan.follows and plan.state is PlanState.READY and plan.tenants == (tenant,)
            if stale and plan.connection == connection:
                await ledger.plans.set_state(tx, plan.id, PlanState.DISCARDED, frm=(PlanState.READY,))
                await ledger.work.move_plan(tx, plan.id, State.CANCELLED, frm=(State.PLANNED,))
