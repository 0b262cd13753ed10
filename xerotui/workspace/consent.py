"""Signing in to Xero: begun, answered, looked at, saved or given back. Until it is saved nothing that works changes:
settings, secrets and tokens of a login in the making lie together in the vault."""

import asyncio
import datetime as dt
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256

import msgspec

from xerotui.model.problems import SyncError
from xerotui.model.work import Topic
from xerotui.net.callback import Callback, Deaf, local
from xerotui.net.oauth import OAuthError, code_from_callback
from xerotui.store import Db, XeroConnectionDoc
from xerotui.workspace.base import NOT_CONNECTED, REFUSED
from xerotui.workspace.forms import fresh_id, split
from xerotui.workspace.login_pages import ScopeRow, XeroConsent, XeroTenantChoice
from xerotui.workspace.offers import Offers, tenant_document
from xerotui.workspace.pending import Pending, pending_name, refusals, scope_rows, tokens_name
from xerotui.workspace.secrets import secret_name
from xerotui.xero import connections as xero
from xerotui.xero import scopes
from xerotui.xero.connections import XeroSettings, grants, redirect_fault
from xerotui.xero.tokens import TokenKeeper

# A login that nobody answered for so long was given up.
GIVEN_UP = dt.timedelta(days=1)


class Landing:
    """Waits for the browser to come back to this machine, beside the field for pasting; `words` say how that stands."""

    def __init__(self, callback: Callback | None, words: str) -> None:
        self._callback = callback
        self.words = words

    @property
    def listening(self) -> bool:
        """Whether the browser can come back by itself."""
        return self._callback is not None

    async def wait(self) -> str:
        """The address that the browser came to; for ever where nothing listens."""
        if self._callback is None:
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")
        return await self._callback.wait()


class Consenting(Offers):
    """The login flow of Xero."""

    async def xero_begin(self, name: str, values: dict[str, str]) -> XeroConsent:
        """Begin a login: the settings are kept aside, and the address for the browser comes back.

        Begun under the name of a saved connection it is a new login of that one, which goes on as it is until the
        new one is saved; settings that aren't given stay as they are saved, blank ones go back to their default, and
        a blank secret is the saved one. Raises SyncError for settings that can't work.
        """
        self.gate("tenant.connect")
        db = await self.wiring.book.read()
        known = next((c for c in db.xeros() if c.name == name), None)
        id = known.id if known else fresh_id(name, {c.id for c in db.xeros()})
        kept = {k: v for k, v in known.settings.items() if k not in values} if known is not None else {}
        open_, hidden = split(XeroSettings, {**kept, **values})
        if open_.get("kind") in ("web", "custom") and not hidden:
            secret = await self.wiring.vault.get(secret_name(f"xero/{id}", "client_secret"))
            hidden = {"client_secret": secret} if secret else {}
        pending = Pending(name=name, settings=open_, secrets=hidden, begun=self.wiring.clock.now())
        settings = pending.filled()
        _refuse_hopeless(settings)
        await self._forget_given_up(db)
        if settings.kind == "custom":
            await self._keep(id, pending)
            return XeroConsent(connection=id, url="", state="", redirect_uri="", needs_code=False)
        begun = grants(self.wiring.http, settings).begin()
        await self._keep(id, msgspec.structs.replace(pending, state=begun.state, verifier=begun.verifier))
        return XeroConsent(
            connection=id,
            url=begun.url,
            state=begun.state,
            redirect_uri=settings.redirect_uri,
            warnings=_warnings(settings),
        )

    async def _forget_given_up(self, db: Db) -> None:
        """Drop what was begun a day ago and never answered, with the secret that was typed for it."""
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            names = await ledger.vault.names(tx, "xero/")
        for id in (name.split("/")[1] for name in names if name == pending_name(name.split("/")[1])):
            text = await self.wiring.vault.get(pending_name(id)) if db.xero(id) is None else ""
            if text and self.wiring.clock.now() - msgspec.json.decode(text, type=Pending).begun > GIVEN_UP:
                await self.wiring.vault.drop(f"xero/{id}/")

    async def xero_again(self, connection: str) -> tuple[str, dict[str, str]]:
        """Name and settings, secrets excepted, of a saved connection by id or name; blank where there is none."""
        for document in (await self.wiring.book.read()).xeros():
            if document.saved and connection in (document.id, document.name):
                return document.name, dict(document.settings)
        return "", {}

    @asynccontextmanager
    async def xero_landing(self, connection: str) -> AsyncIterator[Landing]:
        """Listen on the login's redirect address while the block lasts; where that can't be, its words say why."""
        pending = await self._pending(connection)
        uri = pending.filled().redirect_uri
        if not local(uri):
            yield Landing(None, "The redirect address leads to another machine: paste the answer.")
            return
        callback = Callback(uri, pending.state)
        try:
            await callback.open()
        except Deaf as deaf:
            yield Landing(None, f"{deaf.sentence} {deaf.remedy}")
            return
        try:
            yield Landing(
                callback, f"Listening on port {callback.port} too: a browser that gets here needs no pasting."
            )
        finally:
            await callback.close()

    async def xero_finish(self, connection: str, pasted: str, state: str | None = None) -> tuple[XeroTenantChoice, ...]:
        """Take the address that the browser landed on, or its code; the organisations that the login reaches.

        Blank goes on with a login that has been answered. Raises SyncError when the answer is refused or belongs to
        another login (it can be asked for again then), and when since `state` another login was begun.
        """
        self.gate("tenant.connect")
        pending = await self._pending(connection, state)
        async with refusals(pending.filled()):
            if pasted and pending.verifier:
                pending = await self._exchanged(connection, pending, pasted)
            offers = await self._offers(connection, pending)
        await self._make_visible(connection, pending)
        return await self._choices(connection, offers)

    async def _exchanged(self, connection: str, pending: Pending, pasted: str) -> Pending:
        code = code_from_callback(pasted, pending.state)
        mark = sha256(code.encode()).hexdigest()
        if hmac.compare_digest(mark, pending.used):
            # It came twice, by the browser and by hand: the login is there already.
            return pending
        if mark in pending.tried:
            raise SyncError(
                "This code was tried before, and a code works once.",
                "Open the address again, sign in, and come back with the new answer.",
                code="xero.code_used",
                exit_code=NOT_CONNECTED,
            )
        try:
            tokens = await grants(self.wiring.http, pending.filled()).exchange(code, pending.verifier)
        except OAuthError as error:
            if error.code == "code_refused":
                await self._keep(connection, msgspec.structs.replace(pending, tried=(*pending.tried, mark)))
            raise
        pending = msgspec.structs.replace(pending, tokens=tokens, used=mark)
        await self._keep(connection, pending)
        return pending

    async def _make_visible(self, connection: str, pending: Pending) -> None:
        """A login that was answered but not saved is listed as such, also after a crash."""
        document = _document(connection, pending, self.wiring.clock.now())

        def write(db: Db) -> None:
            if db.xero(connection) is None:
                db.put_xero(msgspec.structs.replace(document, saved=False))

        await self.wiring.book.change(write)
        await self._tell()

    async def _tell(self) -> None:
        async with self.wiring.ledger.write() as tx:
            self.wiring.ledger.changes.bump(tx, Topic.BOOK)

    async def xero_scopes(self, connection: str) -> tuple[ScopeRow, ...]:
        """What XeroTUI needs of this login, each with the granted scope that gives it; nothing where none is known."""
        text = await self.wiring.vault.get(pending_name(connection))
        document = (await self.wiring.book.read()).xero(connection)
        if text:
            pending = msgspec.json.decode(text, type=Pending)
            granted, kind = pending.granted, pending.settings.get("kind", "")
        elif document is not None:
            granted, kind = document.granted, document.settings.get("kind", "")
        else:
            return ()
        return scope_rows(granted, kind)

    async def xero_save(self, connection: str, tenants: Sequence[str], state: str | None = None) -> None:
        """Save the login and the chosen organisations: from now on they sync, and the login is in force.

        None need be chosen where the connection has some: then its login alone is renewed. Raises SyncError when
        the login doesn't reach one of them, or reaches nothing that is connected, and when since `state` another login
        was begun.
        """
        self.gate("tenant.connect")
        pending = await self._pending(connection, state)
        settings = pending.filled()
        async with refusals(settings):
            offers = {offer.tenant: offer for offer in await self._offers(connection, pending)}
        # The tokens may have been renewed by asking.
        pending = await self._pending(connection)
        if missing := [t for t in tenants if t not in offers]:
            raise SyncError(
                f"The login doesn't reach {len(missing)} of the organisations",
                "Consent again and choose them in Xero.",
                code="core.not_connected",
                exit_code=REFUSED,
            )
        db = await self.wiring.book.read()
        mine = {d.tenant for d in db.tenants() if d.connection == connection and d.tenant in offers}
        chosen = list(dict.fromkeys([*tenants, *sorted(mine)]))
        if not chosen:
            raise SyncError(
                "No organisation is chosen", "Choose at least one.", code="core.not_connected", exit_code=REFUSED
            )
        await self._put_in_force(connection, pending, settings)
        document = _document(connection, pending, self.wiring.clock.now())

        def write(db: Db) -> None:
            known = db.xero(connection)
            created = known.created if known and known.created else document.created
            db.put_xero(msgspec.structs.replace(document, created=created))
            for tenant in chosen:
                db.put_tenant(tenant_document(db, connection, offers[tenant]))

        await self.wiring.book.change(write)
        await self.wiring.vault.drop(pending_name(connection))
        self.wiring.forget(connection)
        for tenant in chosen:
            if offers[tenant].facts is not None:
                await self.wiring.pulse.well(tenant)
        await self._pair_all()
        await self._news("tenant.connect", connection, tenants=",".join(chosen), granted=document.granted)

    async def _put_in_force(self, connection: str, pending: Pending, settings: XeroSettings) -> None:
        """Secrets and tokens of the new login take the place of those of the one before."""
        if pending.secrets:
            for field, value in pending.secrets.items():
                await self.wiring.vault.put(secret_name(f"xero/{connection}", field), value)
        else:
            await self.wiring.vault.drop(secret_name(f"xero/{connection}", "client_secret"))
        if settings.kind == "custom":
            await self.wiring.vault.drop(tokens_name(connection))
            return
        assert pending.tokens is not None
        oauth = grants(self.wiring.http, settings)
        await TokenKeeper(connection, self.wiring.vault, oauth, self.wiring.clock).begin(pending.tokens)

    async def xero_discard(self, connection: str, state: str | None = None) -> str:
        """Drop a login that was not saved, at Xero too; what was saved before it stays as it is.

        `state` is the one that the login was begun with: one that somebody else began since under the same name isn't
        touched. None is whichever lies there. Returns a sentence on what became of it.
        """
        document = (await self.wiring.book.read()).xero(connection)
        text = await self.wiring.vault.get(pending_name(connection))
        became = "Not saved."
        if text:
            self.gate("tenant.connect")
            pending = msgspec.json.decode(text, type=Pending)
            if state is not None and pending.state != state:
                return f"Not saved: another sign-in of {pending.name} was begun since, and goes on."
            try:
                if await self._give_back(connection, pending):
                    became = "Not saved: the login was given back to Xero."
            except SyncError:
                # What can't be given back dies by itself; here it is forgotten all the same.
                became = "Not saved, and forgotten here; Xero didn't take it back: see Connected apps there."
            await self.wiring.vault.drop(pending_name(connection))
        if document is None or not document.saved:
            await self.wiring.vault.drop(f"xero/{connection}/")
            await self.wiring.book.change(lambda db: db.drop_xero(connection))
            self.wiring.forget(connection)
        await self._tell()
        return became

    async def _give_back(self, connection: str, pending: Pending) -> bool:
        """Undo at Xero what this login made there, and nothing that was there before it; False where it made nothing.

        To revoke takes every connection that the person made with the app, so it is only done where there is no other.
        """
        settings = pending.filled()
        if settings.kind == "custom" or pending.tokens is None:
            return False
        tokens = await self._token(connection, pending)
        db = await self.wiring.book.read()
        mine = {document.id for document in db.xeros() if document.settings.get("client_id") == settings.client_id}
        here = {document.tenant for document in db.tenants() if document.connection in mine}
        event = xero.consent_event(tokens.access_token)
        every = await xero.connections(self.wiring.http, settings, tokens.access_token)
        new = [c for c in every if c.is_new(event) and c.tenant not in here]
        if len(new) == len(every) and tokens.refresh_token:
            await grants(self.wiring.http, settings).revoke(tokens.refresh_token)
            return True
        for one in new:
            await xero.disconnect(self.wiring.http, settings, tokens.access_token, one.id)
        return True


def _document(connection: str, pending: Pending, now: dt.datetime) -> XeroConnectionDoc:
    return XeroConnectionDoc(
        id=connection,
        name=pending.name,
        settings=pending.settings,
        created=now,
        saved=True,
        granted=pending.granted,
        consented=now,
    )


def _refuse_hopeless(settings: XeroSettings) -> None:
    """Raises SyncError for settings that Xero never takes."""
    if settings.kind in ("web", "custom") and not settings.client_secret:
        raise SyncError(
            f"A {settings.kind} app has a client secret, and it is needed",
            "Copy it from the developer portal; an app without one is of the kind pkce.",
            code="core.settings",
            exit_code=1,
        )
    if settings.kind != "custom" and (fault := redirect_fault(settings.redirect_uri)):
        raise SyncError(
            f"Redirect address: {fault}",
            "Set it letter by letter as the developer portal has it, for example http://localhost:8736/callback.",
            code="core.settings",
            exit_code=1,
        )


def _warnings(settings: XeroSettings) -> tuple[str, ...]:
    words = []
    if old := scopes.retired(settings.wanted_scopes):
        words.append(f"Retired by Xero: {', '.join(old)}. An app made since March 2026 is refused with invalid_scope.")
    words += [
        f"Not asked for: {need.scopes[0]}. {need.costs}"
        for need in scopes.missing(settings.wanted_scopes)
        if need.essential
    ]
    return tuple(words)
