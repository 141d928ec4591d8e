"""The facts of listings, orders, contracts and entitlements. Each is complete: the deal can be rebuilt from them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.acceptance_terms import AcceptanceTerms
from services.trading.rules.award import FrozenFees, SaleTax
from services.trading.rules.co_owner import Ownership
from services.trading.rules.contract import Contract, Person, Signature
from services.trading.rules.contract import State as ContractState
from services.trading.rules.entitlement import Entitlement, Use
from services.trading.rules.entitlement import State as EntitlementState
from services.trading.rules.listing import Listing
from services.trading.rules.listing import State as ListingState
from services.trading.rules.market_rules import Windows
from services.trading.rules.mechanism import Mechanism, Pricing
from services.trading.rules.order import Order
from services.trading.rules.order import State as OrderState
from services.trading.rules.right import Right
from services.trading.rules.scope import Scope
from shared.facts import Category, Fact, Outcome
from shared.grades import Decision, Flag, Grade, Mode
from shared.ids import (
    AssetId,
    AuctionId,
    BlockDealId,
    CallAuctionId,
    ContractId,
    DoubleAuctionId,
    EntitlementId,
    InquiryId,
    KeyId,
    ListingId,
    NegotiationId,
    OrderId,
    ParticipantId,
    PlanId,
    QuoteId,
    UseId,
    VersionId,
)
from shared.metering import Meter
from shared.money import Money


@dataclass(frozen=True, slots=True)
class ListingOpened(Fact):
    """A provider puts a registered version on offer."""

    category: ClassVar[Category] = Category.TRADE
    listing_id: ListingId
    provider_id: ParticipantId
    asset_id: AssetId
    version_id: VersionId
    title: str
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int
    content_hash: str
    mode: Mode
    right: Right
    purposes: tuple[str, ...]
    quota_uses: int
    pricing: Pricing
    mechanism: Mechanism | None
    plan_id: PlanId | None
    deadline: datetime | None
    revision: int
    acceptance: AcceptanceTerms | None
    ownership: Ownership | None

    @classmethod
    def of(cls, listing: Listing) -> Self:
        return cls(
            listing.id, listing.provider_id, listing.asset_id, listing.version_id, listing.title, listing.grade,
            listing.flags, listing.grade_revision, listing.content_hash, listing.mode, listing.right, listing.purposes,
            listing.quota_uses, listing.pricing, listing.mechanism, listing.plan_id, listing.deadline, listing.revision,
            listing.acceptance,
            listing.ownership,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListingFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    listing_id: ListingId
    provider_id: ParticipantId
    version_id: VersionId
    state: ListingState
    reason_code: str | None
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int
    deadline: datetime | None
    revision: int

    @classmethod
    def of(cls, listing: Listing) -> Self:
        return cls(
            listing.id, listing.provider_id, listing.version_id, listing.state, listing.reason_code, listing.grade,
            listing.flags, listing.grade_revision, listing.deadline, listing.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListingSuspended(ListingFact):
    """Not on offer for the time being."""


@dataclass(frozen=True, slots=True)
class ListingResumed(ListingFact):
    """On offer again."""


@dataclass(frozen=True, slots=True)
class ListingRegraded(ListingFact):
    """Still on offer, under another grade."""


@dataclass(frozen=True, slots=True)
class ListingClosed(ListingFact):
    """Sold, or taken off: the state says which."""


@dataclass(frozen=True, slots=True)
class OrderPlaced(Fact):
    """A buyer is to have a version at a price, by whichever way of trading: one of its ids says which."""

    category: ClassVar[Category] = Category.TRADE
    schema_version: ClassVar[int] = 3  # from the second on, `meter`; from the third, `bundle_quote_id`
    order_id: OrderId
    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    exclusive: bool
    buyer_id: ParticipantId
    provider_id: ParticipantId
    amount: Money
    quote_id: QuoteId | None
    auction_id: AuctionId | None
    inquiry_id: InquiryId | None
    negotiation_id: NegotiationId | None
    contract_id: ContractId
    fees: FrozenFees
    windows: Windows
    deadline: datetime | None
    scope: Scope | None
    call_auction_id: CallAuctionId | None
    acceptance: AcceptanceTerms
    ownership: Ownership | None
    tax: SaleTax | None
    renews: ContractId | None
    meter: Meter | None
    double_auction_id: DoubleAuctionId | None
    block_deal_id: BlockDealId | None
    bundle_quote_id: QuoteId | None

    @classmethod
    def of(cls, order: Order) -> Self:
        return cls(
            order.id, order.listing_id, order.version_id, order.mode, order.exclusive, order.buyer_id,
            order.provider_id, order.price, order.quote_id, order.auction_id, order.inquiry_id, order.negotiation_id,
            order.contract_id, order.fees, order.windows, order.deadline, order.scope, order.call_auction_id,
            order.acceptance, order.ownership, order.tax, order.renews, order.meter,
            order.double_auction_id, order.block_deal_id, order.bundle_quote_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    state: OrderState
    reason_code: str | None
    amount: Money
    deadline: datetime | None
    entitlement_id: EntitlementId | None
    revision: int

    @classmethod
    def of(cls, order: Order) -> Self:
        return cls(
            order.id, order.contract_id, order.buyer_id, order.provider_id, order.state, order.reason_code,
            order.price, order.deadline, order.entitlement_id, order.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OrderPaid(OrderFact):
    """The whole price is in escrow."""


@dataclass(frozen=True, slots=True)
class OrderDelivered(OrderFact):
    """The buyer has had the content for the first time; the inspection period begins."""


@dataclass(frozen=True, slots=True)
class OrderAccepted(OrderFact):
    """By the buyer or by the deadline: the reason says which."""


@dataclass(frozen=True, slots=True)
class OrderEnded(OrderFact):
    """Without a sale: lapsed, defaulted or refunded."""


@dataclass(frozen=True, slots=True)
class SettlementOverdue(OrderFact):
    """An alarm: the custodian keeps a settlement waiting."""

    outcome: ClassVar[Outcome] = "error"


@dataclass(frozen=True, slots=True)
class ContractDrafted(Fact):
    """`terms` are the canonical JSON that the hash is of."""

    category: ClassVar[Category] = Category.TRADE
    contract_id: ContractId
    order_id: OrderId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    terms: str
    terms_hash: str
    deadline: datetime | None

    @classmethod
    def of(cls, contract: Contract) -> Self:
        return cls(
            contract.id, contract.order_id, contract.buyer_id, contract.provider_id, contract.terms,
            contract.terms_hash, contract.deadline,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContractSigned(Fact):
    """One side signed the terms; the key stands here, so that anyone can verify the signature, or the person who signed
    after a fresh proof of who they are."""

    category: ClassVar[Category] = Category.TRADE
    schema_version: ClassVar[int] = 2  # from the second on, `person`
    contract_id: ContractId
    order_id: OrderId
    participant_id: ParticipantId
    side: str
    key_id: KeyId | None
    public_key: str | None
    signature: str | None
    terms_hash: str
    revision: int
    person: Person | None

    @classmethod
    def of(cls, contract: Contract, signature: Signature) -> Self:
        return cls(
            contract.id, contract.order_id, signature.participant_id, signature.side, signature.key_id,
            signature.public_key, signature.signature, contract.terms_hash, contract.revision,
            signature.person,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContractFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    contract_id: ContractId
    order_id: OrderId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    terms_hash: str
    state: ContractState
    reason_code: str | None
    revision: int

    @classmethod
    def of(cls, contract: Contract) -> Self:
        return cls(
            contract.id, contract.order_id, contract.buyer_id, contract.provider_id, contract.terms_hash,
            contract.state, contract.reason_code, contract.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContractActivated(ContractFact):
    """Both sides have signed."""


@dataclass(frozen=True, slots=True)
class ContractEnded(ContractFact):
    """Fulfilled, lapsed or terminated: the state says which."""


@dataclass(frozen=True, slots=True)
class EntitlementGranted(Fact):
    """A buyer may have a version in this form, for these purposes, in this territory, so often and so long."""

    category: ClassVar[Category] = Category.DELIVERY
    is_high_risk: ClassVar[bool] = True
    entitlement_id: EntitlementId
    order_id: OrderId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    mode: Mode
    exclusive: bool
    purposes: tuple[str, ...]
    quota_uses: int
    grade_revision: int
    begins_at: datetime | None
    deadline: datetime | None
    territory: str

    @classmethod
    def of(cls, entitlement: Entitlement, territory: str) -> Self:
        return cls(
            entitlement.id, entitlement.order_id, entitlement.contract_id, entitlement.version_id, entitlement.buyer_id,
            entitlement.provider_id, entitlement.mode, entitlement.exclusive, entitlement.purposes,
            entitlement.quota_uses, entitlement.grade_revision, entitlement.begins_at, entitlement.deadline, territory,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntitlementUsed(Fact):
    """A buyer makes one use of its right."""

    category: ClassVar[Category] = Category.DELIVERY
    is_high_risk: ClassVar[bool] = True
    use_id: UseId
    entitlement_id: EntitlementId
    contract_id: ContractId
    order_id: OrderId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    grade: Grade
    grade_revision: int
    decision: Decision
    uses_left: int
    revision: int

    @classmethod
    def of(cls, use: Use, entitlement: Entitlement, grade: Grade, grade_revision: int, decision: Decision) -> Self:
        return cls(
            use.use_id, use.entitlement_id, use.contract_id, use.order_id, use.version_id, use.buyer_id, use.mode,
            grade, grade_revision, decision, use.uses_left, entitlement.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntitlementFact(Fact):
    category: ClassVar[Category] = Category.DELIVERY
    entitlement_id: EntitlementId
    order_id: OrderId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    state: EntitlementState
    reason_code: str | None
    grade_revision: int
    revision: int

    @classmethod
    def of(cls, entitlement: Entitlement) -> Self:
        return cls(
            entitlement.id, entitlement.order_id, entitlement.contract_id, entitlement.version_id, entitlement.buyer_id,
            entitlement.state, entitlement.reason_code, entitlement.grade_revision, entitlement.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntitlementSuspended(EntitlementFact):
    """The right rests for the time being."""


@dataclass(frozen=True, slots=True)
class EntitlementResumed(EntitlementFact):
    """The right may be used again."""


@dataclass(frozen=True, slots=True)
class EntitlementRegraded(EntitlementFact):
    """The grade changed, the right did not."""


@dataclass(frozen=True, slots=True)
class EntitlementEnded(EntitlementFact):
    """The right is over: the reason says why."""
