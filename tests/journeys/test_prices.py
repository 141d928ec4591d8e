"""The price that the catalogue sorts by, from the plan that pricing keeps to the listing that trading keeps."""

from datetime import timedelta
from typing import Any

from services.demo import shelves
from services.demo.shelves import AIRPORTS, AVIATION
from tests.journeys.conftest import ON_SQLITE
from tests.support.whole import WholeMarket


@ON_SQLITE
async def test_what_a_plan_asks_is_found_in_the_catalogue_and_follows_its_revisions(market: WholeMarket):
    await shelves.open_market(market)
    await shelves.admit_participants(market)
    await shelves.bring_airports(market)
    await shelves.grade(market, AIRPORTS)
    await shelves.register(market, AIRPORTS)
    provider, version = market.people[AVIATION], market.things[AIRPORTS]["version_id"]
    terms: dict[str, Any] = {"kind": "one_off", "price": {"minor": 90_000, "currency": "CNY"}, "discounts": []}
    plan = await provider.post("/pricing/v1/plans", terms | {"version_id": version, "mode": "raw"})
    await market.settle()
    assert await found(market) is None
    await provider.post("/trading/v1/listings", {
        "version_id": version, "mode": "raw", "pricing": "fixed", "plan_id": plan["id"], "quota_uses": 3,
        "right": {"kind": "unlimited", "field": "air_travel", "territory": "CN", "period_days": 365},
        "purposes": ["route_planning"],
    })  # fmt: skip
    await market.settle()
    assert await found(market) == 90_000
    later = (market.clock.now() + timedelta(hours=1)).isoformat()
    cheaper = {**terms, "price": {"minor": 70_000, "currency": "CNY"}, "valid_from": later}
    await provider.post(f"/pricing/v1/plans/{plan['id']}/revisions", cheaper)
    await market.settle()
    assert await found(market) == 90_000
    await market.advance(hours=1)
    await shelves.log_in_again(market)
    assert await found(market) == 70_000


async def found(market: WholeMarket) -> int | None:
    """In fen, as anyone finds it."""
    [entry] = (await market.people["regulator"].get("/catalog/v1/assets", sort="price"))["items"]
    return entry["price"] and entry["price"]["minor"]
