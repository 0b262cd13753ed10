"""Posting on demand (N4): a plan of the documents that a person chose, with what they need and nothing else.

It stands for no other plan: what waits for approval goes on waiting, and is checked anew when its turn comes.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from xerotui.model.kinds import DOCUMENTS, Kind
from xerotui.model.postings import DocumentPosting
from xerotui.model.problems import RecordRef, SyncError
from xerotui.model.records import Document
from xerotui.model.work import Operation, Plan, PlanKind, PlanState, Verb
from xerotui.store import BlockedRow
from xerotui.sync.findings import title_of
from xerotui.sync.pair import code_key
from xerotui.sync.plan import Draft
from xerotui.sync.planning import Progress, quiet, store_plan, with_needs, work_out
from xerotui.sync.ports import Ports
from xerotui.sync.promising import given
from xerotui.sync.readiness import EXCLUDED, SKIPS
from xerotui.sync.resolve import Resolved
from xerotui.sync.superseding import ONLY, partial

Key = tuple[Kind, str]
# Parts the words of a request, and the documents in the option of a plan.
BETWEEN = "\n"
REFUSED = 4
# Codes of rows in which both sides were changed, or Xero takes no change.
CONFLICTS = ("core.conflict", "core.locked_document", "core.needs_credit_note")
_SHOWN = 12


async def make_only(
    ports: Ports,
    connection: str,
    tenants: Sequence[str],
    words: Sequence[str],
    actor: str,
    progress: Progress = quiet,
    *,
    read: bool = True,
    gone: bool = False,
) -> Plan:
    """A sync plan of these documents alone, stored; nothing is written to either side.

    `words` are numbers as the source or the plan has them, source ids, `kind:id`, or rows of a plan. Raises SyncError
    naming all that fit no document or several; of those that are `gone` since they were chosen nothing is said.
    """
    seen: list[Resolved] = []
    draft = await work_out(ports, connection, tenants, progress, read=read, seen=seen)
    chosen = await _chosen(ports, connection, seen, words, gone=gone)
    whole = _part(draft, seen, chosen)
    documents = f"{len(chosen)} documents" if len(chosen) != 1 else "1 document"
    options = {ONLY: BETWEEN.join(f"{kind}:{id}" for kind, id in chosen)}
    title = f"Sync {documents} of {connection}"
    about = {o.tenant for o in whole.operations} | {row.record.tenant for row in whole.rows}
    # Organisations that have none of them are neither asked again nor in the way.
    mine = tuple(tenant for tenant in tenants if tenant in about) or tuple(tenants)
    return await store_plan(ports, whole, PlanKind.SYNC, connection, mine, actor, title, options=options)


async def again(ports: Ports, plan: Plan, actor: str) -> Plan | None:
    """The plan anew that a person chose documents for, from what is known; None for one of another sort."""
    if not of_chosen(plan):
        return None
    words = plan.options[ONLY]
    return await make_only(
        ports, plan.connection, plan.tenants, words.split(BETWEEN), actor, read=False, gone=True
    )  # fmt: skip


def of_chosen(plan: Plan) -> bool:
    """Whether a plan is one of documents that a person chose."""
    return ":" in plan.options.get(ONLY, "")


def refuse_follow(plan: Plan) -> None:
    """A plan of chosen documents has no follow-ups: nobody chose what they would hold.

    Raises SyncError.
    """
    if of_chosen(plan):
        raise SyncError(
            "A plan of chosen documents has no follow-ups",
            "Approve it without --follow, and plan what it blocks again once that is mended.",
            exit_code=REFUSED,
        )


async def waiting(ports: Ports, plan: Plan) -> str:
    """The whole plan of the same organisations that goes on waiting for approval; "" where there is none."""
    async with ports.ledger.read() as tx:
        plans = await ports.ledger.plans.list(tx, 200, states=(PlanState.READY,))
    mine = (p for p in plans if p.kind is PlanKind.SYNC and p.connection == plan.connection and not partial(p))
    return next((p.id for p in mine if set(p.tenants) & set(plan.tenants)), "")


# ------------------------------------------------------------------------------------------ which are meant


async def _chosen(
    ports: Ports, connection: str, seen: Sequence[Resolved], words: Sequence[str], *, gone: bool
) -> list[Key]:
    """The documents that are meant, each once."""
    named = _names(seen)
    rows, others = await _of_rows(ports, connection, words)
    found: dict[Key, None] = {}
    lacking, several = [], []
    for word in dict.fromkeys(w.strip() for w in words if w.strip()):
        hits = [rows[word]] if word in rows else named.get(code_key(word), [])
        if len(hits) > 1:
            several.append(f"{word[:60]} ({', '.join(f'{kind}:{id}' for kind, id in hits[:4])})")
        elif hits:
            found[hits[0]] = None
        elif not gone:
            lacking.append(others.get(word, word)[:60])
    if lacking or several or not (found or gone):
        raise _unclear(connection, lacking, several)
    return list(found)


def _names(seen: Iterable[Resolved]) -> dict[str, list[Key]]:
    """Documents by each of their names; a number goes before an id: 12 is the invoice 12, not another one's id."""
    numbers: dict[str, dict[Key, None]] = {}
    ids: dict[str, dict[Key, None]] = {}
    for resolved in seen:
        for key, document in resolved.data.documents.items():
            found = resolved.documents.get(key)
            posting = found.posting if found is not None else None
            planned = posting.number if isinstance(posting, DocumentPosting) else ""
            for number in filter(None, (document.number, planned)):
                numbers.setdefault(code_key(number), {})[key] = None
            ids.setdefault(code_key(document.id), {})[key] = None
            ids.setdefault(f"{key[0]}:{code_key(document.id)}", {})[key] = None
    return {word: list(keys) for word, keys in (ids | numbers).items()}


async def _of_rows(ports: Ports, connection: str, words: Sequence[str]) -> tuple[dict[str, Key], dict[str, str]]:
    """The documents of a plan's rows, operations by their id, what stays as `connection|kind|id|tenant`; and what
    rows of other kinds are called."""
    async with ports.ledger.read() as tx:
        operations = await ports.ledger.work.get(tx, [word.strip() for word in words])
    mine = [o for o in operations if o.connection == connection]
    found = {o.id: (o.kind, o.record) for o in mine if o.kind in DOCUMENTS}
    for word in words:
        parts = word.strip().split("|")
        if len(parts) == 4 and parts[0] == connection and parts[1] in {kind.value for kind in DOCUMENTS}:
            found[word.strip()] = (Kind(parts[1]), parts[2])
    return found, {o.id: f"{o.kind.label} {o.title}" for o in mine if o.kind not in DOCUMENTS}


def _unclear(connection: str, lacking: Sequence[str], several: Sequence[str]) -> SyncError:
    said = []
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        said.append(f"No document of {connection} is {', '.join(lacking[:_SHOWN])}{more}")
    if several:
        said.append(f"several documents are called {', '.join(several[:_SHOWN])}")
    remedy = "Name each by its number, or as invoice:ID; xerotui plan --rows lists them. Nothing was planned."
    return SyncError("; ".join(said) or "No document was chosen", remedy, code="core.record", exit_code=REFUSED)


# ------------------------------------------------------------------------------------------ what goes with them


def _part(draft: Draft, seen: Sequence[Resolved], chosen: Collection[Key]) -> Draft:
    """Of a worked out plan the chosen documents with what they need; each of them is in it, if only with its reason."""
    mine = {o.id for o in draft.operations if (o.kind, o.record) in chosen}
    others = {o.id for o in draft.operations if o.kind in DOCUMENTS} - mine
    # Credit is laid on invoices that are chosen, or in Xero already; else it waits for a plan that has them.
    mine -= {o.id for o in draft.operations if o.verb is Verb.ALLOCATE and others.intersection(o.needs)}
    going = {(o.kind, o.record) for o in draft.operations if o.id in mine}
    linked, numbered = _needed(seen, going, chosen)
    mine |= {o.id for o in draft.operations if o.verb is Verb.ATTACH and (o.tenant, o.kind, o.record) in linked}
    mine |= {o.id for o, _ in given(draft.operations) if (o.tenant, o.kind, o.record) in numbered}
    whole = Draft(draft.plan, operations=with_needs(draft.operations, mine), noted=draft.noted)
    whole.rows = [row for row in draft.rows if (row.record.kind, row.record.id) in chosen]
    whole.problems = [p for p in draft.problems if (p.record.kind, p.record.id) in chosen]
    told = {(o.kind, o.record) for o in whole.operations} | {(r.record.kind, r.record.id) for r in whole.rows}
    whole.rows += [_nothing(seen, key) for key in chosen if key not in told]
    whole.counts = Counter(_word(o) for o in whole.operations)
    whole.counts.update(_why(row.code) for row in whole.rows)
    return whole


def _needed(
    seen: Sequence[Resolved], going: Collection[Key], chosen: Collection[Key]
) -> tuple[set[tuple[str, Kind, str]], set[tuple[str, Kind, str]]]:
    """Contacts and items, by organisation: those that documents which go wait for, and those that may lack a number."""
    linked: set[tuple[str, Kind, str]] = set()
    numbered: set[tuple[str, Kind, str]] = set()
    for resolved in seen:
        tenant = resolved.data.tenant
        for key in chosen:
            document, found = resolved.data.documents.get(key), resolved.documents.get(key)
            if document is None or found is None:
                continue
            if key in going:
                linked |= {(tenant, kind, id) for kind, id in found.waits}
            numbered.add((tenant, Kind.SUPPLIER if key[0] is Kind.PURCHASE_ORDER else Kind.CUSTOMER, document.party))
            numbered |= {(tenant, Kind.ITEM, line.item) for line in document.lines if line.item}
    return linked, numbered


def _nothing(seen: Sequence[Resolved], key: Key) -> BlockedRow:
    """Why nothing is to be done for a chosen document of which the plan says nothing."""
    kind, id = key
    at = next((r for r in seen if key in r.documents), None)
    data = (at or seen[0]).data
    document = data.documents.get(key)
    if document is None:
        why = "isn't at the source any more"
    elif at is None:
        why = "belongs to an organisation that isn't planned here"
    elif data.link(kind, id) is not None:
        why = "is in Xero as it is"
    else:
        why = "is on its way already: see the queue"
    ref = RecordRef(
        connection=data.connection,
        kind=kind,
        id=id,
        title=title_of(document)[:200] if isinstance(document, Document) else id,
        tenant=data.tenant if at is not None else "",
    )
    return BlockedRow(
        record=ref,
        code=EXCLUDED,
        subject=f"{kind}:{id}",
        sentence=why,
        currency=document.currency if document is not None else "",
        total=document.total if document is not None else None,
    )


def _word(operation: Operation) -> str:
    return "link" if operation.verb is Verb.ATTACH else operation.verb.value


def _why(code: str) -> str:
    return "skip" if code in SKIPS else "conflict" if code in CONFLICTS else "blocked"


__all__ = ["BETWEEN", "CONFLICTS", "again", "make_only", "of_chosen", "refuse_follow", "waiting"]
