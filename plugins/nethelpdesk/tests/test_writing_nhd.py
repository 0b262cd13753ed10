"""What is written into the database: under its guard, once, whole or not at all, and told for undoing."""

import asyncio
import datetime as dt
import json
import sqlite3
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from nhd_bench import GUID, SMALL, Bench
from sqlalchemy.dialects import mssql, postgresql

from xerotui.model.kinds import Kind
from xerotui.model.records import Address, Document, Party, TaxRate, Terms
from xerotui.model.settling import PAID, PART, UNPAID, Settlement
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.world import build
from xerotui.source.conformance.stand import Stand, standing
from xerotui.source.contract import Attachment, Capability, Keys, SourceRefused, SourceUnreachable
from xerotui_nethelpdesk import dialects
from xerotui_nethelpdesk.emulator import NetHelpDeskEmulator
from xerotui_nethelpdesk.emulator.ddl import LINKS
from xerotui_nethelpdesk.mapping import Found
from xerotui_nethelpdesk.reading import SqlReader
from xerotui_nethelpdesk.schema import ENTITIES
from xerotui_nethelpdesk.source import NetHelpDeskSource
from xerotui_nethelpdesk.updating import statement, table_of
from xerotui_nethelpdesk.writing import linking, settling

D = Decimal
OTHER = "6b1c7a10-8d5b-4a63-9b0e-3f2d5c1a7e44"
TENANT = "7c1c7a10-8d5b-4a63-9b0e-3f2d5c1a7e44"
WORLD = build(scale=0.1)
# The smallest installation with a place for links, and columns that a row can't do without.
LINKED = (
    SMALL
    + """
ALTER TABLE INVOICEHEADER ADD COLUMN IHXeroID TEXT; ALTER TABLE INVOICEHEADER ADD COLUMN IHAmountPaid REAL;
ALTER TABLE AREA ADD COLUMN AXeroID TEXT;
ALTER TABLE AREA ADD COLUMN Atreeid INT;
CREATE TABLE TREE (Treeid INT, TreeDesc TEXT); INSERT INTO TREE VALUES (1, 'London'), (2, 'Sydney');
CREATE TABLE SITE (Ssitenum INT, sdesc TEXT, Sarea REAL, SNeeded INT NOT NULL, SDay DATETIME NOT NULL,
  SWord NVARCHAR(20) NOT NULL, SUsual INT NOT NULL DEFAULT 5);
INSERT INTO SITE VALUES (12, 'Main', 7.0, 1, '2026-01-01', 'x', 5);
"""
)


def link(kind: Kind, record: str, xero_id: str = GUID, number: str = "") -> Attachment:
    """A link of such a record."""
    status = "AUTHORISED" if number else ""
    return Attachment(kind=kind, record=record, xero_id=xero_id, tenant=TENANT, number=number, status=status)


async def row(stand: Stand, table: str, key: str, id: str) -> dict[str, Any]:
    """One row as the emulator sees it."""
    return dict(next(one for one in await stand.seen(f"state/{table}") if str(one[key]) == id))


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The columns that differ."""
    return {name for name in after if after[name] != before[name]}


def late(home: Path, **how: Any) -> Any:
    return standing(NetHelpDeskSource, NetHelpDeskEmulator(**how), WORLD, WorldClock, home)


async def test_links_are_guarded_written_once_and_told_for_undoing(tmp_path: Path) -> None:
    """Three kinds in one call; again, nothing; another's link stops the whole call and is named; nothing is lost."""
    async with late(tmp_path) as stand:
        undo = tmp_path / "undo.jsonl"
        source = stand.make(undo_file=str(undo))
        free = [r for r in await stand.seen("state/INVOICEHEADER") if r["IHid"] > 0 and not r["IHXeroID"]]
        first, second, third = (str(r["IHid"]) for r in free[:3])
        area = str(next(r["Aarea"] for r in await stand.seen("state/AREA") if not r["AXeroID"] and r["aaccountsid"]))
        order = str(next(r["SHid"] for r in await stand.seen("state/SUPPLIERORDERHEADER") if not r["SHXeroId"]))
        before = await row(stand, "INVOICEHEADER", "IHid", first)
        batch = [link(Kind.INVOICE, first, GUID.upper(), "INV-1"), link(Kind.CUSTOMER, area),
                 link(Kind.PURCHASE_ORDER, order, OTHER, "PO-1"), link(Kind.ITEM, "1")]  # fmt: skip
        await stand.control(f"edit/AREA/{area}", {"AXeroTenantId": ""})
        await source.attach(batch)
        after = await row(stand, "INVOICEHEADER", "IHid", first)
        assert changed(before, after) <= set(LINKS["INVOICEHEADER"])
        assert after["IHXeroID"].lower() == GUID
        assert (after["IHXeroStatus"], after["IH3rdPartyInvoiceNumber"], after["IHPosted"]) == (
            "AUTHORISED",
            "INV-1",
            1,
        )
        posted = dt.datetime.fromisoformat(after["IHDatePosted"]).replace(tzinfo=dt.UTC)
        assert dt.timedelta(0) <= stand.now() - posted < dt.timedelta(hours=1)
        client = await row(stand, "AREA", "Aarea", area)
        assert (client["AXeroID"], client["AXeroTenantId"]) == (GUID, TENANT)

        lines = [json.loads(line) for line in undo.read_text().splitlines()]
        assert {line["table"] for line in lines} == {"AREA", "INVOICEHEADER", "SUPPLIERORDERHEADER"}
        told = next(line for line in lines if line["table"] == "INVOICEHEADER")
        assert (told["id"], told["before"]["IHXeroID"]) == (int(first), before["IHXeroID"])
        assert {name: before[name] for name in told["before"]} == told["before"], "what stood there can be put back"
        assert stat.S_IMODE(undo.stat().st_mode) == 0o600

        written = await stand.seen("writes")
        stand.clock.jump(3600)
        await stand.make().attach(batch)
        assert await stand.seen("writes") == written, "what stands there already is written again"

        await stand.control(f"edit/INVOICEHEADER/{second}", {"IHXeroID": f" {OTHER} "})
        pair = [link(Kind.INVOICE, third, TENANT, "INV-3"), link(Kind.INVOICE, second, GUID, "INV-2")]
        with pytest.raises(SourceRefused, match=f"invoice {second}.*IHXeroID is {OTHER}") as caught:
            await source.attach(pair)
        assert caught.value.certain
        with pytest.raises(SourceRefused, match="no invoice 987654"):
            await source.attach([pair[0], link(Kind.INVOICE, "987654")])
        with pytest.raises(SourceRefused, match="ids are numbers"):
            await source.attach([link(Kind.INVOICE, "1 OR 1=1")])
        for column, alien in (
            ("IH3rdPartyInvoiceNumber", "SAGE-7"), ("IHXeroTenantId", OTHER), ("IHXeroStatus", "PAID"),
        ):  # fmt: skip
            await stand.control(f"edit/INVOICEHEADER/{third}", {column: alien, "IHPosted": 0})
            with pytest.raises(SourceRefused, match=f"holds what isn't XeroTUI's: INVOICEHEADER.{column} is {alien}"):
                await source.attach([pair[0]])
            theirs = await stand.source.get(Kind.INVOICE, third)
            assert isinstance(theirs, Document)
            assert ("posted already" in theirs.excluded) == (alien == "SAGE-7")
            await stand.control(f"edit/INVOICEHEADER/{third}", {column: None})
        assert await stand.seen("writes") == written
        await source.attach([msgspec.structs.replace(batch[0], status="PAID")])
        assert (await row(stand, "INVOICEHEADER", "IHid", first))["IHXeroStatus"] == "PAID", "our own former value"
        with pytest.raises(SourceRefused, match="IH3rdPartyInvoiceNumber is INV-1, not INV-9"):
            await source.attach([msgspec.structs.replace(batch[0], number="INV-9")])
        written = await stand.seen("writes")
        undo.unlink()
        undo.mkdir()
        with pytest.raises(SourceRefused, match=r"Undo file: .*nothing is written") as caught:
            await source.attach(pair[:1])
        assert caught.value.certain
        assert await stand.seen("writes") == written
        assert not (await row(stand, "INVOICEHEADER", "IHid", third))["IHXeroID"]


async def test_what_was_paid_is_an_amount_and_a_day_and_never_a_state(tmp_path: Path) -> None:
    """Part, all, taken back; credit is no money; the log tells what was written over without its amounts."""
    async with late(tmp_path) as stand:
        free = [r for r in await stand.seen("state/INVOICEHEADER") if r["IHid"] > 0 and not r["IHXeroID"]]
        id = str(free[0]["IHid"])
        before = await row(stand, "INVOICEHEADER", "IHid", id)
        part = Settlement(xero_id=GUID, status=PART, total=D("24.69"), paid=D("12.34"), due=D("12.35"))
        whole = Settlement(
            xero_id=GUID, status=PAID, total=D("24.69"), paid=D("20.00"), credited=D("4.69"),
            paid_on=dt.date(2026, 3, 2),
        )  # fmt: skip
        back = Settlement(xero_id=GUID, status=UNPAID, total=D("24.69"), due=D("24.69"))
        seen = []
        for one in (part, whole, back):
            said = await stand.source.settle(Kind.INVOICE, id, one)
            written = await stand.seen("writes")
            assert await stand.make().settle(Kind.INVOICE, id, one) == said
            assert await stand.seen("writes") == written, "what stands there already is written again"
            after = await row(stand, "INVOICEHEADER", "IHid", id)
            assert changed(before, after) <= {"IHAmountPaid", "IHAmountDue", "ihdatepaid"}
            seen.append((after["IHAmountPaid"], after["IHAmountDue"], (after["ihdatepaid"] or "")[:10], said))
        assert seen[0][:2] == (D("12.34"), D("12.35"))
        assert seen[1][:3] == (20, 0, "2026-03-02")
        assert "4.69 of it was settled by credit" in seen[1][3][0]
        assert seen[2][:3] == (0, D("24.69"), "1900-01-01")
        heard = [line for line in stand.log.lines if "nethelpdesk_written" in line]
        assert heard
        assert not any("12.34" in line or "24.69" in line for line in heard)
        with pytest.raises(SourceRefused, match="carries another link"):
            await stand.source.attach([link(Kind.INVOICE, id, OTHER, "X")])
            await stand.source.settle(Kind.INVOICE, id, part)
        with pytest.raises(SourceRefused, match="keeps no payments of purchase orders"):
            await stand.source.settle(Kind.PURCHASE_ORDER, "1", part)


async def test_records_are_created_once_with_what_the_program_needs(tmp_path: Path) -> None:
    """Client, site and address under the next keys; zero where a column needs it; two at once don't collide."""
    async with late(tmp_path, allow_insert=True) as stand:
        party = Party(
            id="", kind=Kind.CUSTOMER, name="Fresh Client", number="FRESH", xero_id=GUID, tenant=stand.tenant,
            email="a@example.com", phone="020 1", terms=Terms(20, "OFFOLLOWINGMONTH"),
            address=Address(("1 Way", "Unit 2"), "Town", "Shire", "AB1 2CD"),
        )  # fmt: skip
        highest = max(r["Aarea"] for r in await stand.seen("state/AREA"))
        id = await stand.source.save(Kind.CUSTOMER, party)
        assert id == str(highest + 1)
        assert await stand.source.save(Kind.CUSTOMER, party) == id, "one that carries the Xero id is there already"
        found = await stand.source.find(Kind.CUSTOMER, Keys(xero_id=GUID))
        assert isinstance(found[0], Party)
        assert (found[0].address, found[0].terms) == (party.address, party.terms)
        site = next(r for r in await stand.seen("state/SITE") if r["Sarea"] == float(id))
        assert (site["sdesc"], site["SIsInvoiceSite"], site["SPhoneNumber"]) == ("Main", 1, "020 1")
        supplier = Party(id="", kind=Kind.SUPPLIER, name="Fresh Supplier", xero_id=OTHER, tenant=stand.tenant)
        rates = [TaxRate(id="", kind=Kind.TAX_RATE, name=f"Rate {n}", code=f"R{n}", rate=D("8.875"), tenant=TENANT)
                 for n in range(4)]  # fmt: skip
        ids = await asyncio.gather(
            stand.source.save(Kind.SUPPLIER, supplier), *(stand.make().save(Kind.TAX_RATE, one) for one in rates)
        )
        assert len(set(ids[1:])) == len(rates)
        (rate,) = await stand.source.find(Kind.TAX_RATE, Keys(name="rate 2"))
        assert isinstance(rate, TaxRate)
        assert rate.rate == D("8.875")
        with pytest.raises(SourceRefused, match="takes 200 characters"):
            await stand.source.save(Kind.CUSTOMER, Party(id="", kind=Kind.CUSTOMER, name="N", xero_id="x" * 300))
        with pytest.raises(SourceRefused, match="no items"):
            await stand.source.save(Kind.ITEM, party)
        with pytest.raises(SourceRefused, match="Creating records is switched off"):
            await stand.make(allow_insert="off").save(Kind.CUSTOMER, party)

    bench = Bench(tmp_path, LINKED)
    new = Party(id="", kind=Kind.CUSTOMER, name="Short", xero_id=OTHER, tenant=TENANT)
    plain = bench.make(writeback="on", allow_insert="on", organisations=f"Sydney = {TENANT}; London = {GUID}")
    assert await plain.save(Kind.CUSTOMER, new) == "9"
    with sqlite3.connect(bench.file) as db:
        assert db.execute("SELECT Atreeid FROM AREA WHERE Aarea = 9").fetchall() == [(2,)]
        needed = "SELECT Sarea, SNeeded, SDay, SWord, SUsual FROM SITE WHERE Ssitenum = 13"
        assert db.execute(needed).fetchall() == [(9.0, 0, "1900-01-01 00:00:00.000000", "", 5)]
    lost = bench.make(writeback="on", allow_insert="on", organisations=f"London = {GUID}")
    with pytest.raises(SourceRefused, match="known by its top level alone"):
        await lost.save(Kind.CUSTOMER, Party(id="", kind=Kind.CUSTOMER, name="Nowhere", tenant=TENANT))
    bench.sql("DROP TABLE SITE")
    gone = bench.make(writeback="on", allow_insert="on")
    with pytest.raises(SourceRefused, match="No sites can be created: there is no table SITE"):
        await gone.save(Kind.CUSTOMER, Party(id="", kind=Kind.CUSTOMER, name="Without a site"))


async def test_an_error_before_the_commit_is_certain_and_one_of_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else writes: surely not done. Somebody reads while it is committed: unknown, and done afterwards."""
    monkeypatch.setattr(dialects, "BUSY_SECONDS", 0.05)
    bench = Bench(tmp_path, LINKED)
    source, one = bench.make(writeback="on"), link(Kind.INVOICE, "1", number="INV-1")
    other = sqlite3.connect(bench.file, isolation_level=None)
    await source.get(Kind.INVOICE, "1")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SourceUnreachable) as caught:
        await source.attach([one])
    assert not caught.value.sent
    other.execute("ROLLBACK")
    # Who has read a row and not the last keeps the file from being written, at the very end.
    cursor = other.execute("SELECT IHid FROM INVOICEHEADER")
    cursor.fetchone()
    with pytest.raises(SourceUnreachable, match="isn't known") as caught:
        await source.attach([one])
    assert caught.value.sent
    cursor.close()
    assert other.execute("SELECT IHXeroID FROM INVOICEHEADER WHERE IHid = 1").fetchone() == (None,)
    await source.attach([one])
    assert other.execute("SELECT IHXeroID, IHPosted FROM INVOICEHEADER WHERE IHid = 1").fetchone() == (GUID, 1)
    bench.sql("CREATE TRIGGER own AFTER UPDATE ON INVOICEHEADER BEGIN UPDATE INVOICEHEADER SET IHXeroID = 'own'; END")
    with pytest.raises(SourceRefused, match="doesn't keep IHXeroID") as refused:
        await source.attach([link(Kind.INVOICE, "2", OTHER)])
    assert refused.value.certain
    bench.sql("DROP TRIGGER own; DROP TABLE INVOICEHEADER")
    with pytest.raises(SourceRefused, match="INVOICEHEADER isn't there") as refused:
        await source.attach([link(Kind.INVOICE, "2", OTHER)])
    assert refused.value.certain


async def test_where_no_column_is_nothing_is_written_and_that_is_said(tmp_path: Path) -> None:
    """Without columns for links a call ends well and sends no UPDATE; what can't be held is told in sentences."""
    bench = Bench(tmp_path)
    source = bench.make(writeback="on")
    await source.attach([link(Kind.CUSTOMER, "7"), link(Kind.ITEM, "5"), link(Kind.PURCHASE_ORDER, "4", number="P")])
    await source.attach([link(Kind.INVOICE, "1", number="INV-1")])
    assert not [one for one in bench.sent if one.split()[0] != "SELECT"]
    said = await source.settle(Kind.INVOICE, "1", Settlement(xero_id=GUID, status=PART, paid=D(1)))
    assert len(said) == 3
    assert all("no column" in one for one in said)
    facts = {f.title: f.value for f in await source.check()}
    assert facts["Writing"] == "on, but there are no columns for links"

    can = {name: bench.make(**how).can for name, how in (
        ("read", {}), ("back", {"writeback": "on"}), ("new", {"writeback": "on", "allow_insert": "on"}),
    )}  # fmt: skip
    tells = {Capability.ATTACH, Capability.SETTLE}
    assert not (tells | {Capability.SAVE}) & can["read"].capabilities
    assert tells <= can["back"].capabilities
    assert Capability.SAVE not in can["back"].capabilities
    assert [can[n].creates(Kind.CUSTOMER) for n in can] == [False, False, True]
    for act in (source.save(Kind.CUSTOMER, Party(id="", kind=Kind.CUSTOMER)), bench.source.attach([])):
        with pytest.raises(SourceRefused):
            await act


async def test_statements_are_shown_before_anything_is_sent(tmp_path: Path) -> None:
    """The check prints what would be sent, which does what the real thing does; and GRANTs for just that."""
    bench = Bench(tmp_path, LINKED)
    assert not [f for f in await bench.make(writeback="on").check() if "UPDATE" in f.value]
    how = {"sql_preview": "on", "writeback": "on", "allow_insert": "on"}
    facts = {f.title: f.value for f in await bench.make(**how).check()}
    shown = facts["Link of invoices"]
    assert not [one for one in bench.sent if one.split()[0] != "SELECT"]
    with sqlite3.connect(bench.file) as db:
        assert db.execute(shown).rowcount == 1, "the statement is one that can be sent as it stands"
        assert db.execute("SELECT IHPosted, length(IHXeroID) FROM INVOICEHEADER WHERE IHid = 1").fetchone() == (1, 36)
        assert db.execute(shown.replace("000000000001", "000000000009")).rowcount == 0, "its guard stands in it"
    assert "none" in facts["Link of suppliers"]
    assert "INSERT INTO" in facts["New clients"]
    grants = facts["Its GRANT script"]
    assert 'GRANT UPDATE ("IHPosted", "IHXeroID", "IHAmountPaid") ON "INVOICEHEADER" TO xerotui;' in grants
    assert 'GRANT INSERT ON "SITE"' in grants
    read = {f.title: f.value for f in await bench.make(sql_preview="on").check()}
    assert "UPDATE" not in read["Its GRANT script"]
    assert "INSERT" not in read["Its GRANT script"]


def test_what_is_sent_is_fit_for_sql_server_and_postgresql() -> None:
    """The guard, the locks and the columns: all that are written back, and no other."""
    now = dt.datetime(2026, 11, 21, 9)  # noqa: DTZ001
    server: Any = mssql.dialect()  # type: ignore[no-untyped-call]
    mirror: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
    wanted = {
        Kind.INVOICE: "invoice",
        Kind.PURCHASE_ORDER: "order",
        Kind.CUSTOMER: "customer",
        Kind.SUPPLIER: "supplier",
    }
    for kind, name in wanted.items():
        entity = ENTITIES[name]
        found = Found(entity=entity, table=entity.table, columns={c.name: c.column for c in entity.columns})
        wish = linking(found, link(kind, "12", number="N-1"), now)
        assert wish is not None
        paid = settling(found, "12", Settlement(xero_id=GUID))[0] if kind is Kind.INVOICE else None
        put = {**wish.values, **wish.fills, **wish.stamps, **(paid.values if paid else {})}
        assert {entity.column(n).column for n in put} == set(LINKS[entity.table])
        for dialect in (server, mirror):
            text = " ".join(str(statement(wish, put, {}).compile(dialect=dialect)).split())
            assert text.startswith("UPDATE ")
            assert "ltrim(rtrim(" in text
            assert text.count(" WHERE ") == 1
        table = table_of(found)
        held = dialects.held(sa.select(table.c[found.columns["id"]]), table)
        assert "WITH (UPDLOCK, HOLDLOCK)" in str(held.compile(dialect=server))
        assert "FOR UPDATE" in str(held.compile(dialect=mirror))


async def test_a_database_whose_locks_are_unknown_creates_nothing(tmp_path: Path) -> None:
    reader = Bench(tmp_path, LINKED).make(writeback="on").reader
    assert isinstance(reader, SqlReader)

    def job(connection: sa.Connection) -> None:
        connection.dialect.name = "mysql"
        try:
            dialects.alone(connection)
        finally:
            connection.dialect.name = "sqlite"

    with pytest.raises(SourceRefused, match="no lock by name of the database mysql"):
        await reader.database.write(job)
