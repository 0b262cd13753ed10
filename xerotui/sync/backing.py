"""Plans of nothing but what goes back into a source: made when Xero said that something happened there, or when a
person took a side. They wait for approval like any other."""

from collections.abc import Collection, Sequence

from xerotui.model.kinds import Kind
from xerotui.model.work import Operation, Plan, PlanKind, PlanState, State
from xerotui.sync import back
from xerotui.sync.plan import Draft, new_id
from xerotui.sync.planning import draft_pair, store_plan, with_needs
from xerotui.sync.ports import Ports
from xerotui.sync.superseding import BACK, ONLY

# The option of such a plan.
OPTION = BACK


async def work_out(ports: Ports, connection: str, tenants: Sequence[str]) -> Draft:
    """What goes back into a source, by what is known; the differences that are shown are brought up to date."""
    whole = Draft(new_id("plan"))
    for tenant in tenants:
        draft, resolved = await draft_pair(ports, connection, tenant, whole.plan)
        await back.keep(ports, resolved)
        whole.operations += [o for o in draft.operations if back.from_xero(o)]
    whole.counts.update(o.verb.value for o in whole.operations)
    return whole


async def make_back(ports: Ports, connection: str, tenants: Sequence[str], actor: str) -> Plan:
    """A plan of all that goes back, stored in place of an earlier one that nobody approved."""
    draft = await work_out(ports, connection, tenants)
    await replaced(ports, connection, tenants)
    return await stored(ports, draft, connection, tenants, actor)


async def stored(ports: Ports, draft: Draft, connection: str, tenants: Sequence[str], actor: str) -> Plan:
    """A worked out plan of what goes back, stored."""
    title = f"Back from Xero to {connection}"
    options = {OPTION: "1"}
    return await store_plan(
        ports, draft, PlanKind.SYNC, connection, tuple(tenants), actor, title, options=options
    )  # fmt: skip


async def replaced(ports: Ports, connection: str, tenants: Sequence[str]) -> None:
    """Throw away earlier plans of this sort that nobody approved: the newer one holds what is in them."""
    ledger = ports.ledger
    async with ledger.write() as tx:
        for plan in await ledger.plans.list(tx, 50, states=(PlanState.READY,)):
            mine = plan.connection == connection and set(plan.tenants) <= set(tenants)
            if mine and plan.options.get(OPTION):
                await ledger.plans.set_state(tx, plan.id, PlanState.DISCARDED, frm=(PlanState.READY,))
                await ledger.work.move_plan(tx, plan.id, State.CANCELLED, frm=(State.PLANNED,))


async def waiting(ports: Ports, connection: str) -> set[tuple[str, ...]]:
    """What plans that wait hold of this sort already, with what it was worked out from."""
    async with ports.ledger.read() as tx:
        plans = await ports.ledger.plans.list(tx, 50, states=(PlanState.READY,))
        found: list[Operation] = []
        for plan in plans:
            if plan.connection == connection:
                found += await ports.ledger.work.find(tx, plan=plan.id, states=(State.PLANNED,))
    return {signature(o) for o in found if back.from_xero(o)}


def signature(o: Operation) -> tuple[str, ...]:
    """What tells one write from another, whatever plan it is in."""
    return (o.tenant, o.kind.value, o.record, o.verb.value, o.basis.xero_version, o.body.decode())


async def only(
    ports: Ports, connection: str, tenant: str, records: Collection[tuple[Kind, str]], actor: str
) -> Plan | None:
    """A plan of all that goes either way for these records alone: what a person's choice comes to. None for nothing."""
    id = new_id("plan")
    draft, resolved = await draft_pair(ports, connection, tenant, id)
    await back.keep(ports, resolved)
    wanted = {o.id for o in draft.operations if (o.kind, o.record) in records}
    whole = Draft(id, operations=with_needs(draft.operations, wanted))
    whole.counts.update(o.verb.value for o in whole.operations)
    if not whole.operations:
        return None
    title = f"Take a side for {next(o.title for o in whole.operations if o.id in wanted)}"
    return await store_plan(
        ports, whole, PlanKind.SYNC, connection, (tenant,), actor, title, options={ONLY: "1"}
    )  # fmt: skip


__all__ = ["OPTION", "make_back", "only", "replaced", "signature", "stored", "waiting", "work_out"]
