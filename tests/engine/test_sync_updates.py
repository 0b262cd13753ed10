"""A document that changed after it was sent: updated by its id, or left alone with words why."""

import asyncio
import datetime as dt
from decimal import Decimal
from pathlib import Path

import msgspec

from tests.engine.sync_kit import (
    LAPSE,
    SOURCE,
    Rig,
    all_well,
    asked,
    edit,
    fault,
    halo,
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
from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import ContactPosting, ItemPosting, PriceSide, differences
from xerotui.model.records import Document, Item, Party
from xerotui.model.work import State, Verb
from xerotui.sync import drift, owning
from xerotui.sync.readiness import NOT_READY


async def _invoices(bench: Rig, many: int) -> list[tuple[str, str, str]]:
    """Some sent invoices of the first organisation that have lines to change: (source id, tenant, Xero id)."""
    found = [(r, t, x) for r, (t, x) in sorted((await linked(bench, Kind.INVOICE)).items()) if t == bench.tenants[0]]
    return found[:many]


async def _patch(bench: Rig, tenant: str, id: str, **fields: object) -> None:
    await bench.control("xero", f"/patch/{tenant}/Invoices/{id}", fields)


async def test_a_change_at_the_source_is_planned_field_by_field_and_sent_by_id(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        await bench.sync()
        (record, tenant, xero_id), *_ = await _invoices(bench, 1)
        row = await halo(bench, "invoice", record)
        lines = [dict(line) for line in row["lines"]]
        priced = next(line for line in lines if line["unit_price"])
        priced["unit_price"] = str(Decimal(str(priced["unit_price"])) + 7)
        # Somebody is at work on it: without lines it waits.
        await edit(bench, "invoice", record, lines=[], cust_order_number="Corrected")
        early = await made_plan(bench)
        assert await operations(bench, plan=early.id) == []
        async with bench.wiring.ledger.read() as tx:
            left = await bench.wiring.ledger.plans.blocked(tx, early.id)
        assert [b.record.id for b in left if b.code == NOT_READY] == [record]
        await policy(bench, tenant, settle_minutes=10)
        await edit(bench, "invoice", record, lines=lines)
        await _waits_until_it_lies_still(bench, tenant, record)
        before = await held_one(bench, tenant, "Invoices", InvoiceID=xero_id)
        plan = await made_plan(bench)
        (update,) = await operations(bench, plan=plan.id)
        assert (update.verb, update.kind, update.record, update.target) == (
            Verb.UPDATE,
            Kind.INVOICE,
            record,
            xero_id,
        )
        paths = {c.path for c in update.changes}
        assert "reference" in paths
        assert "total" in paths
        assert any(p.startswith("lines.") and p.endswith(".unit_amount") for p in paths)
        assert not any("line_id" in p or p in ("number", "contact", "date") for p in paths), paths
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        after = await held_one(bench, tenant, "Invoices", InvoiceID=xero_id)
        now = await halo(bench, "invoice", record)
        assert Decimal(str(after["Total"])) == Decimal(str(now["total"])) != Decimal(str(before["Total"]))
        assert after["Reference"] == "Corrected"
        ids = [line["LineItemID"] for line in before["LineItems"]]
        assert [line["LineItemID"] for line in after["LineItems"]] == ids, "lines are changed, not made anew"
        assert len([w for w in await writes(bench) if w["verb"] == "update"]) == 1
        assert (await made_plan(bench)).counts.get("update", 0) == 0
        await all_well(bench)


async def _waits_until_it_lies_still(bench: Rig, tenant: str, record: str) -> None:
    """What was edited just now waits and says until when; what only we wrote into just now doesn't."""
    await policy(bench, tenant, tracking=False)
    early = await made_plan(bench)
    async with bench.wiring.ledger.read() as tx:
        found = await bench.wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.INVOICE)
        left = await bench.wiring.ledger.plans.blocked(tx, early.id)
    changed = {d.id: d.modified for d in found if isinstance(d, Document) and d.modified}
    still = dt.timedelta(minutes=10)
    waits = [(b.record.id, b.sentence.partition("ready at ")[2][:9]) for b in left if b.code == NOT_READY]
    assert waits == [(record, f"{changed[record] + still:%H:%M} UTC")]
    updated = {o.record for o in await operations(bench, plan=early.id)}
    assert len([id for id in updated if changed[id] > bench.wiring.clock.now() - still]) > 3, "told the source of"
    await policy(bench, tenant, tracking=True)
    assert await operations(bench, plan=(await made_plan(bench)).id) == []
    await jump(bench, still.total_seconds())


async def test_an_edit_on_both_sides_is_a_conflict_and_a_void_closes_a_document(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        await bench.sync()
        both, ended, raised, theirs, approved = await _invoices(bench, 5)
        assert (await held_one(bench, both[1], "Invoices", InvoiceID=both[2]))["Status"] == "DRAFT"
        for one in (raised, approved):
            await _patch(bench, one[1], one[2], Status="AUTHORISED")
        await _patch(bench, ended[1], ended[2], Status="VOIDED")
        await _patch(bench, both[1], both[2], Reference="Edited by the accountant")
        await _patch(bench, theirs[1], theirs[2], Reference="Edited by the accountant")
        for record, _, _ in (both, ended, raised):
            await edit(bench, "invoice", record, cust_order_number="Edited in the PSA")
        before = len(await writes(bench))
        plan = await made_plan(bench)
        (update,) = await operations(bench, plan=plan.id)
        assert update.record == raised[0]
        assert {c.path for c in update.changes} == {"reference"}
        assert plan.counts["conflict"] == 2
        async with bench.wiring.ledger.read() as tx:
            rows = {b.record.id: b for b in await bench.wiring.ledger.plans.blocked(tx, plan.id)}
        assert rows[both[0]].code == "core.conflict"
        assert "reference" in rows[both[0]].sentence
        assert rows[ended[0]].code == "core.locked_document"
        assert {theirs[0], approved[0]}.isdisjoint(rows), "an edit in Xero alone is nobody's business"
        codes = {p.record.id: p.code for p in await problems(bench, kind=Kind.INVOICE)}
        assert (codes[both[0]], codes[ended[0]]) == ("core.conflict", "core.locked_document")
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        assert len(await writes(bench)) == before + 1
        kept = await held_one(bench, raised[1], "Invoices", InvoiceID=raised[2])
        assert (kept["Status"], kept["Reference"]) == ("AUTHORISED", "Edited in the PSA"), "a status is never lowered"
        assert (await held_one(bench, both[1], "Invoices", InvoiceID=both[2]))["Reference"].startswith("Edited by")
        assert (await operations(bench, plan=plan.id))[0].state is State.VERIFIED


async def test_an_update_of_unknown_outcome_is_never_lost(tmp_path: Path) -> None:
    async with small(tmp_path, rate=10) as bench:
        await bench.sync()
        (record, tenant, xero_id), *_ = await _invoices(bench, 1)
        await edit(bench, "invoice", record, cust_order_number="Must arrive")
        plan = await made_plan(bench)
        await fault(bench, method="POST", path="/Invoices", times=1, do="cut_before")
        going = asyncio.create_task(bench.done("apply", plan=plan.id))
        await until(lambda: unknown_calls(bench, Kind.INVOICE))
        await jump(bench, LAPSE)
        await going
        assert (await held_one(bench, tenant, "Invoices", InvoiceID=xero_id))["Reference"] == "Must arrive"
        (update,) = await operations(bench, plan=plan.id)
        assert update.state is State.VERIFIED
        assert len([w for w in await writes(bench) if w["verb"] == "update"]) == 1
        # And one whose answer alone was lost isn't sent twice.
        await edit(bench, "invoice", record, cust_order_number="Once is enough")
        plan = await made_plan(bench)
        await fault(bench, method="POST", path="/Invoices", times=1, do="cut_after")
        going = asyncio.create_task(bench.done("apply", plan=plan.id))
        await until(lambda: unknown_calls(bench, Kind.INVOICE))
        await jump(bench, LAPSE)
        await going
        assert len([w for w in await writes(bench) if w["verb"] == "update"]) == 2
        assert (await the_plan(bench, plan.id)).state == "done"
        assert await asked(bench, "GET", f"/Invoices/{xero_id}")
        await all_well(bench)


def test_what_xero_never_had_of_a_linked_record_collides_with_no_change() -> None:
    """A blank account number and a missing price of the day of the link are nobody's edit; one that was filled is."""
    contact = ContactPosting(kind=Kind.CUSTOMER, name="Acme", number="A1")
    party = Party(id="x", kind=Kind.CUSTOMER, name="Acme", facts={"version": "1"})
    item = ItemPosting(code="I", name="n", sales=PriceSide(price=Decimal(10)))
    priced = Item(id="y", kind=Kind.ITEM, name="n", code="I", facts={"version": "1"})
    for sent, held, now, filled, field in (
        (contact, party, {"number": "A2"}, {"number": "B7"}, "number"),
        (item, priced, {"sales": PriceSide(price=Decimal(12))}, {"sales_price": Decimal(11)}, "sales price"),
    ):  # fmt: skip
        base = owning.adopted(sent, held)
        changes = differences(*drift.comparable(base, msgspec.structs.replace(sent, **now)))
        edited = msgspec.structs.replace(held, facts={"version": "2"})
        assert drift.both_changed(base, edited, changes, "1") == ()
        theirs = msgspec.structs.replace(edited, **filled)
        assert drift.both_changed(base, theirs, changes, "1") == (field,)
        # Once it was sent, taking it away in Xero is an edit.
        sent_since = owning.updated(base, sent, drift.touched(changes))
        assert drift.both_changed(sent_since, edited, changes, "1") == (field,)
