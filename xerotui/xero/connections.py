"""A Xero connection: its settings, its login, and the organisations that it reaches."""

import base64
import datetime as dt
from typing import Annotated, NewType
from urllib.parse import quote, urlsplit

import msgspec

from xerotui.model.settings import Choice, Help, Secret, Title, Where
from xerotui.net.http import HttpClient, Response
from xerotui.net.oauth import Grants
from xerotui.xero.errors import auth_trouble, read_trouble
from xerotui.xero.scopes import SCOPES

# Two ids of one thing, never to be mixed up: Xero answers the wrong one with 403 (xero-api section 1.5).
TenantId = NewType("TenantId", str)
ConnectionId = NewType("ConnectionId", str)
# An organisation whose tenant id the connection doesn't tell (custom connections): called without a tenant header.
UNTOLD = "organisation:"
IDENTITY_URL = "https://identity.xero.com"
AUTHORIZE_URL = "https://login.xero.com/identity/connect/authorize"


class XeroSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one Xero app is reached. Addresses differ from the defaults only for a sandbox or a gateway."""

    kind: Annotated[
        str,
        Title("Kind of app"),
        Help("As the developer portal shows it: pkce = mobile or desktop, web = web app, custom = custom connection"),
        Choice(("pkce", "web", "custom")),
    ] = "pkce"
    client_id: Annotated[str, Title("Client id"), Help("From the app's page in Xero's developer portal")]
    client_secret: Annotated[
        str,
        Title("Client secret"),
        Help("Web apps and custom connections only"),
        Secret(),
        Where("kind", ("web", "custom")),
    ] = ""
    redirect_uri: Annotated[
        str, Title("Redirect address"), Help("Letter by letter as registered; localhost, never 127.0.0.1")
    ] = "http://localhost:8736/callback"
    scopes: Annotated[str, Title("Scopes"), Help("Blank = what XeroTUI needs; changing them takes a new login")] = ""
    tier: Annotated[
        int, Title("Calls a day"), Help("1000 on Xero's Starter tier, 5000 above"), Choice(("1000", "5000"))
    ] = 1000
    minute_limit: Annotated[int, Title("Calls a minute"), Help("Xero allows 60 for each organisation")] = 60
    api_url: Annotated[str, Title("API address")] = "https://api.xero.com"
    identity_url: Annotated[str, Title("Identity address")] = IDENTITY_URL
    authorize_url: Annotated[str, Title("Login address")] = AUTHORIZE_URL

    def __post_init__(self) -> None:
        if self.minute_limit < 2:
            raise ValueError("calls a minute: at least 2")
        if self.kind == "pkce" and self.client_secret:
            raise ValueError("a pkce app has no client secret: choose web, or leave the secret blank")

    @property
    def wanted_scopes(self) -> str:
        """The scopes that a login asks for, blank separated; a custom connection's are chosen in the portal."""
        return " ".join(self.scopes.split()) or ("" if self.kind == "custom" else SCOPES)

    @property
    def accounting_url(self) -> str:
        """Where the accounting endpoints are."""
        return f"{self.api_url.rstrip('/')}/api.xro/2.0"

    @property
    def connections_url(self) -> str:
        """Where the list of connections is."""
        return f"{self.api_url.rstrip('/')}/connections"

    @property
    def consent_url(self) -> str:
        """Where a person consents: beside an identity address of one's own, unless it is named."""
        if self.authorize_url == AUTHORIZE_URL and self.identity_url.rstrip("/") != IDENTITY_URL:
            return f"{self.identity_url.rstrip('/')}/connect/authorize"
        return self.authorize_url

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.identity_url.rstrip('/')}/connect/token"

    @property
    def revocation_url(self) -> str:
        """Where a refresh token is withdrawn."""
        return f"{self.identity_url.rstrip('/')}/connect/revocation"


class XeroConnection(msgspec.Struct, frozen=True):
    """An organisation that the login reaches: `tenant` goes into calls, `id` is only for disconnecting."""

    id: ConnectionId
    tenant: TenantId
    name: str
    type: str = "ORGANISATION"
    event: str = ""
    created: str = ""
    updated: str = ""

    def is_new(self, event: str) -> bool:
        """Whether the consent of that event made it; one that was there before is only touched by a later consent."""
        try:
            age = dt.datetime.fromisoformat(self.updated[:26]) - dt.datetime.fromisoformat(self.created[:26])
        except ValueError:
            return False
        return bool(event) and self.event == event and abs(age.total_seconds()) < 1.0


class XeroOrganisation(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of an organisation before it is chosen; `id` is its own, neither tenant nor connection."""

    id: str
    name: str
    demo: bool = False
    country: str = ""
    currency: str = ""


def redirect_fault(redirect_uri: str) -> str:
    """Why Xero never takes a redirect address, blank where it may (xero-api section 1.2)."""
    try:
        parts = urlsplit(redirect_uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme == "https" and host:
        return ""
    if parts.scheme != "http" or not host:
        return "it begins with https://, or with http://localhost"
    if host in ("127.0.0.1", "::1"):
        return "Xero takes localhost, never 127.0.0.1"
    return "" if host == "localhost" else "without https Xero takes localhost alone"


def grants(http: HttpClient, settings: XeroSettings) -> Grants:
    """The OAuth client of a connection's app."""
    return Grants(
        http,
        client_id=settings.client_id,
        client_secret="" if settings.kind == "pkce" else settings.client_secret,
        token_url=settings.token_url,
        authorize_url=settings.consent_url,
        revocation_url=settings.revocation_url,
        redirect_uri=settings.redirect_uri,
        scopes=settings.wanted_scopes,
    )


class _Connection(msgspec.Struct):
    id: str = ""
    tenantId: str = ""
    tenantName: str | None = None
    tenantType: str = "ORGANISATION"
    authEventId: str | None = None
    createdDateUtc: str | None = None
    updatedDateUtc: str | None = None


class _Organisation(msgspec.Struct):
    OrganisationID: str = ""
    Name: str | None = None
    IsDemoCompany: bool | None = None
    CountryCode: str | None = None
    BaseCurrency: str | None = None


class _Organisations(msgspec.Struct):
    Organisations: list[_Organisation] = []


async def connections(http: HttpClient, settings: XeroSettings, token: str) -> list[XeroConnection]:
    """The organisations that this token reaches, by name; practices are left out (xero-api section 1.5).

    The token of a custom connection may not be allowed to list them; then its one organisation is asked for.
    Raises AuthTrouble and the other errors of a read.
    """
    response = await http.send("GET", settings.connections_url, headers=_bearer(token), urgent=True)
    if response.status in (401, 403) and settings.kind == "custom":
        return [await _only(http, settings, token)]
    if response.status != 200:
        raise read_trouble(response, "connections")
    found = [
        XeroConnection(
            ConnectionId(c.id),
            TenantId(c.tenantId),
            c.tenantName or c.tenantId,
            c.tenantType,
            c.authEventId or "",
            c.createdDateUtc or "",
            c.updatedDateUtc or "",
        )
        for c in response.json(list[_Connection])
        if c.tenantType == "ORGANISATION" and c.tenantId
    ]
    return sorted(found, key=lambda c: (c.name.casefold(), c.tenant))


async def disconnect(http: HttpClient, settings: XeroSettings, token: str, connection_id: ConnectionId) -> bool:
    """Drop one connection (not a tenant) from the login; False when Xero no longer knew it."""
    url = f"{settings.connections_url}/{quote(connection_id, safe='')}"
    response: Response = await http.send("DELETE", url, headers=_bearer(token), urgent=True)
    if response.status == 404:
        return False
    if not response.ok:
        raise read_trouble(response, "that connection")
    return True


async def organisation(http: HttpClient, settings: XeroSettings, token: str, tenant: str) -> XeroOrganisation:
    """What an organisation says of itself: one call, which proves that the login may read it.

    `http` is governed for the tenant, where that is known. Raises AuthTrouble and the other errors of a read.
    """
    headers = _bearer(token)
    if tenant and not tenant.startswith(UNTOLD):
        headers["xero-tenant-id"] = tenant
    response = await http.send("GET", f"{settings.accounting_url}/Organisation", headers=headers, urgent=True)
    if response.status in (401, 403):
        raise auth_trouble(response)
    if response.status != 200:
        raise read_trouble(response, "the organisation")
    listed = response.json(_Organisations).Organisations
    if len(listed) != 1:
        raise read_trouble(response, "the one organisation of this connection")
    found = listed[0]
    return XeroOrganisation(
        id=found.OrganisationID,
        name=found.Name or "",
        demo=bool(found.IsDemoCompany),
        country=found.CountryCode or "",
        currency=found.BaseCurrency or "",
    )


async def _only(http: HttpClient, settings: XeroSettings, token: str) -> XeroConnection:
    found = await organisation(http, settings, token, "")
    return XeroConnection(ConnectionId(""), TenantId(UNTOLD + found.id), found.name)


def consent_event(access_token: str) -> str:
    """The id of the consent that an access token stems from, as its connections name it; blank where it says none.

    The token is ours and only read, so nobody verifies it here.
    """
    try:
        body = access_token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Claims)
    except (IndexError, ValueError, msgspec.MsgspecError):
        return ""
    return claims.authentication_event_id


class _Claims(msgspec.Struct):
    authentication_event_id: str = ""


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}
