"""Walks over paged lists, while records change and where Xero's count is off: against the emulated Xero."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from tests.engine.xero_kit import UK, Bench, active_contact, benched, invoice
from xerotui.model.kinds import Kind
from xerotui.model.postings import Posting, PostingLine
from xerotui.model.work import Verb
from xerotui.net.http import Response
from xerotui.xero.client import TenantClient
from xerotui.xero.errors import Unavailable


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with benched(tmp_path) as found:
        yield found


async def test_a_walk_loses_nothing_while_records_change(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xerotui.xero.walks.PAGE_SIZE", 3)
    client = await bench.client()
    contact_id = await active_contact(client)
    line = PostingLine(description="x", quantity=Decimal(1), unit_amount=Decimal(1), account="310", tax="INPUT2")
    many: list[tuple[Posting | None, str]] = [
        (invoice(f"W-{n}", contact_id, kind=Kind.PURCHASE_ORDER, lines=(line,)), "") for n in range(8)
    ]
    await bench.write(client, Kind.PURCHASE_ORDER, Verb.CREATE, many, "orders")
    for kind, collection in ((Kind.PURCHASE_ORDER, "PurchaseOrders"), (Kind.CUSTOMER, "Contacts")):
        before = {r.id async for page in client.walk(kind) for r in page}
        assert len(before) > 6
        walk, seen, touched = client.walk(kind), [], 0
        began = bench.clock.now()
        async for page in walk:
            seen += [r.id for r in page]
            # Somebody edits the first record of the page just read: in the usual order it would move to the end,
            # and one that nobody touched would slip over the page's edge unread.
            bench.sandbox.clock.jump(600)
            if page and touched < 4:
                touched += 1
                field = "Reference" if kind is Kind.PURCHASE_ORDER else "FirstName"
                await bench.control(f"patch/{UK.tenant_id}/{collection}/{page[0].id}", {field: f"edit {touched}"})
        assert set(seen) == before
        assert walk.began is not None
        # Xero's clock as the walk began, not as it ended: the next delta sees every edit.
        assert abs(walk.began - began) < dt.timedelta(seconds=120)
        delta = {r.id async for page in client.walk(kind, walk.began) for r in page}
        assert len(delta) >= touched
    assert bench.journal.violations == []


class Miscounting(TenantClient):
    """A client to whom Xero counts more than it lists, or who misses a record the first time."""

    more = 0
    # The ids that each answer leaves out, the next one first.
    missing: list[set[str]] = []

    async def get_response(
        self, path: str, what: str, params: Mapping[str, str] | None = None, since: dt.datetime | None = None
    ) -> Response:
        response = await super().get_response(path, what, params, since)
        body = response.json()
        body["pagination"]["itemCount"] += self.more
        if self.missing:
            gone = self.missing.pop(0)
            body["Contacts"] = [c for c in body["Contacts"] if c["ContactID"] not in gone]
        return Response(response.status, response.headers, json.dumps(body, default=str).encode())


async def test_a_whole_walk_is_counted(bench: Bench) -> None:
    client = Miscounting(bench.http, await bench.keeper(bench.web), UK.tenant_id, bench.web)

    async def read() -> tuple[set[str], int]:
        before = bench.asked("GET", "/Contacts")
        found = {r.id async for page in client.contacts() for r in page}
        return found, bench.asked("GET", "/Contacts") - before

    ids, calls = await read()
    assert calls == 1
    # One that slipped out is found by a second walk.
    one, two, three, *_ = sorted(ids)
    client.missing = [{two}]
    assert await read() == (ids, 2)
    # A count that is off for good costs one more walk and stops nothing.
    client.more = 1
    assert await read() == (ids, 2)
    # Others are missing each time: that is nothing to build a plan on.
    client.more, client.missing = 0, [{one, two, three}, {two, three}, {three}]
    with pytest.raises(Unavailable, match="counts"):
        await read()
