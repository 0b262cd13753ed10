"""A list screen: view state, one page at a time, filter, marks, and a detail pane where there is room."""

import asyncio
from functools import partial
from typing import Any, ClassVar

import msgspec
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.worker import Worker, WorkerState

from xerotui.console.keys import entered
from xerotui.console.screens.base import AreaScreen
from xerotui.console.text import count, safe
from xerotui.console.widgets.bars import FilterBar, split_filter
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.lines import Detail
from xerotui.console.widgets.paged_table import PagedTable
from xerotui.model.paging import Page, View

MOST_ROWS = 50
DETAIL_FROM = 100
NOTHING = "There is nothing to open here."


class ListScreen(AreaScreen):
    """Subclasses give `columns`, `page`, `row_of`; optionally `detail` and the fields that a filter may name."""

    AUTO_FOCUS = "#table"
    FIELDS: ClassVar[tuple[str, ...]] = ()
    EMPTY: ClassVar[str] = "Nothing here."
    HAS_DETAIL: ClassVar[bool] = True
    # False where one page holds all there is.
    PAGED: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.view = View()
        self.marks: frozenset[str] = frozenset()
        self.rows: dict[str, Any] = {}
        self.total = 0
        self.typed = ""
        self._next = ""
        self._previous = ""
        self._land = 0
        self._select = ""

    def columns(self) -> tuple[Column, ...]:
        """The table's columns."""
        raise NotImplementedError

    async def page(self, view: View) -> Page[Any]:
        """One page of rows from the workspace."""
        raise NotImplementedError

    def row_of(self, item: Any) -> Row:
        """A row as it is painted; its key is the row's own."""
        raise NotImplementedError

    def above(self) -> ComposeResult:
        """What stands above the table."""
        yield from ()

    def body(self) -> ComposeResult:
        """Table, and the pane beside it."""
        yield from self.above()
        with Horizontal(id="split"):
            yield PagedTable(self.columns(), id="table", empty=safe("Loading…", "dim"))
            if self.HAS_DETAIL:
                yield Detail(id="detail")

    @property
    def table(self) -> PagedTable:
        """The table."""
        return self.query_one("#table", PagedTable)

    @property
    def current(self) -> Any:
        """The item under the cursor, or None."""
        return self.rows.get(self.table.key)

    def chosen(self) -> tuple[Any, ...]:
        """The marked items of this page, else the one under the cursor."""
        marked = tuple(self.rows[key] for key in self.rows if key in self.marks)
        if marked:
            return marked
        return (self.current,) if self.current is not None else ()

    def scoped(self, view: View) -> View:
        """The view within the organisation that is chosen."""
        tenant = self.shown_tenant
        return msgspec.structs.replace(view, fields=view.fields | {"tenant": tenant}) if tenant else view

    # --- loading

    async def load(self) -> Page[Any]:
        """The page that the view describes."""
        view = msgspec.structs.replace(self.view, limit=min(self.table.fits, MOST_ROWS))
        self.view = view
        return await self.page(view)

    def paint(self, data: Page[Any]) -> None:
        """Show the page; the cursor keeps its row."""
        rows = tuple(self.row_of(item) for item in data.rows)
        self.rows = {row.key: item for row, item in zip(rows, data.rows, strict=True) if not row.heading}
        self.total, self._next, self._previous = data.total, data.next, data.previous
        self.table.say_empty(safe(self.empty_words(), "dim"))
        self.table.show(rows, select=self._select, land=self._land)
        self._land, self._select = 0, ""
        self.show_detail()

    def empty_words(self) -> str:
        """What an empty list says."""
        return "Nothing fits the filter; esc clears it." if self.typed or self.view.fields else self.EMPTY

    def show_fault(self, words: str) -> None:
        """A list that could not be read says so in its own place."""
        if not self.rows:
            self.table.say_empty(safe("Could not be read; r tries again.", "bold red"))

    def title_parts(self) -> list[object]:
        """Counts and the filter."""
        shown = len(self.rows)
        parts: list[object] = []
        for name, value in self.view.fields.items():
            if name in self.FIELDS:
                # Ids mean nothing to a person.
                words = {"plan": "of one plan", "value": "one value"}.get(name, f"{name}: {value}")
                parts.append(safe(f"[{words}]", "bold cyan", 60))
        if self.view.text:
            parts.append(safe(f"[/{self.view.text}]", "bold cyan", 60))
        if self.total or shown:
            parts.append(safe(f"{shown:,} of {self.total:,}" if self.total > shown else count(shown, "row"), "dim"))
        if self.marks:
            parts.append(safe(f"{len(self.marks):,} marked", "bold"))
        if self._next:
            parts.append(Text("more below", style="dim"))
        return parts

    def tenant_changed(self) -> None:
        """Another organisation starts at its first page."""
        self.look()

    def look(self, *, typed: str = "", **changes: object) -> None:
        """Change the view and load from its first page; other words to look for are those of `typed`."""
        if "text" in changes:
            self.typed = typed
        self.view = msgspec.structs.replace(self.view, anchor="", **changes)
        self._land = 1
        self.reload()

    # --- messages of the widgets

    def on_resize(self, event: events.Resize) -> None:
        """Another width: columns, texts and the pane beside the list fit it once it is laid out."""
        self.call_after_refresh(self.repaint)

    def on_paged_table_page_wanted(self, message: PagedTable.PageWanted) -> None:
        """Load the neighbouring page, when there is one."""
        message.stop()
        if message.step == 0:
            if self._previous or self.view.anchor:
                self.look()
            return
        anchor = self._next if message.step > 0 else self._previous
        if anchor:
            self.view = msgspec.structs.replace(self.view, anchor=anchor)
            self._land = 1 if message.step > 0 else -1
            self.reload()

    def on_paged_table_resized(self, message: PagedTable.Resized) -> None:
        """Another number of rows fits: a page is what is visible, no more and no less."""
        message.stop()
        fits = min(message.fits, MOST_ROWS)
        if self.PAGED and self.loaded and (len(self.rows) > fits or (self._next and fits > self.view.limit)):
            self.reload()

    def on_paged_table_highlighted(self, message: PagedTable.Highlighted) -> None:
        """Show the row's detail beside it."""
        message.stop()
        self.show_detail()

    def on_paged_table_opened(self, message: PagedTable.Opened) -> None:
        """Enter runs the screen's own enter command."""
        message.stop()
        command = entered(self.AREA)
        if not message.key:
            self.notice(NOTHING, "quiet")
        elif command:
            self.action_command(command)

    def on_filter_bar_changed(self, message: FilterBar.Changed) -> None:
        """Filter as typed; leave the bar when it is done."""
        message.stop()
        if message.done:
            self.table.focus()
        if message.text != self.typed:
            text, fields = split_filter(message.text, self.FIELDS.__contains__)
            kept = {k: v for k, v in self.view.fields.items() if k not in self.FIELDS}
            self.look(typed=message.text, text=text, fields=kept | fields)

    # --- detail

    def detail(self, item: Any) -> Text | None:
        """What is known of a row without asking; None when `detail_of` must be asked."""
        return None

    async def detail_of(self, item: Any) -> Text:
        """What the workspace knows of a row."""
        return Text("")

    def show_detail(self) -> None:
        """Fill the pane beside the table, where the screen has one and it is wide enough."""
        if not self.HAS_DETAIL or self.app.size.width < DETAIL_FROM:
            return
        pane = self.query_one("#detail", Detail)
        item = self.current
        if item is None:
            pane.say(Text(""))
            return
        text = self.detail(item)
        if text is not None:
            pane.say(text)
        else:
            self.run(partial(self._fetch_detail, item), "detail", exclusive=True)

    async def _fetch_detail(self, item: Any) -> None:
        # A cursor that runs down the list asks only where it comes to rest.
        await asyncio.sleep(0.12)
        text = await self.detail_of(item)
        if self.live:
            self.query_one("#detail", Detail).say(text)

    # --- commands of lists

    def do_list_filter(self) -> None:
        """Type a filter."""
        self.query_one("#filter", FilterBar).open(self.typed)

    def do_list_mark(self) -> None:
        """Mark or unmark the row and go on to the next."""
        key = self.table.key
        if key:
            self.marks = self.marks ^ {key}
            self.table.mark(self.marks)
            self.table.action_move(1)
            self.paint_frame()

    def action_close(self) -> None:
        """Esc: marks, then the filter, then the screen."""
        if self.marks:
            self.marks = frozenset()
            self.table.mark(self.marks)
            self.paint_frame()
        elif self.typed or any(name in self.FIELDS for name in self.view.fields):
            self.look(text="", fields={k: v for k, v in self.view.fields.items() if k not in self.FIELDS})
        else:
            super().action_close()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A newer page cancels an older one; that is no failure."""
        if event.state is not WorkerState.CANCELLED:
            super().on_worker_state_changed(event)
