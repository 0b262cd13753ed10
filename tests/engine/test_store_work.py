"""Operations and calls: transitions, uniqueness, what is due, and that a call is settled whole."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from tests.engine.store_kit import FAR, LANE, NOW, OTHER, Stopped, call, opened, operation, states
from xerotui.model.kinds import Kind, Side
from xerotui.model.postings import Change
from xerotui.model.work import TRANSITIONS, Basis, CallState, State, Verb
from xerotui.store import DuplicateWork, Fence, Fenced, IllegalMove, Ledger

READY = State.READY


async def taken(ledger: Ledger) -> Fence:
    async with ledger.write() as tx:
        fence = await ledger.lanes.take(tx, LANE, FAR, 60)
    assert fence is not None
    return fence


async def test_an_operation_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    stored = operation(
        1,
        basis=Basis(fingerprint="f", mappings={"tax:9:sales": 3}, xero_version="v"),
        changes=(Change("name", "a", "b"),),
        rungs={"due_date": "source"},
        not_before=NOW,
        updated=NOW,
        body=b"\x00\xff",
        party="Ann",
        target="x",
        error="e",
        attempts=2,
        call="c",
    )
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            await ledger.work.add(tx, [stored, operation(2, total=None)])
        async with ledger.read() as tx:
            assert await ledger.work.get(tx, ["op-00001"]) == [stored]
            assert (await ledger.work.get(tx, ["op-00002", "nobody"]))[0].total is None


async def test_every_move_outside_the_transitions_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        pairs = [(a, b) for a in State for b in State if (a, b) != (READY, READY)]
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(i, state=a) for i, (a, _) in enumerate(pairs)])
        for i, (a, b) in enumerate(pairs):
            async with ledger.write() as tx:
                if b in TRANSITIONS[a]:
                    assert await ledger.work.move(tx, [f"op-{i:05}"], b) == 1
                else:
                    with pytest.raises(IllegalMove):
                        await ledger.work.move(tx, [f"op-{i:05}"], b)
        async with ledger.write() as tx:
            with pytest.raises(IllegalMove, match="unknown"):
                await ledger.work.move(tx, ["nobody"], READY)


async def test_moving_passes_over_other_states_and_can_put_off(tmp_path: Path) -> None:
    clock = Stopped()
    async with opened(tmp_path, clock) as ledger:
        later = NOW + dt.timedelta(minutes=5)
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(1, state=READY), operation(2)])
            ids = ["op-00001", "op-00002"]
            assert await ledger.work.move(tx, ids, State.APPROVED, frm=[State.PLANNED]) == 1
            assert await ledger.work.move(tx, ids, READY, frm=[READY], not_before=later, error="503") == 1
            assert await ledger.work.ready_batch(tx, LANE, Kind.INVOICE, Verb.CREATE, 50) == []
        clock.at = later
        async with ledger.read() as tx:
            batch = await ledger.work.ready_batch(tx, LANE, Kind.INVOICE, Verb.CREATE, 50)
        assert [(o.id, o.error) for o in batch] == [("op-00001", "503")]


async def test_two_live_operations_of_one_verb_on_one_record_are_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(1), operation(2, record="1"), operation(3, record="1")])
            await ledger.work.move(tx, ["op-00001"], State.APPROVED)
        for state in (State.APPROVED, State.BLOCKED, State.UNKNOWN):
            with pytest.raises(DuplicateWork):
                async with ledger.write() as tx:
                    await ledger.work.add(tx, [operation(9, record="1", state=state)])
        with pytest.raises(DuplicateWork):
            async with ledger.write() as tx:
                await ledger.work.move(tx, ["op-00002"], State.APPROVED)
        async with ledger.write() as tx:
            other = [operation(10, record="1", verb=Verb.UPDATE, state=READY), operation(11, record="1", tenant="t2")]
            await ledger.work.add(tx, [*other, operation(12, record="1", side=Side.SOURCE, state=READY)])
            await ledger.work.move(tx, ["op-00001"], State.CANCELLED)
            await ledger.work.move(tx, ["op-00002"], State.APPROVED)
        with pytest.raises(ValueError, match="can't be stored"):
            async with ledger.write() as tx:
                await ledger.work.add(tx, [operation(1)])


async def test_only_ready_operations_whose_record_is_free_are_due_oldest_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(5, state=READY), operation(4, state=READY)])
            await ledger.work.add(tx, [operation(3, state=READY), operation(2, state=State.UNKNOWN)])
            update = {"verb": Verb.UPDATE, "state": READY}
            await ledger.work.add(tx, [operation(20, record="2", **update), operation(50, record="5", **update)])
            await ledger.work.add(tx, [operation(60, **update), operation(61, **{**update, "target": "contact"})])
            busy = operation(62, kind=Kind.CUSTOMER, target="contact", state=State.SENDING)
            await ledger.work.add(tx, [busy, operation(63, lane="another", **update)])
        async with ledger.read() as tx:
            created = await ledger.work.ready_batch(tx, LANE, Kind.INVOICE, Verb.CREATE, 2)
            updated = await ledger.work.ready_batch(tx, LANE, Kind.INVOICE, Verb.UPDATE, 50)
        assert [o.record for o in created] == ["5", "4"]
        # Of 20 the creation is unknown, of 50 it is older and ready, 61 shares a contact with a call on its way.
        assert [o.id for o in updated] == ["op-00060"]


async def test_needs_promote_and_block_along_a_chain_and_recover(tmp_path: Path) -> None:
    approved = State.APPROVED
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            party = operation(1, kind=Kind.CUSTOMER, title="Ann", state=approved)
            chain = [operation(n, state=approved, needs=(f"op-{n - 1:05}",)) for n in range(2, 5)]
            free = operation(9, state=approved)
            await ledger.work.add(tx, [party, *chain, free])
            assert (await ledger.work.promote(tx)).ready == 2
        assert await states(ledger, "op-00001", "op-00002", "op-00009") == [READY, approved, READY]
        async with ledger.write() as tx:
            await ledger.work.move(tx, ["op-00001"], State.PARKED, error="name refused")
            assert (await ledger.work.promote(tx, lane=LANE)).blocked == 3
            blocked = await ledger.work.find(tx, states=[State.BLOCKED])
        assert blocked[0].error == "Waits for the customer Ann, which was parked: name refused"
        assert blocked[2].error.startswith("Waits for the invoice INV-00003, which was blocked")
        async with ledger.write() as tx:
            await ledger.work.move(tx, ["op-00001"], READY)
            assert (await ledger.work.promote(tx)).ready == 0
            for id in ("op-00001", "op-00002"):
                await ledger.work.move(tx, [id], State.SENDING)
                await ledger.work.move(tx, [id], State.CONFIRMED)
                assert (await ledger.work.promote(tx)).ready == 1
        assert await states(ledger, "op-00002", "op-00003", "op-00004") == [State.CONFIRMED, READY, State.BLOCKED]


async def test_a_call_is_stored_to_the_byte_with_its_operations_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        fence = await taken(ledger)
        ids = ("op-00003", "op-00001", "op-00002")
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(n, state=READY) for n in (1, 2, 3)])
            await ledger.work.open_call(tx, call("c1", ids), fence)
        async with ledger.read() as tx:
            assert await ledger.work.get_call(tx, "c1") == call("c1", ids)
            assert await ledger.work.calls(tx, LANE, [CallState.SENDING]) == [call("c1", ids)]
            assert [(o.state, o.attempts, o.call) for o in await ledger.work.get(tx, ids)] == [
                (State.SENDING, 1, "c1")
            ] * 3


@pytest.mark.parametrize(
    "wrong", [{"state": State.PLANNED}, {"state": READY, "verb": Verb.UPDATE}, {"state": READY, "lane": "another"}]
)
async def test_a_call_with_one_wrong_operation_is_not_stored_at_all(tmp_path: Path, wrong: dict[str, object]) -> None:
    async with opened(tmp_path) as ledger:
        fence = await taken(ledger)
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(1, state=READY), operation(2, **wrong)])
        for ids in (("op-00001", "op-00002"), ("op-00001", "op-00001"), (), tuple(str(n) for n in range(51))):
            with pytest.raises(IllegalMove):
                async with ledger.write() as tx:
                    await ledger.work.open_call(tx, call("c1", ids), fence)
        assert (await states(ledger, "op-00001"))[0] is READY
        async with ledger.read() as tx:
            assert await ledger.work.get_call(tx, "c1") is None


async def test_elements_settle_one_by_one_and_the_call_when_none_is_unknown(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        fence = await taken(ledger)
        ids = tuple(f"op-{n:05}" for n in range(1, 6))
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(n, state=READY) for n in range(1, 6)])
            await ledger.work.open_call(tx, call("c1", ids), fence)
            await ledger.work.settle_call(
                tx,
                "c1",
                fence,
                status=200,
                confirmed=[(ids[0], "xero-1", "INV-1", "v1")],
                rejected=[(ids[1], "bad date")],
                unknown=[ids[2]],
                ready=[ids[3]],
                parked=[(ids[4], "poison")],
            )
        expected = [State.CONFIRMED, State.REJECTED, State.UNKNOWN, READY, State.PARKED]
        assert await states(ledger, *ids) == expected
        async with ledger.write() as tx:
            found = await ledger.work.get_call(tx, "c1")
            assert found is not None
            assert (found.state, found.status) == (CallState.UNKNOWN, 200)
            results = await ledger.work.results(tx, ids)
            assert [(r.xero_id, r.number, r.version) for r in results.values()] == [("xero-1", "INV-1", "v1")]
            # The repeat goes whole, but what is settled of it stays so, whatever the second answer says.
            await ledger.work.resend(tx, "c1", fence, NOW)
            assert [o.state for o in await ledger.work.get(tx, ids)] == [
                State.SENDING if state is State.UNKNOWN else state for state in expected
            ]
            again = await ledger.work.settle_call(
                tx, "c1", fence, status=200, confirmed=[(id, "x", "", "") for id in ids]
            )
            assert again == (ids[2],)
            with pytest.raises(IllegalMove, match="no open call"):
                await ledger.work.settle_call(tx, "c1", fence, status=200)
            errors = [o.error for o in await ledger.work.get(tx, ids)]
        assert errors == ["", "bad date", "", "", "poison"]
        assert await states(ledger, *ids) == [*expected[:2], State.CONFIRMED, *expected[3:]]


async def test_a_settlement_that_forgets_or_invents_or_has_no_id_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        fence = await taken(ledger)
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(n, state=READY) for n in (1, 2, 3)])
            await ledger.work.open_call(tx, call("c1", ("op-00001", "op-00002")), fence)
        nothing = "00000000-0000-0000-0000-000000000000"
        for wrong in (
            {"unknown": ["op-00001"]},
            {"unknown": ["op-00001", "op-00002", "op-00003"]},
            {"unknown": ["op-00001", "op-00002"], "ready": ["op-00001"]},
            {"confirmed": [("op-00001", nothing, "", ""), ("op-00002", "x", "", "")]},
        ):
            with pytest.raises(IllegalMove):
                async with ledger.write() as tx:
                    await ledger.work.settle_call(tx, "c1", fence, status=200, **wrong)
        assert await states(ledger, "op-00001", "op-00002") == [State.SENDING] * 2


async def test_taking_a_lane_voids_what_was_sending_and_a_whole_call_goes_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        fence = await taken(ledger)
        ids = ("op-00001", "op-00002")
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(n, state=READY) for n in (1, 2, 3)])
            await ledger.work.open_call(tx, call("c1", ids), fence)
            await ledger.lanes.release(tx, fence)
            new = await ledger.lanes.take(tx, LANE, OTHER, 60)
            assert new is not None
            voided = await ledger.work.void_sending(tx, LANE, new)
        assert [(c.id, c.state, c.body) for c in voided] == [("c1", CallState.UNKNOWN, call("c1", ids).body)]
        assert await states(ledger, *ids, "op-00003") == [State.UNKNOWN, State.UNKNOWN, READY]
        async with ledger.write() as tx:
            again = await ledger.work.resend(tx, "c1", new, NOW)
            assert (again.attempts, again.key, again.first_sent) == (2, "key-c1", NOW)
        assert await states(ledger, *ids) == [State.SENDING] * 2


async def test_a_zombie_writes_nothing_anywhere(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        zombie = await taken(ledger)
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(n, state=READY) for n in (1, 2)])
            await ledger.work.open_call(tx, call("c1", ("op-00001",)), zombie)
            await ledger.lanes.release(tx, zombie)
            assert await ledger.lanes.take(tx, LANE, OTHER, 60)
        work = ledger.work
        for attempt in (
            lambda tx: work.open_call(tx, call("c2", ("op-00002",)), zombie),
            lambda tx: work.settle_call(tx, "c1", zombie, status=200, unknown=["op-00001"]),
            lambda tx: work.resend(tx, "c1", zombie, NOW),
            lambda tx: work.void_sending(tx, LANE, zombie),
            lambda tx: work.move(tx, ["op-00002"], State.PARKED, fence=zombie),
            lambda tx: ledger.lanes.beat(tx, zombie),
        ):
            with pytest.raises(Fenced):
                async with ledger.write() as tx:
                    await attempt(tx)
        assert await states(ledger, "op-00001", "op-00002") == [State.SENDING, READY]
        async with ledger.write() as tx:
            await ledger.lanes.release(tx, zombie)
            with pytest.raises(Fenced):
                await ledger.lanes.check(tx, zombie)


async def test_counts_and_bodies(tmp_path: Path) -> None:
    clock = Stopped()
    async with opened(tmp_path, clock) as ledger:
        fence = await taken(ledger)
        async with ledger.write() as tx:
            await ledger.work.add(tx, [operation(n, state=READY) for n in (1, 2)])
            await ledger.work.add(tx, [operation(3, plan="plan-2", tenant="t2")])
            await ledger.work.open_call(tx, call("c1", ("op-00001",)), fence)
            await ledger.work.settle_call(tx, "c1", fence, status=200, confirmed=[("op-00001", "x", "", "")])
            await ledger.work.move(tx, ["op-00001"], State.VERIFIED)
            counts = await ledger.work.counts(tx, plan="plan-1")
            assert Counter({key[3]: n for key, n in counts.items()}) == {State.VERIFIED: 1, READY: 1}
            assert sum((await ledger.work.counts(tx, lane=LANE, states=[READY])).values()) == 1
            assert await ledger.work.counts(tx, tenant="t2") == {
                (Side.XERO, Kind.INVOICE, Verb.CREATE, State.PLANNED): 1
            }
            assert await ledger.work.drop_bodies(tx, NOW, 500) == 0
            assert await ledger.work.drop_bodies(tx, NOW + dt.timedelta(days=1), 500) == 2
            kept = await ledger.work.get_call(tx, "c1")
            assert kept is not None
            assert kept.body == b""
            assert [o.body for o in await ledger.work.get(tx, ["op-00001", "op-00002"])] == [b"", b"{}"]
