"""Pages over SQL by keyset: the cost of a page doesn't grow with how far down the table it is."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, func, literal, or_, select

from xerotui.model.paging import COUNTED, Page, View
from xerotui.store.keys import name_key
from xerotui.store.tx import Tx

T = TypeVar("T")
_MOST = 500


class _Anchor(msgspec.Struct, array_like=True):
    """Where a page starts: behind (or, backwards, before) the row of this sort value and tie."""

    backwards: bool
    sort: str
    descending: bool
    value: str | int
    tie: str | int


def holds(column: ColumnElement[str], text: str, *, fold: bool = True) -> ColumnElement[bool]:
    """Whether a column of folded names (`fold`), or of plain texts, holds a text that a person typed."""
    if fold:
        return column.contains(name_key(text), autoescape=True)
    return func.lower(column).contains(text.strip().lower(), autoescape=True)


def exactly(view: View, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    """The conditions of a view's fields; several values parted by commas.

    Raises ValueError for a field that the table doesn't have.
    """
    conditions: list[ColumnElement[bool]] = []
    for name, text in view.fields.items():
        if name not in columns:
            raise ValueError(f"no such field to filter by: {name}")
        values = text.split(",")
        conditions.append(columns[name] == values[0] if len(values) == 1 else columns[name].in_(values))
    return conditions


class Listing:
    """A query with the columns it may be sorted by; `tie` is unique among its rows, no column is ever NULL."""

    def __init__(
        self,
        query: Select[Any],
        tie: ColumnElement[Any],
        sorts: Mapping[str, ColumnElement[Any]],
        default: str,
        *,
        descending: bool = False,
    ) -> None:
        self.query = query
        self.tie = tie
        self.sorts = sorts
        self.default = default
        # Which way the table's own order runs, when the view names no column.
        self.falling = descending

    async def page(self, tx: Tx, view: View, build: Callable[[Row[Any]], T]) -> Page[T]:
        """The page that the view asks for; an anchor of another order, or one that points to nothing, starts anew.

        Raises ValueError for a column that the table can't be sorted by.
        """
        if view.sort and view.sort not in self.sorts:
            raise ValueError(f"no such column to sort by: {view.sort}")
        name = view.sort or self.default
        descending = view.descending if view.sort else view.descending != self.falling
        anchor = _read(view.anchor, name, descending)
        limit = max(1, min(view.limit, _MOST))
        rows = await self._rows(tx, name, descending, anchor, limit + 1)
        if anchor is not None and (not rows or (anchor.backwards and len(rows) <= limit)):
            # Short of a page towards the top, or behind the end: the first page is whole.
            anchor = None
            rows = await self._rows(tx, name, descending, None, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        back = anchor is not None and anchor.backwards
        if back:
            rows.reverse()
        total = await tx.scalar(select(func.count()).select_from(self._cut().limit(COUNTED).subquery()))
        return Page(
            rows=tuple(build(row) for row in rows),
            total=int(total),
            next=_write(rows[-1], name, descending, False) if rows and (more or back) else "",
            previous=_write(rows[0], name, descending, True) if rows and anchor is not None else "",
        )

    def _cut(self) -> Select[Any]:
        return self.query.with_only_columns(literal(1).label("one_"), maintain_column_froms=True)

    async def _rows(self, tx: Tx, name: str, descending: bool, anchor: _Anchor | None, limit: int) -> list[Row[Any]]:
        column, tie = self.sorts[name], self.tie
        query = self.query.add_columns(column.label("sort_"), tie.label("tie_"))
        falls = descending != (anchor is not None and anchor.backwards)
        if anchor is not None:
            beyond = column < anchor.value if falls else column > anchor.value
            if column is tie:
                query = query.where(beyond)
            else:
                level = tie < anchor.tie if falls else tie > anchor.tie
                # The first half alone lets an index find the place.
                edge = column <= anchor.value if falls else column >= anchor.value
                query = query.where(edge, or_(beyond, and_(column == anchor.value, level)))
        order = [column] if column is tie else [column, tie]
        query = query.order_by(*(c.desc() if falls else c.asc() for c in order)).limit(limit)
        return list(await tx.all(query))


def _write(row: Row[Any], sort: str, descending: bool, backwards: bool) -> str:
    anchor = _Anchor(backwards, sort, descending, row.sort_, row.tie_)
    return base64.urlsafe_b64encode(msgspec.json.encode(anchor)).decode()


def _read(text: str, sort: str, descending: bool) -> _Anchor | None:
    if not text:
        return None
    try:
        anchor = msgspec.json.decode(base64.urlsafe_b64decode(text), type=_Anchor)
    except (ValueError, msgspec.MsgspecError):
        return None
    return anchor if (anchor.sort, anchor.descending) == (sort, descending) else None
