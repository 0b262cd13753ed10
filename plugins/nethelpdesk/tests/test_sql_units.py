"""Single rules of the database: values, statements, mapping, settings, marks."""

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nhd_bench import GUID, Bench
from sqlalchemy.dialects import mssql, postgresql, sqlite

from xerotui.model.kinds import Kind
from xerotui.model.records import Party
from xerotui.model.settings import fill
from xerotui.source.contract import SourceRefused
from xerotui_nethelpdesk import dialects, mapping, selects, values
from xerotui_nethelpdesk.marks import Mark, Seen, mark_of
from xerotui_nethelpdesk.schema import ENTITIES
from xerotui_nethelpdesk.settings import NetHelpDeskSettings
from xerotui_nethelpdesk.statements import fault

D = Decimal
AMOUNTS_OF_MONEY = st.decimals(D("-9999999999.99"), D("9999999999.99"), places=2)


# --------------------------------------------------------------------------------------------------------- FLOAT money


@settings(deadline=None, max_examples=300)
@given(AMOUNTS_OF_MONEY, st.decimals(D("-99999999.9999"), D("99999999.9999"), places=4), st.integers(-2, 2))
@example(D("0.30"), D("19.995"), 1)
@example(D("1234567.89"), D("1234567.885"), -1)
def test_what_a_person_typed_comes_out_of_a_float(typed: Decimal, price: Decimal, steps: int) -> None:
    """Amounts of 2 places and prices of 4 survive FLOAT with noise on top; so does the tie of half a cent."""
    noisy = [float(typed), float(price)]
    for _ in range(abs(steps)):
        noisy = [math.nextafter(x, math.copysign(math.inf, steps)) for x in noisy]
    assert values.amount(noisy[0], "x") == typed
    assert values.price(noisy[1], "x") == price
    assert values.amount(noisy[1], "x") == values.amount(price, "x"), "the tie of a price is a tie of its float"
    assert values.key(float(int(typed))) == str(int(typed))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.decimals(D("-99999.99"), D("99999.99"), places=2), max_size=30))
def test_sums_made_in_floats_are_the_sums_of_what_was_typed(parts: list[Decimal]) -> None:
    assert values.amount(sum(float(part) for part in parts), "x") == sum(parts, D(0))


def test_values_of_the_database() -> None:
    """Money by examples, dates that mean none, keys of three types, texts, bits; nonsense is refused with words."""
    said = (0.1 + 0.2, 19.995, 1234567.885, -19.995, 2, D("1.005"), "3.1", None, " ")
    assert [values.amount(x, "x") for x in said] == [
        D("0.30"), D("20.00"), D("1234567.89"), D("-20.00"), D(2), D("1.01"), D("3.10"), None, None]  # fmt: skip
    assert values.price(19.995, "x") == D("19.9950")
    assert str(values.percent(20.0, "x")) == "20"
    nonsense: Any
    for nonsense in ("a lot", math.nan, math.inf, 1e300, b"\xff", [], "1,5"):
        with pytest.raises(values.Unreadable, match="IDNet_Amount"):
            values.amount(nonsense, "IDNet_Amount")
    assert [values.key(x) for x in (12.0, 12, "12", " 12.0 ", None, "A7", D("5"), -2, b"9")] == [
        "12", "12", "12", "12", "", "A7", "5", "-2", "9"]  # fmt: skip
    assert [values.link(x) for x in (0, -1, -2.0, None, 3.0)] == ["", "", "", "", "3"]
    none = ("1900-01-01 00:00:00", dt.datetime(1900, 1, 1), None, "", dt.date(1899, 12, 30))  # noqa: DTZ001
    assert [values.date(x) for x in none] == [None] * 5
    assert values.date("2026-11-21 23:59:59.000000") == dt.date(2026, 11, 21)
    with pytest.raises(values.Unreadable, match="2026-13-45"):
        values.date("2026-13-45")
    summer = values.instant("2026-07-01 12:00:00", dt.timezone(dt.timedelta(hours=1)))
    assert summer == dt.datetime(2026, 7, 1, 11, tzinfo=dt.UTC)
    assert values.instant("garbage", dt.UTC) is None
    assert values.instant("0001-01-01", dt.UTC) is None
    assert [values.flag(x) for x in (None, 0, 1, True, "1", "false", -1, 0.0)] == [
        False, False, True, True, True, False, True, False]  # fmt: skip
    assert values.text("  Café\x00 ") == "Café"
    assert values.text("Café".encode("cp1252")) == values.text("Café".encode()) == "Café"
    assert values.name_key("Bolt\u00a0 \u200bLTD ") == values.name_key("bolt ltd")
    assert values.guid(f" {GUID.upper()} ") == GUID
    assert values.guid("00000000-0000-0000-0000-000000000000") == values.guid("none") == ""
    assert values.block("1 High St\r\nLeeds\r\nYorkshire\r\nLS1 1AA") == (
        ("1 High St", "Leeds", "Yorkshire"),
        "LS1 1AA",
    )
    assert values.block("1 High St\nLeeds") == (("1 High St", "Leeds", "", ""), "")
    assert values.first_email(" a@b.example ; c@d.example") == "a@b.example"


# ---------------------------------------------------------------------------------------------------------- statements


def found(name: str, *, schema: str = "", query: str = "") -> mapping.Found:
    entity = ENTITIES[name]
    columns = {one.name: one.name if query else one.column for one in entity.columns}
    return mapping.Found(entity=entity, table=entity.table, schema=schema, query=query, columns=columns)


SERVERS: tuple[Any, ...] = tuple(one.dialect for one in (mssql, sqlite, postgresql))


def sql(statement: Any, dialect: Any = None) -> str:
    return " ".join(str(statement.compile(dialect=dialect or SERVERS[0]())).split())


def test_statements_as_sql_server_gets_them() -> None:
    """TOP and not LIMIT, keyset paging, NTEXT cast, names in brackets, values as parameters; all pass the guard."""
    since = dt.datetime(2026, 11, 20, 10)  # noqa: DTZ001
    page = sql(selects.page(found("invoice", schema="dbo"), after=4711, since=since))
    assert sql(selects.page(found("currency", schema="dbo"), after=7)) == (
        "SELECT TOP __[POSTCOMPILE_param_1] dbo.[CURRENCY].[Cid] AS id, dbo.[CURRENCY].[Cdesc] AS symbol, "
        "dbo.[CURRENCY].[Ccode] AS code, dbo.[CURRENCY].[Cname] AS name, dbo.[CURRENCY].[Crate] AS rate "
        "FROM dbo.[CURRENCY] WHERE dbo.[CURRENCY].[Cid] > :Cid_1 ORDER BY dbo.[CURRENCY].[Cid]"
    )
    assert page.startswith("SELECT TOP ")
    assert "LIMIT" not in page
    assert "4711" not in page
    assert "[IHid] > " in page
    assert "[IHLast_Modified] IS NULL" in page
    assert page.endswith("[IHid]")
    lines_ = sql(selects.among(found("invoice_line"), "document", [1, 2])[0])
    assert "CAST([INVOICEDETAIL].[IDItem_LongDescription] AS NVARCHAR(max)) AS long_text" in lines_
    assert "[IDIHid] IN (__[POSTCOMPILE_" in lines_
    assert len(selects.among(found("invoice_line"), "document", list(range(1201)))) == 3
    custom = sql(selects.page(found("tax", query="SELECT a AS id FROM t WHERE b = '12:30'"), after=1))
    assert "FROM (SELECT a AS id FROM t WHERE b = '12:30') AS q" in custom
    for dialect in (server() for server in SERVERS):
        for name, entity in ENTITIES.items():
            one = found(name)
            made = [selects.whole(one), selects.summary(one)]
            made += (
                [selects.page(one), selects.newest(one), *selects.among(one, "id", [1])] if "id" in entity.names else []
            )
            for statement in made:
                assert not fault(sql(statement, dialect)), sql(statement, dialect)
        assert not fault(sql(selects.orphans(found("invoice_line"), found("invoice")), dialect))
    for text in (*dialects.COLUMNS.values(), *dialects.OFFSET.values()):
        assert not fault(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT 1", ""),
        ("select [update] from t where a = 'x; DROP TABLE y' ;", ""),
        ('SELECT "set" FROM t', ""),
        ("", "empty"),
        ("DELETE FROM AREA", "SELECT"),
        ("WITH x AS (SELECT 1) DELETE FROM AREA", "SELECT"),
        ("SELECT 1 DELETE FROM AREA", "DELETE"),
        ("SELECT 1; SELECT 2", "more than one"),
        ("SELECT * INTO copy FROM AREA", "INTO"),
        ("SELECT 1) AS q UPDATE AREA SET a = 1 SELECT (1", "UPDATE"),
        ("SELECT 1 -- \n; DROP TABLE AREA", "comment"),
        ("SELECT 1 /* x */", "comment"),
        ("SELECT 'open", "closed"),
        ("EXEC xp_cmdshell 'dir'", "SELECT"),
        ("SELECT 1 exec sp_who", "EXEC"),
        ("PRAGMA query_only = OFF", "SELECT"),
        ("SELECT * FROM OPENQUERY(other, 'DELETE FROM t')", "OPENQUERY"),
        ('SELECT "pg_terminate_backend"(1)', "PG_TERMINATE"),
        ("SELECT NEXT VALUE FOR numbers", "sequence"),
        ("SELECT a FROM t ORDER BY a OFFSET 0 ROWS FETCH NEXT 5 ROWS ONLY", ""),
    ],
)
def test_what_may_be_sent(text: str, words: str) -> None:
    assert words in fault(text)
    assert bool(words) == bool(fault(text))


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (
            (18456, b"Login failed for user 'x'.DB-Lib error message 20018, severity 14:\nGeneral SQL Server error"),
            "login",
        ),
        (
            ((20009, b"DB-Lib error message 20009, severity 9:\nUnable to connect: Adaptive Server is unavailable"),),
            "dead",
        ),
        ((229, b"The SELECT permission was denied on the object 'AREA'"), "forbidden"),
        ((208, b"Invalid object name 'AREA'."), "table"),
        (("42S22", "[42S22] [Microsoft][ODBC Driver 18] Invalid column name 'x'. (207) (SQLExecDirectW)"), "column"),
        (("40001", "[40001] Transaction was deadlocked on lock resources. (1205)"), "deadlock"),
        (("HYT00", "[HYT00] [Microsoft][ODBC Driver 18 for SQL Server]Login timeout expired (0)"), "timeout"),
        (("08001", "[08001] SSL Provider: certificate verify failed: self-signed certificate (-1)"), "tls"),
        ((4060, b'Cannot open database "NetHelpDesk" requested by the login.'), "database"),
        ((1222, b"Lock request time out period exceeded."), "lock"),
        ((245, b"Conversion failed when converting the varchar value 'x' to data type int."), "type"),
        (("database is locked",), "lock"),
        (("no such column: IHid",), "column"),
        (("something new",), ""),
    ],
)
def test_errors_are_told_by_what_they_mean(error: tuple[Any, ...], meaning: str) -> None:
    made = Exception(*error)
    assert dialects.meaning(made) == meaning
    assert "\n" not in dialects.said(made)
    assert len(dialects.said(made, 40)) <= 40


# ------------------------------------------------------------------------------------------------------------- mapping


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[custmer]\ntable = 'X'", "no entity custmer; customer is one"),
        ("[customer]\ncolumns = { nam = 'x' }", "no column nam; name is one"),
        ("[customer]\ntabel = 'x'", "holds tabel"),
        ("[customer]\ntable = 3", "table"),
        ("[tax]\nquery = 'DELETE FROM Tax'", "doesn't begin with SELECT"),
        ("[tax]\nquery = 'SELECT 1; SELECT 2'", "more than one"),
        ("[tax]\nquery = 'SELECT RXeroAccessToken AS code FROM CONTROL3'", "secret"),
        ("[tax]\ncolumns = { code = 'XDAccessToken' }", "secret"),
        ("[tax]\nquery = 'SELECT 1 AS id'\ntable = 'Tax'", "has a query"),
        ("= 3", "no TOML"),
    ],
)
def test_a_mapping_file_that_is_wrong_says_where(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(SourceRefused, match="Mapping file") as caught:
        mapping.load(str(tmp_path / "m.toml"))
    assert words in caught.value.said
    with pytest.raises(SourceRefused, match="can't be read"):
        mapping.load(str(tmp_path / "none.toml"))


async def test_tables_and_columns_may_have_any_name(tmp_path: Path) -> None:
    """Renamed, replaced by a SELECT, taken out, in another case; what lacks is named and stops nothing else."""
    bench = Bench(tmp_path)
    before = {kind: (await bench.pull(kind))[0] for kind in (Kind.CUSTOMER, Kind.INVOICE, Kind.TAX_RATE)}
    bench.sql(
        'ALTER TABLE AREA RENAME TO kunden; ALTER TABLE kunden RENAME COLUMN aareadesc TO "Der Name";'
        "ALTER TABLE INVOICEHEADER RENAME COLUMN IHid TO ihID; ALTER TABLE Tax RENAME TO steuer;"
    )
    file = tmp_path / "map.toml"
    file.write_text(
        "[tables.customer]\ntable = 'KUNDEN'\ncolumns = { name = 'der name' }\n[tables.tax]\n"
        'query = "SELECT TaxID AS id, TaxCode AS code, TaxDescription AS name, TaxValue AS rate FROM steuer;"\n'
        "[tables.invoice]\ncolumns = { modified = '' }\n"
    )
    bench.source = bench.make(mapping_file=str(file))
    for kind, records_ in before.items():
        now = (await bench.pull(kind))[0]
        assert {i: msgspec.structs.replace(r, modified=None) for i, r in now.items()} == {
            i: msgspec.structs.replace(r, modified=None) for i, r in records_.items()
        }
    assert (await bench.pull(Kind.INVOICE))[0]["1"].modified is None, 'a column of "" isn\'t used'
    file.write_text(
        "[customer]\ntable = 'kunden'\ncolumns = { name = 'der name' }\n[tax]\ntable = 'steuer'\n[invoice]\n"
        "query = 'SELECT IHid AS id, IHaarea AS customer, IHInvoice_Date AS date, IHCurrency AS symbol "
        "FROM INVOICEHEADER'\n"
    )
    bench.source = bench.make(mapping_file=str(file))
    assert (await bench.pull(Kind.INVOICE))[0].keys() == {"1", "2"}, "a template of a query isn't taken either"
    file.write_text("[tax]\nquery = 'SELECT nothing AS id FROM nowhere'\n[customer]\ntable = 'kunden'")
    bench.source = bench.make(mapping_file=str(file))
    (taxes,), (customers,) = await bench.pages(Kind.TAX_RATE), await bench.pages(Kind.CUSTOMER)
    assert "its query in the mapping file fails" in taxes.trouble
    assert "kunden has no column aareadesc" in customers.trouble
    assert customers.cursor, "the trouble is told with a cursor, which is that of before"
    assert (await bench.pull(Kind.INVOICE))[0].keys() == {"1", "2"}
    facts = {fact.title: fact for fact in await bench.source.check()}
    assert not facts["Clients"].ok
    assert "[customer]" in facts["Clients"].remedy


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": "mssql+pymssql://a:secret@h/x"}, "Database URL: the password"),
        ({"url": "mssql+pyodbc:///?odbc_connect=DSN%3Dx%3BPWD%3Dsecret"}, "Database URL: the password"),
        ({"url": "mssql+pyodbc:///?odbc_connect=DSN%3Dx%3BPWD%253Dsecret"}, "Database URL: the password"),
        ({"url": "mssql+pymssql://a:p/q@h/x"}, "Database URL: the password"),
        ({"url": "mssql+pymssql://a:p#q@h/x"}, "Database URL: the password"),
        ({"url": "10.0.0.5"}, "Database URL: it begins"),
        ({"invoice_number": "NHD"}, "Invoice numbers"),
        ({"order_number": "{id} {x}"}, "Purchase order numbers"),
        ({"days": "0"}, "Days compared"),
        ({"allow_insert": "on"}, "Create records"),
        ({"db_timezone": "Mars"}, "Time zone"),
        ({"symbols": "$ AUD"}, "Currency symbols"),
        ({"organisations": "London = x"}, "Organisations"),
        ({"exclude_client_ids": "1, x"}, "Clients left out"),
        ({"currency": "pounds"}, "Currency"),
    ],
)
def test_settings_that_cant_be_used_are_refused_by_name(changed: dict[str, str], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words) as caught:
        fill(NetHelpDeskSettings, changed)
    assert "secret" not in str(caught.value)


def test_marks_forget_what_the_next_reading_wont_see() -> None:
    now = dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
    stamp = dt.datetime(2026, 11, 20, 9)  # noqa: DTZ001
    seen = Seen(Mark(), now)
    old, new = Party(id="1", kind=Kind.CUSTOMER), Party(id="2", kind=Kind.CUSTOMER)
    assert seen.news(old, stamp - dt.timedelta(days=9))
    assert seen.news(new, stamp)
    assert seen.news(Party(id="3", kind=Kind.CUSTOMER), stamp.replace(year=2099)), "a stamp of the far future"
    mark = mark_of(seen.mark(now, full=True, stamped=True).text())
    assert mark.newest == stamp, "what changes until 2099 isn't hidden"
    again = Seen(mark, now)
    assert not again.news(new, stamp)
    assert again.news(old, stamp), "its digest wasn't kept"
    assert mark.stale(now + dt.timedelta(hours=25))
    assert not mark.stale(now)
    nonsense: Any
    for nonsense in ("", "{", '{"v":9,"full":"x"}', '{"full":"x"}', '{"since":"x","full":"2026-01-01T00:00:00+00:00"}'):
        assert mark_of(nonsense) == Mark()
