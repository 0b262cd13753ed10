"""Permits a second that the shared log of calls gives, against the 10 a second that ten busy tenants need.

One minute of Xero allows 60 calls for each organisation, so ten organisations at full speed ask 10 times a second. The
log already holds a day of calls (5,000 for the key), four callers ask at once, and every permit is durable in SQLite.
"""

import asyncio
import datetime as dt
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert

from xerotui.net.clock import WorldClock
from xerotui.net.limits import Limits, Window
from xerotui.store import Ledger, house_tables
from xerotui.store.keys import micros

NEEDED = 10.0
DAY = 5_000
TAKEN = 300
CALLERS = 4
LIMITS = Limits((Window("minute", 1_000_000, 60), Window("day", 1_000_000, 86_400, reserve=1_000)), CALLERS)


async def fill(ledger: Ledger, key: str, now: dt.datetime) -> None:
    """A day of calls that were made before."""
    step = dt.timedelta(seconds=86_000 / DAY)
    rows = [
        {"id": f"old-{n}", "key": key, "window": "", "at": micros(now - n * step), "calls": 1} for n in range(1, DAY)
    ]
    async with ledger.write() as tx:
        await tx.many(insert(house_tables.permit_log), rows)


async def measured(home: Path) -> float:
    """Permits a second."""
    clock = WorldClock()
    ledger = await Ledger.open(home / "ledger.db", clock=clock)
    key = "xero:bench:tenant"
    try:
        await fill(ledger, key, clock.now())

        async def caller() -> None:
            for _ in range(TAKEN // CALLERS):
                permit = await ledger.permits.take(key, LIMITS, clock.now(), urgent=False, lapse=30.0)
                assert isinstance(permit, str), permit
                await ledger.permits.give_back(permit)

        began = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        return TAKEN / (time.perf_counter() - began)
    finally:
        await ledger.close()


def main() -> None:
    """Measure and print the ratio."""
    with tempfile.TemporaryDirectory() as home:
        rate = asyncio.run(measured(Path(home)))
    words = f"{rate:,.0f} permits/s with {DAY:,} calls in the day; needed {NEEDED:.0f}"
    print(f"rolling window: {words}; ratio {rate / NEEDED:.1f}")


if __name__ == "__main__":
    main()
