"""Following what the worker does: a request to its end, a plan to its end. Progress on stderr."""

import asyncio
from typing import TYPE_CHECKING

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output, Progress
from xerotui.cli.text import counts, money, safe
from xerotui.model.problems import SyncError
from xerotui.model.work import DONE, FAILED, OPEN, Plan, PlanState, Request, RequestState, State

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace

ENDED = (PlanState.DONE, PlanState.REFUSED, PlanState.EXPIRED, PlanState.DISCARDED)


async def followed(space: "Workspace", out: Output, verb: str, **args: str) -> Request:
    """Ask the worker and wait for its answer.

    Raises SyncError with the worker's own words when it refuses or fails.
    """
    id = await space.ask(verb, **args)
    progress = Progress(out)
    last = None
    try:
        async for request in space.follow(id):
            last = request
            progress.show(request.progress or f"{verb}: {request.state.value}")
    finally:
        progress.done()
    if last is None or last.state is not RequestState.DONE:
        raise _refused(last)
    return last


def _refused(request: Request | None) -> SyncError:
    if request is None:
        return SyncError("The worker did not answer", code="core.worker", exit_code=Exit.WORKER)
    answer, remedy = request.answer, request.remedy
    if offered := answer.get("plan"):
        remedy = f"{remedy} A new plan is ready: xerotui apply {offered}.".strip()
    code = int(answer["exit"]) if answer.get("exit", "").isdecimal() else Exit.PROBLEMS
    if request.verb in ("apply", "discard", "link", "take") and code == Exit.PROBLEMS:
        code = Exit.REFUSED
    return SyncError(request.error, remedy, code=answer.get("code", "core.refused"), exit_code=code)


async def plan_end(space: "Workspace", out: Output, id: str) -> Plan:
    """Wait until the plan has ended, showing how many operations are settled; the plan as it then is."""
    progress = Progress(out)
    pulse = -1
    said: set[str] = set()
    try:
        while True:
            now = await space.pulse()
            if now != pulse:
                pulse = now
                plan = await space.plan(id)
                await _announce(space, out, progress, plan, said)
                if plan is None or plan.state in ENDED:
                    break
                await _refuse_off(space, plan)
                states = await space.queue_counts(id)
                left = sum(states.get(s, 0) for s in OPEN)
                total = sum(states.values())
                progress.show(f"{total - left} of {total}: {counts(states)}")
            await alive(space)
            await asyncio.sleep(0.25)
    finally:
        progress.done()
    if plan is None:
        raise SyncError("The plan is gone", "Make a new one: xerotui plan.", exit_code=Exit.REFUSED)
    return plan


async def _announce(space: "Workspace", out: Output, progress: Progress, plan: Plan | None, said: set[str]) -> None:
    """Say each record that was synced, for the pairs that ask for it."""
    if plan is None:
        return
    news = await space.synced(plan.created, said, plan.id)
    said.update(news.ids)
    if news.lines:
        progress.done()
    for line in news.lines:
        out.say(f"✓ {line}")


async def _refuse_off(space: "Workspace", plan: Plan) -> None:
    """A plan whose source is switched off doesn't end: nobody is kept waiting for it."""
    row = next((s for s in await space.sources() if s.id == plan.connection), None)
    if row is not None and not row.enabled:
        raise SyncError(
            f"{row.name} is switched off: what is left of the plan waits",
            f'Switch it on: xerotui tenants on "{row.name}".',
            code="core.source_off",
            exit_code=Exit.REFUSED,
        )


async def follow_ups(space: "Workspace", id: str) -> list[Plan]:
    """The plans that follow the given one, oldest first, through all generations."""
    plans = {p.id: p for p in await space.plans()}
    known, found = {id}, []
    for plan in sorted(plans.values(), key=lambda p: p.created):
        if plan.follows in known:
            known.add(plan.id)
            found.append(plan)
    return found


async def alive(space: "Workspace") -> None:
    """Start the worker again where it has gone while something still waits for it."""
    status = await space.worker()
    if status.state in ("none", "lost"):
        await space.ensure_worker()


async def outcome(space: "Workspace", out: Output, plan: Plan) -> int:
    """Say how a plan ended; the exit code."""
    states = await space.queue_counts(plan.id)
    if plan.state is PlanState.REFUSED:
        out.say("The plan was refused: " + "; ".join(plan.moved or ("the world moved on",)))
        return Exit.REFUSED
    done = sum(states.get(s, 0) for s in DONE)
    failed = sum(states.get(s, 0) for s in (*FAILED, State.BLOCKED))
    out.say(f"{done} done, {failed} not" if failed else f"{done} done")
    for use in plan.defaults:
        words = f"Default item {safe(use.code)}: {use.lines} lines of {use.kind.plural}"
        out.say(f"{words}, {money(use.total, use.currency)}")
    return Exit.PROBLEMS if failed else Exit.DONE


async def idle(space: "Workspace", out: Output) -> None:
    """Wait until the worker has drawn every consequence and nothing is under way."""
    progress = Progress(out)
    try:
        while not await space.settled():
            status = await space.status()
            progress.show(status.activity or f"{status.waiting + status.sending} to go")
            await alive(space)
            await asyncio.sleep(0.25)
    finally:
        progress.done()
