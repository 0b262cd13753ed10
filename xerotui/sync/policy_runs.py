"""Automatic pairs: read, planned and approved by their policy at an interval of world time, within ceilings (B11, M3).

What always waits for a person goes into a plan of its own; what exceeds a ceiling leaves the whole plan waiting.
"""

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.postings import DocumentPosting, decode
from xerotui.model.problems import CORE, Place, Problem, RecordRef
from xerotui.model.work import OPEN, Operation, Plan, PlanKind, PlanState, Request, Verb
from xerotui.net.clock import machine_now
from xerotui.store import Ceilings, Pair, Tx
from xerotui.store.documents import AUTOMATIC
from xerotui.sync.applying import apply
from xerotui.sync.back_payments import takes_back
from xerotui.sync.plan import Draft, new_id, plan_hash
from xerotui.sync.planning import Progress, quiet, store_sync, work_out
from xerotui.sync.ports import Ports
from xerotui.sync.pull import WHOLE_LIST
from xerotui.sync.removing import removes
from xerotui.sync.start_line import PROVEN, proven

# Who approves in the audit, and the request by which the worker asks itself.
POLICY = "policy"
VERB = "automatic"
# The rung of a contact that was found by its name and nothing else.
BY_NAME = "found by name"
# World time for which a person's plan isn't pulled away from under them.
LEFT_ALONE = dt.timedelta(minutes=15)
# Machine seconds between two looks at what is due.
LOOK = 2.0
_LAST = "automatic:"
_PHASE = "automatic"
_REQUESTS = ("plan", "apply", "import", VERB)
_APART = (Verb.VOID, Verb.DELETE, Verb.ARCHIVE, Verb.DEALLOCATE)
# What of Xero is written into a source that holds the record already.
_BACK = (Verb.UPDATE, Verb.SETTLE)


def for_a_person(operation: Operation) -> bool:
    """What always waits for a person (DESIGN section 4): removals, archiving, and first links by name alone.

    A payment that is taken away at the source is a removal too.
    """
    if operation.verb is Verb.ATTACH:
        return operation.rungs.get("contact") == BY_NAME
    return operation.verb in _APART or takes_back(operation)


class Automatic:
    """One worker's care for automatic pairs: it leaves a request for each that is due, which the desk answers."""

    def __init__(self, ports: Ports, *, once: bool) -> None:
        self.ports = ports
        # With `once` each pair has one pass in this process, whatever the interval is.
        self.once = once
        self._passed: set[str] = set()
        self._look_at = 0.0

    async def turn(self) -> bool:
        """One look; True when a request was left."""
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + LOOK
        asked = False
        for pair in await due(self.ports, at_once=self.once):
            if self.once and pair.key in self._passed:
                continue
            self._passed.add(pair.key)
            await _ask(self.ports, pair)
            asked = True
        return asked


async def _ask(ports: Ports, pair: Pair) -> None:
    request = Request(
        id=new_id("req"),
        verb=VERB,
        args={"connection": pair.source, "tenant": pair.tenant},
        actor=POLICY,
        created=machine_now(),
    )
    async with ports.ledger.write() as tx:
        await ports.ledger.requests.add(tx, request)


async def due(ports: Ports, *, at_once: bool = False) -> list[Pair]:
    """Automatic pairs whose time has come, by world time; with `at_once` whatever the time is.

    Left out are those that can't be written to, those that something is under way for, and those of which a person
    looks at a plan just now.
    """
    db = await ports.book.read()
    pairs = [pair for pair in db.all_pairs() if pair.mode == AUTOMATIC]
    if not pairs:
        return []
    saved = {x.id for x in db.xeros() if x.saved}
    now = ports.clock.now()
    found: list[Pair] = []
    async with ports.ledger.read() as tx:
        busy = {r.args.get("connection", "") for r in await ports.ledger.requests.open(tx) if r.verb in _REQUESTS}
        for pair in pairs:
            source, tenant = db.source(pair.source), db.tenant(pair.tenant)
            if source is None or not source.enabled or pair.source in busy:
                continue
            if tenant is None or tenant.read_only or tenant.connection not in saved:
                continue
            if (plan := await _in_the_way(ports, tx, pair, now)) is not None:
                if at_once:
                    ports.log.info("automatic pair left alone", tenant=pair.tenant, plan=plan.id, state=plan.state)
                continue
            last = await ports.ledger.marks.get(tx, _LAST + pair.key)
            every = dt.timedelta(minutes=tenant.poll_minutes)
            if not at_once and last and (not every or now - dt.datetime.fromisoformat(last) < every):
                continue
            if await proven(ports, tx, pair.source, pair.tenant):
                found.append(pair)
            elif at_once:
                ports.log.info("automatic pair waits for its first plan", source=pair.source, tenant=pair.tenant)
    return found


async def _in_the_way(ports: Ports, tx: Tx, pair: Pair, now: dt.datetime) -> Plan | None:
    """A plan that a pass would disturb.

    It has work under way for this organisation, a person looks at it just now, or somebody asked for it by its id.
    """
    asked = {r.args.get("plan", "") for r in await ports.ledger.requests.open(tx)}
    states = (PlanState.READY, PlanState.APPROVED, PlanState.APPLYING)
    for plan in await ports.ledger.plans.list(tx, 100, states=states):
        if plan.connection != pair.source or pair.tenant not in plan.tenants:
            continue
        if plan.id in asked:
            return plan
        if plan.state is PlanState.READY:
            if plan.actor != POLICY and now - plan.created < LEFT_ALONE:
                return plan
        # What only waits to be read back is no reason: it may wait for an organisation that is gone.
        elif await ports.ledger.work.find(tx, plan=plan.id, tenant=pair.tenant, states=OPEN):
            return plan
    return None


# ------------------------------------------------------------------------------------------ one pass


async def run(ports: Ports, connection: str, tenant: str, progress: Progress = quiet) -> dict[str, str]:
    """One pass of an automatic pair: read, plan, and let go by itself what its policy allows.

    Returns the ids of the plan that runs and of the one that waits, where there are such. Raises SyncError when a
    side can't be read.
    """
    db = await ports.book.read()
    pair = db.pair(connection, tenant)
    if pair is None or pair.mode != AUTOMATIC:
        return {}
    now = ports.clock.now()
    async with ports.ledger.write() as tx:
        # Since the pass was asked for somebody may have approved a plan of the same records.
        if (plan := await _in_the_way(ports, tx, pair, now)) is not None:
            ports.log.info("automatic pair left alone", tenant=pair.tenant, plan=plan.id, state=plan.state)
            return {}
        await ports.ledger.marks.set(tx, _LAST + pair.key, now.isoformat())
        await ports.ledger.marks.set(tx, PROVEN + pair.key, "1")
    draft = await work_out(ports, connection, (tenant,), progress)
    mine, apart, reason = await split(ports, pair, draft.operations)
    over = await exceeded(ports, pair, mine)
    await _tell(ports, pair, over)
    answer: dict[str, str] = {}
    if over:
        mine, apart = [], draft.operations
    waits = await _waits_already(ports, pair, apart) if apart else ""
    if mine:
        plan = await store_sync(ports, part_of(draft, mine), connection, (tenant,), POLICY, beside=waits)
        answer["run"] = (await apply(ports, plan.id, plan.hash, POLICY, removals=reason, progress=progress)).id
        answer["plan"] = plan.id
    if apart and not waits:
        waiting = part_of(draft, apart)
        # What stays is listed once, with what went.
        waiting.rows = [] if mine else waiting.rows
        answer["waits"] = (await store_sync(ports, waiting, connection, (tenant,), POLICY)).id
    return answer


async def split(
    ports: Ports, pair: Pair, operations: Sequence[Operation]
) -> tuple[list[Operation], list[Operation], str]:
    """What may go unasked, what waits for a person, and the reason for the removals among the first."""
    leaving = [o for o in operations if removes(o)]
    unasked = pair.removals == "automatic" and 0 < len(leaving) <= pair.ceilings.voids
    reason = f"by policy: automatic, {len(leaving)} of at most {pair.ceilings.voids}" if unasked else ""
    held = {o.id for o in operations if for_a_person(o) and not (unasked and removes(o))}
    held |= await _waiting_for(ports, [o for o in operations if o.id in held], operations)
    grown = True
    while grown:
        more = {o.id for o in operations if o.id not in held and held.intersection(o.needs)}
        held |= more
        grown = bool(more)
    return [o for o in operations if o.id not in held], [o for o in operations if o.id in held], reason


async def _waiting_for(ports: Ports, held: Sequence[Operation], operations: Sequence[Operation]) -> set[str]:
    """Documents of contacts whose first link waits for a person."""
    targets = {o.target for o in held if o.verb is Verb.ATTACH and o.kind not in DOCUMENTS}
    parties = {(o.kind, o.record) for o in held if o.verb is Verb.ATTACH}
    if not targets:
        return set()
    found: set[str] = set()
    async with ports.ledger.read() as tx:
        for o in (o for o in operations if o.kind in DOCUMENTS and o.side is Side.XERO):
            posting = decode(o.body)
            if isinstance(posting, DocumentPosting) and posting.contact:
                if posting.contact in targets:
                    found.add(o.id)
                continue
            record = await ports.ledger.snapshots.get(tx, Side.SOURCE, o.connection, o.kind, o.record)
            kind = Kind.SUPPLIER if o.kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER
            if (kind, getattr(record, "party", "")) in parties:
                found.add(o.id)
    return found


def part_of(draft: Draft, operations: Sequence[Operation]) -> Draft:
    """A plan's draft with some of its operations alone, under an id of its own.

    What they need of the other part is cut; what they need of a run under way stays.
    """
    id = new_id("plan")
    counts = Counter(
        {word: n for word, n in draft.counts.items() if word not in {v.value for v in Verb} and word != "link"}
    )
    counts.update("link" if o.verb is Verb.ATTACH else o.verb.value for o in operations)
    other = {o.id for o in draft.operations} - {o.id for o in operations}
    kept = [msgspec.structs.replace(o, plan=id, needs=tuple(n for n in o.needs if n not in other)) for o in operations]
    return Draft(id, operations=kept, rows=list(draft.rows), problems=draft.problems, counts=counts)


async def _waits_already(ports: Ports, pair: Pair, operations: Sequence[Operation]) -> str:
    """The plan in which the same waits for approval already, so that a person finds it under the id that they saw."""
    hash = plan_hash(operations)
    async with ports.ledger.read() as tx:
        plans = await ports.ledger.plans.list(tx, 100, states=(PlanState.READY,))
    mine = [p for p in plans if p.connection == pair.source and p.tenants == (pair.tenant,)]
    now = ports.clock.now()
    return next((p.id for p in mine if p.hash == hash and p.kind is PlanKind.SYNC and p.expires > now), "")


# ------------------------------------------------------------------------------------------ ceilings


async def exceeded(ports: Ports, pair: Pair, operations: Sequence[Operation]) -> list[str]:
    """The ceilings that these operations are over, each in a sentence; among them an organisation that is another."""
    said: list[str] = []
    db = await ports.book.read()
    document = db.tenant(pair.tenant)
    async with ports.ledger.read() as tx:
        organisation = await ports.ledger.snapshots.organisation(tx, pair.tenant)
        linked = sum((await ports.ledger.links.counts(tx, pair.source, pair.tenant)).values())
    if document is not None and organisation is not None:
        for known, now, what in (
            (document.organisation, organisation.id, "organisation"),
            (document.currency, organisation.base_currency, "base currency"),
            (document.country, organisation.country, "country"),
        ):
            if known and now and known != now:
                said.append(f"the {what} was {known} when it was connected and is {now} now")
    if operations and organisation is not None:
        said += over(pair.ceilings, operations, linked, organisation.base_currency)
    return said


def over(ceilings: Ceilings, operations: Sequence[Operation], linked: int, base: str) -> list[str]:
    """The ceilings that operations are over, of a pair with so many linked records and that base currency."""
    said: list[str] = []
    # What of a credit is laid on an invoice is no document, and its amount no other than theirs.
    documents = [o for o in operations if o.kind in DOCUMENTS and o.side is Side.XERO and o.verb is not Verb.ALLOCATE]
    if ceilings.documents is not None and len(documents) > ceilings.documents:
        said.append(f"{_many(len(documents), 'document')}, at most {ceilings.documents} may go unasked")
    updates = sum(o.verb is Verb.UPDATE and o.side is Side.XERO for o in operations)
    if ceilings.updates_percent is not None and updates * 100 > ceilings.updates_percent * linked:
        most = ceilings.updates_percent
        said.append(f"{updates} updates of {linked} linked records, at most {most} % may go unasked")
    # What goes back has the ceiling of updates for itself: it changes what the source holds.
    back = sum(o.verb in _BACK and o.side is Side.SOURCE for o in operations)
    if ceilings.updates_percent is not None and back * 100 > ceilings.updates_percent * linked:
        most = ceilings.updates_percent
        said.append(
            f"{_many(back, 'change')} at the source of {linked} linked records, at most {most} % may go unasked"
        )
    if ceilings.total is not None:
        total, unknown = in_base(documents, base)
        if unknown:
            said.append(f"{', '.join(unknown)} without a rate, so that the sum in {base} can't be told")
        elif total > ceilings.total:
            said.append(f"{total:,.2f} {base} in documents, at most {ceilings.total:,.2f} may go unasked")
    return said


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("s" if number != 1 else "")


def in_base(operations: Iterable[Operation], base: str) -> tuple[Decimal, list[str]]:
    """The sum of documents in the base currency, and the currencies that have no rate for that."""
    total, unknown = Decimal(0), set()
    for o in operations:
        amount = abs(o.total or Decimal(0))
        if not o.currency or o.currency == base:
            total += amount
            continue
        posting = decode(o.body)
        rate = posting.currency_rate if isinstance(posting, DocumentPosting) else None
        if not rate:
            unknown.add(o.currency)
            continue
        # Xero's rate is the foreign currency for one unit of the base currency.
        total += amount / rate
    return total, sorted(unknown)


async def _tell(ports: Ports, pair: Pair, said: Sequence[str]) -> None:
    """The problem that an automatic plan waits, or none any more."""
    db = await ports.book.read()
    document = db.tenant(pair.tenant)
    name = document.name if document and document.name else pair.tenant
    ref = RecordRef(
        connection=pair.source, kind=Kind.INVOICE, id=WHOLE_LIST, title="the automatic plan", tenant=pair.tenant
    )
    problems = [
        Problem(
            code="core.ceiling",
            subject=f"pair:{pair.tenant}",
            record=ref,
            sentence=f"The plan for {name} waits for a person: {'; '.join(said)}.",
            remedy=CORE["core.ceiling"].remedy,
            place=Place("go.plan"),
            blocks=False,
        )
    ]
    async with ports.ledger.write() as tx:
        await ports.ledger.problems.replace(
            tx, pair.source, pair.tenant, Kind.INVOICE, [WHOLE_LIST], problems if said else [], phase=_PHASE
        )


__all__ = ["BY_NAME", "POLICY", "VERB", "Automatic", "due", "for_a_person", "part_of", "run"]
