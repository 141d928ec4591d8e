"""I-33, seen while it happens: whoever follows takes in each fact once, by what they have committed before.

What is mirrored in memory is kept every few facts, so that many a start goes on from there.
"""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from shared import changes
from shared.changes import Change, Follower
from shared.database import Database, Transaction
from tests.simulator.eyes import Eyes

Apply = Callable[[Transaction, Change], Awaitable[None]]
POSITION = "SELECT seq FROM inbox WHERE source = ? AND stripe = ?"
KEPT_EVERY = 7
made_before = Follower.__init__


@contextmanager
def followers_watched(eyes: Eyes, wrong: list[str]) -> Generator[None]:
    """Says in `wrong` what was taken in again. A writer has the file alone, so what is committed came before it."""

    def __init__(self: Follower, database: Database, clock: Any, source: str, feed: Any, apply: Apply) -> None:
        async def watched(tx: Transaction, change: Change) -> None:
            for row in eyes.rows(database.schema, POSITION, source, change.stripe):
                if row["seq"] >= change.seq:
                    wrong.append(f"I-33 {database.schema} takes in fact {change.seq} of {source} again")
            await apply(tx, change)

        made_before(self, database, clock, source, feed, watched)

    with patch.object(Follower, "__init__", __init__), patch.object(changes, "KEPT_EVERY", KEPT_EVERY):
        yield
