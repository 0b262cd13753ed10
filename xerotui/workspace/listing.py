"""Pages over short lists that are worked out in memory: filter, and anchors that are offsets. Pure."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from xerotui.model.paging import Page, View

T = TypeVar("T")


def paged(rows: Sequence[T], view: View, text: Callable[[T], str]) -> Page[T]:
    """The page of `rows` that the view asks for; `text` is what its filter looks in."""
    wanted = view.filter.casefold().strip()
    fields = {name: set(value.split(",")) for name, value in view.fields.items()}
    kept = [
        row
        for row in rows
        if (not wanted or wanted in text(row).casefold())
        and all(str(getattr(row, name, "")) in values for name, values in fields.items())
    ]
    start = int(view.anchor) if view.anchor.isdecimal() else 0
    start = start if start < len(kept) else 0
    limit = max(1, view.limit)
    end = start + limit
    return Page(
        tuple(kept[start:end]),
        len(kept),
        next=str(end) if end < len(kept) else "",
        previous=str(max(0, start - limit)) if start else "",
    )
