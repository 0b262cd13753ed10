"""Rolling-window limits in world time, and the count of requests in flight.

How a service words its refusal belongs to the service; only the counting lives here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import NamedTuple

from xerotui.sandbox.clock import WorldClock


class WindowState(NamedTuple):
    """One window of one key: its limit, what is left of it, world seconds until the oldest call leaves."""

    limit: int
    headroom: int
    oldest_leaves_in: float


class Windows:
    """Counts the calls of each key (an organisation, say) in named rolling windows.

    ``limits`` maps a name to (calls, world seconds); ``concurrent`` is the most requests in flight for one
    key, or None for no such limit. Both may be changed while the service runs. While ``fixed`` says so, windows begin
    anew on the minute or day instead of rolling.
    """

    def __init__(
        self,
        clock: WorldClock,
        limits: dict[str, tuple[int, float]],
        concurrent: int | None = None,
        fixed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._fixed = fixed
        self.clock = clock
        self.limits = dict(limits)
        self.concurrent = concurrent
        self._calls: dict[tuple[str, str], deque[float]] = {}
        self._flying: Counter[str] = Counter()

    def state(self, name: str, key: str) -> WindowState:
        """Return what is left of the window ``name`` for ``key``."""
        calls, seconds = self.limits[name]
        now = self.clock.timestamp()
        times = self._calls.setdefault((name, key), deque())
        # A fixed window begins anew on each multiple of its length: all calls leave it at once.
        since = now - now % seconds if self._fixed() else now - seconds
        while times and times[0] <= (since - 1e-9 if self._fixed() else since):
            times.popleft()
        leaves = (since + seconds if self._fixed() else times[0] + seconds) - now if times else 0.0
        return WindowState(calls, max(0, calls - len(times)), leaves)

    def hit(self, name: str, key: str) -> None:
        """Count one call of ``key`` in the window ``name``."""
        self._calls.setdefault((name, key), deque()).append(self.clock.timestamp())

    def enter(self, key: str) -> bool:
        """Count ``key`` in flight; False, without counting, where that would be one too many."""
        if self.concurrent is not None and self._flying[key] >= self.concurrent:
            return False
        self._flying[key] += 1
        return True

    def leave(self, key: str) -> None:
        """Undo one ``enter``."""
        self._flying[key] -= 1

    def in_flight(self, key: str) -> int:
        """Return the number of requests of ``key`` now in flight."""
        return self._flying[key]

    def change(self, name: str, calls: int) -> None:
        """Set the number of calls that the window ``name`` allows; ValueError below zero."""
        if calls < 0:
            raise ValueError("a limit is zero or more calls")
        self.limits[name] = (calls, self.limits[name][1])

    def reset(self) -> None:
        """Forget all counted calls."""
        self._calls.clear()
