"""All that differs between databases: how they are opened, what their errors mean, how names and offsets are asked for.

The only place for vendor SQL. SQL Server is what NetHelpDesk has; SQLite and PostgreSQL serve the sandbox and tests,
and a mirror of the database elsewhere.
"""

import re
import sqlite3
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from xerotui.source.contract import SourceRefused, SourceUnreachable
from xerotui_nethelpdesk.values import decoded

LOGIN_SECONDS, QUERY_SECONDS = 10, 60
# SQLite is a file beside us: whoever holds it longer holds it for good.
BUSY_SECONDS = 2
EXTRAS = {"pymssql": "mssql", "pyodbc": "mssql-odbc"}
# What a driver needs that no Python package brings.
LIBRARIES = {
    "pyodbc": "Install unixODBC and Microsoft's ODBC driver, or use mssql+pymssql, which needs neither: "
    "xerotui-nethelpdesk[mssql].",
    "psycopg": "Install libpq, or psycopg[binary].",
}

# What is asked for tables and columns, one statement whatever the number of tables: (schema, table, column).
COLUMNS = {
    "sqlite": "SELECT '' AS s, m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c "
    "WHERE m.type IN ('table', 'view')",
    "": "SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COLUMN_NAME AS c FROM INFORMATION_SCHEMA.COLUMNS",
}
# Minutes by which the server's local time is ahead of UTC.
OFFSET = {
    "mssql": "SELECT DATEDIFF(minute, GETUTCDATE(), GETDATE())",
    "postgresql": "SELECT CAST(EXTRACT(timezone FROM now()) / 60 AS integer)",
}

_LOCKED = {18456, 18452, 18470, 18486, 18487, 18488}
_NO_DATABASE = {4060, 4064, 911}
_FORBIDDEN = {229, 230, 297, 300, 262}
_NO_TABLE, _NO_COLUMN, _DEADLOCK, _LOCK_WAIT = {208}, {207}, {1205}, {1222}
_TYPES = {241, 242, 245, 248, 8114, 8115, 529}
_DEAD = {20002, 20003, 20004, 20006, 20009, 20017, 10054, 10060, 10061, 233, 17, 53, 64, 121, 258, 596}
_STATES = {
    "28000": "login", "28P01": "login", "3D000": "database", "42501": "forbidden", "42P01": "table", "42703": "column",
    "40P01": "deadlock", "40001": "deadlock", "55P03": "lock", "57014": "timeout", "HYT00": "timeout",
    "HYT01": "timeout", "08001": "dead", "08S01": "dead", "08006": "dead", "57P01": "dead", "22P02": "type",
    "22007": "type", "22003": "type", "IM002": "driver", "IM003": "driver",
}  # fmt: skip
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+")
_NUMBER = re.compile(r"\((\d{2,5})\)|(?:message|error|msg):? (\d{3,5})", re.IGNORECASE)
_WORDS = (
    ("tls", r"certificate|ssl provider|ssl routines|tls|encryption (?:is )?(?:not supported|required)"),
    ("login", r"login failed|password authentication failed|authentication failed|not a trusted connection"),
    ("database", r"cannot open database|database \".+\" does not exist|file is not a database|file is encrypted|"
                 r"malformed"),
    ("lock", r"database (?:table )?is locked|lock request time ?out"),
    ("file", r"unable to open database file|disk i/o error"),
    ("table", r"no such table|invalid object name|relation .* does not exist"),
    ("column", r"no such column|invalid column name|column .* does not exist"),
    ("forbidden", r"permission (?:was )?denied"),
    ("timeout", r"time(?:d)? ?out|timeout"),
    ("dead", r"adaptive server is unavailable|connection (?:refused|reset|is dead|was killed)|server closed|"
             r"could not (?:connect|translate)|name or service not known|broken pipe|not connected|"
             r"closed the connection|network"),
)  # fmt: skip


def options(url: URL) -> dict[str, Any]:
    """How `create_engine` opens this database for reading, time-outs included."""
    return _options(url, writes=False)


def write_options(url: URL) -> dict[str, Any]:
    """The same for the few statements that write links back."""
    return _options(url, writes=True)


def _options(url: URL, *, writes: bool) -> dict[str, Any]:
    backend, driver = url.get_backend_name(), url.get_driver_name()
    if backend == "sqlite":
        return {"creator": _sqlite(url, writes=writes)}
    arguments: dict[str, Any] = {}
    if driver == "pymssql":
        arguments = {"login_timeout": LOGIN_SECONDS, "timeout": QUERY_SECONDS, "charset": "UTF-8"}
    elif driver == "pyodbc":
        arguments = {"timeout": LOGIN_SECONDS}
    elif backend == "postgresql" and driver in ("psycopg", "psycopg2"):
        limits = f"-c statement_timeout={QUERY_SECONDS * 1000}"
        only = "" if writes else " -c default_transaction_read_only=on"
        arguments = {"connect_timeout": LOGIN_SECONDS, "options": limits + only}
    return {"connect_args": arguments}


def _sqlite(url: URL, *, writes: bool) -> Callable[[], Any]:
    """Opens a file that is there, never a new one; for reading in a mode in which nothing can be written."""

    file = url.database or ""
    # A URL of SQLite's own (file:…?mode=rw) names a file too; how it is opened is decided here.
    file = unquote(file.removeprefix("file:")) if file.startswith("file:") else file

    def connect() -> sqlite3.Connection:
        path = f"file:{quote(file)}?mode={'rw' if writes else 'ro'}"
        made = sqlite3.connect(path, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
        made.text_factory = decoded
        return made

    return connect


def opened(driver: str, connection: Any) -> None:
    """What a new connection needs beside its arguments."""
    if driver == "pyodbc":
        connection.timeout = QUERY_SECONDS


# An exclusive lock by name that the end of the transaction gives back (nethelpdesk section 6).
_APPLOCK = (
    "DECLARE @got INT; EXEC @got = sp_getapplock @Resource = N'XeroTUI', @LockMode = 'Exclusive', "
    f"@LockOwner = 'Transaction', @LockTimeout = {LOGIN_SECONDS * 1000}; SELECT @got"
)
_ADVISORY = "SELECT pg_advisory_xact_lock(hashtext('XeroTUI'))"


def begun(connection: Connection) -> None:
    """What a transaction that writes begins with: SQLite must have the file before it reads what it will change."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def alone(connection: Connection) -> None:
    """Let nobody else create records by XeroTUI until the end of this transaction.

    Raises SourceUnreachable while somebody does, SourceRefused for a database without such a lock that is known.
    """
    name = connection.dialect.name
    if name == "mssql":
        if int(connection.exec_driver_sql(_APPLOCK).scalar_one()) < 0:
            raise SourceUnreachable("Somebody else creates records in NetHelpDesk just now.", sent=False)
    elif name == "postgresql":
        connection.exec_driver_sql(_ADVISORY)
    elif name != "sqlite":
        raise SourceRefused(f"Create records: XeroTUI knows no lock by name of the database {name[:40]}.")


def held(asked: "sa.Select[Any]", table: sa.TableClause, *, summed: bool = False) -> "sa.Select[Any]":
    """The rows asked for, kept from others until the end; what sums up rows can only be kept so on SQL Server."""
    kept = asked.with_hint(table, "WITH (UPDLOCK, HOLDLOCK)", "mssql")
    return kept if summed else kept.with_for_update()


def meaning(error: BaseException) -> str:
    """What a driver's error is, in a word: login, database, forbidden, table, column, lock, deadlock, timeout, type,
    tls, file, driver, dead; "" for anything else. Numbers are SQL Server's (nethelpdesk section 10).
    """
    numbers, text = _numbers(error), said(error, 2000)
    state = str(getattr(error, "sqlstate", "") or getattr(error, "pgcode", "") or "")
    arguments = [str(one) for one in getattr(error, "args", ())]
    for word, known in (
        ("login", _LOCKED), ("database", _NO_DATABASE), ("forbidden", _FORBIDDEN), ("table", _NO_TABLE),
        ("column", _NO_COLUMN), ("deadlock", _DEADLOCK), ("lock", _LOCK_WAIT), ("type", _TYPES),
    ):  # fmt: skip
        if numbers & known:
            return word
    folded = text.casefold()
    for word, pattern in _WORDS[:2]:
        if re.search(pattern, folded):
            return word
    for one in (state, *arguments[:1]):
        if one in _STATES:
            return _STATES[one]
    if numbers & _DEAD:
        return "dead"
    return next((word for word, pattern in _WORDS if re.search(pattern, folded)), "")


def _numbers(error: BaseException) -> set[int]:
    """SQL Server's error numbers in what a driver raised, wherever it puts them."""
    found: set[int] = set()
    for one in getattr(error, "args", ()):
        parts = one if isinstance(one, tuple) else (one,)
        for part in parts:
            if isinstance(part, int) and not isinstance(part, bool):
                found.add(part)
            elif isinstance(part, str | bytes):
                words = decoded(part) if isinstance(part, bytes) else part
                found |= {int(n) for pair in _NUMBER.findall(words) for n in pair if n}
    return found


def said(error: BaseException, limit: int = 200) -> str:
    """A driver's own words on one line, without the statement and its values."""
    words = []
    for one in getattr(error, "args", ()) or (str(error),):
        for part in one if isinstance(one, tuple) else (one,):
            if isinstance(part, str | bytes):
                words.append(decoded(part) if isinstance(part, bytes) else part)
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\s]+", " ", " ".join(words)).strip()[
        :limit
    ]
