"""Setup: the way from nothing to the first sync, in the order that the source declares; left and taken up at will."""

from typing import Any, ClassVar

from rich.text import Text

from xerotui.console.rows import setup as rows
from xerotui.console.screens.listing import ListScreen
from xerotui.console.text import safe, short
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.paged_table import PagedTable
from xerotui.model.paging import Page, View
from xerotui.workspace.pages import Place, Step


class SetupScreen(ListScreen):
    """One row a step; enter goes to its place, and esc comes back here."""

    AREA = "setup"
    NAME = "Setup"
    HELP = (
        "Every step from nothing to the first sync, in order: what is done, what is missing, and which documents wait "
        "for it. Enter goes to where a step is done, esc comes back. Steps are optional unless something waits for "
        "them; k says that one is right as it is. Nothing is lost by leaving."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"book", "plans", "problems", "links", "snapshots"})
    PAGED = False
    EMPTY = "No source is installed: see Plugins."

    def __init__(self) -> None:
        super().__init__()
        self.steps: tuple[Step, ...] = ()
        self._was_open = False

    def columns(self) -> tuple[Column, ...]:
        """Word, step, how it stands."""
        return rows.COLUMNS

    async def page(self, view: View) -> Page[Any]:
        """All steps are one page; a filter looks at their titles and words."""
        self.steps = steps = await self.ws.setup()
        words = view.text.casefold()
        found = tuple((i, s) for i, s in enumerate(steps, 1) if words in f"{s.title} {s.detail}".casefold())
        return Page(rows=found, total=len(found))

    def on_screen_resume(self) -> None:
        """One comes back from doing a step: how it stands now is read at once, not with the next news."""
        super().on_screen_resume()
        if self.loaded:
            self.reload()

    def row_of(self, item: tuple[int, Step]) -> Row:
        """One step."""
        return rows.row(*item)

    def paint(self, data: Page[Any]) -> None:
        """The cursor starts on the next step, and goes on when the step under it is dealt with."""
        at = next((s for _, s in data.rows if s.id == self.table.key), None)
        dealt = at is not None and self._was_open and at.state != "todo"
        if at is None or dealt:
            self._select = self._next_step(tuple(s for _, s in data.rows), at)
        super().paint(data)
        self._was_open = self.current is not None and self.current[1].state == "todo"

    @staticmethod
    def _next_step(steps: tuple[Step, ...], after: Step | None) -> str:
        """The first open step behind one, else the first of all."""
        start = steps.index(after) + 1 if after in steps else 0
        todo = [s for s in (*steps[start:], *steps[:start]) if s.state == "todo"]
        return todo[0].id if todo else ""

    def on_paged_table_highlighted(self, message: PagedTable.Highlighted) -> None:
        """Whether the step that one stands on is open."""
        super().on_paged_table_highlighted(message)
        self._was_open = self.current is not None and self.current[1].state == "todo"

    def detail(self, item: tuple[int, Step]) -> Text | None:
        """All of it is known already."""
        return rows.text(item[1], self.console_app.names)

    def title_parts(self) -> list[object]:
        """How many steps are left."""
        must = sum(s.compulsory and s.state in ("todo", "waiting") for s in self.steps)
        may = sum(not s.compulsory and s.state == "todo" for s in self.steps)
        parts: list[object] = [safe(f"{must} to do", "bold yellow") if must else safe("ready to sync", "green")]
        return [*parts, safe(f"{may} optional", "dim")] if may else parts

    def unavailable(self, command: str) -> str:
        """What a step waits for is said instead of going there in vain."""
        if command not in ("setup.open", "setup.look", "setup.waits") or not self.is_mounted:
            return ""
        if self.current is None:
            return "Nothing is chosen."
        step: Step = self.current[1]
        if command == "setup.waits":
            return "" if step.documents else "No document waits for this step."
        if step.state == "waiting":
            first = next((s for s in self.steps if s.state == "todo" and s.connection == step.connection), step)
            return f"First: {short(first.title, 50)}."
        if command == "setup.look" and step.compulsory:
            return "Documents wait for it: enter goes there." if step.documents else "This step must be done."
        if command == "setup.look" and step.state == "done":
            return "It is done already."
        return ""

    def do_setup_open(self) -> None:
        """Go to the step's place; forms open here, on top."""
        step: Step = self.current[1]
        if step.command == "tenant.connect" and step.state == "todo":
            from xerotui.console.screens.connect_xero import ConnectXeroScreen

            self.app.push_screen(ConnectXeroScreen())
        elif step.command == "source.connect" and step.state == "todo" and not step.connection:
            from xerotui.console.screens.connect_source import ConnectSourceScreen

            self.app.push_screen(ConnectSourceScreen())
        elif step.command == "tenant.refresh":
            self.console_app.send("refresh", "Reading both sides")
        else:
            # Which kinds are synced is one part of the settings' form, and opens at once.
            part = {"setting": "sync_customers"} if step.what == "entities" else {}
            self.console_app.visit(Place(step.command, step.args | part))

    def do_setup_waits(self) -> None:
        """The causes that hold documents up at this step, each with the key to where it is mended."""
        step: Step = self.current[1]
        self.console_app.visit(Place("go.errors", {"code": ",".join(step.codes)}))

    async def do_setup_look(self) -> None:
        """Say that an optional step is right as it is, or take that back."""
        step: Step = self.current[1]
        made = await self.ws.setup_look(step.id, looked=not step.looked)
        self.notice(f"{step.title}: " + ("left as it is." if made.looked else "open again."), "good")
        self.reload()
