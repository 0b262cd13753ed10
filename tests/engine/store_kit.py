"""What the tests of the store share: a ledger of their own, operations, a clock that stands where it was put."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from xerotui.model.kinds import Kind, Side
from xerotui.model.work import Call, Operation, State, Verb
from xerotui.store import Ledger, WorkerIdentity

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
LANE = "tenant-1"
# A process of another host: nobody here can tell whether it still lives.
FAR = WorkerIdentity("far-away", "boot:1", 7, "70")
OTHER = WorkerIdentity("far-away", "boot:1", 8, "80")


class Stopped:
    """World time that moves only when it is told to."""

    rate = 1.0

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> dt.datetime:
        """The instant it stands at."""
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Go ahead by so much."""
        self.at += dt.timedelta(seconds=seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def opened(home: Path, clock: Stopped | None = None) -> AsyncIterator[Ledger]:
    """A ledger that is closed at the end."""
    ledger = await Ledger.open(home / "ledger.db", clock=clock or Stopped())
    try:
        yield ledger
    finally:
        await ledger.close()


def operation(number: int, **more: Any) -> Operation:
    """The creation of an invoice."""
    given: dict[str, Any] = {
        "id": f"op-{number:05}",
        "plan": "plan-1",
        "side": Side.XERO,
        "lane": LANE,
        "kind": Kind.INVOICE,
        "verb": Verb.CREATE,
        "connection": "halo",
        "tenant": "tenant-1",
        "record": str(number),
        "title": f"INV-{number:05}",
        "body": b"{}",
        "currency": "GBP",
        "total": Decimal(number) / 100,
    }
    return Operation(**{**given, **more})


def call(id: str, operations: tuple[str, ...], **more: Any) -> Call:
    """A call for invoices."""
    given: dict[str, Any] = {
        "id": id,
        "lane": LANE,
        "kind": Kind.INVOICE,
        "verb": Verb.CREATE,
        "method": "PUT",
        "path": "/Invoices",
        "key": f"key-{id}",
        "body": b'{"Invoices": [ ]}',
        "operations": operations,
        "first_sent": NOW,
    }
    return Call(**{**given, **more})


async def states(ledger: Ledger, *ids: str) -> list[State]:
    """The states of these operations."""
    async with ledger.read() as tx:
        return [o.state for o in await ledger.work.get(tx, ids)]
