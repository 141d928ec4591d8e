"""Double auctions for tests of their rules, made in one line each."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.trading.rules import double_auction as rules
from services.trading.rules.double_auction import DoubleAuction, DoubleTerms, commitment_of, double_terms_of
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.negotiation_terms import Side
from services.trading.rules.right import Right, RightKind
from services.trading.rules.scope import Scope
from shared.ids import DoubleAuctionId, ListingId, ParticipantId
from shared.money import Money
from tests.trading.made import FEES, NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BUYER, PROVIDER, LISTING = ParticipantId.new(), ParticipantId.new(), ListingId.new()
NONCE = "5a" * 16
SCOPE = Scope(Right(RightKind.UNLIMITED, "air_travel", "CN", 30), ("route_planning",), 3)


def terms(*, seal_by: datetime = NOON + DAY, reveal_by: datetime = NOON + 2 * DAY, weight: int = 50) -> DoubleTerms:
    return double_terms_of(
        scope=SCOPE,
        bid_weight_percent=weight,
        seal_by=seal_by,
        reveal_by=reveal_by,
        fees=FEES,
        rules=STANDARD,
        now=NOON,
    )


def opened(double_auction_id: DoubleAuctionId | None = None, **changes: Any) -> DoubleAuction:
    """From noon on, a day to seal and another to open."""
    id = double_auction_id or DoubleAuctionId.new()
    return replace(rules.open_double(id, LISTING, PROVIDER, BUYER, terms(), NOON), **changes)


def sealed_by(auction: DoubleAuction, side: Side, minor: int, at: datetime) -> DoubleAuction:
    who = BUYER if side is Side.BUYER else PROVIDER
    return rules.seal(auction, side, commitment_of(auction.id, who, Money(minor), NONCE), at)
