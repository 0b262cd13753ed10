"""`xerotui tenants native|confirm-native`: where a source syncs with Xero by itself, and writing beside it."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import command, source_id, source_option, tenant_id
from xerotui.cli.text import safe, when

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.native import NativeRow


@click.command()
@command
async def native(space: "Workspace", out: Output) -> int:
    """Where a source's own sync with Xero is on; ends with 2 while that isn't confirmed."""
    rows = await space.native()
    show(out, rows)
    return Exit.DONE if all(row.confirmed for row in rows) else Exit.PROBLEMS


@click.command("confirm-native")
@click.argument("organisation")
@source_option
@click.option("--reason", required=True, metavar="TEXT", help="Why two writers do no harm here; kept in the audit.")
@click.option("--dry-run", is_flag=True, help="Say what would be confirmed.")
@command
async def confirm_native(
    space: "Workspace", out: Output, *, organisation: str, connection: str, reason: str, dry_run: bool
) -> int:
    """Write to ORGANISATION although the source's own sync writes the same kinds to it.

    It holds for these kinds alone, until the source's own sync is switched off or changed.
    """
    tenant, source = await tenant_id(space, organisation, needed=True), await source_id(space, connection)
    if dry_run:
        show(out, await space.native(source, tenant))
        return Exit.DONE
    row = await space.confirm_native(source, tenant, reason)
    if out.json:
        out.data(row)
    kinds = ", ".join(kind.plural for kind in row.kinds)
    out.say(f"Confirmed for {kinds} of {safe(row.tenant_name)}.")
    return Exit.DONE


def show(out: Output, rows: "tuple[NativeRow, ...]") -> None:
    """The rows as a table, or as JSON."""
    if out.json:
        out.data({"native": rows})
        return
    out.table(
        ("Source", "Organisation", "Writes by itself", "Confirmed", "Reason"),
        [
            (
                row.source_name,
                row.tenant_name,
                ", ".join(kind.plural for kind in row.kinds),
                f"{row.actor} {when(row.at)}" if row.confirmed else "no: nothing of these is sent",
                row.reason,
            )
            for row in rows
        ],
        "Sources that sync with Xero by themselves",
        "none",
    )
