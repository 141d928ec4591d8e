"""Public data are free or cost at most what was filed for them, whatever the kind of plan."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.pricing.client import NoSuchPriceCap, PricingClient
from services.pricing.rules.cap import (
    ARTICLE,
    AbovePriceCap,
    CapEndsBeforeItBegins,
    Filing,
    PriceCap,
    PriceCapMissing,
    PublicDataBundled,
    cap_at,
    file,
    require_within,
)
from services.pricing.rules.plan import (
    BUNDLE,
    COVERAGE,
    FREE,
    ONE_OFF,
    SUBSCRIPTION,
    TIERED,
    USAGE,
    Discount,
    Part,
    Plan,
    Terms,
)
from services.pricing.rules.tax import Taxation
from shared.grades import Mode
from shared.ids import ParticipantId, PriceCapId, VersionId
from shared.money import Money
from shared.rest import Peer
from tests.catalog.market import NOTHING_HARMED, Market, refusal
from tests.pricing.made import NOON, a_grid, a_plan, terms, tiers
from tests.support.bench import BenchTokens, Person

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


def a_cap(minor: int = 100, **changes: Any) -> PriceCap:
    filing = Filing(Money(minor), "备案〔2030〕1号", "发展和改革委员会")
    return replace(file(PriceCapId.new(), VersionId.new(), ParticipantId.new(), filing, NOON), **changes)


@pytest.mark.parametrize("told, asked", [
    (terms(ONE_OFF, 101), 101),
    (terms(SUBSCRIPTION, 101, period_days=30), 101),
    (terms(USAGE, 101), 101),
    (terms(TIERED, tiers=tiers((10, 100), (None, 101))), 101),
    (terms(COVERAGE, grid=a_grid([[100, 1]])), 101),
    (terms(ONE_OFF, 112, discounts=(Discount("x", 1_000),)), 101),
    (terms(ONE_OFF, 95, tax=Taxation(inclusive=False)), 101),
])  # fmt: skip
def test_a_price_above_the_cap_is_refused_with_the_article(told: Terms, asked: int):
    with pytest.raises(AbovePriceCap) as refused:
        require_within(a_plan(told), [a_cap()], NOON)
    assert refused.value.facts == {
        "article": "发改价格〔2025〕65号", "cap": Money(100), "asked": Money(asked), "reference": "备案〔2030〕1号",
    }  # fmt: skip
    require_within(a_plan(told), [a_cap(101)], NOON)


def test_without_a_cap_public_data_are_free():
    require_within(a_plan(terms(FREE)), [], NOON)
    with pytest.raises(PriceCapMissing) as refused:
        require_within(a_plan(terms(ONE_OFF, 1)), [], NOON)
    assert refused.value.facts == {"article": ARTICLE, "at": NOON}


def a_bundle() -> Plan:
    version_id = VersionId.new()
    parts = (Part(version_id, Mode.RAW), Part(VersionId.new(), Mode.RAW))
    return a_plan(terms(BUNDLE, 1, parts=parts), version_id)


def test_public_data_are_not_bundled():
    with pytest.raises(PublicDataBundled):
        require_within(a_bundle(), [a_cap()], NOON)


def test_the_cap_filed_last_holds_from_its_moment_until_it_ends():
    first = a_cap(valid_until=NOON + 2 * DAY)
    later = a_cap(filed_at=NOON + TICK, valid_from=NOON + DAY, valid_until=NOON + DAY + TICK)
    both = [later, first]
    moments = [NOON - TICK, NOON, NOON + DAY - TICK, NOON + DAY, NOON + DAY + TICK, NOON + 2 * DAY]
    assert [cap_at(both, moment) for moment in moments] == [None, first, first, later, first, None]
    assert cap_at([a_cap(valid_until=None)], NOON + 999 * DAY) is not None


@pytest.mark.parametrize("begins, ends, is_taken", [
    (None, None, True), (None, NOON, False), (None, NOON + TICK, True), (NOON + DAY, NOON + DAY, False),
    (NOON + DAY, NOON + DAY + TICK, True), (NOON - DAY, NOON, False), (NOON - DAY, NOON + TICK, True),
])  # fmt: skip
def test_a_filing_ends_after_it_begins_and_is_not_over(begins: Any, ends: Any, is_taken: bool):
    filing = Filing(Money(1), "备案", "发改委", begins, ends)
    if not is_taken:
        with pytest.raises(CapEndsBeforeItBegins):
            file(PriceCapId.new(), VersionId.new(), ParticipantId.new(), filing, NOON)
        return
    cap = file(PriceCapId.new(), VersionId.new(), ParticipantId.new(), filing, NOON)
    assert (cap.valid_from, cap.valid_until, cap.filed_at) == (begins or NOON, ends, NOON)


# Over HTTP


async def public_version(market: Market, provider: Person) -> str:
    """A registered version of public data."""
    return await made_public(market, provider, await market.drafted(provider))


async def made_public(market: Market, provider: Person, asset: dict[str, Any]) -> str:
    """A draft registered as public data."""
    version_id = asset["versions"][0]["id"]
    await market.inspected(version_id)
    await market.graded(provider, version_id, NOTHING_HARMED, "public_data")
    await market.declared(provider, asset["id"], personal_information_basis="合成数据")
    asset = market.done(await market.bench.post(provider, f"/catalog/v1/assets/{asset['id']}/submit"))
    while asset["state"] != "registered":
        yes = {"grade": asset["versions"][-1]["grade"], "note": "已复核"}
        path = f"/catalog/v1/assets/{asset['id']}/register"
        asset = market.done(await market.bench.post(market.bench.staff("operator_business"), path, yes))
    return version_id


async def priced(market: Market, provider: Person, version_id: str, kind: str, minor: int):  # noqa: ANN201
    plan = {"version_id": version_id, "mode": "raw", "kind": kind, "price": {"minor": minor, "currency": "CNY"}}
    return await market.bench.post(provider, "/pricing/v1/plans", plan)


def filed(version_id: str, minor: int, **more: Any) -> dict[str, Any]:
    return {
        "version_id": version_id, "cap": {"minor": minor, "currency": "CNY"}, "reference": "备案〔2030〕1号",
        "authority": "发展和改革委员会",
    } | more  # fmt: skip


async def test_public_data_are_priced_and_quoted_at_most_at_the_cap(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    version_id = await public_version(market, provider)
    missing = await priced(market, provider, version_id, "one_off", 100)
    assert refusal(missing) == (409, "price_cap_missing") and missing.json()["article"] == "发改价格〔2025〕65号"
    answer = await bench.post(provider, "/pricing/v1/price-caps", filed(version_id, 100))
    cap = market.done(answer, 201)
    assert (await bench.get(buyer, answer.headers["Location"])).json() == cap
    assert (await bench.get(buyer, f"/pricing/v1/price-caps?version_id={version_id}")).json()["items"] == [cap]
    above = await priced(market, provider, version_id, "one_off", 101)
    assert refusal(above) == (409, "above_price_cap") and above.json()["cap"]["minor"] == 100
    plan = market.done(await priced(market, provider, version_id, "one_off", 100), 201)
    dearer = {"kind": "one_off", "price": {"minor": 101, "currency": "CNY"}}
    again = await bench.post(provider, f"/pricing/v1/plans/{plan['id']}/revisions", dearer)
    assert refusal(again) == (409, "above_price_cap")
    quote = market.done(await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": plan["id"]}), 201)
    market.done(await bench.post(provider, "/pricing/v1/price-caps", filed(version_id, 99)), 201)
    for path, body in (
        ("/pricing/v1/quotes", {"plan_id": plan["id"]}),
        (f"/pricing/v1/quotes/{quote['id']}/renew", None),
    ):
        assert refusal(await bench.post(buyer, path, body)) == (409, "above_price_cap")
    assert (await market.bench.cores["pricing"].feed.after({}))[0].act == "pricing.price_cap_filed"


async def test_a_cap_is_filed_for_public_data_of_ones_own_alone(market: Market):
    bench, provider, other = market.bench, await market.provider(), await market.provider()
    version_id = await public_version(market, provider)
    foreign = await bench.post(other, "/pricing/v1/price-caps", filed(version_id, 100))
    assert refusal(foreign) == (404, "no_such_version")
    private = (await market.registered(provider))["versions"][0]["id"]
    assert refusal(await bench.post(provider, "/pricing/v1/price-caps", filed(private, 1))) == (409, "not_public_data")
    over = filed(version_id, 1, valid_until="2030-01-01T00:00:00Z")
    assert refusal(await bench.post(provider, "/pricing/v1/price-caps", over)) == (422, "cap_ends_before_it_begins")
    assert refusal(await bench.get(other, f"/pricing/v1/price-caps/{PriceCapId.new()}")) == (404, "no_such_price_cap")


async def test_trading_reads_the_cap_that_holds(market: Market):
    bench, provider = market.bench, await market.provider()
    version_id = VersionId(await public_version(market, provider))
    trading = PricingClient(Peer(bench.directory, "pricing", BenchTokens("trading", bench.clock)))
    with pytest.raises(NoSuchPriceCap):
        await trading.price_cap(version_id)
    later = filed(version_id, 50, valid_from="2030-01-02T00:00:00Z")
    for filing in (filed(version_id, 100), later):
        market.done(await bench.post(provider, "/pricing/v1/price-caps", filing), 201)
    assert (await trading.price_cap(version_id)).cap == Money(100)
    bench.clock.advance(days=1)
    assert (await trading.price_cap(version_id)).cap == Money(50)
