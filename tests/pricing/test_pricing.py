"""Journeys from a price to a quote, over HTTP, with the real catalogue behind."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from services.pricing.client import NoSuchQuote, PricingClient
from services.pricing.schemas.plans import NewPlan
from shared.access import Caller, Member
from shared.grades import C1, C2, C3
from shared.ids import PlanId, QuoteId, VersionId
from shared.money import Money
from shared.rest import Peer
from shared.standing import Standing
from tests.catalog.market import PERSONS, Market, harm, refusal
from tests.support.bench import BenchTokens, Person


def asked(version_id: str, minor: int = 100_000, *discounts: int, **more: Any) -> dict[str, Any]:
    off = [{"description": f"{points} off", "basis_points": points} for points in discounts]
    price = {"minor": minor, "currency": "CNY"}
    return {"version_id": version_id, "mode": "raw", "kind": "one_off", "price": price, "discounts": off} | more


async def a_version(market: Market, provider: Person, **options: Any) -> str:
    return (await market.registered(provider, **options))["versions"][0]["id"]


async def a_plan(market: Market, provider: Person, version_id: str, *discounts: int, **more: Any) -> dict[str, Any]:
    plan = asked(version_id, 100_000, *discounts, **more)
    return market.done(await market.bench.post(provider, "/pricing/v1/plans", plan), 201)


async def acts(market: Market) -> list[str]:
    return [change.act for change in await market.bench.cores["pricing"].feed.after({})]


async def test_a_price_becomes_a_quote_that_both_sides_see_and_nobody_else(market: Market):
    bench, provider = market.bench, await market.provider()
    buyer, stranger = await bench.member("buyer"), await bench.member("buyer")
    version_id = await a_version(market, provider)
    published = await bench.post(provider, "/pricing/v1/plans", asked(version_id, 123_457, 1_000, 333))
    plan = market.done(published, 201)
    assert published.headers["Location"] == f"/pricing/v1/plans/{plan['id']}"
    assert (plan["revision"], plan["supersedes"], plan["valid_from"]) == (1, None, "2030-01-01T00:00:00Z")

    given = await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]})
    quote = market.done(given, 201)
    assert [line["amount"]["minor"] for line in quote["lines"]] == [123_457, -12_346, -4_111]
    assert quote["total"] == {"minor": 107_000, "currency": "CNY"}
    assert (quote["version"], quote["plan_revision"], quote["expires_at"]) == (1, 1, "2030-01-02T00:00:00Z")

    path = given.headers["Location"]
    for party in (buyer, provider):
        assert (await bench.get(party, path)).json() == quote
    assert refusal(await bench.get(stranger, path)) == (404, "no_such_quote")
    assert refusal(await bench.get(None, path)) == (401, "unauthenticated")
    assert refusal(await bench.get(bench.staff("operator_business"), path)) == (403, "not_your_role")
    assert await acts(market) == ["pricing.plan_published", "pricing.quote_given"]


async def test_a_revision_follows_and_earlier_quotes_stand(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    plan = await a_plan(market, provider, await a_version(market, provider))
    path, ask = f"/pricing/v1/plans/{plan['id']}", {"plan_id": plan["id"]}
    before = market.done(await bench.post(buyer, "/pricing/v1/quotes", ask), 201)
    terms = {
        "kind": "one_off",
        "price": {"minor": 50_000, "currency": "CNY"},
        "valid_from": "2030-01-02T08:00:00+08:00",
    }
    revised = market.done(await bench.post(provider, f"{path}/revisions", terms), 201)
    assert (revised["id"], revised["revision"], revised["supersedes"]) == (plan["id"], 2, 1)
    assert revised["valid_from"] == "2030-01-02T00:00:00Z"
    assert (await bench.get(buyer, path)).json() == plan  # the second has not begun

    bench.clock.advance(days=1)
    await bench.refresh()
    assert (await bench.get(buyer, path)).json() == revised
    after = market.done(await bench.post(buyer, "/pricing/v1/quotes", ask), 201)
    assert (after["plan_revision"], after["total"]["minor"]) == (2, 50_000)
    assert (await bench.get(buyer, f"/pricing/v1/quotes/{before['id']}")).json() == before
    other = await market.provider()
    assert refusal(await bench.post(other, f"{path}/revisions", terms)) == (404, "no_such_plan")


async def test_what_is_free_is_quoted_at_nothing_and_recorded(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    free = asked(await a_version(market, provider), 0, kind="free")
    plan = market.done(await bench.post(provider, "/pricing/v1/plans", free), 201)
    quote = market.done(await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]}), 201)
    assert quote["total"]["minor"] == 0
    assert (await acts(market))[-1] == "pricing.quote_given"


@pytest.mark.parametrize("change", [
    {"price": {"minor": -1, "currency": "CNY"}}, {"price": {"minor": 1.5, "currency": "CNY"}},
    {"price": {"minor": "1", "currency": "CNY"}}, {"price": {"minor": 1, "currency": "USD"}},
    {"price": {"minor": 10**15 + 1, "currency": "CNY"}}, {"price": {"minor": True, "currency": "CNY"}},
    {"valid_from": 1_893_456_000}, {"valid_from": "2030-01-02T00:00:00"}, {"valid_from": "tomorrow"},
    {"discounts": [{"description": "x", "basis_points": 0}]}, {"discounts": [{"description": " ", "basis_points": 1}]},
    {"discounts": [{"description": "x", "basis_points": 10_001}]}, {"mode": "telepathy"}, {"kind": "rental"},
    {"more": 1},
])  # fmt: skip
def test_plans_that_are_not_understood(change: dict[str, Any]):
    body = asked(VersionId.new())
    assert NewPlan.model_validate(body)
    with pytest.raises(ValidationError):
        NewPlan.model_validate(body | change)


async def test_plans_that_are_not_taken(market: Market):
    provider = await market.provider()
    version_id = (await market.drafted(provider))["versions"][0]["id"]

    async def answer(**change: Any) -> tuple[int, str]:
        return refusal(await market.bench.post(provider, "/pricing/v1/plans", asked(version_id, **change)))

    assert await answer(price={"minor": 0, "currency": "CNY"}) == (422, "price_missing")
    assert await answer(kind="free") == (422, "free_plan_has_price")
    assert await answer(valid_until="2030-01-01T00:00:00Z") == (422, "ends_before_it_begins")
    assert await answer(valid_from="2029-12-31T23:59:59Z") == (409, "begins_in_the_past")
    assert await answer(mode="telepathy") == (422, "malformed")
    assert await acts(market) == []


async def test_only_ones_own_version_is_priced(market: Market):
    provider, other = await market.provider(), await market.provider()
    version_id = await a_version(market, provider)
    for plan in (asked(version_id), asked(VersionId.new())):
        assert refusal(await market.bench.post(other, "/pricing/v1/plans", plan)) == (404, "no_such_version")
    buyer = await market.bench.member("buyer")
    assert refusal(await market.bench.post(buyer, "/pricing/v1/plans", asked(version_id))) == (403, "not_your_role")


async def test_prices_of_what_is_hidden_are_hidden_too(market: Market):
    bench, provider = market.bench, await market.provider()
    low, high = await bench.member("buyer", clearance=C2), await bench.member("buyer", clearance=C3)
    asset = await market.registered(provider, impacts=harm("economy", "ordinary"))
    version_id = asset["versions"][0]["id"]
    plan = await a_plan(market, provider, version_id, mode="compute")
    path, listed, ask = f"/pricing/v1/plans/{plan['id']}", "/pricing/v1/plans", {"plan_id": plan["id"]}
    assert refusal(await bench.get(low, path)) == (404, "no_such_plan")
    assert refusal(await bench.get(low, listed, params={"version_id": version_id})) == (404, "no_such_version")
    assert refusal(await bench.post(low, "/pricing/v1/quotes", ask)) == (404, "no_such_plan")
    assert refusal(await bench.get(bench.staff("operator_business"), path)) == (404, "no_such_plan")
    for person in (high, provider, await market.officer(asset["id"], "G4")):
        assert (await bench.get(person, path)).json() == plan
        found = await bench.get(person, listed, params={"version_id": version_id})
        assert found.json()["items"] == [plan]
    market.done(await bench.post(high, "/pricing/v1/quotes", ask), 201)


async def test_what_is_not_registered_is_not_quoted(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    asset = await market.drafted(provider)
    plan = await a_plan(market, provider, asset["versions"][0]["id"])
    ask = {"plan_id": plan["id"]}
    assert refusal(await bench.post(buyer, "/pricing/v1/quotes", ask)) == (404, "no_such_plan")
    both = Person(provider.subject, frozenset({"buyer", "provider"}), provider.participant_id)
    assert refusal(await bench.post(both, "/pricing/v1/quotes", ask)) == (403, "not_your_role")
    registered = await market.registered(provider)
    sold = await a_plan(market, provider, registered["versions"][0]["id"])
    market.done(await bench.post(provider, f"/catalog/v1/assets/{registered['id']}/withdraw"))
    answer = await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": sold["id"]})
    assert refusal(answer) == (409, "version_not_offered") and answer.json()["state"] == "withdrawn"
    again = await bench.post(provider, "/pricing/v1/plans", asked(sold["version_id"]))
    assert refusal(again) == (409, "version_not_offered")
    assert refusal(await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": PlanId.new()})) == (404, "no_such_plan")


async def test_a_plan_that_is_over_or_has_not_begun_quotes_nothing(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    version_id = await a_version(market, provider)
    period = {"valid_from": "2030-01-02T00:00:00Z", "valid_until": "2030-01-03T00:00:00Z"}
    ask = {"plan_id": (await a_plan(market, provider, version_id, **period))["id"]}
    early = await bench.post(buyer, "/pricing/v1/quotes", ask)
    assert refusal(early) == (409, "plan_not_in_force") and early.json()["valid_from"] == period["valid_from"]
    bench.clock.advance(days=1)
    market.done(await bench.post(buyer, "/pricing/v1/quotes", ask), 201)
    bench.clock.advance(days=1)
    assert refusal(await bench.post(buyer, "/pricing/v1/quotes", ask)) == (409, "plan_not_in_force")


async def test_with_standing_unknown_sensitive_data_are_not_quoted(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer", clearance=C1)
    open_plan = await a_plan(market, provider, await a_version(market, provider))
    persons = (await market.registered(provider, *PERSONS))["versions"][0]["id"]
    plan = await a_plan(market, provider, persons, mode="desensitised")
    market.done(await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]}), 201)
    bench.clock.advance(minutes=1)
    stale = await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]})
    assert refusal(stale) == (503, "standing_unknown")
    market.done(await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": open_plan["id"]}), 201)


async def test_a_quote_that_is_asked_for_twice_is_given_once_even_if_the_asset_is_withdrawn_meanwhile(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    asset = await market.registered(provider)
    plan, key = await a_plan(market, provider, asset["versions"][0]["id"]), uuid4().hex
    first = await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]}, key=key)
    await bench.post(provider, f"/catalog/v1/assets/{asset['id']}/withdraw")
    assert (await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]}, key=key)).json() == first.json()
    assert (await acts(market)).count("pricing.quote_given") == 1


async def test_revisions_that_are_published_at_once_are_numbered_without_gap_or_repeat(market: Market):
    provider = await market.provider()
    plan = await a_plan(market, provider, await a_version(market, provider))
    path = f"/pricing/v1/plans/{plan['id']}/revisions"
    terms = {"kind": "one_off", "price": {"minor": 7, "currency": "CNY"}}
    answers = await asyncio.gather(*(market.bench.post(provider, path, terms) for _ in range(8)))
    published = sorted(answer.json()["revision"] for answer in answers if answer.status_code == 201)
    assert published == list(range(2, len(published) + 2)) and published
    refused = [refusal(answer) for answer in answers if answer.status_code != 201]
    assert set(refused) <= {(409, "revised_meanwhile")}
    assert (await acts(market)).count("pricing.plan_revised") == len(published)


async def test_plans_are_listed_newest_first_in_pages(market: Market):
    bench, provider = market.bench, await market.provider()
    version_id = await a_version(market, provider)
    made = [(await a_plan(market, provider, version_id))["id"] for _ in range(3)]
    terms = {"kind": "one_off", "price": {"minor": 7, "currency": "CNY"}}
    await bench.post(provider, f"/pricing/v1/plans/{made[0]}/revisions", terms)
    query = {"version_id": version_id, "limit": 2}
    first = (await bench.get(provider, "/pricing/v1/plans", params=query)).json()
    rest = (await bench.get(provider, "/pricing/v1/plans", params=query | {"cursor": first["next_cursor"]})).json()
    assert [plan["id"] for plan in first["items"] + rest["items"]] == made[::-1]
    assert (rest["items"][0]["revision"], rest["items"][0]["price"]["minor"], rest["next_cursor"]) == (2, 7, None)


async def test_trading_reads_a_quote_for_its_buyer_and_the_fee_schedule(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    plan = await a_plan(market, provider, await a_version(market, provider), 1_000)
    quote = market.done(await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]}), 201)
    trading = PricingClient(Peer(bench.directory, "pricing", BenchTokens("trading", bench.clock)))
    quote_id = QuoteId(quote["id"])
    assert (await trading.quote(quote_id, _member(market, buyer))).total == Money(90_000)
    for acting_for in (None, _member(market, await bench.member("buyer"))):
        with pytest.raises(NoSuchQuote):
            await trading.quote(quote_id, acting_for)
    with pytest.raises(NoSuchQuote):
        await trading.quote(QuoteId.new())
    schedule = await trading.fee_schedule()
    assert (schedule.provider_fee_basis_points, schedule.tax_basis_points) == (250, 600)
    assert (await bench.get(None, "/pricing/v1/fee-schedules/current")).json()["id"] == schedule.id
    rates = {str(each.category): (each.id, each.basis_points) for each in await trading.tax_rates()}
    assert rates["general"] == ("vat_general_2026_01", 600) and rates["exempt"][1] == 0 and len(rates) == 3
    assert [each["id"] for each in (await bench.get(None, "/pricing/v1/tax-rates")).json()] == [
        each.id for each in await trading.tax_rates()
    ]
    [published] = (await bench.get(None, "/pricing/v1/fee-schedules")).json()["items"]
    assert (published["id"], published["published_at"]) == (schedule.id, "2025-12-01T00:00:00Z")


def _member(market: Market, person: Person) -> Member:
    assert person.participant_id
    caller = Caller(person.subject, "user", person.roles, person.participant_id, token=market.bench.token(person))
    return Member(caller, Standing(person.participant_id, "admitted"))
