"""Where an auction is by the clock, whichever its mechanism: what anyone may do now, and when that changes next."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    UPCOMING = "upcoming"  # 待开始: bidders may register
    BIDDING = "bidding"  # 竞价中
    REVEALING = "revealing"  # 开标中: sealed bids are opened by whoever sealed them
    CLOSED = "closed"  # 已结束, whether or not anyone has noticed


UPCOMING, BIDDING, REVEALING, CLOSED = Phase


@dataclass(frozen=True, slots=True)
class Step:
    """The phase of now, and the moment at which the clock alone changes something: the phase, or a falling price."""

    phase: Phase
    next_step_at: datetime | None


def step_of(
    opens_at: datetime, closes_at: datetime, reveal_closes_at: datetime | None, now: datetime
) -> Step:  # fmt: skip
    """Requires an auction that nobody has closed."""
    if now < opens_at:
        return Step(UPCOMING, opens_at)
    if now < closes_at:
        return Step(BIDDING, closes_at)
    if reveal_closes_at and now < reveal_closes_at:
        return Step(REVEALING, reveal_closes_at)
    return Step(CLOSED, None)
