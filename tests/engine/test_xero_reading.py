"""Reading an organisation into snapshots: watermarks, shapes, ages, what is gone, and being told to stay away."""

import asyncio
import dataclasses
import datetime as dt
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from tests.engine.sync_kit import asked as called
from tests.engine.sync_kit import fault, jump, made_plan, small
from tests.rig import SOURCE, Rig
from xerotui.model.kinds import Kind, Side
from xerotui.model.records import SHAPE, Party, Record
from xerotui.net.http import Response
from xerotui.sync import lane, pull
from xerotui.sync.applying import apply
from xerotui.sync.lane import LaneRunner
from xerotui.sync.plan import xero_lane
from xerotui.sync.planning import quiet, read_sides
from xerotui.sync.ports import Ports
from xerotui.xero.client import TenantClient
from xerotui.xero.errors import Unavailable


class Busy(TenantClient):
    """A client in whose organisation somebody edits the first contact read and the last one unread, in mid-walk."""

    bench: Rig
    edits: dict[str, str]

    async def get_response(
        self, path: str, what: str, params: Mapping[str, str] | None = None, since: dt.datetime | None = None
    ) -> Response:
        response = await super().get_response(path, what, params, since)
        if path == "/Contacts" and (params or {}).get("page") == "1" and self.edits:
            for id in self.edits:
                # Longer between them than any overlap.
                await jump(self.bench, 600)
                place = f"/patch/{self.tenant}/Contacts/{id}"
                await self.bench.control("xero", place, {"FirstName": self.edits[id]})
            self.edits = {}
        return response


async def snapshots(bench: Rig, tenant: str, kind: Kind) -> dict[str, Record]:
    async with bench.wiring.ledger.read() as tx:
        return {r.id: r for r in await bench.wiring.ledger.snapshots.all(tx, Side.XERO, tenant, kind)}


async def ages(bench: Rig, tenant: str) -> dict[Kind, dt.datetime]:
    async with bench.wiring.ledger.read() as tx:
        rows = await bench.wiring.ledger.snapshots.cursors(tx)
    return {row.kind: row.at for row in rows if (row.side, row.connection) == (Side.XERO, tenant)}


async def forget(bench: Rig, tenant: str) -> None:
    async with bench.wiring.ledger.write() as tx:
        await bench.wiring.ledger.snapshots.forget(tx, Side.XERO, tenant)


def meddled(bench: Rig, edits: dict[str, str]) -> Ports:
    ports = bench.wiring.ports()

    async def xero(tenant: str) -> TenantClient:
        client = await bench.wiring.xero(tenant)
        busy = Busy.__new__(Busy)
        busy.__dict__.update(client.__dict__)
        busy.bench, busy.edits = bench, edits
        return busy

    return dataclasses.replace(ports, xero=xero)


async def test_nothing_stays_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xerotui.xero.walks.PAGE_SIZE", 3)
    async with small(tmp_path, rate=1) as bench:
        tenant, ports = bench.tenants[0], bench.wiring.ports()
        ids = sorted(await snapshots(bench, tenant, Kind.CUSTOMER))
        assert len(ids) > 6
        await forget(bench, tenant)
        edits = {ids[0]: "edited after it was read", ids[-1]: "edited before it was read"}
        await pull.pull_tenant(meddled(bench, dict(edits)), tenant, (Kind.CUSTOMER,))
        held = await snapshots(bench, tenant, Kind.CUSTOMER)
        assert sorted(held) == ids
        first, last = held[ids[0]], held[ids[-1]]
        assert isinstance(first, Party)
        assert isinstance(last, Party)
        assert (first.first_name != edits[ids[0]], last.first_name) == (True, edits[ids[-1]])
        # The newest change seen is ten minutes younger than the one that was missed: the delta finds it all the same.
        await pull.pull_tenant(ports, tenant, (Kind.CUSTOMER,))
        found = (await snapshots(bench, tenant, Kind.CUSTOMER))[ids[0]]
        assert isinstance(found, Party)
        assert found.first_name == edits[ids[0]]

        # What was stored in another shape is read again from the beginning, past the watermark.
        monkeypatch.setattr("xerotui.store.snapshots.SHAPE", 99)
        monkeypatch.setattr("xerotui.sync.pull.SHAPE", 99)
        assert await snapshots(bench, tenant, Kind.CUSTOMER) == {}
        await pull.pull_tenant(ports, tenant, (Kind.CUSTOMER, Kind.ITEM))
        assert sorted(await snapshots(bench, tenant, Kind.CUSTOMER)) == ids
        # The source as well, whose own cursor says nothing of shapes.
        for changed in (True, False):
            assert bool((await pull.pull_source(ports, SOURCE, (Kind.CUSTOMER,)))[Kind.CUSTOMER]) is changed
        monkeypatch.undo()

        await _reference(bench, ports, tenant)
        await _items(bench, ports, tenant)
        monkeypatch.setattr(lane, "PATIENCE", (0.0,))
        # However slow this machine is, silence is no reason to let go here.
        monkeypatch.setattr("xerotui.sync.pace.GIVE_UP", 3600.0)
        await _offline(bench, ports, tenant)


async def _reference(bench: Rig, ports: Ports, tenant: str) -> None:
    """Every list has an age; young ones are left alone, old ones and such from the future are read."""
    asked: list[int] = []

    async def read(fresh: int) -> None:
        before = len(await called(bench, "GET", "/api.xro/"))
        await pull.pull_reference(ports, tenant, dt.timedelta(minutes=fresh))
        asked.append(len(await called(bench, "GET", "/api.xro/")) - before)

    await pull.pull_reference(ports, tenant)
    born = await ages(bench, tenant)
    assert set(pull.REFERENCE) <= set(born)
    await jump(bench, 240)
    for fresh in (5, 3, 3):
        await read(fresh)
    assert asked == [1, 7, 1]
    now = await ages(bench, tenant)
    assert all(now[kind] > born[kind] for kind in pull.REFERENCE)
    async with bench.wiring.ledger.write() as tx:
        ahead = bench.wiring.clock.now() + dt.timedelta(days=1)
        await bench.wiring.ledger.snapshots.set_cursor(
            tx, Side.XERO, tenant, Kind.ACCOUNT, f"{SHAPE} {ahead.isoformat()}", ahead
        )
    await read(3)
    assert asked[-1] == 7

    # A plan reads again what is older than the organisation's own setting.
    for minutes, calls in ((5, 2), (2, 8)):
        await jump(bench, 240)
        async with bench.wiring.book.edit() as db:
            document = db.tenant(tenant)
            assert document is not None
            db.put_tenant(msgspec.structs.replace(document, reread_minutes=minutes))
        before = len(await called(bench, "GET", "/api.xro/"))
        await read_sides(ports, SOURCE, (tenant,), quiet, kind=Kind.CUSTOMER)
        assert len(await called(bench, "GET", "/api.xro/")) - before == calls
        await pull.pull_reference(ports, tenant)


async def _items(bench: Rig, ports: Ports, tenant: str) -> None:
    """An item that Xero no longer lists is gone."""
    await pull.pull_tenant(ports, tenant, (Kind.ITEM,))
    before = await snapshots(bench, tenant, Kind.ITEM)
    client = await bench.wiring.xero(tenant)
    for id in before:
        response = await client.send("DELETE", f"/Items/{id}", b"", "k")
        if response.ok:
            await pull.pull_tenant(ports, tenant, (Kind.ITEM,))
            assert set(before) - set(await snapshots(bench, tenant, Kind.ITEM)) == {id}
            return
    raise AssertionError("no item could be deleted")


async def _offline(bench: Rig, ports: Ports, tenant: str) -> None:
    """An organisation that Xero has taken offline is left alone for five minutes, by reading and writing alike."""
    plan = await made_plan(bench)
    await apply(ports, plan.id, plan.hash, "tester")
    await fault(bench, name="organisation_offline")
    runner = LaneRunner(ports, xero_lane(tenant))
    await runner.run(asyncio.Event())
    assert "offline" in runner.trouble
    assert 100 < runner.retry_at - time.monotonic() <= 300
    with pytest.raises(Unavailable) as caught:
        await pull.pull_reference(ports, tenant)
    assert (caught.value.code, caught.value.seconds) == ("xero.offline", 300)
    assert "five minutes" in caught.value.remedy
