"""Who is sanctioned begins nothing new, whichever door they try, and ends what they began before."""

from collections.abc import Awaitable, Callable

import pytest
from httpx2 import Response

from shared.ids import PlanId
from tests.support.bench import Person
from tests.trading.inquiring import OFFERS_DAYS, OPENING_DAYS, a_ring
from tests.trading.lots import Lots
from tests.trading.market import DEPOSIT, START, Market, code, yuan
from tests.trading.negotiation.asked import accepted, answered, asked, directed, ended, listed
from tests.trading.test_complaints import upheld

pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
Acts = dict[str, Callable[[], Awaitable[Response]]]


async def sanction(market: Market, who: Person) -> None:
    await upheld(market, who, kind="black_market")
    standing = (await market.read(who, "/sanctions"))["items"][0]
    await market.do(who, f"/sanctions/{standing['id']}/statement", {"statement": "不实"})
    security = market.bench.staff("operator_security")
    await market.do(security, f"/sanctions/{standing['id']}/imposition", {"reason": "累计失信"})


async def outcomes(acts: Acts) -> dict[str, tuple[int, str | None]]:
    return {name: code(await act()) for name, act in acts.items()}


async def test_a_sanctioned_buyer_asks_for_nothing_and_takes_nothing(market: Market):
    ring = await a_ring(market)
    buyer, lots, listing = ring.buyer, Lots(market), await listed(market)
    await market.give_money(buyer, minor=10 * DEPOSIT)
    opened = (await asked(market, buyer, listing)).json()
    theirs = (await answered(market, market.provider, opened, 50_000)).json()
    falling, sealed = [await lots.opened(each) for each in ("dutch", "sealed_first")]
    english = await market.auction(buy_now_price=yuan(90_000))
    for auction_id in (falling, sealed, english):
        await market.do(buyer, f"/auctions/{auction_id}/registrations")
    plan_id = PlanId.new()
    fixed = await market.listing(plan_id=plan_id, kind="unlimited")
    assert buyer.participant_id
    quote = market.neighbours.quote(buyer.participant_id, fixed["version_id"], plan_id, 0)
    order = {"listing_id": fixed["id"], "quote_id": quote.id, "quote_version": 1, "total": yuan(0)}
    await sanction(market, buyer)
    acts: Acts = {
        "inquiry": ring.publish,
        "negotiation": lambda: asked(market, buyer, listing),
        "counter-offer": lambda: answered(market, buyer, theirs, 45_000),
        "yes": lambda: accepted(market, buyer, theirs),
        "dutch price": lambda: market.post(buyer, f"/auctions/{falling}/acceptances", {"maximum": yuan(START)}),
        "sealed bid": lambda: market.post(buyer, f"/auctions/{sealed}/sealed-bids", {"commitment": "ab" * 32}),
        "buy now": lambda: market.post(buyer, f"/auctions/{english}/buy-now"),
        "bid": lambda: market.bid(buyer, english, 50_000),
        "order": lambda: market.post(buyer, "/orders", order),
    }
    assert await outcomes(acts) == dict.fromkeys(acts, (409, "sanctioned"))
    assert (await market.read(buyer, "/orders"))["items"] == []
    assert (await ended(market, buyer, theirs)).is_success


async def test_a_sanctioned_provider_offers_nothing_and_an_offer_that_was_sealed_before_is_opened(market: Market):
    ring = await a_ring(market)
    who, inquiry = ring.providers[0], await ring.inquiry()
    market.provider = who
    buyer, listing, idle = await market.buyer(), await listed(market), await listed(market, kind="exclusive")
    lots = Lots(market)
    lot, falling, sealed = await market.listing(), await lots.listing("dutch"), await lots.listing("sealed_first")
    opened = (await asked(market, buyer, listing)).json()
    await market.do(who, f"/listings/{idle['id']}/suspend")
    offers = [ring.offer(number, 4_000 + number) for number in range(3)]
    assert (await ring.seal(inquiry, 0, offers[0])).is_success
    later = await ring.inquiry()
    await sanction(market, who)
    acts: Acts = {
        "listing": market.list_it,
        "listing resumed": lambda: market.post(who, f"/listings/{idle['id']}/resume"),
        "auction": lambda: market.open_auction(lot),
        "dutch auction": lambda: lots.open(falling),
        "sealed auction": lambda: lots.open(sealed),
        "sealed offer": lambda: ring.seal(later, 0, offers[0]),
        "directed offer": lambda: directed(market, buyer, listing),
        "counter-offer": lambda: answered(market, who, opened, 45_000),
        "yes": lambda: accepted(market, who, opened),
    }
    assert await outcomes(acts) == dict.fromkeys(acts, (409, "sanctioned"))
    for number in (1, 2):
        assert (await ring.seal(inquiry, number, offers[number])).is_success
    await market.advance(days=OFFERS_DAYS)
    for number, offer in enumerate(offers):
        assert (await ring.open(inquiry, number, offer)).is_success
    await market.advance(days=OPENING_DAYS)
    assert (await ring.see(ring.buyer, inquiry))["winner"] == who.participant_id, "what was offered before stands"
