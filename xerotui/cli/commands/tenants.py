"""`xerotui tenants`: both kinds of connection, reading them again, a tenant's own settings, and leaving Xero."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from xerotui.cli.app import Root
from xerotui.cli.codes import Exit
from xerotui.cli.commands.pair import told
from xerotui.cli.commands.tenants_leave import delete, disconnect, logins
from xerotui.cli.commands.tenants_native import confirm_native, native
from xerotui.cli.commands.tenants_show import show
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.cli.runner import command, run_async, source_id, source_option, tenant_id
from xerotui.model.problems import SyncError

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace


@click.group(invoke_without_command=True)
@click.option("--refresh", is_flag=True, help="First read accounts, tax rates and records of both sides again.")
@click.option("--tenant", default="", help="Only this organisation.")
@click.option("--json", "json", is_flag=True, help="Data as JSON on stdout, for scripts.")
@click.pass_context
def tenants(ctx: click.Context, refresh: bool, tenant: str, json: bool) -> int:
    """Xero organisations and source connections."""
    if ctx.invoked_subcommand is not None:
        return 0
    state: Root = ctx.find_root().obj
    return run_async(state, Output(json=json), _list, refresh=refresh, tenant=tenant)


async def _list(space: "Workspace", out: Output, *, refresh: bool, tenant: str) -> int:
    chosen = await tenant_id(space, tenant)
    if notice := await space.book_notice():
        out.say(notice)
    failures = await _refresh(space, out, chosen) if refresh else []
    rows = [row for row in await space.tenants() if not chosen or row.tenant == chosen]
    sources = await space.sources()
    without = await space.unassigned()
    code = failures[0].exit_code if failures else Exit.DONE
    if out.json:
        errors = [{"code": e.code, "sentence": e.sentence, "remedy": e.remedy} for e in failures]
        out.data({"tenants": rows, "sources": sources, "unassigned": without, **({"errors": errors} if errors else {})})
        return code
    out.table(
        (
            "Organisation",
            "State",
            ">Login ends in",
            "Country",
            "Currency",
            ">Links",
            ">Problems",
            ">Calls today",
            "Locked until",
        ),
        [
            (
                row.name
                + (" [demo]" if row.is_demo else "")
                + (" [read-only]" if row.read_only else "")
                + (" [automatic]" if row.automatic else "")
                + (" [waits for its first plan]" if row.unproven else "")
                + (" [two writers]" if row.two_writers else ""),
                row.state,
                ("< 1 d" if row.days_left < 1 else f"{row.days_left} d") if row.days_left is not None else "",
                row.country,
                row.currency,
                sum(row.links.values()),
                row.problems,
                f"{row.day_used}/{row.day_limit}" if row.day_limit else "",
                row.locked_until,
            )
            for row in rows
        ],
        "Xero organisations",
        "none; connect one with: xerotui connect xero",
    )
    from xerotui.workspace.pages import UNPROVEN

    for row in rows:
        if row.unproven:
            out.line(f"{row.name}: {UNPROVEN}: xerotui plan, then xerotui apply.")
    out.line("")
    out.table(
        ("Source", "System", "State", "Detail"),
        [(s.name, s.title, s.state, s.detail or without.get(s.id, "")) for s in sources],
        "Sources",
        "none; connect one with: xerotui connect SOURCE",
    )
    for login in await space.xero_connections():
        if login.state == "unsaved":
            out.say(
                f"{login.name} was signed in but not saved, so it doesn't sync: save it in the console, or delete it."
            )
    return code


async def _refresh(space: "Workspace", out: Output, tenant: str) -> list[SyncError]:
    """Read every source and its organisations again; what failed, because one that fails hides no other."""
    failures: list[SyncError] = []
    for row in await space.sources():
        if not row.enabled:
            continue
        try:
            await followed(space, out, "refresh", connection=row.id, **({"tenant": tenant} if tenant else {}))
        except SyncError as error:
            if error.code == "core.read_only":
                raise
            failures.append(error)
            said = f"{row.name}: {error.sentence.rstrip('.')}."
            out.say(f"{said} {error.remedy}".strip())
    return failures


@tenants.command("set")
@click.argument("organisation")
@click.option("--read-only/--writable", "read_only", default=None, help="Whether the worker may write to it.")
@click.option("--accent", default=None, help="Colour that marks it in the console.")
@click.option(
    "--poll",
    type=click.IntRange(0, 1440),
    default=None,
    metavar="MINUTES",
    help="How often a living worker reads what changed in it; 0 = never.",
)
@click.option(
    "--reread",
    type=click.IntRange(0, 1440),
    default=None,
    metavar="MINUTES",
    help="How old accounts, tax rates and tracking may be before a plan reads them again; 0 = always.",
)
@click.option(
    "--start-date",
    "starts",
    multiple=True,
    metavar="[KIND=]DATE",
    help="Leave documents of an earlier date alone: 2026-01-31, or of one kind invoice=2026-01-31; none for all.",
)
@click.option("--dry-run", is_flag=True, help="With start dates: say what they part and let in, and save nothing.")
@source_option
@command
async def set_(
    space: "Workspace",
    out: Output,
    *,
    organisation: str,
    read_only: bool | None,
    accent: str | None,
    poll: int | None,
    reread: int | None,
    starts: tuple[str, ...],
    dry_run: bool,
    connection: str,
) -> None:
    """Change an organisation's own settings, and from which day a source's documents sync with it."""
    chosen = await tenant_id(space, organisation)
    fields: dict[str, Any] = {}
    if read_only is not None:
        fields["read_only"] = read_only
    if accent is not None:
        fields["accent"] = accent
    if poll is not None:
        fields["poll_minutes"] = poll
    if reread is not None:
        fields["reread_minutes"] = reread
    days = _days(starts)
    if not fields and not days:
        raise click.UsageError("Nothing to set: --read-only, --writable, --accent, --poll, --reread or --start-date.")
    if dry_run and fields:
        raise click.UsageError("--dry-run goes with --start-date alone.")
    moved = None
    if days:
        from xerotui.workspace.policies import start_values

        source = await source_id(space, connection)
        moved = await space.pair_change(source, chosen, start_values(days), dry_run=dry_run)
    if fields:
        await space.tenant_set(chosen, **fields)
    if out.json:
        more = {"start": days, "sides": moved.start.sides, "entering": moved.start.entering} if moved else {}
        out.data({"tenant": chosen, **fields, **more, **({"saved": False} if dry_run else {})})
        return
    if moved is not None:
        told(out, moved)
    if fields:
        out.say("Set.")


async def _switched(space: "Workspace", out: Output, source: str, *, on: bool) -> None:
    chosen = await source_id(space, source)
    waiting = await space.source_switch(chosen, on=on)
    if out.json:
        out.data({"source": chosen, "enabled": on, "waiting": waiting})
        return
    held = f" {waiting} operations wait for it." if waiting else ""
    out.say("Switched on." if on else f"Switched off: nothing is read, planned or sent for it.{held}")


@tenants.command("off")
@click.argument("source")
@command
async def off(space: "Workspace", out: Output, *, source: str) -> None:
    """Switch a source off: nothing is read, planned or sent for it, and what waits stays."""
    await _switched(space, out, source, on=False)


@tenants.command("on")
@click.argument("source")
@command
async def on(space: "Workspace", out: Output, *, source: str) -> None:
    """Switch a source on again; what waited goes on."""
    await _switched(space, out, source, on=True)


def _days(starts: tuple[str, ...]) -> dict[str, dt.date | None]:
    """Start dates by kind; a date without a kind is for all of them."""
    from xerotui.workspace.report import STARTING

    kinds = [kind.value for kind in STARTING]
    days: dict[str, dt.date | None] = {}
    for text in starts:
        kind, equals, written = text.rpartition("=")
        kind = kind.strip().replace("-", "_")
        if equals and kind not in kinds:
            raise click.UsageError(f"--start-date: one of {', '.join(kinds)}, not {kind!r}.")
        try:
            day = None if written.strip().casefold() == "none" else dt.date.fromisoformat(written.strip())
        except ValueError:
            raise click.UsageError(f"--start-date: a date such as 2026-01-31, or none, not {written!r}.") from None
        days |= dict.fromkeys([kind] if equals else kinds, day)
    return days


for _command in (show, logins, disconnect, delete, native, confirm_native):
    tenants.add_command(_command)
