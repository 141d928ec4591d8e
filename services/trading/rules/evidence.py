"""Evidence in a dispute (证据): what was said to prove what, by whom and when, each by its hash.

Promises: a piece of evidence is numbered, never changed and never taken away; the platform's own is what it holds on
the order, in the canonical bytes that its hash is of. 电子签名法 art. 5, 8: integrity shows by the hash and by the log.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import Conflict

FROM_PLATFORM = "platform"
PIECES_MAX = 50  # from each side


class EvidenceKind(StrEnum):
    STATEMENT = "statement"
    DOCUMENT = "document"
    CORRESPONDENCE = "correspondence"
    TEST_RESULT = "test_result"
    DATA_SAMPLE = "data_sample"
    CONTRACT = "contract"
    DELIVERY = "delivery"
    QUALITY = "quality"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Evidence:
    """`kept` says whether the content itself lies with the platform; else its party keeps it, and the hash binds it."""

    sequence: int
    by: str
    kind: EvidenceKind
    content_hash: str
    kept: bool
    added_at: datetime


class EvidenceClosed(Conflict):
    """Evidence is taken until its deadline, and no longer."""


class TooMuchEvidence(Conflict):
    """Each side may add so many pieces of evidence and no more."""


def hash_of(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def require_room(evidence: Sequence[Evidence], by: str) -> None:
    """Raises TooMuchEvidence."""
    if sum(each.by == by for each in evidence) >= PIECES_MAX:
        raise TooMuchEvidence(pieces_max=PIECES_MAX)
