"""What of Halo uses a tax rate, beyond the records that are synced, and the taking away of one that nothing uses.

Asked before a clean-up is shown and again before removals: Halo itself may let a rate go that is in use, and none comes
back. A list that comes short proves nothing. Quotes, sales orders and contracts aren't looked at.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from xerotui.source.contract import Context, SourceRefused
from xerotui_halo.answers import record_count, unwrap
from xerotui_halo.client import HaloClient, NotThere, gathered
from xerotui_halo.listings import details
from xerotui_halo.values import Row, flag, ident, rows_of, text

# World time that an answer serves: one clean-up looks once. What is taken away doesn't come back, so that the removals
# of one run share a look of their own.
FRESH = dt.timedelta(minutes=5)
AT_REMOVAL = dt.timedelta(seconds=20)
PAGE = 200
_CLIENT = ("item_tax_code", "service_tax_code", "contract_tax_code", "prepay_tax_code")
_SITE = (
    "site_item_tax_code",
    "site_service_tax_code",
    "site_contract_tax_code",
    "site_prepay_tax_code",
    "site_sales_tax_code",
    "site_purchase_tax_code",
)
_GROUP = ("tax_id", "tax_id_purchase")
_GROUP_TENANT = ("taxcode", "taxcode_purchase")
_LINE = ("item_tax_code", "override_tax_code", "tax_code")


class Usage:
    """Who uses which rate, for one connection."""

    def __init__(self, client: HaloClient, context: Context) -> None:
        self._client = client
        self._context = context
        self._held: tuple[dt.datetime, dict[str, str]] | None = None

    async def of(self, ids: Sequence[str]) -> dict[str, str]:
        """What uses each of these rates, in words; those that nothing uses aren't in it.

        Raises SourceRefused where a list comes short.
        """
        return await self._known(ids, FRESH)

    async def _known(self, ids: Sequence[str], fresh: dt.timedelta) -> dict[str, str]:
        now = self._context.now()
        if self._held is None or now - self._held[0] > fresh or now < self._held[0]:
            found = await self._read()
            self._held = (self._context.now(), found)
        return {id: self._held[1][id] for id in ids if id in self._held[1]}

    async def remove(self, id: str) -> None:
        """Take a rate away. Raises SourceRefused where something uses it; one that is gone is no fault."""
        if used := await self._known([id], AT_REMOVAL):
            raise SourceRefused(f"Halo's tax rate {id} stays: {used[id]}")
        try:
            await self._client.delete(f"Tax/{id}")
        except NotThere:
            return

    async def _read(self) -> dict[str, str]:
        found = Found()
        for row in await self._whole("AssetGroup", "assetgroups"):
            words = f"used by the item group {text(row, 'name')}"
            found.note(_ids(row, _GROUP), words)
            for one in rows_of(row, "accounts_mappings"):
                found.note(_ids(one, _GROUP_TENANT), words)
        for row in await self._rows("Client", "clients", {"includeinactive": "true"}):
            found.note(_ids(row, _CLIENT), f"used by the customer {text(row, 'name')}")
        for row in await self._rows("RecurringInvoice", "invoices", {"includelines": "true"}):
            for line in rows_of(row, "lines"):
                found.note(_ids(line, _LINE), f"used by the recurring invoice of {text(row, 'client_name')}")
        for row in await self._optional("TaxRule", "taxrules"):
            found.note(_ids(row, ("taxid",)), "used by a tax rule")
        await self._sites(found)
        await self._named(found)
        return found.told()

    async def _sites(self, found: "Found") -> None:
        """Sites may carry rates of their own, which lists don't show: those are read singly."""
        rest: list[str] = []
        for row in await self._rows("Site", "sites", {"includeinactive": "true"}):
            if all(name in row for name in _SITE):
                _site(found, row)
            else:
                rest.append(ident(row, "id"))
        async for part in details(self._client, "Site", rest):
            for row in part.rows:
                _site(found, row)
            if part.skipped:
                raise SourceRefused(f"Halo's site {part.skipped[0][0]} can't be read: {part.skipped[0][1]}")

    async def _named(self, found: "Found") -> None:
        """Places that name a rate rather than its id: charge rates, Halo's own sync; and the parts of composites."""
        rates = await self._whole("Tax", "taxes")
        named: dict[str, list[str]] = defaultdict(list)
        for row in rates:
            for word in {text(row, "name").casefold(), text(row, "code").casefold(), ident(row, "id")} - {""}:
                named[word].append(ident(row, "id"))
            if flag(row, "is_composite"):
                parts = [ident(part, "id") for part in rows_of(row, "linked_rates")]
                found.note(parts, f"a part of {text(row, 'name')}")
        for row in await self._whole("Lookup", "lookups", {"lookupid": "17"}):
            word = text(row, "tax_rate_name").casefold()
            found.note(named.get(word, []), f"used by the charge rate {text(row, 'name')}")
        for row in await self._optional("XeroDetails", "xerodetails"):
            word = text(row, "no_tax_code").casefold()
            found.note(named.get(word, []), "Halo's own code for no tax")

    async def _rows(self, path: str, key: str, params: Mapping[str, str]) -> list[Row]:
        return await gathered(self._client, path, key, params, PAGE)

    async def _whole(self, path: str, key: str, params: Mapping[str, str] | None = None) -> list[Row]:
        """A short list in one piece; one that says that it holds more is read page by page."""
        body = await self._client.get(path, params)
        rows, total = unwrap(body, key), record_count(body)
        return rows if total is None or total <= len(rows) else await self._rows(path, key, params or {})

    async def _optional(self, path: str, key: str) -> list[Row]:
        """A list that not every build has."""
        try:
            return await self._whole(path, key)
        except NotThere:
            return []


class Found:
    """What uses which rate."""

    def __init__(self) -> None:
        self._by_id: dict[str, dict[str, None]] = defaultdict(dict)

    def note(self, ids: Iterable[str], words: str) -> None:
        """These rates are used by that."""
        for id in filter(None, ids):
            self._by_id[id][words] = None

    def told(self) -> dict[str, str]:
        """In words by the rate's id, three uses at most."""
        return {id: ", ".join(list(words)[:3]) for id, words in self._by_id.items()}


def _site(found: Found, row: Row) -> None:
    found.note(_ids(row, _SITE), f"used by the site {text(row, 'name')} of {text(row, 'client_name')}")


def _ids(row: Row, names: Iterable[str]) -> list[str]:
    return [ident(row, name) for name in names]
