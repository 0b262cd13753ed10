"""Consent, tokens and connections of the emulated Xero, as xero-api section 1 tells them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from tests.sandbox.xero_kit import AU, NZ, UK, Xero, claims, running

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SCOPE = "openid offline_access accounting.invoices accounting.settings"


@pytest.fixture
async def xero(tmp_path: Path) -> AsyncIterator[Xero]:
    async with running(tmp_path) as made:
        yield made


def query(xero: Xero, **more: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": xero.emulator.describe()["pkce_client_id"],
        "redirect_uri": xero.emulator.settings()["redirect_uri"],
        "scope": SCOPE,
        "state": "s1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }


async def authorise(xero: Xero, given: dict[str, str], form: dict[str, Any] | None = None) -> dict[str, str]:
    url = f"{xero.url}/identity/connect/authorize?{urlencode(given)}"
    reply = await (xero.client.get(url) if form is None else xero.client.post(url, data=form))
    assert reply.status_code == 302, reply.text
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["location"]).query).items()}


async def token(xero: Xero, *auth: str, **form: str) -> httpx2.Response:
    options: dict[str, Any] = {"auth": auth} if auth else {}
    return await xero.client.post(f"{xero.url}/identity/connect/token", data=form, **options)


async def exchange(xero: Xero, code: str, **more: str) -> httpx2.Response:
    given = query(xero)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": given["redirect_uri"],
        "client_id": given["client_id"],
        "code_verifier": VERIFIER,
        **more,
    }
    return await token(xero, **form)


async def test_a_person_consents_on_the_page_and_the_app_proves_itself(xero: Xero) -> None:
    page = await xero.client.get(f"{xero.url}/identity/connect/authorize?{urlencode(query(xero))}")
    assert page.headers["x-frame-options"] == "DENY"
    for tenant in (UK, AU, NZ):
        assert tenant.tenant_id in page.text
    assert await authorise(xero, query(xero), {"decision": "cancel"}) == {"error": "access_denied", "state": "s1"}
    back = await authorise(xero, query(xero), {"decision": "allow", "tenant": AU.tenant_id})
    assert back["state"] == "s1"
    reply = (await exchange(xero, back["code"])).json()
    assert reply["expires_in"] == 1800
    listed = await xero.client.get(
        f"{xero.url}/connections?authEventId={claims(reply['access_token'])['authentication_event_id']}",
        headers={"authorization": f"Bearer {reply['access_token']}"},
    )
    assert [c["tenantId"] for c in listed.json()] == [AU.tenant_id]
    assert (await exchange(xero, back["code"])).json() == {"error": "invalid_grant"}


async def test_a_code_is_worth_nothing_without_everything_that_belongs_to_it(xero: Xero) -> None:
    wrong = ({"code_verifier": "w" * 50}, {"code_verifier": "short"}, {"redirect_uri": "http://localhost:8765/x"})
    for change in wrong:
        code = (await authorise(xero, query(xero, approve="1")))["code"]
        assert (await exchange(xero, code, **change)).json() == {"error": "invalid_grant"}
    code = (await authorise(xero, query(xero, approve="1")))["code"]
    xero.clock.jump(301)
    assert (await exchange(xero, code)).json() == {"error": "invalid_grant"}


STOPS = [
    ({"scope": "openid accounting.transactions"}, "invalid_scope"),
    ({"scope": ""}, "invalid_scope"),
    ({"redirect_uri": "http://localhost:8765/callback/"}, "redirect_uri"),
    ({"client_id": "nobody"}, "unauthorized_client"),
    ({"code_challenge": ""}, "code_challenge"),
    ({"code_challenge_method": "plain"}, "code_challenge"),
]


async def test_the_consent_page_stops_at_what_is_wrong(xero: Xero) -> None:
    for change, error in STOPS:
        reply = await xero.client.get(f"{xero.url}/identity/connect/authorize?{urlencode(query(xero, **change))}")
        assert reply.status_code == 400
        assert error in reply.text


async def test_a_web_app_needs_its_secret_in_header_or_body(xero: Xero) -> None:
    known = xero.emulator.settings()
    form = {"grant_type": "refresh_token"}
    auth = (known["client_id"], known["client_secret"])
    first = (await xero.grant())["refresh_token"]
    second = (await token(xero, *auth, refresh_token=first, **form)).json()["refresh_token"]
    body = {"client_id": auth[0], "client_secret": auth[1]}
    assert (await token(xero, refresh_token=second, **form, **body)).status_code == 200
    assert (await token(xero, auth[0], "x", refresh_token=second, **form)).json() == {"error": "invalid_client"}
    assert (await token(xero, *auth, grant_type="password")).json() == {"error": "unsupported_grant_type"}
    assert (await token(xero, *auth, grant_type="client_credentials")).json() == {"error": "unauthorized_client"}


async def test_refresh_tokens_rotate_with_half_an_hour_of_grace_and_die_after_sixty_days(xero: Xero) -> None:
    known = xero.emulator.settings()
    auth = (known["client_id"], known["client_secret"])

    async def refresh(old: str) -> httpx2.Response:
        return await token(xero, *auth, grant_type="refresh_token", refresh_token=old)

    first = (await xero.grant())["refresh_token"]
    second = (await refresh(first)).json()["refresh_token"]
    assert second != first
    xero.clock.jump(29 * 60)
    assert (await refresh(first)).status_code == 200
    xero.clock.jump(2 * 60)
    assert (await refresh(first)).json() == {"error": "invalid_grant"}
    third = (await refresh(second)).json()["refresh_token"]
    xero.clock.jump(60 * 86400)
    assert (await refresh(third)).json() == {"error": "invalid_grant"}


async def test_access_tokens_last_half_an_hour(xero: Xero) -> None:
    await xero.get("Organisation")
    xero.clock.jump(1801)
    reply = await xero.send("GET", "Organisation")
    assert reply.status_code == 401
    assert reply.json()["Detail"].startswith("TokenExpired: token expired at 11/21/2026")
    xero.token = "nonsense"
    assert (await xero.send("GET", "Organisation")).json()["Detail"] == "AuthenticationUnsuccessful"


async def test_a_custom_connection_has_one_organisation_and_no_refresh_token(xero: Xero) -> None:
    custom = xero.emulator.describe()["custom"]
    auth = (custom["client_id"], custom["client_secret"])
    reply = (await token(xero, *auth, grant_type="client_credentials", scope="accounting.settings")).json()
    assert "refresh_token" not in reply
    xero.token, xero.tenant = reply["access_token"], ""
    assert (await xero.get("Organisation"))["Organisations"][0]["Name"] == UK.name
    xero.tenant = AU.tenant_id
    assert (await xero.send("GET", "Organisation")).status_code == 403
    refused = await token(xero, *auth, grant_type="client_credentials", scope="accounting.transactions")
    assert refused.json()["error"] == "invalid_scope"


async def test_connections_are_not_tenants_and_go_away(xero: Xero) -> None:
    reply = await xero.grant(tenants=[UK.tenant_id, NZ.tenant_id])
    bearer = {"authorization": f"Bearer {xero.token}"}
    listed = (await xero.client.get(f"{xero.url}/connections", headers=bearer)).json()
    event = claims(xero.token)["authentication_event_id"]
    mine = [c for c in listed if c["authEventId"] == event]
    assert {c["tenantId"] for c in mine} == {UK.tenant_id, NZ.tenant_id}
    assert all(c["id"] != c["tenantId"] for c in listed)
    assert all(len(c["createdDateUtc"].partition(".")[2]) == 7 for c in listed)
    xero.tenant = mine[0]["id"]
    refused = await xero.send("GET", "Organisation")
    assert (refused.status_code, refused.json()["Extensions"]) == (403, {})
    assert xero.violations() == ["tenant"]
    xero.tenant = mine[0]["tenantId"]
    gone = await xero.client.delete(f"{xero.url}/connections/{mine[0]['id']}", headers=bearer)
    assert gone.status_code == 204
    assert (await xero.client.delete(f"{xero.url}/connections/{mine[0]['id']}", headers=bearer)).status_code == 404
    assert (await xero.send("GET", "Organisation")).status_code == 403
    xero.tenant = NZ.tenant_id
    await xero.control("disconnect", {"tenant": NZ.tenant_id})
    assert (await xero.send("GET", "Organisation")).json()["Detail"] == "AuthenticationUnsuccessful"
    await xero.grant(tenants=[NZ.tenant_id])
    await xero.get("Organisation")
    known = xero.emulator.settings()
    revoked = await xero.client.post(
        f"{xero.url}/identity/connect/revocation",
        data={"token": reply["refresh_token"]},
        auth=(known["client_id"], known["client_secret"]),
    )
    assert (revoked.status_code, revoked.content) == (200, b"")
    newer = xero.token
    xero.token = reply["access_token"]
    assert (await xero.send("GET", "Organisation")).status_code == 403
    # Whoever consents anew wakes no token of the consent that was revoked; tokens of another consent go on.
    fresh = await xero.grant(tenants=[NZ.tenant_id])
    await xero.get("Organisation")
    xero.token = reply["access_token"]
    assert (await xero.send("GET", "Organisation")).status_code == 403
    dead = {"authorization": f"Bearer {xero.token}"}
    assert (await xero.client.get(f"{xero.url}/connections", headers=dead)).json() == []
    for token in (newer, fresh["access_token"]):
        xero.token = token
        await xero.get("Organisation")


async def test_a_token_without_the_scope_is_told_so(xero: Xero) -> None:
    await xero.grant(scopes="offline_access accounting.settings.read accounting.payments.read")
    await xero.get("Accounts")
    await xero.get("Items")
    for method, path in (("GET", "Contacts"), ("PUT", "Accounts"), ("POST", "Payments")):
        reply = await xero.send(method, path, {} if method != "GET" else None)
        assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "insufficent_scope")
