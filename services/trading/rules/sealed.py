"""An auction by sealed bids, committed to first and opened by the bidders afterwards: first price, second price,
uniform price for k copies, and random sampling (RSOP) for a right without limit.

Promises: until it is opened, a bid is a hash to everyone, the exchange and its database included; a bidder commits
once and changes nothing; only what was committed to can be opened, and only in the window for that; the outcome is a
function of the terms, the opened bids and their order alone. A fold of the accepted commands in their order gives the
state, for ever the same; time never runs backwards within an auction.
A bid that stays closed forfeits its deposit: otherwise a bidder could seal and open only what suits them.
Where one bidder wins, the terms may keep the second's deposit too, until the winner has paid (`award_queue`).
Sources: 拍卖法 art. 36 (a bid binds), 法释〔2016〕18号 art. 17-20, 24 (a defaulter's deposit).
Does not: know who may bid, hold money, or keep the bids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.trading.rules import clearing, rsop
from services.trading.rules.auction import (
    AUCTION,
    AWARDED,
    NEXT_ACTOR,
    OPEN,
    SECOND_ASKED,
    SOLD,
    UNSOLD,
    AuctionClosed,
    State,
    bidding_at,
    change,
    closing_at,
    move,
    paid_by,
)
from services.trading.rules.clearing import Prices
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.phase import CLOSED, REVEALING, Step, step_of
from services.trading.rules.proxy import Lead
from services.trading.rules.sealed_terms import SealedTerms
from shared.canonical import digest
from shared.errors import Conflict
from shared.ids import AuctionId, BidId, ListingId, ParticipantId
from shared.money import Money


class Reason(StrEnum):
    """Why the auction ended as it did, or a bid."""

    HIGHEST_BID = "highest_bid"
    CLEARING_PRICE = "clearing_price"
    SAMPLED_PRICE = "sampled_price"
    NO_BIDS = "no_bids"
    NOTHING_REVEALED = "nothing_revealed"
    RESERVE_NOT_MET = "reserve_not_met"
    NOBODY_PERMITTED = "nobody_permitted"
    NO_PRICE_FOUND = "no_price_found"
    OUTBID = "outbid"
    PRICE_NOT_REACHED = "price_not_reached"
    NOT_REVEALED = "not_revealed"


WON_BY: Mapping[Mechanism, Reason] = {
    Mechanism.SEALED_FIRST:  Reason.HIGHEST_BID,
    Mechanism.SEALED_SECOND: Reason.HIGHEST_BID,
    Mechanism.UNIFORM:       Reason.CLEARING_PRICE,
    Mechanism.RSOP:          Reason.SAMPLED_PRICE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SealedAuction:
    """`bid_count` is the sequence of the last commitment; `leader_id` and `price` stand where there is one of them.

    What comes after the revision is of what follows on the close, as with an open outcry.
    """

    id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    terms: SealedTerms
    state: State
    last_at: datetime
    bid_count: int = 0
    reveal_count: int = 0
    award_count: int = 0
    leader_id: ParticipantId | None = None
    leader_maximum: Money | None = None
    price: Money | None = None
    reason_code: str | None = None
    revision: int = 1
    award_deadline: datetime | None = None
    second_id: ParticipantId | None = None
    defaulter_ids: tuple[ParticipantId, ...] = ()
    failed_at: datetime | None = None

    @property
    def mechanism(self) -> Mechanism:
        return self.terms.mechanism

    @property
    def closes_at(self) -> datetime:
        """The end of the bidding."""
        return self.terms.closes_at

    @property
    def decided_at(self) -> datetime:
        """From this moment on the outcome stands."""
        return self.terms.reveal_closes_at

    @property
    def awards(self) -> int:
        """Those that stand."""
        return 0 if self.state in {SECOND_ASKED, UNSOLD} else self.award_count

    @property
    def winner_id(self) -> ParticipantId | None:
        return self.leader_id if self.state in {AWARDED, SOLD} else None

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)

    @property
    def deadline(self) -> datetime | None:
        if self.state is OPEN:
            return self.decided_at
        return self.award_deadline if self.state in {AWARDED, SECOND_ASKED} else None

    def step(self, now: datetime) -> Step:
        if self.state is not OPEN:
            return Step(CLOSED, None)
        terms = self.terms
        return step_of(terms.opens_at, terms.closes_at, terms.reveal_closes_at, max(now, self.last_at))


@dataclass(frozen=True, slots=True)
class SealedBid:
    """A commitment; once its bidder has opened it, what it was; and after the close, what came of it there."""

    id: BidId
    auction_id: AuctionId
    sequence: int
    participant_id: ParticipantId
    bidder_number: int
    commitment: str
    committed_at: datetime
    amount: Money | None = None
    nonce: str | None = None
    revealed_at: datetime | None = None
    price: Money | None = None
    reason_code: str | None = None

    @property
    def won(self) -> bool:
        return self.price is not None

    @property
    def forfeits_deposit(self) -> bool:
        return self.reason_code == Reason.NOT_REVEALED


class NotSealedYet(Conflict):
    """You have sealed no bid in this auction, so there is none to open."""


class SealedAlready(Conflict):
    """You have sealed a bid in this auction already, and it cannot be changed."""


class RevealNotStarted(Conflict):
    """Bids are opened after the bidding, not during it."""


class RevealedAlready(Conflict):
    """This bid is open already."""


class RevealDiffers(Conflict):
    """What you reveal is not what you committed to; the facts say both hashes."""


def commitment_of(auction_id: AuctionId, bidder_id: ParticipantId, amount: Money, nonce: str) -> str:
    """SHA-256, in hex, over the canonical JSON (RFC 8785) of the revelation with the auction's and the bidder's ids:
    `{"amount":{"currency":…,"minor":…},"auction":…,"bidder":…,"nonce":…}`. The nonce keeps the amount from being
    guessed, the ids keep a commitment from being copied."""
    told = {"minor": amount.minor, "currency": amount.currency}
    return digest({"auction": str(auction_id), "bidder": str(bidder_id), "amount": told, "nonce": nonce})


def open_sealed(
    auction_id: AuctionId, listing_id: ListingId, provider_id: ParticipantId, terms: SealedTerms, now: datetime
) -> SealedAuction:
    return SealedAuction(auction_id, listing_id, provider_id, terms, AUCTION.start, last_at=now)


def commit(
    auction: SealedAuction, bid_id: BidId, bidder_id: ParticipantId, bidder_number: int, commitment: str, now: datetime
) -> tuple[SealedAuction, SealedBid]:
    """The auction after this commitment. Requires a registered bidder, unrelated to the provider, who has sealed none,
    and a hash in hex; what it hides is nobody's business yet."""
    at = bidding_at(auction, auction.terms.opens_at, now)
    after = change(auction, bid_count=auction.bid_count + 1, last_at=at)
    return after, SealedBid(bid_id, auction.id, after.bid_count, bidder_id, bidder_number, commitment, at)


def reveal(
    auction: SealedAuction, bid: SealedBid, amount: Money, nonce: str, now: datetime
) -> tuple[SealedAuction, SealedBid]:
    """The auction and the bid after its bidder has opened it. Requires the bidder's own bid."""
    at = max(now, auction.last_at)
    phase = auction.step(at).phase
    if phase is CLOSED:
        raise AuctionClosed(state=auction.state, closed_at=auction.decided_at)
    if phase is not REVEALING:
        raise RevealNotStarted(opens_at=auction.closes_at)
    if bid.revealed_at is not None:
        raise RevealedAlready(revealed_at=bid.revealed_at)
    revealed = commitment_of(auction.id, bid.participant_id, amount, nonce)
    if revealed != bid.commitment:
        raise RevealDiffers(commitment=bid.commitment, revealed=revealed)
    after = change(auction, reveal_count=auction.reveal_count + 1, last_at=at)
    return after, replace(bid, amount=amount, nonce=nonce, revealed_at=at)


def close(
    auction: SealedAuction, bids: Sequence[SealedBid], denied: Mapping[ParticipantId, str], now: datetime
) -> tuple[SealedAuction, list[SealedBid]]:
    """The auction once its time is up, and every bid with its price or the reason that it has none.

    Requires all bids in their sequence. Whoever is `denied`, because the grade was raised or they were suspended since
    they bid, is left out as if they had not bid, opened or not.
    """
    at = closing_at(auction, auction.decided_at, now)
    counted = [bid for bid in bids if bid.revealed_at is not None and bid.participant_id not in denied]
    prices = _prices(auction.terms, counted)
    paid = {counted[place].sequence: price for place, price in prices.items()}
    judged = [_judged(auction.terms, bid, paid.get(bid.sequence), denied) for bid in bids]
    won = [bid for bid in judged if bid.won]
    if not won:
        return move(auction, UNSOLD, reason_code=_why_unsold(auction, counted), last_at=at), judged
    one, one_price = len(won) == auction.terms.copies == 1, len({bid.price for bid in won}) == 1
    second = second_of(auction.terms, judged)
    return move(
        auction, AWARDED if second else SOLD, reason_code=WON_BY[auction.terms.mechanism], last_at=at,
        award_count=len(won), leader_id=won[0].participant_id if one else None,
        leader_maximum=won[0].amount if one else None, price=won[0].price if one_price else None,
        second_id=second and second.bidder_id, award_deadline=paid_by(auction.terms.windows, at) if second else None,
    ), judged  # fmt: skip


def second_of(terms: SealedTerms, judged: Sequence[SealedBid]) -> Lead | None:
    """Who would have won, and at which price, had the winner never bid. Requires the bids as the close judged them:
    only what was opened, reached the floor and was permitted can be second, or set the second's price."""
    outbid = [bid for bid in judged if bid.reason_code == Reason.OUTBID]
    if not terms.keeps_second or not outbid:
        return None
    ((place, price),) = _prices(terms, outbid).items()
    maximum = outbid[place].amount
    assert maximum is not None
    return Lead(outbid[place].participant_id, maximum, price)


def _prices(terms: SealedTerms, bids: Sequence[SealedBid]) -> Prices:
    offers = [bid.amount for bid in bids if bid.amount is not None]
    match terms.mechanism:
        case Mechanism.SEALED_FIRST:
            return clearing.first_price(offers, terms.floor)
        case Mechanism.RSOP:
            assert terms.seed is not None
            coins = [rsop.coin(terms.seed, bid.participant_id) for bid in bids]
            return rsop.prices(offers, coins, terms.floor, terms.reserve_price)
        case _:
            assert terms.copies is not None
            return clearing.uniform_price(offers, terms.copies, terms.floor)


def _judged(
    terms: SealedTerms, bid: SealedBid, price: Money | None, denied: Mapping[ParticipantId, str]
) -> SealedBid:  # fmt: skip
    if bid.participant_id in denied:
        return replace(bid, reason_code=denied[bid.participant_id])
    if bid.amount is None:
        return replace(bid, reason_code=Reason.NOT_REVEALED)
    if price is not None:
        return replace(bid, price=price, reason_code=WON_BY[terms.mechanism])
    if bid.amount < terms.floor:
        return replace(bid, reason_code=Reason.RESERVE_NOT_MET)
    lost = Reason.PRICE_NOT_REACHED if terms.mechanism is Mechanism.RSOP else Reason.OUTBID
    return replace(bid, reason_code=lost)


def _why_unsold(auction: SealedAuction, counted: Sequence[SealedBid]) -> Reason:
    if not auction.bid_count:
        return Reason.NO_BIDS
    if not auction.reveal_count:
        return Reason.NOTHING_REVEALED
    if not counted:
        return Reason.NOBODY_PERMITTED
    reached = any(bid.amount and bid.amount >= auction.terms.floor for bid in counted)
    return Reason.NO_PRICE_FOUND if reached else Reason.RESERVE_NOT_MET
