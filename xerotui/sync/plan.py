"""A plan: what a sync would do to one pair, as operations with their bases, and why the rest stays where it is."""

import datetime as dt
import math
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256

import msgspec

from xerotui.model.kinds import DOCUMENTS, WRITE_ORDER, Kind, Side
from xerotui.model.money import exponent, line_amount
from xerotui.model.postings import Change, DocumentPosting, Posting, decode, differences, encode
from xerotui.model.problems import Problem
from xerotui.model.records import Document, Record, fingerprint
from xerotui.model.work import Basis, DefaultUse, Operation, Plan, PlanKind, PlanState, PlanTotal, Verb
from xerotui.store import BlockedRow
from xerotui.sync import back_documents, drift, limits, owning
from xerotui.sync.findings import Findings
from xerotui.sync.numbering import unnumbered
from xerotui.sync.originals import UNALLOCATED
from xerotui.sync.pair import revised
from xerotui.sync.readiness import NOT_READY, SKIPS
from xerotui.sync.resolve import Resolved
from xerotui.sync.resolve_line import DEFAULT_ITEM

BATCH = 50
LIFE = dt.timedelta(hours=24)
# The path of a change that says what else happens at the source.
AT_SOURCE = "at the source"


def new_id(prefix: str) -> str:
    """A fresh id: short prefix and a random part."""
    return f"{prefix}-{uuid.uuid4().hex[:16]}"


def xero_lane(tenant: str) -> str:
    """The lane of a tenant."""
    return f"xero:{tenant}"


def source_lane(connection: str) -> str:
    """The lane of a source connection."""
    return f"source:{connection}"


@dataclass
class Draft:
    """A plan in the making. `rows` are the records that stay: blocked, skipped, in conflict."""

    plan: str
    operations: list[Operation] = field(default_factory=list)
    rows: list[BlockedRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    # Lanes in which each new document gets a line in its history, a call each.
    noted: set[str] = field(default_factory=set)

    def stays(self, found: Findings, code: str, subject: str, sentence: str, record: Record | None = None) -> None:
        """List a record that this plan leaves alone, a document with the total that the source states."""
        document = record if isinstance(record, Document) else None
        self.rows.append(
            BlockedRow(
                record=found.ref,
                code=code,
                subject=subject,
                sentence=sentence,
                currency=document.currency if document else "",
                total=document.total if document else None,
            )
        )


def _operation(
    draft: Draft,
    resolved: Resolved,
    found: Findings,
    verb: Verb,
    *,
    target: str = "",
    needs: tuple[str, ...] = (),
    xero_version: str = "",
    before: Posting | None = None,
) -> Operation:
    data, posting, ref = resolved.data, found.posting, found.ref
    assert posting is not None
    record = resolved.record(ref.kind, ref.id)
    side = Side.SOURCE if verb is Verb.ATTACH else Side.XERO
    document = posting if isinstance(posting, DocumentPosting) else None
    return Operation(
        id=new_id("op"),
        plan=draft.plan,
        side=side,
        lane=source_lane(data.connection) if side is Side.SOURCE else xero_lane(data.tenant),
        kind=ref.kind,
        verb=verb,
        connection=data.connection,
        tenant=data.tenant,
        record=ref.id,
        title=ref.title,
        party=document.contact_name if document else "",
        body=encode(posting),
        basis=Basis(
            fingerprint=fingerprint(record),
            mappings=revised(found.used),
            xero_version=xero_version,
            overrides=found.chosen.mark,
        ),
        changes=differences(before, posting),
        rungs=dict(found.rungs),
        currency=document.currency if document else "",
        total=document.total if document else None,
        target=target,
        needs=needs,
    )


def _update(draft: Draft, resolved: Resolved, found: Findings) -> None:
    """A linked record: nothing to do, an update, or a conflict with what was edited in Xero."""
    link = resolved.data.link(found.ref.kind, found.ref.id)
    assert link is not None
    assert found.posting is not None
    if not link.posting:
        draft.counts["unchanged"] += 1
        return
    sent = decode(link.posting)
    held = drift.held_record(resolved.data, found.ref.kind, link.xero_id)
    posting = drift.fitted(found.posting, held, sent)
    # An invoice that somebody approved in Xero has not changed at the source, and isn't shown as if it had.
    base = drift.raised(sent, held)
    chosen = back_documents.taken(resolved, found, held)
    if chosen is Side.SOURCE and isinstance(base, DocumentPosting) and isinstance(held, Document):
        base = back_documents.as_held(base, held)
    base, posting = owning.agreed(resolved.data, found.ref.kind, found.ref.id, base, posting, held, resolved.choices)
    changes = differences(*drift.comparable(base, posting))
    if not changes or chosen is Side.XERO:
        draft.counts["unchanged"] += 1
        return
    ref = found.ref
    subject = f"{ref.kind}:{ref.id}"
    lock = resolved.locked.get((ref.kind, ref.id))
    if why := _beyond(found, posting, held, changes, lock):
        _conflict(draft, resolved, found, "core.needs_credit_note", subject, why)
        return
    if lock is not None:
        draft.problems.append(lock)
        draft.stays(found, lock.code, lock.subject, lock.sentence, resolved.record(ref.kind, ref.id))
        draft.counts["blocked"] += 1
        return
    if held is not None and limits.ended(held) and (why := drift.closed(held)):
        sentence = f"{ref.kind.label.capitalize()} {ref.title} changed at the source, but {why}."
        _conflict(draft, resolved, found, "core.locked_document", subject, sentence)
        return
    if held is not None and not chosen and (fields := _collided(base, posting, held, changes, link.version)):
        sentence = f"{ref.kind.label.capitalize()} {ref.title} was changed in Xero as well: {', '.join(fields)}."
        _conflict(draft, resolved, found, "core.conflict", subject, sentence)
        return
    if isinstance(posting, DocumentPosting) and drift.archived(resolved.data, posting.contact):
        sentence = f"{ref.kind.label.capitalize()} {ref.title} changed at the source, but its contact is archived."
        found.problem("core.contact_archived", subject, sentence)
        draft.problems.append(found.problems[-1])
        draft.stays(found, "core.contact_archived", subject, sentence, resolved.record(ref.kind, ref.id))
        draft.counts["blocked"] += 1
        return
    if waits := resolved.unsettled.get((ref.kind, ref.id), ""):
        draft.stays(found, NOT_READY, subject, waits, resolved.record(ref.kind, ref.id))
        draft.counts["skip"] += 1
        return
    # What the source itself says stays as it is in the findings: what Xero owns is compared with that.
    draft.operations.append(
        _operation(
            draft,
            resolved,
            replace(
                found,
                posting=owning.updated(base, posting, drift.touched(changes)),
                rungs=found.rungs | limits.rungs(held),
            ),
            Verb.UPDATE,
            target=link.xero_id,
            xero_version=drift.version(held),
            before=base,
        )
    )
    draft.counts["update"] += 1


def _beyond(
    found: Findings, posting: Posting, held: Record | None, changes: Sequence[Change], lock: Problem | None
) -> str:
    """Why only a credit note can bring this change into Xero; "" where Xero takes it."""
    if not isinstance(posting, DocumentPosting) or held is None or not limits.needs_credit_note(posting.kind):
        return ""
    label = f"{posting.kind.label.capitalize()} {found.ref.title}"
    if limits.ended(held):
        return ""
    if lock is not None:
        return f"{label} changed at the source, but nothing of it can be changed in Xero: {lock.sentence}"
    if fields := limits.refused(posting, held, changes):
        return f"{label} changed at the source ({', '.join(fields)}), but {drift.closed(held)}."
    return ""


def _collided(base: Posting, posting: Posting, held: Record, changes: Sequence[Change], seen: str) -> tuple[str, ...]:
    """The fields that somebody edited in Xero and that an update would overwrite."""
    fields = drift.both_changed(base, held, changes, seen)
    if seen and drift.version(held) == seen:
        return fields
    return tuple(dict.fromkeys((*fields, *owning.collided(base, posting, held, drift.touched(changes)))))


def _conflict(draft: Draft, resolved: Resolved, found: Findings, code: str, subject: str, sentence: str) -> None:
    found.problem(code, subject, sentence)
    draft.problems.append(found.problems[-1])
    draft.stays(found, code, subject, sentence, resolved.record(found.ref.kind, found.ref.id))
    draft.counts["conflict"] += 1


def _one(
    draft: Draft, resolved: Resolved, kind: Kind, id: str, found: Findings, made: dict[tuple[Kind, str], str]
) -> None:
    """Put one record's findings into the plan."""
    if found.skip:
        code, sentence = found.skip
        draft.stays(found, code, f"{kind}:{id}", sentence, resolved.record(kind, id))
        draft.counts["skip"] += 1
        return
    draft.problems.extend(found.problems)
    if found.blocked or found.posting is None:
        first = next((p for p in found.problems if p.blocks), None)
        if first is not None:
            draft.stays(found, first.code, first.subject, first.sentence, resolved.record(kind, id))
        draft.counts["blocked"] += 1
        return
    if resolved.data.link(kind, id) is not None:
        _update(draft, resolved, found)
        return
    target = resolved.adopt.get((kind, id))
    if target:
        held = drift.held_record(resolved.data, kind, target)
        as_linked = replace(found, posting=owning.adopted(found.posting, held))
        seen = drift.version(held)
        operation = _operation(draft, resolved, as_linked, Verb.ATTACH, target=target, xero_version=seen)
        draft.counts["link"] += 1
    else:
        needs = tuple(made[key] for key in dict.fromkeys(found.waits) if key in made)
        operation = _operation(draft, resolved, found, Verb.CREATE, needs=needs)
        draft.counts["create"] += 1
        made[(kind, id)] = operation.id
    draft.operations.append(operation)


def draft_sync(resolved: Resolved, plan: str, live: dict[tuple[Kind, str], str]) -> Draft:
    """Operations and staying records of one pair.

    `live` are records with work under way, and its operation: they aren't planned again, but may be waited for.
    """
    draft = Draft(plan)
    made = dict(live)
    wanted = resolved.wanted()
    for kind, id, found in resolved.findings():
        if not resolved.data.policy.syncs(kind) and not found.skip:
            continue
        if (kind, id) in resolved.on_demand and (kind, id) not in wanted and not resolved.data.link(kind, id):
            found.skip = found.skip or ("core.excluded", "made when a document needs it")
        if (kind, id) in live:
            draft.counts["under way"] += 1
            continue
        _one(draft, resolved, kind, id, found, made)
    return draft


def together(verb: Verb) -> int:
    """How many operations of a verb one call to Xero carries: allocations and history notes have an address each."""
    return 1 if verb in (Verb.ALLOCATE, Verb.NOTE) else BATCH


def calls_needed(operations: Iterable[Operation], noted: Collection[str] = ()) -> int:
    """The least number of Xero calls: Σ⌈n/50⌉ over tenant, kind and verb; one for each document without a number, each
    allocation, and each new document of a lane that is `noted`."""
    return sum(_calls_by_lane(operations, noted).values())


def _calls_by_lane(operations: Iterable[Operation], noted: Collection[str]) -> Counter[str]:
    mine = [o for o in operations if o.side is Side.XERO]
    lanes = Counter(o.lane for o in mine if unnumbered(o))
    lanes.update(o.lane for o in mine if o.lane in noted and o.kind in DOCUMENTS and o.verb is Verb.CREATE)
    for (lane, _, verb), n in Counter((o.lane, o.kind, o.verb) for o in mine if not unnumbered(o)).items():
        lanes[lane] += math.ceil(n / together(verb))
    return lanes


def minutes_needed(operations: Iterable[Operation], noted: Collection[str] = (), per_minute: int = 55) -> int:
    """Whole minutes that the busiest lane's calls take under the minute limit."""
    return max((math.ceil(n / per_minute) for n in _calls_by_lane(operations, noted).values()), default=0)


def totals_of(operations: Sequence[Operation], rows: Sequence[BlockedRow]) -> tuple[PlanTotal, ...]:
    """Documents and sums by tenant, currency, kind and verb."""
    sums: dict[tuple[str, str, Kind, str], tuple[int, Decimal]] = {}

    def add(key: tuple[str, str, Kind, str], total: Decimal | None) -> None:
        count, value = sums.get(key, (0, Decimal(0)))
        sums[key] = (count + 1, value + (total or Decimal(0)))

    for o in operations:
        if o.kind in DOCUMENTS:
            add((o.tenant, o.currency, o.kind, "link" if o.verb is Verb.ATTACH else o.verb.value), o.total)
    for row in rows:
        if row.record.kind in DOCUMENTS:
            verb = "skip" if row.code in SKIPS else "unallocated" if row.code == UNALLOCATED else "blocked"
            add((row.record.tenant, row.currency, row.record.kind, verb), row.total)
    order = {kind: i for i, kind in enumerate(WRITE_ORDER)}
    keys = sorted(sums, key=lambda k: (k[0], k[1], order.get(k[2], 99), k[3]))
    return tuple(PlanTotal(*key, *sums[key]) for key in keys)


def default_uses(operations: Iterable[Operation]) -> tuple[DefaultUse, ...]:
    """Lines that take the default item, by tenant, kind, code and currency, with what they come to."""
    sums: dict[tuple[str, Kind, str, str], tuple[int, Decimal]] = {}
    for o in operations:
        paths = [p for p, rung in o.rungs.items() if rung == DEFAULT_ITEM]
        posting = decode(o.body) if paths and o.verb in (Verb.CREATE, Verb.UPDATE) else None
        if not isinstance(posting, DocumentPosting):
            continue
        numbered = dict(enumerate(posting.lines, 1))
        for line in filter(None, (numbered.get(int(path.split(".")[1])) for path in paths)):
            key = (o.tenant, o.kind, line.item_code, o.currency)
            count, value = sums.get(key, (0, Decimal(0)))
            sums[key] = (count + 1, value + line_amount(line.priced(), exponent(o.currency)))
    return tuple(DefaultUse(*key, *sums[key]) for key in sorted(sums))


def plan_hash(operations: Iterable[Operation]) -> str:
    """The digest that an approval names: operations with their bases, in order."""
    digest = sha256()
    for o in operations:
        parts = (o.side, o.kind, o.verb, o.connection, o.tenant, o.record, o.target)
        digest.update("|".join(parts).encode())
        digest.update(o.body)
        digest.update(msgspec.json.encode(o.basis, order="sorted"))
    return digest.hexdigest()[:16]


def voids_said(operations: Iterable[Operation]) -> tuple[str, ...]:
    """What voiding documents at the source does there besides, each sentence once with the number of documents."""
    found: Counter[str] = Counter()
    for o in operations:
        if o.side is Side.SOURCE and o.verb is Verb.VOID:
            found[next((c.after for c in o.changes if c.path == AT_SOURCE), "")] += 1
    return tuple(
        f"{number} document{'s' * (number != 1)} voided in Xero will be voided at the source. {words}".strip()
        for words, number in sorted(found.items())
    )


def finish(
    draft: Draft,
    *,
    kind: PlanKind,
    connection: str,
    tenants: tuple[str, ...],
    now: dt.datetime,
    actor: str,
    title: str,
    follows: str = "",
    follow: bool = False,
    options: dict[str, str] | None = None,
) -> Plan:
    """The plan's own row for a finished draft."""
    codes = Counter(p.code for p in draft.problems if p.blocks)
    return Plan(
        id=draft.plan,
        kind=kind,
        connection=connection,
        tenants=tenants,
        state=PlanState.READY,
        hash=plan_hash(draft.operations),
        created=now,
        expires=now + LIFE,
        actor=actor,
        follows=follows,
        follow=follow,
        title=title,
        counts={k: v for k, v in sorted(draft.counts.items()) if v},
        totals=totals_of(draft.operations, draft.rows),
        calls=calls_needed(draft.operations, draft.noted),
        minutes=minutes_needed(draft.operations, draft.noted),
        problems=dict(codes),
        options=options or {},
        warnings=voids_said(draft.operations),
        removals=sum(o.side is Side.XERO and o.verb in (Verb.VOID, Verb.DELETE) for o in draft.operations),
        defaults=default_uses(draft.operations),
    )
