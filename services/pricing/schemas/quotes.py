"""What crosses the wire of quotes."""

from datetime import datetime
from typing import Self

from services.pricing.rules.quote import Quote
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from shared.money import Money
from shared.web import Request, View


class NewQuote(Request):
    plan_id: PlanId


class LineView(View):
    description: str
    amount: Money


class QuoteView(View):
    """Never changes. To accept it, name its id, version and total before `expires_at`."""

    id: QuoteId
    plan_id: PlanId
    plan_revision: int
    version: int
    buyer_id: ParticipantId
    provider_id: ParticipantId
    version_id: VersionId
    mode: Mode
    lines: list[LineView]
    total: Money
    given_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, quote: Quote) -> Self:
        return cls.model_validate(quote)
