"""One organisation's accounting endpoints: lists, single reads, and the raw write that the engine uses.

Paged reading is `walks`, look-ups by natural key are `lookups`, changes of the set-up outside plans `setup`.
"""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from xerotui.model.kinds import PARTIES, Kind
from xerotui.model.problems import SyncError
from xerotui.model.records import (
    Account,
    Currency,
    Group,
    Note,
    Organisation,
    Record,
    Repeating,
    TaxRate,
    Theme,
    Tracking,
)
from xerotui.net.http import HttpClient, Response
from xerotui.xero import wire_repeating, wire_setup
from xerotui.xero.connections import UNTOLD, XeroSettings
from xerotui.xero.dates import http_time
from xerotui.xero.errors import NotFound, XeroError, auth_trouble, log_refusal, read_trouble
from xerotui.xero.limits import DAY, correct
from xerotui.xero.tokens import TokenProvider
from xerotui.xero.walks import Query, Walk, batches
from xerotui.xero.wire import ENDPOINTS, opened, read
from xerotui.xero.wire_contacts import contact
from xerotui.xero.wire_documents import document
from xerotui.xero.wire_items import item
from xerotui.xero.wire_payments import payment

READ_TIMEOUT = 60.0
WRITE_TIMEOUT = 90.0
Decode = Callable[[msgspec.Raw, str], Record]
# Is told of each answer, and of each call that brought none; it never raises.
Heard = Callable[[Response | SyncError], None]


def decoder(kind: Kind) -> Decode:
    """How one element of a synced kind becomes a record."""
    if kind in PARTIES:
        return contact
    if kind is Kind.ITEM:
        return item
    if kind is Kind.PAYMENT:
        return payment
    return lambda raw, tenant: document(raw, kind, tenant)


class TenantClient:
    """Reads and writes of one organisation.

    `http` is the client governed for it (`limits.governed`). Methods raise AuthTrouble, NotFound, Refused, Unavailable
    (all XeroError), what the token provider raises, and the NetErrors of the HTTP seam. `since` is an aware UTC
    instant and is used as given: the overlap is the caller's.
    """

    def __init__(
        self,
        http: HttpClient,
        tokens: TokenProvider,
        tenant: str,
        settings: XeroSettings,
        heard: Heard | None = None,
    ) -> None:
        self.tenant = tenant
        self._heard: Heard = heard or (lambda news: None)
        self._http = http
        self._tokens = tokens
        self._settings = settings

    # ---- the organisation and what it is set up with: each one call, never paged

    async def organisation(self) -> Organisation:
        """What the organisation says of itself, lock dates among it."""
        raws = await self._list("Organisations", path="Organisation")
        if len(raws) != 1:
            raise XeroError(f"Xero names {len(raws)} organisations for one tenant.", code="xero.refused")
        return wire_setup.organisation(raws[0], self.tenant)

    async def accounts(self) -> list[Account]:
        """The whole chart, archived accounts too."""
        return [wire_setup.account(raw, self.tenant) for raw in await self._list("Accounts")]

    async def tax_rates(self) -> list[TaxRate]:
        """Every tax rate; deleted ones are in the list with their status."""
        return [wire_setup.tax_rate(raw, self.tenant) for raw in await self._list("TaxRates")]

    async def tracking(self) -> list[Tracking]:
        """Tracking categories with their options, archived ones too."""
        raws = await self._list("TrackingCategories", {"includeArchived": "true"})
        return [wire_setup.tracking(raw, self.tenant) for raw in raws]

    async def themes(self) -> list[Theme]:
        """Branding themes."""
        return [wire_setup.theme(raw, self.tenant) for raw in await self._list("BrandingThemes")]

    async def currencies(self) -> list[Currency]:
        """The currencies that the organisation has added."""
        return [wire_setup.currency(raw, self.tenant) for raw in await self._list("Currencies")]

    async def repeating_invoices(self) -> list[Repeating]:
        """The templates by which Xero makes sales invoices itself; those for bills are left out."""
        raws = await self._list("RepeatingInvoices", {"where": 'Type=="ACCREC"'})
        return [wire_repeating.repeating(raw, self.tenant) for raw in raws]

    async def actions(self) -> dict[str, bool]:
        """What the user who consented may do in this organisation, by Xero's names of it (CreateDraftInvoice…)."""
        return dict(wire_setup.action(raw) for raw in await self._list("Actions", path="Organisation/Actions"))

    async def groups(self) -> list[Group]:
        """Contact groups, without their contacts."""
        return [wire_setup.group(raw) for raw in await self._list("ContactGroups")]

    async def group(self, id: str) -> Group:
        """One contact group with its contacts. Raises NotFound."""
        raws = await self._list("ContactGroups", path=f"ContactGroups/{quote(id, safe='')}", what="contact group")
        if not raws:
            raise NotFound("Xero has no contact group of this id.", code="xero.not_found", status=404)
        return wire_setup.group(raws[0])

    # ---- walks: pages of records; a changed record may come twice, none is left out

    def contacts(self, since: dt.datetime | None = None) -> Walk:
        """Contacts, archived ones too, by id."""
        return self.walk(Kind.CUSTOMER, since)

    async def items(self, since: dt.datetime | None = None) -> AsyncIterator[list[Record]]:
        """Items in batches; Xero never pages them, so that they are one answer, decoded as it is used."""
        raws = await self._list("Items", {"unitdp": "4"}, since=since)
        for some in batches(raws):
            yield [item(raw, self.tenant) for raw in some]

    def invoices(self, since: dt.datetime | None = None) -> Walk:
        """Sales invoices of every status with their lines, by id; bills are left out."""
        return self.walk(Kind.INVOICE, since)

    def purchase_orders(self, since: dt.datetime | None = None) -> Walk:
        """Purchase orders of every status with their lines, the latest changed first."""
        return self.walk(Kind.PURCHASE_ORDER, since)

    def credit_notes(self, since: dt.datetime | None = None) -> Walk:
        """Sales credit notes of every status with their lines, by id."""
        return self.walk(Kind.CREDIT_NOTE, since)

    def payments(self, since: dt.datetime | None = None) -> Walk:
        """Payments of both sides of the books, deleted ones too, by id."""
        return self.walk(Kind.PAYMENT, since)

    def walk(self, kind: Kind, since: dt.datetime | None = None) -> Walk:
        """The walk of a paged kind; contacts serve customers and suppliers alike. Items have `items`."""
        return Walk(self, kind, since=since)

    def pages(self, kind: Kind, params: Query) -> Walk:
        """Every page of a paged endpoint under a query of one's own."""
        return Walk(self, kind, params)

    def decode(self, kind: Kind, raw: msgspec.Raw) -> Record:
        """One element of a synced kind as a record of this organisation."""
        return decoder(kind)(raw, self.tenant)

    async def get(self, kind: Kind, id: str) -> Record:
        """One record by its Xero id. Raises NotFound."""
        endpoint = ENDPOINTS[kind]
        params = {"unitdp": "4"} if endpoint.unitdp else {}
        path = f"/{endpoint.name}/{quote(id, safe='')}"
        response = await self.get_response(path, f"{kind.label} of this id", params)
        raws = opened(response, endpoint.name).elements
        if not raws:
            raise NotFound(f"Xero has no {kind.label} of this id.", code="xero.not_found", status=404)
        return self.decode(kind, raws[0])

    async def history(self, kind: Kind, id: str) -> list[Note]:
        """The history of one record, as Xero gives it."""
        endpoint = ENDPOINTS[kind]
        path = f"{endpoint.name}/{quote(id, safe='')}/History"
        raws = await self._list("HistoryRecords", path=path, what=f"{kind.label} of this id")
        return [wire_setup.note(raw) for raw in raws]

    async def online_invoice(self, id: str) -> str:
        """The address under which a customer sees an invoice; drafts have none (NotFound or Refused)."""
        path = f"Invoices/{quote(id, safe='')}/OnlineInvoice"
        raws = await self._list("OnlineInvoices", path=path, what="online invoice of this id")
        links = [read(raw, wire_setup.OnlineInvoiceWire).OnlineInvoiceUrl or "" for raw in raws]
        if not any(links):
            raise NotFound("Xero has no online invoice of this id.", code="xero.not_found", status=404)
        return links[0]

    async def look_up(self, kind: Kind, keys: Sequence[str]) -> list[Record]:
        """Every record that carries one of the natural keys, whatever its status: see `lookups.look_up`."""
        from xerotui.xero.lookups import look_up

        return await look_up(self, kind, keys)

    async def day_left(self) -> tuple[int, int]:
        """How many calls of the day are left beside those kept for people, and how many a day has; 0 where unknown."""
        governor = self._http.governor
        if governor is None:
            return 0, 0
        used = {budget.window: budget.used for budget in await governor.budgets()}
        day = next((w for w in governor.limits.windows if w.name == DAY), None)
        return (max(0, day.calls - day.reserve - used.get(DAY, 0)), day.calls) if day is not None else (0, 0)

    # ---- the wire

    async def send(
        self, method: str, path: str, body: bytes, key: str, *, urgent: bool = False, latest: dt.datetime | None = None
    ) -> Response:
        """A write as the engine stored it: path with query, exact bytes, its Idempotency-Key; any status comes back.

        Sent a second time only after a 401, which did nothing, and with a new token; not at all after the world
        instant `latest` (Throttle). Raises NetErrors: all but Unanswered and BadAnswer mean that nothing was done.
        """
        headers = {"Content-Type": "application/json"} if body else {}
        if method in ("PUT", "POST"):
            headers["Idempotency-Key"] = key
        return await self._call(method, path, headers, None, body, WRITE_TIMEOUT, urgent, latest)

    async def get_response(
        self, path: str, what: str, params: Mapping[str, str] | None = None, since: dt.datetime | None = None
    ) -> Response:
        """A read that was answered with 200 (or 304 where `since` was given); `what` names it in errors."""
        headers = {"If-Modified-Since": http_time(since)} if since else {}
        response = await self._call("GET", path, headers, params, b"", READ_TIMEOUT, urgent=False)
        if response.status != 200 and not (since and response.status == 304):
            raise read_trouble(response, what)
        return response

    async def _list(
        self,
        name: str,
        params: Mapping[str, str] | None = None,
        *,
        path: str = "",
        what: str = "",
        since: dt.datetime | None = None,
    ) -> list[msgspec.Raw]:
        response = await self.get_response(f"/{path or name}", what or name, params, since)
        return [] if response.status == 304 else opened(response, name).elements

    async def _call(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        params: Mapping[str, str] | None,
        body: bytes,
        timeout: float,
        urgent: bool,
        latest: dt.datetime | None = None,
    ) -> Response:
        try:
            token = await self._tokens.access()
            response = await self._once(method, path, headers, params, body, timeout, urgent, token, latest)
            if response.status == 401 and auth_trouble(response).code == "xero.token":
                token = await self._tokens.access(refused=token)
                response = await self._once(method, path, headers, params, body, timeout, urgent, token, latest)
        except SyncError as error:
            self._heard(error)
            raise
        self._heard(response)
        return response

    async def _once(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        params: Mapping[str, str] | None,
        body: bytes,
        timeout: float,
        urgent: bool,
        token: str,
        latest: dt.datetime | None,
    ) -> Response:
        sent: dict[str, Any] = {"Authorization": f"Bearer {token}", "Accept": "application/json", **headers}
        if not self.tenant.startswith(UNTOLD):
            sent["xero-tenant-id"] = self.tenant
        response = await self._http.send(
            method,
            self._settings.accounting_url + path,
            headers=sent,
            params=params,
            content=body or None,
            timeout=timeout,
            urgent=urgent,
            latest=latest,
        )
        await correct(self._http.governor, self._settings, response)
        log_refusal(response, method, path)
        return response
