"""A source's limit: not one call too many at its default; one that is refused all the same is obeyed and shown."""

import asyncio
import datetime as dt
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.engine.sync_kit import SOURCE, Rig, problems, small
from xerotui.model.kinds import Kind, Side
from xerotui.sync.pull import pull_source
from xerotui.workspace.door import Workspace

ALLOWED, USED = 60, 56


async def _limits(bench: Rig, calls: int, **settings: str) -> None:
    await bench.control("halo", "/limits", {"calls": calls})
    async with bench.wiring.book.edit() as db:
        source = db.source(SOURCE)
        assert source is not None
        source.settings.update(settings)
        db.put_source(source)


async def _read(bench: Rig) -> None:
    """Read the source while world time flies."""
    reading = asyncio.create_task(pull_source(bench.wiring.ports(), SOURCE))
    while not reading.done():
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reading), 0.2)
        if not reading.done():
            await bench.control("halo", "/clock", {"jump_seconds": 90})
    await reading


def _busiest(requests: list[dict[str, Any]]) -> int:
    most = 0
    window: deque[dt.datetime] = deque()
    for at in sorted(dt.datetime.fromisoformat(r["at"]) for r in requests):
        window.append(at)
        while (at - window[0]).total_seconds() >= 300:
            window.popleft()
        most = max(most, len(window))
    return most


async def _asked(bench: Rig) -> list[dict[str, Any]]:
    return [r for r in await bench.control("halo", "/requests") if r["path"].lower().startswith("/api/")]


async def test_a_limit_is_kept_and_a_refusal_obeyed_shown_and_learnt_from(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60, mapped=False) as bench:
        await _limits(bench, ALLOWED, calls_per_window=str(USED))
        await _read(bench)
        asked = await _asked(bench)
        assert len(asked) > ALLOWED, "more than a window's worth was read"
        assert [r for r in asked if r["status"] == 429] == []
        assert USED // 2 < _busiest(asked) <= USED, "held to the limit, and not idle"
        async with bench.wiring.ledger.read() as tx:
            read = await bench.wiring.ledger.snapshots.fingerprints(tx, Side.SOURCE, SOURCE, Kind.CUSTOMER)
        assert len(read) == len(bench.world.psa.customers)

        # Halo allows less than it is thought to: it says so once, and in its words by how much.
        await bench.control("halo", "/clock", {"jump_seconds": 600})
        await _limits(bench, 15)
        space = Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)
        source: Any = await bench.wiring.source(SOURCE)
        held = asyncio.create_task(_walk(source))
        while not held.done() and not _until(await space.overview(), source.title):
            await asyncio.sleep(0.02)
        assert _until(await space.overview(), source.title), "the hold stands beside the budget"
        while not held.done():
            await bench.control("halo", "/clock", {"jump_seconds": 90})
            await asyncio.sleep(0.1)
        everything = await held
        governor = source.context.http.governor
        assert governor is not None
        assert governor.limits.windows[0].calls == 14, "fourteen fifteenths of what Halo says"
        before = sum(r["status"] == 429 for r in await _asked(bench))
        assert before
        await bench.control("halo", "/clock", {"jump_seconds": 600})
        again = asyncio.create_task(_walk(source))
        while not again.done():
            await bench.control("halo", "/clock", {"jump_seconds": 90})
            await asyncio.sleep(0.1)
        assert await again == everything
        assert sum(r["status"] == 429 for r in await _asked(bench)) == before, "learnt: refused once, never again"
        assert await bench.control("halo", "/violations") == [], "nobody called before the wait was over"


async def _walk(source: Any) -> int:
    """Every product in pages of three: more calls than Halo allows now."""
    found = 0
    async for page in source.client.pages("Item", "items", {}, 3):
        found += len(page)
    return found


def _until(page: Any, title: str) -> list[Any]:
    return [row for row in page.budgets if row.title == title and row.until]


@pytest.mark.soak
async def test_five_thousand_invoices_at_the_default_limit(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60, mapped=False, scale=12.5) as bench:
        await _limits(bench, 300, calls_per_window="280")
        await pull_source(bench.wiring.ports(), SOURCE)
        asked = await _asked(bench)
        assert [r for r in asked if r["status"] == 429] == []
        assert 140 < _busiest(asked) <= 280
        async with bench.wiring.ledger.read() as tx:
            read = await bench.wiring.ledger.snapshots.fingerprints(tx, Side.SOURCE, SOURCE, Kind.INVOICE)
        assert len(read) >= 5000
        assert await bench.control("halo", "/violations") == []


async def test_a_list_that_comes_short_is_shown_until_it_comes_whole(tmp_path: Path) -> None:
    async with small(tmp_path, mapped=False) as bench:
        await bench.control("halo", "/switches", {"short": ["Invoice"]})
        await pull_source(bench.wiring.ports(), SOURCE, (Kind.INVOICE,))
        [shown] = [p for p in await problems(bench) if p.code == "core.list_incomplete"]
        assert "came incomplete: Halo counted" in shown.sentence
        assert not shown.blocks
        await bench.control("halo", "/switches", {"short": []})
        await pull_source(bench.wiring.ports(), SOURCE, (Kind.INVOICE,))
        assert [p for p in await problems(bench) if p.code == "core.list_incomplete"] == []
