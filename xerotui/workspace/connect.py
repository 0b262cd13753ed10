"""Connecting: a source by its settings, Xero by consent. Secrets go into the vault and nowhere else."""

import re
import secrets
from collections.abc import Sequence

import msgspec

from xerotui.model.problems import SyncError
from xerotui.model.settings import fields, fill
from xerotui.net.oauth import OAuthError, code_from_callback
from xerotui.source.contract import Fact, Source
from xerotui.source.guard import PluginFault
from xerotui.store import Db, SourceConnection, TenantDoc, XeroConnectionDoc
from xerotui.sync.pull import words
from xerotui.workspace import crash, forms
from xerotui.workspace.base import NOT_CONNECTED, REFUSED, told
from xerotui.workspace.pages import FormField, XeroConsent, XeroTenantChoice
from xerotui.workspace.secrets import secret_name
from xerotui.workspace.tenants import ACCENTS, Tenants
from xerotui.xero.connections import XeroConnection, XeroSettings, connections, grants
from xerotui.xero.tokens import TokenKeeper


class Pending(msgspec.Struct, frozen=True):
    """A login in the making; kept in the vault, because it may be finished by another process."""

    state: str
    verifier: str


class Connecting(Tenants):
    """The connect flows."""

    async def source_types(self) -> tuple[tuple[str, str], ...]:
        """Name and title of every source that can be connected."""
        return forms.source_types()

    async def source_form(self, source: str) -> tuple[FormField, ...]:
        """The settings of a source as a form."""
        return forms.source_form(source)

    def xero_form(self) -> tuple[FormField, ...]:
        """The settings of a Xero connection as a form."""
        return forms.xero_form()

    async def connect_source(self, source: str, name: str, values: dict[str, str]) -> tuple[str, tuple[Fact, ...]]:
        """Prove that the settings work, then save them; the connection's id and what was found.

        A connection of this name and source gets the new settings. Raises SyncError when it doesn't work: then
        nothing is saved.
        """
        self.gate("source.connect")
        type_ = self._type(source)
        _filled(type_.settings_type, values)
        db = await self.wiring.book.read()
        known = next((s for s in db.sources() if s.name == name and s.source == source), None)
        id = known.id if known else _fresh(name, {s.id for s in db.sources()})
        open_, hidden = _split(type_.settings_type, values)
        # Not saved yet: the secrets ride along in the settings until the check has passed.
        made = await self.wiring.make_source(source, id, {**open_, **hidden})
        try:
            async with told(type_.title):
                facts = await made.check()
        except SyncError:
            raise
        except Exception as error:
            # A fault of the plugin: its author needs the place, the person the words.
            crash.record(error, self.place.logs)
            raise words(error, type_.title) from error
        if wrong := next((fact for fact in facts if not fact.ok), None):
            raise SyncError(
                f"{wrong.title}: {wrong.value}", wrong.remedy, code="core.not_connected", exit_code=NOT_CONNECTED
            )
        for field, value in hidden.items():
            await self.wiring.vault.put(secret_name(f"source/{id}", field), value)
        document = SourceConnection(id=id, name=name, source=source, settings=open_, created=self.wiring.clock.now())
        await self.wiring.book.change(lambda db: db.put_source(document))
        self.wiring.forget(id)
        await self._pair_all()
        await self._news("source.connect", id, source=source, name=name)
        return id, tuple(facts)

    def _type(self, source: str) -> type[Source]:
        try:
            return self.wiring.registry.source_type(source)
        except PluginFault as fault:
            raise SyncError(
                f"No source {source}: {fault.sentence}", "See: xerotui plugins.", code="core.plugin"
            ) from None

    async def xero_begin(self, name: str, values: dict[str, str]) -> XeroConsent:
        """Begin a login: settings are kept as unsaved, the address for the browser comes back.

        A connection of this name and client gets the new settings and keeps its tenants.
        """
        self.gate("tenant.connect")
        settings = _filled(XeroSettings, values)
        assert isinstance(settings, XeroSettings)
        db = await self.wiring.book.read()
        known = next((c for c in db.xeros() if c.name == name), None)
        id = known.id if known else _fresh(name, {c.id for c in db.xeros()})
        open_, hidden = _split(XeroSettings, values)
        for field, value in hidden.items():
            await self.wiring.vault.put(secret_name(f"xero/{id}", field), value)
        document = XeroConnectionDoc(
            id=id, name=name, settings=open_, created=self.wiring.clock.now(), saved=bool(known and known.saved)
        )
        await self.wiring.book.change(lambda db: db.put_xero(document))
        self.wiring.forget(id)
        if settings.kind == "custom":
            return XeroConsent(connection=id, url="", state="", redirect_uri="", needs_code=False)
        begun = grants(self.wiring.http, settings).begin()
        await self.wiring.vault.put(_pending(id), msgspec.json.encode(Pending(begun.state, begun.verifier)).decode())
        return XeroConsent(connection=id, url=begun.url, state=begun.state, redirect_uri=settings.redirect_uri)

    async def xero_finish(self, connection: str, pasted: str) -> tuple[XeroTenantChoice, ...]:
        """Take the address that the browser landed on, or its code; the organisations that the login reaches.

        Raises SyncError when the code is refused or belongs to another login.
        """
        self.gate("tenant.connect")
        async with told("Xero"):
            offered = await self._reached(connection, pasted)
        known = {t.tenant for t in (await self.wiring.book.read()).tenants() if t.connection == connection}
        return tuple(
            XeroTenantChoice(tenant=c.tenant, name=c.name, type=c.type, already=c.tenant in known) for c in offered
        )

    async def _reached(self, connection: str, pasted: str = "") -> list[XeroConnection]:
        settings = await self.wiring.xero_settings(connection)
        keeper = await self.wiring.keeper(connection)
        if pasted and isinstance(keeper, TokenKeeper):
            text = await self.wiring.vault.get(_pending(connection))
            if not text:
                raise SyncError("No login was begun", "Begin again.", code="core.login", exit_code=NOT_CONNECTED)
            pending = msgspec.json.decode(text, type=Pending)
            code = code_from_callback(pasted, pending.state)
            await keeper.begin(await grants(self.wiring.http, settings).exchange(code, pending.verifier))
            await self.wiring.vault.drop(_pending(connection))
        return await connections(self.wiring.http, settings, await keeper.access())

    async def xero_save(self, connection: str, tenants: Sequence[str]) -> None:
        """Save the chosen organisations: from now on they sync.

        Raises SyncError when the login doesn't reach one of them.
        """
        self.gate("tenant.connect")
        async with told("Xero"):
            offered = {c.tenant: c for c in await self._reached(connection)}
        if missing := [t for t in tenants if t not in offered]:
            raise SyncError(
                f"The login doesn't reach {len(missing)} of the organisations",
                "Consent again and choose them in Xero.",
                code="core.not_connected",
                exit_code=REFUSED,
            )

        def write(db: Db) -> None:
            document = db.xero(connection)
            assert document is not None
            db.put_xero(msgspec.structs.replace(document, saved=True))
            for tenant in tenants:
                db.put_tenant(_tenant(db, connection, offered[tenant]))

        await self.wiring.book.change(write)
        await self._pair_all()
        await self._news("tenant.connect", connection, tenants=",".join(tenants))

    async def xero_discard(self, connection: str) -> None:
        """Drop a login that was not saved, at Xero too; one that was saved stays as it is."""
        document = (await self.wiring.book.read()).xero(connection)
        if document is None or document.saved:
            return
        try:
            keeper = await self.wiring.keeper(connection)
            if isinstance(keeper, TokenKeeper):
                async with told("Xero"):
                    await keeper.revoke()
        except (SyncError, OAuthError):
            # What can't be revoked dies by itself; here it is forgotten all the same.
            pass
        await self.wiring.vault.drop(f"xero/{connection}/")
        await self.wiring.book.change(lambda db: db.drop_xero(connection))
        self.wiring.forget(connection)


def _filled(struct: type[msgspec.Struct], values: dict[str, str]) -> msgspec.Struct:
    try:
        return fill(struct, values)
    except msgspec.ValidationError as error:
        raise SyncError(str(error), "Correct the settings.", code="core.settings", exit_code=1) from None


def _split(struct: type[msgspec.Struct], values: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Settings for the book and secrets for the vault."""
    secret = {f.name for f in fields(struct) if f.secret}
    given = {name: value for name, value in values.items() if value != ""}
    open_ = {name: value for name, value in given.items() if name not in secret}
    return open_, {name: value for name, value in given.items() if name in secret}


def _fresh(name: str, taken: set[str]) -> str:
    """A short id that a person recognises; "-2" and so on where it is taken."""
    base = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:24] or secrets.token_hex(3)
    id, n = base, 1
    while id in taken:
        n += 1
        id = f"{base}-{n}"
    return id


def _tenant(db: Db, connection: str, offered: XeroConnection) -> TenantDoc:
    known = db.tenant(offered.tenant)
    if known is not None:
        return msgspec.structs.replace(known, connection=connection, connection_row_id=offered.id, name=offered.name)
    used = [t.accent for t in db.tenants()]
    accent = min(ACCENTS, key=lambda a: (used.count(a), ACCENTS.index(a)))
    return TenantDoc(
        tenant=offered.tenant,
        connection=connection,
        connection_row_id=offered.id,
        name=offered.name,
        accent=accent,
    )


def _pending(connection: str) -> str:
    return f"xero/{connection}/pending"
