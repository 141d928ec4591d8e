"""Call auctions over HTTP: the golden book to its settled orders, sealed limits, and who is left out at the close."""

import asyncio
import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import update

from services.trading import jobs
from services.trading.rules.call_auction import Direction, UnitOrder, clear
from services.trading.tables.call_auctions import unit_orders
from shared.grades import C1, C2, Grade
from shared.ids import CallAuctionId, ListingId, ParticipantId
from tests.support.bench import ParticipantSuspended, Person
from tests.support.migrated import by_administrator
from tests.trading.market import Market, code, yuan
from tests.trading.negotiation.asked import listed
from tests.trading.test_replay import lines

Told = dict[str, Any]
GATHERED = timedelta(hours=2)
GOLDEN_BUYS, GOLDEN_SELLS = [(105, 5), (103, 5), (103, 4), (100, 10)], [(99, 4), (102, 6), (104, 8)]


async def called(market: Market, listings: list[Told], reference: int = 102, **changes: Any) -> Response:
    body = {
        "listing_ids": [each["id"] for each in listings], "reference": yuan(reference),
        "closes_at": (market.bench.clock.now() + GATHERED).isoformat(),
    }  # fmt: skip
    return await market.post(market.bench.staff("operator_business"), "/call-auctions", body | changes)


async def bid(market: Market, who: Person, call: Told, limit: int, quantity: int, key: str | None = None) -> Response:
    body = {"limit": yuan(limit), "quantity": quantity}
    return await market.post(who, f"/call-auctions/{call['id']}/bids", body, key)


async def ask(market: Market, who: Person, call: Told, listing: Told, limit: int, quantity: int) -> Response:
    body = {"listing_id": listing["id"], "limit": yuan(limit), "quantity": quantity}
    return await market.post(who, f"/call-auctions/{call['id']}/asks", body)


async def offered(market: Market, count: int, **changes: Any) -> list[tuple[Person, Told]]:
    """Providers, each with a listing that grants the same."""
    found = list[tuple[Person, Told]]()
    for _ in range(count):
        market.provider = await market.bench.member("provider", signs=True)
        found.append((market.provider, await listed(market, **changes)))
    return found


async def closed(market: Market, call: Told) -> Told:
    await market.advance(seconds=GATHERED.total_seconds())
    return await market.read(None, f"/call-auctions/{call['id']}")


async def all_orders(market: Market) -> list[Told]:
    return (await market.read(market.bench.staff("regulator"), "/orders?limit=100"))["items"]


async def test_the_golden_book_clears_to_orders_that_are_paid_and_used(market: Market):
    sellers = await offered(market, 3)
    opened = await called(market, [listing for _, listing in sellers])
    call = opened.json()
    assert (opened.status_code, opened.headers["Location"]) == (201, f"/trading/v1/call-auctions/{call['id']}")
    assert (call["state"], call["unit"]["quota_uses"], call["price"]) == ("open", 3, None)
    buyers = [await market.buyer(10_000) for _ in GOLDEN_BUYS]
    for who, (limit, quantity) in zip(buyers, GOLDEN_BUYS, strict=True):
        assert (await bid(market, who, call, limit, quantity)).status_code == 201
    for (who, listing), (limit, quantity) in zip(sellers, GOLDEN_SELLS, strict=True):
        assert (await ask(market, who, call, listing, limit, quantity)).status_code == 201

    done = await closed(market, call)
    assert (done["state"], done["price"]["minor"], done["volume"]) == ("cleared", 102, 10)
    fills = [
        (await market.read(who, f"/call-auctions/{call['id']}/orders"))["items"][0]["units"]
        for who in (*buyers, *(who for who, _ in sellers))
    ]
    assert fills == [5, 5, 0, 0, 4, 6, 0]
    made = await all_orders(market)
    assert sorted((each["buyer_id"], each["provider_id"], each["price"]["minor"]) for each in made) == sorted(
        (buyers[buyer].participant_id, sellers[seller][0].participant_id, units * 102)
        for buyer, seller, units in ((0, 0, 4), (0, 1, 1), (1, 1, 5))
    )
    assert {each["call_auction_id"] for each in made} == {call["id"]}

    market.provider, order = sellers[0][0], next(each for each in made if each["price"]["minor"] == 408)
    await market.signed(buyers[0], order)
    paid = await market.do(buyers[0], f"/orders/{order['id']}/payment")
    right = await market.read(buyers[0], f"/entitlements/{paid['entitlement_id']}")
    assert right["quota_uses"] == 12, "four units of three uses"
    assert (await market.use(buyers[0], paid)).json()["uses_left"] == 11
    terms = (await market.read(buyers[0], f"/contracts/{order['contract_id']}"))["terms"]
    assert (terms["origin"], terms["quota_uses"]) == ({"call_auction_id": call["id"]}, 12)


async def test_limits_are_sealed_until_the_close_and_opened_by_it(market: Market):
    (seller, listing) = (await offered(market, 1))[0]
    call = (await called(market, [listing], 23_456_789_012)).json()
    ana, ben = await market.buyer(), await market.buyer()
    await bid(market, ana, call, 34_567_890_123, 2)
    await bid(market, ben, call, 45_678_901_234, 1)
    await ask(market, seller, call, listing, 12_345_678_901, 2)
    secrets = {"34567890123": ana, "45678901234": ben, "12345678901": seller}
    path = f"/trading/v1/call-auctions/{call['id']}"
    staff = [market.bench.staff(role) for role in ("operator_business", "operator_audit", "regulator")]
    for who in (None, ana, ben, seller, *staff):
        places = (path, f"{path}/orders", "/trading/v1/call-auctions")
        told = "".join([(await market.bench.get(who, each)).text for each in places])
        assert [number in told for number in secrets] == [who is owner for owner in secrets.values()]
    told = str(await lines(market))
    assert not any(number in told for number in secrets)

    await closed(market, call)
    log = await lines(market)
    sealed = {line["data"]["sequence"]: line["pd"]["limit"] for line in log if "unit_order_placed" in line["act"]}
    closing = next(line["data"] for line in log if line["act"] == "trading.call_auction_closed")
    for opening in closing["openings"]:
        told = b"\x11limit\x00" + str(opening["limit_minor"]).encode()
        seal = hmac.new(bytes.fromhex(opening["salt"]), told, sha256).hexdigest()
        assert seal == sealed[opening["sequence"]]
    everyone = (await market.read(staff[2], f"/call-auctions/{call['id']}/orders"))["items"]
    assert [each["limit"]["minor"] for each in everyone] == [34_567_890_123, 45_678_901_234, 12_345_678_901]
    assert len((await market.read(ana, f"/call-auctions/{call['id']}/orders"))["items"]) == 1


async def test_the_logs_lines_alone_clear_the_book_again(market: Market):
    sellers = await offered(market, 2)
    call = (await called(market, [listing for _, listing in sellers])).json()
    for limit, quantity in GOLDEN_BUYS[:3]:
        await bid(market, await market.buyer(), call, limit, quantity)
    for (who, listing), (limit, quantity) in zip(sellers, GOLDEN_SELLS, strict=False):
        await ask(market, who, call, listing, limit, quantity)
    await closed(market, call)
    log = await lines(market)
    closing = next(line["data"] for line in log if line["act"] == "trading.call_auction_closed")
    limits = {each["sequence"]: each["limit_minor"] for each in closing["openings"]}
    book = [
        UnitOrder(data["sequence"], ParticipantId(data["participant_id"]), Direction(data["direction"]),
                  limits[data["sequence"]], data["quantity"])
        for data in (line["data"] for line in log if line["act"] == "trading.unit_order_placed")
    ]  # fmt: skip
    again = clear(
        book, next(each["data"]["reference"]["minor"] for each in log if "call_auction_opened" in each["act"])
    )
    assert again and (again.price_minor, again.volume) == (closing["amount"]["minor"], closing["volume"]) == (102, 10)


async def test_every_refused_order_says_why_and_changes_nothing(market: Market):
    (seller, listing), (rival, other) = await offered(market, 2)
    call = (await called(market, [listing])).json()
    buyer, low = await market.buyer(), await market.buyer(clearance=C1)
    affiliate = await market.buyer(affiliate_of=seller)
    assert code(await bid(market, low, call, 100, 1)) == (403, "clearance_too_low")
    assert code(await bid(market, affiliate, call, 100, 1)) == (403, "related_party")
    assert code(await bid(market, seller, call, 100, 1)) == (403, "not_your_role")
    assert code(await ask(market, buyer, call, listing, 100, 1)) == (403, "not_your_role")
    assert code(await ask(market, rival, call, listing, 100, 1)) == (404, "no_such_listing")
    assert code(await ask(market, rival, call, other, 100, 1)) == (404, "no_such_listing")
    assert code(await bid(market, buyer, {"id": CallAuctionId.new()}, 100, 1)) == (404, "no_such_call_auction")
    assert code(await bid(market, buyer, call, 10**15, 2)) == (422, "order_too_large")
    for limit, quantity in ((0, 1), (1, 0), (1, 10_001)):
        assert (await bid(market, buyer, call, limit, quantity)).status_code == 422
    await market.do(seller, f"/listings/{listing['id']}/suspend")
    assert code(await ask(market, seller, call, listing, 100, 1)) == (409, "listing_not_open")
    market.bench.clock.set(datetime.fromisoformat(call["closes_at"]))
    await market.bench.refresh()
    assert code(await bid(market, buyer, call, 100, 1)) == (409, "call_over")
    assert (await closed(market, call))["state"] == "uncrossed"
    assert await all_orders(market) == []


async def test_an_organisation_that_buys_and_sells_never_meets_itself(market: Market):
    (rival, other), *_ = await offered(market, 1)
    both = await market.bench.member("buyer", "provider", signs=True)
    market.provider = both
    own = await listed(market)
    call = (await called(market, [own, other])).json()
    assert (await bid(market, both, call, 100, 1)).status_code == 201
    assert code(await ask(market, both, call, own, 100, 1)) == (409, "self_trade")
    assert (await ask(market, both, call, own, 101, 1)).status_code == 201
    assert (await ask(market, rival, call, other, 100, 1)).status_code == 201
    assert ((await closed(market, call))["volume"], len(await all_orders(market))) == (1, 1)


async def test_a_call_names_listings_that_grant_the_same_and_are_open(market: Market):
    (_, listing), (seller, _) = await offered(market, 2)
    more = await listed(market, quota_uses=4)
    refused = await called(market, [listing, more])
    assert (code(refused), refused.json()["listing_id"]) == ((409, "units_differ"), max(listing["id"], more["id"]))
    assert code(await called(market, [await market.listing()])) == (409, "units_differ")
    assert code(await called(market, [{"id": ListingId.new()}])) == (404, "no_such_listing")
    soon = (market.bench.clock.now() + timedelta(minutes=1)).isoformat()
    assert code(await called(market, [listing], closes_at=soon)) == (422, "call_times")
    await market.do(seller, f"/listings/{more['id']}/suspend")
    assert code(await called(market, [more])) == (409, "listing_not_open")
    body = {"listing_ids": [listing["id"]], "reference": yuan(1), "closes_at": soon}
    for who in (seller, await market.buyer(), market.bench.staff("operator_audit")):
        assert (await market.post(who, "/call-auctions", body)).status_code == 403


async def test_who_may_not_trade_at_the_close_is_left_out_of_the_book(market: Market):
    (seller, listing), (gone, delisted) = await offered(market, 2)
    call = (await called(market, [listing, delisted])).json()
    low, suspended, buyer = await market.buyer(clearance=C2), await market.buyer(), await market.buyer()
    for who, limit in ((low, 105), (suspended, 104), (buyer, 103)):
        await bid(market, who, call, limit, 1)
    await ask(market, gone, call, delisted, 90, 5)
    await ask(market, seller, call, listing, 100, 5)
    await market.do(gone, f"/listings/{delisted['id']}/delist")
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    assert suspended.participant_id
    await market.bench.announce(ParticipantSuspended(suspended.participant_id, "review"))
    await market.tick()
    await market.advance(seconds=GATHERED.total_seconds())
    regulator = market.bench.staff("regulator")
    done = await market.read(regulator, f"/call-auctions/{call['id']}")
    assert (done["state"], done["price"]["minor"], done["volume"]) == ("cleared", 102, 1)
    told = (await market.read(regulator, f"/call-auctions/{call['id']}/orders"))["items"]
    assert [(each["units"], each["left_out"]) for each in told] == [
        (0, "clearance_too_low"), (0, "not_admitted"), (1, None), (0, "listing_not_open"), (1, None),
    ]  # fmt: skip
    assert [each["buyer_id"] for each in await all_orders(market)] == [buyer.participant_id]


async def test_a_call_shows_to_whom_all_that_it_names_shows(market: Market):
    (_, hidden) = (await offered(market, 1, grade=Grade.G4, mode="compute"))[0]
    call = (await called(market, [hidden])).json()
    sees = {None: 404, await market.buyer(clearance=C2): 404, market.provider: 200, await market.buyer(): 200}
    for who, status in sees.items():
        assert (await market.bench.get(who, f"/trading/v1/call-auctions/{call['id']}")).status_code == status
        listed_to = (await market.read(who, "/call-auctions?state=open"))["items"]
        assert [each["id"] for each in listed_to] == ([call["id"]] if status == 200 else [])


async def test_an_operator_calls_it_off_and_every_order_is_void_and_stays_sealed(market: Market):
    (seller, listing) = (await offered(market, 1))[0]
    call, buyer = (await called(market, [listing])).json(), await market.buyer()
    await bid(market, buyer, call, 34_567_890_123, 1)
    await ask(market, seller, call, listing, 1, 1)
    path, why = f"/call-auctions/{call['id']}/cancel", {"reason": "标的有误"}
    assert (await market.post(seller, path, why)).status_code == 403
    over = (await market.post(market.bench.staff("operator_business"), path, why)).json()
    assert (over["state"], over["reason_code"], over["reason"]) == ("cancelled", "by_operator", "标的有误")
    assert await closed(market, call) == over
    assert await all_orders(market) == []
    assert (await market.read(market.bench.staff("regulator"), f"/call-auctions/{call['id']}/orders"))["items"] == []
    assert "34567890123" not in str(await lines(market))


async def test_many_orders_at_once_are_numbered_without_a_gap_and_closed_once(market: Market):
    (seller, listing) = (await offered(market, 1))[0]
    call, buyers = (await called(market, [listing])).json(), [await market.buyer() for _ in range(6)]
    answers = await asyncio.gather(*(bid(market, who, call, 103, 1, uuid4().hex) for who in buyers))
    assert sorted(answer.json()["sequence"] for answer in answers) == [1, 2, 3, 4, 5, 6]
    await ask(market, seller, call, listing, 100, 4)
    market.bench.clock.set(datetime.fromisoformat(call["closes_at"]))
    await market.bench.refresh()
    await asyncio.gather(*(jobs.close_auctions(market.trading) for _ in range(3)))
    assert len(await market.facts("call_auction_closed")) == 1
    assert len(await all_orders(market)) == 4
    first = await bid(market, buyers[0], call, 1, 1, "one-and-the-same")
    assert code(first) == (409, "call_over")


async def test_an_order_once_placed_is_never_changed(market: Market):
    (_, listing) = (await offered(market, 1))[0]
    call, buyer = (await called(market, [listing])).json(), await market.buyer()
    first, again = [await bid(market, buyer, call, 100, 1, "one-and-the-same") for _ in range(2)]
    assert first.json() == again.json()
    with pytest.raises(DBAPIError, match="append-only"):
        async with by_administrator(market.trading.database) as tx:
            await tx.execute(update(unit_orders).values(limit_minor=1))
