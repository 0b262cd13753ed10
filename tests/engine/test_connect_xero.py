"""Signing in to Xero and leaving it, against the sandbox over HTTP: each refusal in its own words, nothing in force
before it is saved, nothing taken away from anybody else."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from xerotui.model.problems import SyncError
from xerotui.model.work import Link, Plan, PlanKind, PlanState
from xerotui.sandbox.run import Sandbox, serve
from xerotui.sandbox.world import build
from xerotui.store import Pair, SourceConnection
from xerotui.workspace.door import Workspace
from xerotui.workspace.login_pages import XeroTenantChoice

WORLD = build(1, scale=0.02)
FIRST, SECOND = WORLD.tenants[:2]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Place:
    """A home, the sandbox beside it, and a browser."""

    space: Workspace
    sandbox: Sandbox
    browser: httpx2.AsyncClient
    redirect: str

    def values(self, kind: str = "pkce", **more: str) -> dict[str, str]:
        """The settings of one of the sandbox's apps."""
        about = self.sandbox.describe()["xero"]
        app = {
            "pkce": {"client_id": about["pkce_client_id"], "redirect_uri": self.redirect},
            "web": {k: about[k] for k in ("client_id", "client_secret")} | {"redirect_uri": self.redirect},
            "custom": {k: about["custom"][k] for k in ("client_id", "client_secret")},
        }[kind]
        common = {k: about[k] for k in ("api_url", "identity_url", "authorize_url")}
        return {"kind": kind, **common, **app, **more}

    async def landed(self, url: str, *tenants: str, cancel: bool = False) -> str:
        """What the browser comes to after the consent page; every organisation is ticked unless some are named."""
        if cancel:
            answer = await self.browser.post(url, data={"decision": "cancel"})
        else:
            answer = await self.browser.get(f"{url}&approve={','.join(tenants) or 'all'}")
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    async def offered(self, name: str = "Xero", *tenants: str, **more: str) -> tuple[str, tuple[XeroTenantChoice, ...]]:
        """A login up to the choice."""
        consent = await self.space.xero_begin(name, self.values(**more))
        pasted = await self.landed(consent.url, *tenants) if consent.needs_code else ""
        return consent.connection, await self.space.xero_finish(consent.connection, pasted)

    async def connected(self, name: str = "Xero", *tenants: str, **more: str) -> str:
        """A saved login of these organisations."""
        connection, offered = await self.offered(name, *tenants, **more)
        await self.space.xero_save(connection, [c.tenant for c in offered if not tenants or c.tenant in tenants])
        return connection

    async def control(self, path: str, body: object) -> Any:
        """A control call of the sandbox."""
        url = self.sandbox.describe()["xero"]["control_url"]
        return (await self.browser.post(url + path, json=body)).json()

    def at_xero(self) -> set[tuple[str, str]]:
        """What Xero itself holds: (client id, tenant) of every connection."""
        assert self.sandbox.xero.identity is not None
        return {(c.client_id, c.tenant_id) for c in self.sandbox.xero.identity.connections}

    async def kept(self, prefix: str = "xero/") -> list[str]:
        """Names in the vault."""
        async with self.space.wiring.ledger.read() as tx:
            return list(await self.space.wiring.ledger.vault.names(tx, prefix))


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    redirect = f"http://localhost:{free_port()}/callback"
    sandbox = await serve(WORLD, home=tmp_path, clock_rate=0.01, redirect_uris=(redirect,))
    monkeypatch.setenv("XEROTUI_CLOCK", str(sandbox.clock.path))
    space = await Workspace.open(tmp_path / "home", wake=False, attached=True)
    try:
        async with httpx2.AsyncClient(timeout=30) as browser:
            yield Place(space, sandbox, browser, redirect)
    finally:
        await space.close()
        await sandbox.stop()


async def refused(work: Awaitable[object], code: str, *words: str) -> SyncError:
    """The refusal that this ends with; its sentence and remedy hold these words."""
    with pytest.raises(SyncError) as caught:
        await work
    said = f"{caught.value.sentence} {caught.value.remedy}"
    assert caught.value.code == code, said
    assert caught.value.remedy
    for word in words:
        assert word in said
    return caught.value


async def test_every_refusal_has_its_own_words_and_the_login_can_go_on(place: Place) -> None:
    space = place.space
    consent = await space.xero_begin("Xero", place.values())

    def finish(pasted: str) -> Awaitable[object]:
        return space.xero_finish(consent.connection, pasted)

    await refused(finish(await place.landed(consent.url, cancel=True)), "xero.access_denied", "cancelled")
    await refused(finish("hello there, world"), "xero.no_address", "neither an address nor a code")
    await refused(finish(consent.url), "xero.no_address", "the address to be opened")
    await refused(finish(place.redirect), "xero.no_address", "no code")
    await refused(finish("invalid_scope"), "xero.scope_refused", "permission")
    await refused(finish("unauthorized_client"), "xero.client_refused", place.redirect)
    other = await space.xero_begin("Another", place.values())
    await refused(finish(await place.landed(other.url)), "xero.state_mismatch", "another login")

    late = await place.landed(consent.url)
    place.sandbox.clock.jump(301)
    await refused(finish(late), "xero.code_refused", "five minutes")
    await refused(finish(late), "xero.code_used", "tried before", "works once. Open")
    assert await space.tenants() == ()
    assert await space.xero_connections() == ()

    landed = await place.landed(consent.url)
    offered = await space.xero_finish(consent.connection, landed)
    # By the browser and by hand: the same answer twice is no second login.
    assert await space.xero_finish(consent.connection, landed) == offered
    assert {c.tenant for c in offered} == {t.tenant_id for t in WORLD.tenants}
    assert {c.name: c.is_demo for c in offered} == {t.name: t.is_demo for t in WORLD.tenants}
    assert all(c.country and c.currency and not c.trouble and not c.already for c in offered)


async def test_apps_that_cannot_work_are_refused_by_name(place: Place) -> None:
    space = place.space
    for wrong, words in (
        ({"redirect_uri": "http://127.0.0.1:8736/callback"}, "never 127.0.0.1"),
        ({"redirect_uri": "http://example.com/callback"}, "localhost alone"),
        ({"redirect_uri": "xerotui://callback"}, "https://"),
        ({"kind": "web", "client_secret": ""}, "client secret"),
    ):
        await refused(space.xero_begin("Xero", place.values() | wrong), "core.settings", words)
    await space.xero_begin("Given up", place.values("web"))
    assert await place.kept("xero/given-up/") == ["xero/given-up/pending"]
    place.sandbox.clock.jump(86_401)
    consent = await space.xero_begin("Xero", place.values("web", client_secret="wrong"))
    assert await place.kept("xero/given-up/") == []
    landed = await place.landed(consent.url)
    await refused(space.xero_finish(consent.connection, landed), "xero.client_refused", "secret", "kind web")
    consent = await space.xero_begin("Xero", place.values("custom", client_secret="wrong"))
    said = await refused(space.xero_finish(consent.connection, ""), "xero.client_refused", "kind custom")
    assert "redirect" not in said.remedy, "such an app has none"
    # Another redirect address than the portal has: Xero's own page stops there, so the person types what it says.
    consent = await space.xero_begin("Xero", place.values(redirect_uri=place.redirect + "/"))
    assert (await place.browser.get(consent.url)).status_code == 400
    old = "openid offline_access accounting.transactions accounting.contacts accounting.settings"
    consent = await space.xero_begin("Xero", place.values(scopes=old))
    assert "accounting.transactions" in consent.warnings[0]
    assert (await place.browser.get(consent.url)).status_code == 400
    said = await refused(space.xero_finish(consent.connection, "invalid_scope"), "xero.scope_refused", "retired")
    assert "accounting.invoices" in said.remedy
    consent = await space.xero_begin("Xero", place.values(scopes="openid accounting.settings.read"))
    assert any("accounting.contacts" in w for w in consent.warnings)
    assert any("half an hour" in w for w in consent.warnings)


async def test_what_is_granted_is_held_against_what_is_needed(place: Place) -> None:
    space = place.space
    few = "openid offline_access accounting.invoices accounting.contacts"
    connection, offered = await place.offered("Few", scopes=few)
    # Reading the organisation needs a scope that is missing, whichever way Xero says so.
    for status in (401, 403):
        await place.control("/behaviour", {"missing_scope": status})
        offered = await space.xero_finish(connection, "")
        assert all(c.is_demo is None and "lacks a permission" in c.trouble for c in offered)
        assert all("accounting.settings.read" in c.trouble for c in offered)
    rows = {row.scopes[0]: row for row in await space.xero_scopes(connection)}
    assert rows["accounting.invoices"].granted_by == "accounting.invoices"
    lost = {scope for scope, row in rows.items() if not row.granted_by}
    assert lost == {"accounting.settings.read", "accounting.payments.read"}
    assert all(rows[scope].costs for scope in lost)
    await space.xero_save(connection, [offered[0].tenant])
    (saved,) = await space.xero_connections()
    assert saved.granted.split() == few.split()
    assert [row.granted_by for row in saved.scopes] == [row.granted_by for row in rows.values()]
    assert saved.consented is not None
    await place.connected("Few", scopes="")
    (saved,) = await space.xero_connections()
    assert all(row.granted_by for row in saved.scopes)


async def test_nothing_changes_before_it_is_saved(place: Place) -> None:
    space = place.space
    connection = await place.connected("Xero", FIRST.tenant_id)
    assert (await space.connection(FIRST.tenant_id)).facts.demo is FIRST.is_demo
    before = (await space.wiring.book.read()).xero(connection)
    tokens = await space.wiring.vault.load(connection)

    # The same connection anew, with other settings, up to the choice: all of it stays aside.
    again, offered = await place.offered("Xero", kind="web")
    assert again == connection
    assert {c.tenant: c.already for c in offered} == {FIRST.tenant_id: True, SECOND.tenant_id: False}
    assert (await space.wiring.book.read()).xero(connection) == before
    assert await space.wiring.vault.load(connection) == tokens
    (row,) = await space.xero_connections()
    assert (row.state, row.unsaved) == ("connected", True)
    await (await space.wiring.xero(FIRST.tenant_id)).organisation()
    await space.xero_discard(connection)
    assert (await space.wiring.book.read()).xero(connection) == before
    await (await space.wiring.xero(FIRST.tenant_id)).organisation()
    web = place.values("web")["client_id"]
    assert not any(client == web for client, _ in place.at_xero())

    # A first login that was answered is listed, also by another process, and is gone on with or given back.
    other, _ = await place.offered("Other", kind="web")
    state = {row.name: row.state for row in await space.xero_connections()}
    assert state == {"Xero": "connected", "Other": "unsaved"}
    assert [t.connection for t in await space.tenants()] == [connection]
    assert any(client == web for client, _ in place.at_xero())
    assert len(await space.xero_finish(other, "")) == 2
    await space.xero_discard(other)
    assert not any(client == web for client, _ in place.at_xero())
    assert not [name for name in await place.kept() if name.startswith("xero/other/")]
    assert {row.name for row in await space.xero_connections()} == {"Xero"}

    # Two begin under one name: the first can't go on, and what it leaves isn't the second's.
    first, begun = await space.xero_begin("Same", place.values()), await space.xero_begin("Same", place.values())
    landed = await place.landed(first.url)
    await refused(space.xero_finish(first.connection, landed, first.state), "core.login", "begun since")
    await refused(space.xero_save(first.connection, [], first.state), "core.login", "begun since")
    assert len(await space.xero_finish(begun.connection, await place.landed(begun.url), begun.state)) == 2
    assert "goes on" in await space.xero_discard(first.connection, first.state)
    assert len(await space.xero_finish(begun.connection, "", begun.state)) == 2
    await space.xero_discard(begun.connection, begun.state)

    # Given back while another login of the same app and person works: only what this one added goes.
    third, _ = await place.offered("Third", SECOND.tenant_id)
    await space.xero_discard(third)
    mine = place.values()["client_id"]
    assert {t for client, t in place.at_xero() if client == mine} == {FIRST.tenant_id}
    await (await space.wiring.xero(FIRST.tenant_id)).organisation()


async def test_a_lost_login_is_renewed_in_its_place(place: Place) -> None:
    space = place.space
    connection = await place.connected("Xero", kind="web", tier="5000")
    place.sandbox.clock.jump(61 * 86_400)
    await refused((await space.wiring.xero(FIRST.tenant_id)).organisation(), "xero.login")
    assert {row.state for row in await space.tenants()} == {"expired"}
    # Neither settings nor the secret need be given again, and nothing need be chosen again.
    assert (await space.xero_again("Xero"))[1]["tier"] == "5000"
    consent = await space.xero_begin("Xero", {"minute_limit": "50"})
    assert consent.connection == connection
    offered = await space.xero_finish(connection, await place.landed(consent.url, FIRST.tenant_id))
    assert all(c.already for c in offered)
    await space.xero_save(connection, [])
    assert {row.state for row in await space.tenants()} == {"connected"}
    await (await space.wiring.xero(FIRST.tenant_id)).organisation()
    settings = await space.wiring.xero_settings(connection)
    assert (settings.kind, settings.tier, settings.minute_limit) == ("web", 5000, 50)


async def _paired(space: Workspace) -> None:
    """A source that is paired with every organisation, and a link with the first."""
    async with space.wiring.book.edit() as db:
        db.put_source(SourceConnection(id="psa", name="PSA", source="halo", settings={}))
        for tenant in WORLD.tenants:
            db.put_pair(Pair(source="psa", tenant=tenant.tenant_id))
    from xerotui.model.kinds import Kind

    async with space.wiring.ledger.write() as tx:
        link = Link(connection="psa", kind=Kind.CUSTOMER, record="1", tenant=FIRST.tenant_id, xero_id="a")
        await space.wiring.ledger.links.put(tx, [link])


async def _run(space: Workspace, state: PlanState) -> None:
    """A plan of the first organisation that is being carried out, or has been."""
    ledger, now = space.wiring.ledger, space.wiring.clock.now()
    async with ledger.write() as tx:
        if await ledger.plans.get(tx, "plan-1") is None:
            plan = Plan(
                id="plan-1",
                kind=PlanKind.SYNC,
                connection="psa",
                tenants=(FIRST.tenant_id,),
                created=now,
                expires=now,
                hash="x",
                state=PlanState.APPROVED,
                actor="tester",
            )
            await ledger.plans.add(tx, plan)
        await ledger.plans.set_state(tx, "plan-1", state)


async def test_one_organisation_leaves_and_the_login_goes_with_the_last(place: Place) -> None:
    space = place.space
    connection = await place.connected("Xero")
    await _paired(space)
    assert len(place.at_xero()) == 2
    await _run(space, PlanState.APPLYING)
    for work in (space.tenant_disconnect(FIRST.tenant_id, local_only=True), space.login_delete(connection)):
        await refused(work, "core.tenant_busy", FIRST.name, "xerotui queue")
    assert len(place.at_xero()) == 2
    await _run(space, PlanState.DONE)
    left = await space.tenant_disconnect(FIRST.tenant_id)
    assert (left.tenants, left.login_ended) == ((FIRST.name,), False)
    assert {t for _, t in place.at_xero()} == {SECOND.tenant_id}
    states = {row.tenant: row.state for row in await space.tenants()}
    assert states == {FIRST.tenant_id: "disconnected", SECOND.tenant_id: "connected"}
    await (await space.wiring.xero(SECOND.tenant_id)).organisation()
    await refused(space.wiring.xero(FIRST.tenant_id), "core.not_connected")
    await refused(space.tenant_disconnect(FIRST.tenant_id), "core.not_connected")
    from xerotui.sync.planning import tenants_of

    assert await tenants_of(space.wiring.ports(), "psa") == (SECOND.tenant_id,)

    # The owner was quicker, in Xero itself.
    await place.control("/disconnect", {"tenant": SECOND.tenant_id})
    stored = await space.wiring.vault.load(connection)
    assert stored is not None
    left = await space.tenant_disconnect(SECOND.tenant_id)
    assert left.login_ended
    assert await space.wiring.vault.load(connection) is None
    form = {"grant_type": "refresh_token", "client_id": place.values()["client_id"]}
    url = place.sandbox.describe()["xero"]["token_url"]
    dead = await place.browser.post(url, data=form | {"refresh_token": stored.current.refresh_token})
    assert dead.json() == {"error": "invalid_grant"}
    assert [row.state for row in await space.xero_connections()] == ["signed out"]

    # Connected again, under whatever name: pairs and links are found.
    offered = (await place.offered("Xero again", FIRST.tenant_id))[1]
    assert [(c.kept, c.already) for c in offered] == [(1, False)]
    again = await place.connected("Xero again", FIRST.tenant_id)
    assert {row.tenant: row.connection for row in await space.tenants()}[FIRST.tenant_id] == again
    assert sum(next(r for r in await space.tenants() if r.tenant == FIRST.tenant_id).links.values()) == 1
    async with space.wiring.ledger.read() as tx:
        assert await space.wiring.ledger.audit.verify(tx) == []


async def test_a_login_is_deleted_and_only_its_own(place: Place) -> None:
    space = place.space
    first = await place.connected("One", FIRST.tenant_id)
    second = await place.connected("Two", SECOND.tenant_id)
    # Both use the same app: to revoke one would take the other's connection as well.
    gone = await space.login_delete(first)
    assert gone.tenants == (FIRST.name,)
    assert {t for _, t in place.at_xero()} == {SECOND.tenant_id}
    await (await space.wiring.xero(SECOND.tenant_id)).organisation()
    assert {row.connection for row in await space.xero_connections()} == {second}
    assert not [name for name in await place.kept() if name.startswith(f"xero/{first}/")]
    await refused(space.login_delete(first), "core.not_connected")

    # Nobody answers: said with the way out, and nothing is forgotten before it is taken.
    def unreachable(db: Any) -> None:
        document = db.xero(second)
        nowhere = {"api_url": "http://127.0.0.1:9", "identity_url": "http://127.0.0.1:9/identity"}
        db.put_xero(msgspec.structs.replace(document, settings=document.settings | nowhere))

    await space.wiring.book.change(unreachable)
    await refused(space.login_delete(second), "core.unreachable", "--local-only", "Connected apps")
    assert [row.state for row in await space.tenants() if row.tenant == SECOND.tenant_id] == ["connected"]
    gone = await space.login_delete(second, local_only=True)
    assert "wasn't asked" in gone.at_xero
    assert await space.xero_connections() == ()
    assert await place.kept() == []
    assert len(await space.tenants()) == 2


async def test_a_custom_connection_keeps_to_its_organisation(place: Place) -> None:
    space = place.space
    assert place.sandbox.xero.identity is not None
    identity = place.sandbox.xero.identity
    connection = await place.connected("Books", kind="custom")
    (row,) = await space.tenants()
    assert (row.tenant, row.name) == (FIRST.tenant_id, FIRST.name)
    document = (await space.wiring.book.read()).tenant(row.tenant)
    assert document is not None
    assert document.organisation == FIRST.organisation_id
    assert document.connection_row_id not in ("", document.tenant)

    # Where Xero doesn't let such a token list connections the organisation tells who it is: the same one as before.
    await place.control("/behaviour", {"custom_connections": False})
    _, offered = await place.offered("Books", kind="custom")
    assert [(c.tenant, c.already) for c in offered] == [(FIRST.tenant_id, True)]
    await space.xero_save(connection, [])
    await (await space.wiring.xero(FIRST.tenant_id)).organisation()
    left = await space.tenant_disconnect(FIRST.tenant_id)
    assert "portal" in left.at_xero
    await place.connected("Books", kind="custom")

    # Refused for a while, then let in again in the portal: connecting anew with the same secret is enough.
    about = place.values("custom")
    app = identity.apps[about["client_id"]]
    identity.apps[about["client_id"]] = type(app)(app.client_id, "another", "custom", (), FIRST.tenant_id)
    place.sandbox.clock.jump(1801)
    await refused((await space.wiring.xero(FIRST.tenant_id)).organisation(), "xero.login")
    worker = await Workspace.open(space.home, wake=False, attached=True)
    await refused((await worker.wiring.xero(FIRST.tenant_id)).organisation(), "xero.login")
    identity.apps[about["client_id"]] = app
    await place.connected("Books", kind="custom")
    await (await worker.wiring.xero(FIRST.tenant_id)).organisation()
    await worker.close()

    # The app is moved to another organisation, as a secret mixed up would: refused, and the old one stays.
    identity.apps[about["client_id"]] = type(app)(app.client_id, app.secret, "custom", (), SECOND.tenant_id)
    await refused(place.offered("Books", kind="custom"), "xero.other_organisation", FIRST.name, SECOND.name)
    (row,) = await space.tenants()
    assert (row.tenant, row.state) == (FIRST.tenant_id, "connected")


async def test_the_browser_comes_back_by_itself(place: Place) -> None:
    space = place.space
    consent = await space.xero_begin("Xero", place.values())
    async with space.xero_landing(consent.connection) as landing:
        assert landing.listening, landing.words
        waiting = asyncio.create_task(landing.wait())
        async with space.xero_landing(consent.connection) as second:
            assert not second.listening
            assert "taken by another program" in second.words
        landed = await place.landed(consent.url)
        page = await place.browser.get(landed)
        assert (page.status_code, "back to the terminal" in page.text) == (200, True)
        assert await waiting == landed
    offered = await space.xero_finish(consent.connection, landed)
    assert len(offered) == 2
    with pytest.raises(httpx2.ConnectError):
        await place.browser.get(landed)
    far = await space.xero_begin("Far", place.values(redirect_uri="https://gate.example/xero"))
    async with space.xero_landing(far.connection) as landing:
        assert not landing.listening
        assert "another machine" in landing.words
