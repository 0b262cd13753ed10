"""The judge of callers: every row that somebody but the control routes changed is a write, and may break a rule.

The rules are those of nethelpdesk section 6: nothing without the switch, then the columns for links alone, no link of
another, nothing deleted, no table touched, and no value that SQL Server wouldn't take.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.journal import Journal
from xerotui_nethelpdesk.emulator.ddl import INSERTS, KINDS, LINKS, XERO
from xerotui_nethelpdesk.emulator.store import Change, Row, Store

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Watched(Journal):
    """A journal that looks at what it watches before anybody reads it."""

    def __init__(self, service: str, clock: WorldClock) -> None:
        self._writes: list[dict[str, Any]] = []
        self._violations: list[dict[str, Any]] = []
        self._look: Callable[[], None] | None = None
        self._looking = False
        super().__init__(service, clock)

    def watch(self, look: Callable[[], None] | None) -> None:
        """Look by this from now on."""
        self._look = look

    @property
    def writes(self) -> list[dict[str, Any]]:
        """The accepted writes, those up to now included."""
        self._up_to_date()
        return self._writes

    @writes.setter
    def writes(self, value: list[dict[str, Any]]) -> None:
        self._writes = value

    @property
    def violations(self) -> list[dict[str, Any]]:
        """The broken rules, those up to now included."""
        self._up_to_date()
        return self._violations

    @violations.setter
    def violations(self, value: list[dict[str, Any]]) -> None:
        self._violations = value

    def _up_to_date(self) -> None:
        if self._look is None or self._looking:
            return
        self._looking = True
        try:
            self._look()
        finally:
            self._looking = False


class Watch:
    """Tells writes and broken rules from what changed in a store."""

    def __init__(self, store: Store, journal: Watched, *, writeback: bool, allow_insert: bool) -> None:
        self.store, self.journal = store, journal
        self.writeback, self.allow_insert = writeback, allow_insert

    def look(self) -> None:
        """Note what others did since the last look."""
        changes, reshaped = self.store.changes()
        if reshaped:
            self.journal.violation("schema", "a table, index or trigger was made or changed")
        for change in changes:
            self._note(change)
            self._judge(change)

    def _note(self, change: Change) -> None:
        row: Row = change.after or change.before or {}
        id_column, number_column = XERO.get(change.table, ("", ""))
        self.journal.write(
            tenant=str(next((row[c] for c in row if c.casefold().endswith("xerotenantid")), "") or ""),
            kind=KINDS.get(change.table, change.table),
            verb="create" if change.before is None else "delete" if change.after is None else "update",
            id=":".join(map(str, change.key)),
            number=str(row.get(number_column) or ""),
            xero_id=str(row.get(id_column) or ""),
            body=_patch(change),
        )

    def _judge(self, change: Change) -> None:
        said = f"{change.table} {':'.join(map(str, change.key))}"
        if not self.writeback:
            self.journal.violation("read_only", f"{said} was changed although nothing may be written")
        if change.after is None:
            self.journal.violation("deleted", said)
        elif change.before is None:
            if not self.allow_insert or change.table not in INSERTS:
                self.journal.violation("inserted", said)
            self._values(change, said)
        else:
            for column in set(_patch(change)) - set(LINKS.get(change.table, ())):
                self.journal.violation("column", f"{said}: {column} is no column for links")
            self._values(change, said)
            self._link(change, said)

    def _values(self, change: Change, said: str) -> None:
        table = self.store.tables[change.table]
        for column, value in _patch(change).items():
            if not table.columns[column].fits(value):
                self.journal.violation("value", f"{said}: {column} can't hold {str(value)[:60]!r}")

    def _link(self, change: Change, said: str) -> None:
        id_column = XERO[change.table][0] if change.table in XERO else ""
        if id_column not in self.store.tables[change.table].columns:
            return
        assert change.before is not None
        assert change.after is not None
        before, after = (str(row[id_column] or "").casefold() for row in (change.before, change.after))
        if before and after and before != after:
            self.journal.violation("link_overwritten", f"{said} had the Xero id {before[:40]}")
        if after and not _GUID.fullmatch(after):
            self.journal.violation("link", f"{said} has the Xero id {after[:60]!r}")
        if after and before != after:
            same = [row for row in self.store.rows(change.table) if str(row[id_column] or "").casefold() == after]
            if len(same) > 1:
                self.journal.violation("link_twice", f"{change.table}: {after[:40]} is on {len(same)} rows")
        if change.table == "INVOICEHEADER" and before != after and change.key[0] <= 0:
            self.journal.violation("link", f"{said} is a template")


def _patch(change: Change) -> Row:
    """The columns that differ, with what they hold now; of a new row all that hold something."""
    after = change.after or {}
    if change.before is None:
        return {column: value for column, value in after.items() if value is not None}
    return {column: value for column, value in after.items() if value != change.before[column]}
