"""The tax in a price that no quote told: stated once by its seller, at the rate of the day of the order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.pricing.client import TaxRateView
from services.pricing.rules.tax import Category as PricingCategory
from services.trading.rules import sale_tax as rules
from services.trading.rules.award import SaleTax
from services.trading.rules.order import FAILED, NotDue, State
from services.trading.rules.sale_tax import NothingTaxed, Rate, TaxCategory, TaxKnown
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON, an_order
from tests.trading.market import Market, code, yuan

GENERAL, SIMPLE, EXEMPT = TaxCategory
EARLIER = NOON - timedelta(days=30)
RATES = [
    Rate("old", GENERAL, 1_300, EARLIER), Rate("general", GENERAL, 600, NOON), Rate("simple", SIMPLE, 300, EARLIER),
    Rate("exempt", EXEMPT, 0, EARLIER), Rate("next", GENERAL, 900, NOON + MICROSECOND),
]  # fmt: skip


@pytest.mark.parametrize("price, category, rate_id, basis_points, tax", [
    (10_600, GENERAL, "general", 600, 600), (10_300, SIMPLE, "simple", 300, 300), (10_000, EXEMPT, "exempt", 0, 0),
    (1,      GENERAL, "general", 600, 0),   (9,      GENERAL, "general", 600, 1), (8, GENERAL, "general", 600, 0),
])  # fmt: skip
def test_the_tax_is_in_the_price_by_the_rate_that_held_when_it_was_placed(
    price: int, category: TaxCategory, rate_id: str, basis_points: int, tax: int
):
    order = an_order(price=price)
    stated = rules.state(order, category, RATES)
    assert stated.tax == SaleTax(rate_id, basis_points, Money(tax)) and stated.revision == order.revision + 1
    assert rules.state(stated, category, RATES) is stated
    assert rules.state(replace(order, placed_at=NOON - MICROSECOND), GENERAL, RATES).tax == SaleTax(
        "old", 1_300, order.price.split([10_000, 1_300])[1]
    )


def test_what_was_told_is_not_stated_otherwise():
    quoted = an_order(price=10_600, tax=SaleTax("general", 600, Money(600)))
    assert rules.state(quoted, GENERAL, RATES) is quoted
    with pytest.raises(TaxKnown) as refused:
        rules.state(quoted, SIMPLE, RATES)
    assert refused.value.facts == {"rate_id": "general", "basis_points": 600}


@pytest.mark.parametrize("state", State)
def test_what_failed_is_not_taxed_and_neither_is_what_costs_nothing_or_has_no_rate(state: State):
    order = an_order(price=100, state=state)
    if state in FAILED:
        with pytest.raises(NotDue) as refused:
            rules.state(order, GENERAL, RATES)
        assert refused.value.facts == {"state": state, "next_actor": None}
        return
    for nothing, rates in ((replace(order, price=Money(0)), RATES), (order, RATES[4:]), (order, RATES[2:4])):
        with pytest.raises(NothingTaxed) as nothing_taxed:
            rules.state(nothing, GENERAL, rates)
        assert nothing_taxed.value.facts == {"price_minor": nothing.price.minor, "placed_at": NOON}


async def test_a_price_that_was_bid_is_invoiced_with_its_tax_once_its_seller_states_it(market: Market):
    since = market.bench.clock.now() - timedelta(days=9)
    market.neighbours.tax_rates = [
        TaxRateView(id=name, category=category, basis_points=points, effective_from=since)
        for name, category, points in (("vat_6", PricingCategory.GENERAL, 600), ("vat_3", PricingCategory.SIMPLE, 300))
    ]
    buyer, order = await market.paid()
    assert (await market.use(buyer, order)).is_success
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await market.tick()
    path, told = f"/orders/{order['id']}/sale-tax", {"category": "general"}
    (before,) = (await market.read(buyer, "/wallet/invoices/2030-01"))["items"][0]["lines"]
    assert (before["net"], before["tax"]) == (None, None)
    stranger = await market.bench.member("provider")
    assert code(await market.post(stranger, path, told)) == (404, "no_such_order")
    assert code(await market.post(buyer, path, told))[0] == 403
    assert code(await market.post(market.provider, path, {"category": "exempt"})) == (409, "nothing_taxed")
    first, again = [await market.do(market.provider, path, told) for _ in range(2)]
    gross, tax = order["price"]["minor"], round(order["price"]["minor"] * 600 / 10_600)
    assert first == again == {
        "order_id": order["id"], "rate_id": "vat_6", "basis_points": 600, "net": yuan(gross - tax), "tax": yuan(tax),
        "gross": yuan(gross),
    }  # fmt: skip
    assert code(await market.post(market.provider, path, {"category": "simple"})) == (409, "tax_known")
    (line,) = (await market.read(buyer, "/wallet/invoices/2030-01"))["items"][0]["lines"]
    assert (line["net"], line["tax"], line["tax_basis_points"]) == (yuan(gross - tax), yuan(tax), 600)
    (stated,) = await market.facts("sale_tax_stated")
    assert (stated["tax"]["rate_id"], stated["order_id"]) == ("vat_6", order["id"])
