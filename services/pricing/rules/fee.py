"""What the platform takes from a price: its fee, on the provider's side, and the tax on that fee.

Owns: the dated schedules. A schedule never changes; another one follows it, published before it begins. Does not:
compute anything, for trading freezes the schedule in the contract and settles by that.
Sources: 2.5 % from the provider's side, as the Shanghai Data Exchange's tariff of 2023; 6 % VAT on services (增值税法
art. 10); E-commerce Law art. 34 (changes are published at least seven days before).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """`tax_basis_points` are of the fee, not of the price."""

    id: str
    provider_fee_basis_points: int
    tax_basis_points: int
    effective_from: datetime


SCHEDULES = (FeeSchedule("fees_2026_01", 250, 600, datetime(2026, 1, 1, tzinfo=UTC)),)


def schedule_at(now: datetime, schedules: Sequence[FeeSchedule] = SCHEDULES) -> FeeSchedule:
    """The schedule that the newest beginning before or at this moment belongs to. Requires that one has begun."""
    return max((one for one in schedules if one.effective_from <= now), key=lambda one: one.effective_from)
