"""A lifecycle is its table: nothing beside it, nothing left out of it."""

from enum import StrEnum

import pytest

from shared.errors import Conflict
from shared.lifecycle import IllegalMove, Lifecycle


class Door(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    LOCKED = "locked"
    BRICKED_UP = "bricked_up"


OPEN, CLOSED, LOCKED, BRICKED_UP = Door

DOOR = Lifecycle(start=OPEN, moves={
    OPEN:       {CLOSED},
    CLOSED:     {OPEN, LOCKED, BRICKED_UP},
    LOCKED:     {CLOSED},
    BRICKED_UP: set(),
})  # fmt: skip


@pytest.mark.parametrize("to", Door)
@pytest.mark.parametrize("state", Door)
def test_a_thing_moves_as_the_table_says_and_no_other_way(state: Door, to: Door):
    allowed = {(OPEN, CLOSED), (CLOSED, OPEN), (CLOSED, LOCKED), (CLOSED, BRICKED_UP), (LOCKED, CLOSED)}
    if (state, to) in allowed:
        assert DOOR.move(state, to) is to
    else:
        with pytest.raises(IllegalMove) as refused:
            DOOR.move(state, to)
        assert refused.value.facts == {"state": state, "to": to}


def test_an_illegal_move_is_a_conflict_that_says_where_things_stand():
    assert issubclass(IllegalMove, Conflict)
    assert IllegalMove.code() == "illegal_move"


def test_a_table_that_leaves_a_state_out_cannot_be_built():
    with pytest.raises(ValueError, match="says nothing of .*locked"):
        Lifecycle(start=OPEN, moves={OPEN: {CLOSED}, CLOSED: {BRICKED_UP}, BRICKED_UP: set()})


def test_a_table_with_a_state_that_nothing_leads_to_cannot_be_built():
    with pytest.raises(ValueError, match="nothing leads to .*locked"):
        Lifecycle(start=OPEN, moves={OPEN: {CLOSED}, CLOSED: {BRICKED_UP}, LOCKED: {CLOSED}, BRICKED_UP: set()})


def test_open_states_are_those_that_something_follows():
    assert DOOR.open_states() == (OPEN, CLOSED, LOCKED)


def test_the_diagram_draws_every_move_once_in_the_tables_order():
    assert DOOR.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> open",
        "    open --> closed",
        "    closed --> open",
        "    closed --> locked",
        "    closed --> bricked_up",
        "    locked --> closed",
        "    bricked_up --> [*]",
    ]
