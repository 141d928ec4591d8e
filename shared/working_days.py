"""Working days (工作日) of the mainland of China, for deadlines that are given in them.

Promises: a deadline is the end of its day in China's time, and the first day does not count (民法典 art. 201, 203).
Make-up days (调休) count where the State Council has announced them; beyond that the public holidays of the law are
left out, make-up days are unknown, and the deadline is said to be provisional.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from typing import cast

CHINA = timezone(timedelta(hours=8))
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDeadline:
    """`at` is the first moment that is too late. Provisional: a day on the way has no announced calendar yet."""

    at: datetime
    provisional: bool


def deadline_after(moment: datetime, working_days: int) -> WorkingDeadline:
    """The end of the last of so many working days after the day of a moment. Requires at least one."""
    if working_days < 1:
        raise ValueError("a deadline is at least one working day away")
    day, provisional = moment.astimezone(CHINA).date(), False
    while working_days:
        day += timedelta(days=1)
        working, announced = is_working_day(day)
        provisional |= not announced
        working_days -= working
    following = day + timedelta(days=1)
    at = datetime(following.year, following.month, following.day, tzinfo=CHINA)
    return WorkingDeadline(at.astimezone(UTC), provisional)


@cache
def is_working_day(day: date) -> tuple[bool, bool]:
    """Whether people work on a day, and whether that is announced."""
    import chinese_calendar  # with the first deadline that is given in them

    is_announced = cast("Callable[[date], bool]", chinese_calendar.is_workday)  # pyright: ignore[reportUnknownMemberType]
    try:
        return is_announced(day), True
    except NotImplementedError:
        import holidays  # only for years of which nothing is announced yet

        by_law = holidays.country_holidays("CN", years=day.year)
        return day.weekday() < SATURDAY and day not in by_law, False
