"""What crosses the wire about double auctions. A price shows to its own side alone, and only once it is opened."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.trading.rules.double_auction import DoubleAuction, SealedPrice, State
from services.trading.rules.k_double import HALF
from services.trading.schemas.listings import RightView
from services.trading.schemas.mechanisms import Digest, Nonce
from services.trading.schemas.money import Amount
from services.trading.schemas.words import Territory, Word
from shared.ids import DoubleAuctionId, ListingId, OrderId, ParticipantId
from shared.money import Money
from shared.web import Moment, Request, View

DoubleAuctionState = State


class NewDoubleAuction(Request):
    """For what both seal a price: nothing of it may go beyond the listing's own. The price is `bid_weight_percent` of
    the way from the ask to the bid; at 50 the difference is split."""

    listing_id: ListingId
    field: Word
    territory: Territory
    period_days: Annotated[int, Limits(ge=1, le=3650)]
    purposes: Annotated[list[Word], Limits(min_length=1, max_length=20)]
    quota_uses: Annotated[int, Limits(ge=1, le=1_000_000)]
    bid_weight_percent: Annotated[int, Limits(ge=0, le=100)] = HALF
    seal_by: Moment
    reveal_by: Moment


class NewSealedPrice(Request):
    """SHA-256, in hex, of the canonical JSON (RFC 8785) of what you will open, with the ids of double auction and
    participant: `{"amount":{"currency":"CNY","minor":8000},"double_auction":"double_auction_…","nonce":"…",
    "participant":"participant_…"}`."""

    commitment: Digest


class NewPriceReveal(Request):
    """What you sealed. The nonce is random: 32 to 64 digits of lower-case hex."""

    amount: Amount
    nonce: Nonce


class SealedPriceView(View):
    commitment: str
    sealed_at: datetime
    amount: Money | None
    revealed_at: datetime | None

    @classmethod
    def of(cls, sealed: SealedPrice | None, *, is_own: bool) -> Self | None:
        if sealed is None:
            return None
        return cls(
            commitment=sealed.commitment, sealed_at=sealed.sealed_at, amount=sealed.amount if is_own else None,
            revealed_at=sealed.revealed_at,
        )  # fmt: skip


class DoubleAuctionView(View):
    """`bid` is the buyer's price, `ask` the provider's; `price` is what comes of the two."""

    id: DoubleAuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    right: RightView
    purposes: list[str]
    quota_uses: int
    bid_weight_percent: int
    state: State
    next_actor: str | None
    deadline: datetime | None
    seal_by: datetime
    reveal_by: datetime
    bid: SealedPriceView | None
    ask: SealedPriceView | None
    price: Money | None
    reason_code: str | None
    order_id: OrderId | None

    @classmethod
    def of(cls, auction: DoubleAuction, seen_by: ParticipantId | None) -> Self:
        """As a party, or whoever supervises them, sees it."""
        terms, scope = auction.terms, auction.terms.scope
        return cls(
            id=auction.id, listing_id=auction.listing_id, provider_id=auction.provider_id, buyer_id=auction.buyer_id,
            right=RightView.model_validate(scope.right), purposes=list(scope.purposes), quota_uses=scope.quota_uses,
            bid_weight_percent=terms.bid_weight_percent, state=auction.state, next_actor=auction.next_actor,
            deadline=auction.deadline, seal_by=terms.seal_by, reveal_by=terms.reveal_by,
            bid=SealedPriceView.of(auction.bid, is_own=seen_by == auction.buyer_id),
            ask=SealedPriceView.of(auction.ask, is_own=seen_by == auction.provider_id),
            price=auction.price, reason_code=auction.reason_code, order_id=auction.order_id,
        )  # fmt: skip
