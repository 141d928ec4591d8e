"""The log's lines alone, read by a stranger: they give each auction that is kept, and each bid, to the last field."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.trading.events.sealed import VERDICTS_MAX, facts_of_close
from services.trading.rules import dutch as dutch_rules
from services.trading.rules import rsop
from services.trading.rules import sealed as rules
from services.trading.rules.auction import SOLD
from services.trading.rules.award import FrozenFees
from services.trading.rules.dutch import DutchAuction, DutchTerms, Schedule
from services.trading.rules.market_rules import Windows
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.sealed import SealedAuction, SealedBid
from services.trading.rules.sealed_terms import SealedTerms
from services.trading.store import auction as store
from services.trading.store import sealed as sealed_store
from shared.facts import EVENT_BYTES_MAX, Actor, event_line, moment
from shared.grades import C2, Grade
from shared.ids import AuctionId, BidId, FactId, ListingId, ParticipantId
from shared.money import MINOR_MAX, Money
from tests.trading.lots import Lots
from tests.trading.made import NOON
from tests.trading.market import AUCTION_DAYS, START, Market, yuan
from tests.trading.sealing import a_sealed_auction, sealed_terms
from tests.trading.test_replay import commitment, lines

Line = dict[str, Any]
Ids = tuple[AuctionId, ListingId, ParticipantId]


@pytest.fixture
def lots(market: Market) -> Lots:
    return Lots(market)


def ids_of(data: Line) -> Ids:
    return AuctionId(data["auction_id"]), ListingId(data["listing_id"]), ParticipantId(data["provider_id"])


def money(told: Line | None) -> Money | None:
    return Money(**told) if told else None


def dutch_replayed(log: list[Line]) -> DutchAuction:
    again = None
    for line in log:
        data, at = line["data"], moment(line["ts"])
        match line["act"]:
            case "trading.dutch_auction_opened":
                again = dutch_rules.open_dutch(*ids_of(data), _dutch_terms(data), at)
            case "trading.dutch_price_accepted":
                assert again
                bidder_id, maximum = ParticipantId(data["participant_id"]), Money(**data["maximum"])
                again = dutch_rules.accept(again, bidder_id, maximum, at)
                assert (again.price, again.last_at) == (money(data["amount"]), moment(data["accepted_at"]))
                assert (again.state, again.reason_code) == (data["outcome_state"], data["reason_code"])
                assert again.revision == data["revision"]
            case "trading.dutch_auction_ended":
                assert again
                again = dutch_rules.close(again, at)
                assert (again.state, again.reason_code) == (data["outcome_state"], data["reason_code"])
            case _:
                pass
    assert again
    return again


def sealed_replayed(log: list[Line]) -> tuple[SealedAuction, list[SealedBid]]:
    """Nothing but the lines, the hashes and the rules."""
    closing = next(line["data"] for line in log if line["act"] == "trading.sealed_auction_closed")
    verdicts = {
        told["sequence"]: told
        for line in log if line["act"] in {"trading.sealed_auction_closed", "trading.sealed_bids_judged"}
        for told in line["data"]["verdicts"]
    }  # fmt: skip
    again, bids = None, dict[int, SealedBid]()
    for line in log:
        data, at = line["data"], moment(line["ts"])
        match line["act"]:
            case "trading.sealed_auction_opened":
                again = rules.open_sealed(*ids_of(data), _sealed_terms(data, closing), at)
                _check_commitments(line, closing)
            case "trading.sealed_bid_placed":
                assert again
                who = (BidId(data["bid_id"]), ParticipantId(data["participant_id"]), data["bidder_number"])
                again, bid = rules.commit(again, *who, line["pd"]["bid"], at)
                assert (bid.sequence, again.revision) == (data["sequence"], data["revision"])
                bids[bid.sequence] = bid
            case "trading.sealed_bid_revealed":
                assert again
                told = verdicts[data["sequence"]]
                revealed = (bids[data["sequence"]], Money(told["amount_minor"]), told["nonce"], at)
                again, bids[data["sequence"]] = rules.reveal(again, *revealed)
                assert again.revision == data["revision"]
            case "trading.sealed_auction_closed":
                assert again
                denied = _denied(verdicts, bids)
                again, judged = rules.close(again, list(bids.values()), denied, at)
                bids = {bid.sequence: bid for bid in judged}
                assert (again.state, again.reason_code) == (data["outcome_state"], data["reason_code"])
                assert (again.award_count, again.revision) == (data["awards"], data["revision"])
                assert (again.winner_id, again.price) == (data.get("winner_id"), money(data.get("amount")))
            case _:
                pass
    assert again
    for sequence, bid in bids.items():
        assert (bid.price and bid.price.minor, bid.reason_code) == (
            verdicts[sequence].get("price_minor"), verdicts[sequence]["reason_code"],
        )  # fmt: skip
    return again, list(bids.values())


def _denied(verdicts: Mapping[int, Line], bids: Mapping[int, SealedBid]) -> dict[ParticipantId, str]:
    """Whoever was left out: a reason that is none of the mechanism's own."""
    reasons = {sequence: told["reason_code"] for sequence, told in verdicts.items()}
    return {bids[at].participant_id: why for at, why in reasons.items() if why not in set(rules.Reason)}


def _check_commitments(line: Line, closing: Line) -> None:
    told = line.get("pd", {})
    assert ("reserve_price" in told) == ("reserve_price" in closing)
    if "reserve_price" in told:
        reserve = commitment("reserve_price", closing["reserve_price"]["minor"], closing["reserve_salt"])
        assert told["reserve_price"] == reserve
    assert ("seed" in told) == ("seed" in closing)
    if "seed" in told:
        assert told["seed"] == rsop.seed_commitment(AuctionId(line["data"]["auction_id"]), closing["seed"]).hex


MECHANISMS = ["sealed_first", "sealed_second", "uniform", "rsop"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("reserve", [None, 40_000])
async def test_folding_the_lines_gives_the_sealed_auction_and_bids_that_are_kept(
    lots: Lots, mechanism: str, reserve: int | None
):
    opens_at = lots.market.bench.clock.now() + timedelta(hours=1)
    auction_id = await lots.opened(mechanism, reserve_price=reserve and yuan(reserve), opens_at=opens_at.isoformat())
    await lots.pass_time(hours=1)
    offers = [50_000, 80_000, 9_999, 80_000, 39_999, 60_000]
    people = await lots.sealed(auction_id, offers)
    await lots.pass_time(days=AUCTION_DAYS)
    for place in (3, 0, 1, 4, 2):
        await lots.reveal(people[place], auction_id, offers[place])
        await lots.pass_time(seconds=7)
    await lots.market.advance(days=1, hours=3)
    async with lots.market.trading.database.read() as tx:
        kept = (await store.shown_auction(tx, AuctionId(auction_id), NOON)).auction
        kept_bids = await sealed_store.sealed_bids_on(tx, AuctionId(auction_id))
    again, bids = sealed_replayed(await lines(lots.market))
    assert (again, bids) == (kept, kept_bids)
    # Each half's price is asked of the other: a draw that puts all bidders into one half sells nothing.
    assert again.state == SOLD or (mechanism == "rsop" and again.award_count == 0)
    assert (again.bid_count, again.reveal_count) == (6, 5)


async def test_whoever_was_left_out_is_left_out_of_the_replay_too(lots: Lots):
    market, listing = lots.market, await lots.listing("sealed_second")
    auction_id = (await lots.open(listing)).json()["id"]
    low, high = await market.buyer(100_000, C2), await market.bidder(auction_id)
    await market.do(low, f"/auctions/{auction_id}/registrations")
    for who, minor in ((low, 90_000), (high, 50_000)):
        await lots.seal(who, auction_id, minor)
    await lots.pass_time(days=AUCTION_DAYS)
    for who, minor in ((low, 90_000), (high, 50_000)):
        await lots.reveal(who, auction_id, minor)
    await lots.pass_time(days=1)
    market.neighbours.raise_grade(listing["version_id"], Grade.G3)
    await market.tick()
    again, bids = sealed_replayed(await lines(market))
    assert (again.state, again.winner_id, again.price) == (SOLD, high.participant_id, Money(START))
    assert [bid.reason_code for bid in bids] == ["clearance_too_low", "highest_bid"]


@pytest.mark.parametrize("taken", [True, False])
async def test_folding_the_lines_gives_the_dutch_auction_that_is_kept(lots: Lots, taken: bool):
    opens_at = lots.market.bench.clock.now() + timedelta(hours=1)
    auction_id = await lots.opened("dutch", opens_at=opens_at.isoformat())
    (ana,) = await lots.bidders(auction_id, 1)
    await lots.pass_time(hours=4, seconds=1)
    if taken:
        await lots.accept(ana, auction_id, 9_000)
    await lots.market.advance(days=AUCTION_DAYS)
    async with lots.market.trading.database.read() as tx:
        kept = (await store.shown_auction(tx, AuctionId(auction_id), NOON)).auction
    assert dutch_replayed(await lines(lots.market)) == kept
    assert kept.price == (Money(START - 3 * 1_500) if taken else None)


def test_every_fact_of_a_close_keeps_within_its_bytes_however_many_and_large_the_bids():
    auction = replace(
        a_sealed_auction(sealed_terms(reserve_price=Money(MINOR_MAX))), state=SOLD, reason_code="clearing_price",
        bid_count=1000, reveal_count=1000, award_count=1000, price=Money(MINOR_MAX), leader_id=ParticipantId.new(),
    )  # fmt: skip
    largest = SealedBid(
        BidId.new(), auction.id, 1, ParticipantId.new(), 1000, "f" * 64, NOON, Money(MINOR_MAX), "f" * 64, NOON,
        Money(MINOR_MAX), "personal_information_needs_desensitising_or_consent",
    )  # fmt: skip
    for many in (0, 1, VERDICTS_MAX, VERDICTS_MAX + 1, 1000):
        bids = [replace(largest, sequence=number + 1) for number in range(many)]
        facts = list(facts_of_close(auction, bids, "f" * 64))
        actor = Actor("service", "trading")
        told = [event_line(fact, service="trading", fact_id=FactId.new(), actor=actor, at=NOON, request_id="r" * 40)
                for fact in facts]  # fmt: skip
        assert max(map(len, told)) <= EVENT_BYTES_MAX
        verdicts = [each for line in told for each in json.loads(line)["data"]["verdicts"]]
        assert [each["sequence"] for each in verdicts] == list(range(1, many + 1))


def _dutch_terms(data: Line) -> DutchTerms:
    schedule = data["schedule"]
    return DutchTerms(
        Money(**data["start_price"]),
        Schedule(Money(**schedule["decrement"]), schedule["interval_seconds"], Money(**schedule["floor_price"])),
        Money(**data["deposit"]), moment(data["opens_at"]), moment(data["closes_at"]), FrozenFees(**data["fees"]),
        Windows(**data["windows"]), data["rules_name"],
    )  # fmt: skip


def _sealed_terms(data: Line, closing: Line) -> SealedTerms:
    return SealedTerms(
        Mechanism(data["mechanism"]), data.get("copies"), Money(**data["start_price"]),
        money(closing.get("reserve_price")), Money(**data["deposit"]), moment(data["opens_at"]),
        moment(data["closes_at"]), moment(data["reveal_closes_at"]), FrozenFees(**data["fees"]),
        Windows(**data["windows"]), data["rules_name"], closing.get("seed"), data["keeps_second"],
        data["second_answer_seconds"],
    )  # fmt: skip
