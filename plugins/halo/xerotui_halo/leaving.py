"""Which records Halo's lists no longer show: suspects of having been deleted, never a proof (halo-api section 4.3)."""

from collections.abc import Sequence

from xerotui.model.kinds import Kind
from xerotui_halo.answers import record_count, unwrap
from xerotui_halo.client import HaloClient, Tally
from xerotui_halo.listings import LISTINGS
from xerotui_halo.values import ident

# Lists that can show ids alone, in one answer; not together with paging.
_ID_ONLY = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.INVOICE, Kind.CREDIT_NOTE)
_EVERYTHING = 1_000_000
_PAGE = 200


async def vanished(client: HaloClient, kind: Kind, ids: Sequence[str]) -> tuple[str, ...]:
    """Those of the ids that the whole list doesn't hold; none where the list itself came short or empty."""
    if kind not in LISTINGS:
        return ()
    listing = LISTINGS[kind]
    params = {name: value for name, value in listing.params.items() if name != "includelines"}
    shown: set[str] = set()
    if kind in _ID_ONLY:
        if kind in (Kind.INVOICE, Kind.CREDIT_NOTE):
            params |= {"includeinvoices": "true", "includecredits": "true"}
        body = await client.get(listing.path, {**params, "idonly": "true", "count": str(_EVERYTHING)})
        rows = unwrap(body, listing.key)
        shown = {ident(row, "id") for row in rows}
        if (total := record_count(body)) is not None and total > len(rows):
            return ()
    else:
        tally = Tally()
        async for page in client.pages(listing.path, listing.key, params, _PAGE, tally):
            shown |= {ident(row, "id") for row in page}
        if tally.missing:
            return ()
    return tuple(id for id in ids if id not in shown) if shown else ()
