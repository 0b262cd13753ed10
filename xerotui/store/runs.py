"""Runs: how the carrying out of each plan went. Writes `runs`."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from xerotui.model.work import PlanKind, Run, Topic
from xerotui.store import tables
from xerotui.store.keys import instant, micros, moment
from xerotui.store.tx import Tx

_table = tables.runs


class Runs:
    """Runs, newest first."""

    async def start(self, tx: Tx, run: Run) -> None:
        """Enter a run, or begin the same one anew after a worker went away."""
        await tx.upsert(_table, [_values(run)])
        tx.bump(Topic.PLANS)

    async def progress(
        self, tx: Tx, id: str, counts: dict[str, int], calls: int, total: int | None = None, error: str = ""
    ) -> None:
        """Say how far a run is: operations by state, calls made, and what holds it up just now."""
        values: dict[str, Any] = {"counts": msgspec.json.encode(counts).decode(), "calls": calls, "error": error}
        await self._set(tx, id, values if total is None else {**values, "total": total})

    async def finish(
        self, tx: Tx, id: str, counts: dict[str, int], calls: int, ended: dt.datetime, error: str = ""
    ) -> None:
        """Close a run; with an error it stopped for a reason of its own."""
        values = {"counts": msgspec.json.encode(counts).decode(), "calls": calls, "ended": micros(ended)}
        await self._set(tx, id, {**values, "error": error})

    async def get(self, tx: Tx, id: str) -> Run | None:
        """One run."""
        row = await tx.one(select(_table).where(_table.c.id == id))
        return _run(row) if row else None

    async def of_plan(self, tx: Tx, plan: str) -> Run | None:
        """The newest run of a plan."""
        row = await tx.one(select(_table).where(_table.c.plan == plan).order_by(_table.c.started.desc()).limit(1))
        return _run(row) if row else None

    async def list(self, tx: Tx, limit: int = 50) -> Sequence[Run]:
        """Runs, newest first."""
        query = select(_table).order_by(_table.c.started.desc(), _table.c.id.desc()).limit(limit)
        return [_run(row) for row in await tx.all(query)]

    async def _set(self, tx: Tx, id: str, values: dict[str, Any]) -> None:
        await tx.run(_table.update().where(_table.c.id == id).values(**values))
        tx.bump(Topic.PLANS)


def _values(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "plan": run.plan,
        "kind": run.kind.value,
        "started": micros(run.started),
        "ended": micros(run.ended),
        "total": run.total,
        "counts": msgspec.json.encode(run.counts).decode(),
        "calls": run.calls,
        "error": run.error,
    }


def _run(row: Any) -> Run:
    return Run(
        id=row.id,
        plan=row.plan,
        kind=PlanKind(row.kind),
        started=moment(row.started),
        ended=instant(row.ended),
        total=row.total,
        counts=msgspec.json.decode(row.counts, type=dict[str, int]),
        calls=row.calls,
        error=row.error,
    )
