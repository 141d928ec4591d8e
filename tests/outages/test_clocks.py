"""Clocks that jump, and clocks that differ: what is decided goes by the database's time, and two services of which one
is half a minute off still believe each other."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import MetaData

from services.trading import jobs
from shared.access import Claims, InvalidToken, Role, TokenIssuer, Verifier
from shared.clock import SystemClock
from shared.database import Database
from shared.signing import new_token_key
from tests.conftest import Server
from tests.support.bench import Bench
from tests.support.clock import ToldClock
from tests.support.postgres import fresh_database
from tests.trading.market import Market, a_market

WHO, LIFETIME = "http://127.0.0.1:8000/identity", timedelta(minutes=5)
HOUR, DAY = 3600, 86_400


@pytest.mark.parametrize("ahead_seconds, believed", [
    (0, True), (5, True), (30, True), (31, False), (300, False), (HOUR, False),  # whoever issued is ahead
    (-5, True), (-299, True), (-300, False), (-DAY, False),                      # … or behind: then it has expired
])  # fmt: skip
async def test_a_token_of_a_clock_that_is_half_a_minute_ahead_is_believed_and_none_beyond(
    ahead_seconds: int, believed: bool
):
    issuer, theirs, ours = TokenIssuer(new_token_key(), WHO), ToldClock(), ToldClock()
    theirs.advance(seconds=ahead_seconds)

    async def keys() -> Mapping[str, Any]:
        return issuer.key_set

    claims = Claims("service:trading", "service:trading", frozenset({Role.SERVICE}))
    token, _ = issuer.issue(claims, "audit", theirs.now(), LIFETIME)
    verifier = Verifier(keys, WHO, ours)
    if believed:
        assert (await verifier.caller(token, audience="audit")).subject == "service:trading"
    else:
        with pytest.raises(InvalidToken) as refused:
            await verifier.caller(token, audience="audit")
        assert refused.value.code() == "invalid_token"


@asynccontextmanager
async def market_by_the_databases_time(server: Server, clock: ToldClock) -> AsyncGenerator[Market]:
    """As in production: the clock is this process's own, and may be wrong; the database has another."""
    clock.set(SystemClock().now())
    async with fresh_database(server.dsn, server.template) as dsn:

        async def database(service: str, _: MetaData) -> Database:
            return Database(dsn, schema=service, clock=clock)

        async with a_market(Bench(database, clock=clock)) as market:
            yield market


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
@pytest.mark.parametrize("jump_seconds", [HOUR, 3 * DAY, -HOUR, -DAY])
async def test_no_auction_ends_because_a_process_has_the_wrong_time(
    server: Server, clock: ToldClock, jump_seconds: float
):
    async with market_by_the_databases_time(server, clock) as market:
        auction_id = await market.auction()
        bidder = await market.bidder(auction_id)
        clock.advance(seconds=jump_seconds)
        await market.bench.refresh()
        for _ in range(2):  # a timer that fires twice is as good as one
            await jobs.close_in_time(market.trading)
        path = f"/trading/v1/auctions/{auction_id}"
        seen = await as_soon_as_told(clock, lambda: market.bench.get(None, path))
        assert seen.json()["state"] == "open"
        placed = await as_soon_as_told(clock, lambda: market.bid(bidder, auction_id, 20_000))
        assert placed.status_code == 201
        assert await market.facts("auction_closed") == []


async def as_soon_as_told(clock: ToldClock, ask: Callable[[], Awaitable[Response]]) -> Response:
    """Ask, and once more where one is told to wait: whose clock was set back takes all for used up, for a moment."""
    answer = await ask()
    if answer.status_code == 429:
        clock.advance(seconds=int(answer.headers["Retry-After"]))
        answer = await ask()
    return answer
