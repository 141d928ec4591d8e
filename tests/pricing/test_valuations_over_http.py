"""Valuations over HTTP: asked of one's own versions, by cost, income and market, and kept with all they rest on."""

import hashlib
import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from services.pricing.schemas.valuations import NewValuation
from shared.grades import Mode
from shared.ids import ListingId, OrderId, ParticipantId, QuoteId, ValuationId, VersionId
from shared.money import Money
from tests.catalog.market import Market, refusal
from tests.pricing.test_trades import Counter, OrderPlaced, OrderSettled
from tests.support.bench import AffiliationDeclared, Person

PATH = "/pricing/v1/valuations"
COST = {"costs": [{"kind": "direct", "amount": {"minor": 1_000_000, "currency": "CNY"}}]}
MARKET = {"mode": "raw"}


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


def asked(version_id: str, **parts: Any) -> dict[str, Any]:
    return {"version_id": version_id, "rationale": "按凭证归集"} | parts


async def a_version(market: Market, provider: Person) -> str:
    return (await market.registered(provider))["versions"][0]["id"]


async def test_a_value_by_cost_follows_the_quality_that_the_catalogue_reports(market: Market):
    bench, provider, other = market.bench, await market.provider(), await market.provider()
    version_id = await a_version(market, provider)
    report = (await bench.get(provider, f"/catalog/v1/versions/{version_id}/quality-report")).json()
    maturity = {"level": 4, "evidence_hash": "ab" * 32}
    answer = await bench.post(provider, PATH, asked(version_id, cost=COST, maturity=maturity))
    told = market.done(answer, 201)
    alpha = Decimal("0.8") + Decimal("0.4") * report["score_basis_points"] / 10_000
    assert told["mid"]["minor"] == (1_000_000 * alpha * Decimal("1.025")).quantize(Decimal(1), ROUND_HALF_UP)
    assert told["quality"] == {
        "score_basis_points": report["score_basis_points"], "rule_version": report["rule_version"],
        "made_at": report["made_at"],
    }  # fmt: skip
    assert (told["status"], told["approach"], told["reason_code"]) == ("estimated", "cost", None)
    assert "非法定评估" in told["mark"] and "非法定评估" in told["document"]
    assert told["low"]["minor"] < told["mid"]["minor"] < told["high"]["minor"]
    assert hashlib.sha256(told["document"].encode()).hexdigest() == told["document_hash"]
    inside = json.loads(told["document"])
    assert inside["question"]["quality"]["score_basis_points"] == report["score_basis_points"]
    assert inside["question"]["rationale"] == "按凭证归集" and inside["method_version"] == told["method_version"]

    path = answer.headers["Location"]
    for person in (provider, bench.staff("regulator")):
        seen = (await bench.get(person, path)).json()
        assert seen | {"comparables": None} == told and seen["comparables"] == (None if person is provider else [])
    assert refusal(await bench.get(other, path)) == (404, "no_such_valuation")
    for operator in ("operator_business", "operator_audit"):
        assert refusal(await bench.get(bench.staff(operator), path)) == (403, "not_your_role")
    assert refusal(await bench.get(provider, f"{PATH}/{ValuationId.new()}")) == (404, "no_such_valuation")
    [fact] = await bench.cores["pricing"].feed.after({})
    assert fact.act == "pricing.version_valued" and fact.data["document"] == told["document"]
    assert [fact.data[end] for end in ("low", "mid", "high")] == [told[end] for end in ("low", "mid", "high")]


@pytest.mark.parametrize("kind, year, mid", [
    ("direct", {}, 90_909), ("share", {"share_basis_points": 3_000}, 27_273),
    ("excess", {"others": yuan(40_000)}, 54_545),
    ("incremental", {"earned_without": yuan(40_000)}, 54_545),
])  # fmt: skip
async def test_a_value_by_income_is_that_of_its_forecast(market: Market, kind: str, year: dict[str, Any], mid: int):
    provider = await market.provider()
    version_id = (await market.drafted(provider))["versions"][0]["id"]  # not even measured yet
    income = {
        "kind": kind, "basis": "profit", "discount_rate_basis_points": 1_000,
        "years": [{"earned": yuan(100_000), **year}],
    }  # fmt: skip
    told = market.done(await market.bench.post(provider, PATH, asked(version_id, income=income)), 201)
    assert (told["mid"]["minor"], told["quality"]) == (mid, None)
    assert json.loads(told["document"])["question"]["method"]["years"][0]["kind"] == kind


async def test_ones_own_are_listed_newest_first_and_a_request_that_comes_twice_is_one(market: Market):
    bench, provider, other = market.bench, await market.provider(), await market.provider()
    version_id, key = await a_version(market, provider), uuid4().hex
    first = market.done(await bench.post(provider, PATH, asked(version_id, cost=COST), key=key), 201)
    assert (await bench.post(provider, PATH, asked(version_id, cost=COST), key=key)).json() == first
    second = market.done(await bench.post(provider, PATH, asked(version_id, cost=COST)), 201)
    page = (await bench.get(provider, PATH, params={"limit": 1})).json()
    assert page["items"] == [second]
    rest = (await bench.get(provider, PATH, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert rest == {"items": [first], "next_cursor": None}
    assert (await bench.get(other, PATH)).json()["items"] == []


async def test_what_is_not_valued(market: Market):
    bench, provider, other = market.bench, await market.provider(), await market.provider()
    unmeasured = (await market.drafted(provider))["versions"][0]["id"]
    assert refusal(await bench.post(provider, PATH, asked(unmeasured, cost=COST))) == (409, "quality_not_assessed")
    for version_id in (unmeasured, VersionId.new()):
        assert refusal(await bench.post(other, PATH, asked(version_id, cost=COST))) == (404, "no_such_version")
    buyer = await bench.member("buyer")
    assert refusal(await bench.post(buyer, PATH, asked(unmeasured, cost=COST))) == (403, "not_your_role")
    year = {"earned": yuan(1), "others": yuan(2)}
    income = {"kind": "excess", "basis": "profit", "discount_rate_basis_points": 1, "years": [year]}
    answer = await bench.post(provider, PATH, asked(unmeasured, income=income))
    assert refusal(answer) == (422, "year_below_nothing") and answer.json()["year"] == 1
    assert await bench.cores["pricing"].feed.after({}) == []


class Stall:
    """A provider's registered versions, sold and settled as a test says."""

    def __init__(self, market: Market) -> None:
        self.market, self.counter = market, Counter(market)

    async def sell(
        self, provider: Person, version_id: str, minor: int, buyer: ParticipantId | None = None, **more: Any
    ) -> OrderId:
        terms: dict[str, Any] = {"mode": Mode.RAW, "exclusive": False, "quote_id": None} | more
        settled = terms.pop("settled", True)
        assert provider.participant_id
        order = OrderPlaced(
            OrderId.new(), ListingId.new(), VersionId(version_id), buyer_id=buyer or ParticipantId.new(),
            provider_id=provider.participant_id, amount=Money(minor), **terms,
        )  # fmt: skip
        await self.counter.tell(order, *([OrderSettled(order.order_id, order.amount)] if settled else []))
        await self.market.bench.refresh()
        return order.order_id


async def test_by_the_market_too_few_trades_answer_insufficient(market: Market):
    bench, provider, stall = market.bench, await market.provider(), Stall(market)
    version_id = await a_version(market, provider)
    for minor in (100_000, 200_000):
        await stall.sell(provider, version_id, minor)
    told = market.done(await bench.post(provider, PATH, asked(version_id, market=MARKET)), 201)
    assert (told["status"], told["reason_code"]) == ("insufficient", "comparables_insufficient")
    assert (told["low"], told["mid"], told["high"], told["sensitivities"]) == (None, None, None, [])
    assert told["comparables_count"] == 2
    fact = (await bench.cores["pricing"].feed.after({}))[-1]
    assert (fact.data["status"], fact.data["reason_code"]) == ("insufficient", "comparables_insufficient")
    assert (await bench.get(provider, f"{PATH}/{told['id']}")).json() == told


async def test_by_the_market_a_value_rests_on_settled_unrelated_trades_of_like_data(market: Market):
    bench, provider, seller, stall = market.bench, await market.provider(), await market.provider(), Stall(market)
    version_id, sold = await a_version(market, provider), await a_version(market, seller)
    other_theme = (await market.registered(seller, theme="health"))["versions"][0]["id"]
    counted = [await stall.sell(seller, sold, minor) for minor in (100_000, 200_000, 400_000)]
    twin = await bench.member("buyer", affiliate_of=seller)
    await stall.sell(seller, sold, 9_000_000, twin.participant_id)  # related
    await stall.sell(seller, sold, 9_000_000, settled=False)
    await stall.sell(seller, sold, 9_000_000, exclusive=True)
    await stall.sell(seller, sold, 9_000_000, mode=Mode.API)
    await stall.sell(seller, other_theme, 9_000_000)
    await stall.sell(seller, sold, 0)
    await stall.sell(seller, VersionId.new(), 9_000_000)  # of a catalogue that this one is not
    told = market.done(await bench.post(provider, PATH, asked(version_id, market=MARKET)), 201)
    assert [told[end]["minor"] for end in ("low", "mid", "high")] == [180_000, 200_000, 220_000]
    assert (told["status"], told["comparables_count"], told["comparables"]) == ("estimated", 3, None)
    for order_id in counted:  # neither who bought nor what they paid can be read from what the owner gets
        assert order_id not in told["document"]
    full = (await bench.get(bench.staff("regulator"), f"{PATH}/{told['id']}")).json()["comparables"]
    assert [each["order_id"] for each in full] == counted[::-1]
    assert [each["price"]["minor"] for each in full] == [400_000, 200_000, 100_000]
    assert len(json.loads(told["document"])["comparables"]) == 3


async def test_so_many_units_of_something_are_no_price_of_a_licence(market: Market):
    bench, provider, buyer, stall = market.bench, await market.provider(), await bench_buyer(market), Stall(market)
    version_id = await a_version(market, provider)
    terms = {"version_id": version_id, "mode": "raw", "price": yuan(100)}
    for kind, ask, status in (("usage", {"quantity": 3}, "insufficient"), ("one_off", {}, "estimated")):
        plan = market.done(await bench.post(provider, "/pricing/v1/plans", terms | {"kind": kind}), 201)
        for _ in range(3):
            quote = market.done(await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]} | ask), 201)
            await stall.sell(provider, version_id, quote["total"]["minor"], quote_id=QuoteId(quote["id"]))
        told = market.done(await bench.post(provider, PATH, asked(version_id, market=MARKET)), 201)
        assert told["status"] == status


async def test_an_affiliation_that_is_declared_later_takes_a_trade_out_of_later_valuations(market: Market):
    bench, provider, buyer, stall = market.bench, await market.provider(), await bench_buyer(market), Stall(market)
    version_id = await a_version(market, provider)
    for minor in (1, 2, 3):
        await stall.sell(provider, version_id, minor, buyer.participant_id)
    ask = asked(version_id, market=MARKET)
    assert market.done(await bench.post(provider, PATH, ask), 201)["status"] == "estimated"
    assert provider.participant_id and buyer.participant_id
    await bench.announce(AffiliationDeclared(buyer.participant_id, provider.participant_id))
    assert market.done(await bench.post(provider, PATH, ask), 201)["status"] == "insufficient"
    bench.clock.advance(minutes=1)
    assert refusal(await bench.post(provider, PATH, ask)) == (503, "standing_unknown")


async def bench_buyer(market: Market) -> Person:
    return await market.bench.member("buyer")


INCOME = {"kind": "direct", "basis": "profit", "discount_rate_basis_points": 1, "years": [{"earned": yuan(1)}]}


@pytest.mark.parametrize("change", [
    {"cost": None}, {"market": MARKET}, {"rationale": " "}, {"spread_basis_points": 0}, {"spread_basis_points": 5_001},
    {"maturity": {"level": 6, "evidence_hash": "ab" * 32}}, {"maturity": {"level": 0, "evidence_hash": "ab" * 32}},
    {"cost": {"costs": []}}, {"cost": COST | {"realisation_basis_points": 10_001}},
    {"cost": COST | {"circulation_basis_points": 20_001}},
    {"cost": None, "market": MARKET | {"volume_basis_points": 4_999}},
    {"cost": None, "income": INCOME | {"years": []}}, {"cost": None, "income": INCOME | {"kind": "share"}},
    {"cost": None, "income": INCOME | {"years": [{"earned": yuan(1), "others": yuan(1)}]}},
    {"cost": None, "income": INCOME | {"kind": "excess", "years": [{"earned": yuan(1), "earned_without": yuan(1)}]}},
    {"cost": None, "income": INCOME | {"years": [{"earned": yuan(1)}] * 31}}, {"more": 1},
], ids=range(17))  # fmt: skip
def test_questions_that_are_not_understood(change: dict[str, Any]):
    body = asked(VersionId.new(), cost=COST)
    assert NewValuation.model_validate(body) and NewValuation.model_validate(body | {"cost": None, "income": INCOME})
    with pytest.raises(ValidationError):
        NewValuation.model_validate(body | change)
