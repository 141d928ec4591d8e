"""The session of a double auction: its moments to the microsecond, its turns, its ends, and any run of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import double_auction as rules
from services.trading.rules.double_auction import (
    REVEALING,
    SEALING,
    TRADED,
    UNTRADED,
    DoubleAuction,
    NoSuchDoubleAuction,
    NothingToDecide,
    PriceDiffers,
    PriceIsFinal,
    PriceOpenAlready,
    RevealOver,
    RevealTooEarly,
    SealingOver,
    SealingTimes,
)
from services.trading.rules.negotiation_terms import Side
from shared.errors import Failure
from shared.ids import DoubleAuctionId, ParticipantId
from shared.money import Money
from tests.trading.doubles import BUYER, DAY, HOUR, NONCE, PROVIDER, opened, sealed_by, terms
from tests.trading.made import MICROSECOND, NOON

SEAL_BY, REVEAL_BY = NOON + DAY, NOON + 2 * DAY
PRICES = {Side.BUYER: 200, Side.PROVIDER: 100}


def both_sealed(bid: int = 200, ask: int = 100) -> DoubleAuction:
    return sealed_by(sealed_by(opened(), Side.BUYER, bid, NOON), Side.PROVIDER, ask, NOON)


def revealed(auction: DoubleAuction, side: Side, minor: int, at: datetime = NOON) -> DoubleAuction:
    return rules.reveal(auction, side, Money(minor), NONCE, at)


def facts_of(kind: type[Failure], act: Callable[[], object]) -> dict[str, object]:
    with pytest.raises(kind) as refused:
        act()
    return refused.value.facts


@pytest.mark.parametrize("seal_by, reveal_by, fits", [
    (NOON + HOUR,                    NOON + 2 * HOUR,               True),
    (NOON + HOUR - MICROSECOND,      NOON + 2 * HOUR,               False),
    (NOON + 30 * DAY,                NOON + 31 * DAY,               True),
    (NOON + 30 * DAY + MICROSECOND,  NOON + 31 * DAY,               False),
    (SEAL_BY,                        SEAL_BY + HOUR - MICROSECOND,  False),
    (SEAL_BY,                        SEAL_BY + 7 * DAY,             True),
    (SEAL_BY,                        SEAL_BY + 7 * DAY + MICROSECOND, False),
], ids=range(7))  # fmt: skip
def test_the_times_are_within_the_markets(seal_by: datetime, reveal_by: datetime, fits: bool):
    if fits:
        assert (terms(seal_by=seal_by, reveal_by=reveal_by).seal_by) == seal_by
        return
    facts = facts_of(SealingTimes, lambda: terms(seal_by=seal_by, reveal_by=reveal_by))
    in_sealing = {"seal_seconds_min": 3_600, "seal_seconds_max": 30 * 86_400}
    in_revealing = {"reveal_seconds_min": 3_600, "reveal_seconds_max": 7 * 86_400}
    assert facts == (in_revealing if seal_by == SEAL_BY else in_sealing)


def test_a_price_is_sealed_until_the_last_microsecond():
    auction = sealed_by(opened(), Side.BUYER, 200, SEAL_BY - MICROSECOND)
    assert auction.bid and auction.bid.sealed_at == SEAL_BY - MICROSECOND and auction.ask is None
    facts = facts_of(SealingOver, lambda: sealed_by(opened(), Side.BUYER, 200, SEAL_BY))
    assert facts == {"state": SEALING, "reason_code": None, "seal_by": SEAL_BY}


def test_time_never_runs_backwards_within_one():
    auction = sealed_by(opened(), Side.BUYER, 200, NOON + 2 * HOUR)
    later = sealed_by(auction, Side.PROVIDER, 100, NOON + HOUR)
    assert later.ask and later.ask.sealed_at == later.last_at == NOON + 2 * HOUR
    assert facts_of(SealingOver, lambda: sealed_by(replace(auction, last_at=SEAL_BY), Side.PROVIDER, 1, NOON))
    done = revealed(revealed(replace(later, last_at=NOON + 3 * HOUR), Side.BUYER, 200), Side.PROVIDER, 100)
    assert done.ask and done.ask.revealed_at == NOON + 3 * HOUR
    assert rules.decide(done, None, NOON).last_at == NOON + 3 * HOUR
    assert rules.decline(replace(opened(), last_at=NOON + HOUR), Side.BUYER, NOON).last_at == NOON + HOUR
    assert facts_of(RevealOver, lambda: revealed(replace(later, last_at=REVEAL_BY), Side.BUYER, 200))


def test_whose_turn_it_is_and_until_when():
    def waits(auction: DoubleAuction) -> tuple[str, str | None, datetime | None, int]:
        return auction.state, auction.next_actor, auction.deadline, auction.revision

    auction = opened()
    assert waits(auction) == ("sealing", "buyer_and_provider", SEAL_BY, 1)
    one = sealed_by(auction, Side.PROVIDER, 100, NOON)
    assert waits(one) == ("sealing", "buyer", SEAL_BY, 2)
    both = sealed_by(one, Side.BUYER, 200, NOON)
    assert waits(both) == ("revealing", "buyer_and_provider", REVEAL_BY, 3)
    half = revealed(both, Side.BUYER, 200, NOON + HOUR)
    assert waits(half) == ("revealing", "provider", REVEAL_BY, 4)
    done = revealed(half, Side.PROVIDER, 100, NOON + HOUR)
    assert waits(done) == ("revealing", "exchange", NOON + HOUR, 5)
    assert waits(rules.decide(done, None, NOON)) == ("traded", None, None, 6)
    assert waits(sealed_by(auction, Side.BUYER, 1, NOON))[1] == "provider"


def test_what_was_sealed_is_final_and_only_it_can_be_opened():
    auction = both_sealed()
    one = sealed_by(opened(), Side.BUYER, 200, NOON)
    assert facts_of(PriceIsFinal, lambda: sealed_by(one, Side.BUYER, 200, NOON)) == {}
    assert facts_of(PriceIsFinal, lambda: rules.decline(one, Side.BUYER, NOON)) == {}
    assert facts_of(RevealTooEarly, lambda: revealed(one, Side.BUYER, 200)) == {
        "next_actor": "provider", "deadline": SEAL_BY,
    }  # fmt: skip
    assert auction.ask
    told = rules.commitment_of(auction.id, PROVIDER, Money(101), NONCE)
    assert facts_of(PriceDiffers, lambda: revealed(auction, Side.PROVIDER, 101)) == {
        "commitment": auction.ask.commitment, "revealed": told,
    }  # fmt: skip
    half = revealed(auction, Side.PROVIDER, 100, NOON + HOUR)
    assert facts_of(PriceOpenAlready, lambda: revealed(half, Side.PROVIDER, 100)) == {"revealed_at": NOON + HOUR}


def test_a_price_is_opened_until_the_last_microsecond():
    assert revealed(both_sealed(), Side.BUYER, 200, REVEAL_BY - MICROSECOND).bid
    facts = facts_of(RevealOver, lambda: revealed(both_sealed(), Side.BUYER, 200, REVEAL_BY))
    assert facts == {"state": REVEALING, "reason_code": None, "reveal_by": REVEAL_BY}
    over = rules.decide(both_sealed(), None, REVEAL_BY)
    assert facts_of(RevealOver, lambda: revealed(over, Side.BUYER, 200))["reason_code"] == "nothing_revealed"


@pytest.mark.parametrize("sealing, revealing, end", [
    ("",   "",   "nothing_sealed"),
    ("b",  "",   "ask_not_sealed"),
    ("p",  "",   "bid_not_sealed"),
    ("bp", "",   "nothing_revealed"),
    ("bp", "b",  "ask_not_revealed"),
    ("bp", "p",  "bid_not_revealed"),
    ("bp", "bp", "price_between"),
])  # fmt: skip
def test_who_was_missing_is_said_and_a_denial_only_where_nobody_was(sealing: str, revealing: str, end: str):
    sides, auction = {"b": Side.BUYER, "p": Side.PROVIDER}, opened()
    for each in sealing:
        auction = sealed_by(auction, sides[each], PRICES[sides[each]], NOON)
    for each in revealing:
        auction = revealed(auction, sides[each], PRICES[sides[each]])
    due = auction.deadline
    assert due
    if due > NOON:
        early = facts_of(NothingToDecide, lambda: rules.decide(auction, None, due - MICROSECOND))
        assert early == {"state": auction.state, "deadline": due}
    over = rules.decide(auction, None, due)
    assert (over.state, over.reason_code) == (TRADED if end == "price_between" else UNTRADED, end)
    denied = rules.decide(auction, "frozen", due)
    assert (denied.state, denied.reason_code, denied.price) == (
        UNTRADED, "frozen" if end == "price_between" else end, None,
    )  # fmt: skip
    assert facts_of(NothingToDecide, lambda: rules.decide(over, None, due)) == {"state": over.state, "deadline": None}
    assert facts_of(SealingOver, lambda: sealed_by(over, Side.BUYER, 1, NOON))["reason_code"] == end


def test_a_side_that_sealed_nothing_may_end_it_and_says_so_once():
    for side, other, reason in ((Side.BUYER, Side.PROVIDER, "by_buyer"), (Side.PROVIDER, Side.BUYER, "by_provider")):
        over = rules.decline(sealed_by(opened(), other, 1, NOON), side, SEAL_BY - MICROSECOND)
        assert (over.state, over.reason_code, over.revision) == (UNTRADED, reason, 3)
        assert rules.decline(over, side, REVEAL_BY) is over
        assert facts_of(SealingOver, lambda: rules.decline(over, other, NOON))["reason_code"] == reason  # noqa: B023
        assert facts_of(SealingOver, lambda: rules.decline(opened(), side, SEAL_BY))  # noqa: B023


def test_nobody_but_the_two_has_a_side():
    auction = opened()
    assert (auction.side_of(BUYER), auction.side_of(PROVIDER)) == (Side.BUYER, Side.PROVIDER)
    assert facts_of(NoSuchDoubleAuction, lambda: auction.side_of(ParticipantId.new())) == {}


def test_a_commitment_is_of_one_auction_one_participant_one_amount_and_one_nonce():
    def sealing(**changes: object) -> str:
        told = {"id": of, "who": BUYER, "amount": Money(1), "nonce": NONCE} | changes
        return rules.commitment_of(told["id"], told["who"], told["amount"], told["nonce"])  # type: ignore[arg-type]

    of = DoubleAuctionId.new()
    others = [
        sealing(id=DoubleAuctionId.new()), sealing(who=PROVIDER), sealing(amount=Money(2)), sealing(nonce="00" * 16),
        sealing(amount=Money(1, "EUR")),
    ]  # fmt: skip
    assert sealing() == sealing() and len({sealing(), *others}) == 6


@given(st.integers(1, 300), st.integers(1, 300), st.permutations([0, 1]), st.permutations([0, 1]), st.integers(0, 40))
def test_any_run_comes_to_what_a_naive_reading_says(
    bid: int, ask: int, sealing: list[int], revealing: list[int], hours: int
):
    sides, minors = [Side.BUYER, Side.PROVIDER], [bid, ask]
    auction, at = opened(), NOON
    for each in sealing:
        at += timedelta(hours=hours / 8)
        auction = sealed_by(auction, sides[each], minors[each], at)
    for each in revealing:
        auction = revealed(auction, sides[each], minors[each], at)
    over = rules.decide(auction, None, at)
    naive = (bid + ask) // 2 if bid >= ask else None  # the odd unit is the buyer's
    assert (over.price and over.price.minor) == naive
    assert over.state is (UNTRADED if naive is None else TRADED)
    assert {each.amount.minor for each in over.openings} == {bid, ask}
