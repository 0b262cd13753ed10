"""Connecting Xero and leaving it in front of the console, at 80x24: what is said, what comes by itself, what stays."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.flows.stage import SMALL, Stage, choose_source, go, lines_with, paste, press, settled, text_of, until
from xerotui.cli import control
from xerotui.console.forms import ChoiceField, Form
from xerotui.console.screens.base import AreaScreen
from xerotui.console.screens.connect_source import ConnectSourceScreen
from xerotui.console.screens.connect_xero import ConnectXeroScreen
from xerotui.console.screens.tenants import TenantsScreen
from xerotui.console.widgets.bars import AskBar

KNOWN = ("client_id", "client_secret", "api_url", "identity_url", "authorize_url")


@pytest.fixture(scope="module")
def redirect(stage: Stage) -> str:
    """A redirect address of the sandbox's apps on a port that is free."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        uri = f"http://localhost:{found.getsockname()[1]}/callback"
    assert stage.sandbox.xero.identity is not None
    apps = stage.sandbox.xero.identity.apps
    for client, app in list(apps.items()):
        apps[client] = replace(app, redirect_uris=(uri,))
    return uri


def at_xero(stage: Stage) -> set[str]:
    """The organisations that Xero itself holds as connected."""
    assert stage.sandbox.xero.identity is not None
    return {c.tenant_id for c in stage.sandbox.xero.identity.connections}


def said(pilot: Pilot[Any]) -> str:
    """The notice."""
    return str(pilot.app.screen.query_one("#notice").said.plain)  # type: ignore[attr-defined]


def chosen_from(pilot: Pilot[Any]) -> bool:
    """Whether the organisations are on the screen, with what was granted below them."""
    return len(lines_with(pilot, "LIVE")) == 2 and bool(lines_with(pilot, "permissions that XeroTUI uses"))


async def agree(pilot: Pilot[Any], key: str, *words: str) -> None:
    """Press a key that asks, check the question, say yes."""
    await press(pilot, key)
    await asked(pilot, *words)
    await press(pilot, "y")
    # The answered question leaves the bar before another one can be waited for.
    await until(pilot, lambda: not shows(pilot, *words), "the answered question to go")


def shows(pilot: Pilot[Any], *words: str) -> bool:
    """Whether a question stands in the bar, painted, with these words."""
    text = " ".join(text_of(pilot).split())
    return any(bar.asking for bar in pilot.app.screen.query(AskBar)) and all(word in text for word in words)


async def asked(pilot: Pilot[Any], *words: str) -> None:
    """Wait for the question with these words."""
    await until(pilot, lambda: shows(pilot, *words), f"the question {words}")


async def consenting(pilot: Pilot[Any], stage: Stage, redirect: str, **more: str) -> ConnectXeroScreen:
    """Up to the address."""
    about = stage.sandbox.describe()["xero"]
    await go(pilot, "2")
    await press(pilot, "c")
    await until(pilot, lambda: bool(pilot.app.screen.query(Form)), "the form")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ConnectXeroScreen)
    form = screen.query_one(Form)
    for name, value in {**{name: str(about[name]) for name in KNOWN}, "redirect_uri": redirect, **more}.items():
        form.query_one(f"#f-{name}", Input).value = value
    kind = form.query_one("#f-kind", ChoiceField)
    kind.focus()
    await pilot.pause()
    while kind.value != "web":
        await press(pilot, "right")
    form.submit()
    await until(pilot, lambda: bool(screen.query("#paste")), "the address")
    await until(pilot, lambda: bool(lines_with(pilot, "port")), "how the browser can come back")
    return screen


def test_the_address_is_whole_and_the_browser_comes_back_by_itself(stage: Stage, redirect: str) -> None:
    """A wrong paste is explained and another one may follow; the browser's own answer goes on to the choice."""

    async def run(pilot: Pilot[Any]) -> None:
        screen = await consenting(pilot, stage, redirect)
        assert screen.consent is not None
        url = screen.consent.url
        lines = text_of(pilot).splitlines()
        first = next(n for n, line in enumerate(lines) if line.startswith(url[:40]))
        # From the first column to the last: joined as they are, the pieces are the address.
        wrapped = "".join(lines[first : first + -(-len(url) // 80)])
        assert wrapped == url
        strips = pilot.app.screen._compositor.render_strips()
        links = [piece.style.link for strip in strips for piece in strip if piece.style and piece.style.link]
        # Each piece is a link to the whole of it.
        assert set(links) == {url}
        assert len(links) >= -(-len(url) // 80)
        assert lines_with(pilot, "Listening on port")
        await paste(pilot, "what is this")
        await press(pilot, "enter")
        await until(pilot, lambda: "neither an address nor a code" in said(pilot), "the refusal")
        landed = await control.consent(url)
        await press(pilot, "escape")
        await press(pilot, "u")
        await until(pilot, lambda: "█" in text_of(pilot), "the QR code")
        await press(pilot, "u")
        await until(pilot, lambda: "█" not in text_of(pilot), "the address again")
        page = await asyncio.to_thread(urlopen, landed, None, 30)
        assert b"back to the terminal" in page.read()
        await until(pilot, lambda: chosen_from(pilot), "organisations")
        assert lines_with(pilot, "permissions that XeroTUI uses are granted")
        # Left where it is: it stays as what it is, and syncs nothing.
        await press(pilot, "escape")
        await asked(pilot, "n no")
        await press(pilot, "l")
        await until(pilot, lambda: isinstance(pilot.app.screen, TenantsScreen), "the way back")
        await until(pilot, lambda: bool(lines_with(pilot, "! unsaved")), "the unsaved login")

    stage.watch(run)
    assert stage.see(lambda ws: ws.tenants()) == ()
    assert at_xero(stage)


def test_an_unsaved_login_is_gone_on_with_or_given_back(stage: Stage, redirect: str) -> None:
    """Enter goes on at the choice; x gives it back, at Xero too."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "2")
        await until(pilot, lambda: bool(lines_with(pilot, "! unsaved")), "the unsaved login")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConnectXeroScreen), "the screen")
        await until(pilot, lambda: chosen_from(pilot), "organisations")
        await press(pilot, "escape")
        await asked(pilot, "n no")
        await press(pilot, "l")
        await until(pilot, lambda: isinstance(pilot.app.screen, TenantsScreen), "the way back")
        await settled(pilot)
        await agree(pilot, "x", "isn't saved")
        await until(pilot, lambda: not lines_with(pilot, "! unsaved"), "the login to go")

    stage.watch(run)
    assert stage.see(lambda ws: ws.xero_connections()) == ()
    assert at_xero(stage) == set()


def test_what_a_missing_permission_costs_is_said_before_saving(stage: Stage, redirect: str) -> None:
    """Without the scope of payments it can be saved, and the screen says what doesn't work; then all is saved."""
    scopes = "openid offline_access accounting.invoices accounting.contacts accounting.settings.read"

    async def run(pilot: Pilot[Any]) -> None:
        screen = await consenting(pilot, stage, redirect, scopes=scopes)
        assert screen.consent is not None
        screen.query_one("#paste").focus()
        await paste(pilot, await control.consent(screen.consent.url))
        await press(pilot, "enter")
        await until(pilot, lambda: chosen_from(pilot), "organisations")
        assert lines_with(pilot, "accounting.payments.read")
        assert "Payments made in Xero aren't seen" in " ".join(text_of(pilot).split())
        await press(pilot, "s")
        await until(pilot, lambda: isinstance(pilot.app.screen, TenantsScreen), "the way back")
        await until(pilot, lambda: len(lines_with(pilot, "✓ connected")) == 2, "both organisations")

    stage.watch(run)
    with pytest.raises(OSError):
        urlopen(redirect, timeout=5)


def test_organisations_leave_one_by_one_and_where_xero_is_away(stage: Stage, redirect: str) -> None:
    """x names what happens and the command that does it; where Xero doesn't answer, forgetting here is offered."""
    before = at_xero(stage)
    assert len(before) == 2

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "2")
        screen = pilot.app.screen
        assert isinstance(screen, AreaScreen)
        await agree(pilot, "x", "Links, mappings and history stay", "same as: xerotui tenants disconnect")
        await until(pilot, lambda: "Disconnected at Xero" in said(pilot), "the end of it")
        await until(pilot, lambda: len(lines_with(pilot, "✗ disconn")) == 1, "the row to say so")
        assert len(at_xero(stage)) == 1
        await press(pilot, "down")
        await settled(pilot)
        stage.sandbox.xero.service.faults.post({"do": "status", "status": 503, "path": "/connections"})
        await agree(pilot, "d", "End the login Xero")
        await asked(pilot, "Forget it here alone")
        await press(pilot, "y")
        await until(pilot, lambda: "wasn't asked" in said(pilot), "the end of it")
        await until(pilot, lambda: len(lines_with(pilot, "✗ disconn")) == 2, "both rows to say so")

    stage.watch(run)
    stage.sandbox.xero.service.faults.post({"clear": True})
    assert stage.see(lambda ws: ws.xero_connections()) == ()
    assert len(at_xero(stage)) == 1


def test_a_form_asks_for_what_its_choice_needs_and_says_first_who_is_wrong_here(
    stage: Stage, pictures: Callable[..., None], tmp_path: Path
) -> None:
    """NetHelpDesk: the question before the form, the database or the folder, nonsense under its field, then facts."""

    async def run(pilot: Pilot[Any]) -> None:
        screen = await choosing(pilot)
        assert lines_with(pilot, "Do you open it in a browser? Then it is the successor")
        form = screen.query_one(Form)
        form.query_one("#f-invoice_number", Input).value = "NHD"
        form.submit()
        await until(pilot, lambda: bool(lines_with(pilot, "Invoice numbers: a template with {id}")), "the fault")
        form.query_one("#f-invoice_number", Input).value = "NHD-{id:03d}"
        await until(pilot, lambda: not screen.busy, "the end of the check")
        form.say_wrong({})
        form.query_one("#f-url", Input).value = "mssql+pymssql://xerotui@10.0.0.5:1433/NetHelpDesk"
        form.query_one("#f-url").focus()
        screen.notice("")
        await settled(pilot)

    pictures(stage.app(), run)

    async def by_folder(pilot: Pilot[Any]) -> None:
        screen = await choosing(pilot)
        form = screen.query_one(Form)
        form.query_one("#f-mode").focus()
        await press(pilot, "right")
        await settled(pilot)
        assert not form.query_one("#l-url").display
        assert form.query_one("#l-csv_inbox").display
        form.query_one("#f-csv_inbox", Input).value = str(tmp_path / "nowhere")
        form.submit()
        await until(pilot, lambda: "isn't there" in said(pilot), "the folder that isn't there")
        form.query_one("#f-csv_inbox", Input).value = str(tmp_path)
        form.submit()
        await until(pilot, lambda: "Connected and saved" in text_of(pilot), "the connection")

    async def alone() -> None:
        async with stage.app().run_test(size=SMALL, notifications=True) as pilot:
            await by_folder(pilot)

    asyncio.run(alone())


async def choosing(pilot: Pilot[Any]) -> ConnectSourceScreen:
    """Up to NetHelpDesk's form."""
    await go(pilot, "2")
    await press(pilot, "s")
    await choose_source(pilot, "NetHelpDesk")
    screen = pilot.app.screen
    assert isinstance(screen, ConnectSourceScreen)
    return screen
