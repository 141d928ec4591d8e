"""With the application's own filters taken out, PostgreSQL still shows a stranger nothing of other people's deals."""

from collections.abc import AsyncGenerator

import pytest

from services.trading.rules.negotiation import Negotiation, Side
from services.trading.store import rows
from services.trading.tables.deals import orders
from tests.conftest import Server
from tests.support.bench import Bench, Person
from tests.support.prepared import connected
from tests.trading.market import Market, a_market
from tests.trading.negotiation.asked import asked, listed

LISTS = ("orders", "contracts", "entitlements", "disputes", "negotiations")


@pytest.fixture
def server(postgres: str, template: str) -> Server:
    """PostgreSQL alone: SQLite has no second lock (docs/decisions/0022)."""
    return Server(postgres, template)


@pytest.fixture
async def market(bench: Bench) -> AsyncGenerator[Market]:
    async with a_market(bench) as market:
        yield market


@pytest.fixture
def unfiltered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bug: every query forgets whose rows were asked for."""
    monkeypatch.setattr(rows, "whose", everyones)


def everyones(*_: object) -> list[object]:
    return []


def as_buyer(*_: object) -> Side:
    return Side.BUYER


async def a_deal(market: Market) -> tuple[Person, dict[str, str]]:
    """A buyer, and the paths of what they and the provider alone may see."""
    buyer, order = await market.paid()
    negotiation = (await asked(market, buyer, await listed(market))).json()
    order = await market.order(buyer, order)
    await market.use(buyer, order)
    await market.tick()
    body = {
        "order_id": order["id"], "category": "not_as_described", "amount": order["price"], "statement": "字段缺失",
        "nonce": "1" * 64, "remedies": ["end_right"],
    }  # fmt: skip
    dispute = await market.do(buyer, "/disputes", body)
    return buyer, {
        "orders": order["id"], "contracts": order["contract_id"], "entitlements": order["entitlement_id"],
        "disputes": dispute["id"], "negotiations": negotiation["id"],
    }  # fmt: skip


async def test_a_strangers_question_finds_nothing_though_every_filter_is_gone(market: Market, unfiltered: None):
    buyer, deal = await a_deal(market)
    stranger = await market.buyer()
    for name, thing in deal.items():
        missing = await market.bench.get(stranger, f"/trading/v1/{name}/{thing[:-1]}{'0' if thing[-1] != '0' else '1'}")
        forbidden = await market.bench.get(stranger, f"/trading/v1/{name}/{thing}")
        assert (forbidden.status_code, missing.status_code) == (404, 404), name
        assert forbidden.json()["code"] == missing.json()["code"]
        assert (await market.read(stranger, f"/{name}"))["items"] == [], name
        for party in (buyer, market.provider):
            assert (await market.read(party, f"/{name}/{thing}"))["id"] == thing
            assert [each["id"] for each in (await market.read(party, f"/{name}"))["items"]] == [thing]


async def test_a_lock_that_was_taken_off_one_table_shows_at_once(market: Market, unfiltered: None):
    """So that the test above can fail: P-13."""
    buyer, deal = await a_deal(market)
    stranger = await market.buyer()
    assert (await market.read(stranger, "/orders"))["items"] == []
    dsn = market.trading.database.url
    administrator = dsn.replace(dsn.partition("//")[2].partition("@")[0], "postgres")
    async with connected(administrator) as connection:
        await connection.execute(f"ALTER TABLE trading.{orders.name} DISABLE ROW LEVEL SECURITY")
    assert [each["id"] for each in (await market.read(stranger, "/orders"))["items"]] == [deal["orders"]]
    assert (await market.read(stranger, "/contracts"))["items"] == []
    assert (await market.read(buyer, "/orders"))["items"] != []


async def test_a_strangers_write_finds_nothing_where_no_decision_needs_the_rows_of_all(
    market: Market, monkeypatch: pytest.MonkeyPatch
):
    """In transactions that write too, what is decided between two parties alone is shut to a third."""
    buyer, deal = await a_deal(market)
    stranger = await market.buyer()
    monkeypatch.setattr(rows, "whose", everyones)
    monkeypatch.setattr(Negotiation, "side_of", as_buyer)
    answer = await market.post(
        stranger,
        f"/negotiations/{deal['negotiations']}/termination",
        {"reason_code": "price_not_agreed", "reason": "预算"},
    )
    assert answer.status_code == 404
    assert (await market.read(buyer, f"/negotiations/{deal['negotiations']}"))["state"] == "requested"
