"""`xerotui tenants logins|disconnect|delete`: the logins to Xero, and how they end."""

import sys
from typing import TYPE_CHECKING

import click

from xerotui.cli.output import Output
from xerotui.cli.runner import command, tenant_id
from xerotui.cli.text import safe

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.login_pages import Parted, XeroConnectionRow

_local_only = click.option(
    "--local-only", is_flag=True, help="Ask nothing of Xero: forget it here alone, and disconnect it there by hand."
)
# A login that is withdrawn takes every connection that its person made with the app (xero-api section 1.5).
_OTHERS = "Other installations with the same app and person lose theirs too."
_yes = click.option("--yes", is_flag=True, help="Don't ask.")


@click.command()
@command
async def logins(space: "Workspace", out: Output) -> None:
    """The Xero connections: their state, their organisations, what each was granted."""
    rows = await space.xero_connections()
    if out.json:
        out.data(rows)
        return
    names = {row.tenant: row.name for row in await space.tenants()}
    out.table(
        ("Connection", "Kind", "State", "Organisations", "Missing permissions"),
        [
            (
                row.name,
                row.kind,
                row.state + (", a newer login isn't saved" if row.unsaved and row.state != "unsaved" else ""),
                ", ".join(names.get(tenant, tenant) for tenant in row.tenants),
                ", ".join(scope.scopes[0] for scope in row.scopes if not scope.granted_by),
            )
            for row in rows
        ],
        "Xero connections",
        "none; connect one with: xerotui connect xero",
    )


@click.command()
@click.argument("organisation")
@_local_only
@_yes
@command
async def disconnect(space: "Workspace", out: Output, *, organisation: str, local_only: bool, yes: bool) -> None:
    """Take an organisation away from its login, at Xero too. Links, mappings and history stay.

    With its last organisation the login ends.
    """
    chosen = await tenant_id(space, organisation, needed=True)
    row = next(row for row in await space.tenants() if row.tenant == chosen)
    alone = sum(other.connection == row.connection for other in await space.tenants()) == 1
    end = f" It is the last one of {row.connection_name}: the login ends. {_OTHERS}" if alone and row.connection else ""
    _agreed(f"Disconnect {row.name}? Links, mappings and history stay.{end}", yes=yes)
    _parted(out, await space.tenant_disconnect(chosen, local_only=local_only))


@click.command()
@click.argument("connection")
@_local_only
@_yes
@command
async def delete(space: "Workspace", out: Output, *, connection: str, local_only: bool, yes: bool) -> None:
    """End a Xero login and forget it, with all of its organisations. Links, mappings and history stay.

    CONNECTION is its name, as `xerotui tenants logins` lists it.
    """
    row = _login(await space.xero_connections(), connection)
    names = {t.tenant: t.name for t in await space.tenants()}
    held = ", ".join(names.get(tenant, tenant) for tenant in row.tenants) or "no organisation"
    _agreed(f"End the login {row.name} ({held}), at Xero too? Links, mappings and history stay. {_OTHERS}", yes=yes)
    _parted(out, await space.login_delete(row.connection, local_only=local_only))


def _login(rows: "tuple[XeroConnectionRow, ...]", given: str) -> "XeroConnectionRow":
    wanted = given.casefold()
    found = [row for row in rows if wanted in (row.connection.casefold(), row.name.casefold())]
    if len(found) != 1:
        raise click.UsageError(f"{'No' if not found else 'More than one'} Xero connection is called {given!r}.")
    return found[0]


def _agreed(question: str, *, yes: bool) -> None:
    """Ask before something is taken away; where nobody can be asked, --yes must have said so."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Where nobody can be asked, --yes agrees.")
    click.confirm(safe(question), abort=True, err=True)


def _parted(out: Output, parted: "Parted") -> None:
    if out.json:
        out.data(parted)
    for name in parted.tenants:
        out.say(f"Disconnected {name}. Links, mappings and history are kept.")
    out.say(parted.at_xero)
    if parted.login_ended:
        out.say(f"The login {parted.name} has ended.")
