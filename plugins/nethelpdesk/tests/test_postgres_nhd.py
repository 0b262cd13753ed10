"""The plugin against a real server over TCP: passwords, locks, a server that dies and a line that is cut.

An SQLite file has none of them. The tables are the emulator's of a late release, in the types of a server.
"""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import structlog
from nhd_bench import GUID, Bench

from xerotui.model.kinds import Kind
from xerotui.model.records import Party, Record
from xerotui.model.settings import fill
from xerotui.model.settling import PAID, Settlement
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.world import build
from xerotui.source.conformance.stand import standing
from xerotui.source.contract import Attachment, SourceLocked, SourceRefused, SourceUnreachable
from xerotui_nethelpdesk import dialects, preview, selects
from xerotui_nethelpdesk.emulator import NetHelpDeskEmulator, nasty
from xerotui_nethelpdesk.emulator.ddl import Column, tables_of
from xerotui_nethelpdesk.emulator.seed import Seed
from xerotui_nethelpdesk.mapping import Table, resolve
from xerotui_nethelpdesk.reading import SqlReader
from xerotui_nethelpdesk.settings import NetHelpDeskSettings
from xerotui_nethelpdesk.source import NetHelpDeskSource

psycopg = pytest.importorskip("psycopg", reason="psycopg, the driver of PostgreSQL, isn't installed")
from nhd_postgres import DATABASE, Line, NoServer, Server, line_to, serving  # noqa: E402

# One server serves them all, however many processes share the run.
pytestmark = pytest.mark.xdist_group("postgres")
LOGIN, PASSWORD = "xerotui", "t0p-secret-of-login"
WORLD = build(scale=0.1)
NOON = dt.datetime.combine(WORLD.today, dt.time(12), dt.UTC)
KINDS = (Kind.TAX_RATE, Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM, Kind.INVOICE, Kind.PURCHASE_ORDER)
TYPES = {"i": "integer", "f": "double precision", "b": "boolean", "t": "text", "d": "timestamp", "m": "numeric(19, 4)"}
# What SQLAlchemy and psycopg send by themselves: what they ask when they meet a server, and the ends of transactions.
MEETING = (
    "select pg_catalog.version()", "select current_schema()", "show transaction isolation level",
    "show standard_conforming_strings", 'SAVEPOINT "_pg3_1"', 'RELEASE "_pg3_1"',
)  # fmt: skip
HSTORE = "SELECT typname AS name, oid, typarray"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with the tables and rows of the demo world, and a login with no more than the plugin's own GRANTs."""
    try:
        with serving() as made:
            filled(made)
            yield made
    except NoServer as error:
        pytest.skip(f"no PostgreSQL server can be started here: {error}")


def filled(server: Server) -> None:
    """Tables, rows and login."""
    seed, tables = Seed(WORLD, "late"), tables_of("late")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in tables}
    for name, row in (*seed.rows(), *nasty.rows(WORLD, seed)):
        if name in rows:
            rows[name].append(row)
    found = {n.casefold(): Table(n, columns={c.casefold(): c for c in t.columns}) for n, t in tables.items()}
    usual = NetHelpDeskSettings(writeback=True)
    with server.owner() as connection:
        for name, table in tables.items():
            parts = [f'"{column.name}" {_type(column)}' for column in table.columns.values()]
            connection.execute(f'CREATE TABLE "{name}" ({", ".join(parts)})')
        connection.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{PASSWORD}'")
        dialect = Caller(server).database.url.get_dialect()()
        for one in preview.grants(usual, dialect, resolve({}, found, {}), LOGIN):
            connection.execute(one)
    for name, table in tables.items():
        server.copy(
            name,
            table.columns,
            ([_value(column, row.get(column.name)) for column in table.columns.values()] for row in rows[name]),
        )


def _type(column: Column) -> str:
    return f"varchar({column.size})" if column.type == "s" else TYPES[column.type]


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return column.default
    if column.type == "b":
        return bool(value)
    # PostgreSQL keeps no NUL in a text, and nobody reads one.
    return value.replace("\0", "") if isinstance(value, str) else value


class Caller(Bench):
    """Sources that read the server, and their context; `port` may be that of a line to it."""

    def __init__(self, server: Server, changed: Mapping[str, str] = MappingProxyType({}), *, port: int = 0) -> None:
        self.server, self.port, self.time = server, port or server.port, NOON
        self.log = structlog.wrap_logger(logging.getLogger("nethelpdesk-tests"))
        self.sent: list[str] = []
        self.source = self.make(**changed)

    def make(self, **changed: str) -> NetHelpDeskSource:
        at = f"postgresql+psycopg://{LOGIN}@127.0.0.1:{self.port}/"
        database = changed.pop("database", DATABASE)
        settings = {
            "url": at + database, "password": PASSWORD, "exclude_client_ids": str(nasty.OWN), **changed,
        }  # fmt: skip
        made = NetHelpDeskSource(fill(NetHelpDeskSource.settings_type, settings), self)
        assert isinstance(made.reader, SqlReader)
        made.reader.database.statements = self.sent.append
        return made

    @property
    def database(self) -> Any:
        """The database beneath the source."""
        assert isinstance(self.source.reader, SqlReader)
        return self.source.reader.database

    async def everything(self) -> dict[Kind, dict[str, Record]]:
        """All records."""
        return {kind: (await self.pull(kind))[0] for kind in KINDS}

    async def done(self) -> None:
        """Let go of the server."""
        await self.database.close()


def link(id: str, number: str = "") -> Attachment:
    """A link of an invoice."""
    status = "AUTHORISED" if number else ""
    tenant = WORLD.tenants[0].tenant_id
    return Attachment(kind=Kind.INVOICE, record=id, xero_id=GUID, tenant=tenant, number=number, status=status)


def row(server: Server, id: str) -> tuple[Any, ...]:
    """Of an invoice: who changed it last, link, number, posted, paid."""
    columns = '"IHXeroID", "IH3rdPartyInvoiceNumber", "IHPosted", "IHAmountPaid", "ihdatepaid"'
    with server.owner() as connection:
        found = connection.execute(f'SELECT xmin::text, {columns} FROM "INVOICEHEADER" WHERE "IHid" = {int(id)}')
        return found.fetchone() or ()


def free(server: Server) -> list[str]:
    """Invoices without a link."""
    with server.owner() as connection:
        asked = 'SELECT "IHid" FROM "INVOICEHEADER" WHERE "IHid" > 0 AND "IHXeroID" IS NULL ORDER BY 1'
        return [str(one[0]) for one in connection.execute(asked)]


async def test_what_a_server_holds_is_read_as_from_a_file_by_nothing_but_select(server: Server, tmp_path: Path) -> None:
    """Booleans, timestamps and NUMERIC instead of SQLite's few types; the server's own log says what it was sent."""
    async with standing(NetHelpDeskSource, NetHelpDeskEmulator(), WORLD, WorldClock, tmp_path) as stand:
        own = {name: value for name, value in stand.settings.items() if name not in ("url", "writeback", "db_timezone")}
        caller = Caller(server, own)
        caller.time = stand.now()
        here = await caller.everything()
        for kind in KINDS:
            there = (await stand.pull(kind))[0]
            assert here[kind] == there
            assert repr(here[kind]) == repr(there), "every digit counts"
            assert len(here[kind]) > 5
        facts = await caller.source.check()
        assert {f.title: f.value for f in facts if not f.ok} == {
            f.title: f.value for f in await stand.source.check() if not f.ok
        }
    assert PASSWORD not in repr(facts)
    for kind, records in here.items():
        id, record = next(iter(records.items()))
        assert await caller.source.get(kind, id) == record
        assert await caller.source.vanished(kind, [id, "987654"]) == ("987654",)
    heard = server.heard(LOGIN)
    assert len(caller.sent) > 20
    ours = [one for one in heard if one not in (*MEETING, "BEGIN", "ROLLBACK") and not one.startswith(HSTORE)]
    assert {one.split()[0] for one in ours} == {"SELECT"}
    assert len(ours) == len(caller.sent), "what the plugin says that it sends is all that arrives"
    assert not [one for one in ours if " FOR UPDATE" in one.upper()]

    def passed_by(connection: Any) -> None:
        connection.connection.cursor().execute('DELETE FROM "AREA"')

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await caller.database.read(passed_by)
    await caller.done()


async def test_who_is_not_let_in_is_told_why_without_the_password(server: Server) -> None:
    """A wrong password, no such login, another database, nobody there, a GRANT that lacks."""
    wrong = "wr0ng-and-secret"
    for changed, fault, words in (
        ({"password": wrong}, SourceLocked, "password authentication failed.*Check user and password"),
        ({"url": f"postgresql+psycopg://nobody@127.0.0.1:{server.port}/{DATABASE}"}, SourceLocked, "refuses the login"),
        ({"database": "Elsewhere"}, SourceRefused, "not this database; check its name.*Elsewhere"),
        ({"url": f"postgresql+psycopg://{LOGIN}@127.0.0.1:1/{DATABASE}"}, SourceUnreachable, "can't be reached"),
    ):
        caller = Caller(server, changed)
        for _ in range(2):
            with pytest.raises(fault, match=words) as caught:
                await caller.source.check()
            assert PASSWORD not in str(caught.value)
            assert wrong not in str(caught.value)
        await caller.done()
    caller, later = Caller(server), Caller(server)
    await caller.pull(Kind.SUPPLIER)
    with server.owner() as connection:
        connection.execute(f'REVOKE SELECT ON "COMPANY" FROM {LOGIN}')
        try:
            for one, words in (
                (caller, "The login may not do this; the README has the GRANT"),
                (later, "grant SELECT"),
            ):
                pages = await one.pages(Kind.SUPPLIER)
                assert [words in page.trouble for page in pages] == [True]
                assert not pages[0].records
                assert len((await one.pull(Kind.CUSTOMER))[0]) > 5
        finally:
            connection.execute(f'GRANT SELECT ON "COMPANY" TO {LOGIN}')
    await caller.source.check()
    assert len((await caller.pull(Kind.SUPPLIER))[0]) > 5, "what is granted is seen with the next check"
    new = Party(id="", kind=Kind.SUPPLIER, name="Fresh", xero_id=GUID)
    maker = Caller(server, {"writeback": "on", "allow_insert": "on"})
    with pytest.raises(SourceRefused, match="The login may not do this") as caught:
        await maker.source.save(Kind.SUPPLIER, new)
    assert caught.value.certain
    for one in (caller, later, maker):
        await one.done()


async def test_a_table_that_somebody_holds_keeps_nobody_waiting(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's own limit for locks, and by ours for statements; all other tables are read meanwhile."""
    caller = Caller(server)
    orders = (await caller.pull(Kind.PURCHASE_ORDER))[0]
    await caller.done()
    for seconds, limit, words in (
        (60, "100ms", "locked by somebody else.*lock timeout"),
        (1, "0", "didn't answer in time.*statement timeout"),
    ):
        monkeypatch.setattr(dialects, "QUERY_SECONDS", seconds)
        with server.owner() as holder:
            holder.execute(f"ALTER ROLE {LOGIN} SET lock_timeout = '{limit}'")
            caller = Caller(server)
            with holder.transaction():
                holder.execute('LOCK TABLE "SUPPLIERORDERHEADER" IN ACCESS EXCLUSIVE MODE')
                with pytest.raises(SourceUnreachable, match=words) as caught:
                    await caller.pages(Kind.PURCHASE_ORDER)
                assert not caught.value.sent
                assert min([len((await caller.pull(kind))[0]) for kind in KINDS[:-1]]) > 5
            assert (await caller.pull(Kind.PURCHASE_ORDER))[0] == orders
            await caller.done()


async def test_a_server_that_dies_while_pages_are_read_leaves_no_cursor(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the first page; while it is away that is said; started again everything is read."""
    monkeypatch.setattr(selects, "SIZE", 20)
    caller = Caller(server)
    whole, _ = await caller.pull(Kind.INVOICE)
    pages = []
    try:
        with pytest.raises(SourceUnreachable) as caught:
            async for page in caller.source.pages(Kind.INVOICE, ""):
                pages.append(page)
                server.kill()
        assert not caught.value.sent
        assert [page.cursor for page in pages] == [""]
        assert 0 < len(pages[0].records) < len(whole)
        with pytest.raises(SourceUnreachable, match="can't be reached"):
            await caller.source.check()
    finally:
        server.start()
    again, cursor = await caller.pull(Kind.INVOICE)
    assert again == whole
    assert cursor
    await caller.done()


async def test_a_line_cut_at_the_commit_leaves_it_open_and_repeating_changes_nothing(server: Server) -> None:
    """Before anything is heard it surely didn't happen; the commit done and its answer lost, nobody knows."""
    first, second = free(server)[:2]
    async with line_to(server) as line:
        caller = Caller(server, {"writeback": "on"}, port=line.port)
        before = row(server, first)
        # All that is asked before is asked here, so that the line breaks where it is meant to.
        await caller.source.attach([link(second, "INV-2")])
        assert row(server, second)[1:4] == (GUID, "INV-2", True)
        line.cut(b'UPDATE "INVOICEHEADER', heard=False)
        with pytest.raises(SourceUnreachable) as caught:
            await caller.source.attach([link(first, "INV-1")])
        assert not caught.value.sent
        assert row(server, first) == before
        line.cut(b"COMMIT", heard=True)
        with pytest.raises(SourceUnreachable, match="isn't known") as caught:
            await caller.source.attach([link(first, "INV-1")])
        assert caught.value.sent
        assert b"COMMIT" in line.lost
        after = row(server, first)
        assert after[1:4] == (GUID, "INV-1", True), "what was answered into nothing is done"
        asked = len(server.heard(LOGIN))
        await caller.source.attach([link(first, "INV-1")])
        assert row(server, first) == after
        assert not [one for one in server.heard(LOGIN)[asked:] if one.startswith("UPDATE")]
        await paid(server, caller, line, first)
        await caller.done()


async def paid(server: Server, caller: Caller, line: Line, id: str) -> None:
    """The same of a payment."""
    settlement = Settlement(
        xero_id=GUID, number="INV-1", status=PAID, total=Decimal(12), paid=Decimal(12), paid_on=dt.date(2026, 3, 2)
    )  # fmt: skip
    line.cut(b"COMMIT", heard=True)
    with pytest.raises(SourceUnreachable, match="isn't known"):
        await caller.source.settle(Kind.INVOICE, id, settlement)
    after = row(server, id)
    assert after[4:] == (12, dt.datetime(2026, 3, 2))  # noqa: DTZ001
    await caller.source.settle(Kind.INVOICE, id, settlement)
    assert row(server, id) == after
