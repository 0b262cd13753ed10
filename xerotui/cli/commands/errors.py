"""`xerotui errors` and `xerotui retry`: causes with their remedies, and another try."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.commands.plan import got
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.cli.runner import command, tenant_id, tenant_option
from xerotui.cli.text import safe, when
from xerotui.model.paging import View
from xerotui.model.problems import CORE, SyncError

if TYPE_CHECKING:
    from xerotui.model.problems import Problem
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import CauseRow


def _cause(text: str) -> tuple[str, str]:
    code, slash, subject = text.partition("/")
    if not slash:
        raise click.UsageError("A cause is CODE/SUBJECT, as 'xerotui errors' lists it.")
    return code, subject


def _nothing(sentence: str) -> SyncError:
    return SyncError(sentence, "List what waits: xerotui errors.", code="core.row", exit_code=Exit.REFUSED)


@click.command()
@click.option("--code", default="", help="Only this problem code.")
@tenant_option
@click.option("--cause", "cause", default="", help="The records that wait for one cause: CODE/SUBJECT.")
@click.option("--list", "listed", is_flag=True, help="Every problem by itself, by organisation and time.")
@click.option("--csv", is_flag=True, help="Every problem as CSV on stdout, by organisation and time.")
@command
async def errors(
    space: "Workspace", out: Output, *, code: str, tenant: str, cause: str, listed: bool, csv: bool
) -> int:
    """What waits, grouped by cause; ends with 2 when something is blocked."""
    if csv and out.json:
        raise click.UsageError("One of --csv and --json.")
    if cause and not listed and not csv:
        return await _records(space, out, *_cause(cause))
    given = {"code": code, "tenant": await tenant_id(space, tenant)}
    if listed or csv:
        if cause:
            given["code"], given["subject"] = _cause(cause)
        return await _listed(space, out, given, csv=csv)
    rows: list[CauseRow] = []
    anchor = ""
    while True:
        view = View(fields={name: value for name, value in given.items() if value}, anchor=anchor, limit=200)
        page = await space.errors(view)
        rows, anchor = rows + list(page.rows), page.next
        if not anchor:
            break
    if code and not rows and code not in CORE and code.split(".")[0] not in dict(await space.source_types()):
        raise _nothing(f"There is no problem code {code}")
    if out.json:
        out.data(rows)
    else:
        for row in rows:
            records = f"{row.records:,} record{'' if row.records == 1 else 's'}"
            out.line(safe(f"{row.code}/{row.subject}  {records}, since {when(row.oldest)}", 300))
            out.line(f"  {safe(row.sentence or row.title, 300)}")
            out.line(f"  {safe(row.remedy, 300)}")
        if not rows:
            out.line("nothing waits")
    return Exit.PROBLEMS if any(r.blocks for r in rows) else Exit.DONE


async def _listed(space: "Workspace", out: Output, given: dict[str, str], *, csv: bool) -> int:
    """Every problem under its organisation, oldest first; those of no organisation come last."""
    names = {row.tenant: row.name for row in await space.tenants()}
    fields = {name: value for name, value in given.items() if value}
    rows: list[Problem] = []
    anchor = ""
    while True:
        page = await space.problems(View(fields=fields, anchor=anchor, limit=500))
        rows, anchor = rows + list(page.rows), page.next
        if not anchor:
            break
    order = {tenant: place for place, tenant in enumerate(names)}
    rows.sort(key=lambda p: order.get(p.record.tenant, len(order)))
    if out.json:
        out.data(rows)
    elif csv:
        out.csv(_HEADS, (_exported(p, names) for p in rows))
    else:
        out.table(
            ("Organisation", "Since", "Kind", "Record", "Problem", "What is wrong"),
            [
                (
                    names.get(p.record.tenant, p.record.tenant),
                    when(p.at),
                    p.record.kind.label,
                    p.record.title or p.record.id,
                    p.code,
                    p.sentence,
                )
                for p in rows
            ],
            empty="nothing waits",
        )
    return Exit.PROBLEMS if any(p.blocks for p in rows) else Exit.DONE


_HEADS = (
    *("organisation", "tenant", "since", "connection", "kind", "id", "record", "code", "subject", "blocks"),
    *("what_is_wrong", "remedy", "it_said", "correlation"),
)


def _exported(problem: "Problem", names: dict[str, str]) -> tuple[object, ...]:
    ref = problem.record
    since = problem.at.isoformat() if problem.at else ""
    return (
        *(names.get(ref.tenant, ""), ref.tenant, since, ref.connection, ref.kind.value, ref.id, ref.title),
        *(problem.code, problem.subject, "yes" if problem.blocks else "no"),
        *(problem.sentence, problem.remedy, problem.said, problem.correlation),
    )


async def _records(space: "Workspace", out: Output, code: str, subject: str) -> int:
    rows: list[Problem] = []
    anchor = ""
    while True:
        page = await space.error_records(code, subject, View(anchor=anchor, limit=200))
        rows, anchor = rows + list(page.rows), page.next
        if not anchor:
            break
    if out.json:
        out.data(rows)
    else:
        out.table(
            ("Kind", "Id", "Record", "What is wrong", "It said"),
            [(p.record.kind.label, p.record.id, p.record.title, p.sentence, p.said) for p in rows],
            empty="nothing waits for this",
        )
    return Exit.PROBLEMS if any(p.blocks for p in rows) else Exit.DONE


@click.command()
@click.argument("operation", default="")
@click.option("--cause", default="", help="Everything that waits for one cause: CODE/SUBJECT.")
@click.option("--plan", "of_plan", default="", help="Everything of a plan that was refused or set aside.")
@command
async def retry(space: "Workspace", out: Output, *, operation: str, cause: str, of_plan: str) -> int:
    """Try again OPERATION, a cause, or a whole plan; what became possible is a new plan to approve."""
    if sum(map(bool, (operation, cause, of_plan))) != 1:
        raise click.UsageError("One of OPERATION, --cause and --plan.")
    args = {"operation": operation} if operation else {"plan": of_plan} if of_plan else {}
    if cause:
        args["code"], args["subject"] = _cause(cause)
        if not (await space.error_records(args["code"], args["subject"], View(limit=1))).rows:
            raise _nothing(f"Nothing waits for {cause}")
    elif of_plan:
        await got(space, of_plan)
    else:
        await space.operation(operation)
    answer = (await followed(space, out, "retry", **args)).answer
    if out.json:
        out.data(answer)
    count, plan = answer.get("count", "0"), answer.get("plan", "")
    out.say(f"{count} tried again." + (f" New plan {plan}: xerotui apply {plan}." if plan else ""))
    return Exit.DONE
