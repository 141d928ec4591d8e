"""A month of Beijing, as statements and invoices count it: `2030-01`."""

from datetime import datetime, timedelta, timezone

from shared.errors import Malformed

BEIJING = timezone(timedelta(hours=8))
YEAR_MIN, YEAR_MAX = 2000, 9998


class NoMonth(Malformed):
    """A month is written as in 2030-01."""


def bounds(month: str) -> tuple[datetime, datetime]:
    """The moments at which a month begins and the next one does. Raises NoMonth."""
    year, _, number = month.partition("-")
    if len(month) != 7 or not (month.isascii() and year.isdigit() and number.isdigit()):
        raise NoMonth()
    if not YEAR_MIN <= int(year) <= YEAR_MAX or not 1 <= int(number) <= 12:
        raise NoMonth()
    following = int(year) + int(number) // 12, int(number) % 12 + 1
    return datetime(int(year), int(number), 1, tzinfo=BEIJING), datetime(*following, 1, tzinfo=BEIJING)
