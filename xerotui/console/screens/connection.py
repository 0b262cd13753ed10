"""The connection to one organisation: everything known of it, asking Xero anew, and from which day documents sync."""

import datetime as dt
from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from xerotui.console import clip
from xerotui.console.forms import Form
from xerotui.console.forms import hints as form_hints
from xerotui.console.rows import connection as rows
from xerotui.console.screens.base import AreaScreen
from xerotui.console.text import safe, short
from xerotui.console.widgets.bars import Hint
from xerotui.console.widgets.lines import Detail
from xerotui.model.problems import SyncError
from xerotui.workspace.pages import FormField
from xerotui.workspace.report import STARTING, ConnectionReport

# Between source and kind in the name of a field.
SEPARATOR = "--"


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
        if self.report is not None:
            self.app.push_screen(StartDatesScreen(self.report), lambda _: self.reload())


class StartDatesScreen(AreaScreen):
    """From which day documents of a source sync with an organisation; blank is from the beginning."""

    AREA = "connecting"
    NAME = "Start dates"
    HELP = "Documents dated before the start date are left alone. Write 2026-01-31; a blank field means all of them."

    def __init__(self, report: ConnectionReport) -> None:
        super().__init__()
        self.report = report
        self.done = False

    def body(self) -> ComposeResult:
        """A field for each source and kind."""
        with Container(id="form-place"):
            yield Form(fields(self.report), id="form")

    def hints(self) -> tuple[Hint, ...]:
        """A form says how it is used."""
        return form_hints("saves")

    def title_parts(self) -> list[object]:
        """Which organisation."""
        return [safe(short(self.report.name, 40)), rows.badge_text(self.report)]

    def unsaved(self) -> str:
        """What was typed and not saved."""
        forms = self.query(Form)
        edited = bool(forms) and not self.done and forms.first().edited
        return "These dates aren't saved." if edited else ""

    def on_form_submitted(self, message: Form.Submitted) -> None:
        """Save, or say what is no date."""
        message.stop()
        reason = self.refused("connection.dates")
        if reason:
            self.notice(reason, "warn")
        else:
            self.run(partial(self._save, dict(message.values)), "save", exclusive=True)

    async def _save(self, values: dict[str, str]) -> None:
        dates: dict[str, dict[str, dt.date | None]] = {}
        faults: dict[str, str] = {}
        for name, text in values.items():
            source, _, kind = name.rpartition(SEPARATOR)
            try:
                dates.setdefault(source, {})[kind] = dt.date.fromisoformat(text) if text else None
            except ValueError:
                faults[name] = "No date: write it as 2026-01-31."
        if faults:
            self.query_one(Form).say_wrong(faults)
            return
        try:
            for source, days in dates.items():
                await self.ws.start_dates(source, self.report.tenant, days)
        except SyncError as error:
            self.failed(error)
            return
        self.done = True
        self.dismiss()

    def action_close(self) -> None:
        """Esc leaves, after a question where something was typed."""
        if self.unsaved():
            self.run(self._leave())
        else:
            self.dismiss()

    async def _leave(self) -> None:
        if await self.ask(safe(self.unsaved() + " Leave all the same?")) == "y":
            self.dismiss()


def fields(report: ConnectionReport) -> tuple[FormField, ...]:
    """A field for each source and kind of document, with the day that is set."""
    several = len(report.pairs) > 1
    return tuple(
        FormField(
            name=f"{pair.source}{SEPARATOR}{kind.value}",
            title=f"{pair.name}: {kind.plural}" if several else kind.plural.capitalize(),
            help="Such documents of an earlier date are left alone. As 2026-01-31; blank: all of them.",
            default=day.isoformat() if (day := pair.start.get(kind.value)) else "",
        )
        for pair in report.pairs
        for kind in STARTING
    )
