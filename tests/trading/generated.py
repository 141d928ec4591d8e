"""Auctions drawn by chance, played by the rules, and told in the events' own encoding; with who must have won.

Promises: a seed gives the same bytes for ever, in every process, whatever its hash seed. What must have come of an
auction is worked out here from the commands alone, by hand and without the rules.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.trading.events import dutch as dutch_events
from services.trading.events import sealed as sealed_events
from services.trading.events.auction import AuctionCancelled, AuctionOpened, BidderRegistered, BidPlaced, facts_of_close
from services.trading.events.deals import OrderPlaced
from services.trading.rules import auction as english
from services.trading.rules import dutch, rsop, sealed
from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import Auction
from services.trading.rules.auction_terms import Increment, Terms
from services.trading.rules.award import FrozenFees
from services.trading.rules.bid import Bid, Registration, bid_of, opening_of
from services.trading.rules.dutch import DutchTerms, Schedule
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.order import Order
from services.trading.rules.order import State as OrderState
from services.trading.rules.replay import Replayed, Verdict, replay
from services.trading.rules.replay_entry import Entry
from services.trading.rules.sealed import SealedAuction, SealedBid
from services.trading.rules.sealed_terms import SealedTerms
from shared.errors import Failure
from shared.facts import Actor, Fact, event_line, read_event
from shared.grades import C3, Decision, Mode
from shared.ids import (
    AuctionId,
    BidId,
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
ENDINGS = ["closed"] * 8 + ["denied", "forbidden", "cancelled", "running"]
CLOSED = {"closed", "denied"}
OneId = TypeVar("OneId", bound=Id)
Prices = Mapping[ParticipantId, int]


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
        self.actor = Actor("service", "trading")
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
                self.id(RegistrationId), auction.id, self.id(ParticipantId), number, auction.terms.deposit, C3, ALLOWED,
                self.now,
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


def an_english(seed: str, ending: str | None = None, *, bids_max: int = 8, rising: bool = False,
               shuffled: bool | None = None) -> Played:  # fmt: skip
    """Whoever first named the highest maximum has won, and pays at most one step above anyone else's or the reserve."""
    player = Player(seed, ending, shuffled)
    chance, salt = player.chance, player.salt()
    auction = english.open_auction(*player.ids(), _english_terms(player), NOON)
    player.tell(AuctionOpened.of(auction, salt if auction.terms.reserve_price else None))
    player.register(auction, chance.randrange(1, 5))
    placed, said, player.now = list[Bid](), list[tuple[int, int, ParticipantId]](), auction.terms.opens_at
    for _ in range(0 if player.ending == "cancelled" else chance.randrange(bids_max + 1)):
        player.now = player.now if rising else _next_moment(player, auction)
        bidder, maximum = chance.choice(player.bidders), player.amount()
        maximum = Money(40_000 + 1_000 * len(player.lines)) if rising else maximum
        try:
            after = english.place_bid(auction, bidder.participant_id, maximum, player.now)
        except Failure:
            continue
        bid = bid_of(player.id(BidId), auction, after, bidder, maximum, player.salt())
        placed, auction = [*placed, bid], after
        said.append((maximum.minor, -bid.sequence, bidder.participant_id))
        player.tell(BidPlaced.of(bid, after))
    if player.ending == "running":
        return player.done(auction, {})
    if player.ending in {"cancelled", "forbidden"}:
        return player.done(player.called_off(auction), {})
    player.now = auction.closes_at + timedelta(seconds=chance.randrange(3))
    auction = english.close(auction, player.now, DENIED if player.ending == "denied" else None)
    player.tell(
        *facts_of_close(auction, [opening_of(bid) for bid in placed], salt if auction.terms.reserve_price else None)
    )
    if auction.winner_id and auction.price:
        player.order(auction, auction.winner_id, auction.price)
    return player.done(auction, _english_winner(player, auction, said))


def _next_moment(player: Player, auction: Auction) -> datetime:
    """A little later, or just before, at or after a moment at which the end is near."""
    chance = player.chance
    if chance.random() < 0.6:
        return player.now + timedelta(microseconds=chance.choice([0, 1, 1_000_000, 3_600_000_000]))
    near = auction.closes_at - timedelta(seconds=chance.choice([300, 60, 0]))
    return max(player.now, near + timedelta(microseconds=chance.choice([-1_000_000, -1, 0, 1])))


def _english_terms(player: Player) -> Terms:
    chance, opens_at = player.chance, NOON + timedelta(hours=player.chance.randrange(2))
    closes_at = opens_at + timedelta(days=1)
    bands = (Increment(0, chance.choice([100, 500])), Increment(chance.choice([5_000, 12_000]), 1_000))
    start = player.amount(5_000)
    reserve = Money(start.minor + chance.randrange(0, 20_000, 500)) if chance.random() < 0.5 else None
    return Terms(
        start, bands[: chance.randrange(1, 3)], reserve, Money(start.minor // 10), opens_at, closes_at,
        closes_at + timedelta(seconds=chance.choice([300, 600, 4_000])), 300, 300, chance.choice([0, 1, 60]), FEES,
        STANDARD.windows, STANDARD.name,
    )  # fmt: skip


def _english_winner(player: Player, auction: Auction, said: list[tuple[int, int, ParticipantId]]) -> Prices:
    terms = auction.terms
    reserve = terms.reserve_price.minor if terms.reserve_price else 0
    if player.ending == "denied" or not said or max(said)[0] < reserve:
        return {}
    winner = max(said)[2]
    second = max((minor for minor, _, bidder in said if bidder != winner), default=0)
    step = max(band.step_minor for band in terms.increments)
    return {winner: min(max(said)[0], max(second + step, terms.start_price.minor, reserve))}


def a_dutch(seed: str, ending: str | None = None, *, shuffled: bool | None = None) -> Played:
    """The price is counted down interval by interval to the moment of the acceptance."""
    player = Player(seed, ending, shuffled)
    chance = player.chance
    schedule = Schedule(Money(chance.choice([500, 1_500])), chance.choice([60, 3_600]), Money(3_000))
    opens_at = NOON + timedelta(hours=chance.randrange(2))
    terms = DutchTerms(
        Money(chance.randrange(4_000, 20_000, 500)), schedule, Money(1_000), opens_at, opens_at + timedelta(days=1),
        FEES, STANDARD.windows, STANDARD.name,
    )  # fmt: skip
    auction = dutch.open_dutch(*player.ids(), terms, NOON)
    player.tell(dutch_events.DutchAuctionOpened.of(auction))
    player.register(auction, chance.randrange(1, 4))
    player.now = opens_at + timedelta(seconds=chance.choice([0, 59, 60, 3_599, 3_600, 7_200, 50_000]))
    if player.ending == "running":
        return player.done(auction, {})
    if player.ending in {"cancelled", "forbidden"}:
        return player.done(player.called_off(auction), {})
    bidder, maximum = chance.choice(player.bidders), player.amount(20_000)
    price = terms.start_price.minor
    falls_at = opens_at + timedelta(seconds=schedule.interval_seconds)
    while falls_at <= player.now:
        price, falls_at = (
            max(price - schedule.decrement.minor, 3_000),
            falls_at + timedelta(seconds=schedule.interval_seconds),
        )
    if price > maximum.minor:
        player.now = terms.closes_at
        auction = dutch.close(auction, player.now)
        player.tell(dutch_events.DutchAuctionEnded.of(auction))
        return player.done(auction, {})
    auction = dutch.accept(auction, bidder.participant_id, maximum, player.now)
    player.tell(dutch_events.DutchPriceAccepted.of(auction, bidder.bidder_number))
    player.order(auction, bidder.participant_id, Money(price))
    return player.done(auction, {bidder.participant_id: price})


def a_sealed(seed: str, ending: str | None = None, mechanism: Mechanism | None = None, *, bids_max: int = 6,
             shuffled: bool | None = None) -> Played:  # fmt: skip
    """Who wins and at which price is found by trying every offer as the price."""
    player = Player(seed, ending, shuffled)
    chance, salt = player.chance, player.salt()
    auction = sealed.open_sealed(*player.ids(), _sealed_terms(player, mechanism), NOON)
    terms = auction.terms
    player.tell(sealed_events.SealedAuctionOpened.of(auction, salt if terms.reserve_price else None))
    player.register(auction, chance.randrange(0 if player.ending == "cancelled" else 1, bids_max + 1))
    bids, secrets = list[SealedBid](), list[tuple[Money, str]]()
    player.now = terms.opens_at
    for bidder in chance.sample(player.bidders, 0 if player.ending == "cancelled" else len(player.bidders)):
        amount, nonce = player.amount(), player.salt()
        hashed = sealed.commitment_of(auction.id, bidder.participant_id, amount, nonce)
        who = (player.id(BidId), bidder.participant_id, bidder.bidder_number)
        auction, bid = sealed.commit(auction, *who, hashed, player.now)
        player.tell(sealed_events.SealedBidPlaced.of(bid, auction))
        bids, secrets = [*bids, bid], [*secrets, (amount, nonce)]
    if player.ending in {"cancelled", "forbidden"}:
        return player.done(player.called_off(auction), {}, bids)
    player.now = terms.closes_at
    for place in chance.sample(range(len(bids)), chance.randrange(len(bids) // 2, len(bids) + 1)):
        auction, bids[place] = sealed.reveal(auction, bids[place], *secrets[place], player.now)
        player.tell(sealed_events.SealedBidRevealed.of(bids[place], auction))
        player.now += timedelta(seconds=chance.randrange(2))
    if player.ending == "running":
        return player.done(auction, {}, bids)
    player.now = terms.reveal_closes_at
    denied = {bids[0].participant_id: DENIED} if player.ending == "denied" and bids else {}
    auction, bids = sealed.close(auction, bids, denied, player.now)
    player.tell(*sealed_events.facts_of_close(auction, bids, salt if terms.reserve_price else None))
    for bid in bids:
        if bid.price:
            player.order(auction, bid.participant_id, bid.price)
    counted = [
        (bid.amount.minor, bid.participant_id) for bid in bids if bid.amount and bid.participant_id not in denied
    ]
    return player.done(auction, _sealed_winners(terms, counted), bids)


def _sealed_terms(player: Player, mechanism: Mechanism | None) -> SealedTerms:
    chance = player.chance
    mechanism = mechanism or chance.choice(
        [Mechanism.SEALED_FIRST, Mechanism.SEALED_SECOND, Mechanism.UNIFORM, Mechanism.RSOP]
    )
    copies = {Mechanism.UNIFORM: chance.randrange(1, 4), Mechanism.RSOP: None}.get(mechanism, 1)
    start = player.amount(5_000)
    reserve = Money(start.minor + chance.randrange(0, 10_000, 500)) if chance.random() < 0.5 else None
    opens_at = NOON + timedelta(hours=chance.randrange(2))
    closes_at = opens_at + timedelta(days=1)
    return SealedTerms(
        mechanism, copies, start, reserve, Money(start.minor // 10), opens_at, closes_at,
        closes_at + timedelta(hours=2), FEES, STANDARD.windows, STANDARD.name,
        player.salt() if mechanism is Mechanism.RSOP else None,
    )  # fmt: skip


def _sealed_winners(terms: SealedTerms, offers: list[tuple[int, ParticipantId]]) -> Prices:
    floor = (terms.reserve_price or terms.start_price).minor
    reaching = sorted((each for each in offers if each[0] >= floor), key=lambda each: -each[0])  # stable: the earlier
    if terms.mechanism is Mechanism.SEALED_FIRST:
        return {bidder: minor for minor, bidder in reaching[:1]}
    if terms.mechanism is not Mechanism.RSOP:
        assert terms.copies is not None
        price = max([floor, *(minor for minor, _ in reaching[terms.copies :])])
        return {bidder: price for _, bidder in reaching[: terms.copies]}
    assert terms.seed is not None
    sides = {bidder: rsop.coin(terms.seed, bidder) for _, bidder in offers}
    reserve = terms.reserve_price and terms.reserve_price.minor
    prices = [_best([minor for minor, who in reaching if sides[who] == side]) or reserve for side in (0, 1)]
    asked = [(minor, bidder, prices[1 - sides[bidder]]) for minor, bidder in offers]
    return {bidder: price for minor, bidder, price in asked if price is not None and minor >= price}


def _best(offers: list[int]) -> int | None:
    """Of the prices that bring most, the lowest."""
    brought = {price: price * sum(offer >= price for offer in offers) for price in offers}
    return min((price for price in offers if brought[price] == max(brought.values())), default=None)


PLAYS: tuple[Callable[[str], Played], ...] = (an_english, a_dutch, a_sealed)


def played(seed: str) -> Played:
    return PLAYS[random.Random(f"which {seed}").randrange(len(PLAYS))](seed)


def as_replayed(play: Played) -> AnyAuction:
    """What a replay can know of it: maxima, reserve and seed of what never closed stay sealed."""
    match play.auction:
        case Auction(terms=terms) as auction if play.ending not in CLOSED:
            return replace(auction, leader_maximum=None, terms=replace(terms, reserve_price=None))
        case SealedAuction(terms=terms) as auction if play.ending not in CLOSED:
            return replace(auction, terms=replace(terms, reserve_price=None, seed=None))
        case auction:
            return auction


def bids_as_replayed(play: Played) -> list[SealedBid]:
    return play.bids if play.ending in CLOSED else [replace(bid, amount=None, nonce=None) for bid in play.bids]


def again(play: Played) -> Replayed:
    return replay(play.auction.id, play.entries(), play.seen_until)


def require_same(play: Played) -> Replayed:
    """What is replayed is what was kept, and what the commands by themselves must lead to."""
    found = again(play)
    assert not found.differences, f"{play.seed}: {found.differences}"
    assert (found.auction, list(found.bids)) == (as_replayed(play), bids_as_replayed(play)), play.seed
    assert found.is_running == (play.ending == "running")
    if found.verdict is Verdict.SAME:
        _require_won(play, found)
    return found


def _require_won(play: Played, found: Replayed) -> None:
    won = {bid.participant_id: bid.price for bid in found.bids if bid.price}
    auction: Any = found.auction
    if not found.bids and auction.winner_id:
        won = {auction.winner_id: auction.price}
    assert won.keys() == play.won.keys(), play.seed
    for bidder, price in won.items():
        assert price and (price.minor == play.won[bidder] or hasattr(auction, "extensions")), play.seed
        assert price.minor <= play.won[bidder], play.seed
