"""Every screen in the states that it owes: with the hostile record, small and large, read-only, empty, in trouble.

Each picture is preceded by what must be true of it, first of all that nothing on it could act on a terminal.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tests.flows.prepared import hostile_world, prepare
from tests.flows.stage import (
    BEGAN,
    LARGE,
    SMALL,
    Stage,
    console,
    go,
    harmless,
    lines_with,
    press,
    settled,
    text_of,
    until,
)
from xerotui.console.places import leads
from xerotui.console.screens.base import AreaScreen
from xerotui.console.screens.connection import ConnectionScreen
from xerotui.console.screens.errors import OrderScreen
from xerotui.console.screens.listing import ListScreen
from xerotui.console.screens.pair import PairScreen
from xerotui.console.screens.story import StoryScreen
from xerotui.console.widgets.lines import Detail
from xerotui.console.widgets.picker import Picker
from xerotui.model.kinds import Kind
from xerotui.model.problems import Place

Compare = Callable[..., bool]
AREAS = {"overview": "1", "tenants": "2", "mapping": "3", "imports": "4", "plan": "5", "queue": "6", "errors": "7"}
SIZES = {"80x24": SMALL, "140x40": LARGE}


@pytest.fixture(scope="module")
def stage(still: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One prepared home for all pictures of this module; nothing that they show is written here."""
    world = hostile_world()
    made = Stage(Path(tmp_path_factory.mktemp("stills")), world=world)
    made.start_worker()
    prepare(made, world)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def fresh(stage: Stage) -> None:
    """Every console starts on the overview of all organisations."""
    (stage.home / "console.json").unlink(missing_ok=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("area", AREAS)
def test_area(stage: Stage, snap_compare: Compare, area: str, size: str) -> None:
    """Each area as it stands after a sync, with hostile names from every side."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, AREAS[area])
        screen = pilot.app.screen
        assert isinstance(screen, ListScreen)
        assert area == screen.AREA
        assert screen.rows
        assert len(screen.rows) <= 50
        if area == "queue":
            await press(pilot, "slash", *"bold", "enter")
            await settled(pilot)
        if area == "plan":
            await press(pilot, "v")
            await settled(pilot)
        if SIZES[size] == LARGE and screen.HAS_DETAIL:
            await pilot.pause(0.2)
            await settled(pilot)
        harmless(pilot)

    assert snap_compare(stage.app(), terminal_size=SIZES[size], run_before=run)


@pytest.mark.parametrize("size", SIZES)
def test_setup(stage: Stage, snap_compare: Compare, size: str) -> None:
    """The setup after a first sync: what waits stands beside its step, in numbers and sums, and where it is."""

    async def run(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "s")
        await until(pilot, lambda: bool(lines_with(pilot, "Map tax rates")), "the steps")
        await settled(pilot)
        assert any("12 documents, 15,961.87 GBP" in line for line in lines_with(pilot, "Map tax rates"))
        assert any("›" in line for line in lines_with(pilot, "Map tax rates")), "the first that must be done"
        if SIZES[size] == LARGE:
            await until(pilot, lambda: bool(lines_with(pilot, "Waits for it")), "the step in full")
        harmless(pilot)

    assert snap_compare(stage.app(), terminal_size=SIZES[size], run_before=run)


def test_plugins(stage: Stage, snap_compare: Compare) -> None:
    """Plugins are a command away, and named with their state."""

    async def run(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "colon", *"plugins", "enter")
        await until(pilot, lambda: bool(lines_with(pilot, "halo")), "the plugin")
        await settled(pilot)
        assert lines_with(pilot, "✓ loaded")

    assert snap_compare(stage.app(), run_before=run)


def test_pair_settings(stage: Stage, snap_compare: Compare) -> None:
    """What is synced between a source and an organisation of hostile names."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "2")
        await press(pilot, "e")
        await until(pilot, lambda: isinstance(pilot.app.screen, PairScreen), "the settings")
        await until(pilot, lambda: "What it does" in text_of(pilot) and "→ " in text_of(pilot), "the rows")
        await settled(pilot)
        assert "[/b]" in text_of(pilot)
        harmless(pilot)

    assert snap_compare(stage.app(), run_before=run)


def test_a_hostile_record_and_its_story(stage: Stage, snap_compare: Compare) -> None:
    """Found by name through the palette; its story shows every field, and where it comes from."""

    async def run(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await press(pilot, "colon", *"[b]bold")
        picker = pilot.app.screen.query_one(Picker)
        await until(pilot, lambda: any(c.key.startswith("record") for c in picker.extra), "the record")
        assert "verified: It is in Xero." in picker.extra[0].detail, "found whatever its state, and the list says why"
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, StoryScreen), "the story")
        await settled(pilot)
        assert "[@click" in text_of(pilot)
        harmless(pilot)

    assert snap_compare(stage.app(), run_before=run)


def test_a_hostile_cause_and_its_records(stage: Stage, snap_compare: Compare) -> None:
    """The records of a name that Xero refuses."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "7")
        await press(pilot, "slash", *"code:core.name_refused", "enter")
        await settled(pilot)
        await press(pilot, "enter")
        await settled(pilot)
        assert pilot.app.screen.rows  # type: ignore[attr-defined]
        harmless(pilot)

    assert snap_compare(stage.app(), run_before=run)


def test_problems_in_order(stage: Stage, snap_compare: Compare) -> None:
    """Each problem by itself, the oldest first; enter goes to its record."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "7")
        await press(pilot, "o")
        await until(pilot, lambda: isinstance(pilot.app.screen, OrderScreen), "the list")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, OrderScreen)
        times = [item.at for item in screen.rows.values()]
        assert len(times) > 1
        assert times == sorted(times)
        record = screen.current.record
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, StoryScreen), "the story")
        await settled(pilot)
        assert pilot.app.screen.story.record == record.id  # type: ignore[attr-defined]
        await press(pilot, "escape")
        await settled(pilot)
        harmless(pilot)

    assert snap_compare(stage.app(), run_before=run)


def test_palette(stage: Stage, snap_compare: Compare) -> None:
    """Places first, then what this screen can do; what can't be done now says why."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "7")
        await press(pilot, "colon")
        picker = pilot.app.screen.query_one(Picker)
        await until(pilot, lambda: picker.is_open, "the palette")
        assert picker.choices[0].key == "go.overview"
        await settled(pilot)

    assert snap_compare(stage.app(), run_before=run)


def test_help(stage: Stage, snap_compare: Compare) -> None:
    """What the screen is for, its keys, and the command beside each."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "question_mark")
        await settled(pilot)
        assert "Nothing is sent until you approve" in text_of(pilot)
        assert lines_with(pilot, "xerotui apply PLAN")

    assert snap_compare(stage.app(), run_before=run)


def test_help_goes_by_the_key_that_brought_it(stage: Stage) -> None:
    """And esc never quits, however often it is pressed."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        below = pilot.app.screen
        await press(pilot, "question_mark")
        assert pilot.app.screen is not below
        await press(pilot, "question_mark")
        assert pilot.app.screen is below
        await press(pilot, *["escape"] * 5)
        assert pilot.app.is_running
        assert pilot.app.screen is below

    stage.watch(run)


def test_read_only(stage: Stage, snap_compare: Compare) -> None:
    """A person who only reads is told so, sees dim keys, and gets the reason when pressing one."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "a")
        assert lines_with(pilot, "Read-only: nothing is changed from here")
        plan = await console(pilot).opened.plan()
        assert plan is not None
        assert plan.state.value == "ready"

    assert snap_compare(stage.app(read_only=True), run_before=run)


def test_too_small(stage: Stage, snap_compare: Compare) -> None:
    """A window too small for anything says what it needs."""

    async def run(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        assert lines_with(pilot, "XeroTUI needs at least")

    assert snap_compare(stage.app(), terminal_size=(60, 20), run_before=run)


def test_a_filter_that_fits_nothing(stage: Stage, snap_compare: Compare) -> None:
    """An empty list says why it is empty; esc brings the rows back."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "6")
        await press(pilot, "slash", *"zzzz", "enter")
        await settled(pilot)
        assert not pilot.app.screen.rows  # type: ignore[attr-defined]
        await press(pilot, "escape")
        await settled(pilot)
        assert pilot.app.screen.rows  # type: ignore[attr-defined]
        await press(pilot, "slash", *"zzzz", "enter")
        await settled(pilot)

    assert snap_compare(stage.app(), run_before=run)


def test_keys_stay_alive_around_a_filter_and_in_a_window_that_was_too_small(stage: Stage) -> None:
    """What is typed at once reaches the filter, tab leaves it, a new plan or a sent filter forgets it, and the list
    keeps the arrows."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        screen = pilot.app.screen
        assert isinstance(screen, ListScreen)
        for key in ("slash", "q", "q", "enter"):
            # As over a slow line: all in one packet, before anything could get the focus.
            pilot.app.post_message(events.Key(key, {"slash": "/", "enter": "\r"}.get(key, key)))
        await until(pilot, lambda: "[/qq]" in text_of(pilot) and "Nothing fits" in text_of(pilot), "the filter")
        await settled(pilot)
        assert screen.focused is screen.table
        await press(pilot, "enter")
        assert lines_with(pilot, "There is nothing to open")
        await screen.arrive({})
        await until(pilot, lambda: "[/qq]" not in text_of(pilot) and bool(screen.rows), "all rows again")
        await press(pilot, "slash")
        assert screen.query_one("#filter-input", Input).value == "", "what is no filter any more isn't offered again"
        await press(pilot, "k", "k", "tab")
        await until(pilot, lambda: "[/kk]" in text_of(pilot) and "Nothing fits" in text_of(pilot), "the filter again")
        assert screen.focused is screen.table
        await press(pilot, "escape")
        await until(pilot, lambda: bool(screen.rows), "all rows again")
        await pilot.resize_terminal(60, 18)
        await until(pilot, lambda: bool(lines_with(pilot, "needs at least")), "that it is too small")
        await pilot.resize_terminal(*SMALL)
        await until(pilot, lambda: bool(lines_with(pilot, "› ")), "the list again")
        await settled(pilot)
        first = screen.table.key
        await press(pilot, "down")
        assert screen.table.key not in ("", first)

    stage.watch(run)


def test_pages_follow_each_other(stage: Stage) -> None:
    """Past the end of a page comes the next one, past its start the one before; the cursor goes along."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "6")
        screen = pilot.app.screen
        assert isinstance(screen, ListScreen)
        first = list(screen.rows)
        await press(pilot, "end", "down")
        await settled(pilot)
        second = list(screen.rows)
        assert not set(first) & set(second)
        assert screen.table.key == second[0]
        await press(pilot, "up")
        await settled(pilot)
        assert list(screen.rows) == first
        assert screen.table.key == first[-1]
        await press(pilot, "pagedown", "home")
        await settled(pilot)
        assert screen.table.key == first[0]

    stage.watch(run)


def test_marks_survive_moving_and_go_by_esc(stage: Stage) -> None:
    """Space marks and goes on; esc lets go of marks before anything else."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "7")
        screen = pilot.app.screen
        assert isinstance(screen, ListScreen)
        await press(pilot, "space", "space")
        assert len(screen.marks) == 2
        assert len(screen.chosen()) == 2
        await press(pilot, "escape")
        assert screen.marks == frozenset()

    stage.watch(run)


def test_one_comes_back_to_where_one_was(stage: Stage) -> None:
    """Screen and organisation are taken up again by the next console."""

    async def first(pilot: Pilot[Any]) -> None:
        await go(pilot, "6")
        await press(pilot, "t")
        await settled(pilot)
        seen.append(console(pilot).tenant)

    async def second(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, AreaScreen)
        assert screen.AREA == "queue"
        assert console(pilot).tenant == seen[0] != ""

    seen: list[str] = []
    stage.watch(first)
    stage.watch(second)


def test_errors_lead_to_a_record_or_say_that_they_are_mended_outside(stage: Stage) -> None:
    """The place of a cause is never the list of causes itself; a record's place opens its story."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "7")
        screen = pilot.app.screen
        assert isinstance(screen, ListScreen)
        seen = set()
        for key in list(screen.rows):
            screen.table.show(screen.table.rows, select=key)
            reason = screen.refused("errors.fix")
            place = screen.current.place
            seen.add((bool(reason), place is not None and "record" in place.args))
            assert bool(reason) == (not leads(place))
        assert (False, False) in seen
        # Every cause of the demo has a place; one without is said to be mended elsewhere.
        key = next(iter(screen.rows))
        screen.rows[key] = msgspec.structs.replace(screen.rows[key], place=None)
        screen.table.show(screen.table.rows, select=key)
        assert "mended outside of XeroTUI" in screen.refused("errors.fix")
        await console(pilot).go_to("overview", None)
        await settled(pilot)
        place = Place("go.errors", {"connection": source.id, "kind": Kind.CUSTOMER.value, "record": "1"})
        console(pilot).go_place(place)
        await until(pilot, lambda: isinstance(pilot.app.screen, StoryScreen), "the story")

    (source,) = stage.see(lambda ws: ws.sources())
    stage.watch(run)


def test_being_sent_somewhere_scopes_that_screen_alone(stage: Stage) -> None:
    """A place of one organisation shows it there; the one that was chosen stays, and a digit brings it back."""

    async def run(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        app = console(pilot)
        first, second = app.names
        await app.go_to("queue", {"tenant": second})
        await settled(pilot)
        queue = app.screen
        assert isinstance(queue, ListScreen)
        assert {row.tenant for row in queue.rows.values()} == {second}
        assert app.tenant == ""
        await go(pilot, "6")
        assert queue.shown_tenant == ""
        await go(pilot, "5")
        while app.tenant != first:
            await press(pilot, "t")
            await settled(pilot)
        await go(pilot, "6")
        assert {row.tenant for row in queue.rows.values()} == {first}

    stage.watch(run)


def test_a_home_that_cannot_be_opened(stage: Stage, snap_compare: Compare, tmp_path: Path) -> None:
    """A sentence, a remedy and another try; mended, the next try opens."""
    place = tmp_path / "home"
    place.write_text("this is a file")

    async def run(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: bool(lines_with(pilot, "could not be opened")), "the refusal")
        place.unlink()
        await press(pilot, "r")
        await settled(pilot)
        assert lines_with(pilot, "Overview")
        await press(pilot, "4")
        await settled(pilot)

    assert snap_compare(stage.app(home=place), run_before=run)


def test_without_a_worker(stage: Stage, snap_compare: Compare) -> None:
    """The status line says that none runs; looking needs none."""
    stage.stop_worker()

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "6")
        assert lines_with(pilot, "no worker")
        assert pilot.app.screen.rows  # type: ignore[attr-defined]

    assert snap_compare(stage.app(), run_before=run)
    stage.start_worker()


def test_what_holds_a_run_up_is_said(stage: Stage) -> None:
    """Xero answers nothing but 503: the status line and the queue say that the run waits, and why."""
    (source,) = stage.see(lambda ws: ws.sources())
    for tenant in stage.see(lambda ws: ws.tenants()):
        stage.see(lambda ws, id=tenant.tenant: ws.map_accept("tax", source.id, id))  # type: ignore[misc]
    stage.idle()
    stage.sandbox.xero.service.faults.post({"do": "status", "method": "PUT", "status": 503})

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "a")
        await until(pilot, lambda: bool(lines_with(pilot, "same as: xerotui apply")), "the question")
        await press(pilot, "y")
        await until(pilot, lambda: len(lines_with(pilot, "! waits: ")) == 2, "the reason on both lines")
        await settled(pilot)
        harmless(pilot)

    try:
        stage.watch(run)
    finally:
        stage.sandbox.xero.service.faults.post({"clear": True})


@pytest.mark.parametrize("size", SIZES)
def test_a_connection_in_full(stage: Stage, size: str) -> None:
    """Enter on an organisation tells all of its connection; k asks Xero anew, d sets start dates and refuses others."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, AREAS["tenants"])
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConnectionScreen), "the connection")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, ConnectionScreen)
        assert lines_with(pilot, "LIVE")
        harmless(pilot)
        await press(pilot, "k")
        await until(pilot, lambda: bool(lines_with(pilot, "Xero answers")), "an answer")
        await settled(pilot)
        harmless(pilot)
        words = screen.query_one("#report", Detail).said.plain
        told = (
            "Ends unless used",
            "accounting.contacts",
            "This day",
            "Whole app",
            "Last good call",
            "Webhooks",
            "Tax rates",
        )
        for label in ("Country", "Consented by", "The user may", *told):
            assert f" {label} " in words, words
        assert "What is wrong" not in words
        await press(pilot, "d")
        await until(pilot, lambda: bool(lines_with(pilot, "Invoices from")), "the form")
        await settled(pilot)
        await press(pilot, *"soon", *["enter"] * 6)
        await until(
            pilot, lambda: bool(lines_with(pilot, "a date such as 2026-01-31. Correct the setting")), "a refusal"
        )
        harmless(pilot)
        await press(pilot, "escape", "y")
        await until(pilot, lambda: bool(lines_with(pilot, "Records of the source that name no")), "the list")
        harmless(pilot)
        await press(pilot, "escape")
        await until(pilot, lambda: pilot.app.screen is screen, "the way back")
        if SIZES[size] == SMALL:
            await _dated(pilot, screen)

    stage.watch(run, SIZES[size])


async def _dated(pilot: Pilot[Any], screen: ConnectionScreen) -> None:
    """A start date shows what it parts before it is saved, and is told at once."""
    await press(pilot, "d")
    await until(pilot, lambda: bool(lines_with(pilot, "Invoices from")), "the form again")
    await settled(pilot)
    await press(pilot, "enter", *"2020-01-31", *["enter"] * 5)
    await until(pilot, lambda: bool(lines_with(pilot, "credit notes    from 2020-01-31")), "what it parts")
    await until(pilot, lambda: bool(lines_with(pilot, "Save these settings?")), "the question")
    await press(pilot, "y")
    await until(pilot, lambda: bool(lines_with(pilot, "Credit notes from none → 2020-01-31")), "that it is saved")
    await press(pilot, "escape")
    await press(pilot, "escape")
    await until(
        pilot,
        lambda: "credit_note from 2020-01-31" in screen.query_one("#report", Detail).said.plain,
        "the start date",
    )


def test_a_source_is_switched_off_and_on_and_records_are_announced(stage: Stage) -> None:
    """From its row; the settings of its pairs are one key away, and a pair that announces says what was synced."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, AREAS["tenants"])
        await press(pilot, "w")
        await until(pilot, lambda: bool(lines_with(pilot, "Choose a source first.")), "a reason")
        await press(pilot, "end")
        for word, question in (("off", "Nothing is read"), ("on", "It is read")):
            await press(pilot, "w")
            await until(pilot, lambda words=question: bool(lines_with(pilot, words)), "the question")  # type: ignore[misc]
            await press(pilot, "y")
            await until(pilot, lambda words=f" is {word}.": bool(lines_with(pilot, words)), "the end of it")  # type: ignore[misc]
        await settled(pilot)
        await press(pilot, "e")
        await until(pilot, lambda: bool(lines_with(pilot, "Which pair?")), "a choice")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(lines_with(pilot, "Says each record that was synced")), "the settings")
        harmless(pilot)
        await press(pilot, "down", "down", "enter")
        await until(pilot, lambda: bool(lines_with(pilot, "‹ off ›")), "the form")
        await settled(pilot)
        await press(pilot, "right", "enter")
        await until(pilot, lambda: bool(lines_with(pilot, "Announce off → on")), "that it is saved")
        app = console(pilot)
        app.began = BEGAN - timedelta(days=1)
        await app.say_synced()
        await until(pilot, lambda: bool(lines_with(pilot, " created in ")), "what was synced")

    stage.watch(run)
