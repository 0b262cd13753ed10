"""What the console takes care of for a person: nothing typed is lost unasked, nothing leads in circles or nowhere."""

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tests.flows.stage import Stage, choose_source, console, go, lines_with, paste, press, settled, text_of, until
from xerotui.console.forms import ChoiceField, Form
from xerotui.console.rows.status import parting, status_text
from xerotui.console.screens.base import AreaScreen
from xerotui.console.screens.connect_source import ConnectSourceScreen
from xerotui.console.screens.connect_xero import ConnectXeroScreen
from xerotui.console.screens.tenants import TenantsScreen
from xerotui.console.widgets.bars import AskBar
from xerotui.workspace.pages import StatusLine, WorkerStatus

KNOWN = ("client_id", "client_secret", "redirect_uri", "api_url", "identity_url", "authorize_url")


def asking(pilot: Pilot[Any]) -> bool:
    """Whether the screen in front asks something."""
    return any(bar.asking for bar in pilot.app.screen.query(AskBar))


async def open_form(pilot: Pilot[Any], key: str) -> AreaScreen:
    """Tenants, then one of its two forms."""
    await go(pilot, "2")
    await press(pilot, key)
    if key == "s":
        await choose_source(pilot, "HaloPSA")
    await until(pilot, lambda: bool(pilot.app.screen.query(Form)), "the form")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, AreaScreen)
    return screen


def test_mapping_before_anything_is_connected(stage: Stage) -> None:
    """Every key of the screen answers with what has to come first."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "3")
        for key in ("a", "x", "enter"):
            await press(pilot, key)
            assert lines_with(pilot, "Connect an organisation and a source first")
            await press(pilot, "escape")

    stage.watch(run)


def test_a_form_says_how_it_is_used_and_asks_before_it_goes(stage: Stage) -> None:
    """Esc leaves an untouched form at once; an edited one asks, and no keeps it with what was typed."""

    async def run(pilot: Pilot[Any]) -> None:
        screen = await open_form(pilot, "s")
        assert isinstance(screen, ConnectSourceScreen)
        assert lines_with(pilot, "⏎ on the last")
        assert not screen.unsaved()
        await press(pilot, "escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, TenantsScreen), "the way back")
        screen = await open_form(pilot, "s")
        name = screen.query_one("#f-connection_name", Input)
        await paste(pilot, "Our desk")
        await until(pilot, lambda: name.value == "Our desk", "the name")
        await press(pilot, "escape")
        await until(pilot, lambda: asking(pilot) and "n no" in text_of(pilot), "the question")
        await press(pilot, "n")
        await until(pilot, lambda: not asking(pilot), "the answer")
        assert pilot.app.screen is screen
        assert name.value == "Our desk"
        console(pilot).go("plan")
        await until(pilot, lambda: asking(pilot) and "n no" in text_of(pilot), "the question before another area")
        await press(pilot, "y")
        await until(pilot, lambda: getattr(pilot.app.screen, "AREA", "") == "plan", "the other area")
        await go(pilot, "2")
        assert isinstance(pilot.app.screen, TenantsScreen)

    stage.watch(run)


def test_letters_on_a_choice_are_no_commands(stage: Stage) -> None:
    """A digit or a q typed where a choice has the focus neither goes away nor quits."""

    async def run(pilot: Pilot[Any]) -> None:
        screen = await open_form(pilot, "c")
        screen.query(ChoiceField).first().focus()
        await press(pilot, "5", "q", "colon")
        await settled(pilot)
        assert pilot.app.screen is screen
        assert pilot.app.is_running
        assert not asking(pilot)

    stage.watch(run)


def test_keys_typed_ahead_are_meant_for_the_screen_that_comes(stage: Stage) -> None:
    """Over a slow line two keys arrive at once: the second belongs to where the first one leads."""

    async def run(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        for key in ("4", "slash"):
            pilot.app.post_message(events.Key(key, key if len(key) == 1 else "/"))
        await until(pilot, lambda: getattr(pilot.app.screen, "AREA", "") == "imports", "the other area")
        await until(pilot, lambda: isinstance(pilot.app.focused, Input), "its filter")
        await settled(pilot)

    stage.watch(run)


def test_quitting_from_another_area_asks_for_what_is_not_saved(stage: Stage) -> None:
    """A form that is open behind another area counts as well."""

    async def run(pilot: Pilot[Any]) -> None:
        await open_form(pilot, "s")
        await paste(pilot, "Our desk")
        await pilot.app.switch_mode("plan")
        await settled(pilot)
        await press(pilot, "q")
        await until(pilot, lambda: asking(pilot) and "n no" in text_of(pilot), "the question")
        assert "isn't saved" in text_of(pilot)
        await press(pilot, "n")
        assert pilot.app.is_running

    stage.watch(run)


def test_a_refused_login_leads_back_to_the_filled_form(stage: Stage) -> None:
    """Step 2 refuses what was pasted; esc, esc, b shows step 1 as it was filled in."""
    about = stage.sandbox.describe()["xero"]

    async def run(pilot: Pilot[Any]) -> None:
        screen = await open_form(pilot, "c")
        assert isinstance(screen, ConnectXeroScreen)
        form = screen.query_one(Form)
        for name in KNOWN:
            form.query_one(f"#f-{name}", Input).value = str(about[name])
        kind = form.query_one("#f-kind", ChoiceField)
        kind.focus()
        await pilot.pause()
        while kind.value != "web":
            await press(pilot, "right")
        typed = form.values()
        form.submit()
        await until(pilot, lambda: bool(screen.query("#paste")), "the address")
        await settled(pilot)
        await paste(pilot, "http://localhost/?error=access_denied")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(screen.query_one("#notice").said.plain), "the refusal")  # type: ignore[attr-defined]
        await press(pilot, "escape", "escape")
        await until(pilot, lambda: asking(pilot) and "n no" in text_of(pilot), "the question")
        await press(pilot, "b")
        await until(pilot, lambda: bool(screen.query(Form)) and screen.step == "form", "the form")
        await settled(pilot)
        assert screen.query_one(Form).values() == typed
        assert typed["client_secret"] not in text_of(pilot)

    stage.watch(run)


@pytest.mark.parametrize(("state", "words"), [("running", "goes on in the worker"), ("none", "No worker runs")])
def test_parting_words_are_true(state: str, words: str) -> None:
    """A run goes on only where a worker carries it on; what holds it up is named."""
    status = StatusLine(worker=WorkerStatus(state=state), done=3, total=10, trouble="Xero refuses the login.")
    assert words in parting(status)
    assert "7 of 10" in parting(status)
    assert "Xero refuses the login." in parting(status)
    assert not parting(StatusLine(worker=WorkerStatus(state=state), done=10, total=10))
    assert "! waits: Xero refuses" in status_text(status, "", read_only=False, width=80).plain
