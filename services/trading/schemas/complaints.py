"""What crosses the wire about complaints (投诉举报). What is personal of one, only those see who handle it."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import StringConstraints, model_validator

from services.trading.rules.complaint import About, Complaint, Kind, Rejection, State
from shared.ids import AssetId, ComplaintId, ListingId, OrderId, ParticipantId
from shared.web import Request, View

EVIDENCE_MAX = 20
ChosenKind = Annotated[Kind, Limits(strict=False)]
ChosenRejection = Annotated[Rejection, Limits(strict=False)]
Narrative = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=4000)]
Contact = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Evidence = Annotated[list[Digest], Limits(max_length=EVIDENCE_MAX)]


class NewComplaint(Request):
    """Names a participant, an asset, a listing or an order, if you know one: it is not looked up. `evidence` are
    SHA-256 of what you have to show. `contact` is how we may reach you, if you want to be reached."""

    kind: ChosenKind
    narrative: Narrative
    participant_id: ParticipantId | None = None
    asset_id: AssetId | None = None
    listing_id: ListingId | None = None
    order_id: OrderId | None = None
    contact: Contact | None = None
    evidence: Evidence = []

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Self:
        if len([each for each in self._named() if each]) > 1:
            raise ValueError("a complaint is about one thing")
        return self

    def about(self) -> About | None:
        return next((each for each in self._named() if each), None)

    def _named(self) -> tuple[About | None, ...]:
        return self.participant_id, self.asset_id, self.listing_id, self.order_id


class ReceiptView(View):
    """Keep both: `id` is the number of your complaint, `code` shows it to you and to nobody else."""

    id: ComplaintId
    code: str
    state: State
    deadline: datetime | None
    received_at: datetime

    @classmethod
    def of(cls, complaint: Complaint, code: str) -> Self:
        return cls(
            id=complaint.id, code=code, state=complaint.state, deadline=complaint.deadline,
            received_at=complaint.received_at,
        )  # fmt: skip


class ComplaintStateView(View):
    """How it stands, as its sender sees it: who acts next and by when, and in the end why it came out as it did.
    `deadline_is_provisional`: the holidays on the way are not announced yet."""

    id: ComplaintId
    kind: Kind
    state: State
    next_actor: str | None
    deadline: datetime | None
    deadline_is_provisional: bool
    reason_code: str | None
    reason: str | None
    received_at: datetime

    @classmethod
    def of(cls, complaint: Complaint) -> Self:
        return cls(
            id=complaint.id, kind=complaint.kind, state=complaint.state, next_actor=complaint.next_actor,
            deadline=complaint.deadline, deadline_is_provisional=complaint.provisional,
            reason_code=complaint.reason_code, reason=complaint.reason, received_at=complaint.received_at,
        )  # fmt: skip


class ComplaintView(ComplaintStateView):
    """As those see it who handle it."""

    about: str | None
    evidence: list[str]
    complainant_id: ParticipantId | None
    respondent_id: ParticipantId | None
    escalations: int

    @classmethod
    def of(cls, complaint: Complaint) -> Self:
        return cls(
            **ComplaintStateView.of(complaint).model_dump(), about=complaint.about, evidence=list(complaint.evidence),
            complainant_id=complaint.complainant_id, respondent_id=complaint.respondent_id,
            escalations=complaint.escalations,
        )  # fmt: skip


class ComplaintFileView(View):
    """A complaint with its words; null once they are erased."""

    complaint: ComplaintView
    narrative: str | None
    contact: str | None


class NewRejection(Request):
    ground: ChosenRejection
    reason: Reason


class NewDecision(Request):
    """`respondent_id`: against whom it is upheld, if anyone of this market; it stands on their record then."""

    upheld: bool
    reason: Reason
    respondent_id: ParticipantId | None = None
