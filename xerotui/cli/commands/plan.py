"""`xerotui plan` and `xerotui apply`: seeing what would happen, approving it, following it to the end."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.follow import follow_ups, followed, outcome, plan_end
from xerotui.cli.output import Output
from xerotui.cli.runner import command, source_id, source_option, tenant_id, tenant_option
from xerotui.cli.text import counts, money, when
from xerotui.model.paging import View
from xerotui.model.problems import SyncError
from xerotui.model.work import Plan, PlanState, Verb
from xerotui.workspace.listing import superseded

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import PlanRow

VERBS = [
    *("link" if v is Verb.ATTACH else v.value for v in Verb),
    "blocked",
    "skip",
    "conflict",
    "repeats",
    "mapping",
    "unallocated",
]


@click.command()
@source_option
@tenant_option
@click.option("--only", multiple=True, metavar="NUMBER", help="Plan this document alone; may be repeated.")
@click.option("--show", "shown", is_flag=False, flag_value="latest", help="Show this plan, or this row of the latest.")
@click.option("--discard", "discarded", help="Throw this plan away.")
@click.option("--rows", is_flag=True, help="List what the plan would do, record by record.")
@click.option("--verb", type=click.Choice(VERBS), default=None, help="Of the rows only these.")
@click.option("--exit-code/--no-exit-code", default=True, help="End with 2 when records are blocked.")
@command
async def plan(
    space: "Workspace",
    out: Output,
    *,
    connection: str,
    tenant: str,
    only: tuple[str, ...],
    shown: str | None,
    discarded: str | None,
    rows: bool,
    verb: str | None,
    exit_code: bool,
) -> int:
    """Read both sides and work out a plan; nothing is written anywhere.

    With --only it holds the documents of these numbers and what they need; any other plan goes on waiting.
    """
    if only and (shown or discarded):
        raise click.UsageError("--only makes a new plan: it goes with neither --show nor --discard.")
    if discarded:
        await followed(space, out, "discard", plan=discarded)
        out.say("Discarded.")
        if out.json:
            out.data({"plan": discarded, "state": "discarded"})
        return Exit.DONE
    if shown:
        found = await space.plan("" if shown == "latest" else shown)
        if found is None:
            return await _row(space, out, shown)
    else:
        args = {"connection": await source_id(space, connection)}
        if chosen := await tenant_id(space, tenant):
            args["tenant"] = chosen
        answer = (await followed(space, out, "plan", only="\n".join(only), **args)).answer
        found = await got(space, answer.get("plan", ""))
        if waits := answer.get("waits"):
            out.say(f"Plan {waits} goes on waiting; once these have gone it is worked out anew when it is approved.")
    await show(space, out, found, rows=rows or bool(verb or only), verb=verb or "")
    return Exit.PROBLEMS if exit_code and found.problems else Exit.DONE


@click.command()
@click.argument("plan", metavar="PLAN", default="")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--follow", is_flag=True, help="Approve follow-ups made only of what this plan lists as blocked.")
@click.option("--removals", is_flag=True, help="Void and delete in Xero what the plan says left the source.")
@click.option("--reason", default="", metavar="TEXT", help="Why that is removed; kept with each record.")
@click.option("--wait/--no-wait", default=True, help="Stay until the run has ended.")
@command
async def apply(
    space: "Workspace", out: Output, *, plan: str, yes: bool, follow: bool, removals: bool, reason: str, wait: bool
) -> int:
    """Approve PLAN (the latest where none is named) and let it run.

    What it would void or delete waits in a plan of its own unless it is approved with a reason.
    """
    if removals != bool(reason.strip()):
        raise click.UsageError("--removals and --reason go together: a removal needs its reason.")
    found = await got(space, plan)
    if not yes:
        await show(space, Output(json=False) if not out.json else Output(json=True, quiet=True), found, quiet=out.json)
        if not confirmed(found):
            out.say("Not approved.")
            return Exit.REFUSED
    return await applied(space, out, found, follow=follow, wait=wait, removals=reason)


def confirmed(plan: Plan, only: int = 0) -> bool:
    """Ask a person at a terminal; elsewhere a usage error, because silence is no approval."""
    if not sys.stdin.isatty():
        raise click.UsageError("Approval needs --yes where nobody can be asked.")
    writes = sum(n for what, n in plan.counts.items() if what == "link" or what in set(Verb))
    return click.confirm(f"Approve {f'{only} of ' if only else ''}{writes} operations?", default=False, err=True)


async def got(space: "Workspace", id: str) -> Plan:
    """The plan of that id, or the latest.

    Raises SyncError when there is none.
    """
    found = await space.plan(id)
    if found is None:
        raise SyncError(
            "There is no such plan" if id else "There is no plan",
            "Make one: xerotui plan.",
            code="core.plan_missing",
            exit_code=Exit.REFUSED,
        )
    return found


async def applied(
    space: "Workspace",
    out: Output,
    plan: Plan,
    *,
    follow: bool,
    wait: bool,
    removals: str = "",
    only: Sequence[str] = (),
) -> int:
    """Approve the plan as it was shown, of an import `only` these rows, and where asked wait for it; the exit code."""
    more = ({"follow": "1"} if follow else {}) | ({"removals": removals} if removals else {})
    more |= {"only": ",".join(only)} if only else {}
    answer = await followed(space, out, "apply", plan=plan.id, hash=plan.hash, **more)
    if not wait:
        out.say(f"Approved; run {answer.answer.get('run', '')} goes on in the worker.")
        if out.json:
            out.data({"plan": plan.id, "run": answer.answer.get("run", "")})
        return Exit.DONE
    ended = [await plan_end(space, out, plan.id)]
    code = await outcome(space, out, ended[0])
    if follow:
        for later in await follow_ups(space, plan.id):
            if later.state in (PlanState.APPROVED, PlanState.APPLYING):
                ended.append(await plan_end(space, out, later.id))
                code = max(code, await outcome(space, out, ended[-1]))
    if out.json:
        states = {p.id: await space.queue_counts(p.id) for p in ended}
        out.data({"run": answer.answer.get("run", ""), "plans": ended, "states": states})
    return code


async def all_rows(space: "Workspace", plan: str, verb: str = "") -> "list[PlanRow]":
    """Every row of a plan, page by page."""
    found: list[PlanRow] = []
    anchor = ""
    while True:
        page = await space.plan_rows(plan, View(fields={"verb": verb} if verb else {}, anchor=anchor, limit=500))
        found += page.rows
        anchor = page.next
        if not anchor:
            return found


async def show(
    space: "Workspace", out: Output, plan: Plan, *, rows: bool = False, verb: str = "", quiet: bool = False
) -> None:
    """A plan as tables on stdout, or as JSON with its rows where they are asked for."""
    if quiet:
        return
    listed = await all_rows(space, plan.id, verb) if rows else []
    if out.json:
        out.data({"plan": plan, "rows": listed} if rows else {"plan": plan})
        return
    names = {t.tenant: t.name for t in await space.tenants()}
    state = "superseded by a newer plan" if superseded(plan, await space.plans()) else plan.state.value
    title = f"Plan {plan.id}: {plan.title or plan.kind.value} [{state}], good until {when(plan.expires)}"
    out.table(
        ("Organisation", "What", "Kind", ">Number", ">Total"),
        [
            (names.get(t.tenant, t.tenant), t.verb, t.kind.plural, t.documents, money(t.total, t.currency))
            for t in plan.totals
        ],
        title,
        "no documents",
    )
    if plan.defaults:
        out.table(
            ("Organisation", "Kind", "Default item", ">Lines", ">Total"),
            [
                (names.get(d.tenant, d.tenant), d.kind.plural, d.code, d.lines, money(d.total, d.currency))
                for d in plan.defaults
            ],
            "Lines that go out under a default item",
        )
    out.facts(
        [
            ("Operations", counts(plan.counts)),
            ("Blocked by", counts(plan.problems)),
            ("Calls", plan.calls or ""),
            ("Minutes", plan.minutes or ""),
            ("Removals", _removing(plan)),
            ("Archived", _archiving(plan)),
            ("Voids", " ".join(plan.warnings)),
            ("Moved", "; ".join(plan.moved)),
        ]
    )
    if rows:
        out.line("")
        out.table(
            ("Row", "What", "Kind", "Title", "Party", ">Total", "State", "Why"),
            [
                (r.id, r.verb, r.kind.label, r.title, r.party, money(r.total, r.currency), r.state, r.reason or r.code)
                for r in listed
            ],
        )


def _removing(plan: Plan) -> str:
    if not plan.removals:
        return ""
    what = "1 document" if plan.removals == 1 else f"{plan.removals} documents"
    return f"{what} left the source: voided or deleted in Xero only with --removals --reason TEXT"


def _archiving(plan: Plan) -> str:
    number = plan.counts.get("archive", 0)
    return f"{number}: Xero's API can't bring them back" if number else ""


async def _row(space: "Workspace", out: Output, id: str) -> int:
    latest = await got(space, "")
    story = await space.plan_row(latest.id, id)
    if out.json:
        out.data(story)
        return Exit.DONE
    out.facts([("Record", story.title), ("Kind", story.kind.label), ("State", story.state)])
    out.line("")
    out.table(("Field", "Before", "After"), [(c.path, c.before, c.after) for c in story.changes], empty="no changes")
    for problem in story.problems:
        out.line("")
        out.facts([("Problem", problem.code), ("", problem.sentence), ("Remedy", problem.remedy)])
    return Exit.DONE
