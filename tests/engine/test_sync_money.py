"""What would cost money: documents that are in Xero already, contacts and codes claimed twice, quiet losses."""

import asyncio
from pathlib import Path
from typing import Any

from tests.engine.sync_kit import edit, made_plan, map_tax, operations, problems, small, writes
from tests.rig import SOURCE, Rig
from xerotui.model.kinds import Kind
from xerotui.model.work import RequestState, State, Verb


async def clean_invoices(bench: Rig) -> list[Any]:
    """British invoices that a plan would create, oldest first."""
    plan = await made_plan(bench)
    planned = await operations(bench, plan=plan.id, kind=Kind.INVOICE, verb=Verb.CREATE)
    return [o for o in planned if o.tenant == bench.tenants[0]]


async def codes(bench: Rig, record: str) -> set[str]:
    """The problems of an invoice."""
    return {p.code for p in await problems(bench, kind=Kind.INVOICE) if p.record.id == record}


async def test_an_invoice_that_the_source_says_is_in_xero_is_never_posted_again(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        invoice = (await clean_invoices(bench))[0]
        held = bench.world.tenants[0].documents[0].document_id
        await edit(bench, "invoice", invoice.record, xeroid=held)
        unknown = (await clean_invoices(bench))[1]
        await edit(bench, "invoice", unknown.record, xeroid="11111111-2222-3333-4444-555555555555")
        plan = await made_plan(bench)
        created = {o.record for o in await operations(bench, plan=plan.id, kind=Kind.INVOICE, verb=Verb.CREATE)}
        assert not created & {invoice.record, unknown.record}
        assert await codes(bench, invoice.record) == {"core.already_posted"}
        assert await codes(bench, unknown.record) == {"core.already_posted"}


async def test_two_customers_of_one_name_never_share_a_contact(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        tenant = bench.tenants[0]
        plan = await made_plan(bench)
        new = await operations(bench, plan=plan.id, kind=Kind.CUSTOMER, verb=Verb.CREATE)
        ids = {o.record for o in new if o.tenant == tenant}
        ids = set(sorted(ids)[:2])
        assert len(ids) == 2
        await bench.control("xero", f"/create/{tenant}/contacts", {"Name": "Acme Holdings"})
        for id in ids:
            await edit(bench, "client", id, name="Acme Holdings")
        plan = await made_plan(bench)
        assert not [o for o in await operations(bench, plan=plan.id, kind=Kind.CUSTOMER) if o.record in ids]
        found = await problems(bench, kind=Kind.CUSTOMER)
        assert {p.record.id for p in found if p.code == "core.contact_ambiguous"} >= ids


async def test_two_items_of_one_code_are_one_item_and_one_problem(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        items = await operations(bench, plan=plan.id, kind=Kind.ITEM, verb=Verb.CREATE)
        twins = [o for o in items if o.tenant == bench.tenants[0]][:2]
        for twin in twins:
            await edit(bench, "item", twin.record, accountsid="TWIN-1")
        plan = await made_plan(bench)
        planned = [
            o for o in await operations(bench, plan=plan.id, kind=Kind.ITEM) if o.record in {t.record for t in twins}
        ]
        assert len(planned) == 1
        assert [p.code for p in await problems(bench, code="core.duplicate_code")] == ["core.duplicate_code"]


async def test_a_currency_that_cannot_be_told_is_not_the_tenants_own(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        invoice = (await clean_invoices(bench))[0]
        await edit(bench, "invoice", invoice.record, currency_code=999)
        await made_plan(bench)
        assert await codes(bench, invoice.record) == {"core.currency_missing"}


async def test_tax_that_differs_stops_a_document_whose_total_agrees(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        invoice = (await clean_invoices(bench))[0]
        await edit(bench, "invoice", invoice.record, tax_total=0)
        await made_plan(bench)
        assert await codes(bench, invoice.record) == {"core.total_mismatch"}


async def test_a_document_that_no_organisation_claims_is_named(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        invoice = (await clean_invoices(bench))[0]
        customer = next(i.customer for i in bench.world.psa.invoices if str(i.id) == invoice.record)
        await edit(bench, "invoice", invoice.record, xero_tenant_id="")
        await edit(bench, "client", str(customer), xero_tenant_id="")
        await made_plan(bench)
        assert "core.tenant_missing" in await codes(bench, invoice.record)


async def test_a_link_is_only_made_with_what_both_sides_have(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        customer = next(c for c in bench.world.psa.customers if c.tenant == "uk")
        args = {"connection": SOURCE, "tenant": bench.tenants[0], "record": str(customer.id)}
        nowhere = await bench.ask("link", kind="customer", xero_id="no-such-id", **args)
        assert nowhere.state is RequestState.FAILED
        wrong = await bench.ask("link", kind="invoice", xero_id=bench.world.tenants[0].contacts[0].contact_id, **args)
        assert wrong.state is RequestState.FAILED
        assert await writes(bench) == []


async def test_what_was_voided_at_the_source_is_not_let_go_by_a_mapping(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        await bench.sync(follow=True)
        waiting = [p for p in await problems(bench, code="core.tax_unmapped") if p.record.kind is Kind.INVOICE]
        gone = waiting[0].record.id
        await edit(bench, "invoice", gone, voided=True)
        await map_tax(bench)
        await bench.work()
        created = await operations(bench, kind=Kind.INVOICE, verb=Verb.CREATE, record=gone)
        assert not [o for o in created if o.state in (State.CONFIRMED, State.VERIFIED)]
        assert gone not in {str(w["number"]) for w in await writes(bench)}


async def test_what_a_bookkeeper_changed_is_a_conflict_not_overwritten(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        await bench.sync()
        sent = (await operations(bench, kind=Kind.INVOICE, states=(State.VERIFIED,)))[0]
        state = await bench.control("xero", f"/state/{sent.tenant}/invoices")
        held = next(i for i in state if i["InvoiceID"] == sent.target)
        lines = [{**line, "AccountCode": "260"} if line.get("AccountCode") else line for line in held["LineItems"]]
        await bench.control("xero", f"/patch/{sent.tenant}/invoices/{sent.target}", {"LineItems": lines})
        await edit(bench, "invoice", sent.record, cust_order_number="Another reference")
        plan = await made_plan(bench)
        assert not [o for o in await operations(bench, plan=plan.id) if o.record == sent.record]
        assert "core.conflict" in await codes(bench, sent.record)


async def test_a_contact_linked_by_its_number_keeps_what_xero_says_until_the_source_changes_it(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        tenant = bench.tenants[0]
        customer = next(
            o for o in await customers(bench) if o.tenant == tenant and o.verb is Verb.CREATE and "[" not in o.title
        )
        number = next(c.account_number for c in bench.world.psa.customers if str(c.id) == customer.record)
        held = {
            "Name": "Quite Another Name",
            "AccountNumber": number,
            "EmailAddress": "old@example.test",
            "ContactStatus": "ACTIVE",
        }
        made = await bench.control("xero", f"/create/{tenant}/contacts", held)
        await bench.sync()
        await edit(bench, "client", customer.record, accountsemailaddress="new@example.test")
        plan = await made_plan(bench)
        update = next(o for o in await operations(bench, plan=plan.id, verb=Verb.UPDATE) if o.record == customer.record)
        assert [c.path for c in update.changes] == ["email"]
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        state = await bench.control("xero", f"/state/{tenant}/contacts")
        contact = next(c for c in state if c["ContactID"] == update.target)
        assert (contact["Name"], contact["EmailAddress"]) == ("Quite Another Name", "new@example.test")
        assert made
        assert not [p for p in await problems(bench) if p.code in ("core.conflict", "core.mismatch_after")]


async def customers(bench: Rig) -> list[Any]:
    """The customers that a plan would create or link."""
    return await operations(bench, plan=(await made_plan(bench)).id, kind=Kind.CUSTOMER)


async def test_what_a_run_waits_for_is_said(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        await bench.control("xero", "/faults", {"method": "PUT", "do": "cut_before"})
        working = asyncio.create_task(bench.ask("apply", plan=plan.id, hash=plan.hash))
        said: set[str] = set()
        for _ in range(200):
            await asyncio.sleep(0.05)
            async with bench.wiring.ledger.read() as tx:
                run = await bench.wiring.ledger.runs.of_plan(tx, plan.id)
            waiting = await operations(bench, plan=plan.id, states=(State.UNKNOWN, State.READY))
            said |= {o.error for o in waiting} | ({run.error} if run else set())
            if run and run.error:
                break
        assert any("Cut off" in words for words in said), said
        assert run is not None
        assert "Cut off" in run.error
        await bench.control("xero", "/faults", {"clear": True})
        await working
