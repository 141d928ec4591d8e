"""What a source says of its own stripe, held against what the log has of it.

Promises: a sign of life agrees with the log only if its stripe, number and hash are those that the log has before it;
so whatever vanished, was added or was exchanged between a service and the log contradicts the next one.
Source: audit-log 3.4, 8 and 9; the facts are those of `shared.heartbeats`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.audit.rules.entry import Batch
from shared.facts import Event, link, read_event
from shared.ids import FactId

HEARTBEAT, COUNTED = "source_heartbeat", "source_counted"


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """An event by which a source tells of its stripe, and the stripe's hash before it, as the log has it."""

    seq: int
    previous: bytes
    event: Event

    @property
    def name(self) -> str:
        return self.event.act.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Count:
    """How many facts a source has under these numbers, and the hash over their ids."""

    first_seq: int
    last_seq: int
    count: int
    ids_hash: str


def signs_of_life(batch: Batch, last_seq: int) -> Iterator[SignOfLife]:
    """Those of a batch, up to a number. Requires events that were taken."""
    mark, reached = b'"act":"' + batch.service.encode() + b".source_", batch.previous
    if not any(mark in line for line in batch.lines):
        return
    for seq, line in enumerate(batch.lines[: last_seq - batch.first_seq + 1], batch.first_seq):
        previous, reached = reached, link(reached, seq, line)
        if mark in line:
            sign = SignOfLife(seq, previous, read_event(line))
            if sign.name in (HEARTBEAT, COUNTED):
                yield sign


def agrees(batch: Batch, sign: SignOfLife) -> bool:
    """Whether a heartbeat tells of its stripe what the log has of it."""
    return sign.event.data == {"stripe": batch.stripe, "seq": sign.seq - 1, "hash": sign.previous.hex()}


def count_of(batch: Batch, sign: SignOfLife) -> Count | None:
    """What the source counted, if it can be compared: facts of this stripe that stand before this one."""
    told: Mapping[str, Any] = sign.event.data
    numbers = [told.get(name) for name in ("stripe", "first_seq", "last_seq", "count")]
    if set(told) != {"stripe", "first_seq", "last_seq", "count", "ids_hash"} or not isinstance(told["ids_hash"], str):
        return None
    if any(type(number) is not int for number in numbers):
        return None
    count = Count(told["first_seq"], told["last_seq"], told["count"], told["ids_hash"])
    return count if told["stripe"] == batch.stripe and 1 <= count.first_seq <= count.last_seq < sign.seq else None


def counted(first_seq: int, last_seq: int, ids: Sequence[FactId]) -> Count:
    """The same of what the log has, in order."""
    lines = "".join(f"{each}\n" for each in ids)
    return Count(first_seq, last_seq, len(ids), hashlib.sha256(lines.encode()).hexdigest())
