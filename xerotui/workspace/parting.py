"""Leaving Xero: one organisation of a login, or a whole login. Links, mappings, history and audit always stay."""

from collections.abc import Sequence

import msgspec

from xerotui.model.problems import SyncError
from xerotui.model.work import OPEN, PlanState
from xerotui.store import Db, TenantDoc
from xerotui.workspace.base import NOT_CONNECTED, REFUSED, totalled
from xerotui.workspace.consent import Consenting
from xerotui.workspace.login_pages import Parted, XeroConnectionRow
from xerotui.workspace.pending import pending_name, refusals, scope_rows, tokens_name
from xerotui.xero import connections as xero
from xerotui.xero.errors import Paused
from xerotui.xero.tokens import TokenKeeper

LOCAL_ONLY = "Or forget it here alone, with --local-only, and disconnect it in Xero: Settings, Connected apps."
_UNASKED = "Xero wasn't asked: disconnect it there too (Settings, Connected apps)."


class Parting(Consenting):
    """Logins, and how they end."""

    async def xero_connections(self) -> tuple[XeroConnectionRow, ...]:
        """Every Xero connection by name, those that were signed in but not saved among them."""
        db = await self.wiring.book.read()
        ages = {login.connection: login for login in await self.login_ages()}
        rows = []
        for document in db.xeros():
            tenants = tuple(t.tenant for t in db.tenants() if t.connection == document.id)
            state = "unsaved"
            if document.saved:
                dead = document.id in ages and ages[document.id].state in ("paused", "none")
                state = "signed out" if not tenants else "expired" if dead else "connected"
            kind = document.settings.get("kind", "pkce")
            # One that was saved before scopes were kept with it has them in its tokens.
            granted = document.granted or (ages[document.id].scopes if document.id in ages else "")
            rows.append(
                XeroConnectionRow(
                    connection=document.id,
                    name=document.name,
                    kind=kind,
                    state=state,
                    unsaved=bool(await self.wiring.vault.get(pending_name(document.id))),
                    tenants=tenants,
                    granted=granted,
                    consented=document.consented,
                    scopes=scope_rows(granted, kind),
                )
            )
        return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.connection)))

    async def tenant_disconnect(self, tenant: str, *, local_only: bool = False) -> Parted:
        """Take one organisation away from its login, at Xero and here; with the last one the login ends.

        `local_only` asks nothing of Xero. Raises SyncError where it isn't connected, work for it is under way, or
        Xero can't be asked.
        """
        self.gate("tenant.disconnect")
        db = await self.wiring.book.read()
        document = db.tenant(tenant)
        if document is None or not document.connection:
            raise SyncError(
                "This organisation isn't connected",
                "See: xerotui tenants.",
                code="core.not_connected",
                exit_code=NOT_CONNECTED,
            )
        connection = document.connection
        await self._refuse_busy([document])
        last = all(t.connection != connection or t.tenant == tenant for t in db.tenants())
        words = _UNASKED if local_only else await self._leave_xero(db, connection, [document], end=last)
        await self.wiring.book.change(lambda db: _let_go(db, [tenant]))
        if last:
            await self.wiring.vault.drop(tokens_name(connection))
        self.wiring.forget(connection)
        await self._news("tenant.disconnect", tenant, connection=connection, name=document.name, at_xero=words)
        login = db.xero(connection)
        name = login.name if login else connection
        return Parted(connection=connection, name=name, tenants=(document.name,), at_xero=words, login_ended=last)

    async def login_delete(self, connection: str, *, local_only: bool = False) -> Parted:
        """End a login at Xero and forget its settings, secrets and tokens; its organisations stay, disconnected.

        One that was never saved is given back. Raises SyncError as `tenant_disconnect`.
        """
        self.gate("login.delete")
        db = await self.wiring.book.read()
        login = db.xero(connection)
        if login is None:
            raise SyncError(
                f"There is no Xero connection {connection}",
                "See: xerotui tenants logins.",
                code="core.not_connected",
                exit_code=NOT_CONNECTED,
            )
        if not login.saved:
            await self.xero_discard(connection)
            return Parted(connection=connection, name=login.name, tenants=(), at_xero="Given back.", login_ended=True)
        mine = [document for document in db.tenants() if document.connection == connection]
        await self._refuse_busy(mine)
        words = _UNASKED if local_only else await self._leave_xero(db, connection, mine, end=True)
        if not local_only:
            await self.xero_discard(connection)

        def write(db: Db) -> None:
            _let_go(db, [document.tenant for document in mine])
            db.drop_xero(connection)

        await self.wiring.book.change(write)
        await self.wiring.vault.drop(f"xero/{connection}/")
        self.wiring.forget(connection)
        names = tuple(document.name for document in mine)
        await self._news("login.delete", connection, name=login.name, tenants=", ".join(names), at_xero=words)
        return Parted(connection=connection, name=login.name, tenants=names, at_xero=words, login_ended=True)

    async def _refuse_busy(self, documents: Sequence[TenantDoc]) -> None:
        """Raises SyncError while a run works on one of them: its outcomes could never be known."""
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            plans = await ledger.plans.list(tx, 200, [PlanState.APPROVED, PlanState.APPLYING])
            for document in documents:
                states = totalled(await ledger.work.counts(tx, tenant=document.tenant), 3)
                if any(states.get(s) for s in OPEN) or any(document.tenant in plan.tenants for plan in plans):
                    raise SyncError(
                        f"A run works on {document.name}",
                        "Wait for its end: xerotui queue.",
                        code="core.tenant_busy",
                        exit_code=REFUSED,
                    )

    async def _leave_xero(self, db: Db, connection: str, documents: Sequence[TenantDoc], *, end: bool) -> str:
        """Disconnect these at Xero, and with `end` withdraw the login; what became of it, as a sentence.

        To withdraw a login takes every connection that its person made with the app, so it isn't done while
        another connection of this workspace uses the same app.
        """
        settings = await self.wiring.xero_settings(connection)
        keeper = await self.wiring.keeper(connection)
        try:
            async with refusals(settings):
                gone = await self._disconnected(settings, await keeper.access(), documents)
                if end and isinstance(keeper, TokenKeeper) and not _shared(db, connection):
                    await keeper.revoke()
                    return "The login was withdrawn at Xero."
        except Paused:
            return (
                "The login had ended already, so Xero couldn't be asked; if the app is still listed there "
                "(Settings, Connected apps), disconnect it."
            )
        except SyncError as error:
            raise SyncError(
                error.sentence, f"{error.remedy} {LOCAL_ONLY}".strip(), code=error.code, exit_code=error.exit_code
            ) from error
        return gone

    async def _disconnected(self, settings: xero.XeroSettings, token: str, documents: Sequence[TenantDoc]) -> str:
        # Asked anew, because the id changes when somebody consents again.
        rows = {row.tenant: row for row in await xero.connections(self.wiring.http, settings, token)}
        untold = done = 0
        for document in documents:
            row = rows.get(xero.TenantId(document.tenant))
            if row is None and settings.kind == "custom" and len(rows) == 1:
                row = next(iter(rows.values()))
            if row is not None and not row.id:
                untold += 1
            elif row is not None:
                done += await xero.disconnect(self.wiring.http, settings, token, row.id)
        if untold:
            return "A custom connection ends in Xero's developer portal alone: disconnect it there."
        return "Disconnected at Xero." if done else "Xero had disconnected it already."


def _shared(db: Db, connection: str) -> bool:
    """Whether another connection with organisations uses the same app."""
    mine = db.xero(connection)
    app = mine.settings.get("client_id") if mine else ""
    used = {document.connection for document in db.tenants()} - {connection, ""}
    return any(other.id in used and other.settings.get("client_id") == app for other in db.xeros())


def _let_go(db: Db, tenants: Sequence[str]) -> None:
    for tenant in tenants:
        document = db.tenant(tenant)
        if document is not None:
            db.put_tenant(msgspec.structs.replace(document, connection="", connection_row_id=""))
