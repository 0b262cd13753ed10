"""A source that syncs with Xero by itself: compared, never written beside, until a person says so with a reason."""

from pathlib import Path

import pytest

from tests.engine.sync_kit import (
    SOURCE,
    all_well,
    fault,
    heal,
    jump,
    made_plan,
    operations,
    problems,
    small,
    the_plan,
    writes,
)
from xerotui.model.kinds import Kind
from xerotui.model.problems import SyncError
from xerotui.model.work import PlanState, State
from xerotui.sync import native
from xerotui.sync.applying import apply


async def test_what_the_source_sends_by_itself_is_refused_until_it_is_confirmed(tmp_path: Path) -> None:
    async with small(tmp_path, scale=0.02) as bench:
        ports, now = bench.wiring.ports(), bench.wiring.clock.now()
        first, other = bench.tenants
        # Where it never could be seen, it may be on: nothing goes; once seen, that is what holds.
        await fault(bench, "halo", path="(?i)/api/xerodetails", do="status", status=403, times=9)
        await bench.done("plan", connection=SOURCE)
        unseen = {p.record.tenant: p.sentence for p in await problems(bench, code="core.native_sync")}
        assert set(unseen) == {first, other}
        assert "doesn't let it be seen" in unseen[first]
        with pytest.raises(SyncError, match="somebody has looked"):
            await native.refuse(ports, SOURCE, await operations(bench))
        await heal(bench, "halo")
        await native.look(ports, SOURCE)
        assert await problems(bench, code="core.native_sync") == []
        await fault(bench, "halo", path="(?i)/api/xerodetails", do="status", status=403, times=1)
        await native.look(ports, SOURCE)
        assert await problems(bench, code="core.native_sync") == [], "what was known stays"
        await bench.control("halo", "/switches", {"native_sync": "invoices,clients"})
        plan = await made_plan(bench)
        found = await operations(bench, plan=plan.id)
        assert found, "what would go is compared all the same"
        assert {p.record.tenant for p in await problems(bench, code="core.native_sync")} == {first, other}
        refused = await bench.ask("apply", plan=plan.id, hash=plan.hash)
        assert (refused.answer["code"], refused.answer["exit"]) == ("core.native_sync", "4")
        assert "HaloPSA syncs customers, invoices with" in refused.error
        assert "confirm-native" in refused.remedy
        assert (await the_plan(bench, plan.id)).state is PlanState.READY
        assert await writes(bench) == []

        # Other kinds go; a word with a reason lets these go, for one organisation alone.
        await native.refuse(ports, SOURCE, [o for o in found if o.kind in (Kind.ITEM, Kind.PURCHASE_ORDER)])
        with pytest.raises(SyncError, match="Say why"):
            await native.confirm(ports, SOURCE, first, "tester", "  ", now)
        await native.confirm(ports, SOURCE, first, "tester", "Theirs sends drafts of last year alone", now)
        await native.refuse(ports, SOURCE, [o for o in found if o.tenant == first])
        with pytest.raises(SyncError, match="two writers"):
            await native.refuse(ports, SOURCE, [o for o in found if o.tenant == other])
        async with bench.wiring.ledger.read() as tx:
            log = [row for row in await bench.wiring.ledger.audit.list(tx) if row.action == "native.confirm"]
        assert [(row.actor, row.detail["reason"]) for row in log] == [
            ("tester", "Theirs sends drafts of last year alone")
        ]
        await native.look(ports, SOURCE)
        assert {p.record.tenant for p in await problems(bench, code="core.native_sync")} == {other}

        # It falls when what was confirmed changes, and doesn't come back with the old state.
        await bench.control("halo", "/switches", {"native_sync": "invoices,clients,suppliers"})
        await native.look(ports, SOURCE)
        await bench.control("halo", "/switches", {"native_sync": "invoices,clients"})
        await native.look(ports, SOURCE)
        assert {p.record.tenant for p in await problems(bench, code="core.native_sync")} == {first, other}
        # An entity that nobody knows counts as everything; off is off.
        await bench.control("halo", "/switches", {"native_sync": "7"})
        await native.look(ports, SOURCE)
        with pytest.raises(SyncError, match="items"):
            await native.refuse(ports, SOURCE, [o for o in found if o.kind is Kind.ITEM])
        await bench.control("halo", "/switches", {"native_sync": ""})
        await native.look(ports, SOURCE)
        assert await problems(bench, code="core.native_sync") == []
        await native.refuse(ports, SOURCE, found)

        # What was approved before it came on waits as well, and isn't let go by trying again.
        plan = await made_plan(bench)
        await apply(ports, plan.id, plan.hash, "tester")
        await bench.control("halo", "/switches", {"native_sync": "invoices,clients"})
        await native.look(ports, SOURCE)
        await bench.work()
        assert {w["kind"] for w in await writes(bench)} == {"contact", "item", "purchase_order"}
        one, *_ = await operations(bench, plan=plan.id, kind=Kind.CUSTOMER, states=(State.READY,))
        assert "two writers" in one.error
        async with bench.wiring.ledger.write() as tx:
            await bench.wiring.ledger.work.move(tx, [one.id], State.PARKED)
        again = await bench.ask("retry", operation=one.id)
        assert again.answer["code"] == "core.native_sync"
        await bench.control("halo", "/switches", {"native_sync": ""})
        await bench.done("retry", operation=one.id)
        await jump(bench, 6 * 60)
        await bench.work()
        await all_well(bench)
