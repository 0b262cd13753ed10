"""The CSV folder: what is taken and refused, what files mean, that nothing is lost or told twice, what is laid out."""

import csv
import datetime as dt
import io
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xerotui.model.kinds import Kind
from xerotui.model.records import Address, Document, Item, Party, Record, TaxRate
from xerotui.model.settings import fill
from xerotui.model.settling import PAID, PART, UNPAID, Settlement
from xerotui.source.contract import Attachment, Capability, Keys, Page, SourceRefused, SourceUnreachable
from xerotui_nethelpdesk import csv_format
from xerotui_nethelpdesk.csv_columns import TABLES, headers_of
from xerotui_nethelpdesk.csv_log import CsvLog, Options
from xerotui_nethelpdesk.csv_reader import CsvReader, abilities
from xerotui_nethelpdesk.csv_rows import FORMULA, cleaned, key
from xerotui_nethelpdesk.folder import Folder
from xerotui_nethelpdesk.outputs import RESULT, Outbox, Outcome, safe
from xerotui_nethelpdesk.settings import NetHelpDeskSettings

NOW = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
LONDON = "11111111-2222-4333-8444-555555555555"
HEADER = "invoice_id,customer_id,invoice_date,line_no,description,quantity,unit_price"


class Silent:
    """A log that nobody reads."""

    def __getattr__(self, name: str) -> Any:
        return lambda *words, **more: None


class Desk:
    """Two folders, and readers of them; it is their context."""

    connection, http, secrets, log = "desk", None, None, Silent()

    def __init__(self, place: Path) -> None:
        self.inbox, self.outbox = place / "in", place / "out"
        self.inbox.mkdir()
        self.outbox.mkdir()
        self.cursors: dict[Kind, str] = {}
        self.reader = self.make()

    def now(self) -> dt.datetime:
        return NOW

    def cancelled(self) -> bool:
        return False

    def make(self, **more: str) -> CsvReader:
        texts = {"mode": "csv", "csv_inbox": str(self.inbox), "csv_outbox": str(self.outbox), "csv_settle_seconds": "0"}
        settings = fill(NetHelpDeskSettings, texts | more)
        assert isinstance(settings, NetHelpDeskSettings)
        self.reader = CsvReader(settings, self)  # type: ignore[arg-type]
        return self.reader

    def drop(self, name: str, body: str | bytes) -> None:
        (self.inbox / name).write_bytes(body.encode() if isinstance(body, str) else body)

    async def pull(self, kind: Kind, *, again: bool = False) -> tuple[dict[str, Any], dict[str, str], str]:
        """Records and skipped ones by id since the last pull, and the trouble; `again` reads everything."""
        pages: list[Page] = [
            page async for page in self.reader.pages(kind, "" if again else self.cursors.get(kind, ""))
        ]
        assert pages[-1].cursor
        assert not any(page.cursor for page in pages[:-1])
        self.cursors[kind] = pages[-1].cursor
        ids = [one.id for page in pages for one in page.records]
        assert len(set(ids)) == len(ids)
        found: dict[str, Record] = {one.id: one for page in pages for one in page.records}
        return found, dict(one for page in pages for one in page.skipped), pages[-1].trouble

    def lying(self, folder: str) -> list[str]:
        """The names under which files lie in a folder, without number and digest."""
        names = [one.name for one in (self.inbox / folder).iterdir() if not one.name.startswith(".")]
        return sorted(".".join(part for part in name.split(".") if not _digest(part)) for name in names)

    def results(self) -> list[Mapping[str, str]]:
        """The rows of all results files."""
        files = sorted((self.outbox / "results").glob("*.csv"))
        return [row for one in files for row in csv.DictReader(io.StringIO(one.read_text("utf-8-sig")))]


def _digest(part: str) -> bool:
    return len(part) in (6, 8, 16) and all(c in "0123456789abcdef" for c in part)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# ---------------------------------------------------------------------------------------------- how files are written

_PLAIN = (
    "Invoice ID,Client,Invoice date,Line No,Description,Quantity,Unit price,Net,VAT Code,junk\r\n"
    '7,Müller & Söhne,31/01/2026,1,"Two\r\nlines",1.5,"1,234.50",1851.75,S20,x\r\n'
    "7,Müller & Söhne,31/01/2026 00:00:00,2,Small,3,0.333,1.00,S20,\r\n\r\n,,,,,,,,,\r\n"
)
_GERMAN = (
    "Invoice ID;Client;Invoice date;Line No;Description;Quantity;Unit price;Net;VAT Code;junk\n"
    '7;Müller & Söhne;2026-01-31;1;"Two\nlines";1,5;1.234,50;1851,75;="S20";x\n'
    "7;Müller & Söhne;2026-01-31T00:00;2;Small;3,0;0,333;1,00 €;S20;\n;;;;;;;;;\n"
)
WAYS = {
    "utf-8, windows line ends": _PLAIN.encode(),
    "utf-8 with a mark": b"\xef\xbb\xbf" + _PLAIN.encode(),
    "windows-1252, semicolons, decimal comma": _GERMAN.encode("cp1252"),
    "utf-16 with tabs": "\ufeff".encode("utf-16-le") + _GERMAN.replace(";", "\t").encode("utf-16-le"),
    "excel's sep line": b"sep=;\r\n" + _GERMAN.replace("\n", "\r\n").encode(),
    "old line ends": _GERMAN.replace("\n", "\r").encode(),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_file_means_the_same_however_it_is_written(desk: Desk, way: str) -> None:
    desk.make(csv_date_format="%d/%m/%Y", csv_headers="junk = invoices.reference")
    desk.drop("Customers 2026.CSV", "id,name\n12.0,  mÜller & SÖHNE\n")
    desk.drop("invoices.csv", WAYS[way])
    found, skipped, trouble = await desk.pull(Kind.INVOICE)
    assert (skipped, trouble) == ({}, "")
    one = found["7"]
    assert isinstance(one, Document)
    assert (one.party, one.date, one.number, one.reference) == ("12", dt.date(2026, 1, 31), "NHD-007", "x")
    first, second = one.lines
    assert (first.texts["short"], second.texts["short"]) == ("Two\nlines", "Small")
    assert (first.quantity, first.unit_price, first.net) == (Decimal("1.5"), Decimal("1234.5"), Decimal("1851.75"))
    assert (second.quantity, second.unit_price, second.net) == (Decimal(3), Decimal("0.333"), Decimal(1))
    assert desk.lying("done") == ["Customers 2026.csv", "invoices.csv"]


WHOLE = {
    "empty": (b"", "is empty"),
    "blank": (b"\xef\xbb\xbf\r\n \r\n", "is empty"),
    "nul": (f"{HEADER}\n7,1,2026-01-01,1,a\0b,1,1\n".encode(), "NUL"),
    "neither": (f"{HEADER}\n7,1,2026-01-01,1,a\x81b\xff,1,1\n".encode("latin-1"), "neither UTF-8"),
    "wide": (HEADER.encode("utf-16") + b"\n\x00\x00\xd8a\x00", "isn't the UTF-16 that it says"),
    "cut": (HEADER.encode("utf-16") + b"x", "isn't the UTF-16 that it says it is: cut off?"),
    "twice": (f"{HEADER},Quantity\n".encode(), "has the column quantity twice: quantity and Quantity"),
    "synonym": (f"{HEADER},VAT,tax\n".encode(), "has the column tax_amount twice: VAT and tax"),
    "missing": (HEADER.replace("unit_price", "cost").encode(), "lacks the column unit_price"),
    "nobody": (HEADER.replace("customer_id", "x").encode(), "lacks the column customer_id or customer_name"),
    "quote": (f'{HEADER}\n7,1,2026-01-01,1,"open,1,1\n8,1,2026-01-01,1,b,1,1\n'.encode(), "a quote isn't closed"),
    "signs": (f'{HEADER}\n7,1,2026-01-01,1,a,"1,5",1.5\n'.encode(), "decimal points (1.5, line 2) and commas"),
    "open": (f'{HEADER}\n7,1,2026-01-01,1,a,1,"1,234"\n'.encode(), "a thousand or a fraction"),
}


async def test_a_file_that_cant_be_read_goes_away_whole_and_holds_nothing_up(desk: Desk) -> None:
    for name, (body, _) in WHOLE.items():
        desk.drop(f"invoices-{name}.csv", body)
    desk.drop("invoices-header.csv", HEADER)
    desk.drop("invoices.csv", f"{HEADER}\n1,1,2026-01-01,1,good,1,1\n")
    desk.drop("invoices-link.csv", "")
    (desk.inbox / "invoices-link.csv").unlink()
    (desk.inbox / "invoices-link.csv").symlink_to("/etc/hostname")
    desk.drop("notes.csv", "a\n")
    desk.drop("customers_new.csv", "id,name\n1,Our own\n")
    found, skipped, trouble = await desk.pull(Kind.INVOICE)
    assert set(found) == {"1"}
    assert not skipped
    reasons = {one.name: one for one in desk.reader.folder.refused()}
    assert set(reasons) == {f"invoices-{name}.csv" for name in WHOLE}
    for name, (_, words) in WHOLE.items():
        errors = reasons[f"invoices-{name}.csv"].errors
        assert words in errors.read_text("utf-8-sig"), name
        assert words in trouble
    facts = await desk.reader.check()
    assert {"customers_new.csv, notes.csv fit no kind of file"} <= {one.value for one in facts if not one.ok}
    assert sum(not one.ok for one in facts) == len(WHOLE) + 1
    # Each is answered by a file of its name, or by being taken away.
    for name in WHOLE:
        desk.drop(f"invoices-{name}.csv", f"{HEADER}\n{name},1,2026-01-01,1,good,1,1\n")
    found, _, trouble = await desk.pull(Kind.INVOICE)
    assert set(found) == set(WHOLE)
    assert not trouble
    assert (desk.inbox / "invoices-link.csv").is_symlink()


async def test_bad_rows_are_named_and_take_nobody_with_them(desk: Desk) -> None:
    desk.drop(
        "invoices.csv",
        f"{HEADER},due_date,line_count\n"
        "1,1,2026-01-01,1,good,1,1,1900-01-01,\n"
        "2,1,2026-01-01,1,a,1,1,,\n2,1,2026-01-01,2,b,x1,1,,\n"
        "3,1,31/01/2026,1,a,1,1,,\n"
        "4,1,2026-01-01,1,a,1,1,,\n4,2,2026-01-01,2,b,1,1,,\n"
        "5,1,2026-01-01,1,a,1,1,,\n5,1,2026-01-01,1,b,1,1,,\n"
        "6,1,2026-01-01,1,a,1,1\n"
        "7,1,2026-01-01,1,a, 10,2,1,,\n"
        "8,1,2026-01-01,1,a,1,,,\n"
        "9,,2026-01-01,1,a,1,1,,\n"
        "10,1,2026-01-01,1,a,1,1,,2\n"
        "11,1,2026-01-01,1,a,1,1.2E+08,,\n"
        "12,1,1900-01-01,1,a,1,1,,\n"
        ",1,2026-01-01,1,a,1,1,,\n"
        "13,1,,1,scattered,1,1,,2\n14,1,2026-01-02,1,good,1,1,,1\n13,1,2026-01-03,2,scattered,1,1,,\n",
    )
    found, skipped, trouble = await desk.pull(Kind.INVOICE)
    assert set(found) == {"1", "13", "14"}
    assert found["1"].due_date is None
    assert (found["13"].date, len(found["13"].lines)) == (dt.date(2026, 1, 3), 2)
    expected = {
        "2": "line 4, quantity: x1 is no number",
        "3": "line 5, invoice_date: 31/01/2026 is no date",
        "4": "line 7, customer_id: differs",
        "5": "line 9, line_no: 1 is there already, on line 8",
        "6": "line 10: has 7 cells, the header has 9: cut off?",
        "7": "line 11: has 10 cells, the header has 9: text with the delimiter",
        "8": "line 12, unit_price: is blank",
        "9": "line 13, customer_id: is blank, and customer_name too",
        "10": "line 14, line_count: says 2, the file has 1",
        "11": "line 15, unit_price: 1.2E+08 was rounded",
        "12": "line 16, invoice_date: is blank, or no date",
    }
    assert set(skipped) == set(expected)
    for id, words in expected.items():
        assert skipped[id].startswith(f"invoices.csv, {words}"), skipped[id]
    assert "invoices.csv has 1 row that belong to no record: line 17, invoice_id: is blank" in trouble
    listed = next((desk.inbox / "done").glob("*.errors.csv"))
    rows = list(csv.DictReader(io.StringIO(listed.read_text("utf-8-sig"))))
    assert {"file": "invoices.csv", "line": "4", "column": "quantity", "id": "2", "reason": "x1 is no number"} in rows
    assert {row["id"] for row in rows} == {*expected, ""}
    assert {(row["source_id"], row["status"]) for row in desk.results()} == {(id, "refused") for id in expected}
    # The mended document is read, all others stay; taking the list away answers the row without a key.
    desk.drop("invoices-2.csv", f"{HEADER},currency\n2,1,2026-01-01,1,a,1,1000.005,GBP\n2,1,2026-01-01,2,b,1,1,\n")
    listed.unlink()
    found, skipped, trouble = await desk.pull(Kind.INVOICE)
    assert (set(found), skipped, trouble) == ({"2"}, {}, "")
    facts = {fact.title: fact.value for fact in await desk.reader.check()}
    assert facts["invoices.csv"] == "3 documents, net 4.00; 11 refused"
    assert facts["invoices-2.csv"] == "1 document, net 1,001.01 GBP"
    found, skipped, _ = await desk.pull(Kind.INVOICE, again=True)
    assert set(found) == {"1", "2", "13", "14"}
    assert set(skipped) == set(expected) - {"2"}


async def test_single_rows_that_contradict_each_other(desk: Desk) -> None:
    desk.drop(
        "items.csv",
        "code,name,sales_price,active\nA,Cable,1.00005,yes\nB,Box,2,maybe\nA,Cable,1.00005,yes\nC,One,1,\nC,Two,1,\n"
        "007,Bond,1,no\n7.0,Seven,1,\n",
    )
    found, skipped, _ = await desk.pull(Kind.ITEM)
    assert set(found) == {"A", "007", "7.0"}
    assert (found["A"].sales_price, found["007"].active) == (Decimal("1.0001"), False)
    assert "lines 5, 6" in skipped["C"]
    assert "maybe is neither yes nor no" in skipped["B"]


@given(
    st.decimals(-999_999_999, 999_999_999, places=4),
    st.sampled_from([".", ","]),
    st.sampled_from(["", "group", " ", "\u00a0", "'"]),
    st.sampled_from(["{}", "£{}", "{} €", " {} "]),
)
def test_numbers_mean_what_was_typed(value: Decimal, sign: str, parted: str, dress: str) -> None:
    """By the decimal sign of the file, whatever parts the thousands; the other sign is never taken for it."""
    group = (".", ",")[sign == "."] if parted == "group" else parted
    text = f"{value:,f}".replace(",", "\x00").replace(".", sign).replace("\x00", group)
    assert csv_format.number(dress.format(text), sign) == value
    assert csv_format.decimal_evidence(text) in (sign, "?" if group else sign)
    for wrong in ("", "-", "1e5x", "12 apples", "1.2.3", "1,2,3", "NaN", "0x1f", "1_000", "٣"):
        with pytest.raises(ValueError):
            csv_format.number(wrong, sign)


# --------------------------------------------------------------------------------------------------- taking, once


def _program(*arguments: str) -> str:
    """What `csv_killed` prints."""
    program = Path(__file__).with_name("csv_killed.py")
    done = subprocess.run(
        [sys.executable, str(program), *arguments],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    return done.stdout


def test_a_process_killed_at_any_moment_loses_nothing_and_takes_nothing_twice(tmp_path: Path) -> None:
    shown = [json.loads(line) for line in _program(str(tmp_path)).splitlines()]
    assert len(shown) > 50, "the steps in the file system aren't seen"
    right = {
        "files": ["customers.csv", "invoices-a.csv", "invoices-b.csv"],
        "numbers": 3,
        "failed": ["suppliers.csv"],
        "records": [["7", False], ["8", True], ["9", False]],
        "left": [],
        "told": ["7 DRAFT", "8 refused", "9 DRAFT"],
        "parts": [],
    }
    for step, one in enumerate(shown, 1):
        assert one == right, f"killed before step {step}"


async def test_the_same_content_is_taken_once_and_the_same_name_again(desk: Desk) -> None:
    old, new = "id,name\n1,Old\n2,Two\n", "id,name\n1,New\n"
    desk.drop("customers.csv", old)
    assert {one.name for one in (await desk.pull(Kind.CUSTOMER))[0].values()} == {"Old", "Two"}
    for name in ("customers.csv", "customers-copy.csv"):
        desk.drop(name, old)
        assert await desk.pull(Kind.CUSTOMER) == ({}, {}, "")
    desk.drop("customers.csv", new)
    assert (await desk.pull(Kind.CUSTOMER))[0]["1"].name == "New"
    assert desk.lying("done") == ["customers.csv", "customers.csv"]
    # What was taken before and followed by a newer file could be meant or a mistake: a person says.
    desk.drop("customers.csv", old)
    found, _, trouble = await desk.pull(Kind.CUSTOMER)
    assert not found
    assert "was taken already on 2026-11-22 as customers.csv, and customers.csv after it has 1 too" in trouble
    desk.drop("customers.csv", old + "\n")
    found, _, trouble = await desk.pull(Kind.CUSTOMER)
    assert (found["1"].name, trouble) == ("Old", "")
    # Names with dates in them hide nothing: what came back is said, under whichever name.
    desk.drop("customers-20261123.csv", new)
    assert "customers.csv after it has 1 too" in (await desk.pull(Kind.CUSTOMER))[2]
    desk.drop("customers-20261123.csv", "id,name\n1,Newest\n")
    assert (await desk.pull(Kind.CUSTOMER))[2] == ""
    # Read in another way it says something else.
    desk.drop("taxes.csv", 'code,description,rate\nS,Standard,"17,5"\n')
    assert (await desk.pull(Kind.TAX_RATE))[0]["S"].rate == Decimal("17.5")
    desk.make(csv_decimal="dot")
    desk.drop("taxes.csv", 'code,description,rate\nS,Standard,"17,5"\n')
    assert "S" in (await desk.pull(Kind.TAX_RATE))[1]


async def test_a_document_split_over_two_files_is_refused_until_it_comes_whole(desk: Desk) -> None:
    def lines(*numbers: int, text: str = "x") -> str:
        return HEADER + "".join(f"\n7,1,2026-01-01,{n},{text},1,1" for n in numbers)

    desk.drop("invoices-a.csv", lines(1, 2))
    assert "7" in (await desk.pull(Kind.INVOICE))[0]
    desk.drop("invoices-b.csv", lines(3) + "\n8,1,2026-01-01,1,whole,1,1")
    found, skipped, _ = await desk.pull(Kind.INVOICE)
    assert set(found) == {"8"}
    assert "split over invoices-a.csv and invoices-b.csv" in skipped["7"]
    with pytest.raises(SourceRefused, match="split over"):
        await desk.reader.get(Kind.INVOICE, "7")
    # Either half alone, even with other words, is no whole.
    desk.drop("invoices-c.csv", lines(1, 2, text="again"))
    assert "split over" in (await desk.pull(Kind.INVOICE))[1]["7"]
    desk.drop("invoices-d.csv", lines(1, 2, 3, 4))
    assert len((await desk.pull(Kind.INVOICE))[0]["7"].lines) == 4
    # A new version shares lines with the old one, and may have less of them.
    desk.drop("invoices-e.csv", lines(2))
    assert len((await desk.pull(Kind.INVOICE))[0]["7"].lines) == 1
    # Where the file counts them there is nothing to guess.
    desk.drop(
        "invoices-f.csv", lines(11, 12).replace(HEADER, HEADER + ",line_count").replace(",1,1\n", ",1,1,2\n") + ",2"
    )
    assert [one.id for one in (await desk.pull(Kind.INVOICE))[0]["7"].lines] == ["11", "12"]


def test_a_file_is_taken_when_it_is_still_or_vouched_for(tmp_path: Path) -> None:
    now = [100.0]
    folder = Folder(tmp_path, tuple(TABLES), 10, lambda: now[0])
    log = CsvLog(folder, Options(), lambda: NOW)
    growing, body = tmp_path / "items.csv", "code,name\n"
    growing.write_text(body)
    folder.reach()
    assert folder.unsettled() == 10
    now[0] += 9
    growing.write_text(body + "A,Cable")
    assert folder.unsettled() == 10
    now[0] += 9
    assert log.take() == 0
    assert folder.unsettled() == 1
    now[0] += 1
    assert log.take() == 1
    # A marker vouches for the file that is there, at once and for no other.
    (tmp_path / "items.csv").write_text(body + "B,Box")
    (tmp_path / "items.csv.done").touch()
    assert log.take() == 1
    assert not (tmp_path / "items.csv.done").exists()
    (tmp_path / "items.done").touch()
    (tmp_path / "items.csv").write_text(body + "C,Cup")
    os.utime(tmp_path / "items.done", ns=(0, (tmp_path / "items.csv").stat().st_mtime_ns - 1))
    assert log.take() == 0
    assert folder.unsettled() == 10
    folder.gave_up()
    assert folder.unsettled() == 0, "a file that doesn't get still is not waited for again and again"
    now[0] += 10
    assert log.take() == 1
    assert [kept.id for kept in log.since("items", 0)] == ["A", "B", "C"]


async def test_a_file_that_is_written_on_after_it_was_taken_is_taken_again(desk: Desk) -> None:
    """Who writes it keeps it open and pauses for longer than a file has to be still: nothing of it is lost."""
    desk.drop("customers.csv", "id,name\n5,Acme\n")
    with (desk.inbox / "invoices.csv").open("w") as file:
        file.write(f"{HEADER}\n7,5,2026-11-01,1,a,1,10\n")
        file.flush()
        found, _, _ = await desk.pull(Kind.INVOICE)
        assert [len(found[id].lines) for id in "7"] == [1]
        file.write("7,5,2026-11-01,2,b,1,20\n8,5,2026-11-01,1,c,1,30\n")
    for make in (False, True, True):
        if make:
            desk.make()
        found, skipped, trouble = await desk.pull(Kind.INVOICE, again=make)
        assert ([len(found[id].lines) for id in "78"], skipped, trouble) == ([2, 1], {}, "")
        assert (await desk.pull(Kind.INVOICE))[0] == {}
    assert desk.lying("done").count("invoices.csv") == 2
    for one in (desk.inbox / "done").glob("*.csv"):
        os.utime(one, (1, 1))
    assert (await desk.pull(Kind.INVOICE))[0] == {}, "put back from a backup, it says the same"
    assert not desk.lying("failed")


async def test_what_happens_to_the_log_itself(desk: Desk) -> None:
    desk.drop("customers.csv", "id,name\n1,Ann\n2,Bo\n")
    desk.drop("invoices.csv", f"{HEADER}\n7,1,2026-01-31,1,a,1,1\n8,1,2026-01-31,1,a,b,1\n")
    before = [await desk.pull(kind) for kind in (Kind.CUSTOMER, Kind.INVOICE)]
    # Kept rows are a cache; they are made again as the file was read then, whatever the settings say now.
    for one in (desk.inbox / "done" / ".rows").glob("*.jsonl"):
        one.unlink()
    desk.make(csv_date_format="%d.%m.%Y")
    assert [await desk.pull(kind, again=True) for kind in (Kind.CUSTOMER, Kind.INVOICE)] == before
    # Other settings read everything anew, the same ones nothing.
    assert await desk.pull(Kind.INVOICE) == ({}, {}, "")
    desk.make(csv_date_format="%d.%m.%Y", invoice_number="X{id}")
    assert (await desk.pull(Kind.INVOICE))[0]["7"].number == "X7"
    # An old file was taken out of the log: it is forgotten, never told as gone, and its number doesn't come again.
    next((desk.inbox / "done").glob("*.invoices.csv")).unlink()
    assert await desk.pull(Kind.INVOICE, again=True) == ({}, {}, "")
    with pytest.raises(SourceRefused, match="names invoice 7"):
        await desk.reader.get(Kind.INVOICE, "7")
    assert await desk.reader.vanished(Kind.INVOICE, ["7"]) == ()
    desk.drop("invoices.csv", f"{HEADER}\n9,1,2026-01-31,1,a,1,1\n")
    assert set((await desk.pull(Kind.INVOICE))[0]) == {"9"}
    assert [one.seq for one in desk.reader.folder.taken()] == [1, 3]
    # The whole log was swept away: the cursor of the old one hides nothing of the new one.
    for one in (desk.inbox / "done").iterdir():
        if one.is_file():
            one.unlink()
    desk.drop("customers.csv", "id,name\n1,Ann\n")
    assert set((await desk.pull(Kind.CUSTOMER))[0]) == {"1"}


async def test_folders_that_are_away_or_closed_are_said_in_words(desk: Desk, tmp_path: Path) -> None:
    desk.make(csv_inbox=str(tmp_path / "gone"))
    with pytest.raises(SourceUnreachable, match="gone isn't there") as caught:
        await desk.pull(Kind.CUSTOMER)
    assert not caught.value.sent
    with pytest.raises(SourceUnreachable, match="gone isn't there"):
        await desk.reader.check()
    with pytest.raises(SourceUnreachable, match="gone isn't there"):
        await desk.reader.get(Kind.CUSTOMER, "1")
    assert not (tmp_path / "gone").exists(), "a folder that isn't mounted must not be made in its place"
    (tmp_path / "file").write_text("")
    desk.make(csv_inbox=str(tmp_path / "file"))
    with pytest.raises(SourceRefused, match="file is no folder"):
        await desk.pull(Kind.CUSTOMER)
    desk.make(csv_outbox=str(tmp_path / "gone"))
    with pytest.raises(SourceUnreachable, match="gone isn't there"):
        await desk.reader.check()
    with pytest.raises(SourceRefused, match="whole path"):
        desk.make(csv_inbox="some/where")
    desk.make()
    shutil.rmtree(desk.inbox / "done")
    (desk.inbox / "done").write_text("")
    with pytest.raises((SourceRefused, SourceUnreachable), match="done"):
        await desk.pull(Kind.CUSTOMER)


def test_a_folder_that_cant_be_written_to_is_said_in_words() -> None:
    first, second = _program().splitlines()
    assert "/in/taking can't be written to: taken files are moved inside the folder" in first
    assert "can't be written to" in second
    assert "/out/" in second


def test_a_large_file_is_never_held_whole(tmp_path: Path) -> None:
    text = "long " * 4000
    with (tmp_path / "invoices.csv").open("w") as file:
        file.write(HEADER + "\n")
        for n in range(400):
            file.write(f"{n},1,2026-01-01,1,{text},1,1\n")
    size = (tmp_path / "invoices.csv").stat().st_size
    log = CsvLog(Folder(tmp_path, tuple(TABLES), 0), Options(), lambda: NOW)
    tracemalloc.start()
    try:
        log.take()
        assert sum(1 for _ in log.since("invoices", 0)) == 400
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size * 0.6, f"{peak} bytes for a file of {size}"


# ----------------------------------------------------------------------------------------------- who a row is about


async def test_names_organisations_and_taxes_are_looked_up_when_they_are_known(desk: Desk) -> None:
    desk.make(organisations=f"London = {LONDON}")
    header = HEADER.replace("customer_id", "customer_name") + ",organisation,tax_code,currency"
    desk.drop(
        "invoices.csv",
        f"{header}\n1,Ann Ltd,2026-01-01,1,a,1,100,,S,GBP\n2,Bo,2026-01-01,1,a,1,1,london,,\n"
        f"3,Bo,2026-01-01,1,a,1,1,Paris,,\n4,Twin,2026-01-01,1,a,1,1,{LONDON.upper()},,\n",
    )
    found, skipped, _ = await desk.pull(Kind.INVOICE)
    assert not found
    assert "nobody is called Ann Ltd" in skipped["1"]
    assert "Paris isn't among the connection's Organisations" in skipped["3"]
    desk.drop(
        "customers.csv",
        "id,name,organisation,top_level,due_days,due_type\nA1,ANN\u00a0 Ltd,,London,14,0\nB,Bo,,,,\n"
        "C,Twin,,,,\nD,twin,,,,\n",
    )
    desk.drop("taxes.csv", "code,description,rate\nS,Standard,20%\n")
    found, skipped, _ = await desk.pull(Kind.INVOICE)
    one = found["1"]
    assert (one.party, one.tenant, one.due_date) == ("A1", LONDON, dt.date(2026, 1, 15))
    assert (one.lines[0].tax_rate, one.lines[0].account, found["2"].tenant) == ("S", "200", LONDON)
    assert "Twin is the name of C, D" in skipped["4"]
    # A customer who moves takes the invoices along.
    desk.drop("customers-2.csv", "id,name,due_days,due_type\nA1,Ann Ltd,30,0\n")
    found, _, _ = await desk.pull(Kind.INVOICE)
    assert (found["1"].due_date, found["1"].tenant) == (dt.date(2026, 1, 31), "")
    assert [r.id for r in await desk.reader.find(Kind.CUSTOMER, Keys(name="ann ltd"))] == ["A1"]
    assert [r.id for r in await desk.reader.find(Kind.INVOICE, Keys(number="nhd-001"))] == ["1"]
    assert await desk.reader.find(Kind.CUSTOMER, Keys(number="x", name="y", xero_id="z")) == ()


async def test_orders_charges_and_marks(desk: Desk) -> None:
    # The contract's own header goes before another word for it; the other one isn't used, and is named.
    desk.drop("suppliers.csv", "supplier_id,supplier_name,active,ID\nX,Parts,no,5\n1.000,Thousand,,6\n")
    desk.drop("charges.csv", "code,name,rate,tax,account_code\n3,Labour,95.5,S,LAB\n")
    desk.drop(
        "purchase_orders.csv",
        "po_id,supplier_id,date,line_no,description,quantity,unit_price,carriage,approved,heading,voided\n"
        "4,5,2026-02-03,2,Cable,2,3,7.5,yes,,\n4,5,2026-02-03,1,Part one,,,,,yes,\n"
        "6,5,2026-02-03,1,a,1,1,,no,,\n7,5,2026-02-03,1,a,1,1,,,,yes\n",
    )
    found, skipped, _ = await desk.pull(Kind.PURCHASE_ORDER)
    assert not skipped
    # A line without a tax takes that of its item, by the side of the document.
    desk.drop("taxes.csv", "code,description,rate\nS,Sales,20\nP,Purchases,20\n")
    desk.drop("items.csv", "code,name,sales_tax,purchase_tax\nCab,Cable,S,P\n")
    head = "po_id,supplier_id,date,line_no,item_code,description,quantity,unit_price"
    desk.drop("purchase_orders-8.csv", f"{head}\n8,5,2026-02-03,1,CAB,a,1,1\n")
    lines = (await desk.pull(Kind.PURCHASE_ORDER))[0]["8"].lines
    assert [(one.item, one.item_code, one.tax_rate) for one in lines] == [("Cab", "CAB", "P")]
    lines = found["4"].lines
    assert [one.heading for one in lines] == [True, False, False]
    assert (lines[1].unit_price, lines[2].unit_price, found["4"].number) == (3, Decimal("7.5"), "NHDPO-004")
    assert (found["6"].unfinished, found["7"].excluded) == (
        "waits for approval in NetHelpDesk", "voided in NetHelpDesk",
    )  # fmt: skip
    assert (await desk.pull(Kind.SUPPLIER))[0]["5"].active is False
    assert any("not used: supplier_id" in fact.value for fact in await desk.reader.check())
    (charge,) = await desk.reader.choices("charge_rate")
    assert (charge.id, charge.name, charge.code) == ("3", "Labour", "LAB")  # type: ignore[union-attr]
    assert await desk.reader.choices("other") == ()


def test_keys_that_were_numbers_are_what_was_meant() -> None:
    """Keys come as FLOAT too; three zeros after a sign may be thousands, and stay as they are."""
    meant = {
        "12.0": "12",
        "12,00": "12",
        "12.000000": "12",
        "12": "12",
        "1.000": "1.000",
        "1,000": "1,000",
        "A.0": "A.0",
    }
    assert {text: key(text) for text in meant} == meant


def test_headers_of_ones_own_are_columns_or_refused() -> None:
    found = headers_of(" Kunden-Nr = customer_id ; Nr = invoices.invoice_id")
    assert found == {"kunden_nr": "customer_id", "invoices.nr": "invoice_id"}
    for wrong in ("x", "x = nothing", "= customer_id", "x = items.customer_id"):
        with pytest.raises(ValueError, match="entries such as"):
            headers_of(wrong)


# ------------------------------------------------------------------------------------------------------- telling


async def test_each_outcome_is_named_once_and_reads_back(desk: Desk) -> None:
    desk.drop("customers.csv", "id,name\n1,Ann\n")
    desk.drop("invoices.csv", f"{HEADER}\n7,1,2026-01-31,1,a,1,10\n8,1,2026-01-31,1,a,1,10\n")
    link = Attachment(kind=Kind.INVOICE, record="7", xero_id=LONDON, tenant="t-1", number="-100", status="AUTHORISED")
    other = Attachment(kind=Kind.CUSTOMER, record="1", xero_id=LONDON, tenant="t-1")
    for _ in range(2):
        await desk.reader.attach([link, other])
        await desk.reader.attach([other])
        desk.make()
    assert len(desk.results()) == 2
    # Picked up by the help desk, it isn't told again either.
    for one in (desk.outbox / "results").glob("*.csv"):
        one.unlink()
    await desk.reader.attach([link])
    assert desk.results() == []
    one = (await desk.pull(Kind.INVOICE))[0]["7"]
    assert (one.xero_id, one.tenant, one.status) == (LONDON, "t-1", "AUTHORISED")
    assert (await desk.pull(Kind.CUSTOMER))[0]["1"].xero_id == LONDON
    part = Settlement(
        xero_id=LONDON, status=PART, paid=Decimal("4.50"), due=Decimal("5.50"), paid_on=dt.date(2026, 2, 1)
    )
    credit = Settlement(xero_id=LONDON, status=PAID, paid=Decimal(0), credited=Decimal(10), currency="GBP")
    back = Settlement(xero_id=LONDON, status=UNPAID, due=Decimal(10))
    for settlement in (part, part, back, part):
        assert await desk.reader.settle(Kind.INVOICE, "7", settlement) == ()
    assert "10 GBP was settled by credit" in (await desk.reader.settle(Kind.INVOICE, "8", credit))[0]
    await desk.reader.attach([link])
    rows = [(r["source_id"], r["status"], r["amount_paid"], r["amount_due"], r["date_paid"]) for r in desk.results()]
    assert sorted(rows) == [
        ("7", "part-paid", "4.50", "5.50", "2026-02-01"), ("7", "part-paid", "4.50", "5.50", "2026-02-01"),
        ("7", "unpaid", "0", "10", ""), ("8", "paid", "0", "0", ""),
    ]  # fmt: skip
    assert (await desk.reader.get(Kind.INVOICE, "7")).xero_id == LONDON
    desk.make(csv_outbox="")
    with pytest.raises(SourceRefused, match="Folder written"):
        await desk.reader.attach([link])
    assert not abilities(desk.reader.settings).has(Capability.ATTACH)


def test_a_journal_line_cut_off_was_never_told(tmp_path: Path) -> None:
    first, second = (Outcome(kind="invoice", id=id, xero_id="x", status="DRAFT") for id in ("1", "2"))
    Outbox(tmp_path).tell([first], NOW)
    journal = tmp_path / "results" / ".told.jsonl"
    whole = journal.read_bytes()
    Outbox(tmp_path).tell([second], NOW)
    name = max((tmp_path / "results").glob("*.csv"), key=lambda one: one.read_bytes().count(b'"2"'))
    part = name.with_name(f".{name.name}.part")
    name.rename(part)
    journal.write_bytes(journal.read_bytes()[: len(whole) + 20])
    assert Outbox(tmp_path).tell([first, second], NOW)
    assert not part.exists()
    assert journal.read_bytes().count(b"\n") == 2
    rows = [one.read_text("utf-8-sig").splitlines()[1:] for one in (tmp_path / "results").glob("*.csv")]
    assert len(rows) == 2
    # Its line was whole and the name alone was missing: it gets it, and is not told again.
    name.rename(part)
    assert not Outbox(tmp_path).tell([first, second], NOW)
    assert name.exists()
    assert not part.exists()


async def test_new_records_are_handed_over_whole_and_come_back_the_same(desk: Desk) -> None:
    hostile = Party(
        id="c1", kind=Kind.CUSTOMER, name="=HYPERLINK(\"http://x\")\n@Home", xero_id=LONDON, number="-100",
        phone="+44 (0)20 7946 0000", address=Address(("1 +Road", "-Two"), "Town", "Region", "SW1", "UK"),
    )  # fmt: skip
    plain = Party(id="c2", kind=Kind.CUSTOMER, name="Zed", number="=cmd|'/C calc'!A0", first_name="@Bo\x00")
    assert await desk.reader.hand_over(Kind.CUSTOMER, [plain, hostile]) == "import/customers_new.csv"
    path = desk.outbox / "import" / "customers_new.csv"
    first, stamp = path.read_bytes(), path.stat().st_mtime_ns
    assert await desk.reader.hand_over(Kind.CUSTOMER, [hostile, plain])
    assert path.stat().st_mtime_ns == stamp, "the same records leave the file alone"
    rows = list(csv.DictReader(io.StringIO(first.decode("utf-8-sig"), newline="")))
    assert rows[0]["name"] == '\'=HYPERLINK("http://x")\n@Home'
    assert (rows[0]["account_code"], rows[0]["phone"]) == ("-100", "+44 (0)20 7946 0000")
    assert (rows[0]["address2"], rows[0]["address4"]) == ("'-Two", "Region")
    assert (rows[1]["account_code"], rows[1]["first_name"]) == ("'=cmd|'/C calc'!A0", "'@Bo")
    # Imported and exported again it is the same name, which is what it is found by.
    body = first.decode("utf-8-sig").replace('"",', '"51",', 1)
    desk.drop("customers.csv", body)
    found, skipped, _ = await desk.pull(Kind.CUSTOMER)
    assert [one.name for one in found.values()] == [hostile.name]
    assert len(skipped) == 0
    assert await desk.reader.hand_over(Kind.CUSTOMER, []) == ""
    assert not path.exists()
    taxes = [TaxRate(id="t", kind=Kind.TAX_RATE, name="20% (VAT)", code="OUTPUT2", rate=Decimal("20.0"))]
    items = [Item(id="i", kind=Kind.ITEM, name="Cable", code="+5V", sales_price=Decimal("1.5000"))]
    for kind, records, words in ((Kind.TAX_RATE, taxes, '"OUTPUT2","20% (VAT)","20.0"'),
                                 (Kind.ITEM, items, '"+5V","Cable","","1.5000"')):  # fmt: skip
        name = await desk.reader.hand_over(kind, records)
        assert words in (desk.outbox / name).read_text("utf-8-sig")
    assert list(desk.outbox.rglob("*.part")) == []


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), st.sampled_from(["", *FORMULA, "'="]))
def test_no_cell_begins_a_formula_and_every_text_comes_back(text: str, begin: str) -> None:
    value = (begin + text).strip()
    written = safe(value)
    assert not written.startswith(FORMULA)
    if not value.startswith(("'", '="')):
        assert cleaned(written) == value
    assert tuple(RESULT)[:2] == ("source_kind", "source_id")


def test_two_who_read_one_folder_take_each_file_once(tmp_path: Path) -> None:
    for n in range(30):
        (tmp_path / f"items-{n}.csv").write_text(f"code,name\nC{n},Cable\n")
    logs = [CsvLog(Folder(tmp_path, tuple(TABLES), 0), Options(), lambda: NOW) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        taken = list(pool.map(lambda log: log.take(), logs))
    assert sum(taken) == 30
    assert [one.seq for one in logs[0].folder.taken()] == list(range(1, 31))
    for log in logs:
        log.load()
        assert sorted(kept.id for kept in log.since("items", 0)) == sorted(f"C{n}" for n in range(30))


async def test_credits_voided_ones_and_money_on_headings_in_files(desk: Desk) -> None:
    """What the database's rules say of them holds for files: none is invoiced, dropped or kept open in silence."""
    desk.drop(
        "invoices.csv",
        f"{HEADER},net,tax_amount,heading,voided,IHCreditLinkedToInvoiceId\n1,1,2026-01-01,1,Back,-1,50,,,,,0\n"
        "2,1,2026-01-01,1,a,1,50,50,10,,,1\n3,1,2026-01-01,1,a,1,50,50,10,,yes,\n"
        "4,1,2026-01-01,1,Part one,2,100,,,yes,,-1\n5,1,2026-01-01,1,a,1,33.335,33.335,0,,,\n"
        "5,1,2026-01-01,2,b,1,33.335,33.335,0,,,\n5,1,2026-01-01,3,c,1,33.335,33.335,0,,,\n",
    )
    found, skipped, _ = await desk.pull(Kind.INVOICE)
    assert not skipped
    assert ["credit note" in found[id].excluded for id in "12345"] == [True, True, False, False, False]
    assert [found[id].status for id in "12345"] == ["", "", "VOIDED", "", ""]
    assert "line 1: it is a heading, and carries money" in found["4"].facts["line_faults"]
    assert found["4"].lines[0].quantity == 2
    assert found["5"].total == Decimal("100.01"), "the rounded lines make 100.02, which the core compares"
