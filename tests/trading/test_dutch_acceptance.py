"""The falling price over HTTP: what is asked now, and who has it."""

import asyncio
from datetime import datetime, timedelta

import pytest

from shared.grades import Grade
from shared.ids import AuctionId, PlanId
from tests.trading.lots import Lots
from tests.trading.made import MICROSECOND
from tests.trading.market import AUCTION_DAYS, DEPOSIT, START, Market, code, yuan


@pytest.fixture
def lots(market: Market) -> Lots:
    return Lots(market)


async def test_the_price_falls_until_someone_takes_it(lots: Lots):
    market, auction_id = lots.market, await lots.opened("dutch")
    ana, ben = await lots.bidders(auction_id, 2)
    seen = await lots.see(auction_id)
    opens_at = datetime.fromisoformat(seen["opens_at"])
    assert (seen["mechanism"], seen["phase"], seen["price"]["minor"]) == ("dutch", "bidding", START)
    assert datetime.fromisoformat(seen["next_step_at"]) == opens_at + timedelta(hours=1)
    await lots.at(opens_at + timedelta(hours=2) - MICROSECOND)
    assert (await lots.see(auction_id))["price"]["minor"] == START - 1_500
    await lots.at(opens_at + timedelta(hours=2))
    assert (await lots.see(auction_id))["price"]["minor"] == START - 3_000

    high = await lots.accept(ana, auction_id, START - 3_001)
    assert (code(high), high.json()["price_minor"]) == ((409, "price_above_maximum"), START - 3_000)
    taken = await lots.accept(ana, auction_id, START)
    assert taken.status_code == 201, taken.text
    assert (taken.json()["price"]["minor"], taken.json()["bidder_number"]) == (START - 3_000, 1)
    (order,) = await lots.orders(ana)
    assert (order["id"], order["price"]["minor"]) == (taken.json()["order_id"], START - 3_000)
    assert taken.headers["location"] == f"/trading/v1/orders/{order['id']}"
    assert await market.wallet(ana) == (100_000 - DEPOSIT, DEPOSIT)
    assert await market.wallet(ben) == (100_000, 0), "the other's deposit is free in the same commit"

    seen = await lots.see(auction_id)
    assert (seen["state"], seen["phase"], seen["price"]["minor"]) == ("sold", "closed", START - 3_000)
    assert (seen["winner"], seen["reason_code"]) == (ana.participant_id, "price_accepted")
    assert code(await lots.accept(ben, auction_id, START)) == (409, "auction_closed")
    assert (await market.read(None, f"/listings/{seen['listing_id']}"))["state"] == "sold"
    await market.signed(ana, order)
    await market.do(ana, f"/orders/{order['id']}/payment")
    assert await market.wallet(ana) == (100_000 - (START - 3_000), 0)


@pytest.mark.parametrize("round_", range(3))
async def test_of_acceptances_that_arrive_together_one_wins(lots: Lots, round_: int):
    market, auction_id = lots.market, await lots.opened("dutch")
    people = await lots.bidders(auction_id, 6)
    answers = await asyncio.gather(*(lots.accept(who, auction_id, START) for who in people))
    won = [who for who, answer in zip(people, answers, strict=True) if answer.status_code == 201]
    assert len(won) == 1
    assert {code(each) for each in answers if each.status_code == 409} <= {(409, "auction_closed")}
    assert {each.status_code for each in answers} <= {201, 409, 503}
    assert len(await market.facts("order_placed")) == len(await market.facts("dutch_price_accepted")) == 1
    for who in people:
        assert await market.wallet(who) == ((100_000 - DEPOSIT, DEPOSIT) if who in won else (100_000, 0))


async def test_the_moment_of_the_acceptance_decides_not_the_job(lots: Lots):
    auction_id = await lots.opened("dutch")
    (ana,) = await lots.bidders(auction_id, 1)
    closes_at = datetime.fromisoformat((await lots.see(auction_id))["closes_at"])
    for late in (timedelta(0), MICROSECOND):
        await lots.at(closes_at + late)
        assert code(await lots.accept(ana, auction_id, START)) == (409, "auction_closed")
        seen = await lots.see(auction_id)
        assert (seen["state"], seen["phase"], seen["price"]) == ("open", "closed", None)
    await lots.at(closes_at - MICROSECOND)
    taken = await lots.accept(ana, auction_id, START)
    assert (taken.status_code, taken.json()["price"]["minor"]) == (201, 3_000)


async def test_what_nobody_takes_ends_unsold_and_every_deposit_is_free(lots: Lots):
    auction_id = await lots.opened("dutch")
    (ana,) = await lots.bidders(auction_id, 1)
    await lots.market.advance(days=AUCTION_DAYS)
    seen = await lots.see(auction_id)
    assert (seen["state"], seen["reason_code"], seen["price"]) == ("unsold", "no_acceptance", None)
    assert await lots.market.wallet(ana) == (100_000, 0)
    assert (await lots.market.read(None, f"/listings/{seen['listing_id']}"))["state"] == "listed"


async def test_only_registered_bidders_accept_once_and_after_the_opening(lots: Lots):
    market = lots.market
    opens_at = market.bench.clock.now() + timedelta(hours=1)
    auction_id = await lots.opened("dutch", opens_at=opens_at.isoformat())
    (ana,), stranger = await lots.bidders(auction_id, 1), await market.buyer(DEPOSIT)
    seen = await lots.see(auction_id)
    assert (seen["phase"], seen["price"]["minor"]) == ("upcoming", START)
    assert code(await lots.accept(ana, auction_id, START)) == (409, "auction_not_started")
    assert code(await lots.accept(stranger, auction_id, START)) == (409, "not_registered")
    assert code(await lots.accept(ana, AuctionId.new(), START)) == (404, "no_such_auction")
    await lots.pass_time(hours=1)
    first, again = [await lots.accept(ana, auction_id, START, "one-and-the-same") for _ in range(2)]
    assert (first.status_code, first.json()) == (201, again.json())


async def test_a_grade_that_rises_while_the_price_falls_calls_the_auction_off(lots: Lots):
    market, listing = lots.market, await lots.listing("dutch")
    auction_id = (await lots.open(listing)).json()["id"]
    (ana,) = await lots.bidders(auction_id, 1)
    market.neighbours.raise_grade(listing["version_id"], Grade.G4)
    await market.tick()
    assert (await lots.see(auction_id, market.provider))["reason_code"] == "mode_not_allowed_for_grade"
    assert await market.wallet(ana) == (100_000, 0)
    assert code(await lots.accept(ana, auction_id, START)) == (403, "mode_not_allowed_for_grade")


FLOOR = {"decrement": yuan(1_500), "interval_seconds": 3_600, "floor_price": yuan(START)}
STEPS = [{"from_minor": 0, "step_minor": 100}]


@pytest.mark.parametrize("mechanism, changes, missing, foreign", [
    ("dutch",         {"schedule": None},                          ["schedule"],         []),
    ("dutch",         {"reserve_price": yuan(START)},              [],                   ["reserve_price"]),
    ("dutch",         {"increments": STEPS, "schedule": None},     ["schedule"],         ["increments"]),
    ("dutch",         {"reveal_closes_at": "2031-01-01T00:00:00Z"}, [],                  ["reveal_closes_at"]),
    ("sealed_first",  {"reveal_closes_at": None},                  ["reveal_closes_at"], []),
    ("sealed_second", {"increments": STEPS},                       [],                   ["increments"]),
    ("uniform",       {"schedule": FLOOR},                         [],                   ["schedule"]),
    ("rsop",          {"increments": STEPS, "schedule": FLOOR},    [],                   ["increments", "schedule"]),
    ("english",       {},                                          ["increments"],       ["reveal_closes_at"]),
])  # fmt: skip
async def test_terms_that_do_not_belong_to_the_mechanism_are_refused_by_name(
    lots: Lots, mechanism: str, changes: dict[str, object], missing: list[str], foreign: list[str]
):
    refused = await lots.open(await lots.listing(mechanism), **changes)
    assert code(refused) == (422, "terms_do_not_fit")
    assert (refused.json()["mechanism"], refused.json()["missing"], refused.json()["foreign"]) == (
        mechanism, missing, foreign,
    )  # fmt: skip


async def test_a_schedule_that_cannot_fall_is_refused(lots: Lots):
    assert code(await lots.open(await lots.listing("dutch"), schedule=FLOOR)) == (422, "bad_schedule")


async def test_only_the_provider_opens_and_what_is_not_auctioned_is_not_opened(lots: Lots):
    market, listing = lots.market, await lots.listing("dutch")
    provider, market.provider = market.provider, await market.bench.member("provider", signs=True)
    assert code(await lots.open(listing)) == (404, "no_such_listing")
    market.provider = provider
    assert (await lots.open(listing)).status_code == 201
    again = await lots.open(listing)
    assert (code(again), again.json()["state"]) == ((409, "listing_not_open"), "auctioned")
    at_a_price = await lots.open(await market.listing(plan_id=PlanId.new(), kind="unlimited"))
    assert (code(at_a_price), at_a_price.json()["pricing"]) == ((409, "listing_not_open"), "fixed")
