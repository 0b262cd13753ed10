"""What an emulated service remembers of its callers: accepted writes, broken rules, requests.

Only this log may live here. It is used from one event loop and takes no locks.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from xerotui.sandbox.clock import WorldClock

REQUESTS_KEPT = 50_000


class Journal:
    """The judge's log of one service.

    ``writes``: ``{"n", "at", "service", "tenant", "kind", "verb", "id", "number", ...}`` in the order of
    acceptance. ``violations``: ``{"at", "service", "what", "detail"}``. ``requests``: ``{"at", "method",
    "path", "status", "tenant"}``, the last 50,000. Times are ISO 8601 in world time.
    ``words``: refusals in words that no source gives, with how often they were said.
    """

    def __init__(self, service: str, clock: WorldClock) -> None:
        self.service = service
        self.clock = clock
        self.writes: list[dict[str, Any]] = []
        self.violations: list[dict[str, Any]] = []
        self.requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self.words: dict[str, int] = {}
        self.last_request_at: float | None = None

    def write(self, *, tenant: str, kind: str, verb: str, id: str, number: str = "", **more: Any) -> dict[str, Any]:
        """Note one accepted effect and return the entry."""
        entry = {
            "n": len(self.writes) + 1,
            "at": self.clock.iso(),
            "service": self.service,
            "tenant": tenant,
            "kind": kind,
            "verb": verb,
            "id": id,
            "number": number,
            **more,
        }
        self.writes.append(entry)
        return entry

    def violation(self, what: str, detail: str = "") -> None:
        """Note that a caller broke a rule of the service."""
        self.violations.append({"at": self.clock.iso(), "service": self.service, "what": what, "detail": detail})

    def said(self, texts: list[str]) -> None:
        """Note refusals in words of the emulator's own."""
        for text in texts:
            self.words[text] = self.words.get(text, 0) + 1

    def request(self, *, method: str, path: str, status: int | str, tenant: str) -> None:
        """Note one finished request; ``status`` is "cut" where the connection was dropped."""
        self.requests.append(
            {"at": self.clock.iso(), "method": method, "path": path, "status": status, "tenant": tenant}
        )
