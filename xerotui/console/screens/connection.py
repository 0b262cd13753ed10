"""The connection to one organisation: everything known of it, and asking Xero anew."""

from typing import Any, ClassVar

from textual.app import ComposeResult

from xerotui.console import clip
from xerotui.console.rows import connection as rows
from xerotui.console.screens.base import AreaScreen
from xerotui.console.text import safe, short
from xerotui.console.widgets.lines import Detail
from xerotui.workspace.report import ConnectionReport


class ConnectionScreen(AreaScreen):
    """Shows a `ConnectionReport`."""

    AREA = "connection"
    NAME = "Connection"
    HELP = (
        "Everything that is known of the connection to one organisation, what is wrong first: login, permissions, "
        "calls and data used, lock dates, how old what was read is. k asks Xero anew, d sets start dates."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset({"book", "budget", "snapshots", "workers"})

    def __init__(self, tenant: str) -> None:
        super().__init__()
        self.which = tenant
        self.report: ConnectionReport | None = None
        self.busy = False

    def body(self) -> ComposeResult:
        """One long text."""
        yield Detail(id="report")

    async def load(self) -> ConnectionReport:
        """What is kept here; Xero isn't asked."""
        return await self.ws.connection(self.which)

    def paint(self, data: Any) -> None:
        """Show it."""
        self.report = data
        pane = self.query_one("#report", Detail)
        at = pane.scroll_y
        pane.say(rows.text(data, self.app.size.width - 5))
        # What is read must not jump away because a number below it changed.
        pane.scroll_to(y=at, animate=False)
        if self.focused is None:
            pane.focus()

    def show_fault(self, words: str) -> None:
        """Say that it could not be read."""
        self.query_one("#report", Detail).say(safe(words, "bold red"))

    def title_parts(self) -> list[object]:
        """Which organisation, and whether it is a live one."""
        if self.report is None:
            return []
        busy = safe("asking Xero…", "yellow") if self.busy else ""
        return [safe(short(self.report.name, 40)), rows.badge_text(self.report), busy]

    def unavailable(self, command: str) -> str:
        """Start dates belong to a source."""
        if command == "connection.dates" and self.report is not None and not self.report.pairs:
            return "No source is connected yet: start dates belong to a source and an organisation."
        return ""

    def do_connection_check(self) -> None:
        """Ask Xero; esc calls it off."""
        if not self.busy:
            self.run(self._check, "check", exclusive=True)

    async def _check(self) -> None:
        self.busy = True
        self.paint_frame()
        self.notice("Asking Xero… esc calls it off.", "quiet")
        try:
            report = await self.ws.connection_check(self.which)
        finally:
            self.busy = False
            self.paint_frame()
        self.paint(report)
        wrong = sum(finding.level != "ok" for finding in report.findings)
        self.notice("Xero answers; nothing is wrong." if not wrong else f"{wrong} found wrong: see above.")
        self.paint_frame()

    def action_close(self) -> None:
        """Esc calls a question to Xero off, else leaves."""
        if self.busy:
            self.workers.cancel_group(self, "check")
            self.notice("Called off.", "warn")
        else:
            super().action_close()

    def do_connection_copy(self) -> None:
        """Send the text to the terminal's clipboard."""
        self.notice(clip.send(self.console_app, self.query_one("#report", Detail).said.plain), "quiet")

    def do_connection_dates(self) -> None:
        """Set from which day documents sync."""
        from xerotui.console.screens.pair import open_pair

        self.run(open_pair(self, tenant=self.which, setting="start_invoices"))
