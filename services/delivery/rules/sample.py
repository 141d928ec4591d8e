"""A sample: a few rows that may be shown before anything is bought, as they are, masked, or not at all.

Promises: an organisation is shown a version's sample so often a day (in UTC), and then has to wait for the next one.
"""

from collections.abc import Set
from datetime import UTC, datetime, timedelta

from shared.errors import Forbidden, TooMany
from shared.grades import SAMPLED_FROM, Clearance, Flag, Grade, Sample, sample

ROWS_MAX = 20
SHOWN_A_DAY_MAX = 20


class ClearanceTooLow(Forbidden):
    """Your organisation's clearance does not reach this grade."""


class SampleNotOffered(Forbidden):
    """No sample of data of this grade is shown."""


class TooManySamples(TooMany):
    """Your organisation was shown this sample as often as a day allows; it is the same rows each time."""


def kind_for(grade: Grade, clearance: Clearance | None, flags: Set[Flag]) -> Sample:
    """Real or desensitised rows. Requires that the version is visible to who asks."""
    if SAMPLED_FROM[grade] is None:
        raise SampleNotOffered(grade=grade)
    kind = sample(grade, clearance, flags)
    if kind is None:
        raise ClearanceTooLow(grade=grade, clearance=clearance)
    if kind is Sample.NOT_OFFERED:
        raise SampleNotOffered(grade=grade)
    return kind


def day_of(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def too_many(now: datetime) -> TooManySamples:
    """The refusal, with the time until the next day."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    left = today + timedelta(days=1) - now
    return TooManySamples(retry_after_seconds=-(-left // timedelta(seconds=1)), shown_a_day_max=SHOWN_A_DAY_MAX)
