"""The right that is traded: 使用权 in a field of use and a territory, for so many days."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RightKind(StrEnum):
    EXCLUSIVE = "exclusive"  # 独家
    LIMITED = "limited"  # 限定份数
    UNLIMITED = "unlimited"  # 普通许可


@dataclass(frozen=True, slots=True)
class Right:
    """Runs from its grant, or from `starts_at` if that is later.

    `copies` says how often a limited right is granted at most; the other kinds have none.
    """

    kind: RightKind
    field: str
    territory: str
    period_days: int
    copies: int | None = None
    starts_at: datetime | None = None

    @property
    def is_exclusive(self) -> bool:
        return self.kind is RightKind.EXCLUSIVE

    def begins_at(self, granted_at: datetime) -> datetime:
        return granted_at if self.starts_at is None else max(granted_at, self.starts_at)
