"""The PSA half of the demo world as the CSV files of nethelpdesk section 8.1.

Only the translation from world to rows. What is voided, hidden or waits isn't exported, nor are bills and templates.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from xerotui.sandbox.world import Customer, Invoice, Line, PurchaseOrder, Supplier, World
from xerotui_nethelpdesk.emulator.seed import tax_codes

Sheet = dict[str, str]
_PARTY = (
    "id,name,account_code,email,first_name,last_name,phone,address1,address2,address3,address4,postcode,country,vat_no,"
    "currency,due_type,due_days,active,top_level,organisation"
)
COLUMNS = {
    "customers": _PARTY,
    "suppliers": _PARTY,
    "items": (
        "code,name,description,sales_price,cost_price,sales_account,purchase_account,sales_tax,purchase_tax,active"
    ),
    "taxes": "code,description,rate",
    "charges": "code,name,rate,tax,account_code",
    "invoices": (
        "invoice_id,customer_id,invoice_date,due_date,reference,currency,line_no,item_code,description,quantity,"
        "unit_price,net,tax_amount,tax_code,account_code,charge_code"
    ),
    "purchase_orders": (
        "po_id,supplier_id,date,delivery_date,reference,currency,line_no,item_code,description,quantity,unit_price,"
        "tax_code,account_code"
    ),
}
KEYS = {name: columns.split(",")[0] for name, columns in COLUMNS.items()}
# Kinds of files whose records are documents: one row for each line.
DOCUMENTS = {"invoices": "invoice", "purchase_orders": "purchase_order"}


def text_of(name: str, rows: Iterable[Mapping[str, str]], *, dialect: str = ",") -> str:
    """A file of that kind with its headers; what a row doesn't say is blank."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS[name].split(","), restval="", delimiter=dialect, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class Sheets:
    """Yields the rows of each kind of file."""

    def __init__(self, world: World) -> None:
        self.world, self.psa = world, world.psa
        self.codes = tax_codes(world)
        self.currencies = {c.id: c.code for c in self.psa.currencies}
        self.tenants = {t.key: t for t in world.tenants}

    def rows(self) -> Iterator[tuple[str, Sheet]]:
        """Every row with the kind of its file."""
        yield from (("customers", self._customer(c)) for c in self.psa.customers)
        yield from (("suppliers", self._supplier(s)) for s in self.psa.suppliers)
        yield from (("items", row) for row in self._items())
        # Two taxes of one code and rate are one here.
        taxes = {self.codes[t.id]: t for t in reversed(self.psa.taxes)}
        for code, tax in taxes.items():
            yield "taxes", {"code": code, "description": tax.name, "rate": plain(tax.rate)}
        for rate in self.psa.charge_rates:
            yield (
                "charges",
                {"code": str(rate.id), "name": rate.name, "rate": plain(rate.rate), "account_code": rate.code},
            )
        for invoice in self.psa.invoices:
            if (invoice.kind, invoice.state) == ("invoice", "open"):
                yield from (("invoices", row) for row in self._invoice(invoice))
        for order in self.psa.purchase_orders:
            if order.state == "approved":
                yield from (("purchase_orders", row) for row in self._order(order))

    def _customer(self, c: Customer) -> Sheet:
        place = c.address
        return {
            # A NUL makes a file unreadable as a whole, which no export would let happen.
            "id": str(c.id), "name": c.name.replace("\x00", ""), "account_code": c.account_number, "email": c.email,
            "first_name": c.first_name, "last_name": c.last_name, "phone": c.phone, "address1": place.line1,
            "address2": place.line2, "address3": place.city, "address4": place.region, "postcode": place.postcode,
            "country": place.country, "vat_no": c.tax_number, "currency": self.currencies[c.currency],
            "due_type": str(c.due_type), "due_days": str(c.due_days), "active": "yes" if c.active else "no",
            "top_level": self.tenants[c.tenant].name,
        }  # fmt: skip

    def _supplier(self, s: Supplier) -> Sheet:
        place, (first, _, last) = s.address, s.contact_name.partition(" ")
        return {
            "id": str(s.id), "name": s.name, "account_code": s.account_number, "email": s.email, "first_name": first,
            "last_name": last, "phone": s.phone, "address1": place.line1, "address2": place.line2,
            "address3": place.city, "address4": place.region, "postcode": place.postcode, "country": place.country,
            "currency": self.currencies[s.currency], "due_type": "0", "due_days": str(s.due_days),
            "active": "yes" if s.active else "no", "organisation": self.tenants[s.tenant].tenant_id,
        }  # fmt: skip

    def _items(self) -> Iterator[Sheet]:
        for item in self.psa.items:
            yield {
                "code": item.code, "name": item.name, "description": item.description, "sales_price": plain(item.price),
                "cost_price": plain(item.cost), "sales_account": item.sales_account,
                "purchase_account": item.purchase_account, "sales_tax": self.codes.get(item.sales_tax, ""),
                "purchase_tax": self.codes.get(item.purchase_tax, ""), "active": "yes",
            }  # fmt: skip

    def _invoice(self, i: Invoice) -> Iterator[Sheet]:
        # Of some the date is left to the customer's rule.
        due = "" if i.id % 4 == 0 else i.due_date.isoformat()
        for n, line in enumerate(i.lines, 1):
            yield {
                "invoice_id": str(i.id), "customer_id": str(i.customer), "invoice_date": i.date.isoformat(),
                "due_date": due, "reference": i.customer_order or i.reference, **self._line(i.currency, n, line),
                "net": plain(line.net), "tax_amount": plain(line.tax_amount),
                "charge_code": str(line.charge_rate) if line.charge_rate else "",
            }  # fmt: skip

    def _order(self, o: PurchaseOrder) -> Iterator[Sheet]:
        for n, line in enumerate(o.lines, 1):
            yield {
                "po_id": str(o.id), "supplier_id": str(o.supplier), "date": o.date.isoformat(),
                "delivery_date": o.delivery_date.isoformat(), "reference": o.reference,
                **self._line(o.currency, n, line),
            }  # fmt: skip

    def _line(self, currency: int, n: int, line: Line) -> Sheet:
        return {
            "currency": self.currencies[currency], "line_no": str(n), "item_code": line.code,
            "description": line.description, "quantity": plain(line.quantity), "unit_price": plain(line.unit_price),
            "tax_code": self.codes.get(line.tax, ""), "account_code": line.account,
        }  # fmt: skip


def plain(amount: Decimal) -> str:
    """A number as people write it."""
    return format(amount, "f")
