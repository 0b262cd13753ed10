"""Rows of Errors: causes, and the records that wait for one."""

from collections.abc import Mapping

from rich.text import Text

from xerotui.console.places import leads
from xerotui.console.text import join, safe, stack, when
from xerotui.console.widgets.columns import Column, Row
from xerotui.model.problems import Problem
from xerotui.workspace.pages import CauseRow

COLUMNS = (
    Column("Records", 9, right=True),
    Column("Cause", 34),
    Column("What is wrong", 0),
    Column("Organisation", 24, least=140, middle=True),
    Column("Since", 13, least=100),
)
RECORDS = (
    Column("Kind", 15),
    Column("Record", 22),
    Column("What is wrong", 0),
    Column("Organisation", 22, least=140, middle=True),
    Column("Since", 13, least=100),
)
ORDER = (
    Column("Since", 13),
    Column("Kind", 14),
    Column("Record", 20),
    Column("What is wrong", 0),
    Column("Organisation", 22, least=140, middle=True),
)


def cause_key(code: str, subject: str) -> str:
    """The key of a cause's row."""
    return f"{code}\x1f{subject}"


def cause(item: CauseRow, names: Mapping[str, str]) -> Row:
    """One cause; one that blocks nothing is a warning."""
    number = safe(f"{'!' if item.blocks else '·'} {item.records:,}", "bold yellow" if item.blocks else "dim")
    tenants = ", ".join(names.get(tenant, tenant) for tenant in item.tenants)
    return Row(
        cause_key(item.code, item.subject),
        (number, safe(item.title), safe(item.sentence), safe(tenants, "dim"), safe(when(item.oldest), "dim")),
    )


def cause_text(item: CauseRow, names: Mapping[str, str]) -> Text:
    """A cause in full, for the pane."""
    parts: list[object] = [
        safe(item.title, "bold"),
        safe(f"{item.records:,} records: {', '.join(item.kinds)}" if item.kinds else f"{item.records:,} records"),
        "",
        safe(item.sentence),
    ]
    if item.remedy:
        parts += ["", Text("What to do", style="bold"), safe(item.remedy)]
    if leads(item.place):
        parts.append(safe("g goes there.", "cyan"))
    parts += ["", safe(", ".join(names.get(tenant, tenant) for tenant in item.tenants), "dim")]
    parts.append(join(safe(item.code, "dim"), safe(f"  {item.subject}", "dim")))
    if item.oldest is not None:
        parts.append(safe(f"since {when(item.oldest)} UTC", "dim"))
    return stack(*parts)


def record_key(item: Problem) -> str:
    """The key of a record's row."""
    return "\x1f".join((item.record.connection, item.record.kind.value, item.record.id, item.record.tenant))


def record(item: Problem, names: Mapping[str, str]) -> Row:
    """One record that waits."""
    return Row(
        record_key(item),
        (
            safe(item.record.kind.label),
            safe(item.record.title or item.record.id),
            safe(item.sentence),
            safe(names.get(item.record.tenant, item.record.tenant), "dim"),
            safe(when(item.at), "dim"),
        ),
    )


def in_order(item: Problem, names: Mapping[str, str]) -> Row:
    """One problem by itself; a record may have several."""
    return Row(
        "\x1f".join((record_key(item), item.code, item.subject)),
        (
            safe(when(item.at), "dim"),
            safe(item.record.kind.label),
            safe(item.record.title or item.record.id),
            safe(item.sentence),
            safe(names.get(item.record.tenant, item.record.tenant), "dim"),
        ),
    )
