"""Why a record is where it is: found in every state, by number, name or id, with the reason; the command says the same.

One home is taken through its states, since each is what the one before made possible.
"""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.rig import SOURCE, Rig, rig
from xerotui.cli.codes import Exit
from xerotui.main import main
from xerotui.model.kinds import Kind, Side
from xerotui.model.records import Document
from xerotui.model.work import PlanState
from xerotui.store import Db
from xerotui.workspace.door import Workspace
from xerotui.workspace.home import prepare
from xerotui.workspace.pages import SearchRow


async def invoices(bench: Rig) -> list[Document]:
    """The source's invoices, as they were read."""
    async with bench.wiring.ledger.read() as tx:
        found = await bench.wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.INVOICE)
    return [record for record in found if isinstance(record, Document) and record.number]


async def policy(bench: Rig, **changes: Any) -> None:
    """Change the policy of every pair."""

    def write(db: Db) -> None:
        for pair in db.pairs(SOURCE):
            db.put_pair(msgspec.structs.replace(pair, **changes))

    await bench.wiring.book.change(write)


async def one(space: Workspace, text: str, kind: Kind = Kind.INVOICE) -> SearchRow:
    """The record that fits to the letter."""
    return next(row for row in await space.search(text) if row.kind is kind and text in (row.title, row.record))


async def shown(capsys: pytest.CaptureFixture[str], space: Workspace, *words: str) -> tuple[int, Any]:
    """Exit code and JSON of `xerotui why`."""
    capsys.readouterr()
    code = await asyncio.to_thread(main, ["--home", str(space.home), "why", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


async def test_the_reason_is_told_in_every_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with rig(tmp_path, scale=0.03) as bench:
        space = Workspace(bench.wiring, prepare(tmp_path / "home"), "tester", read_only=False, attached=True)
        documents = await invoices(bench)
        first = documents[0]

        row = await one(space, first.number)
        assert (row.state, row.reason) == ("not set", "Never tried: no plan has been made since it was read.")
        code, said = await shown(capsys, space, first.number)
        assert (code, said["story"]["state"], said["story"]["reason"]) == (Exit.DONE, row.state, row.reason)
        assert said["story"]["fields"], "what the source says is told before anything was tried"
        assert (await one(space, first.id)).record == first.id, "the source's own id finds it as well"

        await policy(bench, entities={Kind.INVOICE.value: False})
        async with bench.wiring.ledger.read() as tx:
            party = await bench.wiring.ledger.snapshots.get(tx, Side.SOURCE, SOURCE, Kind.CUSTOMER, first.party)
        assert party is not None
        switched = await space.story(SOURCE, Kind.INVOICE, first.id, party.tenant or bench.tenants[0])
        assert "invoices aren't synced with" in switched.reason

        await policy(bench, entities={})
        await _skipped_blocked_and_sent(bench, space, capsys)
        await _gone(bench, space, capsys)


async def _skipped_blocked_and_sent(bench: Rig, space: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Before start is left alone, an unmapped rate stops, the rest waits for approval and then is in Xero."""
    days = sorted(d.date for d in await invoices(bench) if d.date)
    start = days[len(days) // 2]
    await policy(bench, start={Kind.INVOICE.value: start})
    plan = (await bench.done("plan", connection=SOURCE))["plan"]
    documents = {d.id: d for d in await invoices(bench)}
    async with bench.wiring.ledger.read() as tx:
        stays = [row for row in await bench.wiring.ledger.plans.blocked(tx, plan) if row.record.kind is Kind.INVOICE]
        planned = await bench.wiring.ledger.work.find(tx, plan=plan, kind=Kind.INVOICE)

    early = next(row for row in stays if "before the start date" in row.sentence)
    row = await one(space, documents[early.record.id].number)
    assert row.state == "skipped"
    assert f"before the start date {start}" in row.reason
    code, said = await shown(capsys, space, early.record.title)
    assert (code, said["story"]["state"]) == (Exit.DONE, "skipped")
    assert str(start) in said["story"]["reason"]

    stopped = next(row for row in stays if row.code == "core.tax_unmapped")
    row = await one(space, stopped.record.title)
    assert (row.state, row.reason) == ("blocked", stopped.sentence)
    code, said = await shown(capsys, space, stopped.record.title, "--kind", "invoice")
    assert code == Exit.PROBLEMS
    assert said["story"]["problems"][0]["code"] == "core.tax_unmapped"

    await _listed(bench, space, capsys)
    waiting = planned[0]
    row = await one(space, waiting.title)
    assert (row.state, row.reason) == ("planned", "A plan holds it and waits for approval.")
    await bench.done("apply", plan=plan)
    assert (await space.plan(plan) or pytest.fail("no plan")).state is PlanState.DONE
    row = await one(space, waiting.title)
    assert row.state in ("confirmed", "verified")
    assert row.reason == "It is in Xero."


async def _listed(bench: Rig, space: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Every open problem is listed once, under its organisation and in order of time, as JSON and as CSV alike."""
    async with bench.wiring.ledger.read() as tx:
        open_ = await bench.wiring.ledger.problems.open(tx)
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["--home", str(space.home), "errors", "--list", "--json"]) == Exit.PROBLEMS
    listed = json.loads(capsys.readouterr().out)
    key = [(p["record"].get("tenant", ""), p["code"], p["subject"], p["record"]["id"]) for p in listed]
    assert sorted(key) == sorted((p.record.tenant, p.code, p.subject, p.record.id) for p in open_)
    tenants = [tenant for tenant, *_ in key]
    assert [t for i, t in enumerate(tenants) if i == 0 or tenants[i - 1] != t] == list(dict.fromkeys(tenants))
    for tenant in set(tenants):
        times = [p["at"] for p in listed if p["record"].get("tenant", "") == tenant]
        assert times == sorted(times)
    assert await asyncio.to_thread(main, ["--home", str(space.home), "errors", "--csv"]) == Exit.PROBLEMS
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(r["tenant"], r["code"], r["subject"], r["id"]) for r in rows] == key
    assert all(row["organisation"] and row["since"] and row["what_is_wrong"] for row in rows if row["tenant"])
    one_cause = f"{rows[0]['code']}/{rows[0]['subject']}"
    await asyncio.to_thread(main, ["--home", str(space.home), "errors", "--cause", one_cause, "--csv"])
    of_it = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {(r["code"], r["subject"]) for r in of_it} == {(rows[0]["code"], rows[0]["subject"])}


async def _gone(bench: Rig, space: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """What is gone at the source is still found; what nobody knows is said to be unknown, several are listed."""
    async with bench.wiring.ledger.read() as tx:
        link = (await bench.wiring.ledger.links.for_pair(tx, SOURCE, bench.tenants[0], Kind.INVOICE))[0]
    number = next(d.number for d in await invoices(bench) if d.id == link.record)
    async with bench.wiring.ledger.write() as tx:
        await bench.wiring.ledger.snapshots.gone(
            tx, Side.SOURCE, SOURCE, Kind.INVOICE, [link.record], bench.wiring.clock.now()
        )
    row = await one(space, number)
    assert (row.state, row.reason) == ("gone", "Gone at the source. It is still in Xero.")
    by_xero = await space.search(link.xero_id)
    assert [(r.record, r.kind) for r in by_xero] == [(link.record, Kind.INVOICE)], "Xero's id finds it too"

    code, said = await shown(capsys, space, "no such record anywhere")
    assert (code, said["error"]["code"]) == (Exit.REFUSED, "core.record")
    code, said = await shown(capsys, space, number[:4])
    assert code == Exit.DONE
    assert said["story"] is None
    assert len(said["found"]) > 1
    assert all(found["state"] and found["reason"] for found in said["found"])
