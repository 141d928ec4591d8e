"""协议转让 over HTTP: offered to one buyer, taken, and approved or refused."""

from shared.grades import C1, C2, Grade
from shared.ids import ParticipantId
from tests.trading.market import Market, code
from tests.trading.negotiation.asked import accepted, answered, directed, ended, listed, orders, read


async def test_a_directed_deal_is_made_by_its_approval(market: Market):
    listing, buyer, operator = await listed(market), await market.buyer(), market.bench.staff("operator_business")
    opened = await directed(market, buyer, listing)
    seen = opened.json()
    assert (opened.status_code, seen["state"], seen["directed"], seen["needs_approval"]) == (201, "offered", True, True)
    waiting = (await accepted(market, buyer, seen)).json()
    assert (waiting["state"], waiting["next_actor"], waiting["order_id"]) == ("accepted", "operator_business", None)
    assert (await accepted(market, buyer, seen)).json() == waiting
    assert await orders(market) == []
    assert code(await ended(market, buyer, seen)) == (409, "negotiation_over"), "a yes binds"
    path, why = f"/negotiations/{seen['id']}/approval", {"reason": "价格公允"}
    for who in (buyer, market.provider, market.bench.staff("operator_audit"), market.bench.staff("regulator")):
        assert (await market.post(who, path, why)).status_code == 403
    done = (await market.post(operator, path, why)).json()
    assert (done["state"], done["approval"]["reason"]) == ("agreed", "价格公允")
    assert (await market.post(operator, path, why)).json() == done
    another = market.bench.staff("operator_business")
    told = await market.post(another, path, why)
    assert (code(told), told.json()["state"]) == ((409, "not_awaiting_approval"), "agreed")
    assert [each["negotiation_id"] for each in await orders(market)] == [seen["id"]]
    assert [each["approval"]["reason"] for each in await market.facts("negotiation_approved")] == ["价格公允"]


async def test_a_providers_yes_to_a_directed_request_waits_too(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    seen = (await answered(market, buyer, (await directed(market, buyer, listing)).json(), 30_000)).json()
    waiting = (await accepted(market, market.provider, seen)).json()
    assert (waiting["state"], waiting["protocol_state"]) == ("accepted", "REQUESTED")


async def test_a_directed_deal_that_is_refused_or_forgotten_is_none(market: Market):
    listing, operator = await listed(market), market.bench.staff("operator_business")
    ana, ben = await market.buyer(), await market.buyer()
    first, second = [
        (await accepted(market, who, (await directed(market, who, listing)).json())).json() for who in (ana, ben)
    ]
    path, why = f"/negotiations/{first['id']}/refusal", {"reason_code": "price_out_of_line", "reason": "偏离参考价"}
    over = (await market.post(operator, path, why)).json()
    assert (over["state"], over["ended_by"], over["reason_code"], over["reason"]) == (
        "terminated", "operator_business", "price_out_of_line", "偏离参考价",
    )  # fmt: skip
    assert (await market.post(operator, path, why)).json() == over
    assert await read(market, ana, first) == await read(market, market.provider, first) == over
    assert code(await market.post(operator, f"/negotiations/{first['id']}/approval", {"reason": "好"})) == (
        409, "not_awaiting_approval",
    )  # fmt: skip
    await market.advance(days=5)
    assert (await read(market, ben, second))["reason_code"] == "approval_overdue"
    assert await orders(market) == []


async def test_an_approval_asks_the_grade_and_the_listing_anew(market: Market):
    listing, buyer = await listed(market), await market.buyer(clearance=C2)
    seen = (await accepted(market, buyer, (await directed(market, buyer, listing)).json())).json()
    operator, path = market.bench.staff("operator_business"), f"/negotiations/{seen['id']}/approval"
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    await market.tick()
    assert code(await market.post(operator, path, {"reason": "好"})) == (403, "clearance_too_low")
    await market.do(market.provider, f"/listings/{listing['id']}/delist")
    assert code(await market.post(operator, path, {"reason": "好"})) == (409, "listing_not_open")
    assert (await read(market, buyer, seen))["state"] == "accepted"


async def test_nobody_can_be_offered_what_they_may_not_have(market: Market):
    listing = await listed(market)
    low, seller = await market.buyer(clearance=C1), await market.bench.member("provider")
    assert code(await directed(market, low, listing)) == (403, "clearance_too_low")
    assert code(await directed(market, seller, listing)) == (404, "no_such_buyer")
    assert code(await directed(market, low, listing, buyer_id=ParticipantId.new())) == (404, "no_such_buyer")
    affiliate = await market.buyer(affiliate_of=market.provider)
    assert code(await directed(market, affiliate, listing)) == (403, "related_party")
    of_another, market.provider = listing, await market.bench.member("provider", signs=True)
    assert code(await directed(market, await market.buyer(), of_another)) == (404, "no_such_listing")
