"""The first frame: opening, or why it could not be opened, with another try."""

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from xerotui.console import leave
from xerotui.console.text import join, safe, stack
from xerotui.model.problems import SyncError


class OpeningScreen(Screen[object]):
    """Opens the workspace in a worker; r tries again, q leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "Try again", show=False),
        Binding("q", "leave", "Quit", show=False),
    ]

    def compose(self) -> ComposeResult:
        """One text in the middle."""
        yield Static(join(safe("XeroTUI", "bold"), safe("  opening…", "dim")), id="opening", markup=False)

    def on_mount(self) -> None:
        """Open once the frame is on the screen."""
        self.call_after_refresh(self.action_again)

    def action_again(self) -> None:
        """Open, or try once more."""
        from xerotui.console.app import XeroTUI

        app = self.app
        if isinstance(app, XeroTUI) and app.workspace is None:
            self.query_one(Static).update(join(safe("XeroTUI", "bold"), safe("  opening…", "dim")))
            self.run_worker(partial(app.open_workspace), group="open", exclusive=True, exit_on_error=False)  # type: ignore[arg-type]

    def action_leave(self) -> None:
        """Leave without having opened."""
        self.app.exit(0)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A workspace that could not be opened says why."""
        error = event.worker.error
        if event.state is not WorkerState.ERROR or error is None:
            return
        event.stop()
        if isinstance(error, SyncError):
            words, remedy = error.sentence, error.remedy
        else:
            path = leave.note(getattr(self.app, "home", None), error)
            words = f"A fault of XeroTUI itself ({type(error).__name__})."
            remedy = f"A note without data is in {path}." if path else ""
        self.query_one(Static).update(
            stack(
                safe("The workspace could not be opened.", "bold red"),
                "",
                safe(words),
                safe(remedy),
                "",
                safe("r tries again, q quits.", "bold"),
            )
        )
