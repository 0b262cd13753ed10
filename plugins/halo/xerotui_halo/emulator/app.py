"""The HTTP face of the emulated Halo: routes, bearer tokens, limits, and what is never done to it.

Which rows a list holds is told in `lists`, what a write does in `store`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from xerotui.sandbox.journal import Journal
from xerotui.sandbox.service import decode, json_reply
from xerotui.sandbox.windows import Windows
from xerotui_halo.emulator.auth import AUTH_PATH, TENANT, Auth, Grant
from xerotui_halo.emulator.dress import dressed
from xerotui_halo.emulator.errors import Refused, exception, not_found, rule, unauthorised
from xerotui_halo.emulator.fields import ENTITIES, Entity
from xerotui_halo.emulator.lists import answer, select, unknown_parameters
from xerotui_halo.emulator.numbers import NUMBERED, next_numbers
from xerotui_halo.emulator.payments import REWINDS, states
from xerotui_halo.emulator.seed import Row
from xerotui_halo.emulator.store import Store
from xerotui_halo.emulator.switches import Switches
from xerotui_halo.emulator.taxes import in_use

INSTANCE = "halo"
WINDOW_SECONDS = 300
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_VERSION = "2.236.4"


class Limiter:
    """Counts calls of the whole instance in a rolling window and refuses those above it.

    A caller who was refused and calls again before it could help breaks a rule: with a Retry-After
    before that has passed, without one within four and a half world seconds. Calls that were already on
    their way when the refusal came are forgiven for `grace` real seconds.
    """

    def __init__(self, windows: Windows, switches: Switches, journal: Journal, app: ASGIApp) -> None:
        self.windows, self.switches, self.journal, self.app = windows, switches, journal, app
        self.grace = 1.0
        self._refused: tuple[float, float, float] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].lower().startswith("/api/") or self._has_room():
            await self.app(scope, receive, send)
        else:
            await self._refuse()(scope, receive, send)

    def _has_room(self) -> bool:
        if self.windows.state("calls", INSTANCE).headroom == 0 and not self.switches.unlimited:
            return False
        self.windows.hit("calls", INSTANCE)
        self._refused = None
        return True

    def _refuse(self) -> Response:
        state = self.windows.state("calls", INSTANCE)
        now, machine = self.windows.clock.timestamp(), time.monotonic()
        wait = state.oldest_leaves_in if self.switches.retry_after else 4.5
        if self._refused is not None:
            world_before, machine_before, asked = self._refused
            if machine - machine_before > self.grace and now - world_before < asked - 1:
                self.journal.violation("limit_ignored", "called again although a 429 asked to wait")
        else:
            self._refused = (now, machine, wait)
        if not self.switches.retry_after:
            self._refused = (now, self._refused[1] if self._refused else machine, wait)
        text = f"Rate Limit Reached - {state.limit} Requests per rolling {WINDOW_SECONDS // 60} minute window"
        headers = {"Retry-After": str(int(state.oldest_leaves_in) + 1)} if self.switches.retry_after else {}
        return Response(text, 429, headers, media_type="text/plain")


class Api:
    """The routes below `/api`, and discovery."""

    def __init__(self, store: Store, auth: Auth, switches: Switches, journal: Journal) -> None:
        self.store, self.auth, self.switches, self.journal = store, auth, switches, journal
        self.base_url = ""
        self.ignored: Counter[str] = Counter()

    def app(self) -> ASGIApp:
        """The application that serves them."""
        return Starlette(
            routes=[
                Route(f"{AUTH_PATH}/token", self.auth.token, methods=["POST"]),
                Route("/{path:path}", self._dispatch, methods=_METHODS),
            ]
        )

    async def _dispatch(self, request: Request) -> Response:
        parts = request.path_params["path"].strip("/").split("/")
        try:
            if parts[0].lower() != "api" or len(parts) < 2:
                self.journal.violation("unknown_route", f"{request.method} {request.url.path}")
                raise not_found()
            return await self._api(request, parts[1].lower(), parts[2:])
        except Refused as refused:
            return refused.response

    async def _api(self, request: Request, name: str, rest: list[str]) -> Response:
        if request.method == "GET" and not rest and name in ("authinfo", "instanceinfo"):
            return json_reply(self._discovery(name))
        grant = self.auth.check(request)
        if request.method == "DELETE" and name != "tax":
            self.journal.violation("delete", f"{request.url.path}: nothing but tax rates is ever deleted in Halo")
            raise Refused(Response(status_code=403))
        if request.method in ("PUT", "PATCH"):
            self.journal.violation("method", f"{request.method} {request.url.path}: Halo writes with POST only")
            raise Refused(Response(status_code=405, headers={"Allow": "GET, POST, DELETE"}))
        special = self._special(name, rest)
        if special is not None and request.method == "GET":
            return json_reply(special)
        entity = ENTITIES.get(name)
        if entity is None:
            self.journal.violation("unknown_route", f"{request.method} {request.url.path}")
            raise not_found()
        return await self._entity(request, entity, rest, grant)

    async def _entity(self, request: Request, entity: Entity, rest: list[str], grant: Grant) -> Response:
        if request.method == "DELETE":
            self.auth.require(grant, "edit", entity.scope or self.switches.settings_scope)
            return self._delete(entity, self._id(rest))
        verb = "read" if request.method == "GET" else "edit"
        self.auth.require(grant, verb, entity.scope or self.switches.settings_scope)
        act: Callable[[Request, Entity, list[str]], Awaitable[Response]]
        act = self._read if verb == "read" else self._write
        return await act(request, entity, rest)

    def _discovery(self, name: str) -> Row:
        auth_url = f"{self.base_url}{AUTH_PATH}/"
        if name == "authinfo":
            return {"auth_url": auth_url, **({"tenant_id": TENANT} if self.switches.hosted else {})}
        return {
            "dbid": 1, "app_version": _VERSION, "database_version": _VERSION, "agent_count": 12,
            "app_name": "HaloPSA", "agent_url": self.base_url, "portal_url": f"{self.base_url}/portal",
            "auth_url": auth_url, "nhserver_version": _VERSION,
        }  # fmt: skip

    def _special(self, name: str, rest: list[str]) -> Row | None:
        if name == "control" and not rest:
            rewinds = {REWINDS: self.switches.void_rewinds == "yes"} if self.switches.void_rewinds else {}
            return {**self.store.control, **rewinds}
        if name == "invoicestatus" and not rest:
            if not self.switches.payment_states:
                raise not_found()
            return states(self.switches)
        if name == "agent" and rest == ["me"]:
            return {"id": 7, "name": "XeroTUI service agent", "email": "service@northgate.example", "isdisabled": False}
        return None

    async def _read(self, request: Request, entity: Entity, rest: list[str]) -> Response:
        name = entity.name.lower()
        if not rest:
            params = request.query_params
            for param in unknown_parameters(entity, params):
                self.ignored[f"{entity.name}?{param}"] += 1
            rows = select(entity, list(self.store.tables[name].rows.values()), params, self.switches)
            return json_reply(answer(entity, rows, params, self.switches))
        if entity.name in self.switches.denied:
            raise unauthorised()
        row = self._shown(entity, self.store.get(name, self._id(rest)))
        if self.switches.single_wrapped:
            return json_reply({name: row})
        return json_reply([row] if self.switches.single_as_list else row)

    async def _write(self, request: Request, entity: Entity, rest: list[str]) -> Response:
        name, body = entity.name.lower(), await request.body()
        if len(rest) == 2 and rest[1] == "void" and name == "invoice":
            self._elements(body)
            row = self.store.edit(name, self._id(rest[:1]), {"voided": True})
            self._journal(entity, row, "void", {})
            return json_reply(self._shown(entity, row))
        if [part.lower() for part in rest] == ["newaccountsid"] and entity.name in NUMBERED:
            if self.switches.numbers_as == "none":
                raise not_found()
            elements = self._elements(body)
            return json_reply(next_numbers(self.store.tables[name].rows, elements, self.switches.numbers_as))
        if rest or not entity.writable:
            self.journal.violation("unknown_route", f"POST {request.url.path}")
            raise not_found()
        elements = self._elements(body)
        written = [self._one(entity, element, n, body) for n, element in enumerate(elements)]
        status = 201 if any(new for _, new in written) and not self.switches.created_ok else 200
        shown = [self._shown(entity, row) for row, _ in written]
        single = len(shown) == 1 and not self.switches.created_as_list
        return json_reply(shown[0] if single else shown, status)

    def _delete(self, entity: Entity, key: int) -> Response:
        """Take a tax rate away, which Halo lets happen even where it is in use; the judge notes that."""
        row = self.store.get(entity.name.lower(), key)
        if self.switches.deletes == "refused":
            raise rule("This tax rate can't be deleted.")
        if why := in_use(self.store, row):
            self.journal.violation("tax_in_use", f"tax rate {key} was deleted, but {why}")
        self.store.remove(entity.name.lower(), key)
        self._journal(entity, row, "delete", {})
        return Response(status_code=204) if self.switches.deletes == "empty" else json_reply(self._shown(entity, row))

    def _one(self, entity: Entity, element: Any, index: int, body: bytes) -> tuple[Row, bool]:
        row, new = self.store.write(entity.name.lower(), element, index, body.decode("utf-8", "replace"))
        if not element.get("_validateonly"):
            self._journal(entity, row, "create" if new else "update", element)
            if entity.name == "Invoice" and self.switches.native_sync and not row["dont_sync_to_3rd_party"]:
                self.journal.violation("second_writer", f"saving invoice {row['id']} lets Halo's own sync send it")
        return row, new

    def _elements(self, body: bytes) -> list[Any]:
        try:
            found = decode(body)
        except msgspec.DecodeError:
            raise exception("Newtonsoft.Json.JsonReaderException", "Unexpected character in the JSON sent.") from None
        if not isinstance(found, list):
            raise exception(
                "Newtonsoft.Json.JsonSerializationException",
                "Cannot deserialize the current JSON object into a list because the type requires a JSON array. "
                "Path '', line 1, position 1.",
            )
        if not found:
            raise rule("Nothing was sent.")
        return list(found)

    def _journal(self, entity: Entity, row: Row, verb: str, body: Row) -> None:
        number = str(row.get("invoicenumber") or row.get("po_ref") or row.get("accountsid") or "")
        self.journal.write(
            tenant=str(row.get("xero_tenant_id") or ""), kind=entity.kind, verb=verb, id=str(row.get("id", 0)),
            number=number, body=body,
        )  # fmt: skip

    def _shown(self, entity: Entity, row: Row) -> Row:
        return dressed(entity, {k: v for k, v in row.items() if k in entity.fields}, self.switches)

    def _id(self, rest: list[str]) -> int:
        if len(rest) != 1 or not rest[0].lstrip("-").isdigit():
            raise not_found()
        return int(rest[0])
