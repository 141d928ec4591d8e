"""I-10, I-11, I-13, I-15: a bid that was taken stays in its place; the end moves as announced; the log decides."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from services.trading.rules.replay import Verdict, replay
from shared.facts import microseconds
from tests.simulator.eyes import Eyes, Row, moment_of, moment_told

BIDS = (
    "SELECT auction_id, sequence, id, participant_id, maximum_minor, placed_at, closes_at FROM bids"
    " ORDER BY auction_id, sequence"
)
AUCTIONS = (
    "SELECT id, mechanism, state, closes_at, bid_count, extensions, json_extract(terms, '$') AS terms FROM auctions"
)


def every_bid_is_told_as_it_was_taken(eyes: Eyes) -> Iterator[str]:
    """I-10."""
    told = {fact.event.data["bid_id"]: fact.event for fact in eyes.told("bid_placed")}
    kept = {row["id"]: row for row in eyes.trading(BIDS)}
    for row in kept.values():
        fact = told.get(row["id"])
        if fact is None:
            yield f"nobody was told of {row['id']}"
        elif (fact.data["sequence"], fact.data["participant_id"]) != (row["sequence"], row["participant_id"]):
            yield f"{row['id']} is kept as {tuple(row)} and told as {fact.data}"
        elif moment_told(fact) != moment_of(row["placed_at"]):
            yield f"{row['id']} was placed at {row['placed_at']}, by what was told at {moment_told(fact)}"
    for each in eyes.acknowledged:
        if each.path.endswith("/bids") and each.answer["id"] not in kept:
            yield f"{each.answer['id']} was acknowledged, and is gone"


def bids_are_numbered_without_a_gap_in_the_order_of_the_log(eyes: Eyes) -> Iterator[str]:
    """I-11."""
    counts = {row["id"]: row["bid_count"] for row in eyes.trading(AUCTIONS) if row["mechanism"] == "english"}
    kept, told = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for row in eyes.trading(BIDS):
        kept[row["auction_id"]].append(row["sequence"])
    for fact in eyes.told("bid_placed"):
        told[fact.event.data["auction_id"]].append(fact.event.data["sequence"])
    for auction_id, count in counts.items():
        wanted = list(range(1, count + 1))
        if kept[auction_id] != wanted or told[auction_id] != wanted:
            yield f"{auction_id} counts {count} bids, keeps {kept[auction_id]}, told of {told[auction_id]}"


def the_end_moves_only_as_was_announced(eyes: Eyes) -> Iterator[str]:
    """I-15. By a bid within the window, to so long after it, not beyond the hard end, never back."""
    bids = defaultdict[str, list[Row]](list)
    for row in eyes.trading(BIDS):
        bids[row["auction_id"]].append(row)
    opened = {fact.event.data["auction_id"]: fact.event.data for fact in eyes.told("auction_opened")}
    for auction_id, placed in bids.items():
        terms = opened[auction_id]
        end, extended = terms["closes_at"], 0
        for row in placed:
            at, after = (microseconds(moment_of(row[name])) for name in ("placed_at", "closes_at"))
            if after < end or after > terms["hard_closes_at"]:
                yield f"bid {row['sequence']} moved the end of {auction_id} to {row['closes_at']}"
            if at >= end:
                yield f"bid {row['sequence']} of {auction_id} came after its end"
            if after != end:
                extended += 1
                if at < end - terms["soft_close_seconds"] * 1_000_000:
                    yield f"bid {row['sequence']} of {auction_id} moved the end before the last minutes"
            end = after
        if terms["extensions_max"] and extended > terms["extensions_max"]:
            yield f"{auction_id} was extended {extended} times"


def an_auction_that_is_over_came_out_as_its_facts_make_it(eyes: Eyes) -> Iterator[str]:
    """I-13, I-14, I-18."""
    proved: set[str] = eyes.memory.setdefault("replayed", set[str]())
    for row in eyes.trading("SELECT id, state FROM auctions WHERE state IN ('sold', 'unsold', 'cancelled')"):
        if row["id"] in proved:
            continue
        proved.add(row["id"])
        entries = eyes.by_auction[row["id"]]
        until = max(each.at for each in entries) + timedelta(days=400)
        made = replay(row["id"], entries, until)
        if made.verdict is not Verdict.SAME:
            yield f"{row['id']} replays as {made.verdict.name}: {made.differences}"
        elif made.auction is not None and made.auction.state != row["state"]:
            yield f"{row['id']} is {row['state']}, its facts make it {made.auction.state}"
