"""What the platform takes from a price: its fee, on the provider's side, and the tax on that fee.

Owns: the dated schedules. A schedule never changes; another one follows it. Promises: each was published at least seven
days before it begins, or the service does not start. Does not: compute anything, for trading freezes the schedule in
the contract and settles by that.
Sources: 2.5 % from the provider's side, as the Shanghai Data Exchange's tariff of 2023; 6 % VAT on services (增值税法
art. 10); E-commerce Law art. 34 (changes are published at least seven days before).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PUBLISHED_BEFORE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """`tax_basis_points` are of the fee, not of the price. `published_at`: since when everyone can read it."""

    id: str
    provider_fee_basis_points: int
    tax_basis_points: int
    effective_from: datetime
    published_at: datetime


class PublishedTooLate(ValueError):
    """A schedule is published at least seven days before it begins (E-commerce Law art. 34)."""


SCHEDULES = (
    FeeSchedule("fees_2026_01", 250, 600, datetime(2026, 1, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)),
)  # fmt: skip


def require_published_in_time(schedules: Sequence[FeeSchedule] = SCHEDULES) -> None:
    """Raises PublishedTooLate, which names the schedule."""
    for each in schedules:
        if each.effective_from < each.published_at + PUBLISHED_BEFORE:
            raise PublishedTooLate(each.id)


def published_by(now: datetime, schedules: Sequence[FeeSchedule] = SCHEDULES) -> list[FeeSchedule]:
    """What everyone can read at this moment: what was, is and will be in force, in the order of its beginning."""
    return sorted((one for one in schedules if one.published_at <= now), key=lambda one: one.effective_from)


def schedule_at(now: datetime, schedules: Sequence[FeeSchedule] = SCHEDULES) -> FeeSchedule:
    """The schedule that the newest beginning before or at this moment belongs to. Requires that one has begun."""
    return max((one for one in schedules if one.effective_from <= now), key=lambda one: one.effective_from)
