"""The facts of desensitisation plans: which revision a provider declared, by digest; never a value of the data."""

from dataclasses import dataclass
from typing import ClassVar, Self

from services.delivery.rules.desensitisation import Plan
from shared.facts import Category, Fact
from shared.grades import Grade
from shared.ids import ParticipantId, VersionId


@dataclass(frozen=True, slots=True)
class DesensitisationPlanDeclared(Fact):
    """A provider declared how the fields of a version are desensitised from now on."""

    category: ClassVar[Category] = Category.CONTENT
    version_id: VersionId
    provider_id: ParticipantId
    revision: int
    plan_digest: str
    masked_fields: int
    quasi_identifiers: int
    sensitive_fields: int
    grade: Grade

    @classmethod
    def of(cls, plan: Plan, grade: Grade) -> Self:
        wishes = plan.wishes
        counts = (len(wishes.masks), len(wishes.quasi_identifiers), len(wishes.sensitive_fields))
        return cls(plan.version_id, plan.provider_id, plan.revision, plan.digest, *counts, grade)
