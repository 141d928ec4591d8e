"""A regulator makes an auction again: out of the bundle that they exported, and by asking the exchange itself."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from typer.testing import CliRunner

from services.__main__ import app as commands
from services.demo import bidding, proof, shelves
from tests.journeys.conftest import ON_SQLITE
from tests.journeys.test_first_sale import an_auction_of_airports, sold_to_beta
from tests.support.whole import WholeMarket


@asynccontextmanager
async def listening(door: Any) -> AsyncGenerator[str]:
    """The market, on a real socket."""
    server = uvicorn.Server(uvicorn.Config(door, port=0, lifespan="off", log_level="critical"))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        await server.shutdown()


async def replayed(*arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the report of the command."""
    ran = await asyncio.to_thread(CliRunner().invoke, commands, ["replay", "--json", *arguments])
    return ran.exit_code, json.loads(ran.stdout)


def token(market: WholeMarket, who: str = "regulator") -> list[str]:
    return ["--token", market.people[who].headers()["Authorization"].removeprefix("Bearer ")]


@ON_SQLITE
async def test_the_bundle_contains_what_a_replay_needs(market: WholeMarket):
    await sold_to_beta(market)
    await market.settle()
    await proof.export_bundle(market)
    await proof.verify_bundle(market)
    code, report = await replayed(market.report["bundle"])
    assert (code, report["reason"]) == (0, None)
    (auction,) = report["auctions"]
    assert auction["differences"] == auction["taken_on_trust"] == []
    assert (auction["auction_id"], auction["winner_id"], auction["price"]["minor"]) == (
        market.things["auction"], market.report["auction"]["winner"], bidding.SECOND_MAXIMUM + bidding.STEP,
    )  # fmt: skip


async def test_asked_of_the_exchange_its_log_gives_what_it_shows(market: WholeMarket):
    await an_auction_of_airports(market)
    async with listening(market.inside.door) as url:
        ask = [market.things["auction"], "--url", url]
        code, report = await replayed(*ask, *token(market))
        assert (code, report["auctions"][0]["verdict"]) == (2, "still running"), report
        await market.advance(days=2)
        await shelves.log_in_again(market)
        code, report = await replayed(*ask, *token(market))
        assert (code, report["auctions"][0]["reason_code"]) == (0, "no_bids"), report
        code, report = await replayed("auction_" + "0" * 32, "--url", url, *token(market))
        assert code == 3 and "answers 404" in report["reason"], report
        code, report = await replayed(*ask, "--token", "none")
        assert code == 3 and "answers 401" in report["reason"], report


@ON_SQLITE
async def test_an_exchange_that_shows_anything_else_than_its_log_says_is_found_out(market: WholeMarket):
    await sold_to_beta(market)
    await market.settle()
    path = f"/trading/v1/auctions/{market.things['auction']}"
    told: dict[str, object] = {}

    async def lying(scope: Any, receive: Any, send: Any) -> None:
        """The market's door, but for one answer."""
        if scope["path"] != path:
            return await market.inside.door(scope, receive, send)
        shown = await market.people["regulator"].get(path)
        body = json.dumps(shown | told).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async with listening(lying) as url:
        for name, value in {"winner": None, "price": {"minor": 1, "currency": "CNY"}, "bids": 3}.items():
            told = {name: value}
            code, report = await replayed(market.things["auction"], "--url", url, *token(market))
            assert code == 1, report
            (difference,) = report["auctions"][0]["differences"]
            assert (difference["act"], difference["field"], difference["told"]) == ("shown", name, json.dumps(value))
