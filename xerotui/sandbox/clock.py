"""The world clock: the time by which emulated services judge, shared by all processes through one file.

Nothing but that clock may live here.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

ENVIRONMENT = "XEROTUI_CLOCK"
MAX_RATE = 60.0


class _Anchor(msgspec.Struct, frozen=True):
    anchor_real: float
    anchor_world: float
    rate: float


class WorldClock:
    """A clock that may run faster than the machine's and may jump forward, never back.

    The file holds ``{"anchor_real", "anchor_world", "rate"}`` (unix seconds, unix seconds, world seconds
    per real second with 0 < rate <= 60). It is replaced atomically and read again whenever it changed.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._stamp: tuple[int, int] | None = None
        self._anchor = _Anchor(0.0, 0.0, 1.0)
        if not self.path.exists():
            now = time.time()
            self._write(_Anchor(now, now, 1.0))

    @classmethod
    def create(cls, path: Path | str, start: datetime | None = None, rate: float = 1.0) -> WorldClock:
        """Make (or replace) the clock file so that the world begins at ``start`` (aware; default: now)."""
        clock = cls(path)
        real = time.time()
        clock._write(_Anchor(real, real if start is None else _seconds(start), _checked_rate(rate)))
        return clock

    @classmethod
    def from_environment(cls) -> WorldClock | None:
        """Return the clock that ``XEROTUI_CLOCK`` names, or None where the variable is not set."""
        path = os.environ.get(ENVIRONMENT)
        return cls(path) if path else None

    def timestamp(self) -> float:
        """Return world time as unix seconds."""
        return self._at(time.time())

    def now(self) -> datetime:
        """Return world time as an aware UTC datetime."""
        return datetime.fromtimestamp(self.timestamp(), UTC)

    def iso(self) -> str:
        """Return world time as ISO 8601 text in UTC with milliseconds."""
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def rate(self) -> float:
        """World seconds that pass in one real second."""
        self._read()
        return self._anchor.rate

    def set_rate(self, rate: float) -> None:
        """Let the world run at ``rate`` from now on; ValueError outside 0 < rate <= 60."""
        rate = _checked_rate(rate)
        real = time.time()
        self._write(_Anchor(real, self._at(real), rate))

    def jump(self, seconds: float) -> None:
        """Move the world ``seconds`` forward; ValueError for a negative number."""
        if not seconds >= 0:
            raise ValueError("the world clock never goes back")
        real = time.time()
        self._write(_Anchor(real, self._at(real) + seconds, self._anchor.rate))

    def to(self, moment: datetime) -> None:
        """Set the world to ``moment`` (aware); ValueError for a moment that has passed."""
        self.jump(_seconds(moment) - self.timestamp())

    def describe(self) -> dict[str, Any]:
        """Return the state of the clock for people and control routes."""
        return {"now": self.iso(), "rate": self.rate, "path": str(self.path)}

    def _at(self, real: float) -> float:
        self._read()
        anchor = self._anchor
        return anchor.anchor_world + (real - anchor.anchor_real) * anchor.rate

    def _read(self) -> None:
        found = os.stat(self.path)
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._anchor = msgspec.json.decode(self.path.read_bytes(), type=_Anchor, strict=False)
            self._stamp = stamp

    def _write(self, anchor: _Anchor) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(anchor))
        os.replace(temporary, self.path)
        self._stamp = None
        self._read()


def _seconds(moment: datetime) -> float:
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return moment.timestamp()


def _checked_rate(rate: float) -> float:
    if not 0 < rate <= MAX_RATE:
        raise ValueError(f"the rate of the world clock lies above 0 and at most at {MAX_RATE:g}")
    return float(rate)
