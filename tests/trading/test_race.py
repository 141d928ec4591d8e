"""A bid that arrives while the auction ends: it is in time or it is not, and everyone finds the same.

A hundred races on each kind of database; as many as `YAOSU_RACES` says where someone wants to be surer.
"""

import asyncio
import os
from collections import Counter
from datetime import datetime, timedelta

import pytest

from services.trading import jobs
from tests.support.bench import Person
from tests.trading.market import AUCTION_DAYS, DEPOSIT, Market, code

RACES = int(os.environ.get("YAOSU_RACES", "40"))
SPREAD = 12  # the end comes after up to 2^12 turns of the loop, within which a bid surely is decided
pytestmark = pytest.mark.timeout(60 + RACES)


async def test_a_bid_and_the_end_race_and_exactly_one_of_them_comes_first(market: Market):
    ana, ben = [await market.bench.member("buyer", signs=True) for _ in range(2)]
    await market.give_money(ana, ben, minor=DEPOSIT * RACES)
    winners = dict[str, str]()
    for number in range(RACES):
        auction_id, winner = await _race(market, ana, ben, turns=2 ** (number % (SPREAD + 1)))
        winners[auction_id] = str(winner.participant_id)
    assert set(winners.values()) == {ana.participant_id, ben.participant_id}, "each of them has come first"
    closed = await market.facts("auction_closed")
    assert Counter(fact["auction_id"] for fact in closed) == Counter(winners.keys())
    assert {fact["auction_id"]: fact["winner_id"] for fact in closed} == winners
    orders = await market.facts("order_placed")
    assert {order["auction_id"]: order["buyer_id"] for order in orders} == winners and len(orders) == RACES


async def _race(market: Market, ana: Person, ben: Person, turns: int) -> tuple[str, Person]:
    """The auction, and who has won it: Ana leads, Ben bids more while it ends."""
    clock, auction_id = market.bench.clock, await market.auction()
    for person in (ana, ben):
        await market.do(person, f"/auctions/{auction_id}/registrations")
    assert (await market.bid(ana, auction_id, 20_000)).is_success
    end = clock.now() + timedelta(days=AUCTION_DAYS)
    clock.set(end - timedelta(microseconds=1))
    await market.bench.refresh()

    async def end_and_close() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        clock.set(end)
        await jobs.close_auctions(market.trading)

    bid, *_ = await asyncio.gather(market.bid(ben, auction_id, 40_000), end_and_close(), end_and_close())
    seen = await market.read(None, f"/auctions/{auction_id}")
    if bid.status_code != 201:
        assert code(bid) == (409, "auction_closed") and seen["winner"] == ana.participant_id
        return auction_id, ana
    assert datetime.fromisoformat(bid.json()["placed_at"]) < end < datetime.fromisoformat(seen["closes_at"])
    assert seen["state"] == "open", "a bid in the last moment moves the end"
    clock.set(datetime.fromisoformat(seen["closes_at"]))
    await jobs.close_auctions(market.trading)
    return auction_id, ben
