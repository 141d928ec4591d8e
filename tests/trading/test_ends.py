"""Liveness: whatever everyone has left alone, at whichever step, comes to an end by its deadlines.

Each evening leaves things at some of their steps, and then all input stops. Together they leave every state that
something follows, of every lifecycle: one that is new fails here until it is left alone, too.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from docs import diagrams
from services.trading import jobs
from shared.grades import Grade
from shared.ids import PlanId
from tests.support.bench import Person
from tests.trading.contracts.dealing import AGREED, REASONED, amend, offer, quoted, signed_deal
from tests.trading.dispute.court import Court, pay_in
from tests.trading.freezing import frozen, proposed_by
from tests.trading.inquiring import a_ring
from tests.trading.lots import Lots
from tests.trading.market import AUCTION_DAYS, Market, yuan
from tests.trading.negotiation.asked import accepted, answered, asked, directed, listed
from tests.trading.open_things import LIFECYCLES, PARTS, Left, kept, left_open, let_time_pass, states_that_wait
from tests.trading.test_block_deals import a_part, offered
from tests.trading.test_block_deals import accepted as agreed_to
from tests.trading.test_bundles import placed, signed
from tests.trading.test_calling import bid, called
from tests.trading.test_complaints import filed, upheld
from tests.trading.test_credits import a_service, missed
from tests.trading.test_double_auctions import both_sealed, opened
from tests.trading.test_metered import CLOSING, measured
from tests.trading.test_needs import published
from tests.trading.test_second_award import closed

Told = dict[str, Any]
PASSING = {("negotiations", "verified"), ("disputes", "ruled_again")}  # left in the commit that comes there
BY_A_PERSON = {  # nobody is found guilty, or not, by silence: it passes to the regulator, and again
    ("complaints", "received"), ("complaints", "accepted"), ("complaints", "investigating"),
    ("credit_appeals", "submitted"), ("instructions", "parked"),
}  # fmt: skip


async def auctions(market: Market) -> None:
    lots = Lots(market)
    winner = await won_by_seal(lots)
    await market.signed(winner, (await market.read(winner, "/orders"))["items"][0])
    await market.advance(days=3)
    await closed(market)
    await market.auction()
    led = await market.auction()
    assert (await market.bid(await market.bidder(led), led, 20_000)).is_success
    for mechanism in ("dutch", "uniform", "rsop"):
        await lots.opened(mechanism)
    sealed = await lots.opened("sealed_second")
    for minor in (20_000, 30_000):
        assert (await lots.seal(await market.bidder(sealed), sealed, minor)).is_success


async def won_by_seal(lots: Lots) -> Person:
    """The winner of sealed bids whose second's deposit is kept."""
    auction_id = await lots.opened("sealed_first", keeps_second=True)
    people = [await lots.market.bidder(auction_id) for _ in range(2)]
    for act, days in ((lots.seal, AUCTION_DAYS), (lots.reveal, 1)):
        for who, minor in zip(people, (20_000, 30_000), strict=True):
            assert (await act(who, auction_id, minor)).is_success
        await lots.market.advance(days=days)
    return people[1]


async def offers(market: Market) -> None:
    ring = await a_ring(market)
    await published(ring)
    await ring.sealed(*(ring.offer(number, 4_000) for number in range(3)))
    await ring.inquiry()
    listing, buyers = await listed(market), [await market.buyer() for _ in range(4)]
    first, second, third = [(await asked(market, each, listing)).json() for each in buyers[:3]]
    assert first and (await answered(market, market.provider, second, 50_000)).is_success
    assert (await accepted(market, market.provider, third)).is_success
    assert (await accepted(market, buyers[3], (await directed(market, buyers[3], listing)).json())).is_success
    call = (await called(market, [listing])).json()
    assert (await bid(market, await market.buyer(10_000), call, 105, 5)).is_success
    for each in (await listed(market), (await offer(market))[0]):
        await market.do(market.provider, f"/listings/{each['id']}/suspend")


async def pairs(market: Market) -> None:
    listings, (ana, ben) = [await listed(market) for _ in range(2)], [await market.buyer() for _ in range(2)]
    assert (await opened(market, ana, listings[0])).is_success
    await both_sealed(market, ben, listings[1], 90_000, 80_000)
    parts = [a_part(each) for each in listings]
    assert (await offered(market, ana, parts)).is_success
    await agreed_to(market, ben, parts)


async def sales(market: Market) -> None:
    buyer, order = await a_service(market)
    await market.advance(days=7)
    await market.do(buyer, f"/orders/{order['id']}/credits", missed(1))
    at = await offer(market)
    unsigned = await market.buyer()
    contract = (await ordered(market, unsigned, *at))["contract_id"]
    person = replace(unsigned, acr="totp", authenticated_at=market.bench.clock.now())
    terms = await market.read(unsigned, f"/contracts/{contract}")
    await market.do(person, f"/contracts/{contract}/signatures/in-person", {"terms_hash": terms["terms_hash"]})
    await signed_deal(market, listed=at, pays=False)
    await signed_deal(market, listed=at)
    for number in range(5):
        buyer, order = await received(market, *at)
        await (leave_it, object_to_it, offer_a_part, amend_it, end_it)[number](market, buyer, order)
    await frozen(market, "order", (await signed_deal(market, listed=at))[1]["id"])
    graded = await offer(market)
    await received(market, *graded)
    market.neighbours.raise_grade(graded[0]["version_id"], Grade.G4)
    await bundled(market)
    await measured(market)
    buyer, order = await measured(market)
    await market.do(buyer, f"/orders/{order['id']}{CLOSING}")
    await market.tick()


async def bundled(market: Market) -> None:
    """One of which nothing is signed, one of which a part is, and one that is only not paid."""
    buyer = await market.buyer()
    _, half, whole = [await placed(market, buyer) for _ in range(3)]
    await market.signed(buyer, half["orders"][0])
    await signed(market, buyer, whole)


async def payments(market: Market) -> None:
    """Which the custodian refuses, answers late, and has not been asked for; and one that waits for a second person."""
    at, payee = await offer(market), await market.buyer(1_000)
    buyer, order = await signed_deal(market, listed=at)
    market.custodian.faults.append(("refund", "refused"))
    path = f"/contracts/{order['contract_id']}/terminations"
    proposed = await market.do(buyer, path, REASONED)
    await market.do(market.provider, f"{path}/{proposed['id']}/agreement", AGREED)
    await market.tick()
    for fault in ("late", None):
        buyer, order = await received(market, *at)
        if fault:
            market.custodian.faults.append(("split", fault))
        await market.do(buyer, f"/orders/{order['id']}/acceptance")
        if fault:
            await jobs.instruct_custodian(market.trading)
    await market.do(payee, "/wallet/payout-proposals", {"amount": yuan(1_000)})


async def disputes(market: Market) -> None:
    court = await a_full_court(market)
    heard = [await claimed(court) for _ in range(3)]
    for each in heard:
        assert (await court.respond(each)).is_success
    await court.pass_deadline(heard[0])
    ruled = heard[1:]
    for each in ruled:
        (arbiter,) = court.seated(await court.see(each))
        assert (await court.rule(arbiter, each, 5_000)).is_success
    for who in (court.buyer, court.provider):
        assert (await court.appeal(who, ruled[0])).is_success
    _, read, answered_to = [await claimed(court) for _ in range(3)]
    await court.see(read, court.provider)
    assert (await court.respond(answered_to)).is_success


async def supervision(market: Market) -> None:
    business, security = market.bench.staff("operator_business"), market.bench.staff("operator_security")
    people = [await market.buyer() for _ in range(3)]
    for each in people:
        await upheld(market, each, kind="black_market")
    for each in people[:2]:
        standing = (await market.read(each, "/sanctions"))["items"][0]
        await market.do(each, f"/sanctions/{standing['id']}/statement", {"statement": "不实"})
    standing = (await market.read(people[0], "/sanctions"))["items"][0]
    await market.do(security, f"/sanctions/{standing['id']}/imposition", {"reason": "累计失信"})
    entry = (await market.read(people[2], "/credit-entries"))["items"][0]
    await market.do(people[2], f"/credit-entries/{entry['id']}/appeal", {"reason": "张冠李戴", "evidence": []})
    for steps in ((), ("acceptance",), ("acceptance", "investigation"), ("acceptance", "investigation", "decision")):
        made = await filed(market)
        for step in steps:
            body = {"upheld": False, "reason": "查无实据"} if step == "decision" else None
            await market.do(business, f"/complaints/{made['id']}/{step}", body)
    listing = (await offer(market))[0]
    await proposed_by(market, market.bench.staff("regulator"), "listing", listing["id"])
    await frozen(market, "participant", people[0].participant_id)


Evening = Callable[[Market], Awaitable[None]]
EVENINGS: dict[Evening, set[Left]] = {
    auctions: {
        ("auctions", "open"), ("auctions", "awarded"), ("auctions", "second_asked"), ("holds", "held"),
    },
    offers: {
        ("needs", "open"), ("inquiries", "open"), ("inquiries", "opening"), ("negotiations", "requested"),
        ("negotiations", "offered"), ("negotiations", "accepted"), ("negotiations", "agreed"),
        ("call_auctions", "open"), ("listings", "listed"), ("listings", "suspended"),
    },
    pairs: {
        ("double_auctions", "sealing"), ("double_auctions", "revealing"), ("block_deals", "offered"),
        ("block_deals", "accepted"),
    },
    sales: {
        ("orders", "awaiting_signatures"), ("orders", "awaiting_payment"), ("orders", "awaiting_delivery"),
        ("orders", "awaiting_acceptance"), ("orders", "objected"), ("orders", "answered"), ("contracts", "drafted"),
        ("contracts", "active"), ("contract_terminations", "proposed"), ("entitlements", "active"),
        ("entitlements", "suspended"), ("service_credits", "claimed"), ("order_objections", "open"),
    },
    payments: {
        ("orders", "settling"), ("instructions", "pending"), ("instructions", "sent"), ("instructions", "parked"),
        ("payout_proposals", "proposed"),
    },
    disputes: {
        ("orders", "disputed"), ("disputes", "open"), ("disputes", "response"), ("disputes", "evidence"),
        ("disputes", "review"), ("disputes", "ruled"), ("disputes", "appeal"), ("arbitration_fees", "held"),
    },
    supervision: {
        ("complaints", "received"), ("complaints", "accepted"), ("complaints", "investigating"),
        ("complaints", "upheld"), ("complaints", "not_upheld"), ("credit_appeals", "submitted"),
        ("sanctions", "notified"), ("sanctions", "awaiting_decision"), ("sanctions", "imposed"),
        ("freezes", "proposed"), ("freezes", "in_force"),
    },
}  # fmt: skip


def test_every_lifecycle_is_kept_in_a_table_that_is_looked_at_and_left_alone_in_every_state():
    defined = [each for title, each in diagrams.lifecycles().items() if title.startswith("trading: ")]
    assert all(any(each is known for known in LIFECYCLES.values()) for each in defined)
    assert kept().keys() == LIFECYCLES.keys() | PARTS
    assert set[Left]().union(*EVENINGS.values()) | PASSING == states_that_wait() | {(part, "open") for part in PARTS}


@pytest.mark.parametrize("evening", EVENINGS, ids=lambda evening: evening.__name__)
async def test_everything_that_is_left_alone_comes_to_its_end(market: Market, evening: Evening):
    await evening(market)
    assert EVENINGS[evening] <= (await left_open(market)).keys(), "there is one of each"
    await let_time_pass(market, BY_A_PERSON)
    await a_person_decides(market)
    await let_time_pass(market, set())


async def a_person_decides(market: Market) -> None:
    """On what no silence decides, and what by now is the regulator's."""
    operator, regulator = market.bench.staff("operator_business"), market.bench.staff("regulator")
    for each in (await market.read(operator, "/instructions?limit=100"))["items"]:
        await market.do(operator, f"/instructions/{each['id']}/resume", {"reason": "查过了"})
    told = {"upheld": False, "reason": "查无实据"}
    for each in (await market.read(regulator, "/complaints?limit=100"))["items"]:
        assert each["next_actor"] in {"regulator", None}
        steps = {"received": ["acceptance", "investigation"], "accepted": ["investigation"], "investigating": []}
        for step in steps.get(each["state"], []):
            await market.do(regulator, f"/complaints/{each['id']}/{step}")
        if each["state"] in steps:
            await market.do(regulator, f"/complaints/{each['id']}/decision", told)
    for each in (await market.read(regulator, "/credit-appeals?limit=100"))["items"]:
        assert each["next_actor"] == "regulator"
        await market.do(regulator, f"/credit-appeals/{each['id']}/decision", told)


async def ordered(market: Market, buyer: Person, listing: Told, plan_id: PlanId) -> Told:
    return await market.do(buyer, "/orders", {"listing_id": listing["id"], **quoted(market, buyer, listing, plan_id)})


async def received(market: Market, listing: Told, plan_id: PlanId) -> tuple[Person, Told]:
    buyer, order = await signed_deal(market, listed=(listing, plan_id))
    assert (await market.use(buyer, order)).is_success
    return buyer, order


async def leave_it(*_: object) -> None:
    pass


async def object_to_it(market: Market, buyer: Person, order: Told) -> None:
    body = {"grounds": [{"code": "unreadable"}], "claim": yuan(4_000), "reason": "乱码"}
    await market.do(buyer, f"/orders/{order['id']}/objections", body)


async def offer_a_part(market: Market, buyer: Person, order: Told) -> None:
    await object_to_it(market, buyer, order)
    path = f"/orders/{order['id']}/objections/1/concession"
    await market.do(market.provider, path, {"refund": yuan(1_000), "reason": "补偿"})


async def amend_it(market: Market, buyer: Person, order: Told) -> None:
    assert (await amend(market, buyer, order["contract_id"], quota_uses=4)).is_success


async def end_it(market: Market, buyer: Person, order: Told) -> None:
    await market.do(buyer, f"/contracts/{order['contract_id']}/terminations", REASONED)


async def a_full_court(market: Market) -> Court:
    """Whose buyer has bought enough to dispute over."""
    buyer = await market.buyer(200_000)
    await pay_in(market, market.provider, minor=50_000)
    court = Court(market, buyer, {})
    security = market.bench.staff("operator_security")
    for _ in range(6):
        arbiter = market.bench.staff("arbiter")
        await market.do(security, "/arbiters", {"arbiter_id": arbiter.subject, "ties": []})
        court.arbiters[arbiter.subject] = arbiter
    return court


async def claimed(court: Court) -> Told:
    """A dispute over another order."""
    market, buyer = court.market, court.buyer
    order = await ordered(market, buyer, *await offer(market))
    await market.signed(buyer, order)
    court.order = await market.do(buyer, f"/orders/{order['id']}/payment")
    assert (await market.use(buyer, court.order)).is_success
    return await court.open(10_000)
