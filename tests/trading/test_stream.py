"""Hearing an auction over a real connection: bids as they happen, where one was, and nothing that is secret."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import uvicorn
from httpx2 import AsyncClient, Response
from sqlalchemy import Engine, event

from services.trading.actions import stream as actions
from services.trading.actions.stream import BidHeard
from shared.access import Caller
from shared.grades import C2, Grade
from shared.ids import AuctionId
from shared.overload import SEATS_OF_ONE
from tests.support.bench import Person
from tests.trading.market import AUCTION_DAYS, Market, code

WITHIN = 20  # seconds, for a loaded machine


@dataclass(frozen=True)
class Event:
    name: str
    id: str | None
    data: dict[str, Any]


@asynccontextmanager
async def connected(market: Market) -> AsyncGenerator[AsyncClient]:
    server = uvicorn.Server(uvicorn.Config(market.app, port=0, lifespan="off", log_level="critical"))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WITHIN) as client:
            yield client
    finally:
        await server.shutdown()


@asynccontextmanager
async def listening(
    market: Market, client: AsyncClient, auction_id: str, who: Person | None = None, last: str | None = None
) -> AsyncGenerator[tuple[Response, AsyncIterator[Event]]]:
    headers = {"Authorization": f"Bearer {market.bench.token(who)}"} if who else {}
    if last is not None:
        headers["Last-Event-ID"] = last
    async with asyncio.timeout(WITHIN), client.stream(
        "GET", f"/trading/v1/auctions/{auction_id}/stream", headers=headers
    ) as answer:  # fmt: skip
        yield answer, events(answer)


async def events(answer: Response) -> AsyncIterator[Event]:
    """As a browser reads them."""
    told: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if not line and told:
            yield Event(told.get("event", "message"), told.get("id"), json.loads(told["data"]))
            told = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            told[name] = value


async def test_bids_are_heard_as_they_happen_and_the_stream_ends_with_the_close(market: Market):
    auction_id = await market.auction()
    ana, ben = [await market.bidder(auction_id) for _ in range(2)]
    await market.bid(ana, auction_id, 20_000)
    async with connected(market) as client, listening(market, client, auction_id) as (answer, heard):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-cache", "no")
        first = await anext(heard)
        assert (first.name, first.id, first.data["bidder_number"], first.data["leading"]) == ("bid", "1", 1, True)
        await market.bid(ben, auction_id, 10_999)  # refused, and so not heard
        await market.bid(ben, auction_id, 15_000)
        second = await anext(heard)
        assert (second.id, second.data["bidder_number"], second.data["leading"]) == ("2", 2, False)
        assert second.data["price_after"] == {"minor": 16_000, "currency": "CNY"}
        assert second.data.keys() == {
            "sequence", "bidder_number", "price_after", "leading", "closes_at", "placed_at"
        }  # fmt: skip
        await market.advance(days=AUCTION_DAYS)
        end = await anext(heard)
        assert (end.name, end.id, end.data["state"], end.data["winning_bidder_number"]) == (
            "closed",
            "2.end",
            "sold",
            1,
        )
        assert (end.data["price"]["minor"], end.data["bids"]) == (16_000, 2)
        assert [each async for each in heard] == []
        everything = str([first, second, end])
        assert not any(str(each.participant_id) in everything for each in (ana, ben))
        assert not any(secret in everything for secret in ("20000", "15000"))


async def test_whoever_comes_again_hears_what_they_missed_and_after_the_close_nothing_more(market: Market):
    auction_id = await market.auction()
    ana, ben = [await market.bidder(auction_id) for _ in range(2)]
    for who, maximum in ((ana, 20_000), (ben, 15_000), (ben, 30_000)):
        await market.bid(who, auction_id, maximum)
    async with connected(market) as client:
        async with listening(market, client, auction_id, last="1") as (_, heard):
            assert [(await anext(heard)).id for _ in range(2)] == ["2", "3"]
        await market.advance(days=AUCTION_DAYS)
        async with listening(market, client, auction_id, last="3") as (_, heard):
            assert [(each.name, each.id) async for each in heard] == [("closed", "3.end")]
        async with listening(market, client, auction_id, last="3.end") as (answer, heard):
            assert (answer.status_code, [each async for each in heard]) == (204, [])
        for wrong in ("x", "-1", "1.ende", "9" * 10, "１"):
            path, headers = f"/trading/v1/auctions/{auction_id}/stream", {"Last-Event-ID": wrong.encode()}
            assert (await client.get(path, headers=headers)).status_code == 422  # pyright: ignore[reportArgumentType]


async def test_a_moved_end_is_told_before_the_bid_that_moved_it_and_again_to_whoever_missed_that(market: Market):
    auction_id = await market.auction()
    ana, ben = [await market.bidder(auction_id) for _ in range(2)]
    await market.bid(ana, auction_id, 20_000)
    await market.advance(days=AUCTION_DAYS, seconds=-60)
    moved = (await market.bid(ben, auction_id, 15_000)).json()
    await market.bid(ben, auction_id, 16_000 + 1_000)  # at the same moment: the end is where it was
    async with connected(market) as client:
        for last, names in (
            (None, ["bid", "extended", "bid", "bid"]),
            ("1", ["extended", "bid", "bid"]),
            ("2", ["bid"]),
        ):
            async with listening(market, client, auction_id, last=last) as (_, heard):
                told = [await anext(heard) for _ in names]
                assert [each.name for each in told] == names
                for each in told:
                    assert (each.id is None) == (each.name == "extended")
                    if each.name == "extended":
                        assert each.data == {"sequence": 2, "closes_at": moved["closes_at"]}


async def test_nobody_takes_all_the_seats_and_who_leaves_gives_theirs_back(market: Market):
    auction_id = await market.auction()
    ana, ben = [await market.buyer() for _ in range(2)]
    async with connected(market) as client, AsyncExitStack() as staying:
        for _ in range(SEATS_OF_ONE):
            answer, _ = await staying.enter_async_context(listening(market, client, auction_id, ana))
            assert answer.status_code == 200
        for who, status in ((ana, 429), (ben, 200), (None, 200)):
            async with listening(market, client, auction_id, who) as (answer, _):
                assert answer.status_code == status
        await staying.aclose()
        async with asyncio.timeout(WITHIN):
            while market.trading.listeners.taken:  # noqa: ASYNC110 - the server notices by itself
                await asyncio.sleep(0.01)


async def test_what_one_may_not_see_is_not_heard(market: Market):
    version = market.neighbours.version(market.provider.participant_id, Grade.G4)  # pyright: ignore[reportArgumentType]
    secret = await market.auction((await market.list_it(version, mode="compute")).json())
    stranger = await market.buyer(clearance=C2)
    for auction_id, who in ((secret, None), (secret, stranger), (AuctionId.new(), market.provider)):
        answer = await market.bench.get(who, f"/trading/v1/auctions/{auction_id}/stream")
        assert code(answer) == (404, "no_such_auction")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "LOOK_AGAIN_SECONDS", 0.0)


@pytest.mark.usefixtures("impatient")
async def test_whoever_loses_sight_of_an_auction_stops_hearing_it(market: Market):
    version = market.neighbours.version(market.provider.participant_id, Grade.G4)  # pyright: ignore[reportArgumentType]
    auction_id = await market.auction((await market.list_it(version, mode="compute")).json())
    cleared = await market.buyer()
    caller = Caller(cleared.subject, "user", frozenset(), cleared.participant_id, None)  # pyright: ignore[reportArgumentType]
    heard = actions.listen(market.trading, caller, AuctionId(auction_id), 0)
    listener = asyncio.create_task(anext(heard, None))
    await market.change_clearance(cleared, C2)
    async with asyncio.timeout(WITHIN):
        assert await listener is None


async def test_nobody_hears_more_once_their_token_is_over(market: Market):
    auction_id = AuctionId(await market.auction())
    for good_seconds in (0.05, -1):
        until = market.trading.clock.now() + timedelta(seconds=good_seconds)
        caller = Caller("user_1", "user", frozenset(), market.provider.participant_id, good_until=until)
        async with asyncio.timeout(WITHIN):
            assert await anext(actions.listen(market.trading, caller, auction_id, 0), None) is None


async def test_a_late_listener_hears_hundreds_of_bids_in_order_before_the_close(market: Market):
    auction_id = await market.auction()
    ana, ben = [await market.bidder(auction_id, 1_000) for _ in range(2)]
    for index in range(205):
        assert (await market.bid((ana, ben)[index % 2], auction_id, 20_000 + 1_000 * index)).status_code == 201
    await market.advance(days=AUCTION_DAYS)
    heard = [each async for each in actions.listen(market.trading, None, AuctionId(auction_id), 0)]
    assert [each.bid.sequence for each in heard if isinstance(each, BidHeard)] == list(range(1, 206))
    assert len(heard) == 206


async def test_a_look_costs_two_statements_however_many_bids_it_finds(market: Market):
    auction_id = await market.auction()
    people = [await market.bidder(auction_id) for _ in range(2)]
    for index in range(9):
        await market.bid(people[index % 2], auction_id, 20_000 + 1_000 * index)
    await market.advance(days=AUCTION_DAYS)
    counted = list[str]()

    def note(*told: Any) -> None:
        counted.extend([told[2]] if told[2].startswith("SELECT") else [])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        heard = [each async for each in actions.listen(market.trading, None, AuctionId(auction_id), 0)]
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert (len(heard), len(counted)) == (10, 2)
