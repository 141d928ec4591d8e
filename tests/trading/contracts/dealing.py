"""Deals at a posted price on a market, and what their parties do to the contract."""

import base64
from typing import Any

import pytest
from httpx2 import Response

from shared.ids import PlanId
from tests.support.bench import Person
from tests.trading.market import Market, yuan

PRICE = 20_000
ON_ONE_DATABASE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # where the kind of it cannot matter
REASONED = {"reason_code": "no_longer_needed", "reason": "项目已结束"}
AGREED = {"reason_code": "no_longer_needed", "reason": "同意"}


async def offer(market: Market, kind: str = "unlimited", **parts: Any) -> tuple[dict[str, Any], PlanId]:
    """A listing at a fixed price for two purposes, and its plan."""
    plan_id = PlanId.new()
    parts = {"purposes": ["research", "route_planning"], "quota_uses": 10} | parts
    answer = await market.list_it(plan_id=plan_id, kind=kind, **parts)
    assert answer.status_code == 201, answer.text
    return answer.json(), plan_id


def quoted(
    market: Market, buyer: Person, listing: dict[str, Any], plan_id: PlanId, minor: int = PRICE, **bought: Any
) -> dict[str, Any]:
    """A fresh quote, as it is accepted."""
    assert buyer.participant_id
    quote = market.neighbours.quote(buyer.participant_id, listing["version_id"], plan_id, minor, **bought)
    return {"quote_id": quote.id, "quote_version": 1, "total": yuan(minor)}


async def signed_deal(
    market: Market, *, pays: bool = True, listed: tuple[dict[str, Any], PlanId] | None = None, **bought: Any
) -> tuple[Person, dict[str, Any]]:
    """A buyer whose contract is in force, paid or not, and the order. Of five uses for sixty days unless told."""
    listing, plan_id = listed or await offer(market)
    buyer = await market.buyer(50_000)
    said = quoted(market, buyer, listing, plan_id, **({"quota_uses": 5, "period_days": 60} | bought))
    order = await market.do(buyer, "/orders", {"listing_id": listing["id"], **said})
    await market.signed(buyer, order)
    if pays:
        await market.do(buyer, f"/orders/{order['id']}/payment")
    return buyer, await market.order(buyer, order)


async def amend(market: Market, who: Person, contract_id: str, **change: Any) -> Response:
    return await market.post(who, f"/contracts/{contract_id}/amendments", change)


async def both_sign(market: Market, buyer: Person, contract_id: str) -> None:
    for who in (buyer, market.provider):
        assert (await market.sign(who, contract_id)).status_code == 201


def signature_of(who: Person, terms_hash: str) -> dict[str, Any]:
    assert who.signing_key
    signed = who.signing_key.sign(b"yaosu contract v1\n" + terms_hash.encode())
    return {"key_id": who.key_id, "signature": base64.b64encode(signed).decode()}


async def right_of(market: Market, buyer: Person, order: dict[str, Any]) -> dict[str, Any]:
    return await market.read(buyer, f"/entitlements/{order['entitlement_id']}")
