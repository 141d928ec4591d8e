"""How a dispute ends: who gets how much of what was disputed, who bears the fees, and what becomes of the right.

Promises: both parts add up to what was disputed, whichever way it ends; nobody gets less than the other side admits.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.trading.rules.demand import EQUAL, Demand, Remedy, Side, Split, all_to
from services.trading.rules.ruling import Ruling
from shared.money import Money


class Basis(StrEnum):
    RULING = "ruling"
    SETTLEMENT = "settlement"
    DEFAULT = "default"
    LONE_FUNDER = "lone_funder"  # an appeal that only one side paid for


@dataclass(frozen=True, slots=True)
class Offer:
    """What one side would settle for. Two that say the same are a settlement."""

    side: Side
    split: Split
    remedies: tuple[Remedy, ...]
    offered_at: datetime

    def agrees_with(self, other: "Offer") -> bool:
        return (self.split, set(self.remedies)) == (other.split, set(other.remedies))


@dataclass(frozen=True, slots=True)
class Outcome:
    """`fees` says who bears them; None where everyone gets theirs back."""

    basis: Basis
    claimant: Money
    respondent: Money
    fees: Split | None
    remedies: tuple[Remedy, ...]


def by_ruling(demand: Demand, admitted: Money, ruling: Ruling) -> Outcome:
    claimant = max(ruling.split.of(demand.amount)[0], admitted)
    return Outcome(Basis.RULING, claimant, demand.amount - claimant, ruling.fees, ruling.remedies)


def by_default(demand: Demand) -> Outcome:
    """The claimant gets all that it asked for, and its fee back."""
    return _whole(Basis.DEFAULT, demand, Side.CLAIMANT, None)


def by_lone_funder(demand: Demand, funder: Side, admitted: Money) -> Outcome:
    """The one side that paid for the appeal wins; of what is disputed the claimant keeps what is admitted."""
    if funder is Side.CLAIMANT:
        return _whole(Basis.LONE_FUNDER, demand, funder, all_to(funder.other))
    return Outcome(Basis.LONE_FUNDER, admitted, demand.amount - admitted, all_to(funder.other), ())


def by_settlement(demand: Demand, offer: Offer, *, heard: bool) -> Outcome:
    """What both sides agree on. `heard`: it was under review already, and the fees are borne by halves."""
    claimant, respondent = offer.split.of(demand.amount)
    return Outcome(Basis.SETTLEMENT, claimant, respondent, EQUAL if heard else None, offer.remedies)


def _whole(basis: Basis, demand: Demand, winner: Side, fees: Split | None) -> Outcome:
    claimant, respondent = all_to(winner).of(demand.amount)
    return Outcome(basis, claimant, respondent, fees, demand.remedies)
