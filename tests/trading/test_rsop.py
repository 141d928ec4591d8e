"""Random sampling: truthful for every throw of the coins, and checkable by anyone who has the seed."""

import hashlib
import hmac
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import rsop
from shared.ids import AuctionId, ParticipantId
from shared.money import Money
from tests.trading.test_clearing import gains_by_a_lie, told

SEED = bytes(range(32)).hex()
throws = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 1)), max_size=9)
reserves = st.none() | st.integers(1, 60)


def sold(offers: Sequence[int], coins: Sequence[int], reserve: int | None = None, start: int = 1) -> dict[int, int]:
    floor = Money(reserve or start)
    return told(
        rsop.prices([Money(each) for each in offers], coins, floor, None if reserve is None else Money(reserve))
    )


def best(*offers: int, floor: int = 1) -> int | None:
    price = rsop.best_price([Money(each) for each in offers], Money(floor))
    return price and price.minor


@pytest.mark.parametrize("offers, floor, price", [
    ((),              1,  None),
    ((7,),            1,  7),
    ((7,),            7,  7),
    ((7,),            8,  None),
    ((10, 6, 5),      1,  5),   # 10, 12, 15
    ((10, 4, 3),      1,  10),  # 10, 8, 9
    ((10, 5),         1,  5),   # the same either way: the lowest serves more
    ((12, 6, 4),      1,  4),
    ((12, 6, 4),      5,  6),
    ((12, 6, 4),      7,  12),
    ((3, 9, 3, 9, 3), 1,  9),   # in any order: 9, 18, and 15 for all five
])  # fmt: skip
def test_the_price_at_which_a_side_would_pay_most(offers: tuple[int, ...], floor: int, price: int | None):
    assert best(*offers, floor=floor) == price


@pytest.mark.parametrize("offers, coins, reserve, outcome", [
    ([10, 9, 6, 5],  [0, 1, 0, 1], None, {0: 5, 1: 6, 2: 5}),   # side 0 tells 6, side 1 tells 5
    ([10, 9, 6, 6],  [0, 1, 0, 1], None, {0: 6, 1: 6, 2: 6, 3: 6}),
    ([10, 9, 8],     [0, 0, 0],    None, {}),                   # nobody on the other side, and no reserve
    ([10, 9, 8],     [0, 0, 0],    9,    {0: 9, 1: 9}),         # the reserve stands in
    ([10, 3],        [0, 1],       4,    {0: 4}),               # the other side is there, but tells nothing from 4 on
    ([10, 3],        [0, 1],       None, {0: 3}),
    ([10, 20],       [0, 1],       None, {1: 10}),
    ([],             [],           5,    {}),
])  # fmt: skip
def test_worked_samples(offers: list[int], coins: list[int], reserve: int | None, outcome: dict[int, int]):
    assert sold(offers, coins, reserve) == outcome


# A naive reading: every price that anyone named is tried on the side, from the lowest.


def naive_price(side: Sequence[int], floor: int) -> int | None:
    earned = {price: price * sum(offer >= price for offer in side) for price in sorted(set(side)) if price >= floor}
    return next((price for price in earned if earned[price] == max(earned.values())), None)


def naive(offers: Sequence[int], coins: Sequence[int], reserve: int | None, start: int) -> dict[int, int]:
    won = dict[int, int]()
    for place, (offer, side) in enumerate(zip(offers, coins, strict=True)):
        others = [each for each, coin in zip(offers, coins, strict=True) if coin != side]
        price = naive_price(others, reserve or start) or reserve
        if price and offer >= price:
            won[place] = price
    return won


@given(thrown=throws, reserve=reserves, start=st.integers(1, 60))
def test_a_sample_is_sold_as_a_naive_reading_says(thrown: list[tuple[int, int]], reserve: int | None, start: int):
    offers, coins = [offer for offer, _ in thrown], [coin for _, coin in thrown]
    outcome = sold(offers, coins, reserve, start)
    assert outcome == naive(offers, coins, reserve, start)
    assert all((reserve or start) <= price <= offers[place] for place, price in outcome.items())


@pytest.mark.parametrize("reserve", [None, 3])
@pytest.mark.parametrize("coins", list(product((0, 1), repeat=4)), ids=str)
def test_for_every_throw_of_the_coins_no_lie_gains_anything(coins: tuple[int, ...], reserve: int | None):
    assert not gains_by_a_lie(lambda offers: sold(offers, coins, reserve), bidders=4, grid=range(1, 6))


@given(thrown=throws.filter(bool), reserve=reserves, other=st.integers(1, 99), data=st.data())
def test_nobody_moves_their_own_price(
    thrown: list[tuple[int, int]], reserve: int | None, other: int, data: st.DataObject
):
    offers, coins = [offer for offer, _ in thrown], [coin for _, coin in thrown]
    who = data.draw(st.integers(0, len(offers) - 1))
    with_other = [*offers[:who], other, *offers[who + 1 :]]
    before, after = sold(offers, coins, reserve).get(who), sold(with_other, coins, reserve).get(who)
    if before is not None:
        assert after == (before if other >= before else None)


def test_a_coin_is_a_bit_of_the_hash_of_seed_and_bidder():
    bidders = [ParticipantId.new() for _ in range(64)]
    for bidder_id in bidders:
        bits = f"{int(hashlib.sha256(bytes.fromhex(SEED) + bidder_id.encode()).hexdigest()[:2], 16):08b}"
        assert rsop.coin(SEED, bidder_id) == int(bits[-1])
    assert {rsop.coin(SEED, bidder_id) for bidder_id in bidders} == {0, 1}


def test_another_seed_throws_other_coins():
    bidders, other = [ParticipantId.new() for _ in range(64)], bytes(32).hex()
    assert [rsop.coin(SEED, each) for each in bidders] != [rsop.coin(other, each) for each in bidders]


def test_the_commitment_to_a_seed_binds_the_auction_and_can_be_checked_by_anyone():
    auction_id = AuctionId.new()
    told_hex = rsop.seed_commitment(auction_id, SEED).hex
    naive_hex = hmac.new(bytes.fromhex(SEED), b"\x11seed\x00" + auction_id.encode(), hashlib.sha256).hexdigest()
    assert told_hex == naive_hex
    assert told_hex != rsop.seed_commitment(AuctionId.new(), SEED).hex
    assert told_hex != rsop.seed_commitment(auction_id, bytes(32).hex()).hex
