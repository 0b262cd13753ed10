"""How the logins stand and what calls cost: read from vault and ledger, never from the network."""

import datetime as dt
from collections.abc import Iterable

import msgspec

from xerotui.model.problems import SyncError
from xerotui.net.clock import machine_now
from xerotui.store import Used
from xerotui.workspace.mapping import Mappings
from xerotui.xero import limits as xero_limits
from xerotui.xero.connections import XeroSettings
from xerotui.xero.tokens import Login, login_of

# Machine seconds for which the logins aren't read again for the status line: it means opening the vault.
AGES_SECONDS = 60.0


class LoginAge(Login, frozen=True, kw_only=True):
    """A login with the name and the kind of app that its Xero connection has."""

    name: str
    kind: str


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """Calls and data volume of today and of this month (UTC, world time). Sizes in bytes.

    `scope` is tenant, app (every organisation of one client id) or source; `id` names it. `billed` is what Xero counts
    as egress; `quota` is what the app's tier includes a month, None where nothing is metered or it isn't known.
    """

    scope: str
    id: str
    title: str
    day_calls: int = 0
    day_throttled: int = 0
    day_sent: int = 0
    day_received: int = 0
    calls: int = 0
    throttled: int = 0
    sent: int = 0
    received: int = 0
    billed: int = 0
    quota: int | None = None


class Meters(Mappings):
    """Logins and usage."""

    _ages: tuple[LoginAge, ...] = ()
    _ages_until: float = 0.0

    async def login_ages(self) -> tuple[LoginAge, ...]:
        """How the login of every saved Xero connection stands, by name."""
        rows = []
        for document in (await self.wiring.book.read()).xeros():
            if not document.saved:
                continue
            kind = document.settings.get("kind", "pkce")
            login = await self._login_of(document.id, kind)
            rows.append(LoginAge(name=document.name, kind=kind, **msgspec.structs.asdict(login)))
        return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.connection)))

    async def login_days(self, tenant: str = "") -> int | None:
        """Days until the login of an organisation, or the first of all, ends unless it is used; None while they are
        many. Cheap enough for a status line."""
        now = machine_now().timestamp()
        if now >= self._ages_until and not self.wiring.ledger.vault.locked:
            self._ages, self._ages_until = await self.login_ages(), now + AGES_SECONDS
        document = (await self.wiring.book.read()).tenant(tenant) if tenant else None
        mine = [row for row in self._ages if document is None or row.connection == document.connection]
        return min(
            (row.days_left for row in mine if row.state == "expiring" and row.days_left is not None), default=None
        )

    async def _login_of(self, connection: str, kind: str) -> Login:
        if kind == "custom":
            return Login(connection=connection, state="app")
        return login_of(connection, await self.wiring.vault.load(connection), self.wiring.clock.now())

    async def usage(self) -> tuple[UsageRow, ...]:
        """What the calls of every tenant, app and source cost today and this month."""
        today = self.wiring.clock.now().astimezone(dt.UTC).date()
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            day = await ledger.usage.since(tx, today)
            month = await ledger.usage.since(tx, today.replace(day=1))
        db = await self.wiring.book.read()
        rows: list[UsageRow] = []
        apps: dict[str, XeroSettings] = {}
        for tenant in db.tenants():
            settings = await self._settings_of(tenant.connection)
            if settings is None:
                continue
            apps.setdefault(settings.client_id, settings)
            key, _ = xero_limits.limits(settings, tenant.tenant)
            rows.append(_row("tenant", tenant.tenant, tenant.name, [key], day, month))
        for client, settings in apps.items():
            keys = [key for key in month if key.startswith(xero_limits.app_key(client) + ":")]
            row = _row("app", client, client, keys, day, month)
            rows.append(msgspec.structs.replace(row, quota=xero_limits.quota(settings)))
        for source in db.sources():
            key = await self._source_key(source.id)
            if key:
                rows.append(_row("source", source.id, source.name, [key], day, month))
        return tuple(rows)

    async def _settings_of(self, connection: str) -> XeroSettings | None:
        try:
            return await self.wiring.xero_settings(connection) if connection else None
        except SyncError:
            return None

    async def _source_key(self, connection: str) -> str:
        """The key that a source's calls are counted by, blank where its plugin can't say."""
        document = (await self.wiring.book.read()).source(connection)
        try:
            assert document is not None
            type_ = self.wiring.registry.source_type(document.source)
            filled = await self.wiring.joined(type_.settings_type, f"source/{connection}", document.settings)
            return type_.limits(filled)[0]
        except Exception:
            # A plugin that fails here is named on Plugins; a report of costs must not fall with it.
            return ""


def _row(
    scope: str, id: str, title: str, keys: Iterable[str], day: dict[str, Used], month: dict[str, Used]
) -> UsageRow:
    keys = list(keys)
    now = [day[key] for key in keys if key in day]
    all_ = [month[key] for key in keys if key in month]
    return UsageRow(
        scope=scope,
        id=id,
        title=title,
        day_calls=sum(used.calls for used in now),
        day_throttled=sum(used.throttled for used in now),
        day_sent=sum(used.sent for used in now),
        day_received=sum(used.received for used in now),
        calls=sum(used.calls for used in all_),
        throttled=sum(used.throttled for used in all_),
        sent=sum(used.sent for used in all_),
        received=sum(used.received for used in all_),
        billed=sum(used.billed for used in all_),
    )
