"""Writing back into the database, by the two levels of nethelpdesk section 6: links and payments; new records.

Level 1 is here: which columns say what of a link or a payment. How a row is written is in `updating`, how one is made
in `inserting`. Everything that is told in one call is one transaction.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from xerotui.model.kinds import Kind
from xerotui.model.records import Record
from xerotui.model.settling import PAID, Settlement
from xerotui.source.contract import Attachment, Context, SourceRefused
from xerotui_nethelpdesk.database import Database
from xerotui_nethelpdesk.inserting import Inserter
from xerotui_nethelpdesk.lists import Lists
from xerotui_nethelpdesk.mapping import Found
from xerotui_nethelpdesk.reader import DOCUMENTS, PARTIES
from xerotui_nethelpdesk.settings import NetHelpDeskSettings
from xerotui_nethelpdesk.shapes import NO_DATE, Shapes, shapes
from xerotui_nethelpdesk.undo import Journal, Undo
from xerotui_nethelpdesk.updating import Wish, apply, guards_of, writable

ENTITY = {
    Kind.CUSTOMER: "customer",
    Kind.SUPPLIER: "supplier",
    Kind.ITEM: "item",
    Kind.INVOICE: "invoice",
    Kind.PURCHASE_ORDER: "order",
}
_PAID = {"amount_paid": "what is paid", "amount_due": "what is due", "paid_on": "the day of payment"}


class SqlWriter:
    """What may be written into one database."""

    def __init__(self, settings: NetHelpDeskSettings, context: Context, database: Database, lists: Lists) -> None:
        self._settings, self._context = settings, context
        self._database, self._lists = database, lists
        self._journal = Journal(settings.undo_file, context.connection, context.log)

    async def attach(self, attachments: Sequence[Attachment]) -> None:
        """Write links into the columns that are there; all of them, or none where one is refused.

        Raises SourceRefused for a row that carries another link, number, organisation or state.
        """
        wishes = []
        now = await self._now()
        mapping = await self._lists.mapping()
        for one in attachments:
            found = mapping[ENTITY[one.kind]] if one.kind in ENTITY else None
            wish = linking(found, one, now) if found is not None else None
            if wish is None:
                self._context.log.info("nethelpdesk_link_kept_by_xerotui", kind=one.kind.value, record=one.record[:40])
                continue
            wishes.append(wish)
        await self._write(wishes)

    async def settle(self, kind: Kind, id: str, settlement: Settlement) -> tuple[str, ...]:
        """Write what was paid, and when; never NetHelpDesk's number of a state, whose meaning is unknown.

        Raises SourceRefused for anything but an invoice, and for one that carries another link.
        """
        if kind is not Kind.INVOICE:
            raise SourceRefused(f"NetHelpDesk keeps no payments of {kind.plural}.")
        found = await self._lists.found("invoice")
        wish, missing = settling(found, id, settlement)
        lost = [f"NetHelpDesk's database has no column that may hold {_PAID[name]}." for name in missing]
        if wish is not None:
            await self._write([wish])
        if settlement.by_credit:
            lost.append(
                f"In Xero {settlement.credited} of it was settled by credit, which is no money: NetHelpDesk shows "
                f"{settlement.paid} as paid."
            )
        return tuple(lost)

    async def save(self, kind: Kind, record: Record) -> str:
        """Create a customer, a supplier or a tax code; its new id. Raises SourceRefused where that isn't allowed."""
        if not self._settings.allow_insert:
            raise SourceRefused("Creating records is switched off in the connection's settings.")
        inserter = Inserter(self._settings, await self._lists.mapping(), await self._lists.desk(kind))
        rows = inserter.rows(kind, record)
        now = self._context.now()

        def job(connection: Connection) -> str:
            id, lines = inserter.make(connection, rows)
            self._journal.write(lines, now)
            return id

        try:
            return await self._database.write(job)
        finally:
            for name in ("tax", "customer", "supplier"):
                self._lists.forget_list(name)

    async def _write(self, wishes: Sequence[Wish]) -> None:
        if wishes:
            now = self._context.now()
            await self._database.write(lambda connection: self._journal.write(written(connection, wishes), now))

    async def _now(self) -> dt.datetime:
        """Now as the database would write it: in its own time zone, without saying so."""
        zone = await self._lists.zone()
        return self._context.now().astimezone(zone).replace(tzinfo=None, microsecond=0)


def written(connection: Connection, wishes: Sequence[Wish]) -> list[Undo]:
    """Write what isn't there yet, table by table and row by row in the order of keys, so that two can't block
    each other.
    """
    known: dict[tuple[str, str], Shapes] = {}
    lines = []
    for wish in sorted(wishes, key=lambda one: (one.found.table, one.id)):
        at = (wish.found.schema, wish.found.table)
        if at not in known:
            known[at] = shapes(connection, wish.found)
        if (line := apply(connection, wish, known[at])) is not None:
            lines.append(line)
    return lines


def linking(found: Found, one: Attachment, now: dt.datetime) -> Wish | None:
    """What a link writes; None where this installation has no column for any of it."""
    values: dict[str, Any] = {"xero_id": one.xero_id}
    if one.tenant:
        values["tenant"] = one.tenant
    fills: dict[str, Any] = {}
    stamps: dict[str, Any] = {}
    if one.kind in DOCUMENTS:
        if one.number:
            values["third_party_number"] = one.number
        if one.status:
            values["xero_status"] = one.status
        if found.has("xero_id"):
            # Without the id beside it, the mark would mean that somebody else had posted it.
            values["posted"] = True
            fills["posted_on"] = now
        stamps["synced_on"] = now
    elif one.kind in PARTIES and one.number:
        fills["account_code"] = one.number
    return _wish(found, one.kind, one.record, one.xero_id, one.number, values, fills, stamps)


def settling(found: Found, id: str, settlement: Settlement) -> tuple[Wish | None, list[str]]:
    """What a payment writes, and the names of what has no column; credit is never among what is paid."""
    day = settlement.paid_on if settlement.status == PAID else None
    when = dt.datetime(day.year, day.month, day.day) if day else NO_DATE  # noqa: DTZ001
    values: Mapping[str, Any] = {"amount_paid": settlement.paid, "amount_due": settlement.due, "paid_on": when}
    missing = [name for name in values if name not in writable(found, values)]
    wish = _wish(found, Kind.INVOICE, id, settlement.xero_id, settlement.number, values, {}, {})
    return wish, missing


def _wish(
    found: Found, kind: Kind, id: str, xero_id: str, number: str,
    values: Mapping[str, Any], fills: Mapping[str, Any], stamps: Mapping[str, Any],
) -> Wish | None:  # fmt: skip
    values, fills, stamps = (writable(found, some) for some in (values, fills, stamps))
    if not values and not fills:
        return None
    if not (id.isascii() and id.isdecimal() and len(id) <= 18):
        raise SourceRefused(f"NetHelpDesk has no {kind.label} {id[:40]}: its ids are numbers")
    return Wish(
        what=f"{kind.label} {id}", found=found, id=int(id), values=values, fills=fills, stamps=stamps,
        guards=guards_of(found, xero_id, number, values),
    )  # fmt: skip
