"""Without the second lock, which SQLite has not, a stranger still finds nothing of other people's deals."""

import pytest

from tests.trading.market import Market
from tests.trading.test_second_lock import LISTS, a_deal


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_a_stranger_finds_nothing_of_a_deal_by_any_list_or_id(market: Market):
    buyer, deal = await a_deal(market)
    stranger = await market.buyer()
    for name in LISTS:
        assert [each["id"] for each in (await market.read(buyer, f"/{name}"))["items"]] == [deal[name]], name
        assert (await market.read(stranger, f"/{name}"))["items"] == [], name
        assert (await market.bench.get(stranger, f"/trading/v1/{name}/{deal[name]}")).status_code == 404, name
