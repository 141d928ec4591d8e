"""I-19: a thing moves only as its table says, every move counts one up, and what is over stays over."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from services.trading.rules.auction import AUCTION
from services.trading.rules.contract import CONTRACT
from services.trading.rules.dispute import DISPUTE
from services.trading.rules.entitlement import ENTITLEMENT
from services.trading.rules.hold import HOLD
from services.trading.rules.instruction import INSTRUCTION
from services.trading.rules.listing import LISTING
from services.trading.rules.order import ORDER
from shared.lifecycle import Lifecycle
from tests.simulator.eyes import Eyes

TABLES: dict[str, Lifecycle[Any]] = {
    "auctions": AUCTION, "contracts": CONTRACT, "disputes": DISPUTE, "entitlements": ENTITLEMENT, "holds": HOLD,
    "instructions": INSTRUCTION, "listings": LISTING, "orders": ORDER,
}  # fmt: skip


def things_move_only_as_their_tables_say(eyes: Eyes) -> Iterator[str]:
    known: dict[str, tuple[str, int]] = eyes.memory.setdefault("lifecycles", dict[str, tuple[str, int]]())
    for table, lifecycle in TABLES.items():
        revision = "0" if table == "holds" else "revision"
        for row in eyes.trading(f"SELECT id, state, {revision} AS revision FROM {table}"):  # noqa: S608
            before, counted = known.get(row["id"], (str(lifecycle.start), -1))
            known[row["id"]] = row["state"], row["revision"]
            if row["revision"] < counted:
                yield f"{row['id']} went back from revision {counted} to {row['revision']}"
            if row["state"] not in {before} | _reachable(table, before):
                yield f"{row['id']} went from {before} to {row['state']}"


@cache
def _reachable(table: str, state: str) -> frozenset[str]:
    """What may follow, sooner or later: between two looks a thing may have moved more than once."""
    moves, reached, frontier = TABLES[table].moves, set[str](), [state]
    while frontier:
        fresh = {str(each) for each in moves[type(TABLES[table].start)(frontier.pop())]} - reached
        reached |= fresh
        frontier += fresh
    return frozenset(reached)
