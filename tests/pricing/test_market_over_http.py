"""Reference prices and the price index over HTTP: each month once, when it is due, and nothing of a single trade."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.pricing import jobs
from services.pricing.tables.market import index_points, reference_prices
from shared.grades import Mode
from shared.ids import ListingId, OrderId, ParticipantId, VersionId
from shared.money import Money
from tests.catalog.market import Market, refusal
from tests.pricing.test_trades import Counter, OrderPlaced, OrderSettled
from tests.support.bench import Person
from tests.support.migrated import by_administrator

PRICES, INDEX = "/pricing/v1/reference-prices", "/pricing/v1/price-index"
JANUARY, FEBRUARY, MARCH = (datetime(2030, month, 15, tzinfo=UTC) for month in (1, 2, 3))
DUE = "2030-02-07T16:00:00Z"


class Exchange:
    """Five providers with a version each, and what is sold of them when."""

    def __init__(self, market: Market) -> None:
        self.market, self.counter, self.stalls = market, Counter(market), list[tuple[Person, str]]()

    async def open(self) -> None:
        for _ in range(5):
            provider = await self.market.provider()
            self.stalls.append((provider, (await self.market.registered(provider))["versions"][0]["id"]))

    async def sell(self, at: datetime, *prices: int, mode: Mode = Mode.RAW, exclusive: bool = False) -> None:
        """One trade of each provider's version, between strangers."""
        self.market.bench.clock.set(at)
        for (provider, version_id), minor in zip(self.stalls, prices, strict=False):
            assert provider.participant_id
            order = OrderPlaced(
                OrderId.new(), ListingId.new(), VersionId(version_id), mode, exclusive, ParticipantId.new(),
                provider.participant_id, Money(minor), None,
            )  # fmt: skip
            await self.counter.tell(order, OrderSettled(order.order_id, order.amount))

    async def tick(self, at: datetime) -> None:
        self.market.bench.clock.set(at)
        await self.market.bench.refresh()
        await jobs.tick(self.counter.pricing)

    async def told(self, path: str, **query: Any) -> dict[str, Any]:
        answer = await self.market.bench.get(None, path, params={"theme": "transport", **query})
        return self.market.done(answer)

    async def acts(self) -> list[str]:
        return [change.act for change in await self.market.bench.cores["pricing"].feed.after({})]


@pytest.fixture
async def exchange(market: Market) -> Exchange:
    exchange = Exchange(market)
    await exchange.open()
    return exchange


async def test_a_month_is_told_to_anyone_once_it_is_due(exchange: Exchange):
    await exchange.sell(JANUARY, 100, 500, 200, 400, 300)
    await exchange.sell(JANUARY, 9, 9, mode=Mode.API)
    await exchange.sell(JANUARY, 0, 0)  # given away
    await exchange.sell(JANUARY, 10**9, exclusive=True)
    await exchange.tick(datetime(2030, 2, 7, 15, 59, 59, tzinfo=UTC))
    assert (await exchange.told(PRICES))["items"] == (await exchange.told(INDEX))["items"] == []

    await exchange.tick(datetime(2030, 2, 7, 16, tzinfo=UTC))
    [raw, api] = (await exchange.told(PRICES))["items"]
    assert (raw["mode"], raw["month"], raw["since"], raw["trades"]) == ("raw", "2030-01", "2029-02", 5)
    assert [raw[part]["minor"] for part in ("lower", "median", "upper")] == [200, 300, 400]
    assert (raw["reason_code"], raw["as_of"]) == (None, DUE) and len(raw["inputs_hash"]) == 64
    assert "中位数" in raw["method"]
    assert (api["mode"], api["reason_code"]) == ("api", "not_enough_trades")
    assert [api[part] for part in ("lower", "median", "upper", "trades", "inputs_hash")] == [None] * 5
    [point] = (await exchange.told(INDEX))["items"]
    assert (point["month"], point["series"], point["hundredths"], point["linked_to"]) == ("2030-01", 1, 10_000, None)
    assert point["as_of"] == DUE and "杰文斯" in point["method"]
    facts = await exchange.market.bench.cores["pricing"].feed.after({})
    assert [fact.act for fact in facts] == [
        "pricing.reference_price_published", "pricing.reference_price_published", "pricing.index_point_published",
    ]  # fmt: skip
    assert facts[1].data["median"] == raw["median"] and facts[2].data["chain"] == "100"

    before = await exchange.told(PRICES), await exchange.told(INDEX)
    await exchange.tick(datetime(2030, 2, 8, tzinfo=UTC))
    assert (await exchange.told(PRICES), await exchange.told(INDEX)) == before
    assert len(await exchange.acts()) == 3


@pytest.mark.parametrize("timely", [True, False])
async def test_the_same_is_told_whether_the_job_is_timely_or_late(exchange: Exchange, timely: bool):
    await exchange.sell(JANUARY, 100, 100, 200, 200, 300)
    if timely:
        await exchange.tick(datetime(2030, 2, 8, tzinfo=UTC))
    await exchange.sell(FEBRUARY, 110, 110, 220, 220, 330)
    if timely:
        await exchange.tick(datetime(2030, 3, 8, tzinfo=UTC))
    await exchange.sell(MARCH, 100, 100, 100, 100)
    await exchange.tick(datetime(2030, 5, 8, tzinfo=UTC))
    points = (await exchange.told(INDEX))["items"]
    assert [(each["month"], each["hundredths"], each["linked_to"], each["reason_code"]) for each in points] == [
        ("2030-04", None, None, "not_enough_trades"), ("2030-03", None, None, "not_enough_trades"),
        ("2030-02", 11_000, "2030-01", None), ("2030-01", 10_000, None, None),
    ]  # fmt: skip
    assert [each["as_of"] for each in points] == [
        "2030-05-07T16:00:00Z", "2030-04-07T16:00:00Z", "2030-03-07T16:00:00Z", DUE,
    ]  # fmt: skip
    prices = (await exchange.told(PRICES))["items"]
    assert [(each["month"], each["since"], each["median"] and each["median"]["minor"]) for each in prices] == [
        ("2030-04", "2030-03", None), ("2030-03", "2030-03", None), ("2030-02", "2030-02", 220),
        ("2030-01", "2029-02", 200),
    ]  # fmt: skip


async def test_trades_that_were_not_enough_count_in_the_window_that_goes_on(exchange: Exchange):
    await exchange.sell(JANUARY, 100, 100, 200)
    await exchange.tick(datetime(2030, 2, 8, tzinfo=UTC))
    await exchange.sell(FEBRUARY, 300, 400, 500)
    await exchange.tick(datetime(2030, 3, 8, tzinfo=UTC))
    [february, january] = (await exchange.told(PRICES))["items"]
    assert (january["median"], february["median"]["minor"], february["trades"]) == (None, 250, 6)
    assert february["since"] == "2029-03"
    assert [each["hundredths"] for each in (await exchange.told(INDEX))["items"]] == [None, None]


async def test_lists_are_paged_by_month_and_mode(exchange: Exchange):
    await exchange.sell(JANUARY, 1, 1, 1, 1, 1)
    await exchange.sell(JANUARY, 1, mode=Mode.API)
    await exchange.tick(datetime(2030, 3, 8, tzinfo=UTC))
    for path, key in ((PRICES, "mode"), (INDEX, "month")):
        whole = (await exchange.told(path))["items"]
        found, cursor = list[dict[str, Any]](), None
        while page := await exchange.told(path, limit=1, **({"cursor": cursor} if cursor else {})):
            found += page["items"]
            if not (cursor := page["next_cursor"]):
                break
        assert found == whole and len({each["month"] + each[key] for each in whole}) == len(whole) >= 2
    other = (await exchange.market.bench.get(None, PRICES, params={"theme": "health"})).json()
    assert other == {"items": [], "next_cursor": None}
    for query in ({}, {"theme": "T"}, {"theme": ""}):
        assert refusal(await exchange.market.bench.get(None, INDEX, params=query)) == (422, "malformed")
    bad = await exchange.market.bench.get(None, INDEX, params={"theme": "transport", "cursor": "MQ=="})
    assert refusal(bad) == (422, "bad_cursor")


async def test_with_standing_unknown_nothing_is_published_until_it_is_known(exchange: Exchange):
    await exchange.sell(JANUARY, 1, 1, 1, 1, 1)
    exchange.market.bench.clock.set(datetime(2030, 2, 8, tzinfo=UTC))
    await jobs.tick(exchange.counter.pricing)  # the mirror has not caught up: who is whose affiliate is not known
    assert await exchange.acts() == []
    await exchange.tick(datetime(2030, 2, 8, tzinfo=UTC))
    assert len(await exchange.acts()) == 2


async def test_what_was_published_stays_whoever_tries_to_change_it(exchange: Exchange):
    await exchange.sell(JANUARY, 1, 1, 1, 1, 1)
    await exchange.tick(datetime(2030, 2, 8, tzinfo=UTC))
    database = exchange.counter.pricing.database
    for table in (index_points, reference_prices):
        for statement in (table.update().values(reason_code="x"), table.delete()):
            with pytest.raises(Exception, match="append-only"):
                async with by_administrator(database) as tx:
                    await tx.execute(statement)
