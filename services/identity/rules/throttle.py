"""How often a name may be tried, and from one network: so many log-ins that fail, in a window that passes by itself.

Promises: an attempt counts before the password is looked at, so that attempts sent at once are not more than one after
the other; a name is never locked for good; a log-in that succeeds clears the count of its name and takes its own
attempt off its network's; what is counted of a name, a program and a network never meets, whatever they are called.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import TooMany

ATTEMPTS_MAX = 10
WINDOW = timedelta(minutes=15)


class Counted(StrEnum):
    """Whose attempts a count is of."""

    NAME = "name"
    CLIENT = "client"
    NETWORK = "network"

    def digest_of(self, text: str) -> bytes:
        """What the count is kept under: people type their passwords where names belong."""
        return hashlib.sha256(f"{self}\0{text}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Throttle:
    """The attempts on one name, or from one network, in a window that began with the first of them."""

    attempts: int
    window_ends_at: datetime


class TooManyLogIns(TooMany):
    """There were too many log-ins that failed; wait."""


def attempt(throttle: Throttle | None, now: datetime, attempts_max: int = ATTEMPTS_MAX) -> Throttle:
    """The count with one more attempt. Raises TooManyLogIns if the window has had as many as it may."""
    if throttle is None or now >= throttle.window_ends_at:
        return Throttle(1, now + WINDOW)
    if throttle.attempts >= attempts_max:
        raise TooManyLogIns(retry_after_seconds=_seconds_rounded_up(throttle.window_ends_at - now))
    return Throttle(throttle.attempts + 1, throttle.window_ends_at)


def _seconds_rounded_up(duration: timedelta) -> int:
    return -(-duration // timedelta(seconds=1))
