"""What crosses the wire about credits for what a service was."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.trading.rules.credit import Credit, State
from services.trading.rules.measured import BUCKETS_MILLISECONDS, Measured, Verdict
from services.trading.rules.service_level import (
    MINUTES_OF_A_DAY,
    PERIOD_DAYS_MAX,
    RESPONSE_MILLISECONDS_MAX,
    Figures,
)
from services.trading.schemas.money import Reason
from shared.ids import CreditId, OrderId
from shared.money import Money
from shared.web import Request, View


class NewCredit(Request):
    """`period`: the first of the right is number one. `response_milliseconds`: within which 95 of 100 were answered."""

    period: Annotated[int, Limits(ge=1, le=3650)]
    unavailable_minutes: Annotated[int, Limits(ge=0, le=PERIOD_DAYS_MAX * MINUTES_OF_A_DAY)]
    response_milliseconds: Annotated[int | None, Limits(ge=0, le=RESPONSE_MILLISECONDS_MAX)] = None

    def figures(self) -> Figures:
        return Figures(self.unavailable_minutes, self.response_milliseconds)


class NewContestation(Request):
    reason: Reason


class MeasuredView(View):
    """What the platform saw at its own gate in the period. `within`: how many were answered within each of
    `bounds_milliseconds`, and after the last. The service was away for `unavailable_minutes_min` at least, and cannot
    have been for more than `unavailable_minutes_max`; the verdict compares the claim with that."""

    served: int
    refused: int
    failed: int
    bounds_milliseconds: list[int]
    within: list[int]
    response_milliseconds: int | None
    unavailable_minutes_min: int
    unavailable_minutes_max: int
    verdict: Verdict

    @classmethod
    def of(cls, seen: Measured) -> Self:
        return cls(
            served=seen.served, refused=seen.refused, failed=seen.failed, within=list(seen.within),
            bounds_milliseconds=list(BUCKETS_MILLISECONDS), response_milliseconds=seen.response_milliseconds,
            unavailable_minutes_min=seen.unavailable_minutes_min,
            unavailable_minutes_max=seen.unavailable_minutes_max, verdict=seen.verdict,
        )  # fmt: skip


class CreditView(View):
    """While its price is in escrow, what is confirmed goes back when the order is concluded. `is_owed`: the price had
    been shared out before; then `paid` is what went back, by the refund of the order with that number. Silence
    confirms, but not what was `measured` otherwise; nothing is measured where nobody called at the platform's gate."""

    id: CreditId
    order_id: OrderId
    period: int
    unavailable_minutes: int
    response_milliseconds: int | None
    measured: MeasuredView | None
    amount: Money
    state: State
    is_owed: bool
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None
    reason: str | None
    claimed_at: datetime
    decided_at: datetime | None
    paid: Money | None
    refund_number: int | None
    paid_at: datetime | None

    @classmethod
    def of(cls, credit: Credit) -> Self:
        figures, payment = credit.figures, credit.payment
        return cls(
            id=credit.id, order_id=credit.order_id, period=credit.period,
            unavailable_minutes=figures.unavailable_minutes, response_milliseconds=figures.response_milliseconds,
            measured=credit.measured and MeasuredView.of(credit.measured), amount=credit.amount,
            state=credit.state, is_owed=credit.is_owed, next_actor=credit.next_actor,
            deadline=credit.deadline, reason_code=credit.reason_code, reason=credit.reason,
            claimed_at=credit.claimed_at, decided_at=credit.decided_at, paid=payment and payment.amount,
            refund_number=payment and payment.number, paid_at=payment and payment.paid_at,
        )  # fmt: skip
