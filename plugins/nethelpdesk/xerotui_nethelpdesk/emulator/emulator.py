"""The help desk as the sandbox knows it: load a world, start, settings, totals, control routes, stop.

A caller reads and writes the SQLite file; the HTTP service is there for control alone.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import CONTROL, Service, control_post, decode, json_reply
from xerotui.sandbox.world import World
from xerotui_nethelpdesk.emulator import nasty
from xerotui_nethelpdesk.emulator.ddl import KINDS, XERO, tables_of
from xerotui_nethelpdesk.emulator.judge import INVOICES, ORDERS, Document, Meaning, summed
from xerotui_nethelpdesk.emulator.seed import Row, Seed, stamp, symbols_of
from xerotui_nethelpdesk.emulator.store import Store
from xerotui_nethelpdesk.emulator.trouble import Found, stopped, trouble_of
from xerotui_nethelpdesk.emulator.watch import Watch, Watched

NAME = "nethelpdesk"
_TABLES = {kind: table for table, kind in KINDS.items()}
# Without a column for the last change all of this is compared: what lies in a locked period as well.
_DAYS = 400
OUTBOX = "import"


class NetHelpDeskEmulator:
    """One installation as an SQLite file, of an age: old, middle or late; `seed_nasty` adds what nobody expects.

    Control routes beside the common ones: GET `/state/{table}`, `/documents` (what each means for Xero);
    POST `/edit/{table}/{id}`, `/create/{table}` (a document with its `lines`), `/remove/{table}/{id}` (as a person at
    the program; keys of two columns are parted by a colon, a table of one row has the id 0), `/nulls` (`table`, `id`),
    `/lock`, `/unlock` (everybody is kept out), `/gone`, `/back` (the file is taken away under those who have it open).
    Raises ValueError for an age that there isn't, or for insertion without writing back.
    """

    # What it emulates; its own name is one of several.
    source = NAME

    def __init__(
        self, age: str = "late", *, writeback: bool | None = None, allow_insert: bool = False,
        account_source: str = "fixed", invoice_number: str = INVOICES, order_number: str = ORDERS,
        seed_nasty: bool = True, port: int = 0,
    ) -> None:  # fmt: skip
        try:
            self.tables = tables_of(age)
        except KeyError:
            raise ValueError(f"there is no age {age}") from None
        self.age, self.name = age, NAME if age == "late" else f"{NAME}-{age}"
        self.writeback = age != "old" if writeback is None else writeback
        self.allow_insert = allow_insert
        if allow_insert and not self.writeback:
            raise ValueError("records are created only where links are written back")
        self.account_source, self.invoice_number, self.order_number = account_source, invoice_number, order_number
        self._nasty, self._port = seed_nasty, port
        self._world: World | None = None
        self._directory: Path | None = None
        self._service: Service | None = None
        self._store: Store | None = None
        self._watch: Watch | None = None
        self._last: dict[str, Any] = {}

    @property
    def service(self) -> Service:
        """The running service; RuntimeError before `start`."""
        if self._service is None:
            raise RuntimeError("the emulated NetHelpDesk has not been started")
        return self._service

    @property
    def store(self) -> Store:
        """What it holds; RuntimeError before `start`."""
        if self._store is None:
            raise RuntimeError("the emulated NetHelpDesk has not been started")
        return self._store

    @property
    def world(self) -> World:
        """The world that was loaded; RuntimeError before `load`."""
        if self._world is None:
            raise RuntimeError("load a world before the emulated NetHelpDesk starts")
        return self._world

    def load(self, world: World) -> None:
        """Take the PSA half of a world; before `start`."""
        self._world = world

    async def start(self, clock: WorldClock) -> None:
        """Make the file beside the clock's and serve the control routes; RuntimeError when no world was loaded."""
        self._directory = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=clock.path.parent))
        self._store = store = Store(self._directory / "NetHelpDesk.db", self.tables, self._rows())
        (self._directory / OUTBOX).mkdir()
        journal = Watched(self.name, clock)
        self._watch = Watch(store, journal, writeback=self.writeback, allow_insert=self.allow_insert)
        journal.watch(self._watch.look)
        self._service = Service(
            self.name, Starlette(), clock, journal=journal, routes=list(self._routes()), totals=self.totals,
            port=self._port, seed=self.world.seed,
        )  # fmt: skip
        self._service.expected = self.expected
        await self._service.start()

    def _rows(self) -> Iterator[tuple[str, Row]]:
        seed = Seed(self.world, self.age)
        yield from seed.rows()
        if self._nasty:
            yield from nasty.rows(self.world, seed)

    async def stop(self) -> None:
        """Look a last time, stop serving and remove the file; harmless when it doesn't run."""
        if self._service is None or self._store is None or self._directory is None:
            return
        assert isinstance(self._service.journal, Watched)
        with contextlib.suppress(sqlite3.Error):
            # What somebody has made of the file may be no database any more.
            self._store.away(False)
            self._last = self.totals()
        self._service.journal.watch(None)
        await self._service.stop()
        self._store.close()
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = None

    def settings(self) -> dict[str, str]:
        """What a connection needs: the file, and what an administrator of such an installation would set."""
        # By a URI, so that a file that is gone isn't made anew by who looks for it.
        found = {
            "mode": "sql", "url": f"sqlite:///file:{self.store.path}?mode=rw&uri=true", "db_timezone": "UTC",
            "writeback": "on" if self.writeback else "off", "allow_insert": "on" if self.allow_insert else "off",
            "account_source": self.account_source, "invoice_number": self.invoice_number,
            "order_number": self.order_number, "exclude_client_ids": str(nasty.OWN),
        }  # fmt: skip
        if self.age != "late":
            found["organisations"] = "; ".join(
                f"{name} = {id}" for name, id in {**self._levels(), "*": self._other()}.items()
            )
        if not self.writeback:
            # Where nothing may be written, what is new in Xero goes through the program's own importer.
            found["csv_outbox"] = str(self.store.path.parent / OUTBOX)
        if self.age == "old":
            found["days"] = str(_DAYS)
            found["symbols"] = "; ".join(f"{symbol} = {code}" for symbol, code in self._symbols().items())
        return found

    def _levels(self) -> dict[str, str]:
        return {tenant.name: tenant.tenant_id for tenant in self.world.tenants}

    def _other(self) -> str:
        """The organisation of what has no top level: suppliers, where they have no column for it."""
        return self.world.tenants[0].tenant_id

    def _symbols(self) -> dict[str, str]:
        shown = symbols_of(self.world, alike=False)
        return {shown[c.id]: c.code for c in self.world.psa.currencies if c.id in shown}

    def documents(self) -> list[Document]:
        """What the rows mean for Xero now, document by document."""
        if self._watch is not None and self._directory is not None:
            self._watch.look()
        meaning = Meaning(
            self.store.rows, tenants={} if self.age == "late" else self._levels(),
            other="" if self.age == "late" else self._other(), symbols=self._symbols(), invoices=self.invoice_number,
            orders=self.order_number, excluded=(nasty.OWN,),
        )  # fmt: skip
        return meaning.documents()

    def expected(self) -> list[Found]:
        """The seeded trouble it holds, as {code, kind, id, mended}: what can't be wrong in this age isn't in it."""
        found = trouble_of(self.world, lines=self.account_source == "line", invoices=self.invoice_number)
        return [*found, *map(dict, nasty.TROUBLE)] if self._nasty else found

    def totals(self) -> dict[str, Any]:
        """Documents meant for Xero, `sent` and `blocked`, as `{tenant id: {currency: {kind: {documents, total}}}}`.

        Where links can be kept, `sent` carry one; elsewhere they are those that no seeded trouble stops to the end.
        """
        if self._directory is None:
            return self._last
        meant = [one for one in self.documents() if not one.why]
        halted = stopped(self.expected())
        sent = [
            one for one in meant if (one.xero_id if self._keeps(one.kind) else (one.kind, str(one.id)) not in halted)
        ]
        gone = {(one.kind, one.id) for one in sent}
        return {"sent": summed(sent), "blocked": summed(one for one in meant if (one.kind, one.id) not in gone)}

    def _keeps(self, kind: str) -> bool:
        table = _TABLES[kind]
        return self.writeback and XERO[table][0] in self.tables[table].columns

    def _routes(self) -> Iterator[BaseRoute]:
        async def state(request: Request) -> Response:
            try:
                self._look()
                return json_reply(self.store.rows(self.store.table(request.path_params["table"]).name))
            except ValueError as error:
                return json_reply({"error": str(error)}, 404)

        async def documents(request: Request) -> Response:
            return json_reply(self.documents())

        yield Route(f"{CONTROL}/state/{{table}}", state)
        yield Route(f"{CONTROL}/documents", documents)
        for act in ("nulls", "lock", "unlock", "gone", "back"):
            yield Route(f"{CONTROL}/{act}", control_post(getattr(self, f"_{act}")), methods=["POST"])
        yield Route(f"{CONTROL}/create/{{table}}", self._person, methods=["POST"])
        yield Route(f"{CONTROL}/{{act}}/{{table}}/{{id}}", self._person, methods=["POST"])

    def _look(self) -> None:
        if self._watch is not None:
            self._watch.look()

    async def _person(self, request: Request) -> Response:
        """What a person does at the program: edit, create, remove."""
        act, told = request.path_params.get("act", "create"), request.path_params
        now = stamp(self.service.clock.now())
        body = await request.body() or b"{}"

        def done(_: Any) -> Any:
            self._look()
            if act == "remove":
                return self.store.remove(told["table"], told["id"])
            patch = decode(body)
            if act == "edit":
                return self.store.edit(told["table"], told["id"], patch, now)
            return self.store.create(told["table"], patch, now)

        if act not in ("edit", "create", "remove"):
            return Response(status_code=404)
        answer: Response = await control_post(done)(request)
        return answer

    def _nulls(self, body: Row) -> Any:
        self._look()
        return {"rows": self.store.blank(str(body["table"]), str(body.get("id", "")))}

    def _lock(self, _: Row) -> Any:
        self._look()
        self.store.lock(True)
        return {"locked": True}

    def _unlock(self, _: Row) -> Any:
        self.store.lock(False)
        return {"locked": False}

    def _gone(self, _: Row) -> Any:
        self._look()
        self.store.away(True)
        return {"gone": True}

    def _back(self, _: Row) -> Any:
        self.store.away(False)
        return {"gone": False}
