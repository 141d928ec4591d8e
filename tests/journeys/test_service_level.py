"""A service that is claimed to have been away, and what the platform saw of it: from the calls to the credits."""

from pathlib import Path
from typing import Any

import pytest

from services.demo.people import refusal
from services.demo.shelves import ALPHA, AVIATION, PASSWORD
from tests.journeys.test_coverage import bought
from tests.journeys.test_questions import PRICE, shelved
from tests.support.clock import ToldClock
from tests.support.whole import WholeMarket, whole_market

LEVEL = {
    "period_days": 1, "availability_basis_points": 9_990, "cap_basis_points": 10_000,
    "bands": [{"below_basis_points": 9_990, "credit_basis_points": 5_000}],
}  # fmt: skip
ACCEPTANCE = {"inspection_days": 30, "answer_days": 2, "service_level": LEVEL}
MINUTES_OF_A_DAY = 1_440


async def test_a_claim_is_held_to_the_calls_that_the_gate_saw_and_silence_does_not_confirm_what_they_deny(
    tmp_path: Path, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
):
    async with whole_market(tmp_path, clock) as market:
        rows = f"/delivery/v1/entitlements/{await served(market)}/rows"
        buyer = market.people[ALPHA]
        for _ in range(3):
            assert (await buyer.post(rows, {"limit": 1}))["rows"]
            await pass_by(market, minutes=5)
        denied = await claimed(market, 1, MINUTES_OF_A_DAY - 9)
        assert denied["measured"] == {
            "served": 3, "refused": 0, "failed": 0, "bounds_milliseconds": [100, 300, 1_000, 3_000, 10_000],
            "within": [3, 0, 0, 0, 0, 0], "response_milliseconds": 0, "unavailable_minutes_min": 0,
            "unavailable_minutes_max": MINUTES_OF_A_DAY - 10, "verdict": "contradicted",
        }  # fmt: skip

        take_away_the_content(market, monkeypatch)
        for _ in range(2):
            assert await refusal(buyer.post(rows, {"limit": 1})) == "content_missing"
            await pass_by(market, minutes=10)
        shown = await claimed(market, 2, 10)
        seen = shown["measured"]
        assert (seen["refused"], seen["unavailable_minutes_min"], seen["verdict"]) == (2, 10, "supported")
        unseen = await claimed(market, 3, 10)
        assert unseen["measured"] is None

        await pass_by(market, days=2)
        await market.settle()
        decided = [await buyer.get(f"/trading/v1/credits/{each['id']}") for each in (denied, shown, unseen)]
        assert [(each["state"], each["reason_code"]) for each in decided] == [
            ("contested", "measured_otherwise"), ("confirmed", "confirmed_by_silence"),
            ("confirmed", "confirmed_by_silence"),
        ]  # fmt: skip


async def served(market: WholeMarket) -> str:
    """The buyer's right to call for half a year, with a level of service for each day."""
    version_id, provider = await shelved(market), market.people[AVIATION]
    plan = await provider.post("/pricing/v1/plans", {
        "version_id": version_id, "mode": "api", "kind": "one_off", "price": PRICE, "discounts": [],
    })  # fmt: skip
    listing = await provider.post("/trading/v1/listings", {
        "version_id": version_id, "mode": "api", "pricing": "fixed", "quota_uses": 20, "purposes": ["research"],
        "right": {"kind": "unlimited", "field": "research", "territory": "CN", "period_days": 180},
        "plan_id": plan["id"], "acceptance": ACCEPTANCE,
    })  # fmt: skip
    return await bought(market, listing, await market.people[ALPHA].post("/pricing/v1/quotes", {"plan_id": plan["id"]}))


async def claimed(market: WholeMarket, period: int, minutes: int) -> dict[str, Any]:
    """What the buyer claims a day later."""
    await pass_by(market, days=1)
    await market.settle()
    buyer = market.people[ALPHA]
    (order,) = (await buyer.get("/trading/v1/orders"))["items"]
    claim = {"period": period, "unavailable_minutes": minutes}
    return await buyer.post(f"/trading/v1/orders/{order['id']}/credits", claim)


async def pass_by(market: WholeMarket, **time: float) -> None:
    """Let time pass, and the tokens with it."""
    market.clock.advance(**time)
    for who in (AVIATION, ALPHA):
        await market.people[who].log_in(f"{who}@demo", PASSWORD)


def take_away_the_content(market: WholeMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    async def has(content_id: str) -> bool:
        return False

    monkeypatch.setattr(market.inside.apps["delivery"].state.service.content, "has", has)
