"""A page of a table as screens and commands ask for it, and as the store answers. Pure."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
S = TypeVar("S")


class View(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to be seen of a table.

    `text` is what the title must hold; `fields` are exact values by column, several parted by commas;
    `sort` names a column (blank: the table's own order); `anchor` is a page's `next` or `previous`; `limit` is
    the number of rows.
    """

    text: str = ""
    fields: dict[str, str] = {}
    sort: str = ""
    descending: bool = False
    anchor: str = ""
    limit: int = 50


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Rows of a table; `total` counts what fits the filter, at most `COUNTED`; anchors are blank where it ends."""

    rows: tuple[T, ...]
    total: int
    next: str = ""
    previous: str = ""

    def map(self, change: Callable[[T], S]) -> "Page[S]":
        """The same page with every row changed."""
        return Page(
            rows=tuple(change(row) for row in self.rows), total=self.total, next=self.next, previous=self.previous
        )


# Counting stops here: a table of a million rows must not cost more than one of a hundred thousand.
COUNTED = 100_000
