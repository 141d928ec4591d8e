"""Measured use: the most is reserved, what was used is paid, and no fen is anywhere else."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.trading.rules import metered, objection
from services.trading.rules import order as order_rules
from services.trading.rules.award import SaleTax
from services.trading.rules.order import AWAITING_ACCEPTANCE, AWAITING_DELIVERY, MeterRuns, NotDue, Order, OrderFrozen
from shared.ids import EntitlementId
from shared.metering import Meter, Tier
from shared.money import Money
from tests.support.bench import Person
from tests.trading.made import MICROSECOND, NOON, a_listing, an_order
from tests.trading.market import Market, code, yuan
from tests.trading.money.books import books_of
from tests.trading.objecting import said
from tests.trading.test_deals import fixed, order_of

METER = Meter((Tier(2, 1_000), Tier(None, 500)), (), 600, True, 3)
TOLD: dict[str, Any] = {
    "tiers": [{"up_to": 2, "unit_price": yuan(1_000)}, {"up_to": None, "unit_price": yuan(500)}], "discounts": [],
    "tax_basis_points": 600, "tax_inclusive": True, "units_max": 3, "currency": "CNY",
}  # fmt: skip
RESERVED, ENDS = 2_500, NOON + timedelta(days=365)
CLOSING = "/meter/closing"


def a_running(**changes: Any) -> Order:
    tax = SaleTax("vat_general_2026_01", 600, Money(142))
    made = replace(an_order(a_listing(), price=RESERVED), meter=METER, tax=tax, entitlement_id=EntitlementId.new())
    paid = replace(made, state=AWAITING_DELIVERY, deadline=NOON + timedelta(days=1))
    return replace(metered.measured(order_rules.deliver(paid, NOON), ENDS), **changes)


# --- the rules


@pytest.mark.parametrize("units, price, tax", [(1, 1_000, 57), (2, 2_000, 113), (3, 2_500, 142), (4, 2_500, 142)])
def test_what_was_used_is_the_price_and_the_rest_goes_back(units: int, price: int, tax: int):
    order, unused = metered.read_off(a_running(), units, NOON)
    assert (order.price, unused) == (Money(price), Money(RESERVED - price))
    assert order.tax and order.tax.amount == Money(tax)
    assert (order.state, order.metered_units) == (AWAITING_ACCEPTANCE, min(units, 3))
    assert order.deadline == NOON + timedelta(seconds=order.windows.acceptance_seconds)
    assert metered.reserved(order) == Money(RESERVED)


def test_nothing_used_costs_nothing_and_where_no_tax_was_told_none_is():
    order, unused = metered.read_off(a_running(), 0, NOON)
    assert (order.price, unused, order.metered_units) == (Money(0), Money(RESERVED), 0)
    assert order.tax == SaleTax("vat_general_2026_01", 600, Money(0))
    running = a_running(tax=None)
    order, _ = metered.read_off(running, 1, NOON)
    assert (order.tax, order.revision) == (None, running.revision + 1)


def test_what_is_not_measured_has_no_reserve_and_runs_no_meter():
    plain = a_running(meter=None)
    assert metered.reserved(plain) is None
    assert metered.measured(plain, ENDS + timedelta(days=9)) is plain
    assert not metered.is_read_off_at(plain, ENDS)
    unpaid = a_running(state=AWAITING_DELIVERY)
    assert metered.measured(unpaid, ENDS + timedelta(days=9)) is unpaid
    assert not metered.is_read_off_at(unpaid, ENDS)
    endless = metered.measured(a_running(), None)
    assert endless.deadline is None and not metered.is_read_off_at(endless, ENDS)
    for order, actor in ((plain, "buyer"), (unpaid, "buyer")):
        with pytest.raises(NotDue) as refused:
            metered.require_runs(order)
        assert refused.value.facts == {"state": order.state, "next_actor": actor}
    assert metered.require_runs(a_running()) == METER


def test_a_meter_runs_until_the_right_ends_and_is_read_off_once():
    running = a_running()
    assert running.deadline == ENDS and running.runs_meter
    assert not metered.is_read_off_at(running, ENDS - MICROSECOND)
    assert metered.is_read_off_at(running, ENDS)
    read, _ = metered.read_off(running, 1, ENDS)
    assert not metered.is_read_off_at(read, ENDS + timedelta(days=30))
    with pytest.raises(NotDue):
        metered.read_off(read, 1, ENDS)
    with pytest.raises(NotDue):
        metered.read_off(replace(running, meter=None), 1, ENDS)


def test_a_frozen_order_is_read_off_when_the_freeze_ends():
    frozen = a_running(frozen_until=ENDS + timedelta(days=9))
    assert not metered.is_read_off_at(frozen, ENDS + timedelta(days=9) - MICROSECOND)
    with pytest.raises(OrderFrozen) as refused:
        metered.read_off(frozen, 1, ENDS + timedelta(days=9) - MICROSECOND)
    assert refused.value.facts == {"frozen_until": ENDS + timedelta(days=9)}
    assert metered.read_off(frozen, 1, ENDS + timedelta(days=9))[0].metered_units == 1
    assert metered.is_read_off_at(frozen, ENDS + timedelta(days=9))


def test_what_has_no_price_yet_is_neither_accepted_nor_objected_to():
    running = a_running()
    for act in (
        lambda: order_rules.accept(running, NOON),
        lambda: order_rules.pass_deadline(running, frozenset(), ENDS),
        lambda: objection.object_to(running, None, said(100), NOON),
    ):
        with pytest.raises(MeterRuns) as refused:
            act()
        assert refused.value.facts["close_at"] == f"/trading/v1/orders/{running.id}/meter/closing"
    read, _ = metered.read_off(running, 1, NOON)
    assert order_rules.accept(read, NOON).price == Money(1_000)


# --- the acts


async def measured(market: Market, uses: int = 1) -> tuple[Person, dict[str, Any]]:
    """A buyer who has paid what was reserved and used so much of it, and the order."""
    buyer = await market.buyer(10_000)
    listing, plan_id = await fixed(market)
    tax = {"net": yuan(2_358), "tax": yuan(142), "gross": yuan(RESERVED), "rate_id": "vat_general_2026_01"}
    told = {"meter": TOLD, "quota_uses": 3, "quantity": 3, "tax": tax | {"basis_points": 600}}
    order = await market.do(buyer, "/orders", order_of(market, buyer, listing, plan_id, RESERVED, **told))
    await market.signed(buyer, order)
    order = await market.do(buyer, f"/orders/{order['id']}/payment")
    for _ in range(uses):
        assert (await market.use(buyer, order)).status_code == 201
    return buyer, await market.order(buyer, order)


async def test_a_buyer_closes_the_meter_and_pays_what_was_used(market: Market):
    buyer, order = await measured(market)
    assert (order["price"], order["reserved"], order["metered_units"]) == (yuan(RESERVED), yuan(RESERVED), None)
    assert await market.wallet(buyer) == (10_000 - RESERVED, 0)
    path = f"/orders/{order['id']}"
    dispute: dict[str, object] = {
        "amount": yuan(1), "statement": "字段缺失", "nonce": "ab" * 32, "remedies": [], "order_id": order["id"],
        "category": "not_as_described",
    }  # fmt: skip
    assert code(await market.post(buyer, f"{path}/acceptance")) == (409, "meter_runs")
    assert code(await market.post(buyer, "/disputes", dispute)) == (409, "meter_runs")
    assert code(await market.post(market.provider, path + CLOSING)) == (403, "not_your_role")
    assert code(await market.post(await market.buyer(), path + CLOSING)) == (404, "no_such_order")
    closed = await market.do(buyer, path + CLOSING)
    assert (closed["price"], closed["reserved"], closed["metered_units"]) == (yuan(1_000), yuan(RESERVED), 1)
    assert await market.do(buyer, path + CLOSING) == closed, "the same again changes nothing"
    assert await market.wallet(buyer) == (9_000, 0)
    assert code(await market.use(buyer, order)) == (409, "entitlement_ended")
    contract = await market.read(buyer, f"/contracts/{order['contract_id']}")
    assert (contract["state"], contract["terms"]["meter"]["units_max"]) == ("fulfilled", 3)
    (told,) = await market.facts("order_metered")
    assert (told["units"], told["amount"], told["unused"], told["tax"]["amount"]["minor"]) == (
        1, yuan(1_000), yuan(1_500), 57,
    )  # fmt: skip
    await market.do(buyer, f"{path}/acceptance")
    await market.tick()
    settled = await market.order(buyer, order)
    assert (settled["state"], settled["settlement"]["price"]) == ("settled", yuan(1_000))
    (await books_of(market)).check_at_rest()


async def test_the_end_of_the_period_reads_the_meter_and_silence_accepts_what_it_says(market: Market):
    buyer, order = await measured(market, uses=2)
    await market.advance(days=364)
    assert (await market.order(buyer, order))["metered_units"] is None
    await market.advance(days=1)
    read = await market.order(buyer, order)
    assert (read["state"], read["price"], read["metered_units"]) == ("awaiting_acceptance", yuan(2_000), 2)
    await market.advance(days=30)
    settled = await market.order(buyer, order)
    assert (settled["state"], settled["reason_code"]) == ("settled", "accepted_by_deadline")
    (await books_of(market)).check_at_rest()


async def test_what_was_never_used_is_given_back_whole(market: Market):
    buyer, order = await measured(market, uses=0)
    assert code(await market.post(buyer, f"/orders/{order['id']}{CLOSING}")) == (409, "not_due")
    await market.advance(days=60)
    assert (await market.order(buyer, order))["state"] == "refunded"
    assert await market.wallet(buyer) == (10_000, 0)
    (await books_of(market)).check_at_rest()


async def test_a_use_that_comes_with_the_closing_is_read_off_or_not_made(market: Market):
    buyer, order = await measured(market)
    closing, *uses = await asyncio.gather(
        market.post(buyer, f"/orders/{order['id']}{CLOSING}"), *(market.use(buyer, order) for _ in range(2))
    )
    while closing.status_code == 503:
        closing = await market.post(buyer, f"/orders/{order['id']}{CLOSING}")
    made = 1 + sum(answer.status_code == 201 for answer in uses)
    assert (closing.status_code, closing.json()["metered_units"]) == (200, made)
    assert len(await market.facts("entitlement_used")) == made
    (await books_of(market)).check()


async def test_what_is_bad_of_measured_use_is_objected_to_at_its_price(market: Market):
    buyer, order = await measured(market, uses=2)
    await market.do(buyer, f"/orders/{order['id']}{CLOSING}")
    body: dict[str, Any] = {"grounds": [{"code": "unreadable"}], "reason": "乱码", "claim": yuan(2_001)}
    objections = f"/orders/{order['id']}/objections"
    assert code(await market.post(buyer, objections, body)) == (409, "claim_impossible")
    raised = await market.do(buyer, objections, body | {"claim": yuan(500)})
    await market.do(market.provider, f"{objections}/{raised['number']}/concession", {"reason": "属实"})
    await market.tick()
    settled = await market.order(buyer, order)
    assert (settled["settlement"]["price"], settled["settlement"]["refund"]) == (yuan(2_000), yuan(500))
    (await books_of(market)).check_at_rest()


async def test_a_measured_contract_keeps_its_units_and_ends_at_what_was_used(market: Market):
    buyer, order = await measured(market)
    contract = f"/contracts/{order['contract_id']}"
    for change in ({"quota_uses": 2}, {"period_days": 30}):
        assert code(await market.post(buyer, f"{contract}/amendments", change)) == (409, "meter_binds")
    reasoned = {"reason_code": "no_longer_needed", "reason": "项目结束"}
    proposed = await market.do(buyer, f"{contract}/terminations", reasoned)
    await market.do(market.provider, f"{contract}/terminations/{proposed['id']}/agreement", reasoned)
    read = await market.order(buyer, order)
    assert (read["price"], read["metered_units"]) == (yuan(1_000), 1)
    await market.advance(days=30)
    assert (await market.order(buyer, order))["state"] == "settled"
    (await books_of(market)).check_at_rest()
