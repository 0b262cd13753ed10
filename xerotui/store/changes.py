"""The change counter by topic, and marks: single remembered values. Writes `changes` and `marks`."""

from functools import lru_cache

from sqlalchemy import Update, func, literal, select

from xerotui.model.work import Topic
from xerotui.store import house_tables
from xerotui.store.tx import Tx


class Changes:
    """How often each topic changed; counted once a transaction, at its commit."""

    def bump(self, tx: Tx, *topics: Topic) -> None:
        """Say that there is news of these topics."""
        tx.bump(*topics)

    async def read(self, tx: Tx) -> dict[str, int]:
        """The counter of every topic, those of this transaction included."""
        counts = {row.topic: int(row.value) for row in await tx.all(select(house_tables.changes))}
        return {topic.value: counts.get(topic, 0) + (topic in tx.topics) for topic in Topic}


async def flush(tx: Tx) -> None:
    """Count what the transaction noted; the ledger calls it right before commit."""
    if not tx.topics:
        return
    await tx.run(_counted(tuple(sorted(tx.topics))))


@lru_cache(maxsize=256)
def _counted(topics: tuple[Topic, ...]) -> Update:
    """The statement that counts these topics on, made once for each set: most transactions end with it."""
    return (
        house_tables.changes.update()
        .where(house_tables.changes.c.topic.in_(topics))
        .values(value=house_tables.changes.c.value + 1)
    )


async def found(tx: Tx) -> None:
    """Lay a counter for every topic that has none."""
    have = {row.topic for row in await tx.all(select(house_tables.changes.c.topic))}
    await tx.many(house_tables.changes.insert(), [{"topic": t.value, "value": 0} for t in Topic if t not in have])


async def pulse(tx: Tx) -> int:
    """The sum of all counters: another number means news."""
    total = await tx.scalar(select(func.coalesce(func.sum(house_tables.changes.c.value), literal(0))))
    return int(total)


class Marks:
    """Single values to be remembered by name, such as the last revision of the book that was drawn upon."""

    async def get(self, tx: Tx, name: str) -> str:
        """The value of a name, blank when never set."""
        value = await tx.scalar(select(house_tables.marks.c.value).where(house_tables.marks.c.name == name))
        return str(value or "")

    async def set(self, tx: Tx, name: str, value: str) -> None:
        """Remember a value."""
        await tx.upsert(house_tables.marks, [{"name": name, "value": value}])
