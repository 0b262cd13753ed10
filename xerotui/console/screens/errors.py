"""Errors: causes first, because one mended cause releases all that waited for it; then the records of a cause."""

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from xerotui.console.places import OUTSIDE, leads
from xerotui.console.rows import errors as rows
from xerotui.console.rows import story
from xerotui.console.screens.listing import ListScreen
from xerotui.console.text import count, safe, short, stack
from xerotui.console.widgets.columns import Column, Row
from xerotui.model.paging import Page, View
from xerotui.model.problems import Problem
from xerotui.workspace.pages import CauseRow


class ErrorsScreen(ListScreen):
    """Causes; enter lists their records, g goes to where one is mended, y checks again."""

    AREA = "errors"
    NAME = "Errors"
    HELP = (
        "Everything that waits or went wrong, grouped by its cause: mend the cause once and all its records go on. "
        "g opens the screen where it is mended, with the right row chosen. Filter with code: or words."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"problems", "plans"})
    FIELDS = ("code",)
    EMPTY = "No problems. Nothing waits."

    def columns(self) -> tuple[Column, ...]:
        """How many first."""
        return rows.COLUMNS

    async def page(self, view: View) -> Page[Any]:
        """A page of causes."""
        return await self.ws.errors(self.scoped(view))

    def row_of(self, item: CauseRow) -> Row:
        """One cause."""
        return rows.cause(item, self.console_app.names)

    def detail(self, item: CauseRow) -> Text | None:
        """All of it is known already."""
        return rows.cause_text(item, self.console_app.names)

    def unavailable(self, command: str) -> str:
        """Some causes are mended elsewhere."""
        if command in ("errors.fix", "errors.retry", "errors.open") and self.is_mounted and self.current is None:
            return "Nothing is chosen."
        if command == "errors.numbers" and self.is_mounted and not _numbered(self.current):
            return "What is chosen lacks no number."
        if command == "errors.fix" and self.is_mounted and not leads(self.current.place):
            return f"{OUTSIDE} {self.current.remedy}"
        return ""

    def do_errors_open(self) -> None:
        """The records that wait for it."""
        screen = CauseScreen(self.current)
        screen.scope = self.scope
        self.app.push_screen(screen)

    def do_errors_order(self) -> None:
        """Each problem by itself, the oldest first."""
        screen = OrderScreen()
        screen.scope = self.scope
        self.app.push_screen(screen)

    def do_errors_numbers(self) -> None:
        """Ask for the plan that makes them, for all records of the kind."""
        where = _numbered(self.current)
        self.console_app.send("import", "Numbers", self._numbers_made, **where, numbers="1")

    async def _numbers_made(self, answer: dict[str, str]) -> None:
        await self.console_app.go_to("plan", {"plan": answer.get("plan", "")})

    def do_errors_fix(self) -> None:
        """Go where it is mended."""
        self.console_app.visit(self.current.place, mending=True)

    async def do_errors_retry(self) -> None:
        """Check again everything that waits for the marked causes."""
        items: tuple[CauseRow, ...] = self.chosen()
        if len(items) > 1 and await self.ask(f"Check {count(len(items), 'cause')} again?", "xerotui retry") != "y":
            return
        for item in items:
            await self._retry(item)
        self.marks = frozenset()
        self.table.mark(self.marks)

    async def _retry(self, item: CauseRow) -> None:
        self.console_app.send(
            "retry", f"Retry {short(item.title, 40)}", self._retried, code=item.code, subject=item.subject
        )

    async def _retried(self, answer: dict[str, str]) -> None:
        number = answer.get("count", "")
        plan = answer.get("plan", "")
        words = f"Checked again: {number or 'nothing'} can go on." + (" See Plan (5)." if plan else "")
        self.console_app.tell(words, "good" if plan else "quiet")

    async def arrive(self, args: dict[str, str]) -> None:
        """Come with a code to look at, or a cause to choose."""
        if "subject" in args:
            self._select = rows.cause_key(args.get("code", ""), args["subject"])
        self.look(text="", fields={k: v for k, v in args.items() if k in self.FIELDS})


def _numbered(cause: CauseRow | None) -> dict[str, str]:
    """The connection, organisation and kind whose records lack a number; empty for any other cause."""
    if cause is None or cause.code not in ("core.account_number_missing", "core.item_incomplete") or not cause.tenants:
        return {}
    kind, connection = cause.subject.partition(":")[0], cause.place.args.get("connection", "") if cause.place else ""
    return {"connection": connection, "tenant": cause.tenants[0], "kind": kind} if connection else {}


class CauseScreen(ListScreen):
    """The records that wait for one cause."""

    AREA = "records"
    NAME = "Waiting records"
    HELP = (
        "The records that wait for one cause. Enter shows a record's whole story; "
        "g goes to where the cause is mended, y checks all of them again."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"problems"})
    EMPTY = "Nothing waits for this any more."

    def __init__(self, cause: CauseRow) -> None:
        super().__init__()
        self.cause = cause

    def columns(self) -> tuple[Column, ...]:
        """Kind and record first."""
        return rows.RECORDS

    def above(self) -> ComposeResult:
        """The cause in full: the list has no room for whole sentences."""
        words = safe(self.cause.sentence, "", 400)
        remedy = safe(f"→ {self.cause.remedy}", "", 200)
        yield Static(stack(words, remedy) if self.cause.remedy else words, id="cause", markup=False)

    async def page(self, view: View) -> Page[Any]:
        """A page of records."""
        return await self.ws.error_records(self.cause.code, self.cause.subject, self.scoped(view))

    def row_of(self, item: Problem) -> Row:
        """One record."""
        return rows.record(item, self.console_app.names)

    def title_parts(self) -> list[object]:
        """Which cause."""
        return [safe(short(self.cause.title, 44), "yellow"), *super().title_parts()]

    async def detail_of(self, item: Problem) -> Text:
        """The record's story."""
        ref = item.record
        found = await self.ws.story(ref.connection, ref.kind, ref.id, ref.tenant)
        return story.text(found, self.app.size.width * 38 // 100 - 3, self.console_app.names)

    def unavailable(self, command: str) -> str:
        """Some causes are mended elsewhere."""
        if command == "records.fix" and self._place() is None:
            return f"{OUTSIDE} {self.cause.remedy}"
        return ""

    def _place(self) -> Any:
        item = self.current if self.is_mounted else None
        own = item.place if item is not None else None
        return next((place for place in (own, self.cause.place) if leads(place)), None)

    def do_records_open(self) -> None:
        """The record's story."""
        item = self.current
        if item is not None:
            self.console_app.open_story(item.record.connection, item.record.kind, item.record.id, item.record.tenant)

    def do_records_fix(self) -> None:
        """Go where it is mended."""
        self.console_app.visit(self._place(), mending=True)

    def do_records_retry(self) -> None:
        """Check the whole cause again."""
        self.console_app.send("retry", "Retry", None, code=self.cause.code, subject=self.cause.subject)


class OrderScreen(ListScreen):
    """Every problem by itself, in the order of time."""

    AREA = "records"
    NAME = "Problems in order"
    HELP = (
        "Every problem by itself, the oldest first; t chooses the organisation. Enter shows the record's whole story; "
        "g goes to where it is mended, y checks everything of the same cause again. Filter with code:, kind: or words."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"problems"})
    FIELDS = ("code", "kind")
    EMPTY = "No problems. Nothing waits."

    def columns(self) -> tuple[Column, ...]:
        """Time first."""
        return rows.ORDER

    async def page(self, view: View) -> Page[Any]:
        """A page of problems."""
        return await self.ws.problems(self.scoped(view))

    def row_of(self, item: Problem) -> Row:
        """One problem."""
        return rows.in_order(item, self.console_app.names)

    async def detail_of(self, item: Problem) -> Text:
        """The record's story."""
        ref = item.record
        found = await self.ws.story(ref.connection, ref.kind, ref.id, ref.tenant)
        return story.text(found, self.app.size.width * 38 // 100 - 3, self.console_app.names)

    def unavailable(self, command: str) -> str:
        """Some problems are mended elsewhere."""
        item: Problem | None = self.current if self.is_mounted else None
        if command in ("records.open", "records.fix", "records.retry") and item is None:
            return "Nothing is chosen."
        if command == "records.fix" and item is not None and not leads(item.place):
            return f"{OUTSIDE} {item.remedy}"
        return ""

    def do_records_open(self) -> None:
        """The record's story."""
        ref = self.current.record
        self.console_app.open_story(ref.connection, ref.kind, ref.id, ref.tenant)

    def do_records_fix(self) -> None:
        """Go where it is mended."""
        self.console_app.visit(self.current.place, mending=True)

    def do_records_retry(self) -> None:
        """Check the whole cause again."""
        self.console_app.send("retry", "Retry", None, code=self.current.code, subject=self.current.subject)
