"""Fifty at once on each debit, over HTTP: nothing is overspent, and nothing happens twice.

`YAOSU_RACES` says how many rounds of exclusive grants are raced, and `YAOSU_RACERS` by how many each.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from httpx2 import Response

from shared.ids import PlanId, UseId
from tests.support.bench import Person
from tests.trading.market import Market, code, yuan
from tests.trading.money.books import books_of
from tests.trading.money.test_refunds_over_http import fill_reserve, pay_out, refund, reserve_of
from tests.trading.test_co_owner import sold

RACES = int(os.environ.get("YAOSU_RACES", "1"))
RACERS = int(os.environ.get("YAOSU_RACERS", "50"))
TURNS_MAX = 20
Act = Callable[[], Awaitable[Response]]
pytestmark = pytest.mark.timeout(120 + RACES * RACERS)


async def raced(*racing: Act) -> Counter[str]:
    """How often each outcome came, of all at once."""
    answers = await asyncio.gather(*(_persistent(act) for act in racing))
    return Counter("done" if answer.is_success else str(code(answer)[1]) for answer in answers)


async def _persistent(act: Act) -> Response:
    """Too busy is no outcome: whoever is told so comes again, for nothing has happened."""
    while (answer := await act()).status_code == 503:
        pass
    return answer


async def come_to_rest(market: Market) -> None:
    """Until nothing is on its way: a loaded machine may take some turns for it."""
    for _ in range(TURNS_MAX):
        await market.advance(minutes=10)
        if {row.state for row in (await books_of(market)).instructions} <= {"confirmed"}:
            return


async def test_of_fifty_returns_no_more_goes_back_than_was_paid(market: Market):
    buyer, order = await sold(market, 10_000)
    found = await raced(*(partial(refund, market, order, 3_000) for _ in range(RACERS)))
    assert found.pop("done") == 3 and set(found) <= {"return_too_high"}
    assert (await market.order(buyer, order))["returned"] == yuan(9_000)
    await come_to_rest(market)
    assert await market.wallet(buyer) == (9_000, 0)
    (await books_of(market)).check_at_rest()


async def test_returns_and_payouts_at_once_spend_each_fen_once(market: Market):
    """Whoever comes first: what was paid out is owed, and what went back cannot be paid out."""
    buyer, order = await sold(market, 10_000)
    await fill_reserve(market, 500)
    back, out = partial(refund, market, order, 400), partial(pay_out, market, market.provider, 500)
    racing = [back if turn % 2 else out for turn in range(RACERS)]
    await raced(*racing)
    await come_to_rest(market)
    told = await market.read(market.bench.staff("regulator"), "/receivables?limit=100")
    owed = sum(each["amount"]["minor"] for each in told["items"] if each["creditor"] == buyer.participant_id)
    returned = (await market.order(buyer, order))["returned"]["minor"]
    assert await market.wallet(buyer) == (returned - owed, 0)
    assert await reserve_of(market) >= 0 and (await market.wallet(market.provider))[0] >= 0
    (await books_of(market)).check_at_rest()


async def test_of_fifty_payouts_at_once_only_those_go_out_that_are_covered(market: Market):
    buyer = await market.buyer(1_000)
    found = await raced(*(partial(pay_out, market, buyer, 300) for _ in range(RACERS)))
    assert found == {"done": 3, "insufficient_funds": RACERS - 3}
    assert await market.wallet(buyer) == (100, 900)
    await come_to_rest(market)
    assert await market.wallet(buyer) == (100, 0)
    (await books_of(market)).check_at_rest()


async def test_of_many_who_are_short_at_once_the_reserve_pays_only_what_it_has(market: Market):
    sales = [await sold(market, 1_000) for _ in range(2)]
    await pay_out(market, market.provider, 2 * 974)
    await market.tick()
    await fill_reserve(market, 400)
    found = await raced(*(partial(refund, market, sales[turn % 2][1], 60) for turn in range(RACERS)))
    assert found == {"done": 2 * 16, "return_too_high": RACERS - 2 * 16}
    await come_to_rest(market)
    assert await reserve_of(market) == 0
    (await books_of(market)).check_at_rest()


async def test_an_income_that_arrives_while_a_debt_is_opened_is_collected_or_was_spent_before(market: Market):
    """Either the return finds the money, or the money finds the debt."""
    _, first = await sold(market, 1_000)
    await pay_out(market, market.provider, 974)
    await market.tick()
    buyer, second, income = *await sold(market, 1_000), 974
    await pay_out(market, market.provider, income)
    await asyncio.gather(*(refund(market, first, 1_000) for _ in range(RACERS)), market.tick())
    await come_to_rest(market)
    await sold(market, 1_000)
    await come_to_rest(market)
    owed = (await market.read(market.provider, "/wallet"))["owed"]["minor"]
    available, _ = await market.wallet(market.provider)
    assert (owed, available) == (0, 0) and await market.wallet(buyer) == (0, 0) and second["state"] == "settled"
    (await books_of(market)).check_at_rest()


async def test_of_fifty_uses_of_a_quota_only_those_that_were_bought_are_made(market: Market):
    buyer, order = await market.paid()
    found = await raced(*(partial(market.use, buyer, order, UseId.new()) for _ in range(RACERS)))
    assert found.pop("done") == 3 and set(found) <= {"quota_spent"}
    (await books_of(market)).check()


async def test_of_fifty_payments_and_acceptances_of_one_order_one_moves_money(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    before = (await market.wallet(buyer))[0]
    for act, outcome in (("payment", 9_000), ("acceptance", 0)):
        found = await raced(*(partial(market.post, buyer, f"/orders/{order['id']}/{act}") for _ in range(RACERS)))
        assert found.pop("done") == (1 if act == "payment" else RACERS) and set(found) <= {"not_due"}
        if act == "payment":
            assert before - (await market.wallet(buyer))[0] == outcome  # of 10 000, the deposit was held already
            assert (await market.use(buyer, await market.order(buyer, order))).is_success
    await come_to_rest(market)
    (await books_of(market)).check_at_rest()


async def test_an_exclusive_right_is_granted_once_whoever_orders_at_the_same_time(market: Market):
    buyers = [await market.bench.member("buyer", signs=True) for _ in range(min(RACERS, 50))]
    for _ in range(RACES):
        plan_id = PlanId.new()
        listing = (await market.list_it(plan_id=plan_id, kind="exclusive")).json()
        asked = [_order(market, buyer, listing, plan_id) for buyer in buyers]
        orders = (partial(market.post, buyer, "/orders", body) for buyer, body in zip(buyers, asked, strict=True))
        found = await raced(*orders)
        assert found.pop("done") == 1 and set(found) <= {"listing_not_open"}
    placed = await market.facts("order_placed")
    assert len(placed) == RACES == len({order["listing_id"] for order in placed})


def _order(market: Market, buyer: Person, listing: dict[str, Any], plan_id: PlanId) -> dict[str, Any]:
    assert buyer.participant_id
    quote = market.neighbours.quote(buyer.participant_id, listing["version_id"], plan_id, 100)
    return {"listing_id": listing["id"], "quote_id": quote.id, "quote_version": 1, "total": yuan(100)}
