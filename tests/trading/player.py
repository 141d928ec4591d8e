"""Plays an auction by the rules, and tells it in the events' own encoding. What is drawn comes of a seed alone."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from services.trading.events.auction import AuctionCancelled, BidderRegistered
from services.trading.events.deals import OrderPlaced
from services.trading.rules import auction as english
from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.award import FrozenFees
from services.trading.rules.bid import Registration
from services.trading.rules.order import Order
from services.trading.rules.order import State as OrderState
from services.trading.rules.replay_entry import Entry
from services.trading.rules.sealed import SealedBid
from shared.facts import Actor, Fact, event_line, read_event
from shared.grades import C3, Decision, Mode
from shared.ids import (
    AuctionId,
    ContractId,
    FactId,
    Id,
    ListingId,
    OrderId,
    ParticipantId,
    RegistrationId,
    VersionId,
)
from shared.money import Money
from tests.trading.made import NOON

FEES = FrozenFees("fees-2026", 250, 600)
ALLOWED = Decision(True, ("open_to_all",), "2026-1")
DENIED = "clearance_too_low"
ENDINGS = ["closed"] * 8 + ["denied", "forbidden", "cancelled", "running"] + ["followed"] * 3
CLOSED = {"closed", "denied", "followed", "bought"}
OneId = TypeVar("OneId", bound=Id)
Prices = Mapping[ParticipantId, int]
Said = tuple[int, bool, int, ParticipantId]  # the maximum, whether of a priority buyer, the later the less, and whose


@dataclass
class Played:
    """`won` says who must pay how much; for an English auction, at most how much."""

    seed: str
    ending: str
    auction: AnyAuction
    bids: list[SealedBid] = field(default_factory=list[SealedBid])
    lines: list[bytes] = field(default_factory=list[bytes])
    won: Prices = field(default_factory=dict[ParticipantId, int])
    seen_until: datetime = NOON

    def entries(self) -> list[Entry]:
        return [Entry(index, read_event(line)) for index, line in enumerate(self.lines)]


class Player:
    def __init__(self, seed: str, ending: str | None = None, shuffled: bool | None = None) -> None:
        self.chance = random.Random(seed)
        self.seed, self.ending = seed, ending or self.chance.choice(ENDINGS)
        self.now, self.lines, self.bidders = NOON, list[bytes](), list[Registration]()
        self.actor, self.coming = Actor("service", "trading"), list[ParticipantId]()
        self.shuffled = self.chance.random() < 0.5 if shuffled is None else shuffled

    def id(self, kind: type[OneId]) -> OneId:
        return kind(f"{kind.kind}_{self.chance.getrandbits(128):032x}")

    def salt(self) -> str:
        return f"{self.chance.getrandbits(256):064x}"

    def tell(self, *facts: Fact) -> None:
        for fact in facts:
            line = event_line(
                fact, service="trading", fact_id=self.id(FactId), actor=self.actor, at=self.now, request_id=None
            )
            self.lines.append(line)

    def register(self, auction: AnyAuction, many: int) -> None:
        for number in range(1, many + 1):
            bidder = Registration(
                self.id(RegistrationId), auction.id, self.coming.pop(0) if self.coming else self.id(ParticipantId),
                number, auction.terms.deposit, C3, ALLOWED, self.now,
            )  # fmt: skip
            self.bidders.append(bidder)
            self.tell(BidderRegistered.of(bidder))

    def order(self, auction: AnyAuction, buyer_id: ParticipantId, price: Money) -> None:
        self.tell(OrderPlaced.of(Order(
            self.id(OrderId), auction.listing_id, self.id(VersionId), Mode.RAW, True, buyer_id, auction.provider_id,
            price, None, auction.id, self.id(ContractId), auction.terms.fees, auction.terms.windows,
            OrderState.AWAITING_SIGNATURES, self.now, self.now + timedelta(days=5),
        )))  # fmt: skip

    def ids(self) -> tuple[AuctionId, ListingId, ParticipantId]:
        return self.id(AuctionId), self.id(ListingId), self.id(ParticipantId)

    def done(self, auction: AnyAuction, won: Prices, bids: list[SealedBid] | None = None) -> Played:
        lines = self.chance.sample(self.lines, len(self.lines)) if self.shuffled else self.lines
        seen_until = auction.last_at if self.ending == "running" else self.now
        return Played(self.seed, self.ending, auction, bids or [], lines, won, seen_until)

    def amount(self, most: int = 40_000) -> Money:
        """Few enough different ones for bids to be equal often."""
        return Money(self.chance.randrange(500, most, 500))

    def called_off(self, auction: AnyAuction) -> AnyAuction:
        """By its provider as long as nobody has bid, otherwise because what is sold may no longer be sold."""
        if self.ending == "cancelled" and not auction.bid_count:
            auction = english.cancel(auction, self.now)
        else:
            auction = english.forbid(auction, "version_withdrawn", self.now)
        self.tell(AuctionCancelled.of(auction))
        return auction
