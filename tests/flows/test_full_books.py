"""The console before the first sync into full books: contacts that look twice, templates that bill by themselves."""

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.flows.prepared import XERO
from tests.flows.stage import Stage, go, lines_with, press, settled, text_of, until
from tests.kit.full import full_alone
from xerotui.cli import control
from xerotui.console.screens.duplicates import DuplicatesScreen
from xerotui.sandbox.world_full import KEY
from xerotui.workspace.door import Workspace


async def _connect(stage: Stage, space: Workspace) -> None:
    about = stage.sandbox.describe()
    names = {field.name for field in await space.source_form("halo")}
    await space.connect_source("halo", "HaloPSA", {k: str(v) for k, v in about["halo"].items() if k in names})
    values = {"kind": "web", **{name: str(about["xero"][name]) for name in XERO}}
    consent = await space.xero_begin("Xero", values)
    await space.xero_finish(consent.connection, await control.consent(consent.url))
    await space.xero_save(consent.connection, [full_alone().tenant(KEY).tenant_id])


def test_what_a_person_is_told_before_the_first_sync(tmp_path: Path) -> None:
    stage = Stage(tmp_path, world=full_alone())
    try:
        stage.start_worker()
        stage.see(lambda space: _connect(stage, space))
        stage.request("refresh")
        (source,) = stage.see(lambda space: space.sources())
        stage.jump()
        stage.request("plan", connection=source.id)
        stage.watch(_looked_at)
    finally:
        stage.close()


async def _looked_at(pilot: Pilot[Any]) -> None:
    await go(pilot, "4")
    await press(pilot, "d")
    await until(pilot, lambda: isinstance(pilot.app.screen, DuplicatesScreen), "the list")
    await settled(pilot)
    await until(pilot, lambda: bool(lines_with(pilot, "nothing is merged here")), "what can be done")
    (old,) = lines_with(pilot, "Fenwick Dairy (old)")
    (other,) = lines_with(pilot, "Fenwick Dairy Ltd")
    assert "e-mail, tax number" in old
    assert [line.lstrip("› ").split()[0] for line in (old, other)] == ["1", "1"]
    assert "archived" in lines_with(pilot, "KES-OLD")[0]
    await press(pilot, "slash", *"ridge", "enter")
    await until(pilot, lambda: not lines_with(pilot, "Fenwick"), "the filter")
    assert len(lines_with(pilot, "Ridge Motors")) == 2
    await press(pilot, "escape", "escape")
    await go(pilot, "5")
    await until(pilot, lambda: bool(lines_with(pilot, "repeats 2")), "the plan's counts")
    await press(pilot, "slash", *"verb:repeats", "enter")
    await until(pilot, lambda: len(lines_with(pilot, "! repeats")) == 2, "the rows")
    await settled(pilot)
    rows = lines_with(pilot, "Xero itself bills")
    assert len(rows) == 2, text_of(pilot)
