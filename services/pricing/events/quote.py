"""The facts of quotes."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.pricing.rules.quote import Line, Quote
from shared.facts import Category, Fact
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from shared.money import Money


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
