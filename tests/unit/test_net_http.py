"""The HTTP seam against real sockets on loopback: what is surely unsent, what is unknown, what is tried again."""

import asyncio
import datetime as dt
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec
import pytest

from xerotui.net.clock import WorldClock
from xerotui.net.governor import Governor, NoLimits
from xerotui.net.http import BadAnswer, Exchange, HttpClient, NotSent, Response, Throttle, Unanswered
from xerotui.net.limits import Budget, Limits, Spent, Throttled, Wait, Window

Handler = Callable[[int, bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    """A raw HTTP server: the handler gets the number of the request, its bytes, and the open connection."""
    numbers = itertools.count(1)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = [int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")]
            body = await reader.readexactly(length[0]) if length else b""
            await handler(next(numbers), head + body, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Log:
    """A rolling window in memory, counting as the ledger does."""

    def __init__(self) -> None:
        self.taken: list[dt.datetime] = []
        self.held: dict[str, dt.datetime] = {}
        self.flying = 0
        self.most = 0

    async def take(self, key: str, limits: Limits, now: dt.datetime, *, urgent: bool, lapse: float) -> str | Wait:
        for name, until in self.held.items():
            if until > now:
                return Wait(name, (until - now).total_seconds())
        if self.flying >= limits.in_flight:
            return Wait("in_flight", 0.02)
        for window in limits.windows:
            recent = [t for t in self.taken if (now - t).total_seconds() < window.seconds]
            if len(recent) >= window.calls - (0 if urgent else window.reserve):
                return Wait(window.name, window.seconds - (now - recent[0]).total_seconds())
        self.taken.append(now)
        self.flying += 1
        self.most = max(self.most, self.flying)
        return str(len(self.taken))

    async def give_back(self, permit: str, spent: Spent | None = None) -> None:
        self.flying -= 1

    async def hold(self, key: str, window: str, until: dt.datetime) -> None:
        self.held[window] = until

    async def correct(self, key: str, window: Window, remaining: int, now: dt.datetime) -> None:
        recent = [t for t in self.taken if (now - t).total_seconds() < window.seconds]
        self.taken += [now] * (window.calls - remaining - len(recent))

    async def budgets(self, key: str, windows: Sequence[Window], now: dt.datetime) -> tuple[Budget, ...]:
        return tuple(Budget(w.name, w.calls, len(self.taken)) for w in windows)


def throttled(response: Response) -> Throttled | None:
    after = response.headers.get("retry-after")
    return Throttled("minute", float(after) if after else None) if response.status == 429 else None


async def test_decimals_keep_their_scale_both_ways() -> None:
    seen = b""

    async def echo(_: int, request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen = request
        writer.write(answer(200, b'\xef\xbb\xbf{"a": 99999999999999.99, "b": 0.30}', "X-Odd: Yes"))

    async with server(echo) as url, HttpClient() as client:
        response = await client.send("POST", url + "/x", json={"amount": Decimal("1234567890123456.70")})
    assert b'{"amount":1234567890123456.70}' in seen
    assert b"content-type: application/json" in seen.lower()
    assert response.json() == {"a": Decimal("99999999999999.99"), "b": Decimal("0.30")}
    assert str(response.json(dict[str, Decimal])["b"]) == "0.30"
    assert response.headers["x-odd"] == "Yes"
    assert "99999" not in repr(response)


async def test_a_refused_connection_is_surely_unsent() -> None:
    async def nothing(_: int, __: bytes, ___: asyncio.StreamWriter) -> None: ...

    async with server(nothing) as url:
        pass
    async with HttpClient() as client:
        with pytest.raises(NotSent) as caught:
            await client.send("POST", url + "/secret?token=hush", content=b"{}")
    assert not caught.value.effect_possible
    assert "hush" not in str(caught.value)


async def test_a_name_that_does_not_resolve_and_bad_headers_are_surely_unsent() -> None:
    async with HttpClient() as client:
        with pytest.raises(NotSent):
            await client.send("PUT", "http://nowhere.invalid/", content=b"{}")
        with pytest.raises(NotSent):
            await client.send("PUT", "http://127.0.0.1:1/", headers={"X": "a\r\nb"})
        with pytest.raises(NotSent):
            await client.send("PUT", "not an address")


async def test_a_write_cut_off_after_arrival_is_unknown_and_is_not_repeated() -> None:
    arrived = 0

    async def cut(_: int, __: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        arrived += 1
        writer.close()

    async with server(cut) as url, HttpClient() as client:
        with pytest.raises(Unanswered) as caught:
            await client.send("PUT", url + "/Invoices?key=hush", content=b"{}")
    assert arrived == 1
    assert caught.value.effect_possible
    assert "hush" not in str(caught.value)


async def test_the_time_out_is_total_even_for_a_body_that_trickles() -> None:
    async def trickle(_: int, __: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _n in range(100):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with server(trickle) as url, HttpClient() as client:
        started = asyncio.get_running_loop().time()
        with pytest.raises(Unanswered):
            await client.send("POST", url, timeout=0.3)
        assert asyncio.get_running_loop().time() - started < 1.0


async def test_reads_are_tried_again_and_writes_are_not() -> None:
    async def third_time(number: int, _: bytes, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            return
        writer.write(answer(503 if number == 2 else 200, b"[]"))

    async with server(third_time) as url, HttpClient() as client:
        assert (await client.send("GET", url)).status == 200

    async def down(_: int, __: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(500, b"oops"))

    log: list[Exchange] = []
    async with server(down) as url, HttpClient(log=log.append) as client:
        assert (await client.send("POST", url + "/p?x=1", content=b"abc")).status == 500
        assert [(e.method, e.path, e.status, e.sent, e.received) for e in log] == [("POST", "/p", 500, 3, 4)]
        assert (await client.send("GET", url)).text() == "oops"
        assert len(log) == 4


async def test_a_throttled_read_waits_and_a_throttled_write_is_surely_not_done() -> None:
    async def once_busy(number: int, _: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(429, b"", "Retry-After: 1") if number == 1 else answer(200))

    log = Log()
    governor = Governor(log, "k", Limits(()), WorldClock())
    async with server(once_busy) as url, HttpClient(governor, throttled) as client:
        started = asyncio.get_running_loop().time()
        assert (await client.send("GET", url)).status == 200
        assert asyncio.get_running_loop().time() - started >= 1.0
    assert "minute" in log.held

    async def busy(_: int, __: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(429, b"", "Retry-After: 7000"))

    async with (
        server(busy) as url,
        HttpClient(Governor(NoLimits(), "k", Limits(()), WorldClock()), throttled) as client,
    ):
        with pytest.raises(Throttle) as write:
            await client.send("PUT", url, content=b"{}")
        with pytest.raises(Throttle) as read:
            await client.send("GET", url)
    assert write.value.seconds == read.value.seconds == 7000
    assert not write.value.effect_possible


async def test_the_governor_holds_windows_slots_and_reserves() -> None:
    async def slow(_: int, __: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(answer(200))

    log = Log()
    limits = Limits((Window("minute", 12, 3600, reserve=2),), in_flight=3)
    async with server(slow) as url, HttpClient(Governor(log, "k", limits, WorldClock())) as client:
        await asyncio.gather(*(client.send("GET", url) for _ in range(10)))
        assert log.most == 3
        assert log.flying == 0
        with pytest.raises(Throttle):
            await client.send("GET", url)
        await client.send("GET", url, urgent=True)
        assert client.governor
        await client.governor.correct("minute", 0)
        with pytest.raises(Throttle):
            await client.send("GET", url, urgent=True)


async def test_logs_hold_neither_tokens_nor_queries(caplog: pytest.LogCaptureFixture) -> None:
    async def fine(_: int, __: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, b'{"access_token": "hush"}'))

    with caplog.at_level(logging.DEBUG):
        async with server(fine) as url, HttpClient() as client:
            await client.send(
                "POST", url + "/token?key=hush", headers={"Authorization": "Bearer hush"}, form={"s": "hush"}
            )
    assert [r.message for r in caplog.records if r.name == "xerotui.exchange"] == ["exchange"]
    assert "hush" not in "".join(str(r.__dict__) for r in caplog.records)


def test_an_answer_that_is_not_json_is_named_so() -> None:
    class Shape(msgspec.Struct):
        n: int

    for body in (b"<html>", b"", b'{"n": "x"}'):
        with pytest.raises(BadAnswer):
            Response(200, {}, body).json(Shape)
    with pytest.raises(BadAnswer):
        Response(200, {}, b"<html>").json()
    assert Response(200, {}, b'{"n": "3"}').json(Shape, strict=False).n == 3
    assert Response(200, {}, b"\xff\xfeok").text().endswith("ok")
