"""What a negotiation is conducted by, and what one offer says: whole terms, their hash, and how long they are held.

Promises: an offer says everything, so that nothing of an earlier one is in force beside it; the same terms have the
same hash for both sides and for whoever checks; no offer asks for more than is listed, nor is held for ever.
Source: market rules N4, N5; Dataspace Protocol 2025-1 (an offer is a whole policy, never a change to one).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.trading.rules.listing import Listing
from services.trading.rules.market_rules import NegotiationRules
from services.trading.rules.right import Right
from services.trading.rules.scope import Scope, require_within
from shared import canonical
from shared.errors import Malformed
from shared.facts import plain
from shared.grades import Mode
from shared.ids import ListingId, OfferId, VersionId
from shared.money import Money


class Side(StrEnum):
    BUYER = "buyer"
    PROVIDER = "provider"

    @property
    def other(self) -> "Side":
        return Side.PROVIDER if self is Side.BUYER else Side.BUYER


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is conducted, fixed at the opening. `directed`: to one buyer, whom the provider named; then a price of
    `approval_from_minor` or more needs an operator's approval, within `approval_seconds`."""

    directed: bool
    concession: bool
    rounds_max: int
    approval_from_minor: int
    approval_seconds: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one side offers for which part of the listing, and how long it holds that."""

    price: Money
    field: str
    territory: str
    period_days: int
    purposes: tuple[str, ...]
    quota_uses: int
    expires_at: datetime

    def scope(self, listing: Listing) -> Scope:
        """Of a right of the listing's own kind."""
        right = replace(listing.right, field=self.field, territory=self.territory, period_days=self.period_days)
        return Scope(right, self.purposes, self.quota_uses)


@dataclass(frozen=True, slots=True)
class Terms:
    """A full snapshot. `right` is of the listing's kind, in a field, a territory and for a period within it."""

    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    price: Money
    right: Right
    purposes: tuple[str, ...]
    quota_uses: int

    @property
    def scope(self) -> Scope:
        return Scope(self.right, self.purposes, self.quota_uses)

    @property
    def text(self) -> str:
        """The terms in canonical JSON (RFC 8785); moments are whole microseconds since 1970."""
        return canonical.encode(plain(self)).decode()

    @property
    def hash(self) -> str:
        """SHA-256 of the text, in hex."""
        return canonical.digest(plain(self))


@dataclass(frozen=True, slots=True)
class Offer:
    """Terms that one side holds until `expires_at`. `number` counts the offers of both sides, from 1."""

    id: OfferId
    number: int
    side: Side
    terms: Terms
    terms_hash: str
    made_at: datetime
    expires_at: datetime


class BadExpiry(Malformed):
    """An offer is held for at least and at most as long as the facts say."""


class RoundsOutOfRange(Malformed):
    """A negotiation has at least and at most so many offers as the facts say."""


def manner_of(rules: NegotiationRules, *, directed: bool, concession: bool, rounds_max: int | None) -> Manner:
    """Under the market's rules; for no number of rounds, as many as these allow."""
    if rounds_max is not None and not 2 <= rounds_max <= rules.rounds_max:
        raise RoundsOutOfRange(rounds_min=2, rounds_max=rules.rounds_max)
    return Manner(
        directed, concession, rounds_max or rules.rounds_max, rules.approval_from_minor, rules.approval_seconds
    )  # fmt: skip


def terms_of(listing: Listing, proposal: Proposal) -> Terms:
    """The terms of what is proposed for a part, or the whole, of what is listed. Raises BeyondListing for more."""
    scope = proposal.scope(listing)
    require_within(scope, listing)
    return Terms(
        listing.id, listing.version_id, listing.mode, proposal.price, scope.right, scope.purposes, scope.quota_uses
    )  # fmt: skip


def offer_of(
    offer_id: OfferId, number: int, side: Side, terms: Terms, expires_at: datetime, rules: NegotiationRules,
    now: datetime,
) -> Offer:  # fmt: skip
    shortest, longest = timedelta(seconds=rules.offer_seconds_min), timedelta(seconds=rules.offer_seconds_max)
    if not shortest <= expires_at - now <= longest:
        raise BadExpiry(seconds_min=rules.offer_seconds_min, seconds_max=rules.offer_seconds_max)
    return Offer(offer_id, number, side, terms, terms.hash, now, expires_at)
