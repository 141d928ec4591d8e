"""An order (订单): from the award to its settlement, or to one of three other ends.

Promises: every state that is not an end says who must act and by when; letting deadlines pass leads to an end, as soon
as the custodian answers where money must move; every failure says why; money that was paid is settled or refunded,
never both, never neither; what goes back if nobody says more is known from the first objection on.
Sources: 电子商务法 art. 49; 法释〔2016〕18号 art. 24 (a defaulter's deposit is forfeited); the model contract
数据提供合同 (2025) § 7 (silence in the inspection period is acceptance). What is objected to: `objection`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.acceptance_terms import AcceptanceTerms, standard_terms
from services.trading.rules.award import (
    Award,
    FromAuction,
    FromBlockDeal,
    FromBundle,
    FromCallAuction,
    FromDoubleAuction,
    FromInquiry,
    FromNegotiation,
    FromQuote,
    FrozenFees,
    SaleTax,
)
from services.trading.rules.co_owner import Ownership, shared_out
from services.trading.rules.listing import Listing
from services.trading.rules.market_rules import Windows
from services.trading.rules.order_reason import Reason
from services.trading.rules.scope import Scope
from services.trading.rules.settlement import Shares, shares
from shared.errors import Conflict, NotFound
from shared.grades import Mode
from shared.ids import (
    AuctionId,
    BlockDealId,
    CallAuctionId,
    ContractId,
    DoubleAuctionId,
    EntitlementId,
    InquiryId,
    ListingId,
    NegotiationId,
    OrderId,
    ParticipantId,
    QuoteId,
    VersionId,
)
from shared.lifecycle import Lifecycle
from shared.metering import Meter
from shared.money import Money


class State(StrEnum):
    AWAITING_SIGNATURES = "awaiting_signatures"
    AWAITING_PAYMENT = "awaiting_payment"
    AWAITING_DELIVERY = "awaiting_delivery"
    AWAITING_ACCEPTANCE = "awaiting_acceptance"
    OBJECTED = "objected"
    ANSWERED = "answered"
    DISPUTED = "disputed"
    SETTLING = "settling"
    SETTLED = "settled"
    LAPSED = "lapsed"
    DEFAULTED = "defaulted"
    REFUNDED = "refunded"


(
    AWAITING_SIGNATURES, AWAITING_PAYMENT, AWAITING_DELIVERY, AWAITING_ACCEPTANCE, OBJECTED, ANSWERED, DISPUTED,
    SETTLING, SETTLED, LAPSED, DEFAULTED, REFUNDED,
) = State  # fmt: skip

ORDER = Lifecycle(start=AWAITING_SIGNATURES, moves={
    AWAITING_SIGNATURES: {AWAITING_PAYMENT, AWAITING_DELIVERY, LAPSED, DEFAULTED},  # to delivery: a price of nothing
    AWAITING_PAYMENT:    {AWAITING_DELIVERY, LAPSED, DEFAULTED},
    AWAITING_DELIVERY:   {AWAITING_ACCEPTANCE, DISPUTED, REFUNDED},
    AWAITING_ACCEPTANCE: {OBJECTED, DISPUTED, SETTLING, SETTLED, REFUNDED},
    OBJECTED:            {AWAITING_ACCEPTANCE, ANSWERED, DISPUTED, SETTLING, SETTLED, REFUNDED},  # back: delivered anew
    ANSWERED:            {ANSWERED, DISPUTED, SETTLING, SETTLED, REFUNDED},
    DISPUTED:            {AWAITING_DELIVERY, AWAITING_ACCEPTANCE, SETTLING, SETTLED, REFUNDED},
    SETTLING:            {SETTLED},
    SETTLED:             set(),
    LAPSED:              set(),
    DEFAULTED:           set(),
    REFUNDED:            set(),
})  # fmt: skip
NEXT_ACTOR = {
    AWAITING_SIGNATURES: "buyer_and_provider",
    AWAITING_PAYMENT:    "buyer",
    AWAITING_DELIVERY:   "buyer",  # the content lies with the platform; the buyer takes it
    AWAITING_ACCEPTANCE: "buyer",
    OBJECTED:            "provider",
    ANSWERED:            "buyer",
    DISPUTED:            "parties_and_arbiter",  # the dispute says who of them, and by when
    SETTLING:            "custodian",
}  # fmt: skip
FAILED = frozenset({LAPSED, DEFAULTED, REFUNDED})
UNDER_OBJECTION = frozenset({OBJECTED, ANSWERED})
INSPECTED = frozenset({AWAITING_ACCEPTANCE}) | UNDER_OBJECTION
DISPUTABLE = INSPECTED | {AWAITING_DELIVERY}


@dataclass(frozen=True, slots=True)
class Order:
    id: OrderId
    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    exclusive: bool
    buyer_id: ParticipantId
    provider_id: ParticipantId
    price: Money
    quote_id: QuoteId | None
    auction_id: AuctionId | None
    contract_id: ContractId
    fees: FrozenFees
    windows: Windows
    state: State
    placed_at: datetime
    deadline: datetime | None
    entitlement_id: EntitlementId | None = None
    reason_code: str | None = None
    overdue: bool = False  # the custodian has kept the settlement waiting for longer than its window
    revision: int = 1
    columns: tuple[str, ...] | None = None  # that may be asked about; None for all of them
    inquiry_id: InquiryId | None = None
    negotiation_id: NegotiationId | None = None
    scope: Scope | None = None  # None: just what the listing offers
    call_auction_id: CallAuctionId | None = None
    refund_minor: int = 0  # of the price, what goes back when the rest is shared out, or will if nobody says more
    acceptance: AcceptanceTerms = AcceptanceTerms()
    ownership: Ownership | None = None  # None: the provider's part is the provider's alone
    tax: SaleTax | None = None  # in the price; None where no quote told it
    returned_minor: int = 0  # of what was shared out, what has gone back since
    released_minor: int = 0  # of the price, what was undisputed, and shared out before the rest
    credit_minor: int = 0  # of the price, what goes back for the service, however the order is concluded
    renews: ContractId | None = None  # the buyer's earlier contract for the same
    frozen_until: datetime | None = None  # by freeze orders; `rules/freeze` says what that does to its deadline
    settled_at: datetime | None = None  # from then on a claim is a late one: `late_claim`
    meter: Meter | None = None  # by which what is used is paid: `metered`
    metered_units: int | None = None  # once it is read off
    double_auction_id: DoubleAuctionId | None = None
    block_deal_id: BlockDealId | None = None
    bundle_quote_id: QuoteId | None = None  # of the bundle that it is a part of: `bundle`

    @property
    def next_actor(self) -> str | None:
        return "operator_business" if self.overdue and self.state is SETTLING else NEXT_ACTOR.get(self.state)

    @property
    def is_free(self) -> bool:
        return self.price.minor == 0

    @property
    def runs_meter(self) -> bool:
        """Whether its use is measured, and what it costs not known yet."""
        return self.meter is not None and self.metered_units is None and self.state is AWAITING_ACCEPTANCE

    @property
    def settlement(self) -> Shares | None:
        """Who gets what of the price, once the sale stands: fee and tax are of what the provider's side keeps."""
        stands = self.state in {SETTLING, SETTLED}
        return shares_of(self, self.released) + self.outstanding if stands else None

    @property
    def outstanding(self) -> Shares:
        """Who gets what of that part of the price which neither goes back nor was shared out before."""
        return shares_of(self, self.price - self.refund - self.released)

    @property
    def released(self) -> Money:
        return Money(self.released_minor, self.price.currency)

    @property
    def earned(self) -> tuple[tuple[ParticipantId, Money], ...]:
        """What each owner gets of the provider's part, once the sale stands; who gets nothing is left out."""
        return owners_of(self, self.released, self.price - self.refund - self.released) if self.settlement else ()

    @property
    def refund(self) -> Money:
        return Money(self.refund_minor, self.price.currency)

    @property
    def returned(self) -> Money:
        return Money(self.returned_minor, self.price.currency)

    @property
    def forfeits_deposit(self) -> bool:
        return self.state is DEFAULTED and self.auction_id is not None


class NoSuchOrder(NotFound):
    """You have no such order."""


class QuoteTaken(Conflict):
    """This quote has become an order already."""


class DeadlinePassed(Conflict):
    """It is too late for this."""


class NotDue(Conflict):
    """The order does not wait for this now."""


class OrderFrozen(Conflict):
    """A freeze order holds this order: nothing is signed, paid, accepted, settled or refunded until it ends."""


class MeterRuns(Conflict):
    """What is used of this order is still measured, so what it costs is not known: close its meter first, at
    `close_at`, or wait for the end of its period."""


class RefundTooHigh(Conflict):
    """No more than the price can go back."""


def place(order_id: OrderId, contract_id: ContractId, award: Award, listing: Listing, windows: Windows) -> Order:
    """The order that an award becomes, whichever mode of trading made it."""
    origin, acceptance = award.origin, listing.acceptance or standard_terms(windows)
    return Order(
        id=order_id, listing_id=award.listing_id, version_id=listing.version_id, mode=listing.mode,
        exclusive=listing.is_exclusive, buyer_id=award.buyer_id, provider_id=award.provider_id, price=award.price,
        quote_id=origin.quote_id if isinstance(origin, FromQuote) else None,
        auction_id=origin.auction_id if isinstance(origin, FromAuction) else None,
        inquiry_id=origin.inquiry_id if isinstance(origin, FromInquiry) else None,
        negotiation_id=origin.negotiation_id if isinstance(origin, FromNegotiation) else None,
        call_auction_id=origin.call_auction_id if isinstance(origin, FromCallAuction) else None,
        double_auction_id=origin.double_auction_id if isinstance(origin, FromDoubleAuction) else None,
        block_deal_id=origin.block_deal_id if isinstance(origin, FromBlockDeal) else None,
        bundle_quote_id=origin.quote_id if isinstance(origin, FromBundle) else None,
        contract_id=contract_id, fees=award.fees, state=ORDER.start, placed_at=award.awarded_at,
        windows=replace(windows, acceptance_seconds=acceptance.inspection_seconds), acceptance=acceptance,
        deadline=award.awarded_at + timedelta(seconds=windows.signing_seconds),
        columns=award.columns, scope=award.scope, ownership=listing.ownership, tax=award.tax,
        renews=award.renews, meter=award.meter,
    )  # fmt: skip


def both_signed(order: Order, now: datetime) -> Order:
    """The contract is active: the buyer pays next, or, where there is nothing to pay, takes delivery."""
    _require_due(order, AWAITING_SIGNATURES, now)
    if order.is_free:
        return _move(order, AWAITING_DELIVERY, now, order.windows.delivery_seconds)
    # A bundle is paid once all its parts are signed: the time to pay begins for all when the time to sign is over.
    begins = order.deadline if order.bundle_quote_id and order.deadline else now
    return _move(order, AWAITING_PAYMENT, begins, order.windows.payment_seconds)


def pay(order: Order, now: datetime) -> Order:
    """Requires that the whole price is in the order's escrow in the same commit."""
    _require_due(order, AWAITING_PAYMENT, now)
    return _move(order, AWAITING_DELIVERY, now, order.windows.delivery_seconds)


def deliver(order: Order, now: datetime) -> Order:
    """The first use is a delivery; every later one changes nothing. What is disputed before it is not delivered then:
    nobody claims to have received nothing, takes it, and is refunded."""
    if order.state is DISPUTED and order.reason_code == Reason.DISPUTED_UNDELIVERED:
        raise NotDue(state=order.state, next_actor=order.next_actor)
    if order.state is not AWAITING_DELIVERY:
        return order
    _require_due(order, AWAITING_DELIVERY, now)
    return _move(order, AWAITING_ACCEPTANCE, now, order.windows.acceptance_seconds)


def accept(order: Order, now: datetime) -> Order:
    """The very order, if its buyer has accepted it."""
    if order.reason_code == Reason.ACCEPTED_BY_BUYER:
        return order
    _require_due(order, AWAITING_ACCEPTANCE, now)
    return conclude(order, Reason.ACCEPTED_BY_BUYER, now)


def shares_of(order: Order, part: Money) -> Shares:
    """Who gets what of a part of the price, by the schedule frozen in the order."""
    return shares(part, order.fees.schedule)


def owners_of(order: Order, *parts: Money) -> tuple[tuple[ParticipantId, Money], ...]:
    """What each owner gets of these parts of the price, each shared out by itself; who gets nothing is left out."""
    earned = dict[ParticipantId, Money]()
    for part in parts:
        for owner, amount in shared_out(shares_of(order, part).provider, order.provider_id, order.ownership):
            earned[owner] = amount + earned.get(owner, Money(0, amount.currency))
    return tuple(earned.items())


def conclude(order: Order, reason: Reason, now: datetime, refund: Money | None = None) -> Order:
    """The order once it is clear what of its price goes back: the rest is shared out, and all of it ends the sale. What
    is credited for the service goes back too, as far as the price reaches. Raises RefundTooHigh, MeterRuns."""
    require_not_frozen(order, now)
    require_price_known(order)
    refund = refund or Money(0, order.price.currency)
    if refund.minor < 0 or refund > order.price - order.released:
        raise RefundTooHigh(price_minor=order.price.minor)
    back_minor = min(refund.minor + order.credit_minor, order.price.minor - order.released_minor)
    changes = {"reason_code": reason, "refund_minor": back_minor}
    if order.is_free:
        return _move(order, SETTLED, now, None, settled_at=now, **changes)
    if back_minor == order.price.minor:
        return _move(order, REFUNDED, now, None, **changes)
    return _move(order, SETTLING, now, order.windows.settling_seconds, **changes)


def step(order: Order, state: State, to: State, seconds: int | None, now: datetime, **changes: Any) -> Order:
    """The order moved on from a state in time. Raises NotDue, DeadlinePassed."""
    _require_due(order, state, now)
    return _move(order, to, now, seconds, **changes)


def confirm_settlement(order: Order, now: datetime) -> Order:
    """Requires that the custodian has paid everyone their share. A second confirmation changes nothing."""
    if order.state not in {SETTLING, SETTLED}:
        raise NotDue(state=order.state, next_actor=order.next_actor)
    return order if order.state is SETTLED else _move(order, SETTLED, now, None, settled_at=now)


def forbid(order: Order, reason_code: str, now: datetime) -> Order:
    """An unpaid order that its grade, or the rest of its bundle, no longer allows ends, at nobody's cost."""
    return _move(order, LAPSED, now, None, reason_code=reason_code)


def is_frozen(order: Order, now: datetime) -> bool:
    return order.frozen_until is not None and now < order.frozen_until


def require_not_frozen(order: Order, now: datetime) -> None:
    if is_frozen(order, now):
        raise OrderFrozen(frozen_until=order.frozen_until)


def require_price_known(order: Order) -> None:
    """Raises MeterRuns."""
    if order.runs_meter:
        raise MeterRuns(close_at=f"/trading/v1/orders/{order.id}/meter/closing", until=order.deadline)


def deadline_has_passed(order: Order, now: datetime) -> bool:
    """Never while it is frozen: what was due then is due when the freeze ends."""
    return order.deadline is not None and now >= order.deadline and not is_frozen(order, now)


def pass_deadline(order: Order, signed: frozenset[str], now: datetime) -> Order:
    """The order once its deadline has passed. `signed` says who has signed: "buyer", "provider".

    Whoever wins an auction and does not sign what the provider has signed defaults as if they did not pay.
    """
    if not deadline_has_passed(order, now):
        raise NotDue(state=order.state, deadline=order.deadline)
    match order.state:
        case State.AWAITING_SIGNATURES:
            return _unsigned(order, signed, now)
        case State.AWAITING_PAYMENT:
            return _move(order, DEFAULTED, now, None, reason_code=Reason.PAYMENT_OVERDUE)
        case State.AWAITING_DELIVERY:
            return _move(order, REFUNDED, now, None, reason_code=Reason.NOT_DELIVERED)
        case State.AWAITING_ACCEPTANCE:
            return conclude(order, Reason.ACCEPTED_BY_DEADLINE, now)
        case State.OBJECTED:
            return conclude(order, Reason.PROVIDER_SILENT, now, order.refund)
        case State.ANSWERED:
            kept = Reason.PART_TAKEN_BY_DEADLINE if order.refund_minor else Reason.OBJECTION_NOT_PURSUED
            return conclude(order, kept, now, order.refund)
        case State.DISPUTED:
            raise NotDue(state=order.state, next_actor=order.next_actor)
        case _:
            # Only the custodian knows that money has moved. Time calls a person, it settles nothing.
            overdue = now + timedelta(seconds=order.windows.settling_seconds)
            return replace(order, deadline=overdue, overdue=True, revision=order.revision + 1)


def _unsigned(order: Order, signed: frozenset[str], now: datetime) -> Order:
    if "provider" in signed and "buyer" not in signed:
        to = DEFAULTED if order.auction_id else LAPSED
        return _move(order, to, now, None, reason_code=Reason.NOT_SIGNED_BY_BUYER)
    reason = Reason.NOT_SIGNED_BY_PROVIDER if signed else Reason.NOT_SIGNED
    return _move(order, LAPSED, now, None, reason_code=reason)


def _require_due(order: Order, state: State, now: datetime) -> None:
    if order.state is not state:
        raise NotDue(state=order.state, next_actor=order.next_actor)
    require_not_frozen(order, now)
    if deadline_has_passed(order, now):
        raise DeadlinePassed(deadline=order.deadline)


def _move(order: Order, to: State, now: datetime, seconds: int | None, **changes: Any) -> Order:
    deadline = None if seconds is None else now + timedelta(seconds=seconds)
    return replace(
        order, state=ORDER.move(order.state, to), deadline=deadline, revision=order.revision + 1, **changes
    )  # fmt: skip
