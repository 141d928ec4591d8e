"""The facts of quotes."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.pricing.rules.bundle import PartShare
from services.pricing.rules.price import Line
from services.pricing.rules.quote import Quote
from services.pricing.rules.tax import Taxed
from shared.facts import Category, Fact
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from shared.metering import Meter
from shared.money import Money


@dataclass(frozen=True, slots=True)
class QuoteGiven(Fact):
    """`amount` is the total. What was asked of a grid, and is charged of it, is named by a digest."""

    category: ClassVar[Category] = Category.PRICE
    schema_version: ClassVar[int] = 3  # from the second on, `meter`; from the third, `parts`
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
    quantity: int | None
    periods: int | None
    days: int | None
    query_digest: str | None
    quota_uses: int | None
    period_days: int | None
    tax: Taxed | None
    meter: Meter | None
    parts: tuple[PartShare, ...]

    @classmethod
    def of(cls, quote: Quote) -> Self:
        return cls(
            quote.id, quote.plan_id, quote.plan_revision, quote.version, quote.buyer_id, quote.provider_id,
            quote.version_id, quote.mode, quote.lines, quote.total, quote.given_at, quote.expires_at,
            quote.ask.quantity, quote.ask.periods, quote.ask.days, quote.query_digest, quote.buys.quota_uses,
            quote.buys.period_days, quote.tax, quote.meter, quote.parts,
        )  # fmt: skip
