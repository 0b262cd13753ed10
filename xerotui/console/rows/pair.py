"""Rows of a pair's settings: one a setting under the heading of its part, and what a change of them does."""

from dataclasses import dataclass

from rich.text import Text

from xerotui.console.text import day, join, money, safe, short, stack
from xerotui.console.widgets.columns import Column, Row
from xerotui.workspace.pages import FormField
from xerotui.workspace.policies import PairChange, PairView, Sides

COLUMNS = (Column("Setting", 26), Column("Value", 22), Column("What it does", 0))


@dataclass(frozen=True)
class Item:
    """A setting or, without a field, the heading of a part."""

    section: str
    field: FormField | None = None
    value: str = ""
    own: bool = False

    @property
    def key(self) -> str:
        """The row's key."""
        return self.field.name if self.field else f"# {self.section}"

    @property
    def words(self) -> str:
        """What a filter looks in."""
        return f"{self.section} {self.field.title} {self.field.help} {self.value}" if self.field else self.section


def items(view: PairView, fields: tuple[FormField, ...]) -> tuple[Item, ...]:
    """The settings of a pair, each part under its heading."""
    out: list[Item] = []
    section = ""
    for field in fields:
        if field.section:
            section = field.section
            out.append(Item(section))
        if view.shows(field.name):
            out.append(Item(section, field, view.settings[field.name], field.name in view.own))
    return tuple(out)


def row(item: Item) -> Row:
    """A setting; what isn't as usual is marked."""
    if item.field is None:
        return Row(item.key, (Text(item.section, end=""),), heading=True)
    value = safe(item.value or "none", "bold yellow" if item.own else "")
    mark = safe("* " if item.own else "  ", "bold yellow")
    return Row(item.key, (safe(f"  {item.field.title}"), join(mark, value), safe(item.field.help, "dim")))


def setting_text(item: Item) -> Text:
    """A setting in full."""
    if item.field is None:
        return Text("")
    parts: list[object] = [safe(item.field.title, "bold"), safe(item.value or "none"), "", safe(item.field.help)]
    if item.field.choices:
        parts.append(safe("One of: " + ", ".join(item.field.choices), "dim"))
    if item.own:
        parts += ["", safe("* not as usual", "yellow")]
    return stack(*parts)


def changes_line(change: PairChange) -> Text:
    """What was saved, on a line."""
    said = "; ".join(f"{c.title} {c.before} → {c.after}" for c in change.changes)
    notes = " ".join(change.notes)
    return safe(f"Saved: {said}. {notes} What waits is checked again.".replace("  ", " "), "green", 400)


def preview(change: PairChange) -> Text:
    """What a change would do, before it is saved."""
    parts: list[object] = [Text("What changes", style="bold")]
    parts += [safe(f"  {c.title}: {c.before} → {c.after}") for c in change.changes]
    parts += [safe(f"! {note}", "yellow") for note in change.notes]
    if change.start.sides:
        head = f"{'Documents':<15} {'':<15} {'':<3} {'older':>6} {'their sum':>13}  {'since':>6} {'their sum':>13}"
        parts += ["", Text(head, style="bold")]
        parts += [_side(side) for side in change.start.sides]
    if change.start.entering:
        parts += ["", Text("These enter", style="bold")]
        for e in change.start.entering:
            total = money(e.total, e.currency)
            parts.append(safe(f"  {day(e.date)}  {short(e.number, 14):<14}  {short(e.party, 26):<26}  {total:>14}"))
    return stack(*parts)


def _side(side: Sides) -> Text:
    start = f"from {day(side.start)}" if side.start else "all"
    numbers = f"{side.before:>6,} {money(side.before_total):>13}  {side.after:>6,} {money(side.after_total):>13}"
    enter = f"  {side.entering:,} enter" if side.entering else ""
    return safe(f"{side.kind.plural:<15} {start:<15} {side.currency:<3} {numbers}{enter}")
