"""Bundles over HTTP: one yes and one payment, an order of each part or of none."""

import asyncio
from typing import Any
from uuid import uuid4

from httpx2 import Response

from services.trading.store import order as order_store
from shared.grades import C2, Grade
from shared.ids import OrderId, PlanId
from shared.money import Money
from tests.support.bench import Person
from tests.trading.contracts.dealing import AGREED, REASONED
from tests.trading.market import Market, code, yuan
from tests.trading.negotiation.asked import orders

Told = dict[str, Any]
SHARES = (56_001, 23_998)  # which a fee of 2.5 % and its tax round differently than their sum
TOTAL = sum(SHARES)
TAXES = (3_170, 1_358)


async def on_offer(market: Market, *kinds: str, **parts: Any) -> list[Told]:
    """A listing at one and the same plan for each part."""
    plan_id = PlanId.new()
    made = [await market.list_it(plan_id=plan_id, kind=kind, **parts) for kind in kinds or ("unlimited", "unlimited")]
    return [each.json() for each in made]


def yes_to(market: Market, buyer: Person, listings: list[Told], shares: tuple[int, ...] = SHARES) -> Told:
    """What the buyer sends to take a fresh quote of the bundle."""
    assert buyer.participant_id
    parts = [
        {"version_id": listing["version_id"], "mode": "raw", "alone": None, "share": Money(share), "tax": Money(tax)}
        for listing, share, tax in zip(listings, shares, TAXES, strict=False)
    ]
    tax = sum(TAXES[: len(listings)])
    told = {
        "net": Money(sum(shares) - tax), "tax": Money(tax), "gross": Money(sum(shares)), "rate_id": "vat-2026",
        "basis_points": 600,
    }  # fmt: skip
    quote = market.neighbours.quote(
        buyer.participant_id, listings[0]["version_id"], PlanId(listings[0]["plan_id"]), sum(shares), is_bundle=True,
        parts=parts, tax=told,
    )  # fmt: skip
    return {
        "listing_ids": [each["id"] for each in listings], "quote_id": quote.id, "quote_version": 1,
        "total": yuan(sum(shares)),
    }  # fmt: skip


async def ask_for(market: Market, buyer: Person, listings: list[Told], key: str | None = None) -> Response:
    return await market.post(buyer, "/bundle-orders", yes_to(market, buyer, listings), key)


async def placed(market: Market, buyer: Person, listings: list[Told] | None = None) -> Told:
    listings = listings or await on_offer(market)
    return await market.do(buyer, "/bundle-orders", yes_to(market, buyer, listings))


async def signed(market: Market, buyer: Person, bundle: Told) -> None:
    for order in bundle["orders"]:
        await market.signed(buyer, order)


async def paid(market: Market, buyer: Person, bundle: Told) -> Told:
    await signed(market, buyer, bundle)
    return await market.do(buyer, f"/bundle-orders/{bundle['quote_id']}/payment")


def states(bundle: Told) -> list[tuple[str, str | None]]:
    return sorted((order["state"], order["reason_code"]) for order in bundle["orders"])


async def seen(market: Market, who: Person, bundle: Told) -> Told:
    return await market.read(who, f"/bundle-orders/{bundle['quote_id']}")


async def test_a_bundle_is_one_act_and_each_part_an_order_of_its_own(market: Market):
    listings, buyer = await on_offer(market), await market.buyer(100_000)
    said = yes_to(market, buyer, listings)
    answer = await market.post(buyer, "/bundle-orders", said, key := uuid4().hex)
    bundle = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/trading/v1/bundle-orders/{said['quote_id']}")
    assert (await market.post(buyer, "/bundle-orders", said, key)).json() == bundle, "said again, it is told again"
    assert code(await market.post(buyer, "/bundle-orders", said)) == (409, "quote_taken")
    made = {order["listing_id"]: order for order in bundle["orders"]}
    prices = {listing["id"]: share for listing, share in zip(listings, SHARES, strict=True)}
    assert {id: order["price"]["minor"] for id, order in made.items()} == prices
    assert {order["bundle_quote_id"] for order in made.values()} == {said["quote_id"]}
    terms = (await market.read(buyer, f"/contracts/{bundle['orders'][0]['contract_id']}"))["terms"]
    assert terms["origin"] == {"bundle_quote_id": said["quote_id"]}
    assert terms["plan"] == {"plan_id": bundle["plan_id"], "quote_id": said["quote_id"], "quote_version": 1}
    (fact,) = await market.facts("bundle_ordered")
    assert sorted(fact["order_ids"]) == [order["id"] for order in bundle["orders"]]
    assert fact["amount"]["minor"] == TOTAL

    await market.signed(buyer, bundle["orders"][0])
    early = await market.post(buyer, bundle["pay_at"].removeprefix("/trading/v1"))
    assert (code(early), early.json()["order_id"]) == ((409, "bundle_not_payable"), bundle["orders"][1]["id"])
    alone = await market.post(buyer, f"/orders/{bundle['orders'][0]['id']}/payment")
    assert (code(alone), alone.json()["pay_at"]) == ((409, "bundle_paid_whole"), bundle["pay_at"])
    await market.signed(buyer, bundle["orders"][1])
    done = await market.do(buyer, f"/bundle-orders/{said['quote_id']}/payment")
    assert states(done) == [("awaiting_delivery", None)] * 2 and await market.wallet(buyer) == (100_000 - TOTAL, 0)
    assert code(await market.post(buyer, f"/bundle-orders/{said['quote_id']}/payment")) == (409, "bundle_not_payable")

    for order in done["orders"]:
        assert (await market.use(buyer, order)).is_success
        await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await market.tick()
    done = await seen(market, market.provider, bundle)
    assert states(done) == [("settled", "accepted_by_buyer")] * 2
    shares = [order["settlement"] for order in done["orders"]]
    got = {name: sum(share[name]["minor"] for share in shares) for name in ("provider", "fee", "tax")}
    assert sum(got.values()) == TOTAL and await market.wallet(market.provider) == (got["provider"], 0)
    told = {each["listing_id"]: each["tax"]["amount"]["minor"] for each in await market.facts("order_placed")}
    assert told == {listing["id"]: tax for listing, tax in zip(listings, TAXES, strict=True)}


async def test_after_the_payment_each_part_goes_its_own_way(market: Market):
    buyer = await market.buyer(TOTAL)
    bundle = await paid(market, buyer, await placed(market, buyer))
    kept, lost = bundle["orders"]
    await market.use(buyer, kept)
    await market.do(buyer, f"/orders/{kept['id']}/acceptance")
    path = f"/contracts/{lost['contract_id']}/terminations"
    proposed = await market.do(buyer, path, REASONED)
    await market.do(market.provider, f"{path}/{proposed['id']}/agreement", AGREED)
    await market.tick()
    done = {order["id"]: order for order in (await seen(market, buyer, bundle))["orders"]}
    assert (done[kept["id"]]["state"], done[lost["id"]]["state"]) == ("settled", "refunded")
    assert await market.wallet(buyer) == (lost["price"]["minor"], 0)


async def test_if_one_part_cannot_be_ordered_none_is_and_it_is_named(market: Market):
    buyer, related = await market.buyer(clearance=C2), await market.buyer(affiliate_of=market.provider)
    plain, suspended, sold, raised = [await on_offer(market, "unlimited", "exclusive") for _ in range(4)]
    await market.do(market.provider, f"/listings/{suspended[1]['id']}/suspend")
    await placed(market, await market.buyer(), sold)
    market.neighbours.raise_grade(raised[1]["version_id"], Grade.G3)
    await market.tick()
    before = await orders(market)
    for who, listings, at, reason in (
        (buyer, suspended, 1, "listing_not_open"), (buyer, sold, 1, "listing_not_open"),
        (buyer, raised, 1, "clearance_too_low"), (related, plain, 0, "related_party"),
    ):  # fmt: skip
        said = yes_to(market, who, listings)
        refused = (await market.post(who, "/bundle-orders", said)).json()
        assert (refused["code"], refused["reason_code"]) == ("bundle_part_refused", reason)
        assert (refused["listing_id"], refused["version_id"]) == (listings[at]["id"], listings[at]["version_id"])
        assert (await market.bench.get(who, f"/trading/v1/bundle-orders/{said['quote_id']}")).status_code == 404
    assert await orders(market) == before


async def test_of_bundles_that_race_for_the_last_of_a_part_one_is_made_whole(market: Market):
    shared, first, second = await on_offer(market, "exclusive", "unlimited", "unlimited")
    people = [await market.buyer() for _ in range(4)]
    answers = await asyncio.gather(*[
        ask_for(market, who, [shared, first] if at % 2 else [second, shared]) for at, who in enumerate(people)
    ])  # fmt: skip
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    refused = [each.json() for each in answers if each.status_code == 409]
    assert {(each["code"], each["listing_id"]) for each in refused} == {("bundle_part_refused", shared["id"])}
    made = await orders(market)
    (winner,) = [each.json() for each in answers if each.status_code == 201]
    assert {each["bundle_quote_id"] for each in made} == {winner["quote_id"]} and len(made) == 2
    assert (await market.read(None, f"/listings/{shared['id']}"))["state"] == "sold"


async def test_a_quote_that_is_taken_twice_at_once_becomes_one_bundle_and_is_charged_once(market: Market):
    listings, buyer = await on_offer(market), await market.buyer(3 * TOTAL)
    said = yes_to(market, buyer, listings)
    answers = await asyncio.gather(*(market.post(buyer, "/bundle-orders", said) for _ in range(3)))
    assert sorted(code(each) if each.is_error else (201, "") for each in answers) == [
        (201, ""), (409, "quote_taken"), (409, "quote_taken"),
    ]  # fmt: skip
    (bundle,) = [each.json() for each in answers if each.status_code == 201]
    await signed(market, buyer, bundle)
    path = f"/bundle-orders/{said['quote_id']}/payment"
    paying = await asyncio.gather(*(market.post(buyer, path) for _ in range(3)))
    assert sorted(each.status_code for each in paying) == [200, 409, 409]
    assert await market.wallet(buyer) == (2 * TOTAL, 0)


async def test_a_stale_quote_is_told_as_it_is_now(market: Market):
    listings, buyer = await on_offer(market), await market.buyer()
    said = yes_to(market, buyer, listings)
    for wrong in ({"quote_version": 2}, {"total": yuan(TOTAL - 1)}):
        refused = await market.post(buyer, "/bundle-orders", said | wrong)
        assert (code(refused), refused.json()["total"]) == ((409, "quote_differs"), yuan(TOTAL))
    other = await market.buyer()
    assert code(await market.post(other, "/bundle-orders", said)) == (404, "no_such_quote")
    wrong = await market.post(buyer, "/bundle-orders", said | {"listing_ids": [listings[0]["id"]] * 2})
    assert (code(wrong), len(wrong.json()["parts"])) == ((409, "bundle_listings"), 2)
    single = await market.post(buyer, "/orders", said | {"listing_id": listings[0]["id"]})
    assert single.status_code == 422, "what is not asked for is not understood"
    del said["listing_ids"]
    single = await market.post(buyer, "/orders", said | {"listing_id": listings[0]["id"]})
    assert (code(single), single.json()["order_at"]) == ((409, "bundle_not_ordered"), "/trading/v1/bundle-orders")
    market.bench.clock.advance(days=1)
    await market.bench.refresh()
    late = await market.post(buyer, "/bundle-orders", said | {"listing_ids": [each["id"] for each in listings]})
    assert (code(late), late.json()["quote_version"]) == ((409, "quote_expired"), 1)
    assert await orders(market) == []


async def test_a_failure_in_the_middle_leaves_nothing(market: Market, monkeypatch: Any):
    listings, buyer = await on_offer(market, "unlimited", "exclusive"), await market.buyer()
    said, added, add = yes_to(market, buyer, listings), list[OrderId](), order_store.add_order

    async def add_one(tx: Any, order: Any) -> None:
        added.append(order.id)
        if len(added) == 2:
            raise RuntimeError("the second never comes")
        await add(tx, order)

    with monkeypatch.context() as patched:
        patched.setattr(order_store, "add_order", add_one)
        assert (await market.post(buyer, "/bundle-orders", said)).status_code == 500
    assert len(added) == 2 and await orders(market) == []
    assert len((await market.do(buyer, "/bundle-orders", said))["orders"]) == 2


async def test_whoever_cannot_pay_all_pays_nothing(market: Market):
    buyer = await market.buyer(TOTAL - 1)
    bundle = await placed(market, buyer)
    await signed(market, buyer, bundle)
    refused = await market.post(buyer, f"/bundle-orders/{bundle['quote_id']}/payment")
    assert code(refused) == (409, "insufficient_funds") and await market.wallet(buyer) == (TOTAL - 1, 0)
    assert states(await seen(market, buyer, bundle)) == [("awaiting_payment", None)] * 2


async def test_only_the_buyer_pays_and_only_the_two_see_it(market: Market):
    buyer, other = await market.buyer(), await market.buyer()
    bundle = await placed(market, buyer)
    path = f"/bundle-orders/{bundle['quote_id']}"
    assert await seen(market, market.provider, bundle) == await seen(market, buyer, bundle)
    assert (await market.bench.get(other, f"/trading/v1{path}")).status_code == 404
    assert code(await market.post(other, f"{path}/payment")) == (404, "no_such_bundle_order")
    assert await seen(market, market.bench.staff("regulator"), bundle)


async def test_a_bundle_that_nobody_pays_ends_whole_with_one_default(market: Market):
    buyer = await market.buyer(TOTAL)
    bundle = await placed(market, buyer)
    await signed(market, buyer, bundle)
    ends = {order["deadline"] for order in (await seen(market, buyer, bundle))["orders"]}
    assert len(ends) == 1, "the time to pay is one for all"
    await market.advance(days=60)
    assert states(await seen(market, buyer, bundle)) == [("defaulted", "payment_overdue"), ("lapsed", "bundle_broken")]
    (entry,) = (await market.read(buyer, "/credit-entries"))["items"]
    assert entry["kind"] == "payment_default" and await market.wallet(buyer) == (TOTAL, 0)
    assert code(await market.post(buyer, f"/bundle-orders/{bundle['quote_id']}/payment")) == (409, "bundle_not_payable")


async def test_where_the_provider_leaves_one_part_unsigned_the_other_ends_with_it_at_nobody_elses_cost(market: Market):
    buyer = await market.buyer(TOTAL)
    bundle = await placed(market, buyer)
    one, two = bundle["orders"]
    await market.signed(buyer, one)
    assert (await market.sign(buyer, two["contract_id"])).is_success
    await market.advance(days=60)
    assert states(await seen(market, buyer, bundle)) == [
        ("lapsed", "bundle_broken"), ("lapsed", "not_signed_by_provider"),
    ]  # fmt: skip
    assert (await market.read(buyer, "/credit-entries"))["items"] == []
    assert len((await market.read(market.provider, "/credit-entries"))["items"]) == 1
    contracts = [await market.read(buyer, f"/contracts/{order['contract_id']}") for order in (one, two)]
    assert {each["state"] for each in contracts} & {"drafted", "active"} == set()


async def test_until_it_is_paid_the_end_of_one_part_is_the_end_of_all(market: Market):
    graded, agreed = await on_offer(market), await on_offer(market)
    buyer = await market.buyer(2 * TOTAL)
    bundles = [await placed(market, buyer, each) for each in (graded, agreed)]
    for bundle in bundles:
        await signed(market, buyer, bundle)
    market.neighbours.raise_grade(graded[0]["version_id"], Grade.G4)
    await market.tick()
    path = f"/contracts/{bundles[1]['orders'][0]['contract_id']}/terminations"
    proposed = await market.do(buyer, path, REASONED)
    await market.do(market.provider, f"{path}/{proposed['id']}/agreement", AGREED)
    ended = [states(await seen(market, buyer, bundle)) for bundle in bundles]
    assert [sorted(reason or "" for _, reason in each) for each in ended] == [
        ["bundle_broken", "mode_not_allowed_for_grade"], ["bundle_broken", "terminated_by_agreement"],
    ]  # fmt: skip
    assert {state for each in ended for state, _ in each} == {"lapsed"}
    assert (await market.read(buyer, "/credit-entries"))["items"] == []
