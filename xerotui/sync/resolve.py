"""All records of a pair resolved: contacts and items first, then documents, each with the plugins' say."""

import asyncio
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from xerotui.model.kinds import DOCUMENTS, PARTIES, WRITE_ORDER, Kind
from xerotui.model.postings import DocumentPosting, Posting
from xerotui.model.problems import Problem, RecordRef
from xerotui.model.records import Document, Item, Party, Record
from xerotui.source.contract import FieldChange, ResolveContext
from xerotui.source.guard import PluginFault
from xerotui.source.registry import Registry
from xerotui.store import Taken
from xerotui.sync import adoption, numbering
from xerotui.sync.findings import Findings, title_of
from xerotui.sync.match import Fit, contact_for
from xerotui.sync.originals import wait_for_original
from xerotui.sync.pair import PairData, code_key
from xerotui.sync.quieting import quiet
from xerotui.sync.readiness import is_off, skip_reason, unsettled
from xerotui.sync.resolve_document import check_document, resolve_document
from xerotui.sync.resolve_item import resolve_item
from xerotui.sync.resolve_party import place_of, resolve_party, taken_by_others

# Records between two looks at the event loop; keeps the longest computation well under 100 ms.
YIELD_EVERY = 40


@dataclass
class Resolved:
    """Findings of every record of one pair. `adopt` names the Xero record that an unlinked one already is."""

    data: PairData
    parties: dict[tuple[Kind, str], Findings] = field(default_factory=dict)
    items: dict[str, Findings] = field(default_factory=dict)
    item_findings: dict[str, Findings] = field(default_factory=dict)
    documents: dict[tuple[Kind, str], Findings] = field(default_factory=dict)
    adopt: dict[tuple[Kind, str], str] = field(default_factory=dict)
    # Only made when a document needs them: inactive parties, items offered to every tenant.
    on_demand: set[tuple[Kind, str]] = field(default_factory=set)
    refused: dict[tuple[Kind, str], Problem] = field(default_factory=dict)
    # Linked documents dated on or before a lock date, and the problem that an update of them would be.
    locked: dict[tuple[Kind, str], Problem] = field(default_factory=dict)
    # Linked documents that changed at the source just now, and when they are ready.
    unsettled: dict[tuple[Kind, str], str] = field(default_factory=dict)
    alike: adoption.Alike | None = None
    # Which side a person chose for a field, or for a whole document ("").
    choices: Mapping[tuple[Kind, str, str], Taken] = field(default_factory=dict)

    def waits(self, found: Findings) -> None:
        """Add what Xero said when it refused this very record, unless something else stops it already."""
        problem = self.refused.get((found.ref.kind, found.ref.id))
        if problem is not None and not found.blocked:
            found.problems.append(problem)

    def findings(self) -> Iterable[tuple[Kind, str, Findings]]:
        """All findings in the order in which they would be written."""
        for kind in WRITE_ORDER:
            if kind in PARTIES:
                yield from ((k, i, f) for (k, i), f in self.parties.items() if k is kind)
            elif kind is Kind.ITEM:
                yield from ((Kind.ITEM, i, f) for i, f in self.item_findings.items())
            elif kind in DOCUMENTS:
                yield from ((k, i, f) for (k, i), f in self.documents.items() if k is kind)

    def record(self, kind: Kind, id: str) -> Record:
        """The source record of findings."""
        if kind in PARTIES:
            return self.data.parties[(kind, id)]
        return self.data.items[id] if kind is Kind.ITEM else self.data.documents[(kind, id)]

    def wanted(self) -> set[tuple[Kind, str]]:
        """The on-demand records that an unblocked document waits for."""
        needed = {(k, i) for f in self.documents.values() if not f.blocked and not f.skip for k, i in f.waits}
        return {key for key in self.on_demand if key in needed}


def _ref(data: PairData, record: Record) -> RecordRef:
    title = title_of(record)[:200]
    return RecordRef(connection=data.connection, kind=record.kind, id=record.id, title=title, tenant=data.tenant)


def _plugins(registry: Registry, data: PairData, record: Record, found: Findings) -> None:
    """Let the plugins of this source shape the posting and add problems; a failure stops this record (law 7)."""
    context = ResolveContext(
        source=data.source_name,
        connection=data.connection,
        tenant=data.tenant,
        settings=data.settings,
        choices=data.choices,
        mapped={(m.spec, m.value): m.target for m in data.mappings.values()},
    )
    try:
        if found.posting is not None:
            for change in registry.resolve(data.source_name, record, found.posting, context):
                found.posting = _changed(found.posting, change)
                found.rungs[change.path] = change.why
        problems = registry.check(data.source_name, record, found.posting, context)
    except Exception as error:
        why = error.sentence if isinstance(error, PluginFault) else type(error).__name__
        found.problem("core.plugin_failed", f"plugin:{data.source_name}", f"The plugin failed on this record: {why}.")
        return
    for problem in problems:
        # The plugin knows its own values better than the core's general word for them.
        found.problems = [p for p in found.problems if p.code != "core.mapping_missing" or p.subject != problem.subject]
        words = registry.explain(problem)
        remedy = problem.remedy or (words.remedy if words else "")
        found.problems.append(msgspec.structs.replace(problem, record=found.ref, remedy=remedy))


def _changed(posting: Posting, change: FieldChange) -> Posting:
    """The posting with one text field changed; paths are `field` or `lines.<0-based index>.field`."""
    parts = change.path.split(".")
    if len(parts) == 1:
        return msgspec.structs.replace(posting, **{parts[0]: change.value})
    assert isinstance(posting, DocumentPosting)
    lines = list(posting.lines)
    lines[int(parts[1])] = msgspec.structs.replace(lines[int(parts[1])], **{parts[2]: change.value})
    return msgspec.structs.replace(posting, lines=tuple(lines))


def _match_party(resolved: Resolved, party: Party, found: Findings, names: dict[str, str]) -> None:
    data = resolved.data
    subject = f"{party.kind}:{party.id}"
    label = f"{party.kind.label.capitalize()} {party.name[:80]}"
    link = data.link(party.kind, party.id)
    if link is not None:
        held = data.contacts.by_id.get(link.xero_id)
        if held is not None and held.status == "ARCHIVED":
            found.problem(
                "core.contact_archived",
                subject,
                f"{label} is linked to a contact that is archived in Xero.",
                place=place_of(found.ref),
            )
        return
    match = contact_for(data, party)
    if match.fit is Fit.EXACT:
        resolved.adopt[(party.kind, party.id)] = match.one.id
        found.value("contact", f"found by {match.by}")
        return
    sentences = {
        Fit.ARCHIVED: ("core.contact_archived", f"{label} is archived in Xero."),
        Fit.CONTRADICTS: ("core.contact_contradicts", f"{label}: name and account number point to different contacts."),
        Fit.SEVERAL: ("core.contact_ambiguous", f"{label} fits {len(match.found)} contacts in Xero."),
    }
    if match.fit in sentences:
        code, sentence = sentences[match.fit]
        found.problem(code, subject, sentence, place=place_of(found.ref))
        return
    _new_party(data, party, found, names)


def _new_party(data: PairData, party: Party, found: Findings, names: dict[str, str]) -> None:
    posting = found.posting
    if posting is None or found.blocked:
        return
    name = posting.name.casefold()  # type: ignore[union-attr]
    taken = taken_by_others(data, party, posting, "")  # type: ignore[arg-type]
    if not taken and names.get(name, party.id) != party.id:
        taken = f"Another {party.kind.label} of the name {party.name[:80]} is to be made as well."
    if taken:
        found.problem("core.name_taken", f"{party.kind}:{party.id}", taken, place=place_of(found.ref))
    names.setdefault(name, party.id)


def _resolve_parties(resolved: Resolved, registry: Registry) -> None:
    data = resolved.data
    names: dict[str, str] = {}
    for key, party in data.parties.items():
        if not data.mine(party):
            continue
        found = Findings(_ref(data, party))
        resolved.parties[key] = found
        if party.excluded:
            found.skip = ("core.excluded", party.excluded)
            continue
        if is_off(data, party, found):
            continue
        resolve_party(data, party, found)
        _plugins(registry, data, party, found)
        _match_party(resolved, party, found, names)
        resolved.waits(found)
        if not party.active and not data.link(*key):
            resolved.on_demand.add(key)


def _match_item(resolved: Resolved, item: Item, found: Findings) -> None:
    """The Xero item that an unlinked product already is: the id that the source keeps, else the code."""
    data = resolved.data
    if data.link(Kind.ITEM, item.id):
        return
    held = data.xero_items_by_id.get(item.xero_id) or data.xero_items.get(code_key(item.code))
    if held is None:
        return
    other = data.linked(Kind.ITEM).get(held.id)
    if other is not None:
        found.problem(
            "core.duplicate_code",
            f"code:{code_key(item.code)}",
            f"Item {held.code} in Xero is linked with another item of the source ({other.record}).",
            place=place_of(found.ref),
        )
        return
    resolved.adopt[(Kind.ITEM, item.id)] = held.id


def _one_of_a_code(data: PairData, items: list[Item]) -> dict[str, str]:
    """Of items that share a code, the id of the one that has it: linked, not left out, the tenant's own, the first."""
    best: dict[str, Item] = {}

    def rank(item: Item) -> tuple[bool, bool, bool, str]:
        return (data.link(Kind.ITEM, item.id) is None, bool(item.excluded), item.tenant != data.tenant, item.id)

    for item in items:
        key = code_key(item.code)
        if key and (key not in best or rank(item) < rank(best[key])):
            best[key] = item
    return {key: item.id for key, item in best.items()}


def _resolve_items(resolved: Resolved, registry: Registry) -> None:
    data = resolved.data
    shared = not data.policy.default_tenant
    items = [
        item
        for item in data.items.values()
        if not item.parent and item.active and (data.mine(item) or (shared and not item.tenant))
    ]
    first = _one_of_a_code(data, items)
    for item in items:
        offered = shared and not item.tenant
        found = Findings(_ref(data, item))
        resolved.item_findings[item.id] = found
        key = code_key(item.code)
        if is_off(data, item, found):
            continue
        if key and first[key] == item.id:
            resolved.items[key] = found
        elif key:
            found.problem(
                "core.duplicate_code",
                f"code:{key}",
                f"Another item of the source has the code {item.code.strip()[:40]} as well.",
                place=place_of(found.ref),
            )
        if item.excluded:
            found.skip = ("core.excluded", item.excluded)
            continue
        resolve_item(data, item, found)
        _plugins(registry, data, item, found)
        _match_item(resolved, item, found)
        resolved.waits(found)
        if offered:
            resolved.on_demand.add((Kind.ITEM, item.id))


def _resolve_document(
    resolved: Resolved, registry: Registry, document: Document, now: dt.datetime, repeated: dict[Any, int]
) -> Findings:
    data = resolved.data
    found = Findings(_ref(data, document))
    found.skip = skip_reason(data, document, now)
    if found.skip or not data.policy.syncs(document.kind):
        return found
    if adoption.sent_elsewhere(data, document, found):
        return found
    resolve_document(data, document, found, resolved.parties, resolved.items)
    _plugins(registry, data, document, found)
    check_document(data, document, found, repeated)
    if data.link(document.kind, document.id):
        _keep_lock(resolved, found)
        if why := unsettled(data, document, now):
            resolved.unsettled[(document.kind, document.id)] = why
    elif isinstance(found.posting, DocumentPosting):
        _find_in_xero(resolved, document, found.posting, found)
    wait_for_original(data, resolved.documents, document, found)
    resolved.waits(found)
    return found


def _keep_lock(resolved: Resolved, found: Findings) -> None:
    """A lock date stops a linked document only where something of it would be written."""
    lock = next((p for p in found.problems if p.code == adoption.LOCKED), None)
    if lock is not None:
        resolved.locked[(found.ref.kind, found.ref.id)] = lock
        adoption.unlock(found)


def _find_in_xero(resolved: Resolved, document: Document, posting: DocumentPosting, found: Findings) -> None:
    """Adopt the document that Xero already has, with the contact that this very plan may be linking."""
    party_kind = Kind.SUPPLIER if document.kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER
    contact = posting.contact or resolved.adopt.get((party_kind, document.party), "")
    if not posting.number and not document.xero_id:
        alike = numbering.alike(resolved.data, posting, contact, resolved.adopt.values())
        held = alike.id if alike is not None else ""
        # From then on it has a number.
        posting = msgspec.structs.replace(posting, number=alike.number if alike is not None else "")
    else:
        held = adoption.already_in_xero(resolved.data, document, posting, contact, found)
    if held:
        resolved.adopt[(document.kind, document.id)] = held
        found.posting = msgspec.structs.replace(posting, contact=contact)
        adoption.unlock(found)
    elif resolved.alike is not None:
        resolved.alike.warn(posting, contact, found)


def _one_party_a_contact(resolved: Resolved) -> None:
    """One contact can't be two customers: documents of one would go out under the other's name."""
    adopters: dict[tuple[Kind, str], list[str]] = {}
    for (kind, id), target in resolved.adopt.items():
        adopters.setdefault((kind, target), []).append(id)
    for (kind, target), ids in adopters.items():
        held = resolved.data.contacts.by_id.get(target)
        other = resolved.data.linked(kind).get(target)
        if len(ids) == 1 and other is None:
            continue
        for id in ids:
            found = resolved.parties[(kind, id)]
            del resolved.adopt[(kind, id)]
            found.problem(
                "core.contact_ambiguous",
                f"{kind}:{id}",
                f"The contact {held.name[:80] if held else target} fits {kind.label} {found.ref.title[:80]}, "
                + ("but is linked with another one." if other else "and others as well."),
                place=place_of(found.ref),
            )


async def resolve_pair(
    registry: Registry, data: PairData, now: dt.datetime, refused: dict[tuple[Kind, str], Problem] | None = None
) -> Resolved:
    """Resolve every record of the pair, looking up at the event loop now and then.

    `refused` are records that Xero refused and of which nothing has moved since: they wait, and with them what
    needs them (DESIGN section 5).
    """
    resolved = Resolved(data, refused=refused or {}, alike=adoption.Alike(data))
    _resolve_parties(resolved, registry)
    _one_party_a_contact(resolved)
    adoption.near_contacts(data, resolved.parties, resolved.adopt)
    await asyncio.sleep(0)
    _resolve_items(resolved, registry)
    await asyncio.sleep(0)
    repeated = numbering.repeated(data)
    count = 0
    for key, document in data.documents.items():
        if not data.mine(document):
            continue
        resolved.documents[key] = _resolve_document(resolved, registry, document, now, repeated)
        count += 1
        if count % YIELD_EVERY == 0:
            await asyncio.sleep(0)
    quiet(resolved)
    return resolved


__all__ = ["Resolved", "resolve_pair"]
