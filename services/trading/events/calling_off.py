"""The fact that an operator proposes to call an auction off. The second one's yes is `AuctionCancelled`."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.calling_off import Proposal
from shared.facts import Category, Fact, Retention
from shared.ids import AuctionId


@dataclass(frozen=True, slots=True)
class CancellationProposed(Fact):
    """The first of two operators would call an auction off on this ground."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.AUCTION
    auction_id: AuctionId
    reason_code: str
    deadline: datetime

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        return cls(proposal.auction_id, proposal.ground, proposal.deadline)
