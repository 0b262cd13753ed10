"""What a login in the making reaches: its tokens, its organisations, and how they stand to what is known here."""

import asyncio
from collections.abc import Sequence

import msgspec

from xerotui.model.problems import SyncError
from xerotui.net.oauth import Grants, TokenSet
from xerotui.store import Db, TenantDoc
from xerotui.workspace.base import NOT_CONNECTED, REFUSED
from xerotui.workspace.login_pages import XeroTenantChoice
from xerotui.workspace.pending import Pending, pending_name
from xerotui.workspace.tenants import ACCENTS, Tenants
from xerotui.xero import connections as xero
from xerotui.xero import limits as xero_limits
from xerotui.xero import scopes
from xerotui.xero.connections import UNTOLD, XeroConnection, XeroOrganisation, grants

AT_ONCE = 4


class Offer(msgspec.Struct, frozen=True):
    """An organisation that a login in the making reaches; `tenant` is the key that it has, or will have, here."""

    tenant: str
    reached: XeroConnection
    facts: XeroOrganisation | None
    trouble: str = ""


class Offers(Tenants):
    """Logins in the making, and what they offer."""

    async def _pending(self, connection: str, state: str | None = None) -> Pending:
        """The login in the making. Raises SyncError where there is none, or not the one begun with `state`."""
        text = await self.wiring.vault.get(pending_name(connection))
        if not text:
            raise SyncError(
                "No login was begun", "Begin again: xerotui connect xero.", code="core.login", exit_code=NOT_CONNECTED
            )
        pending = msgspec.json.decode(text, type=Pending)
        if state is not None and pending.state != state:
            raise SyncError(
                f"Another sign-in of {pending.name} was begun since this one",
                "Let that one be finished, or begin this one again under a name of its own.",
                code="core.login",
                exit_code=NOT_CONNECTED,
            )
        return pending

    async def _keep(self, connection: str, pending: Pending) -> None:
        await self.wiring.vault.put(pending_name(connection), msgspec.json.encode(pending).decode())

    async def _token(self, connection: str, pending: Pending) -> TokenSet:
        """Tokens of the login in the making with a minute to live."""
        held = pending.tokens
        if held is not None and held.fresh(self.wiring.clock.now(), 60.0):
            return held
        settings = pending.filled()
        oauth: Grants = grants(self.wiring.http, settings)
        if settings.kind == "custom":
            tokens = await oauth.client_credentials()
        elif held is not None and held.refresh_token:
            tokens = await oauth.refresh(held.refresh_token)
        else:
            raise SyncError(
                "Nobody has signed in yet",
                "Open the address in a browser, sign in, and come back with its answer.",
                code="core.login",
                exit_code=NOT_CONNECTED,
            )
        await self._keep(connection, msgspec.structs.replace(pending, tokens=tokens))
        return tokens

    async def _offers(self, connection: str, pending: Pending) -> list[Offer]:
        settings = pending.filled()
        tokens = await self._token(connection, pending)
        reached = await xero.connections(self.wiring.http, settings, tokens.access_token)
        places = asyncio.Semaphore(AT_ONCE)

        async def one(found: XeroConnection) -> Offer:
            http = xero_limits.governed(
                self.wiring.http, self.wiring.permits, settings, found.tenant, self.wiring.clock
            )
            async with places:
                try:
                    facts = await xero.organisation(http, settings, tokens.access_token, found.tenant)
                except SyncError as error:
                    return Offer(found.tenant, found, None, _trouble(error, pending))
            return Offer(found.tenant, found, facts)

        offers = list(await asyncio.gather(*(one(found) for found in reached)))
        if settings.kind == "custom":
            db = await self.wiring.book.read()
            offers = [_under_its_key(db, offer) for offer in offers]
            _refuse_another(db, connection, pending.name, offers)
        return offers

    async def _choices(self, connection: str, offers: Sequence[Offer]) -> tuple[XeroTenantChoice, ...]:
        db = await self.wiring.book.read()
        known = {document.tenant: document for document in db.tenants()}
        names = {document.id: document.name for document in db.xeros()}
        rows = []
        for offer in offers:
            before = known.get(offer.tenant)
            away = before is not None and before.connection not in ("", connection)
            rows.append(
                XeroTenantChoice(
                    tenant=offer.tenant,
                    name=offer.reached.name,
                    type=offer.reached.type,
                    already=before is not None and before.connection == connection,
                    is_demo=offer.facts.demo if offer.facts else None,
                    country=offer.facts.country if offer.facts else "",
                    currency=offer.facts.currency if offer.facts else "",
                    trouble=offer.trouble,
                    other=names.get(before.connection, before.connection) if before is not None and away else "",
                    kept=await self._links(offer.tenant) if before is not None else 0,
                )
            )
        held = {offer.tenant for offer in offers}
        left = [d for d in known.values() if d.connection == connection and d.tenant not in held]
        rows += [XeroTenantChoice(tenant=d.tenant, name=d.name, already=True, reached=False) for d in left]
        return tuple(rows)

    async def _links(self, tenant: str) -> int:
        ledger = self.wiring.ledger
        sources = (await self.wiring.book.read()).sources()
        async with ledger.read() as tx:
            return sum([sum((await ledger.links.counts(tx, s.id, tenant)).values()) for s in sources])


def _trouble(error: SyncError, pending: Pending) -> str:
    """Why an organisation that the login reaches can't be read, in a sentence.

    Some accounts answer a missing scope as they answer a lost organisation (xero-api section 1.4); that this one was
    just listed tells the two apart.
    """
    lacking = [need.scopes[0] for need in scopes.missing(pending.granted) if need.essential]
    if error.code in ("xero.tenant", "xero.scope") and lacking:
        return f"The login lacks a permission that this needs: {lacking[0]}."
    return error.sentence


def tenant_document(db: Db, connection: str, offer: Offer) -> TenantDoc:
    """An organisation as it is saved; what was set of it before stays."""
    known = db.tenant(offer.tenant)
    used = [t.accent for t in db.tenants()]
    before = known or TenantDoc(
        tenant=offer.tenant, connection="", accent=min(ACCENTS, key=lambda a: (used.count(a), ACCENTS.index(a)))
    )
    now = msgspec.structs.replace(
        before, connection=connection, connection_row_id=offer.reached.id, name=offer.reached.name
    )
    if offer.facts is None:
        return now
    return msgspec.structs.replace(
        now,
        organisation=offer.facts.id,
        country=offer.facts.country,
        currency=offer.facts.currency,
        demo=offer.facts.demo,
    )


def _under_its_key(db: Db, offer: Offer) -> Offer:
    """The offer under the key that its organisation has here already, whichever way Xero told it before."""
    id = offer.facts.id if offer.facts else offer.tenant.removeprefix(UNTOLD) if offer.tenant.startswith(UNTOLD) else ""
    known = next((d for d in db.tenants() if id and id in (d.organisation, d.tenant.removeprefix(UNTOLD))), None)
    return msgspec.structs.replace(offer, tenant=known.tenant) if known is not None else offer


def _refuse_another(db: Db, connection: str, name: str, offers: Sequence[Offer]) -> None:
    """Raises SyncError when a custom connection's new secret is for another organisation than the connection is."""
    held = {offer.tenant for offer in offers}
    lost = next((d for d in db.tenants() if d.connection == connection and d.tenant not in held), None)
    if lost is None:
        return
    reached = ", ".join(offer.reached.name for offer in offers) or "none"
    raise SyncError(
        f"This secret is for another organisation ({reached}) than the connection {name} is for ({lost.name})",
        f"Use the app of {lost.name}, or connect the other one under a name of its own.",
        code="xero.other_organisation",
        exit_code=REFUSED,
    )
