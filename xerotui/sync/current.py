"""Whether a write to Xero still is what a plan of now would make: asked in the moment before it leaves."""

from collections.abc import Mapping, Sequence

import msgspec

from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.postings import DocumentPosting, decode
from xerotui.model.records import Document, Record, fingerprint
from xerotui.model.work import Operation, Verb
from xerotui.store import Tx
from xerotui.store.overrides import TEMPLATE
from xerotui.sync.overriding import chosen_of
from xerotui.sync.pair import revised
from xerotui.sync.ports import Ports

GONE = "it isn't at the source any more"
CHANGED = "it changed at the source since it was planned"
MAPPED = "a mapping that it uses changed since it was planned"
BACK = "the source has it again"
CHOSEN = "what is chosen for it changed since it was planned"
LINKED = "it was linked with a record in Xero meanwhile"
MOVED = "its link was moved or taken away since it was planned"
_JUDGED = (Verb.CREATE, Verb.UPDATE, Verb.ARCHIVE, Verb.VOID, Verb.DELETE)


async def mappings_now(ports: Ports, operations: Sequence[Operation]) -> dict[tuple[str, str], dict[str, int]]:
    """The mapping revisions of each (connection, tenant) among these: read before a transaction is opened."""
    db = await ports.book.read()
    return {pair: revised(db.mappings(*pair)) for pair in {(o.connection, o.tenant) for o in operations}}


async def outdated(
    ports: Ports, tx: Tx, operations: Sequence[Operation], mappings: dict[tuple[str, str], dict[str, int]]
) -> dict[str, str]:
    """Why some of these must not leave as they are, by operation id, judged by the snapshots, links and book of now.

    Of writes to Xero alone: sources are asked before each write (DESIGN section 5). What is removed in Xero must still
    be gone at the source.
    """
    groups: dict[tuple[str, str, Kind], list[Operation]] = {}
    for o in operations:
        if o.side is Side.XERO and o.verb in _JUDGED:
            groups.setdefault((o.connection, o.tenant, o.kind), []).append(o)
    found: dict[str, str] = {}
    for (connection, tenant, kind), some in groups.items():
        ids = [o.record for o in some]
        records = await ports.ledger.snapshots.many(tx, Side.SOURCE, connection, kind, ids, include_gone=False)
        links = await ports.ledger.links.many(tx, connection, kind, ids, tenant)
        now = mappings.get((connection, tenant), {})
        chosen = await _chosen(ports, tx, connection, tenant, kind, records)
        strays = await _strays(ports, tx, connection, tenant, kind, some, records) if kind in DOCUMENTS else set()
        for o in some:
            if o.verb is Verb.CREATE and o.record in links:
                found[o.id] = LINKED
            elif o.verb is Verb.ARCHIVE and (o.record not in links or links[o.record].xero_id != o.target):
                found[o.id] = MOVED
            elif o.verb in (Verb.VOID, Verb.DELETE):
                record = records.get(o.record)
                if record is not None and (not o.basis.fingerprint or _moved(o, record, now)):
                    found[o.id] = BACK
            elif why := _moved(o, records.get(o.record), now):
                found[o.id] = why
            elif o.id in strays:
                found[o.id] = MOVED
            elif kind in DOCUMENTS and chosen.get(o.record, "") != o.basis.overrides:
                found[o.id] = CHOSEN
    return found


async def _strays(
    ports: Ports,
    tx: Tx,
    connection: str,
    tenant: str,
    kind: Kind,
    operations: Sequence[Operation],
    records: Mapping[str, Record],
) -> set[str]:
    """New documents whose bytes name a contact, or are for an organisation, that their party was moved away from."""
    party_kind = Kind.SUPPLIER if kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER
    new = {o.id: (o, d) for o in operations if isinstance(d := records.get(o.record), Document)}
    new = {id: (o, d) for id, (o, d) in new.items() if o.verb is Verb.CREATE}
    ids = sorted({d.party for _, d in new.values() if d.party})
    links = await ports.ledger.links.many(tx, connection, party_kind, ids, tenant)
    parties = await ports.ledger.snapshots.many(tx, Side.SOURCE, connection, party_kind, ids)
    found: set[str] = set()
    for id, (o, document) in new.items():
        link, party = links.get(document.party), parties.get(document.party)
        home = document.tenant or (party.tenant if party is not None else "")
        posting = decode(o.body) if link is not None else None
        contact = posting.contact if isinstance(posting, DocumentPosting) else ""
        if (home and home != tenant) or (link is not None and contact and contact != link.xero_id):
            found.add(id)
    return found


async def _chosen(
    ports: Ports, tx: Tx, connection: str, tenant: str, kind: Kind, records: Mapping[str, Record]
) -> dict[str, str]:
    """The mark of what people chose for each of these documents."""
    templates = {r.template for r in records.values() if isinstance(r, Document) and r.template}
    asked = [*records, *(TEMPLATE + template for template in templates)]
    found = await ports.ledger.overrides.many(tx, connection, tenant, kind, asked)
    data = {(kind, record): overrides for record, overrides in found.items()}
    return {id: chosen_of(data, r).mark for id, r in records.items() if isinstance(r, Document)} if found else {}


def _moved(operation: Operation, record: Record | None, mappings: dict[str, int]) -> str:
    if record is None:
        return GONE
    if any(mappings.get(name) != revision for name, revision in operation.basis.mappings.items()):
        return MAPPED
    prints = {fingerprint(record)}
    if operation.kind not in DOCUMENTS:
        # Our own write-back for another organisation is no change of an item or contact.
        prints.add(fingerprint(msgspec.structs.replace(record, xero_id="")))
    return "" if operation.basis.fingerprint in prints else CHANGED


def by_reason(reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """Operation ids by their reason, so that each reason costs one statement."""
    found: dict[str, list[str]] = {}
    for id, why in reasons.items():
        found.setdefault(why, []).append(id)
    return found


__all__ = ["by_reason", "mappings_now", "outdated"]
