"""`xerotui tenants show`: the connection to one organisation in full."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import command, tenant_id
from xerotui.cli.text import safe

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.report import ConnectionReport

_SIGNS = {"ok": "✓", "warn": "!", "bad": "✗"}


@click.command("show")
@click.argument("organisation")
@click.option("--check", is_flag=True, help="First ask Xero: what it is, what may be done there, whether calls work.")
@command
async def show(space: "Workspace", out: Output, *, organisation: str, check: bool) -> int:
    """Everything known of an organisation's connection; ends with 2 when something is bad.

    Login, permissions, calls and data used, lock dates, how old what was read is.
    """
    chosen = await tenant_id(space, organisation)
    report = await (space.connection_check(chosen) if check else space.connection(chosen))
    if out.json:
        out.data(report)
    else:
        _tell(out, report)
    return Exit.PROBLEMS if any(finding.level == "bad" for finding in report.findings) else Exit.DONE


def _tell(out: Output, report: "ConnectionReport") -> None:
    from xerotui.workspace.report_words import badge, sections

    out.line(f"{safe(report.name)}  {badge(report)}".rstrip())
    for section in sections(report):
        out.line("")
        out.line(section.title)
        width = max(len(said.label) for said in section.lines)
        for said in section.lines:
            label = f"{safe(said.label):<{width}}  " if said.label else ""
            out.line(f"{_SIGNS.get(said.level, ' ')} {label}{safe(said.words, 600)}")
