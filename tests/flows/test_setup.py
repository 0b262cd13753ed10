"""One session at 80x24, by the keyboard alone: from an empty home along the setup to every healthy invoice in Xero.

It is one console from its first frame to its last; what is asserted is what the sandbox holds, to the penny, and where
`esc` and a mended problem lead back to.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import SelectionList

from tests.flows.stage import (
    SMALL,
    Stage,
    came_true,
    choose_source,
    console,
    lines_with,
    paste,
    press,
    quiet,
    settled,
    text_of,
    until,
)
from xerotui.cli import control
from xerotui.cli.app import run as run_command
from xerotui.cli.demo_report import differences
from xerotui.console.forms import ChoiceField, Form
from xerotui.console.screens.connect_source import ConnectSourceScreen
from xerotui.console.screens.connect_xero import ConnectXeroScreen
from xerotui.console.screens.errors import ErrorsScreen
from xerotui.console.screens.imports import ImportsScreen
from xerotui.console.screens.mapping import MappingScreen
from xerotui.console.screens.pair import PairScreen
from xerotui.console.screens.plan import PlanScreen
from xerotui.console.screens.queue import QueueScreen
from xerotui.console.screens.setup import SetupScreen
from xerotui.console.widgets.picker import Picker
from xerotui.sandbox.world import build
from xerotui.workspace.pages import Step

SCALE = 0.02
XERO = ("client_id", "client_secret", "redirect_uri", "api_url", "identity_url", "authorize_url")
# What the session itself mends.
MENDED = ("tax_unmapped", "charge_rate_uncoded")


@pytest.fixture(scope="module")
def stage(still: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An empty home beside a small sandbox."""
    made = Stage(Path(tmp_path_factory.mktemp("setup")), world=build(1, scale=SCALE))
    made.start_worker()
    yield made
    made.close()


def steps(pilot: Pilot[Any]) -> dict[str, Step]:
    """The steps as the screen in front shows them, by the last part of their ids."""
    screen = pilot.app.screen
    assert isinstance(screen, SetupScreen)
    return {step.id.rpartition(":")[2]: step for step in screen.steps}


def under(pilot: Pilot[Any], words: str) -> bool:
    """Whether the cursor is painted on a line with these words."""
    return any(line.startswith("›") for line in lines_with(pilot, words))


async def stand_on(pilot: Pilot[Any], step: str) -> Step:
    """Wait for the setup, and go to a row by the arrows."""
    await until(pilot, lambda: isinstance(pilot.app.screen, SetupScreen), "the setup")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, SetupScreen)
    await press(pilot, "home")
    for _ in screen.steps:
        if screen.current[1].id.rpartition(":")[2] == step:
            return steps(pilot)[step]
        await press(pilot, "down")
    raise AssertionError(f"no step {step}")


async def back(pilot: Pilot[Any]) -> None:
    """Esc until the setup stands in front again."""
    for _ in range(4):
        if isinstance(pilot.app.screen, SetupScreen):
            break
        await press(pilot, "escape")
        await settled(pilot)
    await until(pilot, lambda: isinstance(pilot.app.screen, SetupScreen), "the setup again")
    await settled(pilot)


async def typed(pilot: Pilot[Any], values: dict[str, str]) -> None:
    """Fill a form from the top by tab, paste and arrows; enter in the last field submits it."""
    await until(pilot, lambda: bool(pilot.app.screen.query(Form)), "the form")
    fields = pilot.app.screen.query_one(Form).fields
    for field in fields:
        focused = pilot.app.focused
        assert focused is not None
        assert focused.id == f"f-{field.name}"
        wanted = values.get(field.name, "")
        if isinstance(focused, ChoiceField):
            while wanted and focused.value != wanted:
                await press(pilot, "right")
        elif wanted:
            await paste(pilot, wanted)
        await press(pilot, "enter" if field is fields[-1] else "tab")


async def answered(pilot: Pilot[Any], key: str, question: str, answer: str) -> None:
    """Press a key, wait for its question, answer it."""
    await press(pilot, key)
    await until(pilot, lambda: bool(lines_with(pilot, question)), f"the question {question}")
    await press(pilot, answer)


async def connected(pilot: Pilot[Any], stage: Stage) -> None:
    """Both sides, by their forms; esc and saving lead back to the setup, and the cursor goes on by itself."""
    about = stage.sandbox.describe()
    await settled(pilot)
    await press(pilot, "s")
    await until(pilot, lambda: under(pilot, "1 Connect a source"), "the first step")
    await press(pilot, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ConnectSourceScreen), "the source's form")
    await choose_source(pilot, "HaloPSA")
    await typed(pilot, {k: str(v) for k, v in about["halo"].items()})
    await until(pilot, lambda: "Connected and saved" in text_of(pilot), "the source")
    await back(pilot)
    assert steps(pilot)["tax"].state == "waiting"
    await press(pilot, "end", "enter")
    assert lines_with(pilot, "First: Connect Xero and organisations.")
    await stand_on(pilot, "tenant")
    await press(pilot, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ConnectXeroScreen), "Xero's form")
    await typed(pilot, {"kind": "web"} | {name: str(about["xero"][name]) for name in XERO})
    screen = pilot.app.screen
    assert isinstance(screen, ConnectXeroScreen)
    await until(pilot, lambda: screen.consent is not None and bool(screen.query("#paste")), "the address")
    assert screen.consent is not None
    await paste(pilot, await control.consent(screen.consent.url))
    await press(pilot, "enter")
    await until(pilot, lambda: bool(screen.query(SelectionList)), "organisations")
    await press(pilot, "s")
    await until(pilot, lambda: isinstance(pilot.app.screen, SetupScreen), "the setup")
    await until(pilot, lambda: bool(lines_with(pilot, "Reading both sides: done")), "both sides to be read")
    await until(pilot, lambda: under(pilot, "3 Map tax rates"), "the third step")


async def mapped(pilot: Pilot[Any], step: str) -> None:
    """Proposals are taken, what has none is chosen; enter leads to the organisation that lacks something."""
    while (await stand_on(pilot, step)).state == "todo":
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, MappingScreen), "the mapping")
        await settled(pilot)
        if lines_with(pilot, "? proposed"):
            await answered(pilot, "a", "same as: xerotui map accept", "y")
            await until(pilot, lambda: bool(lines_with(pilot, "taken")), "the proposals")
            await settled(pilot)
        await press(pilot, "home")
        while value := _unmapped(pilot):
            await press(pilot, "enter")
            await until(pilot, lambda: pilot.app.screen.query_one(Picker).is_open, "the list to choose from")
            await press(pilot, "enter")
            await until(pilot, lambda v=value: _unmapped(pilot) != v, "the choice")  # type: ignore[misc]
            await settled(pilot)
            await press(pilot, "home")
        await back(pilot)


def _unmapped(pilot: Pilot[Any]) -> str:
    """The value under the cursor, when it has no mapping."""
    item = pilot.app.screen.current  # type: ignore[attr-defined]
    return item.value if item.state == "unmapped" else ""


async def imported(pilot: Pilot[Any], stage: Stage) -> None:
    """Customers of one organisation are previewed, approved and carried out; the way back is esc."""
    await stand_on(pilot, "customers")
    await press(pilot, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ImportsScreen), "the piles")
    await settled(pilot)
    stage.jump()
    await press(pilot, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen), "the plan of the import")
    await settled(pilot)
    await answered(pilot, "a", "same as: xerotui apply plan-", "y")
    await until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen), "the queue")
    await until(pilot, lambda: bool(lines_with(pilot, "The run has ended")), "the end of the run")
    await came_true(lambda: quiet(console(pilot).opened), "the worker to be idle")
    pilot.app.clear_notifications()
    await back(pilot)


async def chosen(pilot: Pilot[Any]) -> None:
    """The settings of the pairs: one is changed in its form, the rest is left as it is by a person's word."""
    await stand_on(pilot, "entities")
    await press(pilot, "enter")
    await until(pilot, lambda: bool(pilot.app.screen.query("#f-sync_customers")), "the form of the kinds")
    await back(pilot)
    await stand_on(pilot, "settings")
    await press(pilot, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, PairScreen), "the settings")
    await settled(pilot)
    await back(pilot)
    for step in ("items", "customers", "suppliers", "entities", "settings"):
        assert (await stand_on(pilot, step)).state == "todo", step
        await press(pilot, "k")
        await until(pilot, lambda s=step: steps(pilot)[s].state == "looked", f"{step} to be left")  # type: ignore[misc]
    await settled(pilot)
    assert len(lines_with(pilot, "✓ left so")) == 5
    await press(pilot, "home", "k")
    assert lines_with(pilot, "This step must be done.")


async def synced(pilot: Pilot[Any], stage: Stage) -> None:
    """The first plan, approved with its follow-ups, to its end."""
    await stand_on(pilot, "start")
    await press(pilot, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen), "the plan")
    await settled(pilot)
    stage.jump()
    screen = pilot.app.screen
    assert isinstance(screen, PlanScreen)
    await press(pilot, "n")
    await until(pilot, lambda: screen.plan is not None and screen.plan.kind.value == "sync", "the plan")
    await settled(pilot)
    await answered(pilot, "a", "same as: xerotui apply plan-", "f")
    await until(pilot, lambda: isinstance(pilot.app.screen, QueueScreen), "the queue")
    await until(pilot, lambda: bool(lines_with(pilot, "The run has ended")), "the end of the run")
    await came_true(lambda: quiet(console(pilot).opened), "the worker to be idle")
    pilot.app.clear_notifications()
    await back(pilot)
    assert steps(pilot)["start"].state == "done"


async def blocked(pilot: Pilot[Any]) -> None:
    """What the seeded trouble holds up stands beside its step, and w lists its causes alone."""
    held = await stand_on(pilot, "customers")
    assert (held.state, held.compulsory) == ("todo", True), "documents wait for it: it can't be left any more"
    assert held.documents > 0
    assert held.totals
    assert lines_with(pilot, f"! {held.documents} document")
    await press(pilot, "w")
    await until(pilot, lambda: isinstance(pilot.app.screen, ErrorsScreen), "the causes")
    await settled(pilot)
    assert {row.code for row in pilot.app.screen.rows.values()} == set(held.codes)  # type: ignore[attr-defined]
    await back(pilot)


@pytest.mark.soak
def test_from_nothing_to_every_healthy_invoice_by_the_keyboard(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Along the setup in its own order, 80x24, no mouse; then both sides agree, and the command tells the same."""

    async def session() -> tuple[Step, ...]:
        app = stage.app()
        async with app.run_test(size=SMALL, notifications=True) as pilot:
            await connected(pilot, stage)
            stage.jump()
            await mapped(pilot, "tax")
            await imported(pilot, stage)
            stage.jump()
            await mapped(pilot, "charge_rates")
            await chosen(pilot)
            stage.jump()
            await synced(pilot, stage)
            await blocked(pilot)
            screen = pilot.app.screen
            assert isinstance(screen, SetupScreen)
            return screen.steps

    shown = asyncio.run(session())
    arrived(stage)
    assert run_command(["--home", str(stage.home), "setup", "--json"], lambda *_: 0) == 2
    told = json.loads(capsys.readouterr().out)
    assert [(s["step"]["id"], s["step"]["state"]) for s in told["steps"]] == [(s.id, s.state) for s in shown]
    assert told["open"] == sum(s.compulsory and s.state == "todo" for s in shown) > 0
    left = next(s["step"] for s in told["steps"] if s["step"]["what"] == "settings")
    assert run_command(["--home", str(stage.home), "setup", "--not-looked", "settings"], lambda *_: 0) == 2
    assert "optional" in next(line for line in capsys.readouterr().out.splitlines() if left["title"] in line)
    assert run_command(["--home", str(stage.home), "setup", "--looked", "tax"], lambda *_: 0) == 4


def arrived(stage: Stage) -> None:
    """Each organisation got every sound invoice and no other, to the penny, and no rule was broken."""
    world = build(1, scale=SCALE)
    trouble = {t.id for t in world.trouble if t.blocks and t.record == "invoice" and t.kind not in MENDED}
    opened = [i for i in world.psa.invoices if (i.kind, i.state) == ("invoice", "open")]
    writes = stage.sandbox.xero.service.journal.writes
    for tenant in world.tenants:
        made = [str(w["number"]) for w in writes if (w["tenant"], w["kind"]) == (tenant.tenant_id, "invoice")]
        sound = {i.number for i in opened if i.tenant == tenant.key and i.id not in trouble}
        assert sound, tenant.name
        assert set(made) == sound, tenant.name
        assert len(made) == len(sound), "none twice"
    source, xero = stage.sandbox.sources[0].totals(), stage.sandbox.xero.totals()
    assert differences(source["sent"], xero) == []
    assert stage.sandbox.violations() == []
