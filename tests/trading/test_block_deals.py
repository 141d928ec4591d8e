"""Block deals 大宗协议 over HTTP: several listings, one yes, one approval, an order of each or of none."""

import asyncio
from datetime import timedelta
from typing import Any

from httpx2 import Response

from services.trading.store import order as order_store
from shared.canonical import digest
from shared.grades import C1, C2, Grade
from shared.ids import OrderId
from tests.support.bench import ParticipantSuspended, Person
from tests.trading.market import Market, code, yuan
from tests.trading.negotiation.asked import accepted as taken
from tests.trading.negotiation.asked import asked, listed, orders

Told = dict[str, Any]
PRICE = 600_000  # two of them are a block
WHY = {"reason": "价格公允"}


def a_part(listing: Told, minor: int = PRICE, **changes: Any) -> Told:
    return {
        "listing_id": listing["id"], "price": yuan(minor), "field": "air_travel", "territory": "CN",
        "period_days": 365, "purposes": ["route_planning"], "quota_uses": 3,
    } | changes  # fmt: skip


async def offered(market: Market, buyer: Person, parts: list[Told], **changes: Any) -> Response:
    expires_at = (market.bench.clock.now() + timedelta(days=2)).isoformat()
    body = {"buyer_id": buyer.participant_id, "parts": parts, "expires_at": expires_at}
    return await market.post(market.provider, "/block-deals", body | changes)


async def accepted(market: Market, buyer: Person, parts: list[Told], **changes: Any) -> Told:
    deal = (await offered(market, buyer, parts, **changes)).json()
    return await market.do(buyer, f"/block-deals/{deal['id']}/acceptance", {"terms_hash": deal["terms_hash"]})


async def approved(market: Market, deal: Told, who: Person | None = None) -> Response:
    who = who or market.bench.staff("operator_business")
    return await market.post(who, f"/block-deals/{deal['id']}/approval", WHY)


async def seen(market: Market, who: Person, deal: Told) -> Told:
    return await market.read(who, f"/block-deals/{deal['id']}")


async def test_a_block_becomes_one_order_of_each_part_by_its_approval(market: Market):
    listings, buyer = [await listed(market, kind) for kind in ("exclusive", "unlimited")], await market.buyer(2_000_000)
    narrower = a_part(listings[1], 500_000, territory="CN-SH", period_days=30, quota_uses=1)
    answer = await offered(market, buyer, [a_part(listings[0]), narrower])
    deal = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/trading/v1/block-deals/{deal['id']}")
    assert (deal["state"], deal["next_actor"], deal["total"]["minor"]) == ("offered", "buyer", 1_100_000)
    assert [part["terms"]["listing_id"] for part in deal["parts"]] == sorted(each["id"] for each in listings)
    path = f"/block-deals/{deal['id']}/acceptance"
    assert code(await market.post(buyer, path, {"terms_hash": "00" * 32})) == (409, "block_terms_differ")
    waiting = await market.do(buyer, path, {"terms_hash": deal["terms_hash"]})
    assert (waiting["state"], waiting["next_actor"], waiting["order_ids"]) == ("accepted", "operator_business", [])
    assert await market.do(buyer, path, {"terms_hash": deal["terms_hash"]}) == waiting
    assert await orders(market) == []
    operator = market.bench.staff("operator_business")
    done = (await approved(market, deal, operator)).json()
    assert (done["state"], done["approval"]["reason"], done["next_actor"]) == ("agreed", "价格公允", None)
    assert (await approved(market, deal, operator)).json() == done, "said again, it is told again"

    made = {each["listing_id"]: each for each in await orders(market)}
    assert [made[part["terms"]["listing_id"]]["id"] for part in done["parts"]] == done["order_ids"] and len(made) == 2
    assert {each["block_deal_id"] for each in made.values()} == {deal["id"]}
    assert {id: each["price"]["minor"] for id, each in made.items()} == {
        listings[0]["id"]: PRICE, listings[1]["id"]: 500_000,
    }  # fmt: skip
    order = made[listings[1]["id"]]
    terms = (await market.read(buyer, f"/contracts/{order['contract_id']}"))["terms"]
    assert (terms["origin"], terms["right"]["territory"]) == ({"block_deal_id": deal["id"]}, "CN-SH")
    assert (await market.read(None, f"/listings/{listings[0]['id']}"))["state"] == "sold"
    await market.signed(buyer, order)
    assert (await market.do(buyer, f"/orders/{order['id']}/payment"))["entitlement_id"]
    (fact,) = await market.facts("block_deal_approved")
    assert fact["order_ids"] == done["order_ids"]
    told = [each["terms"] for each in await market.facts("block_part_offered")]
    assert digest(told) == deal["terms_hash"], "whoever has the log can bind the parts to the yes"


async def test_if_one_part_cannot_be_ordered_none_is(market: Market):
    raised, delisted, sold, plain = [await listed(market, "exclusive", quota_uses=3) for _ in range(4)]
    ends = dict[str, str]()
    for spoilt in (raised, delisted, sold):
        buyer = await market.buyer(clearance=C2)
        ends[spoilt["id"]] = (await accepted(market, buyer, [a_part(plain), a_part(spoilt)]))["id"]
    market.neighbours.raise_grade(raised["version_id"], Grade.G3)
    await market.tick()
    await market.do(market.provider, f"/listings/{delisted['id']}/delist")
    first = await market.buyer()
    assert (await taken(market, market.provider, (await asked(market, first, sold)).json())).is_success
    reasons = {raised["id"]: "clearance_too_low", delisted["id"]: "listing_not_open", sold["id"]: "listing_not_open"}
    before = await orders(market)
    for listing_id, reason in reasons.items():
        refused = await approved(market, {"id": ends[listing_id]})
        assert code(refused) == (409, "block_part_refused")
        assert (refused.json()["listing_id"], refused.json()["reason_code"]) == (listing_id, reason)
    assert await orders(market) == before
    operator = market.bench.staff("operator_business")
    assert {(await seen(market, operator, {"id": each}))["state"] for each in ends.values()} == {"accepted"}
    assert (await market.read(None, f"/listings/{plain['id']}"))["state"] == "listed"
    assert await market.facts("block_deal_approved") == []


async def test_two_blocks_that_share_an_exclusive_right_race_and_one_is_made_whole(market: Market):
    shared, one, two = [await listed(market, "exclusive") for _ in range(3)]
    ana, ben = await market.buyer(), await market.buyer()
    deals = [
        await accepted(market, ana, [a_part(shared), a_part(one)]),
        await accepted(market, ben, [a_part(two), a_part(shared)]),
    ]
    operators = [market.bench.staff("operator_business") for _ in range(4)]
    answers = await asyncio.gather(*[
        approved(market, deals[at % 2], who) for at, who in enumerate(operators)
    ])  # fmt: skip
    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
    made = await orders(market)
    winner = next(each.json() for each in answers if each.status_code == 200)
    assert {each["block_deal_id"] for each in made} == {winner["id"]} and len(made) == 2
    states = sorted([(await seen(market, operators[0], deal))["state"] for deal in deals])
    assert states == ["accepted", "agreed"]


async def test_a_failure_in_the_middle_of_an_approval_leaves_nothing(market: Market, monkeypatch: Any):
    listings, buyer = [await listed(market, "exclusive") for _ in range(3)], await market.buyer()
    deal = await accepted(market, buyer, [a_part(each) for each in listings])
    placed, add = list[OrderId](), order_store.add_order

    async def add_two(tx: Any, order: Any) -> None:
        placed.append(order.id)
        if len(placed) == 3:
            raise RuntimeError("the third never comes")
        await add(tx, order)

    with monkeypatch.context() as patched:
        patched.setattr(order_store, "add_order", add_two)
        assert (await approved(market, deal)).status_code == 500
    assert len(placed) == 3 and await orders(market) == []
    assert {(await market.read(None, f"/listings/{each['id']}"))["state"] for each in listings} == {"listed"}
    assert len((await approved(market, deal)).json()["order_ids"]) == 3


async def test_a_price_outside_the_band_says_on_which_grounds(market: Market):
    listings, buyer = [await listed(market) for _ in range(2)], await market.buyer()
    market.neighbours.publish("2029-10", 1_000_000)
    market.neighbours.publish("2029-11", 800_000)
    market.neighbours.publish("2029-12", None)
    market.neighbours.publish("2029-12", 1, theme="finance")
    within = [a_part(listings[0], 560_000), a_part(listings[1], 1_040_000)]  # 30 % under and over
    parts = (await offered(market, buyer, within)).json()["parts"]
    assert [part["is_within_band"] for part in parts] == [True, True]
    assert parts[0]["reference"] == {"theme": "transport", "month": "2029-11", "median": yuan(800_000)}
    for minor in (559_999, 1_040_001):
        outside = [a_part(listings[0], minor), a_part(listings[1], 800_000)]
        refused = await offered(market, buyer, outside)
        assert code(refused) == (409, "outside_band")
        assert (refused.json()["listings"], refused.json()["band_basis_points"]) == ([listings[0]["id"]], 3_000)
        deal = (await offered(market, buyer, outside, grounds="含独家字段")).json()
        assert deal["grounds"] == "含独家字段"
        assert {part["terms"]["listing_id"]: part["is_within_band"] for part in deal["parts"]} == {
            listings[0]["id"]: False, listings[1]["id"]: True,
        }  # fmt: skip


async def test_where_no_reference_price_tells_anything_nothing_lies_outside_and_that_is_said(market: Market):
    listings, buyer = [await listed(market) for _ in range(2)], await market.buyer()
    market.neighbours.publish("2029-12", None)
    deal = (await offered(market, buyer, [a_part(each) for each in listings])).json()
    assert [(part["reference"], part["is_within_band"]) for part in deal["parts"]] == [(None, None)] * 2


async def test_what_is_no_block_is_none(market: Market):
    one, two = [await listed(market) for _ in range(2)]
    buyer, auctioned = await market.buyer(), await market.listing()
    assert code(await offered(market, buyer, [a_part(one, 2_000_000)])) == (422, "block_parts")
    assert code(await offered(market, buyer, [a_part(one), a_part(one)])) == (422, "block_parts")
    small = await offered(market, buyer, [a_part(one, 500_000), a_part(two, 499_999)])
    assert (code(small), small.json()["total_minor_min"]) == ((409, "block_too_small"), 1_000_000)
    assert code(await offered(market, buyer, [a_part(one), a_part(two, quota_uses=4)])) == (409, "beyond_listing")
    assert code(await offered(market, buyer, [a_part(one), a_part(auctioned)])) == (409, "listing_not_open")
    assert code(await offered(market, await market.buyer(clearance=C1), [a_part(one), a_part(two)])) == (
        403, "clearance_too_low",
    )  # fmt: skip
    related = await market.buyer(affiliate_of=market.provider)
    assert code(await offered(market, related, [a_part(one), a_part(two)])) == (403, "related_party")
    market.provider = await market.bench.member("provider", signs=True)
    own = await listed(market)
    assert code(await offered(market, buyer, [a_part(own), a_part(two)])) == (404, "no_such_listing")


async def test_whoever_is_neither_of_the_two_finds_nothing_and_only_the_buyer_says_yes(market: Market):
    parts, buyer, other = [a_part(await listed(market)) for _ in range(2)], await market.buyer(), await market.buyer()
    deal = (await offered(market, buyer, parts)).json()
    yes = f"/block-deals/{deal['id']}/acceptance", {"terms_hash": deal["terms_hash"]}
    assert code(await market.post(other, *yes)) == (404, "no_such_block_deal")
    assert (await market.bench.get(other, f"/trading/v1/block-deals/{deal['id']}")).status_code == 404
    assert (await market.read(other, "/block-deals"))["items"] == []
    both = await market.bench.member("buyer", "provider", signs=True)
    market.provider = both
    own = (await offered(market, buyer, [a_part(await listed(market)) for _ in range(2)])).json()
    path = f"/block-deals/{own['id']}/acceptance", {"terms_hash": own["terms_hash"]}
    assert code(await market.post(both, *path)) == (404, "no_such_block_deal"), "a provider takes no offer of its own"
    assert len((await market.read(buyer, "/block-deals?state=offered"))["items"]) == 2
    assert (await market.read(buyer, "/block-deals?state=agreed"))["items"] == []


async def test_a_block_ends_without_a_deal_by_either_side_by_an_operator_or_by_time(market: Market):
    parts, people = [a_part(await listed(market)) for _ in range(2)], [await market.buyer() for _ in range(5)]
    withdrawn, declined, expired = [(await offered(market, who, parts)).json() for who in people[:3]]
    refused, forgotten = [await accepted(market, who, parts) for who in people[3:]]
    why = {"reason_code": "no_longer_wanted", "reason": "预算已变"}
    for who, deal in ((market.provider, withdrawn), (people[1], declined)):
        over = await market.do(who, f"/block-deals/{deal['id']}/termination", why)
        assert await market.do(who, f"/block-deals/{deal['id']}/termination", why) == over
    path = f"/block-deals/{refused['id']}/termination"
    assert code(await market.post(people[3], path, why)) == (409, "block_deal_over"), "a yes binds"
    no = {"reason_code": "price_out_of_line", "reason": "偏离参考价"}
    operator = market.bench.staff("operator_business")
    assert await market.do(operator, f"/block-deals/{refused['id']}/refusal", no)
    await market.advance(days=5)
    ends = [await seen(market, operator, each) for each in (withdrawn, declined, refused, expired, forgotten)]
    assert [(each["state"], each["ended_by"], each["reason_code"]) for each in ends] == [
        ("terminated", "provider", "no_longer_wanted"), ("terminated", "buyer", "no_longer_wanted"),
        ("terminated", "operator_business", "price_out_of_line"), ("terminated", "deadline", "offer_expired"),
        ("terminated", "deadline", "approval_overdue"),
    ]  # fmt: skip
    assert code(await approved(market, forgotten)) == (409, "block_not_awaiting_approval")
    assert await orders(market) == [] and len(await market.facts("block_deal_terminated")) == 5


async def test_a_buyer_who_was_suspended_meanwhile_gets_nothing(market: Market):
    parts, buyer = [a_part(await listed(market)) for _ in range(2)], await market.buyer()
    deal = await accepted(market, buyer, parts)
    assert buyer.participant_id
    await market.bench.announce(ParticipantSuspended(buyer.participant_id, "review"))
    refused = await approved(market, deal)
    assert (code(refused), refused.json()["reason_code"]) == ((409, "block_part_refused"), "buyer_not_admitted")
    assert await orders(market) == []
