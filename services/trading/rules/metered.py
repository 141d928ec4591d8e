"""An order whose use is measured (按量结算): the most that it can cost is reserved, what was used is paid.

Promises: the meter runs from the first use until the buyer closes it, or the period of the right ends, and is read off
once; its price is a function of the units alone, which both signed; what was reserved beyond it goes back in the same
commit; until then nothing of the price is accepted, objected to or disputed, for it is not known.
Source: market-rules B9, usage billing (reserve the maximum, post the actual, the rest returns).
"""

from dataclasses import replace
from datetime import datetime, timedelta

from services.trading.rules.order import AWAITING_ACCEPTANCE, NotDue, Order, require_not_frozen
from shared.metering import Meter, cost
from shared.money import Money


def is_read_off_at(order: Order, now: datetime) -> bool:
    """Whether the period is over in which its use is measured."""
    ends = order.runs_meter and order.deadline is not None and now >= order.deadline
    return ends and (order.frozen_until is None or now >= order.frozen_until)


def reserved(order: Order) -> Money | None:
    """What was paid in at most, before what was not used went back. None where nothing is measured."""
    return order.meter and cost(order.meter, order.meter.units_max).gross


def read_off(order: Order, units: int, now: datetime) -> tuple[Order, Money]:
    """The order at the price of what was used, which is inspected from now on, and what of the reserve goes back.

    Requires the units that were used of its right, which ends in the same commit. Raises NotDue, OrderFrozen.
    """
    meter = require_runs(order)
    require_not_frozen(order, now)
    used = min(units, meter.units_max)
    owed = cost(meter, used)
    at_its_price = replace(
        order, price=owed.gross, tax=order.tax and replace(order.tax, amount=owed.tax), metered_units=used,
        deadline=now + timedelta(seconds=order.windows.acceptance_seconds), revision=order.revision + 1,
    )  # fmt: skip
    return at_its_price, order.price - owed.gross


def require_runs(order: Order) -> Meter:
    """What the order is measured by. Raises NotDue unless it is measured now."""
    if order.meter is None or not order.runs_meter:
        raise NotDue(state=order.state, next_actor=order.next_actor)
    return order.meter


def measured(order: Order, until: datetime | None) -> Order:
    """The order at its first use: from then on it is measured, until its right ends. One that is not measured stays."""
    return replace(order, deadline=until) if order.runs_meter and order.state is AWAITING_ACCEPTANCE else order
