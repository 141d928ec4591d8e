"""How often a name may be tried: so many log-ins that fail, in a window that passes by itself.

Promises: an attempt counts before the password is looked at, so that attempts sent at once are not more than one after
the other; a name is never locked for good; a log-in that succeeds clears the count.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import TooMany

ATTEMPTS_MAX = 10
WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Throttle:
    """The attempts on one name in a window that began with the first of them."""

    attempts: int
    window_ends_at: datetime


class TooManyLogIns(TooMany):
    """This name was tried too often; wait."""


def attempt(throttle: Throttle | None, now: datetime) -> Throttle:
    """The count with one more attempt. Raises TooManyLogIns if the window has had as many as it may."""
    if throttle is None or now >= throttle.window_ends_at:
        return Throttle(1, now + WINDOW)
    if throttle.attempts >= ATTEMPTS_MAX:
        raise TooManyLogIns(retry_after_seconds=_seconds_rounded_up(throttle.window_ends_at - now))
    return Throttle(throttle.attempts + 1, throttle.window_ends_at)


def _seconds_rounded_up(duration: timedelta) -> int:
    return -(-duration // timedelta(seconds=1))
