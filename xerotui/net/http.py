"""The one HTTP seam: the client through which every call of XeroTUI goes. No other module knows the HTTP library."""

import asyncio
import datetime as dt
import json as stdlib_json
import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, overload
from urllib.parse import urlencode, urlsplit

import msgspec

from xerotui import __version__
from xerotui.net.clock import Clock, WorldClock
from xerotui.net.errors import BadAnswer, NetError, NotSent, Throttle, Unanswered
from xerotui.net.governor import PATIENCE, Governor, Slot
from xerotui.net.limits import Spent, Throttled

if TYPE_CHECKING:
    # The library is loaded with the first client: it takes longer than all of ours that a command line needs.
    import ssl

    import httpx2

__all__ = ["BadAnswer", "HttpClient", "NetError", "NotSent", "Response", "Throttle", "Unanswered"]

T = TypeVar("T")
TRIES = 3
THROTTLE_TRIES = 5
MAX_BODY = 128 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_encoder = msgspec.json.Encoder(decimal_format="number")
# Loopback never goes through a proxy.
_DIRECT: dict[str, "httpx2.AsyncBaseTransport | None"] = {
    "all://localhost": None,
    "all://127.0.0.1": None,
    "all://[::1]": None,
}
# The library's own logs hold addresses with their queries and, finer, headers with tokens: never let them out.
for _name in ("httpx2", "httpcore2"):
    _library = logging.getLogger(_name)
    _library.propagate = False
    _library.addHandler(logging.NullHandler())
_log = logging.getLogger("xerotui.exchange")


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange as it may be logged: no headers, no bodies, no query. `ms` is machine time; sizes in bytes."""

    method: str
    host: str
    path: str
    status: int
    ms: int
    sent: int
    received: int
    error: str = ""


def log_exchange(exchange: Exchange) -> None:
    """The default hook: the exchange as a debug event of the logger `xerotui.exchange`."""
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug("exchange", extra=msgspec.structs.asdict(exchange))


class Response(msgspec.Struct, frozen=True):
    """An answer: status, headers with lower-case names, and the body whole; `wire` is its size as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    wire: int = 0

    def __repr__(self) -> str:
        # A body may hold tokens or people's data; neither belongs in a traceback.
        return f"Response({self.status}, {len(self.body)} bytes)"

    @property
    def ok(self) -> bool:
        """True for any 2xx."""
        return 200 <= self.status < 300

    @overload
    def json(self, type: type[T], *, strict: bool = True) -> T: ...

    @overload
    def json(self, type: None = None, *, strict: bool = True) -> Any: ...

    def json(self, type: Any = None, *, strict: bool = True) -> Any:
        """The body as JSON, into `type` where one is given; numbers with a point are Decimal either way.

        `strict=False` lets text stand for numbers. Raises BadAnswer when the body isn't JSON of that shape.
        """
        body = self.body.removeprefix(_BOM)
        try:
            if type is None:
                return stdlib_json.loads(body, parse_float=Decimal)
            return msgspec.json.decode(body, type=type, strict=strict)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise BadAnswer(f"an answer that can't be read: {error}") from None

    def text(self) -> str:
        """The body as text; what isn't UTF-8 becomes replacement characters."""
        return self.body.removeprefix(_BOM).decode("utf-8", "replace")


class _Prepared(msgspec.Struct, frozen=True):
    method: str
    url: "httpx2.URL"
    headers: dict[str, str]
    body: bytes
    timeout: float

    @property
    def where(self) -> str:
        return f"{self.method} {self.url.host}{self.url.path}"

    @property
    def repeatable(self) -> bool:
        return self.method in ("GET", "HEAD")


@cache
def _trusted() -> "ssl.SSLContext":
    """The certificates that are trusted: reading them takes longer than all else that opening a workspace does."""
    import httpx2

    return httpx2.create_ssl_context()


def _connections() -> "httpx2.AsyncClient":
    import httpx2

    return httpx2.AsyncClient(
        headers={"User-Agent": f"XeroTUI/{__version__}"},
        limits=httpx2.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=20.0),
        mounts=_DIRECT,
        verify=_trusted(),
    )


class HttpClient:
    """The HTTP client: permits, total time-outs, retries of reads, and errors that tell whether a write may have acted.

    `governor` is asked before every call; `throttled` reads a throttle answer (its owner knows how); `log` gets every
    exchange, redacted. Waits for throttles are world time, back-off and time-outs machine time.
    """

    def __init__(
        self,
        governor: Governor | None = None,
        throttled: Callable[[Response], Throttled | None] | None = None,
        *,
        clock: Clock | None = None,
        log: Callable[[Exchange], None] = log_exchange,
        _pool: "httpx2.AsyncClient | None" = None,
    ) -> None:
        self.governor = governor
        self.clock: Clock = clock or (governor.clock if governor else WorldClock())
        self._throttled = throttled
        self._log = log
        self._pool = _pool or _connections()
        self._shares = _pool is not None

    def governed(
        self, governor: Governor | None, throttled: Callable[[Response], Throttled | None] | None = None
    ) -> "HttpClient":
        """A client over the same connections that is held to other limits; closing it leaves them open."""
        return HttpClient(governor, throttled, clock=self.clock, log=self._log, _pool=self._pool)

    async def aclose(self) -> None:
        """Close the connections, unless they were lent by another client."""
        if not self._shares:
            await self._pool.aclose()

    async def __aenter__(self) -> "HttpClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        urgent: bool = False,
        latest: dt.datetime | None = None,
    ) -> Response:
        """One call and its answer, whatever the status; `timeout` is the total of one try in machine seconds.

        A call that can't leave before the world instant `latest` doesn't leave at all (Throttle).

        At most one of `content`, `json` and `form`; decimals in `json` leave as exact numbers. GET and HEAD are tried
        three times over transport failures and 5xx, and again after a throttle that is soon over; anything else is
        sent once.
        Raises NotSent, Throttle, Unanswered, BadAnswer.
        """
        request = _prepare(method, url, headers, params, content, json, form, timeout)
        failures = throttles = 0
        while True:
            again = request.repeatable and failures < TRIES - 1
            try:
                response = await self._permitted(request, urgent, latest)
            except Throttle:
                raise
            except (NotSent, Unanswered):
                if not again:
                    raise
            else:
                if limit := self._throttled(response) if self._throttled else None:
                    throttles += 1
                    await self._wait_out(limit, request, throttles)
                    continue
                if response.status < 500 or not again:
                    return response
            failures += 1
            await asyncio.sleep(random.uniform(0.1, 0.5 * 2**failures))

    async def _wait_out(self, limit: Throttled, request: _Prepared, tries: int) -> None:
        seconds = random.uniform(0.5, 2.0) if limit.seconds is None else max(0.0, limit.seconds)
        if self.governor:
            self.governor.adopt(limit.window, limit.calls, limit.span)
            await self.governor.hold(limit.window, seconds)
        if not request.repeatable or tries > THROTTLE_TRIES or seconds > PATIENCE:
            until = self.clock.now() + dt.timedelta(seconds=seconds)
            raise Throttle(limit.window, seconds, request.where, until=until)
        await self.clock.sleep(seconds + random.uniform(0.05, 0.25))

    async def _permitted(self, request: _Prepared, urgent: bool, latest: dt.datetime | None) -> Response:
        place: AbstractAsyncContextManager[Slot] = nullcontext(Slot())
        metered = True
        if self.governor:
            place = self.governor.permit(urgent=urgent, lapse=request.timeout + 5.0, latest=latest)
            metered = self.governor.limits.metered(request.url.path)
        async with place as slot:
            started = time.monotonic()
            # Stands until there is an answer, also where the call is cancelled.
            slot.spent = Spent(len(request.body), 0)
            try:
                response = await self._once(request)
            except NetError as error:
                slot.spent = Spent(len(request.body) if error.effect_possible else 0, 0)
                self._tell(request, started, 0, 0, type(error).__name__)
                raise
            slot.spent = Spent(len(request.body), response.wire, response.status, metered)
            self._tell(request, started, response.status, len(response.body), "")
            return response

    async def _once(self, request: _Prepared) -> Response:
        import httpx2

        # No connection, so no byte of the request can have arrived.
        before_sending = (
            httpx2.ConnectError,
            httpx2.ConnectTimeout,
            httpx2.PoolTimeout,
            httpx2.ProxyError,
            httpx2.UnsupportedProtocol,
        )
        begun = False

        async def trace(event: str, _: Any) -> None:
            nonlocal begun
            begun = begun or event.endswith("send_request_headers.started")

        try:
            async with asyncio.timeout(request.timeout):
                return await self._exchange(request, trace)
        except before_sending as error:
            raise NotSent(f"no connection to {request.url.host}: {_words(error)}", request.where) from None
        except (httpx2.DecodingError, httpx2.TooManyRedirects) as error:
            raise BadAnswer(f"an answer that can't be read: {_words(error)}", request.where) from None
        except (httpx2.TransportError, httpx2.StreamError, TimeoutError, OSError) as error:
            late = isinstance(error, TimeoutError | httpx2.TimeoutException)
            what = f"no answer within {request.timeout:g} s" if late else f"cut off: {_words(error)}"
            raise (Unanswered if begun else NotSent)(what, request.where) from None

    async def _exchange(self, request: _Prepared, trace: Any) -> Response:
        outgoing = self._pool.build_request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.body or None,
            timeout=request.timeout,
            extensions={"trace": trace},
        )
        incoming = await self._pool.send(outgoing, stream=True)
        try:
            body = bytearray()
            async for chunk in incoming.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    raise BadAnswer(f"an answer over {MAX_BODY // 1024 // 1024} MB", request.where)
        finally:
            await incoming.aclose()
        headers = {name.lower(): incoming.headers[name] for name in incoming.headers}
        return Response(incoming.status_code, headers, bytes(body), incoming.num_bytes_downloaded)

    def _tell(self, request: _Prepared, started: float, status: int, received: int, error: str) -> None:
        self._log(
            Exchange(
                method=request.method,
                host=request.url.host,
                path=request.url.path,
                status=status,
                ms=round((time.monotonic() - started) * 1000),
                sent=len(request.body),
                received=received,
                error=error,
            )
        )


def _prepare(
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    params: Mapping[str, str] | None,
    content: bytes | None,
    json: Any,
    form: Mapping[str, str] | None,
    timeout: float,
) -> _Prepared:
    import httpx2

    sent = {name.lower(): value for name, value in (headers or {}).items()}
    if any(not value.isascii() or not value.isprintable() for value in sent.values()):
        raise NotSent("a header holds characters that HTTP doesn't allow", f"{method} {urlsplit(url).hostname or ''}")
    body = content or b""
    if json is not None:
        body = _encoder.encode(json)
        sent.setdefault("content-type", "application/json")
    elif form is not None:
        body = urlencode(form).encode()
        sent.setdefault("content-type", "application/x-www-form-urlencoded")
    try:
        target = httpx2.URL(url)
        if params:
            target = target.copy_merge_params(dict(params))
    except (httpx2.InvalidURL, ValueError):
        raise NotSent("an address that can't be called", method) from None
    return _Prepared(method.upper(), target, sent, body, timeout)


def _words(error: Exception) -> str:
    words = str(error) or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in words.partition("?")[0])[:200]
