"""Reading the very records that webhooks hinted at: by id, in batches that fit an address."""

from collections.abc import AsyncIterator, Iterator, Sequence

from xerotui.model.kinds import PARTIES, Kind
from xerotui.model.records import Record
from xerotui.xero.client import TenantClient
from xerotui.xero.errors import NotFound

# Xero advises about forty ids a call (xero-api section 6.2).
MOST_IDS = 40
# Credit notes have no list of ids in their query: from so many on, what changed is the cheaper question.
FEW_NOTES = 5


def batches(ids: Sequence[str]) -> Iterator[list[str]]:
    """The ids in the batches that one call each asks for."""
    for start in range(0, len(ids), MOST_IDS):
        yield list(ids[start : start + MOST_IDS])


async def by_ids(client: TenantClient, kind: Kind, ids: Sequence[str]) -> AsyncIterator[list[Record]]:
    """Records of a kind by Xero id, archived contacts too; what isn't there, or is a bill, is left out.

    Contacts, invoices and credit notes; at most `MOST_IDS` of the first two, `FEW_NOTES` of the last.
    Raises what a walk of the client raises.
    """
    if kind in PARTIES:
        params = {"IDs": ",".join(ids), "includeArchived": "true", "order": "ContactID"}
        async for page in client.pages(Kind.CUSTOMER, params):
            yield page
    elif kind is Kind.INVOICE:
        params = {"IDs": ",".join(ids), "order": "InvoiceID", "unitdp": "4"}
        async for page in client.pages(Kind.INVOICE, params):
            yield page
    else:
        for id in ids:
            try:
                yield [await client.get(kind, id)]
            except NotFound:
                continue


__all__ = ["FEW_NOTES", "MOST_IDS", "batches", "by_ids"]
