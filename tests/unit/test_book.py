"""The book: whole at every instant, shared by processes, readable by people."""

import asyncio
import datetime as dt
import json
import os
import random
import signal
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from xerotui.model.kinds import Kind
from xerotui.model.problems import SyncError
from xerotui.store import (
    Book,
    BookMoved,
    Ceilings,
    Db,
    Mapping,
    Pair,
    SourceConnection,
    TenantDoc,
    XeroConnectionDoc,
    book,
)

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def source(id: str, **more: object) -> SourceConnection:
    """A source connection."""
    return SourceConnection(id=id, name=id.title(), source="halo", created=NOW, **more)  # type: ignore[arg-type]


def mapping(value: str, target: str = "OUTPUT2", **more: object) -> Mapping:
    """A tax mapping of the first pair."""
    return Mapping(spec="tax", connection="halo", value=value, tenant="t1", target=target, **more)  # type: ignore[arg-type]


async def test_documents_come_back_as_they_were_saved(tmp_path: Path) -> None:
    shelf = Book(tmp_path / "home" / "book.json")
    pair = Pair(
        source="halo",
        tenant="t1",
        mode="automatic",
        start={"invoice": NOW.date()},
        entities={"item": False},
        statuses={"invoice": "DRAFT"},
        ceilings=Ceilings(total=Decimal("1000.10"), documents=5),
        closed_through=NOW.date(),
    )
    xero = XeroConnectionDoc(id="x", name="X", settings={"client_id": "ü"}, created=NOW, saved=True)
    tenant = TenantDoc(tenant="t1", connection="x", name="[red]\u202eLtd", demo=True)

    def write(db: Db) -> None:
        db.put_source(source("halo", settings={"url": "http://x"}))
        db.put_xero(xero)
        db.put_tenant(tenant)
        db.put_pair(pair)
        db.put_pair(Pair(source="other", tenant="t1"))

    await shelf.change(write)
    db = await shelf.read()
    assert db.sources() == [source("halo", settings={"url": "http://x"})]
    assert (db.xero("x"), db.tenant("t1"), db.pair("halo", "t1")) == (xero, tenant, pair)
    assert (db.xero("y"), db.tenant("t2"), db.pair("halo", "t2"), db.source("y")) == (None,) * 4
    assert [p.source for p in db.all_pairs()] == ["halo", "other"]
    assert db.pairs("halo") == [pair]
    assert [pair.syncs(kind) for kind in (Kind.INVOICE, Kind.ITEM, Kind.ACCOUNT)] == [True, False, False]
    assert stat.S_IMODE(shelf.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(shelf.path.parent.stat().st_mode) == 0o700
    assert '"total": "1000.10"' in shelf.path.read_text()
    await shelf.change(lambda db: db.drop_source("halo"))
    assert [p.source for p in (await shelf.read()).all_pairs()] == ["other"]


async def test_a_mapping_gets_a_revision_that_never_comes_twice(tmp_path: Path) -> None:
    shelf = Book(tmp_path / "book.json")

    async def revision() -> int:
        found = (await shelf.read()).mapping("tax", "halo", "9", "sales", "t1")
        return found.revision if found else 0

    seen: list[int] = []
    for target in ("A", "A", "B", "A"):
        await shelf.change(lambda db, target=target: db.put_mapping(mapping("9", target, actor=str(len(seen)))))  # type: ignore[misc]
        seen.append(await revision())
    assert seen[0] == seen[1] < seen[2] < seen[3]
    await shelf.change(lambda db: db.drop_mapping("tax", "halo", "9", "sales", "t1"))
    assert await revision() == 0
    await shelf.change(lambda db: db.put_mapping(mapping("9", "A")))
    assert await revision() > seen[3]
    hostile = mapping('9","sales', "C")
    await shelf.change(lambda db: db.put_mapping(hostile))
    assert {m.value for m in (await shelf.read()).mappings("halo", "t1")} == {"9", '9","sales'}


async def test_what_did_not_change_is_not_written_and_a_failed_edit_neither(tmp_path: Path) -> None:
    shelf = Book(tmp_path / "book.json")
    await shelf.change(lambda db: db.put_source(source("a")))
    before = shelf.path.read_bytes()
    await shelf.change(lambda db: db.put_source(source("a")))
    with pytest.raises(ZeroDivisionError):
        async with shelf.edit() as db:
            db.put_source(source("b"))
            _ = 1 / 0
    assert shelf.path.read_bytes() == before


async def test_an_overtaken_edit_is_refused_and_an_overtaken_change_made_again(tmp_path: Path) -> None:
    shelf = Book(tmp_path / "book.json")
    with pytest.raises(BookMoved):
        async with shelf.edit() as db:
            db.put_source(source("a"))
            await shelf.change(lambda other: other.put_source(source("b")))
    tries = []

    def write(db: Db) -> int:
        tries.append(db.revision)
        if len(tries) == 1:
            inner = Book(shelf.path)
            # Another process gets in between reading and writing.
            subprocess.run([sys.executable, "-c", PUT, str(inner.path), "c", "1"], check=True)
        db.put_source(source("d"))
        return len(tries)

    assert await shelf.change(write) == 2
    assert [s.id for s in (await shelf.read()).sources()] == ["b", "c-0", "d"]


PUT = """
import asyncio, sys
from pathlib import Path
from xerotui.store import Book, SourceConnection

async def main():
    book = Book(Path(sys.argv[1]))
    for n in range(int(sys.argv[3])):
        text = "x" * (n * 7919 % 3000)
        document = SourceConnection(id=f"{sys.argv[2]}-{n}", name=text, source="halo")
        await book.change(lambda db: db.put_source(document))
        print(n, flush=True)

asyncio.run(main())
"""


def start(shelf: Book, name: str, number: int) -> "subprocess.Popen[bytes]":
    """A process that saves so many documents, one after another, and says so after each."""
    command = [sys.executable, "-c", PUT, str(shelf.path), name, str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


async def test_two_processes_and_two_tasks_lose_nothing(tmp_path: Path) -> None:
    shelf = Book(tmp_path / "book.json")
    children = [start(shelf, name, 25) for name in ("a", "b")]
    tasks = [shelf.change(lambda db, n=n: db.put_source(source(f"here-{n}"))) for n in range(20)]  # type: ignore[misc]
    await asyncio.gather(*tasks)
    while any(child.poll() is None for child in children):
        await asyncio.sleep(0.05)
    assert [(child.communicate(), child.returncode)[1] for child in children] == [0, 0]
    db = await shelf.read()
    assert len(db.sources()) == 70
    assert db.revision == 70


async def test_a_killed_writer_leaves_a_whole_book_with_all_it_said_it_saved(tmp_path: Path) -> None:
    dice = random.Random(3)
    shelf = Book(tmp_path / "book.json")
    for round_ in range(5):
        child = start(shelf, f"r{round_}", 100_000)
        assert child.stdout is not None
        child.stdout.readline()
        await asyncio.sleep(dice.uniform(0.01, 0.12))
        os.kill(child.pid, signal.SIGKILL)
        said = [0, *(int(line) for line in child.communicate()[0].split())]
        saved = {s.id for s in (await shelf.read()).sources()}
        assert {f"r{round_}-{n}" for n in said} <= saved
        # Nothing stays locked, and a half-written temporary is in nobody's way.
        await asyncio.wait_for(shelf.change(lambda db: db.put_source(source("after"))), 5)


async def test_backups_rotate_and_are_named_when_the_book_is_damaged(tmp_path: Path) -> None:
    shelf = Book(tmp_path / "book.json")
    for n in range(8):
        await shelf.change(lambda db, n=n: db.put_source(source(f"s{n}")))  # type: ignore[misc]
    assert [path.name for path in shelf.backups()] == [f"book.json.{n}" for n in range(1, 6)]
    assert json.loads(shelf.backups()[0].read_text())["revision"] == 7
    whole = shelf.path.read_bytes()
    shelf.backups()[0].write_bytes(b"")
    for damage in (whole[:-40], b"", b'{"some": "json"}', whole.replace(b'"format": 1', b'"format": "x"'), None):
        if damage is None:
            shelf.path.unlink()
        else:
            shelf.path.write_bytes(damage)
        for attempt in (shelf.read(), shelf.change(lambda db: db.put_source(source("z")))):
            with pytest.raises(SyncError) as caught:
                await attempt
            assert caught.value.remedy == "Copy book.json.2 over book.json."
    shelf.path.write_bytes(shelf.backups()[1].read_bytes())
    assert len((await shelf.read()).sources()) == 6


async def test_a_newer_format_is_read_but_not_changed(tmp_path: Path) -> None:
    shelf = Book(tmp_path / "book.json")
    await shelf.change(lambda db: db.put_source(source("a")))
    text = shelf.path.read_text().replace('"format": 1', '"format": 2').replace('"enabled"', '"novelty": 1, "enabled"')
    shelf.path.write_text(text)
    db = await shelf.read()
    assert [s.id for s in db.sources()] == ["a"]
    assert "newer XeroTUI" in db.read_only
    with pytest.raises(SyncError, match="newer XeroTUI"):
        await shelf.change(lambda db: db.put_source(source("b")))
    assert shelf.path.read_text() == text


async def test_an_older_format_is_brought_up_step_by_step_after_a_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Book(tmp_path / "book.json")
    await shelf.change(lambda db: db.put_source(source("a")))
    old = shelf.path.read_text()

    def renamed(tables: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
        return {name: {key + "!": {**doc, "id": key + "!"} for key, doc in t.items()} for name, t in tables.items()}  # type: ignore[dict-item]

    monkeypatch.setattr(book, "MIGRATIONS", (renamed, renamed))
    assert [s.id for s in (await shelf.read()).sources()] == ["a!!"]
    assert shelf.path.read_text() == old
    await shelf.change(lambda db: db.put_source(source("b")))
    assert (tmp_path / "book.json.format-1").read_text() == old
    assert json.loads(shelf.path.read_text())["format"] == 3
    assert [s.id for s in (await shelf.read()).sources()] == ["a!!", "b"]


async def test_a_wrong_entry_is_named(tmp_path: Path) -> None:
    shelf = Book(tmp_path / "book.json")
    await shelf.change(lambda db: db.put_source(source("a")))
    shelf.path.write_text(shelf.path.read_text().replace('"enabled": true', '"enabled": "perhaps"'))
    with pytest.raises(SyncError, match="entry of sources"):
        (await shelf.read()).sources()
