"""Leaving: signals, crash notes, exit codes. The terminal is given back whole and local variables are never shown."""

import asyncio
import contextlib
import datetime as dt
import os
import signal
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

CRASHED = 70
# Seconds that a crashed console has to end by itself.
GRACE = 3.0
FORCED = "The console didn't end by itself and was ended by force."
# Messages of these are written by Python about code; those of others may carry what a source or Xero said.
_ABOUT_CODE = (AttributeError, TypeError, NameError, ImportError, NotImplementedError, RecursionError)


def catch_signals(leave: Callable[[int], None]) -> Callable[[], None]:
    """Turn SIGHUP and SIGTERM into an orderly exit with code 128 + signal; returns what takes it back.

    Needs a running loop of the main thread; elsewhere (tests that host the app in a thread) nothing is caught.
    """
    loop = asyncio.get_running_loop()
    caught: list[int] = []
    for number in (signal.SIGHUP, signal.SIGTERM):
        with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):
            loop.add_signal_handler(number, leave, 128 + number)
            caught.append(number)

    def release() -> None:
        for number in caught:
            with contextlib.suppress(RuntimeError, ValueError):
                loop.remove_signal_handler(number)

    return release


def at_last(seconds: float, end: Callable[[], None]) -> threading.Timer:
    """Call `end` in a thread of its own after so many seconds, unless the answer is cancelled before.

    For an end that doesn't come: a person's terminal must never stay in the hands of a program that has failed.
    """
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


def describe(error: BaseException) -> str:
    """Type and frames of an exception and its causes, without local variables and without foreign words."""
    out: list[str] = []
    current: BaseException | None = error
    while current is not None:
        out.append(type(current).__name__ + (f": {current}" if isinstance(current, _ABOUT_CODE) else ""))
        for frame in traceback.extract_tb(current.__traceback__):
            path = Path(frame.filename)
            out.append(f"  {path.parent.name}/{path.name}:{frame.lineno} {frame.name}")
        current = current.__cause__ or current.__context__
    return "\n".join(out)


def note(home: Path | None, error: BaseException, *, forced: bool = False) -> Path | None:
    """Write the crash note (mode 0600) below the home; None when there is nowhere to write it.

    `forced` notes that the process didn't end by itself, which is a fault of its own.
    """
    if home is None:
        return None
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%f")
    path = home / "crashes" / f"console-{stamp}.txt"
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(describe(error) + "\n" + (FORCED + "\n" if forced else ""))
        return path
    return None


def last_words(error: BaseException, path: Path | None, run: str = "") -> str:
    """The one line that a crash leaves on the screen; `run` says what becomes of an unfinished run."""
    where = f"A note without data is in {path}." if path else ""
    return " ".join(
        part for part in (f"XeroTUI stopped by a fault of its own ({type(error).__name__}).", run, where) if part
    )
