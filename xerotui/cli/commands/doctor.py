"""`xerotui doctor`: every check there is, over the network too."""

import asyncio
from typing import TYPE_CHECKING

import click

from xerotui.cli.app import Root
from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import json_option

if TYPE_CHECKING:
    from xerotui.workspace.pages import Finding


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, json: bool) -> int:
    """Check connections, plugins, worker and stores; ends with 2 when something is bad."""
    root: Root = ctx.find_root().obj
    root.json = json
    return _told(Output(json=json), asyncio.run(_findings(root)))


async def _findings(root: Root) -> "tuple[Finding, ...]":
    from xerotui.workspace import checkup
    from xerotui.workspace.door import Workspace

    try:
        space = await Workspace.open(root.home, read_only=root.read_only)
    except Exception as error:
        # What doesn't open is what doctor is for: each part is looked at by itself.
        return await checkup.unopened(root.home, error)
    try:
        return await space.doctor()
    finally:
        await space.close()


def _told(out: Output, findings: "tuple[Finding, ...]") -> int:
    if out.json:
        out.data(findings)
    else:
        signs = {"ok": "✓", "warn": "!", "bad": "✗"}
        out.table(
            ("", "Where", "What", "Detail", "Remedy"),
            [(signs.get(f.level, f.level), f.area, f.title, f.detail, f.remedy) for f in findings],
        )
    return Exit.PROBLEMS if any(f.level == "bad" for f in findings) else Exit.DONE
