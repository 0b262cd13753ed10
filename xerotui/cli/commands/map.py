"""`xerotui map`: mappings listed, set, cleared, and proposals taken; for tax rates and a source's own values alike."""

import datetime as dt
from typing import TYPE_CHECKING, TextIO

import click

from xerotui.cli.app import Root
from xerotui.cli.commands import map_sheet
from xerotui.cli.output import Output
from xerotui.cli.runner import command, run_async, source_id, source_option, tenant_id, tenant_option
from xerotui.cli.text import safe, when
from xerotui.model.paging import View

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import MappingRow

_spec = click.option("--spec", default="tax", show_default=True, help="What is mapped; see --specs.")
_trade = click.option("--trade", type=click.Choice(["sales", "purchase"]), default="sales", show_default=True)


@click.group("map", invoke_without_command=True)
@_spec
@source_option
@tenant_option
@click.option("--specs", is_flag=True, help="List what can be mapped.")
@click.option("--state", type=click.Choice(["mapped", "proposed", "unmapped", "broken"]), help="Only these.")
@click.option("--changed", is_flag=True, help="Of all kinds: what Xero renamed, archived or changed since then.")
@click.option("--csv", is_flag=True, help="Of all kinds, or of --spec: as CSV, to be edited and read by --from.")
@click.option("--from", "sheet", type=click.File(), help="Read such a CSV and show what it would change; - is stdin.")
@click.option("--dry-run", is_flag=True, help="Of --from: show it, then stop.")
@click.option("--yes", is_flag=True, help="Of --from: don't ask.")
@click.option("--targets", "value", default="", help="List what this source value could become.")
@click.option("--json", "json", is_flag=True, help="Data as JSON on stdout, for scripts.")
@click.pass_context
def map_(
    ctx: click.Context,
    spec: str,
    connection: str,
    tenant: str,
    specs: bool,
    changed: bool,
    csv: bool,
    sheet: TextIO | None,
    dry_run: bool,
    yes: bool,
    state: str,
    value: str,
    json: bool,
) -> int:
    """Which Xero value each source value becomes."""
    if ctx.invoked_subcommand is not None:
        return 0
    root: Root = ctx.find_root().obj
    out = Output(json=json)
    if specs:
        return run_async(root, out, _specs)
    named = ctx.get_parameter_source("spec") is not click.core.ParameterSource.DEFAULT
    where = {"spec": spec if named else "", "connection": connection, "tenant": tenant}
    if csv and json:
        raise click.UsageError("One of --csv and --json.")
    if changed:
        return run_async(root, out, map_sheet.changed, **where)
    if csv:
        return run_async(root, out, map_sheet.sheet, **where)
    if sheet is not None:
        return run_async(root, out, map_sheet.read, text=sheet.read(), dry_run=dry_run, yes=yes)
    if value:
        return run_async(root, out, _targets, spec=spec, connection=connection, tenant=tenant, value=value)
    return run_async(root, out, _list, spec=spec, connection=connection, tenant=tenant, state=state or "")


async def _specs(space: "Workspace", out: Output) -> None:
    rows = await space.mapping_specs()
    if out.json:
        out.data(rows)
        return
    out.table(("Spec", "What", "Becomes", "Help"), [(r.id, r.source_title, r.target, r.help) for r in rows])


async def _list(space: "Workspace", out: Output, *, spec: str, connection: str, tenant: str, state: str) -> None:
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant)
    rows = []
    for row in await space.tenants():
        if chosen and row.tenant != chosen:
            continue
        anchor = ""
        while True:
            page = await space.mapping(spec, source, row.tenant, View(anchor=anchor, limit=200))
            rows += [(row.name, r) for r in page.rows if not state or r.state == state]
            anchor = page.next
            if not anchor:
                break
    if out.json:
        out.data([r for _, r in rows])
        return
    out.table(
        ("Organisation", "Value", "What", "Trade", "State", "Becomes", ">Used", ">Waiting"),
        [(name, r.value, r.title, r.trade, r.state, _becomes(r), r.used, r.waiting) for name, r in rows],
        empty="nothing to map",
    )
    for name, r in rows:
        if r.changed or r.note:
            out.say(f"{name}: {r.title} ({r.trade}): {r.changed or r.note}.")
    for name, read in {name: r.read for name, r in rows if r.read}.items():
        out.say(f"{name}: Xero's list was read {when(dt.datetime.fromisoformat(read))}.")


def _becomes(row: "MappingRow") -> str:
    """What it is mapped to; what serves the other side of the books alone is told below."""
    return "" if row.state == "unmapped" else row.target_title or row.target


async def _targets(space: "Workspace", out: Output, *, spec: str, connection: str, tenant: str, value: str) -> None:
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant, needed=True)
    rows = await space.mapping_targets(spec, source, chosen, value)
    if out.json:
        out.data(rows)
        return
    out.table(
        ("", "Target", "Title", "Detail"),
        [("" if r.allowed else "✗", r.id, r.title, r.detail if r.allowed else r.reason) for r in rows],
    )


@map_.command("set")
@click.argument("value")
@click.argument("target")
@_spec
@_trade
@source_option
@tenant_option
@command
async def set_(
    space: "Workspace", out: Output, *, value: str, target: str, spec: str, trade: str, connection: str, tenant: str
) -> None:
    """Map source VALUE to Xero TARGET (its code or id)."""
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant, needed=True)
    await space.map_set(spec, source, chosen, value, target, trade)
    if out.json:
        out.data({"spec": spec, "tenant": chosen, "value": value, "trade": trade, "target": target})
    out.say(f"Mapped {safe(value)} to {safe(target)}.")


@map_.command("clear")
@click.argument("value")
@_spec
@_trade
@source_option
@tenant_option
@command
async def clear(
    space: "Workspace", out: Output, *, value: str, spec: str, trade: str, connection: str, tenant: str
) -> None:
    """Remove the mapping of source VALUE."""
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant, needed=True)
    await space.map_clear(spec, source, chosen, value, trade)
    if out.json:
        out.data({"spec": spec, "tenant": chosen, "value": value, "trade": trade, "target": None})
    out.say(f"Unmapped {safe(value)}.")


@map_.command("accept")
@_spec
@source_option
@tenant_option
@command
async def accept(space: "Workspace", out: Output, *, spec: str, connection: str, tenant: str) -> None:
    """Take every proposal of an equal rate."""
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant)
    taken = {}
    for row in await space.tenants():
        if not chosen or row.tenant == chosen:
            taken[row.tenant] = await space.map_accept(spec, source, row.tenant)
    if out.json:
        out.data(taken)
    out.say(f"{sum(taken.values())} taken.")
