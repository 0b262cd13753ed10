"""Tenants: Xero organisations and source connections in one table; connecting, checking, reading again."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

import msgspec
from rich.text import Text

from xerotui.console.rows import tenants as rows
from xerotui.console.screens.listing import ListScreen
from xerotui.console.screens.reason import ReasonScreen
from xerotui.console.screens.text_screen import TextScreen
from xerotui.console.text import argument, count, safe, short
from xerotui.console.widgets.columns import Column, Row
from xerotui.model.paging import Page, View
from xerotui.model.problems import SyncError
from xerotui.workspace.login_pages import Parted
from xerotui.workspace.pages import Finding

# A login that is withdrawn takes every connection that its person made with the app (xero-api section 1.5).
OTHERS = "Other installations with the same app and person lose theirs too."
# Refusals that asking nothing of Xero doesn't get around.
FINAL = ("core.tenant_busy", "core.read_only", "core.not_connected")


class TenantsScreen(ListScreen):
    """Both sides of every pair, and their health."""

    AREA = "tenants"
    NAME = "Tenants"
    HELP = (
        "The Xero organisations and the source systems that are connected, and how they are. "
        "c connects Xero, s a source, k proves that connections work, f reads both sides again, e sets what is synced "
        "between the two, w switches a source off and on. x takes an organisation away from its login, d ends a whole "
        "login; what is linked and mapped stays."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"book", "links", "problems", "snapshots", "workers"})
    PAGED = False
    EMPTY = "Nothing is connected."

    def columns(self) -> tuple[Column, ...]:
        """Name and state first."""
        return rows.COLUMNS

    async def page(self, view: View) -> Page[Any]:
        """Both sections."""
        without = await self.ws.unassigned()
        sources = tuple(
            msgspec.structs.replace(s, detail=s.detail or without.get(s.id, "")) for s in await self.ws.sources()
        )
        found = rows.items(await self.ws.tenants(), sources, await self.ws.xero_connections())
        return Page(rows=found, total=sum(not item.row.heading for item in found))

    def row_of(self, item: rows.Item) -> Row:
        """The row as it was made."""
        return item.row

    def detail(self, item: rows.Item) -> Text | None:
        """All of it is known already."""
        if item.tenant is not None:
            return rows.tenant_text(item.tenant)
        if item.login is not None:
            return rows.login_text(item.login)
        return rows.source_text(item.source) if item.source is not None else Text("")

    def unavailable(self, command: str) -> str:
        """Some need an organisation under the cursor."""
        if command == "native.confirm" and self.is_mounted and (self.current is None or self.current.tenant is None):
            return "Choose an organisation first."
        if command == "tenant.readonly" and self.is_mounted and (self.current is None or self.current.tenant is None):
            return "Choose an organisation first."
        if command == "source.switch" and self.is_mounted and (self.current is None or self.current.source is None):
            return "Choose a source first."
        if command in ("tenant.disconnect", "login.delete") and self.is_mounted:
            return self._not_to_part(command)
        return ""

    def _not_to_part(self, command: str) -> str:
        """Why nothing of Xero can be left from this row."""
        item = self.current
        if item is None or (item.tenant is None and item.login is None):
            return "Choose an organisation, or a login, first."
        if item.tenant is not None and not item.tenant.connection:
            return "It isn't connected; c connects it again."
        if command == "tenant.disconnect" and item.login is not None and not item.login.unsaved:
            return "No organisation is connected through it; d forgets it."
        return ""

    def do_tenant_open(self) -> None:
        """Everything known, full screen."""
        if self.current is not None and self.current.tenant is not None:
            from xerotui.console.screens.connection import ConnectionScreen

            self.app.push_screen(ConnectionScreen(self.current.tenant.tenant))
            return
        if self.current is not None and self.current.login is not None and self.current.login.unsaved:
            from xerotui.console.screens.connect_xero import ConnectXeroScreen

            self.app.push_screen(ConnectXeroScreen(self.current.login.connection))
            return
        text = self.detail(self.current) if self.current is not None else None
        if text is not None:
            self.app.push_screen(TextScreen(text, "Connection"))

    def do_tenant_connect(self) -> None:
        """Connect Xero organisations."""
        from xerotui.console.screens.connect_xero import ConnectXeroScreen

        item = self.current
        again = ""
        if item is not None and item.tenant is not None and item.tenant.state == "expired":
            again = item.tenant.connection
        elif item is not None and item.login is not None and item.login.state == "signed out":
            again = item.login.connection
        self.app.push_screen(ConnectXeroScreen(again=again))

    def do_source_connect(self) -> None:
        """Connect a source."""
        from xerotui.console.screens.connect_source import ConnectSourceScreen

        self.app.push_screen(ConnectSourceScreen())

    def do_tenant_check(self) -> None:
        """Prove that the connections work."""
        self.app.push_screen(CheckScreen())

    def do_tenant_refresh(self) -> None:
        """Read both sides again: of the row, else of all."""
        item = self.current
        if item is not None and item.tenant is not None:
            name = short(item.tenant.name, 30)
            self.console_app.send("refresh", f"Reading {name}", None, tenant=item.tenant.tenant)
        elif item is not None and item.source is not None:
            self.console_app.send("refresh", f"Reading {short(item.source.name, 30)}", None, connection=item.source.id)
        else:
            self.console_app.send("refresh", "Reading both sides")

    async def do_source_switch(self) -> None:
        """Switch a source off or on, after a question that says what waits."""
        row = self.current.source
        verb = "off" if row.enabled else "on"
        waiting = await self.ws.waiting_for(row.id)
        held = f" {count(waiting, 'operation')} stay as they are." if waiting and row.enabled else ""
        effect = "Nothing is read, planned or sent for it" if row.enabled else "It is read, planned and sent for"
        words = f"Switch {short(row.name, 40)} {verb}? {effect}.{held}"
        if await self.ask(words, f"xerotui tenants {verb} {argument(row.name)}") == "y":
            await self.ws.source_switch(row.id, on=not row.enabled)
            self.notice(f"{short(row.name, 40)} is {verb}.", "good")
            self.reload()

    async def do_pair_open(self) -> None:
        """The settings of the pair that the row belongs to."""
        from xerotui.console.screens.pair import open_pair

        item = self.current
        tenant = item.tenant.tenant if item is not None and item.tenant is not None else ""
        source = item.source.id if item is not None and item.source is not None else ""
        await open_pair(self, source=source, tenant=tenant)

    async def do_tenant_readonly(self) -> None:
        """Switch an organisation between read-only and writable, after a question."""
        row = self.current.tenant
        words = "Let nothing be written to" if not row.read_only else "Let the worker write again to"
        command = f"xerotui tenants set {row.tenant} --{'writable' if row.read_only else 'read-only'}"
        if await self.ask(f"{words} {short(row.name, 40)}?", command) == "y":
            await self.ws.tenant_set(row.tenant, read_only=not row.read_only)
            self.console_app.ask_status()
            self.reload()

    async def do_native_confirm(self) -> None:
        """Take two writers upon oneself, with a reason."""
        row = self.current.tenant
        mine = [one for one in await self.ws.native(tenant=row.tenant) if not one.confirmed]
        if not mine:
            self.notice("No source syncs with it by itself, or that was confirmed.", "quiet")
            return
        one = mine[0]
        kinds = ", ".join(kind.plural for kind in one.kinds)
        about = f"{short(one.source_name, 30)} syncs {kinds} with {short(row.name, 40)} by itself. Two writers make "
        about += "duplicates. Why may both write?"
        cli = f"xerotui tenants confirm-native {argument(row.name)} --reason TEXT"

        def given(reason: object) -> None:
            if isinstance(reason, str) and reason:
                self.run(partial(self._confirmed, one.source, row.tenant, reason))

        self.app.push_screen(ReasonScreen(about, "confirms", cli), given)

    async def _confirmed(self, source: str, tenant: str, reason: str) -> None:
        await self.ws.confirm_native(source, tenant, reason)
        self.notice("Confirmed; it falls when the source's own sync changes.", "good")
        self.reload()

    async def do_tenant_disconnect(self) -> None:
        """Take an organisation away from its login, or give an unsaved login back, after a question."""
        item = self.current
        if item.tenant is None:
            words = f"Give the login of {short(item.login.name, 40)} that isn't saved back to Xero?"
            if await self.ask(words) == "y":
                self.notice(await self.ws.xero_discard(item.login.connection), "good")
                self.reload()
            return
        row = item.tenant
        alone = sum(t.connection == row.connection for t in await self.ws.tenants()) == 1
        end = f" It is the last one of {short(row.connection_name, 30)}: the login ends. {OTHERS}" if alone else ""
        words = f"Disconnect {short(row.name, 40)}, at Xero too? Links, mappings and history stay.{end}"
        await self._part(
            words, f"xerotui tenants disconnect {argument(row.name)}", partial(self.ws.tenant_disconnect, row.tenant)
        )

    async def do_login_delete(self) -> None:
        """End a login and forget it, after a question that names its organisations."""
        item = self.current
        connection = item.tenant.connection if item.tenant is not None else item.login.connection
        name = item.tenant.connection_name if item.tenant is not None else item.login.name
        held = [short(t.name, 30) for t in await self.ws.tenants() if t.connection == connection]
        words = (
            f"End the login {short(name, 30)} ({', '.join(held) or 'no organisation'}), at Xero too? Links, mappings "
        )
        words += f"and history stay. {OTHERS}"
        await self._part(words, f"xerotui tenants delete {argument(name)}", partial(self.ws.login_delete, connection))

    async def _part(self, words: str, command: str, leave: Callable[..., Awaitable[Parted]]) -> None:
        """Ask, leave, and say what became of it; where Xero can't be asked, offer to forget it here alone."""
        if await self.ask(words, command) != "y":
            return
        self.notice("Asking Xero…", "quiet")
        try:
            parted = await leave()
        except SyncError as error:
            if error.code in FINAL:
                raise
            words = f"{error.sentence} Forget it here alone, and disconnect it in Xero by hand?"
            self.notice("")
            if await self.ask(words, f"{command} --local-only") != "y":
                return
            parted = await leave(local_only=True)
        await self.console_app.know_names()
        self.notice(f"Done. {parted.at_xero}", "good")
        self.reload()

    async def arrive(self, args: dict[str, str]) -> None:
        """Come with an organisation or a connection to choose."""
        if args.get("tenant"):
            self._select = f"tenant {args['tenant']}"
        elif args.get("connection"):
            self._select = f"source {args['connection']}"
        self.reload()
        if args.get("tenant") and "setting" in args:
            from xerotui.console.screens.pair import open_pair

            source = args.get("connection", "")
            await open_pair(self, source=source, tenant=args["tenant"], setting=args["setting"])


class CheckScreen(ListScreen):
    """What a check found; it speaks to the network, so esc calls it off."""

    AREA = "check"
    NAME = "Check"
    HELP = "Asks every connection whether it works, and says what to do where one doesn't. Esc calls it off."
    PAGED = False
    EMPTY = "Nothing to check."

    def columns(self) -> tuple[Column, ...]:
        """Verdict first."""
        return rows.FINDINGS

    def on_mount(self) -> None:
        """Say that it takes a while."""
        super().on_mount()
        self.table.say_empty(safe("Checking… esc calls it off.", "dim"))

    async def page(self, view: View) -> Page[Any]:
        """All findings; the screen's end cancels the check."""
        found = tuple(enumerate(await self.ws.doctor()))
        return Page(rows=found, total=len(found))

    def row_of(self, item: tuple[int, Finding]) -> Row:
        """One finding."""
        return rows.finding(*item)

    def detail(self, item: tuple[int, Finding]) -> Text | None:
        """In full."""
        return rows.finding_text(item[1])

    def on_paged_table_opened(self, message: Any) -> None:
        """Enter shows it in full."""
        message.stop()
        if self.current is not None:
            self.app.push_screen(TextScreen(rows.finding_text(self.current[1]), "Finding"))
