"""Halo's own sync with Xero: whether it is on, and which kinds it writes (halo-api section 8.1)."""

from collections.abc import Iterable, Mapping
from typing import Any

from xerotui.model.kinds import Kind
from xerotui_halo.answers import unwrap
from xerotui_halo.client import HaloClient, NotThere
from xerotui_halo.values import Row, flag, text

# What Halo calls its entities isn't documented; a word that isn't known counts as everything.
_WORDS = {
    "client": (Kind.CUSTOMER,),
    "customer": (Kind.CUSTOMER,),
    "supplier": (Kind.SUPPLIER,),
    "item": (Kind.ITEM,),
    "product": (Kind.ITEM,),
    "chargerate": (Kind.ITEM,),
    "invoice": (Kind.INVOICE,),
    "creditnote": (Kind.CREDIT_NOTE,),
    "credit": (Kind.CREDIT_NOTE,),
    "purchaseorder": (Kind.PURCHASE_ORDER,),
    "po": (Kind.PURCHASE_ORDER,),
    "tax": (),
    "taxrate": (),
    "payment": (),
}
EVERYTHING = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM, Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PURCHASE_ORDER)


async def rows_on(client: HaloClient) -> list[Row]:
    """The connections of Halo's own sync that are on; none in a build that has no such sync.

    Raises SourceRefused where they can't be seen.
    """
    try:
        rows = unwrap(await client.get("XeroDetails"), "")
    except NotThere:
        return []
    return [row for row in rows if flag(row, "authorized") and flag(row, "enablesync")]


async def kinds(client: HaloClient) -> Mapping[str, tuple[Kind, ...]]:
    """What Halo's own sync writes, by organisation."""
    found: dict[str, tuple[Kind, ...]] = {}
    for row in await rows_on(client):
        tenant = text(row, "tenant_id")
        mine = {*found.get(tenant, ()), *kinds_of(entities(row))}
        found[tenant] = tuple(kind for kind in EVERYTHING if kind in mine)
    return found


def entities(row: Row) -> list[str]:
    """The entities that a connection names, as it names them."""
    listed: Any = row.get("sync_entities_list")
    if isinstance(listed, list) and listed:
        return [_name(one) for one in listed]
    return [word for word in text(row, "sync_entities").replace(";", ",").split(",") if word.strip()]


def _name(one: Any) -> str:
    return text(one, "name", "label", "value") if isinstance(one, dict) else str(one)


def kinds_of(names: Iterable[str]) -> tuple[Kind, ...]:
    """The kinds behind the names; everything where none is named or one isn't known."""
    found: set[Kind] = set()
    keys = ["".join(c for c in name.casefold() if c.isalpha()) for name in names]
    for key in keys:
        known = _WORDS.get(key, _WORDS.get(key.removesuffix("s")))
        if known is None:
            return EVERYTHING
        found |= set(known)
    return tuple(kind for kind in EVERYTHING if kind in found) if keys else EVERYTHING
