"""Webhooks as the emulated Xero sends them: the question first, batches, disorder, retries, the switching off."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.sandbox.hook_kit import delivered, listening, registered
from tests.sandbox.xero_kit import ACTIVE, UK, line, running


async def test_the_intent_to_receive_takes_exact_answers(tmp_path: Path) -> None:
    async with running(tmp_path) as xero, listening() as listener:
        hook = await registered(xero, listener)
        assert hook["state"] == "ok"
        assert sorted(good for _, good in listener.got) == [False, False, True, True]
        assert all(json.loads(body)["events"] == [] for body, _ in listener.got)
        # A body written anew has another signature: that is what the blanks are for.
        assert any(json.dumps(json.loads(b), separators=(",", ":")).encode() != b for b, _ in listener.got)
        for wrong in (b"400 Bad Request", b"200 OK", b"500 Oops"):
            listener.answer = lambda good, wrong=wrong: b"200 OK" if good else wrong  # type: ignore[misc]
            assert (await registered(xero, listener))["state"] == "failed"
        listener.answer = lambda good: b"200 OK" if good else b"401 Unauthorized"
        listener.extra = b"Set-Cookie: a=b\r\n"
        hook = await registered(xero, listener)
        assert hook["state"] == "failed"
        assert {entry["fault"] for entry in hook["intent"]} == {"a cookie"}


async def test_changes_of_every_way_become_events(tmp_path: Path) -> None:
    async with running(tmp_path) as xero, listening() as listener:
        await registered(xero, listener, sequence=75)
        invoice = {"Type": "ACCREC", "Contact": {"ContactID": ACTIVE}, "LineItems": [line()], "Status": "AUTHORISED"}
        made = await xero.one("PUT", "Invoices", {**invoice, "Date": "2026-11-20", "DueDate": "2026-12-20"})
        await xero.control(f"payments/{UK.tenant_id}", {"InvoiceID": made["InvoiceID"]})
        await xero.control(f"contacts/{UK.tenant_id}/{ACTIVE}", {"ContactStatus": "ARCHIVED"})
        hook = await delivered(xero)
        told = [(e["eventCategory"], e["eventType"], e["resourceId"]) for e in listener.events]
        assert ("INVOICE", "CREATE", made["InvoiceID"]) in told
        assert ("INVOICE", "UPDATE", made["InvoiceID"]) in told
        assert ("CONTACT", "UPDATE", ACTIVE) in told
        assert {e["tenantId"] for e in listener.events} == {UK.tenant_id}
        bodies = [json.loads(body) for body, good in listener.got if good and json.loads(body)["events"]]
        assert bodies[0]["firstEventSequence"] == 76
        assert hook["sequence"] == bodies[-1]["lastEventSequence"] == 75 + len(listener.events)


async def test_failures_are_tried_at_once_then_every_quarter_and_given_up_after_a_day(tmp_path: Path) -> None:
    async with running(tmp_path) as xero, listening() as listener:
        await registered(xero, listener)
        listener.got.clear()
        listener.answer = lambda good: b"503 Not now"
        await xero.control(f"contacts/{UK.tenant_id}/{ACTIVE}", {"Name": "Aston & Sons"})

        async def tries(wanted: int) -> None:
            for _ in range(600):
                if len(listener.got) >= wanted:
                    return
                await asyncio.sleep(0.02)
            raise AssertionError(len(listener.got))

        await tries(2)
        await asyncio.sleep(0.2)
        assert len(listener.got) == 2
        xero.clock.jump(15 * 60)
        await tries(3)
        assert len({body for body, _ in listener.got}) == 1
        xero.clock.jump(24 * 3600)
        await tries(4)
        for _ in range(600):
            (hook,) = await xero.control("webhooks")
            if hook["state"] == "off":
                break
            await asyncio.sleep(0.02)
        assert hook["state"] == "off"
        # Mended and asked again, it sends what was kept, in order, and what came meanwhile.
        await xero.control(f"contacts/{UK.tenant_id}/{ACTIVE}", {"Name": "Aston & Daughters"})
        listener.answer = lambda good: b"200 OK" if good else b"401 Unauthorized"
        listener.got.clear()
        assert (await xero.control("webhooks/intent", {}))["state"] == "ok"
        xero.clock.jump(15 * 60)
        await delivered(xero)
        firsts = [json.loads(body)["firstEventSequence"] for body, good in listener.got if good]
        assert [n for n in firsts if n] == [1, 2]


async def test_disorder_doubles_and_losses_come_on_demand_and_are_seeded(tmp_path: Path) -> None:
    async with running(tmp_path) as xero, listening() as listener:
        runs = []
        for _ in range(2):
            await registered(xero, listener, seed=5)
            listener.got.clear()
            await xero.control("webhooks/change", {"held": True, "batch": 1, "unordered": True, "duplicates": 0.5})
            await xero.control("webhooks/change", {"lost": 0.2})
            for n in range(12):
                await xero.control(f"contacts/{UK.tenant_id}/{ACTIVE}", {"Name": f"Aston {n}"})
            await xero.control("webhooks/change", {"held": False})
            await delivered(xero)
            runs.append([json.loads(body)["firstEventSequence"] for body, good in listener.got if good])
        numbers = runs[0]
        assert runs[0] == runs[1]
        assert numbers != sorted(numbers)
        assert len(set(numbers)) < len(numbers)
        assert set(numbers) < set(range(1, 13))
