"""Pages over short lists that are worked out in memory, and structs as lists of labelled values. Pure."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from xerotui.model.paging import Page, View
from xerotui.model.work import Plan, PlanState

T = TypeVar("T")


def paged(rows: Sequence[T], view: View, text: Callable[[T], str]) -> Page[T]:
    """The page of `rows` that the view asks for; `text` is what its filter looks in."""
    wanted = view.text.casefold().strip()
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
        rows=tuple(kept[start:end]),
        total=len(kept),
        next=str(end) if end < len(kept) else "",
        previous=str(max(0, start - limit)) if start else "",
    )


def superseded(plan: Plan, plans: Iterable[Plan]) -> bool:
    """Whether a plan that nobody approved was overtaken by a newer one of the same kind, pair and choice."""
    if plan.state is PlanState.DISCARDED and plan.moved:
        # It gave way when the newer one was stored.
        return True
    return plan.state is PlanState.READY and any(
        other.created > plan.created
        and (other.kind, other.connection, other.options) == (plan.kind, plan.connection, plan.options)
        and set(other.tenants) >= set(plan.tenants)
        and not other.follows
        and other.state is not PlanState.DISCARDED
        for other in plans
    )


def flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of everything in a struct that isn't blank; list members are counted from 1."""
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from flat(getattr(value, field), f"{path}.{field}" if path else field)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from flat(item, f"{path}.{name}")
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value, 1):
            yield from flat(item, f"{path}.{number}")
    elif isinstance(value, Decimal):
        yield path, format(value, "f")
    elif isinstance(value, dt.datetime):
        yield path, value.isoformat(timespec="seconds")
    elif value is not None and value is not False and value != "":
        yield path, "yes" if value is True else str(value)
