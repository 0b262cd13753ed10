"""Back from Xero: payments, voids and fields into the source, each once; who owns a field; taking a side."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.sync_kit import (
    SOURCE,
    Rig,
    edit,
    fault,
    halo,
    held_one,
    invoiced_in_xero,
    jump,
    linked,
    made_plan,
    operations,
    other_process,
    plans,
    policy,
    small,
    the_plan,
    writes,
)
from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import View
from xerotui.model.work import Operation, PlanState, State, Verb
from xerotui.store import Apart, Hint
from xerotui.sync import polling
from xerotui.sync.applying import apply
from xerotui.sync.plan import source_lane
from xerotui.sync.send_source import SourceSender

ALL = {"payments": True, "voids": True, "contacts": True, "invoices": True}


async def _apart(bench: Rig, what: str) -> list[Apart]:
    async with bench.wiring.ledger.read() as tx:
        return list((await bench.wiring.ledger.backs.page(tx, View(limit=500, fields={"what": what}))).rows)


async def _poll(bench: Rig) -> None:
    """What the worker does every quarter of an hour."""
    await polling.poll(bench.wiring.ports(), polling.Due(bench.tenants[0], False))
    await bench.work()


async def _back(bench: Rig) -> tuple[Any, list[Operation]]:
    """The plan of what goes back that waits, and its operations."""
    waiting = [p for p in await plans(bench) if p.options.get("back") and p.state is PlanState.READY]
    assert len(waiting) == 1, [(p.title, p.state) for p in await plans(bench)]
    return waiting[0], await operations(bench, plan=waiting[0].id)


async def _payments(bench: Rig, invoice: str) -> list[Decimal]:
    rows = await bench.control("halo", "/state/invoicepayment")
    return sorted(Decimal(str(r["amount"])) for r in rows if str(r["invoice_id"]) == invoice)


async def _paid(bench: Rig, tenant: str, invoice: str, **more: Any) -> str:
    made = await bench.control("xero", f"/payments/{tenant}", {"InvoiceID": invoice, **more})
    return str(made["PaymentID"])


async def _credited(bench: Rig, tenant: str, invoice: dict[str, Any]) -> None:
    """Somebody settles an invoice in Xero with a credit note."""
    own = {"InvoiceID", "UpdatedDateUTC", "InvoiceNumber", "DueDate", "TotalDiscount", "IsDiscounted"}
    own |= {"AmountPaid", "AmountCredited", "AmountDue"}
    note = {k: v for k, v in invoice.items() if k not in own}
    note |= {"Type": "ACCRECCREDIT", "CreditNoteNumber": "CN-1", "RemainingCredit": invoice["Total"], "Allocations": []}
    made = await bench.control("xero", f"/create/{tenant}/CreditNotes", note)
    ids = {"CreditNoteID": made["CreditNoteID"], "InvoiceID": invoice["InvoiceID"]}
    await bench.control("xero", f"/allocate/{tenant}", ids)


async def _invoices(bench: Rig) -> list[tuple[str, str]]:
    """Approved invoices of the first organisation: (source id, Xero id)."""
    found = [(r, x) for r, (t, x) in sorted((await linked(bench, Kind.INVOICE)).items()) if t == bench.tenants[0]]
    rows = {i: await held_one(bench, bench.tenants[0], "Invoices", InvoiceID=i) for _, i in found}
    return [(r, x) for r, x in found if rows[x]["Status"] == "AUTHORISED" and Decimal(str(rows[x]["Total"])) > 20]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are told apart by /proc")
async def test_what_happened_in_xero_comes_back_once(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        tenant = bench.tenants[0]
        await policy(bench, tenant, statuses={"invoice": "AUTHORISED"})
        await bench.sync()
        whole, part, credit, gone, *_ = await _invoices(bench)
        # Nothing comes back that nobody asked for, though it is shown.
        await _paid(bench, tenant, whole[1])
        await bench.control("xero", f"/void/{tenant}", {"InvoiceID": gone[1]})
        await invoiced_in_xero(bench, tenant, "BORN-1")
        before = len(await writes(bench, "halo"))
        plan = await made_plan(bench)
        assert not [o for o in await operations(bench, plan=plan.id) if o.side is Side.SOURCE]
        (voided,) = await _apart(bench, "voided")
        assert (voided.record, voided.xero) == (gone[0], "voided")
        assert "switch for voids is off" in voided.why
        assert [(r.title, r.xero_id != "") for r in await _apart(bench, "born") if r.title == "BORN-1"] == [
            ("BORN-1", True)
        ]
        # With the switches on: a poll brings the news, and a plan of it waits.
        await policy(bench, tenant, back=ALL)
        first = await _paid(bench, tenant, part[1], Amount=5)
        await _credited(bench, tenant, await held_one(bench, tenant, "Invoices", InvoiceID=credit[1]))
        await _poll(bench)
        assert (await the_plan(bench, plan.id)).state is PlanState.READY, "what somebody reads isn't pulled away"
        plan, found = await _back(bench)
        sorts = {(o.verb, o.record) for o in found}
        assert sorts == {(Verb.SETTLE, r) for r, _ in (whole, part, credit)} | {(Verb.VOID, gone[0])}
        (void,) = [o for o in found if o.verb is Verb.VOID]
        assert any("ready for invoicing" in c.after for c in void.changes)
        (warning,) = plan.warnings
        assert "go back to ready for invoicing" in warning
        (credited,) = [o for o in found if o.record == credit[0]]
        assert ("status", "settled by credit alone") in [(c.path, c.after) for c in credited.changes]
        assert credited.total == 0
        assert len(await writes(bench, "halo")) == before, "a plan writes nothing"
        # The same news again makes no other plan.
        await _poll(bench)
        assert (await _back(bench))[0].id == plan.id
        await _apply_killed(bench, plan, part[0])
        assert await _payments(bench, part[0]) == [5]
        total = Decimal(str((await halo(bench, "invoice", whole[0]))["total"]))
        assert await _payments(bench, whole[0]) == [total]
        assert await _payments(bench, credit[0]) == []
        assert (await halo(bench, "invoice", gone[0]))["voided"]
        assert await _apart(bench, "voided") == []
        # All of it is known at the source now; reading everything again changes nothing.
        done = len(await writes(bench, "halo"))
        await _poll(bench)
        await bench.done("plan", connection=SOURCE)
        assert not [o for o in await operations(bench, states=(State.PLANNED,)) if o.side is Side.SOURCE]
        await _reversed(bench, part, first)
        await _refused_once(bench, part)
        assert len(await writes(bench, "halo")) > done
        assert await bench.control("halo", "/violations") == []


async def _apply_killed(bench: Rig, plan: Any, record: str) -> None:
    """The worker dies after Halo took a payment and before that was written down; the next one finds it there."""
    ledger, ports = bench.wiring.ledger, bench.wiring.ports()
    await apply(ports, plan.id, plan.hash, "tester")
    lane = source_lane(SOURCE)
    with other_process() as (identity, process):
        async with ledger.write() as tx:
            fence = await ledger.lanes.take(tx, lane, identity, 60)
            await ledger.work.promote(tx, lane=lane)
            batch = await ledger.work.ready_batch(tx, lane, Kind.INVOICE, Verb.SETTLE, 50)
            batch = [o for o in batch if o.record == record]
            assert fence is not None
            sender = SourceSender(ports, lane, SOURCE)
            call = sender.form(batch)
            await ledger.work.open_call(tx, call, fence)
        assert (await sender.send(call, batch)).done
        process.kill()
        process.wait()
    await fault(bench, "halo", path="InvoicePayment", method="POST", do="cut_after", times=1)
    await jump(bench)
    await bench.work()
    left = await operations(bench, plan=plan.id)
    assert {o.state for o in left if o.verb is Verb.SETTLE} == {State.CONFIRMED}, [(o.state, o.error) for o in left]
    assert (await the_plan(bench, plan.id)).state is PlanState.DONE


async def _reversed(bench: Rig, part: tuple[str, str], payment: str) -> None:
    """A payment taken back in Xero opens the invoice at the source again."""
    await bench.control("xero", f"/unpay/{bench.tenants[0]}", {"PaymentID": payment})
    async with bench.wiring.ledger.write() as tx:
        await bench.wiring.ledger.inbox.add(tx, [Hint(tenant=bench.tenants[0], category="INVOICE", resource=part[1])])
    await bench.work()
    plan, (one,) = await _back(bench)
    # Told by the webhook and by the next poll as well: it is one plan.
    await _poll(bench)
    assert (await _back(bench))[0].id == plan.id
    assert [c.after for c in one.changes if c.path == "payment"] == ["taken back"]
    await bench.done("apply", plan=plan.id)
    assert await _payments(bench, part[0]) == [0]
    row = await halo(bench, "invoice", part[0])
    assert Decimal(str(row["amountdue"])) == Decimal(str(row["total"]))


async def _refused_once(bench: Rig, part: tuple[str, str]) -> None:
    """What the source refused isn't planned anew at every pass, but when it is tried again or Xero has other news."""
    await fault(bench, "halo", path="InvoicePayment", method="POST", do="status", status=400, times=1)
    await _paid(bench, bench.tenants[0], part[1], Amount=5)
    await _poll(bench)
    plan, (one,) = await _back(bench)
    await bench.done("apply", plan=plan.id)
    (one,) = await operations(bench, plan=plan.id)
    assert (one.record, one.state) == (part[0], State.PARKED)
    await _poll(bench)
    assert not [p for p in await plans(bench) if p.options.get("back") and p.state is PlanState.READY]
    await bench.done("plan", connection=SOURCE)
    assert not [o for o in await operations(bench, states=(State.PLANNED,)) if o.side is Side.SOURCE]
    await bench.done("retry", operation=one.id)
    assert await _payments(bench, part[0]) == [0, 5]


async def test_each_field_has_an_owner_and_a_person_takes_sides(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        tenant = bench.tenants[0]
        await policy(bench, tenant, back={"contacts": True}, owners={"contact.email": "xero"})
        await bench.sync()
        parties = sorted((await linked(bench, Kind.CUSTOMER)).items())
        record, xero_id = next((r, x) for r, (t, x) in parties if t == tenant)
        contact = f"/patch/{tenant}/Contacts/{xero_id}"
        phones = [{"PhoneType": "DEFAULT", "PhoneNumber": "999 1", "PhoneAreaCode": "", "PhoneCountryCode": ""}]
        bank = {"BankAccountNumber": "12-34-56 0001", "BankAccountName": "Main"}
        details = {"BankAccountDetails": "12-34-56 0001", "BatchPayments": bank}
        await bench.control("xero", contact, {"EmailAddress": "books@xero.example", "Phones": phones, **details})
        before = await halo(bench, "client", record)
        await _poll(bench)
        # What Xero owns goes back, what the source owns stays as it is and is told.
        plan, (one,) = await _back(bench)
        assert [(c.path, c.after) for c in one.changes] == [("email", "books@xero.example")]
        drifts = {r.field: r for r in await _apart(bench, "drift") if r.record == record}
        # It was linked, not made: the tax and the terms that Xero never had of it are no difference of anyone's making.
        assert set(drifts) == {"email", "phone"}
        assert (drifts["email"].owner, drifts["phone"].owner) == ("xero", "source")
        assert (drifts["phone"].xero, drifts["phone"].source) == ("999 1", before["main_phonenumber"])
        await bench.done("apply", plan=plan.id)
        after = await halo(bench, "client", record)
        assert after["accountsemailaddress"] == "books@xero.example"
        assert after["main_phonenumber"] == before["main_phonenumber"]
        # A change at the source of what Xero owns isn't sent; of another field it is.
        await edit(bench, "client", record, accountsemailaddress="mine@source.example", tax_number="GB1",
                   invoiceduedaysextraclient=21)  # fmt: skip
        plan = await made_plan(bench)
        mine = [o for o in await operations(bench, plan=plan.id) if o.record == record and o.kind is Kind.CUSTOMER]
        (sent,) = [o for o in mine if o.side is Side.XERO]
        assert [c.path for c in sent.changes] == ["tax_number", "terms.days"], (
            "never there is no edit that it collides with"
        )
        assert b"mine@source.example" not in sent.body
        # Of the phone a person takes the source's side, of another contact's name Xero's.
        about = {"connection": SOURCE, "tenant": tenant, "kind": "customer", "record": record}
        taken = await bench.done("take", **about, side="source", field="phone")
        assert (await the_plan(bench, plan.id)).state is PlanState.READY
        (send,) = [o for o in await operations(bench, plan=taken["plan"]) if o.side is Side.XERO]
        assert {"phone", "tax_number", "terms.days"} == {c.path for c in send.changes}, send.changes
        await bench.done("apply", plan=taken["plan"])
        now = await held_one(bench, tenant, "Contacts", ContactID=xero_id)
        assert "999 1" not in str(now["Phones"])
        assert now["EmailAddress"] == "books@xero.example"
        assert (await halo(bench, "client", record))["accountsemailaddress"] == "books@xero.example"
        # An update sends its own fields alone: what it left out was never there afterwards either.
        await bench.control("xero", contact, {"Website": "https://xero.example"})
        await _sides_of_a_name(bench, parties)
        await _sides_of_documents(bench)
        assert not [r for r in await _apart(bench, "drift") if r.record == record]
        now = await held_one(bench, tenant, "Contacts", ContactID=xero_id)
        assert (now["BankAccountDetails"], now["BatchPayments"]) == ("12-34-56 0001", bank), "bank details never change"


async def _sides_of_a_name(bench: Rig, parties: list[tuple[str, tuple[str, str]]]) -> None:
    """Xero's name is taken into the source although the source owns names."""
    tenant = bench.tenants[0]
    record, xero_id = [(r, x) for r, (t, x) in parties if t == tenant][1]
    await bench.control("xero", f"/patch/{tenant}/Contacts/{xero_id}", {"Name": "Renamed In Xero"})
    refused = await bench.ask("take", connection=SOURCE, tenant=tenant, kind="customer", record=record, side="xero",
                              field="email")  # fmt: skip
    assert "say the same" in refused.error
    args = {"connection": SOURCE, "tenant": tenant, "kind": "customer", "record": record, "side": "xero"}
    taken = await bench.done("take", **args, field="name")
    (op,) = await operations(bench, plan=taken["plan"])
    assert (op.side, op.verb) == (Side.SOURCE, Verb.UPDATE)
    await bench.done("apply", plan=taken["plan"])
    assert (await halo(bench, "client", record))["name"] == "Renamed In Xero"
    updates = [w for w in await writes(bench) if w["verb"] == "update"]
    plan = await made_plan(bench)
    assert record not in {o.record for o in await operations(bench, plan=plan.id) if o.kind is Kind.CUSTOMER}
    assert [w for w in await writes(bench) if w["verb"] == "update"] == updates


async def _sides_of_documents(bench: Rig) -> None:
    """Of two invoices that were changed on both sides one side each is taken."""
    tenant = bench.tenants[0]
    found = [(r, x) for r, (t, x) in sorted((await linked(bench, Kind.INVOICE)).items()) if t == tenant]
    (mine, mine_xero), (theirs, theirs_xero) = found[:2]
    for _, id in found[:2]:
        await bench.control("xero", f"/patch/{tenant}/Invoices/{id}", {"Reference": "By the bookkeeper"})
    await edit(bench, "invoice", mine, reference="From the source")
    await edit(bench, "invoice", theirs, reference="From the source too")
    plan = await made_plan(bench)
    assert plan.counts.get("conflict") == 2
    assert {r.record for r in await _apart(bench, "drift") if r.kind is Kind.INVOICE} == {mine, theirs}
    about = {"connection": SOURCE, "tenant": tenant, "kind": "invoice"}
    taken = await bench.done("take", **about, record=mine, side="source")
    await bench.done("apply", plan=taken["plan"])
    assert (await held_one(bench, tenant, "Invoices", InvoiceID=mine_xero))["Reference"] == "From the source"
    assert await bench.done("take", **about, record=theirs, side="xero") == {}
    plan = await made_plan(bench)
    assert not plan.counts.get("conflict")
    assert not [o for o in await operations(bench, plan=plan.id) if o.kind is Kind.INVOICE]
    assert not [r for r in await _apart(bench, "drift") if r.kind is Kind.INVOICE]
    assert (await held_one(bench, tenant, "Invoices", InvoiceID=theirs_xero))["Reference"] == "By the bookkeeper"
    # A further change at the source is a conflict again: the choice was about what was said then.
    await edit(bench, "invoice", theirs, reference="Once more")
    assert (await made_plan(bench)).counts.get("conflict") == 1
