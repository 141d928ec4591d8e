"""What crosses the wire about freeze orders (冻结令)."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import StringConstraints, model_validator

from services.trading.rules.freeze import Basis, Freeze, Ground, LiftGround, Scope, State
from shared.ids import AssetId, FreezeId, ListingId, OrderId, ParticipantId
from shared.web import Moment, Request, View

ChosenScope = Annotated[Scope, Limits(strict=False)]
ChosenGround = Annotated[Ground, Limits(strict=False)]
ChosenLiftGround = Annotated[LiftGround, Limits(strict=False)]
LegalBasis = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class NewFreeze(Request):
    """`scope` says what is held; the id of just that is named: of a participant for `participant` and `wallet`, of an
    asset, a listing or an order for those. `legal_basis` names the articles, `case_reference` the regulator's case."""

    scope: ChosenScope
    participant_id: ParticipantId | None = None
    asset_id: AssetId | None = None
    listing_id: ListingId | None = None
    order_id: OrderId | None = None
    ground: ChosenGround
    legal_basis: LegalBasis
    case_reference: Reference | None = None
    expires_at: Moment

    @model_validator(mode="after")
    def _names_what_it_holds(self) -> Self:
        named = {
            Scope.PARTICIPANT: self.participant_id, Scope.WALLET: self.participant_id, Scope.ASSET: self.asset_id,
            Scope.LISTING: self.listing_id, Scope.ORDER: self.order_id,
        }  # fmt: skip
        given = [each for each in (self.participant_id, self.asset_id, self.listing_id, self.order_id) if each]
        if given != [named[self.scope]]:
            raise ValueError("a freeze order names just what its scope holds")
        return self

    @property
    def subject_id(self) -> str:
        return str(self.participant_id or self.asset_id or self.listing_id or self.order_id)

    def basis(self) -> Basis:
        return Basis(self.ground, self.legal_basis, self.case_reference)


class NewLifting(Request):
    ground: ChosenLiftGround


class FreezeView(View):
    """What is held, on which basis, from when and until when at most. It names nobody who signed it to those it
    concerns; `lifting_ground` stands while lifting is proposed."""

    id: FreezeId
    scope: Scope
    subject_id: str
    ground: Ground
    legal_basis: str
    state: State
    next_actor: str | None
    deadline: datetime | None
    in_force_at: datetime | None
    expires_at: datetime
    ended_at: datetime | None
    lifting_ground: LiftGround | None
    reason_code: str | None
    proposed_at: datetime
    case_reference: str | None
    proposed_by: str | None
    confirmed_by: str | None

    @classmethod
    def of(cls, freeze: Freeze, *, for_supervisors: bool) -> Self:
        held, basis, shown = freeze.held, freeze.basis, for_supervisors
        return cls(
            id=freeze.id, scope=held.scope, subject_id=held.subject_id, ground=basis.ground,
            legal_basis=basis.legal_basis, state=freeze.state, next_actor=freeze.next_actor, deadline=freeze.deadline,
            in_force_at=freeze.in_force_at, expires_at=freeze.expires_at, ended_at=freeze.ended_at,
            lifting_ground=freeze.lifting and freeze.lifting.ground, reason_code=freeze.reason_code,
            proposed_at=freeze.proposed_at, case_reference=basis.case_reference if shown else None,
            proposed_by=freeze.proposed_by if shown else None, confirmed_by=freeze.confirmed_by if shown else None,
        )  # fmt: skip
