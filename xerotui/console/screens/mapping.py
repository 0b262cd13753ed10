"""Mapping: which Xero value each source value becomes. Drawn from the mapping specs; it knows no source by name."""

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from rich.text import Text

from xerotui.console.rows import mapping as rows
from xerotui.console.screens.listing import ListScreen
from xerotui.console.text import argument, count, middle, safe, short
from xerotui.console.widgets.columns import Column, Row
from xerotui.model.paging import Page, View
from xerotui.workspace.pages import MappingRow

if TYPE_CHECKING:
    from xerotui.workspace.pages import SpecRow


CONNECT_FIRST = "Connect an organisation and a source first: Tenants (2)."


class MappingScreen(ListScreen):
    """One spec of one source connection and one organisation; t and m switch."""

    AREA = "mapping"
    NAME = "Tax mapping"
    HELP = (
        "Which Xero value each value of the source becomes, for one organisation at a time; nothing that uses an "
        "unmapped value is sent. Saving a mapping releases everything that waited for it into a follow-up plan."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"book", "problems", "snapshots"})
    FIELDS = ("state", "trade", "value")
    EMPTY = "The source has no values of this kind yet: read it again on Tenants (2)."

    def __init__(self) -> None:
        super().__init__()
        self.specs: tuple[SpecRow, ...] = ()
        self.spec: SpecRow | None = None
        self.tenant = ""

    def columns(self) -> tuple[Column, ...]:
        """Titled by the spec once it is known."""
        return rows.columns("In the source", "In Xero")

    def tenant_choices(self) -> list[str]:
        """A mapping belongs to one organisation; there is no view of all."""
        return list(self.console_app.names)

    def tenant_shown(self) -> str:
        """Never all of them."""
        return self.tenant

    async def page(self, view: View) -> Page[Any]:
        """Settle organisation and spec, then a page of values."""
        app = self.console_app
        if not app.names or not app.source:
            self.spec = None
            return Page(rows=(), total=0)
        self.tenant = self.shown_tenant if self.shown_tenant in app.names else next(iter(app.names))
        self.specs = await self.ws.mapping_specs(app.source)
        self.spec = next((s for s in self.specs if s.id == app.spec), None) or next(iter(self.specs), None)
        if self.spec is None:
            return Page(rows=(), total=0)
        return await self.ws.mapping(self.spec.id, app.source, self.tenant, view)

    def paint(self, data: Page[Any]) -> None:
        """Head the columns by the spec, then the rows."""
        if self.spec is not None:
            target = "Xero " + short(self.spec.target, 22).replace("_", " ")
            columns = rows.columns(short(self.spec.source_title, 28), target)
            self.table.head(columns)
        super().paint(data)

    def empty_words(self) -> str:
        """What has to come first."""
        app = self.console_app
        if not app.names or not app.source:
            return CONNECT_FIRST
        return super().empty_words()

    def title_parts(self) -> list[object]:
        """Spec, organisation, source."""
        app = self.console_app
        if self.spec is None:
            return []
        parts: list[object] = [safe(middle(app.names.get(self.tenant, ""), 28), "bold cyan")]
        if len(self.specs) > 1:
            more = "" if self.view.fields or self.view.text else f" (m: {len(self.specs)} kinds)"
            parts.append(safe(short(self.spec.title, 26) + more))
        if len(app.sources) > 1:
            parts.append(safe(f"from {app.sources[app.source]}", "dim", 30))
        return [*parts, *super().title_parts()]

    def row_of(self, item: MappingRow) -> Row:
        """One value."""
        return rows.row(item)

    def detail(self, item: MappingRow) -> Text | None:
        """All of it is known already."""
        return rows.detail(item)

    def unavailable(self, command: str) -> str:
        """What needs a row, or values at all, says so."""
        if command.startswith("map.") and command != "map.tenant" and self.spec is None:
            app = self.console_app
            return CONNECT_FIRST if not app.names or not app.source else "There is nothing to map yet."
        if command in ("map.set", "map.clear") and self.is_mounted and self.current is None:
            return "Nothing is chosen."
        if command == "map.clear" and (self.current.state == "proposed" or not self.current.target):
            return "This row has no mapping to remove."
        return ""

    async def do_map_set(self) -> None:
        """Choose the Xero value of the row."""
        item: MappingRow = self.current
        targets = await self.ws.mapping_targets(item.spec, item.connection, item.tenant, item.value, item.trade)
        if not targets:
            self.notice("Nothing to choose: read the organisation again on Tenants (2).", "warn")
            return
        title = f"{short(item.title, 40)} ({item.trade}) becomes, in {short(self.console_app.names[self.tenant], 30)}"
        key = await self.pick("target", title, rows.choices(targets), item.target)
        if key is None:
            return
        await self.ws.map_set(item.spec, item.connection, item.tenant, item.value, key, item.trade)
        chosen = next(t.title for t in targets if t.id == key)
        self._say_released(f"{short(item.title, 30)} is now {short(chosen, 30)}", item.waiting)
        self.reload()

    def _say_released(self, words: str, waiting: int) -> None:
        tail = f": {count(waiting, 'document')} released, a follow-up plan is being made" if waiting else ""
        # Who came from a problem goes back to its row; who came to map goes on mapping.
        if not (self.console_app.mending and self.console_app.go_back(words + tail + ".")):
            self.notice(words + tail + ".", "good")

    async def do_map_accept(self) -> None:
        """Take every proposal of equal rate, after a question."""
        app = self.console_app
        assert self.spec is not None
        proposed = msgspec.structs.replace(View(limit=50), fields={"state": "proposed"})
        found = await self.ws.mapping(self.spec.id, app.source, self.tenant, proposed)
        if not found.total:
            self.notice("There is no proposal to take.", "quiet")
            return
        name = short(app.names[self.tenant], 30)
        command = f"xerotui map accept --spec {argument(self.spec.id)} --tenant {argument(self.tenant)}"
        if await self.ask(f"Take {count(found.total, 'proposal')} for {name}?", command) != "y":
            return
        number = await self.ws.map_accept(self.spec.id, app.source, self.tenant)
        waiting = sum(item.waiting for item in found.rows if item.state == "proposed")
        self._say_released(f"{count(number, 'proposal')} taken", waiting)
        self.reload()

    async def do_map_clear(self) -> None:
        """Remove a mapping, after a question."""
        item: MappingRow = self.current
        question = f"Unmap {short(item.title, 40)} ({item.trade})? What uses it waits until it is mapped again."
        command = f"xerotui map clear {argument(item.value)} --spec {argument(item.spec)} --trade {item.trade}"
        command += f" --tenant {argument(item.tenant)}"
        if await self.ask(question, command) == "y":
            await self.ws.map_clear(item.spec, item.connection, item.tenant, item.value, item.trade)
            self.notice(f"{short(item.title, 40)} is unmapped.", "good")
            self.reload()

    async def do_map_taxes(self) -> None:
        """Ask for the plan that brings Xero's tax rates into the source; cleaning up is a choice of its own."""
        app = self.console_app
        name = short(app.names[self.tenant], 30)
        choices = (("y", "add what is missing"), ("c", "and clean up"))
        question = f"Plan the import of {name}'s tax rates? Nothing is written before you approve it."
        answer = await self.ask(question, "xerotui import taxes --dry-run  (c: with --clean-up)", choices)
        if answer == "n":
            return
        more = {"clean_up": "1"} if answer == "c" else {}
        app.send(
            "import",
            "Preview of tax rates",
            self._planned,
            connection=app.source,
            tenant=self.tenant,
            kind="tax_rate",
            **more,
        )

    async def _planned(self, answer: dict[str, str]) -> None:
        await self.console_app.go_to("plan", {"plan": answer.get("plan", "")})

    def do_map_spec(self) -> None:
        """Go on to the next spec; after the last one, the next source's."""
        app = self.console_app
        if not self.specs or self.spec is None:
            self.notice("There is nothing to switch between.", "quiet")
            return
        at = [s.id for s in self.specs].index(self.spec.id)
        if at + 1 < len(self.specs):
            app.spec = self.specs[at + 1].id
        else:
            names = list(app.sources)
            app.source = names[(names.index(app.source) + 1) % len(names)]
            app.spec = ""
        self.look(text="", fields={})

    async def arrive(self, args: dict[str, str]) -> None:
        """Come with a spec and a value to choose."""
        app = self.console_app
        app.spec = args.get("spec", app.spec)
        if args.get("connection") in app.sources:
            app.source = args["connection"]
        value = args.get("value", "")
        self._select = rows.key(value, args.get("trade", "sales")) if value else ""
        # The list may be longer than a page: the value itself is the filter.
        self.look(text="", fields={"value": value} if value else {})
