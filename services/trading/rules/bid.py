"""Bidders and their bids, as they are kept beside the auction.

Promises: a bidder shows as a number, never as a name; a maximum is shown to its owner, to nobody else, and opened to
the parties and the supervisors with its salt once the auction has closed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.trading.rules.auction import Auction
from shared.errors import Conflict
from shared.facts import Commitment, commit
from shared.grades import Clearance, Decision
from shared.ids import AuctionId, BidId, ParticipantId, RegistrationId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class Registration:
    """A bidder of one auction, whose deposit is held. Numbers are given in the order of registration, from 1.

    `clearance` and `decision` say why this bidder may have what is sold; a contract repeats them.
    """

    id: RegistrationId
    auction_id: AuctionId
    participant_id: ParticipantId
    bidder_number: int
    deposit: Money
    clearance: Clearance | None
    decision: Decision
    registered_at: datetime


class Numbered(Protocol):
    """A bidder, known by the number of its registration."""

    @property
    def participant_id(self) -> ParticipantId: ...

    @property
    def bidder_number(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Bid:
    """An accepted bid, and what it made of the auction. `salt`, in hex, keeps the maximum from being guessed."""

    id: BidId
    auction_id: AuctionId
    sequence: int
    participant_id: ParticipantId
    bidder_number: int
    maximum: Money
    salt: str
    price_after: Money
    leading: bool
    closes_at: datetime
    placed_at: datetime

    @property
    def commitment(self) -> Commitment:
        return commit("maximum", str(self.maximum.minor), bytes.fromhex(self.salt))


@dataclass(frozen=True, slots=True)
class Opening:
    """What lets anyone check a commitment: the maximum in minor units, and the salt in hex."""

    sequence: int
    maximum_minor: int
    salt: str


class AlreadyRegistered(Conflict):
    """You are registered for this auction."""


def bid_of(bid_id: BidId, before: Auction, after: Auction, bidder: Numbered, maximum: Money, salt: str) -> Bid:
    """The bid that took the auction from one state to the next. Requires that it was accepted."""
    assert after.price is not None and after.bid_count == before.bid_count + 1
    return Bid(
        id=bid_id, auction_id=after.id, sequence=after.bid_count, participant_id=bidder.participant_id,
        bidder_number=bidder.bidder_number, maximum=maximum, salt=salt, price_after=after.price,
        leading=after.leader_id == bidder.participant_id, closes_at=after.closes_at, placed_at=after.last_at,
    )  # fmt: skip


def opening_of(bid: Bid) -> Opening:
    return Opening(bid.sequence, bid.maximum.minor, bid.salt)
