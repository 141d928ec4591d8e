"""The middle of the story: one exclusive right, three who want it, and a little more time for a late bid."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from services.demo.market import Market
from services.demo.people import Refused, expect, refusal
from services.demo.shelves import AIRPORTS, ALPHA, AVIATION, BETA, GAMMA
from shared.clock import SystemClock

AUCTION_SECONDS, LATE_SECONDS = 8, 1.5
START, STEP, DEPOSIT, RESERVE = 1_000_000, 1_000, 150_000, 1_100_000
# The price becomes the second maximum and one step, 12 345.67 yuan: 2.5 % of it, and 6 % of that, must be rounded.
SECOND_MAXIMUM, WINNING_MAXIMUM = 1_233_567, 1_300_000
WAR = ((ALPHA, 1_050_000), (BETA, 1_150_000), (ALPHA, START), (ALPHA, 1_120_000), (ALPHA, SECOND_MAXIMUM))
PAID_IN = {ALPHA: 2_000_000, BETA: 1_600_000, GAMMA: 500_000}


async def list_airports(market: Market) -> None:
    await open_auction(market, SystemClock().now() + timedelta(seconds=AUCTION_SECONDS))
    market.note(f"独家许可 exclusive · 起拍 start {START / 100:,.2f} · 保证金 deposit {DEPOSIT / 100:,.2f} CNY")


async def open_auction(market: Market, closes_at: datetime) -> None:
    """List the exclusive right over the airports, and call for bids until then."""
    provider = market.people[AVIATION]
    listing = await provider.post("/trading/v1/listings", {
        "version_id": market.things[AIRPORTS]["version_id"], "mode": "raw", "pricing": "auction", "quota_uses": 3,
        "right": {"kind": "exclusive", "field": "air_travel", "territory": "CN", "period_days": 365},
        "purposes": ["route_planning"],
    })  # fmt: skip
    auction = await provider.post("/trading/v1/auctions", {
        "listing_id": listing["id"], "start_price": _yuan(START), "deposit": _yuan(DEPOSIT),
        "reserve_price": _yuan(RESERVE), "increments": [{"from_minor": 0, "step_minor": STEP}],
        "closes_at": closes_at.isoformat(),
    })  # fmt: skip
    market.things["auction"] = auction["id"]


async def pay_in(market: Market) -> None:
    """Each buyer pays into their own account at the custodian, whose signed word fills the wallet here."""
    for who, minor in PAID_IN.items():
        buyer = market.people[who]
        await buyer.post("/trading/v1/wallet/pay-ins", {"amount": _yuan(minor)})
    for who, minor in PAID_IN.items():
        buyer = market.people[who]
        wallet = await market.until(
            lambda buyer=buyer: buyer.get("/trading/v1/wallet"),
            lambda wallet, minor=minor: wallet["available"]["minor"] == minor,
            "the custodian's confirmation",
        )
        market.note(f"{buyer.name} 可用 available {wallet['available']['minor'] / 100:,.2f} CNY")


async def register_bidders(market: Market) -> None:
    path = f"/trading/v1/auctions/{market.things['auction']}/registrations"
    for who in (ALPHA, BETA):
        registration = await market.people[who].post(path)
        market.note(f"{market.people[who].name} 竞买号 bidder {registration['bidder_number']}")
    market.refused(
        "C1 报名竞买 G2 原始数据 a C1 buyer registers for raw G2 data", await refusal(market.people[GAMMA].post(path))
    )
    held = [(await market.people[who].get("/trading/v1/wallet"))["held"]["minor"] for who in (ALPHA, BETA)]
    expect(held == [DEPOSIT, DEPOSIT], "both bidders' deposits are held")


async def bid(market: Market) -> None:
    """A maximum that is too low is refused, one below the leader's is answered by the leader's proxy."""
    refused = [code for who, maximum in WAR if (code := await _try(market, who, maximum))]
    expect(refused == ["bid_too_low"], f"only a bid below the floor is refused, not {refused}")
    before = await _auction(market)
    closes_at = datetime.fromisoformat(before["closes_at"])
    await asyncio.sleep(max((closes_at - SystemClock().now()).total_seconds() - LATE_SECONDS, 0))
    await _bid(market, BETA, WINNING_MAXIMUM)
    after = await _auction(market)
    expect(after["extensions"] == before["extensions"] + 1, "a bid in the last moments extends the auction")
    market.note(f"末刻出价，延时一次 a late bid extends the close to {after['closes_at']}")
    market.report["auction"] = {
        "id": after["id"], "bids_accepted": after["bids"], "bids_refused": len(refused),
        "extensions": after["extensions"],
    }  # fmt: skip


async def close(market: Market) -> None:
    auction = await market.until(
        lambda: _auction(market), lambda seen: seen["state"] != "open", "the close of the auction"
    )
    winner, loser = market.people[BETA], market.people[ALPHA]
    expect(auction["state"] == "sold", f"the auction ended {auction['state']}")
    expect(auction["winner"] == winner.participant_id, "whoever bid the highest maximum has won")
    expect(auction["price"]["minor"] == SECOND_MAXIMUM + STEP, "the price is the second maximum and one step")
    orders = (await winner.get("/trading/v1/orders"))["items"]
    market.things["order"] = next(order["id"] for order in orders if order["listing_id"] == auction["listing_id"])
    wallet = await loser.get("/trading/v1/wallet")
    expect(wallet["held"]["minor"] == 0, "the loser's deposit is free in the commit that closes the auction")
    market.report["auction"] |= {"price_minor": auction["price"]["minor"], "winner": auction["winner"]}
    market.note(f"成交 sold to {winner.name} at {auction['price']['minor'] / 100:,.2f} CNY")


async def deposits(market: Market) -> dict[str, int]:
    """What was held for the auction, given back, and applied to the price, by the ledger's own transfers."""
    sums = {"pending": 0, "void": 0, "post": 0}
    for who in (ALPHA, BETA):
        transfers = (await market.people[who].get("/trading/v1/wallet/transfers", limit=100))["items"]
        for transfer in transfers:
            if transfer["credit"].startswith(f"CNY/deposit:{market.things['auction']}:"):
                sums[transfer["phase"]] += transfer["amount"]["minor"]
    return {"held_minor": sums["pending"], "released_minor": sums["void"], "applied_minor": sums["post"]}


async def _try(market: Market, who: str, maximum: int) -> str | None:
    """Bid; the code of the refusal, if there is one."""
    try:
        await _bid(market, who, maximum)
    except Refused as error:
        market.refused(f"{market.people[who].name} 出价 bids {maximum / 100:,.2f}", error.code)
        return error.code
    return None


async def _bid(market: Market, who: str, maximum: int) -> Any:
    path = f"/trading/v1/auctions/{market.things['auction']}/bids"
    placed = await market.people[who].post(path, {"maximum": _yuan(maximum)})
    place = "领先 leads" if placed["leading"] else "被代理出价超过 outbid by a proxy"
    market.note(
        f"#{placed['sequence']} {market.people[who].name} → {placed['price_after']['minor'] / 100:,.2f} · {place}"
    )
    return placed


async def _auction(market: Market) -> Any:
    return await market.people[BETA].get(f"/trading/v1/auctions/{market.things['auction']}")


def _yuan(minor: int) -> dict[str, object]:
    return {"minor": minor, "currency": "CNY"}
