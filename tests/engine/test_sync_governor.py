"""Limits: with the governor not one call too many, without it the sandbox says so, and either way all is well."""

from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.engine.sync_kit import (
    Rig,
    all_well,
    everything_arrived,
    seeded,
    small,
    stopped,
    xero_setting,
)

LIMIT = 12


async def _go(bench: Rig) -> None:
    await bench.done("refresh")
    await bench.map_taxes()
    await bench.sync()
    await everything_arrived(bench)
    assert await stopped(bench) == seeded(bench)


async def _requests(bench: Rig) -> list[dict[str, Any]]:
    found = await bench.control("xero", "/requests")
    return [r for r in found if "/api.xro/" in r["path"]]


def _busiest(requests: list[dict[str, Any]]) -> int:
    """The most calls of one organisation in any sixty world seconds."""
    most = 0
    for tenant in {r["tenant"] for r in requests}:
        window: deque[datetime] = deque()
        for at in sorted(datetime.fromisoformat(r["at"]) for r in requests if r["tenant"] == tenant):
            window.append(at)
            while (at - window[0]).total_seconds() >= 60:
                window.popleft()
            most = max(most, len(window))
    return most


async def test_with_a_limit_of_twelve_no_call_is_one_too_many(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60, mapped=False) as bench:
        await bench.control("xero", "/limits", {"minute": LIMIT})
        await xero_setting(bench, minute_limit=str(LIMIT))
        await _go(bench)
        await all_well(bench)
        requests = await _requests(bench)
        assert [r for r in requests if r["status"] == 429] == []
        assert LIMIT // 2 < _busiest(requests) <= LIMIT, "held to the limit, and not idle"


async def test_without_the_governor_xero_says_no_and_all_arrives_all_the_same(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("XEROTUI_GOVERNOR", "off")
    async with small(tmp_path, rate=60, mapped=False) as bench:
        await bench.control("xero", "/limits", {"minute": LIMIT})
        await xero_setting(bench, minute_limit=str(LIMIT))
        await _go(bench)
        assert [r for r in await _requests(bench) if r["status"] == 429]
        await all_well(bench, violations=["limit"])
