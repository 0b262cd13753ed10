"""Keeps logins alive that nothing else uses: an idle worker renews them long before they die of disuse."""

import asyncio
import datetime as dt
import time

from xerotui.model.problems import SyncError
from xerotui.sync.ports import Ports

# World time after which a login that nothing used is renewed; unused it dies after 60 days (xero-api section 1.3).
AGE = dt.timedelta(days=7)
# World time between two looks.
LOOK = dt.timedelta(hours=1)
# Machine seconds after which one that couldn't be renewed is tried again.
REST = 300.0


class Keeping:
    """One worker's care for logins; `turn` never waits for the network."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.task: asyncio.Task[bool] | None = None
        self._look_at: dt.datetime | None = None
        self._again_at = 0.0

    def turn(self) -> bool:
        """One look; True while logins are being renewed.

        Raises what a fault of the program raised.
        """
        if self.task is not None:
            if not self.task.done():
                return True
            task, self.task = self.task, None
            if not task.cancelled() and not task.result():
                self._again_at = time.monotonic() + REST
                self._look_at = None
        now = self.ports.clock.now()
        if (self._look_at is not None and now < self._look_at) or time.monotonic() < self._again_at:
            return False
        self._look_at = now + LOOK
        self.task = asyncio.create_task(self._keep())
        return True

    async def _keep(self) -> bool:
        try:
            for connection in await self.ports.keep(AGE):
                self.ports.log.info("login renewed", connection=connection)
        except SyncError as error:
            self.ports.log.warning("login not renewed", reason=error.sentence)
            return False
        return True
