"""The settings of a pair, as a person sets them, are what the engine does: one home is taken through them in turn."""

import asyncio
import datetime as dt
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.sync_kit import edit, fault, heal, policy, small, the_plan, writes
from tests.rig import SOURCE, Rig
from xerotui.cli.codes import Exit
from xerotui.console.rows.tenants import tenant_text
from xerotui.main import main
from xerotui.model.kinds import PARTIES, Kind, Side, Trade
from xerotui.model.postings import ContactPosting, DocumentPosting, decode
from xerotui.model.problems import Problem, RecordRef, SyncError
from xerotui.model.records import Document, Party
from xerotui.model.work import Operation, Plan, PlanState, Verb
from xerotui.store import BlockedRow
from xerotui.sync import generating
from xerotui.sync.applying import apply
from xerotui.sync.findings import Findings
from xerotui.sync.pair import PairData, code_key, load
from xerotui.sync.plan import Draft
from xerotui.sync.planning import make_plan
from xerotui.sync.policy_runs import due
from xerotui.sync.readiness import skip_reason
from xerotui.sync.resolve_line import resolve_line
from xerotui.sync.resolve_party import name_fault, resolve_party
from xerotui.workspace.announcing import Synced
from xerotui.workspace.door import Workspace
from xerotui.workspace.home import prepare
from xerotui.workspace.pages import UNPROVEN


class Home:
    """A home, its two organisations, and the command line on it."""

    def __init__(self, bench: Rig, space: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
        self.bench, self.space, self.capsys = bench, space, capsys
        self.uk = bench.tenants[0]

    async def cli(self, *words: str, code: int = Exit.DONE) -> Any:
        """What a command prints as JSON."""
        self.capsys.readouterr()
        done = await asyncio.to_thread(main, ["--home", str(self.space.home), *words, "--json"])
        out = self.capsys.readouterr()
        assert done == code, (done, out.err)
        return json.loads(out.out)

    async def set(self, **values: str) -> Any:
        """Change settings of the first pair as a command does."""
        flags = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)]
        return await self.cli("pair", "set", SOURCE, self.uk, *flags)

    async def plan(self, *, read: bool = False) -> tuple[Plan, list[Operation], list[BlockedRow]]:
        """A new plan of the first organisation: itself, its operations, and its rows that stay."""
        ports = self.bench.wiring.ports()
        plan = await make_plan(ports, SOURCE, (self.uk,), "tester", read=read)
        async with self.bench.wiring.ledger.read() as tx:
            operations = await self.bench.wiring.ledger.work.find(tx, plan=plan.id, tenant=self.uk)
            rows = await self.bench.wiring.ledger.plans.blocked(tx, plan.id)
        return plan, operations, [row for row in rows if row.record.tenant == self.uk]


def codes(rows: list[BlockedRow], kind: Kind) -> Counter[str]:
    """How many rows of a kind stay, by code."""
    return Counter(row.code for row in rows if row.record.kind is kind)


def posted(operations: list[Operation], kind: Kind) -> list[Any]:
    """The postings of a kind."""
    return [decode(o.body) for o in operations if o.kind is kind and o.side is Side.XERO]


async def test_what_is_set_is_what_is_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with small(tmp_path, scale=0.05) as bench:
        space = Workspace(bench.wiring, prepare(tmp_path / "home"), "tester", read_only=False, attached=True)
        home = Home(bench, space, capsys)
        usual = await home.plan()
        await _kinds_off(home)
        await _statuses_and_suppliers(home, usual[1])
        await _start_line(home)
        await _closed_and_zero(home)
        await _one_number_for_one(home.bench)
        await _read_otherwise(home)
        await _settling(home)
        await _off_and_on(home)
        await _automatic(home)


async def _kinds_off(home: Home) -> None:
    """A kind that is off is listed as that, and what needs it says which switch ends that."""
    shown = await home.set(sync_customers="off", sync_items="off", sync_purchase_orders="off")
    assert next((c["field"], c["before"], c["after"]) for c in shown["changes"]) == ("sync_customers", "on", "off")
    _, operations, rows = await home.plan()
    assert {o.kind for o in operations} <= {Kind.SUPPLIER, Kind.INVOICE}
    for kind in (Kind.CUSTOMER, Kind.ITEM, Kind.PURCHASE_ORDER):
        off = [row for row in rows if row.record.kind is kind and row.code == "core.switched_off"]
        assert off, kind
        assert all("switched off" in row.sentence for row in off)
    needs = [row for row in rows if row.code == "core.kind_off"]
    assert {row.record.kind for row in needs} == {Kind.INVOICE}
    async with home.bench.wiring.ledger.read() as tx:
        problems = await home.bench.wiring.ledger.problems.open(tx, tenant=home.uk)
    asked = next(p for p in problems if p.code == "core.kind_off")
    assert asked.place is not None
    assert (asked.place.command, asked.place.args["setting"]) == ("pair.open", "sync_customers")
    assert not [p for p in problems if p.record.kind in (Kind.CUSTOMER, Kind.ITEM, Kind.PURCHASE_ORDER)]
    await home.set(sync_customers="on", sync_items="on", sync_purchase_orders="on")


async def _statuses_and_suppliers(home: Home, before: list[Operation]) -> None:
    """Default statuses and the exceptions of suppliers."""
    assert {p.status for p in posted(before, Kind.INVOICE)} == {"DRAFT"}
    assert {p.address for p in posted(before, Kind.SUPPLIER)} == {None}
    await home.set(
        status_invoices="AUTHORISED", status_purchase_orders="SUBMITTED", supplier_addresses="on", supplier_codes="on"
    )
    _, operations, rows = await home.plan()
    assert {p.status for p in posted(operations, Kind.INVOICE)} == {"AUTHORISED"}
    assert {p.status for p in posted(operations, Kind.PURCHASE_ORDER)} <= {"SUBMITTED"}
    suppliers = posted(operations, Kind.SUPPLIER)
    assert all(isinstance(p, ContactPosting) and p.number for p in suppliers)
    stopped = "core.account_number_missing"
    assert await _numberless(home) == {Kind.CUSTOMER: stopped, Kind.SUPPLIER: stopped}
    assert any(p.address for p in suppliers) or codes(rows, Kind.SUPPLIER)["core.account_number_missing"]
    refused = await home.cli("pair", "set", SOURCE, home.uk, "--numbers-invoices", "INV", code=Exit.USAGE)
    assert "template with {number} or {id}" in refused["error"]["sentence"]
    await home.set(
        status_invoices="DRAFT", status_purchase_orders="DRAFT", supplier_addresses="off", supplier_codes="off"
    )
    assert await _numberless(home) == {Kind.CUSTOMER: stopped, Kind.SUPPLIER: ""}


async def _numberless(home: Home) -> dict[Kind, str]:
    """What stops a customer and a supplier without account number, "" where it becomes a contact."""
    data = await load(home.bench.wiring.ports(), SOURCE, home.uk)
    out = {}
    for kind in PARTIES:
        party = next(p for (k, _), p in data.parties.items() if k is kind and p.number and name_fault(p.name) == "")
        ref = RecordRef(connection=SOURCE, kind=kind, id=party.id, title=party.name, tenant=home.uk)
        found = Findings(ref)
        resolve_party(data, msgspec.structs.replace(party, number=" "), found)
        assert bool(found.posting) is not bool(found.problems)
        out[kind] = found.problems[0].code if found.problems else ""
    return out


async def _start_line(home: Home) -> None:
    """Documents on both sides are counted before the date is saved; an earlier date says which enter."""
    async with home.bench.wiring.ledger.read() as tx:
        found = await home.bench.wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.INVOICE)
    days = sorted(d.date for d in found if isinstance(d, Document) and d.date and not d.excluded)
    middle, first = days[len(days) // 2], days[0]
    words = ("tenants", "set", home.uk, "--start-date", f"invoice={middle}")
    shown = await home.cli(*words, "--dry-run")
    assert shown["saved"] is False
    assert (await home.space.pair_settings(SOURCE, home.uk)).settings["start_invoices"] == ""
    sides = [side for side in shown["sides"] if side["before"]]
    assert sides
    await home.cli(*words)
    _, operations, rows = await home.plan()
    early = [row for row in rows if row.code == "core.before_start"]
    assert len(early) == sum(side["before"] for side in sides)
    assert sum((row.total or Decimal(0) for row in early), Decimal(0)) == sum(Decimal(s["before_total"]) for s in sides)
    assert all(p.date >= middle for p in posted(operations, Kind.INVOICE) if isinstance(p, DocumentPosting))
    moved = await home.cli("pair", "set", SOURCE, home.uk, "--start-invoices", str(first), "--dry-run")
    assert {e["number"] for e in moved["start"]["entering"]} == {row.record.title for row in early}
    assert sum(side["entering"] for side in moved["start"]["sides"]) == len(early)
    await home.set(start_invoices="")


async def _closed_and_zero(home: Home) -> None:
    """A stricter closing date stops what Xero would still take; totals of zero go only where they are asked for."""
    _, operations, rows = await home.plan()
    days = sorted(p.date for p in posted(operations, Kind.INVOICE))
    locked = codes(rows, Kind.INVOICE)["core.period_locked"]
    await home.set(closed_through=str(days[0]))
    _, fewer, rows = await home.plan()
    assert codes(rows, Kind.INVOICE)["core.period_locked"] >= locked + days.count(days[0])
    assert min(p.date for p in posted(fewer, Kind.INVOICE)) > days[0]
    await home.set(closed_through="")
    assert await _reasons(home) == {
        "as it is": None,
        "numberless": ("core.not_ready", "it has no number yet"),
        "empty": ("core.not_ready", "it has no lines yet"),
        "of zero": ("core.zero_total", "its total is zero"),
        "unfinished": ("core.unfinished", "not approved"),
    }
    await home.set(zero_totals="send", numbers_invoices="INV-{id}")
    found = await _reasons(home)
    assert found["of zero"] is None
    assert found["numberless"] is None, "a template makes one of its id"
    await home.set(zero_totals="skip", numbers_invoices="source")


async def _reasons(home: Home) -> dict[str, tuple[str, str] | None]:
    """Why one invoice, altered in these ways, would be left alone by the pair as it is set now."""
    data = await load(home.bench.wiring.ports(), SOURCE, home.uk)
    mine = (d for (kind, _), d in data.documents.items() if kind is Kind.INVOICE and data.mine(d) and d.total)
    one = next(d for d in mine if not (d.excluded or d.unfinished))
    altered: dict[str, dict[str, Any]] = {
        "as it is": {},
        "numberless": {"number": " "},
        "empty": {"lines": ()},
        "of zero": {"total": Decimal(0)},
        "unfinished": {"unfinished": "not approved"},
    }
    now = home.space.world_now() + dt.timedelta(hours=1)
    found = {name: skip_reason(data, msgspec.structs.replace(one, **how), now) for name, how in altered.items()}
    _left_out(data, one, now)
    return found


def _left_out(data: PairData, one: Document, now: dt.datetime) -> None:
    """What the source leaves out is promised to no document: a contact to none at all, an item to no line."""
    line = msgspec.structs.replace(one.lines[0], item="", item_code="LEFT-OUT", keys={})
    ref = RecordRef(connection=SOURCE, kind=Kind.ITEM, id="1", title="Left out", tenant=data.tenant)
    items = {code_key("LEFT-OUT"): Findings(ref, skip=("core.excluded", "ignored there"))}
    said = Findings(ref)
    data.policy = msgspec.structs.replace(data.policy, default_item={})
    resolve_line(data, one, line, 1, Trade.SALES, said, items)
    assert said.waits == []
    assert "isn't sent there: ignored there" in next(
        p.sentence for p in said.problems if p.code == "core.item_unmapped"
    )
    party = data.party_of(one)
    assert party is not None
    data.links.pop((party.kind, party.id), None)
    data.parties[(party.kind, party.id)] = msgspec.structs.replace(party, excluded="ignored there")
    reason = skip_reason(data, one, now)
    assert reason is not None
    assert (reason[0], "is left out: ignored there" in reason[1]) == ("core.excluded", True)


async def _one_number_for_one(bench: Rig) -> None:
    """A plan of two organisations gives no number to two records of the source, and none of them two numbers."""
    ports, promised = bench.wiring.ports(), generating.Promised()
    numbers: list[str] = []
    records: list[tuple[Kind, str]] = []
    for tenant in bench.tenants:
        data = await load(ports, SOURCE, tenant)
        data.policy = msgspec.structs.replace(
            data.policy,
            generate={"customer": "N{n:04}", "supplier": "N{n:04}", "item": "I{n:04}"},
            generate_unasked=True,
        )
        item = next(iter(data.items.values()))
        data.items = {item.id: msgspec.structs.replace(item, code="", tenant="", active=True, parent="", excluded="")}
        for key, party in data.parties.items():
            data.parties[key] = msgspec.structs.replace(party, number="")
        draft = Draft("plan")
        for kind in generating.KINDS:
            code = generating.CODES[kind is Kind.ITEM]
            for record in generating.lacking(data, kind):
                ref = RecordRef(connection=SOURCE, kind=kind, id=record.id, title=record.name, tenant=tenant)
                draft.problems.append(Problem(code=code, subject=record.id, record=ref, sentence="", remedy=""))
        await generating.unasked(ports, data, draft, promised)
        numbers += [c.after for o in draft.operations for c in o.changes if o.kind in PARTIES]
        records += [(o.kind, o.record) for o in draft.operations]
    assert len(numbers) == len(set(numbers)) > 2, "customers and suppliers are contacts of one Xero"
    assert {kind for kind, _ in records} == set(generating.KINDS)
    assert len(records) == len(set(records))
    assert [kind for kind, _ in records].count(Kind.ITEM) == 1


async def _read_otherwise(home: Home) -> None:
    """A setting of the connection by which records are read holds for those, too, that didn't change since."""
    async with home.bench.wiring.ledger.read() as tx:
        found = await home.bench.wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.INVOICE)
    id = next(d.id for d in found if isinstance(d, Document) and d.currency not in ("", "GBP", "AUD"))
    await _rates_mean(home, "foreign units for one of ours")
    await home.plan(read=True)
    assert (await _document(home, id)).currency_rate
    # Saved while a plan reads: what that one reads afterwards is read again by the next.
    await fault(home.bench, "halo", method="GET", path="/Client", do="delay", seconds=30, times=1)
    reading = asyncio.create_task(home.plan(read=True))
    while await home.bench.control("halo", "/faults"):
        await asyncio.sleep(0.02)
    await _rates_mean(home, "not sent")
    await heal(home.bench, "halo")
    await reading
    await home.plan(read=True)
    assert not (await _document(home, id)).currency_rate


async def _rates_mean(home: Home, means: str) -> None:
    async with home.bench.wiring.book.edit() as db:
        source = db.source(SOURCE)
        assert source is not None
        db.put_source(msgspec.structs.replace(source, settings={**source.settings, "exchange_rates": means}))


async def _settling(home: Home) -> None:
    """What was changed just now isn't ready, says when it will be, and is taken then; a plan that waits gives way."""
    older, operations, _ = await home.plan()
    one = next(o for o in operations if o.kind is Kind.INVOICE)
    await home.set(settle_minutes="10")
    await edit(home.bench, "invoice", one.record, internal_note="Look again")
    newer, operations, rows = await home.plan(read=True)
    assert (await the_plan(home.bench, older.id)).state is PlanState.DISCARDED
    assert (await the_plan(home.bench, older.id)).moved == (f"replaced by {newer.id}",)
    row = next(row for row in rows if row.record.id == one.record)
    assert row.code == "core.not_ready"
    changed = (await _document(home, one.record)).modified
    assert changed is not None
    assert f"ready at {changed + dt.timedelta(minutes=10):%H:%M} UTC" in row.sentence
    assert one.record not in {o.record for o in operations if o.kind is Kind.INVOICE}
    await home.bench.control("halo", "/clock", {"jump_seconds": 11 * 60})
    _, operations, _ = await home.plan()
    assert one.record in {o.record for o in operations if o.kind is Kind.INVOICE}


async def _document(home: Home, id: str) -> Document:
    async with home.bench.wiring.ledger.read() as tx:
        found = await home.bench.wiring.ledger.snapshots.get(tx, Side.SOURCE, SOURCE, Kind.INVOICE, id)
    assert isinstance(found, Document)
    return found


async def _off_and_on(home: Home) -> None:
    """A source that is off: nothing is read, planned or sent; what was approved waits, and goes on when it is on."""
    plan, operations, _ = await home.plan()
    with pytest.raises(SyncError, match="no plan of it was approved"):
        await home.space.pair_change(SOURCE, home.uk, {"mode": "automatic"})
    # As after a book was brought here without its ledger: nothing goes by itself, and that is said with what ends it.
    await policy(home.bench, home.uk, mode="automatic")
    assert await due(home.bench.wiring.ports(), at_once=True) == []
    (row,) = [row for row in await home.space.tenants() if row.unproven]
    assert (row.tenant, row.automatic) == (home.uk, True)
    assert UNPROVEN in tenant_text(row).plain
    assert [view.tenant for view in await home.space.pairs() if view.waits] == [home.uk]
    for command in ("tenants", "pair"):
        home.capsys.readouterr()
        assert await asyncio.to_thread(main, ["--home", str(home.space.home), command]) == Exit.DONE
        assert f"{UNPROVEN}: xerotui plan" in " ".join(home.capsys.readouterr().out.split())
    await policy(home.bench, home.uk, mode="manual")
    run = await apply(home.bench.wiring.ports(), plan.id, plan.hash, "tester")
    off = await home.cli("tenants", "off", SOURCE)
    assert off == {"source": SOURCE, "enabled": False, "waiting": len(operations)}
    asked, written = await asked_of_halo(home.bench), len(await writes(home.bench))
    await home.bench.work()
    refused = await home.bench.ask("plan", connection=SOURCE)
    assert refused.answer["code"] == "core.source_off"
    assert (await asked_of_halo(home.bench), len(await writes(home.bench))) == (asked, written)
    assert await home.space.settled(), "nobody is kept waiting for it"
    assert (await the_plan(home.bench, run.plan)).state is PlanState.APPLYING
    assert next(s for s in (await home.cli("tenants"))["sources"])["state"] == "off"
    await home.cli("tenants", "on", SOURCE)
    began = home.space.world_now()
    assert await home.space.synced(began) == Synced()
    await home.set(announce="on")
    await home.bench.work()
    assert (await the_plan(home.bench, run.plan)).state is PlanState.DONE
    assert len(await writes(home.bench)) > written
    news = await home.space.synced(began)
    assert len(news.ids) == sum(o.side is Side.XERO for o in operations)
    made = sum(o.kind is Kind.INVOICE and o.verb is Verb.CREATE for o in operations)
    assert f"{made} invoices created in {home.bench.world.tenants[0].name}." in news.lines
    assert (await home.space.synced(began, news.ids)).lines == ()
    told = await home.space.synced(began, news.ids[1:])
    assert len(told.lines) == 1
    assert told.lines[0].endswith(f"in {home.bench.world.tenants[0].name}.")
    await home.set(announce="off")
    assert await home.space.synced(began) == Synced()


async def asked_of_halo(bench: Rig) -> int:
    """How many requests Halo got."""
    return len(await bench.control("halo", "/requests"))


async def customers(bench: Rig) -> list[str]:
    """Customers that are synced with the first organisation."""
    async with bench.wiring.ledger.read() as tx:
        found = await bench.wiring.ledger.snapshots.all(tx, Side.SOURCE, SOURCE, Kind.CUSTOMER)
    return [
        r.id for r in found if isinstance(r, Party) and r.tenant == bench.tenants[0] and r.active and not r.excluded
    ]


async def _automatic(home: Home) -> None:
    """After a first plan a pair may be automatic; one organisation of a source is its default."""
    await home.set(mode="automatic", ceiling_documents="5")
    listed = await home.cli("pair")
    assert {p["settings"]["mode"] for p in listed["pairs"]} == {"automatic", "manual"}
    linked = next(iter(await customers(home.bench)))
    await edit(home.bench, "client", linked, xero_tenant_id="")
    await home.bench.done("refresh", connection=SOURCE, tenant=home.uk)
    waits = (await home.cli("tenants"))["unassigned"]
    assert "no default organisation: 1 customer" in waits.get(SOURCE, ""), waits
    other = home.bench.tenants[1]
    await home.space.pair_change(SOURCE, other, {"default_tenant": "on"})
    moved = await home.space.pair_change(SOURCE, home.uk, {"default_tenant": "on"})
    assert (await home.cli("tenants"))["unassigned"] == {}
    assert any("is the default organisation no longer" in note for note in moved.notes)
    assert (await home.space.pair_settings(SOURCE, other)).settings["default_tenant"] == "off"
    await home.space.tenant_set(home.uk, read_only=True)
    with pytest.raises(SyncError, match="is read-only"):
        await home.space.pair_change(SOURCE, home.uk, {"announce": "on"})
