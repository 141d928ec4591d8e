"""What crosses the wire about credit records (信用记录) and sanctions (联合惩戒)."""

from datetime import datetime
from typing import Self

from services.trading.rules.credit_record import Appeal, Band, Entry, Kind, Standing
from services.trading.rules.credit_record import State as AppealState
from services.trading.rules.sanction import Sanction
from services.trading.rules.sanction import State as SanctionState
from services.trading.rules.supervision import SUPERVISION
from services.trading.schemas.complaints import Evidence, Reason
from shared.ids import CreditAppealId, CreditEntryId, ParticipantId, SanctionId
from shared.web import Request, View


class PublicCreditView(View):
    """A record as anyone sees it: its band, and how often what counts now, without anybody else in it."""

    participant_id: ParticipantId
    band: Band
    counts: dict[Kind, int]

    @classmethod
    def of(cls, participant_id: ParticipantId, standing: Standing) -> Self:
        return cls(participant_id=participant_id, band=standing.band, counts=dict(standing.counts))


class CreditView(PublicCreditView):
    """Your own record: from `threshold_points` on, a sanction is proposed."""

    points: int
    threshold_points: int

    @classmethod
    def of(cls, participant_id: ParticipantId, standing: Standing) -> Self:
        public = PublicCreditView.of(participant_id, standing).model_dump()
        return cls(**public, points=standing.points, threshold_points=SUPERVISION.threshold_points)


class CreditEntryView(View):
    id: CreditEntryId
    participant_id: ParticipantId
    kind: Kind
    points: int
    source_id: str
    entered_at: datetime
    expires_at: datetime
    corrects: CreditEntryId | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(
            id=entry.id, participant_id=entry.participant_id, kind=entry.kind, points=entry.points,
            source_id=entry.source_id, entered_at=entry.entered_at, expires_at=entry.expires_at,
            corrects=entry.corrects,
        )  # fmt: skip


class NewAppeal(Request):
    """`evidence` are SHA-256 of what you have to show."""

    reason: Reason
    evidence: Evidence = []


class AppealView(View):
    id: CreditAppealId
    entry_id: CreditEntryId
    participant_id: ParticipantId
    reason: str
    evidence: list[str]
    state: AppealState
    next_actor: str | None
    deadline: datetime | None
    deadline_is_provisional: bool
    decision_reason: str | None
    submitted_at: datetime

    @classmethod
    def of(cls, appeal: Appeal) -> Self:
        return cls(
            id=appeal.id, entry_id=appeal.entry_id, participant_id=appeal.participant_id, reason=appeal.reason,
            evidence=list(appeal.evidence), state=appeal.state, next_actor=appeal.next_actor,
            deadline=appeal.deadline, deadline_is_provisional=appeal.provisional,
            decision_reason=appeal.decision_reason, submitted_at=appeal.submitted_at,
        )  # fmt: skip


class NewAppealDecision(Request):
    upheld: bool
    reason: Reason


class NewStatement(Request):
    """What you have to say before anything is decided."""

    statement: Reason


class NewSanctionDecision(Request):
    reason: Reason


class SanctionView(View):
    """While it is imposed, the participant makes no new bids, orders or offers, until its deadline."""

    id: SanctionId
    participant_id: ParticipantId
    points: int
    state: SanctionState
    next_actor: str | None
    deadline: datetime | None
    deadline_is_provisional: bool
    statement: str | None
    reason_code: str | None
    reason: str | None
    notified_at: datetime

    @classmethod
    def of(cls, sanction: Sanction) -> Self:
        return cls(
            id=sanction.id, participant_id=sanction.participant_id, points=sanction.points, state=sanction.state,
            next_actor=sanction.next_actor, deadline=sanction.deadline, deadline_is_provisional=sanction.provisional,
            statement=sanction.statement, reason_code=sanction.reason_code, reason=sanction.reason,
            notified_at=sanction.notified_at,
        )  # fmt: skip
