"""Rows of Tenants: organisations and source connections in one table."""

import datetime as dt
from dataclasses import dataclass

from rich.text import Text

from xerotui.console.rows.signs import worded
from xerotui.console.text import bar, count, day, join, safe, stack, when
from xerotui.console.widgets.columns import Column, Row
from xerotui.workspace.login_pages import XeroConnectionRow
from xerotui.workspace.pages import UNPROVEN, Finding, SourceRow, TenantRow

COLUMNS = (
    Column("Name", 0, middle=True),
    Column("State", 14),
    Column("Login", 6, right=True),
    Column("Country", 8),
    Column("Links", 6, right=True, least=100),
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
    login: XeroConnectionRow | None = None


def _heading(key: str, title: str) -> Item:
    return Item(Row(key, (Text(title, end=""),), heading=True))


def _instant(text: str) -> str:
    """An ISO instant as the console writes instants; other words as they are."""
    try:
        return f"{when(dt.datetime.fromisoformat(text))} UTC"
    except ValueError:
        return text


def _ends(days: int | None) -> str:
    """The colour of a number of days until the login ends; the number itself stands beside it."""
    return "" if days is None or days >= 14 else "bold red" if days <= 3 else "yellow"


def _left(days: int | None) -> str:
    return "" if days is None else f"{days} d" if days else "< 1 d"


def _tenant(item: TenantRow) -> Item:
    name = safe(item.name, "bold")
    if item.is_demo:
        name = join(name, safe(" demo", "dim"))
    if item.read_only:
        name = join(name, safe(" read-only", "bold yellow"))
    if item.automatic:
        name = join(name, safe(" ! first plan", "bold yellow") if item.unproven else safe(" auto", "cyan"))
    if item.two_writers:
        name = join(name, safe(" ! two writers", "bold yellow"))
    calls = f"{item.day_used:,}/{item.day_limit:,}" if item.day_limit else ""
    return Item(
        Row(
            f"tenant {item.tenant}",
            (
                name,
                worded(item.state),
                safe(_left(item.days_left), _ends(item.days_left)),
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
    said = safe(f"  {item.detail}", "yellow") if item.detail else safe(f"  {item.title}", "dim")
    cells = (
        join(safe(item.name, "bold"), said),
        worded(item.state if item.enabled else "off"),
    )
    return Item(Row(f"source {item.id}", (*cells, *(Text(""),) * 7)), source=item)


def _login(item: XeroConnectionRow) -> Item:
    """A login that needs somebody: signed in but not saved, or without any organisation."""
    words = "no organisation" if item.state == "signed out" else "⏎ goes on with it"
    cells = (
        join(safe(item.name, "bold"), safe(f"  {words}", "dim")),
        worded("unsaved" if item.unsaved else item.state),
    )
    return Item(Row(f"login {item.connection}", (*cells, *(Text(""),) * 7)), login=item)


def items(
    tenants: tuple[TenantRow, ...], sources: tuple[SourceRow, ...], logins: tuple[XeroConnectionRow, ...] = ()
) -> tuple[Item, ...]:
    """Both sections; an empty one says what to press. Logins are shown where they aren't plain."""
    odd = [login for login in logins if login.unsaved or login.state in ("unsaved", "signed out")]
    out = [_heading("# xero", "Xero organisations" if tenants or odd else "Xero organisations: none yet, c connects")]
    out += map(_tenant, tenants)
    out += map(_login, odd)
    out.append(_heading("# sources", "Sources" if sources else "Sources: none yet, s connects one"))
    out += map(_source, sources)
    return tuple(out)


def login_text(item: XeroConnectionRow) -> Text:
    """Everything known of a login."""
    words = {
        "signed out": "No organisation is connected through it. c with its name connects again, d forgets it.",
        "connected": "It works. A newer login of it was begun and isn't saved: enter goes on, x gives it back.",
    }
    usual = "It isn't saved, so it doesn't sync: enter goes on with it, x gives it back to Xero."
    parts = [join(safe(item.name, "bold"), "  ", worded(item.state)), safe(words.get(item.state, usual), "yellow")]
    parts += [safe(f"! {row.scopes[0]} is missing: {row.costs}", "yellow") for row in item.scopes if not row.granted_by]
    return stack(*parts)


def tenant_text(item: TenantRow) -> Text:
    """Everything known of an organisation."""
    links = [safe(f"  {kind.replace('_', ' ')}: {number:,}") for kind, number in item.links.items() if number]
    parts: list[object] = [
        join(safe(item.name, "bold"), "  ", worded(item.state)),
        safe(f"over connection {item.connection_name}", "dim"),
        safe(f"{item.country}  {item.currency}" + ("  demo company" if item.is_demo else "")),
        "",
        safe("READ-ONLY: nothing is written here (o switches)", "bold yellow") if item.read_only else safe("writable"),
        safe("automatic: plans go by policy" if item.automatic else "manual: a person approves each plan"),
    ]
    if item.unproven:
        parts.append(safe(f"! {UNPROVEN}, on Plan.", "bold yellow"))
    if item.two_writers:
        parts.append(safe("! A source syncs with it by itself: n confirms that both may.", "bold yellow"))
    if item.trouble:
        parts.append(safe(f"✗ {item.trouble} ⏎ tells more", "bold red"))
    if item.day_limit:
        parts.append(safe(f"calls today {bar(item.day_used, item.day_limit, 12)} {item.day_used:,}/{item.day_limit:,}"))
    if item.locked_until is not None:
        parts.append(safe(f"locked until {day(item.locked_until)}"))
    if item.days_left is not None:
        words = f"sign-in lasts {count(item.days_left, 'day')} unless it is used"
        if item.days_left < 1:
            words = "sign-in ends within a day: ⏎ tells what renews it"
        parts.append(safe(words, _ends(item.days_left)))
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
