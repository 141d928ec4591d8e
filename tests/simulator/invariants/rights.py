"""I-20, I-21, I-23, I-31: nobody is granted what another alone has; a right is there because it was bought; once."""

from collections.abc import Iterator
from itertools import combinations

from tests.simulator.eyes import Eyes

CLAIMS = (
    "SELECT claims.listing_id, claims.asset_id, field, territory, exclusive, starts_at, ends_at FROM claims"
    " JOIN listings ON listings.id = listing_id ORDER BY claims.asset_id, listing_id"
)
BOUGHT = (
    "SELECT orders.id, orders.state, orders.entitlement_id, orders.buyer_id, orders.version_id, e.order_id AS of_order,"
    " e.buyer_id AS granted_to, e.version_id AS granted_version FROM orders"
    " LEFT JOIN entitlements e ON e.id = orders.entitlement_id"
)
NOT_YET = {"awaiting_signatures", "awaiting_payment", "lapsed", "defaulted"}
FOR_EVER = "9999"


def no_exclusive_right_meets_another(eyes: Eyes) -> Iterator[str]:
    """I-20."""
    for one, other in combinations(eyes.trading(CLAIMS), 2):
        same = all(one[name] == other[name] for name in ("asset_id", "field", "territory"))
        apart = (one["ends_at"] or FOR_EVER) <= other["starts_at"] or (other["ends_at"] or FOR_EVER) <= one["starts_at"]
        if same and not apart and (one["exclusive"] or other["exclusive"]):
            yield f"{one['listing_id']} and {other['listing_id']} claim the same"


def no_exclusive_listing_is_sold_twice(eyes: Eyes) -> Iterator[str]:
    """I-20."""
    query = (
        "SELECT listing_id, count(*) AS orders FROM orders JOIN entitlements e ON e.order_id = orders.id"
        " WHERE orders.exclusive AND e.state <> 'ended' GROUP BY listing_id HAVING count(*) > 1"
    )
    yield from (f"{row['listing_id']} is granted to {row['orders']} at once" for row in eyes.trading(query))


def a_right_is_there_because_it_was_bought(eyes: Eyes) -> Iterator[str]:
    """I-21. It names the very order, buyer and version."""
    for row in eyes.trading(BOUGHT):
        if (row["entitlement_id"] is None) is not (row["state"] in NOT_YET):
            yield f"{row['id']} is {row['state']} and has {row['entitlement_id']}"
        granted = (row["of_order"], row["granted_to"], row["granted_version"])
        if row["entitlement_id"] and granted != (row["id"], row["buyer_id"], row["version_id"]):
            yield f"{row['entitlement_id']} is not of {row['id']}: {granted}"


def no_right_is_used_more_than_was_granted(eyes: Eyes) -> Iterator[str]:
    """I-23, I-31: a use that was asked for twice is charged once."""
    query = (
        "SELECT id, uses_spent, quota_uses, (SELECT count(*) FROM uses WHERE entitlement_id = entitlements.id) AS used"
        " FROM entitlements"
    )
    for row in eyes.trading(query):
        if row["uses_spent"] != row["used"] or row["used"] > row["quota_uses"]:
            yield f"{row['id']} was used {row['used']} times, is charged {row['uses_spent']} of {row['quota_uses']}"
    asked = eyes.memory.get("uses asked for")
    if asked is not None and (used := eyes.trading("SELECT count(*) AS uses FROM uses")[0]["uses"]) > asked:
        yield f"{asked} uses were asked for, and {used} charged"


def an_order_is_there_for_every_quote_that_was_taken_once(eyes: Eyes) -> Iterator[str]:
    """I-31."""
    kept = {row["id"] for row in eyes.trading("SELECT id FROM orders")}
    for each in eyes.acknowledged:
        if each.path == "/trading/v1/orders" and each.answer["id"] not in kept:
            yield f"{each.answer['id']} was acknowledged, and is gone"
