"""The facts of a negotiation. They carry each command as it was taken, with its moment, so that folding them by the
rules gives the state again, and an offer that led to nothing stays in the log as one that did.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.negotiation import Approval, Ending, Negotiation, State, Yes
from services.trading.rules.negotiation_terms import Manner, Offer
from shared.facts import Category, Fact
from shared.ids import ContractId, ListingId, NegotiationId, OrderId, ParticipantId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class NegotiationFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    negotiation_id: NegotiationId
    listing_id: ListingId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    state: State
    deadline: datetime | None
    revision: int


@dataclass(frozen=True, slots=True)
class NegotiationOpened(NegotiationFact):
    """Two parties begin to bargain, by a buyer's request or by a provider's offer to one buyer."""

    manner: Manner
    offer: Offer
    amount: Money

    @classmethod
    def of(cls, negotiation: Negotiation) -> Self:
        return cls(*_head(negotiation), negotiation.manner, negotiation.offer, negotiation.offer.terms.price)


@dataclass(frozen=True, slots=True)
class NegotiationAnswered(NegotiationFact):
    """A counter-offer, whole, in place of the one that it answers."""

    offer: Offer
    amount: Money

    @classmethod
    def of(cls, negotiation: Negotiation) -> Self:
        return cls(*_head(negotiation), negotiation.offer, negotiation.offer.terms.price)


@dataclass(frozen=True, slots=True)
class NegotiationAccepted(NegotiationFact):
    """One side takes the other's offer, by its id and the hash of its terms."""

    yes: Yes
    amount: Money

    @classmethod
    def of(cls, negotiation: Negotiation) -> Self:
        """Requires the yes."""
        assert negotiation.yes
        return cls(*_head(negotiation), negotiation.yes, negotiation.offer.terms.price)


@dataclass(frozen=True, slots=True)
class NegotiationApproved(NegotiationFact):
    """An operator approves a directed deal, and says why."""

    approval: Approval

    @classmethod
    def of(cls, negotiation: Negotiation) -> Self:
        """Requires the approval."""
        assert negotiation.approval
        return cls(*_head(negotiation), negotiation.approval)


@dataclass(frozen=True, slots=True)
class NegotiationContracted(NegotiationFact):
    order_id: OrderId
    contract_id: ContractId

    @classmethod
    def of(cls, negotiation: Negotiation) -> Self:
        """Requires the order."""
        assert negotiation.order_id and negotiation.contract_id
        return cls(*_head(negotiation), negotiation.order_id, negotiation.contract_id)


@dataclass(frozen=True, slots=True)
class NegotiationAgreed(NegotiationContracted):
    """The deal is an order, and its contract is drafted."""


@dataclass(frozen=True, slots=True)
class NegotiationVerified(NegotiationContracted):
    """Both have signed."""


@dataclass(frozen=True, slots=True)
class NegotiationFinalized(NegotiationContracted):
    """The contract is in force."""


@dataclass(frozen=True, slots=True)
class NegotiationTerminated(NegotiationFact):
    """There is no deal: the ending says who brought that about, and why."""

    reason_code: str
    ending: Ending

    @classmethod
    def of(cls, negotiation: Negotiation) -> Self:
        """Requires the ending."""
        assert negotiation.ending
        return cls(*_head(negotiation), negotiation.ending.reason_code, negotiation.ending)


Head = tuple[NegotiationId, ListingId, ParticipantId, ParticipantId, State, datetime | None, int]


def _head(negotiation: Negotiation) -> Head:
    return (
        negotiation.id, negotiation.listing_id, negotiation.provider_id, negotiation.buyer_id, negotiation.state,
        negotiation.deadline, negotiation.revision,
    )  # fmt: skip
