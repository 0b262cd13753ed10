"""`xerotui plugins`: what is installed and what is wrong with it."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import command

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace


@click.command()
@command
async def plugins(space: "Workspace", out: Output) -> int:
    """Source plugins, their state and faults; ends with 2 when one failed."""
    rows = await space.plugins()
    if out.json:
        out.data(rows)
    else:
        out.table(
            ("Plugin", "Version", "From", "State", "Sources", "Fault"),
            [(r.name, r.version, r.origin, r.state, ", ".join(r.sources), r.error) for r in rows],
            empty="no plugin is installed",
        )
    return Exit.PROBLEMS if any(r.state == "failed" for r in rows) else Exit.DONE
