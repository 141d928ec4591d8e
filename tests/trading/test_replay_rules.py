"""An auction made again from its facts: the same if they are true, and wherever one is not, it says which and how."""

import json
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from services.trading.rules.auction import SOLD
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.replay import Replayed, Verdict, concerned, replay
from services.trading.rules.replay_entry import Entry, Kind
from services.trading.rules.sealed import SealedAuction
from shared.facts import moment, read_event
from shared.ids import AuctionId
from shared.money import Money
from tests.trading import handmade
from tests.trading.generated import (
    DENIED,
    Played,
    a_dutch,
    a_sealed,
    again,
    an_english,
    played,
    require_same,
)  # fmt: skip
from tests.trading.handmade import ANA, AUCTION, BEA, CLOSE, EVE, NOON, PROVIDER, SECOND, Line

Log = dict[str, Line]
LATER = moment(CLOSE + 86_400 * SECOND)
DIFFERS, REFUSED, UNREADABLE, MISSING, UNKNOWN = Kind
SAME, ALTERED, INCOMPLETE, UNDECIDED = Verdict
SEEDS = [f"few {number}" for number in range(300)]


def judged(log: Log, seen_until: datetime = LATER) -> Replayed:
    entries = [Entry(index, read_event(handmade.canonical(line))) for index, line in enumerate(log.values())]
    needed = [entry for entry in entries if concerned(entry) == AUCTION]
    return replay(AuctionId(AUCTION), needed, seen_until)


def told(found: Replayed) -> list[tuple[Kind, str, str]]:
    return [(each.kind, each.act, each.field) for each in found.differences]


def test_a_true_log_gives_the_auction_and_no_difference():
    found = judged(handmade.whole())
    assert (told(found), found.verdict, found.trusted) == ([], SAME, ())
    auction: Any = found.auction
    assert (auction.state, auction.winner_id, auction.price) == (SOLD, BEA, Money(150))
    assert (auction.extensions, auction.bid_count, auction.revision) == (2, 3, 5)
    assert (auction.closes_at, auction.terms.reserve_price) == (moment(CLOSE + 350 * SECOND), Money(130))
    assert found.leading_bidder_number == 2


def put(name: str, *path: str | int, to: Any) -> Callable[[Log], None]:
    def change(log: Log) -> None:
        place: Any = log[name]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def drop(*names: str) -> Callable[[Log], None]:
    def change(log: Log) -> None:
        for name in names:
            del log[name]

    return change


def add(name: str, line: Line) -> Callable[[Log], None]:
    return lambda log: log.update({name: line})


def all_of(*changes: Callable[[Log], None]) -> Callable[[Log], None]:
    def change(log: Log) -> None:
        for each in changes:
            each(log)

    return change


def unopened(log: Log) -> None:
    del log["closed"]["data"]["openings"][1]


def opened_twice(log: Log) -> None:
    log["closed"]["data"]["openings"].append({"sequence": 2, "maximum_minor": 150, "salt": "b2" * 32})


def opened_without_a_bid(log: Log) -> None:
    log["closed"]["data"]["openings"].append({"sequence": 4, "maximum_minor": 150, "salt": "b2" * 32})


LATE = CLOSE + 350 * SECOND
WON_BY_ANA = all_of(
    put("closed", "data", "winner_id", to=ANA), put("closed", "obj", 2, "id", to=ANA),
    add("ordered", handmade.ordered(ANA)),
)  # fmt: skip
FAULTS: list[tuple[str, Callable[[Log], object], Verdict, list[tuple[Kind, str, str]]]] = [
    ("a bid that nobody opened", unopened, INCOMPLETE, [(MISSING, "bids_opened", "openings.2")]),
    ("a bid opened twice", opened_twice, ALTERED, [(DIFFERS, "auction_closed", "openings")]),
    ("an opening of no bid", opened_without_a_bid, INCOMPLETE, [(MISSING, "bid_placed", "sequence")]),
    ("a bid that is gone", drop("bid 2"), INCOMPLETE, [(MISSING, "any", "revision")]),
    ("no opening", drop("opened"), INCOMPLETE, [(MISSING, "auction_opened", "auction_id")]),
    ("no close", drop("closed", "ordered"), INCOMPLETE, [(MISSING, "close", "revision")]),
    ("no order", drop("ordered"), INCOMPLETE, [(MISSING, "order_placed", "buyer_id")]),
    ("no registration", drop("bea"), INCOMPLETE, [(MISSING, "bidder_registered", "participant_id")]),
    ("a bid at the close", put("bid 3", "ts", to=CLOSE + 200 * SECOND), ALTERED, [(REFUSED, "bid_placed", "act")]),
    ("a bid before the auction was", put("bid 1", "ts", to=NOON - 1), ALTERED,
     [(DIFFERS, "bid_placed", "ts"), (DIFFERS, "bid_placed", "placed_at")]),
    ("an extension for an early bid", put("bid 1", "data", "closes_at", to=CLOSE + 1), ALTERED,
     [(DIFFERS, "bid_placed", "closes_at")]),
    ("a late bid's extension withheld", put("bid 3", "data", "closes_at", to=CLOSE + 200 * SECOND), ALTERED,
     [(DIFFERS, "bid_placed", "closes_at")]),
    ("a winner who is not the highest", WON_BY_ANA, ALTERED,
     [(DIFFERS, "auction_closed", "winner_id"), (DIFFERS, "auction_closed", "envelope.obj"),
      (DIFFERS, "order_placed", "buyer_id"), (MISSING, "order_placed", "buyer_id")]),
    ("another price", put("closed", "data", "amount", "minor", to=149), ALTERED,
     [(DIFFERS, "auction_closed", "amount.minor")]),
    ("a maximum that was not committed to", put("closed", "data", "openings", 0, "maximum_minor", to=121), ALTERED,
     [(DIFFERS, "bid_placed", "envelope.pd.maximum"), (DIFFERS, "bid_placed", "price.minor"),
      (REFUSED, "bid_placed", "act")]),
    ("a bid before the bidding", put("opened", "data", "opens_at", to=CLOSE - 1), ALTERED,
     [(REFUSED, "bid_placed", "act")]),
    ("a reserve that was not committed to", put("closed", "data", "reserve_price", "minor", to=129), ALTERED,
     [(DIFFERS, "auction_opened", "envelope.pd.reserve_price")]),
    ("a reserve hidden at the close", all_of(
        lambda log: log["closed"]["data"].pop("reserve_price"), lambda log: log["closed"]["data"].pop("reserve_salt"),
     ), ALTERED, [(DIFFERS, "auction_opened", "envelope.pd.reserve_price")]),
    ("a window that bid 2 just missed", put("opened", "data", "soft_close_seconds", to=99), ALTERED,
     [(DIFFERS, "bid_placed", "closes_at"), (REFUSED, "bid_placed", "act")]),
    ("a hard end that bid 2 passed", put("opened", "data", "hard_closes_at", to=CLOSE + 199 * SECOND), ALTERED,
     [(DIFFERS, "bid_placed", "closes_at")] * 2 + [(DIFFERS, "auction_closed", "closed_at")]),
    ("one extension too many", put("opened", "data", "extensions_max", to=1), ALTERED,
     [(DIFFERS, "bid_placed", "closes_at"), (DIFFERS, "auction_closed", "closed_at")]),
    ("a longer extension", put("opened", "data", "extension_seconds", to=301), ALTERED,
     [(DIFFERS, "bid_placed", "closes_at")] * 2 + [(DIFFERS, "auction_closed", "closed_at")]),
    ("a larger step", put("opened", "data", "increments", 0, "step_minor", to=11), ALTERED,
     [(DIFFERS, "bid_placed", "price.minor"), (REFUSED, "bid_placed", "act")]),
    ("a higher start", put("opened", "data", "start_price", "minor", to=101), ALTERED,
     [(DIFFERS, "bid_placed", "price.minor")]),
    ("a reserve in another currency", put("closed", "data", "reserve_price", "currency", to="USD"), ALTERED,
     [(UNREADABLE, "bid_placed", "data")]),
    ("a cap that bid 2 exceeds", put("opened", "data", "price_cap", to=handmade.yuan(149)), ALTERED,
     [(REFUSED, "bid_placed", "act")]),
    ("a priority that the price was not of", put("opened", "data", "priority_ids", to=[BEA]), ALTERED,
     [(DIFFERS, "bid_placed", "price.minor"), (DIFFERS, "auction_closed", "amount.minor"),
      (DIFFERS, "auction_closed", "envelope.amt.minor"), (DIFFERS, "order_placed", "amount.minor")]),
    ("a second whose deposit was not kept", put("opened", "data", "keeps_second", to=True), ALTERED,
     [(DIFFERS, "auction_closed", "outcome_state"), (DIFFERS, "auction_closed", "second_id"),
      (DIFFERS, "auction_closed", "envelope.obj")]),
    ("other fees than the order's", put("opened", "data", "fees", "tax_basis_points", to=601), ALTERED,
     [(DIFFERS, "order_placed", "fees.tax_basis_points")]),
    ("other windows than the order's", put("opened", "data", "windows", "payment_seconds", to=7), ALTERED,
     [(DIFFERS, "order_placed", "windows.payment_seconds")]),
    ("another deposit", put("opened", "data", "deposit", "minor", to=11), ALTERED,
     [(DIFFERS, "bidder_registered", "deposit.minor")] * 2),
    ("closed before its end", put("closed", "ts", to=LATE - 1), ALTERED, [(REFUSED, "auction_closed", "act")]),
    ("an order at another price", add("ordered", handmade.ordered(BEA, 149)), ALTERED,
     [(DIFFERS, "order_placed", "amount.minor")]),
    ("an order whose envelope says another price", put("ordered", "amt", "minor", to=149), ALTERED,
     [(DIFFERS, "order_placed", "envelope.amt.minor")]),
    ("an order of another day", put("ordered", "ts", to=LATE), ALTERED, [(DIFFERS, "order_placed", "ts")]),
    ("two orders", add("another", handmade.ordered()), ALTERED, [(DIFFERS, "order_placed", "buyer_id")]),
    ("opened twice", add("again", handmade.opened()), ALTERED, [(DIFFERS, "auction_opened", "act")]),
    ("told twice", add("again", handmade.whole()["bid 3"]), ALTERED, [(DIFFERS, "bid_placed", "revision")]),
    ("registered twice", add("again", handmade.registered(BEA, 3)), ALTERED,
     [(DIFFERS, "bidder_registered", "participant_id")]),
    ("registered after the bid", put("bea", "ts", to=CLOSE), ALTERED, [(DIFFERS, "bid_placed", "ts")]),
    ("registered out of turn", add("eve", handmade.registered(PROVIDER[:-1] + "4", 4)), ALTERED,
     [(DIFFERS, "bidder_registered", "bidder_number")]),
    ("registered though barred", add("eve", handmade.registered(EVE, 3)), ALTERED,
     [(DIFFERS, "bidder_registered", "participant_id")]),
    ("the provider as a bidder", add("eve", handmade.registered(PROVIDER, 3)), ALTERED,
     [(DIFFERS, "bidder_registered", "participant_id")]),
    ("registered though denied", put("bea", "data", "decision", "allowed", to=False), ALTERED,
     [(DIFFERS, "bidder_registered", "decision.allowed")]),
    ("opened before it was told", put("opened", "ts", to=NOON + 1), ALTERED, [(DIFFERS, "auction_opened", "ts")]),
    ("a body that is none", lambda log: log["bid 1"]["data"].pop("participant_id"), ALTERED,
     [(UNREADABLE, "bid_placed", "data")]),
    ("a revision that is no number", put("bid 1", "data", "revision", to="2"), ALTERED,
     [(DIFFERS, "bid_placed", "revision")]),
    ("steps that begin too high", put("opened", "data", "increments", 0, "from_minor", to=101), ALTERED,
     [(UNREADABLE, "bid_placed", "data")]),
    ("more than a fact of this kind has", put("bid 1", "data", "extra", to=1), ALTERED,
     [(DIFFERS, "bid_placed", "extra")]),
    ("a later version", put("bid 1", "v", to=2), UNDECIDED, [(UNKNOWN, "bid_placed", "v")]),
    ("an earlier version", put("opened", "v", to=1), UNDECIDED, [(UNKNOWN, "auction_opened", "v")]),
    ("a fact of a later program", add("new", handmade.line("seconded", LATE, {"auction_id": AUCTION, "revision": 6})),
     UNDECIDED, [(UNKNOWN, "seconded", "act")]),
    ("a fact of another mechanism", add("new", handmade.line("dutch_auction_ended", LATE, {
        "auction_id": AUCTION, "revision": 6,
     })), ALTERED, [(DIFFERS, "dutch_auction_ended", "act")]),
    ("called off after its close", add("off", handmade.line("auction_cancelled", LATE, {
        "auction_id": AUCTION, "listing_id": handmade.LISTING, "provider_id": handmade.PROVIDER,
        "reason_code": "by_provider", "bids": 3, "revision": 6,
     })), ALTERED, [(REFUSED, "auction_cancelled", "act")]),
]  # fmt: skip


@pytest.mark.parametrize(
    "change, verdict, differences", [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS]
)
def test_a_fault_is_named_by_entry_and_field(
    change: Callable[[Log], object], verdict: Verdict, differences: list[tuple[Kind, str, str]]
):
    log = handmade.whole()
    change(log)
    found = judged(log)
    assert told(found) == differences
    assert found.verdict is verdict


def test_a_difference_says_what_was_told_and_what_it_should_have_been():
    log = handmade.whole()
    log["closed"]["data"]["amount"]["minor"] = 149
    (found,) = judged(log).differences
    assert (found.index, found.act, found.field, found.told, found.recomputed) == (
        6, "auction_closed", "amount.minor", 149, 150,
    )  # fmt: skip


@pytest.mark.parametrize("seen_until, running", [(LATE - 1, True), (LATE, False)])
def test_what_is_not_to_be_decided_yet_is_running_and_what_should_be_is_missed(seen_until: int, running: bool):
    log = handmade.whole()
    drop("closed", "ordered")(log)
    found = judged(log, moment(seen_until))
    assert (found.is_running, found.verdict, bool(found.differences)) == (running, INCOMPLETE, not running)
    assert found.trusted == ("bid_placed: price, leading and closes_at, while maxima are sealed",)


def test_other_facts_about_the_auction_do_not_concern_its_replay():
    event = read_event(handmade.canonical(handmade.line("deposit_held", NOON, {"auction_id": AUCTION})))
    assert concerned(Entry(0, event)) is None
    event = read_event(handmade.canonical(handmade.line("order_placed", NOON, {"auction_id": "order_" + "1" * 32})))
    assert concerned(Entry(0, event)) is None


def play_of(seed: str, ending: str, mechanism: str) -> Played:
    match mechanism:
        case "english":
            return an_english(seed, ending)
        case "dutch":
            return a_dutch(seed, ending)
        case _:
            return a_sealed(seed, ending, Mechanism(mechanism))


@pytest.mark.parametrize("start", range(0, 300, 50))
def test_what_is_replayed_is_what_was_kept_and_who_must_have_won(start: int):
    for seed in SEEDS[start : start + 50]:
        require_same(played(seed))


MECHANISMS = ["english", "dutch", "sealed_first", "sealed_second", "uniform", "rsop"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("ending", ["closed", "followed", "denied", "forbidden", "cancelled", "running"])
def test_every_mechanism_is_replayed_to_every_end(mechanism: str, ending: str):
    for seed in SEEDS[:15]:
        require_same(play_of(seed, ending, mechanism))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_it_does_not_matter_in_which_order_the_lines_stand(mechanism: str):
    for seed in SEEDS[:10]:
        play = play_of(seed, "closed", mechanism)
        entries = play.entries()
        random.Random(seed).shuffle(entries)
        one = replay(play.auction.id, play.entries(), play.seen_until)
        assert replay(play.auction.id, entries, play.seen_until) == one


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_line_that_is_missing_is_missed_whichever_it_is(mechanism: str):
    """Of a bidder who registered last and never bid, nothing else speaks."""
    for seed in SEEDS[:10]:
        play = play_of(seed, "closed", mechanism)
        for entry in play.entries():
            rest = [each for each in play.entries() if each.index != entry.index]
            found = replay(play.auction.id, rest, play.seen_until)
            silent = entry.act == "bidder_registered" and _is_silent(play, entry)
            assert (found.verdict is SAME) == silent, (seed, entry.act)
            assert silent or {each.kind for each in found.differences} & {MISSING, REFUSED, DIFFERS}


def _is_silent(play: Played, entry: Entry) -> bool:
    numbers = [each.data["bidder_number"] for each in play.entries() if each.act == "bidder_registered"]
    bids = [each for each in play.entries() if each.act in {"bid_placed", "sealed_bid_placed", "dutch_price_accepted"}]
    has_bid = any(each.data["participant_id"] == entry.data["participant_id"] for each in bids)
    return not has_bid and entry.data["bidder_number"] == max(numbers)


def test_what_the_facts_of_the_auction_cannot_decide_is_said_to_be_taken_on_trust():
    endings = ("denied", "forbidden", "running", "followed")
    plays = [play_of(seed, ending, mechanism)
             for seed in SEEDS[:40] for ending in endings for mechanism in MECHANISMS]  # fmt: skip
    notes = {note for play in plays for note in again(play).trusted}
    assert {note.partition(" of bid ")[0] for note in notes} == {
        f"auction_closed: the leader is denied, {DENIED}", "sealed_auction_closed: the bidder",
        "auction_cancelled: version_withdrawn", "bid_placed: price, leading and closes_at, while maxima are sealed",
        "award_confirmed: that the winner has paid", "second_asked: that the winner has not paid",
        "award_failed: that the winner has not paid", "award_failed: that the order ended, not_signed_by_provider",
        "sealed_bid_revealed: that it is what was committed to, until it is told",
    }  # fmt: skip


@pytest.mark.parametrize("opened, closed, verdict", [(2, 2, SAME), (1, 1, SAME), (1, 2, SAME), (2, 1, ALTERED)])
def test_sealed_bids_that_were_told_before_there_were_seconds_are_replayed_still(
    opened: int, closed: int, verdict: Verdict
):
    play = next(play for seed in SEEDS if (play := a_sealed(seed, "closed", Mechanism.SEALED_FIRST, shuffled=False))
                and isinstance(sold := play.auction, SealedAuction) and sold.state is SOLD
                and not sold.terms.keeps_second)  # fmt: skip
    log = [json.loads(line) for line in play.lines]
    for line in log:
        line["v"] = {"trading.sealed_auction_opened": opened, "trading.sealed_auction_closed": closed}.get(
            line["act"], 1
        )
        if line["act"] == "trading.sealed_auction_opened" and opened == 1:
            del line["data"]["keeps_second"], line["data"]["second_answer_seconds"]
    entries = [Entry(index, read_event(handmade.canonical(line))) for index, line in enumerate(log)]
    assert replay(play.auction.id, entries, play.seen_until).verdict is verdict


def a_buy_now() -> list[Line]:
    """Taken by the only bidder at the price for that, in one commit with its close and its order."""
    play = next(play for seed in SEEDS if (play := an_english(seed, "followed", shuffled=False)).ending == "bought")
    return [json.loads(line) for line in play.lines]


@pytest.mark.parametrize("act, changes, differences", [
    (None, {}, []),
    ("auction_closed", None, [(MISSING, "auction_closed", "revision")]),
    ("auction_closed", {"id": "fact_" + "0" * 32}, [(DIFFERS, "auction_closed", "revision")]),
    ("auction_bought_now", {"id": "fact_" + "0" * 32}, [(DIFFERS, "auction_bought_now", "revision")]),
])  # fmt: skip
def test_what_was_bought_at_once_is_closed_once_in_the_same_commit(
    act: str | None, changes: Line | None, differences: list[tuple[Kind, str, str]]
):
    """`changes` None takes the line away, otherwise it is told a second time with them."""
    lines = a_buy_now()
    named = [line for line in lines if line["act"] == f"trading.{act}"]
    kept = [line for line in lines if line not in named] if changes is None else [
        *lines, *[line | changes for line in named]
    ]  # fmt: skip
    auction_id = AuctionId(lines[0]["data"]["auction_id"])
    entries = [Entry(index, read_event(handmade.canonical(line))) for index, line in enumerate(kept)]
    assert told(replay(auction_id, entries, LATER)) == differences


def long(mechanism: str) -> Played:
    """With more bids than one fact opens."""
    plays = (
        an_english(f"long {number}", "closed", bids_max=300, rising=True) if mechanism == "english" else
        a_sealed(f"long {number}", "closed", Mechanism(mechanism), bids_max=120) for number in range(50)
    )  # fmt: skip
    return next(play for play in plays if any(_goes_on(line) for line in play.lines))


def _goes_on(line: bytes) -> bool:
    return b'"trading.bids_opened"' in line or b'"trading.sealed_bids_judged"' in line


@pytest.mark.parametrize("mechanism, act", [("english", "bids_opened"), ("uniform", "sealed_bids_judged")])
def test_a_close_that_goes_on_in_further_facts_is_one_commit(mechanism: str, act: str):
    play = long(mechanism)
    require_same(play)
    for index, line in enumerate(play.lines):
        if _goes_on(line):
            whole: Line = json.loads(line)
            play.lines[index] = handmade.canonical(whole | {"ts": whole["ts"] + 1})
    found = again(play)
    assert {(each.kind, each.act, each.field) for each in found.differences} == {(DIFFERS, act, "ts")}
