"""The way in and out of the console process: opening late, leaving with words and a true exit code."""

import asyncio
import contextlib
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from xerotui.console import leave
from xerotui.console.app import XeroTUI
from xerotui.console.text import clean

if TYPE_CHECKING:
    from xerotui.workspace.door import Workspace


def run(home: Path | None, read_only: bool, banner: str = "") -> int:
    """Run the app in this terminal; see `xerotui.console.run`."""

    async def opener() -> "Workspace":
        # SQL, HTTP and plugins are imported in a thread, behind the first frame.
        module = await asyncio.to_thread(import_module, "xerotui.workspace.door")
        workspace: Workspace = await module.Workspace.open(home, read_only=read_only)
        return workspace

    app = XeroTUI(opener, read_only=read_only, banner=banner, home=home)
    error: BaseException | None = None
    app.hard_end = lambda: _end_hard(app)
    try:
        app.run(mouse=False)
    except Exception as raised:
        error = raised
    if app.last_resort is not None:
        app.last_resort.cancel()
    error = error or app.crashed
    if error is not None:
        sys.stderr.write(leave.last_words(error, leave.note(app.home, error)) + "\n")
        return leave.CRASHED
    if app.parting_words:
        sys.stdout.write(clean(app.parting_words) + "\n")
    return app.return_code or 0


def _end_hard(app: XeroTUI) -> None:
    """Give the terminal back and end the process: for a crash after which the app didn't end by itself."""
    driver = app._driver
    with contextlib.suppress(Exception):
        if driver is not None:
            driver.stop_application_mode()
            driver.close()
    error = app.crashed or RuntimeError()
    sys.stderr.write(leave.last_words(error, leave.note(app.home, error)) + "\n")
    sys.stderr.flush()
    os._exit(leave.CRASHED)
