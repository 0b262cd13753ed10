"""Faults of the emulated Xero by name, rate and seed; and that its page names them all."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.sandbox.xero_kit import Xero, invoice, running
from xerotui.sandbox.service import decode
from xerotui.sandbox.world_seeds import SEEDS
from xerotui.sandbox.xero.acts import ACTS
from xerotui.sandbox.xero.faults import FAULTS as NAMED

FAULTS: list[tuple[str, int, str]] = [
    ("unavailable", 503, "The Xero API is temporarily unavailable"),
    ("maintenance", 503, "The Xero API is currently offline for maintenance"),
    ("organisation_offline", 503, "The Organisation is offline"),
    ("limit_minute", 429, ""),
    ("precondition", 412, ""),
    ("too_large", 413, ""),
    ("not_implemented", 501, "The Api Method called is not implemented"),
    ("not_found_html", 404, "The resource you're looking for cannot be found"),
    ("error_after_commit", 500, "An error occurred in Xero. Check the API Status page"),
]


@pytest.fixture
async def xero(tmp_path: Path) -> AsyncIterator[Xero]:
    async with running(tmp_path) as made:
        yield made


async def test_faults_have_names_rates_and_seeds(xero: Xero) -> None:
    for name, status, text in FAULTS:
        await xero.control("faults", {"name": name, "times": 1})
        reply = await xero.send("PUT", "Invoices", {"Invoices": [invoice(InvoiceNumber=name)]})
        assert (reply.status_code, reply.text) == (status, text), name
        assert (reply.headers["x-minlimit-remaining"] == "0") is (name == "limit_minute")
        made = (await xero.get(f"Invoices?InvoiceNumbers={name}"))["Invoices"]
        assert len(made) == (1 if name.endswith("after_commit") else 0), name
    for name in ("dropped_before", "dropped_after_commit", "cut_answer", "timeout_after_commit"):
        await xero.control("faults", {"name": name, "times": 1, "seconds": 0.05})
        with pytest.raises(httpx2.TransportError):
            await xero.send("PUT", "Invoices", {"Invoices": [invoice(InvoiceNumber=name)]})
        made = (await xero.get(f"Invoices?InvoiceNumbers={name}"))["Invoices"]
        assert len(made) == (0 if name == "dropped_before" else 1), name
    await xero.control("faults", {"name": "repeated", "times": 1})
    twice = await xero.write("PUT", "Invoices", [invoice(InvoiceNumber="TWICE")])
    assert twice[0]["ValidationErrors"][0]["Message"] == "Invoice # must be unique."
    await xero.control("faults", {"name": "repeated", "times": 1})
    kept = await xero.write("PUT", "Invoices", [invoice(InvoiceNumber="KEYED")], idempotency_key="once")
    assert "ValidationErrors" not in kept[0]
    url = f"{xero.emulator.service.control_url}/faults"
    assert (await xero.client.post(url, json={"name": "no such"})).status_code == 400

    async def struck() -> list[int]:
        await xero.control("limits", {"minute": 1000})
        await xero.control("faults", {"clear": True})
        await xero.control("faults", {"name": "unavailable", "chance": 0.2, "seed": 7})
        found = [(await xero.send("GET", "Currencies")).status_code for _ in range(40)]
        assert (await xero.control("faults"))[0]["hits"] == found.count(503)
        return found

    first = await struck()
    assert 1 <= first.count(503) <= 20
    assert await struck() == first, "the same seed strikes the same requests"
    assert await xero.control("faults", {"clear": True}) == []


async def test_a_day_of_every_fault_leaves_nothing_half_done(xero: Xero) -> None:
    await xero.control("limits", {"minute": 1000})
    await xero.control("faults", {"name": "mix", "chance": 0.4, "seed": 11})
    anew = 0

    async def there(number: str) -> bool:
        while True:
            with contextlib.suppress(httpx2.TransportError):
                reply = await xero.send("GET", f"Invoices?InvoiceNumbers={number}")
                if reply.status_code == 200:
                    return bool(decode(reply.content)["Invoices"])

    for n in range(30):
        body, key = {"Invoices": [invoice(InvoiceNumber=f"M{n}")]}, f"key-{n}"
        while True:
            try:
                reply = await xero.send("PUT", "Invoices", body, idempotency_key=key)
            except httpx2.TransportError:
                continue
            if reply.status_code == 200:
                break
            if reply.status_code == 500:
                # The failure is kept under its key: only looking tells, and only a new key does the work.
                if await there(f"M{n}"):
                    break
                key, anew = key + "+", anew + 1
    assert anew
    await xero.control("faults", {"clear": True})
    listed = (await xero.get("Invoices?page=1&pageSize=1000"))["Invoices"]
    assert sorted(i["InvoiceNumber"] for i in listed) == sorted(f"M{n}" for n in range(30))


def test_the_page_about_the_sandbox_names_every_fault_and_act() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    assert [name for name in sorted(NAMED) if f"`{name}`" not in page] == []
    assert [name for name in sorted(ACTS) if f"`POST /{name}/" not in page] == []
    assert [key for key in sorted(SEEDS) if f"`{key}`" not in page and f'"{key}"' not in page] == []
