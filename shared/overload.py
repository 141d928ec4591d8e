"""How much is worked on at once: beyond that, the next is told to come back at once, and those inside are answered.

Promises: a place is taken once a request is there in full, and left when its answer begins, so that whoever sends or
reads slowly takes nobody's; nothing waits for a place. Without this, everybody would be answered too late to be of use.
Who stays after their answer has begun, to hear what happens, takes a seat, and nobody takes all of them.
"""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from shared.errors import TooMany, Unavailable

SEATS = 1_000
SEATS_OF_ONE = 20


class Overloaded(Unavailable):
    """More is asked at once than can be answered; come back."""


class TooManyStreams(TooMany):
    """You hear as much at once as is allowed; end one of your streams."""


class Room:
    """The places of one service in one process."""

    def __init__(self, places: int) -> None:
        self._places, self.in_flight = places, 0

    def require_place(self) -> None:
        if self.in_flight >= self._places:
            raise Overloaded(retry_after_seconds=1)


class Place:
    """Of one request. It may be left without having been taken, and twice."""

    def __init__(self, room: Room) -> None:
        self._room, self._is_taken = room, False

    def take(self) -> None:
        """Raises Overloaded."""
        self._room.require_place()
        self._room.in_flight += 1
        self._is_taken = True

    def leave(self) -> None:
        if self._is_taken:
            self._room.in_flight -= 1
            self._is_taken = False


class Seats:
    """Of those who stay: each of them costs a look at every commit."""

    def __init__(self, seats: int = SEATS, of_one: int = SEATS_OF_ONE) -> None:
        self._seats, self._of_one, self._taken_by = seats, of_one, Counter[str]()

    @property
    def taken(self) -> int:
        return self._taken_by.total()

    @contextmanager
    def seat(self, who: str) -> Generator[None]:
        """One for this organisation or network, while it is held. Raises TooManyStreams, Overloaded."""
        if self._taken_by[who] >= self._of_one:
            raise TooManyStreams(streams_max=self._of_one)
        if self.taken >= self._seats:
            raise Overloaded(retry_after_seconds=1)
        self._taken_by[who] += 1
        try:
            yield
        finally:
            self._taken_by[who] -= 1
            self._taken_by += Counter()  # forgets whoever has none
