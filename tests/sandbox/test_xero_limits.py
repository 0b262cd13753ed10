"""Limits and idempotency keys of the emulated Xero (xero-api sections 3 and 4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.xero_kit import AU, UK, Xero, invoice, running


@pytest.fixture
async def xero(tmp_path: Path) -> AsyncIterator[Xero]:
    async with running(tmp_path) as made:
        yield made


async def test_the_sixty_first_call_in_a_minute_is_refused_and_noted(xero: Xero) -> None:
    replies = [await xero.send("GET", "Currencies") for _ in range(60)]
    assert [r.headers["x-minlimit-remaining"] for r in replies[:2]] == ["59", "58"]
    assert replies[-1].headers["x-daylimit-remaining"] == "4940"
    assert {r.status_code for r in replies} == {200}
    refused = await xero.send("GET", "Currencies")
    assert (refused.status_code, refused.content) == (429, b"")
    assert "content-type" not in refused.headers
    assert refused.headers["x-rate-limit-problem"] == "minute"
    assert refused.headers["x-minlimit-remaining"] == "0"
    assert 50 < int(refused.headers["retry-after"]) <= 60
    assert xero.violations() == ["limit"]
    xero.tenant = AU.tenant_id
    await xero.get("Currencies")
    xero.tenant = UK.tenant_id
    xero.clock.jump(int(refused.headers["retry-after"]))
    await xero.get("Currencies")


async def test_the_day_limit_and_a_lowered_minute(xero: Xero) -> None:
    await xero.control("limits", {"day": 5, "minute": 3})
    assert [(await xero.send("GET", "Currencies")).status_code for _ in range(4)] == [200, 200, 200, 429]
    xero.clock.jump(61)
    assert [(await xero.send("GET", "Currencies")).status_code for _ in range(3)] == [200, 200, 429]
    refused = await xero.send("GET", "Currencies")
    assert refused.headers["x-rate-limit-problem"] == "day"
    assert int(refused.headers["retry-after"]) > 86_000
    await xero.control("reset-limits", {})
    await xero.get("Currencies")


async def test_a_sixth_call_in_flight_is_refused_even_while_the_others_are_delayed(xero: Xero) -> None:
    await xero.control("faults", {"do": "delay", "seconds": 0.2})
    replies = await asyncio.gather(*(xero.send("GET", "Currencies") for _ in range(6)))
    refused = [r for r in replies if r.status_code == 429]
    assert len(refused) == 1
    assert refused[0].headers["x-rate-limit-problem"] == "concurrent"
    assert "retry-after" not in refused[0].headers
    await xero.control("faults", {"clear": True})
    await xero.get("Currencies")


async def test_a_key_replays_its_answer_for_six_minutes_and_then_does_the_work_again(xero: Xero) -> None:
    body = {"Contacts": [{"Name": "Dene Vets"}]}
    target = "Contacts?summarizeErrors=false"
    first = await xero.send("PUT", target, body, idempotency_key="k1")
    again = await xero.send("PUT", target, body, idempotency_key="k1")
    assert again.content == first.content
    assert len(xero.journal.writes) == 1
    assert xero.journal.writes[0]["key"] == "k1"
    other = await xero.send("PUT", target, {"Contacts": [{"Name": "Other"}]}, idempotency_key="k1")
    assert other.status_code == 400
    assert "is used with a different request" in other.json()["Message"]
    assert xero.violations() == ["idempotency"]
    xero.clock.jump(361)
    late = await xero.send("PUT", target, body, idempotency_key="k1")
    assert late.json()["Contacts"][0]["HasValidationErrors"] is True
    assert (await xero.send("PUT", target, body, idempotency_key="x" * 129)).status_code == 400


async def test_a_key_replays_failures_too(xero: Xero) -> None:
    body = {"Invoices": [invoice(Contact={"ContactID": "a0000000-0000-4000-8000-00000000000f"})]}
    assert (await xero.send("PUT", "Invoices", body, idempotency_key="k2")).status_code == 404
    await xero.control(
        f"create/{UK.tenant_id}/contacts",
        {"ContactID": "a0000000-0000-4000-8000-00000000000f", "Name": "Late", "ContactStatus": "ACTIVE"},
    )
    assert (await xero.send("PUT", "Invoices", body, idempotency_key="k2")).status_code == 404
    assert (await xero.send("PUT", "Invoices", body, idempotency_key="k3")).status_code == 200


async def test_an_answer_lost_after_the_work_is_found_again_under_its_key(xero: Xero) -> None:
    await xero.control("faults", {"do": "status_after", "status": 503, "method": "PUT", "times": 1})
    body = {"Invoices": [invoice(InvoiceNumber="LOST-1")]}
    lost = await xero.send("PUT", "Invoices", body, idempotency_key="k4")
    assert (lost.status_code, lost.content) == (503, b"")
    found = await xero.send("PUT", "Invoices", body, idempotency_key="k4")
    assert found.json()["Invoices"][0]["InvoiceNumber"] == "LOST-1"
    assert [w["number"] for w in xero.journal.writes] == ["LOST-1"]
    # Work that was done before isn't done again, and so can't fail inside Xero.
    await xero.control("faults", {"name": "error_after_commit", "times": 1})
    assert (await xero.send("PUT", "Invoices", body, idempotency_key="k4")).status_code == 500
    assert (await xero.send("PUT", "Invoices", body, idempotency_key="k4")).content == found.content


@pytest.mark.parametrize(("name", "done"), [("error_text", False), ("error_after_commit", True)])
async def test_a_failure_inside_xero_is_kept_under_its_key_until_it_lapses(xero: Xero, name: str, done: bool) -> None:
    await xero.control("faults", {"name": name, "times": 1})
    body = {"Invoices": [invoice(InvoiceNumber="KEPT")]}
    failed = await xero.send("PUT", "Invoices", body, idempotency_key="k5")
    again = await xero.send("PUT", "Invoices", body, idempotency_key="k5")
    assert (failed.status_code, again.status_code, again.content) == (500, 500, failed.content)
    assert bool((await xero.get("Invoices?InvoiceNumbers=KEPT"))["Invoices"]) is done
    reused = await xero.send("PUT", "Invoices", {"Invoices": [invoice()]}, idempotency_key="k5")
    assert (reused.status_code, xero.violations()) == (400, ["idempotency"])
    refusal = "Invoice # must be unique."
    fresh = await xero.send("PUT", "Invoices", body, idempotency_key="k6")
    assert (refusal in fresh.text) is done
    xero.clock.jump(361)
    assert refusal in (await xero.send("PUT", "Invoices", body, idempotency_key="k5")).text
    assert len(xero.journal.writes) == 1
    await xero.control("behaviour", {"failures_kept": False})
    await xero.control("faults", {"name": name, "times": 1})
    other = {"Invoices": [invoice(InvoiceNumber="FREE")]}
    answers = [await xero.send("PUT", "Invoices", other, idempotency_key="k7") for _ in range(2)]
    assert [a.status_code for a in answers] == [500, 200]
