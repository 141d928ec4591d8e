"""Three replicas of trading on one PostgreSQL: whichever is asked, one auction, one answer, and news everywhere."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import cycle

import pytest
from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import select

from services.trading import app as trading_app
from services.trading.actions.stream import BidHeard, listen
from services.trading.actions.trading import Trading
from shared import rest
from shared.changes import POLL_SECONDS, Feed
from shared.core import observer_of
from shared.database import Database
from shared.facts import GENESIS, link
from shared.ids import AuctionId
from shared.outbox import Outbox, facts_table
from shared.standing import StandingMirror
from tests.support.bench import Bench, Person
from tests.trading.market import START, STEP, Market, a_market, yuan

REPLICAS, BIDDERS, BIDS = 3, 4, 3
BUSY, TRIES_MAX = 503, 100
WITHIN_SECONDS = 20  # on a loaded machine; what is promised is `POLL_SECONDS`
pytestmark = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


class Replicas:
    """Apps that know nothing of each other but the database."""

    def __init__(self, market: Market, apps: list[FastAPI]) -> None:
        self.market, self.apps = market, apps

    def trading(self, number: int) -> Trading:
        return self.apps[number].state.service

    async def bid(self, number: int, who: Person, auction_id: str, minor: int, key: str) -> Response:
        headers = {"Authorization": f"Bearer {self.market.bench.token(who)}", "Idempotency-Key": key}
        async with rest.connect(self.apps[number]) as connection:
            body, path = {"maximum": yuan(minor)}, f"/trading/v1/auctions/{auction_id}/bids"
            for _ in range(TRIES_MAX):
                answer = await connection.post(path, json=body, headers=headers)
                if answer.status_code != BUSY and answer.json().get("code") != "still_running":
                    return answer  # else another replica is at the key's twin: the same is sent again
        raise AssertionError("busy for ever")


@asynccontextmanager
async def another(market: Market) -> AsyncGenerator[FastAPI]:
    """A further process of the service, as far as the database and its clients can tell."""
    core, here = market.bench.cores["trading"], market.trading
    database = Database(core.database.url, schema="trading", clock=core.clock, told_time=True)
    own = replace(
        core, database=database, outbox=Outbox("trading", database), feed=Feed(database),
        standing=StandingMirror(core.clock, market.bench.identity), observer=observer_of("trading"),
    )  # fmt: skip
    app = trading_app.build(own, catalog=here.catalog, pricing=here.pricing, custodian=here.treasury.custodian)
    async with app.router.lifespan_context(app):
        market.bench.cores[f"trading {id(app)}"] = own
        await own.standing.tick()
        yield app


async def chains(market: Market) -> dict[int, int]:
    """How far each stripe goes. Requires that all are whole: each fact follows on the one before."""
    query = select(facts_table.c.stripe, facts_table.c.seq, facts_table.c.line, facts_table.c.hash)
    async with market.trading.database.read() as tx:
        rows = (await tx.execute(query.order_by(facts_table.c.stripe, facts_table.c.seq))).all()
    ends = dict[int, tuple[int, bytes]]()
    for row in rows:
        seq, reached = ends.get(row.stripe, (0, GENESIS))
        assert (row.seq, row.hash) == (seq + 1, link(reached, row.seq, row.line))
        ends[row.stripe] = row.seq, row.hash
    return {stripe: seq for stripe, (seq, _) in ends.items()}


@pytest.fixture
async def replicas(bench: Bench) -> AsyncGenerator[Replicas]:
    async with AsyncExitStack() as stack:
        market = await stack.enter_async_context(a_market(bench))
        others = [await stack.enter_async_context(another(market)) for _ in range(REPLICAS - 1)]
        yield Replicas(market, [market.app, *others])


async def test_bids_at_every_replica_at_once_are_one_sequence_with_the_winner_that_their_order_gives(
    replicas: Replicas,
):
    market = replicas.market
    auction_id = await market.auction()
    bidders = [await market.bidder(auction_id) for _ in range(BIDDERS)]
    numbers = cycle(range(REPLICAS))
    asked = [
        (next(numbers), who, START + STEP * (1 + turn * BIDDERS + place), f"bid-{turn}-{place:08}")
        for turn in range(BIDS) for place, who in enumerate(bidders)
    ]  # fmt: skip
    answers = await asyncio.gather(*(replicas.bid(at, who, auction_id, most, key) for at, who, most, key in asked))
    taken = {key: answer.json() for (*_, key), answer in zip(asked, answers, strict=True) if answer.is_success}
    assert {answer.status_code for answer in answers} <= {201, 409, 422}
    assert sorted(each["sequence"] for each in taken.values()) == list(range(1, len(taken) + 1))

    facts = sorted(await market.facts("bid_placed"), key=lambda fact: fact["sequence"])
    assert [(fact["sequence"], fact["bid_id"]) for fact in facts] == sorted(
        (each["sequence"], each["id"]) for each in taken.values()
    )
    assert [fact["revision"] for fact in facts] == sorted({fact["revision"] for fact in facts}), "none saw an old state"
    auction = await market.read(None, f"/auctions/{auction_id}")
    _, who, _, highest = max(asked, key=lambda one: one[2])
    assert highest in taken, "the highest is never too low"
    number = {fact["participant_id"]: fact["bidder_number"] for fact in facts}[str(who.participant_id)]
    assert (auction["bids"], auction["leading_bidder_number"]) == (len(taken), number)
    assert len(await chains(market)) > 1


async def test_the_same_bid_sent_to_every_replica_at_once_is_one_bid_with_one_answer(replicas: Replicas):
    auction_id = await replicas.market.auction()
    who = await replicas.market.bidder(auction_id)
    answers = await asyncio.gather(
        *(replicas.bid(at, who, auction_id, START, "the-one-key-of-all") for at in range(REPLICAS))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await replicas.market.read(None, f"/auctions/{auction_id}"))["bids"] == 1


async def test_a_bid_at_one_replica_is_heard_at_another_without_a_commit_there(replicas: Replicas):
    market = replicas.market
    auction_id = AuctionId(await market.auction())
    who = await market.bidder(auction_id)
    heard = listen(replicas.trading(1), None, auction_id, after=0)
    waiting = asyncio.ensure_future(anext(heard))
    done, _ = await asyncio.wait([waiting], timeout=POLL_SECONDS / 5)
    assert not done, "nothing has been bid"
    assert (await replicas.bid(0, who, auction_id, START, "heard-elsewhere")).status_code == 201
    async with asyncio.timeout(WITHIN_SECONDS):
        event = await waiting
    assert isinstance(event, BidHeard) and event.bid.sequence == 1
    await heard.aclose()
