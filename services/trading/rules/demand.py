"""What a party to an order asks for in a dispute (仲裁请求), and how a whole is divided between the two sides.

Promises: no more than the order's price is disputed; where there is no money to ask for, remedies alone are; two parts
of a split make ten thousand, always. What the claimant does not ask for is conceded to the other side.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.trading.rules.settlement import WHOLE
from shared.errors import Malformed
from shared.money import Money


class Side(StrEnum):
    CLAIMANT = "claimant"
    RESPONDENT = "respondent"

    @property
    def other(self) -> "Side":
        return Side.RESPONDENT if self is Side.CLAIMANT else Side.CLAIMANT


class Category(StrEnum):
    NOT_DELIVERED = "not_delivered"
    NOT_AS_DESCRIBED = "not_as_described"
    QUALITY_BELOW_SLA = "quality_below_sla"
    RIGHTS_DEFECT = "rights_defect"
    OVER_USE = "over_use"
    LEAK = "leak"


class Remedy(StrEnum):
    REDELIVER = "redeliver"  # one more use, at no price
    END_RIGHT = "end_right"  # the right ends, and what was received is to be deleted
    SUSPEND_RIGHT = "suspend_right"  # the right rests until its period is over


class NotTheClaim(Malformed):
    """A claim asks for one minor unit at least and for what can be claimed at most, in its currency, each remedy once;
    where no money need be asked for, for a remedy at least."""


class SplitNotWhole(Malformed):
    """The two parts of a split are basis points, zero or more each, that add up to 10 000."""


@dataclass(frozen=True, slots=True)
class Split:
    """Of a whole between the two sides, in basis points."""

    claimant: int
    respondent: int

    def __post_init__(self) -> None:
        if min(self.claimant, self.respondent) < 0 or self.claimant + self.respondent != WHOLE:
            raise SplitNotWhole(basis_points=WHOLE)

    def of(self, whole: Money) -> tuple[Money, Money]:
        """The claimant's part and the respondent's: together the whole; the odd unit of a half is the claimant's."""
        claimant, respondent = whole.split([self.claimant, self.respondent])
        return claimant, respondent

    def part(self, whole: Money, side: Side) -> Money:
        return self.of(whole)[0 if side is Side.CLAIMANT else 1]


EQUAL = Split(WHOLE // 2, WHOLE // 2)


def all_to(side: Side) -> Split:
    return Split(WHOLE, 0) if side is Side.CLAIMANT else Split(0, WHOLE)


@dataclass(frozen=True, slots=True)
class Demand:
    """`amount` of the price is disputed: the buyer wants it back, or the provider wants it for good."""

    category: Category
    amount: Money
    remedies: tuple[Remedy, ...] = ()


def require_within(demand: Demand, claimable: Money, *, minor_min: int = 1) -> None:
    """Raises NotTheClaim unless so much can be asked for, of so much."""
    if demand.amount.currency != claimable.currency:
        raise NotTheClaim(currency=claimable.currency)
    if not minor_min <= demand.amount.minor <= claimable.minor:
        raise NotTheClaim(minor_min=minor_min, minor_max=claimable.minor)
    if demand.amount.minor == 0 and not demand.remedies:
        raise NotTheClaim(detail="a claim to no money asks for a remedy")
    if len(set(demand.remedies)) != len(demand.remedies):
        raise NotTheClaim(detail="a remedy is asked for once")
