"""The listener for the browser: what it takes, what it answers to everything else, and that it tells nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from xerotui.net.callback import MOST_AT_ONCE, MOST_BYTES, Callback, Deaf, local

STATE = "the-state-of-this-login"
EVIL = "<script>alert(1)</script>"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
async def callback() -> AsyncIterator[Callback]:
    made = Callback(f"http://localhost:{free_port()}/callback", STATE)
    await made.open()
    yield made
    await made.close()


async def sent(callback: Callback, raw: bytes, host: str = "127.0.0.1") -> tuple[bytes, bytes]:
    """Status line with headers, and page, of whatever is sent."""
    reader, writer = await asyncio.open_connection(host, callback.port)
    try:
        writer.write(raw)
        await writer.drain()
        head, _, page = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return head, page


def asked(target: str, method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (asked("/callback?code=c&state=other"), b"400"),
        (asked("/callback?code=c"), b"400"),
        (asked(f"/callback?code=c&state={STATE}x"), b"400"),
        (asked(f"/callback?code=c&state=x&state={STATE}"), b"400"),
        (asked(f"/callback?code=c&code=d&state={STATE}"), b"400"),
        (asked(f"/callback?state={STATE}"), b"400"),
        (asked(f"/callback?code={EVIL}&state=other"), b"400"),
        (asked(f"/callback/?code=c&state={STATE}"), b"404"),
        (asked(f"/?code=c&state={STATE}"), b"404"),
        (asked("/favicon.ico"), b"404"),
        (asked(f"/{EVIL}"), b"404"),
        (asked(f"/callback?code=c&state={STATE}", "POST"), b"405"),
        (asked(f"/callback?code=c&state={STATE}", "HEAD"), b"405"),
        (b"GET /callback?" + b"a=b&" * 30 + b"c=d HTTP/1.1\r\n\r\n", b"400"),
        (b"hello\r\n\r\n", b"400"),
        (b"\xff\xfe\x00 / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /callback HTTP/2.0\r\n\r\n", b"400"),
        (b"GET /callback?code=" + b"c" * MOST_BYTES + b" HTTP/1.1\r\n\r\n", b"431"),
    ],
)
async def test_what_is_not_this_login_counts_for_nothing(callback: Callback, raw: bytes, status: bytes) -> None:
    head, page = await sent(callback, raw)
    assert head.startswith(b"HTTP/1.1 " + status), head
    assert b"terminal" in page
    assert b"script" not in page
    assert STATE.encode() not in head + page
    # It goes on waiting: the true answer still counts.
    head, page = await sent(callback, asked(f"/callback?code=abc&state={STATE}&scope=x"))
    assert head.startswith(b"HTTP/1.1 200")
    assert (await callback.wait()).endswith(f"/callback?code=abc&state={STATE}&scope=x")


async def test_the_page_is_words_alone_and_kept_nowhere(callback: Callback) -> None:
    head, page = await sent(callback, asked(f"/callback?error=access_denied&state={STATE}&error_description={EVIL}"))
    assert b"was not allowed" in page
    assert b"go back to the terminal" in page
    assert b"script" not in page
    for header in (b"no-store", b"no-referrer", b"default-src 'none'", b"nosniff", b"Connection: close"):
        assert header in head
    assert b"erver:" not in head
    assert "error=access_denied" in await callback.wait()
    # Once is enough: a second answer changes nothing.
    await sent(callback, asked(f"/callback?code=later&state={STATE}"))
    assert "error=access_denied" in await callback.wait()


async def test_it_listens_on_loopback_alone_and_beside_nobody(callback: Callback) -> None:
    addresses = {s.getsockname()[0] for served in callback._servers for s in served.sockets}
    assert addresses <= {"127.0.0.1", "::1"}
    assert "127.0.0.1" in addresses
    with pytest.raises(Deaf, match="taken"):
        await Callback(f"http://localhost:{callback.port}/callback", "x").open()
    if "::1" in addresses:
        head, _ = await sent(callback, asked("/"), "::1")
        assert head.startswith(b"HTTP/1.1 404")
        # Taken on one of the two is taken: a browser may try that one first.
        port = free_port()
        with socket.create_server(("::1", port), family=socket.AF_INET6), pytest.raises(Deaf, match="taken"):
            await Callback(f"http://localhost:{port}/callback", "x").open()
        with socket.create_server(("127.0.0.1", port)):
            pass


async def test_a_crowd_of_silent_callers_keeps_no_browser_out(callback: Callback) -> None:
    crowd = [await asyncio.open_connection("127.0.0.1", callback.port) for _ in range(2 * MOST_AT_ONCE)]
    head, _ = await sent(callback, asked(f"/callback?code=c&state={STATE}"))
    assert head.startswith(b"HTTP/1.1 200")
    await callback.wait()
    assert len(callback._callers) <= MOST_AT_ONCE
    await callback.close()
    assert not callback._callers
    for _, writer in crowd:
        writer.close()


@pytest.mark.parametrize(
    ("uri", "here"),
    [
        ("http://localhost:8736/callback", True),
        ("http://localhost/callback", True),
        ("http://127.0.0.1:1/x", True),
        ("http://[::1]:1/x", True),
        ("https://localhost:8736/callback", False),
        ("http://gate.example/x", False),
        ("http://localhost.evil.example/x", False),
        ("http://localhost:99999/x", False),
        ("http://[::1/x", False),
        ("xerotui://callback", False),
        ("", False),
    ],
)
def test_which_addresses_lead_here(uri: str, here: bool) -> None:
    assert local(uri) is here
