"""A lifecycle is a table: for each state, the states that may follow.

Promises: a table that leaves a state out cannot be built; a move that is not in the table cannot be made; the diagram
in ARCHITECTURE.md is drawn from the same table.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from shared.errors import Conflict

State = TypeVar("State", bound=StrEnum)


class IllegalMove(Conflict):
    """From its present state, the thing cannot go there."""


@dataclass(frozen=True, slots=True)
class Lifecycle(Generic[State]):
    """Requires that every state that can be reached is reached from `start`."""

    start: State
    moves: Mapping[State, Set[State]]

    def __post_init__(self) -> None:
        states = set(type(self.start))
        if missing := states - set(self.moves):
            raise ValueError(f"the table says nothing of {sorted(missing)}")
        if unreachable := states - self._reachable():
            raise ValueError(f"nothing leads to {sorted(unreachable)}")

    def move(self, state: State, to: State) -> State:
        if to not in self.moves[state]:
            raise IllegalMove(state=state, to=to)
        return to

    def open_states(self) -> tuple[State, ...]:
        """The states that something still follows, in the table's order."""
        return tuple(state for state, following in self.moves.items() if following)

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram, in the table's order."""
        order = list(self.moves)
        lines = ["stateDiagram-v2", f"    [*] --> {self.start}"]
        for state, following in self.moves.items():
            lines += [f"    {state} --> {to}" for to in sorted(following, key=order.index)]
            if not following:
                lines.append(f"    {state} --> [*]")
        return "\n".join(lines)

    def _reachable(self) -> set[State]:
        reached, frontier = {self.start}, [self.start]
        while frontier:
            fresh = set(self.moves[frontier.pop()]) - reached
            reached |= fresh
            frontier += fresh
        return reached
