"""Leases by name, with fences, for what one process may do at a time (token refresh). Machine time. Writes `leases`."""

from sqlalchemy import select

from xerotui.store import house_tables
from xerotui.store.errors import Fenced
from xerotui.store.identity import WorkerIdentity
from xerotui.store.lanes import SECOND, free
from xerotui.store.tx import Tx, machine

_table = house_tables.leases


class Leases:
    """Fenced leases. A fence only grows, also across processes and restarts."""

    async def take(self, tx: Tx, name: str, holder: WorkerIdentity | str, seconds: float) -> int | None:
        """The fence of a new lease, or None while one is held, be it by the same holder.

        A lease of a process that is provably gone is free at once, one held by a text after its seconds.
        """
        now = machine()
        row = await tx.one(select(_table).where(_table.c.name == name).with_for_update())
        if row is not None and not free(row.holder, row.until, seconds, now):
            return None
        fence = row.fence + 1 if row else 1
        key = holder if isinstance(holder, str) else holder.key
        values = {"name": name, "fence": fence, "holder": key, "until": now + int(seconds * SECOND)}
        await tx.upsert(_table, [values])
        return fence

    async def check(self, tx: Tx, name: str, fence: int) -> None:
        """Nothing while no newer fence was given out.

        Raises Fenced otherwise, and after release.
        """
        query = select(_table.c.fence, _table.c.holder).where(_table.c.name == name)
        row = await tx.one(query.with_for_update() if tx.writing else query)
        if row is None or row.fence != fence or not row.holder:
            raise Fenced(f"the lease {name} is another's")

    async def release(self, tx: Tx, name: str, fence: int) -> None:
        """Give a lease back; of no effect when it is another's already."""
        mine = (_table.c.name == name, _table.c.fence == fence)
        await tx.run(_table.update().where(*mine).values(holder="", until=0))
