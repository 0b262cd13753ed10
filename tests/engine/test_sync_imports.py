"""Imports from Xero into the source: links for exact hits, creations for the rest, never a record twice."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from tests.engine.sync_kit import (
    SOURCE,
    Rig,
    all_well,
    fault,
    halo,
    held,
    linked,
    operations,
    problems,
    small,
    the_plan,
    unknown_calls,
    until,
    writes,
)
from xerotui.model.kinds import Kind
from xerotui.model.work import Plan, PlanKind, State, Verb

TABLES = {
    Kind.CUSTOMER: ("client", "xeroid"),
    Kind.SUPPLIER: ("supplier", "xero_id"),
    Kind.ITEM: ("item", "third_party_id"),
}


async def _import(bench: Rig, tenant: str, kind: Kind, *, go: bool = True) -> Plan:
    plan = await the_plan(
        bench, (await bench.done("import", connection=SOURCE, tenant=tenant, kind=kind.value))["plan"]
    )
    if go:
        await bench.done("apply", plan=plan.id, hash=plan.hash)
    return plan


async def _rows(bench: Rig, kind: Kind) -> dict[str, dict[str, Any]]:
    return {str(r["id"]): r for r in await bench.control("halo", f"/state/{TABLES[kind][0]}")}


async def test_imports_link_what_is_there_create_what_isnt_and_are_then_over(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        for kind, (_, field) in TABLES.items():
            before = await _rows(bench, kind)
            # The second organisation's customers stand for all that is read the same way.
            for tenant in bench.tenants if kind is Kind.CUSTOMER else bench.tenants[:1]:
                plan = await _import(bench, tenant, kind)
                assert plan.kind is PlanKind.IMPORT
                made = Counter(o.verb for o in await operations(bench, plan=plan.id))
                assert made[Verb.CREATE] == plan.counts.get("create", 0) > 0
                assert made[Verb.ATTACH] == plan.counts.get("link", 0)
                assert made[Verb.ATTACH] or kind is Kind.SUPPLIER
                _all_confirmed(await operations(bench, plan=plan.id))
            after = await _rows(bench, kind)
            links = await linked(bench, kind)
            assert set(links) == {i for i, r in after.items() if r[field]}
            for id, (tenant, xero_id) in links.items():
                assert after[id][field] == xero_id
                # A product that is offered to all organisations stays so.
                offered = kind is Kind.ITEM and not before.get(id, {"xero_tenant_id": tenant})["xero_tenant_id"]
                assert after[id]["xero_tenant_id"] == ("" if offered else tenant)
            assert len(after) - len(before) == len([w for w in await writes(bench, "halo") if _made(w, kind)])
        assert await writes(bench) == [], "an import writes nothing into Xero"
        count = len(await writes(bench, "halo"))
        for kind in TABLES:
            again = await _import(bench, bench.tenants[0], kind)
            assert not again.counts.get("create")
            assert not again.counts.get("link")
        assert len(await writes(bench, "halo")) == count, "a repeated import changes nothing"
        assert await bench.control("halo", "/duplicates") == []
        await bench.sync()
        await all_well(bench)


def _made(entry: dict[str, Any], kind: Kind) -> bool:
    return bool(entry["verb"] == "create" and entry["kind"] == kind.value)


def _all_confirmed(done: list[Any]) -> None:
    assert {o.state for o in done} == {State.CONFIRMED}


async def test_records_of_the_other_organisation_are_left_alone(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        british, australian = bench.tenants
        # The same firm is a customer of both: its name and number stand in both organisations.
        mine = next(r for r in (await _rows(bench, Kind.CUSTOMER)).values() if r["xero_tenant_id"] == australian)
        like = (await held(bench, british, "Contacts"))[0]
        twin = {k: v for k, v in like.items() if k not in ("ContactID", "UpdatedDateUTC")}
        twin |= {"Name": mine["name"], "AccountNumber": mine["accountsid"], "IsCustomer": True, "IsSupplier": False}
        made = await bench.control("xero", f"/create/{british}/Contacts", twin)
        plan = await _import(bench, british, Kind.CUSTOMER, go=False)
        (op,) = [o for o in await operations(bench, plan=plan.id) if o.target == made["ContactID"]]
        assert op.verb is Verb.CREATE
        await bench.done("apply", plan=plan.id)
        touched = {w["id"] for w in await writes(bench, "halo")}
        rows = await _rows(bench, Kind.CUSTOMER)
        assert {rows[i]["xero_tenant_id"] for i in touched} == {british}
        assert (await halo(bench, "client", mine["id"]))["xeroid"] == ""
        new = [r for r in rows.values() if r["xeroid"] == made["ContactID"]]
        assert [r["xero_tenant_id"] for r in new] == [british]


async def test_what_fits_several_is_left_to_a_person_who_chooses(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        british = bench.tenants[0]
        rows = await _rows(bench, Kind.CUSTOMER)
        contacts = {c["Name"]: c for c in await held(bench, british, "Contacts")}
        one = next(r for r in rows.values() if r["name"] in contacts and r["accountsid"] and not r["inactive"])
        other = next(r for r in rows.values() if r["xero_tenant_id"] == british and r["id"] != one["id"])
        await bench.control("halo", f"/edit/client/{other['id']}", {"accountsid": one["accountsid"]})
        plan = await _import(bench, british, Kind.CUSTOMER)
        contact = contacts[one["name"]]
        assert contact["ContactID"] not in {o.target for o in await operations(bench, plan=plan.id)}
        (found,) = await problems(bench, code="core.import_ambiguous")
        assert found.place is not None
        assert found.place.args["xero"] == contact["ContactID"]
        choice = {"connection": SOURCE, "tenant": british, "kind": "customer", "record": str(one["id"])}
        await bench.done("link", **choice, xero_id=contact["ContactID"])
        assert (await halo(bench, "client", one["id"]))["xeroid"] == contact["ContactID"]
        await _import(bench, british, Kind.CUSTOMER)
        assert await problems(bench, code="core.import_ambiguous") == []


async def test_a_create_of_unknown_outcome_is_sought_by_its_xero_id(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        british = bench.tenants[0]
        plan = await _import(bench, british, Kind.CUSTOMER, go=False)
        creates = [o for o in await operations(bench, plan=plan.id) if o.verb is Verb.CREATE]
        await fault(bench, "halo", method="POST", path="(?i)/api/client", times=2, do="cut_after")
        await fault(bench, "halo", method="POST", path="(?i)/api/client", skip=1, times=2, do="cut_before")
        await fault(bench, "halo", method="POST", path="(?i)/api/client", skip=2, times=1, do="status", status=502)
        going = asyncio.create_task(bench.done("apply", plan=plan.id))
        await until(lambda: unknown_calls(bench, Kind.CUSTOMER))
        # The last one is made by somebody else before its turn comes.
        late = creates[-1]
        theirs = {"name": "Made by hand", "xeroid": late.target, "xero_tenant_id": british}
        await bench.control("halo", "/create/client", theirs)
        # So is the one before, as Halo's own button makes them: without an organisation, without a link.
        plain = creates[-2]
        await bench.control("halo", "/create/client", {"name": plain.title})
        await going
        assert await bench.control("halo", "/faults") == []
        rows = await _rows(bench, Kind.CUSTOMER)
        for o in creates:
            assert len([r for r in rows.values() if r["xeroid"] == o.target]) == (o is not plain)
        made = [w for w in await writes(bench, "halo") if _made(w, Kind.CUSTOMER)]
        assert len(made) == len(creates) - 2, "each is sought before it is made"
        assert await bench.control("halo", "/duplicates") == []
        done = await operations(bench, plan=plan.id)
        _all_confirmed([o for o in done if o.id != plain.id])
        assert "meanwhile has a customer" in next(o.error for o in done if o.id == plain.id)
