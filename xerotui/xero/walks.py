"""Walks: paged lists read page after page, in an order in which no record is lost while others change.

Which order and filter each kind is walked with stands here; what a page means is `wire`'s part.
"""

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, TypeVar

import msgspec

from xerotui.model.kinds import Kind
from xerotui.model.records import Record
from xerotui.net.http import BadAnswer
from xerotui.xero.errors import Unavailable, log_oddity
from xerotui.xero.wire import ENDPOINTS, Envelope, opened, tree
from xerotui.xero.wire_documents import SALES_TYPES

if TYPE_CHECKING:
    from xerotui.xero.client import TenantClient

T = TypeVar("T")
Query = Mapping[str, str]
# Full pages are the cheapest (xero-api section 3); Xero clamps what it finds too large and says so.
PAGE_SIZE = 1000
# How many records of an unpaged list are decoded at once.
BATCH = 500
# A full walk that came out shorter than Xero's own count is made again, at most so often in all.
WALKS = 3
# By an id that never changes nothing is lost: changes move no record, and new ones only cause repeats
# (xero-api section 6.1). Purchase orders have no such order; the latest changed first, a change only moves its own
# record to pages already read, where the next delta finds it.
QUERIES: dict[Kind, Query] = {
    Kind.CUSTOMER: {"includeArchived": "true", "order": "ContactID"},
    Kind.INVOICE: {"where": 'Type=="ACCREC"', "order": "InvoiceID", "unitdp": "4"},
    Kind.CREDIT_NOTE: {"where": 'Type=="ACCRECCREDIT"', "order": "CreditNoteID", "unitdp": "4"},
    Kind.PURCHASE_ORDER: {"order": "UpdatedDateUTC DESC"},
    Kind.PAYMENT: {"order": "PaymentID"},
}
QUERIES[Kind.SUPPLIER] = QUERIES[Kind.CUSTOMER]


def _id(raw: msgspec.Raw, kind: Kind) -> str:
    """The id of an element that doesn't fit its struct; "" where even that can't be had."""
    try:
        said = tree(raw)
    except BadAnswer:
        return ""
    found = said.get(ENDPOINTS[kind].id) if isinstance(said, dict) else None
    return found if isinstance(found, str) else ""


def batches(things: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """A list in parts of at most that many."""
    for at in range(0, len(things), size):
        yield things[at : at + size]


class Walk:
    """One reading of a paged list; iterating gives a list of records for each page, holding one page at a time.

    `since` makes it a delta (If-Modified-Since, to the second); it is used as given, the overlap is the caller's.
    `began` is Xero's own clock at the first page, None before that or where Xero doesn't say: whatever changed later
    may be missing and belongs into the next delta. A walk over everything is counted against what Xero says there is
    and made again when it came out short. Raises Unavailable when others are missing each time, and what a read raises.
    """

    def __init__(
        self, client: "TenantClient", kind: Kind, params: Query | None = None, *, since: dt.datetime | None = None
    ) -> None:
        self.began: dt.datetime | None = None
        self.kind = kind
        self._client = client
        self._params = QUERIES[kind] if params is None else params
        self._since = since
        # Only what is asked for by kind alone is everything that there is.
        self._whole = params is None and since is None
        self._ids: set[str] = set()
        # Why records of these ids couldn't be read.
        self.unreadable: dict[str, str] = {}

    @property
    def seen(self) -> Set[str]:
        """The ids of all records that came by, readable or not."""
        return self._ids

    async def __aiter__(self) -> AsyncIterator[list[Record]]:
        known, least = 0, 0
        for _ in range(WALKS):
            stated: list[int] = []
            async for page, envelope in self._pages():
                if envelope.pagination and envelope.pagination.itemCount is not None:
                    stated.append(envelope.pagination.itemCount)
                kept = [page]
                del page
                yield kept.pop()
            if not self._whole or not stated or len(self._ids) >= stated[-1]:
                return
            if len(self._ids) == known:
                # Twice the very same: it is Xero's count that is off, and nobody is helped by reading nothing.
                log_oddity("xero counts more than it lists", kind=self.kind.value, counted=stated[-1], listed=known)
                return
            known, least = len(self._ids), least or stated[0]
        # What came in while we read belongs to the next delta; what was there before must have been read.
        if known < least:
            raise Unavailable(
                f"Xero counts {least} {self.kind.plural} but lists {known}.",
                "They changed while they were read: try again in a few minutes.",
                code="xero.unavailable",
                exit_code=3,
            )

    async def _pages(self) -> AsyncIterator[tuple[list[Record], Envelope]]:
        name, size = ENDPOINTS[self.kind].name, PAGE_SIZE
        number = 1
        while True:
            query = {**self._params, "page": str(number), "pageSize": str(size)}
            response = await self._client.get_response(f"/{name}", self.kind.plural, query, self._since)
            if response.status == 304:
                return
            envelope = opened(response, name)
            if number == 1 and self.began is None:
                self.began = envelope.at
            some = bool(envelope.elements)
            records = list(self._readable(envelope.elements))
            # While the next page is on its way, nothing of this one is kept here: body and records are megabytes.
            envelope.elements = []
            del response
            before = len(self._ids)
            self._ids.update((r.id for r in records), self.unreadable)
            kept = [[r for r in records if self._sold(r)]]
            del records
            yield kept.pop(), envelope
            count = envelope.pagination.pageCount if envelope.pagination else None
            # Where Xero names no last page, the first one that brings nothing new is it.
            if not some or (number >= count if count is not None else len(self._ids) == before):
                return
            number += 1

    def _readable(self, elements: Sequence[msgspec.Raw]) -> Iterator[Record]:
        """The records of a page; one that can't be read is kept by its id, and stops none of the others."""
        for raw in elements:
            try:
                record = self._client.decode(self.kind, raw)
            except BadAnswer as error:
                id = _id(raw, self.kind)
                if not id:
                    raise
                self.unreadable[id] = str(error)
            else:
                yield record

    def _sold(self, record: Record) -> bool:
        """Not every way of asking can leave out bills."""
        sales = SALES_TYPES.get(self.kind)
        return not sales or record.facts.get("type", sales) == sales
