"""Fixtures of the flow tests; what would change a picture without meaning anything is held still here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.stage import Stage, counted_ids


@pytest.fixture(scope="module")
def still() -> Iterator[pytest.MonkeyPatch]:
    """The same theme and colours everywhere, no blinking cursor, counted ids."""
    from textual.widgets import Input

    patch = pytest.MonkeyPatch()
    for name in ("NO_COLOR", "TEXTUAL_THEME", "XEROTUI_CLOCK", "XEROTUI_GOVERNOR"):
        patch.delenv(name, raising=False)
    patch.setenv("XEROTUI_THEME", "textual-dark")
    patch.setattr(Input.cursor_blink, "_default", False)
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
