"""Questions that are priced by what they can tell: from the plan to the answer, and nothing is paid for twice."""

from pathlib import Path
from typing import Any

from services.demo.people import refusal
from services.demo.shelves import ALPHA, AVIATION
from tests.journeys.test_questions import shelved
from tests.support.clock import ToldClock
from tests.support.whole import WholeMarket, whole_market


async def test_a_buyer_asks_about_the_columns_that_were_paid_for_and_is_charged_for_each_once(
    tmp_path: Path, clock: ToldClock
):
    async with whole_market(tmp_path, clock) as market:
        version_id = await shelved(market)
        provider, buyer = market.people[AVIATION], market.people[ALPHA]
        fields = ["code", "runways"]
        plan = await provider.post("/pricing/v1/plans", {
            "version_id": version_id, "mode": "api", "kind": "coverage",
            "column_groups": [{"name": name, "columns": [name]} for name in fields],
            "atoms": [{"row_block": "all", "column_group": name, "weight_minor": 1_000} for name in fields],
        })  # fmt: skip
        listing = await provider.post("/trading/v1/listings", {
            "version_id": version_id, "mode": "api", "pricing": "fixed", "quota_uses": 2, "purposes": ["research"],
            "right": {"kind": "unlimited", "field": "research", "territory": "CN", "period_days": 180},
            "plan_id": plan["id"],
        })  # fmt: skip
        first = await quoted(market, plan, fields[:1])
        second = await quoted(market, plan, fields[:2])
        assert (first["total"]["minor"], second["total"]["minor"]) == (1_000, 2_000)
        right = await bought(market, listing, first)
        rows = f"/delivery/v1/entitlements/{right}/rows"
        assert (await buyer.post(rows, {"limit": 1, "fields": fields[:1]}))["rows"]
        assert await refusal(buyer.post(rows, {"limit": 1, "fields": fields[:2]})) == "beyond_columns"
        assert await refusal(bought(market, listing, second)) == "quote_overlaps"
        anew = await buyer.post(f"/pricing/v1/quotes/{second['id']}/renew")
        assert (anew["version"], anew["total"]["minor"], anew["granted_columns"]) == (2, 1_000, fields[:2])
        wider = await bought(market, listing, anew)
        rows = f"/delivery/v1/entitlements/{wider}/rows"
        assert (await buyer.post(rows, {"limit": 1, "fields": fields[:2]}))["rows"]
        assert (await quoted(market, plan, fields[:2]))["total"]["minor"] == 0


async def quoted(market: WholeMarket, plan: dict[str, Any], columns: list[str]) -> dict[str, Any]:
    return await market.people[ALPHA].post("/pricing/v1/quotes", {"plan_id": plan["id"], "columns": columns})


async def bought(market: WholeMarket, listing: dict[str, Any], quote: dict[str, Any]) -> str:
    provider, buyer = market.people[AVIATION], market.people[ALPHA]
    accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
    order = await buyer.post("/trading/v1/orders", {"listing_id": listing["id"], **accepted})
    for person in (buyer, provider):
        await person.sign(order["contract_id"])
    paid = await buyer.post(f"/trading/v1/orders/{order['id']}/payment")
    await market.settle()
    return paid["entitlement_id"]
