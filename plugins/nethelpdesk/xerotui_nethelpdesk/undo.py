"""What was written into the database, told so that a person can take it back: the old value of every column.

Into a file of the connection where the settings name one, a line of JSON for each row; else into the log, which gets
the names of amounts and not the amounts.
"""

import contextlib
import datetime as dt
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from xerotui.source.contract import SourceRefused

# Canonical names of columns that hold money.
AMOUNTS = ("amount_paid", "amount_due")


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was written: table, key column and id, and by column what it held before; `made` is a new row.

    `amounts` are those of the columns that hold money.
    """

    table: str
    key: str
    id: int
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}
    made: bool = False
    amounts: tuple[str, ...] = ()


def amounts_of(columns: Mapping[str, str]) -> tuple[str, ...]:
    """The real names of the columns of money, out of those by canonical name."""
    return tuple(columns[name] for name in AMOUNTS if name in columns)


class Journal:
    """Where undo lines go; a blank path is the log."""

    def __init__(self, path: str, connection: str, log: Any) -> None:
        self._path = Path(path.strip()).expanduser() if path.strip() else None
        self._connection, self._log = connection, log

    def write(self, lines: Sequence[Undo], now: dt.datetime) -> None:
        """Keep the lines before what they tell of is committed. Raises SourceRefused where the file can't be written.

        A line whose change was rolled back after all does no harm: it holds what is there.
        """
        if not lines:
            return
        if self._path is None:
            for one in lines:
                old = {name: _said(value) for name, value in one.before.items() if name not in one.amounts}
                hidden = [name for name in one.before if name in one.amounts]
                self._log.info(
                    "nethelpdesk_written", table=one.table, id=one.id, made=one.made, before=old, amounts=hidden
                )
            return
        head = {"at": now.astimezone(dt.UTC).isoformat(), "connection": self._connection}
        told = [head | {n: _said(v) for n, v in msgspec.structs.asdict(one).items() if n != "amounts"} for one in lines]
        text = b"".join(msgspec.json.encode(line) + b"\n" for line in told)
        try:
            _append(self._path, text)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise SourceRefused(f"Undo file: it can't be written ({why}), so nothing is written at all.") from None


def _append(path: Path, text: bytes) -> None:
    """Append for good to a file that its owner alone may read, never through a link."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with contextlib.suppress(AttributeError):
            os.fchmod(file, 0o600)
        while text:
            text = text[os.write(file, text) :]
        os.fsync(file)
    finally:
        os.close(file)


def _said(value: Any) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, Mapping):
        return {str(name): _said(one) for name, one in value.items()}
    if isinstance(value, str):
        return "".join(c if c.isprintable() else " " for c in value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return format(value, "f") if isinstance(value, Decimal) else str(value)
