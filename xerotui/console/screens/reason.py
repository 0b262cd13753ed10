"""Asking for a reason: one field, kept with what it is given for."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from xerotui.console.forms import Form
from xerotui.console.forms import hints as form_hints
from xerotui.console.screens.base import AreaScreen
from xerotui.console.text import safe
from xerotui.console.widgets.bars import Hint
from xerotui.console.widgets.lines import Detail
from xerotui.workspace.pages import FormField


class ReasonScreen(AreaScreen):
    """Dismissed with the reason, or with "" where a person thought better of it."""

    AREA = "connecting"
    NAME = "Reason"
    HELP = "What is done here can't be taken back, or may do harm: the reason is kept in the audit with your name."
    TOPICS: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, about: str, does: str, cli: str) -> None:
        super().__init__()
        self.about, self.does, self.cli = about, does, cli

    def body(self) -> ComposeResult:
        """What it is for, and the field."""
        yield Detail(id="about")
        with Container(id="form-place"):
            yield Form((FormField(name="reason", title="Reason", help=self.does, required=True),), id="form")

    def on_mount(self) -> None:
        """Say what it is for."""
        super().on_mount()
        self.query_one("#about", Detail).say(safe(f"{self.about}\nsame as: {self.cli}"))

    def hints(self) -> tuple[Hint, ...]:
        """A form says how it is used."""
        return form_hints(self.does)

    def on_form_submitted(self, message: Form.Submitted) -> None:
        """Hand the reason on."""
        message.stop()
        self.dismiss(" ".join(message.values["reason"].split())[:500])

    def action_close(self) -> None:
        """Esc does nothing of it."""
        self.dismiss("")
