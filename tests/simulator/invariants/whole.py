"""What must hold whatever happens: each invariant a function that says what is wrong with what it sees."""

from collections.abc import Callable, Iterable, Mapping

from tests.simulator.eyes import Eyes
from tests.simulator.invariants import auctions, facts, lifecycles, money, rights

Invariant = Callable[[Eyes], Iterable[str]]
# Whose tables an invariant reads, and its names. It is asked again whenever one of those has changed.
INVARIANTS: Mapping[Invariant, tuple[frozenset[str], str]] = {
    money.every_balance_is_the_fold_of_its_transfers: (frozenset({"trading"}), "I-01"),
    money.nobody_promises_more_than_they_have: (frozenset({"trading"}), "I-02"),
    money.every_hold_ends_once_and_as_a_whole: (frozenset({"trading"}), "I-04"),
    money.every_order_is_settled_once_to_the_fen: (frozenset({"trading"}), "I-05"),
    money.no_money_moves_without_a_fact: (frozenset({"trading"}), "I-06"),
    money.what_was_paid_in_once_came_once: (frozenset({"trading"}), "I-31"),
    auctions.every_bid_is_told_as_it_was_taken: (frozenset({"trading"}), "I-10"),
    auctions.bids_are_numbered_without_a_gap_in_the_order_of_the_log: (frozenset({"trading"}), "I-11"),
    auctions.the_end_moves_only_as_was_announced: (frozenset({"trading"}), "I-15"),
    auctions.an_auction_that_is_over_came_out_as_its_facts_make_it: (frozenset({"trading"}), "I-13"),
    lifecycles.things_move_only_as_their_tables_say: (frozenset({"trading"}), "I-19"),
    rights.no_exclusive_right_meets_another: (frozenset({"trading"}), "I-20"),
    rights.no_exclusive_listing_is_sold_twice: (frozenset({"trading"}), "I-20"),
    rights.a_right_is_there_because_it_was_bought: (frozenset({"trading"}), "I-21"),
    rights.no_right_is_used_more_than_was_granted: (frozenset({"trading"}), "I-23"),
    rights.an_order_is_there_for_every_quote_that_was_taken_once: (frozenset({"trading"}), "I-31"),
    facts.every_stripe_is_a_chain_without_a_gap: (frozenset(), "I-40"),
    facts.what_was_answered_is_kept_with_its_effect: (frozenset(), "I-30"),
    facts.who_follows_goes_on_from_where_they_are: (frozenset(), "I-33"),
    facts.the_log_holds_what_it_acknowledged: (frozenset(), "I-41"),
}


def broken(eyes: Eyes) -> list[str]:
    """What does not hold, after a fresh look."""
    changed = eyes.look()
    asked = [(each, name) for each, (reads, name) in INVARIANTS.items() if not reads or reads & changed]
    return [f"{name} {wrong}" for invariant, name in asked for wrong in invariant(eyes)] if changed else []
