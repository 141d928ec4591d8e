"""A deadline in working days, counted once and then kept."""

from datetime import datetime

from services.trading.rules.due_date import DueDate
from shared.working_days import deadline_after


def due_in(working_days: int, now: datetime) -> DueDate:
    counted = deadline_after(now, working_days)
    return DueDate(counted.at, counted.provisional)
