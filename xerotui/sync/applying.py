"""Approval and its consequences: the plan is checked against the world as it is now, then its run begins."""

import datetime as dt
from collections.abc import Collection, Sequence

import msgspec

from xerotui.model.kinds import Side
from xerotui.model.postings import DocumentPosting, decode
from xerotui.model.problems import SyncError
from xerotui.model.work import FAILED, Link, Operation, Plan, PlanKind, PlanState, Run, State, Verb
from xerotui.store import Tx
from xerotui.sync import backing, demand, import_plans, native, promising
from xerotui.sync import pair as pairs
from xerotui.sync.plan import Draft, finish, new_id, plan_hash
from xerotui.sync.planning import Progress, draft_pair, make_plan, quiet, read_sides
from xerotui.sync.ports import Ports, refuse_read_only
from xerotui.sync.removing import approved, prove_again, removes
from xerotui.sync.settle import APART, tell
from xerotui.sync.superseding import partial


class Stale(SyncError):
    """The world moved on since the plan was made; `moved` names what, `offer` is the new plan."""

    def __init__(self, moved: Sequence[str], offer: str) -> None:
        first = "; ".join(moved[:3]) + ("…" if len(moved) > 3 else "")
        super().__init__(
            f"The plan is out of date: {first}", f"Look at the new plan {offer}.", code="core.stale", exit_code=4
        )
        self.moved = tuple(moved)
        self.offer = offer


async def _planned(ports: Ports, plan: Plan) -> list[Operation]:
    async with ports.ledger.read() as tx:
        return await ports.ledger.work.find(tx, plan=plan.id, states=(State.PLANNED,))


async def _redraft(ports: Ports, plan: Plan, operations: Sequence[Operation]) -> list[Operation]:
    """What the same plan would say of the same records if it were made now."""
    found: list[Operation] = []
    promised = await promising.held(ports, plan.connection, anew=operations)
    for tenant in plan.tenants:
        if plan.kind is PlanKind.IMPORT:
            data = await pairs.load(ports, plan.connection, tenant)
            draft: Draft = await import_plans.draft(ports, data, plan.options, plan.id, promised)
        else:
            # What was ready when it was planned is so until it changes.
            vouched = {(o.kind, o.record): o.basis.fingerprint for o in operations if o.tenant == tenant}
            draft, _ = await draft_pair(ports, plan.connection, tenant, plan.id, vouched, promised)
        found += draft.operations
    # What is new since then is no part of this plan and no reason to refuse it.
    key = _exactly if partial(plan) else _key
    mine = {key(o) for o in operations}
    return [o for o in found if key(o) in mine]


def _key(operation: Operation) -> tuple[str, ...]:
    """What a plan says one thing of: a record, on the side that is written to; what is made beside it is apart."""
    beside = operation.verb.value if operation.verb in APART else ""
    return (operation.side, operation.kind, operation.record, operation.tenant, beside)


def _exactly(operation: Operation) -> tuple[str, ...]:
    """The same with the verb: of a record, a plan of a part may hold its link and not its change."""
    return (*_key(operation), operation.verb)


def what_moved(before: Sequence[Operation], now: Sequence[Operation]) -> list[str]:
    """The records whose intended effect or basis differs, in words."""
    old = {_key(o): o for o in before}
    new = {_key(o): o for o in now}
    moved = []
    for key, o in old.items():
        fresh = new.get(key)
        label = f"{o.kind.label} {o.title}"
        if fresh is None:
            moved.append(f"{label} can't or needn't go any more")
        elif fresh.basis.fingerprint != o.basis.fingerprint:
            moved.append(f"{label} changed at the source")
        elif fresh.basis.mappings != o.basis.mappings:
            moved.append(f"a mapping of {label} changed")
        elif fresh.basis.overrides != o.basis.overrides:
            moved.append(f"what is chosen for {label} changed")
        elif (fresh.verb, fresh.target, fresh.basis, fresh.body) != (o.verb, o.target, o.basis, o.body):
            moved.append(f"{label} changed in Xero")
    return moved


async def _check(ports: Ports, plan: Plan, hash: str) -> None:
    if plan.state is not PlanState.READY:
        raise SyncError(f"The plan is {plan.state.value}", "Make a new plan.", code="core.stale", exit_code=4)
    if hash and hash != plan.hash:
        raise SyncError("The plan is another one than the one that was seen", "Look at it again.", exit_code=4)
    if ports.clock.now() > plan.expires:
        async with ports.ledger.write() as tx:
            await ports.ledger.plans.set_state(tx, plan.id, PlanState.EXPIRED)
            await ports.ledger.work.move_plan(tx, plan.id, State.CANCELLED, frm=(State.PLANNED,))
        raise SyncError("The plan has expired", "Make a new plan.", code="core.stale", exit_code=4)


async def _offer(ports: Ports, plan: Plan, actor: str) -> str:
    if plan.kind is PlanKind.IMPORT:
        made = await import_plans.make_import(
            ports, plan.connection, plan.tenants[0], plan.options, actor, fresh=False
        )  # fmt: skip
        return made.id
    if plan.options.get(backing.OPTION):
        return (await backing.make_back(ports, plan.connection, plan.tenants, actor)).id
    if (chosen := await demand.again(ports, plan, actor)) is not None:
        return chosen.id
    return (await make_plan(ports, plan.connection, plan.tenants, actor, read=False)).id


async def apply(
    ports: Ports,
    plan_id: str,
    hash: str,
    actor: str,
    *,
    follow: bool = False,
    removals: str = "",
    only: Collection[str] = (),
    progress: Progress = quiet,
) -> Run:
    """Approve a plan and begin its run; the lanes do the rest.

    Of an import `only` names the operations that go, where not all do: the rest is left out.
    `removals` is the reason for which what it would void or delete goes as well: without one these operations wait in
    a plan of their own. Raises Stale when anything it rests on moved, with the new plan that is offered instead;
    SyncError when it is unknown, expired, or no longer waiting.
    """
    async with ports.ledger.read() as tx:
        plan = await ports.ledger.plans.get(tx, plan_id)
        running = await ports.ledger.runs.of_plan(tx, plan_id)
    if plan is None:
        raise SyncError(f"There is no plan {plan_id}", "See the latest one: xerotui plan --show.", exit_code=1)
    if running is not None:
        # Asked twice, or a worker was killed between beginning and saying so: the run is the answer.
        return running
    await _check(ports, plan, hash)
    if follow:
        demand.refuse_follow(plan)
    if plan.kind is PlanKind.SYNC:
        await refuse_read_only(ports, plan.tenants)
    operations = await _planned(ports, plan)
    _asks_reason(operations, removals)
    _chosen(plan, operations, only)
    if plan.kind is PlanKind.IMPORT:
        await import_plans.read(ports, plan.connection, plan.tenants[0], plan.options, progress)
    else:
        await read_sides(ports, plan.connection, plan.tenants, progress)
    await prove_again(ports, operations)
    if plan.kind is PlanKind.SYNC:
        await native.look(ports, plan.connection)
        await native.refuse(ports, plan.connection, operations)
    await progress("checking that nothing moved")
    now = await _redraft(ports, plan, operations)
    if plan_hash(now) != plan_hash(operations):
        moved = what_moved(operations, now) or ["the order of things changed"]
        async with ports.ledger.write() as tx:
            await ports.ledger.plans.set_state(tx, plan.id, PlanState.REFUSED, moved=tuple(moved[:50]))
            await ports.ledger.work.move_plan(tx, plan.id, State.CANCELLED, frm=(State.PLANNED,))
        raise Stale(moved, await _offer(ports, plan, actor))
    return await begin(ports, plan, operations, actor, follow=follow, removals=removals, only=only)


def _chosen(plan: Plan, operations: Sequence[Operation], only: Collection[str]) -> list[Operation]:
    """The operations that a person leaves out of an import.

    Raises SyncError when none is left, or for a plan whose operations belong together.
    """
    if not only:
        return []
    if plan.kind is not PlanKind.IMPORT:
        raise SyncError("Only an import goes row by row", "Approve the whole plan.", exit_code=4)
    out = [o for o in operations if o.id not in only]
    if len(out) == len(operations):
        raise SyncError(
            "None of the chosen rows is in this plan", "Choose among its rows: --rows lists them.", exit_code=4
        )
    return out


def _asks_reason(operations: Sequence[Operation], reason: str) -> None:
    """A plan of nothing but removals can't go without a reason.

    Raises SyncError.
    """
    if operations and not reason and all(removes(o) for o in operations):
        raise SyncError(
            "This plan only removes documents, which needs a reason",
            "Approve it with the reason: xerotui apply PLAN --removals --reason TEXT.",
            code="core.reason_missing",
            exit_code=4,
        )


def _apart(plan: Plan, operations: Sequence[Operation], now: dt.datetime) -> tuple[Plan, list[Operation]]:
    """A plan of their own for removals that nobody gave a reason for, so that they wait on."""
    draft = Draft(new_id("plan"))
    for o in operations:
        draft.operations.append(msgspec.structs.replace(o, id=new_id("op"), plan=draft.plan))
        draft.counts[o.verb.value] += 1
    made = finish(
        draft,
        kind=plan.kind,
        connection=plan.connection,
        tenants=plan.tenants,
        # A moment later, so that it is the newer one of the two.
        now=now + dt.timedelta(microseconds=1),
        actor=plan.actor,
        title=f"Removals of {plan.connection}",
    )
    return made, draft.operations


async def begin(
    ports: Ports,
    plan: Plan,
    operations: Sequence[Operation],
    actor: str,
    *,
    follow: bool,
    removals: str = "",
    only: Collection[str] = (),
) -> Run:
    """Turn the planned operations loose in one transaction: states, adopted links, run, audit.

    Removals go only where there is a reason for them. Raises SyncError when the plan doesn't wait any more: discarded
    or replaced while it was checked.
    """
    ledger = ports.ledger
    now = ports.clock.now()
    leaving = [o for o in operations if removes(o)]
    held = leaving if not removals else []
    out = _chosen(plan, operations, only)
    operations = [o for o in operations if o not in held and o not in out]
    run = Run(id=new_id("run"), plan=plan.id, kind=plan.kind, started=now, total=len(operations))
    attaching = await ports.keeps_links(plan.connection)
    async with ledger.write() as tx:
        if not await ledger.plans.set_state(
            tx, plan.id, PlanState.APPLYING, frm=(PlanState.READY,), actor=actor, follow=follow or plan.follow
        ):
            raise SyncError(
                "The plan doesn't wait for approval any more", "Make a new plan.", code="core.stale", exit_code=4
            )
        await ledger.work.move(tx, [o.id for o in out], State.CANCELLED, frm=(State.PLANNED,), error="left out")
        if held:
            apart, again = _apart(plan, held, now)
            await ledger.work.move(tx, [o.id for o in held], State.CANCELLED, error=f"waits in {apart.id}")
            await ledger.plans.add(tx, apart)
            await ledger.work.add(tx, again)
        elif leaving:
            await approved(ports, tx, leaving, actor, removals)
        await _replace_earlier(ports, tx, operations)
        await ledger.work.move(tx, [o.id for o in operations], State.APPROVED, frm=(State.PLANNED,))
        await _adopt(ports, tx, [o for o in operations if o.verb is Verb.ATTACH], attaching)
        await ledger.runs.start(tx, run)
        detail = {"plan": plan.id, "hash": plan.hash, "operations": str(len(operations)), "follow": str(follow)}
        if leaving and removals:
            detail |= {"removals": str(len(leaving)), "reason": removals}
        if out:
            detail |= {"left out": str(len(out))}
        await ledger.audit.append(tx, actor, "approved", plan.title, detail, now)
    ports.log.info("run begun", run=run.id, plan=plan.id, operations=len(operations))
    return run


async def _replace_earlier(ports: Ports, tx: Tx, operations: Sequence[Operation]) -> None:
    """Operations of earlier runs that failed, or wait for a refused one, give way to the ones planned now.

    Else a retry of the old one would write the same record a second time. A create gives way to whatever is planned
    of its record: either it is planned anew, or the record is linked.
    """
    mine = {(o.connection, o.kind, o.record, o.tenant, o.side, o.verb) for o in operations}
    records = {(o.connection, o.kind, o.record, o.tenant) for o in operations}
    for connection in {o.connection for o in operations}:
        waiting = await ports.ledger.work.find(tx, connection=connection, states=(State.BLOCKED, *FAILED))
        stale = [
            o
            for o in waiting
            if (o.connection, o.kind, o.record, o.tenant, o.side, o.verb) in mine
            or (o.side is Side.XERO and o.verb is Verb.CREATE and (o.connection, o.kind, o.record, o.tenant) in records)
        ]
        await ports.ledger.work.move(tx, [o.id for o in stale], State.SUPERSEDED, error="planned anew")
        # What was said of them is over; what comes of the new ones is told when it is known.
        await tell(ports, tx, [(o, []) for o in stale if o.state in FAILED and o.verb not in APART])


async def _adopt(ports: Ports, tx: Tx, operations: Sequence[Operation], attaching: bool) -> None:
    """Links of records that Xero already has; writing them back to the source is what the operation then does."""
    links = []
    for o in operations:
        posting = decode(o.body) if o.body else None
        number = posting.number if isinstance(posting, DocumentPosting) else ""
        links.append(
            Link(
                connection=o.connection,
                kind=o.kind,
                record=o.record,
                tenant=o.tenant,
                xero_id=o.target,
                number=number,
                posting=o.body,
                fingerprint=o.basis.fingerprint,
                version=o.basis.xero_version,
                how="adopted",
                at=ports.clock.now(),
            )
        )
    if links:
        await ports.ledger.links.put(tx, links)
    if not attaching and operations:
        ids = [o.id for o in operations]
        await ports.ledger.work.move(tx, ids, State.CANCELLED, error="the source keeps no links; linked here alone")


__all__ = ["Stale", "apply", "begin", "what_moved"]
