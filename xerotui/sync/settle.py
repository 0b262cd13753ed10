"""What became of a call, written down in one transaction: states, links, write-backs to come, problems, audit."""

from collections.abc import Sequence

import msgspec

from xerotui.model.kinds import DOCUMENTS, PARTIES, Kind, Side
from xerotui.model.postings import DocumentPosting, decode
from xerotui.model.problems import CORE, Place, Problem, RecordRef
from xerotui.model.records import Document
from xerotui.model.work import Call, Link, Operation, State, Topic, Verb
from xerotui.store import Fence, Tx
from xerotui.sync import noting
from xerotui.sync.back_told import remember
from xerotui.sync.numbering import settled
from xerotui.sync.outcomes import Done, Failed, Outcome
from xerotui.sync.plan import new_id, source_lane
from xerotui.sync.ports import Ports
from xerotui.xero.messages import read_message

PAST = {
    Verb.CREATE: "created",
    Verb.UPDATE: "updated",
    Verb.ARCHIVE: "archived",
    Verb.VOID: "voided",
    Verb.DELETE: "deleted",
    Verb.ALLOCATE: "allocated",
    Verb.DEALLOCATE: "taken back",
    Verb.PAY: "paid",
    Verb.SETTLE: "settled",
    Verb.ATTACH: "attached",
    Verb.HAND_OVER: "handed over",
    Verb.NOTE: "noted",
}

# How a link reads whose document in Xero was removed.
REMOVED = "removed"
# Verbs that end a record in Xero, and the status that it then has.
ENDED = {Verb.VOID: ("VOIDED",), Verb.DELETE: ("DELETED", "VOIDED"), Verb.ARCHIVE: ("ARCHIVED",)}
# Verbs that tell a source what happened in Xero, and what their failures are called.
BACK = (Verb.SETTLE, Verb.VOID)
FAILURES = {
    Verb.ATTACH: "core.attach_failed",
    Verb.HAND_OVER: "core.hand_over_failed",
    Verb.SETTLE: "core.settle_failed",
    Verb.VOID: "core.void_failed",
}
# What is made beside documents of Xero: it makes no link, and its failure stops no document.
APART = (Verb.ALLOCATE, Verb.DEALLOCATE, Verb.NOTE)


def ref_of(operation: Operation) -> RecordRef:
    """The source record of an operation."""
    return RecordRef(
        connection=operation.connection,
        kind=operation.kind,
        id=operation.record,
        title=operation.title,
        tenant=operation.tenant,
    )


def problem_of(operation: Operation, code: str, sentence: str, **more: object) -> Problem:
    """A problem of the sending phase; its cause is the record itself. `place` is filled in with what is known here."""
    lead = more.pop("place", None)
    place = _place(operation, lead if isinstance(lead, Place) else Place("queue.open"))
    remedy = str(more.pop("remedy", "")) or (CORE[code].remedy if code in CORE else "")
    return Problem(
        code=code,
        subject=f"{operation.kind}:{operation.record}",
        record=ref_of(operation),
        sentence=sentence,
        remedy=remedy,
        place=place,
        **more,  # type: ignore[arg-type]
    )


def _place(operation: Operation, place: Place) -> Place:
    """Where to go, with the operation, the organisation or the record that is meant."""
    o = operation
    if place.command == "queue.open":
        return Place(place.command, {"operation": o.id})
    kind = o.kind
    if place.command == "go.imports" and kind in DOCUMENTS:
        # What is linked is the document's contact.
        kind = Kind.SUPPLIER if kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER
    args = {"connection": o.connection, "tenant": o.tenant, "kind": kind.value}
    if place.command == "go.errors" or kind is o.kind:
        args |= {"record": o.record, "title": o.title}
    return Place(place.command, args | place.args)


class Settler:
    """Writes outcomes. One for each lane; knows whether the source can keep links."""

    def __init__(self, ports: Ports, fence: Fence) -> None:
        self.ports = ports
        self.fence = fence

    async def settle(self, call: Call, outcome: Outcome) -> None:
        """Store a call's outcome whole. Raises Fenced when the lane was taken over: nothing is written then."""
        ledger = self.ports.ledger
        attaching = await self._attaching(outcome.done)
        db = await self.ports.book.read()
        async with ledger.write() as tx:
            await self._owned(tx, outcome)
            settled = await ledger.work.settle_call(
                tx,
                call.id,
                self.fence,
                status=outcome.status,
                confirmed=[(d.operation.id, d.xero_id, d.number, d.version) for d in outcome.done],
                rejected=[(f.operation.id, f.said) for f in outcome.failed if not f.parked],
                unknown=[o.id for o in outcome.unclear],
                ready=[o.id for o in outcome.again],
                parked=[(f.operation.id, f.said) for f in outcome.failed if f.parked],
                not_before=outcome.not_before,
                # What never left or was sent away for its rate was no try.
                untried=outcome.silent or outcome.held is not None,
                reason=outcome.reason[:500],
            )
            # Of a repeated call only what wasn't settled before is news.
            outcome = outcome.only(set(settled))
            await self._links(tx, outcome.done)
            await self._removed(tx, outcome.done)
            await self._attachments(tx, outcome.done, attaching)
            if call.verb is Verb.HAND_OVER:
                # What waits to come back is counted with the links.
                tx.bump(Topic.LINKS)
            await remember(self.ports, tx, outcome.done)
            await noting.add(self.ports, tx, db, outcome.done)
            await tell(self.ports, tx, _problems(outcome))
            said = [_said(done) for done in outcome.done]
            await ledger.audit.append_many(tx, "worker", said, self.ports.clock.now())

    async def _owned(self, tx: Tx, outcome: Outcome) -> None:
        """Fail what would take a Xero item or document from another record: one of Xero's is one record's alone."""
        groups: dict[tuple[str, str, Kind], list[Done]] = {}
        for d in outcome.done:
            o = d.operation
            if o.verb is Verb.CREATE and o.kind not in PARTIES:
                groups.setdefault((o.connection, o.tenant, o.kind), []).append(d)
        for (connection, tenant, kind), some in groups.items():
            links = await self.ports.ledger.links.by_xero(tx, connection, tenant, kind, [_theirs(d) for d in some])
            owners = {xero_id: link.record for xero_id, link in links.items()}
            for d in some:
                if owners.setdefault(_theirs(d), _ours(d)) == _ours(d):
                    continue
                outcome.done.remove(d)
                number = f" {d.number}" if d.number else ""
                said = f"{kind.label}{number} in Xero belongs to record {owners[_theirs(d)]} of this source already"
                outcome.failed.append(Failed(d.operation, "core.number_taken", said))

    async def _removed(self, tx: Tx, done: Sequence[Done]) -> None:
        """What was taken away at a source isn't there any more, also for those who read its lists."""
        for d in done:
            o = d.operation
            if o.side is Side.SOURCE and o.verb is Verb.DELETE:
                now = self.ports.clock.now()
                await self.ports.ledger.snapshots.gone(tx, Side.SOURCE, o.connection, o.kind, [o.record], now)

    async def _attaching(self, done: Sequence[Done]) -> set[str]:
        """The connections among these whose source keeps links."""
        connections = {d.operation.connection for d in done}
        return {c for c in connections if await self.ports.keeps_links(c)}

    async def _links(self, tx: Tx, done: Sequence[Done]) -> None:
        keeper = self.ports.ledger.links
        groups: dict[tuple[str, Kind, str], list[Done]] = {}
        for d in done:
            groups.setdefault((d.operation.connection, d.operation.kind, d.operation.tenant), []).append(d)
        for (connection, kind, tenant), some in groups.items():
            attached = [d.operation.record for d in some if d.operation.verb is Verb.ATTACH]
            await keeper.mark_attached(tx, connection, kind, attached, tenant)
            former = await keeper.many(tx, connection, kind, [d.operation.record for d in some], tenant)
            links = [link for d in some if (link := self._link(d, former.get(d.operation.record))) is not None]
            await keeper.put(tx, links)
        for d in done:
            if d.held is not None and d.operation.side is Side.SOURCE:
                # Read back when it was changed: nobody needs to read the source again for it.
                now = self.ports.clock.now()
                await self.ports.ledger.snapshots.put(tx, Side.SOURCE, d.operation.connection, [d.held], now)
        held = [d.held for d in done if d.held is not None and d.operation.side is Side.XERO]
        tenants = {d.operation.tenant for d in done}
        if held and len(tenants) == 1:
            await self.ports.ledger.snapshots.put(tx, Side.XERO, tenants.pop(), held, self.ports.clock.now())

    def _link(self, done: Done, former: Link | None) -> Link | None:
        o = done.operation
        imported = o.side is Side.SOURCE
        if imported and (o.verb is not Verb.CREATE or o.kind is Kind.TAX_RATE):
            # Rates are mapped, not linked.
            return None
        if o.verb in APART:
            return None
        if former is not None and o.verb in ENDED:
            # What was last sent stays known; that the document is removed is told by the link.
            how = REMOVED if o.verb is not Verb.ARCHIVE else former.how
            return msgspec.structs.replace(former, version=done.version or former.version, how=how)
        return Link(
            connection=o.connection,
            kind=o.kind,
            record=_ours(done),
            tenant=o.tenant,
            xero_id=_theirs(done),
            number=done.number,
            # An import's first plan takes the posting as the base of later comparisons.
            posting=b"" if imported else settled(o, done.number),
            fingerprint=o.basis.fingerprint,
            version=done.version or o.basis.xero_version,
            how="imported" if imported else PAST[o.verb],
            # An update tells the source nothing: whether it knows the link is as true as it was before.
            attached=imported or (o.verb is not Verb.CREATE and former is not None and former.attached),
            at=self.ports.clock.now(),
        )

    async def _attachments(self, tx: Tx, done: Sequence[Done], attaching: set[str]) -> None:
        """The write-back of each new link, born in the transaction that made the link, so that none is lost.

        A record whose link is on its way to the source already gets no second one.
        """
        made = [d for d in done if d.operation.side is Side.XERO and d.operation.verb is Verb.CREATE]
        groups: dict[tuple[str, str, Kind], list[Done]] = {}
        for d in made:
            if d.operation.connection in attaching:
                groups.setdefault((d.operation.connection, d.operation.tenant, d.operation.kind), []).append(d)
        work = self.ports.ledger.work
        born: list[Operation] = []
        for (connection, tenant, kind), some in groups.items():
            records = [d.operation.record for d in some]
            live = await work.live(tx, Side.SOURCE, connection, tenant, kind, Verb.ATTACH, records)
            born += [_attachment(d) for d in some if d.operation.record not in live]
        await work.add(tx, born)


def _ours(done: Done) -> str:
    """The source record that a link made of this is about: what an import created is known by its new id."""
    return done.xero_id if done.operation.side is Side.SOURCE else done.operation.record


def _theirs(done: Done) -> str:
    """The Xero record that a link made of this is about."""
    return done.operation.target if done.operation.side is Side.SOURCE else done.xero_id


def _attachment(done: Done) -> Operation:
    o = done.operation
    return Operation(
        id=new_id("op"),
        plan=o.plan,
        side=Side.SOURCE,
        lane=source_lane(o.connection),
        kind=o.kind,
        verb=Verb.ATTACH,
        state=State.READY,
        connection=o.connection,
        tenant=o.tenant,
        record=o.record,
        title=o.title,
        party=o.party,
        target=done.xero_id,
        body=settled(o, done.number),
        basis=o.basis,
        currency=o.currency,
        total=o.total,
    )


async def tell(ports: Ports, tx: Tx, found: Sequence[tuple[Operation, list[Problem]]], phase: str = "send") -> None:
    """The problems of these operations' records in a phase are now these; attachments have a phase of their own."""
    groups: dict[tuple[str, str, Kind, str], dict[str, list[Problem]]] = {}
    for o, problems in found:
        key = (o.connection, o.tenant, o.kind, _phase(o, phase))
        groups.setdefault(key, {}).setdefault(o.record, []).extend(problems)
    for (connection, tenant, kind, where), some in groups.items():
        said = [p for problems in some.values() for p in problems]
        await ports.ledger.problems.replace(tx, connection, tenant, kind, list(some), said, phase=where)


def _phase(operation: Operation, phase: str) -> str:
    """Writes into a source say nothing of whether a record can go to Xero: they have phases of their own."""
    if operation.verb is Verb.ATTACH:
        return "attach"
    if operation.verb in APART and phase == "send":
        # The next plan says anew what of a credit isn't allocated, and why.
        return "resolve"
    return "back" if operation.verb in BACK and operation.side is Side.SOURCE else phase


def _problems(outcome: Outcome) -> list[tuple[Operation, list[Problem]]]:
    found = []
    for done in outcome.done:
        warnings = [_warning(done, text) for text in done.warnings]
        if done.operation.verb not in APART:
            found.append((done.operation, warnings + _off(done)))
    # Of a history note its own row says enough: nothing waits for it, and nothing else is wrong.
    failed = [f for f in outcome.failed if f.operation.verb is not Verb.NOTE]
    return found + [(f.operation, [failure(f)]) for f in failed]


def _warning(done: Done, text: str) -> Problem:
    """What a person reads of a warning: saved, but something was left out."""
    reading = read_message(text)
    return problem_of(
        done.operation,
        reading.code if reading.known else "core.warning",
        f"Saved, with a warning: {_with(text, reading.cause)}",
        remedy=reading.remedy if reading.known else "",
        place=reading.place,
        blocks=False,
        said=text,
    )


def _with(said: str, cause: str) -> str:
    return f"{said.rstrip('. ')}. {cause}" if cause else said


def failure(failed: Failed) -> Problem:
    """What a person reads of a failed operation."""
    o = failed.operation
    return problem_of(
        o,
        _code(failed),
        f"{o.kind.label.capitalize()} {o.title}: {_with(failed.said, failed.cause)}",
        remedy=failed.remedy,
        place=failed.place,
        said=failed.said,
        correlation=failed.correlation,
        blocks=_phase(o, "send") == "send",
    )


def _code(failed: Failed) -> str:
    o = failed.operation
    if o.side is Side.SOURCE:
        return FAILURES.get(o.verb, failed.code)
    return "core.allocation_refused" if o.verb is Verb.ALLOCATE else failed.code


def _off(done: Done) -> list[Problem]:
    """What Xero computed against what was predicted (B2): told at once, the document itself stays."""
    o, held = done.operation, done.held
    if o.side is not Side.XERO or o.kind not in DOCUMENTS or not isinstance(held, Document):
        return []
    posting = decode(o.body)
    if not isinstance(posting, DocumentPosting) or held.total is None or held.total == posting.total:
        return []
    sentence = f"Xero computed {held.total} {posting.currency} for {posting.number}, planned were {posting.total}."
    return [problem_of(o, "core.mismatch_after", sentence, blocks=False)]


def _said(done: Done) -> tuple[str, str, dict[str, str]]:
    """The audit's entry: action, subject, detail."""
    o = done.operation
    detail = {
        "operation": o.id,
        "plan": o.plan,
        "side": o.side.value,
        "kind": o.kind.value,
        "record": o.record,
        "tenant": o.tenant,
        "xero_id": done.xero_id,
        "number": done.number,
        "total": str(o.total) if o.total is not None else "",
    }
    return PAST[o.verb], o.title, detail
