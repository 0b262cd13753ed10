"""Checks of what a source writes: look-ups, creates, links; each repeated, refused, cut off and throttled."""

import datetime as dt
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from xerotui.model.kinds import DOCUMENTS, Kind
from xerotui.model.records import LINKED, Document, Item, Party, Record, TaxRate, fingerprint, unlinked
from xerotui.model.settling import PART, UNPAID, Laid, Settlement
from xerotui.source.conformance.stand import Stand
from xerotui.source.conformance.told import Told
from xerotui.source.contract import Attachment, Capability, Keys, SourceRefused, SourceUnreachable


def xero_id(n: int) -> str:
    """A Xero id of the suite's own."""
    return f"c0f0c0f0-0000-4000-8000-{n:012d}"


class Writing(Told):
    """Checks of the writing side."""

    def new(self, kind: Kind, tenant: str, n: int) -> Record:
        """The `n`th record of a kind that is imported, with its Xero id."""
        common: dict[str, Any] = {"id": "", "kind": kind, "name": f"Conformance {kind.label} {n}", "tenant": tenant}
        if kind is Kind.ITEM:
            return Item(**common, code=f"CONF-{n}", xero_id=xero_id(n), sales_price=Decimal("12.3456"), purchased=False)
        if kind is Kind.TAX_RATE:
            return TaxRate(**common, code=f"CONF{n}", linked_code=f"CONF{n}", rate=Decimal("7.25"))
        return Party(**common, number=f"CONF-{n}", xero_id=xero_id(n), email=f"conf{n}@example.com")

    def keys(self, record: Record) -> Keys:
        """The natural keys of such a record."""
        number = str(getattr(record, "number", "") or getattr(record, "code", ""))
        return Keys(xero_id=record.xero_id or number, number=number, name=record.name)

    def attachable(self, stand: Stand) -> tuple[Kind, ...]:
        """The kinds that links are written back to."""
        return tuple(kind for kind in stand.type.kinds if kind is not Kind.TAX_RATE)

    async def test_find_by_every_key(self, tmp_path: Path) -> None:
        """A record is found by number and by name, whatever the case; nobody is found by keys that nobody has."""
        async with self.standing(tmp_path) as stand:
            self.declares(stand, Capability.FIND)
            for kind in self._found(stand):
                for record in list((await stand.pull(kind))[0].values())[:3]:
                    keys = self.keys(record)
                    for one in (Keys(number=keys.number), Keys(name=keys.name)):
                        if one != Keys():
                            found = [r.id for r in await stand.source.find(kind, one)]
                            assert record.id in found, f"a {kind.label} isn't found by {one}"
                nobody = Keys(xero_id=xero_id(999), number="NO-SUCH-NUMBER", name="Nobody is called this")
                assert await stand.source.find(kind, nobody) == (), f"a {kind.label} is found by foreign keys"

    def _found(self, stand: Stand) -> tuple[Kind, ...]:
        return stand.can.importable or tuple(k for k in stand.type.kinds if k in (Kind.CUSTOMER, Kind.SUPPLIER))

    async def test_save_makes_one_record_whatever_happens(self, tmp_path: Path) -> None:
        """A create is found by every key and reads back; one cut off, refused or throttled makes none too many."""
        async with self.standing(tmp_path) as stand:
            self.declares(stand, Capability.SAVE)
            for kind in stand.can.importable:
                await self._saved(stand, kind, self.new(kind, stand.tenant, 1))
                await self._disturbed(stand, kind)

    async def _saved(self, stand: Stand, kind: Kind, record: Record) -> None:
        keys = self.keys(record)
        assert await stand.source.find(kind, keys) == ()
        id = await stand.source.save(kind, record)
        assert isinstance(id, str), "the new id is text"
        assert id.strip(), "a create without the new id"
        for one in (Keys(xero_id=keys.xero_id), Keys(number=keys.number), Keys(name=keys.name), keys):
            found = await stand.source.find(kind, one)
            assert [r.id for r in found] == [id], f"the new {kind.label} isn't found by {one}"
        back = found[0]
        for name in (
            "name",
            "tenant",
            "number",
            "code",
            "rate",
            "sales_price",
            *(("xero_id",) if record.xero_id else ()),
        ):
            assert getattr(back, name, None) == getattr(record, name, None), f"{name} of a new {kind.label} isn't kept"

    async def _disturbed(self, stand: Stand, kind: Kind) -> None:
        for n, (disturb, made) in enumerate(((self.cut_after, 1), (self.cut_before, 0), (self.fail, 0)), 2):
            record = self.new(kind, stand.tenant, n)
            await stand.source.find(kind, self.keys(record))
            if not await disturb(stand):
                continue
            with pytest.raises((SourceUnreachable, SourceRefused)) as caught:
                await stand.source.save(kind, record)
            how = disturb.__name__
            assert _unknown(caught.value), f"a create that may have happened ({how}) is told as one that surely did not"
            await self.mend(stand)
            found = await stand.source.find(kind, self.keys(record))
            assert len(found) == made, f"after {how} {len(found)} {kind.plural} are found, not {made}"
        words = "That is not allowed."
        await self._surely_not(stand, kind, lambda: self.refuse(stand, words), words, 8)
        await self._surely_not(stand, kind, lambda: self.throttle(stand, write=True), "", 9)

    async def _surely_not(
        self, stand: Stand, kind: Kind, disturb: Callable[[], Awaitable[bool]], words: str, n: int
    ) -> None:
        record = self.new(kind, stand.tenant, n)
        await stand.source.find(kind, self.keys(record))
        if not await disturb():
            return
        with pytest.raises((SourceUnreachable, SourceRefused)) as caught:
            await stand.source.save(kind, record)
        assert not _unknown(caught.value), "a refusal is told as an unknown outcome"
        assert words in str(caught.value), "the source's own words are lost"
        stand.secretless(caught.value)
        await self.mend(stand)
        # What was held for the throttle is over by then.
        stand.clock.jump(600)
        assert len(await stand.source.find(kind, self.keys(record))) == 0

    async def test_what_is_handed_over_is_there_once(self, tmp_path: Path) -> None:
        """The source's importer finds what was handed over last, whole and once, under the name that was told."""
        async with self.standing(tmp_path) as stand:
            self.declares(stand, Capability.HAND_OVER)
            for kind in stand.can.handed:
                records = [self.new(kind, stand.tenant, n) for n in (21, 22)]
                first = await stand.source.hand_over(kind, records[:1])
                assert isinstance(first, str), "what a file is called is text"
                assert first.strip(), "a file without a name"
                for _ in range(2):
                    assert await stand.source.hand_over(kind, records) == first, "what waits is parted over two files"
                    found = sorted(await self.handed(stand, kind))
                    assert found == [r.name for r in records], f"of the {kind.plural} handed over {found} are there"

    async def test_links_are_kept_and_twice_is_once(self, tmp_path: Path) -> None:
        """An attached Xero id reads back, in documents with number and status alone; attached anew, nothing changes."""
        async with self.standing(tmp_path) as stand:
            self.declares(stand, Capability.ATTACH)
            for n, kind in enumerate(self.attachable(stand)):
                record = min((await stand.pull(kind))[0].values(), key=lambda r: (bool(r.xero_id), r.id))
                link = Attachment(
                    kind=kind, record=record.id, xero_id=xero_id(100 + n), tenant=record.tenant or stand.tenant,
                    number=f"CONF-{n}", status="AUTHORISED",
                )  # fmt: skip
                if await self.cut_after(stand):
                    with pytest.raises((SourceUnreachable, SourceRefused)) as caught:
                        await stand.source.attach([link])
                    await self.mend(stand)
                    assert _unknown(caught.value), "a link that may have been kept is told as one that surely was not"
                await stand.source.attach([link])
                once = await self._linked(stand, kind, link)
                bare = {fingerprint([*unlinked(r)][-1]) for r in (record, once)}
                only = len(bare) == 1 or kind not in DOCUMENTS
                assert only, f"linking a {kind.label} changes more of it than {', '.join(LINKED)}"
                await stand.source.attach([link])
                twice = await self._linked(stand, kind, link)
                assert fingerprint(once) == fingerprint(twice), f"linking a {kind.label} twice changes it"

    async def test_payments_and_voids_happen_once(self, tmp_path: Path) -> None:
        """What was paid in Xero is kept once, also after a cut, and taken back; a void document is voided no more."""
        async with self.standing(tmp_path) as stand:
            if not stand.can.has(Capability.VOID):
                self.declares(stand, Capability.SETTLE)
            documents = (await stand.pull(Kind.INVOICE))[0].values()
            sound = [d for d in documents if isinstance(d, Document) and not d.excluded and (d.total or 0) > 10]
            assert sound, "the world has no invoice that could be paid"
            id = min(sound, key=lambda d: d.id).id
            paid = Laid(id=xero_id(500), amount=Decimal("1.25"), date=dt.date(2026, 3, 2))
            part = Settlement(
                xero_id=xero_id(501), status=PART, total=Decimal(10), paid=paid.amount, due=Decimal("8.75"),
                payments=(paid,),
            )  # fmt: skip
            back = Settlement(xero_id=xero_id(501), status=UNPAID, total=Decimal(10), taken_back=(paid,))
            if stand.can.has(Capability.SETTLE):
                await self._settled_after_a_cut(stand, id, part)
                for one in (part, back):
                    await self._settled_once(stand, id, one)
            if stand.can.has(Capability.VOID):
                assert isinstance(await stand.source.void_effect(Kind.INVOICE), str)
                await stand.source.void(Kind.INVOICE, id)
                written = await stand.seen("writes")
                await stand.make().void(Kind.INVOICE, id)
                assert await stand.seen("writes") == written, "a void document is voided once more"

    async def _settled_after_a_cut(self, stand: Stand, id: str, settlement: Settlement) -> None:
        if not await self.cut_after(stand):
            return
        with pytest.raises((SourceUnreachable, SourceRefused)) as caught:
            await stand.source.settle(Kind.INVOICE, id, settlement)
        assert _unknown(caught.value), "a payment that may have been kept is told as one that surely was not"
        await self.mend(stand)

    async def _settled_once(self, stand: Stand, id: str, settlement: Settlement) -> None:
        """Told a second time, and by a source that was just made, nothing is written.

        What it said it can't hold it may try once more, on the records it tried before: none is made, nothing changes.
        """
        said = await stand.source.settle(Kind.INVOICE, id, settlement)
        assert all(isinstance(words, str) and words for words in said), "what can't be held is told in sentences"
        written = await stand.seen("writes")
        held = (await stand.pull(Kind.INVOICE))[0][id]
        assert await stand.make().settle(Kind.INVOICE, id, settlement) == said, "told again, the source says otherwise"
        more = (await stand.seen("writes"))[len(written) :]
        assert said or not more, "what the source knows already is written"
        known = {(w.get("kind"), str(w.get("id"))) for w in written}
        assert {(w.get("kind"), str(w.get("id"))) for w in more} <= known, "what can't be held is made once more"
        again = (await stand.pull(Kind.INVOICE))[0][id]
        assert fingerprint(held) == fingerprint(again), "what can't be held changes with every attempt"

    async def _linked(self, stand: Stand, kind: Kind, link: Attachment) -> Record:
        found = (await stand.pull(kind))[0][link.record]
        assert found.xero_id.lower() == link.xero_id, f"the Xero id of a {kind.label} isn't kept"
        assert found.tenant == link.tenant
        return msgspec.structs.replace(found, modified=None)


def _unknown(error: BaseException) -> bool:
    """Whether a write's failure leaves its outcome open."""
    return error.sent if isinstance(error, SourceUnreachable) else not getattr(error, "certain", True)
