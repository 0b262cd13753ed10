"""`xerotui doctor`: every check there is, over the network too."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import command

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace


@click.command()
@command
async def doctor(space: "Workspace", out: Output) -> int:
    """Check connections, plugins, worker and stores; ends with 2 when something is bad."""
    findings = await space.doctor()
    if out.json:
        out.data(findings)
    else:
        signs = {"ok": "✓", "warn": "!", "bad": "✗"}
        out.table(
            ("", "Where", "What", "Detail", "Remedy"),
            [(signs.get(f.level, f.level), f.area, f.title, f.detail, f.remedy) for f in findings],
        )
    return Exit.PROBLEMS if any(f.level == "bad" for f in findings) else Exit.DONE
