"""What every emulated service shares: real HTTP on loopback, faults on the wire, the journal, control routes.

What a particular vendor does may not live here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.faults import Fault, Faults
from xerotui.sandbox.journal import Journal
from xerotui.sandbox.spoiling import Held, kept, plain, silence, slowly
from xerotui.sandbox.traffic import MARK
from xerotui.sandbox.windows import Windows, WindowState

__all__ = [
    "CONTROL",
    "Fault",
    "Faults",
    "Journal",
    "Service",
    "WindowState",
    "Windows",
    "decode",
    "encode",
    "json_reply",
]  # fmt: skip

CONTROL = "/__control"

Failing = Callable[[Scope, Receive], Awaitable[Callable[[Response], None] | None]]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Any, float_hook=Decimal)


def encode(value: Any) -> bytes:
    """Return ``value`` as JSON; a Decimal becomes a number with all its digits."""
    return _ENCODER.encode(value)


def decode(body: bytes) -> Any:
    """Return the JSON ``body``; every number with a fraction is an exact Decimal.

    Raises msgspec.DecodeError for what is not JSON, is no UTF-8, or is nested beyond reason.
    """
    try:
        return _DECODER.decode(body)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None


def json_reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an answer that carries ``value`` as JSON."""
    return Response(encode(value), status, headers, media_type="application/json")


class _Server(uvicorn.Server):
    """A server that leaves the signals to the program that hosts it, and sleeps until it is told to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told = asyncio.Event()

    async def main_loop(self) -> None:
        # There is nothing to do on a tick: dates in headers and limits on requests are switched off.
        await self.told.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _protocol(open_transports: dict[tuple[str, int], asyncio.Transport]) -> type[H11Protocol]:
    """Return a protocol that keeps its transports within reach, so that a connection can really be cut."""

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if self.client is not None:
                open_transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                open_transports.pop(self.client, None)
            super().connection_lost(exc)

    return Protocol


class Service:
    """One emulated service, served by the running event loop on 127.0.0.1.

    ``app`` does the work. ``gate``, where given, wraps the fault layer and the work: limits belong there, so
    that a delayed request counts as in flight. ``routes`` are added to the common control routes (their
    paths begin with ``/__control``). Control calls are never gated, faulted or logged. ``failing`` is asked before
    a fault's own answer takes the place of the work's, and told that answer: a service may remember it.
    ``expected``, set by who hosts the service, tells of the trouble that is seeded in it.
    """

    def __init__(
        self,
        name: str,
        app: ASGIApp,
        clock: WorldClock,
        *,
        journal: Journal | None = None,
        gate: Callable[[ASGIApp], ASGIApp] | None = None,
        routes: list[BaseRoute] | None = None,
        totals: Callable[[], Any] | None = None,
        windows: Windows | None = None,
        port: int = 0,
        seed: int = 1,
        tenant_header: str = "xero-tenant-id",
        faults: dict[str, dict[str, Any]] | None = None,
        failing: Failing | None = None,
    ) -> None:
        self.name = name
        self.clock = clock
        self.journal = journal or Journal(name, clock)
        self.faults = Faults(seed, faults)
        self.windows = windows
        self._totals = totals or dict
        self.expected: Callable[[], Any] = list
        self._app = app
        self._work: ASGIApp = gate(self._faulted) if gate else self._faulted
        self._control = Starlette(routes=[*self._control_routes(), *(routes or [])])
        self._port = port
        self._failing = failing
        self._tenant_header = tenant_header.lower().encode()
        self._transports: dict[tuple[str, int], asyncio.Transport] = {}
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address of the service, without a slash at its end; known once it has started."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def control_url(self) -> str:
        """The address under which the control routes are found."""
        return self.url + CONTROL

    async def start(self) -> None:
        """Listen; returns when requests are taken. OSError where the port can't be had."""
        # The protocol is named because asyncio sends small packets at once only on sockets that name it.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", self._port))
        except OSError:
            listener.close()
            raise
        self._port = int(listener.getsockname()[1])
        config = uvicorn.Config(
            self._entry,
            http=_protocol(self._transports),
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._task.done():
                await self._task
                raise OSError(f"the service {self.name} did not start")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Stop listening and drop what is still open; harmless when the service isn't running."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        self._server.told.set()
        await self._task
        self._server = self._task = None

    async def __aenter__(self) -> Service:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _entry(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].startswith(CONTROL + "/"):
            await self._control(scope, receive, send)
            return
        status: int | str = "cut"

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.journal.last_request_at = self.clock.timestamp()
        try:
            await self._work(scope, receive, watched)
        except ClientDisconnect:
            pass  # the caller went away while it was still sending: nothing was done
        finally:
            tenant = dict(scope["headers"]).get(self._tenant_header, b"").decode("latin-1")
            self.journal.request(method=scope["method"], path=_target(scope), status=status, tenant=tenant)

    async def _faulted(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait, fault = self.faults.decide(scope["method"], _target(scope))
        if wait:
            await self.faults.hold(wait)
        if fault is None:
            await self._app(scope, receive, send)
            return
        # What a fault answers says nothing of the service.
        scope.get(MARK, []).append(fault.do)
        if fault.do == "status":
            _, tell = await self._told(scope, receive)
            await tell(plain(fault))(scope, receive, send)
        elif fault.do == "cut_before":
            await self._cut(scope)
        else:
            await self._after_work(fault, scope, receive, send)

    async def _after_work(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        held = Held()
        if fault.do == "twice":
            receive = await kept(receive)
            await self._app(scope, receive, Held().send)
        tell: Callable[[Response], Response] = _same
        if fault.do == "status_after":
            receive, tell = await self._told(scope, receive)
        await self._app(scope, receive, held.send)
        if fault.do == "hang_after":
            await silence(fault.seconds, receive)
        if fault.do in ("cut_after", "hang_after"):
            await self._cut(scope)
        elif fault.do == "cut_body":
            await send(held.messages[0])
            await send({"type": "http.response.body", "body": held.body[: len(held.body) // 2], "more_body": True})
            await self._cut(scope)
        elif fault.do == "twice":
            for message in held.messages:
                await send(message)
        elif fault.do == "status_after":
            await tell(plain(fault))(scope, receive, send)
        elif fault.do == "body":
            media = fault.headers.get("content-type", "application/json")
            await Response(fault.text, 200, dict(fault.headers), media_type=media)(scope, receive, send)
        else:
            await slowly(held, fault.seconds, send)

    async def _told(self, scope: Scope, receive: Receive) -> tuple[Receive, Callable[[Response], Response]]:
        """Return the request, to be read again, and what tells the service of the answer in its place."""
        if self._failing is None:
            return receive, _same
        receive = await kept(receive)
        remember = await self._failing(scope, receive)

        def tell(answer: Response) -> Response:
            if remember is not None:
                remember(answer)
            return answer

        return receive, tell

    async def _cut(self, scope: Scope) -> None:
        transport = self._transports.get(tuple(scope["client"]))
        if transport is not None:
            transport.abort()
        # The server must notice the loss before the application returns: otherwise it would complain that
        # nothing was answered.
        for _ in range(3):
            await asyncio.sleep(0)

    def _control_routes(self) -> Iterator[BaseRoute]:
        yield Route(f"{CONTROL}/writes", self._get(lambda: self.journal.writes))
        yield Route(f"{CONTROL}/violations", self._get(lambda: self.journal.violations))
        yield Route(f"{CONTROL}/words", self._get(lambda: self.journal.words))
        yield Route(f"{CONTROL}/requests", self._get(lambda: list(self.journal.requests)))
        yield Route(f"{CONTROL}/totals", self._get(lambda: self._totals()))
        yield Route(f"{CONTROL}/expected", self._get(lambda: self.expected()))
        yield Route(f"{CONTROL}/faults", self._get(self.faults.describe), methods=["GET"])
        yield Route(f"{CONTROL}/faults", self._post(self.faults.post), methods=["POST"])
        yield Route(f"{CONTROL}/clock", self._get(self.clock.describe), methods=["GET"])
        yield Route(f"{CONTROL}/clock", self._post(self._set_clock), methods=["POST"])
        yield Route(f"{CONTROL}/limits", self._post(self._set_limits), methods=["POST"])
        yield Route(f"{CONTROL}/reset-limits", self._post(self._reset_limits), methods=["POST"])

    @staticmethod
    def _get(read: Callable[[], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return json_reply(read())

        return endpoint

    @staticmethod
    def _post(act: Callable[[Any], Any]) -> Callable[[Request], Any]:
        return control_post(act)

    def _set_clock(self, body: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(body) - {"rate", "jump_seconds", "to"}:
            raise ValueError(f"the clock knows nothing of {', '.join(sorted(unknown))}")
        if "rate" in body:
            self.clock.set_rate(float(body["rate"]))
        if "jump_seconds" in body:
            self.clock.jump(float(body["jump_seconds"]))
        if "to" in body:
            self.clock.to(datetime.fromisoformat(str(body["to"])))
        return self.clock.describe()

    def _set_limits(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.windows is None:
            raise ValueError(f"the service {self.name} has no limits")
        for name, calls in body.items():
            if name == "concurrent":
                self.windows.concurrent = int(calls)
            elif name in self.windows.limits:
                self.windows.change(name, int(calls))
            else:
                raise ValueError(f"no limit is called {name}")
        return {
            "concurrent": self.windows.concurrent,
            **{name: calls for name, (calls, _) in self.windows.limits.items()},
        }

    def _reset_limits(self, body: Any) -> dict[str, Any]:
        if self.windows is not None:
            self.windows.reset()
        return {}


def control_post(act: Callable[[Any], Any]) -> Callable[[Request], Any]:
    """Return an endpoint that gives the JSON body to ``act`` and answers its result.

    A ValueError, KeyError or TypeError of ``act``, or a body that isn't JSON, is answered with 400
    and its words.
    """

    async def endpoint(request: Request) -> Response:
        try:
            body = decode(await request.body() or b"{}")
            return json_reply(act(body))
        except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
            return json_reply({"error": str(error)}, 400)

    return endpoint


def _same(answer: Response) -> Response:
    return answer


def _target(scope: Scope) -> str:
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope.get("query_string", b"")
    return str((path + (b"?" + query if query else b"")).decode("latin-1"))


@asynccontextmanager
async def running(*services: Service) -> AsyncIterator[None]:
    """Start ``services`` and stop them again, whatever happens between."""
    started: list[Service] = []
    try:
        for service in services:
            await service.start()
            started.append(service)
        yield
    finally:
        for service in reversed(started):
            await service.stop()
