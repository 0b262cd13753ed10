"""A call to Xero: formed from ready operations, sent, read element by element; unknown ones found out."""

import datetime as dt
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.postings import (
    ContactPosting,
    DocumentEdit,
    DocumentPosting,
    ItemPosting,
    PaymentPosting,
    Posting,
    decode,
    encode,
)
from xerotui.model.problems import SyncError
from xerotui.model.records import Document, Item, Party, Record
from xerotui.model.work import Call, Operation, Verb
from xerotui.net.http import BadAnswer, NotSent, Response, Throttle, Unanswered
from xerotui.store import name_key
from xerotui.sync import sending_credit
from xerotui.sync.adoption import same_document
from xerotui.sync.drift import moved, trimmed
from xerotui.sync.limits import SETTLED, edited
from xerotui.sync.numbering import same as alike
from xerotui.sync.numbering import since, unnumbered
from xerotui.sync.outcomes import Done, Failed, Outcome, tired
from xerotui.sync.pair import code_key
from xerotui.sync.plan import new_id
from xerotui.sync.ports import Ports
from xerotui.sync.settle import APART, ENDED
from xerotui.xero.calls import Confirmed, Refused, Uncertain, WholeRefusal, encode_call, read_answer, sent_key
from xerotui.xero.client import TenantClient
from xerotui.xero.errors import NotFound
from xerotui.xero.messages import Reading, read_messages

# A key lives six minutes at Xero; within this it is surely alive (DESIGN section 5).
KEY_LIFE = dt.timedelta(minutes=5, seconds=30)
# World seconds before what never left goes again.
UNSENT = 2.0
# Statuses by which something in between says that Xero itself isn't there.
GATEWAY = (502, 503, 504)


def natural_key(posting: Posting) -> str:
    """By what an element is found again in Xero: number, code, name or reference; blank where there is no such."""
    match posting:
        case ContactPosting():
            return posting.number or posting.name
        case ItemPosting():
            return posting.code
        case DocumentPosting():
            return posting.number
        case PaymentPosting():
            return posting.reference
    return ""


def equal(posting: Posting, held: Record) -> bool:
    """True when what Xero holds is what this posting makes: the proof for an unknown outcome."""
    if isinstance(posting, ContactPosting) and isinstance(held, Party):
        same = code_key(posting.number) == code_key(held.number)
        return same and name_key(posting.name) == name_key(held.name) and held.status != "ARCHIVED"
    if isinstance(posting, ItemPosting) and isinstance(held, Item):
        return code_key(posting.code) == code_key(held.code) and posting.name == (held.name or posting.name)
    if isinstance(posting, DocumentPosting) and isinstance(held, Document):
        if not posting.number:
            return alike(posting, held)
        return code_key(posting.number) == code_key(held.number) and same_document(posting, held)
    return False


def arrived(operation: Operation, posting: Posting, held: Record) -> bool:
    """True when an update of unknown outcome was surely done: what Xero holds is newer than what it was made from.

    Where that can't be told it goes again: to say the same of the same record twice changes nothing.
    """
    touched = held.modified is not None and held.modified.isoformat() != operation.basis.xero_version
    return touched and not moved(posting, held)


def over(operation: Operation, held: Record) -> bool:
    """True when Xero holds a record in the state that a removal or archiving brings it to."""
    return getattr(held, "status", "") in ENDED.get(operation.verb, ())


class XeroSender:
    """Forms, sends and finds out the calls of one tenant's lane."""

    def __init__(self, ports: Ports, lane: str, tenant: str) -> None:
        self.ports = ports
        self.lane = lane
        self.tenant = tenant

    async def complete(self, operations: Sequence[Operation]) -> tuple[list[Operation], list[Operation]]:
        """Fill in the ids that only became known since the plan; second list: those that still lack one."""
        missing = [o for o in operations if o.kind in DOCUMENTS and (not _contact(o) or sending_credit.lacking(o))]
        if not missing:
            return list(operations), []
        contacts = await self._contacts([o for o in missing if o.verb is not Verb.ALLOCATE])
        allocations = [o for o in missing if o.verb is Verb.ALLOCATE]
        filled = await sending_credit.completed(self.ports, allocations, self.tenant)
        for o in missing:
            posting = decode(o.body)
            if contacts.get(o.id) and isinstance(posting, DocumentPosting):
                posting = msgspec.structs.replace(posting, contact=contacts[o.id])
                filled[o.id] = msgspec.structs.replace(o, body=encode(posting))
        ready = [filled.get(o.id, o) for o in operations if o not in missing or o.id in filled]
        return ready, [o for o in missing if o.id not in filled]

    async def _contacts(self, operations: Sequence[Operation]) -> dict[str, str]:
        found: dict[str, str] = {}
        ledger = self.ports.ledger
        groups: dict[tuple[str, Kind], list[Operation]] = {}
        for o in operations:
            groups.setdefault((o.connection, o.kind), []).append(o)
        async with ledger.read() as tx:
            for (connection, kind), some in groups.items():
                records = await ledger.snapshots.many(tx, Side.SOURCE, connection, kind, [o.record for o in some])
                party_kind = Kind.SUPPLIER if kind is Kind.PURCHASE_ORDER else Kind.CUSTOMER
                parties = {i: r.party for i, r in records.items() if isinstance(r, Document)}
                links = await ledger.links.many(tx, connection, party_kind, list(set(parties.values())), self.tenant)
                for o in some:
                    link = links.get(parties.get(o.record, ""))
                    if link:
                        found[o.id] = link.xero_id
        return found

    def form(self, operations: Sequence[Operation]) -> Call:
        """The call for these operations: exact bytes and a key of its own."""
        first = operations[0]
        elements = [(_sent(o), sending_credit.target_of(o)) for o in operations]
        encoded = encode_call(first.kind, first.verb, elements)
        id = new_id("call")
        return Call(
            id=id,
            lane=self.lane,
            kind=first.kind,
            verb=first.verb,
            method=encoded.method,
            path=encoded.path,
            key=sha256(f"{self.tenant}|{id}".encode()).hexdigest(),
            body=encoded.body,
            operations=tuple(o.id for o in operations),
            first_sent=self.ports.clock.now(),
        )

    async def send(self, call: Call, operations: Sequence[Operation], *, resend: bool = False) -> Outcome:
        """Make the call and read what became of each element. Never raises for what the wire does.

        A repeat leaves while its key is surely alive or not at all.
        """
        client = await self.ports.xero(self.tenant)
        latest = call.first_sent + KEY_LIFE if resend else None
        # Only errors of this one request can mean that nothing was done; once it was answered, none does.
        try:
            response = await client.send(call.method, call.path, call.body, call.key, latest=latest)
        except Throttle as error:
            return self._later(operations, error)
        except NotSent as error:
            return self._unsent(operations, str(error))
        except (Unanswered, BadAnswer) as error:
            return Outcome(unclear=list(operations), reason=str(error), silent=True)
        try:
            return await self._read(client, call, operations, response)
        except Exception as error:
            self.ports.log.error("answer not understood", call=call.id, error=type(error).__name__, exc_info=True)
            why = f"the answer couldn't be read ({type(error).__name__})"
            return Outcome(unclear=list(operations), status=response.status, reason=why)

    def _later(self, operations: Sequence[Operation], error: Throttle) -> Outcome:
        until = error.until or self.ports.clock.now() + dt.timedelta(seconds=error.seconds or 2.0)
        return Outcome(again=list(operations), status=429, not_before=until, reason=error.sentence, held=until)

    def _unsent(self, operations: Sequence[Operation], said: str) -> Outcome:
        """Surely not done, and no fault of the operations: the lane's pace says when they go again."""
        until = self.ports.clock.now() + dt.timedelta(seconds=UNSENT)
        return Outcome(again=list(operations), not_before=until, reason=said, silent=True)

    async def _read(
        self, client: TenantClient, call: Call, operations: Sequence[Operation], response: Response
    ) -> Outcome:
        postings = [decode(o.body) for o in operations]
        keys = [sent_key(o.kind, o.verb, p, o.target) for o, p in zip(operations, postings, strict=True)]
        answer = read_answer(call.kind, call.verb, response, len(operations), keys, self.tenant)
        outcome = Outcome(status=response.status)
        if isinstance(answer, Uncertain):
            gone = response.status in GATEWAY
            return Outcome(unclear=list(operations), status=response.status, reason=answer.reason, silent=gone)
        if isinstance(answer, WholeRefusal):
            return self._refused(operations, answer, response)
        for operation, posting, verdict in zip(operations, postings, answer.elements, strict=True):
            if isinstance(verdict, Confirmed):
                outcome.done.append(
                    Done(operation, verdict.xero_id, verdict.number, verdict.version, verdict.record, verdict.warnings)
                )
            elif isinstance(verdict, Refused):
                await self._element(client, outcome, operation, posting, verdict, answer.correlation)
            else:
                outcome.unclear.append(operation)
        return outcome

    def _refused(self, operations: Sequence[Operation], answer: WholeRefusal, response: Response) -> Outcome:
        """A call refused as a whole: its operations go again (in halves); one alone is the culprit and parked."""
        said = "; ".join(answer.messages) or f"status {answer.status}"
        if answer.partial or answer.code == "key_reused":
            # Some may have been saved all the same: looked up before anything goes again.
            return Outcome(unclear=list(operations), status=max(answer.status, 500), reason=said)
        if len(operations) > 1:
            return Outcome(again=list(operations), status=answer.status, reason=said, halve=True)
        failed = _failed(operations[0], read_messages(answer.messages or (said,)), answer.correlation, parked=True)
        return Outcome(failed=[failed], status=answer.status)

    async def _element(
        self,
        client: TenantClient,
        outcome: Outcome,
        operation: Operation,
        posting: Posting,
        verdict: Refused,
        correlation: str,
    ) -> None:
        """A refused element; one refused because it is there already may be our own, arrived late."""
        reading = read_messages(verdict.messages)
        if operation.verb is Verb.CREATE and reading.code in ("core.number_taken", "core.name_taken"):
            try:
                held = await self._found(client, posting)
            except SyncError as error:
                # Whether it is ours can't be told now. The others of this call are none the worse for it.
                outcome.unclear.append(operation)
                outcome.reason = str(error)
                return
            if held is not None and equal(posting, held):
                outcome.done.append(_adopted(operation, held))
                return
        if operation.verb in ENDED and await self._is_over(client, outcome, operation):
            return
        outcome.failed.append(_failed(operation, reading, correlation))

    async def _is_over(self, client: TenantClient, outcome: Outcome, operation: Operation) -> bool:
        """Whether a refused removal or archiving needn't be told: it was done before, by us or by somebody else."""
        try:
            held = await client.get(operation.kind, operation.target)
        except NotFound:
            return False
        except SyncError as error:
            outcome.unclear.append(operation)
            outcome.reason = str(error)
            return True
        if over(operation, held):
            outcome.done.append(_adopted(operation, held))
            return True
        return False

    async def _found(self, client: TenantClient, posting: Posting) -> Record | None:
        held = await client.look_up(posting.kind, [natural_key(posting)])
        return next((r for r in held if equal(posting, r)), held[0] if held else None)

    async def find_out(self, call: Call, operations: Sequence[Operation]) -> Outcome:
        """What became of a call of unknown outcome whose key is no longer surely alive (or says no more).

        Looks every element up by its natural key: found and equal is done, found and different is a conflict for
        a person, absent goes again under a new key.
        """
        client = await self.ports.xero(self.tenant)
        postings = {o.id: decode(o.body) for o in operations}
        outcome = Outcome()
        try:
            if call.verb is Verb.CREATE:
                held = await client.look_up(call.kind, [natural_key(p) for p in postings.values()])
                if any(map(unnumbered, operations)):
                    held = await self._unlinked(operations[0], await since(client, call))
            elif call.verb in APART:
                return tired(await sending_credit.find_out(client, operations), call, self.ports.clock.now())
            else:
                held = await self._each(client, operations)
        except Throttle as error:
            return Outcome(unclear=list(operations), reason=error.sentence, held=error.until)
        except (NotSent, Unanswered, BadAnswer) as error:
            return Outcome(unclear=list(operations), reason=str(error), silent=True)
        for operation in operations:
            self._compare(outcome, operation, postings[operation.id], held)
        return tired(outcome, call, self.ports.clock.now())

    async def _unlinked(self, operation: Operation, held: Sequence[Record]) -> list[Record]:
        """What of these is nobody's yet."""
        o = operation
        async with self.ports.ledger.read() as tx:
            links = await self.ports.ledger.links.by_xero(tx, o.connection, o.tenant, o.kind, [r.id for r in held])
        return [r for r in held if r.id not in links]

    async def _each(self, client: TenantClient, operations: Sequence[Operation]) -> list[Record]:
        held = []
        for o in operations:
            try:
                held.append(await client.get(o.kind, o.target))
            except NotFound:
                continue
        return held

    def _compare(self, outcome: Outcome, operation: Operation, posting: Posting, held: Sequence[Record]) -> None:
        if operation.verb in ENDED:
            equals = [r for r in held if r.id == operation.target and over(operation, r)]
        elif operation.verb is Verb.UPDATE:
            equals = [r for r in held if r.id == operation.target and arrived(operation, posting, r)]
        else:
            equals = [r for r in held if equal(posting, r)]
        if equals:
            outcome.done.append(_adopted(operation, equals[0]))
            return
        key = code_key(natural_key(posting))
        others = [r for r in held if key and code_key(_key_of(r)) == key]
        if others and operation.verb is Verb.CREATE:
            said = f"Xero has another record under {natural_key(posting)}"
            outcome.failed.append(Failed(operation, "core.number_taken", said))
            return
        outcome.again.append(operation)

    def alive(self, call: Call) -> bool:
        """True while Xero surely still answers from its store for this call's key."""
        return self.ports.clock.now() - call.first_sent < KEY_LIFE


def _sent(operation: Operation) -> Posting | DocumentEdit:
    """What goes over the wire: of an update of a contact or item, or of a settled document, what changed alone."""
    posting = decode(operation.body)
    if operation.verb is not Verb.UPDATE:
        return posting
    if isinstance(posting, DocumentPosting):
        return edited(posting, operation.changes, settled=SETTLED in operation.rungs) or posting
    return trimmed(posting, operation.changes)


def _failed(operation: Operation, reading: Reading, correlation: str = "", *, parked: bool = False) -> Failed:
    return Failed(
        operation,
        reading.code,
        reading.said,
        reading.remedy,
        correlation,
        parked=parked,
        cause=reading.cause,
        place=reading.place,
    )


def _contact(operation: Operation) -> str:
    posting = decode(operation.body)
    return posting.contact if isinstance(posting, DocumentPosting) else "-"


def _key_of(record: Record) -> str:
    if isinstance(record, Party):
        return record.number or record.name
    return record.code if isinstance(record, Item) else getattr(record, "number", "")


def _adopted(operation: Operation, held: Record) -> Done:
    version = held.modified.isoformat() if held.modified else ""
    return Done(operation, held.id, _key_of(held), version, held)
