"""Who calls: apps, consents, tokens and connections, on the world clock (xero-api section 1).

The state of identity and its rules live here; HTTP does not.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.xero import signing
from xerotui.sandbox.xero.store import Organisation, new_id

CODE_LIFE = 5 * 60
ACCESS_LIFE = 30 * 60
REFRESH_LIFE = 60 * 24 * 3600
GRACE = 30 * 60
RETIRED = (
    "accounting.transactions",
    "accounting.transactions.read",
    "accounting.reports.read",
)
_REPORTS = (
    "aged", "balancesheet", "banksummary", "budgetsummary", "executivesummary", "profitandloss", "trialbalance",
    "taxreports", "tenninetynine",
)  # fmt: skip
_TWINNED = ("invoices", "payments", "banktransactions", "manualjournals", "settings", "contacts", "attachments")
SCOPES = {
    "openid", "profile", "email", "offline_access", "accounting.journals.read", "accounting.budgets.read",
    *(f"accounting.{name}{end}" for name in _TWINNED for end in ("", ".read")),
    *(f"accounting.reports.{name}.read" for name in _REPORTS),
}  # fmt: skip
DEFAULT_SCOPES = (
    "openid profile email offline_access accounting.invoices accounting.payments accounting.contacts "
    "accounting.settings accounting.attachments"
)


# Who consents in this sandbox, as the id token tells it for the scopes profile and email.
_PERSON = {
    "profile": {"given_name": "Sam", "family_name": "Sandbox", "name": "Sam Sandbox"},
    "email": {"email": "sam@sandbox.example", "preferred_username": "sam@sandbox.example"},
}


class GrantError(Exception):
    """The token endpoint refuses; ``code`` is the OAuth error."""

    def __init__(self, code: str, description: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
        self.status = status


@dataclass(frozen=True)
class App:
    """One app of the developer portal; ``kind`` is web, pkce or custom, the last bound to ``tenant_id``."""

    client_id: str
    secret: str
    kind: str
    redirect_uris: tuple[str, ...] = ()
    tenant_id: str = ""


@dataclass
class Consent:
    """What a person allowed an app once: the scopes, and the event that connections refer to."""

    app: App
    scopes: tuple[str, ...]
    event: str = field(default_factory=new_id)
    user: str = "5a1f2c3e-0d4b-4e7a-9c61-2f8b7d6e5a40"
    nonce: str = ""
    revoked: bool = False


@dataclass
class _Code:
    consent: Consent
    redirect_uri: str
    challenge: str
    expires: float


@dataclass
class _Refresh:
    consent: Consent
    expires: float
    superseded: float | None = None


@dataclass
class _Access:
    consent: Consent
    expires: float


@dataclass
class Connection:
    """One organisation that an app may reach."""

    id: str
    client_id: str
    tenant_id: str
    tenant_name: str
    event: str
    created: datetime
    updated: datetime
    kind: str = "ORGANISATION"

    def shown(self) -> dict[str, Any]:
        """Return the connection as /connections lists it."""
        return {
            "id": self.id,
            "authEventId": self.event,
            "tenantId": self.tenant_id,
            "tenantType": self.kind,
            "tenantName": self.tenant_name,
            "createdDateUtc": _naive(self.created),
            "updatedDateUtc": _naive(self.updated),
        }


class Identity:
    """Apps, consents, codes, tokens and connections of the emulated Xero."""

    def __init__(self, clock: WorldClock, apps: list[App]) -> None:
        self.clock = clock
        self.apps = {app.client_id: app for app in apps}
        self.organisations: dict[str, Organisation] = {}
        self.connections: list[Connection] = []
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, _Refresh] = {}
        self._access: dict[str, _Access] = {}
        self.issuer = "https://identity.xero.com"

    # -------------------------------------------------------------- consent

    def consent(self, app: App, scopes: tuple[str, ...], tenants: list[str]) -> Consent:
        """Record that a person allowed ``app`` these scopes on these organisations."""
        consent = Consent(app, scopes)
        for tenant_id in tenants:
            self._connect(app, tenant_id, consent.event)
        return consent

    def _connect(self, app: App, tenant_id: str, event: str) -> None:
        org, now = self.organisations[tenant_id], self.clock.now()
        known = self.connection(app.client_id, tenant_id)
        if known is not None:
            known.event, known.updated = event, now
            return
        first = not any(c.id == org.connection_id for c in self.connections)
        id = org.connection_id if first else new_id()
        self.connections.append(Connection(id, app.client_id, tenant_id, org.name, event, now, now))

    def connection(self, client_id: str, tenant_id: str) -> Connection | None:
        """Return the connection of an app to an organisation, or None."""
        for connection in self.connections:
            if connection.client_id == client_id and connection.tenant_id == tenant_id:
                return connection
        return None

    def reached(self, consent: Consent) -> list[Connection]:
        """Return the connections that the tokens of a consent reach: none once it was revoked, for good."""
        return [] if consent.revoked else [c for c in self.connections if c.client_id == consent.app.client_id]

    def code(self, consent: Consent, redirect_uri: str, challenge: str) -> str:
        """Return a fresh authorisation code: single use, five minutes."""
        code = secrets.token_urlsafe(32)
        self._codes[code] = _Code(consent, redirect_uri, challenge, self.clock.timestamp() + CODE_LIFE)
        return code

    # -------------------------------------------------------------- grants

    def exchange(self, app: App, code: str, redirect_uri: str, verifier: str, issuer: str = "") -> dict[str, Any]:
        """Turn a code into tokens; GrantError where anything about it is wrong."""
        held = self._codes.pop(code, None)
        if held is None or held.consent.app is not app or held.expires <= self.clock.timestamp():
            raise GrantError("invalid_grant")
        if held.redirect_uri != redirect_uri:
            raise GrantError("invalid_grant")
        if held.challenge and not _proves(verifier, held.challenge):
            raise GrantError("invalid_grant")
        if verifier and not held.challenge:
            raise GrantError("invalid_grant")
        return self.tokens(held.consent, issuer)

    def refresh(self, app: App, token: str, issuer: str = "") -> dict[str, Any]:
        """Rotate a refresh token; the superseded one stays good for half an hour."""
        held, now = self._refresh.get(token), self.clock.timestamp()
        if held is None or held.consent.app is not app or held.consent.revoked or held.expires <= now:
            raise GrantError("invalid_grant")
        if held.superseded is not None and held.superseded + GRACE <= now:
            raise GrantError("invalid_grant")
        if held.superseded is None:
            held.superseded = now
        return self.tokens(held.consent, issuer)

    def client_credentials(self, app: App, scope: str, issuer: str = "") -> dict[str, Any]:
        """Return an access token for a custom connection; there is no refresh token."""
        if app.kind != "custom":
            raise GrantError("unauthorized_client")
        granted = tuple(s for s in DEFAULT_SCOPES.split() if s.startswith("accounting."))
        scopes = tuple(scope.split()) or granted
        if set(scopes) - set(granted):
            raise GrantError("invalid_scope", "Client credentials scope validation failed")
        consent = self.consent(app, scopes, [app.tenant_id])
        return self.tokens(consent, issuer)

    def tokens(self, consent: Consent, issuer: str = "") -> dict[str, Any]:
        """Return a token reply for a consent; ``issuer`` is the address under which it was asked for."""
        now = self.clock.timestamp()
        access = self._jwt(consent, now, ACCESS_LIFE, iss=issuer or self.issuer, scope=list(consent.scopes))
        self._access[access] = _Access(consent, now + ACCESS_LIFE)
        reply: dict[str, Any] = {
            "access_token": access,
            "expires_in": ACCESS_LIFE,
            "token_type": "Bearer",
            "scope": " ".join(consent.scopes),
        }
        if "openid" in consent.scopes:
            told = {"nonce": consent.nonce} if consent.nonce else {}
            for scope, claims in _PERSON.items():
                told |= claims if scope in consent.scopes else {}
            # Callers judge this one by their own clock and nobody else's: world time would look expired, or to come.
            reply["id_token"] = self._jwt(
                consent, time.time(), 300, iss=issuer or self.issuer, aud=consent.app.client_id, **told
            )
        if "offline_access" in consent.scopes and consent.app.kind != "custom":
            token = secrets.token_urlsafe(32)
            self._refresh[token] = _Refresh(consent, now + REFRESH_LIFE)
            reply["refresh_token"] = token
        return reply

    def revoke(self, app: App, token: str) -> None:
        """Withdraw what a refresh token stands for, and every connection made with the app."""
        held = self._refresh.get(token)
        if held is None or held.consent.app is not app:
            return
        held.consent.revoked = True
        self.connections = [c for c in self.connections if c.client_id != app.client_id]

    def bearer(self, token: str) -> tuple[Consent | None, datetime | None]:
        """Return the consent behind an access token, and the moment at which it expired if it did."""
        held = self._access.get(token)
        if held is None:
            return None, None
        if held.expires <= self.clock.timestamp():
            return held.consent, datetime.fromtimestamp(held.expires, UTC)
        return held.consent, None

    def expire_access(self) -> None:
        """Let every access token expire now."""
        now = self.clock.timestamp()
        for held in self._access.values():
            held.expires = min(held.expires, now)

    def _jwt(self, consent: Consent, now: float, life: int, **more: Any) -> str:
        claims = {
            "nbf": int(now),
            "iat": int(now),
            "exp": int(now) + life,
            "aud": "https://identity.xero.com/resources",
            "client_id": consent.app.client_id,
            "sub": consent.user.replace("-", ""),
            "auth_time": int(now),
            "xero_userid": consent.user,
            "global_session_id": new_id().replace("-", ""),
            "jti": new_id().replace("-", ""),
            "authentication_event_id": consent.event,
            **more,
        }
        return signing.signed(claims)


def _proves(verifier: str, challenge: str) -> bool:
    if not 43 <= len(verifier) <= 128:
        return False
    return hmac.compare_digest(signing.b64(hashlib.sha256(verifier.encode()).digest()), challenge)


def _naive(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0"
