"""Joins the rooms: ledger, book, vault, clocks, permits, tokens, a Xero client a tenant, a source a connection.

The only place where secrets and settings meet again. No page and no request lives here.
"""

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from xerotui import __version__
from xerotui.model.problems import SyncError
from xerotui.model.settings import fields, fill
from xerotui.net.clock import WorldClock
from xerotui.net.governor import Governor, NoLimits
from xerotui.net.http import HttpClient
from xerotui.net.limits import Permits
from xerotui.source.accept import abilities_of
from xerotui.source.contract import Abilities, Secrets, Source
from xerotui.source.guard import PluginFault
from xerotui.source.registry import Registry
from xerotui.store import Book, Ledger, XeroConnectionDoc, me
from xerotui.sync.ports import Ports
from xerotui.workspace.forms import registry
from xerotui.workspace.health import Pulse
from xerotui.workspace.home import Home
from xerotui.workspace.secrets import ConnectionSecrets, Vaulted, secret_name, vault_key
from xerotui.xero import limits as xero_limits
from xerotui.xero.client import TenantClient
from xerotui.xero.connections import XeroSettings, grants
from xerotui.xero.errors import Paused
from xerotui.xero.tokens import AppTokens, Login, TokenKeeper, TokenProvider, login_of

# "off" proves what the governor is good for: the sandbox then answers 429.
GOVERNOR = "XEROTUI_GOVERNOR"
NOT_CONNECTED = 3


@dataclass
class SourceContext:
    """What a source is lent: see `xerotui.source.contract.Context`."""

    connection: str
    http: HttpClient
    secrets: Secrets
    log: Any
    clock: WorldClock
    stopped: list[bool] = field(default_factory=list)

    def now(self) -> Any:
        """World time in UTC."""
        return self.clock.now()

    def cancelled(self) -> bool:
        """True when the work should stop at the next page."""
        return bool(self.stopped)


class Wiring:
    """One process's view of one installation, its parts made when they are first asked for."""

    def __init__(self, home: Home, ledger: Ledger, book: Book, clock: WorldClock) -> None:
        self.home = home
        self.ledger = ledger
        self.book = book
        self.clock = clock
        self.registry: Registry = registry()
        self.identity = me()
        self.log = structlog.get_logger("xerotui")
        self.vault = Vaulted(ledger)
        self.http = HttpClient(clock=clock)
        governed = os.environ.get(GOVERNOR, "").lower() != "off"
        self.permits: Permits = ledger.permits if governed else NoLimits()
        self.pulse = Pulse(ledger, clock)
        self._keepers: dict[str, tuple[str, TokenProvider]] = {}
        self._clients: dict[str, tuple[str, TenantClient]] = {}
        self._sources: dict[str, tuple[str, Source]] = {}
        self._abilities: dict[str, tuple[str, Abilities]] = {}
        self._stopped: list[bool] = []

    @classmethod
    async def open(cls, home: Home) -> "Wiring":
        """Open the stores of a home, making and migrating them where needed.

        Raises SyncError with words when one of them can't be used.
        """
        clock = WorldClock(home.clock)
        ledger = await Ledger.open(home.ledger, clock=clock)
        try:
            async with ledger.read() as tx:
                await ledger.vault.unlock(tx, await vault_key(home, ledger, tx))
        except BaseException:
            await ledger.close()
            raise
        return cls(home, ledger, Book(home.book), clock)

    async def close(self) -> None:
        """Give everything back."""
        self._stopped.append(True)
        await self.http.aclose()
        await self.pulse.settle()
        await self.ledger.close()

    def ports(self) -> Ports:
        """What the engine is given."""
        return Ports(
            ledger=self.ledger,
            book=self.book,
            clock=self.clock,
            registry=self.registry,
            xero=self.xero,
            source=self.source,
            abilities=self.abilities,
            keep=self.keep_logins,
            identity=self.identity,
            log=self.log,
            version=__version__,
        )

    async def xero_settings(self, connection: str) -> XeroSettings:
        """The settings of a Xero connection with its secret from the vault.

        Raises SyncError when there is no such connection.
        """
        document = (await self.book.read()).xero(connection)
        if document is None:
            raise SyncError(
                f"There is no Xero connection {connection}",
                "Connect one: xerotui connect xero.",
                code="core.not_connected",
                exit_code=NOT_CONNECTED,
            )
        settings = await self.joined(XeroSettings, f"xero/{connection}", document.settings)
        assert isinstance(settings, XeroSettings)
        return settings

    async def keeper(self, connection: str) -> TokenProvider:
        """The tokens of a Xero connection, one keeper a process."""
        settings = await self.xero_settings(connection)
        mark = await self._login_mark(connection, settings)
        held = self._keepers.get(connection)
        if held is None or held[0] != mark:
            oauth = grants(self.http, settings)
            made: TokenProvider = (
                AppTokens(oauth, self.clock)
                if settings.kind == "custom"
                else TokenKeeper(connection, self.vault, oauth, self.clock)
            )
            held = self._keepers[connection] = (mark, made)
        return held[1]

    async def keep_logins(self, age: dt.timedelta) -> list[str]:
        """Renew every login that nothing has used for `age` of world time; the names of their connections.

        One that is dead already is passed over: it is told where it is used. Raises SyncError when another one
        couldn't be renewed, after all have been tried.
        """
        kept, trouble = [], None
        for document in await self._unused(age):
            try:
                keeper = await self.keeper(document.id)
                if isinstance(keeper, TokenKeeper) and await keeper.keep(age):
                    kept.append(document.name)
            except Paused:
                continue
            except SyncError as error:
                trouble = error
        if trouble is not None:
            raise trouble
        return kept

    async def unused(self, age: dt.timedelta) -> list[Login]:
        """The logins that live and that nothing has used for `age` of world time."""
        now = self.clock.now()
        return [login_of(d.id, await self.vault.load(d.id), now) for d in await self._unused(age)]

    async def _unused(self, age: dt.timedelta) -> list[XeroConnectionDoc]:
        found = []
        for document in (await self.book.read()).xeros():
            stored = await self.vault.load(document.id) if document.saved else None
            if stored is not None and stored.renews and not stored.paused and self.clock.now() - stored.born >= age:
                found.append(document)
        return found

    def forget(self, connection: str) -> None:
        """Let go of what was made of a connection's former settings."""
        self._keepers.pop(connection, None)
        self._sources.pop(connection, None)
        self._clients.clear()

    async def xero(self, tenant: str) -> TenantClient:
        """The client of a tenant.

        Raises SyncError when the tenant isn't connected.
        """
        document = (await self.book.read()).tenant(tenant)
        if document is None or not document.connection:
            raise SyncError(
                "This organisation isn't connected",
                "Connect it: xerotui connect xero.",
                code="core.not_connected",
                exit_code=NOT_CONNECTED,
            )
        settings = await self.xero_settings(document.connection)
        mark = document.connection + await self._login_mark(document.connection, settings)
        held = self._clients.get(tenant)
        if held is None or held[0] != mark:
            http = xero_limits.governed(self.http, self.permits, settings, tenant, self.clock)
            client = TenantClient(http, await self.keeper(document.connection), tenant, settings, self.pulse.of(tenant))
            held = self._clients[tenant] = (mark, client)
        return held[1]

    async def _login_mark(self, connection: str, settings: XeroSettings) -> str:
        """Differs when settings change and with every login, so that what a process holds of the one before goes."""
        document = (await self.book.read()).xero(connection)
        return f"{_mark(settings)} {document.consented if document else ''}"

    async def source(self, connection: str) -> Source:
        """The source of a connection.

        Raises SyncError when it doesn't exist, is off, or its plugin is missing or broken.
        """
        document = (await self.book.read()).source(connection)
        if document is None or not document.enabled:
            raise SyncError(
                f"The source connection {connection} " + ("is switched off" if document else "doesn't exist"),
                "See: xerotui tenants.",
                code="core.not_connected",
                exit_code=NOT_CONNECTED,
            )
        mark = document.source + repr(sorted(document.settings.items()))
        held = self._sources.get(connection)
        if held is None or held[0] != mark:
            made = await self.make_source(document.source, connection, document.settings)
            held = self._sources[connection] = (mark, made)
        return held[1]

    async def abilities(self, connection: str) -> Abilities:
        """What a source connection can do by its settings, also one that is switched off.

        Raises SyncError when it doesn't exist, its plugin is missing or broken, or its settings no longer fit.
        """
        document = (await self.book.read()).source(connection)
        if document is None:
            words = f"The source connection {connection} doesn't exist"
            raise SyncError(words, "See: xerotui tenants.", code="core.not_connected", exit_code=NOT_CONNECTED)
        mark = document.source + repr(sorted(document.settings.items()))
        held = self._abilities.get(connection)
        if held is None or held[0] != mark:
            try:
                type_ = self.registry.source_type(document.source)
                filled = await self.joined(type_.settings_type, f"source/{connection}", document.settings)
                held = self._abilities[connection] = (mark, abilities_of(type_, filled))
            except SyncError:
                raise
            except Exception as error:
                raise _unusable(document.source, error) from None
        return held[1]

    async def make_source(self, source: str, connection: str, settings: Mapping[str, str]) -> Source:
        """A source of these settings (secrets of the vault are added), whether or not they are saved."""
        try:
            type_ = self.registry.source_type(source)
            filled = await self.joined(type_.settings_type, f"source/{connection}", settings)
            key, windows = type_.limits(filled)
            abilities_of(type_, filled)
            governor = Governor(self.permits, key, windows, self.clock)
            context = SourceContext(
                connection=connection,
                http=self.http.governed(governor, type_.throttled),
                secrets=ConnectionSecrets(self.vault, f"source/{connection}"),
                log=self.log.bind(source=source, connection=connection),
                clock=self.clock,
                stopped=self._stopped,
            )
            return type_(filled, context)
        except (SyncError, msgspec.ValidationError):
            raise
        except Exception as error:
            raise _unusable(source, error) from error

    async def joined(self, struct: type[msgspec.Struct], owner: str, settings: Mapping[str, str]) -> msgspec.Struct:
        """A settings struct of stored settings and the secrets of the vault.

        Raises SyncError when the stored settings no longer fit.
        """
        values = dict(settings)
        for name in (f.name for f in fields(struct) if f.secret):
            if not values.get(name):
                values[name] = await self.vault.get(secret_name(owner, name))
        known = {f.name for f in fields(struct)}
        try:
            return fill(struct, {name: value for name, value in values.items() if name in known})
        except msgspec.ValidationError as error:
            raise SyncError(str(error), "Correct the settings: connect again.", code="core.settings") from None


def _unusable(source: str, error: Exception) -> SyncError:
    """The words for a plugin that is missing, broken, or fails when a source is made of it."""
    words = f"The source {source} can't be made ({type(error).__name__})"
    if isinstance(error, PluginFault):
        words = f"The plugin of {source} can't be used: {error.sentence}"
    return SyncError(words, "See: xerotui plugins.", code="core.plugin", exit_code=NOT_CONNECTED)


def _mark(settings: XeroSettings) -> str:
    from hashlib import sha256

    return sha256(msgspec.json.encode(settings)).hexdigest()
