"""The published suite on NetHelpDesk's database, in each of its ages: what a line can suffer, a file suffers here."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from nhd_handed import names
from sqlalchemy import event

from xerotui.model.kinds import Kind
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.world import build
from xerotui.source.conformance import SourceSuite, Stand
from xerotui_nethelpdesk import dialects
from xerotui_nethelpdesk.emulator import NetHelpDeskEmulator
from xerotui_nethelpdesk.emulator.ddl import XERO
from xerotui_nethelpdesk.source import NetHelpDeskSource

# Table and column in which a person's words are seen.
SHOWN = {
    Kind.CUSTOMER: ("AREA", "aareadesc"),
    Kind.SUPPLIER: ("COMPANY", "cdesc"),
    Kind.ITEM: ("ITEM", "idesc"),
    Kind.INVOICE: ("INVOICEHEADER", "IHCust_Order_Number"),
    Kind.PURCHASE_ORDER: ("SUPPLIERORDERHEADER", "SHAccountsRef"),
}
# Of a document's lines: table, key, document, and a column that holds a number.
LINES = {
    Kind.INVOICE: ("INVOICEDETAIL", "IDid", "IdIHid", "IDUnit_Price"),
    Kind.PURCHASE_ORDER: ("SUPPLIERORDERDETAIL", "SDid", "SDSHid", "SDPrice"),
}
LINKED = {
    Kind.CUSTOMER: "AREA", Kind.SUPPLIER: "COMPANY", Kind.INVOICE: "INVOICEHEADER",
    Kind.PURCHASE_ORDER: "SUPPLIERORDERHEADER",
}  # fmt: skip
WORLD = build(scale=0.1)


class Database(SourceSuite):
    """NetHelpDesk against the emulated database."""

    source: ClassVar = NetHelpDeskSource
    world: ClassVar = staticmethod(lambda: WORLD)
    clock: ClassVar = WorldClock
    edits: ClassVar = tuple(SHOWN)
    spoils: ClassVar = tuple(LINES)
    # A database counts nobody's calls.
    refusal: ClassVar = None

    @pytest.fixture(autouse=True)
    def counted(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Count every statement that any engine sends; nobody waits long for a file that somebody holds."""
        self.statements = 0
        self.reading: sqlite3.Connection | None = None
        monkeypatch.setattr(dialects, "BUSY_SECONDS", 0.2)

        def count(*_: Any) -> None:
            self.statements += 1

        event.listen(sa.Engine, "before_cursor_execute", count)
        yield
        event.remove(sa.Engine, "before_cursor_execute", count)

    async def touch(self, stand: Stand, kind: Kind, id: str, words: str) -> None:
        table, column = SHOWN[kind]
        await stand.control(f"edit/{table}/{id}", {column: words})

    async def remove(self, stand: Stand, kind: Kind, id: str) -> None:
        await stand.control(f"remove/{SHOWN[kind][0]}/{id}", {})

    async def spoil(self, stand: Stand, kind: Kind, id: str) -> None:
        table, key, document, column = LINES[kind]
        line = next(row for row in await stand.seen(f"state/{table}") if str(row[document]) == id)
        await stand.control(f"edit/{table}/{line[key]}", {column: "a lot"})

    async def handed(self, stand: Stand, kind: Kind) -> Sequence[str]:
        return names(stand.settings["csv_outbox"], kind)

    def attachable(self, stand: Stand) -> tuple[Kind, ...]:
        # Of items NetHelpDesk has no column for it; without one a link stays with the core, which is no fault.
        tables = stand.emulator.tables
        return tuple(
            kind for kind, table in LINKED.items()
            if XERO[table][0] in tables[table].columns and any("TenantId" in name for name in tables[table].columns)
        )  # fmt: skip

    # A file has no server that refuses, nor a line whose answer could be lost; but its commit can fail.

    async def cut_before(self, stand: Stand) -> bool:
        # Who has read a row and not the last keeps what is written from being committed.
        path = stand.emulator.store.path
        self.reading = sqlite3.connect(path, check_same_thread=False)
        self.open_row = self.reading.execute("SELECT Aarea FROM AREA")
        self.open_row.fetchone()
        return True

    async def cut_after(self, stand: Stand) -> bool:
        return False

    async def fail(self, stand: Stand) -> bool:
        return False

    async def refuse(self, stand: Stand, words: str) -> bool:
        return False

    async def forbid(self, stand: Stand) -> bool:
        await stand.control("gone", {})
        return True

    async def garble(self, stand: Stand) -> bool:
        await stand.control("gone", {})
        stand.emulator.store.path.write_bytes(b"<html>maintenance</html>" * 200)
        return True

    async def mend(self, stand: Stand) -> None:
        if self.reading is not None:
            self.open_row.close()
            self.reading.close()
            self.reading = None
        await stand.control("back", {})

    def wrong(self, stand: Stand) -> Sequence[Mapping[str, str]]:
        # A file asks for no login.
        return ()

    def dead(self, stand: Stand) -> Mapping[str, str]:
        return {"url": "sqlite:///file:/nowhere/at/all.db?mode=rw&uri=true"}

    def asked(self, stand: Stand) -> int:
        return self.statements


class TestLate(Database):
    """A late release: every column there is, links written back, records created."""

    emulator: ClassVar[Any] = staticmethod(lambda: NetHelpDeskEmulator(allow_insert=True))


class TestMiddle(Database):
    """A release between: taxes in a table, stamps, no columns for links of parties."""

    emulator: ClassVar[Any] = staticmethod(lambda: NetHelpDeskEmulator("middle"))


class TestOld(Database):
    """An old release: taxes in ten slots, no stamps, no columns for links, symbols for currencies."""

    emulator: ClassVar[Any] = staticmethod(lambda: NetHelpDeskEmulator("old"))


del Database
