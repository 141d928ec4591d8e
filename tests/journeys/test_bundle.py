"""A bundle from its price to the settlement of both its parts, through all the services."""

from pathlib import Path
from shutil import copyfile
from typing import Any

from services.demo.people import refusal
from services.demo.shelves import ALPHA, AVIATION
from tests.journeys.test_questions import CONTENT, shelved
from tests.support.clock import ToldClock
from tests.support.whole import WholeMarket, whole_market

RIGHT = {"kind": "unlimited", "field": "research", "territory": "CN", "period_days": 180}
PRICES = {"raw": 10_000, "api": 4_000}


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


async def quoted(market: WholeMarket, version_id: str) -> tuple[dict[str, Any], list[str]]:
    """The quote of the file and its rows together, which cost less than each for itself, and the listings of both."""
    provider, buyer = market.people[AVIATION], market.people[ALPHA]
    one_off: dict[str, Any] = {"kind": "one_off", "discounts": [], "version_id": version_id}
    for mode, minor in PRICES.items():
        await provider.post("/pricing/v1/plans", one_off | {"mode": mode, "price": yuan(minor)})
    parts = [{"version_id": version_id, "mode": mode} for mode in PRICES]
    bundle = await provider.post("/pricing/v1/plans", one_off | {
        "kind": "bundle", "mode": "raw", "price": yuan(10_000), "parts": parts,
    })  # fmt: skip
    listings = [
        await provider.post("/trading/v1/listings", part | {
            "pricing": "fixed", "plan_id": bundle["id"], "quota_uses": 2, "purposes": ["research"], "right": RIGHT,
        })
        for part in parts
    ]  # fmt: skip
    return await buyer.post("/pricing/v1/quotes", {"plan_id": bundle["id"]}), [each["id"] for each in listings]


async def test_a_bundle_is_quoted_ordered_signed_paid_delivered_and_settled_part_by_part(
    files: dict[str, Path], tmp_path: Path, clock: ToldClock
):
    (tmp_path / "market").mkdir()
    for service, file in files.items():
        copyfile(file, tmp_path / "market" / f"{service}.db")
    async with whole_market(tmp_path, clock) as market:
        quote, listing_ids = await quoted(market, await shelved(market))
        provider, buyer = market.people[AVIATION], market.people[ALPHA]
        shares = {part["mode"]: part["share"]["minor"] for part in quote["parts"]}
        assert shares == {"raw": 7_143, "api": 2_857}
        accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
        bundle = await buyer.post("/trading/v1/bundle-orders", {"listing_ids": listing_ids, **accepted})
        assert {order["mode"]: order["price"]["minor"] for order in bundle["orders"]} == shares
        for order in bundle["orders"]:
            for person in (buyer, provider):
                await person.sign(order["contract_id"])
        bundle = await buyer.post(bundle["pay_at"])
        await market.settle()
        assert await refusal(buyer.post(f"/pricing/v1/quotes/{quote['id']}/renew")) == "quote_ordered"

        raw, api = sorted(bundle["orders"], key=lambda order: order["mode"], reverse=True)
        assert await buyer.download(f"/delivery/v1/entitlements/{raw['entitlement_id']}/content") == CONTENT
        rows = await buyer.post(f"/delivery/v1/entitlements/{api['entitlement_id']}/rows", {"limit": 1})
        assert rows["rows"] == [["ZBAA", 1]]
        for order in (raw, api):
            await buyer.post(f"/trading/v1/orders/{order['id']}/acceptance")
        await market.settle()
        done = await provider.get(f"/trading/v1/bundle-orders/{quote['id']}")
        assert {order["state"] for order in done["orders"]} == {"settled"}
        divided = [order["settlement"][who]["minor"] for order in done["orders"] for who in ("provider", "fee", "tax")]
        assert sum(divided) == quote["total"]["minor"] == 10_000
        wallet = await buyer.get("/trading/v1/wallet")
        assert (wallet["available"]["minor"], wallet["held"]["minor"]) == (90_000, 0)
