"""A record's story as text: fields with their rung, changes old to new, problems with remedies, operations."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from textwrap import wrap

from rich.text import Text

from xerotui.console.rows.signs import worded
from xerotui.console.text import clean, join, lines, money, safe, short, stack, when
from xerotui.model.postings import Change
from xerotui.model.problems import Problem
from xerotui.workspace.pages import OperationRow, Story


def _head(title: str) -> Text:
    return Text(title, style="bold")


# A line's tracking is two ids and two names, in this order; people read the names.
_TRACKING = re.compile(r"(tracking\.\d+)\.([1-4])$")


def field_path(path: str) -> str:
    """A field's path as people read it: `lines.2.unit_amount` is `line 2 unit amount`."""
    path = _TRACKING.sub(lambda m: f"{m[1]} {'category' if m[2] == '3' else 'option'}", path)
    return clean(path, 80).replace("lines.", "line ").replace(".", " ").replace("_", " ")


def unsaid(path: str) -> bool:
    """Whether a field is left out because another one says the same by name."""
    found = _TRACKING.search(path)
    return found is not None and found[2] in "12"


# The fields of a posting that are amounts of its currency.
AMOUNTS = frozenset({"unit_amount", "tax_amount", "subtotal", "tax", "total", "price"})


def shown_value(path: str, value: str, currency: str) -> str:
    """A field's value as people read it: amounts like everywhere else, to the same decimals."""
    if path.rpartition(".")[2] not in AMOUNTS:
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    # An exponent of thousands would be written out digit by digit.
    plain = number.is_finite() and abs(number.adjusted()) < 20
    return money(number, currency, code=False) if plain else value


def change_lines(changes: tuple[Change, ...], width: int) -> list[Text]:
    """Each field's difference; long values go under each other."""
    label = min(26, max((len(field_path(c.path)) for c in changes), default=10))
    out: list[Text] = []
    for change in changes:
        name = safe(short(field_path(change.path), label).ljust(label) + " ", "dim")
        before, after = clean(change.before, 400), clean(change.after, 400)
        if not before:
            out += _signed(name, "+", after, "green", width, label)
        elif not after:
            out += _signed(name, "-", before, "red", width, label)
        elif len(before) + len(after) + label + 5 <= width:
            out.append(join(name, safe(before, "red"), " → ", safe(after, "green")))
        else:
            out += _signed(name, "-", before, "red", width, label)
            out += _signed(Text(" " * (label + 1)), "+", after, "green", width, label)
    return out


def _signed(name: Text, sign: str, value: str, style: str, width: int, label: int) -> list[Text]:
    pieces = wrapped(value, width - label - 3)
    pad = " " * (label + 3)
    return [
        join(name, safe(f"{sign} {p}", style)) if i == 0 else join(pad, safe(p, style)) for i, p in enumerate(pieces)
    ]


def problem_lines(problem: Problem) -> list[Text]:
    """Sentence, remedy, and what the other system said."""
    mark = "bold yellow" if problem.blocks else "yellow"
    out = [join(safe("! " if problem.blocks else "· ", mark), safe(problem.sentence, mark))]
    if problem.remedy:
        out.append(join("  ", safe(problem.remedy)))
    tail = "  ".join(p for p in (problem.code, when(problem.at), problem.correlation) if p)
    out.append(join("  ", safe(tail, "dim", 200)))
    if problem.said:
        out.append(join("  said: ", lines(problem.said, "italic", 1500)))
    return out


def operation_line(operation: OperationRow) -> Text:
    """One operation in the record's past."""
    total = money(operation.total, operation.currency)
    tries = f" after {operation.attempts} tries" if operation.attempts > 1 else ""
    line = join(
        safe(when(operation.updated), "dim"),
        " ",
        worded(operation.state),
        " ",
        safe(operation.verb),
        f" {total}{tries}",
    )
    return join(line, " ", safe(operation.error, "red", 300)) if operation.error else line


def field_lines(story: Story, width: int, spoken: Callable[[str, str], str]) -> list[Text]:
    """Every field with its value and the rung that it came from; long values go on below themselves."""
    fields = [field for field in story.fields if not unsaid(field[0])]
    label = min(22, max((len(field_path(name)) for name, _, _ in fields), default=10))
    out: list[Text] = []
    for name, value, rung in fields:
        head = safe(short(field_path(name), label).ljust(label) + " ", "dim")
        tail = safe(f"  ← {clean(rung, 80)}", "cyan") if rung else Text("")
        pieces = wrapped(spoken(name, value), width - label - 1)
        rows = [join(head if i == 0 else " " * (label + 1), piece) for i, piece in enumerate(pieces)]
        if rows[-1].cell_len + tail.cell_len <= width:
            rows[-1] = join(rows[-1], tail)
        elif rung:
            rows.append(join(" " * (label + 1), safe(short(f"← {clean(rung, 80)}", width - label - 1), "cyan")))
        out += rows
    return out


def wrapped(value: str, room: int) -> list[str]:
    """A value in pieces of that many characters, broken between words where there are any."""
    return wrap(clean(value, 500), max(room, 12)) or [""]


def text(story: Story, width: int, names: Mapping[str, str]) -> Text:
    """The whole story, most urgent first; ids of organisations are written as their names."""
    currency = next((value for name, value, _ in story.fields if name == "currency"), "")

    def spoken(path: str, value: str) -> str:
        named = story.spoken(path, value)
        return names.get(value) or (named if named != value else shown_value(path, value, currency))

    head = join(safe(f"{story.kind.label} ", "dim"), safe(story.title, "bold", 300))
    parts: list[object] = [head]
    if story.state:
        parts.append(worded(story.state))
    if story.reason and not story.problems:
        parts += [safe(piece) for piece in wrapped(story.reason, width)]
    if story.problems:
        parts += ["", _head("Problems")]
        for problem in story.problems:
            parts += problem_lines(problem)
    if story.changes:
        said = [c for c in story.changes if not unsaid(c.path)]
        named = tuple(Change(c.path, spoken(c.path, c.before), spoken(c.path, c.after)) for c in said)
        parts += ["", _head("Changes (old → new)"), *change_lines(named, width)]
    if story.fields:
        parts += ["", _head("Fields, and where each comes from"), *field_lines(story, width, spoken)]
    if story.operations:
        parts += ["", _head("Operations"), *map(operation_line, story.operations)]
    if story.said:
        parts += ["", _head("What the other system said"), lines(story.said, "", 4000)]
    return stack(*parts)
