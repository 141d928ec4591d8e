"""For whom the work at hand is done: what PostgreSQL holds each transaction to, beneath what the application asks.

A permission says it once it knows who asks; jobs, staff and neighbours say that they work for the whole market.
Promises: where nobody said it, work is done for nobody, and the tables that have owners are empty; what one request
said is unsaid when it ends, also where a neighbour was asked in this process.
Does not: decide what anyone may do. It is a second lock, for the day on which the first was left open.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from shared.ids import ParticipantId

NOBODY = ""
EVERYONE = "*"
_tenant = ContextVar("tenant", default=NOBODY)


def current() -> str:
    """The organisation that is worked for, as its id; or EVERYONE, or NOBODY."""
    return _tenant.get()


def work_for(participant_id: ParticipantId) -> None:
    """From now on this task's transactions see what is this organisation's."""
    _tenant.set(participant_id)


def work_for_everyone() -> None:
    """From now on this task's transactions see all. For jobs, and for callers who may see any organisation's."""
    _tenant.set(EVERYONE)


@contextmanager
def for_nobody() -> Generator[None]:
    """Within it, until it is said for whom; afterwards as before."""
    before = _tenant.set(NOBODY)
    try:
        yield
    finally:
        _tenant.reset(before)


@contextmanager
def for_everyone() -> Generator[None]:
    """Within it, this task's transactions see all; afterwards as before."""
    before = _tenant.set(EVERYONE)
    try:
        yield
    finally:
        _tenant.reset(before)
