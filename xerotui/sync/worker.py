"""The worker: one coroutine that answers requests, works the lanes, ends runs and follows up on fixed causes."""

import asyncio
import datetime as dt
import time
from typing import Any, TypeVar

from xerotui.model.problems import SyncError
from xerotui.model.work import OPEN, Plan, PlanState, Run
from xerotui.store.documents import AUTOMATIC
from xerotui.sync import generating, handing
from xerotui.sync.applying import apply
from xerotui.sync.back_watching import BackWatch
from xerotui.sync.desk import Desk
from xerotui.sync.import_taxes import map_imported
from xerotui.sync.keeping import Keeping
from xerotui.sync.lane import REST, LaneRunner
from xerotui.sync.plan import source_lane, xero_lane
from xerotui.sync.planning import follow_up
from xerotui.sync.policy_runs import Automatic, for_a_person
from xerotui.sync.ports import Ports
from xerotui.sync.retention import Retention
from xerotui.sync.start_line import prove
from xerotui.sync.switched import off_now, working
from xerotui.sync.verify import verify_run
from xerotui.sync.waiting import tell_waiting
from xerotui.sync.watching import Watcher

# The mark under which the ledger keeps the book's revision whose consequences were drawn.
DRAWN = "book.drawn"
# What `serve` returns when work is left that can't go: "trouble with the worker" of the command line.
HELD_UP = 5
# World time for which the proof of a run is tried again; then it ends with words, its documents confirmed.
UNPROVEN = dt.timedelta(hours=3)
# Machine seconds of pause between two tries: the longest, and that from which on `until_idle` leaves it at that.
LONGEST, PAUSE = 60.0, 8.0
# How often a side may be in trouble before `until_idle` leaves its work for another time.
PATIENCE = 2
T = TypeVar("T")


class Worker:
    """State of one serving worker."""

    def __init__(self, ports: Ports, stop: asyncio.Event, *, polls: bool = True) -> None:
        self.ports = ports
        self.stop = stop
        self.desk = Desk(ports)
        self.watcher = Watcher(ports)
        self.keeping = Keeping(ports)
        self.back = BackWatch(ports)
        self.automatic = Automatic(ports, once=not polls)
        self.retention = Retention(ports)
        self.polls = polls
        self.lanes: dict[str, LaneRunner] = {}
        self.running: dict[str, asyncio.Task[bool]] = {}
        self.desk_task: asyncio.Task[bool] | None = None
        # Plans whose proof is put off: until when, for how long, and since when in world time.
        self.put_off: dict[str, tuple[float, float, dt.datetime]] = {}
        # True when all that is under way waits for its proof alone, and has done so for some time.
        self.unproven = False
        # What the worker itself stumbled over, shown on the runs under way until it goes again.
        self.trouble: dict[str, str] = {}
        self.again_at: dict[str, float] = {}
        self.drawing: asyncio.Task[None] | None = None
        # The revision of the book whose consequences each pair has, where another one still stumbles over it.
        self.drawn: dict[str, str] = {}

    async def turn(self) -> bool:
        """One round; True when there is or was something to do."""
        busy = await self._requests()
        busy = await self._book() or busy
        busy = await self._automatic() or busy
        busy = await self._start_lanes() or busy
        busy = await self._watch() or busy
        busy = self._keep() or busy
        busy = await self._clear() or busy
        busy = await self._back() or busy
        return await self._runs() or busy

    async def _automatic(self) -> bool:
        """Ask for a pass of each automatic pair whose time has come; trouble there takes nothing else down."""
        if self._rests("automatic pairs"):
            return False
        try:
            busy = await self.automatic.turn()
        except Exception as error:
            self._stumbled("automatic pairs", error)
            return False
        self.trouble.pop("automatic pairs", None)
        return busy

    async def _watch(self) -> bool:
        """Read what changed in Xero; trouble there takes nothing else down."""
        if self._rests("watching Xero"):
            return False
        try:
            busy = await self.watcher.turn(polls=self.polls)
        except Exception as error:
            self._stumbled("watching Xero", error)
            return False
        self.trouble.pop("watching Xero", None)
        return busy

    async def _back(self) -> bool:
        """Lay before a person what goes back into a source; trouble there takes nothing else down."""
        if self._rests("what goes back"):
            return False
        try:
            busy = await self.back.turn()
        except Exception as error:
            self._stumbled("what goes back", error)
            return False
        self.trouble.pop("what goes back", None)
        return busy

    def _keep(self) -> bool:
        """Keep unused logins alive; trouble there takes nothing else down."""
        if self._rests("keeping logins"):
            return False
        try:
            busy = self.keeping.turn()
        except Exception as error:
            self._stumbled("keeping logins", error)
            return False
        self.trouble.pop("keeping logins", None)
        return busy

    async def _clear(self) -> bool:
        """Let go what was kept long enough; trouble there takes nothing else down."""
        if self._rests("clearing up"):
            return False
        try:
            busy = await self.retention.turn()
        except Exception as error:
            self._stumbled("clearing up", error)
            return False
        self.trouble.pop("clearing up", None)
        return busy

    def _ended(self, what: str, task: asyncio.Task[T]) -> T | None:
        """The result of a task that is over; one that failed is told, rests, and takes nothing else down."""
        error = None if task.cancelled() else task.exception()
        if error is None:
            self.trouble.pop(what, None)
            return None if task.cancelled() else task.result()
        self._stumbled(what, error)
        return None

    def _stumbled(self, what: str, error: BaseException) -> None:
        name = type(error).__name__
        self.ports.log.error("worker stumbled", over=what, error=name, exc_info=error)
        self.trouble[what] = f"The worker stumbled over {what} ({name}); see its log."
        self.again_at[what] = time.monotonic() + REST

    def _rests(self, what: str) -> bool:
        return self.again_at.get(what, 0.0) > time.monotonic()

    async def _requests(self) -> bool:
        if self.desk_task is not None and self.desk_task.done():
            task, self.desk_task = self.desk_task, None
            self._ended("requests", task)
        if self.desk_task is None:
            if self._rests("requests"):
                return False
            async with self.ports.ledger.read() as tx:
                waiting = await self.ports.ledger.requests.open(tx)
            if not waiting:
                return False
            self.desk_task = asyncio.create_task(self.desk.work())
        return True

    async def _book(self) -> bool:
        """Draw the consequences of a saved mapping: what waited for it goes into a follow-up plan (B5)."""
        if self.drawing is not None:
            if not self.drawing.done():
                return True
            task, self.drawing = self.drawing, None
            self._ended("follow-ups", task)
        if self._rests("follow-ups"):
            return False
        revision = str((await self.ports.book.read()).revision)
        async with self.ports.ledger.read() as tx:
            drawn = await self.ports.ledger.marks.get(tx, DRAWN)
        if drawn == revision:
            return False
        self.drawing = asyncio.create_task(self._draw(revision))
        return True

    async def _draw(self, revision: str) -> None:
        db = await self.ports.book.read()
        first: Exception | None = None
        for pair in working(db):
            if self.drawn.get(pair.key) == revision:
                continue
            try:
                plan = await follow_up(self.ports, pair.source, pair.tenant, "worker")
                if plan is not None:
                    await self._approve_in_advance(plan)
            except SyncError as error:
                self.ports.log.info("follow-up waits", pair=f"{pair.source}/{pair.tenant}", reason=error.sentence)
            except Exception as error:
                # What one pair stumbles over keeps no other waiting; it alone is tried again.
                first = first or error
                continue
            self.drawn[pair.key] = revision
        if first is not None:
            raise first
        async with self.ports.ledger.write() as tx:
            await self.ports.ledger.marks.set(tx, DRAWN, revision)

    async def _approve_in_advance(self, plan: Plan) -> None:
        """Let a follow-up go at once when its plan was approved with `follow` and lists all of it as blocked."""
        if not plan.follow:
            return
        ledger = self.ports.ledger
        async with ledger.read() as tx:
            blocked = await ledger.plans.blocked(tx, plan.follows)
            operations = await ledger.work.find(tx, plan=plan.id)
        listed = {(b.record.kind, b.record.id, b.record.tenant) for b in blocked}
        if all((o.kind, o.record, o.tenant) in listed and not for_a_person(o) for o in operations):
            # Through the same door as a person's approval: both sides are read, and drift refuses it.
            await apply(self.ports, plan.id, plan.hash, "worker (approved in advance)", follow=True)

    async def _start_lanes(self) -> bool:
        for lane in [lane for lane, task in self.running.items() if task.done()]:
            self._ended(f"the lane {lane}", self.running.pop(lane))
            if self._rests(f"the lane {lane}"):
                self.lanes[lane].retry_at = time.monotonic() + REST
        off = await off_now(self.ports)
        async with self.ports.ledger.read() as tx:
            open_lanes = await self.ports.ledger.work.lanes(tx, but=off)
        waiting = False
        for lane in open_lanes:
            if lane in self.running:
                continue
            runner = self.lanes.setdefault(lane, LaneRunner(self.ports, lane))
            if runner.pace.held or runner.retry_at > time.monotonic():
                waiting = True
                continue
            self.running[lane] = asyncio.create_task(runner.run(self.stop))
        return bool(self.running) or waiting

    def held_up(self) -> bool:
        """True when all that is left waits for sides that were in trouble again and again."""
        now = time.monotonic()
        resting = [runner for runner in self.lanes.values() if runner.retry_at > now or runner.pace.held]
        idle = not self.running and self.desk_task is None and self.drawing is None and self.watcher.task is None
        if not idle:
            return False
        return self.unproven or (bool(resting) and all(r.rests >= PATIENCE or r.pace.held for r in resting))

    async def _runs(self) -> bool:
        """Tell how far runs are; end those whose operations are all settled, after reading back."""
        ledger = self.ports.ledger
        async with ledger.read() as tx:
            plans = await ledger.plans.list(tx, 20, states=(PlanState.APPLYING,))
        for plan in plans:
            async with ledger.read() as tx:
                run = await ledger.runs.of_plan(tx, plan.id)
                counts = await ledger.work.counts(tx, plan=plan.id)
            if run is None:
                continue
            states: dict[str, int] = {}
            for (_, _, _, state), n in counts.items():
                states[state.value] = states.get(state.value, 0) + n
            if any(states.get(state.value) for state in OPEN):
                await self._progress(run, states, self._held_up(plan))
                continue
            await self._end(plan, run)
        # What waits for a source that is off keeps nobody busy.
        off = await off_now(self.ports)
        left = [plan.id for plan in plans if plan.connection not in off]
        self.unproven = bool(left) and all(id in self.put_off and self.put_off[id][1] >= PAUSE for id in left)
        return bool(left)

    def _held_up(self, plan: Plan) -> str:
        """Why a run doesn't get on just now: what its lanes and the worker itself are in trouble with."""
        lanes = [*(xero_lane(tenant) for tenant in plan.tenants), source_lane(plan.connection)]
        said = [self.lanes[lane].trouble or self.lanes[lane].waits for lane in lanes if lane in self.lanes]
        return " ".join(dict.fromkeys(words for words in [*said, *self.trouble.values()] if words))

    async def _progress(self, run: Run, states: dict[str, int], trouble: str) -> None:
        if run.counts == states and run.error == trouble:
            return
        async with self.ports.ledger.write() as tx:
            total = sum(states.values())
            await self.ports.ledger.runs.progress(tx, run.id, states, run.calls, total=total, error=trouble)

    async def _end(self, plan: Plan, run: Run) -> None:
        ledger = self.ports.ledger
        if plan.id in self.put_off and self.put_off[plan.id][0] > time.monotonic():
            return
        error = ""
        try:
            await map_imported(self.ports, plan)
            await handing.tidy(self.ports, plan)
            await verify_run(self.ports, plan)
            await self._numbered(plan)
        except SyncError as trouble:
            # Nothing is lost: the documents are confirmed, the proof is tried again soon, then every minute.
            if not self._put_off(plan) and not await self._parted(plan):
                self.ports.log.warning("read-back waits", plan=plan.id, reason=trouble.sentence)
                return
            error = f"Not read back: {trouble.sentence}"
        except Exception as trouble:
            self._stumbled("reading back", trouble)
            if not self._put_off(plan):
                return
            error = f"Not read back: the worker stumbled ({type(trouble).__name__}); see its log."
        self.trouble.pop("reading back", None)
        self.put_off.pop(plan.id, None)
        async with ledger.write() as tx:
            await tell_waiting(self.ports, tx, plan)
            counts = await ledger.work.counts(tx, plan=plan.id)
            states: dict[str, int] = {}
            for (_, _, _, state), n in counts.items():
                states[state.value] = states.get(state.value, 0) + n
            calls = await ledger.work.calls_made(tx, plan.id)
            await ledger.plans.set_state(tx, plan.id, PlanState.DONE, frm=(PlanState.APPLYING,))
            await prove(self.ports, tx, plan)
            await ledger.runs.finish(tx, run.id, states, calls, self.ports.clock.now(), error)
        self.ports.log.info("run ended", run=run.id, plan=plan.id, calls=calls, **states)

    async def _numbered(self, plan: Plan) -> None:
        """Let go what waited for the numbers that a run wrote into the source."""
        if not await generating.written(self.ports, plan):
            return
        for tenant in await generating.wanting(self.ports, plan):
            released = await follow_up(self.ports, plan.connection, tenant, "worker")
            if released is not None:
                await self._approve_in_advance(released)

    async def _parted(self, plan: Plan) -> bool:
        """True when an organisation of a plan isn't connected any more: it may never be read again."""
        db = await self.ports.book.read()
        documents = [db.tenant(tenant) for tenant in plan.tenants]
        return any(document is None or not document.connection for document in documents)

    def _put_off(self, plan: Plan) -> bool:
        """Try a proof again later; True when that was done for too long."""
        now = self.ports.clock.now()
        _, before, since = self.put_off.get(plan.id, (0.0, 0.0, now))
        wait = min(LONGEST, max(2.0, 2 * before))
        self.put_off[plan.id] = (time.monotonic() + wait, wait, since)
        return before >= LONGEST and now - since > UNPROVEN

    async def pause(self, seconds: float) -> None:
        """Let machine seconds pass; what was begun and is over, or the word to stop, ends that at once."""
        begun: list[asyncio.Task[Any]] = [*self.running.values()]
        begun += [task for task in (self.desk_task, self.drawing) if task is not None]
        told = asyncio.create_task(self.stop.wait())
        await asyncio.wait((told, *begun), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()

    async def drain(self) -> None:
        """Let calls on their way end, then leave."""
        self.stop.set()
        tasks: list[asyncio.Task[bool]] = [*self.running.values()]
        if self.desk_task is not None:
            self.desk_task.cancel()
        if self.drawing is not None:
            self.drawing.cancel()
        for reading in (self.watcher.task, self.keeping.task, self.back.task):
            if reading is not None:
                reading.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=60)


async def serve(ports: Ports, stop: asyncio.Event, *, until_idle: bool = False, poll: bool = False) -> int:
    """Be the worker until stopped; with `until_idle` until there is nothing left that can go now.

    A worker that lives reads what changed in Xero from time to time; with `poll` it lives on for that alone.
    Registers itself with a heartbeat in machine time. Returns 0, or HELD_UP when `until_idle` gave up on a side
    that couldn't be reached: the work stays in the ledger.
    """
    ledger = ports.ledger
    async with ledger.write() as tx:
        await ledger.workers.register(tx, ports.identity, ports.version)
    worker = Worker(ports, stop, polls=not until_idle)
    beating = asyncio.create_task(_beat(ports))
    idle_since = time.monotonic()
    quiet = 0
    code = 0
    try:
        while not stop.is_set():
            if until_idle and worker.held_up():
                code = HELD_UP
                break
            if await worker.turn():
                idle_since = time.monotonic()
                quiet = 0
            else:
                quiet += 1
                if until_idle and quiet >= 2:
                    break
                if time.monotonic() - idle_since > ports.idle_minutes * 60 and not (poll or await _automatic(ports)):
                    break
            # The second look of who only stays until idle is for what the first one just missed.
            await worker.pause(0.02 if until_idle and quiet else 0.1 if quiet < 20 else 0.4)
    finally:
        async with ledger.write() as tx:
            await ledger.workers.set_state(tx, ports.identity, "draining")
        await worker.drain()
        beating.cancel()
        async with ledger.write() as tx:
            await ledger.workers.end(tx, ports.identity)
    return code


async def _automatic(ports: Ports) -> bool:
    return any(pair.mode == AUTOMATIC for pair in (await ports.book.read()).all_pairs())


async def _beat(ports: Ports) -> None:
    while True:
        await asyncio.sleep(ports.beat)
        async with ports.ledger.write() as tx:
            await ports.ledger.workers.beat(tx, ports.identity)


__all__ = ["DRAWN", "Worker", "serve"]
