"""What all emulated services share, proved over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import Service, Windows, decode, encode, json_reply


class Counter:
    """A service that counts how often its work was really done."""

    def __init__(self, folder: Path) -> None:
        self.done = 0
        self.clock = WorldClock.create(folder / "clock.json", datetime(2026, 1, 1, tzinfo=UTC))
        self.windows = Windows(self.clock, {"minute": (2, 60.0)}, concurrent=1)
        app = Starlette(routes=[Route("/work", self.work, methods=["GET", "PUT"])])
        self.service = Service("counter", app, self.clock, windows=self.windows)

    async def work(self, request: Request) -> Response:
        self.done += 1
        return json_reply({"done": self.done})


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    made = Counter(tmp_path)
    async with made.service:
        yield made


@pytest.fixture
async def client(counter: Counter) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=counter.service.url) as made:
        yield made


async def fault(client: httpx2.AsyncClient, *specs: object) -> None:
    reply = await client.post("/__control/faults", content=encode(list(specs)))
    assert reply.status_code == 200, reply.text


async def raw(counter: Counter) -> bytes:
    """Send one request without an HTTP library and return every byte that comes back."""
    host, port = counter.service.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(), 2)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_a_cut_connection_carries_no_byte_of_an_answer(counter: Counter, client: httpx2.AsyncClient) -> None:
    await fault(client, {"do": "cut_before", "times": 1}, {"do": "cut_after", "times": 1})
    assert await raw(counter) == b""
    assert counter.done == 0
    assert await raw(counter) == b""
    assert counter.done == 1
    with pytest.raises(httpx2.TransportError):
        await fault(client, {"do": "cut_before", "times": 1})
        await client.get("/work")
    assert (await client.get("/work")).json() == {"done": 2}
    assert [r["status"] for r in counter.service.journal.requests] == ["cut", "cut", "cut", 200]


async def test_status_faults_differ_by_whether_the_work_was_done(counter: Counter, client: httpx2.AsyncClient) -> None:
    await fault(client, {"do": "status", "status": 503, "text": "offline", "headers": {"x-why": "test"}, "times": 1})
    await fault(client, {"do": "status_after", "status": 500, "times": 1})
    refused = await client.get("/work")
    assert (refused.status_code, refused.text, refused.headers["x-why"]) == (503, "offline", "test")
    assert counter.done == 0
    assert (await client.get("/work")).status_code == 500
    assert counter.done == 1
    assert (await client.get("/work")).status_code == 200


async def test_faults_choose_by_method_path_skip_and_chance(counter: Counter, client: httpx2.AsyncClient) -> None:
    await fault(client, {"do": "status", "method": "PUT", "path": "w.rk\\?x=1", "skip": 1})
    seen = [(await client.put("/work?x=1")).status_code for _ in range(3)]
    seen += [(await client.get("/work?x=1")).status_code, (await client.put("/work?x=2")).status_code]
    assert seen == [200, 500, 500, 200, 200]
    cleared = await client.post("/__control/faults", content=b'{"clear": true}')
    assert cleared.json() == []
    await fault(client, {"do": "status", "chance": 0.5})
    hits = [(await client.get("/work")).status_code for _ in range(40)].count(500)
    assert 5 < hits < 35


async def test_delay_and_slow_body_take_real_time_and_body_replaces_the_answer(
    counter: Counter, client: httpx2.AsyncClient
) -> None:
    await fault(client, {"do": "delay", "seconds": 0.1, "times": 1}, {"do": "body", "text": "{]", "times": 1})
    began = time.monotonic()
    assert (await client.get("/work")).text == "{]"
    assert time.monotonic() - began >= 0.1
    assert counter.done == 1
    await fault(client, {"do": "slow_body", "seconds": 0.2})
    began = time.monotonic()
    assert (await client.get("/work")).json() == {"done": 2}
    assert time.monotonic() - began >= 0.15


async def test_a_fault_that_is_not_understood_is_refused(client: httpx2.AsyncClient) -> None:
    for spec in (b'{"do": "explode"}', b'{"do": "delay", "second": 1}', b"{"):
        assert (await client.post("/__control/faults", content=spec)).status_code == 400


async def test_the_clock_is_one_file_for_everybody(counter: Counter, client: httpx2.AsyncClient) -> None:
    other = WorldClock(counter.clock.path)
    assert other.now().year == 2026
    before = other.timestamp()
    assert (await client.post("/__control/clock", content=b'{"jump_seconds": 3600}')).status_code == 200
    assert 3600 <= other.timestamp() - before < 3605
    await client.post("/__control/clock", content=b'{"rate": 60}')
    before = other.timestamp()
    await asyncio.sleep(0.1)
    assert 5 < other.timestamp() - before < 60
    assert (await client.post("/__control/clock", content=b'{"rate": 61}')).status_code == 400
    assert (await client.post("/__control/clock", content=b'{"to": "2025-01-01T00:00:00Z"}')).status_code == 400


async def test_windows_roll_with_world_time(counter: Counter, client: httpx2.AsyncClient) -> None:
    windows, clock = counter.windows, counter.clock
    windows.hit("minute", "a")
    clock.jump(30)
    windows.hit("minute", "a")
    state = windows.state("minute", "a")
    assert state.headroom == 0
    assert 29 < state.oldest_leaves_in <= 30
    assert windows.state("minute", "b").headroom == 2
    clock.jump(31)
    assert windows.state("minute", "a").headroom == 1
    assert windows.enter("a")
    assert not windows.enter("a")
    windows.leave("a")
    assert windows.enter("a")
    changed = await client.post("/__control/limits", content=b'{"minute": 12, "concurrent": 3}')
    assert changed.json() == {"concurrent": 3, "minute": 12}
    assert (await client.post("/__control/limits", content=b'{"hour": 1}')).status_code == 400


def test_json_keeps_every_digit() -> None:
    text = b'{"a":0.10,"b":99999999999999.9900}'
    assert encode(decode(text)) == text
