"""What a provider may ask of an English auction, over HTTP: steps, an open reserve, late bids, priority buyers."""

from datetime import datetime, timedelta

from shared.ids import ParticipantId
from tests.trading.market import AUCTION_DAYS, START, Market, code, yuan


async def test_a_step_in_percent_is_shown_and_kept(market: Market):
    opened = (
        await market.open_auction(increments=[{"from_minor": 0, "step_minor": 1, "step_basis_points": 333}])
    ).json()
    assert opened["increments"] == [{"from_minor": 0, "step_minor": 1, "step_basis_points": 333}]
    ana, ben = [await market.bidder(opened["id"]) for _ in range(2)]
    await market.bid(ana, opened["id"], 20_001)
    low = await market.bid(ben, opened["id"], 10_332)
    assert (code(low), low.json()["floor_minor"]) == ((409, "bid_too_low"), 10_333)
    assert (await market.bid(ben, opened["id"], 15_001)).json()["price_after"]["minor"] == 15_501  # and ⌈499.53⌉


async def test_an_open_reserve_is_shown_to_everyone_and_in_the_log(market: Market):
    shown = (await market.open_auction(reserve_price=yuan(15_000), reserve_is_open=True)).json()
    hidden = (await market.open_auction(reserve_price=yuan(15_001))).json()
    assert [(each["has_reserve"], each["reserve_price"]) for each in (shown, hidden)] == [
        (True, yuan(15_000)), (True, None)
    ]  # fmt: skip
    assert [fact.get("open_reserve") for fact in await market.facts("auction_opened")] == [yuan(15_000), None]
    assert code(await market.open_auction(reserve_is_open=True)) == (422, "no_reserve_to_show")


async def test_only_an_accepted_bid_moves_the_end_by_what_the_provider_named(market: Market):
    closes_at = market.bench.clock.now() + timedelta(days=AUCTION_DAYS)
    late = {"window_seconds": 600, "extension_seconds": 900, "extensions_max": 0,
            "hard_closes_at": (closes_at + timedelta(hours=1)).isoformat()}  # fmt: skip
    opened = (await market.open_auction(soft_close=late)).json()
    assert (opened["soft_close_seconds"], opened["extension_seconds"], opened["extensions_max"]) == (600, 900, 0)
    ana, ben = [await market.bidder(opened["id"]) for _ in range(2)]
    await market.bid(ana, opened["id"], 20_000)
    await market.advance(days=AUCTION_DAYS, seconds=-600)
    for refused in (await market.bid(ben, opened["id"], START), await market.bid(ana, opened["id"], 20_000)):
        assert refused.status_code == 409
    seen = await market.read(None, f"/auctions/{opened['id']}")
    assert (seen["extensions"], datetime.fromisoformat(seen["closes_at"])) == (0, closes_at)
    accepted = (await market.bid(ben, opened["id"], 12_000)).json()
    assert datetime.fromisoformat(accepted["closes_at"]) == closes_at + timedelta(minutes=5)
    seen = await market.read(None, f"/auctions/{opened['id']}")
    assert (seen["deadline"], seen["closes_at"]) == (accepted["closes_at"], accepted["closes_at"])


async def test_less_time_to_answer_than_the_law_gives_is_refused(market: Market):
    refused = await market.open_auction(soft_close={"window_seconds": 299})
    assert (code(refused), refused.json()["window_seconds_min"]) == ((422, "bad_soft_close"), 300)


async def test_a_priority_buyer_registers_as_others_do_until_the_close_and_leads_at_the_same_price(market: Market):
    ana, pia = await market.buyer(100_000), await market.buyer(100_000)
    opened = (await market.open_auction(priority_buyers=[pia.participant_id])).json()
    auction_id = opened["id"]
    assert opened["has_priority_buyers"] is True and str(pia.participant_id) not in str(opened)
    await market.do(ana, f"/auctions/{auction_id}/registrations")
    await market.bid(ana, auction_id, 20_000)
    assert code(await market.bid(pia, auction_id, 20_000)) == (409, "not_registered")
    await market.do(pia, f"/auctions/{auction_id}/registrations")
    equal = (await market.bid(pia, auction_id, 20_000)).json()
    assert (equal["leading"], equal["price_after"]["minor"]) == (True, 20_000)
    assert code(await market.bid(ana, auction_id, 20_000)) == (409, "bid_too_low")
    await market.advance(days=AUCTION_DAYS)
    sold = await market.read(None, f"/auctions/{auction_id}")
    assert (sold["winner"], sold["price"]["minor"]) == (pia.participant_id, 20_000)


async def test_a_provider_names_each_priority_buyer_once_and_never_themselves(market: Market):
    twice = ParticipantId.new()
    for named in ([twice, twice], [market.provider.participant_id]):
        assert code(await market.open_auction(priority_buyers=named)) == (422, "bad_priority")
