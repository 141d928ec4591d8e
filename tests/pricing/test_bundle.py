"""What of a bundle's price falls on each part, and how its quote tells it."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pricing.rules.bundle import PartShare, price_alone, shared_out
from services.pricing.rules.plan import BUNDLE, COVERAGE, FREE, ONE_OFF, SUBSCRIPTION, USAGE, Discount, Part, Plan
from services.pricing.rules.quote import quote, renewed
from services.pricing.rules.tax import Taxation, Taxed
from shared.grades import Mode
from shared.ids import ParticipantId, QuoteId, VersionId
from shared.money import Money
from tests.catalog.market import Market, refusal
from tests.pricing.made import NOON, a_grid, a_plan, terms
from tests.pricing.test_caps import made_public
from tests.support.bench import Person

ONE, TWO, THREE = [Part(VersionId.new(), Mode.RAW) for _ in range(3)]
PARTS = (ONE, TWO, THREE)


def taxed(gross: int, tax: int = 0) -> Taxed:
    return Taxed(Money(gross - tax), Money(tax), Money(gross), "vat", 600)


def minor(shares: tuple[PartShare, ...]) -> list[tuple[int, int]]:
    return [(each.share.minor, each.tax.minor) for each in shares]


def prices(*told: int | None) -> list[Money | None]:
    return [None if each is None else Money(each) for each in told]


@pytest.mark.parametrize("gross, tax, alone, expected", [
    (100, 6,     (100, 100, 100),   [(34, 2), (33, 2), (33, 2)]),
    (1001, 57,   (70, 25, 5),       [(701, 40), (250, 14), (50, 3)]),  # market-rules B3
    (180, 10,    (100, 100, 0),     [(90, 5), (90, 5), (0, 0)]),       # what is free alone bears nothing
    (180, 10,    (100, None, 50),   [(60, 4), (60, 3), (60, 3)]),      # one is not sold alone: all bear alike
    (181, 11,    (None,) * 3,       [(61, 4), (60, 4), (60, 3)]),
    (181, 11,    (0, 0, 0),         [(61, 4), (60, 4), (60, 3)]),
    (1, 1,       (1, 1, 2),         [(0, 0), (0, 0), (1, 1)]),
    (0, 0,       (10, 20, 30),      [(0, 0)] * 3),                     # a discount may take off all of it
    (10**15, 0,  (1, 10**15, 1),    [(1, 0), (999_999_999_999_998, 0), (1, 0)]),
])  # fmt: skip
def test_worked_shares(gross: int, tax: int, alone: tuple[int | None, ...], expected: list[tuple[int, int]]):
    shares = shared_out(PARTS, prices(*alone), taxed(gross, tax))
    assert minor(shares) == expected
    assert [(each.version_id, each.mode) for each in shares] == [(part.version_id, part.mode) for part in PARTS]
    assert [each.alone for each in shares] == prices(*alone)


@given(
    st.lists(st.integers(0, 10**6), min_size=2, max_size=12).filter(any),
    st.integers(0, 10_000), st.integers(0, 1_300),
)  # fmt: skip
def test_shares_make_the_total_and_follow_what_each_part_costs_alone(alone: list[int], part: int, rate: int):
    whole = sum(alone) * part // 10_000
    tax = whole * rate // 10_000
    parts = [Part(VersionId.new(), Mode.RAW) for _ in alone]
    shares = shared_out(parts, prices(*alone), taxed(whole, tax))
    assert (sum(each.share.minor for each in shares), sum(each.tax.minor for each in shares)) == (whole, tax)
    for price, each in zip(alone, shares, strict=True):
        exact = Fraction(whole * price, sum(alone))
        assert abs(each.share.minor - exact) < 1 and each.share.minor <= price, "never dearer than alone"
        assert 0 <= each.tax.minor <= each.share.minor
    for at, price in enumerate(alone):
        dearer = [shares[other].share for other, more in enumerate(alone) if more > price]
        assert all(share >= shares[at].share for share in dearer), "who costs more bears no less"


def sold(part: Part, price: int, **more: Any) -> Plan:
    return a_plan(terms(ONE_OFF, price, **more), part.version_id, part.mode)


def test_a_part_costs_alone_the_least_that_is_asked_for_all_of_it():
    api = Part(ONE.version_id, Mode.API)
    coverage = a_plan(terms(COVERAGE, grid=a_grid([[50, 49]])), api.version_id, Mode.API)
    plans = [
        sold(ONE, 120), sold(ONE, 200, discounts=(Discount("x", 5_000),)), sold(TWO, 1),
        sold(ONE, 100, tax=Taxation(inclusive=False)), coverage,
        a_plan(terms(BUNDLE, 9, parts=(ONE, TWO)), ONE.version_id),
        a_plan(terms(SUBSCRIPTION, 2, period_days=30), ONE.version_id),
        a_plan(terms(USAGE, 3), ONE.version_id),
    ]  # fmt: skip
    assert price_alone(ONE, plans, NOON) == Money(100), "after discounts"
    assert price_alone(ONE, [plans[3]], NOON) == Money(106), "with the tax on top"
    assert price_alone(api, plans, NOON) == Money(99), "by coverage, in full"
    assert price_alone(ONE, plans[5:], NOON) is None, "no price for a time, a use or a bundle is one for the whole"
    assert price_alone(ONE, [*plans, a_plan(terms(FREE), ONE.version_id)], NOON) == Money(0)
    assert price_alone(THREE, plans, NOON) is None


def test_a_quote_is_given_anew_when_what_a_part_costs_alone_has_changed():
    bundle = a_plan(terms(BUNDLE, 150, parts=(ONE, TWO)), ONE.version_id)
    first, dearer = [sold(ONE, 100), sold(TWO, 100)], [sold(ONE, 200), sold(TWO, 100)]
    who, ids = ParticipantId.new(), QuoteId.new()
    before = quote(ids, bundle, who, NOON, beside=first)
    assert [each.share.minor for each in before.parts] == [75, 75]
    later = NOON + timedelta(hours=1)
    assert renewed(before, quote(ids, bundle, who, later, beside=first)) is before
    after = renewed(before, quote(ids, bundle, who, later, beside=dearer))
    assert (after.version, after.total, [each.share.minor for each in after.parts]) == (2, Money(150), [100, 50])
    assert quote(ids, sold(ONE, 1), who, NOON, beside=first).parts == ()


async def published(market: Market, provider: Person, version_id: str, minor: int, **more: Any) -> dict[str, Any]:
    price = {"minor": minor, "currency": "CNY"}
    body = {"version_id": version_id, "mode": "raw", "kind": "one_off", "price": price} | more
    return market.done(await market.bench.post(provider, "/pricing/v1/plans", body), 201)


async def test_the_quote_of_a_bundle_tells_each_part_and_its_share_over_http(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    one, two = [(await market.registered(provider))["versions"][0]["id"] for _ in range(2)]
    parts = [{"version_id": each, "mode": "raw"} for each in (one, two)]
    first, _ = await published(market, provider, one, 70_000), await published(market, provider, two, 30_001)
    bundle = await published(market, provider, one, 80_000, kind="bundle", parts=parts)
    quoted = market.done(await bench.post(buyer, "/pricing/v1/quotes", {"plan_id": bundle["id"]}), 201)
    told = [(each["version_id"], each["alone"]["minor"], each["share"]["minor"]) for each in quoted["parts"]]
    assert told == [(one, 70_000, 55_999), (two, 30_001, 24_001)]
    assert sum(each["tax"]["minor"] for each in quoted["parts"]) == quoted["tax"]["tax"]["minor"] == 4_528
    path = f"/pricing/v1/quotes/{quoted['id']}"
    assert (await bench.get(buyer, path)).json() == quoted
    assert market.done(await bench.post(buyer, f"{path}/renew"), 200) == quoted
    terms = {"kind": "one_off", "price": {"minor": 69_999, "currency": "CNY"}}
    market.done(await bench.post(provider, f"/pricing/v1/plans/{first['id']}/revisions", terms), 201)
    again = market.done(await bench.post(buyer, f"{path}/renew"), 200)
    assert (again["version"], again["total"], again["parts"][0]["share"]["minor"]) == (2, quoted["total"], 55_999)
    facts = [change for change in await bench.cores["pricing"].feed.after({}) if change.act == "pricing.quote_given"]
    assert [each["share"]["minor"] for each in facts[-1].data["parts"]] == [55_999, 24_001]


async def test_a_bundle_whose_part_cannot_be_had_is_not_quoted(market: Market):
    bench, provider, buyer = market.bench, await market.provider(), await market.bench.member("buyer")
    one, other, draft = [await market.registered(provider) for _ in range(2)] + [await market.drafted(provider)]
    asks = list[tuple[str, dict[str, str]]]()
    for each in (other, draft):
        parts = [{"version_id": part["versions"][0]["id"], "mode": "raw"} for part in (one, each)]
        bundle = await published(market, provider, parts[0]["version_id"], 80_000, kind="bundle", parts=parts)
        asks.append(("/pricing/v1/quotes", {"plan_id": bundle["id"]}))
    market.done(await bench.post(buyer, *asks[0]), 201)
    market.done(await bench.post(provider, f"/catalog/v1/assets/{other['id']}/withdraw"), 200)
    assert refusal(await bench.post(buyer, *asks[0])) == (409, "version_not_offered")
    assert refusal(await bench.post(buyer, *asks[1])) == (404, "no_such_plan"), "nobody is shown a draft"
    await made_public(market, provider, draft)
    assert refusal(await bench.post(buyer, *asks[1])) == (409, "public_data_bundled")
