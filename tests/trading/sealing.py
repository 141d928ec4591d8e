"""Auctions by sealed bids that tests of the rules are about: sealed, opened and closed in one line each."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.trading.rules import sealed as rules
from services.trading.rules.market_rules import STANDARD, MarketRules
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.sealed import SealedAuction, SealedBid, commitment_of
from services.trading.rules.sealed_terms import SealedTerms, sealed_terms_of
from shared.ids import AuctionId, BidId, ListingId, ParticipantId
from shared.money import Money
from tests.trading.made import FEES, NOON

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
END, DECIDED = NOON + 2 * DAY, NOON + 3 * DAY
BIDDERS = tuple(ParticipantId.new() for _ in range(8))
NONCE, SEED = "ab" * 32, bytes(range(32)).hex()
SECOND = Mechanism.SEALED_SECOND
WAYS = [(Mechanism.SEALED_FIRST, 1), (SECOND, 1), (Mechanism.UNIFORM, 3), (Mechanism.RSOP, None)]


def sealed_terms(rules_of: MarketRules = STANDARD, **changes: Any) -> SealedTerms:
    """Sealed from noon for two days, opened on the third; second price from 10."""
    asked: dict[str, Any] = {
        "mechanism": SECOND, "copies": 1, "start_price": Money(10), "reserve_price": None, "deposit": Money(1),
        "opens_at": None, "closes_at": END, "reveal_closes_at": DECIDED, "seed": SEED,
    }  # fmt: skip
    return sealed_terms_of(**(asked | changes), fees=FEES, rules=rules_of, now=NOON)


def a_sealed_auction(of: SealedTerms | None = None) -> SealedAuction:
    return rules.open_sealed(AuctionId.new(), ListingId.new(), ParticipantId.new(), of or sealed_terms(), NOON)


def sealed(auction: SealedAuction, who: int, minor: int, at: datetime = NOON) -> tuple[SealedAuction, SealedBid]:
    commitment = commitment_of(auction.id, BIDDERS[who], Money(minor), NONCE)
    return rules.commit(auction, BidId.new(), BIDDERS[who], who + 1, commitment, at)


def opened(
    auction: SealedAuction, bid: SealedBid, minor: int, at: datetime = END
) -> tuple[SealedAuction, SealedBid]:  # fmt: skip
    return rules.reveal(auction, bid, Money(minor), NONCE, at)


def closed(
    of: SealedTerms, offers: Sequence[int | None], denied: Mapping[ParticipantId, str] | None = None
) -> tuple[SealedAuction, list[SealedBid]]:
    """Everyone seals in turn, and opens in turn; None seals something and leaves it closed."""
    auction, bids = a_sealed_auction(of), list[SealedBid]()
    for who, offer in enumerate(offers):
        auction, bid = sealed(auction, who, offer or 77)
        bids.append(bid)
    for place, offer in enumerate(offers):
        if offer is not None:
            auction, bids[place] = opened(auction, bids[place], offer)
    return rules.close(auction, bids, denied or {}, DECIDED)


def paid(bids: Sequence[SealedBid]) -> dict[int, int]:
    return {place: bid.price.minor for place, bid in enumerate(bids) if bid.price is not None}
