"""Sync queue: every operation and where it stands, with the run's progress above."""

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult

from xerotui.console.rows import queue as rows
from xerotui.console.rows import story
from xerotui.console.rows.status import trouble_text
from xerotui.console.screens.listing import ListScreen
from xerotui.console.screens.story import OperationScreen
from xerotui.console.text import count
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.lines import Line
from xerotui.model.paging import Page, View
from xerotui.workspace.pages import OperationRow


class QueueScreen(ListScreen):
    """Operations by state; s goes through the states, y tries again what failed."""

    AREA = "queue"
    NAME = "Sync queue"
    HELP = (
        "Every single thing that is to be written, is being written, or was written, and where it stands. "
        "The run goes on in the worker when you leave. Filter with state:, side:, kind: or plan:."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"queue", "plans"})
    FIELDS = ("state", "side", "kind", "plan")
    EMPTY = "No operations yet: make a plan (5) and approve it."

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.parties = True

    def columns(self) -> tuple[Column, ...]:
        """State first."""
        return rows.columns()

    def above(self) -> ComposeResult:
        """The counts, and what holds the run up."""
        yield Line(id="counts")
        yield Line(id="trouble")

    async def page(self, view: View) -> Page[Any]:
        """A page of operations, and the counts of the plan and organisation that are shown."""
        app = self.console_app
        self.counts = await self.ws.queue_counts(self.view.fields.get("plan", ""), self.shown_tenant)
        app.status = await self.ws.status(self.shown_tenant)
        return await self.ws.queue(self.scoped(view))

    def row_of(self, item: OperationRow) -> Row:
        """One operation."""
        return rows.row(item, self.console_app.names, parties=self.parties)

    def paint(self, data: Page[Any]) -> None:
        """Counts, then the page."""
        status = self.console_app.status
        done, total = (status.done, status.total) if status is not None else (0, 0)
        if total > done and self.view.fields.get("plan"):
            done, total = rows.progress(self.counts)
        self.query_one("#counts", Line).say(rows.counts_line(self.counts, done, total))
        trouble = trouble_text(status, self.app.size.width - 2) if status is not None else Text("")
        line = self.query_one("#trouble", Line)
        line.say(trouble)
        line.set_class(bool(trouble.plain), "shown")
        titles, self.parties = rows.shape(data.rows)
        self.table.head(rows.columns(titles, parties=self.parties))
        super().paint(data)

    async def detail_of(self, item: OperationRow) -> Text:
        """The record's story beside the list."""
        return story.text(await self.ws.operation(item.id), self.app.size.width * 38 // 100 - 5, self.console_app.names)

    def detail(self, item: Any) -> Text | None:
        """It has to be asked for."""
        return None

    def unavailable(self, command: str) -> str:
        """Only what failed can be tried again."""
        if command == "queue.retry":
            items = self.chosen()
            if not items:
                return "Nothing is chosen."
            if not any(item.state in rows.RETRIED for item in items):
                return "Only refused, parked, blocked or unknown operations can be tried again."
        return ""

    def do_queue_open(self) -> None:
        """The whole story."""
        if self.current is not None:
            self.app.push_screen(OperationScreen(self.current.id))

    async def do_queue_retry(self) -> None:
        """Try again what is marked, or the row."""
        items = [item for item in self.chosen() if item.state in rows.RETRIED]
        words = count(len(items), "operation")
        if len(items) > 1 and await self.ask(f"Try {words} again?", "xerotui retry ID") != "y":
            return
        for item in items:
            self.console_app.send("retry", f"Retry {item.title}", None, operation=item.id)
        self.marks = frozenset()
        self.table.mark(self.marks)

    def do_queue_state(self) -> None:
        """Go on to the next state that has any operation; after the last one, all."""
        present = [state.value for state in rows.ORDER if self.counts.get(state.value)]
        order = ["", *present]
        now = self.view.fields.get("state", "")
        following = order[(order.index(now) + 1) % len(order)] if now in order else ""
        fields = {k: v for k, v in self.view.fields.items() if k != "state"}
        self.look(fields=fields | ({"state": following} if following else {}))

    async def arrive(self, args: dict[str, str]) -> None:
        """Come with a state or a plan to look at."""
        self.look(fields={k: v for k, v in args.items() if k in self.FIELDS}, text="")
