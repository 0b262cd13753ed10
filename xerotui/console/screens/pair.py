"""A pair's settings: all of them in a list, and a form for the part of the one that is opened."""

from functools import partial
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container

from xerotui.console.forms import Form
from xerotui.console.forms import hints as form_hints
from xerotui.console.rows import pair as rows
from xerotui.console.screens.base import AreaScreen
from xerotui.console.screens.connect_source import fault_of
from xerotui.console.screens.listing import ListScreen
from xerotui.console.text import argument, safe, short
from xerotui.console.widgets.bars import Hint
from xerotui.console.widgets.columns import Column, Row
from xerotui.console.widgets.lines import Detail
from xerotui.console.widgets.picker import Choice
from xerotui.model.paging import Page, View
from xerotui.model.problems import SyncError
from xerotui.workspace.listing import paged
from xerotui.workspace.pages import FormField
from xerotui.workspace.policies import PairChange, PairView

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace


async def open_pair(screen: AreaScreen, *, source: str = "", tenant: str = "", setting: str = "") -> None:
    """Open the settings of a pair; where several fit, the person chooses."""
    space: Workspace = screen.ws
    views = await space.pairs(source, tenant)
    if not views:
        screen.notice("No pair yet: connect a source and an organisation first.", "warn")
        return
    key: str | None = "0"
    if len(views) > 1:
        choices = tuple(Choice(str(n), f"{v.source_name} → {v.tenant_name}") for n, v in enumerate(views))
        key = await screen.pick("pair", "Which pair?", choices)
    if key is not None:
        chosen = views[int(key)]
        screen.app.push_screen(PairScreen(chosen.source, chosen.tenant, setting))


class PairScreen(ListScreen):
    """What is synced between a source and an organisation, from when, and how."""

    AREA = "pair"
    NAME = "Sync settings"
    HELP = (
        "What is synced between this source and this organisation, from when, and how. Enter changes a setting with "
        "those of its part; what isn't as usual is marked *. Saving re-checks everything that waits."
    )
    TOPICS = frozenset({"book", "plans"})

    def __init__(self, source: str, tenant: str, setting: str = "") -> None:
        super().__init__()
        self.source, self.which = source, tenant
        self.pair: PairView | None = None
        self._select = setting
        self._open = setting

    def columns(self) -> tuple[Column, ...]:
        """Setting, value, help."""
        return rows.COLUMNS

    async def page(self, view: View) -> Page[Any]:
        """A page of the settings."""
        self.pair = await self.ws.pair_settings(self.source, self.which)
        return paged(rows.items(self.pair, self.ws.pair_form()), view, lambda item: item.words)

    def row_of(self, item: rows.Item) -> Row:
        """One setting."""
        return rows.row(item)

    def detail(self, item: rows.Item) -> Text | None:
        """The setting in full."""
        return rows.setting_text(item)

    def title_parts(self) -> list[object]:
        """Which pair, and how it runs."""
        if self.pair is None:
            return []
        off = "" if self.pair.source_on else safe("source off", "bold yellow")
        names = f"{short(self.pair.source_name, 20)} → {short(self.pair.tenant_name, 30)}"
        return [safe(names, "bold cyan"), safe(self.pair.mode), off, *super().title_parts()]

    def paint(self, data: Page[Any]) -> None:
        """Show them; where one was sent here for a setting, its part opens."""
        super().paint(data)
        if self._open:
            name, self._open = self._open, ""
            self.open_part(name)

    def do_pair_set(self) -> None:
        """Change the settings of a part."""
        if self.current is not None and self.current.field is not None:
            self.open_part(self.current.field.name)

    def open_part(self, name: str) -> None:
        """The form of the part that a setting belongs to."""
        if self.pair is None:
            return
        every = rows.items(self.pair, self.ws.pair_form())
        section = next((item.section for item in every if item.field and item.field.name == name), "")
        fields = tuple(item.field for item in every if item.field is not None and item.section == section)
        if fields:
            self.app.push_screen(PartScreen(self.pair, section, fields, name), self._said)

    def _said(self, change: object) -> None:
        self.reload()
        if isinstance(change, PairChange) and change.changes:
            self.notice(rows.changes_line(change))


class PartScreen(AreaScreen):
    """A form of one part of the settings; what is far-reaching is shown before it is saved."""

    AREA = "connecting"
    NAME = "Sync settings"
    HELP = "Change the settings of this part; enter in the last field saves. Esc leaves without saving."

    def __init__(self, pair: PairView, section: str, fields: tuple[FormField, ...], name: str) -> None:
        super().__init__()
        self.pair, self.section, self.fields, self.first = pair, section, fields, name
        self.done = False

    def body(self) -> ComposeResult:
        """The form, and in its place what saving would do."""
        values = {field.name: self.pair.settings[field.name] for field in self.fields}
        with Container(id="form-place"):
            yield Form(self.fields, values=values, id="form")
            yield Detail(id="preview")

    def on_mount(self) -> None:
        """The setting that was opened has the focus."""
        self.query_one("#preview").display = False
        super().on_mount()
        self.call_after_refresh(lambda: self.query_one(f"#f-{self.first}").focus())

    def hints(self) -> tuple[Hint, ...]:
        """A form says how it is used."""
        return form_hints("saves")

    def title_parts(self) -> list[object]:
        """Which pair and part."""
        return [safe(short(self.pair.tenant_name, 30), "bold cyan"), safe(self.section)]

    @property
    def typed(self) -> dict[str, str]:
        """What was changed."""
        values = self.query_one(Form).values()
        return {name: value for name, value in values.items() if value != self.pair.settings[name]}

    def unsaved(self) -> str:
        """What was typed and not saved."""
        edited = self.live and not self.done and bool(self.query(Form)) and bool(self.typed)
        return "These settings aren't saved." if edited else ""

    def on_form_submitted(self, message: Form.Submitted) -> None:
        """Save, or say why not."""
        message.stop()
        reason = self.refused("pair.set")
        if reason:
            self.notice(reason, "warn")
        else:
            self.run(self._save, "save", exclusive=True)

    async def _save(self) -> None:
        values = self.typed
        self.query_one(Form).say_wrong({})
        try:
            change = await self.ws.pair_change(self.pair.source, self.pair.tenant, values, dry_run=True)
            if (change.start.sides or change.notes) and not await self._agreed(change):
                return
            change = await self.ws.pair_change(self.pair.source, self.pair.tenant, values)
        except SyncError as error:
            self.query_one(Form).say_wrong(fault_of(error, self.fields))
            self.failed(error)
            return
        self.done = True
        self.dismiss(change)

    async def _agreed(self, change: PairChange) -> bool:
        form, pane = self.query_one(Form), self.query_one("#preview", Detail)
        pane.say(rows.preview(change))
        form.display, pane.display = False, True
        words = " ".join(
            f"--{c.field.replace('_', '-')} {argument(self.typed.get(c.field, ''))}" for c in change.changes
        )
        pair = f"{argument(self.pair.source_name)} {argument(self.pair.tenant_name)}"
        answer = await self.ask("Save these settings?", f"xerotui pair set {pair} {words}")
        form.display, pane.display = True, False
        if answer != "y":
            self.query_one(f"#f-{self.first}").focus()
        return answer == "y"

    def action_close(self) -> None:
        """Esc leaves, after a question where something was typed."""
        if self.unsaved():
            self.run(partial(self._leave))
        else:
            self.dismiss(None)

    async def _leave(self) -> None:
        if await self.ask(safe(self.unsaved() + " Leave all the same?")) == "y":
            self.dismiss(None)
