"""Public data 公共数据 in every way of trading: at their price cap at most, for nothing, or not in that way at all."""

from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import pytest
from httpx2 import Response

from services.trading.rules import listing as rules
from services.trading.rules.listing import PublicDataUncapped, require_open, why_denied
from services.trading.rules.mechanism import FITTING, KEEPING_A_CAP, Mechanism, Pricing
from services.trading.rules.price_cap import ARTICLE, AbovePriceCap, PriceCapMissing, require_total_within
from services.trading.rules.right import RightKind
from shared.grades import Flag, Grade, possible
from shared.ids import PlanId, VersionId
from shared.money import Money
from tests.trading.inquiring import LISTED as BY_INQUIRY
from tests.trading.lots import KINDS, RIGHT, Lots
from tests.trading.made import NOON, a_listing
from tests.trading.market import STEP, Market, code, yuan
from tests.trading.negotiation.asked import accepted, asked, listed, orders
from tests.trading.test_block_deals import a_part, approved, offered
from tests.trading.test_block_deals import accepted as taken
from tests.trading.test_bundles import on_offer, yes_to
from tests.trading.test_calling import ask, bid, called, closed
from tests.trading.test_deals import order_of
from tests.trading.test_double_auctions import both_sealed, opened, revealed

Told = dict[str, Any]
PUBLIC, CAP = frozenset({Flag.PUBLIC_DATA}), 10_000
FIT = ["fixed", "english", "dutch"]
SAYS_WHAT_FITS = {"article": ARTICLE, "fitting": FIT}
UNCAPPED = [*(each for each in Mechanism if each not in KEEPING_A_CAP), Pricing.INQUIRY, Pricing.NEGOTIATION]


def public(market: Market, cap: int | None = CAP) -> VersionId:
    """A version of the provider's, with a cap filed for it, or none."""
    assert market.provider.participant_id
    version_id = market.neighbours.version(market.provider.participant_id, flags=["public_data"])
    if cap is not None:
        market.neighbours.price_caps[version_id] = Money(cap)
    return version_id


def way_of(way: Mechanism | Pricing) -> Told:
    """How a provider asks to list for it."""
    if isinstance(way, Pricing):
        return BY_INQUIRY | {"pricing": way}
    kind = KINDS.get(way, "exclusive")
    right = RIGHT | {"kind": kind} | ({"copies": 2} if kind == "limited" else {})
    return BY_INQUIRY | {"pricing": "auction", "mechanism": way, "right": right}


async def test_a_way_that_keeps_no_cap_takes_no_public_data_whatever_they_would_cost(market: Market):
    for way, cap in product(UNCAPPED, (CAP, None)):
        refused = await market.post(market.provider, "/listings", way_of(way) | {"version_id": public(market, cap)})
        assert code(refused) == (409, "public_data_uncapped")
        assert {name: refused.json()[name] for name in SAYS_WHAT_FITS} == SAYS_WHAT_FITS


Sell = Callable[[Market, VersionId, int], Awaitable[Response]]


async def at_a_fixed_price(market: Market, version_id: VersionId, minor: int, **changes: Any) -> Response:
    plan_id, buyer = PlanId.new(), await market.buyer()
    listing = (await market.list_it(version_id, plan_id=plan_id, kind="unlimited", quota_uses=10)).json()
    said = order_of(market, buyer, listing, plan_id, minor, **changes)
    return await market.post(buyer, "/orders", said)


async def by_the_unit(market: Market, version_id: VersionId, minor: int) -> Response:
    return await at_a_fixed_price(market, version_id, 3 * minor, quantity=3, quota_uses=3)


async def by_the_period(market: Market, version_id: VersionId, minor: int) -> Response:
    return await at_a_fixed_price(market, version_id, 2 * minor, periods=1, days=3, period_days=33)


async def from_a_start(market: Market, version_id: VersionId, minor: int) -> Response:
    return await market.open_auction(
        await market.listing(version_id), start_price=yuan(minor), deposit=yuan(minor // 10)
    )


async def to_a_reserve(market: Market, version_id: VersionId, minor: int) -> Response:
    listing = await market.listing(version_id)
    told: Told = {"start_price": yuan(STEP), "deposit": yuan(100), "reserve_price": yuan(minor)}
    return await market.open_auction(listing, **told)


async def by_a_bid(market: Market, version_id: VersionId, minor: int) -> Response:
    auction_id = await market.auction(await market.listing(version_id), start_price=yuan(STEP), deposit=yuan(100))
    return await market.bid(await market.bidder(auction_id), auction_id, minor)


async def bought_now(market: Market, version_id: VersionId, minor: int) -> Response:
    told: Told = {"start_price": yuan(STEP), "deposit": yuan(100), "buy_now_price": yuan(minor)}
    return await market.open_auction(await market.listing(version_id), **told)


async def from_above(market: Market, version_id: VersionId, minor: int) -> Response:
    schedule = {"decrement": yuan(100), "interval_seconds": 3_600, "floor_price": yuan(1_000)}
    told: Told = {"increments": None, "schedule": schedule, "start_price": yuan(minor), "deposit": yuan(minor // 10)}
    return await market.open_auction(await market.listing(version_id, mechanism="dutch"), **told)


SALES: tuple[Sell, ...] = (
    at_a_fixed_price, by_the_unit, by_the_period, from_a_start, to_a_reserve, by_a_bid, bought_now, from_above,
)  # fmt: skip


async def test_public_data_cost_their_cap_and_not_a_fen_more(market: Market):
    for sell in SALES:
        assert (await sell(market, public(market), CAP)).status_code == 201, sell
        above = await sell(market, public(market), CAP + 1)
        assert code(above) == (409, "above_price_cap"), sell
        assert (above.json()["article"], above.json()["cap"]) == (ARTICLE, yuan(CAP))


async def test_without_a_cap_they_are_sold_for_no_price(market: Market):
    for sell in SALES:
        if sell is not by_a_bid:  # there is no auction to bid in
            refused = await sell(market, public(market, None), CAP)
            assert (code(refused), refused.json()["article"]) == ((409, "price_cap_missing"), ARTICLE), sell


async def test_what_is_free_needs_no_cap(market: Market):
    assert (await at_a_fixed_price(market, public(market, None), 0)).status_code == 201


def test_the_total_of_units_is_at_most_as_many_caps():
    require_total_within(frozenset({Flag.PERSONAL}), None, Money(1), 1)
    require_total_within(PUBLIC, None, Money(0), 1)
    require_total_within(PUBLIC, Money(10**15), Money(10**15), 1_000_000)
    require_total_within(PUBLIC, Money(7), Money(21), 3)
    with pytest.raises(AbovePriceCap) as refused:
        require_total_within(PUBLIC, Money(7), Money(22), 3)
    assert refused.value.facts == {"article": ARTICLE, "cap": Money(7), "asked": Money(22), "units": 3}
    with pytest.raises(PriceCapMissing):
        require_total_within(PUBLIC, None, Money(1), 1)


@pytest.mark.parametrize("kind", RightKind)
@pytest.mark.parametrize("way", [*Mechanism, *(each for each in Pricing if each is not Pricing.AUCTION)])
def test_what_becomes_public_data_is_on_offer_only_where_a_cap_is_kept(kind: RightKind, way: Mechanism | Pricing):
    if isinstance(way, Mechanism) and way not in FITTING[kind]:
        return
    told: Told = {"pricing": way, "mechanism": None}
    if isinstance(way, Mechanism):
        told = {"pricing": Pricing.AUCTION, "mechanism": way}
    listing = a_listing(kind, **told)
    flagged = rules.regrade(listing, listing.grade, PUBLIC, 2)
    if way is Pricing.FIXED or way in KEEPING_A_CAP:
        assert (flagged.state, why_denied(flagged)) == (rules.LISTED, None)
        require_open(flagged, NOON)
        return
    assert (flagged.state, flagged.reason_code) == (rules.SUSPENDED, "public_data_uncapped")
    with pytest.raises(PublicDataUncapped) as refused:
        require_open(flagged, NOON)
    assert refused.value.facts == SAYS_WHAT_FITS
    with pytest.raises(rules.SuspendedByGrade):
        rules.resume(flagged)
    cleared = rules.regrade(flagged, listing.grade, frozenset(), 3)
    assert rules.resume(cleared).state is rules.LISTED
    worse = rules.regrade(flagged, Grade.G4, PUBLIC, 3)
    assert worse.reason_code == possible(Grade.G4, listing.mode, PUBLIC).reason_code, "nobody may have it at all"


async def flagged(market: Market, *listings: Told) -> None:
    for each in listings:
        market.neighbours.flag(each["version_id"], Flag.PUBLIC_DATA)
    await market.tick()


async def test_what_became_public_data_is_not_negotiated_to_an_end(market: Market):
    listing, (ana, ben) = await listed(market), [await market.buyer() for _ in range(2)]
    talk = (await asked(market, ana, listing)).json()
    blocks = [a_part(await listed(market)), a_part(listing)]
    block = await taken(market, ben, blocks)
    double = (await opened(market, ben, listing)).json()
    await flagged(market, listing)
    for refused in (
        await accepted(market, market.provider, talk), await asked(market, ben, listing),
        await offered(market, ana, blocks), await opened(market, ana, listing),
        await market.post(ben, f"/double-auctions/{double['id']}/prices", {"commitment": "00" * 32}),
    ):  # fmt: skip
        assert code(refused) == (409, "public_data_uncapped")
        assert refused.json()["fitting"] == FIT
    refused = await approved(market, block)
    assert (code(refused), refused.json()["reason_code"]) == ((409, "block_part_refused"), "public_data_uncapped")
    assert await orders(market) == []


async def test_two_sealed_prices_for_what_became_public_data_make_no_deal(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    double = await both_sealed(market, buyer, listing, 90_000, 80_000)
    await flagged(market, listing)
    for who, minor in ((buyer, 90_000), (market.provider, 80_000)):
        assert (await revealed(market, who, double, minor)).is_success
    await market.advance(days=1)
    assert (await market.read(buyer, f"/double-auctions/{double['id']}"))["reason_code"] == "public_data_uncapped"
    assert await orders(market) == []


async def test_a_call_leaves_out_who_asks_for_what_became_public_data(market: Market):
    listing, buyer = await listed(market), await market.buyer(100_000)
    call = (await called(market, [listing])).json()
    assert (await bid(market, buyer, call, 105, 5)).is_success
    assert (await ask(market, market.provider, call, listing, 99, 5)).is_success
    await flagged(market, listing)
    assert code(await ask(market, market.provider, call, listing, 99, 1)) == (409, "public_data_uncapped")
    assert (await closed(market, call))["state"] == "uncrossed" and await orders(market) == []


async def test_an_auction_of_what_became_public_data_is_called_off(market: Market):
    lots = Lots(market)
    for mechanism in Mechanism:
        of = market if mechanism is Mechanism.ENGLISH else lots
        listing = await (market.listing() if of is market else lots.listing(mechanism))
        auction_id = (await _opened(of, listing)).json()["id"]
        await flagged(market, listing)
        auction = await market.read(None, f"/auctions/{auction_id}")
        assert (auction["state"], auction["reason_code"]) == ("cancelled", "public_data_uncapped")
        kept, again = await market.read(None, f"/listings/{listing['id']}"), await _opened(of, listing)
        if mechanism in KEEPING_A_CAP:
            assert (kept["state"], code(again)) == ("listed", (409, "price_cap_missing"))
        else:
            assert (kept["reason_code"], code(again)) == ("public_data_uncapped", (409, "public_data_uncapped"))


async def _opened(of: Market | Lots, listing: Told) -> Response:
    return await (of.open_auction(listing) if isinstance(of, Market) else of.open(listing))


async def test_an_auction_that_keeps_a_cap_goes_on_when_its_data_are_graded_anew(market: Market):
    version_id = public(market)
    auction_id = await market.auction(await market.listing(version_id))
    market.neighbours.flag(version_id, Flag.PUBLIC_DATA)
    await market.tick()
    assert (await market.read(None, f"/auctions/{auction_id}"))["state"] == "open"


async def test_no_bundle_has_public_data_among_its_parts(market: Market):
    listings, buyer = await on_offer(market), await market.buyer()
    said = yes_to(market, buyer, listings)
    await flagged(market, listings[1])
    refused = await market.post(buyer, "/bundle-orders", said)
    assert (code(refused), refused.json()["article"]) == ((409, "public_data_bundled"), ARTICLE)
    assert refused.json()["listing_id"] == listings[1]["id"] and await orders(market) == []
