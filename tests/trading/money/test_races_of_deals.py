"""Fifty at once on what a deal debits on its way: the fees of disputes, what nobody disputes, what a meter gives back,
what is offered of a claim, and what the custodian refused."""

import asyncio
from functools import partial
from typing import Any

from sqlalchemy import select

from services.trading.actions import dispute as dispute_actions
from services.trading.tables.money import instructions
from shared.ids import DisputeId, UseId
from tests.support.bench import Person
from tests.trading.contracts.dealing import AGREED, REASONED, offer, quoted, signed_deal
from tests.trading.dispute.court import FEE, PRICE, Court, a_court
from tests.trading.market import Market, yuan
from tests.trading.money.books import books_of
from tests.trading.money.test_races import RACERS, TURNS_MAX, come_to_rest, raced
from tests.trading.test_metered import CLOSING, RESERVED, measured


async def test_of_fifty_claims_at_once_only_those_are_heard_whose_fee_is_covered(market: Market):
    orders, price = 4, 100
    buyer, (listing, plan_id) = await market.buyer(orders * price + 2 * FEE + 999), await offer(market)
    bought = list[dict[str, Any]]()
    for _ in range(orders):
        said = quoted(market, buyer, listing, plan_id, price)
        order = await market.do(buyer, "/orders", {"listing_id": listing["id"], **said})
        await market.signed(buyer, order)
        bought.append(await market.do(buyer, f"/orders/{order['id']}/payment"))
    courts = [Court(market, buyer, order) for order in bought]
    claims = [partial(courts[turn % orders].try_open, price, category="not_delivered") for turn in range(RACERS)]
    found = await raced(*claims)
    assert found["done"] == 2 and set(found) <= {"done", "insufficient_funds", "not_due", "disputed_already"}
    assert await market.wallet(buyer) == (999, 2 * FEE)
    assert len(await market.facts("arbitration_fee_held")) == 2
    (await books_of(market)).check()


async def test_what_nobody_disputes_is_shared_out_once_whoever_ends_the_hearing(market: Market):
    court = await a_court(market)
    dispute = await court.open(7_000)
    assert (await court.respond(dispute)).is_success
    deadline = (await court.see(dispute))["deadline"]
    market.bench.clock.set(type(market.bench.clock.now()).fromisoformat(deadline))
    await market.bench.refresh()
    ends = partial(dispute_actions.pass_deadline, market.trading, DisputeId(dispute["id"]))
    offers = [partial(court.settle, who, dispute, 5_000) for who in (court.buyer, court.provider)]
    racing = (ends() if turn % 3 else offers[turn % 2]() for turn in range(RACERS))
    await asyncio.gather(*racing, return_exceptions=True)
    for _ in range(TURNS_MAX):
        if (await market.order(court.buyer, court.order))["state"] == "settled":
            break
        await market.advance(days=40)
    async with market.trading.database.read() as tx:
        given = select(instructions.c.amount_minor).where(instructions.c.natural_key == f"early:{court.order['id']}")
        early = list(await tx.scalars(given))
    order = await market.order(court.buyer, court.order)
    assert early in ([], [PRICE - 7_000]) and order["state"] == "settled"
    (await books_of(market)).check_at_rest()


async def test_fifty_closings_and_uses_at_once_read_off_what_was_used_and_give_the_rest_back_once(market: Market):
    buyer, order = await measured(market)
    close = partial(market.post, buyer, f"/orders/{order['id']}{CLOSING}")
    uses = (partial(market.use, buyer, order, UseId.new()) for _ in range(RACERS // 2))
    found = await raced(*(act for pair in zip(uses, [close] * (RACERS // 2), strict=True) for act in pair))
    assert set(found) <= {"done", "quota_spent", "entitlement_ended"}
    read = await market.order(buyer, order)
    assert read["metered_units"] == len(await market.facts("entitlement_used"))
    (told,) = await market.facts("order_metered")
    assert told["unused"]["minor"] + read["price"]["minor"] == RESERVED
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await come_to_rest(market)
    (await books_of(market)).check_at_rest()


async def test_of_fifty_who_take_decline_or_drop_what_is_offered_one_is_heard(market: Market):
    buyer, order = await signed_deal(market)
    assert (await market.use(buyer, order)).is_success
    path = f"/orders/{order['id']}/objections"
    await market.do(buyer, path, {"grounds": [{"code": "unreadable"}], "claim": yuan(4_000), "reason": "乱码"})
    await market.do(market.provider, f"{path}/1/concession", {"refund": yuan(1_000), "reason": "补偿"})
    before, _ = await market.wallet(buyer)
    answers = [partial(market.post, buyer, f"{path}/1/{how}") for how in ("acceptance", "refusal", "withdrawal")]
    await raced(*(answers[turn % 3] for turn in range(RACERS)))
    await market.advance(days=10)
    settled = await market.order(buyer, order)
    back = settled["settlement"]["refund"]["minor"]
    assert settled["state"] == "settled" and back in {0, 1_000}
    assert (await market.wallet(buyer))[0] == before + back
    assert (await market.read(buyer, f"{path}/1"))["outcome"] == settled["reason_code"]
    (await books_of(market)).check_at_rest()


async def test_of_fifty_who_resume_what_was_refused_one_sends_it_anew(market: Market):
    buyer, order = await signed_deal(market)
    await _refused_refund(market, buyer, order)
    operator = market.bench.staff("operator_business")
    (parked,) = (await market.read(operator, "/instructions"))["items"]
    resume = partial(market.post, operator, f"/instructions/{parked['id']}/resume", {"reason": "查过了"})
    assert await raced(*([resume] * RACERS)) == {"done": 1, "nothing_to_resume": RACERS - 1}
    await come_to_rest(market)
    async with market.trading.database.read() as tx:
        sent = select(instructions.c.state).where(instructions.c.kind == "refund")
        assert sorted(await tx.scalars(sent)) == ["confirmed", "refused"]
    (await books_of(market)).check_at_rest()


async def _refused_refund(market: Market, buyer: Person, order: dict[str, Any]) -> None:
    market.custodian.faults.append(("refund", "refused"))
    path = f"/contracts/{order['contract_id']}/terminations"
    proposed = await market.do(buyer, path, REASONED)
    await market.do(market.provider, f"{path}/{proposed['id']}/agreement", AGREED)
    await market.tick()
