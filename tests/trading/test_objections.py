"""Objections over HTTP: from what a buyer finds to where every fen has gone, and who comes first."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from services.trading import jobs
from shared.ids import OrderId
from tests.support.bench import Person
from tests.trading.market import START, Market, code, yuan

PRICE, HAD = START, 100_000
RACES = 5
MICROSECOND = timedelta(microseconds=1)
TERMS: dict[str, Any] = {
    "inspection_days": 7, "answer_days": 2, "cures_max": 1,
    "clauses": [{"id": "complete", "measure": "completeness", "bound": 9_800}],
}  # fmt: skip
BROKEN = {"code": "clause_broken", "clause_id": "complete", "observed": 9_400}


async def delivered(market: Market, **terms: Any) -> tuple[Person, dict[str, Any], str]:
    """A buyer who has received, the order, and the path of its first objection."""
    buyer, order = await market.paid(await market.listing(acceptance=TERMS | terms))
    assert (await market.use(buyer, order)).status_code == 201
    return buyer, await market.order(buyer, order), f"/orders/{order['id']}/objections"


def an_objection(claim: int = 4_000, **changes: Any) -> dict[str, Any]:
    return {"grounds": [BROKEN], "claim": yuan(claim), "reason": "缺失过多"} | changes


async def money_of(market: Market, buyer: Person) -> tuple[int, int]:
    """What buyer and provider have, once the custodian has been heard."""
    await market.tick()
    return (await market.wallet(buyer))[0], (await market.wallet(market.provider))[0]


async def test_what_is_cured_is_inspected_again_and_accepted(market: Market):
    buyer, order, path = await delivered(market)
    answer = await market.post(buyer, path, an_objection())
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/trading/v1{path}/1")
    objection = answer.json()
    assert (objection["next_actor"], objection["grounds"]) == ("provider", [BROKEN])
    objected = await market.order(buyer, order)
    assert (objected["state"], objected["next_actor"], objected["reason_code"]) == (
        "objected", "provider", "objected_by_buyer",
    )  # fmt: skip
    assert objected["deadline"] == objection["deadline"]
    assert code(await market.post(buyer, f"/orders/{order['id']}/acceptance")) == (409, "not_due")
    left = (await market.read(buyer, f"/entitlements/{order['entitlement_id']}"))["uses_left"]
    await market.advance(days=1)
    cured = await market.do(market.provider, f"{path}/1/cure", {"reason": "重新上传"})
    assert (cured["answer"]["kind"], cured["outcome"], cured["deadline"]) == ("cure", "delivered_anew", None)
    again = await market.order(buyer, order)
    assert (again["state"], again["reason_code"]) == ("awaiting_acceptance", "delivered_anew")
    assert datetime.fromisoformat(again["deadline"]) == market.bench.clock.now() + timedelta(days=7)
    assert (await market.read(buyer, f"/entitlements/{order['entitlement_id']}"))["uses_left"] == left + 1
    for _ in range(2):
        assert (await market.use(buyer, order)).status_code == 201
    assert (await market.order(buyer, order))["state"] == "awaiting_acceptance", "use accepts nothing here"
    assert (await market.do(buyer, f"/orders/{order['id']}/acceptance"))["state"] == "settling"
    assert await money_of(market, buyer) == (HAD - PRICE, 9_735)
    restored = await market.facts("entitlement_restored")
    assert [(fact["quota_uses"], fact["uses_left"]) for fact in restored] == [(4, left + 1)]
    told = await market.facts("order_objected", "objection_answered", "objection_ended")
    assert [fact.get("answer") or fact.get("reason_code") or fact["reason"] for fact in told] == [
        "缺失过多", "cure", "delivered_anew",
    ]  # fmt: skip
    assert told[0]["grounds"] == [BROKEN]


async def test_an_offered_part_that_is_taken_goes_back_and_the_rest_is_shared_out(market: Market):
    buyer, order, path = await delivered(market)
    await market.do(buyer, path, an_objection())
    offered = await market.do(market.provider, f"{path}/1/concession", {"refund": yuan(1_000), "reason": "补偿"})
    assert (offered["next_actor"], offered["answer"]["kind"]) == ("buyer", "offer")
    assert (await market.order(buyer, order))["reason_code"] == "part_offered"
    assert (await market.do(buyer, f"{path}/1/acceptance"))["outcome"] == "part_taken"
    assert await money_of(market, buyer) == (HAD - PRICE + 1_000, 9_000 - 225 - 13)
    settled = await market.order(buyer, order)
    assert (settled["state"], settled["reason_code"]) == ("settled", "part_taken")
    assert {name: share["minor"] for name, share in settled["settlement"].items()} == {
        "price": PRICE, "refund": 1_000, "provider": 8_762, "fee": 225, "tax": 13,
    }  # fmt: skip
    contract = await market.read(buyer, f"/contracts/{order['contract_id']}")
    assert contract["state"] == "active", "the right goes on"


async def test_a_claim_that_is_conceded_whole_ends_the_sale(market: Market):
    buyer, order, path = await delivered(market)
    await market.do(buyer, path, an_objection(PRICE))
    conceded = await market.do(market.provider, f"{path}/1/concession", {"reason": "确有其事"})
    assert (conceded["answer"]["refund"], conceded["outcome"]) == (yuan(PRICE), "claim_conceded")
    assert await money_of(market, buyer) == (HAD, 0)
    ended = await market.order(buyer, order)
    assert (ended["state"], ended["next_actor"], ended["deadline"]) == ("refunded", None, None)
    assert code(await market.use(buyer, order)) == (409, "entitlement_ended")


async def test_a_price_is_accepted_in_part_with_the_providers_consent(market: Market):
    buyer, _, path = await delivered(market)
    ground = {"code": "incomplete", "clause_id": None, "observed": None}
    await market.do(buyer, path, an_objection(2_500, grounds=[ground]))
    conceded = await market.do(market.provider, f"{path}/1/concession", {"refund": yuan(2_500), "reason": "同意"})
    assert conceded["answer"]["kind"] == "concession"
    assert await money_of(market, buyer) == (HAD - 7_500, 7_500 - 187 - 11)


async def test_silence_ends_every_objection(market: Market):
    """Whoever is silent agrees to what the other said last; nothing is left open, and every fen is somewhere."""
    provider = market.provider
    buyer, silent, path = await delivered(market)
    await market.do(buyer, path, an_objection())
    second, offered, path = await delivered(market)
    await market.do(second, path, an_objection())
    await market.do(provider, f"{path}/1/concession", {"refund": yuan(300), "reason": "补偿"})
    third, rejected, path = await delivered(market)
    await market.do(third, path, an_objection())
    assert (await market.do(provider, f"{path}/1/rejection", {"reason": "无误"}))["next_actor"] == "buyer"
    fourth, declined, path = await delivered(market)
    await market.do(fourth, path, an_objection())
    await market.do(provider, f"{path}/1/concession", {"refund": yuan(300), "reason": "补偿"})
    assert (await market.do(fourth, f"{path}/1/refusal"))["declined_at"]
    await market.advance(days=2)
    ends = {
        "provider_silent": (buyer, silent, 4_000), "part_taken_by_deadline": (second, offered, 300),
        "objection_not_pursued": (third, rejected, 0), "": (fourth, declined, 0),
    }  # fmt: skip
    for reason, (who, order, back) in ends.items():
        over = await market.order(who, order)
        assert (over["state"], over["reason_code"]) == ("settled", reason or "objection_not_pursued")
        assert (await market.wallet(who)) == (HAD - PRICE + back, 0)
        seen = (await market.read(who, f"/orders/{order['id']}/objections"))["items"]
        assert [(each["outcome"], each["next_actor"], each["deadline"]) for each in seen] == [
            (over["reason_code"], None, None)
        ]
    assert len(await market.facts("objection_ended")) == 4
    assert len(await market.facts("offered_part_declined")) == 1


async def test_what_cannot_be_said_changes_nothing(market: Market):
    buyer, order, path = await delivered(market)
    provider, stranger, end = market.provider, await market.buyer(), datetime.fromisoformat(order["deadline"])
    market.bench.clock.set(end)
    await market.bench.refresh()
    assert code(await market.post(buyer, path, an_objection())) == (409, "deadline_passed")
    market.bench.clock.set(end - MICROSECOND)
    kept = BROKEN | {"observed": 9_800}
    unclear = BROKEN | {"observed_digest": "ab" * 32}
    for who, body, told in (
        (buyer, an_objection(PRICE + 1), (409, "claim_impossible")),
        (buyer, an_objection(0), (409, "claim_impossible")),
        (buyer, an_objection(-1), (422, "malformed")),
        (buyer, an_objection() | {"claim": {"minor": 1, "currency": "USD"}}, (422, "malformed")),
        (buyer, an_objection(grounds=[kept]), (409, "clause_kept")),
        (buyer, an_objection(grounds=[unclear]), (422, "ground_unclear")),
        (buyer, an_objection(grounds=[BROKEN | {"clause_id": "other"}]), (409, "no_such_clause")),
        (buyer, an_objection(grounds=[]), (422, "malformed")),
        (stranger, an_objection(), (404, "no_such_order")),
        (provider, an_objection(), (403, "forbidden")),
    ):
        refused = await market.post(who, path, body)
        assert code(refused)[0] == told[0] and (told[0] == 403 or code(refused) == told), refused.text
    assert (await market.order(buyer, order))["state"] == "awaiting_acceptance"
    key = "objection-one"
    first, again = [await market.post(buyer, path, an_objection(), key) for _ in range(2)]
    twice = await market.post(buyer, path, an_objection())
    assert first.json() == again.json() == twice.json() and twice.status_code == 201
    assert code(await market.post(buyer, path, an_objection(1))) == (409, "not_due")
    offer, reason = {"refund": yuan(4_001), "reason": "多赔"}, {"reason": "无误"}
    assert code(await market.post(provider, f"{path}/1/concession", offer)) == (409, "offer_impossible")
    assert code(await market.post(provider, f"{path}/2/rejection", reason)) == (404, "no_such_objection")
    for act in ("acceptance", "refusal"):
        assert code(await market.post(buyer, f"{path}/1/{act}")) == (409, "not_due")
    for act in ("acceptance", "refusal", "withdrawal"):
        assert code(await market.post(stranger, f"{path}/1/{act}")) == (404, "no_such_order")
    for theirs in (path, f"{path}/1"):
        assert (await market.bench.get(stranger, f"/trading/v1{theirs}")).status_code == 404
    nobodys = f"/trading/v1/orders/{OrderId.new()}/objections"
    assert (await market.bench.get(stranger, nobodys)).json()["code"] == "no_such_order"
    regulator = market.bench.staff("regulator")
    assert (await market.read(regulator, f"{path}/1"))["claim"] == yuan(4_000)
    await market.do(buyer, f"{path}/1/withdrawal")
    assert code(await market.post(provider, f"{path}/1/rejection", reason)) == (409, "objection_over")
    assert await money_of(market, buyer) == (HAD - PRICE, 9_735)
    assert len(await market.facts("order_objected")) == len(await market.facts("objection_ended")) == 1


async def test_accepting_twice_is_accepting_once(market: Market):
    buyer, order, _ = await delivered(market)
    first, second = [await market.do(buyer, f"/orders/{order['id']}/acceptance") for _ in range(2)]
    assert first == second and first["state"] == "settling"
    await market.tick()
    assert (await market.do(buyer, f"/orders/{order['id']}/acceptance"))["state"] == "settled"
    assert len(await market.facts("order_accepted")) == 1


async def test_use_accepts_where_the_contract_says_so_counted_anew_after_a_cure(market: Market):
    buyer, order, path = await delivered(market, accepting_use=2)
    await market.do(buyer, path, an_objection())
    assert (await market.use(buyer, order)).status_code == 201, "what is objected to may be looked at again"
    assert (await market.order(buyer, order))["state"] == "objected"
    await market.advance(hours=1)
    await market.do(market.provider, f"{path}/1/cure", {"reason": "重新上传"})
    await market.use(buyer, order)
    assert (await market.order(buyer, order))["state"] == "awaiting_acceptance"
    await market.use(buyer, order)
    used = await market.order(buyer, order)
    assert (used["state"], used["reason_code"]) == ("settling", "accepted_by_use")
    assert await money_of(market, buyer) == (HAD - PRICE, 9_735)


async def test_of_an_acceptance_an_objection_and_the_end_of_the_inspection_one_comes_first(market: Market):
    outcomes = Counter[str]()
    for turns in range(RACES):
        buyer, order, path = await delivered(market)
        end = datetime.fromisoformat(order["deadline"])
        market.bench.clock.set(end - MICROSECOND)
        await market.bench.refresh()
        outcomes[await _race(market, buyer, order, path, end, 4**turns)] += 1
    assert set(outcomes) <= {"accepted_by_buyer", "objected_by_buyer", "accepted_by_deadline"}
    accepted, objected = await market.facts("order_accepted"), await market.facts("order_objected")
    first = [*objected, *(fact for fact in accepted if fact["reason_code"] != "provider_silent")]
    assert len(first) == len({fact["order_id"] for fact in first}) == RACES


async def _race(
    market: Market, buyer: Person, order: dict[str, Any], path: str, end: datetime, turns: int
) -> str:  # fmt: skip
    async def let_it_end() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        market.bench.clock.set(end)
        await jobs.pass_deadlines(market.trading)

    accept = market.post(buyer, f"/orders/{order['id']}/acceptance")
    accepted, objected, *_ = await asyncio.gather(accept, market.post(buyer, path, an_objection()), let_it_end())
    for answer in (accepted, objected):
        assert answer.is_success or code(answer) in {
            (409, "not_due"), (409, "deadline_passed"), (503, "database_busy"),
        }, answer.text  # fmt: skip
    await jobs.pass_deadlines(market.trading)
    assert not (accepted.is_success and objected.is_success)
    seen = await market.order(buyer, order)
    assert (seen["state"] == "objected") == objected.is_success
    assert (seen["reason_code"] == "accepted_by_buyer") == accepted.is_success
    return seen["reason_code"]
