"""From a change in Xero to a reading: by webhook, by polling, by both; own echoes; events lost on the way."""

import asyncio
import datetime as dt
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.engine.sync_kit import asked, held, small, writes
from tests.engine.webhook_kit import KEY, Receiver, body, event, receiving
from tests.rig import LOGIN, SOURCE, Rig
from xerotui.model.kinds import Kind, Side
from xerotui.model.records import Record
from xerotui.model.work import Topic
from xerotui.sync import polling
from xerotui.sync.worker import Worker, serve
from xerotui.workspace.webhooks import status
from xerotui.workspace.worker import STOPPED


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that comes, however slow the machine."""
    for _ in range(1200):
        if await true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


async def snapshot(bench: Rig, kind: Kind, id: str) -> Record | None:
    """What is known of a record of the first organisation."""
    async with bench.wiring.ledger.read() as tx:
        return await bench.wiring.ledger.snapshots.get(tx, Side.XERO, bench.tenants[0], kind, id)


async def snapshots_changed(bench: Rig) -> int:
    """How often snapshots changed."""
    async with bench.wiring.ledger.read() as tx:
        return (await bench.wiring.ledger.changes.read(tx))[Topic.SNAPSHOTS.value]


async def hooked(bench: Rig, receiver: Receiver) -> None:
    """Register the receiver with the sandbox."""
    await bench.control("xero", "/webhooks", {"url": receiver.url, "key": KEY})
    assert (await bench.control("xero", "/webhooks/intent", {}))["state"] == "ok"


async def delivered(bench: Rig) -> dict[str, Any]:
    """The sandbox's webhook, once all that happened was taken."""
    hook: dict[str, Any] = {}

    async def quiet() -> bool:
        nonlocal hook
        (hook,) = await bench.control("xero", "/webhooks")
        return not (hook["waiting"] or hook["undelivered"] or hook["sending"])

    await until(quiet)
    return hook


async def edit(bench: Rig, collection: str, id: str, **patch: Any) -> None:
    """Change a record as a person in Xero would."""
    await bench.control("xero", f"/patch/{bench.tenants[0]}/{collection}/{id}", patch)


async def an_active_contact(bench: Rig) -> dict[str, Any]:
    """A contact of the first organisation."""
    return next(c for c in await held(bench, bench.tenants[0], "contacts") if c["ContactStatus"] == "ACTIVE")


async def test_a_change_by_webhook_by_polling_and_by_both_is_read_once(tmp_path: Path) -> None:
    async with small(tmp_path, rate=1.0) as bench:
        wiring = bench.wiring
        await wiring.vault.put(f"xero/{LOGIN}/webhook_key", KEY)
        async with wiring.ledger.write() as tx:
            await wiring.ledger.marks.set(tx, STOPPED, "the test")
        async with receiving(wiring.home.root) as receiver:
            await hooked(bench, receiver)
            await by_webhook(bench, receiver)
            await by_both(bench)
            await echoes(bench)
            await lost(bench)
            found = await status(wiring)
            assert not found.backlog
            assert found.unknown == {}
            assert found.gaps == 1
            assert [row.minutes for row in found.polling] == [15, 15]
            await a_worker_is_started(bench)


async def by_webhook(bench: Rig, receiver: Receiver) -> None:
    """A contact edited and archived, an invoice paid: all read by id, in the batches that fit, and nothing written."""
    before = len(await writes(bench))
    contacts = [c for c in await held(bench, bench.tenants[0], "contacts") if c["ContactStatus"] == "ACTIVE"][:45]
    for n, contact in enumerate(contacts):
        await edit(bench, "contacts", contact["ContactID"], EmailAddress=f"new-{n}@example.org")
    await edit(bench, "contacts", contacts[0]["ContactID"], ContactStatus="ARCHIVED")
    await delivered(bench)
    calls = len(await asked(bench, "GET", "Contacts?"))
    await bench.work()
    reads = (await asked(bench, "GET", "Contacts?"))[calls:]
    assert len(reads) == -(-len(contacts) // 40)
    assert all("IDs=" in one["path"] for one in reads)
    first = await snapshot(bench, Kind.CUSTOMER, contacts[0]["ContactID"])
    assert (getattr(first, "email", ""), getattr(first, "status", "")) == ("new-0@example.org", "ARCHIVED")
    # The same told again, long after: nothing is asked, nothing changes.
    changed, asked_before = await snapshots_changed(bench), len(await asked(bench, "GET", ""))
    known = (await status(bench.wiring)).echoes
    again = body(*(_event(bench.tenants[0], c) for c in await held(bench, bench.tenants[0], "contacts")), first=1)
    for _ in range(3):
        assert await receiver.deliver(again) == 200
    await bench.work()
    assert (await status(bench.wiring)).echoes > known
    assert await snapshots_changed(bench) == changed
    assert len(await asked(bench, "GET", "")) == asked_before
    assert len(await writes(bench)) == before
    # From here on Xero sends each delivery twice.
    await bench.control("xero", "/webhooks/change", {"duplicates": 1.0})


def _event(tenant: str, contact: dict[str, Any]) -> dict[str, Any]:
    """The last event of a contact, as Xero sent it or would have."""
    return event(
        resourceId=contact["ContactID"],
        tenantId=tenant,
        eventCategory="CONTACT",
        eventDateUtc=contact["UpdatedDateUTC"].partition("+")[0],
    )


async def by_both(bench: Rig) -> None:
    """One change that both the webhook and a poll tell of: whichever comes second finds nothing to do."""
    contact = await an_active_contact(bench)
    ports = bench.wiring.ports()
    for n, first in enumerate(("poll", "hook")):
        before = await snapshots_changed(bench)
        await edit(bench, "contacts", contact["ContactID"], EmailAddress=f"both-{n}@example.org")
        await delivered(bench)
        if first == "hook":
            await bench.work()
        await polling.poll(ports, polling.Due(bench.tenants[0], False))
        calls = len(await asked(bench, "GET", ""))
        await bench.work()
        record = await snapshot(bench, Kind.CUSTOMER, contact["ContactID"])
        assert getattr(record, "email", "") == f"both-{n}@example.org"
        # Told twice, and sent twice at that; asked for by id at most once, and by the poll.
        assert len(await asked(bench, "GET", "")) == calls
        async with bench.wiring.ledger.read() as tx:
            assert await bench.wiring.ledger.inbox.backlog(tx) == {}
        # The contact's change is one; the poll's cursors are the other.
        assert await snapshots_changed(bench) - before <= 1 + len(polling.POLLED)


async def echoes(bench: Rig) -> None:
    """What we wrote ourselves comes back as events, and is known already."""
    seen = (await status(bench.wiring)).echoes
    await bench.sync()
    await delivered(bench)
    calls = len(await asked(bench, "GET", ""))
    await bench.work()
    assert (await status(bench.wiring)).echoes > seen
    assert len(await asked(bench, "GET", "")) == calls


async def lost(bench: Rig) -> None:
    """Events that never come leave a gap in the numbers: then what changed is read without them."""
    contact = await an_active_contact(bench)
    await bench.control("xero", "/webhooks/change", {"lost": 1.0})
    await edit(bench, "contacts", contact["ContactID"], EmailAddress="lost@example.org")
    await delivered(bench)
    await bench.control("xero", "/webhooks/change", {"lost": 0.0})
    other = [c for c in await held(bench, bench.tenants[0], "contacts") if c["ContactStatus"] == "ACTIVE"][1]
    await edit(bench, "contacts", other["ContactID"], EmailAddress="kept@example.org")
    await delivered(bench)
    await bench.work()
    known = await snapshot(bench, Kind.CUSTOMER, contact["ContactID"])
    assert getattr(known, "email", "") != "lost@example.org"
    # They might have been on their way; a minute later they aren't.
    await bench.control("xero", "/clock", {"jump_seconds": 61})
    await bench.work()
    known = await snapshot(bench, Kind.CUSTOMER, contact["ContactID"])
    assert getattr(known, "email", "") == "lost@example.org"


async def a_worker_is_started(bench: Rig) -> None:
    """The receiver sees to a worker where none lives, and to none that a person stopped."""
    ledger = bench.wiring.ledger
    contact = await an_active_contact(bench)
    await edit(bench, "contacts", contact["ContactID"], EmailAddress="started@example.org")
    await delivered(bench)
    await bench.stand_down()
    async with ledger.write() as tx:
        assert await ledger.workers.alive(tx) == []
        await ledger.marks.set(tx, STOPPED, "")

    async def read() -> bool:
        record = await snapshot(bench, Kind.CUSTOMER, contact["ContactID"])
        return getattr(record, "email", "") == "started@example.org"

    try:
        await until(read)
    finally:
        async with ledger.read() as tx:
            rows = await ledger.workers.alive(tx)
        for row in rows:
            os.kill(row.identity.pid, 15)

    async def ended() -> bool:
        async with ledger.read() as tx:
            return not await ledger.workers.alive(tx)

    await until(ended)


async def test_polling_finds_what_changed_and_a_daily_walk_what_nobody_told(tmp_path: Path) -> None:
    async with small(tmp_path, rate=1.0) as bench:
        tenant, ports = bench.tenants[0], bench.wiring.ports()
        assert await polling.due(ports) == []
        contact = await an_active_contact(bench)
        stop = asyncio.Event()
        serving = asyncio.create_task(serve(ports, stop))

        async def email(wanted: str) -> None:
            async def there() -> bool:
                record = await snapshot(bench, Kind.CUSTOMER, contact["ContactID"])
                return getattr(record, "email", "") == wanted

            await until(there)

        written = len(await writes(bench))
        await edit(bench, "contacts", contact["ContactID"], EmailAddress="polled@example.org")
        await bench.control("xero", "/clock", {"jump_seconds": 15 * 60})
        await email("polled@example.org")
        # Without a trace in UpdatedDateUTC, as Xero does with some changes.
        org = bench.sandbox.xero.identity.organisations[tenant]  # type: ignore[union-attr]
        org["Contacts"].rows[contact["ContactID"]]["EmailAddress"] = "silent@example.org"
        await bench.control("xero", "/clock", {"jump_seconds": 24 * 3600})
        await email("silent@example.org")
        stop.set()
        assert await serving == 0
        assert len(await writes(bench)) == written
        # Switched off for one, the other is read on.
        async with bench.wiring.book.edit() as db:
            import msgspec

            document = db.tenant(tenant)
            assert document is not None
            db.put_tenant(msgspec.structs.replace(document, poll_minutes=0))
        await bench.control("xero", "/clock", {"jump_seconds": 3600})
        assert {one.tenant for one in await polling.due(ports)} == {bench.tenants[1]}
        # Polling is for workers that stay: what there is to do doesn't include it.
        calls = len(await asked(bench, "GET", ""))
        await bench.work()
        assert len(await asked(bench, "GET", "")) == calls
        await trouble_rests(bench)


async def trouble_rests(bench: Rig) -> None:
    """A tenant that can't be read is left alone for a while, and nothing is lost meanwhile."""
    from xerotui.store import Hint

    ports = bench.wiring.ports()
    await bench.control("xero", "/faults", {"do": "status", "status": 503, "path": "/Contacts"})
    async with ports.ledger.write() as tx:
        hint = Hint(
            tenant=bench.tenants[0],
            category="CONTACT",
            resource="00000000-0000-4000-8000-000000000001",
            at=dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
        )
        await ports.ledger.inbox.add(tx, [hint])
    worker = Worker(ports, asyncio.Event(), polls=False)

    async def resting() -> bool:
        return not await worker.turn() and worker.watcher.task is None

    await until(resting)
    calls = len(await asked(bench, "GET", "Contacts"))
    for _ in range(5):
        assert not await worker.turn()
    assert len(await asked(bench, "GET", "Contacts")) == calls
    async with ports.ledger.read() as tx:
        assert list(await ports.ledger.inbox.backlog(tx)) == [bench.tenants[0]]
    assert SOURCE in {p.source for p in (await ports.book.read()).all_pairs()}
