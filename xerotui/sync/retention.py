"""What need not be kept for ever: the bodies of calls that are settled, and of operations that are over (DESIGN 4)."""

import datetime as dt

from xerotui.sync.ports import Ports

# World time for which the exact bytes of what was sent are kept.
KEPT = dt.timedelta(days=30)
# World time between two looks, and rows emptied in one transaction: what was let lie for years holds nobody up.
LOOK = dt.timedelta(hours=6)
BATCH = 500


class Retention:
    """One worker's clearing; a turn is one short transaction."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._look_at: dt.datetime | None = None

    async def turn(self) -> bool:
        """Empty some of what is old enough; True while there may be more."""
        now = self.ports.clock.now()
        if self._look_at is not None and now < self._look_at:
            return False
        async with self.ports.ledger.write() as tx:
            emptied = await self.ports.ledger.work.drop_bodies(tx, now - KEPT, BATCH)
        if emptied:
            self.ports.log.info("bodies dropped", rows=emptied, older_than_days=KEPT.days)
            return True
        self._look_at = now + LOOK
        return False
