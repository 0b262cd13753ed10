"""What a run left behind because something that it needed was refused: told on the record, under the same cause."""

import msgspec

from xerotui.model.problems import Problem
from xerotui.model.work import Operation, Plan, State
from xerotui.store import Tx
from xerotui.sync.ports import Ports
from xerotui.sync.settle import problem_of, ref_of


async def tell_waiting(ports: Ports, tx: Tx, plan: Plan) -> None:
    """Give each blocked operation's record the problem of what it waits for, so that one fix releases both (B5).

    Kept in the phase of resolving: the next plan says anew whether it still holds.
    """
    ledger = ports.ledger
    for o in await ledger.work.find(tx, plan=plan.id, states=(State.BLOCKED,)):
        problem = await _cause(ports, tx, o)
        await ledger.problems.replace(tx, o.connection, o.tenant, o.kind, [o.record], [problem], phase="resolve")


async def _cause(ports: Ports, tx: Tx, waiting: Operation) -> Problem:
    needs = await ports.ledger.work.get(tx, waiting.needs)
    for need in (n for n in needs if n.state in (State.REJECTED, State.PARKED)):
        said = await ports.ledger.problems.open(
            tx,
            connection=need.connection,
            tenant=need.tenant,
            kind=need.kind,
            record=need.record,
            phase="send",
            blocks=True,
        )
        if said:
            return msgspec.structs.replace(said[0], record=ref_of(waiting), sentence=waiting.error, said="")
    return problem_of(waiting, "core.dependency", waiting.error or "It waits for a record that didn't go.")


__all__ = ["tell_waiting"]
