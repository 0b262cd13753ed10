"""The audit: who did what, each row chained to the one before by its hash. Writes `audit` and `audit_head`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import select

from xerotui.model.work import Topic
from xerotui.store import house_tables
from xerotui.store.keys import micros, moment
from xerotui.store.tx import Tx

_table = house_tables.audit
_head = house_tables.audit_head
_CHAIN = "audit"
_STEP = 1000


class AuditRow(msgspec.Struct, frozen=True):
    """One entry; `seq` counts from 1 without gaps."""

    seq: int
    at: dt.datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str


class Audit:
    """Rows are only ever added. The head is kept apart, so that a cut-off end shows as well."""

    async def append(
        self, tx: Tx, actor: str, action: str, subject: str, detail: Mapping[str, Any], now: dt.datetime
    ) -> int:
        """Add an entry; its number. `detail` must be of JSON's kinds, decimals become texts; never a secret."""
        return await self.append_many(tx, actor, [(action, subject, detail)], now)

    async def append_many(
        self, tx: Tx, actor: str, entries: Sequence[tuple[str, str, Mapping[str, Any]]], now: dt.datetime
    ) -> int:
        """As `append`, for several entries (action, subject, detail) in their order; the last one's number."""
        head = await tx.one(select(_head).where(_head.c.name == _CHAIN).with_for_update())
        seq, previous = (head.seq, head.hash) if head else (0, "")
        rows: list[dict[str, Any]] = []
        for action, subject, detail in entries:
            seq += 1
            row = {
                "seq": seq,
                "at": micros(now),
                "actor": actor,
                "action": action,
                "subject": subject,
                "detail": msgspec.json.encode(dict(detail), order="sorted").decode(),
                "previous": previous,
            }
            previous = row["hash"] = _digest(row)
            rows.append(row)
        if rows:
            await tx.many(_table.insert(), rows)
            await tx.upsert(_head, [{"name": _CHAIN, "seq": seq, "hash": previous}])
            tx.bump(Topic.AUDIT)
        return seq

    async def verify(self, tx: Tx) -> Sequence[str]:
        """What is wrong with the chain, in words; empty when it is whole."""
        head = await tx.one(select(_head).where(_head.c.name == _CHAIN))
        seq, previous, wrong = 0, "", []
        query = select(_table).order_by(_table.c.seq).limit(_STEP)
        while rows := await tx.all(query.where(_table.c.seq > seq)):
            for row in rows:
                if row.seq != seq + 1:
                    wrong.append(f"audit: entries between {seq} and {row.seq} are missing")
                elif row.previous != previous:
                    wrong.append(f"audit: entry {row.seq} doesn't follow from the one before")
                if row.hash != _digest(row._asdict()):
                    wrong.append(f"audit: entry {row.seq} was changed")
                seq, previous = row.seq, row.hash
        if (head.seq, head.hash) != (seq, previous) if head else seq:
            wrong.append("audit: the end of the chain isn't where it was")
        return wrong

    async def list(self, tx: Tx, limit: int = 50, before: int | None = None) -> Sequence[AuditRow]:
        """Entries, newest first, from below the number `before`."""
        query = select(_table).order_by(_table.c.seq.desc()).limit(limit)
        rows = await tx.all(query if before is None else query.where(_table.c.seq < before))
        return [
            AuditRow(r.seq, moment(r.at), r.actor, r.action, r.subject, msgspec.json.decode(r.detail), r.hash)
            for r in rows
        ]


def _digest(row: Mapping[str, Any]) -> str:
    said = [row[name] for name in ("previous", "seq", "at", "actor", "action", "subject", "detail")]
    return sha256(msgspec.json.encode(said)).hexdigest()
