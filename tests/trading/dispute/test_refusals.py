"""What is refused in a dispute, and to whom: nothing changes, and everyone is told why. Over HTTP, on both."""

import pytest

from tests.trading.dispute.court import HASH, NONCES, PRICE, a_court, split
from tests.trading.market import Market, code

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


async def test_what_comes_too_late_twice_or_from_the_wrong_side(market: Market):
    court = await a_court(market)
    stranger = await market.buyer(5_000)
    assert code(await court.try_open(PRICE + 1)) == (422, "not_the_claim")
    assert code(await court.try_open(0)) == (422, "not_the_claim")
    assert code(await court.try_open(-1)) == (422, "malformed")
    assert code(await court.try_open(who=stranger)) == (404, "no_such_order")
    dispute = await court.open()
    path = f"/disputes/{dispute['id']}"
    assert code(await court.try_open()) == (409, "not_due")
    assert code(await market.post(court.buyer, f"/orders/{court.order['id']}/acceptance")) == (409, "not_due")
    for answer in (
        await market.bench.get(stranger, f"/trading/v1{path}"),
        await market.post(stranger, f"{path}/evidence", {"kind": "document", "content_hash": HASH}),
        await court.respond(dispute, who=stranger),
        await court.withdraw(stranger, dispute),
        await court.rule(next(iter(court.arbiters.values())), dispute, 5_000),
    ):
        assert code(answer) == (404, "no_such_dispute")
    assert code(await court.respond(dispute, who=court.buyer)) == (409, "not_your_step")
    assert code(await court.withdraw(court.provider, dispute)) == (409, "not_your_step")
    assert code(await court.respond(dispute, admitted=PRICE + 1)) == (422, "admitted_too_much")
    dispute = (await court.respond(dispute, admitted=100)).json()
    assert code(await court.respond(dispute)) == (409, "not_due_in_dispute")
    await court.pass_deadline(dispute)

    late = {"kind": "document", "content": "迟到的证据"}
    assert code(await market.post(court.buyer, f"{path}/evidence", late)) == (409, "evidence_closed")
    (arbiter,) = court.seated(dispute)
    others = [each for each in court.arbiters.values() if each is not arbiter]
    assert code(await court.rule(others[0], dispute, 5_000)) == (404, "no_such_dispute")
    assert code(await court.rule(arbiter, dispute, 99)) == (422, "beyond_the_claim")
    assert code(await court.rule(arbiter, dispute, 5_000, remedies=["redeliver"])) == (422, "beyond_the_claim")
    wrong = {"claimant": 5_000, "respondent": 5_001}
    assert code(await court.rule(arbiter, dispute, 0, split=wrong)) == (422, "split_not_whole")
    assert (await court.see(dispute))["state"] == "review"
    dispute = (await court.rule(arbiter, dispute, 5_000)).json()
    assert code(await court.rule(arbiter, dispute, 6_000)) == (409, "not_due_in_dispute")

    assert (await court.appeal(court.buyer, dispute)).is_success
    assert code(await court.appeal(court.buyer, dispute)) == (409, "appealed_already")
    assert (await court.appeal(court.provider, dispute)).is_success
    assert code(await court.appeal(court.provider, dispute)) == (409, "appealed_already")
    assert [each["split"] for each in (await court.see(dispute))["rulings"]] == [split(5_000)]
    assert (await court.totals()) == ({"CNY": 0}, [])


@on_sqlite
async def test_who_cannot_pay_the_fee_opens_no_dispute(market: Market):
    court = await a_court(market)
    wallet = (await market.wallet(court.buyer))[0]
    await market.do(court.buyer, "/wallet/payouts", {"amount": {"minor": wallet - 999, "currency": "CNY"}})
    assert code(await court.try_open()) == (409, "insufficient_funds")
    assert (await market.order(court.buyer, court.order))["state"] == "awaiting_acceptance"


async def test_nobody_decides_a_case_of_their_own(market: Market):
    court = await a_court(market, arbiters=0)
    sister = await market.bench.member("buyer", affiliate_of=court.provider)
    security = market.bench.staff("operator_security")
    for ties in ([court.buyer.participant_id], [court.provider.participant_id], [sister.participant_id]):
        arbiter = market.bench.staff("arbiter")
        body = {"arbiter_id": arbiter.subject, "ties": ties}
        assert (await market.post(security, "/arbiters", body)).status_code == 201
        assert code(await market.post(security, "/arbiters", body)) == (409, "arbiter_registered")
    dispute = await court.open()
    dispute = (await court.respond(dispute)).json()
    assert dispute["panels"] == [], "all three are tied to a party"
    free = market.bench.staff("arbiter")
    await market.post(security, "/arbiters", {"arbiter_id": free.subject, "ties": []})
    retired = market.bench.staff("arbiter")
    await market.post(security, "/arbiters", {"arbiter_id": retired.subject, "ties": []})
    assert (await market.post(security, f"/arbiters/{retired.subject}/retirement")).json()["state"] == "retired"
    await court.pass_deadline(dispute)
    dispute = await court.see(dispute)
    assert (dispute["state"], dispute["panels"][0]["eligible"]) == ("review", [free.subject])
    joined = type(free)(free.subject, free.roles, court.provider.participant_id)
    assert code(await court.rule(joined, dispute, 0)) == (403, "tied_to_a_party")
    assert (await court.rule(free, dispute, 0)).is_success
    assert len((await market.read(court.buyer, "/arbiters"))["items"]) == 5


@on_sqlite
async def test_arbiters_step_down_are_refused_and_give_time(market: Market):
    court = await a_court(market)
    dispute = (await court.respond(await court.open())).json()
    path, (first,) = f"/disputes/{dispute['id']}", court.seated(dispute)
    challenge = {"arbiter_id": first.subject, "reason": "曾任职于对方"}
    dispute = (await market.post(court.buyer, f"{path}/challenge", challenge)).json()
    (second,) = court.seated(dispute)
    assert second is not first and dispute["panels"][0]["gone"][0]["why"] == "challenged"
    again = {"arbiter_id": second.subject, "reason": "也不行"}
    assert code(await market.post(court.buyer, f"{path}/challenge", again)) == (409, "challenged_already")
    dispute = (await market.post(second, f"{path}/recusal", {"reason": "认识当事人"})).json()
    (third,) = court.seated(dispute)
    assert code(await market.post(second, f"{path}/extension", {"length": 1, "reason": "因为"})) == (409, "not_seated")
    before = dispute["deadline"]
    dispute = (await market.post(third, f"{path}/extension", {"length": 1, "reason": "补充鉴定"})).json()
    assert dispute["deadline"] > before
    too_long = {"length": 11, "reason": "因为"}
    assert code(await market.post(third, f"{path}/extension", too_long)) == (409, "extension_too_long")
    await court.pass_deadline(dispute)
    await court.pass_deadline(dispute)  # the third is silent
    assert court.seated(await court.see(dispute))[0] not in {first, second, third}
    assert NONCES[0] == (await court.see(dispute))["panels"][0]["nonces"]["claimant"]


@on_sqlite
async def test_supervisors_see_what_was_decided_and_not_what_was_said(market: Market):
    court = await a_court(market)
    dispute = await court.open()
    statement = dispute["evidence"][0]["content_hash"]
    text = f"/trading/v1/disputes/{dispute['id']}/texts/{statement}"
    assert (await market.bench.get(court.provider, text)).text == "字段缺失"
    regulator = market.bench.staff("regulator")
    seen = await court.see(dispute, regulator)
    assert (seen["evidence"], seen["offers"], seen["category"]) == (None, None, "not_as_described")
    for said in (text, f"/trading/v1/disputes/{dispute['id']}/bundle"):
        assert code(await market.bench.get(regulator, said)) == (403, "not_your_role")
    assert len((await market.read(regulator, "/disputes"))["items"]) == 1
    unrelated = next(iter(court.arbiters.values()))
    assert (await market.read(unrelated, "/disputes"))["items"] == []
    dispute = (await court.respond(dispute)).json()
    (arbiter,) = court.seated(dispute)
    assert (await market.bench.get(arbiter, text)).text == "字段缺失"
    assert len((await market.read(arbiter, "/disputes"))["items"]) == 1
    for role in ("operator_business", "operator_audit"):
        told = await market.bench.get(market.bench.staff(role), f"/trading/v1/disputes/{dispute['id']}")
        assert code(told) == (403, "not_your_role")
