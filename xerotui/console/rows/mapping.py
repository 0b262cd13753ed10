"""Rows of the mapping screen: a source value, what it becomes in Xero, and what waits for it."""

import datetime as dt

from rich.text import Text

from xerotui.console.rows.signs import worded
from xerotui.console.text import count, join, safe, stack, when
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.picker import Choice
from xerotui.workspace.pages import MappingRow, TargetRow

# The columns' titles come from the spec: what is mapped, and to what.
WAITING = Column("Waiting", 9, right=True)
USED = Column("Used", 8, least=100, right=True)


def columns(source: str, target: str) -> tuple[Column, ...]:
    """State, source value, side, Xero value, waiting."""
    return (
        Column("State", 12),
        Column(source, 0),
        Column("Side", 10),
        Column(target, 0),
        USED,
        WAITING,
    )


def key(value: str, trade: str) -> str:
    """The key of a row."""
    return f"{value}\x1f{trade}"


def row(item: MappingRow) -> Row:
    """One source value on one side of the books."""
    source = join(safe(item.title), safe(f"  {item.detail}", "dim")) if item.detail else safe(item.title)
    shade = "dim italic" if item.state == "proposed" else "red" if item.state == "broken" else ""
    target = safe(item.target_title or item.target or "—", shade)
    if item.changed:
        target = join(safe("! ", "bold yellow"), target)
    if item.note:
        served = item.state == "mapped"
        target = join(*([target, "  "] if served else []), safe(item.note, "dim" if served else "yellow"))
    return Row(
        key(item.value, item.trade),
        (
            worded(item.state),
            source,
            safe(item.trade, "dim"),
            target,
            safe(f"{item.used:,}" if item.used else "", "dim"),
            safe(f"! {item.waiting:,}" if item.waiting else "", "bold yellow"),
        ),
    )


_WORDS = {
    "mapped": "In force.",
    "proposed": "A proposal: not in force until taken (a takes all, enter chooses).",
    "unmapped": "Nothing that uses it is sent until it is mapped.",
    "broken": "The Xero value can't be used any more: choose another one.",
}


def detail(item: MappingRow) -> Text:
    """A mapping in full."""
    parts: list[object] = [safe(item.title, "bold"), safe(item.detail, "dim"), "", worded(item.state)]
    parts.append(safe(_WORDS.get(item.state, "")))
    parts += ["", Text("In Xero", style="bold"), safe(item.target_title or item.target or "nothing yet")]
    if item.note:
        parts.append(safe(item.note[:1].upper() + item.note[1:] + ".", "" if item.state == "mapped" else "yellow"))
    if item.changed:
        parts += ["", safe(f"! {item.changed}.", "bold yellow"), safe("Enter maps it again; a takes new names.", "dim")]
    parts += ["", safe(f"used by {count(item.used, 'record')}")]
    if item.waiting:
        parts.append(safe(f"! {count(item.waiting, 'document')} wait for it", "bold yellow"))
    if item.read:
        parts += ["", safe(f"Xero's list was read {when(dt.datetime.fromisoformat(item.read))}", "dim")]
    return stack(*parts)


def choices(targets: tuple[TargetRow, ...]) -> tuple[Choice, ...]:
    """What may be chosen; what may not comes after it, with its reason."""
    ordered = sorted(targets, key=lambda t: not t.allowed)
    return tuple(
        Choice(t.id, t.title, t.detail, "" if t.allowed else t.reason or "not allowed for this value") for t in ordered
    )
