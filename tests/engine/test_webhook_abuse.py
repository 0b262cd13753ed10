"""The receiver against strangers: what isn't signed does nothing, whatever comes is answered, memory stays bounded."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from tests.engine.webhook_kit import KEY, LOGIN, TENANT, Receiver, body, event, lonely, receiving, status
from xerotui.store import Hint
from xerotui.workspace.webhooks import WebhookStatus
from xerotui.workspace.webhooks import status as webhook_status
from xerotui.workspace.wiring import Wiring
from xerotui.xero.webhooks import MOST_BYTES, MOST_OPEN
from xerotui.xero.webhooks_events import sign

REASONS = {"malformed", "full", "signature", "size", "slow", "path", "method", "media", "cut", "unstored"}
HEAD = b"POST /xero HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def waiting(wiring: Wiring) -> list[Hint]:
    """What the inbox holds."""
    async with wiring.ledger.read() as tx:
        assert set(await wiring.ledger.inbox.tenants(tx)) <= {TENANT}
        return await wiring.ledger.inbox.waiting(tx, TENANT)


async def strangers(receiver: Receiver) -> None:
    """Whatever isn't a signed delivery gets its status, and nothing more."""
    good = body(event(900))
    assert await receiver.deliver(good, sign("another key", good)) == 401
    assert await receiver.deliver(good, sign(KEY, good)[:-2] + "A=") == 401
    assert await receiver.deliver(good, sign(KEY, good.replace(b": ", b":"))) == 401
    assert await receiver.deliver(good, "ÿ-no-base64") == 401
    assert await receiver.deliver(good, X_Xero_Signature="-") == 401
    assert await receiver.deliver(b"", "AAAA") == 401
    # A body of which one byte differs, or is missing, was signed by nobody.
    assert await receiver.deliver(good[:-1], sign(KEY, good)) == 401
    assert await receiver.deliver(good, Content_Type="text/plain") == 415
    assert status(await receiver.raw(b"GET /xero HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")) == 405
    assert status(await receiver.raw(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")) == 404
    assert status(await receiver.raw(b"\x16\x03\x01\x02\x00nothing that is HTTP\r\n\r\n")) == 400
    assert status(await receiver.raw(b"GET / HTTP/1.1\r\nA: " + b"a" * 100_000)) == 400
    chunk = b"X-Xero-Signature: a\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n"
    assert status(await receiver.raw(HEAD + chunk)) == 400
    # More connections than are kept open: whoever comes now is told to come again.
    idle = [await asyncio.open_connection("127.0.0.1", receiver.port) for _ in range(MOST_OPEN)]
    assert await receiver.deliver(good) == 503
    for _, writing in idle:
        writing.close()
    async with asyncio.timeout(60):
        while await receiver.deliver(good, "AAAA") != 401:
            await asyncio.sleep(0.01)
    # Cut off amid the body: no answer is owed, and nothing was accepted.
    sig = f"X-Xero-Signature: {sign(KEY, good)}\r\n".encode()
    cut = HEAD + sig + f"Content-Length: {len(good)}\r\n\r\n".encode() + good[:-5]
    assert await receiver.raw(cut, end=True) == b""


async def sized(receiver: Receiver) -> None:
    """Ten megabytes are refused by their announcement, or when they have grown too large."""
    told = HEAD + b"X-Xero-Signature: a\r\nContent-Length: 10000000\r\n\r\n"
    assert status(await receiver.raw(told)) == 413
    assert status(await receiver.raw(told.replace(b"10000000", b"9" * 18))) == 413
    pieces = b"".join(b"186A0\r\n" + b"x" * 100_000 + b"\r\n" for _ in range(100)) + b"0\r\n\r\n"
    assert (
        status(await receiver.raw(HEAD + b"X-Xero-Signature: a\r\nTransfer-Encoding: chunked\r\n\r\n" + pieces)) == 413
    )
    most = body(event(1), first=1)[:-1] + b" " * (MOST_BYTES - len(body(event(1)))) + b"}"
    assert len(most) == MOST_BYTES
    assert await receiver.deliver(most) == 200
    assert await receiver.deliver(most + b" ") == 413


async def slow(receiver: Receiver) -> None:
    """A body that drips in is given up; so is a connection that says nothing."""
    sig = b"X-Xero-Signature: AAAA\r\nContent-Length: 500\r\n\r\n"
    reading, writing = await asyncio.open_connection("127.0.0.1", receiver.port)
    writing.write(HEAD + sig)

    async def drip() -> None:
        with contextlib.suppress(OSError):
            while True:
                writing.write(b"{")
                await writing.drain()
                await asyncio.sleep(0.2)

    dripping = asyncio.create_task(drip())
    assert status(await asyncio.wait_for(reading.read(), 60)) == 408
    dripping.cancel()
    writing.close()


async def signed(receiver: Receiver) -> None:
    """What is signed is kept once, however often it comes; what isn't understood leads to nothing but a reading."""
    for _ in range(5):
        assert await receiver.deliver(body(event(1), event(2))) == 200
    assert await receiver.deliver(body(event(3, tenantId=TENANT.upper(), eventCategory="Contact"), first=3)) == 200
    odd = [
        event(4, tenantId="99999999-2222-4333-8444-555555555555"),
        event(5, eventCategory="SUBSCRIPTION", tenantType="APPLICATION"),
        event(6, eventCategory="WEATHER"),
        event(7, eventType="EXPLODE"),
    ]
    assert await receiver.deliver(body(*odd, first=4)) == 200


async def locked(receiver: Receiver, ledger: Path) -> None:
    """While the ledger is locked nothing is accepted, Xero's question is answered, and all in its five seconds."""
    holder = await asyncio.to_thread(lambda: sqlite3.connect(ledger, check_same_thread=False, isolation_level=None))
    holder.execute("BEGIN IMMEDIATE")
    try:
        async with asyncio.timeout(5):
            found = await asyncio.gather(
                receiver.deliver(body(event(20), first=8)),
                receiver.deliver(body()),
                receiver.deliver(body(), sign("x", body())),
            )
            assert list(found) == [503, 200, 401]
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    # Xero sends it again.
    for _ in range(20):
        if await receiver.deliver(body(event(20), first=8)) == 200:
            return
    raise AssertionError("never accepted")


async def flood(receiver: Receiver, each: int = 20) -> None:
    """Deliveries over a hundred connections, most of them forged: none of those is believed, and what is signed is
    taken, where it is sent again as Xero does."""
    large = body(*(event(900) for _ in range(300)))
    found: dict[int, int] = {}

    async def pour(number: int) -> None:
        for n in range(each):
            forged = n % 5
            sent = body(event(30 + number % 3), first=9) if not forged else large
            one = await receiver.deliver(sent, sign(KEY if not forged else "forged", sent))
            # 503 is "not now", and none at all is a connection beyond those that are kept open.
            while one in (503, 0) and not forged:
                await asyncio.sleep(0.05)
                one = await receiver.deliver(sent, sign(KEY, sent))
            found[one] = found.get(one, 0) + 1

    async with asyncio.timeout(300):
        await asyncio.gather(*(pour(n) for n in range(100)))
    assert set(found) <= {200, 401, 503, 0}, found
    assert found[200] == 100 * each // 5
    assert found[401] > 0


async def told(wiring: Wiring) -> WebhookStatus:
    """The counts once the receiver has written them."""
    for _ in range(600):
        found = await webhook_status(wiring)
        if set(found.rejected) >= REASONS:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def test_a_receiver_among_strangers(tmp_path: Path) -> None:
    async with lonely(tmp_path) as wiring, receiving(tmp_path / "home") as receiver:
        await strangers(receiver)
        assert await waiting(wiring) == []
        before = receiver.memory()
        await sized(receiver)
        await signed(receiver)
        assert {(h.category, h.resource[-3:]) for h in await waiting(wiring)} == {
            ("INVOICE", "001"),
            ("INVOICE", "002"),
            ("CONTACT", "003"),
        }
        await asyncio.gather(locked(receiver, wiring.home.ledger), slow(receiver))
        await flood(receiver)
        # Sixteen bodies of a megabyte in hand, buffers of a hundred connections, and Python's own heap.
        assert receiver.memory() < before + 80
        seen = await told(wiring)
        assert (seen.state, seen.pid) == ("listening", receiver.process.pid)
        assert seen.unknown == {"category": 2, "tenant": 1, "type": 1}
        assert seen.last_intent is not None
        kept = {h.resource[-3:] for h in await waiting(wiring)}
        # 900 is what nobody signed.
        assert {"001", "002", "003", "020"} <= kept <= {"001", "002", "003", "020", "030", "031", "032"}
        # A key set while it runs is used, an older one no longer.
        await wiring.vault.put(f"xero/{LOGIN}/webhook_key", "the next key")
        for _ in range(600):
            if await receiver.deliver(body(), key="the next key") == 200:
                break
            await asyncio.sleep(0.05)
        assert await receiver.deliver(body()) == 401
        # Signed, yet not to be read: anything may have changed.
        assert await receiver.deliver(b'{"events": [{"tenantId": 7}]}', key="the next key") == 200
        assert ("", "") in {(h.category, h.resource) for h in await waiting(wiring)}


@pytest.mark.soak
async def test_a_long_siege(tmp_path: Path) -> None:
    async with lonely(tmp_path) as wiring, receiving(tmp_path / "home") as receiver:
        await flood(receiver)
        before = receiver.memory()
        for _ in range(5):
            await asyncio.gather(flood(receiver, 100), *(sized(receiver) for _ in range(8)))
        assert receiver.memory() < before + 80
        assert len(await waiting(wiring)) <= 4
