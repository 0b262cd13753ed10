"""A view of a long list, and one page of it: filters, sort and keyset anchors as values."""

from typing import Generic, TypeVar

import msgspec

Row = TypeVar("Row")


class View(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a list should show: `text` searched in titles, `fields` exact filters, sort column, keyset anchor.

    `anchor` is the opaque text of a page's `next` or `previous`; "" is the first page. `limit` is at most 50 on
    screens and may be larger for exports.
    """

    text: str = ""
    fields: dict[str, str] = {}
    sort: str = ""
    descending: bool = False
    anchor: str = ""
    limit: int = 50


class Page(msgspec.Struct, Generic[Row], frozen=True, kw_only=True):
    """One page: rows, how many the filter has in all, and the anchors of its neighbours ("" = none)."""

    rows: tuple[Row, ...]
    total: int
    next: str = ""
    previous: str = ""
