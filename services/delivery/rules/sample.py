"""A sample: a few rows that may be shown before anything is bought, as they are, masked, or not at all."""

from collections.abc import Set

from shared.errors import Forbidden
from shared.grades import SAMPLED_FROM, Clearance, Flag, Grade, Sample, sample

ROWS_MAX = 20


class ClearanceTooLow(Forbidden):
    """Your organisation's clearance does not reach this grade."""


class SampleNotOffered(Forbidden):
    """No sample of data of this grade is shown."""


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
