"""Tokens of the emulated Halo: the client credentials grant, scopes, expiry (halo-api section 2)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import json_reply
from xerotui_halo.emulator.errors import Refused, forbidden, oauth, unauthorised
from xerotui_halo.emulator.fields import words
from xerotui_halo.emulator.switches import Switches

AUTH_PATH = "/signin/identity"
TENANT = "northgate"
LIFETIME = 3600

_PAIRS = words(
    "tickets calendar customers crm timesheets contracts suppliers items projects sales quotes sos pos invoices "
    "reporting software softwarelicensing kb assets"
)
SCOPES = frozenset({"all", "all:standard", "admin"} | {f"{verb}:{x}" for verb in ("read", "edit") for x in _PAIRS})


class Grant(msgspec.Struct):
    """One issued token: when it ends (world time, unix seconds) and what it may."""

    ends: float
    scopes: frozenset[str]

    def allows(self, verb: str, scope: str) -> bool:
        """Whether the token may `verb` (read or edit) what `scope` guards; an empty scope guards nothing."""
        if not scope or "all" in self.scopes:
            return True
        if scope == "admin":
            return "admin" in self.scopes
        return "all:standard" in self.scopes or f"{verb}:{scope}" in self.scopes


class Auth:
    """Issues and checks tokens for one application."""

    def __init__(
        self, clock: WorldClock, switches: Switches, client: tuple[str, str], violation: Callable[[str, str], None]
    ) -> None:
        self.clock = clock
        self.switches = switches
        self.client = client
        self.grants: dict[str, Grant] = {}
        self._violation = violation

    async def token(self, request: Request) -> Response:
        """The token endpoint: form in, token or an OAuth error out."""
        try:
            return self._token(request, await request.body())
        except Refused as refused:
            return refused.response

    def check(self, request: Request) -> Grant:
        """The grant of a request; raises the 401 of Halo where there is none or it has ended."""
        for name in ("access_token", "token", "client_secret"):
            if name in request.query_params:
                self._violation("token_in_query", f"{request.url.path}: {name}")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            self._violation("no_bearer", f"{request.method} {request.url.path}")
            raise unauthorised()
        grant = self.grants.get(token.strip())
        if grant is None or grant.ends <= self.clock.timestamp():
            raise unauthorised()
        return grant

    def require(self, grant: Grant, verb: str, scope: str) -> None:
        """Raise the 403 of Halo where the grant lacks the scope."""
        if not grant.allows(verb, scope):
            raise forbidden()

    def revoke_all(self) -> dict[str, int]:
        """Forget every token, as a new secret at Halo's screens does; the number forgotten."""
        number = len(self.grants)
        self.grants.clear()
        return {"revoked": number}

    def _token(self, request: Request, body: bytes) -> Response:
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        if media != "application/x-www-form-urlencoded":
            raise oauth("invalid_request", "The request must be form encoded.")
        form = {k: v[0] for k, v in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items()}
        if "client_secret" in request.query_params:
            self._violation("token_in_query", "the client secret was sent in the query")
        self._tenant(request)
        if form.get("grant_type") != "client_credentials":
            raise oauth("unsupported_grant_type", "This application may use client_credentials only.")
        if (form.get("client_id", ""), form.get("client_secret", "")) != self.client:
            raise oauth("invalid_client", "The client credentials provided were not valid.", 401)
        scopes = form.get("scope", "").split()
        if not scopes or not SCOPES.issuperset(scopes):
            raise oauth("invalid_scope", "The scope is missing or is not known.")
        granted = self.switches.granted.split()
        if "all" not in granted and not set(granted).issuperset(scopes):
            raise oauth("invalid_scope", "The scope is not granted to this application.")
        token = secrets.token_urlsafe(32)
        ends = self.clock.now() + timedelta(seconds=LIFETIME)
        self.grants[token] = Grant(ends.timestamp(), frozenset(scopes))
        answer: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME}
        return json_reply({**answer, "scope": " ".join(scopes)})

    def _tenant(self, request: Request) -> None:
        if not self.switches.hosted:
            return
        tenant = request.query_params.get("tenant")
        if tenant is None:
            self._violation("no_tenant", "authinfo gave a tenant and the token request did not name it")
            raise oauth("invalid_request", "The tenant is missing.")
        if tenant != TENANT:
            raise Refused(Response("An error occurred while processing your request.", 500, media_type="text/plain"))
