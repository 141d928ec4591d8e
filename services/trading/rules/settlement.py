"""Who gets what of a price, or of a defaulter's deposit.

Promises: the shares add up to the whole, to the last minor unit; the schedule is the one frozen in the contract, so a
later change of fees changes no deal that was made. Default (design 9): 2.5 % of the price from the provider's side,
and 6 % VAT on that fee.
"""

from dataclasses import dataclass
from typing import Self

from shared.errors import Malformed
from shared.money import Money

WHOLE = 10_000  # basis points


class ScheduleImpossible(Malformed):
    """By this schedule, fee and tax would exceed the price."""


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    provider_fee_basis_points: int
    tax_basis_points: int  # of the fee

    def __post_init__(self) -> None:
        for rate in (self.provider_fee_basis_points, self.tax_basis_points):
            if not 0 <= rate <= WHOLE:
                raise ScheduleImpossible(basis_points_max=WHOLE)


@dataclass(frozen=True, slots=True)
class Shares:
    """Of a sale: what the provider gets, what the exchange earns, and the tax on that."""

    provider: Money
    fee: Money
    tax: Money

    @property
    def total(self) -> Money:
        return self.provider + self.fee + self.tax

    def __add__(self, other: Self) -> Self:
        return type(self)(self.provider + other.provider, self.fee + other.fee, self.tax + other.tax)


@dataclass(frozen=True, slots=True)
class Forfeited:
    """Of a deposit: the exchange's costs first, then the provider's loss, and what is left to the reserve."""

    costs: Money
    provider: Money
    reserve: Money

    @property
    def total(self) -> Money:
        return self.costs + self.provider + self.reserve


def shares(price: Money, schedule: FeeSchedule) -> Shares:
    """Requires a price of zero or more. Odd units fall as in `Money.portion`: an exact half stays with the provider."""
    fee = price.portion(schedule.provider_fee_basis_points)
    tax = fee.portion(schedule.tax_basis_points)
    provider = price - fee - tax
    if provider.minor < 0:
        raise ScheduleImpossible(price_minor=price.minor)
    return Shares(provider, fee, tax)


def forfeiture(deposit: Money, costs: Money, loss: Money) -> Forfeited:
    """Shares of a defaulter's deposit (拍卖法 art. 39: the defaulter answers for the costs and the shortfall).

    Requires costs and the provider's loss of zero or more; each is met only as far as the deposit reaches.
    """
    to_costs = min(deposit, costs)
    to_provider = min(deposit - to_costs, loss)
    return Forfeited(to_costs, to_provider, deposit - to_costs - to_provider)
