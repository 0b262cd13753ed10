"""Which customers changed: lists show neither their stamps nor their details, so that they are filtered or compared."""

import datetime as dt
from collections.abc import AsyncIterator, MutableMapping, Sequence

import msgspec

from xerotui.model.kinds import Kind
from xerotui.source.contract import Context
from xerotui_halo import listings
from xerotui_halo.client import HaloClient, Tally
from xerotui_halo.listings import CUSTOMERS, Details, Mark
from xerotui_halo.values import Row, ident, instant


class Customers:
    """Reads the customers that changed since a mark; `echoes` is what Halo answered to our own links, taken out."""

    def __init__(self, client: HaloClient, context: Context, echoes: MutableMapping[tuple[Kind, str], Row]) -> None:
        self.client = client
        self.context = context
        self.echoes = echoes

    async def changed(self, mark: Mark, tally: Tally) -> AsyncIterator[tuple[Details, Mark | None]]:
        """Customers need details, which lists don't show: read those that changed, by filter or by comparison."""
        now = self.context.now()
        whole = mark.must_read_all(now)
        filtered = mark.filter and not whole
        rows = await self._rows(mark.floor() if filtered else None, tally)
        after, turn = ("", mark.turn) if filtered else (listings.digests(rows), mark.turn)
        ids = [ident(row, "id") for row in rows]
        echoes = {id: self.echoes.pop((Kind.CUSTOMER, id)) for id in ids if (Kind.CUSTOMER, id) in self.echoes}
        if filtered:
            ids, known = await self._unknown(mark, ids, echoes, now)
            echoes = {id: row for id, row in echoes.items() if id in known}
        elif not whole:
            again, turn = listings.next_turn(rows, mark.turn)
            ids = list(dict.fromkeys([*listings.changed_ids(rows, mark.buckets, after), *again]))
        newest = dt.datetime.fromisoformat(mark.since) if mark.since else None
        seen: dict[str, dt.datetime] = {}
        honest = True
        async for part in self._singles(ids, list(echoes.values()) if filtered else []):
            for row in part.rows:
                if at := instant(row, CUSTOMERS.stamp):
                    newest = max(newest or at, at)
                    seen[ident(row, "id")] = at
                    honest = honest and (not filtered or at >= mark.floor())
            yield part, None
        proved = await listings.filters_by_update(self.client, CUSTOMERS, len(rows)) if whole else mark.filter
        # Without any stamp there is still a comparison of rows to go by.
        made = mark.after(now, (newest or now).isoformat(), seen)
        if whole or tally.missing:
            made = made.whole(now, tally.missing)
        proved = proved and honest and newest is not None
        full = made.full if honest else ""
        yield (
            Details(),
            msgspec.structs.replace(made, full=full, filter=proved, buckets="" if proved else after, turn=turn),
        )

    async def _singles(self, ids: Sequence[str], echoes: list[Row]) -> AsyncIterator[Details]:
        if echoes:
            yield Details(rows=echoes)
        async for part in listings.details(self.client, CUSTOMERS.path, ids):
            yield part

    async def _unknown(
        self, mark: Mark, ids: list[str], echoes: dict[str, Row], now: dt.datetime
    ) -> tuple[list[str], set[str]]:
        """The customers that have to be read singly, and those that are known and unchanged.

        No list shows their stamps; but a row that was last seen with a stamp is unchanged where the server doesn't
        name it among those changed since the second after.
        """
        stamps = mark.recent | listings.stamped(echoes)
        known = {id: stamps[id] for id in ids if id in stamps}
        checked = listings.seconds(known if mark.late(now) else [i for i in known if i in echoes], known)
        changed = {id for id in known if echoes and known[id] // 1000 == max(known.values()) // 1000}
        for second in checked:
            after = dt.datetime.fromtimestamp(second + 1, dt.UTC)
            later = {ident(row, "id") for row in await self._rows(after, Tally())}
            changed |= {id for id in known if known[id] // 1000 == second and id in later}
        rest = [id for id in known if known[id] // 1000 not in checked]
        if rest:
            later = {ident(row, "id") for row in await self._rows(mark.probe(), Tally())}
            changed |= {id for id in rest if id in later}
        return [id for id in ids if id not in known or id in changed], set(known) - changed

    async def _rows(self, since: dt.datetime | None, tally: Tally) -> list[Row]:
        params = dict(CUSTOMERS.params)
        if since is not None:
            params["lastupdatefromdate"] = since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        pages = self.client.pages(CUSTOMERS.path, CUSTOMERS.key, params, CUSTOMERS.size, tally)
        return [row async for page in pages for row in page]
