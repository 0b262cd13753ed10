"""Lanes: who may write for a tenant or source connection. Machine time. Writes `lanes`."""

import msgspec
from sqlalchemy import select

from xerotui.model.work import Topic
from xerotui.store import house_tables
from xerotui.store.errors import Fenced
from xerotui.store.identity import Fence, WorkerIdentity, gone
from xerotui.store.tx import Tx, machine

SECOND = 1_000_000


class LaneRow(msgspec.Struct, frozen=True):
    """A lane as screens show it; `worker` is None when nobody holds it."""

    lane: str
    fence: int
    worker: WorkerIdentity | None
    seconds_left: float


def free(holder: str, until: int, seconds: float, now: int) -> bool:
    """Whether a lease may be taken: nobody holds it, it ran out, or its holder's process is provably gone."""
    if not holder or until <= now:
        return True
    # The clock went back: no lease can be due that late, so it is not waited for longer than a lease.
    if until > now + int(2 * seconds * SECOND):
        return False
    try:
        return gone(WorkerIdentity.parse(holder))
    except ValueError:
        return False


class Lanes:
    """Leases of lanes with fences that only grow: DESIGN section 5."""

    async def take(self, tx: Tx, lane: str, worker: WorkerIdentity, lease_seconds: float) -> Fence | None:
        """The right to write for a lane until the lease runs out, or None while another living process has it.

        A process may take its own lane anew: the older fence is void then.
        """
        table = house_tables.lanes
        now = machine()
        until = now + int(lease_seconds * SECOND)
        row = await tx.one(select(table).where(table.c.lane == lane).with_for_update())
        if row is None:
            await tx.upsert(table, [_row(lane, 1, worker.key, now, until)])
            tx.bump(Topic.WORKERS)
            return Fence(lane, 1, worker)
        if row.worker != worker.key and not free(row.worker, row.until, lease_seconds, now):
            if row.until > until + int(lease_seconds * SECOND):
                await tx.run(table.update().where(table.c.lane == lane).values(until=until))
            return None
        await tx.upsert(table, [_row(lane, row.fence + 1, worker.key, now, until)])
        tx.bump(Topic.WORKERS)
        return Fence(lane, row.fence + 1, worker)

    async def beat(self, tx: Tx, fence: Fence, lease_seconds: float = 60.0) -> None:
        """Lengthen the lease from now.

        Raises Fenced when the lane is another's.
        """
        await self.check(tx, fence)
        now = machine()
        values = {"beat": now, "until": now + int(lease_seconds * SECOND)}
        await tx.run(house_tables.lanes.update().where(house_tables.lanes.c.lane == fence.lane).values(**values))

    async def release(self, tx: Tx, fence: Fence) -> None:
        """Give the lane back; of no effect when it is another's already."""
        table = house_tables.lanes
        mine = (table.c.lane == fence.lane) & (table.c.fence == fence.number)
        if await tx.run(table.update().where(mine).values(worker="", until=0)):
            tx.bump(Topic.WORKERS)

    async def check(self, tx: Tx, fence: Fence) -> None:
        """Nothing when the lane is still held under this fence.

        Raises Fenced otherwise.
        """
        await check(tx, fence)

    async def list(self, tx: Tx) -> list[LaneRow]:
        """Every lane that was ever taken, by name."""
        now = machine()
        return [
            LaneRow(
                row.lane,
                row.fence,
                WorkerIdentity.parse(row.worker) if row.worker else None,
                max(0.0, (row.until - now) / SECOND) if row.worker else 0.0,
            )
            for row in await tx.all(select(house_tables.lanes).order_by(house_tables.lanes.c.lane))
        ]


def _row(lane: str, fence: int, worker: str, now: int, until: int) -> dict[str, object]:
    return {"lane": lane, "fence": fence, "worker": worker, "taken": now, "beat": now, "until": until}


async def check(tx: Tx, fence: Fence) -> None:
    """Raises Fenced unless the lane is held under this fence. A lapsed lease nobody took is still good."""
    table = house_tables.lanes
    query = select(table.c.fence, table.c.worker).where(table.c.lane == fence.lane)
    row = await tx.one(query.with_for_update() if tx.writing else query)
    if row is None or row.fence != fence.number or row.worker != fence.worker.key:
        raise Fenced(f"the lane {fence.lane} is held by another worker")
