"""What crosses the wire of quotes."""

from datetime import datetime
from itertools import groupby
from typing import Annotated, Self

from pydantic import Field as Limits

from services.pricing.rules.plan import PERIOD_DAYS_MAX, QUANTITY_MAX
from services.pricing.rules.price import Ask
from services.pricing.rules.quote import Quote
from services.pricing.schemas.plans import TierView
from services.pricing.schemas.words import Name
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from shared.metering import Meter, Tier
from shared.money import Money
from shared.web import Request, View

PERIODS_MAX = 120


class NewQuote(Request):
    """`quantity` for usage and tiers, and `metered` if it is the most, and what is used is to be paid; `periods`, and
    `days` of one more, for a subscription; `columns`, and `row_blocks` where they are known, for a price by coverage;
    nothing for the others."""

    plan_id: PlanId
    quantity: Annotated[int | None, Limits(ge=1, le=QUANTITY_MAX)] = None
    metered: bool = False
    periods: Annotated[int | None, Limits(ge=1, le=PERIODS_MAX)] = None
    days: Annotated[int | None, Limits(ge=1, le=PERIOD_DAYS_MAX)] = None
    columns: Annotated[list[Name], Limits(max_length=1_000)] = []
    row_blocks: Annotated[list[Name] | None, Limits(min_length=1, max_length=1_000)] = None

    def ask(self) -> Ask:
        blocks = None if self.row_blocks is None else tuple(sorted(set(self.row_blocks)))
        return Ask(self.quantity, self.periods, self.days, tuple(sorted(set(self.columns))), blocks, self.metered)


class LineView(View):
    description: str
    amount: Money


class TaxView(View):
    """net + tax = gross, which is the total."""

    net: Money
    tax: Money
    gross: Money
    rate_id: str
    basis_points: int


class MeterView(View):
    """What units cost: by marginal tiers, less each discount's share of that, and with the tax inside or on top."""

    tiers: list[TierView]
    discounts: list[int]
    tax_basis_points: int
    tax_inclusive: bool
    units_max: int
    currency: str

    def meter(self) -> Meter:
        tiers = tuple(Tier(tier.up_to, tier.unit_price.minor) for tier in self.tiers)
        return Meter(
            tiers, tuple(self.discounts), self.tax_basis_points, self.tax_inclusive, self.units_max, self.currency
        )  # fmt: skip


class CoveredView(View):
    """What is charged for of a block of rows."""

    row_block: str
    columns: list[str]


class QuotedPartView(View):
    """What a bundle gives, and what of its total falls on it, with the tax in that. `alone` is what the whole of it
    costs alone; null where it is not sold so."""

    version_id: VersionId
    mode: Mode
    alone: Money | None
    share: Money
    tax: Money


class QuoteView(View):
    """One version of a quote, which never changes. To accept it, name its id, version and total before `expires_at`.

    `quota_uses` and `period_days` are what it buys; null leaves them to the offer. `covers` is what it charges for by
    coverage: what was bought before is not charged again; `granted_columns` are those that may be asked about then.
    With a `meter` the total is reserved, and what is used by the end is paid. `parts` are what a bundle gives: their
    shares make the total. The right over each is that of its provider's listing at this plan.
    """

    id: QuoteId
    plan_id: PlanId
    plan_revision: int
    version: int
    buyer_id: ParticipantId
    provider_id: ParticipantId
    version_id: VersionId
    mode: Mode
    lines: list[LineView]
    total: Money
    given_at: datetime
    expires_at: datetime
    quantity: int | None = None
    periods: int | None = None
    days: int | None = None
    columns: list[str] = []
    row_blocks: list[str] | None = None
    quota_uses: int | None = None
    period_days: int | None = None
    is_bundle: bool = False
    granted_columns: list[str] | None = None
    tax: TaxView | None = None
    covers: list[CoveredView] = []
    meter: MeterView | None = None
    parts: list[QuotedPartView] = []

    @classmethod
    def of(cls, quote: Quote) -> Self:
        blocks = groupby(sorted(quote.cells), key=lambda cell: cell[0])
        return cls(
            id=quote.id, plan_id=quote.plan_id, plan_revision=quote.plan_revision, version=quote.version,
            buyer_id=quote.buyer_id, provider_id=quote.provider_id, version_id=quote.version_id, mode=quote.mode,
            lines=[LineView.model_validate(line) for line in quote.lines], total=quote.total, given_at=quote.given_at,
            expires_at=quote.expires_at, quantity=quote.ask.quantity, periods=quote.ask.periods, days=quote.ask.days,
            columns=list(quote.ask.columns),
            row_blocks=None if quote.ask.row_blocks is None else list(quote.ask.row_blocks),
            quota_uses=quote.buys.quota_uses, period_days=quote.buys.period_days, is_bundle=quote.buys.is_bundle,
            granted_columns=None if quote.buys.columns is None else list(quote.buys.columns),
            tax=quote.tax and TaxView.model_validate(quote.tax),
            covers=[CoveredView(row_block=block, columns=[column for _, column in cells]) for block, cells in blocks],
            meter=quote.meter and MeterView.model_validate(quote.meter),
            parts=[QuotedPartView.model_validate(part) for part in quote.parts],
        )  # fmt: skip
