"""What must never stand in the log stands nowhere in it, however much of a market has happened."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from sqlalchemy import select

from services.audit.tables import entries
from services.demo import bidding, data, deals, shelves
from services.demo.shelves import ALPHA, BETA, NAMES, PASSWORD
from shared.metrics import Joined
from tests.support.clock import ToldClock
from tests.support.lines import lines_of_the_log
from tests.support.traced import KeptTraces
from tests.support.whole import WholeMarket, whole_market

TRIED_IN_VAIN = ("zhang.san@demo", "a pass phrase that was mistyped")


async def leaves_of(market: WholeMarket) -> bytes:
    await market.settle()
    async with market.inside.cores["audit"].database.read() as tx:
        return b"".join(await tx.scalars(select(entries.c.leaf)))


def people_of_the_data_set() -> set[str]:
    """Names alone would be found by chance: a family name and a word make many of them."""
    rows = csv.DictReader(io.StringIO(data.persons_csv().decode()))
    return {row[column] for row in rows for column in ("身份证号", "手机号", "地址")}


async def fail_to_log_in(client: AsyncClient) -> None:
    login, password = TRIED_IN_VAIN
    form = {"grant_type": "password", "username": login, "password": password}
    assert (await client.post("/identity/v1/token", data=form)).status_code in (400, 401)


@pytest.mark.timeout(300)  # a whole market, on a machine that may be busy
async def test_no_person_and_no_secret_stands_in_the_log_in_clear(tmp_path: Path, clock: ToldClock):
    """Nor in what is told beside it: in lines, traces and numbers."""
    kept = KeptTraces()
    with lines_of_the_log() as lines:
        async with whole_market(tmp_path, clock, traces=kept.traces) as market:
            secrets = await sell_all(market, clock)
            numbers = Joined([each.metrics for each in market.inside.observers]).exposed("")[0].decode()
    spans = "".join(told.said for told in kept.spans())
    assert "POST /trading/v1/auctions/{auction_id}/bids" in spans and "batch bids" in spans
    assert '"route": "/trading/v1/auctions/{auction_id}/bids"' in lines.getvalue()
    assert 'yaosu_batch_items_count{batch="bids",service="trading"} 2.0' in numbers
    for told in (spans, lines.getvalue(), numbers):
        assert not {secret for secret in secrets if secret in told}


async def sell_all(market: WholeMarket, clock: ToldClock) -> set[str]:
    """One sale after the other, and the log of it looked through. Returns what must be found nowhere."""
    await shelves.open_market(market)
    await shelves.admit_participants(market)
    await fail_to_log_in(market.client)
    await shelves.upload_content(market)
    await shelves.grade_versions(market)
    await shelves.register_assets(market)
    await deals.refuse_raw_persons(market)
    await bidding.open_auction(market, clock.now() + timedelta(days=2))
    await bidding.pay_in(market)
    await bidding.register_bidders(market)
    assert str(bidding.RESERVE).encode() not in await leaves_of(market)  # a bid that reaches it will show it
    for who, maximum in ((ALPHA, bidding.SECOND_MAXIMUM), (BETA, bidding.WINNING_MAXIMUM)):
        body = {"maximum": {"minor": maximum, "currency": "CNY"}}
        await market.people[who].post(f"/trading/v1/auctions/{market.things['auction']}/bids", body)
    before_the_close = await leaves_of(market)
    assert b"trading.bid_placed" in before_the_close
    assert str(bidding.WINNING_MAXIMUM).encode() not in before_the_close

    await market.advance(days=2)
    market.report["auction"] = {}
    await shelves.log_in_again(market)
    for step in (bidding.close, deals.sign_contract, deals.pay, deals.receive, deals.accept, deals.settle):
        await step(market)
        await market.settle()
    await deals.sell_desensitised_persons(market)
    told = (await leaves_of(market)).decode()
    for act in (
        "identity.log_in_refused",
        "trading.auction_closed",
        "trading.order_settled",
        "delivery.delivery_ended",
    ):
        assert f'"act":"{act}"' in told
    log_ins = {f"{who}@demo" for who in NAMES}
    secrets = {PASSWORD, *TRIED_IN_VAIN, *log_ins, *people_of_the_data_set()}
    assert not {secret for secret in secrets if secret in told}
    return secrets
