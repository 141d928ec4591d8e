"""A double auction made again from the log's lines: the same as is kept, and whatever is altered is found."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from services.__main__ import app as commands
from services.trading.events.deals import OrderPlaced
from services.trading.events.double_auction import (
    DoubleAuctionDecided,
    DoubleAuctionDeclined,
    DoubleAuctionOpened,
    PriceRevealed,
    PriceSealed,
)
from services.trading.rules import double_auction as rules
from services.trading.rules.award import Award, FromDoubleAuction
from services.trading.rules.double_auction import DoubleAuction, commitment_of
from services.trading.rules.negotiation_terms import Side
from services.trading.rules.order import place
from services.trading.rules.replay import Verdict
from services.trading.rules.replay_double import ReplayedDouble, concerned_double, replay_double
from services.trading.rules.replay_entry import Entry, Kind
from services.trading.schemas.double_auctions import DoubleAuctionView
from services.trading.store import double_auction as store
from shared import canonical
from shared.facts import Actor, Fact, event_line, read_event
from shared.ids import ContractId, DoubleAuctionId, FactId, OrderId
from shared.money import Money
from tests.trading.doubles import BUYER, DAY, HOUR, NONCE, PROVIDER, opened, sealed_by, terms
from tests.trading.made import FEES, MICROSECOND, NOON, a_listing
from tests.trading.market import Market
from tests.trading.negotiation.asked import listed
from tests.trading.test_double_auctions import both_sealed, played, revealed
from tests.trading.test_replay_kept import entries

Line = dict[str, Any]
LATER = NOON + 9 * DAY


def told(fact: Fact, at: datetime) -> Line:
    actor = Actor("service", "trading")
    line = event_line(fact, service="trading", fact_id=FactId.new(), actor=actor, at=at, request_id=None)
    return json.loads(line)


def a_log(bid: int = 200, ask: int = 100) -> tuple[DoubleAuction, list[Line]]:
    """Opened, sealed by the provider and the buyer, opened by the buyer and the provider, decided and ordered."""
    auction = opened()
    log = [told(DoubleAuctionOpened.of(auction), NOON)]
    for minutes, (side, minor) in enumerate(((Side.PROVIDER, ask), (Side.BUYER, bid)), 1):
        at = NOON + minutes * HOUR
        auction = sealed_by(auction, side, minor, at)
        log.append(told(PriceSealed.of(auction, side), at))
    for minutes, (side, minor) in enumerate(((Side.BUYER, bid), (Side.PROVIDER, ask)), 3):
        at = NOON + minutes * HOUR
        auction = rules.reveal(auction, side, Money(minor), NONCE, at)
        log.append(told(PriceRevealed.of(auction, side), at))
    at = NOON + 5 * HOUR
    auction = rules.decide(auction, None, at)
    log.append(told(DoubleAuctionDecided.of(auction), at))
    if auction.price:
        auction, line = ordered(auction, at)
        log.append(line)
    return auction, log


def ordered(auction: DoubleAuction, at: datetime) -> tuple[DoubleAuction, Line]:
    assert auction.price
    listing = a_listing(provider_id=PROVIDER, id=auction.listing_id)
    award = Award(
        auction.listing_id, PROVIDER, BUYER, auction.price, FromDoubleAuction(auction.id), FEES, at,
        scope=auction.terms.scope,
    )  # fmt: skip
    order = place(OrderId.new(), ContractId.new(), award, listing, auction.terms.windows)
    return replace(auction, order_id=order.id), told(OrderPlaced.of(order), at)


def replayed(log: list[Line], seen_until: datetime = LATER) -> ReplayedDouble:
    read = [Entry(index, read_event(canonical.encode(line))) for index, line in enumerate(log)]
    (found,) = {concerned_double(entry) for entry in read}
    assert found
    return replay_double(found, read, seen_until)


@pytest.mark.parametrize("bid, ask", [(200, 100), (200, 200), (100, 200)])
def test_what_was_decided_is_decided_again_from_the_lines_in_any_order(bid: int, ask: int):
    auction, log = a_log(bid, ask)
    for lines in (log, log[::-1]):
        found = replayed(lines)
        assert (found.differences, found.verdict, found.auction) == ((), Verdict.SAME, auction)


def change(index: int, *path: str | int, to: object) -> Callable[[list[Line]], None]:
    def altered(log: list[Line]) -> None:
        place: Any = log[index]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return altered


def leave_out(index: int) -> Callable[[list[Line]], None]:
    def altered(log: list[Line]) -> None:
        del log[index]

    return altered


OTHER = "participant_" + "f" * 32
YUAN = {"minor": 149, "currency": "CNY"}


@pytest.mark.parametrize("alter, kind, act, field", [
    (change(5, "data", "amount", "minor", to=149), Kind.DIFFERS, "double_auction_decided", "amount.minor"),
    (change(5, "amt", to=YUAN), Kind.DIFFERS, "double_auction_decided", "envelope.amt.minor"),
    (change(5, "data", "outcome_state", to="untraded"), Kind.DIFFERS, "double_auction_decided", "outcome_state"),
    (change(5, "data", "openings", 0, "amount", "minor", to=201), Kind.REFUSED, "price_revealed", "act"),
    (change(5, "data", "openings", to=[]), Kind.MISSING, "double_auction_decided", "openings.buyer"),
    (change(5, "ts", to=1), Kind.DIFFERS, "order_placed", "ts"),
    (change(0, "data", "terms", "bid_weight_percent", to=51), Kind.DIFFERS, "double_auction_decided", "amount.minor"),
    (change(0, "data", "terms", to={}), Kind.UNREADABLE, "double_auction_opened", "data"),
    (change(1, "pd", "price", to="00" * 32), Kind.REFUSED, "price_revealed", "act"),
    (change(1, "data", "participant_id", to=OTHER), Kind.DIFFERS, "price_sealed", "participant_id"),
    (change(2, "data", "side", to="provider"), Kind.REFUSED, "price_sealed", "act"),
    (change(2, "data", "revision", to=2), Kind.DIFFERS, "price_sealed", "revision"),
    (change(2, "v", to=2), Kind.UNKNOWN, "price_sealed", "v"),
    (change(3, "act", to="trading.price_shown"), Kind.UNKNOWN, "price_shown", "act"),
    (change(3, "data", "revealed_at", to=1), Kind.DIFFERS, "price_revealed", "revealed_at"),
    (change(6, "data", "amount", "minor", to=149), Kind.DIFFERS, "order_placed", "amount.minor"),
    (change(6, "data", "buyer_id", to=OTHER), Kind.DIFFERS, "order_placed", "buyer_id"),
    (change(6, "data", "scope", "quota_uses", to=9), Kind.DIFFERS, "order_placed", "scope.quota_uses"),
    (leave_out(6), Kind.MISSING, "order_placed", "double_auction_id"),
    (leave_out(5), Kind.MISSING, "double_auction_decided", "revision"),
    (leave_out(3), Kind.MISSING, "any", "revision"),
    (leave_out(0), Kind.MISSING, "any", "revision"),
], ids=range(22))  # fmt: skip
def test_whatever_is_altered_or_left_out_is_found(
    alter: Callable[[list[Line]], None], kind: Kind, act: str, field: str
):
    _, log = a_log()
    alter(log)
    found = replayed(log)
    assert (kind, act, field) in [(each.kind, each.act, each.field) for each in found.differences]
    assert found.verdict is not Verdict.SAME and not found.is_running


def test_an_order_that_nothing_led_to_and_a_second_one_are_found():
    _, traded = a_log()
    order = traded[-1]
    assert [each.recomputed for each in replayed([*traded, order]).differences] == ["one order"]
    auction, untraded = a_log(100, 200)
    order["data"]["double_auction_id"] = str(auction.id)
    assert [each.recomputed for each in replayed([*untraded, order]).differences] == ["no order"]


def test_one_that_is_still_running_is_taken_as_far_as_it_is_told():
    _, log = a_log()
    for length, until in ((1, NOON + 2 * HOUR), (3, NOON + 4 * HOUR), (5, NOON + 5 * HOUR)):
        found = replayed(log[:length], until)
        assert (found.is_running, found.verdict, found.differences) == (True, Verdict.INCOMPLETE, ())
    assert replayed(log[:5], NOON + 5 * HOUR).trusted == (
        "price_revealed: that it is what was sealed, until it is told",
    )
    auction = opened()
    log = [told(DoubleAuctionOpened.of(auction), NOON)]
    assert replayed(log, auction.terms.seal_by - MICROSECOND).is_running
    assert replayed(log, auction.terms.seal_by).differences[0].act == "double_auction_decided"


def test_a_denial_is_taken_on_trust_and_said_and_a_no_is_replayed():
    auction = sealed_by(sealed_by(opened(), Side.BUYER, 200, NOON), Side.PROVIDER, 100, NOON)
    log = [told(DoubleAuctionOpened.of(opened(auction.id)), NOON)]
    step = opened(auction.id)
    for side, minor in ((Side.BUYER, 200), (Side.PROVIDER, 100)):
        step = sealed_by(step, side, minor, NOON)
        log.append(told(PriceSealed.of(step, side), NOON))
    for side, minor in ((Side.BUYER, 200), (Side.PROVIDER, 100)):
        step = rules.reveal(step, side, Money(minor), NONCE, NOON)
        log.append(told(PriceRevealed.of(step, side), NOON))
    log.append(told(DoubleAuctionDecided.of(rules.decide(step, "clearance_too_low", NOON)), NOON))
    found = replayed(log)
    assert (found.verdict, found.trusted) == (
        Verdict.SAME, ("double_auction_decided: the buyer is denied, clearance_too_low",),
    )  # fmt: skip
    no = rules.decline(opened(), Side.PROVIDER, NOON)
    log = [told(DoubleAuctionOpened.of(opened(no.id)), NOON), told(DoubleAuctionDeclined.of(no, Side.PROVIDER), NOON)]
    assert (replayed(log).verdict, replayed(log).auction) == (Verdict.SAME, no)


@settings(deadline=None, max_examples=60)
@given(
    bid=st.integers(1, 300), ask=st.integers(1, 300), weight=st.integers(0, 100), hours=st.integers(0, 12),
    sealing=st.permutations(list(Side)), sealed=st.integers(0, 2), revealing=st.permutations(list(Side)),
    opens=st.integers(0, 2), denied=st.sampled_from([None, "frozen"]), declines=st.booleans(),
)  # fmt: skip
def test_any_run_is_made_again_as_it_was(
    bid: int, ask: int, weight: int, hours: int, sealing: list[Side], sealed: int, revealing: list[Side], opens: int,
    denied: str | None, declines: bool,
):  # fmt: skip
    prices, at = {Side.BUYER: bid, Side.PROVIDER: ask}, NOON
    auction = opened(terms=terms(weight=weight))
    log = [told(DoubleAuctionOpened.of(auction), at)]
    for side in sealing[:sealed]:
        at += hours * HOUR / 4
        auction = sealed_by(auction, side, prices[side], at)
        log.append(told(PriceSealed.of(auction, side), at))
    if sealed < 2 and declines:
        auction = rules.decline(auction, sealing[1], at)
        log.append(told(DoubleAuctionDeclined.of(auction, sealing[1]), at))
    for side in revealing[:opens] if sealed == 2 else ():
        at += hours * HOUR / 4
        auction = rules.reveal(auction, side, Money(prices[side]), NONCE, at)
        log.append(told(PriceRevealed.of(auction, side), at))
    if auction.deadline:
        at = max(at, auction.deadline)
        auction = rules.decide(auction, denied, at)
        log.append(told(DoubleAuctionDecided.of(auction), at))
    if auction.price:
        auction, line = ordered(auction, at)
        log.append(line)
    found = replayed(log)
    assert (found.differences, found.verdict, found.auction) == ((), Verdict.SAME, auction)
    assert bool(found.trusted) is (auction.reason_code == "frozen")


def test_a_fact_of_something_else_concerns_no_double_auction():
    _, log = a_log()
    for value in ("auction_" + "1" * 32, "double_auction_1", 7):
        log[0]["data"]["double_auction_id"] = value
        assert concerned_double(Entry(0, read_event(canonical.encode(log[0])))) is None
    log[1]["act"] = "catalog.price_sealed"
    assert concerned_double(Entry(0, read_event(canonical.encode(log[1])))) is None


def test_the_command_replays_a_file_and_says_what_differs(tmp_path: Path):
    auction, log = a_log()
    path = tmp_path / "log.jsonl"

    def run(*arguments: str) -> tuple[int, str]:
        path.write_bytes(b"\n".join(canonical.encode(line) for line in log) + b"\n")
        ran = CliRunner().invoke(commands, ["replay", str(path), *arguments])
        return ran.exit_code, ran.output

    code, said = run("--auction", str(auction.id))
    assert code == 0 and f"{auction.id}: 一致 / the same" in said
    assert f"winner {BUYER}" in said and "price 150 CNY" in said and "k_double" in said
    log[5]["data"]["amount"]["minor"] = log[5]["amt"]["minor"] = 149
    code, said = run()
    assert code == 1 and "double_auction_decided · amount.minor" in said


async def test_what_is_kept_is_what_its_log_says(market: Market):
    listing = await listed(market)
    made = [await played(market, await market.buyer(), listing, *pair) for pair in ((200, 100), (100, 200))]
    closed = await both_sealed(market, buyer := await market.buyer(), listing, 200, 100)
    await revealed(market, buyer, closed, 200)
    await market.advance(days=1)
    log = await entries(market)
    for each in (*made, closed):
        wanted = DoubleAuctionId(each["id"])
        own = [entry for entry in log if concerned_double(entry) == wanted]
        found = replay_double(wanted, own, max(entry.at for entry in log))
        async with market.trading.database.read() as tx:
            kept = await store.double_auction(tx, wanted, None)
        assert (found.differences, found.verdict, found.auction) == ((), Verdict.SAME, kept)
        shown = await market.read(market.bench.staff("regulator"), f"/double-auctions/{wanted}")
        assert DoubleAuctionView.of(kept, None).model_dump(mode="json") == shown, "which the command compares"


def test_the_commitment_is_a_plain_hash_that_anyone_can_make():
    who, auction = opened().buyer_id, opened().id
    text = (
        f'{{"amount":{{"currency":"CNY","minor":8000}},"double_auction":"{auction}","nonce":"{NONCE}",'
        f'"participant":"{who}"}}'
    )
    assert commitment_of(auction, who, Money(8_000), NONCE) == hashlib.sha256(text.encode()).hexdigest()
