"""The first day of an organisation whose books are full: what is there is taken over, nothing is made twice (M4)."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.sync_kit import (
    edit,
    fault,
    halo,
    heal,
    held,
    held_one,
    linked,
    made_plan,
    operations,
    plans,
    problems,
    writes,
)
from tests.kit.full import full_alone
from tests.rig import SOURCE, Rig, rig
from xerotui.cli.app import run
from xerotui.model.kinds import Kind
from xerotui.model.work import State, Verb
from xerotui.sandbox.world_full import FULL_NEW, FULL_THERE, FULL_TROUBLE, KEY
from xerotui.store import Mapping, Pair, SourceConnection
from xerotui_halo.emulator import HaloEmulator

CODES = {
    "native_elsewhere": "core.already_posted",
    "native_unknown": "core.already_posted",
    "number_other_total": "core.number_taken",
    "number_other_contact": "core.number_taken",
    "number_other_day": "core.number_taken",
    "number_voided": "core.number_taken",
    "contact_archived": "core.contact_archived",
    "period_locked": "core.period_locked",
}


@asynccontextmanager
async def full(tmp: Path) -> AsyncIterator[tuple[Rig, str]]:
    """The rig over that world, and its full organisation."""
    async with rig(tmp, rate=30, world=full_alone()) as bench:
        yield bench, bench.world.tenant(KEY).tenant_id


async def shown(tmp: Path, out: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What the command line says of the rig's own home."""
    out.readouterr()
    await asyncio.to_thread(run, ["--home", str(tmp / "home"), *arguments, "--json"], lambda *_: 0)
    return json.loads(out.readouterr().out.strip().splitlines()[-1])


async def invoices(bench: Rig, tenant: str) -> dict[str, dict[str, Any]]:
    """The sales invoices of an organisation by id, as Xero holds them."""
    return {i["InvoiceID"]: i for i in await held(bench, tenant, "Invoices") if i["Type"] == "ACCREC"}


async def test_what_is_there_is_taken_over_and_the_rest_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with full(tmp_path) as (bench, tenant):
        like = await _its_like(bench, tenant, FULL_NEW[1])
        before = await invoices(bench, tenant)
        odd = await held_one(bench, tenant, "Contacts", Name="Harbour Bakery")
        await _spoilt(bench, tenant, odd, 5)
        plan = await made_plan(bench)
        planned = await operations(bench, plan=plan.id)
        titles = {
            verb: sorted(o.title for o in planned if o.verb is verb and o.kind is Kind.INVOICE)
            for verb in (Verb.ATTACH, Verb.CREATE)
        }
        assert titles == {Verb.ATTACH: sorted(FULL_THERE), Verb.CREATE: sorted(FULL_NEW)}
        numbers = {d.id: d.number for d in bench.world.psa.invoices}
        stopped = {numbers[int(p.record.id)]: p for p in await problems(bench, blocks=True, kind=Kind.INVOICE)}
        assert {n: p.code for n, p in stopped.items()} == {n: CODES[kind] for n, (kind, _) in FULL_TROUBLE.items()}
        assert bench.world.tenant("uk").name in stopped["7006"].sentence
        assert "has no document of that id" in stopped["7007"].sentence
        # Both sides of what differs.
        assert "575.00 NZD, authorised" in stopped["7008"].sentence
        assert "the source has 552.00 NZD" in stopped["7008"].sentence
        assert "for Fenwick Dairy Ltd; the source has 276.00 NZD" in stopped["7009"].sentence
        assert stopped["7009"].sentence.endswith("for Harlow & Pike LLP.")
        parties = Counter((o.kind, o.verb, o.title) for o in planned if o.kind in (Kind.CUSTOMER, Kind.SUPPLIER))
        new = {"Oakham Studios Ltd", "Rata Roofing & Sons Ltd"}
        assert {(k, t) for k, v, t in parties if v is Verb.CREATE} == {(Kind.CUSTOMER, name) for name in new}
        (near,) = await problems(bench, code="core.contact_near")
        assert (near.record.title, near.blocks) == ("Rata Roofing & Sons Ltd", False)
        assert "Rata Roofing and Sons Limited" in near.sentence
        assert len([1 for _, v, _ in parties if v is Verb.ATTACH]) == 6
        items = {o.title: o.verb for o in planned if o.kind is Kind.ITEM}
        assert items == {"Care plan": Verb.ATTACH, "Hosting": Verb.ATTACH, "New line": Verb.CREATE}
        (alike,) = await problems(bench, code="core.looks_alike")
        assert (numbers[int(alike.record.id)], alike.blocks) == (FULL_NEW[1], False)
        assert f"Xero has invoice {like}" in alike.sentence
        await _repeating_is_listed(bench, tmp_path, capsys, plan.id)
        twice = await shown(tmp_path, capsys, "import", "duplicates", "--tenant", tenant)
        groups = {tuple(sorted(c["name"] for c in g["contacts"])): g["by"] for g in twice}
        assert groups["Fenwick Dairy (old)", "Fenwick Dairy Ltd"] == ["e-mail", "tax number"]
        assert groups["KESTREL  Joinery Ltd", "Kestrel Joinery Ltd"] == ["name"]
        assert groups["Ridge Motors", "Ridge Motors South"] == ["contact number"]
        assert len(groups) == 3

        # Asked before there are two, a person says that it is the same.
        rata = await held_one(bench, tenant, "Contacts", Name="Rata Roofing and Sons Limited")
        args = {"connection": SOURCE, "tenant": tenant, "kind": "customer", "record": near.record.id}
        await bench.done("link", **args, xero_id=rata["ContactID"])
        plan = await made_plan(bench)
        assert await problems(bench, code="core.contact_near") == []
        await bench.done("apply", plan=plan.id)
        after = await invoices(bench, tenant)
        assert {id: after[id] for id in before} == before
        assert sorted(i["InvoiceNumber"] for id, i in after.items() if id not in before) == sorted(FULL_NEW)
        await _both_sides_agree(bench, tenant, {id: i for id, i in after.items() if i["InvoiceNumber"] != like})
        (unreadable,) = await problems(bench, code="core.unreadable")
        assert (unreadable.record.id, unreadable.record.tenant) == (odd["ContactID"], tenant)
        await _spoilt(bench, tenant, odd, "office@harbour.example")
        again = await made_plan(bench)
        assert await problems(bench, code="core.unreadable") == []
        assert not set(again.counts) & {"create", "update", "link", "conflict"}
        assert again.counts["blocked"] == plan.counts["blocked"]
        await _closed_year_stays_closed(bench, "7004")
        await _linked_and_tried_again(bench, tenant, "7012", odd["ContactID"])
        await _second_source(bench, tenant, FULL_NEW[0])
        assert await bench.control("xero", "/violations") == await bench.control("halo", "/violations") == []


async def _repeating_is_listed(bench: Rig, tmp: Path, out: pytest.CaptureFixture[str], plan: str) -> None:
    """The two templates for customers that the source bills, in Errors, in the plan, on the command line."""
    found = {p.record.title: p for p in await problems(bench, code="core.repeating_in_xero")}
    assert set(found) == {"Fenwick Dairy Ltd", "Harlow & Pike LLP"}
    assert not any(p.blocks for p in found.values())
    assert "bills Fenwick Dairy Ltd 276.00 NZD every month (Care plan), approved at once" in (
        found["Fenwick Dairy Ltd"].sentence
    )
    told = await shown(tmp, out, "plan", "--show", plan, "--rows")
    rows = [r for r in told["rows"] if r["verb"] == "repeats"]
    assert {r["title"] for r in rows} == set(found)
    assert told["plan"]["counts"]["repeats"] == 2
    by_verb = {verb: sorted(r["title"] for r in told["rows"] if r["verb"] == verb) for verb in ("create", "link")}
    assert [t for t in by_verb["create"] if t.isdecimal()] == sorted(FULL_NEW)
    assert [t for t in by_verb["link"] if t.isdecimal()] == sorted(FULL_THERE)


async def _both_sides_agree(bench: Rig, tenant: str, there: dict[str, dict[str, Any]]) -> None:
    """Each document that arrived is linked once, with the same total on both sides, and Halo knows its id."""
    arrived = set(FULL_THERE) | set(FULL_NEW)
    ours = {str(i.id): i for i in bench.world.psa.invoices if i.number in arrived}
    links = await linked(bench, Kind.INVOICE)
    assert set(links) == set(ours)
    assert len({xero for _, xero in links.values()}) == len(links)
    rows = {str(r["id"]): r for r in await bench.control("halo", "/state/invoice")}
    for id, (of, xero) in links.items():
        assert of == tenant
        assert Decimal(str(there[xero]["Total"])) == ours[id].total
        assert rows[id]["xeroid"] == xero
    live = [i for i in there.values() if i["Status"] != "VOIDED"]
    by_content = Counter((i["Contact"]["ContactID"], str(i["Date"]), str(i["Total"])) for i in live)
    assert max(by_content.values()) == 1
    names = Counter(c["Name"] for c in await held(bench, tenant, "Contacts") if c["ContactStatus"] == "ACTIVE")
    assert max(names.values()) == 1


async def _spoilt(bench: Rig, tenant: str, contact: dict[str, Any], email: object) -> None:
    """One contact on a page of many gets an e-mail address that is none, or has it mended."""
    await bench.control("xero", "/clock", {"jump_seconds": 5})
    await bench.control("xero", f"/patch/{tenant}/Contacts/{contact['ContactID']}", {"EmailAddress": email})


async def _linked_and_tried_again(bench: Rig, tenant: str, number: str, contact: str) -> None:
    """What waited for its customer goes once a person says who that is, with nothing changed at the source."""
    mine = next(i for i in bench.world.psa.invoices if i.number == number)
    row = {k: v for k, v in (await halo(bench, "invoice", mine.id)).items() if k != "last_modified"}
    args = {"connection": SOURCE, "tenant": tenant, "kind": "customer", "record": str(mine.customer)}
    await bench.done("link", **args, xero_id=contact)
    assert row == {k: v for k, v in (await halo(bench, "invoice", mine.id)).items() if k != "last_modified"}
    follow = (await plans(bench))[-1]
    assert follow.counts == {"create": 1}
    await bench.done("apply", plan=follow.id)
    (made,) = [i for i in (await invoices(bench, tenant)).values() if i["InvoiceNumber"] == number]
    assert made["Contact"]["ContactID"] == contact


async def _second_source(bench: Rig, tenant: str, number: str) -> None:
    """Another PSA bills something else under a number that the first one has sent: it waits, nothing is changed."""
    of = next(i for i in bench.world.psa.invoices if i.number == number)
    other = msgspec.structs.replace(of, lines=of.lines * 2, net=of.net * 2, tax=of.tax * 2, total=of.total * 2)
    psa = msgspec.structs.replace(bench.world.psa, invoices=(other,))
    emulator = HaloEmulator()
    emulator.load(msgspec.structs.replace(bench.world, psa=psa))
    await emulator.start(bench.sandbox.clock)
    try:
        settings = emulator.settings()
        await bench.wiring.vault.put("source/second/client_secret", settings.pop("client_secret"))
        async with bench.wiring.book.edit() as db:
            db.put_source(SourceConnection(id="second", name="Another", source="halo", settings=settings))
            db.put_pair(Pair(source="second", tenant=tenant, settle_minutes=0))
            for value, target in (("21", "OUTPUT2"), ("22", "INPUT2")):
                db.put_mapping(Mapping(spec="tax", connection="second", value=value, tenant=tenant, target=target))
        before = await invoices(bench, tenant)
        plan = (await bench.done("plan", connection="second"))["plan"]
        assert not [o for o in await operations(bench, plan=plan) if o.kind is Kind.INVOICE]
        (stopped,) = await problems(bench, connection="second", kind=Kind.INVOICE)
        assert (stopped.code, stopped.record.title) == ("core.number_taken", number)
        assert await invoices(bench, tenant) == before
    finally:
        await emulator.stop()


async def _closed_year_stays_closed(bench: Rig, number: str) -> None:
    """A linked document of a locked year is unchanged; a change of it at the source is planned as nothing."""
    old = str(next(i for i in bench.world.psa.invoices if i.number == number).id)
    assert old in await linked(bench, Kind.INVOICE)
    assert not [p for p in await problems(bench, kind=Kind.INVOICE) if p.record.id == old]
    await edit(bench, "invoice", old, reference="Another job")
    plan = await made_plan(bench)
    assert not [o for o in await operations(bench, plan=plan.id) if o.record == old]
    assert [p for p in await problems(bench, kind=Kind.INVOICE, blocks=True) if p.record.id == old]


async def _its_like(bench: Rig, tenant: str, number: str) -> str:
    """Somebody has written an invoice of the source in Xero under Xero's own number; that number."""
    mine = next(i for i in bench.world.psa.invoices if i.number == number)
    there = await held(bench, tenant, "Invoices")
    like = next(i for i in there if Decimal(str(i["Total"])) == mine.total and i["Type"] == "ACCREC")
    contact = next(c for c in await held(bench, tenant, "Contacts") if c["Name"] == "Lindley Vets Ltd")
    copy = {k: v for k, v in like.items() if k not in ("InvoiceID", "UpdatedDateUTC")}
    own = f"INV-{number}"
    copy |= {"InvoiceNumber": own, "Date": mine.date.isoformat(), "Contact": {"ContactID": contact["ContactID"]}}
    await bench.control("xero", f"/create/{tenant}/Invoices", {**copy, "Status": "AUTHORISED"})
    return own


@pytest.mark.soak
async def test_the_first_day_under_cut_answers(tmp_path: Path) -> None:
    async with full(tmp_path) as (bench, tenant):
        before = await invoices(bench, tenant)
        plan = await made_plan(bench)
        await fault(bench, "xero", name="cut_answer", chance=0.25, seed=3)
        await fault(bench, "halo", do="cut_body", chance=0.25, seed=3)
        await bench.ask("apply", plan=plan.id)
        for service in ("xero", "halo"):
            await heal(bench, service)
        await bench.control("xero", "/clock", {"jump_seconds": 400})
        for _ in range(6):
            await bench.work()
            open_ = await operations(bench, states=(State.APPROVED, State.READY, State.SENDING, State.UNKNOWN))
            if not open_:
                break
            await bench.control("xero", "/clock", {"jump_seconds": 400})
        assert not open_
        while (again := await made_plan(bench)).counts.keys() & {"create", "link"}:
            await bench.done("apply", plan=again.id)
        after = await invoices(bench, tenant)
        assert sorted(i["InvoiceNumber"] for id, i in after.items() if id not in before) == sorted(FULL_NEW)
        created = [(w["kind"], w["number"] or w["name"]) for w in await writes(bench) if w["verb"] == "create"]
        assert max(Counter(created).values()) == 1
        await _both_sides_agree(bench, tenant, after)
