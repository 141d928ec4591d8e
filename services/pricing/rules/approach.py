"""Three approaches to what data are worth, each a formula over factors that can be moved one at a time.

Owns: what each approach takes, its factors with their limits, and its formula, exact.
Promises: a formula rises with every factor but what is deducted and the discount rate, with which it falls; a year
that a moved factor would sink below nothing earns nothing.
Sources: 数据资产评估指导意见 (中评协〔2023〕17号); 资产评估专家指引第9号 (2020) for cost; GB/T 36073-2018 (DCMM).
The official texts decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from services.pricing.rules.comparable import Comparable
from shared.errors import Malformed
from shared.grades import Mode
from shared.money import Money

WHOLE = 10_000  # basis points
ALPHA_BASE, ALPHA_SLOPE = 8_000, 4_000  # α = clip(0.8 + 0.4 Q), the catalogue's own coefficient
ALPHA_MIN, ALPHA_MAX = 8_000, 12_000
# What an organisation's DCMM level does to a value; one that is not rated is neither raised nor lowered.
MATURITY: Mapping[int, int] = {1: 9_500, 2: 9_750, 3: 10_000, 4: 10_250, 5: 10_500}


class Approach(StrEnum):
    COST = "cost"
    INCOME = "income"
    MARKET = "market"


class CostKind(StrEnum):
    PLANNING = "planning"  # 前期费用
    DIRECT = "direct"  # 直接成本: collection, processing
    INDIRECT = "indirect"  # 间接成本
    OPPORTUNITY = "opportunity"  # 机会成本
    TAXES = "taxes"  # 相关税费


class Earning(StrEnum):
    """How the data's part of what is earned is told."""

    DIRECT = "direct"  # 预期收益
    SHARE = "share"  # 收益分成
    EXCESS = "excess"  # 超额收益
    INCREMENTAL = "incremental"  # 增量收益


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
    approach: Literal[Approach.COST] = Approach.COST


@dataclass(frozen=True, slots=True)
class DirectYear:
    """What the data earn."""

    earned: Money
    kind: Literal[Earning.DIRECT] = Earning.DIRECT


@dataclass(frozen=True, slots=True)
class SharedYear:
    """The data's share of what is earned with them."""

    earned: Money
    share_basis_points: int
    kind: Literal[Earning.SHARE] = Earning.SHARE


@dataclass(frozen=True, slots=True)
class ExcessYear:
    """What is left when all other assets have had theirs."""

    earned: Money
    others: Money
    kind: Literal[Earning.EXCESS] = Earning.EXCESS


@dataclass(frozen=True, slots=True)
class IncrementalYear:
    """What is earned with the data beyond what would be without."""

    earned: Money
    earned_without: Money
    kind: Literal[Earning.INCREMENTAL] = Earning.INCREMENTAL


Year = DirectYear | SharedYear | ExcessYear | IncrementalYear


@dataclass(frozen=True, slots=True)
class IncomeApproach:
    """V = Σ F_t / (1 + i)^t. `years` are all of one kind, the first a year from now."""

    years: tuple[Year, ...]
    basis: Basis
    discount_rate_basis_points: int
    approach: Literal[Approach.INCOME] = Approach.INCOME


@dataclass(frozen=True, slots=True)
class MarketApproach:
    """The median of P_j × α / α_j × dates × the three factors that the owner gives reasons for × m."""

    mode: Mode
    exclusive: bool = False
    supply_demand_basis_points: int = WHOLE
    volume_basis_points: int = WHOLE
    other_basis_points: int = WHOLE
    approach: Literal[Approach.MARKET] = Approach.MARKET


Method = CostApproach | IncomeApproach | MarketApproach


class YearBelowNothing(Malformed):
    """In each year of a forecast the data earn nothing or more; an outlay belongs to the cost approach."""


Values = Mapping[Factor, Fraction]
# Where a factor ends, however it is moved; none may fall below nothing.
LIMITS: Mapping[Factor, tuple[Fraction, Fraction]] = {
    Factor.QUALITY: (Fraction(0), Fraction(1)),
    Factor.REALISATION: (Fraction(0), Fraction(1)),
    Factor.MATURITY: (Fraction(min(MATURITY.values()), WHOLE), Fraction(max(MATURITY.values()), WHOLE)),
}


def alpha(score: Fraction) -> Fraction:
    """What quality does to a value: clip(a0 + a1 Q), continuous and rising. Requires 0 <= score <= 1."""
    return min(max(ratio(ALPHA_BASE) + ratio(ALPHA_SLOPE) * score, ratio(ALPHA_MIN)), ratio(ALPHA_MAX))


def cost_value(cost: CostApproach, values: Values) -> Fraction:
    spent = values[Factor.COSTS] * sum(each.amount.minor for each in cost.costs) * (1 + values[Factor.RETURN])
    useful = alpha(values[Factor.QUALITY]) * values[Factor.CIRCULATION] * (1 + values[Factor.SCARCITY])
    return spent * useful * values[Factor.REALISATION] * values[Factor.MATURITY]


def income_value(income: IncomeApproach, values: Values) -> Fraction:
    earned, deducted = values[Factor.EARNED], values.get(Factor.DEDUCTED, Fraction(1))
    growth = 1 + values[Factor.DISCOUNT_RATE]
    flows = (max(_flow(year, earned, deducted), Fraction(0)) for year in income.years)
    return sum((flow / growth**t for t, flow in enumerate(flows, start=1)), Fraction(0))


def _flow(year: Year, earned: Fraction, deducted: Fraction) -> Fraction:
    match year:
        case DirectYear():
            return year.earned.minor * earned
        case SharedYear():
            return year.earned.minor * earned * ratio(year.share_basis_points)
        case ExcessYear():
            return year.earned.minor * earned - year.others.minor * deducted
        case IncrementalYear():
            return year.earned.minor * earned - year.earned_without.minor * deducted


def require_flows(income: IncomeApproach) -> None:
    """Raises YearBelowNothing for the first year in which the data earn less than nothing as they stand."""
    for number, year in enumerate(income.years, start=1):
        if (flow := _flow(year, Fraction(1), Fraction(1))) < 0:
            raise YearBelowNothing(year=number, flow_minor=int(flow))


def adjusted_prices(values: Values, comparables: Sequence[Comparable]) -> list[Fraction]:
    """What each comparable would have been sold for, had it been these data, now."""
    ours = alpha(values[Factor.QUALITY]) * values[Factor.PRICES] * values[Factor.MATURITY]
    ours *= values[Factor.SUPPLY_DEMAND] * values[Factor.VOLUME] * values[Factor.OTHER]
    return [each.price.minor * ours / alpha(each.quality) * each.date_factor for each in comparables]


def ratio(basis_points: int) -> Fraction:
    return Fraction(basis_points, WHOLE)
