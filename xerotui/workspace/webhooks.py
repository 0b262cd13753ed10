"""Webhooks: the signing keys, running the receiver, and what became of what it took; polling beside them.

The receiver's own library is loaded only by whoever runs it.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec

from xerotui.model.problems import SyncError
from xerotui.net.clock import machine_now
from xerotui.store import Hint, WorkerIdentity, gone, me
from xerotui.sync.hints import told_by
from xerotui.sync.polling import PolledRow, polled
from xerotui.workspace.base import NOT_CONNECTED
from xerotui.workspace.pages import Finding
from xerotui.workspace.secrets import secret_name
from xerotui.workspace.wiring import Wiring
from xerotui.workspace.worker import STOPPED, Workers, log_to_stderr
from xerotui.xero.webhooks_events import Delivery

RECEIVER = "webhooks.receiver"
# Machine seconds between two looks of a receiver at its keys, and two writes of what it counted.
TICK = 2.0
# World time after which what waits in the inbox has been left alone.
OLD = dt.timedelta(minutes=30)
_KEY = "webhook_key"
LONGEST_KEY = 500


class WebhookKey(msgspec.Struct, frozen=True):
    """A Xero connection, and whether it has a signing key."""

    connection: str
    name: str
    has_key: bool


class WebhookStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How webhooks and polling stand. Instants of deliveries are world time.

    `state` is off (no key), listening, or silent (a key, but no receiver on this host). `backlog` counts hints by
    organisation; `rejected` and `unknown` count deliveries and events by reason.
    """

    state: str
    address: str = ""
    pid: int = 0
    since: dt.datetime | None = None
    keys: tuple[WebhookKey, ...] = ()
    last_delivery: dt.datetime | None = None
    last_event: dt.datetime | None = None
    last_intent: dt.datetime | None = None
    last_rejected: dt.datetime | None = None
    deliveries: int = 0
    events: int = 0
    read: int = 0
    echoes: int = 0
    gaps: int = 0
    backlog: dict[str, int] = {}
    oldest: dt.datetime | None = None
    rejected: dict[str, int] = {}
    unknown: dict[str, int] = {}
    polling: tuple[PolledRow, ...] = ()


class _Running(msgspec.Struct):
    """A receiver as it says of itself in the ledger."""

    process: str
    address: str
    since: dt.datetime


class Webhooks(Workers):
    """The webhook receiver and its keys."""

    async def webhook_key(self, connection: str, key: str) -> None:
        """Keep the signing key of a connection's app; a blank one forgets it.

        Raises SyncError for an unknown connection and for a text that can't be a key.
        """
        self.gate("webhooks.key")
        document = (await self.wiring.book.read()).xero(connection)
        if document is None:
            raise SyncError(
                f"There is no Xero connection {connection}",
                "See: xerotui webhooks --status.",
                code="core.not_connected",
                exit_code=NOT_CONNECTED,
            )
        key = key.strip()
        if len(key) > LONGEST_KEY or not key.isprintable():
            raise SyncError(
                "That is no webhook key", "Copy it from the app's page, Webhooks.", code="webhooks.key", exit_code=1
            )
        name = secret_name(f"xero/{connection}", _KEY)
        if key:
            await self.wiring.vault.put(name, key)
        else:
            await self.wiring.vault.drop(name)
        await self.audit("webhooks.key", connection, key="set" if key else "forgotten")

    async def webhook_status(self) -> WebhookStatus:
        """How webhooks and polling stand."""
        return await status(self.wiring)

    async def webhooks(self, port: int, path: str, stop: asyncio.Event, started: Callable[[str], None]) -> None:
        """Receive webhooks until `stop`; `started` is given the address where requests are taken.

        Raises SyncError without any key, and when the port is taken.
        """
        self.gate("webhooks.serve")
        from xerotui.xero import webhooks as xero

        post = _Post(self)
        await post.look()
        if not post.keys:
            raise SyncError(
                "No Xero connection has a webhook key",
                "Set it: xerotui webhooks key. It is on the app's page in Xero's developer portal, under Webhooks.",
                code="webhooks.key",
                exit_code=NOT_CONNECTED,
            )
        log_to_stderr()
        listening = xero.listener(port)
        address = f"http://{xero.HOST}:{listening.getsockname()[1]}{path}"
        async with xero.Batches(post.write) as batches, self._noted(address):
            receiver = xero.Receiver(lambda: post.keys, batches.store, path=path)
            async with _beside(lambda: post.tend(receiver.seen)):
                self.wiring.log.info("receiver started", address=address, keys=len(post.keys))
                await xero.serve(receiver, listening, stop, lambda: started(address))
            with contextlib.suppress(Exception):
                await post.flush(receiver.seen)

    @contextlib.asynccontextmanager
    async def _noted(self, address: str) -> AsyncIterator[None]:
        """Say in the ledger that this process receives, while it does."""
        ledger = self.wiring.ledger
        mine = _Running(me().key, address, machine_now())
        text = msgspec.json.encode(mine).decode()
        async with ledger.write() as tx:
            await ledger.marks.set(tx, RECEIVER, text)
        try:
            yield
        finally:
            # A mark that stays because the ledger is locked just now tells of a process that is gone.
            with contextlib.suppress(Exception):
                async with ledger.write() as tx:
                    if await ledger.marks.get(tx, RECEIVER) == text:
                        await ledger.marks.set(tx, RECEIVER, "")


class _Post:
    """What a running receiver does beside answering: its keys, its writes, its counts, a worker for what came."""

    def __init__(self, space: Webhooks) -> None:
        self.space = space
        self.wiring = space.wiring
        self.keys: dict[str, str] = {}
        # Organisations by the connection whose key may speak of them; "" is the one of a custom connection.
        self.told: dict[str, dict[str, str]] = {}

    async def look(self) -> None:
        """Take keys and organisations as they are now."""
        db = await self.wiring.book.read()
        keys: dict[str, str] = {}
        told: dict[str, dict[str, str]] = {}
        for document in db.xeros():
            key = await self.wiring.vault.get(secret_name(f"xero/{document.id}", _KEY)) if document.saved else ""
            if not key:
                continue
            keys[document.id] = key
            tenants = told_by(db, document.id)
            told[document.id] = {tenant.lower(): tenant for tenant in tenants}
            if document.settings.get("kind") == "custom" and len(tenants) == 1:
                # Such a connection doesn't tell the id that its events carry; it reaches but one.
                told[document.id][""] = tenants[0]
        self.keys, self.told = keys, told

    async def write(self, deliveries: Sequence[Delivery]) -> None:
        """Make deliveries durable, together."""
        ledger = self.wiring.ledger
        numbers: dict[str, int] = {"deliveries": len(deliveries)}
        hints: list[Hint] = []
        for delivery in deliveries:
            known = self.told.get(delivery.app, {})
            for event in delivery.events:
                tenant = known.get(event.tenant) or known.get("")
                if tenant is None:
                    numbers["unknown.tenant"] = numbers.get("unknown.tenant", 0) + 1
                    continue
                numbers["events"] = numbers.get("events", 0) + 1
                hints.append(
                    Hint(
                        tenant=tenant,
                        category=event.category,
                        resource=event.resource,
                        type=event.type,
                        at=event.at,
                    )
                )
            if delivery.unread:
                numbers["unknown.unread"] = numbers.get("unknown.unread", 0) + 1
                hints += [Hint(tenant=tenant, category="") for tenant in set(known.values())]
            for reason, n in delivery.unknown.items():
                numbers[f"unknown.{reason}"] = numbers.get(f"unknown.{reason}", 0) + n
        async with ledger.write() as tx:
            await ledger.inbox.add(tx, hints)
            for delivery in deliveries:
                if delivery.last:
                    newest = max((e.at for e in delivery.events if e.at is not None), default=None)
                    await ledger.inbox.sequence(tx, delivery.app, delivery.first, delivery.last, newest)
            await ledger.inbox.count(tx, numbers)

    async def tend(self, seen: dict[str, int]) -> None:
        """Keep looking, counting, and seeing to a worker."""
        while True:
            await asyncio.sleep(TICK)
            try:
                await self.look()
                await self.flush(seen)
                await self._worker()
            except SyncError as error:
                self.wiring.log.warning("receiver waits", reason=error.sentence)
            except Exception as error:
                # A ledger that is locked for a while: what was counted stays, and is written later.
                self.wiring.log.warning("receiver waits", error=type(error).__name__)

    async def flush(self, seen: dict[str, int]) -> None:
        """Write down what was answered since the last time."""
        taken = dict(seen)
        seen.clear()
        # What was accepted is counted with its delivery.
        numbers = {n if n == "intent" else f"rejected.{n}": count for n, count in taken.items() if n != "accepted"}
        if not numbers:
            return
        try:
            async with self.wiring.ledger.write() as tx:
                await self.wiring.ledger.inbox.count(tx, numbers)
        except BaseException:
            for name, count in taken.items():
                seen[name] = seen.get(name, 0) + count
            raise

    async def _worker(self) -> None:
        """Start a worker where something waits and none lives, unless a person stopped it."""
        ledger = self.wiring.ledger
        async with ledger.read() as tx:
            waits = await ledger.inbox.tenants(tx)
            wanted = waits and not await ledger.workers.alive(tx) and not await ledger.marks.get(tx, STOPPED)
        if wanted:
            self.space.wake()


@contextlib.asynccontextmanager
async def _beside(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Let something go on while the block runs."""
    task = asyncio.ensure_future(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def status(wiring: Wiring) -> WebhookStatus:
    """How webhooks and polling stand; reads the ledger alone."""
    db = await wiring.book.read()
    ledger = wiring.ledger
    async with ledger.read() as tx:
        counts = await ledger.inbox.counts(tx)
        backlog = await ledger.inbox.backlog(tx)
        told = await ledger.marks.get(tx, RECEIVER)
        names = await ledger.vault.names(tx, "xero/")
    keys = tuple(WebhookKey(x.id, x.name, secret_name(f"xero/{x.id}", _KEY) in names) for x in db.xeros() if x.saved)
    running = _living(told)

    def number(name: str) -> int:
        return counts[name].count if name in counts else 0

    def instant(name: str) -> dt.datetime | None:
        return counts[name].at if name in counts else None

    def under(prefix: str) -> dict[str, int]:
        return {name.removeprefix(prefix): c.count for name, c in sorted(counts.items()) if name.startswith(prefix)}

    refusals = [c.at for name, c in counts.items() if name.startswith("rejected.") and c.at is not None]
    off = not any(key.has_key for key in keys)
    return WebhookStatus(
        state="listening" if running else "off" if off else "silent",
        address=running.address if running else "",
        pid=WorkerIdentity.parse(running.process).pid if running else 0,
        since=running.since if running else None,
        keys=keys,
        last_delivery=instant("deliveries"),
        last_event=instant("events"),
        last_intent=instant("intent"),
        last_rejected=max(refusals, default=None),
        deliveries=number("deliveries"),
        events=number("events"),
        read=number("read"),
        echoes=number("echoes"),
        gaps=number("gaps"),
        backlog={tenant: n for tenant, (n, _) in backlog.items()},
        oldest=min((at for _, at in backlog.values() if at is not None), default=None),
        rejected=under("rejected."),
        unknown=under("unknown."),
        polling=await polled(wiring.ledger, db),
    )


def _living(text: str) -> _Running | None:
    """The receiver that a mark tells of, unless its process is gone."""
    if not text:
        return None
    found = msgspec.json.decode(text, type=_Running)
    return None if gone(WorkerIdentity.parse(found.process)) else found


async def findings(wiring: Wiring) -> AsyncIterator[Finding]:
    """What doctor says of webhooks and polling."""
    seen = await status(wiring)
    waiting = sum(seen.backlog.values())
    old = seen.oldest is not None and wiring.clock.now() - seen.oldest > OLD
    if seen.state == "silent":
        level, detail = "warn", "a key is set, but no receiver runs on this machine; changes are found by polling"
        remedy = "Start it: xerotui webhooks."
    elif seen.state == "off":
        level, detail, remedy = "ok", "off: no signing key; changes are found by polling", ""
    else:
        last = seen.last_event.strftime("last event %Y-%m-%d %H:%M UTC") if seen.last_event else "no event yet"
        level, detail, remedy = "ok", f"{seen.address}, {last}", ""
    bad = seen.rejected.get("signature", 0)
    if bad and seen.state == "listening" and not seen.deliveries and not seen.last_intent:
        # Beside good ones they mean nothing: Xero itself signs some wrongly to see what becomes of them.
        detail += f"; nothing accepted, {bad:,} refused for their signature"
        level, remedy = "warn", "Compare the key: xerotui webhooks key."
    if waiting:
        detail += f"; {waiting:,} waiting"
    if waiting and old:
        level, remedy = "warn", "See that a worker runs: xerotui worker start."
    yield Finding(area="webhooks", title="Webhooks", level=level, detail=detail, remedy=remedy)
    quiet = [row.name for row in seen.polling if not row.minutes]
    if quiet:
        yield Finding(
            area="webhooks",
            title="Polling",
            level="ok" if seen.state == "listening" else "warn",
            detail=f"switched off for {', '.join(quiet)}",
            remedy="" if seen.state == "listening" else "Switch it on: xerotui tenants set NAME --poll 15.",
        )


__all__ = ["WebhookKey", "WebhookStatus", "Webhooks", "findings", "status"]
