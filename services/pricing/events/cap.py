"""The facts of price caps."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.pricing.rules.cap import PriceCap
from shared.facts import Category, Fact
from shared.ids import ParticipantId, PriceCapId, VersionId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class PriceCapFiled(Fact):
    """Public data cost at most this, of all of them, of a period or of a unit; `amount` is the cap."""

    category: ClassVar[Category] = Category.PRICE
    price_cap_id: PriceCapId
    version_id: VersionId
    provider_id: ParticipantId
    amount: Money
    reference: str
    authority: str
    valid_from: datetime
    valid_until: datetime | None
    filed_at: datetime

    @classmethod
    def of(cls, cap: PriceCap) -> Self:
        return cls(
            cap.id, cap.version_id, cap.provider_id, cap.cap, cap.reference, cap.authority, cap.valid_from,
            cap.valid_until, cap.filed_at,
        )  # fmt: skip
