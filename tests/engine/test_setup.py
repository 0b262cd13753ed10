"""The setup path as it is derived: what is missing, what waits, what a person may leave, and what ends that."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.engine.sync_kit import SOURCE, made_plan, policy, problems, small
from xerotui.model.kinds import DOCUMENTS
from xerotui.model.problems import SyncError
from xerotui.store import TenantDoc
from xerotui.sync import native
from xerotui.workspace.door import Workspace
from xerotui.workspace.pages import Step
from xerotui.workspace.setup import open_steps

ORDER = (
    *("connect", "tenant", "tax", "customers", "tracking", "items", "charge_rates", "suppliers", "entities"),
    *("settings", "start"),
)


async def path(space: Workspace) -> dict[str, Step]:
    """The steps by the last part of their ids, in order."""
    return {step.id.rpartition(":")[2]: step for step in await space.setup()}


async def test_each_step_knows_what_it_lacks_and_what_waits_for_it(tmp_path: Path) -> None:
    """In the guide's order; a word of a person holds for the organisations of that day, and never beside documents."""
    async with small(tmp_path, scale=0.02) as bench:
        first, other = bench.tenants
        space = Workspace(bench.wiring, bench.wiring.home, "tester", read_only=False, attached=True)
        steps = await path(space)
        assert tuple(steps) == ORDER
        assert set(steps["tax"].missing) == {"proposed"}, "what isn't taken isn't in force"
        assert steps["tax"].args["tenant"] == steps["tax"].lacking[0]
        assert (steps["customers"].state, steps["customers"].compulsory) == ("todo", False)
        assert steps["start"].state == "todo"
        with pytest.raises(SyncError, match="nothing can be sent without it"):
            await space.setup_look(steps["tax"].id)

        # Left as it is, until another organisation comes or documents wait.
        looked = await space.setup_look(steps["suppliers"].id)
        assert (looked.state, looked.looked) == ("looked", "tester")
        await space.setup_look(steps["customers"].id)
        plan = await made_plan(bench)
        steps = await path(space)
        assert steps["start"].detail == "a plan waits for approval"
        assert (steps["customers"].state, steps["customers"].compulsory) == ("todo", True)
        assert steps["suppliers"].state == "looked"
        stopped = {
            (p.record.kind, p.record.id, p.record.tenant)
            for p in await problems(bench, blocks=True)
            if p.subject.startswith("tax:") and p.record.kind in DOCUMENTS
        }
        assert steps["tax"].documents == len(stopped) > 1
        async with bench.wiring.ledger.read() as tx:
            rows = await bench.wiring.ledger.plans.blocked(tx, plan.id)
        sums = [row.total or Decimal(0) for row in rows if row.code == "core.tax_unmapped"]
        assert steps["tax"].totals == {"GBP": sum(sums, Decimal(0))}
        assert steps["tax"].codes == ("core.tax_unmapped",)
        with pytest.raises(SyncError, match="documents wait for it"):
            await space.setup_look(steps["customers"].id)

        # Two writers are a question that nobody may leave.
        assert (await space.setup_look(steps["entities"].id)).state == "looked"
        await bench.control("halo", "/switches", {"native_sync": "invoices"})
        await native.look(bench.wiring.ports(), SOURCE)
        entities = (await path(space))["entities"]
        assert (entities.state, entities.compulsory, entities.missing["two writers"]) == ("todo", True, 2)
        await bench.control("halo", "/switches", {"native_sync": ""})
        await native.look(bench.wiring.ports(), SOURCE)
        assert (await path(space))["entities"].state == "looked"

        # What was chosen needs no word; a kind that is off is said, and asks for no import.
        for tenant in (first, other):
            await policy(bench, tenant, entities={"supplier": False})
        steps = await path(space)
        assert (steps["suppliers"].state, steps["suppliers"].detail) == ("done", "switched off")
        assert steps["entities"].state == "done"
        assert "without suppliers" in steps["entities"].detail

        async with bench.wiring.book.edit() as db:
            known = db.tenant(first)
            assert isinstance(known, TenantDoc)
            db.put_tenant(msgspec.structs.replace(known, tenant="third", name="Third"))
            source = db.source(SOURCE)
            assert source is not None
            db.put_source(msgspec.structs.replace(source, enabled=False))
        steps = await path(space)
        assert (steps["connect"].state, steps["start"].state) == ("todo", "waiting")
        assert "switched off" in steps["connect"].detail
        assert "connect" in [step.what for step in open_steps(steps.values())]
