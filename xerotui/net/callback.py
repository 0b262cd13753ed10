"""Listening for the browser: a loopback server that takes one OAuth callback. Nothing else is served, nothing stored.

The least HTTP that a browser needs, so that no web framework is loaded for one request.
"""

import asyncio
import errno
import hmac
import socket
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from xerotui.model.problems import SyncError

HOSTS = {"localhost": ("127.0.0.1", "::1"), "127.0.0.1": ("127.0.0.1",), "::1": ("::1",)}
# A browser's request is far smaller; whoever sends more, or slower, is none.
MOST_BYTES = 16 * 1024
SECONDS = 10.0
MOST_AT_ONCE = 16
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>XeroTUI</title>'
    '<meta name="viewport" content="width=device-width"><h1>XeroTUI</h1><p>{}</p></html>'
)
_DONE = "The sign-in has reached XeroTUI. Close this page and go back to the terminal."
_REFUSED = "The sign-in was not allowed. Close this page and go back to the terminal: it says what to do."
_OTHER = "This answer belongs to another sign-in. Open the address that the terminal shows now."
_NOTHING = "There is nothing here. Go back to the terminal."
_UNREADABLE = "This request can't be read. Go back to the terminal."
_HEAD = (
    "HTTP/1.1 {}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n"
    # The address holds a code: it goes into no cache, no referrer and no script.
    "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n{}\r\n"
)


class Deaf(SyncError):
    """Raised where nothing can listen on the redirect address; pasting the answer still works."""


def local(redirect_uri: str) -> bool:
    """Whether a redirect address leads to this machine: plain http to a loopback name."""
    try:
        parts = urlsplit(redirect_uri)
        return parts.scheme == "http" and (parts.hostname or "") in HOSTS and (parts.port or 80) > 0
    except ValueError:
        return False


class Callback:
    """One login's callback. Only a GET of the registered path with this login's state counts, and only once.

    `redirect_uri` must be `local`. What was sent is never shown again.
    """

    def __init__(self, redirect_uri: str, state: str) -> None:
        parts = urlsplit(redirect_uri)
        self.port = parts.port or 80
        self._uri = redirect_uri
        self._host = parts.hostname or ""
        self._path = parts.path or "/"
        self._state = state
        self._servers: list[asyncio.Server] = []
        self._answer: asyncio.Future[str] | None = None
        # Those being answered, oldest first.
        self._callers: dict[asyncio.Task[None], None] = {}

    async def open(self) -> None:
        """Listen on the loopback addresses, and on no other.

        Raises Deaf where the port is taken, on either of them, or may not be used.
        """
        self._answer = asyncio.get_running_loop().create_future()
        bound: list[socket.socket] = []
        try:
            for host in HOSTS[self._host]:
                if (made := self._bound(host)) is not None:
                    bound.append(made)
            if not bound:
                raise Deaf(f"Port {self.port} can't be listened on here.", "Paste the address.", code="core.port")
            while bound:
                served = await asyncio.start_server(self._serve, sock=bound[0], limit=MOST_BYTES)
                self._servers.append(served)
                bound.pop(0)
        except BaseException:
            for left in bound:
                left.close()
            await self.close()
            raise

    def _bound(self, host: str) -> socket.socket | None:
        """A socket on this address; None where the machine has no such address."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            made = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            return None
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind((host, self.port))
            # Two may bind before either listens: the second listener is the one that is refused.
            made.listen(MOST_AT_ONCE)
        except OSError as error:
            made.close()
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                return None
            why = "is taken by another program" if error.errno == errno.EADDRINUSE else "may not be used"
            raise Deaf(f"Port {self.port} {why}.", "Paste the address.", code="core.port") from None
        made.setblocking(False)
        return made

    async def wait(self) -> str:
        """The address that the browser came to, its page answered: with a code, or with Xero's refusal."""
        assert self._answer is not None, "it must be open"
        return await asyncio.shield(self._answer)

    async def close(self) -> None:
        """Stop listening and drop who is still there; harmless when it isn't listening."""
        for served in self._servers:
            served.close()
        self._servers.clear()
        if self._answer is not None and not self._answer.done():
            self._answer.cancel()
        left = list(self._callers)
        for caller in left:
            caller.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller = asyncio.current_task()
        assert caller is not None
        self._callers[caller] = None
        if len(self._callers) > MOST_AT_ONCE:
            # Who has said nothing for longest goes, so that a crowd of silent ones keeps no browser out.
            next(iter(self._callers)).cancel()
        try:
            async with asyncio.timeout(SECONDS):
                await self._one(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # Cancelled by nobody but ourselves: the task ends with it.
            pass
        finally:
            self._callers.pop(caller, None)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        landed = ""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status, words, landed = self._judge(head.partition(b"\r\n")[0])
        except asyncio.LimitOverrunError:
            status, words = "431 Request Header Fields Too Large", _UNREADABLE
        body = _PAGE.format(words).encode()
        more = "Allow: GET\r\n" if status.startswith("405") else ""
        writer.write(_HEAD.format(status, len(body), more).encode() + body)
        await writer.drain()
        # Told only now, so that whoever closes the door at once leaves the browser with its page.
        if landed and self._answer is not None and not self._answer.done():
            self._answer.set_result(landed)

    def _judge(self, line: bytes) -> tuple[str, str, str]:
        """Status and words for a request line, and the address where it counts."""
        try:
            method, target, version = line.decode("ascii").split(" ")
            parts = urlsplit(target)
            query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=20)
        except ValueError:
            return "400 Bad Request", _UNREADABLE, ""
        if not version.startswith("HTTP/1.") or not target.isprintable():
            return "400 Bad Request", _UNREADABLE, ""
        if parts.path != self._path:
            return "404 Not Found", _NOTHING, ""
        if method != "GET":
            return "405 Method Not Allowed", _NOTHING, ""
        return self._judge_query(query, lambda: f"{self._uri.partition('?')[0]}?{parts.query}")

    def _judge_query(self, query: list[tuple[str, str]], landed: Callable[[], str]) -> tuple[str, str, str]:
        values = dict(query)
        twice = len(query) != len(values)
        if twice or not hmac.compare_digest(values.get("state", "").encode(), self._state.encode()):
            return "400 Bad Request", _OTHER, ""
        if values.get("error"):
            return "200 OK", _REFUSED, landed()
        if values.get("code"):
            return "200 OK", _DONE, landed()
        return "400 Bad Request", _OTHER, ""
