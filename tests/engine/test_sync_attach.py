"""Writing a link back to the source: its failure never takes back what Xero has, and can be tried again."""

import asyncio
from pathlib import Path
from typing import Any

from tests.engine.sync_kit import (
    all_well,
    edit,
    everything_arrived,
    fault,
    halo,
    heal,
    linked,
    made_plan,
    operations,
    problems,
    small,
    the_plan,
    until,
    writes,
)
from xerotui.model.kinds import Kind, Side
from xerotui.model.work import PlanState, State, Verb
from xerotui.sync import lane, outcomes


async def test_a_link_that_the_source_refuses_leaves_the_document_confirmed(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        created = await operations(bench, plan=plan.id, kind=Kind.INVOICE, verb=Verb.CREATE)
        bad = created[3]
        was = (await halo(bench, "invoice", bad.record))["client_id"]
        await fault(bench, method="PUT", path="/Invoices", do="delay", seconds=0.7, times=2)
        going = asyncio.create_task(bench.done("apply", plan=plan.id))
        await until(lambda: operations(bench, kind=Kind.INVOICE, states=(State.SENDING,)))
        # Its customer vanished meanwhile: Halo takes no change of this invoice.
        await edit(bench, "invoice", bad.record, client_id=999_999)
        await going
        attached = {o.record: o for o in await operations(bench, plan=plan.id, kind=Kind.INVOICE, side=Side.SOURCE)}
        assert {r for r, o in attached.items() if o.state is not State.CONFIRMED} == {bad.record}
        assert attached[bad.record].state is State.PARKED
        assert (await operations(bench, plan=plan.id, record=bad.record, side=Side.XERO))[0].state is State.VERIFIED
        (problem,) = await problems(bench, phase="attach")
        assert (problem.code, problem.record.id, problem.blocks) == ("core.attach_failed", bad.record, False)
        assert "valid client" in problem.said
        assert (await the_plan(bench, plan.id)).state is PlanState.DONE
        assert bad.record in await linked(bench, Kind.INVOICE), "our own link is kept"
        await everything_arrived(bench)
        made = len(await writes(bench))
        await edit(bench, "invoice", bad.record, client_id=was)
        await bench.done("retry", operation=attached[bad.record].id)
        links = await linked(bench, Kind.INVOICE)
        assert (await halo(bench, "invoice", bad.record))["xeroid"] == links[bad.record][1]
        assert await problems(bench, phase="attach") == []
        assert len(await writes(bench)) == made
        await all_well(bench)


async def test_links_that_the_source_doesnt_keep_are_set_aside_and_retried(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        await bench.control("halo", "/switches", {"drops": ["PurchaseOrder.xero_id"]})
        await asyncio.wait_for(bench.sync(), 30)
        orders = set(await linked(bench, Kind.PURCHASE_ORDER))
        assert {p.record.id for p in await problems(bench, code="core.attach_failed")} == orders
        parked = await operations(bench, kind=Kind.PURCHASE_ORDER, states=(State.PARKED,))
        assert {o.record for o in parked} == orders
        assert all("keep" in o.error for o in parked)
        await everything_arrived(bench)
        await bench.control("halo", "/switches", {"drops": []})
        await bench.done("retry")
        assert await problems(bench, code="core.attach_failed") == []
        await all_well(bench)


async def test_a_source_that_stumbles_over_one_record_holds_up_nothing_else(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(lane, "PATIENCE", (0.0, 0.1))
    monkeypatch.setattr(outcomes, "ATTEMPTS", 3)
    async with small(tmp_path, rate=60) as bench:
        await fault(bench, "halo", method="POST", path="(?i)/api/purchaseorder", do="status", status=500)
        await asyncio.wait_for(bench.sync(), 60)
        await everything_arrived(bench)
        assert {o.kind for o in await operations(bench, states=(State.PARKED,))} == {Kind.PURCHASE_ORDER}
        assert {p.code for p in await problems(bench, phase="attach")} == {"core.attach_failed"}
        await heal(bench, "halo")
        await bench.done("retry")
        await all_well(bench)


async def test_a_lost_answer_of_the_source_is_asked_for_again(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(lane, "PATIENCE", (0.0, 0.1, 0.3))
    async with small(tmp_path) as bench:
        await fault(bench, "halo", method="POST", path="(?i)/api/invoice", times=1, do="cut_before")
        await fault(bench, "halo", method="POST", path="(?i)/api/invoice", times=1, do="cut_after")
        await fault(bench, "halo", method="POST", path="(?i)/api/purchaseorder", times=1, do="status", status=502)
        await bench.sync()
        assert await bench.control("halo", "/faults") == []
        await everything_arrived(bench)
        await all_well(bench)
