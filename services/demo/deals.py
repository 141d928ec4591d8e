"""The last third of the story: contract, money, content, acceptance; and a sale that only its masked form allows."""

import csv
import hashlib
import io
from typing import Any

from services.demo.bidding import deposits
from services.demo.market import Market
from services.demo.people import expect, refusal
from services.demo.shelves import AIRPORTS, ALPHA, AVIATION, BETA, CIVIC, PERSONS

DESENSITISED_PRICE = 88_800


async def refuse_raw_persons(market: Market) -> None:
    code = await refusal(market.people[CIVIC].post("/trading/v1/listings", _persons_listing(market, "raw")))
    market.refused("居民数据以原始形态挂牌 persons' data listed raw", code)
    expect(code == "personal_information_not_raw", "the grade refuses the raw sale")


async def sign_contract(market: Market) -> None:
    await _sign(market, market.things["order"], BETA, AVIATION)


async def pay(market: Market) -> None:
    order = await _pay(market, market.things["order"], BETA)
    wallet = await market.people[BETA].get("/trading/v1/wallet")
    expect(wallet["held"]["minor"] == 0, "the winner's deposit went into the payment")
    market.report["deposits"] = held = await deposits(market)
    expect(held["held_minor"] == held["released_minor"] + held["applied_minor"], "every deposit has ended")
    market.note(f"托管 in escrow {order['price']['minor'] / 100:,.2f} CNY，含保证金 deposit included")


async def receive(market: Market) -> None:
    content = await _download(market, market.things["order"], BETA)
    digest = hashlib.sha256(content).hexdigest()
    expect(digest == market.things[AIRPORTS]["sha256"], "what is delivered is what was uploaded")
    market.report["delivery"] = {
        "sha256_uploaded": market.things[AIRPORTS]["sha256"], "sha256_downloaded": digest, "bytes": len(content),
    }  # fmt: skip
    market.note(f"{len(content):,} 字节 bytes · sha256 {digest[:16]}… 一致 equal")


async def accept(market: Market) -> None:
    await market.people[BETA].post(f"/trading/v1/orders/{market.things['order']}/acceptance")


async def settle(market: Market) -> None:
    order = await _settled(market, market.things["order"], BETA)
    shares = order["settlement"]
    told = {name: shares[name]["minor"] for name in ("price", "provider", "fee", "tax")}
    expect(told["provider"] + told["fee"] + told["tax"] == told["price"], "the shares add up to the price")
    wallet = await market.people[AVIATION].get("/trading/v1/wallet")
    expect(wallet["available"]["minor"] == told["provider"], "the provider has their share")
    market.report["settlement"] = {f"{name}_minor": minor for name, minor in told.items()}
    market.note(" · ".join(f"{name} {minor / 100:,.2f}" for name, minor in told.items()))


async def sell_desensitised_persons(market: Market) -> None:
    provider, buyer = market.people[CIVIC], market.people[ALPHA]
    plan = await provider.post("/pricing/v1/plans", {
        "version_id": market.things[PERSONS]["version_id"], "mode": "desensitised", "kind": "one_off",
        "price": {"minor": DESENSITISED_PRICE, "currency": "CNY"}, "discounts": [],
    })  # fmt: skip
    listing = await provider.post(
        "/trading/v1/listings", _persons_listing(market, "desensitised") | {"plan_id": plan["id"]}
    )
    quote = await buyer.post("/pricing/v1/quotes", {"plan_id": plan["id"]})
    accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
    order = await buyer.post("/trading/v1/orders", {"listing_id": listing["id"], **accepted})
    await _sign(market, order["id"], ALPHA, CIVIC)
    await _pay(market, order["id"], ALPHA)
    content = await _download(market, order["id"], ALPHA)
    _expect_masked(market.things[PERSONS]["content"], content)
    await buyer.post(f"/trading/v1/orders/{order['id']}/acceptance")
    settled = await _settled(market, order["id"], ALPHA)
    row = next(csv.reader(io.StringIO(content.decode().splitlines()[1])))
    market.note(f"脱敏后首行 the first row, masked: {' | '.join(row)}")
    market.note(f"结算 settled {settled['settlement']['provider']['minor'] / 100:,.2f} CNY 归提供方 to the provider")


def _persons_listing(market: Market, mode: str) -> dict[str, Any]:
    return {
        "version_id": market.things[PERSONS]["version_id"], "mode": mode, "pricing": "fixed", "quota_uses": 3,
        "right": {"kind": "unlimited", "field": "market_research", "territory": "CN", "period_days": 180},
        "purposes": ["market_research"],
    }  # fmt: skip


async def _sign(market: Market, order_id: str, buyer: str, provider: str) -> None:
    order = await market.people[buyer].get(f"/trading/v1/orders/{order_id}")
    for who in (buyer, provider):
        contract = await market.people[who].sign(order["contract_id"])
    expect(contract["state"] == "active", "a contract that both have signed is active")
    market.note(f"合同 contract {contract['id']} · {contract['terms_hash'][:16]}…")


async def _pay(market: Market, order_id: str, buyer: str) -> Any:
    order = await market.people[buyer].post(f"/trading/v1/orders/{order_id}/payment")
    expect(order["state"] == "awaiting_delivery", f"a paid order waits for delivery, not {order['state']}")
    return order


async def _download(market: Market, order_id: str, buyer: str) -> bytes:
    order = await market.people[buyer].get(f"/trading/v1/orders/{order_id}")
    return await market.people[buyer].download(f"/delivery/v1/entitlements/{order['entitlement_id']}/content")


async def _settled(market: Market, order_id: str, buyer: str) -> Any:
    path = f"/trading/v1/orders/{order_id}"
    order = await market.until(
        lambda: market.people[buyer].get(path), lambda seen: seen["state"] == "settled", "the settlement"
    )
    market.settled.append(order_id)
    return order


def _expect_masked(original: bytes, masked: bytes) -> None:
    """No identity number, phone, name or address of the original stands in what was delivered."""
    before, after = (list(csv.DictReader(io.StringIO(content.decode()))) for content in (original, masked))
    expect(len(before) == len(after), "masking keeps every row")
    for column in ("姓名", "身份证号", "手机号", "地址"):
        kept = {row[column] for row in before} & {row[column] for row in after}
        expect(not kept, f"the column {column} still holds values of the original")
