"""A tiny source with its emulator, sound as it stands; `flawed` makes one that has a single flaw."""

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response as Reply
from starlette.routing import Route

from xerotui.model.kinds import Kind, Trade
from xerotui.model.records import Choice, Document, Line, Party, Record
from xerotui.model.settings import Secret, Title
from xerotui.model.settling import Settlement
from xerotui.net.errors import NetError
from xerotui.net.http import BadAnswer, Response
from xerotui.net.limits import Limits, Throttled, Window
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import CONTROL, Service, control_post, decode, json_reply
from xerotui.sandbox.world import World
from xerotui.source.contract import (
    Attachment,
    Capability,
    Fact,
    Gone,
    Keys,
    MappingSpec,
    Page,
    Source,
    SourceLocked,
    SourceRefused,
    SourceUnreachable,
    Target,
)

KEY = "tiny-key-never-shown"
KINDS = {"customer": Kind.CUSTOMER, "invoice": Kind.INVOICE}
SIZE = 5


class TinyEmulator:
    """A dozen customers and as many invoices; every change has a number, which is the cursor."""

    name = "tiny"
    source = "tiny"

    def load(self, world: World) -> None:
        """Make rows of the world's first customers."""
        self.count = 0
        self.handed: list[str] = []
        self.tenant = world.tenants[0].tenant_id
        self.rows: dict[str, dict[str, dict[str, Any]]] = {"customer": {}, "invoice": {}}
        for n in range(1, 13):
            common = {"id": str(n), "tenant": self.tenant, "xero_id": ""}
            self._put("customer", {**common, "name": f"Customer {n}", "number": f"C{n}"})
            self._put("invoice", {**common, "name": f"Job {n}", "number": f"I{n}", "party": str(n), "total": "10.10"})

    def _put(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        self.rows[kind][row["id"]] = {**row, "change": self.count}
        return self.rows[kind][row["id"]]

    async def start(self, clock: WorldClock) -> None:
        """Serve."""
        routes = [
            Route("/about", self._told(lambda r: {"version": "1"})),
            Route("/list/{kind}", self._told(self._list)),
            Route("/one/{kind}/{id}", self._told(lambda r: self.rows[r.path_params["kind"]].get(r.path_params["id"]))),
            Route("/find", self._told(self._find)),
            Route("/rates", self._told(lambda r: [{"id": "1", "name": "Hour", "price": Decimal("50.5")}])),
            Route("/import", self._told(self._import), methods=["POST"]),
            Route("/save", self._told(self._save), methods=["POST"]),
            Route("/link", self._told(self._link), methods=["POST"]),
            Route("/pay", self._told(self._pay), methods=["POST"]),
            Route("/void", self._told(self._void), methods=["POST"]),
        ]
        person = [Route(f"{CONTROL}/person", control_post(self._person), methods=["POST"])]
        self.service = Service(self.name, Starlette(routes=routes), clock, routes=list(person))
        await self.service.start()

    def settings(self) -> Mapping[str, str]:
        """Address and key."""
        return {"url": self.service.url, "api_key": KEY}

    def totals(self) -> Mapping[str, Any]:
        """Nothing is counted."""
        return {}

    def expected(self) -> list[dict[str, Any]]:
        """Nothing is wrong in it."""
        return []

    async def stop(self) -> None:
        """End."""
        await self.service.stop()

    def _told(self, work: Any) -> Any:
        async def endpoint(request: Request) -> Reply:
            if request.headers.get("key") != KEY:
                return json_reply({"error": "unknown key"}, 401)
            request.state.body = decode(await request.body() or b"{}")
            found = work(request)
            return Reply(status_code=404) if found is None else json_reply(found)

        return endpoint

    def _list(self, request: Request) -> Any:
        since, first = int(request.query_params.get("since") or 0), int(request.query_params.get("from") or 0)
        rows = [row for row in self.rows[request.path_params["kind"]].values() if row["change"] > since]
        return {"rows": rows[first : first + SIZE], "more": len(rows) > first + SIZE, "now": self.count}

    def _find(self, request: Request) -> Any:
        asked = {k: v.casefold() for k, v in request.query_params.items() if v}
        rows = self.rows["customer"].values()
        return [row for row in rows if any(str(row[k]).casefold() == v for k, v in asked.items())]

    def _save(self, request: Request) -> Any:
        return self._put("customer", {**request.state.body, "id": str(100 + self.count)})

    def _import(self, request: Request) -> Any:
        body = request.state.body
        self.handed = [*(self.handed if body["more"] else []), *body["names"]]
        return {}

    def _link(self, request: Request) -> Any:
        body = request.state.body
        row = self.rows[body["kind"]][body["id"]]
        return self._put(body["kind"], {**row, "xero_id": body["xero_id"], "links": row.get("links", 0) + 1})

    def _pay(self, request: Request) -> Any:
        return self._changed(request.state.body["id"], "paid", paid=request.state.body["paid"])

    def _void(self, request: Request) -> Any:
        return self._changed(request.state.body["id"], "voided", void=True)

    def _changed(self, id: str, verb: str, **change: Any) -> Any:
        self.service.journal.write(tenant=self.tenant, kind="invoice", verb=verb, id=id)
        return self._put("invoice", {**self.rows["invoice"][id], **change})

    def _person(self, body: dict[str, Any]) -> Any:
        row = self.rows[body["kind"]].pop(body["id"])
        return {} if body.get("remove") else self._put(body["kind"], {**row, **body["change"]})


class TinySettings(msgspec.Struct, kw_only=True):
    """Address and key."""

    url: Annotated[str, Title("Address")]
    api_key: Annotated[str, Title("Key"), Secret()]


class OpenSettings(msgspec.Struct, kw_only=True):
    """The same, the key being no secret."""

    url: Annotated[str, Title("Address")]
    api_key: Annotated[str, Title("Key")]


class TinySource(Source):
    """A source that is sound but for its `flaw`."""

    name = "tiny"
    title = "Tiny"
    settings_type = TinySettings
    kinds = (Kind.CUSTOMER, Kind.INVOICE)
    capabilities = frozenset(Capability)
    importable = (Kind.CUSTOMER,)
    handed = (Kind.CUSTOMER,)
    specs = (
        MappingSpec(id="rate", title="Rates", source_title="Rate", target=Target.ITEM, kinds=(Kind.INVOICE,),
                    trades=(Trade.SALES,)),
    )  # fmt: skip
    flaw = ""

    @classmethod
    def limits(cls, settings: Any) -> tuple[str, Limits]:
        """A hundred a minute."""
        return f"tiny:{settings.url}", Limits((Window("minute", 100, 60),))

    @classmethod
    def throttled(cls, response: Response) -> Throttled | None:
        """429 with its header."""
        if response.status != 429 or cls.flaw == "throttle unread":
            return Throttled("minute", 1) if cls.flaw == "all is a throttle" and response.status == 503 else None
        seconds = float(response.headers.get("retry-after", 5))
        return Throttled("minute", 0.1 if cls.flaw == "impatient" else seconds)

    async def check(self) -> tuple[Fact, ...]:
        """The version."""
        if self.flaw == "check asks nobody":
            return (Fact("Version", "1"),)
        try:
            return (Fact("Version", str((await self._call("GET", "/about"))["version"])),)
        except SourceLocked:
            if self.flaw == "secret told":
                raise SourceLocked(f"The key {self.settings.api_key} is refused") from None
            raise

    async def choices(self, spec: str) -> tuple[Record, ...]:
        """The rates."""
        if spec != "rate" and self.flaw != "any spec":
            return ()
        rows = await self._call("GET", "/rates")
        return tuple(Choice(id=r["id"], kind=Kind.CHOICE, name=r["name"], spec="rate", price=r["price"]) for r in rows)

    async def pages(self, kind: Kind, cursor: str) -> AsyncIterator[Page]:
        """Page by page; the cursor comes with the last."""
        at = 0
        cursor = "" if self.flaw == "no delta" else cursor
        while True:
            answer = await self._call("GET", f"/list/{kind}", {"since": cursor, "from": str(at)})
            good, bad = self._records(kind, answer["rows"])
            end = not answer["more"] or self.flaw == "cursor too early"
            now = answer["now"] + (1 if self.flaw == "gap" else 0)
            yield Page(records=tuple(good), skipped=tuple(bad), cursor=str(now) if end else "")
            if not answer["more"] or (self.context.cancelled() and self.flaw != "goes on"):
                return
            at += SIZE - (self.flaw == "twice")

    def _records(self, kind: Kind, rows: list[dict[str, Any]]) -> tuple[list[Record], list[tuple[str, str]]]:
        good: list[Record] = []
        bad: list[tuple[str, str]] = []
        for row in rows:
            try:
                good.append(self._record(kind, row))
            except ArithmeticError:
                if self.flaw != "skips in silence":
                    bad.append((row["id"], "no amount"))
        if self.flaw == "logs the key":
            self.context.log.info("asked", key=self.settings.api_key)
        return good, bad

    def _record(self, kind: Kind, row: dict[str, Any]) -> Record:
        id: Any = int(row["id"]) if self.flaw == "ids are numbers" else row["id"]
        common: Any = {"id": id, "kind": kind, "name": row["name"], "tenant": row["tenant"], "xero_id": row["xero_id"]}
        if self.flaw == "hostile text fails":
            row["name"].encode("ascii")
        if kind is Kind.CUSTOMER:
            return Party(**common, number=row["number"])
        amount: Any = float(row["total"]) if self.flaw == "floats" else Decimal(row["total"])
        line = Line(id="1", quantity=Decimal(1), unit_price=amount)
        text = f"links {row.get('links', 0)}" if self.flaw == "links add up" else ""
        return Document(**common, number=row["number"], party=row["party"], total=amount, lines=(line,), reference=text)

    async def get(self, kind: Kind, id: str) -> Record:
        """One."""
        try:
            return self._record(kind, await self._call("GET", f"/one/{kind}/{id}"))
        except SourceRefused as error:
            if error.status == 404 or self.flaw == "all is gone":
                raise Gone(id) from None
            raise

    async def find(self, kind: Kind, keys: Keys) -> tuple[Record, ...]:
        """By any key."""
        asked = {"xero_id": keys.xero_id, "number": keys.number, "name": keys.name}
        if self.flaw == "not by name":
            asked["name"] = ""
        rows = await self._call("GET", "/find", asked) if any(asked.values()) else []
        return tuple(self._record(kind, row) for row in rows)

    async def save(self, kind: Kind, record: Record) -> str:
        """Create."""
        assert isinstance(record, Party)
        kept = "" if self.flaw == "create without id" else record.xero_id
        body = {"name": record.name, "number": record.number, "tenant": record.tenant, "xero_id": kept}
        try:
            return str((await self._call("POST", "/save", json=body))["id"])
        except SourceUnreachable as error:
            if self.flaw == "creates again" and error.sent:
                return str((await self._call("POST", "/save", json=body))["id"])
            raise

    async def hand_over(self, kind: Kind, records: Sequence[Record]) -> str:
        """All of them, in place of what was there."""
        names = [record.name for record in records]
        await self._call("POST", "/import", json={"names": names, "more": self.flaw == "handed over again"})
        return "import"

    async def attach(self, attachments: Sequence[Attachment]) -> None:
        """Link."""
        for one in attachments:
            kept = "" if self.flaw == "links are lost" else one.xero_id
            await self._call("POST", "/link", json={"kind": one.kind.value, "id": one.record, "xero_id": kept})

    async def settle(self, kind: Kind, id: str, settlement: Settlement) -> tuple[str, ...]:
        """What is paid, by Xero's id of each payment."""
        there = (await self._call("GET", f"/one/{kind}/{id}")).get("paid", {})
        paid = {p.id: str(p.amount) for p in settlement.payments}
        if paid != there or self.flaw == "paid again":
            await self._call("POST", "/pay", json={"id": id, "paid": paid})
        return ()

    async def void(self, kind: Kind, id: str) -> None:
        """Void, once."""
        if not (await self._call("GET", f"/one/{kind}/{id}")).get("void") or self.flaw == "voided again":
            await self._call("POST", "/void", json={"id": id})

    async def void_effect(self, kind: Kind) -> str:
        """Nothing else."""
        return ""

    async def _call(self, method: str, path: str, params: Mapping[str, str] | None = None, json: Any = None) -> Any:
        headers = {"key": self.settings.api_key}
        http = self.context.http
        if self.flaw == "past the governor":
            http = http.governed(None)
        try:
            response = await http.send(method, self.settings.url + path, headers=headers, params=params, json=json)
            if response.status == 401:
                raise SourceLocked("Tiny refuses the key.")
            if not response.ok:
                certain = response.status < 500 or self.flaw == "sure of too much"
                raise SourceRefused(response.text(), status=response.status, certain=certain)
            return response.json()
        except BadAnswer as error:
            if self.flaw == "raises what it likes":
                raise ValueError("no JSON") from None
            raise SourceRefused(error.sentence, certain=False) from None
        except NetError as error:
            sent = error.effect_possible if self.flaw != "sent is forgotten" else False
            raise SourceUnreachable(error.sentence, sent=sent or (self.flaw == "sent for sure")) from None


def flawed(flaw: str, **attributes: Any) -> type[TinySource]:
    """The tiny source with one flaw, or with other declarations."""
    return type("Flawed", (TinySource,), {"flaw": flaw, "__doc__": flaw, **attributes})
