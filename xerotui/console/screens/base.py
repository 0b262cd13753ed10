"""What every screen has: the bars around it, keys from the registry, questions, loading with words for failure."""

import inspect
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from xerotui.console import leave
from xerotui.console.keys import SCOPED, bindings_for, footer_for, shown
from xerotui.console.rows.status import remedy, status_text
from xerotui.console.screens.asking import Asking
from xerotui.console.text import join, safe, told
from xerotui.console.widgets.bars import AskBar, FilterBar, Hint, key_line
from xerotui.console.widgets.lines import Line, Notice
from xerotui.console.widgets.picker import Picker
from xerotui.model.problems import SyncError
from xerotui.workspace.command import Danger
from xerotui.workspace.commands import BY_ID
from xerotui.workspace.pages import StatusLine

if TYPE_CHECKING:
    from xerotui.console.app import XeroTUI
    from xerotui.workspace.door import Workspace

LEAST_WIDTH, LEAST_HEIGHT = 64, 21
# A list repaints at most this often, however fast the worker writes.
AT_MOST_EVERY = 1.0
# What was said this long ago goes with the next key; no timer, because an idle console writes nothing.
NOTICE_FOR = 30.0
Work = Coroutine[Any, Any, Any] | Callable[[], Coroutine[Any, Any, Any]]
STYLES = {"": "", "good": "green", "warn": "yellow", "bad": "bold red", "quiet": "dim"}


class AreaScreen(Asking):
    """Base of all screens. Subclasses set AREA, NAME, HELP, TOPICS and give `body`, `load`, `paint`."""

    AREA: ClassVar[str] = ""
    NAME: ClassVar[str] = ""
    HELP: ClassVar[str | None] = ""
    TOPICS: ClassVar[frozenset[str]] = frozenset()
    BINDINGS: ClassVar[list[BindingType]] = []
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (140, "-wide")]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "AREA" in cls.__dict__:
            cls.BINDINGS = [*bindings_for(cls.AREA)]
        super().__init_subclass__(**kwargs)

    def __init__(self) -> None:
        super().__init__()
        self.paused = False
        self.stale = False
        self.loaded = False
        self.loaded_at = 0.0
        self.fault: str = ""
        self._later: object = None
        # The organisation that one was sent here for; it is this screen's alone, until `t` or a digit.
        self.scope = ""
        self._loaded_for = ""
        self._shown: Any = None
        self._remedy = ""
        self._said_at = 0.0
        self._had_focus: Widget | None = None

    # --- the frame

    @property
    def console_app(self) -> "XeroTUI":
        """The app, by its own type."""
        return cast("XeroTUI", self.app)

    @property
    def ws(self) -> "Workspace":
        """The workspace; screens live only while it is open."""
        return self.console_app.opened

    @property
    def live(self) -> bool:
        """Whether the screen stands whole: keys, news and answers also come before that, and when it is taken apart."""
        return self.is_mounted and self.is_attached and not self._pruning and not self._closing

    def compose(self) -> ComposeResult:
        """Status, title, body, filter, notice, question, picker, keys."""
        yield Static(
            safe(
                f"XeroTUI needs at least {LEAST_WIDTH}x{LEAST_HEIGHT} characters. Please enlarge the window; q quits."
            ),
            id="tiny",
            markup=False,
        )
        yield Line(id="status")
        yield Line(id="title")
        with Vertical(id="body"):
            yield from self.body()
        yield FilterBar(id="filter")
        yield Notice(id="notice")
        yield AskBar(id="ask")
        yield Picker(id="picker")
        yield Line(id="keys")

    def body(self) -> ComposeResult:
        """What the screen shows between the bars."""
        yield from ()

    def on_mount(self) -> None:
        """Paint the frame; load once it is laid out and known how much fits."""
        self.paint_frame()
        self.call_after_refresh(self.reload)

    def on_resize(self, event: events.Resize) -> None:
        """Say so when the terminal is too small; fit the bars to the width."""
        tiny = event.size.width < LEAST_WIDTH or event.size.height < LEAST_HEIGHT
        if tiny and not self.has_class("-tiny"):
            self._had_focus = self.focused
        elif not tiny and self._had_focus is not None:
            # What is hidden loses the focus, and nothing gives it back.
            self._had_focus.focus()
            self._had_focus = None
        self.set_class(tiny, "-tiny")
        self.paint_frame()

    def on_screen_resume(self) -> None:
        """Catch up on what happened while another screen was in front, another organisation included."""
        if not self.live:
            return
        self.paint_frame()
        if self.outdated:
            self.tenant_changed()
        elif self.stale:
            self.reload()

    def on_screen_suspend(self) -> None:
        """What was said of a moment on this screen is old when one comes back; a worker's remedy is said anew."""
        if self.live:
            self.notice("")

    @property
    def outdated(self) -> bool:
        """Whether what was loaded belongs to another organisation than what is to be shown."""
        return self.loaded and self.AREA in SCOPED and self._loaded_for != self.shown_tenant

    @property
    def shown_tenant(self) -> str:
        """The organisation that this screen shows; "" for all."""
        return self.scope or self.console_app.tenant

    def paint_frame(self) -> None:
        """Status, title and keys; each paints only what differs."""
        if not self.live:
            return
        self.paint_status(self.console_app.status)
        self.query_one("#title", Line).say(self.title_text())
        self.query_one("#keys", Line).say(key_line(self.hints(), self.app.size.width))

    def paint_status(self, status: StatusLine | None) -> None:
        """The status line, and in the notice line the remedy for a worker that isn't well."""
        if not self.live:
            return
        line = self.query_one("#status", Line)
        if status is None:
            line.say(Text(" opening…"))
            return
        app = self.console_app
        name = app.names.get(self.shown_tenant, "")
        text = status_text(status, name, read_only=app.read_only, width=self.app.size.width)
        line.say(text)
        words = remedy(status.worker)
        said = self.query_one("#notice", Line).said.plain
        if words and not said:
            self.notice(words, "bad")
        elif self._remedy and not words and said.strip() == self._remedy:
            self.notice("")
        self._remedy = words

    def title_text(self) -> Text:
        """The line under the status: where one is and what is shown."""
        key = next((c.key for c in (BY_ID.get(f"go.{self.AREA}"),) if c is not None), "")
        parts: list[object] = [Text(f" {key} " if key else " ", style="dim"), Text(self.NAME, style="bold")]
        parts += [join("  ", part) for part in self.title_parts()]
        if self.paused:
            parts.append(Text("  paused (p goes on)", style="bold yellow"))
        line = join(*parts)
        banner = self.console_app.banner
        room = self.app.size.width - line.cell_len
        if banner and room > len(banner) + 2:
            line = join(line, " " * (room - len(banner) - 1), safe(banner, "bold magenta"))
        return line

    def title_parts(self) -> Sequence[object]:
        """What the screen adds to its title: counts, filters."""
        return ()

    # --- commands

    def hints(self) -> tuple[Hint, ...]:
        """The key bar's entries."""
        return tuple(
            Hint(shown(c.key), "" if c.id == "app.help" else c.title, bool(self.refused(c.id)))
            for c in footer_for(self.AREA)
        )

    def refused(self, command: str) -> str:
        """Why a command can't run now; "" when it can."""
        if BY_ID[command].danger is not Danger.READS and self.console_app.read_only:
            return "Read-only: nothing is changed from here. Start without --read-only to change things."
        return self.unavailable(command)

    def unavailable(self, command: str) -> str:
        """The screen's own reasons against a command."""
        return ""

    def action_command(self, command: str) -> None:
        """Run a registry command: the screen's handler, else the app's; a refusal is said in words."""
        if not self.live and command != "app.quit":
            if not self.is_mounted:
                # Typed ahead: it waits in the screen's own queue until the screen stands.
                self.call_later(self.action_command, command)
            return
        reason = self.refused(command)
        if reason:
            self.notice(reason, "warn")
            return
        if command.startswith("go."):
            self.console_app.go(command.removeprefix("go."))
            return
        name = "do_" + command.replace(".", "_")
        handler = getattr(self, name, None) or getattr(self.app, name, None)
        if handler is None:
            self.notice("Nothing on this screen answers to that.", "quiet")
            return
        result = handler()
        if inspect.iscoroutine(result):
            self.run(result)

    def run(self, work: "Work", group: str = "command", *, exclusive: bool = False) -> Worker[Any]:
        """Do something that waits, without holding up keys; its failure becomes words.

        What may be cancelled before it begins is given as a callable, so that no coroutine is left unawaited.
        """
        return self.run_worker(work, group=group, exclusive=exclusive, exit_on_error=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed is told in words."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            event.stop()
            self.failed(event.worker.error, loading=event.worker.group == "page")

    def failed(self, error: BaseException, *, loading: bool = False) -> None:
        """Words for a failure: the sentence and remedy that it brings, or a note for the makers."""
        if not self.live:
            return
        if isinstance(error, SyncError):
            words = told(error.sentence, error.remedy)
        else:
            path = leave.note(self.console_app.home, error)
            words = f"A fault of XeroTUI itself ({type(error).__name__})." + (f" Note: {path}" if path else "")
        self.notice(words, "bad")
        if loading:
            self.fault = words
            self.show_fault(words)

    def show_fault(self, words: str) -> None:
        """Where the body says that it could not be read."""

    def notice(self, words: str | Text, kind: str = "") -> None:
        """The line above the keys: what just happened, or why not."""
        if not self.live:
            return
        text = words if isinstance(words, Text) else safe(words, STYLES.get(kind, ""))
        self._said_at = time.monotonic()
        self.query_one("#notice", Line).say(join(" ", text) if text.plain else Text(""))

    def touched(self) -> None:
        """A key was pressed: old words go."""
        if time.monotonic() - self._said_at > NOTICE_FOR:
            self.notice("")

    def action_close(self) -> None:
        """Esc: the innermost thing that is open; never the console."""
        if self.query_one("#notice", Line).said.plain:
            self.notice("")
        elif len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        else:
            self.console_app.go_back()

    # --- asking

    def on_picker_typed(self, message: Picker.Typed) -> None:
        """The palette looks for records by the words typed."""
        message.stop()
        if message.purpose == "palette":
            self.run(partial(self.console_app.palette.find, self, message.text), "palette", exclusive=True)

    # --- loading

    async def load(self) -> Any:
        """Ask the workspace for what is shown; never paints."""
        return None

    def paint(self, data: Any) -> None:
        """Show what `load` brought."""

    def reload(self) -> None:
        """Load again; a newer load cancels an older one."""
        if not self.live:
            return
        self.stale = False
        self.loaded_at = time.monotonic()
        self._loaded_for = self.shown_tenant
        self.run(self._load_and_paint, "page", exclusive=True)

    async def _load_and_paint(self) -> None:
        data = await self.load()
        if not self.live:
            return
        self.fault = ""
        self.loaded = True
        self._shown = data
        self.paint(data)
        self.paint_frame()

    def repaint(self) -> None:
        """Show once more what was loaded, as it fits now."""
        if self.live and self.loaded:
            self.paint(self._shown)

    def news(self, topics: frozenset[str]) -> None:
        """Something changed: reload when it is shown here, at most once a second, unless paused."""
        if not (topics & self.TOPICS) or not self.live:
            return
        if self.paused or not self.is_current:
            self.stale = True
            return
        wait = AT_MOST_EVERY - (time.monotonic() - self.loaded_at)
        if wait <= 0:
            self.reload()
        elif not self.stale:
            self.stale = True
            self.set_timer(wait, self._catch_up)

    def _catch_up(self) -> None:
        if self.stale and self.is_current and not self.paused:
            self.reload()

    # --- commands of every screen

    def do_list_reload(self) -> None:
        """Read the page again."""
        self.notice("")
        self.reload()

    def do_map_tenant(self) -> None:
        """Go on to the next organisation; after the last one, all of them."""
        app = self.console_app
        choices = self.tenant_choices()
        if len(choices) < 2:
            self.notice("There is nothing to switch between.", "quiet")
            return
        shown = self.tenant_shown()
        at = choices.index(shown) if shown in choices else -1
        app.tenant = choices[(at + 1) % len(choices)]
        self.scope = ""
        app.ask_status()
        self.tenant_changed()

    def tenant_shown(self) -> str:
        """The organisation that is shown now."""
        return self.shown_tenant

    def tenant_choices(self) -> list[str]:
        """What `t` goes through: "" stands for all organisations."""
        return ["", *self.console_app.names]

    def tenant_changed(self) -> None:
        """Show the other organisation."""
        self.reload()

    def do_list_pause(self) -> None:
        """Stop following the worker until pressed again."""
        self.paused = not self.paused
        self.paint_frame()
        if not self.paused and self.stale:
            self.reload()

    def unsaved(self) -> str:
        """What would be lost by leaving now; "" when nothing."""
        return ""

    async def arrive(self, args: dict[str, str]) -> None:
        """Come from elsewhere with arguments of a `Place`."""
