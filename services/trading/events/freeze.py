"""The facts of freeze orders, and of the orders of the market that they hold. Listings, entitlements and auctions tell
of themselves what a freeze makes of them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.freeze import Freeze, Ground, LiftGround, Scope, State, Subject
from services.trading.rules.order import Order
from services.trading.rules.order import State as OrderState
from shared.facts import Category, Fact, Retention
from shared.ids import ContractId, FreezeId, OrderId, ParticipantId


@dataclass(frozen=True, slots=True)
class FreezeProposed(Fact):
    """The first of two persons would have this held until then. Who acts in a fact is its actor."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    freeze_id: FreezeId
    scope: Scope
    subject_id: Subject
    owner_id: ParticipantId
    counterparty_id: ParticipantId | None
    reason_code: Ground
    legal_basis: str
    case_reference: str | None
    expires_at: datetime
    deadline: datetime | None
    revision: int

    @classmethod
    def of(cls, freeze: Freeze) -> Self:
        held, basis = freeze.held, freeze.basis
        return cls(
            freeze.id, held.scope, held.subject_id, held.owner_id, held.counterparty_id, basis.ground,
            basis.legal_basis, basis.case_reference, freeze.expires_at, freeze.deadline, freeze.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FreezeFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    freeze_id: FreezeId
    scope: Scope
    subject_id: Subject
    state: State
    reason_code: str | None
    in_force_at: datetime | None
    ended_at: datetime | None
    deadline: datetime | None
    revision: int

    @classmethod
    def of(cls, freeze: Freeze) -> Self:
        return cls(
            freeze.id, freeze.held.scope, freeze.held.subject_id, freeze.state, freeze.reason_code, freeze.in_force_at,
            freeze.ended_at, freeze.deadline, freeze.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FreezeConfirmed(FreezeFact):
    """The second person agrees: from now on it holds."""


@dataclass(frozen=True, slots=True)
class FreezeLapsed(FreezeFact):
    """Nobody confirmed it in its time: nothing was held."""


@dataclass(frozen=True, slots=True)
class FreezeLifted(FreezeFact):
    """Two persons ended it early."""


@dataclass(frozen=True, slots=True)
class FreezeExpired(FreezeFact):
    """It ended by itself, at the moment that it says."""


@dataclass(frozen=True, slots=True)
class LiftingProposed(Fact):
    """The first of two persons would lift it."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    freeze_id: FreezeId
    reason_code: LiftGround
    proposed_at: datetime
    revision: int

    @classmethod
    def of(cls, freeze: Freeze) -> Self:
        assert freeze.lifting is not None
        return cls(freeze.id, freeze.lifting.ground, freeze.lifting.proposed_at, freeze.revision)


@dataclass(frozen=True, slots=True)
class OrderClockMoved(Fact):
    """Freeze orders hold an order until then; its deadline, and that for signing its contract, moved as far."""

    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    contract_id: ContractId
    state: OrderState
    frozen_until: datetime | None
    deadline: datetime | None
    revision: int

    @classmethod
    def of(cls, order: Order) -> Self:
        return cls(order.id, order.contract_id, order.state, order.frozen_until, order.deadline, order.revision)
