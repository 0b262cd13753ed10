"""A receiver of the emulated Xero's webhooks that answers as it is told, for tests."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.sandbox.xero_kit import Xero

KEY = "webhook-key-of-the-test"


class Listener:
    """A receiver that answers as it is told and keeps what came: bodies with whether their signature was good."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, bool]] = []
        self.answer: Callable[[bool], bytes] = lambda good: b"200 OK" if good else b"401 Unauthorized"
        self.extra = b""
        self.port = 0

    async def _serve(self, reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        head = (await reading.readuntil(b"\r\n\r\n")).decode().lower()
        headers = dict(part.split(": ", 1) for part in head.strip().split("\r\n")[1:])
        body = await reading.readexactly(int(headers["content-length"]))
        assert head.startswith("post /hook http/1.1")
        signed = base64.b64encode(hmac.new(KEY.encode(), body, hashlib.sha256).digest()).decode()
        # The test's header names are folded, so are the letters of the signature: compare folded.
        good = headers["x-xero-signature"] == signed.lower()
        self.got.append((body, good))
        writing.write(b"HTTP/1.1 " + self.answer(good) + b"\r\nContent-Length: 0\r\n" + self.extra + b"\r\n")
        await writing.drain()
        writing.close()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event of what was signed, as it came."""
        return [event for body, good in self.got if good for event in json.loads(body)["events"]]


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    """A receiver on loopback."""
    made = Listener()
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


async def registered(xero: Xero, listener: Listener, **more: Any) -> dict[str, Any]:
    """Register the receiver and let it be asked."""
    url = f"http://127.0.0.1:{listener.port}/hook"
    await xero.control("webhooks", {"url": url, "key": KEY, **more})
    found: dict[str, Any] = await xero.control("webhooks/intent", {})
    return found


async def delivered(xero: Xero) -> dict[str, Any]:
    """The webhook once nothing waits to be sent."""
    for _ in range(600):
        (hook,) = await xero.control("webhooks")
        if not hook["waiting"] and not hook["undelivered"] and not hook["sending"]:
            return dict(hook)
        await asyncio.sleep(0.02)
    raise AssertionError(hook)
