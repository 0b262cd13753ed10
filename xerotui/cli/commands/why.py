"""`xerotui why`: any record by number, name or id, in whatever state, and its whole story."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.commands.queue import told
from xerotui.cli.output import Output
from xerotui.cli.runner import command, source_id, source_option, tenant_id, tenant_option
from xerotui.model.kinds import SYNCED
from xerotui.model.problems import SyncError

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.pages import SearchRow

# As many as are sought before kind, organisation and source narrow them.
_MOST = 200
_STOPPED = ("blocked", "rejected", "parked", "unknown")


@click.command()
@click.argument("words", metavar="NUMBER|NAME")
@click.option("--kind", type=click.Choice([k.value for k in SYNCED]), help="Only records of this kind.")
@tenant_option
@source_option
@command
async def why(space: "Workspace", out: Output, *, words: str, kind: str | None, tenant: str, connection: str) -> int:
    """Why a record is in Xero or isn't: its story from the source to Xero, whatever its state.

    Several that fit are listed with state and reason. Ends with 2 when the one found is stopped, 4 when nobody
    knows it.
    """
    chosen = await meant(space, words, kind or "", tenant, connection)
    if len(chosen) > 1:
        return await _several(space, out, chosen)
    row = chosen[0]
    story = await space.story(row.connection, row.kind, row.record, row.tenant)
    if out.json:
        out.data({"story": story, "found": chosen})
    else:
        await told(out, story)
    return Exit.PROBLEMS if story.state in _STOPPED else Exit.DONE


async def meant(space: "Workspace", words: str, kind: str, tenant: str, connection: str) -> "list[SearchRow]":
    """The records that words mean: those of that very number or name, else of that id, else all that hold the words.

    Raises SyncError when nobody knows one, click.UsageError for no words.
    """
    if not words.strip():
        raise click.UsageError("Say a number or a name.")
    organisation = await tenant_id(space, tenant)
    source = await source_id(space, connection) if connection else ""
    rows = [
        row
        for row in await space.search(words, _MOST)
        if (not kind or row.kind == kind)
        and (not organisation or row.tenant == organisation)
        and (not source or row.connection == source)
    ]
    if not rows:
        raise SyncError(
            f"Nobody knows a record like {words}",
            "Read both sides again: xerotui tenants --refresh.",
            code="core.record",
            exit_code=Exit.REFUSED,
        )
    wanted = words.strip().casefold()
    exact = [row for row in rows if wanted in (row.title.casefold(), row.record.casefold())]
    titled = [row for row in exact if row.title.casefold() == wanted]
    return titled or exact or rows


async def _several(space: "Workspace", out: Output, rows: list["SearchRow"]) -> int:
    if out.json:
        out.data({"story": None, "found": rows})
        return Exit.DONE
    names = {tenant.tenant: tenant.name for tenant in await space.tenants()}
    out.table(
        ("Kind", "Id", "Record", "Organisation", "State", "Why"),
        [(r.kind.label, r.record, r.title, names.get(r.tenant, r.tenant), r.state, r.reason) for r in rows],
    )
    out.say("Several fit. Say more of the name, or --kind, --tenant, --source, or the id.")
    return Exit.DONE
