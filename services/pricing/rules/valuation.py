"""A valuation of data by cost, income or market: a platform's reference, never a statutory appraisal.

Owns: what is asked, the figures with their table of sensitivities, and the document that is hashed.
Promises: figures are exact fractions until each is rounded once, half up, to the fen; low <= mid <= high; more quality
never lowers a value and a higher discount rate never raises one; every input stands in the document that the hash is
of; comparables that are too few give `insufficient`, never a figure. What is found binds nobody.
Does not: choose comparables (`rules/comparable.py`), look at data, or judge whether a forecast is right.
Sources: market-rules B1; 数据资产评估指导意见 (中评协〔2023〕17号). In the income approach quality is in the forecast
already, so that no coefficient is put on it again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from services.pricing.rules.approach import (
    ALPHA_BASE,
    ALPHA_MAX,
    ALPHA_MIN,
    ALPHA_SLOPE,
    LIMITS,
    MATURITY,
    WHOLE,
    Approach,
    CostApproach,
    ExcessYear,
    Factor,
    IncomeApproach,
    IncrementalYear,
    MarketApproach,
    Method,
    Values,
    adjusted_prices,
    cost_value,
    income_value,
    ratio,
    require_flows,
)
from services.pricing.rules.comparable import Comparable, quartiles
from shared.errors import Conflict, Malformed, NotFound
from shared.facts import plain
from shared.ids import ParticipantId, ValuationId, VersionId
from shared.money import MINOR_MAX, Money

METHOD_VERSION = "valuation_2026_11"
MARK = "平台参考，非法定评估 · platform reference, not a statutory appraisal"
YEARS_MAX = 30
COSTS_MAX = 30
SPREAD_MAX = 5_000
QUARTILES_FROM = 5  # comparables
NOT_RATED = WHOLE


class Status(StrEnum):
    ESTIMATED = "estimated"
    INSUFFICIENT = "insufficient"


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
        return self.question.method.approach


class NoSuchValuation(NotFound):
    """There is no such valuation, or it is not yours."""


class QualityNotAssessed(Conflict):
    """By cost or market a value follows quality, and this version has no quality score: upload and declare it first."""


class ValueBeyondReach(Malformed):
    """So much cannot be told in fen."""


def figures(question: Question, comparables: Sequence[Comparable] = ()) -> Figures:
    """Low, mid and high: the lowest and the highest that any one factor makes of the value. By market they are the
    quartiles of the adjusted prices, if there are five of them: of fewer, quartiles and median would tell each price.
    Requires enough comparables where the approach is the market's."""
    values = factors(question)
    price = _formula(question, comparables)
    mid = rounded(price(values))
    table = tuple(_moved(factor, values, price, question.spread_basis_points) for factor in values)
    if isinstance(question.method, MarketApproach) and len(comparables) >= QUARTILES_FROM:
        lower, _, upper = quartiles(adjusted_prices(values, comparables))
        return Figures(rounded(lower), mid, rounded(upper), table)
    ends = [mid, *(end for row in table for end in (row.lower, row.higher))]
    return Figures(min(ends), mid, max(ends), table)


def factors(question: Question) -> Values:
    """The factors of the question's approach as they stand. Raises QualityNotAssessed."""
    match question.method:
        case CostApproach() as cost:
            return {
                Factor.COSTS: Fraction(1),
                Factor.RETURN: ratio(cost.return_basis_points),
                Factor.QUALITY: _score(question),
                Factor.CIRCULATION: ratio(cost.circulation_basis_points),
                Factor.SCARCITY: ratio(cost.scarcity_basis_points),
                Factor.REALISATION: ratio(cost.realisation_basis_points),
                Factor.MATURITY: maturity_factor(question.maturity),
            }
        case IncomeApproach() as income:
            deducted = any(isinstance(year, ExcessYear | IncrementalYear) for year in income.years)
            moved = {Factor.EARNED: Fraction(1)} | ({Factor.DEDUCTED: Fraction(1)} if deducted else {})
            return moved | {Factor.DISCOUNT_RATE: ratio(income.discount_rate_basis_points)}
        case MarketApproach() as market:
            return {
                Factor.PRICES: Fraction(1),
                Factor.QUALITY: _score(question),
                Factor.SUPPLY_DEMAND: ratio(market.supply_demand_basis_points),
                Factor.VOLUME: ratio(market.volume_basis_points),
                Factor.OTHER: ratio(market.other_basis_points),
                Factor.MATURITY: maturity_factor(question.maturity),
            }


def maturity_factor(maturity: Maturity | None) -> Fraction:
    return ratio(NOT_RATED if maturity is None else MATURITY[maturity.level])


def rounded(value: Fraction) -> Money:
    """Half up to the fen: the only rounding. Raises ValueBeyondReach."""
    minor = (2 * value.numerator + value.denominator) // (2 * value.denominator)
    if minor > MINOR_MAX:
        raise ValueBeyondReach(minor_max=MINOR_MAX)
    return Money(minor)


def document(
    question: Question, figures: Figures | None, reason_code: str | None, comparables: Sequence[Comparable],
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Everything that the figures follow from, as canonical JSON can carry it. Others' prices stand in it by digest."""
    told = {
        "mark": MARK, "method_version": METHOD_VERSION,
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
            return lambda values: cost_value(cost, values)
        case IncomeApproach() as income:
            require_flows(income)
            return lambda values: income_value(income, values)
        case MarketApproach():
            return lambda values: quartiles(adjusted_prices(values, comparables))[1]


def _moved(factor: Factor, values: Values, price: Callable[[Values], Fraction], spread: int) -> Sensitivity:
    low, high = LIMITS.get(factor, (Fraction(0), None))
    here = values[factor]
    down, up = max(here * ratio(WHOLE - spread), low), here * ratio(WHOLE + spread)
    ends = down, up if high is None else min(up, high)
    return Sensitivity(factor, *(rounded(price({**values, factor: end})) for end in ends))


def _score(question: Question) -> Fraction:
    if question.quality is None:
        raise QualityNotAssessed()
    return ratio(question.quality.score_basis_points)
