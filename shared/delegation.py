"""Delegation: what an organisation lets another do in its name, and how far (民法典 arts 161-170).

Promises: what is not named is not delegated; a limit that is set is never passed, and one that cannot be looked at
counts as passed; an agent has what both sides have, and is kept from what either is kept from.
Does not: know how a delegation comes about or ends (identity's rules), or whether both sides may trade.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import Forbidden
from shared.ids import AssetId, DelegationId, ListingId, ParticipantId
from shared.money import Money


class Act(StrEnum):
    PLACE_BIDS = "place_bids"
    LIST = "list"


class OutsideDelegation(Forbidden):
    """Your principal has not delegated this to you."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`asset_ids`, `listing_ids`: None where any will do. `amount_max`: of each act by itself."""

    acts: frozenset[Act]
    begins_at: datetime
    ends_at: datetime
    asset_ids: frozenset[AssetId] | None = None
    listing_ids: frozenset[ListingId] | None = None
    amount_max: Money | None = None

    def in_force(self, act: Act, now: datetime) -> bool:
        return act in self.acts and self.begins_at <= now < self.ends_at

    def require(
        self, act: Act, now: datetime, asset_id: AssetId, listing_id: ListingId | None = None,
        amount: Money | None = None,
    ) -> None:  # fmt: skip
        """Raises OutsideDelegation, with the first limit that is passed. A new listing has no id, and so is no listing
        of those that are named."""
        if act not in self.acts:
            raise OutsideDelegation(limit="acts")
        if not self.begins_at <= now < self.ends_at:
            raise OutsideDelegation(limit="period", begins_at=self.begins_at, ends_at=self.ends_at)
        if self.asset_ids is not None and asset_id not in self.asset_ids:
            raise OutsideDelegation(limit="asset_ids")
        if self.listing_ids is not None and listing_id not in self.listing_ids:
            raise OutsideDelegation(limit="listing_ids")
        if self.amount_max is not None and amount is not None and not _is_within(amount, self.amount_max):
            raise OutsideDelegation(limit="amount_max", amount_max=self.amount_max)


@dataclass(frozen=True, slots=True)
class Delegation:
    """As it was agreed."""

    id: DelegationId
    principal_id: ParticipantId
    agent_id: ParticipantId
    limits: Limits


def _is_within(amount: Money, ceiling: Money) -> bool:
    return amount.currency == ceiling.currency and amount.minor <= ceiling.minor
