"""The facts of a need: what a buyer looks for, and how the search ended. A budget that is not open stays sealed."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self

from services.trading.events.inquiry import sealed_budget
from services.trading.rules.need import Need, State, Wanted
from shared.facts import Category, Commitment, Fact, Retention
from shared.ids import InquiryId, NeedId, ParticipantId


@dataclass(frozen=True, slots=True)
class NeedPublished(Fact):
    """A buyer says what they look for. `wanted` has the budget only if it is open."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.INQUIRY
    need_id: NeedId
    buyer_id: ParticipantId
    wanted: Wanted
    budget: Commitment | None
    published_at: datetime
    deadline: datetime | None

    @classmethod
    def of(cls, need: Need, budget_salt: str | None) -> Self:
        wanted = need.wanted if need.wanted.budget_is_open else replace(need.wanted, budget=None)
        sealed = sealed_budget(need.wanted.budget, budget_salt)
        return cls(need.id, need.buyer_id, wanted, sealed, need.published_at, need.deadline)


@dataclass(frozen=True, slots=True)
class NeedEnded(Fact):
    """A need is closed, expired, or became an inquiry: the state says which."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.INQUIRY
    need_id: NeedId
    buyer_id: ParticipantId
    state: State
    reason_code: str | None
    inquiry_id: InquiryId | None
    revision: int

    @classmethod
    def of(cls, need: Need) -> Self:
        return cls(need.id, need.buyer_id, need.state, need.reason_code, need.inquiry_id, need.revision)
