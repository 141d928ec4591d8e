"""Shares of a combined product over HTTP: computed for its parties, kept for ever, told to nobody else."""

import hashlib
import json
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from services.pricing.rules.document import IN_FACT_BYTES_MAX
from services.pricing.schemas.shares import NewRevenueShares
from shared.ids import ParticipantId, RevenueShareId
from tests.catalog.market import Market, refusal
from tests.support.bench import Person
from tests.support.writes import id_of

PATH = "/pricing/v1/revenue-shares"
GOLDEN = [0, 10, 20, 50, 0, 10, 20, 60]


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


def asked(*parties: Person, price: int = 1_000, **method: Any) -> dict[str, Any]:
    return {"price": yuan(price), "parties": [each.participant_id for each in parties], "fees": []} | method


async def providers(market: Market, count: int) -> list[Person]:
    found = [await market.provider() for _ in range(count)]
    return sorted(found, key=lambda person: str(person.participant_id))


async def test_the_golden_game_is_shared_and_told_to_its_parties_alone(market: Market):
    bench, (a, b, c) = market.bench, await providers(market, 3)
    stranger = await market.provider()
    answer = await bench.post(a, PATH, asked(a, b, c, worths=GOLDEN))
    told = market.done(answer, 201)
    assert [(share["value"], share["amount"]["minor"]) for share in told["shares"]] == [
        ("70/3", 389), ("100/3", 556), ("10/3", 55),
    ]  # fmt: skip
    assert [share["participant_id"] for share in told["shares"]] == [each.participant_id for each in (a, b, c)]
    assert (told["method"], told["fees"], told["fee_schedule_id"]) == ("shapley", [], None)
    assert hashlib.sha256(told["document"].encode()).hexdigest() == told["document_hash"]
    path = answer.headers["Location"]
    for person in (a, b, c, bench.staff("regulator")):
        assert (await bench.get(person, path)).json() == told
    assert refusal(await bench.get(stranger, path)) == (404, "no_such_revenue_shares")
    assert refusal(await bench.get(bench.staff("operator_business"), path)) == (403, "not_your_role")
    assert refusal(await bench.get(a, f"{PATH}/{RevenueShareId.new()}")) == (404, "no_such_revenue_shares")
    assert refusal(await bench.get(None, path)) == (401, "unauthenticated")
    [fact] = await bench.cores["pricing"].feed.after({})
    assert fact.act == "pricing.revenue_shared"
    assert fact.data["document"] == told["document"] and fact.data["shares"] == [
        share | {"clamped": False} for share in told["shares"]
    ]


async def test_the_same_question_has_the_same_document_whoever_asks_and_in_whatever_order(market: Market):
    bench, (a, b, c) = market.bench, await providers(market, 3)
    first = market.done(await bench.post(a, PATH, asked(a, b, c, worths=GOLDEN)), 201)
    # B, C, A: the bits of a mask are B, C and A.
    turned = [0, 20, 0, 20, 10, 50, 10, 60]
    bench.clock.advance(seconds=1)
    again = market.done(await bench.post(c, PATH, asked(b, c, a, worths=turned)), 201)
    assert again["id"] != first["id"] and again["document"] == first["document"]


async def test_a_request_that_comes_twice_is_answered_as_the_first_time(market: Market):
    bench, [a] = market.bench, await providers(market, 1)
    key, body = uuid4().hex, asked(a, coverage=[{"weight": 1, "holders": [0]}])
    first = await bench.post(a, PATH, body, key=key)
    assert (await bench.post(a, PATH, body, key=key)).json() == market.done(first, 201)
    assert len(await bench.cores["pricing"].feed.after({})) == 1


async def test_the_schedule_in_force_is_taken_off_first(market: Market):
    bench, (a, b) = market.bench, await providers(market, 2)
    body = asked(a, b, price=123_457, coverage=[{"weight": 3, "holders": [0, 1]}, {"weight": 1, "holders": [1]}])
    told = market.done(await bench.post(a, PATH, body | {"fees": None}), 201)
    assert [fee["amount"]["minor"] for fee in told["fees"]] == [3_086, 185]
    assert told["fee_schedule_id"] == "fees_2026_01"
    assert [share["value"] for share in told["shares"]] == ["3/2", "5/2"]
    assert [share["amount"]["minor"] for share in told["shares"]] == [45_070, 75_116]  # of 120186


async def test_affiliates_are_one_holder_however_many_accounts_they_have(market: Market):
    bench, (a, b) = market.bench, await providers(market, 2)
    twin = await bench.member("provider", affiliate_of=a)
    coverage = [{"weight": 60, "holders": [0, 1, 2]}]
    told = market.done(await bench.post(b, PATH, asked(a, b, twin, coverage=coverage)), 201)
    values = {share["participant_id"]: share["value"] for share in told["shares"]}
    assert values == {a.participant_id: "15", b.participant_id: "30", twin.participant_id: "15"}
    assert sorted(json.loads(told["document"])["utility"]["groups"]) in ([0, 0, 1], [0, 0, 2], [0, 1, 1])


async def test_what_is_not_shared(market: Market):
    bench, (a, b) = market.bench, await providers(market, 2)
    buyer, one = await bench.member("buyer"), [{"weight": 1, "holders": [0]}]

    async def answer(person: Person, *parties: Person, **parts: Any) -> tuple[int, str]:
        return refusal(await bench.post(person, PATH, asked(*parties, **parts)))

    assert await answer(a, b, coverage=one) == (409, "not_a_party")
    assert await answer(a, a, a, coverage=one) == (422, "party_repeated")
    assert await answer(a, a, coverage=[{"weight": 1, "holders": [1]}]) == (422, "party_unknown")
    assert await answer(a, a, b, worths=[0, 1, 2]) == (422, "worths_incomplete")
    assert await answer(a, a, coverage=one, worths=[0, 1]) == (422, "malformed")
    assert await answer(a, a, coverage=one, fees=[{"description": "费", "amount": yuan(1_001)}]) == (
        409, "fees_exceed_price",
    )  # fmt: skip
    assert await answer(a, a, coverage=[{"weight": 0, "holders": [0]}]) == (409, "nothing_to_share")
    unknown = asked(a, coverage=one) | {"parties": [a.participant_id, id_of("participant")]}
    told = await bench.post(a, PATH, unknown)
    assert refusal(told) == (409, "party_not_admitted") and told.json()["participant_id"] == id_of("participant")
    assert refusal(await bench.post(bench.staff("operator_business"), PATH, asked(a, coverage=one)))[0] == 403
    market.done(await bench.post(buyer, PATH, asked(buyer, coverage=one)), 201)
    bench.clock.advance(minutes=1)
    assert await answer(a, a, coverage=one) == (503, "standing_unknown")


async def test_more_than_twelve_are_refused_with_the_way_out(market: Market):
    bench, people = market.bench, await providers(market, 13)
    answer = await bench.post(people[0], PATH, asked(*people, worths=[0] * 2**13))
    assert refusal(answer) == (422, "too_many_parties")
    assert (answer.json()["parties_max"], answer.json()["instead"]) == (12, "coverage")
    told = asked(*people, coverage=[{"weight": 13, "holders": list(range(13))}])
    assert {share["value"] for share in market.done(await bench.post(people[0], PATH, told), 201)["shares"]} == {"1"}


async def test_a_document_larger_than_a_fact_is_told_by_its_hash(market: Market):
    bench, people = market.bench, await providers(market, 12)
    worths = [100_000 * mask.bit_count() for mask in range(2**12)]
    told = market.done(await bench.post(people[0], PATH, asked(*people, worths=worths)), 201)
    assert len(told["document"]) > IN_FACT_BYTES_MAX
    [fact] = await bench.cores["pricing"].feed.after({})
    assert "document" not in fact.data and fact.data["document_hash"] == told["document_hash"]


MISUNDERSTOOD: list[dict[str, Any]] = [
    {"parties": []}, {"parties": ["x"]}, {"coverage": []}, {"coverage": None}, {"price": yuan(-1)},
    {"coverage": [{"weight": -1, "holders": [0]}]}, {"coverage": [{"weight": 1, "holders": []}]},
    {"coverage": [{"weight": 1.5, "holders": [0]}]}, {"coverage": [{"weight": 1, "holders": [100]}]},
    {"worths": [0]}, {"fees": [{"description": " ", "amount": yuan(1)}]}, {"more": 1},
]  # fmt: skip


@pytest.mark.parametrize("change", MISUNDERSTOOD, ids=range(len(MISUNDERSTOOD)))
def test_questions_that_are_not_understood(change: dict[str, Any]):
    body = {"price": yuan(1), "parties": [ParticipantId.new()], "coverage": [{"weight": 1, "holders": [0]}]}
    assert NewRevenueShares.model_validate(body)
    with pytest.raises(ValidationError):
        NewRevenueShares.model_validate(body | change)
