"""The Halo emulator over real HTTP: discovery, tokens, lists, writes, quirks, and what it holds against callers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.service import decode, encode
from xerotui.sandbox.world import World, build
from xerotui_halo.emulator import HaloEmulator, Switches

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
WORLD = build(scale=0.3)


class Halo:
    """A caller with a token, and the control routes."""

    def __init__(self, emulator: HaloEmulator, clock: WorldClock, client: httpx2.AsyncClient) -> None:
        self.emulator, self.clock, self.client = emulator, clock, client
        self.token_url = ""

    async def login(self, scope: str = "all") -> str:
        info = (await self.client.get("/api/authinfo")).json()
        self.token_url = f"{info['auth_url'].rstrip('/')}/token?tenant={info['tenant_id']}"
        reply = await self.ask_token(scope=scope)
        assert reply.status_code == 200, reply.text
        assert reply.json()["expires_in"] == 3600
        self.client.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
        return str(reply.json()["access_token"])

    async def ask_token(self, url: str = "", **form: str) -> httpx2.Response:
        settings = self.emulator.settings()
        credentials = {k: settings[k] for k in ("client_id", "client_secret")}
        data = {"grant_type": "client_credentials", "scope": "all", **credentials, **form}
        return await self.client.post(url or self.token_url, data=data)

    async def get(self, path: str, **params: Any) -> Any:
        reply = await self.client.get(f"/api/{path}", params=params)
        assert reply.status_code == 200, (path, reply.status_code, reply.text)
        return decode(reply.content)

    async def post(self, path: str, body: Any) -> httpx2.Response:
        return await self.client.post(
            f"/api/{path}", content=encode(body), headers={"Content-Type": "application/json"}
        )

    async def control(self, path: str, body: Any = None) -> Any:
        url = f"{self.emulator.service.control_url}/{path}"
        reply = await (self.client.get(url) if body is None else self.client.post(url, content=encode(body)))
        assert reply.is_success, reply.text
        return decode(reply.content)

    async def violations(self) -> list[str]:
        return [v["what"] for v in await self.control("violations")]


@pytest.fixture
def world() -> World:
    return WORLD


@pytest.fixture
async def anonymous(tmp_path: Path, world: World) -> AsyncIterator[Halo]:
    clock = WorldClock.create(tmp_path / "clock.json", NOW)
    emulator = HaloEmulator()
    emulator.load(world)
    await emulator.start(clock)
    async with httpx2.AsyncClient(base_url=emulator.service.url) as client:
        yield Halo(emulator, clock, client)
    await emulator.stop()


@pytest.fixture
async def halo(anonymous: Halo) -> Halo:
    await anonymous.login()
    return anonymous


async def test_discovery_and_token_errors(anonymous: Halo) -> None:
    info = (await anonymous.client.get("/api/InstanceInfo")).json()
    assert (info["app_name"], "/auth" in info["auth_url"]) == ("HaloPSA", False)
    await anonymous.login()
    bad = await anonymous.ask_token(client_secret="wrong")
    assert (bad.status_code, bad.json()["error"]) == (401, "invalid_client")
    assert (await anonymous.ask_token(scope="read:everything")).json()["error"] == "invalid_scope"
    assert (await anonymous.ask_token(grant_type="password")).json()["error"] == "unsupported_grant_type"
    url = anonymous.token_url
    assert (await anonymous.ask_token(url.replace("northgate", "southgate"))).status_code == 500
    assert await anonymous.violations() == []
    assert (await anonymous.ask_token(url.partition("?")[0])).status_code == 400
    assert (await anonymous.client.post("/auth/token")).status_code == 404
    assert await anonymous.violations() == ["no_tenant", "unknown_route"]


async def test_token_lives_an_hour_of_world_time_and_never_in_the_query(halo: Halo) -> None:
    assert (await halo.get("Agent/me"))["id"] == 7
    halo.clock.jump(3599)
    assert (await halo.client.get("/api/Agent/me")).status_code == 200
    halo.clock.jump(1)
    assert (await halo.client.get("/api/Agent/me")).status_code == 401
    token = await halo.login()
    del halo.client.headers["Authorization"]
    assert (await halo.client.get("/api/Client", params={"access_token": token})).status_code == 401
    assert await halo.violations() == ["token_in_query", "no_bearer"]


async def test_scopes_narrow_what_a_token_may(halo: Halo) -> None:
    await halo.login("read:customers")
    assert (await halo.get("Client", count=1))["record_count"] > 1
    refused = await halo.post("Client", [{"name": "New"}])
    assert (refused.status_code, refused.text) == (403, "")
    assert (await halo.client.get("/api/Invoice")).status_code == 403
    assert await halo.get("Tax")
    await halo.control("switches", {"settings_scope": "admin"})
    assert (await halo.client.get("/api/Tax")).status_code == 403


async def test_pages_cover_a_list_exactly_and_show_list_rows(halo: Halo, world: World) -> None:
    ids: list[int] = []
    for page in range(1, 100):
        got = await halo.get("Client", pageinate="true", page_size=7, page_no=page, includeinactive="true")
        ids += [row["id"] for row in got["clients"]]
        if page * 7 >= got["record_count"]:
            break
    assert ids == [c.id for c in world.psa.customers]
    assert "alastupdate" not in got["clients"][0]
    detail = await halo.get(f"Client/{ids[0]}")
    assert detail["alastupdate"].startswith("202")
    assert detail["main_invoice_address"]["line3"] == world.psa.customers[0].address.city
    active = await halo.get("Client")
    assert active["record_count"] == len([c for c in world.psa.customers if c.active]) < len(ids)
    assert len((await halo.get("Client", count=3))["clients"]) == 3
    assert await halo.get("Client", idonly="true", count=1) == {
        "record_count": active["record_count"], "clients": [{"id": ids[0]}]
    }  # fmt: skip


async def test_shapes_of_lists(halo: Halo, world: World) -> None:
    for bare in ("Currency", "ChargeRate", "AssetGroup", "Tax", "XeroDetails"):
        assert isinstance(await halo.get(bare), list), bare
    for name, key in (
        ("Site", "sites"), ("Supplier", "suppliers"), ("Item", "items"), ("Invoice", "invoices"),
        ("RecurringInvoice", "invoices"), ("PurchaseOrder", "purchaseorders"), ("InvoicePayment", "payments"),
    ):  # fmt: skip
        got = await halo.get(name)
        assert len(got[key]) == got["record_count"], name
    assert all(row["id"] < 0 for row in (await halo.get("RecurringInvoice"))["invoices"])
    labour = await halo.get("Lookup", lookupid=17)
    assert [row["value4"] for row in labour] == [r.code for r in world.psa.charge_rates]
    assert (await halo.get("Lookup", lookupid=32))[1]["name"] == "Sent"
    assert (await halo.get("Control"))["xero_tracking_category_1_name"] == "Region"
    assert not any(row["authorized"] for row in await halo.get("XeroDetails"))
    await halo.control("switches", {"enveloped": ["Tax"], "native_sync": "invoices"})
    assert len((await halo.get("Tax"))["tax"]) == len(world.psa.taxes)
    assert all(row["enablesync"] for row in await halo.get("XeroDetails"))


async def test_a_list_that_ignores_page_no_and_parameters_nobody_knows(halo: Halo, world: World) -> None:
    first = await halo.get("Supplier", pageinate="true", page_size=2, page_no=1)
    second = await halo.get("Supplier", pageinate="true", page_size=2, page_no=2)
    assert first["suppliers"] == second["suppliers"]
    assert (await halo.get("Supplier", count=first["record_count"]))["suppliers"][2:]
    assert (await halo.get("Invoice", clientid=1))["record_count"] == (await halo.get("Invoice"))["record_count"]
    assert await halo.control("ignored") == {"Invoice?clientid": 1}


async def test_invoice_filters(halo: Halo, world: World) -> None:
    ours = [i for i in world.psa.invoices if i.kind == "invoice"]
    bills = [i for i in world.psa.invoices if i.kind == "bill"]
    assert (await halo.get("Invoice"))["record_count"] == len(ours)
    rows = (await halo.get("Invoice", includepoinvoices="true", includelines="true"))["invoices"]
    assert len(rows) == len(ours) + len(bills)
    assert {row["id"] for row in rows if row["supplier_id"]} == {i.id for i in bills}
    assert [len(row["lines"]) for row in rows[:9]] == [len(i.lines) for i in ours[:9]]
    since = sorted(i.updated for i in ours)[-5]
    params = {"datesearch": "last_modified", "start_date": since.isoformat().replace("+00:00", "Z")}
    assert (await halo.get("Invoice", **params))["record_count"] == 5
    newest = await halo.get("Invoice", order="last_modified", orderdesc="true", count=2)
    assert newest["invoices"][0]["last_modified"] >= newest["invoices"][1]["last_modified"]
    assert (await halo.get("Invoice", search=ours[0].number))["invoices"][0]["id"] == ours[0].id
    await halo.control("switches", {"datesearch": False})
    assert (await halo.get("Invoice", **params))["record_count"] == len(ours)
    everything = (await halo.get("PurchaseOrder", start_date="2030-01-01"))["record_count"]
    assert everything == len(world.psa.purchase_orders)


async def test_a_document_says_what_the_world_says(halo: Halo, world: World) -> None:
    known = next(i for i in world.psa.invoices if any(line.discount for line in i.lines))
    row = await halo.get(f"Invoice/{known.id}")
    assert (row["total"], row["tax_total"], row["revenue"]) == (known.total, known.tax, known.net)
    assert (row["xeroid"], row["dateposted"]) == ("", "1900-01-01T00:00:00")
    assert row["invoice_date"] == f"{known.date}T00:00:00"
    for got, line in zip(row["lines"], known.lines, strict=True):
        assert Decimal(got["unit_price"]) == line.unit_price
        assert Decimal(got["net_amount"]) == line.net
        assert (got["item_code"], got["isgroupdesc"]) == (line.code, line.kind == "text")
    order = world.psa.purchase_orders[0]
    assert "lines" not in (await halo.get("PurchaseOrder"))["purchaseorders"][0]
    line = (await halo.get(f"PurchaseOrder/{order.id}"))["lines"][0]
    assert (Decimal(line["quantity"]), Decimal(line["price"])) == (order.lines[0].quantity, order.lines[0].unit_price)
    await halo.control("switches", {"hidden_order_fields": True, "denied": ["Item"], "single_as_list": True})
    [hidden] = await halo.get(f"PurchaseOrder/{order.id}")
    assert not {"quantity", "price"} & set(hidden["lines"][0])
    assert (await halo.get("Item", count=1))["items"]
    assert (await halo.client.get(f"/api/Item/{world.psa.items[0].id}")).status_code == 401
    assert (await halo.client.get("/api/Invoice/999999")).status_code == 404


async def test_create_update_and_duplicates(halo: Halo, world: World) -> None:
    tenant = world.tenants[0].tenant_id
    body = {"name": "Brand New Ltd", "accountsid": "BRA9", "xero_tenant_id": tenant, "xeroid": "x-1"}
    made = await halo.post("Client", [body])
    assert (made.status_code, made.json()["name"]) == (201, "Brand New Ltd")
    key = made.json()["id"]
    updated = await halo.post("Client", [{"id": key, "tax_number": "GB1", "customfields": [{"id": 1, "value": "a"}]}])
    assert (updated.status_code, updated.json()["accountsid"]) == (200, "BRA9")
    assert updated.json()["alastupdate"].startswith("2026-11-21T09:0")
    assert await halo.control("duplicates") == []
    again = await halo.post("Client", [body, {**body, "name": "Other", "accountsid": "O"}])
    assert [row["id"] for row in again.json()] == [key + 1, key + 2]
    same = {(d["same"], tuple(d["ids"])) for d in await halo.control("duplicates")}
    assert same == {("xero id", (key, key + 1, key + 2)), ("name and number", (key, key + 1))}
    moved = await halo.post("Client", [{"id": key, "xero_tenant_id": "another"}])
    assert (moved.status_code, moved.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    checked = await halo.post("Client", [{"name": "Not kept", "_validateonly": True}])
    assert checked.status_code == 201
    assert (await halo.get("Client", search="Not kept"))["record_count"] == 0
    assert [(w["kind"], w["verb"]) for w in await halo.control("writes")] == [
        ("customer", "create"), ("customer", "update"), ("customer", "create"), ("customer", "create")
    ]  # fmt: skip
    assert await halo.violations() == []


async def test_refusals_of_a_write(halo: Halo) -> None:
    bare = await halo.post("Client", {"name": "X"})
    assert (bare.status_code, "JSON array" in bare.json()["Message"]) == (400, True)
    nameless = await halo.post("Client", [{"accountsid": "A"}])
    assert (nameless.status_code, nameless.text) == (400, "Please enter a name for this customer.")
    wrong = await halo.post("Site", [{"name": "S", "client_id": "seven"}])
    [(where, [message])] = wrong.json().items()
    assert where == "[0].client_id"
    assert "Path '[0].client_id', line 1, position" in message
    assert (await halo.post("Client", [{"id": 999_999, "name": "X"}])).status_code == 404
    assert (await halo.post("ChargeRate", [{"rate": 1}])).status_code == 404
    assert (await halo.client.get("/api/Contract")).status_code == 404
    assert await halo.violations() == ["unknown_route", "unknown_route"]
    await halo.post("Tax", [{"name": "New", "value": 5, "percent": 5}])
    assert (await halo.client.delete("/api/Client/101")).status_code == 403
    assert (await halo.client.put("/api/Client/101", content=b"[]")).status_code == 405
    assert (await halo.violations())[2:] == ["unknown_property", "delete", "method"]
    assert (await halo.get("Client/101"))["id"] == 101


async def test_lines_are_replaced_and_a_partial_list_is_noticed(halo: Halo, world: World) -> None:
    known = next(i for i in world.psa.invoices if i.kind == "invoice" and len(i.lines) > 2)
    lines = (await halo.get(f"Invoice/{known.id}"))["lines"]
    reply = await halo.post("Invoice", [{"id": known.id, "reference": "kept"}])
    assert decode(reply.content)["total"] == known.total
    whole = await halo.post(
        "Invoice", [{"id": known.id, "lines": [{"id": x["id"], "xero_lineid": "L"} for x in lines]}]
    )
    assert decode(whole.content)["total"] == known.net + known.tax
    assert {x["xero_lineid"] for x in whole.json()["lines"]} == {"L"}
    assert await halo.violations() == []
    partial = await halo.post("Invoice", [{"id": known.id, "lines": [lines[-1]]}])
    assert len(partial.json()["lines"]) == 1
    assert decode(partial.content)["total"] == known.lines[-1].net + known.lines[-1].tax_amount
    assert await halo.violations() == ["partial_lines"]


async def test_write_back_moves_totals_from_blocked_to_sent(halo: Halo, world: World) -> None:
    open_ones = [i for i in world.psa.invoices if i.kind == "invoice" and i.state == "open" and i.tenant == "au"]
    tenant = world.tenant("au").tenant_id
    before = (await halo.control("totals"))["blocked"][tenant]["AUD"]["invoice"]
    assert before == {"documents": len(open_ones), "total": str(sum((i.total for i in open_ones), Decimal(0)))}
    body = {
        "id": open_ones[0].id, "xeroid": "guid", "thirdpartyinvoicenumber": "INV-1", "xero_tenant_id": tenant,
        "xero_status": "DRAFT", "posted": True, "dateposted": "2026-11-21T10:00:00+01:00",
        "last_synced": "2026-11-21T09:00:00Z", "dont_sync_to_3rd_party": True, "_dont_fire_automations": True,
    }  # fmt: skip
    kept = (await halo.post("Invoice", [body])).json()
    assert (kept["xeroid"], kept["posted"], kept["dateposted"]) == ("guid", True, "2026-11-21T09:00:00")
    after = await halo.control("totals")
    assert after["sent"] == {tenant: {"AUD": {"invoice": {"documents": 1, "total": str(open_ones[0].total)}}}}
    assert after["blocked"][tenant]["AUD"]["invoice"]["documents"] == len(open_ones) - 1
    await halo.control("switches", {"drops": ["Invoice.xeroid"], "native_sync": "invoices"})
    lost = await halo.post("Invoice", [{**body, "id": open_ones[1].id, "dont_sync_to_3rd_party": False}])
    assert (lost.status_code, lost.json()["xeroid"]) == (200, "")
    assert await halo.violations() == ["second_writer"]


async def test_payments_and_void(halo: Halo, world: World) -> None:
    invoice = next(i for i in world.psa.invoices if i.kind == "invoice" and i.state == "open")
    half = (invoice.total / 2).quantize(Decimal("0.01"))
    payment = {"invoice_id": invoice.id, "date": "2026-11-20", "amount": half, "xero_id": "pay-1"}
    assert (await halo.post("InvoicePayment", [payment])).status_code == 201
    row = await halo.get(f"Invoice/{invoice.id}")
    assert (row["amountpaid"], row["amountdue"]) == (half, invoice.total - half)
    assert (await halo.get("InvoicePayment", search="pay-1"))["record_count"] == 1
    assert (await halo.post("InvoicePayment", [{**payment, "invoice_id": 5}])).status_code == 400
    assert (await halo.post(f"Invoice/{invoice.id}/void", {})).status_code == 400
    assert (await halo.post(f"Invoice/{invoice.id}/void", [{"id": invoice.id}])).json()["voided"] is True
    blocked = (await halo.control("totals"))["blocked"][world.tenant(invoice.tenant).tenant_id]
    assert sum(x["invoice"]["documents"] for x in blocked.values() if "invoice" in x) == len(
        [i for i in world.psa.invoices if i.kind == "invoice" and i.state == "open" and i.tenant == invoice.tenant]
    ) - 1  # fmt: skip


async def test_people_edit_create_and_remove(halo: Halo, world: World) -> None:
    halo.clock.jump(120)
    customer = world.psa.customers[0]
    edited = await halo.control(
        f"edit/Client/{customer.id}", {"name": "Renamed Ltd", "main_invoice_address": {"line1": "1 New"}}
    )
    assert (edited["name"], edited["alastupdate"][:16]) == ("Renamed Ltd", "2026-11-21T09:02")
    assert edited["main_invoice_address"]["postcode"] == customer.address.postcode
    changed = await halo.get("Client", lastupdatefromdate="2026-11-21T09:01:00Z")
    assert [row["id"] for row in changed["clients"]] == [customer.id]
    line = {
        "item_shortdescription": "x",
        "qty_order": Decimal("2.5"),
        "unit_price": Decimal("10.002"),
        "item_tax_code": 1,
    }
    made = await halo.control("create/Invoice", {"client_id": customer.id, "lines": [line]})
    assert (made["revenue"], made["total"], made["client_name"]) == (Decimal("25.01"), Decimal("30.01"), "Renamed Ltd")
    assert (await halo.control("edit/RecurringInvoice/-1", {"reference": "r"}))["id"] == -1
    await halo.control(f"remove/Invoice/{made['id']}", {})
    assert (await halo.client.get(f"/api/Invoice/{made['id']}")).status_code == 404
    assert len(await halo.control("state/invoice")) == len([i for i in world.psa.invoices if i.kind != "template"])
    assert await halo.control("writes") == []


async def test_limit_words_and_the_caller_who_does_not_listen(halo: Halo) -> None:
    limiter = halo.emulator.limiter
    assert limiter is not None
    limiter.grace = 0.05
    await halo.control("limits", {"calls": 3})
    await halo.control("reset-limits", {})
    got = [await halo.client.get("/api/Currency") for _ in range(5)]
    assert [r.status_code for r in got] == [200, 200, 200, 429, 429]
    assert "3 Requests per rolling 5 minute window" in got[3].text
    assert 295 <= int(got[3].headers["Retry-After"]) <= 301
    assert await halo.violations() == []
    await asyncio.sleep(0.1)
    assert (await halo.client.get("/api/Currency")).status_code == 429
    assert await halo.violations() == ["limit_ignored"]
    halo.clock.jump(301)
    assert (await halo.client.get("/api/Currency")).status_code == 200
    await halo.control("switches", {"retry_after": False})
    got = [await halo.client.get("/api/Currency") for _ in range(3)]
    assert (got[-1].status_code, "Retry-After" in got[-1].headers) == (429, False)
    halo.clock.jump(5)
    await asyncio.sleep(0.1)
    assert (await halo.client.get("/api/Currency")).status_code == 429
    assert await halo.violations() == ["limit_ignored"]


async def test_switches_at_start_and_refused_ones(tmp_path: Path, world: World, halo: Halo) -> None:
    reply = await halo.client.post(f"{halo.emulator.service.control_url}/switches", json={"nonsense": 1})
    assert reply.status_code == 400
    await halo.control("revoke", {})
    assert (await halo.client.get("/api/Client")).status_code == 401
    on_premises = HaloEmulator(switches=Switches(hosted=False, charge_code_field="value7"))
    with pytest.raises(RuntimeError, match="load a world"):
        await on_premises.start(halo.clock)
    on_premises.load(world)
    await on_premises.start(halo.clock)
    try:
        async with httpx2.AsyncClient(base_url=on_premises.service.url) as client:
            info = (await client.get("/api/authinfo")).json()
            assert "tenant_id" not in info
            settings = on_premises.settings()
            form = {"grant_type": "client_credentials", "scope": "all", "client_id": settings["client_id"]}
            form["client_secret"] = settings["client_secret"]
            token = (await client.post(f"{info['auth_url']}token", data=form)).json()["access_token"]
            rows = (await client.get("/api/Lookup?lookupid=17", headers={"Authorization": f"Bearer {token}"})).json()
            assert [row["value7"] for row in rows] == [r.code for r in world.psa.charge_rates]
    finally:
        await on_premises.stop()
