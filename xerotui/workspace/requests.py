"""Requests: what a person asks of the worker, written as a row; following one; the change counters."""

import asyncio
import secrets
from collections.abc import AsyncIterator

from xerotui.model.problems import SyncError
from xerotui.model.work import Request, RequestState
from xerotui.net.clock import machine_now
from xerotui.sync.switched import off
from xerotui.sync.worker import DRAWN
from xerotui.workspace.base import REFUSED
from xerotui.workspace.worker import Workers

# The registry command that each verb belongs to: it says how dangerous the verb is.
VERBS: dict[str, str] = {
    "refresh": "tenant.refresh",
    "plan": "plan.make",
    "import": "import.preview",
    "apply": "plan.approve",
    "discard": "plan.discard",
    "retry": "queue.retry",
    "link": "import.choose",
    "take": "drift.xero",
    "move": "import.move",
    "override": "story.choose",
    "mail": "story.mail",
}
ENDED = (RequestState.DONE, RequestState.FAILED)
LOOK = 0.2


class Requests(Workers):
    """Asking the worker."""

    async def pulse(self) -> int:
        """A number that changes with every piece of news; cheap enough for four looks a second."""
        return await self.wiring.ledger.pulse()

    async def changes(self) -> dict[str, int]:
        """The change counters by topic."""
        async with self.wiring.ledger.read() as tx:
            return await self.wiring.ledger.changes.read(tx)

    async def ask(self, verb: str, **args: str) -> str:
        """Write one request and return its id at once; a worker is started where none lives.

        Raises SyncError where this person only reads, ValueError for an unknown verb.
        """
        if verb not in VERBS:
            raise ValueError(f"nobody knows how to {verb}")
        self.gate(VERBS[verb])
        request = Request(
            id=secrets.token_hex(8),
            verb=verb,
            args={name: value for name, value in args.items() if value},
            actor=self.actor,
            created=machine_now(),
        )
        ledger = self.wiring.ledger
        async with ledger.write() as tx:
            await ledger.requests.add(tx, request)
        self.wake()
        return request.id

    async def request(self, id: str) -> Request:
        """One request as it stands.

        Raises SyncError when there is none of that id.
        """
        async with self.wiring.ledger.read() as tx:
            found = await self.wiring.ledger.requests.get(tx, id)
        if found is None:
            raise SyncError("There is no such request", code="core.request_missing", exit_code=REFUSED)
        return found

    async def settled(self) -> bool:
        """True when no request waits, no plan is under way, and the consequences of the last edit were drawn."""
        ledger = self.wiring.ledger
        revision = str((await self.wiring.book.read()).revision)
        async with ledger.read() as tx:
            drawn = await ledger.marks.get(tx, DRAWN)
            waiting = await ledger.requests.open(tx)
            running = await self._running(tx)
            under_way = await ledger.work.lanes(tx, but=off(await self.wiring.book.read()))
        return drawn == revision and not waiting and not running and not under_way

    async def follow(self, id: str) -> AsyncIterator[Request]:
        """The request each time it changes, until it is done or has failed.

        A worker that goes away meanwhile is replaced. Raises SyncError when none can be started.
        """
        last: Request | None = None
        pulse, looks = -1, 0
        while last is None or last.state not in ENDED:
            news = await self.pulse()
            if news != pulse:
                pulse = news
                found = await self.request(id)
                if found != last:
                    last = found
                    yield found
                    continue
            looks += 1
            if looks % 10 == 0:
                await self.ensure_worker()
            await asyncio.sleep(LOOK)
