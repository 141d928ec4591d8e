"""A trading service to bid against, in a process of its own: `python -m bench.serving.bids <folder> [<dsn>]`.

The whole service under uvicorn, on migrated tables, with real tokens; its neighbours are not asked on the path of a
bid. Three routes beside its own: one that does nothing for an authenticated member, one that does nothing for anyone,
and one that takes a row lock for each bid, in one transaction each, as most would write it. Prints what a client needs,
serves until its input ends.
"""

import asyncio
import gc
import itertools
import json
import logging
import secrets
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI, Request, Response
from sqlalchemy import MetaData

from migrations import schema
from services.trading.actions.permission import decide_for
from services.trading.events.auction import BidPlaced
from services.trading.rules import auction as rules
from services.trading.rules.any_auction import of_kind
from services.trading.rules.auction import Auction
from services.trading.rules.bid import bid_of
from services.trading.schemas.auctions import BidView, NewBid
from services.trading.store import auction as store
from services.trading.store import listing as listing_store
from shared.access import Member
from shared.database import Database
from shared.facts import SALT_BYTES
from shared.idempotency import Keyed
from shared.ids import AuctionId, BidId
from shared.permission import Buyer, Public
from shared.quick import QuickRoute
from shared.routing import Router
from tests.support.bench import Bench, Person
from tests.support.clock import ToldClock
from tests.trading.market import DEPOSIT, Market, a_market

BIDDERS, AUCTIONS = 64, 1000
PREFIX = "/trading/v1/bench"
router = Router(prefix=PREFIX)


class NothingRoute(QuickRoute[NewBid]):
    async def read(self, request: Request) -> NewBid:
        return NewBid.model_validate_json(await request.body())

    async def answer(self, request: Request, caller: Member, asked: NewBid) -> Response:
        return Response(asked.model_dump_json(), media_type="application/json")


quick_router = Router(prefix=PREFIX, route_class=NothingRoute)


@quick_router.post("/nothing")
async def do_nothing(new: NewBid, caller: Buyer) -> NewBid:
    return new


@router.post("/nothing-ordinary")
async def do_nothing_the_ordinary_way(new: NewBid, caller: Buyer) -> NewBid:
    return new


@router.post("/open")
async def do_nothing_for_anyone(new: NewBid, _: Public) -> NewBid:
    return new


def with_row_locks(market: Market) -> None:
    """A bid as a transaction of its own, which waits for the row lock of its auction."""
    trading = market.trading

    @router.post("/auctions/{auction_id}/bids", status_code=201)
    async def place_bid(auction_id: AuctionId, new: NewBid, caller: Buyer, once: Keyed) -> BidView:
        maximum = new.maximum.money()
        async with trading.database.transaction() as tx:
            before = of_kind(await store.auction_for_update(tx, auction_id), Auction)
            listing = await listing_store.listing(tx, before.listing_id)
            now = await trading.database.now(tx)
            decide_for(trading, caller.standing, listing)
            registration = await store.registration(tx, auction_id, caller.participant_id)
            after = rules.place_bid(before, caller.participant_id, maximum, now)
            bid = bid_of(BidId.new(), before, after, registration, maximum, secrets.token_hex(SALT_BYTES))
            await store.save_auction(tx, after)
            await store.add_bids(tx, [bid])
            await once.remember(tx, bid)
            await trading.outbox.record(tx, caller.actor, now, BidPlaced.of(bid, after))
        return BidView.of(bid, seen_by=caller.participant_id)

    assert place_bid


async def serve(folder: Path, dsn: str | None) -> None:
    clock = ToldClock()

    async def database(service: str, _: MetaData) -> Database:
        url = dsn or f"sqlite+aiosqlite:///{folder}/{service}.db"
        made = Database(url, schema=service, clock=clock, told_time=True)
        await schema.upgrade(made)
        return made

    async with AsyncExitStack() as stack:
        market = await stack.enter_async_context(a_market(Bench(database, clock=clock)))
        told = await _stocked(market)
        with_row_locks(market)
        market.app.router.routes[:0] = quick_router.routes  # where the bid's own route is: first
        market.app.router.routes.extend(router.routes)
        gc.collect()
        gc.freeze()  # as `yaosu serve` does
        told["port"] = await _listen(stack, market.app)
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _stocked(market: Market) -> dict[str, Any]:
    """One hot auction with its bidders, and many that each have one of them."""
    people = [await market.bench.member("buyer") for _ in range(BIDDERS)]
    await market.give_money(*people, minor=DEPOSIT * AUCTIONS)
    hot = await market.auction()
    for person in people:
        await market.do(person, f"/auctions/{hot}/registrations")
    cool = [await _registered(market, person) for person in itertools.islice(itertools.cycle(people), AUCTIONS)]
    return {"hot": hot, "cool": cool, "tokens": [market.bench.token(person) for person in people]}


async def _registered(market: Market, person: Person) -> str:
    auction_id = await market.auction()
    await market.do(person, f"/auctions/{auction_id}/registrations")
    return auction_id


async def _listen(stack: AsyncExitStack, app: FastAPI) -> int:
    config = uvicorn.Config(app, port=0, lifespan="off", log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    stack.push_async_callback(server.shutdown)
    return server.servers[0].sockets[0].getsockname()[1]


if __name__ == "__main__":
    logging.disable()
    uvloop.run(serve(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
