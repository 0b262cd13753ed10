"""Halo's short lists that records are read against: taxes, currencies, item groups, products, customers, countries.

Each is read when first needed and again when it is older than a minute of world time.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Choice, TaxComponent, TaxRate
from xerotui.source.contract import TRACKING, Context, SourceRefused
from xerotui_halo.answers import single
from xerotui_halo.client import HaloClient, Tally
from xerotui_halo.listings import VERSION, Listing, Mark, newest_first
from xerotui_halo.values import Row, Unreadable, amount, flag, ident, integer, number, rows_of, text

T = TypeVar("T")
# World time that a list serves: the least, how many times as long as it took to read, and the most. A long one at a
# tight limit would else be read over and over, and leave nothing of the limit to the records that are read against it.
FRESH, WORTH, LONGEST = dt.timedelta(seconds=60), 10, dt.timedelta(minutes=10)
PAGE = 200
CHARGE_RATE = "charge_rate"
ITEM_GROUP = "item_group"
_PRODUCTS = Listing("Item", "items", "lastmodified", PAGE, {"includeinactive": "true"})
# Halo has two tracking placeholders, as Xero has two categories (halo-api section 7.12).
PLACEHOLDERS = ("1", "2")
# Lookup 17 holds the charge types, whose accounts code sits in one of value2 to value9 (halo-api section 7.7).
_CHARGE_TYPES = "17"
_VALUES = tuple(f"value{n}" for n in range(2, 10))


class Group(msgspec.Struct, frozen=True):
    """An item group's accounts, taxes and tracking options; `tenants` holds the same by Xero tenant."""

    name: str = ""
    sales_account: str = ""
    purchase_account: str = ""
    sales_tax: str = ""
    purchase_tax: str = ""
    tracking: dict[str, str] = {}
    tenants: dict[str, "Group"] = {}

    def of(self, tenant: str) -> "Group":
        """The group as that tenant sees it: its own values, and the group's where it has none."""
        own = self.tenants.get(tenant)
        if own is None:
            return self
        names = ("sales_account", "purchase_account", "sales_tax", "purchase_tax")
        values = {n: getattr(own, n) or getattr(self, n) for n in names}
        return msgspec.structs.replace(self, **values, tracking={**self.tracking, **own.tracking}, tenants={})


class Product(msgspec.Struct, frozen=True):
    """What lines need of a product."""

    code: str
    group: str
    sales_tax: str
    purchase_tax: str
    tracking: dict[str, str] = {}


def tracking_of(row: Row) -> dict[str, str]:
    """The tracking options of a line, a product or a group by placeholder: names, ids where there is no name."""
    found = {n: text(row, f"xero_category_{n}_lookup_name", f"xero_category_{n}_lookup") for n in PLACEHOLDERS}
    return {n: option for n, option in found.items() if option}


def tax_rate(row: Row) -> TaxRate:
    """A tax rate as a record; `linked_code` is the Xero tax type that Halo itself links it to.

    Raises Unreadable when its percentage is no number.
    """
    linked = row.get("xerotaxrate")
    code = text(linked, "value") if isinstance(linked, dict) else ""
    parts = rows_of(row, "linked_rates") if flag(row, "is_composite") else []
    return TaxRate(
        id=ident(row, "id"),
        kind=Kind.TAX_RATE,
        name=text(row, "name"),
        tenant=text(row, "xero_tenant_id"),
        code=text(row, "code"),
        rate=amount(row, "value"),
        components=tuple(TaxComponent(text(part, "name"), amount(part, "value")) for part in parts),
        linked_code=code,
    )


class Reference:
    """The lists, for one connection."""

    def __init__(
        self, client: HaloClient, context: Context, code_field: str = "auto", exchange: str = "not sent"
    ) -> None:
        self.exchange = exchange
        self._client = client
        self._context = context
        self._code_field = code_field
        self._held: dict[str, tuple[dt.datetime, Any, dt.timedelta]] = {}
        self._marked = Mark(VERSION)

    async def taxes(self) -> dict[str, TaxRate]:
        """Tax rates by id; one that can't be read is left out here and named by the pull."""
        return await self._fresh("taxes", self._taxes)

    async def currencies(self) -> dict[str, str]:
        """ISO codes by currency id; under "" the base currency, where it can be told."""
        return await self._fresh("currencies", self._currencies)

    async def groups(self) -> dict[str, Group]:
        """Item groups by id."""
        return await self._fresh("groups", self._groups)

    async def products(self) -> dict[str, Product]:
        """Products by id, inactive ones included."""
        return await self._fresh("products", self._products)

    async def unsynced_clients(self) -> dict[str, str]:
        """The customers whose invoices Halo keeps from syncing, name by id."""
        return await self._fresh("unsynced", self._unsynced)

    async def countries(self) -> dict[str, str]:
        """Countries by site id, where Halo knows them."""
        return await self._fresh("countries", self._countries)

    async def charge_rates(self) -> tuple[Choice, ...]:
        """The charge types with code and global price."""
        return await self._fresh("charges", self._charges)

    async def placeholders(self) -> tuple[Choice, ...]:
        """The tracking placeholders that have a name; both, numbered, where the settings may not be read."""
        return await self._fresh("placeholders", self._placeholders)

    async def item_groups(self) -> tuple[Choice, ...]:
        """The item groups that new products can be put into."""
        groups = await self.groups()
        return tuple(
            Choice(id=id, kind=Kind.CHOICE, name=group.name, spec=ITEM_GROUP) for id, group in groups.items() if id
        )

    async def _fresh(self, name: str, read: Callable[[], Awaitable[T]]) -> T:
        held = self._held.get(name)
        now = self._context.now()
        if held is None or now - held[0] > held[2] or now < held[0]:
            value = await read()
            self._held[name] = held = (now, value, min(max(FRESH, (self._context.now() - now) * WORTH), LONGEST))
        found: T = held[1]
        return found

    async def _taxes(self) -> dict[str, TaxRate]:
        found = {}
        for row in await self._client.whole("Tax", "taxes"):
            try:
                found[ident(row, "id")] = tax_rate(row)
            except Unreadable:
                continue
        return found

    async def _currencies(self) -> dict[str, str]:
        rows = await self._client.whole("Currency", "currencies")
        found = {ident(row, "id"): text(row, "code").upper() for row in rows}
        base = {text(row, "code").upper() for row in rows if number(row, "conversion_rate") == 1}
        return found | ({"": base.pop()} if len(base) == 1 else {})

    async def _groups(self) -> dict[str, Group]:
        rows = await self._client.whole("AssetGroup", "assetgroups")
        return {ident(row, "id"): _group(row) for row in rows}

    async def _products(self) -> dict[str, Product]:
        """All products once, and after that those that changed: the list is the longest of them."""
        found = dict(self._held["products"][1]) if "products" in self._held else {}
        mark = self._marked if found else Mark(VERSION)
        async for rows, next_mark in newest_first(self._client, _PRODUCTS, mark, self._context.now(), Tally()):
            found |= {ident(row, "id"): _product(row) for row in rows}
            self._marked = next_mark or self._marked
        return found

    async def _unsynced(self) -> dict[str, str]:
        pages = self._client.pages("Client", "clients", {"includeinactive": "true"}, PAGE)
        rows = [row async for page in pages for row in page]
        return {ident(row, "id"): text(row, "name") for row in rows if flag(row, "excludefrominvoicesync")}

    async def _countries(self) -> dict[str, str]:
        pages = self._client.pages("Site", "sites", {"includeinactive": "true"}, PAGE)
        return {ident(r, "id"): text(r, "country_code_name", "country_code") async for page in pages for r in page}

    async def _charges(self) -> tuple[Choice, ...]:
        lookups = await self._client.whole("Lookup", "lookups", {"lookupid": _CHARGE_TYPES})
        types = [row for row in lookups if text(row, "lookupid") in ("", _CHARGE_TYPES)]
        prices = _global_prices(await self._client.whole("ChargeRate", "chargerates", {"globalonly": "true"}))
        codes = {product.code.casefold() for product in (await self.products()).values() if product.code}
        field = self._code_field if self._code_field in _VALUES else code_field(types, codes)
        return tuple(
            Choice(
                id=ident(row, "id"),
                kind=Kind.CHOICE,
                name=text(row, "name"),
                spec=CHARGE_RATE,
                code=text(row, field) if field else "",
                price=prices.get(ident(row, "id")),
            )
            for row in types
            if ident(row, "id") and not flag(row, "inactive")
        )

    async def _placeholders(self) -> tuple[Choice, ...]:
        try:
            settings = single(await self._client.get("Control"))
        except SourceRefused:
            settings = {f"xero_tracking_category_{n}_name": f"Category {n}" for n in PLACEHOLDERS}
        if settings.get("use_xero_tracking_categories") is False:
            return ()
        names = {n: text(settings, f"xero_tracking_category_{n}_name") for n in PLACEHOLDERS}
        return tuple(Choice(id=n, kind=Kind.CHOICE, name=name, spec=TRACKING.id) for n, name in names.items() if name)


def code_field(types: list[Row], codes: set[str]) -> str:
    """The valueN whose contents are product codes in most rows; "" when none is (halo-api section 7.7)."""
    hits = {name: sum(text(row, name).casefold() in codes for row in types if text(row, name)) for name in _VALUES}
    best = max(hits, key=lambda name: hits[name])
    filled = sum(bool(text(row, best)) for row in types)
    return best if hits[best] and hits[best] * 2 >= filled else ""


def _global_prices(rows: list[Row]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        # The server may have ignored the filter: prices of one customer or contract are not the list price.
        if ident(row, "area") or ident(row, "contract_id") or row.get("current") is False:
            continue
        price = number(row, "current_rate") or number(row, "rate")
        if price is not None:
            found.setdefault(ident(row, "charge_id"), price)
    return found


def _group(row: Row) -> Group:
    tenants = {text(one, "tenantid", "tenant_id"): _mapped(one) for one in rows_of(row, "accounts_mappings")}
    return Group(
        text(row, "name"),
        text(row, "nominalcode"),
        text(row, "nominalcodepurchase"),
        ident(row, "tax_id"),
        ident(row, "tax_id_purchase"),
        tracking_of(row),
        tenants,
    )


def _mapped(row: Row) -> Group:
    return Group(
        "",
        text(row, "nominalcode"),
        text(row, "nominalcode_purchase"),
        ident(row, "taxcode"),
        ident(row, "taxcode_purchase"),
        tracking_of(row),
    )


def _product(row: Row) -> Product:
    return Product(
        text(row, "accountsid"),
        ident(row, "assetgroup_id"),
        ident(row, "taxcode"),
        ident(row, "taxcodeother"),
        tracking_of(row),
    )


async def currency_of(reference: Reference, row: Row, name: str) -> str:
    """The ISO code of a currency field; 0 is Halo's base currency. An unknown id gives ""."""
    found = await reference.currencies()
    return found.get(ident(row, name), "") if integer(row, name) else found.get("", "")
