"""Credits of the source: Xero credit notes with their own numbers, laid on what they credit, never twice (X10)."""

import asyncio
import datetime as dt
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.sync_kit import (
    LAPSE,
    Rig,
    asked,
    fault,
    halo,
    held,
    held_one,
    jump,
    linked,
    made_plan,
    operations,
    other_process,
    policy,
    problems,
    small,
    sound,
    the_plan,
    unknown_calls,
    until,
    writes,
)
from xerotui.main import main
from xerotui.model.kinds import DOCUMENTS, SYNCED, Kind, Side
from xerotui.model.work import Operation, State, Verb
from xerotui.sync.applying import apply
from xerotui.sync.plan import xero_lane
from xerotui.sync.send_xero import XeroSender

# Days of which the invoices are taken.
FEW = 45
READY = {"invoice": "AUTHORISED", "credit_note": "AUTHORISED"}


@asynccontextmanager
async def crediting(tmp: Path, *, rate: float = 30.0, **changes: Any) -> AsyncIterator[Rig]:
    """A small world whose first organisation takes the approved invoices and credits of some weeks, and no more."""
    async with small(tmp, rate=rate) as bench:
        since = bench.world.today - dt.timedelta(days=FEW)
        only = {kind.value: kind in (Kind.CUSTOMER, Kind.ITEM, Kind.INVOICE, Kind.CREDIT_NOTE) for kind in SYNCED}
        usual = {"statuses": READY, "settle_minutes": 0, "entities": only, "start": {"invoice": since}}
        await policy(bench, bench.tenants[0], **(usual | changes))
        await policy(bench, bench.tenants[1], entities=dict.fromkeys(only, False))
        yield bench


async def invoices(bench: Rig, many: int) -> list[dict[str, Any]]:
    """Rows of Halo that a plan would post in the first organisation."""
    since = bench.world.today - dt.timedelta(days=FEW)
    numbers = sound(bench)[bench.tenants[0], Kind.INVOICE]
    mine = [i.id for i in bench.world.psa.invoices if i.number in numbers and i.date >= since and i.total > 0]
    assert len(mine) >= many
    return [await halo(bench, "invoice", id) for id in mine[:many]]


async def credit(bench: Rig, original: dict[str, Any], lines: Sequence[dict[str, Any]] = (), **more: Any) -> str:
    """Somebody credits an invoice at the source, or these lines of it; the credit's id."""
    wanted = lines or [line for line in original["lines"] if not line["isgroupdesc"]]
    turned = [{**line, "id": 0, "qty_order": str(-Decimal(str(line["qty_order"])))} for line in wanted]
    kept = ("client_id", "currency_code", "xero_tenant_id", "invoice_date", "duedate", "sitenumber")
    body = {name: original[name] for name in kept} | {"lines": turned, "creditlinkedtoinvoiceid": original["id"]}
    await bench.control("halo", "/clock", {"jump_seconds": 5})
    made = await bench.control("halo", "/create/invoice", body | more)
    return str(made["id"])


async def rows(bench: Rig, plan: str) -> dict[str, tuple[str, str]]:
    """What a plan leaves alone, by record: its code and sentence."""
    async with bench.wiring.ledger.read() as tx:
        return {b.record.id: (b.code, b.sentence) for b in await bench.wiring.ledger.plans.blocked(tx, plan)}


async def note_of(bench: Rig, record: str) -> dict[str, Any]:
    """The credit note in Xero that a credit became."""
    tenant, xero_id = (await linked(bench, Kind.CREDIT_NOTE))[record]
    return await held_one(bench, tenant, "CreditNotes", CreditNoteID=xero_id)


async def made(bench: Rig) -> list[str]:
    """The allocations that Xero accepted, by what they are laid on."""
    return [w["document"] for w in await writes(bench) if (w["kind"], w["verb"]) == ("allocation", "create")]


async def test_credits_arrive_as_credit_notes_and_are_laid_on_what_they_credit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with crediting(tmp_path, history_notes=True) as bench:
        whole, part, loose = await invoices(bench, 3)
        all_of_it, some, none = (
            await credit(bench, whole, invoicenumber="CR-1"),
            await credit(bench, part, [next(x for x in part["lines"] if x["unit_price"])], invoicenumber="CR-2"),
            await credit(bench, loose, invoicenumber="CR-3", creditlinkedtoinvoiceid=0),
        )
        plan = await made_plan(bench)
        notes = {o.record: o for o in await operations(bench, plan=plan.id, kind=Kind.CREDIT_NOTE, verb=Verb.CREATE)}
        assert set(notes) == {all_of_it, some, none}
        laid = {o.record: o for o in await operations(bench, plan=plan.id, verb=Verb.ALLOCATE)}
        assert set(laid) == {all_of_it, some}
        assert (plan.counts["allocate"], plan.counts["unallocated"]) == (2, 1)
        assert laid[all_of_it].total == abs(Decimal(str((await halo(bench, "invoice", all_of_it))["total"])))
        code, sentence = (await rows(bench, plan.id))[none]
        assert code == "core.credit_unallocated"
        assert "names no invoice" in sentence
        # The answer of a history note is lost: it is looked for in the history before it is written again.
        await fault(bench, method="PUT", path="/History", times=1, do="status_after")
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        for record, number, status in (
            (all_of_it, "CR-1", "PAID"),
            (some, "CR-2", "PAID"),
            (none, "CR-3", "AUTHORISED"),
        ):
            note, row = await note_of(bench, record), await halo(bench, "invoice", record)
            assert (note["CreditNoteNumber"], note["Type"], note["Status"]) == (number, "ACCRECCREDIT", status)
            assert Decimal(str(note["Total"])) == -Decimal(str(row["total"])) > 0
            assert row["xeroid"] == note["CreditNoteID"], "the source knows its credit note"
        assert not [i for i in await held(bench, bench.tenants[0], "Invoices") if Decimal(str(i.get("Total", 0))) < 0]
        tenant, xero_id = (await linked(bench, Kind.INVOICE))[str(whole["id"])]
        paid = await held_one(bench, tenant, "Invoices", InvoiceID=xero_id)
        assert paid["Status"] == "PAID"
        assert Decimal(str(paid["AmountDue"])) == 0
        tenant, xero_id = (await linked(bench, Kind.INVOICE))[str(part["id"])]
        left = await held_one(bench, tenant, "Invoices", InvoiceID=xero_id)
        assert left["Status"] == "AUTHORISED"
        assert Decimal(str(left["AmountCredited"])) == laid[some].total
        done = await operations(bench, plan=plan.id, verb=Verb.ALLOCATE)
        assert {o.state for o in done} == {State.VERIFIED}
        open_ = {p.record.id: p for p in await problems(bench, kind=Kind.CREDIT_NOTE)}
        assert set(open_) == {none}
        assert not open_[none].blocks
        await noted(bench, plan.id)
        await told(bench, capsys, tmp_path / "home", plan.id, none)
        # Nothing is left to do, and what rests stays in sight.
        before = len(await writes(bench))
        again = await made_plan(bench)
        assert await operations(bench, plan=again.id, kind=Kind.CREDIT_NOTE) == []
        assert set(await rows(bench, again.id)) >= {none}
        await bench.done("apply", plan=again.id, hash=again.hash)
        assert len(await writes(bench)) == before
        assert await bench.control("xero", "/violations") == []
        # With little left of the day the documents go and their notes don't, and both are said.
        late = await credit(bench, loose, invoicenumber="CR-4")
        client = await bench.wiring.ports().xero(bench.tenants[0])
        assert client._http.governor is not None
        await client._http.governor.correct("day", (await client.day_left())[1] * 3 // 10)
        plan = await made_plan(bench)
        await bench.done("apply", plan=plan.id, hash=plan.hash)
        assert (await note_of(bench, late))["CreditNoteNumber"] == "CR-4"
        (left_out,) = await operations(bench, plan=plan.id, verb=Verb.NOTE)
        assert left_out.state is State.CANCELLED
        assert "documents come first" in left_out.error
        assert (await the_plan(bench, plan.id)).state == "done"
        # Two credits of one invoice are laid on no more than is due between them.
        for number in ("CR-5", "CR-6"):
            await credit(bench, part, invoicenumber=number)
        plan = await made_plan(bench)
        both = await operations(bench, plan=plan.id, kind=Kind.CREDIT_NOTE, verb=Verb.ALLOCATE)
        assert [o.total for o in both] == [Decimal(str(left["AmountDue"]))]
        # What is on its way isn't planned again.
        async with bench.wiring.ledger.write() as tx:
            await bench.wiring.ledger.work.move(tx, [both[0].id], State.APPROVED, frm=(State.PLANNED,))
        plan = await made_plan(bench)
        assert await operations(bench, plan=plan.id, kind=Kind.CREDIT_NOTE, verb=Verb.ALLOCATE) == []


async def told(bench: Rig, capsys: pytest.CaptureFixture[str], home: Path, plan: str, loose: str) -> None:
    """What rests of a credit is told by commands: the list, the plan's totals and rows, the credit's story."""

    async def shown(*words: str) -> Any:
        capsys.readouterr()
        await asyncio.to_thread(main, ["--home", str(home), *words, "--json"])
        return json.loads(capsys.readouterr().out)

    (row,) = (await shown("credits"))["credits"]
    assert (row["record"], row["number"], row["left"], row["status"]) == (loose, "CR-3", row["total"], "AUTHORISED")
    assert "names no invoice" in row["reason"]
    listed = await shown("plan", "--show", plan, "--verb", "unallocated")
    assert [(r["title"], r["total"]) for r in listed["rows"]] == [("CR-3", row["left"])]
    sums = {(t["kind"], t["verb"]): t for t in listed["plan"]["totals"]}
    assert (sums["credit_note", "unallocated"]["documents"], sums["credit_note", "allocate"]["documents"]) == (1, 2)
    story = (await shown("why", "CR-1"))["story"]
    said = {path: value for path, value, _ in story["fields"]}
    assert any(path.startswith("allocated.") and Decimal(value) > 0 for path, value in said.items())
    assert Decimal(said["unallocated"]) == 0
    assert any(o["verb"] == "allocate" for o in story["operations"])


async def noted(bench: Rig, plan: str) -> None:
    """Each document that this plan made has our id in its history, once; what was planned counted those calls."""
    notes = await operations(bench, plan=plan, verb=Verb.NOTE)
    mine = [o for o in await operations(bench, plan=plan, verb=Verb.CREATE) if o.kind in DOCUMENTS]
    first = [o for o in mine if o.tenant == bench.tenants[0]]
    assert {o.record for o in notes} == {o.record for o in first}
    assert {o.state for o in notes} == {State.VERIFIED}
    client = await bench.wiring.ports().xero(bench.tenants[0])
    done = {(o.kind, o.record): x for kind in DOCUMENTS for o, x in await _made(bench, first, kind)}
    for o in first[:3] + [o for o in first if o.kind is Kind.CREDIT_NOTE]:
        said = [n.details for n in await client.history(o.kind, done[o.kind, o.record])]
        assert len([text for text in said if o.id in text and o.record in text]) == 1
    total = [w for w in await writes(bench) if w["kind"] == "history"]
    assert len(total) == len(first)
    allocations = len(await operations(bench, plan=plan, verb=Verb.ALLOCATE))
    assert (await the_plan(bench, plan)).calls == len(first) + allocations + await _batches(bench, plan)


async def _made(bench: Rig, of: Sequence[Operation], kind: Kind) -> list[tuple[Operation, str]]:
    links = await linked(bench, kind)
    return [(o, links[o.record][1]) for o in of if o.kind is kind]


async def _batches(bench: Rig, plan: str) -> int:
    """The calls of fifty that the records of a plan need."""
    counts = Counter((o.tenant, o.kind) for o in await operations(bench, plan=plan, side=Side.XERO, verb=Verb.CREATE))
    return sum(-(-n // 50) for n in counts.values())


async def test_an_allocation_is_made_once_whatever_becomes_of_its_answer(tmp_path: Path) -> None:
    async with crediting(tmp_path, rate=10, allocate_credit=False) as bench:
        ids = [await credit(bench, row, invoicenumber=f"CR-{n}") for n, row in enumerate(await invoices(bench, 3))]
        await bench.sync()
        await policy(bench, bench.tenants[0], allocate_credit=True)
        plan = await made_plan(bench)
        laid = await operations(bench, plan=plan.id)
        assert {o.record for o in laid} == set(ids)
        assert {o.verb for o in laid} == {Verb.ALLOCATE}, "what was switched off before is allocated by a later plan"
        assert await made(bench) == []
        ports = bench.wiring.ports()
        await apply(ports, plan.id, plan.hash, "tester")
        await _killed(bench)
        assert len(await made(bench)) == 1
        # Of the others one answer is lost, and of one Xero says that it failed although it did it.
        for do in ("cut_after", "status_after"):
            await fault(bench, method="PUT", path="/Allocations", times=1, do=do)
        await jump(bench, LAPSE)
        going = asyncio.create_task(bench.work())
        await until(lambda: _settled(bench, going), 40)
        assert {o.state for o in await operations(bench, plan=plan.id)} == {State.VERIFIED}
        for id in ids:
            note = await note_of(bench, id)
            assert len(note["Allocations"]) == 1
            assert Decimal(str(note["RemainingCredit"])) == 0
        assert len(await made(bench)) == len(set(await made(bench))) == 3
        assert len(await asked(bench, "PUT", "/Allocations")) == 3, "found out by reading, never sent again"
        assert await asked(bench, "GET", "/CreditNotes/")
        # What the accountant takes back isn't laid on it again.
        note = await note_of(bench, ids[0])
        await bench.control("xero", f"/patch/{bench.tenants[0]}/CreditNotes/{note['CreditNoteID']}", taken_back(note))
        again = await made_plan(bench)
        assert await operations(bench, plan=again.id, verb=Verb.ALLOCATE) == []
        assert "credited before" in (await rows(bench, again.id))[ids[0]][1]
        assert await bench.control("xero", "/violations") == []


def taken_back(note: dict[str, Any]) -> dict[str, Any]:
    """A credit note as it was before it was allocated."""
    return {"Allocations": [], "RemainingCredit": note["Total"], "Status": "AUTHORISED"}


async def _killed(bench: Rig) -> None:
    """A worker sends the first allocation and is killed before it writes down what came of it."""
    ledger, ports, lane = bench.wiring.ledger, bench.wiring.ports(), xero_lane(bench.tenants[0])
    with other_process() as (identity, process):
        async with ledger.write() as tx:
            await ledger.workers.register(tx, identity, "0")
            fence = await ledger.lanes.take(tx, lane, identity, 60)
            await ledger.work.promote(tx, lane=lane)
            batch = await ledger.work.ready_batch(tx, lane, Kind.CREDIT_NOTE, Verb.ALLOCATE, 1)
            assert fence is not None
            sender = XeroSender(ports, lane, bench.tenants[0])
            call = sender.form(batch)
            await ledger.work.open_call(tx, call, fence)
        await sender.send(call, batch)
        process.kill()
        process.wait()


async def _settled(bench: Rig, going: "asyncio.Task[Any]") -> bool:
    """The run has ended; what is unknown meanwhile needn't wait for the end of its key."""
    if await unknown_calls(bench):
        await jump(bench, 60)
    return going.done()
