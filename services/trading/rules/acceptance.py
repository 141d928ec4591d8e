"""Acceptance (验收) by use, where the contract says that so many uses accept."""

from datetime import datetime, timedelta

from services.trading.rules.order import AWAITING_ACCEPTANCE, Order, Reason, conclude, deadline_has_passed


def inspected_from(order: Order) -> datetime:
    """When the inspection period began. Requires an order that awaits acceptance."""
    assert order.deadline is not None and order.state is AWAITING_ACCEPTANCE
    return order.deadline - timedelta(seconds=order.windows.acceptance_seconds)


def accept_by_use(order: Order, uses: int, now: datetime) -> Order:
    """The order after so many uses since its inspection began, the one that delivered among them: accepted, if the
    contract says that so many accept. Requires the commit of the last of them."""
    accepting = order.acceptance.accepting_use
    if accepting is None or uses < accepting or order.state is not AWAITING_ACCEPTANCE:
        return order
    return order if deadline_has_passed(order, now) else conclude(order, Reason.ACCEPTED_BY_USE, now)
