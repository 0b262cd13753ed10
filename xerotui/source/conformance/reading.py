"""Checks of what a source reads: pages, cursors, single records, choices, throttles, hostile and broken answers."""

import asyncio
import datetime as dt
from itertools import pairwise
from pathlib import Path

import pytest

from xerotui.model.kinds import Kind
from xerotui.model.records import Choice, Document, Item, Party, Record, decode, encode, fingerprint
from xerotui.source.conformance.stand import Stand, exact
from xerotui.source.conformance.told import Told
from xerotui.source.contract import Capability, Gone, SourceLocked, SourceRefused, SourceUnreachable

HOSTILE = "Ev\x1b[31mil \u202e[bold]Ltd[/bold] \u2028 '; -- {{7*7}} 🧾"
# So long after its records were last changed no source need read all of them again.
_LATER = 7200


class Reading(Told):
    """Checks of the reading side."""

    async def test_pages_bring_every_record_once_and_exact(self, tmp_path: Path) -> None:
        """Ids are unique texts, values of their types, money exact; each call went through the governor."""
        async with self.standing(tmp_path) as stand:
            for kind in stand.type.kinds:
                pages = await stand.pages(kind)
                records = [record for page in pages for record in page.records]
                assert records, f"the world's {kind.plural} aren't listed"
                ids = [record.id for record in records]
                assert len(set(ids)) == len(ids), f"a record of the {kind.plural} comes twice"
                assert not pages[-1].skipped or pages[-1].skipped[0][1], "what is skipped has a reason"
                for record in records:
                    _sound(record, kind)
            assert self.ungoverned(stand) == 0, "calls were made past the governor"

    async def test_a_broken_reading_loses_nothing(self, tmp_path: Path) -> None:
        """Stopped after a page, or by a cancellation, the last cursor brings the rest."""
        async with self.standing(tmp_path) as stand:
            for kind in stand.type.kinds:
                everything = (await stand.pull(kind))[0]
                seen, cursor = await self._stopped(stand, kind)
                rest = (await stand.pull(kind, cursor))[0]
                missing = set(everything) - seen - set(rest)
                assert not missing, f"{len(missing)} {kind.plural} are lost when a reading breaks off"

    async def _stopped(self, stand: Stand, kind: Kind) -> tuple[set[str], str]:
        seen: set[str] = set()
        cursor = ""
        pages = 0
        stand.stopped = True
        async for page in stand.source.pages(kind, ""):
            pages += 1
            seen |= {record.id for record in page.records}
            cursor = page.cursor or cursor
        stand.stopped = False
        assert pages <= 2, f"a cancelled reading of the {kind.plural} goes on"
        return seen, cursor

    async def test_a_cursor_brings_what_changed_and_little_else(self, tmp_path: Path) -> None:
        """A change shows in the next reading, also one made right after it; an unchanged source is nearly still."""
        async with self.standing(tmp_path) as stand:
            self.declares(stand, Capability.DELTA)
            for kind in [k for k in stand.type.kinds if k in self.edits]:
                everything, cursor = await stand.pull(kind)
                assert cursor, f"a delta of the {kind.plural} needs a cursor"
                stand.clock.jump(_LATER)
                still, cursor = await stand.pull(kind, cursor)
                few = len(everything) * 2 // 3
                assert len(still) <= few, f"{len(still)} unchanged {kind.plural} of {len(everything)} are read again"
                first, *others = sorted(everything)
                cursor = await self._changed(stand, kind, everything[first], cursor)
                # At the very instant of the reading before: without an overlap it would fall into the gap.
                await self._changed(stand, kind, everything[others[-1]], cursor)

    async def _changed(self, stand: Stand, kind: Kind, record: Record, cursor: str) -> str:
        await self.touch(stand, kind, record.id, "Changed by a person")
        found, after = await stand.pull(kind, cursor)
        assert record.id in found, f"a changed {kind.label} isn't read with the next cursor"
        assert fingerprint(found[record.id]) != fingerprint(record), f"the changed {kind.label} is read as it was"
        return after or cursor

    async def test_single_records_and_gone(self, tmp_path: Path) -> None:
        """A record read alone is the listed one; Gone is said of a deleted one and of nothing else."""
        async with self.standing(tmp_path) as stand:
            self.declares(stand, Capability.GONE)
            for kind in [k for k in stand.type.kinds if k in self.edits]:
                records = (await stand.pull(kind))[0]
                first, *_, last = sorted(records)
                assert fingerprint(await stand.source.get(kind, first)) == fingerprint(records[first]), (
                    f"a {kind.label} reads differently from a list and alone"
                )
                if await self.forbid(stand):
                    await self._not_gone(stand, kind, first)
                    await self.mend(stand)
                stand.source = stand.make()
                await self.remove(stand, kind, last)
                with pytest.raises(Gone):
                    await stand.source.get(kind, last)

    async def _not_gone(self, stand: Stand, kind: Kind, id: str) -> None:
        try:
            await stand.source.get(kind, id)
        except Gone:
            pytest.fail(f"a forbidden {kind.label} is told as gone")
        except (SourceRefused, SourceUnreachable, SourceLocked):
            return
        pytest.fail(f"a forbidden {kind.label} is read all the same")

    async def test_choices_belong_to_their_specs(self, tmp_path: Path) -> None:
        """Each mapping spec of the source lists its values, exact and once."""
        if not self.source.specs:
            pytest.skip(f"{self.source.title} has no mapping specs of its own")
        async with self.standing(tmp_path) as stand:
            for spec in stand.type.specs:
                found = await stand.source.choices(spec.id)
                assert found, f"the spec {spec.id} lists no values"
                assert len({one.id for one in found}) == len(found), f"a value of {spec.id} comes twice"
                for one in found:
                    assert isinstance(one, Choice)
                    assert one.spec == spec.id
                    _sound(one, Kind.CHOICE)
            assert await stand.source.choices("no-such-spec") == ()

    async def test_throttling_is_obeyed(self, tmp_path: Path) -> None:
        """A throttled read waits as long as it is told and then succeeds; the governor hears of it."""
        if self.refusal is None:
            pytest.skip(f"{self.source.title} throttles nobody")
        async with self.standing(tmp_path) as stand:
            kind = stand.type.kinds[0]
            everything = (await stand.pull(kind))[0]
            assert await self.throttle(stand)
            stand.source = stand.make()
            before = len(stand.requests)
            reading = asyncio.create_task(stand.pull(kind))
            async with asyncio.timeout(60):
                while not reading.done() and not stand.meter.held:
                    await asyncio.sleep(0.01)
                until = stand.meter.held[0][1] if stand.meter.held else None
                # Time for who doesn't wait to be caught at it, on a slow machine too.
                await asyncio.sleep(0.7)
                while not reading.done():
                    stand.clock.jump(1)
                    await asyncio.sleep(0.05)
            assert set((await reading)[0]) == set(everything), "a throttled reading lost records"
            assert until is not None, "the governor wasn't told of the throttle answer"
            after = [dt.datetime.fromisoformat(r["at"]) for r in stand.requests[before:]]
            gaps = [(b - a).total_seconds() for a, b in pairwise(after)]
            assert max(gaps, default=0.0) >= self.refused_for - 0.5, "called again before the limit allows"

    async def test_hostile_text_harms_nothing(self, tmp_path: Path) -> None:
        """Control characters, markup and directions come as text, or the one record is skipped with a reason."""
        async with self.standing(tmp_path) as stand:
            for kind in [k for k in stand.type.kinds if k in self.edits]:
                everything = (await stand.pull(kind))[0]
                id = sorted(everything)[0]
                await self.touch(stand, kind, id, HOSTILE)
                pages = await stand.pages(kind)
                found = {record.id for page in pages for record in page.records}
                assert found | {i for page in pages for i, _ in page.skipped} >= set(everything)

    async def test_a_record_that_cant_be_read_is_named_and_stops_nothing(self, tmp_path: Path) -> None:
        """The spoilt one is in `skipped` with a reason, all others come."""
        async with self.standing(tmp_path) as stand:
            for kind in [k for k in stand.type.kinds if k in self.spoils]:
                everything, cursor = await stand.pull(kind)
                id = sorted(everything)[0]
                await self.spoil(stand, kind, id)
                for since in ("", cursor) if stand.can.has(Capability.DELTA) else ("",):
                    pages = await stand.pages(kind, since)
                    skipped = {i: reason for page in pages for i, reason in page.skipped}
                    assert skipped.get(id), f"a spoilt {kind.label} isn't named with its reason"
                    if not since:
                        found = {record.id for page in pages for record in page.records}
                        assert found == set(everything) - {id}, f"a spoilt {kind.label} takes others with it"

    async def test_an_answer_that_is_none_is_an_error(self, tmp_path: Path) -> None:
        """What is no answer fails the reading in words, without a cursor; afterwards everything is read."""
        async with self.standing(tmp_path) as stand:
            kind = stand.type.kinds[0]
            everything = (await stand.pull(kind))[0]
            if not await self.garble(stand):
                pytest.skip(f"{stand.type.title} has no answers that could be none")
            # A source that was told nonsense may have guessed where to log in.
            stand.judged = False
            cursors = []
            stand.source = stand.make()
            with pytest.raises((SourceRefused, SourceUnreachable, SourceLocked)) as caught:
                async for page in stand.source.pages(kind, ""):
                    cursors.append(page.cursor)
            stand.secretless(caught.value)
            assert not any(cursors), "a reading that failed left a cursor"
            await self.mend(stand)
            stand.source = stand.make()
            assert set((await stand.pull(kind))[0]) == set(everything), "a reading that failed has lost records"


def _sound(record: Record, kind: Kind) -> None:
    """Fail for a record whose values aren't of their types."""
    assert isinstance(record.id, str), f"the id of {kind.label} {record.id!r} isn't text"
    assert record.id.strip(), f"a {kind.label} without an id"
    assert record.kind is kind, f"{record.id} is listed as {kind.label} and says {record.kind}"
    exact(record, f"{kind.label} {record.id}")
    assert decode(encode(record)) == record, f"{kind.label} {record.id} holds values of other types"
    if isinstance(record, Document) and None not in (record.subtotal, record.tax, record.total):
        assert (record.subtotal or 0) + (record.tax or 0) == record.total, f"the totals of {record.id} don't add up"
    assert isinstance(record, Party | Item | Document) or record.kind not in _SYNCED


_SYNCED = (Kind.CUSTOMER, Kind.SUPPLIER, Kind.ITEM, Kind.INVOICE, Kind.CREDIT_NOTE, Kind.PURCHASE_ORDER)
