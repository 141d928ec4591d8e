"""An order under dispute (争议): its money waits for the end of the dispute, and for no deadline of its own.

Promises: what nobody disputes is shared out or goes back once, before the rest; a withdrawn claim leaves the order as
it was, with what was left of its window, and what was objected to before is no more: the dispute took its place.
Does not: hold an order that is settled. What a claim does to that one: `late_claim`.
"""

from dataclasses import replace
from datetime import datetime

from services.trading.rules.order import (
    AWAITING_ACCEPTANCE,
    AWAITING_DELIVERY,
    DISPUTABLE,
    DISPUTED,
    UNDER_OBJECTION,
    DeadlinePassed,
    NotDue,
    Order,
    Reason,
    State,
    deadline_has_passed,
    require_price_known,
    step,
)
from shared.money import Money


def may_be_disputed(order: Order, now: datetime) -> bool:
    """Whether a party may bring the order before an arbiter: paid for, not yet taken for good, and in time."""
    return order.state in DISPUTABLE and not deadline_has_passed(order, now)


def dispute(order: Order, now: datetime) -> Order:
    if order.state in DISPUTABLE and deadline_has_passed(order, now):
        raise DeadlinePassed(deadline=order.deadline)
    if not may_be_disputed(order, now):
        raise NotDue(state=order.state, next_actor=order.next_actor)
    require_price_known(order)
    reason = Reason.DISPUTED_UNDELIVERED if order.state is AWAITING_DELIVERY else Reason.DISPUTED
    return step(order, order.state, DISPUTED, None, now, reason_code=reason, refund_minor=0)


def origin_of(order: Order) -> State:
    """Where an order goes on if its dispute is withdrawn."""
    return AWAITING_ACCEPTANCE if order.state in UNDER_OBJECTION else order.state


def resume(order: Order, to: State, window_seconds: int, now: datetime) -> Order:
    """The order whose dispute was withdrawn, with what was left of its window."""
    return step(order, DISPUTED, to, window_seconds, now, reason_code=None)


def release(order: Order, released: Money, refunded: Money) -> Order:
    """The disputed order of whose price an undisputed part is shared out, or has gone back, before the rest."""
    if order.state is not DISPUTED:
        raise NotDue(state=order.state, next_actor=order.next_actor)
    return replace(
        order, released_minor=released.minor, refund_minor=refunded.minor, revision=order.revision + 1
    )  # fmt: skip
