"""What the workload needs before the first kill: people, money, and one small asset with rights in three fields."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from httpx2 import AsyncClient
from rich.console import Console

from services.demo import bidding, data, shelves
from services.demo.market import Market
from services.demo.people import Person
from services.demo.shelves import AIRPORTS, ALPHA, AVIATION, BETA
from shared.clock import SystemClock

LINES = 60
ENDS = {"inspected", "refused"}
CONTENT = b"\n".join(data.airports_csv().splitlines()[:LINES]) + b"\n"
PRICE = {"minor": 12_345, "currency": "CNY"}
BUYERS = (ALPHA, BETA)
IMPACT = {"object": "organisation", "degree": "ordinary", "rationale": "被非法获取会损害整理者的经营权益"}


async def set_up(client: AsyncClient, folder: Path) -> Market:
    """`things` has an auction that lasts an hour, a listing at a posted price with its plan, and a version for
    auctions that last seconds: of one version, each in a field of its own."""
    market = Market(client, folder, Console(quiet=True))
    await shelves.open_market(market)
    await shelves.admit_participants(market)
    version_id = await asset(market, "目录")
    market.things |= {AIRPORTS: {"version_id": version_id}, "short": version_id}
    await bidding.open_auction(market, SystemClock().now() + timedelta(minutes=59))
    await bidding.pay_in(market)
    for who in BUYERS:
        await market.people[who].post(f"/trading/v1/auctions/{market.things['auction']}/registrations")
    await list_at_a_price(market, version_id)
    return market


async def asset(market: Market, title: str) -> str:
    """A registered asset's version, with content that was inspected and graded."""
    provider = market.people[AVIATION]
    version_id, asset_id = await draft(provider, title)
    upload = await announce(provider, version_id)
    await provider.put(f"/delivery/v1/uploads/{upload}/content", CONTENT, "text/csv")
    path = f"/delivery/v1/uploads/{upload}"
    seen = await market.until(lambda: provider.get(path), lambda seen: seen["state"] in ENDS, "the inspection")
    assert seen["state"] == "inspected", seen
    graded = f"/catalog/v1/versions/{version_id}/grade-proposals"
    grading = await provider.post(graded, {"impacts": [IMPACT], "flags": []})
    declaration = {
        "origin": "own_production", "description": "自有采集与整理", "legal_basis": "数据二十条：持有权与经营权",
        "rights": [{"kind": kind, "evidence_hash": shelves.PROOF_OF_RIGHTS} for kind in ("holding", "operation")],
    }  # fmt: skip
    await provider.post(f"/catalog/v1/assets/{asset_id}/source-declaration", declaration)
    await provider.post(f"/catalog/v1/assets/{asset_id}/submit")
    review = {"grade": grading["grade"], "note": "来源说明、权属与分级已复核"}
    await market.people["business"].post(f"/catalog/v1/assets/{asset_id}/register", review)
    return version_id


async def draft(provider: Person, title: str) -> tuple[str, str]:
    made = await provider.post("/catalog/v1/assets", about(title))
    return made["versions"][0]["id"], made["id"]


def about(title: str) -> dict[str, Any]:
    return {
        "title": f"机场{title}", "theme": "transport", "description": "机场的代码、名称、坐标与时区",
        "keywords": ["机场"], "update_cycle": "monthly",
    }  # fmt: skip


async def announce(provider: Person, version_id: str) -> str:
    return (await provider.post("/delivery/v1/uploads", declared(version_id)))["id"]


def declared(version_id: str) -> dict[str, Any]:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return {
        "version_id": version_id, "media_type": "text/csv", "bytes": len(CONTENT), "content_hash": digest,
        "file_name": "airports.csv",
    }  # fmt: skip


async def list_at_a_price(market: Market, version_id: str) -> None:
    provider = market.people[AVIATION]
    plan = await provider.post("/pricing/v1/plans", {
        "version_id": version_id, "mode": "raw", "kind": "one_off", "price": PRICE, "discounts": [],
    })  # fmt: skip
    listing = await provider.post("/trading/v1/listings", {
        "version_id": version_id, "mode": "raw", "pricing": "fixed", "quota_uses": 3, "plan_id": plan["id"],
        "right": {"kind": "unlimited", "field": "market_research", "territory": "CN", "period_days": 180},
        "purposes": ["market_research"],
    })  # fmt: skip
    market.things |= {"plan": plan["id"], "listing": listing["id"]}
