"""The book's file: read whole, written whole under a lock by compare-and-swap, with backups. Its content is `db`'s."""

import asyncio
import copy
import json
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from xerotui.model.problems import SyncError
from xerotui.store.db import Db, Tables
from xerotui.store.errors import BookMoved

T = TypeVar("T")

# Steps from format n to n + 1, in order; the file's format is their number plus one.
MIGRATIONS: tuple[Callable[[Tables], Tables], ...] = ()
BACKUPS = 5
_TRIES = 200
_WHAT = "xerotui book"


class _File(msgspec.Struct):
    """The file as it is on disk."""

    book: str
    format: int
    revision: int
    tables: Tables


class Book:
    """What people decided, in one file that a person can read and diff.

    Any number of processes may use it: a save that was overtaken is either made again (`change`) or refused
    (`edit`). A file of a newer format can be read but not changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    async def read(self) -> Db:
        """The book as it is now; an empty one where there is none yet.

        Raises SyncError, naming the newest good backup, when the file is damaged or none of ours.
        """
        return _db(await asyncio.to_thread(self._load))

    async def change(self, edit: Callable[[Db], T]) -> T:
        """Make an edit and save it; made anew on the newer state when somebody saved meanwhile.

        `edit` must do nothing but change the `Db`. When it raises, nothing is saved. Raises SyncError as `read`,
        and when the file's format is newer than this program's.
        """
        for _ in range(_TRIES):
            try:
                async with self.edit() as db:
                    return edit(db)
            except BookMoved:
                # A crowd of writers must not starve one: the losers step aside for a moment.
                await asyncio.sleep(random.uniform(0.0, 0.05))
        raise BookMoved("The book is being saved all the time by somebody else.", "Try again later.", code="core.book")

    @asynccontextmanager
    async def edit(self) -> AsyncIterator[Db]:
        """The book to be changed in the block and saved at its end; an exception saves nothing.

        Raises BookMoved when somebody saved meanwhile: `change` would have made the edit again.
        """
        read = await asyncio.to_thread(self._load)
        db = _db(read)
        if db.read_only:
            raise SyncError(db.read_only, "Update XeroTUI on this machine.", code="core.book_newer")
        before = copy.deepcopy(db.tables)
        yield db
        if db.tables != before:
            await asyncio.to_thread(self._save, db.tables, read)

    def backups(self) -> list[Path]:
        """The former states that are kept, newest first."""
        names = [self._backup(n) for n in range(1, BACKUPS + 1)]
        return [path for path in names if path.exists()]

    def _backup(self, number: int | str) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _load(self) -> _File:
        try:
            return _parsed(self.path.read_bytes())
        except FileNotFoundError:
            if not self.backups():
                return _File(_WHAT, len(MIGRATIONS) + 1, 0, {})
            reason = "is missing, though there are backups of it"
        except OSError as error:
            raise SyncError(
                f"The book can't be read: {error.strerror}.", "Check the workspace's rights.", code="core.book"
            ) from error
        except ValueError as error:
            reason = str(error)
        good = next((path for path in self.backups() if _good(path)), None)
        remedy = f"Copy {good.name} over {self.path.name}." if good else "Restore the workspace from a backup."
        raise SyncError(f"The book {self.path.name} {reason}.", remedy, code="core.book")

    def _save(self, tables: Tables, read: _File) -> None:
        from filelock import FileLock, Timeout

        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self._backup("lock"), timeout=10, mode=0o600, thread_local=False)
        try:
            with lock:
                now = self._load()
                if now.revision != read.revision:
                    raise BookMoved("The book was saved by somebody else meanwhile.", "Try again.", code="core.book")
                if now.format <= len(MIGRATIONS) and self.path.exists():
                    _copy(self.path, self._backup(f"format-{now.format}"))
                self._write(_File(_WHAT, len(MIGRATIONS) + 1, read.revision + 1, tables))
        except Timeout:
            raise SyncError("Another process has held the book for too long.", "Try again.", code="core.book") from None
        except OSError as error:
            raise SyncError(
                f"The book can't be saved: {error.strerror}.",
                "Check room and rights of the workspace.",
                code="core.book",
            ) from error

    def _write(self, file: _File) -> None:
        """Replace the file so that at any instant either the old or the new one is there, whole."""
        text = json.dumps(msgspec.to_builtins(file), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        temporary = self._backup("new")
        handle = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with open(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if self.path.exists():
            for number in range(BACKUPS - 1, 0, -1):
                if self._backup(number).exists():
                    os.replace(self._backup(number), self._backup(number + 1))
            _copy(self.path, self._backup(1))
        os.replace(temporary, self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _db(file: _File) -> Db:
    """A `Db` of its own for each asker, brought to this program's format in memory."""
    newest = len(MIGRATIONS) + 1
    if file.format > newest:
        words = f"The book was written by a newer XeroTUI (format {file.format}, this program knows {newest})"
        return Db(file.tables, file.revision, read_only=f"{words}: it can be read, not changed.")
    tables = copy.deepcopy(file.tables)
    for step in MIGRATIONS[file.format - 1 :]:
        tables = step(tables)
    return Db(tables, file.revision)


def _parsed(raw: bytes) -> _File:
    """The file of its bytes.

    Raises ValueError with words for bytes that are damaged or none of ours.
    """
    try:
        plain: Any = json.loads(raw)
    except ValueError as error:
        raise ValueError("is damaged (it is no whole JSON)") from error
    if not isinstance(plain, dict) or plain.get("book") != _WHAT:
        raise ValueError("isn't a book of XeroTUI")
    try:
        return msgspec.convert(plain, _File)
    except msgspec.ValidationError as error:
        raise ValueError(f"is damaged ({error})") from error


def _good(path: Path) -> bool:
    try:
        _parsed(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _copy(path: Path, to: Path) -> None:
    handle = os.open(to, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with open(handle, "wb") as out:
        out.write(path.read_bytes())
        out.flush()
        os.fsync(out.fileno())
