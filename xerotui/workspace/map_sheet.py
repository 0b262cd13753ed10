"""Mappings as a sheet: out as CSV, back as a diff that is shown before it is saved (M13)."""

import csv
import io

import msgspec

from xerotui.model.paging import View
from xerotui.model.problems import SyncError
from xerotui.workspace.base import REFUSED
from xerotui.workspace.mapping import Mappings
from xerotui.workspace.pages import MappingRow

HEAD = ("source", "organisation", "spec", "value", "trade", "title", "target", "target_title")
# What stands at the beginning of a cell that a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@")
# A sheet of more lines than this is no sheet of mappings.
MOST = 20_000


class SheetChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a sheet that differs from what is stored. A blank `after` unmaps; `refused` says why it can't be."""

    line: int
    spec: str
    connection: str
    tenant: str
    value: str
    trade: str
    title: str = ""
    before: str = ""
    after: str = ""
    refused: str = ""


class MapSheets(Mappings):
    """Mappings of all kinds and organisations at once."""

    async def mapping_rows(self, connection: str = "", tenant: str = "", spec: str = "") -> tuple[MappingRow, ...]:
        """Every value of every spec, of one connection, organisation or spec where they are named."""
        found: list[MappingRow] = []
        db = await self.wiring.book.read()
        for document in db.sources():
            if connection not in ("", document.id):
                continue
            specs = [s.id for s in await self.mapping_specs(document.id) if spec in ("", s.id)]
            for pair in db.pairs(document.id):
                if tenant not in ("", pair.tenant):
                    continue
                for one in specs:
                    found += await self._all(one, document.id, pair.tenant)
        return tuple(found)

    async def _all(self, spec: str, connection: str, tenant: str) -> list[MappingRow]:
        found: list[MappingRow] = []
        anchor = ""
        while True:
            page = await self.mapping(spec, connection, tenant, View(anchor=anchor, limit=500))
            found += page.rows
            anchor = page.next
            if not anchor:
                return found

    async def mapping_sheet(self, rows: tuple[MappingRow, ...]) -> list[tuple[str, ...]]:
        """The rows as cells in the order of `HEAD`; a proposal that nobody took has no target in it."""
        names = {t.tenant: t.name for t in (await self.wiring.book.read()).tenants()}
        found: list[tuple[str, ...]] = []
        for row in rows:
            target = (row.target, row.target_title) if row.state != "proposed" else ("", "")
            who = (row.connection, names.get(row.tenant, row.tenant))
            found.append((*who, row.spec, row.value, row.trade, row.title, *target))
        return found

    async def mapping_diff(self, text: str) -> tuple[SheetChange, ...]:
        """What a sheet would change; lines that say what is stored already aren't in it.

        Raises SyncError for a text that is no such sheet.
        """
        lines = list(csv.DictReader(io.StringIO(text)))
        if not lines or not {"source", "organisation", "spec", "value", "trade", "target"} <= set(lines[0]):
            raise SyncError(
                "This is no sheet of mappings", "Make one: xerotui map --csv.", code="core.mapping", exit_code=REFUSED
            )
        if len(lines) > MOST:
            raise SyncError(f"The sheet has more than {MOST:,} lines", "Divide it.", exit_code=REFUSED)
        db = await self.wiring.book.read()
        tenants = {word.casefold(): t.tenant for t in db.tenants() for word in (t.name, t.tenant)}
        known: dict[tuple[str, str, str], dict[tuple[str, str], MappingRow]] = {}
        found = []
        for number, line in enumerate(lines, 2):
            cells = {name: _plain(line.get(name) or "") for name in HEAD}
            tenant = tenants.get(cells["organisation"].casefold(), "")
            where = (cells["spec"], cells["source"], tenant)
            if where not in known:
                known[where] = await self._known(*where)
            change = await self._change(number, cells, tenant, known[where].get((cells["value"], cells["trade"])))
            if change is not None:
                found.append(change)
        return tuple(found)

    async def _known(self, spec: str, connection: str, tenant: str) -> dict[tuple[str, str], MappingRow]:
        try:
            return {(r.value, r.trade): r for r in await self._all(spec, connection, tenant)} if tenant else {}
        except SyncError:
            return {}

    async def _change(
        self, line: int, cells: dict[str, str], tenant: str, row: MappingRow | None
    ) -> SheetChange | None:
        change = SheetChange(
            line=line,
            spec=cells["spec"],
            connection=cells["source"],
            tenant=tenant,
            value=cells["value"],
            trade=cells["trade"],
            title=row.title if row else cells["title"],
            after=cells["target"],
        )
        if row is None:
            why = "there is no such value" if tenant else "there is no such organisation"
            return msgspec.structs.replace(change, refused=why)
        stored = await self._stored(row)
        if stored == change.after:
            return None
        change = msgspec.structs.replace(change, before=stored)
        if not change.after:
            return change
        targets = await self.mapping_targets(row.spec, row.connection, row.tenant, row.value, row.trade)
        target = next((t for t in targets if t.id == change.after), None)
        refused = "the organisation has no such value" if target is None else target.reason
        return msgspec.structs.replace(change, refused=refused)

    async def _stored(self, row: MappingRow) -> str:
        held = (await self.wiring.book.read()).mapping(row.spec, row.connection, row.value, row.trade, row.tenant)
        return held.target if held is not None else row.target if row.state == "mapped" else ""

    async def mapping_save(self, changes: tuple[SheetChange, ...]) -> int:
        """Save what a person saw of a sheet; how many changes there were. Refused lines stay out.

        Raises SyncError where this person only reads.
        """
        self.gate("map.set")
        done = 0
        for change in changes:
            if change.refused:
                continue
            where = (change.spec, change.connection, change.tenant, change.value)
            if change.after:
                await self.map_set(*where, change.after, change.trade)
            else:
                await self.map_clear(*where, change.trade)
            done += 1
        return done


def _plain(text: str) -> str:
    """The text of a cell, as it was before it was kept from being a formula."""
    stripped = text.strip()
    return stripped[1:] if stripped.startswith("'") and stripped[1:].lstrip().startswith(_FORMULA) else stripped
