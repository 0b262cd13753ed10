"""The rig that engine tests share: the sandbox on loopback, a real home, the real worker coroutine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.records import TaxRate
from xerotui.model.work import Request, RequestState
from xerotui.net.oauth import TokenSet
from xerotui.sandbox.run import Sandbox
from xerotui.sandbox.run import serve as serve_sandbox
from xerotui.sandbox.world import World, build
from xerotui.store import Mapping, Pair, SourceConnection, TenantDoc, XeroConnectionDoc
from xerotui.sync.plan import new_id
from xerotui.sync.planning import read_sides
from xerotui.sync.worker import serve as serve_worker
from xerotui.workspace.home import prepare
from xerotui.workspace.wiring import Wiring
from xerotui.xero.tokens import StoredTokens
from xerotui_halo.emulator import HaloEmulator

SOURCE = "halo"
LOGIN = "xero"


@dataclass
class Rig:
    """A connected installation beside its sandbox."""

    world: World
    sandbox: Sandbox
    wiring: Wiring
    http: httpx2.AsyncClient

    @property
    def tenants(self) -> tuple[str, ...]:
        """The two organisations."""
        return tuple(t.tenant_id for t in self.world.tenants)

    async def control(self, service: str, path: str, body: object | None = None) -> Any:
        """A control call of the sandbox: GET without a body, else POST."""
        url = self.sandbox.describe()[service]["control_url"] + path
        answer = await (self.http.get(url) if body is None else self.http.post(url, json=body))
        answer.raise_for_status()
        return answer.json()

    async def work(self) -> None:
        """Let a worker do whatever there is, in this process."""
        await serve_worker(self.wiring.ports(), asyncio.Event(), until_idle=True)
        await self.stand_in()

    async def stand_in(self) -> None:
        """Be this home's worker between two turns of work, so that no command starts a process that races with them."""
        ports = self.wiring.ports()
        async with ports.ledger.write() as tx:
            await ports.ledger.workers.register(tx, ports.identity, ports.version)

    async def stand_down(self) -> None:
        """Be no worker any longer: a process is started where one is needed."""
        ports = self.wiring.ports()
        async with ports.ledger.write() as tx:
            await ports.ledger.workers.end(tx, ports.identity)

    async def ask(self, verb: str, **args: str) -> Request:
        """Leave a request, let the worker work until idle, and return the answered request."""
        id = new_id("req")
        request = Request(id=id, verb=verb, args=args, actor="tester", created=self.wiring.clock.now())
        async with self.wiring.ledger.write() as tx:
            await self.wiring.ledger.requests.add(tx, request)
        await self.work()
        async with self.wiring.ledger.read() as tx:
            answered = await self.wiring.ledger.requests.get(tx, id)
        assert answered is not None
        return answered

    async def done(self, verb: str, **args: str) -> dict[str, str]:
        """As `ask`, for a request that has to succeed."""
        request = await self.ask(verb, **args)
        assert request.state is RequestState.DONE, (request.error, request.remedy)
        return request.answer

    async def sync(self, *, follow: bool = False) -> str:
        """Plan and apply; the plan's id."""
        plan = (await self.done("plan", connection=SOURCE))["plan"]
        await self.done("apply", plan=plan, follow="1" if follow else "")
        return plan

    async def map_taxes(self, *, but: Callable[[TaxRate], bool] = lambda rate: False) -> int:
        """Map every source tax rate to the Xero rate that the source itself proposes."""
        async with self.wiring.ledger.read() as tx:
            rates = await self.wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.TAX_RATE)
        count = 0
        async with self.wiring.book.edit() as db:
            for rate in rates:
                assert isinstance(rate, TaxRate)
                if not rate.linked_code or but(rate):
                    continue
                for tenant in [rate.tenant] if rate.tenant else self.tenants:
                    mapping = Mapping(
                        spec="tax", connection=SOURCE, value=rate.id, tenant=tenant, target=rate.linked_code
                    )
                    db.put_mapping(mapping)
                    count += 1
        return count


async def connect(wiring: Wiring, sandbox: Sandbox, world: World, http: httpx2.AsyncClient) -> None:
    """Save connections, tenants and pairs, with a consent minted by the sandbox."""
    about = sandbox.describe()
    halo, xero = about["halo"], about["xero"]
    granted = (await http.post(xero["control_url"] + "/grant", json={})).json()
    settings = {k: xero[k] for k in ("client_id", "api_url", "identity_url", "redirect_uri")}
    settings |= {"kind": "web", "authorize_url": xero["authorize_url"]}
    secrets = {k: v for k, v in halo.items() if k == "client_secret"}
    plain = {k: v for k, v in halo.items() if k not in ("client_secret", "control_url")}
    await wiring.vault.put(f"source/{SOURCE}/client_secret", secrets["client_secret"])
    await wiring.vault.put(f"xero/{LOGIN}/client_secret", xero["client_secret"])
    async with wiring.book.edit() as db:
        db.put_source(SourceConnection(id=SOURCE, name="HaloPSA", source="halo", settings=plain))
        db.put_xero(XeroConnectionDoc(id=LOGIN, name="Xero", settings=settings, saved=True))
        for tenant in world.tenants:
            db.put_tenant(
                TenantDoc(
                    tenant=tenant.tenant_id,
                    connection=LOGIN,
                    connection_row_id=tenant.connection_id,
                    name=tenant.name,
                    country=tenant.country,
                    currency=tenant.currency,
                )
            )
            # Tests change documents and plan at once; what the settle time is for has tests of its own.
            db.put_pair(Pair(source=SOURCE, tenant=tenant.tenant_id, settle_minutes=0))
    import datetime as dt

    tokens = TokenSet(
        access_token=granted["access_token"],
        refresh_token=granted["refresh_token"],
        expires_at=wiring.clock.now() + dt.timedelta(seconds=granted["expires_in"]),
        scope=granted["scope"],
    )
    keeper: Any = await wiring.keeper(LOGIN)
    await keeper.begin(tokens)


@asynccontextmanager
async def rig(
    tmp: Path, *, seed: int = 1, scale: float = 1.0, rate: float = 1.0, mapped: bool = True, world: World | None = None
) -> AsyncIterator[Rig]:
    """A connected installation: both sides read, tax rates mapped except the one that is the trouble.

    `world` is another one than that of the seed and scale.
    """
    world = world or build(seed, scale=scale)
    place = tmp / "sandbox"
    place.mkdir(exist_ok=True)
    sandbox = await serve_sandbox(world, [HaloEmulator()], home=place, clock_rate=rate)
    home = prepare(tmp / "home")
    import os

    os.environ["XEROTUI_CLOCK"] = str(sandbox.clock.path)
    wiring = await Wiring.open(home)
    try:
        async with httpx2.AsyncClient(timeout=60) as http:
            await connect(wiring, sandbox, world, http)
            made = Rig(world, sandbox, wiring, http)
            await made.stand_in()
            if mapped:
                await read_sides(wiring.ports(), SOURCE, made.tenants, _quiet)
                await made.map_taxes()
            yield made
    finally:
        await wiring.close()
        await sandbox.stop()
        os.environ.pop("XEROTUI_CLOCK", None)


async def _quiet(_: str) -> None:
    return None


__all__ = ["LOGIN", "SOURCE", "Rig", "StoredTokens", "msgspec", "rig"]
