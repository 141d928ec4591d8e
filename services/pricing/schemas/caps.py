"""What crosses the wire of price caps."""

from datetime import datetime
from typing import Self

from services.pricing.rules.cap import Filing, PriceCap
from services.pricing.schemas.words import Amount, Sentence
from shared.ids import ParticipantId, PriceCapId, VersionId
from shared.money import Money
from shared.web import Moment, Request, View


class NewPriceCap(Request):
    """What was filed with the authority (价格主管部门). Without `valid_from`, from now on."""

    version_id: VersionId
    cap: Amount
    reference: Sentence
    authority: Sentence
    valid_from: Moment | None = None
    valid_until: Moment | None = None

    def filing(self) -> Filing:
        return Filing(self.cap.money(), self.reference, self.authority, self.valid_from, self.valid_until)


class PriceCapView(View):
    """Public data cost at most `cap`: of all of them, of a period, or of a unit, as the price is."""

    id: PriceCapId
    version_id: VersionId
    provider_id: ParticipantId
    cap: Money
    reference: str
    authority: str
    valid_from: datetime
    valid_until: datetime | None
    filed_at: datetime

    @classmethod
    def of(cls, cap: PriceCap) -> Self:
        return cls.model_validate(cap)
