"""The contacts that moved records were linked with before: what was sent under one of them stays with it (H11)."""

from typing import TYPE_CHECKING

import msgspec

from xerotui.model.postings import DocumentPosting, decode
from xerotui.model.records import Document, Party
from xerotui.store import Ledger, Tx

if TYPE_CHECKING:
    from xerotui.sync.pair import PairData

Contacts = dict[str, list[str]]


def _mark(connection: str, tenant: str) -> str:
    return msgspec.json.encode(("moved", connection, tenant)).decode()


async def read(ledger: Ledger, tx: Tx, connection: str, tenant: str) -> Contacts:
    """The former contacts of a pair's moved records, by `kind:id`."""
    text = await ledger.marks.get(tx, _mark(connection, tenant))
    return msgspec.json.decode(text, type=Contacts) if text else {}


async def remember(ledger: Ledger, tx: Tx, connection: str, tenant: str, record: str, contact: str) -> None:
    """Note that a record, named `kind:id`, was linked with that contact."""
    known = await read(ledger, tx, connection, tenant)
    mine = known.setdefault(record, [])
    if contact not in mine:
        mine.append(contact)
    await ledger.marks.set(tx, _mark(connection, tenant), msgspec.json.encode(known).decode())


def contact_of(data: "PairData", document: Document, party: Party, now: str) -> str:
    """The contact of a document whose party is linked with `now`: one that is in Xero keeps what it was sent under."""
    before = data.former.get(f"{party.kind}:{party.id}", [])
    link = data.link(document.kind, document.id) if before else None
    sent = decode(link.posting) if link is not None and link.posting else None
    return sent.contact if isinstance(sent, DocumentPosting) and sent.contact in before else now
