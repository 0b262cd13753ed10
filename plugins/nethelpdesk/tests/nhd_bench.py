"""What the tests of NetHelpDesk's database share: a small file with a few tables, and a source that reads it."""

import datetime as dt
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from xerotui.model.kinds import Kind
from xerotui.model.settings import fill
from xerotui.source.contract import Page
from xerotui_nethelpdesk.reading import SqlReader
from xerotui_nethelpdesk.source import NetHelpDeskSource

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
GUID = "5b1c7a10-8d5b-4a63-9b0e-3f2d5c1a7e44"
# An installation as small as one can be: nothing but what is required, and a currency in symbols alone.
SMALL = """
CREATE TABLE AREA (Aarea INT, aareadesc TEXT, aaccountsid TEXT, APaymentTerms INT);
CREATE TABLE COMPANY (Cnum INT, cdesc TEXT);
CREATE TABLE ITEM (Iid INT, idesc TEXT, Iaccountsid TEXT, Itaxcode INT, Ibaseprice REAL);
CREATE TABLE Tax (TaxID INT, TaxCode TEXT, TaxDescription TEXT, TaxValue REAL);
CREATE TABLE INVOICEHEADER (IHid INT, IHaarea INT, IHInvoice_Date TEXT, IHDue_Date TEXT, IHCurrency TEXT,
  IHPosted INT, IHLast_Modified TEXT);
CREATE TABLE INVOICEDETAIL (IDid INT, IDIHid INT, ID_ItemID INT, IDItem_ShortDescription TEXT,
  IDItem_LongDescription TEXT, IDQty_Order REAL, IDUnit_Price REAL, IDNet_Amount REAL, IDTax_Amount REAL,
  IDTax_Code TEXT);
CREATE TABLE SUPPLIERORDERHEADER (SHid INT, SHSupplierID INT, SHPODate TEXT, SHApprovalStatus INT, SHCurrency TEXT,
  SHCarriagePrice REAL);
CREATE TABLE SUPPLIERORDERDETAIL (SDid INT, SDSHid INT, SDDesc TEXT, SDquantity REAL, SDPrice REAL, SDTaxCode INT);
INSERT INTO AREA VALUES (7, 'Acme Ltd   ', ' ACM7 ', 30), (8, 'Bolt ' || char(160) || 'Ltd', NULL, NULL);
INSERT INTO COMPANY VALUES (3, 'Parts plc');
INSERT INTO ITEM VALUES (5, 'Cable', 'CAB', 1, 19.995);
INSERT INTO Tax VALUES (1, 'T1', 'Standard', 20.0), (2, 'T2', 'Nought', 0.0);
INSERT INTO INVOICEHEADER VALUES
  (1, 7, '2026-11-01 00:00:00', '1900-01-01 00:00:00', '£', NULL, '2026-11-20 10:00:00'),
  (2, 8, '2026-11-02', NULL, '£', 1, '2026-11-20 11:00:00'),
  (-3, 7, '2026-11-02', NULL, '£', 0, '2026-11-20 11:00:00');
INSERT INTO INVOICEDETAIL VALUES
  (11, 1, 5, 'Cable  ', 'ten metres', 2.0, 19.995, 39.99, 8.0, 'T1'),
  (12, 1, NULL, 'Work', NULL, 1.0, 0.30000000000000004, 0.30000000000000004, 0.06, '1'),
  (21, 2, 5, 'Cable', NULL, 1.0, 10.0, 10.0, 2.0, 'T1'),
  (99, 77, 5, 'Orphan', NULL, 1.0, 10.0, 10.0, 2.0, 'T1');
INSERT INTO SUPPLIERORDERHEADER VALUES (4, 3, '2026-11-03', 2, '£', 4.5), (5, 3, '2026-11-03', 1, '£', 0);
INSERT INTO SUPPLIERORDERDETAIL VALUES (41, 4, 'Reel', 3, 7.25, 1);
"""


class Bench:
    """A file, and sources that read it; it is their context."""

    connection = "nhd-1"
    secrets: Any = None
    http: Any = None

    def __init__(self, home: Path, script: str = SMALL) -> None:
        self.file = home / "NetHelpDesk.db"
        self.time = NOW
        self.log = structlog.wrap_logger(logging.getLogger("nethelpdesk-tests"))
        self.sent: list[str] = []
        self.sql(script)
        self.source = self.make()

    def sql(self, script: str) -> None:
        """What a person changes at the program."""
        connection = sqlite3.connect(self.file)
        connection.executescript(script)
        connection.close()

    def now(self) -> dt.datetime:
        return self.time

    def cancelled(self) -> bool:
        return False

    def make(self, **changed: str) -> NetHelpDeskSource:
        settings = {"url": f"sqlite:///{self.file}", "db_timezone": "UTC", "symbols": "£ = GBP", **changed}
        made = NetHelpDeskSource(fill(NetHelpDeskSource.settings_type, settings), self)
        if isinstance(made.reader, SqlReader):
            made.reader.database.statements = self.sent.append
        return made

    async def pages(self, kind: Kind, cursor: str = "") -> Sequence[Page]:
        return [page async for page in self.source.pages(kind, cursor)]

    async def pull(self, kind: Kind, cursor: str = "") -> tuple[dict[str, Any], str]:
        """Records by id and the last cursor; what was skipped or is in trouble fails the test."""
        pages = await self.pages(kind, cursor)
        assert not [page for page in pages if page.skipped or page.trouble], pages
        return {r.id: r for page in pages for r in page.records}, pages[-1].cursor
