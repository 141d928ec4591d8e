"""Buying at once, offering again, and calling off, over HTTP."""

import asyncio
from collections import Counter

from shared.ids import AuctionId
from tests.support.bench import Person
from tests.trading.market import AUCTION_DAYS, DEPOSIT, START, Market, code, yuan

FREE, HELD = (100_000, 0), (100_000 - DEPOSIT, DEPOSIT)


async def test_a_registered_bidder_ends_the_auction_at_its_price_in_one_commit(market: Market):
    auction_id = await market.auction(buy_now_price=yuan(60_000), reserve_price=yuan(20_000))
    assert (await market.read(None, f"/auctions/{auction_id}"))["buy_now_price"] == yuan(60_000)
    ana, ben = [await market.bidder(auction_id) for _ in range(2)]
    path = f"/auctions/{auction_id}/buy-now"
    assert code(await market.post(await market.buyer(), path)) == (409, "not_registered")
    order = await market.do(ana, path)
    assert (order["price"]["minor"], order["auction_id"], order["state"]) == (60_000, auction_id, "awaiting_signatures")
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["winner"], seen["reason_code"]) == ("sold", ana.participant_id, "bought_now")
    assert (seen["bids"], seen["buy_now_price"]) == (0, None)
    assert [await market.wallet(each) for each in (ana, ben)] == [HELD, FREE]
    told = (await market.facts("auction_bought_now", "auction_closed"))[1]
    assert (told["outcome_state"], told["reserve_price"]) == ("sold", yuan(20_000))
    assert code(await market.post(ben, path)) == (409, "auction_closed")
    assert code(await market.bid(ben, auction_id, 70_000)) == (409, "auction_closed")
    await market.signed(ana, order)
    await market.do(ana, f"/orders/{order['id']}/payment")
    assert await market.wallet(ana) == (40_000, 0)


async def test_after_the_first_bid_nobody_buys_at_once(market: Market):
    auction_id = await market.auction(buy_now_price=yuan(60_000))
    ana, ben = [await market.bidder(auction_id) for _ in range(2)]
    await market.bid(ana, auction_id, 20_000)
    assert code(await market.post(ben, f"/auctions/{auction_id}/buy-now")) == (409, "no_buy_now")
    plain = await market.auction()
    await market.do(ben, f"/auctions/{plain}/registrations")
    assert code(await market.post(ben, f"/auctions/{plain}/buy-now")) == (409, "no_buy_now")
    assert code(await market.open_auction(buy_now_price=yuan(START - 1))) == (422, "buy_now_too_low")


async def test_of_many_who_buy_or_bid_at_once_one_way_counts(market: Market):
    auction_id = await market.auction(buy_now_price=yuan(60_000))
    people = [await market.bidder(auction_id) for _ in range(4)]
    acts = [market.post(each, f"/auctions/{auction_id}/buy-now") for each in people[:3]]
    answers = await asyncio.gather(*acts, market.bid(people[3], auction_id, 20_000))
    seen = await market.read(None, f"/auctions/{auction_id}")
    taken = Counter(answer.status_code for answer in answers)[201]
    assert taken == 1 and (seen["state"], seen["bids"]) in [("sold", 0), ("open", 1)]
    held = sorted([await market.wallet(each) for each in people])
    assert held == ([HELD, FREE, FREE, FREE] if seen["state"] == "sold" else [HELD] * 4)


async def failed(market: Market) -> tuple[dict[str, str], Person]:
    """The view of an auction whose winner did not pay, and that winner."""
    auction_id = await market.auction()
    winner = await market.bidder(auction_id)
    await market.bid(winner, auction_id, 50_000)
    await market.advance(days=AUCTION_DAYS)
    await market.signed(winner, (await market.read(winner, "/orders"))["items"][0])
    await market.advance(days=5)
    return await market.read(None, f"/auctions/{auction_id}"), winner


async def test_what_its_winner_did_not_pay_for_is_offered_again_and_not_to_them(market: Market):
    before, winner = await failed(market)
    assert (before["state"], before["reason_code"]) == ("sold", "winner_defaulted")
    sold = await market.read(None, f"/listings/{before['listing_id']}")
    listing = (await market.list_it(sold["version_id"])).json()
    again = {"reoffer_of": before["id"], "start_price": yuan(8_000), "deposit": yuan(800)}
    low = await market.open_auction(listing, **again | {"start_price": yuan(7_999)})
    assert (code(low), low.json()["start_minor_min"]) == ((422, "cut_too_deep"), 8_000)
    opened = (await market.open_auction(listing, **again)).json()
    assert opened["reoffer_of"] == before["id"]
    path = f"/auctions/{opened['id']}/registrations"
    assert code(await market.post(winner, path)) == (403, "defaulted")
    assert (await market.post(await market.buyer(5_000), path)).status_code == 201
    assert (await market.facts("auction_opened"))[-1]["barred_ids"] == [winner.participant_id]


async def test_what_did_not_sell_is_offered_again_within_thirty_days(market: Market):
    listing = await market.listing()
    unsold = await market.auction(listing)
    other = await market.listing()
    assert code(await market.open_auction(listing, reoffer_of=unsold)) == (409, "not_failed")
    await market.advance(days=AUCTION_DAYS)
    assert code(await market.open_auction(other, reoffer_of=unsold)) == (409, "not_the_same_right")
    assert code(await market.open_auction(listing, reoffer_of=AuctionId.new())) == (404, "no_such_auction")
    market.bench.clock.advance(days=30)
    await market.bench.refresh()
    last = await market.open_auction(listing, reoffer_of=unsold)
    assert last.status_code == 201
    await market.do(market.provider, f"/auctions/{last.json()['id']}/cancel")
    market.bench.clock.advance(microseconds=1)
    assert code(await market.open_auction(listing, reoffer_of=unsold)) == (409, "reoffer_too_late")


async def test_after_the_first_bid_two_operators_call_an_auction_off(market: Market):
    auction_id = await market.auction()
    ana, ben = [await market.bidder(auction_id) for _ in range(2)]
    first, second = market.bench.staff("operator_business"), market.bench.staff("operator_business")
    path, ground = f"/auctions/{auction_id}/cancellation", {"ground": "collusion"}
    assert code(await market.post(first, path, ground)) == (409, "nobody_has_bid")
    await market.bid(ana, auction_id, 20_000)
    assert code(await market.post(second, f"{path}/confirmation", ground)) == (404, "nothing_proposed")
    before = await market.read(None, f"/auctions/{auction_id}")
    proposal = await market.do(first, path, ground)
    assert (proposal["ground"], proposal["auction_id"]) == ("collusion", auction_id)
    assert await market.read(None, f"/auctions/{auction_id}") == before, "one person ends nothing"
    assert code(await market.post(second, path, ground)) == (409, "proposed_already")
    assert code(await market.post(first, f"{path}/confirmation", ground)) == (409, "second_operator_required")
    other = {"ground": "system_fault"}
    assert code(await market.post(second, f"{path}/confirmation", other)) == (409, "another_ground")
    for who in (market.provider, ana, market.bench.staff("regulator"), market.bench.staff("operator_system")):
        assert code(await market.post(who, f"{path}/confirmation", ground)) == (403, "not_your_role")
    told = await market.do(second, f"{path}/confirmation", ground)
    assert (told["state"], told["reason_code"]) == ("cancelled", "collusion")
    assert [await market.wallet(each) for each in (ana, ben)] == [FREE, FREE]
    assert code(await market.bid(ana, auction_id, 30_000)) == (409, "auction_closed")
    proposed, cancelled = await market.facts("cancellation_proposed", "auction_cancelled")
    assert proposed["reason_code"] == cancelled["reason_code"] == "collusion"


async def test_a_proposal_that_nobody_confirms_in_a_day_counts_for_nothing(market: Market):
    auction_id = await market.auction()
    await market.bid(await market.bidder(auction_id), auction_id, 20_000)
    first, second = market.bench.staff("operator_business"), market.bench.staff("operator_business")
    path, ground = f"/auctions/{auction_id}/cancellation", {"ground": "collusion"}
    await market.do(first, path, ground)
    await market.advance(days=1)
    assert code(await market.post(second, f"{path}/confirmation", ground)) == (404, "nothing_proposed")
    await market.do(second, path, ground)
    assert (await market.do(first, f"{path}/confirmation", ground))["state"] == "cancelled"
