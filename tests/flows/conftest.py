"""Fixtures of the flow tests; what would change a picture without meaning anything is held still here."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from tests.flows.stage import LARGE, SMALL, Stage, counted_ids, settled
from xerotui.console import feed
from xerotui.console.app import XeroTUI
from xerotui.console.screens import base
from xerotui.workspace import requests

Flow = Callable[[Pilot[Any]], Coroutine[Any, Any, None]]


# How many calls a run took depends on which of them met; that they are counted is tested elsewhere.
_CALLS = re.compile(r"(?<=day&#160;)\d+(?=/)")


def _zeros(found: re.Match[str]) -> str:
    return "0" * len(found[0])


@pytest.fixture
def pictures(snapshot: SnapshotAssertion, tmp_path: Path) -> Callable[[XeroTUI, Flow], None]:
    """What takes a flow once and keeps its end as a picture at each size: the terminal grows in between."""
    kept = snapshot.use_extension(SVGImageExtension)

    async def taken(app: XeroTUI, flow: Flow) -> dict[str, str]:
        out = {}
        async with app.run_test(size=SMALL, notifications=True) as pilot:
            await flow(pilot)
            for size in (SMALL, LARGE):
                if size != SMALL:
                    await pilot.resize_terminal(*size)
                    await settled(pilot)
                out["x".join(map(str, size))] = _CALLS.sub(_zeros, app.export_screenshot(simplify=True))
        return out

    def compare(app: XeroTUI, flow: Flow) -> None:
        different = []
        for size, picture in asyncio.run(taken(app, flow)).items():
            same = kept(name=size) == picture
            if not same:
                place = tmp_path / f"{size}.svg"
                place.write_text(picture)
                different.append(str(place))
        assert not different, "not the picture that was kept"

    return compare


@pytest.fixture(scope="module")
def still() -> Iterator[pytest.MonkeyPatch]:
    """The same theme and colours everywhere, no blinking cursor, counted ids."""
    from textual.widgets import Input

    patch = pytest.MonkeyPatch()
    for name in ("NO_COLOR", "TEXTUAL_THEME", "XEROTUI_CLOCK", "XEROTUI_GOVERNOR"):
        patch.delenv(name, raising=False)
    patch.setenv("XEROTUI_THEME", "textual-dark")
    patch.setattr(Input.cursor_blink, "_default", False)
    # What a console spares a worker and a terminal over SSH, a test only waits for.
    patch.setattr(feed, "IN_USE", 0.05)
    patch.setattr(base, "AT_MOST_EVERY", 0.1)
    patch.setattr(requests, "LOOK", 0.05)
    counted_ids(patch)
    yield patch
    patch.undo()


@pytest.fixture(scope="module")
def stage(still: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox, worker and home for the module; its tests follow each other as a person would go."""
    made = Stage(Path(tmp_path_factory.mktemp("stage")))
    made.start_worker()
    yield made
    made.close()
