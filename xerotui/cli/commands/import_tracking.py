"""`xerotui import tracking`: Xero's categories and options are read anew and offered to the source's placeholders.

Placeholders are named at the source itself: nothing is written there.
"""

from typing import TYPE_CHECKING

from xerotui.cli.codes import Exit
from xerotui.cli.follow import followed
from xerotui.cli.output import Output
from xerotui.cli.runner import source_id, tenant_id
from xerotui.model.paging import View

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace

SPEC = "tracking"


async def tracking(space: "Workspace", out: Output, *, connection: str, tenant: str) -> int:
    """Read again, then say which category each placeholder belongs to; ends with 2 where one belongs to none."""
    source = await source_id(space, connection)
    chosen = await tenant_id(space, tenant, needed=True)
    await followed(space, out, "refresh", connection=source, tenant=chosen)
    rows = (await space.mapping(SPEC, source, chosen, View(limit=50))).rows
    offered = await space.mapping_targets(SPEC, source, chosen, rows[0].value) if rows else ()
    if out.json:
        out.data({"placeholders": rows, "categories": offered})
    else:
        out.table(
            ("Placeholder", "State", "Category in Xero"),
            [(r.title, r.state, r.target_title) for r in rows],
            empty="the source names no tracking placeholder; name them in its own settings",
        )
        out.line("")
        out.table(("Category in Xero", "Options", ""), [(t.title, t.detail, t.reason) for t in offered])
        out.say("Map one: xerotui map set PLACEHOLDER CATEGORY --spec tracking. Its options go by their names.")
    return Exit.PROBLEMS if any(r.state in ("unmapped", "broken") for r in rows) else Exit.DONE
