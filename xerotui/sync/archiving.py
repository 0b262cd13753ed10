"""Contacts of customers and suppliers that became inactive at the source: archived in Xero by choice alone (H21).

Xero's API can't bring an archived contact back, so that everything that may still need it stands against it.
"""

from collections.abc import Sequence
from decimal import Decimal

from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind, Side
from xerotui.model.postings import Change, encode
from xerotui.model.records import Document, Party, fingerprint
from xerotui.model.work import Basis, Link, Operation, Verb
from xerotui.sync import drift
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData
from xerotui.sync.plan import Draft, new_id, xero_lane
from xerotui.sync.readiness import INACTIVE
from xerotui.sync.resolve import Resolved

REASON = "inactive at the source; Xero's API can't bring it back"
_OPEN = ("DRAFT", "SUBMITTED", "AUTHORISED")


def take_out(resolved: Resolved) -> list[Findings]:
    """The findings of contacts that are to be archived, taken out of what is planned as usual."""
    found: list[Findings] = []
    data = resolved.data
    for (kind, id), one in list(resolved.parties.items()):
        link = _candidate(data, kind, id, one)
        if link is None or not data.policy.archive_inactive or one.blocked:
            continue
        if not _against(resolved, kind, id, link):
            found.append(resolved.parties.pop((kind, id)))
    return found


def add(draft: Draft, resolved: Resolved, taken: Sequence[Findings], live: dict[tuple[Kind, str], str]) -> None:
    """Plan what is to be archived, and list what stays with the reason."""
    data = resolved.data
    for found in taken:
        kind, id = found.ref.kind, found.ref.id
        resolved.parties[(kind, id)] = found
        if (kind, id) not in live:
            draft.operations.append(_operation(draft, data, found))
            draft.counts[Verb.ARCHIVE.value] += 1
    done = {(found.ref.kind, found.ref.id) for found in taken}
    for (kind, id), found in resolved.parties.items():
        link = _candidate(data, kind, id, found) if (kind, id) not in done else None
        if link is None:
            continue
        if not data.policy.archive_inactive:
            sentence = "inactive at the source; its contact stays as it is in Xero, as the switch for that is off"
            draft.stays(found, INACTIVE, f"{kind}:{id}", sentence)
            draft.counts["skip"] += 1
        elif why := _against(resolved, kind, id, link):
            sentence = f"{kind.label.capitalize()} {found.ref.title} is inactive at the source, but {why}."
            found.problem("core.archive_refused", f"{kind}:{id}", sentence, blocks=False)
            draft.problems.append(found.problems[-1])
            draft.stays(found, "core.archive_refused", f"{kind}:{id}", sentence)
            draft.counts["blocked"] += 1


def _candidate(data: PairData, kind: Kind, id: str, found: Findings) -> Link | None:
    """The link of a party that is inactive at the source and active in Xero."""
    party, link = data.parties.get((kind, id)), data.link(kind, id)
    if party is None or party.active or link is None or found.skip or not data.policy.syncs(kind):
        return None
    held = data.contacts.by_id.get(link.xero_id)
    return link if held is not None and held.status == "ACTIVE" else None


def _against(resolved: Resolved, kind: Kind, id: str, link: Link) -> str:
    """What still needs the contact; "" when nothing does."""
    data = resolved.data
    held = data.contacts.by_id[link.xero_id]
    for other in data.links.values():
        if other.kind in PARTIES and other.xero_id == link.xero_id and (other.kind, other.record) != (kind, id):
            party = data.parties.get((other.kind, other.record))
            if party is not None and party.active:
                return f"the active {other.kind.label} {party.name[:80]} is linked with the same contact"
    if link.xero_id in data.shared:
        return "another source is linked with the same contact"
    if waiting := sum(_waits(resolved, kind, id, key) for key in resolved.documents):
        return f"{waiting} of its documents are still to be sent"
    if number := sum(_is_open(d, link.xero_id) for kind_ in DOCUMENTS for d in data.xero_documents[kind_].values()):
        return f"{number} of its documents are open in Xero"
    if owed := (held.balance or Decimal(held.facts.get("payable", "0"))):
        return f"{owed:,.2f} {data.organisation.base_currency} are outstanding in Xero"
    return ""


def _waits(resolved: Resolved, kind: Kind, id: str, key: tuple[Kind, str]) -> bool:
    """Whether a document of the party is still to be sent, or to be changed."""
    document = resolved.data.documents.get(key)
    of = Kind.SUPPLIER if key[0] is Kind.PURCHASE_ORDER else Kind.CUSTOMER
    if document is None or of is not kind or document.party != id:
        return False
    return not resolved.documents[key].skip and resolved.data.link(*key) is None


def _is_open(document: Document, contact: str) -> bool:
    if document.party != contact or document.status not in _OPEN:
        return False
    return document.status != "AUTHORISED" or document.amount_due is None or bool(document.amount_due)


def _operation(draft: Draft, data: PairData, found: Findings) -> Operation:
    kind, id = found.ref.kind, found.ref.id
    link, party = data.links[(kind, id)], data.parties[(kind, id)]
    assert isinstance(party, Party)
    assert found.posting is not None
    return Operation(
        id=new_id("op"),
        plan=draft.plan,
        side=Side.XERO,
        lane=xero_lane(data.tenant),
        kind=kind,
        verb=Verb.ARCHIVE,
        connection=data.connection,
        tenant=data.tenant,
        record=id,
        title=found.ref.title,
        target=link.xero_id,
        body=encode(found.posting),
        basis=Basis(fingerprint=fingerprint(party), xero_version=drift.version(data.contacts.by_id.get(link.xero_id))),
        changes=(Change("status", "ACTIVE", "ARCHIVED"),),
        rungs={"status": REASON},
        error=REASON,
    )


__all__ = ["REASON", "add", "take_out"]
