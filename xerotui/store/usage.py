"""What calls cost, by key and day of world time: how many, and how many bytes.

Writes `usage`, within the transaction that ends a call's slot (see `permits`).
"""

import datetime as dt
from collections.abc import Sequence

import msgspec
from sqlalchemy import bindparam, select

from xerotui.net.limits import Spent
from xerotui.store import house_tables
from xerotui.store.tx import Tx

_table = house_tables.usage
_COUNTS = ("calls", "throttled", "sent", "received", "unmetered")
# Made once: every call of every process ends with it.
_COUNTED = (
    _table.update()
    .where(_table.c.key == bindparam("of"), _table.c.day == bindparam("on"))
    .values({name: _table.c[name] + bindparam(f"more_{name}") for name in _COUNTS})
)
# Days that are kept: a year and the month before it.
KEPT = 400
THROTTLED = 429


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of one key cost over some days. Sizes in bytes of bodies as they crossed the wire.

    `unmetered` is the part of `received` that the vendor doesn't bill.
    """

    key: str
    calls: int = 0
    throttled: int = 0
    sent: int = 0
    received: int = 0
    unmetered: int = 0

    @property
    def billed(self) -> int:
        """Received bytes that the vendor bills."""
        return self.received - self.unmetered


async def add(tx: Tx, key: str, spent: Spent) -> None:
    """Count one call under its key, today."""
    today = tx.clock.now().astimezone(dt.UTC).date()
    day = today.isoformat()
    counts: dict[str, int] = {
        "calls": 1,
        "throttled": int(spent.status == THROTTLED),
        "sent": spent.sent,
        "received": spent.received,
        "unmetered": 0 if spent.metered else spent.received,
    }
    if await tx.run(_COUNTED, {"of": key, "on": day} | {f"more_{name}": n for name, n in counts.items()}):
        return
    before = (today - dt.timedelta(days=KEPT)).isoformat()
    await tx.run(_table.delete().where(_table.c.key == key, _table.c.day < before))
    # Another process may have begun the day meanwhile.
    await tx.upsert(_table, [{"key": key, "day": day, **counts}], sums=_COUNTS)


class Usage:
    """Reading what calls cost."""

    async def since(self, tx: Tx, first: dt.date, keys: Sequence[str] | None = None) -> dict[str, Used]:
        """The cost by key of all days from `first` on; of these keys alone where some are named."""
        query = select(_table).where(_table.c.day >= first.isoformat()).order_by(_table.c.key, _table.c.day)
        if keys is not None:
            query = query.where(_table.c.key.in_(keys))
        found: dict[str, Used] = {}
        for row in await tx.all(query):
            known = found.get(row.key) or Used(key=row.key)
            sums = {name: getattr(known, name) + getattr(row, name) for name in _COUNTS}
            found[row.key] = msgspec.structs.replace(known, **sums)
        return found
