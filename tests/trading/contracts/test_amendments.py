"""Amendments between the parties of a market, on both databases."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest

from shared.grades import Grade
from shared.ids import ContractId
from tests.trading.contracts.dealing import (
    ON_ONE_DATABASE,
    amend,
    both_sign,
    offer,
    right_of,
    signature_of,
    signed_deal,
)
from tests.trading.market import Market, code


async def test_both_sign_another_contract_and_order_and_right_follow_in_the_same_commit(market: Market):
    buyer, order = await signed_deal(market)
    old_id = order["contract_id"]
    await market.use(buyer, order)
    proposed = (
        await amend(market, market.provider, old_id, purposes=["research"], quota_uses=8, period_days=90)
    ).json()
    assert (proposed["state"], proposed["supersedes"], proposed["proposed_by"]) == ("drafted", old_id, "provider")
    assert (proposed["next_actor"], (await right_of(market, buyer, order))["contract_id"]) == (
        "buyer_and_provider", old_id,
    )  # fmt: skip
    await both_sign(market, buyer, proposed["id"])
    old, new = [await market.read(buyer, f"/contracts/{each}") for each in (old_id, proposed["id"])]
    assert (old["state"], old["superseded_by"], old["reason_code"]) == ("superseded", new["id"], "amended")
    assert (new["state"], len(new["signatures"])) == ("active", 2)
    right, after = await right_of(market, buyer, order), await market.order(buyer, order)
    assert (right["contract_id"], right["purposes"], right["quota_uses"], right["uses_left"]) == (
        new["id"], ["research"], 8, 7,
    )  # fmt: skip
    granted_at = datetime.fromisoformat(right["granted_at"])
    assert datetime.fromisoformat(right["deadline"]) == granted_at + timedelta(days=90)
    assert (after["contract_id"], after["quota_uses"], after["period_days"]) == (new["id"], 8, 90)
    assert (await market.use(buyer, order)).json()["contract_id"] == new["id"]
    told = await market.facts("contract_superseded", "order_amended", "entitlement_amended")
    assert [fact["contract_id"] for fact in told] == [old_id, new["id"], new["id"]]
    listed = (await market.read(buyer, f"/contracts?order_id={order['id']}"))["items"]
    assert [each["id"] for each in listed] == [new["id"], old_id]
    active = (await market.read(buyer, "/contracts?state=active"))["items"]
    assert [each["id"] for each in active] == [new["id"]]
    await market.advance(days=90)
    assert (await market.read(buyer, f"/contracts/{new['id']}"))["state"] == "fulfilled"
    assert (await market.read(buyer, f"/contracts/{old_id}"))["state"] == "superseded"


@ON_ONE_DATABASE
async def test_an_amendment_before_the_payment_is_what_the_payment_grants(market: Market):
    buyer, order = await signed_deal(market, pays=False)
    proposed = (await amend(market, buyer, order["contract_id"], quota_uses=2, acceptance_days=3)).json()
    await both_sign(market, buyer, proposed["id"])
    order = await market.do(buyer, f"/orders/{order['id']}/payment")
    right = await right_of(market, buyer, order)
    assert (right["quota_uses"], right["contract_id"], order["price"]["minor"]) == (2, proposed["id"], 20_000)
    await market.use(buyer, order)
    due = datetime.fromisoformat((await market.order(buyer, order))["deadline"])
    assert due == market.bench.clock.now() + timedelta(days=3)
    late = await amend(market, buyer, proposed["id"], acceptance_days=9)
    assert code(late) == (409, "delivered_already")


@ON_ONE_DATABASE
async def test_a_signature_over_the_old_terms_signs_no_amendment(market: Market):
    buyer, order = await signed_deal(market)
    old = await market.read(buyer, f"/contracts/{order['contract_id']}")
    proposed = (await amend(market, buyer, old["id"], quota_uses=4)).json()
    path = f"/contracts/{proposed['id']}/signatures"
    assert code(await market.post(buyer, path, signature_of(buyer, old["terms_hash"]))) == (422, "signature_invalid")
    good = signature_of(buyer, proposed["terms_hash"])
    assert (await market.post(buyer, path, good)).status_code == 201
    assert code(await market.post(buyer, path, good)) == (409, "already_signed")
    await market.sign(market.provider, proposed["id"])
    again = f"/contracts/{old['id']}/signatures"
    assert code(await market.post(buyer, again, signature_of(buyer, old["terms_hash"]))) == (409, "contract_not_open")
    assert (await market.read(buyer, f"/contracts/{old['id']}"))["terms_text"] == old["terms_text"]


@ON_ONE_DATABASE
async def test_a_stranger_amends_nothing_and_nobody_what_is_superseded(market: Market):
    buyer, order = await signed_deal(market)
    stranger, old_id = await market.buyer(), order["contract_id"]
    proposed = (await amend(market, buyer, old_id, quota_uses=4)).json()
    for path, body in (
        (f"/contracts/{old_id}/amendments", {"quota_uses": 3}),
        (f"/contracts/{proposed['id']}/refusal", {"reason_code": "terms_not_agreed", "reason": "否"}),
        (f"/contracts/{old_id}/terminations", {"reason_code": "breach", "reason": "否"}),
    ):
        absent = path.replace(old_id, ContractId.new()).replace(proposed["id"], ContractId.new())
        for each in (path, absent):
            assert code(await market.post(stranger, each, body)) == (404, "no_such_contract")
    assert (await market.read(stranger, "/contracts"))["items"] == []
    await both_sign(market, buyer, proposed["id"])
    refused = await amend(market, buyer, old_id, quota_uses=3)
    assert code(refused) == (409, "contract_not_active")
    assert (refused.json()["state"], refused.json()["superseded_by"]) == ("superseded", proposed["id"])
    assert (await amend(market, buyer, proposed["id"], quota_uses=3)).status_code == 201, "and so on"


async def test_one_amendment_is_open_at_a_time_and_the_next_after_a_refusal(market: Market):
    buyer, order = await signed_deal(market)
    contract_id = order["contract_id"]
    answers = await asyncio.gather(*(amend(market, buyer, contract_id, quota_uses=uses) for uses in (1, 2, 3, 4)))
    taken = [answer for answer in answers if answer.status_code == 201]
    assert len(taken) == 1
    assert {code(answer) for answer in answers if answer not in taken} <= {
        (409, "amendment_open"), (503, "database_busy"),
    }  # fmt: skip
    path = f"/contracts/{taken[0].json()['id']}"
    refused = await market.do(market.provider, f"{path}/refusal", {"reason_code": "terms_not_agreed", "reason": "不够"})
    assert (refused["state"], refused["reason_code"], refused["reason"]) == (
        "lapsed", "terms_not_agreed_by_provider", "不够",
    )  # fmt: skip
    assert code(await market.sign(buyer, taken[0].json()["id"])) == (409, "contract_not_open")
    first = {"reason_code": "no_longer_wanted", "reason": "否"}
    assert code(await market.post(buyer, f"/contracts/{contract_id}/refusal", first)) == (409, "not_an_amendment")
    assert (await amend(market, buyer, contract_id, quota_uses=1)).status_code == 201


async def test_silence_leaves_the_contract_as_it_stands(market: Market):
    buyer, order = await signed_deal(market)
    proposed = (await amend(market, buyer, order["contract_id"], quota_uses=4)).json()
    await market.sign(buyer, proposed["id"])
    await market.advance(days=5)
    lapsed = await market.read(buyer, f"/contracts/{proposed['id']}")
    assert (lapsed["state"], lapsed["reason_code"], lapsed["next_actor"]) == ("lapsed", "not_signed", None)
    assert code(await market.sign(market.provider, proposed["id"])) == (409, "contract_not_open")
    assert (await market.read(buyer, f"/contracts/{order['contract_id']}"))["state"] == "active"
    assert (await right_of(market, buyer, order))["quota_uses"] == 5


@ON_ONE_DATABASE
async def test_a_contract_that_ended_meanwhile_is_not_brought_back_by_its_amendment(market: Market):
    buyer, order = await signed_deal(market)
    await market.advance(days=4)
    proposed = (await amend(market, buyer, order["contract_id"], quota_uses=4)).json()
    await market.advance(days=3)  # not delivered: refunded
    assert code(await market.sign(buyer, proposed["id"])) == (409, "contract_not_active")
    await market.advance(days=2)
    assert (await market.read(buyer, f"/contracts/{proposed['id']}"))["state"] == "lapsed"
    assert (await market.order(buyer, order))["state"] == "refunded"


@ON_ONE_DATABASE
async def test_what_the_grade_no_longer_allows_is_not_amended(market: Market):
    buyer, order = await signed_deal(market)
    market.neighbours.raise_grade(order["version_id"], Grade.G4)
    await market.tick()
    assert code(await amend(market, buyer, order["contract_id"], quota_uses=4)) == (403, "mode_not_allowed_for_grade")


async def test_the_last_of_two_signatures_decides_once_however_often_they_come(market: Market):
    buyer, order = await signed_deal(market)
    proposed = (await amend(market, buyer, order["contract_id"], quota_uses=4)).json()
    path, terms_hash = f"/contracts/{proposed['id']}/signatures", proposed["terms_hash"]
    people = (buyer, market.provider) * 4
    answers = await asyncio.gather(*(market.post(who, path, signature_of(who, terms_hash)) for who in people))
    assert Counter(answer.status_code for answer in answers)[201] == 2
    assert len(await market.facts("contract_superseded")) == len(await market.facts("entitlement_amended")) == 1
    assert (await market.read(buyer, f"/contracts/{proposed['id']}"))["state"] == "active"


@pytest.mark.parametrize("kind", ["exclusive", "unlimited"])
async def test_a_longer_right_never_overlaps_an_exclusive_one(market: Market, kind: str):
    """The buyer's sixty days are over before the next right begins; a hundred days are not."""
    listing, plan_id = await offer(market, kind)
    buyer, order = await signed_deal(market, listed=(listing, plan_id))
    await market.use(buyer, order)
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await market.tick()
    if kind == "unlimited":
        await market.do(market.provider, f"/listings/{listing['id']}/delist")
    begins = (market.bench.clock.now() + timedelta(days=70)).isoformat()
    right = {"kind": "exclusive", "field": "air_travel", "territory": "CN", "period_days": 30, "starts_at": begins}
    proposed = (await amend(market, buyer, order["contract_id"], period_days=100)).json()
    await market.sign(buyer, proposed["id"])
    signing = market.sign(market.provider, proposed["id"])
    listing_it = market.list_it(order["version_id"], right=right)
    signed, listed = await asyncio.gather(signing, listing_it)
    outcomes = (signed.status_code, listed.status_code)
    assert outcomes in {(201, 409), (409, 201)}, "one of the two, never both"
    refused = signed if signed.status_code == 409 else listed
    assert code(refused) == (409, "rights_overlap")
    days = 100 if signed.status_code == 201 else 60
    after = await right_of(market, buyer, order)
    granted_at = datetime.fromisoformat(after["granted_at"])
    assert datetime.fromisoformat(after["deadline"]) == granted_at + timedelta(days=days)


async def test_a_shorter_right_lets_the_next_one_begin_earlier(market: Market):
    listing, plan_id = await offer(market, "exclusive")
    buyer, order = await signed_deal(market, listed=(listing, plan_id))
    await market.use(buyer, order)
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await market.tick()
    begins = (market.bench.clock.now() + timedelta(days=40)).isoformat()
    right = {"kind": "exclusive", "field": "air_travel", "territory": "CN", "period_days": 30, "starts_at": begins}
    assert code(await market.list_it(order["version_id"], right=right)) == (409, "rights_overlap")
    proposed = (await amend(market, buyer, order["contract_id"], period_days=30)).json()
    await both_sign(market, buyer, proposed["id"])
    assert (await market.list_it(order["version_id"], right=right)).status_code == 201
    longer = await amend(market, buyer, proposed["id"], period_days=60)
    await market.sign(buyer, longer.json()["id"])
    assert code(await market.sign(market.provider, longer.json()["id"])) == (409, "rights_overlap")
    assert (await market.read(buyer, f"/contracts/{proposed['id']}"))["state"] == "active"
