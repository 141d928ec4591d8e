"""An order of a bundle: one act of the buyer, by which each part becomes an order, or none does.

Owns: which listings a bundle is made of, when it is paid, and what becomes of the other parts when one ends unpaid.
Promises: the prices of the parts make the total of the quote, and their taxes its tax; each part is a listing at the
plan of the bundle, so that nobody has by it what its provider did not offer in it; it is paid whole or not at all, and
until it is paid, the end of one part is the end of all; of those who let the time to pay pass, one part is in default,
and none where one of the parts could not be paid yet. Once it is paid, each part is an order like any other.
Source: market-rules B3 (P1, P5), B9; decision 45.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.trading.rules import order as orders
from services.trading.rules.award import Acceptance, Award, FromBundle, FrozenFees, Quoted, SaleTax, require_stands
from services.trading.rules.listing import Listing
from services.trading.rules.order import AWAITING_PAYMENT, AWAITING_SIGNATURES, Order
from services.trading.rules.order_reason import Reason
from services.trading.rules.price_cap import ARTICLE
from shared.errors import Conflict, NotFound
from shared.grades import Flag
from shared.ids import ParticipantId, PlanId, QuoteId
from shared.money import Money

PARTS_MIN, PARTS_MAX = 2, 12  # as in a plan
UNPAID = frozenset({AWAITING_SIGNATURES, AWAITING_PAYMENT})


@dataclass(frozen=True, slots=True)
class BundleOrder:
    """Named by its quote, which becomes one order at most."""

    quote_id: QuoteId
    quote_version: int
    plan_id: PlanId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    total: Money
    placed_at: datetime

    @property
    def pay_at(self) -> str:
        return _pay_at(self.quote_id)


class NoSuchBundleOrder(NotFound):
    """You have ordered no such bundle."""


class NotABundle(Conflict):
    """This quote is not that of a bundle: order at it at `order_at`."""


class BundleListings(Conflict):
    """A bundle is ordered by one listing at its plan for each of its parts; the facts say which parts these are."""


class BundlePartRefused(Conflict):
    """One of the parts cannot be sold to you, so nothing is; the facts say which, and why."""


class PublicDataBundled(Conflict):
    """What a bundle asks for public data would hang on what the rest of it costs, so none are sold in one."""


class BundlePaidWhole(Conflict):
    """This order is a part of a bundle, which is paid whole, at `pay_at`."""


class BundleNotPayable(Conflict):
    """Not every part of the bundle waits to be paid; the facts say which, and what it waits for."""


def accept(
    quote: Quoted, said: Acceptance, listings: Sequence[Listing], fees: FrozenFees, now: datetime
) -> tuple[BundleOrder, tuple[Award, ...]]:
    """The bundle, and the award of each listing at its part's share. Requires that the quote is the buyer's own."""
    require_stands(quote, said, now)
    if not quote.is_bundle:
        raise NotABundle(order_at="/trading/v1/orders", **quote.present)
    parts = {(part.version_id, part.mode): part for part in quote.parts}
    offered = [(listing.version_id, listing.mode) for listing in listings if listing.plan_id == quote.plan_id]
    if len(offered) != len(listings) or sorted(offered) != sorted(parts):
        told = [{"version_id": version_id, "mode": mode} for version_id, mode in sorted(parts)]
        raise BundleListings(plan_id=quote.plan_id, parts=told, **quote.present)
    public = [listing for listing in listings if Flag.PUBLIC_DATA in listing.flags]
    if public:
        raise PublicDataBundled(article=ARTICLE, listing_id=public[0].id, version_id=public[0].version_id)
    made = list[Award]()
    for listing in listings:
        part = parts[listing.version_id, listing.mode]
        tax = quote.tax and SaleTax(quote.tax.rate_id, quote.tax.basis_points, part.tax)
        made.append(Award(
            listing.id, listing.provider_id, quote.buyer_id, part.price, FromBundle(quote.id, quote.version), fees,
            now, tax=tax,
        ))  # fmt: skip
    provider_id = listings[0].provider_id
    bundle = BundleOrder(quote.id, quote.version, quote.plan_id, provider_id, quote.buyer_id, quote.total, now)
    return bundle, tuple(made)


def require_single(order: Order) -> None:
    """Raises BundlePaidWhole for a part of a bundle."""
    if order.bundle_quote_id is not None:
        raise BundlePaidWhole(pay_at=_pay_at(order.bundle_quote_id))


def pay(parts: Sequence[Order], now: datetime) -> tuple[Order, ...]:
    """The parts that cost something, paid. Requires all parts, and that the price of each is in its escrow in the same
    commit. What costs nothing was granted when it was signed."""
    waiting = [part for part in parts if part.state is not AWAITING_PAYMENT and not _is_granted_free(part)]
    if waiting or all(part.is_free for part in parts):
        first = (waiting or list(parts))[0]
        raise BundleNotPayable(
            order_id=first.id, state=first.state, next_actor=first.next_actor, reason_code=first.reason_code
        )  # fmt: skip
    return tuple(orders.pay(part, now) for part in parts if not part.is_free)


def pass_deadline(order: Order, beside: Iterable[Order], signed: frozenset[str], now: datetime) -> Order:
    """The part once its deadline has passed. Nobody is in default of a payment that the other parts kept them from."""
    ended = orders.pass_deadline(order, signed, now)
    if ended.reason_code != Reason.PAYMENT_OVERDUE or all(_could_be_paid(part, order) for part in beside):
        return ended
    return orders.forbid(order, Reason.BUNDLE_BROKEN, now)


def follow(part: Order, ended: Order, signed: frozenset[str], now: datetime) -> Order:
    """Another part of a bundle of which one has ended unpaid; `ended` is that one as it was before. The very part if it
    is paid or over. What was to be signed by the same time ends for its own reason."""
    if part.state not in UNPAID:
        return part
    assert part.deadline and ended.deadline
    is_unsigned = part.state is AWAITING_SIGNATURES and orders.deadline_has_passed(part, now)
    if is_unsigned and part.deadline <= ended.deadline:
        return orders.pass_deadline(part, signed, now)
    return orders.forbid(part, Reason.BUNDLE_BROKEN, now)


def _pay_at(quote_id: QuoteId) -> str:
    return f"/trading/v1/bundle-orders/{quote_id}/payment"


def _is_granted_free(part: Order) -> bool:
    return part.is_free and part.state is not AWAITING_SIGNATURES


def _could_be_paid(part: Order, with_order: Order) -> bool:
    """Whether it, too, waited for nothing but its payment when the time to pay this order was over."""
    assert with_order.deadline
    was_free = part.frozen_until is None or part.frozen_until <= with_order.deadline
    return _is_granted_free(part) or (part.state is AWAITING_PAYMENT and was_free)
