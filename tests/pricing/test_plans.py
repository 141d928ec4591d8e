"""Kinds of plan, tiers, bundles, coverage and tax, over HTTP, with the real catalogue behind."""

import asyncio
from typing import Any

import pytest

from services.pricing.rules.price import Ask
from services.pricing.schemas.quotes import NewQuote
from shared.ids import ListingId, OrderId, PlanId, VersionId
from tests.catalog.market import Market, a_field, refusal
from tests.pricing.test_trades import Counter, EntitlementGranted, OrderEnded, OrderPlaced
from tests.support.bench import Person

GOLDEN = [
    {"up_to": 100, "unit_price": {"minor": 10, "currency": "CNY"}},
    {"up_to": 200, "unit_price": {"minor": 8, "currency": "CNY"}},
    {"unit_price": {"minor": 5, "currency": "CNY"}},
]
WEIGHTS = (("2028", "who", 100), ("2028", "what", 200), ("2029", "who", 300), ("2029", "what", 400))
COVERAGE: dict[str, Any] = {
    "kind": "coverage",
    "column_groups": [{"name": "who", "columns": ["code"]}, {"name": "what", "columns": ["city", "income"]}],
    "atoms": [{"row_block": one, "column_group": group, "weight_minor": weight} for one, group, weight in WEIGHTS],
}


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


async def a_version(market: Market, provider: Person) -> str:
    fields = [a_field(name) for name in ("code", "city", "income")]
    return (await market.registered(provider, *fields))["versions"][0]["id"]


async def publish(market: Market, provider: Person, version_id: str, kind: str, minor: int | None = None, **more: Any):  # noqa: ANN201
    price = {} if minor is None else {"price": yuan(minor)}
    plan = {"version_id": version_id, "mode": "raw", "kind": kind} | price | more
    return await market.bench.post(provider, "/pricing/v1/plans", plan)


async def quote(market: Market, buyer: Person, plan: dict[str, Any], **ask: Any) -> dict[str, Any]:
    return market.done(await market.bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"], **ask}), 201)


async def test_tiers_are_quoted_by_the_golden_table_and_all_units_are_refused_with_the_reason(market: Market):
    provider, buyer = await market.provider(), await market.bench.member("buyer")
    version_id = await a_version(market, provider)
    plan = market.done(await publish(market, provider, version_id, "tiered", tiers=GOLDEN), 201)
    assert plan["price"] == yuan(10)
    assert plan["tiers"] == [GOLDEN[0], GOLDEN[1], {"up_to": None} | GOLDEN[2]]
    for quantity, minor in ((100, 1000), (101, 1008), (250, 2050)):
        given = await quote(market, buyer, plan, quantity=quantity)
        assert (given["total"], given["quantity"], given["quota_uses"]) == (yuan(minor), quantity, quantity)
        assert sum(line["amount"]["minor"] for line in given["lines"]) == minor
    measured = await quote(market, buyer, plan, quantity=250, metered=True)
    assert (measured["total"], measured["meter"]["units_max"]) == (yuan(2050), 250)
    assert measured["meter"]["tiers"] == plan["tiers"]
    answer = await publish(market, provider, version_id, "tiered", tiers=GOLDEN, tiering="all_units")
    assert refusal(answer) == (422, "all_units_tiers")
    told = answer.json()
    assert (told["units"], told["cost_minor"], told["fewer_units"], told["fewer_cost_minor"]) == (101, 808, 100, 1000)
    nothing = await market.bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]})
    assert refusal(nothing) == (422, "ask_does_not_fit")


async def test_a_subscription_is_quoted_by_periods_and_days_with_its_tax(market: Market):
    provider, buyer = await market.provider(), await market.bench.member("buyer")
    told = {"period_days": 30, "tax": {"inclusive": False}}
    version_id = await a_version(market, provider)
    plan = market.done(await publish(market, provider, version_id, "subscription", 1_000, **told), 201)
    given = await quote(market, buyer, plan, periods=2, days=10)
    assert [line["amount"]["minor"] for line in given["lines"]] == [2_000, 340, 140]
    assert given["tax"] == {
        "net": yuan(2_340), "tax": yuan(140), "gross": yuan(2_480), "rate_id": "vat_general_2026_01",
        "basis_points": 600,
    }  # fmt: skip
    assert (given["total"], given["period_days"], given["quota_uses"]) == (yuan(2_480), 70, None)
    assert (await market.bench.get(buyer, f"/pricing/v1/quotes/{given['id']}")).json() == given


async def test_a_plan_that_lets_something_be_had_for_less_is_refused_and_every_way_is_named(market: Market):
    provider = await market.provider()
    version_id = await a_version(market, provider)
    raw = market.done(await publish(market, provider, version_id, "one_off", 1_000), 201)
    finer = [raw["id"]]
    for mode in ("desensitised", "compute"):
        answer = await publish(market, provider, version_id, "one_off", 1_001, mode=mode)
        assert refusal(answer) == (409, "arbitrage_possible")
        told = answer.json()["violations"]
        assert [one["plans"][1] for one in told] == finer
        assert all(
            (one["kind"], one["asked"], one["possible"]) == ("coarser_above_finer", yuan(1_001), yuan(1_000))
            for one in told
        )
        other = market.done(await publish(market, provider, version_id, "one_off", 1_000, mode=mode), 201)
        finer.append(other["id"])
    cheaper = {"kind": "one_off", "price": yuan(999)}
    answer = await market.bench.post(provider, f"/pricing/v1/plans/{raw['id']}/revisions", cheaper)
    assert refusal(answer) == (409, "arbitrage_possible")
    assert [one["kind"] for one in answer.json()["violations"]] == ["coarser_above_finer"] * 2
    assert (await market.bench.get(provider, f"/pricing/v1/plans/{raw['id']}")).json() == raw
    other = await market.provider()
    market.done(await publish(market, other, await a_version(market, other), "one_off", 5), 201)


async def test_two_plans_that_only_together_would_pay_are_not_both_published_at_once(market: Market):
    provider = await market.provider()
    version_id = await a_version(market, provider)
    answers = await asyncio.gather(
        publish(market, provider, version_id, "one_off", 1_000),
        publish(market, provider, version_id, "one_off", 1_001, mode="compute"),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_a_bundle_is_of_ones_own_and_costs_at_most_its_parts(market: Market):
    provider, other = await market.provider(), await market.provider()
    one, two, foreign = [await a_version(market, owner) for owner in (provider, provider, other)]
    for version_id in (one, two):
        market.done(await publish(market, provider, version_id, "one_off", 600), 201)

    async def bundle(minor: int, *version_ids: str):  # noqa: ANN202
        parts = [{"version_id": version_id, "mode": "raw"} for version_id in version_ids]
        return await publish(market, provider, one, "bundle", minor, parts=parts)

    assert refusal(await bundle(1_000, one, foreign)) == (404, "no_such_version")
    assert refusal(await bundle(1_000, one, VersionId.new())) == (404, "no_such_version")
    dear = await bundle(1_201, one, two)
    assert refusal(dear) == (409, "arbitrage_possible")
    assert [one["kind"] for one in dear.json()["violations"]] == ["bundle_above_parts"]
    assert (await bundle(599, one, two)).json()["violations"][0]["kind"] == "part_above_bundle"
    plan = market.done(await bundle(1_200, one, two), 201)
    assert [part["version_id"] for part in plan["parts"]] == [one, two]
    given = await quote(market, await market.bench.member("buyer"), plan)
    assert (given["is_bundle"], given["total"]) == (True, yuan(1_200))


@pytest.mark.parametrize("change, code", [
    ({"period_days": 30}, "plan_incomplete"), ({"atoms": COVERAGE["atoms"][:3]}, "grid_incomplete"),
    ({"column_groups": [{"name": "who", "columns": ["code", "age"]}, COVERAGE["column_groups"][1]]}, "unknown_column"),
    ({"tax": {"inclusive": False}}, "coverage_kept_whole"),
    ({"price": {"minor": 1, "currency": "CNY"}}, "price_differs"),
])  # fmt: skip
async def test_a_grid_that_is_not_taken(market: Market, change: dict[str, Any], code: str):
    provider = await market.provider()
    answer = await publish(market, provider, await a_version(market, provider), **(COVERAGE | change))
    assert refusal(answer) == (422, code)


class Queries:
    """A buyer of queries, whose orders a test tells of."""

    def __init__(self, market: Market, counter: Counter, buyer: Person, plan: dict[str, Any]) -> None:
        self.market, self.counter, self.buyer, self.plan = market, counter, buyer, plan

    async def ask(self, *columns: str, **rows: Any) -> dict[str, Any]:
        return await quote(self.market, self.buyer, self.plan, columns=list(columns), **rows)

    async def pay(self, given: dict[str, Any]) -> OrderPlaced:
        made: Any = given
        order = OrderPlaced(
            OrderId.new(), ListingId.new(), made["version_id"], made["mode"], exclusive=False,
            buyer_id=made["buyer_id"], provider_id=made["provider_id"], amount=given["total"], quote_id=made["id"],
        )  # fmt: skip
        await self.counter.tell(order, EntitlementGranted(order.order_id))
        await self.market.bench.refresh()
        return order

    async def renew(self, given: dict[str, Any]):  # noqa: ANN202
        return await self.market.bench.post(self.buyer, f"/pricing/v1/quotes/{given['id']}/renew")


@pytest.fixture
async def queries(market: Market) -> Queries:
    provider = await market.provider()
    plan = market.done(await publish(market, provider, await a_version(market, provider), **COVERAGE), 201)
    return Queries(market, Counter(market), await market.bench.member("buyer"), plan)


async def test_a_query_costs_the_atoms_that_its_buyer_has_not_paid_for(queries: Queries):
    market = queries.market
    assert queries.plan["price"] == yuan(1_000)
    grid = (await market.bench.get(queries.buyer, f"/pricing/v1/plans/{queries.plan['id']}/grid")).json()
    assert (grid["digest"], grid["atoms"]) == (queries.plan["grid_digest"], COVERAGE["atoms"])
    first = await queries.ask("code", row_blocks=["2029"])
    assert (first["total"], first["covers"]) == (yuan(300), [{"row_block": "2029", "columns": ["code"]}])
    assert (await queries.ask("code"))["total"] == yuan(400)
    assert (await queries.ask("income", row_blocks=["1999"]))["total"] == yuan(600)  # which rows is not known: all
    order = await queries.pay(first)
    assert (await queries.ask("code"))["total"] == yuan(100)
    assert (await queries.ask("code", row_blocks=["2029"]))["total"] == yuan(0)
    all_of_it = await queries.ask("code", "city")
    assert all_of_it["total"] == yuan(700)
    assert sum(given["total"]["minor"] for given in (first, all_of_it)) == queries.plan["price"]["minor"]
    other = Queries(market, queries.counter, await market.bench.member("buyer"), queries.plan)
    assert (await other.ask("code"))["total"] == yuan(400)
    await queries.counter.tell(OrderEnded(order.order_id))  # refunded: it is theirs no longer
    await market.bench.refresh()
    assert (await queries.ask("code"))["total"] == yuan(400)


async def test_columns_that_are_not_there_and_asks_that_do_not_fit_are_refused(queries: Queries):
    post, plan_id = queries.market.bench.post, queries.plan["id"]
    unknown = await post(queries.buyer, "/pricing/v1/quotes", {"plan_id": plan_id, "columns": ["age"]})
    assert refusal(unknown) == (422, "unknown_column") and unknown.json()["known"] == ["city", "code", "income"]
    assert refusal(await post(queries.buyer, "/pricing/v1/quotes", {"plan_id": plan_id})) == (422, "ask_does_not_fit")
    one_off = await a_one_off(queries.market)
    answer = await queries.market.bench.get(queries.buyer, f"/pricing/v1/plans/{one_off['id']}/grid")
    assert refusal(answer) == (404, "no_such_grid")


async def a_one_off(market: Market) -> dict[str, Any]:
    provider = await market.provider()
    return market.done(await publish(market, provider, await a_version(market, provider), "one_off", 7), 201)


async def test_once_something_of_it_was_paid_for_a_quote_is_given_anew_in_its_next_version(queries: Queries):
    market = queries.market
    first, second = await queries.ask("code"), await queries.ask("code", "city", row_blocks=["2029"])
    assert market.done(await queries.renew(second)) == second  # nothing has changed
    order = await queries.pay(first)
    assert (await market.bench.get(queries.buyer, f"/pricing/v1/quotes/{second['id']}")).json() == second
    anew = market.done(await queries.renew(second))
    assert (anew["id"], anew["version"], anew["total"]) == (second["id"], 2, yuan(400))
    assert (await market.bench.get(queries.buyer, f"/pricing/v1/quotes/{second['id']}")).json() == anew
    taken = await queries.renew(first)
    assert refusal(taken) == (409, "quote_ordered") and taken.json()["quote_id"] == order.quote_id
    stranger = await market.bench.member("buyer")
    answer = await market.bench.post(stranger, f"/pricing/v1/quotes/{second['id']}/renew")
    assert refusal(answer) == (404, "no_such_quote")


async def test_a_quote_that_is_over_is_given_anew(queries: Queries):
    given = await queries.ask("code")
    queries.market.bench.clock.advance(days=1)
    await queries.market.bench.refresh()
    anew = queries.market.done(await queries.renew(given))
    assert (anew["version"], anew["total"]) == (2, given["total"])


async def test_quotes_that_charge_for_the_same_are_told_to_trading(queries: Queries):
    bench = queries.market.bench
    first, second = await queries.ask("code"), await queries.ask("code", "city", row_blocks=["2029"])
    apart = await queries.ask("city", row_blocks=["2028"])
    other = Queries(queries.market, queries.counter, await bench.member("buyer"), queries.plan)
    await other.ask("code")

    async def overlapping(given: dict[str, Any]) -> list[str]:
        path = f"/pricing/v1/quotes/{given['id']}/overlapping"
        return (await bench.ask_as_service("trading", "GET", path)).json()

    assert await overlapping(first) == [second["id"]]
    assert await overlapping(second) == [first["id"]]
    assert await overlapping(apart) == []
    await queries.pay(first)
    queries.market.done(await queries.renew(second))
    assert await overlapping(second) == []  # what is left of it was never paid for
    path = f"/pricing/v1/quotes/{first['id']}/overlapping"
    assert refusal(await bench.get(queries.buyer, path)) == (401, "invalid_token")
    for whom, status in ((queries.buyer, 200), (other.buyer, 404)):  # never more than whom it acts for may ask
        assert (await bench.ask_as_service("trading", "GET", path, acting_for=whom)).status_code == status


def test_what_is_asked_twice_in_one_query_is_asked_once():
    told = {"plan_id": PlanId.new(), "columns": ["b", "a", "b"], "row_blocks": ["y", "x", "y"]}
    asked = NewQuote.model_validate(told)
    assert asked.ask() == Ask(columns=("a", "b"), row_blocks=("x", "y"))
