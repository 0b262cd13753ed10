"""A third organisation that is full already: what a PSA and its bookkeeper have before anything is synced by us.

Contacts under other spellings, archived twins, invoices that are there, nearly there or somewhere else, what a sync of
the PSA's own has left, templates of repeating invoices, a locked year. Only this organisation and its part of the PSA
live here; what of it must come to nothing, and why, is in `FULL_TROUBLE`.
"""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from xerotui.sandbox.world_psa import instant
from xerotui.sandbox.world_seeds import tenant_of
from xerotui.sandbox.world_types import (
    Currency,
    Customer,
    Invoice,
    Item,
    Line,
    Site,
    Supplier,
    Tax,
    Trouble,
    World,
    cents,
    document_totals,
)
from xerotui.sandbox.world_xero_types import (
    Address,
    Tenant,
    XeroContact,
    XeroDocument,
    XeroItem,
    XeroLine,
    XeroRepeating,
)

KEY = "nz"
_NZD, _SALES_TAX, _PURCHASE_TAX = 5, 21, 22
_RATE = Decimal(15)
_PLACE = Address("7 Quay Street", "", "Nelson", "", "7010", "New Zealand")

# id | name | account number in the PSA | name in Xero | account number in Xero | status there
_CUSTOMERS = """
901|Fenwick Dairy Ltd|FEN901|Fenwick Dairy Ltd|FEN901|ACTIVE
902|Harlow & Pike LLP|HAR902|Harlow and Pike L.L.P.|HAR902|ACTIVE
903|Kestrel Joinery Ltd|KES903|KESTREL  Joinery Ltd||ACTIVE
904|Lindley Vets Ltd|LIN904|Lindley Vets Ltd|LIN904|ACTIVE
905|Marlow Archive Ltd|MAR905|Marlow Archive Ltd|MAR905|ARCHIVED
906|Oakham Studios Ltd|OAK906|||
907|Quill Press Ltd|QUI907|Quill Printing Ltd|QP-1|ACTIVE
908|Rata Roofing & Sons Ltd|RAT908|Rata Roofing and Sons Limited||ACTIVE
"""
_ITEMS = (
    ("NZ-CARE", "Care plan", "240", True),
    ("NZ-HOST", "Hosting", "95.5", True),
    ("NZ-NEW", "New line", "60", False),
)

# number | customer | days ago | quantity | price | what Xero has: - nothing, = the same, or what differs | native id
_INVOICES = """
7001|901|20|1|240|=|
7002|902|25|3|95.5|=|
7003|903|30|1|60|=|
7004|901|400|1|240|paid|
7005|907|35|2|240|number|right
7006|901|15|1|110|-|elsewhere
7007|902|16|1|120|-|unknown
7008|901|18|2|240|total|
7009|902|19|1|240|contact|
7010|903|21|1|95.5|day|
7011|904|22|1|95.5|voided|
7012|905|12|1|240|-|
7013|906|10|4|60|-|
7014|904|9|1|240|-|
7015|902|300|1|240|-|
7016|904|23|5|95.5|=|
"""
# Why each of these must not arrive, by its number.
FULL_TROUBLE = {
    "7006": ("native_elsewhere", "its Xero id is that of a document in another organisation"),
    "7007": ("native_unknown", "its Xero id is nobody's"),
    "7008": ("number_other_total", "Xero has the number over another total"),
    "7009": ("number_other_contact", "Xero has the number for another contact"),
    "7010": ("number_other_day", "Xero has the number on another day"),
    "7011": ("number_voided", "Xero has the number on a voided document"),
    "7012": ("contact_archived", "its customer's contact in Xero is archived"),
    "7015": ("period_locked", "it is dated in the locked year"),
}
# What is in Xero already and has to be taken over without a write.
FULL_THERE = ("7001", "7002", "7003", "7004", "7005", "7016")
# What isn't there and nothing stops.
FULL_NEW = ("7013", "7014")


def _guid(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "xerotui/full/" + "/".join(map(str, parts))))


def full_world(world: World) -> World:
    """The world with a third organisation, in New Zealand, that holds most of its PSA's documents already.

    The organisations before it stay as they are.
    """
    full = _Full(world)
    psa = world.psa
    psa = msgspec.structs.replace(
        psa,
        currencies=(*psa.currencies, Currency(_NZD, "New Zealand Dollar", "$", "NZD", Decimal("2.2417"))),
        taxes=(
            *psa.taxes,
            Tax(_SALES_TAX, "15% GST on Income", KEY, _RATE, "OUTPUT2", purchases=False),
            Tax(_PURCHASE_TAX, "15% GST on Expenses", KEY, _RATE, "INPUT2", purchases=True),
        ),
        items=(*psa.items, *full.items),
        customers=(*psa.customers, *full.customers.values()),
        sites=(*psa.sites, *full.sites),
        suppliers=(*psa.suppliers, full.supplier),
        invoices=(*psa.invoices, *full.invoices),
    )
    numbered = {i.number: i.id for i in full.invoices}
    trouble = [Trouble(kind, "invoice", numbered[n], detail) for n, (kind, detail) in FULL_TROUBLE.items()]
    trouble.append(Trouble("contact_archived", "customer", 905, "its contact in Xero is archived"))
    return msgspec.structs.replace(
        world, tenants=(*world.tenants, full.tenant), psa=psa, trouble=(*world.trouble, *trouble)
    )


class _Full:
    """Makes the organisation and its part of the PSA from the tables."""

    def __init__(self, world: World) -> None:
        self.today = world.today
        self.old = instant(world.today - timedelta(days=95), 10)
        # A document of another organisation, whose id the PSA keeps by mistake.
        self.elsewhere = next(d.document_id for t in world.tenants for d in t.documents if d.type == "ACCREC")
        self.customers: dict[int, Customer] = {}
        self.sites: list[Site] = []
        self.contacts: dict[int, XeroContact] = {}
        self.items = [self._item(n, *row[:3]) for n, row in enumerate(_ITEMS)]
        for row in _CUSTOMERS.strip().splitlines():
            self._customer(*row.split("|"))
        self.supplier = Supplier(
            904, KEY, "Lindley Vets Ltd", "LIN904", True, "Ada Lindley", "accounts@lindley.example", "03 555 0904",
            _NZD, _PURCHASE_TAX, 30, _PLACE, self.old,
        )  # fmt: skip
        self.documents: list[XeroDocument] = []
        self.invoices = [self._invoice(*row.split("|")) for row in _INVOICES.strip().splitlines()]
        self.tenant = self._tenant()

    def _item(self, n: int, code: str, name: str, price: str) -> Item:
        return Item(
            9501 + n, KEY, 11, code, name, f"{name}, as agreed", f"{name} (supplier cost)", Decimal(price),
            Decimal(price) / 2, "200", "310", _SALES_TAX, _PURCHASE_TAX, 0, 0, False, self.old,
        )  # fmt: skip

    def _customer(self, key: str, name: str, number: str, theirs: str, their_number: str, status: str) -> None:
        id, mail = int(key), f"accounts@{name.split()[0].casefold()}.example"
        contact_id = _guid("contact", id)
        native = contact_id if id == 907 else ""
        self.customers[id] = Customer(
            id, KEY, name, number, True, "Ada", name.split()[0], mail, f"03 555 0{id}", f"NZ{id:09d}", _NZD, _SALES_TAX,
            _PURCHASE_TAX, 2, 20, 9000 + id, _PLACE, self.old, native,
        )  # fmt: skip
        self.sites.append(Site(9000 + id, id, "Main", _PLACE, f"03 555 0{id}", self.old))
        if theirs:
            self.contacts[id] = XeroContact(
                contact_id, theirs, their_number, "", status, "Ada", name.split()[0], mail, f"03 555 0{id}",
                f"NZ{id:09d}", _PLACE, is_customer=True, is_supplier=id == 904, updated=self.old,
            )  # fmt: skip

    def _invoice(
        self, number: str, customer: str, days: str, quantity: str, price: str, there: str, native: str
    ) -> Invoice:
        id, of, day = 90_000 + int(number), self.customers[int(customer)], self.today - timedelta(days=int(days))
        item = next((i for i in self.items if i.price == Decimal(price)), self.items[0])
        net = cents(Decimal(quantity) * Decimal(price))
        line = Line(
            id=id * 10, kind="item", description=item.name, item=item.id, code=item.code, account="200",
            quantity=Decimal(quantity), unit_price=Decimal(price), tax=_SALES_TAX, tax_rate=_RATE, net=net,
            tax_amount=cents(net * _RATE / 100),
        )  # fmt: skip
        sums = document_totals([line])
        due = (day.replace(day=1) + timedelta(days=32)).replace(day=20)
        made = instant(day, 9)
        ids = {"": "", "right": _guid("document", number), "elsewhere": self.elsewhere, "unknown": _guid("nobody")}
        invoice = Invoice(
            id, KEY, "invoice", "open", number, of.id, 0, of.main_site, day, due, 2, 20, f"Job {number}", "", _NZD,
            (line,), *sums, made, made + timedelta(minutes=1), ids[native],
        )  # fmt: skip
        if there != "-":
            self.documents.append(self._there(invoice, there))
        return invoice

    def _there(self, invoice: Invoice, how: str) -> XeroDocument:
        """The document that Xero has of an invoice: the same, or other in one thing."""
        line = invoice.lines[0]
        price = line.unit_price + (10 if how == "total" else 0)
        net = cents(line.quantity * price)
        contact = self.contacts[901 if how == "contact" else invoice.customer]
        line_made = XeroLine(
            _guid("line", invoice.number), line.description, line.quantity, price, "200", "OUTPUT2", net,
            cents(net * _RATE / 100), line.code if line.code != "NZ-NEW" else "",
        )  # fmt: skip
        return XeroDocument(
            document_id=_guid("document", invoice.number),
            type="ACCREC",
            number=f"INV-{invoice.number}" if how == "number" else invoice.number,
            contact_id=contact.contact_id,
            date=invoice.date - timedelta(days=1) if how == "day" else invoice.date,
            due_date=invoice.due_date,
            status={"voided": "VOIDED", "paid": "PAID"}.get(how, "AUTHORISED"),
            currency="NZD",
            lines=(line_made,),
            reference=invoice.reference,
            updated=instant(invoice.date, 12),
        )

    def _tenant(self) -> Tenant:
        seeded = tenant_of(KEY, self.today)
        twin = XeroContact(
            _guid("contact", "twin"), "Kestrel Joinery Ltd", "KES-OLD", status="ARCHIVED", is_customer=True,
            updated=self.old,
        )  # fmt: skip
        # Looks twice there: one e-mail and tax number under two names.
        double = XeroContact(
            _guid("contact", "double"), "Fenwick Dairy (old)", "", "", "ACTIVE", "Ada", "Fenwick",
            "accounts@fenwick.example", tax_number="NZ000000901", is_customer=True, updated=self.old,
        )  # fmt: skip
        items = [
            XeroItem(_guid("item", i.code), i.code, i.name, i.description, "", i.price, "200", "OUTPUT2", i.cost, "310",
                     "INPUT2", updated=self.old)
            for i, (_, _, _, there) in zip(self.items, _ITEMS, strict=True)
            if there
        ]  # fmt: skip
        return msgspec.structs.replace(
            seeded,
            name="Northgate Networks NZ Ltd",
            legal_name="Northgate Networks NZ Ltd",
            tenant_id=_guid("tenant"),
            connection_id=_guid("connection"),
            organisation_id=_guid("organisation"),
            short_code="!NgFuL",
            # The books of the year are closed: what is older can't be written.
            period_lock_date=None,
            end_of_year_lock_date=self.today - timedelta(days=200),
            contacts=(*seeded.contacts, *self.contacts.values(), twin, double),
            items=(*seeded.items, *items),
            documents=tuple(self.documents),
            repeating=self._repeating(seeded.contacts[0].contact_id),
        )

    def _repeating(self, unbilled: str) -> tuple[XeroRepeating, ...]:
        """Two that also the PSA bills, one that it doesn't, one that has ended, one deleted, one of bills."""

        def one(
            name: str, contact: str, status: str, *, type: str = "ACCREC", end: date | None = None
        ) -> XeroRepeating:
            line = XeroLine(
                _guid("repeating line", name),
                name,
                Decimal(1),
                Decimal(240),
                "200",
                "OUTPUT2",
                Decimal(240),
                Decimal(36),
            )
            began = self.today - timedelta(days=300)
            coming = self.today + timedelta(days=9)
            return XeroRepeating(
                _guid("repeating", name), type, contact, status, "NZD", 1, "MONTHLY", began, coming, (line,), end, name
            )

        billed, other = self.contacts[901].contact_id, self.contacts[902].contact_id
        return (
            one("Care plan", billed, "AUTHORISED"),
            one("Hosting", other, "DRAFT"),
            one("Bread", unbilled, "AUTHORISED"),
            one("Until last month", billed, "AUTHORISED", end=self.today - timedelta(days=30)),
            one("Taken away", other, "DELETED"),
            one("Rent", self.contacts[904].contact_id, "AUTHORISED", type="ACCPAY"),
        )
