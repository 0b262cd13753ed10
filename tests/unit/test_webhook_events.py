"""What a delivery says, and the receiver's small parts: signatures, odd bodies, silence, deliveries stored together."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xerotui.xero import webhooks
from xerotui.xero.webhooks_events import Delivery, read, sign, signer

TENANT = "11111111-2222-4333-8444-555555555555"
EVENT = {
    "resourceUrl": "https://api.xero.com/api.xro/2.0/Invoices/x",
    "resourceId": "00000000-0000-4000-8000-000000000001",
    "tenantId": TENANT,
    "tenantType": "ORGANISATION",
    "eventCategory": "Invoice",
    "eventType": "update",
    "eventDateUtc": "2026-09-14T01:15:39.902",
}


def delivery(*events: Any, **more: Any) -> Delivery:
    """The delivery of these events."""
    return read(
        "app", json.dumps({"events": events, "firstEventSequence": 76, "lastEventSequence": 76, **more}).encode()
    )


def test_a_signature_is_over_raw_bytes_and_tells_whose_key_it_was() -> None:
    # By another program: printf '%s' '{"events":[]}' | openssl dgst -sha256 -hmac key -binary | base64
    assert sign("key", b'{"events":[]}') == "Qrz9n8NSnnBLDlKIZEhYxzL4J+L5wKUqtKk3FuhGKW0="
    keys = {"a": "one", "b": "two", "": "three", "c": ""}
    body = b'{"events": []}'
    assert signer(keys, body, sign("two", body)) == "b"
    assert signer(keys, body, f" {sign('one', body)} ") == "a"
    # A blank key signs nothing, however well it fits.
    assert signer(keys, body, sign("", body)) == ""
    assert signer(keys, b'{"events":[]}', sign("two", body)) == ""
    assert signer({}, body, sign("two", body)) == ""


def test_events_are_read_whatever_their_case() -> None:
    found = delivery(EVENT)
    (event,) = found.events
    assert (event.category, event.type, event.tenant) == ("INVOICE", "UPDATE", TENANT)
    assert event.at is not None
    assert event.at.isoformat() == "2026-09-14T01:15:39.902000+00:00"
    assert (found.first, found.last, found.unread, found.intent) == (76, 76, False, False)
    assert delivery().intent
    assert not delivery({**EVENT, "eventCategory": "SUBSCRIPTION"}).intent


@pytest.mark.parametrize(
    ("change", "unknown", "unread"),
    [
        ({"eventCategory": "WEATHER"}, {"category": 1}, False),
        ({"tenantType": "APPLICATION"}, {"category": 1}, False),
        ({"eventType": "EXPLODE"}, {"type": 1}, False),
        ({"resourceId": "1,2 OR 1==1"}, {}, True),
        ({"resourceId": None}, {}, True),
        ({"tenantId": "../x"}, {}, True),
        ({"eventCategory": 7}, {}, True),
    ],
)
def test_what_is_not_understood_is_counted_or_told(
    change: dict[str, Any], unknown: dict[str, int], unread: bool
) -> None:
    found = delivery({**EVENT, **change}, EVENT)
    assert (len(found.events), found.unknown, found.unread) == (1, unknown, unread)


def test_sequence_numbers_that_make_no_sense_are_none() -> None:
    for numbers in ({"firstEventSequence": 99}, {"lastEventSequence": "76"}, {"firstEventSequence": -1}):
        found = delivery(EVENT, **numbers)
        assert (found.first, found.last) == (0, 0)


@given(st.one_of(st.binary(max_size=300), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(repr)))
def test_no_body_is_too_odd(body: bytes | str) -> None:
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    assert read("app", raw).events == ()
    assert signer({"a": "k"}, raw, raw.decode("latin-1")) == ""


def test_a_deep_body_is_only_unread() -> None:
    assert read("app", b'{"events":' + b"[" * 100_000).unread


async def test_deliveries_that_wait_are_stored_together_and_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "STORE_SECONDS", 0.05)
    batches: list[int] = []
    go = asyncio.Event()

    async def write(some: Sequence[Delivery]) -> None:
        await go.wait()
        batches.append(len(some))
        if len(some) == 3:
            raise OSError("no room")

    async with webhooks.Batches(write, most=3) as queue:
        first = asyncio.create_task(queue.store(delivery(EVENT)))
        # Too late to be told "stored", and stored all the same.
        with pytest.raises(TimeoutError):
            await first
        rest = [asyncio.create_task(queue.store(delivery(EVENT))) for _ in range(5)]
        await asyncio.sleep(0)
        monkeypatch.setattr(webhooks, "STORE_SECONDS", 60.0)
        later = asyncio.create_task(queue.store(delivery(EVENT)))
        go.set()
        found = await asyncio.gather(*rest, later, return_exceptions=True)
        assert batches == [1, 3]
        assert [type(one) for one in found] == [OSError] * 3 + [TimeoutError] * 3
        await queue.store(delivery(EVENT))
    assert batches == [1, 3, 1]


async def test_a_connection_that_says_nothing_is_dropped_and_a_crowd_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(webhooks, "MOST_OPEN", 3)
    stop, up = asyncio.Event(), asyncio.Event()

    async def store(_: Delivery) -> None:
        return None

    listening = webhooks.listener(0)
    port = listening.getsockname()[1]
    app = webhooks.Receiver(lambda: {"a": "k"}, store)
    serving = asyncio.create_task(webhooks.serve(app, listening, stop, up.set))
    await asyncio.wait_for(up.wait(), 30)
    for said in (b"", b"POST /xero HTT", b"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /xer"):
        reading, writing = await asyncio.open_connection("127.0.0.1", port)
        writing.write(said)
        try:
            heard = await asyncio.wait_for(reading.read(), 30)
        except ConnectionError:
            heard = b""
        assert heard[:12] in (b"", b"HTTP/1.1 404")
        writing.close()
    monkeypatch.setattr(webhooks, "HEAD_SECONDS", 30.0)
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
    for _, writing in crowd[3:]:
        writing.write(b"POST /xero HTTP/1.1\r\nHost: a\r\n\r\n")
    for reading, _ in crowd[3:]:
        assert (await asyncio.wait_for(reading.read(), 30)).startswith(b"HTTP/1.1 503 ")
    for _, writing in crowd:
        writing.close()
    stop.set()
    await asyncio.wait_for(serving, 30)
    assert app.seen == {"path": 1, "full": 2}
