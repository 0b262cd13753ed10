"""A lane at work: one holder with a fence, at most four calls on their way, unknown outcomes first."""

import asyncio
import contextlib
import time
from collections.abc import Sequence

from xerotui.model.problems import SyncError
from xerotui.model.work import Call, CallState, Operation, State
from xerotui.store import Fence, Fenced
from xerotui.sync.forming import Forming
from xerotui.sync.outcomes import Outcome
from xerotui.sync.pace import Pace
from xerotui.sync.ports import Ports, refuse_read_only
from xerotui.sync.send_source import SourceSender
from xerotui.sync.send_xero import XeroSender
from xerotui.sync.settle import Settler
from xerotui.sync.switched import off_now
from xerotui.xero.errors import Unavailable

IN_FLIGHT = 4
# Machine seconds between two looks at an unknown call, by attempt.
PATIENCE = (0.0, 1.0, 3.0, 10.0, 30.0)
# Machine seconds that a lane rests when its side can't be reached.
REST = 30.0
# Machine seconds between two looks: at what is put off, at a lane of which nothing can go, at one held by another.
LOOK, MOST_LOOK = 0.5, 4.0
NOTHING = 0.5
HELD = 2.0


class LaneRunner(Forming):
    """Works one lane until nothing is left that can go now.

    `run` returns when the lane is idle or taken over by another worker. A lane whose side can't be reached waits:
    `trouble` says why, `retry_at` (machine monotonic seconds) when it is worth another try.
    """

    def __init__(self, ports: Ports, lane: str) -> None:
        super().__init__(ports, lane)
        self.trouble = ""
        self.retry_at = 0.0
        self.pace = Pace(ports.clock)
        # What its calls wait for while it works: a side that doesn't answer, a rate limit.
        self.waits = ""
        # How many times in a row it had to rest because of trouble.
        self.rests = 0
        self._moved = False
        self._turn = False
        self._looks = 0
        self._flying: dict[asyncio.Task[None], int] = {}
        self._busy: set[str] = set()
        self._due: dict[str, float] = {}
        self._tries: dict[str, int] = {}

    async def run(self, stop: asyncio.Event) -> bool:
        """Work; True when the lane was held at all. On stop, calls on their way are awaited (drain)."""
        ledger = self.ports.ledger
        async with ledger.write() as tx:
            fence = await ledger.lanes.take(tx, self.lane, self.ports.identity, self.ports.lease)
        if fence is None:
            # Somebody else works it: looked at again when there may be something for us.
            self.retry_at = time.monotonic() + HELD
            return False
        self.trouble = ""
        self._moved = False
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
            self.retry_at = time.monotonic() + HELD
        except SyncError as error:
            self.trouble = error.sentence
            # A limit has its own end, in world time.
            self.retry_at = 0.0 if self.pace.held else time.monotonic() + max(REST, self._asked(error))
        except Exception as error:
            # A fault of the program: the lane rests, all others go on, and what was on its way counts as unknown.
            self.ports.log.error("lane stumbled", lane=self.lane, error=type(error).__name__, exc_info=True)
            self.trouble = f"The worker stumbled over this lane ({type(error).__name__}); see its log."
            self.retry_at = time.monotonic() + REST
        finally:
            beating.cancel()
            await self._landed()
            async with ledger.write() as tx:
                await ledger.lanes.release(tx, fence)
        self.rests = self.rests + 1 if self.trouble else 0
        if not self.trouble and not self._moved:
            # Nothing of it can go yet: what it waits for is another lane's.
            self.retry_at = max(self.retry_at, time.monotonic() + NOTHING)
        return True

    def _asked(self, error: SyncError) -> float:
        """Machine seconds for which Xero asked to be left alone."""
        seconds = error.seconds if isinstance(error, Unavailable) else 0.0
        return seconds / getattr(self.ports.clock, "rate", 1.0)

    async def _landed(self) -> None:
        """Wait for the calls that are still on their way; what takes too long is given up and so of unknown outcome."""
        if self._flying:
            done, late = await asyncio.wait(self._flying, timeout=60)
            for task in late:
                task.cancel()
            for task in done:
                if not task.cancelled() and (error := task.exception()) and not isinstance(error, Fenced | SyncError):
                    self.ports.log.error("call stumbled", lane=self.lane, error=type(error).__name__, exc_info=error)
        self._flying.clear()
        self._busy.clear()

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
            await self._raise_pace()
            await self._writable()
            # One after the other may try whether a silent side is back: one call that it never answers starves none.
            self._turn = not self._turn if self.pace.slow else False
            moved = False
            for starts in (self._ready, self._unknown) if self._turn else (self._unknown, self._ready):
                moved = await starts(fence) or moved
            if moved:
                self._looks = 0
            if self._flying:
                await asyncio.wait(self._flying, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
            elif not moved:
                wait = await self._idle()
                if wait is None:
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait)

    async def _writable(self) -> None:
        """Ask before every call: an organisation that was made read-only gets none, what waits goes on waiting.

        Raises SyncError.
        """
        if isinstance(self.sender, XeroSender):
            await refuse_read_only(self.ports, (self.sender.tenant,))

    async def _raise_pace(self) -> None:
        """Let the lane go where for now nothing of it can get through; what waits goes on waiting.

        Raises SyncError.
        """
        if self._flying:
            return
        if self.pace.held:
            said = self.pace.limit or "what waits was put off"
            raise SyncError(f"{await self._name()}: {said[:1].lower()}{said[1:]}", code="core.throttled")
        if self.pace.given_up:
            raise SyncError(self.pace.said, code="core.unreachable")

    async def _name(self) -> str:
        """The lane as people know it."""
        side, _, id = self.lane.partition(":")
        db = await self.ports.book.read()
        document = db.tenant(id) if side == "xero" else db.source(id)
        return document.name if document is not None else id

    def _raise_failures(self) -> None:
        for task in [t for t in self._flying if t.done()]:
            del self._flying[task]
            task.result()

    async def _idle(self) -> float | None:
        """Seconds until something may be worth another look; None when the lane has nothing left."""
        waits = [max(0.05, at - time.monotonic()) for at in self._due.values()]
        off = await off_now(self.ports)
        async with self.ports.ledger.read() as tx:
            if off and self.lane not in await self.ports.ledger.work.lanes(tx, but=off):
                return None
            counts = await self.ports.ledger.work.counts(tx, lane=self.lane, states=(State.READY, State.UNKNOWN))
            put_off = await self.ports.ledger.work.put_off(tx, self.lane)
        if counts:
            # Put off, perhaps for long: looked at less and less often.
            waits.append(min(LOOK * 2.0**self._looks, MOST_LOOK))
            self._looks += 1
        if put_off and not any(state is State.UNKNOWN for *_, state in counts):
            # Also what a worker before this one was told by a limit.
            self.pace.hold(*put_off)
        if waits and self.pace.wait:
            return max(0.05, self.pace.wait)
        return min(waits, default=None)

    def _start(self, call: Call, operations: Sequence[Operation], fence: Fence, *, resend: bool) -> None:
        self._moved = True
        self._busy.add(call.id)
        task = asyncio.create_task(self._one(call, operations, fence, resend=resend))
        self._flying[task] = len(operations)

    async def _unknown(self, fence: Fence) -> bool:
        """Start on calls of unknown outcome whose turn it is."""
        ledger = self.ports.ledger
        async with ledger.read() as tx:
            calls = await ledger.work.calls(tx, self.lane, (CallState.UNKNOWN,))
        started = False
        off = await off_now(self.ports)
        open_ = {call.id for call in calls} | self._busy
        self._due = {id: at for id, at in self._due.items() if id in open_}
        for call in calls:
            if call.id in self._busy or not self._room():
                continue
            if self._due.get(call.id, 0.0) > time.monotonic():
                continue
            async with ledger.read() as tx:
                # It may have been settled since the list was read: its task ended while this one looked elsewhere.
                now = await ledger.work.get_call(tx, call.id)
                operations = await ledger.work.get(tx, call.operations)
            if now is None or now.state is not CallState.UNKNOWN or all(o.connection in off for o in operations):
                continue
            self._start(now, operations, fence, resend=True)
            started = True
        return started

    async def _ready(self, fence: Fence) -> bool:
        """Form and start calls of ready operations while slots are free."""
        ledger = self.ports.ledger
        async with ledger.write() as tx:
            await ledger.work.promote(tx, lane=self.lane)
        started = False
        while self._room():
            batch = await self._next_batch(fence, flying=bool(self._flying))
            if not batch:
                break
            await self._writable()
            started = self._moved = True
            if opened := await self._opened(batch, fence):
                self._start(*opened, fence, resend=False)
        return started

    def _room(self) -> bool:
        return self.pace.room(len(self._flying), IN_FLIGHT) > 0

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
            self._paced(outcome)
            self._tell(outcome)
            if outcome.unclear:
                self._later(call)
            else:
                self._due.pop(call.id, None)
                if resend:
                    done, size = len(outcome.done), len(operations)
                    self.ports.log.info("unknown resolved", lane=self.lane, call=call.id, operations=size, done=done)
        finally:
            self._busy.discard(call.id)

    def _paced(self, outcome: Outcome) -> None:
        """Take from an outcome how fast the lane may go. One for which nobody was asked tells nothing."""
        if outcome.silent:
            self.pace.unheard(outcome.reason)
        elif outcome.held is not None:
            self.pace.hold(outcome.held, outcome.reason)
        elif (outcome.status or outcome.done or outcome.failed) and self.pace.heard():
            # It is back: what is unknown needn't wait for its turn any longer.
            self._due.clear()

    def _tell(self, outcome: Outcome) -> None:
        """Remember what calls wait for, for the screens; forgotten with the first call that gets through."""
        if outcome.done:
            self.waits = ""
        elif outcome.reason and (outcome.unclear or outcome.again):
            self.waits = outcome.reason

    def _later(self, call: Call) -> None:
        if self.pace.slow:
            # The lane's pace says when; a patience of its own beside that would only leave it untried.
            self._due.pop(call.id, None)
            return
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
            outcome = await sender.send(call, operations, resend=True)
            if outcome.status in (0, 429):
                # The repeat didn't get through; what became of the first try is as unknown as before.
                unclear = list(operations)
                return Outcome(unclear=unclear, reason=outcome.reason, silent=outcome.silent, held=outcome.held)
            return outcome
        return await sender.find_out(call, operations)
