"""Worker processes as they register themselves. Machine time. Writes `workers`."""

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import select

from xerotui.model.work import Topic
from xerotui.store import house_tables
from xerotui.store.identity import WorkerIdentity, gone, me
from xerotui.store.keys import moment
from xerotui.store.tx import Tx, machine

# Without a beat for this long, a worker of another host counts as gone; one of this host is asked of the kernel.
SILENT_SECONDS = 60


class WorkerRow(msgspec.Struct, frozen=True):
    """A worker; `state` is running, draining or locked, `silent` the seconds since its last beat."""

    identity: WorkerIdentity
    version: str
    state: str
    since: dt.datetime
    silent: float


class Workers:
    """Which workers there are."""

    async def register(self, tx: Tx, identity: WorkerIdentity, version: str, state: str = "running") -> None:
        """Enter this process, and strike out workers that are provably gone."""
        now = machine()
        row = {"key": identity.key, "version": version, "state": state, "since": now, "beat": now, "ended": 0}
        await tx.upsert(house_tables.workers, [row])
        table = house_tables.workers
        others = await tx.all(select(table.c.key).where(table.c.ended == 0))
        dead = [other.key for other in others if gone(WorkerIdentity.parse(other.key))]
        await tx.run(table.update().where(table.c.key.in_(dead)).values(ended=now))
        tx.bump(Topic.WORKERS)

    async def beat(self, tx: Tx, identity: WorkerIdentity) -> None:
        """Say that this process lives. No news: the counter stays, so that idle screens stay idle."""
        await tx.run(
            house_tables.workers.update().where(house_tables.workers.c.key == identity.key).values(beat=machine())
        )

    async def set_state(self, tx: Tx, identity: WorkerIdentity, state: str) -> None:
        """Say running, draining or locked."""
        values = {"state": state, "beat": machine()}
        await tx.run(house_tables.workers.update().where(house_tables.workers.c.key == identity.key).values(**values))
        tx.bump(Topic.WORKERS)

    async def end(self, tx: Tx, identity: WorkerIdentity) -> None:
        """Say that this process ends."""
        await tx.run(
            house_tables.workers.update().where(house_tables.workers.c.key == identity.key).values(ended=machine())
        )
        tx.bump(Topic.WORKERS)

    async def alive(self, tx: Tx) -> list[WorkerRow]:
        """Workers that run: asked of the kernel on this host, judged by their beat on others; oldest first."""
        table = house_tables.workers
        rows = await tx.all(select(table).where(table.c.ended == 0).order_by(table.c.since, table.c.key))
        return [row for row in map(_worker, rows) if _lives(row)]


def _worker(row: Any) -> WorkerRow:
    silent = (machine() - row.beat) / 1_000_000
    return WorkerRow(WorkerIdentity.parse(row.key), row.version, row.state, moment(row.since), silent)


def _lives(worker: WorkerRow) -> bool:
    if worker.identity.host == me().host:
        return not gone(worker.identity)
    return worker.silent < SILENT_SECONDS
