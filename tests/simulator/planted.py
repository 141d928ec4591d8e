"""Bugs as somebody might write them (reliability.md, 13), to see whether the simulator finds them.

Each is a way to break the code while it runs, and what the simulator must say of it.
"""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from shared import rest
from shared.changes import Change, Follower
from shared.database import Transaction
from shared.errors import Unavailable
from shared.ids import LeaseId
from shared.relay import Receipt, Relay
from shared.rest import Peer

Patch = Any  # what `unittest.mock.patch` makes tells a type checker little
taken_before = Follower._advance  # pyright: ignore[reportPrivateUsage]
sent_before, asked_before = Relay._send, Peer.ask  # pyright: ignore[reportPrivateUsage]


def consumer_without_de_duplication() -> Patch:
    """P-04: whoever follows takes in what it has taken in before."""

    async def _advance(self: Follower, tx: Transaction, change: Change) -> bool:
        await taken_before(self, tx, change)
        return True

    return patch.object(Follower, "_advance", _advance)


def marked_as_sent_on_error() -> Patch:
    """P-05: no answer is taken for a yes."""

    async def _send(self: Relay, waiting: Any) -> int:
        try:
            return await sent_before(self, waiting)
        except Unavailable:
            receipt = Receipt(first_seq=waiting.first_seq, last_seq=waiting.last_seq, first_index=0, last_index=0)
            return await self._mark(waiting, receipt)  # pyright: ignore[reportPrivateUsage]

    return patch.object(Relay, "_send", _send)


def a_new_key_for_each_try() -> Patch:
    """P-11."""

    async def ask(self: Peer, method: str, path: str, *, headers: dict[str, str] | None = None, **parts: Any) -> Any:
        headers = dict(headers or {})
        if "Idempotency-Key" in headers:
            headers["Idempotency-Key"] = LeaseId.new()
        return await asked_before(self, method, path, headers=headers, **parts)

    return patch.object(Peer, "ask", ask)


def tries_without_end() -> Patch:
    """P-28."""
    return patch.object(rest, "ATTEMPTS_MAX", 12)


PLANTED: dict[str, tuple[Callable[[], Patch], str]] = {
    "P-04": (consumer_without_de_duplication, "I-"),
    "P-05": (marked_as_sent_on_error, "I-"),
    "P-11": (a_new_key_for_each_try, "I-36"),
    "P-28": (tries_without_end, "I-36"),
}
