"""Sealed bids over HTTP: windows, secrecy, outcomes, deposits, and what many do at once."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.trading import jobs
from services.trading.actions import closing
from services.trading.rules import rsop
from shared.grades import C2, Grade
from shared.ids import AuctionId, ParticipantId
from shared.money import Money
from tests.support.bench import ParticipantSuspended
from tests.trading.lots import Lots, hash_by_hand
from tests.trading.made import MICROSECOND
from tests.trading.market import AUCTION_DAYS, DEPOSIT, START, Market, code, yuan

SEALED = ["sealed_first", "sealed_second", "uniform", "rsop"]


@pytest.fixture
def lots(market: Market) -> Lots:
    return Lots(market)


def told(bids: list[dict[str, Any]]) -> list[tuple[int | None, str]]:
    """What each bid pays, and why."""
    return [(bid["price"] and bid["price"]["minor"], bid["reason_code"]) for bid in bids]


@pytest.mark.parametrize("mechanism, price", [("sealed_first", 80_000), ("sealed_second", 75_000)])
async def test_sealed_bids_are_revealed_and_the_highest_wins(lots: Lots, mechanism: str, price: int):
    market, auction_id = lots.market, await lots.opened(mechanism)
    people = await lots.played(auction_id, [50_000, 80_000, 75_000, 70_000], closed=[3])
    seen = await lots.see(auction_id)
    assert (seen["state"], seen["phase"], seen["reason_code"]) == ("sold", "closed", "highest_bid")
    assert (seen["price"]["minor"], seen["winner"], seen["awards"]) == (price, people[1].participant_id, 1)
    assert (seen["bids"], seen["revealed"], seen["next_step_at"]) == (4, 3, None)
    assert told(await lots.bids(auction_id)) == [
        (None, "outbid"), (price, "highest_bid"), (None, "outbid"), (None, "not_revealed"),
    ]  # fmt: skip
    (order,) = await lots.orders(people[1])
    assert (order["state"], order["price"]["minor"], order["auction_id"]) == ("awaiting_signatures", price, auction_id)
    assert [await market.wallet(each) for each in people] == [
        (100_000, 0), (100_000 - DEPOSIT, DEPOSIT), (100_000, 0), (100_000 - DEPOSIT, 0),
    ]  # fmt: skip
    listing = await market.read(None, f"/listings/{seen['listing_id']}")
    assert (listing["state"], listing["reason_code"]) == ("sold", "sold_exclusively")


async def test_whoever_leaves_a_bid_closed_forfeits_the_deposit_to_the_provider(lots: Lots):
    market, auction_id = lots.market, await lots.opened("sealed_second")
    people = [await market.bidder(auction_id) for _ in range(2)]
    for who in people:
        await lots.seal(who, auction_id, 50_000)
    await market.advance(days=AUCTION_DAYS + 1)
    seen = await lots.see(auction_id)
    assert (seen["state"], seen["reason_code"]) == ("unsold", "nothing_revealed")
    await market.tick()  # the custodian shares them out
    assert await market.wallet(market.provider) == (2 * DEPOSIT, 0)
    forfeited = await market.facts("deposit_forfeited")
    assert {fact["participant_id"] for fact in forfeited} == {each.participant_id for each in people}
    shares = {"costs": yuan(0), "provider": yuan(DEPOSIT), "reserve": yuan(0)}
    assert [fact["shares"] for fact in forfeited] == [shares] * 2


async def test_a_bidder_who_sealed_nothing_loses_nothing(lots: Lots):
    auction_id = await lots.opened("sealed_second")
    (ana,) = await lots.bidders(auction_id, 1)
    await lots.market.advance(days=AUCTION_DAYS + 1)
    assert (await lots.see(auction_id))["reason_code"] == "no_bids"
    assert await lots.market.wallet(ana) == (100_000, 0)


async def test_all_winners_of_copies_pay_the_highest_losing_bid_and_the_last_copy_sells_the_listing_out(lots: Lots):
    market, auction_id = lots.market, await lots.opened("uniform", 2, reserve_price=yuan(60_000))
    people = await lots.played(auction_id, [50_000, 80_000, 75_000, 70_000])
    assert told(await lots.bids(auction_id)) == [
        (None, "reserve_not_met"), (70_000, "clearing_price"), (70_000, "clearing_price"), (None, "outbid"),
    ]  # fmt: skip
    seen = await lots.see(auction_id)
    assert (seen["awards"], seen["price"]["minor"], seen["winner"], seen["copies"]) == (2, 70_000, None, 2)
    bought = [await lots.orders(each) for each in people]
    assert [[order["price"]["minor"] for order in orders] for orders in bought] == [[], [70_000], [70_000], []]
    assert [await market.wallet(each) for each in people] == [
        (100_000, 0), (100_000 - DEPOSIT, DEPOSIT), (100_000 - DEPOSIT, DEPOSIT), (100_000, 0),
    ]  # fmt: skip
    listing = await market.read(None, f"/listings/{seen['listing_id']}")
    assert (listing["state"], listing["reason_code"]) == ("sold", "all_copies_sold")


async def test_copies_that_found_no_buyer_are_auctioned_again_and_one_that_came_back_too(lots: Lots):
    market, listing = lots.market, await lots.listing("uniform", 3)
    first = (await lots.open(listing)).json()["id"]
    (ana,) = await lots.played(first, [50_000])
    assert told(await lots.bids(first)) == [(START, "clearing_price")]
    assert (await market.read(None, f"/listings/{listing['id']}"))["state"] == "listed"
    second = (await lots.open(listing)).json()
    assert second["copies"] == 2
    await lots.played(second["id"], [50_000, 60_000, 70_000])
    assert told(await lots.bids(second["id"])) == [
        (None, "outbid"), (50_000, "clearing_price"), (50_000, "clearing_price")
    ]  # fmt: skip
    assert (await market.read(None, f"/listings/{listing['id']}"))["state"] == "sold"
    assert len(await lots.orders(ana)) == 1


async def test_a_copy_whose_order_failed_is_to_be_had_again(lots: Lots):
    market, listing = lots.market, await lots.listing("uniform", 3)
    await lots.played((await lots.open(listing)).json()["id"], [50_000])
    await market.advance(days=5)
    assert (await lots.open(listing)).json()["copies"] == 3


async def test_random_sampling_sells_by_coins_that_anyone_can_throw_again(lots: Lots):
    opened = (await lots.open(await lots.listing("rsop"), reserve_price=yuan(20_000))).json()
    auction_id = opened["id"]
    assert (opened["copies"], opened["seed"]) == (None, None)
    offers = [25_000, 90_000, 15_000, 40_000, 60_000, 30_000]
    people = await lots.played(auction_id, offers)
    seen = await lots.see(auction_id)
    (opening,), (closing,) = [await lots.market.facts(f"sealed_auction_{step}") for step in ("opened", "closed")]
    assert seen["seed"] == closing["seed"] and "seed" not in opening
    assert seen["seed_commitment"] == opened["seed_commitment"]
    assert seen["seed_commitment"] == rsop.seed_commitment(AuctionId(auction_id), seen["seed"]).hex

    coins = [rsop.coin(seen["seed"], ParticipantId(str(each.participant_id))) for each in people]
    expected = rsop.prices([Money(minor) for minor in offers], coins, Money(20_000), Money(20_000))
    bids = await lots.bids(auction_id)
    assert {place: bid["price"]["minor"] for place, bid in enumerate(bids) if bid["price"]} == {
        place: price.minor for place, price in expected.items()
    }
    assert seen["awards"] == len(expected) > 0
    for place, who in enumerate(people):
        assert [order["price"]["minor"] for order in await lots.orders(who)] == [
            price.minor for at, price in expected.items() if at == place
        ]
    assert (await lots.market.read(None, f"/listings/{seen['listing_id']}"))["state"] == "listed"


@pytest.mark.parametrize("mechanism", ["sealed_second", "rsop"])
async def test_the_moment_of_sealing_and_of_revealing_decides_not_the_job(lots: Lots, mechanism: str):
    auction_id = await lots.opened(mechanism)
    ana, ben, cat = await lots.bidders(auction_id, 3)
    seen = await lots.see(auction_id)
    end, decided = datetime.fromisoformat(seen["closes_at"]), datetime.fromisoformat(seen["reveal_closes_at"])
    await lots.at(end - MICROSECOND)
    assert code(await lots.seal(ana, auction_id, 20_000)) == (201, None)
    assert code(await lots.seal(ben, auction_id, 30_000)) == (201, None)
    assert code(await lots.reveal(ana, auction_id, 20_000)) == (409, "reveal_not_started")
    assert (await lots.see(auction_id))["phase"] == "bidding"
    for late in (timedelta(0), MICROSECOND):
        await lots.at(end + late)
        assert code(await lots.seal(cat, auction_id, 20_000)) == (409, "auction_closed")
        assert ((await lots.see(auction_id))["phase"], (await lots.see(auction_id))["next_step_at"]) == (
            "revealing", seen["reveal_closes_at"],
        )  # fmt: skip
    await lots.at(end)
    assert code(await lots.reveal(ana, auction_id, 20_000)) == (201, None)
    await lots.at(decided - MICROSECOND)
    await jobs.tick(lots.market.trading)
    assert (await lots.see(auction_id))["state"] == "open", "the close waits for the last moment to reveal"
    assert code(await lots.reveal(ben, auction_id, 30_000)) == (201, None)
    for late in (timedelta(0), MICROSECOND):
        await lots.at(decided + late)
        assert code(await lots.reveal(cat, auction_id, 20_000)) == (409, "not_sealed_yet")
        assert (await lots.see(auction_id))["phase"] == "closed"
    await jobs.tick(lots.market.trading)
    assert (await lots.see(auction_id))["state"] in {"sold", "unsold"}


async def test_a_bid_that_is_revealed_at_the_decision_is_too_late(lots: Lots):
    auction_id = await lots.opened("sealed_second")
    (ana,) = await lots.sealed(auction_id, [20_000])
    decided = datetime.fromisoformat((await lots.see(auction_id))["reveal_closes_at"])
    for late in (timedelta(0), MICROSECOND):
        await lots.at(decided + late)
        assert code(await lots.reveal(ana, auction_id, 20_000)) == (409, "auction_closed")


async def test_every_refused_act_says_why_and_changes_nothing(lots: Lots):
    market, auction_id = lots.market, await lots.opened("sealed_second")
    stranger = await market.buyer(DEPOSIT)
    (ana,) = await lots.sealed(auction_id, [20_000])
    before = await lots.see(auction_id)
    assert code(await lots.seal(ana, auction_id, 30_000)) == (409, "sealed_already")
    assert code(await lots.seal(stranger, auction_id, 30_000)) == (409, "not_registered")
    assert code(await lots.seal(ana, AuctionId.new(), 30_000)) == (404, "no_such_auction")
    assert code(await lots.reveal(stranger, AuctionId.new(), 30_000)) == (404, "no_such_auction")
    assert code(await lots.reveal(stranger, auction_id, 30_000)) == (409, "not_sealed_yet")
    for wrong in ("", "AB" * 32, "ab" * 31, "ab" * 33, "zz" * 32, 7, None):
        body = {"commitment": wrong}
        assert (await market.post(ana, f"/auctions/{auction_id}/sealed-bids", body)).status_code == 422
    for nonce in ("", "ab" * 15, "ab" * 33, "AB" * 16, "zz" * 16):
        assert code(await lots.reveal(ana, auction_id, 20_000, nonce)) == (422, "malformed")
    assert await lots.see(auction_id) == before
    await lots.pass_time(days=AUCTION_DAYS)
    refused = await lots.reveal(ana, auction_id, 20_001)
    assert code(refused) == (409, "reveal_differs")
    assert refused.json()["commitment"] == hash_by_hand(auction_id, ana, 20_000)
    assert refused.json()["revealed"] == hash_by_hand(auction_id, ana, 20_001)
    assert code(await lots.reveal(ana, auction_id, 20_000)) == (201, None)
    assert code(await lots.reveal(ana, auction_id, 20_000)) == (409, "revealed_already")


async def test_the_same_act_sent_twice_is_one_act(lots: Lots):
    auction_id = await lots.opened("sealed_second")
    (ana,) = await lots.bidders(auction_id, 1)
    first, again = [await lots.seal(ana, auction_id, 20_000, "one-and-the-same") for _ in range(2)]
    assert first.json() == again.json()
    assert code(await lots.seal(ana, auction_id, 21_000, "one-and-the-same")) == (422, "key_reused")
    await lots.pass_time(days=AUCTION_DAYS)
    first, again = [await lots.reveal(ana, auction_id, 20_000, key="one-and-the-same") for _ in range(2)]
    assert first.json() == again.json()
    assert len(await lots.bids(auction_id)) == 1


async def test_a_grade_that_rose_after_the_decision_leaves_out_whoever_may_not_have_it(lots: Lots):
    market, listing = lots.market, await lots.listing("sealed_second")
    auction_id = (await lots.open(listing)).json()["id"]
    low = [await market.buyer(100_000, C2) for _ in range(2)]
    for who in low:
        await market.do(who, f"/auctions/{auction_id}/registrations")
    high = await market.bidder(auction_id)
    for who, minor in zip((*low, high), (90_000, 70_000, 50_000), strict=True):
        assert (await lots.seal(who, auction_id, minor)).status_code == 201
    await lots.pass_time(days=AUCTION_DAYS)
    assert (await lots.reveal(low[0], auction_id, 90_000)).status_code == 201
    assert (await lots.reveal(high, auction_id, 50_000)).status_code == 201
    await lots.pass_time(days=1)
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    await market.tick()
    assert told(await lots.bids(auction_id, high)) == [
        (None, "clearance_too_low"), (None, "clearance_too_low"), (START, "highest_bid")
    ]  # fmt: skip
    assert await market.wallet(low[1]) == (100_000, 0), "what would not have counted forfeits nothing"


async def test_whoever_was_suspended_and_so_could_not_reveal_forfeits_nothing(lots: Lots):
    market, auction_id = lots.market, await lots.opened("sealed_second")
    ana, ben = await lots.sealed(auction_id, [45_000, 56_000])
    assert ben.participant_id
    await market.bench.announce(ParticipantSuspended(ben.participant_id, "review"))
    await lots.pass_time(days=AUCTION_DAYS)
    assert code(await lots.reveal(ben, auction_id, 56_000)) == (403, "not_admitted")
    await lots.reveal(ana, auction_id, 45_000)
    await market.advance(days=1)
    assert told(await lots.bids(auction_id)) == [(START, "highest_bid"), (None, "not_admitted")]
    assert not await market.facts("deposit_forfeited")
    assert {fact["participant_id"] for fact in await market.facts("deposit_released")} == {ben.participant_id}


async def test_the_provider_calls_off_before_the_first_commitment_and_not_after_it(lots: Lots):
    market, auction_id = lots.market, await lots.opened("uniform")
    (ana,) = await lots.bidders(auction_id, 1)
    cancelled = await market.do(market.provider, f"/auctions/{auction_id}/cancel")
    assert (cancelled["state"], cancelled["mechanism"], cancelled["phase"]) == ("cancelled", "uniform", "closed")
    assert await market.wallet(ana) == (100_000, 0)
    sealed = await lots.opened("uniform")
    await lots.sealed(sealed, [20_000])
    assert code(await market.post(market.provider, f"/auctions/{sealed}/cancel")) == (409, "bids_were_placed")


async def test_a_withdrawn_asset_ends_an_auction_without_commitments_only(lots: Lots):
    market = lots.market
    listings = [await lots.listing("sealed_first") for _ in range(2)]
    empty, sealed = [(await lots.open(each)).json()["id"] for each in listings]
    (ana,) = await lots.sealed(sealed, [20_000])
    for each in listings:
        market.neighbours.withdraw_asset(each["version_id"])
    await market.tick()
    assert (await lots.see(empty))["reason_code"] == "asset_withdrawn"
    await lots.pass_time(days=AUCTION_DAYS)
    await lots.reveal(ana, sealed, 20_000)
    await market.advance(days=1)
    assert ((await lots.see(sealed))["state"], len(await lots.orders(ana))) == ("sold", 1)


async def test_the_winner_of_a_copy_pays_with_the_deposit_and_a_defaulter_loses_it(lots: Lots):
    market, auction_id = lots.market, await lots.opened("uniform", 2)
    ana, ben = await lots.played(auction_id, [50_000, 60_000])
    (hers,), (his,) = await lots.orders(ana), await lots.orders(ben)
    await market.signed(ana, hers)
    await market.do(ana, f"/orders/{hers['id']}/payment")
    assert await market.wallet(ana) == (100_000 - START, 0)
    await market.sign(market.provider, his["contract_id"])
    await market.advance(days=5)
    assert (await market.order(ben, his))["state"] == "defaulted"
    assert await market.wallet(ben) == (100_000 - DEPOSIT, 0)


async def test_many_seal_and_reveal_at_once_and_each_has_one_bid(lots: Lots):
    auction_id = await lots.opened("uniform", 5)
    people = await lots.bidders(auction_id, 12)
    both = await asyncio.gather(*(lots.seal(who, auction_id, 20_000 + place) for place, who in enumerate(people * 2)))
    taken = Counter(code(answer) for answer in both if answer.status_code != 503)
    assert taken.keys() <= {(201, None), (409, "sealed_already")}
    bids = await lots.bids(auction_id)
    assert [bid["sequence"] for bid in bids] == list(range(1, len(bids) + 1))
    assert len({bid["bidder_number"] for bid in bids}) == len(bids) == taken[(201, None)]


async def test_two_closers_make_one_outcome(lots: Lots):
    market, auction_id = lots.market, await lots.opened("uniform", 2)
    people = await lots.sealed(auction_id, [30_000, 50_000, 40_000])
    await lots.pass_time(days=AUCTION_DAYS)
    for who, minor in zip(people, (30_000, 50_000, 40_000), strict=True):
        await lots.reveal(who, auction_id, minor)
    await lots.pass_time(days=1)
    await asyncio.gather(*(jobs.tick(market.trading) for _ in range(3)))
    await jobs.tick(market.trading)
    assert len(await market.facts("sealed_auction_closed")) == 1
    assert len(await market.facts("order_placed")) == 2
    released = await market.facts("deposit_released")
    assert [fact["participant_id"] for fact in released] == [people[0].participant_id]


async def test_auctions_whose_bidders_cross_close_together_without_waiting_for_each_other(lots: Lots):
    """Each frees what the other forfeits: locked in two orders, they would wait for each other for ever."""
    first, second = await lots.opened("sealed_first"), await lots.opened("sealed_first")
    people = await lots.bidders(first, 6)
    for who in people:
        await lots.market.do(who, f"/auctions/{second}/registrations")
    for place, who in enumerate(people):
        await lots.seal(who, first if place % 2 else second, 20_000)
    await lots.pass_time(days=AUCTION_DAYS + 1)
    await asyncio.gather(*(closing.close(lots.market.trading, AuctionId(each)) for each in (first, second)))
    assert [(await lots.see(each))["reason_code"] for each in (first, second)] == ["nothing_revealed"] * 2
    assert [await lots.market.wallet(who) for who in people] == [(100_000 - DEPOSIT, 0)] * 6


@pytest.mark.parametrize("mechanism", [*SEALED, "dutch", "english"])
async def test_an_act_of_another_mechanism_is_refused(lots: Lots, mechanism: str):
    market = lots.market
    auction_id = await market.auction() if mechanism == "english" else await lots.opened(mechanism)
    (ana,) = await lots.bidders(auction_id, 1)
    acts = {
        "english": lambda: market.bid(ana, auction_id, 20_000), "dutch": lambda: lots.accept(ana, auction_id, 20_000),
        "sealed": lambda: lots.seal(ana, auction_id, 20_000), "reveal": lambda: lots.reveal(ana, auction_id, 20_000),
    }  # fmt: skip
    own = {"english": {"english"}, "dutch": {"dutch"}}.get(mechanism, {"sealed", "reveal"})
    for name in acts.keys() - own:
        refused = await acts[name]()
        assert (code(refused), refused.json()["mechanism"]) == ((409, "other_mechanism"), mechanism)


async def test_every_auction_says_its_mechanism_and_phase(lots: Lots):
    market = lots.market
    opened = [await lots.opened(each) for each in (*SEALED, "dutch")] + [await market.auction()]
    seen = (await market.read(None, "/auctions"))["items"]
    assert [each["id"] for each in seen] == opened[::-1]
    assert [each["mechanism"] for each in seen] == ["english", "dutch", *SEALED[::-1]]
    assert {each["phase"] for each in seen} == {"bidding"}


async def test_pages_of_sealed_bids_follow_their_sequence(lots: Lots):
    auction_id = await lots.opened("uniform", 2)
    await lots.sealed(auction_id, [20_000, 30_000, 40_000])
    first = await lots.market.read(None, f"/auctions/{auction_id}/sealed-bids?limit=2")
    rest = await lots.market.read(None, f"/auctions/{auction_id}/sealed-bids?cursor={first['next_cursor']}")
    assert [bid["sequence"] for bid in first["items"] + rest["items"]] == [1, 2, 3]
