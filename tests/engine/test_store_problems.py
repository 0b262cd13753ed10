"""Problems and causes, plans with what stays out of them, runs, and the audit chain."""

import datetime as dt
import sqlite3
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.engine.store_kit import NOW, Stopped, opened
from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import View
from xerotui.model.problems import Place, Problem, RecordRef
from xerotui.model.records import Document
from xerotui.model.work import Plan, PlanKind, PlanState, PlanTotal, Run
from xerotui.store import BlockedRow, Ledger
from xerotui.store.tx import Tx

TAX = "core.tax_unmapped"


def problem(record: str, code: str = TAX, subject: str = "tax:9", **more: object) -> Problem:
    """A problem of an invoice."""
    ref = RecordRef(connection="halo", kind=Kind.INVOICE, id=record, title=f"INV-{record}", tenant="t1")
    given = {"sentence": f"{subject} isn't mapped", "place": Place("map.open", {"spec": "tax"})}
    return Problem(code=code, subject=subject, record=ref, **{**given, **more})  # type: ignore[arg-type]


async def replace(ledger: Ledger, tx: Tx, records: list[str], problems: list[Problem], phase: str = "resolve") -> None:
    """The problems of invoices of the pair."""
    await ledger.problems.replace(tx, "halo", "t1", Kind.INVOICE, records, problems, phase)


async def test_replacing_keeps_known_ones_and_resolves_the_rest(tmp_path: Path) -> None:
    clock = Stopped()
    async with opened(tmp_path, clock) as ledger:
        async with ledger.write() as tx:
            await replace(ledger, tx, ["1", "2", "3"], [problem("1"), problem("1", subject="tax:10"), problem("2")])
            await replace(ledger, tx, ["1"], [problem("1", code="core.rejected", subject="r")], "send")
        pulse = await ledger.pulse()
        clock.at += dt.timedelta(hours=1)
        async with ledger.write() as tx:
            await replace(ledger, tx, ["1", "2"], [problem("1"), problem("1", subject="tax:10"), problem("2")])
        assert await ledger.pulse() == pulse
        async with ledger.write() as tx:
            await replace(ledger, tx, ["1"], [problem("1", sentence="other words")])
            mine = await ledger.problems.open(tx, record="1", phase="resolve")
            assert [(p.subject, p.sentence, p.at, p.place) for p in mine] == [
                ("tax:9", "other words", NOW, Place("map.open", {"spec": "tax"}))
            ]
            assert len(await ledger.problems.open(tx)) == 3
            await replace(ledger, tx, ["1", "2"], [])
            assert [p.code for p in await ledger.problems.open(tx)] == ["core.rejected"]
            await replace(ledger, tx, ["2"], [problem("2")])
            assert (await ledger.problems.open(tx, record="2"))[0].at == clock.at
            with pytest.raises(ValueError, match="isn't replaced"):
                await replace(ledger, tx, ["2"], [problem("3")])
            assert await ledger.problems.drop_resolved(tx, clock.at + dt.timedelta(days=1)) == 2


async def test_causes_are_counted_by_record_and_summed_exactly(tmp_path: Path) -> None:
    records = [str(n) for n in range(30)]
    documents = [
        Document(id=id, kind=Kind.INVOICE, total=Decimal("0.10"), currency="GBP" if int(id) % 2 else "AUD")
        for id in records
    ]
    async with opened(tmp_path) as ledger, ledger.write() as tx:
        await ledger.snapshots.put(tx, Side.SOURCE, "halo", documents, NOW)
        found = [problem(id) for id in records]
        found += [problem("1", code=f"core.{n}", subject=f"s{n}", blocks=False) for n in range(9)]
        await replace(ledger, tx, records, found)
        await replace(ledger, tx, ["1"], [problem("1")], "send")
        first = await ledger.problems.causes(tx, View(limit=4))
        assert first.total == 10
        [top, *_] = first.rows
        assert (top.code, top.subject, top.records, top.oldest) == (TAX, "tax:9", 30, NOW)
        assert top.totals == {"AUD": Decimal("1.50"), "GBP": Decimal("1.50")}
        assert (top.kinds, top.tenants, top.blocks) == ((Kind.INVOICE,), ("t1",), True)
        rest, anchor = list(first.rows), first.next
        while anchor:
            page = await ledger.problems.causes(tx, View(limit=4, anchor=anchor))
            rest, anchor = rest + list(page.rows), page.next
        assert len({(r.code, r.subject) for r in rest}) == len(rest) == 10
        assert (await ledger.problems.causes(tx, View(fields={"blocks": "true"}))).total == 1
        assert (await ledger.problems.causes(tx, View(fields={"tenant": "t2"}))).rows == ()
        assert (await ledger.problems.counts(tx))[TAX] == 30
        assert await ledger.problems.counts(tx, tenant="t2") == {}
        # The record that the others wait for speaks for the cause, also where a filter leaves it out.
        root = RecordRef(connection="halo", kind=Kind.CUSTOMER, id="7", title="Harlow", tenant="t1")
        waits = [problem(id, code="core.bad", subject="customer:7", sentence="Waits for Harlow") for id in records]
        await replace(ledger, tx, records, waits)
        own = msgspec.structs.replace(waits[0], record=root, sentence="It has no name")
        await ledger.problems.replace(tx, "halo", "t1", Kind.CUSTOMER, ["7"], [own], "resolve")
        given: tuple[dict[str, str], ...] = ({}, {"kind": "invoice"})
        for fields in given:
            cause, *_ = (await ledger.problems.causes(tx, View(fields=fields))).rows
            assert (cause.records, cause.sentence) == (31 - len(fields), "It has no name")
        await ledger.problems.replace(tx, "halo", "t1", Kind.CUSTOMER, ["7"], [], "resolve")
        await replace(ledger, tx, records, found)
        page_ = await ledger.problems.of_cause(tx, TAX, "tax:9", View(text="inv-1", limit=5))
        assert (page_.total, len(page_.rows)) == (12, 5)
        refs = await ledger.problems.records_of_causes(tx, [(TAX, "tax:9"), ("core.1", "s1"), ("no", "thing")])
        assert {r.id for r in refs} == set(records)
        assert len(refs) == 30


def plan(id: str, minutes: int = 0, **more: object) -> Plan:
    """A plan of the pair."""
    given = {
        "kind": PlanKind.SYNC,
        "connection": "halo",
        "tenants": ("t1",),
        "state": PlanState.READY,
        "hash": "h",
        "created": NOW + dt.timedelta(minutes=minutes),
        "expires": NOW,
        "totals": (PlanTotal("t1", "GBP", Kind.INVOICE, "create", 2, Decimal("1.10")),),
    }
    return Plan(id=id, **{**given, **more})  # type: ignore[arg-type]


async def test_plans_change_state_once_and_list_what_stays_out(tmp_path: Path) -> None:
    ref = problem("1").record
    rows = [
        BlockedRow(record=ref, code=f"core.{n % 2}", subject=f"s{n}", sentence="because", total=Decimal(n) / 10)
        for n in range(120)
    ]
    async with opened(tmp_path) as ledger, ledger.write() as tx:
        plans = ledger.plans
        await plans.add(tx, plan("a"), rows)
        await plans.add(tx, plan("b", 5, connection="other"))
        assert await plans.get(tx, "a") == plan("a")
        assert await plans.get(tx, "nobody") is None
        assert [p.id for p in await plans.list(tx, 5)] == ["b", "a"]
        assert await plans.set_state(tx, "a", PlanState.APPROVED, frm=[PlanState.READY], actor="ann")
        assert not await plans.set_state(tx, "a", PlanState.APPROVED, frm=[PlanState.READY], actor="bob")
        await plans.set_state(tx, "b", PlanState.REFUSED, moved=["INV-1 moved"])
        found = await plans.latest(tx, states=[PlanState.APPROVED])
        assert found is not None
        assert (found.id, found.actor, found.totals) == ("a", "ann", plan("a").totals)
        newest = await plans.latest(tx)
        assert newest is not None
        assert (newest.id, newest.state, newest.moved) == ("b", PlanState.REFUSED, ("INV-1 moved",))
        assert list(await plans.blocked(tx, "a")) == rows
        page = await plans.blocked_page(tx, "a", View(fields={"code": "core.1"}, limit=50))
        assert page.total == 60
        more = await plans.blocked_page(tx, "a", View(fields={"code": "core.1"}, limit=50, anchor=page.next))
        assert list(page.rows + more.rows) == rows[1::2]


async def test_runs_go_on_and_end(tmp_path: Path) -> None:
    run = Run(id="r", plan="p", kind=PlanKind.SYNC, started=NOW, total=3)
    async with opened(tmp_path) as ledger, ledger.write() as tx:
        await ledger.runs.start(tx, run)
        await ledger.runs.progress(tx, "r", {"confirmed": 1}, 1)
        await ledger.runs.finish(tx, "r", {"confirmed": 3}, 2, NOW, error="")
        await ledger.runs.start(tx, Run(id="s", plan="p", kind=PlanKind.IMPORT, started=NOW + dt.timedelta(hours=1)))
        assert [r.id for r in await ledger.runs.list(tx, 5)] == ["s", "r"]
        newest = await ledger.runs.of_plan(tx, "p")
        assert newest is not None
        assert newest.id == "s"
        done = Run(
            id="r", plan="p", kind=PlanKind.SYNC, started=NOW, ended=NOW, total=3, counts={"confirmed": 3}, calls=2
        )
        assert await ledger.runs.get(tx, "r") == done


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE audit SET subject = 'INV-9' WHERE seq = 2", "entry 2 was changed"),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", "entry 3 was changed"),
        ("DELETE FROM audit WHERE seq = 2", "between 1 and 3"),
        ("DELETE FROM audit WHERE seq = 5", "end of the chain"),
        ("DELETE FROM audit", "end of the chain"),
        ("DELETE FROM audit_head", "end of the chain"),
        ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 1) WHERE seq = 2", "entry 3 doesn't follow"),
    ],
)
async def test_tampering_with_the_audit_shows(tmp_path: Path, change: str, words: str) -> None:
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            for n in range(5):
                detail = {"total": Decimal("1.10"), "b": n, "a": ["x"]}
                assert await ledger.audit.append(tx, "ann", "approved", f"INV-{n}", detail, NOW) == n + 1
        assert await ledger.integrity() == []
        async with ledger.read() as tx:
            [newest, *_] = await ledger.audit.list(tx, 2)
            assert (newest.seq, newest.detail) == (5, {"total": "1.10", "b": 4, "a": ["x"]})
            assert [row.seq for row in await ledger.audit.list(tx, 2, before=4)] == [3, 2]
        with sqlite3.connect(tmp_path / "ledger.db") as connection:
            connection.execute(change)
        connection.close()
        assert words in " ".join(await ledger.integrity())


async def test_problems_are_paged_in_the_order_of_time(tmp_path: Path) -> None:
    clock = Stopped()
    async with opened(tmp_path, clock) as ledger:
        for record in ("9", "1", "5"):
            async with ledger.write() as tx:
                await replace(ledger, tx, [record], [problem(record)])
            clock.at += dt.timedelta(minutes=1)
        async with ledger.read() as tx:
            first = await ledger.problems.page(tx, View(limit=2))
            rest = await ledger.problems.page(tx, View(limit=2, anchor=first.next))
            none = await ledger.problems.page(tx, View(fields={"tenant": "t2"}))
        assert [p.record.id for p in (*first.rows, *rest.rows)] == ["9", "1", "5"]
        assert first.total == 3
        assert none.rows == ()
