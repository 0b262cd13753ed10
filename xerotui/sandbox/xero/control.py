"""The control routes of the emulated Xero: what a person, an accountant or a test does behind the API.

Nothing that a client of Xero could do may live here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from xerotui.sandbox.service import CONTROL, Journal, control_post, decode, json_reply
from xerotui.sandbox.world_seeds import tenant_of
from xerotui.sandbox.xero import load, renaming
from xerotui.sandbox.xero.acts import ACTS, Act
from xerotui.sandbox.xero.auth import DEFAULT_SCOPES, Connection, Identity
from xerotui.sandbox.xero.behaviour import Behaviour
from xerotui.sandbox.xero.store import Organisation, folded, new_id

_DATES = ("Date", "DueDate", "DeliveryDate", "PeriodLockDate", "EndOfYearLockDate", "ExpectedArrivalDate")
_RENAMED = {"Accounts": renaming.account, "Items": renaming.item}
_KINDS = {
    "Invoices": {"ACCREC": "invoice", "ACCPAY": "bill"},
    "CreditNotes": {"ACCRECCREDIT": "credit_note", "ACCPAYCREDIT": "credit_note"},
    "PurchaseOrders": {"PURCHASEORDER": "purchase_order"},
}


def totals(organisations: dict[str, Organisation]) -> dict[str, Any]:
    """Return documents made through the API and not taken back: {tenant: {currency: {kind: {documents, total}}}}."""
    found: dict[str, Any] = {}
    for tenant, org in organisations.items():
        sums: dict[str, dict[str, tuple[int, Decimal]]] = {}
        for plural, kinds in _KINDS.items():
            for record in org[plural]:
                if record.get("_api") and record["Status"] not in ("VOIDED", "DELETED"):
                    kind, row = kinds[record["Type"]], sums.setdefault(record["CurrencyCode"], {})
                    documents, total = row.get(kind, (0, Decimal(0)))
                    row[kind] = (documents + 1, total + record["Total"])
        found[tenant] = {
            currency: {
                kind: {"documents": documents, "total": str(total)} for kind, (documents, total) in sorted(row.items())
            }
            for currency, row in sorted(sums.items())
        }
    return found


class Control:
    """The routes under the control address, beside those that every service has."""

    def __init__(self, identity: Identity, journal: Journal, behaviour: Behaviour) -> None:
        self.identity = identity
        self.behaviour = behaviour
        self.journal = journal

    def routes(self) -> Iterator[BaseRoute]:
        """Yield the routes."""
        yield Route(f"{CONTROL}/grant", control_post(self._grant), methods=["POST"])
        yield Route(f"{CONTROL}/disconnect", control_post(self._disconnect), methods=["POST"])
        yield Route(f"{CONTROL}/practice", control_post(self._practice), methods=["POST"])
        yield Route(f"{CONTROL}/expire-tokens", control_post(self._expire), methods=["POST"])
        yield Route(f"{CONTROL}/organisations", control_post(self._found), methods=["POST"])
        yield Route(f"{CONTROL}/behaviour", self._switches, methods=["GET"])
        yield Route(f"{CONTROL}/behaviour", control_post(self.behaviour.change), methods=["POST"])
        yield Route(f"{CONTROL}/state/{{tenant}}/{{collection}}", self._state, methods=["GET"])
        yield Route(f"{CONTROL}/organisation/{{tenant}}", self._edit, methods=["POST"])
        for name, act in ACTS.items():
            yield Route(f"{CONTROL}/{name}/{{tenant}}", self._act(act), methods=["POST"], name=name)
        yield Route(f"{CONTROL}/create/{{tenant}}/{{collection}}", self._create, methods=["POST"])
        yield Route(f"{CONTROL}/patch/{{tenant}}/{{collection}}/{{id}}", self._edit, methods=["POST"])
        for plural in ("contacts", "accounts"):
            path = f"{CONTROL}/{plural}/{{tenant}}/{{id}}"
            yield Route(path, self._edit, methods=["POST"], name=plural)

    # -------------------------------------------------------------- identity

    def _grant(self, body: dict[str, Any]) -> dict[str, Any]:
        """Mint a token set as if a person had just consented."""
        app = self.identity.apps[body.get("client_id") or next(iter(self.identity.apps))]
        scopes = body.get("scopes") or DEFAULT_SCOPES
        scopes = tuple(scopes.split() if isinstance(scopes, str) else scopes)
        tenants = body.get("tenants") or list(self.identity.organisations)
        return self.identity.tokens(self.identity.consent(app, scopes, tenants))

    def _disconnect(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take an organisation away from all apps, as its owner may do in Xero."""
        tenant = body["tenant"]
        before = len(self.identity.connections)
        kept = [c for c in self.identity.connections if c.tenant_id != tenant]
        self.identity.connections[:] = kept
        return {"disconnected": before - len(kept)}

    def _practice(self, body: dict[str, Any]) -> dict[str, Any]:
        """Connect an accountant's practice, which has no books, beside the organisations of an app."""
        app = self.identity.apps[body.get("client_id") or next(iter(self.identity.apps))]
        now = self.journal.clock.now()
        name = str(body.get("name", "A practice"))
        made = Connection(new_id(), app.client_id, new_id(), name, new_id(), now, now, "PRACTICE")
        self.identity.connections.append(made)
        return made.shown()

    def _expire(self, body: Any) -> dict[str, Any]:
        self.identity.expire_access()
        return {}

    def _found(self, body: dict[str, Any]) -> dict[str, Any]:
        """Add the organisation of a region (``nz``, ``us``, ``global``) to this Xero; it waits for a consent."""
        clock = self.journal.clock
        tenant = tenant_of(str(body["region"]), clock.now().date())
        if tenant.tenant_id not in self.identity.organisations:
            self.identity.organisations[tenant.tenant_id] = load.organisation(tenant, clock, self.behaviour)
        return {"id": tenant.tenant_id, "name": tenant.name, "country": tenant.country, "currency": tenant.currency}

    # -------------------------------------------------------------- organisations

    def _org(self, request: Request) -> Organisation | None:
        return self.identity.organisations.get(request.path_params["tenant"].lower())

    async def _state(self, request: Request) -> Response:
        org = self._org(request)
        name = folded(request.path_params["collection"])
        if org is None:
            return json_reply({"error": "no such organisation"}, 404)
        if name == "organisation":
            return json_reply(_plain(org.info))
        plural = next((p for p in org.tables if folded(p) == name), None)
        if plural is None:
            return json_reply({"error": "no such collection"}, 404)
        return json_reply([_plain(record) for record in org[plural]])

    async def _edit(self, request: Request) -> Response:
        org = self._org(request)
        patch = decode(await request.body() or b"{}")
        if org is None or not isinstance(patch, dict):
            return json_reply({"error": "an organisation and an object are needed"}, 400)
        patch = {name: _read(name, value) for name, value in patch.items()}
        collection = request.path_params.get("collection") or request.url.path.split("/")[2]
        if folded(collection) == "organisation":
            org.info.update(patch)
            return json_reply(_plain(org.info))
        plural = next((p for p in org.tables if folded(p) == folded(collection)), None)
        record = org[plural].get(request.path_params["id"]) if plural else None
        if plural is None or record is None:
            return json_reply({"error": "no such record"}, 404)
        changed = {**record, **patch}
        # Tax rates carry no instant of their last change.
        stored = org[plural].put(changed) if plural == "TaxRates" else org.save(plural, changed)
        if plural in _RENAMED:
            _RENAMED[plural](org, record, stored)
        return json_reply(_plain(stored))

    async def _create(self, request: Request) -> Response:
        """Store a record as a person in Xero would create it; no rule is applied."""
        org = self._org(request)
        body = decode(await request.body() or b"{}")
        name = folded(request.path_params["collection"])
        plural = next((p for p in org.tables if folded(p) == name), None) if org else None
        if org is None or plural is None or not isinstance(body, dict):
            return json_reply({"error": "an organisation, a collection and an object are needed"}, 400)
        record = {name: _read(name, value) for name, value in body.items()}
        return json_reply(_plain(org.save(plural, {org[plural].id_field: new_id(), **record})))

    def _act(self, act: Act) -> Any:
        """Return the endpoint of something that a person does in an organisation."""

        async def endpoint(request: Request) -> Response:
            org = self._org(request)
            if org is None:
                return json_reply({"error": "no such organisation"}, 404)

            def done(body: Any) -> Any:
                return _plain(act(org, {name: _read(name, value) for name, value in body.items()}))

            answer: Response = await control_post(done)(request)
            return answer

        return endpoint

    async def _switches(self, request: Request) -> Response:
        return json_reply(self.behaviour.describe())


def _read(name: str, value: Any) -> Any:
    if name in _DATES and isinstance(value, str):
        return date.fromisoformat(value)
    return value


def _plain(value: Any) -> Any:
    """Return a record as plain JSON: dates in ISO form, everything else as it is stored."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if not name.startswith("_")}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
