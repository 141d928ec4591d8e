"""The facts of price plans. Each is complete: a plan can be rebuilt from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.pricing.rules.level import Fidelity, Freshness
from services.pricing.rules.plan import Discount, Part, Plan, PlanKind, Tier
from services.pricing.rules.tax import Taxation
from shared.facts import Category, Fact
from shared.grades import Mode
from shared.ids import AssetId, ParticipantId, PlanId, VersionId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class PlanFact(Fact):
    """`amount` is the list price: of all of it, of a period, or of a unit, as the kind says. The grid that a price by
    coverage follows from is named by its digest."""

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
    asset_id: AssetId | None
    period_days: int | None
    tiers: tuple[Tier, ...]
    parts: tuple[Part, ...]
    grid_digest: str | None
    fidelity: Fidelity | None
    freshness: Freshness
    tax: Taxation

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls(
            plan.id, plan.revision, plan.provider_id, plan.version_id, plan.mode, plan.kind, plan.price,
            plan.discounts, plan.valid_from, plan.valid_until, plan.supersedes, plan.asset_id, plan.period_days,
            plan.tiers, plan.parts, plan.grid_digest, plan.fidelity, plan.freshness, plan.tax,
        )  # fmt: skip


class PlanPublished(PlanFact):
    """A provider offers a version at a price; `amount` is the list price."""

    __slots__ = ()


class PlanRevised(PlanFact):
    """A provider's plan has a new revision; `amount` is the list price."""

    __slots__ = ()
