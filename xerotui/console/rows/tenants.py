"""Rows of Tenants: organisations and source connections in one table."""

import datetime as dt
from dataclasses import dataclass

from rich.text import Text

from xerotui.console.rows.signs import worded
from xerotui.console.text import bar, count, day, join, safe, stack, when
from xerotui.console.widgets.paged_table import Column, Row
from xerotui.workspace.pages import Finding, SourceRow, TenantRow

COLUMNS = (
    Column("Name", 0, middle=True),
    Column("State", 14),
    Column("Country", 8),
    Column("Links", 6, right=True),
    Column("Problems", 9, right=True),
    Column("Calls today", 12, right=True),
    Column("Locked until", 14, least=140),
    Column("Last call", 20, least=140),
)
FINDINGS = (Column("", 9), Column("Area", 14), Column("What", 0), Column("Found", 0, least=100))


@dataclass(frozen=True)
class Item:
    """A row and what it stands for; neither for a heading."""

    row: Row
    tenant: TenantRow | None = None
    source: SourceRow | None = None


def _heading(key: str, title: str) -> Item:
    return Item(Row(key, (Text(title, end=""),), heading=True))


def _instant(text: str) -> str:
    """An ISO instant as the console writes instants; other words as they are."""
    try:
        return f"{when(dt.datetime.fromisoformat(text))} UTC"
    except ValueError:
        return text


def _tenant(item: TenantRow) -> Item:
    name = safe(item.name, "bold")
    if item.is_demo:
        name = join(name, safe(" demo", "dim"))
    if item.read_only:
        name = join(name, safe(" read-only", "bold yellow"))
    calls = f"{item.day_used:,}/{item.day_limit:,}" if item.day_limit else ""
    return Item(
        Row(
            f"tenant {item.tenant}",
            (
                name,
                worded(item.state),
                safe(f"{item.country} {item.currency}".strip()),
                safe(f"{sum(item.links.values()):,}"),
                safe(f"! {item.problems:,}" if item.problems else "·", "yellow" if item.problems else "dim"),
                safe(calls),
                safe(day(item.locked_until), "dim"),
                safe(_instant(item.last_call), "dim"),
            ),
        ),
        tenant=item,
    )


def _source(item: SourceRow) -> Item:
    cells = (
        join(safe(item.name, "bold"), safe(f"  {item.title}", "dim")),
        worded(item.state if item.enabled else "off"),
    )
    return Item(Row(f"source {item.id}", (*cells, *(Text(""),) * 6)), source=item)


def items(tenants: tuple[TenantRow, ...], sources: tuple[SourceRow, ...]) -> tuple[Item, ...]:
    """Both sections; an empty one says what to press."""
    out = [_heading("# xero", "Xero organisations" if tenants else "Xero organisations: none yet, c connects")]
    out += map(_tenant, tenants)
    out.append(_heading("# sources", "Sources" if sources else "Sources: none yet, s connects one"))
    out += map(_source, sources)
    return tuple(out)


def tenant_text(item: TenantRow) -> Text:
    """Everything known of an organisation."""
    links = [safe(f"  {kind.replace('_', ' ')}: {number:,}") for kind, number in item.links.items() if number]
    parts: list[object] = [
        join(safe(item.name, "bold"), "  ", worded(item.state)),
        safe(f"over connection {item.connection_name}", "dim"),
        safe(f"{item.country}  {item.currency}" + ("  demo company" if item.is_demo else "")),
        "",
        safe("READ-ONLY: nothing is written here (o switches)", "bold yellow") if item.read_only else safe("writable"),
    ]
    if item.day_limit:
        parts.append(safe(f"calls today {bar(item.day_used, item.day_limit, 12)} {item.day_used:,}/{item.day_limit:,}"))
    if item.locked_until is not None:
        parts.append(safe(f"locked until {day(item.locked_until)}"))
    if item.token_expires:
        parts.append(safe(f"sign-in lasts until {_instant(item.token_expires)}"))
    if item.last_call:
        parts.append(safe(f"last call {_instant(item.last_call)}"))
    if item.problems:
        parts.append(safe(f"! {count(item.problems, 'problem')}: see Errors (7)", "yellow"))
    if links:
        parts += ["", Text("Links", style="bold"), *links]
    return stack(*parts)


def source_text(item: SourceRow) -> Text:
    """Everything known of a source connection."""
    return stack(
        join(safe(item.name, "bold"), "  ", worded(item.state if item.enabled else "off")),
        safe(item.title, "dim"),
        safe(item.detail),
    )


def finding(index: int, item: Finding) -> Row:
    """One line of a check."""
    found = item.detail if not item.remedy or item.level == "ok" else f"{item.detail} {item.remedy}".strip()
    return Row(str(index), (worded(item.level), safe(item.area, "dim"), safe(item.title), safe(found)))


def finding_text(item: Finding) -> Text:
    """A finding in full."""
    parts: list[object] = [join(worded(item.level), " ", safe(item.title, "bold")), safe(item.detail)]
    if item.remedy:
        parts += ["", Text("What to do", style="bold"), safe(item.remedy)]
    return stack(*parts)
