"""Tenants and source connections: what is connected, in what state, and a tenant's own settings."""

from typing import Any

import msgspec

from xerotui.model.kinds import Side
from xerotui.model.problems import SyncError
from xerotui.model.work import OPEN, Topic
from xerotui.net.limits import Budget
from xerotui.source.guard import PluginFault
from xerotui.store import Db, Pair, TenantDoc
from xerotui.store.documents import AUTOMATIC
from xerotui.sync.start_line import proven
from xerotui.workspace.base import NOT_CONNECTED
from xerotui.workspace.meters import Meters
from xerotui.workspace.pages import BudgetRow, SourceRow, TenantRow
from xerotui.xero import limits as xero_limits

ACCENTS = ("blue", "green", "magenta", "cyan", "yellow", "red")


class Tenants(Meters):
    """The Tenants screen."""

    async def book_notice(self) -> str:
        """Why the book can be read but not changed; blank when it can be changed."""
        return (await self.wiring.book.read()).read_only

    async def tenants(self) -> tuple[TenantRow, ...]:
        """Every organisation, by name."""
        db = await self.wiring.book.read()
        rows = [await self._tenant_row(db, document) for document in db.tenants()]
        return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.tenant)))

    async def _tenant_row(self, db: Db, document: TenantDoc) -> TenantRow:
        ledger = self.wiring.ledger
        connection = db.xero(document.connection) if document.connection else None
        links: dict[str, int] = {}
        async with ledger.read() as tx:
            organisation = await ledger.snapshots.organisation(tx, document.tenant)
            for source in db.sources():
                for kind, n in (await ledger.links.counts(tx, source.id, document.tenant)).items():
                    links[kind.value] = links.get(kind.value, 0) + n
            problems = sum((await ledger.problems.counts(tx, tenant=document.tenant)).values())
            cursors = await ledger.snapshots.cursors(tx)
            health = await self.wiring.pulse.read(tx, document.tenant)
            ports, pairs = self.wiring.ports(), _automatic(db, document.tenant)
            unproven = not all([await proven(ports, tx, pair.source, pair.tenant) for pair in pairs])
            beside = bool(await ledger.problems.open(tx, tenant=document.tenant, code="core.native_sync", limit=1))
        state, days = await self._login(document, saved=bool(connection and connection.saved))
        failing = health.failure.sentence if state == "connected" and health.failing and health.failure else ""
        read = [c.at for c in cursors if c.side is Side.XERO and c.connection == document.tenant]
        day = next((b for b in await self._tenant_budgets(document) if b.window == xero_limits.DAY), None)
        return TenantRow(
            tenant=document.tenant,
            name=document.name,
            connection=document.connection,
            connection_name=connection.name if connection else "",
            state="failing" if failing else state,
            trouble=failing,
            country=document.country or (organisation.country if organisation else ""),
            currency=document.currency or (organisation.base_currency if organisation else ""),
            is_demo=document.demo or bool(organisation and organisation.is_demo),
            read_only=document.read_only,
            automatic=any(_automatic(db, document.tenant)),
            unproven=unproven,
            two_writers=beside,
            accent=document.accent,
            locked_until=organisation.locked_until() if organisation else None,
            days_left=days,
            last_call=max(read).isoformat(timespec="seconds") if read else "",
            links=links,
            problems=problems,
            day_used=day.used if day else 0,
            day_limit=day.limit if day else 0,
        )

    async def _login(self, document: TenantDoc, *, saved: bool) -> tuple[str, int | None]:
        """The state of the tenant's login, and in how many days it ends unless it is used."""
        if not document.connection:
            return "disconnected", None
        if not saved:
            return "unsaved", None
        settings = await self.wiring.xero_settings(document.connection)
        login = await self._login_of(document.connection, settings.kind)
        return ("expired", None) if login.state in ("paused", "none") else ("connected", login.days_left)

    async def _tenant_budgets(self, document: TenantDoc) -> list[BudgetRow]:
        """How much of each of Xero's windows is used, by what the ledger counted."""
        if not document.connection:
            return []
        try:
            settings = await self.wiring.xero_settings(document.connection)
        except SyncError:
            return []
        key, limits = xero_limits.limits(settings, document.tenant)
        now = self.wiring.clock.now()
        used = await self.wiring.permits.budgets(key, limits.windows, now)
        # The app's own window is far from any use but that of the largest, and the same for all of its organisations.
        shown = [b for b in used if b.window != xero_limits.APP or b.until or 2 * b.used > b.limit]
        return [_budget(key, document.name, b) for b in shown]

    async def _source_budgets(self, connection: str) -> list[BudgetRow]:
        """How much of each of a source's windows is used."""
        document = (await self.wiring.book.read()).source(connection)
        if document is None:
            return []
        try:
            type_ = self.wiring.registry.source_type(document.source)
            filled = await self.wiring.joined(type_.settings_type, f"source/{connection}", document.settings)
            key, limits = type_.limits(filled)
        except Exception:
            # A plugin that fails here is named on Plugins; a screen of budgets must not fall with it.
            return []
        used = await self.wiring.permits.budgets(key, limits.windows, self.wiring.clock.now())
        return [_budget(key, document.name, b) for b in used]

    async def sources(self) -> tuple[SourceRow, ...]:
        """Every source connection, by name."""
        rows = []
        for document in (await self.wiring.book.read()).sources():
            state, detail, title = "connected", "", document.source
            try:
                title = self.wiring.registry.source_type(document.source).title
            except PluginFault as fault:
                state, detail = "failed", fault.sentence
            rows.append(
                SourceRow(
                    id=document.id,
                    name=document.name,
                    source=document.source,
                    title=title,
                    state=state if document.enabled else "off",
                    enabled=document.enabled,
                    detail=detail,
                )
            )
        return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.id)))

    async def source_switch(self, connection: str, *, on: bool) -> int:
        """Switch a source connection off or on (H1); how many operations wait for it.

        Off, nothing is read, planned or sent for it, and what waits stays. Raises SyncError for an unknown one.
        """
        self.gate("source.switch")

        def write(db: Db) -> None:
            document = db.source(connection)
            if document is None:
                raise SyncError("There is no such source", "See: xerotui tenants.", exit_code=NOT_CONNECTED)
            db.put_source(msgspec.structs.replace(document, enabled=on))

        await self.wiring.book.change(write)
        await self._news("source.switch", connection, on=str(on))
        return await self.waiting_for(connection)

    async def waiting_for(self, connection: str) -> int:
        """How many operations of a source connection are under way or wait to be."""
        async with self.wiring.ledger.read() as tx:
            return sum((await self.wiring.ledger.work.counts(tx, connection=connection, states=OPEN)).values())

    async def tenant_set(self, tenant: str, **fields: Any) -> None:
        """Change a tenant's own settings: `read_only`, `accent`, `poll_minutes`, `reread_minutes`.

        Raises SyncError for an unknown tenant, ValueError for another field.
        """
        self.gate("tenant.set")
        if unknown := set(fields) - {"read_only", "accent", "poll_minutes", "reread_minutes"}:
            raise ValueError(f"a tenant has no setting {', '.join(sorted(unknown))}")

        def write(db: Db) -> None:
            document = db.tenant(tenant)
            if document is None:
                raise SyncError("There is no such organisation", "See: xerotui tenants.", exit_code=NOT_CONNECTED)
            db.put_tenant(msgspec.structs.replace(document, **fields))

        await self.wiring.book.change(write)
        await self._news("tenant.set", tenant, **{name: str(value) for name, value in fields.items()})

    async def _pair_all(self) -> None:
        """Make the pairs that are missing: every source with every saved tenant, manual at first (M3)."""

        def write(db: Db) -> None:
            for source in db.sources():
                for document in db.tenants():
                    if db.pair(source.id, document.tenant) is None:
                        db.put_pair(Pair(source=source.id, tenant=document.tenant))

        await self.wiring.book.change(write)
        async with self.wiring.ledger.write() as tx:
            self.wiring.ledger.changes.bump(tx, Topic.BOOK)


def _automatic(db: Db, tenant: str) -> list[Pair]:
    """The pairs by which a source syncs with an organisation by its policy."""
    return [pair for pair in db.all_pairs() if pair.tenant == tenant and pair.mode == AUTOMATIC]


def _budget(key: str, title: str, budget: Budget) -> BudgetRow:
    return BudgetRow(
        key=key, title=title, window=budget.window, used=budget.used, limit=budget.limit, until=budget.until
    )
