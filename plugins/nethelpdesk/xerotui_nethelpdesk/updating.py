"""One row of the database brought to what it should say: guarded, read back, and told for undoing.

Only columns that the schema marks as written back and that are there; only where what should be there isn't yet.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from xerotui.model.money import rounded
from xerotui.source.contract import SourceRefused
from xerotui_nethelpdesk import dialects
from xerotui_nethelpdesk.mapping import Found
from xerotui_nethelpdesk.selects import Raw
from xerotui_nethelpdesk.shapes import NO_DATE, Shapes, fitted
from xerotui_nethelpdesk.undo import AMOUNTS, Undo, amounts_of
from xerotui_nethelpdesk.values import PLACES, Unreadable, amount, flag, moment, price, text

# Ids compare without regard to case.
_FOLDED = ("xero_id", "tenant")
# What another package, or another organisation, may have written as well.
_GUARDED = ("xero_id", "tenant", "third_party_number", "xero_status")
# What changes while the link stays: under our own link what stands there is our former value.
_FOLLOWING = ("xero_status",)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a row should say, by canonical name; `what` calls it by its name for people.

    `fills` are written only where nothing stands, `stamps` only where anything else is. In each column of `guards` the
    row must hold nothing or what is said there; the first of them is the link, where the installation has a column
    for it. A state may differ in a row that carries that link already.
    """

    what: str
    found: Found
    id: int
    values: Mapping[str, Any]
    fills: Mapping[str, Any] = {}
    stamps: Mapping[str, Any] = {}
    guards: Mapping[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Every canonical name that takes part."""
        return tuple(dict.fromkeys((*self.values, *self.fills, *self.stamps, *self.guards)))


def writable(found: Found, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of these values those that have a column here, and one that may be written."""
    if found.query or found.absent:
        return {}
    return {name: value for name, value in values.items() if found.has(name) and found.entity.column(name).written}


def guards_of(found: Found, xero_id: str, number: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The columns in which nothing of another may stand, with what is ours; first the one that says whose the row is:
    the link, else the number under which it was posted.
    """
    link = {"xero_id": xero_id} if found.has("xero_id") else {}
    if not link and found.has("third_party_number") and number:
        link = {"third_party_number": number}
    return link | {name: str(values[name]) for name in _GUARDED if name in values}


def table_of(found: Found) -> sa.TableClause:
    """The table with its mapped columns."""
    columns: list[Any] = [sa.column(name) for name in dict.fromkeys(found.columns.values())]
    return sa.table(found.table, *columns, schema=found.schema or None)


def statement(wish: Wish, values: Mapping[str, Any], shapes: Shapes) -> sa.Update:
    """The update of one row, by its key and under its guard."""
    table, columns = table_of(wish.found), wish.found.columns
    made = sa.update(table).where(table.c[columns["id"]] == wish.id)
    for name, ours in wish.guards.items():
        free = _holds(table.c[columns[name]], ours, blank=True)
        if name in _FOLLOWING and (link := _link(wish)):
            free = sa.or_(free, _holds(table.c[columns[link]], wish.guards[link]))
        made = made.where(free)
    return made.values({columns[n]: _bound(v, columns[n], shapes) for n, v in values.items()})


def _holds(column: sa.ColumnClause[Any], ours: str, *, blank: bool = False) -> sa.ColumnElement[bool]:
    bare = sa.func.ltrim(sa.func.rtrim(column))
    same = sa.func.lower(bare) == ours.lower()
    return sa.or_(column.is_(None), bare == "", same) if blank else same


def _link(wish: Wish) -> str:
    """The column that says whose the row is, "" where there is none."""
    first = next(iter(wish.guards), "")
    return "" if first in _FOLLOWING else first


def _bound(value: Any, column: str, shapes: Shapes) -> Any:
    shape = shapes.get(column)
    put = fitted(shape, value)
    return (
        sa.literal(put) if shape is None or isinstance(shape.type, sa.types.NullType) else sa.literal(put, shape.type)
    )


def apply(connection: Connection, wish: Wish, shapes: Shapes) -> Undo | None:
    """Write what differs and read it back; None where everything is there already.

    Raises SourceRefused for a row that isn't there, that carries another's link, or that doesn't keep what is written.
    """
    before = _row(connection, wish)
    if before is None:
        raise SourceRefused(f"NetHelpDesk has no {wish.what}.")
    if others := _others(wish, before):
        columns, table = wish.found.columns, wish.found.table
        named = ", ".join(
            f"{table}.{columns[n]} is {held[:60]}, not {wish.guards[n][:60]}" for n, held in others.items()
        )
        what = "carries another link" if _link(wish) in others else "holds what isn't XeroTUI's"
        raise SourceRefused(
            f"NetHelpDesk's {wish.what} {what}: {named}. Nothing is overwritten; clear it there if it is wrong."
        )
    put = {name: value for name, value in wish.values.items() if not alike(name, before[name], value)}
    put |= {name: value for name, value in wish.fills.items() if _blank(before[name])}
    if not put:
        return None
    put |= wish.stamps
    done = connection.execute(statement(wish, put, shapes)).rowcount
    # A server that counts nothing says -1; then what is read back alone decides.
    if done not in (1, -1):
        raise SourceRefused(f"NetHelpDesk's {wish.what} was changed by somebody else meanwhile; nothing is written.")
    after = _row(connection, wish) or {}
    if lost := [name for name, value in put.items() if not alike(name, after.get(name), value)]:
        named = ", ".join(wish.found.columns[name] for name in lost)
        raise SourceRefused(f"NetHelpDesk's {wish.what} doesn't keep {named} as written; nothing is written.")
    columns = wish.found.columns
    return Undo(
        table=wish.found.table, key=columns["id"], id=wish.id, amounts=amounts_of(columns),
        before={columns[n]: before[n] for n in put}, after={columns[n]: after[n] for n in put},
    )  # fmt: skip


def _row(connection: Connection, wish: Wish) -> Raw | None:
    table, columns = table_of(wish.found), wish.found.columns
    chosen = [table.c[columns[name]].label(name) for name in wish.names]
    asked = sa.select(*chosen).where(table.c[columns["id"]] == wish.id)
    rows = connection.execute(dialects.held(asked, table)).mappings().all()
    if len(rows) > 1:
        raise SourceRefused(f"NetHelpDesk has {len(rows)} rows of {wish.what}; none of them is written.")
    return dict(rows[0]) if rows else None


def _others(wish: Wish, before: Raw) -> dict[str, str]:
    """What stands in guarded columns and isn't ours, by canonical name."""
    held = {name: text(before[name]) for name in wish.guards}
    alien = {n: word for n, word in held.items() if word and word.casefold() != wish.guards[n].casefold()}
    link = _link(wish)
    ours = bool(link) and bool(held[link]) and link not in alien
    return {n: word for n, word in alien.items() if not (ours and n in _FOLLOWING)}


def _blank(held: Any) -> bool:
    try:
        return not text(held) or (isinstance(held, str | dt.datetime | dt.date) and moment(held) is None)
    except Unreadable:
        return False


def alike(name: str, held: Any, value: Any) -> bool:
    """Whether a column says already what it should, whatever type it says it in."""
    try:
        if isinstance(value, bool):
            return flag(held) is value
        if isinstance(value, Decimal):
            return amount(held, name) == value if name in AMOUNTS else price(held, name) == rounded(value, PLACES)
        if isinstance(value, dt.datetime):
            there = moment(held)
            return there is None if value == NO_DATE else there == value
    except Unreadable:
        return False
    if name in _FOLDED:
        return text(held).casefold() == str(value).casefold()
    return text(held) == text(value)


__all__ = ["Wish", "alike", "apply", "guards_of", "statement", "table_of", "writable"]
