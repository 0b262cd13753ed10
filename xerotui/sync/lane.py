"""A lane at work: one holder with a fence, at most four calls on their way, unknown outcomes first."""

import asyncio
import time
from collections.abc import Sequence

from xerotui.model.kinds import WRITE_ORDER, Kind, Side
from xerotui.model.problems import SyncError
from xerotui.model.work import Call, CallState, Operation, State, Verb
from xerotui.store import Fence, Fenced
from xerotui.sync.plan import BATCH
from xerotui.sync.ports import Ports, refuse_read_only
from xerotui.sync.send_source import SourceSender
from xerotui.sync.send_xero import XeroSender
from xerotui.sync.settle import Outcome, Settler

IN_FLIGHT = 4
# Verbs in the order in which a kind's operations leave.
VERBS = (Verb.CREATE, Verb.UPDATE, Verb.ATTACH, Verb.ARCHIVE, Verb.VOID, Verb.DELETE)
# Machine seconds between two looks at an unknown call, by attempt.
PATIENCE = (0.0, 1.0, 3.0, 10.0, 30.0)
# Machine seconds that a lane rests when its side can't be reached.
REST = 30.0


class LaneRunner:
    """Works one lane until nothing is left that can go now.

    `run` returns when the lane is idle or taken over by another worker. A lane whose side can't be reached waits:
    `trouble` says why, `retry_at` (machine monotonic seconds) when it is worth another try.
    """

    def __init__(self, ports: Ports, lane: str) -> None:
        self.ports = ports
        self.lane = lane
        side, _, name = lane.partition(":")
        self.sender: XeroSender | SourceSender = (
            XeroSender(ports, lane, name) if side == "xero" else SourceSender(ports, lane, name)
        )
        self.trouble = ""
        self.retry_at = 0.0
        self._flying: dict[asyncio.Task[None], int] = {}
        self._busy: set[str] = set()
        self._due: dict[str, float] = {}
        self._tries: dict[str, int] = {}
        self._halves: list[list[str]] = []

    async def run(self, stop: asyncio.Event) -> bool:
        """Work; True when the lane was held at all. On stop, calls on their way are awaited (drain)."""
        ledger = self.ports.ledger
        async with ledger.write() as tx:
            fence = await ledger.lanes.take(tx, self.lane, self.ports.identity, self.ports.lease)
        if fence is None:
            return False
        self.trouble = ""
        # What was remembered of an earlier turn is another holder's by now.
        self._due.clear()
        self._halves.clear()
        beating = asyncio.create_task(self._beat(fence))
        try:
            # What an earlier holder left on its way is of unknown outcome: law of DESIGN section 5.
            async with ledger.write() as tx:
                await ledger.work.void_sending(tx, self.lane, fence)
            await self._work(fence, stop)
        except Fenced:
            self.ports.log.warning("lane taken over", lane=self.lane)
            for task in self._flying:
                task.cancel()
        except SyncError as error:
            self.trouble = error.sentence
            self.retry_at = time.monotonic() + REST
        finally:
            beating.cancel()
            if self._flying:
                await asyncio.wait(self._flying, timeout=60)
            self._flying.clear()
            self._busy.clear()
            async with ledger.write() as tx:
                await ledger.lanes.release(tx, fence)
        return True

    async def _beat(self, fence: Fence) -> None:
        while True:
            await asyncio.sleep(self.ports.lease / 3)
            try:
                async with self.ports.ledger.write() as tx:
                    await self.ports.ledger.lanes.beat(tx, fence, self.ports.lease)
            except Fenced:
                return

    async def _work(self, fence: Fence, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._raise_failures()
            await self._writable()
            moved = await self._unknown(fence)
            moved = await self._ready(fence) or moved
            if self._flying:
                await asyncio.wait(self._flying, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
            elif not moved:
                wait = await self._idle()
                if wait is None:
                    return
                await asyncio.sleep(wait)

    async def _writable(self) -> None:
        """Ask before every call: an organisation that was made read-only gets none, what waits goes on waiting.

        Raises SyncError.
        """
        if isinstance(self.sender, XeroSender):
            await refuse_read_only(self.ports, (self.sender.tenant,))

    def _raise_failures(self) -> None:
        for task in [t for t in self._flying if t.done()]:
            del self._flying[task]
            task.result()

    async def _idle(self) -> float | None:
        """Seconds until something may be worth another look; None when the lane has nothing left."""
        waits = [max(0.05, at - time.monotonic()) for at in self._due.values()]
        async with self.ports.ledger.read() as tx:
            work = self.ports.ledger.work
            waiting = await work.find(tx, lane=self.lane, states=(State.READY, State.UNKNOWN), limit=1)
        if waiting:
            waits.append(0.5)
        return min(waits, default=None)

    def _start(self, call: Call, operations: Sequence[Operation], fence: Fence, *, resend: bool) -> None:
        self._busy.add(call.id)
        task = asyncio.create_task(self._one(call, operations, fence, resend=resend))
        self._flying[task] = len(operations)

    async def _unknown(self, fence: Fence) -> bool:
        """Start on calls of unknown outcome whose turn it is."""
        ledger = self.ports.ledger
        async with ledger.read() as tx:
            calls = await ledger.work.calls(tx, self.lane, (CallState.UNKNOWN,))
        started = False
        for call in calls:
            if call.id in self._busy or len(self._flying) >= IN_FLIGHT:
                continue
            if self._due.get(call.id, 0.0) > time.monotonic():
                continue
            async with ledger.read() as tx:
                # It may have been settled since the list was read: its task ended while this one looked elsewhere.
                now = await ledger.work.get_call(tx, call.id)
                operations = await ledger.work.get(tx, call.operations)
            if now is None or now.state is not CallState.UNKNOWN:
                continue
            call = now
            if isinstance(self.sender, XeroSender):
                operations, _ = await self.sender.complete(operations)
            self._start(call, operations, fence, resend=True)
            started = True
        return started

    async def _ready(self, fence: Fence) -> bool:
        """Form and start calls of ready operations while slots are free."""
        ledger = self.ports.ledger
        async with ledger.write() as tx:
            await ledger.work.promote(tx, lane=self.lane)
        started = False
        while len(self._flying) < IN_FLIGHT:
            batch = await self._next_batch(fence)
            if not batch:
                break
            await self._writable()
            call = self.sender.form(batch)
            async with ledger.write() as tx:
                await ledger.work.open_call(tx, call, fence)
            self._start(call, batch, fence, resend=False)
            started = True
        return started

    async def _next_batch(self, fence: Fence) -> list[Operation]:
        """The next call's operations: a half of a refused call, else a full batch, else the rest of a kind.

        A batch that isn't full waits while more of its kind and verb may still become ready, so that calls are
        as few as can be.
        """
        ledger = self.ports.ledger
        for part in list(self._halves):
            async with ledger.read() as tx:
                members = await ledger.work.get(tx, part)
            if any(o.state in (State.SENDING, State.UNKNOWN) for o in members):
                # What halved them is just being written down.
                continue
            now = self.ports.clock.now()
            if any(o.state is State.READY and o.not_before and o.not_before > now for o in members):
                continue
            self._halves.remove(part)
            if operations := [o for o in members if o.state is State.READY]:
                return await self._completed(operations, fence)
        async with ledger.read() as tx:
            counts = await ledger.work.counts(tx, lane=self.lane, states=(State.READY, State.APPROVED))
        for kind, verb in self._order():
            ready = counts.get((self._side(), kind, verb, State.READY), 0)
            if not ready:
                continue
            size = BATCH if isinstance(self.sender, XeroSender) else await self.sender.batch(verb)
            coming = counts.get((self._side(), kind, verb, State.APPROVED), 0)
            if ready < size and coming and self._flying:
                continue
            async with ledger.read() as tx:
                batch = await ledger.work.ready_batch(tx, self.lane, kind, verb, size)
            halved = {id for half in self._halves for id in half}
            batch = await self._completed([o for o in batch if o.id not in halved], fence)
            if batch:
                return batch
        return []

    def _side(self) -> Side:
        return Side.XERO if isinstance(self.sender, XeroSender) else Side.SOURCE

    def _order(self) -> list[tuple[Kind, Verb]]:
        return [(kind, verb) for kind in WRITE_ORDER for verb in VERBS]

    async def _completed(self, batch: list[Operation], fence: Fence) -> list[Operation]:
        """The batch with contacts filled in; documents whose contact has no link are set aside with words."""
        if not isinstance(self.sender, XeroSender):
            return batch
        ready, orphans = await self.sender.complete(batch)
        if orphans:
            ids = [o.id for o in orphans]
            async with self.ports.ledger.write() as tx:
                await self.ports.ledger.work.move(
                    tx, ids, State.PARKED, frm=(State.READY,), fence=fence, error="its contact isn't linked"
                )
        return ready

    async def _one(self, call: Call, operations: Sequence[Operation], fence: Fence, *, resend: bool) -> None:
        """One call from leaving to settled."""
        settler = Settler(self.ports, fence)
        try:
            outcome = await self._outcome(call, operations, fence, resend=resend)
            if outcome is None:
                return
            if outcome.halve and len(outcome.again) > 1:
                self._split([o.id for o in outcome.again])
            await settler.settle(call, outcome)
            if outcome.unclear:
                self._later(call)
            else:
                self._due.pop(call.id, None)
        finally:
            self._busy.discard(call.id)

    def _split(self, ids: list[str]) -> None:
        """Halve a call that was refused whole, until the culprit is alone (DESIGN section 5).

        Before the refusal is written down: from then on the halves may leave, but never together again.
        """
        middle = len(ids) // 2
        self._halves += [ids[:middle], ids[middle:]]

    def _later(self, call: Call) -> None:
        tries = self._tries[call.id] = self._tries.get(call.id, 0) + 1
        self._due[call.id] = time.monotonic() + PATIENCE[min(tries, len(PATIENCE) - 1)]

    async def _outcome(
        self, call: Call, operations: Sequence[Operation], fence: Fence, *, resend: bool
    ) -> Outcome | None:
        """Send, repeat or find out. None when it is too early to tell."""
        sender = self.sender
        if not resend:
            return await sender.send(call, operations)
        if isinstance(sender, SourceSender):
            if sender.alive(call):
                self._due[call.id] = time.monotonic() + 0.5
                return None
            return await sender.find_out(call, operations)
        # Within the key's life the same bytes under the same key are free of effect; one stored failure is enough
        # to know that the key says no more (xero-api section 4).
        if sender.alive(call) and call.status < 500:
            async with self.ports.ledger.write() as tx:
                await self.ports.ledger.work.resend(tx, call.id, fence, self.ports.clock.now())
            outcome = await sender.send(call, operations)
            if outcome.status in (0, 429):
                # The repeat didn't get through; what became of the first try is as unknown as before.
                return Outcome(unclear=list(operations), reason=outcome.reason)
            return outcome
        return await sender.find_out(call, operations)
