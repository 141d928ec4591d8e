"""A freeze order through all services: two persons of the regulator stop a delivery, and let it go on."""

from datetime import timedelta

from services.demo import deals
from services.demo.people import refusal
from services.demo.shelves import AIRPORTS, BETA
from tests.journeys.conftest import ON_POSTGRESQL
from tests.journeys.test_first_sale import sold_to_beta, the_order
from tests.support.whole import WholeMarket


@ON_POSTGRESQL
async def test_what_two_persons_freeze_is_delivered_to_nobody_until_they_lift_it(market: WholeMarket):
    await sold_to_beta(market)
    await deals.sign_contract(market)
    await deals.pay(market)
    li, wang, beta = market.people["regulator"], market.people["regulator2"], market.people[BETA]
    freeze = await li.post("/trading/v1/freezes", {
        "scope": "asset", "asset_id": market.things[AIRPORTS]["asset_id"], "ground": "illegal_data",
        "legal_basis": "数据安全法第四十五条", "expires_at": (market.clock.now() + timedelta(days=5)).isoformat(),
    })  # fmt: skip
    path = f"/trading/v1/freezes/{freeze['id']}"
    assert await refusal(li.post(f"{path}/confirmation")) == "second_person_required"
    await wang.post(f"{path}/confirmation")
    await market.settle()
    content = f"/delivery/v1/entitlements/{(await the_order(market))['entitlement_id']}/content"
    assert await refusal(beta.download(content)) == "entitlement_not_active"
    await li.post(f"{path}/lifting", {"ground": "decided"})
    await wang.post(f"{path}/lifting/confirmation")
    await market.settle()
    await deals.receive(market)
    order = await the_order(market)
    assert (order["state"], order["next_actor"]) == ("awaiting_acceptance", "buyer")
