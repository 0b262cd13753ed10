"""The Halo source writes into the emulator over real HTTP: imports, look-ups, links, and what is refused."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from halo_bench import GUID, UK, WORLD, Bench, running

from xerotui.model.kinds import Kind
from xerotui.model.records import Address, Document, Item, Party, Record, TaxRate, Terms
from xerotui.source.contract import Attachment, Keys, SourceRefused, SourceUnreachable


@pytest.fixture
async def halo(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path) as bench:
        yield bench


def _party(kind: Kind, **more: Any) -> Party:
    return Party(id="", kind=kind, name="Born In Xero Ltd", number="BOR001", xero_id=GUID, tenant=UK, **more)


def _rate() -> TaxRate:
    code = "TAX077"
    return TaxRate(
        id="", kind=Kind.TAX_RATE, name="Odd 7%", code=code, linked_code=code, rate=Decimal("7.25"), tenant=UK
    )


IMPORTED: list[tuple[Kind, Record, Keys]] = [
    (
        Kind.CUSTOMER,
        _party(
            Kind.CUSTOMER,
            email="a@b.example",
            sales_tax="1",
            terms=Terms(20, "OFFOLLOWINGMONTH"),
            currency="GBP",
            address=Address(("1 High St", "Unit 2"), "Leeds", "Yorkshire", "LS1 1AA"),
        ),
        Keys(xero_id=GUID, number="BOR001", name="Born In Xero Ltd"),
    ),
    (
        Kind.SUPPLIER,
        _party(Kind.SUPPLIER, first_name="Ada", last_name="L", purchase_tax="4"),
        Keys(xero_id=GUID, number="BOR001", name="Born In Xero Ltd"),
    ),
    (
        Kind.ITEM,
        Item(
            id="",
            kind=Kind.ITEM,
            name="Widget",
            code="WID-9",
            xero_id=GUID,
            tenant=UK,
            group="Networking",
            sales_price=Decimal("1.2345"),
            sales_account="200",
            sales_tax="1",
            purchased=False,
        ),
        Keys(xero_id=GUID, number="WID-9", name="Widget"),
    ),
    (
        Kind.TAX_RATE,
        TaxRate(
            id="",
            kind=Kind.TAX_RATE,
            name="Odd 7%",
            code="TAX077",
            linked_code="TAX077",
            rate=Decimal("7.25"),
            tenant=UK,
        ),
        Keys(xero_id="TAX077", name="Odd 7%"),
    ),
]


@pytest.mark.parametrize(("kind", "record", "keys"), IMPORTED, ids=lambda v: v.value if isinstance(v, Kind) else "")
async def test_import_makes_one_record_that_is_found_and_reads_back(
    halo: Bench, kind: Kind, record: Record, keys: Keys
) -> None:
    assert await halo.source.find(kind, keys) == ()
    id = await halo.source.save(kind, record)
    for one in (Keys(xero_id=keys.xero_id), Keys(number=keys.number), Keys(name=keys.name.upper()), keys):
        if one != Keys():
            assert [r.id for r in await halo.source.find(kind, one)] == [id]
            assert [r.id for r in await halo.make().find(kind, one)] == [id]
    back = await halo.source.get(kind, id)
    names = {"name", "number", "email", "sales_tax", "purchase_tax", "terms", "address", "code", "sales_price", "rate"}
    for name in names.intersection(record.__struct_fields__):
        assert getattr(back, name) == getattr(record, name), name
    assert back.tenant == UK
    if kind is not Kind.TAX_RATE:
        assert back.xero_id == GUID
    assert halo.violations == []


async def test_an_unanswered_create_is_found_afterwards(halo: Bench) -> None:
    kind, record, keys = IMPORTED[0]
    await halo.source.find(kind, keys)
    await halo.control("faults", {"method": "POST", "path": "/api/Client", "do": "cut_after", "times": 1})
    with pytest.raises(SourceUnreachable) as caught:
        await halo.source.save(kind, record)
    assert caught.value.sent
    found = await halo.source.find(kind, keys)
    assert [(r.name, r.xero_id) for r in found] == [(record.name, GUID)]
    await halo.control("faults", [{"method": "POST", "path": "/api/Client", "do": "status", "status": 500}])
    with pytest.raises(SourceRefused) as refused:
        await halo.source.save(kind, record)
    assert not refused.value.certain
    assert await halo.control("duplicates") == []


async def test_find_sees_inactive_records_and_those_of_other_tenants(halo: Bench) -> None:
    gone = next(c for c in WORLD.psa.customers if not c.active)
    assert [r.id for r in await halo.source.find(Kind.CUSTOMER, Keys(number=gone.account_number))] == [str(gone.id)]
    hostile = next(t.id for t in WORLD.trouble if t.kind == "name_long")
    name = next(c.name for c in WORLD.psa.customers if c.id == hostile)
    assert [r.id for r in await halo.source.find(Kind.CUSTOMER, Keys(name=name))] == [str(hostile)]
    with pytest.raises(SourceRefused):
        await halo.source.find(Kind.INVOICE, Keys(number="1"))


async def test_a_broken_rule_is_told_in_halos_words(halo: Bench) -> None:
    with pytest.raises(SourceRefused, match="Please enter a name") as caught:
        await halo.source.save(Kind.CUSTOMER, Party(id="", kind=Kind.CUSTOMER, name=" "))
    assert caught.value.certain
    assert caught.value.status == 400
    with pytest.raises(SourceRefused, match="takes no invoices"):
        await halo.source.save(Kind.INVOICE, Document(id="", kind=Kind.INVOICE))


def _links(kind: Kind, ids: list[int]) -> list[Attachment]:
    return [
        Attachment(
            kind=kind, record=str(id), xero_id=f"{GUID[:-6]}{id:06d}", tenant=_tenant(kind, id), number=f"N{id}",
            status="AUTHORISED",
        )
        for id in ids
    ]  # fmt: skip


def _tenant(kind: Kind, id: int) -> str:
    psa = WORLD.psa
    rows: Any = {Kind.CUSTOMER: psa.customers, Kind.INVOICE: psa.invoices, Kind.SUPPLIER: psa.suppliers}.get(kind, ())
    key = next((row.tenant for row in rows if row.id == id), "uk")
    return WORLD.tenant(key or "uk").tenant_id


async def test_links_are_written_back_in_one_call_a_kind_and_twice_is_once(halo: Bench) -> None:
    await halo.control("switches", {"native_sync": "invoices"})
    psa = WORLD.psa
    wanted = [
        *_links(Kind.INVOICE, [i.id for i in psa.invoices if i.kind == "invoice"][:48]),
        *_links(Kind.CUSTOMER, [psa.customers[0].id]),
        *_links(Kind.SUPPLIER, [psa.suppliers[0].id]),
        *_links(Kind.ITEM, [psa.items[0].id]),
        *_links(Kind.PURCHASE_ORDER, [psa.purchase_orders[0].id]),
    ]
    await halo.source.attach(wanted)
    assert {k: n for k, n in halo.calls.items() if "POST /api" in k} == dict.fromkeys(
        [f"POST /api/{x}" for x in ("Invoice", "Client", "Supplier", "Item", "PurchaseOrder")], 1
    )
    first = msgspec.json.encode(halo.emulator.store.tables["invoice"].rows[10001]["lines"])
    await halo.source.attach(wanted)
    for one in wanted:
        record = await halo.source.get(one.kind, one.record)
        assert (record.xero_id, record.tenant) == (one.xero_id, one.tenant)
    row = halo.emulator.store.tables["invoice"].rows[10001]
    assert (row["posted"], row["dont_sync_to_3rd_party"], row["thirdpartyinvoicenumber"]) == (True, True, "N10001")
    assert (row["xero_status"], row["dateposted"][:10]) == ("AUTHORISED", "2026-11-21")
    assert msgspec.json.encode(row["lines"]) == first
    assert halo.violations == [], "no second writer, no lost lines, nothing unknown"


async def test_an_id_that_halo_does_not_keep_is_told(halo: Bench) -> None:
    await halo.control("switches", {"drops": ["Invoice.xeroid", "Item.third_party_id", "Client.xero_tenant_id"]})
    with pytest.raises(SourceRefused, match="didn't keep the Xero id of invoice 10001, 10002"):
        await halo.source.attach(_links(Kind.INVOICE, [10001, 10002]))
    await halo.source.attach(_links(Kind.CUSTOMER, [WORLD.psa.customers[0].id]))
    await halo.source.attach(_links(Kind.ITEM, [WORLD.psa.items[0].id]))
    with pytest.raises(SourceRefused):
        await halo.source.attach(_links(Kind.PAYMENT, [1]))


async def test_numbers_of_halos_own_series_and_fields_that_can_be_set(halo: Bench) -> None:
    """Whatever shape the answer has; nothing is written by asking, and a number is read back once it is set."""
    new = _party(Kind.CUSTOMER)
    for shape in ("row", "list", "text"):
        await halo.control("switches", {"numbers_as": shape})
        assert await halo.source.new_number(Kind.CUSTOMER, new) == "BOR0001", shape
    await halo.control("switches", {"numbers_as": "none"})
    with pytest.raises(SourceRefused):
        await halo.source.new_number(Kind.CUSTOMER, new)
    with pytest.raises(SourceRefused):
        await halo.source.new_number(Kind.SUPPLIER, new)
    for kind, field in ((Kind.CUSTOMER, "number"), (Kind.SUPPLIER, "number"), (Kind.ITEM, "code")):
        id = next(iter((await halo.pull(kind))[0]))
        kept = await halo.source.amend(kind, id, {field: "NEW-77"})
        assert getattr(kept, field) == "NEW-77"
        assert kept == await halo.source.get(kind, id)
        with pytest.raises(SourceRefused):
            await halo.source.amend(kind, id, {"tenant": "x"})
    assert halo.violations == []
