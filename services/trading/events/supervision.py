"""The facts of complaints, the credit record and sanctions.

What is personal of a complaint, and whom it names before anything is decided, stands here as salted commitments only:
its sender is told to nobody. Their actor is anonymous until an official acts. What a participant says to an entry or
to a notice, in words that may name people, stays in the tables.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.complaint import Complaint, Kind
from services.trading.rules.complaint import State as ComplaintState
from services.trading.rules.credit_record import Appeal, Entry, Source
from services.trading.rules.credit_record import Kind as CreditKind
from services.trading.rules.credit_record import State as AppealState
from services.trading.rules.sanction import Sanction
from services.trading.rules.sanction import State as SanctionState
from shared.facts import Category, Commitment, Fact
from shared.ids import ComplaintId, CreditAppealId, CreditEntryId, ParticipantId, SanctionId


@dataclass(frozen=True, slots=True)
class ComplaintReceived(Fact):
    """Someone says that something is wrong. `evidence` are digests of what they have to show."""

    category: ClassVar[Category] = Category.TRADE
    complaint_id: ComplaintId
    kind: Kind
    evidence: tuple[str, ...]
    about: Commitment | None
    narrative: Commitment
    contact: Commitment | None
    complainant: Commitment | None
    deadline: datetime | None
    provisional: bool
    revision: int


@dataclass(frozen=True, slots=True)
class ComplaintFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    complaint_id: ComplaintId
    kind: Kind
    state: ComplaintState
    next_actor: str | None
    escalations: int
    reason_code: str | None
    reason: str | None
    deadline: datetime | None
    provisional: bool
    revision: int

    @classmethod
    def of(cls, complaint: Complaint) -> Self:
        return cls(
            complaint.id, complaint.kind, complaint.state, complaint.next_actor, complaint.escalations,
            complaint.reason_code, complaint.reason, complaint.deadline, complaint.provisional, complaint.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ComplaintAccepted(ComplaintFact):
    """It is taken up."""


@dataclass(frozen=True, slots=True)
class ComplaintRejected(ComplaintFact):
    """It is not taken up: the reason says why."""


@dataclass(frozen=True, slots=True)
class ComplaintInvestigated(ComplaintFact):
    """Whoever handles it looks into it."""


@dataclass(frozen=True, slots=True)
class ComplaintDecided(ComplaintFact):
    """Upheld or not, with the reason. What is upheld against somebody is an entry of their record."""


@dataclass(frozen=True, slots=True)
class ComplaintEscalated(ComplaintFact):
    """A deadline was missed: it is the regulator's to handle now, or is so again."""


@dataclass(frozen=True, slots=True)
class ComplaintClosed(ComplaintFact):
    """Its outcome has been there to read for its time."""


@dataclass(frozen=True, slots=True)
class ComplaintParticularsErased(Fact):
    """What was personal of it is gone: the words, the contact, and what opened the commitments."""

    category: ClassVar[Category] = Category.TRADE
    complaint_id: ComplaintId


@dataclass(frozen=True, slots=True)
class CreditEntered(Fact):
    """A failure stands on a participant's record until it expires, or an entry is taken out by this one."""

    category: ClassVar[Category] = Category.TRADE
    credit_entry_id: CreditEntryId
    participant_id: ParticipantId
    kind: CreditKind
    points: int
    source_id: Source
    entered_by: str
    entered_at: datetime
    expires_at: datetime
    corrects: CreditEntryId | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(
            entry.id, entry.participant_id, entry.kind, entry.points, entry.source_id, entry.entered_by,
            entry.entered_at, entry.expires_at, entry.corrects,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AppealFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    credit_appeal_id: CreditAppealId
    credit_entry_id: CreditEntryId
    participant_id: ParticipantId
    evidence: tuple[str, ...]
    state: AppealState
    next_actor: str | None
    escalations: int
    decision_reason: str | None
    deadline: datetime | None
    provisional: bool
    revision: int

    @classmethod
    def of(cls, appeal: Appeal) -> Self:
        return cls(
            appeal.id, appeal.entry_id, appeal.participant_id, appeal.evidence, appeal.state, appeal.next_actor,
            appeal.escalations, appeal.decision_reason, appeal.deadline, appeal.provisional,
            appeal.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CreditAppealed(AppealFact):
    """A participant says that an entry of their record is wrong."""


@dataclass(frozen=True, slots=True)
class CreditAppealDecided(AppealFact):
    """Upheld, and then the entry is corrected; or dismissed."""


@dataclass(frozen=True, slots=True)
class CreditAppealEscalated(AppealFact):
    """Nobody decided in time: it is the regulator's now, or is so again."""


@dataclass(frozen=True, slots=True)
class SanctionFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    sanction_id: SanctionId
    participant_id: ParticipantId
    points: int
    state: SanctionState
    next_actor: str | None
    reason_code: str | None
    reason: str | None
    deadline: datetime | None
    provisional: bool
    revision: int

    @classmethod
    def of(cls, sanction: Sanction) -> Self:
        return cls(
            sanction.id, sanction.participant_id, sanction.points, sanction.state, sanction.next_actor,
            sanction.reason_code, sanction.reason, sanction.deadline, sanction.provisional,
            sanction.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SanctionProposed(SanctionFact):
    """A record has come to the threshold: its subject is told, and heard first."""


@dataclass(frozen=True, slots=True)
class SanctionAnswered(SanctionFact):
    """The subject was heard, or has said nothing in time: it is the operator's of security to decide."""


@dataclass(frozen=True, slots=True)
class SanctionImposed(SanctionFact):
    """Until its deadline the participant makes no new bids, orders or offers."""


@dataclass(frozen=True, slots=True)
class SanctionDropped(SanctionFact):
    """Nothing comes of it: the reason says why."""


@dataclass(frozen=True, slots=True)
class SanctionRevoked(SanctionFact):
    """A correction brought the record below the threshold."""


@dataclass(frozen=True, slots=True)
class SanctionEnded(SanctionFact):
    """Its time is up."""
