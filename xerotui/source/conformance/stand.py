"""What a check stands on: the emulator on loopback, sources that speak to it, and what they were seen to do.

Nothing is judged here but the two things that hold in every check: no secret in a log, no broken rule.
"""

import datetime as dt
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Record
from xerotui.model.settings import fields, fill
from xerotui.net.clock import WorldClock
from xerotui.net.governor import Governor
from xerotui.net.http import HttpClient
from xerotui.net.limits import Budget, Limits, Spent, Wait, Window
from xerotui.source.contract import Abilities, Page, Secrets, Source


class Meter:
    """Permits that are always given: counts the calls and notes what was held, as (window, world seconds)."""

    def __init__(self) -> None:
        self.taken = 0
        self.held: list[tuple[str, dt.datetime]] = []

    async def take(self, key: str, limits: Limits, now: dt.datetime, *, urgent: bool, lapse: float) -> str | Wait:
        """A permit, at once."""
        self.taken += 1
        return str(self.taken)

    async def give_back(self, permit: str, spent: Spent | None = None) -> None:
        """Nothing is kept."""

    async def hold(self, key: str, window: str, until: dt.datetime) -> None:
        """Note what the source took from a throttle answer."""
        self.held.append((window, until))

    async def correct(self, key: str, window: Window, remaining: int, now: dt.datetime) -> None:
        """Nothing is counted."""

    async def budgets(self, key: str, windows: Sequence[Window], now: dt.datetime) -> tuple[Budget, ...]:
        """Every window empty."""
        return tuple(Budget(w.name, w.calls, 0) for w in windows)


class _Heard(logging.Handler):
    """Keeps everything that is logged, as text; it is the context's log as well."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.exc_info!r}")

    def bind(self, **more: Any) -> "_Heard":
        """The same log."""
        self.lines.append(repr(more))
        return self

    def __getattr__(self, name: str) -> Any:
        if name not in ("debug", "info", "warning", "error", "exception", "critical", "msg"):
            raise AttributeError(name)
        return lambda *words, **more: self.lines.append(f"{words!r} {more!r}")


class _Kept:
    """Secrets of a connection, in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, name: str) -> str:
        """A secret, blank where there is none."""
        return self.values.get(name, "")

    async def put(self, name: str, value: str) -> None:
        """Keep a secret."""
        self.values[name] = value


class Stand:
    """One check's world; it is the context of its sources.

    `emulator` runs, `source` speaks to it, `settings` are the texts that `source` was made of.
    """

    connection = "conformance"

    def __init__(self, type_: type[Source], emulator: Any, clock: Any, path: Path, world: Any) -> None:
        self.type = type_
        self.emulator = emulator
        self.clock = clock
        self.world = world
        self.settings: dict[str, str] = dict(emulator.settings())
        self.meter = Meter()
        self.log: Any = _Heard()
        self.secrets: Secrets = _Kept()
        self.stopped = False
        # Off where the emulator made its source break rules by misleading it.
        self.judged = True
        self._world_time = WorldClock(path)
        self._pool = HttpClient(clock=self._world_time)
        self.http = self._pool
        self.source = self.make()

    def make(self, **changed: str) -> Source:
        """A source of the emulator's settings with these changed; further calls of this stand go by its limits."""
        made = fill(self.type.settings_type, {**self.settings, **changed})
        key, limits = self.type.limits(made)
        self.http = self._pool.governed(Governor(self.meter, key, limits, self._world_time), self.type.throttled)
        return self.type(made, self)

    @property
    def can(self) -> Abilities:
        """What the connection can do."""
        return self.source.can

    @property
    def secret_values(self) -> list[str]:
        """The values of the settings that belong into the vault."""
        return [v for f in fields(self.type.settings_type) if f.secret and (v := self.settings.get(f.name))]

    @property
    def tenant(self) -> str:
        """A Xero tenant of the world."""
        return str(self.world.tenants[0].tenant_id)

    @property
    def requests(self) -> list[Mapping[str, Any]]:
        """What the emulator was asked, oldest first."""
        return list(self.emulator.service.journal.requests)

    def now(self) -> dt.datetime:
        """World time."""
        return self._world_time.now()

    def cancelled(self) -> bool:
        """Whether a check wants the source to stop."""
        return self.stopped

    def fault(self, **order: Any) -> None:
        """Let the emulator misbehave: see `xerotui.sandbox.faults.Fault`."""
        self.emulator.service.faults.post(order)

    def mend(self) -> None:
        """Take all faults back."""
        self.emulator.service.faults.post({"clear": True})

    async def control(self, path: str, body: Any) -> Any:
        """A control call of the emulator, as a person at the source's own screens."""
        url = f"{self.emulator.service.control_url}/{path}"
        answer = await self._pool.send("POST", url, json=body)
        assert answer.ok, answer.text()
        return answer.json()

    async def seen(self, what: str) -> Any:
        """What a control address of the emulator tells: `writes`, `violations`, `totals`."""
        answer = await self._pool.send("GET", f"{self.emulator.service.control_url}/{what}")
        assert answer.ok, answer.text()
        return answer.json()

    async def pages(self, kind: Kind, cursor: str = "") -> list[Page]:
        """All pages of a listing since the cursor."""
        return [page async for page in self.source.pages(kind, cursor)]

    async def pull(self, kind: Kind, cursor: str = "") -> tuple[dict[str, Record], str]:
        """The records of a listing by id, and the cursor after it."""
        found = await self.pages(kind, cursor)
        cursors = [page.cursor for page in found if page.cursor]
        return {r.id: r for page in found for r in page.records}, cursors[-1] if cursors else ""

    def secretless(self, words: object) -> None:
        """Fail when the words hold a secret."""
        text = str(words)
        assert not any(secret in text for secret in self.secret_values), "a secret is in words that people read"

    async def close(self) -> None:
        """End it."""
        await self._pool.aclose()


@asynccontextmanager
async def standing(type_: type[Source], emulator: Any, world: Any, clock: Any, home: Path) -> AsyncIterator[Stand]:
    """A stand on a running emulator; at its end no secret may have been logged and no rule of the source broken."""
    path = home / f"clock-{len(list(home.iterdir()))}.json"
    time = clock(path)
    emulator.load(world)
    await emulator.start(time)
    stand = Stand(type_, emulator, time, path, world)
    root = logging.getLogger()
    level = root.level
    broken: list[Any] = []
    root.addHandler(stand.log)
    root.setLevel(logging.DEBUG)
    try:
        yield stand
        broken = await stand.seen("violations") if stand.judged else []
    finally:
        root.removeHandler(stand.log)
        root.setLevel(level)
        await stand.close()
        await emulator.stop()
    for line in stand.log.lines:
        stand.secretless(line)
    words = [f"{v['what']}: {v['detail']}" for v in broken]
    assert not words, f"the emulator saw rules of the source broken: {words[:5]}"


def exact(value: Any, where: str = "") -> None:
    """Fail for a float, an endless decimal or an instant without a zone anywhere in a record."""
    assert not isinstance(value, float), f"{where} is a float; amounts are Decimal from the first byte"
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            exact(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, Mapping):
        for name, one in value.items():
            exact(one, f"{where}[{name!r}]")
    elif isinstance(value, list | tuple):
        for n, one in enumerate(value):
            exact(one, f"{where}[{n}]")
    elif isinstance(value, dt.datetime):
        assert value.utcoffset() == dt.timedelta(0), f"{where} isn't an aware instant in UTC"
    elif hasattr(value, "is_finite"):
        assert value.is_finite(), f"{where} is no finite amount"
