"""The emulator as the sandbox knows it: load a world, start, settings, totals, control routes, stop."""

from __future__ import annotations

import uuid
from collections import defaultdict
from decimal import Decimal
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.journal import Journal
from xerotui.sandbox.service import CONTROL, Service, control_post, decode, json_reply
from xerotui.sandbox.windows import Windows
from xerotui.sandbox.world import World
from xerotui_halo.emulator.app import WINDOW_SECONDS, Api, Limiter
from xerotui_halo.emulator.auth import Auth
from xerotui_halo.emulator.errors import Refused
from xerotui_halo.emulator.expected import expected
from xerotui_halo.emulator.fields import ENTITIES
from xerotui_halo.emulator.lists import is_credit
from xerotui_halo.emulator.seed import Row, Seed
from xerotui_halo.emulator.store import Store
from xerotui_halo.emulator.switches import Switches

DEFAULT_LIMIT = 700
CREDIT = "credit_note"
_NAMESPACE = uuid.UUID("b8f0a1de-3c55-4a8e-8a34-1f0b6a9f2c11")
_DOCUMENTS = {"invoice": "xeroid", "purchaseorder": "xero_id"}


class HaloEmulator:
    """HaloPSA on loopback, with the PSA half of a demo world in it.

    Control routes beside the common ones: GET `/state/{entity}`, `/duplicates`, `/ignored` (parameters that
    lists did not know), POST `/edit/{entity}/{id}`, `/create/{entity}`, `/remove/{entity}/{id}` (as a person
    at Halo's screens; a lookup's id is its list times 100,000 plus its own), GET and POST `/switches` (see
    `Switches`), POST `/revoke` (all tokens).
    """

    name = "halo"
    source = "halo"

    def __init__(self, *, switches: Switches | None = None, port: int = 0) -> None:
        self.switches = switches or Switches()
        self._port = port
        self._world: World | None = None
        self._client = ("", "")
        self._service: Service | None = None
        self._store: Store | None = None
        self._api: Api | None = None
        self._auth: Auth | None = None
        self.limiter: Limiter | None = None

    @property
    def service(self) -> Service:
        """The running service; RuntimeError before `start`."""
        if self._service is None:
            raise RuntimeError("the Halo emulator has not been started")
        return self._service

    @property
    def store(self) -> Store:
        """What it holds; RuntimeError before `start`."""
        if self._store is None:
            raise RuntimeError("the Halo emulator has not been started")
        return self._store

    def load(self, world: World) -> None:
        """Take the PSA half of a world; before `start`."""
        self._world = world
        self._client = (
            str(uuid.uuid5(_NAMESPACE, f"{world.seed}/client")),
            f"{uuid.uuid5(_NAMESPACE, f'{world.seed}/secret')}-halo",
        )

    async def start(self, clock: WorldClock, journal: Journal | None = None) -> None:
        """Serve on 127.0.0.1; RuntimeError when no world was loaded."""
        if self._world is None:
            raise RuntimeError("load a world before the Halo emulator starts")
        log = journal or Journal(self.name, clock)
        self._store = store = Store(clock.now, log.violation)
        store.switches = self.switches
        self._fill(self._world)
        windows = Windows(clock, {"calls": (DEFAULT_LIMIT, WINDOW_SECONDS)})
        self._auth = Auth(clock, self.switches, self._client, log.violation)
        self._api = api = Api(store, self._auth, self.switches, log)
        self.limiter = Limiter(windows, self.switches, log, api.app())
        self._service = Service(
            self.name, self.limiter, clock, journal=log, routes=self._routes(), totals=self.totals, windows=windows,
            port=self._port, seed=self._world.seed,
        )  # fmt: skip
        await self._service.start()
        api.base_url = self._service.url

    async def stop(self) -> None:
        """Stop serving; harmless when it doesn't run."""
        if self._service is not None:
            await self._service.stop()

    def settings(self) -> dict[str, str]:
        """What a connection needs: url, client_id, client_secret, and the calls that this one allows, less some."""
        allowed = self.limiter.windows.limits["calls"][0] if self.limiter else 700
        return {
            "url": self.service.url,
            "client_id": self._client[0],
            "client_secret": self._client[1],
            "calls_per_window": str(allowed * 13 // 14),
        }

    def totals(self) -> dict[str, Any]:
        """Documents meant for Xero, `sent` (they carry a Xero id) and `blocked`, as
        `{tenant id: {currency: {kind: {"documents": int, "total": text}}}}` each."""
        sums: dict[str, Any] = {"sent": {}, "blocked": {}}
        codes = {row["id"]: row["code"] for row in self.store.tables["currency"].rows.values()}
        for name, link in _DOCUMENTS.items():
            for row in self.store.tables[name].rows.values():
                if not meant_to_sync(name, row):
                    continue
                kind = CREDIT if name == "invoice" and is_credit(row) else ENTITIES[name].kind
                side = sums["sent" if row[link] else "blocked"]
                entry = (
                    side.setdefault(row["xero_tenant_id"], {})
                    .setdefault(codes.get(row["currency_code"], ""), {})
                    .setdefault(kind, {"documents": 0, "total": Decimal(0)})
                )
                entry["documents"] += 1
                entry["total"] += abs(Decimal(row["total"])) if kind == CREDIT else Decimal(row["total"])
        return _as_text(sums)

    def expected(self) -> list[dict[str, Any]]:
        """The trouble that the world seeded, by the codes under which it must be found."""
        return expected(self._world) if self._world else []

    def duplicates(self) -> list[dict[str, Any]]:
        """Groups of records that share a Xero id, or tenant, name and account number, one made by a caller."""
        found = []
        for name, table in self.store.tables.items():
            groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for key, row in table.rows.items():
                link = row.get(table.entity.link) if table.entity.link else ""
                if link:
                    groups[("xero id", str(link))].append(key)
                number = row.get("accountsid") or row.get("accounts_id")
                if name in ("client", "supplier", "item") and number is not None:
                    # Two organisations may each have a product of the same code.
                    tenant = str(row.get("xero_tenant_id") or "")
                    groups[("name and number", str(row["name"]), str(number), tenant)].append(key)
            for what, keys in groups.items():
                if len(keys) > 1 and table.created.intersection(keys):
                    found.append({"entity": table.entity.name, "same": what[0], "value": what[1], "ids": keys})
        return found

    def _fill(self, world: World) -> None:
        seed = Seed(world, self.switches)
        for name, row in seed.rows():
            self.store.load(name, row)
        self.store.control = seed.control()
        self.store.drops = self.switches.drops
        self.store.tenant_moves = self.switches.tenant_moves

    def _routes(self) -> list[BaseRoute]:
        async def state(request: Request) -> Response:
            table = self.store.tables.get(request.path_params["entity"].lower())
            return json_reply(list(table.rows.values())) if table else Response(status_code=404)

        async def get_duplicates(request: Request) -> Response:
            return json_reply(self.duplicates())

        async def ignored(request: Request) -> Response:
            return json_reply(dict(self._api.ignored) if self._api else {})

        async def get_switches(request: Request) -> Response:
            return json_reply(msgspec.to_builtins(self.switches))

        return [
            Route(f"{CONTROL}/state/{{entity}}", state),
            Route(f"{CONTROL}/duplicates", get_duplicates),
            Route(f"{CONTROL}/ignored", ignored),
            Route(f"{CONTROL}/switches", get_switches, methods=["GET"]),
            Route(f"{CONTROL}/switches", control_post(self._switch), methods=["POST"]),
            Route(
                f"{CONTROL}/revoke",
                control_post(lambda _: self._auth.revoke_all() if self._auth else {}),
                methods=["POST"],
            ),
            Route(f"{CONTROL}/create/{{entity}}", self._person, methods=["POST"]),
            Route(f"{CONTROL}/{{act}}/{{entity}}/{{id}}", self._person, methods=["POST"]),
        ]

    async def _person(self, request: Request) -> Response:
        """What a person does at Halo's own screens: edit, create, remove."""
        name, act = request.path_params["entity"].lower(), request.path_params.get("act", "create")
        if name not in ENTITIES or act not in ("create", "edit", "remove"):
            return Response(status_code=404)
        body: Row = decode(await request.body() or b"{}")
        try:
            if act == "create":
                return json_reply(self.store.create(name, body), 201)
            key = int(request.path_params["id"])
            return json_reply(self.store.edit(name, key, body) if act == "edit" else self.store.remove(name, key))
        except Refused as refused:
            return refused.response

    def _switch(self, body: dict[str, Any]) -> dict[str, Any]:
        """Turn switches while it runs; the shared object stays the same, so that every part sees it."""
        whole = msgspec.convert({**msgspec.to_builtins(self.switches), **body}, Switches)
        turned = whole.credit_sign != self.switches.credit_sign
        for field in Switches.__struct_fields__:
            setattr(self.switches, field, getattr(whole, field))
        if self._world is not None and self._store is not None:
            self._store.drops = self.switches.drops
            self._store.tenant_moves = self.switches.tenant_moves
            if "native_sync" in body:
                self._native_sync(self._world)
            if "charge_code_field" in body:
                self._again(self._world, "lookup")
            if turned:
                self._again(self._world, "invoice")
        return dict(msgspec.to_builtins(self.switches))

    def _native_sync(self, world: World) -> None:
        self.store.control["usexero"] = bool(self.switches.native_sync)
        self._again(world, "xerodetails")

    def _again(self, world: World, table: str) -> None:
        """Fill a table from the seed once more."""
        for name, row in Seed(world, self.switches).rows():
            if name == table:
                self.store.load(name, row)


def meant_to_sync(name: str, row: Row) -> bool:
    """Whether a document is meant for Xero: no template, bill, voided, hidden or unapproved one."""
    if name == "invoice":
        out = row["supplier_id"] or row["voided"] or row["hideinvoice"] or row["requires_approval"]
        return row["id"] > 0 and not (out or row["reviewrequired"] or row["is_recurring_invoice"])
    return bool(row["id"] > 0 and row["approval_status"] == 2)


def _as_text(sums: dict[str, Any]) -> dict[str, Any]:
    return {k: _as_text(v) if isinstance(v, dict) else v if k == "documents" else str(v) for k, v in sums.items()}
