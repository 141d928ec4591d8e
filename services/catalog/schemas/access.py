"""What crosses the wire about access requests: the form, the decisions, and the request with every step of it."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.catalog.rules.access import DAYS_MAX, AccessRequest, Form, NextActor, State, Step
from services.catalog.schemas.versions import Code, Sentence
from shared.grades import Grade, Mode
from shared.ids import AccessRequestId, AssetId, ParticipantId, VersionId
from shared.web import Request, View

Purpose = Annotated[str, Limits(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ChosenMode = Annotated[Mode, Limits(strict=False)]


class NewAccessRequest(Request):
    """`days`: how long the access is wanted, from the approval on. `renews`: an approved request that this goes on."""

    version_id: VersionId
    mode: ChosenMode
    purpose: Purpose
    days: Annotated[int, Limits(ge=1, le=DAYS_MAX)]
    reason: Sentence
    renews: AccessRequestId | None = None

    def form(self) -> Form:
        return Form(self.mode, self.purpose, self.days, self.reason, self.renews)


class AccessApproval(Request):
    reason: Sentence


class AccessRefusal(Request):
    reason_code: Code
    reason: Sentence


class TakenView(View):
    step: Step
    at: datetime
    reason: str | None


class AccessRequestView(View):
    """`grade`: the version's at the last decision; an approval holds up to it, and until `deadline`."""

    id: AccessRequestId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    mode: Mode
    purpose: str
    days: int
    reason: str
    renews: AccessRequestId | None
    state: State
    next_actor: NextActor | None
    deadline: datetime | None
    grade: Grade
    reason_code: str | None
    steps: list[TakenView]

    @classmethod
    def of(cls, asked: AccessRequest) -> Self:
        form = asked.form
        return cls(
            id=asked.id, asset_id=asked.asset_id, version_id=asked.version_id, provider_id=asked.provider_id,
            buyer_id=asked.buyer_id, mode=form.mode, purpose=form.purpose, days=form.days, reason=form.reason,
            renews=form.renews, state=asked.state, next_actor=asked.next_actor, deadline=asked.deadline,
            grade=asked.grade, reason_code=asked.reason_code,
            steps=[TakenView(step=taken.step, at=taken.at, reason=taken.reason) for taken in asked.steps],
        )  # fmt: skip


class ApprovedAccess(View):
    """What stands approved of a version for one participant, for a neighbouring service."""

    request_id: AccessRequestId
    mode: Mode
    purpose: str
    until: datetime
