"""A plan is only applied to the world it was made from: what moved is named, and a new plan is offered."""

from pathlib import Path

from tests.engine.sync_kit import (
    SOURCE,
    all_well,
    edit,
    everything_arrived,
    invoiced_in_xero,
    jump,
    made_plan,
    map_tax,
    operations,
    small,
    the_plan,
    writes,
)
from xerotui.model.kinds import Kind
from xerotui.model.work import PlanState, State, Verb


async def test_what_moved_since_the_plan_refuses_it_and_is_named(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        british = [o for o in await operations(bench, plan=plan.id, kind=Kind.INVOICE) if o.tenant == bench.tenants[0]]
        edited, taken = british[0], british[1]
        await edit(bench, "invoice", edited.record, cust_order_number="Another reference")
        await invoiced_in_xero(bench, taken.tenant, taken.title)
        # What is no part of the plan is no reason to refuse it.
        stays = next(str(t.id) for t in bench.world.trouble if (t.kind, t.record) == ("total_mismatch", "invoice"))
        await edit(bench, "invoice", stays, cust_order_number="Never mind")
        refused = await bench.ask("apply", plan=plan.id, hash=plan.hash)
        assert refused.answer["code"] == "core.stale"
        assert refused.answer["exit"] == "4"
        moved = (await the_plan(bench, plan.id)).moved
        assert f"invoice {edited.title} changed at the source" in moved
        assert f"invoice {taken.title} can't or needn't go any more" in moved
        assert len(moved) == 2, "what stands as it was isn't blamed"
        assert (await the_plan(bench, plan.id)).state is PlanState.REFUSED
        assert await writes(bench) == [], "nothing was sent before the check"
        assert {o.state for o in await operations(bench, plan=plan.id)} == {State.CANCELLED}
        offered = await the_plan(bench, refused.answer["plan"])
        assert offered.state is PlanState.READY
        new = {o.record: o for o in await operations(bench, plan=offered.id, kind=Kind.INVOICE)}
        assert taken.record not in new
        assert new[edited.record].body != edited.body
        await bench.done("apply", plan=offered.id, hash=offered.hash)
        assert {w["number"] for w in await writes(bench)} >= {edited.title}
        assert taken.title not in {w["number"] for w in await writes(bench) if w["kind"] == "invoice"}
        await all_well(bench)


async def test_a_mapping_changed_since_the_plan_refuses_it(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        await map_tax(bench, "2", target="EXEMPTOUTPUT")
        refused = await bench.ask("apply", plan=plan.id, hash=plan.hash)
        touched = [o for o in await operations(bench, plan=plan.id) if "tax:2:sales" in o.basis.mappings]
        moved = (await the_plan(bench, plan.id)).moved
        assert touched
        assert set(moved) == {f"a mapping of {o.kind.label} {o.title} changed" for o in touched}
        assert await writes(bench) == []
        await bench.done("apply", plan=refused.answer["plan"])
        await everything_arrived(bench)
        await all_well(bench)


async def test_a_plan_grows_old(tmp_path: Path) -> None:
    async with small(tmp_path) as bench:
        plan = await made_plan(bench)
        await jump(bench, 25 * 3600)
        refused = await bench.ask("apply", plan=plan.id, hash=plan.hash)
        assert refused.answer["code"] == "core.stale"
        assert (await the_plan(bench, plan.id)).state is PlanState.EXPIRED
        assert {o.state for o in await operations(bench, plan=plan.id)} == {State.CANCELLED}
        assert await writes(bench) == []
        again = await made_plan(bench)
        await bench.done("apply", plan=again.id, hash=again.hash)
        assert await operations(bench, plan=again.id, verb=Verb.CREATE, connection=SOURCE)
        await all_well(bench)
