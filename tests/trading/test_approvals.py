"""Important data before buyers: there for nobody but who was approved, and sold to them alone, order by order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response

from services.catalog.rules.access import AccessRequest
from services.trading import jobs
from services.trading.rules import approval as rules
from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules.approval import Approval
from services.trading.rules.sight import Sight
from shared.grades import C4, C5, G4, G5, G6, Condition, Grade, Mode, decide
from shared.ids import AccessRequestId, EntitlementId, VersionId
from shared.jobs import attempt
from tests.support.bench import Person
from tests.trading.invited import DAYS, PURPOSE, Offered, announce, approval, approve, ended, offered, tell
from tests.trading.made import MICROSECOND, NOON, a_listing, an_order
from tests.trading.market import Market, code
from tests.trading.negotiation.asked import accepted, asked, directed
from tests.trading.test_deals import order_of

END = NOON + timedelta(days=1)
ORDER_APPROVAL = frozenset({Condition.ORDER_APPROVAL})


def an_approval(**changes: Any) -> Approval:
    listing = a_listing()
    made = Approval(
        AccessRequestId.new(), listing.version_id, listing.provider_id, an_order().buyer_id, Mode.COMPUTE, PURPOSE,
        END, 3,
    )  # fmt: skip
    return replace(made, **changes)


@pytest.mark.parametrize("ends_at, stands", [
    (NOON + MICROSECOND, True), (NOON, False), (NOON - MICROSECOND, False), (None, False),
])  # fmt: skip
def test_an_approval_stands_until_its_end(ends_at: Any, stands: bool):
    one = an_approval(ends_at=ends_at)
    assert one.stands(NOON) is stands
    assert rules.opened([one], NOON) == ({(one.version_id, Mode.COMPUTE)} if stands else frozenset())
    assert rules.approved([one], Mode.COMPUTE, [PURPOSE], NOON) == (ORDER_APPROVAL if stands else frozenset())


@pytest.mark.parametrize("mode, purposes, on_record", [
    (Mode.COMPUTE, ("another", PURPOSE), ORDER_APPROVAL),
    (Mode.COMPUTE, ("another",),         frozenset[Condition]()),
    (Mode.API,     (PURPOSE,),           frozenset[Condition]()),
])  # fmt: skip
def test_an_order_is_approved_in_its_mode_and_for_a_purpose_of_its_own(
    mode: Mode, purposes: tuple[str, ...], on_record: frozenset[Condition]
):
    assert rules.approved([an_approval()], mode, purposes, NOON) == on_record


@pytest.mark.parametrize("grade, mode, shows", [
    (G5, Mode.COMPUTE, True), (G5, Mode.API, False), (G4, Mode.COMPUTE, False), (G6, Mode.COMPUTE, False),
])  # fmt: skip
def test_an_approval_shows_important_data_in_its_mode_alone(grade: Grade, mode: Mode, shows: bool):
    listing = a_listing(grade=grade, mode=mode)
    sight = Sight((), None, opened=rules.opened([an_approval(version_id=listing.version_id)], NOON))
    assert sight.shows(listing) is shows
    assert not sight.shows(replace(listing, version_id=VersionId.new()))
    assert not sight.includes(listing.grade, listing.provider_id, listing.asset_id)


def test_a_right_rests_while_its_approval_does_not_stand():
    listing = a_listing(grade=G5, mode=Mode.COMPUTE)
    granted = entitlement_rules.grant(EntitlementId.new(), an_order(listing), listing, NOON)
    allowed = decide(G5, Mode.COMPUTE, C5, frozenset(), frozenset(Condition))
    denied = decide(G5, Mode.COMPUTE, C5, frozenset(), frozenset(Condition) - ORDER_APPROVAL)
    assert entitlement_rules.reconsider(granted, allowed) is granted
    resting = entitlement_rules.reconsider(granted, denied)
    assert (resting.state, resting.reason_code) == (entitlement_rules.SUSPENDED, "order_approval_missing")
    assert entitlement_rules.reconsider(resting, denied) is resting
    again = entitlement_rules.reconsider(resting, allowed)
    assert (again.state, again.reason_code, again.revision) == (entitlement_rules.ACTIVE, None, granted.revision + 2)
    for held in (entitlement_rules.freeze(granted), entitlement_rules.end(granted, "order_refunded")):
        assert entitlement_rules.reconsider(held, allowed) is held
        assert entitlement_rules.reconsider(held, denied) is held


async def place(market: Market, buyer: Person, offer: Offered) -> Response:
    return await market.post(buyer, "/orders", said_of(market, buyer, offer))


def said_of(market: Market, buyer: Person, offer: Offered) -> dict[str, Any]:
    return order_of(market, buyer, offer.listing, offer.plan_id, mode=Mode.COMPUTE)


async def seen(market: Market, buyer: Person, offer: Offered) -> tuple[bool, bool]:
    """Whether one reads it, and whether it is in one's list. What is not there is as if it had never been."""
    alone = await market.bench.get(buyer, f"/trading/v1{offer.path}")
    listed = (await market.read(buyer, f"/listings?version_id={offer.version_id}"))["items"]
    all_of_them = (await market.read(buyer, "/listings"))["items"]
    assert [each["id"] for each in listed] == [each["id"] for each in all_of_them if each["id"] == offer.listing["id"]]
    if alone.status_code == 200:
        return True, bool(listed)
    absent = await market.bench.get(buyer, f"/trading/v1/listings/listing_{'0' * 32}")
    bodies = [{**each.json(), "request_id": ""} for each in (alone, absent)]
    assert alone.status_code == absent.status_code == 404 and bodies[0] == bodies[1]
    return False, bool(listed)


async def test_whoever_was_approved_sees_orders_and_computes_and_nobody_else(market: Market):
    offer = await offered(market)
    invited, other = [await market.buyer(50_000, clearance=C5) for _ in range(2)]
    lower = await market.buyer(clearance=C4)
    assert await seen(market, invited, offer) == (False, False)
    for each in (invited, lower):
        await approve(market, each, offer.version_id)
    assert [await seen(market, each, offer) for each in (invited, other, lower)] == [
        (True, True), (False, False), (False, False)
    ]  # fmt: skip
    for each in (other, lower):
        assert code(await place(market, each, offer)) == (404, "no_such_listing")
    order = (await place(market, invited, offer)).json()
    assert order["state"] == "awaiting_signatures"
    await market.signed(invited, order)
    order = await market.do(invited, f"/orders/{order['id']}/payment")
    entitlement = await market.read(invited, f"/entitlements/{order['entitlement_id']}")
    assert (entitlement["state"], entitlement["mode"]) == ("active", "compute")


@pytest.mark.parametrize("form", [{"mode": Mode.API}, {"grade": G4}], ids=str)
async def test_an_approval_of_another_mode_or_of_a_lower_grade_opens_nothing(market: Market, form: dict[str, Any]):
    offer, another = [await offered(market) for _ in range(2)]
    buyer = await market.buyer(clearance=C5)
    await approve(market, buyer, offer.version_id, **form)
    await approve(market, buyer, another.version_id)
    assert [await seen(market, buyer, each) for each in (offer, another)] == [(False, False), (True, True)]
    assert code(await place(market, buyer, offer)) == (404, "no_such_listing")


async def test_an_order_for_another_purpose_than_was_approved_is_refused(market: Market):
    offer = await offered(market)
    buyer = await market.buyer(clearance=C5)
    await approve(market, buyer, offer.version_id, purpose="another")
    assert await seen(market, buyer, offer) == (True, True)
    assert code(await place(market, buyer, offer)) == (403, "order_approval_missing")


async def lapses(market: Market, _: AccessRequest) -> None:
    """By time alone: the catalogue has not noticed yet."""
    market.bench.clock.advance(days=DAYS)
    await market.bench.refresh()


async def is_revoked(market: Market, approved: AccessRequest) -> None:
    await tell(market, ended(approved))


async def is_core(market: Market, approved: AccessRequest) -> None:
    market.neighbours.raise_grade(approved.version_id, G6)
    await market.tick()


@pytest.mark.parametrize("ends", [lapses, is_revoked, is_core])
async def test_what_ends_an_approval_takes_the_offer_away(
    market: Market, ends: Callable[[Market, AccessRequest], Awaitable[None]]
):
    offer = await offered(market)
    buyer = await market.buyer(clearance=C5)
    approved = await approve(market, buyer, offer.version_id)
    said = said_of(market, buyer, offer)
    assert await seen(market, buyer, offer) == (True, True)
    await ends(market, approved)
    assert await seen(market, buyer, offer) == (False, False)
    assert code(await market.post(buyer, "/orders", said)) == (404, "no_such_listing")


async def test_an_approval_taken_back_ends_what_is_unpaid_and_lets_rest_what_is_paid(market: Market):
    offer = await offered(market)
    buyer = await market.buyer(100_000, clearance=C5)
    approved = await approve(market, buyer, offer.version_id)
    unpaid, paid = [(await place(market, buyer, offer)).json() for _ in range(2)]
    await market.signed(buyer, paid)
    paid = await market.do(buyer, f"/orders/{paid['id']}/payment")
    await tell(market, ended(approved))
    order = await market.order(buyer, unpaid)
    assert (order["state"], order["reason_code"]) == ("lapsed", "order_approval_missing")
    right = f"/entitlements/{paid['entitlement_id']}"
    entitlement = await market.read(buyer, right)
    assert (entitlement["state"], entitlement["reason_code"]) == ("suspended", "order_approval_missing")
    await approve(market, buyer, offer.version_id)
    assert (await market.read(buyer, right))["state"] == "active"
    market.neighbours.record(offer.version_id)
    await market.tick()
    assert (await market.read(buyer, right))["reason_code"] == "risk_assessment_missing"
    market.neighbours.record(offer.version_id, Condition.RISK_ASSESSMENT)
    await market.tick()
    assert (await market.read(buyer, right))["state"] == "active"


async def test_an_order_and_the_end_of_its_approval_at_once_leave_no_order_standing(market: Market):
    offer, states = await offered(market), list[str]()
    for _ in range(3):
        buyer = await market.buyer(clearance=C5)
        approved = await approve(market, buyer, offer.version_id)
        said = said_of(market, buyer, offer)
        announce(market, ended(approved))
        ending = attempt(jobs.follow_catalog, market.trading)
        answer, _ = await asyncio.gather(market.post(buyer, "/orders", said), ending)
        await market.tick()
        assert answer.status_code in {201, 404, 503}, answer.text
        states += [each["state"] for each in (await market.read(buyer, "/orders"))["items"]]
        assert await seen(market, buyer, offer) == (False, False)
    assert set(states) <= {"lapsed"}


async def test_a_renewal_disturbs_nothing(market: Market):
    offer = await offered(market)
    buyer = await market.buyer(clearance=C5)
    approved = await approve(market, buyer, offer.version_id)
    order = (await place(market, buyer, offer)).json()
    await tell(market, ended(approved, "renewed"), approval(market, buyer, offer.version_id))
    assert await seen(market, buyer, offer) == (True, True)
    assert (await market.order(buyer, order))["state"] == "awaiting_signatures"


async def test_an_end_that_is_heard_before_its_beginning_stays_the_end(market: Market):
    offer = await offered(market)
    buyer = await market.buyer(clearance=C5)
    approved = approval(market, buyer, offer.version_id)
    await tell(market, ended(approved), approved)
    assert await seen(market, buyer, offer) == (False, False)


async def test_important_data_are_negotiated_with_whoever_was_approved(market: Market):
    offer = await offered(market, "negotiation")
    invited, other = [await market.buyer(clearance=C5) for _ in range(2)]
    assert code(await directed(market, invited, offer.listing)) == (403, "order_approval_missing")
    approved = await approve(market, invited, offer.version_id)
    assert code(await asked(market, other, offer.listing)) == (404, "no_such_listing")
    talk = (await asked(market, invited, offer.listing)).json()
    agreed = await accepted(market, market.provider, talk)
    assert (agreed.status_code, agreed.json()["state"]) == (200, "agreed"), agreed.text
    again = await asked(market, await invited_too(market, offer), offer.listing)
    assert again.status_code == 201
    await tell(market, ended(approved))
    assert code(await asked(market, invited, offer.listing)) == (404, "no_such_listing")


async def test_the_yes_to_an_offer_asks_for_the_approval_again(market: Market):
    offer = await offered(market, "negotiation")
    buyer = await market.buyer(clearance=C5)
    approved = await approve(market, buyer, offer.version_id)
    talk = (await asked(market, buyer, offer.listing)).json()
    await tell(market, ended(approved))
    assert code(await accepted(market, market.provider, talk)) == (403, "order_approval_missing")


async def invited_too(market: Market, offer: Offered) -> Person:
    buyer = await market.buyer(clearance=C5)
    await approve(market, buyer, offer.version_id)
    return buyer


async def test_what_is_sold_to_many_at_once_shows_to_nobody_by_an_approval(market: Market):
    offer = await offered(market)
    assert market.provider.participant_id
    buyer = await market.buyer(clearance=C5)
    auctioned = await market.listing(
        market.neighbours.version(market.provider.participant_id, G5, on_record=[Condition.RISK_ASSESSMENT]),
        mode="compute",
    )
    auction_id = await market.auction(auctioned)
    for version_id in (offer.version_id, VersionId(auctioned["version_id"])):
        await approve(market, buyer, version_id)
    assert code(await market.bench.get(buyer, f"/trading/v1/auctions/{auction_id}")) == (404, "no_such_auction")
    assert (await market.read(buyer, "/auctions"))["items"] == []
    assert code(await market.post(buyer, f"/auctions/{auction_id}/registrations")) == (404, "no_such_auction")
