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
from xerotui.console.rows.status import parting
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
        sys.stderr.write(_crash_line(app, error) + "\n")
        return leave.CRASHED
    if app.parting_words:
        sys.stdout.write(clean(app.parting_words) + "\n")
    return app.return_code or 0


def _crash_line(app: XeroTUI, error: BaseException, *, forced: bool = False) -> str:
    run = parting(app.status) if app.status is not None else ""
    return leave.last_words(error, leave.note(app.home, error, forced=forced), clean(run))


def _end_hard(app: XeroTUI) -> None:
    """Give the terminal back and end the process: for a crash after which the app didn't end by itself.

    Nothing known needs it; but what crashed may be the very thing that the ordinary end waits for, and whoever sits
    in front of a raw terminal that answers to no key has no way out. The note says that it was needed.
    """
    driver = app._driver
    with contextlib.suppress(Exception):
        if driver is not None:
            driver.stop_application_mode()
            driver.close()
    sys.stderr.write(_crash_line(app, app.crashed or RuntimeError(), forced=True) + "\n")
    sys.stderr.flush()
    os._exit(leave.CRASHED)
