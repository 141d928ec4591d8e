"""Rows and computations bought like any other right: listed, paid, charged by trading itself, certified in the log."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from services.demo import shelves
from services.demo.people import refusal
from services.demo.shelves import AIRPORTS, ALPHA, AVIATION
from tests.delivery.made_files import csv_of
from tests.support.clock import ToldClock
from tests.support.whole import WholeMarket, whole_market

CONTENT = csv_of(["code", "runways"], [[f"ZB{letter}A", str(ord(letter) - 64)] for letter in "ABCDEF"])
PRICE = {"minor": 10_000, "currency": "CNY"}
TOTAL = {"sql": "SELECT sum(runways) AS runways FROM data"}


async def shelved(market: WholeMarket) -> str:
    """A registered version of six airports, and a buyer with money; the version's id."""
    await shelves.open_market(market)
    for who in (AVIATION, ALPHA):
        await shelves.admit(market, who)
    await market.settle()
    for who in (AVIATION, ALPHA):
        await market.people[who].register_key()
    provider = market.people[AVIATION]
    about = {"title": "机场跑道", "description": "六个机场", "theme": "transport", "update_cycle": "never"}
    asset = await provider.post("/catalog/v1/assets", about)
    version_id, digest = asset["versions"][0]["id"], sha256(CONTENT).hexdigest()
    upload = await provider.post("/delivery/v1/uploads", {
        "version_id": version_id, "media_type": "text/csv", "bytes": len(CONTENT), "content_hash": digest,
    })  # fmt: skip
    await provider.put(f"/delivery/v1/uploads/{upload['id']}/content", CONTENT, "text/csv")
    await market.settle()
    market.things[AIRPORTS] = shelves.thing(AIRPORTS, asset["id"], version_id)
    await shelves.grade(market, AIRPORTS)
    await shelves.register(market, AIRPORTS)
    await market.people[ALPHA].post("/trading/v1/wallet/pay-ins", {"amount": {"minor": 100_000, "currency": "CNY"}})
    await market.settle()
    return version_id


async def bought(market: WholeMarket, version_id: str, mode: str, *purposes: str) -> str:
    """The buyer's entitlement to the version in this mode, for two uses."""
    provider, buyer = market.people[AVIATION], market.people[ALPHA]
    plan: dict[str, Any] = {"version_id": version_id, "mode": mode, "kind": "one_off", "price": PRICE, "discounts": []}
    plan = await provider.post("/pricing/v1/plans", plan)
    listing = await provider.post("/trading/v1/listings", {
        "version_id": version_id, "mode": mode, "pricing": "fixed", "quota_uses": 2, "purposes": list(purposes),
        "right": {"kind": "unlimited", "field": "research", "territory": "CN", "period_days": 180},
        "plan_id": plan["id"],
    })  # fmt: skip
    quote = await buyer.post("/pricing/v1/quotes", {"plan_id": plan["id"]})
    accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
    order = await buyer.post("/trading/v1/orders", {"listing_id": listing["id"], **accepted})
    for person in (buyer, provider):
        await person.sign(order["contract_id"])
    paid = await buyer.post(f"/trading/v1/orders/{order['id']}/payment")
    await market.settle()
    return paid["entitlement_id"]


async def test_questions_are_charged_to_the_quota_and_their_answers_stand_in_the_log(tmp_path: Path, clock: ToldClock):
    async with whole_market(tmp_path, clock) as market:
        version_id = await shelved(market)
        buyer = market.people[ALPHA]
        rows_path = f"/delivery/v1/entitlements/{await bought(market, version_id, 'api', 'research')}/rows"
        first = await buyer.post(rows_path, {"limit": 4})
        rest = await buyer.post(rows_path, {"limit": 4, "cursor": first["next_cursor"]})
        assert [row[0] for row in first["rows"] + rest["rows"]] == [f"ZB{letter}A" for letter in "ABCDEF"]
        assert await refusal(buyer.post(rows_path, {"limit": 4})) == "quota_spent"

        plain = await bought(market, version_id, "compute", "research")
        assert await refusal(buyer.post(f"/delivery/v1/entitlements/{plain}/queries", TOTAL)) == "purpose_not_agreed"
        free = await bought(market, version_id, "compute", "research", "free_queries")
        answer = await buyer.post(f"/delivery/v1/entitlements/{free}/queries", TOTAL)
        assert answer["rows"] == [[21]]
        await market.settle()
        seen = (await market.people["regulator"].get("/delivery/v1/queries"))["items"]
        assert [one["id"] for one in seen][-1] == answer["certificate"]["id"] and len(seen) == 3
        entries = await market.people["regulator"].get("/audit/v1/entries", object=answer["certificate"]["id"])
        assert answer["certificate"]["result_digest"] in str(entries)
