"""With every filter of the application gone, in all six services at once, PostgreSQL still tells a stranger nothing.

What it holds is what `tables/owners.py` of each service declares (decision 22); what it does not hold, because a table
has no owner by its purpose, is written down here, so that nothing joins it unseen.
"""

from collections.abc import AsyncGenerator, Mapping

import pytest
import pytest_asyncio
from httpx2 import Response
from sqlalchemy import make_url

from tests.journeys.matrix_by_hand import BY_HAND
from tests.support.clock import ToldClock
from tests.support.doors import READS, Door, doors
from tests.support.furnished import furnish
from tests.support.postgres import fresh_database
from tests.support.prepared import connected
from tests.support.unfiltered import unfiltered
from tests.support.walk import ENDLESS, ask, ids_of
from tests.support.whole import WholeMarket, whole_market

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.xdist_group("lock")]

STRANGERS = ("other_buyer", "other_provider")
# What the application alone keeps from strangers, and why: these rows have no one owner whom a policy could name.
BY_THE_APPLICATION_ALONE = {
    "GET /catalog/v1/versions/{version_id}/grade": "of the catalogue, which everyone searches",
    "GET /delivery/v1/versions/{version_id}/cubes": "asked by whoever may compute, which trading alone knows",
    "GET /delivery/v1/cubes/{cube_id}": "the same",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def market(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[WholeMarket]:
    """Each service by its own log-in, which row-level security holds."""
    folder = tmp_path_factory.mktemp("lock")
    async with (
        fresh_database(postgres, template) as dsn,
        whole_market(folder, ToldClock(), dsn, by_log_ins=True) as market,
    ):
        await furnish(market)
        yield market


def reads() -> list[Door]:
    return [door for door in doors() if door.method in READS and door.name != ENDLESS]


async def leaking(market: WholeMarket, asked: list[Door]) -> set[str]:
    """The routes that tell a stranger more with every filter gone than with them."""
    ids, found = ids_of(market), set[str]()
    for door in asked:
        for caller in STRANGERS:
            if BY_HAND[door.name].answers[caller] in "uf":
                continue
            usual = await ask(market, door, caller, ids)
            with unfiltered():
                told = await ask(market, door, caller, ids)
            if told.is_success and (not usual.is_success or things_in(told, ids) - things_in(usual, ids)):
                found.add(door.name)
    return found


def things_in(response: Response, ids: Mapping[str, str]) -> set[str]:
    return {name for name, thing in ids.items() if name.endswith("_id") and thing in response.text}


async def test_a_stranger_is_told_no_more_with_every_filter_gone_but_where_it_is_said(market: WholeMarket):
    assert await leaking(market, reads()) == BY_THE_APPLICATION_ALONE.keys()


@pytest.mark.parametrize("table, route", [
    ("identity.delegations",     "GET /identity/v1/delegations"),
    ("identity.sponsorships",    "GET /identity/v1/sponsorships/{sponsorship_id}"),
    ("identity.users",           "GET /identity/v1/users"),
    ("catalog.access_requests",  "GET /catalog/v1/access-requests/{access_request_id}"),
    ("pricing.quotes",           "GET /pricing/v1/quotes/{quote_id}"),
    ("trading.orders",           "GET /trading/v1/orders"),
    ("delivery.deliveries",      "GET /delivery/v1/deliveries"),
])  # fmt: skip
async def test_p_13_a_lock_that_was_taken_off_one_table_shows_at_once(market: WholeMarket, table: str, route: str):
    [door] = [door for door in reads() if door.name == route]
    url = make_url(market.inside.cores["identity"].database.url).set(username="postgres")
    async with connected(url.render_as_string(hide_password=False)) as administrator:
        await administrator.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        try:
            assert await leaking(market, [door]) == {route}
        finally:
            await administrator.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    assert await leaking(market, [door]) == set()
