"""What must be seen now and then: a run in which nothing ever went wrong in some way says nothing about that way."""

from collections.abc import Iterable, Iterator

from tests.simulator.eyes import Eyes

# In any dozen of seeds.
SURE = frozenset({"retry succeeded", "answered again", "late again: 2xx", "came back"})
# In a thousand.
OWED = SURE | {
    "in-doubt commit resolved", "unfinished key was free", "still_running", "late again: 4xx", "given up",
    "died after a commit", "died after a statement", "an auction could not be closed", "the end was moved",
    "unsold: reserve_not_met", "told: deposit_released", "told: deposit_forfeited", "told: order_settled",
    "told: order_lapsed", "told: dispute_opened", "told: entitlement_suspended", "told: listing_suspended",
    "told: instruction_parked", "told: instruction_refused",
}  # fmt: skip
BATCH = 1000


def happened(eyes: Eyes) -> Iterator[str]:
    """By trading's own word."""
    yield from {f"told: {fact.act}": None for fact in eyes.facts["trading"]}
    ends = dict[str, int]()
    for fact in eyes.facts["trading"]:
        data = fact.event.data
        if fact.act == "bid_placed":
            if data["closes_at"] > ends.get(data["auction_id"], data["closes_at"]):
                yield "the end was moved"
            ends[data["auction_id"]] = data["closes_at"]
        if fact.act == "auction_opened":
            ends[data["auction_id"]] = data["closes_at"]
        if "reason_code" in data and "auction" in fact.act:
            yield f"unsold: {data['reason_code']}"


def never_seen(seeds: int, seen: Iterable[str]) -> list[str]:
    """What so many seeds should have shown, and have not."""
    owed = OWED if seeds >= BATCH else SURE if seeds >= 12 else frozenset[str]()
    return sorted(owed - set(seen))
