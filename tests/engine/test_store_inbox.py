"""The webhook inbox: folding, bounds, hints that come again while they are followed, counters, gaps."""

import datetime as dt
from pathlib import Path

import pytest

from tests.engine.store_kit import NOW, Stopped, opened
from xerotui.store import Hint
from xerotui.store import inbox as inboxes


def hint(resource: str, at: dt.datetime | None = NOW, *, tenant: str = "t", category: str = "INVOICE") -> Hint:
    """A hint about one resource."""
    return Hint(tenant=tenant, category=category, resource=resource, type="UPDATE", at=at)


async def test_events_of_one_resource_are_one_row_of_the_newest_instant(tmp_path: Path) -> None:
    later = NOW + dt.timedelta(seconds=5)
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            assert await ledger.inbox.add(tx, [hint("a", later), hint("b"), hint("a")]) == 2
            assert await ledger.inbox.add(tx, [hint("a")]) == 0
            assert await ledger.inbox.add(tx, [hint("a", tenant="u"), hint("a", category="CONTACT")]) == 2
        async with ledger.read() as tx:
            found = {h.resource: h for h in await ledger.inbox.waiting(tx, "t") if h.category == "INVOICE"}
            assert await ledger.inbox.tenants(tx) == ["t", "u"]
            assert {t: n for t, (n, _) in (await ledger.inbox.backlog(tx)).items()} == {"t": 3, "u": 1}
        assert (found["a"].at, found["a"].events, found["b"].events) == (later, 3, 1)


async def test_a_hint_that_comes_again_while_it_is_followed_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            await ledger.inbox.add(tx, [hint("a"), hint("b")])
        async with ledger.read() as tx:
            seen = await ledger.inbox.waiting(tx, "t")
        async with ledger.write() as tx:
            await ledger.inbox.add(tx, [hint("a")])
        async with ledger.write() as tx:
            await ledger.inbox.done(tx, seen)
            assert [h.resource for h in await ledger.inbox.waiting(tx, "t")] == ["a"]
            # A row that went and came anew isn't the one that was seen either.
            again = await ledger.inbox.waiting(tx, "t")
            await ledger.inbox.done(tx, again)
            await ledger.inbox.add(tx, [hint("a")])
            await ledger.inbox.done(tx, again)
            assert len(await ledger.inbox.waiting(tx, "t")) == 1
            assert await ledger.inbox.drop(tx, "t") == 1


async def test_an_organisation_fills_no_more_than_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inboxes, "MOST", 10)
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            for start in range(0, 60, 20):
                await ledger.inbox.add(tx, [hint(str(n)) for n in range(start, start + 20)])
            await ledger.inbox.add(tx, [hint("0"), hint("x", tenant="u")])
            found = await ledger.inbox.waiting(tx, "t")
            assert await ledger.inbox.backlog(tx) == {"t": (11, NOW), "u": (1, NOW)}
        # What found no room is one pile, which comes first; nothing was forgotten.
        assert (found[0].resource, found[0].events) == ("", 50)
        assert sum(h.events for h in found) == 61


async def test_counters_add_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        async with ledger.write() as tx:
            await ledger.inbox.count(tx, {"a": 2, "b": 0})
            await ledger.inbox.count(tx, {"a": 3})
            counts = await ledger.inbox.counts(tx)
        assert set(counts) == {"a"}
        assert (counts["a"].count, counts["a"].at) == (5, NOW)


async def test_numbers_left_out_are_waited_for_and_then_given_up(tmp_path: Path) -> None:
    clock = Stopped()
    async with opened(tmp_path, clock) as ledger:

        async def came(first: int, last: int, at: dt.datetime = NOW) -> list[str]:
            async with ledger.write() as tx:
                await ledger.inbox.sequence(tx, "app", first, last, at)
                return await ledger.inbox.gaps(tx, clock.now())

        assert await came(40, 44) == []
        assert await came(45, 45) == []
        assert await came(45, 45) == []
        assert await came(48, 49) == ["app"]
        assert await came(51, 51) == ["app"]
        # Out of order is no loss.
        assert await came(46, 47) == ["app"]
        assert await came(50, 50) == []
        assert await came(60, 60) == ["app"]
        async with ledger.write() as tx:
            assert await ledger.inbox.gaps(tx, clock.now() - dt.timedelta(seconds=1)) == []
            await ledger.inbox.mended(tx, "app")
            assert await ledger.inbox.gaps(tx, clock.now()) == []
        assert await came(61, 61) == []
        # An old stretch again is nothing; a webhook made anew counts from one again.
        assert await came(3, 4) == []
        assert await came(1, 1, NOW + dt.timedelta(days=1)) == []
        assert await came(3, 3, NOW + dt.timedelta(days=1)) == ["app"]


def test_stretches_join() -> None:
    assert inboxes._joined(5, [(9, 9), (7, 8), (6, 6)]) == (9, [])
    assert inboxes._joined(5, [(8, 9), (12, 13), (9, 10)]) == (5, [(8, 10), (12, 13)])
