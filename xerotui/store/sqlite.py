"""All that is SQLite's alone: the engine, its pragmas, how a transaction begins, and whether the file is whole."""

import asyncio
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import URL, Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from xerotui.model.problems import SyncError

WRITING = "xerotui_writing"
# WAL keeps its index in shared memory, which these can't share between hosts.
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "fuse.sshfs", "fuse.glusterfs", "afs", "lustre", "ncpfs"}


def engine(path: Path) -> AsyncEngine:
    """An engine over the ledger's file, which is made with mode 0600 when missing.

    Raises SyncError on a network file system and where the file can't be made.
    """
    _refuse_network(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise SyncError(
            f"The ledger can't be opened: {error.strerror}.",
            "Check the rights and the room of the workspace directory.",
            code="core.ledger",
        ) from error
    made = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        pool_size=8,
        max_overflow=8,
        # `Ledger` ends every transaction before it gives a connection back: another rollback has nothing to do.
        pool_reset_on_return=None,
        connect_args={"async_creator_fn": _connection},
    )
    event.listen(made.sync_engine, "connect", _prepare)
    event.listen(made.sync_engine, "begin", _begin)
    return made


class _OneTrip(aiosqlite.Cursor):
    """A cursor that goes to the connection's thread once a statement: it is made, run and read there at a stroke.

    The driver's own goes there four times, and each time costs more than most of our statements do.
    """

    def __init__(self, connection: aiosqlite.Connection, raw: sqlite3.Connection) -> None:
        # In this thread it is only made: nothing is asked of the database.
        super().__init__(connection, raw.cursor())
        self._rows: list[Any] = []

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "_OneTrip":
        await self._execute(self._run, sql, () if parameters is None else parameters)  # type: ignore[no-untyped-call]
        return self

    def _run(self, sql: str, parameters: Any) -> None:
        self._cursor.execute(sql, parameters)
        self._rows = self._cursor.fetchall() if self._cursor.description else []

    async def fetchall(self) -> Iterable[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        # All rows are read: the statement is over, and the cursor goes with its last name.
        self._rows = []


class _Connection(aiosqlite.Connection):
    """A connection of such cursors, whose second end waits for nobody.

    Who is cancelled twice while a query runs has its connection closed in order and stopped by force at once. The
    thread behind it leaves at the first stop; the answer to another one never comes, and closing waited for it.
    """

    def stop(self) -> "asyncio.Future[Any] | None":
        return super().stop() if self._running else None

    def cursor(self) -> _OneTrip:  # type: ignore[override]
        return _OneTrip(self, self._conn)


def _connection(*args: Any, **options: Any) -> _Connection:
    # Cursors are made in the loop's thread and run in the connection's, one at a time.
    options["check_same_thread"] = False
    made = _Connection(lambda: sqlite3.connect(*args, **options), iter_chunk_size=64)
    # A connection that nobody closed must not keep the process alive.
    made._thread.daemon = True
    return made


def _prepare(connection: Any, _record: Any) -> None:
    # The driver's own idea of when a transaction starts is switched off: `_begin` says it.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads first can't be made a writer under contention, whatever the time-out.
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


async def integrity(connection: AsyncConnection) -> list[str]:
    """What SQLite finds wrong with the file; empty when it is whole."""
    found = [str(row[0]) for row in await connection.execute(text("PRAGMA integrity_check"))]
    keys = [
        f"a row of {row[0]} refers to nothing" for row in await connection.execute(text("PRAGMA foreign_key_check"))
    ]
    return [line for line in found if line != "ok"] + keys


def _refuse_network(path: Path) -> None:
    place = os.path.realpath(path)
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return
    best, kind = "", ""
    for line in lines:
        left, _, right = line.partition(" - ")
        mount = left.split()[4].encode().decode("unicode_escape")
        if os.path.commonpath((mount, place)) == mount and len(mount) >= len(best):
            best, kind = mount, right.split()[0]
    if kind in _NETWORK:
        raise SyncError(
            f"The workspace lies on a network file system ({kind}), where the ledger could be damaged.",
            "Set XEROTUI_HOME to a directory on a local disk.",
            code="core.ledger",
        )
