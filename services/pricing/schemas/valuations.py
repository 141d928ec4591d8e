"""What crosses the wire of valuations."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import model_validator

from services.pricing.rules.approach import (
    WHOLE,
    Approach,
    Basis,
    Cost,
    CostApproach,
    CostKind,
    DirectYear,
    Earning,
    ExcessYear,
    Factor,
    IncomeApproach,
    IncrementalYear,
    MarketApproach,
    Method,
    SharedYear,
    Year,
)
from services.pricing.rules.valuation import (
    COSTS_MAX,
    MARK,
    METHOD_VERSION,
    SPREAD_MAX,
    YEARS_MAX,
    Maturity,
    Status,
    Valuation,
)
from services.pricing.schemas.words import Amount, ChosenMode
from shared.ids import OrderId, ParticipantId, ValuationId, VersionId
from shared.money import Money
from shared.web import Request, View

Share = Annotated[int, Limits(ge=0, le=WHOLE)]
Coefficient = Annotated[int, Limits(ge=0, le=2 * WHOLE)]
Adjustment = Annotated[int, Limits(ge=WHOLE // 2, le=2 * WHOLE)]
ChosenCost = Annotated[CostKind, Limits(strict=False)]
ChosenBasis = Annotated[Basis, Limits(strict=False)]
ChosenEarning = Annotated[Earning, Limits(strict=False)]
Sha256 = Annotated[str, Limits(pattern=r"^[0-9a-f]{64}$")]
Rationale = Annotated[str, Limits(min_length=1, max_length=500, pattern=r"\S")]
NEEDED = {  # what a year tells beside what is earned
    Earning.DIRECT: None, Earning.SHARE: "share_basis_points", Earning.EXCESS: "others",
    Earning.INCREMENTAL: "earned_without",
}  # fmt: skip


class NewCost(Request):
    kind: ChosenCost
    amount: Amount


class NewCostApproach(Request):
    """P = C × (1 + R) × α × β × (1 + l) × r × m, in hundredths of a percent: R the return, β the circulation, l the
    scarcity, r the realisation; α follows from the quality score and m from the maturity."""

    costs: Annotated[list[NewCost], Limits(min_length=1, max_length=COSTS_MAX)]
    return_basis_points: Share = 0
    circulation_basis_points: Coefficient = WHOLE
    scarcity_basis_points: Share = 0
    realisation_basis_points: Share = WHOLE


class NewYear(Request):
    """What is earned in a year; and for `share` the data's share of it, for `excess` what all other assets have of it,
    for `incremental` what would be earned without the data."""

    earned: Amount
    share_basis_points: Share | None = None
    others: Amount | None = None
    earned_without: Amount | None = None

    def year(self) -> Year:
        earned = self.earned.money()
        if self.share_basis_points is not None:
            return SharedYear(earned, self.share_basis_points)
        if self.others is not None:
            return ExcessYear(earned, self.others.money())
        return IncrementalYear(earned, self.earned_without.money()) if self.earned_without else DirectYear(earned)


class NewIncomeApproach(Request):
    """V = Σ F_t / (1 + i)^t, the first year a year from now. `basis` holds for forecast, share and discount rate."""

    kind: ChosenEarning
    basis: ChosenBasis
    discount_rate_basis_points: Share
    years: Annotated[list[NewYear], Limits(min_length=1, max_length=YEARS_MAX)]

    @model_validator(mode="after")
    def _years_are_of_the_kind(self) -> Self:
        for year in self.years:
            told = {name for name in NEEDED.values() if name and getattr(year, name) is not None}
            if told != {NEEDED[self.kind]} - {None}:
                raise ValueError(f"by {self.kind} a year tells what is earned, and {NEEDED[self.kind]}")
        return self


class NewMarketApproach(Request):
    """By what licences to data of the same theme were sold for in this mode. The platform finds the trades; the three
    factors are yours, and your rationale says why."""

    mode: ChosenMode
    exclusive: bool = False
    supply_demand_basis_points: Adjustment = WHOLE
    volume_basis_points: Adjustment = WHOLE
    other_basis_points: Adjustment = WHOLE


class NewMaturity(Request):
    """Your organisation's DCMM level (GB/T 36073), and the SHA-256 of its certificate."""

    level: Annotated[int, Limits(ge=1, le=5)]
    evidence_hash: Sha256


class NewValuation(Request):
    """One approach to one version of yours. `spread_basis_points`: how far each factor is moved, alone, both ways."""

    version_id: VersionId
    rationale: Rationale
    spread_basis_points: Annotated[int, Limits(ge=1, le=SPREAD_MAX)] = 1_000
    maturity: NewMaturity | None = None
    cost: NewCostApproach | None = None
    income: NewIncomeApproach | None = None
    market: NewMarketApproach | None = None

    @model_validator(mode="after")
    def _one_approach(self) -> Self:
        if [self.cost, self.income, self.market].count(None) != 2:
            raise ValueError("a valuation takes one approach: cost, income or market")
        return self

    def method(self) -> Method:
        if self.cost:
            rates = dict(self.cost)
            costs = tuple(Cost(cost.kind, cost.amount.money()) for cost in rates.pop("costs"))
            return CostApproach(costs, **rates)
        if self.income:
            years = tuple(year.year() for year in self.income.years)
            return IncomeApproach(years, self.income.basis, self.income.discount_rate_basis_points)
        assert self.market
        return MarketApproach(**dict(self.market))

    def rated(self) -> Maturity | None:
        return self.maturity and Maturity(self.maturity.level, self.maturity.evidence_hash)


class SensitivityView(View):
    """The value with this factor alone lower and higher by the spread, within its limits."""

    factor: Factor
    lower: Money
    higher: Money


class ComparableView(View):
    order_id: OrderId
    version_id: VersionId
    price: Money
    settled_at: datetime
    quality_basis_points: int
    index_then: int | None
    index_now: int | None


class QualityUsedView(View):
    score_basis_points: int
    rule_version: str
    made_at: datetime


class ValuationView(View):
    """Never changes, and binds nobody: see `mark`. `insufficient` has no figures, and `reason_code` says why.

    `document` is the canonical JSON that `document_hash`, its SHA-256, is of: every input with its version, the trades
    that were compared by digest. `comparables` are told to supervisors alone, for they are what others paid.
    """

    id: ValuationId
    mark: str = MARK
    provider_id: ParticipantId
    version_id: VersionId
    approach: Approach
    status: Status
    low: Money | None
    mid: Money | None
    high: Money | None
    sensitivities: list[SensitivityView]
    reason_code: str | None
    quality: QualityUsedView | None
    comparables_count: int
    comparables: list[ComparableView] | None
    method_version: str = METHOD_VERSION
    document: str
    document_hash: str
    valued_at: datetime

    @classmethod
    def of(cls, valuation: Valuation, *, in_full: bool = False) -> Self:
        figures, question = valuation.figures, valuation.question
        told = [ComparableView.model_validate(each) for each in valuation.comparables]
        return cls(
            id=valuation.id, provider_id=question.provider_id, version_id=question.version_id,
            approach=question.method.approach, status=valuation.status, low=figures and figures.low,
            mid=figures and figures.mid, high=figures and figures.high,
            sensitivities=[SensitivityView.model_validate(row) for row in figures.sensitivities] if figures else [],
            reason_code=valuation.reason_code,
            quality=question.quality and QualityUsedView.model_validate(question.quality),
            comparables_count=len(told), comparables=told if in_full else None, document=valuation.document,
            document_hash=valuation.document_hash, valued_at=valuation.valued_at,
        )  # fmt: skip
