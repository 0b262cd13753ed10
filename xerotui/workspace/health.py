"""What the calls to each organisation brought last: the good one, the failure in words, how far our clock is off.

Only noting lives here; telling is `connection`'s.
"""

import asyncio
import datetime as dt
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial

import msgspec

from xerotui.model.problems import SyncError
from xerotui.net.clock import Clock, machine_now
from xerotui.net.http import Response
from xerotui.store import Ledger, Tx
from xerotui.xero.client import Heard
from xerotui.xero.errors import read_trouble

# Begins the ledger's mark of an organisation's health.
MARK = "xero.health:"
# Machine seconds for which more of the same isn't written down again: a write a call would cost more than it tells.
REST = 60.0
# What says nothing about the connection: another process renews the login, or a limit of ours made the call wait.
_PASSING = ("xero.busy", "core.throttled")


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call that failed: the world instant, a stable code, words and remedy, what Xero itself said."""

    at: dt.datetime
    code: str
    sentence: str
    remedy: str = ""
    said: str = ""
    correlation: str = ""


class Health(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the last calls went; instants are world time, `ahead` the seconds by which our clock is before Xero's."""

    good: dt.datetime | None = None
    failure: Failure | None = None
    ahead: float | None = None

    @property
    def failing(self) -> bool:
        """True when the last thing heard was a failure."""
        return self.failure is not None and (self.good is None or self.failure.at >= self.good)


class Pulse:
    """Notes news of calls in the ledger, beside the calls and never in their way."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._noted: dict[str, tuple[str, float]] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def of(self, tenant: str) -> Heard:
        """What the client of an organisation tells its news to."""
        return partial(self._heard, tenant)

    def _heard(self, tenant: str, news: Response | SyncError) -> None:
        failure = self._failure(news)
        if failure is not None and failure.code in _PASSING:
            return
        what = failure.code if failure else ""
        now = machine_now().timestamp()
        before = self._noted.get(tenant)
        if before is not None and before[0] == what and now - before[1] < REST:
            return
        self._noted[tenant] = (what, now)
        ahead = self._ahead(news) if isinstance(news, Response) else None
        task = asyncio.create_task(self._note(tenant, self._clock.now(), failure, ahead))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    def _failure(self, news: Response | SyncError) -> Failure | None:
        """What is wrong with the connection; a document or a question that Xero refuses is an answer like any other."""
        if isinstance(news, Response):
            if news.status not in (401, 403, 429) and news.status < 500:
                return None
            news = read_trouble(news, "what was asked")
        said, correlation = getattr(news, "said", ""), getattr(news, "correlation", "")
        return Failure(
            at=self._clock.now(),
            code=news.code,
            sentence=news.sentence,
            remedy=news.remedy,
            said=said,
            correlation=correlation,
        )

    def _ahead(self, response: Response) -> float | None:
        try:
            theirs = parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return None
        return (self._clock.now() - theirs).total_seconds() if theirs.tzinfo else None

    async def _note(self, tenant: str, at: dt.datetime, failure: Failure | None, ahead: float | None) -> None:
        # What isn't noted is noted at the next call; a ledger that fails is told by whoever needs it.
        with suppress(Exception):
            async with self._ledger.write() as tx:
                known = await self.read(tx, tenant)
                good = at if failure is None else known.good
                health = Health(
                    good=good, failure=failure or known.failure, ahead=known.ahead if ahead is None else ahead
                )
                await self._ledger.marks.set(tx, MARK + tenant, msgspec.json.encode(health).decode())

    async def read(self, tx: Tx, tenant: str) -> Health:
        """What was noted of an organisation, by any process."""
        text = await self._ledger.marks.get(tx, MARK + tenant)
        try:
            return msgspec.json.decode(text, type=Health) if text else Health()
        except msgspec.ValidationError:
            return Health()

    async def well(self, tenant: str) -> None:
        """Note a good call that went past the client of the organisation, as that of a new login does."""
        self._noted.pop(tenant, None)
        await self._note(tenant, self._clock.now(), None, None)

    async def settle(self) -> None:
        """Wait until everything heard so far is written down."""
        if self._writing:
            await asyncio.wait(set(self._writing))
