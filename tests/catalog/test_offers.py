"""What trading tells of its listings, as the catalogue finds entries by it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog import jobs
from services.catalog.actions.catalog import Catalog
from services.catalog.app import build
from services.catalog.rules.offer import Asked, price_now
from services.catalog.tables.whole import metadata
from services.pricing.rules.plan import Plan, PlanKind, PlanNotInForce, in_force
from shared.facts import Category, Fact
from shared.grades import C3, Mode
from shared.ids import ListingId, ParticipantId, PlanId, VersionId
from shared.money import Money
from tests.catalog.made import NOON
from tests.catalog.market import Market, harm
from tests.support.bench import Bench, Person, WrittenFeed


@dataclass(frozen=True, slots=True)
class ListingOpened(Fact):
    """As trading tells it."""

    category: ClassVar[Category] = Category.TRADE
    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    pricing: str
    plan_id: PlanId | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True)
class PlanPublished(Fact):
    """As pricing tells it."""

    category: ClassVar[Category] = Category.PRICE
    plan_id: PlanId
    version_id: VersionId
    mode: Mode
    amount: Money
    valid_from: datetime
    valid_until: datetime | None = None
    revision: int = 1


class PlanRevised(PlanPublished):
    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ListingSuspended(Fact):
    category: ClassVar[Category] = Category.TRADE
    listing_id: ListingId
    version_id: VersionId
    revision: int
    state: str = "suspended"


@dataclass(frozen=True, slots=True)
class ListingClosed(Fact):
    category: ClassVar[Category] = Category.TRADE
    listing_id: ListingId
    version_id: VersionId
    revision: int
    state: str = "delisted"


@dataclass(frozen=True, slots=True)
class ListingResumed(Fact):
    category: ClassVar[Category] = Category.TRADE
    listing_id: ListingId
    version_id: VersionId
    revision: int
    state: str = "listed"


class Stall(Market):
    """A catalogue whose trading is a test's word."""

    def __init__(self, bench: Bench, catalog: Catalog, trading: WrittenFeed, pricing: WrittenFeed) -> None:
        super().__init__(bench)
        self.kept, self.trading, self.pricing = catalog, trading, pricing

    async def tell(self, *facts: Fact) -> None:
        self.trading.announce(self.bench.clock, *facts)
        await jobs.tick(self.kept)

    async def ask(self, *facts: Fact) -> None:
        self.pricing.announce(self.bench.clock, *facts)
        await jobs.tick(self.kept)

    async def asked(self, asset: dict[str, Any], mode: Mode, minor: int) -> PlanId:
        plan = PlanId.new()
        await self.ask(PlanPublished(plan, version_of(asset), mode, Money(minor), self.bench.clock.now()))
        return plan

    async def price_of(self, asset: dict[str, Any]) -> int | None:
        items = self.done(await self.bench.get(None, "/catalog/v1/assets", params={"limit": 100}))["items"]
        price = next(item for item in items if item["id"] == asset["id"])["price"]
        return price and price["minor"]

    async def found(self, person: Person | None = None, **query: Any) -> list[str]:
        answer = self.done(await self.bench.get(person, "/catalog/v1/assets", params=query))
        return [item["id"] for item in answer["items"]]


@pytest.fixture
async def stall(bench: Bench):  # noqa: ANN201
    core = await bench.core("catalog", metadata)
    app, trading, pricing = build(core), WrittenFeed("trading"), WrittenFeed("pricing")
    catalog: Catalog = app.state.service
    object.__setattr__(catalog, "trading_feed", trading)
    object.__setattr__(catalog, "pricing_feed", pricing)
    async with bench.serve(catalog=app):
        yield Stall(bench, catalog, trading, pricing)


def version_of(asset: dict[str, Any]) -> VersionId:
    return VersionId(asset["versions"][-1]["id"])


async def test_entries_are_found_counted_and_sorted_by_what_is_on_offer(stall: Stall):
    provider = await stall.provider()
    dear, cheap, auctioned, unlisted = [await stall.registered(provider) for _ in range(4)]
    listings = [ListingId.new() for _ in range(3)]
    asked_of_cheap = await stall.asked(cheap, Mode.DESENSITISED, 5)
    await stall.tell(
        ListingOpened(listings[0], version_of(dear), Mode.RAW, "fixed", await stall.asked(dear, Mode.RAW, 900)),
        ListingOpened(listings[1], version_of(cheap), Mode.DESENSITISED, "fixed", asked_of_cheap),
        ListingOpened(listings[2], version_of(auctioned), Mode.RAW, "auction"),
    )
    assert await stall.found(mode="raw") == [auctioned["id"], dear["id"]]
    assert await stall.found(pricing="fixed") == [cheap["id"], dear["id"]]
    assert await stall.found(mode="raw", pricing="fixed") == [dear["id"]]
    assert await stall.found(sort="price") == [cheap["id"], dear["id"], unlisted["id"], auctioned["id"]]
    told = stall.done(await stall.bench.get(None, "/catalog/v1/assets"))
    assert told["facets"]["mode"] == [{"value": "raw", "count": 2}, {"value": "desensitised", "count": 1}]
    assert told["items"][-1]["offered"] == [{"grade": "G1", "mode": "raw", "pricing": "fixed"}]
    assert told["items"][-1]["price"] == {"minor": 900, "currency": "CNY"}
    await stall.tell(ListingClosed(listings[0], version_of(dear), 2))
    assert await stall.found(pricing="fixed") == [cheap["id"]]
    assert await stall.found(sort="price") == [cheap["id"], unlisted["id"], auctioned["id"], dear["id"]]


async def test_in_whatever_order_its_facts_come_a_listing_ends_as_the_last_of_them_says(stall: Stall):
    provider = await stall.provider()
    for order in permutations(range(3)):
        asset, listing = await stall.registered(provider), ListingId.new()
        version = version_of(asset)
        facts = (
            ListingOpened(listing, version, Mode.RAW, "fixed"), ListingSuspended(listing, version, 2),
            ListingResumed(listing, version, 3),
        )  # fmt: skip
        await stall.tell(*(facts[number] for number in order))
        assert asset["id"] in await stall.found(mode="raw", limit=100), order
        await stall.tell(ListingClosed(listing, version, 4))
        assert asset["id"] not in await stall.found(mode="raw", limit=100), order


async def test_an_offer_of_a_raised_version_is_found_by_those_who_may_still_see_it(stall: Stall):
    bench, provider = stall.bench, await stall.provider()
    asset, high = await stall.registered(provider), await bench.member("buyer", clearance=C3)
    await stall.tell(ListingOpened(ListingId.new(), version_of(asset), Mode.COMPUTE, "fixed"))
    assert await stall.found(mode="compute") == [asset["id"]]
    raised = {"impacts": harm("economy", "ordinary"), "reason": "新证据"}
    path = f"/catalog/v1/versions/{version_of(asset)}/raise-grade"
    stall.done(await bench.post(bench.staff("regulator"), path, raised))
    assert await stall.found(mode="compute") == await stall.found() == []
    assert await stall.found(high, mode="compute", grade="G4") == [asset["id"]]


async def test_news_of_a_version_that_is_not_here_stops_nothing(stall: Stall):
    asset = await stall.registered(await stall.provider())
    await stall.tell(
        ListingOpened(ListingId.new(), VersionId.new(), Mode.RAW, "fixed"),
        ListingOpened(ListingId.new(), version_of(asset), Mode.RAW, "fixed"),
    )
    assert await stall.found(mode="raw") == [asset["id"]]


async def test_the_price_is_what_the_plan_asks_now_whichever_of_the_two_is_told_first(stall: Stall):
    provider, clock = await stall.provider(), stall.bench.clock
    asset, plan, begun = await stall.registered(provider), PlanId.new(), clock.now()
    version, hour = version_of(asset), timedelta(hours=1)
    await stall.tell(ListingOpened(ListingId.new(), version, Mode.RAW, "fixed", plan))
    assert await stall.price_of(asset) is None
    await stall.ask(PlanPublished(plan, version, Mode.RAW, Money(900), begun))
    assert await stall.price_of(asset) == 900
    await stall.ask(PlanRevised(plan, version, Mode.RAW, Money(700), begun + hour, begun + 2 * hour, 2))
    assert await stall.price_of(asset) == 900
    clock.advance(hours=1)
    await jobs.tick(stall.kept)
    assert await stall.price_of(asset) == 700
    clock.advance(hours=1)
    await jobs.tick(stall.kept)
    assert await stall.price_of(asset) is None


async def test_a_plan_of_another_version_or_mode_prices_nothing(stall: Stall):
    """Such an offer cannot be ordered, so a low price would only lure."""
    provider = await stall.provider()
    asset, other = await stall.registered(provider), await stall.registered(provider)
    of_other, of_mode = await stall.asked(other, Mode.RAW, 1), await stall.asked(asset, Mode.COMPUTE, 1)
    for plan in (of_other, of_mode):
        await stall.tell(ListingOpened(ListingId.new(), version_of(asset), Mode.RAW, "fixed", plan))
    assert await stall.price_of(asset) is None
    assert await stall.price_of(other) is None


MOMENTS = st.integers(0, 6).map(lambda hours: NOON + timedelta(hours=hours))


@given(st.lists(st.tuples(MOMENTS, st.none() | MOMENTS), min_size=1, max_size=5), MOMENTS)
def test_a_price_is_the_one_that_pricing_would_quote_until_it_says_that_it_may_change(
    windows: list[tuple[datetime, datetime | None]], now: datetime
):  # fmt: skip
    plan_id, version_id, provider_id = PlanId.new(), VersionId.new(), ParticipantId.new()
    plans = [
        Plan(plan_id, revision, provider_id, version_id, Mode.RAW, PlanKind.ONE_OFF, Money(revision), (), *window)
        for revision, window in enumerate(windows, 1)
    ]
    asked = [
        Asked(plan_id, each.revision, version_id, Mode.RAW, each.price, each.valid_from, each.valid_until)
        for each in plans
    ]

    def quoted(moment: datetime) -> Money | None:
        try:
            return in_force(plans, moment).price
        except PlanNotInForce:
            return None

    price, changes_at = price_now(asked, now)
    assert price == quoted(now)
    for moment in (now + timedelta(hours=hours) for hours in range(8)):
        if changes_at is None or moment < changes_at:
            assert quoted(moment) == price
