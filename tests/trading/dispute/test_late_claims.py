"""Disputes over what is settled, and over what cost nothing: money that was shared out comes back as entries, and
whoever gets all of it back has no right any more. Over HTTP, on both.
"""

import asyncio
from functools import partial
from typing import Any

import pytest

from services.trading.actions import dispute as dispute_actions
from shared.ids import DisputeId, PlanId
from tests.trading.dispute.court import FEE, PRICE, Court, a_court, pay_in
from tests.trading.freezing import frozen, lifted
from tests.trading.market import Market, code, yuan
from tests.trading.money.test_races import RACERS, raced
from tests.trading.money.test_refunds_over_http import check, fill_reserve, pay_out, refund

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


async def a_settled(market: Market, arbiters: int = 5) -> Court:
    court = await a_court(market, arbiters)
    await market.do(court.buyer, f"/orders/{court.order['id']}/acceptance")
    await market.tick()
    court.order = await market.order(court.buyer, court.order)
    assert court.order["state"] == "settled"
    return court


async def a_free(market: Market) -> Court:
    """An order that costs nothing, delivered, and both sides with money for fees."""
    plan_id = PlanId.new()
    listing = await market.listing(plan_id=plan_id, kind="unlimited")
    buyer = await market.buyer(10_000)
    assert buyer.participant_id
    await pay_in(market, market.provider, minor=10_000)
    quote = market.neighbours.quote(buyer.participant_id, listing["version_id"], plan_id, 0)
    body = {"listing_id": listing["id"], "quote_id": quote.id, "quote_version": quote.version, "total": yuan(0)}
    order = await market.do(buyer, "/orders", body)
    await market.signed(buyer, order)
    order = await market.order(buyer, order)
    assert (await market.use(buyer, order)).is_success
    court, arbiter = Court(market, buyer, await market.order(buyer, order)), market.bench.staff("arbiter")
    told: dict[str, Any] = {"arbiter_id": arbiter.subject, "ties": []}
    await market.do(market.bench.staff("operator_security"), "/arbiters", told)
    court.arbiters[arbiter.subject] = arbiter
    return court


async def decided(court: Court, dispute: dict[str, Any], claimant: int, **changes: Any) -> dict[str, Any]:
    """The dispute after an answer, a ruling and no appeal."""
    respondent = court.provider if dispute["claimant_id"] == court.buyer.participant_id else court.buyer
    assert (await court.respond(dispute, who=respondent)).is_success
    await court.pass_deadline(dispute)
    (arbiter,) = court.seated(await court.see(dispute))
    assert (await court.rule(arbiter, dispute, claimant, **changes)).is_success
    await court.pass_deadline(dispute)
    return await court.see(dispute)


async def right_of(court: Court) -> dict[str, Any]:
    return await court.market.read(court.buyer, f"/entitlements/{court.order['entitlement_id']}")


async def test_a_ruling_over_what_is_settled_gives_back_its_part_and_nothing_is_held_before(market: Market):
    court = await a_settled(market)
    bought, sold = await market.wallet(court.buyer), await market.wallet(court.provider)
    dispute = await court.open(8_000, category="rights_defect")
    assert (await market.order(court.buyer, court.order))["state"] == "settled"
    assert (await court.escrow(), await market.facts("order_disputed")) == (0, [])
    ended = await decided(court, dispute, 2_500)
    assert (ended["state"], ended["outcome"]["claimant"]) == ("enforced", yuan(2_000))
    await market.tick()
    (made,) = (await market.read(court.buyer, f"/orders/{court.order['id']}/refunds"))["items"]
    assert (made["cause"], made["reason"], made["amount"]) == ("by_ruling", dispute["id"], yuan(2_000))
    assert await market.wallet(court.buyer) == (bought[0] + 2_000, 0)
    fee_and_tax = sum(each["amount"]["minor"] for each in made["payments"] if "exchange" in each["bearer"])
    assert fee_and_tax == 53  # of 10 000: 250 and 15; a fifth of both
    assert await market.wallet(court.provider) == (sold[0] - 2_000 + fee_and_tax - FEE, 0), "who loses pays the fee"
    assert ((await right_of(court))["state"], await court.held()) == ("active", 0)
    assert (await market.order(court.buyer, court.order))["returned"] == yuan(2_000)
    assert code(await court.try_open(1, court.provider)) == (409, "decided_already")
    await check(market)


@on_sqlite
async def test_a_ruling_that_gives_all_of_it_back_ends_the_right_and_the_contract(market: Market):
    court = await a_settled(market)
    dispute = await court.open(PRICE, remedies=[])
    assert (await market.use(court.buyer, court.order)).is_success, "until it is decided"
    await decided(court, dispute, 10_000)
    right = await right_of(court)
    assert (right["state"], right["reason_code"]) == ("ended", "ruled")
    assert code(await market.use(court.buyer, court.order)) == (409, "entitlement_ended")
    assert (await market.read(court.buyer, f"/contracts/{court.order['contract_id']}"))["state"] == "terminated"
    assert (await market.order(court.buyer, court.order))["state"] == "settled"
    (ended,) = await market.facts("entitlement_ended")
    assert ended["entitlement_id"] == right["id"]
    await market.tick()
    await check(market)


@on_sqlite
async def test_a_provider_who_has_spent_it_owes_what_the_reserve_and_the_buyer_lack(market: Market):
    court = await a_settled(market)
    dispute = await court.open(PRICE)
    assert (await court.respond(dispute)).is_success
    available, _ = await market.wallet(court.provider)
    await pay_out(market, court.provider, available)
    await market.tick()
    await fill_reserve(market, 1_000)
    await court.pass_deadline(dispute)
    (arbiter,) = court.seated(await court.see(dispute))
    assert (await court.rule(arbiter, dispute, 10_000)).is_success
    before = await market.wallet(court.buyer)
    await court.pass_deadline(dispute)
    await market.tick()
    told = (await market.read(court.provider, "/receivables"))["items"]
    owed = {each["creditor"]: each["amount"]["minor"] for each in told}
    assert owed == {"exchange:reserve": 1_000, court.buyer.participant_id: PRICE - 265 - 1_000}
    assert (await market.wallet(court.buyer))[0] == before[0] + 1_265 + FEE
    assert (await right_of(court))["state"] == "ended"
    await check(market)


@on_sqlite
async def test_of_a_claim_the_buyer_gets_what_is_left_when_it_is_decided(market: Market):
    court = await a_settled(market)
    assert (await refund(market, court.order, 1_000)).is_success
    assert code(await court.try_open(9_001)) == (422, "not_the_claim")
    dispute = await court.open(9_000)
    assert (await refund(market, court.order, 4_000)).is_success
    ended = await decided(court, dispute, 10_000)
    assert ended["outcome"]["claimant"] == yuan(9_000)
    assert (await market.order(court.buyer, court.order))["returned"] == yuan(PRICE)
    assert (await right_of(court))["state"] == "ended"
    await market.tick()
    await check(market)


@on_sqlite
async def test_what_shows_at_once_is_claimed_for_thirty_days_and_what_shows_in_use_for_longer(market: Market):
    court = await a_settled(market)
    await market.advance(days=30)
    assert code(await court.try_open(PRICE)) == (409, "deadline_passed")
    assert (await court.try_open(PRICE, category="leak")).status_code == 201


@on_sqlite
async def test_a_late_claim_is_withdrawn_settled_or_left_unanswered_like_any_other(market: Market):
    court = await a_settled(market)
    before = await market.wallet(court.buyer)
    dispute = await court.open(5_000)
    assert (await court.withdraw(court.buyer, dispute)).json()["state"] == "withdrawn"
    await market.tick()
    assert (await market.wallet(court.buyer), await market.facts("order_resumed")) == (before, [])
    assert code(await court.try_open(5_000)) == (409, "disputed_already")
    theirs = await court.open(0, court.provider, category="over_use", remedies=["end_right"])
    assert code(await market.post(court.provider, f"/orders/{court.order['id']}/acceptance"))[0] == 403
    for who in (court.buyer, court.provider):
        body = {"split": {"claimant": 0, "respondent": 10_000}, "remedies": ["end_right"]}
        told = await market.do(who, f"/disputes/{theirs['id']}/settlement", body)
    assert told["state"] == "settled" and (await right_of(court))["state"] == "ended"
    assert (await market.order(court.buyer, court.order))["returned"] == yuan(0)


@on_sqlite
async def test_silence_gives_back_what_was_claimed_of_a_settled_price(market: Market):
    court = await a_settled(market)
    dispute = await court.open(3_000, remedies=[])
    await court.see(dispute, court.provider)
    await court.pass_deadline(dispute)
    assert (await court.see(dispute))["state"] == "defaulted"
    assert (await market.order(court.buyer, court.order))["returned"] == yuan(3_000)
    assert (await right_of(court))["state"] == "active"


@on_sqlite
async def test_a_freeze_order_keeps_what_was_shared_out_until_it_ends(market: Market):
    court = await a_settled(market)
    dispute = await court.open(3_000, remedies=[])
    await court.see(dispute, court.provider)
    freeze = await frozen(market, "order", court.order["id"], days=29)
    await court.pass_deadline(dispute)
    assert (await court.see(dispute))["state"] == "response"
    assert code(await refund(market, court.order, 1)) == (409, "frozen")
    await lifted(market, freeze["id"])
    await market.tick()
    assert (await court.see(dispute))["state"] == "defaulted"
    assert (await market.order(court.buyer, court.order))["returned"] == yuan(3_000)


@on_sqlite
async def test_a_free_order_is_disputed_for_its_remedies_and_is_settled_by_the_end(market: Market):
    court = await a_free(market)
    assert code(await court.try_open(1)) == (422, "not_the_claim")
    assert code(await court.try_open(0, remedies=[])) == (422, "not_the_claim")
    dispute = await court.open(0)
    assert (await market.order(court.buyer, court.order))["state"] == "disputed"
    ended = await decided(court, dispute, 10_000, remedies=["end_right"])
    assert (ended["state"], ended["outcome"]["claimant"]) == ("enforced", yuan(0))
    order = await market.order(court.buyer, court.order)
    assert (order["state"], order["reason_code"]) == ("settled", "dispute_ended")
    assert ((await right_of(court))["state"], await court.held()) == ("ended", 0)
    assert len(await market.facts("order_settled")) == 1
    entries = await market.read(court.provider, "/credit-entries")
    assert [each["kind"] for each in entries["items"]] == ["ruling_against"]
    await check(market)


@on_sqlite
async def test_a_free_order_that_is_settled_is_disputed_too_and_a_withdrawn_claim_lets_it_go_on(market: Market):
    court = await a_free(market)
    dispute = await court.open(0)
    assert (await court.withdraw(court.buyer, dispute)).is_success
    order = await market.do(court.buyer, f"/orders/{court.order['id']}/acceptance")
    assert order["state"] == "settled"
    theirs = await court.open(0, court.provider, category="leak")
    await decided(court, theirs, 10_000, remedies=["end_right"])
    assert (await right_of(court))["state"] == "ended"
    await check(market)


async def test_returns_payouts_and_the_end_of_a_late_claim_race_and_the_price_goes_back_once(market: Market):
    court = await a_settled(market)
    dispute = await court.heard(PRICE)
    (arbiter,) = court.seated(dispute)
    assert (await court.rule(arbiter, dispute, 10_000)).is_success
    before = await market.wallet(court.buyer)
    deadline = (await court.see(dispute))["deadline"]
    market.bench.clock.set(type(market.bench.clock.now()).fromisoformat(deadline))
    await market.bench.refresh()
    back, out = partial(refund, market, court.order, 700), partial(pay_out, market, court.provider, 500)
    ends = [dispute_actions.pass_deadline(market.trading, DisputeId(dispute["id"])) for _ in range(10)]
    acts = raced(*(back if turn % 2 else out for turn in range(RACERS - 10)))
    await asyncio.gather(acts, *ends, return_exceptions=True)
    for _ in range(3):
        await market.advance(minutes=10)
    assert (await court.see(dispute))["state"] == "enforced"
    assert (await market.order(court.buyer, court.order))["returned"] == yuan(PRICE)
    told = await market.read(market.bench.staff("regulator"), "/receivables?limit=100")
    owed = sum(each["amount"]["minor"] for each in told["items"] if each["creditor"] == court.buyer.participant_id)
    assert await market.wallet(court.buyer) == (before[0] + PRICE - owed + FEE, 0)
    assert (await right_of(court))["state"] == "ended"
    await check(market)
