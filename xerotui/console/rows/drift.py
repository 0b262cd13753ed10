"""Rows of Drift: where the two sides differ, what either says, and what becomes of it."""

from collections.abc import Mapping

from rich.text import Text

from xerotui.console.rows.signs import worded
from xerotui.console.text import join, money, safe, short, stack
from xerotui.console.widgets.columns import Column, Row
from xerotui.workspace.back import SORTS, ApartRow

COLUMNS = (
    Column("What", 9),
    Column("Kind", 10),
    Column("Record", 20),
    Column("Field", 12),
    Column("Source → Xero", 0),
    Column("Owner", 7, least=100),
    Column("Organisation", 22, least=140, middle=True),
)


def row(item: ApartRow, names: Mapping[str, str]) -> Row:
    """One difference."""
    return Row(
        item.key,
        (
            worded(item.what),
            safe(item.kind.label),
            safe(item.title),
            safe(item.field_title),
            between(item),
            safe(item.owner, "dim"),
            safe(names.get(item.tenant, item.tenant), "dim"),
        ),
    )


def between(item: ApartRow) -> Text:
    """What either side says, in a line."""
    if item.what == "born":
        return join(safe(money(item.total, item.currency), "bold"), " ", safe(item.party))
    if item.what == "lost":
        return join(safe(item.xero, "cyan"), " ", safe(item.party, "dim"))
    # The first never takes the room of the second; both are whole in the pane and on the story.
    return join(safe(short(item.source or "nothing", 18), "yellow"), " → ", safe(item.xero or "nothing", "cyan"))


def detail(item: ApartRow, names: Mapping[str, str]) -> Text:
    """One difference in full."""
    parts: list[object] = [
        safe(f"{item.kind.label} {item.title}", "bold", 300),
        safe(SORTS.get(item.what, item.what), "yellow"),
        safe(item.party, "dim", 200),
        "",
    ]
    if item.field:
        parts.append(safe(f"Field   {item.field_title}"))
    if item.source or item.xero:
        parts += [
            safe(f"Source  {item.source or 'nothing'}", "", 400),
            safe(f"Xero    {item.xero or 'nothing'}", "", 400),
        ]
    if item.owner:
        parts.append(safe(f"Owner   {item.owner}"))
    if item.total is not None:
        parts.append(safe(f"Total   {money(item.total, item.currency)}"))
    parts += ["", safe(item.why, "", 500), "", safe(names.get(item.tenant, item.tenant), "dim")]
    return stack(*parts)
