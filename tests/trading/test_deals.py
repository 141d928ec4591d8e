"""From the award to its end: signatures, payment, delivery, acceptance, settlement, and every way of failing."""

import asyncio
import base64
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from services.custodian_sandbox import Custodian
from shared.facts import Category, Fact
from shared.grades import Grade
from shared.ids import ContractId, KeyId, OrderId, ParticipantId, PlanId
from tests.support.bench import Person
from tests.trading.market import DEPOSIT, START, Market, code, yuan

PRICE = START  # of one bidder who met no other


@dataclass(frozen=True, slots=True)
class SigningKeyRevoked(Fact):
    """As identity tells it."""

    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    key_id: KeyId


async def fixed(market: Market, kind: str = "unlimited", **parts: Any) -> tuple[dict[str, Any], PlanId]:
    """A listing at a fixed price, and its plan."""
    plan_id = PlanId.new()
    return (await market.list_it(plan_id=plan_id, kind=kind, **parts)).json(), plan_id


def order_of(
    market: Market, buyer: Person, listing: dict[str, Any], plan_id: PlanId, minor: int = 20_000, **changes: Any
) -> dict[str, Any]:
    """What the buyer sends to accept a fresh quote."""
    assert buyer.participant_id
    quote = market.neighbours.quote(buyer.participant_id, listing["version_id"], plan_id, minor, **changes)
    return {
        "listing_id": listing["id"], "quote_id": quote.id, "quote_version": 1, "total": yuan(minor)
    }  # fmt: skip


async def test_a_whole_sale_ends_settled_and_every_fen_is_somewhere(market: Market):
    buyer, order = await market.paid()
    assert (order["state"], order["next_actor"]) == ("awaiting_delivery", "buyer")
    assert await market.wallet(buyer) == (100_000 - PRICE, 0)
    used = (await market.use(buyer, order)).json()
    assert (used["uses_left"], used["order_id"], used["contract_id"]) == (2, order["id"], order["contract_id"])
    assert (await market.order(buyer, order))["state"] == "awaiting_acceptance"
    assert (await market.do(buyer, f"/orders/{order['id']}/acceptance"))["state"] == "settling"
    await market.tick()
    settled = await market.order(buyer, order)
    assert (settled["state"], settled["reason_code"], settled["deadline"]) == ("settled", "accepted_by_buyer", None)
    assert {name: share["minor"] for name, share in settled["settlement"].items()} == {
        "price": PRICE, "refund": 0, "provider": 9_735, "fee": 250, "tax": 15,
    }  # fmt: skip
    assert await market.wallet(market.provider) == (9_735, 0)
    assert [fact["amount"]["minor"] for fact in await market.facts("order_settled")] == [PRICE]


async def test_a_contract_binds_once_both_have_signed_its_very_terms(market: Market):
    buyer, order = await market.won()
    contract = await market.read(buyer, f"/contracts/{order['contract_id']}")
    assert (contract["state"], contract["next_actor"]) == ("drafted", "buyer_and_provider")
    assert contract["terms"]["price"] == yuan(PRICE)
    assert code(await market.post(buyer, f"/orders/{order['id']}/payment")) == (409, "not_due")
    assert (await market.sign(buyer, contract["id"])).json()["next_actor"] == "provider"
    assert code(await market.sign(buyer, contract["id"])) == (409, "already_signed")
    active = (await market.sign(market.provider, contract["id"])).json()
    assert (active["state"], len(active["signatures"])) == ("active", 2)
    assert (await market.order(buyer, order))["state"] == "awaiting_payment"


async def test_a_signature_that_is_not_the_partys_over_these_terms_is_refused(market: Market):
    buyer, order = await market.won()
    stranger, path = await market.buyer(), f"/contracts/{order['contract_id']}/signatures"
    assert buyer.signing_key and stranger.signing_key
    wrong = base64.b64encode(buyer.signing_key.sign(b"other terms")).decode()
    assert code(await market.post(buyer, path, {"key_id": buyer.key_id, "signature": wrong})) == (
        422,
        "signature_invalid",
    )
    assert code(await market.post(buyer, path, {"key_id": stranger.key_id, "signature": wrong})) == (409, "unknown_key")
    assert code(await market.post(stranger, path, {"key_id": stranger.key_id, "signature": wrong})) == (
        404,
        "no_such_contract",
    )
    assert (await market.read(buyer, f"/contracts/{order['contract_id']}"))["signatures"] == []


async def test_a_key_signs_for_its_own_organisation_as_long_as_it_is_not_revoked(market: Market):
    buyer, order = await market.won()
    path, provider = f"/contracts/{order['contract_id']}/signatures", market.provider
    terms_hash = (await market.read(buyer, f"/contracts/{order['contract_id']}"))["terms_hash"]
    assert buyer.signing_key and buyer.participant_id and buyer.key_id
    genuine = base64.b64encode(buyer.signing_key.sign(b"yaosu contract v1\n" + terms_hash.encode())).decode()
    of_the_buyer = {"key_id": buyer.key_id, "signature": genuine}
    assert code(await market.post(provider, path, of_the_buyer)) == (409, "unknown_key")
    assert code(await market.post(provider, path, of_the_buyer | {"key_id": provider.key_id})) == (
        422, "signature_invalid",
    )  # fmt: skip
    await market.bench.announce(SigningKeyRevoked(buyer.participant_id, buyer.key_id))
    assert code(await market.post(buyer, path, of_the_buyer)) == (409, "unknown_key")
    assert (await market.read(buyer, f"/contracts/{order['contract_id']}"))["next_actor"] == "buyer_and_provider"


async def test_a_strangers_deal_looks_like_no_deal(market: Market):
    _, order = await market.paid()
    stranger, regulator = await market.buyer(100_000), market.bench.staff("regulator")
    for path, absent in (
        (f"/orders/{order['id']}", f"/orders/{OrderId.new()}"),
        (f"/contracts/{order['contract_id']}", f"/contracts/{ContractId.new()}"),
    ):
        answers = [await market.bench.get(stranger, f"/trading/v1{each}") for each in (path, absent)]
        assert len({code(answer) for answer in answers}) == 1 and answers[0].status_code == 404
        assert (await market.read(regulator, path))["buyer_id"] == order["buyer_id"]
    for act in ("payment", "acceptance"):
        assert code(await market.post(stranger, f"/orders/{order['id']}/{act}")) == (404, "no_such_order")
    assert (
        (await market.read(stranger, "/orders"))["items"]
        == (await market.read(stranger, "/entitlements"))["items"]
        == []
    )


async def test_who_cannot_pay_keeps_the_order_and_the_deposit_as_they_were(market: Market):
    buyer, order = await market.won(buyer_has=DEPOSIT)
    await market.signed(buyer, order)
    assert code(await market.post(buyer, f"/orders/{order['id']}/payment")) == (409, "insufficient_funds")
    assert (await market.order(buyer, order))["state"] == "awaiting_payment"
    assert await market.wallet(buyer) == (0, DEPOSIT)
    assert await market.facts("entitlement_granted", "order_paid") == []


async def test_paying_twice_pays_once(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    answers = await asyncio.gather(*(market.post(buyer, f"/orders/{order['id']}/payment") for _ in range(5)))
    assert Counter(answer.status_code for answer in answers if answer.status_code != 503)[200] == 1
    assert await market.wallet(buyer) == (100_000 - PRICE, 0)
    assert len(await market.facts("entitlement_granted")) == 1


@pytest.mark.parametrize("signs, state, reason, buyer_has, provider_has", [
    ("nobody",   "lapsed",    "not_signed",             100_000,           0),
    ("buyer",    "lapsed",    "not_signed_by_provider", 100_000,           0),
    ("provider", "defaulted", "not_signed_by_buyer",    100_000 - DEPOSIT, DEPOSIT),
    ("both",     "defaulted", "payment_overdue",        100_000 - DEPOSIT, DEPOSIT),
])  # fmt: skip
async def test_what_becomes_of_a_won_auction_that_is_not_signed_or_not_paid(
    market: Market, signs: str, state: str, reason: str, buyer_has: int, provider_has: int
):
    buyer, order = await market.won()
    signers = {"nobody": [], "buyer": [buyer], "provider": [market.provider], "both": [buyer, market.provider]}
    for who in signers[signs]:
        await market.sign(who, order["contract_id"])
    await market.advance(days=5)
    after = await market.order(buyer, order)
    assert (after["state"], after["reason_code"], after["deadline"], after["next_actor"]) == (state, reason, None, None)
    assert await market.wallet(buyer) == (buyer_has, 0)
    assert await market.wallet(market.provider) == (provider_has, 0)
    contract = await market.read(buyer, f"/contracts/{order['contract_id']}")
    assert (contract["state"], contract["reason_code"]) == ("terminated" if signs == "both" else "lapsed", reason)
    again = await market.list_it((await market.read(buyer, f"/listings/{order['listing_id']}"))["version_id"])
    assert again.status_code == 201, "the right is the provider's again"


async def test_what_is_not_delivered_is_refunded_and_the_right_ends(market: Market):
    buyer, order = await market.paid()
    await market.advance(days=7)
    after = await market.order(buyer, order)
    assert (after["state"], after["reason_code"]) == ("refunded", "not_delivered")
    assert await market.wallet(buyer) == (100_000, 0)
    assert code(await market.use(buyer, after)) == (409, "entitlement_ended")


async def test_a_right_that_ends_before_it_was_received_keeps_no_money_back(market: Market):
    right = {"kind": "unlimited", "field": "air_travel", "territory": "CN", "period_days": 1}
    listing, plan_id = await fixed(market, right=right)
    buyer = await market.buyer(50_000)
    order = await market.do(buyer, "/orders", order_of(market, buyer, listing, plan_id))
    await market.signed(buyer, order)
    order = await market.do(buyer, f"/orders/{order['id']}/payment")
    await market.advance(days=1)
    assert code(await market.use(buyer, order)) == (409, "entitlement_ended")
    await market.advance(days=6)
    after = await market.order(buyer, order)
    assert (after["state"], after["reason_code"]) == ("refunded", "not_delivered")
    assert await market.wallet(buyer) == (50_000, 0)
    contract = await market.read(buyer, f"/contracts/{order['contract_id']}")
    assert (contract["state"], contract["reason_code"]) == ("terminated", "not_delivered")


async def test_silence_after_delivery_is_acceptance(market: Market):
    buyer, order = await market.paid()
    await market.use(buyer, order)
    await market.advance(days=7)
    after = await market.order(buyer, order)
    assert (after["state"], after["reason_code"]) == ("settled", "accepted_by_deadline")


async def test_a_custodian_who_is_silent_is_an_alarm_and_settles_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch
):
    buyer, order = await market.paid()
    await market.use(buyer, order)
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    with monkeypatch.context() as patched:
        patched.setattr(Custodian, "_carry_out", _nothing)
        await market.advance(days=3)
        waiting = await market.order(buyer, order)
        assert (waiting["state"], waiting["next_actor"]) == ("settling", "operator_business")
        assert len(await market.facts("settlement_overdue")) == 1
        assert await market.wallet(market.provider) == (0, 0)


async def test_a_right_ends_with_its_period_and_so_does_its_contract(market: Market):
    buyer, order = await market.paid()
    await market.use(buyer, order)
    await market.advance(days=365)
    entitlement = await market.read(buyer, f"/entitlements/{order['entitlement_id']}")
    assert (entitlement["state"], entitlement["reason_code"]) == ("ended", "period_over")
    assert (await market.read(buyer, f"/contracts/{order['contract_id']}"))["state"] == "fulfilled"


async def test_an_order_at_a_posted_price(market: Market):
    listing, plan_id = await fixed(market)
    buyer = await market.buyer(50_000)
    order = await market.do(buyer, "/orders", order_of(market, buyer, listing, plan_id))
    assert (order["state"], order["price"]["minor"], order["auction_id"]) == ("awaiting_signatures", 20_000, None)
    await market.signed(buyer, order)
    await market.do(buyer, f"/orders/{order['id']}/payment")
    assert await market.wallet(buyer) == (30_000, 0)
    assert (await market.read(None, f"/listings/{listing['id']}"))["state"] == "listed", "sold again and again"


async def test_a_quote_is_taken_only_as_it_was_given_and_only_once(market: Market):
    listing, plan_id = await fixed(market)
    other_listing, _ = await fixed(market)
    buyer = await market.buyer()
    said = order_of(market, buyer, listing, plan_id)
    dearer = await market.post(buyer, "/orders", said | {"total": yuan(19_999)})
    assert (code(dearer), dearer.json()["total"]) == ((409, "quote_differs"), yuan(20_000))
    for wrong in ({"quote_version": 2}, {"listing_id": other_listing["id"]}):
        assert code(await market.post(buyer, "/orders", said | wrong)) == (409, "quote_differs")
    await market.do(buyer, "/orders", said)
    assert code(await market.post(buyer, "/orders", said)) == (409, "quote_taken")
    late = order_of(market, buyer, listing, plan_id)
    market.bench.clock.advance(days=1)
    await market.bench.refresh()
    assert code(await market.post(buyer, "/orders", late)) == (409, "quote_expired")


async def test_the_uses_and_days_that_a_quote_buys_are_those_of_the_order_and_its_right(market: Market):
    listing, plan_id = await fixed(market)
    buyer = await market.buyer(50_000)
    many = order_of(market, buyer, listing, plan_id, quota_uses=listing["quota_uses"] + 1)
    assert code(await market.post(buyer, "/orders", many)) == (409, "beyond_offer")
    said = order_of(market, buyer, listing, plan_id, quota_uses=1, period_days=7)
    order = await market.do(buyer, "/orders", said)
    assert (order["quota_uses"], order["period_days"]) == (1, 7)
    await market.signed(buyer, order)
    order = await market.do(buyer, f"/orders/{order['id']}/payment")
    right = await market.read(buyer, f"/entitlements/{order['entitlement_id']}")
    assert right["quota_uses"] == 1
    assert datetime.fromisoformat(right["deadline"]) == market.bench.clock.now() + timedelta(days=7)
    bundle = order_of(market, buyer, listing, plan_id, is_bundle=True)
    assert code(await market.post(buyer, "/orders", bundle)) == (409, "bundle_not_ordered")


async def test_of_two_quotes_that_charge_for_the_same_one_is_ordered_until_the_other_is_given_anew(market: Market):
    listing, plan_id = await fixed(market, mode="api")
    buyer = await market.buyer(50_000)
    covers: dict[str, Any] = {"mode": "api", "granted_columns": ["code"]}
    first, second = [order_of(market, buyer, listing, plan_id, **covers) for _ in range(2)]
    quotes = market.neighbours.overlapping
    quotes[first["quote_id"]], quotes[second["quote_id"]] = [second["quote_id"]], [first["quote_id"]]
    answers = await asyncio.gather(*(market.post(buyer, "/orders", said) for said in (first, second)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    taken, refused = sorted(answers, key=lambda answer: answer.status_code)
    again = second if refused is answers[1] else first
    answer = await market.post(buyer, "/orders", again)
    assert code(answer) == (409, "quote_overlaps")
    told = answer.json()
    assert (told["order_ids"], told["quote_id"], told["quote_version"]) == ([taken.json()["id"]], again["quote_id"], 1)
    assert told["renew_at"] == f"/pricing/v1/quotes/{again['quote_id']}/renew"
    quotes[again["quote_id"]] = []  # given anew, it charges for the rest alone
    await market.do(buyer, "/orders", again)


async def test_an_order_that_lapsed_keeps_no_other_quote_from_being_taken(market: Market):
    listing, plan_id = await fixed(market, mode="api")
    buyer = await market.buyer(50_000)
    covers: dict[str, Any] = {"mode": "api", "granted_columns": ["code"]}
    first = order_of(market, buyer, listing, plan_id, **covers)
    await market.do(buyer, "/orders", first)
    await market.advance(days=6)
    second = order_of(market, buyer, listing, plan_id, **covers)
    market.neighbours.overlapping[second["quote_id"]] = [first["quote_id"]]
    await market.do(buyer, "/orders", second)


async def test_the_quote_of_another_buyer_is_no_quote(market: Market):
    listing, plan_id = await fixed(market)
    ana, ben = await market.buyer(), await market.buyer()
    said = order_of(market, ana, listing, plan_id)
    assert code(await market.post(ben, "/orders", said)) == (404, "no_such_quote")
    assert await market.facts("order_placed") == []


async def test_what_costs_nothing_is_granted_at_the_second_signature(market: Market):
    listing, plan_id = await fixed(market)
    buyer = await market.buyer()
    order = await market.do(buyer, "/orders", order_of(market, buyer, listing, plan_id, minor=0))
    await market.signed(buyer, order)
    order = await market.order(buyer, order)
    assert (order["state"], (await market.use(buyer, order)).status_code) == ("awaiting_delivery", 201)
    assert (await market.do(buyer, f"/orders/{order['id']}/acceptance"))["state"] == "settled"


async def test_of_fifty_buyers_of_one_exclusive_right_one_gets_it(market: Market):
    listing, plan_id = await fixed(market, kind="exclusive")
    buyers = [await market.bench.member("buyer") for _ in range(50)]
    wanting = (market.post(each, "/orders", order_of(market, each, listing, plan_id)) for each in buyers)
    answers = Counter(code(answer) for answer in await asyncio.gather(*wanting))
    assert answers[201, None] == 1
    assert answers.keys() <= {(201, None), (409, "listing_not_open"), (503, "database_busy")}
    assert len(await market.facts("order_placed")) == 1
    assert (await market.read(None, f"/listings/{listing['id']}"))["state"] == "sold"


async def test_a_raised_grade_suspends_a_right_that_it_forbids_and_no_other(market: Market):
    buyer, order = await market.paid()
    version_id = (await market.read(market.provider, f"/listings/{order['listing_id']}"))["version_id"]
    for grade, revision, state in ((Grade.G3, 2, "active"), (Grade.G4, 3, "suspended")):
        market.neighbours.raise_grade(version_id, grade)
        await market.tick()
        assert (await market.read(buyer, f"/entitlements/{order['entitlement_id']}"))["state"] == state
        assert code(await market.use(buyer, order, revision=revision - 1)) == (409, "grade_changed")
        expected = (201, None) if state == "active" else (409, "entitlement_suspended")
        assert code(await market.use(buyer, order, revision=revision)) == expected


async def _nothing(*_: object) -> None:
    """A custodian that takes an instruction and leaves it."""
