"""One of each kind of exchange, kept in files, so that contracts can be checked against what really went over the wire.

Only keeping may live here; nothing is judged. Kept is the accounting API and /connections, never tokens.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

VARIABLE = "XEROTUI_TRAFFIC"
"""Names a folder: every sandbox that is started with it keeps its traffic there, a file for each process."""
MARK = "xerotui.fault"
"""Where, in a scope, a fault leaves word that the answer isn't the emulator's own."""

_HEADERS = ("accept", "content-type", "idempotency-key", "if-modified-since", "user-agent", "xero-tenant-id")
_WORD = re.compile(r"[A-Z]{2,}(?:-[A-Z]+)*\d{0,2}")
_GUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")
_DIGITS = re.compile(r"\d+")
_LENGTHS = (0, 10, 20, 50, 150, 255, 500, 4000)


class Traffic:
    """Keeps exchanges in ``folder`` as JSON lines, each part only when there was none like it before.

    A line: ``{"method", "path", "query", "headers", "sent", "status", "type", "answer"}``; ``sent`` and ``answer``
    are JSON values or null, their lists without the elements that look like earlier ones. The status is 0 where
    a fault stood in the way of the emulator's own answer.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{os.getpid()}.jsonl"
        self._seen: set[object] = set()

    def keep(self, scope: Scope, sent: bytes, status: int, headers: dict[str, str], answer: bytes) -> None:
        """Keep one finished exchange, or nothing where it shows nothing new."""
        about = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        about = {name: about[name] for name in _HEADERS if name in about}
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        kind = headers.get("content-type", "")
        ours = about.get("user-agent", "").partition("/")[0]
        where = (scope["method"], _GUID.sub("*", scope["path"]).rpartition("/")[0], _plural(scope["path"]), ours)
        parts = [self._new((*where, "sent"), _json(sent)), self._new((*where, status), _json(answer))]
        for fact in ((*where, status, kind), *((*where, name, _kind(value)) for name, value in query)):
            if fact not in self._seen:
                self._seen.add(fact)
                parts.append((None, True))
        if not any(new for _, new in parts):
            return
        line = {
            "method": scope["method"],
            "path": scope["path"],
            "query": query,
            "headers": about,
            "sent": parts[0][0],
            "status": status,
            "type": kind,
            "answer": parts[1][0],
        }
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=True) + "\n")

    def _new(self, where: tuple[object, ...], value: Any) -> tuple[Any, bool]:
        """Return the value without list elements of known looks, and whether anything in it looks new."""
        if isinstance(value, dict):
            rest = {name: inner for name, inner in value.items() if not isinstance(inner, list)}
            new = self._look(where, rest)
            kept: dict[str, Any] = dict(rest)
            for name, inner in value.items():
                if isinstance(inner, list):
                    fresh = [element for element in inner if self._look((*where, name), element)]
                    kept[name] = fresh or inner[:1]
                    new = new or bool(fresh)
            return kept, new
        if isinstance(value, list):
            fresh = [element for element in value if self._look(where, element)]
            return fresh or value[:1], bool(fresh)
        return value, self._look(where, value)

    def _look(self, where: tuple[object, ...], value: Any) -> bool:
        """Remember how the value looks at each place in it; True where anything is new."""
        facts: set[object] = set()
        _describe(where, value, facts)
        before = len(self._seen)
        self._seen |= facts
        return len(self._seen) > before


def _describe(where: object, value: Any, facts: set[object]) -> None:
    if isinstance(value, dict):
        facts.add((where, frozenset(value)))
        for name, inner in value.items():
            _describe((where, name), inner, facts)
    elif isinstance(value, list):
        for inner in value:
            _describe((where, "[]"), inner, facts)
    else:
        facts.add((where, _kind(value)))


def _kind(value: Any) -> object:
    """Return what a contract could mind in a value: words as they are, other text by form and rough length."""
    if not isinstance(value, str):
        return type(value).__name__
    if len(value) <= 40 and _WORD.fullmatch(value):
        return value
    if _GUID.fullmatch(value):
        return "guid"
    if value[:6] == "/Date(" or value[:4].isdigit():
        return _DIGITS.sub("0", value[:40])
    return next((most for most in _LENGTHS if len(value) <= most), "long")


def _plural(path: str) -> str:
    """Return the last part of a path where it is a word of the API, else a star: ids and numbers are many."""
    last = path.rpartition("/")[2]
    return last if last.isalpha() else "*"


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


@cache
def _traffic(folder: str) -> Traffic:
    return Traffic(Path(folder))


def kept(app: ASGIApp) -> ASGIApp:
    """Return ``app``, with its traffic kept where XEROTUI_TRAFFIC names a folder."""
    folder = os.environ.get(VARIABLE, "")
    if not folder:
        return app
    traffic = _traffic(folder)

    async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].lower().startswith(("/api.xro/", "/connections")):
            await app(scope, receive, send)
            return
        sent, answer = bytearray(), bytearray()
        status, headers = 0, {}
        scope[MARK] = []

        async def hearing() -> Message:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def saying(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in message.get("headers", [])}
            answer.extend(message.get("body", b""))
            await send(message)

        await app(scope, hearing, saying)
        if scope[MARK] or not status:
            # The request counts all the same; the answer isn't the emulator's own.
            status, headers, answer = 0, {}, bytearray()
        traffic.keep(scope, bytes(sent), status, headers, bytes(answer))

    return keeping
