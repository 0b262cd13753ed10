"""Writes into a source: records that an import creates, links written back. Sources have no idempotency keys.

So before each create, and to find out each unknown one, the source is asked whether the record is there already.
"""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

import msgspec

from xerotui.model import records
from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.postings import DocumentPosting, decode
from xerotui.model.records import Item, Party, Record, TaxRate
from xerotui.model.work import Call, Operation, Verb
from xerotui.net.http import BadAnswer, NotSent, Throttle, Unanswered
from xerotui.source.contract import Attachment, Keys, Source, SourceLocked, SourceRefused, SourceUnreachable
from xerotui.sync import amending, back_sending, cleaning, handing, import_taxes
from xerotui.sync.outcomes import ATTEMPTS, Done, Failed, Outcome, tired
from xerotui.sync.plan import new_id
from xerotui.sync.ports import Ports

# How long a create of unknown outcome may still be under way at the source: a look-up before that proves nothing.
GRACE = dt.timedelta(seconds=45)
# World seconds before what never left goes again.
UNSENT = 2.0
# How a call that the plugin itself broke is remembered: as one that the other side failed on.
PLUGIN_FAILED = 500


def _number(record: Record) -> str:
    if isinstance(record, Party):
        return record.number
    return record.code if isinstance(record, Item) else ""


class SourceSender:
    """Forms, sends and finds out the calls of one source connection's lane."""

    def __init__(self, ports: Ports, lane: str, connection: str) -> None:
        self.ports = ports
        self.lane = lane
        self.connection = connection
        self._hander = handing.Hander(ports, connection)
        # How often the plugin failed while a call was looked up, by call.
        self._stumbles: Counter[str] = Counter()

    async def batch(self, verb: Verb) -> int:
        """How many operations one call may carry."""
        if verb is Verb.HAND_OVER:
            return handing.BATCH
        source = await self.ports.source(self.connection)
        return source.can.attach_batch if verb is Verb.ATTACH else 1

    def form(self, operations: Sequence[Operation]) -> Call:
        """The call's row; its body is what the plugin will be given."""
        first = operations[0]
        return Call(
            id=new_id("call"),
            lane=self.lane,
            kind=first.kind,
            verb=first.verb,
            method="SOURCE",
            path=f"{first.verb}/{first.kind}",
            key="",
            body=msgspec.json.encode([o.body.decode() for o in operations]),
            operations=tuple(o.id for o in operations),
            first_sent=self.ports.clock.now(),
        )

    async def send(self, call: Call, operations: Sequence[Operation]) -> Outcome:
        """Let the source do it and read what became of it."""
        source = await self.ports.source(self.connection)
        try:
            if call.verb is Verb.ATTACH:
                shared = await self._shared(operations)
                await source.attach([_attachment(o, o.record in shared) for o in operations])
                return Outcome(done=[Done(o, o.target) for o in operations], status=200)
            if call.verb is Verb.HAND_OVER:
                return await self._hander.send(source, operations)
            if call.verb in back_sending.VERBS:
                return await back_sending.send(source, operations[0])
            if call.verb is Verb.UPDATE:
                return await amending.amend(source, operations[0])
            if call.verb is Verb.DELETE:
                return await cleaning.remove(source, operations[0])
            return await self._create(source, operations[0])
        except Throttle as error:
            until = error.until or self._in(error.seconds)
            return Outcome(again=list(operations), not_before=until, reason=error.sentence, held=until)
        except NotSent as error:
            return self._unsent(operations, str(error))
        except SourceUnreachable as error:
            if error.sent:
                return Outcome(unclear=list(operations), reason=error.said, silent=True)
            return self._unsent(operations, error.said)
        except (Unanswered, BadAnswer) as error:
            return Outcome(unclear=list(operations), reason=str(error), silent=True)
        except SourceRefused as error:
            return self._refused(operations, error)
        except SourceLocked as error:
            return self._again(operations, str(error), 60.0)
        except Exception as error:
            # The plugin's own fault: what it did before it failed is not known.
            self.ports.log.error("plugin failed", connection=self.connection, error=type(error).__name__)
            why = f"the plugin failed ({type(error).__name__})"
            return Outcome(unclear=list(operations), reason=why, status=PLUGIN_FAILED)

    async def _shared(self, operations: Sequence[Operation]) -> set[str]:
        """Items that the source offers to every organisation: linking one here must not take it from the others."""
        ids = [o.record for o in operations if o.kind is Kind.ITEM]
        if not ids:
            return set()
        async with self.ports.ledger.read() as tx:
            known = await self.ports.ledger.snapshots.many(tx, Side.SOURCE, self.connection, Kind.ITEM, ids)
        return {id for id, record in known.items() if not record.tenant}

    async def _create(self, source: Source, operation: Operation) -> Outcome:
        record = records.decode(operation.body)
        there = await self._there(source, operation, record)
        if there is None:
            id = await source.save(operation.kind, record)
            return Outcome(done=[Done(operation, id, _number(record))], status=201)
        return self._verdict(operation, there)

    async def _there(self, source: Source, operation: Operation, record: Record) -> tuple[Record, ...] | None:
        """The source's records that already are this one; None when there is none."""
        keys = Keys(xero_id=operation.target, number=_number(record), name=record.name, tenant=operation.tenant)
        found = await source.find(operation.kind, keys)
        if isinstance(record, TaxRate):
            rates = (r for r in found if isinstance(r, TaxRate) and import_taxes.same(r, record, operation.tenant))
            return tuple(msgspec.structs.replace(r, xero_id=operation.target) for r in rates) or None
        mine = tuple(r for r in found if r.xero_id == operation.target)
        if mine:
            return mine
        # A record of another organisation is left alone (H10); one of ours without a link, or of none as people make
        # them there, is a person's choice.
        free = tuple(r for r in found if not r.xero_id and r.tenant in ("", operation.tenant))
        return free or None

    def _verdict(self, operation: Operation, there: tuple[Record, ...]) -> Outcome:
        linked = [r for r in there if r.xero_id == operation.target]
        if linked:
            return Outcome(done=[Done(operation, linked[0].id, _number(linked[0]))], status=200)
        said = f"the source meanwhile has a {operation.kind.label} of that name or number"
        return Outcome(failed=[Failed(operation, "core.import_ambiguous", said)])

    def _again(self, operations: Sequence[Operation], said: str, seconds: float) -> Outcome:
        tired = [o for o in operations if o.attempts >= ATTEMPTS]
        return Outcome(
            again=[o for o in operations if o.attempts < ATTEMPTS],
            failed=[Failed(o, "core.parked", said, parked=True) for o in tired],
            not_before=self._in(seconds),
            reason=said,
        )

    def _unsent(self, operations: Sequence[Operation], said: str) -> Outcome:
        """Surely not done, and no fault of the operations: the lane's pace says when they go again."""
        return Outcome(again=list(operations), not_before=self._in(UNSENT), reason=said, silent=True)

    def _in(self, seconds: float) -> dt.datetime:
        return self.ports.clock.now() + dt.timedelta(seconds=seconds)

    def _refused(self, operations: Sequence[Operation], error: SourceRefused) -> Outcome:
        if not error.certain:
            return Outcome(unclear=list(operations), reason=error.said, status=error.status)
        if len(operations) > 1:
            return Outcome(again=list(operations), reason=error.said, status=error.status, halve=True)
        failed = Failed(operations[0], "core.rejected", error.said, parked=True)
        return Outcome(failed=[failed], status=error.status)

    def alive(self, call: Call) -> bool:
        """True while a create of unknown outcome may still be under way; what can be set again may always go again."""
        settable = call.verb in (Verb.ATTACH, Verb.UPDATE, Verb.HAND_OVER)
        return not settable and self.ports.clock.now() - call.first_sent < GRACE

    async def find_out(self, call: Call, operations: Sequence[Operation]) -> Outcome:
        """What became of an unknown call: creates are looked up; links, files, payments and voids go again."""
        if call.verb in (Verb.ATTACH, Verb.HAND_OVER, *back_sending.VERBS):
            return tired(Outcome(again=list(operations)), call, self.ports.clock.now())
        source = await self.ports.source(self.connection)
        outcome = Outcome()
        for operation in operations:
            try:
                if call.verb is Verb.UPDATE:
                    amending.tell(outcome, operation, await amending.look(source, operation))
                    continue
                if call.verb is Verb.DELETE:
                    cleaning.tell(outcome, operation, await cleaning.look(source, operation))
                    continue
                record = records.decode(operation.body)
                there = await self._there(source, operation, record)
            except (SourceRefused, SourceUnreachable, SourceLocked, Throttle, NotSent, Unanswered, BadAnswer) as error:
                outcome.unclear.append(operation)
                outcome.reason = str(error)
                continue
            except Exception as error:
                self._stumbled(call, outcome, operation, error)
                continue
            if there is None:
                outcome.again.append(operation)
                continue
            one = self._verdict(operation, there)
            outcome.done += one.done
            outcome.failed += one.failed
        return tired(outcome, call, self.ports.clock.now())

    def _stumbled(self, call: Call, outcome: Outcome, operation: Operation, error: Exception) -> None:
        """A look-up in which the plugin itself failed: tried a few times, then a person is asked.

        A retry looks the record up again before it writes, so nothing is made twice by it.
        """
        name = type(error).__name__
        self.ports.log.error("plugin failed", connection=self.connection, call=call.id, error=name, exc_info=True)
        self._stumbles[call.id] += 1
        said = f"the plugin failed while it looked whether the record is there ({name})"
        if self._stumbles[call.id] < ATTEMPTS:
            outcome.unclear.append(operation)
            outcome.reason = said
            return
        outcome.failed.append(Failed(operation, "core.plugin_failed", said, parked=True))


def _attachment(operation: Operation, shared: bool) -> Attachment:
    posting = decode(operation.body) if operation.body else None
    document = posting if isinstance(posting, DocumentPosting) and operation.kind in DOCUMENTS else None
    return Attachment(
        kind=operation.kind,
        record=operation.record,
        xero_id=operation.target,
        tenant="" if shared else operation.tenant,
        number=document.number if document else "",
        status=document.status if document else "",
    )
