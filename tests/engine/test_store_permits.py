"""The shared log of calls: exact under concurrency, rolling, corrected only upwards."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest

from tests.engine.store_kit import NOW, Stopped, opened
from xerotui.net.errors import Throttle
from xerotui.net.governor import Governor, for_people
from xerotui.net.limits import Limits, Spent, Wait, Window
from xerotui.store import Ledger, Used

MINUTE = Window("minute", 10, 60)
ONE = Limits((MINUTE,), in_flight=100)


def after(seconds: float) -> dt.datetime:
    """World time, so many seconds on."""
    return NOW + dt.timedelta(seconds=seconds)


async def take(ledger: Ledger, at: float, limits: Limits = ONE, *, urgent: bool = False, key: str = "t") -> str | Wait:
    """Ask for a permit that lapses after a minute."""
    return await ledger.permits.take(key, limits, after(at), urgent=urgent, lapse=60.0)


async def used(ledger: Ledger, at: float, window: Window = MINUTE) -> int:
    """How much of a window is used."""
    [budget] = await ledger.permits.budgets("t", [window], after(at))
    return budget.used


async def test_four_askers_get_exactly_what_the_window_holds(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger, opened(tmp_path) as second:

        async def ask(of: Ledger) -> int:
            got = 0
            for _ in range(8):
                got += isinstance(await take(of, 0), str)
            return got

        assert sum(await asyncio.gather(*(ask(of) for of in (ledger, second, ledger, second)))) == 10
        assert await used(ledger, 59) == 10
        assert isinstance(await take(ledger, 0, key="another"), str)


async def test_the_window_rolls_and_says_when(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        for second in range(10):
            assert isinstance(await take(ledger, second * 5), str)
        assert await take(ledger, 50) == Wait("minute", 10.0)
        assert isinstance(await take(ledger, 60), str)
        assert await take(ledger, 60) == Wait("minute", 5.0)
        [budget] = await ledger.permits.budgets("t", [MINUTE], after(60))
        assert (budget.limit, budget.used, budget.resets_in) == (10, 10, 5.0)


async def test_no_window_of_a_minute_ever_holds_more(tmp_path: Path) -> None:
    limits = Limits((Window("minute", 6, 60), Window("day", 20, 86_400)), in_flight=100)
    granted: list[dt.datetime] = []
    async with opened(tmp_path) as ledger:
        at = 0.0
        while at < 600:
            answer = await take(ledger, at, limits)
            if isinstance(answer, Wait):
                at += max(answer.seconds, 0.001) if answer.window == "minute" else 1_000
            else:
                granted.append(after(at))
                at += 1.7
    assert len(granted) == 20
    minute = dt.timedelta(minutes=1)
    assert max(sum(start <= other < start + minute for other in granted) for start in granted) == 6


async def test_reserves_are_for_people(tmp_path: Path) -> None:
    limits = Limits((Window("minute", 5, 60, reserve=2),), in_flight=100)
    async with opened(tmp_path) as ledger:
        assert [isinstance(await take(ledger, 0, limits), str) for _ in range(4)] == [True, True, True, False]
        given = [isinstance(await take(ledger, 0, limits, urgent=True), str) for _ in range(3)]
        assert given == [True, True, False]


async def test_slots_in_flight_come_back_or_lapse(tmp_path: Path) -> None:
    limits = Limits((Window("minute", 100, 60),), in_flight=2)
    async with opened(tmp_path) as ledger:
        first = await take(ledger, 0, limits)
        assert isinstance(first, str)
        lost = await ledger.permits.take("t", limits, NOW, urgent=False, lapse=0.15)
        assert isinstance(lost, str)
        third = await take(ledger, 0, limits)
        assert isinstance(third, Wait)
        assert third.window == "in_flight"
        await ledger.permits.give_back(first)
        assert isinstance(await take(ledger, 0, limits), str)
        assert isinstance(await take(ledger, 0, limits), Wait)
        await asyncio.sleep(0.2)
        assert isinstance(await take(ledger, 0, limits), str)
        await ledger.permits.give_back(first)
        await ledger.permits.give_back("nobody's")
        assert await used(ledger, 0, limits.windows[0]) == 4


async def test_a_call_counts_from_its_end(tmp_path: Path) -> None:
    clock = Stopped()
    clock.rate = 60.0
    async with opened(tmp_path, clock) as ledger:
        permit = await take(ledger, 0)
        assert isinstance(permit, str)
        await asyncio.sleep(0.1)
        await ledger.permits.give_back(permit)
        assert await used(ledger, 65) == 1
        assert await used(ledger, 130) == 0


async def test_the_wait_for_the_others_writes_counts_too(tmp_path: Path) -> None:
    clock = Stopped()
    clock.rate = 60.0
    async with opened(tmp_path, clock) as ledger, opened(tmp_path, clock) as second:
        async with second.write():
            asking = asyncio.create_task(take(ledger, 0))
            await asyncio.sleep(0.15)
        permit = await asking
        assert isinstance(permit, str)
        await ledger.permits.give_back(permit)
        assert await used(ledger, 68) == 1


async def test_a_call_that_was_cut_off_counts_until_it_was_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        assert isinstance(await ledger.permits.take("t", ONE, NOW, urgent=False, lapse=0.05), str)
        await asyncio.sleep(0.1)
        assert isinstance(await take(ledger, 30), str)
        assert await used(ledger, 80) == 2


async def test_holds_only_grow_and_stop_everything(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.permits.hold("t", "day", after(100))
        await ledger.permits.hold("t", "day", after(50))
        assert await take(ledger, 10, urgent=True) == Wait("day", 90.0)
        assert isinstance(await take(ledger, 100), str)
        assert isinstance(await take(ledger, 0, key="another"), str)


async def test_the_other_side_is_believed_upwards_only_and_for_its_window_alone(tmp_path: Path) -> None:
    day = Window("day", 1000, 86_400)
    async with opened(tmp_path) as ledger:
        await take(ledger, 0)
        await ledger.permits.correct("t", MINUTE, 3, after(1))
        assert await used(ledger, 1) == 7
        await ledger.permits.correct("t", MINUTE, 9, after(1))
        assert await used(ledger, 1) == 7
        await ledger.permits.correct("t", day, 400, after(1))
        assert (await used(ledger, 1), await used(ledger, 1, day)) == (7, 600)
        limits = Limits((MINUTE, day), in_flight=100)
        assert [isinstance(await take(ledger, 2, limits), str) for _ in range(4)] == [True, True, True, False]
        assert isinstance(await take(ledger, 62, limits), str)
        assert await used(ledger, 62, day) == 604


async def test_a_clock_that_goes_back_neither_frees_nor_locks(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        for _ in range(10):
            await take(ledger, 5_000)
        assert isinstance(await take(ledger, 0), Wait)
        assert isinstance(await take(ledger, 61), str)


async def test_old_rows_are_dropped(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        for day in range(6):
            await take(ledger, day * 86_400)
        wide = Window("all", 100, 86_400 * 30)
        assert await used(ledger, 6 * 86_400, wide) == 2


async def test_what_may_not_leave_after_an_instant_gets_no_permit_that_comes_later(tmp_path: Path) -> None:
    clock = Stopped()
    async with opened(tmp_path, clock) as ledger:
        governor = Governor(ledger.permits, "t", ONE, clock)
        await governor.hold("minute", 60)
        with pytest.raises(Throttle):
            async with governor.permit(latest=after(30)):
                raise AssertionError("it left")
        assert clock.at == NOW, "and nobody waited for it"
        async with governor.permit(latest=after(90)):
            assert clock.at >= after(60)
        with pytest.raises(Throttle):
            async with governor.permit(latest=clock.at):
                raise AssertionError("it left")
        assert await used(ledger, 100) <= 2


async def test_the_window_of_an_app_is_filled_and_held_by_all_its_organisations(tmp_path: Path) -> None:
    app = Window("appminute", 5, 60, reserve=1, key="app")
    limits = Limits((MINUTE, app), in_flight=100)
    clock = Stopped()
    async with opened(tmp_path, clock) as ledger, opened(tmp_path, clock) as second:
        for n, of in enumerate((ledger, second, ledger, second)):
            assert isinstance(await take(of, n, limits, key=f"app:{n}"), str)
        assert await take(ledger, 10, limits, key="app:9") == Wait("appminute", 50.0)
        assert isinstance(await take(ledger, 10, limits, urgent=True, key="app:9"), str)
        assert isinstance(await take(ledger, 10, key="app:9"), str), "who isn't of the app isn't held by it"
        [mine, all_] = await ledger.permits.budgets("app:1", limits.windows, after(10))
        assert (mine.used, all_.used) == (1, 5)
        # Told once, believed for every organisation, whichever of them heard it.
        governors = [Governor(ledger.permits, f"app:{n}", limits, clock) for n in (1, 2)]
        clock.at = after(100)
        await governors[0].correct("appminute", 1)
        assert [budget.used for budget in await governors[1].budgets()] == [0, 4]
        await governors[0].hold("appminute", 30)
        assert await take(second, 110, limits, key="app:2") == Wait("appminute", 50.0)
        [_, held] = await governors[1].budgets()
        assert held.until == after(130)


async def test_what_another_is_said_to_have_used_is_believed_for_half_an_hour(tmp_path: Path) -> None:
    day = Window("day", 1000, 86_400)
    async with opened(tmp_path) as ledger:
        await take(ledger, 0)
        await ledger.permits.correct("t", day, 0, after(1))
        assert await used(ledger, 1_700, day) == 1000
        assert await used(ledger, 1_802, day) == 1, "and what was counted here for the whole day"


async def test_who_waits_for_a_slot_in_person_gets_the_next_one(tmp_path: Path) -> None:
    limits = Limits((Window("minute", 100, 60),), in_flight=1)
    async with opened(tmp_path) as ledger:
        busy = await take(ledger, 0, limits)
        assert isinstance(busy, str)
        assert isinstance(await take(ledger, 0, limits, urgent=True), Wait)
        await ledger.permits.give_back(busy)
        first = await take(ledger, 0.2, limits)
        assert isinstance(first, Wait)
        assert first.window == "people"
        assert isinstance(await take(ledger, 0.4, limits, urgent=True), str)
        # Who gave up waiting holds nobody up.
        assert isinstance(await take(ledger, 0.5, Limits((MINUTE,), in_flight=5)), Wait)
        assert isinstance(await take(ledger, 1.1, Limits((MINUTE,), in_flight=5)), str)


async def test_inside_for_people_a_call_is_urgent(tmp_path: Path) -> None:
    clock = Stopped()
    async with opened(tmp_path, clock) as ledger:
        governor = Governor(ledger.permits, "t", Limits((Window("day", 2, 86_400, reserve=1),)), clock)
        async with governor.permit():
            pass
        with pytest.raises(Throttle) as caught:
            async with governor.permit():
                raise AssertionError("it left")
        assert caught.value.until is not None
        assert after(86_400) <= caught.value.until < after(86_460), "a call counts from its end"
        assert f"free again at {caught.value.until:%Y-%m-%d %H:%M} UTC" in caught.value.sentence
        with for_people():
            async with governor.permit():
                pass


async def test_calls_and_bytes_are_counted_by_key_and_day_over_restarts(tmp_path: Path) -> None:
    clock = Stopped()
    async with opened(tmp_path, clock) as ledger, opened(tmp_path, clock) as second:

        async def call(of: Ledger, key: str, spent: Spent) -> None:
            permit = await take(of, 0, Limits(()), key=key)
            assert isinstance(permit, str)
            await of.permits.give_back(permit, spent)
            await of.permits.give_back(permit, spent)

        await call(ledger, "a", Spent(10, 200, 200))
        await call(second, "a", Spent(1, 50, 200, metered=False))
        await call(ledger, "b", Spent(5, 0, 429))
        clock.at = after(86_400)
        await call(second, "a", Spent(2, 3, 200))
    async with opened(tmp_path, clock) as ledger, ledger.read() as tx:
        month = await ledger.usage.since(tx, NOW.date())
        assert month["a"] == Used(key="a", calls=3, sent=13, received=253, unmetered=50)
        assert month["a"].billed == 203
        assert month["b"].throttled == 1
        assert await ledger.usage.since(tx, after(86_400).date(), ["a"]) == {
            "a": Used(key="a", calls=1, sent=2, received=3)
        }
