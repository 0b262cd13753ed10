"""Where the sides differ, what taking one of them would do, and what of Xero a source was told."""

from decimal import Decimal

import msgspec

from xerotui.model.kinds import DOCUMENTS, Kind, Side
from xerotui.model.paging import Page, View
from xerotui.model.problems import SyncError
from xerotui.model.records import Document, Record
from xerotui.model.settling import Settlement
from xerotui.model.work import Link
from xerotui.store import Apart, Ledger, Tx
from xerotui.store.backs import VOIDED
from xerotui.sync import taking
from xerotui.sync.back_payments import settlement
from xerotui.sync.owning import TITLES
from xerotui.sync.taking import Taking
from xerotui.workspace.base import REFUSED
from xerotui.workspace.connect import Connecting

# What differences may be, and how a person calls them.
SORTS = {
    "drift": "differ",
    "voided": "voided in Xero",
    "lost": "not held by the source",
    "born": "born in Xero",
}


class ApartRow(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: `title` and `party` name the record, `source` and `xero` are what either side says."""

    connection: str
    tenant: str
    what: str
    kind: Kind
    record: str
    field: str
    field_title: str
    title: str
    party: str
    source: str
    xero: str
    owner: str
    why: str
    currency: str
    total: Decimal | None
    xero_id: str

    @property
    def key(self) -> str:
        """What the row is known by."""
        return "\x1f".join((self.connection, self.tenant, self.what, self.kind.value, self.record, self.field))


class Back(Connecting):
    """Drift, sides, and what came back."""

    async def drift(self, view: View) -> Page[ApartRow]:
        """A page of differences; fields what, kind, tenant, connection, record, field, owner; filter on names."""
        async with self.wiring.ledger.read() as tx:
            return (await self.wiring.ledger.backs.page(tx, view)).map(_row)

    async def drift_counts(self, tenant: str = "") -> dict[str, int]:
        """How many differences there are of each sort."""
        async with self.wiring.ledger.read() as tx:
            return await self.wiring.ledger.backs.counts(tx, tenant=tenant)

    async def sides(self, row: ApartRow, side: str) -> tuple[Taking, ...]:
        """What taking a side for one difference would do; nothing is kept.

        Raises SyncError where there is no side to take.
        """
        if row.what != "drift":
            raise SyncError(
                f"{row.title} is {SORTS.get(row.what, row.what)}: there is no side to take of it",
                row.why,
                code="core.take",
                exit_code=REFUSED,
            )
        field = "" if row.kind in DOCUMENTS else row.field
        return await taking.preview(
            self.wiring.ports(), row.connection, row.tenant, row.kind, row.record, Side(side), field
        )


def _paid(now: Settlement, whose: str) -> list[tuple[str, str, str]]:
    """Status, money and credit apart."""
    currency = now.currency
    found = [("payment status", "settled by credit" if now.by_credit and not now.paid else now.status, whose)]
    if now.paid:
        found.append(("paid", f"{format(now.paid, 'f')} {currency}", whose))
    if now.credited:
        found.append(("credited", f"{format(now.credited, 'f')} {currency}", whose))
    if now.paid_on:
        found.append(("paid on", str(now.paid_on), whose))
    found += [
        (f"payment.{n}", f"{format(p.amount, 'f')} {currency} on {p.date or 'an unknown day'}", whose)
        for n, p in enumerate(now.payments, 1)
    ]
    found += [
        (f"taken back.{n}", f"{format(p.amount, 'f')} {currency}", whose) for n, p in enumerate(now.taken_back, 1)
    ]
    return found


async def back_of(
    ledger: Ledger, tx: Tx, link: Link | None, held: Record | None, kind: Kind, record: str
) -> tuple[tuple[tuple[str, str, str], ...], str]:
    """What a record's story tells of Xero's payments, what the source knows of them, and of differences.

    As fields of label, value and where it comes from; and the sentence of a document that was voided in Xero.
    """
    if link is None:
        return (), ""
    fields: list[tuple[str, str, str]] = []
    if kind is Kind.INVOICE and isinstance(held, Document):
        fields += _paid(settlement(held), "Xero")
    told = (await ledger.backs.told(tx, link.connection, link.tenant)).get((kind, record))
    if told is not None:
        fields += [(f"source knows.{label}", value, "written back") for label, value, _ in _paid(told[0], "")]
        if told[1]:
            fields.append(("source knows.not", told[1], "the source"))
    apart = await ledger.backs.of(tx, link.connection, link.tenant, kind, record)
    fields += [(f"{row.what}.{row.field or row.kind.value}", row.why, _sides(row)) for row in apart]
    return tuple(fields), next((row.why for row in apart if row.what == VOIDED), "")


def _sides(row: Apart) -> str:
    if not (row.source or row.xero):
        return row.what
    return f"source: {row.source or 'nothing'}; Xero: {row.xero or 'nothing'}"


def _row(row: Apart) -> ApartRow:
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    return ApartRow(**values, field_title=TITLES.get(row.field, row.field))


__all__ = ["SORTS", "ApartRow", "Back", "Taking", "back_of"]
