"""A bad line: a loopback proxy that cuts, delays, repeats and fails some of the calls that go through it, by a seed.

Whom it stands between doesn't matter to it; it reads HTTP/1.1 only as far as it must to know where a message ends.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

BEFORE, AFTER, WITHIN = "cut before it arrived", "cut after it was done", "cut within the answer"
TWICE, REFUSED, LOST, SLOW = "sent twice", "refused with 503", "done, answered 500", "slow"
KINDS = (BEFORE, AFTER, WITHIN, TWICE, REFUSED, LOST, SLOW)
_ENDS = b"Connection: close\r\n\r\n"
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n" + _ENDS + b"Come back"
)
_FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\nContent-Length: 6\r\n" + _ENDS + b"<html>"


class Faulty:
    """A proxy before ``target`` (an http address) that spoils one call of every ``one_in``; ``met`` counts what it did.

    Which call of those and how is the seed's choice, each way as often as another. With ``one_in`` 0 it lets all
    through. Each call has a connection of its own.
    """

    def __init__(self, target: str, *, seed: int, one_in: int = 5) -> None:
        self._target = urlsplit(target)
        self._random = random.Random(seed)
        self.one_in = one_in
        self.calls = 0
        self.met: Counter[str] = Counter()
        self._cards: list[str] = []
        self._ways: list[str] = []
        self._server: asyncio.Server | None = None
        self._port = 0
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Where to call instead of the target."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Faulty:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._one(await _message(reader), writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        kind = self._drawn()
        if kind:
            self.met[kind] += 1
        if kind == BEFORE:
            writer.transport.abort()
            return
        if kind == REFUSED:
            writer.write(_REFUSAL)
            return
        if kind == SLOW:
            await asyncio.sleep(self._random.uniform(0.02, 0.2))
        answer = await self._forwarded(request)
        if kind == TWICE:
            # Two of the same on the way: whichever comes back is taken for the answer.
            answer = self._random.choice((answer, await self._forwarded(request)))
        if kind == LOST:
            answer = _FAILURE
        if kind == WITHIN:
            writer.write(answer[: len(answer) // 2])
            await writer.drain()
        if kind in (AFTER, WITHIN):
            writer.transport.abort()
            return
        writer.write(answer)
        await writer.drain()

    def _drawn(self) -> str:
        """Return what is done to the next call, or nothing."""
        if not self.one_in:
            return ""
        if not self._cards:
            self._cards = [""] * self.one_in
            self._ways = self._ways or self._random.sample(KINDS, len(KINDS))
            self._cards[self._random.randrange(self.one_in)] = self._ways.pop()
        return self._cards.pop()

    async def _forwarded(self, request: bytes) -> bytes:
        """Send a request on and return the whole answer, as it came."""
        reader, writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            writer.write(request)
            await writer.drain()
            return await reader.read(-1)
        finally:
            writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read one request and return it, asking for no further use of its connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    named = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    body = await reader.readexactly(int(named.get(b"content-length", b"0")))
    kept = [line for line in lines if line and not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close", b"", b""]) + body
