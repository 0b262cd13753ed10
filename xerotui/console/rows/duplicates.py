"""Rows of contacts that look twice: one line a contact, its group's number in front."""

from rich.text import Text

from xerotui.console.rows.signs import worded
from xerotui.console.text import safe, stack
from xerotui.console.widgets.columns import Column, Row
from xerotui.workspace.duplicates import ADVICE, DuplicateRow

COLUMNS = (
    Column("Group", 6, right=True),
    Column("Contact", 0),
    Column("Number", 10),
    Column("Alike in", 24),
    Column("State", 12),
    Column("Organisation", 24, least=140, middle=True),
)


def row(item: DuplicateRow) -> Row:
    """One contact."""
    state = worded("off", "archived") if item.archived else worded("linked") if item.linked else safe("active")
    return Row(
        f"{item.tenant}\x1f{item.id}",
        (
            safe(f"{item.group:,}", "bold"),
            safe(item.name, "dim" if item.archived else ""),
            safe(item.number),
            safe(", ".join(item.by), "yellow"),
            state,
            safe(item.tenant_name, "dim"),
        ),
    )


def detail(item: DuplicateRow) -> Text:
    """One contact in full, and what can be done about its group."""
    return stack(
        safe(item.name, "bold"),
        "",
        safe(f"Account number  {item.number or 'none'}"),
        safe(f"E-mail          {item.email or 'none'}"),
        safe(f"Tax number      {item.tax_number or 'none'}"),
        safe(f"Linked with     {', '.join(item.linked) or 'nothing'}"),
        "",
        safe(f"Alike in: {', '.join(item.by)}", "yellow"),
        "",
        safe(ADVICE, "dim"),
    )
