"""Shares of a combined product: what each of several providers gets of a price, by what their data add to it.

Owns: two methods, and how a price becomes fees and shares. Coverage: an atom's worth is shared by those who hold it,
which is the exact Shapley value of covering atoms. Shapley: each party's marginal contribution, averaged over all
orders, for any game of at most twelve.
Promises: everything is exact until one split by largest remainder; fees and shares add up to the price, to the fen; a
share is never below nothing, and where a value was, it says so; who adds nothing gets nothing; the order in which
parties are named changes nothing. Under coverage, affiliates count as one holder of what they hold and share that
evenly (Owen's value), so that splitting or copying one's data into further accounts of one's own never pays.
Does not: move money, or know whose data these are; leave-one-out is never offered, for copies would get nothing by it.
Sources: Shapley 1953; Owen 1977; Luo, Pei et al., VLDB 2022 (independent utility); market-rules B5, S1 to S6.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from math import factorial, lcm
from typing import Any

from shared.errors import Conflict, Malformed, NotFound
from shared.facts import plain
from shared.ids import ParticipantId, RevenueShareId
from shared.money import Money, total

METHOD_VERSION = "shares_2026_11"
PARTIES_MAX = 100
SHAPLEY_PARTIES_MAX = 12
ATOMS_MAX = 1_000
FEES_MAX = 10
PROVIDER_FEE = "服务费 · provider's fee"
TAX_ON_FEE = "服务费增值税 · tax on the fee"


class Method(StrEnum):
    COVERAGE = "coverage"
    SHAPLEY = "shapley"


@dataclass(frozen=True, slots=True)
class Atom:
    """A part of the product (rows × columns) with its worth, and the places of those parties who hold it."""

    weight: int
    holders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """`groups`: for each party, the number of the group of affiliates that it belongs to."""

    atoms: tuple[Atom, ...]
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Game:
    """`worths[mask]`: what those parties make together whose places are the bits of `mask`; nobody makes nothing."""

    worths: tuple[int, ...]


Utility = Coverage | Game


@dataclass(frozen=True, slots=True)
class Fee:
    description: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Share:
    """`value` is exact, as the method gives it: a fraction as text, `70/3`, or `20` where it is whole. `clamped` if it
    was below nothing and counts as nothing."""

    participant_id: ParticipantId
    value: str
    clamped: bool
    amount: Money


@dataclass(frozen=True, slots=True)
class RevenueShares:
    """A result that never changes. `document` is the canonical JSON of inputs and result that the hash is of."""

    id: RevenueShareId
    method: Method
    method_version: str
    asked_by: ParticipantId
    price: Money
    fees: tuple[Fee, ...]
    fee_schedule_id: str | None
    shares: tuple[Share, ...]
    document: str
    document_hash: str
    computed_at: datetime


class NoSuchRevenueShares(NotFound):
    """There are no such revenue shares, or you are no party to them."""


class TooManyParties(Malformed):
    """An exact Shapley value is computed for at most twelve parties; share a larger product by coverage."""


class WorthsIncomplete(Malformed):
    """A game tells the worth of every combination of its parties, and that nobody is worth nothing."""


class PartyUnknown(Malformed):
    """An atom names a holder who is no party, or names one twice."""


class PartyRepeated(Malformed):
    """Each party is named once."""


class NotAParty(Conflict):
    """Shares are computed for those who have a part in them: name your own organisation among the parties."""


class PartyNotAdmitted(Conflict):
    """One of the parties is no admitted organisation."""


class NothingToShare(Conflict):
    """Nobody contributes anything by these figures, so there is no proportion to share by."""


class FeesExceedPrice(Conflict):
    """The fees are more than the price."""


def places(parties: Sequence[ParticipantId]) -> tuple[int, ...]:
    """The places of the parties in the order of their ids. Raises PartyRepeated."""
    if len(set(parties)) != len(parties):
        raise PartyRepeated()
    return tuple(sorted(range(len(parties)), key=lambda place: parties[place]))


def in_order(utility: Utility, order: Sequence[int]) -> Utility:
    """The same utility with its parties in another order: `order[new]` is the old place of who stands at `new`."""
    if isinstance(utility, Game):
        count = len(order)
        require_complete(utility, count)
        worths = [utility.worths[_old_mask(mask, order)] for mask in range(1 << count)]
        return Game(tuple(worths))
    new = {old: place for place, old in enumerate(order)}
    for atom in utility.atoms:
        _check_holders(atom, len(order))
    atoms = sorted((atom.weight, tuple(sorted(new[holder] for holder in atom.holders))) for atom in utility.atoms)
    renumbered = _renumbered([utility.groups[old] for old in order])
    return Coverage(tuple(Atom(weight, holders) for weight, holders in atoms), renumbered)


def values(utility: Utility, count: int) -> tuple[Fraction, ...]:
    """The exact value of each party. They add up to what all of them make together."""
    return coverage_values(utility, count) if isinstance(utility, Coverage) else shapley_values(utility, count)


def coverage_values(coverage: Coverage, count: int) -> tuple[Fraction, ...]:
    """For each party, the sum over its atoms of the weight, by the number of groups that hold it, by the number of its
    own group that do. Without affiliates: φ_i = Σ w_a / |holders of a|."""
    weights = [Counter[int]() for _ in range(count)]  # of each party, by what they are divided by
    for atom in coverage.atoms:
        _check_holders(atom, count)
        holding = Counter(coverage.groups[holder] for holder in atom.holders)
        for holder in atom.holders:
            weights[holder][len(holding) * holding[coverage.groups[holder]]] += atom.weight
    return tuple(
        sum((Fraction(weight, divisor) for divisor, weight in theirs.items()), Fraction(0)) for theirs in weights
    )


def shapley_values(game: Game, count: int) -> tuple[Fraction, ...]:
    """Each party's marginal contribution, averaged over all orders in which the parties may come together."""
    require_complete(game, count)
    weights = [factorial(size) * factorial(count - size - 1) for size in range(count)]
    sums = [0] * count
    for mask in range(1 << count):
        size = mask.bit_count()
        for party in range(count):
            if not mask >> party & 1:
                sums[party] += weights[size] * (game.worths[mask | 1 << party] - game.worths[mask])
    return tuple(Fraction(each, factorial(count)) for each in sums)


def require_complete(game: Game, count: int) -> None:
    """Raises TooManyParties with the way out, or WorthsIncomplete."""
    if count > SHAPLEY_PARTIES_MAX:
        raise TooManyParties(parties=count, parties_max=SHAPLEY_PARTIES_MAX, instead=Method.COVERAGE)
    if len(game.worths) != 1 << count:
        raise WorthsIncomplete(told=len(game.worths), needed=1 << count)
    if game.worths[0] != 0:
        raise WorthsIncomplete(told=len(game.worths), needed=1 << count, worth_of_nobody=game.worths[0])


def share(
    price: Money, fees: Sequence[Fee], parties: Sequence[ParticipantId], values: Sequence[Fraction]
) -> tuple[Share, ...]:  # fmt: skip
    """What each party gets of what the fees leave of the price, in the order of the parties.

    A value below nothing counts as nothing, and the rest in proportion; the unit left over goes to the largest
    remainder, ties to the earlier party. Requires parties in the order of their ids, and the value of each.
    """
    net = price - total([fee.amount for fee in fees], price.currency)
    if net.minor < 0:
        raise FeesExceedPrice(price_minor=price.minor, fees_minor=(price - net).minor)
    counted = [max(value, Fraction(0)) for value in values]
    if not any(counted):
        raise NothingToShare()
    amounts = net.split(_whole(counted))
    return tuple(
        Share(party, str(value), value < 0, amount)
        for party, value, amount in zip(parties, values, amounts, strict=True)
    )


def platform_fees(price: Money, provider_fee_basis_points: int, tax_basis_points: int) -> tuple[Fee, ...]:
    """The fee on the price and the tax on that fee, as a settlement takes them."""
    fee = price.portion(provider_fee_basis_points)
    return Fee(PROVIDER_FEE, fee), Fee(TAX_ON_FEE, fee.portion(tax_basis_points))


def document(
    parties: Sequence[ParticipantId], price: Money, fees: Sequence[Fee], fee_schedule_id: str | None, utility: Utility,
    shares: Sequence[Share],
) -> dict[str, Any]:  # fmt: skip
    """Inputs and result as canonical JSON can carry them: the same for the same question, whoever asks and when."""
    told = {
        "method": method_of(utility), "method_version": METHOD_VERSION, "parties": parties, "price": price,
        "fees": fees, "fee_schedule": fee_schedule_id, "utility": utility,
        "shares": [{"value": each.value, "clamped": each.clamped, "amount": each.amount} for each in shares],
    }  # fmt: skip
    return plain(told)


def method_of(utility: Utility) -> Method:
    return Method.COVERAGE if isinstance(utility, Coverage) else Method.SHAPLEY


def is_party(shares: RevenueShares, participant_id: ParticipantId | None) -> bool:
    return any(share.participant_id == participant_id for share in shares.shares)


def _check_holders(atom: Atom, count: int) -> None:
    if len(set(atom.holders)) != len(atom.holders):
        raise PartyUnknown(holders=list(atom.holders), parties=count)
    if not all(0 <= holder < count for holder in atom.holders):
        raise PartyUnknown(holders=list(atom.holders), parties=count)


def _old_mask(mask: int, order: Sequence[int]) -> int:
    return sum(1 << order[place] for place in range(len(order)) if mask >> place & 1)


def _renumbered(groups: Sequence[int]) -> tuple[int, ...]:
    return tuple(list(groups).index(group) for group in groups)


def _whole(parts: Sequence[Fraction]) -> list[int]:
    """Whole numbers in the same proportion."""
    scale = lcm(*(part.denominator for part in parts))
    return [int(part * scale) for part in parts]
