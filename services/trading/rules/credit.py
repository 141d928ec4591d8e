"""A credit (服务抵扣): what of a period's price a buyer claims back because the service was less than was promised.

Promises: one claim for a period, once that is over, by figures that alone say how much; the provider confirms it or
contests it, and silence confirms, unless what the platform itself saw contradicts the figures: then it contests. What
is confirmed while the price is in escrow goes back when the order is concluded, what is confirmed later is owed, and
goes back once, as a return, as soon as the price is shared out; all credits of an order together stay within the agreed
cap.
Source: as agreed in the terms of acceptance; silence as in `objection`.
Does not: measure (`measured` does), or decide what is contested.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules import order as order_rules
from services.trading.rules import service_level
from services.trading.rules.measured import Measured, Verdict
from services.trading.rules.order import FAILED, SETTLED, SETTLING, DeadlinePassed, Order
from services.trading.rules.service_level import Figures, ServiceLevel
from shared.errors import Conflict, NotFound
from shared.ids import CreditId, OrderId, ParticipantId
from shared.lifecycle import Lifecycle
from shared.money import Money

CLAIM_DAYS = 30  # after the period's end
SHARED_OUT = frozenset({SETTLING, SETTLED})


class State(StrEnum):
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    CONTESTED = "contested"
    MOOT = "moot"


CLAIMED, CONFIRMED, CONTESTED, MOOT = State

CREDIT = Lifecycle(start=CLAIMED, moves={
    CLAIMED:   {CONFIRMED, CONTESTED, MOOT},
    CONFIRMED: set(),
    CONTESTED: set(),
    MOOT:      set(),  # the whole price went back
})  # fmt: skip


class Reason(StrEnum):
    CONFIRMED_BY_PROVIDER = "confirmed_by_provider"
    CONFIRMED_BY_SILENCE = "confirmed_by_silence"
    CONTESTED_BY_PROVIDER = "contested_by_provider"
    MEASURED_OTHERWISE = "measured_otherwise"
    ORDER_REFUNDED = "order_refunded"


@dataclass(frozen=True, slots=True)
class Payment:
    """What went back for an owed credit, by which of the order's returns: nothing, if nothing of the price was left."""

    amount: Money
    number: int | None
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Credit:
    """`is_owed`: confirmed when the price had been shared out already, or was about to be."""

    id: CreditId
    order_id: OrderId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    period: int
    figures: Figures
    amount: Money
    state: State
    claimed_at: datetime
    deadline: datetime | None
    is_owed: bool = False
    reason_code: str | None = None
    reason: str | None = None
    decided_at: datetime | None = None
    revision: int = 1
    payment: Payment | None = None  # of what is owed
    measured: Measured | None = None  # by the platform, where it saw anything

    @property
    def awaits_payment(self) -> bool:
        return self.is_owed and self.payment is None

    @property
    def is_contradicted(self) -> bool:
        return self.measured is not None and self.measured.verdict is Verdict.CONTRADICTED

    @property
    def next_actor(self) -> str | None:
        if self.awaits_payment:
            return "custodian"
        return "provider" if self.state is CLAIMED else None


class NoSuchCredit(NotFound):
    """There is no such credit, or it is not of an order of yours."""


class NothingPromised(Conflict):
    """The contract promises no level of service, or nothing of it was delivered."""


class NothingMissed(Conflict):
    """By these figures nothing goes back: the promise was kept, or the cap is reached."""


class ClaimedAlready(Conflict):
    """A credit was claimed for this period, by other figures."""


class CreditNotOpen(Conflict):
    """This credit was confirmed or contested; the state says which."""


def claim(
    credit_id: CreditId, order: Order, begins_at: datetime, days: int, earlier: tuple[Credit, ...], period: int,
    figures: Figures, now: datetime, measured: Measured | None = None,
) -> Credit:  # fmt: skip
    """The credit for a period of a right that begins then and lasts so many days. `earlier` are the order's own; the
    same again is that one. Raises what keeps it from being any."""
    same = next((credit for credit in earlier if credit.period == period), None)
    if same is not None:
        if same.figures == figures:
            return same
        raise ClaimedAlready(period=period)
    level = order.acceptance.service_level
    if level is None or not (order.state in order_rules.INSPECTED or order.state in SHARED_OUT):
        raise NothingPromised(state=order.state)
    order_rules.require_price_known(order)
    amount = _amount(level, order.price, begins_at, days, earlier, period, figures, now)
    deadline = now + timedelta(seconds=order.acceptance.answer_seconds)
    parties = (order.buyer_id, order.provider_id)
    return Credit(
        credit_id, order.id, *parties, period, figures, amount, CREDIT.start, now, deadline, measured=measured
    )


def confirm(credit: Credit, order: Order, now: datetime) -> tuple[Credit, Order]:
    """The provider agrees: the credit, and the order it goes back with. The same again changes nothing."""
    if credit.reason_code == Reason.CONFIRMED_BY_PROVIDER:
        return credit, order
    _require_open(credit, now)
    return _confirmed(credit, order, Reason.CONFIRMED_BY_PROVIDER, now)


def contest(credit: Credit, reason: str, now: datetime) -> Credit:
    """The provider says that the figures are wrong, and why."""
    if (credit.state, credit.reason) == (CONTESTED, reason):
        return credit
    _require_open(credit, now)
    return _decide(credit, CONTESTED, Reason.CONTESTED_BY_PROVIDER, now, reason=reason)


def pass_deadline(credit: Credit, order: Order, now: datetime) -> tuple[Credit, Order]:
    """Silence confirms what was not measured otherwise. Requires that the deadline has passed."""
    if credit.is_contradicted and order.state not in FAILED:
        return _decide(credit, CONTESTED, Reason.MEASURED_OTHERWISE, now), order
    return _confirmed(credit, order, Reason.CONFIRMED_BY_SILENCE, now)


def payable(credit: Credit, order: Order) -> Money | None:
    """What goes back now for a credit that is owed: all of it, or what is left of the price. None while the custodian
    is still sharing it out, and for whatever is not owed or was paid."""
    if not credit.awaits_payment or order.state is not SETTLED:
        return None
    return min(credit.amount, order.price - order.refund - order.returned)


def pay(credit: Credit, payment: Payment) -> Credit:
    """Requires that it is what `payable` says, and goes back in the same commit."""
    return replace(credit, payment=payment, revision=credit.revision + 1)


def _amount(
    level: ServiceLevel, price: Money, begins_at: datetime, days: int, earlier: tuple[Credit, ...], period: int,
    figures: Figures, now: datetime,
) -> Money:  # fmt: skip
    """Raises NothingMissed, DeadlinePassed and what `service_level.credit` raises."""
    of_the_right = service_level.period_of(level, price, begins_at, days, period)
    asked = service_level.credit(level, of_the_right, figures, now)
    claimable_until = of_the_right.ends_at + timedelta(days=CLAIM_DAYS)
    if now >= claimable_until:
        raise DeadlinePassed(deadline=claimable_until)
    given = Money(sum(credit.amount.minor for credit in earlier if credit.state is not CONTESTED), price.currency)
    amount = service_level.within_cap(level, price, given, asked)
    if amount.minor == 0:
        raise NothingMissed(availability_basis_points=level.availability_basis_points, given_minor=given.minor)
    return amount


def _confirmed(credit: Credit, order: Order, reason: Reason, now: datetime) -> tuple[Credit, Order]:
    if order.state in FAILED:
        return _decide(credit, MOOT, Reason.ORDER_REFUNDED, now), order
    if order.state in SHARED_OUT:
        return _decide(credit, CONFIRMED, reason, now, is_owed=True), order
    return _decide(credit, CONFIRMED, reason, now), credited(order, credit.amount)


def _require_open(credit: Credit, now: datetime) -> None:
    if credit.state is not CLAIMED:
        raise CreditNotOpen(state=credit.state, reason_code=credit.reason_code)
    if credit.deadline is not None and now >= credit.deadline:
        raise DeadlinePassed(deadline=credit.deadline)


def _decide(credit: Credit, to: State, code: Reason, now: datetime, **changes: Any) -> Credit:
    return replace(
        credit, state=CREDIT.move(credit.state, to), reason_code=code, decided_at=now, deadline=None,
        revision=credit.revision + 1, **changes,
    )  # fmt: skip


def credited(order: Order, amount: Money) -> Order:
    """The order with a credit that goes back once it is concluded. Requires that its price is in escrow."""
    return replace(order, credit_minor=order.credit_minor + amount.minor, revision=order.revision + 1)
