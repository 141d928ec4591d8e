"""A verification that expires, through all services (T-44): nothing new is traded, and what was agreed goes on."""

from datetime import timedelta

import pytest

from services.demo import bidding, deals
from services.demo.people import refusal
from services.demo.shelves import AIRPORTS, ALPHA, AVIATION, BETA
from tests.journeys.test_first_sale import sold_to_beta, the_order
from tests.support.whole import WholeMarket

LICENCE = {"kind": "business_licence", "content_hash": "1" * 64, "issued_at": "2026-01-01T00:00:00Z"}


async def show_a_licence(market: WholeMarket, who: str, **until: int) -> None:
    """One that is good for so long only, found to be right."""
    path = f"/identity/v1/participants/{market.people[who].participant_id}/documents"
    valid_until = {"valid_until": (market.clock.now() + timedelta(**until)).isoformat()} if until else {}
    document = await market.people[who].post(path, LICENCE | valid_until)
    await market.people["security"].post(f"{path}/{document['id']}/check", {"method": "register"})
    await market.settle()


@pytest.mark.parametrize("market", ["sqlite"], indirect=True)
async def test_an_expired_proof_ends_new_trade_at_its_minute_and_lets_the_open_deal_go_on(market: WholeMarket):
    await sold_to_beta(market)
    beta, aviation, alpha = (market.people[who] for who in (BETA, AVIATION, ALPHA))
    for who in (BETA, AVIATION):
        await show_a_licence(market, who, minutes=5)
    plan: dict[str, object] = {
        "version_id": market.things[AIRPORTS]["version_id"], "mode": "raw", "kind": "one_off",
        "price": {"minor": 100, "currency": "CNY"}, "discounts": [],
    }  # fmt: skip
    assert (await aviation.post("/pricing/v1/plans", plan))["id"]

    market.clock.advance(minutes=5)  # no job of identity has run since
    listing = {
        "version_id": market.things[AIRPORTS]["version_id"], "mode": "raw", "pricing": "auction", "quota_uses": 1,
        "right": {"kind": "unlimited", "field": "air_travel", "territory": "CN", "period_days": 30},
        "purposes": ["route_planning"],
    }  # fmt: skip
    pay_in = {"amount": {"minor": 100, "currency": "CNY"}}
    assert await refusal(aviation.post("/trading/v1/listings", listing)) == "not_admitted"
    assert await refusal(aviation.post("/pricing/v1/plans", plan)) == "not_admitted"
    assert await refusal(beta.post("/trading/v1/wallet/pay-ins", pay_in)) == "not_admitted"
    assert await refusal(beta.post(f"/trading/v1/auctions/{market.things['auction']}/registrations")) == "not_admitted"
    assert (await alpha.post("/trading/v1/wallet/pay-ins", pay_in))["state"]

    await deals.sign_contract(market)
    await deals.pay(market)
    entitlement = (await the_order(market))["entitlement_id"]
    assert await refusal(beta.download(f"/delivery/v1/entitlements/{entitlement}/content")) == "not_admitted"

    await show_a_licence(market, BETA)
    path = f"/identity/v1/participants/{beta.participant_id}"
    view = await market.people["security"].get(path)
    assert (view["status"], view["reason_code"]) == ("suspended", "verification_expired")
    reason = {"reason_code": "verified_anew", "reason": "新证照已核验"}
    await market.people["security"].post(f"{path}/reinstate", reason)
    await market.settle()
    await deals.receive(market)
    await deals.accept(market)
    await market.settle()
    assert (await the_order(market))["state"] == "settled"
    assert (
        bidding.PAID_IN[BETA] - (bidding.SECOND_MAXIMUM + bidding.STEP)
        == (await beta.get("/trading/v1/wallet"))["available"]["minor"]
    )
