"""The emulated help desk: what it holds in each age, and that its judge sees what callers do."""

import csv
import datetime as dt
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xerotui.net.http import HttpClient
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.world import build
from xerotui_halo.emulator import HaloEmulator, meant_to_sync
from xerotui_nethelpdesk.emulator import NetHelpDeskEmulator, NetHelpDeskFolder

WORLD = build(scale=0.3)
GUID = "5b1c7a10-8d5b-4a63-9b0e-3f2d5c1a7e44"
OTHER = "6b1c7a10-8d5b-4a63-9b0e-3f2d5c1a7e44"
# No header has a total, so what Halo's header says a penny more isn't wrong here.
MISMATCHED = {t.id for t in WORLD.trouble if t.kind == "total_mismatch"}


class Control:
    """The control routes of a running emulator."""

    def __init__(self, emulator: Any, http: HttpClient) -> None:
        self.emulator, self.http = emulator, http

    async def __call__(self, path: str, body: Any = None, *, refused: bool = False) -> Any:
        url = f"{self.emulator.service.control_url}/{path}"
        reply = await self.http.send("GET" if body is None else "POST", url, json=body)
        assert reply.ok is not refused, reply.text()
        return reply.json()


@asynccontextmanager
async def running(emulator: Any, home: Path) -> AsyncIterator[Control]:
    clock = WorldClock.create(home / "clock.json", dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC))
    emulator.load(WORLD)
    await emulator.start(clock)
    http = HttpClient(None, lambda _: None)
    try:
        yield Control(emulator, http)
    finally:
        await http.aclose()
        await emulator.stop()


def caller(emulator: NetHelpDeskEmulator) -> sqlite3.Connection:
    """A connection such as a plugin has, by the address that the settings name."""
    url = emulator.settings()["url"].removeprefix("sqlite:///").removesuffix("&uri=true")
    return sqlite3.connect(url, uri=True, isolation_level=None, timeout=0.05)


async def halo(home: Path) -> dict[tuple[str, int], Decimal]:
    """Totals of what Halo would send of the same world, by kind and id."""
    emulator = HaloEmulator()
    async with running(emulator, home):
        tables = {"invoice": "invoice", "purchaseorder": "purchase_order"}
        return {
            (kind, row["id"]): row["total"]
            for name, kind in tables.items()
            for row in emulator.store.tables[name].rows.values()
            if meant_to_sync(name, row)
        }


@pytest.mark.parametrize("age", ["late", "middle", "old"])
async def test_an_age_comes_to_the_penny(age: str, tmp_path: Path) -> None:
    """Every healthy document has the total and the due date of the world, though its amounts are noisy floats."""
    theirs = await halo(tmp_path)
    due = {i.id: i.due_date for i in WORLD.psa.invoices}
    bought = {s.id for s in WORLD.psa.suppliers if age == "late" or s.tenant == "uk"}
    ours = {(k, i) for k, i in theirs if k == "invoice"}
    ours |= {
        ("purchase_order", o.id) for o in WORLD.psa.purchase_orders if o.supplier in bought and o.state == "approved"
    }
    emulator = NetHelpDeskEmulator(age)
    async with running(emulator, tmp_path) as control:
        found = {(d["kind"], d["id"]): d for d in await control("documents") if not d["why"] and d["id"] > 100}
        assert set(found) == ours
        for key, one in found.items():
            if key[1] not in MISMATCHED:
                assert one["total"] == theirs[key], key
            if one["kind"] == "invoice":
                assert (one["due"], one["number"]) == (due[key[1]].isoformat(), f"NHD-{key[1]}")
        # Beside the world: arithmetic of floats, three decimals, carriage.
        odd = {
            (d["kind"], d["number"]): d["total"] for d in await control("documents") if d["id"] < 100 and not d["why"]
        }
        assert odd == {
            ("invoice", "NHD-001"): Decimal("7.20"), ("invoice", "NHD-002"): Decimal("1481481.47"),
            ("invoice", "NHD-005"): Decimal("120.00"), ("purchase_order", "NHDPO-001"): Decimal("112.50"),
        }  # fmt: skip
        with_noise = [r for r in emulator.store.rows("INVOICEDETAIL") if len(repr(r["IDNet_Amount"])) > 14]
        assert len(with_noise) > 100
        columns = {table: set(t.columns) for table, t in emulator.tables.items()}
        assert ("Tax" in columns, "Ccode" in columns["CURRENCY"]) == ((age != "old"),) * 2
        assert any("xero" in c.casefold() for t in columns.values() for c in t if c != "RUseXero") is (age != "old")
        sums = emulator.totals()
        sent = {
            k for k in ("invoice", "purchase_order") if any(k in c for t in sums["sent"].values() for c in t.values())
        }
        # Where no link can be kept, what no trouble stops counts as sent.
        assert sent == {"late": set(), "middle": {"purchase_order"}, "old": {"invoice", "purchase_order"}}[age]
        assert (await control("writes"), await control("violations")) == ([], [])


def test_what_an_age_can_have_of_the_trouble() -> None:
    """No total in a header, no number that is taken, and an archived account only where lines say theirs."""
    seeded = {t.kind for t in WORLD.trouble if t.record == "invoice" and t.blocks}

    def codes(**options: Any) -> set[str]:
        emulator = NetHelpDeskEmulator(**options)
        emulator.load(WORLD)
        return {one["code"] for one in emulator.expected()}

    assert {"total_mismatch", "account_archived", "number_taken"} < seeded
    usual = codes()
    assert not {"core.total_mismatch", "core.account_archived", "core.number_taken"} & usual
    assert codes(account_source="line", invoice_number="{number}") == usual | {
        "core.account_archived",
        "core.number_taken",
    }
    folder = NetHelpDeskFolder()
    folder.load(WORLD)
    assert {one["id"] for one in folder.expected() if one["mended"]} == {
        str(t.id) for t in WORLD.trouble if t.kind == "tax_unmapped"
    }


async def test_the_judge_tells_writes_from_broken_rules(tmp_path: Path) -> None:
    """Links in their own columns are writes; anything else is a broken rule as well; a person's changes are neither."""
    emulator = NetHelpDeskEmulator()
    async with running(emulator, tmp_path) as control:
        ids = sorted(row["IHid"] for row in await control("state/invoiceheader") if row["IHid"] > 10_000)
        tenant = WORLD.tenants[0].tenant_id
        await control(f"edit/InvoiceHeader/{ids[0]}", {"ihreference": "A person", "IHHideInvoice": True})
        edited = next(row for row in await control("state/INVOICEHEADER") if row["IHid"] == ids[0])
        assert (edited["IHReference"], edited["IHHideInvoice"], edited["IHLast_Modified"][:16]) == (
            "A person", 1, "2026-11-21 09:00",
        )  # fmt: skip
        line = {"IDQty_Order": 2.5, "IDNet_Amount": Decimal("12.5"), "IDTax_Amount": 2.5}
        made = await control(
            "create/INVOICEHEADER", {"IHaarea": 101, "IHInvoice_Date": "2026-11-20 00:00:00", "lines": [line]}
        )
        assert made["IHid"] == max(ids) + 1
        document = next(d for d in await control("documents") if d["id"] == made["IHid"])
        assert (document["total"], document["why"]) == (15, "")
        await control(f"remove/INVOICEHEADER/{made['IHid']}", {})
        assert not [r for r in emulator.store.rows("INVOICEDETAIL") if r["IdIHid"] == made["IHid"]]
        assert "no column" in (await control(f"edit/AREA/{101}", {"name": "x"}, refused=True))["error"]
        assert await control("writes") == []
        with caller(emulator) as db:
            db.execute(
                "UPDATE INVOICEHEADER SET IHXeroID = ?, IHXeroTenantId = ?, IHXeroStatus = 'AUTHORISED',"
                " IH3rdPartyInvoiceNumber = 'NHD-1', IHPosted = 1 WHERE IHid = ?", (GUID, tenant, ids[1]),
            )  # fmt: skip
        (write,) = await control("writes")
        assert (write["kind"], write["verb"], write["id"], write["xero_id"]) == ("invoice", "update", str(ids[1]), GUID)
        assert await control("violations") == []
        (sent,) = [e for c in (await control("totals"))["sent"].values() for k in c.values() for e in k.values()]
        assert sent["documents"] == 1
        for what, statement in (
            ("column", f"UPDATE INVOICEHEADER SET IHPaymentStatus = 2 WHERE IHid = {ids[2]}"),
            ("link_overwritten", f"UPDATE INVOICEHEADER SET IHXeroID = '{OTHER}' WHERE IHid = {ids[1]}"),
            ("link_twice", f"UPDATE INVOICEHEADER SET IHXeroID = '{OTHER}' WHERE IHid = {ids[2]}"),
            ("value", f"UPDATE INVOICEHEADER SET IHXeroStatus = 'MORE THAN TEN' WHERE IHid = {ids[1]}"),
            ("deleted", f"DELETE FROM INVOICEDETAIL WHERE IdIHid = {ids[3]}"),
            ("inserted", "INSERT INTO TREE (Treeid, TreeDesc) VALUES (99, 'x')"),
            ("schema", "CREATE INDEX one ON AREA (aareadesc)"),
        ):
            before = len(await control("violations"))
            with caller(emulator) as db:
                db.execute(statement)
            assert {v["what"] for v in (await control("violations"))[before:]} == {what}, what
    # What was seen stays to be read after the end, and the file is gone.
    assert len(emulator.service.journal.violations) >= 7
    assert emulator.totals()["sent"]
    assert not list(tmp_path.glob("nethelpdesk-*"))
    reader = NetHelpDeskEmulator("old")
    async with running(reader, tmp_path) as control:
        with caller(reader) as db:
            db.execute("UPDATE AREA SET aaccountsid = 'X' WHERE Aarea = 101")
        assert [v["what"] for v in await control("violations")] == ["read_only"]


async def test_what_can_go_wrong_with_a_database(tmp_path: Path) -> None:
    """Locked, taken away in the middle of a reading, wrong types and NULL everywhere; the judge goes on."""
    emulator = NetHelpDeskEmulator("middle")
    async with running(emulator, tmp_path) as control:
        db = caller(emulator)
        clients = "SELECT COUNT(*) FROM AREA"
        (count,) = db.execute(clients).fetchone()
        await control("lock", {})
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            caller(emulator).execute(clients)
        assert "locked" in (await control("edit/AREA/101", {"aareadesc": "x"}, refused=True))["error"]
        await control("unlock", {})
        before = await control("totals")
        await control("gone", {})
        with pytest.raises(sqlite3.DatabaseError):
            db.execute(clients)
        with pytest.raises(sqlite3.OperationalError):
            caller(emulator).execute(clients)
        assert await control("totals") == before
        await control("back", {})
        assert caller(emulator).execute(clients).fetchone() == (count,)
        last = max(row["IDid"] for row in emulator.store.rows("INVOICEDETAIL"))
        owner = next(row["IdIHid"] for row in emulator.store.rows("INVOICEDETAIL") if row["IDid"] == last)
        await control(f"edit/INVOICEDETAIL/{last}", {"IDNet_Amount": "a lot"})
        assert next(d["why"] for d in await control("documents") if d["id"] == owner) == "unreadable"
        assert (await control("nulls", {"table": "AREA"}))["rows"] == count
        assert caller(emulator).execute("SELECT COUNT(aareadesc), COUNT(aCurrency) FROM AREA").fetchone() == (0, count)
        assert (await control("writes"), await control("violations")) == ([], [])


async def test_the_folder_says_the_same_and_loses_nothing(tmp_path: Path) -> None:
    """Files hold the world to the penny; results make documents sent; a file that vanishes is noticed."""
    theirs = await halo(tmp_path)
    emulator = NetHelpDeskFolder()
    async with running(emulator, tmp_path) as control:
        found = {(d["kind"], d["id"]): Decimal(d["total"]) for d in await control("documents")}
        assert {k: v for k, v in found.items() if k[1] not in MISMATCHED} == {
            k: v for k, v in theirs.items() if k[1] not in MISMATCHED
        }
        files = sorted(emulator.inbox.glob("invoices-*.csv"))
        lines = [row for path in files for row in csv.DictReader(path.open(encoding="utf-8", newline=""))]
        assert {int(row["invoice_id"]) for row in lines} == {id for kind, id in theirs if kind == "invoice"}
        assert all(re.fullmatch(r"-?\d+(\.\d+)?", row["unit_price"]) for row in lines)
        id = lines[0]["invoice_id"]
        named = await control(f"edit/invoices/{id}", {"reference": "A person"})
        (emulator.inbox / "done").mkdir()
        (emulator.inbox / named["name"]).rename(emulator.inbox / "done" / "000001.csv")
        assert "can't take back" in (await control(f"remove/invoices/{id}", {}, refused=True))["error"]
        await control("drop", {"name": "customers-bad.csv", "text": "id,name\n1\n", "done": True})
        assert "in/customers-bad.csv.done" in await control("files")
        assert (await control("writes"), await control("violations")) == ([], [])
        head = "source_kind,source_id,xero_number,xero_id,status,amount_paid,amount_due,date_paid,error\n"
        for folder in ("results", "import"):
            (emulator.outbox / folder).mkdir()
        (emulator.outbox / "results" / "r-1.csv").write_text(f"{head}invoice,{id},NHD-{id},{GUID},DRAFT,,,,\n")
        (emulator.outbox / "import" / "customers_new.csv").write_text("id,name,account_code\n,Harbour,HAR1\n")
        assert [(w["kind"], w["verb"]) for w in await control("writes")] == [
            ("invoice", "update"), ("customer", "hand_over"),
        ]  # fmt: skip
        (sent,) = [e for c in (await control("totals"))["sent"].values() for k in c.values() for e in k.values()]
        assert (sent["documents"], Decimal(sent["total"])) == (1, found[("invoice", int(id))])
        files[0].unlink()
        (emulator.outbox / "results" / "r-2.csv").write_text(f"{head}invoice,7,,,,,,,gone\n")
        assert {v["what"] for v in await control("violations")} == {"lost", "unknown_record"}
