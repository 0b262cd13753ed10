"""The two clocks. World time is what others judge by; machine time is this computer's and is never accelerated."""

import asyncio
import datetime as dt
import os
import time
from pathlib import Path
from typing import Protocol

import msgspec


class Clock(Protocol):
    """World time: what limits, ages of tokens and keys, cursors and dates go by."""

    def now(self) -> dt.datetime:
        """The instant in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of world time."""
        ...


class _Anchor(msgspec.Struct):
    anchor_real: float
    anchor_world: float
    rate: float = 1.0


class WorldClock:
    """World time from the file that the sandbox keeps (named by XEROTUI_CLOCK), else this machine's time.

    The file holds two anchors in Unix seconds and a rate; it is read again whenever it was replaced. A file that
    can't be read keeps the last anchors: time must not jump because of a torn read.
    """

    def __init__(self, path: Path | None = None) -> None:
        named = os.environ.get("XEROTUI_CLOCK", "")
        self.path = path or (Path(named) if named else None)
        self._seen = -1
        self._anchor = _Anchor(0.0, 0.0, 1.0)

    def _read(self) -> _Anchor:
        if self.path is None:
            return self._anchor
        try:
            stamp = self.path.stat().st_mtime_ns
            if stamp != self._seen:
                self._anchor = msgspec.json.decode(self.path.read_bytes(), type=_Anchor)
                self._seen = stamp
        except (OSError, msgspec.MsgspecError):
            pass
        return self._anchor

    @property
    def rate(self) -> float:
        """World seconds in a machine second."""
        return self._read().rate or 1.0

    def now(self) -> dt.datetime:
        """The world instant in UTC."""
        anchor = self._read()
        seconds = anchor.anchor_world + (time.time() - anchor.anchor_real) * anchor.rate
        return dt.datetime.fromtimestamp(seconds, dt.UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait that many world seconds, looking up at each machine second lest the clock was moved."""
        until = self.now() + dt.timedelta(seconds=seconds)
        while (left := (until - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(1.0, left / self.rate))


def readable(path: Path) -> bool:
    """Whether a file holds a world clock; without one WorldClock goes by this machine's time."""
    try:
        msgspec.json.decode(path.read_bytes(), type=_Anchor)
    except (OSError, msgspec.MsgspecError):
        return False
    return True


def machine_now() -> dt.datetime:
    """This computer's instant in UTC: for leases, heartbeats, time-outs."""
    return dt.datetime.now(dt.UTC)
