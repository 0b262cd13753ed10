"""`xerotui import move`: the link of a customer or supplier goes to another contact or organisation, shown first."""

import sys
from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.cli.runner import source_id, tenant_id
from xerotui.cli.text import money, safe
from xerotui.model.kinds import Kind

if TYPE_CHECKING:
    from xerotui.model.moves import Move, Sum
    from xerotui.workspace.door import Workspace


async def move(
    space: "Workspace",
    out: Output,
    *,
    connection: str,
    tenant: str,
    kind: Kind,
    name: str,
    to: str,
    dry_run: bool,
    yes: bool,
) -> int:
    """Show what the move would do, ask, and do it."""
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant, needed=True)
    words = to.strip().casefold()
    abroad = next((r.tenant for r in await space.tenants() if words in (r.tenant.casefold(), r.name.casefold())), to)
    shown = await space.moved(source, kind, name, chosen, abroad)
    if not out.json:
        _show(out, shown)
    if dry_run or shown.obstacle:
        if out.json:
            out.data(shown)
        return Exit.REFUSED if shown.obstacle else Exit.DONE
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Moving needs --yes where nobody can be asked.")
        if not click.confirm("Move it?", default=False, err=True):
            out.say("Not moved.")
            return Exit.REFUSED
    where = shown.to_tenant if shown.to_tenant != shown.tenant else shown.to
    args = {"connection": source, "kind": kind.value, "record": shown.record, "tenant": chosen, "to": where}
    await followed(space, out, "move", **args, contact=shown.to)
    if out.json:
        out.data(shown)
    out.say("Moved.")
    return Exit.DONE


def _show(out: Output, shown: "Move") -> None:
    contact = shown.to_name or "the contact that the next plan finds or makes"
    out.facts(
        [
            (shown.kind.label.capitalize(), f"{safe(shown.title)} ({shown.record})"),
            ("From", f"{safe(shown.contact_name)} in {safe(shown.tenant_name)}"),
            ("To", f"{safe(contact)} in {safe(shown.to_tenant_name)}"),
            ("Stays", _sums(shown.stays) or "nothing is in Xero yet"),
            ("Goes", _sums(shown.goes) or "nothing waits"),
            ("Can't be done", shown.obstacle),
            ("Remedy", shown.remedy),
        ]
    )


def _sums(sums: "tuple[Sum, ...]") -> str:
    return ", ".join(f"{s.documents} documents, {money(s.total, s.currency)}" for s in sums)
