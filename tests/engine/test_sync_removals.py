"""Documents that left the source: removed in Xero with a person's reason, refused with words, never by absence."""

import asyncio
import datetime as dt
from decimal import Decimal
from pathlib import Path

from tests.engine.sync_kit import (
    LAPSE,
    SOURCE,
    Rig,
    all_well,
    asked,
    edit,
    fault,
    held,
    held_one,
    jump,
    linked,
    made_plan,
    operations,
    policy,
    problems,
    small,
    the_plan,
    unknown_calls,
    until,
    writes,
)
from xerotui.model.kinds import Kind
from xerotui.model.work import PlanState, State, Verb
from xerotui.sync.removing import look
from xerotui.sync.settle import REMOVED


async def _delete(bench: Rig, entity: str, id: str) -> dict[str, object]:
    """Somebody deletes a row at Halo's own screens."""
    row: dict[str, object] = await bench.control("halo", f"/remove/{entity}/{id}", {})
    return row


async def _authorise(bench: Rig, tenant: str, *ids: str) -> None:
    for id in ids:
        await bench.control("xero", f"/patch/{tenant}/Invoices/{id}", {"Status": "AUTHORISED"})


async def _how(bench: Rig, kind: Kind, record: str, tenant: str) -> str:
    async with bench.wiring.ledger.read() as tx:
        link = await bench.wiring.ledger.links.get(tx, SOURCE, kind, record, tenant)
    assert link is not None
    return link.how


async def test_what_left_the_source_is_removed_in_xero_with_a_reason_and_never_without(tmp_path: Path) -> None:
    async with small(tmp_path, rate=10, scale=0.02) as bench:
        await bench.sync()
        tenant = bench.tenants[0]
        mine = [(r, x) for r, (t, x) in sorted((await linked(bench, Kind.INVOICE)).items()) if t == tenant]
        dates = {i["InvoiceID"]: i["Date"] for i in await held(bench, tenant, "Invoices")}
        locked = min(mine, key=lambda one: dates[one[1]])
        draft, voided, paid, stated, changed, *_ = [one for one in mine if dates[one[1]] > dates[locked[1]]]
        order = next((r, x) for r, (t, x) in (await linked(bench, Kind.PURCHASE_ORDER)).items() if t == tenant)
        await _authorise(bench, tenant, voided[1], paid[1])
        await bench.control("xero", f"/payments/{tenant}", {"InvoiceID": paid[1], "Amount": "1.00"})
        emulated = bench.sandbox.sources[0].store.tables["invoice"]  # type: ignore[attr-defined]
        kept = {id: emulated.rows[int(id)] for id in (draft[0], paid[0], locked[0])}
        for record, _ in (draft, voided, paid, locked):
            await _delete(bench, "invoice", record)
        await _delete(bench, "purchaseorder", order[0])
        await edit(bench, "invoice", stated[0], voided=True)
        await edit(bench, "invoice", changed[0], reference="Still here", cust_order_number="")
        before = len(await writes(bench))

        # Lists that come short: every suspect is asked for, and only what Halo says is gone has left.
        await policy(bench, tenant, closed_through=dt.date.fromisoformat(str(dates[locked[1]])[:10]))
        await bench.control("halo", "/switches", {"short": ["Invoice", "PurchaseOrder"], "uncounted": True})
        plan = await made_plan(bench)
        await bench.control("halo", "/switches", {"short": [], "uncounted": False})
        planned = {(o.kind, o.record): o for o in await operations(bench, plan=plan.id)}
        assert {key: o.verb for key, o in planned.items()} == {
            (Kind.INVOICE, draft[0]): Verb.DELETE,
            (Kind.INVOICE, voided[0]): Verb.VOID,
            (Kind.INVOICE, stated[0]): Verb.DELETE,
            (Kind.INVOICE, changed[0]): Verb.UPDATE,
            (Kind.PURCHASE_ORDER, order[0]): Verb.DELETE,
        }
        assert planned[Kind.INVOICE, voided[0]].rungs["status"] == "deleted at the source"
        assert planned[Kind.INVOICE, stated[0]].rungs["status"] == "voided at the source"
        assert planned[Kind.INVOICE, voided[0]].total == Decimal(
            str((await held_one(bench, tenant, "Invoices", InvoiceID=voided[1]))["Total"])
        )
        assert (plan.counts["void"], plan.counts["delete"], plan.counts["update"]) == (1, 3, 1)
        async with bench.wiring.ledger.read() as tx:
            rows = {b.record.id: b for b in await bench.wiring.ledger.plans.blocked(tx, plan.id)}
        assert rows[paid[0]].code == "core.removal_refused"
        assert "paid or credited" in rows[paid[0]].sentence
        assert rows[locked[0]].code == "core.period_locked"
        assert stated[0] not in rows, "it is listed once, as a removal"

        # Without a reason the rest goes, and the removals wait in a plan of their own.
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        assert [w["verb"] for w in (await writes(bench))[before:]] == ["update"]
        assert (await the_plan(bench, plan.id)).state is PlanState.DONE
        async with bench.wiring.ledger.read() as tx:
            waiting = await bench.wiring.ledger.plans.latest(tx)
        assert waiting is not None
        assert (waiting.state, waiting.counts) == (PlanState.READY, {"delete": 3, "void": 1})
        refused = await bench.ask("apply", plan=waiting.id, hash=waiting.hash)
        assert refused.answer["code"] == "core.reason_missing"
        assert len(await writes(bench)) == before + 1

        # A record that the source has after all isn't removed.
        emulated.rows[int(draft[0])] = kept[draft[0]]
        stale = await bench.ask("apply", plan=waiting.id, removals="Billed twice")
        assert stale.answer["code"] == "core.stale"
        assert len(await writes(bench)) == before + 1
        del emulated.rows[int(draft[0])]

        # Nor is one of which the source no longer says that it is gone: a refusal is no such answer.
        plan = await made_plan(bench)
        await fault(bench, "halo", method="GET", path=f"/api/Invoice/{voided[0]}", times=1, do="status", status=403)
        unsure = await bench.ask("apply", plan=plan.id, hash=plan.hash, removals="Billed twice")
        assert unsure.answer["code"] == "core.stale"
        assert len(await writes(bench)) == before + 1

        # With a reason it goes; an answer that was lost is found out, and nothing is done twice.
        plan = await made_plan(bench)
        await fault(bench, method="POST", path="/Invoices", times=1, do="cut_after")
        going = asyncio.create_task(bench.done("apply", plan=plan.id, hash=plan.hash, removals="Billed twice"))
        await until(lambda: unknown_calls(bench, Kind.INVOICE))
        # Looking at the source meanwhile doesn't forget who let go what is only void there.
        await look(bench.wiring.ports(), SOURCE)
        await jump(bench, LAPSE)
        await going
        assert {o.state for o in await operations(bench, plan=plan.id)} == {State.VERIFIED}
        for (_, id), status in ((draft, "DELETED"), (voided, "VOIDED"), (stated, "DELETED"), (paid, "AUTHORISED")):
            assert (await held_one(bench, tenant, "Invoices", InvoiceID=id))["Status"] == status
        assert (await held_one(bench, tenant, "PurchaseOrders", PurchaseOrderID=order[1]))["Status"] == "DELETED"
        assert await _how(bench, Kind.INVOICE, voided[0], tenant) == REMOVED
        async with bench.wiring.ledger.read() as tx:
            gone = await bench.wiring.ledger.departures.of(tx, SOURCE, Kind.INVOICE, [draft[0], stated[0]])
            log = [row for row in await bench.wiring.ledger.audit.list(tx) if row.action == "approved"]
        assert set(gone) == {draft[0], stated[0]}
        assert {d.reason for d in gone.values()} == {"Billed twice"}
        assert {d.actor for d in gone.values()} == {"tester"}
        assert log

        # Nothing is left to do, and what comes back is told, not made again.
        after = len(await writes(bench))
        emulated.rows[int(draft[0])] = kept[draft[0]]
        await edit(bench, "invoice", draft[0], reference="Restored")
        last = await made_plan(bench)
        assert await operations(bench, plan=last.id) == []
        codes = {p.record.id: p.code for p in await problems(bench, kind=Kind.INVOICE)}
        assert codes[draft[0]] == "core.came_back"
        assert codes[paid[0]] == "core.removal_refused"
        assert len(await writes(bench)) == after
        assert await asked(bench, "GET", f"/api/Invoice/{voided[0]}", "halo")
        del emulated.rows[int(draft[0])]
        emulated.rows |= {int(id): kept[id] for id in (paid[0], locked[0])}
        await all_well(bench)
