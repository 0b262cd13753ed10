"""The ledger: opening, transactions, and the areas by name. Statements live in the areas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction

from xerotui.model.problems import SyncError
from xerotui.net.clock import Clock, WorldClock
from xerotui.store import changes, schema, sqlite
from xerotui.store.audit import Audit
from xerotui.store.backs import Backs
from xerotui.store.departures import Departures
from xerotui.store.inbox import Inbox
from xerotui.store.lanes import Lanes
from xerotui.store.leases import Leases
from xerotui.store.links import Links
from xerotui.store.mails import Mails
from xerotui.store.overrides import Overrides
from xerotui.store.permits import LedgerPermits
from xerotui.store.plans import Plans
from xerotui.store.problems import Problems
from xerotui.store.requests import Requests
from xerotui.store.runs import Runs
from xerotui.store.snapshots import Snapshots
from xerotui.store.tx import Tx
from xerotui.store.uncut import uncut
from xerotui.store.usage import Usage
from xerotui.store.vault import Vault, VaultKey
from xerotui.store.work import Work
from xerotui.store.workers import Workers


class Ledger:
    """What lasts, apart from the book: open it with `Ledger.open`."""

    def __init__(self, path: Path, engine: AsyncEngine, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self._engine = engine
        # One writer at a time in this process: waiting here is fair, waiting in SQLite is not.
        self._turn = asyncio.Lock()
        self._writer: asyncio.Task[object] | None = None
        self.changes = changes.Changes()
        self.marks = changes.Marks()
        self.snapshots = Snapshots()
        self.links = Links()
        self.departures = Departures()
        self.work = Work()
        self.requests = Requests()
        self.lanes = Lanes()
        self.workers = Workers()
        self.plans = Plans()
        self.runs = Runs()
        self.problems = Problems()
        self.audit = Audit()
        self.leases = Leases()
        self.vault = Vault()
        self.inbox = Inbox()
        self.permits = LedgerPermits(self)
        self.usage = Usage()
        self.overrides = Overrides()
        self.mails = Mails()
        self.backs = Backs()

    @classmethod
    async def open(cls, path: Path, *, clock: Clock | None = None, key: VaultKey | None = None) -> "Ledger":
        """Open the ledger's file, making it (mode 0600) and migrating it under a lock where needed.

        `clock` is world time, by default the machine's or the sandbox's; without a `key` the vault stays locked.
        Raises SyncError when a newer program wrote it, when it is no ledger, when the key is another than the
        vault's, and on a network file system.
        """
        engine = sqlite.engine(path)
        ledger = cls(path, engine, clock or WorldClock())
        try:
            async with engine.connect() as connection:
                current = await connection.run_sync(schema.revision)
            if current != schema.HEAD:
                await ledger._migrate()
            if key is not None:
                async with ledger.read() as tx:
                    await ledger.vault.unlock(tx, key)
        except BaseException as error:
            await engine.dispose()
            if isinstance(error, DatabaseError):
                raise SyncError(
                    f"The ledger can't be read: {error.orig}.",
                    "Restore the workspace from a backup, or move the file away to start anew.",
                    code="core.ledger",
                ) from error
            raise
        return ledger

    async def _migrate(self) -> None:
        from filelock import FileLock

        lock = FileLock(self.path.with_name(self.path.name + ".lock"), timeout=60, mode=0o600, thread_local=False)
        await asyncio.to_thread(lock.acquire)
        try:
            async with self.write() as tx:
                await tx.schema(schema.upgrade)
                await changes.found(tx)
        finally:
            lock.release()

    async def close(self) -> None:
        """Give back every connection; the ledger is of no use afterwards."""
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A transaction that sees one state of the ledger throughout and can't write."""
        async with self._begun(writing=False) as connection:
            yield Tx(connection, self.clock, writing=False)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """A transaction that alone may write: committed at the end, rolled back when an exception leaves it.

        Raises RuntimeError inside another `write` of the same task: it would wait for itself.
        """
        task = asyncio.current_task()
        if task is not None and self._writer is task:
            raise RuntimeError("a writing transaction is open in this task already")
        async with self._turn:
            self._writer = task
            try:
                async with self._begun(writing=True) as connection:
                    tx = Tx(connection, self.clock, writing=True)
                    yield tx
                    await changes.flush(tx)
            finally:
                self._writer = None

    @asynccontextmanager
    async def _begun(self, *, writing: bool) -> AsyncIterator[AsyncConnection]:
        connection = self._engine.connect()
        try:
            transaction = await uncut(_start(connection, writing=writing))
            yield connection
            await uncut(_finish(connection, transaction))
        finally:
            if connection.sync_connection is not None and not connection.closed:
                # What was begun and not committed is rolled back with it.
                await uncut(connection.close())

    async def pulse(self) -> int:
        """A number that differs whenever something was committed that a viewer may want to see; about 1 ms."""
        async with self.read() as tx:
            return await changes.pulse(tx)

    async def integrity(self) -> list[str]:
        """What is wrong with the file or with the audit chain, in words; empty when all is whole."""
        async with self._engine.connect() as connection:
            found = await sqlite.integrity(connection)
        async with self.read() as tx:
            return [*found, *await self.audit.verify(tx)]


async def _start(connection: AsyncConnection, *, writing: bool) -> AsyncTransaction:
    await connection.start()
    await connection.execution_options(**{sqlite.WRITING: writing})
    return await connection.begin().start()


async def _finish(connection: AsyncConnection, transaction: AsyncTransaction) -> None:
    try:
        await transaction.commit()
    except BaseException:
        # SQLAlchemy takes it for over, SQLite doesn't: given back it would hold the lock, so it isn't.
        await connection.invalidate()
        raise
    await connection.close()
