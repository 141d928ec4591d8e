"""What measured use costs (按量计费): the price of units, by a function that both sides know before the first is used.

Promises: tiers are marginal, so that more units never cost less; discounts are taken off the list price one after the
other, and stop where nothing is left; net + tax = gross exactly, rounded once; as many units as were reserved cost what
was reserved.
Source: market-rules B3 (tiers, discounts, tax) and B9 (the maximum is reserved, what was used is posted).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.money import Money

WHOLE = 10_000  # basis points


@dataclass(frozen=True, slots=True)
class Tier:
    """What each unit costs up to and with number `up_to`, after the tier before; None is without end."""

    up_to: int | None
    unit_minor: int

    @property
    def unit_price(self) -> Money:
        return Money(self.unit_minor)


@dataclass(frozen=True, slots=True)
class Meter:
    """Requires tiers in order, the last without end, and discounts and a tax rate in basis points."""

    tiers: tuple[Tier, ...]
    discounts: tuple[int, ...]
    tax_basis_points: int
    tax_inclusive: bool
    units_max: int
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Cost:
    """`gross` is what is paid, and `tax` the part of it that is tax."""

    gross: Money
    tax: Money


def cost(meter: Meter, units: int) -> Cost:
    """Requires zero to `units_max` units."""
    listed = Money(tiered_minor(meter.tiers, units), meter.currency)
    asked = listed - sum(discounts_of(listed, meter.discounts), start=Money(0, meter.currency))
    _, tax, gross = taxed(asked, meter.tax_inclusive, meter.tax_basis_points)
    return Cost(gross, tax)


def tiered_minor(tiers: Sequence[Tier], quantity: int) -> int:
    """What so many units cost by marginal tiers. Requires tiers in order, the last without end."""
    costs, begun = 0, 0
    for tier in tiers:
        end = quantity if tier.up_to is None else min(quantity, tier.up_to)
        costs += max(0, end - begun) * tier.unit_minor
        begun = max(begun, end)
    return costs


def discounts_of(price: Money, basis_points: Sequence[int]) -> list[Money]:
    """What each discount takes off: its share of the list price, at most what is left."""
    taken, left = list[Money](), price
    for each in basis_points:
        taken.append(min(price.portion(each), left))
        left -= taken[-1]
    return taken


def taxed(amount: Money, inclusive: bool, basis_points: int) -> tuple[Money, Money, Money]:
    """Net, tax and gross of an amount with its tax inside, or on top. Requires an amount of zero or more."""
    if inclusive:
        net, tax = amount.split([WHOLE, basis_points])
        return net, tax, amount
    tax = amount.portion(basis_points)
    return amount, tax, amount + tax
