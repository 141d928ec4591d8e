"""Contracts that are ended by agreement, contested or renewed, between the parties of a market, on both databases."""

import asyncio
from typing import Any

import pytest

from shared.ids import TerminationId
from tests.support.bench import Person
from tests.trading.contracts.dealing import (
    AGREED,
    ON_ONE_DATABASE,
    PRICE,
    REASONED,
    amend,
    offer,
    quoted,
    right_of,
    signed_deal,
)
from tests.trading.market import Market, code


async def propose(market: Market, who: Person, order: dict[str, Any]) -> dict[str, Any]:
    return await market.do(who, f"/contracts/{order['contract_id']}/terminations", REASONED)


def answer(order: dict[str, Any], proposed: dict[str, Any], how: str) -> str:
    return f"/contracts/{order['contract_id']}/terminations/{proposed['id']}/{how}"


async def test_what_is_paid_and_not_delivered_is_refunded_when_both_end_it(market: Market):
    buyer, order = await signed_deal(market)
    proposed = await propose(market, buyer, order)
    assert (proposed["state"], proposed["next_actor"]) == ("proposed", "provider")
    agreed = await market.do(market.provider, answer(order, proposed, "agreement"), AGREED)
    assert (agreed["state"], agreed["ground"], agreed["reason"]) == ("agreed", "no_longer_needed", "项目已结束")
    assert (agreed["reason_code"], agreed["answer"]) == ("no_longer_needed", "同意")
    after = await market.order(buyer, order)
    assert (after["state"], after["reason_code"], after["deadline"]) == ("refunded", "terminated_by_agreement", None)
    contract = await market.read(buyer, f"/contracts/{order['contract_id']}")
    assert (contract["state"], contract["reason_code"]) == ("terminated", "terminated_by_agreement")
    assert code(await market.use(buyer, order)) == (409, "entitlement_ended")
    assert await market.wallet(buyer) == (50_000, 0)
    again = await market.post(market.provider, answer(order, proposed, "agreement"), AGREED)
    assert code(again) == (409, "termination_answered")
    assert len(await market.facts("escrow_refunded")) == 1


async def test_what_is_delivered_is_settled_and_its_right_ends_for_the_future(market: Market):
    buyer, order = await signed_deal(market)
    await market.use(buyer, order)
    proposed = await propose(market, market.provider, order)
    await market.do(buyer, answer(order, proposed, "agreement"), AGREED)
    right = await right_of(market, buyer, order)
    assert (right["state"], right["reason_code"]) == ("ended", "terminated_by_agreement")
    assert code(await market.use(buyer, order)) == (409, "entitlement_ended")
    assert (await market.order(buyer, order))["state"] == "awaiting_acceptance"
    await market.advance(days=7)
    assert (await market.order(buyer, order))["state"] == "settled"
    assert await market.wallet(buyer) == (50_000 - PRICE, 0)
    assert (await market.read(buyer, f"/contracts/{order['contract_id']}"))["state"] == "terminated"
    renewed = await market.post(buyer, f"/contracts/{order['contract_id']}/renewals", {
        "quote_id": order["quote_id"], "quote_version": 1, "total": {"minor": PRICE, "currency": "CNY"},
    })  # fmt: skip
    assert code(renewed) == (409, "contract_not_active")


@ON_ONE_DATABASE
async def test_before_the_payment_the_order_lapses_at_nobodys_cost(market: Market):
    buyer, order = await signed_deal(market, pays=False)
    proposed = await propose(market, buyer, order)
    await market.do(market.provider, answer(order, proposed, "agreement"), AGREED)
    after = await market.order(buyer, order)
    assert (after["state"], after["reason_code"]) == ("lapsed", "terminated_by_agreement")
    assert await market.wallet(buyer) == (50_000, 0)


@ON_ONE_DATABASE
async def test_a_winner_is_not_let_off_by_agreement(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    proposed = await propose(market, buyer, order)
    refused = await market.post(market.provider, answer(order, proposed, "agreement"), AGREED)
    assert code(refused) == (409, "auction_binds")
    await market.do(buyer, f"/orders/{order['id']}/payment")
    await market.do(market.provider, answer(order, proposed, "agreement"), AGREED)
    assert (await market.order(buyer, order))["state"] == "refunded"
    assert await market.wallet(buyer) == (100_000, 0)


@ON_ONE_DATABASE
async def test_what_is_contested_stands_and_both_see_why(market: Market):
    buyer, order = await signed_deal(market)
    proposed = await propose(market, buyer, order)
    objection = {"reason_code": "ground_denied", "reason": "合同应当履行"}
    own = await market.post(buyer, answer(order, proposed, "contest"), objection)
    assert code(own) == (409, "not_yours_to_answer")
    await market.do(market.provider, answer(order, proposed, "contest"), objection)
    for who in (buyer, market.provider, market.bench.staff("regulator")):
        (told,) = (await market.read(who, f"/contracts/{order['contract_id']}/terminations"))["items"]
        assert (told["state"], told["reason_code"], told["answer"]) == ("contested", "ground_denied", "合同应当履行")
    assert (await market.read(buyer, f"/contracts/{order['contract_id']}"))["state"] == "active"
    assert (await market.use(buyer, order)).status_code == 201
    assert (await propose(market, market.provider, order))["state"] == "proposed", "either may ask again"


async def test_silence_is_a_no(market: Market):
    buyer, order = await signed_deal(market)
    await market.use(buyer, order)
    proposed = await propose(market, buyer, order)
    assert code(await market.post(market.provider, f"/contracts/{order['contract_id']}/terminations", REASONED)) == (
        409, "termination_open",
    )  # fmt: skip
    await market.advance(days=5)
    (told,) = (await market.read(buyer, f"/contracts/{order['contract_id']}/terminations"))["items"]
    assert (told["state"], told["reason_code"], told["next_actor"]) == ("lapsed", "not_answered", None)
    late = await market.post(market.provider, answer(order, proposed, "agreement"), AGREED)
    assert code(late) == (409, "termination_answered")
    assert (await market.read(buyer, f"/contracts/{order['contract_id']}"))["state"] == "active"


@ON_ONE_DATABASE
async def test_a_proposal_is_found_under_its_own_contract_alone(market: Market):
    buyer, order = await signed_deal(market)
    other_buyer, other = await signed_deal(market)
    proposed = await propose(market, buyer, order)
    for wrong in (answer(other, proposed, "agreement"), answer(order, {"id": TerminationId.new()}, "agreement")):
        assert code(await market.post(market.provider, wrong, AGREED)) == (404, "no_such_termination")
    stranger = await market.post(other_buyer, answer(order, proposed, "agreement"), AGREED)
    assert code(stranger) == (404, "no_such_contract")


async def test_agreeing_and_contesting_at_once_is_one_answer(market: Market):
    buyer, order = await signed_deal(market)
    proposed = await propose(market, buyer, order)
    objection = {"reason_code": "still_needed", "reason": "否"}
    answers = await asyncio.gather(*(
        market.post(market.provider, answer(order, proposed, how), said)
        for how, said in (("agreement", AGREED), ("contest", objection)) * 3
    ))  # fmt: skip
    assert [each.status_code for each in answers].count(200) == 1
    assert len(await market.facts("termination_answered")) == 1
    state = (await market.order(buyer, order))["state"]
    assert state == ("refunded" if answers[0].status_code == 200 or answers[2].status_code == 200 or
                     answers[4].status_code == 200 else "awaiting_delivery")  # fmt: skip


@ON_ONE_DATABASE
async def test_an_amended_contract_is_ended_by_its_present_one(market: Market):
    buyer, order = await signed_deal(market)
    proposed = (await amend(market, buyer, order["contract_id"], quota_uses=4)).json()
    for who in (buyer, market.provider):
        await market.sign(who, proposed["id"])
    old = await market.post(buyer, f"/contracts/{order['contract_id']}/terminations", REASONED)
    assert code(old) == (409, "contract_not_active")
    order = await market.order(buyer, order)
    termination = await propose(market, buyer, order)
    await market.do(market.provider, answer(order, termination, "agreement"), AGREED)
    states = {each["id"]: each["state"] for each in (await market.read(buyer, "/contracts"))["items"]}
    assert sorted(states.values()) == ["superseded", "terminated"]
    assert await market.wallet(buyer) == (50_000, 0)


async def test_a_buyer_renews_at_a_fresh_quote_what_is_still_offered(market: Market):
    listing, plan_id = await offer(market)
    buyer, order = await signed_deal(market, listed=(listing, plan_id))
    path, fresh = f"/contracts/{order['contract_id']}/renewals", quoted(market, buyer, listing, plan_id, 15_000)
    renewed = await market.post(buyer, path, fresh, "renewal-key")
    assert renewed.status_code == 201
    told = renewed.json()
    assert (told["renews"], told["state"], told["price"]["minor"]) == (
        order["contract_id"], "awaiting_signatures", 15_000,
    )  # fmt: skip
    contract = await market.read(buyer, f"/contracts/{told['contract_id']}")
    assert contract["terms"]["renews"] == order["contract_id"]
    assert (await market.facts("order_placed"))[-1]["renews"] == order["contract_id"]
    assert (await market.post(buyer, path, fresh, "renewal-key")).json()["id"] == told["id"]
    assert code(await market.post(buyer, path, fresh)) == (409, "quote_taken")
    assert (await market.order(buyer, order))["renews"] is None, "nothing of the old one changes"


@pytest.mark.parametrize("way", ["delisted", "exclusive"])
async def test_what_the_listing_no_longer_offers_is_not_renewed(market: Market, way: str):
    listing, plan_id = await offer(market, "exclusive" if way == "exclusive" else "unlimited")
    buyer, order = await signed_deal(market, listed=(listing, plan_id))
    if way == "delisted":
        await market.do(market.provider, f"/listings/{listing['id']}/delist")
    path, fresh = f"/contracts/{order['contract_id']}/renewals", quoted(market, buyer, listing, plan_id)
    assert code(await market.post(buyer, path, fresh)) == (409, "listing_not_open")
    stranger = await market.buyer()
    assert code(await market.post(stranger, path, quoted(market, stranger, listing, plan_id))) == (
        404, "no_such_contract",
    )  # fmt: skip
    assert code(await market.post(market.provider, path, fresh)) == (403, "not_your_role")
