"""The whole job without a screen: connect, import, plan, apply, mend, follow up, prove. One JSON object."""

import time
from typing import TYPE_CHECKING, Any

from xerotui.cli import control, demo_expect, demo_report
from xerotui.cli.codes import Exit
from xerotui.cli.demo_connect import XERO, connect
from xerotui.cli.demo_expect import Found
from xerotui.cli.demo_sandbox import Served
from xerotui.cli.follow import followed, idle, plan_end
from xerotui.cli.output import Output
from xerotui.cli.text import counts
from xerotui.model.kinds import Kind
from xerotui.model.paging import View
from xerotui.model.work import Plan

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import MappingRow

IMPORTED = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM)
WRITES = ("create", "update", "link", "void", "delete", "archive", "hand_over")


async def job(space: "Workspace", served: Served, out: Output, *, minute_limit: int = 0) -> int:
    """Do it all and print what came of it; the exit code.

    0 when the trouble found is the trouble seeded, both sides agree to the penny, and no rule of either was broken.
    """
    began = time.monotonic()
    controls = served.controls()
    seeded = await demo_expect.told(controls)
    if minute_limit:
        await control.post(f"{controls[XERO]}/limits", {"minute": minute_limit})
    await connect(space, served, out, minute_limit=minute_limit)
    imported = await _imports(space, out)
    await _sync(space, out)
    first = await found(space)
    await _mend(space, out)
    end = await found(space)
    before = await demo_report.written(controls)
    await _sync(space, out)
    second = await demo_report.written(controls) - before
    source, xero = await demo_report.totals(controls)
    differing = demo_report.differences(source["sent"], xero)
    violations = await demo_report.violations(controls)
    out.data(
        {
            "tenants": [{"tenant": t.tenant, "name": t.name} for t in await space.tenants()],
            "imported": imported,
            "operations": await space.queue_counts(),
            "blocked_at_first": demo_expect.by_code(first),
            "blocked_at_end": demo_expect.by_code(end),
            "source": source,
            "xero": xero,
            "differences": differing,
            "violations": violations,
            "calls": await demo_report.calls(space, controls),
            "second_run_writes": second,
            "seconds": round(time.monotonic() - began, 2),
        }
    )
    wrong = demo_expect.differing(first, demo_expect.expected(seeded, mended=False))
    wrong += demo_expect.differing(end, demo_expect.expected(seeded, mended=True))
    for line in wrong + demo_report.worded(differing, violations):
        out.say(line)
    # A limit that was met is told and costs no money; what was found or arrived other than seeded is a fault.
    wrong += demo_report.worded(differing, [])
    return Exit.PROBLEMS if wrong else Exit.DONE


async def _imports(space: "Workspace", out: Output) -> dict[str, int]:
    """Import what Xero has, as far as the source takes it; how many records of each kind are linked afterwards."""
    taken = {(row.connection, row.tenant, row.kind) for row in await space.imports() if row.supported}
    for source in await space.sources():
        for tenant in await space.tenants():
            for kind in (k for k in IMPORTED if (source.id, tenant.tenant, k) in taken):
                args = {"connection": source.id, "tenant": tenant.tenant, "kind": kind.value}
                answer = (await followed(space, out, "import", **args)).answer
                await _apply(space, out, await _plan(space, answer["plan"]))
    linked: dict[str, int] = {}
    for tenant in await space.tenants():
        for kind in IMPORTED:
            linked[kind.value] = linked.get(kind.value, 0) + tenant.links.get(kind.value, 0)
    return linked


async def _sync(space: "Workspace", out: Output) -> None:
    """One sync of every source: plan, approve with follow-ups, wait to the end."""
    for source in await space.sources():
        answer = (await followed(space, out, "plan", connection=source.id)).answer
        await _apply(space, out, await _plan(space, answer["plan"]))
    await idle(space, out)


async def _plan(space: "Workspace", id: str) -> Plan:
    plan = await space.plan(id)
    assert plan is not None
    out_of = counts(plan.counts)
    Output().say(f"{plan.title}: {out_of or 'nothing to do'}")
    return plan


async def _apply(space: "Workspace", out: Output, plan: Plan) -> None:
    if any(plan.counts.get(what) for what in WRITES):
        await followed(space, out, "apply", plan=plan.id, hash=plan.hash, follow="1")
        await plan_end(space, out, plan.id)


async def _mend(space: "Workspace", out: Output) -> None:
    """Map the tax rates that documents wait for, and let what waited go."""
    for source in await space.sources():
        for tenant in await space.tenants():
            page = await space.mapping("tax", source.id, tenant.tenant, View(limit=500))
            for row in page.rows:
                if row.state != "mapped" and row.waiting:
                    await _map(space, out, row)
    await idle(space, out)


async def _map(space: "Workspace", out: Output, row: "MappingRow") -> None:
    targets = await space.mapping_targets(row.spec, row.connection, row.tenant, row.value, row.trade)
    allowed = [target for target in targets if target.allowed]
    if allowed:
        out.say(f"Mapping {row.title} to {allowed[0].title}; {row.waiting} documents wait for it.")
        await space.map_set(row.spec, row.connection, row.tenant, row.value, allowed[0].id, row.trade)


async def found(space: "Workspace") -> Found:
    """Everything that is stopped, as (code, kind, source id)."""
    seen: Found = set()
    causes, anchor = [], ""
    while True:
        page = await space.errors(View(anchor=anchor, limit=200))
        causes += [row for row in page.rows if row.blocks]
        anchor = page.next
        if not anchor:
            break
    for cause in causes:
        seen |= await _records(space, cause.code, cause.subject)
    return seen


async def _records(space: "Workspace", code: str, subject: str) -> Found:
    seen: Found = set()
    anchor = ""
    while True:
        page: Any = await space.error_records(code, subject, View(anchor=anchor, limit=200))
        seen |= {(p.code, p.record.kind.value, p.record.id) for p in page.rows if p.blocks}
        anchor = page.next
        if not anchor:
            return seen
