"""How an answer is spoilt on the wire: held back, cut, slow, silent, or another one in its place.

Only the carrying out; which request is hit is decided in `faults`.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Send

from xerotui.sandbox.faults import Fault


class Held:
    """The answer of an application, held back instead of sent."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        """Keep a message."""
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(m.get("body", b"") for m in self.messages if m["type"] == "http.response.body")


def plain(fault: Fault) -> Response:
    """Return the answer that a fault gives in place of the work's own."""
    headers = dict(fault.headers)
    media = headers.pop("content-type", None) or ("text/plain" if fault.text else None)
    return Response(fault.text, fault.status, headers, media_type=media)


async def kept(receive: Receive) -> Receive:
    """Return a receive that gives the whole body of the request as often as it is asked."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)

    async def again() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def silence(seconds: float, receive: Receive) -> None:
    """Say nothing for so long, or until the caller has gone away."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gone(), seconds)


async def slowly(held: Held, seconds: float, send: Send) -> None:
    """Send a held answer in pieces, spread over so many seconds."""
    await send(held.messages[0])
    body = held.body
    pieces = min(10, max(1, len(body)))
    size = -(-len(body) // pieces) if body else 0
    for n in range(pieces):
        await asyncio.sleep(seconds / pieces)
        await send({"type": "http.response.body", "body": body[n * size : (n + 1) * size], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
