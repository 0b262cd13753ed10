"""The console in a real terminal: what it writes, what signals do to it, what a fault leaves behind."""

import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import ioctl
from pathlib import Path

import pytest

from xerotui.console.leave import FORCED

SECRET = "hunter2-hunter2-hunter2"
RESTORED = b"\x1b[?1049l"
CRASHING = f"""
import sys
from pathlib import Path
from xerotui.console.run import run
from xerotui.console.screens.overview import OverviewScreen

def paint(self, data):
    token = {SECRET!r}
    raise RuntimeError("refused: " + token)

async def load(self):
    return None

OverviewScreen.load = load
OverviewScreen.on_show = lambda self: paint(self, None)
sys.exit(run(Path(sys.argv[1]), False, ""))
"""


class Terminal:
    """A console in a pseudo-terminal, and all that it wrote."""

    def __init__(self, pid: int, master: int) -> None:
        self.pid = pid
        self.master = master
        self.written = b""
        self.code: int | None = None

    def read(self, seconds: float) -> bytes:
        """What is written within that time."""
        end = time.monotonic() + seconds
        out = b""
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], left)
            if not ready:
                break
            try:
                piece = os.read(self.master, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
        self.written += out
        return out

    def until(self, words: bytes, seconds: float = 60.0) -> None:
        """Read until these words have been written."""
        end = time.monotonic() + seconds
        while words not in self.written:
            assert time.monotonic() < end, f"never wrote {words!r}"
            self.read(0.1)

    def press(self, keys: str) -> bytes:
        """Press keys; what is written until it is quiet."""
        os.write(self.master, keys.encode())
        out = b""
        while piece := self.read(0.6):
            out += piece
        return out

    def wait(self, seconds: float = 60.0) -> int:
        """The exit code, as a shell would see it."""
        end = time.monotonic() + seconds
        while self.code is None:
            assert time.monotonic() < end, "it doesn't end"
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code


@contextmanager
def terminal(home: Path, *command: str, columns: int = 80, lines: int = 24, **more: str) -> Iterator[Terminal]:
    """The command in a pseudo-terminal of that size."""
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TEXTUAL_THEME", "XEROTUI_CLOCK")}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "XEROTUI_HOME": str(home)} | more
    pid, master = pty.fork()
    if pid == 0:
        with suppress(BaseException):
            for ignored in (signal.SIGINT, signal.SIGQUIT):
                # Shells start what runs in the background so; a person's terminal doesn't.
                signal.signal(ignored, signal.SIG_DFL)
            os.execve(sys.executable, [sys.executable, *command], environment)
        os._exit(127)
    ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    shown = Terminal(pid, master)
    try:
        yield shown
    finally:
        if shown.code is None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        with suppress(OSError):
            os.close(master)


def test_an_idle_console_is_silent_and_moving_is_cheap(tmp_path: Path) -> None:
    """Nothing is written while nothing happens; a cursor costs a line or two; q leaves with code 0."""
    with terminal(tmp_path / "home", "-m", "xerotui") as shown:
        shown.until(b"Connect Xero")
        shown.read(1.5)
        assert len(shown.read(2.5)) == 0
        assert 0 < len(shown.press("\x1b[B")) < 1200
        assert len(shown.press("q")) > 0
        assert shown.wait() == 0
        assert RESTORED in shown.written


def test_keys_are_the_same_without_colour(tmp_path: Path) -> None:
    """A terminal of eight colours with NO_COLOR: the words are there, and no colour is asked for beyond grey."""
    with terminal(tmp_path / "home", "-m", "xerotui", TERM="linux", COLORTERM="", NO_COLOR="1") as shown:
        shown.until(b"Connect Xero")
        shown.until(b"next")
        shown.press("q")
        assert shown.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """The terminal is given back, and the code says which signal it was; a screen on its way changes nothing of it."""
    home = tmp_path / "home"
    with terminal(home, "-m", "xerotui") as shown:
        shown.until(b"Connect Xero")
        os.write(shown.master, b"7")
        os.kill(shown.pid, number)
        assert shown.wait() == 128 + number
        assert RESTORED in shown.written
    assert not (home / "crashes").exists()


def test_a_closed_terminal_ends_it(tmp_path: Path) -> None:
    """A dropped line leaves no process behind."""
    with terminal(tmp_path / "home", "-m", "xerotui") as shown:
        shown.until(b"Connect Xero")
        os.close(shown.master)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pid, _ = os.waitpid(shown.pid, os.WNOHANG)
            if pid:
                shown.code = 0
                break
            time.sleep(0.05)
        assert shown.code == 0


def test_a_fault_of_its_own_shows_no_data(tmp_path: Path) -> None:
    """One line, code 70, the terminal whole; neither screen nor note holds a local variable or a message."""
    home = tmp_path / "home"
    script = tmp_path / "crash.py"
    script.write_text(CRASHING)
    with terminal(home, str(script), str(home), PYTHONPATH=os.getcwd()) as shown:
        assert shown.wait() == 70
        shown.read(0.2)
        assert RESTORED in shown.written
        assert b"RuntimeError" in shown.written
        assert SECRET.encode() not in shown.written
        assert b"run goes on" not in shown.written
    (note,) = (home / "crashes").iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    text = note.read_text()
    assert SECRET not in text
    assert "paint" in text
    assert FORCED not in text
