"""Freeze orders over HTTP, on both kinds of database: what stands still, what does not, and that all of it goes on."""

import asyncio
import os
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.trading import jobs
from tests.support.bench import Person
from tests.trading.freezing import asked, frozen, lifted, officials, proposed_by
from tests.trading.market import AUCTION_DAYS, DEPOSIT, START, Market, code, yuan

WAYS = 50
on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
PLACES = [int(place) for place in os.environ.get("YAOSU_FREEZE_PLACES", "5").split(",")]  # of the freeze among them


async def test_two_persons_freeze_a_listing_and_its_auction_is_called_off_with_every_deposit_free(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    bidder = await market.bidder(auction_id)
    await market.bid(bidder, auction_id, 50_000)
    li, wang = officials(market)
    proposed = await proposed_by(market, li, "listing", listing["id"])
    assert (await market.read(None, f"/auctions/{auction_id}"))["state"] == "open", "one person holds nothing"
    path = f"/freezes/{proposed['id']}/confirmation"
    assert code(await market.post(li, path)) == (409, "second_person_required")
    held = await market.do(wang, path)
    assert (held["state"], held["in_force_at"] is not None) == ("in_force", True)
    called_off = await market.read(None, f"/auctions/{auction_id}")
    assert (called_off["state"], called_off["reason_code"]) == ("cancelled", "frozen")
    assert await market.wallet(bidder) == (100_000, 0)
    assert code(await market.open_auction(listing)) == (409, "listing_not_open")
    for act in ("resume", "delist"):
        assert code(await market.post(market.provider, f"/listings/{listing['id']}/{act}")) == (409, "frozen"), act
    await market.tick()
    await lifted(market, proposed["id"])
    assert (await market.read(None, f"/listings/{listing['id']}"))["state"] == "listed"
    assert (await market.open_auction(listing)).status_code == 201


async def test_an_auction_whose_time_was_up_ends_without_an_award_if_the_freeze_is_first(market: Market):
    listing = await market.listing()
    auction_id = await market.auction(listing)
    await market.bid(await market.bidder(auction_id), auction_id, 50_000)
    market.bench.clock.advance(days=AUCTION_DAYS)
    await frozen(market, "listing", listing["id"])
    await market.tick()
    assert (await market.read(None, f"/auctions/{auction_id}"))["state"] == "cancelled"
    assert not await market.facts("order_placed")


async def test_a_frozen_order_is_neither_paid_nor_lost_and_keeps_the_time_that_it_had_left(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    before = await market.order(buyer, order)
    freeze = await frozen(market, "order", order["id"], days=20)
    path = f"/orders/{order['id']}/payment"
    assert code(await market.post(buyer, path)) == (409, "order_frozen")
    await market.advance(days=10)
    held = await market.order(buyer, order)
    assert (held["state"], held["frozen_until"]) == ("awaiting_payment", freeze["expires_at"])
    await lifted(market, freeze["id"])
    after = await market.order(buyer, order)
    assert moment(after["deadline"]) == moment(before["deadline"]) + timedelta(days=10)
    assert (await market.do(buyer, path))["state"] == "awaiting_delivery"
    moved = await market.facts("order_clock_moved")
    assert [fact["deadline"] for fact in moved] == sorted((f["deadline"] for f in moved), reverse=True)


@on_sqlite
async def test_a_contract_waits_for_its_signatures_as_long_as_its_order_is_frozen(market: Market):
    buyer, order = await market.won()
    assert (await market.sign(market.provider, order["contract_id"])).status_code == 201
    await frozen(market, "order", order["id"], days=20)
    assert code(await market.sign(buyer, order["contract_id"])) == (409, "order_frozen")
    await market.advance(days=20)
    assert (await market.sign(buyer, order["contract_id"])).status_code == 201
    assert (await market.order(buyer, order))["state"] == "awaiting_payment"


async def test_what_silence_would_have_settled_waits_for_the_end_of_the_freeze(market: Market):
    buyer, order = await market.paid()
    await market.use(buyer, order)
    await frozen(market, "order", order["id"], days=30)
    await market.advance(days=29)
    assert (await market.order(buyer, order))["state"] == "awaiting_acceptance"
    assert code(await market.post(buyer, f"/orders/{order['id']}/acceptance")) == (409, "order_frozen")
    assert not await market.facts("instruction_confirmed")
    await market.advance(days=8)
    assert (await market.order(buyer, order))["state"] == "settled"


async def test_a_frozen_asset_stops_every_use_and_sale_of_it_until_the_freeze_ends_by_itself(market: Market):
    buyer, order = await market.paid()
    listing = await market.read(market.provider, f"/listings/{order['listing_id']}")
    freeze = await frozen(market, "asset", listing["asset_id"])
    assert code(await market.use(buyer, order)) == (409, "entitlement_suspended")
    right = await market.read(buyer, f"/entitlements/{order['entitlement_id']}")
    assert (right["state"], right["reason_code"], right["next_actor"]) == ("suspended", "frozen", "regulator")
    await market.advance(days=10)
    assert (await market.read(market.provider, f"/freezes/{freeze['id']}"))["state"] == "expired"
    assert (await market.use(buyer, order)).status_code == 201
    suspended, resumed = await market.facts("entitlement_suspended"), await market.facts("entitlement_resumed")
    assert [fact["entitlement_id"] for fact in (*suspended, *resumed)] == [order["entitlement_id"]] * 2
    assert suspended[0]["revision"] < resumed[0]["revision"], "as delivery reads them"


@on_sqlite
async def test_of_an_asset_that_is_frozen_nothing_more_is_listed(market: Market):
    listing = await market.listing(kind="unlimited", plan_id=None, mechanism=None, pricing="negotiation")
    await frozen(market, "asset", listing["asset_id"])
    answer = await market.list_it(listing["version_id"], kind="unlimited", mechanism=None, pricing="negotiation")
    assert code(answer) == (409, "frozen")


async def test_a_frozen_participant_neither_bids_nor_wins_nor_lists_nor_is_paid_out(market: Market):
    auction_id = await market.auction()
    leader, other = await market.bidder(auction_id), await market.bidder(auction_id)
    await market.bid(other, auction_id, 50_000)
    await market.bid(leader, auction_id, 80_000)
    await frozen(market, "participant", leader.participant_id)
    assert code(await market.bid(leader, auction_id, 90_000)) == (409, "frozen")
    payout = await market.post(leader, "/wallet/payouts", {"amount": yuan(100)})
    assert code(payout) == (409, "frozen")
    second = await market.auction(await market.listing())
    assert code(await market.post(leader, f"/auctions/{second}/registrations")) == (409, "frozen")
    await market.advance(days=AUCTION_DAYS)
    ended = await market.read(None, f"/auctions/{auction_id}")
    assert (ended["state"], ended["reason_code"]) == ("unsold", "frozen")
    assert await market.wallet(leader) == (100_000, 0) and await market.wallet(other) == (100_000, 0)
    await frozen(market, "participant", market.provider.participant_id)
    assert code(await market.list_it()) == (409, "frozen")


async def test_nothing_leaves_a_frozen_wallet_not_even_what_was_asked_for_before(market: Market):
    owner = await market.buyer(10_000)
    earlier = await market.do(owner, "/wallet/payouts", {"amount": yuan(1_000)})
    freeze = await frozen(market, "wallet", owner.participant_id)
    assert code(await market.post(owner, "/wallet/payouts", {"amount": yuan(100)})) == (409, "frozen")
    await market.advance(days=3)
    path = f"/instructions/{earlier['id']}"
    assert (await market.read(owner, path))["state"] == "pending"
    await market.do(owner, "/wallet/pay-ins", {"amount": yuan(500)})
    await lifted(market, freeze["id"])
    await market.tick()
    assert (await market.read(owner, path))["state"] == "confirmed"
    assert await market.wallet(owner) == (9_500, 0)


@on_sqlite
async def test_what_the_custodian_refused_is_not_set_on_its_way_again_while_it_is_frozen(market: Market):
    buyer, order = await market.paid()
    await market.use(buyer, order)
    market.custodian.faults.append(("split", "refused"))
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await market.tick()
    operator = market.bench.staff("operator_business")
    [parked] = (await market.read(operator, "/instructions"))["items"]
    freeze = await frozen(market, "order", order["id"])
    path, why = f"/instructions/{parked['id']}/resume", {"reason": "子账户误冻"}
    assert code(await market.post(operator, path, why)) == (409, "order_frozen")
    await lifted(market, freeze["id"])
    await market.do(operator, path, why)
    await market.tick()
    assert (await market.order(buyer, order))["state"] == "settled"


@on_sqlite
async def test_no_price_is_paid_from_a_frozen_wallet(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    await frozen(market, "wallet", buyer.participant_id)
    assert code(await market.post(buyer, f"/orders/{order['id']}/payment")) == (409, "frozen")
    assert (await market.order(buyer, order))["state"] == "awaiting_payment"


async def test_what_two_freezes_hold_is_free_with_the_last(market: Market):
    buyer, order = await market.paid()
    listing = await market.read(market.provider, f"/listings/{order['listing_id']}")
    first = await frozen(market, "order", order["id"], days=10)
    second = await frozen(market, "asset", listing["asset_id"], days=20)
    await market.advance(days=5)
    await lifted(market, second["id"])
    assert code(await market.use(buyer, order)) == (409, "entitlement_suspended")
    assert (await market.order(buyer, order))["frozen_until"] == first["expires_at"]
    await market.advance(days=5)
    assert (await market.use(buyer, order)).status_code == 201


@on_sqlite
async def test_it_shows_to_whom_it_concerns_without_the_names_of_those_who_signed_it(market: Market):
    buyer, order = await market.won()
    freeze = await frozen(market, "order", order["id"])
    li, _ = officials(market)
    path, stranger = f"/freezes/{freeze['id']}", await market.buyer()
    for party in (buyer, market.provider):
        told = await market.read(party, path)
        assert (told["ground"], told["legal_basis"]) == ("evidence", "行政强制法第二十二条")
        assert (told["proposed_by"], told["confirmed_by"], told["case_reference"]) == (None, None, None)
        assert [each["id"] for each in (await market.read(party, "/freezes"))["items"]] == [freeze["id"]]
    assert code(await market.bench.get(stranger, f"/trading/v1{path}")) == (404, "no_such_freeze")
    assert (await market.read(stranger, "/freezes"))["items"] == []
    assert (await market.read(li, path))["case_reference"] == "case_1"


@on_sqlite
async def test_who_may_freeze_what(market: Market):
    listing = await market.listing()
    business, (li, _) = market.bench.staff("operator_business"), officials(market)
    assert (await market.post(business, "/freezes", asked(market, "listing", listing["id"]))).status_code == 201
    again = await market.post(li, "/freezes", asked(market, "listing", listing["id"]))
    assert code(again) == (409, "frozen_already")
    asset = asked(market, "asset", listing["asset_id"])
    assert code(await market.post(business, "/freezes", asset)) == (403, "regulators_order")
    inside = Person(li.subject, li.roles, market.provider.participant_id)
    assert code(await market.post(inside, "/freezes", asset)) == (403, "not_independent")
    for role in ("operator_security", "operator_audit", "arbiter"):
        answer = await market.post(market.bench.staff(role), "/freezes", asset)
        assert code(answer) == (403, "not_your_role"), role
    missing = asset | {"asset_id": "asset_" + "0" * 32}
    assert code(await market.post(li, "/freezes", missing)) == (404, "nothing_to_freeze")
    nobody = asked(market, "wallet", "participant_" + "0" * 32)
    assert code(await market.post(li, "/freezes", nobody)) == (404, "nothing_to_freeze")
    both = asset | {"listing_id": listing["id"]}
    assert code(await market.post(li, "/freezes", both)) == (422, "malformed")


@on_sqlite
async def test_a_proposal_that_nobody_confirms_lapses_and_can_be_made_again(market: Market):
    listing = await market.listing()
    li, wang = officials(market)
    proposed = await proposed_by(market, li, "listing", listing["id"])
    await market.advance(days=1)
    assert (await market.read(li, f"/freezes/{proposed['id']}"))["state"] == "lapsed"
    late = await market.post(wang, f"/freezes/{proposed['id']}/confirmation")
    assert code(late) == (409, "illegal_move")
    assert (await proposed_by(market, li, "listing", listing["id"]))["state"] == "proposed"


async def test_what_is_frozen_goes_on_at_its_moment_though_no_job_has_looked(market: Market):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    await frozen(market, "order", order["id"], days=20)
    market.bench.clock.advance(days=20)
    await market.bench.refresh()
    assert (await market.post(buyer, f"/orders/{order['id']}/payment")).status_code == 200


# --- races: whatever commits first counts, and nothing is half done


@pytest.mark.timeout(180)
@pytest.mark.parametrize("place", PLACES)
async def test_fifty_who_pay_and_are_paid_out_race_with_a_freeze(market: Market, place: int):
    buyer, order = await market.won()
    await market.signed(buyer, order)
    payment, payouts = f"/orders/{order['id']}/payment", ("/wallet/payouts", {"amount": yuan(1)})
    acts = [market.post(buyer, payment) if turn % 2 else market.post(buyer, *payouts) for turn in range(WAYS)]
    answers = await _race_with_a_freeze(market, "participant", buyer.participant_id, acts, place)
    seen, left = await market.order(buyer, order), sum(each.status_code == 201 for each in answers)
    assert seen["frozen_until"] is not None, "paid or not, it stands still"
    paid = seen["state"] == "awaiting_delivery"
    spent, bound = (START, 0) if paid else (DEPOSIT, DEPOSIT)
    assert await market.wallet(buyer) == (100_000 - spent - left, bound + left)
    assert code(await market.post(buyer, *payouts)) == (409, "frozen")
    assert paid == (seen["entitlement_id"] is not None)
    if paid:
        right = await market.read(buyer, f"/entitlements/{seen['entitlement_id']}")
        assert right["reason_code"] == "frozen", "no right slips through"
    await market.advance(minutes=5)
    assert (await market.wallet(buyer))[1] == bound + left, "what was not sent before is not sent now"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("place", PLACES)
async def test_fifty_acceptances_race_with_a_freeze_and_the_money_waits_either_way(market: Market, place: int):
    buyer, order = await market.paid()
    await market.use(buyer, order)
    acts = [market.post(buyer, f"/orders/{order['id']}/acceptance") for _ in range(WAYS)]
    answers = await _race_with_a_freeze(market, "order", order["id"], acts, place)
    accepted = [each for each in answers if each.status_code == 200]
    seen = await market.order(buyer, order)
    assert (seen["state"] == "settling") == bool(accepted) and len(accepted) <= 1
    await market.advance(days=9)
    assert (await market.order(buyer, order))["state"] == seen["state"], "nothing was shared out meanwhile"
    await market.advance(days=8)
    assert (await market.order(buyer, order))["state"] == "settled"
    assert len(await market.facts("order_settled")) == 1


@pytest.mark.timeout(180)
async def test_a_freeze_races_with_the_end_of_an_auction_and_there_is_an_award_or_none(market: Market):
    for place in (0, 1, 2):
        listing = await market.listing()
        auction_id = await market.auction(listing)
        bidder = await market.bidder(auction_id)
        await market.bid(bidder, auction_id, 50_000)
        market.bench.clock.advance(days=AUCTION_DAYS)
        await market.bench.refresh()
        closing = [jobs.close_auctions(market.trading) for _ in range(3)]
        await _race_with_a_freeze(market, "asset", listing["asset_id"], closing, place)
        seen = await market.read(None, f"/auctions/{auction_id}")
        placed = [order for order in (await market.read(bidder, "/orders"))["items"]]
        assert (seen["state"], len(placed)) in {("sold", 1), ("cancelled", 0)}
        assert all(order["frozen_until"] for order in placed), "an award that came first stands still"
        assert await market.wallet(bidder) == ((99_000, DEPOSIT) if placed else (100_000, 0))


async def _race_with_a_freeze(
    market: Market, scope: str, subject_id: object, acts: Sequence[Awaitable[Any]], place: int
) -> list[Any]:
    """What the acts came to that were sent at once with the second yes to a freeze, in this place among them."""
    li, wang = officials(market)
    freeze = await proposed_by(market, li, scope, subject_id)
    confirmation = market.do(wang, f"/freezes/{freeze['id']}/confirmation")
    outcomes = await asyncio.gather(*acts[:place], confirmation, *acts[place:])
    trial = await market.read(wang, "/ledger/trial-balance")
    assert trial["drifting_accounts"] == []
    return [*outcomes[:place], *outcomes[place + 1 :]]


def moment(told: str) -> datetime:
    return datetime.fromisoformat(told)
