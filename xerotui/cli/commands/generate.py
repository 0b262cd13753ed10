"""`xerotui generate`: account numbers and item codes for records of the source that have none."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.commands.plan import applied, confirmed, got, show
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.cli.runner import command, source_id, source_option, tenant_id, tenant_option
from xerotui.model.kinds import Kind

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace

KINDS = {kind.plural: kind for kind in (Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM)}


@click.command("generate")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--all", "every", is_flag=True, help="Also for those that nothing is billed to.")
@click.option("--dry-run", is_flag=True, help="Show which numbers they would get, then stop.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--follow", is_flag=True, help="Approve what waited for the numbers as well.")
@tenant_option
@source_option
@command
async def generate(
    space: "Workspace",
    out: Output,
    *,
    kind: str,
    every: bool,
    dry_run: bool,
    yes: bool,
    follow: bool,
    tenant: str,
    connection: str,
) -> int:
    """Give customers, suppliers or items without a number one, by the pair's template or the source's own series.

    The numbers are written into the source; what waited for them goes on.
    """
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant, needed=True)
    asked = {"kind": KINDS[kind].value, "numbers": "1", "every": "1" if every else ""}
    answer = (await followed(space, out, "import", connection=source, tenant=chosen, **asked)).answer
    plan = await got(space, answer.get("plan", ""))
    if dry_run:
        await show(space, out, plan, rows=True)
        return Exit.PROBLEMS if plan.problems else Exit.DONE
    if not plan.counts.get("update"):
        if out.json:
            out.data({"plan": plan.id, "numbers": 0})
        out.say("Nothing lacks a number that could be made.")
        return Exit.PROBLEMS if plan.problems else Exit.DONE
    if not yes:
        await show(space, out, plan, rows=True, quiet=out.json)
        if not confirmed(plan):
            out.say("Nothing was written.")
            return Exit.REFUSED
    return await applied(space, out, plan, follow=follow, wait=True)
