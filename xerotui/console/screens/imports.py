"""Imports: the piles of each kind and organisation; enter makes the preview, l settles what is unclear."""

from typing import Any, ClassVar

import msgspec
from rich.text import Text

from xerotui.console.rows import imports as rows
from xerotui.console.screens import modes
from xerotui.console.screens.listing import ListScreen
from xerotui.console.text import argument, short, told
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.picker import Choice
from xerotui.model.kinds import PARTIES, Kind
from xerotui.model.paging import Page, View
from xerotui.model.problems import Problem
from xerotui.workspace.pages import ImportRow

# The choice of no group for new items.
NO_GROUP = "-"
# Causes that a person settles by choosing a record here.
NUMBERED = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM)
UNCLEAR = ("core.import_ambiguous", "core.contact_ambiguous", "core.contact_contradicts", "core.name_taken")


class ImportsScreen(ListScreen):
    """What an import would link and create; nothing is written before its plan is approved."""

    AREA = "imports"
    NAME = "Imports"
    HELP = (
        "Brings tax rates, customers, suppliers and items of Xero into the source, or links those that both sides "
        "have: exact hits in bulk after a preview, unclear ones one by one. Nothing is written before you approve the "
        "plan."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"links", "snapshots", "plans", "problems"})
    PAGED = False
    EMPTY = "Nothing to import: connect an organisation and a source, then read both sides, on Tenants (2)."

    def columns(self) -> tuple[Column, ...]:
        """Organisation, kind, piles."""
        return rows.COLUMNS

    async def page(self, view: View) -> Page[Any]:
        """All piles of the chosen organisation, or of all."""
        tenant = self.shown_tenant
        words = view.text.casefold()
        found = tuple(
            r
            for r in await self.ws.imports()
            if (not tenant or r.tenant == tenant) and words in f"{r.tenant_name} {r.kind.plural}".casefold()
        )
        return Page(rows=found, total=len(found))

    def row_of(self, item: ImportRow) -> Row:
        """One pile."""
        return rows.row(item)

    def detail(self, item: ImportRow) -> Text | None:
        """All of it is known already."""
        return rows.detail(item)

    def unavailable(self, command: str) -> str:
        """A kind that the source can't take says so."""
        item = self.current if self.is_mounted else None
        if command == "import.numbers" and self.is_mounted and (item is None or item.kind not in NUMBERED):
            return "Customers, suppliers and items have numbers or codes."
        if command in ("import.preview", "import.choose", "import.move") and self.is_mounted:
            if item is None:
                return "Nothing is chosen."
            if command == "import.move" and (item.kind not in PARTIES or not item.linked):
                return "Only linked customers and suppliers can be moved."
            if not item.supported:
                return item.reason or "The source can't take this kind."
        return ""

    def do_import_duplicates(self) -> None:
        """Contacts that look twice, over this screen; esc comes back."""
        self.app.push_screen(modes.duplicates())

    async def do_import_preview(self) -> None:
        """Ask for the plan of the row, or of the marked rows; new items first get their group."""
        items: tuple[ImportRow, ...] = tuple(i for i in self.chosen() if i.supported)
        groups: dict[str, str] = {}
        for item in items:
            if item.kind is Kind.ITEM and item.new and item.connection not in groups:
                group = await self._group(item)
                if group is None:
                    return
                groups[item.connection] = group
        for item in items:
            self.console_app.send(
                "import",
                f"Preview of {item.kind.plural}",
                self._made if item is items[-1] else None,
                connection=item.connection,
                tenant=item.tenant,
                kind=item.kind.value,
                group=groups.get(item.connection, "") if item.kind is Kind.ITEM else "",
            )
        self.marks = frozenset()
        self.table.mark(self.marks)

    async def _group(self, item: ImportRow) -> str | None:
        """The group for new items; None when the person went back."""
        groups = await self.ws.item_groups(item.connection)
        if not groups:
            return ""
        none = Choice(NO_GROUP, "No group", "chosen later, in the source")
        found = (*(Choice(id, name) for id, name in groups), none)
        key = await self.pick("group", f"Into which group go the new {item.kind.plural}?", found)
        return "" if key == NO_GROUP else key

    def do_import_numbers(self) -> None:
        """Ask for the plan that gives records of this kind their numbers."""
        item: ImportRow = self.current
        where = {"connection": item.connection, "tenant": item.tenant, "kind": item.kind.value}
        self.console_app.send("import", f"Numbers for {item.kind.plural}", self._made, **where, numbers="1")

    async def _made(self, answer: dict[str, str]) -> None:
        await self.console_app.go_to("plan", {"plan": answer.get("plan", "")})

    async def do_import_choose(self) -> None:
        """Choose an unclear record of the row's kind, then what it is."""
        item: ImportRow = self.current
        problems = await self._unclear(item)
        if not problems:
            words = "make the preview first (enter); it lists them." if item.unclear else "nothing of this kind is."
            self.notice(f"Unclear ones: {words}", "quiet")
            return
        choices = tuple(Choice(str(i), p.record.title or p.record.id, p.sentence) for i, p in enumerate(problems))
        key = await self.pick("unclear", f"Unclear {item.kind.plural}: which one?", choices)
        if key is not None:
            problem = problems[int(key)]
            await self._settle(item.connection, item.tenant, item.kind, problem.record.id, problem.record.title)

    async def _unclear(self, item: ImportRow) -> list[Problem]:
        found: list[Problem] = []
        for code in UNCLEAR:
            causes = await self.ws.errors(View(fields={"code": code, "tenant": item.tenant}))
            for cause in causes.rows:
                page = await self.ws.error_records(cause.code, cause.subject, View(fields={"tenant": item.tenant}))
                found += [p for p in page.rows if p.record.kind is item.kind]
        return found

    async def _settle(self, connection: str, tenant: str, kind: Kind, record: str, title: str) -> None:
        """Choose what a record is on the other side; a record of Xero is written `xero:<id>`."""
        targets = await self.ws.candidates(connection, tenant, kind, record)
        if not targets:
            self.notice("Neither side has a record that this could be.", "warn")
            return
        key = await self.pick("candidate", f"{short(title, 50)} is", rows.candidate_choices(targets))
        if key is None:
            return
        chosen = next(t.title for t in targets if t.id == key)
        foreign = record.removeprefix("xero:") if record.startswith("xero:") else ""
        mine, xero = (key, foreign) if foreign else (record, key)
        command = f"xerotui import link {kind.value} {argument(mine)} {argument(xero)} --tenant {argument(tenant)}"
        if await self.ask(f"Link {short(title, 36)} with {short(chosen, 36)}?", command) == "y":
            self.console_app.send(
                "link", "Link", None, connection=connection, kind=kind.value, record=mine, tenant=tenant, xero_id=xero
            )

    async def do_import_move(self) -> None:
        """Choose a linked record of the row's kind, then where its link goes; say what stays and what goes; ask."""
        item: ImportRow = self.current
        linked = await self.ws.linked(item.connection, item.tenant, item.kind)
        record = await self.pick("moved", f"Move the link of which {item.kind.label}?", rows.candidate_choices(linked))
        if record is None:
            return
        title = next(row.title for row in linked if row.id == record)
        others = tuple(Choice(id, name, "another organisation") for id, name in self._others(item))
        targets = await self.ws.candidates(item.connection, item.tenant, item.kind, record)
        found = (*others, *rows.candidate_choices(targets))
        to = await self.pick("target", f"{short(title, 40)} goes to", found)
        if to is None:
            return
        move = await self.ws.moved(item.connection, item.kind, record, item.tenant, to)
        if move.obstacle:
            self.notice(told(f"{short(title, 30)} can't be moved: {move.obstacle}", move.remedy), "warn")
            return
        command = f"xerotui import move {argument(record)} --to {argument(to)} --tenant {argument(item.tenant)}"
        command += " --supplier" if item.kind is Kind.SUPPLIER else ""
        if await self.ask(rows.moving(move), command) == "y":
            where = {"connection": item.connection, "kind": item.kind.value, "record": record, "tenant": item.tenant}
            self.console_app.send("move", "Move link", None, **where, to=to, contact=move.to)

    def _others(self, item: ImportRow) -> list[tuple[str, str]]:
        return [(id, name) for id, name in self.console_app.names.items() if id != item.tenant]

    async def arrive(self, args: dict[str, str]) -> None:
        """Come with a kind to choose, or with a record to settle at once."""
        kind = args.get("kind", "")
        self._select = "\x1f".join((args.get("connection", ""), args.get("tenant", ""), kind))
        self.view = msgspec.structs.replace(self.view, text="", fields={}, anchor="")
        self.reload()
        record = args.get("record", "") or (f"xero:{args['xero']}" if args.get("xero") else "")
        known = kind in {k.value for k in Kind}
        if record and known and not self.console_app.read_only:
            title = args.get("title", "") or record
            self.run(self._settle(args.get("connection", ""), args.get("tenant", ""), Kind(kind), record, title))
