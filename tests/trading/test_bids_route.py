"""A bid is answered by the quick way, and in everything as the ordinary way would."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response

from services.trading.api.bids import BidRoute
from tests.support.bench import Person
from tests.trading.market import START, STEP, Market, code, yuan

OF_ONE = {"x-request-id", "content-length", "ratelimit"}  # request
OWN = {"id", "sequence", "maximum", "price_after"}  # of each bid


async def test_both_ways_answer_alike(market: Market, monkeypatch: pytest.MonkeyPatch):
    auction_id = await market.auction()
    ana = await market.bidder(auction_id)
    quick = await market.bid(ana, auction_id, START)
    with monkeypatch.context() as patched:
        patched.setattr(BidRoute, "read", _cannot_read)
        ordinary = await market.bid(ana, auction_id, START + STEP)
    assert quick.status_code == ordinary.status_code == 201
    assert _but_own(quick.json()) == _but_own(ordinary.json()) and list(quick.json()) == list(ordinary.json())
    assert _headers(quick) == _headers(ordinary)


@pytest.mark.parametrize("body, path, key, expected", [
    ({"maximum": {"minor": "1", "currency": "CNY"}}, "{}",     "a-key-of-mine", (422, "malformed")),
    ({"maximum": {"minor": 1.0, "currency": "CNY"}}, "{}",     "a-key-of-mine", (422, "malformed")),
    ({"maximum": yuan(0)},                           "{}",     "a-key-of-mine", (422, "malformed")),
    ({"maximum": yuan(START), "more": 1},            "{}",     "a-key-of-mine", (422, "malformed")),
    (None,                                           "{}",     "a-key-of-mine", (422, "malformed")),
    ({"maximum": yuan(START)},                       "x{}",    "a-key-of-mine", (422, "malformed")),
    ({"maximum": yuan(START)},                       "{}",     "short",         (400, "idempotency_key")),
    ({"maximum": yuan(0)},                           "{}",     "short",         (400, "idempotency_key")),
])  # fmt: skip
async def test_what_is_refused_is_refused_alike(
    market: Market, monkeypatch: pytest.MonkeyPatch, body: Any, path: str, key: str, expected: tuple[int, str]
):
    auction_id = path.format(await market.auction())
    buyer, stranger = await market.buyer(), market.bench.staff("operator_business")

    async def ask(who: Person | None) -> Response:
        return await market.bench.post(who, f"/trading/v1/auctions/{auction_id}/bids", body, key)

    quick = [await ask(who) for who in (buyer, stranger, None)]
    monkeypatch.setattr(BidRoute, "read", _cannot_read)
    ordinary = [await ask(who) for who in (buyer, stranger, None)]
    assert code(quick[0]) == expected
    assert [code(each)[0] for each in quick[1:]] == [403, 401]
    assert [_problem(each) for each in quick] == [_problem(each) for each in ordinary]


async def test_a_query_that_nobody_reads_is_refused(market: Market):
    auction_id = await market.auction()
    ana = await market.bidder(auction_id)
    path = f"/trading/v1/auctions/{auction_id}/bids?loud=1"
    assert code(await market.bench.post(ana, path, {"maximum": yuan(START)})) == (422, "unknown_parameter")


async def test_the_same_key_gets_the_same_bytes(market: Market):
    auction_id, key = await market.auction(), uuid4().hex
    ana = await market.bidder(auction_id)
    first, again = [await market.bid(ana, auction_id, START, key) for _ in range(2)]
    assert first.content == again.content and first.status_code == again.status_code == 201


async def _cannot_read(*_: object) -> None:
    raise ValueError("the ordinary way, for once")


def _but_own(bid: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in bid.items() if name not in OWN}


def _headers(answer: Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in OF_ONE}


def _problem(answer: Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}
