"""`xerotui map --changed`, `--csv` and `--from`: mappings of all kinds at once."""

import sys
from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import source_id, tenant_id

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import MappingRow


async def _rows(space: "Workspace", connection: str, tenant: str, spec: str) -> "tuple[MappingRow, ...]":
    source = await source_id(space, connection) if connection else ""
    return await space.mapping_rows(source, await tenant_id(space, tenant), spec)


async def changed(space: "Workspace", out: Output, *, spec: str, connection: str, tenant: str) -> int:
    """What happened in Xero to targets since they were mapped; ends with 2 where there is anything."""
    rows = [row for row in await _rows(space, connection, tenant, spec) if row.changed]
    names = {t.tenant: t.name for t in await space.tenants()}
    if out.json:
        out.data(rows)
    else:
        out.table(
            ("Organisation", "Kind", "Value", "What", "Trade", "Mapped to", "What changed"),
            [
                (
                    names.get(r.tenant, r.tenant),
                    r.spec,
                    r.value,
                    r.title,
                    r.trade,
                    r.target_title or r.target,
                    r.changed,
                )
                for r in rows
            ],
            empty="nothing changed in Xero under a mapping",
        )
    return Exit.PROBLEMS if rows else Exit.DONE


async def sheet(space: "Workspace", out: Output, *, spec: str, connection: str, tenant: str) -> None:
    """Every value with what it is mapped to."""
    # Imported late: what it needs of the workspace brings SQL along, which no help page should wait for.
    from xerotui.workspace.map_sheet import HEAD

    out.csv(HEAD, await space.mapping_sheet(await _rows(space, connection, tenant, spec)))


async def read(space: "Workspace", out: Output, *, text: str, dry_run: bool, yes: bool) -> int:
    """Show what a sheet would change, ask, and save what may be saved."""
    changes = await space.mapping_diff(text)
    names = {t.tenant: t.name for t in await space.tenants()}
    if out.json:
        out.data(changes)
    else:
        out.table(
            (">Line", "Organisation", "Kind", "Value", "What", "Trade", "Before", "After", ""),
            [
                (c.line, names.get(c.tenant, ""), c.spec, c.value, c.title, c.trade, c.before, c.after, c.refused)
                for c in changes
            ],
            empty="nothing that isn't stored already",
        )
    refused = sum(1 for c in changes if c.refused)
    if dry_run or not changes:
        return Exit.PROBLEMS if refused else Exit.DONE
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Saving needs --yes where nobody can be asked.")
        if not click.confirm(f"Save {len(changes) - refused} changes?", default=False, err=True):
            out.say("Not saved.")
            return Exit.REFUSED
    done = await space.mapping_save(changes)
    out.say(f"{done} saved" + (f", {refused} refused." if refused else "."))
    return Exit.PROBLEMS if refused else Exit.DONE
