"""Payments and voids of Xero in Halo, and fields set there: once whatever happens, and what Halo can't hold is said."""

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from halo_bench import GUID, UK, Bench, running

from xerotui.model.kinds import Kind
from xerotui.model.records import Address, TaxRate, Terms
from xerotui.model.settling import PAID, PART, UNPAID, Laid, Settlement
from xerotui.source.contract import SourceRefused, SourceUnreachable
from xerotui_halo.emulator import Switches
from xerotui_halo.emulator.payments import NUMBERS
from xerotui_halo.emulator.variants import VARIANTS

DAY = dt.date(2026, 5, 4)
USUAL = msgspec.to_builtins(Switches())


@pytest.fixture
async def halo(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running(tmp_path) as bench:
        yield bench


def _invoices(halo: Bench) -> list[dict[str, Any]]:
    rows = halo.emulator.store.tables["invoice"].rows.values()
    return [r for r in rows if r["id"] > 0 and r["total"] > 100 and not (r["voided"] or r["supplier_id"])]


def _payments(halo: Bench, invoice: int) -> list[Decimal]:
    rows = halo.emulator.store.tables["invoicepayment"].rows.values()
    return sorted(Decimal(p["amount"]) for p in rows if p["invoice_id"] == invoice)


def _laid(n: int, amount: str) -> Laid:
    return Laid(id=f"{GUID[:-4]}{n:04d}", amount=Decimal(amount), date=DAY)


def _settled(status: str, *payments: Laid, credited: str = "0", back: tuple[Laid, ...] = ()) -> Settlement:
    paid = sum((p.amount for p in payments), Decimal(0))
    return Settlement(
        xero_id=GUID, status=status, paid=paid, credited=Decimal(credited), payments=payments, taken_back=back
    )


async def test_payments_are_made_once_and_taken_back(halo: Bench) -> None:
    row = _invoices(halo)[0]
    id = str(row["id"])
    first, rest = _laid(1, "40"), _laid(2, str(row["total"] - 40))
    halo.emulator.service.faults.post({"path": "InvoicePayment", "method": "POST", "do": "cut_after", "times": 1})
    with pytest.raises(SourceUnreachable) as caught:
        await halo.source.settle(Kind.INVOICE, id, _settled(PART, first))
    assert caught.value.sent
    for _ in range(2):
        assert await halo.make().settle(Kind.INVOICE, id, _settled(PART, first)) == ()
    assert (_payments(halo, row["id"]), row["paymentstatus"]) == ([Decimal(40)], NUMBERS[1])
    assert await halo.source.settle(Kind.INVOICE, id, _settled(PAID, first, rest)) == ()
    assert (row["amountdue"], row["paymentstatus"]) == (0, NUMBERS[2])
    paid = next(p for p in halo.emulator.store.tables["invoicepayment"].rows.values() if p["xero_id"] == first.id)
    assert (paid["date"][:10], paid["method"]) == (DAY.isoformat(), "Xero")
    # Taken back in Xero: the invoice is open again, and no row is deleted.
    assert await halo.source.settle(Kind.INVOICE, id, _settled(UNPAID, back=(first, rest))) == ()
    assert (row["amountpaid"], row["paymentstatus"]) == (0, NUMBERS[0])
    assert _payments(halo, row["id"]) == [0, 0]
    assert halo.violations == []


async def test_credit_is_no_money_and_a_persons_own_payment_stands(halo: Bench) -> None:
    credited, paid = _invoices(halo)[:2]
    lost = await halo.source.settle(
        Kind.INVOICE, str(credited["id"]), _settled(PAID, credited=str(credited["total"]))
    )  # fmt: skip
    assert (lost, credited["amountpaid"], credited["paymentstatus"]) == ((), 0, NUMBERS[2])
    # The same money noted in Halo by hand isn't noted a second time; more than is due never is.
    by_hand = {"invoice_id": paid["id"], "amount": Decimal(30), "date": f"{DAY}T00:00:00", "method": "Cash"}
    await halo.control("create/invoicepayment", {**by_hand, "amount": 30})
    assert await halo.source.settle(Kind.INVOICE, str(paid["id"]), _settled(PART, _laid(3, "30"))) == ()
    assert _payments(halo, paid["id"]) == [30]
    # Of another day it may be the same money all the same; a list that comes short proves nothing.
    later = Laid(id=_laid(6, "30").id, amount=Decimal(30), date=DAY + dt.timedelta(days=2))
    (words,) = await halo.source.settle(Kind.INVOICE, str(paid["id"]), _settled(PART, later))
    assert "of another day" in words
    await halo.control("switches", {**USUAL, "junk": ["InvoicePayment"]})
    with pytest.raises(SourceRefused, match="comes short"):
        await halo.source.settle(Kind.INVOICE, str(paid["id"]), _settled(PART, _laid(7, "1")))
    await halo.control("switches", USUAL)
    assert _payments(halo, paid["id"]) == [30]
    whole = _laid(4, str(paid["total"]))
    (words,) = await halo.source.settle(Kind.INVOICE, str(paid["id"]), _settled(PART, whole))
    assert "its own payments stand" in words
    # A penny that Xero's rounding makes more is no reason to leave the payment out.
    third = _invoices(halo)[2]
    (words,) = await halo.source.settle(
        Kind.INVOICE, str(third["id"]), _settled(PAID, _laid(8, str(third["total"] + Decimal("0.01"))))
    )
    assert "all that is due" in words
    assert (_payments(halo, third["id"]), third["amountdue"]) == ([third["total"]], 0)
    assert _payments(halo, paid["id"]) == [30]


async def test_a_rate_goes_only_where_nothing_uses_it_by_lists_that_came_whole(halo: Bench) -> None:
    odd = TaxRate(id="", kind=Kind.TAX_RATE, name="Odd 7%", code="T7", linked_code="T7", rate=Decimal(7), tenant=UK)
    id = await halo.source.save(Kind.TAX_RATE, odd)
    await halo.control("switches", {**USUAL, "short": ["Client"]})
    with pytest.raises(SourceRefused, match="comes short"):
        await halo.source.uses(Kind.TAX_RATE, [id])
    await halo.control("switches", USUAL)
    assert await halo.source.uses(Kind.TAX_RATE, [id]) == {}
    # Somebody begins to use it between the look that was approved and the removal.
    client = next(iter(halo.emulator.store.tables["client"].rows.values()))
    before = client["item_tax_code"]
    client["item_tax_code"] = int(id)
    halo.sandbox.jump(60)
    with pytest.raises(SourceRefused, match="stays: used by the customer"):
        await halo.source.remove(Kind.TAX_RATE, id)
    client["item_tax_code"] = before
    halo.sandbox.jump(60)
    await halo.source.remove(Kind.TAX_RATE, id)
    assert int(id) not in halo.emulator.store.tables["tax"].rows


async def test_a_void_is_one_void_and_says_first_what_it_does(halo: Bench) -> None:
    row = _invoices(halo)[0]
    assert "go back to ready for invoicing" in await halo.source.void_effect(Kind.INVOICE)
    for _ in range(2):
        await halo.make().void(Kind.INVOICE, str(row["id"]))
    assert row["voided"]
    voids = [w for w in halo.emulator.service.journal.writes if w["verb"] == "void"]
    assert len(voids) == 1
    with pytest.raises(SourceRefused, match="is void"):
        await halo.source.settle(Kind.INVOICE, str(row["id"]), _settled(PART, _laid(5, "1")))
    await halo.control("switches", {**USUAL, "void_rewinds": "no"})
    assert "stay as billed" in await halo.source.void_effect(Kind.INVOICE)


async def test_every_variant_pays_once_and_says_what_it_lost(halo: Bench) -> None:
    rows = iter(_invoices(halo))
    names = ("no_payment_states", "payments_final", "payment_link_not_kept", "void_says_nothing", "payment_numbers")
    for n, name in enumerate(names):
        variant = next(v for v in VARIANTS if v.name == name)
        await halo.control("switches", {**USUAL, **variant.switches})
        halo.source = halo.make()
        row = next(rows)
        id, part = str(row["id"]), _laid(100 + n, "25")
        for _ in range(2):
            assert await halo.source.settle(Kind.INVOICE, id, _settled(PART, part)) == (), name
        assert _payments(halo, row["id"]) == [25], name
        back = await halo.source.settle(Kind.INVOICE, id, _settled(UNPAID, back=(part,)))
        stays = name in ("payments_final", "payment_link_not_kept")
        assert bool(back) == stays, (name, back)
        assert _payments(halo, row["id"]) == [25 if stays else 0], name
        credit = await halo.source.settle(Kind.INVOICE, str(next(rows)["id"]), _settled(PAID, credited="9"))
        assert bool(credit) == (name in ("no_payment_states", "payment_numbers")), (name, credit)
        assert await halo.source.void_effect(Kind.INVOICE)
    assert halo.violations == []


async def test_fields_are_set_as_xero_has_them_and_read_back(halo: Bench) -> None:
    place = Address(("5 New Road", "Unit 9"), "York", "Yorkshire", "YO1 1AA", "")
    changes: dict[Kind, dict[str, Any]] = {
        Kind.CUSTOMER: {"email": "new@x.example", "phone": "01 2", "address": place, "terms": Terms(14)},
        Kind.SUPPLIER: {"name": "Renamed Ltd", "email": "s@x.example", "terms": Terms(21)},
        Kind.ITEM: {"sales_price": Decimal("12.3456"), "sales_account": "260"},
    }
    for kind, values in changes.items():
        known = (await halo.pull(kind))[0]
        id = next(id for id in known if id.isdigit())
        held = await halo.source.amend(kind, id, values)
        for name, value in values.items():
            got = getattr(held, name)
            if isinstance(got, Address):
                got = msgspec.structs.replace(got, country="")
            assert got == value, (kind, name)
    with pytest.raises(SourceRefused, match="no place"):
        await halo.source.amend(Kind.SUPPLIER, "1", {"bank_account": "123"})
