"""What crosses the wire about delegations."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from services.identity.rules.delegation import Mandate, State
from services.identity.schemas.words import ReasonCode
from shared.delegation import Act, Limits
from shared.ids import AssetId, DelegationId, ListingId, ParticipantId
from shared.money import MINOR_MAX, Money
from shared.web import Moment, Request, View

NAMED_MAX = 50
Acts = Annotated[list[Annotated[Act, Field(strict=False)]], Field(min_length=1, max_length=len(Act))]


class Ceiling(Request):
    """The most that one act may come to."""

    minor: Annotated[int, Field(gt=0, le=MINOR_MAX)]
    currency: Literal["CNY"]


class NewDelegation(Request):
    """What the agent may do, and how far. Without `asset_ids` or `listing_ids`, any will do."""

    agent_id: ParticipantId
    acts: Acts
    begins_at: Moment
    ends_at: Moment
    asset_ids: Annotated[list[AssetId], Field(min_length=1, max_length=NAMED_MAX)] | None = None
    listing_ids: Annotated[list[ListingId], Field(min_length=1, max_length=NAMED_MAX)] | None = None
    amount_max: Ceiling | None = None

    def limits(self) -> Limits:
        return Limits(
            frozenset(self.acts), self.begins_at, self.ends_at,
            None if self.asset_ids is None else frozenset(self.asset_ids),
            None if self.listing_ids is None else frozenset(self.listing_ids),
            self.amount_max and Money(self.amount_max.minor, self.amount_max.currency),
        )  # fmt: skip


class DeclinedDelegation(Request):
    reason_code: ReasonCode


class CeilingView(View):
    minor: int
    currency: str


class DelegationView(View):
    id: DelegationId
    principal_id: ParticipantId
    agent_id: ParticipantId
    acts: list[Act]
    begins_at: datetime
    ends_at: datetime
    asset_ids: list[AssetId] | None
    listing_ids: list[ListingId] | None
    amount_max: CeilingView | None
    state: State
    deadline: datetime | None
    next_actor: str | None
    reason_code: str | None

    @classmethod
    def of(cls, mandate: Mandate) -> Self:
        terms, limits = mandate.terms, mandate.terms.limits
        return cls(
            id=terms.id, principal_id=terms.principal_id, agent_id=terms.agent_id, acts=sorted(limits.acts),
            begins_at=limits.begins_at, ends_at=limits.ends_at,
            asset_ids=None if limits.asset_ids is None else sorted(limits.asset_ids),
            listing_ids=None if limits.listing_ids is None else sorted(limits.listing_ids),
            amount_max=limits.amount_max and CeilingView.model_validate(limits.amount_max),
            state=mandate.state, deadline=mandate.deadline, next_actor=mandate.next_actor,
            reason_code=mandate.reason_code,
        )  # fmt: skip
