"""A bid that arrives while the auction ends: it is in time or it is not, and everyone finds the same.

Some races on each kind of database; as many as `YAOSU_RACES` says where someone wants to be surer. What comes before a
race is written for many of them at once; the bids and the closes, two of each auction, take the way that they always
take.
"""

import asyncio
import os
import sys
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.trading import jobs
from services.trading.actions import money
from services.trading.rules import auction as rules
from services.trading.rules.any_auction import of_kind
from services.trading.rules.auction import Auction
from services.trading.rules.bid import Registration
from services.trading.store import auction as store
from services.trading.store import listing as listing_store
from shared.database import Transaction
from shared.ids import AssetId, AuctionId, ListingId, RegistrationId, VersionId
from tests.support.bench import Person
from tests.trading.market import AUCTION_DAYS, DEPOSIT, Market, code

RACES = int(os.environ.get("YAOSU_RACES", "40"))
AT_ONCE = 50
APART = timedelta(minutes=10)  # longer than a bid in the last moment moves an end
SPREAD = 12  # the end comes after up to 2^12 turns of the loop, within which a bid surely is decided
pytestmark = pytest.mark.timeout(60 + RACES)


async def test_a_bid_and_the_end_race_and_exactly_one_of_them_comes_first(market: Market):
    ana, ben = [await market.bench.member("buyer", signs=True) for _ in range(2)]
    await market.give_money(ana, ben, minor=DEPOSIT * (RACES + 1))
    pattern, winners = AuctionId(await market.auction()), dict[str, str]()
    for person in (ana, ben):
        await market.do(person, f"/auctions/{pattern}/registrations")
    for first in range(0, RACES, AT_ONCE):
        copies = await _copies(market, pattern, min(AT_ONCE, RACES - first))
        for auction_id, _ in copies:
            assert (await market.bid(ana, auction_id, 20_000)).is_success
        for auction_id, end in copies:
            turns = 2 ** (len(winners) % (SPREAD + 1))
            winners[auction_id] = str((await _race(market, ana, ben, auction_id, end, turns)).participant_id)
    won = Counter(winners.values())
    assert set(won) == {ana.participant_id, ben.participant_id}, "each of them has come first"
    sys.stdout.write(f"{RACES} races: the end came first {won[str(ana.participant_id)]} times\n")
    closed = [fact for fact in await market.facts("auction_closed") if fact["auction_id"] != pattern]
    assert Counter(fact["auction_id"] for fact in closed) == Counter(winners.keys())
    assert {fact["auction_id"]: fact["winner_id"] for fact in closed} == winners
    orders = await market.facts("order_placed")
    assert {order["auction_id"]: order["buyer_id"] for order in orders} == winners and len(orders) == RACES


async def _copies(market: Market, pattern: AuctionId, count: int) -> list[tuple[AuctionId, datetime]]:
    """So many auctions like one, with the same bidders and their deposits, and the moments at which they end."""
    made = list[tuple[AuctionId, datetime]]()
    async with market.trading.database.transaction() as tx:
        now = await market.trading.database.now(tx)
        auction = of_kind(await store.auction_for_update(tx, pattern), Auction)
        listing = await listing_store.listing(tx, auction.listing_id)
        bidders = await store.registrations_on(tx, pattern)
        for number in range(count):
            own = {"id": ListingId.new(), "asset_id": AssetId.new(), "version_id": VersionId.new()}
            deadline = now + timedelta(days=365)
            await listing_store.add_listing(tx, copy := replace(listing, **own, deadline=deadline))
            end = now + timedelta(days=AUCTION_DAYS) + number * APART
            hard_end = end + (auction.terms.hard_closes_at - auction.terms.closes_at)
            terms = replace(auction.terms, opens_at=now, closes_at=end, hard_closes_at=hard_end)
            opened = rules.open_auction(AuctionId.new(), copy.id, copy.provider_id, terms, now)
            await store.add_auction(tx, opened, None)
            for each in bidders:
                await _register(tx, each, opened, now)
            made.append((opened.id, end))
    return made


async def _register(tx: Transaction, like: Registration, auction: Auction, now: datetime) -> None:
    mine = replace(like, id=RegistrationId.new(), auction_id=auction.id, registered_at=now)
    await store.add_registration(tx, mine)
    await money.hold_deposit(tx, auction.id, mine.participant_id, mine.deposit, now)


async def _race(
    market: Market, ana: Person, ben: Person, auction_id: AuctionId, end: datetime, turns: int
) -> Person:  # fmt: skip
    """Who has won the auction: Ana leads, Ben bids more while it ends."""
    clock = market.bench.clock
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
        return ana
    assert datetime.fromisoformat(bid.json()["placed_at"]) < end < datetime.fromisoformat(seen["closes_at"])
    assert seen["state"] == "open", "a bid in the last moment moves the end"
    clock.set(datetime.fromisoformat(seen["closes_at"]))
    await jobs.close_auctions(market.trading)
    return ben
