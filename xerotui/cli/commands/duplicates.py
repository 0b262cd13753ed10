"""`xerotui import duplicates`: contacts that look twice in Xero, before anything is imported."""

from itertools import groupby
from typing import TYPE_CHECKING

from xerotui.cli.codes import Exit
from xerotui.cli.output import Output
from xerotui.cli.runner import tenant_id
from xerotui.model.paging import View

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace
    from xerotui.workspace.duplicates import DuplicateRow


async def duplicates(space: "Workspace", out: Output, *, tenant: str) -> int:
    """List the groups of one organisation, or of all; as JSON a list of groups with their contacts."""
    from xerotui.workspace.duplicates import ADVICE

    chosen = await tenant_id(space, tenant)
    rows: list[DuplicateRow] = []
    anchor = ""
    while True:
        page = await space.duplicates(View(fields={"tenant": chosen} if chosen else {}, anchor=anchor, limit=500))
        rows += page.rows
        if not (anchor := page.next):
            break
    if out.json:
        out.data([_group(list(some)) for _, some in groupby(rows, key=lambda r: r.group)])
        return Exit.DONE
    out.table(
        (">Group", "Organisation", "Contact", "Number", "E-mail", "Alike in", "State", "Linked with"),
        [
            (
                r.group,
                r.tenant_name,
                r.name,
                r.number,
                r.email,
                ", ".join(r.by),
                "archived" if r.archived else "active",
                ", ".join(r.linked),
            )
            for r in rows
        ],
        empty="no contact looks twice",
    )
    if rows:
        out.say(ADVICE)
    return Exit.DONE


def _group(rows: "list[DuplicateRow]") -> dict[str, object]:
    first = rows[0]
    contacts = [
        {
            "id": r.id,
            "name": r.name,
            "number": r.number,
            "email": r.email,
            "tax_number": r.tax_number,
            "archived": r.archived,
            "linked": r.linked,
        }
        for r in rows
    ]
    return {"tenant": first.tenant, "tenant_name": first.tenant_name, "by": first.by, "contacts": contacts}
