"""What the engine is given: stores, clocks, and ways to each side. Joined by `workspace.wiring`, or by a test."""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from xerotui.model.problems import SyncError
from xerotui.net.clock import Clock
from xerotui.source.contract import Abilities, Capability, Source
from xerotui.source.guard import PluginFault
from xerotui.source.registry import Registry
from xerotui.store import Book, Ledger, WorkerIdentity
from xerotui.xero.client import TenantClient


@dataclass
class Ports:
    """One engine's world.

    `xero` gives the client of a tenant, `source` the source of a connection; both raise SyncError with words when
    that side isn't connected. `abilities` tells what a source connection can do by its settings, also of one that is
    off; it raises SyncError where nobody can say. `keep` renews the logins that nothing has used for so long in world
    time, names their connections, and raises SyncError where one couldn't be. `lease` and `beat` are machine seconds.
    """

    ledger: Ledger
    book: Book
    clock: Clock
    registry: Registry
    xero: Callable[[str], Awaitable[TenantClient]]
    source: Callable[[str], Awaitable[Source]]
    abilities: Callable[[str], Awaitable[Abilities]]
    keep: Callable[[dt.timedelta], Awaitable[Sequence[str]]]
    identity: WorkerIdentity
    log: Any
    version: str = ""
    lease: float = 60.0
    beat: float = 5.0
    idle_minutes: float = 10.0

    async def keeps_links(self, connection: str) -> bool:
        """True when links can be written back to the source of a connection.

        Where its settings don't say just now, what the source declares counts: a link that can't be written waits.
        """
        document = (await self.book.read()).source(connection)
        if document is None:
            return False
        try:
            return (await self.abilities(connection)).has(Capability.ATTACH)
        except SyncError:
            pass
        try:
            return Capability.ATTACH in self.registry.source_type(document.source).capabilities
        except PluginFault:
            return False


async def refuse_read_only(ports: Ports, tenants: Iterable[str]) -> None:
    """Let nothing be written to an organisation that somebody has made read-only.

    Raises SyncError naming it.
    """
    db = await ports.book.read()
    for document in (db.tenant(tenant) for tenant in tenants):
        if document is not None and document.read_only:
            name = document.name or document.tenant
            raise SyncError(
                f"{name} is read-only: nothing is written to it",
                f'Allow it again: xerotui tenants set "{name}" --writable; or plan another one alone.',
                code="core.read_only",
                exit_code=4,
            )
