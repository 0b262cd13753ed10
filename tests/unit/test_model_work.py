"""The law of states: the table is closed, ends are ends, and every way of an operation leads to one."""

import pytest

from xerotui.model.work import DONE, FAILED, OPEN, TRANSITIONS, Basis, Operation, State, Verb

FINAL = {State.VERIFIED, State.CANCELLED, State.SUPERSEDED}


def reachable(start: State) -> set[State]:
    seen, todo = {start}, [start]
    while todo:
        for nxt in TRANSITIONS[todo.pop()]:
            if nxt not in seen:
                seen.add(nxt)
                todo.append(nxt)
    return seen


def test_every_state_is_in_the_table_and_leads_into_it() -> None:
    assert set(TRANSITIONS) == set(State)
    assert {s for nexts in TRANSITIONS.values() for s in nexts} <= set(State)
    assert all(len(nexts) == len(set(nexts)) for nexts in TRANSITIONS.values())
    assert [s for s, nexts in TRANSITIONS.items() if s in nexts] == []


def test_final_states_are_final_and_no_others() -> None:
    assert {s for s, nexts in TRANSITIONS.items() if not nexts} == FINAL


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_way_to_an_end(state: State) -> None:
    assert reachable(state) & FINAL


def test_every_state_can_be_reached_from_a_plan() -> None:
    assert reachable(State.PLANNED) == set(State)


def test_nothing_is_sent_without_approval() -> None:
    # The only ways to the wire lead over approved: take it away, and sending is out of reach.
    seen, todo = {State.PLANNED}, [State.PLANNED]
    while todo:
        for nxt in TRANSITIONS[todo.pop()]:
            if nxt is not State.APPROVED and nxt not in seen:
                seen.add(nxt)
                todo.append(nxt)
    assert seen == {State.PLANNED, State.CANCELLED, State.SUPERSEDED}


def test_what_may_have_happened_is_never_forgotten() -> None:
    # A call on its way, or one of unknown outcome, can't be cancelled or superseded: its end has to be found out.
    for state in (State.SENDING, State.UNKNOWN):
        assert not {State.CANCELLED, State.SUPERSEDED, State.BLOCKED} & set(TRANSITIONS[state])


def test_what_was_confirmed_stays_so() -> None:
    assert reachable(State.CONFIRMED) == {State.CONFIRMED, State.VERIFIED}


def test_a_refused_operation_never_goes_again_as_it_is() -> None:
    assert reachable(State.REJECTED) <= {State.REJECTED, State.CANCELLED, State.SUPERSEDED}


def test_the_groups_part_the_states() -> None:
    groups = [set(OPEN), set(DONE), set(FAILED), {State.PLANNED, State.BLOCKED, State.CANCELLED, State.SUPERSEDED}]
    assert set().union(*groups) == set(State)
    assert sum(map(len, groups)) == len(State)
    assert State.SENDING in OPEN
    assert State.UNKNOWN in OPEN


def test_an_operation_is_a_value() -> None:
    from xerotui.model.kinds import Kind, Side

    made = Operation(
        id="1",
        plan="p",
        side=Side.XERO,
        lane="xero:t",
        kind=Kind.INVOICE,
        verb=Verb.CREATE,
        connection="c",
        tenant="t",
        record="9",
    )
    assert made.state is State.PLANNED
    with pytest.raises(AttributeError):
        made.state = State.APPROVED  # type: ignore[misc]
    assert Basis(mappings={"tax:9:sales": 1}) != Basis(mappings={"tax:9:sales": 2})
