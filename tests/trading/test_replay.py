"""The log's lines alone, read by a stranger: they give the auction that is kept, to the last field."""

import hmac
import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from services.trading.rules import auction as rules
from services.trading.rules import award_queue, proxy
from services.trading.rules.any_auction import of_kind
from services.trading.rules.auction import Auction
from services.trading.rules.auction_terms import Increment, Terms
from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import Windows
from services.trading.store import auction as store
from shared.facts import moment
from shared.ids import AuctionId, ListingId, ParticipantId
from shared.money import Money
from tests.trading.market import AUCTION_DAYS, Market, yuan

Line = dict[str, Any]


async def lines(market: Market) -> list[Line]:
    """Every fact, as it goes into the log."""
    found, positions = list[Line](), dict[int, int]()
    while changes := await market.bench.cores["trading"].feed.after(positions):
        found += [json.loads(change.line) for change in changes]
        positions |= {change.stripe: change.seq for change in changes}
    return found


def opened(log: list[Line]) -> dict[int, Line]:
    """The maxima and salts that were opened after the close, by the bid's sequence."""
    told = [
        line["data"]["openings"] for line in log if line["act"] in {"trading.auction_closed", "trading.bids_opened"}
    ]
    return {opening["sequence"]: opening for openings in told for opening in openings}


def commitment(name: str, minor: int, salt: str) -> str:
    told = b"\x11" + name.encode() + b"\x00" + str(minor).encode()
    return hmac.new(bytes.fromhex(salt), told, sha256).hexdigest()


def replayed(log: list[Line]) -> Auction:
    """The auction, from its opening to its close, by the lines and the rules."""
    closing = next(line for line in log if line["act"] == "trading.auction_closed")
    maxima, again = opened(log), None
    for line in log:
        data = line["data"]
        match line["act"]:
            case "trading.auction_opened":
                terms = _terms(data, closing["data"].get("reserve_price"))
                ids = AuctionId(data["auction_id"]), ListingId(data["listing_id"]), ParticipantId(data["provider_id"])
                before = data.get("reoffer_of"), tuple(map(ParticipantId, data["barred_ids"]))
                again = rules.open_auction(*ids, terms, moment(line["ts"]), *before)
            case "trading.bid_placed":
                assert again
                maximum = Money(maxima[data["sequence"]]["maximum_minor"])
                again = rules.place_bid(again, ParticipantId(data["participant_id"]), maximum, moment(line["ts"]))
                assert (again.bid_count, again.revision) == (data["sequence"], data["revision"])
                assert (again.price, again.closes_at) == (Money(**data["price"]), moment(data["closes_at"]))
                assert again.last_at == moment(data["placed_at"])
                assert (again.leader_id == data["participant_id"]) == data["leading"]
            case "trading.auction_bought_now":
                assert again
                again = rules.buy_now(again, ParticipantId(data["participant_id"]), moment(line["ts"]))
            case "trading.auction_closed":
                assert again
                if again.state is rules.OPEN:  # or it was bought at once, and this opens the reserve
                    second_id = data.get("second_id")
                    again = rules.close(again, moment(line["ts"]), second_id=second_id and ParticipantId(second_id))
                assert (again.state, again.reason_code) == (data["outcome_state"], data["reason_code"])
                assert again.revision == data["revision"]
            case "trading.award_confirmed":
                assert again
                again = award_queue.confirm(again, moment(line["ts"]))
            case "trading.second_asked":
                assert again
                winner_id, told = again.winner_id, _bids(log, maxima)
                assert winner_id == data["defaulter_id"]
                second = proxy.lead_of(again.terms, told, without=ParticipantId(data["defaulter_id"]))
                assert second
                again = award_queue.ask_second(again, second, moment(line["ts"]))
                assert (again.leader_id, again.price) == (data["second_id"], Money(**data["amount"]))
            case "trading.second_accepted":
                assert again
                again = award_queue.accept(again, ParticipantId(data["winner_id"]), moment(line["ts"]))
            case "trading.award_failed":
                assert again
                again = _failed(again, data, line)
                assert again.failed_at == moment(data["failed_at"])
            case _:
                pass
        if again and data.get("auction_id") == again.id and line["act"] in FOLDED:
            assert again.revision == data["revision"]
    assert again
    return again


FOLDED = {
    f"trading.{name}"
    for name in ("auction_bought_now", "award_confirmed", "second_asked", "second_accepted", "award_failed")
}


def _failed(auction: Auction, data: Line, line: Line) -> Auction:
    """By whose doing: the actor of the line, or the clock."""
    at = moment(line["ts"])
    match data["reason_code"]:
        case "second_declined":
            return award_queue.decline(auction, ParticipantId(line["actor"]["org"]), at)
        case "second_silent":
            return award_queue.pass_deadline(auction)
        case "winner_defaulted":
            return award_queue.fail(auction, at)
        case other:
            return award_queue.lapse(auction, other, at)


def _bids(log: list[Line], maxima: dict[int, Line]) -> list[tuple[ParticipantId, Money]]:
    placed = [line["data"] for line in log if line["act"] == "trading.bid_placed"]
    return [(ParticipantId(bid["participant_id"]), Money(maxima[bid["sequence"]]["maximum_minor"])) for bid in placed]


@pytest.mark.parametrize("reserve, state", [(None, "sold"), (14_000, "sold"), (90_000, "unsold")])
async def test_folding_the_lines_of_the_log_gives_the_auction_that_is_kept(
    market: Market, reserve: int | None, state: str
):
    opens_at = market.bench.clock.now() + timedelta(hours=1)
    auction_id = await market.auction(reserve_price=reserve and yuan(reserve), opens_at=opens_at.isoformat())
    people = [await market.bidder(auction_id) for _ in range(3)]
    market.bench.clock.advance(days=AUCTION_DAYS, seconds=-100)
    await market.bench.refresh()
    for index, maximum in enumerate((20_000, 13_000, 15_500, 30_000, 24_000, 31_000)):
        await market.bid(people[index % 3], auction_id, maximum)
        market.bench.clock.advance(seconds=20)
    await market.advance(minutes=10)
    kept = await _kept(market, auction_id)
    assert replayed(await lines(market)) == kept
    assert (kept.state, kept.extensions > 0, kept.terms.opens_at) == (state, True, opens_at)


@pytest.mark.parametrize("ending", ["paid", "lapsed", "accepted", "declined", "silent", "defaulted_again"])
async def test_folding_what_follows_on_the_close_gives_the_auction_that_is_kept_too(market: Market, ending: str):
    auction_id = await market.auction(keeps_second=True)
    people = [await market.bidder(auction_id) for _ in range(3)]
    for index, maximum in ((0, 50_000), (2, 20_000), (1, 30_000)):
        await market.bid(people[index], auction_id, maximum)
    await market.advance(days=AUCTION_DAYS)
    order = (await market.read(people[0], "/orders"))["items"][0]
    if ending != "lapsed":
        await market.signed(people[0], order)
    if ending == "paid":
        await market.do(people[0], f"/orders/{order['id']}/payment")
    await market.advance(days=5)
    if ending in {"accepted", "declined", "defaulted_again"}:
        answer = "refusal" if ending == "declined" else "acceptance"
        await market.do(people[1], f"/auctions/{auction_id}/second-award/{answer}")
    if ending == "defaulted_again":
        await market.signed(people[1], (await market.read(people[1], "/orders"))["items"][0])
    await market.advance(days=5)
    assert replayed(await lines(market)) == await _kept(market, auction_id)


async def test_folding_a_purchase_at_once_gives_the_auction_that_is_kept_too(market: Market):
    auction_id = await market.auction(buy_now_price=yuan(60_000), reserve_price=yuan(20_000))
    await market.do(await market.bidder(auction_id), f"/auctions/{auction_id}/buy-now")
    assert replayed(await lines(market)) == await _kept(market, auction_id)


async def _kept(market: Market, auction_id: str) -> Auction:
    async with market.trading.database.read() as tx:
        shown = await store.shown_auction(tx, AuctionId(auction_id), market.bench.clock.now())
    return of_kind(shown.auction, Auction)


async def test_what_was_committed_to_is_what_is_opened_and_says_who_won(market: Market):
    auction_id = await market.auction(reserve_price=yuan(12_000))
    people = [await market.bidder(auction_id) for _ in range(3)]
    for index, maximum in enumerate((20_000, 15_000, 30_000, 25_000)):
        await market.bid(people[index % 3], auction_id, maximum)
    await market.advance(days=AUCTION_DAYS)
    log = await lines(market)
    opening = next(line for line in log if line["act"] == "trading.auction_opened")
    closed = next(line for line in log if line["act"] == "trading.auction_closed")["data"]
    maxima = opened(log)
    reserve = commitment("reserve_price", closed["reserve_price"]["minor"], closed["reserve_salt"])
    assert opening["pd"] == {"reserve_price": reserve}
    placed = {line["data"]["sequence"]: line for line in log if line["act"] == "trading.bid_placed"}
    assert placed.keys() == maxima.keys() == {1, 2, 3, 4}
    for sequence, told in maxima.items():
        assert placed[sequence]["pd"] == {"maximum": commitment("maximum", told["maximum_minor"], told["salt"])}
    best = max(maxima.values(), key=lambda told: (told["maximum_minor"], -told["sequence"]))
    assert closed["winner_id"] == placed[best["sequence"]]["data"]["participant_id"] == people[2].participant_id
    assert closed["amount"]["minor"] == 26_000
    assert moment(closed["closed_at"]) == market.bench.clock.now()


def _terms(data: Line, reserve: Line | None) -> Terms:
    return Terms(
        start_price=Money(**data["start_price"]), increments=tuple(Increment(**band) for band in data["increments"]),
        reserve_price=_money(reserve), deposit=Money(**data["deposit"]),
        opens_at=moment(data["opens_at"]), closes_at=moment(data["closes_at"]),
        hard_closes_at=moment(data["hard_closes_at"]), soft_close_seconds=data["soft_close_seconds"],
        extension_seconds=data["extension_seconds"], extensions_max=data["extensions_max"],
        fees=FrozenFees(**data["fees"]), windows=Windows(**data["windows"]), rules_name=data["rules_name"],
        reserve_is_open="open_reserve" in data, priority_ids=tuple(map(ParticipantId, data["priority_ids"])),
        buy_now_price=_money(data.get("buy_now_price")), keeps_second=data["keeps_second"],
        second_answer_seconds=data["second_answer_seconds"],
    )  # fmt: skip


def _money(told: Line | None) -> Money | None:
    return Money(**told) if told else None
