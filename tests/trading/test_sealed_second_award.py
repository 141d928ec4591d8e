"""The award queue of sealed bids over HTTP: whose money is held when, and what the second is asked for."""

import asyncio
from typing import Any

import pytest

from services.trading import jobs
from shared.grades import Grade
from tests.support.bench import Person
from tests.trading.lots import Lots
from tests.trading.market import DEPOSIT, Market, code, yuan
from tests.trading.test_second_award import FORFEITED, FREE, HELD, order_of, wallets

OFFERS = [30_000, 50_000, 20_000]  # Ben wins, Ana is second, Cyd third; the fourth never opens what they sealed


@pytest.fixture
def lots(market: Market) -> Lots:
    return Lots(market)


async def awarded(lots: Lots, mechanism: str = "sealed_second", **changes: Any) -> tuple[str, list[Person]]:
    """An auction after its close: its second, its winner, its third, and one who left their bid closed."""
    auction_id = await lots.opened(mechanism, **{"keeps_second": True} | changes)
    return auction_id, await lots.played(auction_id, [*OFFERS, 90_000], closed=[3])


async def defaulted(lots: Lots, mechanism: str = "sealed_second") -> tuple[str, list[Person]]:
    """Its winner signed, and did not pay in time."""
    auction_id, people = await awarded(lots, mechanism)
    await lots.market.signed(people[1], await order_of(lots.market, people[1]))
    await lots.market.advance(days=5)
    return auction_id, people


@pytest.mark.parametrize("mechanism, won, asked", [("sealed_first", 50_000, 30_000), ("sealed_second", 30_000, 20_000)])
async def test_after_a_default_the_second_takes_it_at_what_they_would_have_paid_without_the_winner(
    lots: Lots, mechanism: str, won: int, asked: int
):
    market, (auction_id, people) = lots.market, await awarded(lots, mechanism)
    ana, ben, cyd, _ = people
    seen = await lots.see(auction_id)
    assert (seen["state"], seen["winner"], seen["price"]) == ("awarded", ben.participant_id, yuan(won))
    assert (seen["next_actor"], seen["awards"], seen["asked_bidder_number"]) == ("winner", 1, None)
    assert [bid["amount"] for bid in await lots.bids(auction_id)] == [*map(yuan, OFFERS), None]
    assert await wallets(market, people) == [HELD, HELD, FREE, FORFEITED]
    await market.signed(ben, await order_of(market, ben))
    await market.advance(days=5)
    seen = await lots.see(auction_id)
    assert (seen["state"], seen["winner"], seen["price"]) == ("second_asked", None, yuan(asked))
    assert (seen["next_actor"], seen["awards"], seen["asked_bidder_number"]) == ("second", 0, 1)
    assert (seen["keeps_second"], seen["reason_code"]) == (True, "winner_defaulted")
    assert await wallets(market, people) == [HELD, FORFEITED, FREE, FORFEITED]
    path = f"/auctions/{auction_id}/second-award/acceptance"
    assert [code(await market.post(each, path)) for each in (ben, cyd)] == [(403, "not_the_second")] * 2
    order = await market.do(ana, path)
    assert (order["price"], order["auction_id"], order["state"]) == (yuan(asked), auction_id, "awaiting_signatures")
    assert code(await market.post(ana, path)) == (409, "nobody_is_asked")
    await market.signed(ana, order)
    await market.do(ana, f"/orders/{order['id']}/payment")
    assert await wallets(market, people) == [(100_000 - asked, 0), FORFEITED, FREE, FORFEITED]
    seen = await lots.see(auction_id)
    assert (seen["state"], seen["winner"], seen["awards"]) == ("sold", ana.participant_id, 1)
    assert seen["reason_code"] == "second_accepted"


async def test_the_seconds_deposit_is_free_once_the_winner_has_paid(lots: Lots):
    market, (auction_id, people) = lots.market, await awarded(lots)
    order = await order_of(market, people[1])
    await market.signed(people[1], order)
    await market.do(people[1], f"/orders/{order['id']}/payment")
    seen = await lots.see(auction_id)
    assert (seen["state"], seen["winner"], seen["deadline"]) == ("sold", people[1].participant_id, None)
    assert await wallets(market, people) == [FREE, (100_000 - 30_000, 0), FREE, FORFEITED]
    assert len(await market.facts("award_confirmed")) == 1


async def test_without_a_second_it_is_sold_at_the_close_and_a_default_is_told(lots: Lots):
    market, (auction_id, people) = lots.market, await awarded(lots, reserve_price=yuan(30_001))
    assert (await lots.see(auction_id))["state"] == "sold"
    assert await wallets(market, people) == [FREE, HELD, FREE, FORFEITED]
    await market.signed(people[1], await order_of(market, people[1]))
    await market.advance(days=5)
    seen = await lots.see(auction_id)
    assert (seen["state"], seen["reason_code"]) == ("sold", "winner_defaulted")
    (failed,) = await market.facts("award_failed")
    assert failed["defaulter_id"] == people[1].participant_id
    assert await wallets(market, people) == [FREE, FORFEITED, FREE, FORFEITED]


async def test_a_deposit_that_is_forfeited_goes_to_the_provider_and_none_is_left_behind(lots: Lots):
    market, (auction_id, people) = lots.market, await defaulted(lots)
    order = await market.do(people[0], f"/auctions/{auction_id}/second-award/acceptance")
    await market.signed(people[0], order)
    await market.advance(days=5)
    forfeited = await market.facts("deposit_forfeited")
    assert [fact["participant_id"] for fact in forfeited] == [people[place].participant_id for place in (3, 1, 0)]
    assert {fact["amount"]["minor"] for fact in forfeited} == {DEPOSIT}
    assert await wallets(market, people) == [FORFEITED, FORFEITED, FREE, FORFEITED]
    await market.tick()
    told = await market.read(market.bench.staff("operator_audit"), "/ledger/trial-balance")
    assert (set(told["totals_minor"].values()) <= {0}, told["drifting_accounts"]) == (True, [])
    assert (await lots.see(auction_id))["reason_code"] == "winner_defaulted"


@pytest.mark.parametrize("answer, reason", [("refusal", "second_declined"), (None, "second_silent")])
async def test_a_no_and_silence_cost_the_second_nothing(lots: Lots, answer: str | None, reason: str):
    market, (auction_id, people) = lots.market, await defaulted(lots)
    path = f"/auctions/{auction_id}/second-award"
    if answer:
        await market.do(people[0], f"{path}/{answer}")
    else:
        await lots.pass_time(days=2)
        for late in ("acceptance", "refusal"):
            assert code(await market.post(people[0], f"{path}/{late}")) == (409, "answer_overdue")
        await market.tick()
    seen = await lots.see(auction_id)
    assert (seen["state"], seen["reason_code"], seen["winner"], seen["price"]) == ("unsold", reason, None, None)
    assert (seen["awards"], await wallets(market, people)) == (0, [FREE, FORFEITED, FREE, FORFEITED])


async def test_an_award_that_a_grade_forbids_frees_both(lots: Lots):
    market, (auction_id, people) = lots.market, await awarded(lots)
    listing = await market.read(market.provider, f"/listings/{(await lots.see(auction_id))['listing_id']}")
    market.neighbours.raise_grade(listing["version_id"], Grade.G4)
    await market.tick()
    seen = await lots.see(auction_id, market.provider)
    assert (seen["state"], seen["reason_code"]) == ("unsold", "mode_not_allowed_for_grade")
    assert await wallets(market, people) == [FREE, FREE, FREE, FORFEITED]


async def test_of_a_yes_and_its_deadline_at_once_one_counts(lots: Lots):
    market, (auction_id, people) = lots.market, await defaulted(lots)
    market.bench.clock.advance(days=2, microseconds=-1)
    await market.bench.refresh()

    async def pass_the_deadline() -> None:
        market.bench.clock.advance(microseconds=1)
        await jobs.tick(market.trading)

    accepted = market.post(people[0], f"/auctions/{auction_id}/second-award/acceptance")
    await asyncio.gather(accepted, pass_the_deadline())
    await market.tick()
    orders = (await market.read(people[0], "/orders"))["items"]
    answers = await market.facts("second_accepted", "award_failed")
    assert (len(answers), (await lots.see(auction_id))["state"]) == (1, "sold" if orders else "unsold")
    assert (await market.wallet(people[0])) == (HELD if orders else FREE)


@pytest.mark.parametrize("mechanism", ["uniform", "rsop", "dutch"])
async def test_where_no_bid_takes_anothers_place_no_second_is_kept(lots: Lots, mechanism: str):
    refused = await lots.open(await lots.listing(mechanism), keeps_second=True)
    assert (code(refused), refused.json()["mechanism"]) == ((422, "no_second_to_keep"), mechanism)
    assert "Dutch" in refused.json()["detail"] and "copies" in refused.json()["detail"]
    auction_id = await lots.opened(mechanism)
    (ana,) = await lots.bidders(auction_id, 1)
    answer = code(await lots.market.post(ana, f"/auctions/{auction_id}/second-award/acceptance"))
    assert answer == (409, "other_mechanism" if mechanism == "dutch" else "nobody_is_asked")
