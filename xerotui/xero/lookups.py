"""Looking things up by natural key: to resolve an unknown outcome, and to see a collision before it happens."""

from collections.abc import AsyncIterable, Iterable, Iterator, Sequence
from urllib.parse import quote

from xerotui.model.kinds import PARTIES, Kind
from xerotui.model.records import Document, Item, Party, Payment, Record
from xerotui.xero.client import TenantClient
from xerotui.xero.errors import NotFound

# Xero advises about forty ids a call; encoded values also have to fit an address (xero-api section 6.2).
MOST_NUMBERS = 40
MOST_CONTACTS = 10
MOST_LETTERS = 1200
# From so many item codes on, the whole unpaged list is the cheaper question.
FEW_ITEMS = 3


async def look_up(client: TenantClient, kind: Kind, keys: Sequence[str]) -> list[Record]:
    """Every record that carries one of the keys, whatever its status; several may carry the same.

    Keys are numbers of documents, codes of items, references of payments, and for contacts account numbers, contact
    numbers or names alike.
    Blank keys and such as Xero can't hold (control characters) find nothing.
    """
    wanted = list(dict.fromkeys(k for k in keys if k.strip() and k.isprintable()))
    if not wanted:
        return []
    if kind in PARTIES:
        return await _contacts(client, wanted)
    if kind is Kind.ITEM:
        return await _items(client, wanted)
    if kind is Kind.INVOICE:
        return await _invoices(client, wanted)
    if kind is Kind.PAYMENT:
        return await _payments(client, wanted)
    return await _by_path(client, kind, wanted)


def quoted(text: str) -> str:
    """A text inside a `where` expression: quotes are doubled, a backslash would be refused (xero-api section 6.3)."""
    return '"' + text.replace('"', '""') + '"'


def _batches(keys: Iterable[str], most: int) -> Iterator[list[str]]:
    batch: list[str] = []
    letters = 0
    for key in keys:
        size = len(quote(key, safe=""))
        if batch and (len(batch) >= most or letters + size > MOST_LETTERS):
            yield batch
            batch, letters = [], 0
        batch.append(key)
        letters += size
    if batch:
        yield batch


def _fold(text: str) -> str:
    return text.strip().casefold()


async def _gather(walk: AsyncIterable[list[Record]]) -> list[Record]:
    return [record async for page in walk for record in page]


async def _contacts(client: TenantClient, keys: list[str]) -> list[Record]:
    found: dict[str, Record] = {}
    for batch in _batches(keys, MOST_CONTACTS):
        terms = [f"{field}=={quoted(k)}" for k in batch for field in ("AccountNumber", "ContactNumber", "Name")]
        params = {"where": " OR ".join(terms), "includeArchived": "true", "order": "ContactID"}
        found |= {r.id: r for r in await _gather(client.pages(Kind.CUSTOMER, params))}
    wanted = {_fold(k) for k in keys}
    # Xero compares text loosely; what doesn't really carry a key isn't an answer.
    return [
        r
        for r in found.values()
        if isinstance(r, Party) and wanted & {_fold(r.number), _fold(r.contact_number), _fold(r.name)}
    ]


async def _invoices(client: TenantClient, numbers: list[str]) -> list[Record]:
    found: dict[str, Record] = {}
    for batch in _batches((n for n in numbers if "," not in n), MOST_NUMBERS):
        params = {"InvoiceNumbers": ",".join(batch), "unitdp": "4", "order": "InvoiceID"}
        found |= {r.id: r for r in await _gather(client.pages(Kind.INVOICE, params))}
    for number in numbers:
        if "," in number:
            params = {"where": f"InvoiceNumber=={quoted(number)}", "unitdp": "4", "order": "InvoiceID"}
            found |= {r.id: r for r in await _gather(client.pages(Kind.INVOICE, params))}
    return _numbered(found.values(), numbers)


async def _payments(client: TenantClient, references: list[str]) -> list[Record]:
    found: dict[str, Record] = {}
    for reference in references:
        # One by one: Xero answers quickly only to a single equals (xero-api section 6.3).
        params = {"where": f"Reference=={quoted(reference)}", "order": "PaymentID"}
        found |= {r.id: r for r in await _gather(client.pages(Kind.PAYMENT, params))}
    wanted = {_fold(r) for r in references}
    return [r for r in found.values() if isinstance(r, Payment) and _fold(r.reference) in wanted]


def _numbered(records: Iterable[Record], numbers: Iterable[str]) -> list[Record]:
    wanted = {_fold(n) for n in numbers}
    return [r for r in records if isinstance(r, Document) and _fold(r.number) in wanted]


async def _items(client: TenantClient, codes: list[str]) -> list[Record]:
    wanted = {_fold(c) for c in codes}
    if len(codes) > FEW_ITEMS or any("/" in c for c in codes):
        return [r for r in await _gather(client.items()) if isinstance(r, Item) and _fold(r.code) in wanted]
    found = await _each(client, Kind.ITEM, codes)
    return [r for r in found if isinstance(r, Item) and _fold(r.code) in wanted]


async def _by_path(client: TenantClient, kind: Kind, numbers: list[str]) -> list[Record]:
    """Orders and credit notes, one call each: they have no list of numbers in their queries.

    A number with a slash can't stand in a path; such ones are sought in one walk over all.
    """
    found = await _each(client, kind, [n for n in numbers if "/" not in n])
    if any("/" in n for n in numbers):
        known = {r.id for r in found}
        found += [r for r in await _gather(client.walk(kind)) if r.id not in known]
    return _numbered(found, numbers)


async def _each(client: TenantClient, kind: Kind, keys: list[str]) -> list[Record]:
    found: list[Record] = []
    for key in keys:
        try:
            found.append(await client.get(kind, key))
        except NotFound:
            continue
    return found
