"""The facts of samples: that rows were shown or refused, and by which policy; never the rows."""

from dataclasses import dataclass
from typing import ClassVar

from shared.facts import Category, Fact, Outcome
from shared.grades import Grade
from shared.ids import VersionId


@dataclass(frozen=True, slots=True)
class SampleShown(Fact):
    """Somebody saw rows of a sample."""

    category: ClassVar[Category] = Category.CONTENT
    version_id: VersionId
    grade: Grade
    kind: str
    row_count: int
    policy_version: str


@dataclass(frozen=True, slots=True)
class SampleRefused(Fact):
    """Somebody asked for a sample that the grade does not allow them."""

    category: ClassVar[Category] = Category.CONTENT
    outcome: ClassVar[Outcome] = "deny"
    version_id: VersionId
    grade: Grade
    reason_code: str
    policy_version: str
