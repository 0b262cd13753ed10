"""Columns that fit what they hold, plans that were overtaken, and ids that are written as names."""

import datetime as dt

from rich.text import Text

from xerotui.console.rows import queue, story
from xerotui.console.widgets.columns import Column, Row, widths
from xerotui.model.kinds import Kind
from xerotui.model.work import Plan, PlanKind, PlanState
from xerotui.workspace.listing import superseded
from xerotui.workspace.pages import Story

COLUMNS = (
    Column("State", 13),
    Column("Record", 12),
    Column("Party", 0),
    Column("Organisation", 22, least=140),
    Column("Changed", 13, least=140),
)


def rows(party: str, *, record: str = "10001", same: bool = True) -> tuple[Row, ...]:
    """Three rows; organisations differ unless they are to be the same."""
    cells = (
        ("! blocked", record, party, "Northgate Managed IT" + ("" if same else f" {n}"), f"20 Nov 14:0{n}")
        for n in range(3)
    )
    return tuple(Row(str(n), tuple(Text(words) for words in line)) for n, line in enumerate(cells))


def test_names_are_not_cut_beside_a_column_that_says_nothing_new() -> None:
    """The constant column goes where a name needs its room, stays where it doesn't, and where it differs."""
    long = "Silverbirch Academy Trust Limited of the North"
    assert widths(COLUMNS, 100, 140, rows(long))[3] == 0
    assert widths(COLUMNS, 100, 140, rows(long))[2] > len(long)
    assert widths(COLUMNS, 100, 140, rows("Short"))[3] == 22
    assert widths(COLUMNS, 120, 140, rows(long, same=False))[3] > 0
    for width in (64, 80, 100, 140):
        assert sum(widths(COLUMNS, width, width, rows(long))) == width - 2


def test_room_that_nobody_needs_goes_to_columns_that_are_cut() -> None:
    """A fixed column grows by what the flexible one has to spare, and gives what it doesn't need itself."""
    record = "Osprey Travel Ltd"
    assert widths(COLUMNS, 100, 80, rows("Short", record=record))[1] == len(record) + 1
    narrow = widths(COLUMNS, 60, 80, rows("x" * 80))
    assert narrow[0] == len("! blocked") + 1
    assert narrow[1] == len("Record") + 1


def plan(created: int, **more: object) -> Plan:
    """A plan made at that minute."""
    given: dict[str, object] = {
        "id": f"plan-{created}",
        "kind": PlanKind.SYNC,
        "connection": "halo",
        "tenants": ("one",),
        "state": PlanState.READY,
        "hash": "h",
        "created": dt.datetime(2026, 11, 20, 14, created, tzinfo=dt.UTC),
        "expires": dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
    }
    return Plan(**{**given, **more})  # type: ignore[arg-type]


def test_a_plan_is_superseded_by_a_newer_one_of_the_same_kind_and_pair() -> None:
    """Not by an older, another kind, another choice, a follow-up, one thrown away, or one of fewer organisations."""
    old = plan(1)
    assert superseded(old, [old, plan(2)])
    assert superseded(old, [old, plan(2, state=PlanState.DONE, tenants=("one", "two"))])
    assert not superseded(plan(2), [old, plan(2)])
    assert not superseded(plan(1, state=PlanState.APPLYING), [plan(2)])
    for other in (
        plan(2, kind=PlanKind.IMPORT),
        plan(2, options={"kind": "item"}),
        plan(2, follows="plan-0"),
        plan(2, state=PlanState.DISCARDED),
        plan(2, connection="other"),
    ):
        assert not superseded(old, [old, other])
    assert not superseded(plan(1, tenants=("one", "two")), [plan(2)])


def test_the_progress_of_a_plan_counts_what_is_over() -> None:
    """Sending and unknown are ahead; refused is over."""
    assert queue.progress({"sending": 2, "unknown": 1, "ready": 1, "confirmed": 5, "rejected": 1}) == (6, 10)


def test_ids_are_written_as_names() -> None:
    """Codes stay beside the name, long ids don't; tracking is its names alone; an amount is no id."""
    long = "dbab16f7-1810-5043-8c35-cf82d87113e6"
    told = Story(
        title="10001",
        kind=Kind.INVOICE,
        connection="halo",
        record="1",
        fields=(
            ("currency", "GBP", ""),
            ("contact", long, "made by this plan"),
            ("lines.1.tax", "OUTPUT2", "mapping"),
            ("tax", "28", ""),
            ("lines.1.tracking.1.1", "category-id", ""),
            ("lines.1.tracking.1.2", "option-id", ""),
            ("lines.1.tracking.1.3", "Region", ""),
            ("lines.1.tracking.1.4", "North", ""),
        ),
        names={"contact": {long: "Juniper Print Works LLP"}, "tax": {"OUTPUT2": "20% (VAT on Income)"}},
    )
    text = story.text(told, 80, {}).plain
    assert long not in text
    assert "Juniper Print Works LLP  ← made by this plan" in text
    assert "20% (VAT on Income) (OUTPUT2)" in text
    assert "28.00" in text
    assert "category-id" not in text
    assert "option-id" not in text
    assert "North" in text


def test_long_values_go_on_below_themselves() -> None:
    """No line is wider than the pane, and what is cut goes on under its own beginning."""
    told = Story(
        title="x", kind=Kind.ITEM, connection="c", record="1", fields=(("description", "word " * 60, "source"),)
    )
    lines = story.text(told, 48, {}).plain.splitlines()
    assert max(map(len, lines)) <= 48
    assert sum(line.startswith(" " * 12 + "word") for line in lines) > 3
