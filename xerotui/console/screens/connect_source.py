"""Connecting a source: which one, its settings, and the facts of the check; saved only when it works."""

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from xerotui.console.forms import Form
from xerotui.console.forms import hints as form_hints
from xerotui.console.rows.signs import worded
from xerotui.console.screens.base import AreaScreen
from xerotui.console.text import join, safe, short, stack, told
from xerotui.console.widgets.bars import Hint
from xerotui.console.widgets.lines import Detail
from xerotui.console.widgets.picker import Choice
from xerotui.model.problems import SyncError
from xerotui.workspace.pages import FormField

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME_FIELD = "connection_name"


def named(default: str) -> FormField:
    """The field for the connection's own name, first in every form."""
    help = "Used everywhere in the console, so choose one that people know."
    return FormField(name=NAME_FIELD, title="Name", help=help, default=default, required=True)


def fault_of(error: SyncError, fields: "Sequence[FormField]") -> dict[str, str]:
    """The field that an error speaks of, by its title or name; nothing when it speaks of none."""
    words = error.sentence.casefold()
    hit = next((f for f in fields if f.title.casefold() in words or f.name in words), None)
    return {hit.name: told(error.sentence, error.remedy)} if hit is not None else {}


class ConnectSourceScreen(AreaScreen):
    """A form drawn from the source's settings."""

    AREA = "connecting"
    NAME = "Connect a source"
    HELP = "Fill in how the source is reached. It is saved only when the check succeeds; secrets go into the vault."
    HAS: ClassVar[str] = "form"

    def __init__(self) -> None:
        super().__init__()
        self.source = ""
        self.title_words = ""
        self.fields: tuple[FormField, ...] = ()
        self.busy = False
        self.done = False

    def body(self) -> ComposeResult:
        """Where the form goes."""
        yield Container(id="form-place")

    async def load(self) -> tuple[tuple[str, str], ...]:
        """Which sources there are."""
        return await self.ws.source_types()

    def paint(self, data: Any) -> None:
        """Choose, unless there is one alone or a form is open."""
        if self.fields:
            return
        if not data:
            self.notice("No plugin brings a source: see Plugins (type : and plugins).", "bad")
        elif len(data) == 1:
            self.run(self._open(*data[0]))
        else:
            self.run(self._choose(data))

    async def _choose(self, types: tuple[tuple[str, str], ...]) -> None:
        key = await self.pick("source type", "Which system?", tuple(Choice(name, title) for name, title in types))
        if key is None:
            self.app.pop_screen()
        else:
            await self._open(key, dict(types)[key])

    async def _open(self, source: str, title: str) -> None:
        self.source, self.title_words = source, title
        self.fields = (named(title), *await self.ws.source_form(source))
        words = await self.ws.source_beforehand(source)
        before = [Static(safe(words, "yellow"), id="beforehand", markup=False)] if words else []
        await self.query_one("#form-place").mount(*before, Form(self.fields, id="form"))
        self.paint_frame()

    def unsaved(self) -> str:
        """What was typed and not saved."""
        forms = self.query(Form)
        if not self.done and forms and forms.first().edited:
            return "This source isn't saved: what you typed would be lost."
        return ""

    def hints(self) -> tuple[Hint, ...]:
        """A form says how it is used."""
        return form_hints("checks and saves") if self.fields and not self.done else super().hints()

    def title_parts(self) -> list[object]:
        """Which source."""
        return [safe(short(self.title_words, 40), "bold cyan"), safe("checking…", "yellow") if self.busy else ""]

    def on_form_submitted(self, message: Form.Submitted) -> None:
        """Check and save; the form stays as it is."""
        message.stop()
        reason = self.refused("source.connect")
        if reason:
            self.notice(reason, "warn")
        elif not self.busy:
            self.run(partial(self._connect, dict(message.values)), "connect", exclusive=True)

    async def _connect(self, values: dict[str, str]) -> None:
        self.busy = True
        self.notice("Checking the connection… esc calls it off.", "quiet")
        self.paint_frame()
        try:
            name = values.pop(NAME_FIELD)
            _, facts = await self.ws.connect_source(self.source, name, {k: v for k, v in values.items() if v})
        except SyncError as error:
            self.query_one(Form).say_wrong(fault_of(error, self.fields))
            self.failed(error)
            return
        finally:
            self.busy = False
            self.paint_frame()
        self.done = True
        await self._show(facts)
        self.paint_frame()

    async def _show(self, facts: "Sequence[Any]") -> None:
        parts: list[Text] = [safe("Connected and saved.", "bold green"), Text("")]
        for fact in facts:
            parts.append(join(worded("ok" if fact.ok else "bad", fact.title), "  ", safe(fact.value)))
            if not fact.ok and fact.remedy:
                parts.append(join("    ", safe(fact.remedy, "yellow")))
        parts += [Text(""), safe("esc goes back. Next: f on Tenants reads both sides.", "dim")]
        place = self.query_one("#form-place")
        await place.remove_children()
        pane = Detail(id="facts")
        await place.mount(pane)
        pane.say(stack(*parts))
        pane.focus()
        self.notice("")
        await self.console_app.know_names()

    def action_close(self) -> None:
        """Esc calls a check off, else leaves."""
        if self.busy:
            self.workers.cancel_group(self, "connect")
            self.notice("Called off; nothing was saved.", "warn")
        elif self.unsaved():
            self.run(self._leave())
        else:
            self.app.pop_screen()

    async def _leave(self) -> None:
        if await self.ask(safe(self.unsaved() + " Leave all the same?")) == "y":
            self.app.pop_screen()
