"""Halo's credits as credit notes, wherever their minus stands, and what becomes of Halo's order numbers."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from halo_bench import GUID, Bench, running

from xerotui.model.kinds import Kind
from xerotui.model.records import Document
from xerotui.sandbox.world import build
from xerotui.sandbox.world_credits import with_credits
from xerotui.source.contract import Attachment, Gone
from xerotui_halo.settings import RATES

WORLD = with_credits(build(scale=0.1))
CREDITS = [i for i in WORLD.psa.invoices if i.kind == "credit"]


@pytest.fixture
async def halo(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path, scale=0.1) as bench:
        yield bench


async def test_credits_are_credit_notes_wherever_their_minus_stands(halo: Bench) -> None:
    assert len(CREDITS) == 6
    for sign in ("quantity", "price", "none"):
        await halo.control("switches", {"credit_sign": sign})
        halo.source = halo.make()
        got = (await halo.pull(Kind.CREDIT_NOTE))[0]
        # A credit without an original is told from an invoice by its minus alone.
        known = [c for c in CREDITS if c.credits or sign != "none"]
        assert set(got) == {str(c.id) for c in known}, sign
        for made in known:
            note = got[str(made.id)]
            assert isinstance(note, Document)
            assert (note.number, note.total, note.tax, note.subtotal) == (made.number, made.total, made.tax, made.net)
            assert note.credits == (str(made.credits) if made.credits else "")
            assert note.due_date is None
            for line, priced in zip(note.lines, made.lines, strict=True):
                assert (line.quantity, line.unit_price) == (priced.quantity, priced.unit_price), sign
                assert (line.net, line.tax) == (priced.net, priced.tax_amount)
            assert await halo.source.get(Kind.CREDIT_NOTE, str(made.id)) == note
    invoices = (await halo.pull(Kind.INVOICE))[0]
    assert not {str(c.id) for c in CREDITS if c.credits} & set(invoices)
    with pytest.raises(Gone):
        await halo.source.get(Kind.INVOICE, str(CREDITS[0].id))
    row = halo.emulator.store.tables["invoice"].rows[CREDITS[0].id]
    link = Attachment(
        kind=Kind.CREDIT_NOTE, record=str(row["id"]), xero_id=GUID, tenant=row["xero_tenant_id"], number="CN-9"
    )  # fmt: skip
    await halo.source.attach([link])
    assert (row["xeroid"], row["thirdpartyinvoicenumber"], row["dont_sync_to_3rd_party"]) == (GUID, "CN-9", True)
    assert halo.violations == []


async def test_an_exchange_rate_is_told_once_its_direction_is(halo: Bench) -> None:
    made = next(i for i in WORLD.psa.invoices if i.kind == "invoice" and i.currency != WORLD.psa.currencies[0].id)
    rate = next(c.rate for c in WORLD.psa.currencies if c.id == made.currency)
    told = {}
    for means in RATES:
        halo.source = halo.make(exchange_rates=means)
        document = await halo.source.get(Kind.INVOICE, str(made.id))
        assert isinstance(document, Document)
        told[means] = (document.currency_rate, document.rate_base)
    assert rate not in (0, 1)
    turned = (1 / rate).quantize(Decimal("0.000001"))
    assert list(told.values()) == [(None, ""), (rate, "GBP"), (turned, "GBP")]


async def test_a_line_that_charges_stays_below_nought_in_a_credit(halo: Bench) -> None:
    id = CREDITS[0].id
    row = halo.emulator.store.tables["invoice"].rows[id]
    lines = [dict(line) for line in row["lines"]]
    fee = {**lines[0], "id": 0, "sequenceid": 99, "qty_order": Decimal(1), "unit_price": Decimal("2.50")}
    halo.edit("invoice", id, lines=[*lines, fee])
    note = await halo.source.get(Kind.CREDIT_NOTE, str(id))
    assert isinstance(note, Document)
    assert (note.lines[-1].quantity, note.lines[-1].unit_price) == (Decimal(1), Decimal("-2.50"))
    assert note.total == -Decimal(row["total"])
    assert sum(line.net or 0 for line in note.lines) == note.subtotal


async def test_the_customers_order_number_is_the_reference_where_there_is_one(halo: Bench) -> None:
    one = next(i for i in WORLD.psa.invoices if (i.kind, i.state) == ("invoice", "open"))
    for order, reference, wanted in (("PO-7781", "April", "PO-7781"), ("", "April", "April"), ("", "", "")):
        halo.edit("invoice", one.id, cust_order_number=order, reference=reference)
        found = await halo.source.get(Kind.INVOICE, str(one.id))
        assert isinstance(found, Document)
        assert found.reference == wanted
