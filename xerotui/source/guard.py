"""How a plugin is kept from doing harm: every import and every hook call runs here, guarded, timed and counted.

What a plugin prints goes to stderr, what it raises becomes a `PluginFault`; nothing of it reaches the caller else.
"""

import contextlib
import inspect
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
# That many failures in a row of one plugin switch it off for the run.
STRIKES = 3
# Machine seconds after which a hook call is told as slow: hooks do no I/O.
SLOW = 0.25
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class PluginFault(Exception):
    """A plugin failed: its name, a sentence for people, and the detail for its author."""

    def __init__(self, name: str, sentence: str, detail: str = "") -> None:
        super().__init__(f"{name}: {sentence}")
        self.name = name
        self.sentence = sentence
        self.detail = detail


class Tally(msgspec.Struct):
    """What is counted of one plugin in this process; `seconds` is machine time spent in its hooks."""

    calls: int = 0
    failures: int = 0
    row: int = 0
    slow: int = 0
    seconds: float = 0.0
    off: bool = False


def plain(text: object, limit: int = 300) -> str:
    """The text on one line, without control characters and no longer than `limit`."""
    words = _UNFIT.sub(" ", str(text)).strip()
    return words if len(words) <= limit else words[: limit - 1] + "…"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what is printed inside to stderr: stdout belongs to data."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


def guarded(name: str, doing: str, work: Callable[[], T]) -> T:
    """The result of `work`, which runs foreign code; `doing` says what failed, as in "can't be imported".

    Raises PluginFault for anything that the code raises, an exit included; a person's interrupt passes.
    """
    try:
        with quiet():
            return work()
    except PluginFault:
        raise
    except (Exception, SystemExit) as error:
        raise PluginFault(name, f"{doing}: {describe(error)}", _trace(error)) from None


def describe(error: BaseException) -> str:
    """An exception in a line: its type, and its words where it has any."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"it needs the package {plain(error.name, 80)}, which isn't installed"
    try:
        words = plain(error)
    except Exception:
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _trace(error: BaseException) -> str:
    # Frames by place alone: local variables may hold secrets.
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return "\n".join(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)


class Guard:
    """Calls hooks of one plugin and remembers how that went."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tally = Tally()
        self.fault: PluginFault | None = None

    def call(self, hook: str, work: Callable[[], Any], accept: Callable[[Any], T]) -> T:
        """The answer of one hook call, checked and converted by `accept`.

        Raises PluginFault when the plugin raises, returns what `accept` refuses by raising, or is switched off after
        failures in a row.
        """
        if self.tally.off:
            last = self.fault.sentence if self.fault else ""
            raise PluginFault(self.name, f"switched off after {STRIKES} failures in a row; the last: {last}")
        started = time.perf_counter()
        try:
            answer = guarded(self.name, f"{hook} raised", work)
            if inspect.iscoroutine(answer):
                answer.close()
                raise TypeError("a coroutine; hooks are plain functions")
            accepted = accept(answer)
        except PluginFault as fault:
            raise self._failed(fault) from None
        except Exception as error:
            raise self._failed(PluginFault(self.name, f"{hook} returned {plain(error)}")) from None
        finally:
            self._timed(time.perf_counter() - started)
        self.tally.row = 0
        return accepted

    def _failed(self, fault: PluginFault) -> PluginFault:
        self.fault = fault
        self.tally.failures += 1
        self.tally.row += 1
        self.tally.off = self.tally.row >= STRIKES
        return fault

    def _timed(self, seconds: float) -> None:
        self.tally.calls += 1
        self.tally.seconds += seconds
        self.tally.slow += seconds > SLOW
