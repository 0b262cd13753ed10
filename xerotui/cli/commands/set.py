"""`xerotui set`: values chosen for one document, for one of its lines, or for all documents of its template."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.commands.why import meant
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.cli.runner import command, source_option, tenant_option
from xerotui.cli.text import safe
from xerotui.model.kinds import DOCUMENTS
from xerotui.model.problems import SyncError

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import SearchRow


@click.command("set")
@click.argument("words", metavar="NUMBER")
@click.option("--status", default="", help="DRAFT, SUBMITTED or AUTHORISED. As with all of these, - takes it back.")
@click.option("--theme", default="", help="Branding theme of the organisation, or default for the contact's own.")
@click.option("--number", default="", help="Number in Xero; to be switched on for the pair first.")
@click.option("--date", default="", help="Another date, as 2026-01-31; the source's own is kept in the reference.")
@click.option("--line", default="", metavar="N", help="The line that the following are for, as plans count lines.")
@click.option("--account", default="", help="Account of the line, by code or name.")
@click.option("--tax", default="", help="Tax rate of the line, by code or name.")
@click.option("--item", default="", help="Item of the line, by code.")
@click.option("--tracking", default="", help="Options of the line: Category=Option, Category=Option.")
@click.option("--template", is_flag=True, help="For all documents of the template that this one was made from.")
@click.option("--clear", is_flag=True, help="Take back all that is chosen here (of the line, with --line).")
@click.option("--dry-run", is_flag=True, help="Say what would change; keep nothing.")
@click.option("--kind", type=click.Choice([k.value for k in DOCUMENTS]), help="Only documents of this kind.")
@tenant_option
@source_option
@command
async def set_(
    space: "Workspace",
    out: Output,
    *,
    words: str,
    template: bool,
    clear: bool,
    dry_run: bool,
    kind: str | None,
    tenant: str,
    connection: str,
    **values: str,
) -> int:
    """Choose for one document what the source, a mapping or a default would say otherwise.

    Without options it lists what is chosen. A plan made before is out of date then: make a new one.
    """
    row = await the_document(space, words, kind or "", tenant, connection)
    args = {name: value for name, value in values.items() if value}
    args |= {"template": "1"} if template else {}
    args |= {"clear": "1"} if clear else {}
    where = {"connection": row.connection, "kind": row.kind.value, "record": row.record, "tenant": row.tenant}
    if not args:
        await _listed(space, out, row)
        return Exit.DONE
    found = await space.override_preview(row.connection, row.kind, row.record, row.tenant, args)
    answer: dict[str, str] = {}
    if found.changes and not dry_run:
        answer = (await followed(space, out, "override", **where, **args)).answer
    if out.json:
        changes = [{"what": what, "before": before, "after": after} for what, before, after in found.changes]
        out.data({**where, "title": row.title, "changes": changes, "kept": bool(answer), "plan": answer.get("plan")})
        return Exit.DONE
    for what, before, after in found.changes:
        out.say(f"{safe(row.title)}: {what}: {safe(before or 'not chosen')} → {safe(after or 'not chosen')}")
    if not found.changes:
        out.say("Nothing changes.")
    elif dry_run:
        out.say("Nothing was kept: --dry-run.")
    elif answer.get("plan"):
        out.say(f"What waited for it is in the plan {answer['plan']}: xerotui apply {answer['plan']}.")
    return Exit.DONE


async def the_document(space: "Workspace", words: str, kind: str, tenant: str, connection: str) -> "SearchRow":
    """The one document that words mean.

    Raises SyncError for none, or for several.
    """
    rows = [r for r in await meant(space, words, kind, tenant, connection) if r.kind in DOCUMENTS and r.tenant]
    if len(rows) == 1:
        return rows[0]
    said = f"{len(rows)} documents are called {words}" if rows else f"No document of an organisation is called {words}"
    raise SyncError(
        said, "Say more: --kind, --tenant, --source, or the id.", code="core.record", exit_code=Exit.REFUSED
    )


async def _listed(space: "Workspace", out: Output, row: "SearchRow") -> None:
    rows = await space.overridden(row.connection, row.kind, row.record, row.tenant)
    if out.json:
        out.data(rows)
        return
    out.table(
        ("What", "Chosen", "For", "By", "When"),
        [(r.field, r.value, "its template" if r.template else "this one", r.actor, r.at) for r in rows],
        empty="nothing is chosen",
    )
