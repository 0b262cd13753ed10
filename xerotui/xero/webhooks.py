"""The webhook receiver: takes Xero's deliveries on loopback, behind a reverse proxy that speaks TLS.

Who listens and what is answered lives here; what a delivery says is `webhooks_events`, where it is kept is the
caller's. Of everything sent by strangers nothing is kept but a count.
"""

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any

import h11
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from xerotui.model.problems import SyncError
from xerotui.xero.webhooks_events import Delivery, read, signer

HOST, PORT, PATH = "127.0.0.1", 8737, "/xero"
MOST_BYTES = 1_000_000
MOST_HEAD = 16_384
# Bytes of bodies in hand at once, deliveries waiting to be stored, and connections open at once.
MOST_HELD, MOST_WAITING, MOST_OPEN = 16_000_000, 128, 256
# Machine seconds: for the head of a request, for its body, and for the answer. Xero waits five in all
# (xero-api section 10), so an answer that isn't sure by then had better be "not now".
HEAD_SECONDS, BODY_SECONDS, STORE_SECONDS = 10.0, 3.0, 3.0
REFUSED = 4

Store = Callable[[Delivery], Awaitable[None]]
Keys = Callable[[], Mapping[str, str]]


class Receiver:
    """The ASGI application.

    `keys` gives signing keys by the connection they are of, `store` returns when a delivery is durable. Every answer
    is a status with an empty body. `seen` counts the answers by reason since the start, and is the caller's to read
    and empty.
    """

    def __init__(self, keys: Keys, store: Store, *, path: str = PATH) -> None:
        self.keys = keys
        self.store = store
        self.path = path
        self.seen: dict[str, int] = {}
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        status, size = self._head(scope)
        if not status:
            self._held += size
            try:
                status = await self._delivery(Request(scope, receive))
            except ClientDisconnect:
                self.count("cut")
                return
            finally:
                self._held -= size
        # Whoever is refused before the end of a body may still be sending: the rest is let go by unread, for as long
        # as a head may take, because to close at once would cost a sender that is busy sending its answer.
        headers = {"connection": "close"} if status == 408 else {}
        if status == 405:
            headers["allow"] = "POST"
        await Response(b"", status, headers)(scope, receive, send)

    def count(self, what: str) -> None:
        """Count one more of these."""
        self.seen[what] = self.seen.get(what, 0) + 1

    def _refuse(self, what: str, status: int) -> int:
        self.count(what)
        return status

    def _head(self, scope: Scope) -> tuple[int, int]:
        """The status that the head of a request deserves by itself, 0 to go on; and how large its body may be."""
        headers = {name.lower(): value for name, value in scope["headers"]}
        if scope["path"] != self.path:
            return self._refuse("path", 404), 0
        if scope["method"] != "POST":
            return self._refuse("method", 405), 0
        if headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower() != b"application/json":
            return self._refuse("media", 415), 0
        told = headers.get(b"content-length", str(MOST_BYTES).encode())
        if not told.isdigit() or len(told) > 9 or (size := int(told)) > MOST_BYTES:
            return self._refuse("size", 413), 0
        if not headers.get(b"x-xero-signature"):
            return self._refuse("signature", 401), 0
        if self._held + size > MOST_HELD:
            return self._refuse("busy", 503), 0
        return 0, size

    async def _delivery(self, request: Request) -> int:
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for piece in request.stream():
                    body += piece
                    if len(body) > MOST_BYTES:
                        return self._refuse("size", 413)
        except TimeoutError:
            return self._refuse("slow", 408)
        raw = bytes(body)
        app = signer(self.keys(), raw, request.headers["x-xero-signature"])
        if not app:
            return self._refuse("signature", 401)
        delivery = read(app, raw)
        if delivery.intent:
            # Nothing to keep: Xero only asks whether somebody listens who knows the key.
            return self._refuse("intent", 200)
        try:
            await self.store(delivery)
        except Exception:
            # Whatever it was, it isn't durable: Xero shall send it again.
            return self._refuse("unstored", 503)
        return self._refuse("accepted", 200)


class Batches:
    """Stores deliveries in the order they came, all that wait in one go, and bounds how many may wait.

    `write` is given them together and returns when they are durable.
    """

    def __init__(self, write: Callable[[list[Delivery]], Awaitable[None]], most: int = MOST_WAITING) -> None:
        self._write = write
        self._most = most
        self._waiting: list[tuple[Delivery, asyncio.Future[None]]] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def store(self, delivery: Delivery) -> None:
        """Return when the delivery is durable.

        Raises TimeoutError when it isn't soon enough (it may become so yet), and what `write` raises.
        """
        if len(self._waiting) >= self._most:
            raise TimeoutError
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, done))
        self._news.set()
        await asyncio.wait_for(asyncio.shield(done), STORE_SECONDS)

    async def __aenter__(self) -> "Batches":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            batch, self._waiting = self._waiting, []
            if not batch:
                continue
            error: BaseException | None = None
            try:
                await self._write([delivery for delivery, _ in batch])
            except Exception as trouble:
                error = trouble
            for _, done in batch:
                if error is not None:
                    done.set_exception(error)
                    # Whoever waited may have gone: the failure was told to nobody, and that is all right.
                    done.exception()
                else:
                    done.set_result(None)


class _Server(uvicorn.Server):
    """A server that leaves the signals to the program that hosts it, and sleeps until it is told to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told = asyncio.Event()

    async def main_loop(self) -> None:
        await self.told.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


_FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_MALFORMED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _Protocol(H11Protocol):
    """HTTP/1.1 that waits for the head of a request only so long, and for so many connections.

    `count` is told what is refused here, before the application hears of it.
    """

    _late: asyncio.TimerHandle | None = None
    _full = False

    def __init__(self, *, count: Callable[[str], None], **more: Any) -> None:
        super().__init__(**more)
        self._count = count
        # A line for each malformed request would let strangers fill the log.
        self.logger = logging.getLogger("xerotui.webhooks")
        self.logger.setLevel(logging.ERROR)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._full = len(self.connections) > MOST_OPEN
        if len(self.connections) > 2 * MOST_OPEN:
            self._count("full")
            transport.abort()
            return
        self._arm()

    def data_received(self, data: bytes) -> None:
        if self._full:
            # Answered unread: whoever comes now is told to come again.
            if not self.transport.is_closing():
                self._count("full")
                self.transport.write(_FULL)
                self.transport.close()
            return
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._disarm()

    def send_400_response(self, msg: str) -> None:
        self._count("malformed")
        # Where an answer is on its way already, another one would only spoil it.
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(_MALFORMED)
        self.transport.close()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _arm(self) -> None:
        self._disarm()
        self._late = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _disarm(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def listener(port: int) -> socket.socket:
    """A socket that listens on loopback, on a port that the system chooses for 0.

    Raises SyncError when the port is taken.
    """
    # The protocol is named because asyncio sends small packets at once only on sockets that name it.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
    except OSError as error:
        made.close()
        raise SyncError(
            f"Port {port} of this machine can't be had: {(error.strerror or 'refused').lower()}",
            "End what listens there, or choose another one with --port and tell the reverse proxy.",
            code="webhooks.port",
            exit_code=REFUSED,
        ) from None
    return made


async def serve(app: Receiver, listening: socket.socket, stop: asyncio.Event, started: Callable[[], Any]) -> None:
    """Serve until `stop` is set; `started` is called when requests are taken. The socket is closed at the end."""
    config = uvicorn.Config(
        app,
        http=functools.partial(_Protocol, count=app.count),  # type: ignore[arg-type]
        interface="asgi3",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        # Whatever X-Forwarded-For says: nothing here depends on where a request claims to come from.
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=MOST_HEAD,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if not serving.done():
        started()
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, serving], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    server.told.set()
    await serving


__all__ = ["HOST", "MOST_BYTES", "PATH", "PORT", "Batches", "Receiver", "listener", "serve"]
