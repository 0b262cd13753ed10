"""Documents that are paid, credited or in a closed period: only what Xero still takes is sent, the rest said (H34)."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.engine.sync_kit import (
    Rig,
    edit,
    halo,
    held_one,
    linked,
    made_plan,
    operations,
    policy,
    problems,
    small,
    writes,
)
from xerotui.model.kinds import Kind
from xerotui.model.work import CallState, State, Verb
from xerotui.sync.plan import xero_lane

CODE = "core.needs_credit_note"


async def _priced(bench: Rig, record: str, **change: Any) -> list[dict[str, Any]]:
    """The lines of an invoice of Halo with a change in the first priced one."""
    lines = [dict(line) for line in (await halo(bench, "invoice", record))["lines"]]
    next(line for line in lines if line["unit_price"]).update(change)
    return lines


async def _state(bench: Rig, plan: str) -> dict[str, tuple[str, str]]:
    async with bench.wiring.ledger.read() as tx:
        return {b.record.id: (b.code, b.sentence) for b in await bench.wiring.ledger.plans.blocked(tx, plan)}


async def _sent(bench: Rig, tenant: str) -> dict[str, dict[str, Any]]:
    """What went over the wire in updates of invoices, by their Xero id."""
    async with bench.wiring.ledger.read() as tx:
        calls = await bench.wiring.ledger.work.calls(tx, xero_lane(tenant), (CallState.SETTLED,))
    updates = [json.loads(c.body)["Invoices"] for c in calls if (c.kind, c.verb) == (Kind.INVOICE, Verb.UPDATE)]
    return {element["InvoiceID"]: element for elements in updates for element in elements}


async def test_settled_documents_take_what_xero_still_takes_and_the_rest_needs_a_credit_note(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        tenant = bench.tenants[0]
        await policy(bench, tenant, statuses={"invoice": "AUTHORISED"})
        await bench.sync()
        mine = [(r, x) for r, (t, x) in sorted((await linked(bench, Kind.INVOICE)).items()) if t == tenant]
        paid, part, dated, locked, draft, worded = mine[:6]
        for _, id in (paid, part, dated):
            await bench.control("xero", f"/payments/{tenant}", {"InvoiceID": id, "Amount": "1.00"})
        whole = await held_one(bench, tenant, "Invoices", InvoiceID=paid[1])
        await bench.control("xero", f"/payments/{tenant}", {"InvoiceID": paid[1], "Amount": str(whole["AmountDue"])})
        status = {r: (await held_one(bench, tenant, "Invoices", InvoiceID=x))["Status"] for r, x in mine[:5]}
        assert [status[paid[0]], status[part[0]]] == ["PAID", "AUTHORISED"]
        # Text, account, order number: those Xero still takes, of the paid one and of the part-paid one.
        words = "Put into other words"
        await edit(bench, "invoice", paid[0], cust_order_number="PO-PAID")
        lines = await _priced(bench, part[0], item_shortdescription=words, nominal_code="260")
        await edit(bench, "invoice", part[0], cust_order_number="PO-PART", lines=lines)
        # A price, and with it a total: nothing of this document is sent, its order number neither.
        lines = await _priced(bench, dated[0], unit_price="123.45")
        await edit(bench, "invoice", dated[0], cust_order_number="PO-DATED", lines=lines)
        await edit(
            bench,
            "invoice",
            draft[0],
            cust_order_number="PO-OPEN",
            lines=await _priced(bench, draft[0], unit_price="3"),
        )
        # Words alone, but nothing is paid.
        await edit(bench, "invoice", worded[0], lines=await _priced(bench, worded[0], item_shortdescription=words))
        before = await held_one(bench, tenant, "Invoices", InvoiceID=part[1])
        plan = await made_plan(bench)
        planned = {o.record: o for o in await operations(bench, plan=plan.id, kind=Kind.INVOICE, verb=Verb.UPDATE)}
        assert set(planned) == {paid[0], part[0], draft[0], worded[0]}
        code, sentence = (await _state(bench, plan.id))[dated[0]]
        assert code == CODE
        assert "unit amount" in sentence
        assert plan.counts["conflict"] == 1
        made = len(await writes(bench))
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        assert {o.state for o in await operations(bench, plan=plan.id, kind=Kind.INVOICE)} == {State.VERIFIED}
        assert len(await writes(bench)) == made + 4
        sent = await _sent(bench, tenant)
        assert set(sent[paid[1]]) == {"InvoiceID", "Reference"}
        assert set(sent[part[1]]) == {"InvoiceID", "Reference", "LineItems"}
        allowed = {"LineItemID", "Description", "AccountCode", "Tracking"}
        assert all("LineItemID" in x and set(x) <= allowed for x in sent[part[1]]["LineItems"])
        for _, id in (draft, worded):
            assert "UnitAmount" in sent[id]["LineItems"][-1], "an open document is sent whole"
        after = await held_one(bench, tenant, "Invoices", InvoiceID=part[1])
        assert after["Reference"] == "PO-PART"
        assert [(x["LineItemID"], x["LineAmount"]) for x in after["LineItems"]] == [
            (x["LineItemID"], x["LineAmount"]) for x in before["LineItems"]
        ]
        changed = next(x for x in after["LineItems"] if x.get("Description") == words)
        assert changed["AccountCode"] == "260"
        kept = await held_one(bench, tenant, "Invoices", InvoiceID=paid[1])
        assert (kept["Reference"], kept["Status"]) == ("PO-PAID", "PAID"), "a status is never lowered"
        assert (await held_one(bench, tenant, "Invoices", InvoiceID=dated[1])).get("Reference") != "PO-DATED"
        # Never tried again as it is; and in a closed period nothing is.
        last = str((await held_one(bench, tenant, "Invoices", InvoiceID=locked[1]))["Date"])[:10]
        await bench.control("xero", f"/organisation/{tenant}", {"PeriodLockDate": last})
        await edit(bench, "invoice", locked[0], cust_order_number="PO-LOCKED")
        for _ in range(2):
            plan = await made_plan(bench)
            rows = await _state(bench, plan.id)
            assert {r for r, (code, _) in rows.items() if code == CODE} >= {dated[0], locked[0]}
            assert not {o.record for o in await operations(bench, plan=plan.id, verb=Verb.UPDATE)} & {
                dated[0],
                locked[0],
            }
        assert "locked through" in rows[locked[0]][1]
        assert len(await writes(bench)) == made + 4
        # Taken back at the source it is no trouble any more.
        prices = {x["id"]: x["unit_price"] for x in lines}
        original = next(i for i in bench.world.psa.invoices if str(i.id) == dated[0])
        back = [{**x, "unit_price": str(next(o.unit_price for o in original.lines if o.id == x["id"]))} for x in lines]
        assert prices
        await edit(bench, "invoice", dated[0], cust_order_number=original.customer_order, lines=back)
        await made_plan(bench)
        assert {p.record.id for p in await problems(bench, kind=Kind.INVOICE) if p.code == CODE} == {locked[0]}
        assert await bench.control("xero", "/violations") == []
        assert Decimal(str(kept["AmountPaid"])) == Decimal(str(kept["Total"]))
