"""The session of a k-double auction 双向密封报价: a buyer and a provider each seal one price for the same scope of one
listing, and open it once both are sealed; one deal comes of it, or none.

Promises: until its side opens it, a price is a hash to everyone, the exchange and its database included; a side seals
once, and cannot go back on it; only what was sealed can be opened, and only in the time for that; neither side is shown
the other's price, whatever comes of it; the outcome is a function of the terms and the two opened prices alone. A fold
of the accepted commands gives the state again.
A price that stays closed is no price: there is no deal, and the reason says whose it was, as in an inquiry. Nothing is
forfeited, for nothing was learnt by it (decision 40). The price itself: `k_double`.
Sources: market rules B6, B7 (N1, N5, N7, N8); commit–reveal as in `sealed`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules import k_double
from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import MarketRules, Windows
from services.trading.rules.negotiation_terms import Side
from services.trading.rules.scope import Scope
from shared.canonical import digest
from shared.errors import Conflict, Malformed, NotFound
from shared.ids import DoubleAuctionId, ListingId, OrderId, ParticipantId
from shared.lifecycle import Lifecycle
from shared.money import Money


class State(StrEnum):
    SEALING = "sealing"
    REVEALING = "revealing"
    TRADED = "traded"
    UNTRADED = "untraded"


SEALING, REVEALING, TRADED, UNTRADED = State

DOUBLE_AUCTION = Lifecycle(start=SEALING, moves={
    SEALING:   {REVEALING, UNTRADED},
    REVEALING: {TRADED, UNTRADED},
    TRADED:    set(),
    UNTRADED:  set(),
})  # fmt: skip
SIDES = (Side.BUYER, Side.PROVIDER)
NEXT_ACTOR: Mapping[tuple[Side, ...], str] = {
    SIDES:            "buyer_and_provider",
    (Side.BUYER,):    "buyer",
    (Side.PROVIDER,): "provider",
    ():               "exchange",  # both prices are open: its next look decides
}  # fmt: skip


class Reason(StrEnum):
    """Why it ended as it did. What a grade, a freeze order or the listing has against a deal is a code of theirs."""

    PRICE_BETWEEN = "price_between"
    BID_BELOW_ASK = "bid_below_ask"
    NOTHING_SEALED = "nothing_sealed"
    BID_NOT_SEALED = "bid_not_sealed"
    ASK_NOT_SEALED = "ask_not_sealed"
    NOTHING_REVEALED = "nothing_revealed"
    BID_NOT_REVEALED = "bid_not_revealed"
    ASK_NOT_REVEALED = "ask_not_revealed"
    BY_BUYER = "by_buyer"
    BY_PROVIDER = "by_provider"


# By the sides that are missing.
UNSEALED: Mapping[tuple[Side, ...], Reason] = {
    SIDES:            Reason.NOTHING_SEALED,
    (Side.BUYER,):    Reason.BID_NOT_SEALED,
    (Side.PROVIDER,): Reason.ASK_NOT_SEALED,
}  # fmt: skip
UNREVEALED: Mapping[tuple[Side, ...], Reason] = {
    SIDES:            Reason.NOTHING_REVEALED,
    (Side.BUYER,):    Reason.BID_NOT_REVEALED,
    (Side.PROVIDER,): Reason.ASK_NOT_REVEALED,
}  # fmt: skip
DECLINED = {Side.BUYER: Reason.BY_BUYER, Side.PROVIDER: Reason.BY_PROVIDER}


@dataclass(frozen=True, slots=True)
class DoubleTerms:
    """What both seal a price for, and by when. Whoever seals has agreed to all of it."""

    scope: Scope
    bid_weight_percent: int
    seal_by: datetime
    reveal_by: datetime
    fees: FrozenFees
    windows: Windows
    rules_name: str


@dataclass(frozen=True, slots=True)
class SealedPrice:
    """A commitment, in hex; once its side has opened it, what it was."""

    commitment: str
    sealed_at: datetime
    amount: Money | None = None
    nonce: str | None = None
    revealed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PriceOpening:
    """What lets anyone with the log check a sealed price."""

    side: Side
    amount: Money
    nonce: str


@dataclass(frozen=True, slots=True)
class DoubleAuction:
    """`last_at` is the latest moment seen; `price` and `order_id` stand where it was traded."""

    id: DoubleAuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    terms: DoubleTerms
    state: State
    last_at: datetime
    bid: SealedPrice | None = None
    ask: SealedPrice | None = None
    price: Money | None = None
    reason_code: str | None = None
    order_id: OrderId | None = None
    revision: int = 1

    @property
    def deadline(self) -> datetime | None:
        """Once both prices are open nothing is waited for."""
        if self.state is SEALING:
            return self.terms.seal_by
        if self.state is REVEALING:
            return self.terms.reveal_by if self.missing else self.last_at
        return None

    @property
    def next_actor(self) -> str | None:
        if self.state not in DOUBLE_AUCTION.open_states():
            return None
        return NEXT_ACTOR[self.missing]

    @property
    def missing(self) -> tuple[Side, ...]:
        """The sides that have not sealed yet or, once both have, not opened."""
        if self.state is SEALING:
            return tuple(side for side in SIDES if self.sealed_by(side) is None)
        return tuple(side for side in SIDES if self.amount_of(side) is None)

    @property
    def openings(self) -> tuple[PriceOpening, ...]:
        """Of the prices that were opened."""
        return tuple(
            PriceOpening(side, sealed.amount, sealed.nonce)
            for side in SIDES
            if (sealed := self.sealed_by(side)) and sealed.amount is not None and sealed.nonce is not None
        )

    def sealed_by(self, side: Side) -> SealedPrice | None:
        return self.bid if side is Side.BUYER else self.ask

    def amount_of(self, side: Side) -> Money | None:
        sealed = self.sealed_by(side)
        return sealed and sealed.amount

    def side_of(self, participant_id: ParticipantId) -> Side:
        """Raises NoSuchDoubleAuction for anyone but the two."""
        if participant_id == self.buyer_id:
            return Side.BUYER
        if participant_id == self.provider_id:
            return Side.PROVIDER
        raise NoSuchDoubleAuction()


class NoSuchDoubleAuction(NotFound):
    """You have no such double auction."""


class DoubleAuctionUnderWay(Conflict):
    """This buyer has a double auction of this listing under way."""


class SealingTimes(Malformed):
    """Prices are sealed, and then opened, within times that are as long as the facts say."""


class SealingOver(Conflict):
    """Prices are sealed no more; the facts say in which state it is, and why."""


class PriceIsFinal(Conflict):
    """You have sealed your price; it binds, and cannot be changed."""


class RevealTooEarly(Conflict):
    """Prices are opened once both sides have sealed theirs."""


class RevealOver(Conflict):
    """The time to open prices is up; the facts say in which state it is, and why."""


class PriceOpenAlready(Conflict):
    """You have opened your price already."""


class PriceDiffers(Conflict):
    """What you open is not what you sealed; the facts say both hashes."""


class NothingToDecide(Conflict):
    """Prices may still be sealed or opened, or it is decided already."""


def commitment_of(double_auction_id: DoubleAuctionId, who: ParticipantId, amount: Money, nonce: str) -> str:
    """SHA-256, in hex, over the canonical JSON (RFC 8785) of what will be opened, with the ids of what it is for and
    of who seals it: `{"amount":{"currency":…,"minor":…},"double_auction":…,"nonce":…,"participant":…}`. The nonce keeps
    the amount from being guessed, the ids keep a commitment from being copied."""
    told = {"minor": amount.minor, "currency": amount.currency}
    return digest({
        "double_auction": str(double_auction_id), "participant": str(who), "amount": told, "nonce": nonce,
    })  # fmt: skip


def double_terms_of(
    *, scope: Scope, bid_weight_percent: int, seal_by: datetime, reveal_by: datetime, fees: FrozenFees,
    rules: MarketRules, now: datetime,
) -> DoubleTerms:  # fmt: skip
    """Terms whose times are within the market's. Requires a scope within the listing, and a weight from 0 to 100."""
    shortest, longest = (timedelta(seconds=each) for each in _sealing_seconds(rules))
    if not shortest <= seal_by - now <= longest:
        raise SealingTimes(seal_seconds_min=shortest.total_seconds(), seal_seconds_max=longest.total_seconds())
    least, most = timedelta(seconds=rules.reveal_seconds_min), timedelta(seconds=rules.reveal_seconds_max)
    if not least <= reveal_by - seal_by <= most:
        raise SealingTimes(reveal_seconds_min=least.total_seconds(), reveal_seconds_max=most.total_seconds())
    return DoubleTerms(scope, bid_weight_percent, seal_by, reveal_by, fees, rules.windows, rules.name)


def open_double(
    double_auction_id: DoubleAuctionId, listing_id: ListingId, provider_id: ParticipantId, buyer_id: ParticipantId,
    terms: DoubleTerms, now: datetime,
) -> DoubleAuction:  # fmt: skip
    """By the buyer. Requires two unrelated parties."""
    return DoubleAuction(double_auction_id, listing_id, provider_id, buyer_id, terms, DOUBLE_AUCTION.start, now)


def seal(auction: DoubleAuction, side: Side, commitment: str, now: datetime) -> DoubleAuction:
    """With one side's price, which nobody can read. Once both are there, they may be opened."""
    at = _sealing_at(auction, now)
    if auction.sealed_by(side):
        raise PriceIsFinal()
    sealed = _with(auction, side, SealedPrice(commitment, at), at)
    return sealed if sealed.missing else replace(sealed, state=DOUBLE_AUCTION.move(SEALING, REVEALING))


def decline(auction: DoubleAuction, side: Side, now: datetime) -> DoubleAuction:
    """Ended by a side that has sealed nothing. The very auction, if this side has declined it."""
    if auction.reason_code == DECLINED[side]:
        return auction
    at = _sealing_at(auction, now)
    if auction.sealed_by(side):
        raise PriceIsFinal()
    return _end(auction, UNTRADED, DECLINED[side], at)


def reveal(auction: DoubleAuction, side: Side, amount: Money, nonce: str, now: datetime) -> DoubleAuction:
    """With one side's price opened. Requires a positive amount."""
    at = max(now, auction.last_at)
    if auction.state is SEALING:
        raise RevealTooEarly(next_actor=auction.next_actor, deadline=auction.deadline)
    if auction.state is not REVEALING or at >= auction.terms.reveal_by:
        raise RevealOver(state=auction.state, reason_code=auction.reason_code, reveal_by=auction.terms.reveal_by)
    sealed = auction.sealed_by(side)
    assert sealed is not None
    if sealed.revealed_at is not None:
        raise PriceOpenAlready(revealed_at=sealed.revealed_at)
    who = auction.buyer_id if side is Side.BUYER else auction.provider_id
    revealed = commitment_of(auction.id, who, amount, nonce)
    if revealed != sealed.commitment:
        raise PriceDiffers(commitment=sealed.commitment, revealed=revealed)
    return _with(auction, side, replace(sealed, amount=amount, nonce=nonce, revealed_at=at), at)


def is_due(auction: DoubleAuction, now: datetime) -> bool:
    return auction.deadline is not None and max(now, auction.last_at) >= auction.deadline


def decide(auction: DoubleAuction, denied: str | None, now: datetime) -> DoubleAuction:
    """Its end, once it is due. `denied`: why, by now, the buyer may not have what is listed."""
    if not is_due(auction, now):
        raise NothingToDecide(state=auction.state, deadline=auction.deadline)
    at = max(now, auction.last_at)
    if missing := auction.missing:
        reasons = UNSEALED if auction.state is SEALING else UNREVEALED
        return _end(auction, UNTRADED, reasons[missing], at)
    if denied is not None:
        return _end(auction, UNTRADED, denied, at)
    assert auction.bid and auction.bid.amount and auction.ask and auction.ask.amount
    price = k_double.price(auction.bid.amount, auction.ask.amount, auction.terms.bid_weight_percent)
    if price is None:
        return _end(auction, UNTRADED, Reason.BID_BELOW_ASK, at)
    return _end(auction, TRADED, Reason.PRICE_BETWEEN, at, price=price)


def _sealing_seconds(rules: MarketRules) -> tuple[int, int]:
    return rules.negotiation.offer_seconds_min, rules.negotiation.offer_seconds_max


def _sealing_at(auction: DoubleAuction, now: datetime) -> datetime:
    at = max(now, auction.last_at)
    if auction.state is not SEALING or at >= auction.terms.seal_by:
        raise SealingOver(state=auction.state, reason_code=auction.reason_code, seal_by=auction.terms.seal_by)
    return at


def _with(auction: DoubleAuction, side: Side, sealed: SealedPrice, at: datetime) -> DoubleAuction:
    if side is Side.BUYER:
        return _change(auction, bid=sealed, last_at=at)
    return _change(auction, ask=sealed, last_at=at)


def _end(auction: DoubleAuction, to: State, reason_code: str, at: datetime, **changes: Any) -> DoubleAuction:
    state = DOUBLE_AUCTION.move(auction.state, to)
    return _change(auction, state=state, reason_code=reason_code, last_at=at, **changes)


def _change(auction: DoubleAuction, **changes: Any) -> DoubleAuction:
    return replace(auction, revision=auction.revision + 1, **changes)
