"""Overview: what is still to be done before the first sync, what waits for a person, budgets and runs."""

from typing import Any, ClassVar

from textual.app import ComposeResult

from xerotui.console.rows import overview as rows
from xerotui.console.screens.listing import ListScreen
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.lines import Detail
from xerotui.model.paging import Page, View
from xerotui.model.problems import CORE
from xerotui.workspace.pages import Overview, Place


class OverviewScreen(ListScreen):
    """Readiness in the order that the source declares; enter goes to where a step is done."""

    AREA = "overview"
    NAME = "Overview"
    HELP = (
        "Shows what is still to be done before the first sync, in order, and what waits for you. "
        "Enter on a row goes to the screen where it is done."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset(
        {"book", "plans", "problems", "queue", "links", "snapshots", "budget", "workers"}
    )
    PAGED = False
    EMPTY = "Nothing to do."
    HAS_DETAIL = False

    def __init__(self) -> None:
        super().__init__()
        self.data: Overview | None = None

    def columns(self) -> tuple[Column, ...]:
        """Sign and word, title, detail."""
        return rows.COLUMNS

    def body(self) -> ComposeResult:
        """The list, and below it budgets and runs."""
        yield from super().body()
        yield Detail(id="below")

    async def page(self, view: View) -> Page[Any]:
        """All of it is one page."""
        self.data = data = await self.ws.overview()
        titles = {code: words.title for code, words in CORE.items()}
        if set(data.problems) - set(titles):
            # Codes of plugins: their words come with the causes.
            titles |= {cause.code: cause.title for cause in (await self.ws.errors(View())).rows}
        items = rows.items(data, titles)
        return Page(rows=items, total=sum(not item.row.heading for item in items))

    def row_of(self, item: rows.Item) -> Row:
        """The row as it was made."""
        return item.row

    def paint(self, data: Page[Any]) -> None:
        """The list, then what stands below it; the cursor starts on the next step."""
        if not self.rows:
            steps = self.data.steps if self.data is not None else ()
            todo = sorted((s for s in steps if s.state == "todo"), key=lambda s: not s.compulsory)
            self._select = f"step {todo[0].id}" if todo else ""
        super().paint(data)
        if self.data is not None:
            room = max(3, self.app.size.height - 4 - len(data.rows) - 2)
            most = 3 if room < 12 else 6
            self.query_one("#below", Detail).say(
                rows.below(self.data, self.app.size.width - 2, 2 if most == 3 else 5, most)
            )

    def title_parts(self) -> list[object]:
        """How many steps are left."""
        if self.data is None:
            return []
        left = sum(step.compulsory and step.state in ("todo", "waiting") for step in self.data.steps)
        return ["ready to sync" if not left else f"{left} of {len(self.data.steps)} steps to go"]

    def do_overview_setup(self) -> None:
        """The steps with what each misses and blocks; esc comes back."""
        self.console_app.visit(Place("go.setup"))

    def do_overview_open(self) -> None:
        """Go to where the row is done."""
        item = self.current
        if item is not None and item.place is not None:
            self.console_app.visit(item.place)
        else:
            self.notice("Nothing to do for this one.", "quiet")
