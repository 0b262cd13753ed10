"""The emulated Xero as one ASGI application: from a request to its operation, and to Xero's way of refusing.

The order of the checks lives here; every rule stands in a module of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import Journal, decode
from xerotui.sandbox.xero.behaviour import Behaviour
from xerotui.sandbox.xero.call import PDF, Call
from xerotui.sandbox.xero.errors import VALIDATION, Refused, bad_request, not_found, not_implemented, unauthorized
from xerotui.sandbox.xero.idempotency import LONGEST, Keys
from xerotui.sandbox.xero.identity import IdentityPages
from xerotui.sandbox.xero.limits import API, STATE, Caller, is_api
from xerotui.sandbox.xero.params import judge
from xerotui.sandbox.xero.pdf import PRINTED
from xerotui.sandbox.xero.routes import ROUTES, SCOPES, SILENT, Route
from xerotui.sandbox.xero.words import ours

_LOG = logging.getLogger("xerotui.sandbox.xero")


class XeroApp:
    """Routes the requests that came through the door."""

    def __init__(self, clock: WorldClock, journal: Journal, pages: IdentityPages, behaviour: Behaviour) -> None:
        self.journal = journal
        self.pages = pages
        self.keys = Keys(clock, journal, behaviour)
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        if is_api(scope["path"]):
            body = await request.body()
            answer = self._accounting(request, scope[STATE], body)
        else:
            answer = await self.pages.answer(request)
        await answer(scope, receive, send)

    async def failing(self, scope: Scope, receive: Receive) -> Callable[[Response], None] | None:
        """Return what keeps the failure of a request under its idempotency key, or None where it isn't kept.

        Only what fails inside Xero is kept, a 500: a 503 comes from what stands before it (xero-api section 4).
        A request that was answered before isn't worked on again, so that nothing of it can fail there.
        """
        request, caller = Request(scope, receive), scope.get(STATE)
        key = request.headers.get("idempotency-key", "")
        if caller is None or request.method not in ("PUT", "POST") or not 0 < len(key) <= LONGEST:
            return None
        client = caller.consent.app.client_id
        if not caller.org.behaviour.failures_kept or self.keys.holds(client, key):
            return None
        body = await request.body()

        def keep(answer: Response) -> None:
            if answer.status_code == 500:
                target = _target(request)
                self.keys.keep(client, key, caller.org.tenant_id, request.method, target, body, answer)

        return keep

    def _accounting(self, request: Request, caller: Caller, body: bytes) -> Response:
        # No await from here to the answer: two requests never interleave inside one organisation.
        try:
            answer = self._call(request, caller, body)
            self._said(answer)
            return answer
        except Refused as refused:
            self._said(refused.response)
            if refused.violation:
                where = f"{request.method} {request.url.path}"
                self.journal.violation(refused.violation, f"{where}: {refused.detail}")
            return refused.response
        except Exception as error:
            _LOG.exception("the emulator failed on %s %s", request.method, request.url.path)
            self.journal.violation("emulator", f"{request.method} {request.url.path}: {error!r}")
            return Response("An error occurred in Xero. Check the API Status page", 500)

    def _said(self, answer: Response) -> None:
        """Note in which words of its own a whole request was refused."""
        if answer.status_code == 400:
            elements = decode(bytes(answer.body)).get("Elements", [])
            self.journal.said(ours(e["Message"] for one in elements for e in one.get("ValidationErrors", [])))

    def _call(self, request: Request, caller: Caller, body: bytes) -> Response:
        self.calls += 1
        raw = _path(request)
        route, args = self._route(request.method, raw.partition("?")[0][len(API) :])
        self._judge_scope(route, caller)
        printable = len(args) == 1 and route.method == "GET" and route.endpoint in PRINTED
        forms = (PDF, "application/json") if printable else ("application/json",)
        self._judge_headers(request, body, caller.org.behaviour.bytes, () if route.handler in SILENT else forms)
        if len(raw) + len(request.url.query) > caller.org.behaviour.address:
            # Its web server is IIS, which knows no such address then.
            raise Refused(not_found(), "address", f"{len(raw) + len(request.url.query)} characters")
        query = self._query(request, route)
        key = request.headers.get("idempotency-key", "") if request.method in ("PUT", "POST") else ""
        call = Call(
            org=caller.org,
            journal=self.journal,
            client_id=caller.consent.app.client_id,
            number=self.calls,
            method=request.method,
            path=request.url.path,
            query=query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            key=key,
            args=args,
        )
        return self._keyed(call, route, _target(request)) if key else route.handler(call)

    def _keyed(self, call: Call, route: Route, target: str) -> Response:
        tenant = call.org.tenant_id
        kept = self.keys.replay(call.client_id, call.key, tenant, call.method, target, call.body)
        if kept is not None:
            return kept
        try:
            answer = route.handler(call)
        except Refused as refused:
            answer = refused.response
            if refused.violation:
                call.violation(refused.violation, refused.detail)
        self.keys.keep(call.client_id, call.key, tenant, call.method, target, call.body, answer)
        return answer

    def _route(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        there = False
        for route in ROUTES:
            match = route.pattern.fullmatch(path)
            if match is None:
                continue
            there = True
            if route.method == method:
                return route, tuple(unquote(part) for part in match.groups())
        if there:
            raise Refused(not_implemented(), "endpoint", "the verb isn't offered here")
        raise Refused(not_found(), "endpoint", "no such endpoint")

    def _judge_scope(self, route: Route, caller: Caller) -> None:
        wanted = SCOPES[route.endpoint]
        enough = {*wanted, *(f"{scope}.read" for scope in wanted if route.method == "GET")}
        if not enough & set(caller.consent.scopes):
            headers = {"WWW-Authenticate": "insufficent_scope"}
            status = caller.org.behaviour.missing_scope
            raise Refused(unauthorized("AuthenticationUnsuccessful", status, headers))

    def _judge_headers(self, request: Request, body: bytes, most: int, forms: tuple[str, ...]) -> None:
        accepted = request.headers.get("accept", "").lower()
        if forms and not any(form in accepted for form in forms):
            refusal = Response("XML is what Xero would send here: ask for application/json", 406)
            raise Refused(refusal, "Accept", "no Accept: application/json")
        json = request.headers.get("content-type", "").lower().startswith("application/json")
        if request.method in ("PUT", "POST") and body and not json:
            raise Refused(Response(status_code=415), "Content-Type", "a body that isn't application/json")
        if len(body) > most:
            raise Refused(Response(status_code=413), "size", f"{len(body)} bytes")

    def _query(self, request: Request, route: Route) -> dict[str, str]:
        pairs = parse_qsl(request.url.query, keep_blank_values=True)
        unknown = {name for name, _ in pairs} - route.params
        if unknown:
            # Xero ignores what it doesn't know, which is just why nobody may rely on it.
            where = f"{request.method} {request.url.path}"
            self.journal.violation("query", f"{where}: unknown parameter {', '.join(sorted(unknown))}")
        found = {name: value for name, value in pairs if name in route.params}
        for said in filter(None, (judge(name, value) for name, value in found.items())):
            # What Xero makes of it isn't known: taken for the usual, a slip of the caller's would go unseen.
            raise Refused(bad_request(VALIDATION, said), "query", said)
        return found


def _path(request: Request) -> str:
    return bytes(request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1")


def _target(request: Request) -> str:
    return f"{_path(request)}?{request.url.query}"
