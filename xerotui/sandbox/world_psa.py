"""The master data of the PSA in the demo world: item groups, items, labour, customers, sites, suppliers.

Only ordinary, sound records are made here; what is wrong on purpose comes from `world_trouble`, documents
from `world_documents`.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from xerotui.sandbox.world_names import Names, account_number, domain
from xerotui.sandbox.world_regions import ALL_REGIONS, AU, EUR, REGIONS, UK, Region
from xerotui.sandbox.world_types import ChargeRate, Customer, Item, ItemGroup, Site, Supplier

FIRST_CUSTOMER, FIRST_SITE, FIRST_SUPPLIER, FIRST_ITEM, FIRST_GROUP = 101, 201, 31, 501, 11

# name | sales account | purchase account | tracking option | code prefix | things | variants | price from, to
_GROUPS = """
Managed services|200|310||MS|Managed Workstation,Managed Server,Managed Firewall,Patch Service|Standard,Plus,Premium,Site|8|180
Cloud licences|200|310||CL|Mailbox Plan,Office Suite,Identity Plan,Design Suite|Basic,Business,Enterprise,Frontline|2|60
Backup and recovery|200|310||BK|Cloud Backup,Server Replica,Archive Vault,Mail Backup|100 GB,500 GB,1 TB,5 TB|3|220
Security|200|310||SE|Endpoint Defence,Mail Filter,Phishing Drill,Log Watch|Core,Extended,Round the Clock,Audit|1|95
Telephony|260|310||TL|Hosted Extension,SIP Trunk,Call Recording,Headset|Lite,Standard,Contact Centre,Wireless|4|140
Hardware|200|300||HW|Notebook 14,Desktop Mini,Monitor 27,Docking Station|i5,i7,Pro,Refurbished|60|1900
Networking|200|300|Central|NW|Access Point,24-port Switch,Router,Patch Panel|Indoor,Outdoor,PoE,Managed|25|1250
Cabling and parts|200|300||CP|Cat6 Drop,Fibre Patch Lead,Rack Shelf,Power Strip|1 m,3 m,10 m,Rack|2|85
"""  # noqa: E501
_LABOUR_GROUP = "Professional services"
_LABOUR = (
    ("LAB-REM", "Remote support", "95"), ("LAB-SITE", "On-site engineer", "125"),
    ("LAB-PROJ", "Project engineer", "140"), ("LAB-OOH", "Out-of-hours support", "187.5"),
    ("LAB-CON", "Consultancy", "165"), ("LAB-TRV", "Travel time", "62.5"),
    ("LAB-TRN", "Training session", "110"), ("LAB-CAB", "Cabling engineer", "78.75"),
)  # fmt: skip
_EVERYWHERE = (
    ("SHIP-STD", "Delivery and handling", "12.5"), ("SETUP-FEE", "Set-up fee", "250"),
    ("DOM-YEAR", "Domain name, one year", "14.9"), ("CERT-WILD", "Wildcard certificate", "189"),
)  # fmt: skip


def instant(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """That moment of that day in UTC."""
    return datetime.combine(day, time(hour, minute, second), UTC)


def item_groups() -> tuple[ItemGroup, ...]:
    """The groups of items; one of them carries a tracking option."""
    found = []
    for n, row in enumerate(_GROUPS.strip().splitlines()):
        name, sales, purchases, option, *_ = row.split("|")
        found.append(ItemGroup(FIRST_GROUP + n, name, sales, purchases, option))
    found.append(ItemGroup(FIRST_GROUP + len(found), _LABOUR_GROUP, "200", "310"))
    return tuple(found)


def charge_rates() -> tuple[ChargeRate, ...]:
    """The kinds of labour, each with the code of the item that stands for it."""
    return tuple(ChargeRate(n, name, code, Decimal(price)) for n, (code, name, price) in enumerate(_LABOUR, 1))


class Catalogue:
    """Makes the items: some offered to every tenant, most to one, a few as children of others."""

    def __init__(self, seed: int, today: date, scale: float) -> None:
        self.random = random.Random(f"{seed}/items")
        self.today = today
        self.wanted = max(60, round(150 * scale))
        self.items: list[Item] = []
        self.groups = item_groups()

    def build(self, suppliers: tuple[Supplier, ...]) -> tuple[Item, ...]:
        """All items, parents before their children, suppliers drawn from those of the same tenant."""
        for code, name, list_price in (*_LABOUR, *_EVERYWHERE):
            self._add(None, self.groups[-1], code, name, Decimal(list_price), 0, 0)
        children = max(6, self.wanted // 15)
        ordinary = self.wanted - children
        counts = {UK.key: 0, AU.key: 0}
        combinations = self._combinations()
        while len(self.items) < ordinary:
            region = UK if counts[UK.key] * 2 <= counts[AU.key] * 3 else AU
            of_region = [s.id for s in suppliers if s.tenant == region.key]
            n = counts[region.key]
            counts[region.key] += 1
            group, prefix, name, low, high = combinations[n % len(combinations)]
            turn = n // len(combinations)
            code = f"{prefix}-{n + 1:03d}{region.code_suffix}"
            price = self._price(low, high)
            label = name if turn == 0 else f"{name} mk {turn + 1}"
            self._add(region, group, code, label, price, 0, self.random.choice(of_region))
        parents = [item for item in self.items if item.tenant]
        for n in range(children):
            parent = parents[n * 5 % len(parents)]
            region = UK if parent.tenant == UK.key else AU
            group = next(g for g in self.groups if g.id == parent.group)
            price = (parent.price * Decimal("0.9")).quantize(Decimal("0.01"))
            name = f"{parent.name} (loyal customer {n + 1})"
            self._add(region, group, f"{parent.code}-L{n + 1}", name, price, parent.id, parent.supplier)
        return tuple(self.items)

    def _combinations(self) -> list[tuple[ItemGroup, str, str, int, int]]:
        found = []
        for group, row in zip(self.groups, _GROUPS.strip().splitlines(), strict=False):
            _, _, _, _, prefix, things, variants, low, high = row.split("|")
            for thing in things.split(","):
                for variant in variants.split(","):
                    found.append((group, prefix, f"{thing} {variant}", int(low), int(high)))
        self.random.shuffle(found)
        return found

    def _price(self, low: int, high: int) -> Decimal:
        whole = Decimal(self.random.randint(low * 10_000, high * 10_000)) / 10_000
        places = "0.0001" if self.random.random() < 0.3 else "0.01"
        return whole.quantize(Decimal(places))

    def _add(
        self, region: Region | None, group: ItemGroup, code: str, name: str, price: Decimal, parent: int,
        supplier: int,
    ) -> None:  # fmt: skip
        changed = self.today - timedelta(days=self.random.randint(95, 400))
        self.items.append(
            Item(
                id=FIRST_ITEM + len(self.items),
                tenant=region.key if region else "",
                group=group.id,
                code=code,
                name=name[:50],
                description=f"{name}, as agreed",
                purchase_description=f"{name} (supplier cost)",
                price=price,
                cost=(price * Decimal("0.62")).quantize(Decimal("0.01")),
                sales_account=group.sales_account,
                purchase_account=group.purchase_account,
                sales_tax=region.standard_sales if region else 0,
                purchase_tax=region.standard_purchases if region else 0,
                parent=parent,
                supplier=supplier,
                recurring=group.name in ("Managed services", "Cloud licences", "Backup and recovery"),
                updated=instant(changed, 9, self.random.randint(0, 59)),
            )
        )


class People:
    """Makes customers with their sites, and suppliers."""

    def __init__(self, seed: int, today: date) -> None:
        self.names = Names(f"{seed}/names")
        self.random = random.Random(f"{seed}/people")
        self.today = today
        self.customers: list[Customer] = []
        self.sites: list[Site] = []
        self.suppliers: list[Supplier] = []

    def customer(self, region: Region, name: str = "", *, number: str | None = None, active: bool = True) -> int:
        """Add a customer with one to three sites and return its id; `number` overrides its account number."""
        key = FIRST_CUSTOMER + len(self.customers)
        first, last = self.names.person()
        given = name or self.names.customer(region)
        mail = f"accounts@{domain(given, key)}"
        address, phone = self.names.address(region), self.names.phone(region)
        # Two British customers are billed in euros, without tax, as exports of services are.
        foreign = region is UK and active and not name and len(self.customers) in (4, 9)
        tax = region.zero_sales if foreign or self.random.random() < 0.06 else region.standard_sales
        due_type, due_days = self.random.choice(((0, 30), (0, 30), (0, 14), (1, 30), (2, 20), (0, 7)))
        changed = instant(self.today - timedelta(days=self.random.randint(92, 500)), 10, key % 60)
        main_site = FIRST_SITE + len(self.sites)
        code = account_number(given, key) if number is None else number
        vat = f"GB{300_000_000 + key * 37}" if region is UK else f"51 {824_000_000 + key * 37}"
        self.customers.append(
            Customer(
                key, region.key, given, code, active, first, last, mail, phone, vat,
                EUR if foreign else region.currency, tax, region.standard_purchases, due_type, due_days,
                main_site, address, changed,
            )
        )  # fmt: skip
        self.sites.append(Site(main_site, key, "Main", address, phone, changed))
        for n in range(self.random.choice((0, 0, 0, 1, 2))):
            place = self.names.address(region)
            self.sites.append(
                Site(main_site + n + 1, key, f"{place.city} office", place, self.names.phone(region), changed)
            )
        return key

    def supplier(self, region: Region) -> int:
        """Add a supplier and return its id."""
        key = FIRST_SUPPLIER + len(self.suppliers)
        name = self.names.supplier(region)
        first, last = self.names.person()
        changed = instant(self.today - timedelta(days=self.random.randint(92, 500)), 11, key % 60)
        self.suppliers.append(
            Supplier(
                key, region.key, name, account_number(name, key), True, f"{first} {last}",
                f"sales@{domain(name, key)}", self.names.phone(region), region.currency,
                region.standard_purchases, self.random.choice((14, 30, 30, 60)), self.names.address(region),
                changed,
            )
        )  # fmt: skip
        return key

    def ordinary(self, customers: int, suppliers: int) -> None:
        """Add that many sound customers and suppliers, two in three of them British."""
        for n in range(customers):
            self.customer(AU if n % 3 == 2 else UK)
        for n in range(suppliers):
            self.supplier(AU if n % 3 == 2 else UK)


def region_of(tenant: str) -> Region:
    """The region whose key is that tenant's."""
    return next(region for region in ALL_REGIONS if region.key == tenant)


def tracking_option(customer: Customer) -> str:
    """The option of Region under which a customer's lines are counted; empty for one in four."""
    choice = customer.id % (len(REGIONS) + 1)
    return REGIONS[choice] if choice < len(REGIONS) else ""
