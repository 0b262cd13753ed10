"""What a connection can't do by its settings isn't tried, and is shown as such, whatever its source declares."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from tests.engine.sync_kit import (
    SOURCE,
    Rig,
    commanded,
    held,
    linked,
    operations,
    policy,
    problems,
    small,
    the_plan,
    writes,
)
from tests.kit import filing
from xerotui.model.kinds import Kind, Side
from xerotui.model.paging import View
from xerotui.model.problems import SyncError
from xerotui.model.work import Plan, RequestState, State, Verb
from xerotui.source.accept import abilities_of
from xerotui.source.contract import Abilities, Capability
from xerotui.workspace.door import Workspace
from xerotui.workspace.forms import registry
from xerotui.workspace.pages import ImportRow
from xerotui_halo.source import HaloSource


@pytest.fixture(autouse=True)
def _plugin() -> Iterator[None]:
    registry().register(filing, filing.NAME)
    yield
    registry().unregister(filing.NAME)


async def filing_away(bench: Rig, **settings: str) -> None:
    """Let the connection be one of the other source, of these settings besides."""
    async with bench.wiring.book.edit() as db:
        one = db.source(SOURCE)
        assert one is not None
        db.put_source(msgspec.structs.replace(one, source=filing.NAME, settings={**one.settings, **settings}))


def test_a_connection_can_do_no_more_than_its_source_declares() -> None:
    filled = filing.FilingSettings(url="x", client_id="x", client_secret="")
    assert abilities_of(filing.FilingSource, filled).capabilities == filing._READ
    assert abilities_of(HaloSource, filled) == HaloSource.declared()
    for more, word in (
        (Abilities(capabilities=frozenset({Capability.HAND_OVER})), "capabilities: hand_over"),
        (Abilities(importable=(Kind.INVOICE,)), "importable: invoice"),
        (Abilities(amendable={Kind.ITEM: ("colour",)}), "amendable: colour of item"),
        (Abilities(item_groups="others"), "item_groups: others"),
        (Abilities(attach_batch=1000), "attach_batch: 1000"),
        (SimpleNamespace(), "SimpleNamespace"),
    ):
        wide = type("Wide", (HaloSource,), {"abilities": classmethod(lambda cls, settings, more=more: more)})
        with pytest.raises(TypeError, match=word):
            abilities_of(wide, filled)


async def test_what_a_connection_cant_do_by_its_settings_isnt_tried(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        british = bench.tenants[0]
        ports = bench.wiring.ports()
        assert await ports.keeps_links(SOURCE)
        await filing_away(bench)
        assert not await ports.keeps_links(SOURCE)
        space = Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)
        assert {(row.supported, row.new > 0) for row in await space.imports() if row.kind is Kind.CUSTOMER} == {
            (False, True)
        }
        assert await space.item_groups(SOURCE) == ()
        refused = await bench.ask("import", connection=SOURCE, tenant=british, kind="customer")
        assert (refused.state, refused.error) == (RequestState.FAILED, "Filing can't take customers")
        await policy(bench, british, generate={"customer": "{n:04}"})
        refused = await bench.ask("import", connection=SOURCE, tenant=british, kind="customer", numbers="1")
        assert "can't be given numbers" in refused.error
        before = await writes(bench, "halo")
        plan = await bench.sync()
        assert await held(bench, british, "Invoices")
        assert await linked(bench, Kind.INVOICE)
        mine = await operations(bench, plan=plan, side=Side.SOURCE)
        assert not [o for o in mine if o.verb is not Verb.ATTACH], "nothing else is written back"
        assert await writes(bench, "halo") == before, "links stay here alone"
        # The same connection, allowed to write: what was refused goes.
        await filing_away(bench, write="on")
        assert await ports.keeps_links(SOURCE)
        assert await space.item_groups(SOURCE)
        await bench.done("import", connection=SOURCE, tenant=british, kind="customer")


async def test_settings_that_fit_no_longer_lose_no_link(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        ports = bench.wiring.ports()
        await filing_away(bench, calls_per_window="many")
        with pytest.raises(SyncError):
            await ports.abilities(SOURCE)
        assert await ports.keeps_links(SOURCE), "a link that can't be written waits"
        assert not await ports.keeps_links("nobody")


async def _import(bench: Rig, tenant: str, kind: Kind, *only: str) -> Plan:
    asked = {"connection": SOURCE, "tenant": tenant, "kind": kind.value}
    plan = await the_plan(bench, (await bench.done("import", **asked))["plan"])
    wanted = [o.id for o in await operations(bench, plan=plan.id) if o.title in only]
    await bench.done("apply", plan=plan.id, hash=plan.hash, only=",".join(wanted))
    return plan


async def test_what_cant_be_created_goes_into_a_file_and_is_linked_when_it_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "importer"
    async with small(tmp_path, rate=60) as bench:
        british, australian = bench.tenants
        space = Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)

        async def pile(tenant: str, kind: Kind = Kind.CUSTOMER) -> ImportRow:
            return next(r for r in await space.imports() if (r.tenant, r.kind) == (tenant, kind))

        await filing_away(bench, folder=str(folder))
        before = await writes(bench, "halo")
        fresh = await pile(british)
        assert (fresh.supported, fresh.by_file, fresh.handed, fresh.new > 1) == (True, True, 0, True)
        assert not (await pile(british, Kind.ITEM)).supported
        # The folder isn't there: nothing is lost, and a person is asked in the end.
        asked = {"connection": SOURCE, "tenant": british, "kind": "customer"}
        plan = await the_plan(bench, (await bench.done("import", **asked))["plan"])
        assert plan.counts["hand_over"] == fresh.new
        assert not plan.counts.get("create")
        assert not folder.exists(), "a preview writes nothing"
        folder.mkdir()
        names = [o.title for o in await operations(bench, plan=plan.id, verb=Verb.HAND_OVER)]
        await _import(bench, british, Kind.CUSTOMER, names[0])
        assert [r.name for r in filing.filed(folder, Kind.CUSTOMER)] == [names[0]]
        assert ((await pile(british)).handed, (await pile(british)).handed_in) == (1, "customers_new.json")
        # What waits stays in the file when others come into it, of another organisation too; twice is once.
        await _import(bench, australian, Kind.CUSTOMER)
        await _import(bench, british, Kind.CUSTOMER, names[1])
        await _import(bench, british, Kind.CUSTOMER, names[1])
        there = filing.filed(folder, Kind.CUSTOMER)
        assert {r.name for r in there if r.tenant == british} == set(names[:2])
        assert len([r for r in there if r.tenant == australian]) == (await pile(australian)).handed > 0
        assert all(r.xero_id for r in there)
        rows = await space.plan_rows((await _import(bench, british, Kind.CUSTOMER)).id, View(limit=500))
        assert {r.reason for r in rows.rows if r.verb == "hand_over"} == {"handed over in customers_new.json"}
        assert (await pile(british)).handed == (await pile(british)).new == len(names)
        async with bench.wiring.ledger.read() as tx:
            said = [e for e in await bench.wiring.ledger.audit.list(tx, 500) if e.action == "handed over"]
        assert {e.detail["number"] for e in said} == {"customers_new.json"}
        assert len({e.subject for e in said if e.detail["tenant"] == british}) == len(names)
        # Tax rates as well; what maps them is a person's, once they are there. By command: first without writing.
        words = ("import", "taxes", "--tenant", british)
        code, out, _ = await commanded(bench, capsys, *words, "--dry-run", "--rows")
        assert (code, "hand_over" in out) == (0, True)
        assert not (folder / "tax_rates_new.json").exists()
        code, _, told = await commanded(bench, capsys, *words, "--yes")
        assert (code, "handed over in tax_rates_new.json. Import the file there" in told) == (0, True)
        _, out, _ = await commanded(bench, capsys, "import")
        assert f"{len(names)} handed over in customers_new.json" in out
        assert {r.kind for r in filing.filed(folder, Kind.TAX_RATE)} == {Kind.TAX_RATE}
        assert (await pile(british, Kind.TAX_RATE)).handed == len(filing.filed(folder, Kind.TAX_RATE))
        assert await writes(bench, "halo") == before, "nothing is written but files"
        # The importer takes one: it is linked by its name, here alone, and no longer in the file.
        await bench.control("halo", "/create/client", {"name": names[0], "xero_tenant_id": british})
        await _import(bench, british, Kind.CUSTOMER)
        assert names[0] not in {r.name for r in filing.filed(folder, Kind.CUSTOMER)}
        assert (await pile(british)).handed == len(names) - 1
        mine = {id for id, (tenant, _) in (await linked(bench, Kind.CUSTOMER)).items() if tenant == british}
        back = next(r for r in await bench.control("halo", "/state/client") if r["name"] == names[0])
        assert str(back["id"]) in mine


async def test_a_file_that_cant_be_written_waits_for_a_person(tmp_path: Path) -> None:
    async with small(tmp_path, rate=60) as bench:
        british = bench.tenants[0]
        await filing_away(bench, folder=str(tmp_path / "none"))
        plan = await _import(bench, british, Kind.SUPPLIER)
        stuck = await operations(bench, plan=plan.id, verb=Verb.HAND_OVER)
        assert {o.state for o in stuck} == {State.PARKED}
        said = {p.sentence for p in await problems(bench, code="core.hand_over_failed")}
        assert len(said) == len(stuck) > 1
        assert all("suppliers_new.json can't be written: No such file" in sentence for sentence in said)
        (tmp_path / "none").mkdir()
        await bench.done("retry", plan=plan.id)
        assert {o.state for o in await operations(bench, plan=plan.id, verb=Verb.HAND_OVER)} == {State.CONFIRMED}
        assert len(filing.filed(tmp_path / "none", Kind.SUPPLIER)) == len(stuck)
        assert await problems(bench, code="core.hand_over_failed") == []
        # All are taken over: an import that only links them leaves nothing in the file to be taken twice.
        for o in stuck:
            await bench.control("halo", "/create/supplier", {"name": o.title, "xero_tenant_id": british})
        plan = await _import(bench, british, Kind.SUPPLIER)
        assert plan.counts["link"] == len(stuck)
        assert "hand_over" not in plan.counts
        assert filing.filed(tmp_path / "none", Kind.SUPPLIER) == []
