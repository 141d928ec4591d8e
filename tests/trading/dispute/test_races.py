"""Fifty at once on one order's money: it goes one way, and nothing moves that a dispute holds.

One race on each kind of database; as many as `YAOSU_RACES` says where someone wants to be surer.
"""

import asyncio
import os
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from services.trading import jobs
from services.trading.actions import dispute as dispute_actions
from services.trading.tables.disputes import fee_holds, outcomes
from shared.ids import DisputeId
from tests.trading.dispute.court import FEE, PRICE, Court, a_court
from tests.trading.market import Market

RACES = min(int(os.environ.get("YAOSU_RACES", "1")), 100)
pytestmark = pytest.mark.timeout(120 + 20 * RACES)


async def test_a_dispute_an_acceptance_and_the_deadline_race_for_one_order(market: Market):
    first = Counter[str]()
    for number in range(RACES):
        first[await _race_for_the_order(await a_court(market, arbiters=0), turns=4 ** (2 * (number % 5) + 1))] += 1
    assert sum(first.values()) == RACES


async def _race_for_the_order(court: Court, turns: int) -> str:
    market, clock = court.market, court.market.bench.clock
    before = await market.wallet(court.buyer)
    end = datetime.fromisoformat(court.order["deadline"])
    clock.set(end - timedelta(microseconds=1))
    await market.bench.refresh()

    async def let_it_end() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        clock.set(end)
        await jobs.pass_deadlines(market.trading)

    accept = [market.post(court.buyer, f"/orders/{court.order['id']}/acceptance") for _ in range(20)]
    claims = [court.try_open(), *(court.try_open(who=court.provider) for _ in range(9))]
    claims += [court.try_open() for _ in range(20)]
    found = asyncio.gather(*claims, *accept)
    answers, _ = await asyncio.gather(found, let_it_end())
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) <= {200, 201, 409, 503} and codes[200] + codes[201] <= 1, codes
    await market.tick()
    order = await market.order(court.buyer, court.order)
    if codes[201]:
        assert order["state"] == "disputed" and await court.escrow() == PRICE, "no timer releases what is disputed"
        assert await court.held() == FEE
        assert (await market.advance(days=1)) is None and await court.escrow() == PRICE
    else:
        assert order["state"] == "settled" and await court.held() == 0
        assert (await market.wallet(court.buyer)) == before
        assert order["reason_code"] == ("accepted_by_buyer" if codes[200] else "accepted_by_deadline")
    assert await court.totals() == ({"CNY": 0}, [])
    return str(order["reason_code"])


async def test_a_dispute_ends_once_whoever_ends_it(market: Market):
    court = await a_court(market)
    dispute = await court.heard(8_000)
    (arbiter,) = court.seated(dispute)
    await court.rule(arbiter, dispute, 2_500)
    await court.settle(court.buyer, dispute, 7_500)
    deadline = datetime.fromisoformat((await court.see(dispute))["deadline"])
    market.bench.clock.set(deadline - timedelta(microseconds=1))
    await market.bench.refresh()

    async def let_it_end() -> None:
        market.bench.clock.set(deadline)
        await dispute_actions.pass_deadline(market.trading, DisputeId(dispute["id"]))

    ends = [let_it_end() for _ in range(10)]
    offers = [court.settle(court.provider, dispute, 7_500) for _ in range(20)]
    appeals = [court.appeal(who, dispute) for who in (court.buyer, court.provider) for _ in range(10)]
    found = await asyncio.gather(*offers, *appeals, *ends, return_exceptions=True)
    assert len(found) == 50
    for _ in range(6):
        await market.advance(days=20)
    seen = await court.see(dispute)
    assert seen["state"] in {"settled", "enforced"}
    async with market.trading.database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(outcomes)) == 1
        assert set(await tx.scalars(select(fee_holds.c.state))) <= {"posted", "voided"}
    order = await market.order(court.buyer, court.order)
    assert order["state"] == "settled" and order["settlement"]["refund"] == seen["outcome"]["claimant"]
    assert (await court.escrow(), await court.held(), await court.totals()) == (0, 0, ({"CNY": 0}, []))
