"""What crosses the wire about orders and entitlements."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.trading.rules.award import Acceptance
from services.trading.rules.entitlement import Entitlement, Use
from services.trading.rules.entitlement import State as EntitlementState
from services.trading.rules.metered import reserved
from services.trading.rules.order import Order
from services.trading.rules.order import State as OrderState
from services.trading.schemas.acceptance import AcceptanceView
from services.trading.schemas.listings import OwnershipView
from services.trading.schemas.words import TotalAmount
from shared.grades import Condition, Mode
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
    UseId,
    VersionId,
)
from shared.money import Money
from shared.web import Request, View


class NewOrder(Request):
    """Your yes to a quote: its version and its total are named, so that nothing is paid unseen."""

    listing_id: ListingId
    quote_id: QuoteId
    quote_version: Annotated[int, Limits(ge=1, le=2**31 - 1)]
    total: TotalAmount

    def acceptance(self) -> Acceptance:
        return Acceptance(self.quote_id, self.quote_version, self.total.money())


class EarnedView(View):
    participant_id: ParticipantId
    amount: Money


class SettlementView(View):
    """The price, what of it goes back to the buyer, and who gets the rest."""

    price: Money
    refund: Money
    provider: Money
    fee: Money
    tax: Money


class UnitTierView(View):
    up_to: int | None
    unit_price: Money


class MeterView(View):
    """What units cost, as the quote said."""

    tiers: list[UnitTierView]
    discounts: list[int]
    tax_basis_points: int
    tax_inclusive: bool
    units_max: int
    currency: str


class OrderView(View):
    """`settlement` says who gets what, once the sale stands, and `earned` how several owners share the provider's part;
    `returned` has gone back to the buyer since.
    `quota_uses` and `period_days` are what its price buys; null leaves them to the listing. With a `meter`, `price` is
    what was `reserved` until `metered_units` are read off, and from then on what these cost."""

    id: OrderId
    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    buyer_id: ParticipantId
    provider_id: ParticipantId
    price: Money
    quote_id: QuoteId | None
    auction_id: AuctionId | None
    inquiry_id: InquiryId | None
    negotiation_id: NegotiationId | None
    call_auction_id: CallAuctionId | None
    double_auction_id: DoubleAuctionId | None
    block_deal_id: BlockDealId | None
    bundle_quote_id: QuoteId | None
    contract_id: ContractId
    renews: ContractId | None
    entitlement_id: EntitlementId | None
    quota_uses: int | None
    period_days: int | None
    columns: list[str] | None
    state: OrderState
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None
    ownership: OwnershipView | None
    settlement: SettlementView | None
    acceptance: AcceptanceView
    earned: list[EarnedView]
    returned: Money
    frozen_until: datetime | None
    placed_at: datetime
    meter: MeterView | None = None
    metered_units: int | None = None
    reserved: Money | None = None

    @classmethod
    def of(cls, order: Order) -> Self:
        shares, told = order.settlement, None
        if shares is not None:
            told = SettlementView(
                price=order.price, refund=order.refund, provider=shares.provider, fee=shares.fee, tax=shares.tax
            )  # fmt: skip
        return cls(
            id=order.id, listing_id=order.listing_id, version_id=order.version_id, mode=order.mode,
            buyer_id=order.buyer_id, provider_id=order.provider_id, price=order.price, quote_id=order.quote_id,
            auction_id=order.auction_id, inquiry_id=order.inquiry_id, negotiation_id=order.negotiation_id,
            call_auction_id=order.call_auction_id, double_auction_id=order.double_auction_id,
            block_deal_id=order.block_deal_id, bundle_quote_id=order.bundle_quote_id,
            contract_id=order.contract_id, renews=order.renews, entitlement_id=order.entitlement_id,
            quota_uses=order.scope and order.scope.quota_uses,
            period_days=order.scope and order.scope.right.period_days,
            columns=None if order.columns is None else list(order.columns),
            state=order.state, next_actor=order.next_actor, deadline=order.deadline, reason_code=order.reason_code,
            acceptance=AcceptanceView.model_validate(order.acceptance),
            ownership=order.ownership and OwnershipView.model_validate(order.ownership), settlement=told,
            earned=[EarnedView(participant_id=owner, amount=amount) for owner, amount in order.earned],
            returned=order.returned, frozen_until=order.frozen_until, placed_at=order.placed_at,
            meter=order.meter and MeterView.model_validate(order.meter), metered_units=order.metered_units,
            reserved=reserved(order),
        )  # fmt: skip


class EntitlementView(View):
    id: EntitlementId
    order_id: OrderId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    mode: Mode
    purposes: list[str]
    quota_uses: int
    uses_left: int
    columns: list[str] | None
    state: EntitlementState
    next_actor: str | None
    begins_at: datetime | None
    deadline: datetime | None
    reason_code: str | None
    granted_at: datetime

    @classmethod
    def of(cls, entitlement: Entitlement) -> Self:
        return cls.model_validate(entitlement)


class NewUse(Request):
    """`grade_revision` is the one by whose grade delivery has decided, `on_record` what it has on record itself;
    `columns` what the use reads, where delivery can tell."""

    use_id: UseId
    grade_revision: Annotated[int, Limits(ge=1, le=2**31 - 1)]
    on_record: Annotated[list[Annotated[Condition, Limits(strict=False)]], Limits(max_length=len(Condition))] = []
    columns: Annotated[
        list[Annotated[str, Limits(min_length=1, max_length=1_000)]] | None, Limits(max_length=10_000)
    ] = None


class UseView(View):
    use_id: UseId
    entitlement_id: EntitlementId
    contract_id: ContractId
    order_id: OrderId
    buyer_id: ParticipantId
    version_id: VersionId
    mode: Mode
    purposes: list[str]
    uses_left: int

    @classmethod
    def of(cls, use: Use) -> Self:
        return cls.model_validate(use)
