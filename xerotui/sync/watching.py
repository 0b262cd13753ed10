"""The worker's eye on Xero: follows webhook hints and polls, one reading at a time, and lets trouble rest."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from xerotui.model.problems import SyncError
from xerotui.sync.hints import follow, heap_up_gaps
from xerotui.sync.polling import due, poll
from xerotui.sync.ports import Ports

# Machine seconds between two looks at the inbox and at what is due.
LOOK = 1.0
# Machine seconds that an organisation in trouble is left alone, doubled each time.
REST, LONGEST = 30.0, 300.0


class Watcher:
    """One worker's reading of what changed in Xero; `turn` never waits for the network."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.task: asyncio.Task[None] | None = None
        self._look_at = 0.0
        self._rests: dict[str, tuple[float, float]] = {}
        self._revision = -1

    async def turn(self, *, polls: bool) -> bool:
        """One look; True while something is read, or was found to read. Without `polls` only hints are followed."""
        if self.task is not None:
            if not self.task.done():
                return True
            task, self.task = self.task, None
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
            self._look_at = 0.0
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + LOOK
        revision = (await self.ports.book.read()).revision
        if revision != self._revision:
            # Somebody connected or changed something: what was in trouble may be well again.
            self._revision = revision
            self._rests.clear()
        await heap_up_gaps(self.ports)
        async with self.ports.ledger.read() as tx:
            waiting = await self.ports.ledger.inbox.tenants(tx)
        if tenant := next((t for t in waiting if not self._resting(t)), ""):
            self.task = asyncio.create_task(self._guarded(tenant, lambda: follow(self.ports, tenant)))
            return True
        if polls and (one := next((d for d in await due(self.ports) if not self._resting(d.tenant)), None)):
            self.task = asyncio.create_task(self._guarded(one.tenant, lambda: poll(self.ports, one)))
            return True
        return False

    def _resting(self, tenant: str) -> bool:
        return self._rests.get(tenant, (0.0, 0.0))[0] > time.monotonic()

    async def _guarded(self, tenant: str, read: Callable[[], Awaitable[object]]) -> None:
        try:
            await read()
        except SyncError as error:
            longer = min(LONGEST, 2 * self._rests.get(tenant, (0.0, REST / 2))[1])
            self._rests[tenant] = (time.monotonic() + longer, longer)
            self.ports.log.info("reading Xero waits", tenant=tenant, reason=error.sentence, seconds=longer)
        except Exception:
            self._rests[tenant] = (time.monotonic() + LONGEST, LONGEST)
            raise
        else:
            self._rests.pop(tenant, None)
