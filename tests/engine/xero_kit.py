"""What the tests of the Xero room share: a running sandbox, logins to it, and calls made as the engine makes them."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from xerotui.model.kinds import Kind
from xerotui.model.postings import DocumentPosting, Posting, PostingLine
from xerotui.model.records import Party
from xerotui.model.work import Verb
from xerotui.net.clock import Clock, WorldClock
from xerotui.net.governor import NoLimits
from xerotui.net.http import HttpClient
from xerotui.net.limits import Permits
from xerotui.net.oauth import TokenSet, code_from_callback
from xerotui.sandbox.run import Sandbox, serve
from xerotui.sandbox.world import World, build
from xerotui.store import Ledger, VaultKey
from xerotui.workspace.secrets import Vaulted
from xerotui.xero import limits
from xerotui.xero.answers import Answer, Confirmed, Verdicts
from xerotui.xero.calls import encode_call, read_answer, sent_key
from xerotui.xero.client import TenantClient
from xerotui.xero.connections import XeroSettings, grants
from xerotui.xero.scopes import SCOPES
from xerotui.xero.tokens import TokenKeeper

WIDE = SCOPES.replace("payments.read", "payments").replace("settings.read", "settings")
WORLD: World = build(seed=1, scale=0.1)
UK = next(t for t in WORLD.tenants if t.key == "uk")


class Bench:
    """A running sandbox with what a test needs to call it."""

    def __init__(self, sandbox: Sandbox, http: HttpClient, ledger: Ledger) -> None:
        self.sandbox = sandbox
        self.ledger = ledger
        self.xero = sandbox.xero
        self.http = http
        self.clock = http.clock
        found = self.xero.describe()
        shared = {k: found[k] for k in ("api_url", "identity_url", "authorize_url", "redirect_uri")}
        self.web = XeroSettings(
            kind="web", client_id=found["client_id"], client_secret=found["client_secret"], tier=5000, **shared
        )
        self.pkce = XeroSettings(kind="pkce", client_id=found["pkce_client_id"], **shared)
        custom = found["custom"]
        self.custom = XeroSettings(
            kind="custom", client_id=custom["client_id"], client_secret=custom["client_secret"], **shared
        )

    @property
    def journal(self) -> Any:
        return self.xero.service.journal

    async def control(self, path: str, body: Any) -> Any:
        response = await self.http.send("POST", f"{self.xero.service.control_url}/{path}", json=body)
        assert response.status == 200, response.text()
        return response.json()

    def asked(self, method: str, path: str) -> int:
        return sum(1 for r in self.journal.requests if r["method"] == method and path in r["path"])

    async def login(self, settings: XeroSettings) -> TokenSet:
        grant = grants(self.http, settings)
        begun = grant.begin()
        answer = await self.http.send("GET", begun.url + "&approve=1")
        assert answer.status == 302, answer.text()
        return await grant.exchange(code_from_callback(answer.headers["location"], begun.state), begun.verifier)

    async def keeper(self, settings: XeroSettings) -> TokenKeeper:
        keeper = TokenKeeper("x", Vaulted(self.ledger), grants(self.http, settings), self.clock)
        await keeper.begin(await self.login(settings))
        return keeper

    async def client(self, permits: Permits | None = None, settings: XeroSettings | None = None) -> TenantClient:
        chosen = settings or self.web
        http = limits.governed(self.http, permits or NoLimits(), chosen, UK.tenant_id, self.clock)
        return TenantClient(http, await self.keeper(chosen), UK.tenant_id, chosen)

    async def write(
        self, client: TenantClient, kind: Kind, verb: Verb, elements: Sequence[tuple[Posting | None, str]], key: str
    ) -> Answer:
        encoded = encode_call(kind, verb, elements)
        response = await client.send(encoded.method, encoded.path, encoded.body, key)
        keys = [sent_key(kind, verb, posting, target) for posting, target in elements]
        return read_answer(kind, verb, response, len(elements), keys, client.tenant)


@asynccontextmanager
async def opened(folder: Path, clock: Clock) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(folder / "ledger.db", clock=clock, key=VaultKey(bytes(32)))
    try:
        yield ledger
    finally:
        await ledger.close()


@asynccontextmanager
async def benched(folder: Path) -> AsyncIterator[Bench]:
    """A sandbox with its own clock, and a ledger that runs on it."""
    sandbox = await serve(WORLD, home=folder)
    clock = WorldClock(folder / "clock.json")
    async with sandbox, HttpClient(clock=clock) as http, opened(folder, clock) as ledger:
        yield Bench(sandbox, http, ledger)


def invoice(number: str, contact: str, **more: Any) -> DocumentPosting:
    given: dict[str, Any] = {
        "kind": Kind.INVOICE,
        "number": number,
        "contact": contact,
        "date": WORLD.today,
        "due_date": WORLD.today + dt.timedelta(days=14),
        "currency": UK.currency,
        "status": "AUTHORISED",
        "lines": (
            PostingLine(
                description="Work",
                quantity=Decimal("1.2500"),
                unit_amount=Decimal("10.1234"),
                account="200",
                tax="OUTPUT2",
            ),
            PostingLine(description="Thank you"),
        ),
    }
    return DocumentPosting(**(given | more))


def confirmed(answer: Answer, index: int = 0) -> Confirmed:
    assert isinstance(answer, Verdicts), answer
    verdict = answer.elements[index]
    assert isinstance(verdict, Confirmed), verdict
    return verdict


async def active_contact(client: TenantClient) -> str:
    pages = [page async for page in client.contacts()]
    return next(r.id for page in pages for r in page if isinstance(r, Party) and r.active)


async def wide(bench: Bench) -> TenantClient:
    """A client whose login may write payments and settings too."""
    given = {f: getattr(bench.web, f) for f in bench.web.__struct_fields__} | {"scopes": WIDE}
    return await bench.client(NoLimits(), XeroSettings(**given))
