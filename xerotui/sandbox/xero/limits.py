"""The door of the accounting API: who calls, within which limits (xero-api section 3).

It stands before everything else, so that a slow or faulted request counts as in flight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import format_datetime

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import Journal, Windows
from xerotui.sandbox.xero.auth import Consent, Identity
from xerotui.sandbox.xero.behaviour import Behaviour
from xerotui.sandbox.xero.errors import unauthorized
from xerotui.sandbox.xero.store import Organisation, new_id

API = "/api.xro/2.0"
STATE = "xerotui.caller"


def is_api(path: str) -> bool:
    """Tell whether a path belongs to the accounting API; paths are compared without regard to case."""
    return path.lower().startswith(API + "/")


@dataclass(frozen=True)
class Caller:
    """An authenticated caller and the organisation that it names."""

    consent: Consent
    org: Organisation

    @property
    def key(self) -> str:
        """What Xero counts by: the app together with the organisation."""
        return f"{self.consent.app.client_id} {self.org.tenant_id}"


def windows(clock: WorldClock, behaviour: Behaviour) -> Windows:
    """Return Xero's limits: 60 a minute, 5,000 a day and 5 at once for an organisation, 10,000 a minute in all."""
    limits = {"minute": (60, 60.0), "day": (5000, 86400.0), "appminute": (10_000, 60.0)}
    return Windows(clock, limits, concurrent=5, fixed=lambda: behaviour.windows == "fixed")


class Door:
    """Authenticates and counts each call of the accounting API, and stamps the meters on its answer."""

    def __init__(self, inner: ASGIApp, identity: Identity, limits: Windows, journal: Journal) -> None:
        self.inner = inner
        self.identity = identity
        self.limits = limits
        self.journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or answer it."""
        if not is_api(scope["path"]):
            await self.inner(scope, receive, send)
            return
        found = self._caller(Headers(scope=scope))
        if isinstance(found, Response):
            found.headers["Xero-Correlation-Id"] = new_id()
            await found(scope, receive, send)
            return
        problem = self._problem(found)
        if problem:
            if found.org.behaviour.refused_calls_count:
                self._count(found)
            self.journal.violation("limit", f"{problem}: {scope['method']} {scope['path']}")
            await self._refusal(found, problem)(scope, receive, send)
            return
        self._count(found)
        try:
            await self.inner({**scope, STATE: found}, receive, self._stamped(found, send))
        finally:
            self.limits.leave(found.key)

    def _caller(self, headers: Headers) -> Caller | Response:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        consent, expired = self.identity.bearer(token if scheme.lower() == "bearer" else "")
        if expired is not None:
            return unauthorized(f"TokenExpired: token expired at {expired:%m/%d/%Y %H:%M:%S}")
        if consent is None:
            return unauthorized("AuthenticationUnsuccessful")
        tenant = headers.get("xero-tenant-id", "").lower()
        if consent.app.kind == "custom" and not tenant:
            tenant = consent.app.tenant_id
        reached = {connection.tenant_id for connection in self.identity.reached(consent)}
        if tenant not in reached or tenant not in self.identity.organisations:
            if not tenant:
                self.journal.violation("tenant", "no xero-tenant-id")
            elif any(c.id == tenant for c in self.identity.connections):
                self.journal.violation("tenant", "the id of a connection was sent as a tenant id")
            return unauthorized("AuthenticationUnsuccessful", 403)
        return Caller(consent, self.identity.organisations[tenant])

    def _problem(self, caller: Caller) -> str:
        """Return the limit that this call would break, or nothing; counts it in flight where it may go on."""
        app = caller.consent.app.client_id
        for name, key in (("minute", caller.key), ("day", caller.key), ("appminute", app)):
            if not self.limits.state(name, key).headroom:
                return name
        return "" if self.limits.enter(caller.key) else "concurrent"

    def _count(self, caller: Caller) -> None:
        self.limits.hit("minute", caller.key)
        self.limits.hit("day", caller.key)
        self.limits.hit("appminute", caller.consent.app.client_id)

    def _meters(self, caller: Caller) -> dict[str, str]:
        app = caller.consent.app.client_id
        return {
            "Date": format_datetime(self.identity.clock.now(), usegmt=True),
            "X-DayLimit-Remaining": str(self.limits.state("day", caller.key).headroom),
            "X-MinLimit-Remaining": str(self.limits.state("minute", caller.key).headroom),
            "X-AppMinLimit-Remaining": str(self.limits.state("appminute", app).headroom),
        }

    def _refusal(self, caller: Caller, problem: str) -> Response:
        headers = {**self._meters(caller), "X-Rate-Limit-Problem": problem, "Xero-Correlation-Id": new_id()}
        waits = problem != "concurrent" and (problem != "appminute" or caller.org.behaviour.appminute_retry_after)
        if waits:
            key = caller.consent.app.client_id if problem == "appminute" else caller.key
            wait = math.ceil(self.limits.state(problem, key).oldest_leaves_in)
            headers["Retry-After"] = str(max(1, wait))
        return Response(b"", 429, headers)

    def _stamped(self, caller: Caller, send: Send) -> Send:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                meters = {**self._meters(caller), "Xero-Correlation-Id": new_id()}
                given = message.get("headers", [])
                known = {name for name, _ in given}
                extra = [(name.lower().encode(), value.encode()) for name, value in meters.items()]
                # A faulted answer brings meters of its own.
                message = {**message, "headers": [*given, *(pair for pair in extra if pair[0] not in known)]}
            await send(message)

        return stamped
