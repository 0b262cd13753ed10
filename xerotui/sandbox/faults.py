"""Seeded faults of an emulated service: which request is hit, and by what.

Deciding lives here; carrying the decision out on the wire belongs to the service.
"""

from __future__ import annotations

import random
import re
from typing import Any, Literal

import msgspec

Do = Literal["delay", "status", "status_after", "cut_before", "cut_after", "slow_body", "body"]


class Fault(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One order to misbehave.

    ``method`` and ``path`` (a regular expression searched in path and query) choose requests; the first
    ``skip`` of them pass, then at most ``times`` are hit, each with ``chance`` (0 to 1). ``delay`` waits
    ``seconds`` real seconds and goes on; ``status`` answers ``status`` without doing the work,
    ``status_after`` after doing it; ``cut_before`` and ``cut_after`` drop the connection; ``slow_body`` does
    the work and spreads its answer over ``seconds``; ``body`` does the work and answers 200 with ``text``.
    """

    do: Do
    method: str | None = None
    path: str | None = None
    status: int = 500
    seconds: float = 0.3
    text: str = ""
    headers: dict[str, str] = {}
    times: int | None = None
    skip: int = 0
    chance: float | None = None


class Faults:
    """The faults in force; every request is decided once, in the order in which it arrives."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.specs: list[Fault] = []

    def post(self, body: Any) -> list[dict[str, Any]]:
        """Add one spec or a list, or obey ``{"clear": true}``; return the list in force.

        Raises msgspec.ValidationError or re.error for a spec that can't be understood.
        """
        if isinstance(body, dict) and body.get("clear"):
            self.specs.clear()
            return self.describe()
        added = msgspec.convert(body if isinstance(body, list) else [body], list[Fault])
        for spec in added:
            re.compile(spec.path or "")
        self.specs.extend(added)
        return self.describe()

    def describe(self) -> list[dict[str, Any]]:
        """Return the specs in force as plain data."""
        return [msgspec.to_builtins(spec) for spec in self.specs]

    def decide(self, method: str, target: str) -> tuple[float, Fault | None]:
        """Return the real seconds to wait and the fault to commit for one request."""
        wait = 0.0
        for spec in list(self.specs):
            if not self._hits(spec, method, target):
                continue
            if spec.do == "delay":
                wait += spec.seconds
                continue
            return wait, spec
        return wait, None

    def _hits(self, spec: Fault, method: str, target: str) -> bool:
        if spec.method and spec.method.upper() != method:
            return False
        if spec.path and not re.search(spec.path, target):
            return False
        if spec.skip > 0:
            spec.skip -= 1
            return False
        if spec.chance is not None and self._random.random() >= spec.chance:
            return False
        if spec.times is not None:
            spec.times -= 1
            if spec.times <= 0:
                self.specs.remove(spec)
            return spec.times >= 0
        return True
