"""The facts of objections to what was delivered. Each is complete, with the order's state after it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.entitlement import Entitlement
from services.trading.rules.objection import Ground, Kind, Objection
from services.trading.rules.order import Order
from services.trading.rules.order import State as OrderState
from shared.facts import Category, Fact
from shared.ids import ContractId, EntitlementId, OrderId, ParticipantId, VersionId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class OrderObjected(Fact):
    """The buyer does not accept what was delivered, and asks for some of the price back."""

    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    number: int
    grounds: tuple[Ground, ...]
    amount: Money
    reason: str
    state: OrderState
    deadline: datetime | None
    revision: int

    @classmethod
    def of(cls, order: Order, objection: Objection) -> Self:
        said = objection.said
        return cls(
            order.id, order.contract_id, order.version_id, order.buyer_id, order.provider_id, objection.number,
            said.grounds, said.claim, said.reason, order.state, order.deadline, order.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ObjectionAnswered(Fact):
    """What the provider says to an objection, and what of the price goes back by that."""

    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    number: int
    answer: Kind
    refund: Money
    reason: str
    state: OrderState
    deadline: datetime | None
    revision: int

    @classmethod
    def of(cls, order: Order, objection: Objection) -> Self:
        """Requires an objection that was answered."""
        answer = objection.answer
        assert answer is not None
        return cls(
            order.id, order.contract_id, order.buyer_id, order.provider_id, objection.number, answer.kind,
            answer.refund, answer.reason, order.state, order.deadline, order.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ObjectionFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    number: int
    reason_code: str | None
    refund: Money
    state: OrderState
    deadline: datetime | None
    revision: int

    @classmethod
    def of(cls, order: Order, objection: Objection) -> Self:
        return cls(
            order.id, order.contract_id, order.buyer_id, order.provider_id, objection.number, order.reason_code,
            order.refund, order.state, order.deadline, order.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OfferedPartDeclined(ObjectionFact):
    """The buyer does not take the part that was offered."""


@dataclass(frozen=True, slots=True)
class ObjectionEnded(ObjectionFact):
    """Cured, conceded, taken in part, withdrawn, not pursued or not answered: the reason says which."""


@dataclass(frozen=True, slots=True)
class EntitlementRestored(Fact):
    """The provider delivers anew: the buyer may receive once more."""

    category: ClassVar[Category] = Category.DELIVERY
    entitlement_id: EntitlementId
    order_id: OrderId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    quota_uses: int
    uses_left: int
    revision: int

    @classmethod
    def of(cls, entitlement: Entitlement) -> Self:
        return cls(
            entitlement.id, entitlement.order_id, entitlement.contract_id, entitlement.version_id,
            entitlement.buyer_id, entitlement.quota_uses, entitlement.uses_left, entitlement.revision,
        )  # fmt: skip
