"""`xerotui queue`: operations and where they stand, one operation's story, and the summary of everything."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.commands.plan import got
from xerotui.cli.output import Output
from xerotui.cli.runner import command, tenant_id, tenant_option
from xerotui.cli.text import counts, money, when
from xerotui.model.kinds import SYNCED
from xerotui.model.paging import View
from xerotui.model.work import State

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import OperationRow, Story


@click.command()
@click.option("--state", type=click.Choice([s.value for s in State]), help="Only operations of this state.")
@click.option("--kind", type=click.Choice([k.value for k in SYNCED]), help="Only this kind.")
@click.option("--plan", default="", help="Only of this plan.")
@click.option("--text", default="", help="Only titles that hold this.")
@tenant_option
@click.option("--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many; 0 is all.")
@click.option("--summary", is_flag=True, help="What is to be done, budgets, last runs.")
@click.option("--show", "shown", default="", help="The story of one operation.")
@command
async def queue(
    space: "Workspace",
    out: Output,
    *,
    state: str | None,
    kind: str | None,
    plan: str,
    text: str,
    tenant: str,
    limit: int,
    summary: bool,
    shown: str,
) -> int:
    """Every operation and where it stands."""
    if summary:
        return await _summary(space, out)
    if shown:
        await told(out, await space.operation(shown))
        return Exit.DONE
    if plan:
        await got(space, plan)
    given = {"state": state, "kind": kind, "plan": plan, "tenant": await tenant_id(space, tenant)}
    fields = {name: value for name, value in given.items() if value}
    rows: list[OperationRow] = []
    anchor, total = "", 0
    while not limit or len(rows) < limit:
        size = min(500, limit - len(rows)) if limit else 500
        page = await space.queue(View(text=text, fields=fields, anchor=anchor, limit=size))
        rows, total, anchor = rows + list(page.rows), page.total, page.next
        if not anchor:
            break
    if out.json:
        out.data({"total": total, "rows": rows})
        return Exit.DONE
    out.table(
        ("Operation", "To", "What", "Kind", "State", "Title", "Party", ">Total", ">Tries", "Said"),
        [
            (
                r.id,
                r.side,
                r.verb,
                r.kind.label,
                r.state,
                r.title,
                r.party,
                money(r.total, r.currency),
                r.attempts or "",
                r.error,
            )
            for r in rows
        ],
        f"{len(rows)} of {total}",
        "nothing queued",
    )
    return Exit.DONE


async def told(out: Output, story: "Story") -> None:
    """One record's story on stdout."""
    if out.json:
        out.data(story)
        return
    out.facts(
        [
            ("Record", story.title),
            ("Kind", story.kind.label),
            ("State", story.state),
            ("Why", story.reason),
            ("Source id", story.record),
        ]
    )
    if story.fields:
        out.line("")
        out.table(
            ("Field", "Value", "From"),
            [(path, story.spoken(path, value), rung) for path, value, rung in story.fields],
        )
    if story.changes:
        out.line("")
        out.table(
            ("Field", "Before", "After"),
            [(c.path, *(story.spoken(c.path, value) for value in (c.before, c.after))) for c in story.changes],
        )
    for problem in story.problems:
        out.line("")
        out.facts([("Problem", problem.code), ("What", problem.sentence), ("Remedy", problem.remedy)])
        out.facts([("It said", problem.said)])
    if story.operations:
        out.line("")
        out.table(
            ("Operation", "To", "What", "State", "When", "Said"),
            [(o.id, o.side, o.verb, o.state, when(o.updated), o.error) for o in story.operations],
        )


async def _summary(space: "Workspace", out: Output) -> int:
    seen = await space.overview()
    worker = await space.worker()
    if out.json:
        out.data({"overview": seen, "worker": worker})
        return Exit.DONE
    signs = {"done": "✓", "todo": "→", "waiting": "·"}
    out.table(("", "To do", ""), [(signs.get(s.state, ""), s.title, s.detail) for s in seen.steps], "Readiness")
    out.line("")
    out.facts(
        [
            ("Worker", f"{worker.state} {worker.detail}".strip()),
            ("Queue", counts(seen.counts) or "empty"),
            ("Problems", counts(seen.problems) or "none"),
            ("Plans waiting", ", ".join(p.id for p in seen.plans_waiting)),
        ]
    )
    for fault in seen.plugin_faults:
        out.facts([("Plugin", fault)])
    if seen.budgets:
        out.line("")
        out.table(("Budget", "Window", ">Used", ">Limit"), [(b.title, b.window, b.used, b.limit) for b in seen.budgets])
    if seen.runs:
        out.line("")
        out.table(
            ("Run", "Plan", "Started", "Ended", "Result"),
            [(r.id, r.plan, when(r.started), when(r.ended), r.error or counts(r.counts)) for r in seen.runs],
        )
    return Exit.DONE
