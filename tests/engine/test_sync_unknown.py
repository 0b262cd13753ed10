"""Answers that never came: whatever became of a call, each document is in Xero exactly once at the end."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.engine.sync_kit import (
    LAPSE,
    SOURCE,
    Rig,
    all_well,
    asked,
    everything_arrived,
    fault,
    heal,
    impatient,
    jump,
    linked,
    made_plan,
    operations,
    other_process,
    problems,
    seeded,
    small,
    stopped,
    unknown_calls,
    until,
    writes,
    xero_setting,
)
from xerotui.model.kinds import Kind, Side
from xerotui.model.work import State, Verb
from xerotui.sandbox.service import Service, decode, encode, running
from xerotui.sync import lane, outcomes
from xerotui.sync.applying import apply
from xerotui.sync.plan import xero_lane
from xerotui.sync.send_xero import XeroSender

LOST: dict[str, dict[str, Any]] = {
    "done, answered 500": {"do": "status_after", "status": 500},
    # Kept under the key: the same call again would fail for ever.
    "not done, answered 500": {"name": "error_text"},
    "not done, answered 503": {"do": "status", "status": 503},
    "done, then cut": {"do": "cut_after"},
    "cut before it was done": {"do": "cut_before"},
    "done, answer too slow": {"do": "slow_body", "seconds": 2.0},
    "done, answer not readable": {"do": "body", "text": "<html>Bad gateway</html>"},
}
# What befalls the two calls with invoices, and one of each other kind.
MIXES = (
    ("done, answered 500", "not done, answered 503", "done, answer too slow", "cut before it was done"),
    ("done, then cut", "done, answer not readable", "not done, answered 500", "not done, answered 503"),
    ("cut before it was done", "done, answer too slow", "done, then cut", "done, answered 500"),
)


async def _applied(bench: Rig) -> None:
    plan = await made_plan(bench)
    await bench.done("apply", plan=plan.id)


async def _settled(bench: Rig) -> None:
    await everything_arrived(bench)
    await all_well(bench)
    assert await stopped(bench) == seeded(bench), "a lost answer is no problem of the document"


@pytest.mark.parametrize("mix", MIXES, ids=[m[0] for m in MIXES])
async def test_a_lost_answer_within_the_life_of_the_key(
    tmp_path: Path, monkeypatch: Any, mix: tuple[str, str, str, str]
) -> None:
    impatient(monkeypatch)
    monkeypatch.setattr(lane, "PATIENCE", (0.0, 0.1, 0.5))
    async with small(tmp_path, rate=10) as bench:
        for path, how in zip(("/Invoices", "/Invoices", "/Contacts", "/(Items|PurchaseOrders)"), mix, strict=True):
            await fault(bench, method="PUT", path=path, times=1, **LOST[how])
        await _applied(bench)
        assert await bench.control("xero", "/faults") == [], "the faults were met"
        await _settled(bench)


@pytest.mark.parametrize("how", ["done, then cut", "cut before it was done"])
async def test_a_lost_answer_after_the_key_has_lapsed(tmp_path: Path, how: str) -> None:
    async with small(tmp_path, rate=10) as bench:
        plan = await made_plan(bench)
        await fault(bench, method="PUT", path="/Invoices", times=1, **LOST[how])
        going = asyncio.create_task(bench.done("apply", plan=plan.id))
        await until(lambda: unknown_calls(bench, Kind.INVOICE))
        keys = {w["key"] for w in await writes(bench) if w["kind"] == "invoice"}
        await jump(bench, LAPSE)
        await going
        await _settled(bench)
        assert len({w["key"] for w in await writes(bench) if w["kind"] == "invoice"}) == 2, keys
        looked = [r for r in await asked(bench, "GET", "/Invoices?") if "InvoiceNumbers=" in r["path"]]
        assert looked, "a lapsed key is never trusted: Xero is asked by number"


async def test_within_its_life_a_key_is_asked_instead_of_the_list(tmp_path: Path) -> None:
    async with small(tmp_path, rate=10) as bench:
        await fault(bench, method="PUT", path="/Invoices", times=1, do="cut_after")
        await _applied(bench)
        assert not [r for r in await asked(bench, "GET", "/Invoices?") if "InvoiceNumbers=" in r["path"]]
        calls = len({w["call"] for w in await writes(bench) if w["kind"] == "invoice"})
        assert len(await asked(bench, "PUT", "/Invoices")) == calls + 1, "the same call once more, nothing else"
        await _settled(bench)


async def test_a_throttled_write_waits_as_long_as_xero_asks(tmp_path: Path) -> None:
    async with small(tmp_path, rate=30) as bench:
        headers = {"retry-after": "20", "x-rate-limit-problem": "minute"}
        await fault(bench, method="PUT", path="/Invoices", times=2, do="status", status=429, headers=headers)
        began = bench.wiring.clock.now()
        await _applied(bench)
        refused = [r for r in await asked(bench, "PUT", "/Invoices") if r["status"] == 429]
        assert len(refused) == 2
        assert (bench.wiring.clock.now() - began).total_seconds() > 20
        await _settled(bench)


async def test_an_outage_of_reading_and_writing_is_waited_out(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(lane, "REST", 0.5)
    async with small(tmp_path, rate=10) as bench:
        plan = await made_plan(bench)
        # The write goes through, its answer is lost, and looking it up is refused as well: for a while.
        await fault(bench, method="PUT", path="/Invoices", times=1, do="status_after", status=502)
        await fault(bench, path="InvoiceNumbers=", do="status", status=503)
        going = asyncio.create_task(bench.done("apply", plan=plan.id))
        await until(lambda: _given_up(bench))
        assert await operations(bench, kind=Kind.INVOICE, side=Side.XERO, states=(State.UNKNOWN,))
        await heal(bench)
        await going
        await _settled(bench)


async def _given_up(bench: Rig) -> bool:
    """More refusals than one look-up has tries."""
    return len([r for r in await asked(bench, "GET", "InvoiceNumbers=") if r["status"] == 503]) > 3


async def test_what_xero_never_takes_is_set_aside_and_said_so(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(lane, "PATIENCE", (0.0, 0.1))
    monkeypatch.setattr(outcomes, "ATTEMPTS", 3)
    async with small(tmp_path, rate=60) as bench:
        await fault(bench, method="PUT", path="/PurchaseOrders", do="status", status=500)
        await asyncio.wait_for(_applied(bench), 60)
        parked = await operations(bench, kind=Kind.PURCHASE_ORDER, side=Side.XERO, states=(State.PARKED,))
        assert parked, "some tries, then a person is asked"
        assert {p.code for p in await problems(bench, kind=Kind.PURCHASE_ORDER)} == {"core.parked"}
        assert await linked(bench, Kind.PURCHASE_ORDER) == {}
        await heal(bench)
        await bench.done("retry", connection=SOURCE, code="core.parked", subject=f"purchase_order:{parked[0].record}")
        assert len(await linked(bench, Kind.PURCHASE_ORDER)) == 1
        await bench.done("retry")
        await _settled(bench)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are told apart by /proc")
async def test_calls_of_a_killed_worker_are_finished_by_the_next_one(tmp_path: Path) -> None:
    """Killed after the call was written down: in one organisation before it left, in the other before its answer."""
    async with small(tmp_path, rate=10) as bench:
        plan = await made_plan(bench)
        ledger, ports = bench.wiring.ledger, bench.wiring.ports()
        await apply(ports, plan.id, plan.hash, "tester")
        made = {}
        with other_process() as (identity, process):
            for tenant, leaves in zip(bench.tenants, (True, False), strict=True):
                lane_name = xero_lane(tenant)
                async with ledger.write() as tx:
                    fence = await ledger.lanes.take(tx, lane_name, identity, 60)
                    await ledger.work.promote(tx, lane=lane_name)
                    batch = await ledger.work.ready_batch(tx, lane_name, Kind.ITEM, Verb.CREATE, 50)
                    assert fence is not None
                    assert batch
                    sender = XeroSender(ports, lane_name, tenant)
                    call = sender.form(batch)
                    await ledger.work.open_call(tx, call, fence)
                made[tenant] = call
                if leaves:
                    await sender.send(call, batch)
            assert {o.state for o in await operations(bench, kind=Kind.ITEM, verb=Verb.CREATE)} == {State.SENDING}
            process.kill()
            process.wait()
        await bench.work()
        await _settled(bench)
        keys = {w["tenant"]: w["key"] for w in await writes(bench) if w["kind"] == "item"}
        assert keys == {t: c.key for t, c in made.items()}, "the very same calls were repeated"


class Proxy:
    """Stands between client and sandbox on loopback and spoils one answer."""

    def __init__(self, bench: Rig, spoil: Callable[[Any], None]) -> None:
        self.bench = bench
        self.spoil = spoil
        self.spoiled = 0
        self.service = Service("proxy", self.app, bench.sandbox.clock)
        self.behind = bench.sandbox.describe()["xero"]["api_url"]

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Forward one request."""
        request = Request(scope, receive)
        headers = {k: v for k, v in request.headers.items() if k not in ("host", "content-length")}
        url = f"{self.behind}{scope['raw_path'].decode()}?{scope['query_string'].decode()}"
        answer = await self.bench.http.request(request.method, url, headers=headers, content=await request.body())
        body = answer.content
        if request.method == "PUT" and "/Invoices" in url and not self.spoiled:
            whole = decode(body)
            self.spoil(whole["Invoices"])
            self.spoiled += 1
            body = encode(whole)
        kept = {k: v for k, v in answer.headers.items() if k not in ("content-length", "content-encoding")}
        await Response(body, answer.status_code, kept)(scope, receive, send)


def _without_id(elements: list[dict[str, Any]]) -> None:
    elements[1]["InvoiceID"] = "00000000-0000-0000-0000-000000000000"


async def test_an_element_without_an_id_is_unknown_and_only_that_one(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(lane, "PATIENCE", (0.0, 0.5))
    async with small(tmp_path, rate=10) as bench:
        proxy = Proxy(bench, _without_id)
        async with running(proxy.service):
            await xero_setting(bench, api_url=proxy.service.url)
            plan = await made_plan(bench)
            going = asyncio.create_task(bench.done("apply", plan=plan.id))
            await until(lambda: unknown_calls(bench, Kind.INVOICE))
            unknown = await operations(bench, kind=Kind.INVOICE, side=Side.XERO, states=(State.UNKNOWN,))
            assert len(unknown) == 1
            await going
            assert proxy.spoiled == 1
            await _settled(bench)
            created = [o for o in await operations(bench, plan=plan.id) if o.verb is Verb.CREATE]
            attached = [o for o in await operations(bench, plan=plan.id, side=Side.SOURCE) if o.kind is Kind.INVOICE]
            assert len(attached) == len([o for o in created if o.kind is Kind.INVOICE])
            async with bench.wiring.ledger.read() as tx:
                said = await bench.wiring.ledger.audit.list(tx, limit=1000)
            told = Counter(row.detail["operation"] for row in said if row.action == "created")
            assert told == {o.id: 1 for o in created}, "each creation is told once"
