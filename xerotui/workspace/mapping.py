"""Mappings: specs, pages, targets, and the edits. What a row says is worked out in `mapping_rows`."""

from collections.abc import Sequence
from typing import Any

import msgspec

from xerotui.model.kinds import Kind, Side, Trade
from xerotui.model.paging import Page, View
from xerotui.model.problems import SyncError
from xerotui.model.records import Choice, Record, TaxRate, Tracking
from xerotui.model.work import Topic
from xerotui.source.contract import MappingSpec, Target
from xerotui.source.guard import PluginFault
from xerotui.store import Db, Mapping
from xerotui.sync import rates
from xerotui.sync.overriding import SPEC_THEME
from xerotui.sync.pair import ACCOUNT, ANY, NOT_SENT
from xerotui.workspace.base import REFUSED
from xerotui.workspace.listing import paged
from xerotui.workspace.mapping_rows import Sides, code_of, rows_of, target_row, value_of
from xerotui.workspace.mapping_specs import CORE, account_values, theme_values
from xerotui.workspace.pages import MappingRow, SpecRow, TargetRow
from xerotui.workspace.requests import Requests


class Mappings(Requests):
    """The mapping screens and commands."""

    async def mapping_specs(self, connection: str = "") -> tuple[SpecRow, ...]:
        """What can be mapped: the core's specs, then those of the sources (of one connection, if it is named)."""
        rows = [_spec_row(spec, "") for spec in CORE]
        for document in (await self.wiring.book.read()).sources():
            if connection and document.id != connection:
                continue
            rows += [_spec_row(spec, document.id) for spec in self._own_specs(document.source)]
        return tuple(rows)

    def _own_specs(self, source: str) -> tuple[MappingSpec, ...]:
        try:
            return self.wiring.registry.source_type(source).specs
        except PluginFault:
            # It is named on Plugins; the core's own specs still work.
            return ()

    async def _spec(self, spec: str, connection: str) -> MappingSpec:
        document = (await self.wiring.book.read()).source(connection)
        known = (*CORE, *(self._own_specs(document.source) if document else ()))
        found = next((s for s in known if s.id == spec), None)
        if document is None or found is None:
            raise SyncError(
                f"Nothing called {spec} can be mapped" if document else f"There is no source connection {connection}",
                "See: xerotui map --specs.",
                code="core.mapping",
                exit_code=REFUSED,
            )
        return found

    async def _sides(self, spec: str, connection: str, tenant: str) -> Sides:
        known = await self._spec(spec, connection)
        snapshots = self.wiring.ledger.snapshots
        db = await self.wiring.book.read()
        async with self.wiring.ledger.read() as tx:
            targets: Sequence[Record] = await snapshots.all(tx, Side.XERO, tenant, Kind(_KIND_OF[known.target]))
            values: list[Record]
            if known.id == SPEC_THEME:
                values = theme_values(await self._documents(tx, connection), tenant)
            elif known.id == "default_item":
                values = [Choice(id=ANY, kind=Kind.CHOICE, name="Lines without an item", spec=known.id)]
            elif known.target is Target.TAX_RATE:
                rates_ = await snapshots.all(tx, Side.SOURCE, connection, Kind.TAX_RATE)
                values = [r for r in rates_ if r.tenant in ("", tenant)]
            else:
                choices = await snapshots.all(tx, Side.SOURCE, connection, Kind.CHOICE)
                values = [c for c in choices if isinstance(c, Choice) and c.spec == known.id]
            if known.target is Target.TRACKING:
                targets = [*targets, Tracking(id=NOT_SENT, kind=Kind.TRACKING, name="Not sent to Xero")]
            waiting = await self._waiting(tx, tenant)
            cursors = await snapshots.cursors(tx)
            items = await snapshots.all(tx, Side.SOURCE, connection, Kind.ITEM) if known.id == ACCOUNT else ()
        stored = {(m.value, m.trade): m for m in db.mappings(connection, tenant) if m.spec == known.id}
        if known.id == ACCOUNT:
            values = account_values([i for i in items if i.tenant in ("", tenant)], waiting, stored)
        kind = Kind(_KIND_OF[known.target])
        ages = [c.at for c in cursors if (c.side, c.connection, c.kind) == (Side.XERO, tenant, kind)]
        read = ages[0].isoformat(timespec="seconds") if ages else ""
        return Sides(known, connection, tenant, values, targets, stored, waiting, read)

    async def _documents(self, tx: Any, connection: str) -> list[Record]:
        kinds = (Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PURCHASE_ORDER)
        return [r for k in kinds for r in await self.wiring.ledger.snapshots.all(tx, Side.SOURCE, connection, k)]

    async def _waiting(self, tx: Any, tenant: str) -> dict[str, int]:
        """Records that wait, by the subject of their problem."""
        found: dict[str, int] = {}
        view = View(fields={"tenant": tenant}, limit=500)
        while True:
            page = await self.wiring.ledger.problems.causes(tx, view)
            for cause in page.rows:
                found[cause.subject] = found.get(cause.subject, 0) + cause.records
            if not page.next:
                return found
            view = msgspec.structs.replace(view, anchor=page.next)

    async def mapping(self, spec: str, connection: str, tenant: str, view: View) -> Page[MappingRow]:
        """A page of source values with what they become; those that documents wait for come first."""
        sides = await self._sides(spec, connection, tenant)
        rows = [row for value in sides.values for row in rows_of(sides, value)]
        order = {"unmapped": 0, "broken": 0, "proposed": 1, "mapped": 2}
        rows.sort(key=lambda r: (-r.waiting, order[r.state], r.title.casefold(), r.value, r.trade == "purchase"))
        return paged(rows, view, lambda row: f"{row.title} {row.value} {row.target} {row.target_title}")

    async def mapping_targets(
        self, spec: str, connection: str, tenant: str, value: str, trade: str = "sales"
    ) -> tuple[TargetRow, ...]:
        """What the tenant has to map this value to, by name; what isn't allowed comes last, with the reason.

        Of tax rates those whose name is most like the value's come first.
        Raises SyncError for a value that the source doesn't have.
        """
        sides = await self._sides(spec, connection, tenant)
        source = next((v for v in sides.values if value_of(v) == value), None)
        if source is None:
            raise _unknown(f"The source has no value {value}")
        targets: Sequence[Record] = sides.targets
        if isinstance(source, TaxRate):
            targets = rates.named_alike(source, [t for t in targets if isinstance(t, TaxRate)])
        else:
            targets = sorted(targets, key=lambda t: (t.id == NOT_SENT, (t.name or code_of(t)).casefold(), code_of(t)))
        rows = [target_row(sides.spec, source, target, Trade(trade)) for target in targets]
        return tuple(sorted(rows, key=lambda row: not row.allowed))

    async def map_set(
        self, spec: str, connection: str, tenant: str, value: str, target: str, trade: str = "sales"
    ) -> None:
        """Map one value.

        Raises SyncError when the value or target is unknown, the target is not allowed, or this person only reads.
        """
        self.gate("map.set")
        sides = await self._sides(spec, connection, tenant)
        source = next((v for v in sides.values if value_of(v) == value), None)
        found = next((t for t in sides.targets if target in (code_of(t), t.id)), None)
        if source is None or found is None:
            raise _unknown(
                f"The source has no value {value}" if source is None else f"This organisation has no {target}"
            )
        row = target_row(sides.spec, source, found, Trade(trade))
        if not row.allowed:
            raise SyncError(
                f"{source.name or value} can't become {row.title}: {row.reason}",
                "Choose a rate of the same percentage that Xero allows there.",
                code="core.mapping_refused",
                exit_code=REFUSED,
            )
        await self._store([(sides, source, found, trade)])

    async def map_clear(self, spec: str, connection: str, tenant: str, value: str, trade: str = "sales") -> None:
        """Remove the mapping of one value.

        Raises SyncError when there is none.
        """
        self.gate("map.clear")
        await self._spec(spec, connection)

        def write(db: Db) -> None:
            if db.mapping(spec, connection, value, trade, tenant) is None:
                raise _unknown(f"Nothing is mapped for the source value {value} ({trade})")
            db.drop_mapping(spec, connection, value, trade, tenant)

        await self.wiring.book.change(write)
        await self._news("map.clear", f"{spec}:{value}", connection=connection, tenant=tenant, trade=trade)

    async def map_accept(self, spec: str, connection: str, tenant: str) -> int:
        """Take every proposal, and the new names of what was renamed in Xero; how many there were.

        Raises SyncError where a side was never read.
        """
        self.gate("map.accept")
        sides = await self._sides(spec, connection, tenant)
        await self._was_read(connection, tenant)
        taken = []
        for value in sides.values:
            for row in rows_of(sides, value):
                target = next((t for t in sides.targets if code_of(t) == row.target), None)
                if target is not None and (row.state == "proposed" or (row.changed and row.state == "mapped")):
                    taken.append((sides, value, target, row.trade))
        if taken:
            await self._store(taken)
        return len(taken)

    async def _was_read(self, connection: str, tenant: str) -> None:
        snapshots = self.wiring.ledger.snapshots
        async with self.wiring.ledger.read() as tx:
            organisation = await snapshots.organisation(tx, tenant)
            cursors = await snapshots.cursors(tx)
        if organisation is None or not any(c.side is Side.SOURCE and c.connection == connection for c in cursors):
            who = "This organisation" if organisation is None else "The source"
            raise SyncError(
                f"{who} was never read: there are no proposals yet",
                "Read both sides: xerotui tenants --refresh.",
                code="core.mapping",
                exit_code=REFUSED,
            )

    async def _store(self, edits: Sequence[tuple[Sides, Record, Record, str]]) -> None:
        def write(db: Any) -> None:
            for sides, source, target, trade in edits:
                db.put_mapping(
                    Mapping(
                        spec=sides.spec.id,
                        connection=sides.connection,
                        value=value_of(source),
                        trade=trade,
                        tenant=sides.tenant,
                        target=code_of(target),
                        target_title=target.name,
                        actor=self.actor,
                        at=self.wiring.clock.now(),
                    )
                )

        await self.wiring.book.change(write)
        for sides, source, target, trade in edits:
            more = {"connection": sides.connection, "tenant": sides.tenant, "trade": trade, "target": code_of(target)}
            await self._news("map.set", f"{sides.spec.id}:{value_of(source)}", **more)

    async def _news(self, action: str, subject: str, **detail: str) -> None:
        """Audit an edit of the book, and let the worker draw its consequences."""
        ledger = self.wiring.ledger
        async with ledger.write() as tx:
            await ledger.audit.append(tx, self.actor, action, subject, detail, self.wiring.clock.now())
            ledger.changes.bump(tx, Topic.BOOK)
        self.wake()


_KIND_OF = {
    Target.TAX_RATE: "tax_rate",
    Target.ACCOUNT: "account",
    Target.ITEM: "item",
    Target.TRACKING: "tracking",
    Target.THEME: "branding_theme",
}


def _unknown(sentence: str) -> SyncError:
    return SyncError(sentence, "Read both sides again, or choose another.", code="core.mapping", exit_code=REFUSED)


def _spec_row(spec: MappingSpec, connection: str) -> SpecRow:
    return SpecRow(
        id=spec.id,
        title=spec.title,
        source_title=spec.source_title,
        target=spec.target.value,
        help=spec.help,
        connection=connection,
        trades=tuple(t.value for t in spec.trades),
    )
