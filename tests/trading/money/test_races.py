"""Fifty at once on each debit, over HTTP: nothing is overspent, and nothing happens twice.

`YAOSU_RACES` says how many rounds of exclusive grants are raced, and `YAOSU_RACERS` by how many each.
"""

import asyncio
import os
from collections import Counter
from typing import Any

import pytest
from httpx2 import Response

from shared.ids import PlanId, UseId
from tests.support.bench import Person
from tests.trading.market import Market, code, yuan
from tests.trading.money.books import books_of
from tests.trading.money.test_refunds_over_http import fill_reserve, pay_out, refund, reserve_of
from tests.trading.test_co_owner import sold

RACES = int(os.environ.get("YAOSU_RACES", "2"))
RACERS = int(os.environ.get("YAOSU_RACERS", "50"))
BUSY = {"database_busy", "still_running"}
pytestmark = pytest.mark.timeout(120 + RACES * RACERS)


async def raced(*racing: Any) -> Counter[str]:
    """How often each outcome came. Too busy is no outcome: it was told to come again, and nothing has happened."""
    answers: list[Response] = await asyncio.gather(*racing)
    assert all(answer.status_code < 500 or answer.status_code == 503 for answer in answers)
    return Counter("done" if answer.is_success else str(code(answer)[1]) for answer in answers)


def without_busy(found: Counter[str]) -> dict[str, int]:
    return {outcome: times for outcome, times in found.items() if outcome not in BUSY}


async def test_of_fifty_returns_no_more_goes_back_than_was_paid(market: Market):
    buyer, order = await sold(market, 10_000)
    found = without_busy(await raced(*(refund(market, order, 3_000) for _ in range(RACERS))))
    assert found.pop("done") == 3 and set(found) <= {"return_too_high"}
    assert (await market.order(buyer, order))["returned"] == yuan(9_000)
    await market.tick()
    assert await market.wallet(buyer) == (9_000, 0)
    (await books_of(market)).check_at_rest()


async def test_returns_and_payouts_at_once_spend_each_fen_once(market: Market):
    """Whoever comes first: what was paid out is owed, and what went back cannot be paid out."""
    buyer, order = await sold(market, 10_000)
    await fill_reserve(market, 500)
    racing = [
        refund(market, order, 400) if turn % 2 else pay_out(market, market.provider, 500) for turn in range(RACERS)
    ]
    await raced(*racing)
    await market.tick()
    told = await market.read(market.bench.staff("regulator"), "/receivables?limit=100")
    owed = sum(each["amount"]["minor"] for each in told["items"] if each["creditor"] == buyer.participant_id)
    returned = (await market.order(buyer, order))["returned"]["minor"]
    assert await market.wallet(buyer) == (returned - owed, 0)
    assert await reserve_of(market) >= 0 and (await market.wallet(market.provider))[0] >= 0
    (await books_of(market)).check_at_rest()


async def test_of_fifty_who_are_short_at_once_the_reserve_pays_only_what_it_has(market: Market):
    sales = [await sold(market, 1_000) for _ in range(5)]
    await pay_out(market, market.provider, 5 * 974)
    await market.tick()
    await fill_reserve(market, 1_000)
    found = await raced(*(refund(market, sales[turn % 5][1], 100) for turn in range(RACERS)))
    assert without_busy(found).keys() == {"done"}
    await market.tick()
    assert await reserve_of(market) == 0
    (await books_of(market)).check_at_rest()


async def test_an_income_that_arrives_while_a_debt_is_opened_is_collected_or_was_spent_before(market: Market):
    """Either the return finds the money, or the money finds the debt."""
    _, first = await sold(market, 1_000)
    await pay_out(market, market.provider, 974)
    await market.tick()
    buyer, second, income = *await sold(market, 1_000), 974
    await pay_out(market, market.provider, income)
    await asyncio.gather(*(refund(market, first, 1_000) for _ in range(5)), market.tick())
    await market.advance(minutes=10)
    await sold(market, 1_000)
    owed = (await market.read(market.provider, "/wallet"))["owed"]["minor"]
    available, _ = await market.wallet(market.provider)
    assert (owed, available) == (0, 0) and await market.wallet(buyer) == (0, 0) and second["state"] == "settled"
    (await books_of(market)).check_at_rest()


async def test_of_fifty_uses_of_a_quota_only_those_that_were_bought_are_made(market: Market):
    buyer, order = await market.paid()
    found = without_busy(await raced(*(market.use(buyer, order, UseId.new()) for _ in range(RACERS))))
    assert found.pop("done") == 3 and set(found) <= {"quota_spent"}
    (await books_of(market)).check()


async def test_of_fifty_payments_and_acceptances_of_one_order_one_counts(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    before = (await market.wallet(buyer))[0]
    for act, outcome in (("payment", 9_000), ("acceptance", 0)):
        found = without_busy(await raced(*(market.post(buyer, f"/orders/{order['id']}/{act}") for _ in range(RACERS))))
        assert found.pop("done") == 1 and set(found) <= {"not_due"}
        if act == "payment":
            assert before - (await market.wallet(buyer))[0] == outcome  # of 10 000, the deposit was held already
            assert (await market.use(buyer, await market.order(buyer, order))).is_success
    await market.tick()
    (await books_of(market)).check_at_rest()


async def test_an_exclusive_right_is_granted_once_whoever_orders_at_the_same_time(market: Market):
    buyers = [await market.bench.member("buyer", signs=True) for _ in range(min(RACERS, 50))]
    for _ in range(RACES):
        plan_id = PlanId.new()
        listing = (await market.list_it(plan_id=plan_id, kind="exclusive")).json()
        asked = [_order(market, buyer, listing, plan_id) for buyer in buyers]
        found = without_busy(
            await raced(*(market.post(buyer, "/orders", body) for buyer, body in zip(buyers, asked, strict=True)))
        )
        assert found.pop("done") == 1 and set(found) <= {"listing_not_open"}
    orders = await market.facts("order_placed")
    assert len(orders) == RACES == len({order["listing_id"] for order in orders})


def _order(market: Market, buyer: Person, listing: dict[str, Any], plan_id: PlanId) -> dict[str, Any]:
    assert buyer.participant_id
    quote = market.neighbours.quote(buyer.participant_id, listing["version_id"], plan_id, 100)
    return {"listing_id": listing["id"], "quote_id": quote.id, "quote_version": 1, "total": yuan(100)}
