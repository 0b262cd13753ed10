"""Pages: every row once in every order, in both directions; and the plans that SQLite makes of the hot queries."""

import random
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.engine.store_kit import LANE, NOW, opened, operation
from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import Page, View
from xerotui.model.records import Party
from xerotui.model.work import Operation, State, Verb
from xerotui.store import Ledger
from xerotui.store.tx import Tx

ROWS = 2_000


async def fill(ledger: Ledger) -> list[Operation]:
    """Operations in two lanes and several states, many with equal titles and totals."""
    dice = random.Random(7)
    made = [
        operation(
            n,
            title=f"Title {dice.randrange(40)}",
            total=None if n % 9 == 0 else Decimal(dice.randrange(30) - 10),
            plan=f"plan-{n % 3}",
            state=dice.choice([State.READY, State.PLANNED, State.CONFIRMED]),
            lane=LANE if n % 4 else "another",
        )
        for n in range(ROWS)
    ]
    async with ledger.write() as tx:
        await ledger.work.add(tx, made)
    return made


async def walk(ledger: Ledger, view: View) -> list[str]:
    """The ids of all pages forwards; on the way back each page must be what it was."""
    seen: list[Page[Operation]] = []
    async with ledger.read() as tx:
        page = await ledger.work.page(tx, view)
        seen.append(page)
        while page.next:
            page = await ledger.work.page(tx, View(**{**_plain(view), "anchor": page.next}))  # type: ignore[arg-type]
            seen.append(page)
        for before in reversed(seen[:-1]):
            page = await ledger.work.page(tx, View(**{**_plain(view), "anchor": page.previous}))  # type: ignore[arg-type]
            assert page.rows == before.rows
        assert page.previous == ""
    return [row.id for page in seen for row in page.rows]


def _plain(view: View) -> dict[str, object]:
    return {name: getattr(view, name) for name in View.__struct_fields__}


@pytest.mark.parametrize("sort", ["", "title", "total", "state", "created"])
@pytest.mark.parametrize("descending", [False, True])
async def test_every_row_is_on_exactly_one_page(tmp_path: Path, sort: str, descending: bool) -> None:
    async with opened(tmp_path) as ledger:
        made = await fill(ledger)
        ids = await walk(ledger, View(sort=sort, descending=descending, limit=170))
        assert sorted(ids) == sorted(o.id for o in made)
        by_id = {o.id: o for o in made}
        if sort in ("", "created"):
            assert ids == [o.id for o in made][:: -1 if descending else 1]
        if sort == "total":
            totals = [by_id[id].total or 0 for id in ids]
            assert totals == sorted(totals, reverse=descending)
        if sort == "state":
            values = [by_id[id].state.value for id in ids]
            assert values == sorted(values, reverse=descending)


async def test_filters_count_and_hold_on_every_page(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        made = await fill(ledger)
        view = View(text="TITLE 1", fields={"plan": "plan-1", "state": "ready,planned"}, sort="title", limit=37)
        wanted = {
            o.id
            for o in made
            if o.title.startswith("Title 1") and o.plan == "plan-1" and o.state in ("ready", "planned")
        }
        assert set(await walk(ledger, view)) == wanted
        async with ledger.read() as tx:
            page = await ledger.work.page(tx, view)
            assert page.total == len(wanted) > 37
            assert all(o.body == b"" for o in page.rows)
            assert (await ledger.work.page(tx, View(text="nothing like it"))).rows == ()


async def test_strange_anchors_start_anew_and_strange_columns_are_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await fill(ledger)
        async with ledger.read() as tx:
            first = await ledger.work.page(tx, View(sort="title"))
            for anchor in ("!!", "aGVsbG8=", first.next[:-8], (await ledger.work.page(tx, View())).next):
                assert (await ledger.work.page(tx, View(sort="title", anchor=anchor))).rows == first.rows
            with pytest.raises(ValueError, match="sort"):
                await ledger.work.page(tx, View(sort="body"))
            with pytest.raises(ValueError, match="filter"):
                await ledger.work.page(tx, View(fields={"body": "x"}))


async def test_an_anchor_whose_rows_are_gone_leads_somewhere(tmp_path: Path) -> None:
    side, home = Side.SOURCE, "halo"
    people = [Party(id=f"{n:03}", kind=Kind.CUSTOMER, name=f"Person {n:03}") for n in range(60)]
    async with opened(tmp_path) as ledger, ledger.write() as tx:
        await ledger.snapshots.put(tx, side, home, people, NOW)
        first = await ledger.snapshots.page(tx, side, home, Kind.CUSTOMER, View(limit=50))
        await ledger.snapshots.gone(tx, side, home, Kind.CUSTOMER, [p.id for p in people[50:]], NOW)
        after = await ledger.snapshots.page(tx, side, home, Kind.CUSTOMER, View(limit=50, anchor=first.next))
        assert after.rows == tuple(people[:50])
        assert after.next == after.previous == ""


async def plans(ledger: Ledger, ask: Callable[[Tx], Awaitable[object]]) -> list[list[str]]:
    """How SQLite carries out each query that a question leads to."""
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _k: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    engine = ledger._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        async with ledger.read() as tx:
            await ask(tx)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    async with ledger.read() as tx:
        queries = [(statement, values) for statement, values in asked if statement.startswith("SELECT")]
        rows = [
            await tx._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            for statement, values in queries
        ]
        return [[str(row.detail) for row in found] for found in rows]


async def test_the_hot_queries_find_their_rows_by_index_and_sort_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await fill(ledger)
        [due] = await plans(ledger, lambda tx: ledger.work.ready_batch(tx, LANE, Kind.INVOICE, Verb.CREATE, 50))
        assert any("ix_operations_due" in step for step in due)
        seen = [due]
        filters: list[dict[str, str]] = [{}, {"state": "ready"}, {"plan": "plan-1"}, {"tenant": "tenant-1"}]
        for fields in filters:
            async with ledger.read() as tx:
                page = await ledger.work.page(tx, View(fields=fields))
            for anchor in ("", page.next):
                view = View(fields=fields, anchor=anchor)
                found = await plans(ledger, lambda tx, view=view: ledger.work.page(tx, view))  # type: ignore[misc]
                assert len(found) == 2
                seen += found
        for steps in seen:
            assert not [step for step in steps if "TEMP B-TREE" in step], steps
            assert not [step for step in steps if step.startswith("SCAN operations") and "USING" not in step], steps
