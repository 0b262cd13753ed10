"""The SQLite file of the emulated NetHelpDesk: made, read, changed as by a person at the program, and taken away.

One connection of its own. What callers change is noticed by comparing the file with what was seen last; who may change
what is judged in `watch`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from xerotui_nethelpdesk.emulator.ddl import LINES, OWNERS, Table

Row = dict[str, Any]
Key = tuple[Any, ...]
# How long a change waits for a caller who is reading or writing.
PATIENCE = 3.0
_AWAY = ".away"
_NOISE = b"This is no database any more. " * 40


class Change(msgspec.Struct, frozen=True):
    """A row that somebody made, changed or took away; `before` and `after` are whole rows, None for none."""

    table: str
    key: Key
    before: Row | None
    after: Row | None


class Store:
    """The file and what was last seen in it. Methods raise ValueError in words for what can't be done."""

    def __init__(self, path: Path, tables: dict[str, Table], rows: Iterable[tuple[str, Row]]) -> None:
        self.path, self.tables = path, tables
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._db = self._open()
        for table in tables.values():
            self._db.execute(table.statement())
        self._db.execute("BEGIN")
        for name, row in rows:
            if name in tables:
                self._insert(tables[name], {k: v for k, v in row.items() if k in tables[name].columns})
        self._db.execute("COMMIT")
        self._held = self._db.in_transaction
        self._seen = {name: self._read(table) for name, table in tables.items()}
        self._shape = self._read_shape()
        self._version = self._read_version()

    def close(self) -> None:
        """Let go of the file; harmless when that was done."""
        self._db.close()

    def table(self, name: str) -> Table:
        """The table of that name, in any case of its letters; ValueError where this age hasn't got it."""
        for known, table in self.tables.items():
            if known.casefold() == name.casefold():
                return table
        raise ValueError(f"there is no table {name}")

    def rows(self, name: str) -> list[Row]:
        """The rows of a table as they were last seen, by key; none where this age hasn't got it."""
        return list(self._seen.get(name, {}).values())

    def row(self, name: str, key: Key) -> Row | None:
        """One row as it was last seen."""
        return self._seen[name].get(key)

    def changes(self) -> tuple[list[Change], bool]:
        """What others did since the last look, and whether they touched the tables themselves. Away: nothing."""
        if not self.path.exists() or self._version == (version := self._read_version()):
            return [], False
        found: list[Change] = []
        for name, table in self.tables.items():
            before, after = self._seen[name], self._read(table)
            found += [
                Change(name, key, before.get(key), after.get(key))
                for key in {**before, **after}
                if before.get(key) != after.get(key)
            ]
            self._seen[name] = after
        shape, self._version = self._read_shape(), version
        reshaped, self._shape = shape != self._shape, shape
        return found, reshaped

    def edit(self, name: str, id: str, patch: Row, now: str) -> Row:
        """Change a row as a person at the program does; the stamp of it or of what it belongs to moves."""
        table = self.table(name)
        with self._changing():
            key = self._key(table, id)
            for column, value in patch.items():
                where = self._where(table)
                statement = f'UPDATE "{table.name}" SET "{table.column(column).name}" = ? WHERE {where}'
                self._db.execute(statement, (_plain(value), *key))
            self._touch(table, key, now, patch)
        return self._seen[table.name][key]

    def create(self, name: str, body: Row, now: str) -> Row:
        """Add a row as a person at the program does, with its `lines`; without a key it gets the next."""
        table, lines = self.table(name), body.pop("lines", [])
        with self._changing():
            row = self._numbered(table, {table.column(k).name: _plain(v) for k, v in body.items()})
            self._insert(table, row)
            for line in lines:
                of = self.table(LINES[table.name])
                owned = {of.column(k).name: _plain(v) for k, v in line.items()}
                self._insert(of, self._numbered(of, {**owned, OWNERS[of.name][0]: row[table.keys[0]]}))
            self._touch(table, tuple(row[k] for k in table.keys), now, body)
        return self._seen[table.name][tuple(row[k] for k in table.keys)]

    def remove(self, name: str, id: str) -> Row:
        """Delete a row as a person at the program does, with its lines."""
        table = self.table(name)
        with self._changing():
            key = self._key(table, id)
            gone = self._seen[table.name][key]
            self._db.execute(f'DELETE FROM "{table.name}" WHERE {self._where(table)}', key)
            if table.name in LINES:
                owner = OWNERS[LINES[table.name]][0]
                self._db.execute(f'DELETE FROM "{LINES[table.name]}" WHERE "{owner}" = ?', key)
        return gone

    def blank(self, name: str, id: str = "") -> int:
        """Set NULL wherever the table allows it, in one row or in all; the number of rows."""
        table = self.table(name)
        free = [c.name for c in table.columns.values() if not c.key and c.default is None]
        with self._changing():
            sets = ", ".join(f'"{column}" = NULL' for column in free)
            key = self._key(table, id) if id else ()
            where = f" WHERE {self._where(table)}" if id else ""
            return self._db.execute(f'UPDATE "{table.name}" SET {sets}{where}', key).rowcount

    def lock(self, locked: bool) -> None:
        """Keep everybody out of the whole file, or let them in again."""
        if locked and not self._held:
            self._do("BEGIN EXCLUSIVE")
        elif self._held and not locked:
            self._do("ROLLBACK")
        self._held = locked

    def away(self, gone: bool) -> None:
        """Take the file away under those who have it open, or bring it back as it was."""
        kept = self.path.with_name(self.path.name + _AWAY)
        if gone and self.path.exists():
            self.lock(False)
            self._db.close()
            kept.write_bytes(self.path.read_bytes())
            # Who has it open would read on happily; so it is no database any more before it goes.
            with self.path.open("r+b") as file:
                file.write(_NOISE)
                file.flush()
                os.fsync(file.fileno())
            self.path.unlink()
        elif not gone and kept.exists():
            kept.replace(self.path)
            self._db = self._open()
            self._version = self._read_version()

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = OFF")
        return db

    def _do(self, statement: str) -> None:
        try:
            self._db.execute(statement)
        except sqlite3.Error as error:
            raise ValueError(f"the database says: {error}") from None

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """A change of our own: what others did must have been looked at before."""
        if self._held or not self.path.exists():
            raise ValueError("the database is locked or away")
        self._do("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except (sqlite3.Error, KeyError, ValueError) as error:
            self._db.execute("ROLLBACK")
            raise ValueError(str(error)) from None
        finally:
            self._seen = {name: self._read(table) for name, table in self.tables.items()}

    def _touch(self, table: Table, key: Key, now: str, patch: Row) -> None:
        if table.name in OWNERS:
            column, owner = OWNERS[table.name]
            held = self._db.execute(
                f'SELECT "{column}" FROM "{table.name}" WHERE {self._where(table)}', key
            ).fetchone()[0]
            owners = self.tables[owner]
            if owners.stamp:
                self._db.execute(f'UPDATE "{owner}" SET "{owners.stamp}" = ? WHERE {self._where(owners)}', (now, held))
        elif table.stamp and table.stamp.casefold() not in {name.casefold() for name in patch}:
            self._db.execute(f'UPDATE "{table.name}" SET "{table.stamp}" = ? WHERE {self._where(table)}', (now, *key))

    def _numbered(self, table: Table, row: Row) -> Row:
        key = table.keys[-1] if table.keys else ""
        if key and row.get(key) is None:
            last = self._db.execute(f'SELECT MAX("{key}") FROM "{table.name}"').fetchone()[0]
            row = {key: int(last or 0) + 1, **row}
        return row

    def _insert(self, table: Table, row: Row) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        self._db.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" * len(row))})', [*row.values()])

    def _where(self, table: Table) -> str:
        return " AND ".join(f'"{key}" = ?' for key in table.keys or ("rowid",))

    def _key(self, table: Table, id: str) -> Key:
        """The key of a row from a path: its numbers parted by colons; a table of one row has none."""
        key = tuple(int(part) for part in id.split(":")) if table.keys else (1,)
        if key not in self._seen[table.name]:
            raise ValueError(f"{table.name} has no row {id}")
        return key

    def _read(self, table: Table) -> dict[Key, Row]:
        order = ", ".join(table.keys or ("rowid",))
        rows = self._db.execute(f'SELECT rowid AS _at, * FROM "{table.name}" ORDER BY {order}').fetchall()
        found = {}
        for row in rows:
            whole = dict(row)
            at = whole.pop("_at")
            found[tuple(whole[key] for key in table.keys) or (at,)] = whole
        return found

    def _read_shape(self) -> list[str]:
        return [str(row[0]) for row in self._db.execute("SELECT sql FROM sqlite_master ORDER BY name")]

    def _read_version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])


def _plain(value: Any) -> Any:
    """A value of JSON as the file holds it."""
    if isinstance(value, bool):
        return int(value)
    return float(value) if isinstance(value, Decimal) else value
