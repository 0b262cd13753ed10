"""Drift: where source and Xero differ and nothing is overwritten; a person takes a side."""

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult

from xerotui.console.rows import drift as rows
from xerotui.console.screens.listing import ListScreen
from xerotui.console.text import argument, safe, short, told
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.lines import Line
from xerotui.model.paging import Page, View
from xerotui.model.problems import SyncError
from xerotui.workspace.back import SORTS, ApartRow


class DriftScreen(ListScreen):
    """One row a difference; x takes Xero's side, s the source's."""

    AREA = "drift"
    NAME = "Drift"
    HELP = (
        "Where source and Xero differ and nothing is overwritten: fields changed on the side that doesn't "
        "own them, documents edited or voided in Xero, payments that the source can't hold, and what was born in Xero. "
        "x takes Xero's side, s the source's: that makes a plan to approve. Filter with what:, field:, owner: or words."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"apart"})
    FIELDS = ("what", "field", "kind", "owner", "record")
    EMPTY = "Both sides say the same, as far as they were read. A plan (5) reads them again."

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}

    def columns(self) -> tuple[Column, ...]:
        """What first."""
        return rows.COLUMNS

    def above(self) -> ComposeResult:
        """How many of each sort."""
        yield Line(id="counts")

    async def page(self, view: View) -> Page[Any]:
        """A page of differences, and the counts."""
        self.counts = await self.ws.drift_counts(self.shown_tenant)
        return await self.ws.drift(self.scoped(view))

    def row_of(self, item: ApartRow) -> Row:
        """One difference."""
        return rows.row(item, self.console_app.names)

    def paint(self, data: Page[Any]) -> None:
        """Counts, then rows."""
        words = "   ".join(f"{number:,} {SORTS[what]}" for what, number in self.counts.items() if what in SORTS)
        self.query_one("#counts", Line).say(safe(words, "bold") if words else Text(""))
        super().paint(data)

    def detail(self, item: ApartRow) -> Text | None:
        """All of it is known already."""
        return rows.detail(item, self.console_app.names)

    def unavailable(self, command: str) -> str:
        """Sides are taken of what drifted alone."""
        item: ApartRow | None = self.current if self.is_mounted else None
        if command == "drift.sort":
            return ""
        if command.startswith("drift.") and item is None:
            return "Nothing is chosen."
        if item is None:
            return ""
        if command == "drift.open" and item.record.startswith("xero:"):
            return "It is in Xero alone: there is no record of the source to show."
        if command in ("drift.xero", "drift.source") and item.what != "drift":
            return f"There is no side to take. {item.why}"
        return ""

    def do_drift_open(self) -> None:
        """The record's story."""
        item: ApartRow = self.current
        self.console_app.open_story(item.connection, item.kind, item.record, item.tenant)

    def do_drift_sort(self) -> None:
        """Go on to the next sort that there is; after the last one, all."""
        order = ["", *(what for what in SORTS if self.counts.get(what))]
        now = self.view.fields.get("what", "")
        following = order[(order.index(now) + 1) % len(order)] if now in order else ""
        fields = {k: v for k, v in self.view.fields.items() if k != "what"}
        self.look(fields=fields | ({"what": following} if following else {}))

    async def do_drift_xero(self) -> None:
        """Xero's side."""
        await self._take("xero")

    async def do_drift_source(self) -> None:
        """The source's side."""
        await self._take("source")

    async def _take(self, side: str) -> None:
        item: ApartRow = self.current
        try:
            found = await self.ws.sides(item, side)
        except SyncError as error:
            self.notice(told(error.sentence, error.remedy), "warn")
            return
        then = found[0].then if found else ""
        whose = "Xero's side" if side == "xero" else "the source's side"
        what = f" {item.field_title}" if item.field_title else ""
        question = f"Take {whose} for {short(item.title, 40)}{short(what, 30)}: {then}?"
        cli = f"xerotui take {side} {argument(item.title)}"
        if await self.ask(question, cli) != "y":
            return
        args = {"connection": item.connection, "tenant": item.tenant, "kind": item.kind.value, "record": item.record}
        if len(found) == 1 and found[0].field == item.field:
            args["field"] = item.field
        self.console_app.send("take", f"Taking {whose}", self._taken, side=side, title=item.title, **args)

    async def _taken(self, answer: dict[str, str]) -> None:
        if answer.get("plan"):
            await self.console_app.go_to("plan", {"plan": answer["plan"]})
        else:
            self.console_app.tell("Taken: nothing has to be written.", "good")

    async def arrive(self, args: dict[str, str]) -> None:
        """Come with a sort or a record to look at."""
        self.look(text="", fields={k: v for k, v in args.items() if k in self.FIELDS})
