"""The Halo source reads the emulator over real HTTP: what it reads, cursors, guards, the login."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from halo_bench import GUID, UK, WORLD, Bench, running

from xerotui.model.kinds import Kind
from xerotui.model.money import PricedLine, totals
from xerotui.model.records import Address, Document, Item, Party, TaxRate, Terms, fingerprint
from xerotui.source.contract import Attachment, Gone, SourceLocked, SourceRefused, SourceUnreachable
from xerotui_halo.source import HaloSource


@pytest.fixture
async def halo(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path) as bench:
        yield bench


# ------------------------------------------------------------------------------------------------ reading


async def test_what_is_read_is_what_the_world_holds(halo: Bench) -> None:
    got = {kind: (await halo.pull(kind))[0] for kind in HaloSource.kinds}
    psa = WORLD.psa
    assert {int(i) for i in got[Kind.CUSTOMER]} == {c.id for c in psa.customers}
    assert {int(i) for i in got[Kind.SUPPLIER]} == {s.id for s in psa.suppliers}
    assert {int(i) for i in got[Kind.ITEM]} == {i.id for i in psa.items}
    assert {int(i) for i in got[Kind.INVOICE]} == {i.id for i in psa.invoices if i.kind == "invoice"}
    assert {int(i) for i in got[Kind.PURCHASE_ORDER]} == {o.id for o in psa.purchase_orders}
    _taxes(got[Kind.TAX_RATE])
    _parties(got[Kind.CUSTOMER], got[Kind.SUPPLIER])
    _items(got[Kind.ITEM])
    _documents(got[Kind.INVOICE], got[Kind.PURCHASE_ORDER])
    assert halo.violations == []
    assert sum(halo.calls.values()) < 50 + len(psa.customers) + len(psa.purchase_orders), halo.calls
    assert "GET /api/Invoice/#" not in halo.calls, "invoices come with their lines, a hundred to a page"


def _taxes(got: dict[str, TaxRate]) -> None:
    for tax in WORLD.psa.taxes:
        mine = got[str(tax.id)]
        tenant = WORLD.tenant(tax.tenant).tenant_id if tax.tenant else ""
        assert (mine.name, mine.rate, mine.linked_code, mine.tenant) == (tax.name, tax.rate, tax.tax_type, tenant)


def _parties(customers: dict[str, Party], suppliers: dict[str, Party]) -> None:
    rules = ("DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFFOLLOWINGMONTH", "OFCURRENTMONTH")
    codes = {c.id: c.code for c in WORLD.psa.currencies}
    for c in WORLD.psa.customers:
        mine = customers[str(c.id)]
        assert (mine.number, mine.email, mine.active) == (c.account_number, c.email, c.active)
        assert mine.name == c.name.strip(), "hostile names come as they are"
        assert (mine.sales_tax, mine.purchase_tax) == (str(c.sales_tax), str(c.purchase_tax))
        assert mine.terms == Terms(c.due_days, rules[c.due_type])
        assert mine.currency == codes[c.currency]
        place = c.address
        lines = tuple(line for line in (place.line1, place.line2) if line)
        assert mine.address == Address(lines, place.city, place.region, place.postcode, place.country)
    for s in WORLD.psa.suppliers:
        mine = suppliers[str(s.id)]
        assert (mine.number, mine.email, mine.purchase_tax) == (s.account_number, s.email, str(s.purchase_tax))
        assert f"{mine.first_name} {mine.last_name}" == s.contact_name


def _items(got: dict[str, Item]) -> None:
    for item in WORLD.psa.items:
        mine = got[str(item.id)]
        assert (mine.code, mine.name, mine.sales_price) == (item.code, item.name, item.price)
        assert (mine.sales_account, mine.purchase_account) == (item.sales_account, item.purchase_account)
        assert mine.parent == (str(item.parent) if item.parent else "")
        assert mine.sales_tax == (str(item.sales_tax) if item.sales_tax else "")


def _documents(invoices: dict[str, Document], orders: dict[str, Document]) -> None:
    penny = {t.id for t in WORLD.trouble if t.kind == "total_mismatch"}
    rates = {t.id: t.rate for t in WORLD.psa.taxes}
    originals = [i for i in WORLD.psa.invoices if i.kind == "invoice"]
    everything: list[Any] = [*originals, *WORLD.psa.purchase_orders]
    for theirs in everything:
        order = hasattr(theirs, "delivery_date")
        mine = (orders if order else invoices)[str(theirs.id)]
        assert (mine.number, mine.date, mine.total, mine.tax) == (theirs.number, theirs.date, theirs.total, theirs.tax)
        assert len(mine.lines) == len(theirs.lines)
        for line, other in zip(mine.lines, theirs.lines, strict=True):
            assert (line.quantity, line.unit_price, line.discount_percent) == (
                other.quantity,
                other.unit_price,
                other.discount,
            )
            assert line.heading == (other.kind == "text")
            assert line.tax_rate == (str(other.tax) if other.tax else "")
            assert (line.item_code, line.account) == (other.code, other.account)
            # Of charge type 1 Halo stores a zero, which an empty field holds as well.
            labour = str(other.charge_rate) if other.charge_rate > 1 else ""
            assert line.keys.get("charge_rate", "") == labour
        priced = [
            PricedLine(
                quantity=x.quantity,
                unit_amount=x.unit_price,
                discount_percent=x.discount_percent,
                tax_percent=rates.get(int(x.tax_rate or 0), Decimal(0)),
            )
            for x in mine.lines
            if not x.heading
        ]
        predicted = totals(priced, mine.amounts, mine.currency).total
        assert (predicted == mine.total) == (theirs.id not in penny or order)


async def test_a_record_reads_the_same_from_a_list_and_singly(halo: Bench) -> None:
    for changed in ({}, {"item_details": "yes"}):
        halo.source = halo.make(**changed)
        for kind in HaloSource.kinds:
            records = (await halo.pull(kind))[0]
            for record in list(records.values())[:: max(1, len(records) // 6)]:
                assert fingerprint(await halo.source.get(kind, record.id)) == fingerprint(record)
    items = (await halo.pull(Kind.ITEM))[0]
    assert sum(bool(i.purchase_description) for i in items.values()) == sum(not i.parent for i in WORLD.psa.items)


async def test_what_never_syncs_says_why(halo: Bench) -> None:
    store = halo.emulator.store
    plain = [i for i in WORLD.psa.invoices if i.kind == "invoice" and i.state == "open"]
    credit, negative, ours, theirs, barred = (i.id for i in plain[:5])
    store.edit("invoice", credit, {"creditlinkedtoinvoiceid": 7})
    store.edit("invoice", negative, {"total": Decimal("-5.00")})
    store.edit("invoice", ours, {"dont_sync_to_3rd_party": True, "xeroid": GUID})
    store.edit("invoice", theirs, {"dont_sync_to_3rd_party": True})
    customer = next(i.customer for i in plain if i.id == barred)
    store.edit("client", customer, {"excludefrominvoicesync": True})
    # Whether Halo lists templates among its invoices is documented nowhere.
    store.load("invoice", dict(next(iter(store.tables["recurringinvoice"].rows.values()))))
    got, _, pages = await halo.pull(Kind.INVOICE)
    said = {id: record.excluded or record.unfinished for id, record in got.items()}
    credits = (await halo.pull(Kind.CREDIT_NOTE))[0]
    assert {str(credit), str(negative)} == set(credits), "credits are no invoices"
    assert {str(credit), str(negative)}.isdisjoint(got)
    assert said[str(ours)] == ""
    assert got[str(ours)].xero_id == GUID
    assert "isn't synced" in said[str(theirs)]
    assert "keeps the invoices of" in said[str(barred)]
    states = {i.state: said[str(i.id)] for i in WORLD.psa.invoices if i.state != "open"}
    assert states == {
        "voided": "voided in Halo",
        "hidden": "hidden in Halo",
        "unapproved": "waits for approval in Halo",
    }
    assert not any(int(id) < 0 for id in got), "templates never come"
    assert [skip for page in pages for skip in page.skipped] == [], "nor are they documents that can't be read"
    bill = next(i for i in WORLD.psa.invoices if i.kind == "bill")
    assert "bill" in (await halo.source.get(Kind.INVOICE, str(bill.id))).excluded
    orders = (await halo.pull(Kind.PURCHASE_ORDER))[0].values()
    assert Counter(o.unfinished for o in orders if o.unfinished) == {"waits for approval in Halo": 1}


async def test_order_lines_whose_amounts_are_hidden(halo: Bench) -> None:
    await halo.control("switches", {"hidden_order_fields": True})
    order = WORLD.psa.purchase_orders[0]
    halo.emulator.store.edit("purchaseorder", order.id, {"carriage_price": Decimal("9.95"), "carriage_desc": "By van"})
    got, _, pages = await halo.pull(Kind.PURCHASE_ORDER)
    mine = got[str(order.id)]
    assert mine.lines[-1].texts == {"short": "By van"}
    assert (mine.lines[-1].unit_price, mine.lines[-1].tax_rate) == (Decimal("9.95"), mine.lines[0].tax_rate)
    for line, other in zip(mine.lines, order.lines, strict=False):
        assert (line.quantity, line.unit_price * line.quantity) == (other.quantity, other.net)
    refused = [skip for page in pages for skip in page.skipped]
    assert refused, "an order of which nothing has come in yet can't be read"
    assert all("without quantity and price" in reason for _, reason in refused)
    assert len(refused) + len(got) == len(WORLD.psa.purchase_orders)


async def test_charge_rates_with_the_code_wherever_it_is_kept(halo: Bench) -> None:
    expected = [(str(r.id), r.name, r.code, r.rate) for r in WORLD.psa.charge_rates]
    for source in (halo.source, halo.make(charge_rate_code_field="value4")):
        choices = await source.choices("charge_rate")
        assert [(c.id, c.name, getattr(c, "code", ""), getattr(c, "price", None)) for c in choices] == expected
    blank = await halo.make(charge_rate_code_field="value9").choices("charge_rate")
    assert {getattr(c, "code", "") for c in blank} == {""}
    assert await halo.source.choices("something") == ()


# ------------------------------------------------------------------------------------------------ cursors


@pytest.mark.parametrize("filtering", [True, False])
async def test_a_second_read_brings_what_changed_for_few_calls(halo: Bench, filtering: bool) -> None:
    await halo.control("switches", {"lastupdate": filtering})
    cursors = {kind: (await halo.pull(kind))[1] for kind in HaloSource.kinds}
    assert ('"filter":true' in cursors[Kind.CUSTOMER]) == filtering
    assert all(len(cursor) < 1000 for cursor in cursors.values())
    customer, invoice = WORLD.psa.customers[3], WORLD.psa.invoices[5]
    halo.edit("client", customer.id, name="Renamed Ltd")
    halo.edit("invoice", invoice.id, cust_order_number="Changed")
    halo.edit("supplier", WORLD.psa.suppliers[0].id, email_address="new@supplier.example")
    halo.edit("item", WORLD.psa.items[2].id, baseprice=Decimal("17.1234"))
    halo.edit("purchaseorder", WORLD.psa.purchase_orders[0].id, title="Other")
    halo.calls.clear()
    again = {kind: (await halo.pull(kind, cursors[kind])) for kind in HaloSource.kinds}
    assert again[Kind.CUSTOMER][0][str(customer.id)].name == "Renamed Ltd"
    assert again[Kind.INVOICE][0][str(invoice.id)].reference == "Changed"
    assert again[Kind.SUPPLIER][0][str(WORLD.psa.suppliers[0].id)].email == "new@supplier.example"
    assert again[Kind.ITEM][0][str(WORLD.psa.items[2].id)].sales_price == Decimal("17.1234")
    assert again[Kind.PURCHASE_ORDER][0][str(WORLD.psa.purchase_orders[0].id)].reference
    assert halo.calls["GET /api/Invoice"] == 2, "one for the invoices, one for the credits"
    assert sum(halo.calls.values()) <= (20 if filtering else 45)
    if filtering:
        assert len(again[Kind.CUSTOMER][0]) <= 2
    assert len(again[Kind.INVOICE][0]) <= 3
    assert halo.violations == []


async def test_what_no_list_row_shows_is_seen_in_rotation(halo: Bench) -> None:
    await halo.control("switches", {"lastupdate": False})
    cursor = (await halo.pull(Kind.CUSTOMER))[1]
    ids = sorted(c.id for c in WORLD.psa.customers)
    halo.edit("client", ids[-1], accountsemailaddress="late@example.com")
    for _ in range(1 + len(ids) // 20):
        got, cursor, _ = await halo.pull(Kind.CUSTOMER, cursor)
    assert got[str(ids[-1])].email == "late@example.com"


async def test_a_week_later_all_is_read_again_and_foreign_cursors_start_anew(halo: Bench) -> None:
    everything, cursor, _ = await halo.pull(Kind.SUPPLIER)
    assert len((await halo.pull(Kind.SUPPLIER, cursor))[0]) < len(everything)
    halo.sandbox.jump(7 * 86400)
    for old in (cursor, "", "{}", "nonsense", '{"v":99,"since":"x"}', '{"v":1,"since":"yesterday"}'):
        assert len((await halo.pull(Kind.SUPPLIER, old))[0]) == len(everything)


async def test_a_stopped_read_leaves_no_cursor(halo: Bench) -> None:
    halo.stopped = True
    _, cursor, pages = await halo.pull(Kind.INVOICE)
    assert (cursor, len(pages)) == ("", 1)


# ------------------------------------------------------------------------------------------------ guards


async def test_lists_that_ignore_paging_and_answers_in_other_wrappings(halo: Bench) -> None:
    switches = {
        "pages_ignored": ["Invoice", "Client", "Supplier", "Item"],
        "enveloped": ["Tax", "Currency", "AssetGroup", "Lookup", "ChargeRate", "XeroDetails"],
        "single_as_list": True,
        "created_as_list": True,
        "hosted": False,
    }
    before = {kind: (await halo.pull(kind))[0] for kind in HaloSource.kinds}
    await halo.control("switches", switches)
    halo.source = halo.make()
    for kind in HaloSource.kinds:
        got = (await halo.pull(kind))[0]
        assert {i: fingerprint(r) for i, r in got.items()} == {i: fingerprint(r) for i, r in before[kind].items()}
    await halo.source.attach([Attachment(kind=Kind.INVOICE, record="10001", xero_id=GUID, tenant=UK)])
    assert await halo.source.save(
        Kind.TAX_RATE, TaxRate(id="", kind=Kind.TAX_RATE, name="N", linked_code="X", tenant=UK)
    )


async def test_rows_deleted_while_paging_hide_no_other(halo: Bench) -> None:
    pages = halo.source.client.pages("Client", "clients", {"includeinactive": "true"}, 5)
    seen = {row["id"] for row in await anext(pages)}
    seen |= {row["id"] for row in await anext(pages)}
    for id in sorted(seen)[:3]:
        halo.emulator.store.remove("client", id)
    seen |= {row["id"] async for page in pages for row in page}
    assert seen == {c.id for c in WORLD.psa.customers}


async def test_details_that_the_agent_may_not_see_are_a_permission_not_a_login(halo: Bench) -> None:
    await halo.control("switches", {"denied": ["Client"]})
    with pytest.raises(SourceRefused, match="permissions"):
        await halo.pull(Kind.CUSTOMER)
    logins = halo.calls["POST /signin/identity/token"]
    assert logins <= 3, "never a login for each refusal"
    with pytest.raises(SourceRefused, match="permissions"):
        await halo.source.get(Kind.CUSTOMER, "101")
    assert halo.calls["POST /signin/identity/token"] == logins


async def test_gone_only_by_halos_own_word_for_that_very_id(halo: Bench) -> None:
    id = WORLD.psa.invoices[0].id
    await halo.source.get(Kind.INVOICE, str(id))
    halo.emulator.store.remove("invoice", id)
    with pytest.raises(Gone):
        await halo.source.get(Kind.INVOICE, str(id))
    with pytest.raises(Gone):
        await halo.source.get(Kind.TAX_RATE, "9999")
    await halo.control("faults", {"path": "/api/Supplier.*", "do": "status", "status": 404, "text": "<html>no</html>"})
    with pytest.raises(SourceRefused):
        await halo.source.get(Kind.SUPPLIER, str(WORLD.psa.suppliers[0].id))
    for strange in ("-1", "1 or 1=1", "../Agent"):
        with pytest.raises(SourceRefused):
            await halo.source.get(Kind.INVOICE, strange)


# ------------------------------------------------------------------------------------------------ the login


async def test_tokens_are_asked_again_when_they_end_or_are_taken_back(halo: Bench) -> None:
    await halo.source.get(Kind.TAX_RATE, "1")
    assert halo.calls["POST /signin/identity/token"] == 1
    halo.sandbox.jump(3500)
    await halo.source.get(Kind.TAX_RATE, "1")
    assert halo.calls["POST /signin/identity/token"] == 2
    await halo.control("revoke", {})
    await asyncio.gather(*(halo.source.get(Kind.CUSTOMER, str(c.id)) for c in WORLD.psa.customers[:6]))
    assert halo.calls["POST /signin/identity/token"] == 1, "one for all that wait"
    assert halo.violations == []


async def test_a_refused_login_says_so_without_the_secret(halo: Bench) -> None:
    with pytest.raises(SourceLocked) as caught:
        await halo.make(client_secret="hunter2-hunter2").check()
    assert "The client credentials provided were not valid" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(SourceUnreachable) as unreachable:
        await halo.make(url="http://127.0.0.1:9").check()
    assert not unreachable.value.sent


async def test_a_halo_that_is_out_of_order_is_asked_again_where_to_log_in(halo: Bench) -> None:
    await halo.control("faults", {"path": "/api/authinfo", "do": "status", "status": 503, "times": 3})
    with pytest.raises(SourceUnreachable, match="503"):
        await halo.source.get(Kind.TAX_RATE, "1")
    assert (await halo.source.get(Kind.TAX_RATE, "1")).id == "1"


async def test_check_tells_versions_permissions_and_halos_own_sync(halo: Bench) -> None:
    facts = {f.title: f for f in await halo.source.check()}
    assert all(f.ok for f in facts.values())
    assert facts["Halo"].value == "HaloPSA 2.236.4"
    assert facts["Agent"].value == "XeroTUI service agent"
    assert facts["Halo's own Xero sync"].value == "off"
    await halo.control("switches", {"native_sync": "invoices,clients", "settings_scope": "admin"})
    facts = {f.title: f for f in await halo.source.check()}
    native = facts["Halo's own Xero sync"]
    assert not native.ok
    assert native.remedy
    await halo.control("faults", {"path": "/api/(Tax|XeroDetails)", "do": "status", "status": 403})
    facts = {f.title: f for f in await halo.source.check()}
    assert not facts["Tax rates"].ok
    assert "scope" in facts["Tax rates"].value
    assert not facts["Halo's own Xero sync"].ok, "what can't be seen isn't off"


async def test_a_limit_is_waited_out_and_never_ignored(halo: Bench) -> None:
    await halo.control("limits", {"calls": 30})
    reading = asyncio.create_task(halo.pull(Kind.CUSTOMER))
    while not reading.done():
        await asyncio.sleep(0.1)
        halo.sandbox.jump(40)
    assert len((await reading)[0]) == len(WORLD.psa.customers)
    assert halo.violations == []
