"""The documents of the PSA in the demo world: invoices with their lines, purchase orders, and the oddities.

Arithmetic of lines lives here, written from xero-api section 8; which document has what trouble is decided
in `world_trouble`.
"""

from __future__ import annotations

import random
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from xerotui.sandbox.world_psa import Catalogue, instant, region_of, tracking_option
from xerotui.sandbox.world_regions import TAX_BY_ID
from xerotui.sandbox.world_types import (
    ChargeRate,
    Customer,
    Invoice,
    Item,
    Line,
    PurchaseOrder,
    Supplier,
    cents,
    document_totals,
)
from xerotui.sandbox.world_xero_types import Address

FIRST_INVOICE, FIRST_ORDER, FIRST_LINE = 10_001, 301, 50_001
_QUANTITIES = tuple(Decimal(q) for q in ("1", "1", "2", "3", "5", "6", "12", "25", "40", "0.5", "2.375", "17.25"))
_HOURS = tuple(Decimal(q) for q in ("0.25", "0.5", "0.75", "1", "1.25", "1.5", "2", "3.25", "4", "7.5"))
_DISCOUNTS = tuple(Decimal(d) for d in ("5", "7.5", "10", "12.5", "15"))
_HEADINGS = ("Managed services for the month", "Project work", "Hardware supplied", "Support tickets", "Renewals")


def line_amounts(quantity: Decimal, price: Decimal, discount: Decimal, rate: Decimal) -> tuple[Decimal, Decimal]:
    """Net and tax of one line, each rounded to two decimals on its own."""
    net = cents(quantity * price * (100 - discount) / 100)
    return net, cents(net * rate / 100)


def due_date(day: date, due_type: int, days: int) -> date:
    """When a document of that day falls due, by the four rules of halo-api section 8.2."""
    if due_type == 0:
        return day + timedelta(days=days)
    last = day.replace(day=monthrange(day.year, day.month)[1])
    if due_type == 1:
        return last + timedelta(days=days)
    month = last + timedelta(days=1) if due_type == 2 else day
    return month.replace(day=min(days, monthrange(month.year, month.month)[1]))


class Documents:
    """Makes documents one after the other; ids and numbers rise with each call."""

    def __init__(
        self, seed: int, catalogue: Catalogue, rates: Sequence[ChargeRate], sites: dict[int, list[int]]
    ) -> None:
        self.random = random.Random(f"{seed}/documents")
        self.rates = rates
        self.sites = sites
        self.by_code = {item.code: item for item in catalogue.items}
        self.sellable: dict[str, list[Item]] = {}
        self.buyable: dict[str, list[Item]] = {}
        labour = {rate.code for rate in rates}
        for key in ("uk", "au"):
            offered = [i for i in catalogue.items if i.tenant in ("", key) and i.code not in labour]
            self.sellable[key] = offered
            self.buyable[key] = [i for i in offered if i.tenant and not i.parent]
        self.invoices: list[Invoice] = []
        self.orders: list[PurchaseOrder] = []
        self._line = FIRST_LINE
        self._invoice = FIRST_INVOICE
        self._template = 0

    def line(self, **fields: Any) -> Line:
        """One line with a fresh id; net and tax follow from quantity, price, discount and rate."""
        line = Line(id=self._line, **fields)
        self._line += 1
        net, tax = line_amounts(line.quantity, line.unit_price, line.discount, line.tax_rate)
        return msgspec.structs.replace(line, net=net, tax_amount=tax)

    def item_line(self, item: Item, customer: Customer, tax: int) -> Line:
        """A line that sells an item to a customer, now and then at a price or discount of its own."""
        price = item.price
        if self.random.random() < 0.2:
            price = (price * Decimal("0.9735")).quantize(Decimal("0.0001"))
        discount = self.random.choice(_DISCOUNTS) if self.random.random() < 0.12 else Decimal(0)
        return self.line(
            kind="item", description=item.name, detail=item.description if self.random.random() < 0.3 else "",
            item=item.id, code=item.code, account=item.sales_account, quantity=self.random.choice(_QUANTITIES),
            unit_price=price, discount=discount, tax=tax, tax_rate=TAX_BY_ID[tax].rate,
            tracking_option=tracking_option(customer),
        )  # fmt: skip

    def labour_line(self, rate: ChargeRate, customer: Customer, tax: int) -> Line:
        """A line that bills time of a kind of labour, with the code of that kind."""
        account = self.by_code[rate.code].sales_account if rate.code else "200"
        return self.line(
            kind="labour", description=rate.name, detail=f"Ticket {self.random.randint(20_000, 29_999):d}",
            charge_rate=rate.id, code=rate.code, account=account, quantity=self.random.choice(_HOURS),
            unit_price=rate.rate, tax=tax, tax_rate=TAX_BY_ID[tax].rate,
            tracking_option=tracking_option(customer),
        )  # fmt: skip

    def lines(self, customer: Customer, tax: int = 0) -> list[Line]:
        """A believable mix of lines at the customer's tax, or at `tax` where that is given."""
        rate = tax or customer.sales_tax
        found: list[Line] = []
        if self.random.random() < 0.3:
            found.append(self.line(kind="text", description=self.random.choice(_HEADINGS)))
        for _ in range(self.random.choice((1, 1, 2, 2, 3, 4, 5))):
            if self.random.random() < 0.35:
                found.append(self.labour_line(self.random.choice(self.rates), customer, rate))
            else:
                item = self.random.choice(self.sellable[customer.tenant])
                found.append(self.item_line(item, customer, rate))
        return found

    def invoice(
        self, customer: Customer, day: date, lines: Sequence[Line], *, kind: str = "invoice",
        state: str = "open", supplier: Supplier | None = None, off_by: Decimal = Decimal(0),
    ) -> Invoice:  # fmt: skip
        """Add an invoice; `off_by` makes its header disagree with its lines."""
        net, tax, total = document_totals(lines)
        due_type, days = (0, supplier.due_days) if supplier else (customer.due_type, customer.due_days)
        made = instant(day, self.random.randint(8, 16), self.random.randint(0, 59))
        if kind == "template":
            self._template -= 1
            key = self._template
        else:
            key = self._invoice
            self._invoice += 1
        invoice = Invoice(
            id=key, tenant=customer.tenant, kind=kind, state=state, number=str(key), customer=customer.id,
            supplier=supplier.id if supplier else 0, site=self.random.choice(self.sites[customer.id]), date=day,
            due_date=due_date(day, due_type, days), due_type=due_type, due_days=days,
            reference=self.random.choice((f"{day:%B} services", "", f"Quote {self.random.randint(300, 999)}")),
            customer_order=f"PO-{self.random.randint(1000, 9999)}" if self.random.random() < 0.25 else "",
            currency=customer.currency, lines=tuple(lines), net=net, tax=tax, total=total + off_by,
            created=made, updated=made + timedelta(minutes=self.random.randint(1, 200), seconds=key % 60),
        )  # fmt: skip
        self.invoices.append(invoice)
        return invoice

    def order(self, supplier: Supplier, day: date, *, state: str = "approved") -> PurchaseOrder:
        """Add an order of one to four items to a supplier."""
        region = region_of(supplier.tenant)
        tax = TAX_BY_ID[supplier.purchase_tax]
        items = self.random.sample(self.buyable[supplier.tenant], self.random.randint(1, 4))
        lines = tuple(
            self.line(
                kind="item", description=item.name, detail=item.purchase_description, item=item.id,
                code=item.code, account=item.purchase_account, unit_price=item.cost,
                quantity=Decimal(self.random.randint(1, 20)), tax=tax.id, tax_rate=tax.rate,
            )
            for item in items
        )  # fmt: skip
        net, total_tax, total = document_totals(lines)
        key = FIRST_ORDER + len(self.orders)
        town, county, postcode = region.towns[key % len(region.towns)]
        store = Address("Northgate store", "", town, county, postcode.format(n=1), region.country_name)
        made = PurchaseOrder(
            id=key, tenant=supplier.tenant, state=state, number=f"PO{key}", supplier=supplier.id, date=day,
            delivery_date=day + timedelta(days=self.random.randint(2, 15)),
            reference=f"Stock {town}", currency=supplier.currency,
            deliver_to=store, lines=lines, net=net, tax=total_tax, total=total,
            updated=instant(day, 15, self.random.randint(0, 59), key % 60),
        )  # fmt: skip
        self.orders.append(made)
        return made
