"""The world of the first day: one organisation whose books are full, and a source that bills through nothing else."""

import msgspec

from xerotui.sandbox.world import World, build
from xerotui.sandbox.world_full import KEY


def full_alone() -> World:
    """The full organisation beside one other, through which the source bills nothing."""
    world = build(scale=0.1, name="full")
    psa = msgspec.structs.replace(
        world.psa,
        invoices=tuple(i for i in world.psa.invoices if i.tenant == KEY),
        purchase_orders=(),
        customers=tuple(c for c in world.psa.customers if c.tenant == KEY),
        suppliers=tuple(s for s in world.psa.suppliers if s.tenant == KEY),
        sites=tuple(s for s in world.psa.sites if s.customer > 900),
        items=tuple(i for i in world.psa.items if i.tenant == KEY),
        charge_rates=(),
        taxes=tuple(t for t in world.psa.taxes if t.tenant in ("uk", KEY)),
    )
    return msgspec.structs.replace(world, psa=psa, tenants=(world.tenant("uk"), world.tenant(KEY)))
