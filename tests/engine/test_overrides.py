"""What people choose for one document, whose number it gets, whose rate; what is generated; one mail at a time."""

import dataclasses
import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.sync_kit import (
    asked,
    edit,
    fault,
    halo,
    held,
    held_one,
    made_plan,
    operations,
    plans,
    policy,
    problems,
    small,
    the_plan,
    writes,
)
from tests.rig import SOURCE, Rig
from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import View
from xerotui.model.postings import Change, DocumentPosting, decode
from xerotui.model.problems import RecordRef
from xerotui.model.records import Document, Party
from xerotui.model.work import Operation, RequestState, State, Verb
from xerotui.store import Pair, SourceConnection
from xerotui.sync import generating, lane, numbering, send_xero
from xerotui.sync.applying import Stale, apply
from xerotui.sync.findings import Findings
from xerotui.sync.import_plans import make_import
from xerotui.sync.pair import PairData, load
from xerotui.sync.planning import follow_up
from xerotui.sync.resolve_document import resolve_document
from xerotui.workspace.door import Workspace


async def planned(bench: Rig, plan: str) -> dict[str, Operation]:
    """The British invoices that a plan makes, by record."""
    found = await operations(bench, plan=plan, kind=Kind.INVOICE, verb=Verb.CREATE)
    return {o.record: o for o in found if o.tenant == bench.tenants[0]}


def posting(operation: Operation) -> DocumentPosting:
    """What an operation posts."""
    made = decode(operation.body)
    assert isinstance(made, DocumentPosting)
    return made


async def chosen(bench: Rig, record: str, **values: str) -> Any:
    """Choose for an invoice of the first organisation."""
    where = {"connection": SOURCE, "tenant": bench.tenants[0], "kind": "invoice", "record": record}
    return await bench.ask("override", **where, **values)


async def test_what_is_chosen_goes_before_everything_else(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        tenant = bench.tenants[0]
        await policy(bench, tenant, settle_minutes=0)
        before = await made_plan(bench)
        data = await load(bench.wiring.ports(), SOURCE, tenant)
        invoices = {id: data.documents[Kind.INVOICE, id] for id in await planned(bench, before.id)}
        one, two = [o for id, o in (await planned(bench, before.id)).items() if not invoices[id].plain][:2]
        labour = next(id for id, invoice in invoices.items() if invoice.plain)
        for id in (labour, two.record):
            change = {"xero_branding_theme_id": data.themes[-1].id, "recurring_invoice_id": 77}
            await edit(bench, "invoice", id, **change)
        before = await made_plan(bench)
        two = (await planned(bench, before.id))[two.record]
        was = posting(one)
        at = next(n for n, line in enumerate(was.lines) if not line.heading)
        theme, line = data.themes[-1], str(at + 1)
        used = ("", was.lines[at].account)
        other = next(a for a in data.accounts.values() if a.class_ == "REVENUE" and a.code not in used)
        assert (await chosen(bench, one.record, status="authorised", theme=theme.name, date="2026-12-01")).error == ""
        assert (await chosen(bench, one.record, line=line, account=other.code)).error == ""
        refused = await chosen(bench, one.record, number="MY-1")
        assert refused.state is RequestState.FAILED
        assert "--number-overrides" in refused.remedy
        assert "labour" in (await chosen(bench, labour, theme=theme.name)).error
        assert "template" in (await chosen(bench, one.record, status="DRAFT", template="1")).error
        assert (await chosen(bench, labour, status="SUBMITTED", template="1")).error == ""
        whole = (SOURCE, Kind.INVOICE, labour, tenant)
        space = Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)
        assert (await space.override_targets(*whole)).template == "-77"
        form = {f.name: f.default for f in await space.override_form(*whole, template=True)}
        assert form == {"status": "SUBMITTED"}, "a template has no date or number of its own, labour no theme"
        assert (await space.override_form(*whole))[0].default == "as it is"
        assert (await chosen(bench, one.record, theme="Nobody's")).state is RequestState.FAILED
        assert (await chosen(bench, one.record, line="99", tax="X")).state is RequestState.FAILED

        stale = await bench.ask("apply", plan=before.id)
        assert "what is chosen for invoice" in stale.error
        plan = await made_plan(bench)
        made = (await planned(bench, plan.id))[one.record]
        now = posting(made)
        assert (now.status, now.theme, now.date.isoformat()) == ("AUTHORISED", theme.id, "2026-12-01")
        assert now.lines[at].account == other.code
        assert was.date.isoformat() in now.reference
        assert now.due_date is not None
        assert now.due_date >= now.date
        assert made.rungs["theme"] == "override by tester"
        assert made.rungs[f"lines.{line}.account"] == "override by tester"
        assert "mails nothing" in made.rungs["status"]
        inherited = (await planned(bench, plan.id))[two.record]
        assert (posting(inherited).status, posting(inherited).theme) == ("SUBMITTED", theme.id)
        assert inherited.rungs["status"] == "override on its template by tester"
        assert posting((await planned(bench, plan.id))[labour]).theme == "", "labour has the contact's own"

        assert (await chosen(bench, one.record, clear="1", line=line)).answer["changes"] == "1"
        assert (await chosen(bench, one.record, theme="-")).answer["changes"] == "1"
        plan = await made_plan(bench)
        now = posting((await planned(bench, plan.id))[one.record])
        assert (now.theme, now.lines[at].account) == (was.theme, was.lines[at].account)
        await bench.done("apply", plan=plan.id)
        held = await held_one(bench, tenant, "Invoices", InvoiceNumber=now.number)
        assert held["Status"] == "AUTHORISED"
        await _mails(bench, one.record, two.record)
        async with bench.wiring.ledger.read() as tx:
            said = [e for e in await bench.wiring.ledger.audit.list(tx, 300) if e.action == "chose"]
        assert len(said) == 5
        assert said[-1].actor == "tester"


async def _mails(bench: Rig, record: str, draft: str) -> None:
    """Xero mails at a person's word alone, and never twice unseen, whatever becomes of the answers."""
    where = {"connection": SOURCE, "tenant": bench.tenants[0]}

    async def sent() -> int:
        return len([w for w in await writes(bench) if w["kind"] == "email"])

    assert await sent() == 0, "AUTHORISED mails nothing"
    assert "submitted" in (await bench.ask("mail", record=draft, **where)).error
    await fault(bench, method="POST", path="/Email", do="cut_after", times=1)
    await bench.done("mail", record=record, **where)
    assert await sent() == 1, "the same request under the same key"
    assert "was mailed from here" in (await bench.ask("mail", record=record, **where)).error
    await fault(bench, method="POST", path="/Email", do="cut_after", times=2)
    assert "Nobody can tell" in (await bench.ask("mail", record=record, again="1", **where)).error
    assert "may have been mailed" in (await bench.ask("mail", record=record, **where)).error
    assert await sent() == 2


def _rates(data: PairData, invoice: Operation) -> None:
    """Whose rate a foreign document gets, and what it comes to."""
    usd = msgspec.structs.replace(
        data.documents[Kind.INVOICE, invoice.record], currency="USD", currency_rate=Decimal("1.25")
    )
    ref = RecordRef(connection=SOURCE, kind=Kind.INVOICE, id=usd.id, title=usd.number, tenant=data.tenant)
    for whose, base, rate, words in (
        ("source", "", Decimal("1.25"), "GBP at 1.25 USD for 1 GBP"),
        ("source", "GBP", Decimal("1.25"), "GBP at 1.25 USD for 1 GBP"),
        ("source", "AUD", None, "Xero's rate of the day"),
        ("xero", "", None, "Xero's rate of the day"),
    ):
        usd = msgspec.structs.replace(usd, rate_base=base)
        pair = msgspec.structs.replace(data.policy, rate=whose)
        found = Findings(ref)
        resolve_document(dataclasses.replace(data, policy=pair, currencies=frozenset({"USD"})), usd, found, {}, {})
        made = found.posting
        assert isinstance(made, DocumentPosting)
        assert made.currency_rate == rate
        assert words in found.rungs["total"]
        if rate:
            assert found.rungs["total"].startswith(f"{(made.total / rate).quantize(Decimal('0.01'), ROUND_HALF_UP)} ")
        assert not [p for p in found.problems if p.code == "core.currency_missing"]


async def test_numbers_by_template_and_by_xero_and_another_date_out_of_a_locked_period(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(lane, "PATIENCE", (0.0, 0.1))
    async with small(tmp_path) as bench:
        tenant = bench.tenants[0]
        await policy(bench, tenant, numbers={"invoice": "HP-{number}", "purchase_order": "xero"}, number_overrides=True)
        plan = await made_plan(bench)
        one, two = list((await planned(bench, plan.id)).values())[:2]
        assert posting(one).number == f"HP-{one.title}"
        assert one.rungs["number"] == "template HP-{number}"
        locked = next(p for p in await problems(bench, code="core.period_locked") if p.record.tenant == tenant)
        data = await load(bench.wiring.ports(), SOURCE, tenant)
        _rates(data, one)
        kept = {
            x.item for id in (one.record, two.record, locked.record.id) for x in data.documents[Kind.INVOICE, id].lines
        }
        foreign, lost = next(
            (line.item, id)
            for id in await planned(bench, plan.id)
            for line in data.documents[Kind.INVOICE, id].lines
            if line.item and line.item not in kept and not line.keys
        )
        await edit(bench, "item", foreign, xero_tenant_id=bench.tenants[1])
        assert (await chosen(bench, locked.record.id, date="2026-12-01")).answer["plan"], "it goes into a follow-up"
        await chosen(bench, one.record, number=posting(two).number)
        plan = await made_plan(bench)
        said = [p.sentence for p in await problems(bench, code="core.item_unmapped") if p.record.id == lost]
        assert any("belongs to another organisation" in sentence for sentence in said), "H30"
        assert {p.record.id for p in await problems(bench, code="core.duplicate_number")} >= {one.record, two.record}
        await chosen(bench, one.record, number="MY-1")

        plan = await made_plan(bench)
        orders = await operations(bench, plan=plan.id, kind=Kind.PURCHASE_ORDER, verb=Verb.CREATE, tenant=tenant)
        assert len(orders) > 1
        assert {posting(o).number for o in orders} == {""}
        # One answer is lost after the order was made; the key has lapsed when it is looked for.
        await fault(bench, method="PUT", path="/PurchaseOrders", do="cut_after", times=1)
        monkeypatch.setattr(send_xero, "KEY_LIFE", dt.timedelta(0))
        await bench.done("apply", plan=plan.id)
        calls = await asked(bench, "PUT", "/PurchaseOrders")
        assert len([c for c in calls if c.get("tenant", tenant) == tenant]) >= len(orders)
        new = {w["id"] for w in await writes(bench) if w["verb"] == "create"}
        there = [o for o in await held(bench, tenant, "PurchaseOrders") if o["PurchaseOrderID"] in new]
        numbers = {str(o["PurchaseOrderNumber"]) for o in there}
        assert len(there) == len(numbers) == len(orders), "none twice, none lost"
        made = [await halo(bench, "purchaseorder", o.record) for o in orders]
        assert {row["xero_id"] for row in made} == {o["PurchaseOrderID"] for o in there}
        assert (await held_one(bench, tenant, "Invoices", InvoiceNumber="MY-1"))["Status"] == "DRAFT"
        assert (await halo(bench, "invoice", two.record))["thirdpartyinvoicenumber"] == f"HP-{two.title}"
        late = await held_one(bench, tenant, "Invoices", InvoiceNumber=f"HP-{locked.record.title}")
        assert "2026-12-01" in str(late["Date"])
        assert "(dated " in late["Reference"] or late["Reference"].startswith("(dated")

        again = await made_plan(bench)
        assert await operations(bench, plan=again.id) == [], "numbers stay as they are in Xero"
        await policy(bench, tenant, numbers={"invoice": "X-{number}", "purchase_order": "xero"}, number_overrides=True)
        again = await made_plan(bench)
        assert await operations(bench, plan=again.id) == [], "another template is for new documents"
        async with bench.wiring.book.edit() as db:
            db.put_source(SourceConnection(id="other", name="Other", source="halo"))
            db.put_pair(Pair(source="other", tenant=tenant, numbers={"invoice": "X-{number}"}))
        met = numbering.collisions(await bench.wiring.book.read())
        assert {(c.kind, c.connections) for c in met} == {(Kind.INVOICE, (SOURCE, "other"))} | {
            (Kind.CREDIT_NOTE, (SOURCE, "other"))
        }


async def test_numbers_are_made_written_to_the_source_and_let_go_what_waited(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        tenant = bench.tenants[0]
        await bench.control("halo", "/create/client", {"name": "Ourselves", "xero_tenant_id": tenant})
        plan = await made_plan(bench)
        async with bench.wiring.ledger.read() as tx:
            rows = await bench.wiring.ledger.plans.blocked(tx, plan.id)
        (left,) = [r for r in rows if r.record.title == "Ourselves"]
        assert (left.code, "nothing is billed to it" in left.sentence) == ("core.excluded", True)
        assert not [p for p in await problems(bench, kind=Kind.CUSTOMER) if p.record.title == "Ourselves"]
        item = (await operations(bench, plan=plan.id, kind=Kind.ITEM, verb=Verb.CREATE, tenant=tenant))[0]
        missing = [p for p in await problems(bench, code="core.account_number_missing") if p.record.tenant == tenant]
        who = next(p.record for p in missing if p.record.kind is Kind.CUSTOMER)
        asked_for = {"connection": SOURCE, "tenant": tenant, "kind": "customer", "numbers": "1"}
        assert "No template" in (await bench.ask("import", **asked_for)).error
        # The first of the template is taken by an archived contact of Xero's, the second by another customer.
        letters = "".join(c for c in who.title.upper() if c.isalnum())[:3]
        like = next(c for c in await held(bench, tenant, "Contacts") if c["ContactStatus"] == "ACTIVE")
        copy = {k: v for k, v in like.items() if k not in ("ContactID", "UpdatedDateUTC")}
        copy |= {"Name": "Gone Ltd", "AccountNumber": f"{letters}0001", "ContactStatus": "ARCHIVED"}
        await bench.control("xero", f"/create/{tenant}/Contacts", copy)
        other = next(c for c in await bench.control("halo", "/state/client") if str(c["id"]) != who.id)
        await edit(bench, "client", other["id"], accountsid=f"{letters}0002".lower())
        await policy(bench, tenant, generate={"customer": "{name3}{n:04}"})
        plan = await the_plan(bench, (await bench.done("import", **asked_for))["plan"])
        (made,) = await operations(bench, plan=plan.id, record=who.id)
        assert (made.side, made.verb, made.changes) == (
            Side.SOURCE,
            Verb.UPDATE,
            (Change("number", "", f"{letters}0003"),),
        )
        space = Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)
        shown = {row.id: row.reason for row in (await space.plan_rows(plan.id, View(limit=50))).rows}
        assert shown[made.id] == f"number {letters}0003"
        assert (await halo(bench, "client", who.id))["accountsid"] == ""
        # The answer to the write is lost: what became of it is read, and nothing is written a second time.
        await fault(bench, "halo", method="POST", path="(?i)/api/client$", do="cut_after", times=1)
        await bench.done("apply", plan=plan.id)
        assert (await halo(bench, "client", who.id))["accountsid"] == f"{letters}0003"
        assert len([w for w in await writes(bench, "halo") if w["verb"] == "update" and str(w["id"]) == who.id]) == 1
        assert not [p for p in await problems(bench, code="core.account_number_missing") if p.record.id == who.id]
        (waited,) = [p for p in await plans(bench) if p.follows or "Follow-up" in p.title]
        assert who.id in {o.record for o in await operations(bench, plan=waited.id, kind=Kind.CUSTOMER)}

        await _codes(bench, tenant, item)

        # Each plan makes them, by the source's own series.
        await edit(bench, "client", who.id, accountsid="")
        await policy(bench, tenant, generate={"customer": "source"}, generate_unasked=True)
        plan = await made_plan(bench)
        found = await operations(bench, plan=plan.id, side=Side.SOURCE, verb=Verb.UPDATE, tenant=tenant)
        assert {c.path for o in found for c in o.changes} == {"number"}
        assert who.id in {o.record for o in found}
        await bench.done("apply", plan=plan.id, follow="1")
        number = (await halo(bench, "client", who.id))["accountsid"]
        assert number
        assert await held_one(bench, tenant, "Contacts", AccountNumber=number)
        await _at_once(bench, who.id)


async def _at_once(bench: Rig, one: str) -> None:
    """Follow-ups of two organisations that are made at once promise no number twice, and none makes the other stale."""
    async with bench.wiring.ledger.read() as tx:
        documents = await bench.wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.INVOICE)
        customers = await bench.wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.CUSTOMER)
    billed = {d.party for d in documents if isinstance(d, Document) and not d.excluded}
    other = next(
        c.id for c in customers if isinstance(c, Party) and c.tenant == bench.tenants[1] and c.active and c.id in billed
    )
    for id in (one, other):
        await edit(bench, "client", id, accountsid="")
    for tenant in bench.tenants:
        await policy(bench, tenant, generate={}, generate_unasked=False)
    await made_plan(bench)
    for tenant in bench.tenants:
        await policy(bench, tenant, generate={"customer": "Z{n:04}"}, generate_unasked=True)
    ports = bench.wiring.ports()
    made = [await follow_up(ports, SOURCE, tenant, "tester") for tenant in bench.tenants]
    for plan in filter(None, made[::-1]):
        await apply(ports, plan.id, plan.hash, "tester")
    await bench.work()
    given = [(await halo(bench, "client", id))["accountsid"] for id in (one, other)]
    assert set(given) <= {f"Z{n:04}" for n in range(1, 6)}
    assert given[0] != given[1]
    await _asked_at_once(bench, one, other)


async def _asked_at_once(bench: Rig, one: str, other: str) -> None:
    """Nor do those that a person asks for: neither what waits for approval nor what is on its way is given again."""
    british, australian = bench.tenants
    ports = bench.wiring.ports()
    for id in (one, other):
        await edit(bench, "client", id, accountsid="")
    for tenant in bench.tenants:
        await policy(bench, tenant, generate={"customer": "Y{n:04}"}, generate_unasked=tenant == british)
    asked = {"kind": "customer", "numbers": "1"}
    theirs = await make_import(ports, SOURCE, australian, asked, "tester")
    mine = await make_import(ports, SOURCE, british, asked, "tester")
    given = {o.record: o.changes[0].after for p in (theirs, mine) for o in await operations(bench, plan=p.id)}
    assert {one, other} <= given.keys()
    assert len(set(given.values())) == len(given)
    # What a sync plan gives leaves for the source first: a plan with the same number is out of date.
    whole = await made_plan(bench)
    (number,) = [o.changes[0].after for o in await operations(bench, plan=whole.id, record=one, verb=Verb.UPDATE)]
    assert number == given[other]
    await apply(ports, whole.id, whole.hash, "tester")
    with pytest.raises(Stale):
        await apply(ports, theirs.id, theirs.hash, "tester")
    with pytest.raises(Stale, match="needn't go"):
        await apply(ports, mine.id, mine.hash, "tester")


async def _codes(bench: Rig, tenant: str, one: Operation) -> None:
    """An item without a code isn't synced until one is made, written to the source and then sent (H27)."""
    await policy(bench, tenant, generate={"item": "NEW-{n:03}"})
    await edit(bench, "item", one.record, accountsid="")
    plan = await made_plan(bench)
    assert not await operations(bench, plan=plan.id, kind=Kind.ITEM, record=one.record)
    lacking = [p for p in await problems(bench, code="core.item_incomplete") if p.record.id == one.record]
    assert [p for p in lacking if "has no code" in p.sentence], "without a code it isn't synced"
    args = {"connection": SOURCE, "tenant": tenant, "kind": "item", "numbers": "1"}
    plan = await the_plan(bench, (await bench.done("import", **args))["plan"])
    (made,) = await operations(bench, plan=plan.id, record=one.record)
    assert (made.side, made.verb, made.changes) == (Side.SOURCE, Verb.UPDATE, (Change("code", "", "NEW-001"),))
    assert (await halo(bench, "item", one.record))["accountsid"] == ""
    await bench.done("apply", plan=plan.id)
    assert (await halo(bench, "item", one.record))["accountsid"] == "NEW-001"
    assert not [p for p in await problems(bench, code="core.item_incomplete") if p.record.id == one.record]
    waited = await operations(bench, kind=Kind.ITEM, verb=Verb.CREATE, record=one.record, states=(State.PLANNED,))
    assert [getattr(decode(o.body), "code", "") for o in waited] == ["NEW-001"], "it goes into a follow-up"


def test_templates_of_numbers() -> None:
    used = {"abc0001", "x-7"}
    assert generating.made("{name3}{n:04}", "A-b c Ltd", "7", used) == "ABC0002"
    assert generating.made("X-{id}", "A", "7", used) == ""
    assert generating.following("C0007", {"c0007", "c0008"}) == "C0009"
    assert [bool(generating.fault(t)) for t in ("{name3}", "A{n}", "{n:04}-{x}", "{id}")] == [True, False, True, False]
