"""Contacts of customers and suppliers that became inactive at the source: archived in Xero by choice alone (H21).

Xero's API can't bring an archived contact back, so that everything that may still need it stands against it.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from xerotui.model.kinds import PARTIES, Kind, Side
from xerotui.model.postings import Change, encode
from xerotui.model.records import Document, Party, fingerprint
from xerotui.model.work import Basis, Link, Operation, Verb
from xerotui.sync import drift
from xerotui.sync import pair as pairs
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData
from xerotui.sync.plan import Draft, new_id, xero_lane
from xerotui.sync.ports import Ports
from xerotui.sync.readiness import INACTIVE, NOT_READY, UNFINISHED
from xerotui.sync.resolve import Resolved, resolve_pair
from xerotui.sync.start_line import before

REASON = "inactive at the source; Xero's API can't bring it back"
_OPEN = ("DRAFT", "SUBMITTED", "AUTHORISED")
# Reasons to leave a document alone for now, not for good.
_NOT_YET = (NOT_READY, UNFINISHED)


def take_out(resolved: Resolved, today: dt.date) -> list[Findings]:
    """The findings of contacts that are to be archived, taken out of what is planned as usual."""
    found: list[Findings] = []
    data = resolved.data
    for (kind, id), one in list(resolved.parties.items()):
        link = _candidate(data, kind, id, one)
        if link is None or not data.policy.archive_inactive or one.blocked:
            continue
        if not _against(resolved, kind, id, link, today):
            found.append(resolved.parties.pop((kind, id)))
    return found


def add(
    draft: Draft, resolved: Resolved, taken: Sequence[Findings], live: dict[tuple[Kind, str], str], today: dt.date
) -> None:
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
        elif why := _against(resolved, kind, id, link, today):
            sentence = f"{kind.label.capitalize()} {found.ref.title} is inactive at the source, but {why}."
            found.problem("core.archive_refused", f"{kind}:{id}", sentence, blocks=False)
            draft.problems.append(found.problems[-1])
            draft.stays(found, "core.archive_refused", f"{kind}:{id}", sentence)
            draft.counts["blocked"] += 1


async def needed(ports: Ports, operations: Sequence[Operation]) -> dict[str, str]:
    """Why contacts that were approved for archiving must stay after all, by operation id, by the snapshots of now.

    Asked in the moment before the call leaves, because nothing brings them back.
    """
    groups: dict[tuple[str, str], list[Operation]] = {}
    for o in operations:
        if o.side is Side.XERO and o.verb is Verb.ARCHIVE:
            groups.setdefault((o.connection, o.tenant), []).append(o)
    found: dict[str, str] = {}
    now = ports.clock.now()
    for (connection, tenant), some in groups.items():
        data = await pairs.load(ports, connection, tenant)
        resolved = await resolve_pair(ports.registry, data, now)
        for o in some:
            link = data.link(o.kind, o.record)
            held = link is not None and link.xero_id in data.contacts.by_id
            if link and held and (why := _against(resolved, o.kind, o.record, link, now.date())):
                found[o.id] = why
    return found


def _candidate(data: PairData, kind: Kind, id: str, found: Findings) -> Link | None:
    """The link of a party that is inactive at the source and active in Xero."""
    party, link = data.parties.get((kind, id)), data.link(kind, id)
    if party is None or party.active or link is None or found.skip or not data.policy.syncs(kind):
        return None
    held = data.contacts.by_id.get(link.xero_id)
    return link if held is not None and held.status == "ACTIVE" else None


def _against(resolved: Resolved, kind: Kind, id: str, link: Link, today: dt.date) -> str:
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
    if any(r.party == link.xero_id and r.runs(today) for r in data.repeating):
        return "a repeating invoice in Xero bills it"
    if number := sum(_is_open(d) for d in data.by_contact.get(link.xero_id, ())):
        return f"{number} of its documents are open in Xero"
    if owed := (held.balance or Decimal(held.facts.get("payable", "0"))):
        return f"{owed:,.2f} {data.organisation.base_currency} are outstanding in Xero"
    return ""


def _waits(resolved: Resolved, kind: Kind, id: str, key: tuple[Kind, str]) -> bool:
    """Whether a document of the party is still to be sent, now or once it is ready.

    What may change of one that was sent is open in Xero, which stands against archiving by itself.
    """
    document = resolved.data.documents.get(key)
    of = Kind.SUPPLIER if key[0] is Kind.PURCHASE_ORDER else Kind.CUSTOMER
    if document is None or of is not kind or document.party != id:
        return False
    if resolved.data.link(*key) is not None:
        return False
    skip = resolved.documents[key].skip
    return not skip or (skip[0] in _NOT_YET and not before(resolved.data.policy, document))


def _is_open(document: Document) -> bool:
    if document.status not in _OPEN:
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


__all__ = ["REASON", "add", "needed", "take_out"]
