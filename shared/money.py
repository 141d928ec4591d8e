"""Exact money: an integer number of minor units (分), and its currency.

Promises: currencies never mix; nothing is ever rounded away, for a split's shares add up to the whole; what is not a
whole number, or more than can be stored, is no money.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

MINOR_MAX = 10**15  # of one amount that someone sends
MINOR_STORED_MAX = 2**63 - 1  # of any sum: what a column of either database holds


@dataclass(frozen=True, slots=True)
class Money:
    """Requires a whole number; below zero only as the difference of two amounts."""

    minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError("money is a whole number of minor units")
        if abs(self.minor) > MINOR_STORED_MAX:
            raise OverflowError("so much money cannot be stored")

    def __add__(self, other: Self) -> Self:
        self._same_currency(other)
        return type(self)(self.minor + other.minor, self.currency)

    def __sub__(self, other: Self) -> Self:
        self._same_currency(other)
        return type(self)(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> Self:
        return type(self)(self.minor * times, self.currency)

    def __lt__(self, other: Self) -> bool:
        self._same_currency(other)
        return self.minor < other.minor

    def __le__(self, other: Self) -> bool:
        self._same_currency(other)
        return self.minor <= other.minor

    def __gt__(self, other: Self) -> bool:
        return other < self

    def __ge__(self, other: Self) -> bool:
        return other <= self

    def split(self, weights: Sequence[int]) -> list[Self]:
        """Shares in proportion to the weights, one for each, that add up to this amount.

        Largest remainder: each share is rounded down, and the units left over go to the largest remainders, ties to
        the earlier index. A weight of zero gets nothing. Requires an amount and weights of zero or more, not all zero.
        """
        total = sum(weights)
        if self.minor < 0 or total <= 0 or min(weights) < 0:
            raise ValueError("only a positive whole can be split, by weights of zero or more")
        shares = [self.minor * weight // total for weight in weights]
        remainders = [self.minor * weight % total for weight in weights]
        by_remainder = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
        for index in by_remainder[: self.minor - sum(shares)]:
            shares[index] += 1
        return [type(self)(share, self.currency) for share in shares]

    def portion(self, basis_points: int) -> Self:
        """The part of this amount that so many hundredths of a percent make, by `split`: the odd unit at an exact
        half stays with the rest. Requires 0 <= basis_points <= 10 000."""
        return self.split([10_000 - basis_points, basis_points])[1]

    def _same_currency(self, other: Self) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")


def total(amounts: Sequence[Money], currency: str = "CNY") -> Money:
    return sum(amounts, start=Money(0, currency))
