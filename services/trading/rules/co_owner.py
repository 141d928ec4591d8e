"""Co-owners (共有人): who shares the provider's part of a price, and by which weights.

Promises: their parts add up to the provider's part, to the fen; the weights are frozen with the listing, and so are
those of every contract; whoever co-owns what is sold does not buy it.
Source: market-rules B5 and B9 (escrow to co-owners by `split`); 民法典 art. 307 (co-owners share the claim).
Does not: say what a fair weight is. They agree on it, or have pricing compute it (`revenue_share_id`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from shared.errors import Conflict, Malformed
from shared.ids import ParticipantId, RevenueShareId
from shared.money import Money

WHOLE = 10_000  # basis points
CO_OWNERS_MIN, CO_OWNERS_MAX = 2, 20
WEIGHT_MAX = 10**15


@dataclass(frozen=True, slots=True)
class CoOwner:
    """`weight` is a share of the sum of all weights: basis points, or the exact value that pricing found."""

    participant_id: ParticipantId
    weight: int


@dataclass(frozen=True, slots=True)
class Computed:
    """The computation in pricing that the weights are of. It never changes; its document has this hash."""

    revenue_share_id: RevenueShareId
    document_hash: str


@dataclass(frozen=True, slots=True)
class Ownership:
    """Everyone who owns a part of what is sold, the provider among them, in the order of their ids."""

    owners: tuple[CoOwner, ...]
    computed: Computed | None = None

    def includes(self, participant_id: ParticipantId) -> bool:
        return any(owner.participant_id == participant_id for owner in self.owners)


@dataclass(frozen=True, slots=True)
class Named:
    """How a provider names the co-owners: by weights in basis points, or by a computation in pricing."""

    owners: tuple[CoOwner, ...]
    revenue_share_id: RevenueShareId | None


class WeightsIncomplete(Malformed):
    """The weights of co-owners are one basis point or more each, and add up to ten thousand."""


class CoOwnersMalformed(Malformed):
    """Two to twenty co-owners are named, each once, and the provider is one of them."""


class CoOwnersNamedTwice(Malformed):
    """Co-owners follow from weights or from a revenue share that pricing computed, one of the two."""


class WeightsTooFine(Conflict):
    """This revenue share is too fine to be frozen exactly; name the co-owners by basis points instead."""


class CoOwnerNotAdmitted(Conflict):
    """One of the co-owners is no admitted organisation."""


class UnitsOfSeveralOwners(Conflict):
    """What several own is not traded in units: a call auction pays one provider for each."""


def by_basis_points(provider_id: ParticipantId, owners: Sequence[CoOwner]) -> Ownership:
    _require_named(provider_id, owners)
    weights = [owner.weight for owner in owners]
    if min(weights) < 1 or sum(weights) != WHOLE:
        raise WeightsIncomplete(sum_basis_points=sum(weights), needed_basis_points=WHOLE)
    return Ownership(_in_order(owners))


def by_revenue_share(
    provider_id: ParticipantId, values: Sequence[tuple[ParticipantId, Fraction]], computed: Computed
) -> Ownership:
    """By exact values, in the least whole numbers of the same proportion; what is below nothing counts as nothing.

    Requires that one of them is above nothing.
    """
    counted = [max(value, Fraction(0)) for _, value in values]
    scale = lcm(*(value.denominator for value in counted))
    whole = [int(value * scale) for value in counted]
    divisor = gcd(*whole)
    owners = [CoOwner(party, weight // divisor) for (party, _), weight in zip(values, whole, strict=True)]
    _require_named(provider_id, owners)
    if sum(owner.weight for owner in owners) > WEIGHT_MAX:
        raise WeightsTooFine(weight_max=WEIGHT_MAX)
    return Ownership(_in_order(owners), computed)


def owners_of(provider_id: ParticipantId, ownership: Ownership | None) -> tuple[ParticipantId, ...]:
    """Who sells: the provider, and whoever owns a part with it."""
    if ownership is None:
        return (provider_id,)
    return tuple(owner.participant_id for owner in ownership.owners)


def shared_out(
    net: Money, provider_id: ParticipantId, ownership: Ownership | None
) -> tuple[tuple[ParticipantId, Money], ...]:  # fmt: skip
    """What each owner gets of the provider's part. Parts of nothing are left out."""
    if ownership is None:
        parts = [(provider_id, net)]
    else:
        amounts = net.split([owner.weight for owner in ownership.owners])
        parts = list(zip(owners_of(provider_id, ownership), amounts, strict=True))
    return tuple((owner, amount) for owner, amount in parts if amount.minor)


def require_one_provider(ownership: Ownership | None) -> None:
    if ownership is not None:
        raise UnitsOfSeveralOwners()


def _require_named(provider_id: ParticipantId, owners: Sequence[CoOwner]) -> None:
    names = [owner.participant_id for owner in owners]
    distinct = len(set(names)) == len(names)
    if not CO_OWNERS_MIN <= len(names) <= CO_OWNERS_MAX or not distinct or provider_id not in names:
        raise CoOwnersMalformed(
            named=len(names), co_owners_min=CO_OWNERS_MIN, co_owners_max=CO_OWNERS_MAX, provider_id=provider_id
        )


def _in_order(owners: Sequence[CoOwner]) -> tuple[CoOwner, ...]:
    return tuple(sorted(owners, key=lambda owner: owner.participant_id))
