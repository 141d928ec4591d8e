"""The facts that `pricing` announces: each is complete, so that plans and quotes can be rebuilt from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.pricing.rules.plan import Discount, Plan, PlanKind
from services.pricing.rules.quote import Line, Quote
from shared.facts import Category, Fact
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
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


@dataclass(frozen=True, slots=True)
class QuoteGiven(Fact):
    """`amount` is the total."""

    category: ClassVar[Category] = Category.PRICE
    quote_id: QuoteId
    plan_id: PlanId
    plan_revision: int
    version: int
    buyer_id: ParticipantId
    provider_id: ParticipantId
    version_id: VersionId
    mode: Mode
    lines: tuple[Line, ...]
    amount: Money
    given_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, quote: Quote) -> Self:
        return cls(
            quote.id, quote.plan_id, quote.plan_revision, quote.version, quote.buyer_id, quote.provider_id,
            quote.version_id, quote.mode, quote.lines, quote.total, quote.given_at, quote.expires_at,
        )  # fmt: skip
