"""One person's way from an empty home to invoices in Xero. The tests follow each other; each keeps a picture.

Every step is also asserted by what it means, so that a wrong picture that somebody accepted still fails.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, SelectionList

from tests.flows.stage import (
    Stage,
    came_true,
    choose_source,
    console,
    go,
    lines_with,
    paste,
    press,
    quiet,
    settled,
    text_of,
    until,
)
from xerotui.cli import control
from xerotui.console.forms import ChoiceField, Form
from xerotui.console.screens.connect_source import ConnectSourceScreen
from xerotui.console.screens.connect_xero import ConnectXeroScreen
from xerotui.console.screens.errors import CauseScreen, ErrorsScreen
from xerotui.console.screens.mapping import MappingScreen
from xerotui.console.screens.plan import PlanScreen
from xerotui.console.screens.queue import QueueScreen
from xerotui.console.screens.story import PlanRowScreen, RecordScreen
from xerotui.console.widgets.lines import Detail
from xerotui.console.widgets.picker import Picker
from xerotui.model.kinds import Kind
from xerotui.model.paging import View
from xerotui.model.work import PlanKind, PlanState
from xerotui.workspace.door import Workspace

Pictures = Callable[..., None]


@pytest.fixture(autouse=True)
def later(stage: Stage) -> None:
    """Each step happens some minutes after the one before."""
    stage.jump()


async def fill(pilot: Pilot[Any], values: dict[str, str]) -> None:
    """Fill a form by pasting, as one does over SSH."""
    form = pilot.app.screen.query_one(Form)
    for name, value in values.items():
        control = form.query_one(f"#f-{name}")
        control.focus()
        await pilot.pause()
        if isinstance(control, ChoiceField):
            while control.value != value:
                await pilot.press("right")
        else:
            await paste(pilot, value)
            assert isinstance(control, Input)
            assert control.value == value


def test_first_start_says_what_to_do(stage: Stage, pictures: Pictures) -> None:
    """An empty home opens on the steps that are still to be done, the first one under the cursor."""

    async def run(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        assert "Overview" in text_of(pilot)
        steps = await console(pilot).opened.overview()
        assert [s.state for s in steps.steps].count("done") == 0
        assert len(lines_with(pilot, "→ next")) >= 1

    pictures(stage.app(), run)


def test_a_source_is_connected_by_its_form(stage: Stage, pictures: Pictures) -> None:
    """A wrong secret is said in words and nothing is lost; the right one connects, with the facts of the check."""
    about = stage.sandbox.describe()["halo"]

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "2")
        await press(pilot, "s")
        await choose_source(pilot, "HaloPSA")
        screen = pilot.app.screen
        assert isinstance(screen, ConnectSourceScreen)
        names = {field.name for field in screen.fields}
        values = {k: str(v) for k, v in about.items() if k in names}
        await fill(pilot, values | {"client_secret": "wrong"})
        screen.query_one(Form).submit()
        await until(pilot, lambda: bool(screen.query_one("#notice").said.plain) and not screen.busy, "a refusal")  # type: ignore[attr-defined]
        assert screen.query_one("#f-client_id", Input).value == values["client_id"]
        await fill(pilot, {"client_secret": values["client_secret"]})
        screen.query_one(Form).submit()
        await until(pilot, lambda: "Connected and saved" in text_of(pilot), "the connection")
        assert values["client_secret"] not in text_of(pilot)
        await press(pilot, "escape")
        await settled(pilot)
        await until(pilot, lambda: bool(lines_with(pilot, "✓ connected")), "the source in the list")

    pictures(stage.app(), run)


def test_xero_is_connected_and_organisations_are_chosen(stage: Stage, pictures: Pictures) -> None:
    """Form, address, pasted answer, organisations; until it is saved, the console says that it isn't."""
    about = stage.sandbox.describe()["xero"]
    known = ("client_id", "client_secret", "redirect_uri", "api_url", "identity_url", "authorize_url")

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "2")
        await press(pilot, "c")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, ConnectXeroScreen)
        await fill(pilot, {"kind": "web"} | {k: str(about[k]) for k in known})
        screen.query_one(Form).submit()
        await until(pilot, lambda: screen.step == "consent" and bool(screen.query("#paste")), "the address")
        assert screen.consent is not None
        url = screen.consent.url
        await until(pilot, lambda: url in "".join(x.strip() for x in text_of(pilot).splitlines()), "the whole address")
        await paste(pilot, await control.consent(screen.consent.url))
        await press(pilot, "enter")
        await until(pilot, lambda: screen.step == "choose" and bool(screen.query(SelectionList)), "organisations")
        assert screen.unsaved()
        assert lines_with(pilot, "not saved yet")
        marked = len(lines_with(pilot, "[x]"))
        assert marked > 0
        await press(pilot, "space")
        assert len(lines_with(pilot, "[x]")) == marked - 1
        assert len(lines_with(pilot, "[ ]")) == 1

    pictures(stage.app(), run)
    assert not stage.see(lambda ws: ws.tenants()) or stage.see(lambda ws: ws.tenants())[0].state == "unsaved"


def test_a_saved_connection_is_read_at_once(stage: Stage, pictures: Pictures) -> None:
    """Saving connects both organisations, and what they hold is read without being asked."""
    about = stage.sandbox.describe()["xero"]
    known = ("client_id", "client_secret", "redirect_uri", "api_url", "identity_url", "authorize_url")

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "2")
        await press(pilot, "c")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, ConnectXeroScreen)
        await fill(pilot, {"kind": "web"} | {k: str(about[k]) for k in known})
        screen.query_one(Form).submit()
        await until(pilot, lambda: screen.consent is not None and bool(screen.query("#paste")), "the address")
        assert screen.consent is not None
        await paste(pilot, await control.consent(screen.consent.url))
        await press(pilot, "enter")
        await until(pilot, lambda: bool(screen.query(SelectionList)), "organisations")
        await press(pilot, "s")
        await until(pilot, lambda: len(console(pilot).names) == 2, "both organisations")
        await until(pilot, lambda: "Reading both sides: done" in text_of(pilot), "both sides to be read")
        await settled(pilot)
        assert len(lines_with(pilot, "✓ connected")) == 3

    pictures(stage.app(), run)


def test_proposals_are_taken(stage: Stage, pictures: Pictures) -> None:
    """All proposals of equal rate are taken at once, for both organisations; what has none stays unmapped."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "3")
        for _ in console(pilot).names:
            await press(pilot, "a")
            await until(pilot, lambda: bool(lines_with(pilot, "same as: xerotui map accept")), "the question")
            await press(pilot, "y")
            await until(pilot, lambda: bool(lines_with(pilot, "taken")), "the answer")
            await settled(pilot)
            assert not lines_with(pilot, "? proposed")
            await press(pilot, "t")
            await settled(pilot)

    pictures(stage.app(), run)


def test_a_mapping_is_removed(stage: Stage, pictures: Pictures) -> None:
    """Removing asks first; esc keeps the mapping, y removes it, and the row says that it is unmapped or proposed."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "3")
        await press(pilot, "slash", *"5% energy trade:sales", "enter")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, MappingScreen)
        assert screen.current.state == "mapped"
        await press(pilot, "x", "escape")
        await settled(pilot)
        assert screen.current.state == "mapped"
        await press(pilot, "x")
        await until(pilot, lambda: bool(lines_with(pilot, "same as: xerotui map clear")), "the question")
        await press(pilot, "y")
        await until(pilot, lambda: screen.current is not None and screen.current.state != "mapped", "the removal")
        await settled(pilot)

    pictures(stage.app(), run)


def test_customers_are_previewed(stage: Stage, pictures: Pictures) -> None:
    """Enter on a pile makes a plan of links and new records; nothing is written yet."""
    before = stage.sandbox.sources[0].service.journal

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "4")
        while console(pilot).tenant:
            await press(pilot, "t")
        await settled(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen), "the plan")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, PlanScreen)
        assert screen.plan is not None
        assert screen.plan.counts.get("link", 0) > 0

    pictures(stage.app(), run)
    assert not before.writes


def test_customers_are_imported(stage: Stage, pictures: Pictures) -> None:
    """Approving leads to the queue; when the run has ended every operation is confirmed."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "a")
        await until(pilot, lambda: bool(lines_with(pilot, "same as: xerotui apply plan-")), "the question")
        await press(pilot, "y")
        await until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen), "the queue")
        await until(pilot, lambda: bool(lines_with(pilot, "The run has ended")), "the end of the run")
        await until(pilot, lambda: not lines_with(pilot, "approved"), "the list to catch up")
        pilot.app.clear_notifications()
        await settled(pilot)

    pictures(stage.app(), run)
    counts = stage.see(lambda ws: ws.queue_counts())
    assert set(counts) <= {"confirmed", "verified"}


def test_the_rest_is_imported_by_command(stage: Stage) -> None:
    """What commands do and what the console does is one: the other piles go through the same requests."""
    for source in stage.see(lambda ws: ws.sources()):
        for row in (r for r in stage.see(lambda ws: ws.imports()) if r.kind is not Kind.TAX_RATE):
            stage.jump()
            answer = stage.request("import", connection=source.id, tenant=row.tenant, kind=row.kind.value)
            plan = stage.see(lambda ws, id=answer["plan"]: ws.plan(id))  # type: ignore[misc]
            assert plan is not None
            if any(plan.counts.get(verb) for verb in ("create", "link")):
                stage.request("apply", plan=plan.id, hash=plan.hash)
                stage.finish(plan.id)
    rows = [row for row in stage.see(lambda ws: ws.imports()) if row.kind is not Kind.TAX_RATE]
    assert all(row.exact == 0 and row.new == 0 for row in rows)


def test_a_plan_is_made_and_read(stage: Stage, pictures: Pictures) -> None:
    """The plan states totals for each organisation and currency, and what is blocked, before anything is sent."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "n")
        screen = pilot.app.screen
        assert isinstance(screen, PlanScreen)
        await until(pilot, lambda: screen.plan is not None and screen.plan.kind is PlanKind.SYNC, "the plan")
        await settled(pilot)
        assert screen.plan is not None
        assert screen.plan.problems["core.tax_unmapped"] > 0
        assert {t.currency for t in screen.plan.totals} >= {"GBP", "AUD"}

    pictures(stage.app(), run)
    assert not stage.sandbox.xero.service.journal.writes


def test_a_planned_change_is_read_field_by_field(stage: Stage, pictures: Pictures) -> None:
    """Only updates are shown, and one of them is opened: old and new of each field, with its rung."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "v")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, PlanScreen)
        assert {row.verb for row in screen.rows.values()} == {screen.view.fields["verb"]}
        await press(pilot, "enter")
        await settled(pilot)
        assert isinstance(pilot.app.screen, PlanRowScreen)
        assert "Fields, and where each comes from" in text_of(pilot)

    pictures(stage.app(), run)


def test_a_value_is_chosen_for_one_document_and_taken_back(stage: Stage) -> None:
    """o on its story: for the whole of it or a line, in a form; the plan is as it was once it is taken back."""

    async def chosen(pilot: Pilot[Any], key: str, words: str) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: pilot.app.screen.query_one(Picker).is_open, "the question what is meant")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(pilot.app.screen.query(Form)), "the form")
        await settled(pilot)
        form = pilot.app.screen.query_one(Form)
        field = form.query_one("#f-status", ChoiceField)
        while field.value != words:
            await press(pilot, key)
        for _ in form.fields:
            await press(pilot, "enter")
        await until(pilot, lambda: bool(lines_with(pilot, "Kept;")), "that it is kept")
        await settled(pilot)

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        ws = console(pilot).opened
        plan = await ws.plan()
        assert plan is not None
        row = (await ws.plan_rows(plan.id, View(fields={"kind": "invoice", "verb": "create"}))).rows[0]
        pilot.app.push_screen(PlanRowScreen(plan.id, row.id))
        await until(pilot, lambda: bool(lines_with(pilot, row.title)), "the story")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, PlanRowScreen)
        story = screen.story
        assert story is not None
        which = (story.connection, story.kind, story.record, story.tenant)
        await chosen(pilot, "right", "AUTHORISED")
        assert [(c.field, c.value) for c in await ws.overridden(*which)] == [("status", "AUTHORISED")]
        await press(pilot, "escape")
        pilot.app.push_screen(RecordScreen(*which))

        def told() -> str:
            return "".join(detail.said.plain for detail in pilot.app.screen.query("#story").results(Detail))

        await until(pilot, lambda: "override by" in told(), "what is chosen, on the story")
        await settled(pilot)
        await chosen(pilot, "left", "as it is")
        assert await ws.overridden(*which) == ()

    stage.watch(run)


def test_approval_asks_with_numbers(stage: Stage, pictures: Pictures) -> None:
    """The question names count, sums and organisations, and the command that does the same; enter never agrees."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "a")
        await until(pilot, lambda: bool(lines_with(pilot, "same as: xerotui apply")), "the question")
        await press(pilot, "enter")
        assert lines_with(pilot, "same as: xerotui apply")
        plan = await console(pilot).opened.plan()
        assert plan is not None
        assert plan.state.value == "ready"

    pictures(stage.app(), run)


def test_a_stale_plan_says_what_moved(stage: Stage, pictures: Pictures) -> None:
    """A mapping is taken away behind the plan's back: approval is refused before the first call, with the reason."""
    (source,) = stage.see(lambda ws: ws.sources())
    tenant = stage.see(lambda ws: ws.tenants())[0]
    rows = stage.see(lambda ws: ws.mapping("tax", source.id, tenant.tenant, View(limit=500))).rows
    used = next(r for r in rows if r.state == "mapped" and r.trade == "sales" and r.title.startswith("20%"))
    stage.see(lambda ws: ws.map_clear(used.spec, source.id, tenant.tenant, used.value, used.trade))
    stage.idle()

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "a")
        await until(pilot, lambda: bool(lines_with(pilot, "same as: xerotui apply")), "the question")
        await press(pilot, "y")
        screen = pilot.app.screen
        assert isinstance(screen, PlanScreen)
        await until(pilot, lambda: bool(lines_with(pilot, "Approval: ")), "the request")
        await until(pilot, lambda: screen.plan is not None and screen.plan.state.value == "refused", "the refusal")
        await until(pilot, lambda: not lines_with(pilot, "Approval: requested"), "the end of the request")
        await came_true(lambda: quiet(console(pilot).opened), "the worker to be idle")
        await settled(pilot)
        assert screen.plan is not None
        assert screen.plan.moved
        assert lines_with(pilot, "What moved")
        await press(pilot, "a")
        assert lines_with(pilot, "This plan is refused: n makes a new one, o shows")

    pictures(stage.app(), run)
    assert not stage.sandbox.xero.service.journal.writes
    stage.see(lambda ws: ws.map_set(used.spec, source.id, tenant.tenant, used.value, used.target, used.trade))
    stage.idle()
    stage.jump()
    stage.request("plan", connection=source.id)


def test_the_queue_while_a_run_goes_on(stage: Stage, pictures: Pictures) -> None:
    """Invoices are held back on the wire: the queue shows what is through, what is under way and what waits."""
    stage.sandbox.xero.service.faults.post({"do": "delay", "method": "PUT", "path": "/Invoices", "seconds": 25.0})

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "a")
        await until(pilot, lambda: bool(lines_with(pilot, "same as: xerotui apply")), "the question")
        await press(pilot, "f")
        await until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen), "the queue")
        await until(pilot, lambda: bool(lines_with(pilot, "sending")), "invoices under way")
        await came_true(lambda: standing(console(pilot).opened), "all that can leave to be on the wire")
        await settled(pilot)
        assert lines_with(pilot, "▶")

    async def standing(space: Workspace) -> bool:
        # What waits for the invoices on the wire stays where it is until they come back.
        before = await space.pulse()
        await asyncio.sleep(3.0)
        return before == await space.pulse()

    pictures(stage.app(), run)
    stage.sandbox.xero.service.faults.post({"clear": True})


def test_leaving_does_not_stop_a_run(stage: Stage) -> None:
    """The console was closed in the middle; the worker went on to the end, and nothing hangs."""
    plan = stage.see(lambda ws: ws.plan())
    assert plan is not None
    stage.finish(plan.id)
    counts = stage.see(lambda ws: ws.queue_counts(plan.id))
    assert counts.get("sending", 0) == counts.get("unknown", 0) == counts.get("ready", 0) == 0
    assert counts.get("confirmed", 0) + counts.get("verified", 0) > 0


def test_errors_are_grouped_by_cause(stage: Stage, pictures: Pictures) -> None:
    """One row a cause, with how many records wait for it; enter lists them."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "7")
        causes = {row.code: row for row in pilot.app.screen.rows.values()}  # type: ignore[attr-defined]
        assert causes["core.tax_unmapped"].records > 1
        assert "core.period_locked" in causes

    pictures(stage.app(), run)


def test_an_error_is_opened_and_mended(stage: Stage, pictures: Pictures) -> None:
    """From the cause to the row where it is mended; saving releases everything that waited."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "7")
        await press(pilot, "slash", *"code:core.tax_unmapped", "enter")
        await settled(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, CauseScreen), "the records")
        await settled(pilot)
        assert len(pilot.app.screen.rows) > 1  # type: ignore[attr-defined]
        await press(pilot, "g")
        await until(pilot, lambda: isinstance(pilot.app.screen, MappingScreen), "the mapping")
        await settled(pilot)
        row = pilot.app.screen.current  # type: ignore[attr-defined]
        assert row.state in ("unmapped", "proposed")
        assert row.waiting > 1
        assert lines_with(pilot, "[one value]")
        await press(pilot, "enter")
        await until(pilot, lambda: pilot.app.screen.query_one(Picker).is_open, "the list to choose from")
        picker = pilot.app.screen.query_one(Picker)
        assert any(choice.reason for choice in picker.choices)
        assert any(not choice.reason for choice in picker.choices)

    # The picture says when Xero's list was read: just now.
    stage.jump()
    stage.request("refresh")
    stage.idle()
    pictures(stage.app(), run)


def test_what_waited_is_released(stage: Stage, pictures: Pictures) -> None:
    """The mapping is saved: one is back on Errors, which says how many were released; the cause goes by itself."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "7")
        assert pilot.app.screen.current.code == "core.tax_unmapped", "most records wait for it"  # type: ignore[attr-defined]
        await press(pilot, "g")
        await until(pilot, lambda: isinstance(pilot.app.screen, MappingScreen), "the mapping")
        await settled(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: pilot.app.screen.query_one(Picker).is_open, "the list to choose from")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorsScreen), "the way back to the causes")
        await until(pilot, lambda: bool(lines_with(pilot, "documents released")), "how many were released")
        await came_true(lambda: followed(console(pilot).opened), "the follow-up to be carried out")
        await came_true(lambda: quiet(console(pilot).opened), "the worker to be idle")
        await until(pilot, lambda: not lines_with(pilot, "▶"), "the status line to say that nothing runs")
        await settled(pilot)
        pilot.app.clear_notifications()
        await settled(pilot)

    async def followed(space: Workspace) -> bool:
        return any(p.follows == first and p.state is PlanState.DONE for p in await space.plans())

    approved = stage.see(lambda ws: ws.plan())
    assert approved is not None
    assert approved.state is PlanState.DONE
    first = approved.id
    assert approved.follow
    pictures(stage.app(), run)
    stage.idle()
    causes = stage.see(lambda ws: ws.errors(View()))
    assert "core.tax_unmapped" not in {row.code for row in causes.rows}


def test_what_left_the_source_is_removed_with_a_reason(stage: Stage) -> None:
    """A deleted invoice: told in the head of the plan, approved by its reason alone, gone in Xero, its story said."""
    emulated = stage.sandbox.sources[0].store.tables["invoice"].rows  # type: ignore[attr-defined]
    deleted = next(row for row in emulated.values() if row["id"] > 0 and row["xeroid"] and not row["voided"])
    number = deleted["invoicenumber"]

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await press(pilot, "n")
        await until(pilot, lambda: bool(lines_with(pilot, "only with your reason")), "the plan that holds a removal")
        await settled(pilot)
        await press(pilot, "a")
        await until(pilot, lambda: bool(lines_with(pilot, "Why?")), "the question for the reason")
        # Without one nothing goes; esc gives it up.
        await press(pilot, "enter")
        await until(pilot, lambda: bool(lines_with(pilot, "Reason is needed")), "that it is needed")
        await press(pilot, "escape")
        await until(pilot, lambda: bool(lines_with(pilot, "Not approved")), "that nothing went")
        await press(pilot, "a")
        await until(pilot, lambda: bool(lines_with(pilot, "Why?")), "the question once more")
        await paste(pilot, "Billed to the wrong customer")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen), "the queue")
        await came_true(lambda: quiet(console(pilot).opened), "the removal to be carried out")

    stage.do(_gone(emulated, deleted["id"]))
    stage.watch(run)
    stage.idle()
    (found,) = [row for row in stage.see(lambda ws: ws.search(number)) if row.title == number]
    assert (found.state, found.reason) == ("gone", "Gone at the source. It was removed in Xero.")
    told = stage.see(lambda ws: ws.story(found.connection, found.kind, found.record, found.tenant))
    assert ("removal approved", "Billed to the wrong customer") in {(path, value) for path, value, _ in told.fields}


def test_two_writers_are_told_and_confirmed_with_a_reason(stage: Stage) -> None:
    """The source's own sync is switched on: the organisation says so, approval is refused, n takes it upon oneself."""

    async def switch(on: str) -> None:
        emulated = stage.sandbox.sources[0]
        emulated._switch({"native_sync": on})  # type: ignore[attr-defined]

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "2")
        await until(pilot, lambda: bool(lines_with(pilot, "two writers")), "the mark on the organisations")
        await press(pilot, "n")
        await until(pilot, lambda: bool(lines_with(pilot, "Why may both write?")), "the question for the reason")
        await paste(pilot, "Theirs is for drafts alone")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(lines_with(pilot, "Confirmed; it falls")), "that it is confirmed")

    stage.do(switch("invoices"))
    (source,) = stage.see(lambda ws: ws.sources())
    stage.request("plan", connection=source.id)
    stage.watch(run)
    rows = stage.see(lambda ws: ws.native())
    assert [(row.confirmed, row.reason) for row in rows if row.confirmed] == [(True, "Theirs is for drafts alone")]
    assert len(rows) == 2
    stage.do(switch(""))


def test_one_tax_rate_of_many_is_imported_and_a_link_is_shown_before_it_moves(stage: Stage) -> None:
    """On Tax mapping i shows the diff, space marks the row that goes; on Imports m says what a moved link leaves."""
    taxes = stage.sandbox.sources[0].service
    before = len([w for w in taxes.journal.writes if w["kind"] == "tax"])

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "3")
        await settled(pilot)
        await press(pilot, "i")
        await until(pilot, lambda: bool(lines_with(pilot, "Plan the import of")), "the question")
        await press(pilot, "c")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen), "the diff")
        await until(pilot, lambda: bool(lines_with(pilot, "tax rate")), "its rows")
        await settled(pilot)
        await press(pilot, "space", "a")
        await until(pilot, lambda: bool(lines_with(pilot, "Approve the 1 marked of")), "the question for the marked")
        await press(pilot, "y")
        await until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen), "the queue")
        await came_true(lambda: quiet(console(pilot).opened), "the rate to be imported and mapped")
        await go(pilot, "4")
        await settled(pilot)
        await press(pilot, "m")
        await until(pilot, lambda: bool(lines_with(pilot, "Move the link of which customer")), "the linked ones")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(lines_with(pilot, "goes to")), "where it may go")
        # The first is another organisation, which is no contact of it yet: nothing is asked of the source before yes.
        await press(pilot, "enter")
        await until(pilot, lambda: bool(lines_with(pilot, "same as: xerotui import move")), "what stays and what goes")
        assert lines_with(pilot, "in Xero stay with")
        await press(pilot, "n")
        await settled(pilot)

    stage.jump()
    stage.watch(run)
    assert len([w for w in taxes.journal.writes if w["kind"] == "tax"]) == before + 1
    rows = {row.tenant: row for row in stage.see(lambda ws: ws.imports()) if row.kind is Kind.TAX_RATE}
    assert all(row.new > 0 for row in rows.values()), "what wasn't marked is still to be had"


def test_marked_documents_get_a_plan_of_their_own(stage: Stage) -> None:
    """On Plan space marks, and n plans the marked documents alone; the whole plan goes on waiting."""

    async def run(pilot: Pilot[Any]) -> None:
        await go(pilot, "5")
        await settled(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, PlanScreen)
        assert screen.plan is not None
        whole = screen.plan
        await press(pilot, "n")
        await until(pilot, lambda: screen.plan is not None and screen.plan.id != whole.id, "the whole plan")
        await settled(pilot)
        whole = screen.plan
        await press(pilot, "slash", *"kind:invoice", "enter")
        await settled(pilot)
        titles = [row.title for row in screen.rows.values()][:2]
        await press(pilot, "space", "space", "n")
        await until(pilot, lambda: screen.plan is not None and screen.plan.id != whole.id, "the plan of the two")
        await settled(pilot)
        plan = screen.plan
        assert plan is not None
        assert plan.title.startswith("Sync 2 documents of")
        assert {row.title for row in screen.rows.values() if row.kind is Kind.INVOICE} == set(titles)
        kept = await console(pilot).opened.plan(whole.id)
        assert kept is not None
        assert kept.state is PlanState.READY
        assert lines_with(pilot, f"Plan {whole.id} goes on waiting")

    stage.watch(run)


async def _gone(rows: dict[int, Any], id: int) -> None:
    """Somebody deletes it at Halo's own screens."""
    del rows[id]
