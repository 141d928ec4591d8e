"""A late claim (事后争议): a dispute over an order that is settled, or that never cost anything.

Owns: what can be claimed of which order, until when, and what an outcome is worth once the money has been shared out.
Promises: no more is claimed, and no more goes back, than is left of what was shared out; who got nothing of the price
claims remedies; an order is decided on once; what shows at once is claimed soon, what shows in use as long as that
lasts; whoever gives all of it back ends the right.
Source: 民法典 art. 621 (a buyer tells of defects within the agreed time, or within a reasonable one); market-rules B10
(within the claim window), B9 (a refund after release is compensating entries). The days are ours.
Does not: hold money. What was shared out is spent by whoever got it; `returning` says who pays where it is gone.
"""

from datetime import datetime, timedelta

from services.trading.rules.demand import Category, Remedy
from services.trading.rules.dispute_outcome import Outcome
from services.trading.rules.order import SETTLED, DeadlinePassed, NotDue, Order
from shared.errors import Conflict
from shared.ids import ParticipantId
from shared.money import Money

CLAIM_WINDOW = timedelta(days=30)
SHOWS_AT_ONCE = frozenset({Category.NOT_DELIVERED, Category.NOT_AS_DESCRIBED})


class DecidedAlready(Conflict):
    """A dispute over this order has come to its end: what was decided is not decided again."""


def claimable(order: Order, claimant_id: ParticipantId) -> Money:
    """How much of its price a party can claim. In escrow, all; of what was shared out, the buyer what has not gone back
    yet, and the provider, who has it, nothing."""
    if order.state is not SETTLED:
        return order.price
    if claimant_id == order.provider_id:
        return Money(0, order.price.currency)
    return left_of(order)


def least_claimable(order: Order) -> int:
    """In minor units: where nothing is in escrow, a claim may be to remedies alone."""
    return 0 if order.state is SETTLED or order.is_free else 1


def left_of(order: Order) -> Money:
    """What was shared out of a settled order, and has not gone back."""
    return order.price - order.refund - order.returned


def claimable_until(order: Order, category: Category, right_ends_at: datetime | None) -> datetime:
    """`right_ends_at` is the end of the period that was bought. Raises NotDue unless it is settled."""
    if order.state is not SETTLED or order.settled_at is None:
        raise NotDue(state=order.state, next_actor=order.next_actor)
    if category in SHOWS_AT_ONCE or right_ends_at is None:
        return order.settled_at + CLAIM_WINDOW
    return max(order.settled_at, right_ends_at) + CLAIM_WINDOW


def require_in_time(order: Order, category: Category, right_ends_at: datetime | None, now: datetime) -> None:
    """Raises NotDue, DeadlinePassed."""
    until = claimable_until(order, category, right_ends_at)
    if now >= until:
        raise DeadlinePassed(deadline=until)


def goes_back(order: Order, buyers: Money) -> Money:
    """What of the buyer's part by an outcome goes back now: meanwhile some of it may have."""
    return min(buyers, left_of(order))


def remedies_of(order: Order, outcome: Outcome, buyers: Money) -> tuple[Remedy, ...]:
    """What follows for the right: whoever is given all of a price that is left has no right any more."""
    if buyers.minor == 0 or buyers < left_of(order) or Remedy.END_RIGHT in outcome.remedies:
        return outcome.remedies
    return (*outcome.remedies, Remedy.END_RIGHT)
