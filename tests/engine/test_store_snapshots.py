"""Snapshots, cursors and links."""

import datetime as dt
import sqlite3
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.engine.store_kit import NOW, opened
from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import View
from xerotui.model.records import Document, Item, Line, Organisation, Party, Record
from xerotui.model.work import Link
from xerotui.store import LinkTaken

LATER = NOW + dt.timedelta(hours=1)
HALO = (Side.SOURCE, "halo")


def invoice(n: int, **more: object) -> Document:
    """An invoice of the source."""
    total = Decimal("1234567.890123") + n
    line = Line(id="1", texts={"a": "Wörk\u202e"}, quantity=Decimal("0.3333333"), unit_price=Decimal("0.10"))
    given = {"number": f"INV-{n:03}", "total": total, "currency": "GBP", "lines": (line,), "party": "7"}
    return Document(id=f"{n:03}", kind=Kind.INVOICE, **{**given, **more})  # type: ignore[arg-type]


async def test_records_come_back_exactly_and_changes_are_told(tmp_path: Path) -> None:
    party = Party(id="001", kind=Kind.CUSTOMER, name="Ann", modified=NOW)
    records: list[Record] = [invoice(1, date=NOW.date()), invoice(2), party]
    async with opened(tmp_path) as ledger:
        snapshots = ledger.snapshots
        async with ledger.write() as tx:
            assert set(await snapshots.put(tx, *HALO, records, NOW)) == {"001", "002"}
        pulse = await ledger.pulse()
        async with ledger.write() as tx:
            touched = msgspec.structs.replace(party, modified=LATER)
            assert await snapshots.put(tx, *HALO, [records[0], touched], LATER) == ()
            assert await snapshots.get(tx, *HALO, Kind.CUSTOMER, "001") == touched
            assert await snapshots.get(tx, *HALO, Kind.INVOICE, "001") == records[0]
            assert await snapshots.get(tx, *HALO, Kind.SUPPLIER, "001") is None
        assert await ledger.pulse() == pulse
        async with ledger.write() as tx:
            renumbered = invoice(1, number="X")
            assert await snapshots.put(tx, *HALO, [renumbered, records[1]], LATER) == ("001",)
            assert await snapshots.all(tx, *HALO, Kind.INVOICE) == [renumbered, records[1]]
            fingerprints = await snapshots.fingerprints(tx, *HALO, Kind.INVOICE)
        assert set(fingerprints) == {"001", "002"}


async def test_a_reading_that_was_overtaken_changes_nothing(tmp_path: Path) -> None:
    tenant = (Side.XERO, "tenant")
    new = Party(id="1", kind=Kind.CUSTOMER, name="New", modified=LATER)
    old = Party(id="1", kind=Kind.CUSTOMER, name="Old", modified=NOW)
    async with opened(tmp_path) as ledger, ledger.write() as tx:
        assert await ledger.snapshots.put(tx, *tenant, [new], NOW) == ("1",)
        assert await ledger.snapshots.put(tx, *tenant, [old], NOW) == ()
        assert await ledger.snapshots.get(tx, *tenant, Kind.CUSTOMER, "1") == new
        # A source may set a record back.
        await ledger.snapshots.put(tx, *HALO, [new], NOW)
        assert await ledger.snapshots.put(tx, *HALO, [old], NOW) == ("1",)
        # What was gone and is read again is there, whatever its time.
        await ledger.snapshots.gone(tx, *tenant, Kind.CUSTOMER, ["1"], NOW)
        assert await ledger.snapshots.put(tx, *tenant, [old], NOW) == ("1",)


async def test_gone_records_are_kept_but_left_out_until_they_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        snapshots = ledger.snapshots
        async with ledger.write() as tx:
            await snapshots.put(tx, *HALO, [invoice(n) for n in range(3)], NOW)
            assert await snapshots.gone(tx, *HALO, Kind.INVOICE, ["001", "nobody"], LATER) == ("001",)
            assert await snapshots.gone(tx, *HALO, Kind.INVOICE, ["001"], LATER) == ()
            assert [r.id for r in await snapshots.all(tx, *HALO, Kind.INVOICE)] == ["000", "002"]
            assert len(await snapshots.all(tx, *HALO, Kind.INVOICE, include_gone=True)) == 3
            assert await snapshots.get(tx, *HALO, Kind.INVOICE, "001") == invoice(1)
            assert await snapshots.by_number(tx, *HALO, Kind.INVOICE, ["INV-001", "INV-002"]) == [invoice(2)]
            assert await snapshots.put(tx, *HALO, [invoice(1)], LATER) == ("001",)
            assert len(await snapshots.all(tx, *HALO, Kind.INVOICE)) == 3


async def test_a_foreign_shape_is_left_out_and_read_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            await ledger.snapshots.put(tx, *HALO, [invoice(1), invoice(2)], NOW)
        with sqlite3.connect(tmp_path / "ledger.db") as connection:
            connection.execute("UPDATE snapshots SET shape = 0, body = 'old' WHERE id = '001'")
        connection.close()
        async with ledger.write() as tx:
            assert await ledger.snapshots.all(tx, *HALO, Kind.INVOICE) == [invoice(2)]
            assert await ledger.snapshots.get(tx, *HALO, Kind.INVOICE, "001") is None
            page = await ledger.snapshots.page(tx, *HALO, Kind.INVOICE, View())
            assert page.total == 1
            assert await ledger.snapshots.put(tx, *HALO, [invoice(1)], NOW) == ("001",)


async def test_big_kinds_stream_in_batches_and_hostile_texts_are_found(tmp_path: Path) -> None:
    long = "x" * 10_000
    hostile = Item(id="h", kind=Kind.ITEM, code=long, name=f"[red]\x1b[31m\u202e%_{long}")
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            await ledger.snapshots.put(tx, *HALO, [invoice(n, tenant=str(n % 2)) for n in range(23)], NOW)
            await ledger.snapshots.put(tx, *HALO, [hostile, Item(id="i", kind=Kind.ITEM, code=long[:-1])], NOW)
        async with ledger.read() as tx:
            batches = [b async for b in ledger.snapshots.stream(tx, *HALO, Kind.INVOICE, batch=5)]
            assert [len(b) for b in batches] == [5, 5, 5, 5, 3]
            assert len(await ledger.snapshots.all(tx, *HALO, Kind.INVOICE, tenant="1")) == 11
            assert await ledger.snapshots.by_number(tx, *HALO, Kind.ITEM, [long]) == [hostile]
            found = await ledger.snapshots.page(tx, *HALO, Kind.ITEM, View(text="%_"))
            assert found.rows == (hostile,)
            assert (await ledger.snapshots.page(tx, *HALO, Kind.INVOICE, View(text="_"))).total == 0


async def test_cursors_organisations_and_forgetting(tmp_path: Path) -> None:
    london = Organisation(tenant="t1", name="London", period_lock=dt.date(2026, 1, 31))
    async with opened(tmp_path) as ledger:
        snapshots = ledger.snapshots
        async with ledger.write() as tx:
            await snapshots.put(tx, *HALO, [invoice(1)], NOW)
            await snapshots.put(tx, Side.SOURCE, "other", [invoice(1)], NOW)
            assert await snapshots.get_cursor(tx, *HALO, Kind.INVOICE) == ""
            await snapshots.set_cursor(tx, *HALO, Kind.INVOICE, "a", NOW)
            await snapshots.set_cursor(tx, *HALO, Kind.INVOICE, "b", LATER)
            await snapshots.put_organisation(tx, "t1", london, NOW)
            [row] = await snapshots.cursors(tx)
            assert (row.side, row.connection, row.kind, row.cursor, row.at) == (*HALO, Kind.INVOICE, "b", LATER)
            assert await snapshots.organisation(tx, "t1") == london
            assert await snapshots.organisations(tx) == {"t1": london}
            await snapshots.forget(tx, *HALO)
            assert await snapshots.cursors(tx) == []
            assert await snapshots.all(tx, *HALO, Kind.INVOICE) == []
            assert len(await snapshots.all(tx, Side.SOURCE, "other", Kind.INVOICE)) == 1
            await snapshots.forget(tx, Side.XERO, "t1")
            assert await snapshots.organisation(tx, "t1") is None


def link(record: str, xero_id: str, kind: Kind = Kind.INVOICE, **more: object) -> Link:
    """A link of the first pair."""
    given = {"connection": "halo", "kind": kind, "record": record, "tenant": "t1", "xero_id": xero_id, "at": NOW}
    return Link(**{**given, **more})  # type: ignore[arg-type]


async def test_a_xero_document_belongs_to_one_record_but_a_contact_to_several_parties(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        links = ledger.links
        async with ledger.write() as tx:
            await links.put(tx, [link("1", "x1", number="INV-1", posting=b"{}"), link("2", "x2")])
            await links.put(tx, [link("1", "x1", number="INV-1b"), link("1", "x1", tenant="t2")])
            await links.put(tx, [link("1", "x1", connection="other")])
            parties = [link("1", "c", Kind.CUSTOMER), link("9", "c", Kind.SUPPLIER), link("2", "c", Kind.CUSTOMER)]
            await links.put(tx, parties)
        with pytest.raises(LinkTaken):
            async with ledger.write() as tx:
                await links.put(tx, [link("5", "x5"), link("3", "x1")])
        async with ledger.read() as tx:
            assert await links.get(tx, "halo", Kind.INVOICE, "1", "t1") == link("1", "x1", number="INV-1b")
            assert await links.get(tx, "halo", Kind.INVOICE, "5", "t1") is None
            assert len(await links.for_pair(tx, "halo", "t1")) == 5
            assert [x.record for x in await links.for_pair(tx, "halo", "t1", Kind.SUPPLIER)] == ["9"]
            assert set(await links.by_xero(tx, "halo", "t1", Kind.INVOICE, ["x1", "x9"])) == {"x1"}
            assert await links.counts(tx, "halo", "t1") == {Kind.CUSTOMER: 2, Kind.SUPPLIER: 1, Kind.INVOICE: 2}


async def test_links_wait_until_the_source_knows_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger, ledger.write() as tx:
        await ledger.links.put(tx, [link(str(n), f"x{n}", at=NOW + dt.timedelta(seconds=-n)) for n in range(4)])
        await ledger.links.mark_attached(tx, "halo", Kind.INVOICE, ["3", "1"], "t1")
        assert [x.record for x in await ledger.links.unattached(tx, "halo", 5)] == ["2", "0"]
        assert await ledger.links.drop(tx, "halo", Kind.INVOICE, ["2", "nobody"], "t1") == 1
        assert [x.record for x in await ledger.links.unattached(tx, "halo", 5)] == ["0"]
