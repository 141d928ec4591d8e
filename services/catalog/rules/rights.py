"""The three rights 三权 that a provider declares to its data: to hold, to use, to operate.

Owns: which rights there are, what is said of each, and how long a registration may rest on them.
Promises: nothing is registered without a right that is proven and still stands; no certificate outlives a right on it.
Sources: 数据二十条 (the rights to hold 持有, use 使用 and operate 经营 are declared apart); Data Security Law art. 33.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import Conflict


class RightKind(StrEnum):
    HOLDING = "holding"  # 持有权
    USE = "use"  # 使用权
    OPERATION = "operation"  # 经营权


@dataclass(frozen=True, slots=True)
class Right:
    """`evidence_hash` is SHA-256 in hex of what proves it; without `valid_until` it stands without end."""

    kind: RightKind
    evidence_hash: str
    valid_until: datetime | None = None


class RightsMissing(Conflict):
    """Declare which of the three rights you have (holding, use, operation), each with its evidence."""


class RightLapsed(Conflict):
    """A right that you declared has lapsed: declare the rights that you have now."""


def require(rights: Iterable[Right], now: datetime) -> None:
    """Raises unless there is a right, and each of them still stands."""
    if not (ends := [right.valid_until for right in rights]):
        raise RightsMissing()
    if lapsed := [end for end in ends if end is not None and end <= now]:
        raise RightLapsed(lapsed_at=min(lapsed))


def ends_at(rights: Iterable[Right], latest: datetime) -> datetime:
    """When a registration on these rights ends: at the latest, or with the first of them that lapses."""
    return min([latest, *(right.valid_until for right in rights if right.valid_until is not None)])
