"""What has changed since a cursor: lists newest first, customers by filter or by comparison (halo-api section 4.4).

Cursors are small JSON texts. All stamps in them are Halo's own, compared with our clock by days at most.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from hashlib import sha256

import msgspec

from xerotui.model.kinds import Kind
from xerotui.source.contract import SourceRefused
from xerotui_halo.client import HaloClient, NotThere, Tally
from xerotui_halo.values import Row, Unreadable, amount, ident, instant, integer, rows_of

VERSION = 1
OVERLAP = dt.timedelta(minutes=15)
# Our own time after which no change can still come with a stamp already seen: in the second of the newest stamp, and
# of transactions that end late.
SECOND = dt.timedelta(seconds=2)
LATE = dt.timedelta(seconds=120)
# Nothing of so long ago is still being written, whatever Halo's clock and zone are.
PAST = dt.timedelta(days=2)
# Cursors stay small: of more rows than these within the overlap the oldest are read again.
REMEMBERED = 2000
SECONDS = 40
# What tells a customer with details from a list's row (halo-api section 7.1).
_DETAILS = ("alastupdate", "accountsemailaddress", "main_invoice_address")
# What no stamp tells (a deletion while paging, a changed currency) is healed by reading all again.
FULL_EVERY = dt.timedelta(days=7)
AT_ONCE = 4
CHUNK = 20
BUCKETS = 128
_DIGITS = 6
_STUBBORN = 3


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cursor: the newest stamp seen, when all was last read, and what customers need besides.

    `filter`: the server has proved that it filters by last update. Without it `buckets` holds short digests of the
    list rows, by id modulo their number, and `turn` the last id that was read again in rotation.

    `recent` are the rows within the overlap that are known, id by their stamp in milliseconds, so that they needn't
    be read again. `edge` is our own time when `since` was first the newest; `calm` tells how far it has settled: 1, a
    later change has a later stamp; 2, all of the overlap was read once more. `short` rows lacked in the last whole
    reading, and lacked again.
    """

    v: int = 0
    since: str = ""
    full: str = ""
    filter: bool = False
    buckets: str = ""
    turn: int = 0
    recent: dict[str, int] = {}
    edge: str = ""
    calm: int = 0
    short: int = 0

    def text(self) -> str:
        """The cursor as the core stores it."""
        return msgspec.json.encode(self).decode()

    def floor(self) -> dt.datetime:
        """Rows older than this need no second look."""
        return dt.datetime.fromisoformat(self.since) - OVERLAP

    def must_read_all(self, now: dt.datetime) -> bool:
        """True at first, and when all was last read a week ago."""
        return not self.since or not self.full or now - dt.datetime.fromisoformat(self.full) >= FULL_EVERY

    def quiet(self, now: dt.datetime) -> dt.timedelta:
        """How long `since` has been the newest stamp, by our own clock."""
        return now - dt.datetime.fromisoformat(self.edge) if self.edge else dt.timedelta(0)

    def knows(self, id: str, at: dt.datetime | None) -> bool:
        """Whether the row of that stamp was read before and needs no second look."""
        if at is None or self.recent.get(id) != _ms(at):
            return False
        return self.calm > 0 or _second(at) < _second(dt.datetime.fromisoformat(self.since))

    def late(self, now: dt.datetime) -> bool:
        """Whether it is time for the last look at the overlap: nothing can come into it any more."""
        return self.calm < 2 and self.quiet(now) >= LATE

    def probe(self) -> dt.datetime:
        """Rows changed from then on have to be read, whether or not they are known."""
        second = _second(dt.datetime.fromisoformat(self.since))
        return second + dt.timedelta(seconds=1) if self.calm else second

    def after(self, now: dt.datetime, since: str, seen: Mapping[str, dt.datetime]) -> "Mark":
        """The mark after a reading: the newest stamp, and the rows seen with their stamps."""
        made = msgspec.structs.replace(self, since=since)
        if since != self.since or not self.edge:
            made = msgspec.structs.replace(made, edge=now.isoformat(), calm=0)
        elif self.quiet(now) >= LATE:
            made = msgspec.structs.replace(made, calm=2)
        elif self.quiet(now) >= SECOND:
            made = msgspec.structs.replace(made, calm=max(1, self.calm))
        if not since:
            return made
        if now - dt.datetime.fromisoformat(since) > PAST:
            made = msgspec.structs.replace(made, calm=2)
        least = _ms(made.floor())
        recent = {id: ms for id, ms in [*self.recent.items(), *((i, _ms(at)) for i, at in seen.items())] if ms >= least}
        newest = sorted(recent, key=lambda id: recent[id], reverse=True)[:REMEMBERED]
        return msgspec.structs.replace(made, recent={id: recent[id] for id in newest})

    def whole(self, now: dt.datetime, missing: int) -> "Mark":
        """The mark after all was read: read again at once where rows lacked, unless as many lacked before."""
        accepted = not missing or missing == self.short
        return msgspec.structs.replace(self, full=now.isoformat() if accepted else "", short=missing)

    def without(self, ids: Sequence[str]) -> "Mark":
        """The mark where those rows count as not read."""
        return msgspec.structs.replace(self, recent={i: ms for i, ms in self.recent.items() if i not in set(ids)})


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)


def _second(at: dt.datetime) -> dt.datetime:
    return at.replace(microsecond=0)


def stamped(rows: Mapping[str, Row]) -> dict[str, int]:
    """The stamps of customers that hold all that a single GET shows, in milliseconds."""
    found = {id: instant(row, CUSTOMERS.stamp) for id, row in rows.items() if all(n in row for n in _DETAILS)}
    return {id: _ms(at) for id, at in found.items() if at}


def seconds(ids: Iterable[str], stamps: Mapping[str, int]) -> list[int]:
    """The newest seconds of these rows' stamps, as many as are worth a call each."""
    return sorted({stamps[id] // 1000 for id in ids}, reverse=True)[:SECONDS]


def mark_of(cursor: str) -> Mark:
    """The mark in a cursor; an unknown one is none, so that all is read again."""
    try:
        mark = msgspec.json.decode(cursor, type=Mark)
        if mark.v == VERSION and (mark.since == "" or mark.floor().tzinfo):
            return mark
    except (msgspec.MsgspecError, ValueError, OverflowError, TypeError):
        pass
    return Mark(VERSION)


class Listing(msgspec.Struct, frozen=True):
    """How one list is read: route, key, stamp, page size, parameters, and what a row must hold to be enough."""

    path: str
    key: str
    stamp: str
    size: int
    params: Mapping[str, str]
    needs: tuple[str, ...] = ()

    def enough(self, row: Row) -> bool:
        """False when the record has to be read singly, because its list row lacks what is needed."""
        if any(name not in row for name in self.needs):
            return False
        if "lines" not in self.needs or rows_of(row, "lines"):
            return True
        try:
            return not amount(row, "total")
        except Unreadable:
            return True


_ALL = {"includeinactive": "true"}
CUSTOMERS = Listing("Client", "clients", "alastupdate", 200, _ALL)
LISTINGS = {
    Kind.CUSTOMER: CUSTOMERS,
    Kind.SUPPLIER: Listing(
        "Supplier", "suppliers", "last_modified", 200, _ALL, ("accounts_id", "email_address", "address")
    ),
    Kind.ITEM: Listing("Item", "items", "lastmodified", 200, {}, ("accountsid", "nominalcode", "taxcode")),
    Kind.INVOICE: Listing(
        "Invoice",
        "invoices",
        "last_modified",
        100,
        {"includelines": "true", "includeinvoices": "true", "includecredits": "true"},
        ("lines",),
    ),
    Kind.CREDIT_NOTE: Listing(
        "Invoice",
        "invoices",
        "last_modified",
        100,
        {"includelines": "true", "includeinvoices": "false", "includecredits": "true"},
        ("lines",),
    ),
    Kind.PURCHASE_ORDER: Listing(
        "PurchaseOrder", "purchaseorders", "last_update_time", 100, {"includelines": "true"}, ("lines",)
    ),
}


async def newest_first(
    client: HaloClient, listing: Listing, mark: Mark, now: dt.datetime, tally: Tally
) -> AsyncIterator[tuple[list[Row], Mark | None]]:
    """Rows that are new since the mark, page by page; the new mark comes last, alone.

    Asks for the newest first and stops at the mark, but only where the rows prove that the server kept to that order.
    Rows that move while the list is read move to its front, where the next read finds them. `tally` is told how whole
    the list came.
    """
    whole = mark.must_read_all(now)
    floor = None if whole else mark.floor()
    newest = dt.datetime.fromisoformat(mark.since) if mark.since else None
    previous: dt.datetime | None = None
    ordered = True
    seen: dict[str, dt.datetime] = {}
    params = {**listing.params, "order": listing.stamp, "orderdesc": "true"}
    async with aclosing(client.pages(listing.path, listing.key, params, listing.size, tally)) as pages:
        async for rows in pages:
            fresh = []
            for row in rows:
                at, id = instant(row, listing.stamp), ident(row, "id")
                ordered = ordered and at is not None and (previous is None or at <= previous)
                previous = at or previous
                newest = max(filter(None, (newest, at)), default=None)
                if at is not None:
                    seen[id] = at
                if floor is None or at is None or (at >= floor and not mark.knows(id, at)):
                    fresh.append(row)
            yield fresh, None
            if floor is not None and ordered and previous is not None and previous < floor:
                break
    made = mark.after(now, newest.isoformat() if newest else "", seen)
    yield [], made.whole(now, tally.missing) if whole or tally.missing else made


class Details(msgspec.Struct):
    """Records read singly: their rows, and the ids that are gone or can't be read."""

    rows: list[Row] = []
    gone: list[str] = []
    skipped: list[tuple[str, str]] = []


async def details(client: HaloClient, path: str, ids: Sequence[str]) -> AsyncIterator[Details]:
    """Records read singly, four at a time, in the order of `ids`.

    Raises SourceRefused when the first ones are all refused: then it is the permission that lacks.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    refused = found = 0

    async def one(id: str) -> Row | SourceRefused:
        async with gate:
            try:
                return await client.one(path, id)
            except SourceRefused as error:
                return error

    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        out = Details()
        for id, answer in zip(part, await asyncio.gather(*map(one, part)), strict=True):
            if not isinstance(answer, SourceRefused):
                out.rows.append(answer)
                found += 1
            elif isinstance(answer, NotThere) and found:
                out.gone.append(id)
            else:
                refused += 1
                if refused >= _STUBBORN and not found:
                    raise answer
                out.skipped.append((id, answer.said))
        yield out


def digests(rows: Sequence[Row]) -> str:
    """Short digests of list rows, one for each bucket of ids; blank rows have one as well."""
    buckets: list[list[Row]] = [[] for _ in range(BUCKETS)]
    for row in rows:
        buckets[(integer(row, "id") or 0) % BUCKETS].append(row)
    encoder = msgspec.json.Encoder(order="deterministic")
    return "".join(
        sha256(encoder.encode(sorted(bucket, key=lambda r: integer(r, "id") or 0))).hexdigest()[:_DIGITS]
        for bucket in buckets
    )


def changed_ids(rows: Sequence[Row], before: str, after: str) -> list[str]:
    """The ids of the rows whose bucket has another digest than before."""
    moved = {n for n in range(BUCKETS) if _digest(before, n) != _digest(after, n)}
    return [ident(row, "id") for row in rows if (integer(row, "id") or 0) % BUCKETS in moved]


def _digest(text: str, n: int) -> str:
    return text[n * _DIGITS : (n + 1) * _DIGITS]


def next_turn(rows: Sequence[Row], turn: int) -> tuple[list[str], int]:
    """The next ids in rotation after `turn`, and the new turn: what list rows don't show is seen in time."""
    ids = sorted(integer(row, "id") or 0 for row in rows)
    ahead = [id for id in ids if id > turn] or ids
    part = ahead[:CHUNK]
    return [str(id) for id in part], part[-1] if part else 0


async def filters_by_update(client: HaloClient, listing: Listing, total: int) -> bool:
    """True when the server proves that `lastupdatefromdate` filters: all since ever, none in the far future.

    Unknown parameters are ignored in silence, and what this one means isn't documented (halo-api section 4.3).
    """

    async def since(year: int) -> int:
        params = {**listing.params, "lastupdatefromdate": f"{year}-01-01T00:00:00Z"}
        return await client.count(listing.path, listing.key, params)

    return total > 0 and await since(2100) == 0 and await since(1900) == total
