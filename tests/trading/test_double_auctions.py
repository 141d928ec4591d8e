"""Double auctions over HTTP: two sealed prices to one order or none, what each side is shown, and who else may look."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from httpx2 import Response

from services.trading import jobs
from services.trading.rules.double_auction import commitment_of
from shared.grades import C1, C2, Grade
from shared.ids import DoubleAuctionId
from shared.money import Money
from tests.support.bench import ParticipantSuspended, Person
from tests.trading.market import Market, code, yuan
from tests.trading.negotiation.asked import listed, orders
from tests.trading.test_replay import lines

Told = dict[str, Any]
NONCE = "5a" * 16
SEALING, REVEALING = timedelta(hours=2), timedelta(hours=3)


async def opened(market: Market, buyer: Person, listing: Told, **changes: Any) -> Response:
    seal_by = market.bench.clock.now() + SEALING
    body = {
        "listing_id": listing["id"], "field": "air_travel", "territory": "CN-SH", "period_days": 30,
        "purposes": ["route_planning"], "quota_uses": 2, "seal_by": seal_by.isoformat(),
        "reveal_by": (seal_by + REVEALING).isoformat(),
    }  # fmt: skip
    return await market.post(buyer, "/double-auctions", body | changes)


async def sealed(market: Market, who: Person, auction: Told, minor: int, key: str | None = None) -> Response:
    assert who.participant_id
    commitment = commitment_of(DoubleAuctionId(auction["id"]), who.participant_id, Money(minor), NONCE)
    return await market.post(who, f"/double-auctions/{auction['id']}/prices", {"commitment": commitment}, key)


async def revealed(market: Market, who: Person, auction: Told, minor: int, key: str | None = None) -> Response:
    body = {"amount": yuan(minor), "nonce": NONCE}
    return await market.post(who, f"/double-auctions/{auction['id']}/reveals", body, key)


async def seen(market: Market, who: Person, auction: Told) -> Told:
    return await market.read(who, f"/double-auctions/{auction['id']}")


async def both_sealed(market: Market, buyer: Person, listing: Told, bid: int, ask: int, **changes: Any) -> Told:
    auction = (await opened(market, buyer, listing, **changes)).json()
    for who, minor in ((buyer, bid), (market.provider, ask)):
        assert (await sealed(market, who, auction, minor)).status_code == 201
    return auction


async def played(market: Market, buyer: Person, listing: Told, bid: int, ask: int, **changes: Any) -> Told:
    """To its decision, if both opened their price."""
    auction = await both_sealed(market, buyer, listing, bid, ask, **changes)
    for who, minor in ((market.provider, ask), (buyer, bid)):
        assert (await revealed(market, who, auction, minor)).status_code == 201
    await market.tick()
    return auction


async def test_two_sealed_prices_become_one_order_that_is_paid_and_used(market: Market):
    listing, buyer = await listed(market), await market.buyer(100_000)
    answer = await opened(market, buyer, listing)
    auction = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/trading/v1/double-auctions/{auction['id']}")
    assert (auction["state"], auction["next_actor"], auction["bid_weight_percent"]) == (
        "sealing", "buyer_and_provider", 50,
    )  # fmt: skip
    assert (await sealed(market, buyer, auction, 90_001)).json()["next_actor"] == "provider"
    waiting = (await sealed(market, market.provider, auction, 80_000)).json()
    assert (waiting["state"], waiting["deadline"]) == ("revealing", auction["reveal_by"])
    await revealed(market, buyer, auction, 90_001)
    done = (await revealed(market, market.provider, auction, 80_000)).json()
    assert (done["state"], done["next_actor"], done["price"]) == ("revealing", "exchange", None)
    await market.tick()

    done = await seen(market, buyer, auction)
    assert (done["state"], done["reason_code"], done["price"]["minor"]) == ("traded", "price_between", 85_000)
    assert (done["next_actor"], done["deadline"]) == (None, None)
    (order,) = await orders(market)
    assert (order["id"], order["double_auction_id"], order["price"]["minor"]) == (
        done["order_id"], auction["id"], 85_000,
    )  # fmt: skip
    terms = (await market.read(buyer, f"/contracts/{order['contract_id']}"))["terms"]
    assert terms["origin"] == {"double_auction_id": auction["id"]}
    assert (terms["right"]["territory"], terms["right"]["period_days"], terms["quota_uses"]) == ("CN-SH", 30, 2)
    await market.signed(buyer, order)
    paid = await market.do(buyer, f"/orders/{order['id']}/payment")
    assert (await market.use(buyer, paid)).json()["uses_left"] == 1


async def test_where_the_bid_is_below_the_ask_neither_side_ever_learns_the_others_price(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    auction = await played(market, buyer, listing, bid=34_567_890_123, ask=45_678_901_234)
    secrets = {"34567890123": buyer, "45678901234": market.provider}
    staff = [market.bench.staff(role) for role in ("operator_audit", "regulator")]
    for who in (*secrets.values(), *staff):
        told = str([await seen(market, who, auction), await market.read(who, "/double-auctions")])
        assert [number in told for number in secrets] == [who is owner for owner in secrets.values()]
    done = await seen(market, buyer, auction)
    assert (done["state"], done["reason_code"], done["price"], done["order_id"]) == (
        "untraded", "bid_below_ask", None, None,
    )  # fmt: skip
    assert await orders(market) == []
    telling = [line for line in await lines(market) if any(number in str(line) for number in secrets)]
    assert [line["act"] for line in telling] == ["trading.double_auction_decided"], "for whoever supervises the log"
    parties = {str(who.participant_id) for who in secrets.values()}
    assert telling[0]["actor"].get("org") is None
    assert parties.isdisjoint(each["id"] for each in telling[0]["obj"]), "so neither party may ask the log for it"


async def test_until_it_is_opened_a_price_is_a_hash_and_then_it_is_its_owners_alone(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    auction = await both_sealed(market, buyer, listing, 34_567_890_123, 12_345_678_901)
    assert "34567890123" not in str([await seen(market, buyer, auction), await lines(market)])
    await revealed(market, buyer, auction, 34_567_890_123)
    assert (await seen(market, buyer, auction))["bid"]["amount"]["minor"] == 34_567_890_123
    others = await seen(market, market.provider, auction)
    assert others["bid"]["amount"] is None and others["bid"]["revealed_at"] is not None
    assert "34567890123" not in str(await lines(market))


async def test_the_weight_that_was_proposed_says_where_between_the_two_the_price_lies(
    market: Market,
):
    listing, buyer = await listed(market), await market.buyer()
    auction = await played(market, buyer, listing, bid=200, ask=101, bid_weight_percent=99)
    assert (await seen(market, buyer, auction))["price"]["minor"] == 199


async def test_a_price_that_is_not_sealed_or_not_opened_is_none_and_the_reason_says_whose(market: Market):
    listing = await listed(market)
    nobody, buyer_only, closed_ask, closed = [await market.buyer() for _ in range(4)]
    expected = dict[str, tuple[Person, str]]()
    for who, reason in ((nobody, "nothing_sealed"), (buyer_only, "ask_not_sealed")):
        auction = (await opened(market, who, listing)).json()
        expected[auction["id"]] = who, reason
        if who is buyer_only:
            await sealed(market, who, auction, 100)
    for who, reason in ((closed_ask, "ask_not_revealed"), (closed, "nothing_revealed")):
        auction = await both_sealed(market, who, listing, 100, 90)
        expected[auction["id"]] = who, reason
        if who is closed_ask:
            await revealed(market, who, auction, 100)
    await market.advance(seconds=SEALING.total_seconds() - 1)
    assert {(await seen(market, who, {"id": each}))["state"] for each, (who, _) in expected.items()} == {
        "sealing", "revealing",
    }  # fmt: skip
    await market.advance(seconds=REVEALING.total_seconds() + 1)
    for each, (who, reason) in expected.items():
        over = await seen(market, who, {"id": each})
        assert (over["state"], over["reason_code"], over["price"]) == ("untraded", reason, None)
    assert await orders(market) == []


async def test_a_price_counts_until_the_last_microsecond_and_not_at_the_end(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    auction = (await opened(market, buyer, listing)).json()
    end = datetime.fromisoformat(auction["seal_by"])
    market.bench.clock.set(end - timedelta(microseconds=1))
    await market.bench.refresh()
    assert (await sealed(market, buyer, auction, 100)).status_code == 201
    market.bench.clock.set(end)
    assert code(await sealed(market, market.provider, auction, 90)) == (409, "sealing_over")
    await market.tick()
    assert (await seen(market, buyer, auction))["reason_code"] == "ask_not_sealed"


async def test_what_was_sealed_binds_and_nothing_else_can_be_opened(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    auction = (await opened(market, buyer, listing)).json()
    first = await sealed(market, buyer, auction, 100, key="once-and-again-once")
    assert (await sealed(market, buyer, auction, 100, key="once-and-again-once")).json() == first.json()
    assert code(await sealed(market, buyer, auction, 101)) == (409, "price_is_final")
    assert code(await revealed(market, buyer, auction, 100)) == (409, "reveal_too_early")
    assert code(await market.post(buyer, f"/double-auctions/{auction['id']}/decline")) == (409, "price_is_final")
    await sealed(market, market.provider, auction, 90)
    assert code(await revealed(market, buyer, auction, 101)) == (409, "price_differs")
    await revealed(market, buyer, auction, 100)
    assert code(await revealed(market, buyer, auction, 100)) == (409, "price_open_already")


async def test_a_commitment_that_was_copied_opens_to_nothing(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    auction = (await opened(market, buyer, listing)).json()
    copied = (await sealed(market, buyer, auction, 100)).json()["bid"]["commitment"]
    path = f"/double-auctions/{auction['id']}/prices"
    assert (await market.post(market.provider, path, {"commitment": copied})).status_code == 201
    assert code(await revealed(market, market.provider, auction, 100)) == (409, "price_differs")


async def test_a_side_that_has_sealed_nothing_may_decline_and_the_other_learns_it(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    auction = (await opened(market, buyer, listing)).json()
    await sealed(market, buyer, auction, 100)
    path = f"/double-auctions/{auction['id']}/decline"
    over = await market.do(market.provider, path)
    assert (over["state"], over["reason_code"], over["next_actor"]) == ("untraded", "by_provider", None)
    assert await market.do(market.provider, path) == over, "said again, it is told again"
    assert code(await sealed(market, market.provider, auction, 100)) == (409, "sealing_over")
    assert (await opened(market, buyer, listing)).status_code == 201, "nothing is under way any more"


async def test_whoever_is_neither_of_the_two_finds_nothing(market: Market):
    listing, buyer, other = await listed(market), await market.buyer(), await market.buyer()
    auction = (await opened(market, buyer, listing)).json()
    assert (await market.bench.get(other, f"/trading/v1/double-auctions/{auction['id']}")).status_code == 404
    assert code(await sealed(market, other, auction, 100)) == (404, "no_such_double_auction")
    assert code(await revealed(market, other, auction, 100)) == (404, "no_such_double_auction")
    assert code(await market.post(other, f"/double-auctions/{auction['id']}/decline")) == (
        404, "no_such_double_auction",
    )  # fmt: skip
    assert (await market.read(other, "/double-auctions"))["items"] == []
    assert len((await market.read(market.provider, "/double-auctions?state=sealing"))["items"]) == 1
    assert (await market.read(market.provider, "/double-auctions?state=traded"))["items"] == []


async def test_what_is_not_open_to_a_buyer_is_not_bid_for(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    assert code(await opened(market, await market.buyer(clearance=C1), listing)) == (403, "clearance_too_low")
    assert code(await opened(market, await market.buyer(affiliate_of=market.provider), listing)) == (
        403, "related_party",
    )  # fmt: skip
    assert code(await opened(market, buyer, listing, quota_uses=4)) == (409, "beyond_listing")
    assert code(await opened(market, buyer, await market.listing())) == (409, "listing_not_open")
    now = market.bench.clock.now()
    for times in (
        {"seal_by": (now + timedelta(minutes=59)).isoformat()},
        {"reveal_by": (now + SEALING + timedelta(minutes=59)).isoformat()},
        {"reveal_by": (now + SEALING + timedelta(days=7, seconds=1)).isoformat()},
    ):
        assert code(await opened(market, buyer, listing, **times)) == (422, "sealing_times")
    assert (await opened(market, buyer, listing)).status_code == 201
    assert code(await opened(market, buyer, listing)) == (409, "double_auction_under_way")


async def test_it_is_asked_anew_when_it_is_decided_whether_the_buyer_may_have_it(market: Market):
    raised, delisted, plain = [await listed(market) for _ in range(3)]
    ana, ben, eve = [await market.buyer(clearance=C2) for _ in range(3)]
    found = list[tuple[Person, Told]]()
    for who, listing in ((ana, raised), (ben, delisted), (eve, plain)):
        auction = await both_sealed(market, who, listing, 100, 90)
        await revealed(market, who, auction, 100)
        found.append((who, auction))
    market.neighbours.raise_grade(raised["version_id"], Grade.G3)
    await market.do(market.provider, f"/listings/{delisted['id']}/delist")
    assert eve.participant_id
    await market.tick()
    await market.bench.announce(ParticipantSuspended(eve.participant_id, "review"))
    for _, auction in found:
        assert (await revealed(market, market.provider, auction, 90)).status_code == 201
    await market.tick()
    ends = [(await seen(market, market.provider, auction))["reason_code"] for _, auction in found]
    assert ends == ["clearance_too_low", "listing_not_open", "not_admitted"]
    assert await orders(market) == []


async def test_an_exclusive_right_goes_to_one_of_two_pairs_that_meet_at_the_same_time(market: Market):
    listing = await listed(market, kind="exclusive")
    pairs = [(who, await both_sealed(market, who, listing, 100, 90)) for who in [await market.buyer() for _ in "12"]]
    for who, auction in pairs:
        await revealed(market, who, auction, 100)
        await revealed(market, market.provider, auction, 90)
    await asyncio.gather(*[jobs.close_inquiries(market.trading) for _ in range(4)])
    ends = sorted([(await seen(market, who, auction))["reason_code"] for who, auction in pairs])
    assert ends == ["listing_not_open", "price_between"]
    assert len(await orders(market)) == 1
    assert len(await market.facts("double_auction_decided")) == 2
