"""Looking a record up by Xero id, number or name before it is created: Halo accepts duplicates (halo-api section 5)."""

import datetime as dt

from xerotui.model.kinds import Kind
from xerotui.source.contract import Context, Keys, SourceRefused
from xerotui_halo.answers import unwrap
from xerotui_halo.client import HaloClient, gathered
from xerotui_halo.listings import LISTINGS
from xerotui_halo.values import Row, ident, text
from xerotui_halo.writing import XERO_ID

_NUMBER = {Kind.CUSTOMER: "accountsid", Kind.SUPPLIER: "accounts_id", Kind.ITEM: "accountsid"}
# World time that a whole list serves; what others make meanwhile is caught by the search.
FRESH = dt.timedelta(seconds=120)
_SEARCHABLE = 100


class Finder:
    """Finds ids in a list read whole now and then, and in a search made each time.

    What the search covers isn't documented, and a filter may be ignored in silence: every row is compared here.
    """

    def __init__(self, client: HaloClient, context: Context) -> None:
        self._client = client
        self._context = context
        self._held: dict[Kind, tuple[dt.datetime, dict[str, Row]]] = {}

    async def ids(self, kind: Kind, keys: Keys) -> tuple[str, ...]:
        """The ids of all rows that carry one of the keys.

        Raises SourceRefused for kinds that are never created here.
        """
        if kind not in _NUMBER:
            raise SourceRefused(f"Halo's {kind.plural} are never created by XeroTUI, so they aren't looked up")
        words = [w for w in dict.fromkeys((keys.name.strip(), keys.number.strip())) if w]
        if any(len(word) > _SEARCHABLE or not word.isprintable() for word in words):
            self.forget(kind)
        rows = dict(await self._rows(kind))
        for word in words:
            if len(word) <= _SEARCHABLE and word.isprintable():
                rows |= await self._search(kind, word)
        return tuple(id for id, row in sorted(rows.items()) if id and _fits(kind, row, keys))

    def forget(self, kind: Kind) -> None:
        """The list isn't to be relied on: a write failed, or its outcome is unknown."""
        self._held.pop(kind, None)

    def remember(self, kind: Kind, row: Row) -> None:
        """Add a record that was just created."""
        if kind in self._held:
            self._held[kind][1][ident(row, "id")] = row

    async def _rows(self, kind: Kind) -> dict[str, Row]:
        held, now = self._held.get(kind), self._context.now()
        if held is None or now - held[0] > FRESH or now < held[0]:
            listing = LISTINGS[kind]
            rows = await gathered(self._client, listing.path, listing.key, {"includeinactive": "true"}, listing.size)
            found = {ident(row, "id"): row for row in rows}
            held = self._held[kind] = (now, found)
        return held[1]

    async def _search(self, kind: Kind, word: str) -> dict[str, Row]:
        listing = LISTINGS[kind]
        params = {"search": word, "includeinactive": "true", "count": str(listing.size)}
        body = await self._client.get(listing.path, params)
        return {ident(row, "id"): row for row in unwrap(body, listing.key)}


def _key(words: str) -> str:
    return " ".join(words.split()).casefold()


def _fits(kind: Kind, row: Row, keys: Keys) -> bool:
    pairs = ((XERO_ID[kind], keys.xero_id), (_NUMBER[kind], keys.number), ("name", keys.name))
    return any(_key(wanted) and _key(text(row, name)) == _key(wanted) for name, wanted in pairs)
