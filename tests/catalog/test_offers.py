"""What trading tells of its listings, as the catalogue finds entries by it."""

from dataclasses import dataclass
from itertools import permutations
from typing import Any, ClassVar

import pytest

from services.catalog import jobs
from services.catalog.actions.catalog import Catalog
from services.catalog.app import build
from services.catalog.tables.whole import metadata
from shared.facts import Category, Fact
from shared.grades import C3, Mode
from shared.ids import ListingId, VersionId
from shared.money import Money
from tests.catalog.market import Market, harm
from tests.support.bench import Bench, Person, WrittenFeed


@dataclass(frozen=True, slots=True)
class ListingOpened(Fact):
    """As trading tells it, with the price that it may tell one day."""

    category: ClassVar[Category] = Category.TRADE
    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    pricing: str
    price: Money | None = None
    revision: int = 1


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

    def __init__(self, bench: Bench, catalog: Catalog, feed: WrittenFeed) -> None:
        super().__init__(bench)
        self.kept, self.feed = catalog, feed

    async def tell(self, *facts: Fact) -> None:
        self.feed.announce(self.bench.clock, *facts)
        await jobs.tick(self.kept)

    async def found(self, person: Person | None = None, **query: Any) -> list[str]:
        answer = self.done(await self.bench.get(person, "/catalog/v1/assets", params=query))
        return [item["id"] for item in answer["items"]]


@pytest.fixture
async def stall(bench: Bench):  # noqa: ANN201
    core = await bench.core("catalog", metadata)
    app, feed = build(core), WrittenFeed("trading")
    catalog: Catalog = app.state.service
    object.__setattr__(catalog, "trading_feed", feed)
    async with bench.serve(catalog=app):
        yield Stall(bench, catalog, feed)


def version_of(asset: dict[str, Any]) -> VersionId:
    return VersionId(asset["versions"][-1]["id"])


async def test_entries_are_found_counted_and_sorted_by_what_is_on_offer(stall: Stall):
    provider = await stall.provider()
    dear, cheap, auctioned, unlisted = [await stall.registered(provider) for _ in range(4)]
    listings = [ListingId.new() for _ in range(3)]
    await stall.tell(
        ListingOpened(listings[0], version_of(dear), Mode.RAW, "fixed", Money(900)),
        ListingOpened(listings[1], version_of(cheap), Mode.DESENSITISED, "fixed", Money(5)),
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
    await stall.tell(ListingOpened(ListingId.new(), version_of(asset), Mode.COMPUTE, "fixed", Money(7)))
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
