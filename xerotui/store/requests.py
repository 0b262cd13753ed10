"""Requests: what people ask of the worker. Writes `requests`."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from xerotui.model.work import Request, RequestState, Topic
from xerotui.store import house_tables, tables
from xerotui.store.identity import WorkerIdentity, gone, me
from xerotui.store.keys import chunks, micros, moment
from xerotui.store.tx import Tx, machine
from xerotui.store.workers import SILENT_SECONDS

_table = tables.requests
_WAITING = RequestState.WAITING.value
_TAKEN = RequestState.TAKEN.value


class Requests:
    """The console writes them, the worker takes them; both meet in the ledger."""

    async def add(self, tx: Tx, request: Request) -> None:
        """Leave a request for the worker."""
        seq = int(await tx.scalar(select(func.coalesce(func.max(_table.c.seq), 0)))) + 1
        await tx.many(_table.insert(), [{**_values(request), "seq": seq, "worker": ""}])
        tx.bump(Topic.REQUESTS)

    async def take(self, tx: Tx, worker: WorkerIdentity) -> Request | None:
        """The oldest waiting request, now this worker's; None when there is none."""
        query = select(_table).where(_table.c.state == _WAITING).order_by(_table.c.seq).limit(1)
        row = await tx.one(query.with_for_update(skip_locked=True))
        if row is None:
            return None
        await tx.run(_table.update().where(_table.c.id == row.id).values(state=_TAKEN, worker=worker.key))
        tx.bump(Topic.REQUESTS)
        return msgspec.structs.replace(_request(row), state=RequestState.TAKEN)

    async def retake(self, tx: Tx, worker: WorkerIdentity) -> int:
        """Let requests wait anew whose worker is gone; those of `worker` itself stay. How many they were."""
        holders = await tx.all(select(_table.c.worker).where(_table.c.state == _TAKEN).distinct())
        dead = [row.worker for row in holders if row.worker != worker.key and await _dead(tx, row.worker)]
        held = (_table.c.state == _TAKEN) & _table.c.worker.in_(dead)
        count = await tx.run(_table.update().where(held).values(state=_WAITING, worker="")) if dead else 0
        if count:
            tx.bump(Topic.REQUESTS)
        return count

    async def progress(self, tx: Tx, id: str, text: str) -> None:
        """Say how far a request is, in words."""
        await self._set(tx, id, progress=text)

    async def finish(
        self, tx: Tx, id: str, *, answer: dict[str, str] | None = None, error: str = "", remedy: str = ""
    ) -> None:
        """Answer a request; with an error it has failed."""
        state = RequestState.FAILED if error else RequestState.DONE
        text = msgspec.json.encode(answer or {}).decode()
        await self._set(tx, id, state=state.value, answer=text, error=error, remedy=remedy)

    async def get(self, tx: Tx, id: str) -> Request | None:
        """One request."""
        row = await tx.one(select(_table).where(_table.c.id == id))
        return _request(row) if row else None

    async def many(self, tx: Tx, ids: Sequence[str]) -> dict[str, Request]:
        """Several requests by id."""
        found: dict[str, Request] = {}
        for some in chunks(ids):
            rows = await tx.all(select(_table).where(_table.c.id.in_(some)))
            found |= {row.id: _request(row) for row in rows}
        return found

    async def open(self, tx: Tx) -> list[Request]:
        """Requests that wait or are worked on, oldest first."""
        query = select(_table).where(_table.c.state.in_((_WAITING, _TAKEN))).order_by(_table.c.seq)
        return [_request(row) for row in await tx.all(query)]

    async def _set(self, tx: Tx, id: str, **values: str) -> None:
        await tx.run(_table.update().where(_table.c.id == id).values(**values))
        tx.bump(Topic.REQUESTS)


async def _dead(tx: Tx, key: str) -> bool:
    if gone(WorkerIdentity.parse(key)):
        return True
    row = await tx.one(select(house_tables.workers).where(house_tables.workers.c.key == key))
    if row is None:
        return False
    mine = WorkerIdentity.parse(key).host == me().host
    return bool(row.ended) or (not mine and row.beat < machine() - SILENT_SECONDS * 1_000_000)


def _values(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "verb": request.verb,
        "args": msgspec.json.encode(request.args).decode(),
        "actor": request.actor,
        "state": request.state.value,
        "created": micros(request.created),
        "answer": msgspec.json.encode(request.answer).decode(),
        "error": request.error,
        "remedy": request.remedy,
        "progress": request.progress,
    }


def _request(row: Any) -> Request:
    return Request(
        id=row.id,
        verb=row.verb,
        args=msgspec.json.decode(row.args, type=dict[str, str]),
        actor=row.actor,
        state=RequestState(row.state),
        created=moment(row.created),
        answer=msgspec.json.decode(row.answer, type=dict[str, str]),
        error=row.error,
        remedy=row.remedy,
        progress=row.progress,
    )
