"""The database as it is read: exact, by stamp and by comparison, never written, and clear in every fault."""

import datetime as dt
import hashlib
import sqlite3
import sys
import time
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from nhd_bench import GUID, SMALL, Bench

from xerotui.model.kinds import Kind
from xerotui.model.records import Document, Item, Party
from xerotui.source.contract import Capability, Gone, Keys, SourceLocked, SourceRefused, SourceUnreachable
from xerotui_nethelpdesk import selects
from xerotui_nethelpdesk.reading import SqlReader

D = Decimal
LISTED = (Kind.TAX_RATE, Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM, Kind.INVOICE, Kind.PURCHASE_ORDER)


async def test_the_smallest_installation_is_read_and_nothing_but_select_is_sent(tmp_path: Path) -> None:
    """Names, numbers, money, due date, accounts; every statement that is sent is recorded, the file stays."""
    bench = Bench(tmp_path)
    file = hashlib.sha256(bench.file.read_bytes()).hexdigest()
    everything = {kind: (await bench.pull(kind))[0] for kind in LISTED}
    acme, bolt = everything[Kind.CUSTOMER]["7"], everything[Kind.CUSTOMER]["8"]
    assert isinstance(acme, Party)
    assert (acme.name, acme.number, acme.active, acme.terms and acme.terms.days) == ("Acme Ltd", "ACM7", True, 30)
    one, two = (everything[Kind.INVOICE][id] for id in "12")
    assert isinstance(one, Document)
    assert (one.number, one.currency, one.total, one.tax) == ("NHD-001", "GBP", D("48.35"), D("8.06"))
    assert [(x.unit_price, x.net, x.account, x.tax_rate) for x in one.lines] == [
        (D("19.9950"), D("39.99"), "200", "1"), (D("0.3000"), D("0.30"), "200", "1")]  # fmt: skip
    assert one.lines[0].texts == {"short": "Cable", "long": "ten metres"}
    assert (one.due_date, one.facts["due_step"]) == (dt.date(2026, 12, 1), "the client's payment terms")
    assert two.excluded == "NetHelpDesk says that it was posted already"
    assert two.due_date is None
    order, rejected = (everything[Kind.PURCHASE_ORDER][id] for id in "45")
    assert (order.number, order.total, [x.net for x in order.lines]) == (
        "NHDPO-004",
        D("31.50"),
        [D("21.75"), D("4.50")],
    )
    assert order.lines[1].account == "300"
    assert rejected.excluded == "rejected in NetHelpDesk"
    for kind, records in everything.items():
        for id, record in records.items():
            assert await bench.source.get(kind, id) == record, "read alone it is the same"
        with pytest.raises(Gone):
            await bench.source.get(kind, "4711")
        assert await bench.source.vanished(kind, [*records, "4711"]) == ("4711",)
    for keys in (Keys(name="bolt\u00a0LTD"), Keys(name=" Bolt  Ltd")):
        assert await bench.source.find(Kind.CUSTOMER, keys) == (bolt,)
    assert await bench.source.find(Kind.CUSTOMER, Keys(number="acm7", xero_id=GUID)) == (acme,)
    assert not await bench.source.find(Kind.SUPPLIER, Keys(name="nobody", number="x"))
    facts = await bench.source.check()
    assert all(fact.ok for fact in facts), facts
    assert ("Lines without an invoice", "1; they belong to nothing and are left alone") in {
        (f.title, f.value) for f in facts
    }
    kinds = {f.title: "no settle time" in f.value for f in facts}
    assert (kinds["Purchase orders"], kinds["Invoices"], kinds["Suppliers"]) == (True, False, False)
    assert await bench.source.native_sync() == {}
    assert await bench.source.choices("charge_rate") == ()
    assert len(bench.sent) > 30
    assert {statement.split()[0] for statement in bench.sent} == {"SELECT"}
    assert hashlib.sha256(bench.file.read_bytes()).hexdigest() == file


async def test_nothing_is_written_whatever_a_job_tries(tmp_path: Path) -> None:
    """What isn't a SELECT is refused before it is sent; where the guard is passed by, the file is opened read-only."""
    bench = Bench(tmp_path)
    assert not {Capability.ATTACH, Capability.SAVE, Capability.SETTLE} & bench.source.can.capabilities
    reader = bench.source.reader
    assert isinstance(reader, SqlReader)
    for statement in ("UPDATE AREA SET aareadesc = 'x'", "DELETE FROM AREA", "CREATE TABLE x (y INT)"):
        with pytest.raises(SourceRefused, match="single SELECTs"):
            await reader.database.read(lambda c, s=statement: c.execute(sa.text(s)))  # type: ignore[misc]
    assert bench.sent == []
    with pytest.raises(SourceRefused, match="switched off"):
        await reader.database.write(lambda c: c.execute(sa.text("DELETE FROM AREA")))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await reader.database.read(lambda c: c.connection.cursor().execute("DELETE FROM AREA"))
    assert (await bench.pull(Kind.CUSTOMER))[0].keys() == {"7", "8"}


async def test_a_deadlocks_victim_is_sent_once_more(tmp_path: Path) -> None:
    database = Bench(tmp_path).source.reader.database  # type: ignore[attr-defined]
    tries: list[int] = []

    def victim(connection: sa.Connection, times: int) -> int:
        tries.append(times)
        if len(tries) <= times:
            raise sa.exc.DBAPIError("SELECT", {}, Exception("Transaction was deadlocked on lock resources (1205)"))
        return int(connection.execute(sa.text("SELECT 7")).scalar_one())

    assert await database.read(lambda c: victim(c, 1)) == 7
    tries.clear()
    with pytest.raises(SourceUnreachable, match="deadlock"):
        await database.read(lambda c: victim(c, 9))
    assert len(tries) == 2


async def test_what_changed_is_read_by_stamp_and_compared_once_a_day(tmp_path: Path) -> None:
    """A moved stamp, a missing one, a changed list; a change without a stamp is seen by the daily comparison."""
    bench = Bench(tmp_path)
    _, cursor = await bench.pull(Kind.INVOICE)
    bench.sent.clear()
    assert (await bench.pull(Kind.INVOICE, cursor))[0] == {}
    assert any("IHLast_Modified" in s and ">=" in s for s in bench.sent), "the stamp narrows what is asked for"
    edit = "UPDATE INVOICEHEADER SET IHInvoice_Date = '2026-11-03', IHLast_Modified = {} WHERE IHid = 1"
    bench.sql(edit.format("'2026-11-21 08:59:59'"))
    found, cursor = await bench.pull(Kind.INVOICE, cursor)
    assert found.keys() == {"1"}
    bench.sql("UPDATE INVOICEDETAIL SET IDUnit_Price = 21, IDNet_Amount = 42, IDTax_Amount = 8.4 WHERE IDid = 11")
    found, cursor = await bench.pull(Kind.INVOICE, cursor)
    assert found.keys() == {"1"}, "its lines changed under the same stamp: the digest decides"
    bench.sql("UPDATE INVOICEHEADER SET IHLast_Modified = '2026-11-01 00:00:00' WHERE IHid = 2;")
    _, cursor = await bench.pull(Kind.INVOICE, cursor)
    bench.sql("UPDATE INVOICEDETAIL SET IDItem_ShortDescription = 'Changed' WHERE IDid = 21")
    assert (await bench.pull(Kind.INVOICE, cursor))[0] == {}
    bench.sql("UPDATE ITEM SET Iaccountsid = 'CAB-2'")
    bench.time += dt.timedelta(minutes=2)
    found, cursor = await bench.pull(Kind.INVOICE, cursor)
    assert found.keys() == {"1", "2"}, "what lines are read against has changed"
    bench.sql("UPDATE INVOICEDETAIL SET IDItem_ShortDescription = 'Again' WHERE IDid = 21")
    bench.time += dt.timedelta(hours=25)
    assert (await bench.pull(Kind.INVOICE, cursor))[0]["2"].lines[0].texts["short"] == "Again"
    _, cursor = await bench.pull(Kind.INVOICE, cursor)
    for away, id in ((dt.timedelta(days=3), 40), (dt.timedelta(minutes=2), 50)):
        changed = bench.time + dt.timedelta(minutes=1)
        ahead = changed + away + dt.timedelta(hours=47)
        bench.sql(
            f"UPDATE INVOICEHEADER SET IHInvoice_Date = '2025-06-0{id // 10}', IHLast_Modified = '{changed:%F %T}'"
            " WHERE IHid = 1; INSERT INTO INVOICEHEADER VALUES"
            f" ({id}, 7, '2025-06-05', NULL, '£', 0, '{changed:%F %T}'),"
            f" ({id + 1}, 7, '{changed:%F}', NULL, '£', 0, '{ahead:%F %T}');"
            f"UPDATE ITEM SET Iaccountsid = 'C{id}'"
        )
        bench.time += away
        found, cursor = await bench.pull(Kind.INVOICE, cursor)
        assert {"1", str(id)} <= found.keys(), (
            "what changed meanwhile comes, whatever its date is and a stamp of the future"
        )
    suppliers, cursor = await bench.pull(Kind.SUPPLIER)
    assert (await bench.pull(Kind.SUPPLIER, cursor))[0] == {}, "no stamp: all are read, and none is told again"
    bench.sql("UPDATE COMPANY SET cdesc = 'Parts and more plc'")
    assert (await bench.pull(Kind.SUPPLIER, cursor))[0]["3"] != suppliers["3"]


async def test_pages_follow_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than a page come all, once, with their lines; an unfinished reading leaves no cursor."""
    monkeypatch.setattr(selects, "SIZE", 3)
    bench = Bench(tmp_path)
    for n in range(100, 108):
        bench.sql(
            f"INSERT INTO INVOICEHEADER VALUES ({n}, 7, '2026-11-05', NULL, '£', 0, '2026-11-05');"
            f"INSERT INTO INVOICEDETAIL VALUES ({n}, {n}, 5, 'x', NULL, 1, 1, 1, 0.2, 'T1')"
        )
    pages = await bench.pages(Kind.INVOICE)
    assert [len(page.records) for page in pages] == [3, 3, 3, 1, 0]
    assert [bool(page.cursor) for page in pages] == [False] * 4 + [True]
    ids = [record.id for page in pages for record in page.records]
    assert ids == ["1", "2", *map(str, range(100, 108))]
    assert all(len(r.lines) == (2 if r.id == "1" else 1) for p in pages for r in p.records if isinstance(r, Document))
    cursors, away = [], tmp_path / "away.db"
    with pytest.raises(SourceUnreachable, match="can't be opened"):
        async for page in bench.source.pages(Kind.INVOICE, ""):
            cursors.append(page.cursor)
            await bench.source.reader.database.close()  # type: ignore[attr-defined]
            bench.file.rename(away)
    assert cursors == [""], "what disappears in the midst leaves no cursor, so that all is read again"
    away.rename(bench.file)
    assert len((await bench.pull(Kind.INVOICE))[0]) == len(ids)


async def test_one_bad_row_is_named_and_stops_nothing(tmp_path: Path) -> None:
    """A wrong type, a date that is none, bytes of another code page, NULL everywhere, no name."""
    bench = Bench(tmp_path)
    bench.sql(
        "UPDATE INVOICEDETAIL SET IDUnit_Price = 'a lot' WHERE IDid = 12;"
        "INSERT INTO INVOICEHEADER VALUES (6, 7, '2026-13-45', NULL, '£', 0, 'yesterday'), (8, NULL, NULL, NULL, NULL,"
        " NULL, NULL); INSERT INTO INVOICEDETAIL (IDid, IDIHid) VALUES (81, 8);"
        "INSERT INTO AREA VALUES (9, CAST(X'436166E9' AS TEXT), NULL, NULL), (10, NULL, NULL, NULL);"
        "UPDATE ITEM SET Ibaseprice = 'x'; INSERT INTO ITEM (Iid, idesc) VALUES (6, 'Good');"
        "INSERT INTO Tax VALUES (3, 'T3', 'None', NULL);"
    )
    pages = await bench.pages(Kind.INVOICE)
    assert dict(pages[0].skipped) == {
        "1": "IDUnit_Price holds no number", "6": "date: 2026-13-45 is no date"}  # fmt: skip
    empty = next(r for r in pages[0].records if r.id == "8")
    assert isinstance(empty, Document)
    assert (empty.party, empty.date, empty.currency, empty.modified) == ("", None, "", None)
    (customers, last), (items, _), (taxes,) = [await bench.pages(k) for k in (Kind.CUSTOMER, Kind.ITEM, Kind.TAX_RATE)]
    assert [r.name for r in customers.records if r.id == "9"] == ["Café"]
    assert customers.skipped == (("10", "it has no name"),)
    assert last.cursor
    assert [r.id for r in items.records if isinstance(r, Item)] == ["6"]
    assert items.skipped == (("5", "Ibaseprice holds no number"),)
    assert taxes.skipped == (("3", "it has no rate"),)
    with pytest.raises(SourceRefused, match="IDUnit_Price"):
        await bench.source.get(Kind.INVOICE, "1")
    bench.sql("UPDATE INVOICEDETAIL SET IDUnit_Price = 0.3 WHERE IDid = 12; DELETE FROM INVOICEHEADER WHERE IHid = 6")
    mended, _ = await bench.pull(Kind.INVOICE, pages[-1].cursor)
    assert "1" in mended


async def test_faults_of_the_database_are_told_and_lose_nothing(tmp_path: Path) -> None:
    """A missing table stops its kind alone; a lock, a file that is gone in the midst, a wrong file, no driver."""
    bench = Bench(tmp_path)
    _, cursor = await bench.pull(Kind.INVOICE)
    bench.sql("ALTER TABLE COMPANY RENAME TO x; ALTER TABLE SUPPLIERORDERDETAIL RENAME COLUMN SDPrice TO y")
    (lost,) = await bench.pages(Kind.SUPPLIER)
    assert "table" in lost.trouble
    (orders,) = await bench.pages(Kind.PURCHASE_ORDER)
    assert "SUPPLIERORDERDETAIL has no column SDPrice" in orders.trouble
    bench.sql("ALTER TABLE Tax RENAME COLUMN TaxValue TO z")
    bench.source = bench.make()
    (taxes,) = await bench.pages(Kind.TAX_RATE)
    assert "Tax has no column TaxValue" in taxes.trouble
    assert (await bench.pull(Kind.CUSTOMER))[0]
    bench.sql("ALTER TABLE Tax RENAME COLUMN z TO TaxValue")
    bench.source = bench.make()
    with pytest.raises(SourceRefused):
        await bench.source.get(Kind.SUPPLIER, "3")
    titles = {fact.title: fact for fact in await bench.source.check()}
    assert not titles["Suppliers"].ok
    assert not titles["Purchase order lines"].ok
    holder = sqlite3.connect(bench.file)
    holder.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    with pytest.raises(SourceUnreachable, match="locked") as locked:
        await bench.pull(Kind.INVOICE, cursor)
    assert not locked.value.sent
    assert time.monotonic() - began < 60
    holder.rollback()
    holder.close()
    bench.sql(
        "UPDATE INVOICEHEADER SET IHLast_Modified = '2026-11-21 08:00:00', IHDue_Date = '2026-12-24' WHERE IHid = 1"
    )
    assert (await bench.pull(Kind.INVOICE, cursor))[0]["1"].due_date == dt.date(2026, 12, 24)
    away = bench.file.rename(tmp_path / "away.db")
    await bench.source.reader.database.close()  # type: ignore[attr-defined]
    for _ in range(2):
        with pytest.raises(SourceUnreachable, match="can't be opened"):
            await bench.pull(Kind.INVOICE, cursor)
    assert not bench.file.exists(), "a database that isn't there is never made"
    bench.file.write_bytes(b"no database at all, but long enough to be looked at" * 40)
    with pytest.raises(SourceRefused, match="not this database"):
        await bench.make().check()
    away.rename(bench.file)
    assert (await bench.pull(Kind.INVOICE))[0]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "Database URL: name the database"),
        ("mssql+pymssql://xerotui@127.0.0.1:1/NetHelpDesk", r"xerotui-nethelpdesk\[mssql\]|can't be reached"),
        ("mssql+pyodbc://xerotui@127.0.0.1:1/x?driver=x", r"xerotui-nethelpdesk\[mssql-odbc\]|driver"),
        ("nothing+known://h/x", "SQLAlchemy knows no database"),
    ],
)
async def test_what_is_missing_is_told_with_its_remedy(url: str, words: str, tmp_path: Path) -> None:
    source = Bench(tmp_path).make(url="sqlite:///x", password="s3cret-pw")
    source.settings = msgspec.structs.replace(source.settings, url=url)
    source._reader = None
    with pytest.raises((SourceRefused, SourceUnreachable), match=words) as caught:
        await source.check()
    assert "s3cret-pw" not in str(caught.value)


async def test_a_driver_without_its_system_library_is_told_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pyodbc is on a Linux without unixODBC: the package is there, and importing it fails."""
    (tmp_path / "pyodbc.py").write_text("raise ImportError('libodbc.so.2: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pyodbc", raising=False)
    with pytest.raises(SourceRefused, match=r"libodbc\.so\.2.*Install unixODBC.*mssql\+pymssql"):
        await Bench(tmp_path).make(url="mssql+pyodbc://xerotui@127.0.0.1:1/x?driver=x").check()


async def test_the_password_is_in_no_words(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    database = bench.make(password="s3cret-pw").reader.database  # type: ignore[attr-defined]

    def refused(_: sa.Connection) -> None:
        raise sa.exc.DBAPIError("SELECT", {}, Exception("Login failed for user 'x' with s3cret-pw (18456)"))

    with pytest.raises(SourceLocked, match=r"\*\*\*") as caught:
        await database.read(refused)
    assert "s3cret-pw" not in str(caught.value)
    assert "s3cret-pw" not in repr(await bench.make(password="s3cret-pw").check())


async def test_own_sync_charges_slots_sites_and_addresses(tmp_path: Path) -> None:
    """What larger installations have beside: their own sync, labour, ten tax slots, sites under FLOAT keys."""
    bench = Bench(
        tmp_path,
        SMALL + "DROP TABLE Tax; CREATE TABLE CONTROL (RDBVersion TEXT, RTaxCode1 REAL, RTaxCodeDesc1 TEXT);"
        "CREATE TABLE CONTROL2 (RTaxCode7 REAL, RTaxCodeDesc7 TEXT, RInvoiceDueDaysExtra INT);"
        "CREATE TABLE CONTROL3 (RUseXero INT, RXeroAccessToken TEXT); CREATE TABLE LOOKUP (fid INT, fcode INT, fvalue"
        " TEXT, fvalue2 TEXT, fvalue3 TEXT); CREATE TABLE CHARGERATE (CRid INT, CRarea INT, CRchargeid INT, CRrate"
        " REAL, CRstartdate TEXT, crexpirydate TEXT); CREATE TABLE SITE (Ssitenum INT, Sarea REAL, SIsInvoiceSite INT,"
        " SPhoneNumber TEXT); CREATE TABLE ADDRESSSTORE (ASID INT, ASSiteID INT, ASLine1 TEXT, ASLine3 TEXT, ASLine5"
        " TEXT, ASPrimary INT); INSERT INTO CONTROL VALUES ('8.4', 17.5, 'Old VAT'); INSERT INTO CONTROL2 VALUES (20,"
        " 'T1', 21); INSERT INTO CONTROL3 VALUES (1, 'token-of-theirs'); INSERT INTO LOOKUP VALUES (17, 3, 'Labour',"
        " 'x', 'CAB'), (17, 4, 'Travel', '', ''), (32, 3, 'Other', '', ''); INSERT INTO CHARGERATE VALUES (1, 0, 3, 80,"
        " '2020-01-01', NULL), (2, 0, 3, 95.5, '2026-01-01', '1900-01-01'), (3, 0, 3, 200, '2030-01-01', NULL), (4, 7,"
        " 3, 10, '2026-02-01', NULL); INSERT INTO SITE VALUES (70, 7.0, 0, '1'), (71, 7.0, 1, '2'), (80, 8.0, 0, '3');"
        "INSERT INTO ADDRESSSTORE VALUES (1, 71, 'Old Rd', 'York', 'YO1', 0), (2, 71, 'New Rd', 'Leeds', 'LS1', 1);",
    )
    assert set(await bench.source.native_sync()) == {""}
    sync = next(fact for fact in await bench.source.check() if fact.title == "Its own Xero sync")
    assert not sync.ok
    assert not any("Token" in statement for statement in bench.sent)
    taxes, _ = await bench.pull(Kind.TAX_RATE)
    assert {(t.id, t.name, str(t.rate)) for t in taxes.values()} == {("1", "Old VAT", "17.5"), ("7", "T1", "20")}
    invoices, _ = await bench.pull(Kind.INVOICE)
    assert invoices["1"].lines[0].tax_rate == "7", "a slot is named by its words"
    assert invoices["2"].due_date == dt.date(2026, 11, 23), "the installation's default"
    labour, travel = await bench.source.choices("charge_rate")
    assert (labour.id, labour.name, labour.code, labour.price) == ("3", "Labour", "CAB", D("95.5000"))  # type: ignore[union-attr]
    assert (travel.id, travel.code) == ("4", "")  # type: ignore[union-attr]
    acme = (await bench.pull(Kind.CUSTOMER))[0]["7"]
    assert (acme.phone, acme.address.lines, acme.address.city, acme.address.postcode) == (
        "2", ("New Rd",), "Leeds", "LS1")  # fmt: skip
