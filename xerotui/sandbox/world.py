"""The door to the demo world: its types and `build`, which makes a whole world from one seed.

Only re-exports and `build` live here; types are in `world_types` and `world_xero_types`, each part of the generator in
a `world_*` module of its own. Nothing here knows a service.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from xerotui.sandbox.world_types import (
    ChargeRate,
    Currency,
    Customer,
    Invoice,
    Item,
    ItemGroup,
    Line,
    Psa,
    PurchaseOrder,
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
    XeroAccount,
    XeroContact,
    XeroDocument,
    XeroItem,
    XeroLine,
    XeroOption,
    XeroRepeating,
    XeroTaxRate,
    XeroTheme,
    XeroTracking,
)

# The demo, the tests and the pictures of the documents are of one day, begun far from its midnight.
DEMO_DAY = date(2026, 11, 21)
DEMO_START = datetime.combine(DEMO_DAY, time(9), UTC)
# The demo's, and the same with a third organisation that is full already.
WORLDS = ("demo", "full")

__all__ = [
    "DEMO_DAY",
    "DEMO_START",
    "WORLDS",
    "Address",
    "ChargeRate",
    "Currency",
    "Customer",
    "Invoice",
    "Item",
    "ItemGroup",
    "Line",
    "Psa",
    "PurchaseOrder",
    "Site",
    "Supplier",
    "Tax",
    "Tenant",
    "Trouble",
    "World",
    "XeroAccount",
    "XeroContact",
    "XeroDocument",
    "XeroItem",
    "XeroLine",
    "XeroOption",
    "XeroRepeating",
    "XeroTaxRate",
    "XeroTheme",
    "XeroTracking",
    "build",
    "cents",
    "document_totals",
]


def build(seed: int = 1, today: date = DEMO_DAY, scale: float = 1.0, name: str = "demo") -> World:
    """Make the demo world: two tenants, some sixty customers, four hundred invoices, seeded trouble.

    `scale` multiplies the numbers of ordinary records (never of troubled ones); the same
    arguments always give the same world, ids included. The world called "full" has a third tenant, whose books hold
    most of the PSA's documents before anything is synced. Raises ValueError when `scale` is not above 0 or there is
    no world of that name.
    """
    from xerotui.sandbox.world_build import build_world
    from xerotui.sandbox.world_full import full_world

    if scale <= 0:
        raise ValueError("scale must be above 0")
    if name not in WORLDS:
        raise ValueError(f"there is no world {name}; there are {', '.join(WORLDS)}")
    world = build_world(seed, today, scale)
    return full_world(world) if name == "full" else world
