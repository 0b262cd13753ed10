"""The Xero half of the demo world: two organisations and what they hold before anything is synced.

Contacts and items that equal the PSA's, others that only Xero knows, a few documents. Settings tables come
from `world_regions`.
"""

from __future__ import annotations

import random
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from xerotui.sandbox.world_documents import line_amounts
from xerotui.sandbox.world_names import Names, account_number, domain
from xerotui.sandbox.world_psa import instant
from xerotui.sandbox.world_regions import REGIONS, TAX_BY_ID, UK, Guid, Region, accounts_of, tax_rates_of
from xerotui.sandbox.world_types import Customer, Invoice, Item, Supplier
from xerotui.sandbox.world_xero_types import (
    Address,
    Tenant,
    XeroContact,
    XeroDocument,
    XeroItem,
    XeroLine,
    XeroOption,
    XeroTheme,
    XeroTracking,
)

# How many records only Xero knows: customers, suppliers, items; British, Australian.
_ONLY_XERO = {"uk": (8, 4, 9), "au": (4, 2, 4)}
# No identity of the PSA looks like it, so that it decides nothing but what it is there for.
_TWIN = "LEGACY-7"
_ALIAS = {
    " Pty Ltd": " Proprietary Limited", " Pty Limited": " P/L", " Ltd": " Limited", " Limited": " Ltd",
    " LLP": " Partners", " plc": " PLC Holdings",
}  # fmt: skip


def lock_dates(today: date) -> tuple[date, date]:
    """Period lock date (a month's end at least ninety days back) and end-of-year lock date (30 June)."""
    before = today - timedelta(days=120)
    return before.replace(day=monthrange(before.year, before.month)[1]), date(today.year - 1, 6, 30)


class XeroSide:
    """Makes one organisation out of what the PSA holds for the same tenant."""

    def __init__(self, seed: int, today: date, region: Region, names: Names, guid: Guid) -> None:
        self.random = random.Random(f"{seed}/xero/{region.key}")
        self.today, self.region, self.names, self.guid = today, region, names, guid
        self.contacts: list[XeroContact] = []
        self.items: list[XeroItem] = []
        self.documents: list[XeroDocument] = []

    def build(
        self, customers: Iterable[Customer], suppliers: Iterable[Supplier], items: Iterable[Item],
        archived: int, taken: Invoice | None, troubled: set[int],
    ) -> Tenant:  # fmt: skip
        """The organisation; `archived` is a customer whose contact is archived, `taken` an invoice whose
        number is already used, `troubled` are customers that Xero does not know."""
        self._contacts([c for c in customers if c.active], list(suppliers), archived, troubled)
        self._items(list(items))
        self._documents(taken)
        region, guid = self.region, self.guid
        period, year = lock_dates(self.today)
        options = tuple(XeroOption(guid(region.key, "option", name), name) for name in REGIONS)
        return Tenant(
            key=region.key,
            tenant_id=guid(region.key, "tenant"),
            connection_id=guid(region.key, "connection"),
            organisation_id=guid(region.key, "organisation"),
            name=region.company,
            legal_name=region.company,
            country=region.country,
            currency=region.currency_code,
            version=region.version,
            timezone=region.timezone,
            short_code=region.short_code,
            tax_number=region.tax_number,
            is_demo=False,
            period_lock_date=period if region is UK else None,
            end_of_year_lock_date=year,
            currencies=("GBP", "EUR", "USD") if region is UK else ("AUD", "USD"),
            accounts=accounts_of(region, guid),
            tax_rates=tax_rates_of(region),
            tracking=(XeroTracking(guid(region.key, "tracking"), "Region", options),),
            themes=(
                XeroTheme(guid(region.key, "theme", 0), "Standard", 0),
                XeroTheme(guid(region.key, "theme", 1), "Managed services", 1),
            ),
            contacts=tuple(self.contacts),
            items=tuple(self.items),
            documents=tuple(self.documents),
        )

    def _contacts(
        self, customers: list[Customer], suppliers: list[Supplier], archived: int, troubled: set[int]
    ) -> None:
        for n, customer in enumerate(customers):
            if customer.id == archived:
                self._of_customer(customer, customer.name, customer.account_number, status="ARCHIVED")
            elif customer.id in troubled:
                continue
            elif n % 4 == 0:
                self._of_customer(customer, customer.name, customer.account_number)
            elif n % 10 == 1:
                self._of_customer(customer, customer.name, "")
            elif n % 10 == 3:
                self._of_customer(customer, _alias(customer.name), customer.account_number)
        for n, supplier in enumerate(suppliers):
            if n % 3 == 0:
                self._of_supplier(supplier)
        only_customers, only_suppliers, _ = _ONLY_XERO[self.region.key]
        for n in range(only_customers + only_suppliers):
            self._only_xero(n, is_supplier=n >= only_customers)

    def _of_customer(self, customer: Customer, name: str, number: str, status: str = "ACTIVE") -> None:
        self._contact(
            name, number, customer.address, customer.email, customer.phone,
            (customer.first_name, customer.last_name), tax_number=customer.tax_number, status=status,
            is_customer=True,
        )  # fmt: skip

    def _of_supplier(self, supplier: Supplier) -> None:
        first, _, last = supplier.contact_name.partition(" ")
        self._contact(
            supplier.name, supplier.account_number, supplier.address, supplier.email, supplier.phone,
            (first, last), is_supplier=True,
        )  # fmt: skip

    def _only_xero(self, n: int, *, is_supplier: bool) -> None:
        """A record that the PSA doesn't know; the first two have one contact number, as Xero was seen to hold."""
        name = self.names.supplier(self.region) if is_supplier else self.names.customer(self.region)
        key = 700 + n
        self._contact(
            name, account_number(name, key) if n % 3 else "", self.names.address(self.region),
            f"office@{domain(name, key)}", self.names.phone(self.region), self.names.person(),
            is_customer=not is_supplier, is_supplier=is_supplier, contact_number=_TWIN if n < 2 else "",
        )  # fmt: skip

    def _contact(
        self, name: str, number: str, address: Address, email: str, phone: str, person: tuple[str, str], *,
        tax_number: str = "", status: str = "ACTIVE", is_customer: bool = False, is_supplier: bool = False,
        contact_number: str = "",
    ) -> None:  # fmt: skip
        self.contacts.append(
            XeroContact(
                contact_id=self.guid(self.region.key, "contact", len(self.contacts)),
                name=name,
                account_number=number,
                contact_number=contact_number,
                status=status,
                first_name=person[0],
                last_name=person[1],
                email=email,
                phone=phone,
                tax_number=tax_number,
                address=address,
                is_customer=is_customer,
                is_supplier=is_supplier,
                updated=instant(self.today - timedelta(days=self.random.randint(95, 700)), 12),
            )
        )

    def _items(self, items: list[Item]) -> None:
        own = [item for item in items if item.tenant == self.region.key and not item.parent]
        for item in [item for item in items if not item.tenant] + own[::4]:
            self._item(item.code, item.name, item.price, item.cost, item.sales_account, item.purchase_account)
        for n in range(_ONLY_XERO[self.region.key][2]):
            price = Decimal(self.random.randint(500, 90_000)) / 100
            self._item(f"OLD-{n + 1:02d}", f"Legacy product {n + 1}", price, price / 2, "200", "310")

    def _item(self, code: str, name: str, price: Decimal, cost: Decimal, sales: str, purchases: str) -> None:
        self.items.append(
            XeroItem(
                item_id=self.guid(self.region.key, "item", code),
                code=code,
                name=name,
                description=name,
                purchase_description=name,
                sales_price=price,
                sales_account=sales,
                sales_tax=TAX_BY_ID[self.region.standard_sales].tax_type,
                purchase_price=cost.quantize(Decimal("0.01")),
                purchase_account=purchases,
                purchase_tax=TAX_BY_ID[self.region.standard_purchases].tax_type,
                updated=instant(self.today - timedelta(days=self.random.randint(95, 700)), 13),
            )
        )

    def _documents(self, taken: Invoice | None) -> None:
        buyers = [c for c in self.contacts if c.is_customer and c.status == "ACTIVE"]
        sellers = [c for c in self.contacts if c.is_supplier and c.status == "ACTIVE"]
        for n in range(8 if self.region is UK else 4):
            status = "DRAFT" if n % 4 == 3 else "AUTHORISED"
            self._document("ACCREC", f"INV-{n + 51:04d}", buyers[n % len(buyers)], n, status)
        for n in range(2):
            self._document("ACCPAY", f"SB{4100 + n}", sellers[n % len(sellers)], n, "AUTHORISED")
        if taken is not None:
            self._document("ACCREC", taken.number, buyers[-1], 0, "AUTHORISED")

    def _document(self, kind: str, number: str, contact: XeroContact, n: int, status: str) -> None:
        sale = kind == "ACCREC"
        tax = TAX_BY_ID[self.region.standard_sales if sale else self.region.standard_purchases]
        quantity, price = Decimal(self.random.randint(1, 9)), Decimal(self.random.randint(2_000, 60_000)) / 100
        net, tax_amount = line_amounts(quantity, price, Decimal(0), tax.rate)
        day = self.today - timedelta(days=self.random.randint(20, 80))
        key = self.guid(self.region.key, kind, number)
        line = XeroLine(
            self.guid(self.region.key, kind, number, "line"), "Balance brought forward", quantity, price,
            "260" if sale else "429", tax.tax_type, net, tax_amount,
        )  # fmt: skip
        self.documents.append(
            XeroDocument(
                key, kind, number, contact.contact_id, day, day + timedelta(days=30), status,
                self.region.currency_code, (line,), f"Before the PSA {n + 1}" if sale else "", instant(day, 14),
            )
        )  # fmt: skip


def _alias(name: str) -> str:
    for ending, other in _ALIAS.items():
        if name.endswith(ending):
            return name.removesuffix(ending) + other
    return f"{name} Trading"
