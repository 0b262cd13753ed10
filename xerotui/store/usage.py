"""What calls cost, by key and day of world time: how many, how many bytes, when the last went well or badly.

Writes `usage`, within the transaction that ends a call's slot (see `permits`).
"""

import datetime as dt
from collections.abc import Sequence

import msgspec
from sqlalchemy import select

from xerotui.net.limits import Spent
from xerotui.store import tables
from xerotui.store.keys import instant
from xerotui.store.tx import Tx

_table = tables.usage
_COUNTS = ("calls", "throttled", "sent", "received", "unmetered")
# Days that are kept: a year and the month before it.
KEPT = 400
THROTTLED = 429


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What the calls of one key cost over some days. Sizes in bytes of bodies as they crossed the wire.

    `unmetered` is the part of `received` that the vendor doesn't bill; `last_bad` is why the last call that went
    badly did.
    """

    key: str
    calls: int = 0
    throttled: int = 0
    sent: int = 0
    received: int = 0
    unmetered: int = 0
    last_good: dt.datetime | None = None
    last_bad: dt.datetime | None = None
    bad: str = ""


async def add(tx: Tx, key: str, spent: Spent) -> None:
    """Count one call under its key, today."""
    at = tx.now()
    day = _day(tx)
    good = 0 < spent.status < 400
    counts: dict[str, int] = {
        "calls": 1,
        "throttled": int(spent.status == THROTTLED),
        "sent": spent.sent,
        "received": spent.received,
        "unmetered": 0 if spent.metered else spent.received,
    }
    end: dict[str, int | str] = {"good_at": at} if good else {"bad_at": at, "bad": _words(spent)}
    change = _table.update().where(_table.c.key == key, _table.c.day == day)
    if await tx.run(change.values(**{name: _table.c[name] + n for name, n in counts.items()}, **end)):
        return
    before = (tx.clock.now().date() - dt.timedelta(days=KEPT)).isoformat()
    await tx.run(_table.delete().where(_table.c.key == key, _table.c.day < before))
    row = {"key": key, "day": day, **counts, "good_at": 0, "bad_at": 0, "bad": "", **end}
    # Another process may have begun the day meanwhile.
    await tx.upsert(_table, [row], sums=_COUNTS)


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
            found[row.key] = msgspec.structs.replace(
                known,
                **{name: getattr(known, name) + getattr(row, name) for name in _COUNTS},
                last_good=instant(row.good_at) or known.last_good,
                last_bad=instant(row.bad_at) or known.last_bad,
                bad=row.bad or known.bad,
            )
        return found


def _day(tx: Tx) -> str:
    return tx.clock.now().astimezone(dt.UTC).date().isoformat()


def _words(spent: Spent) -> str:
    return spent.error or f"answered with status {spent.status}"
