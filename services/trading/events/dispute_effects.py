"""What a dispute does to an order, its right and the wallets, as facts."""

from dataclasses import dataclass, field
from typing import ClassVar, Self

from services.trading.events.deals import EntitlementFact, OrderFact
from services.trading.rules.arbitration_fee import FeeHold
from services.trading.rules.demand import Side
from services.trading.rules.entitlement import Entitlement
from services.trading.rules.order import Order
from shared.facts import Category, Fact
from shared.ids import DisputeId, FactId, ParticipantId, TransferId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class OrderDisputed(OrderFact):
    """Its money waits for the end of a dispute."""


@dataclass(frozen=True, slots=True)
class OrderResumed(OrderFact):
    """The dispute was withdrawn, and the order goes on."""


@dataclass(frozen=True, slots=True)
class OrderDivided(OrderFact):
    """By a dispute: what of its price nobody disputes is shared out first (`released`), what goes back is `refund`."""

    released: Money
    refund: Money

    @classmethod
    def of(cls, order: Order) -> Self:
        return cls(
            order.id, order.contract_id, order.buyer_id, order.provider_id, order.state, order.reason_code,
            order.price, order.deadline, order.entitlement_id, order.revision, order.released, order.refund,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntitlementEnlarged(EntitlementFact):
    """One more use, to make good what was delivered badly."""

    quota_uses: int

    @classmethod
    def of(cls, entitlement: Entitlement) -> Self:
        return cls(
            entitlement.id, entitlement.order_id, entitlement.contract_id, entitlement.version_id,
            entitlement.buyer_id, entitlement.state, entitlement.reason_code, entitlement.grade_revision,
            entitlement.revision, entitlement.quota_uses,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArbitrationFeeFact(Fact):
    category: ClassVar[Category] = Category.MONEY
    hold_id: TransferId
    dispute_id: DisputeId
    round: int
    side: Side
    participant_id: ParticipantId
    amount: Money
    fact_id: FactId | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, hold: FeeHold, fact_id: FactId) -> Self:
        return cls(
            hold.id, hold.dispute_id, hold.number, hold.side, hold.participant_id, hold.amount, fact_id=fact_id
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArbitrationFeeHeld(ArbitrationFeeFact):
    """One side's fee is set aside."""


@dataclass(frozen=True, slots=True)
class ArbitrationFeeReleased(ArbitrationFeeFact):
    """It went back, whole."""


@dataclass(frozen=True, slots=True)
class ArbitrationFeeCharged(ArbitrationFeeFact):
    """So much of it is to be paid, and the rest went back."""

    charged: Money
