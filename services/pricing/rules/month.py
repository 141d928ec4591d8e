"""Months of Beijing, as what is published of prices counts them: `2030-01`.

Promises: a month is published a week after its end, by when its trades and what became of them are known; which
trades are in it follows from when they were settled alone.
"""

from datetime import datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
PUBLISHED_AFTER = timedelta(days=7)


def month_of(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m")


def later(month: str, months: int = 1) -> str:
    """So many months later; earlier, if that is below zero."""
    year, number = divmod(_number(month) + months, 12)
    return f"{year:04}-{number + 1:02}"


def months_between(first: str, last: str) -> int:
    return _number(last) - _number(first)


def begins(month: str) -> datetime:
    year, number = divmod(_number(month), 12)
    return datetime(year, number + 1, 1, tzinfo=BEIJING)


def due_at(month: str) -> datetime:
    """When the month is published, whenever that is noticed."""
    return begins(later(month)) + PUBLISHED_AFTER


def due(first: str, now: datetime) -> list[str]:
    """The months from the first on that may be published by now."""
    found: list[str] = []
    while due_at(first) <= now:
        found.append(first)
        first = later(first)
    return found


def _number(month: str) -> int:
    year, number = month.split("-")
    return int(year) * 12 + int(number) - 1
