"""Negotiations over HTTP: who sees what, and what happens at the same time."""

import asyncio
import json
from collections import Counter
from hashlib import sha256
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import update

from services.trading.tables.negotiations import negotiations, offers
from shared.outbox import Outbox
from tests.support.migrated import by_administrator
from tests.trading.market import Market, code
from tests.trading.negotiation.asked import (
    PRICE,
    accepted,
    answered,
    asked,
    directed,
    ended,
    listed,
    orders,
    read,
)

# --- who sees what ---


async def test_both_see_the_same_and_nobody_else_sees_anything(market: Market):
    listing, buyer, other = await listed(market), await market.buyer(), await market.buyer()
    public = (await answered(market, market.provider, (await asked(market, buyer, listing)).json(), 50_000)).json()
    private = (await directed(market, other, listing)).json()
    provider, regulator = market.provider, market.bench.staff("regulator")
    operator, rival = market.bench.staff("operator_business"), await market.bench.member("provider")
    sees = {
        "provider": (provider, {public["id"], private["id"]}), "buyer": (buyer, {public["id"]}),
        "other": (other, {private["id"]}), "rival": (rival, set[str]()),
        "regulator": (regulator, {public["id"], private["id"]}),
        "operator": (operator, {private["id"]}),
    }  # fmt: skip
    for name, (who, expected) in sees.items():
        listed_to = await market.read(who, "/negotiations")
        assert {each["id"] for each in listed_to["items"]} == expected, name
        for each in (public, private):
            answer = await market.bench.get(who, f"/trading/v1/negotiations/{each['id']}")
            assert answer.status_code == (200 if each["id"] in expected else 404), name
            assert each["id"] not in expected or answer.json() == each, "every reader is shown the same"
    assert code(await market.bench.get(None, "/trading/v1/negotiations")) == (401, "unauthenticated")
    assert (
        await market.bench.get(market.bench.staff("operator_system"), "/trading/v1/negotiations")
    ).status_code == 403
    assert (await market.read(provider, "/negotiations?state=offered&limit=1"))["next_cursor"]
    assert (await market.read(buyer, "/negotiations?state=requested"))["items"] == []


async def test_whoever_reads_the_terms_can_hash_them(market: Market):
    seen = (await asked(market, await market.buyer(), await listed(market))).json()
    offer = seen["offers"][0]
    terms = offer["terms"] | {"right": {k: v for k, v in offer["terms"]["right"].items() if v is not None}}
    assert json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == offer["terms_text"]
    assert sha256(offer["terms_text"].encode()).hexdigest() == offer["terms_hash"]


async def test_an_offer_once_made_is_never_changed(market: Market):
    seen = (await asked(market, await market.buyer(), await listed(market))).json()
    with pytest.raises(DBAPIError, match="append-only"):
        async with by_administrator(market.trading.database) as tx:
            await tx.execute(update(offers).where(offers.c.negotiation_id == seen["id"]).values(price_minor=1))


async def test_the_database_too_refuses_a_second_negotiation_under_way(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    for _ in range(2):
        await ended(market, buyer, (await asked(market, buyer, listing)).json())
    with pytest.raises(DBAPIError):
        async with market.trading.database.transaction() as tx:
            await tx.execute(update(negotiations).values(state="requested"))


# --- at the same time ---


async def test_a_yes_and_a_counter_at_once_leave_one_award_or_one_new_offer(market: Market):
    outcomes = Counter[str]()
    for _ in range(6):
        listing, buyer = await listed(market), await market.buyer()
        seen = (await answered(market, market.provider, (await asked(market, buyer, listing)).json(), 50_000)).json()
        before = len(await orders(market))
        took, countered = await asyncio.gather(
            accepted(market, buyer, seen), answered(market, buyer, seen, PRICE), return_exceptions=False
        )
        now = await read(market, buyer, seen)
        made = len(await orders(market)) - before
        if took.is_success:
            assert (code(countered), now["state"], made) == ((409, "negotiation_over"), "agreed", 1)
        else:
            assert code(took) == (409, "offer_superseded")
            assert (countered.status_code, now["state"], made) == (201, "requested", 0)
        outcomes[now["state"]] += 1
    assert sum(outcomes.values()) == 6


async def test_a_yes_said_many_times_at_once_is_one_award(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    seen = (await asked(market, buyer, listing)).json()
    answers = await asyncio.gather(*(accepted(market, market.provider, seen, uuid4().hex) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["order_id"] for answer in answers} == {(await orders(market))[0]["id"]}
    assert len(await orders(market)) == len(await market.facts("negotiation_accepted")) == 1


async def test_two_buyers_of_an_exclusive_right_at_once_leave_one_award(market: Market):
    listing = await listed(market, "exclusive")
    buyers = [await market.buyer() for _ in range(4)]
    seen = [(await asked(market, who, listing)).json() for who in buyers]
    offered = [(await answered(market, market.provider, each, 50_000)).json() for each in seen]
    answers = await asyncio.gather(
        *(accepted(market, who, each) for who, each in zip(buyers, offered, strict=True))
    )  # fmt: skip
    assert Counter(code(answer) for answer in answers) == {(200, None): 1, (409, "listing_not_open"): 3}
    assert len(await orders(market)) == 1


async def test_a_yes_that_cannot_be_told_does_not_count(market: Market, monkeypatch: pytest.MonkeyPatch):
    listing, buyer = await listed(market), await market.buyer()
    seen = (await asked(market, buyer, listing)).json()

    async def broken(*_: object) -> None:
        raise RuntimeError("the outbox does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "record", broken)
        assert (await accepted(market, market.provider, seen)).status_code == 500
    assert await read(market, buyer, seen) == seen
    assert await orders(market) == []
