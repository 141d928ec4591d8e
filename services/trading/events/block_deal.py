"""The facts of a block deal. The offer tells each part in a fact of its own, in one commit, for all together may be
more than a fact can hold; the hash in the head binds them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.award import FrozenFees
from services.trading.rules.block_deal import BlockDeal, Reference, State
from services.trading.rules.negotiation import Approval, Ending
from services.trading.rules.negotiation_terms import Terms
from shared.facts import Category, Fact
from shared.ids import BlockDealId, OrderId, ParticipantId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class BlockDealFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    block_deal_id: BlockDealId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    state: State
    deadline: datetime | None
    revision: int


@dataclass(frozen=True, slots=True)
class BlockDealOffered(BlockDealFact):
    """A provider offers several listings to one buyer, together."""

    amount: Money
    parts: int
    terms_hash: str
    band_basis_points: int
    grounds: str | None
    fees: FrozenFees
    approval_seconds: int

    @classmethod
    def of(cls, deal: BlockDeal) -> Self:
        return cls(
            *_head(deal), deal.total, len(deal.parts), deal.terms_hash, deal.band_basis_points, deal.grounds,
            deal.fees, deal.approval_seconds,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BlockPartOffered(Fact):
    """One part of it, with the reference price that its own was measured by."""

    category: ClassVar[Category] = Category.TRADE
    block_deal_id: BlockDealId
    number: int
    terms: Terms
    reference: Reference | None


@dataclass(frozen=True, slots=True)
class BlockDealAccepted(BlockDealFact):
    """The buyer takes all parts, by the hash of their terms."""

    terms_hash: str

    @classmethod
    def of(cls, deal: BlockDeal) -> Self:
        return cls(*_head(deal), deal.terms_hash)


@dataclass(frozen=True, slots=True)
class BlockDealApproved(BlockDealFact):
    """An operator approves it, and says why; each part is an order by the same commit."""

    approval: Approval
    order_ids: tuple[OrderId, ...]

    @classmethod
    def of(cls, deal: BlockDeal) -> Self:
        """Requires the approval."""
        assert deal.approval
        return cls(*_head(deal), deal.approval, deal.order_ids)


@dataclass(frozen=True, slots=True)
class BlockDealTerminated(BlockDealFact):
    """There is no deal: the ending says who brought that about, and why."""

    reason_code: str
    ending: Ending

    @classmethod
    def of(cls, deal: BlockDeal) -> Self:
        """Requires the ending."""
        assert deal.ending
        return cls(*_head(deal), deal.ending.reason_code, deal.ending)


def facts_of_offer(deal: BlockDeal) -> Iterator[Fact]:
    yield BlockDealOffered.of(deal)
    for number, part in enumerate(deal.parts, 1):
        yield BlockPartOffered(deal.id, number, part.terms, part.reference)


Head = tuple[BlockDealId, ParticipantId, ParticipantId, State, datetime | None, int]


def _head(deal: BlockDeal) -> Head:
    return deal.id, deal.provider_id, deal.buyer_id, deal.state, deal.deadline, deal.revision
