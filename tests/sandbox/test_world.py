"""What the demo world promises to those who load it: repeatable, consistent, wrong only where it says so."""

from collections import Counter
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal

import msgspec
import pytest

from xerotui.sandbox.world import Customer, Invoice, PurchaseOrder, Supplier, World, build


@pytest.fixture(scope="module")
def world() -> World:
    return build()


def documents_of(world: World) -> list[Invoice | PurchaseOrder]:
    return [*world.psa.invoices, *world.psa.purchase_orders]


def half_up(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def test_same_seed_same_world_other_seed_other_world(world: World) -> None:
    assert msgspec.json.encode(build()) == msgspec.json.encode(world)
    other = build(seed=2)
    assert other.tenants[0].tenant_id != world.tenants[0].tenant_id
    assert other.psa.customers[0].name != world.psa.customers[0].name


def test_sizes_and_scale(world: World) -> None:
    assert len(world.psa.customers) == 60
    assert len(world.psa.suppliers) == 15
    assert len(world.psa.items) == 150
    assert len([i for i in world.psa.invoices if i.kind == "invoice" and i.state == "open"]) == 400
    assert len([o for o in world.psa.purchase_orders if o.state == "approved"]) == 50
    assert len(build(scale=3).psa.purchase_orders) == 151
    assert len(build(scale=0.1).troubled("invoice")) == len(world.troubled("invoice"))
    with pytest.raises(ValueError, match="scale"):
        build(scale=0)


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2024, 2, 29), date(2027, 8, 31)])
def test_documents_fall_after_the_lock_but_for_the_two(today: date) -> None:
    world = build(today=today)
    lock = world.tenant("uk").period_lock_date
    assert lock is not None
    locked = {i.id for i in world.psa.invoices if i.tenant == "uk" and i.date <= lock}
    assert locked == {k for k, kind in world.troubled("invoice").items() if kind == "period_locked"}
    year_ends = {t.key: t.end_of_year_lock_date for t in world.tenants}
    for document in documents_of(world):
        end = year_ends[document.tenant]
        assert end is not None
        assert end < document.date < today
        assert document.updated < datetime.combine(today, time(), UTC)


def test_totals_follow_from_rounded_lines(world: World) -> None:
    odd = {t.id for t in world.trouble if t.kind == "total_mismatch"}
    assert len(odd) == 1
    for document in documents_of(world):
        for line in document.lines:
            net = half_up(line.quantity * line.unit_price * (100 - line.discount) / 100)
            assert (line.net, line.tax_amount) == (net, half_up(net * line.tax_rate / 100))
        lines = sum((line.net + line.tax_amount for line in document.lines), Decimal(0))
        assert document.net + document.tax == lines
        assert document.total - lines == (Decimal("0.01") if document.id in odd else 0)
        assert document.total > 0


def test_trouble_comes_in_the_promised_numbers_and_one_a_document(world: World) -> None:
    documents = Counter(t.kind for t in world.trouble if t.record == "invoice")
    assert documents == {
        "tax_unmapped": 12, "contact_archived": 2, "number_taken": 1, "period_locked": 2, "item_unmapped": 1,
        "charge_rate_uncoded": 1, "account_archived": 1, "total_mismatch": 1, "account_number_missing": 1,
        "name_markup": 1, "name_control": 1, "name_angle": 1, "name_long": 1, "name_wide": 1,
    }  # fmt: skip
    assert len(world.troubled("invoice")) == sum(documents.values())
    unmapped = [t.id for t in world.psa.taxes if not t.tax_type]
    users = {i.id for i in world.psa.invoices if any(line.tax in unmapped for line in i.lines)}
    assert users == {k for k, kind in world.troubled("invoice").items() if kind == "tax_unmapped"}


def test_everything_else_can_go_to_xero(world: World) -> None:
    troubled = world.troubled("invoice")
    customers = {c.id: c for c in world.psa.customers}
    items = {i.id: i for i in world.psa.items}
    taxes = {t.id: t for t in world.psa.taxes}
    bad_customers = world.troubled("customer")
    for invoice in world.psa.invoices:
        if invoice.id in troubled or invoice.kind != "invoice":
            continue
        tenant = world.tenant(invoice.tenant)
        customer = customers[invoice.customer]
        assert customer.id not in bad_customers
        assert (customer.tenant, customer.active) == (invoice.tenant, True)
        assert customer.account_number
        assert invoice.due_date >= invoice.date
        rates = {r.tax_type: r for r in tenant.tax_rates if r.status == "ACTIVE"}
        accounts = {a.code: a for a in tenant.accounts if a.status == "ACTIVE"}
        known = {i.code for i in tenant.items}
        for line in invoice.lines:
            if line.kind == "text":
                assert line.net == line.quantity == 0
                continue
            rate = rates[taxes[line.tax].tax_type]
            assert (rate.rate, taxes[line.tax].tenant) == (line.tax_rate, invoice.tenant)
            assert accounts[line.account].account_class == "REVENUE"
            assert "R" in rate.applies
            if line.kind == "labour":
                assert line.code in known
            else:
                item = items[line.item]
                assert item.code == line.code
                assert item.tenant == invoice.tenant or (not item.tenant and item.code in known)
            assert not line.tracking_option or line.tracking_option in {
                o.name for category in tenant.tracking for o in category.options
            }
        assert next(c.code for c in world.psa.currencies if c.id == invoice.currency) in tenant.currencies


def test_names_codes_and_numbers_are_unique_where_xero_wants_it(world: World) -> None:
    psa = world.psa
    sound = [c for c in psa.customers if c.id not in world.troubled("customer")]
    names = [c.name.casefold() for c in sound] + [s.name.casefold() for s in psa.suppliers]
    assert max(Counter(names).values()) == 1
    numbers = [c.account_number for c in psa.customers if c.account_number]
    numbers += [s.account_number for s in psa.suppliers]
    assert max(Counter(numbers).values()) == 1
    assert max(Counter(i.code for i in psa.items).values()) == 1
    assert all(len(i.code) <= 30 and len(i.name) <= 50 for i in psa.items)
    assert all(i.parent == 0 or next(p for p in psa.items if p.id == i.parent).parent == 0 for i in psa.items)
    rate_codes = {r.code for r in psa.charge_rates if r.code}
    assert rate_codes <= {i.code for i in psa.items if not i.tenant}
    assert [r.code for r in psa.charge_rates].count("") == 1
    for tenant in world.tenants:
        active = [c.name.casefold() for c in tenant.contacts if c.status == "ACTIVE"]
        assert max(Counter(active).values()) == 1
        assert max(Counter(c.account_number for c in tenant.contacts if c.account_number).values()) == 1
        # One pair has a contact number twice, as organisations have; it decides nothing about a customer.
        assert list(Counter(c.contact_number for c in tenant.contacts if c.contact_number).values()) == [2]
        assert max(Counter(i.code for i in tenant.items).values()) == 1
        assert max(Counter((d.type, d.number) for d in tenant.documents).values()) == 1


def test_no_contact_contradicts_a_customer(world: World) -> None:
    """Whatever Xero holds is either equal by name, by account number, by both, or unknown to the PSA."""
    records: list[Customer | Supplier] = [*world.psa.customers, *world.psa.suppliers]
    for tenant in world.tenants:
        by_name = {r.name.casefold(): r for r in records if r.tenant == tenant.key}
        by_number = {r.account_number: r for r in records if r.tenant == tenant.key and r.account_number}
        hits = Counter[str]()
        for contact in tenant.contacts:
            named, numbered = by_name.get(contact.name.casefold()), by_number.get(contact.account_number)
            if named is not None and numbered is not None:
                assert named is numbered
            elif named is not None:
                assert contact.account_number == ""
            hits["both" if named and numbered else "name" if named else "number" if numbered else "none"] += 1
        assert set(hits) == {"both", "name", "number", "none"}, hits


def test_trouble_is_real_on_the_xero_side(world: World) -> None:
    uk = world.tenant("uk")
    by_kind = {t.kind: t for t in world.trouble if t.record == "invoice"}
    invoices = {i.id: i for i in world.psa.invoices}
    archived = [c for c in uk.contacts if c.status == "ARCHIVED"]
    customers = {c.id: c for c in world.psa.customers}
    victim = customers[invoices[by_kind["contact_archived"].id].customer]
    assert [(c.name, c.account_number) for c in archived] == [(victim.name, victim.account_number)]
    taken = invoices[by_kind["number_taken"].id]
    other = next(d for d in uk.documents if d.number == taken.number)
    assert (other.type, other.total != taken.total) == ("ACCREC", True)
    used = {line.account for line in invoices[by_kind["account_archived"].id].lines}
    for tenant in world.tenants:
        closed = {a.code for a in tenant.accounts if a.status == "ARCHIVED"}
        assert len(closed) == 1
        if tenant.key == "uk":
            assert closed <= used
