"""The database: an engine used in a thread, one connection at a time, and errors in words with a remedy.

Reading and writing are two engines. The reading one refuses every statement but a single SELECT before it is sent;
each of its jobs ends in a rollback. The writing one is made only where links may be written back.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from xerotui.source.contract import SourceLocked, SourceRefused, SourceUnreachable
from xerotui_nethelpdesk import dialects
from xerotui_nethelpdesk.mapping import Table
from xerotui_nethelpdesk.settings import NetHelpDeskSettings
from xerotui_nethelpdesk.statements import bare, fault

T = TypeVar("T")
# Machine seconds after which an idle connection is given up: laptops sleep, and servers count sessions.
IDLE_SECONDS = 20.0
Job = Callable[[Connection], T]


class TableFault(SourceRefused):
    """One table can't be read: not there, not allowed, locked. What else there is isn't concerned."""


class Database:
    """One database. `statements`, where set, is told every statement before it is sent."""

    def __init__(self, settings: NetHelpDeskSettings) -> None:
        self._settings = settings
        self._engines: dict[bool, Engine] = {}
        self._turn: asyncio.Semaphore | None = None
        self._idle: asyncio.TimerHandle | None = None
        self.statements: Callable[[str], None] | None = None

    @property
    def dialect(self) -> str:
        """The kind of database, as SQLAlchemy names it."""
        return self.url.get_backend_name()

    @property
    def url(self) -> URL:
        """Where the database is, without the password. Raises SourceRefused for what is no URL."""
        try:
            return make_url(self._settings.url)
        except (ArgumentError, ValueError):
            raise SourceRefused(
                "Database URL: it can't be read; it looks like mssql+pymssql://user@host:1433/NetHelpDesk."
            ) from None

    async def read(self, job: Job[T]) -> T:
        """What the job reads over one connection, rolled back at its end.

        A deadlock's victim is sent once more. Raises SourceLocked, SourceUnreachable, TableFault, SourceRefused.
        """
        async with self._turns():
            try:
                for attempt in (1, 2):
                    try:
                        return await asyncio.to_thread(self._run, job, False)
                    except (ValueError, ArithmeticError) as error:
                        words = f"The driver can't read a value of it ({dialects.said(error)})"
                        raise TableFault(words) from None
                    except (SQLAlchemyError, OSError) as error:
                        if attempt == 2 or dialects.meaning(_origin(error)) != "deadlock":
                            raise self._told(error) from None
            finally:
                self._rest()
        raise AssertionError("a second attempt returns or raises")

    async def write(self, job: Job[T]) -> T:
        """What the job does in one transaction, committed at its end; only where links may be written back.

        Raises as `read`, all of it certain: nothing was written. Where nobody knows whether it was committed, it is
        SourceUnreachable with `sent`.
        """
        if not self._settings.writeback:
            raise SourceRefused("Writing links back is switched off in the connection's settings.")
        async with self._turns():
            try:
                return await asyncio.to_thread(self._run, job, True)
            except _AtCommit as error:
                raise self._open(error.why) from None
            except (ValueError, ArithmeticError) as error:
                words = f"The driver can't read a value of it, so nothing is written ({dialects.said(error)})"
                raise TableFault(words) from None
            except (SQLAlchemyError, OSError) as error:
                raise self._told(error) from None
            finally:
                self._rest()

    async def tables(self) -> Mapping[str, Table]:
        """All tables and views with their columns, by folded name; one statement, and nothing of their contents."""
        statement = dialects.COLUMNS.get(self.dialect, dialects.COLUMNS[""])

        def job(connection: Connection) -> tuple[str, list[tuple[str, str, str]]]:
            rows = connection.execute(sa.text(statement)).all()
            usual = connection.dialect.default_schema_name or ""
            return usual, [(str(s or ""), str(t), str(c)) for s, t, c in rows]

        usual, rows = await self.read(job)
        wanted = self._settings.schema.strip().casefold()
        found: dict[tuple[str, str], dict[str, str]] = {}
        for schema, table, column in rows:
            found.setdefault((schema, table), {})[column.casefold()] = column
        best: dict[str, Table] = {}
        for (schema, table), columns in found.items():
            theirs = "" if schema == usual else schema
            if wanted and schema.casefold() != wanted:
                continue
            if table.casefold() not in best or not theirs:
                best[table.casefold()] = Table(table, theirs, columns)
        return best

    async def columns(self, query: str) -> tuple[str, ...]:
        """The columns that a query of the mapping file returns; none of its rows are read."""
        statement = sa.text(f"SELECT * FROM ({bare(query)}) AS q WHERE 1 = 0".replace(":", "\\:"))
        return await self.read(lambda c: tuple(c.execute(statement).keys()))

    async def scalar(self, statement: str) -> Any:
        """The one value of a statement of `dialects`."""
        return await self.read(lambda c: c.execute(sa.text(statement)).scalar())

    async def close(self) -> None:
        """Give up every connection."""
        if self._idle is not None:
            self._idle.cancel()
        await asyncio.to_thread(self._dispose)

    def _turns(self) -> asyncio.Semaphore:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        self._turn = self._turn or asyncio.Semaphore(1)
        return self._turn

    def _rest(self) -> None:
        self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._dispose)

    def _dispose(self) -> None:
        for engine in self._engines.values():
            engine.dispose()

    def _run(self, job: Job[T], writes: bool) -> T:
        try:
            with self._engine(writes).connect() as connection:
                if writes:
                    return _whole(connection, job)
                try:
                    return job(connection)
                finally:
                    connection.rollback()
        except ImportError as error:
            # Some drivers load what they need as late as at the first connection.
            raise SourceRefused(_driver(self.url, error)) from None

    def _engine(self, writes: bool) -> Engine:
        if writes in self._engines:
            return self._engines[writes]
        url = self.url
        if self._settings.password and url.get_backend_name() != "sqlite":
            url = url.set(password=self._settings.password)
        try:
            made = sa.create_engine(
                url,
                poolclass=sa.pool.QueuePool,
                pool_size=1,
                max_overflow=1,
                pool_timeout=dialects.LOGIN_SECONDS,
                hide_parameters=True,
                **(dialects.write_options(url) if writes else dialects.options(url)),
            )
        except (NoSuchModuleError, ArgumentError, TypeError):
            raise SourceRefused(
                f"Database URL: SQLAlchemy knows no database {url.drivername[:40]}; SQL Server is mssql+pymssql."
            ) from None
        event.listen(made, "before_cursor_execute", self._before if writes else self._before_reading)
        event.listen(made, "connect", lambda connection, _: dialects.opened(url.get_driver_name(), connection))
        self._engines[writes] = made
        return made

    def _before(self, _c: Any, _k: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        if self.statements is not None:
            self.statements(statement)

    def _before_reading(self, c: Any, k: Any, statement: str, p: Any, x: Any, many: bool) -> None:
        if why := fault(statement):
            raise SourceRefused(f"Nothing is sent to the database but single SELECTs: {why}.")
        self._before(c, k, statement, p, x, many)

    def _words(self, origin: BaseException) -> str:
        words, secret = dialects.said(origin), self._settings.password
        return words.replace(secret, "***") if secret else words

    def _open(self, error: Exception) -> Exception:
        """An error of the commit itself: only a deadlock's victim is surely rolled back."""
        if dialects.meaning(_origin(error)) == "deadlock":
            return self._told(error)
        words = self._words(_origin(error))
        return SourceUnreachable(f"Whether the database kept what was written isn't known ({words})", sent=True)

    def _told(self, error: Exception) -> Exception:
        """The error as the core knows it, in words without secrets; nothing was committed."""
        origin = _origin(error)
        words = self._words(origin)
        what = dialects.meaning(origin)
        if isinstance(error, PoolTimeout):
            what = "timeout"
        if what == "login":
            return SourceLocked(f"The database refuses the login ({words}). Check user and password, connect again.")
        if what in _TABLES:
            return TableFault(f"{_TABLES[what]} ({words})")
        if what in _DEAD:
            return SourceUnreachable(f"{_DEAD[what]} ({words})", sent=False)
        if what == "deadlock":
            return SourceUnreachable("The database chose this for a deadlock's victim.", sent=False)
        if what == "driver":
            return SourceRefused(f"The ODBC driver named in the URL isn't installed ({words}).")
        if what == "database":
            return SourceRefused(f"The login works, but not this database; check its name and the grants ({words}).")
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return SourceUnreachable(f"The connection to the database broke ({words})", sent=False)
        return SourceRefused(f"The database says: {words or type(origin).__name__}")


class _AtCommit(Exception):
    """The commit itself failed, so that nobody knows what came of it."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


def _whole(connection: Connection, job: Job[T]) -> T:
    """The job in one transaction. Raises _AtCommit where its end is unknown; anything else rolled it back."""
    with connection.begin() as transaction:
        dialects.begun(connection)
        found = job(connection)
        try:
            transaction.commit()
        except (SQLAlchemyError, OSError) as error:
            # Half a commit may still hold locks: what this connection has is given up with it.
            with contextlib.suppress(SQLAlchemyError, OSError):
                connection.invalidate(error)
            raise _AtCommit(error) from error
    return found


_TABLES = {
    "forbidden": "The login may not do this; the README has the GRANT statements",
    "table": "A table isn't there; check the mapping file and the schema",
    "column": "A column isn't there; check the mapping file",
    "type": "A column holds values of another type than NetHelpDesk's",
}
_DEAD = {
    "tls": "The encrypted connection failed; an old server needs Encrypt=optional or TrustServerCertificate=yes",
    "timeout": "The database didn't answer in time",
    "lock": "The database is locked by somebody else; it is read again with the next refresh",
    "file": "The database file can't be opened",
    "dead": "The database server can't be reached; check host, port and tunnel (a named instance needs its port)",
}


def _origin(error: BaseException) -> BaseException:
    found = getattr(error, "orig", None)
    return found if isinstance(found, BaseException) else error


def _driver(url: URL, error: ImportError) -> str:
    driver = url.get_driver_name()
    if not isinstance(error, ModuleNotFoundError):
        more = dialects.LIBRARIES.get(driver, "Install the system libraries that it is built on.")
        words = dialects.said(error)
        return f"The driver of the database is there, but not all that it needs of the system ({words}). {more}"
    extra = dialects.EXTRAS.get(driver)
    install = f" Install xerotui-nethelpdesk[{extra}]." if extra else " Install that package beside XeroTUI."
    module = (error.name or driver)[:40]
    return f"The driver of the database isn't installed: the Python package {module} is missing.{install}"
