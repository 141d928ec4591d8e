"""The facts of what becomes of contracts. Each is complete: what was changed, ended or printed can be told again."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.contract import Contract, Side
from services.trading.rules.entitlement import Entitlement
from services.trading.rules.order import Order
from services.trading.rules.scope import Scope
from services.trading.rules.termination import State as TerminationState
from services.trading.rules.termination import Termination
from shared.facts import Category, Fact
from shared.ids import ContractId, EntitlementId, OrderId, ParticipantId, TerminationId, VersionId


@dataclass(frozen=True, slots=True)
class ContractDocumented(Fact):
    """What both signed was printed: the SHA-256 of the PDF, and what it prints. The bytes are kept beside the log."""

    category: ClassVar[Category] = Category.TRADE
    contract_id: ContractId
    order_id: OrderId
    document_hash: str
    document_bytes: int
    terms_hash: str
    text_hash: str
    revision: int

    @classmethod
    def of(cls, contract: Contract, content: bytes) -> Self:
        """Requires a contract that has its document."""
        assert contract.document_hash and contract.text_hash
        return cls(
            contract.id, contract.order_id, contract.document_hash, len(content), contract.terms_hash,
            contract.text_hash, contract.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AmendmentProposed(Fact):
    """One side wants a contract in force to be replaced. `terms` are the canonical JSON that the hash is of."""

    category: ClassVar[Category] = Category.TRADE
    contract_id: ContractId
    order_id: OrderId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    supersedes: ContractId
    proposed_by: Side
    terms: str
    terms_hash: str
    deadline: datetime | None

    @classmethod
    def of(cls, contract: Contract) -> Self:
        """Requires an amendment."""
        assert contract.supersedes and contract.proposed_by
        return cls(
            contract.id, contract.order_id, contract.buyer_id, contract.provider_id, contract.supersedes,
            contract.proposed_by, contract.terms, contract.terms_hash, contract.deadline,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AmendmentRefused(Fact):
    """One side will not sign an amendment, or takes its own back; `reason` are its words."""

    category: ClassVar[Category] = Category.TRADE
    contract_id: ContractId
    order_id: OrderId
    supersedes: ContractId
    reason_code: str
    reason: str
    revision: int

    @classmethod
    def of(cls, contract: Contract) -> Self:
        """Requires an amendment that was refused."""
        assert contract.supersedes and contract.reason_code and contract.reason
        return cls(
            contract.id, contract.order_id, contract.supersedes, contract.reason_code, contract.reason,
            contract.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ContractSuperseded(Fact):
    """Both have signed what replaces this contract."""

    category: ClassVar[Category] = Category.TRADE
    contract_id: ContractId
    order_id: OrderId
    superseded_by: ContractId
    reason_code: str
    revision: int

    @classmethod
    def of(cls, contract: Contract) -> Self:
        """Requires a superseded contract."""
        assert contract.superseded_by and contract.reason_code
        return cls(contract.id, contract.order_id, contract.superseded_by, contract.reason_code, contract.revision)


@dataclass(frozen=True, slots=True)
class OrderAmended(Fact):
    """An order goes on under another contract: what it grants, and how long its buyer may inspect."""

    category: ClassVar[Category] = Category.TRADE
    order_id: OrderId
    contract_id: ContractId
    scope: Scope
    acceptance_seconds: int
    revision: int

    @classmethod
    def of(cls, order: Order) -> Self:
        """Requires an amended order."""
        assert order.scope
        return cls(order.id, order.contract_id, order.scope, order.windows.acceptance_seconds, order.revision)


@dataclass(frozen=True, slots=True)
class EntitlementAmended(Fact):
    """A right goes on under another contract: for these purposes, so often and so long."""

    category: ClassVar[Category] = Category.DELIVERY
    entitlement_id: EntitlementId
    order_id: OrderId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    purposes: tuple[str, ...]
    quota_uses: int
    uses_left: int
    begins_at: datetime | None
    deadline: datetime | None
    revision: int

    @classmethod
    def of(cls, right: Entitlement) -> Self:
        return cls(
            right.id, right.order_id, right.contract_id, right.version_id, right.buyer_id, right.purposes,
            right.quota_uses, right.uses_left, right.begins_at, right.deadline, right.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TerminationProposed(Fact):
    """One side wants a contract to end before its time, and says why."""

    category: ClassVar[Category] = Category.TRADE
    termination_id: TerminationId
    contract_id: ContractId
    proposed_by: Side
    reason_code: str
    reason: str
    deadline: datetime | None

    @classmethod
    def of(cls, proposed: Termination) -> Self:
        return cls(
            proposed.id, proposed.contract_id, proposed.proposed_by, proposed.ground, proposed.reason, proposed.deadline
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TerminationAnswered(Fact):
    """Agreed to, contested, or left without an answer until the deadline: the state says which, the words say why."""

    category: ClassVar[Category] = Category.TRADE
    termination_id: TerminationId
    contract_id: ContractId
    state: TerminationState
    reason_code: str | None
    answer: str | None
    revision: int

    @classmethod
    def of(cls, proposed: Termination) -> Self:
        return cls(
            proposed.id, proposed.contract_id, proposed.state, proposed.reason_code, proposed.answer, proposed.revision
        )  # fmt: skip
