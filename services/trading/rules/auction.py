"""An English auction with proxy bids: each bidder names a maximum, the price rises only as far as it must (`proxy`).

Promises: a fold of accepted bids in their sequence gives the state, for ever the same; time never runs backwards
within an auction; only an accepted bid moves the end, never earlier, nor beyond its hard end. The terms cannot change:
nothing here changes them.
Sources: 法释〔2016〕18号 art. 17-21, 拍卖法 art. 28, 30, 36.
Does not: know who may bid (registration decides), hold money, or keep the bids that lost.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol, TypeVar

from services.trading.rules import proxy
from services.trading.rules.auction_terms import BadPriority, Terms
from services.trading.rules.market_rules import Windows
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.phase import CLOSED, Step, step_of
from services.trading.rules.price_cap import require_within
from services.trading.rules.proxy import Lead
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import AuctionId, ListingId, ParticipantId
from shared.lifecycle import Lifecycle
from shared.money import Money


class State(StrEnum):
    OPEN = "open"
    AWARDED = "awarded"
    SECOND_ASKED = "second_asked"
    SOLD = "sold"
    UNSOLD = "unsold"
    CANCELLED = "cancelled"


OPEN, AWARDED, SECOND_ASKED, SOLD, UNSOLD, CANCELLED = State

AUCTION = Lifecycle(start=OPEN, moves={
    OPEN:         {AWARDED, SOLD, UNSOLD, CANCELLED},
    AWARDED:      {SOLD, SECOND_ASKED, UNSOLD},  # the second's deposit is kept until the winner has paid
    SECOND_ASKED: {SOLD, UNSOLD},
    SOLD:         set(),
    UNSOLD:       set(),
    CANCELLED:    set(),
})  # fmt: skip
NEXT_ACTOR = {OPEN: "bidder", AWARDED: "winner", SECOND_ASKED: "second"}


class Reason(StrEnum):
    HIGHEST_BID = "highest_bid"
    BOUGHT_NOW = "bought_now"
    WINNER_DEFAULTED = "winner_defaulted"
    SECOND_ACCEPTED = "second_accepted"
    SECOND_DECLINED = "second_declined"
    SECOND_SILENT = "second_silent"
    NO_BIDS = "no_bids"
    RESERVE_NOT_MET = "reserve_not_met"
    BY_PROVIDER = "by_provider"


@dataclass(frozen=True, slots=True)
class Auction:
    """`closes_at` is the effective end; `bid_count` the sequence of the last bid; `last_at` the latest moment seen.

    `second_id` says whose deposit is kept beside the winner's; `failed_at` when it was clear that nothing was sold, or
    that the winner did not pay; `reoffer_of` and `barred_ids` what this offers again, and who may not bid for it.
    """

    id: AuctionId
    listing_id: ListingId
    provider_id: ParticipantId
    terms: Terms
    state: State
    closes_at: datetime
    last_at: datetime
    extensions: int = 0
    bid_count: int = 0
    price: Money | None = None
    leader_id: ParticipantId | None = None
    leader_maximum: Money | None = None
    reason_code: str | None = None
    revision: int = 1
    award_deadline: datetime | None = None
    second_id: ParticipantId | None = None
    defaulter_ids: tuple[ParticipantId, ...] = ()
    failed_at: datetime | None = None
    reoffer_of: AuctionId | None = None
    barred_ids: tuple[ParticipantId, ...] = ()

    @property
    def floor(self) -> Money:
        """The least that a challenger must offer now, if they have no priority."""
        return proxy.floor(self.terms, self.lead, None)

    @property
    def lead(self) -> Lead | None:
        if self.leader_id is None or self.leader_maximum is None or self.price is None:
            return None
        return Lead(self.leader_id, self.leader_maximum, self.price)

    @property
    def winner_id(self) -> ParticipantId | None:
        return self.leader_id if self.state in {AWARDED, SOLD} else None

    @property
    def buy_now_price(self) -> Money | None:
        """At which it would end at once, now: what was bid stands."""
        return self.terms.buy_now_price if self.state is OPEN and not self.bid_count else None

    @property
    def mechanism(self) -> Mechanism:
        return Mechanism.ENGLISH

    @property
    def decided_at(self) -> datetime:
        """From this moment on the outcome stands."""
        return self.closes_at

    @property
    def deadline(self) -> datetime | None:
        if self.state is OPEN:
            return self.closes_at
        return self.award_deadline if self.state in {AWARDED, SECOND_ASKED} else None

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)

    def step(self, now: datetime) -> Step:
        if self.state is not OPEN:
            return Step(CLOSED, None)
        return step_of(self.terms.opens_at, self.closes_at, None, max(now, self.last_at))


class Timed(Protocol):
    """What the decisions that all auctions share need of one, whichever its mechanism.

    The bidding ends at `closes_at`; the outcome stands from `decided_at` on.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def state(self) -> State: ...
    @property
    def closes_at(self) -> datetime: ...
    @property
    def decided_at(self) -> datetime: ...
    @property
    def last_at(self) -> datetime: ...
    @property
    def bid_count(self) -> int: ...
    @property
    def revision(self) -> int: ...


Kind = TypeVar("Kind", bound=Timed)


class NoSuchAuction(NotFound):
    """There is no such auction, or you may not see it."""


class AuctionNotStarted(Conflict):
    """Bidding has not begun."""


class AuctionClosed(Conflict):
    """Bidding is over."""


class AuctionStillOpen(Conflict):
    """Bidding is not over."""


class NoBuyNow(Conflict):
    """This auction has no price at which it ends at once, or somebody has bid, and it goes to whoever bids most."""


class BidTooLow(Conflict):
    """The bid is below the least that is taken now; `floor_minor` says how much that is."""


class OwnMaximumNotRaised(Conflict):
    """You lead already; only a higher maximum of your own changes anything."""


class NotRegistered(Conflict):
    """Register for this auction, and have its deposit held, before you bid."""


class RelatedParty(Forbidden):
    """Nobody buys what they, or their affiliates, sell."""


class BidsWerePlaced(Conflict):
    """After the first bid the provider cannot cancel the auction."""


def open_auction(
    auction_id: AuctionId, listing_id: ListingId, provider_id: ParticipantId, terms: Terms, now: datetime,
    reoffer_of: AuctionId | None = None, barred_ids: tuple[ParticipantId, ...] = (),
) -> Auction:  # fmt: skip
    if provider_id in terms.priority_ids:
        raise BadPriority(participant_id=provider_id)
    return Auction(
        auction_id, listing_id, provider_id, terms, AUCTION.start, terms.closes_at, last_at=now,
        reoffer_of=reoffer_of, barred_ids=barred_ids,
    )  # fmt: skip


def is_over(auction: Timed, now: datetime) -> bool:
    """Whether the outcome stands already, though nobody may yet have noticed."""
    return auction.state is not OPEN or max(now, auction.last_at) >= auction.decided_at


def require_takes_bidders(auction: Timed, now: datetime) -> None:
    """Raises AuctionClosed once the time for bids is up. Before the opening, bidders may register."""
    if auction.state is not OPEN or max(now, auction.last_at) >= auction.closes_at:
        raise AuctionClosed(state=auction.state, closed_at=auction.closes_at)


def bidding_at(auction: Timed, opens_at: datetime, now: datetime) -> datetime:
    """The moment of what a bidder says. Raises unless it lies between the opening and the close."""
    at = max(now, auction.last_at)
    require_takes_bidders(auction, at)
    if at < opens_at:
        raise AuctionNotStarted(opens_at=opens_at)
    return at


def closing_at(auction: Timed, ends_at: datetime, now: datetime) -> datetime:
    """The moment of the close. Raises unless the auction is open still and its end has come."""
    at = max(now, auction.last_at)
    if auction.state is not OPEN:
        raise AuctionClosed(state=auction.state, closed_at=ends_at)
    if at < ends_at:
        raise AuctionStillOpen(closes_at=ends_at)
    return at


def place_bid(auction: Auction, bidder_id: ParticipantId, maximum: Money, now: datetime) -> Auction:
    """The auction after this bid. Requires that the bidder is registered and no party of the provider's."""
    at = bidding_at(auction, auction.terms.opens_at, now)
    require_within(auction.terms.price_cap, maximum)
    lead, closes_at = _led(auction, bidder_id, maximum), _extended(auction, at)
    return change(
        auction,
        **_leading(lead),
        bid_count=auction.bid_count + 1,
        closes_at=closes_at,
        extensions=auction.extensions + (closes_at > auction.closes_at),
        last_at=at,
    )


def buy_now(auction: Auction, bidder_id: ParticipantId, now: datetime) -> Auction:
    """Sold at once at the price that was named for that, as long as nobody has bid: what was bid stands.

    Requires that the bidder is registered and no party of the provider's.
    """
    at = bidding_at(auction, auction.terms.opens_at, now)
    price = auction.buy_now_price
    if price is None:
        raise NoBuyNow(bids=auction.bid_count)
    lead = _leading(Lead(bidder_id, price, price))
    return move(auction, SOLD, **lead, reason_code=Reason.BOUGHT_NOW, closes_at=at, last_at=at)


def close(
    auction: Auction, now: datetime, denied: str | None = None, second_id: ParticipantId | None = None
) -> Auction:
    """The auction once its time is up: sold to the leader at the price, or unsold. Whenever it is called after that.

    `denied` says why the leader may not have what is sold, if its grade was raised since they bid; `second_id` whose
    deposit is kept: then it is awarded, and sold once the winner has paid.
    """
    at = closing_at(auction, auction.closes_at, now)
    if failure := _failure(auction, denied):
        return move(auction, UNSOLD, reason_code=failure, failed_at=auction.closes_at, last_at=at)
    if second_id is None:
        return move(auction, SOLD, reason_code=Reason.HIGHEST_BID, last_at=at)
    deadline = paid_by(auction.terms.windows, at)
    return move(
        auction, AWARDED, reason_code=Reason.HIGHEST_BID, award_deadline=deadline, second_id=second_id, last_at=at
    )


def cancel(auction: Kind, now: datetime) -> Kind:
    """Called off by the provider, before anyone has bid. A bid binds the bidder, so it binds the provider too."""
    at = max(now, auction.last_at)
    if auction.state is OPEN and auction.bid_count:
        raise BidsWerePlaced(bids=auction.bid_count)
    if auction.state is OPEN and at >= auction.closes_at:
        raise AuctionClosed(state=auction.state, closed_at=auction.closes_at)
    return move(auction, CANCELLED, reason_code=Reason.BY_PROVIDER, last_at=at)


def forbid(auction: Kind, reason_code: str, now: datetime) -> Kind:
    """Called off whoever has bid: what is sold may no longer be sold to anyone, or was withdrawn unbid, or two
    operators agree on a ground."""
    return move(auction, CANCELLED, reason_code=reason_code, last_at=max(now, auction.last_at))


def paid_by(windows: Windows, awarded_at: datetime) -> datetime:
    """When a winner will have paid, if they take all the time that they have."""
    return awarded_at + timedelta(seconds=windows.signing_seconds + windows.payment_seconds)


def require_unrelated(is_related: bool) -> None:
    if is_related:
        raise RelatedParty()


def move(auction: Kind, to: State, **changes: Any) -> Kind:
    return change(auction, state=AUCTION.move(auction.state, to), **changes)


def change(auction: Kind, **changes: Any) -> Kind:
    return replace(auction, revision=auction.revision + 1, **changes)


def _failure(auction: Auction, denied: str | None) -> str | None:
    if auction.leader_maximum is None:
        return Reason.NO_BIDS
    if not auction.terms.reserve_is_met_by(auction.leader_maximum):
        return Reason.RESERVE_NOT_MET
    return denied


def _led(auction: Auction, bidder_id: ParticipantId, maximum: Money) -> Lead:
    """Who leads with the bid, up to which maximum, and at which price."""
    lead = auction.lead
    if lead and lead.bidder_id == bidder_id:
        if maximum <= lead.maximum:
            raise OwnMaximumNotRaised(maximum_minor=lead.maximum.minor)
    elif maximum < (floor := proxy.floor(auction.terms, lead, bidder_id)):
        raise BidTooLow(floor_minor=floor.minor)
    return proxy.bid(auction.terms, lead, bidder_id, maximum)


def _leading(lead: Lead) -> dict[str, Any]:
    return {"leader_id": lead.bidder_id, "leader_maximum": lead.maximum, "price": lead.price}


def _extended(auction: Auction, at: datetime) -> datetime:
    terms = auction.terms
    if at < auction.closes_at - timedelta(seconds=terms.soft_close_seconds):
        return auction.closes_at
    if terms.extensions_max and auction.extensions >= terms.extensions_max:
        return auction.closes_at
    wanted = min(at + timedelta(seconds=terms.extension_seconds), terms.hard_closes_at)
    return max(auction.closes_at, wanted)
