"""Halo in every way that it may be where nobody says for sure: each variant reads, finds, creates and links alike.

The long form runs the whole conformance suite in each of them.
"""

import inspect
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
import test_conformance
from halo_bench import GUID, UK, Bench, running

from xerotui.model.kinds import Kind
from xerotui.model.records import Document, Line, Party, Record
from xerotui.source.contract import Attachment, Keys, SourceRefused
from xerotui_halo.emulator import HaloEmulator, Switches
from xerotui_halo.emulator.variants import VARIANTS, Variant

KINDS = {
    "Client": Kind.CUSTOMER,
    "Supplier": Kind.SUPPLIER,
    "Item": Kind.ITEM,
    "Invoice": Kind.INVOICE,
    "Credit": Kind.CREDIT_NOTE,
    "PurchaseOrder": Kind.PURCHASE_ORDER,
    "Tax": Kind.TAX_RATE,
}
USUAL = msgspec.to_builtins(Switches())
Read = dict[Kind, dict[str, Record]]


@pytest.fixture
async def halo(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path, scale=0.1) as bench:
        yield bench


async def test_each_variant_reads_finds_creates_and_links_alike(halo: Bench) -> None:
    usual: Read = {kind: (await halo.pull(kind))[0] for kind in KINDS.values()}
    rates = await halo.source.choices("charge_rate")
    for n, variant in enumerate(VARIANTS):
        await halo.control("switches", {**USUAL, **variant.switches})
        # Each variant has its own share of Halo's limit.
        halo.sandbox.jump(300)
        halo.source = halo.make()
        for entity in variant.entities:
            if entity == "Lookup":
                assert await halo.source.choices("charge_rate") == rates, variant.name
            else:
                await _reads(halo, variant, KINDS[entity], usual)
        await _writes(halo, variant, n)
    assert halo.violations == []


async def _reads(halo: Bench, variant: Variant, kind: Kind, usual: Read) -> None:
    got, cursor, pages = await halo.pull(kind)
    skipped = {id for page in pages for id, _ in page.skipped}
    assert bool(skipped) == ("unreadable" in variant.differs), (variant.name, skipped)
    told = {id for id, r in usual[kind].items() if "unlinked" not in variant.differs or getattr(r, "credits", False)}
    assert set(got) | skipped == told, variant.name
    for id, record in got.items():
        if "unreadable" not in variant.differs:
            assert _same(record, variant) == _same(usual[kind][id], variant), variant.name
    if kind is not Kind.TAX_RATE:
        assert len((await halo.pull(kind, cursor))[0]) < len(got), f"{variant.name}: the cursor brings all again"
    assert not any(page.trouble for page in pages), variant.name


def _same(record: Record, variant: Variant) -> Record:
    """The record without what changes with every write, and without what the variant can't tell."""
    blank: dict[str, Any] = {"modified": None}
    if isinstance(record, Document):
        hidden = {name: () for name in variant.differs if name in Line.__struct_fields__}
        blank["lines"] = tuple(msgspec.structs.replace(line, **hidden) for line in record.lines)
    return msgspec.structs.replace(record, **blank)


async def _writes(halo: Bench, variant: Variant, n: int) -> None:
    """A supplier is made once and found; an invoice's link goes back, or it is said that Halo didn't keep it."""
    keys = Keys(xero_id=f"{GUID[:-4]}{n:04d}", number=f"VAR{n}", name=f"Variant {n} Ltd")
    new = Party(
        id="", kind=Kind.SUPPLIER, name=keys.name, number=keys.number, xero_id=keys.xero_id, tenant=UK
    )  # fmt: skip
    assert await halo.source.find(Kind.SUPPLIER, keys) == ()
    id = await halo.source.save(Kind.SUPPLIER, new)
    found = await halo.make().find(Kind.SUPPLIER, keys)
    assert [(r.id, r.xero_id, r.tenant) for r in found] == [(id, keys.xero_id, UK)], variant.name
    halo.emulator.store.remove("supplier", int(id))
    row = next(r for r in halo.emulator.store.tables["invoice"].rows.values() if r["id"] > 0)
    before = {name: row[name] for name in ("xeroid", "last_modified")}
    link = Attachment(kind=Kind.INVOICE, record=str(row["id"]), xero_id=keys.xero_id, tenant=row["xero_tenant_id"])
    if "Invoice.xeroid" in variant.switches.get("drops", ()):
        with pytest.raises(SourceRefused, match="didn't keep"):
            await halo.source.attach([link])
    else:
        await halo.source.attach([link])
        assert row["xeroid"] == keys.xero_id, variant.name
    row.update(before, dont_sync_to_3rd_party=False)


async def test_lists_that_come_short_or_malformed_are_told(halo: Bench) -> None:
    everything = (await halo.pull(Kind.INVOICE))[0]
    both = len(everything) + len((await halo.pull(Kind.CREDIT_NOTE))[0])
    await halo.control("switches", {**USUAL, "short": ["Invoice"]})
    got, cursor, pages = await halo.pull(Kind.INVOICE)
    assert f"counted {both} and gave {both - both // 5}" in pages[-1].trouble
    assert len(got) < len(everything)
    await halo.control("switches", USUAL)
    again, cursor, pages = await halo.pull(Kind.INVOICE, cursor)
    assert set(again) == set(everything), "what came short is read again whole"
    assert pages[-1].trouble == ""
    await halo.control("switches", {**USUAL, "short": ["Client"], "junk": ["Invoice"]})
    for _ in range(2):
        _, cursor, pages = await halo.pull(Kind.CUSTOMER)
        assert pages[-1].trouble
    got, _, pages = await halo.pull(Kind.INVOICE)
    assert set(got) == set(everything), "entries that are no rows take no row with them"
    assert pages[-1].trouble == "3 of its entries hold no id"
    # A count that is off for good isn't chased for ever.
    _, cursor, _ = await halo.pull(Kind.CUSTOMER)
    _, cursor, _ = await halo.pull(Kind.CUSTOMER, cursor)
    halo.calls.clear()
    await halo.pull(Kind.CUSTOMER, cursor)
    assert halo.calls["GET /api/Client/#"] < len(everything) // 2


async def test_known_rows_of_the_overlap_are_not_read_again(halo: Bench) -> None:
    orders = (await halo.pull(Kind.PURCHASE_ORDER))[0]
    customers, _, _ = await halo.pull(Kind.CUSTOMER)
    cursors = {kind: (await halo.pull(kind))[1] for kind in KINDS.values()}
    halo.sandbox.jump(3600)
    for part in (slice(1, None), slice(0, 1)):
        await halo.source.attach([_link(Kind.CUSTOMER, r) for r in list(customers.values())[part]])
        await halo.source.attach([_link(Kind.PURCHASE_ORDER, r) for r in list(orders.values())[part]])
        halo.sandbox.jump(5)
    # What we wrote ourselves is known by Halo's answer; only in the newest second something else may have happened.
    for seconds, most in ((0, 1), (3, 1), (3, 0), (130, 0), (600, 0)):
        halo.sandbox.jump(seconds)
        for kind, records in ((Kind.CUSTOMER, customers), (Kind.PURCHASE_ORDER, orders)):
            halo.calls.clear()
            got, cursors[kind], _ = await halo.pull(kind, cursors[kind])
            singles = sum(number for call, number in halo.calls.items() if call.endswith("/#"))
            assert singles <= most, (kind, seconds, halo.calls)
            assert set(got) == set(records) if not seconds else len(got) <= most
            assert all(record.xero_id for record in got.values()), "the record shows what we wrote"
            assert most or sum(halo.calls.values()) <= 4
    stranger = list(customers)[3]
    halo.emulator.store.edit("client", int(stranger), {"name": "Changed by a person"})
    await halo.source.attach([_link(Kind.CUSTOMER, customers[stranger])])
    halo.sandbox.jump(1)
    halo.emulator.store.edit("client", int(stranger), {"name": "Changed again"})
    halo.sandbox.jump(60)
    got, cursors[Kind.CUSTOMER], _ = await halo.pull(Kind.CUSTOMER, cursors[Kind.CUSTOMER])
    assert got[stranger].name == "Changed again", "an echo that is overtaken isn't believed"
    first = next(iter(customers))
    halo.emulator.store.edit("client", int(first), {"name": "Renamed at last"})
    got, _, _ = await halo.pull(Kind.CUSTOMER, cursors[Kind.CUSTOMER])
    assert {id: r.name for id, r in got.items() if id != stranger} == {first: "Renamed at last"}
    assert len(cursors[Kind.CUSTOMER]) < 5000


async def test_products_are_read_whole_once_and_then_by_what_changed(halo: Bench) -> None:
    before = await halo.source.reference.products()
    item = next(iter(before))
    halo.edit("item", int(item), accountsid="RENAMED")
    halo.calls.clear()
    after = await halo.source.reference.products()
    assert after[item].code == "RENAMED"
    assert {**after, item: before[item]} == before
    halo.sandbox.jump(120)
    await halo.control("switches", {"page_cap": 5})
    await halo.source.reference.products()
    assert halo.calls["GET /api/Item"] == 1, "the list has many pages of five"


def _link(kind: Kind, record: Record) -> Attachment:
    return Attachment(
        kind=kind, record=record.id, xero_id=f"{GUID[:-6]}{int(record.id):06d}", tenant=record.tenant
    )  # fmt: skip


CHECKS = [name for name in dir(test_conformance.TestHalo) if name.startswith("test_")]
# What the variant takes away can't be checked in it.
MISSING = {
    "invoice_link_not_kept": ("test_links_are_kept_and_twice_is_once",),
    "item_link_not_kept": (
        "test_links_are_kept_and_twice_is_once",
        "test_save_makes_one_record_whatever_happens",
    ),
    "tax_link_not_kept": ("test_save_makes_one_record_whatever_happens",),
    "hidden_order_amounts": ("test_links_are_kept_and_twice_is_once", "test_single_records_and_gone"),
}


@pytest.mark.soak
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.name)
async def test_the_suite_holds_in_each_variant(variant: Variant, tmp_path: Path) -> None:
    class Suite(test_conformance.TestHalo):
        emulator: ClassVar = staticmethod(
            lambda: HaloEmulator(switches=msgspec.convert({**USUAL, **variant.switches}, Switches))
        )

    for n, check in enumerate(name for name in CHECKS if name not in MISSING.get(variant.name, ())):
        work = getattr(Suite(), check)
        home = tmp_path / str(n)
        home.mkdir()
        # What Halo doesn't declare skips that check alone, not those after it.
        with suppress(pytest.skip.Exception):
            await (work(home) if "tmp_path" in inspect.signature(work).parameters else work())
