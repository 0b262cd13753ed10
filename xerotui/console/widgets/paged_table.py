"""One page of a list: drawn line by line, so that a changed row costs one line of terminal output, not a table."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from xerotui.console.text import middle
from xerotui.console.widgets.columns import Column, Row, widths


class PagedTable(Widget, can_focus=True):
    """Shows rows given by `show`; asks for the neighbouring page by `PageWanted`, says `Opened`, `Highlighted`."""

    HELP = "A list: arrows move, enter opens, space marks."
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--heading",
        "table--marked",
        "table--blurred",
    }
    DEFAULT_CSS = """
    PagedTable { height: 1fr; width: 1fr; }
    PagedTable .table--header { text-style: bold; color: $text-muted; background: $panel; }
    PagedTable .table--heading { text-style: bold; color: $text-accent; }
    PagedTable .table--cursor { background: $primary; color: $text; text-style: bold; }
    PagedTable .table--blurred { background: $surface-lighten-1; }
    PagedTable .table--marked { background: $boost; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "leaf(-1)", show=False),
        Binding("pagedown", "leaf(1)", show=False),
        Binding("home", "edge(-1)", show=False),
        Binding("end", "edge(1)", show=False),
        Binding("enter", "open", show=False),
    ]

    class Highlighted(Message):
        """The cursor came to rest on another row ("" = none)."""

        def __init__(self, table: "PagedTable", key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class Opened(Message):
        """Enter on a row; `key` is blank where there is none."""

        def __init__(self, table: "PagedTable", key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class PageWanted(Message):
        """The cursor went past an end: `step` is 1, -1, or 0 for the first page."""

        def __init__(self, table: "PagedTable", step: int) -> None:
            super().__init__()
            self.table = table
            self.step = step

    class Resized(Message):
        """Another number of rows fits now."""

        def __init__(self, table: "PagedTable", fits: int) -> None:
            super().__init__()
            self.table = table
            self.fits = fits

    def __init__(self, columns: tuple[Column, ...], *, id: str | None = None, empty: Text | None = None) -> None:
        super().__init__(id=id)
        self.columns = columns
        self.rows: tuple[Row, ...] = ()
        self.marks: frozenset[str] = frozenset()
        self.cursor = 0
        self.top = 0
        self.empty = empty or Text("")
        self._fits = 0
        self._painted: list[object] = []
        self._sized: tuple[tuple[tuple[Column, ...], int, int, tuple[Row, ...]] | None, list[int]] = (None, [])

    # --- what screens call

    @property
    def key(self) -> str:
        """The key under the cursor; "" when there is none."""
        if 0 <= self.cursor < len(self.rows) and not self.rows[self.cursor].heading:
            return self.rows[self.cursor].key
        return ""

    @property
    def fits(self) -> int:
        """How many rows fit below the header."""
        return max(1, (self.size.height or 20) - 1)

    def show(self, rows: tuple[Row, ...], *, select: str = "", land: int = 0) -> None:
        """Show these rows; the cursor stays on its key, goes to `select`, or lands at an end (`land` 1 or -1)."""
        before = self.key
        wanted = select or before
        self.rows = rows
        at = next((i for i, row in enumerate(rows) if row.key == wanted and not row.heading), -1)
        if land:
            at = 0 if land > 0 else len(rows) - 1
        if at < 0:
            at = min(self.cursor, len(rows) - 1)
        self.cursor = self._settled(max(at, 0), -1 if land < 0 else 1)
        self._scroll()
        self._repaint()
        if self.key != before:
            self.post_message(self.Highlighted(self, self.key))

    def head(self, columns: tuple[Column, ...]) -> None:
        """Other columns from now on."""
        if columns != self.columns:
            self.columns = columns
            self._painted = []
            self.refresh()

    def mark(self, keys: frozenset[str]) -> None:
        """Show these keys as marked."""
        self.marks = keys
        self._repaint()

    def say_empty(self, text: Text) -> None:
        """What is written when there are no rows."""
        if text != self.empty:
            self.empty = text
            self._repaint()

    # --- moving

    def _settled(self, at: int, step: int) -> int:
        index = at
        while 0 <= index < len(self.rows) and self.rows[index].heading:
            index += step
        if 0 <= index < len(self.rows):
            return index
        return next((i for i, row in enumerate(self.rows) if not row.heading), 0)

    def _scroll(self) -> None:
        height = self.fits
        # A heading just above the first row comes into view with it.
        first = next((i for i, row in enumerate(self.rows) if not row.heading), 0)
        if self.cursor <= first:
            self.top = 0
        self.top = max(min(self.top, self.cursor), self.cursor - height + 1, 0)
        self.top = min(self.top, max(0, len(self.rows) - height))

    def _go(self, at: int, step: int) -> None:
        before = self.key
        self.cursor = self._settled(max(0, min(at, len(self.rows) - 1)), step)
        self._scroll()
        self._repaint()
        if self.key != before:
            self.post_message(self.Highlighted(self, self.key))

    def action_move(self, step: int) -> None:
        """One row up or down; past an end the neighbouring page is asked for."""
        if not self.rows:
            return
        target = self.cursor + step
        while 0 <= target < len(self.rows) and self.rows[target].heading:
            target += step
        if 0 <= target < len(self.rows):
            self._go(target, step)
        else:
            self.post_message(self.PageWanted(self, step))

    def action_leaf(self, step: int) -> None:
        """A screenful; at an end the neighbouring page."""
        last = len(self.rows) - 1
        if (step > 0 and self.cursor >= last) or (step < 0 and self.cursor <= 0) or len(self.rows) <= self.fits:
            self.post_message(self.PageWanted(self, step))
            if len(self.rows) > 1:
                self._go(last if step > 0 else 0, -step)
        else:
            self._go(self.cursor + step * self.fits, step)

    def action_edge(self, step: int) -> None:
        """Home is the very first page; end the last row of this one."""
        if step < 0:
            self.post_message(self.PageWanted(self, 0))
        if self.rows:
            self._go(0 if step < 0 else len(self.rows) - 1, -step)

    def action_open(self) -> None:
        """Say that the row under the cursor was opened."""
        self.post_message(self.Opened(self, self.key))

    # --- painting

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in view and tell how much fits."""
        self._painted = []
        self._scroll()
        if self.fits != self._fits:
            self._fits = self.fits
            self.post_message(self.Resized(self, self.fits))

    def on_focus(self) -> None:
        """The cursor looks different with the focus."""
        self._repaint()

    def on_blur(self) -> None:
        """And without."""
        self._repaint()

    def _line(self, y: int) -> tuple[object, ...]:
        if y == 0:
            return ("header", self.size.width, *self._sizes(self.size.width))
        index = self.top + y - 1
        if index >= len(self.rows):
            return ("empty", self.empty.plain, y) if not self.rows else ("", 0)
        row = self.rows[index]
        focused = self.has_focus
        return (
            row.key,
            row.heading,
            tuple((c.plain, str(c.style), tuple(c.spans)) for c in row.cells),
            row.key in self.marks,
            index == self.cursor,
            focused if index == self.cursor else None,
            *(() if row.heading else self._sizes(self.size.width)),
        )

    def _repaint(self) -> None:
        """Refresh only the lines that say something else than what is on the screen."""
        lines: list[object] = [self._line(y) for y in range(self.size.height)]
        if len(lines) != len(self._painted):
            self.refresh()
        else:
            changed = [y for y, line in enumerate(lines) if line != self._painted[y]]
            if changed:
                self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))
        self._painted = lines

    def render_line(self, y: int) -> Strip:
        """One line of the table."""
        width = self.size.width
        base = self.rich_style
        if y == 0:
            cells = tuple(Text(c.title, end="") for c in self.columns)
            return self._strip("  ", cells, base + self.get_component_rich_style("table--header"), width)
        index = self.top + y - 1
        if index >= len(self.rows):
            return self._empty_line(y - 2, width, base)
        row = self.rows[index]
        if row.heading:
            style = base + self.get_component_rich_style("table--heading")
            text = Text(" ", style="").append_text(row.cells[0])
            return self._whole(text, style, width)
        here = index == self.cursor
        marked = row.key in self.marks
        style = base
        if marked:
            style += self.get_component_rich_style("table--marked")
        if here:
            name = "table--cursor" if self.has_focus else "table--blurred"
            style += self.get_component_rich_style(name)
        gutter = ("›" if here else " ") + ("*" if marked else " ")
        return self._strip(gutter, row.cells, style, width, plain=here and self.has_focus)

    def _empty_line(self, number: int, width: int, base: Style) -> Strip:
        """A line of the words that stand where there are no rows."""
        said = list(self.empty.wrap(self.app.console, max(10, width - 4))) if not self.rows and self.empty.plain else []
        if not 0 <= number < len(said):
            return Strip.blank(width, base)
        line = Text("  ", end="").append_text(said[number])
        return _joined([Segment(words, base + own) for words, own in self._parts(line)], width, base)

    def _parts(self, text: Text) -> list[tuple[str, Style]]:
        """Pieces of a text with their whole style: a `Text` without spans renders without its own."""
        base = self.app.console.get_style(text.style, default="")
        parts = text.render(self.app.console, end="")
        return [(part.text, base + part.style if isinstance(part.style, Style) else base) for part in parts]

    def _whole(self, text: Text, style: Style, width: int) -> Strip:
        text = text.copy()
        text.truncate(width, overflow="ellipsis")
        segments = [Segment(words, style + own) for words, own in self._parts(text)]
        return _joined(segments, width, style)

    def _sizes(self, width: int) -> list[int]:
        """The columns' widths, worked out once for what is shown."""
        state = (self.columns, width, self.app.size.width, self.rows)
        if self._sized[0] != state:
            self._sized = (state, widths(*state))
        return self._sized[1]

    def _strip(self, gutter: str, cells: tuple[Text, ...], style: Style, width: int, *, plain: bool = False) -> Strip:
        segments = [Segment(gutter, style)]
        sizes = self._sizes(width)
        for column, size, cell in zip(self.columns, sizes, cells, strict=False):
            if size < 1:
                continue
            text = cell.copy()
            room = max(1, size - 1)
            if column.middle and text.cell_len > room:
                text = Text(middle(text.plain, room), style=text.style, end="")
            text.truncate(room, overflow="ellipsis")
            pad = " " * (room - text.cell_len)
            lead, trail = (pad, " ") if column.right else ("", pad + " ")
            segments.append(Segment(lead, style))
            for words, own in self._parts(text):
                # Under the cursor one colour is readable on the bar, many aren't.
                segments.append(Segment(words, style + (Style(bold=own.bold) if plain else own)))
            segments.append(Segment(trail, style))
        return _joined(segments, width, style)


def _joined(segments: list[Segment], width: int, style: Style) -> Strip:
    """A line without empty pieces: each would cost its colours on the wire."""
    return Strip(s for s in segments if s.text).adjust_cell_length(width, style).simplify()
