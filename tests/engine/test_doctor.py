"""Every way in which a connection ails, tried on the sandbox: doctor names it, says what to do, and puts it first."""

import asyncio
import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from xerotui.console.rows.status import status_text
from xerotui.net.clock import WorldClock
from xerotui.net.oauth import TokenSet
from xerotui.sandbox.run import Sandbox
from xerotui.sandbox.run import serve as serve_sandbox
from xerotui.sandbox.world import build
from xerotui.store import Hint, TenantDoc, XeroConnectionDoc
from xerotui.sync.watching import Watcher
from xerotui.workspace.door import Workspace
from xerotui.workspace.pages import Finding
from xerotui.workspace.report import ConnectionReport, person
from xerotui.workspace.report_words import sections
from xerotui.xero.errors import Paused

LOGIN = "xero"
WORLD = build(1, scale=0.1)
UK, AU = (tenant.tenant_id for tenant in WORLD.tenants)


class Bench:
    """A sandbox of Xero alone, and homes that are connected with it."""

    def __init__(self, sandbox: Sandbox, http: httpx2.AsyncClient, root: Path) -> None:
        self.about: dict[str, Any] = sandbox.describe()["xero"]
        self.sandbox = sandbox
        self.http = http
        self.root = root
        self.homes = 0

    async def control(self, path: str, body: object) -> Any:
        """A control call."""
        answer = await self.http.post(self.about["control_url"] + path, json=body)
        answer.raise_for_status()
        return answer.json()

    @asynccontextmanager
    async def space(self, *, scopes: str = "", **settings: str) -> AsyncIterator[Workspace]:
        """A new home, connected with a fresh login; `settings` differ from the sandbox's own."""
        self.homes += 1
        space = await Workspace.open(self.root / f"home{self.homes}", attached=True, wake=False)
        try:
            await self.login(space, scopes, settings)
            yield space
        finally:
            await space.close()

    async def login(self, space: Workspace, scopes: str, settings: dict[str, str]) -> None:
        """Consent, and save both organisations."""
        granted = await self.control("/grant", {"scopes": scopes} if scopes else {})
        kept = {k: self.about[k] for k in ("client_id", "api_url", "identity_url", "redirect_uri", "authorize_url")}
        wiring = space.wiring
        await wiring.vault.put(f"xero/{LOGIN}/client_secret", self.about["client_secret"])
        async with wiring.book.edit() as db:
            db.put_xero(
                XeroConnectionDoc(id=LOGIN, name="Northgate", settings={"kind": "web", **kept, **settings}, saved=True)
            )
            for tenant in WORLD.tenants:
                db.put_tenant(
                    TenantDoc(
                        tenant=tenant.tenant_id,
                        connection=LOGIN,
                        connection_row_id=tenant.connection_id,
                        name=tenant.name,
                    )
                )
        ends = wiring.clock.now() + dt.timedelta(seconds=granted["expires_in"])
        keeper: Any = await wiring.keeper(LOGIN)
        await keeper.begin(
            TokenSet(
                access_token=granted["access_token"],
                refresh_token=granted.get("refresh_token", ""),
                expires_at=ends,
                scope=granted["scope"],
                id_token=granted.get("id_token", ""),
            )
        )


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """The bench; the world's clock is everybody's unless a test says otherwise."""
    place = tmp_path / "sandbox"
    place.mkdir()
    sandbox = await serve_sandbox(WORLD, [], home=place, clock_rate=1.0)
    monkeypatch.setenv("XEROTUI_CLOCK", str(sandbox.clock.path))
    try:
        async with httpx2.AsyncClient(timeout=60) as http:
            yield Bench(sandbox, http, tmp_path)
    finally:
        await sandbox.stop()


async def wrong(space: Workspace, tenant: str = UK) -> Finding:
    """What doctor says of an organisation first."""
    found = await space.doctor()
    levels = [finding.level for finding in found]
    assert levels == sorted(levels, key=["bad", "warn", "ok"].index)
    name = next(t.name for t in WORLD.tenants if t.tenant_id == tenant)
    first = next(finding for finding in found if finding.area == "xero" and finding.title == name)
    assert first.level == "ok" or first.remedy
    return first


def said(report: ConnectionReport) -> dict[str, str]:
    """A report's lines by label."""
    return {line.label: line.words for section in sections(report) for line in section.lines}


async def test_a_connection_that_is_well_is_told_in_full(bench: Bench) -> None:
    async with bench.space() as space:
        before = await space.connection(UK)
        assert before.facts.demo is None
        assert before.last_good is None
        first = await wrong(space)
        assert (first.level, first.detail) == ("ok", "GBP, live, login good for 59 days")
        report = await space.connection(UK)
        assert report.findings[0].level == "ok"
        assert report.last_good is not None
        assert not report.failing
        assert report.ahead is not None
        assert abs(report.ahead) < 20
        assert {b.window for b in report.budgets} == {"minute", "day", "appminute"}
        day = next(b for b in report.budgets if b.window == "day")
        # Organisation and its actions, for each of the two.
        assert (day.used, day.left) == (2, 998)
        assert report.usage is not None
        assert report.usage.calls == 2
        assert report.usage.received > 0
        words = said(report)
        assert words["Consented by"] == "Sam Sandbox <sam@sandbox.example>"
        assert words["Country"] == "GB, UK version"
        assert words["Locked until"] == "2026-07-31"
        assert "59 days left" in words["Ends unless used"]
        assert "CreateApprovedInvoice" in words["The user may"]
        assert words["accounting.contacts"] == "Read and write contacts"
        assert words["Polling"].startswith("every 15 min")
        stored = await space.wiring.vault.load(LOGIN)
        assert stored is not None
        shown = msgspec.json.encode(report).decode() + str(sections(report))
        for secret in (stored.current.access_token, stored.current.refresh_token, stored.current.id_token):
            assert secret
            assert secret not in shown


async def test_logins_that_are_dead_say_of_what(bench: Bench) -> None:
    async with bench.space() as space:
        # Else one would be started, because nothing renews the login.
        await space.stop_worker()
        await bench.control("/clock", {"jump_seconds": 61 * 86_400})
        expired = await wrong(space)
        assert "wasn't used for" in expired.detail
        assert 'connect xero --name "Northgate"' in expired.remedy
    async with bench.space() as space:
        keeper: Any = await space.wiring.keeper(LOGIN)
        await keeper.revoke()
        await bench.control("/expire-tokens", {})
        withdrawn = await wrong(space)
        assert "withdrawn" in withdrawn.detail
        # Told once and for all: nobody asks Xero again.
        assert "withdrawn" in (await space.connection(AU)).findings[0].detail
        # Who watches lets it rest, and reads at once when somebody has logged in again.
        watcher = Watcher(space.wiring.ports())
        async with space.wiring.ledger.write() as tx:
            await space.wiring.ledger.inbox.add(tx, [Hint(tenant=UK, category="")])
        assert await watcher.turn(polls=False)
        while await watcher.turn(polls=False):
            await asyncio.sleep(0.02)
        await bench.login(space, "", {})
        async with space.wiring.book.edit() as db:
            login = db.xero(LOGIN)
            assert login is not None
            # As it is noted with each consent.
            db.put_xero(msgspec.structs.replace(login, consented=space.wiring.clock.now()))
        async with asyncio.timeout(20):
            while not await watcher.turn(polls=False):
                await asyncio.sleep(0.1)
            while await watcher.turn(polls=False):
                await asyncio.sleep(0.02)
        async with space.wiring.ledger.read() as tx:
            assert await space.wiring.ledger.inbox.tenants(tx) == []
    async with bench.space() as space:
        await space.wiring.vault.put(f"xero/{LOGIN}/client_secret", "not-it")
        space.wiring.forget(LOGIN)
        await bench.control("/expire-tokens", {})
        secret = await wrong(space)
        assert "secret" in secret.detail
        assert "developer portal" in secret.remedy
    # Without a refresh token it ends with its access token, and says so from the first.
    scopes = "openid accounting.contacts accounting.invoices accounting.settings.read accounting.payments.read"
    async with bench.space(scopes=scopes) as space:
        ending = await wrong(space)
        assert ending.level == "bad"
        assert "offline_access" in ending.detail
        ends = (await space.connection(UK)).login.ends
        assert ends is not None
        assert f"ends at {ends:%H:%M} UTC" in ending.detail
        assert ending.remedy.endswith('--name "Northgate" --scopes "".')
        words = said(await space.connection(UK))
        assert words["State"] == "ends soon"
        assert "min: nothing renews it" in words["Ends"]
        assert "Ends unless used" not in words
        assert {row.days_left for row in await space.tenants()} == {0}
        assert await space.login_days() == 0
        await bench.control("/clock", {"jump_seconds": 29 * 60})
        await (await space.wiring.xero(UK)).organisation()
        await bench.control("/clock", {"jump_seconds": 5 * 60})
        with pytest.raises(Paused) as caught:
            await (await space.wiring.xero(UK)).organisation()
        assert "leave the scopes blank" in caught.value.remedy
        over = await wrong(space)
        assert "has ended" in over.detail
        assert over.remedy == ending.remedy
        assert {row.state for row in await space.tenants()} == {"expired"}
        await bench.control("/clock", {"jump_seconds": 8 * 86_400})
        assert await space.wiring.keep_logins(dt.timedelta(days=7)) == []


async def test_access_that_is_missing_is_told_apart(bench: Bench) -> None:
    async with bench.space() as space:
        await bench.control("/disconnect", {"tenant": UK})
        gone = await wrong(space)
        assert "disconnected in Xero" in gone.detail
        assert (await wrong(space, AU)).level == "ok"
        report = await space.connection(UK)
        assert report.failing
        assert report.failure is not None
        assert report.failure.said == "AuthenticationUnsuccessful"
        assert "gives no access" in report.findings[0].detail
        assert [row.state for row in await space.tenants()] == ["failing", "connected"]
    scopes = "openid offline_access accounting.invoices accounting.settings.read"
    async with bench.space(scopes=scopes) as space:
        lacking = await wrong(space)
        assert lacking.level == "bad"
        assert "accounting.contacts" in lacking.detail
        assert "Customers and suppliers" in lacking.detail
        words = said(await space.connection(UK))
        assert words["accounting.contacts"].startswith("missing:")
        assert words["accounting.payments.read"].startswith("missing:")
    async with bench.space() as space:
        await bench.control(f"/organisation/{UK}", {"_denied": ["CreateApprovedInvoice", "UseMulticurrency"]})
        role = await wrong(space)
        assert role.level == "warn"
        assert role.detail == "Whoever consented may not: CreateApprovedInvoice."


async def test_limits_and_clocks(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench.space() as space:
        await bench.control("/limits", {"day": 1})
        full = await wrong(space)
        assert full.level == "bad"
        assert "The day's calls are used up" in full.detail
        assert "free again at 20" in full.detail
        await bench.control("/limits", {"day": 5000})
    async with bench.space() as space:
        # Eight days before its end, and the worker was stopped on purpose: else one would be started to renew it.
        await space.stop_worker()
        await bench.control("/clock", {"jump_seconds": 51 * 86_400})
        left = (await space.connection(UK)).findings[0]
        assert left.detail == "The login ends in 8 days unless it is used, and no worker runs."
        status = await space.status()
        assert status.login_days == 8
        assert "! login ends in 8 d" in status_text(status, "", read_only=False, width=120).plain
        assert [row.days_left for row in await space.tenants()] == [8, 8]
        assert "had 8 days left; this check renewed it" in (await wrong(space)).detail
        assert (await space.connection(UK)).login.days_left == 59
        # A key speaks for the organisations of all logins of its app.
        assert said(await space.connection(UK))["Webhooks"].startswith("off")
        await space.wiring.vault.put(f"xero/{LOGIN}/webhook_key", "a key")
        async with space.wiring.book.edit() as db:
            login, moved = db.xero(LOGIN), db.tenant(UK)
            assert login is not None
            assert moved is not None
            db.put_xero(msgspec.structs.replace(login, id="second", name="Second"))
            db.put_tenant(msgspec.structs.replace(moved, connection="second"))
        for tenant in (UK, AU):
            assert (await space.connection(tenant)).webhooks.state == "silent"
    # Whoever keeps to this machine's time is sixty days behind the sandbox by now.
    monkeypatch.delenv("XEROTUI_CLOCK")
    async with bench.space() as space:
        assert space.wiring.clock.now() < WorldClock(bench.sandbox.clock.path).now() - dt.timedelta(days=30)
        skew = await wrong(space)
        assert skew.level == "bad"
        assert "behind Xero's" in skew.detail
        assert "chrony" in skew.remedy


async def test_what_is_out_of_reach(bench: Bench) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        async with bench.space(api_url=f"http://127.0.0.1:{port}") as space:
            nobody = (await space.connection_check(UK)).findings[0]
            assert nobody.level == "bad"
            assert "can't be reached" in nobody.detail
        held.listen()
        async with bench.space(redirect_uri=f"http://localhost:{port}/callback") as space:
            found = await space.doctor()
            assert [f.level for f in found if f.title == WORLD.tenants[0].name] == ["ok"]
            taken = next(finding for finding in found if finding.title == "Northgate")
            assert taken.level == "warn"
            assert f"Port {port}" in taken.detail
            assert "sign-in of XeroTUI waits there" in taken.remedy
            assert "paste the address" in taken.remedy
    async with untrusted(bench.root) as url, bench.space(api_url=url) as space:
        certificate = (await space.connection_check(UK)).findings[0]
        assert "certificate isn't trusted" in certificate.detail
        assert "SSL_CERT_FILE" in certificate.remedy


@asynccontextmanager
async def untrusted(root: Path) -> AsyncIterator[str]:
    """A server of TLS whose certificate nobody signed but itself."""

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = root / "pair.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.!!!.c", "x.eyJhdXRoX3RpbWUiOjFlMzAwfQ.z", "x.W10.z"])
def test_tokens_that_tell_nothing_are_no_trouble(text: str) -> None:
    assert person(text) == ("", None)
