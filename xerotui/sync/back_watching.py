"""The worker's eye on what goes back: when a webhook or a poll brought something, a plan of it is laid before a person.

Automatic pairs need none: their own passes take it along.
"""

import asyncio
import time
from collections.abc import Sequence

from xerotui.model.problems import SyncError
from xerotui.model.work import OPEN, Plan, PlanState, State, Topic
from xerotui.store import Db, Pair, Tx
from xerotui.sync import backing
from xerotui.sync.ports import Ports

# Machine seconds between two looks at pairs that have to wait, and that one in trouble is left alone.
LOOK = 1.0
REST = 60.0
_MARK = "back:"


class BackWatch:
    """One worker's drafting of what goes back; `turn` never waits for the network."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.task: asyncio.Task[None] | None = None
        self._look_at = 0.0
        self._seen: tuple[int, int] | None = None
        self._rests: dict[str, float] = {}

    async def turn(self) -> bool:
        """One look; True while a plan is worked out.

        Raises what a fault of the program raised.
        """
        if self.task is not None:
            if not self.task.done():
                return True
            task, self.task = self.task, None
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
        if time.monotonic() < self._look_at:
            return False
        db = await self.ports.book.read()
        pairs = [p for p in db.all_pairs() if _watched(db, p)]
        if not pairs:
            return False
        async with self.ports.ledger.read() as tx:
            counts = await self.ports.ledger.changes.read(tx)
        seen = (counts[Topic.SNAPSHOTS.value], db.revision)
        if seen == self._seen:
            return False
        due, later = await self._due(pairs)
        if later:
            # What waits for a run, or for a rest, is looked at again, but not at every turn.
            self._look_at = time.monotonic() + LOOK
        else:
            self._seen = seen
        if due:
            self.task = asyncio.create_task(self._draft(due))
        return bool(due)

    async def _due(self, pairs: list[Pair]) -> tuple[list[tuple[Pair, str]], bool]:
        """The pairs of which Xero's side changed, with what it now is; and whether any has to wait for a run."""
        ledger = self.ports.ledger
        due: list[tuple[Pair, str]] = []
        later = False
        async with ledger.read() as tx:
            running = await ledger.plans.list(tx, 50, states=(PlanState.APPLYING,))
            for pair in pairs:
                stamp = f"{await ledger.backs.stamp(tx, pair.tenant)} {sorted(k for k, on in pair.back.items() if on)}"
                if stamp == await ledger.marks.get(tx, _MARK + pair.key):
                    continue
                resting = self._rests.get(pair.key, 0.0) > time.monotonic()
                if resting or await _busy(self.ports, tx, pair, running):
                    later = True
                    continue
                due.append((pair, stamp))
        return due, later

    async def _draft(self, due: list[tuple[Pair, str]]) -> None:
        ports = self.ports
        for pair, stamp in due:
            try:
                await lay_before(ports, pair)
            except SyncError as error:
                self._rests[pair.key] = time.monotonic() + REST
                ports.log.info("what goes back waits", pair=pair.key, reason=error.sentence)
                continue
            except Exception:
                self._rests[pair.key] = time.monotonic() + REST
                raise
            async with ports.ledger.write() as tx:
                await ports.ledger.marks.set(tx, _MARK + pair.key, stamp)


async def _busy(ports: Ports, tx: Tx, pair: Pair, running: Sequence[Plan]) -> bool:
    """Whether a run has something to send for this organisation, or to read back from it."""
    for plan in running:
        if plan.connection == pair.source and pair.tenant in plan.tenants:
            states = (*OPEN, State.CONFIRMED)
            if await ports.ledger.work.find(tx, plan=plan.id, tenant=pair.tenant, states=states, limit=1):
                return True
    return False


async def lay_before(ports: Ports, pair: Pair) -> None:
    """Store a plan of what goes back, unless plans that wait hold all of it already."""
    known = await backing.waiting(ports, pair.source)
    draft = await backing.work_out(ports, pair.source, (pair.tenant,))
    if all(backing.signature(o) in known for o in draft.operations):
        return
    await backing.replaced(ports, pair.source, (pair.tenant,))
    plan = await backing.stored(ports, draft, pair.source, (pair.tenant,), "worker")
    ports.log.info("plan of what goes back", plan=plan.id, operations=len(draft.operations))


def _watched(db: Db, pair: Pair) -> bool:
    source, document = db.source(pair.source), db.tenant(pair.tenant)
    connected = source is not None and source.enabled and document is not None and bool(document.connection)
    return connected and pair.mode != "automatic" and any(pair.back.values())


__all__ = ["BackWatch", "lay_before"]
