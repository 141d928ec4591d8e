"""Each step of a negotiation, over HTTP."""

from datetime import timedelta
from typing import Any

from httpx2 import Response

from tests.support.bench import Person
from tests.trading.market import Market, yuan

Told = dict[str, Any]
PRICE, HELD = 40_000, timedelta(days=2)


async def listed(market: Market, kind: str = "unlimited", **changes: Any) -> Told:
    answer = await market.list_it(kind=kind, pricing="negotiation", **changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def an_offer(market: Market, minor: int = PRICE, **changes: Any) -> Told:
    expires_at = market.bench.clock.now() + HELD
    return {
        "price": yuan(minor), "field": "air_travel", "territory": "CN", "period_days": 365,
        "purposes": ["route_planning"], "quota_uses": 3, "expires_at": expires_at.isoformat(),
    } | changes  # fmt: skip


async def asked(market: Market, buyer: Person, listing: Told, minor: int = PRICE, **changes: Any) -> Response:
    body = {"listing_id": listing["id"], "offer": an_offer(market, minor)} | changes
    return await market.post(buyer, "/negotiations", body)


async def directed(market: Market, buyer: Person, listing: Told, minor: int = PRICE, **changes: Any) -> Response:
    body = {"listing_id": listing["id"], "buyer_id": buyer.participant_id, "offer": an_offer(market, minor)} | changes
    return await market.post(market.provider, "/directed-negotiations", body)


async def answered(market: Market, who: Person, negotiation: Told, minor: int, **changes: Any) -> Response:
    return await market.post(who, f"/negotiations/{negotiation['id']}/offers", an_offer(market, minor, **changes))


async def accepted(market: Market, who: Person, seen: Told, key: str | None = None, **changes: Any) -> Response:
    """Of the offer that was open when this was seen."""
    open_offer = seen["offers"][-1]
    body = {"offer_id": open_offer["id"], "terms_hash": open_offer["terms_hash"]} | changes
    return await market.post(who, f"/negotiations/{seen['id']}/acceptance", body, key)


async def ended(market: Market, who: Person, seen: Told, reason: str = "预算已变") -> Response:
    body = {"reason_code": "price_not_agreed", "reason": reason}
    return await market.post(who, f"/negotiations/{seen['id']}/termination", body)


async def read(market: Market, who: Person, seen: Told) -> Told:
    return await market.read(who, f"/negotiations/{seen['id']}")


async def orders(market: Market) -> list[Told]:
    return (await market.read(market.bench.staff("regulator"), "/orders"))["items"]
