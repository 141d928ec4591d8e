"""A return (退还): what goes back to the buyer of a price that was shared out already.

Owns: how much of each share goes back with a part of the price, who pays it where an owner cannot, and what is then
owed to whom. Promises: what has gone back of each share is a function of how much went back in all, and never falls; it
is within a fen or so of the original ratio, never more than the share, and all of it once all of the price is back;
what an owner cannot cover the exchange's reserve pays as far as it reaches, and the owner owes both.
Source: market-rules B9 (refund after release: seller → wallet + fee and tax reversals at original ratios; if the seller
is short: reserve, then receivable), L9.
Does not: undo the sale. What was bought stays bought, unless a ruling says otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.trading.rules.instruction import EXCHANGE_FEE, EXCHANGE_RESERVE, EXCHANGE_TAX
from services.trading.rules.order import SETTLED, Order
from shared.errors import Conflict, Malformed, NotFound
from shared.ids import OrderId, ParticipantId, ReceivableId
from shared.money import Money


class Cause(StrEnum):
    BY_PROVIDER = "by_provider"
    BY_RULING = "by_ruling"
    SERVICE_CREDIT = "service_credit"


@dataclass(frozen=True, slots=True)
class Share:
    """What one of those who were paid gives back. `bearer` is an owner, or an account of the exchange's."""

    bearer: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Payment:
    """Of what the bearer gives back, so much comes out of this sub-account: its own, or the exchange's reserve."""

    bearer: str
    payer: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Debt:
    """What an owner could not pay, and owes to the reserve that paid instead, or to the buyer who still waits."""

    debtor_id: ParticipantId
    creditor: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Return:
    """`number` counts the returns of an order from one."""

    order_id: OrderId
    number: int
    amount: Money
    cause: Cause
    reason: str
    payments: tuple[Payment, ...]
    debts: tuple[Debt, ...]
    returned_at: datetime


@dataclass(frozen=True, slots=True)
class Receivable:
    """A debt as it is collected. `collected` counts what is on its way, too."""

    id: ReceivableId
    debtor_id: ParticipantId
    creditor: str
    order_id: OrderId
    number: int
    amount: Money
    collected: Money
    opened_at: datetime

    @property
    def open(self) -> Money:
        return self.amount - self.collected


class NotSettled(Conflict):
    """Nothing of this order was shared out, so nothing can go back of it."""


class ReturnTooHigh(Conflict):
    """No more can go back than is left of what was shared out."""


class BadReturn(Malformed):
    """A return is of one minor unit or more, in the currency of the price."""


class NoSuchReturn(NotFound):
    """There is no such return."""


def give_back(order: Order, amount: Money) -> tuple[Order, tuple[Share, ...]]:
    """The order with this much more of its price returned, and what of it each bearer gives. Shares of nothing are
    left out."""
    if order.state is not SETTLED or order.settlement is None:
        raise NotSettled(state=order.state)
    if amount.minor < 1 or amount.currency != order.price.currency:
        raise BadReturn(currency=order.price.currency)
    left = order.price - order.refund - order.returned
    if amount > left:
        raise ReturnTooHigh(left_minor=left.minor)
    paid = ((EXCHANGE_TAX, order.settlement.tax), (EXCHANGE_FEE, order.settlement.fee), *order.earned)
    shares = [share for _, share in paid]
    before, after = (gone_back(shares, returned) for returned in (order.returned, order.returned + amount))
    steps = [later - earlier for earlier, later in zip(before, after, strict=True)]
    due = tuple(Share(str(bearer), step) for (bearer, _), step in zip(paid, steps, strict=True) if step.minor)
    returned_minor = order.returned_minor + amount.minor
    return replace(order, returned_minor=returned_minor, revision=order.revision + 1), due


def gone_back(shares: Sequence[Money], returned: Money) -> list[Money]:
    """How much of each share has gone back once so much of their sum has.

    One share after the other is split off what is left, by largest remainder of two, an exact half staying with the
    rest: each split grows by at most one unit with its whole, so that no share ever falls as more goes back. (One split
    among all by largest remainder would not promise that: it is the Alabama paradox.)
    """
    found, left = list[Money](), returned
    rest = sum(share.minor for share in shares)
    for share in shares:
        gone = left.split([rest - share.minor, share.minor])[1] if rest else left
        found.append(gone)
        left, rest = left - gone, rest - share.minor
    return found


def covered(
    due: Iterable[Share], available_minor: Mapping[str, int], reserve_minor: int, buyer_id: ParticipantId
) -> tuple[tuple[Payment, ...], tuple[Debt, ...]]:
    """Who pays what, and who owes what. `available_minor` is what each owner can spend; the exchange's own part is
    always there. The reserve pays for the owners in their order."""
    payments, debts = list[Payment](), list[Debt]()
    for share in due:
        own = min(share.amount.minor, available_minor.get(share.bearer, share.amount.minor))
        lent = min(share.amount.minor - own, reserve_minor)
        reserve_minor -= lent
        owed = share.amount.minor - own - lent
        currency = share.amount.currency
        for payer, minor in ((share.bearer, own), (EXCHANGE_RESERVE, lent)):
            if minor:
                payments.append(Payment(share.bearer, payer, Money(minor, currency)))
        for creditor, minor in ((str(buyer_id), owed), (EXCHANGE_RESERVE, lent)):
            if minor:
                debts.append(Debt(ParticipantId(share.bearer), creditor, Money(minor, currency)))
    return tuple(payments), tuple(debts)


def collected(
    receivables: Iterable[Receivable], came_in: Mapping[ParticipantId, Money]
) -> tuple[tuple[Receivable, Money], ...]:  # fmt: skip
    """What of the money that came in goes to whom it was owed: the oldest debt first. Requires the order of age."""
    left, found = dict(came_in), list[tuple[Receivable, Money]]()
    for receivable in receivables:
        taken = min(receivable.open, left[receivable.debtor_id])
        if taken.minor:
            left[receivable.debtor_id] -= taken
            found.append((replace(receivable, collected=receivable.collected + taken), taken))
    return tuple(found)
