"""Tokens over several real processes: one renewal for each expiry, and none lost, whoever dies and whatever is cut."""

import asyncio
import datetime as dt
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.rig import LOGIN, connect
from xerotui.net.oauth import OAuthError
from xerotui.sandbox.run import Sandbox, serve
from xerotui.sandbox.world import build
from xerotui.sync.worker import serve as serve_worker
from xerotui.workspace.door import Workspace
from xerotui.workspace.home import prepare
from xerotui.workspace.wiring import Wiring
from xerotui.xero.connections import connections, grants
from xerotui.xero.errors import Paused
from xerotui.xero.tokens import AppTokens, StoredTokens, TokenKeeper
from xerotui_halo.emulator import HaloEmulator

ROOT = Path(__file__).parents[2]
WORLD = build(seed=1, scale=0.1)
# World seconds after which an access token isn't used any more.
EXPIRY = 28 * 60
PROCESSES = 4
# Machine seconds after which a process is taken to hang.
LONG = 60.0


class Installation:
    """A sandbox and a connected home beside it."""

    def __init__(self, sandbox: Sandbox, wiring: Wiring, http: Any) -> None:
        self.sandbox = sandbox
        self.wiring = wiring
        self.http = http

    @property
    def renewals(self) -> int:
        """How often the token endpoint was asked."""
        return sum(1 for r in self.sandbox.xero.service.journal.requests if r["path"].endswith("/connect/token"))

    async def asked_since(self, moment: float | None) -> None:
        """Wait until Xero has got a request after the one of that world time."""
        await until(lambda: self.last_request != moment)

    async def renewed_since(self, renewals: int) -> None:
        """Wait until the token endpoint has answered once more."""
        await until(lambda: self.renewals != renewals)

    @property
    def last_request(self) -> float | None:
        """The world time at which the last request came in, whether or not it is answered."""
        return self.sandbox.xero.service.journal.last_request_at

    async def fault(self, **spec: Any) -> None:
        """Let the sandbox misbehave."""
        answer = await self.http.post(f"{self.sandbox.xero.service.control_url}/faults", json=spec or {"clear": True})
        assert answer.status_code == 200, answer.text

    async def works(self, token: str) -> bool:
        """Whether Xero takes an access token."""
        settings = await self.wiring.xero_settings(LOGIN)
        return bool(await connections(self.wiring.http, settings, token))

    async def keeper(self) -> TokenKeeper:
        """This process's own keeper."""
        found = await self.wiring.keeper(LOGIN)
        assert isinstance(found, TokenKeeper)
        return found

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Process]:
        """Another process over the same home; it is gone at the end."""
        made = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.engine.token_process",
            str(self.wiring.home.root),
            LOGIN,
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            env={**os.environ, "XEROTUI_CLOCK": str(self.sandbox.clock.path)},
        )
        try:
            assert await heard(made) == "ready"
            yield made
        finally:
            if made.returncode is None:
                made.kill()
            await made.wait()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    async with asyncio.timeout(LONG):
        while not condition():
            await asyncio.sleep(0.02)


def tell(process: Process, command: str = "ask") -> None:
    """Give a process a command."""
    assert process.stdin is not None
    process.stdin.write(f"{command}\n".encode())


async def heard(process: Process) -> str:
    """The next line of a process, blank when it is gone."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), LONG)).decode().strip()


@asynccontextmanager
async def connected(tmp: Path, rate: float = 1.0) -> AsyncIterator[Installation]:
    """A connected installation."""
    import httpx2

    place = tmp / "sandbox"
    place.mkdir()
    sandbox = await serve(WORLD, [HaloEmulator()], home=place, clock_rate=rate)
    os.environ["XEROTUI_CLOCK"] = str(sandbox.clock.path)
    try:
        wiring = await Wiring.open(prepare(tmp / "home"))
        async with httpx2.AsyncClient() as http:
            await connect(wiring, sandbox, WORLD, http)
            yield Installation(sandbox, wiring, http)
        await wiring.close()
    finally:
        os.environ.pop("XEROTUI_CLOCK", None)
        await sandbox.stop()


@asynccontextmanager
async def looking(here: Installation, *, read_only: bool = False) -> AsyncIterator[Workspace]:
    """The workspace as a console or command opens it; workers started from it end with it."""
    space = await Workspace.open(here.wiring.home.root, attached=True, read_only=read_only)
    try:
        yield space
    finally:
        await space.close()


async def expiries(tmp: Path, rounds: int) -> None:
    """Let the tokens expire so often, and four processes want new ones at once each time."""
    async with connected(tmp) as here, AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(here.process()) for _ in range(PROCESSES)]
        seen: set[str] = set()
        before = here.renewals
        for n in range(1, rounds + 1):
            here.sandbox.clock.jump(EXPIRY)
            for process in processes:
                tell(process)
            tokens = set(await asyncio.gather(*(heard(process) for process in processes)))
            assert len(tokens) == 1, f"expiry {n}: one token for all"
            assert not tokens & seen, f"expiry {n}: a new one"
            assert here.renewals == before + n, f"expiry {n}: asked for once"
            seen |= tokens
        assert await here.works(tokens.pop())


async def test_four_processes_renew_once_for_each_expiry(tmp_path: Path) -> None:
    await expiries(tmp_path, 25)


@pytest.mark.soak
async def test_four_processes_renew_once_for_each_of_a_thousand_expiries(tmp_path: Path) -> None:
    await expiries(tmp_path, 1000)


async def test_a_login_outlives_processes_killed_at_the_worst_moments_and_lost_answers(tmp_path: Path) -> None:
    async with connected(tmp_path) as here:
        # Killed after Xero has renewed and before the answer was read: the old token's grace saves the login.
        async with here.process() as first, here.process() as second:
            here.sandbox.clock.jump(EXPIRY)
            await here.fault(path="/token", do="slow_body", seconds=600, times=1)
            before = here.last_request
            tell(first)
            await here.asked_since(before)
            first.kill()
            await first.wait()
            tell(second)
            assert await here.works(await heard(second))
            # Killed in the moment in which the new token was first had: what it had is what lasts.
            here.sandbox.clock.jump(EXPIRY)
            tell(second, "last")
            token = await heard(second)
            assert await second.wait() != 0
        stored = await here.wiring.vault.load(LOGIN)
        assert stored is not None
        assert stored.current.access_token == token
        assert await here.works(token)
        # An answer that is lost costs a second question, and no more.
        keeper = await here.keeper()
        here.sandbox.clock.jump(EXPIRY)
        await here.fault(path="/token", do="cut_after", times=1)
        before = here.renewals
        assert await here.works(await keeper.access())
        assert here.renewals == before + 2
        # Whoever asked may leave: the renewal goes on, and the next one has its fruit.
        here.sandbox.clock.jump(31 * 60)
        await here.fault(path="/token", do="delay", seconds=0.3, times=1)
        before, asked = here.renewals, here.last_request
        impatient = asyncio.create_task(keeper.access())
        await here.asked_since(asked)
        impatient.cancel()
        assert await here.works(await keeper.access())
        assert here.renewals == before + 1


async def test_an_early_renewal_that_fails_rests_and_what_answers_in_xeros_place_pauses_nothing(tmp_path: Path) -> None:
    async with connected(tmp_path) as here:
        keeper = await here.keeper()
        old = await keeper.access()
        here.sandbox.clock.jump(EXPIRY)
        await here.fault(path="/token", do="status", status=403, text="<h1>Sign in to this network</h1>")
        before = here.renewals
        assert [await keeper.access() for _ in range(5)] == [old] * 5
        assert here.renewals == before + 1, "asked once, then left alone"
        await here.fault()
        here.sandbox.clock.jump(30)
        assert await keeper.access() != old
        await nothing_pauses(here, keeper)
        # A refresh token that Xero doesn't know: the one before it is tried once, while its grace lasts.
        await estranged(here, 29 * 60)
        before = here.renewals
        assert await here.works(await keeper.access())
        assert here.renewals == before + 2
        await estranged(here, 31 * 60)
        with pytest.raises(Paused) as caught:
            await keeper.access()
        assert "log in" in caught.value.remedy
        assert here.renewals == before + 3


async def nothing_pauses(here: Installation, keeper: TokenKeeper) -> None:
    """What a gateway says in words of its own, or a token endpoint in passing, is no dead login: past the token's end
    it is an error, and once it is over the login goes on."""
    custom = here.sandbox.describe()["xero"]["custom"]
    own = {name: custom[name] for name in ("client_id", "client_secret")}
    settings = msgspec.structs.replace(await here.wiring.xero_settings(LOGIN), kind="custom", **own)
    app = AppTokens(grants(here.wiring.http, settings), here.wiring.clock)
    here.sandbox.clock.jump(31 * 60)
    for status, error in (
        (503, "service_unavailable"),
        (500, "invalid_grant"),
        (429, "slow_down"),
        (403, "forbidden"),
        (400, "upstream"),
    ):
        await here.fault(path="/token", do="status", status=status, text=f'{{"error":"{error}"}}')
        for tokens in (keeper, app):
            with pytest.raises(OAuthError) as caught:
                await tokens.access()
            assert error in caught.value.said + caught.value.sentence
        await here.fault()
        stored = await here.wiring.vault.load(LOGIN)
        assert stored is not None
        assert not stored.paused, f"{status} {error}"
    assert await here.works(await keeper.access())
    assert await app.access()


async def estranged(here: Installation, later: float) -> None:
    """What is stored became strange to Xero so long ago, with what was good before it beside it."""
    vault = here.wiring.vault
    stored = await vault.load(LOGIN)
    fence = await vault.lease(LOGIN, 5)
    assert stored is not None
    assert fence is not None
    strange = msgspec.structs.replace(stored.current, refresh_token="strange")
    before, now = stored.current.refresh_token, here.wiring.clock.now()
    await vault.store(LOGIN, StoredTokens(current=strange, previous_refresh=before, rotated_at=now), fence)
    await vault.release(LOGIN, fence)
    here.sandbox.clock.jump(later)


async def test_an_idle_login_is_kept_and_one_that_died_is_not_asked_for_again(tmp_path: Path) -> None:
    async with connected(tmp_path) as here:
        keeper = await here.keeper()
        week = dt.timedelta(days=7)
        assert not await keeper.keep(week)
        for _ in range(12):
            here.sandbox.clock.jump(8 * 86_400)
            assert await keeper.keep(week)
            assert not await keeper.keep(week)
        assert await here.works(await keeper.access())
        here.sandbox.clock.jump(61 * 86_400)
        before = here.renewals
        for _ in range(3):
            with pytest.raises(Paused) as caught:
                await keeper.keep(week)
            assert "log in" in caught.value.remedy
        assert here.renewals == before + 1


async def test_an_idle_worker_keeps_the_login_alive_and_one_is_started_for_it(tmp_path: Path) -> None:
    async with connected(tmp_path) as here:
        async with here.wiring.book.edit() as db:
            # Nothing is synced and nothing read: only the care for the login is left.
            for tenant in WORLD.tenants:
                db.drop_pair("halo", tenant.tenant_id)
                db.drop_tenant(tenant.tenant_id)
        stop = asyncio.Event()
        working = asyncio.create_task(serve_worker(here.wiring.ports(), stop))
        for _ in range(5):
            before = here.renewals
            here.sandbox.clock.jump(20 * 86_400)
            await here.renewed_since(before)
        stop.set()
        assert await working == 0
        assert here.renewals == before + 1
        assert await here.works(await (await here.keeper()).access())
        # Without a worker: who only looks is told in time, everybody else gets one.
        here.sandbox.clock.jump(50 * 86_400)
        async with looking(here, read_only=True) as space:
            assert "dies in 9 days" in (await space.worker()).detail
        before = here.renewals
        async with looking(here) as space:
            await space.woken()
            async with asyncio.timeout(LONG):
                while (await space.login_ages())[0].state != "connected":
                    await asyncio.sleep(0.05)
            assert (await space.login_ages())[0].days_left == 59
            await space.stop_worker()
            here.sandbox.clock.jump(50 * 86_400)
            # Stopped on purpose: it stays so, and what that costs is said.
        async with looking(here) as space:
            assert "dies in 9 days" in (await space.worker()).detail
            assert (await space.login_ages())[0].state == "expiring"
            assert here.renewals == before + 1


async def test_four_processes_share_one_minute(tmp_path: Path) -> None:
    limit, calls = 10, 6
    async with connected(tmp_path, rate=60) as here, AsyncExitStack() as stack:
        service = here.sandbox.xero.service
        answer = await here.http.post(f"{service.control_url}/limits", json={"minute": limit})
        assert answer.status_code == 200, answer.text
        async with here.wiring.book.edit() as db:
            login = db.xero(LOGIN)
            assert login is not None
            settings = {**login.settings, "minute_limit": str(limit)}
            db.put_xero(msgspec.structs.replace(login, settings=settings))
        processes = [await stack.enter_async_context(here.process()) for _ in range(PROCESSES)]
        tenant = WORLD.tenants[0]
        for process in processes:
            for _ in range(calls):
                tell(process, f"call {tenant.tenant_id}")
        for process in processes:
            assert {await heard(process) for _ in range(calls)} == {tenant.name}
        made = [r for r in service.journal.requests if r["path"].endswith("/Organisation")]
        assert [r["status"] for r in made] == [200] * PROCESSES * calls, "never one too many"
        assert service.journal.violations == []
        async with here.wiring.ledger.read() as tx:
            used = await here.wiring.ledger.usage.since(tx, dt.date.min)
        [cost] = used.values()
        assert (cost.calls, cost.throttled, cost.billed) == (PROCESSES * calls, 0, 0), "Xero doesn't bill these"
        assert cost.received > 0
