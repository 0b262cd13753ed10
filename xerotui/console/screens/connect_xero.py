"""Connecting Xero: kind and form, then the address for a browser anywhere, then the organisations, then save."""

import asyncio
from functools import partial
from typing import Any

import msgspec
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.strip import Strip
from textual.widgets import Input, SelectionList, Static
from textual.widgets.selection_list import Selection

from xerotui.console import clip
from xerotui.console.forms import Form
from xerotui.console.forms import hints as form_hints
from xerotui.console.rows.connecting import address_text, choice_text, qr_text, scopes_text
from xerotui.console.screens.base import AreaScreen, Work
from xerotui.console.screens.connect_source import NAME_FIELD, fault_of, named
from xerotui.console.text import clean, safe, stack
from xerotui.console.widgets.bars import Hint
from xerotui.model.problems import SyncError
from xerotui.workspace.login_pages import XeroConsent, XeroTenantChoice
from xerotui.workspace.pages import FormField


class Organisations(SelectionList[str]):
    """Marks are words: the stock button draws one sign for marked and unmarked, told apart by colour alone."""

    def render_line(self, y: int) -> Strip:
        """`[x]` or `[ ]` in place of the button, in its colours."""
        strip = super().render_line(y)
        at = self.scroll_offset.y + y
        if at >= self.option_count:
            return strip
        marked = self.get_option_at_index(at).value in self.selected
        rest = list(strip)[3:]
        style = (rest[0].style or Style()) + Style(color="green" if marked else None, bold=marked)
        return Strip([Segment("[x]" if marked else "[ ]", style), *rest])


class ConnectXeroScreen(AreaScreen):
    """Three steps; what is authorised but not saved is said on the way out."""

    AREA = "connect"
    NAME = "Connect Xero"
    HELP = (
        "Sign in to Xero in a browser on any machine, come back with the address you landed on, choose the "
        "organisations, and save. Connected means saved: what isn't saved doesn't sync. A browser that can reach "
        "the redirect address on this machine (here, or over ssh -L) brings its answer by itself."
    )

    def __init__(self, resume: str = "", again: str = "") -> None:
        """With `resume`, a connection that was signed in but not saved, it begins at the organisations.

        With `again`, a saved one, the form is filled in with its settings.
        """
        super().__init__()
        self.again = again
        self.step = "resume" if resume else "form"
        self.fields: tuple[FormField, ...] = ()
        self.consent: XeroConsent | None = None
        if resume:
            self.consent = XeroConsent(connection=resume, url="", state="", redirect_uri="", needs_code=False)
        self.offered: tuple[XeroTenantChoice, ...] = ()
        # As typed in step 1, for whoever has to go back there.
        self.typed: dict[str, str] = {}
        self._landing: asyncio.Task[None] | None = None
        self._finishing = False

    def body(self) -> ComposeResult:
        """Where each step goes."""
        yield Container(id="form-place")

    async def load(self) -> tuple[FormField, ...]:
        """The settings as a form, those of a saved connection as its defaults."""
        name, saved = await self.ws.xero_again(self.again) if self.again else ("", {})
        filled = (msgspec.structs.replace(f, default=saved.get(f.name, f.default)) for f in self.ws.xero_form())
        return (named(name or "Xero"), *filled)

    def paint(self, data: Any) -> None:
        """The first step, once."""
        if self.fields:
            return
        self.fields = data
        if self.step == "resume":
            self._answer_with("")
        else:
            self.run(self._place(Form(self.fields, id="form")))

    async def _place(self, widget: Any) -> None:
        place = self.query_one("#form-place")
        await place.remove_children()
        await place.mount(widget)
        self.paint_frame()

    def title_parts(self) -> list[object]:
        """Where in the three steps."""
        words = {"form": "1 of 3: the app", "consent": "2 of 3: sign in"}
        parts: list[object] = [safe(words.get(self.step, "3 of 3: organisations"), "bold cyan")]
        if self.unsaved():
            parts.append(safe("not saved yet", "bold yellow"))
        return parts

    def unsaved(self) -> str:
        """Authorised or begun, or typed, but not saved."""
        if self.step != "form" and self.consent is not None:
            return "This Xero connection isn't saved: it will not sync."
        forms = self.query(Form)
        if self.step == "form" and forms and forms.first().edited:
            return "This Xero connection isn't saved: what you typed would be lost."
        return ""

    def hints(self) -> tuple[Hint, ...]:
        """A field that has the focus takes the letters: the bar says what is left."""
        if self.step == "form":
            return form_hints("goes on to sign in")
        if self.step == "consent" and isinstance(self.focused, Input):
            return (
                Hint("⏎", "goes on"),
                Hint("esc", "out of the field, then u c d work; again: back or leave"),
            )
        return super().hints()

    def on_descendant_focus(self) -> None:
        """Other keys work elsewhere."""
        self.paint_frame()

    def unavailable(self, command: str) -> str:
        """Each step has its own keys."""
        if command in ("connect.paste", "connect.qr", "connect.copy") and self.step != "consent":
            return "That belongs to step 2, signing in."
        if command == "connect.save" and self.step != "choose":
            return "First sign in, then choose organisations; then they can be saved."
        if command == "connect.discard" and self.consent is None:
            return "There is nothing to discard."
        return ""

    # --- 1: the app

    def on_form_submitted(self, message: Form.Submitted) -> None:
        """Begin the login."""
        message.stop()
        reason = self.refused("tenant.connect")
        if reason:
            self.notice(reason, "warn")
        else:
            self._start(partial(self._begin, dict(message.values)))

    @property
    def _state(self) -> str | None:
        """What the login was begun with; None for one that is gone on with, or that needs no browser."""
        return (self.consent.state or None) if self.consent is not None else None

    async def _begin(self, values: dict[str, str]) -> None:
        self.typed = dict(values)
        name = values.pop(NAME_FIELD)
        try:
            self.consent = await self.ws.xero_begin(name, values)
        except SyncError as error:
            self.query_one(Form).say_wrong(fault_of(error, self.fields))
            self.failed(error)
            return
        self.notice("")
        if not self.consent.needs_code:
            await self._without_code(self.consent.connection)
            return
        self.step = "consent"
        await self._place(self._consent_view(self.consent))
        self.query_one("#paste", Input).focus()
        self._listen()

    async def _without_code(self, connection: str) -> None:
        """An app that signs in by itself: refused, the form stays, and nothing half begun with it."""
        try:
            await self._finish("")
        except SyncError:
            self.consent = None
            await self.ws.xero_discard(connection, "")
            raise

    async def _back(self) -> None:
        """From step 2 to the form as it was filled in; what was begun with it is given back."""
        self._stop_listening()
        if self.consent is not None:
            await self.ws.xero_discard(self.consent.connection, self._state)
        self.consent, self.step = None, "form"
        self.notice("")
        await self._place(Form(self.fields, values=self.typed, id="form"))

    # --- 2: sign in

    def _consent_view(self, consent: XeroConsent) -> VerticalScroll:
        warnings = [safe(f"! {words}", "yellow", 300) for words in consent.warnings]
        steps = "Open this address in a browser on any machine, sign in and choose the organisations:"
        after = stack(
            safe("Then the browser goes to an address that begins with", "dim"),
            safe("  " + consent.redirect_uri, "bold", 300),
            safe("It needn't load. Copy that whole address (or the code in it), paste it here, press enter.", "dim"),
            safe("Where Xero shows an error page instead, type its name, such as invalid_scope.", "dim"),
        )
        return VerticalScroll(
            Static(stack(*warnings, safe(steps)), id="before", markup=False),
            Static(address_text(consent.url), id="address", markup=False),
            Static(Text(""), id="qr", markup=False),
            Static(after, id="after", markup=False),
            Static(safe("…", "dim"), id="landing", markup=False),
            Input(id="paste", placeholder="paste here (esc, then u QR code, c copy, d discard)", max_length=8000),
            id="consent",
        )

    def _listen(self) -> None:
        """Wait for the browser to come back to this machine, beside the field."""
        self._stop_listening()
        assert self.consent is not None
        self._landing = asyncio.create_task(self._land(self.consent.connection))

    def _stop_listening(self) -> None:
        if self._landing is not None:
            self._landing.cancel()
            self._landing = None

    async def _land(self, connection: str) -> None:
        try:
            async with self.ws.xero_landing(connection) as landing:
                for line in self.query("#landing").results(Static):
                    line.update(safe(landing.words, "dim"))
                address = await landing.wait()
        except Exception as error:
            # Nobody waits for this task: what it meets is said, and pasting goes on.
            self.failed(error)
            return
        self._landing = None
        self._answer_with(address)

    def on_unmount(self) -> None:
        """Nobody listens when the screen is gone."""
        self._stop_listening()

    def do_connect_paste(self) -> None:
        """Into the field."""
        self.query_one("#paste", Input).focus()

    def do_connect_copy(self) -> None:
        """The address, to the terminal's clipboard."""
        assert self.consent is not None
        self.notice(clip.send(self.console_app, self.consent.url), "quiet")

    def do_connect_qr(self) -> None:
        """Show or hide the code, which needs the room of everything else."""
        assert self.consent is not None
        view, code = self.query_one("#consent"), self.query_one("#qr", Static)
        view.toggle_class("coded")
        if not view.has_class("coded"):
            self.notice("")
            return
        text = qr_text(self.consent.url)
        code.update(text)
        lines = text.plain.splitlines()
        if len(lines) >= view.size.height or len(lines[0]) > view.size.width:
            room = f"{view.size.width} columns and {view.size.height - 1} lines"
            self.notice(
                f"The code is {len(lines[0])} columns and {len(lines)} lines, there is room for {room}: enlarge the "
                "window or make its letters smaller; u goes back.",
                "warn",
            )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """What was pasted."""
        if event.input.id == "paste":
            event.stop()
            if event.value.strip():
                self._answer_with(event.value.strip())
            else:
                self.notice("Paste the address that the browser came to, then press enter.", "warn")

    def on_paste(self, event: events.Paste) -> None:
        """Pasting beside the field goes into it."""
        if self.step == "consent" and not isinstance(self.focused, Input):
            event.stop()
            field = self.query_one("#paste", Input)
            field.value = clean(event.text.strip(), 8000)
            field.focus()

    def _start(self, work: Work) -> None:
        self.run(work, "connect", exclusive=True)

    def _answer_with(self, pasted: str) -> None:
        """Finish with the first answer; one that comes meanwhile is the same, or of no use."""
        if not self._finishing:
            self._finishing = True
            self._start(partial(self._finish, pasted))

    async def _finish(self, pasted: str) -> None:
        assert self.consent is not None
        self.notice("Asking Xero which organisations this reaches…", "quiet")
        try:
            self.offered = await self.ws.xero_finish(self.consent.connection, pasted, self._state)
        except SyncError:
            if self.step == "consent" and self._landing is None:
                self._listen()
            raise
        finally:
            self._finishing = False
        self._stop_listening()
        scopes = await self.ws.xero_scopes(self.consent.connection)
        self.notice("")
        self.step = "choose"
        listing = Organisations(
            *(
                Selection(
                    choice_text(t),
                    t.tenant,
                    t.reached and not t.other,
                    disabled=t.type != "ORGANISATION" or not t.reached,
                )
                for t in self.offered
            ),
            id="organisations",
        )
        head = safe("Mark the organisations to connect (space), then s saves them, d gives the authorisation back.")
        await self._place(
            VerticalScroll(
                Static(head, markup=False), listing, Static(scopes_text(scopes), id="scopes", markup=False), id="choose"
            )
        )
        listing.focus()

    # --- 3: organisations

    async def do_connect_save(self) -> None:
        """Save the marked ones and have them read."""
        assert self.consent is not None
        chosen = self.query_one("#organisations", SelectionList).selected
        if not chosen and not any(t.already and t.reached for t in self.offered):
            self.notice("Mark at least one organisation with space.", "warn")
            return
        await self.ws.xero_save(self.consent.connection, list(chosen), self._state)
        self.consent, self.step = None, "saved"
        app = self.console_app
        await app.know_names()
        self.app.pop_screen()
        app.send("refresh", "Reading both sides")

    async def do_connect_discard(self) -> None:
        """Give the authorisation back, after a question."""
        assert self.consent is not None
        if await self.ask("Give this authorisation back to Xero and save nothing?") == "y":
            await self.ws.xero_discard(self.consent.connection, self._state)
            self.consent = None
            self.app.pop_screen()

    def action_close(self) -> None:
        """Esc: out of the field first; then leave, saying what isn't saved."""
        if self.step == "consent" and isinstance(self.focused, Input):
            self.query_one("#consent").focus()
            self.set_focus(None)
            self.notice("u QR code, c copy the address, e back to the field, d discard, esc back or leave.", "quiet")
        elif self.unsaved():
            self.run(self._leave())
        else:
            self.app.pop_screen()

    async def _leave(self) -> None:
        if self.step == "form":
            if await self.ask(safe(self.unsaved() + " Leave all the same?")) == "y":
                self.app.pop_screen()
            return
        choices: tuple[tuple[str, str], ...] = (("b", "back to the form"), ("d", "discard it"))
        if self.step == "choose":
            choices = (*choices, ("l", "leave it unsaved"))
        elif self.step == "resume":
            choices = (("d", "discard it"), ("l", "leave it unsaved"))
        answer = await self.ask(safe(self.unsaved() + " What now?"), "", choices)
        if answer == "b":
            await self._back()
        if answer == "d" and self.consent is not None:
            await self.ws.xero_discard(self.consent.connection, self._state)
        if answer in ("d", "l"):
            self.consent = None
            self.app.pop_screen()
