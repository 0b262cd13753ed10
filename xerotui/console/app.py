"""The app: modes, opening and closing, news and requests. Handlers of widgets belong to the screens."""

import datetime as dt
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import App
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from xerotui.console import leave, places, session
from xerotui.console.feed import Changed, Feed
from xerotui.console.palette import Palette
from xerotui.console.rows.status import parting
from xerotui.console.screens import modes
from xerotui.console.screens.base import AreaScreen
from xerotui.console.text import clean, count, safe, told
from xerotui.console.themes import choose
from xerotui.console.widgets.bars import AskBar
from xerotui.model.kinds import Kind
from xerotui.model.work import PlanState, RequestState
from xerotui.workspace.commands import BY_ID
from xerotui.workspace.pages import Place, StatusLine

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace

Opener = Callable[[], Awaitable["Workspace"]]
Then = Callable[[dict[str, str]], Awaitable[None]]
# The worker's heartbeat moves no counter, so the status is read again now and then.
STATUS_EVERY = 2.0


class XeroTUI(App[int]):
    """The console. `opener` opens the workspace after the first frame."""

    MODES = modes.MODES
    CSS_PATH = "styles/base.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "XeroTUI"
    BINDINGS: ClassVar = []

    def __init__(self, opener: Opener, *, read_only: bool = False, banner: str = "", home: Path | None = None) -> None:
        super().__init__(ansi_color=False)
        self.opener = opener
        self.read_only = read_only
        self.banner = clean(banner, 60)
        self.home = home
        self.workspace: Workspace | None = None
        self.status: StatusLine | None = None
        self.names: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.tenant = ""
        self.spec = ""
        self.source = ""
        self.palette = Palette(self)
        # The area that esc goes back to, and whether a mended thing goes back by itself.
        self.back_to = ""
        self.mending = False
        # Plans that were approved here and whose run has not ended yet.
        self.awaited: set[str] = set()
        # From when records that were synced are news, and those that were told.
        self.began = dt.datetime.min.replace(tzinfo=dt.UTC)
        self.synced: set[str] = set()
        self.parting_words = ""
        self.crashed: BaseException | None = None
        # What ends the process where a crash leaves it hanging; set by the way in, never in tests.
        self.hard_end: Callable[[], None] | None = None
        self.last_resort: Timer | None = None
        self._feed: Feed | None = None
        self._release: Callable[[], None] = lambda: None
        self.animation_level = "none"

    # --- start and end

    def on_mount(self) -> None:
        """Show the opening screen, then open; heavy imports happen behind it."""
        choose(self)
        self._release = leave.catch_signals(self._signalled)
        self.push_screen(modes.opening())

    @property
    def opened(self) -> "Workspace":
        """The open workspace."""
        assert self.workspace is not None, "screens come after the workspace"
        return self.workspace

    async def open_workspace(self) -> None:
        """Open it and show the screen of last time.

        Raises what opening raises; the opening screen turns that into words.
        """
        self.workspace = workspace = await self.opener()
        self.home = workspace.home
        self.read_only = self.read_only or workspace.read_only
        last = session.read(workspace.home)
        try:
            await self.know_names()
        except Exception:
            self.workspace = None
            await workspace.close()
            raise
        self.tenant = last.tenant if last.tenant in self.names else ""
        self.spec = last.spec
        self.source = last.source if last.source in self.sources else self.source
        self.status = await workspace.status(self.tenant)
        self.began = workspace.world_now()
        self._feed = Feed(workspace, self.post_message)
        self.run_worker(self._feed.watch(), group="feed", exit_on_error=False)
        self.set_interval(STATUS_EVERY, self.ask_status)
        await self.switch_mode(last.area if last.area in self.MODES else "overview")

    @property
    def heard(self) -> int:
        """The change counter as the console last saw it."""
        return -1 if self._feed is None else self._feed.pulse

    async def know_names(self) -> None:
        """The names of organisations and source connections, as every screen writes them."""
        self.names = {row.tenant: row.name for row in await self.opened.tenants()}
        self.sources = {row.id: row.name for row in await self.opened.sources()}
        if self.source not in self.sources:
            self.source = next(iter(self.sources), "")

    async def on_unmount(self) -> None:
        """Keep the session, close the workspace."""
        self._release()
        if self.workspace is not None:
            area = self._current_mode if self._current_mode in self.MODES else "overview"
            session.write(
                self.workspace.home, session.Session(area=area, tenant=self.tenant, spec=self.spec, source=self.source)
            )
            workspace, self.workspace = self.workspace, None
            await workspace.close()

    def _signalled(self, code: int) -> None:
        self.exit(return_code=code)

    def _handle_exception(self, error: Exception) -> None:
        # Once leaving is decided, screens are taken apart while messages are still on their way to them: what fails
        # of that is noted, and neither the words nor the code of a wanted end become those of a crash.
        if self._exit and self._exception is None:
            leave.note(self.home, error)
            return
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # The stock report prints local variables; ours is a note of frames alone and one line after the end.
        self.crashed = self._exception
        if self.hard_end is not None:
            self.last_resort = leave.at_last(leave.GRACE, self.hard_end)
        self._close_messages_no_wait()

    def do_app_quit(self) -> Any:
        """Leave; ask only when something isn't saved, wherever it is open."""
        screens = [s for stack in self._screen_stacks.values() for s in stack if isinstance(s, AreaScreen)]
        unsaved = next((words for words in (s.unsaved() for s in screens) if words), "")
        if not unsaved:
            self.leave_now()
            return None
        return self._quit_unsaved(unsaved)

    async def _quit_unsaved(self, words: str) -> None:
        if await self.area.ask(safe(words + " Leave all the same?")) == "y":
            self.leave_now()

    def leave_now(self) -> None:
        """End, with words when a run goes on."""
        self.parting_words = parting(self.status) if self.status is not None else ""
        self.exit(0)

    # --- where one is

    @property
    def area(self) -> AreaScreen:
        """The screen in front."""
        screen = self.screen
        assert isinstance(screen, AreaScreen)
        return screen

    def go(self, area: str, args: dict[str, str] | None = None) -> None:
        """Show an area; with `args` as a `Place` gives them, the row that is meant. Asks before unsaved things go."""
        self.back_to, self.mending = "", False
        mounted: Awaitable[None] | None = None
        if area in self.MODES and area != self._current_mode and not self.area.unsaved():
            # At once: what is typed ahead is meant for the new screen.
            mounted = self.switch_mode(area)
        self.run_worker(self._go_asking(area, args, mounted), group="go", exit_on_error=False)

    async def _go_asking(self, area: str, args: dict[str, str] | None, mounted: Awaitable[None] | None) -> None:
        if mounted is not None:
            await mounted
        screen = self.area
        words = screen.unsaved()
        if words and area != "plugins":
            if await screen.ask(safe(words + " Leave all the same?")) != "y":
                return
            # It was given up: it must not wait behind the area for somebody to stumble over.
            if screen is self.screen and len(self.screen_stack) > 1:
                await self.pop_screen()
                args = args if args is not None or area != self._current_mode else {}
        await self._show(area, args)

    async def go_to(self, area: str, args: dict[str, str] | None) -> None:
        """The same for what comes by itself, as an answer does: it takes nobody away from what isn't saved."""
        if isinstance(self.screen, AreaScreen) and self.screen.unsaved():
            self.tell(f"Done: see {BY_ID[f'go.{area}'].title} ({BY_ID[f'go.{area}'].key}).", "good")
            return
        await self._show(area, args)

    async def _show(self, area: str, args: dict[str, str] | None) -> None:
        if area == "plugins":
            await self.push_screen(modes.plugins())
            return
        if area != self._current_mode:
            await self.switch_mode(area)
        while args is not None and len(self.screen_stack) > 1:
            await self.pop_screen()
        if args is None and len(self.screen_stack) > 1 and area == self._current_mode:
            await self.pop_screen()
        root = self.area
        scope = (args or {}).get("tenant", "")
        root.scope = scope if scope in self.names else ""
        if args is not None:
            self.ask_status()
            await root.arrive(args)
        elif root.outdated:
            root.tenant_changed()

    def go_place(self, place: Place) -> None:
        """The place where a problem is mended."""
        area, record = places.area_of(place), places.record_of(place)
        if record is not None:
            self.open_story(*record)
        elif place.command == "pair.open" and isinstance(self.screen, AreaScreen):
            self.run_worker(self._settings_of(self.screen, place), group="go", exit_on_error=False)
        elif area in self.MODES or area == "plugins":
            self.go(area, dict(place.args))
        else:
            self.tell(f"{places.OUTSIDE} Read the remedy.", "warn")

    async def _settings_of(self, screen: AreaScreen, place: Place) -> None:
        """The settings of a pair, on top of where one is: esc comes back to it."""
        from xerotui.console.screens.pair import open_pair

        args = place.args
        source = args.get("source") or args.get("connection", "")
        await open_pair(screen, source=source, tenant=args.get("tenant", ""), setting=args.get("setting", ""))

    def visit(self, place: Place, *, mending: bool = False) -> None:
        """Go to a place from which esc leads back; with `mending` what is mended there leads back by itself."""
        came = self._current_mode
        self.go_place(place)
        area = places.area_of(place)
        if area != came and area in self.MODES and place.command != "pair.open":
            self.back_to, self.mending = came, mending

    def go_back(self, words: str = "") -> bool:
        """Back to where one came from, if from anywhere, and say what was done; whether one went."""
        if not self.back_to or len(self.screen_stack) > 1:
            return False
        area, self.back_to, self.mending = self.back_to, "", False
        self.run_worker(self._back(area, words), group="go", exit_on_error=False)
        return True

    async def _back(self, area: str, words: str) -> None:
        await self.switch_mode(area)
        if words:
            self.tell(words, "good")

    def open_story(self, connection: str, kind: Kind, record: str, tenant: str = "") -> None:
        """A record's whole story."""
        self.push_screen(modes.story(connection=connection, kind=kind, record=record, tenant=tenant))

    def do_app_palette(self) -> Any:
        """Find a screen, a command or a record."""
        return self.palette.open(self.area)

    def do_app_help(self) -> None:
        """Help for the screen in front."""
        self.push_screen(modes.help_for(self.area))

    # --- news

    async def on_event(self, event: events.Event) -> None:
        """Keys keep the feed awake and take old words away."""
        if isinstance(event, events.Key) and self._feed is not None:
            self._feed.touch()
            # Esc closes what is open, and old words are open as well.
            if event.key != "escape" and isinstance(self.screen, AreaScreen):
                self.screen.touched()
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """A letter typed before the field that it was meant for had the focus still goes there.

        A field keeps what is typed into it, so that a letter that comes by was sent to what had the focus before. One
        that comes by an open question was typed before it could be read, and means nothing.
        """
        focused = self.focused
        if isinstance(focused, Input) and event.is_printable:
            event.prevent_default()
            focused.insert_text_at_cursor(event.character or "")
        elif isinstance(focused, AskBar) and focused.asking:
            event.prevent_default()

    def on_changed(self, message: Changed) -> None:
        """Tell every screen; those behind only note that they are stale."""
        if "book" in message.topics or "snapshots" in message.topics:
            self.run_worker(partial(self.know_names), group="names", exclusive=True, exit_on_error=False)  # type: ignore[arg-type]
        for stack in self._screen_stacks.values():
            for screen in stack:
                if isinstance(screen, AreaScreen):
                    screen.news(message.topics)
        if "queue" in message.topics:
            self.run_worker(partial(self.say_synced), group="synced", exclusive=True, exit_on_error=False)  # type: ignore[arg-type]
        if self.awaited and message.topics & {"plans", "queue"}:
            self.run_worker(partial(self.look_for_ends), group="ends", exclusive=True, exit_on_error=False)  # type: ignore[arg-type]
        self.ask_status()

    def ask_status(self) -> None:
        """Read the status line again."""
        if self.workspace is not None:
            self.run_worker(partial(self._read_status), group="status", exclusive=True, exit_on_error=False)  # type: ignore[arg-type]

    async def _read_status(self) -> None:
        before = self.status
        shown = self.screen.shown_tenant if isinstance(self.screen, AreaScreen) else self.tenant
        self.status = after = await self.opened.status(shown)
        if isinstance(self.screen, AreaScreen):
            self.screen.paint_status(after)
        ended = before is not None and before.total > before.done and (after.total == 0 or after.done >= after.total)
        if ended and not self.awaited:
            self.tell_end(after.problems)

    def tell_end(self, problems: int) -> None:
        """The one thing that is worth a toast: a run has ended."""
        words = f"The run has ended. {count(problems, 'problem')} open." if problems else "The run has ended."
        self.notify(words, title="Sync", markup=False, timeout=6)

    async def look_for_ends(self) -> None:
        """Of the plans approved here, which have ended? A short run may be over before its progress was seen."""
        for id in sorted(self.awaited):
            plan = await self.opened.plan(id)
            if plan is None or plan.state not in (PlanState.READY, PlanState.APPROVED, PlanState.APPLYING):
                problems = (await self.opened.status(self.tenant)).problems
                # Let go only when it is told, without waiting in between: newer news cancels older looking.
                if id in self.awaited:
                    self.awaited.discard(id)
                    if plan is not None and plan.state is PlanState.DONE:
                        self.tell_end(problems)

    async def say_synced(self) -> None:
        """Each record that was synced, in the line for what just happened, where its pair asks for it (H20)."""
        news = await self.opened.synced(self.began, self.synced)
        self.synced |= set(news.ids)
        if news.lines:
            more = f" And {len(news.lines) - 2} more." if len(news.lines) > 2 else ""
            self.tell(" ".join(f"✓ {line}" for line in news.lines[:2]) + more, "good")

    def tell(self, words: str | Text, kind: str = "") -> None:
        """Say something on the screen in front."""
        if isinstance(self.screen, AreaScreen):
            self.screen.notice(words, kind)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Background work of the app that failed is told in words; nothing of it ends the console."""
        if event.state is WorkerState.ERROR and event.worker.error is not None and isinstance(self.screen, AreaScreen):
            self.screen.failed(event.worker.error)

    # --- requests

    def send(self, verb: str, words: str, then: Then | None = None, **args: str) -> None:
        """Write a request and follow it; `then` gets its answer. Returns at once."""
        self.tell(f"{words}: requested", "quiet")
        self.run_worker(self._send(verb, words, then, args), group="requests", exit_on_error=False)

    async def _send(self, verb: str, words: str, then: Then | None, args: dict[str, str]) -> None:
        id = await self.opened.ask(verb, **{k: v for k, v in args.items() if v})
        said = ""
        async for request in self.opened.follow(id):
            if request.state is RequestState.FAILED:
                self.tell(safe(told(f"{words}: {request.error}", request.remedy), "bold red", 400), "bad")
                return
            if request.state is RequestState.DONE:
                self.tell(f"{words}: done", "good")
                if then is not None:
                    await then(dict(request.answer))
                return
            progress = clean(request.progress, 80) or request.state.value
            if progress != said:
                said = progress
                self.tell(f"{words}: {progress}", "quiet")
