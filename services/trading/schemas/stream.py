"""What is heard of an auction while it runs. Bidders are numbers; a maximum is never told."""

from datetime import datetime
from typing import Self

from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import State
from services.trading.rules.bid import Bid
from shared.ids import AuctionId
from shared.money import Money
from shared.web import View


class HeardBid(View):
    """An accepted bid, and what it made of the auction."""

    sequence: int
    bidder_number: int
    price_after: Money
    leading: bool
    closes_at: datetime
    placed_at: datetime

    @classmethod
    def of(cls, bid: Bid) -> Self:
        return cls.model_validate(bid)


class HeardExtension(View):
    """The end has moved, because of the bid that is told next."""

    sequence: int
    closes_at: datetime


class HeardClose(View):
    """The end. The price is told if it was sold or awarded."""

    auction_id: AuctionId
    state: State
    reason_code: str | None
    price: Money | None
    winning_bidder_number: int | None
    bids: int
    closes_at: datetime

    @classmethod
    def of(cls, auction: AnyAuction, leader_number: int | None) -> Self:
        has_winner = auction.winner_id is not None
        return cls(
            auction_id=auction.id, state=auction.state, reason_code=auction.reason_code,
            price=auction.price if has_winner else None,
            winning_bidder_number=leader_number if has_winner else None, bids=auction.bid_count,
            closes_at=auction.closes_at,
        )  # fmt: skip
