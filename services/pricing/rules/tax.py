"""What part of a price is tax (增值税): a dated table, and the exact division of an amount by it.

Owns: the rates, each with the day from which it holds. A rate never changes; another one follows it. Does not: decide
who is taxed how; the provider's plan says which category its supply falls into, and whether its price holds the tax.
Promises: net + tax = gross exactly, rounded once. Source: market-rules B3, P9; 中华人民共和国增值税法 (in force
2026-01-01) art. 10 (6 % on services and intangible assets), art. 11 (3 % where levied by the simple method), art. 24.
The official text decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from shared.metering import taxed
from shared.money import Money


class Category(StrEnum):
    GENERAL = "general"  # 一般计税
    SIMPLE = "simple"  # 简易计税
    EXEMPT = "exempt"  # 免税


@dataclass(frozen=True, slots=True)
class Rate:
    id: str
    category: Category
    basis_points: int
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class Taxation:
    """How a plan's price is taxed. `inclusive`: the price asked is what the buyer pays."""

    category: Category = Category.GENERAL
    inclusive: bool = True


@dataclass(frozen=True, slots=True)
class Taxed:
    """An amount divided: net + tax = gross."""

    net: Money
    tax: Money
    gross: Money
    rate_id: str
    basis_points: int


_2026 = datetime(2026, 1, 1, tzinfo=UTC)
RATES = (
    Rate("vat_general_2026_01", Category.GENERAL, 600, _2026),
    Rate("vat_simple_2026_01",  Category.SIMPLE,  300, _2026),
    Rate("vat_exempt_2026_01",  Category.EXEMPT,  0,   _2026),
)  # fmt: skip


def rate_at(category: Category, now: datetime, rates: Sequence[Rate] = RATES) -> Rate:
    """The newest rate of the category that holds at this moment. Requires that one has begun."""
    begun = (rate for rate in rates if rate.category is category and rate.effective_from <= now)
    return max(begun, key=lambda rate: rate.effective_from)


def divide(amount: Money, inclusive: bool, rate: Rate) -> Taxed:
    """The amount with its tax inside, or on top. Requires an amount of zero or more."""
    return Taxed(*taxed(amount, inclusive, rate.basis_points), rate.id, rate.basis_points)
