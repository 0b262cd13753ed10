"""Credit notes of which something isn't laid on an invoice: how much, since when, and why."""

import datetime as dt
from decimal import Decimal

import msgspec

from xerotui.model.kinds import Kind, Side
from xerotui.model.records import Document, Record
from xerotui.store import Pair, Tx
from xerotui.sync.originals import UNALLOCATED
from xerotui.workspace.connect import Connecting

_OVER = ("VOIDED", "DELETED", "PAID")


class CreditRow(msgspec.Struct, frozen=True, kw_only=True):
    """A credit note in Xero of which `left` isn't laid on an invoice; `original` is the number of what it credits."""

    connection: str
    tenant: str
    record: str
    number: str
    xero_id: str
    status: str
    currency: str
    total: Decimal
    left: Decimal
    party: str = ""
    original: str = ""
    date: dt.date | None = None
    reason: str = ""


class Credits(Connecting):
    """What of the credits waits to be allocated."""

    async def credits(self, connection: str = "", tenant: str = "") -> tuple[CreditRow, ...]:
        """The synced credit notes with something left, as last read from Xero, the oldest first."""
        db = await self.wiring.book.read()
        rows: list[CreditRow] = []
        async with self.wiring.ledger.read() as tx:
            for pair in db.all_pairs():
                if connection in ("", pair.source) and tenant in ("", pair.tenant):
                    rows += await self._of_pair(tx, pair)
        return tuple(sorted(rows, key=lambda row: (row.date or dt.date.min, row.number)))

    async def _of_pair(self, tx: Tx, pair: Pair) -> list[CreditRow]:
        ledger = self.wiring.ledger
        links = {
            link.record: link for link in await ledger.links.for_pair(tx, pair.source, pair.tenant, Kind.CREDIT_NOTE)
        }
        ids = [link.xero_id for link in links.values()]
        held = await ledger.snapshots.many(tx, Side.XERO, pair.tenant, Kind.CREDIT_NOTE, ids, include_gone=False)
        mine = await ledger.snapshots.many(tx, Side.SOURCE, pair.source, Kind.CREDIT_NOTE, list(links))
        credited = [r.credits for r in mine.values() if isinstance(r, Document) and r.credits]
        originals = await ledger.snapshots.many(tx, Side.SOURCE, pair.source, Kind.INVOICE, credited)
        open_ = await ledger.problems.open(
            tx, connection=pair.source, tenant=pair.tenant, kind=Kind.CREDIT_NOTE, phase="resolve"
        )
        said = {p.record.id: p.sentence for p in open_ if p.code == UNALLOCATED}
        rows = []
        for record, link in links.items():
            note, source = held.get(link.xero_id), mine.get(record)
            if not isinstance(note, Document) or note.status in _OVER or not note.amount_due:
                continue
            original = originals.get(source.credits) if isinstance(source, Document) else None
            rows.append(
                CreditRow(
                    connection=pair.source,
                    tenant=pair.tenant,
                    record=record,
                    number=note.number,
                    xero_id=note.id,
                    status=note.status,
                    currency=note.currency,
                    total=note.total or Decimal(0),
                    left=note.amount_due,
                    party=source.name if source is not None else "",
                    original=original.number if isinstance(original, Document) else "",
                    date=note.date,
                    reason=said.get(record, ""),
                )
            )
        return rows


def laid_on(held: Record | None) -> tuple[tuple[str, str, str], ...]:
    """The fields of a credit note's story that tell what it is laid on and what is left of it."""
    if not isinstance(held, Document) or held.kind is not Kind.CREDIT_NOTE:
        return ()
    parts = [
        (f"allocated.{part.number or part.id}", str(part.amount), "Xero") for part in held.settled if part.allocation
    ]
    left = [("unallocated", str(held.amount_due), "Xero")] if held.amount_due is not None else []
    return (*parts, *left)


__all__ = ["CreditRow", "Credits", "laid_on"]
