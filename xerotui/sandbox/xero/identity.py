"""Xero's identity service over HTTP: consent page, token, revocation, discovery, connections.

Only HTTP and words may live here; the rules are in `auth`.
"""

from __future__ import annotations

import base64
import binascii
import html
import secrets
from urllib.parse import parse_qs, parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from xerotui.sandbox.service import Journal, json_reply
from xerotui.sandbox.xero import signing
from xerotui.sandbox.xero.auth import RETIRED, SCOPES, App, GrantError, Identity
from xerotui.sandbox.xero.behaviour import Behaviour
from xerotui.sandbox.xero.errors import not_found, unauthorized

_AUTHORISE = {
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "acr_values", "prompt", "approve",
}  # fmt: skip
_KEYS = "/identity/.well-known/openid-configuration/jwks"
_PAGE = """<!doctype html><meta charset="utf-8"><title>Sandbox consent</title>
<style>body{{font:16px sans-serif;max-width:32em;margin:3em auto}}label{{display:block;margin:.5em 0}}</style>
<h1>Allow access?</h1><p>The app <b>{client}</b> asks for:</p><p><code>{scope}</code></p>
<form method="post"><p>Organisations of this sandbox:</p>{choices}
<button name="decision" value="allow">Allow access</button>
<button name="decision" value="cancel">Cancel</button></form>"""


class IdentityPages:
    """The HTTP side of identity."""

    def __init__(self, identity: Identity, journal: Journal, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._turn = 0
        self.identity = identity
        self.journal = journal

    async def answer(self, request: Request) -> Response:
        """Answer one request under /identity or /connections."""
        path = _known(request.url.path)
        if path == "/identity/connect/authorize" and request.method in ("GET", "POST"):
            return await self._authorise(request)
        if path == "/identity/connect/token" and request.method == "POST":
            return await self._token(request)
        if path == "/identity/connect/revocation" and request.method == "POST":
            return await self._revoke(request)
        if path == "/identity/.well-known/openid-configuration" and request.method == "GET":
            return self._discovery(_base(request))
        if path == _KEYS and request.method == "GET":
            return json_reply(signing.key_set())
        if path == "/connections" or path.startswith("/connections/"):
            return self._connections(request)
        self.journal.violation("endpoint", f"{request.method} {path}")
        return not_found()

    # -------------------------------------------------------------- consent page

    async def _authorise(self, request: Request) -> Response:
        query = dict(request.query_params)
        problem = self._problem(query)
        if problem:
            return _error_page(problem)
        app = self.identity.apps[query["client_id"]]
        if request.method == "POST":
            form = parse_qs((await request.body()).decode())
            allowed = form.get("decision", ["cancel"])[0] == "allow"
            return self._back(app, query, form.get("tenant", []) if allowed else [])
        if approve := query.get("approve"):
            every = list(self.identity.organisations)
            return self._back(app, query, every if approve in ("1", "all") else approve.split(","))
        return self._page(app, query)

    def _problem(self, query: dict[str, str]) -> str:
        """Return the error for which the page itself stops, or nothing."""
        if unknown := set(query) - _AUTHORISE:
            self.journal.violation("query", f"authorize: {', '.join(sorted(unknown))}")
        app = self.identity.apps.get(query.get("client_id", ""))
        if app is None or app.kind == "custom":
            return "unauthorized_client"
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        if query.get("redirect_uri") not in app.redirect_uris:
            return "invalid_request: redirect_uri"
        scopes = query.get("scope", "").split()
        if not scopes or any(scope in RETIRED or scope not in SCOPES for scope in scopes):
            return "invalid_scope"
        challenge = query.get("code_challenge", "")
        if (app.kind == "pkce" and not challenge) or (challenge and query.get("code_challenge_method") != "S256"):
            return "invalid_request: code_challenge"
        return ""

    def _page(self, app: App, query: dict[str, str]) -> Response:
        bulk = "bulk_connect:false" not in query.get("acr_values", "")
        choices = "".join(
            f'<label><input type="{"checkbox" if bulk else "radio"}" name="tenant" value="{org.tenant_id}"'
            f"{' checked' if n == 0 else ''}> {html.escape(org.name)}</label>"
            for n, org in enumerate(self.identity.organisations.values())
        )
        page = _PAGE.format(client=html.escape(app.client_id), scope=html.escape(query["scope"]), choices=choices)
        return HTMLResponse(page, headers={"X-Frame-Options": "DENY", "Cache-Control": "no-store"})

    def _back(self, app: App, query: dict[str, str], tenants: list[str]) -> Response:
        answer = {"state": query["state"]} if "state" in query else {}
        chosen = [tenant for tenant in tenants if tenant in self.identity.organisations]
        if not chosen:
            answer = {"error": "access_denied", **answer}
        else:
            consent = self.identity.consent(app, tuple(query["scope"].split()), chosen)
            consent.nonce = query.get("nonce", "")
            code = self.identity.code(consent, query["redirect_uri"], query.get("code_challenge", ""))
            session = secrets.token_urlsafe(16)
            answer = {"code": code, "scope": query["scope"], "session_state": session, **answer}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 302)

    # -------------------------------------------------------------- tokens

    async def _token(self, request: Request) -> Response:
        try:
            form = await self._form(request)
            app = self._client(request, form)
            return json_reply(self._grant(app, form, _base(request)), headers={"Cache-Control": "no-store"})
        except GrantError as error:
            body = {"error": error.code}
            if error.description:
                body["error_description"] = error.description
            return json_reply(body, error.status)

    def _grant(self, app: App, form: dict[str, str], issuer: str) -> dict[str, object]:
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self.identity.exchange(
                app, form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier", ""), issuer
            )
        if kind == "refresh_token":
            return self.identity.refresh(app, form.get("refresh_token", ""), issuer)
        if kind == "client_credentials":
            return self.identity.client_credentials(app, form.get("scope", ""), issuer)
        raise GrantError("unsupported_grant_type")

    async def _form(self, request: Request) -> dict[str, str]:
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            self.journal.violation("token", "the body isn't form-encoded")
            raise GrantError("invalid_request")
        if request.url.query:
            self.journal.violation("token", "parameters in the address of the token endpoint")
        return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))

    def _client(self, request: Request, form: dict[str, str]) -> App:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise GrantError("invalid_client") from None
        app = self.identity.apps.get(client_id)
        if app is None or not secrets.compare_digest(app.secret.encode(), secret.encode()):
            raise GrantError("invalid_client")
        return app

    async def _revoke(self, request: Request) -> Response:
        try:
            form = await self._form(request)
            self.identity.revoke(self._client(request, form), form.get("token", ""))
        except GrantError as error:
            return json_reply({"error": error.code}, error.status)
        return Response(status_code=200)

    def _discovery(self, base: str) -> Response:
        return json_reply(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/connect/authorize",
                "token_endpoint": f"{base}/connect/token",
                "revocation_endpoint": f"{base}/connect/revocation",
                "jwks_uri": base + _KEYS.removeprefix("/identity"),
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "response_modes_supported": ["query"],
                "scopes_supported": sorted(SCOPES),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    # -------------------------------------------------------------- connections

    def _connections(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        consent, expired = self.identity.bearer(token if scheme.lower() == "bearer" else "")
        if expired is not None:
            return unauthorized(f"TokenExpired: token expired at {expired:%m/%d/%Y %H:%M:%S}")
        if consent is None:
            return unauthorized("AuthenticationUnsuccessful")
        if consent.app.kind == "custom" and not self.behaviour.custom_connections:
            return unauthorized("AuthenticationUnsuccessful", 403)
        mine = self.identity.reached(consent)
        id = request.url.path[len("/connections") :].strip("/")
        if request.method == "GET" and not id:
            if unknown := set(request.query_params) - {"authEventId"}:
                self.journal.violation("query", f"connections: {', '.join(sorted(unknown))}")
            event = request.query_params.get("authEventId")
            shown = [c.shown() for c in mine if event in (None, c.event)]
            if self.behaviour.connections_shuffled and shown:
                self._turn += 1
                shown = shown[self._turn % len(shown) :] + shown[: self._turn % len(shown)]
            return json_reply(shown)
        if request.method == "DELETE" and id:
            found = [c for c in mine if c.id == id.lower()]
            if not found:
                return not_found()
            self.identity.connections.remove(found[0])
            return Response(status_code=204)
        self.journal.violation("endpoint", f"{request.method} {request.url.path}")
        return not_found()


def _known(path: str) -> str:
    """Return the path as it is under one address for all hosts of Xero: identity.xero.com knows no /identity."""
    path = path.lower()
    return f"/identity{path}" if path.startswith(("/connect/", "/.well-known/")) else path


def _base(request: Request) -> str:
    """Return the address under which identity was asked: of a proxy in front, where it says so."""
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", "http")
    host = headers.get("x-forwarded-host") or headers.get("host", "")
    prefix = "/identity" if request.url.path.lower().startswith("/identity/") else ""
    return f"{scheme}://{host}{prefix}"


def _error_page(problem: str) -> Response:
    return HTMLResponse(f"<!doctype html><title>Error</title><h1>Error: {html.escape(problem)}</h1>", 400)
