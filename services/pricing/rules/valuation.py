"""A valuation of data by cost, income or market: a platform's reference, never a statutory appraisal.

Owns: the three approaches, what quality and an organisation's maturity do to a value, and the table of sensitivities.
Promises: figures are exact fractions until each is rounded once, half up, to the fen; low <= mid <= high; more quality
never lowers a value and a higher discount rate never raises one; every input stands in the document that the hash is
of; comparables that are too few give `insufficient`, never a figure. What is found binds nobody.
Does not: choose comparables (`rules/comparable.py`), look at data, or judge whether a forecast is right.
Sources: 数据资产评估指导意见 (中评协〔2023〕17号) for the three formulas; 资产评估专家指引第9号 (2020) for the factors of
cost; GB/T 36073-2018 (DCMM). The official texts decide. In the income approach quality is in the
forecast already, so that no coefficient is put on it again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from services.pricing.rules.comparable import Comparable, quartiles
from shared.errors import Malformed, NotFound
from shared.facts import plain
from shared.grades import Mode
from shared.ids import ParticipantId, ValuationId, VersionId
from shared.money import MINOR_MAX, Money

METHOD_VERSION = "valuation_2026_11"
MARK = "平台参考，非法定评估 · platform reference, not a statutory appraisal"
WHOLE = 10_000  # basis points
YEARS_MAX = 50
COSTS_MAX = 50
SPREAD_MAX = 5_000
ALPHA_BASE, ALPHA_SLOPE = 8_000, 4_000  # α = clip(0.8 + 0.4 Q), the catalogue's own coefficient
ALPHA_MIN, ALPHA_MAX = 8_000, 12_000
# What an organisation's DCMM level does to a value; one that is not rated is neither raised nor lowered.
MATURITY: Mapping[int, int] = {1: 9_500, 2: 9_750, 3: 10_000, 4: 10_250, 5: 10_500}
NOT_RATED = WHOLE


class Approach(StrEnum):
    COST = "cost"
    INCOME = "income"
    MARKET = "market"


class Status(StrEnum):
    ESTIMATED = "estimated"
    INSUFFICIENT = "insufficient"


class CostKind(StrEnum):
    PLANNING = "planning"  # 前期费用
    DIRECT = "direct"  # 直接成本: collection, processing
    INDIRECT = "indirect"  # 间接成本
    OPPORTUNITY = "opportunity"  # 机会成本
    TAXES = "taxes"  # 相关税费


class Basis(StrEnum):
    """What earnings are counted as; the share of the data and the discount rate are of the same."""

    REVENUE = "revenue"
    PROFIT = "profit"


class Factor(StrEnum):
    """What is moved, one at a time, to see how far a value depends on it."""

    COSTS = "costs"
    RETURN = "return"
    QUALITY = "quality"
    MATURITY = "maturity"
    CIRCULATION = "circulation"
    SCARCITY = "scarcity"
    REALISATION = "realisation"
    EARNED = "earned"
    DEDUCTED = "deducted"
    DISCOUNT_RATE = "discount_rate"
    PRICES = "prices"
    SUPPLY_DEMAND = "supply_demand"
    VOLUME = "volume"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Cost:
    kind: CostKind
    amount: Money


@dataclass(frozen=True, slots=True)
class CostApproach:
    """P = C × (1 + R) × α × β × (1 + l) × r × m; the rates in basis points."""

    costs: tuple[Cost, ...]
    return_basis_points: int = 0
    circulation_basis_points: int = WHOLE
    scarcity_basis_points: int = 0
    realisation_basis_points: int = WHOLE


@dataclass(frozen=True, slots=True)
class DirectYear:
    """预期收益: what the data earn."""

    earned: Money


@dataclass(frozen=True, slots=True)
class SharedYear:
    """收益分成: the data's share of what is earned with them."""

    earned: Money
    share_basis_points: int


@dataclass(frozen=True, slots=True)
class ExcessYear:
    """超额收益: what is left when all other assets have had theirs."""

    earned: Money
    others: Money


@dataclass(frozen=True, slots=True)
class IncrementalYear:
    """增量收益: what is earned with the data beyond what would be without."""

    earned: Money
    earned_without: Money


Year = DirectYear | SharedYear | ExcessYear | IncrementalYear


@dataclass(frozen=True, slots=True)
class IncomeApproach:
    """V = Σ F_t / (1 + i)^t. `years` are all of one kind, the first a year from now."""

    years: tuple[Year, ...]
    basis: Basis
    discount_rate_basis_points: int


@dataclass(frozen=True, slots=True)
class MarketApproach:
    """The median of P_j × α / α_j × dates × the three factors that the owner gives reasons for × m."""

    mode: Mode
    exclusive: bool = False
    supply_demand_basis_points: int = WHOLE
    volume_basis_points: int = WHOLE
    other_basis_points: int = WHOLE


Method = CostApproach | IncomeApproach | MarketApproach


@dataclass(frozen=True, slots=True)
class Quality:
    """What the catalogue's report says of the version, and by which rules."""

    score_basis_points: int
    rule_version: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Maturity:
    """An organisation's DCMM level, 1 to 5, and the hash of its certificate."""

    level: int
    evidence_hash: str


@dataclass(frozen=True, slots=True)
class Question:
    """All that a value depends on."""

    provider_id: ParticipantId
    version_id: VersionId
    content_hash: str | None
    method: Method
    quality: Quality | None
    maturity: Maturity | None
    spread_basis_points: int
    rationale: str


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The value with one factor lower and higher by the spread, within the factor's limits."""

    factor: Factor
    lower: Money
    higher: Money


@dataclass(frozen=True, slots=True)
class Figures:
    low: Money
    mid: Money
    high: Money
    sensitivities: tuple[Sensitivity, ...]


@dataclass(frozen=True, slots=True)
class Valuation:
    """Never changes. Without figures it is insufficient, and `reason_code` says why."""

    id: ValuationId
    question: Question
    figures: Figures | None
    reason_code: str | None
    comparables: tuple[Comparable, ...]
    document: str
    document_hash: str
    valued_at: datetime

    @property
    def status(self) -> Status:
        return Status.ESTIMATED if self.figures else Status.INSUFFICIENT

    @property
    def approach(self) -> Approach:
        return approach_of(self.question.method)


class NoSuchValuation(NotFound):
    """There is no such valuation, or it is not yours."""


class QualityNotAssessed(Malformed):
    """By cost or market a value follows quality, and this version has no quality score: upload and declare it first."""


class YearBelowNothing(Malformed):
    """In each year of a forecast the data earn nothing or more; an outlay belongs to the cost approach."""


class ValueBeyondReach(Malformed):
    """So much cannot be told in fen."""


Values = Mapping[Factor, Fraction]
# Where a factor ends, however it is moved; none may fall below nothing.
LIMITS: Mapping[Factor, tuple[Fraction, Fraction]] = {
    Factor.QUALITY: (Fraction(0), Fraction(1)),
    Factor.REALISATION: (Fraction(0), Fraction(1)),
    Factor.MATURITY: (Fraction(min(MATURITY.values()), WHOLE), Fraction(max(MATURITY.values()), WHOLE)),
}


def approach_of(method: Method) -> Approach:
    match method:
        case CostApproach():
            return Approach.COST
        case IncomeApproach():
            return Approach.INCOME
        case MarketApproach():
            return Approach.MARKET


def figures(question: Question, comparables: Sequence[Comparable] = ()) -> Figures:
    """Low, mid and high. By market they are the quartiles of the adjusted prices; otherwise the lowest and the highest
    that any one factor makes of the value. Requires enough comparables where the approach is the market's."""
    values = factors(question)
    price = _formula(question, comparables)
    mid = rounded(price(values))
    table = tuple(_moved(factor, values, price, question.spread_basis_points) for factor in values)
    if isinstance(question.method, MarketApproach):
        lower, _, upper = quartiles(_adjusted(values, comparables))
        return Figures(rounded(lower), mid, rounded(upper), table)
    ends = [mid, *(end for row in table for end in (row.lower, row.higher))]
    return Figures(min(ends), mid, max(ends), table)


def factors(question: Question) -> Values:
    """The factors of the question's approach as they stand. Raises QualityNotAssessed."""
    match question.method:
        case CostApproach() as cost:
            return {
                Factor.COSTS: Fraction(1),
                Factor.RETURN: _of(cost.return_basis_points),
                Factor.QUALITY: _score(question),
                Factor.CIRCULATION: _of(cost.circulation_basis_points),
                Factor.SCARCITY: _of(cost.scarcity_basis_points),
                Factor.REALISATION: _of(cost.realisation_basis_points),
                Factor.MATURITY: maturity_factor(question.maturity),
            }
        case IncomeApproach() as income:
            deducted = any(isinstance(year, ExcessYear | IncrementalYear) for year in income.years)
            moved = {Factor.EARNED: Fraction(1)} | ({Factor.DEDUCTED: Fraction(1)} if deducted else {})
            return moved | {Factor.DISCOUNT_RATE: _of(income.discount_rate_basis_points)}
        case MarketApproach() as market:
            return {
                Factor.PRICES: Fraction(1),
                Factor.QUALITY: _score(question),
                Factor.SUPPLY_DEMAND: _of(market.supply_demand_basis_points),
                Factor.VOLUME: _of(market.volume_basis_points),
                Factor.OTHER: _of(market.other_basis_points),
                Factor.MATURITY: maturity_factor(question.maturity),
            }


def alpha(score: Fraction) -> Fraction:
    """What quality does to a value: clip(a0 + a1 Q), continuous and rising. Requires 0 <= score <= 1."""
    return min(max(_of(ALPHA_BASE) + _of(ALPHA_SLOPE) * score, _of(ALPHA_MIN)), _of(ALPHA_MAX))


def maturity_factor(maturity: Maturity | None) -> Fraction:
    return _of(NOT_RATED if maturity is None else MATURITY[maturity.level])


def rounded(value: Fraction) -> Money:
    """Half up to the fen: the only rounding. Raises ValueBeyondReach."""
    minor = (2 * value.numerator + value.denominator) // (2 * value.denominator)
    if minor > MINOR_MAX:
        raise ValueBeyondReach(minor_max=MINOR_MAX)
    return Money(minor)


def document(
    question: Question, figures: Figures | None, reason_code: str | None, comparables: Sequence[Comparable],
    now: datetime,
) -> dict[str, object]:  # fmt: skip
    """Everything that the figures follow from, as canonical JSON can carry it. Others' prices stand in it by digest."""
    told = {
        "mark": MARK, "method_version": METHOD_VERSION, "approach": approach_of(question.method),
        "question": question, "alpha": {"base": ALPHA_BASE, "slope": ALPHA_SLOPE, "min": ALPHA_MIN, "max": ALPHA_MAX},
        "maturity_factor_basis_points": int(maturity_factor(question.maturity) * WHOLE),
        "comparables": [comparable.disclosed() for comparable in comparables],
        "status": Status.ESTIMATED if figures else Status.INSUFFICIENT, "reason_code": reason_code,
        "figures": figures, "valued_at": now,
    }  # fmt: skip
    return plain(told)


def _formula(question: Question, comparables: Sequence[Comparable]) -> Callable[[Values], Fraction]:
    match question.method:
        case CostApproach() as cost:
            return lambda values: _cost(cost, values)
        case IncomeApproach() as income:
            _require_flows(income)
            return lambda values: _income(income, values)
        case MarketApproach():
            return lambda values: quartiles(_adjusted(values, comparables))[1]


def _cost(cost: CostApproach, values: Values) -> Fraction:
    spent = values[Factor.COSTS] * sum(each.amount.minor for each in cost.costs) * (1 + values[Factor.RETURN])
    useful = alpha(values[Factor.QUALITY]) * values[Factor.CIRCULATION] * (1 + values[Factor.SCARCITY])
    return spent * useful * values[Factor.REALISATION] * values[Factor.MATURITY]


def _income(income: IncomeApproach, values: Values) -> Fraction:
    earned, deducted = values[Factor.EARNED], values.get(Factor.DEDUCTED, Fraction(1))
    growth = 1 + values[Factor.DISCOUNT_RATE]
    flows = (max(_flow(year, earned, deducted), Fraction(0)) for year in income.years)
    return sum((flow / growth**t for t, flow in enumerate(flows, start=1)), Fraction(0))


def _flow(year: Year, earned: Fraction, deducted: Fraction) -> Fraction:
    match year:
        case DirectYear():
            return year.earned.minor * earned
        case SharedYear():
            return year.earned.minor * earned * _of(year.share_basis_points)
        case ExcessYear():
            return year.earned.minor * earned - year.others.minor * deducted
        case IncrementalYear():
            return year.earned.minor * earned - year.earned_without.minor * deducted


def _require_flows(income: IncomeApproach) -> None:
    for number, year in enumerate(income.years, start=1):
        if (flow := _flow(year, Fraction(1), Fraction(1))) < 0:
            raise YearBelowNothing(year=number, flow_minor=int(flow))


def _adjusted(values: Values, comparables: Sequence[Comparable]) -> list[Fraction]:
    ours = alpha(values[Factor.QUALITY]) * values[Factor.PRICES] * values[Factor.MATURITY]
    ours *= values[Factor.SUPPLY_DEMAND] * values[Factor.VOLUME] * values[Factor.OTHER]
    return [each.price.minor * ours / alpha(each.quality) * each.date_factor for each in comparables]


def _moved(factor: Factor, values: Values, price: Callable[[Values], Fraction], spread: int) -> Sensitivity:
    low, high = LIMITS.get(factor, (Fraction(0), None))
    here = values[factor]
    down, up = max(here * _of(WHOLE - spread), low), here * _of(WHOLE + spread)
    ends = down, up if high is None else min(up, high)
    return Sensitivity(factor, *(rounded(price({**values, factor: end})) for end in ends))


def _score(question: Question) -> Fraction:
    if question.quality is None:
        raise QualityNotAssessed()
    return _of(question.quality.score_basis_points)


def _of(basis_points: int) -> Fraction:
    return Fraction(basis_points, WHOLE)
