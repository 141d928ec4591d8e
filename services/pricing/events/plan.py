"""The facts of price plans. Each is complete: a plan can be rebuilt from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.pricing.rules.plan import Discount, Plan, PlanKind
from shared.facts import Category, Fact
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, VersionId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class PlanFact(Fact):
    """`amount` is the list price."""

    category: ClassVar[Category] = Category.PRICE
    plan_id: PlanId
    revision: int
    provider_id: ParticipantId
    version_id: VersionId
    mode: Mode
    kind: PlanKind
    amount: Money
    discounts: tuple[Discount, ...]
    valid_from: datetime
    valid_until: datetime | None
    supersedes: int | None

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls(
            plan.id, plan.revision, plan.provider_id, plan.version_id, plan.mode, plan.kind, plan.price,
            plan.discounts, plan.valid_from, plan.valid_until, plan.supersedes,
        )  # fmt: skip


class PlanPublished(PlanFact):
    """A provider offers a version at a price; `amount` is the list price."""

    __slots__ = ()


class PlanRevised(PlanFact):
    """A provider's plan has a new revision; `amount` is the list price."""

    __slots__ = ()
