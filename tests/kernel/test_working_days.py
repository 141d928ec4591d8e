"""Working days: announced ones with their make-up days, provisional ones beyond."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.working_days import CHINA, deadline_after, is_working_day


def china(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("moment", "days", "end"),
    [
        (china(2026, 11, 26, 10), 1, china(2026, 11, 28)),  # a Thursday: through Friday
        (china(2026, 11, 27, 10), 1, china(2026, 12, 1)),  # a Friday: through Monday
        (china(2026, 9, 30, 18), 1, china(2026, 10, 9)),  # over the National Day holidays, 1 to 7 October 2026
        (china(2026, 9, 30, 18), 3, china(2026, 10, 11)),  # Saturday, 10 October 2026 is worked to make up
        (china(2026, 2, 13, 23, 59), 1, china(2026, 2, 15)),  # Saturday, 14 February 2026 is worked to make up
        (china(2026, 2, 14, 0), 1, china(2026, 2, 25)),  # then the Spring Festival, 15 to 23 February 2026
    ],
)
def test_a_deadline_skips_days_off_and_counts_make_up_days(moment: datetime, days: int, end: datetime) -> None:
    found = deadline_after(moment, days)
    assert (found.at, found.provisional) == (end, False)
    assert found.at.tzinfo is UTC


def test_the_day_is_chinas_not_the_servers() -> None:
    """23:59 in Greenwich on Thursday is Friday in China."""
    assert deadline_after(datetime(2026, 11, 26, 23, 59, tzinfo=UTC), 1).at == china(2026, 12, 1)
    assert deadline_after(datetime(2026, 11, 26, 15, 59, tzinfo=UTC), 1).at == china(2026, 11, 28)


def test_a_year_without_a_calendar_makes_it_provisional() -> None:
    assert is_working_day(date(2027, 2, 8)) == (False, False)  # Spring Festival by law
    assert is_working_day(date(2027, 2, 12)) == (True, False)
    assert is_working_day(date(2027, 2, 13)) == (False, False)  # a Saturday, perhaps worked: nobody has said so yet
    over_the_new_year = deadline_after(china(2026, 12, 30), 5)
    assert over_the_new_year.provisional
    assert not deadline_after(china(2026, 12, 28), 2).provisional


@given(st.integers(0, 4 * 365 * 24), st.integers(1, 40))
def test_so_many_working_days_lie_between(hours: int, days: int) -> None:
    moment = china(2025, 1, 1) + timedelta(hours=hours)
    end = deadline_after(moment, days).at
    first, last = moment.astimezone(CHINA).date(), (end.astimezone(CHINA) - timedelta(microseconds=1)).date()
    between = [first + timedelta(days=each) for each in range(1, (last - first).days + 1)]
    assert sum(is_working_day(day)[0] for day in between) == days
    assert is_working_day(last)[0]
    assert deadline_after(moment, days + 1).at > end


def test_no_days_are_no_deadline() -> None:
    with pytest.raises(ValueError, match="one working day"):
        deadline_after(china(2026, 11, 26), 0)
