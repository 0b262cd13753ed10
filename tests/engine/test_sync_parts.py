"""Plans of a part of what could go replace no other, prove no pair, hold all that they need; and whose turn it is."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from tests.engine.store_kit import NOW, opened
from tests.engine.sync_kit import SOURCE
from xerotui.model.kinds import Kind, Side
from xerotui.model.work import Operation, Plan, PlanKind, PlanState, Verb
from xerotui.sync import removing
from xerotui.sync.planning import with_needs
from xerotui.sync.start_line import prove, proven
from xerotui.sync.superseding import supersede


def _plan(n: int, *, tenant: str = "t", state: PlanState = PlanState.READY, **options: str) -> Plan:
    return Plan(
        id=f"plan-{n}",
        kind=PlanKind.SYNC,
        connection=SOURCE,
        tenants=(tenant,),
        title="Sync",
        hash=str(n),
        state=state,
        created=NOW + dt.timedelta(minutes=n),
        expires=NOW + dt.timedelta(days=1),
        options=options,
    )


def _operation(id: str, kind: Kind, *needs: str) -> Operation:
    return Operation(
        id=id,
        plan="plan",
        side=Side.XERO,
        lane="xero:t",
        kind=kind,
        verb=Verb.CREATE,
        connection=SOURCE,
        tenant="t",
        record=id,
        needs=needs,
    )


def test_a_part_holds_what_is_needed_by_what_it_needs() -> None:
    made = [
        _operation("item", Kind.ITEM),
        _operation("other", Kind.ITEM),
        _operation("invoice", Kind.INVOICE, "item", "under way"),
        _operation("allocation", Kind.CREDIT_NOTE, "invoice"),
    ]
    assert [o.id for o in with_needs(made, {"allocation"})] == ["item", "invoice", "allocation"]


async def test_a_part_replaces_no_plan_and_proves_no_pair(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        # Of the ports these need the ledger alone.
        ports: Any = SimpleNamespace(ledger=ledger)

        async def state(id: str) -> PlanState:
            async with ledger.read() as tx:
                plan = await ledger.plans.get(tx, id)
            assert plan is not None
            return plan.state

        async with ledger.write() as tx:
            await ledger.plans.add(tx, _plan(1))
            await supersede(ports, tx, _plan(2, back="1"))
            await supersede(ports, tx, _plan(2, only="1"))
        assert await state("plan-1") is PlanState.READY
        async with ledger.write() as tx:
            await supersede(ports, tx, _plan(3))
        assert await state("plan-1") is PlanState.DISCARDED

        async with ledger.write() as tx:
            part = _plan(4, state=PlanState.DONE, back="1")
            await ledger.plans.add(tx, part)
            await prove(ports, tx, part)
            assert not await proven(ports, tx, SOURCE, "t")
            # What was carried out before marks were kept, and what other pairs' plans would hide.
            await ledger.plans.add(tx, _plan(5, state=PlanState.DONE))
            assert await proven(ports, tx, SOURCE, "t")
            assert not await proven(ports, tx, SOURCE, "quiet")
            await prove(ports, tx, _plan(6, tenant="quiet"))
            assert await proven(ports, tx, SOURCE, "quiet")
            busy = [msgspec.structs.replace(_plan(7, state=PlanState.DONE), id=f"busy-{n}") for n in range(500)]
            for plan in busy:
                await ledger.plans.add(tx, plan)
            assert await proven(ports, tx, SOURCE, "quiet")


async def test_of_many_suspects_each_is_asked_for_in_turn(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(removing, "MOST", 2)
    async with opened(tmp_path) as ledger:
        ports: Any = SimpleNamespace(ledger=ledger)
        asked = [await removing.in_turn(ports, SOURCE, Kind.INVOICE, ["e", "d", "c", "b", "a"]) for _ in range(3)]
        assert asked == [["a", "b"], ["c", "d"], ["e", "a"]]
        assert await removing.in_turn(ports, SOURCE, Kind.INVOICE, ["b", "a"]) == ["b", "a"]
