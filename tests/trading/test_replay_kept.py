"""Auctions over HTTP, on both databases: the log that they leave replays to what the tables keep, to the last field."""

from datetime import timedelta

import pytest

from services.trading.rules.replay import Replayed, Verdict, concerned, replay
from services.trading.rules.replay_entry import Entry
from services.trading.store import auction as store
from services.trading.store import sealed as sealed_store
from shared.facts import read_event
from shared.grades import C2, Grade
from shared.ids import AuctionId
from tests.trading import test_sealed_second_award as sealed_award_queue
from tests.trading.lots import Lots
from tests.trading.market import AUCTION_DAYS, Market, yuan
from tests.trading.test_second_award import closed, defaulted, order_of


async def entries(market: Market) -> list[Entry]:
    """Every fact, as it goes into the log."""
    found, positions = list[Entry](), dict[int, int]()
    while changes := await market.bench.cores["trading"].feed.after(positions):
        found += [Entry(len(found) + at, read_event(change.line.encode())) for at, change in enumerate(changes)]
        positions |= {change.stripe: change.seq for change in changes}
    return found


async def require_kept(market: Market, auction_id: str) -> Replayed:
    log, wanted = await entries(market), AuctionId(auction_id)
    own = [entry for entry in log if concerned(entry) == wanted]
    found = replay(wanted, own, max(entry.at for entry in log))
    async with market.trading.database.read() as tx:
        kept = (await store.shown_auction(tx, wanted, market.bench.clock.now())).auction
        bids = await sealed_store.sealed_bids_on(tx, wanted)
    assert (found.differences, found.verdict) == ((), Verdict.SAME)
    assert (found.auction, list(found.bids)) == (kept, bids)
    return found


@pytest.mark.parametrize("reserve, shown", [(None, False), (14_000, False), (14_000, True), (90_000, False)])
async def test_an_english_auction_is_kept_as_its_log_says(market: Market, reserve: int | None, shown: bool):
    opens_at = market.bench.clock.now() + timedelta(hours=1)
    steps = [{"from_minor": 0, "step_minor": 100, "step_basis_points": 250}]
    auction_id = await market.auction(
        reserve_price=reserve and yuan(reserve), reserve_is_open=shown, opens_at=opens_at.isoformat(), increments=steps
    )
    people = [await market.bidder(auction_id) for _ in range(3)]
    market.bench.clock.advance(days=AUCTION_DAYS, seconds=-100)
    await market.bench.refresh()
    for index, maximum in enumerate((20_000, 13_000, 15_500, 30_000, 24_000, 31_000)):
        await market.bid(people[index % 3], auction_id, maximum)
        market.bench.clock.advance(seconds=20)
    await market.advance(minutes=10)
    found = await require_kept(market, auction_id)
    assert (found.auction and found.auction.winner_id is None) == (reserve == 90_000)


@pytest.mark.parametrize("mechanism, end", [
    *(("english", end) for end in ("paid", "asked", "accepted", "declined", "silent")),
    ("sealed_first", "silent"), ("sealed_second", "accepted"),
])  # fmt: skip
async def test_what_follows_on_a_close_is_kept_as_its_log_says(market: Market, mechanism: str, end: str):
    if mechanism == "english":
        auction_id, (winner, second, *_) = await (closed if end == "paid" else defaulted)(market)
    else:
        auction_id, (second, winner, *_) = await sealed_award_queue.defaulted(Lots(market), mechanism)
    if end == "paid":
        order = await order_of(market, winner)
        await market.signed(winner, order)
        await market.do(winner, f"/orders/{order['id']}/payment")
    if end in {"accepted", "declined"}:
        path = {"accepted": "acceptance", "declined": "refusal"}[end]
        answer = await market.post(second, f"/auctions/{auction_id}/second-award/{path}")
        assert answer.status_code < 300, answer.text
    if end == "silent":
        await market.advance(days=10)
    found = await require_kept(market, auction_id)
    states = {"paid": "sold", "asked": "second_asked", "accepted": "sold", "declined": "unsold", "silent": "unsold"}
    assert found.auction and found.auction.state == states[end]


async def test_what_was_bought_at_once_is_kept_as_its_log_says(market: Market):
    auction_id = await market.auction(buy_now_price=yuan(60_000), reserve_price=yuan(20_000))
    buyer, _ = [await market.bidder(auction_id) for _ in range(2)]
    assert (await market.post(buyer, f"/auctions/{auction_id}/buy-now")).status_code < 300
    found = await require_kept(market, auction_id)
    assert found.auction and found.auction.winner_id == buyer.participant_id


@pytest.mark.parametrize("mechanism", ["sealed_first", "sealed_second", "uniform", "rsop"])
@pytest.mark.parametrize("reserve", [None, 40_000])
async def test_an_auction_by_sealed_bids_is_kept_as_its_log_says(market: Market, mechanism: str, reserve: int | None):
    lots = Lots(market)
    auction_id = await lots.opened(mechanism, reserve_price=reserve and yuan(reserve))
    await lots.played(auction_id, [50_000, 80_000, 9_999, 80_000, 39_999, 60_000], closed=[4])
    await require_kept(market, auction_id)


async def test_whoever_was_left_out_is_left_out_again_and_that_is_said_to_be_taken_on_trust(market: Market):
    lots, listing = Lots(market), await Lots(market).listing("sealed_second")
    auction_id = (await lots.open(listing)).json()["id"]
    low, high = await market.buyer(100_000, C2), await market.bidder(auction_id)
    await market.do(low, f"/auctions/{auction_id}/registrations")
    for act in (lots.seal, lots.reveal):
        for who, minor in ((low, 90_000), (high, 50_000)):
            await act(who, auction_id, minor)
        await lots.pass_time(days=AUCTION_DAYS if act == lots.seal else 1)
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    await market.tick()
    found = await require_kept(market, auction_id)
    assert found.trusted == ("sealed_auction_closed: the bidder of bid 1 is denied, clearance_too_low",)


@pytest.mark.parametrize("taken", [True, False])
async def test_a_dutch_auction_is_kept_as_its_log_says(market: Market, taken: bool):
    lots = Lots(market)
    auction_id = await lots.opened("dutch")
    (ana,) = await lots.bidders(auction_id, 1)
    await lots.pass_time(hours=4, seconds=1)
    if taken:
        await lots.accept(ana, auction_id, 9_000)
    await market.advance(days=AUCTION_DAYS)
    await require_kept(market, auction_id)


async def test_what_the_provider_called_off_is_kept_as_its_log_says(market: Market):
    auction_id = await market.auction()
    await market.bidder(auction_id)
    await market.do(market.provider, f"/auctions/{auction_id}/cancel")
    await require_kept(market, auction_id)
