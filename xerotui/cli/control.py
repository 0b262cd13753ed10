"""The hand on the sandbox: its control addresses, and the consent page as a browser would use it. Loopback only."""

import asyncio
import json
from html.parser import HTMLParser
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener


class _Stay(HTTPRedirectHandler):
    """Leaves redirects to the caller: the last one points to an address where nothing listens."""

    def redirect_request(self, *_: Any) -> None:
        """Never follow."""


# Loopback never goes through a proxy.
_opener = build_opener(ProxyHandler({}), _Stay)


def _send(method: str, url: str, body: bytes | None, media: str) -> tuple[int, dict[str, str], str]:
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("the sandbox is on this machine")
    request = Request(url, body, {"Content-Type": media} if body is not None else {}, method=method)
    try:
        with _opener.open(request, timeout=30) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
    except HTTPError as error:
        return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode("utf-8", "replace")


async def get(url: str) -> Any:
    """What a control address answers, numbers as they are written there.

    Raises OSError when it doesn't answer 200.
    """
    status, _, text = await asyncio.to_thread(_send, "GET", url, None, "")
    if status != 200:
        raise OSError(f"the sandbox answers {status} at {urlsplit(url).path}")
    return json.loads(text, parse_float=str)


async def post(url: str, value: Any) -> Any:
    """Post JSON to a control address.

    Raises OSError when it doesn't answer 200.
    """
    status, _, text = await asyncio.to_thread(_send, "POST", url, json.dumps(value).encode(), "application/json")
    if status != 200:
        raise OSError(f"the sandbox answers {status} at {urlsplit(url).path}")
    return json.loads(text)


class _Form(HTMLParser):
    """The fields of the consent page's form: hidden ones, and every organisation ticked."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.buttons: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Gather form, inputs and buttons."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        elif tag in ("input", "button") and given.get("name"):
            button = tag == "button" or given.get("type") == "submit"
            (self.buttons if button else self.fields).append((given["name"], given.get("value", "")))


async def consent(url: str) -> str:
    """Open the consent page, tick every organisation, allow; the address that the browser is sent to.

    Raises OSError when the page refuses.
    """
    status, headers, page = await asyncio.to_thread(_send, "GET", url, None, "")
    if status == 200:
        form = _Form()
        form.feed(page)
        # A person would press the button that comes first: to allow.
        filled = urlencode([*form.fields, *form.buttons[:1]]).encode()
        target = urljoin(url, form.action or url)
        status, headers, page = await asyncio.to_thread(
            _send, "POST", target, filled, "application/x-www-form-urlencoded"
        )
    landed = headers.get("location", "")
    if status not in (302, 303) or not landed:
        raise OSError(f"the consent page answers {status}")
    return landed
