"""Customers and suppliers that became inactive: listed, archived in Xero by choice, refused while they are needed."""

from pathlib import Path

import pytest

from tests.engine.sync_kit import (
    SOURCE,
    Rig,
    all_well,
    edit,
    held,
    held_one,
    invoiced_in_xero,
    linked,
    made_plan,
    operations,
    policy,
    problems,
    small,
    writes,
)
from xerotui.model.kinds import Kind, Side
from xerotui.model.work import Operation, State, Verb
from xerotui.sync import archiving, current


async def _row(bench: Rig, plan: str, record: str) -> tuple[str, str]:
    async with bench.wiring.ledger.read() as tx:
        rows = await bench.wiring.ledger.plans.blocked(tx, plan)
    (row,) = [b for b in rows if b.record.id == record and b.record.kind is Kind.CUSTOMER]
    return row.code, row.sentence


async def _late(bench: Rig, operation: Operation) -> dict[str, str]:
    async with bench.wiring.ledger.read() as tx:
        return await current.outdated(bench.wiring.ports(), tx, [operation], {})


async def test_an_inactive_customer_is_archived_where_the_switch_says_so_unless_it_owes(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60, scale=0.02) as bench:
        tenant = bench.tenants[0]
        contacts = [c for c in await held(bench, tenant, "Contacts") if c["ContactStatus"] == "ACTIVE"]
        like = {k: v for k, v in contacts[0].items() if k not in ("ContactID", "UpdatedDateUTC")}
        contact = await bench.control(
            "xero", f"/create/{tenant}/Contacts", {**like, "Name": "Leaving Ltd", "AccountNumber": "LEAVES"}
        )
        names = {"name": "Leaving Ltd", "accountsid": "LEAVES", "xero_tenant_id": tenant}
        one = str((await bench.control("halo", "/create/client", names))["id"])
        await bench.done("refresh", connection=SOURCE, tenant=tenant)
        asked = {"connection": SOURCE, "tenant": tenant, "kind": "customer", "record": one}
        await bench.done("link", **asked, xero_id=contact["ContactID"])
        await edit(bench, "client", one, inactive=True)
        plan = await made_plan(bench)
        assert (await _row(bench, plan.id, one))[0] == "core.inactive"
        assert await operations(bench, plan=plan.id, verb=Verb.ARCHIVE) == []
        await policy(bench, tenant, archive_inactive=True)
        await invoiced_in_xero(bench, tenant, "OWED-1")
        owed = await held_one(bench, tenant, "Invoices", InvoiceNumber="OWED-1")
        at = f"/patch/{tenant}/Invoices/{owed['InvoiceID']}"
        await bench.control("xero", at, {"Contact": {"ContactID": contact["ContactID"]}, "Status": "DRAFT"})
        plan = await made_plan(bench)
        code, sentence = await _row(bench, plan.id, one)
        assert (code, "open in Xero" in sentence) == ("core.archive_refused", True)
        await bench.control("xero", at, {"Status": "DELETED"})
        plan = await made_plan(bench)
        (archive,) = await operations(bench, plan=plan.id, verb=Verb.ARCHIVE)
        assert (archive.record, archive.target, archive.side) == (one, contact["ContactID"], Side.XERO)
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        assert (await held_one(bench, tenant, "Contacts", ContactID=contact["ContactID"]))[
            "ContactStatus"
        ] == "ARCHIVED"


@pytest.mark.soak
async def test_inactive_customers_are_archived_by_choice_and_never_while_they_are_needed(tmp_path: Path) -> None:
    async with small(tmp_path, rate=10, scale=0.02) as bench:
        await bench.sync()
        tenant = bench.tenants[0]
        invoices = [i for i in await held(bench, tenant, "Invoices") if i["Type"] == "ACCREC"]
        rows = await bench.control("halo", "/state/invoice")
        sent = {r["client_id"] for r in rows} - {r["client_id"] for r in rows if r["id"] > 0 and not r["xeroid"]}
        mine = {r: x for r, (t, x) in sorted((await linked(bench, Kind.CUSTOMER)).items()) if t == tenant}
        billed = {r: [i for i in invoices if i["Contact"]["ContactID"] == x] for r, x in mine.items() if int(r) in sent}
        free, *_, needed = sorted((r for r in billed if billed[r]), key=lambda r: len(billed[r]))
        waits = [p.record for p in await problems(bench, kind=Kind.INVOICE) if p.blocks]
        await edit(bench, "client", free, inactive=True)
        await edit(bench, "client", needed, inactive=True)

        # Without the switch it is only told.
        plan = await made_plan(bench)
        assert await _row(bench, plan.id, free) == (
            "core.inactive",
            "inactive at the source; its contact stays as it is in Xero, as the switch for that is off",
        )
        assert await operations(bench, plan=plan.id, verb=Verb.ARCHIVE) == []

        # With it, not while something is due.
        await policy(bench, tenant, archive_inactive=True)
        plan = await made_plan(bench)
        assert await operations(bench, plan=plan.id) == []
        code, sentence = await _row(bench, plan.id, free)
        assert (code, "open in Xero" in sentence) == ("core.archive_refused", True)
        for invoice in billed[free]:
            await bench.control("xero", f"/patch/{tenant}/Invoices/{invoice['InvoiceID']}", {"Status": "AUTHORISED"})
            await bench.control("xero", f"/payments/{tenant}", {"InvoiceID": invoice["InvoiceID"]})
        plan = await made_plan(bench)
        (archive,) = await operations(bench, plan=plan.id, verb=Verb.ARCHIVE)
        assert (archive.record, archive.target, archive.side) == (free, mine[free], Side.XERO)
        assert "can't bring it back" in archive.rungs["status"]
        assert (await _row(bench, plan.id, needed))[0] == "core.archive_refused"

        # What was approved long ago is judged once more before it leaves: by the customer, and by what needs it.
        ports = bench.wiring.ports()
        assert await _late(bench, archive) == await archiving.needed(ports, [archive]) == {}
        await edit(bench, "client", free, inactive=False)
        draft = {k: v for k, v in billed[free][0].items() if k not in ("InvoiceID", "UpdatedDateUTC", "Payments")}
        made = {**draft, "InvoiceNumber": "LATE-1", "Status": "DRAFT"}
        await bench.control("xero", f"/create/{tenant}/Invoices", made)
        await made_plan(bench)
        assert await _late(bench, archive) == {archive.id: current.CHANGED}
        assert "open in Xero" in (await archiving.needed(ports, [archive]))[archive.id]
        late = await held_one(bench, tenant, "Invoices", InvoiceNumber="LATE-1")
        await bench.control("xero", f"/patch/{tenant}/Invoices/{late['InvoiceID']}", {"Status": "DELETED"})
        await edit(bench, "client", free, inactive=True)
        plan = await made_plan(bench)

        await bench.done("apply", plan=plan.id, hash=plan.hash)
        assert (await held_one(bench, tenant, "Contacts", ContactID=mine[free]))["ContactStatus"] == "ARCHIVED"
        assert (await held_one(bench, tenant, "Contacts", ContactID=mine[needed]))["ContactStatus"] == "ACTIVE"
        assert (await operations(bench, plan=plan.id, verb=Verb.ARCHIVE))[0].state is State.VERIFIED

        # Archived and inactive is as it should be: nothing more is done or said, and what was sent is no worse.
        before = len(await writes(bench))
        again = await made_plan(bench)
        assert await operations(bench, plan=again.id) == []
        assert [p.code for p in await problems(bench, kind=Kind.CUSTOMER) if p.record.id == free] == []
        assert [p.record for p in await problems(bench, kind=Kind.INVOICE) if p.blocks] == waits
        # Active again at the source it says that the contact is archived in Xero.
        await edit(bench, "client", free, inactive=False)
        await made_plan(bench)
        codes = [p.code for p in await problems(bench, kind=Kind.CUSTOMER) if p.record.id == free]
        assert codes == ["core.contact_archived"]
        assert len(await writes(bench)) == before
        await all_well(bench)
