"""One organisation's accounting endpoints: walks, deltas, single reads, and the raw write that the engine uses.

How look-ups by natural key are asked is in `lookups`.
"""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from xerotui.model.kinds import PARTIES, Kind
from xerotui.model.problems import SyncError
from xerotui.model.records import Account, Currency, Organisation, Record, TaxRate, Theme, Tracking
from xerotui.net.http import HttpClient, Response
from xerotui.xero import wire_items
from xerotui.xero.connections import UNTOLD, XeroSettings
from xerotui.xero.dates import http_time
from xerotui.xero.errors import NotFound, XeroError, auth_trouble, read_trouble
from xerotui.xero.limits import correct
from xerotui.xero.tokens import TokenProvider
from xerotui.xero.wire import ENDPOINTS, opened
from xerotui.xero.wire_contacts import contact
from xerotui.xero.wire_documents import SALES_TYPES, document
from xerotui.xero.wire_items import item

# Full pages are the cheapest (xero-api section 3); Xero clamps what it finds too large and says so.
PAGE_SIZE = 1000
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
        return wire_items.organisation(raws[0], self.tenant)

    async def accounts(self) -> list[Account]:
        """The whole chart, archived accounts too."""
        return [wire_items.account(raw, self.tenant) for raw in await self._list("Accounts")]

    async def tax_rates(self) -> list[TaxRate]:
        """Every tax rate; deleted ones are in the list with their status."""
        return [wire_items.tax_rate(raw, self.tenant) for raw in await self._list("TaxRates")]

    async def tracking(self) -> list[Tracking]:
        """Tracking categories with their options, archived ones too."""
        raws = await self._list("TrackingCategories", {"includeArchived": "true"})
        return [wire_items.tracking(raw, self.tenant) for raw in raws]

    async def themes(self) -> list[Theme]:
        """Branding themes."""
        return [wire_items.theme(raw, self.tenant) for raw in await self._list("BrandingThemes")]

    async def currencies(self) -> list[Currency]:
        """The currencies that the organisation has added."""
        return [wire_items.currency(raw, self.tenant) for raw in await self._list("Currencies")]

    # ---- walks: pages of records; a changed record may come twice, none is left out

    def contacts(self, since: dt.datetime | None = None) -> AsyncIterator[list[Record]]:
        """Contacts, archived ones too, by id."""
        return self.pages(Kind.CUSTOMER, {"includeArchived": "true", "order": "ContactID"}, since)

    async def items(self, since: dt.datetime | None = None) -> AsyncIterator[list[Record]]:
        """Items, in one page: Xero never pages them."""
        raws = await self._list("Items", {"unitdp": "4"}, since=since)
        yield [item(raw, self.tenant) for raw in raws]

    def invoices(self, since: dt.datetime | None = None) -> AsyncIterator[list[Record]]:
        """Sales invoices of every status with their lines, by id; bills are left out."""
        return self.pages(Kind.INVOICE, {"where": 'Type=="ACCREC"', "order": "InvoiceID", "unitdp": "4"}, since)

    def purchase_orders(self, since: dt.datetime | None = None) -> AsyncIterator[list[Record]]:
        """Purchase orders of every status with their lines."""
        return self.pages(Kind.PURCHASE_ORDER, {"order": "PurchaseOrderNumber"}, since)

    def credit_notes(self, since: dt.datetime | None = None) -> AsyncIterator[list[Record]]:
        """Sales credit notes of every status with their lines, by id."""
        where = 'Type=="ACCRECCREDIT"'
        return self.pages(Kind.CREDIT_NOTE, {"where": where, "order": "CreditNoteID", "unitdp": "4"}, since)

    def walk(self, kind: Kind, since: dt.datetime | None = None) -> AsyncIterator[list[Record]]:
        """The walk of a synced kind; contacts serve customers and suppliers alike."""
        walks: dict[Kind, Callable[[dt.datetime | None], AsyncIterator[list[Record]]]] = {
            Kind.ITEM: self.items,
            Kind.INVOICE: self.invoices,
            Kind.PURCHASE_ORDER: self.purchase_orders,
            Kind.CREDIT_NOTE: self.credit_notes,
        }
        return walks.get(kind, self.contacts)(since)

    async def pages(
        self, kind: Kind, params: Mapping[str, str], since: dt.datetime | None = None
    ) -> AsyncIterator[list[Record]]:
        """Every page of a paged endpoint under the given query, decoded; ends at the page count that Xero states."""
        endpoint, decode = ENDPOINTS[kind], decoder(kind)
        sales = SALES_TYPES.get(kind)
        page = 1
        while True:
            query = {**params, "page": str(page), "pageSize": str(PAGE_SIZE)}
            response = await self.get_response(f"/{endpoint.name}", kind.plural, query, since)
            if response.status == 304:
                return
            envelope = opened(response, endpoint.name)
            records = [decode(raw, self.tenant) for raw in envelope.elements]
            # Not every way of asking can leave out bills.
            yield [r for r in records if not sales or r.facts.get("type", sales) == sales]
            paging = envelope.pagination
            last = page >= paging.pageCount if paging else len(records) < PAGE_SIZE
            if last or not records:
                return
            page += 1

    async def get(self, kind: Kind, id: str) -> Record:
        """One record by its Xero id. Raises NotFound."""
        endpoint = ENDPOINTS[kind]
        params = {"unitdp": "4"} if endpoint.unitdp else {}
        path = f"/{endpoint.name}/{quote(id, safe='')}"
        response = await self.get_response(path, f"{kind.label} of this id", params)
        raws = opened(response, endpoint.name).elements
        if not raws:
            raise NotFound(f"Xero has no {kind.label} of this id.", code="xero.not_found", status=404)
        return decoder(kind)(raws[0], self.tenant)

    async def look_up(self, kind: Kind, keys: Sequence[str]) -> list[Record]:
        """Every record that carries one of the natural keys, whatever its status: see `lookups.look_up`."""
        from xerotui.xero.lookups import look_up

        return await look_up(self, kind, keys)

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
        since: dt.datetime | None = None,
    ) -> list[msgspec.Raw]:
        response = await self.get_response(f"/{path or name}", name, params, since)
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
        return response
