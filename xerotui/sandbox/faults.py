"""Seeded faults of an emulated service: which request is hit, and by what.

Deciding lives here; carrying the decision out on the wire belongs to the service.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from typing import Any, Literal

import msgspec

Do = Literal[
    "delay", "status", "status_after", "cut_before", "cut_after", "cut_body", "hang_after", "slow_body", "body",
    "twice", "any",
]  # fmt: skip


class Fault(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One order to misbehave.

    ``method`` and ``path`` (a regular expression searched in path and query) choose requests; the first
    ``skip`` of them pass, then at most ``times`` are hit, each with ``chance`` (0 to 1). The dice are the fault's own
    where it has a ``seed``: the same requests in the same order are then hit alike, whatever other faults there are.
    ``hits`` counts.

    ``delay`` waits ``seconds`` real seconds and goes on; ``status`` answers ``status`` without doing the work,
    ``status_after`` after doing it; ``cut_before`` and ``cut_after`` drop the connection, ``cut_body`` does the work
    and drops it in the middle of the answer, ``hang_after`` does the work and drops it after ``seconds`` of silence;
    ``slow_body`` does the work and spreads its answer over ``seconds``; ``body`` does the work and answers 200 with
    ``text``; ``twice`` does the work twice, as a network does that repeats a request, and gives the second answer;
    ``any`` takes one of ``of`` by the same dice. ``name`` stands for a fault that the service has words for.
    """

    do: Do
    name: str = ""
    method: str | None = None
    path: str | None = None
    status: int = 500
    seconds: float = 0.3
    text: str = ""
    headers: dict[str, str] = {}
    times: int | None = None
    skip: int = 0
    chance: float | None = None
    seed: int | None = None
    of: list[Fault] = []
    hits: int = 0


class Faults:
    """The faults in force; every request is decided once, in the order in which it arrives.

    ``named`` are a service's own faults by name, as the plain data of a `Fault`; what an order says besides the name
    goes before it.
    """

    def __init__(self, seed: int = 1, named: dict[str, dict[str, Any]] | None = None) -> None:
        self._random = random.Random(seed)
        self._own: dict[int, tuple[Fault, random.Random]] = {}
        self.named = named or {}
        self.specs: list[Fault] = []
        self._cleared = 0

    def post(self, body: Any) -> list[dict[str, Any]]:
        """Add one spec or a list, or obey ``{"clear": true}``, which lets go what is delayed; return the list in force.

        Raises msgspec.ValidationError, KeyError or re.error for a spec that can't be understood.
        """
        if isinstance(body, dict) and body.get("clear"):
            self._cleared += 1
            self.specs.clear()
            self._own.clear()
            return self.describe()
        added = [self._read(order) for order in (body if isinstance(body, list) else [body])]
        self.specs.extend(added)
        return self.describe()

    def _read(self, order: Any) -> Fault:
        if isinstance(order, dict) and order.get("name"):
            if order["name"] not in self.named:
                raise KeyError(f"no fault is called {order['name']}; there are {', '.join(sorted(self.named))}")
            order = {**self.named[order["name"]], **order}
        spec = msgspec.convert(order, Fault)
        if spec.do == "any" and not spec.of:
            raise ValueError("a fault of any kind needs kinds")
        for one in (spec, *spec.of):
            re.compile(one.path or "")
        if spec.seed is not None:
            self._own[id(spec)] = (spec, random.Random(spec.seed))
        return spec

    def describe(self) -> list[dict[str, Any]]:
        """Return the specs in force as plain data."""
        return [msgspec.to_builtins(spec) for spec in self.specs]

    def decide(self, method: str, target: str) -> tuple[float, Fault | None]:
        """Return the real seconds to wait and the fault to commit for one request."""
        wait = 0.0
        for spec in list(self.specs):
            if not self._hits(spec, method, target):
                continue
            spec.hits += 1
            found = self._dice(spec).choice(spec.of) if spec.do == "any" else spec
            if found.do == "delay":
                wait += found.seconds
                continue
            return wait, found
        return wait, None

    async def hold(self, seconds: float) -> None:
        """Let that many real seconds pass, or fewer: clearing the faults lets go what they hold."""
        cleared, end = self._cleared, time.monotonic() + seconds
        while cleared == self._cleared and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.1))

    def _dice(self, spec: Fault) -> random.Random:
        return self._own[id(spec)][1] if id(spec) in self._own else self._random

    def _hits(self, spec: Fault, method: str, target: str) -> bool:
        if spec.method and spec.method.upper() != method:
            return False
        if spec.path and not re.search(spec.path, target):
            return False
        if spec.skip > 0:
            spec.skip -= 1
            return False
        if spec.chance is not None and self._dice(spec).random() >= spec.chance:
            return False
        if spec.times is not None:
            spec.times -= 1
            if spec.times <= 0:
                self.specs.remove(spec)
            return spec.times >= 0
        return True
