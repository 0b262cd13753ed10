"""`xerotui credits`: credit notes of which something isn't laid on an invoice yet."""

from typing import TYPE_CHECKING

import click

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import command, source_id, source_option, tenant_id, tenant_option
from xerotui.cli.text import money

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace


@click.command()
@tenant_option
@source_option
@command
async def credits_(space: "Workspace", out: Output, *, tenant: str, connection: str) -> int:
    """Credit notes in Xero of which something isn't laid on an invoice: how much is left, and why.

    As Xero was read last. Read it again: xerotui tenants --refresh.
    """
    source = await source_id(space, connection) if connection else ""
    rows = await space.credits(source, await tenant_id(space, tenant))
    if out.json:
        out.data({"credits": rows})
        return Exit.DONE
    names = {t.tenant: t.name for t in await space.tenants()}
    out.table(
        ("Organisation", "Credit note", "Of", "Customer", "Status", ">Total", ">Left", "Why"),
        [
            (
                names.get(r.tenant, r.tenant),
                r.number,
                r.original,
                r.party,
                r.status.lower(),
                money(r.total, r.currency),
                money(r.left, r.currency),
                r.reason,
            )
            for r in rows
        ],
        empty="no credit is left unallocated",
    )
    return Exit.DONE
