"""Auctions drawn by chance, played by the rules, and told in the events' own encoding; with who must have won.

Promises: a seed gives the same bytes for ever, in every process, whatever its hash seed. What must have come of an
auction is worked out here from the commands alone, by hand and without the rules.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from services.trading.events import dutch as dutch_events
from services.trading.events import sealed as sealed_events
from services.trading.rules import dutch, rsop, sealed
from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import Auction
from services.trading.rules.dutch import DutchTerms, Schedule
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.proxy import Lead
from services.trading.rules.replay import Replayed, Verdict, replay
from services.trading.rules.sealed import SealedAuction, SealedBid
from services.trading.rules.sealed_terms import SealedTerms
from shared.ids import (
    BidId,
    ParticipantId,
)
from shared.money import Money
from tests.trading.following import followed
from tests.trading.generated_english import an_english
from tests.trading.made import NOON
from tests.trading.player import CLOSED, DENIED, FEES, Played, Player, Prices


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
    won = _sealed_winners(terms, counted)
    second = _second_to(terms, counted, won)
    assert auction.second_id == (second and second.bidder_id), seed
    if player.ending == "followed" and auction.leader_id:
        auction = followed(player, auction, second)
    return player.done(auction, won, bids)


def _second_to(terms: SealedTerms, offers: list[tuple[int, ParticipantId]], won: Prices) -> Lead | None:
    """Whoever wins the same offers without the winner's."""
    if not terms.keeps_second or not won:
        return None
    again = _sealed_winners(terms, [each for each in offers if each[1] not in won])
    return next((
        Lead(bidder, Money(minor), Money(again[bidder])) for minor, bidder in offers if bidder in again
    ), None)  # fmt: skip


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
        mechanism in {Mechanism.SEALED_FIRST, Mechanism.SEALED_SECOND} and chance.random() < 0.6, 3_600,
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
            return replace(auction, leader_maximum=None, terms=replace(terms, reserve_price=terms.open_reserve))
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
    if found.verdict is Verdict.SAME and (play.ending != "followed" or play.auction.winner_id in play.won):
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
