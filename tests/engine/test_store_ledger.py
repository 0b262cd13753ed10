"""Opening, migrating and transactions of the ledger."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from tests.engine.store_kit import NOW, opened, operation
from xerotui.model.problems import SyncError
from xerotui.model.work import Topic
from xerotui.store import Ledger, columns, schema


async def test_files_are_private_and_reopening_keeps_what_is_there(tmp_path: Path) -> None:
    home = tmp_path / "home of a?b#c%20d"
    async with opened(home) as ledger, ledger.write() as tx:
        await ledger.work.add(tx, [operation(1)])
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "ledger.db").stat().st_mode) == 0o600
    async with opened(home) as ledger:
        async with ledger.read() as tx:
            assert [o.title for o in await ledger.work.find(tx)] == ["INV-00001"]
        assert await ledger.integrity() == []


async def test_migrations_lead_to_the_very_tables_of_this_program(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    engine = create_engine(f"sqlite:///{tmp_path / 'plain.db'}")
    columns.metadata.create_all(engine)
    engine.dispose()

    def laid(path: Path) -> dict[str, object]:
        connection = sqlite3.connect(path)
        found: dict[str, object] = {}
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        for type_, name, sql in rows:
            if type_ == "table":
                columns = connection.execute(f"PRAGMA table_xinfo('{name}')").fetchall()
                keys = connection.execute(f"PRAGMA foreign_key_list('{name}')").fetchall()
                found[name] = (columns, sorted(key[2:] for key in keys))
            else:
                found[name] = " ".join(sql.split())
        connection.close()
        return found

    migrated, plain = laid(tmp_path / "ledger.db"), laid(tmp_path / "plain.db")
    migrated.pop("alembic_version")
    assert migrated == plain


async def test_who_is_cancelled_twice_leaves_nothing_that_waits(tmp_path: Path) -> None:
    # A console that ends cancels what it loads, sometimes in the middle of cancelling it already.
    long = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n"
    )
    async with opened(tmp_path) as ledger:
        before = asyncio.all_tasks()

        async def reading() -> None:
            async with ledger.read() as tx:
                await tx.all(long)

        for _ in range(3):
            task = asyncio.create_task(reading())
            await asyncio.sleep(0.05)
            task.cancel()
            for _ in range(3):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            left = asyncio.all_tasks() - before
            _, waiting = await asyncio.wait(left, timeout=30) if left else (None, set())
            assert not waiting
        async with ledger.read() as tx:
            assert await ledger.work.find(tx) == []


async def test_a_ledger_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (schema.HEAD,)
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(SyncError, match="newer XeroTUI"):
        await Ledger.open(tmp_path / "ledger.db")


async def test_a_file_that_is_no_ledger_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database, but long enough to look at" * 50)
    with pytest.raises(SyncError, match="can't be read"):
        await Ledger.open(tmp_path / "ledger.db")


async def test_an_exception_takes_everything_back_and_readers_see_one_state(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        with pytest.raises(ZeroDivisionError):
            async with ledger.write() as tx:
                await ledger.work.add(tx, [operation(1)])
                _ = 1 / 0
        async with ledger.read() as tx:
            assert await ledger.work.find(tx) == []
            async with ledger.write() as other:
                await ledger.work.add(other, [operation(2)])
            assert await ledger.work.find(tx) == []
            with pytest.raises(RuntimeError, match="only reads"):
                await ledger.work.add(tx, [operation(3)])
        async with ledger.read() as tx:
            assert len(await ledger.work.find(tx)) == 1


async def test_what_cant_be_committed_is_taken_back_and_holds_no_lock(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        with pytest.raises(IntegrityError):
            async with ledger.write() as tx:
                await tx.run(text("PRAGMA defer_foreign_keys = ON"))
                await tx.run(text("INSERT INTO needs VALUES ('nobody', 'nothing')"))
        with sqlite3.connect(tmp_path / "ledger.db", timeout=0) as other:
            other.execute("BEGIN IMMEDIATE")
        other.close()
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(1)])
        assert await ledger.integrity() == []


async def test_a_write_inside_a_write_is_refused_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger, ledger.write():
        with pytest.raises(RuntimeError, match="open in this task"):
            async with ledger.write():
                pass


async def test_cancelled_writers_leave_nothing_locked(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:

        async def write(number: int) -> None:
            async with ledger.write() as tx:
                await ledger.work.add(tx, [operation(number)])
                await ledger.work.add(tx, [operation(number + 1000)])

        for round_ in range(15):
            tasks = [asyncio.create_task(write(round_ * 10 + i)) for i in range(3)]
            await asyncio.sleep(0.001 * round_)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.wait_for(write(900), 4)
        async with ledger.read() as tx:
            found = {int(o.record) for o in await ledger.work.find(tx)}
        assert {900, 1900} <= found
        assert all((number + 1000) % 2000 in found for number in found if number < 1000)
        assert await ledger.integrity() == []


async def test_the_counter_counts_a_topic_once_a_transaction(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        before = await ledger.pulse()
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(1)])
            await ledger.work.add(tx, [operation(2)])
            assert (await ledger.changes.read(tx))["queue"] == 1
            ledger.changes.bump(tx, Topic.BOOK)
        async with ledger.read() as tx:
            counts = await ledger.changes.read(tx)
        assert counts == {topic.value: int(topic in (Topic.QUEUE, Topic.BOOK)) for topic in Topic}
        assert await ledger.pulse() == before + 2
        async with ledger.write() as tx:
            await ledger.marks.set(tx, "drawn", "7")
        async with ledger.read() as tx:
            assert await ledger.marks.get(tx, "drawn") == "7"
            assert await ledger.marks.get(tx, "unknown") == ""
        assert await ledger.pulse() == before + 2


WRITER = """
import asyncio, sys
from pathlib import Path
from xerotui.store import Ledger
import datetime as dt

async def main():
    ledger = await Ledger.open(Path(sys.argv[1]))
    for i in range(40):
        async with ledger.write() as tx:
            await ledger.audit.append(tx, sys.argv[2], "did", str(i), {}, dt.datetime.now(dt.UTC))
    await ledger.close()

asyncio.run(main())
"""


def both(home: Path) -> list[int]:
    """What two writers that make and fill one ledger ended with."""
    command = [sys.executable, "-c", WRITER, str(home / "ledger.db")]
    children = [subprocess.Popen([*command, name]) for name in ("one", "two")]
    return [child.wait(timeout=30) for child in children]


async def test_two_processes_make_one_ledger_and_lose_nothing(tmp_path: Path) -> None:
    assert both(tmp_path) == [0, 0]
    async with opened(tmp_path) as ledger:
        async with ledger.read() as tx:
            rows = await ledger.audit.list(tx, limit=100)
        assert [row.seq for row in rows] == list(range(80, 0, -1))
        assert {row.actor for row in rows} == {"one", "two"}
        assert await ledger.integrity() == []


async def test_integrity_names_a_broken_reference(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            await ledger.audit.append(tx, "ann", "did", "x", {}, NOW)
        with sqlite3.connect(tmp_path / "ledger.db") as connection:
            connection.execute("INSERT INTO needs VALUES ('nobody', 'nothing')")
        connection.close()
        assert any("needs" in line for line in await ledger.integrity())
