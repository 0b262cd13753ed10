"""The emulated Xero never fails by itself, and a whole sandbox starts, describes itself and stops as one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from tests.sandbox.xero_kit import ACTIVE, UK, UNKNOWN, running
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.run import serve
from xerotui.sandbox.service import Service
from xerotui.sandbox.world import World, build
from xerotui.sandbox.xero.schema import SCHEMAS

WRITTEN = {
    "Contacts": "Contact",
    "Items": "Item",
    "Invoices": "Invoice",
    "CreditNotes": "CreditNote",
    "PurchaseOrders": "PurchaseOrder",
    "Payments": "Payment",
    "Accounts": "Account",
    "TaxRates": "TaxRate",
    "TrackingCategories": "TrackingCategory",
    "Currencies": "Currency",
}
TEXTS = ["", "x", "ACCREC", "DRAFT", "AUTHORISED", "VOIDED", "200", "OUTPUT2", "GBP", "LAB", "\x00", "a" * 300, "é"]
NUMBERS: list[Any] = [0, 1, -1, 99999999999, "1.005", 0.125, "x", True, None]
DATES: list[Any] = ["/Date(99999999999999999)/", "2026-11-01", "2026-13-01", "/Date(-1)/", "", 5, "2020-01-01T00:00:00"]


def value(rng: random.Random, code: str) -> Any:
    if code[0] in "ol":
        inner = {name: value(rng, c) for name, c in SCHEMAS[code[2:]].items() if c != "r" and rng.random() < 0.5}
        return inner if code[0] == "o" else [inner] * rng.randrange(3)
    if rng.random() < 0.02:
        return rng.choice([None, [], {}, 7, "zz", False])
    if code == "g":
        return rng.choice([ACTIVE, UNKNOWN, "no-guid"])
    if code == "b":
        return rng.random() < 0.5
    return rng.choice(NUMBERS if code == "n" else DATES if code == "d" else TEXTS)


async def test_no_body_makes_the_emulator_itself_fail(tmp_path: Path) -> None:
    rng = random.Random(7)
    async with running(tmp_path) as xero:
        await xero.control("limits", {"minute": 5000})
        for _ in range(60):
            for plural, singular in WRITTEN.items():
                schema = SCHEMAS[singular]
                element = {name: value(rng, code) for name, code in schema.items() if rng.random() < 0.4}
                path = rng.choice((plural, plural, f"{plural}/{ACTIVE}", f"{plural}/{UK.accounts[1].account_id}"))
                verb = rng.choice(("PUT", "POST"))
                reply = await xero.send(verb, path, {plural: [element] * rng.choice((1, 1, 2))})
                assert reply.status_code < 500 or reply.status_code == 501, (path, element, reply.text)
        assert "emulator" not in xero.violations()
        for body in ('{"Code":"é"}'.encode("latin-1"), b'{"Code":' + b"[" * 5000):
            wrong = await xero.send("PUT", "Items", body, content_type="Application/JSON")
            assert (wrong.status_code, wrong.json()["Type"]) == (400, "PostDataInvalidException")
        assert xero.violations() == ["body", "body"]
        for plural in (*WRITTEN, "ContactGroups", "BrandingThemes"):
            assert (await xero.send("GET", plural)).status_code == 200


class Still:
    """An emulated source that does nothing, or that cannot start."""

    name = "still"
    source = "still"

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.world: World | None = None

    def load(self, world: World) -> None:
        self.world = world

    async def start(self, clock: WorldClock) -> None:
        self.service = Service(self.name, Starlette(), clock)
        await self.service.start()
        if self.broken:
            await self.service.stop()
            raise OSError("no port to be had")

    def settings(self) -> dict[str, str]:
        return {"url": self.service.url}

    def totals(self) -> dict[str, Any]:
        return {"documents": 0}

    def expected(self) -> list[dict[str, Any]]:
        return []

    async def stop(self) -> None:
        await self.service.stop()


async def test_a_sandbox_is_one_loop_and_one_clock(tmp_path: Path) -> None:
    world = build(scale=0.1)
    async with await serve(world, [Still()], home=tmp_path, clock_rate=2.0) as sandbox:
        told = sandbox.describe()
        assert told["clock"] == str(tmp_path / "clock.json")
        assert WorldClock(told["clock"]).now().date() == world.today
        assert {t["id"] for t in told["xero"]["tenants"]} == {t.tenant_id for t in world.tenants}
        assert sandbox.last_request_at() is None
        async with httpx2.AsyncClient() as client:
            for name in ("xero", "still"):
                clock = (await client.get(f"{told[name]['control_url']}/clock")).json()
                assert clock["rate"] == 2.0
            assert (await client.get(told["still"]["url"] + "/x")).status_code == 404
            assert sandbox.last_request_at() is not None
            assert (sandbox.violations(), sandbox.totals()["still"]) == ([], {"documents": 0})
            await sandbox.stop()
            with pytest.raises(httpx2.ConnectError):
                await client.get(told["xero"]["control_url"] + "/clock")


async def test_where_one_emulator_cannot_start_nothing_is_left_running(tmp_path: Path) -> None:
    port = 0
    async with await serve(build(scale=0.1), home=tmp_path) as sandbox:
        port = int(sandbox.xero.service.url.rpartition(":")[2])
    with pytest.raises(OSError, match="no port"):
        await serve(build(scale=0.1), [Still(broken=True)], home=tmp_path, xero_port=port)
    async with await serve(build(scale=0.1), home=tmp_path, xero_port=port) as again:
        assert again.xero.service.url.endswith(f":{port}")
