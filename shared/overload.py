"""How much is worked on at once: beyond that, the next is told to come back at once, and those inside are answered.

Promises: a place is taken once a request is there in full, and left when its answer begins, so that whoever sends or
reads slowly takes nobody's; nothing waits for a place. Without this, everybody would be answered too late to be of use.
"""

from shared.errors import Unavailable


class Overloaded(Unavailable):
    """More is asked at once than can be answered; come back."""


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
