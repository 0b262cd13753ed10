"""The Halo plugin passes the published suite, with the emulator as it is, and in each of its variants."""

from typing import Any, ClassVar

from xerotui.model.kinds import Kind
from xerotui.sandbox.clock import WorldClock
from xerotui.sandbox.world import build
from xerotui.sandbox.world_credits import with_credits
from xerotui.source.conformance import SourceSuite, Stand
from xerotui_halo.emulator import HaloEmulator
from xerotui_halo.source import HaloSource

ENTITIES = {
    Kind.CUSTOMER: ("client", "name"),
    Kind.SUPPLIER: ("supplier", "name"),
    Kind.ITEM: ("item", "name"),
    Kind.INVOICE: ("invoice", "cust_order_number"),
    Kind.CREDIT_NOTE: ("invoice", "cust_order_number"),
    Kind.PURCHASE_ORDER: ("purchaseorder", "title"),
}


def _world() -> Any:
    return with_credits(build(scale=0.1))


class TestHalo(SourceSuite):
    """Halo against its emulator."""

    source: ClassVar = HaloSource
    emulator: ClassVar[Any] = HaloEmulator
    world: ClassVar = staticmethod(_world)
    clock: ClassVar = WorldClock
    edits: ClassVar = tuple(ENTITIES)
    spoils: ClassVar = (Kind.INVOICE, Kind.PURCHASE_ORDER)
    writes: ClassVar = {"method": "POST", "path": "/api/"}

    async def touch(self, stand: Stand, kind: Kind, id: str, words: str) -> None:
        entity, field = ENTITIES[kind]
        await stand.control(f"edit/{entity}/{id}", {field: words})

    async def remove(self, stand: Stand, kind: Kind, id: str) -> None:
        await stand.control(f"remove/{ENTITIES[kind][0]}/{id}", {})

    async def spoil(self, stand: Stand, kind: Kind, id: str) -> None:
        await stand.control(f"edit/{ENTITIES[kind][0]}/{id}", {"tax_total": "a lot"})
