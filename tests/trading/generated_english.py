"""English auctions drawn by chance: steps in percent, reserves, priorities, late bids, and what follows a close."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.trading.events.auction import AuctionOpened, BidPlaced, facts_of_close
from services.trading.events.award_queue import AuctionBoughtNow
from services.trading.rules import auction as english
from services.trading.rules.auction import Auction
from services.trading.rules.auction_terms import Increment, Terms
from services.trading.rules.award_queue import second_of
from services.trading.rules.bid import Bid, bid_of, opening_of
from services.trading.rules.market_rules import STANDARD
from shared.errors import Failure
from shared.ids import (
    AuctionId,
    BidId,
    ParticipantId,
)
from shared.money import Money
from tests.trading.following import followed
from tests.trading.made import NOON
from tests.trading.player import DENIED, FEES, Played, Player, Prices, Said


def an_english(seed: str, ending: str | None = None, *, bids_max: int = 8, rising: bool = False,
               shuffled: bool | None = None) -> Played:  # fmt: skip
    """Whoever first named the highest maximum has won, and pays at most one step above anyone else's or the reserve."""
    player = Player(seed, ending, shuffled)
    chance, salt = player.chance, player.salt()
    auction, bidders = _an_opened_english(player)
    player.tell(AuctionOpened.of(auction, salt if _hides_reserve(auction) else None))
    player.register(auction, bidders)
    placed, said, player.now = list[Bid](), list[Said](), auction.terms.opens_at
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
        precedes = bidder.participant_id in auction.terms.priority_ids
        said.append((maximum.minor, precedes, -bid.sequence, bidder.participant_id))
        player.tell(BidPlaced.of(bid, after))
    if player.ending == "running":
        return player.done(auction, {})
    if player.ending in {"cancelled", "forbidden"}:
        return player.done(player.called_off(auction), {})
    if not placed and auction.terms.buy_now_price and player.ending == "followed":
        return _bought(player, auction, salt)
    player.now = auction.closes_at + timedelta(seconds=chance.randrange(3))
    second = second_of(auction.terms, placed, auction.leader_id) if auction.leader_id else None
    denied = DENIED if player.ending == "denied" else None
    auction = english.close(auction, player.now, denied, second and second.bidder_id)
    player.tell(
        *facts_of_close(auction, [opening_of(bid) for bid in placed], salt if _hides_reserve(auction) else None)
    )
    if auction.winner_id and auction.price:
        player.order(auction, auction.winner_id, auction.price)
    won = _english_winner(player, auction, said)
    return player.done(followed(player, auction, second) if player.ending == "followed" else auction, won)


def _hides_reserve(auction: Auction) -> bool:
    return auction.terms.reserve_price is not None and not auction.terms.reserve_is_open


def _bought(player: Player, auction: Auction, salt: str) -> Played:
    buyer = player.chance.choice(player.bidders)
    player.now, player.ending = auction.terms.opens_at, "bought"
    auction = english.buy_now(auction, buyer.participant_id, player.now)
    assert auction.price is not None
    player.tell(AuctionBoughtNow.of(auction, buyer))
    player.tell(*facts_of_close(auction, (), salt if _hides_reserve(auction) else None))
    player.order(auction, buyer.participant_id, auction.price)
    return player.done(auction, {buyer.participant_id: auction.price.minor})


def _an_opened_english(player: Player) -> tuple[Auction, int]:
    """Opened by its provider, on terms of any kind, and how many will bid. Of them, some may have a priority."""
    chance, many = player.chance, player.chance.randrange(1, 5)
    player.coming = [player.id(ParticipantId) for _ in range(many)]
    ids, terms = player.ids(), _english_terms(player)
    terms = replace(terms, priority_ids=tuple(player.coming[: chance.choice([0, 0, 1, 2])]))
    earlier = (player.id(AuctionId), (player.id(ParticipantId),)) if chance.random() < 0.2 else (None, ())
    return english.open_auction(*ids, terms, NOON, *earlier), many


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
    bands = (
        Increment(0, chance.choice([100, 500]), chance.choice([0, 0, 333])),
        Increment(chance.choice([5_000, 12_000]), 1_000, 500),
    )
    start = player.amount(5_000)
    reserve = Money(start.minor + chance.randrange(0, 20_000, 500)) if chance.random() < 0.5 else None
    return Terms(
        start, bands[: chance.randrange(1, 3)], reserve, Money(start.minor // 10), opens_at, closes_at,
        closes_at + timedelta(seconds=chance.choice([300, 600, 4_000])), 300, 300, chance.choice([0, 1, 60]), FEES,
        STANDARD.windows, STANDARD.name, Money(50_000) if chance.random() < 0.2 else None, chance.random() < 0.3 and
        reserve is not None, (), Money(45_000) if chance.random() < 0.4 else None, chance.random() < 0.6, 3_600,
    )  # fmt: skip


def _english_winner(player: Player, auction: Auction, said: list[Said]) -> Prices:
    terms = auction.terms
    reserve = terms.reserve_price.minor if terms.reserve_price else 0
    if player.ending == "denied" or not said or max(said)[0] < reserve:
        return {}
    winner = max(said)[3]
    second = max((minor for minor, *_, bidder in said if bidder != winner), default=0)
    step = max(band.step_at(second) for band in terms.increments)
    return {winner: min(max(said)[0], max(second + step, terms.start_price.minor, reserve))}
