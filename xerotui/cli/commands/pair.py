"""`xerotui pair`: what is synced between a source and an organisation, from when, and how."""

from typing import TYPE_CHECKING, Any

import click

from xerotui.cli.app import Root
from xerotui.cli.output import Output
from xerotui.cli.runner import command, json_option, run_async, source_id, source_option, tenant_id, tenant_option
from xerotui.cli.settings import key, options_of
from xerotui.cli.text import money, safe

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.policies import PairChange, PairView, StartLine


class Pairs(click.Group):
    """`set` gets an option for each setting, made when it is asked for."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """`set` with its options, else as any group."""
        return _set() if cmd_name == "set" else super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """`set` and `show`."""
        return sorted({*super().list_commands(ctx), "set"})


@click.group(cls=Pairs, invoke_without_command=True)
@source_option
@tenant_option
@json_option
@click.pass_context
def pair(ctx: click.Context, connection: str, tenant: str, json: bool) -> int:
    """What is synced between a source and an organisation, from when, and how."""
    if ctx.invoked_subcommand is not None:
        return 0
    state: Root = ctx.find_root().obj
    return run_async(state, Output(json=json), _list, connection=connection, tenant=tenant)


async def _list(space: "Workspace", out: Output, *, connection: str, tenant: str) -> None:
    source = await source_id(space, connection) if connection else ""
    rows = await space.pairs(source, await tenant_id(space, tenant))
    if out.json:
        out.data({"pairs": rows})
        return
    out.table(
        ("Source", "Organisation", "Mode", "Default", "Not as usual"),
        [
            (
                row.source_name + ("" if row.source_on else " [off]"),
                row.tenant_name + (" [read-only]" if row.read_only else ""),
                row.mode + (" [waits for its first plan]" if row.waits else ""),
                "yes" if row.settings["default_tenant"] == "on" else "",
                ", ".join(f"{name.replace('_', ' ')} {row.settings[name] or 'none'}" for name in row.own),
            )
            for row in rows
        ],
        "Pairs of source and organisation",
        "none; connect both sides with: xerotui connect",
    )
    from xerotui.workspace.pages import UNPROVEN

    for row in rows:
        if row.waits:
            out.line(f"{row.source_name}, {row.tenant_name}: {UNPROVEN}: xerotui plan, then xerotui apply.")


async def _chosen(space: "Workspace", source: str, organisation: str) -> tuple[str, str]:
    return await source_id(space, source), await tenant_id(space, organisation)


@pair.command("show")
@click.argument("source")
@click.argument("organisation")
@command
async def show(space: "Workspace", out: Output, *, source: str, organisation: str) -> None:
    """Every setting of one pair, with what it does."""
    view = await space.pair_settings(*await _chosen(space, source, organisation))
    if out.json:
        out.data(view)
    else:
        _tell(space, out, view)


def _tell(space: "Workspace", out: Output, view: "PairView") -> None:
    out.line(f"{safe(view.source_name)} and {safe(view.tenant_name)}" + ("" if view.source_on else "  (source off)"))
    for field in space.pair_form():
        if field.section:
            out.line(f"\n{field.section}")
        if not view.shows(field.name):
            continue
        mark = "*" if field.name in view.own else " "
        out.line(f"{mark} {field.title:<24} {safe(view.settings[field.name]) or 'none':<12} --{_flag(field.name)}")
    out.line("\n* not as usual")


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _set() -> click.Command:
    from xerotui.workspace.forms import drawn
    from xerotui.workspace.policy import PairSettings

    fields = drawn(PairSettings)

    @click.argument("source")
    @click.argument("organisation")
    @click.option("--dry-run", is_flag=True, help="Say what would change, and save nothing.")
    @json_option
    @click.pass_context
    def call(ctx: click.Context, /, source: str, organisation: str, dry_run: bool, json: bool, **options: Any) -> int:
        """Change settings of one pair; what waits is checked again.

        A blank value empties a date, a ceiling or a template.
        """
        given = {field.name: options[key(field)] for field in fields if options[key(field)] is not None}
        if not given:
            raise click.UsageError("Nothing to set: name a setting, as --mode. See: xerotui pair show.", ctx)
        state: Root = ctx.find_root().obj
        return run_async(
            state,
            Output(json=json),
            change,
            source=source,
            organisation=organisation,
            values=given,
            dry_run=dry_run,
        )

    made = click.command("set")(call)
    made.params += options_of(fields, defaults=False)
    return made


async def change(
    space: "Workspace", out: Output, *, source: str, organisation: str, values: dict[str, str], dry_run: bool
) -> None:
    """Save settings of a pair, or only say what they would change."""
    chosen = await _chosen(space, source, organisation)
    told(out, await space.pair_change(*chosen, values, dry_run=dry_run))


def told(out: Output, done: "PairChange") -> None:
    """What a change of settings did, or would do."""
    if out.json:
        out.data(done)
        return
    out.table(
        ("Setting", "Before", "After"), [(c.title, c.before, c.after) for c in done.changes], "", "Nothing changes."
    )
    start_line(out, done.start)
    for note in done.notes:
        out.say(note)
    if done.changes:
        out.say("Saved; what waits is checked again." if done.saved else "Nothing was saved.")


def start_line(out: Output, line: "StartLine") -> None:
    """What a start line parts, by kind and currency, and what it lets in."""
    if line.sides:
        out.line("")
        out.table(
            ("Kind", "From", ">Before", ">Sum before", ">From it on", ">Sum", ">Enter", ">Sum entering"),
            [
                (
                    side.kind.plural,
                    side.start or "the beginning",
                    side.before,
                    money(side.before_total, side.currency),
                    side.after,
                    money(side.after_total, side.currency),
                    side.entering,
                    money(side.entering_total, side.currency) if side.entering else "",
                )
                for side in line.sides
            ],
            "Documents on both sides of the start",
        )
    if line.entering:
        out.line("")
        out.table(
            ("Kind", "Number", "Contact", "Date", ">Total"),
            [(e.kind.label, e.number, e.party, e.date, money(e.total, e.currency)) for e in line.entering],
            "These enter, oldest first",
        )
