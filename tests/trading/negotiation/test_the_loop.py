"""Negotiations over HTTP: from the first request to a delivered order, and every refusal on the way."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.grades import C1, C2, Grade
from shared.ids import ListingId, NegotiationId, OfferId
from tests.support.bench import ParticipantSuspended
from tests.trading.market import Market, code, yuan
from tests.trading.negotiation.asked import (
    PRICE,
    Told,
    accepted,
    an_offer,
    answered,
    asked,
    ended,
    listed,
    orders,
    read,
)

# --- the loop ---


async def test_a_price_is_bargained_contracted_paid_and_used(market: Market):
    listing, buyer = await listed(market), await market.buyer(100_000)
    opened = await asked(market, buyer, listing, 30_000)
    seen = opened.json()
    assert (opened.status_code, opened.headers["Location"]) == (201, f"/trading/v1/negotiations/{seen['id']}")
    assert (seen["state"], seen["next_actor"], seen["deadline"]) == (
        "requested", "provider", seen["offers"][0]["expires_at"]
    )  # fmt: skip
    seen = (await answered(market, market.provider, seen, 50_000)).json()
    assert (seen["state"], seen["next_actor"]) == ("offered", "buyer")
    seen = (await answered(market, buyer, seen, PRICE)).json()
    done = (await accepted(market, market.provider, seen)).json()
    assert (done["state"], done["protocol_state"], done["next_actor"]) == ("agreed", "AGREED", "buyer_and_provider")
    order = await market.read(buyer, f"/orders/{done['order_id']}")
    assert (order["price"]["minor"], order["negotiation_id"], order["contract_id"]) == (
        PRICE, done["id"], done["contract_id"],
    )  # fmt: skip
    assert done["deadline"] == order["deadline"]
    await market.signed(buyer, order)
    final = await read(market, buyer, done)
    assert (final["state"], final["deadline"], final["next_actor"]) == ("finalized", None, None)
    paid = await market.do(buyer, f"/orders/{order['id']}/payment")
    assert (await market.use(buyer, paid)).status_code == 201
    acts = ("opened", "answered", "accepted", "agreed", "verified", "finalized")
    told = await market.facts(*(f"negotiation_{act}" for act in acts))
    assert [(each["state"], each["revision"]) for each in told] == [
        ("requested", 1), ("offered", 2), ("requested", 3), ("accepted", 4), ("agreed", 5), ("verified", 6),
        ("finalized", 7),
    ]  # fmt: skip


async def test_a_buyer_takes_an_offer_as_a_provider_takes_a_request(market: Market):
    listing, buyer = await listed(market), await market.buyer()
    seen = (await answered(market, market.provider, (await asked(market, buyer, listing)).json(), 50_000)).json()
    done = (await accepted(market, buyer, seen)).json()
    assert (done["state"], done["accepted"]["side"]) == ("agreed", "buyer")
    assert [each["price"]["minor"] for each in await orders(market)] == [50_000]


async def test_what_was_agreed_is_what_contract_and_right_hold(market: Market):
    """Less than is listed, in each term: for fewer days and uses, for one purpose of two, in one region."""
    listing = await listed(market, quota_uses=9, purposes=["research", "route_planning"])
    buyer = await market.buyer(100_000)
    narrow: Told = {"period_days": 30, "quota_uses": 2, "purposes": ["research"], "territory": "CN-31"}
    body = {"listing_id": listing["id"], "offer": an_offer(market, PRICE, **narrow)}
    seen = (await market.post(buyer, "/negotiations", body)).json()
    done = (await accepted(market, market.provider, seen)).json()
    terms = (await market.read(buyer, f"/contracts/{done['contract_id']}"))["terms"]
    assert (terms["right"]["period_days"], terms["right"]["territory"], terms["quota_uses"], terms["purposes"]) == (
        30, "CN-31", 2, ["research"],
    )  # fmt: skip
    assert terms["origin"] == {"negotiation_id": done["id"]}
    await market.signed(buyer, {"contract_id": done["contract_id"]})
    order = await market.do(buyer, f"/orders/{done['order_id']}/payment")
    right = await market.read(buyer, f"/entitlements/{order['entitlement_id']}")
    assert (right["quota_uses"], right["purposes"]) == (2, ["research"])
    granted = datetime.fromisoformat(right["granted_at"])
    assert datetime.fromisoformat(right["deadline"]) - granted == timedelta(days=30)
    assert [each["territory"] for each in await market.facts("entitlement_granted")] == ["CN-31"]
    assert [each["scope"]["quota_uses"] for each in await market.facts("order_placed")] == [2]
    for left in (1, 0):
        assert (await market.use(buyer, order)).json()["uses_left"] == left
    assert code(await market.use(buyer, order)) == (409, "quota_spent")


@pytest.mark.parametrize("term, value", [
    ("period_days", 366), ("quota_uses", 4), ("purposes", ["research", "route_planning"]), ("territory", "US"),
    ("field", "finance"),
])  # fmt: skip
async def test_nobody_can_bargain_for_more_than_is_listed(market: Market, term: str, value: Any):
    listing, buyer = await listed(market), await market.buyer()
    beyond = an_offer(market, **{term: value})
    refused = await market.post(buyer, "/negotiations", {"listing_id": listing["id"], "offer": beyond})
    assert (code(refused), refused.json()["term"]) == ((409, "beyond_listing"), term)
    seen = (await asked(market, buyer, listing)).json()
    refused = await answered(market, market.provider, seen, PRICE, **{term: value})
    assert code(refused) == (409, "beyond_listing")


async def test_an_exclusive_right_goes_to_whoever_agrees_first(market: Market):
    listing = await listed(market, "exclusive")
    ana, ben = await market.buyer(), await market.buyer()
    first, second = [(await asked(market, who, listing)).json() for who in (ana, ben)]
    assert (await accepted(market, market.provider, first)).status_code == 200
    refused = await accepted(market, market.provider, second)
    assert (code(refused), refused.json()["state"]) == ((409, "listing_not_open"), "sold")
    assert code(await answered(market, market.provider, second, 1)) == (409, "listing_not_open")
    assert (await accepted(market, market.provider, first)).json()["state"] == "agreed", "said again, it still holds"
    assert len(await orders(market)) == 1


# --- refusals ---


async def test_every_refused_move_says_why_and_changes_nothing(market: Market):
    listing, buyer, stranger = await listed(market), await market.buyer(), await market.buyer()
    first = (await asked(market, buyer, listing, 100, concession=True, rounds_max=4)).json()
    assert code(await asked(market, buyer, listing)) == (409, "negotiation_under_way")
    seen = (await answered(market, market.provider, first, 200)).json()
    seen = (await answered(market, buyer, seen, 100)).json()
    superseded = await accepted(market, market.provider, first)
    open_offer = seen["offers"][-1]
    assert (code(superseded), superseded.json()["offer_id"]) == ((409, "offer_superseded"), open_offer["id"])
    assert superseded.json()["terms_hash"] == open_offer["terms_hash"]
    assert superseded.json()["price"] == yuan(100)
    assert code(await accepted(market, market.provider, seen, terms_hash="0" * 64)) == (409, "offer_superseded")
    assert code(await accepted(market, market.provider, seen, offer_id=OfferId.new())) == (409, "offer_superseded")
    assert code(await accepted(market, buyer, seen)) == (409, "not_your_turn")
    assert code(await answered(market, buyer, seen, 100)) == (409, "not_your_turn")
    back = await answered(market, market.provider, seen, 201)
    assert (code(back), back.json()["last_minor"]) == ((409, "concession_reversed"), 200)
    soon = (market.bench.clock.now() + timedelta(minutes=1)).isoformat()
    assert code(await answered(market, market.provider, seen, 150, expires_at=soon)) == (422, "bad_expiry")
    for who in (stranger, await market.bench.member("provider")):
        for act in (accepted(market, who, seen), answered(market, who, seen, 1), ended(market, who, seen)):
            assert code(await act) == (404, "no_such_negotiation")
    nowhere = {"id": NegotiationId.new(), "offers": seen["offers"]}
    assert code(await accepted(market, buyer, nowhere)) == (404, "no_such_negotiation")
    assert await read(market, buyer, seen) == seen
    seen = (await answered(market, market.provider, seen, 150)).json()
    assert code(await answered(market, buyer, seen, 120)) == (409, "rounds_spent")
    assert await orders(market) == []


async def test_a_negotiation_is_opened_only_of_what_is_sold_so_and_may_be_had(market: Market):
    listing = await listed(market)
    low, affiliate = await market.buyer(clearance=C1), await market.buyer(affiliate_of=market.provider)
    assert code(await asked(market, low, listing)) == (403, "clearance_too_low")
    assert code(await asked(market, affiliate, listing)) == (403, "related_party")
    buyer = await market.buyer()
    auctioned = await market.listing()
    refused = await asked(market, buyer, auctioned)
    assert (code(refused), refused.json()["pricing"]) == ((409, "listing_not_open"), "auction")
    hidden = await listed(market, grade=Grade.G4, mode="compute")
    for listing_id in (hidden["id"], ListingId.new()):
        assert code(await asked(market, await market.buyer(clearance=C2), {"id": listing_id})) == (
            404, "no_such_listing",
        )  # fmt: skip
    assert code(await asked(market, buyer, listing, rounds_max=21)) == (422, "rounds_out_of_range")
    await market.do(market.provider, f"/listings/{listing['id']}/suspend")
    assert code(await asked(market, buyer, listing)) == (409, "listing_not_open")


async def test_what_the_grade_or_the_standing_forbids_by_now_is_not_agreed(market: Market):
    listing, buyer = await listed(market), await market.buyer(clearance=C2)
    seen = (await asked(market, buyer, listing)).json()
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    await market.tick()
    assert code(await accepted(market, market.provider, seen)) == (403, "clearance_too_low")
    market.neighbours.lower_grade(listing["version_id"], Grade.G2)
    await market.tick()
    assert buyer.participant_id
    await market.bench.announce(ParticipantSuspended(buyer.participant_id, "review"))
    refused = await accepted(market, market.provider, seen)
    assert (code(refused), refused.json()["standing"]) == ((409, "buyer_not_admitted"), "suspended")
    assert (await read(market, market.provider, seen))["state"] == "requested"
    assert await orders(market) == []
