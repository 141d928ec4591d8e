"""Auctions of public data stay at or below the price cap that is filed for them."""

from typing import Any

import pytest

from services.trading.rules.auction import place_bid
from services.trading.rules.price_cap import ARTICLE, AbovePriceCap, PriceCapMissing, require_filed, require_within
from shared.grades import Flag
from shared.ids import ParticipantId
from shared.money import Money
from tests.trading.made import NOON, an_auction, terms
from tests.trading.market import START, STEP, Market, code, yuan
from tests.trading.test_auction_terms import made

CAP = Money(1_000)


@pytest.mark.parametrize("changes, asked", [
    ({"start_price": Money(1_001)}, 1_001), ({"reserve_price": Money(1_001)}, 1_001),
    ({"start_price": Money(1_002), "reserve_price": Money(1_003)}, 1_002),
])  # fmt: skip
def test_terms_above_the_cap_are_refused_with_the_article(changes: dict[str, Any], asked: int):
    with pytest.raises(AbovePriceCap) as refused:
        made(price_cap=CAP, **changes)
    assert refused.value.facts == {"article": "发改价格〔2025〕65号", "cap": CAP, "asked": Money(asked)}


def test_terms_up_to_the_cap_are_taken_and_keep_it():
    assert made(price_cap=CAP, reserve_price=Money(1_000)).price_cap == CAP
    assert made(start_price=Money(1_001)).price_cap is None


def test_no_maximum_above_the_cap_is_taken():
    auction = an_auction(terms(price_cap=Money(150)))
    bidder = ParticipantId.new()
    assert place_bid(auction, bidder, Money(150), NOON).leader_maximum == Money(150)
    with pytest.raises(AbovePriceCap) as refused:
        place_bid(auction, bidder, Money(151), NOON)
    assert refused.value.facts == {"article": ARTICLE, "cap": Money(150), "asked": Money(151)}
    assert place_bid(an_auction(terms()), bidder, Money(151), NOON).leader_maximum == Money(151)


def test_public_data_alone_need_a_cap():
    require_filed(frozenset({Flag.PERSONAL}), None)
    require_filed(frozenset({Flag.PUBLIC_DATA}), CAP)
    require_within(None, CAP)
    require_within(CAP, None)
    with pytest.raises(PriceCapMissing) as refused:
        require_filed(frozenset({Flag.PUBLIC_DATA, Flag.PERSONAL}), None)
    assert refused.value.facts == {"article": ARTICLE}


async def test_public_data_are_auctioned_below_their_cap_or_not_at_all(market: Market):
    assert market.provider.participant_id
    version_id = market.neighbours.version(market.provider.participant_id, flags=["public_data"])
    listing = await market.listing(version_id)
    refused = await market.open_auction(listing)
    assert code(refused) == (409, "price_cap_missing") and refused.json()["article"] == ARTICLE
    market.neighbours.price_caps[version_id] = Money(START - 1)
    refused = await market.open_auction(listing)
    assert code(refused) == (409, "above_price_cap") and refused.json()["cap"] == yuan(START - 1)
    market.neighbours.price_caps[version_id] = Money(START + STEP)
    auction_id = await market.auction(listing)
    assert (await market.read(None, f"/auctions/{auction_id}"))["price_cap"] == yuan(START + STEP)
    bidder = await market.bidder(auction_id)
    above = await market.bid(bidder, auction_id, START + STEP + 1)
    assert code(above) == (409, "above_price_cap") and above.json()["asked"] == yuan(START + STEP + 1)
    assert (await market.bid(bidder, auction_id, START + STEP)).status_code == 201


async def test_a_falling_price_of_public_data_begins_at_their_cap_at_most(market: Market):
    assert market.provider.participant_id
    version_id = market.neighbours.version(market.provider.participant_id, flags=["public_data"])
    listing = await market.listing(version_id, mechanism="dutch")
    asked: dict[str, Any] = {
        "increments": None,
        "schedule": {"decrement": yuan(STEP), "interval_seconds": 3_600, "floor_price": yuan(STEP)},
    }
    assert code(await market.open_auction(listing, **asked)) == (409, "price_cap_missing")
    market.neighbours.price_caps[version_id] = Money(START - 1)
    assert code(await market.open_auction(listing, **asked)) == (409, "above_price_cap")
    market.neighbours.price_caps[version_id] = Money(START)
    assert (await market.open_auction(listing, **asked)).status_code == 201
