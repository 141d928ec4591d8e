"""The award queue over HTTP: whose money is held when, and who may take what the winner did not pay for."""

import asyncio
from typing import Any

import pytest

from services.trading import jobs
from shared.grades import C1, Grade
from shared.ids import PlanId
from tests.support.bench import Person
from tests.trading.market import AUCTION_DAYS, DEPOSIT, Market, code

FREE, HELD, FORFEITED = (100_000, 0), (100_000 - DEPOSIT, DEPOSIT), (100_000 - DEPOSIT, 0)


async def closed(market: Market, keeps: bool = True, **changes: Any) -> tuple[str, list[Person]]:
    """An auction after its close, and its bidders: whoever leads, the second, and a third."""
    auction_id = await market.auction(keeps_second=keeps, **changes)
    people = [await market.bidder(auction_id) for _ in range(3)]
    for index, maximum in ((0, 50_000), (2, 20_000), (1, 30_000)):
        assert (await market.bid(people[index], auction_id, maximum)).status_code == 201
    await market.advance(days=AUCTION_DAYS)
    return auction_id, people


async def order_of(market: Market, who: Person) -> dict[str, Any]:
    return (await market.read(who, "/orders"))["items"][0]


async def defaulted(market: Market) -> tuple[str, list[Person]]:
    """An auction whose winner signed, and did not pay in time."""
    auction_id, people = await closed(market)
    await market.signed(people[0], await order_of(market, people[0]))
    await market.advance(days=5)
    return auction_id, people


async def wallets(market: Market, people: list[Person]) -> list[tuple[int, int]]:
    return [await market.wallet(each) for each in people]


async def test_the_seconds_deposit_is_kept_until_the_winner_has_paid(market: Market):
    auction_id, people = await closed(market)
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["winner"], seen["next_actor"]) == ("awarded", people[0].participant_id, "winner")
    assert await wallets(market, people) == [HELD, HELD, FREE]
    order = await order_of(market, people[0])
    await market.signed(people[0], order)
    await market.do(people[0], f"/orders/{order['id']}/payment")
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["winner"], seen["deadline"]) == ("sold", people[0].participant_id, None)
    assert await wallets(market, people) == [(100_000 - 31_000, 0), FREE, FREE]
    assert [fact["winner_id"] for fact in await market.facts("award_confirmed")] == [people[0].participant_id]


async def test_who_has_no_second_is_sold_at_the_close(market: Market):
    auction_id, people = await closed(market, keeps=False)
    assert (await market.read(None, f"/auctions/{auction_id}"))["state"] == "sold"
    assert await wallets(market, people) == [HELD, FREE, FREE]


async def test_after_a_default_the_second_takes_it_at_the_price_without_the_defaulter(market: Market):
    auction_id, people = await defaulted(market)
    ana, ben, cyd = people
    asked = await market.read(None, f"/auctions/{auction_id}")
    assert (asked["state"], asked["winner"], asked["next_actor"]) == ("second_asked", None, "second")
    assert (asked["price"]["minor"], asked["leading_bidder_number"]) == (21_000, 2)
    assert await wallets(market, people) == [FORFEITED, HELD, FREE]
    path = f"/auctions/{auction_id}/second-award/acceptance"
    assert [code(await market.post(each, path)) for each in (ana, cyd)] == [(403, "not_the_second")] * 2
    order = await market.do(ben, path)
    assert (order["price"]["minor"], order["auction_id"], order["state"]) == (21_000, auction_id, "awaiting_signatures")
    assert code(await market.post(ben, path)) == (409, "nobody_is_asked")
    await market.signed(ben, order)
    paid = await market.do(ben, f"/orders/{order['id']}/payment")
    assert (paid["state"], await wallets(market, people)) == ("awaiting_delivery", [FORFEITED, (79_000, 0), FREE])
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["winner"], seen["reason_code"]) == ("sold", ben.participant_id, "second_accepted")


async def test_a_no_of_the_seconds_costs_nothing(market: Market):
    auction_id, people = await defaulted(market)
    told = await market.do(people[1], f"/auctions/{auction_id}/second-award/refusal")
    assert (told["state"], told["reason_code"], told["winner"]) == ("unsold", "second_declined", None)
    assert await wallets(market, people) == [FORFEITED, FREE, FREE]
    await market.advance(days=30)
    assert len(await market.facts("award_failed")) == 1


async def test_silence_is_a_no_from_the_deadline_on(market: Market):
    auction_id, people = await defaulted(market)
    market.bench.clock.advance(days=2)
    await market.bench.refresh()
    path = f"/auctions/{auction_id}/second-award"
    for answer in ("acceptance", "refusal"):
        assert code(await market.post(people[1], f"{path}/{answer}")) == (409, "answer_overdue")
    await market.tick()
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["reason_code"]) == ("unsold", "second_silent")
    assert await wallets(market, people) == [FORFEITED, FREE, FREE]


async def test_a_second_who_does_not_pay_either_forfeits_too(market: Market):
    auction_id, people = await defaulted(market)
    order = await market.do(people[1], f"/auctions/{auction_id}/second-award/acceptance")
    await market.signed(people[1], order)
    await market.advance(days=5)
    assert await wallets(market, people) == [FORFEITED, FORFEITED, FREE]
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["reason_code"]) == ("sold", "winner_defaulted")
    assert [fact["defaulter_id"] for fact in await market.facts("award_failed")] == [people[1].participant_id]


async def test_an_award_that_the_provider_lets_lapse_frees_both(market: Market):
    auction_id, people = await closed(market)
    await market.sign(people[0], (await order_of(market, people[0]))["contract_id"])
    await market.advance(days=5)
    seen = await market.read(None, f"/auctions/{auction_id}")
    assert (seen["state"], seen["reason_code"]) == ("unsold", "not_signed_by_provider")
    assert await wallets(market, people) == [FREE, FREE, FREE]


async def test_an_award_that_a_grade_forbids_frees_both(market: Market):
    auction_id, people = await closed(market)
    listing = await market.read(market.provider, f"/auctions/{auction_id}")
    version_id = (await market.read(market.provider, f"/listings/{listing['listing_id']}"))["version_id"]
    market.neighbours.raise_grade(version_id, Grade.G4)
    await market.tick()
    seen = await market.read(market.provider, f"/auctions/{auction_id}")
    assert (seen["state"], seen["reason_code"]) == ("unsold", "mode_not_allowed_for_grade")
    assert await wallets(market, people) == [FREE, FREE, FREE]


async def test_the_grade_of_now_decides_whether_the_second_may_have_it(market: Market):
    auction_id, people = await defaulted(market)
    listing = await market.read(market.provider, f"/auctions/{auction_id}")
    version_id = (await market.read(market.provider, f"/listings/{listing['listing_id']}"))["version_id"]
    market.neighbours.raise_grade(version_id, Grade.G4)
    await market.tick()
    refused = await market.post(people[1], f"/auctions/{auction_id}/second-award/acceptance")
    assert code(refused) == (403, "mode_not_allowed_for_grade")
    await market.change_clearance(people[1], C1)
    assert (await market.do(people[1], f"/auctions/{auction_id}/second-award/refusal"))["state"] == "unsold"
    assert await wallets(market, people) == [FORFEITED, FREE, FREE]


async def test_what_the_second_is_asked_for_is_offered_to_nobody_else(market: Market):
    auction_id, people = await defaulted(market)
    listing = await market.read(market.provider, f"/listings/{(await _seen(market, auction_id))['listing_id']}")
    assert code(await market.list_it(listing["version_id"])) == (409, "rights_overlap")
    assert code(await market.list_it(listing["version_id"], plan_id=PlanId.new(), kind="unlimited")) == (
        409, "rights_overlap"
    )  # fmt: skip
    await market.do(people[1], f"/auctions/{auction_id}/second-award/refusal")
    assert (await market.list_it(listing["version_id"])).status_code == 201


@pytest.mark.parametrize("rivals", [("acceptance", "refusal"), ("acceptance", "acceptance"), ("refusal", "tick")])
async def test_of_answers_at_once_one_counts(market: Market, rivals: tuple[str, str]):
    auction_id, people = await defaulted(market)

    async def act(name: str) -> Any:
        if name == "tick":
            market.bench.clock.advance(days=2)
            return await jobs.tick(market.trading)
        return await market.post(people[1], f"/auctions/{auction_id}/second-award/{name}")

    await asyncio.gather(*map(act, rivals))
    answers = await market.facts("second_accepted", "award_failed")
    assert len(answers) == 1
    orders = (await market.read(people[1], "/orders"))["items"]
    assert len(orders) == len(await market.facts("second_accepted"))
    seen = await _seen(market, auction_id)
    assert (seen["state"] == "sold") == bool(orders)
    assert await wallets(market, people) == [FORFEITED, HELD if orders else FREE, FREE]


async def test_payment_and_its_deadline_at_once_leave_one_award(market: Market):
    auction_id, people = await closed(market)
    order = await order_of(market, people[0])
    await market.signed(people[0], order)
    market.bench.clock.advance(days=5, microseconds=-1)
    await market.bench.refresh()

    async def pass_the_deadline() -> None:
        market.bench.clock.advance(microseconds=1)
        await jobs.tick(market.trading)

    await asyncio.gather(market.post(people[0], f"/orders/{order['id']}/payment"), pass_the_deadline())
    await market.tick()
    outcome = (await _seen(market, auction_id))["state"], await wallets(market, people)
    assert outcome in [
        ("sold", [(100_000 - 31_000, 0), FREE, FREE]), ("second_asked", [FORFEITED, HELD, FREE])
    ]  # fmt: skip


async def _seen(market: Market, auction_id: str) -> dict[str, Any]:
    return await market.read(market.provider, f"/auctions/{auction_id}")
