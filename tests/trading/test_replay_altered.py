"""One field of one line is another: the replay finds it, or it is in the table of those that decide nothing, with why.

Every member of every line of a play of each kind is changed in turn, in the body and in the envelope around it.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any

import pytest

from services.trading.rules.mechanism import Mechanism
from services.trading.rules.replay import Verdict, concerned, replay
from services.trading.rules.replay_entry import Entry
from shared.facts import read_event
from tests.trading.altered import alterations
from tests.trading.generated import DENIED, Played, a_dutch, a_sealed, an_english

Change = tuple[str, str, str]  # the fact, the place in its line, and how it was changed
Find = Callable[[str], Played]
LINES_MAX = 3  # of one kind of fact in one play

WHO_TOLD = "who recorded it, under which id: no part of what happened"
NEVER = {  # by fact (any: *) and place
    ("*", "id"): WHO_TOLD,
    ("*", "actor.id"): WHO_TOLD,
    (
        "bidder_registered",
        "data.clearance",
    ): "the grade decides with it, whose facts are the catalogue's and identity's",
    ("*", "data.rules_name"): "a name for the numbers that are told beside it, and it is they that count",
    ("award_confirmed", "ts"): "it is confirmed at whatever moment the order says that it was paid",
    ("award_confirmed", "data.auction_id"): "the last of an auction's facts: without it, it is as it was before",
    ("award_failed", "data.auction_id"): "the last of an auction's facts: without it, it is as it was before",
    ("auction_cancelled", "ts"): "it ends at whatever moment",
    ("order_placed", "v"): "an order's own, as all that follows: its contract repeats it, and is judged with it",
    ("order_placed", "out"): "an order's own",
    ("order_placed", "obj"): "an order's own",
    ("order_placed", "ctr"): "an order's own",
    ("order_placed", "data.order_id"): "an order's own",
    ("order_placed", "data.contract_id"): "an order's own",
    ("order_placed", "data.version_id"): "an order's own",
    ("order_placed", "data.mode"): "an order's own",
    ("order_placed", "data.exclusive"): "an order's own",
    ("order_placed", "data.deadline"): "an order's own",
    ("order_placed", "data.acceptance"): "an order's own",
    ("order_placed", "data.ownership"): "an order's own",
    ("order_placed", "data.tax"): "an order's own",
    ("order_placed", "data.renews"): "an order's own",
    ("order_placed", "data.one_more"): "an order's own",
}
OPENED = ("auction_opened", "dutch_auction_opened", "sealed_auction_opened")
TERMS = (
    "barred_ids", "buy_now_price", "closes_at", "extension_seconds", "extensions_max", "fees", "hard_closes_at",
    "increments", "keeps_second", "opens_at", "price_cap", "priority_ids", "schedule", "second_answer_seconds",
    "soft_close_seconds", "start_price", "windows",
)  # fmt: skip
IN_PLAY = {  # found as soon as something depends on it (for the terms: test_replay_rules)
    **{(act, f"data.{name}"): "no bid, end or order came near enough to it" for act in OPENED for name in TERMS},
    **{(act, "ts"): "any moment before the bidding will do" for act in OPENED},
    ("auction_opened", "pd"): "what was called off stays sealed",
    (
        "auction_closed",
        "ts",
    ): "of an unsold auction, any moment after its end will do; of a sold one, the order repeats it",
    ("dutch_auction_ended", "ts"): "any moment after its end will do",
    ("award_failed", "ts"): "of silence, any moment after the deadline will do",
    ("bid_placed", "ts"): "the moment is told in the body; an earlier one is not taken, for time never runs back",
    ("bidder_registered", "ts"): "any moment before the bidder's first bid will do",
    ("bidder_registered", "act"): "nobody speaks of who registered last and never bid",
    ("bidder_registered", "data.auction_id"): "nobody speaks of who registered last and never bid",
    ("dutch_price_accepted", "data.maximum.minor"): "any maximum that the price does not exceed",
    ("bid_placed", "pd"): "what was called off stays sealed",
    ("bid_placed", "pd.maximum"): "what was called off stays sealed",
    ("bid_placed", "data.price.minor"): "what was called off stays sealed, so its price is taken as told",
    ("bid_placed", "data.price.currency"): "what was called off stays sealed, so its price is taken as told",
    ("bid_placed", "data.leading"): "what was called off stays sealed, so who led is taken as told",
    ("bid_placed", "data.closes_at"): "of what was called off, the end is taken as told",
    ("sealed_bid_placed", "pd.bid"): "nobody but its bidder can know what a bid hides that was never revealed",
    (
        "sealed_bid_placed",
        "ts",
    ): "as of a bid",
    ("sealed_bid_revealed", "ts"): "as of a bid",
    ("sealed_auction_closed", "data.verdicts.*.reason_code"): "that a loser was denied is taken on trust, and said so",
}


def plays() -> dict[str, Played]:
    """One of each kind in which as much as possible has happened."""
    return {
        "english": _first(
            lambda seed: an_english(seed, "closed", bids_max=12, shuffled=False),
            lambda play: play.auction.state == "sold" and play.auction.extensions > 0 and play.auction.bid_count > 3
            and play.auction.terms.reserve_price and play.auction.terms.increments[-1].from_minor > 0,
        ),
        "english, unsold": _first(
            lambda seed: an_english(seed, "closed", shuffled=False), lambda play: play.auction.reason_code == "no_bids"
        ),
        "english, denied": _first(
            lambda seed: an_english(seed, "denied", shuffled=False), lambda play: play.auction.reason_code == DENIED
        ),
        "english, forbidden": _first(
            lambda seed: an_english(seed, "forbidden", shuffled=False), lambda play: play.auction.bid_count > 1
        ),
        "english, bought at once": _first(
            lambda seed: an_english(seed, "followed", bids_max=1, shuffled=False),
            lambda play: play.auction.reason_code == "bought_now" and play.auction.terms.reserve_price,
        ),
        **{f"english, {reason}": _first(
            lambda seed: an_english(seed, "followed", shuffled=False),
            lambda play, reason=reason: play.auction.reason_code == reason and play.auction.revision > 3,
        ) for reason in ("second_accepted", "second_declined", "second_silent", "winner_defaulted")},
        "english, paid": _first(
            lambda seed: an_english(seed, "followed", shuffled=False),
            lambda play: any(b'"trading.award_confirmed"' in line for line in play.lines),
        ),
        "dutch": _first(
            lambda seed: a_dutch(seed, "closed", shuffled=False),
            lambda play: play.auction.state == "sold"
            and 3_000 < play.auction.price.minor < play.auction.terms.start_price.minor,
        ),
        "dutch at the floor": _first(
            lambda seed: a_dutch(seed, "closed", shuffled=False),
            lambda play: play.auction.state == "sold" and play.auction.price.minor == 3_000,
        ),
        "dutch, unsold": _first(
            lambda seed: a_dutch(seed, "closed", shuffled=False), lambda play: play.auction.state == "unsold"
        ),
        **{mechanism: _sealed(mechanism) for mechanism in ("sealed_first", "uniform", "rsop")},
        "sealed_second, taken by the second": _first(
            lambda seed: a_sealed(seed, "followed", Mechanism.SEALED_SECOND, shuffled=False),
            lambda play: play.auction.reason_code == "second_accepted" and play.auction.terms.reserve_price
            and 3 < play.auction.bid_count > play.auction.reveal_count,
        ),
    }  # fmt: skip


def _sealed(mechanism: str) -> Played:
    return _first(
        lambda seed: a_sealed(seed, "closed", Mechanism(mechanism), shuffled=False),
        lambda play: play.auction.state == "sold" and 3 < play.auction.bid_count > play.auction.reveal_count
        and play.auction.terms.reserve_price,
    )  # fmt: skip


def _first(play: Find, wanted: Callable[[Any], object]) -> Played:
    return next(found for number in range(9_999) if wanted(found := play(f"altered {number}")))


def _changes(play: Played) -> Iterator[tuple[Change, int, bytes]]:
    """Each change, in which line, and that line then."""
    seen = Counter[str]()
    for index, line in enumerate(play.lines):
        act = json.loads(line)["act"].removeprefix("trading.")
        seen[act] += 1
        if seen[act] <= LINES_MAX:
            for path, how, other in alterations(line):
                yield (act, ".".join("*" if isinstance(step, int) else step for step in path), how), index, other


def _is_found(play: Played, index: int, line: bytes) -> bool:
    try:
        changed = Entry(index, read_event(line))
    except ValueError:
        return True  # no event at all: whoever reads the log says so
    entries = [changed if entry.index == index else entry for entry in play.entries()]
    mine = [entry for entry in entries if concerned(entry) == play.auction.id]
    return replay(play.auction.id, mine, play.seen_until).verdict is not Verdict.SAME


@cache
def _tried() -> tuple[set[Change], set[Change]]:
    """The changes that were found somewhere, and those that were missed somewhere."""
    found, missed = set[Change](), set[Change]()
    for play in plays().values():
        for change, index, line in _changes(play):
            (found if _is_found(play, index, line) else missed).add(change)
    return found, missed


def _stands_in(table: Collection[tuple[str, str]], change: Change) -> bool:
    """A place stands for all that is within it."""
    act, place, _ = change
    return any(fact in {act, "*"} and (place == named or place.startswith(f"{named}.")) for fact, named in table)


@pytest.mark.timeout(600)
def test_every_field_that_decides_anything_is_found_when_it_is_another():
    _, missed = _tried()
    assert [change for change in sorted(missed) if not _stands_in({**NEVER, **IN_PLAY}, change)] == []


@pytest.mark.timeout(600)
def test_the_table_of_what_decides_nothing_lists_nothing_that_is_found():
    """That it is gone altogether is found: then it is no fact of its kind."""
    found, _ = _tried()
    assert [change for change in sorted(found) if change[2] != "gone" and _stands_in(NEVER, change)] == []
