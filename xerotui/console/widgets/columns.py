"""What a list is made of, columns and rows, and how wide each column is; nothing here draws."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

GUTTER = 2


@dataclass(frozen=True)
class Column:
    """A column: `width` in cells with its gap, 0 for the one that takes what is left; `least` the narrowest
    screen that shows it (100 and 140 are the steps of the layout); `right` sets numbers to the right; `middle`
    cuts in the middle."""

    title: str
    width: int
    least: int = 0
    right: bool = False
    middle: bool = False


@dataclass(frozen=True)
class Row:
    """A row: its key, one `Text` a column (all columns, shown or not). A heading can't be chosen."""

    key: str
    cells: tuple[Text, ...]
    heading: bool = False


# The column that takes what is left is worth more than extra columns when it has less than this.
WORTH = 24


def widths(columns: tuple[Column, ...], width: int, screen: int, rows: Sequence[Row] = ()) -> list[int]:
    """Cells for each column on a table of `width` cells; 0 for a hidden one.

    Where the words of the column that takes what is left don't fit, extra columns that say the same in every row
    go, then fixed ones give what they don't need; what it doesn't need itself goes to fixed ones that are cut.
    """
    needs = [_needed(column, index, rows) for index, column in enumerate(columns)]
    hidden = {i for i, c in enumerate(columns) if screen < c.least}
    while True:
        shown = [i for i in range(len(columns)) if i not in hidden]
        flexible = [i for i in shown if columns[i].width == 0]
        left = width - GUTTER - sum(columns[i].width for i in shown)
        extra = [i for i in shown if columns[i].least]
        same = [i for i in extra if len(_words(i, rows)) == 1 < len(rows)]
        if flexible and left < sum(needs[i] for i in flexible) and same:
            hidden.add(same[-1])
            continue
        if not flexible or left // len(flexible) >= WORTH or not extra:
            break
        hidden.add(max(extra, key=lambda i: (columns[i].least, i)))
    sizes = [0 if i in hidden else c.width for i, c in enumerate(columns)]
    if not flexible:
        return sizes
    fixed = [i for i in shown if columns[i].width]
    lacking = sum(needs[i] for i in flexible) - left
    for index in fixed if rows else ():
        given = min(max(lacking, 0), max(0, sizes[index] - needs[index]))
        taken = min(max(-lacking, 0), max(0, needs[index] - sizes[index]))
        sizes[index] += taken - given
        left, lacking = left + given - taken, lacking - given + taken
    for position, index in enumerate(flexible):
        share = left // len(flexible) + (left % len(flexible) if position == 0 else 0)
        sizes[index] = max(share, 4)
    if len(flexible) == 2 and rows:
        _even_out(sizes, flexible[0], flexible[1], needs)
    return sizes


def _needed(column: Column, index: int, rows: Sequence[Row]) -> int:
    """Cells with the gap that show a column whole."""
    return max((cell_len(words) for words in (column.title, *_words(index, rows))), default=0) + 1


def _words(index: int, rows: Sequence[Row]) -> set[str]:
    """The different words that a column says."""
    return {row.cells[index].plain for row in rows if not row.heading and index < len(row.cells)}


def _even_out(sizes: list[int], one: int, other: int, needs: list[int]) -> None:
    """Of two columns that share what is left, the one with room to spare gives it to the one that is cut."""
    for giver, taker in ((one, other), (other, one)):
        moved = min(max(0, sizes[giver] - needs[giver]), max(0, needs[taker] - sizes[taker]))
        sizes[giver] -= moved
        sizes[taker] += moved
