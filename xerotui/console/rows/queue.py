"""Rows of the sync queue, and the line of counts above them."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.text import Text

from xerotui.console.rows.signs import sign, style, worded
from xerotui.console.text import clean, join, money, safe, when
from xerotui.console.widgets.columns import Column, Row
from xerotui.model.work import State
from xerotui.workspace.pages import OperationRow


def columns(titles: int = 14, *, parties: bool = True) -> tuple[Column, ...]:
    """The columns for titles of that many cells; names of parties alone take what is left."""
    return (
        Column("State", 13),
        Column("Side", 7, least=140),
        Column("Change", 10, least=100),
        Column("Kind", 17),
        Column("Record", max(10, min(titles + 1, 22)) if parties else 0),
        *((Column("Party / what was said", 0),) if parties else ()),
        Column("Organisation", 22, least=140, middle=True),
        *((Column("Total", 15, right=True),) if parties else ()),
        Column("Changed", 13, least=140),
    )


def shape(items: Sequence[OperationRow]) -> tuple[int, bool]:
    """How wide the titles of these rows are, and whether any has a party, an error or a total."""
    return (
        max((cell_len(clean(i.title, 40)) for i in items), default=0),
        any(i.party or i.error or i.total is not None for i in items),
    )


# The order in which a person looks for states: what needs one, what moves, what is over.
ORDER = (
    State.UNKNOWN,
    State.REJECTED,
    State.PARKED,
    State.BLOCKED,
    State.SENDING,
    State.READY,
    State.APPROVED,
    State.PLANNED,
    State.CONFIRMED,
    State.VERIFIED,
    State.CANCELLED,
    State.SUPERSEDED,
)
RETRIED = (State.REJECTED.value, State.PARKED.value, State.BLOCKED.value, State.UNKNOWN.value)


def row(item: OperationRow, names: Mapping[str, str], *, parties: bool = True) -> Row:
    """One operation."""
    party = safe(item.party)
    if item.error:
        party = join(party, " " if item.party else "", safe(item.error, "red"))
    return Row(
        item.id,
        (
            worded(item.state),
            safe(item.side, "dim"),
            worded(item.verb),
            safe(f"{sign(item.verb)} {item.kind.label}"),
            safe(item.title),
            *((party,) if parties else ()),
            safe(names.get(item.tenant, item.tenant), "dim"),
            *((safe(money(item.total, item.currency)),) if parties else ()),
            safe(when(item.updated), "dim"),
        ),
    )


# What the worker still has to do.
AHEAD = (State.PLANNED, State.APPROVED, State.READY, State.SENDING, State.UNKNOWN)


def progress(counts: Mapping[str, int]) -> tuple[int, int]:
    """How many of these operations are over, and how many there are."""
    total = sum(counts.values())
    return total - sum(counts.get(state.value, 0) for state in AHEAD), total


def counts_line(counts: Mapping[str, int], done: int, total: int) -> Text:
    """Every state with its sign and number, and how far the run is."""
    parts = [
        safe(f"{sign(state)} {counts[state]:,} {state}", style(state)) for state in ORDER if counts.get(state.value, 0)
    ]
    line = Text(end="")
    if total > done:
        share = done * 100 // total if total else 0
        line = join(safe(f"▶ {done:,} of {total:,} ({share} %)", "bold cyan"), "   ")
    for index, part in enumerate(parts):
        line = join(line, "  " if index else "", part)
    return line if line.plain else safe("No operations yet.", "dim")
