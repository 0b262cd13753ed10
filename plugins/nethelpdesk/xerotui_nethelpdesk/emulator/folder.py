"""The CSV twin: a help desk that drops files into a folder and finds there what came of them.

The service is there for control alone. The judge reads the files that a caller left, and that none was lost.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import CONTROL, Service, control_post, decode, json_reply
from xerotui.sandbox.world import World
from xerotui_nethelpdesk.emulator.emulator import NAME
from xerotui_nethelpdesk.emulator.judge import INVOICES, ORDERS, Document, fall_due, number_of, summed
from xerotui_nethelpdesk.emulator.seed import Row
from xerotui_nethelpdesk.emulator.sheets import COLUMNS, DOCUMENTS, KEYS, Sheet, Sheets, text_of
from xerotui_nethelpdesk.emulator.trouble import Found, trouble_of
from xerotui_nethelpdesk.emulator.watch import Watched

RESULT = ["source_kind", "source_id", "xero_number", "xero_id", "status", "amount_paid", "amount_due", "date_paid",
          "error"]  # fmt: skip
_HANDED = {"customers_new.csv": "customer", "suppliers_new.csv": "supplier", "items_new.csv": "item",
           "taxes_new.csv": "tax_rate"}  # fmt: skip
_KINDS = {"customers": "customer", "suppliers": "supplier", "items": "item", "taxes": "tax_rate", **DOCUMENTS}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Documents of a file.
_BATCH = 150


class NetHelpDeskFolder:
    """A folder with what the help desk exports; every file is laid down under its name in one step.

    Control routes beside the common ones: GET `/state/{table}` (rows as exported last), `/documents`,
    `/files`; POST `/edit/{table}/{id}`, `/create/{table}`, `/remove/{table}/{id}` (what a person changed is exported
    anew; a party or item is exported as inactive, a document can't be taken back), `/drop` (`name` and `text` of any
    file, `done` to lay the marker beside it). Tables are those of the file names: customers, invoices…
    """

    source = NAME
    name = f"{NAME}-csv"

    def __init__(
        self,
        *,
        account_source: str = "fixed",
        invoice_number: str = INVOICES,
        order_number: str = ORDERS,
        port: int = 0,
    ) -> None:
        self.account_source, self.invoice_number, self.order_number = account_source, invoice_number, order_number
        self._port = port
        self._world: World | None = None
        self._root: Path | None = None
        self._service: Service | None = None
        self._last: dict[str, Any] = {}
        # Rows by kind of file and key: a document's are its lines.
        self._rows: dict[str, dict[str, list[Sheet]]] = {}
        self._laid: dict[str, str] = {}
        self._told: set[tuple[str, ...]] = set()
        self._links: dict[tuple[str, str], str] = {}
        self._count = 0

    @property
    def service(self) -> Service:
        """The running service; RuntimeError before `start`."""
        if self._service is None:
            raise RuntimeError("the emulated folder has not been started")
        return self._service

    @property
    def world(self) -> World:
        """The world that was loaded; RuntimeError before `load`."""
        if self._world is None:
            raise RuntimeError("load a world before the emulated folder starts")
        return self._world

    @property
    def inbox(self) -> Path:
        """Where files are dropped; RuntimeError while it doesn't run."""
        return self._home() / "in"

    @property
    def outbox(self) -> Path:
        """Where results are found; RuntimeError while it doesn't run."""
        return self._home() / "out"

    def _home(self) -> Path:
        if self._root is None:
            raise RuntimeError("the emulated folder doesn't run")
        return self._root

    def load(self, world: World) -> None:
        """Take the PSA half of a world; before `start`."""
        self._world = world

    async def start(self, clock: WorldClock) -> None:
        """Make the folder beside the clock's file, export everything, and serve the control routes."""
        world = self.world
        self._root = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=clock.path.parent))
        self.inbox.mkdir()
        self.outbox.mkdir()
        self._rows = {name: {} for name in COLUMNS}
        for name, row in Sheets(world).rows():
            self._rows[name].setdefault(row[KEYS[name]], []).append(row)
        for name, held in self._rows.items():
            keys = list(held)
            for at in range(0, len(keys), _BATCH):
                self._export(name, keys[at : at + _BATCH])
        journal = Watched(self.name, clock)
        self._service = Service(
            self.name, Starlette(), clock, journal=journal, routes=list(self._routes()), totals=self.totals,
            port=self._port, seed=world.seed,
        )  # fmt: skip
        journal.watch(self._look)
        self._service.expected = self.expected
        await self._service.start()

    async def stop(self) -> None:
        """Look a last time, stop serving and remove the folder; harmless when it doesn't run."""
        if self._service is None or self._root is None:
            return
        self._last = self.totals()
        assert isinstance(self._service.journal, Watched)
        self._service.journal.watch(None)
        await self._service.stop()
        shutil.rmtree(self._root, ignore_errors=True)
        self._root = None

    def settings(self) -> dict[str, str]:
        """What a connection needs: the two folders, and what an administrator would set."""
        levels = "; ".join(f"{tenant.name} = {tenant.tenant_id}" for tenant in self.world.tenants)
        return {
            "mode": "csv", "csv_inbox": str(self.inbox), "csv_outbox": str(self.outbox), "csv_settle_seconds": "0",
            "organisations": levels, "account_source": self.account_source, "invoice_number": self.invoice_number,
            "order_number": self.order_number,
        }  # fmt: skip

    def expected(self) -> list[Found]:
        """The seeded trouble it holds, as {code, kind, id, mended}."""
        return trouble_of(self.world, lines=self.account_source == "line", invoices=self.invoice_number)

    def documents(self) -> list[Document]:
        """What the rows mean for Xero, document by document, with what results say of it; unreadable ones nothing."""
        if self._root is not None:
            self._read_results()
        found = []
        for name in DOCUMENTS:
            for key in self._rows[name]:
                with contextlib.suppress(ArithmeticError, ValueError):
                    found.append(self._document(name, key))
        return found

    def totals(self) -> dict[str, Any]:
        """Documents meant for Xero: `sent` are those that results give a Xero id, `blocked` the others."""
        if self._root is None:
            return self._last
        found = self.documents()
        sent = [one for one in found if one.xero_id]
        return {"sent": summed(sent), "blocked": summed(one for one in found if not one.xero_id)}

    def _document(self, name: str, key: str) -> Document:
        lines = self._rows[name][key]
        first, orders = lines[0], name == "purchase_orders"
        party = self._rows["suppliers" if orders else "customers"][first["supplier_id" if orders else "customer_id"]][0]
        levels = {tenant.name: tenant.tenant_id for tenant in self.world.tenants}
        total = sum((self._worth(line) for line in lines), Decimal(0))
        due, by = _day(first.get("delivery_date")), ""
        if not orders:
            due, by = _day(first.get("due_date")), "invoice"
            if due is None and (day := _day(first.get("invoice_date"))) is not None:
                due, by = fall_due(day, int(party["due_type"]), int(party["due_days"])), "client rule"
        template = self.order_number if orders else self.invoice_number
        return Document(
            kind=DOCUMENTS[name], id=int(key), number=number_of(template, int(key), first.get("number", "")),
            tenant=party.get("organisation") or levels.get(party.get("top_level", ""), ""), currency=first["currency"],
            total=total, due=due, due_by=by, xero_id=self._links.get((DOCUMENTS[name], key), ""),
        )  # fmt: skip

    def _worth(self, line: Sheet) -> Decimal:
        """A line with its tax: as the file says, else quantity by price at the rate of its code."""
        cent = Decimal("0.01")
        if line.get("net") and line.get("tax_amount"):
            return Decimal(line["net"]) + Decimal(line["tax_amount"])
        net = (Decimal(line["quantity"]) * Decimal(line["unit_price"])).quantize(cent, rounding="ROUND_HALF_UP")
        tax = self._rows["taxes"].get(line.get("tax_code", ""))
        rate = Decimal(tax[0]["rate"]) if tax else Decimal(0)
        return net + (net * rate / 100).quantize(cent, rounding="ROUND_HALF_UP")

    def _export(self, name: str, keys: list[str]) -> str:
        """Lay a file of these records into the inbox; customers as spreadsheets save them, with a mark before."""
        self._count += 1
        rows = [row for key in keys for row in self._rows[name][key]]
        text = text_of(name, rows, dialect=";" if name == "taxes" else ",")
        return self._lay(f"{name}-{self._count:04d}.csv", text, mark=name == "customers")

    def _lay(self, name: str, text: str, *, mark: bool = False) -> str:
        body = text.encode("utf-8-sig" if mark else "utf-8")
        part = self._home() / f"{name}.part"
        part.write_bytes(body)
        os.replace(part, self.inbox / name)
        self._laid[name] = hashlib.sha256(body).hexdigest()
        return name

    def _look(self) -> None:
        """Note what results and import files say, and files that were lost."""
        self._read_results()
        for path in sorted(self.outbox.glob("import/*.csv")):
            for row in _table(path):
                told = ("import", path.name, *row.values())
                if told not in self._told:
                    self._told.add(told)
                    self._note(_HANDED.get(path.name, path.name), "hand_over", row.get("account_code", ""), row)
        # One that is being moved may hide from one look, not from two.
        if self._missing() and (lost := self._missing()):
            for name in lost:
                del self._laid[name]
                self.service.journal.violation("lost", f"{name} was dropped and is nowhere")

    def _missing(self) -> list[str]:
        held = set()
        for path in self._home().rglob("*.csv"):
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                held.add(hashlib.sha256(path.read_bytes()).hexdigest())
        return [name for name, digest in self._laid.items() if digest not in held]

    def _read_results(self) -> None:
        for path in sorted(self.outbox.glob("results/*.csv"), key=lambda one: (one.stat().st_mtime_ns, one.name)):
            if (told := ("file", path.name)) in self._told:
                continue
            self._told.add(told)
            rows = _table(path)
            if rows and list(rows[0]) != RESULT:
                self.service.journal.violation("columns", f"{path.name} has {', '.join(rows[0])[:120]}")
                continue
            for row in rows:
                self._result(path.name, row)

    def _result(self, file: str, row: Sheet) -> None:
        kind, id, link = row["source_kind"], row["source_id"], row["xero_id"]
        self._note(kind, "refuse" if row["error"] else "update", row["xero_number"], row)
        table = next((name for name, of in _KINDS.items() if of == kind), "")
        if id not in self._rows.get(table, {}):
            self.service.journal.violation("unknown_record", f"{file} names {kind} {id}")
        if link and not _GUID.fullmatch(link):
            self.service.journal.violation("link", f"{file}: {kind} {id} has the Xero id {link[:60]!r}")
        if link:
            if self._links.get((kind, id), link) != link and kind in DOCUMENTS.values():
                self.service.journal.violation("link_overwritten", f"{file}: {kind} {id} has another Xero id")
            self._links[(kind, id)] = link

    def _note(self, kind: str, verb: str, number: str, row: Sheet) -> None:
        self.service.journal.write(
            tenant="", kind=kind, verb=verb, id=row.get("source_id", ""), number=number, xero_id=row.get("xero_id", ""),
            body=dict(row),
        )  # fmt: skip

    def _routes(self) -> Iterator[BaseRoute]:
        async def state(request: Request) -> Response:
            rows = self._rows.get(request.path_params["table"])
            if rows is None:
                return json_reply({"error": "there is no such kind of file"}, 404)
            return json_reply([row for lines in rows.values() for row in lines])

        async def documents(request: Request) -> Response:
            return json_reply(self.documents())

        async def files(request: Request) -> Response:
            return json_reply(sorted(str(p.relative_to(self._home())) for p in self._home().rglob("*") if p.is_file()))

        yield Route(f"{CONTROL}/state/{{table}}", state)
        yield Route(f"{CONTROL}/documents", documents)
        yield Route(f"{CONTROL}/files", files)
        yield Route(f"{CONTROL}/drop", control_post(self._drop), methods=["POST"])
        yield Route(f"{CONTROL}/create/{{table}}", self._person, methods=["POST"])
        yield Route(f"{CONTROL}/{{act}}/{{table}}/{{id}}", self._person, methods=["POST"])

    def _drop(self, body: Row) -> Any:
        name = self._lay(Path(str(body["name"])).name, str(body["text"]))
        if body.get("done"):
            (self.inbox / f"{name}.done").touch()
        return {"name": name}

    async def _person(self, request: Request) -> Response:
        """What a person changes at the program, which then exports it: edit, create, remove."""
        act, told = request.path_params.get("act", "create"), request.path_params
        if act not in ("edit", "create", "remove") or told["table"] not in self._rows:
            return Response(status_code=404)
        body = await request.body() or b"{}"
        answer: Response = await control_post(lambda _: self._do(act, told["table"], told.get("id", ""), decode(body)))(
            request
        )
        return answer

    def _do(self, act: str, name: str, id: str, body: Row) -> Any:
        held = self._rows[name]
        if act != "create" and id not in held:
            raise ValueError(f"{name} has no {id}")
        if act == "remove":
            if "active" not in COLUMNS[name].split(","):
                raise ValueError(f"{name}: a folder can't take back what was exported")
            body = {"active": "no"}
        lines = body.pop("lines", None)
        texts = {k: str(v) for k, v in body.items()}
        if unknown := set(texts).union(*(lines or [])) - set(COLUMNS[name].split(",")):
            raise ValueError(f"{name} has no column {', '.join(sorted(unknown))}")
        if act == "create":
            id = texts.setdefault(KEYS[name], str(1 + max((int(key) for key in held if key.isdigit()), default=0)))
            held[id] = [{}]
        if lines is not None:
            head = {k: v for k, v in held[id][0].items() if k not in ("line_no",)}
            made = ({k: str(v) for k, v in line.items()} for line in lines)
            held[id] = [{**head, "line_no": str(n), **line} for n, line in enumerate(made, 1)]
        held[id] = [{**row, **texts} for row in held[id]]
        return {"name": self._export(name, [id]), "id": id}


def _table(path: Path) -> list[Sheet]:
    text = path.read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
