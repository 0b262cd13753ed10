"""Choosing for one document, a line of it or all of its template, in a form filled in with what is chosen now."""

from functools import partial
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from xerotui.console.forms import Form
from xerotui.console.forms import hints as form_hints
from xerotui.console.screens.base import AreaScreen
from xerotui.console.text import clean, safe, short
from xerotui.console.widgets.bars import Hint
from xerotui.console.widgets.picker import Choice
from xerotui.model.problems import SyncError
from xerotui.workspace.overrides import AS_IS, NOTHING
from xerotui.workspace.pages import FormField, Story

WHOLE = "document"
TEMPLATE = "template"


class OverrideScreen(AreaScreen):
    """Asks first whether the document, its template or which line is meant."""

    AREA = "connecting"
    NAME = "Override"
    HELP = (
        "What you choose here goes before mappings, the source and defaults, for this document alone, or for all that "
        "are made from its template and have no choice of their own. Empty fields and “as it is” take a choice back. "
        "A plan made before is out of date then."
    )
    TOPICS: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, story: Story) -> None:
        super().__init__()
        self.story = story
        self.line = 0
        self.template = False
        self.done = False
        self._given: dict[str, str] = {}

    def body(self) -> ComposeResult:
        """The form, once it is known what for."""
        yield Container(id="form-place")

    def hints(self) -> tuple[Hint, ...]:
        """A form says how it is used."""
        return form_hints("saves")

    def title_parts(self) -> list[object]:
        """Which document, which line."""
        part = f"line {self.line}" if self.line else "all of its template" if self.template else ""
        return [safe(short(self.story.title, 40)), safe(part, "yellow")]

    async def load(self) -> tuple[FormField, ...]:
        """Nothing to load until it was asked what is meant."""
        if not self._shown:
            self.run(self._choose)
        return ()

    @property
    def _which(self) -> tuple[str, Any, str, str]:
        story = self.story
        return (story.connection, story.kind, story.record, story.tenant)

    async def _choose(self) -> None:
        try:
            found = await self.ws.override_targets(*self._which)
            template = Choice(TEMPLATE, "All of its template", f"status, theme; template {clean(found.template, 40)}")
            choices = (
                Choice(WHOLE, "This document", "status, theme, date, number"),
                *([template] if found.template else []),
                *(Choice(str(r.number), f"Line {r.number}", clean(r.text, 60)) for r in found.lines),
            )
            key = await self.pick("override", "Choose for", choices, WHOLE)
            if key is None:
                self.dismiss()
                return
            self.template = key == TEMPLATE
            self.line = int(key) if key not in (WHOLE, TEMPLATE) else 0
            fields = await self.ws.override_form(*self._which, line=self.line, template=self.template)
        except SyncError as error:
            self.failed(error)
            return
        await self.query_one("#form-place").mount(Form(fields, id="form"))
        self.paint_frame()

    def unsaved(self) -> str:
        """What was typed and not saved."""
        forms = self.query(Form)
        return "This isn't saved." if bool(forms) and not self.done and forms.first().edited else ""

    def on_form_submitted(self, message: Form.Submitted) -> None:
        """Ask the worker to keep it, or say what can't be."""
        message.stop()
        if reason := self.refused("story.choose"):
            self.notice(reason, "warn")
            return
        self.run(partial(self._save, dict(message.values)), "save", exclusive=True)

    async def _save(self, values: dict[str, str]) -> None:
        args = {name: value if value and value != AS_IS else NOTHING for name, value in values.items()}
        if self.line:
            args["line"] = str(self.line)
        if self.template:
            args["template"] = "1"
        try:
            found = await self.ws.override_preview(*self._which, args)
        except SyncError as error:
            self.failed(error)
            return
        connection, kind, record, tenant = self._which
        if found.changes:
            self.console_app.send(
                "override",
                "Override",
                self._kept,
                connection=connection,
                kind=kind.value,
                record=record,
                tenant=tenant,
                **args,
            )
        self.done = True
        self.dismiss()

    async def _kept(self, answer: dict[str, str]) -> None:
        words = "Kept; what was planned before is out of date."
        if answer.get("plan"):
            words = "Kept; what waited for it is in a plan: see Plan (5)."
        self.console_app.tell(words, "good")

    def action_close(self) -> None:
        """Esc leaves, after a question where something was typed."""
        if self._choice is not None and not self._choice.done():
            super().action_close()
        elif self.unsaved():
            self.run(self._leave())
        else:
            self.dismiss()

    async def _leave(self) -> None:
        if await self.ask(safe(self.unsaved() + " Leave all the same?")) == "y":
            self.dismiss()
