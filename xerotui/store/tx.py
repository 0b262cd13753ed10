"""A transaction as the rest of the program carries it about, and the statements that differ between databases."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from xerotui.model.work import Topic
from xerotui.net.clock import Clock, machine_now
from xerotui.store.keys import micros
from xerotui.store.uncut import uncut

Rows = Sequence[Row[Any]]


class Tx:
    """One open transaction of the ledger. Outside the store it is only handed on; its methods are the store's."""

    __slots__ = ("_connection", "clock", "topics", "writing")

    def __init__(self, connection: AsyncConnection, clock: Clock, *, writing: bool) -> None:
        self._connection = connection
        self.clock = clock
        self.writing = writing
        # Collected here and counted once, at commit.
        self.topics: set[Topic] = set()

    def now(self) -> int:
        """World time in microseconds."""
        return micros(self.clock.now())

    def bump(self, *topics: Topic) -> None:
        """Note that there is news of these topics."""
        self.topics.update(topics)

    async def all(self, statement: Executable) -> Rows:
        """Every row of a query."""
        return (await self._execute(statement)).all()

    async def one(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Row[Any] | None:
        """The first row of a query, None when there is none; `values` are those of its named parameters."""
        return (await self._execute(statement, values)).first()

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, None when there is none."""
        return (await self._execute(statement)).scalar()

    async def run(self, statement: Executable, values: Mapping[str, Any] | None = None) -> int:
        """Carry out a change; how many rows it met. `values` are those of its named parameters."""
        self._must_write()
        result = await self._execute(statement, values)
        return result.rowcount

    async def many(self, statement: Executable, values: Sequence[Mapping[str, Any]]) -> None:
        """Carry out a change once for each set of values, in one round trip."""
        self._must_write()
        if values:
            await self._execute(statement, list(values))

    async def upsert(self, table: Table, values: Sequence[Mapping[str, Any]], *, sums: Sequence[str] = ()) -> None:
        """Insert rows, or overwrite those whose primary key is taken; every row names the same columns.

        The columns named in `sums` are added to what is there.
        """
        if not values:
            return
        keys = [column.name for column in table.primary_key]
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(table)
        rest = {name: insert.excluded[name] for name in values[0] if name not in keys}
        rest |= {name: table.c[name] + insert.excluded[name] for name in sums}
        changed = insert.on_conflict_do_update(index_elements=keys, set_=rest) if rest else None
        await self.many(insert.on_conflict_do_nothing() if changed is None else changed, values)

    async def schema(self, change: Callable[[Connection], None]) -> None:
        """Let a function change the schema."""
        self._must_write()
        await uncut(self._connection.run_sync(change))

    async def _execute(
        self, statement: Executable, values: list[Mapping[str, Any]] | Mapping[str, Any] | None = None
    ) -> CursorResult[Any]:
        return await uncut(self._connection.execute(statement, values))

    def _must_write(self) -> None:
        if not self.writing:
            raise RuntimeError("this transaction only reads")


def machine() -> int:
    """This computer's time in microseconds."""
    return micros(machine_now())


def violates(error: IntegrityError, index: str, columns: str) -> bool:
    """Whether a unique index was met: PostgreSQL names the index, SQLite the table and columns."""
    text = str(error.orig)
    return index in text or text.endswith(f"UNIQUE constraint failed: {columns}")
