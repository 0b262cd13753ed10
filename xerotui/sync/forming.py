"""A lane's next call: which ready operations leave together, formed and stored before they do.

Sending it, and when, is `lane`'s.
"""

import datetime as dt
from collections.abc import Sequence

from xerotui.model.kinds import WRITE_ORDER, Kind, Side
from xerotui.model.problems import SyncError
from xerotui.model.work import Call, Operation, State, Verb
from xerotui.store import Fence, Tx
from xerotui.sync import archiving, back, native
from xerotui.sync.current import by_reason, mappings_now, outdated
from xerotui.sync.noting import too_dear
from xerotui.sync.numbering import apart
from xerotui.sync.outcomes import Failed
from xerotui.sync.plan import together
from xerotui.sync.ports import Ports
from xerotui.sync.send_source import SourceSender
from xerotui.sync.send_xero import XeroSender
from xerotui.sync.settle import failure, tell
from xerotui.sync.switched import off_now

# Verbs in the order in which a kind's operations leave.
VERBS = (
    Verb.CREATE,
    Verb.HAND_OVER,
    Verb.UPDATE,
    Verb.ATTACH,
    Verb.ALLOCATE,
    Verb.SETTLE,
    Verb.ARCHIVE,
    Verb.VOID,
    Verb.DELETE,
)
# World time after which it is looked at again whether the source's own sync still stands against a write.
GUARDED = dt.timedelta(minutes=5)
# What waits until nothing else of the lane can go.
LAST = (Verb.NOTE,)


class Forming:
    """Forms one lane's calls. Halves of refused calls are kept here until they have left."""

    def __init__(self, ports: Ports, lane: str) -> None:
        self.ports = ports
        self.lane = lane
        side, _, name = lane.partition(":")
        self.sender: XeroSender | SourceSender = (
            XeroSender(ports, lane, name) if side == "xero" else SourceSender(ports, lane, name)
        )
        self._halves: list[list[str]] = []

    async def _opened(self, batch: Sequence[Operation], fence: Fence) -> tuple[Call, list[Operation]] | None:
        """The call of a batch, stored; None when nothing of it leaves now.

        What is out of date is superseded in the same transaction, alone (DESIGN 4.4): no plan or link that came in
        between is overlooked, whether the approval was a moment ago or what it waited for took days.
        """
        ledger = self.ports.ledger
        if await self._left_out(batch, fence):
            return None
        batch = await self._unguarded(batch, fence)
        mappings = await mappings_now(self.ports, batch)
        needed = await archiving.needed(self.ports, batch)
        async with ledger.write() as tx:
            late = needed | await outdated(self.ports, tx, batch, mappings)
            late |= await back.outdated(self.ports, tx, batch)
            for why, ids in by_reason(late).items():
                await ledger.work.move(tx, ids, State.SUPERSEDED, frm=(State.READY,), fence=fence, error=why)
                batch = [o for o in batch if o.id not in ids]
            if not batch:
                return None
            try:
                call = self.sender.form(batch)
            except Exception as error:
                await self._unformed(tx, batch, error, fence)
                return None
            # What is compared later is what was sent: contacts that only became known now are part of it.
            stored = {o.id: o.body for o in await ledger.work.get(tx, [o.id for o in batch])}
            await ledger.work.rewrite(tx, [(o.id, o.body) for o in batch if stored.get(o.id) != o.body])
            await ledger.work.open_call(tx, call, fence)
        return call, list(batch)

    async def _left_out(self, batch: Sequence[Operation], fence: Fence) -> bool:
        """Leave a history note out, with words, where the day's calls are needed for documents."""
        if batch[0].verb is not Verb.NOTE or not isinstance(self.sender, XeroSender):
            return False
        why = await too_dear(await self.ports.xero(self.sender.tenant))
        if why:
            async with self.ports.ledger.write() as tx:
                ids = [o.id for o in batch]
                await self.ports.ledger.work.move(tx, ids, State.CANCELLED, frm=(State.READY,), fence=fence, error=why)
        return bool(why)

    async def _unguarded(self, batch: Sequence[Operation], fence: Fence) -> list[Operation]:
        """Put off what the source's own sync writes as well, and give what is left."""
        waiting = await native.waits(self.ports, batch)
        if waiting:
            later = self.ports.clock.now() + GUARDED
            async with self.ports.ledger.write() as tx:
                for why, ids in by_reason(waiting).items():
                    await self.ports.ledger.work.move(
                        tx, ids, State.READY, frm=(State.READY,), fence=fence, error=why, not_before=later
                    )
        return [o for o in batch if o.id not in waiting]

    async def _unformed(self, tx: Tx, batch: Sequence[Operation], error: Exception, fence: Fence) -> None:
        """No call can be made of these: halved until the culprit is alone, and that one is set aside with words."""
        if len(batch) > 1:
            self._split([o.id for o in batch])
            return
        said = error.sentence if isinstance(error, SyncError) else f"no call can be made of it ({type(error).__name__})"
        if not isinstance(error, SyncError):
            self.ports.log.error("call not formed", operation=batch[0].id, error=type(error).__name__, exc_info=True)
        await self._park(tx, [Failed(batch[0], "core.parked", said, parked=True)], fence)

    async def _park(self, tx: Tx, failed: Sequence[Failed], fence: Fence) -> None:
        for why, ids in by_reason({f.operation.id: f.said for f in failed}).items():
            await self.ports.ledger.work.move(tx, ids, State.PARKED, frm=(State.READY,), fence=fence, error=why)
        await tell(self.ports, tx, [(f.operation, [failure(f)]) for f in failed])

    async def _next_batch(self, fence: Fence, *, flying: bool) -> list[Operation]:
        """The next call's operations: a half of a refused call, else a full batch, else the rest of a kind.

        A batch that isn't full waits while more of its kind and verb may still become ready, so that calls are
        as few as can be.
        """
        ledger = self.ports.ledger
        off = await off_now(self.ports)
        for part in list(self._halves):
            async with ledger.read() as tx:
                members = await ledger.work.get(tx, part)
            if any(o.state in (State.SENDING, State.UNKNOWN) for o in members):
                # What halved them is just being written down.
                continue
            now = self.ports.clock.now()
            if any(o.state is State.READY and o.not_before and o.not_before > now for o in members):
                continue
            if any(o.connection in off for o in members):
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
            size = together(verb) if isinstance(self.sender, XeroSender) else await self.sender.batch(verb)
            coming = counts.get((self._side(), kind, verb, State.APPROVED), 0)
            if ready < size and coming and flying:
                continue
            async with ledger.read() as tx:
                batch = await ledger.work.ready_batch(tx, self.lane, kind, verb, size, but=off)
            halved = {id for half in self._halves for id in half}
            batch = await self._completed(apart([o for o in batch if o.id not in halved]), fence)
            if batch:
                return batch
        return []

    def _side(self) -> Side:
        return Side.XERO if isinstance(self.sender, XeroSender) else Side.SOURCE

    def _order(self) -> list[tuple[Kind, Verb]]:
        # Tax rates go into sources alone, before what names them.
        kinds = (Kind.TAX_RATE, *WRITE_ORDER)
        return [(kind, verb) for verbs in (VERBS, LAST) for kind in kinds for verb in verbs]

    async def _completed(self, batch: list[Operation], fence: Fence) -> list[Operation]:
        """The batch with contacts filled in; documents whose contact has no link are set aside with words."""
        if not isinstance(self.sender, XeroSender):
            return batch
        ready, orphans = await self.sender.complete(batch)
        if orphans:
            said = "its contact isn't linked with one in Xero"
            async with self.ports.ledger.write() as tx:
                await self._park(tx, [Failed(o, "core.dependency", said, parked=True) for o in orphans], fence)
        return ready

    def _split(self, ids: list[str]) -> None:
        """Halve a call that was refused whole, until the culprit is alone (DESIGN section 5).

        Before the refusal is written down: from then on the halves may leave, but never together again.
        """
        middle = len(ids) // 2
        self._halves += [ids[:middle], ids[middle:]]
