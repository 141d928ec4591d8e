"""What a provider's withdrawal of an asset does to its offers, and to nothing else."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from services.trading import jobs
from services.trading.actions.news import take_in
from services.trading.actions.trading import version_of
from services.trading.rules import auction as auction_rules
from services.trading.store import auction as auction_store
from services.trading.store import listing as store
from shared.grades import Grade
from shared.ids import AuctionId, ListingId, ParticipantId, PlanId, VersionId
from tests.support.bench import WrittenFeed
from tests.trading.made import a_listing, terms
from tests.trading.market import AUCTION_DAYS, Market, code, yuan
from tests.trading.neighbours import Neighbours

ENDED = ("delisted", "asset_withdrawn")


async def state_of(market: Market, kind: str, the_id: object) -> tuple[str, str | None]:
    told = await market.read(market.provider, f"/{kind}/{the_id}")
    return told["state"], told["reason_code"]


async def order_at(market: Market, listing: dict[str, Any], minor: int = 6_000) -> tuple[int, str | None]:
    """What the answer to an order says, by a buyer with a quote that stands."""
    buyer = await market.buyer(100_000)
    assert buyer.participant_id
    quote = market.neighbours.quote(buyer.participant_id, listing["version_id"], listing["plan_id"], minor)
    body = {"listing_id": listing["id"], "quote_id": quote.id, "quote_version": 1, "total": yuan(minor)}
    return code(await market.post(buyer, "/orders", body))


async def news_waits(
    market: Market, announce: Callable[[VersionId], None], version_id: VersionId
) -> asyncio.Task[None]:
    """The news being taken in, as far as that gets while someone else holds what it needs."""
    market.neighbours.feed = WrittenFeed("catalog")  # nobody else listens to
    announce(version_id)
    change = (await market.neighbours.feed.after({}))[0]

    async def taken_in() -> None:
        async with market.trading.database.transaction() as tx:
            await take_in(market.trading, tx, change)

    told = asyncio.create_task(taken_in())
    await asyncio.wait({told}, timeout=0.5)
    assert not told.done()
    return told


async def test_every_offer_of_a_withdrawn_asset_is_taken_off_and_no_other(market: Market):
    assert market.provider.participant_id
    offered = await market.listing(plan_id=PlanId.new(), kind="unlimited")
    asset_id = market.neighbours.versions[offered["version_id"]].asset_id
    newer = market.neighbours.version(market.provider.participant_id, asset_id=asset_id)
    suspended = await market.listing(newer, plan_id=PlanId.new(), kind="unlimited")
    await market.do(market.provider, f"/listings/{suspended['id']}/suspend")
    others = await market.listing(plan_id=PlanId.new(), kind="unlimited")
    market.neighbours.withdraw_asset(newer)
    await market.tick()
    assert await state_of(market, "listings", offered["id"]) == ENDED
    assert await state_of(market, "listings", suspended["id"]) == ENDED
    assert await state_of(market, "listings", others["id"]) == ("listed", None)
    assert await order_at(market, offered) == (409, "listing_not_open")
    assert await order_at(market, others) == (201, None)
    assert code(await market.post(market.provider, f"/listings/{suspended['id']}/resume")) == (409, "illegal_move")
    told = [(each["listing_id"], each["state"], each["reason_code"]) for each in await market.facts("listing_closed")]
    assert sorted(told) == sorted((each["id"], *ENDED) for each in (offered, suspended)), "news counts once"


async def test_an_auction_without_a_bid_is_called_off_with_its_asset_and_frees_every_deposit(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    ana, ben = await market.bidder(auction_id), await market.bidder(auction_id)
    market.neighbours.withdraw_asset(listing["version_id"])
    await market.tick()
    assert await state_of(market, "auctions", auction_id) == ("cancelled", "asset_withdrawn")
    assert await state_of(market, "listings", listing["id"]) == ENDED
    assert [await market.wallet(each) for each in (ana, ben)] == [(100_000, 0)] * 2
    assert code(await market.bid(ben, auction_id, 30_000)) == (409, "auction_closed")
    await market.advance(days=AUCTION_DAYS)
    assert await state_of(market, "auctions", auction_id) == ("cancelled", "asset_withdrawn")
    assert [each["bids"] for each in await market.facts("auction_cancelled")] == [0]


async def test_no_provider_escapes_a_bid_by_withdrawing_the_asset(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    ana, ben = await market.bidder(auction_id), await market.bidder(auction_id)
    await market.bid(ana, auction_id, 20_000)
    market.neighbours.withdraw_asset(listing["version_id"])
    await market.tick()
    assert (await state_of(market, "auctions", auction_id))[0] == "open"
    assert await state_of(market, "listings", listing["id"]) == ENDED
    assert (await market.bid(ben, auction_id, 30_000)).status_code == 201
    await market.advance(days=AUCTION_DAYS)
    assert await state_of(market, "auctions", auction_id) == ("sold", "highest_bid")
    order = (await market.read(ben, "/orders"))["items"][0]
    assert (order["price"]["minor"], order["state"]) == (21_000, "awaiting_signatures")


async def test_an_auction_that_was_over_is_sold_though_nobody_had_noticed_when_the_asset_was_withdrawn(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    ana, ben = await market.bidder(auction_id), await market.bidder(auction_id)
    await market.bid(ana, auction_id, 20_000)
    market.neighbours.withdraw_asset(listing["version_id"])
    await market.advance(days=AUCTION_DAYS)  # the news is read first
    assert await state_of(market, "auctions", auction_id) == ("sold", "highest_bid")
    assert await state_of(market, "listings", listing["id"]) == ENDED
    assert await market.wallet(ben) == (100_000, 0)
    order = (await market.read(ana, "/orders"))["items"][0]
    await market.signed(ana, order)
    paid = await market.do(ana, f"/orders/{order['id']}/payment")
    assert (await market.use(ana, paid)).status_code == 201


async def test_an_auction_that_was_over_without_a_bid_is_unsold_when_the_asset_was_withdrawn(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    ana = await market.bidder(auction_id)
    market.neighbours.withdraw_asset(listing["version_id"])
    await market.advance(days=AUCTION_DAYS)
    assert await state_of(market, "auctions", auction_id) == ("unsold", "no_bids")
    assert await state_of(market, "listings", listing["id"]) == ENDED
    assert await market.wallet(ana) == (100_000, 0)


async def test_deals_that_were_made_stand_when_the_asset_is_withdrawn(market: Market):
    buyer, unpaid = await market.won()
    await market.signed(buyer, unpaid)
    owner, paid = await market.paid()
    for order in (unpaid, paid):
        listing = await market.read(market.provider, f"/listings/{order['listing_id']}")
        market.neighbours.withdraw_asset(listing["version_id"])
    await market.tick()
    assert (await market.order(buyer, unpaid))["state"] == "awaiting_payment"
    assert (await market.do(buyer, f"/orders/{unpaid['id']}/payment"))["state"] == "awaiting_delivery"
    assert (await market.use(owner, paid)).status_code == 201
    assert await state_of(market, "listings", paid["listing_id"]) == ("sold", "sold_exclusively")


async def test_a_withdrawal_needs_no_knowledge_of_who_may_be_trusted(market: Market):
    listing = await market.listing()
    market.bench.clock.advance(seconds=31)  # nobody has confirmed the mirror of standings since
    market.neighbours.withdraw_asset(listing["version_id"])
    await jobs.tick(market.trading)
    assert await state_of(market, "listings", listing["id"]) == ENDED


async def test_a_withdrawal_that_is_known_before_the_listing_is_made_keeps_it_from_being_made(market: Market):
    assert market.provider.participant_id
    version_id = market.neighbours.version(market.provider.participant_id)
    answered_before = market.neighbours.versions[version_id]
    market.neighbours.withdraw_asset(version_id)
    await market.tick()
    market.neighbours.versions[version_id] = answered_before
    assert code(await market.list_it(version_id)) == (409, "asset_not_registered")


async def test_a_withdrawal_waits_for_a_first_listing_that_is_being_made(market: Market):
    assert market.provider.participant_id
    version_id = market.neighbours.version(market.provider.participant_id)
    version = await version_of(market.trading, version_id)
    listing = a_listing(version_id=version_id, asset_id=version.asset_id, provider_id=version.provider_id)
    async with market.trading.database.transaction() as tx:
        assert (await store.lock_version(tx, version)).registered
        told = await news_waits(market, market.neighbours.withdraw_asset, version_id)
        await store.add_listing(tx, listing)
    await told
    assert await state_of(market, "listings", listing.id) == ENDED, "or it would stay on offer for ever"


NEWS = {"withdrawn": Neighbours.withdraw_asset, "raised": partial(Neighbours.raise_grade, grade=Grade.G4)}


@pytest.mark.parametrize("news", NEWS.values(), ids=NEWS)
async def test_news_waits_for_an_auction_that_is_being_opened(market: Market, news: Callable[..., None]):
    listing = await market.listing()
    listing_id, version_id = ListingId(listing["id"]), VersionId(listing["version_id"])
    provider_id = ParticipantId(listing["provider_id"])
    async with market.trading.database.transaction() as tx:
        await store.own_listing(tx, listing_id, provider_id)
        told = await news_waits(market, partial(news, market.neighbours), version_id)
        now = market.bench.clock.now()
        opened = auction_rules.open_auction(AuctionId.new(), listing_id, provider_id, terms(), now)
        await auction_store.add_auction(tx, opened, None)
    await told
    assert (await state_of(market, "auctions", opened.id))[0] == "cancelled", "or bids would be taken for nothing"
