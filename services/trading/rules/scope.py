"""The scope of a deal: the right, the purposes and the uses that it grants, where that is not just what is listed.

Promises: what is bargained for lies within its listing in every term, so that whatever bound the listing (the licence
of its version first of all) binds the deal too; of a unit, several may be bought, and then only the uses add up; what a
contract says and what its entitlement gives are of one scope.
"""

from dataclasses import dataclass, replace

from services.trading.rules.claim import ALL_FIELDS
from services.trading.rules.listing import Listing
from services.trading.rules.right import Right
from shared.errors import Conflict


@dataclass(frozen=True, slots=True)
class Scope:
    """Requires that its right is of the listing's own kind, and begins when the listing's does."""

    right: Right
    purposes: tuple[str, ...]
    quota_uses: int


class BeyondListing(Conflict):
    """The listing does not offer this; `term` says which term goes beyond it, and `allowed` what it offers."""


def scope_of(listing: Listing) -> Scope:
    """All that the listing offers."""
    return Scope(listing.right, listing.purposes, listing.quota_uses)


def bought_of(listing: Listing, quota_uses: int | None, period_days: int | None) -> Scope | None:
    """So many uses, for so many days, of what the listing offers; None leaves either, or both, to it."""
    if quota_uses is None and period_days is None:
        return None
    right = replace(listing.right, period_days=period_days or listing.right.period_days)
    return replace(scope_of(listing), right=right, quota_uses=quota_uses or listing.quota_uses)


def units_of(listing: Listing, units: int) -> Scope:
    """So many times what the listing offers. Requires one or more."""
    return replace(scope_of(listing), quota_uses=units * listing.quota_uses)


def require_within(scope: Scope, listing: Listing) -> None:
    """Raises BeyondListing for the first term that goes beyond what is listed.

    Of the fields of use one holds every other, and no other has an order; a subdivision lies in its country.
    """
    asked, offered = scope.right, listing.right
    if offered.field not in {asked.field, ALL_FIELDS}:
        raise BeyondListing(term="field", allowed=offered.field)
    if offered.territory not in {asked.territory, asked.territory.partition("-")[0]}:
        raise BeyondListing(term="territory", allowed=offered.territory)
    if asked.period_days > offered.period_days:
        raise BeyondListing(term="period_days", allowed=offered.period_days)
    if scope.quota_uses > listing.quota_uses:
        raise BeyondListing(term="quota_uses", allowed=listing.quota_uses)
    if not set(scope.purposes) <= set(listing.purposes):
        raise BeyondListing(term="purposes", allowed=list(listing.purposes))


def narrowed(listing: Listing, scope: Scope | None) -> Listing:
    """The listing as this deal has it. None: all that it offers."""
    if scope is None:
        return listing
    return replace(listing, right=scope.right, purposes=scope.purposes, quota_uses=scope.quota_uses)
