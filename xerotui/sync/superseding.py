"""Sync plans that nobody approved give way to a newer one of the same pairs, so that nothing is approved twice."""

from xerotui.model.work import Plan, PlanKind, PlanState, State
from xerotui.store import Tx
from xerotui.sync.ports import Ports

# Options of plans that hold a part of what could go: what goes back alone, or some records or operations alone.
BACK, ONLY = "back", "only"
# The option of a plan that leaves another one waiting: the two of them are what was worked out.
BESIDE = "beside"


def partial(plan: Plan) -> bool:
    """Whether a plan was made of a part, so that it stands for no other."""
    return bool(plan.options.get(BACK) or plan.options.get(ONLY))


async def supersede(ports: Ports, tx: Tx, plan: Plan) -> None:
    """Put aside the waiting sync plans, follow-ups included, that a new whole plan covers; it says so in them."""
    if plan.kind is not PlanKind.SYNC or plan.follows or partial(plan):
        return
    ledger = ports.ledger
    for old in await ledger.plans.list(tx, 200, states=(PlanState.READY,)):
        mine = old.kind is PlanKind.SYNC and old.connection == plan.connection
        if old.id in (plan.id, plan.options.get(BESIDE)) or not mine or not set(old.tenants) <= set(plan.tenants):
            continue
        said = (f"replaced by {plan.id}",)
        await ledger.plans.set_state(tx, old.id, PlanState.DISCARDED, frm=(PlanState.READY,), moved=said)
        await ledger.work.move_plan(tx, old.id, State.CANCELLED, frm=(State.PLANNED,))
