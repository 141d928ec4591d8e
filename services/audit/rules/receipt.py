"""A receipt: what the log promises to a source about the events that it took.

Promises: whoever holds a receipt can show that the log had taken these events, whatever the log says later.
"""

from dataclasses import dataclass
from datetime import datetime

from services.audit.rules.entry import SourceHead
from shared import canonical
from shared.facts import microseconds

DOMAIN = b"yaosu receipt v1\n"  # so that a receipt's signature can never pass for a checkpoint's


@dataclass(frozen=True, slots=True)
class Placed:
    """Events `first_seq` to `last.seq` of a stripe stand in the log from `first_index` on, one after the other."""

    first_seq: int
    first_index: int
    last: SourceHead
    log_size: int

    @property
    def last_index(self) -> int:
        return self.first_index + self.last.seq - self.first_seq


def signed_bytes(placed: Placed, issued_at: datetime) -> bytes:
    """The bytes that the log's key signs: the domain, and the canonical JSON of the receipt without its signature."""
    receipt = {
        "service": placed.last.service, "stripe": placed.last.stripe, "first_seq": placed.first_seq,
        "last_seq": placed.last.seq, "first_index": placed.first_index, "last_index": placed.last_index,
        "last_hash": placed.last.hash.hex(), "log_size": placed.log_size, "issued_at": microseconds(issued_at),
    }  # fmt: skip
    return DOMAIN + canonical.encode(receipt)
